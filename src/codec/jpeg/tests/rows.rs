//! Rows of lossless streams.

use super::coder::{
    Picture, Table, decode_lossless, frequencies, lossless, lossless_tokens, parse, tables,
};
use super::{Dice, shape, tile};
use crate::codec::jpeg::bits::Bits;
use crate::codec::jpeg::huffman::Decoder;
use crate::codec::jpeg::markers::Process;
use crate::codec::jpeg::paint::Paint;
use crate::codec::jpeg::rows::{Rows, Seam};
use crate::codec::jpeg::scan::{self, Edit, Splice, Tables};
use crate::codec::jpeg::{Spliced, splice_rows, stream as stream_of};
use crate::codec::{CodecFault, FrameShape, Tile};
use crate::dicom::photometric::Photometric;

/// A picture with slopes, edges and noise.
fn picture(
    columns: usize,
    rows: usize,
    precision: u8,
    components: usize,
    dice: &mut Dice,
) -> Picture {
    let mask = (1u32 << precision) - 1;
    let noise = 1 << (precision / 3);
    let planes = (0..components)
        .map(|component| {
            (0..columns * rows)
                .map(|at| {
                    let (x, y) = ((at % columns) as u32, (at / columns) as u32);
                    let edge = if (x + y) % 19 < 2 { mask / 3 } else { 0 };
                    ((x * 3 + y * 5 + component as u32 * 40 + edge + dice.below(noise)) & mask)
                        as u16
                })
                .collect()
        })
        .collect();
    Picture { columns, rows, precision, planes }
}

fn shape_of(picture: &Picture, signed: bool, photometric: Photometric) -> FrameShape {
    shape(picture.columns, picture.rows, picture.precision, signed, photometric)
}

/// The picture with the tile on it, painted sample by sample.
fn painted(picture: &Picture, tile: &Tile, photometric: Photometric) -> Picture {
    let mut picture = picture.clone();
    let mask = ((1u32 << picture.precision) - 1) as i32;
    for (at, shade) in tile.shades.iter().enumerate() {
        let Some(shade) = shade else { continue };
        let x = usize::from(tile.x) + at % usize::from(tile.width);
        let y = usize::from(tile.y) + at / usize::from(tile.width);
        for (component, plane) in picture.planes.iter_mut().enumerate() {
            let neutral = photometric.is_luminance() && component > 0;
            let value = if neutral { 1 << (picture.precision - 1) } else { shade & mask };
            plane[y * picture.columns + x] = value as u16;
        }
    }
    picture
}

/// The segments of a stream but for Huffman tables, which may have come to it.
fn others(stream: &[u8]) -> (Vec<(u8, Vec<u8>)>, Vec<u8>) {
    let parsed = parse(stream);
    (parsed.segments.into_iter().filter(|(marker, _)| *marker != 0xC4).collect(), parsed.rest)
}

#[track_caller]
fn check(picture: &Picture, stream: &[u8], tile: &Tile, shape: &FrameShape) -> Spliced {
    let out = splice_rows(shape, stream, tile).expect("spliced");
    let want = painted(picture, tile, shape.photometric);
    assert!(decode_lossless(&out.bytes, picture) == want, "samples differ with {:?}", corner(tile));
    assert_eq!(others(&out.bytes), others(stream));
    out
}

fn corner(tile: &Tile) -> (u16, u16, u16, u16) {
    (tile.x, tile.y, tile.width, tile.height)
}

/// Tiles in each corner, in the midst, and everywhere.
fn places(columns: usize, rows: usize) -> Vec<(usize, usize, usize, usize)> {
    let (w, h) = (columns / 3, rows / 4);
    vec![
        (0, 0, w, h),
        (columns - w, 0, w, h),
        (0, rows - h, w, h),
        (columns - w, rows - h, w, h),
        (columns / 2, rows / 2, w, h),
        (0, rows / 2, w, h),
        (0, 0, columns, rows),
    ]
}

#[test]
fn every_predictor_and_depth_keeps_all_other_samples() {
    let mut dice = Dice::new(1);
    for precision in [2, 8, 11, 12, 16] {
        for predictor in 1..=7 {
            let picture = picture(31, 26, precision, 1, &mut dice);
            let shape = shape_of(&picture, predictor % 2 == 0, Photometric::Monochrome2);
            for rows in [0, 1, 7] {
                let stream = lossless(&picture, predictor, rows, &Table::roomy(16));
                for place in places(31, 26).into_iter().skip(rows % 2).step_by(1 + rows % 2) {
                    let tile = tile(place, &shape, &mut dice);
                    assert!(check(&picture, &stream, &tile, &shape).proven, "{:?}", corner(&tile));
                }
            }
        }
    }
}

