//! Streams that are cut, altered, or claim what they do not hold: a fault or a picture, never a panic.

use super::blocks::{SAMPLINGS, fill, frame, roomy};
use super::coder::{Picture, Table, frame_header, lossless, segment};
use super::{Dice, shape, tile};
use crate::codec::jpeg::{coefficients, repaint_blocks};
use crate::codec::{CodecFault, FrameShape, Tile};
use crate::dicom::photometric::Photometric;

type Editor = fn(&FrameShape, &[u8], &Tile) -> Result<Vec<u8>, CodecFault>;

/// Streams of each kind, with what edits them.
fn specimens() -> Vec<(Editor, FrameShape, Vec<u8>)> {
    let mut specimens: Vec<(Editor, FrameShape, Vec<u8>)> = Vec::new();
    for (predictor, components, restart) in [(1, 1, 0), (4, 1, 3), (7, 3, 0)] {
        let plane = (0..20 * 17).map(|at| (at * at % 251) as u16).collect();
        let picture =
            Picture { columns: 20, rows: 17, precision: 8, planes: vec![plane; components] };
        let photometric = if components == 1 { Photometric::Monochrome2 } else { Photometric::Rgb };
        let stream = lossless(&picture, predictor, restart, &Table::roomy(9));
        specimens.push((super::splice, shape(20, 17, 8, false, photometric), stream));
    }
    for (sampling, precision, interleaved, restart) in
        [(0, 12, true, 0), (5, 8, true, 0), (3, 8, true, 2), (5, 8, false, 3)]
    {
        let factors = SAMPLINGS[sampling];
        let mut frame = frame((20, 17), precision, factors, &mut Dice::new(3));
        (frame.interleaved, frame.restart) = (interleaved, restart);
        fill(&mut frame, &mut Dice::new(4));
        let photometric =
            if factors.len() == 1 { Photometric::Monochrome2 } else { Photometric::YbrFull };
        let stream = frame.encode(&roomy(), [1, 2, 3], &[]);
        specimens.push((repaint_blocks, shape(20, 17, precision, false, photometric), stream));
    }
    specimens
}

#[test]
fn a_stream_that_is_cut_is_refused() {
    for (edit, shape, stream) in specimens() {
        let tile = tile((12, 9, 7, 7), &shape, &mut Dice::new(1));
        let end = stream.windows(2).rposition(|pair| pair == [0xFF, 0xD9]).unwrap() + 2;
        for length in 0..end {
            let cut = edit(&shape, &stream[..length], &tile);
            assert!(matches!(cut, Err(CodecFault::Malformed(_))), "{length}: {cut:?}");
        }
        assert!(edit(&shape, &stream[..end], &tile).is_ok());
    }
}

#[test]
fn altered_streams_do_no_harm() {
    let mut dice = Dice::new(2);
    for (edit, shape, stream) in specimens() {
        let tile = tile((12, 9, 7, 7), &shape, &mut dice);
        let mut faults = 0;
        for _ in 0..3000 {
            let mut altered = stream.clone();
            for _ in 0..=dice.below(3) {
                let at = dice.below(altered.len() as u32) as usize;
                altered[at] ^= 1 << dice.below(8);
            }
            if let Ok(read) = coefficients(&altered) {
                assert_eq!(read.planes.len(), shape.samples());
            }
            faults += usize::from(edit(&shape, &altered, &tile).is_err());
        }
        assert!(faults > 0);
    }
}

/// A stream of a few bytes that claims to be as large as a stream can.
fn boast(marker: u8, predictor: u8, restart: u16) -> Vec<u8> {
    let mut stream = vec![0xFF, 0xD8];
    stream.extend(segment(0xDB, &[[0].as_slice(), &[1; 64]].concat()));
    // A code of one bit for "nothing", which a few bytes hold many of.
    let table = Table { counts: std::array::from_fn(|at| u8::from(at == 0)), values: vec![0] };
    stream.extend(table.segment(0, 0));
    stream.extend(table.segment(1, 0));
    stream.extend(frame_header(
        marker,
        (8, 65535, 65535),
        &[(1, 0x11, 0), (2, 0x11, 0), (3, 0x11, 0)],
    ));
    stream.extend(segment(0xDD, &restart.to_be_bytes()));
    stream.extend(segment(0xDA, &[3, 1, 0, 2, 0, 3, 0, predictor, 63, 0]));
    stream.extend([0; 40]);
    stream.extend([0xFF, 0xD9]);
    stream
}

#[test]
fn claims_of_size_cost_nothing() {
    let mut shape = shape(1, 1, 8, false, Photometric::YbrFull);
    (shape.rows, shape.columns) = (65535, 65535);
    let early = CodecFault::Malformed("the entropy-coded bytes end early");
    let end = tile((65500, 65500, 30, 30), &shape, &mut Dice::new(5));
    assert_eq!(repaint_blocks(&shape, &boast(0xC0, 0, 0), &end), Err(early));
    assert_eq!(coefficients(&boast(0xC0, 0, 0)), Err(early));
    assert_eq!(super::splice(&shape, &boast(0xC3, 1, 0), &end), Err(early));
    assert_eq!(super::splice(&shape, &boast(0xC3, 7, 0), &end), Err(early));
    let missing = CodecFault::Malformed("restart markers are missing");
    assert_eq!(repaint_blocks(&shape, &boast(0xC0, 0, 1), &end), Err(missing));
    assert_eq!(super::splice(&shape, &boast(0xC3, 1, 65535), &end), Err(missing));
}

#[test]
fn coefficients_beyond_all_samples_are_painted_over() {
    let mut frame = frame((20, 17), 12, SAMPLINGS[0], &mut Dice::new(6));
    frame.steps = vec![[65535; 64]];
    for (at, block) in frame.planes[0].iter_mut().enumerate() {
        *block = [if at % 2 == 0 { 16383 } else { -16383 }; 64];
    }
    let shape = shape(20, 17, 12, false, Photometric::Monochrome2);
    let stream = frame.encode(&roomy(), [1, 2, 3], &[]);
    let tile = tile((2, 3, 4, 5), &shape, &mut Dice::new(7));
    let blocks = frame.decode(&repaint_blocks(&shape, &stream, &tile).expect("repainted"));
    assert_ne!(blocks[0][0], frame.planes[0][0]);
    assert_eq!(blocks[0][1..], frame.planes[0][1..]);
}
