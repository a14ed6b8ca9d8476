//! Frames with something painted on them, in the transfer syntax they came in.
//!
//! A lossless frame is decoded, painted, encoded as it was, decoded again and compared, sample by sample and in all bits that the
//! codestream has; rows of JPEG Lossless are spliced instead, and all bits around them compared. What stands under the UID of a lossless syntax but was not coded so is refused: encoding it again would make
//! it neither what it was nor what it says. Two losses cannot be told from the markers: coding passes left out of reversible
//! JPEG 2000, and modular JPEG XL of residuals made coarser. Of such a frame the samples that our decoder makes are kept.

use super::codestream::Siz;
use super::markers;
use super::raster::Raster;
use super::{CodecFault, Coded, Coding, FrameShape, Syntax, Tile};
use super::{decode, deflated, htj2k, j2k, jpeg, jpegls, jxl, native, rle, turbo};

/// What becomes of a frame.
#[derive(Clone, Copy)]
enum Change<'a> {
    Painted(&'a Tile),
    Extended(&'a Tile),
}

/// See [`Frames::repaint`](super::Frames::repaint).
pub(super) fn repaint(coded: &Coded<'_>, tile: &Tile) -> Result<Vec<u8>, CodecFault> {
    let (shape, bytes) = (&coded.shape, coded.bytes);
    shape.checked()?;
    tile.fits(shape)?;
    match coded.syntax {
        Syntax::Native { big_endian } => native::repaint(shape, bytes, big_endian, tile),
        Syntax::DeflatedImageFrame => {
            let frame = deflated::inflate(shape, bytes)?;
            redeflated(shape, &native::repaint(shape, &frame, false, tile)?)
        }
        Syntax::JpegBaseline | Syntax::JpegExtended => jpeg::repaint_blocks(shape, bytes, tile),
        Syntax::JpegLossless | Syntax::JpegLosslessSv1 => {
            // What the splice cannot prove by its own reading is decoded and compared.
            match jpeg::splice_rows(shape, bytes, tile) {
                Ok(spliced) if spliced.proven || is_painted(coded, tile, &spliced.bytes)? => {
                    Ok(spliced.bytes)
                }
                Ok(_) | Err(CodecFault::Unsupported) => recoded(coded, Change::Painted(tile)),
                Err(fault) => Err(fault),
            }
        }
        _ => recoded(coded, Change::Painted(tile)),
    }
}

/// See [`Frames::extend`](super::Frames::extend).
pub(super) fn extend(coded: &Coded<'_>, tile: &Tile) -> Result<Vec<u8>, CodecFault> {
    let (shape, bytes) = (&coded.shape, coded.bytes);
    shape.checked()?;
    let longer = tile.extends(shape)?;
    match coded.syntax {
        Syntax::Native { big_endian } => native::extend(shape, bytes, big_endian, tile),
        Syntax::DeflatedImageFrame => {
            let frame = deflated::inflate(shape, bytes)?;
            redeflated(&longer, &native::extend(shape, &frame, false, tile)?)
        }
        _ => recoded(coded, Change::Extended(tile)),
    }
}

fn redeflated(shape: &FrameShape, frame: &[u8]) -> Result<Vec<u8>, CodecFault> {
    let bytes = deflated::deflate(frame)?;
    if deflated::inflate(shape, &bytes)? == frame { Ok(bytes) } else { Err(CodecFault::NotExact) }
}

/// Whether a codestream is that of a frame with a tile painted on it, and with no other sample changed.
fn is_painted(coded: &Coded<'_>, tile: &Tile, bytes: &[u8]) -> Result<bool, CodecFault> {
    let mut raster = decode::raster(coded)?.0;
    raster.paint(&coded.shape, tile)?;
    Ok(decode::raster(&Coded { bytes, ..*coded })?.0 == raster)
}

fn recoded(coded: &Coded<'_>, change: Change<'_>) -> Result<Vec<u8>, CodecFault> {
    if coded.syntax.coding() != Coding::Lossless {
        return Err(CodecFault::Unsupported);
    }
    let mut raster = decode::raster(coded)?.0;
    let mut shape = coded.shape;
    match change {
        Change::Painted(tile) => raster.paint(&shape, tile)?,
        Change::Extended(tile) => shape = raster.extend(&shape, tile)?,
    }
    let bytes = encoded_like(coded, &shape, &raster)?;
    let again = decode::raster(&Coded { shape, bytes: &bytes, ..*coded })?.0;
    if again == raster { Ok(bytes) } else { Err(CodecFault::NotExact) }
}

/// Encodes a frame the way another was.
fn encoded_like(
    coded: &Coded<'_>,
    shape: &FrameShape,
    raster: &Raster,
) -> Result<Vec<u8>, CodecFault> {
    match coded.syntax {
        Syntax::RleLossless => rle::encode(shape, raster),
        Syntax::JpegLossless | Syntax::JpegLosslessSv1 => {
            let head = markers::read(coded.bytes)?;
            if !turbo::repeatable(&head) {
                return Err(CodecFault::Unsupported);
            }
            let restart_rows = head.restart / head.columns.max(1);
            let choice = turbo::Choice::Lossless { predictor: head.first, restart_rows };
            markers::dress(&turbo::encode(shape, raster, choice)?, &head)
        }
        Syntax::JpegLsLossless => {
            let head = markers::read(coded.bytes)?;
            if !jpegls::repeatable(&head) {
                return Err(CodecFault::Unsupported);
            }
            let choice = jpegls::Choice::of(&head)?;
            markers::dress(&jpegls::encode(shape, raster, choice)?, &head)
        }
        Syntax::Jpeg2000Lossless => {
            let siz = j2k::head(&coded.shape, coded.bytes)?;
            if !siz.repeatable() || siz.style.high_throughput() {
                return Err(CodecFault::Unsupported);
            }
            let tile = tile(&siz);
            let choice = j2k::Choice { style: siz.style, tile, irreversible: false, ratio: 0.0 };
            j2k::encode(shape, raster, &choice)
        }
        Syntax::Htj2kLossless | Syntax::Htj2kLosslessRpcl => {
            let siz = j2k::head(&coded.shape, coded.bytes)?;
            if !siz.repeatable() || !siz.style.high_throughput() {
                return Err(CodecFault::Unsupported);
            }
            let rpcl = coded.syntax == Syntax::Htj2kLosslessRpcl;
            let (tile, lengths) = (tile(&siz), siz.lengths || rpcl);
            let mut style = siz.style;
            if rpcl {
                style.levels = style.levels.max(htj2k::thumbnail_levels(shape));
            }
            let choice = htj2k::Choice { style, tile, lengths };
            htj2k::encode(shape, raster, &choice)
        }
        Syntax::JpegXlLossless => {
            if !jxl::repeatable(&coded.shape, coded.bytes)? {
                return Err(CodecFault::Unsupported);
            }
            jxl::encode(shape, raster)
        }
        // `recoded` lets none of these come here.
        Syntax::Native { .. }
        | Syntax::DeflatedImageFrame
        | Syntax::JpegBaseline
        | Syntax::JpegExtended
        | Syntax::JpegLsNearLossless
        | Syntax::Jpeg2000
        | Syntax::Htj2k
        | Syntax::JpegXlRecompression
        | Syntax::JpegXl => Err(CodecFault::Unsupported),
    }
}

/// The size of tiles, if the image has several.
fn tile(siz: &Siz) -> Option<(u32, u32)> {
    (siz.tile != (siz.columns, siz.rows)).then_some(siz.tile)
}
