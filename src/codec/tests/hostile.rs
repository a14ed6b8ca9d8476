//! Damaged, cut short and lying codestreams: a fault, or a frame of the size that was asked for.

use super::*;
use crate::codec::{CodecFault, MAX_FRAME};

const ALL: [Syntax; 14] = [
    Syntax::Native { big_endian: false },
    Syntax::RleLossless,
    Syntax::JpegBaseline,
    Syntax::JpegExtended,
    Syntax::JpegLossless,
    Syntax::JpegLosslessSv1,
    Syntax::JpegLsLossless,
    Syntax::JpegLsNearLossless,
    Syntax::Jpeg2000Lossless,
    Syntax::Jpeg2000,
    Syntax::Htj2kLossless,
    Syntax::Htj2kLosslessRpcl,
    Syntax::JpegXlLossless,
    Syntax::DeflatedImageFrame,
];

/// Frames of all syntaxes, grey and in colour.
fn frames() -> Vec<(Syntax, FrameShape, Vec<u8>)> {
    let mut frames = Vec::new();
    for syntax in ALL {
        let stored = if syntax == Syntax::JpegBaseline { 8 } else { 12 };
        for shape in [grey(37, 53, stored, false), colour(16, 24, Photometric::Rgb)] {
            let high_throughput =
                matches!(syntax, Syntax::Htj2kLossless | Syntax::Htj2kLosslessRpcl);
            if cfg!(feature = "htj2k") || !high_throughput {
                frames.push((syntax, shape, encode(syntax, &shape, &picture(&shape)).unwrap()));
            }
        }
    }
    frames
}

/// No panic, and never a frame of another size.
fn bear(syntax: Syntax, shape: &FrameShape, bytes: &[u8]) {
    let coded = Coded { syntax, shape: *shape, bytes };
    let decoded = InProcess.decode(&coded);
    if let Ok(decoded) = &decoded {
        assert_eq!(decoded.samples.len(), shape.decoded_bytes().unwrap());
    }
    if let Ok(repainted) = InProcess.repaint(&coded, &tile(shape)) {
        let again = InProcess.decode(&Coded { bytes: &repainted, ..coded });
        assert!(again.is_ok() || decoded.is_err(), "{syntax:?}: what was repainted is not read");
    }
}

#[test]
fn frames_cut_short_anywhere() {
    for (syntax, shape, bytes) in frames() {
        for length in (0..bytes.len()).step_by(7) {
            bear(syntax, &shape, &bytes[..length]);
            // As if it ended there.
            bear(syntax, &shape, &[&bytes[..length], &[0xFF, 0xD9]].concat());
        }
    }
}

#[test]
fn lossless_frames_cut_short_are_not_made_up() {
    for (syntax, shape, bytes) in frames() {
        if syntax.coding() == crate::codec::Coding::Lossless {
            let bytes = &bytes[..bytes.len() * 2 / 3];
            let decoded = InProcess.decode(&Coded { syntax, shape, bytes });
            assert!(matches!(decoded, Err(CodecFault::Malformed(_))), "{syntax:?}: {decoded:?}");
        }
    }
}

#[test]
fn frames_with_bits_turned() {
    let mut noise = Noise(1);
    for (syntax, shape, bytes) in frames() {
        // Half of them in the head, where a bit means much.
        let ends = [bytes.len().min(120), bytes.len()];
        let places = ends.into_iter().flat_map(|end| std::iter::repeat_n(end * 8, 100));
        let places = places.map(|bits| noise.next() as usize % bits);
        for place in places.collect::<Vec<_>>() {
            let mut turned = bytes.clone();
            turned[place / 8] ^= 1 << (place % 8);
            bear(syntax, &shape, &turned);
        }
    }
}

#[test]
fn other_shapes_than_the_codestream_has() {
    for (syntax, shape, bytes) in frames() {
        let coded = |shape| InProcess.decode(&Coded { syntax, shape, bytes: &bytes });
        let taller = coded(FrameShape { rows: shape.rows + 8, ..shape });
        assert!(taller.is_err(), "{syntax:?}");
        if !matches!(
            syntax,
            Syntax::Native { .. } | Syntax::RleLossless | Syntax::DeflatedImageFrame
        ) {
            let mismatch = Err(CodecFault::Mismatch);
            assert_eq!(taller, mismatch, "{syntax:?}");
            assert_eq!(coded(FrameShape { columns: shape.columns - 1, ..shape }), mismatch);
            let other = match shape.photometric {
                Photometric::Rgb => Photometric::Monochrome2,
                _ => Photometric::Rgb,
            };
            assert_eq!(coded(FrameShape { photometric: other, ..shape }), mismatch, "{syntax:?}");
            if shape.stored > 8 {
                let narrow = FrameShape { allocated: 8, stored: 8, high_bit: 7, ..shape };
                assert_eq!(coded(narrow), mismatch, "{syntax:?}");
            }
        }
    }
}

