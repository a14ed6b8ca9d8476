//! What one frame is, before and after decoding.

use crate::dicom::photometric::Photometric;

use super::{CodecFault, Syntax};

/// The most bytes that a decoded frame may have: a mammogram has 50 MB, a whole-slide tile 0.8 MB, the largest square
/// of 16-bit samples that 16-bit Rows and Columns can claim 8.6 GB.
pub const MAX_FRAME: u64 = 512 << 20;

/// One frame as the Image Pixel Module describes it (PS3.3 C.7.6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameShape {
    /// Rows (0028,0010), at least 1.
    pub rows: u16,
    /// Columns (0028,0011), at least 1.
    pub columns: u16,
    /// What the samples mean, and by that how many there are in a pixel.
    pub photometric: Photometric,
    /// Bits Allocated (0028,0100): 1, 8, 16 or 32.
    pub allocated: u8,
    /// Bits Stored (0028,0101): 1 to `allocated`.
    pub stored: u8,
    /// High Bit (0028,0102), from `stored - 1` to `allocated - 1`.
    pub high_bit: u8,
    /// Pixel Representation (0028,0103) 1: two's complement.
    pub signed: bool,
    /// Planar Configuration (0028,0006) 1: all of one sample, then all of the next.
    pub planar: bool,
}

impl FrameShape {
    /// Samples per Pixel: 1 or 3.
    #[must_use]
    pub fn samples(&self) -> usize {
        usize::from(self.photometric.samples())
    }

    /// Pixels in the frame.
    #[must_use]
    pub fn pixels(&self) -> usize {
        usize::from(self.rows) * usize::from(self.columns)
    }

    /// Bytes that a decoded sample takes: 1, 2 or 4. One-bit samples take one byte.
    #[must_use]
    pub fn sample_bytes(&self) -> usize {
        usize::from(self.allocated).div_ceil(8)
    }

    /// Bytes of the decoded frame.
    ///
    /// # Errors
    /// [`CodecFault::TooLarge`] above [`MAX_FRAME`].
    pub fn decoded_bytes(&self) -> Result<usize, CodecFault> {
        let bytes = self.pixels() as u64 * (self.samples() * self.sample_bytes()) as u64;
        if bytes > MAX_FRAME { Err(CodecFault::TooLarge) } else { Ok(bytes as usize) }
    }

    /// Whether the parts go together, and the bytes of the decoded frame.
    ///
    /// # Errors
    /// [`CodecFault::Unsupported`] where no image can be like that, or none that is known here (12 bits allocated, packed);
    /// [`CodecFault::TooLarge`] as [`decoded_bytes`](Self::decoded_bytes).
    pub fn checked(&self) -> Result<usize, CodecFault> {
        let depth = matches!(self.allocated, 1 | 8 | 16 | 32)
            && (1..=self.allocated).contains(&self.stored)
            && (self.stored..=self.allocated).contains(&self.high_bit.saturating_add(1));
        if !depth || self.rows == 0 || self.columns == 0 {
            return Err(CodecFault::Unsupported);
        }
        self.decoded_bytes()
    }

    /// The least and the greatest stored value.
    #[must_use]
    pub fn range(&self) -> (i64, i64) {
        let span = 1i64 << self.stored;
        if self.signed { (-span / 2, span / 2 - 1) } else { (0, span - 1) }
    }
}

/// A frame as it stands in the object.
#[derive(Debug, Clone, Copy)]
pub struct Coded<'a> {
    /// How it is coded.
    pub syntax: Syntax,
    /// What it is.
    pub shape: FrameShape,
    /// Its codestream: all fragments of the frame, one behind the other, as they stand.
    pub bytes: &'a [u8],
}

/// What the samples of a decoded pixel are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// One: a grey or an index.
    Single,
    /// Red, green, blue.
    Rgb,
    /// Luminance and two chrominances, full range, each pixel with its own.
    Ybr,
}

/// A decoded frame.
#[derive(Clone, PartialEq, Eq)]
pub struct Decoded {
    /// What the samples of a pixel are.
    pub colour: Colour,
    /// Bytes a sample: 1, 2 or 4, as [`FrameShape::sample_bytes`].
    pub sample_bytes: u8,
    /// Row by row, pixel by pixel, sample by sample: least significant byte first, right-aligned, the bits above Bits Stored
    /// filled with the sign of signed samples and with zero otherwise.
    pub samples: Vec<u8>,
}

impl std::fmt::Debug for Decoded {
    // Pixels are patient data.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{:?}, {} bytes a sample, {} bytes",
            self.colour,
            self.sample_bytes,
            self.samples.len()
        )
    }
}
