//! The inverse of display: stored values that are seen as white and black.

use super::grey::{Grey, Modality, Voi};
use super::window::Window;
use super::{Display, Pipeline};

/// Shades between the darkest and the brightest, for the edges of letters.
pub const STEPS: usize = 14;

/// Stored values to draw with: of a palette indices, of YBR luminances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shades {
    /// Shown as white, or as near to it as the image can, at every window of [`Display::presets`].
    pub ink: i32,
    /// Shown as black, likewise.
    pub halo: i32,
    /// From dark to bright, in even steps at the window in force.
    pub between: [i32; STEPS],
}

impl Shades {
    /// The shade of a pixel that letters cover to this degree, 0 to 255, on the ground of their outline.
    #[must_use]
    pub fn of(&self, cover: u8) -> i32 {
        let step = (usize::from(cover) * (STEPS + 1) + 127) / 255;
        match step.checked_sub(1) {
            None => self.halo,
            Some(step) => self.between.get(step).copied().unwrap_or(self.ink),
        }
    }
}

/// Why a shade is an `i32`: the stored value itself, or for unsigned samples of 32 bits the greatest that fits.
fn shade(stored: i64) -> i32 {
    stored.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32
}

impl Display {
    /// Stored values to draw with: within Bits Stored, never padding, and no further beyond the windows than must be.
    #[must_use]
    pub fn shades(&self) -> Shades {
        match &self.pipeline {
            Pipeline::Grey(grey) => match (&grey.modality, grey.window()) {
                (Modality::Rescale { slope, intercept }, Some(window)) => {
                    self.by_windows(grey, window, *slope, *intercept)
                }
                (Modality::Table(_), _) | (Modality::Rescale { .. }, None) => self.by_search(),
            },
            Pipeline::Palette(_) => self.by_search(),
            Pipeline::Colour => {
                let (low, high) = self.shape.range();
                let step =
                    |step: usize| low + (high - low) * (step as i64 + 1) / (STEPS as i64 + 1);
                Shades {
                    ink: shade(high),
                    halo: shade(low),
                    between: std::array::from_fn(|index| shade(step(index))),
                }
            }
        }
    }

    /// Where stored values and what is shown go up, or down, together.
    fn by_windows(&self, grey: &Grey, window: Window, slope: f64, intercept: f64) -> Shades {
        let mut windows = grey.presets(self.hounsfield);
        windows.push(window);
        let edges = || windows.iter().map(Window::edges);
        let low = edges().map(|(low, _)| low).fold(f64::INFINITY, f64::min);
        let high = edges().map(|(_, high)| high).fold(f64::NEG_INFINITY, f64::max);
        let stored = |value: f64| (value - intercept) / slope;
        // White lies at the upper end of stored values where the slope goes up and polarity is as it is.
        let upward = (slope > 0.0) != grey.inverse;
        let (dark, bright) = if grey.inverse { (high, low) } else { (low, high) };
        let (halo, ink) = if upward {
            (self.at_most(stored(dark).floor()), self.at_least(stored(bright).ceil()))
        } else {
            (self.at_least(stored(dark).ceil()), self.at_most(stored(bright).floor()))
        };
        let between = std::array::from_fn(|index| {
            let share = (index as f64 + 1.0) / (STEPS as f64 + 1.0);
            let share = if grey.inverse { 1.0 - share } else { share };
            let value = stored(window.invert(share)).round() as i64;
            shade(self.usable(value.clamp(ink.min(halo), ink.max(halo)), halo))
        });
        Shades { ink: shade(ink), halo: shade(halo), between }
    }

    /// The nearest stored value at or above `wanted` that is not padding; the highest there is failing that.
    fn at_least(&self, wanted: f64) -> i64 {
        let (low, high) = self.shape.range();
        let wanted = (wanted as i64).clamp(low, high);
        match self.padding.filter(|_| self.is_padding(wanted)) {
            None => wanted,
            Some((_, last)) if last < high => last + 1,
            Some((first, _)) => (first - 1).max(low),
        }
    }

    /// The nearest stored value at or below `wanted` that is not padding; the lowest there is failing that.
    fn at_most(&self, wanted: f64) -> i64 {
        let (low, high) = self.shape.range();
        let wanted = (wanted as i64).clamp(low, high);
        match self.padding.filter(|_| self.is_padding(wanted)) {
            None => wanted,
            Some((first, _)) if first > low => first - 1,
            Some((_, last)) => (last + 1).min(high),
        }
    }

    /// `value`, or where that is padding the next one towards `other`, which is none.
    fn usable(&self, value: i64, other: i64) -> i64 {
        match self.padding.filter(|_| self.is_padding(value)) {
            None => value,
            Some((first, _)) if other < first => first - 1,
            Some((_, last)) => last + 1,
        }
    }

    /// Where only looking at every value tells. At most 65536 of them: no table has more inputs.
    fn by_search(&self) -> Shades {
        let (low, high) = self.searched();
        let usable = || (low..=high).filter(|value| !self.is_padding(*value));
        let displays = self.presets();
        let shown = |value: i64| displays.iter().map(move |display| display.shown(value));
        let darkest = |value: &i64| shown(*value).fold(0.0, f32::max);
        let brightest = |value: &i64| shown(*value).fold(1.0, f32::min);
        let halo = usable().min_by(|a, b| darkest(a).total_cmp(&darkest(b))).unwrap_or(low);
        // Among equals the first: `max_by` would take the last.
        let ink = usable().min_by(|a, b| brightest(b).total_cmp(&brightest(a))).unwrap_or(high);
        let (from, to) = (self.shown(halo), self.shown(ink));
        let mut by_level: Vec<(f32, i64)> =
            usable().map(|value| (self.shown(value), value)).collect();
        by_level.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let between = std::array::from_fn(|index| {
            let wanted = from + (to - from) * (index as f32 + 1.0) / (STEPS as f32 + 1.0);
            let place = by_level.partition_point(|(level, _)| *level < wanted);
            let near = by_level.get(place.saturating_sub(1)..).unwrap_or_default().iter().take(2);
            let distance = |entry: &&(f32, i64)| (entry.0 - wanted).abs();
            let nearest = near.min_by(|a, b| distance(a).total_cmp(&distance(b)));
            shade(nearest.map_or(halo, |(_, value)| *value))
        });
        Shades { ink: shade(ink), halo: shade(halo), between }
    }

    /// The stored values that tables tell apart.
    fn searched(&self) -> (i64, i64) {
        let (low, high) = self.shape.range();
        let (first, last) = match &self.pipeline {
            Pipeline::Palette(palette) => palette.inputs(),
            Pipeline::Grey(Grey { modality: Modality::Table(table), .. }) => table.inputs(),
            Pipeline::Grey(Grey {
                modality: Modality::Rescale { slope, intercept },
                voi: Voi::Table(table),
                ..
            }) => {
                let (first, last) = table.inputs();
                let stored = |value: i64| (value as f64 - intercept) / slope;
                let (one, other) = (stored(first), stored(last));
                (one.min(other).ceil() as i64, one.max(other).floor() as i64)
            }
            Pipeline::Grey(_) | Pipeline::Colour => (low, high),
        };
        let first = first.clamp(low, high);
        (first, last.clamp(first, high).min(first + 0xFFFF))
    }
}
