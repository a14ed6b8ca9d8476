//! Objects that claim what they are not: each goes on in a weaker mode, with the obstacle, and its pixels as they came.

use super::image::grey;
use super::*;
use crate::codec::{CodecFault, InProcess};
use crate::object::frames::FrameFault;

const RLE: &str = "1.2.840.10008.1.2.5";

fn short(tag: Tag, value: u16) -> NewElement {
    NewElement::new(tag, VR::US, value.to_le_bytes().to_vec())
}

/// The object goes on, its pixels as they are, and the obstacle to drawing on them is told.
#[track_caller]
fn check_lie(image: &Image, object: &Object, want: Obstacle) {
    let modes = [StampMode::BurnIn, StampMode::Tag];
    let tried = drawing(&modes).tried(object, image.syntax, &InProcess);
    let (stamp, after) = tried.expect("the weakest mode at least");
    assert_eq!(stamp.fallen_back.first(), Some(&(StampMode::BurnIn, want)));
    assert!(stamp.modes.contains(&StampMode::Tag) && !stamp.plan.changes_pixels());
    let pixels = object.view().find(tags::PIXEL_DATA).expect("pixels").value.start as usize;
    assert!(after.bytes.ends_with(&object.bytes[pixels..]));
    // An overlay plane is as large as its letters, not as the image claims to be.
    assert!(after.bytes.len() < object.bytes.len() + 40_000);
}

#[track_caller]
fn check_claim(syntax: &'static str, claims: Vec<NewElement>, want: Obstacle) {
    let image = grey(syntax, 8, 8).with(|image| image.more = claims);
    check_lie(&image, &image.object(), want);
}

#[test]
fn a_claim_of_65535_rows_and_columns() {
    let claim = || vec![short(tags::ROWS, 65535), short(tags::COLUMNS, 65535)];
    for syntax in [EXPLICIT, RLE, "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.90"] {
        check_claim(syntax, claim(), Obstacle::Codec(CodecFault::TooLarge));
    }
}

#[test]
fn another_number_of_frames_than_there_are() {
    for claimed in ["1", "2", "4", "2147483647"] {
        let claim = || vec![NewElement::new(tags::NUMBER_OF_FRAMES, VR::IS, claimed)];
        for syntax in [EXPLICIT, RLE] {
            let image = grey(syntax, 8, 8).with(|image| {
                image.frames = 3;
                image.more = claim();
            });
            let want = match (syntax, claimed) {
                (EXPLICIT, _) => Obstacle::Contradiction(tags::PIXEL_DATA),
                (_, "2147483647") => Obstacle::TooManyFrames,
                _ => Obstacle::Frames(FrameFault::Table),
            };
            check_lie(&image, &image.object(), want);
        }
        let image = grey(RLE, 8, 8).with(|image| {
            image.frames = 3;
            image.table = image::Table::Empty;
            image.more = claim();
        });
        let count = claimed.parse().expect("a number");
        match count {
            // One frame has all fragments; what they hold is no frame.
            1 => {
                let tried = drawing(&[StampMode::BurnIn]).tried(&image.object(), RLE, &InProcess);
                let (stamp, after) = tried.expect("a mode");
                assert!(stamp.modes != [StampMode::BurnIn] || Rectangle::told_by(&after).right > 0);
            }
            2147483647 => check_lie(&image, &image.object(), Obstacle::TooManyFrames),
            frames => {
                let fault = FrameFault::Count { frames, fragments: 3 };
                check_lie(&image, &image.object(), Obstacle::Frames(fault));
            }
        }
    }
    for claimed in ["0", "-1", "many"] {
        let claim = vec![NewElement::new(tags::NUMBER_OF_FRAMES, VR::IS, claimed)];
        check_claim(EXPLICIT, claim, Obstacle::Contradiction(tags::NUMBER_OF_FRAMES));
    }
}

#[test]
fn a_table_that_is_cut_short_or_points_elsewhere() {
    let image = grey(RLE, 8, 8).with(|image| image.frames = 3);
    let object = image.object();
    let view = object.view();
    let pixels = view.find(tags::PIXEL_DATA).expect("pixels").clone();
    let table = view.fragments(&pixels).next().expect("a table").value.clone();
    let at = table.start as usize;
    let mut cut = object.clone();
    cut.bytes.drain(at + 8..at + 12);
    cut.bytes[at - 4] = 8;
    check_lie(&image, &cut, Obstacle::Frames(FrameFault::Table));
    let mut elsewhere = object.clone();
    elsewhere.bytes[at + 4] ^= 2;
    check_lie(&image, &elsewhere, Obstacle::Frames(FrameFault::Table));
}

