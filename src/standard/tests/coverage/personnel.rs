//! Who operated the equipment, as the site's registry knows them.

use std::sync::LazyLock;

use jiff::civil::{Date, date};

use super::*;
use crate::dicom::tags;
use crate::standard::{Grade, OperatorRow, Personnel};
use Severity::Warn;

/// 技士 Jia, 技师 Yi, and 技师 Bing whose first aid is over.
static REGISTRY: LazyLock<Personnel> = LazyLock::new(|| {
    let row = |code: &str, name: &str, grade, first_aid: Date| OperatorRow {
        code: code.to_owned(),
        names: vec![name.to_owned()],
        grade,
        valid_from: None,
        valid_to: None,
        radiation_protection: Some(date(2027, 12, 31)),
        critical_value: Some(date(2027, 12, 31)),
        first_aid: Some(first_aid),
        devices: vec!["*".to_owned()],
    };
    let rows = vec![
        row("T1", "Jia", Grade::Technician, date(2027, 12, 31)),
        row("T2", "Yi", Grade::Technologist, date(2027, 12, 31)),
        row("T3", "Bing", Grade::Technologist, date(2026, 1, 1)),
    ];
    Personnel::build(rows).expect("a registry")
});

/// An image that these operated, at a site with a registry.
fn by(kind: Kind, names: &str) -> Example {
    let image = phantom(kind).text(tags::OPERATORS_NAME, names);
    Example::from(image).named(names).arriving(|arrival| arrival.personnel = Some(&REGISTRY))
}

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::of("PER-001")
            .passes(phantom(Kind::Ct))
            .fails(Warn, phantom(Kind::Ct).without(tags::OPERATORS_NAME)),
        Case::of("PER-002")
            .passes(by(Kind::Ct, "Yi"))
            .fails(Warn, by(Kind::Ct, "Ding"))
            .not_applicable(phantom(Kind::Ct)),
        Case::of("PER-003")
            .passes(by(Kind::Ct, "Yi"))
            .passes(by(Kind::Dx, "Jia"))
            .fails(Warn, by(Kind::Ct, "Jia"))
            .fails(Warn, by(Kind::Mr, "Jia"))
            .not_applicable(by(Kind::Ct, "Ding")),
        Case::of("PER-004")
            .passes(by(Kind::Ct, "Yi"))
            .fails(Warn, by(Kind::Ct, "Bing"))
            .not_applicable(phantom(Kind::Ct)),
        Case::of("PER-005")
            .passes(by(Kind::Ct, "Jia\\Yi"))
            .fails(Warn, by(Kind::Ct, "Jia\\Bing"))
            .not_applicable(by(Kind::Ct, "Yi")),
    ]
}
