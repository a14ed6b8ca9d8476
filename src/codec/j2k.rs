//! JPEG 2000 (ISO/IEC 15444-1) and, decoding alone, HTJ2K (15444-15), by OpenJPEG.
//!
//! Built without threads; strict, so that a tile cut short is a fault. A colour transform of the codestream is undone, and done
//! again when the frame is encoded again. Kept then: depth and sign of the components, the transform, decompositions, tiles,
//! code-blocks, precincts, progression order, SOP and EPH markers. Several quality layers become one. COM segments are not kept.

#![allow(unsafe_code, reason = "OpenJPEG is C")]

use std::ffi::{c_char, c_int, c_void};
use std::{ptr, slice};

use openjpeg_sys as opj;

use super::codestream::{self, Siz, Style};
use super::raster::Raster;
use super::{CodecFault, FrameShape};

/// More bits than any IOD has; the library's own arithmetic has 32.
const MOST_BITS: u8 = 24;

const DAMAGED: CodecFault = CodecFault::Malformed("the codestream is damaged or cut short");

/// Reads the headers of a frame.
pub(super) fn head(shape: &FrameShape, bytes: &[u8]) -> Result<Siz, CodecFault> {
    let siz = codestream::read(bytes)?;
    let (depth, _) = siz.agrees(shape)?;
    if depth > MOST_BITS { Err(CodecFault::Unsupported) } else { Ok(siz) }
}

struct Codec(*mut opj::opj_codec_t);

impl Drop for Codec {
    fn drop(&mut self) {
        // SAFETY: null, or what the library made; not used again.
        unsafe { opj::opj_destroy_codec(self.0) }
    }
}

struct Stream(*mut opj::opj_stream_t);

impl Drop for Stream {
    fn drop(&mut self) {
        // SAFETY: null, or what the library made; not used again.
        unsafe { opj::opj_stream_destroy(self.0) }
    }
}

struct Image(*mut opj::opj_image_t);

impl Drop for Image {
    fn drop(&mut self) {
        // SAFETY: null, or what the library made; not used again.
        unsafe { opj::opj_image_destroy(self.0) }
    }
}

impl Image {
    fn components(&self) -> &[opj::opj_image_comp_t] {
        // SAFETY: a live image of the library has `numcomps` components, which do not change while it is borrowed.
        unsafe {
            match self.0.as_ref() {
                Some(image) if !image.comps.is_null() => {
                    slice::from_raw_parts(image.comps, image.numcomps as usize)
                }
                _ => &[],
            }
        }
    }
}

/// A place in memory that the library reads or writes.
struct Place<'a> {
    read: &'a [u8],
    written: Vec<u8>,
    at: usize,
}

/// What the library takes for the end of the stream.
const END: usize = usize::MAX;

unsafe extern "C" fn read(to: *mut c_void, length: usize, place: *mut c_void) -> usize {
    // SAFETY: the library hands back the place it was given, alive and borrowed by nobody, and a buffer of that length.
    unsafe {
        let place = &mut *place.cast::<Place<'_>>();
        let from = place.read.get(place.at..).unwrap_or_default();
        let count = from.len().min(length);
        if count == 0 {
            return END;
        }
        ptr::copy_nonoverlapping(from.as_ptr(), to.cast::<u8>(), count);
        place.at += count;
        count
    }
}

unsafe extern "C" fn write(from: *mut c_void, length: usize, place: *mut c_void) -> usize {
    // SAFETY: as of `read`.
    unsafe {
        let place = &mut *place.cast::<Place<'_>>();
        let from = slice::from_raw_parts(from.cast::<u8>(), length);
        let end = place.at + length;
        if place.written.len() < end {
            place.written.resize(end, 0);
        }
        if let Some(to) = place.written.get_mut(place.at..end) {
            to.copy_from_slice(from);
        }
        place.at = end;
        length
    }
}

