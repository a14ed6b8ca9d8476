//! Body part, descriptions, sides and sex against each other.

use super::*;
use crate::expression::Value;

#[track_caller]
fn check(fact: &str, image: &Image, want: impl Into<Value>) {
    assert_eq!(image.look(|subject| subject.fact(fact)), want.into(), "fact.{fact}");
}

fn texts(texts: &[&str]) -> Value {
    texts.iter().map(|text| Value::from(*text)).collect::<Vec<_>>().into()
}

const UNKNOWN: Value = Value::Unknown;

fn code(value: &str) -> Image {
    Image::empty().with("CodeValue", value).with("CodingSchemeDesignator", "SCT")
}

/// A radiograph of a left knee.
fn knee() -> Image {
    Image::chest_ct().with("BodyPartExamined", "KNEE").with("ImageLaterality", "L")
}

#[test]
fn regions_come_from_body_part_and_anatomic_region() {
    check("body_regions", &Image::chest_ct(), texts(&["CHEST"]));
    check(
        "body_regions",
        &Image::chest_ct().with("BodyPartExamined", gb("膝关节")),
        texts(&["KNEE"]),
    );
    let coded = Image::empty().with_item("AnatomicRegionSequence", &code("72696002"));
    check("body_regions", &coded, texts(&["KNEE"]));
    let anatomy = Image::empty().with_item("AnatomicRegionSequence", &code("T-D1100"));
    let shared = Image::empty().with_item("FrameAnatomySequence", &anatomy);
    let enhanced = Image::empty().with_item("SharedFunctionalGroupsSequence", &shared);
    check("body_regions", &enhanced, texts(&["HEAD"]));
    let meant = Image::empty().with("CodeValue", "9999999").with("CodeMeaning", "Wrist");
    let meant = Image::empty().with_item("AnatomicRegionSequence", &meant);
    check("body_regions", &meant, texts(&["WRIST"]));
    check("body_regions", &Image::empty(), texts(&[]));
}

#[test]
fn a_body_part_is_in_the_lexicon_or_not() {
    check("body_region_recognised", &Image::chest_ct(), true);
    check("body_region_recognised", &Image::chest_ct().with("BodyPartExamined", "XYZZY"), false);
    check("body_region_recognised", &Image::empty(), UNKNOWN);
}

#[test]
fn descriptions_of_other_regions_are_named() {
    let contradictions = "region_contradictions";
    check(contradictions, &Image::chest_ct(), texts(&[]));
    let series = Image::chest_ct().with("SeriesDescription", gb("腹部平扫"));
    check(contradictions, &series, texts(&["SeriesDescription"]));
    let both = Image::chest_ct().with("StudyDescription", gb("胸部+上腹部平扫"));
    check(contradictions, &both, texts(&[]));
    check(contradictions, &Image::chest_ct().with("ProtocolName", "HELICAL"), texts(&[]));
    // As ISO 8859-1 the same bytes are no Chinese.
    let misread = series.clone().with("SpecificCharacterSet", "ISO_IR 100");
    check(contradictions, &misread, texts(&[]));
    check(contradictions, &series.clone().with("BodyPartExamined", "XYZZY"), texts(&[]));
    check(contradictions, &series.without("BodyPartExamined"), texts(&[]));
    let region = Image::chest_ct().with_item("AnatomicRegionSequence", &code("69536005"));
    check(contradictions, &region, texts(&["AnatomicRegionSequence"]));
}

#[test]
fn the_order_is_told_apart_from_what_was_done() {
    let requested = Image::empty().with("RequestedProcedureDescription", "Abdomen CT");
    let ordered = Image::chest_ct().with_item("RequestAttributesSequence", &requested);
    check("region_contradictions", &ordered, texts(&[]));
    let named = texts(&["RequestedProcedureDescription"]);
    check("region_contradictions_of_order", &ordered, named.clone());
    let at_top = Image::chest_ct().with("RequestedProcedureDescription", gb("头颅CT"));
    check("region_contradictions_of_order", &at_top, named);
    check("region_contradictions_of_order", &Image::chest_ct(), texts(&[]));
}

#[test]
fn pairs_are_known_where_the_part_is() {
    check("paired_structure", &knee(), true);
    check("paired_structure", &Image::chest_ct(), false);
    check("paired_structure", &Image::chest_ct().with("BodyPartExamined", "XYZZY"), UNKNOWN);
    check("paired_structure", &Image::empty(), UNKNOWN);
}

#[test]
fn the_side_is_the_nearest_attribute_s() {
    check("side", &knee(), "L");
    check("side", &knee().with("Laterality", "R"), "L");
    check("side", &knee().with("ImageLaterality", "U").with("Laterality", "R"), "R");
    for nonsense in ["U", "LEFT", ""] {
        check("side", &knee().with("ImageLaterality", nonsense), UNKNOWN);
    }
    let region = code("72696002").with_item("AnatomicRegionModifierSequence", &code("24028007"));
    let coded = Image::empty().with_item("AnatomicRegionSequence", &region);
    check("side", &coded, "R");
}

#[test]
fn other_sides_are_named() {
    let contradictions = "side_contradictions";
    check(contradictions, &knee(), texts(&[]));
    check(contradictions, &knee().with("Laterality", "R"), texts(&["Laterality"]));
    check(contradictions, &knee().with("Laterality", "L"), texts(&[]));
    let series = knee().with("SeriesDescription", gb("右膝正位"));
    check(contradictions, &series, texts(&["SeriesDescription"]));
    check(contradictions, &knee().with("SeriesDescription", gb("左膝正位")), texts(&[]));
    check(contradictions, &knee().with("StudyDescription", gb("双膝正侧位")), texts(&[]));
    check(contradictions, &knee().with("ProtocolName", "KNEE RT"), texts(&["ProtocolName"]));
    check(contradictions, &knee().with("ProtocolName", "Knee right lateral"), texts(&[]));
    let both = series.clone().with("ImageLaterality", "B");
    check(contradictions, &both, texts(&["SeriesDescription"]));
    // What is no pair has directions, not sides.
    let chest = Image::chest_ct().with("Laterality", "L").with("SeriesDescription", gb("右肺"));
    check(contradictions, &chest, texts(&[]));
    let region = code("72696002").with_item("AnatomicRegionModifierSequence", &code("G-A100"));
    let coded = knee().with_item("AnatomicRegionSequence", &region);
    check(contradictions, &coded, texts(&["AnatomicRegionModifierSequence"]));
    check(contradictions, &Image::empty(), texts(&[]));
}

#[test]
fn both_sides_are_named_by_a_description_of_the_same_part() {
    let series = |text: &str| knee().with("SeriesDescription", gb(text));
    check("both_sides_named", &series("双膝立位"), true);
    check("both_sides_named", &series("左膝"), false);
    check("both_sides_named", &series("双手"), false);
    check("both_sides_named", &Image::empty(), false);
}

#[test]
fn what_one_sex_has_is_told() {
    let study = |text: &str| Image::chest_ct().with("StudyDescription", gb(text));
    check("sex_of_anatomy", &study("子宫附件MR平扫"), "F");
    check("sex_of_anatomy", &study("前列腺MR平扫"), "M");
    check("sex_of_anatomy", &study("胸部CT平扫"), UNKNOWN);
    check("sex_of_anatomy", &study("前列腺").with("ProtocolName", "UTERUS"), UNKNOWN);
    check("sex_of_anatomy", &Image::chest_ct().with("BodyPartExamined", "PROSTATE"), "M");
    check("sex_of_anatomy", &Image::empty(), UNKNOWN);
}
