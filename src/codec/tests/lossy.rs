//! Lossy syntaxes are decoded to what was meant, and not encoded again.

use super::*;
use crate::codec::{CodecFault, Colour, Loss, Subsampling, encode_with};

/// The greatest and the mean distance of samples.
fn distance(shape: &FrameShape, one: &Decoded, other: &Decoded) -> (i64, f64) {
    let value = |sample: &[u8]| match sample {
        [low] => i64::from(*low),
        [low, high, ..] => i64::from(u16::from_le_bytes([*low, *high])),
        [] => 0,
    };
    let width = shape.sample_bytes();
    let pairs = one.samples.chunks(width).zip(other.samples.chunks(width));
    let apart: Vec<i64> = pairs.map(|(a, b)| (value(a) - value(b)).abs()).collect();
    let mean = apart.iter().sum::<i64>() as f64 / apart.len() as f64;
    (apart.into_iter().max().unwrap_or(0), mean)
}

/// A picture without noise, so that what a codec loses is its own doing.
fn smooth(shape: &FrameShape) -> Decoded {
    let width = shape.sample_bytes();
    let (_, greatest) = shape.range();
    let (rows, columns) = (i64::from(shape.rows), i64::from(shape.columns));
    let mut samples = Vec::new();
    for y in 0..rows {
        for x in 0..columns {
            for sample in 0..shape.samples() as i64 {
                let value =
                    greatest * (x * (3 - sample) + y * (1 + sample)) / (3 * (rows + columns));
                samples.extend_from_slice(&value.to_le_bytes()[..width]);
            }
        }
    }
    let colour = if shape.samples() == 1 { Colour::Single } else { Colour::Rgb };
    Decoded { colour, sample_bytes: width as u8, samples }
}

/// Samples come back within a part in so many of their range, on average.
#[track_caller]
fn check(syntax: Syntax, shape: &FrameShape, subsampling: Subsampling, part: f64) {
    let was = smooth(shape);
    let loss = Loss { quality: 95, subsampling, ..Loss::default() };
    let bytes = encode_with(syntax, shape, &was, loss).unwrap();
    let coded = Coded { syntax, shape: *shape, bytes: &bytes };
    let now = InProcess.decode(&coded).unwrap();
    assert_eq!((now.colour, now.samples.len()), (was.colour, was.samples.len()));
    let (_, mean) = distance(shape, &was, &now);
    assert!(mean <= shape.range().1 as f64 / part, "{syntax:?} {shape:?} {subsampling:?}: {mean}");
}

#[test]
fn baseline_in_all_colours() {
    check(Syntax::JpegBaseline, &grey(61, 83, 8, false), Subsampling::Full, 200.0);
    for photometric in [Photometric::Rgb, Photometric::YbrFull, Photometric::YbrFull422] {
        for subsampling in [Subsampling::Full, Subsampling::Half, Subsampling::Quarter] {
            check(Syntax::JpegBaseline, &colour(61, 83, photometric), subsampling, 100.0);
        }
    }
}

#[test]
fn extended_with_eight_and_twelve_bits() {
    check(Syntax::JpegExtended, &grey(61, 83, 8, false), Subsampling::Full, 200.0);
    check(Syntax::JpegExtended, &grey(61, 83, 12, false), Subsampling::Full, 200.0);
    check(Syntax::JpegExtended, &grey(1, 83, 10, false), Subsampling::Full, 100.0);
    let shape = FrameShape { photometric: Photometric::YbrFull, ..grey(61, 83, 12, false) };
    check(Syntax::JpegExtended, &shape, Subsampling::Full, 100.0);
}

#[test]
fn irreversible_jpeg_2000() {
    check(Syntax::Jpeg2000, &grey(61, 83, 12, false), Subsampling::Full, 200.0);
    check(Syntax::Jpeg2000, &colour(61, 83, Photometric::YbrIct), Subsampling::Full, 100.0);
}

#[test]
fn near_lossless_keeps_its_bound() {
    for (shape, near) in [(grey(61, 83, 12, false), 5), (colour(61, 83, Photometric::Rgb), 2)] {
        let was = picture(&shape);
        let loss = Loss { near, ..Loss::default() };
        let bytes = encode_with(Syntax::JpegLsNearLossless, &shape, &was, loss).unwrap();
        let coded = Coded { syntax: Syntax::JpegLsNearLossless, shape, bytes: &bytes };
        let (greatest, _) = distance(&shape, &was, &InProcess.decode(&coded).unwrap());
        assert_eq!(greatest, i64::from(near));
    }
}

/// Removes the application segments with that marker.
fn without(bytes: &[u8], marker: u8) -> Vec<u8> {
    let head = crate::codec::markers::read(bytes).unwrap();
    let mut rest = crate::codec::markers::SOI.to_vec();
    for segment in head.segments.iter().filter(|segment| segment.marker != marker) {
        rest.extend(segment.whole);
    }
    rest.extend(head.rest);
    rest
}

#[test]
fn photometric_interpretation_tells_the_colours_where_the_codestream_does_not() {
    for (photometric, marker) in [(Photometric::Rgb, 0xEE), (Photometric::YbrFull, 0xE0)] {
        let shape = colour(40, 40, photometric);
        let was = smooth(&shape);
        let bytes = encode(Syntax::JpegBaseline, &shape, &was).unwrap();
        let bare = without(&bytes, marker);
        assert!(bare.len() < bytes.len());
        // The library's own guess goes by these.
        for ids in [[1, 2, 3], [0, 1, 2]] {
            let mut like = crate::codec::markers::read(&bare).unwrap();
            for (component, id) in like.components.iter_mut().zip(ids) {
                component.id = id;
            }
            let renamed = crate::codec::markers::dress(&bare, &like).unwrap();
            let syntax = Syntax::JpegBaseline;
            let now = InProcess.decode(&Coded { syntax, shape, bytes: &renamed }).unwrap();
            assert!(distance(&shape, &was, &now).1 < 3.0, "{photometric:?} {ids:?}");
        }
    }
}

#[test]
fn lossy_frames_are_not_encoded_again() {
    let (shape, wide) = (grey(61, 83, 8, false), grey(61, 83, 12, false));
    for (syntax, shape) in [
        (Syntax::JpegLsNearLossless, wide),
        (Syntax::Jpeg2000, wide),
        (Syntax::Htj2k, wide),
        (Syntax::JpegXl, shape),
        (Syntax::JpegXlRecompression, shape),
    ] {
        let bytes = encode(syntax, &shape, &smooth(&shape)).unwrap_or_else(|_| vec![0; 100]);
        let coded = Coded { syntax, shape, bytes: &bytes };
        let refused = InProcess.repaint(&coded, &tile(&shape)).err();
        assert_eq!(refused, Some(CodecFault::Unsupported));
    }
    for syntax in [Syntax::JpegBaseline, Syntax::JpegExtended] {
        let bytes = encode(syntax, &shape, &smooth(&shape)).unwrap();
        let strip = Tile { width: 83, height: 1, shades: vec![Some(0); 83], ..Tile::default() };
        let coded = Coded { syntax, shape, bytes: &bytes };
        let refused = InProcess.extend(&coded, &strip).err();
        assert_eq!(refused, Some(CodecFault::Unsupported));
    }
}
