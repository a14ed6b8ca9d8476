//! Samples as a codestream has them, before Bits Stored is asked.
//!
//! A codestream has a depth and a sign of its own, which may be more than the data set says: bits above Bits Stored can hold an
//! overlay (PS3.5 8.1.1), or another make of the sign. Repainting works on these samples, so that such bits survive.

use super::{CodecFault, Colour, Decoded, FrameShape, Tile};

/// All samples of a frame: row by row, pixel by pixel, sample by sample.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Raster {
    /// Least significant byte first, [`FrameShape::sample_bytes`] each, filled up with the sign where `signed`, else with zero.
    pub(super) samples: Vec<u8>,
    /// Bits of a sample in the codestream.
    pub(super) precision: u8,
    /// Whether the codestream itself says two's complement.
    pub(super) signed: bool,
}

/// Where the stored bits stand in a sample of a codestream, and what surrounds them.
#[derive(Debug, Clone, Copy)]
struct Field {
    shift: u32,
    mask: u32,
    /// The topmost stored bit, where it stands in the sample.
    sign: u32,
    /// Bits above the stored ones.
    above: u32,
}

impl Field {
    fn of(shape: &FrameShape, precision: u8, signed: bool) -> Result<Self, CodecFault> {
        let shift = u32::from(shape.high_bit) + 1 - u32::from(shape.stored);
        // With fewer bits than the container, the codestream's sample is right-aligned and High Bit cannot be met.
        let whole = u32::from(precision) == container(shape);
        if precision == 0 || u32::from(precision) > container(shape) || (shift > 0 && !whole) {
            return Err(CodecFault::Mismatch);
        }
        // Bits above the codestream's sign are not there, so the sign of the stored value is unknown.
        if shape.signed && !signed && precision < shape.stored {
            return Err(CodecFault::Mismatch);
        }
        let low = ones(shift + u32::from(shape.stored));
        let reach = if signed { container(shape) } else { u32::from(precision) };
        Ok(Self {
            shift,
            mask: ones(u32::from(shape.stored)) << shift,
            sign: 1 << (shift + u32::from(shape.stored) - 1),
            above: ones(reach) & !low,
        })
    }

    /// Makes each sample of `width` bytes its stored value, extended with its sign or with zeros.
    fn values(self, samples: &mut [u8], width: usize, signed: bool) {
        // Shifted to the top and back, each sample as wide as it is: many go into one register.
        let (used, stored) = (self.mask.leading_zeros(), self.mask.count_ones());
        macro_rules! values {
            ($unsigned:ident, $signed:ident) => {{
                let up = used - (u32::BITS - $unsigned::BITS);
                let down = $unsigned::BITS - stored;
                for bytes in samples.as_chunks_mut::<{ size_of::<$unsigned>() }>().0 {
                    let top = $unsigned::from_le_bytes(*bytes) << up;
                    let value =
                        if signed { (top as $signed >> down) as $unsigned } else { top >> down };
                    *bytes = value.to_le_bytes();
                }
            }};
        }
        match width {
            1 => values!(u8, i8),
            2 => values!(u16, i16),
            _ => values!(u32, i32),
        }
    }

    /// The sample with another stored value. Bits around it stay, but those that only repeat the sign follow it.
    fn with(self, sample: u32, value: u32, signed: bool) -> u32 {
        let fill = |sample: u32| if sample & self.sign == 0 { 0 } else { self.above };
        let painted = (sample & !self.mask) | ((value << self.shift) & self.mask);
        if signed && sample & self.above == fill(sample) {
            (painted & !self.above) | fill(painted)
        } else {
            painted
        }
    }
}

fn ones(bits: u32) -> u32 {
    if bits >= 32 { u32::MAX } else { (1 << bits) - 1 }
}

/// Bits of the container of a decoded sample; of one-bit samples the bit itself.
fn container(shape: &FrameShape) -> u32 {
    u32::from(shape.allocated)
}

fn load(sample: &[u8]) -> u32 {
    let mut bytes = [0; 4];
    for (to, from) in bytes.iter_mut().zip(sample) {
        *to = *from;
    }
    u32::from_le_bytes(bytes)
}

fn store(sample: &mut [u8], value: u32) {
    for (to, from) in sample.iter_mut().zip(value.to_le_bytes()) {
        *to = from;
    }
}

/// Replaces each sample of so many bytes, at the speed of samples whose width is known.
fn each(samples: &mut [u8], width: usize, of: impl Fn(u32) -> u32) {
    match width {
        1 => samples.iter_mut().for_each(|sample| *sample = of(u32::from(*sample)) as u8),
        2 => samples.as_chunks_mut::<2>().0.iter_mut().for_each(|sample| {
            *sample = (of(u32::from(u16::from_le_bytes(*sample))) as u16).to_le_bytes();
        }),
        _ => samples.as_chunks_mut::<4>().0.iter_mut().for_each(|sample| {
            *sample = of(u32::from_le_bytes(*sample)).to_le_bytes();
        }),
    }
}