/// What splices rows and then turns a bit over.
struct Turning<'a> {
    rows: Rows<'a>,
    byte: usize,
    bit: u8,
}

impl Edit for Turning<'_> {
    type Seam = Seam;

    fn touches(&self, interval: usize) -> bool {
        self.rows.touches(interval)
    }

    fn splice(
        &self,
        interval: usize,
        splice: Splice<'_>,
    ) -> Result<(Vec<u8>, Option<Seam>), CodecFault> {
        let (mut bytes, seam) = self.rows.splice(interval, splice)?;
        if let Some(byte) = bytes.get_mut(self.byte) {
            *byte ^= 1 << self.bit;
        }
        Ok((bytes, seam))
    }

    fn is_exact(
        &self,
        seam: &Seam,
        before: &Bits,
        after: &Bits,
        decoders: &[Decoder],
    ) -> Result<bool, CodecFault> {
        self.rows.is_exact(seam, before, after, decoders)
    }
}

#[test]
fn one_bit_that_is_not_as_it_should_be_is_found_wherever_it_is() {
    let picture = smooth();
    let shape = shape_of(&picture, false, Photometric::Monochrome2);
    for predictor in [1, 4] {
        let stream = lossless(&picture, predictor, 0, &Table::roomy(16));
        let tile = tile((0, 20, 10, 5), &shape, &mut Dice::new(3));
        let parsed = stream_of(&shape, &stream, Process::Lossless).unwrap();
        let paint = Paint::new(&shape, &tile, parsed.precision, None).unwrap().unwrap();
        let scan = &parsed.scans[0];
        let tables = Tables::new(scan);
        let decoders = tables.decoders(16).unwrap();
        let write = |byte: usize, bit: u8| {
            scan::edit(&tables, |coder| {
                let rows = Rows::new(&parsed, scan, &tables, &decoders, &paint)?;
                coder.write(&stream, scan, &Turning { rows, byte, bit })
            })
        };
        let whole = write(usize::MAX, 0).unwrap().unwrap();
        assert!(whole.proven);
        // The last bits are padding, and where all of its byte is ones there is a zero byte behind it.
        for byte in 0..whole.data.len() - 2 {
            for bit in 0..8 {
                let found = write(byte, bit).map(|edited| edited.unwrap().proven);
                assert_ne!(found, Ok(true), "byte {byte}, bit {bit}");
            }
        }
    }
}

#[test]
fn colours_keep_all_other_samples() {
    let mut dice = Dice::new(2);
    for photometric in [Photometric::Rgb, Photometric::YbrFull] {
        for predictor in 1..=7 {
            let picture = picture(23, 18, 8, 3, &mut dice);
            let shape = shape_of(&picture, false, photometric);
            let stream = lossless(&picture, predictor, 0, &Table::roomy(16));
            for place in places(23, 18) {
                let tile = tile(place, &shape, &mut dice);
                assert!(check(&picture, &stream, &tile, &shape).proven, "{:?}", corner(&tile));
            }
        }
    }
}

/// A smooth picture, whose best table has no codes for the steps of a text.
fn smooth() -> Picture {
    let planes = vec![(0..40 * 30).map(|at| 2000 + at as u16 % 40 * 3 + at as u16 / 40).collect()];
    Picture { columns: 40, rows: 30, precision: 12, planes }
}

#[test]
fn a_category_without_a_code_is_given_one_where_there_is_room() {
    let picture = smooth();
    let shape = shape_of(&picture, false, Photometric::Monochrome2);
    let tokens = lossless_tokens(&picture, 1, 0);
    let best = Table::best(&frequencies(&tokens, 0));
    let stream = lossless(&picture, 1, 0, &best);
    let tile = tile((20, 20, 10, 5), &shape, &mut Dice::new(3));
    let Spliced { bytes: out, proven } = check(&picture, &stream, &tile, &shape);
    assert!(proven);
    let [old, new] = &tables(&out)[..] else { panic!("not two tables") };
    assert_eq!(old.counts[..15], new.counts[..15]);
    // The rows above are the bits they were.
    let (old, new) = (parse(&stream).coded.remove(0), parse(&out).coded.remove(0));
    assert_eq!(old[..100], new[..100]);
}

