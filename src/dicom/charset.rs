//! Character sets: Specific Character Set (0008,0005), ISO 2022 code extensions, and the Chinese encodings.
