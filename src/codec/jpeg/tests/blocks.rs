//! Blocks of sequential streams.

use super::super::transform::ZIGZAG;
use super::coder::{Sequential, Table, frequencies, parse, segment, tables};
use super::{Dice, shape, tile};
use crate::codec::jpeg::{coefficients, repaint_blocks};
use crate::codec::{CodecFault, FrameShape, Tile};
use crate::dicom::photometric::Photometric;

/// All samplings that cameras and libraries make, and one with factors that do not divide each other.
pub const SAMPLINGS: [&[(usize, usize)]; 8] = [
    &[(1, 1)],
    &[(2, 2)],
    &[(1, 1), (1, 1), (1, 1)],
    &[(2, 1), (1, 1), (1, 1)],
    &[(1, 2), (1, 1), (1, 1)],
    &[(2, 2), (1, 1), (1, 1)],
    &[(4, 1), (1, 1), (1, 1)],
    &[(3, 1), (2, 1), (1, 2)],
];

/// A frame whose blocks wander about in brightness and have some details.
pub fn frame(
    size: (usize, usize),
    precision: u8,
    factors: &[(usize, usize)],
    dice: &mut Dice,
) -> Sequential {
    let mut steps = [0; 64];
    for (at, step) in steps.iter_mut().enumerate() {
        *step = 3 + at as u16 / 2;
    }
    let mut frame = Sequential {
        columns: size.0,
        rows: size.1,
        precision,
        factors: factors.to_vec(),
        interleaved: true,
        restart: 0,
        steps: vec![steps; factors.len()],
        planes: Vec::new(),
    };
    fill(&mut frame, dice);
    frame
}

pub fn fill(frame: &mut Sequential, dice: &mut Dice) {
    let scale = 1 << (frame.precision - 8);
    frame.planes.clear();
    for component in 0..frame.factors.len() {
        let mut first = 0i32;
        let blocks = (0..frame.line(component) * frame.lines(component)).map(|_| {
            let mut block = [0; 64];
            first = (first + dice.below(41) as i32 - 20).clamp(-200 * scale, 200 * scale);
            block[0] = first;
            for _ in 0..dice.below(7) {
                block[1 + dice.below(63) as usize] = (dice.below(9) as i32 - 4) * scale;
            }
            block
        });
        let blocks = blocks.collect();
        frame.planes.push(blocks);
    }
}

pub fn roomy() -> Vec<Table> {
    vec![Table::roomy(15), Table::roomy(254), Table::roomy(15), Table::roomy(254)]
}

fn shape_of(frame: &Sequential, photometric: Photometric) -> FrameShape {
    shape(frame.columns, frame.rows, frame.precision, false, photometric)
}

fn photometric_of(frame: &Sequential) -> Photometric {
    if frame.factors.len() == 1 { Photometric::Monochrome2 } else { Photometric::YbrFull }
}

/// The samples of a block, by the formula.
fn samples(block: &[i32; 64], steps: &[u16; 64]) -> [f64; 64] {
    let basis = |u: usize, x: usize| {
        let scale = if u == 0 { 0.5f64.sqrt() } else { 1.0 };
        scale / 2.0 * ((2 * x + 1) as f64 * u as f64 * std::f64::consts::PI / 16.0).cos()
    };
    let mut across = [0.0; 64];
    for (at, &value) in block.iter().enumerate().filter(|(_, value)| **value != 0) {
        let (v, u) = (usize::from(ZIGZAG[at]) / 8, usize::from(ZIGZAG[at]) % 8);
        for x in 0..8 {
            across[v * 8 + x] += f64::from(value) * f64::from(steps[at]) * basis(u, x);
        }
    }
    std::array::from_fn(|at| (0..8).map(|v| across[v * 8 + at % 8] * basis(v, at / 8)).sum())
}

