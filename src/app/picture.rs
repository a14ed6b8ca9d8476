//! A frame as a viewer shows it at first, its overlays with it, and that as PNG.
//!
//! Pixels and overlays may name the patient: what is made here is for those alone who may see the object.

use std::fmt;
use std::io::{self, Read as _};

use crate::dicom::Tag;
use crate::object::{Element, HeaderView};
use crate::stamp::display::{Display, DisplayFault, Picture};
use crate::stamp::{self, Obstacle, Workshop};

/// The groups that overlays are in (PS3.5 §7.6).
const OVERLAY_GROUPS: std::ops::RangeInclusive<u16> = 0x6000..=0x601E;

/// Elements of these groups: Overlay Rows, Overlay Columns, Number of Frames in Overlay, Overlay Origin, Image Frame Origin and
/// Overlay Data.
const ROWS: u16 = 0x0010;
const COLUMNS: u16 = 0x0011;
const FRAMES: u16 = 0x0015;
const ORIGIN: u16 = 0x0050;
const FRAME_ORIGIN: u16 = 0x0051;
const OVERLAY_DATA: u16 = 0x3000;

/// Why a frame cannot be shown.
#[derive(Debug, thiserror::Error)]
pub(super) enum PictureFault {
    /// It cannot be decoded, or is not there.
    #[error(transparent)]
    Frame(#[from] Obstacle),
    /// What its values mean cannot be told.
    #[error(transparent)]
    Display(#[from] DisplayFault),
    /// It cannot be written as PNG.
    #[error("a picture cannot be written as PNG: {0}")]
    Png(#[from] png::EncodingError),
}

/// A frame in 8 bits.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Shown {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Its pixels.
    pub picture: Picture,
}

impl fmt::Debug for Shown {
    // Pixels are patient data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} x {}", self.width, self.height)
    }
}

impl Shown {
    /// Frame `frame` (from 0) of an object that was walked to its end, at its default window.
    ///
    /// # Errors
    /// See [`PictureFault`].
    pub(super) fn of(
        view: &HeaderView,
        transfer_syntax: &str,
        workshop: &dyn Workshop,
        frame: u32,
    ) -> Result<Self, PictureFault> {
        let (shape, decoded) = stamp::frame(view, transfer_syntax, workshop, frame)?;
        let display = Display::of(view, shape, frame)?.fitted(&decoded);
        let picture = display.render(&decoded)?;
        let mut shown =
            Self { width: u32::from(shape.columns), height: u32::from(shape.rows), picture };
        for group in OVERLAY_GROUPS.step_by(2) {
            if let Some(overlay) = Overlay::of(view, group, frame) {
                shown.lay(&overlay, &overlay.bits(workshop)?);
            }
        }
        Ok(shown)
    }

    /// The colour of a pixel; black outside the picture.
    pub(super) fn at(&self, x: u32, y: u32) -> [u8; 3] {
        let place = y as usize * self.width as usize + x as usize;
        let pixel = match &self.picture {
            Picture::Grey(levels) => levels.get(place).map(|level| [*level; 3]),
            Picture::Rgb(parts) => {
                parts.get(3 * place..).and_then(|rest| rest.first_chunk().copied())
            }
        };
        pixel.filter(|_| x < self.width && y < self.height).unwrap_or_default()
    }

    fn lay(&mut self, overlay: &Overlay<'_>, bits: &[u8]) {
        let columns = overlay.columns.max(1);
        let first = overlay.first_bit % 16;
        // A plane may claim more than its data holds.
        let there = (8 * bits.len() as u64).saturating_sub(first).min(overlay.rows * columns);
        for place in 0..there {
            let bit = first + place;
            if bits.get((bit / 8) as usize).is_none_or(|byte| byte >> (bit % 8) & 1 == 0) {
                continue;
            }
            let x = overlay.left + (place % columns).cast_signed();
            let y = overlay.top + (place / columns).cast_signed();
            let (width, height) = (i64::from(self.width), i64::from(self.height));
            if !(0..width).contains(&x) || !(0..height).contains(&y) {
                continue;
            }
            let at = (y * width + x) as usize;
            let pixel = match &mut self.picture {
                Picture::Grey(levels) => levels.get_mut(at..=at),
                Picture::Rgb(parts) => parts.get_mut(3 * at..3 * at + 3),
            };
            pixel.unwrap_or_default().fill(u8::MAX);
        }
    }

    /// The picture as PNG.
    ///
    /// # Errors
    /// When it has no pixels.
    pub(super) fn png(&self) -> Result<Vec<u8>, PictureFault> {
        let (kind, bytes) = match &self.picture {
            Picture::Grey(levels) => (png::ColorType::Grayscale, levels),
            Picture::Rgb(parts) => (png::ColorType::Rgb, parts),
        };
        let mut out = Vec::new();
        let mut encoder = png::Encoder::new(&mut out, self.width, self.height);
        encoder.set_color(kind);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(bytes)?;
        writer.finish()?;
        Ok(out)
    }
}

/// An overlay plane with data of its own (PS3.3 C.9.2).
struct Overlay<'a> {
    data: &'a Element,
    rows: u64,
    columns: u64,
    /// From 0; a plane may begin outside the image.
    top: i64,
    left: i64,
    /// Of the plane that lies over the frame.
    first_bit: u64,
}

impl<'a> Overlay<'a> {
    /// The plane of a group that lies over a frame; `None` where there is none.
    fn of(view: &'a HeaderView, group: u16, frame: u32) -> Option<Self> {
        let numbers = |element: u16| {
            let element = view.find(Tag(group, element));
            element.map(|element| view.numbers(element)).unwrap_or_default()
        };
        let one = |element| numbers(element).first().map(|number| *number as u64);
        let data = view.find(Tag(group, OVERLAY_DATA))?;
        let (rows, columns) = (one(ROWS)?, one(COLUMNS)?);
        let origin = numbers(ORIGIN);
        let [top, left] = *origin.first_chunk::<2>()?;
        let plane = match one(FRAMES) {
            Some(planes) => {
                let first = one(FRAME_ORIGIN).unwrap_or(1).max(1) - 1;
                u64::from(frame).checked_sub(first).filter(|plane| *plane < planes)?
            }
            None => 0,
        };
        let size = rows.max(1) * columns.max(1);
        let (top, left) = (top as i64 - 1, left as i64 - 1);
        Some(Self { data, rows, columns, top, left, first_bit: plane * size })
    }

    /// Its bits, from that of the word in which it begins.
    fn bits(&self, workshop: &dyn Workshop) -> Result<Vec<u8>, PictureFault> {
        let words = self.first_bit / 16 * 2;
        let wanted = (self.rows * self.columns).div_ceil(16) * 2 + 2;
        let length = self.data.length().saturating_sub(words).min(wanted);
        let read = |bytes: &mut Vec<u8>| -> io::Result<usize> {
            let source = workshop.original(self.data.value.start + words)?;
            source.take(length).read_to_end(bytes)
        };
        let mut bytes = Vec::new();
        read(&mut bytes).map_err(|_| Obstacle::NotReadable)?;
        if self.data.vr == Some(crate::dicom::VR::OW) && self.data.encoding().is_big_endian() {
            bytes.chunks_exact_mut(2).for_each(|word| word.reverse());
        }
        Ok(bytes)
    }
}
