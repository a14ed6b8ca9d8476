//! The border outside the exposed field of a projection.
//!
//! Unexposed or masked, it may be the brightest of the picture. So may be bone and belly; but a border ends at a step that
//! is straight and abrupt, and nothing in a patient is.

use super::ground::Region;
use crate::stamp::display::Luminance;

/// Lines that are followed from the region into the picture.
const LINES: usize = 12;

/// Of which so many must meet an edge for it to be called straight.
const FEWEST: usize = 4;

/// Levels by which the field differs from its border at the edge.
const STEP: f64 = 24.0;

/// The most noise of a border, in levels: tissue at this exposure has more, a mask none.
const NOISIEST: f64 = 3.0;

/// Whether the region lies in a flat border, at `level` with `noise`: lines from it into the picture meet a step, all at the
/// same distance.
pub(super) fn is_behind_a_border(
    frame: &Luminance<'_>,
    region: Region,
    level: u8,
    noise: f64,
) -> bool {
    if noise > NOISIEST {
        return false;
    }
    let (columns, rows) = (frame.columns(), frame.rows());
    let at_left = region.left < columns - region.right.min(columns);
    let at_top = region.top < rows - region.bottom.min(rows);
    let step = STEP.max(6.0 * noise);
    let off = |x: usize, y: usize| {
        let off = (f64::from(frame.at(x, y)) - f64::from(level)).abs();
        if frame.is_padding(x, y) { 0.0 } else { off }
    };
    let along = |from: usize, to: usize, line: usize| from + (to - from) * line / LINES;
    let down = (0..LINES).map(|line| {
        let x = along(region.left, region.right, line);
        let ys = outwards(region.top, region.bottom, at_top, rows);
        met(ys.map(|y| off(x, y)), step, rows)
    });
    let across = (0..LINES).map(|line| {
        let y = along(region.top, region.bottom, line);
        let xs = outwards(region.left, region.right, at_left, columns);
        met(xs.map(|x| off(x, y)), step, columns)
    });
    is_straight(down.collect(), at_left, rows) || is_straight(across.collect(), at_top, columns)
}

/// The positions from a region into the picture: after its end if it is at the start of the picture, else before its start.
fn outwards(
    start: usize,
    end: usize,
    at_start: bool,
    extent: usize,
) -> impl Iterator<Item = usize> {
    let count = if at_start { extent.saturating_sub(end) } else { start };
    (0..count).map(move |reach| if at_start { end + reach } else { start - 1 - reach })
}

/// Where a line meets a step; `None` where it meets none, or only a slope.
fn met(offs: impl Iterator<Item = f64>, step: f64, extent: usize) -> Option<usize> {
    let mut begins = None;
    for (place, off) in offs.enumerate() {
        if off > step {
            let abrupt = place - begins.unwrap_or(place) <= (extent / 200).max(3);
            return abrupt.then_some(place);
        }
        if off <= step / 3.0 {
            begins = None;
        } else if begins.is_none() {
            begins = Some(place);
        }
    }
    None
}

/// Whether a straight edge lies across lines: those on the side of the picture's middle meet it, the rest run in the border
/// at the picture's side. The field may be turned a little.
fn is_straight(mut distances: Vec<Option<usize>>, at_start: bool, extent: usize) -> bool {
    if at_start {
        distances.reverse();
    }
    let met = distances.iter().map_while(|distance| *distance);
    let met: Vec<f64> = met.map(|distance| distance as f64).collect();
    let (Some(first), Some(last)) = (met.first(), met.last()) else { return false };
    if met.len() < FEWEST || distances.iter().flatten().count() > met.len() {
        return false;
    }
    let slope = (last - first) / (met.len() - 1) as f64;
    let tolerance = (extent as f64 / 400.0).max(2.0);
    let off = |(place, distance): (usize, &f64)| (distance - first - slope * place as f64).abs();
    met.iter().enumerate().all(|at| off(at) <= tolerance)
}