/// What a sample of a component is covered by: the share that is painted, and the mean of that.
fn cover(
    frame: &Sequential,
    tile: &Tile,
    component: usize,
    at: (usize, usize),
    neutral: bool,
) -> (f64, f64) {
    let ((h, v), most) = (frame.factors[component], frame.greatest());
    let span = |at: usize, of: usize, most: usize| {
        (at as f64 * most as f64 / of as f64, (at + 1) as f64 * most as f64 / of as f64)
    };
    let (left, right) = span(at.0, h, most.0);
    let (top, bottom) = span(at.1, v, most.1);
    let share = |pixel: usize, from: f64, to: f64| {
        (to.min(pixel as f64 + 1.0) - from.max(pixel as f64)).max(0.0)
    };
    let (mut all, mut painted, mut sum) = (0.0, 0.0, 0.0);
    for y in (top as usize..frame.rows).take(6) {
        for x in (left as usize..frame.columns).take(6) {
            let part = share(x, left, right) * share(y, top, bottom);
            all += part;
            let column = x.checked_sub(tile.x.into()).filter(|x| *x < usize::from(tile.width));
            let row = y.checked_sub(tile.y.into()).filter(|y| *y < usize::from(tile.height));
            let (Some(column), Some(row)) = (column, row) else { continue };
            if let Some(shade) = tile.shades[row * usize::from(tile.width) + column] {
                let value =
                    if neutral && component > 0 { 1 << (frame.precision - 1) } else { shade };
                painted += part;
                sum += part * f64::from(value);
            }
        }
    }
    (painted / all, if painted > 0.0 { sum / painted } else { 0.0 })
}

/// Asserts that blocks without paint are what they were, and the others as near as their tables let them be.
#[track_caller]
fn assert_painted(frame: &Sequential, new: &[Vec<[i32; 64]>], tile: &Tile, neutral: bool) {
    let middle = f64::from(1 << (frame.precision - 1));
    for (component, plane) in frame.planes.iter().enumerate() {
        let steps = &frame.steps[component];
        let (wide, high) = frame.samples(component);
        for (at, (old, new)) in plane.iter().zip(&new[component]).enumerate() {
            let (left, top) = (at % frame.line(component) * 8, at / frame.line(component) * 8);
            let covers: Vec<Option<(f64, f64)>> = (0..64)
                .map(|at| (left + at % 8, top + at / 8))
                .map(|(x, y)| {
                    (x < wide && y < high).then(|| cover(frame, tile, component, (x, y), neutral))
                })
                .collect();
            if covers.iter().flatten().all(|(share, _)| *share == 0.0) {
                assert_eq!(old, new, "block {at} of component {component} is not painted");
                continue;
            }
            let (before, after) = (samples(old, steps), samples(new, steps));
            let mut error = 0.0;
            for ((cover, before), after) in covers.iter().zip(before).zip(after) {
                let Some((share, value)) = cover else { continue };
                let want = before + share * (value - middle - before);
                error += (after - want).powi(2);
            }
            // Each coefficient is half a step away at most, and the transform keeps lengths.
            let most: f64 = steps.iter().map(|&step| (f64::from(step) / 2.0 + 0.05).powi(2)).sum();
            assert!(error <= most, "block {at} of component {component}: {error} of {most}");
        }
    }
}

fn others(stream: &[u8]) -> (Vec<(u8, Vec<u8>)>, Vec<u8>) {
    let parsed = parse(stream);
    (parsed.segments.into_iter().filter(|(marker, _)| *marker != 0xC4).collect(), parsed.rest)
}

#[track_caller]
fn check(frame: &Sequential, stream: &[u8], tile: &Tile) -> Vec<u8> {
    let photometric = photometric_of(frame);
    let out = repaint_blocks(&shape_of(frame, photometric), stream, tile).expect("repainted");
    let new = frame.decode(&out);
    assert_painted(frame, &new, tile, true);
    assert_eq!(others(&out), others(stream));
    let read = coefficients(&out).expect("read");
    for (plane, blocks) in read.planes.iter().zip(&new) {
        let read = plane.blocks.iter().map(|block| block.map(i32::from));
        assert!(read.eq(blocks.iter().copied()));
    }
    out
}

/// Tiles in each corner, in the midst, and everywhere.
fn places((columns, rows): (usize, usize)) -> Vec<(usize, usize, usize, usize)> {
    let (w, h) = (columns / 3, rows / 4);
    vec![
        (0, 0, w, h),
        (columns - w, 0, w, h),
        (0, rows - h, w, h),
        (columns - w, rows - h, w, h),
        (columns / 2, rows / 2, 1, 1),
        (0, 0, columns, rows),
    ]
}

