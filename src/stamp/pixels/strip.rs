//! Mode `strip`: the text in rows below the image. Rows (0028,0010) grows; position and spacing of every pixel stay what they
//! were, for rows are added behind the last.

use crate::codec::{Coding, Tile};
use crate::dicom::{VR, tags};
use crate::object::HeaderView;
use crate::object::edit::{NewElement, Patch, Run, RunKind};
use crate::recognition::ScopeCode;
use crate::stamp::layout::{Corner, Placement};
use crate::stamp::native::rows;
use crate::stamp::raster::{Layout, Raster, Workshop};
use crate::stamp::{Job, Obstacle, StampMode, draw};

use super::burn_in::{order, planned, recoded};
use super::look::{Seen, Text, extended, text_of};
use super::{Drawn, extremes, may_draw};

/// Puts the mark below the image.
///
/// # Errors
/// When the object's pixels cannot or may not be added to.
pub(in crate::stamp) fn strip(
    job: &Job<'_>,
    raster: &Raster,
    workshop: &dyn Workshop,
    mark: &ScopeCode,
) -> Result<Drawn, Obstacle> {
    may_draw(job)?;
    match raster.syntax.coding() {
        Coding::Native | Coding::Lossless => {}
        Coding::Blocks | Coding::Lossy => return Err(Obstacle::Lossy),
    }
    let mut seen = Seen::of(job, raster, workshop)?;
    let shades = seen.shades();
    let columns = raster.shape.columns;
    let fits = |text: Text| {
        let tile = draw::strip_tile(&text.lettering, columns, &shades)?;
        let tile = evened(raster, Tile { y: raster.shape.rows, ..tile }, shades.halo);
        Some((text, tile))
    };
    let texts = text_of(job, mark, raster.shape.rows)?;
    let (text, tile) = texts.into_iter().find_map(fits).ok_or(Obstacle::TooSmall)?;
    let grown = raster.shape.rows.checked_add(tile.height).ok_or(Obstacle::TooSmall)?;
    check_legible(&mut seen, raster, &text, &tile)?;
    let mut drawn = match &raster.layout {
        Layout::Native { .. } => native(job.view, raster, workshop, &tile)?,
        Layout::Encapsulated { .. } => recoded(raster, workshop, raster.frames, |coded| {
            Ok(workshop.frames().extend(coded, &tile)?)
        })?,
    };
    drawn.elements.push(NewElement::new(tags::ROWS, VR::US, grown.to_le_bytes().to_vec()));
    drawn.elements.extend(extremes(job.view, tile.shades.iter().flatten().copied()));
    drawn.removed.push(tags::ICON_IMAGE_SEQUENCE);
    drawn.in_pixels = Some(StampMode::Strip);
    drawn.text = text.line.text;
    let (x, y, width, height) = (0, tile.y, tile.width, tile.height);
    drawn.place = Some(Placement { corner: Corner::BottomLeft, x, y, width, height });
    Ok(drawn)
}

/// The same with one row more where native pixels would become odd in number of bytes, or would be no longer: the padding behind
/// them (PS3.5 §8.1.1) stays what it is.
fn evened(raster: &Raster, mut tile: Tile, shade: i32) -> Tile {
    let is_native = matches!(raster.layout, Layout::Native { .. });
    let row = raster.native_bits() / u64::from(raster.shape.rows).max(1) / 8;
    let added = row * u64::from(tile.height) * u64::from(raster.frames);
    if is_native && added % 2 == 1 {
        tile.height += 1;
        tile.shades.extend(vec![Some(shade); usize::from(tile.width)]);
    }
    tile
}

fn check_legible(
    seen: &mut Seen,
    raster: &Raster,
    text: &Text,
    tile: &Tile,
) -> Result<(), Obstacle> {
    let first = seen.take_first().ok_or(Obstacle::NoPixels)?;
    let (frame, shape) = extended(raster, first, tile);
    let margin = draw::strip_margin(&text.lettering) as u16;
    seen.of_shape(shape).check_legible(&frame, &text.lettering, (margin, tile.y + margin))
}

/// Rows put in behind every frame, plane by plane where samples are kept by plane.
fn native(
    view: &HeaderView,
    raster: &Raster,
    workshop: &dyn Workshop,
    tile: &Tile,
) -> Result<Drawn, Obstacle> {
    let Layout::Native { value, .. } = &raster.layout else {
        return Err(Obstacle::Contradiction(tags::PIXEL_DATA));
    };
    let order = order(view, raster, workshop)?;
    let planes = rows(&raster.shape, order, tile).ok_or(Obstacle::NotDecodable)?;
    let frame = raster.native_bits() / 8;
    let wanted = frame * u64::from(raster.frames);
    let plane = frame / planes.len() as u64;
    let added: usize = planes.iter().map(Vec::len).sum();
    let run = |(index, bytes): (usize, Vec<u8>)| Run {
        at: plane * (index as u64 + 1),
        bytes,
        kind: RunKind::In,
    };
    let runs = planes.into_iter().enumerate().map(run).collect();
    let patches = vec![planned(Patch::new(value.start, frame, raster.frames, runs))?];
    let growth = (added as u64 * u64::from(raster.frames)).cast_signed();
    // An odd number of bytes is padded (PS3.5 §8.1.1); a byte of padding that is there already may be one too many now.
    let is_padded = value.end - value.start > wanted;
    let is_odd = (wanted.cast_signed() + growth) % 2 != 0;
    if is_padded != is_odd {
        return Err(Obstacle::NotDecodable);
    }
    Ok(Drawn { patches, growth, ..Drawn::default() })
}