#[test]
fn elements_that_contradict_each_other() {
    for syntax in [EXPLICIT, RLE] {
        for (tag, value, told) in [
            (tags::BITS_STORED, 9, tags::BITS_STORED),
            (tags::BITS_STORED, 0, tags::BITS_STORED),
            (tags::HIGH_BIT, 8, tags::HIGH_BIT),
            (tags::HIGH_BIT, 3, tags::HIGH_BIT),
            (tags::BITS_ALLOCATED, 0, tags::BITS_ALLOCATED),
            (tags::PIXEL_REPRESENTATION, 2, tags::PIXEL_REPRESENTATION),
            (tags::SAMPLES_PER_PIXEL, 3, tags::SAMPLES_PER_PIXEL),
            (tags::ROWS, 0, tags::ROWS),
        ] {
            check_claim(syntax, vec![short(tag, value)], Obstacle::Contradiction(told));
        }
        check_claim(syntax, vec![short(tags::BITS_ALLOCATED, 12)], Obstacle::NotDecodable);
        let told = tags::PHOTOMETRIC_INTERPRETATION;
        let claim = vec![NewElement::new(told, VR::CS, "HSV")];
        check_claim(syntax, claim, Obstacle::Contradiction(told));
    }
}

#[test]
fn elements_that_are_missing() {
    for tag in [tags::ROWS, tags::COLUMNS, tags::BITS_STORED, tags::PIXEL_REPRESENTATION] {
        let image = grey(EXPLICIT, 8, 8).with(|image| image.without.push(tag));
        check_lie(&image, &image.object(), Obstacle::Contradiction(tag));
    }
}

#[test]
fn pixel_data_twice() {
    let image = grey(EXPLICIT, 8, 8);
    let mut object = image.object();
    let start = object.view().find(tags::PIXEL_DATA).expect("pixels").value.start as usize - 12;
    object.bytes.extend_from_within(start..);
    let modes = [StampMode::BurnIn, StampMode::Tag];
    match drawing(&modes).tried(&object, EXPLICIT, &InProcess) {
        Ok((stamp, _)) => {
            let told = (StampMode::BurnIn, Obstacle::Contradiction(tags::PIXEL_DATA));
            assert_eq!(stamp.fallen_back[0], told);
            assert!(!stamp.plan.changes_pixels());
        }
        Err(obstacle) => assert!(matches!(obstacle, Obstacle::Edit(_)), "{obstacle}"),
    }
}

#[test]
fn a_codestream_that_is_cut_short_or_is_of_another_image() {
    for (syntax, allocated, stored) in [
        (RLE, 8, 8),
        ("1.2.840.10008.1.2.4.50", 8, 8),
        ("1.2.840.10008.1.2.4.70", 16, 12),
        ("1.2.840.10008.1.2.4.80", 16, 12),
        ("1.2.840.10008.1.2.4.90", 16, 12),
        ("1.2.840.10008.1.2.4.201", 16, 12),
        ("1.2.840.10008.1.2.4.110", 16, 12),
        ("1.2.840.10008.1.2.8.1", 16, 12),
    ] {
        let image = grey(syntax, allocated, stored).with(|image| image.pieces = 2);
        let object = image.object();
        let view = object.view();
        let pixels = view.find(tags::PIXEL_DATA).expect("pixels").clone();
        let last = view.fragments(&pixels).last().expect("a fragment").value.clone();
        let mut cut = object.clone();
        cut.bytes.drain(last.start as usize - 8..last.end as usize);
        let other = image.clone().with(|image| image.more = vec![short(tags::ROWS, 120)]).object();
        // What is left of an RLE segment counts as padding, as some writers have it.
        let objects = if syntax == RLE { vec![cut] } else { vec![cut, other] };
        for object in objects {
            let modes = [StampMode::BurnIn, StampMode::Tag];
            let tried = drawing(&modes).tried(&object, syntax, &InProcess);
            let (stamp, _) = tried.expect("the weakest mode at least");
            let first = stamp.fallen_back.first();
            assert!(
                matches!(first, Some((StampMode::BurnIn, Obstacle::Codec(_)))),
                "{syntax}: {first:?}"
            );
            assert!(!stamp.plan.changes_pixels(), "{syntax}");
        }
    }
}
