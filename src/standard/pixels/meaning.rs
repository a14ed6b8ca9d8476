//! What the data set says of its stored values: which are padding, what they measure, which window shows them, which end of
//! them is black.

use crate::codec::FrameShape;
use crate::dicom::photometric::Photometric;
use crate::dicom::{Tag, tags};
use crate::object::HeaderView;

/// Pixel Padding Value and Range Limit, lowest first, as samples are read (PS3.3 C.7.5.1.1.2).
#[must_use]
pub fn padding(view: &HeaderView, shape: &FrameShape) -> Option<(i64, i64)> {
    let (low, high) = shape.range();
    let value = |tag: Tag| {
        let value = *view.numbers(view.find(tag)?).first()? as i64;
        // Written as the other of US and SS by those who did not look.
        let turned = [value, value - 0x1_0000, value + 0x1_0000];
        turned.into_iter().find(|value| (low..=high).contains(value))
    };
    let one = value(tags::PIXEL_PADDING_VALUE)?;
    let other = value(tags::PIXEL_PADDING_RANGE_LIMIT).unwrap_or(one);
    Some((one.min(other), one.max(other)))
}

/// Whether values are Hounsfield units: of CT, unless it is a projection or says otherwise (PS3.3 C.8.2.1.1.2).
#[must_use]
pub fn is_hounsfield(view: &HeaderView) -> bool {
    let kinds =
        view.find(tags::IMAGE_TYPE).map(|element| view.strings(element)).unwrap_or_default();
    let named = |tag: Tag, name: &str| view.string(tag).is_none_or(|value| value == name);
    let group = view.functional_group(0, tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE);
    let rescale = group.and_then(|item| item.find(tags::RESCALE_INTERCEPT));
    view.string(tags::MODALITY).as_deref() == Some("CT")
        && !kinds.iter().any(|kind| kind == "LOCALIZER")
        && named(tags::RESCALE_TYPE, "HU")
        && rescale.or_else(|| view.find(tags::RESCALE_INTERCEPT)).is_some()
}

/// What the values of an object mean, as far as its data set says so.
#[derive(Debug, Clone, Copy)]
pub(super) struct Meaning {
    /// `None` of colours and indices, too.
    pub(super) rescale: Option<Rescale>,
    /// See [`window`].
    pub(super) window: Option<(f64, f64)>,
    /// Whether the least stored value is shown darkest; see [`rises`].
    pub(super) rises: Option<bool>,
    is_hounsfield: bool,
}

impl Meaning {
    pub(super) fn of(view: &HeaderView, shape: &FrameShape) -> Self {
        let rescale = Rescale::of(view).filter(|_| shape.photometric.is_monochrome());
        Self {
            rescale,
            window: window(view),
            rises: rescale.map(|rescale| rises(view, shape, rescale)),
            is_hounsfield: is_hounsfield(view),
        }
    }

    /// How stored values become Hounsfield units; `None` where they do not.
    pub(super) fn hounsfield(&self) -> Option<Rescale> {
        self.rescale.filter(|_| self.is_hounsfield)
    }
}

/// Rescale Slope (0028,1053) and Intercept (0028,1052) of the first frame: from stored values to what they measure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rescale {
    /// Never 0.
    pub(super) slope: f64,
    pub(super) intercept: f64,
}

impl Rescale {
    /// `None` where a table takes its place (PS3.3 C.11.1), or it says nothing that can be.
    pub(super) fn of(view: &HeaderView) -> Option<Self> {
        let table = view.find(tags::MODALITY_LUT_SEQUENCE);
        if table.is_some_and(|table| table.length() > 0) {
            return None;
        }
        let group = tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE;
        let slope = number(view, group, tags::RESCALE_SLOPE, 1.0)?;
        let intercept = number(view, group, tags::RESCALE_INTERCEPT, 0.0)?;
        (slope != 0.0).then_some(Self { slope, intercept })
    }

    pub(super) fn apply(self, stored: i64) -> f64 {
        stored as f64 * self.slope + self.intercept
    }
}

/// The first window of the first frame, from its least to its greatest value in rescaled units: Window Center (0028,1050) and
/// half of Window Width (0028,1051) to either side.
pub(super) fn window(view: &HeaderView) -> Option<(f64, f64)> {
    let number = |tag: Tag| number(view, tags::FRAME_VOILUT_SEQUENCE, tag, f64::NAN);
    let (center, width) = (number(tags::WINDOW_CENTER)?, number(tags::WINDOW_WIDTH)?);
    (width > 0.0 && center.is_finite()).then_some((center - width / 2.0, center + width / 2.0))
}

/// Whether the least stored value is shown darkest: by slope, Presentation LUT Shape (2050,0020), which is the last word
/// where there is one (PS3.3 C.8.11.3.1.2), and Photometric Interpretation.
pub(super) fn rises(view: &HeaderView, shape: &FrameShape, rescale: Rescale) -> bool {
    let inverse = match view.string(tags::PRESENTATION_LUT_SHAPE).as_deref() {
        Some("INVERSE") => true,
        Some("IDENTITY") => false,
        Some(_) | None => shape.photometric == Photometric::Monochrome1,
    };
    (rescale.slope > 0.0) != inverse
}

/// The first number of an attribute: in the functional group of the first frame, else at the top level. `default` where it is
/// absent or empty, `None` where it is no number.
fn number(view: &HeaderView, group: Tag, tag: Tag, default: f64) -> Option<f64> {
    let in_group = view.functional_group(0, group).and_then(|item| item.find(tag));
    let found = in_group.or_else(|| view.find(tag)).filter(|element| element.length() > 0);
    match found {
        Some(element) => view.numbers(element).first().copied(),
        None => Some(default),
    }
}
