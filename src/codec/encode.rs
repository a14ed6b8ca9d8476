//! From samples to a codestream of our own choice, for synthetic images and for tests.

use crate::dicom::photometric::Photometric;

use super::raster::{self, Raster};
use super::turbo::{self, Subsampling};
use super::{CodecFault, Colour, Decoded, FrameShape, Syntax};
use super::{codestream, deflated, htj2k, j2k, jpegls, jxl, native, rle};

/// What is chosen when a lossy frame is made.
#[derive(Debug, Clone, Copy)]
pub struct Loss {
    /// Of JPEG: 1 to 100.
    pub quality: u8,
    /// Of JPEG in colour, unless it is coded as RGB.
    pub subsampling: Subsampling,
    /// Of JPEG-LS: the greatest error of a sample.
    pub near: u8,
    /// Of JPEG 2000: how many times fewer bytes there are than samples take.
    pub ratio: f32,
}

impl Default for Loss {
    fn default() -> Self {
        Self { quality: 92, subsampling: Subsampling::Half, near: 2, ratio: 8.0 }
    }
}

/// Encodes a frame: of a lossless syntax exactly, of a lossy one with the usual loss.
///
/// # Errors
/// [`CodecFault::Unsupported`] where the syntax does not go with the shape or nothing here can write it,
/// [`CodecFault::Mismatch`] where the samples do not go with the shape.
pub fn encode(
    syntax: Syntax,
    shape: &FrameShape,
    decoded: &Decoded,
) -> Result<Vec<u8>, CodecFault> {
    encode_with(syntax, shape, decoded, Loss::default())
}

/// Encodes a frame, with a loss of choice where the syntax is lossy.
///
/// # Errors
/// As [`encode`].
pub fn encode_with(
    syntax: Syntax,
    shape: &FrameShape,
    decoded: &Decoded,
    loss: Loss,
) -> Result<Vec<u8>, CodecFault> {
    shape.checked()?;
    let lossy_jpeg = matches!(syntax, Syntax::JpegBaseline | Syntax::JpegExtended);
    let colour = match raster::colour(shape) {
        Colour::Ybr if lossy_jpeg => Colour::Rgb,
        colour => colour,
    };
    if colour != decoded.colour {
        return Err(CodecFault::Mismatch);
    }
    let native_layout = matches!(syntax, Syntax::Native { .. } | Syntax::DeflatedImageFrame);
    if shape.allocated == 1 && !native_layout {
        return Err(CodecFault::Unsupported);
    }
    let in_container = || Raster::of(decoded, shape, shape.allocated, false);
    let signed = || Raster::of(decoded, shape, shape.stored, shape.signed);
    let unsigned = || Raster::of(decoded, shape, shape.stored, false);
    match syntax {
        Syntax::Native { big_endian } => native::pack(shape, &in_container()?, big_endian),
        Syntax::DeflatedImageFrame => {
            deflated::deflate(&native::pack(shape, &in_container()?, false)?)
        }
        Syntax::RleLossless => rle::encode(shape, &in_container()?),
        Syntax::JpegBaseline | Syntax::JpegExtended => {
            let precision = if shape.allocated == 8 { 8 } else { 12 };
            if (syntax == Syntax::JpegBaseline) != (precision == 8) && precision != 8 {
                return Err(CodecFault::Unsupported);
            }
            let transformed = shape.photometric.is_luminance();
            let Loss { quality, subsampling, .. } = loss;
            let choice = turbo::Choice::Lossy { quality, subsampling, transformed };
            turbo::encode(shape, &Raster::of(decoded, shape, precision, false)?, choice)
        }
        Syntax::JpegLossless | Syntax::JpegLosslessSv1 => {
            let predictor = if syntax == Syntax::JpegLossless { 6 } else { 1 };
            let choice = turbo::Choice::Lossless { predictor, restart_rows: 0 };
            turbo::encode(shape, &unsigned()?, choice)
        }
        Syntax::JpegLsLossless | Syntax::JpegLsNearLossless => {
            let near = if syntax == Syntax::JpegLsLossless { 0 } else { loss.near };
            let interleave = jpegls::Interleave::Sample;
            jpegls::encode(shape, &unsigned()?, jpegls::Choice { interleave, near })
        }
        Syntax::Jpeg2000Lossless | Syntax::Jpeg2000 => {
            let irreversible = syntax == Syntax::Jpeg2000;
            let ratio = if irreversible { loss.ratio } else { 0.0 };
            let choice = j2k::Choice { style: style(shape, LRCP), tile: None, irreversible, ratio };
            j2k::encode(shape, &signed()?, &choice)
        }
        Syntax::Htj2kLossless | Syntax::Htj2kLosslessRpcl => {
            let mut style = style(shape, RPCL);
            let lengths = syntax == Syntax::Htj2kLosslessRpcl;
            if lengths {
                style.levels = style.levels.max(htj2k::thumbnail_levels(shape));
            }
            htj2k::encode(shape, &signed()?, &htj2k::Choice { style, tile: None, lengths })
        }
        Syntax::JpegXlLossless if !shape.signed => jxl::encode(shape, &unsigned()?),
        Syntax::JpegXlLossless | Syntax::Htj2k | Syntax::JpegXlRecompression | Syntax::JpegXl => {
            Err(CodecFault::Unsupported)
        }
    }
}

const LRCP: u8 = 0;
const RPCL: u8 = 2;

/// The usual style of JPEG 2000: as many decompositions as help, and the colour transform that the photometric interpretation
/// tells of (PS3.3 C.7.6.3.1.2).
fn style(shape: &FrameShape, progression: u8) -> codestream::Style {
    let most = j2k::most_levels(u32::from(shape.columns), u32::from(shape.rows));
    codestream::Style {
        markers: 0,
        progression,
        transformed: matches!(shape.photometric, Photometric::YbrRct | Photometric::YbrIct),
        levels: most.min(5),
        block: (6, 6),
        blocks: 0,
        precincts: Vec::new(),
    }
}
