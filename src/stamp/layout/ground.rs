//! What is in a part of an image: nothing, or something.
//!
//! Nothing is flat. A region is divided into cells; noise is what varies within them, signal what varies between them or
//! stands out of the noise. Statistics are those that a few odd pixels do not move: medians and quantiles.

use super::Placement;
use super::border::is_behind_a_border;
use super::facts::{LayoutFacts, Side};
use crate::stamp::display::Luminance;

/// Samples along each axis of the whole image, for what is usual in it.
const COARSE: usize = 160;

/// Levels of 255 that air may lie above the darkest of an image.
const AIR: u8 = 14;

/// The most noise that air has, in levels: more is texture.
const NOISIEST: f64 = 12.0;

/// Levels by which cells may differ where there is no noise: dither, the traces of lossy compression, scatter.
const UNEVEN: f64 = 4.0;

/// Levels by which a pixel may differ from the rest where there is no noise.
const STANDS_OUT: f64 = 12.0;

/// A part of an image, ends excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Region {
    pub(super) left: usize,
    pub(super) top: usize,
    pub(super) right: usize,
    pub(super) bottom: usize,
}

impl Region {
    pub(super) fn of(place: &Placement) -> Self {
        let (left, top) = (usize::from(place.x), usize::from(place.y));
        let (right, bottom) = (left + usize::from(place.width), top + usize::from(place.height));
        Self { left, top, right, bottom }
    }

    /// The same with so many pixels more on each side, as far as the image goes.
    pub(super) fn widened(self, by: usize, (columns, rows): (usize, usize)) -> Self {
        Self {
            left: self.left.saturating_sub(by),
            top: self.top.saturating_sub(by),
            right: (self.right + by).min(columns),
            bottom: (self.bottom + by).min(rows),
        }
    }
}

/// What is in a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Something, or it cannot be told.
    Occupied,
    /// Nothing.
    Free {
        /// Noise, in coarse steps.
        signal: u8,
        /// Whether it is outside what was exposed: padding or a border.
        outside: bool,
    },
}

/// What is usual in a frame.
#[derive(Debug, Clone)]
pub(super) struct Ground {
    /// The level of air: of its dark end.
    dark: u8,
    /// The level of its bright end.
    bright: u8,
    /// The level that much of the frame has without any noise, where there is one.
    flat: Option<u8>,
    /// The side with clearly more in it.
    pub(super) heavier: Option<Side>,
    is_projection: bool,
    is_mr: bool,
    is_capture: bool,
}

impl Ground {
    pub(super) fn of(frame: &Luminance<'_>, facts: &LayoutFacts) -> Self {
        let (columns, rows) = (frame.columns(), frame.rows());
        let mut counts = [0_usize; 256];
        let mut halves = [0_u64; 2];
        for y in (0..rows).step_by(rows.div_ceil(COARSE).max(1)) {
            for x in (0..columns).step_by(columns.div_ceil(COARSE).max(1)) {
                if frame.is_padding(x, y) {
                    continue;
                }
                let level = frame.at(x, y);
                if let Some(count) = counts.get_mut(usize::from(level)) {
                    *count += 1;
                }
                if let Some(half) = halves.get_mut(usize::from(2 * x >= columns)) {
                    *half += u64::from(level);
                }
            }
        }
        let histogram = Histogram { counts };
        let total = histogram.total();
        let common = histogram.counts.iter().enumerate().max_by_key(|(_, count)| **count);
        let common = common.filter(|(_, count)| **count * 5 >= total && total > 0);
        // Air of Hounsfield units is black in a survey. Elsewhere it is the darkest there is.
        let dark = if facts.is_ct { 0 } else { histogram.quantile(0.01) };
        let [left, right] = halves.map(|half| half as f64);
        let heavier = if left > 1.25 * right {
            Some(Side::Left)
        } else if right > 1.25 * left {
            Some(Side::Right)
        } else {
            None
        };
        Self {
            dark,
            bright: histogram.quantile(0.9),
            flat: common.map(|(level, _)| level as u8).filter(|_| facts.is_capture),
            heavier,
            is_projection: facts.is_projection,
            is_mr: facts.is_mr,
            is_capture: facts.is_capture,
        }
    }

    /// What is in a region where text of a height is to stand.
    pub(super) fn verdict(&self, frame: &Luminance<'_>, region: Region, height: usize) -> Verdict {
        let cell = (height / 3).max(5);
        let looked = Looked::at(frame, region, cell);
        if looked.histogram.total() == 0 {
            return Verdict::Free { signal: 0, outside: true };
        }
        let median = looked.histogram.quantile(0.5);
        let spread = looked.histogram.spread();
        let noise = spread.max(looked.noise);
        if noise > NOISIEST || looked.stand_out(median, noise) || looked.uneven(noise) {
            return Verdict::Occupied;
        }
        // What a machine has drawn around a picture has no noise but that of lossy compression. Dark with noise is dark tissue:
        // the depth of an ultrasound picture.
        let drawn = noise <= 1.5 && looked.range() <= 2.5;
        if self.is_capture && !drawn {
            return Verdict::Occupied;
        }
        let signal = (noise / 4.0) as u8;
        // Magnitudes of noise alone have a median of 1.6 times their spread (a Rayleigh distribution); of anything else more.
        let of_noise = if self.is_mr { 2.2 * noise } else { 0.0 };
        if f64::from(median) <= f64::from(self.dark) + f64::from(AIR).max(of_noise) {
            return Verdict::Free { signal, outside: looked.padding > 0 };
        }
        if drawn && self.flat.is_some_and(|level| level.abs_diff(median) <= 1) {
            return Verdict::Free { signal, outside: false };
        }
        let bright = self.is_projection && median >= self.bright;
        if bright && is_behind_a_border(frame, region, median, noise) {
            return Verdict::Free { signal, outside: true };
        }
        Verdict::Occupied
    }
}

