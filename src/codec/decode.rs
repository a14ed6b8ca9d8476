//! From a codestream to samples.

use super::raster::{self, Raster};
use super::{CodecFault, Coded, Colour, Decoded, Syntax};
use super::{deflated, j2k, jpegls, jxl, native, rle, turbo};

/// The stored values of a frame.
pub(super) fn decode(coded: &Coded<'_>) -> Result<Decoded, CodecFault> {
    let (raster, colour) = raster(coded)?;
    Ok(Decoded { colour, ..raster.decoded(&coded.shape)? })
}

/// The samples of a frame as the codestream has them.
pub(super) fn raster(coded: &Coded<'_>) -> Result<(Raster, Colour), CodecFault> {
    let (shape, bytes) = (&coded.shape, coded.bytes);
    shape.checked()?;
    let native_layout = matches!(coded.syntax, Syntax::Native { .. } | Syntax::DeflatedImageFrame);
    if shape.allocated == 1 && !native_layout {
        return Err(CodecFault::Unsupported);
    }
    let raster = match coded.syntax {
        Syntax::Native { big_endian } => native::unpack(shape, bytes.into(), big_endian),
        Syntax::DeflatedImageFrame => {
            native::unpack(shape, deflated::inflate(shape, bytes)?.into(), false)
        }
        Syntax::RleLossless => rle::decode(shape, bytes),
        Syntax::JpegBaseline | Syntax::JpegExtended => return turbo::decode_lossy(shape, bytes),
        Syntax::JpegLossless | Syntax::JpegLosslessSv1 => turbo::decode_lossless(shape, bytes),
        Syntax::JpegLsLossless | Syntax::JpegLsNearLossless => jpegls::decode(shape, bytes),
        Syntax::Jpeg2000Lossless
        | Syntax::Jpeg2000
        | Syntax::Htj2kLossless
        | Syntax::Htj2kLosslessRpcl
        | Syntax::Htj2k => j2k::decode(shape, bytes),
        Syntax::JpegXlLossless | Syntax::JpegXlRecompression | Syntax::JpegXl => {
            jxl::decode(shape, bytes)
        }
    }?;
    Ok((raster, raster::colour(shape)))
}
