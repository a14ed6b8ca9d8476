//! The frames of one object that were looked at, as one.

use std::sync::Arc;

use crate::codec::{Decoded, FrameShape};
use crate::dicom::photometric::Photometric;
use crate::object::HeaderView;

use super::grey::{Grey, Scale};
use super::histogram::{Counters, Distribution};
use super::meaning::{Rescale, is_hounsfield, rises, window};
use super::source::{LookedAt, PixelFault};
use super::structure::{Structure, border, correlation};

/// How far from the darkest and the brightest value, as a share of the way from percentile 0.5 to 99.5, a value still counts to
/// the background.
const BACKGROUND: u32 = 10;

/// The same where clipped pixels are told from those of a border: no more than the noise of a border.
const FRAYED: u32 = 50;

/// The least share of an image that is called its background.
const LEAST_BACKGROUND: f64 = 0.05;

/// Pixels nearer than this to the darkest or the brightest value, as a share of the way between, show no anatomy.
const UNEXPOSED: f64 = 0.05;

/// Above this many Hounsfield units there is no air: lungs lie below.
const AIR: f64 = -400.0;

/// What was seen in the frames looked at.
pub(super) struct Picture {
    shape: FrameShape,
    scale: Scale,
    /// Stored values that mean "no pixel here", as values of `scale`.
    padding: Option<(u16, u16)>,
    counters: Counters,
    /// Without padding.
    values: Distribution,
    padded: u64,
    frames: Frames,
    /// Whether every frame has one value throughout.
    is_blank: bool,
    structure: Structure,
    border: Border,
    correlation: Option<f64>,
    stray_bits: Option<bool>,
}

/// Which frames were looked at.
struct Frames {
    wanted: usize,
    seen: u32,
    first: Option<Arc<Decoded>>,
    differ: bool,
}

/// Pixels by where they lie, in all frames.
#[derive(Debug, Clone, Copy, Default)]
struct Border {
    /// In a border that is about as dark as the darkest, or as bright as the brightest.
    frame: u64,
    /// At the least value of their frame, and in no border.
    least: u64,
    /// At the greatest.
    greatest: u64,
    /// Near the dark end, and in the border.
    low: u64,
    /// Near the bright end, and in the border.
    high: u64,
}

impl std::fmt::Debug for Picture {
    // Pixels are patient data.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Picture").field("seen", &self.frames.seen).finish_non_exhaustive()
    }
}

impl Picture {
    /// Of frames of this shape, of which so many are to be looked at. None has been yet.
    pub(super) fn new(shape: FrameShape, padding: Option<(i64, i64)>, wanted: usize) -> Self {
        let scale = Scale::of(&shape);
        let is_monochrome = shape.photometric.is_monochrome();
        let padding = padding.filter(|_| is_monochrome);
        Self {
            shape,
            scale,
            padding: padding.map(|(low, high)| (scale.value(low), scale.value(high))),
            counters: Counters::new(),
            values: Distribution::default(),
            padded: 0,
            frames: Frames { wanted, seen: 0, first: None, differ: false },
            is_blank: true,
            structure: Structure::default(),
            border: Border::default(),
            correlation: None,
            stray_bits: None,
        }
    }

    /// Looks at one more frame.
    ///
    /// # Errors
    /// When its samples are not those of the shape.
    pub(super) fn add(&mut self, frame: LookedAt) -> Result<(), PixelFault> {
        let grey = Grey::of(&frame.decoded, &self.shape)?;
        self.scale = grey.scale;
        let padding = self.padding;
        let is_padding =
            |value: u16| padding.is_some_and(|(low, high)| (low..=high).contains(&value));
        let mut values = self.counters.count(&grey.values);
        if let Some((low, high)) = padding {
            self.padded += values.remove(low, high);
        }
        self.is_blank &= values.min() == values.max();
        self.look_at_border(&grey, &values, is_padding);
        self.values.add(&values);
        let structure = Structure::of(&grey);
        self.structure = Structure {
            rows: self.structure.rows.max(structure.rows),
            columns: self.structure.columns.max(structure.columns),
            trailing: self.structure.trailing.max(structure.trailing),
        };
        // The most orderly frame speaks for all: the first of a run may be dark.
        let alike = correlation(&grey, is_padding);
        self.correlation = match (self.correlation, alike) {
            (Some(one), Some(other)) => Some(one.max(other)),
            (one, other) => one.or(other),
        };
        self.stray_bits = match (self.stray_bits, frame.stray_bits) {
            (Some(one), Some(other)) => Some(one || other),
            (one, other) => one.or(other),
        };
        match &self.frames.first {
            Some(first) => self.frames.differ |= first.samples != frame.decoded.samples,
            None => self.frames.first = Some(frame.decoded),
        }
        self.frames.seen += 1;
        Ok(())
    }

    fn look_at_border(
        &mut self,
        grey: &Grey,
        values: &Distribution,
        is_padding: impl Fn(u16) -> bool + Copy,
    ) {
        let (Some(min), Some(max)) = (values.min(), values.max()) else { return };
        let (Some(low), Some(high)) = (values.percentile(0.005), values.percentile(0.995)) else {
            return;
        };
        if min == max {
            return;
        }
        let count = |is: &dyn Fn(u16) -> bool, extreme: u16| {
            let (all, extremes) = border(grey, is, |value| value == extreme, is_padding);
            (all, values.count(|value| value == extreme) - extremes)
        };
        let margin = |part: u32| (u32::from(high - low) / part) as u16;
        let frayed = margin(FRAYED);
        let (dark, least) = count(&|value| value <= low + frayed, min);
        let (bright, greatest) = count(&|value| value >= high - frayed, max);
        let border = &mut self.border;
        border.frame += dark + bright;
        border.least += least;
        border.greatest += greatest;
        let margin = margin(BACKGROUND);
        border.low += count(&|value| value <= low + margin, min).0;
        border.high += count(&|value| value >= high - margin, max).0;
    }