#[test]
fn claims_of_huge_images() {
    for (syntax, shape, bytes) in frames() {
        // Rows and Columns at their greatest, in the data set...
        let huge = FrameShape { rows: 65535, columns: 65535, ..shape };
        assert!(huge.pixels() as u64 > MAX_FRAME);
        let decoded = InProcess.decode(&Coded { syntax, shape: huge, bytes: &bytes });
        assert_eq!(decoded, Err(CodecFault::TooLarge));
        // ... and in the codestream.
        let (rows, columns) = (shape.rows.to_be_bytes(), shape.columns.to_be_bytes());
        let claimed = match syntax.coding() {
            _ if bytes.starts_with(&[0xFF, 0xD8]) => {
                replaced(&bytes, &[rows, columns].concat(), &[0xFF; 4])
            }
            _ if bytes.starts_with(&[0xFF, 0x4F]) => {
                let size = [[0, 0], columns, [0, 0], rows].concat();
                replaced(&bytes, &size, &[0, 0, 0xFF, 0xFF, 0, 0, 0xFF, 0xFF])
            }
            _ => continue,
        };
        let decoded = InProcess.decode(&Coded { syntax, shape, bytes: &claimed });
        // Of JPEG 2000 there are too many tiles then.
        let refused = matches!(decoded, Err(CodecFault::Mismatch | CodecFault::Unsupported));
        assert!(refused, "{syntax:?}: {decoded:?}");
    }
}

/// The first place where `old` stands gets `new`.
fn replaced(bytes: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let at = bytes.windows(old.len()).position(|window| window == old).unwrap();
    let mut replaced = bytes.to_vec();
    replaced[at..at + new.len()].copy_from_slice(new);
    replaced
}

#[test]
fn a_jpeg_2000_of_single_pixels_is_refused_from_its_head() {
    let shape = grey(300, 400, 12, false);
    let bytes = encode(Syntax::Jpeg2000Lossless, &shape, &picture(&shape)).unwrap();
    let mut tiles = bytes;
    // XTsiz and YTsiz: SOC, marker, length, Rsiz and four words stand before them.
    tiles[24..32].copy_from_slice(&[0, 0, 0, 1, 0, 0, 0, 1]);
    let coded = Coded { syntax: Syntax::Jpeg2000Lossless, shape, bytes: &tiles };
    assert_eq!(InProcess.decode(&coded), Err(CodecFault::Unsupported));
}

#[test]
fn a_deflate_bomb_ends_with_the_frame() {
    let shape = grey(16, 16, 8, false);
    let bomb = crate::codec::deflated::deflate(&vec![0; 64 << 20]).unwrap();
    let coded = Coded { syntax: Syntax::DeflatedImageFrame, shape, bytes: &bomb };
    assert_eq!(InProcess.decode(&coded), Err(CodecFault::Mismatch));
}

#[test]
fn tiles_that_do_not_fit() {
    let shape = grey(16, 16, 8, false);
    let bytes = vec![0; 256];
    let coded = Coded { syntax: Syntax::Native { big_endian: false }, shape, bytes: &bytes };
    let good = Tile { x: 8, y: 8, width: 8, height: 8, shades: vec![Some(255); 64] };
    assert!(InProcess.repaint(&coded, &good).is_ok());
    for bad in [
        Tile { x: 9, ..good.clone() },
        Tile { y: 9, ..good.clone() },
        Tile { shades: vec![Some(255); 63], ..good.clone() },
        Tile { shades: vec![Some(256); 64], ..good.clone() },
        Tile { shades: vec![Some(-1); 64], ..good.clone() },
    ] {
        assert_eq!(InProcess.repaint(&coded, &bad).err(), Some(CodecFault::BadTile));
    }
    let strip = Tile { width: 16, height: 2, shades: vec![Some(1); 32], ..Tile::default() };
    assert!(InProcess.extend(&coded, &strip).is_ok());
    let full = FrameShape { rows: 65535, ..shape };
    for (shape, bad) in [
        (shape, Tile { width: 15, shades: vec![Some(1); 30], ..strip.clone() }),
        (shape, Tile { shades: vec![None; 32], ..strip.clone() }),
        (full, strip),
    ] {
        let refused = InProcess.extend(&Coded { shape, ..coded }, &bad).err();
        assert_eq!(refused, Some(CodecFault::BadTile));
    }
}
