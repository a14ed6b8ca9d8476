//! JPEG XL (ISO/IEC 18181): decoded by jxl-oxide, encoded without loss by zune-jpegxl, both in Rust.
//!
//! Kept when a frame is encoded again: depth, and whether there are one or three channels. The boxes of a file are not kept, and
//! colours are declared sRGB, as DICOM has them told by its own attributes. The encoder takes no frame that is one pixel wide or
//! high, and makes larger frames than libjxl does at leisure.

use jxl_oxide::image::BitDepth;
use jxl_oxide::{AllocTracker, InitializeResult, JxlImage, JxlThreadPool, frame};
use zune_core::bit_depth::BitDepth as Depth;
use zune_core::colorspace::ColorSpace;
use zune_core::options::EncoderOptions;
use zune_jpegxl::JxlSimpleEncoder;

use super::raster::Raster;
use super::turbo::words;
use super::{CodecFault, FrameShape};

/// Memory that a frame may take while it is decoded: so many times its decoded bytes, and something for tables.
const TIMES: usize = 24;
const TABLES: usize = 64 << 20;

const DAMAGED: CodecFault = CodecFault::Malformed("the codestream is damaged or cut short");

/// A frame, loaded but not rendered.
struct Loaded {
    image: JxlImage,
    precision: u8,
}

fn load(shape: &FrameShape, bytes: &[u8]) -> Result<Loaded, CodecFault> {
    let limit = shape.decoded_bytes()?.saturating_mul(TIMES).saturating_add(TABLES);
    let mut unread = JxlImage::builder()
        .pool(JxlThreadPool::none())
        .alloc_tracker(AllocTracker::with_limit(limit))
        .build_uninit();
    let mut rest = bytes;
    // The head alone, before anything that has the size of the image.
    let mut image = loop {
        let (some, _) = rest.split_at(rest.len().min(4096));
        if some.is_empty() {
            return Err(DAMAGED);
        }
        let consumed = unread.feed_bytes(some).map_err(|_| DAMAGED)?;
        rest = rest.get(consumed..).unwrap_or_default();
        match unread.try_init().map_err(|_| DAMAGED)? {
            InitializeResult::Initialized(image) => break image,
            InitializeResult::NeedMoreData(_) if consumed == 0 => return Err(DAMAGED),
            InitializeResult::NeedMoreData(more) => unread = more,
        }
    };
    let head = &image.image_header().metadata;
    let BitDepth::IntegerSample { bits_per_sample } = head.bit_depth else {
        return Err(CodecFault::Unsupported);
    };
    let precision = u8::try_from(bits_per_sample).map_err(|_| CodecFault::Mismatch)?;
    let format = image.pixel_format();
    let same = image.width() == u32::from(shape.columns)
        && image.height() == u32::from(shape.rows)
        && format.channels() == shape.samples()
        && format.is_grayscale() == (shape.samples() == 1)
        && (1..=shape.allocated).contains(&precision);
    if !same {
        return Err(CodecFault::Mismatch);
    }
    if precision > 16 || head.orientation != 1 || head.animation.is_some() {
        return Err(CodecFault::Unsupported);
    }
    while !rest.is_empty() && !image.is_loading_done() {
        let consumed = image.feed_bytes(rest).map_err(|_| DAMAGED)?;
        if consumed == 0 {
            break;
        }
        rest = rest.get(consumed..).unwrap_or_default();
    }
    if !image.is_loading_done() || image.num_loaded_keyframes() != 1 {
        return Err(DAMAGED);
    }
    Ok(Loaded { image, precision })
}

/// Decodes a frame, lossless or not.
pub(super) fn decode(shape: &FrameShape, bytes: &[u8]) -> Result<Raster, CodecFault> {
    let Loaded { image, precision } = load(shape, bytes)?;
    let render = image.render_frame(0).map_err(|_| DAMAGED)?;
    let mut stream = render.stream_no_alpha();
    if stream.channels() as usize != shape.samples() {
        return Err(CodecFault::Mismatch);
    }
    let mut values = vec![0f32; shape.pixels() * shape.samples()];
    if stream.write_to_buffer(&mut values) != values.len() {
        return Err(CodecFault::Mismatch);
    }
    // 16 bits are told apart by the 24 of a float.
    let scale = ((1u32 << precision) - 1) as f32;
    let width = shape.sample_bytes();
    let mut samples = vec![0; shape.decoded_bytes()?];
    for (sample, value) in samples.chunks_exact_mut(width).zip(values) {
        let value = (value * scale).round().clamp(0.0, scale) as u32;
        for (to, from) in sample.iter_mut().zip(value.to_le_bytes()) {
            *to = from;
        }
    }
    Ok(Raster { samples, precision, signed: false })
}

