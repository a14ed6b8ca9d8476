//! JPEG codestreams edited without decoding them whole.

use super::{CodecFault, FrameShape, Tile};

/// A baseline or extended frame with a tile painted on it; blocks that the tile does not touch stay.
///
/// # Errors
/// [`CodecFault::Unsupported`] where it cannot be done in place.
pub fn repaint_blocks(_: &FrameShape, _: &[u8], _: &Tile) -> Result<Vec<u8>, CodecFault> {
    Err(CodecFault::Unsupported)
}

/// A lossless frame with a tile painted on it; only the rows of the tile are coded anew.
///
/// # Errors
/// As [`repaint_blocks`].
pub fn splice_rows(_: &FrameShape, _: &[u8], _: &Tile) -> Result<Vec<u8>, CodecFault> {
    Err(CodecFault::Unsupported)
}
