//! Frames in grey levels.

use std::fmt;

use crate::codec::{Colour, Decoded, FrameShape};

use super::palette::luminance;
use super::{Display, Pipeline};

/// The most bits for which a table of all values is made.
const TABLED_BITS: u8 = 16;

/// Samples that a coarse look at a frame takes along each axis.
const COARSE: usize = 256;

/// The samples of a frame with one sample a pixel, as stored values.
#[derive(Clone, Copy)]
pub(super) struct Samples<'a> {
    bytes: &'a [u8],
    size: usize,
    columns: usize,
    rows: usize,
    signed: bool,
    padding: Option<(i64, i64)>,
}

impl<'a> Samples<'a> {
    pub(super) fn new(shape: &FrameShape, frame: &'a Decoded, padding: Option<(i64, i64)>) -> Self {
        Self {
            bytes: &frame.samples,
            size: shape.sample_bytes(),
            columns: usize::from(shape.columns),
            rows: usize::from(shape.rows),
            signed: shape.signed,
            padding,
        }
    }

    fn value(&self, bytes: &[u8]) -> i64 {
        match (bytes, self.signed) {
            ([a], false) => i64::from(*a),
            ([a], true) => i64::from(a.cast_signed()),
            ([a, b], false) => i64::from(u16::from_le_bytes([*a, *b])),
            ([a, b], true) => i64::from(i16::from_le_bytes([*a, *b])),
            ([a, b, c, d], false) => i64::from(u32::from_le_bytes([*a, *b, *c, *d])),
            ([a, b, c, d], true) => i64::from(i32::from_le_bytes([*a, *b, *c, *d])),
            _ => 0,
        }
    }

    /// The stored value of a pixel; 0 beyond the frame.
    fn at(&self, place: usize) -> i64 {
        self.bytes.get(place * self.size..(place + 1) * self.size).map_or(0, |raw| self.value(raw))
    }

    /// Least and greatest of some values, padding left out; `None` when there is nothing else.
    fn range_of(&self, values: impl Iterator<Item = i64>) -> Option<(i64, i64)> {
        let (gap_low, gap_high) = self.padding.unwrap_or((i64::MAX, i64::MIN));
        let seen = values.filter(|value| *value < gap_low || *value > gap_high);
        let range =
            seen.fold((i64::MAX, i64::MIN), |(low, high), value| (low.min(value), high.max(value)));
        (range.0 <= range.1).then_some(range)
    }

    /// Least and greatest value of the frame, padding left out.
    pub(super) fn range(&self) -> Option<(i64, i64)> {
        self.range_of(self.bytes.chunks_exact(self.size).map(|raw| self.value(raw)))
    }

    /// Least and greatest value of a grid of samples, padding left out, the brightest twentieth cut off: with it a vessel or
    /// a bladder would make all the rest look like air. `inverse` where the least is the brightest.
    pub(super) fn surveyed_range(&self, inverse: bool) -> Option<(i64, i64)> {
        let (down, across) = (self.rows.div_ceil(COARSE), self.columns.div_ceil(COARSE));
        let rows = (0..self.rows).step_by(down.max(1));
        let values = rows.flat_map(|row| {
            let columns = (0..self.columns).step_by(across.max(1));
            columns.map(move |column| self.at(row * self.columns + column))
        });
        let (gap_low, gap_high) = self.padding.unwrap_or((i64::MAX, i64::MIN));
        let mut values: Vec<i64> =
            values.filter(|value| *value < gap_low || *value > gap_high).collect();
        let (low, high) = self.range_of(values.iter().copied())?;
        let share = if inverse { values.len() / 20 } else { values.len() - 1 - values.len() / 20 };
        let (_, cut, _) = values.select_nth_unstable(share);
        // Where next to all of it is background, the rest is what matters.
        match (inverse, *cut) {
            (false, cut) if cut > low => Some((low, cut)),
            (true, cut) if cut < high => Some((cut, high)),
            (_, _) => Some((low, high)),
        }
    }
}

