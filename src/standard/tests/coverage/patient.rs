//! The patient.

use super::*;
use crate::dicom::tags;
use Severity::{Block, Quarantine, Warn};

pub(super) fn cases() -> Vec<Case> {
    let ct = || phantom(Kind::Ct);
    let named = |name: &str| ct().text(tags::PATIENT_NAME, name);
    let born = |date: &str| ct().text(tags::PATIENT_BIRTH_DATE, date);
    let infant = |age: &str| born("20260501").text(tags::PATIENT_AGE, age);
    vec![
        Case::of("IMG-PAT-001").passes(ct()).fails(Block, named("^^")),
        Case::of("IMG-PAT-002")
            .passes(ct())
            .fails(Block, named("TEST^PATIENT"))
            .fails(Block, ct().text(tags::PATIENT_ID, "00000000"))
            .fails(Warn, named("无名氏007")),
        Case::of("IMG-PAT-003")
            .passes(ct())
            .fails(Quarantine, ct().text(tags::PATIENT_ID, ""))
            .fails(Block, Example::from(ct()).where_parameter("patient_id_pattern", "^[0-9]{10}$")),
        Case::of("IMG-PAT-004")
            .passes(ct())
            .passes(ct().without(tags::PATIENT_AGE))
            .fails(Block, born("").without(tags::PATIENT_AGE)),
        Case::of("IMG-PAT-005")
            .passes(ct())
            .fails(Block, born("19000101"))
            .fails(Block, born("20260507"))
            .not_applicable(born("")),
        Case::of("IMG-PAT-006")
            .passes(infant("005D"))
            .fails(Warn, infant("010D"))
            .fails(Block, ct().text(tags::PATIENT_AGE, "003Y"))
            .not_applicable(ct().without(tags::PATIENT_AGE)),
        Case::of("IMG-PAT-007")
            .passes(ct())
            .fails(Block, ct().text(tags::PATIENT_SEX, ""))
            .fails(Warn, ct().text(tags::PATIENT_SEX, "U")),
        Case::of("IMG-PAT-011")
            .passes(ct())
            .fails(Block, ct().text(tags::PATIENT_IDENTITY_REMOVED, "YES")),
        Case::of("IMG-PAT-012")
            .passes(ct())
            .fails(Block, ct().text(tags::QUALITY_CONTROL_IMAGE, "YES")),
    ]
}
