//! A tile painted on native pixels, as runs of bytes of one frame.
//!
//! Every layout comes to the same: which bits of which byte a sample has. Bits that are not of the sample, above High Bit or
//! below, stay as they are, for an overlay may live in them; but where signed samples are extended with their sign, so are those
//! that are painted.

use crate::codec::{FrameShape, Tile};
use crate::dicom::photometric::Photometric;
use crate::object::edit::{Run, RunKind};

/// How the bytes of samples stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Order {
    /// Most significant byte first.
    pub big_endian: bool,
    /// Bytes swapped within words of two.
    pub words: bool,
    /// Bits above High Bit repeat the sign.
    pub sign_extended: bool,
    /// The first pixel's place within its byte: 0, but for one-bit pixels.
    pub bit: u8,
}

/// One byte to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Change {
    at: u64,
    value: u8,
    mask: u8,
}

/// The runs that paint a tile, counted from the byte in which the frame begins.
pub(super) fn painted(shape: &FrameShape, order: Order, tile: &Tile) -> Vec<Run> {
    let width = usize::from(tile.width).max(1);
    let mut changes = Vec::with_capacity(tile.shades.len() * shape.samples() * 2);
    for (index, shade) in tile.shades.iter().enumerate() {
        let Some(shade) = *shade else { continue };
        let x = u64::from(tile.x) + (index % width) as u64;
        let y = u64::from(tile.y) + (index / width) as u64;
        let pixel = y * u64::from(shape.columns) + x;
        // The other of two pixels that share a colour.
        let other = if x.is_multiple_of(2) { index.checked_add(1) } else { index.checked_sub(1) };
        let other = other.filter(|other| other / width == index / width);
        let is_pair = other.and_then(|other| *tile.shades.get(other)?).is_some();
        paint(shape, order, (pixel, is_pair), shade, &mut changes);
    }
    runs(changes)
}

/// Half of the range: no colour.
fn neutral(shape: &FrameShape) -> i32 {
    1 << (shape.stored - 1)
}

/// `is_pair`: whether the pixel beside it, with which it may share its colour, is painted too.
fn paint(
    shape: &FrameShape,
    order: Order,
    (pixel, is_pair): (u64, bool),
    shade: i32,
    out: &mut Vec<Change>,
) {
    let pixels = shape.pixels() as u64;
    let grey = neutral(shape);
    match shape.photometric {
        Photometric::Monochrome1 | Photometric::Monochrome2 | Photometric::PaletteColor => {
            put(shape, order, pixel, shade, out);
        }
        Photometric::YbrFull422 => {
            // Y Y B R for two pixels: a pixel that is not painted keeps the colour that both share.
            let pair = pixel / 2 * 4;
            put(shape, order, pair + pixel % 2, shade, out);
            if is_pair {
                put(shape, order, pair + 2, grey, out);
                put(shape, order, pair + 3, grey, out);
            }
        }
        photometric => {
            for sample in 0..3 {
                let index = if shape.planar { sample * pixels + pixel } else { pixel * 3 + sample };
                let value = if sample > 0 && photometric.is_luminance() { grey } else { shade };
                put(shape, order, index, value, out);
            }
        }
    }
}

/// One sample.
fn put(shape: &FrameShape, order: Order, index: u64, value: i32, out: &mut Vec<Change>) {
    if shape.allocated == 1 {
        let bit = index + u64::from(order.bit);
        let mask = 1 << (bit % 8);
        out.push(Change { at: bit / 8, value: if value == 0 { 0 } else { mask }, mask });
        return;
    }
    let bytes = u64::from(shape.allocated) / 8;
    let low = shape.high_bit + 1 - shape.stored;
    let stored = (1_u64 << shape.stored) - 1;
    let mut mask = stored << low;
    if order.sign_extended {
        mask |= u64::MAX << low;
    }
    // From a wider signed number: the upper bits repeat the sign.
    let value = (i64::from(value).cast_unsigned()) << low;
    for byte in 0..bytes {
        let place = if order.big_endian { bytes - 1 - byte } else { byte };
        let at = index * bytes + place;
        let at = if order.words { at ^ 1 } else { at };
        let shift = 8 * byte;
        let (value, mask) = ((value >> shift) as u8, (mask >> shift) as u8);
        if mask != 0 {
            out.push(Change { at, value: value & mask, mask });
        }
    }
}

