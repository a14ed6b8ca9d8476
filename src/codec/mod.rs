//! Frames of pixel data: decoded, encoded, and repainted in a rectangle, one frame at a time.
//!
//! Everything is checked before anything is allocated: a [`FrameShape`] is bounded by [`MAX_FRAME`], and a codestream whose
//! own header says otherwise than the shape is refused. Whoever decodes what a peer sent in the process that holds objects
//! does so through a [`Frames`] that runs this module elsewhere.

mod codestream;
mod decode;
mod deflated;
mod encode;
mod fault;
mod frame;
mod htj2k;
mod j2k;
pub mod jpeg;
mod jpegls;
mod jxl;
mod markers;
mod native;
mod raster;
mod repaint;
mod rle;
mod syntax;
mod tile;
mod turbo;

#[cfg(test)]
mod tests;

pub use encode::{Loss, encode, encode_with};
pub use fault::CodecFault;
pub use frame::{Coded, Colour, Decoded, FrameShape, MAX_FRAME};
pub use native::{decode_native, frame_bytes as native_frame_bytes, has_stray_bits};
pub use syntax::{Coding, Syntax};
pub use tile::Tile;
pub use turbo::Subsampling;

/// Whoever decodes and repaints frames: this process, or a caged one.
pub trait Frames: Send + Sync {
    /// The samples of a frame.
    ///
    /// # Errors
    /// See [`CodecFault`].
    fn decode(&self, coded: &Coded<'_>) -> Result<Decoded, CodecFault>;

    /// The frame with a tile painted on it, in the same transfer syntax. Of a lossless one every sample outside the painted
    /// pixels is what it was, which has been verified; of JPEG Baseline and Extended every block that the tile does not touch.
    ///
    /// # Errors
    /// See [`CodecFault`]; [`CodecFault::Unsupported`] where the transfer syntax is lossy and has no blocks to edit.
    fn repaint(&self, coded: &Coded<'_>, tile: &Tile) -> Result<Vec<u8>, CodecFault>;

    /// The rows of `tile` (as wide as the frame, painted throughout) put below the frame; Rows grow by its height.
    /// Lossless transfer syntaxes alone.
    ///
    /// # Errors
    /// As [`repaint`](Self::repaint).
    fn extend(&self, coded: &Coded<'_>, tile: &Tile) -> Result<Vec<u8>, CodecFault>;
}

/// This process: it runs the libraries itself, and dies with them.
#[derive(Debug, Clone, Copy, Default)]
pub struct InProcess;

impl Frames for InProcess {
    fn decode(&self, coded: &Coded<'_>) -> Result<Decoded, CodecFault> {
        decode::decode(coded)
    }

    fn repaint(&self, coded: &Coded<'_>, tile: &Tile) -> Result<Vec<u8>, CodecFault> {
        repaint::repaint(coded, tile)
    }

    fn extend(&self, coded: &Coded<'_>, tile: &Tile) -> Result<Vec<u8>, CodecFault> {
        repaint::extend(coded, tile)
    }
}
