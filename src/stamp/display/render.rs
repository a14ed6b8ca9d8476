//! Pictures for people: 8 bits, at the window in force.

use crate::codec::{Colour, Decoded};

use super::{Display, DisplayFault, Pipeline};

/// A picture of a frame, row by row.
#[derive(Clone, PartialEq, Eq)]
pub enum Picture {
    /// A byte a pixel.
    Grey(Vec<u8>),
    /// Red, green and blue, a byte each.
    Rgb(Vec<u8>),
}

impl std::fmt::Debug for Picture {
    // Pixels are patient data.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Grey(bytes) => write!(f, "Grey, {} bytes", bytes.len()),
            Self::Rgb(bytes) => write!(f, "Rgb, {} bytes", bytes.len()),
        }
    }
}

impl Display {
    /// A frame as it is shown.
    ///
    /// # Errors
    /// As [`luminance`](Self::luminance).
    pub fn render(&self, frame: &Decoded) -> Result<Picture, DisplayFault> {
        let samples = self.luminance(frame)?;
        let Pipeline::Palette(palette) = &self.pipeline else {
            if matches!(self.pipeline, Pipeline::Grey(_)) {
                return Ok(Picture::Grey(samples.levels()));
            }
            let ybr = frame.colour == Colour::Ybr;
            let below = u32::from(self.shape.stored.saturating_sub(8));
            let bytes = frame.samples.chunks_exact(self.shape.sample_bytes());
            let parts: Vec<u8> = bytes.map(|raw| (little(raw) >> below) as u8).collect();
            let pixels = parts.chunks_exact(3).filter_map(|pixel| pixel.first_chunk::<3>());
            let rgb = pixels.flat_map(|pixel| if ybr { rgb_of(*pixel) } else { *pixel });
            return Ok(Picture::Rgb(rgb.collect()));
        };
        let indices = frame.samples.chunks_exact(self.shape.sample_bytes()).map(little);
        Ok(Picture::Rgb(indices.flat_map(|index| palette.colour(i64::from(index))).collect()))
    }
}

fn little(raw: &[u8]) -> u32 {
    raw.iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

/// PS3.3 C.7.6.3.1.2, full range.
fn rgb_of([luminance, blue, red]: [u8; 3]) -> [u8; 3] {
    let (y, b, r) = (f32::from(luminance), f32::from(blue) - 128.0, f32::from(red) - 128.0);
    [y + 1.402 * r, y - 0.344_136 * b - 0.714_136 * r, y + 1.772 * b]
        .map(|part| part.round().clamp(0.0, 255.0) as u8)
}