/// Bytes that stay as they are and are taken into a run all the same: a run costs more than they do.
const GAP: u64 = 64;

fn runs(mut changes: Vec<Change>) -> Vec<Run> {
    changes.sort_unstable();
    let mut merged: Vec<Change> = Vec::with_capacity(changes.len());
    for change in changes {
        match merged.last_mut() {
            Some(last) if last.at == change.at => {
                last.value = (last.value & !change.mask) | change.value;
                last.mask |= change.mask;
            }
            Some(_) | None => merged.push(change),
        }
    }
    merged.chunk_by(|a, b| b.at - a.at <= GAP).filter_map(run).collect()
}

/// One run of changes that lie near each other.
fn run(changes: &[Change]) -> Option<Run> {
    let (first, last) = (changes.first()?, changes.last()?);
    let length = usize::try_from(last.at - first.at).ok()? + 1;
    let (mut bytes, mut mask) = (vec![0; length], vec![0; length]);
    for change in changes {
        let place = usize::try_from(change.at - first.at).ok()?;
        *bytes.get_mut(place)? = change.value;
        *mask.get_mut(place)? = change.mask;
    }
    let is_whole = mask.iter().all(|mask| *mask == 0xFF);
    let kind = if is_whole { RunKind::Over } else { RunKind::Masked(mask) };
    Some(Run { at: first.at, bytes, kind })
}

