//! Which samples get which value.

use std::ops::Range;

use super::CodecFault;
use super::markers::Stream;
use super::transform::{FRACTION, Square, ZIGZAG, forward, inverse};
use crate::codec::{FrameShape, Tile};

/// A tile, checked against its frame.
pub(super) struct Paint<'a> {
    tile: &'a Tile,
    /// Rows in which a pixel is painted.
    pub rows: Range<usize>,
    /// Columns in which a pixel is painted.
    pub columns: Range<usize>,
    /// What the components after the first get in place of the shade.
    neutral: Option<i32>,
    mask: i32,
}

impl<'a> Paint<'a> {
    /// For samples of `precision` bits; `None` where no pixel is painted.
    pub fn new(
        shape: &FrameShape,
        tile: &'a Tile,
        precision: u8,
        neutral: Option<i32>,
    ) -> Result<Option<Self>, CodecFault> {
        let (x, y) = (usize::from(tile.x), usize::from(tile.y));
        tile.fits(shape)?;
        let (mut rows, mut columns) = (None::<Range<usize>>, None::<Range<usize>>);
        for (shades, row) in tile.rows().zip(y..) {
            let Some(first) = shades.iter().position(Option::is_some) else { continue };
            let last = shades.iter().rposition(Option::is_some).unwrap_or(first);
            let grown = |old: &Option<Range<usize>>, new: Range<usize>| match old {
                Some(old) => old.start.min(new.start)..old.end.max(new.end),
                None => new,
            };
            rows = Some(grown(&rows, row..row + 1));
            columns = Some(grown(&columns, x + first..x + last + 1));
        }
        let painted = rows.zip(columns);
        let mask = (1 << precision) - 1;
        Ok(painted.map(|(rows, columns)| Self { tile, rows, columns, neutral, mask }))
    }

    /// The value of a component where the pixel is painted.
    pub fn value(&self, component: usize, shade: i32) -> i32 {
        // Two's complement of a signed frame is coded as the bits it has.
        self.neutral.filter(|_| component > 0).unwrap_or(shade & self.mask)
    }

    /// The shades of a row, and the column of the first; none where the tile has no such row.
    pub fn row(&self, y: usize) -> (usize, &[Option<i32>]) {
        let width = usize::from(self.tile.width);
        let shades = y
            .checked_sub(self.tile.y.into())
            .and_then(|row| self.tile.shades.get(row * width..(row + 1) * width));
        (self.tile.x.into(), shades.unwrap_or_default())
    }
}

/// Where the samples of a component are among the pixels (A.1.1).
pub(super) struct Grid {
    component: usize,
    /// Columns and rows of samples; blocks have more at the right and below, which nobody sees.
    samples: (usize, usize),
    pixels: (usize, usize),
    /// The greatest sampling factors, and those of the component: as many pixels are as many samples.
    ratio: ((usize, usize), (usize, usize)),
}

/// What becomes of a sample.
#[derive(Clone, Copy)]
struct Blend {
    /// What covers it, in parts of pixels.
    all: i64,
    /// What of it is painted.
    painted: i64,
    /// The sum of the shades of what is painted.
    shades: i64,
}

impl Grid {
    pub fn new(stream: &Stream<'_>, component: usize) -> Self {
        let of = stream.components.get(component);
        Self {
            component,
            samples: of.map_or((0, 0), |of| stream.size(of)),
            pixels: (stream.columns, stream.rows),
            ratio: (stream.sampling(), of.map_or((1, 1), |of| (of.h, of.v))),
        }
    }

    /// The greatest sampling factors, and those of the component.
    pub fn ratio(&self) -> ((usize, usize), (usize, usize)) {
        self.ratio
    }