/// What a value is in `bits` bits of two's complement, extended over 32.
fn sign_extended(value: u32, bits: u8) -> u32 {
    let unused = 32u32.saturating_sub(u32::from(bits));
    (((value << unused) as i32) >> unused) as u32
}

impl Raster {
    /// The value of the sample that begins at `at` in a pixel and has `width` bytes, as the codestream means it.
    pub(super) fn value(&self, pixel: &[u8], at: usize, width: usize) -> i32 {
        let value = load(pixel.get(at..at + width).unwrap_or_default());
        (if self.signed { sign_extended(value, (width * 8) as u8) } else { value }) as i32
    }

    /// The stored values alone.
    pub(super) fn decoded(mut self, shape: &FrameShape) -> Result<Decoded, CodecFault> {
        let field = Field::of(shape, self.precision, self.signed)?;
        let width = shape.sample_bytes();
        let already = field.shift == 0
            && if shape.signed {
                shape.stored == shape.allocated || (self.signed && self.precision <= shape.stored)
            } else {
                !self.signed && self.precision <= shape.stored
            };
        if !already {
            field.values(&mut self.samples, width, shape.signed);
        }
        Ok(Decoded { colour: colour(shape), sample_bytes: width as u8, samples: self.samples })
    }

    /// Stored values as samples of `precision` bits.
    pub(super) fn of(
        decoded: &Decoded,
        shape: &FrameShape,
        precision: u8,
        signed: bool,
    ) -> Result<Self, CodecFault> {
        let field = Field::of(shape, precision, signed)?;
        let width = shape.sample_bytes();
        if decoded.samples.len() != shape.decoded_bytes()?
            || usize::from(decoded.sample_bytes) != width
        {
            return Err(CodecFault::Mismatch);
        }
        let mut samples = decoded.samples.clone();
        if shape.signed || field.shift > 0 {
            each(&mut samples, width, |value| field.with(0, value, shape.signed));
        }
        Ok(Self { samples, precision, signed })
    }

    /// Paints a tile on it.
    pub(super) fn paint(&mut self, shape: &FrameShape, tile: &Tile) -> Result<(), CodecFault> {
        tile.fits(shape)?;
        let field = Field::of(shape, self.precision, self.signed)?;
        let width = shape.sample_bytes();
        let pixel_bytes = width * shape.samples();
        let row_bytes = pixel_bytes * usize::from(shape.columns);
        let neutral = neutral(shape);
        let rows = self.samples.chunks_exact_mut(row_bytes).skip(usize::from(tile.y));
        for (row, shades) in rows.zip(tile.rows()) {
            let pixels = row.chunks_exact_mut(pixel_bytes).skip(usize::from(tile.x));
            for (pixel, shade) in pixels.zip(shades) {
                let Some(shade) = *shade else { continue };
                let shades = [Some(shade), neutral, neutral];
                for (sample, other) in pixel.chunks_exact_mut(width).zip(shades) {
                    let value = other.unwrap_or(shade) as u32;
                    let painted = field.with(load(sample), value, shape.signed);
                    // What the codestream's depth cannot hold would not come back.
                    let held = if self.signed {
                        sign_extended(painted, self.precision)
                            == sign_extended(painted, (width * 8) as u8)
                    } else {
                        painted & !ones(u32::from(self.precision)) == 0
                    };
                    if !held {
                        return Err(CodecFault::BadTile);
                    }
                    store(sample, painted);
                }
            }
        }
        Ok(())
    }

    /// Puts the rows of a tile below it and gives the shape of the whole.
    pub(super) fn extend(
        &mut self,
        shape: &FrameShape,
        tile: &Tile,
    ) -> Result<FrameShape, CodecFault> {
        let longer = tile.extends(shape)?;
        self.samples.resize(longer.decoded_bytes()?, 0);
        let below = Tile { y: shape.rows, ..tile.clone() };
        self.paint(&longer, &below)?;
        Ok(longer)
    }
}

/// What the samples of a decoded frame mean: the transform that a JPEG 2000 codestream applies has been undone.
pub(super) fn colour(shape: &FrameShape) -> Colour {
    use crate::dicom::photometric::Photometric;
    match shape.photometric {
        Photometric::Monochrome1 | Photometric::Monochrome2 | Photometric::PaletteColor => {
            Colour::Single
        }
        Photometric::Rgb | Photometric::YbrIct | Photometric::YbrRct | Photometric::Xyb => {
            Colour::Rgb
        }
        Photometric::YbrFull | Photometric::YbrFull422 | Photometric::YbrPartial420 => Colour::Ybr,
    }
}

/// The shade of the second and third sample of a painted pixel, where it is not that of the first.
pub(super) fn neutral(shape: &FrameShape) -> Option<i32> {
    (colour(shape) == Colour::Ybr).then(|| 1i32 << (shape.stored - 1).min(30))
}