/// A frame in grey levels: 0 black to 255 white. Levels are worked out where one looks, so a glance at a large frame costs
/// a glance.
#[derive(Clone)]
pub struct Luminance<'a> {
    samples: Samples<'a>,
    source: Source,
}

impl fmt::Debug for Luminance<'_> {
    // Pixels are patient data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Luminance, {} × {}", self.columns(), self.rows())
    }
}

#[derive(Clone)]
enum Source {
    /// The level of every stored value from the lowest on.
    Tabled { lowest: i64, levels: Vec<u8> },
    /// Too many values for a table.
    Computed(Box<Display>),
    /// Red, green and blue, or a luminance and two others, with so many bits below the uppermost eight.
    Colours { luminance_first: bool, below: u32 },
}

impl<'a> Luminance<'a> {
    pub(super) fn new(display: &Display, frame: &'a Decoded) -> Self {
        let shape = &display.shape;
        let samples = Samples::new(shape, frame, display.padding);
        let source = match &display.pipeline {
            Pipeline::Grey(_) | Pipeline::Palette(_) if shape.stored <= TABLED_BITS => {
                let (lowest, highest) = shape.range();
                let levels = (lowest..=highest).map(|value| display.level(value)).collect();
                Source::Tabled { lowest, levels }
            }
            Pipeline::Grey(_) | Pipeline::Palette(_) => Source::Computed(Box::new(display.clone())),
            Pipeline::Colour => Source::Colours {
                luminance_first: frame.colour == Colour::Ybr,
                below: u32::from(shape.stored.saturating_sub(8)),
            },
        };
        Self { samples, source }
    }

    /// Columns.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.samples.columns
    }

    /// Rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.samples.rows
    }

    /// The level of a pixel; 0 beyond the frame.
    #[must_use]
    pub fn at(&self, x: usize, y: usize) -> u8 {
        let place = y * self.samples.columns + x;
        match &self.source {
            Source::Tabled { lowest, levels } => {
                let place = self.samples.at(place) - lowest;
                usize::try_from(place).ok().and_then(|at| levels.get(at)).copied().unwrap_or(0)
            }
            Source::Computed(display) => display.level(self.samples.at(place)),
            Source::Colours { luminance_first, below } => {
                let part = |index: usize| (self.samples.at(place * 3 + index) >> below) as u8;
                if *luminance_first { part(0) } else { luminance([part(0), part(1), part(2)]) }
            }
        }
    }

    /// Whether a pixel is padding, that is, none of the image's.
    #[must_use]
    pub fn is_padding(&self, x: usize, y: usize) -> bool {
        self.samples.padding.is_some_and(|(low, high)| {
            let value = self.samples.at(y * self.samples.columns + x);
            (low..=high).contains(&value)
        })
    }

    /// All levels, row by row.
    #[must_use]
    pub fn levels(&self) -> Vec<u8> {
        if let Source::Tabled { lowest, levels } = &self.source {
            let pixels = self.samples.bytes.chunks_exact(self.samples.size);
            let place = |raw| usize::try_from(self.samples.value(raw) - lowest).ok();
            let level = |raw| place(raw).and_then(|at| levels.get(at)).copied().unwrap_or(0);
            return pixels.map(level).collect();
        }
        let (columns, rows) = (self.columns(), self.rows());
        (0..rows).flat_map(|y| (0..columns).map(move |x| self.at(x, y))).collect()
    }
}

impl Display {
    /// The level of a stored value; padding is black.
    fn level(&self, stored: i64) -> u8 {
        if self.is_padding(stored) {
            return 0;
        }
        match &self.pipeline {
            Pipeline::Grey(grey) => (grey.shown(stored) * 255.0).round() as u8,
            Pipeline::Palette(palette) => palette.level(stored),
            Pipeline::Colour => 0,
        }
    }
}
