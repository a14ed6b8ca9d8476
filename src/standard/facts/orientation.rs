//! Patient Orientation (0020,0020): the way rows and columns run through the patient, in letters. PS3.3 C.7.6.1.1.1.

use crate::dicom::tags;
use crate::expression::Kind;
use crate::standard::subject::Subject;

use super::{Fact, about, fact, image, views};

/// Patient Orientation.
pub(super) const FACTS: &[Fact] = &[
    fact(
        "patient_orientation_valid",
        Kind::Bool,
        about(
            "患者方向是否为沿不同轴的两个方向，用字母 A、P、R、L、H、F 书写；缺少时未知",
            "whether Patient Orientation is two directions in the letters A, P, R, L, H, F along different axes; unknown when absent",
        ),
        |s| is_valid(s).into(),
    ),
    fact(
        "patient_orientation_fits",
        Kind::Bool,
        about(
            "患者方向的两个方向是否均不沿该体位的射线方向；其一不能判断时未知",
            "whether neither direction of Patient Orientation runs along the beam of the view; unknown where one of them does not tell",
        ),
        |s| fits_view(s).into(),
    ),
    fact(
        "breast_orientation_fits",
        Kind::Bool,
        about(
            "患者方向是否为该侧乳腺此体位可有的方向，且体位未写另一侧；不能判断时未知",
            "whether Patient Orientation is one that the view of this breast can have, and View Position names no other side; unknown where they do not tell",
        ),
        |s| fits_breast(s).into(),
    ),
];

/// One of the axes of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Axis {
    Side,
    Depth,
    Height,
}

fn axis(letter: char) -> Option<Axis> {
    match letter {
        'R' | 'L' => Some(Axis::Side),
        'A' | 'P' => Some(Axis::Depth),
        'H' | 'F' => Some(Axis::Height),
        _ => None,
    }
}

/// The axis that a direction mostly runs along. `None` for what is no direction.
fn main_axis(direction: &str) -> Option<Axis> {
    let axes: Option<Vec<Axis>> = direction.chars().map(axis).collect();
    match axes?.as_slice() {
        [one] => Some(*one),
        [one, other] if one != other => Some(*one),
        [one, other, third] if one != other && one != third && other != third => Some(*one),
        _ => None,
    }
}

/// The two values, the letters of rows and columns.
fn directions(subject: &Subject<'_>) -> Option<(String, String)> {
    let element = subject.view().find(tags::PATIENT_ORIENTATION)?;
    let values = subject.view().strings(element);
    match values.as_slice() {
        [row, column] => Some((row.clone(), column.clone())),
        _ => None,
    }
}

fn main_axes(subject: &Subject<'_>) -> Option<(Axis, Axis)> {
    let (row, column) = directions(subject)?;
    let axes = (main_axis(&row)?, main_axis(&column)?);
    (axes.0 != axes.1).then_some(axes)
}

/// Whether it is two directions along different axes. `None` when it is absent or empty.
#[must_use]
pub fn is_valid(subject: &Subject<'_>) -> Option<bool> {
    let element = subject.view().find(tags::PATIENT_ORIENTATION)?;
    (!subject.view().strings(element).is_empty()).then(|| main_axes(subject).is_some())
}

/// Whether it goes with the view: the beam's own axis is neither that of the rows nor that of the columns. `None` without a
/// valid one, for views whose beam runs along no axis, and for feet, which point forward.
#[must_use]
pub fn fits_view(subject: &Subject<'_>) -> Option<bool> {
    const FEET: [&str; 6] = ["FOOT", "TOE", "TOES", "CALCANEUS", "HEEL", "ANKLE"];
    let part = image::body_region(subject).unwrap_or_default().to_uppercase();
    if FEET.contains(&part.as_str()) {
        return None;
    }
    let beam = match views::view(subject)?.word {
        "AP" | "PA" | "FRONTAL" => Axis::Depth,
        "LAT" | "ML" | "LM" => Axis::Side,
        "CC" | "FB" => Axis::Height,
        _ => return None,
    };
    let (row, column) = main_axes(subject)?;
    Some(row != beam && column != beam)
}

/// Whether orientation, view and side of a mammogram can be true together (PS3.3 C.8.11.7). Rows run to and from the chest wall.
/// In an oblique view columns run along the pectoral muscle, from above and outside to below and inside. `None` where they
/// do not tell.
#[must_use]
pub fn fits_breast(subject: &Subject<'_>) -> Option<bool> {
    let view = views::view(subject)?;
    let side = subject.text(tags::IMAGE_LATERALITY);
    let side = side.as_deref().and_then(|side| side.chars().next());
    let named = views::by_position(subject).and_then(|position| position.side);
    if let (Some(named), Some(side @ ('L' | 'R'))) = (named, side)
        && named != side
    {
        return Some(false);
    }
    let (row, column) = main_axes(subject)?;
    let fits = match view.word {
        "CC" | "FB" | "XCCL" | "XCCM" => column == Axis::Side,
        "ML" | "LM" => column == Axis::Height,
        "MLO" | "LMO" => column == Axis::Height && runs_along_pectoral(subject, side),
        _ => return None,
    };
    Some(fits && row == Axis::Depth)
}

/// Whether the second letter of the columns, where there is one, names the inside with F and the outside with H.
fn runs_along_pectoral(subject: &Subject<'_>, side: Option<char>) -> bool {
    let Some((_, column)) = directions(subject) else { return true };
    let mut letters = column.chars();
    let (outside, inside) = match side {
        Some('R') => ('R', 'L'),
        Some('L') => ('L', 'R'),
        _ => return true,
    };
    match (letters.next(), letters.find(|letter| axis(*letter) == Some(Axis::Side))) {
        (Some('F'), Some(letter)) => letter == inside,
        (Some('H'), Some(letter)) => letter == outside,
        _ => true,
    }
}
