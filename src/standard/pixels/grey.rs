//! The samples of a frame as values of 16 bits that begin at 0: one form for all depths, signs and colours.

use crate::codec::{CodecFault, Colour, FrameShape};

use super::source::Strip;

/// How values of 16 bits stand for stored values: `low + (value << shift)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scale {
    low: i64,
    /// 0 unless more than 16 bits are stored; then stored values are told to 1 part in 65,536.
    shift: u32,
    /// The stored values, from the first to the last, that mean "no pixel here".
    padding: Option<(i64, i64)>,
}

impl Scale {
    /// Of samples of this kind. Colours are unsigned (PS3.3 C.7.6.3.1.2).
    pub(super) fn of(shape: &FrameShape) -> Self {
        let signed = shape.signed && shape.samples() == 1;
        let (low, _) = FrameShape { signed, ..*shape }.range();
        Self { low, shift: u32::from(shape.stored).saturating_sub(16), padding: None }
    }

    /// The same where these stored values, from the first to the last, are padding: their values stand for no others.
    pub(super) fn padded(self, padding: Option<(i64, i64)>) -> Self {
        Self { padding, ..self }
    }

    /// The first and the last value that stand for padding.
    pub(super) fn padding(self) -> Option<(u16, u16)> {
        self.padding.map(|(low, high)| (self.nearest(low), self.nearest(high)))
    }

    /// The stored value.
    pub(super) fn stored(self, value: u16) -> i64 {
        self.low + (i64::from(value) << self.shift)
    }

    /// The value that stands for a stored one; that of the nearest end where it is out of range. What would share one with padding
    /// and is none has the next.
    pub(super) fn value(self, stored: i64) -> u16 {
        let value = self.nearest(stored);
        match (self.padding, self.padding()) {
            (Some((low, high)), Some((first, last)))
                if (first..=last).contains(&value) && !(low..=high).contains(&stored) =>
            {
                let (below, above) = (first.checked_sub(1), last.checked_add(1));
                let next = if stored < low { below.or(above) } else { above.or(below) };
                next.unwrap_or(value)
            }
            _ => value,
        }
    }

    fn nearest(self, stored: i64) -> u16 {
        let value = stored.saturating_sub(self.low) >> self.shift;
        value.clamp(0, i64::from(u16::MAX)) as u16
    }
}

/// Bytes that a row of decoded samples takes.
pub(super) fn row_bytes(shape: &FrameShape) -> usize {
    usize::from(shape.columns) * shape.samples() * shape.sample_bytes()
}

/// Whether a strip has whole rows of such samples.
///
/// # Errors
/// [`CodecFault::Mismatch`] when it has not.
pub(super) fn check(strip: &Strip<'_>, shape: &FrameShape) -> Result<(), CodecFault> {
    let single = strip.colour == Colour::Single;
    let fits = usize::from(strip.sample_bytes) == shape.sample_bytes()
        && single == (shape.samples() == 1)
        && strip.samples.len().is_multiple_of(row_bytes(shape).max(1));
    if fits { Ok(()) } else { Err(CodecFault::Mismatch) }
}

/// Adds the values of samples that were [checked](check), one a pixel: of colours their luminance, of a palette its indices.
pub(super) fn append(
    values: &mut Vec<u16>,
    samples: &[u8],
    colour: Colour,
    shape: &FrameShape,
    scale: Scale,
) {
    let width = shape.sample_bytes();
    match (colour, width) {
        (Colour::Single, 1) if shape.signed => {
            let low = scale.low as i16;
            let bytes = samples.iter().map(|byte| i16::from(byte.cast_signed()));
            values.extend(bytes.map(|value| (value - low).cast_unsigned()));
        }
        (Colour::Single, 1) => {
            values.extend(samples.iter().map(|byte| u16::from(*byte)));
        }
        (Colour::Single, 2) => {
            let low = scale.low as u16;
            let pairs = samples.as_chunks::<2>().0.iter();
            values.extend(pairs.map(|pair| u16::from_le_bytes(*pair).wrapping_sub(low)));
        }
        (Colour::Single, _) => {
            let fours = samples.as_chunks::<4>().0.iter();
            values.extend(fours.map(|four| match shape.signed {
                true => scale.value(i64::from(i32::from_le_bytes(*four))),
                false => scale.value(i64::from(u32::from_le_bytes(*four))),
            }));
        }
        (Colour::Rgb, 1) => {
            let pixels = samples.as_chunks::<3>().0.iter();
            values.extend(pixels.map(|[red, green, blue]| {
                luminance([u16::from(*red), u16::from(*green), u16::from(*blue)])
            }));
        }
        (Colour::Ybr, 1) => {
            values.extend(samples.as_chunks::<3>().0.iter().map(|[y, _, _]| u16::from(*y)));
        }
        (Colour::Rgb, _) => values.extend(parts(samples, width, scale).map(luminance)),
        (Colour::Ybr, _) => values.extend(parts(samples, width, scale).map(|[y, _, _]| y)),
    }
}

