//! The pixels of an object: what they are, where they stand, and what may be done to them.

use std::cell::OnceCell;
use std::io::{self, Read};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use crate::codec::{
    CodecFault, Coded, Coding, Decoded, FrameShape, Frames, InProcess, Syntax, decode_native,
    has_stray_bits,
};
use crate::dicom::photometric::Photometric;
use crate::dicom::transfer_syntax::Encoding;
use crate::dicom::{Tag, VR, tags};
use crate::object::edit::Made;
use crate::object::frames::{Encapsulated, Frame, FrameFault};
use crate::object::{Element, HeaderView, Kind};

use super::Obstacle;

/// What a stamp of pixels is made with: the object's own bytes, whoever decodes frames, and a place for frames that are coded
/// anew.
pub trait Workshop {
    /// The bytes of the data set from `at` on; of a deflated one, of what it inflates to.
    ///
    /// # Errors
    /// When they cannot be read.
    fn original(&self, at: u64) -> io::Result<Box<dyn Read + '_>>;

    /// Who decodes and repaints.
    fn frames(&self) -> &dyn Frames;

    /// Keeps bytes that a plan will take from what was made.
    ///
    /// # Errors
    /// When there is no room for them.
    fn keep(&self, bytes: &[u8]) -> io::Result<()>;

    /// What has been kept since the last [`discard`](Self::discard).
    fn made(&self) -> Made;

    /// Throws away what was kept: the mode that needed it cannot be had.
    fn discard(&self);

    /// A place for the first frame once rules have looked at it, so that a stamp need not decode it again.
    fn first(&self) -> Option<&FirstFrame> {
        None
    }

    /// How long ago the object's bytes were asked for first. Who has no clock looks at all there is.
    fn spent(&self) -> Duration {
        Duration::ZERO
    }
}

/// Holds the first frame of an object.
#[derive(Debug, Default)]
pub struct FirstFrame(OnceCell<Seen>);

/// A decoded frame, and of a native one whether it has bits that are not stored ones.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub decoded: Arc<Decoded>,
    pub stray_bits: Option<bool>,
}

/// The most bytes that the codestream of one frame may have.
const MAX_CODED: u64 = 256 << 20;

/// The most bytes that a frame may have decoded: three times a large mammogram. Several frames are worked on at a time, each of
/// them in two or three copies.
const MAX_DECODED: usize = 160 << 20;

/// The most frames of an object whose frames are touched one by one.
const MAX_FRAMES: u32 = 1 << 16;

/// The pixels of an image.
#[derive(Debug, Clone)]
pub(super) struct Raster {
    /// One frame.
    pub shape: FrameShape,
    /// Number of Frames (0028,0008), at least 1.
    pub frames: u32,
    /// How frames are coded.
    pub syntax: Syntax,
    /// Where they stand.
    pub layout: Layout,
}

/// Where frames stand in the data set.
#[derive(Debug, Clone)]
pub(super) enum Layout {
    /// One behind the other.
    Native {
        /// The value of Pixel Data.
        value: Range<u64>,
        /// 16-bit words with the most significant byte first, whatever the samples are: VR OW in big endian.
        words: bool,
    },
    /// In fragments.
    Encapsulated {
        /// Each with its fragments.
        frames: Vec<Frame>,
        /// The Basic Offset Table: where it stands.
        table: Range<u64>,
    },
}

impl Raster {
    /// Of an object that was walked to its end.
    ///
    /// # Errors
    /// When there are no pixels, when they are of a kind that is not touched, or when the elements that describe them
    /// contradict each other or Pixel Data.
    pub fn of(
        view: &HeaderView,
        transfer_syntax: &str,
        workshop: &dyn Workshop,
    ) -> Result<Self, Obstacle> {
        let syntax = Syntax::of(transfer_syntax).ok_or(Obstacle::NotDecodable)?;
        let mut all = view.top().filter(|element| element.tag == tags::PIXEL_DATA);
        let pixels = all.next().ok_or(Obstacle::NoPixels)?;
        if all.next().is_some() {
            return Err(Obstacle::Contradiction(tags::PIXEL_DATA));
        }
        let shape = shape(view)?;
        if shape.decoded_bytes()? > MAX_DECODED {
            return Err(Obstacle::Codec(CodecFault::TooLarge));
        }
        let frames = match integer(view, tags::NUMBER_OF_FRAMES) {
            None if view.find(tags::NUMBER_OF_FRAMES).is_none_or(|e| e.length() == 0) => 1,
            Some(frames @ 1..) => u32::try_from(frames).map_err(|_| Obstacle::TooManyFrames)?,
            Some(_) | None => return Err(Obstacle::Contradiction(tags::NUMBER_OF_FRAMES)),
        };
        let layout = match pixels.kind {
            Kind::Fragments => encapsulated(view, pixels, frames, workshop)?,
            Kind::Value if syntax.coding() == Coding::Native => {
                native(view, pixels, &shape, frames)?
            }
            Kind::Value | Kind::Sequence | Kind::Item | Kind::Fragment => {
                return Err(Obstacle::Contradiction(tags::PIXEL_DATA));
            }
        };
        Ok(Self { shape, frames, syntax, layout })
    }

