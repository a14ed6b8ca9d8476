//! Lossless syntaxes give back what they were given, and change where they are painted alone.

use super::*;

const LE: Syntax = Syntax::Native { big_endian: false };
const BE: Syntax = Syntax::Native { big_endian: true };

/// Shapes with one sample a pixel that a syntax takes.
fn depths(syntax: Syntax) -> Vec<(u8, bool)> {
    let stored: &[u8] = match syntax {
        Syntax::Native { .. } | Syntax::RleLossless | Syntax::DeflatedImageFrame => {
            &[2, 7, 8, 10, 12, 15, 16, 24, 32]
        }
        _ => &[2, 7, 8, 10, 12, 13, 15, 16],
    };
    stored.iter().flat_map(|stored| [(*stored, false), (*stored, true)]).collect()
}

const SIZES: [(u16, u16); 6] = [(1, 1), (1, 37), (37, 1), (2, 2), (33, 65), (70, 131)];

#[track_caller]
fn check(syntax: Syntax, shape: &FrameShape) {
    let was = picture(shape);
    let bytes = encode(syntax, shape, &was)
        .unwrap_or_else(|fault| panic!("encode {syntax:?} {shape:?}: {fault:?}"));
    let coded = Coded { syntax, shape: *shape, bytes: &bytes };
    assert!(InProcess.decode(&coded) == Ok(was.clone()), "decode {syntax:?} {shape:?}");

    let tile = tile(shape);
    let repainted = InProcess
        .repaint(&coded, &tile)
        .unwrap_or_else(|fault| panic!("repaint {syntax:?} {shape:?}: {fault:?}"));
    let now = InProcess.decode(&Coded { bytes: &repainted, ..coded });
    assert!(now == Ok(painted(shape, &was, &tile)), "repaint {syntax:?} {shape:?}");

    let strip = Tile {
        x: 0,
        y: 0,
        width: shape.columns,
        height: 3,
        shades: (0..usize::from(shape.columns) * 3).map(|index| Some((index % 2) as i32)).collect(),
    };
    let longer = FrameShape { rows: shape.rows + 3, ..*shape };
    let extended = InProcess
        .extend(&coded, &strip)
        .unwrap_or_else(|fault| panic!("extend {syntax:?} {shape:?}: {fault:?}"));
    let now = InProcess.decode(&Coded { syntax, shape: longer, bytes: &extended });
    let mut below = was.clone();
    below.samples.resize(longer.decoded_bytes().unwrap(), 0);
    let strip = Tile { y: shape.rows, ..strip };
    assert!(now == Ok(painted(&longer, &below, &strip)), "extend {syntax:?} {shape:?}");
}

#[track_caller]
fn check_all(syntax: Syntax) {
    for (rows, columns) in SIZES {
        for (stored, signed) in depths(syntax) {
            check(syntax, &grey(rows, columns, stored, signed));
        }
        for photometric in [Photometric::Rgb, Photometric::YbrFull] {
            check(syntax, &colour(rows, columns, photometric));
        }
        if matches!(
            syntax,
            Syntax::Jpeg2000Lossless | Syntax::Htj2kLossless | Syntax::Htj2kLosslessRpcl
        ) {
            check(syntax, &colour(rows, columns, Photometric::YbrRct));
        }
        check(syntax, &FrameShape { allocated: 16, ..grey(rows, columns, 8, false) });
    }
}

#[test]
fn native_frames_of_every_depth() {
    for syntax in [LE, BE] {
        check_all(syntax);
    }
}

#[test]
fn one_bit_frames() {
    for syntax in [LE, Syntax::DeflatedImageFrame] {
        for (rows, columns) in SIZES {
            check(syntax, &FrameShape { allocated: 1, ..grey(rows, columns, 1, false) });
        }
    }
}

#[test]
fn planes_and_wide_samples_of_colour() {
    for syntax in [LE, BE, Syntax::DeflatedImageFrame, Syntax::RleLossless] {
        let eight = colour(33, 65, Photometric::Rgb);
        check(syntax, &FrameShape { planar: true, ..eight });
        check(syntax, &FrameShape { photometric: Photometric::Rgb, ..grey(9, 31, 16, false) });
        check(
            syntax,
            &FrameShape { photometric: Photometric::Rgb, planar: true, ..grey(9, 31, 12, false) },
        );
    }
}

#[test]
fn rle_deflated_frames() {
    check_all(Syntax::RleLossless);
    check_all(Syntax::DeflatedImageFrame);
}

#[test]
fn jpeg_lossless() {
    check_all(Syntax::JpegLosslessSv1);
    check_all(Syntax::JpegLossless);
}

#[test]
fn jpeg_ls() {
    check_all(Syntax::JpegLsLossless);
}

#[test]
fn jpeg_2000() {
    check_all(Syntax::Jpeg2000Lossless);
}

#[cfg(feature = "htj2k")]
#[test]
fn high_throughput_jpeg_2000() {
    check_all(Syntax::Htj2kLossless);
    check_all(Syntax::Htj2kLosslessRpcl);
}

/// Of a block in which nothing is, OpenJPH's vector instructions look at memory behind a line: neither what stands there nor where
/// it stands, which differ from thread to thread, may matter.
#[cfg(feature = "htj2k")]
#[test]
fn high_throughput_jpeg_2000_comes_to_the_same_bytes_on_every_thread() {
    let shape = colour(142, 163, Photometric::YbrRct);
    let mut image = picture(&shape);
    let half = image.samples.len() / 2;
    image.samples[half..].fill(0);
    let noise = picture(&grey(119, 150, 8, false));
    let coded = |shape: &FrameShape, image: &Decoded| {
        encode(Syntax::Htj2kLossless, shape, image).expect("a frame")
    };
    let first = coded(&shape, &image);
    let differs = |turn: u16| {
        // Memory is used up otherwise each time.
        let other = grey(20 + turn * 7 % 100, 61 + turn % 90, 8, false);
        let samples = noise.samples[..other.pixels()].to_vec();
        coded(&other, &Decoded { samples, ..noise });
        coded(&shape, &image) != first
    };
    let others = std::thread::scope(|scope| {
        let count = || (0..100).filter(|turn| differs(*turn)).count();
        let threads = [(); 4].map(|()| scope.spawn(count));
        threads.map(|thread| thread.join().expect("no panic"))
    });
    assert_eq!(others, [0; 4], "frames that came to other bytes, of 100 a thread");
}

#[test]
fn jpeg_xl() {
    for (rows, columns) in SIZES.into_iter().filter(|(rows, columns)| *rows > 1 && *columns > 1) {
        for stored in [2, 7, 8, 10, 12, 13, 15, 16] {
            check(Syntax::JpegXlLossless, &grey(rows, columns, stored, false));
        }
        check(Syntax::JpegXlLossless, &colour(rows, columns, Photometric::Rgb));
    }
}
