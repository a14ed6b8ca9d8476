//! JPEG codestreams (ISO/IEC 10918-1) edited in place, without decoding and encoding the image.
//!
//! The bits of everything that is not painted are copied: markers and tables, blocks and rows. What is painted is written with
//! the stream's own tables. All arithmetic is that of integers, so the same input gives the same bytes on every machine.

mod bits;
mod blocks;
mod coefficients;
mod huffman;
mod markers;
mod paint;
mod rows;
mod scan;
mod transform;

use super::{CodecFault, FrameShape, Tile};
use blocks::{Blocks, Layout};
pub use coefficients::{Coefficients, Plane, coefficients};
use markers::{Process, Scan, Stream};
use paint::Paint;
use rows::Rows;
use scan::{Coder, Tables};

/// Paints a tile on a frame of JPEG Baseline or Extended: 8 or 12 bits, one or three components with any sampling factors, in
/// one scan or several, with or without restart markers. Blocks that hold no painted pixel keep their coefficients; in the
/// others every pixel comes as near to its shade, or to what it was, as the quantisation tables let it. A chrominance that
/// several pixels share goes towards neutral by the share of them that is painted.
///
/// # Errors
/// [`CodecFault::Unsupported`] for other processes, and a High Bit that is not the highest of Bits Stored;
/// [`CodecFault::Mismatch`] where the stream is not of this shape; [`CodecFault::BadTile`]; [`CodecFault::Malformed`].
pub fn repaint_blocks(
    shape: &FrameShape,
    bytes: &[u8],
    tile: &Tile,
) -> Result<Vec<u8>, CodecFault> {
    let stream = stream(shape, bytes, Process::Sequential)?;
    let neutral = has_luminance(shape, &stream).then_some(1 << (stream.precision - 1));
    let Some(paint) = Paint::new(shape, tile, stream.precision, neutral)? else {
        return Ok(bytes.to_vec());
    };
    let rewritten = rewrite(&stream, bytes, |scan, tables, coder| {
        let decoders = coder.decoders(tables, 15)?;
        let layout = Layout::new(&stream, scan, tables, &decoders)?;
        coder.write(bytes, scan, &Blocks::new(&stream, &layout, &paint))
    })?;
    Ok(rewritten.bytes)
}

/// Whether the first component is the luminance of the others: what Adobe's segment says, else the names of the components, else
/// JFIF, which knows nothing else, else the data set.
fn has_luminance(shape: &FrameShape, stream: &Stream<'_>) -> bool {
    match stream.adobe {
        Some(transform) => transform != 0,
        None if stream.components.iter().map(|of| of.id).eq(*b"RGB") => false,
        None => stream.is_jfif || shape.photometric.is_luminance(),
    }
}

/// Paints a tile on a frame of JPEG Lossless (SOF3): any predictor, 2 to 16 bits, one or three components without
/// subsampling, in one scan or several, with or without restart markers. Every sample that is not painted stays what it is:
/// all bits outside the painted rows are compared, and these rows are read again by the tables that go with them.
///
/// # Errors
/// [`CodecFault::Unsupported`] for other processes, a point transform, subsampling, and a High Bit that is not the highest of
/// Bits Stored; [`CodecFault::Mismatch`] where the stream is not of this shape; [`CodecFault::BadTile`];
/// [`CodecFault::Malformed`].
pub fn splice_rows(shape: &FrameShape, bytes: &[u8], tile: &Tile) -> Result<Spliced, CodecFault> {
    let stream = stream(shape, bytes, Process::Lossless)?;
    let neutral = shape.photometric.is_luminance().then_some(1 << (shape.stored - 1));
    let Some(paint) = Paint::new(shape, tile, stream.precision, neutral)? else {
        return Ok(Spliced { bytes: bytes.to_vec(), proven: true });
    };
    let spliced = rewrite(&stream, bytes, |scan, tables, coder| {
        let decoders = coder.decoders(tables, 16)?;
        coder.write(bytes, scan, &Rows::new(&stream, scan, tables, &decoders, &paint)?)
    })?;
    // Bits above those stored are not looked at by the shade.
    let proven = spliced.proven && stream.precision == shape.stored;
    Ok(Spliced { proven, ..spliced })
}

/// A codestream in which scans were written anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spliced {
    /// All of it.
    pub bytes: Vec<u8>,
    /// Whether it has been found to be the frame with the tile on it, and nothing else changed. Where not, it may be so all the same:
    /// decode it and compare.
    pub proven: bool,
}

/// The stream, if it is of this process and shape.
fn stream<'a>(
    shape: &FrameShape,
    bytes: &'a [u8],
    process: Process,
) -> Result<Stream<'a>, CodecFault> {
    let stream = markers::parse(bytes)?;
    if stream.process != process || shape.high_bit + 1 != shape.stored {
        return Err(CodecFault::Unsupported);
    }
    let same = stream.rows == usize::from(shape.rows)
        && stream.columns == usize::from(shape.columns)
        && stream.components.len() == shape.samples()
        && (shape.stored..=shape.allocated).contains(&stream.precision);
    if same { Ok(stream) } else { Err(CodecFault::Mismatch) }
}

/// The stream with its scans as `write` makes them.
fn rewrite(
    stream: &Stream<'_>,
    bytes: &[u8],
    write: impl Fn(&Scan<'_>, &Tables<'_>, &mut Coder) -> Result<Option<Vec<u8>>, CodecFault>,
) -> Result<Spliced, CodecFault> {
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 16);
    let mut end = 0;
    let (mut redefined, mut proven) = (false, true);
    for scan in &stream.scans {
        let tables = Tables::new(scan);
        let edited = scan::edit(&tables, |coder| write(scan, &tables, coder))?;
        out.extend_from_slice(bytes.get(end..scan.start).unwrap_or_default());
        // The tables of a scan before this one may have taken the places of its own.
        if redefined {
            out.extend(tables.restored()?);
        }
        let data = scan.data();
        end = scan.start;
        if let Some(edited) = edited {
            redefined |= !edited.tables.is_empty();
            proven &= edited.proven;
            out.extend(edited.tables);
            out.extend_from_slice(bytes.get(end..data.start).unwrap_or_default());
            out.extend(edited.data);
            end = data.end;
        }
    }
    out.extend_from_slice(bytes.get(end..).unwrap_or_default());
    Ok(Spliced { bytes: out, proven })
}

#[cfg(test)]
mod tests;
