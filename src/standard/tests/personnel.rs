//! What the registry of operators makes of an image.

use jiff::civil::date;

use super::*;
use crate::expression::Value;

fn operator(code: &str, name: &str, grade: Grade) -> OperatorRow {
    let valid = Some(date(2027, 12, 31));
    OperatorRow {
        code: code.to_owned(),
        names: vec![name.to_owned()],
        grade,
        valid_from: None,
        valid_to: None,
        radiation_protection: valid,
        critical_value: valid,
        first_aid: valid,
        devices: vec!["*".to_owned()],
    }
}

/// 技士 甲, 技师 乙, and 技师 丙 whose first aid is over.
fn registry() -> Personnel {
    let late = OperatorRow {
        first_aid: Some(date(2026, 1, 1)),
        ..operator("T3", "丙", Grade::Technologist)
    };
    let rows = vec![
        operator("T1", "甲", Grade::Technician),
        operator("T2", "乙", Grade::Technologist),
        late,
    ];
    Personnel::build(rows).expect("a registry")
}

/// The severity of one rule's finding; unknown rules and undecided ones fail the test.
#[track_caller]
fn check(rule: &str, image: &Image, registry: Option<&Personnel>, want: Option<Severity>) {
    let rules = built_in();
    assert!(rules.rules().iter().any(|known| known.id == rule), "no rule {rule}");
    let found = image.look_with(registry, |subject| {
        let found = rules.assess(subject).findings;
        found.into_iter().find(|finding| finding.rule == rule)
    });
    assert_eq!(found.map(|finding| finding.severity), want, "{rule}");
}

fn of(names: &str) -> Image {
    Image::chest_ct().with("OperatorsName", gb(names))
}

fn coded(code: &str) -> Image {
    let code = Image::empty().with("CodeValue", code).with("CodingSchemeDesignator", "99HOSPITAL");
    let person = Image::empty().with_item("PersonIdentificationCodeSequence", &code);
    Image::chest_ct().without("OperatorsName").with_item("OperatorIdentificationSequence", &person)
}

const WARN: Option<Severity> = Some(Severity::Warn);

#[test]
fn an_image_names_who_operated() {
    check("PER-001", &of("乙"), None, None);
    check("PER-001", &coded("T2"), None, None);
    check("PER-001", &Image::chest_ct().without("OperatorsName"), None, WARN);
    check("PER-001", &Image::chest_ct().with("OperatorsName", ""), None, WARN);
}

#[test]
fn without_a_registry_nothing_is_said_of_operators() {
    for rule in ["PER-002", "PER-003", "PER-004", "PER-005"] {
        check(rule, &of("丁"), None, None);
        check(rule, &of("丁"), Some(&Personnel::default()), None);
    }
}

#[test]
fn operators_are_known_by_code_and_else_by_name() {
    let registry = registry();
    for image in [of("乙"), of("乙\\丁"), coded("t2")] {
        check("PER-002", &image, Some(&registry), None);
    }
    check("PER-002", &of("丁"), Some(&registry), WARN);
    check("PER-002", &coded("T9"), Some(&registry), WARN);
    // A code goes before the name beside it.
    let both = coded("T1").with("OperatorsName", gb("乙"));
    let grade = both.look_with(Some(&registry), |subject| subject.fact("operator_grade"));
    assert_eq!(grade, Value::Int(1));
}

#[test]
fn ct_asks_for_a_technologist_and_radiography_for_a_technician() {
    let registry = registry();
    check("PER-003", &of("乙"), Some(&registry), None);
    check("PER-003", &of("甲"), Some(&registry), WARN);
    check("PER-003", &of("甲\\乙"), Some(&registry), None);
    check("PER-003", &of("丁"), Some(&registry), None);
    let dx = "1.2.840.10008.5.1.4.1.1.1.1";
    let radiograph = of("甲").with("Modality", "DX").with("SOPClassUID", dx);
    check("PER-003", &radiograph, Some(&registry), None);
}

#[test]
fn trainings_hold_on_the_day_of_the_examination() {
    let registry = registry();
    check("PER-004", &of("乙"), Some(&registry), None);
    check("PER-004", &of("丙"), Some(&registry), WARN);
    check("PER-004", &of("丙\\乙"), Some(&registry), None);
    let missing = of("丙").look_with(Some(&registry), |subject| subject.fact("training_missing"));
    assert_eq!(missing, vec![Value::from("first_aid")].into());
    let before = of("丙").with("AcquisitionDate", "20251231");
    check("PER-004", &before, Some(&registry), None);
}

#[test]
fn of_several_one_has_both_grade_and_trainings() {
    let registry = registry();
    check("PER-005", &of("甲\\丙"), Some(&registry), WARN);
    check("PER-005", &of("甲\\乙"), Some(&registry), None);
    check("PER-005", &of("甲"), Some(&registry), None);
}
