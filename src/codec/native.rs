//! Native frames (PS3.5 8.1.1, 8.2): samples as they stand in Pixel Data.
//!
//! A frame begins at a byte: one-bit frames of a multi-frame image follow each other bit by bit (PS3.5 8.1.1), so whoever cuts
//! them out of Pixel Data shifts them to the byte first. Eight-bit samples stand one in a byte, in the order of VR OB; where a
//! big-endian data set has them as words (VR OW), whoever cuts them out swaps them. Twelve bits allocated (two samples in three
//! bytes, retired) are not known here.

use std::borrow::Cow;

use crate::dicom::photometric::Photometric;

use super::raster::Raster;
use super::{CodecFault, Decoded, FrameShape, Tile};

/// How the samples of a pixel stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// Eight one-bit samples a byte, the first in the least significant bit.
    Bits,
    Pixels,
    Planes,
    /// Two luminances, then the chrominances that both pixels share.
    Pairs,
}

impl Order {
    fn of(shape: &FrameShape) -> Result<Self, CodecFault> {
        if shape.allocated == 1 {
            return if shape.samples() == 1 {
                Ok(Self::Bits)
            } else {
                Err(CodecFault::Unsupported)
            };
        }
        match shape.photometric {
            Photometric::YbrPartial420 => Err(CodecFault::Unsupported),
            Photometric::YbrFull422 => Ok(Self::Pairs),
            _ if shape.planar && shape.samples() > 1 => Ok(Self::Planes),
            _ => Ok(Self::Pixels),
        }
    }

    /// Bytes of the frame, without padding.
    fn frame_bytes(self, shape: &FrameShape) -> Result<usize, CodecFault> {
        Ok(match self {
            Self::Bits => shape.pixels().div_ceil(8),
            Self::Pixels | Self::Planes => shape.decoded_bytes()?,
            Self::Pairs if shape.columns.is_multiple_of(2) => {
                2 * shape.pixels() * shape.sample_bytes()
            }
            // PS3.3 C.7.6.3.1.2: the number of columns is even.
            Self::Pairs => return Err(CodecFault::Unsupported),
        })
    }
}

/// Bytes that a frame takes, without the padding that makes Pixel Data even.
///
/// # Errors
/// [`CodecFault::Unsupported`] and [`CodecFault::TooLarge`].
pub fn frame_bytes(shape: &FrameShape) -> Result<usize, CodecFault> {
    shape.checked()?;
    Order::of(shape)?.frame_bytes(shape)
}

/// Whether a frame has bits set beside the stored ones that do not repeat the sign of a signed sample. `false` of one-bit samples,
/// which have no such bits, and of bytes that are too few for a sample.
#[must_use]
pub fn has_stray_bits(shape: &FrameShape, bytes: &[u8], big_endian: bool) -> bool {
    let (stored, high) = (u32::from(shape.stored), u32::from(shape.high_bit));
    let shift = (high + 1).saturating_sub(stored);
    let field = ones(stored) << shift;
    let beside = ones(u32::from(shape.allocated)) & !field;
    if beside == 0 || shape.allocated == 1 {
        return false;
    }
    let above = beside & !ones(high + 1);
    // Folded rather than searched, each sample as wide as it is: a good frame is walked to its end anyhow, and this way at the
    // speed of memory.
    macro_rules! strays {
        ($unsigned:ident, $signed:ident) => {{
            let (beside, above) = (beside as $unsigned, above as $unsigned);
            let up = $unsigned::BITS - 1 - high;
            let samples = bytes.as_chunks::<{ size_of::<$unsigned>() }>().0.iter();
            let found = samples.fold(0, |found, bytes| {
                let sample = $unsigned::from_le_bytes(*bytes);
                let sample = if big_endian { sample.swap_bytes() } else { sample };
                // Zeros are never wrong; ones are right where they repeat the sign.
                let sign = if shape.signed {
                    (sample << up) as $signed >> ($unsigned::BITS - 1)
                } else {
                    0
                };
                let ones = sample & beside;
                let wrong = ones ^ (sign as $unsigned & above);
                found | if ones == 0 { 0 } else { wrong }
            });
            found != 0
        }};
    }
    match shape.sample_bytes() {
        1 => strays!(u8, i8),
        2 => strays!(u16, i16),
        _ => strays!(u32, i32),
    }
}

