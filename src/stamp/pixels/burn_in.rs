//! Mode `burn-in`: the text drawn on the pixels.

use std::ops::Range;

use crate::codec::{Coded, Coding, FrameShape, Syntax, Tile};
use crate::dicom::{Tag, tags};
use crate::object::HeaderView;
use crate::object::edit::{BadPlan, Edit, EditFault, Filling, Patch};
use crate::object::frames::Frame;
use crate::recognition::ScopeCode;
use crate::stamp::native::{Order, painted as runs_of};
use crate::stamp::raster::{Layout, Raster, Workshop};
use crate::stamp::{Job, Obstacle, StampMode, draw};

use super::look::{Seen, painted, text_of};
use super::{Drawn, extremes, may_draw};

/// Draws the mark on the pixels.
///
/// # Errors
/// When the object's pixels cannot or may not be drawn on.
pub(in crate::stamp) fn burn_in(
    job: &Job<'_>,
    raster: &Raster,
    workshop: &dyn Workshop,
    mark: &ScopeCode,
) -> Result<Drawn, Obstacle> {
    may_draw(job)?;
    if raster.syntax.coding() == Coding::Lossy {
        return Err(Obstacle::Lossy);
    }
    let mut seen = Seen::of(job, raster, workshop)?;
    let placed = seen.place(job, text_of(job, mark, raster.shape.rows)?)?;
    let shades = seen.shades();
    let tile = draw::tile(&placed.text.lettering, &placed.place, &shades);
    let first = seen.take_first().ok_or(Obstacle::NoPixels)?;
    let at = (placed.place.x, placed.place.y);
    seen.check_legible(&painted(raster, first, &tile), &placed.text.lettering, at)?;
    let frames = if job.policy.pixels.every_frame { raster.frames } else { 1 };
    let mut drawn = match &raster.layout {
        Layout::Native { .. } => {
            let order = order(job.view, raster, workshop)?;
            Drawn { patches: patches(raster, order, &tile, frames)?, ..Drawn::default() }
        }
        Layout::Encapsulated { .. } => recoded(raster, workshop, frames, |coded| {
            Ok(workshop.frames().repaint(coded, &tile)?)
        })?,
    };
    drawn.in_pixels = Some(StampMode::BurnIn);
    drawn.text = placed.text.line.text;
    drawn.place = Some(placed.place);
    drawn.elements.extend(extremes(job.view, tile.shades.iter().flatten().copied()));
    // It shows the image as it was.
    drawn.removed.push(tags::ICON_IMAGE_SEQUENCE);
    Ok(drawn)
}

/// How the bytes of native samples stand.
///
/// # Errors
/// When the first frame cannot be read.
pub(super) fn order(
    view: &HeaderView,
    raster: &Raster,
    workshop: &dyn Workshop,
) -> Result<Order, Obstacle> {
    let Layout::Native { words, .. } = raster.layout else {
        return Err(Obstacle::Contradiction(tags::PIXEL_DATA));
    };
    let big_endian = matches!(raster.syntax, Syntax::Native { big_endian: true });
    let shape = &raster.shape;
    let has_room = shape.high_bit + 1 < shape.allocated && !has_embedded_overlay(view);
    let sign_extended = shape.signed && has_room && {
        let frame = raster.coded(0, workshop)?;
        is_sign_extended(shape, big_endian, &frame)
    };
    Ok(Order { big_endian, words, sign_extended, bit: 0 })
}

/// Whether an overlay lives in bits of the pixels (retired, PS3.5 §8.1.2): those bits are its own then.
pub(in crate::stamp) fn has_embedded_overlay(view: &HeaderView) -> bool {
    let is_position =
        |tag: Tag| (0x6000..=0x601E).contains(&tag.group()) && tag.element() == 0x0102;
    let mut positions = view.top().filter(|element| is_position(element.tag));
    positions.any(|element| view.numbers(element).first().is_some_and(|bit| *bit > 0.0))
}

/// Whether the bits above High Bit repeat the sign in every sample.
fn is_sign_extended(shape: &FrameShape, big_endian: bool, frame: &[u8]) -> bool {
    let (above, high) = (shape.high_bit + 1, shape.high_bit);
    let bits = u32::from(shape.allocated - above);
    frame.chunks_exact(shape.sample_bytes()).all(|sample| {
        let add = |value: u32, byte: &u8| value << 8 | u32::from(*byte);
        let value =
            if big_endian { sample.iter().fold(0, add) } else { sample.iter().rev().fold(0, add) };
        let sign = value >> high & 1 == 1;
        let filled = (1_u64 << bits) - 1;
        u64::from(value >> above) & filled == if sign { filled } else { 0 }
    })
}

