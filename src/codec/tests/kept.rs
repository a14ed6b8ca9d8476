//! What a decoder depends on stays when a lossless frame is encoded again; what is lossy in truth is refused.

use super::*;
use crate::codec::codestream::{self, Style};
use crate::codec::raster::Raster;
use crate::codec::{CodecFault, htj2k, j2k, jpegls, jxl, markers, turbo};

fn samples(shape: &FrameShape, signed: bool) -> Raster {
    Raster::of(&picture(shape), shape, shape.stored, signed).unwrap()
}

fn repaint(syntax: Syntax, shape: &FrameShape, bytes: &[u8]) -> Result<Vec<u8>, CodecFault> {
    InProcess.repaint(&Coded { syntax, shape: *shape, bytes }, &tile(shape))
}

#[test]
fn jpeg_lossless_keeps_predictor_restarts_and_component_names() {
    let shape = colour(33, 65, Photometric::Rgb);
    let choice = turbo::Choice::Lossless { predictor: 4, restart_rows: 2 };
    let bytes = turbo::encode(&shape, &samples(&shape, false), choice).unwrap();
    let mut like = markers::read(&bytes).unwrap();
    for (component, id) in like.components.iter_mut().zip([7, 8, 9]) {
        component.id = id;
    }
    let bytes = markers::dress(&bytes, &like).unwrap();
    let repainted = repaint(Syntax::JpegLossless, &shape, &bytes).unwrap();
    let (was, now) = (markers::read(&bytes).unwrap(), markers::read(&repainted).unwrap());
    assert_eq!(now.components, was.components);
    assert_eq!((now.first, now.restart, now.precision), (4, 130, 8));
    let applications = |head: &markers::Head<'_>| {
        let all = head.segments.iter().filter(|segment| segment.marker & 0xF0 == 0xE0);
        all.map(|segment| segment.whole.to_vec()).collect::<Vec<_>>()
    };
    assert_eq!(applications(&now), applications(&was));
}

#[test]
fn jpeg_ls_keeps_its_interleave_mode() {
    use jpegls::Interleave::{Line, None, Sample};
    let shape = colour(33, 65, Photometric::Rgb);
    for (interleave, mode) in [(None, 0), (Line, 1), (Sample, 2)] {
        let choice = jpegls::Choice { interleave, near: 0 };
        let bytes = jpegls::encode(&shape, &samples(&shape, false), choice).unwrap();
        let coded = Coded { syntax: Syntax::JpegLsLossless, shape, bytes: &bytes };
        assert!(InProcess.decode(&coded) == Ok(picture(&shape)));
        let repainted = repaint(Syntax::JpegLsLossless, &shape, &bytes).unwrap();
        assert_eq!(markers::read(&repainted).unwrap().second, mode);
    }
}

/// A style that no encoder takes by itself.
fn unusual() -> Style {
    Style {
        markers: 6,
        progression: 3,
        transformed: true,
        levels: 2,
        block: (4, 5),
        blocks: 0,
        precincts: vec![(6, 6), (7, 6), (7, 7)],
    }
}

#[test]
fn jpeg_2000_keeps_tiles_and_style() {
    let shape = colour(150, 170, Photometric::YbrRct);
    let choice =
        j2k::Choice { style: unusual(), tile: Some((64, 96)), irreversible: false, ratio: 0.0 };
    let bytes = j2k::encode(&shape, &samples(&shape, false), &choice).unwrap();
    let was = codestream::read(&bytes).unwrap();
    assert_eq!((&was.style, was.tile), (&unusual(), (64, 96)));
    let repainted = repaint(Syntax::Jpeg2000Lossless, &shape, &bytes).unwrap();
    let now = codestream::read(&repainted).unwrap();
    assert_eq!((now.style, now.tile), (was.style, was.tile));
}

#[test]
fn the_depth_and_sign_of_a_codestream_are_its_own() {
    // Twelve bits stored, sixteen coded; and a sign that the data set has alone.
    for (signed, coded_signed, precision) in [
        (false, false, 16),
        (true, true, 16),
        (true, false, 12),
        (true, false, 14),
        (true, true, 12),
    ] {
        let shape = grey(61, 83, 12, signed);
        let was = picture(&shape);
        let raster = Raster::of(&was, &shape, precision, coded_signed).unwrap();
        let style = Style { markers: 0, transformed: false, precincts: vec![], ..unusual() };
        let choice = j2k::Choice { style, tile: None, irreversible: false, ratio: 0.0 };
        let bytes = j2k::encode(&shape, &raster, &choice).unwrap();
        let coded = Coded { syntax: Syntax::Jpeg2000Lossless, shape, bytes: &bytes };
        assert!(InProcess.decode(&coded) == Ok(was.clone()));
        let repainted = repaint(Syntax::Jpeg2000Lossless, &shape, &bytes).unwrap();
        let depth = codestream::read(&repainted).unwrap().agrees(&shape);
        assert_eq!(depth, Ok((precision, coded_signed)));
        let now = InProcess.decode(&Coded { bytes: &repainted, ..coded }).unwrap();
        assert!(now == painted(&shape, &was, &tile(&shape)));
    }
}

#[cfg(feature = "htj2k")]
#[test]
fn high_throughput_jpeg_2000_keeps_tiles_style_and_lengths() {
    let shape = colour(150, 170, Photometric::YbrRct);
    let style = Style { markers: 0, progression: 2, ..unusual() };
    let choice = htj2k::Choice { style, tile: Some((64, 96)), lengths: true };
    let bytes = htj2k::encode(&shape, &samples(&shape, false), &choice).unwrap();
    let was = codestream::read(&bytes).unwrap();
    assert!(was.lengths && was.style.high_throughput());
    assert_eq!(was.style.precincts, choice.style.precincts);
    let repainted = repaint(Syntax::Htj2kLosslessRpcl, &shape, &bytes).unwrap();
    let now = codestream::read(&repainted).unwrap();
    assert_eq!((now.style, now.tile, now.lengths), (was.style, was.tile, true));
}

