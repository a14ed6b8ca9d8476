//! Facts that the rules alone do not show.

use super::*;
use crate::expression::Value;
use crate::standard::facts::FACTS;

#[track_caller]
fn check(fact: &str, image: &Image, want: impl Into<Value>) {
    assert_eq!(image.look(|subject| subject.fact(fact)), want.into(), "fact.{fact}");
}

/// An unknown text.
const NONE: Option<&str> = None;

#[test]
fn the_exam_date_is_the_first_that_is_given() {
    let all = Image::chest_ct()
        .with("AcquisitionDate", "20260401")
        .with("AcquisitionDateTime", "20260331200000+0000")
        .with("SeriesDate", "20260403")
        .with("StudyDate", "20260404");
    check("exam_date", &all, "20260401");
    let all = all.without("AcquisitionDate").with("AcquisitionDateTime", "20260401200000+0000");
    check("exam_date", &all, "20260402");
    let all = all.without("AcquisitionDateTime");
    check("exam_date", &all, "20260403");
    let frame = Image::empty().with("FrameAcquisitionDateTime", "20260330");
    let content = Image::empty().with_item("FrameContentSequence", &frame);
    let enhanced = all.clone().with_item("PerFrameFunctionalGroupsSequence", &content);
    check("exam_date", &enhanced, "20260330");
    let all = all.with("SeriesDate", "");
    check("exam_date", &all, "20260404");
    check("exam_date", &all.clone().without("StudyDate"), NONE);
    check("exam_date", &all.clone().with("StudyDate", "2026.04.04"), "20260404");
}

#[test]
fn a_given_date_that_is_none_is_not_passed_over() {
    check("exam_date", &Image::chest_ct().with("AcquisitionDate", "00000000"), NONE);
    check("exam_date", &Image::chest_ct().with("AcquisitionDate", "garbage"), NONE);
}

#[test]
fn clinical_images_are_of_a_patient() {
    check("clinical", &Image::chest_ct(), true);
    check("clinical", &Image::chest_ct().with("QualityControlImage", "YES"), false);
    check("clinical", &Image::chest_ct().with("PatientIdentityRemoved", "YES"), false);
    check("clinical", &Image::chest_ct().with("PatientName", "QC^Daily"), false);
    check("clinical", &Image::chest_ct().with("PatientID", "9999"), false);
    check("clinical", &Image::chest_ct().with("PatientName", gb("无名氏007")), true);
    check("clinical", &Image::empty(), true);
}

#[test]
fn the_institution_s_name_is_decoded() {
    check("institution_name", &Image::chest_ct(), "北京友谊医院");
    let undeclared = Image::chest_ct().without("SpecificCharacterSet");
    check("institution_name", &undeclared.clone().read_as("GBK"), "北京友谊医院");
    assert_ne!(undeclared.look(|subject| subject.fact("institution_name")), "北京友谊医院".into());
    check("institution_name", &Image::empty(), NONE);
    // A backslash may be the second byte of a character.
    check(
        "institution_name",
        &Image::chest_ct().with("InstitutionName", gb("運城醫院誠")),
        "運城醫院誠",
    );
}

#[test]
fn names_lose_their_separators() {
    check("patient_name", &Image::chest_ct(), "Zhang Sanfeng 张 三丰");
    let groups = Image::chest_ct().with("PatientName", gb("Zhang^San=张^三="));
    check("patient_name", &groups, "Zhang San 张 三");
}

#[test]
fn ages_are_whole_years() {
    check("age", &Image::chest_ct(), 64_i64);
    check("age", &Image::chest_ct().with("PatientBirthDate", "19620521"), 63_i64);
    check("age", &Image::chest_ct().with("PatientBirthDate", "20260521"), -1_i64);
    check("age", &Image::chest_ct().with("PatientBirthDate", ""), None::<i64>);
}

#[test]
fn the_side_comes_from_the_nearest_place() {
    check("laterality", &Image::chest_ct(), NONE);
    let series = Image::chest_ct().with("Laterality", "L");
    check("laterality", &series, "L");
    let anatomy = Image::empty().with("FrameLaterality", "B");
    let shared = Image::empty().with_item("FrameAnatomySequence", &anatomy);
    let frames = series.with_item("SharedFunctionalGroupsSequence", &shared);
    check("laterality", &frames, "B");
    check("laterality", &frames.with("ImageLaterality", "R"), "R");
}

#[test]
fn a_body_region_may_stand_in_the_shared_groups() {
    let code = Image::empty().with("CodeValue", "69536005");
    let anatomy = Image::empty().with_item("AnatomicRegionSequence", &code);
    let shared = Image::empty().with_item("FrameAnatomySequence", &anatomy);
    let image = Image::chest_ct().without("BodyPartExamined");
    check("body_region", &image.with_item("SharedFunctionalGroupsSequence", &shared), "69536005");
}

#[test]
fn images_are_known_by_class_or_by_pixels() {
    check("is_image", &Image::chest_ct(), true);
    check("is_image", &Image::chest_ct().without("PixelData"), true);
    let report = Image::empty().with("SOPClassUID", "1.2.840.10008.5.1.4.1.1.88.33");
    check("is_image", &report, false);
    let private = Image::empty().with("SOPClassUID", "1.2.3.4").with("PixelData", vec![0, 0]);
    check("is_image", &private, true);
    check("is_image", &Image::empty(), false);
}

#[test]
fn the_facts_of_an_empty_object_are_computed_too() {
    Image::empty().look(|subject| {
        for fact in FACTS {
            let _value: Value = subject.fact(fact.name);
        }
        assert_eq!(subject.fact("no_such_fact"), Value::Unknown);
    });
}

#[test]
fn facts_have_the_kinds_they_are_declared_with() {
    use crate::expression::Kind;
    let image = Image::chest_ct().with("PatientAge", "066Y").with("LossyImageCompression", "01");
    image.look(|subject| {
        for fact in FACTS {
            let fits = matches!(
                (fact.kind, subject.fact(fact.name)),
                (_, Value::Unknown)
                    | (Kind::Bool, Value::Bool(_))
                    | (Kind::Text, Value::Text(_))
                    | (Kind::Number, Value::Int(_) | Value::Double(_))
                    | (Kind::Numbers | Kind::Texts, Value::List(_))
            );
            assert!(fits, "fact.{}", fact.name);
        }
    });
    let mut names: Vec<&str> = FACTS.iter().map(|fact| fact.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), FACTS.len());
}