#[test]
fn every_sampling_keeps_the_blocks_that_are_not_painted() {
    let mut dice = Dice::new(1);
    for factors in SAMPLINGS {
        for (precision, size) in [(8, (67, 53)), (12, (64, 48)), (8, (5, 3))] {
            let mut frame = frame(size, precision, factors, &mut dice);
            for (interleaved, restart) in
                [(true, 0), (true, 1), (true, 7), (false, 0), (false, 1), (false, 7)]
            {
                (frame.interleaved, frame.restart) = (interleaved, restart);
                fill(&mut frame, &mut dice);
                let stream = frame.encode(&roomy(), [1, 2, 3], &[]);
                // The corners that differ in how a scan goes on behind them, each time; all of them once.
                let step = if interleaved && restart == 0 { 1 } else { 3 };
                for place in places(size).into_iter().step_by(step) {
                    let shape = shape_of(&frame, photometric_of(&frame));
                    check(&frame, &stream, &tile(place, &shape, &mut dice));
                }
            }
        }
    }
}

/// Tables for each scan's symbols and no others.
fn tables_for(frame: &Sequential, of: fn(&[u64]) -> Table) -> Vec<Table> {
    let tokens: Vec<_> = frame.tokens().into_iter().flatten().collect();
    (0..4).map(|table| of(&frequencies(&tokens, table))).collect()
}

/// A dark frame of which nothing needs a code for what a text needs.
fn dark(factors: &[(usize, usize)], interleaved: bool) -> Sequential {
    let mut frame = frame((90, 70), 8, factors, &mut Dice::new(5));
    frame.interleaved = interleaved;
    let mut dice = Dice::new(6);
    for component in 0..factors.len() {
        let count = frame.line(component) * frame.lines(component);
        frame.planes[component] = vec![[0; 64]; count];
        for block in &mut frame.planes[component] {
            block[0] = -30 - dice.below(4) as i32;
            block[1] = dice.below(3) as i32 - 1;
            block[17] = dice.below(2) as i32;
            block[60] = i32::from(dice.below(9) == 0);
        }
    }
    frame
}

#[test]
fn a_symbol_without_a_code_is_given_one_where_there_is_room() {
    for factors in [SAMPLINGS[0], SAMPLINGS[5]] {
        let frame = dark(factors, true);
        let stream = frame.encode(&tables_for(&frame, Table::best), [1, 2, 3], &[]);
        let shape = shape_of(&frame, photometric_of(&frame));
        let out = check(&frame, &stream, &tile((60, 50, 20, 9), &shape, &mut Dice::new(7)));
        let (old, new) = (parse(&stream).coded.remove(0), parse(&out).coded.remove(0));
        assert_eq!(old[..50], new[..50], "what comes before is copied");
    }
}

#[test]
fn a_symbol_that_finds_no_room_makes_the_rarest_codes_longer() {
    for factors in [SAMPLINGS[0], SAMPLINGS[2], SAMPLINGS[5]] {
        for interleaved in [true, false] {
            let frame = dark(factors, interleaved);
            let stream = frame.encode(&tables_for(&frame, Table::full), [1, 2, 3], &[]);
            let shape = shape_of(&frame, photometric_of(&frame));
            let out = check(&frame, &stream, &tile((60, 50, 20, 9), &shape, &mut Dice::new(7)));
            let kept =
                |stream: &[u8]| tables(stream).into_iter().map(|table| table.counts[..9].to_vec());
            let (old, new): (Vec<_>, Vec<_>) = (kept(&stream).collect(), kept(&out).collect());
            assert_eq!(old[..2], new[4..6], "the first codes stay");
            assert_ne!(tables(&stream)[1].counts[..15], tables(&out)[5].counts[..15]);
        }
    }
}

#[test]
fn the_same_edit_gives_the_same_bytes() {
    let mut dice = Dice::new(8);
    let frame = frame((67, 53), 8, SAMPLINGS[5], &mut dice);
    let stream = frame.encode(&roomy(), [1, 2, 3], &[]);
    let tile = tile((30, 40, 20, 9), &shape_of(&frame, Photometric::YbrFull), &mut dice);
    assert_eq!(check(&frame, &stream, &tile), check(&frame, &stream, &tile));
}