/// Whether nothing was lost when a frame was coded: its own colours, and no cosine transform.
pub(super) fn repeatable(shape: &FrameShape, bytes: &[u8]) -> Result<bool, CodecFault> {
    let image = load(shape, bytes)?.image;
    let modular = image
        .frame_header(0)
        .is_some_and(|head| head.encoding == frame::Encoding::Modular && !head.do_ycbcr);
    Ok(modular && !image.image_header().metadata.xyb_encoded)
}

/// Encodes a frame without loss.
pub(super) fn encode(shape: &FrameShape, raster: &Raster) -> Result<Vec<u8>, CodecFault> {
    if raster.signed || raster.precision > 16 || shape.rows < 2 || shape.columns < 2 {
        return Err(CodecFault::Unsupported);
    }
    let width = shape.sample_bytes();
    let (depth, samples) = if raster.precision <= 8 {
        (Depth::Eight, raster.samples.iter().step_by(width).copied().collect::<Vec<u8>>())
    } else {
        let words = words(&raster.samples, width);
        (Depth::Sixteen, words.into_iter().flat_map(u16::to_ne_bytes).collect())
    };
    let colours = if shape.samples() == 1 { ColorSpace::Luma } else { ColorSpace::RGB };
    let (columns, rows) = (usize::from(shape.columns), usize::from(shape.rows));
    let options = EncoderOptions::new(columns, rows, colours, depth).set_num_threads(1);
    let mut bytes = Vec::new();
    JxlSimpleEncoder::new(&samples, options)
        .encode(&mut bytes)
        .map_err(|_| CodecFault::Unsupported)?;
    with_depth(&bytes, raster.precision, shape.samples() == 1).ok_or(CodecFault::NotExact)
}

/// Bits, least significant first in each byte.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: usize) -> Option<u32> {
        let mut value = 0;
        for place in 0..count {
            let byte = self.bytes.get(self.at / 8)?;
            value |= u32::from(byte >> (self.at % 8) & 1) << place;
            self.at += 1;
        }
        Some(value)
    }
}

/// What zune-jpegxl made, whose head says eight or sixteen bits, with the depth that the samples have.
///
/// The head (ISO/IEC 18181-1 annex D) is not aligned within itself; the frame begins at a byte, and knows no depth.
fn with_depth(bytes: &[u8], depth: u8, grey: bool) -> Option<Vec<u8>> {
    let mut bits = Bits { bytes, at: 0 };
    let mut head: Vec<(u32, usize)> = Vec::new();
    let mut copy = |bits: &mut Bits<'_>, count: usize| {
        let value = bits.take(count)?;
        head.push((value, count));
        Some(value)
    };
    copy(&mut bits, 16)?;
    // SizeHeader: not in eighths, the height, no ratio, the width.
    const SIZES: [usize; 4] = [9, 13, 18, 30];
    copy(&mut bits, 1)?;
    let size = copy(&mut bits, 2)?;
    copy(&mut bits, *SIZES.get(size as usize)?)?;
    copy(&mut bits, 3)?;
    let size = copy(&mut bits, 2)?;
    copy(&mut bits, *SIZES.get(size as usize)?)?;
    // Not the default, no extra fields, integers; then the depth.
    copy(&mut bits, 3)?;
    if bits.take(2)? == 3 {
        bits.take(6)?;
    }
    head.extend([(3, 2), (u32::from(depth) - 1, 6)]);
    // Buffers, no extra channel, not XYB; colours; no extension, the default transform.
    for count in [4, if grey { 15 } else { 1 }, 3] {
        head.push((bits.take(count)?, count));
    }
    let frame = bytes.get(bits.at.div_ceil(8)..)?;
    let mut with = Vec::with_capacity(bytes.len() + 1);
    let (mut byte, mut filled) = (0u8, 0);
    for (value, count) in head {
        for place in 0..count {
            byte |= ((value >> place & 1) as u8) << filled;
            filled += 1;
            if filled == 8 {
                with.push(byte);
                (byte, filled) = (0, 0);
            }
        }
    }
    if filled > 0 {
        with.push(byte);
    }
    with.extend(frame);
    Some(with)
}