    /// Bits of one frame of native Pixel Data.
    pub fn native_bits(&self) -> u64 {
        native_bits(&self.shape)
    }

    /// The bytes of a frame as they stand.
    ///
    /// # Errors
    /// When they cannot be read, or are too many.
    pub fn coded(&self, frame: u32, workshop: &dyn Workshop) -> Result<Vec<u8>, Obstacle> {
        let ranges = match &self.layout {
            Layout::Native { value, .. } => {
                let bits = self.native_bits();
                let first = u64::from(frame) * bits;
                let bytes = value.start + first / 8..value.start + (first + bits).div_ceil(8);
                std::iter::once(bytes).collect()
            }
            Layout::Encapsulated { frames, .. } => frames
                .get(frame as usize)
                .map(|frame| frame.fragments.clone())
                .ok_or(Obstacle::Contradiction(tags::NUMBER_OF_FRAMES))?,
        };
        let length: u64 = ranges.iter().map(|range| range.end - range.start).sum();
        if length > MAX_CODED {
            return Err(Obstacle::Codec(CodecFault::TooLarge));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
        for range in ranges {
            read_into(&mut bytes, workshop, range)?;
        }
        if let Layout::Native { words: true, .. } = self.layout
            && self.shape.allocated <= 8
        {
            bytes.chunks_exact_mut(2).for_each(|word| word.swap(0, 1));
        }
        if matches!(self.layout, Layout::Native { .. }) && !self.native_bits().is_multiple_of(8) {
            bytes = aligned(&bytes, (u64::from(frame) * self.native_bits() % 8) as u32);
        }
        Ok(bytes)
    }

    /// The samples of a frame.
    ///
    /// # Errors
    /// When they cannot be read or decoded.
    pub fn decoded(&self, frame: u32, workshop: &dyn Workshop) -> Result<Arc<Decoded>, Obstacle> {
        Ok(self.seen(frame, workshop)?.decoded)
    }

    /// The same with what only the bytes as they stand tell.
    ///
    /// # Errors
    /// As [`decoded`](Self::decoded).
    pub fn seen(&self, frame: u32, workshop: &dyn Workshop) -> Result<Seen, Obstacle> {
        if let (0, Some(seen)) = (frame, workshop.first().and_then(|place| place.0.get())) {
            return Ok(seen.clone());
        }
        let bytes = self.coded(frame, workshop)?;
        let coded = Coded { syntax: self.syntax, shape: self.shape, bytes: &bytes };
        // Samples that stand in the data set as they are need no codec, and nobody to run it.
        Ok(match (&self.layout, self.syntax) {
            (Layout::Native { .. }, Syntax::Native { big_endian }) => Seen {
                stray_bits: Some(has_stray_bits(&self.shape, &bytes, big_endian)),
                decoded: Arc::new(decode_native(&self.shape, bytes, big_endian)?),
            },
            (Layout::Native { .. }, _) => {
                Seen { decoded: Arc::new(InProcess.decode(&coded)?), stray_bits: None }
            }
            (Layout::Encapsulated { .. }, _) => {
                Seen { decoded: Arc::new(workshop.frames().decode(&coded)?), stray_bits: None }
            }
        })
    }

    /// The same; the first frame is kept for whoever asks next.
    ///
    /// # Errors
    /// As [`decoded`](Self::decoded).
    pub fn kept(&self, frame: u32, workshop: &dyn Workshop) -> Result<Seen, Obstacle> {
        let seen = self.seen(frame, workshop)?;
        Ok(match workshop.first() {
            Some(place) if frame == 0 => place.0.get_or_init(|| seen).clone(),
            Some(_) | None => seen,
        })
    }

    /// The rows of a native frame, a few at a time; `None` where they do not stand one behind the other in whole bytes.
    pub fn rows<'w>(&self, frame: u32, workshop: &'w dyn Workshop) -> Option<StandingRows<'w>> {
        let (Layout::Native { value, words: false }, Syntax::Native { big_endian }) =
            (&self.layout, self.syntax)
        else {
            return None;
        };
        let planes = self.shape.planar && self.shape.samples() > 1;
        let row_bytes = native_bits(&FrameShape { rows: 1, ..self.shape }) / 8;
        let frame_bytes = row_bytes * u64::from(self.shape.rows);
        (self.shape.allocated >= 8 && !planes).then(|| StandingRows {
            workshop,
            at: value.start + u64::from(frame) * frame_bytes,
            shape: self.shape,
            big_endian,
            row_bytes: usize::try_from(row_bytes).unwrap_or(usize::MAX),
        })
    }

    /// Whether frames are so many that they are not touched one by one.
    pub fn check_frames(&self) -> Result<(), Obstacle> {
        if self.frames > MAX_FRAMES { Err(Obstacle::TooManyFrames) } else { Ok(()) }
    }
}

