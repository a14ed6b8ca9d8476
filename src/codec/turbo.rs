//! JPEG (ISO/IEC 10918-1) by libjpeg-turbo: baseline, extended with 8 and 12 bits, lossless with 2 to 16.
//!
//! Which colours three components are is told by an Adobe or JFIF segment or by components named R, G and B, and where there is
//! none of these by Photometric Interpretation (PS3.5 8.2.1); the library's own guess is not asked. Lossy colour is decoded into RGB;
//! lossless components are given as they are, since a transform would lose.
//!
//! Kept when a lossless frame is encoded again: precision, predictor, restart interval in rows, component identifiers, APPn and
//! COM segments.

#![allow(unsafe_code, reason = "libjpeg-turbo is C")]

use std::ffi::{CStr, c_int, c_void};
use std::ptr;

use turbojpeg_sys as tj;

use super::markers::{self, Head};
use super::raster::Raster;
use super::{CodecFault, Colour, FrameShape};

/// Scans in a frame: four components make four, and nothing that DICOM allows is progressive.
const MOST_SCANS: c_int = 8;

/// How chrominances of a lossy JPEG are thinned out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subsampling {
    /// Not at all.
    Full,
    /// Every second column.
    Half,
    /// Every second column and row.
    Quarter,
}

/// An instance of the library.
struct Handle(tj::tjhandle);

impl Handle {
    fn new(purpose: tj::TJINIT) -> Result<Self, CodecFault> {
        // SAFETY: no arguments but the purpose; a null pointer is looked for.
        let handle = unsafe { tj::tj3Init(purpose as c_int) };
        if handle.is_null() { Err(CodecFault::Unavailable) } else { Ok(Self(handle)) }
    }

    fn set(&self, parameter: tj::TJPARAM, value: c_int) -> Result<(), CodecFault> {
        // SAFETY: the handle is alive; values out of range are refused by the library.
        if unsafe { tj::tj3Set(self.0, parameter as c_int, value) } == 0 {
            Ok(())
        } else {
            Err(CodecFault::Unsupported)
        }
    }

    fn get(&self, parameter: tj::TJPARAM) -> c_int {
        // SAFETY: the handle is alive.
        unsafe { tj::tj3Get(self.0, parameter as c_int) }
    }

    /// What a return value means. The library returns -1 for warnings too.
    fn judge(&self, returned: c_int) -> Result<(), CodecFault> {
        if returned == 0 {
            return Ok(());
        }
        // SAFETY: the handle is alive and its error string is terminated; it is read before the next call changes it.
        let (code, text) = unsafe {
            (tj::tj3GetErrorCode(self.0), CStr::from_ptr(tj::tj3GetErrorStr(self.0)).to_bytes())
        };
        // Common in what modalities send, and harmless: parameters of a scan that say nothing in its process, bytes between
        // segments.
        let harmless: [&[u8]; 2] = [b"Invalid SOS parameters", b"extraneous bytes before marker"];
        let excused = |known: &&[u8]| text.windows(known.len()).any(|part| part == *known);
        if code == tj::TJERR_TJERR_WARNING as c_int && harmless.iter().any(excused) {
            return Ok(());
        }
        Err(CodecFault::Malformed("the entropy-coded data is damaged or cut short"))
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: the handle is alive and not used again.
        unsafe { tj::tj3Destroy(self.0) }
    }
}

/// Memory that the library allocated for a codestream.
struct Output {
    start: *mut u8,
    length: tj::size_t,
}

impl Drop for Output {
    fn drop(&mut self) {
        // SAFETY: null, or what the library's allocator gave.
        unsafe { tj::tj3Free(self.start.cast::<c_void>()) }
    }
}

/// Decodes a baseline or extended frame; the colours are RGB, or one sample.
pub(super) fn decode_lossy(
    shape: &FrameShape,
    bytes: &[u8],
) -> Result<(Raster, Colour), CodecFault> {
    let head = markers::read(bytes)?;
    match head.process {
        0xC0 | 0xC1 => {}
        0xC2 | 0xC3 => return Err(CodecFault::Unsupported),
        _ => return Err(CodecFault::Malformed("not a sequential DCT process")),
    }
    let raster = decode(shape, &head, transformed(shape, &head))?;
    Ok((raster, if shape.samples() == 1 { Colour::Single } else { Colour::Rgb }))
}

/// Decodes a lossless frame.
pub(super) fn decode_lossless(shape: &FrameShape, bytes: &[u8]) -> Result<Raster, CodecFault> {
    let head = markers::read(bytes)?;
    if head.process != 0xC3 {
        return Err(CodecFault::Malformed("not the lossless process"));
    }
    if !head.unsampled() {
        return Err(CodecFault::Unsupported);
    }
    // The library makes up for what is missing; a lossless frame without its end has lost something.
    if !head.ends() {
        return Err(CodecFault::Malformed("no EOI marker"));
    }
    decode(shape, &head, false)
}

