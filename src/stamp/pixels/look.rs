//! Looking at the picture: what text fits, where it is free, in which shades it is read.

use std::sync::Arc;

use crate::codec::{Colour, Decoded, FrameShape, Tile};
use crate::recognition::ScopeCode;
use crate::stamp::display::{Display, Luminance, Shades};
use crate::stamp::glyphs::Lettering;
use crate::stamp::layout::{LayoutFacts, NoPlace, Placement, choose, is_on_something};
use crate::stamp::name::{MarkLine, lines};
use crate::stamp::raster::Raster;
use crate::stamp::{Job, Obstacle, Workshop, draw};

/// The most frames of a loop that are looked at, evenly spread.
const LOOKED_AT: u32 = 16;

/// The most bytes that looking keeps decoded.
const KEPT: usize = 96 << 20;

/// How far letters must stand out of their surround, as a share of the range from black to white.
const LEGIBLE: f64 = 0.5;

/// A line, rendered.
pub(in crate::stamp) struct Text {
    /// What it says.
    pub line: MarkLine,
    /// How it looks.
    pub lettering: Arc<Lettering>,
}

/// The wordings of the mark in the order of preference, rendered for an image of so many rows.
///
/// # Errors
/// [`Obstacle::NoGlyph`] when the typeface lacks a character of the first.
pub(in crate::stamp) fn text_of(
    job: &Job<'_>,
    mark: &ScopeCode,
    rows: u16,
) -> Result<Vec<Text>, Obstacle> {
    let policy = &job.policy.pixels;
    let typeface = policy.typeface.as_ref().ok_or(Obstacle::NoGlyph)?;
    let height = policy.layout.text_height(rows);
    let texts: Vec<Text> = lines(job.names, &job.policy.separator, mark)
        .into_iter()
        .filter(|line| typeface.missing(&line.text).is_empty())
        .map(|line| Text { lettering: typeface.lettering(&line.text, height), line })
        .collect();
    if texts.is_empty() { Err(Obstacle::NoGlyph) } else { Ok(texts) }
}

/// Some frames of an image, decoded, and how they are shown.
pub(super) struct Seen {
    frames: Vec<Arc<Decoded>>,
    display: Display,
}

/// A text with its place.
pub(super) struct Placed {
    pub text: Text,
    pub place: Placement,
}

impl Seen {
    /// Decodes what has to be looked at.
    ///
    /// # Errors
    /// When a frame cannot be decoded or shown.
    pub fn of(job: &Job<'_>, raster: &Raster, workshop: &dyn Workshop) -> Result<Self, Obstacle> {
        let bytes = raster.shape.decoded_bytes()?.max(1);
        let affordable = u32::try_from(KEPT / bytes).unwrap_or(LOOKED_AT).clamp(1, LOOKED_AT);
        let count = raster.frames.min(affordable);
        let mut frames = Vec::new();
        for index in 0..count {
            // The first, the last, and what lies evenly between them.
            let frame = match count {
                1 => 0,
                _ => u64::from(index) * u64::from(raster.frames - 1) / u64::from(count - 1),
            };
            frames.push(raster.decoded(frame as u32, workshop)?);
        }
        let display = Display::of(job.view, raster.shape, 0)?;
        let first = frames.first().ok_or(Obstacle::NoPixels)?;
        Ok(Self { display: display.fitted(first), frames })
    }

    /// The first frame, to be drawn on: the others have been looked at.
    pub fn take_first(&mut self) -> Option<Decoded> {
        (!self.frames.is_empty()).then(|| Arc::unwrap_or_clone(self.frames.swap_remove(0)))
    }

    /// The values to draw with.
    pub fn shades(&self) -> Shades {
        self.display.shades()
    }

    /// The first of the texts that fits, and where it goes.
    ///
    /// # Errors
    /// When none fits, or no corner is free.
    pub fn place(&self, job: &Job<'_>, texts: Vec<Text>) -> Result<Placed, Obstacle> {
        let facts = LayoutFacts::of(job.view);
        let shown: Result<Vec<Luminance<'_>>, _> =
            self.frames.iter().map(|frame| self.display.survey(frame)).collect();
        let (shown, policy) = (shown?, &job.policy.pixels.layout);
        let mut obstacle = Obstacle::TooSmall;
        for text in texts {
            let size = (text.lettering.width, text.lettering.height);
            match choose(&shown, size, &facts, policy, job.preferred) {
                Ok(place) if facts.is_mammogram && is_on_something(&shown, &place) => {
                    obstacle = Obstacle::NoSafeCorner;
                }
                Ok(place) => return Ok(Placed { text, place }),
                Err(NoPlace::TooSmall) => {}
                Err(NoPlace::Subtracted | NoPlace::NoSafeCorner) => {
                    obstacle = Obstacle::NoSafeCorner;
                }
            }
        }
        Err(obstacle)
    }

    /// The same image with more rows.
    pub fn of_shape(&self, shape: FrameShape) -> Self {
        Self { frames: Vec::new(), display: self.display.clone().with_shape(shape) }
    }

    /// Measures that letters at this place can be read: as the image is shown at first, and at the narrowest and the widest
    /// usual window.
    ///
    /// # Errors
    /// [`Obstacle::Illegible`].
    pub fn check_legible(
        &self,
        painted: &Decoded,
        lettering: &Lettering,
        at: (u16, u16),
    ) -> Result<(), Obstacle> {
        for display in self.display.presets() {
            if draw::contrast(painted, lettering, at, &display)? < LEGIBLE {
                return Err(Obstacle::Illegible);
            }
        }
        Ok(())
    }
}

/// Where the first of texts that fits is free, if anywhere.
pub(in crate::stamp) fn free_place(
    job: &Job<'_>,
    raster: &Raster,
    workshop: &dyn Workshop,
    texts: Vec<Text>,
) -> Option<(Text, Placement)> {
    let placed = Seen::of(job, raster, workshop).and_then(|seen| seen.place(job, texts)).ok()?;
    Some((placed.text, placed.place))
}

/// A decoded frame with a tile on it.
pub(super) fn painted(raster: &Raster, mut frame: Decoded, tile: &Tile) -> Decoded {
    let (bytes, samples) = (usize::from(frame.sample_bytes), raster.shape.samples());
    let (width, columns) = (usize::from(tile.width).max(1), usize::from(raster.shape.columns));
    let grey = 1_i32 << (raster.shape.stored - 1);
    for (index, shade) in tile.shades.iter().enumerate() {
        let Some(shade) = *shade else { continue };
        let row = usize::from(tile.y) + index / width;
        let first = row * columns + usize::from(tile.x) + index % width;
        for sample in 0..samples {
            let is_chrominance = frame.colour == Colour::Ybr && sample > 0;
            let value = if is_chrominance { grey } else { shade }.to_le_bytes();
            let at = (first * samples + sample) * bytes;
            if let (Some(to), Some(from)) =
                (frame.samples.get_mut(at..at + bytes), value.get(..bytes))
            {
                to.copy_from_slice(from);
            }
        }
    }
    frame
}

/// A decoded frame with the rows of a tile below it.
pub(super) fn extended(raster: &Raster, mut frame: Decoded, tile: &Tile) -> (Decoded, FrameShape) {
    let rows = raster.shape.rows.saturating_add(tile.height);
    let shape = FrameShape { rows, ..raster.shape };
    let longer = Raster { shape, ..raster.clone() };
    let length = shape.pixels() * shape.samples() * usize::from(frame.sample_bytes);
    frame.samples.resize(length, 0);
    (painted(&longer, frame, tile), shape)
}
