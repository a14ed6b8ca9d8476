//! Where the text goes: a corner that shows nothing.
//!
//! A place is refused unless every frame that was looked at is flat there and at the level of what lies around a patient:
//! air, padding, or the border outside a collimated field. Anything that might be anatomy, a marker, or text that is there
//! already makes a corner unfit. Where no corner is fit the answer is [`NoPlace`], never the least bad one.

mod border;
mod facts;
mod ground;
#[cfg(test)]
mod tests;

pub use facts::{LayoutFacts, Outline, Side};
use ground::{Ground, Region, Verdict, shows_something};

use super::display::Luminance;

/// A corner of an image, as it is stored: rows downwards, columns to the right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Corner {
    /// At row and column 0.
    TopLeft,
    /// At row 0 and the last column.
    TopRight,
    /// At the last row and column 0.
    BottomLeft,
    /// At the last row and column.
    BottomRight,
}

impl Corner {
    /// Every corner, the one first that is taken when several are as good: at the top stand laterality markers.
    pub const ALL: [Self; 4] = [Self::BottomRight, Self::BottomLeft, Self::TopRight, Self::TopLeft];

    /// The word for it in records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TopLeft => "top-left",
            Self::TopRight => "top-right",
            Self::BottomLeft => "bottom-left",
            Self::BottomRight => "bottom-right",
        }
    }

    /// The corner that a word stands for.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|corner| corner.as_str() == word)
    }

    fn side(self) -> Side {
        match self {
            Self::TopLeft | Self::BottomLeft => Side::Left,
            Self::TopRight | Self::BottomRight => Side::Right,
        }
    }

    fn is_top(self) -> bool {
        matches!(self, Self::TopLeft | Self::TopRight)
    }
}

/// Where the text goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placement {
    /// Its corner.
    pub corner: Corner,
    /// First column, from 0.
    pub x: u16,
    /// First row, from 0.
    pub y: u16,
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
}

/// How large text is, and how much of an image it may take.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LayoutPolicy {
    /// The least height of a Han character, in pixels.
    pub min_px: u32,
    /// The least height of a Han character, as a share of Rows.
    pub min_share: f64,
    /// The most of the image that text may take, as a share of its pixels.
    pub max_area: f64,
    /// The most of an image's columns that text may take, as a share.
    pub max_width: f64,
    /// Whether text may stand where a display shutter hides the image. Viewers that apply the shutter hide the text as well.
    pub behind_shutter: bool,
}

impl Default for LayoutPolicy {
    fn default() -> Self {
        Self { min_px: 14, min_share: 0.01, max_area: 0.03, max_width: 0.6, behind_shutter: false }
    }
}

/// The most that a share of Rows comes to, in pixels: few images have more rows than a hundred times this, and rendering takes
/// seconds for text that an object which lies of its rows would get.
const TALLEST: u32 = 200;

impl LayoutPolicy {
    /// The height of text in an image of so many rows, in pixels: what
    /// [`lettering`](super::glyphs::Typeface::lettering) takes.
    #[must_use]
    pub fn text_height(&self, rows: u16) -> u32 {
        let share = (f64::from(rows) * self.min_share).ceil();
        self.min_px.max((share as u32).min(TALLEST))
    }
}

/// Why there is no place for the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoPlace {
    /// Text that can be read would take too much of the image.
    #[error("the image is too small for text that can be read")]
    TooSmall,
    /// Frames are shown as differences: text would vanish.
    #[error("the frames are shown as differences, in which text would vanish")]
    Subtracted,
    /// Something is in every corner, or may be.
    #[error("no corner of the image is free")]
    NoSafeCorner,
}

/// A corner that is fit, and how good it is: the least is the best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Merit {
    /// Whether it is within the exposed field.
    inside: bool,
    /// What is left there of signal, in coarse steps so that noise decides nothing.
    signal: u8,
}