/// The bytes of whole rows that a tile as wide as the frame paints, plane by plane where samples are kept by plane.
///
/// `None` where rows do not end with a byte.
pub(super) fn rows(shape: &FrameShape, order: Order, tile: &Tile) -> Option<Vec<Vec<u8>>> {
    let strip = FrameShape { rows: tile.height, ..*shape };
    let bits = strip.pixels() * usize::from(shape.allocated);
    if order.bit != 0
        || !bits.is_multiple_of(8)
        || !shape.pixels().is_multiple_of(8 / usize::from(shape.allocated.min(8)))
    {
        return None;
    }
    let order = Order { sign_extended: shape.signed, ..order };
    let samples = if shape.photometric == Photometric::YbrFull422 { 2 } else { shape.samples() };
    let mut bytes = vec![0; bits / 8 * samples];
    for run in painted(&strip, order, &Tile { x: 0, y: 0, ..tile.clone() }) {
        let at = usize::try_from(run.at).ok()?;
        bytes.get_mut(at..at + run.bytes.len())?.copy_from_slice(&run.bytes);
    }
    Some(if strip.planar && samples == 3 {
        bytes.chunks(bits / 8).map(<[u8]>::to_vec).collect()
    } else {
        vec![bytes]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(photometric: Photometric, allocated: u8, stored: u8) -> FrameShape {
        FrameShape {
            rows: 4,
            columns: 6,
            photometric,
            allocated,
            stored,
            high_bit: stored - 1,
            signed: false,
            planar: false,
        }
    }

    const PLAIN: Order = Order { big_endian: false, words: false, sign_extended: false, bit: 0 };

    /// Where a run is, its bytes, and its mask if it has one.
    type Wanted<'a> = (u64, &'a [u8], Option<&'a [u8]>);

    /// A dot at column 3 of row 2.
    fn dot(shade: i32) -> Tile {
        Tile { x: 3, y: 2, width: 1, height: 1, shades: vec![Some(shade)] }
    }

    #[track_caller]
    fn check(shape: &FrameShape, order: Order, shade: i32, want: &[Wanted<'_>]) {
        let found = painted(shape, order, &dot(shade));
        let want: Vec<Run> = want
            .iter()
            .map(|(at, bytes, mask)| Run {
                at: *at,
                bytes: bytes.to_vec(),
                kind: mask.map_or(RunKind::Over, |mask| RunKind::Masked(mask.to_vec())),
            })
            .collect();
        assert_eq!(found, want);
    }

    #[test]
    fn a_sample_of_any_depth_finds_its_bytes() {
        use Photometric::Monochrome2 as Grey;
        check(&shape(Grey, 8, 8), PLAIN, 0xAB, &[(15, &[0xAB], None)]);
        check(&shape(Grey, 16, 16), PLAIN, 0xABCD, &[(30, &[0xCD, 0xAB], None)]);
        let big = Order { big_endian: true, ..PLAIN };
        check(&shape(Grey, 16, 16), big, 0xABCD, &[(30, &[0xAB, 0xCD], None)]);
        check(&shape(Grey, 32, 32), PLAIN, -2, &[(60, &[0xFE, 0xFF, 0xFF, 0xFF], None)]);
        let words = Order { big_endian: true, words: true, ..PLAIN };
        check(&shape(Grey, 8, 8), words, 0xAB, &[(14, &[0xAB], None)]);
        check(&shape(Grey, 1, 1), PLAIN, 1, &[(1, &[0x80], Some(&[0x80]))]);
        check(&shape(Grey, 1, 1), Order { bit: 3, ..PLAIN }, 0, &[(2, &[0], Some(&[4]))]);
    }

    #[test]
    fn bits_that_are_not_of_the_sample_stay() {
        let mut twelve = shape(Photometric::Monochrome2, 16, 12);
        let want: &[Wanted<'_>] = &[(30, &[0xBC, 0x0A], Some(&[0xFF, 0x0F]))];
        check(&twelve, PLAIN, 0xABC, want);
        twelve.high_bit = 15;
        let want: &[Wanted<'_>] = &[(30, &[0xC0, 0xAB], Some(&[0xF0, 0xFF]))];
        check(&twelve, PLAIN, 0xABC, want);
        twelve.high_bit = 11;
        twelve.signed = true;
        let extended = Order { sign_extended: true, ..PLAIN };
        check(&twelve, extended, -2, &[(30, &[0xFE, 0xFF], None)]);
        let want: &[Wanted<'_>] = &[(30, &[0xFE, 0x0F], Some(&[0xFF, 0x0F]))];
        check(&twelve, PLAIN, -2, want);
    }

    #[test]
    fn colours_are_painted_without_colour() {
        check(&shape(Photometric::Rgb, 8, 8), PLAIN, 200, &[(45, &[200; 3], None)]);
        check(&shape(Photometric::YbrFull, 8, 8), PLAIN, 200, &[(45, &[200, 128, 128], None)]);
        let planar = FrameShape { planar: true, ..shape(Photometric::Rgb, 8, 8) };
        let (mut bytes, mut mask) = ([0; 49], [0; 49]);
        for plane in [0, 24, 48] {
            (bytes[plane], mask[plane]) = (9, 0xFF);
        }
        check(&planar, PLAIN, 9, &[(15, &bytes, Some(&mask))]);
        let shared = shape(Photometric::YbrFull422, 8, 8);
        check(&shared, PLAIN, 9, &[(29, &[9], None)]);
        let both = Tile { x: 2, y: 2, width: 2, height: 1, shades: vec![Some(9); 2] };
        let run = Run { at: 28, bytes: vec![9, 9, 128, 128], kind: RunKind::Over };
        assert_eq!(painted(&shared, PLAIN, &both), [run]);
    }

    #[test]
    fn rows_are_whole_or_none() {
        let grey = shape(Photometric::Monochrome2, 16, 12);
        let tile = Tile { x: 0, y: 4, width: 6, height: 1, shades: vec![Some(0xABC); 6] };
        assert_eq!(rows(&grey, PLAIN, &tile), Some(vec![[0xBC, 0x0A].repeat(6)]));
        let planar = FrameShape { planar: true, ..shape(Photometric::Rgb, 8, 8) };
        let tile = Tile { shades: vec![Some(7); 6], ..tile };
        assert_eq!(rows(&planar, PLAIN, &tile), Some(vec![vec![7; 6]; 3]));
        assert_eq!(rows(&shape(Photometric::Monochrome2, 1, 1), PLAIN, &tile), None);
    }
}
