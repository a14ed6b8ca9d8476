//! Views by position and by code.

use super::*;
use crate::standard::facts::views::{self, View};

const SCT: &str = "SCT";

fn code(value: &str, scheme: &str) -> Image {
    Image::empty().with("CodeValue", value).with("CodingSchemeDesignator", scheme)
}

fn with_code(image: Image, value: &str, scheme: &str) -> Image {
    image.with_item("ViewCodeSequence", &code(value, scheme))
}

fn word(view: Option<View>) -> Option<&'static str> {
    view.map(|view| view.word)
}

#[test]
fn view_position_is_understood_however_it_is_written() {
    for (position, want) in [
        ("PA", Some(("PA", None))),
        ("ap ", Some(("AP", None))),
        ("LL", Some(("LAT", Some('L')))),
        ("RL", Some(("LAT", Some('R')))),
        ("RLD", Some(("DECUB", Some('R')))),
        ("LLO", Some(("OBL", Some('L')))),
        ("R-MLO", Some(("MLO", Some('R')))),
        ("L CC", Some(("CC", Some('L')))),
        ("LATERAL", Some(("LAT", None))),
        ("XCCL", Some(("XCCL", None))),
        ("", None),
        ("SWIMMER", None),
        ("\\", None),
    ] {
        let image = Image::empty().with("ViewPosition", position);
        let found = image.look(views::by_position).map(|view| (view.word, view.side));
        assert_eq!(found, want, "{position}");
    }
    assert_eq!(Image::empty().look(views::by_position), None);
    let chinese = Image::chest_ct().with("ViewPosition", "后前位");
    assert_eq!(
        word(chinese.with("SpecificCharacterSet", "ISO_IR 192").look(views::view)),
        Some("PA")
    );
}

#[test]
fn view_codes_are_known_by_their_numbers_of_today_and_before() {
    for (value, scheme, want) in [
        ("272479007", SCT, Some("PA")),
        ("R-10214", "SRT", Some("PA")),
        ("399348003", SCT, Some("AP")),
        ("R-10206", "SNM3", Some("AP")),
        ("399173006", SCT, Some("LAT")),
        ("399162004", SCT, Some("CC")),
        ("R-10242", "SRT", Some("CC")),
        ("399368009", SCT, Some("MLO")),
        ("R-10226", "99SDM", Some("MLO")),
        ("399192008", SCT, Some("XCCL")),
        // The number of another scheme, and one that is no view.
        ("272479007", "99LOCAL", None),
        ("51185008", SCT, None),
        ("garbage", SCT, None),
    ] {
        let image = with_code(Image::empty(), value, scheme);
        assert_eq!(word(image.look(views::by_code)), want, "{value} {scheme}");
    }
    assert_eq!(Image::empty().look(views::by_code), None);
    let nothing = Image::empty().with_item("ViewCodeSequence", &Image::empty());
    assert_eq!(nothing.look(views::by_code), None);
}

#[test]
fn the_code_goes_before_the_position() {
    let image = Image::empty().with("ViewPosition", "AP");
    assert_eq!(word(image.look(views::view)), Some("AP"));
    let coded = with_code(image.clone(), "272479007", SCT);
    assert_eq!(word(coded.look(views::view)), Some("PA"));
    let unknown = with_code(image, "1", SCT);
    assert_eq!(word(unknown.look(views::view)), Some("AP"));
}

#[test]
fn position_and_code_agree_where_they_mean_the_same() {
    for (position, value, want) in [
        ("PA", "272479007", Some(true)),
        ("AP", "272479007", Some(false)),
        ("FRONTAL", "272479007", Some(true)),
        ("LL", "399173006", Some(true)),
        ("LL", "399198007", Some(false)),
        ("LL", "399067008", Some(true)),
        ("LATERAL", "399260004", Some(true)),
        ("RLD", "399348003", Some(true)),
        ("RLD", "399061009", Some(false)),
        ("LAO", "399135007", Some(true)),
        ("LAO", "399356000", Some(false)),
        ("CC", "399368009", Some(false)),
        ("SWIMMER", "272479007", None),
        ("PA", "1", None),
        ("", "272479007", None),
    ] {
        let image = with_code(Image::empty().with("ViewPosition", position), value, SCT);
        assert_eq!(image.look(views::positions_agree), want, "{position} {value}");
    }
}

#[test]
fn a_chest_is_known_by_word_or_code() {
    let part = |part: &str| Image::empty().with("BodyPartExamined", part);
    for (image, want) in [
        (part("CHEST"), true),
        (part("Thorax "), true),
        (part("TSPINE"), false),
        (part(""), false),
        (Image::empty(), false),
        (Image::empty().with_item("AnatomicRegionSequence", &code("51185008", SCT)), true),
        (Image::empty().with_item("AnatomicRegionSequence", &code("T-D3000", "SRT")), true),
        (Image::empty().with_item("AnatomicRegionSequence", &code("76752008", SCT)), false),
    ] {
        assert_eq!(image.look(views::is_chest), want);
    }
}

#[test]
fn who_is_upright_is_told_by_code_or_by_the_view() {
    let chest = Image::empty().with("BodyPartExamined", "CHEST");
    let lying = |image: &Image, number: &str| {
        image.clone().with_item("PatientOrientationCodeSequence", &code(number, SCT))
    };
    for (image, want) in [
        (chest.clone().with("ViewPosition", "PA"), Some(true)),
        (chest.clone().with("ViewPosition", "AP"), None),
        (chest.clone(), None),
        (Image::empty().with("ViewPosition", "PA"), None),
        (lying(&chest, "10904000"), Some(true)),
        (lying(&chest.clone().with("ViewPosition", "PA"), "102538003"), Some(false)),
        (lying(&chest, "1"), None),
    ] {
        assert_eq!(image.look(views::is_upright), want);
    }
}

#[test]
fn displaced_implants_are_told_by_a_modifier() {
    let view = |modifier: &str| {
        let view =
            code("399162004", SCT).with_item("ViewModifierCodeSequence", &code(modifier, SCT));
        Image::empty().with_item("ViewCodeSequence", &view)
    };
    assert!(view("399209000").look(views::is_implant_displaced));
    assert!(!view("399163009").look(views::is_implant_displaced));
    assert!(!Image::empty().look(views::is_implant_displaced));
}