#[track_caller]
fn check_colours(ids: [u8; 3], extra: &[u8], photometric: Photometric, neutral: bool) {
    let mut dice = Dice::new(9);
    let frame = frame((40, 24), 8, SAMPLINGS[2], &mut dice);
    let stream = frame.encode(&roomy(), ids, extra);
    let shape = shape_of(&frame, photometric);
    let tile = tile((10, 10, 20, 10), &shape, &mut dice);
    let out = repaint_blocks(&shape, &stream, &tile).expect("repainted");
    assert_painted(&frame, &frame.decode(&out), &tile, neutral);
}

#[test]
fn what_the_components_are_is_read_off_the_stream_first() {
    let adobe =
        |transform: u8| segment(0xEE, &[b"Adobe\0\x64\0\0\0\0".as_slice(), &[transform]].concat());
    let jfif = segment(0xE0, b"JFIF\0\x01\x02\0\0\x01\0\x01\0\0");
    let numbers = [1, 2, 3];
    check_colours(numbers, &[], Photometric::YbrFull, true);
    check_colours(numbers, &[], Photometric::Rgb, false);
    check_colours(*b"RGB", &[], Photometric::YbrFull422, false);
    check_colours(numbers, &adobe(1), Photometric::Rgb, true);
    check_colours(numbers, &adobe(0), Photometric::YbrFull, false);
    check_colours(numbers, &jfif, Photometric::Rgb, true);
}

#[track_caller]
fn check_fault(change: impl Fn(&mut FrameShape, &mut Vec<u8>, &mut Tile), want: CodecFault) {
    let mut dice = Dice::new(10);
    let frame = frame((40, 24), 8, SAMPLINGS[0], &mut dice);
    let mut stream = frame.encode(&roomy(), [1, 2, 3], &[]);
    let mut shape = shape_of(&frame, Photometric::Monochrome2);
    let mut tile = tile((10, 10, 20, 10), &shape, &mut dice);
    change(&mut shape, &mut stream, &mut tile);
    assert_eq!(repaint_blocks(&shape, &stream, &tile), Err(want));
}

/// Gives the segment with that marker another.
fn rename(from: u8, to: u8) -> impl Fn(&mut FrameShape, &mut Vec<u8>, &mut Tile) {
    move |_, stream, _| {
        let at = stream.windows(2).position(|pair| pair == [0xFF, from]).unwrap();
        stream[at + 1] = to;
    }
}

#[test]
fn what_cannot_be_is_refused() {
    check_fault(|shape, _, _| shape.rows += 1, CodecFault::Mismatch);
    check_fault(|shape, _, _| shape.columns -= 1, CodecFault::Mismatch);
    check_fault(|shape, _, _| shape.photometric = Photometric::YbrFull, CodecFault::Mismatch);
    check_fault(|shape, _, _| shape.high_bit = 6, CodecFault::Unsupported);
    check_fault(
        |shape, _, _| (shape.allocated, shape.stored, shape.high_bit) = (16, 12, 11),
        CodecFault::Mismatch,
    );
    check_fault(|_, _, tile| tile.x = 21, CodecFault::BadTile);
    check_fault(|_, _, tile| tile.shades[0] = Some(256), CodecFault::BadTile);
    for other in [0xC2, 0xC3, 0xC5, 0xC6, 0xC9, 0xCA, 0xCD] {
        check_fault(rename(0xC1, other), CodecFault::Unsupported);
    }
    check_fault(rename(0xE5, 0xCC), CodecFault::Unsupported);
    check_fault(rename(0xE5, 0xDC), CodecFault::Unsupported);
    check_fault(
        rename(0xE5, 0x01),
        CodecFault::Malformed("it has a marker that has no place there"),
    );
    check_fault(
        rename(0xC4, 0xE4),
        CodecFault::Malformed("a scan names a table that is not there"),
    );
    check_fault(
        rename(0xDB, 0xE4),
        CodecFault::Malformed("a scan names a table that is not there"),
    );
    check_fault(rename(0xC1, 0xE4), CodecFault::Malformed("it has no frame header"));
    check_fault(rename(0xD8, 0xD9), CodecFault::Malformed("it does not begin with a start marker"));
}
