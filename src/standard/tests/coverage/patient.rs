//! The patient.

use super::*;
use crate::dicom::tags;
use Severity::{Block, Quarantine, Warn};

pub(super) fn cases() -> Vec<Case> {
    let ct = || phantom(Kind::Ct);
    let named = |name: &str| ct().text(tags::PATIENT_NAME, name);
    let born = |date: &str| ct().text(tags::PATIENT_BIRTH_DATE, date);
    let infant = |age: &str| born("20260501").text(tags::PATIENT_AGE, age);
    let resident = || {
        born("19491231")
            .text(tags::PATIENT_ID, "11010519491231002X")
            .text(tags::PATIENT_SEX, "F")
            .text(tags::PATIENT_AGE, "076Y")
    };
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
        // The example of GB 11643-1999, which is nobody's.
        Case::of("IMG-PAT-008")
            .passes(resident())
            .fails(Warn, resident().text(tags::PATIENT_ID, "110105194912310021"))
            .fails(Warn, resident().text(tags::PATIENT_BIRTH_DATE, "19500101"))
            .fails(Warn, resident().text(tags::PATIENT_SEX, "M"))
            .not_applicable(ct()),
        Case::of("IMG-PAT-013")
            .passes(resident().text(tags::STUDY_DESCRIPTION, "子宫MR平扫"))
            .fails(Block, resident().text(tags::STUDY_DESCRIPTION, "前列腺MR平扫"))
            .fails(Block, resident().text(tags::BODY_PART_EXAMINED, "PROSTATE"))
            .not_applicable(ct()),
        Case::of("IMG-PAT-014")
            .for_a_person(Example::from(ct()).where_parameter("order_gate", true))
            .not_applicable(ct()),
        Case::of("IMG-PAT-011")
            .passes(ct())
            .fails(Block, ct().text(tags::PATIENT_IDENTITY_REMOVED, "YES")),
        Case::of("IMG-PAT-012")
            .passes(ct())
            .fails(Block, ct().text(tags::QUALITY_CONTROL_IMAGE, "YES")),
    ]
}
