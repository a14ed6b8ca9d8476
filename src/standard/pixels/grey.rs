//! The samples of a frame as values of 16 bits that begin at 0: one form for all depths, signs and colours.

use crate::codec::{CodecFault, Colour, Decoded, FrameShape};

/// One frame, row by row: of colours their luminance, of a palette its indices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Grey {
    /// Pixels in a row, at least 1.
    pub(super) columns: usize,
    /// One a pixel.
    pub(super) values: Vec<u16>,
    /// What the values stand for.
    pub(super) scale: Scale,
}

/// How values of 16 bits stand for stored values: `low + (value << shift)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scale {
    low: i64,
    /// 0 unless more than 16 bits are stored; then stored values are told to 1 part in 65,536.
    shift: u32,
}

impl Scale {
    pub(super) fn of(shape: &FrameShape) -> Self {
        Self { low: shape.range().0, shift: u32::from(shape.stored).saturating_sub(16) }
    }

    /// The stored value.
    pub(super) fn stored(self, value: u16) -> i64 {
        self.low + (i64::from(value) << self.shift)
    }

    /// The value that stands for a stored one; that of the nearest end where it is out of range.
    pub(super) fn value(self, stored: i64) -> u16 {
        let value = stored.saturating_sub(self.low) >> self.shift;
        value.clamp(0, i64::from(u16::MAX)) as u16
    }
}

impl Grey {
    /// Of a decoded frame.
    ///
    /// # Errors
    /// [`CodecFault::Mismatch`] when the samples are not those of the shape.
    pub(super) fn of(decoded: &Decoded, shape: &FrameShape) -> Result<Self, CodecFault> {
        let single = decoded.colour == Colour::Single;
        let fits = decoded.samples.len() == shape.decoded_bytes()?
            && usize::from(decoded.sample_bytes) == shape.sample_bytes()
            && single == (shape.samples() == 1);
        if !fits {
            return Err(CodecFault::Mismatch);
        }
        let samples = decoded.samples.as_slice();
        let (scale, values) = match decoded.colour {
            Colour::Single => (Scale::of(shape), singles(samples, shape)),
            // Colours are unsigned (PS3.3 C.7.6.3.1.2).
            Colour::Rgb => {
                let shape = FrameShape { signed: false, ..*shape };
                let parts = parts(samples, &shape);
                (Scale::of(&shape), parts.map(luminance).collect())
            }
            Colour::Ybr => {
                let shape = FrameShape { signed: false, ..*shape };
                (Scale::of(&shape), parts(samples, &shape).map(|[y, _, _]| y).collect())
            }
        };
        Ok(Self { columns: usize::from(shape.columns).max(1), values, scale })
    }

    /// Its rows.
    pub(super) fn rows(&self) -> std::slice::ChunksExact<'_, u16> {
        self.values.chunks_exact(self.columns)
    }
}

fn singles(samples: &[u8], shape: &FrameShape) -> Vec<u16> {
    let low = shape.range().0;
    match shape.sample_bytes() {
        1 if shape.signed => {
            samples.iter().map(|byte| (i64::from(byte.cast_signed()) - low) as u16).collect()
        }
        1 => samples.iter().map(|byte| u16::from(*byte)).collect(),
        2 => {
            let low = low as u16;
            let pairs = samples.as_chunks::<2>().0.iter();
            pairs.map(|pair| u16::from_le_bytes(*pair).wrapping_sub(low)).collect()
        }
        _ => {
            let scale = Scale::of(shape);
            let fours = samples.as_chunks::<4>().0.iter();
            fours
                .map(|four| match shape.signed {
                    true => scale.value(i64::from(i32::from_le_bytes(*four))),
                    false => scale.value(i64::from(u32::from_le_bytes(*four))),
                })
                .collect()
        }
    }
}

/// The three samples of each pixel.
fn parts<'s>(samples: &'s [u8], shape: &FrameShape) -> impl Iterator<Item = [u16; 3]> + 's {
    let (width, scale) = (shape.sample_bytes(), Scale::of(shape));
    samples.chunks_exact(3 * width).map(move |pixel| {
        let mut parts = [0; 3];
        for (part, bytes) in parts.iter_mut().zip(pixel.chunks_exact(width)) {
            let value = bytes.iter().rev().fold(0_i64, |all, byte| all << 8 | i64::from(*byte));
            *part = scale.value(value);
        }
        parts
    })
}

/// Rec. 601, in parts of 256.
fn luminance([red, green, blue]: [u16; 3]) -> u16 {
    ((77 * u32::from(red) + 150 * u32::from(green) + 29 * u32::from(blue)) >> 8) as u16
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::dicom::photometric::Photometric;

    /// Two rows of two pixels.
    pub(in crate::standard::pixels) fn shape(
        allocated: u8,
        stored: u8,
        signed: bool,
    ) -> FrameShape {
        FrameShape {
            rows: 2,
            columns: 2,
            photometric: Photometric::Monochrome2,
            allocated,
            stored,
            high_bit: stored - 1,
            signed,
            planar: false,
        }
    }

    #[track_caller]
    fn check(shape: FrameShape, colour: Colour, samples: Vec<u8>, want: Option<[i64; 4]>) {
        let decoded = Decoded { colour, sample_bytes: shape.sample_bytes() as u8, samples };
        let grey = Grey::of(&decoded, &shape).ok();
        let stored =
            grey.map(|grey| grey.values.iter().map(|value| grey.scale.stored(*value)).collect());
        assert_eq!(stored, want.map(|want| want.to_vec()));
    }

    #[test]
    fn stored_values_are_what_they_were() {
        check(shape(8, 8, false), Colour::Single, vec![0, 1, 254, 255], Some([0, 1, 254, 255]));
        check(shape(8, 8, true), Colour::Single, vec![0, 127, 128, 255], Some([0, 127, -128, -1]));
        check(shape(1, 1, false), Colour::Single, vec![0, 1, 1, 0], Some([0, 1, 1, 0]));
        let words = |words: [i16; 4]| words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let want = Some([-2048, -1, 0, 2047]);
        check(shape(16, 12, true), Colour::Single, words([-2048, -1, 0, 2047]), want);
        let want = Some([0, 1, 32_768, 65_535]);
        check(shape(16, 16, false), Colour::Single, words([0, 1, i16::MIN, -1]), want);
    }

    #[test]
    fn more_than_16_bits_are_told_to_one_part_in_65536() {
        let words = |words: [u32; 4]| words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let want = Some([0, 0, 1 << 31, (1 << 32) - 65_536]);
        check(shape(32, 32, false), Colour::Single, words([0, 65_535, 1 << 31, u32::MAX]), want);
    }

    #[test]
    fn colours_are_told_by_their_luminance() {
        let colours = FrameShape { photometric: Photometric::Rgb, ..shape(8, 8, false) };
        let pixels = vec![255, 255, 255, 0, 0, 0, 255, 0, 0, 0, 0, 255];
        check(colours, Colour::Rgb, pixels.clone(), Some([255, 0, 76, 28]));
        check(colours, Colour::Ybr, pixels, Some([255, 0, 255, 0]));
    }

    #[test]
    fn samples_of_another_shape_are_refused() {
        check(shape(16, 12, false), Colour::Single, vec![0; 7], None);
        check(shape(8, 8, false), Colour::Rgb, vec![0; 12], None);
        check(shape(8, 8, false), Colour::Single, Vec::new(), None);
    }
}
