//! What conditions see of an object.

use super::*;
use crate::expression::{Environment as _, Expression, Truth, Value};

#[track_caller]
fn check(keyword: &str, image: &Image, want: impl Into<Value>) {
    let tag = tag_of(keyword).expect("a keyword of the dictionary");
    assert_eq!(image.look(|subject| subject.attribute(tag)), want.into(), "{keyword}");
}

#[test]
fn values_have_the_type_of_their_vr() {
    let image = Image::chest_ct()
        .with("SliceThickness", "5")
        .with("PixelSpacing", "0.7\\0.8")
        .with("StudyDate", "2026.05.20");
    check("Modality", &image, "CT");
    check("Rows", &image, 2_i64);
    check("InstanceNumber", &image, 17_i64);
    check("SliceThickness", &image, 5.0);
    check("PixelSpacing", &image, vec![0.7.into(), 0.8.into()]);
    check("StudyDate", &image, "20260520");
    check("PatientName", &image, "Zhang^Sanfeng=张^三丰");
    check("PixelData", &image, 8_i64);
    let types = ["ORIGINAL", "PRIMARY", "AXIAL"].map(Value::from).to_vec();
    check("ImageType", &image, types);
}

#[test]
fn the_absent_the_empty_and_the_unreadable_are_unknown() {
    let image = Image::chest_ct().with("SliceThickness", "thick").with("PatientID", "  ");
    for keyword in ["SliceThickness", "PatientID", "FocalSpots", "ViewCodeSequence"] {
        check(keyword, &image, Value::Unknown);
    }
    check("ImageType", &Image::chest_ct().with("ImageType", "\\"), Value::Unknown);
    let half = vec![Value::Unknown, "PRIMARY".into()];
    check("ImageType", &Image::chest_ct().with("ImageType", "\\PRIMARY"), half);
}

#[test]
fn sequences_are_counted_and_their_items_reached() {
    let code = Image::empty().with("CodeValue", "399162004");
    let image =
        Image::chest_ct().with_item("ViewCodeSequence", &code).with_item("ViewCodeSequence", &code);
    check("ViewCodeSequence", &image, vec![Value::Unknown, Value::Unknown]);
    let holds = |source: &str| {
        let expression = Expression::compile(source, &declarations()).expect("an expression");
        image.look(|subject| expression.holds(subject))
    };
    assert_eq!(holds("size(dcm.ViewCodeSequence) == 2"), Truth::True);
    assert_eq!(holds("dcm.ViewCodeSequence[1].CodeValue == '399162004'"), Truth::True);
    assert_eq!(holds("dcm.ViewCodeSequence[2].CodeValue == '399162004'"), Truth::Unknown);
}

#[test]
fn the_association_is_seen() {
    Image::chest_ct().look(|subject| {
        assert_eq!(subject.variable("calling_aet"), "CT01".into());
        assert_eq!(subject.variable("called_aet"), "MARKGATE".into());
        assert_eq!(subject.variable("peer"), "127.0.0.1".into());
        assert_eq!(subject.variable("nobody"), Value::Unknown);
    });
}

#[test]
fn nothing_of_the_patient_is_printed() {
    Image::chest_ct().look(|subject| {
        let printed = format!("{subject:?}");
        assert!(!printed.contains("0012345678") && !printed.contains('张'), "{printed}");
    });
}

#[test]
fn an_empty_object_is_assessed_too() {
    Image::empty().look(|subject| {
        let assessment = built_in().assess(subject);
        assert_eq!(assessment.severity(), Some(Severity::Quarantine));
        assert_eq!(assessment.undecided, Vec::<String>::new());
        let held: Vec<&str> = assessment.quarantining().map(|f| f.rule.as_str()).collect();
        assert_eq!(held, ["IMG-ENC-003", "IMG-PAT-003", "IMG-STU-001"]);
    });
}
