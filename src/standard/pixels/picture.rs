//! The frames of one object that were looked at, as one.

use crate::codec::FrameShape;
use crate::dicom::photometric::Photometric;

use super::border::Border;
use super::frame::{FrameSeen, either};
use super::grey::Scale;
use super::histogram::Distribution;
use super::meaning::Meaning;
use super::needs::Needs;
use super::structure::Structure;

/// The least share of an image that is called its background.
const LEAST_BACKGROUND: f64 = 0.05;

/// Pixels nearer than this to the darkest or the brightest value, as a share of the way between, show no anatomy.
const UNEXPOSED: f64 = 0.05;

/// Above this many Hounsfield units there is no air: lungs lie below.
const AIR: f64 = -400.0;

/// What was seen in the frames looked at.
pub(super) struct Picture {
    shape: FrameShape,
    meaning: Meaning,
    scale: Scale,
    /// Without padding.
    values: Distribution,
    is_padding: bool,
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
    /// The hash of the first, where it was asked for.
    first: Option<blake3::Hash>,
    differ: bool,
}

impl std::fmt::Debug for Picture {
    // Pixels are patient data.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Picture").field("seen", &self.frames.seen).finish_non_exhaustive()
    }
}

impl Picture {
    /// Of frames of this shape, of which so many are to be looked at. None has been yet.
    pub(super) fn new(shape: FrameShape, meaning: Meaning, wanted: usize) -> Self {
        Self {
            shape,
            meaning,
            scale: Scale::of(&shape),
            values: Distribution::default(),
            is_padding: true,
            frames: Frames { wanted, seen: 0, first: None, differ: false },
            is_blank: true,
            structure: Structure::default(),
            border: Border::default(),
            correlation: None,
            stray_bits: None,
        }
    }

    /// Whether the next frame's samples are hashed, where these needs are to be met.
    pub(super) fn hashes(&self, needs: Needs) -> bool {
        let is_first = self.frames.seen == 0;
        (is_first && needs.cover(Needs::HASH))
            || (self.frames.wanted > 1 && !self.frames.differ && needs.cover(Needs::SAMENESS))
    }

    /// Takes in what one more frame shows.
    pub(super) fn add(&mut self, frame: FrameSeen) {
        self.values.add(frame.values);
        self.is_padding &= frame.is_padding;
        self.is_blank &= frame.is_blank;
        let structure = &mut self.structure;
        structure.rows = structure.rows.max(frame.structure.rows);
        structure.columns = structure.columns.max(frame.structure.columns);
        structure.trailing = structure.trailing.max(frame.structure.trailing);
        self.border.add(frame.border);
        // The most orderly frame speaks for all: the first of a run may be dark.
        self.correlation = either(self.correlation, frame.correlation, f64::max);
        self.stray_bits = either(self.stray_bits, frame.stray_bits, |one, other| one || other);
        if self.frames.seen == 0 {
            self.frames.first = frame.hash;
        } else {
            self.frames.differ |= frame.hash != self.frames.first;
        }
        self.frames.seen += 1;
    }

    /// Frames looked at.
    pub(super) fn looked_at(&self) -> u32 {
        self.frames.seen
    }

    pub(super) fn is_blank(&self) -> bool {
        self.is_blank
    }

    pub(super) fn is_all_padding(&self) -> bool {
        self.is_padding
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
        let (low, high) = (low + margin, high - margin);
        let below = values.below(|value| f64::from(value) < low);
        let exposed = values.below(|value| f64::from(value) <= high) - below;
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
    pub(super) fn hounsfield(&self, share: f64) -> Option<f64> {
        let rescale = self.meaning.hounsfield()?;
        // A slope below 0 turns least and greatest round.
        let share = if rescale.slope < 0.0 { 1.0 - share } else { share };
        Some(rescale.apply(self.percentile(share)?))
    }

    pub(super) fn tissue(&self) -> Option<f64> {
        let rescale = self.meaning.hounsfield()?;
        let limit = self.scale.value(((AIR - rescale.intercept) / rescale.slope) as i64);
        let (low, high) = if rescale.slope < 0.0 { (0, limit) } else { (limit, u16::MAX) };
        let median = self.values.percentile_within(low, high, 0.5)?;
        Some(rescale.apply(self.scale.stored(median)))
    }

    pub(super) fn window_share(&self) -> Option<f64> {
        let (rescale, (low, high)) = (self.meaning.rescale?, self.meaning.window?);
        let total = self.values.total();
        let shown = |value: u16| rescale.apply(self.scale.stored(value));
        let (values, rises) = (&self.values, rescale.slope > 0.0);
        let below =
            values.below(|value| if rises { shown(value) < low } else { shown(value) > high });
        let up_to =
            values.below(|value| if rises { shown(value) <= high } else { shown(value) >= low });
        (total > 0).then(|| (up_to - below) as f64 / total as f64)
    }

    pub(super) fn window_spans(&self) -> Option<f64> {
        let (rescale, (low, high)) = (self.meaning.rescale?, self.meaning.window?);
        let range = (self.percentile(0.99)? - self.percentile(0.01)?) as f64 * rescale.slope.abs();
        (range > 0.0).then(|| (high - low) / range)
    }

    pub(super) fn entropy(&self) -> Option<f64> {
        self.ordered()?.entropy()
    }

    pub(super) fn correlation(&self) -> Option<f64> {
        self.ordered()?;
        self.correlation
    }

    pub(super) fn is_background_dark(&self) -> Option<bool> {
        let rises = self.meaning.rises?;
        let (low, high) = (self.border.low, self.border.high);
        let least = self.values.total() as f64 * LEAST_BACKGROUND;
        (low != high && low.max(high) as f64 >= least).then_some((low > high) == rises)
    }

    pub(super) fn has_identical_frames(&self) -> Option<bool> {
        let frames = &self.frames;
        if frames.differ {
            return Some(false);
        }
        (frames.wanted > 1 && frames.seen as usize == frames.wanted).then_some(true)
    }

    /// Of size and samples of the first frame: the same picture has the same, in whatever lossless transfer syntax it comes.
    /// `None` where it was not asked for.
    pub(super) fn hash(&self) -> Option<blake3::Hash> {
        self.frames.first
    }
}