/// The rows of a native frame as they stand in the data set.
pub(super) struct StandingRows<'w> {
    workshop: &'w dyn Workshop,
    at: u64,
    shape: FrameShape,
    big_endian: bool,
    row_bytes: usize,
}

/// Some rows of a frame.
pub(super) struct SomeRows<'r> {
    pub decoded: &'r Decoded,
    /// Whether these or earlier ones have bits that are not stored ones.
    pub stray_bits: bool,
    pub is_last: bool,
}

impl StandingRows<'_> {
    /// Bytes that are read at a time: few enough to be still near when they are looked at.
    const AT_A_TIME: usize = 64 << 10;

    /// Reads and decodes them in `buffer`, from the first to the last.
    ///
    /// # Errors
    /// When they cannot be read; the first of `see`.
    pub fn each<E: From<Obstacle>>(
        self,
        buffer: &mut Vec<u8>,
        mut see: impl FnMut(&SomeRows<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let unreadable = |_| Obstacle::NotReadable;
        let mut source = self.workshop.original(self.at).map_err(unreadable)?;
        let at_a_time = (Self::AT_A_TIME / self.row_bytes).clamp(1, usize::from(u16::MAX)) as u16;
        let (mut left, mut stray_bits) = (self.shape.rows, false);
        while left > 0 {
            let shape = FrameShape { rows: left.min(at_a_time), ..self.shape };
            left -= shape.rows;
            let mut bytes = std::mem::take(buffer);
            bytes.resize(self.row_bytes * usize::from(shape.rows), 0);
            source.read_exact(&mut bytes).map_err(unreadable)?;
            stray_bits = stray_bits || has_stray_bits(&shape, &bytes, self.big_endian);
            let decoded = decode_native(&shape, bytes, self.big_endian).map_err(Obstacle::Codec)?;
            see(&SomeRows { decoded: &decoded, stray_bits, is_last: left == 0 })?;
            *buffer = decoded.samples;
        }
        Ok(())
    }
}

/// Bytes of the data set.
///
/// # Errors
/// When they cannot be read.
pub(super) fn read(workshop: &dyn Workshop, range: Range<u64>) -> Result<Vec<u8>, Obstacle> {
    let mut bytes = Vec::new();
    read_into(&mut bytes, workshop, range)?;
    Ok(bytes)
}

fn read_into(
    bytes: &mut Vec<u8>,
    workshop: &dyn Workshop,
    range: Range<u64>,
) -> Result<(), Obstacle> {
    let length = range.end - range.start;
    let source = workshop.original(range.start).map_err(|_| Obstacle::NotReadable)?;
    let read = source.take(length).read_to_end(bytes).map_err(|_| Obstacle::NotReadable)?;
    if read as u64 == length { Ok(()) } else { Err(Obstacle::NotReadable) }
}

/// One-bit pixels moved so that the frame begins with its first byte. `by`: 0 to 7.
fn aligned(bytes: &[u8], by: u32) -> Vec<u8> {
    let next = bytes.iter().skip(1).chain([&0]);
    let pairs = bytes.iter().zip(next);
    pairs.map(|(low, high)| (u16::from_le_bytes([*low, *high]) >> by) as u8).collect()
}

fn native_bits(shape: &FrameShape) -> u64 {
    let samples = match shape.photometric {
        // Chrominances are there for every second pixel (PS3.3 C.7.6.3.1.2).
        Photometric::YbrFull422 => 2,
        _ => shape.samples() as u64,
    };
    shape.pixels() as u64 * samples * u64::from(shape.allocated)
}

