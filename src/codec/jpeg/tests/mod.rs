//! Streams made here, edited, and read back by other means.

mod blocks;
mod coder;
mod hostile;
mod real;
mod rows;

use crate::codec::{CodecFault, FrameShape, Tile};
use crate::dicom::photometric::Photometric;

/// Numbers without order, the same in each run.
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u32) -> u32 {
        (self.next() % u64::from(end)) as u32
    }
}

fn shape(
    columns: usize,
    rows: usize,
    stored: u8,
    signed: bool,
    photometric: Photometric,
) -> FrameShape {
    FrameShape {
        rows: rows as u16,
        columns: columns as u16,
        photometric,
        allocated: if stored <= 8 { 8 } else { 16 },
        stored,
        high_bit: stored - 1,
        signed,
        planar: false,
    }
}

/// The rows of a lossless frame spliced, whether that was proven or not.
fn splice(shape: &FrameShape, bytes: &[u8], tile: &Tile) -> Result<Vec<u8>, CodecFault> {
    Ok(super::splice_rows(shape, bytes, tile)?.bytes)
}

/// A tile of letters of a kind: the least and the greatest shade, a third of the pixels not painted.
fn tile(place: (usize, usize, usize, usize), shape: &FrameShape, dice: &mut Dice) -> Tile {
    let (x, y, width, height) = place;
    let (low, high) = shape.range();
    let shades = (0..width * height).map(|_| match dice.below(3) {
        0 => None,
        1 => Some(low as i32),
        _ => Some(high as i32),
    });
    Tile {
        x: x as u16,
        y: y as u16,
        width: width as u16,
        height: height as u16,
        shades: shades.collect(),
    }
}
