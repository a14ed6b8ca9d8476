//! JPEG-LS (ISO/IEC 14495-1) by CharLS.
//!
//! Kept when a frame is encoded again: precision, interleave mode, component identifiers, APPn and COM segments. A frame with a
//! colour transform of HP, which is none of the standard's, is not encoded again. Thresholds of the context model and restart intervals are not: every decoder reads them from the codestream.

#![allow(unsafe_code, reason = "CharLS is C++")]

use std::ffi::c_void;

use charls_sys as charls;

use super::markers::{self, Head};
use super::raster::Raster;
use super::turbo::{widened, words};
use super::{CodecFault, FrameShape};

/// How components are interleaved in a codestream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interleave {
    /// A scan for each component.
    None,
    Line,
    Sample,
}

/// How a frame is coded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Choice {
    pub(super) interleave: Interleave,
    /// The greatest error of a sample; 0 for none.
    pub(super) near: u8,
}

impl Choice {
    /// How that codestream is coded.
    pub(super) fn of(head: &Head<'_>) -> Result<Self, CodecFault> {
        let interleave = match head.second {
            0 => Interleave::None,
            1 => Interleave::Line,
            2 => Interleave::Sample,
            _ => return Err(CodecFault::Malformed("no such interleave mode")),
        };
        Ok(Self { interleave, near: head.first })
    }
}

/// Reads the head of a frame.
pub(super) fn head<'a>(shape: &FrameShape, bytes: &'a [u8]) -> Result<Head<'a>, CodecFault> {
    let head = markers::read(bytes)?;
    if head.process != 0xF7 {
        return Err(CodecFault::Malformed("not JPEG-LS"));
    }
    head.agrees(shape)?;
    if !head.ends() {
        return Err(CodecFault::Malformed("no EOI marker"));
    }
    if !(2..=16).contains(&head.precision) || !head.unsampled() {
        return Err(CodecFault::Unsupported);
    }
    Ok(head)
}

/// Whether nothing was lost when the frame was coded, and it can be coded so again.
pub(super) fn repeatable(head: &Head<'_>) -> bool {
    let transform = head.application(0xE8, b"mrfx").and_then(|rest| rest.first());
    head.first == 0 && transform.is_none_or(|transform| *transform == 0)
}

struct Decoder(*mut charls::charls_jpegls_decoder);

impl Drop for Decoder {
    fn drop(&mut self) {
        // SAFETY: null, or what the library made; not used again.
        unsafe { charls::charls_jpegls_decoder_destroy(self.0) }
    }
}

struct Encoder(*mut charls::charls_jpegls_encoder);

impl Drop for Encoder {
    fn drop(&mut self) {
        // SAFETY: null, or what the library made; not used again.
        unsafe { charls::charls_jpegls_encoder_destroy(self.0) }
    }
}

const DAMAGED: CodecFault = CodecFault::Malformed("the entropy-coded data is damaged or cut short");

fn judge(returned: charls::charls_jpegls_errc, fault: CodecFault) -> Result<(), CodecFault> {
    if returned == charls::charls_jpegls_errc_success { Ok(()) } else { Err(fault) }
}

/// Decodes a frame, lossless or not.
pub(super) fn decode(shape: &FrameShape, bytes: &[u8]) -> Result<Raster, CodecFault> {
    let head = head(shape, bytes)?;
    let choice = Choice::of(&head)?;
    let width = if head.precision <= 8 { 1 } else { 2 };
    // SAFETY: no arguments; a null pointer is looked for.
    let decoder = Decoder(unsafe { charls::charls_jpegls_decoder_create() });
    if decoder.0.is_null() {
        return Err(CodecFault::Unavailable);
    }
    let mut info =
        charls::charls_frame_info { width: 0, height: 0, bits_per_sample: 0, component_count: 0 };
    let mut needed = 0;
    // SAFETY: the decoder is alive, the codestream outlives it, and the other pointers are to what they should be.
    unsafe {
        let source = bytes.as_ptr().cast::<c_void>();
        judge(
            charls::charls_jpegls_decoder_set_source_buffer(decoder.0, source, bytes.len()),
            DAMAGED,
        )?;
        judge(charls::charls_jpegls_decoder_read_header(decoder.0), DAMAGED)?;
        judge(charls::charls_jpegls_decoder_get_frame_info(decoder.0, &raw mut info), DAMAGED)?;
        let size = &raw mut needed;
        judge(charls::charls_jpegls_decoder_get_destination_size(decoder.0, 0, size), DAMAGED)?;
    }
    let length = shape.pixels() * shape.samples() * width;
    let same = info.width == u32::from(head.columns)
        && info.height == u32::from(head.rows)
        && info.bits_per_sample == i32::from(head.precision)
        && info.component_count == shape.samples() as i32;
    if !same || needed != length {
        return Err(CodecFault::Mismatch);
    }
    let mut samples = vec![0u8; length];
    let to = samples.as_mut_ptr().cast::<c_void>();
    // SAFETY: the buffer has the length that is said, which is the one the library asked for; it takes any alignment, since it
    // copies lines of samples into the buffer.
    judge(
        unsafe { charls::charls_jpegls_decoder_decode_to_buffer(decoder.0, to, length, 0) },
        DAMAGED,
    )?;
    if choice.interleave == Interleave::None && shape.samples() > 1 {
        samples = interleaved(&samples, shape, width);
    }
    if width == 2 && shape.sample_bytes() == 4 {
        samples =
            words(&samples, 2).into_iter().flat_map(|word| u32::from(word).to_le_bytes()).collect();
    } else if width == 1 {
        samples = widened(samples, shape.sample_bytes());
    }
    Ok(Raster { samples, precision: head.precision, signed: false })
}