/// The three samples of each pixel.
fn parts(samples: &[u8], width: usize, scale: Scale) -> impl Iterator<Item = [u16; 3]> + '_ {
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
mod tests {
    use super::*;
    use crate::dicom::photometric::Photometric;

    /// Two rows of two pixels.
    fn shape(allocated: u8, stored: u8, signed: bool) -> FrameShape {
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
    fn check(shape: FrameShape, colour: Colour, samples: &[u8], want: Option<[i64; 4]>) {
        let strip =
            Strip { colour, sample_bytes: shape.sample_bytes() as u8, samples, stray_bits: None };
        let stored = super::check(&strip, &shape).ok().map(|()| {
            let mut values = Vec::new();
            let scale = Scale::of(&shape);
            append(&mut values, samples, colour, &shape, scale);
            values.into_iter().map(|value| scale.stored(value)).collect()
        });
        assert_eq!(stored, want.map(|want| want.to_vec()));
    }

    #[test]
    fn stored_values_are_what_they_were() {
        check(shape(8, 8, false), Colour::Single, &[0, 1, 254, 255], Some([0, 1, 254, 255]));
        check(shape(8, 8, true), Colour::Single, &[0, 127, 128, 255], Some([0, 127, -128, -1]));
        check(shape(1, 1, false), Colour::Single, &[0, 1, 1, 0], Some([0, 1, 1, 0]));
        let words = |words: [i16; 4]| -> Vec<u8> {
            words.iter().flat_map(|word| word.to_le_bytes()).collect()
        };
        let want = Some([-2048, -1, 0, 2047]);
        check(shape(16, 12, true), Colour::Single, &words([-2048, -1, 0, 2047]), want);
        let want = Some([0, 1, 32_768, 65_535]);
        check(shape(16, 16, false), Colour::Single, &words([0, 1, i16::MIN, -1]), want);
    }

    #[test]
    fn more_than_16_bits_are_told_to_one_part_in_65536() {
        let words = |words: [u32; 4]| -> Vec<u8> {
            words.iter().flat_map(|word| word.to_le_bytes()).collect()
        };
        let want = Some([0, 0, 1 << 31, (1 << 32) - 65_536]);
        check(shape(32, 32, false), Colour::Single, &words([0, 65_535, 1 << 31, u32::MAX]), want);
    }

    #[test]
    fn what_lies_beside_padding_is_none_however_many_bits_are_stored() {
        let check = |padding: (i64, i64), stored: [i64; 3], want: [bool; 3]| {
            let scale = Scale::of(&shape(32, 32, true)).padded(Some(padding));
            let (first, last) = scale.padding().expect("padding");
            let found = stored.map(|stored| (first..=last).contains(&scale.value(stored)));
            assert_eq!(found, want, "{padding:?}");
        };
        check((-2000, -2000), [-2001, -2000, -1999], [false, true, false]);
        check((-2000, 90_000), [-2001, 90_000, 90_001], [false, true, false]);
        let low = i64::from(i32::MIN);
        check((low, low), [low, low + 1, low + 65_536], [true, false, false]);
        check((low + 5, low + 5), [low, low + 5, low + 6], [false, true, false]);
        let high = i64::from(i32::MAX);
        check((high, high), [high - 65_536, high - 1, high], [false, false, true]);
    }

    #[test]
    fn colours_are_told_by_their_luminance() {
        let colours = FrameShape { photometric: Photometric::Rgb, ..shape(8, 8, false) };
        let pixels = vec![255, 255, 255, 0, 0, 0, 255, 0, 0, 0, 0, 255];
        check(colours, Colour::Rgb, &pixels, Some([255, 0, 76, 28]));
        check(colours, Colour::Ybr, &pixels, Some([255, 0, 255, 0]));
    }

    #[test]
    fn samples_of_another_shape_are_refused() {
        check(shape(16, 12, false), Colour::Single, &[0; 7], None);
        check(shape(8, 8, false), Colour::Rgb, &[0; 12], None);
        check(shape(16, 12, false), Colour::Single, &[0; 2], None);
    }
}