/// The place of text of `size` (columns and rows) in an image, of which `frames` are all or some, as
/// [`survey`](super::display::Display::survey) shows them. A corner of `preferred`, the first that is fit in this image too,
/// goes before all others.
///
/// # Errors
/// See [`NoPlace`].
pub fn choose(
    frames: &[Luminance<'_>],
    size: (u32, u32),
    facts: &LayoutFacts,
    policy: &LayoutPolicy,
    preferred: &[Corner],
) -> Result<Placement, NoPlace> {
    let first = frames.first().ok_or(NoPlace::NoSafeCorner)?;
    if facts.is_subtracted {
        return Err(NoPlace::Subtracted);
    }
    let image = (first.columns(), first.rows());
    let places = places(image, size, policy).ok_or(NoPlace::TooSmall)?;
    let grounds: Vec<Ground> = frames.iter().map(|frame| Ground::of(frame, facts)).collect();
    let closed = closed_side(&grounds, facts);
    let merit = |corner: Corner| {
        if closed.contains(&Some(corner.side())) {
            return None;
        }
        let place = places.iter().find(|place| place.corner == corner)?;
        merit(frames, &grounds, place, image, facts, policy)
    };
    let wanted = preferred.iter().copied().find(|corner| merit(*corner).is_some());
    let best = || {
        let fit = Corner::ALL.into_iter().filter_map(|corner| Some((merit(corner)?, corner)));
        // The first among equals.
        fit.min_by_key(|(merit, _)| *merit).map(|(_, corner)| corner)
    };
    let corner = wanted.or_else(best).ok_or(NoPlace::NoSafeCorner)?;
    places.into_iter().find(|place| place.corner == corner).ok_or(NoPlace::NoSafeCorner)
}

/// Whether any pixel of a place shows something else than what most of its frame shows, which in a mammogram is the air around the
/// breast. A second look at a place that was chosen, pixel by pixel; it knows nothing of corners and sides.
#[must_use]
pub fn is_on_something(frames: &[Luminance<'_>], place: &Placement) -> bool {
    let region = Region::of(place);
    frames.iter().any(|frame| shows_something(frame, region))
}

/// The rectangle in each corner; `None` when it would take too much.
fn places(
    image: (usize, usize),
    size: (u32, u32),
    policy: &LayoutPolicy,
) -> Option<[Placement; 4]> {
    let (columns, rows) = (image.0 as u32, image.1 as u32);
    let (width, height) = size;
    let margin = margin(columns.min(rows));
    let area = f64::from(width) * f64::from(height);
    let fits = width > 0
        && height > 0
        && f64::from(width) <= f64::from(columns) * policy.max_width
        && area <= f64::from(columns) * f64::from(rows) * policy.max_area
        && width + 2 * margin <= columns
        && height + 2 * margin <= rows;
    if !fits {
        return None;
    }
    Some(Corner::ALL.map(|corner| {
        let (right, bottom) = (columns - margin - width, rows - margin - height);
        let x = if corner.side() == Side::Left { margin } else { right };
        let y = if corner.is_top() { margin } else { bottom };
        let short = |number: u32| u16::try_from(number).unwrap_or(u16::MAX);
        Placement { corner, x: short(x), y: short(y), width: short(width), height: short(height) }
    }))
}

/// Pixels between the text and the edge of the image: 4, or half a percent.
fn margin(shorter: u32) -> u32 {
    (shorter / 200).max(4)
}

/// The sides of a mammogram that no text goes to: the chest wall's. Where the data set and the picture do not agree on
/// which that is, both.
fn closed_side(grounds: &[Ground], facts: &LayoutFacts) -> [Option<Side>; 2] {
    if !facts.is_mammogram {
        return [None; 2];
    }
    let seen = grounds.iter().find_map(|ground| ground.heavier);
    match (facts.chest_wall, seen) {
        (None, None) => [Some(Side::Left), Some(Side::Right)],
        (said, seen) => [said, seen],
    }
}

fn merit(
    frames: &[Luminance<'_>],
    grounds: &[Ground],
    place: &Placement,
    image: (usize, usize),
    facts: &LayoutFacts,
    policy: &LayoutPolicy,
) -> Option<Merit> {
    let text = Region::of(place);
    if !policy.behind_shutter && facts.shutter.iter().any(|shutter| shutter.hides(text)) {
        return None;
    }
    let region = text.widened(usize::from(place.height) / 2, image);
    let mut merit = Merit { inside: false, signal: 0 };
    for (frame, ground) in frames.iter().zip(grounds) {
        match ground.verdict(frame, region, usize::from(place.height)) {
            Verdict::Occupied => return None,
            Verdict::Free { signal, outside } => {
                merit.signal = merit.signal.max(signal);
                merit.inside |= !outside;
            }
        }
    }
    if facts.collimator.iter().any(|field| field.lies_outside(text)) {
        merit.inside = false;
    }
    Some(merit)
}
