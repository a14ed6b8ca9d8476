//! RLE Lossless (PS3.5 annex G): byte planes, each packed in runs.
//!
//! Planes stand most significant byte first, sample by sample. Each row is packed by itself, a segment has even length.

use super::raster::Raster;
use super::{CodecFault, FrameShape};

const HEADER: usize = 64;
/// PS3.5 G.5: the header has room for so many offsets.
const MOST_SEGMENTS: usize = 15;
/// A run or a literal has at most so many bytes.
const MOST: usize = 128;

/// Unpacks a frame.
pub(super) fn decode(shape: &FrameShape, bytes: &[u8]) -> Result<Raster, CodecFault> {
    let width = shape.sample_bytes();
    let step = width * shape.samples();
    let header = bytes.first_chunk::<HEADER>().ok_or(CodecFault::Malformed("no RLE header"))?;
    let mut words = header.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word) as usize);
    if words.next() != Some(step) {
        return Err(CodecFault::Mismatch);
    }
    let offsets: Vec<usize> = words.take(step).collect();
    let mut samples = vec![0; shape.decoded_bytes()?];
    let mut plane = vec![0; shape.pixels()];
    for (index, start) in offsets.iter().enumerate() {
        let end = offsets.get(index + 1).copied().unwrap_or(bytes.len());
        let segment = bytes
            .get(*start..end)
            .filter(|_| *start >= HEADER)
            .ok_or(CodecFault::Malformed("a segment's offset lies outside the frame"))?;
        unpack(segment, &mut plane)?;
        let byte = index / width * width + (width - 1 - index % width);
        match step {
            1 => samples.copy_from_slice(&plane),
            2 => spread::<2>(&plane, &mut samples, byte),
            3 => spread::<3>(&plane, &mut samples, byte),
            4 => spread::<4>(&plane, &mut samples, byte),
            6 => spread::<6>(&plane, &mut samples, byte),
            _ => spread::<12>(&plane, &mut samples, byte),
        }
    }
    Ok(Raster { samples, precision: shape.allocated, signed: false })
}

/// Puts a plane where it belongs in pixels of `STEP` bytes.
fn spread<const STEP: usize>(plane: &[u8], samples: &mut [u8], byte: usize) {
    for (pixel, value) in samples.as_chunks_mut::<STEP>().0.iter_mut().zip(plane) {
        if let Some(to) = pixel.get_mut(byte) {
            *to = *value;
        }
    }
}

/// Fills a plane from a segment. What is left over when it is full is padding.
fn unpack(segment: &[u8], plane: &mut [u8]) -> Result<(), CodecFault> {
    const SHORT: CodecFault = CodecFault::Malformed("a segment is cut short");
    let (mut rest, mut empty) = (segment, plane);
    while !empty.is_empty() {
        let (control, after) = rest.split_first().ok_or(SHORT)?;
        let count = *control as i8;
        if count == i8::MIN {
            rest = after; // PS3.5 G.3.2: says nothing
            continue;
        }
        let length = usize::from(count.unsigned_abs()) + 1;
        let (to, left) = empty.split_at_mut(length.min(empty.len()));
        if count >= 0 {
            let (literal, after) = after.split_at_checked(length).ok_or(SHORT)?;
            to.iter_mut().zip(literal).for_each(|(to, from)| *to = *from);
            rest = after;
        } else {
            let (value, after) = after.split_first().ok_or(SHORT)?;
            to.fill(*value);
            rest = after;
        }
        empty = left;
    }
    Ok(())
}

/// Packs a frame.
pub(super) fn encode(shape: &FrameShape, raster: &Raster) -> Result<Vec<u8>, CodecFault> {
    let width = shape.sample_bytes();
    let step = width * shape.samples();
    if step > MOST_SEGMENTS {
        return Err(CodecFault::Unsupported);
    }
    let row_bytes = usize::from(shape.columns) * step;
    let mut packed = vec![0; HEADER];
    let mut words = vec![step as u32];
    let mut plane_row = Vec::with_capacity(usize::from(shape.columns));
    for index in 0..step {
        words.push(u32::try_from(packed.len()).map_err(|_| CodecFault::TooLarge)?);
        let byte = index / width * width + (width - 1 - index % width);
        for row in raster.samples.chunks_exact(row_bytes) {
            plane_row.clear();
            plane_row.extend(row.iter().skip(byte).step_by(step));
            pack(&plane_row, &mut packed);
        }
        if !packed.len().is_multiple_of(2) {
            packed.push(0);
        }
    }
    for (to, word) in packed.as_chunks_mut::<4>().0.iter_mut().zip(words) {
        *to = word.to_le_bytes();
    }
    Ok(packed)
}

/// Packs one row of a plane: runs of three and more as runs, the rest literally.
fn pack(mut row: &[u8], packed: &mut Vec<u8>) {
    while let Some(first) = row.first() {
        let run = row.iter().take(MOST).take_while(|value| *value == first).count();
        let taken = if run > 1 {
            packed.push(1u8.wrapping_sub(run as u8));
            packed.push(*first);
            run
        } else {
            let triple =
                row.windows(3).take(MOST).position(|w| matches!(w, [a, b, c] if a == b && b == c));
            let length = triple.unwrap_or(row.len()).clamp(1, MOST);
            packed.push((length - 1) as u8);
            packed.extend(row.iter().take(length));
            length
        };
        row = row.get(taken..).unwrap_or_default();
    }
}
