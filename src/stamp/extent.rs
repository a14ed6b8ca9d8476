//! Whether changes of native pixels stay within the rectangle that the text takes.
//!
//! Told from where bytes stand alone: the shape of a frame says which bytes of it the rectangle has, in every frame the same.

use std::ops::Range;

use crate::dicom::photometric::Photometric;
use crate::object::edit::{Patch, Run, RunKind};

use super::layout::Placement;
use super::raster::{Layout, Raster};

/// Whether patches change no pixel outside of a rectangle: one in the frames, or the rows that are put in below them.
pub(super) fn stay_within(patches: &[Patch], raster: &Raster, place: &Placement) -> bool {
    let Layout::Native { value, words } = &raster.layout else { return patches.is_empty() };
    let frame = raster.native_bits();
    let rows = Rows::of(raster, *words);
    let allowed = rows.bytes(place);
    let mut begun = 0;
    patches.iter().all(|patch| {
        let is_in_place = patch.at == value.start + begun * frame / 8
            && (patch.frames == 1 || patch.stride * 8 == frame);
        begun += u64::from(patch.frames);
        let is_within = if place.y < raster.shape.rows {
            patch.runs().iter().all(|run| is_on(run, &allowed))
        } else {
            let mut ends = (1..=rows.planes).map(|plane| plane * frame / rows.planes / 8);
            let bits = u64::from(place.height) * rows.row;
            patch.runs().iter().all(|run| {
                let is_below = run.kind == RunKind::In && ends.next() == Some(run.at);
                is_below && run.bytes.len() as u64 * 8 == bits
            })
        };
        is_in_place && begun <= u64::from(raster.frames) && is_within
    })
}

/// How the rows of a frame stand.
struct Rows {
    /// Planes of samples.
    planes: u64,
    /// Bits of all a frame.
    frame: u64,
    /// Bits of a row of one plane.
    row: u64,
    /// Bits of a pixel of one plane.
    pixel: u64,
    /// Bytes that cannot be told apart: pixels share them, or they are swapped.
    unit: u64,
}

impl Rows {
    fn of(raster: &Raster, words: bool) -> Self {
        let (shape, frame) = (&raster.shape, raster.native_bits());
        let planes = if shape.planar && shape.samples() == 3 { 3 } else { 1 };
        let row = frame / planes / u64::from(shape.rows).max(1);
        let unit = match shape.photometric {
            Photometric::YbrFull422 => 4,
            _ if words => 2,
            _ => 1,
        };
        Self { planes, frame, row, pixel: row / u64::from(shape.columns).max(1), unit }
    }

    /// The bytes of a frame that a rectangle has some bit of.
    fn bytes(&self, place: &Placement) -> Vec<Range<u64>> {
        let bits = self.unit * 8;
        let mut all: Vec<Range<u64>> = Vec::new();
        for plane in 0..self.planes {
            for y in u64::from(place.y)..u64::from(place.y) + u64::from(place.height) {
                let row = plane * (self.frame / self.planes) + y * self.row;
                let start = (row + u64::from(place.x) * self.pixel) / bits * self.unit;
                // Frames of one-bit pixels may begin within a byte.
                let beyond = row + (u64::from(place.x) + u64::from(place.width)) * self.pixel;
                let late = if self.frame.is_multiple_of(8) { 0 } else { 7 };
                let end = (beyond + late).div_ceil(bits) * self.unit;
                match all.last_mut() {
                    Some(last) if start <= last.end => last.end = end,
                    Some(_) | None => all.push(start..end),
                }
            }
        }
        all
    }
}

/// Whether a run changes nothing but these bytes, which stand in order.
fn is_on(run: &Run, allowed: &[Range<u64>]) -> bool {
    let is_allowed = |bytes: Range<u64>| {
        let behind = allowed.partition_point(|range| range.start <= bytes.start);
        let around = behind.checked_sub(1).and_then(|place| allowed.get(place));
        around.is_some_and(|around| bytes.end <= around.end)
    };
    match &run.kind {
        RunKind::In => false,
        RunKind::Over => is_allowed(run.at..run.at + run.covers()),
        RunKind::Masked(mask) => {
            let mut at = run.at;
            mask.chunk_by(|one, next| (*one == 0) == (*next == 0)).all(|bytes| {
                let start = at;
                at += bytes.len() as u64;
                bytes.first() == Some(&0) || is_allowed(start..at)
            })
        }
    }
}
