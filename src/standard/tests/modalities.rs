//! Facts of mammography, runs of frames, ultrasound, nuclear medicine, and of what is no examination image.

use super::*;
use crate::expression::Value;

#[track_caller]
fn check(fact: &str, image: &Image, want: impl Into<Value>) {
    assert_eq!(image.look(|subject| subject.fact(fact)), want.into(), "fact.{fact}");
}

const UNKNOWN: Option<i64> = None;

fn texts(words: &[&str]) -> Value {
    words.iter().map(|word| Value::from(*word)).collect::<Vec<Value>>().into()
}

fn code(value: &str) -> Image {
    Image::empty().with("CodeValue", value).with("CodingSchemeDesignator", "SCT")
}

#[test]
fn a_view_of_the_breast_is_one_code_of_its_own_list() {
    let view = |image: Image, value: &str| image.with_item("ViewCodeSequence", &code(value));
    let cranio_caudal = view(Image::empty(), "399162004");
    check("breast_view", &cranio_caudal, true);
    check("breast_view", &view(cranio_caudal, "399368009"), false);
    check("breast_view", &view(Image::empty(), "272479007"), false);
    check("breast_view", &view(Image::empty(), "garbage"), false);
    check("breast_view", &Image::empty().with("ViewPosition", "CC"), false);
    check("breast_view", &Image::empty(), false);
}

#[test]
fn a_partial_view_says_of_what() {
    let partial = Image::empty().with("PartialView", "YES");
    check("partial_view_told", &partial, false);
    check("partial_view_told", &partial.clone().with("PartialViewDescription", "axilla"), true);
    check("partial_view_told", &partial.with_item("PartialViewCodeSequence", &code("1")), true);
    check("partial_view_told", &Image::empty().with("PartialView", "NO"), UNKNOWN);
    check("partial_view_told", &Image::empty().with("PartialView", "perhaps"), UNKNOWN);
    check("partial_view_told", &Image::empty(), UNKNOWN);
}

#[test]
fn frames_are_placed_by_groups_of_theirs_or_of_all() {
    let group = |image: Image, sequence: &str| {
        image.with_item(sequence, &Image::empty().with("ImagePositionPatient", "0\\0\\0"))
    };
    let all = ["PixelMeasuresSequence", "PlanePositionSequence", "PlaneOrientationSequence"];
    let whole = all.iter().fold(Image::empty(), |image, sequence| group(image, sequence));
    let shared = Image::empty().with_item("SharedFunctionalGroupsSequence", &whole);
    check("frame_geometry_lacking", &shared, texts(&[]));
    check("frame_geometry_lacking", &Image::empty(), texts(&all));
    let position = group(Image::empty(), "PlanePositionSequence");
    let frames = Image::empty()
        .with_item("PerFrameFunctionalGroupsSequence", &position)
        .with_item("PerFrameFunctionalGroupsSequence", &Image::empty());
    check("frame_geometry_lacking", &frames, texts(&all));
}

#[test]
fn frames_are_counted() {
    let frames = |count: &str| Image::chest_ct().with("NumberOfFrames", count);
    check("frames", &Image::chest_ct(), 1_i64);
    check("frames", &frames("16"), 16_i64);
    check("frames", &frames("0"), UNKNOWN);
    check("frames", &frames("1.5"), UNKNOWN);
    check("frames", &frames("many"), UNKNOWN);
    check("frames", &Image::empty(), UNKNOWN);
}

#[test]
fn frames_have_times() {
    let run = Image::chest_ct().with("NumberOfFrames", "3");
    check("frame_times", &run, UNKNOWN);
    check("frame_times", &run.clone().with("FrameTime", "40"), 3_i64);
    check("frame_times", &run.clone().with("FrameTime", "0"), UNKNOWN);
    check("frame_times", &run.clone().with("FrameTime", "fast"), UNKNOWN);
    check("frame_times", &run.clone().with("CineRate", "25"), 3_i64);
    check("frame_times", &run.with("FrameTimeVector", "0\\40"), 2_i64);
}

#[test]
fn native_pixel_data_has_room_for_frames() {
    let image = Image::chest_ct();
    check("native_frames", &image, 1_i64);
    check("native_frames", &image.clone().with("PixelData", vec![0; 24]), 3_i64);
    check("native_frames", &image.clone().with("PixelData", vec![0; 6]), 0_i64);
    check("native_frames", &image.clone().with("Rows", 0), UNKNOWN);
    check("native_frames", &image.without("PixelData"), UNKNOWN);
}

