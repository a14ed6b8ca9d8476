//! Applies a plan to the bytes it was made for, as a stream.