    /// Frames looked at.
    pub(super) fn looked_at(&self) -> u32 {
        self.frames.seen
    }

    pub(super) fn is_blank(&self) -> bool {
        self.is_blank
    }

    pub(super) fn is_all_padding(&self) -> bool {
        self.values.total() == 0 && self.padded > 0
    }

    /// Indices of a palette have no order.
    fn ordered(&self) -> Option<&Distribution> {
        (self.shape.photometric != Photometric::PaletteColor).then_some(&self.values)
    }

    pub(super) fn min(&self) -> Option<i64> {
        self.values.min().map(|value| self.scale.stored(value))
    }

    pub(super) fn max(&self) -> Option<i64> {
        self.values.max().map(|value| self.scale.stored(value))
    }

    pub(super) fn percentile(&self, share: f64) -> Option<i64> {
        self.ordered()?.percentile(share).map(|value| self.scale.stored(value))
    }

    pub(super) fn spread(&self) -> Option<i64> {
        Some(self.percentile(0.995)? - self.percentile(0.005)?)
    }

    pub(super) fn spread_share(&self) -> Option<f64> {
        let (low, high) = self.shape.range();
        Some(self.spread()? as f64 / (high - low).max(1) as f64)
    }

    /// Pixels that are no border.
    fn within_border(&self) -> Option<f64> {
        let within = self.ordered()?.total().checked_sub(self.border.frame)?;
        (within > 0 && !self.is_blank).then_some(within as f64)
    }

    pub(super) fn clipped_share(&self) -> Option<f64> {
        let clipped = self.border.least.max(self.border.greatest);
        Some(clipped as f64 / self.within_border()?)
    }

    pub(super) fn exposed_share(&self) -> Option<f64> {
        let values = self.ordered()?;
        let low = f64::from(values.percentile(0.005)?);
        let high = f64::from(values.percentile(0.995)?);
        let margin = (high - low) * UNEXPOSED;
        let range = low + margin..=high - margin;
        let exposed = values.count(|value| range.contains(&f64::from(value)));
        Some((exposed as f64 / self.within_border()?).min(1.0))
    }

    pub(super) fn stray_bits(&self) -> Option<bool> {
        self.stray_bits
    }

    pub(super) fn constant_rows(&self) -> i64 {
        self.structure.rows as i64
    }

    pub(super) fn constant_columns(&self) -> i64 {
        self.structure.columns as i64
    }

    pub(super) fn trailing_share(&self) -> f64 {
        self.structure.trailing as f64 / f64::from(self.shape.rows.max(1))
    }

    /// A percentile in Hounsfield units.
    pub(super) fn hounsfield(&self, view: &HeaderView, share: f64) -> Option<f64> {
        let rescale = self.hounsfield_scale(view)?;
        // A slope below 0 turns least and greatest round.
        let share = if rescale.slope < 0.0 { 1.0 - share } else { share };
        Some(rescale.apply(self.percentile(share)?))
    }

    pub(super) fn tissue(&self, view: &HeaderView) -> Option<f64> {
        let rescale = self.hounsfield_scale(view)?;
        let limit = self.scale.value(((AIR - rescale.intercept) / rescale.slope) as i64);
        let (low, high) = if rescale.slope < 0.0 { (0, limit) } else { (limit, u16::MAX) };
        let median = self.values.percentile_within(low, high, 0.5)?;
        Some(rescale.apply(self.scale.stored(median)))
    }

    fn hounsfield_scale(&self, view: &HeaderView) -> Option<Rescale> {
        if is_hounsfield(view) { self.rescale(view) } else { None }
    }

    fn rescale(&self, view: &HeaderView) -> Option<Rescale> {
        if self.shape.photometric.is_monochrome() { Rescale::of(view) } else { None }
    }

    pub(super) fn window_share(&self, view: &HeaderView) -> Option<f64> {
        let (rescale, (low, high)) = (self.rescale(view)?, window(view)?);
        let total = self.values.total();
        let within = self
            .values
            .count(|value| (low..=high).contains(&rescale.apply(self.scale.stored(value))));
        (total > 0).then(|| within as f64 / total as f64)
    }

    pub(super) fn entropy(&self) -> Option<f64> {
        self.ordered()?.entropy()
    }

    pub(super) fn correlation(&self) -> Option<f64> {
        self.ordered()?;
        self.correlation
    }

    pub(super) fn is_background_dark(&self, view: &HeaderView) -> Option<bool> {
        let rescale = self.rescale(view)?;
        let (low, high) = (self.border.low, self.border.high);
        let least = self.values.total() as f64 * LEAST_BACKGROUND;
        (low != high && low.max(high) as f64 >= least)
            .then(|| (low > high) == rises(view, &self.shape, rescale))
    }

    pub(super) fn has_identical_frames(&self) -> Option<bool> {
        let frames = &self.frames;
        if frames.differ {
            return Some(false);
        }
        (frames.wanted > 1 && frames.seen as usize == frames.wanted).then_some(true)
    }

    /// Of size and samples of the first frame: the same picture has the same, in whatever lossless transfer syntax it comes.
    pub(super) fn hash(&self) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.shape.rows.to_le_bytes());
        hasher.update(&self.shape.columns.to_le_bytes());
        if let Some(first) = &self.frames.first {
            hasher.update(&first.samples);
        }
        hasher.finalize()
    }
}
