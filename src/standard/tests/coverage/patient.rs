//! The patient.

use super::*;
use crate::dicom::tags;
use Outcome::{Met, NotApplicable, NotMet};
use Severity::{Block, Quarantine, Warn};

pub(super) fn cases() -> Vec<Case> {
    let ct = || phantom(Kind::Ct);
    let named = |name: &str| ct().text(tags::PATIENT_NAME, name);
    let born = |date: &str| ct().text(tags::PATIENT_BIRTH_DATE, date);
    let resident = || {
        born("19491231")
            .text(tags::PATIENT_ID, "11010519491231002X")
            .text(tags::PATIENT_SEX, "F")
            .text(tags::PATIENT_AGE, "076Y")
    };
    vec![
        Case::of("IMG-PAT-001").passes(ct()).values(
            &ct(),
            tags::PATIENT_NAME,
            &[
                (None, NotMet(Block)),
                (Some(""), NotMet(Block)),
                (Some("^^^^"), NotMet(Block)),
                (Some(" = "), NotMet(Block)),
            ],
        ),
        Case::of("IMG-PAT-002")
            .values(
                &ct(),
                tags::PATIENT_NAME,
                &[
                    (Some("Zhang^San"), Met),
                    (Some("Testa^Maria"), Met),
                    (Some("吴明"), Met),
                    (None, Met),
                    (Some("TEST^PATIENT"), NotMet(Block)),
                    (Some("PHANTOM^WATER"), NotMet(Block)),
                    (Some("test01"), NotMet(Block)),
                    (Some("Anonymous"), NotMet(Block)),
                    (Some("体模"), NotMet(Block)),
                    (Some("测试^一"), NotMet(Block)),
                    (Some("无名"), NotMet(Block)),
                    (Some("无名氏007"), NotMet(Warn)),
                ],
            )
            .values(
                &ct(),
                tags::PATIENT_ID,
                &[
                    (Some("11"), Met),
                    (None, Met),
                    (Some("00000000"), NotMet(Block)),
                    (Some("TEST-1"), NotMet(Block)),
                ],
            )
            .fails(
                Block,
                Example::from(named("ZZ^Eins")).where_parameter("placeholder_pattern", "^ZZ"),
            )
            .fails(
                Block,
                Example::from(ct().text(tags::PATIENT_ID, "ZZ1"))
                    .where_parameter("placeholder_pattern", "^ZZ"),
            ),
        Case::of("IMG-PAT-003")
            .values(
                &ct(),
                tags::PATIENT_ID,
                &[
                    (Some("0012345678"), Met),
                    (Some("??"), Met),
                    (None, NotMet(Quarantine)),
                    (Some(""), NotMet(Quarantine)),
                    (Some("  "), NotMet(Quarantine)),
                ],
            )
            .fails(Block, Example::from(ct()).where_parameter("patient_id_pattern", "^[0-9]{10}$")),
        Case::of("IMG-PAT-004")
            .passes(ct())
            .passes(ct().without(tags::PATIENT_AGE))
            .passes(ct().without(tags::PATIENT_BIRTH_DATE))
            .fails(Block, born("").without(tags::PATIENT_AGE)),
        Case::of("IMG-PAT-005")
            .passes(ct())
            .values(
                &ct(),
                tags::PATIENT_BIRTH_DATE,
                &[
                    (Some("1962.03.17"), Met),
                    (Some("20260506"), Met),
                    (Some("20260507"), NotMet(Block)),
                    (Some("18900101"), NotMet(Block)),
                    (Some("19000101"), NotMet(Block)),
                    (Some("19620231"), NotMet(Block)),
                    (Some("garbage"), NotMet(Block)),
                    (Some(""), NotApplicable),
                    (None, NotApplicable),
                ],
            )
            .fails(Block, born("20270101").without(tags::STUDY_DATE)),
        Case::of("IMG-PAT-006")
            .values(
                &born("19620317"),
                tags::PATIENT_AGE,
                &[
                    (Some("064Y"), Met),
                    (Some("065Y"), Met),
                    (Some("066Y"), NotMet(Warn)),
                    (Some("060Y"), NotMet(Warn)),
                    (Some("070Y"), NotMet(Block)),
                    (Some("064M"), NotMet(Block)),
                    (Some("64"), NotApplicable),
                    (None, NotApplicable),
                ],
            )
            .values(
                &born("20260501"),
                tags::PATIENT_AGE,
                &[
                    (Some("005D"), Met),
                    (Some("007D"), Met),
                    (Some("008D"), NotMet(Warn)),
                    (Some("001W"), Met),
                    (Some("003M"), NotMet(Warn)),
                ],
            ),
        Case::of("IMG-PAT-007").values(
            &ct(),
            tags::PATIENT_SEX,
            &[
                (Some("F"), Met),
                (Some("O"), Met),
                (None, NotMet(Block)),
                (Some(""), NotMet(Block)),
                (Some("U"), NotMet(Warn)),
                (Some("male"), NotMet(Warn)),
            ],
        ),
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
        said("IMG-PAT-011", tags::PATIENT_IDENTITY_REMOVED),
        said("IMG-PAT-012", tags::QUALITY_CONTROL_IMAGE),
    ]
}

/// The case of a rule by which an object that says YES is of no patient.
fn said(rule: &'static str, tag: Tag) -> Case {
    Case::of(rule).values(
        &phantom(Kind::Ct),
        tag,
        &[(None, Met), (Some("NO"), Met), (Some("perhaps"), Met), (Some("YES"), NotMet(Block))],
    )
}