#[test]
fn a_category_that_finds_no_room_makes_the_rarest_codes_longer() {
    let picture = smooth();
    let shape = shape_of(&picture, false, Photometric::Monochrome2);
    let tokens = lossless_tokens(&picture, 1, 0);
    let full = Table::full(&frequencies(&tokens, 0));
    let stream = lossless(&picture, 1, 0, &full);
    let tile = tile((20, 20, 10, 5), &shape, &mut Dice::new(3));
    let Spliced { bytes: out, proven } = check(&picture, &stream, &tile, &shape);
    assert!(!proven, "bits that were copied mean something else");
    let [old, new] = &tables(&out)[..] else { panic!("not two tables") };
    assert_ne!(old.counts[..15], new.counts[..15]);
    assert_eq!(old.counts[..8], new.counts[..8]);
}

#[test]
fn nothing_painted_is_nothing_changed() {
    let picture = smooth();
    let shape = shape_of(&picture, false, Photometric::Monochrome2);
    let stream = lossless(&picture, 1, 0, &Table::roomy(16));
    let blank = Tile { x: 3, y: 4, width: 2, height: 2, shades: vec![None; 4] };
    let untouched = Spliced { bytes: stream.clone(), proven: true };
    assert_eq!(splice_rows(&shape, &stream, &blank), Ok(untouched));
}

#[track_caller]
fn check_fault(change: impl Fn(&mut FrameShape, &mut Vec<u8>, &mut Tile), want: CodecFault) {
    let picture = smooth();
    let mut shape = shape_of(&picture, false, Photometric::Monochrome2);
    let mut stream = lossless(&picture, 1, 0, &Table::roomy(16));
    let mut tile = tile((1, 1, 3, 3), &shape, &mut Dice::new(4));
    change(&mut shape, &mut stream, &mut tile);
    assert_eq!(splice_rows(&shape, &stream, &tile), Err(want));
}

/// Where the body of a segment begins.
fn body(stream: &[u8], marker: u8) -> usize {
    stream.windows(2).position(|pair| pair == [0xFF, marker]).unwrap() + 4
}

#[test]
fn what_cannot_be_is_refused() {
    check_fault(|shape, _, _| shape.rows += 1, CodecFault::Mismatch);
    check_fault(|shape, _, _| shape.columns -= 1, CodecFault::Mismatch);
    check_fault(|shape, _, _| shape.photometric = Photometric::Rgb, CodecFault::Mismatch);
    check_fault(|shape, _, _| (shape.stored, shape.high_bit) = (14, 13), CodecFault::Mismatch);
    check_fault(|shape, _, _| shape.high_bit = 15, CodecFault::Unsupported);
    check_fault(|_, _, tile| tile.x = 38, CodecFault::BadTile);
    check_fault(|_, _, tile| tile.y = u16::MAX, CodecFault::BadTile);
    check_fault(|_, _, tile| tile.shades.truncate(8), CodecFault::BadTile);
    check_fault(|_, _, tile| tile.shades[0] = Some(4096), CodecFault::BadTile);
    check_fault(|_, _, tile| tile.shades[0] = Some(-1), CodecFault::BadTile);
    let header = |to: u8| {
        move |_: &mut FrameShape, stream: &mut Vec<u8>, _: &mut Tile| {
            let at = body(stream, 0xC3);
            stream[at - 3] = to;
        }
    };
    for other in [0xC0, 0xC2, 0xC5, 0xC9, 0xCB, 0xF7] {
        // As a frame of blocks 12 bits are Extended alone.
        let want = match other {
            0xC0 => CodecFault::Malformed("samples cannot have that many bits"),
            _ => CodecFault::Unsupported,
        };
        check_fault(header(other), want);
    }
    check_fault(
        |_, stream, _| {
            let at = body(stream, 0xDA);
            stream[at + 5] = 1;
        },
        CodecFault::Unsupported,
    );
    check_fault(
        |_, stream, _| {
            let at = body(stream, 0xDA);
            stream[at + 3] = 8;
        },
        CodecFault::Malformed("a lossless scan without a predictor"),
    );
}
