//! Values of single-frame and enhanced objects, found in the same way.

use super::*;
use crate::dicom::tags;
use crate::standard::facts::functional_groups::{
    Place, every, first, frame_groups, has_functional_groups, items, lacking, number, numbers, text,
};

const THICKNESS: Place = Place::new(tags::PIXEL_MEASURES_SEQUENCE, tags::SLICE_THICKNESS);
const KERNEL: Place = Place::new(tags::CT_RECONSTRUCTION_SEQUENCE, tags::CONVOLUTION_KERNEL);
const SHARED: &str = "SharedFunctionalGroupsSequence";
const FRAMES: &str = "PerFrameFunctionalGroupsSequence";

fn thickness(millimetres: &str) -> Image {
    let measures = Image::empty().with("SliceThickness", millimetres);
    Image::empty().with_item("PixelMeasuresSequence", &measures)
}

#[test]
fn the_top_level_comes_first_then_all_frames_then_each() {
    let of = |image: &Image| {
        image.look(|subject| (number(subject, THICKNESS), every(subject, THICKNESS).len()))
    };
    let frames = Image::empty()
        .with_item(FRAMES, &thickness(""))
        .with_item(FRAMES, &thickness("3"))
        .with_item(FRAMES, &thickness("4"));
    assert_eq!(of(&frames), (Some(3.0), 2));
    let shared = frames.with_item(SHARED, &thickness("2"));
    assert_eq!(of(&shared), (Some(2.0), 1));
    assert_eq!(of(&shared.clone().with("SliceThickness", "1")), (Some(1.0), 1));
    // What is empty says nothing.
    assert_eq!(of(&shared.with("SliceThickness", "")), (Some(2.0), 1));
    assert_eq!(of(&Image::empty()), (None, 0));
    assert_eq!(of(&Image::empty().with("SliceThickness", "thick")), (None, 1));
}

#[test]
fn legacy_objects_have_unassigned_attributes() {
    let attributes = Image::empty().with("ConvolutionKernel", "B30f").with("SliceThickness", "5");
    let groups =
        Image::empty().with_item("UnassignedSharedConvertedAttributesSequence", &attributes);
    let legacy = Image::empty().with_item(SHARED, &groups);
    legacy.look(|subject| {
        assert_eq!(text(subject, KERNEL).as_deref(), Some("B30f"));
        assert_eq!(numbers(subject, THICKNESS), [5.0]);
    });
    let groups =
        Image::empty().with_item("UnassignedPerFrameConvertedAttributesSequence", &attributes);
    let legacy = Image::empty().with_item(FRAMES, &groups);
    assert!(legacy.look(|subject| first(subject, KERNEL).is_some()));
}

#[test]
fn texts_are_decoded_and_trimmed() {
    let of = |kernel: Vec<u8>| {
        let image = Image::empty().with("SpecificCharacterSet", "GB18030");
        image.with("ConvolutionKernel", kernel).look(|subject| text(subject, KERNEL))
    };
    assert_eq!(of(gb("骨")).as_deref(), Some("骨"));
    assert_eq!(of(b"STANDARD\\BONE".to_vec()).as_deref(), Some("STANDARD"));
    assert_eq!(of(b"    ".to_vec()), None);
}

#[test]
fn frames_and_items_are_counted() {
    let enhanced =
        Image::empty().with_item(FRAMES, &thickness("3")).with_item(FRAMES, &thickness("3"));
    enhanced.look(|subject| {
        assert_eq!((has_functional_groups(subject), frame_groups(subject)), (true, Some(2)));
        let measures = Place::new(tags::PIXEL_MEASURES_SEQUENCE, tags::PIXEL_MEASURES_SEQUENCE);
        assert_eq!(items(subject, measures).count(), 0);
    });
    let code = Image::empty().with("CodeValue", "51185008");
    let anatomy = Image::empty().with_item("AnatomicRegionSequence", &code);
    let shared = Image::empty().with_item("FrameAnatomySequence", &anatomy);
    let region = Place::new(tags::FRAME_ANATOMY_SEQUENCE, tags::ANATOMIC_REGION_SEQUENCE);
    let image = Image::empty().with_item(SHARED, &shared);
    assert_eq!(image.look(|subject| items(subject, region).count()), 1);
    Image::empty().look(|subject| {
        assert_eq!((has_functional_groups(subject), frame_groups(subject)), (false, None));
    });
}

#[test]
fn a_group_is_shared_or_in_every_frame() {
    let wanted = [tags::PIXEL_MEASURES_SEQUENCE, tags::FRAME_CONTENT_SEQUENCE];
    let lacks = |image: &Image| image.look(|subject| lacking(subject, &wanted));
    let content =
        Image::empty().with_item("FrameContentSequence", &Image::empty().with("StackID", "1"));
    let frame = thickness("3");
    assert_eq!(lacks(&Image::empty()), wanted);
    let shared = Image::empty().with_item(SHARED, &thickness("3"));
    assert_eq!(lacks(&shared), [tags::FRAME_CONTENT_SEQUENCE]);
    let good = shared.clone().with_item(FRAMES, &content).with_item(FRAMES, &content);
    assert_eq!(lacks(&good), []);
    assert_eq!(lacks(&good.with_item(FRAMES, &frame)), [tags::FRAME_CONTENT_SEQUENCE]);
    let mixed = Image::empty().with_item(FRAMES, &frame).with_item(FRAMES, &content);
    assert_eq!(lacks(&mixed), wanted);
}