#[test]
fn ultrasound_regions_have_a_scale() {
    let region = |units: u16, delta: f64| {
        Image::empty()
            .with("PhysicalUnitsXDirection", units)
            .with("PhysicalUnitsYDirection", units)
            .with("PhysicalDeltaX", delta.to_le_bytes().to_vec())
            .with("PhysicalDeltaY", delta.to_le_bytes().to_vec())
    };
    let with =
        |image: Image, region: &Image| image.with_item("SequenceOfUltrasoundRegions", region);
    let scaled = with(Image::empty(), &region(3, 0.02));
    check("us_regions", &scaled, 1_i64);
    check("us_regions_scaled", &scaled, true);
    check("us_regions_scaled", &with(scaled.clone(), &region(3, 0.0)), false);
    check("us_regions_scaled", &with(scaled, &region(0, 0.0)), true);
    let without = Image::empty().with("PhysicalUnitsXDirection", 3);
    check("us_regions_scaled", &with(Image::empty(), &without), false);
    check("us_regions", &Image::empty(), UNKNOWN);
    check("us_regions_scaled", &Image::empty(), UNKNOWN);
}

#[test]
fn an_injection_has_a_nuclide_a_dose_and_a_time() {
    let sequence = "RadiopharmaceuticalInformationSequence";
    let whole = Image::empty()
        .with("RadiopharmaceuticalStartTime", "083000")
        .with("RadionuclideTotalDose", "370000000")
        .with_item("RadionuclideCodeSequence", &code("77004003"));
    let with = |injection: &Image| Image::empty().with_item(sequence, injection);
    let fact = "radiopharmaceutical_lacking";
    check(fact, &with(&whole), texts(&[]));
    check(
        fact,
        &with(&whole.clone().without("RadionuclideTotalDose")),
        texts(&["RadionuclideTotalDose"]),
    );
    let nothing = whole.with("RadionuclideTotalDose", "0").without("RadiopharmaceuticalStartTime");
    let lacking = texts(&["RadionuclideTotalDose", "RadiopharmaceuticalStartDateTime"]);
    check(fact, &with(&nothing), lacking);
    check(fact, &Image::empty(), texts(&[sequence]));
    for (weight, want) in [("65.5", true), ("0", false), ("heavy", false), ("", false)] {
        check("weight_given", &Image::empty().with("PatientWeight", weight), want);
    }
    check("weight_given", &Image::empty(), false);
}

#[test]
fn classes_may_bear_a_mark_or_never() {
    let class = |uid: &str| Image::empty().with("SOPClassUID", uid);
    check("markable_class", &class(CT_IMAGE), true);
    check("markable_class", &class("1.2.840.10008.5.1.4.1.1.6.1"), true);
    check("markable_class", &class("1.2.840.10008.5.1.4.1.1.7"), false);
    check("markable_class", &class("garbage"), false);
    check("markable_class", &Image::empty(), UNKNOWN);
    check("class_modality", &class(CT_IMAGE), "CT");
    check("class_modality", &class("1.2.840.10008.5.1.4.1.1.7"), UNKNOWN);
    check("class_modality", &Image::empty(), UNKNOWN);
    check("auxiliary_class", &class(CT_IMAGE), false);
    check("auxiliary_class", &class("1.2.840.10008.5.1.4.1.1.7"), false);
    check("auxiliary_class", &class("1.2.840.10008.5.1.4.1.1.88.67"), true);
    check("auxiliary_class", &class("1.2.840.10008.5.1.4.1.1.66.4"), true);
    check("auxiliary_class", &Image::empty(), UNKNOWN);
}

#[test]
fn screens_and_pages_are_known_by_what_they_say() {
    let types = |types: &str| Image::empty().with("ImageType", types);
    check("screen_capture", &types("DERIVED\\SECONDARY\\SCREEN SAVE"), true);
    check("screen_capture", &types("ORIGINAL\\PRIMARY\\AXIAL"), false);
    let series = |text: &str| {
        Image::empty().with("SpecificCharacterSet", "GB18030").with("SeriesDescription", gb(text))
    };
    check("screen_capture", &series("Dose Report"), true);
    check("screen_capture", &series("PATIENT PROTOCOL"), true);
    check("screen_capture", &series("屏幕截图"), true);
    check("screen_capture", &series("胸部 1.25mm"), false);
    check("screen_capture", &Image::empty(), false);
}

#[test]
fn what_stands_in_the_pixels_is_not_read() {
    for rule in ["IMG-DR-017", "IMG-US-003"] {
        let class = if rule == "IMG-DR-017" { "1.1" } else { "6.1" };
        let class = format!("1.2.840.10008.5.1.4.1.1.{class}");
        let image = Image::chest_ct().with("SOPClassUID", class.as_str());
        let assessment = image.look(|subject| built_in().assess(subject));
        assert!(assessment.undecided.iter().any(|id| id == rule), "{rule} is for a person");
        assert!(assessment.findings.iter().all(|finding| finding.rule != rule), "{rule}");
        let ct = Image::chest_ct().look(|subject| built_in().assess(subject));
        assert!(!ct.undecided.iter().any(|id| id == rule), "{rule} is not about CT");
    }
}