/// Whether a pixel of a region differs from the level that is most common in its frame by more than air does.
pub(super) fn shows_something(frame: &Luminance<'_>, region: Region) -> bool {
    let (columns, rows) = (frame.columns(), frame.rows());
    let mut counts = [0_usize; 256];
    for y in (0..rows).step_by(rows.div_ceil(COARSE).max(1)) {
        for x in (0..columns).step_by(columns.div_ceil(COARSE).max(1)) {
            if let Some(count) = counts.get_mut(usize::from(frame.at(x, y))) {
                *count += usize::from(!frame.is_padding(x, y));
            }
        }
    }
    let common = (0..=u8::MAX).zip(counts).max_by_key(|(_, count)| *count);
    let common = common.map_or(0, |(level, _)| level);
    let shows =
        |x: usize, y: usize| !frame.is_padding(x, y) && frame.at(x, y).abs_diff(common) > AIR;
    (region.top..region.bottom).any(|y| (region.left..region.right).any(|x| shows(x, y)))
}

/// How often each level is there.
struct Histogram {
    counts: [usize; 256],
}

impl Histogram {
    fn total(&self) -> usize {
        self.counts.iter().sum()
    }

    /// The level below which such a share of the pixels lies.
    fn quantile(&self, share: f64) -> u8 {
        let wanted = (self.total() as f64 * share) as usize;
        let mut below = 0;
        for (level, count) in (0..=u8::MAX).zip(self.counts) {
            below += count;
            if below > wanted {
                return level;
            }
        }
        u8::MAX
    }

    /// What would be the standard deviation were it noise alone: the wider half of the middle two thirds.
    fn spread(&self) -> f64 {
        let [low, middle, high] = [0.16, 0.5, 0.84].map(|share| f64::from(self.quantile(share)));
        (high - middle).max(middle - low)
    }

    /// How many pixels lie further from a level than this.
    fn beyond(&self, level: u8, distance: f64) -> usize {
        let far = |at: &usize| (*at as f64 - f64::from(level)).abs() > distance;
        let counts = self.counts.iter().enumerate();
        counts.filter(|(at, _)| far(at)).map(|(_, count)| count).sum()
    }
}

/// A region, looked at.
struct Looked {
    histogram: Histogram,
    /// Mean level of each cell, padding left out.
    means: Vec<f64>,
    /// The middle one of the standard deviations of cells.
    noise: f64,
    /// Pixels that are none.
    padding: usize,
    /// Pixels of a whole cell.
    cell: f64,
}

impl Looked {
    fn at(frame: &Luminance<'_>, region: Region, cell: usize) -> Self {
        let across = (region.right - region.left).div_ceil(cell);
        let down = (region.bottom - region.top).div_ceil(cell);
        let mut sums = vec![(0_u64, 0_u64, 0_u64); across * down];
        let mut counts = [0; 256];
        let mut padding = 0;
        for y in region.top..region.bottom {
            let row = (y - region.top) / cell * across;
            for x in region.left..region.right {
                if frame.is_padding(x, y) {
                    padding += 1;
                    continue;
                }
                let level = frame.at(x, y);
                if let Some(count) = counts.get_mut(usize::from(level)) {
                    *count += 1;
                }
                if let Some(sum) = sums.get_mut(row + (x - region.left) / cell) {
                    let level = u64::from(level);
                    *sum = (sum.0 + 1, sum.1 + level, sum.2 + level * level);
                }
            }
        }
        // Slivers at the edges are as noisy as single pixels.
        let enough = (cell * cell / 4) as u64;
        let whole = sums.iter().filter(|(count, ..)| *count >= enough.max(1));
        let mut means = Vec::new();
        let mut deviations = Vec::new();
        for (count, sum, squares) in whole {
            let (count, sum, squares) = (*count as f64, *sum as f64, *squares as f64);
            means.push(sum / count);
            deviations.push((squares / count - (sum / count).powi(2)).max(0.0).sqrt());
        }
        deviations.sort_by(f64::total_cmp);
        let noise = deviations.get(deviations.len() / 2).copied().unwrap_or(0.0);
        let cell = (cell * cell) as f64;
        Self { histogram: Histogram { counts }, means, noise, padding, cell }
    }

    /// Between the darkest and the brightest cell.
    fn range(&self) -> f64 {
        let low = self.means.iter().copied().fold(f64::INFINITY, f64::min);
        let high = self.means.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        (high - low).max(0.0)
    }

    /// Whether cells differ by more than their noise explains. Noise of images is blurred, so that a mean of n pixels has
    /// more of it than one part in the root of n.
    fn uneven(&self, noise: f64) -> bool {
        self.range() > UNEVEN + noise * (1.0 + 8.0 / self.cell.sqrt())
    }

    /// Whether there are pixels that are not of the rest: letters, a marker, the edge of something. Three in a region may
    /// be faulty.
    fn stand_out(&self, median: u8, noise: f64) -> bool {
        let allowed = (self.histogram.total() / 10_000).max(3);
        self.histogram.beyond(median, STANDS_OUT.max(6.5 * noise)) > allowed
    }
}
