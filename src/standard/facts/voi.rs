//! The windows and tables with which an image says how it is to be shown: PS3.3 C.11.2.

use crate::dicom::tags;
use crate::expression::{Environment as _, Kind};
use crate::standard::subject::Subject;

use super::{Fact, fact};

/// Windows and tables.
pub(super) const FACTS: &[Fact] = &[
    fact(
        "voi_given",
        Kind::Bool,
        "whether there is a window or a VOI LUT Sequence with an item, at the top level",
        |s| is_voi_given(s).into(),
    ),
    fact(
        "windows_valid",
        Kind::Bool,
        "whether there are as many Window Centers as Window Widths, all numbers, and no width is below 1 (or not above 0, where VOI LUT Function is not LINEAR); unknown without any",
        |s| are_windows_valid(s).into(),
    ),
];

/// Whether a window or a table is given at the top level.
#[must_use]
pub fn is_voi_given(subject: &Subject<'_>) -> bool {
    let has = |tag| subject.attribute(tag).is_known();
    has(tags::WINDOW_CENTER) && has(tags::WINDOW_WIDTH) || has(tags::VOILUT_SEQUENCE)
}

/// Whether the windows can be used: PS3.3 C.11.2.1.2, and C.11.2.1.3 for the functions other than LINEAR. `None` where neither
/// centre nor width has a value.
#[must_use]
pub fn are_windows_valid(subject: &Subject<'_>) -> Option<bool> {
    let filled = |tag| subject.view().find(tag).is_some_and(|element| element.length() > 0);
    if !filled(tags::WINDOW_CENTER) && !filled(tags::WINDOW_WIDTH) {
        return None;
    }
    let (centres, widths) =
        (subject.numbers(tags::WINDOW_CENTER), subject.numbers(tags::WINDOW_WIDTH));
    let function = subject.text(tags::VOILUT_FUNCTION);
    let is_linear = function.is_none_or(|function| function == "LINEAR");
    let fits = |width: &f64| if is_linear { *width >= 1.0 } else { *width > 0.0 };
    Some(!widths.is_empty() && centres.len() == widths.len() && widths.iter().all(fits))
}