fn ones(bits: u32) -> u32 {
    if bits >= 32 { u32::MAX } else { (1 << bits) - 1 }
}

/// The stored values of a frame, or of some of its rows as if they were one: where samples stand as they are wanted, in the bytes
/// that came.
///
/// # Errors
/// See [`CodecFault`].
pub fn decode_native(
    shape: &FrameShape,
    bytes: Vec<u8>,
    big_endian: bool,
) -> Result<Decoded, CodecFault> {
    shape.checked()?;
    unpack(shape, bytes.into(), big_endian)?.decoded(shape)
}

/// Takes a frame apart. Bytes behind its end are padding.
pub(super) fn unpack(
    shape: &FrameShape,
    bytes: Cow<'_, [u8]>,
    big_endian: bool,
) -> Result<Raster, CodecFault> {
    let order = Order::of(shape)?;
    let length = order.frame_bytes(shape)?;
    let frame =
        bytes.get(..length).ok_or(CodecFault::Malformed("the frame is shorter than its rows"))?;
    let width = shape.sample_bytes();
    let mut samples = match order {
        Order::Pixels => {
            let mut samples = bytes.into_owned();
            samples.truncate(length);
            samples
        }
        Order::Bits => {
            let bits = frame.iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1));
            bits.take(shape.pixels()).collect()
        }
        Order::Planes => {
            let mut samples = vec![0; length];
            let step = width * shape.samples();
            for (index, plane) in frame.chunks_exact(shape.pixels() * width).enumerate() {
                let pixels = samples.chunks_exact_mut(step);
                for (pixel, value) in pixels.zip(plane.chunks_exact(width)) {
                    put(pixel, index, value);
                }
            }
            samples
        }
        Order::Pairs => {
            let mut samples = vec![0; shape.decoded_bytes()?];
            let pairs = samples.chunks_exact_mut(6 * width);
            for (pair, shared) in pairs.zip(frame.chunks_exact(4 * width)) {
                let places: [&[usize]; 4] = [&[0], &[3], &[1, 4], &[2, 5]];
                for (value, places) in shared.chunks_exact(width).zip(places) {
                    for place in places {
                        put(pair, *place, value);
                    }
                }
            }
            samples
        }
    };
    if big_endian {
        samples.chunks_exact_mut(width).for_each(<[u8]>::reverse);
    }
    Ok(Raster { samples, precision: shape.allocated, signed: false })
}

/// Puts a frame together, without padding. Two pixels that share chrominances get those of the first.
pub(super) fn pack(
    shape: &FrameShape,
    raster: &Raster,
    big_endian: bool,
) -> Result<Vec<u8>, CodecFault> {
    let order = Order::of(shape)?;
    let length = order.frame_bytes(shape)?;
    let width = shape.sample_bytes();
    let samples = &raster.samples;
    let mut bytes = match order {
        Order::Bits => samples
            .chunks(8)
            .map(|bits| bits.iter().rev().fold(0, |byte, bit| byte << 1 | bit & 1))
            .collect(),
        Order::Pixels => samples.clone(),
        Order::Planes => {
            let mut bytes = Vec::with_capacity(length);
            let step = width * shape.samples();
            for index in 0..shape.samples() {
                for pixel in samples.chunks_exact(step) {
                    bytes.extend(pixel.iter().skip(index * width).take(width));
                }
            }
            bytes
        }
        Order::Pairs => {
            let mut bytes = Vec::with_capacity(length);
            for pair in samples.chunks_exact(6 * width) {
                for place in [0, 3, 1, 2] {
                    bytes.extend(pair.iter().skip(place * width).take(width));
                }
            }
            bytes
        }
    };
    if big_endian {
        bytes.chunks_exact_mut(width).for_each(<[u8]>::reverse);
    }
    Ok(bytes)
}