/// Whether nothing was lost when a frame was coded: a point transform drops the lowest bits.
pub(super) fn repeatable(head: &Head<'_>) -> bool {
    head.process == 0xC3 && head.transform == 0
}

/// Whether three components are luminance and chrominances: what Adobe's segment says, else the names of the components, else
/// JFIF, which knows nothing else, else the data set; as [`jpeg`](super::jpeg) paints.
fn transformed(shape: &FrameShape, head: &Head<'_>) -> bool {
    // "Adobe", version and two flags, then the transform.
    match head.application(0xEE, b"Adobe").and_then(|rest| rest.get(6)) {
        Some(transform) => *transform != 0,
        None if head.components.iter().map(|component| component.id).eq(*b"RGB") => false,
        None => head.application(0xE0, b"JFIF\0").is_some() || shape.photometric.is_luminance(),
    }
}

fn decode(shape: &FrameShape, head: &Head<'_>, transformed: bool) -> Result<Raster, CodecFault> {
    head.agrees(shape)?;
    let bytes = said(head, transformed);
    let (rows, columns) = (c_int::from(head.rows), c_int::from(head.columns));
    let samples = shape.pixels() * shape.samples();
    let format = if shape.samples() == 1 { tj::TJPF_TJPF_GRAY } else { tj::TJPF_TJPF_RGB };
    let handle = Handle::new(tj::TJINIT_TJINIT_DECOMPRESS)?;
    handle.set(tj::TJPARAM_TJPARAM_SCANLIMIT, MOST_SCANS)?;
    handle.set(tj::TJPARAM_TJPARAM_MAXPIXELS, rows * columns)?;
    // SAFETY: the buffer is alive and as long as is said.
    handle.judge(unsafe { tj::tj3DecompressHeader(handle.0, bytes.as_ptr(), bytes.len() as _) })?;
    let same = handle.get(tj::TJPARAM_TJPARAM_JPEGWIDTH) == columns
        && handle.get(tj::TJPARAM_TJPARAM_JPEGHEIGHT) == rows
        && handle.get(tj::TJPARAM_TJPARAM_PRECISION) == c_int::from(head.precision);
    if !same {
        return Err(CodecFault::Mismatch);
    }
    let (source, length) = (bytes.as_ptr(), bytes.len() as _);
    let wide = |narrow: Vec<u16>| match shape.sample_bytes() {
        2 => narrow.into_iter().flat_map(u16::to_le_bytes).collect(),
        _ => narrow.into_iter().flat_map(|value| u32::from(value).to_le_bytes()).collect(),
    };
    // Of all three calls: the codestream is alive and as long as is said. The library writes rows × columns pixels, whose number
    // its own reading of the head has just confirmed, of one or three samples of the type that goes with the precision.
    let samples = match head.precision {
        2..=8 => {
            let mut out = vec![0u8; samples];
            // SAFETY: as above.
            handle.judge(unsafe {
                tj::tj3Decompress8(handle.0, source, length, out.as_mut_ptr(), 0, format)
            })?;
            widened(out, shape.sample_bytes())
        }
        9..=12 => {
            let mut out = vec![0u16; samples];
            // SAFETY: as above; samples of 12 bits are not negative, so that their sign does not matter.
            handle.judge(unsafe {
                tj::tj3Decompress12(handle.0, source, length, out.as_mut_ptr().cast(), 0, format)
            })?;
            wide(out)
        }
        13..=16 => {
            let mut out = vec![0u16; samples];
            // SAFETY: as above.
            handle.judge(unsafe {
                tj::tj3Decompress16(handle.0, source, length, out.as_mut_ptr(), 0, format)
            })?;
            wide(out)
        }
        _ => return Err(CodecFault::Unsupported),
    };
    Ok(Raster { samples, precision: head.precision, signed: false })
}

/// One-byte samples in the width that the data set allocates.
pub(super) fn widened(narrow: Vec<u8>, width: usize) -> Vec<u8> {
    if width == 1 {
        return narrow;
    }
    let mut wide = vec![0; narrow.len() * width];
    for (to, from) in wide.iter_mut().step_by(width).zip(narrow) {
        *to = from;
    }
    wide
}

/// The codestream with an Adobe segment that says whether there is a transform, and with none that says otherwise.
fn said(head: &Head<'_>, transformed: bool) -> Vec<u8> {
    let length: usize = head.segments.iter().map(|segment| segment.whole.len()).sum();
    let mut said = Vec::with_capacity(length + head.rest.len() + 18);
    said.extend(markers::SOI);
    if head.components.len() == 3 {
        said.extend(b"\xFF\xEE\0\x0EAdobe\0\x64\0\0\0\0");
        said.push(u8::from(transformed));
    }
    for segment in head.segments.iter().filter(|segment| !matches!(segment.marker, 0xE0 | 0xEE)) {
        said.extend(segment.whole);
    }
    said.extend(head.rest);
    said
}