fn native(
    view: &HeaderView,
    pixels: &Element,
    shape: &FrameShape,
    frames: u32,
) -> Result<Layout, Obstacle> {
    let odd_columns = shape.columns % 2 == 1;
    if shape.photometric == Photometric::YbrPartial420
        || (shape.photometric == Photometric::YbrFull422 && (odd_columns || shape.planar))
    {
        return Err(Obstacle::NotDecodable);
    }
    let bits = native_bits(shape).checked_mul(u64::from(frames));
    let wanted = bits.ok_or(Obstacle::Contradiction(tags::NUMBER_OF_FRAMES))?.div_ceil(8);
    // One padding byte where the pixels are odd in number (PS3.5 §8.1.1).
    if pixels.length() != wanted && pixels.length() != wanted + wanted % 2 {
        return Err(Obstacle::Contradiction(tags::PIXEL_DATA));
    }
    let big = pixels.encoding() == Encoding::ExplicitBig;
    let words = big && view.vr(pixels) == VR::OW && shape.allocated <= 8;
    if words && (shape.allocated == 1 || !pixels.length().is_multiple_of(2)) {
        return Err(Obstacle::NotDecodable);
    }
    let value = pixels.value.clone();
    Ok(Layout::Native { value, words })
}

fn encapsulated(
    view: &HeaderView,
    pixels: &Element,
    count: u32,
    workshop: &dyn Workshop,
) -> Result<Layout, Obstacle> {
    if count > MAX_FRAMES {
        return Err(Obstacle::TooManyFrames);
    }
    let stands = Encapsulated::of(view, pixels)?;
    let table = stands.table.clone();
    let bytes = table.end - table.start;
    let offsets: Vec<u64> = if bytes > 0 {
        if bytes != 4 * u64::from(count) {
            return Err(Obstacle::Frames(FrameFault::Table));
        }
        let bytes = read(workshop, table.clone())?;
        bytes.as_chunks::<4>().0.iter().map(|at| u64::from(u32::from_le_bytes(*at))).collect()
    } else {
        match view.find(tags::EXTENDED_OFFSET_TABLE) {
            Some(extended) if extended.length() == 8 * u64::from(count) => {
                let bytes = read(workshop, extended.value.clone())?;
                bytes.as_chunks::<8>().0.iter().map(|at| u64::from_le_bytes(*at)).collect()
            }
            Some(extended) if extended.length() > 0 => {
                return Err(Obstacle::Frames(FrameFault::Table));
            }
            Some(_) | None => Vec::new(),
        }
    };
    let frames = stands.frames(count, &offsets)?;
    Ok(Layout::Encapsulated { frames, table })
}

fn integer(view: &HeaderView, tag: Tag) -> Option<i64> {
    let element = view.find(tag)?;
    let number = view.numbers(element).first().copied()?;
    (number.fract() == 0.0 && number.abs() < 1e15).then_some(number as i64)
}

/// The shape of a frame: see PS3.3 C.7.6.3.
fn shape(view: &HeaderView) -> Result<FrameShape, Obstacle> {
    let number = |tag: Tag, least: i64, most: i64| {
        integer(view, tag)
            .filter(|value| (least..=most).contains(value))
            .ok_or(Obstacle::Contradiction(tag))
    };
    let term = view.string(tags::PHOTOMETRIC_INTERPRETATION).unwrap_or_default();
    let photometric = Photometric::parse(&term)
        .ok_or(Obstacle::Contradiction(tags::PHOTOMETRIC_INTERPRETATION))?;
    let samples = i64::from(photometric.samples());
    if integer(view, tags::SAMPLES_PER_PIXEL) != Some(samples) {
        return Err(Obstacle::Contradiction(tags::SAMPLES_PER_PIXEL));
    }
    let allocated = number(tags::BITS_ALLOCATED, 1, 32)?;
    if !matches!(allocated, 1 | 8 | 16 | 32) {
        return Err(Obstacle::NotDecodable);
    }
    let stored = number(tags::BITS_STORED, 1, allocated)?;
    let high_bit = number(tags::HIGH_BIT, stored - 1, allocated - 1)?;
    let planar = samples == 3 && integer(view, tags::PLANAR_CONFIGURATION) == Some(1);
    Ok(FrameShape {
        rows: number(tags::ROWS, 1, i64::from(u16::MAX))? as u16,
        columns: number(tags::COLUMNS, 1, i64::from(u16::MAX))? as u16,
        photometric,
        allocated: allocated as u8,
        stored: stored as u8,
        high_bit: high_bit as u8,
        signed: number(tags::PIXEL_REPRESENTATION, 0, 1)? == 1,
        planar,
    })
}
