//! Encapsulated pixels: every transfer syntax that can be drawn on.

use super::image::{Table, Unused, captured, grey};
use super::*;
use crate::codec::{Loss, Subsampling};
use crate::dicom::photometric::Photometric;

const RLE: &str = "1.2.840.10008.1.2.5";
const JPEG_BASELINE: &str = "1.2.840.10008.1.2.4.50";
const JPEG_EXTENDED: &str = "1.2.840.10008.1.2.4.51";
const JPEG_LOSSLESS: &str = "1.2.840.10008.1.2.4.57";
const JPEG_LOSSLESS_SV1: &str = "1.2.840.10008.1.2.4.70";
const JPEG_LS: &str = "1.2.840.10008.1.2.4.80";
const JPEG_2000: &str = "1.2.840.10008.1.2.4.90";
const HTJ2K: &str = "1.2.840.10008.1.2.4.201";
const HTJ2K_RPCL: &str = "1.2.840.10008.1.2.4.202";
const JPEG_XL: &str = "1.2.840.10008.1.2.4.110";
const DEFLATED_FRAMES: &str = "1.2.840.10008.1.2.8.1";

/// Those that lose nothing.
const LOSSLESS: [&str; 9] = [
    RLE,
    JPEG_LOSSLESS,
    JPEG_LOSSLESS_SV1,
    JPEG_LS,
    JPEG_2000,
    HTJ2K,
    HTJ2K_RPCL,
    JPEG_XL,
    DEFLATED_FRAMES,
];

#[track_caller]
fn both(image: &Image) {
    check(image, StampMode::BurnIn, StampMode::BurnIn);
    check(image, StampMode::Strip, StampMode::Strip);
}

#[test]
fn grey_in_every_lossless_syntax() {
    for syntax in LOSSLESS {
        both(&grey(syntax, 8, 8));
        both(&grey(syntax, 16, 12).with(|image| {
            image.shape.photometric = Photometric::Monochrome1;
            image.frames = 3;
        }));
        both(&grey(syntax, 16, 16));
    }
}

#[test]
fn signed_grey_in_every_lossless_syntax_that_has_it() {
    for syntax in LOSSLESS.into_iter().filter(|syntax| *syntax != JPEG_XL) {
        both(&grey(syntax, 16, 12).with(|image| image.shape.signed = true));
        both(&grey(syntax, 16, 16).with(|image| image.shape.signed = true));
    }
}

#[test]
fn colour_in_every_lossless_syntax() {
    for syntax in LOSSLESS {
        both(&captured(syntax, Photometric::Rgb).with(|image| image.frames = 2));
        both(&captured(syntax, Photometric::PaletteColor));
    }
    for syntax in [RLE, JPEG_LS, DEFLATED_FRAMES] {
        both(&captured(syntax, Photometric::YbrFull));
    }
    for syntax in [JPEG_2000, HTJ2K, HTJ2K_RPCL] {
        both(&captured(syntax, Photometric::YbrRct));
    }
}

#[test]
fn bits_beside_the_sample_stay_where_the_codestream_has_them() {
    for syntax in [RLE, JPEG_LOSSLESS_SV1, JPEG_LS, JPEG_2000, DEFLATED_FRAMES] {
        let image = grey(syntax, 16, 12).with(|image| image.unused = Unused::Overlay);
        let (_, after) = check(&image, StampMode::BurnIn, StampMode::BurnIn);
        let beside = |object: &Object| -> Vec<u16> {
            // As if the bits beside were of the sample.
            let wide = object.changed_to_sixteen_bits();
            let frame = frames_of(&wide, syntax).1.remove(0);
            let words = frame.samples.chunks(2).map(|word| u16::from_le_bytes([word[0], word[1]]));
            words.map(|word| word >> 12).collect()
        };
        assert!(beside(&image.object()) == beside(&after), "{syntax}");
    }
}