/// What is chosen when a frame is encoded.
#[derive(Debug, Clone, Copy)]
pub(super) enum Choice {
    Lossless {
        predictor: u8,
        restart_rows: u16,
    },
    /// `transformed`: luminance and chrominances.
    Lossy {
        quality: u8,
        subsampling: Subsampling,
        transformed: bool,
    },
}

/// Encodes a frame whose samples have 2 to 16 bits (lossless) or 8 or 12 (lossy; colours are RGB).
pub(super) fn encode(
    shape: &FrameShape,
    raster: &Raster,
    choice: Choice,
) -> Result<Vec<u8>, CodecFault> {
    let lossless = matches!(choice, Choice::Lossless { .. });
    if raster.signed || !(if lossless { 2..=16 } else { 8..=12 }).contains(&raster.precision) {
        return Err(CodecFault::Unsupported);
    }
    let handle = Handle::new(tj::TJINIT_TJINIT_COMPRESS)?;
    let grey = shape.samples() == 1;
    let format = if grey { tj::TJPF_TJPF_GRAY } else { tj::TJPF_TJPF_RGB };
    handle.set(tj::TJPARAM_TJPARAM_PRECISION, c_int::from(raster.precision))?;
    match choice {
        Choice::Lossless { predictor, restart_rows } => {
            handle.set(tj::TJPARAM_TJPARAM_LOSSLESS, 1)?;
            handle.set(tj::TJPARAM_TJPARAM_LOSSLESSPSV, c_int::from(predictor))?;
            handle.set(tj::TJPARAM_TJPARAM_LOSSLESSPT, 0)?;
            handle.set(tj::TJPARAM_TJPARAM_RESTARTROWS, c_int::from(restart_rows))?;
        }
        Choice::Lossy { quality, subsampling, transformed } => {
            handle.set(tj::TJPARAM_TJPARAM_QUALITY, c_int::from(quality))?;
            let (colours, thinning) = match (grey, transformed, subsampling) {
                (true, ..) => (tj::TJCS_TJCS_GRAY, tj::TJSAMP_TJSAMP_GRAY),
                (_, false, _) => (tj::TJCS_TJCS_RGB, tj::TJSAMP_TJSAMP_444),
                (_, _, Subsampling::Full) => (tj::TJCS_TJCS_YCbCr, tj::TJSAMP_TJSAMP_444),
                (_, _, Subsampling::Half) => (tj::TJCS_TJCS_YCbCr, tj::TJSAMP_TJSAMP_422),
                (_, _, Subsampling::Quarter) => (tj::TJCS_TJCS_YCbCr, tj::TJSAMP_TJSAMP_420),
            };
            handle.set(tj::TJPARAM_TJPARAM_SUBSAMP, thinning as c_int)?;
            handle.set(tj::TJPARAM_TJPARAM_COLORSPACE, colours as c_int)?;
        }
    }
    let (rows, columns) = (c_int::from(shape.rows), c_int::from(shape.columns));
    let mut output = Output { start: ptr::null_mut(), length: 0 };
    let (start, length) = (&raw mut output.start, &raw mut output.length);
    let samples = &raster.samples;
    if samples.len() != shape.decoded_bytes()? {
        return Err(CodecFault::Mismatch);
    }
    // Of all three calls: the library reads rows × columns pixels of one or three samples, which is what there is, and allocates
    // the output, which is freed by `Output`.
    let returned = if raster.precision <= 8 {
        let narrow: Vec<u8> = samples.iter().step_by(shape.sample_bytes()).copied().collect();
        // SAFETY: as above.
        unsafe {
            tj::tj3Compress8(handle.0, narrow.as_ptr(), columns, 0, rows, format, start, length)
        }
    } else {
        let wide: Vec<u16> = words(samples, shape.sample_bytes());
        if raster.precision <= 12 {
            let source = wide.as_ptr().cast();
            // SAFETY: as above.
            unsafe { tj::tj3Compress12(handle.0, source, columns, 0, rows, format, start, length) }
        } else {
            // SAFETY: as above.
            unsafe {
                tj::tj3Compress16(handle.0, wide.as_ptr(), columns, 0, rows, format, start, length)
            }
        }
    };
    if returned != 0 || output.start.is_null() {
        return Err(CodecFault::Unsupported);
    }
    // SAFETY: the library says that so many bytes are there, and they live until `output` is dropped.
    Ok(unsafe { std::slice::from_raw_parts(output.start, output.length as usize) }.to_vec())
}

/// The lower two bytes of each sample.
pub(super) fn words(samples: &[u8], width: usize) -> Vec<u16> {
    samples
        .chunks_exact(width)
        .map(|sample| match sample {
            [low, high, ..] => u16::from_le_bytes([*low, *high]),
            [low] => u16::from(*low),
            [] => 0,
        })
        .collect()
}
