//! HTJ2K (ISO/IEC 15444-15), encoding alone, without loss, by OpenJPH; [`j2k`](super::j2k) decodes.
//!
//! The library comes from the system (Debian: `libopenjph-dev`), behind the feature `htj2k`; without it nothing is encoded.
//! Kept when a frame is encoded again: as of [`j2k`](super::j2k), but for SOP and EPH markers. HTJ2K Lossless RPCL is to have
//! resolutions first, the lengths of tile-parts in the main header, and a lowest resolution of at most 64 pixels (PS3.5 10.18):
//! the lengths are put there afterwards; there is one tile-part for a tile.

#![allow(unsafe_code, reason = "OpenJPH is C++")]

use super::codestream::{self, Style};
use super::raster::Raster;
use super::{CodecFault, FrameShape};

/// How a frame is coded.
#[derive(Debug, Clone)]
pub(super) struct Choice {
    pub(super) style: Style,
    /// Width and height of tiles, if there are several.
    pub(super) tile: Option<(u32, u32)>,
    /// Whether the main header tells the lengths of tile-parts.
    pub(super) lengths: bool,
}

/// PS3.5 10.18: the greatest width or height of the lowest resolution of HTJ2K Lossless RPCL.
const THUMBNAIL: u32 = 64;

/// The fewest decompositions that make a thumbnail of a frame.
pub(super) fn thumbnail_levels(shape: &FrameShape) -> u8 {
    let larger = u32::from(shape.rows.max(shape.columns));
    (0..16).find(|levels| larger.div_ceil(1 << levels) <= THUMBNAIL).unwrap_or(16)
}

/// Encodes a frame.
pub(super) fn encode(
    shape: &FrameShape,
    raster: &Raster,
    choice: &Choice,
) -> Result<Vec<u8>, CodecFault> {
    // The library's arithmetic has 32 bits, of which coefficients take more than samples.
    if raster.precision > 16 || raster.samples.len() != shape.decoded_bytes()? {
        return Err(CodecFault::Unsupported);
    }
    let bytes = foreign::encode(shape, raster, choice)?;
    if choice.lengths { codestream::with_lengths(&bytes) } else { Ok(bytes) }
}

#[cfg(not(feature = "htj2k"))]
mod foreign {
    use super::{Choice, CodecFault, FrameShape, Raster};

    pub(super) fn encode(_: &FrameShape, _: &Raster, _: &Choice) -> Result<Vec<u8>, CodecFault> {
        Err(CodecFault::Unsupported)
    }
}

#[cfg(feature = "htj2k")]
mod foreign {
    use std::ffi::{c_char, c_int, c_void};

    use super::{Choice, CodecFault, FrameShape, Raster};

    /// As in `htj2k.cpp`.
    #[repr(C)]
    struct Frame {
        samples: *const i32,
        columns: u32,
        rows: u32,
        components: u32,
        depth: u32,
        is_signed: u32,
        tile_width: u32,
        tile_height: u32,
        levels: u32,
        block_width: u32,
        block_height: u32,
        transformed: u32,
        precincts: u32,
        precinct_widths: [u32; 33],
        precinct_heights: [u32; 33],
        progression: [c_char; 5],
    }

    type Writer = unsafe extern "C" fn(*mut c_void, *const u8, usize);

    unsafe extern "C" {
        fn markgate_htj2k_encode(frame: *const Frame, write: Writer, target: *mut c_void) -> c_int;
    }

    unsafe extern "C" fn write(target: *mut c_void, bytes: *const u8, length: usize) {
        // SAFETY: the target is the vector below, which nobody else touches meanwhile; so many bytes are there to read.
        unsafe {
            let written = &mut *target.cast::<Vec<u8>>();
            written.extend_from_slice(std::slice::from_raw_parts(bytes, length));
        }
    }

    pub(super) fn encode(
        shape: &FrameShape,
        raster: &Raster,
        choice: &Choice,
    ) -> Result<Vec<u8>, CodecFault> {
        let style = &choice.style;
        let width = shape.sample_bytes();
        let samples: Vec<i32> = raster
            .samples
            .chunks_exact(width)
            .map(|sample| raster.value(sample, 0, width))
            .collect();
        let (tile_width, tile_height) =
            choice.tile.unwrap_or((u32::from(shape.columns), u32::from(shape.rows)));
        let precincts = || style.precincts.iter().take(33);
        let mut frame = Frame {
            samples: samples.as_ptr(),
            columns: u32::from(shape.columns),
            rows: u32::from(shape.rows),
            components: shape.samples() as u32,
            depth: u32::from(raster.precision),
            is_signed: u32::from(raster.signed),
            tile_width,
            tile_height,
            levels: u32::from(style.levels),
            block_width: 1 << style.block.0,
            block_height: 1 << style.block.1,
            transformed: u32::from(style.transformed),
            precincts: precincts().len() as u32,
            precinct_widths: [0; 33],
            precinct_heights: [0; 33],
            progression: match style.progression {
                0 => *b"LRCP\0",
                1 => *b"RLCP\0",
                2 => *b"RPCL\0",
                3 => *b"PCRL\0",
                _ => *b"CPRL\0",
            }
            .map(|letter| letter as c_char),
        };
        let sizes = frame.precinct_widths.iter_mut().zip(&mut frame.precinct_heights);
        for ((width, height), precinct) in sizes.zip(precincts()) {
            (*width, *height) = (1 << precinct.0, 1 << precinct.1);
        }
        let mut written = Vec::new();
        // SAFETY: the frame points to as many samples as it says, which live until the call is over, as does the vector; the
        // function throws nothing.
        let refused = unsafe {
            let target = (&raw mut written).cast::<c_void>();
            markgate_htj2k_encode(&raw const frame, write, target)
        };
        if refused == 0 { Ok(written) } else { Err(CodecFault::Unsupported) }
    }
}
