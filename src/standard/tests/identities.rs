//! Numbers of residents, names of institutions, documents that take images back, and as what an object was announced.

use super::*;
use crate::expression::Value;
use jiff::civil::Date;

#[track_caller]
fn check(fact: &str, image: &Image, want: impl Into<Value>) {
    assert_eq!(image.look(|subject| subject.fact(fact)), want.into(), "fact.{fact}");
}

const UNKNOWN: Value = Value::Unknown;
/// The example of GB 11643-1999: a woman, born on the last day of 1949.
const EXAMPLE: &str = "11010519491231002X";

fn resident() -> Image {
    Image::chest_ct()
        .with("PatientID", EXAMPLE)
        .with("PatientBirthDate", "19491231")
        .with("PatientSex", "F")
}

#[test]
fn a_number_agrees_with_its_check_character_birth_date_and_sex() {
    for fact in ["id_number_valid", "id_number_matches_birth_date", "id_number_matches_sex"] {
        check(fact, &resident(), true);
        check(fact, &Image::chest_ct(), UNKNOWN);
        check(fact, &Image::empty(), UNKNOWN);
        check(fact, &resident().with("PatientID", "11010519491331002X"), UNKNOWN);
    }
    check("id_number_valid", &resident().with("PatientID", "110105194912310021"), false);
    let birth = "id_number_matches_birth_date";
    check(birth, &resident().with("PatientBirthDate", "19500101"), false);
    check(birth, &resident().with("PatientBirthDate", ""), UNKNOWN);
    let sex = "id_number_matches_sex";
    check(sex, &resident().with("PatientSex", "M"), false);
    check(sex, &resident().with("PatientSex", "O"), UNKNOWN);
}

#[test]
fn a_number_may_stand_among_other_ids() {
    let other = Image::empty().with("PatientID", EXAMPLE);
    let first = Image::empty().with("PatientID", "4711");
    let listed = resident()
        .with("PatientID", "4711")
        .with_item("OtherPatientIDsSequence", &first)
        .with_item("OtherPatientIDsSequence", &other);
    check("id_number_valid", &listed, true);
    let retired =
        resident().with("PatientID", "4711").with("OtherPatientIDs", "1\\11010519491231002X");
    check("id_number_valid", &retired, true);
}

#[test]
fn nothing_tells_the_number() {
    resident().look(|subject| {
        for fact in super::super::facts::FACTS.iter().filter(|fact| !fact.identifying) {
            let told = subject.fact(fact.name).to_string();
            assert!(!told.contains(EXAMPLE), "fact.{}", fact.name);
        }
    });
}

#[derive(Debug)]
struct Friendship;

impl OwnNames for Friendship {
    fn is_own(&self, name: &str, day: Option<Date>) -> bool {
        name == "北京友谊医院" && day.is_some()
    }
}

/// What a fact says of an image that comes from a mapped sender, announced as `announced`.
fn arrived(image: &Image, announced: Announced<'_>, fact: &str) -> Value {
    let bytes = image.bytes();
    let scan = scan_reader(bytes.as_slice(), TransferSyntax::of(EXPLICIT), Limits::default());
    let scan = scan.expect("memory can be read");
    let arrival = Arrival { announced, institution: Some(&Friendship), ..arrival() };
    Subject::new(&scan.header, arrival).fact(fact)
}

#[test]
fn a_name_is_held_against_those_of_the_mapped_institution() {
    let own = |image: &Image| arrived(image, Announced::default(), "institution_own");
    assert_eq!(own(&Image::chest_ct()), true.into());
    assert_eq!(own(&Image::chest_ct().with("InstitutionName", gb("天津医院"))), false.into());
    assert_eq!(own(&Image::chest_ct().with("InstitutionName", "")), UNKNOWN);
    check("institution_own", &Image::chest_ct(), UNKNOWN);
    check("institution_mapped", &Image::chest_ct(), false);
    let mapped = arrived(&Image::empty(), Announced::default(), "institution_mapped");
    assert_eq!(mapped, true.into());
}

#[test]
fn an_object_is_what_it_was_announced_as() {
    let announced = Announced { sop_class: CT_IMAGE, sop_instance: "1.2.3" };
    let told = |fact| arrived(&Image::chest_ct(), announced, fact);
    assert_eq!(told("announced_sop_class"), CT_IMAGE.into());
    assert_eq!(told("announced_sop_instance"), "1.2.3".into());
    check("announced_sop_class", &Image::chest_ct(), UNKNOWN);
    check("announced_sop_instance", &Image::chest_ct(), UNKNOWN);
}

#[test]
fn rejections_are_key_objects_with_certain_titles() {
    const KEY_OBJECT: &str = "1.2.840.10008.5.1.4.1.1.88.59";
    let title = |scheme: &str, value: &str| {
        let title = Image::empty().with("CodeValue", value).with("CodingSchemeDesignator", scheme);
        Image::empty().with("SOPClassUID", KEY_OBJECT).with_item("ConceptNameCodeSequence", &title)
    };
    check("rejection_note", &title("DCM", "113001"), "QUALITY");
    check("rejection_note", &title("DCM", "113037"), "PATIENT SAFETY");
    check("rejection_note", &title("DCM", "113038"), "WRONG WORKLIST ENTRY");
    check("rejection_note", &title("DCM", "113000"), UNKNOWN);
    check("rejection_note", &title("99LOCAL", "113001"), UNKNOWN);
    check("rejection_note", &title("DCM", "113001").with("SOPClassUID", CT_IMAGE), UNKNOWN);
    check("rejection_note", &Image::empty(), UNKNOWN);
    let instance = Image::empty().with("ReferencedSOPInstanceUID", "1.2.3");
    let series = Image::empty()
        .with_item("ReferencedSOPSequence", &instance)
        .with_item("ReferencedSOPSequence", &instance);
    let study = Image::empty().with_item("ReferencedSeriesSequence", &series);
    let note = title("DCM", "113001");
    let note = note.with_item("CurrentRequestedProcedureEvidenceSequence", &study);
    check("rejected_instances", &note, 2_i64);
    check("rejected_instances", &title("DCM", "113001"), 0_i64);
    check("rejected_instances", &Image::chest_ct(), UNKNOWN);
}

#[test]
fn characters_in_the_alphabetic_group_are_seen() {
    let name = |name: &str| Image::chest_ct().with("PatientName", gb(name));
    check("han_in_alphabetic_group", &name("张^三丰"), true);
    check("han_in_alphabetic_group", &name("Zhang^San=张^三丰"), false);
    check("han_in_alphabetic_group", &name("Zhang^San"), UNKNOWN);
    check("han_in_alphabetic_group", &Image::empty(), UNKNOWN);
}

#[test]
fn backslashes_within_characters_are_seen() {
    let listed = |keyword: &str| Value::from(vec![Value::from(keyword)]);
    let fact = "backslash_within_characters";
    let none = Value::from(Vec::new());
    check(fact, &Image::chest_ct(), none.clone());
    let institution = Image::chest_ct().with("InstitutionName", gb("運城醫院"));
    check(fact, &institution, listed("InstitutionName"));
    let separated = Image::chest_ct().with("OtherPatientNames", gb("王^明\\李^明"));
    check(fact, &separated, none.clone());
    check(fact, &Image::empty(), none);
}
