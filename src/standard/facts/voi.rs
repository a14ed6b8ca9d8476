//! The windows and tables with which an image says how it is to be shown: PS3.3 C.11.2. An enhanced object has them in Frame VOI
//! LUT Sequence (0028,9132).

use crate::dicom::{Tag, tags};
use crate::expression::Kind;
use crate::standard::subject::Subject;

use super::functional_groups::{Place, every, first, numbers as numbers_at, text};
use super::{Fact, about, fact, numbers};

const CENTER: Place = place(tags::WINDOW_CENTER);
const WIDTH: Place = place(tags::WINDOW_WIDTH);

const fn place(tag: Tag) -> Place {
    Place::new(tags::FRAME_VOILUT_SEQUENCE, tag)
}

/// Windows and tables.
pub(super) const FACTS: &[Fact] = &[
    fact(
        "voi_given",
        Kind::Bool,
        about(
            "顶层或某帧是否有窗宽窗位，或含条目的 VOI LUT 序列",
            "whether there is a window or a VOI LUT Sequence with an item, at the top level or of some frame",
        ),
        |s| is_voi_given(s).into(),
    ),
    fact(
        "windows_valid",
        Kind::Bool,
        about(
            "各帧的窗位与窗宽是否个数相同且均为数，窗宽不小于 1（VOI LUT 函数不为 LINEAR 时大于 0）；均无时未知",
            "whether there are as many Window Centers as Window Widths, all numbers, and no width is below 1 (or not above 0, where VOI LUT Function is not LINEAR), in all frames; unknown without any",
        ),
        |s| are_windows_valid(s).into(),
    ),
    fact(
        "window_centers",
        Kind::Numbers,
        about(
            "窗位，取自顶层或首个有窗位的帧",
            "Window Center, at the top level or of the first frame that has one",
        ),
        |s| numbers(numbers_at(s, CENTER)),
    ),
    fact(
        "window_widths",
        Kind::Numbers,
        about(
            "窗宽，取自顶层或首个有窗宽的帧",
            "Window Width, at the top level or of the first frame that has one",
        ),
        |s| numbers(numbers_at(s, WIDTH)),
    ),
];

/// What shows the values from half its width below its centre to half above in shades from black to white, in units
/// of the output of the Modality LUT.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Window {
    /// Window Center (0028,1050).
    pub center: f64,
    /// Window Width (0028,1051).
    pub width: f64,
}

/// The windows of the image, or of the first frame that has some; none when centres and widths are not as many.
#[must_use]
pub fn windows(subject: &Subject<'_>) -> Vec<Window> {
    let (centers, widths) = (numbers_at(subject, CENTER), numbers_at(subject, WIDTH));
    if centers.len() != widths.len() {
        return Vec::new();
    }
    let pairs = centers.into_iter().zip(widths);
    pairs.map(|(center, width)| Window { center, width }).collect()
}

/// Whether a window or a table is given.
#[must_use]
pub fn is_voi_given(subject: &Subject<'_>) -> bool {
    let view = subject.view();
    let has = |place| {
        // A value of padding alone is none.
        first(subject, place).is_some_and(|element| !view.strings(element).is_empty())
    };
    let table = first(subject, place(tags::VOILUT_SEQUENCE));
    has(CENTER) && has(WIDTH) || table.is_some_and(|table| view.items(table).next().is_some())
}

/// Whether the windows can be used: PS3.3 C.11.2.1.2, and C.11.2.1.3 for the functions other than LINEAR. `None` where neither
/// centre nor width has a value.
#[must_use]
pub fn are_windows_valid(subject: &Subject<'_>) -> Option<bool> {
    let view = subject.view();
    let (centers, widths) = (every(subject, CENTER), every(subject, WIDTH));
    if centers.is_empty() && widths.is_empty() {
        return None;
    }
    let is_linear = text(subject, place(tags::VOILUT_FUNCTION)).is_none_or(|it| it == "LINEAR");
    let fits = |width: &f64| if is_linear { *width >= 1.0 } else { *width > 0.0 };
    let mut pairs = centers.iter().zip(&widths);
    let valid = pairs.all(|(center, width)| {
        let widths = view.numbers(width);
        !widths.is_empty() && view.numbers(center).len() == widths.len() && widths.iter().all(fits)
    });
    Some(valid && centers.len() == widths.len())
}