fn interleaved(planes: &[u8], shape: &FrameShape, width: usize) -> Vec<u8> {
    let mut samples = vec![0; planes.len()];
    let step = width * shape.samples();
    for (index, plane) in planes.chunks_exact(shape.pixels() * width).enumerate() {
        let to = samples.iter_mut().enumerate().filter(|(at, _)| at % step / width == index);
        for ((_, to), from) in to.zip(plane) {
            *to = *from;
        }
    }
    samples
}

fn planes(samples: &[u8], shape: &FrameShape, width: usize) -> Vec<u8> {
    let step = width * shape.samples();
    let plane = |index: usize| {
        samples
            .chunks_exact(step)
            .flat_map(move |pixel| pixel.iter().skip(index * width).take(width))
    };
    (0..shape.samples()).flat_map(plane).copied().collect()
}

/// Encodes a frame whose samples have 2 to 16 bits.
pub(super) fn encode(
    shape: &FrameShape,
    raster: &Raster,
    choice: Choice,
) -> Result<Vec<u8>, CodecFault> {
    const REFUSED: CodecFault = CodecFault::Unsupported;
    if raster.signed || !(2..=16).contains(&raster.precision) {
        return Err(REFUSED);
    }
    let width = if raster.precision <= 8 { 1 } else { 2 };
    let kept = |at: usize| at % shape.sample_bytes() < width;
    let mut samples: Vec<u8> = if width == shape.sample_bytes() {
        raster.samples.clone()
    } else {
        let kept = raster.samples.iter().enumerate().filter(|(at, _)| kept(*at));
        kept.map(|(_, byte)| *byte).collect()
    };
    if choice.interleave == Interleave::None && shape.samples() > 1 {
        samples = planes(&samples, shape, width);
    }
    let info = charls::charls_frame_info {
        width: u32::from(shape.columns),
        height: u32::from(shape.rows),
        bits_per_sample: i32::from(raster.precision),
        component_count: shape.samples() as i32,
    };
    let interleave = match choice.interleave {
        // A single component is never interleaved.
        _ if shape.samples() == 1 => charls::charls_interleave_mode_none,
        Interleave::None => charls::charls_interleave_mode_none,
        Interleave::Line => charls::charls_interleave_mode_line,
        Interleave::Sample => charls::charls_interleave_mode_sample,
    };
    // SAFETY: no arguments; a null pointer is looked for.
    let encoder = Encoder(unsafe { charls::charls_jpegls_encoder_create() });
    if encoder.0.is_null() {
        return Err(CodecFault::Unavailable);
    }
    let mut length = 0;
    // SAFETY: the encoder is alive and the pointers are to what they should be.
    unsafe {
        judge(charls::charls_jpegls_encoder_set_frame_info(encoder.0, &raw const info), REFUSED)?;
        judge(
            charls::charls_jpegls_encoder_set_near_lossless(encoder.0, i32::from(choice.near)),
            REFUSED,
        )?;
        judge(charls::charls_jpegls_encoder_set_interleave_mode(encoder.0, interleave), REFUSED)?;
        let size = &raw mut length;
        judge(
            charls::charls_jpegls_encoder_get_estimated_destination_size(encoder.0, size),
            REFUSED,
        )?;
    }
    // The estimate is for samples that compress; noise takes more than it had.
    let mut encoded = vec![0u8; length * 2 + 1024];
    let room = encoded.len();
    // SAFETY: both buffers are alive and as long as is said.
    unsafe {
        let to = encoded.as_mut_ptr().cast::<c_void>();
        judge(charls::charls_jpegls_encoder_set_destination_buffer(encoder.0, to, room), REFUSED)?;
        let from = samples.as_ptr().cast::<c_void>();
        judge(
            charls::charls_jpegls_encoder_encode_from_buffer(encoder.0, from, samples.len(), 0),
            REFUSED,
        )?;
        judge(
            charls::charls_jpegls_encoder_get_bytes_written(encoder.0, &raw mut length),
            REFUSED,
        )?;
    }
    encoded.truncate(length);
    Ok(encoded)
}
