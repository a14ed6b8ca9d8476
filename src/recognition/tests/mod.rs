//! What the tests of this module share: a small registry and an object that is entitled to its widest mark.

mod building;
mod deciding;

use jiff::civil::{Date, date};

use super::*;
use crate::dicom::{Tag, tags};
use crate::expression::{Declarations, Environment, Value};

/// A modality and a body part for the conditions of items.
#[derive(Clone, Copy)]
pub(super) struct Object {
    pub modality: &'static str,
    pub body_part: &'static str,
}

impl Environment for Object {
    fn attribute(&self, tag: Tag) -> Value {
        match tag {
            tags::MODALITY => Value::from(self.modality),
            tags::BODY_PART_EXAMINED => Value::from(self.body_part),
            _ => Value::Unknown,
        }
    }

    fn variable(&self, _name: &str) -> Value {
        Value::Unknown
    }
}

pub(super) fn item(code: &str, when: &str, scopes: &[&str]) -> ItemRow {
    ItemRow {
        code: code.to_owned(),
        name: code.to_owned(),
        when: when.to_owned(),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
    }
}

pub(super) fn accreditation(items: &[&str], scope: &str, from: Date, to: Date) -> AccreditationRow {
    AccreditationRow {
        institution: "bfh".to_owned(),
        items: items.iter().map(|item| (*item).to_owned()).collect(),
        scope: scope.to_owned(),
        valid_from: from,
        valid_to: Some(to),
        status: AccreditationStatus::Active,
    }
}

/// One hospital that may mark chest CT for Beijing and for the region, and every item for Beijing.
pub(super) fn rows() -> Rows {
    let (from, to) = (date(2026, 4, 1), date(2027, 3, 31));
    Rows {
        scopes: Vec::new(),
        institutions: vec![InstitutionRow {
            id: "bfh".to_owned(),
            name: "首都医科大学附属北京友谊医院".to_owned(),
            short_name: None,
            latin_name: Some("Beijing Friendship Hospital".to_owned()),
            aliases: vec![Alias::always("北京友谊医院")],
        }],
        items: vec![
            item("CT", "dcm.Modality == 'CT'", &["BJHR", "JJJHR"]),
            item("HEAD", "dcm.BodyPartExamined == 'HEAD'", &["BJHR"]),
            item("US", "dcm.Modality == 'US'", &["BJHR"]),
        ],
        accreditations: vec![
            accreditation(&["CT"], "JJJHR", from, to),
            accreditation(&["*"], "BJHR", from, to),
        ],
    }
}

pub(super) fn build(rows: Rows) -> Registry {
    let built = Registry::build(rows, &Declarations::object(), "-");
    built.expect("rows without fault").0
}