/// Paints a tile on a frame. Bits that are not stored and bytes behind the frame stay.
///
/// Where two pixels share chrominances they become neutral only if both are painted: the pixel beside the tile keeps its colour.
pub(super) fn repaint(
    shape: &FrameShape,
    bytes: &[u8],
    big_endian: bool,
    tile: &Tile,
) -> Result<Vec<u8>, CodecFault> {
    let order = Order::of(shape)?;
    let mut painted = if order == Order::Pairs {
        pairs(shape, bytes, big_endian, tile)?
    } else {
        let mut raster = unpack(shape, bytes.into(), big_endian)?;
        raster.paint(shape, tile)?;
        pack(shape, &raster, big_endian)?
    };
    // The last byte of a one-bit frame may belong to the next frame too.
    let pixels = shape.pixels();
    if order == Order::Bits && !pixels.is_multiple_of(8) {
        let ours = (1u8 << (pixels % 8)) - 1;
        if let (Some(last), Some(was)) = (painted.last_mut(), bytes.get(pixels / 8)) {
            *last = *last & ours | was & !ours;
        }
    }
    painted.extend(bytes.iter().skip(painted.len()));
    Ok(painted)
}

fn pairs(
    shape: &FrameShape,
    bytes: &[u8],
    big_endian: bool,
    tile: &Tile,
) -> Result<Vec<u8>, CodecFault> {
    let width = shape.sample_bytes();
    let was = unpack(shape, bytes.into(), big_endian)?;
    let mut raster = was.clone();
    raster.paint(shape, tile)?;
    let pairs = raster.samples.chunks_exact_mut(6 * width);
    for (pair, was) in pairs.zip(was.samples.chunks_exact(6 * width)) {
        // Painted chrominances are neutral. Where the two pixels differ now, one is not painted: both keep what they shared.
        let (first, second) = pair.split_at_mut(3 * width);
        if first.iter().skip(width).ne(second.iter().skip(width)) {
            for (to, from) in first.iter_mut().zip(was).skip(width) {
                *to = *from;
            }
        }
    }
    pack(shape, &raster, big_endian)
}

/// The rows of a tile below a frame. Padding behind the frame is dropped.
pub(super) fn extend(
    shape: &FrameShape,
    bytes: &[u8],
    big_endian: bool,
    tile: &Tile,
) -> Result<Vec<u8>, CodecFault> {
    let mut raster = unpack(shape, bytes.into(), big_endian)?;
    let longer = raster.extend(shape, tile)?;
    pack(&longer, &raster, big_endian)
}

fn put(pixel: &mut [u8], place: usize, value: &[u8]) {
    for (to, from) in pixel.iter_mut().skip(place * value.len()).zip(value) {
        *to = *from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(allocated: u8, stored: u8, high_bit: u8, signed: bool) -> FrameShape {
        let photometric = Photometric::Monochrome2;
        FrameShape {
            rows: 1,
            columns: 2,
            photometric,
            allocated,
            stored,
            high_bit,
            signed,
            planar: false,
        }
    }

    #[track_caller]
    fn check(shape: FrameShape, samples: [u16; 2], want: bool) {
        let little: Vec<u8> = samples.into_iter().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = samples.into_iter().flat_map(u16::to_be_bytes).collect();
        assert_eq!(has_stray_bits(&shape, &little, false), want, "little endian");
        assert_eq!(has_stray_bits(&shape, &big, true), want, "big endian");
    }

    #[test]
    fn bits_beside_the_stored_ones_are_strays_unless_they_repeat_the_sign() {
        let unsigned = shape(16, 12, 11, false);
        check(unsigned, [0, 0x0FFF], false);
        check(unsigned, [0, 0x1FFF], true);
        let signed = shape(16, 12, 11, true);
        check(signed, [0x07FF, 0xF800], false);
        // Not extended at all, as some write it.
        check(signed, [0x07FF, 0x0800], false);
        check(signed, [0x07FF, 0x1800], true);
        check(signed, [0xF7FF, 0], true);
        // Below the stored ones.
        check(shape(16, 12, 15, false), [0xFFF0, 0], false);
        check(shape(16, 12, 15, false), [0xFFF1, 0], true);
        check(shape(16, 16, 15, false), [0xFFFF, 0], false);
    }

    #[test]
    fn bytes_and_words_of_32_bits_are_looked_at_too() {
        assert!(has_stray_bits(&shape(8, 6, 5, false), &[0, 0x40], false));
        assert!(!has_stray_bits(&shape(8, 6, 5, false), &[0, 0x3F], false));
        assert!(!has_stray_bits(&shape(1, 1, 0, false), &[0xFF], false));
        let long = shape(32, 24, 23, false);
        assert!(has_stray_bits(&long, &(1_u32 << 24).to_le_bytes(), false));
        assert!(!has_stray_bits(&long, &0xFF_FFFF_u32.to_be_bytes(), true));
    }
}