#[test]
fn jpeg_keeps_the_blocks_that_are_not_touched() {
    use Photometric::{Monochrome1, Monochrome2, Rgb, YbrFull, YbrFull422};
    for photometric in [Monochrome1, Monochrome2] {
        for quality in [60, 92, 100] {
            let image = grey(JPEG_BASELINE, 8, 8).with(|image| {
                image.shape.photometric = photometric;
                image.loss.quality = quality;
                image.frames = 2;
            });
            check(&image, StampMode::BurnIn, StampMode::BurnIn);
            let image = grey(JPEG_EXTENDED, 16, 12).with(|image| {
                image.shape.photometric = photometric;
                image.loss.quality = quality;
            });
            check(&image, StampMode::BurnIn, StampMode::BurnIn);
        }
    }
    let samplings = [Subsampling::Full, Subsampling::Half, Subsampling::Quarter];
    for subsampling in samplings {
        for photometric in [YbrFull422, YbrFull, Rgb] {
            let image = captured(JPEG_BASELINE, photometric)
                .with(|image| image.loss = Loss { subsampling, ..Loss::default() });
            check(&image, StampMode::BurnIn, StampMode::BurnIn);
        }
    }
}

#[test]
fn jpeg_gets_no_rows_below_it() {
    let (stamp, _) = check(&grey(JPEG_BASELINE, 8, 8), StampMode::Strip, StampMode::Overlay);
    assert_eq!(stamp.fallen_back, [(StampMode::Strip, Obstacle::Lossy)]);
}

#[test]
fn frames_are_found_by_every_table_and_in_any_number_of_fragments() {
    for syntax in [RLE, JPEG_BASELINE, JPEG_LS, ENCAPSULATED_UNCOMPRESSED] {
        for (frames, pieces, table) in [
            (1, 1, Table::Empty),
            (1, 4, Table::Empty),
            (3, 1, Table::Empty),
            (3, 1, Table::Basic),
            (3, 3, Table::Basic),
            (3, 1, Table::Extended),
        ] {
            let image = grey(syntax, 8, 8).with(|image| {
                image.frames = frames;
                image.pieces = pieces;
                image.table = table;
            });
            let (_, after) = check(&image, StampMode::BurnIn, StampMode::BurnIn);
            tables_hold(&image, &after);
        }
    }
}

/// The tables are of the kind that they were and point at the frames: else the frames would not have been found again.
#[track_caller]
fn tables_hold(image: &Image, after: &Object) {
    let view = after.view();
    let pixels = view.find(tags::PIXEL_DATA).expect("pixels").clone();
    let first = view.fragments(&pixels).next().expect("a table").value.clone();
    let frames = u64::from(image.frames);
    let basic = if image.table == Table::Basic { 4 * frames } else { 0 };
    assert_eq!(first.end - first.start, basic, "{image:?}");
    let extended = view.find(tags::EXTENDED_OFFSET_TABLE).map(Element::length);
    assert_eq!(extended, (image.table == Table::Extended).then_some(8 * frames), "{image:?}");
    if let Some(lengths) = view.find(tags::EXTENDED_OFFSET_TABLE_LENGTHS) {
        let bytes = view.bytes(lengths).expect("lengths");
        let lengths = bytes.as_chunks::<8>().0.iter().map(|bytes| u64::from_le_bytes(*bytes));
        let fragments: Vec<u64> =
            view.fragments(&pixels).skip(1).map(|fragment| fragment.length()).collect();
        for (length, fragment) in lengths.zip(fragments) {
            assert_eq!(length.next_multiple_of(2), fragment, "{image:?}");
        }
    }
}

#[test]
fn the_first_frame_alone_when_a_site_wants_it_so() {
    for (syntax, frames) in [(EXPLICIT, 3), (RLE, 3), (JPEG_BASELINE, 3)] {
        let image = grey(syntax, 8, 8).with(|image| image.frames = frames);
        let object = image.object();
        let mut drawing = drawing(&[StampMode::BurnIn]);
        drawing.policy.pixels.every_frame = false;
        let (stamp, after) = drawing.stamped(&object, syntax);
        assert_eq!(stamp.modes, [StampMode::BurnIn]);
        let (was, is) = (frames_of(&object, syntax).1, frames_of(&after, syntax).1);
        assert!(was[0] != is[0] && was[1..] == is[1..], "{syntax}");
        assert!(drawing.stamped(&after, syntax).0.plan.is_empty());
    }
}

impl Object {
    /// The same claiming that all sixteen bits are of the sample. Explicit VR little endian alone.
    fn changed_to_sixteen_bits(&self) -> Self {
        let view = self.view();
        let mut bytes = self.bytes.clone();
        for (tag, value) in [(tags::BITS_STORED, 16), (tags::HIGH_BIT, 15)] {
            let at = view.find(tag).expect("an element").value.start as usize;
            bytes[at] = value;
        }
        Self { syntax: self.syntax, bytes }
    }
}