fn patches(
    raster: &Raster,
    order: Order,
    tile: &Tile,
    frames: u32,
) -> Result<Vec<Patch>, Obstacle> {
    let Layout::Native { value, .. } = &raster.layout else {
        return Err(Obstacle::Contradiction(tags::PIXEL_DATA));
    };
    let bits = raster.native_bits();
    if bits.is_multiple_of(8) {
        let runs = runs_of(&raster.shape, order, tile);
        return Ok(vec![planned(Patch::new(value.start, bits / 8, frames, runs))?]);
    }
    // Frames of one-bit pixels that do not end with a byte.
    raster.check_frames()?;
    let patch = |frame: u32| {
        let first = u64::from(frame) * bits;
        let order = Order { bit: (first % 8) as u8, ..order };
        planned(Patch::new(value.start + first / 8, 0, 1, runs_of(&raster.shape, order, tile)))
    };
    (0..frames).map(patch).collect()
}

/// A part of a plan, or the obstacle that there is none.
pub(super) fn planned<T>(made: Result<T, BadPlan>) -> Result<T, Obstacle> {
    made.map_err(|fault| Obstacle::Edit(EditFault::Conflict(fault)))
}

/// The head of an item.
const ITEM: [u8; 4] = [0xFE, 0xFF, 0x00, 0xE0];

/// Codes the first `frames` frames anew and keeps them; the offset tables follow.
///
/// # Errors
/// When one of them cannot be coded, read or kept.
pub(super) fn recoded(
    raster: &Raster,
    workshop: &dyn Workshop,
    frames: u32,
    code: impl Fn(&Coded<'_>) -> Result<Vec<u8>, Obstacle>,
) -> Result<Drawn, Obstacle> {
    let Layout::Encapsulated { frames: all, table } = &raster.layout else {
        return Err(Obstacle::Contradiction(tags::PIXEL_DATA));
    };
    let mut fillings = Vec::new();
    let mut lengths = Vec::with_capacity(all.len());
    let mut kept = 0;
    for (index, frame) in all.iter().enumerate() {
        if index >= frames as usize {
            lengths.push((frame.items.end - frame.items.start, frame.length()));
            continue;
        }
        let bytes = raster.coded(index as u32, workshop)?;
        let coded = Coded { syntax: raster.syntax, shape: raster.shape, bytes: &bytes };
        let mut item = code(&coded)?;
        let coded_length = item.len() as u64;
        if item.len() % 2 == 1 {
            item.push(0);
        }
        let length = u32::try_from(item.len()).map_err(|_| Obstacle::TooManyFrames)?;
        let head = [ITEM, length.to_le_bytes()].concat();
        let keep = |bytes: &[u8]| workshop.keep(bytes).map_err(|_| Obstacle::NotReadable);
        keep(&head)?;
        keep(&item)?;
        let end = kept + (head.len() + item.len()) as u64;
        let remove = frame.items.end - frame.items.start;
        fillings.push(Filling { at: frame.items.start, remove, made: kept..end });
        lengths.push((end - kept, coded_length));
        kept = end;
    }
    let mut drawn = Drawn { fillings: Some((workshop.made(), fillings)), ..Drawn::default() };
    drawn.growth = growth(all, &lengths);
    offsets(table, &lengths, &mut drawn)?;
    Ok(drawn)
}

fn growth(frames: &[Frame], lengths: &[(u64, u64)]) -> i64 {
    let before: u64 = frames.iter().map(|frame| frame.items.end - frame.items.start).sum();
    let after: u64 = lengths.iter().map(|(items, _)| items).sum();
    after.cast_signed() - before.cast_signed()
}

/// Offset tables that are there, Basic or Extended, say where the frames are now (PS3.5 §A.4, PS3.3 C.7.6.3.1.8).
fn offsets(table: &Range<u64>, lengths: &[(u64, u64)], drawn: &mut Drawn) -> Result<(), Obstacle> {
    let starts = lengths.iter().scan(0_u64, |at, (items, _)| {
        let start = *at;
        *at += items;
        Some(start)
    });
    if table.end > table.start {
        let mut insert = Vec::new();
        for start in starts {
            let start = u32::try_from(start).map_err(|_| Obstacle::TooManyFrames)?;
            insert.extend(start.to_le_bytes());
        }
        drawn.edits.push(Edit { at: table.start, remove: table.end - table.start, insert });
        return Ok(());
    }
    let eight = |numbers: &mut dyn Iterator<Item = u64>| -> Vec<u8> {
        numbers.flat_map(u64::to_le_bytes).collect()
    };
    drawn.extended_offsets =
        Some((eight(&mut starts.into_iter()), eight(&mut lengths.iter().map(|(_, coded)| *coded))));
    Ok(())
}