unsafe extern "C" fn skip(distance: i64, place: *mut c_void) -> i64 {
    // SAFETY: as of `read`.
    let place = unsafe { &mut *place.cast::<Place<'_>>() };
    let length = if place.read.is_empty() { usize::MAX } else { place.read.len() };
    match place.at.checked_add_signed(distance as isize) {
        Some(at) if at <= length => {
            place.at = at;
            distance
        }
        _ => -1,
    }
}

unsafe extern "C" fn seek(to: i64, place: *mut c_void) -> c_int {
    // SAFETY: as of `read`.
    let place = unsafe { &mut *place.cast::<Place<'_>>() };
    match usize::try_from(to) {
        Ok(at) if place.read.is_empty() || at <= place.read.len() => {
            place.at = at;
            1
        }
        _ => 0,
    }
}

/// A stream over a place, which has to outlive it and is not touched meanwhile.
fn stream(place: *mut Place<'_>, length: usize, input: bool) -> Result<Stream, CodecFault> {
    // SAFETY: a null pointer is looked for; the callbacks take what the stream is given for their user data.
    unsafe {
        let stream = Stream(opj::opj_stream_default_create(c_int::from(input)));
        if stream.0.is_null() {
            return Err(CodecFault::Unavailable);
        }
        opj::opj_stream_set_user_data(stream.0, place.cast::<c_void>(), None);
        opj::opj_stream_set_user_data_length(stream.0, length as u64);
        opj::opj_stream_set_read_function(stream.0, Some(read));
        opj::opj_stream_set_write_function(stream.0, Some(write));
        opj::opj_stream_set_skip_function(stream.0, Some(skip));
        opj::opj_stream_set_seek_function(stream.0, Some(seek));
        Ok(stream)
    }
}

/// Decodes a frame, lossless or not.
pub(super) fn decode(shape: &FrameShape, bytes: &[u8]) -> Result<Raster, CodecFault> {
    let bytes = codestream::bare(bytes)?;
    let (precision, signed) = head(shape, bytes)?.agrees(shape)?;
    let mut place = Place { read: bytes, written: Vec::new(), at: 0 };
    let stream = stream(&raw mut place, bytes.len(), true)?;
    let mut image = Image(ptr::null_mut());
    // SAFETY: codec, stream and the place behind it are alive; a null pointer is looked for; the parameters are what the library
    // itself takes for default.
    unsafe {
        let codec = Codec(opj::opj_create_decompress(opj::CODEC_FORMAT::OPJ_CODEC_J2K));
        if codec.0.is_null() {
            return Err(CodecFault::Unavailable);
        }
        let mut parameters = Box::<opj::opj_dparameters_t>::new_zeroed();
        opj::opj_set_default_decoder_parameters(parameters.as_mut_ptr());
        let done = opj::opj_setup_decoder(codec.0, parameters.as_mut_ptr()) != 0
            && opj::opj_decoder_set_strict_mode(codec.0, 1) != 0
            && opj::opj_read_header(stream.0, codec.0, &raw mut image.0) != 0
            && same(&image, shape, precision, signed, false)
            && opj::opj_decode(codec.0, stream.0, image.0) != 0
            && opj::opj_end_decompress(codec.0, stream.0) != 0;
        if !done {
            return Err(DAMAGED);
        }
    }
    if !same(&image, shape, precision, signed, true) {
        return Err(CodecFault::Mismatch);
    }
    let width = shape.sample_bytes();
    let step = width * shape.samples();
    let mut samples = vec![0; shape.decoded_bytes()?];
    for (index, component) in image.components().iter().enumerate() {
        // SAFETY: `same` has seen that there are as many values as pixels.
        let values = unsafe { slice::from_raw_parts(component.data, shape.pixels()) };
        for (pixel, value) in samples.chunks_exact_mut(step).zip(values) {
            for (to, from) in
                pixel.iter_mut().skip(index * width).zip(value.to_le_bytes()).take(width)
            {
                *to = from;
            }
        }
    }
    Ok(Raster { samples, precision, signed })
}

/// Whether the library sees the image that the headers describe, with its values or without.
fn same(image: &Image, shape: &FrameShape, precision: u8, signed: bool, values: bool) -> bool {
    let component = |component: &opj::opj_image_comp_t| {
        (component.w, component.h) == (u32::from(shape.columns), u32::from(shape.rows))
            && (component.prec, component.sgnd) == (u32::from(precision), u32::from(signed))
            && (component.dx, component.dy, component.factor) == (1, 1, 0)
            && (!values || !component.data.is_null())
    };
    image.components().len() == shape.samples() && image.components().iter().all(component)
}

/// How a frame is coded.
#[derive(Debug, Clone)]
pub(super) struct Choice {
    pub(super) style: Style,
    /// Width and height of tiles, if there are several.
    pub(super) tile: Option<(u32, u32)>,
    /// With wavelets that lose.
    pub(super) irreversible: bool,
    /// How many times fewer bytes there are than samples take; 0 for as many as nothing lost takes.
    pub(super) ratio: f32,
}

/// The most decompositions that leave a pixel in the smaller direction.
pub(super) fn most_levels(width: u32, height: u32) -> u8 {
    width.min(height).max(1).ilog2() as u8
}

/// Encodes a frame in one layer.
pub(super) fn encode(
    shape: &FrameShape,
    raster: &Raster,
    choice: &Choice,
) -> Result<Vec<u8>, CodecFault> {
    if raster.precision > MOST_BITS || raster.samples.len() != shape.decoded_bytes()? {
        return Err(CodecFault::Unsupported);
    }
    let image = image(shape, raster)?;
    let mut place = Place { read: &[], written: Vec::new(), at: 0 };
    let stream = stream(&raw mut place, 0, false)?;
    // SAFETY: codec, stream and the place behind it are alive; a null pointer is looked for; the parameters begin as what the
    // library itself takes for default.
    unsafe {
        let mut parameters = Box::<opj::opj_cparameters_t>::new_zeroed();
        opj::opj_set_default_encoder_parameters(parameters.as_mut_ptr());
        let mut parameters = parameters.assume_init();
        parametrise(&mut parameters, shape, choice);
        let codec = Codec(opj::opj_create_compress(opj::CODEC_FORMAT::OPJ_CODEC_J2K));
        if codec.0.is_null() {
            return Err(CodecFault::Unavailable);
        }
        let done = opj::opj_setup_encoder(codec.0, &raw mut *parameters, image.0) != 0
            && opj::opj_start_compress(codec.0, image.0, stream.0) != 0
            && opj::opj_encode(codec.0, stream.0) != 0
            && opj::opj_end_compress(codec.0, stream.0) != 0;
        if !done {
            return Err(CodecFault::Unsupported);
        }
    }
    drop(stream);
    Ok(place.written)
}

fn image(shape: &FrameShape, raster: &Raster) -> Result<Image, CodecFault> {
    let component = opj::opj_image_cmptparm_t {
        dx: 1,
        dy: 1,
        w: u32::from(shape.columns),
        h: u32::from(shape.rows),
        x0: 0,
        y0: 0,
        prec: u32::from(raster.precision),
        bpp: u32::from(raster.precision),
        sgnd: u32::from(raster.signed),
    };
    let mut components = [component; 3];
    let colours = if shape.samples() == 1 {
        opj::COLOR_SPACE::OPJ_CLRSPC_GRAY
    } else {
        opj::COLOR_SPACE::OPJ_CLRSPC_SRGB
    };
    // SAFETY: there are at least as many components as samples; a null pointer is looked for.
    let image = Image(unsafe {
        opj::opj_image_create(shape.samples() as u32, components.as_mut_ptr(), colours)
    });
    // SAFETY: the image is alive, or null.
    let Some(bounds) = (unsafe { image.0.as_mut() }) else { return Err(CodecFault::Unavailable) };
    (bounds.x0, bounds.y0) = (0, 0);
    (bounds.x1, bounds.y1) = (u32::from(shape.columns), u32::from(shape.rows));
    let width = shape.sample_bytes();
    let step = width * shape.samples();
    for (index, component) in image.components().iter().enumerate() {
        if component.data.is_null() {
            return Err(CodecFault::Unavailable);
        }
        // SAFETY: the library made room for as many values as the component has pixels, and nobody else looks at them.
        let values = unsafe { slice::from_raw_parts_mut(component.data, shape.pixels()) };
        for (value, pixel) in values.iter_mut().zip(raster.samples.chunks_exact(step)) {
            *value = raster.value(pixel, index * width, width);
        }
    }
    Ok(image)
}

fn parametrise(parameters: &mut opj::opj_cparameters_t, shape: &FrameShape, choice: &Choice) {
    let style = &choice.style;
    let whole = (u32::from(shape.columns), u32::from(shape.rows));
    let (width, height) = choice.tile.unwrap_or(whole);
    if choice.tile.is_some() {
        parameters.tile_size_on = 1;
        (parameters.cp_tdx, parameters.cp_tdy) = (width as c_int, height as c_int);
    }
    let levels = style.levels.min(most_levels(width, height));
    parameters.numresolution = c_int::from(levels) + 1;
    parameters.prog_order = match style.progression {
        0 => opj::PROG_ORDER::OPJ_LRCP,
        1 => opj::PROG_ORDER::OPJ_RLCP,
        2 => opj::PROG_ORDER::OPJ_RPCL,
        3 => opj::PROG_ORDER::OPJ_PCRL,
        _ => opj::PROG_ORDER::OPJ_CPRL,
    };
    parameters.cblockw_init = 1 << style.block.0;
    parameters.cblockh_init = 1 << style.block.1;
    parameters.mode = c_int::from(style.blocks);
    parameters.csty = c_int::from(style.markers);
    parameters.tcp_mct = c_char::from(style.transformed);
    parameters.tcp_numlayers = 1;
    parameters.cp_disto_alloc = 1;
    parameters.irreversible = c_int::from(choice.irreversible);
    if let Some(rate) = parameters.tcp_rates.first_mut() {
        *rate = choice.ratio;
    }
    // The library wants the highest resolution first, as the codestream has the lowest.
    let precincts = style.precincts.iter().rev().take(usize::from(levels) + 1);
    parameters.res_spec = precincts.len() as c_int;
    if parameters.res_spec > 0 {
        parameters.csty |= 1;
    }
    let sizes = parameters.prcw_init.iter_mut().zip(parameters.prch_init.iter_mut());
    for ((width, height), precinct) in sizes.zip(precincts) {
        (*width, *height) = (1 << precinct.0, 1 << precinct.1);
    }
}