    /// Paints what is to be painted of the block in that column and row of blocks. Coefficients that this does not change stay
    /// the very ones; the others are as near as the table allows.
    pub fn paint(
        &self,
        paint: &Paint<'_>,
        at: (usize, usize),
        block: &mut [i32; 64],
        quantisation: &[u16; 64],
        precision: u8,
    ) {
        let (left, top) = (at.0 * 8, at.1 * 8);
        let ((wide, high), (h, v)) = self.ratio;
        let columns: [_; 8] = std::array::from_fn(|x| covered(left + x, wide, h, self.pixels.0));
        let rows: [_; 8] = std::array::from_fn(|y| covered(top + y, high, v, self.pixels.1));
        let mut blends = [[None; 8]; 8];
        let mut is_painted = false;
        for ((line, rows), y) in blends.iter_mut().zip(&rows).zip(top..self.samples.1) {
            for ((blend, columns), x) in line.iter_mut().zip(&columns).zip(left..self.samples.0) {
                *blend = Some(self.blend(paint, (x, y), columns, rows));
                is_painted |= blend.is_some_and(|blend| blend.painted > 0);
            }
        }
        if !is_painted {
            return;
        }
        let coefficients = dequantised(block, quantisation, precision);
        let old = inverse(&coefficients);
        let middle = 1i64 << (precision - 1);
        // Samples beyond the picture repeat the last ones in it, which costs the least.
        let mut changes = [[0; 8]; 8];
        let mut below = [0; 8];
        for ((changes, old), blends) in changes.iter_mut().zip(&old).zip(&blends) {
            let mut beside = 0;
            for (((change, old), blend), below) in
                changes.iter_mut().zip(old).zip(blends).zip(&mut below)
            {
                let new = match blend {
                    Some(blend) if blend.painted == 0 => *old,
                    Some(blend) => {
                        let kept = old * (blend.all - blend.painted);
                        let shades = blend.shades - middle * blend.painted;
                        let sum = kept + (shades << FRACTION);
                        if blend.all == 1 { sum } else { sum / blend.all }
                    }
                    None if blends.iter().any(Option::is_some) => beside,
                    None => *below,
                };
                (beside, *below) = (new, new);
                *change = new - old;
            }
        }
        requantise(block, &coefficients, &forward(&changes), quantisation, precision);
    }

    /// What the pixels under a sample make of it.
    fn blend(
        &self,
        paint: &Paint<'_>,
        (x, y): (usize, usize),
        columns: &Range<usize>,
        rows: &Range<usize>,
    ) -> Blend {
        let ((wide, high), (h, v)) = self.ratio;
        let mut blend = Blend { all: 0, painted: 0, shades: 0 };
        for row in rows.clone() {
            let tall = overlap(row * v, v, y * high, high);
            let (first, shades) = paint.row(row);
            for column in columns.clone() {
                let weight = overlap(column * h, h, x * wide, wide) * tall;
                blend.all += weight;
                let shade = column.checked_sub(first).and_then(|at| shades.get(at));
                if let Some(&Some(shade)) = shade {
                    blend.painted += weight;
                    blend.shades += weight * i64::from(paint.value(self.component, shade));
                }
            }
        }
        blend
    }
}

/// The pixels under a sample, of which as many as `greatest` are as many samples as `own`.
fn covered(sample: usize, greatest: usize, own: usize, pixels: usize) -> Range<usize> {
    sample * greatest / own..((sample + 1) * greatest).div_ceil(own).min(pixels)
}

/// How much two lengths share.
fn overlap(start: usize, length: usize, other: usize, others_length: usize) -> i64 {
    let end = (start + length).min(other + others_length);
    end.saturating_sub(start.max(other)) as i64
}

/// The coefficients that a block stands for, in their places.
fn dequantised(block: &[i32; 64], quantisation: &[u16; 64], precision: u8) -> Square {
    // Eight times what any sample has is more than any image needs; what a damaged one claims stays within bounds.
    let most = 1i64 << (precision + 4);
    let mut square = [[0; 8]; 8];
    for ((&coefficient, &step), place) in block.iter().zip(quantisation).zip(ZIGZAG) {
        let slot = square.get_mut(usize::from(place / 8));
        if let Some(slot) = slot.and_then(|line| line.get_mut(usize::from(place % 8))) {
            let value = i64::from(coefficient) * i64::from(step);
            *slot = value.clamp(-most, most) << FRACTION;
        }
    }
    square
}

/// Far more than the samples of any image can make of a coefficient.
const BOUND: i64 = 1 << (18 + FRACTION);

/// Changes a block by as much as the table allows to tell.
fn requantise(
    block: &mut [i32; 64],
    coefficients: &Square,
    changes: &Square,
    quantisation: &[u16; 64],
    precision: u8,
) {
    // Categories reach to 10 for samples of 8 bits, the first coefficient being a difference of as many more (F.1.2).
    let most = (1i32 << (precision + 2)) - 1;
    let at = |square: &Square, place: u8| {
        let line = square.get(usize::from(place / 8));
        line.and_then(|line| line.get(usize::from(place % 8))).copied().unwrap_or(0)
    };
    for ((coefficient, &step), place) in block.iter_mut().zip(quantisation).zip(ZIGZAG) {
        let change = at(changes, place);
        let step = i32::from(step) << FRACTION;
        let value = (at(coefficients, place) + change).clamp(-BOUND, BOUND) as i32;
        let half = if value < 0 { -step / 2 } else { step / 2 };
        let nearest = (value + half) / step;
        if nearest != *coefficient {
            *coefficient = nearest.clamp(-most, most);
        }
    }
}
