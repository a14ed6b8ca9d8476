//! Frames of every kind, there and back.

mod hostile;
mod kept;
mod lossless;
mod lossy;

use crate::dicom::photometric::Photometric;

use super::raster;
use super::{Coded, Decoded, FrameShape, Frames, InProcess, Syntax, Tile, encode};

/// A frame of so many rows and columns, one sample a pixel, `stored` bits in the container they need.
pub(super) fn grey(rows: u16, columns: u16, stored: u8, signed: bool) -> FrameShape {
    FrameShape {
        rows,
        columns,
        photometric: Photometric::Monochrome2,
        allocated: if stored <= 8 {
            8
        } else if stored <= 16 {
            16
        } else {
            32
        },
        stored,
        high_bit: stored - 1,
        signed,
        planar: false,
    }
}

/// A frame of three samples of eight bits a pixel.
pub(super) fn colour(rows: u16, columns: u16, photometric: Photometric) -> FrameShape {
    FrameShape { photometric, ..grey(rows, columns, 8, false) }
}

/// Noise, the same for the same seed.
pub(super) struct Noise(pub(super) u64);

impl Noise {
    pub(super) fn next(&mut self) -> u32 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as u32
    }
}

/// A gradient over the whole range of the samples with noise on it, and both ends of the range in the first pixels.
pub(super) fn picture(shape: &FrameShape) -> Decoded {
    let (least, greatest) = shape.range();
    let span = greatest - least;
    let mut noise = Noise(u64::from(shape.rows) << 32 | u64::from(shape.columns));
    let width = shape.sample_bytes();
    let mut samples = Vec::new();
    for index in 0..shape.pixels() * shape.samples() {
        let pixel = index / shape.samples();
        let (x, y) = (pixel % usize::from(shape.columns), pixel / usize::from(shape.columns));
        let rise = span as i128 * (x + y) as i128
            / (usize::from(shape.columns) + usize::from(shape.rows)) as i128;
        let rough = i64::from(noise.next()) % (span / 16 + 2);
        let value = match index {
            0 => least,
            1 => greatest,
            _ => (least + rise as i64 + rough).min(greatest),
        };
        samples.extend_from_slice(&value.to_le_bytes()[..width]);
    }
    Decoded { colour: raster::colour(shape), sample_bytes: width as u8, samples }
}

/// A tile with every second pixel painted in shades of the frame's range, reaching over odd places.
pub(super) fn tile(shape: &FrameShape) -> Tile {
    let (least, greatest) = shape.range();
    let (x, y) = (shape.columns / 3, shape.rows / 3);
    let (width, height) = ((shape.columns - x).min(13), (shape.rows - y).min(5));
    let shades = (0..usize::from(width) * usize::from(height))
        .map(|index| match index % 4 {
            0 => Some(least as i32),
            1 => Some(greatest.min(i64::from(i32::MAX)) as i32),
            2 => Some(((least + greatest) / 2) as i32),
            _ => None,
        })
        .collect();
    Tile { x, y, width, height, shades }
}

/// What a frame is to be with a tile on it.
pub(super) fn painted(shape: &FrameShape, was: &Decoded, tile: &Tile) -> Decoded {
    let mut samples = was.samples.clone();
    let width = shape.sample_bytes();
    for (index, shade) in tile.shades.iter().enumerate() {
        let Some(shade) = shade else { continue };
        let x = usize::from(tile.x) + index % usize::from(tile.width);
        let y = usize::from(tile.y) + index / usize::from(tile.width);
        for sample in 0..shape.samples() {
            let shade = if sample > 0 { raster::neutral(shape).unwrap_or(*shade) } else { *shade };
            let at = ((y * usize::from(shape.columns) + x) * shape.samples() + sample) * width;
            samples[at..at + width].copy_from_slice(&shade.to_le_bytes()[..width]);
        }
    }
    Decoded { samples, ..was.clone() }
}
