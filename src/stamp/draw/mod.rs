//! Letters and shades made into tiles, and whether they can be read once they are there.

#[cfg(test)]
mod tests;

use crate::codec::{Decoded, Tile};

use super::display::{Display, DisplayFault, Shades};
use super::glyphs::Lettering;
use super::layout::Placement;

/// Covered by letters from this on, a pixel counts as ink.
const INK: u8 = 224;

/// The letters with their outline, at their place: edges in shades between those of outline and letters, all other pixels
/// of the rectangle as they were. No shade is padding.
#[must_use]
pub fn tile(lettering: &Lettering, place: &Placement, shades: &Shades) -> Tile {
    let pixels = lettering.ink.iter().zip(&lettering.halo);
    let shades = pixels.map(|(cover, painted)| painted.then(|| shades.of(*cover)));
    Tile {
        x: place.x,
        y: place.y,
        width: place.width,
        height: place.height,
        shades: shades.collect(),
    }
}

/// Whole rows of black with the letters at their left, to be put below an image of `columns`: as many rows as the letters
/// have and a margin above and below. `None` when the image is narrower than the text.
#[must_use]
pub fn strip_tile(lettering: &Lettering, columns: u16, shades: &Shades) -> Option<Tile> {
    let (width, height) = (lettering.width as usize, lettering.height as usize);
    let margin = strip_margin(lettering);
    let all = usize::from(columns);
    if width == 0 || width + 2 * margin > all {
        return None;
    }
    let rows = u16::try_from(height + 2 * margin).ok()?;
    let mut painted = vec![Some(shades.halo); all * usize::from(rows)];
    let lines = painted.chunks_exact_mut(all).skip(margin);
    for (line, covers) in lines.zip(lettering.ink.chunks_exact(width)) {
        for (pixel, cover) in line.iter_mut().skip(margin).zip(covers) {
            *pixel = Some(shades.of(*cover));
        }
    }
    Some(Tile { x: 0, y: 0, width: columns, height: rows, shades: painted })
}

pub(super) fn strip_margin(lettering: &Lettering) -> usize {
    (lettering.height as usize / 8).max(2)
}

/// How far letters stand out of their outline in a frame that bears them at `x` and `y`, as it is shown by `display`: the
/// difference of their mean luminances, as a share of the range from black to white. 0 when there are no letters.
///
/// # Errors
/// As [`Display::luminance`].
pub fn contrast(
    frame: &Decoded,
    lettering: &Lettering,
    (x, y): (u16, u16),
    display: &Display,
) -> Result<f64, DisplayFault> {
    let luminance = display.luminance(frame)?;
    let width = (lettering.width as usize).max(1);
    // Sum and count, of ink and of its surround.
    let mut sums = [(0_u64, 0_u64); 2];
    for (place, (cover, painted)) in lettering.ink.iter().zip(&lettering.halo).enumerate() {
        let [ink, surround] = &mut sums;
        let sum = match (*cover, painted) {
            (INK.., _) => ink,
            (0, true) => surround,
            (_, _) => continue,
        };
        let level = luminance.at(usize::from(x) + place % width, usize::from(y) + place / width);
        *sum = (sum.0 + u64::from(level), sum.1 + 1);
    }
    let [ink, surround] = sums.map(|(sum, count)| (count > 0).then(|| sum as f64 / count as f64));
    Ok(ink.zip(surround).map_or(0.0, |(ink, surround)| (ink - surround).abs() / 255.0))
}