#[test]
fn jpeg_xl_keeps_its_depth() {
    let shape = grey(61, 83, 12, false);
    let bytes = encode(Syntax::JpegXlLossless, &shape, &picture(&shape)).unwrap();
    assert_eq!(jxl::decode(&shape, &bytes).unwrap().precision, 12);
    let repainted = repaint(Syntax::JpegXlLossless, &shape, &bytes).unwrap();
    assert_eq!(jxl::decode(&shape, &repainted).unwrap().precision, 12);
}

#[test]
fn bits_that_are_not_stored_keep_an_overlay() {
    let shape = grey(61, 83, 12, false);
    let mut was = samples(&shape, false);
    was.precision = 16;
    for (index, sample) in was.samples.chunks_exact_mut(2).enumerate() {
        sample[1] |= (index as u8 % 16) << 4;
    }
    let words = was.samples.clone();
    let native = Syntax::Native { big_endian: false };
    let choice = turbo::Choice::Lossless { predictor: 1, restart_rows: 0 };
    for (syntax, bytes) in [
        (native, words.clone()),
        (Syntax::RleLossless, crate::codec::rle::encode(&shape, &was).unwrap()),
        (Syntax::JpegLossless, turbo::encode(&shape, &was, choice).unwrap()),
    ] {
        let repainted = repaint(syntax, &shape, &bytes).unwrap();
        let coded = Coded { syntax, shape, bytes: &repainted };
        assert!(InProcess.decode(&coded) == Ok(painted(&shape, &picture(&shape), &tile(&shape))));
        // Seen as if all bits were stored, the upper four have not changed.
        let all = FrameShape { stored: 16, high_bit: 15, ..shape };
        let now = InProcess.decode(&Coded { shape: all, ..coded }).unwrap();
        let upper =
            |samples: &[u8]| samples.iter().skip(1).step_by(2).map(|b| b >> 4).collect::<Vec<_>>();
        assert!(upper(&now.samples) == upper(&words), "{syntax:?}");
    }
}

#[test]
fn stored_bits_may_stand_above_others() {
    let shape = FrameShape { high_bit: 15, ..grey(33, 65, 12, true) };
    for syntax in [Syntax::Native { big_endian: true }, Syntax::RleLossless] {
        let was = picture(&shape);
        let bytes = encode(syntax, &shape, &was).unwrap();
        let coded = Coded { syntax, shape, bytes: &bytes };
        assert!(InProcess.decode(&coded) == Ok(was.clone()));
        let repainted = repaint(syntax, &shape, &bytes).unwrap();
        let now = InProcess.decode(&Coded { bytes: &repainted, ..coded });
        assert!(now == Ok(painted(&shape, &was, &tile(&shape))));
    }
}

#[test]
fn neighbours_that_share_chrominances_keep_theirs() {
    let shape = colour(9, 24, Photometric::YbrFull422);
    let syntax = Syntax::Native { big_endian: false };
    let bytes: Vec<u8> = (0..9 * 48u32).map(|index| (index * 7 % 251) as u8).collect();
    let coded = Coded { syntax, shape, bytes: &bytes };
    let was = InProcess.decode(&coded).unwrap();
    // Columns 3 to 6: the first and the last share chrominances with pixels beside them.
    let tile = Tile { x: 3, y: 2, width: 4, height: 1, shades: vec![Some(200); 4] };
    let repainted = InProcess.repaint(&coded, &tile).unwrap();
    let now = InProcess.decode(&Coded { bytes: &repainted, ..coded }).unwrap();
    for (index, (was, now)) in was.samples.chunks(3).zip(now.samples.chunks(3)).enumerate() {
        let want = match index {
            51 | 54 => vec![200, was[1], was[2]],
            52 | 53 => vec![200, 128, 128],
            _ => was.to_vec(),
        };
        assert_eq!(now, want, "pixel {index}");
    }
}

#[test]
fn what_is_lossy_in_truth_is_refused() {
    let shape = grey(200, 300, 12, false);
    let was = picture(&shape);
    let near = encode(Syntax::JpegLsNearLossless, &shape, &was).unwrap();
    assert_eq!(repaint(Syntax::JpegLsLossless, &shape, &near).err(), Some(CodecFault::Unsupported));

    let irreversible = encode(Syntax::Jpeg2000, &shape, &was).unwrap();
    let refused = repaint(Syntax::Jpeg2000Lossless, &shape, &irreversible);
    assert_eq!(refused.err(), Some(CodecFault::Unsupported));

    let mut shifted = encode(Syntax::JpegLosslessSv1, &shape, &was).unwrap();
    let head = markers::read(&shifted).unwrap();
    let at = shifted.len() - head.rest.len() - 1;
    shifted[at] = 1;
    let refused = repaint(Syntax::JpegLosslessSv1, &shape, &shifted);
    assert_eq!(refused.err(), Some(CodecFault::Unsupported));
}

#[test]
fn high_throughput_and_other_blocks_do_not_stand_for_each_other() {
    let shape = grey(61, 83, 12, false);
    let was = picture(&shape);
    let ordinary = encode(Syntax::Jpeg2000Lossless, &shape, &was).unwrap();
    let refused = repaint(Syntax::Htj2kLossless, &shape, &ordinary);
    assert_eq!(refused.err(), Some(CodecFault::Unsupported));
}
