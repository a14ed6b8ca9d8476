//! Study, series, dates and institution.

use super::*;
use crate::dicom::tags;
use crate::phantom::{DataSet, FOREIGN_INSTITUTION, Fault, INSTITUTION, Value};
use crate::standard::subject::OwnNames;
use crate::standard::tests::studies::key_objects;
use Outcome::{Met, NotApplicable, NotMet};
use Severity::{Block, Info, Quarantine, Warn};

/// The names of the phantoms' hospital.
#[derive(Debug)]
struct Ours;

impl OwnNames for Ours {
    fn is_own(&self, name: &str, _: Option<jiff::civil::Date>) -> bool {
        name == INSTITUTION.han
    }
}

pub(super) fn cases() -> Vec<Case> {
    let ct = || phantom(Kind::Ct);
    let mg = || phantom(Kind::Mg);
    vec![
        Case::of("IMG-STU-001").values(&ct(), tags::STUDY_INSTANCE_UID, &UIDS).values(
            &ct(),
            tags::SERIES_INSTANCE_UID,
            &UIDS,
        ),
        Case::of("IMG-STU-002")
            .passes(ct())
            .values(
                &ct(),
                tags::ACCESSION_NUMBER,
                &[(None, NotMet(Block)), (Some(""), NotMet(Block)), (Some(" "), NotMet(Block))],
            )
            .not_applicable(Example::from(ct()).where_parameter("accession_required", false)),
        Case::of("IMG-STU-003").fails(Block, ct().fault(Fault::NoStudyDate)).values(
            &ct(),
            tags::STUDY_DATE,
            &[
                (Some("20260401"), Met),
                (Some("2026.04.01"), Met),
                (Some("20260431"), NotMet(Block)),
                (Some("yesterday"), NotMet(Block)),
            ],
        ),
        Case::of("IMG-STU-004").values(
            &ct(),
            tags::STUDY_TIME,
            &[
                (Some("0915"), Met),
                (Some("09:15:00"), Met),
                (None, NotMet(Warn)),
                (Some("2530"), NotMet(Warn)),
                (Some("noon"), NotMet(Warn)),
            ],
        ),
        Case::of("IMG-STU-005")
            .passes(ct())
            .fails(Block, ct().text(tags::ACQUISITION_DATE, "20260501"))
            .fails(Warn, ct().text(tags::ACQUISITION_TIME, "091000"))
            .fails(Info, ct().text(tags::SERIES_TIME, "094500").text(tags::CONTENT_TIME, "094600"))
            .not_applicable(ct().fault(Fault::NoDates)),
        dated(
            "IMG-STU-006",
            &[
                (Some("20260601"), Met),
                (Some("20260602"), NotMet(Block)),
                (Some("garbage"), Met),
                (None, Met),
            ],
        )
        .fails(Block, Example::from(ct()).at("2026-05-01T00:00:00Z"))
        .values(
            &ct().text(tags::STUDY_DATE, "20260601"),
            tags::STUDY_TIME,
            &[(Some("140900"), Met), (Some("141100"), NotMet(Block))],
        )
        .values(
            &ct(),
            tags::ACQUISITION_DATE_TIME,
            &[
                (Some("20260601140900"), Met),
                (Some("20260601141100"), NotMet(Block)),
                (Some("20260601141100+0900"), Met),
            ],
        ),
        dated(
            "IMG-STU-007",
            &[
                (Some("20260601"), Met),
                (Some("19700101"), NotMet(Block)),
                (Some("garbage"), Met),
                (None, Met),
            ],
        ),
        Case::of("IMG-STU-008")
            .passes(Example::from(ct()).at("2026-05-06T03:00:00Z"))
            .fails(Warn, Example::from(ct()).at("2026-05-08T03:00:00Z"))
            .fails(Info, ct())
            .not_applicable(ct().without(tags::ACQUISITION_TIME).without(tags::CONTENT_TIME)),
        Case::of("IMG-STU-009")
            .values(
                &ct(),
                tags::MODALITY,
                &[
                    (Some("CT"), Met),
                    (Some("MR"), NotMet(Quarantine)),
                    (Some("OT"), NotMet(Warn)),
                    (Some("garbage"), NotMet(Warn)),
                    (None, NotMet(Warn)),
                ],
            )
            .values(
                &phantom(Kind::Dx),
                tags::MODALITY,
                &[(Some("DX"), Met), (Some("CR"), NotMet(Warn)), (Some("US"), NotMet(Quarantine))],
            )
            .passes(phantom(Kind::SecondaryCapture)),
        Case::of("IMG-STU-010")
            .passes(ct())
            .passes(
                Example::from(ct().text(tags::BODY_PART_EXAMINED, "XYZZY"))
                    .where_parameter("local_body_parts", vec!["XYZZY".into()]),
            )
            .passes(coded(&[("CodeValue", "51185008"), ("CodeMeaning", "Chest")]))
            .fails(Block, coded(&[]))
            .values(
                &ct(),
                tags::BODY_PART_EXAMINED,
                &[(None, NotMet(Block)), (Some(""), NotMet(Block)), (Some("XYZZY"), NotMet(Block))],
            ),
        Case::of("IMG-STU-011")
            .passes(ct())
            .fails(Block, ct().text(tags::REQUESTED_PROCEDURE_DESCRIPTION, "头颅CT平扫"))
            .fails(Warn, ct().text(tags::SERIES_DESCRIPTION, "腹部平扫"))
            .not_applicable(ct().without(tags::BODY_PART_EXAMINED)),
        Case::of("IMG-STU-012")
            .passes(mg())
            .passes(
                phantom(Kind::Cr)
                    .text(tags::BODY_PART_EXAMINED, "HAND")
                    .text(tags::SERIES_DESCRIPTION, "双手正位"),
            )
            .fails(Block, mg().without(tags::IMAGE_LATERALITY))
            .fails(Block, mg().text(tags::IMAGE_LATERALITY, "RIGHT"))
            .fails(Warn, mg().text(tags::IMAGE_LATERALITY, "U"))
            .not_applicable(phantom(Kind::Dx)),
        Case::of("IMG-STU-013")
            .passes(mg())
            .fails(Block, mg().text(tags::LATERALITY, "L"))
            .fails(Block, mg().text(tags::SERIES_DESCRIPTION, "左乳内外斜位"))
            .not_applicable(ct()),
        Case::of("IMG-STU-014")
            .passes(ct())
            .passes(Example::from(ct()).arriving(|arrival| arrival.institution = Some(&Ours)))
            .fails(Block, ct().institution(""))
            .fails(
                Block,
                Example::from(ct().institution(FOREIGN_INSTITUTION.han))
                    .arriving(|arrival| arrival.institution = Some(&Ours)),
            )
            .fails(
                Warn,
                Example::from(ct().institution(""))
                    .arriving(|arrival| arrival.institution = Some(&Ours)),
            ),
        Case::of("IMG-STU-015")
            .passes(ct())
            // Characters count, not bytes.
            .passes(ct().institution(&"医".repeat(64)))
            .fails(
                Warn,
                ct().set(tags::INSTITUTION_NAME, VR::LO, Value::Bytes(b"One\tTwo ".to_vec())),
            )
            .fails(Warn, ct().institution(&"医".repeat(65)))
            .values(
                &ct(),
                tags::INSTITUTION_NAME,
                &[
                    (Some("One\\Two"), NotMet(Warn)),
                    (Some(""), NotApplicable),
                    (None, NotApplicable),
                ],
            ),
        Case::of("IMG-STU-016").passes(ct()).fails(Warn, ct().without(tags::DEVICE_SERIAL_NUMBER)),
        Case::of("IMG-STU-017")
            .for_a_person(Example::from(ct()).where_parameter("device_gate", true))
            .not_applicable(ct()),
        Case::of("IMG-STU-018").values(&ct(), tags::SERIES_NUMBER, &NUMBERS).values(
            &ct(),
            tags::INSTANCE_NUMBER,
            &NUMBERS,
        ),
        Case::of("IMG-STU-019")
            .passes(ct())
            .passes(ct().without(tags::STUDY_DESCRIPTION))
            .fails(Warn, ct().without(tags::STUDY_DESCRIPTION).without(tags::PROTOCOL_NAME)),
        Case::of("IMG-STU-022")
            .passes(key_objects(phantom(Kind::DoseReport), "113000"))
            .fails(Block, key_objects(phantom(Kind::DoseReport), "113001"))
            .fails(Block, key_objects(phantom(Kind::DoseReport), "113038"))
            .not_applicable(phantom(Kind::DoseReport)),
        Case::of("IMG-STU-023")
            .passes(ct())
            .fails(Warn, ct().text(tags::TIMEZONE_OFFSET_FROM_UTC, "-0500"))
            .not_applicable(ct().without(tags::TIMEZONE_OFFSET_FROM_UTC)),
        Case::of("IMG-STU-026")
            .passes(ct())
            .passes(phantom(Kind::EnhancedCt))
            .fails(Warn, ct().without(tags::FRAME_OF_REFERENCE_UID))
            .not_applicable(ct().without(tags::IMAGE_POSITION_PATIENT)),
        Case::of("IMG-STU-024").values(
            &ct(),
            tags::INSTANCE_ORIGIN_STATUS,
            &[
                (None, Met),
                (Some("LOCAL"), Met),
                (Some("garbage"), Met),
                (Some("IMPORTED"), NotMet(Block)),
            ],
        ),
        Case::of("IMG-STU-025").passes(ct()).values(
            &ct(),
            tags::IMAGE_TYPE,
            &[
                (Some("DERIVED\\SECONDARY"), Met),
                (Some("ORIGINAL"), NotMet(Warn)),
                (Some("ORIGINAL\\TERTIARY"), NotMet(Warn)),
                (Some("\\PRIMARY"), NotMet(Warn)),
                (Some("garbage\\PRIMARY"), NotMet(Warn)),
                (None, NotMet(Warn)),
            ],
        ),
    ]
}

/// Values of an identifier that an object is filed by.
const UIDS: [(Option<&str>, Outcome); 5] = [
    (Some("1.2.3"), Met),
    (Some("1.02.3"), Met),
    (None, NotMet(Quarantine)),
    (Some(""), NotMet(Quarantine)),
    (Some("series 1"), NotMet(Quarantine)),
];

/// Values of a number by which an image is found.
const NUMBERS: [(Option<&str>, Outcome); 4] = [
    (Some("1"), Met),
    (None, NotMet(Warn)),
    (Some(""), NotMet(Warn)),
    (Some("first"), NotMet(Warn)),
];

/// The case of a rule on each of the dates. It is 14:00 on 2026-06-01.
fn dated(rule: &'static str, rows: &[(Option<&str>, Outcome)]) -> Case {
    let dates = [tags::STUDY_DATE, tags::SERIES_DATE, tags::ACQUISITION_DATE, tags::CONTENT_DATE];
    let ct = phantom(Kind::Ct);
    dates.into_iter().fold(Case::of(rule), |case, tag| case.values(&ct, tag, rows))
}

/// A CT that tells its region by a code alone.
fn coded(code: &[(&str, &str)]) -> Specimen {
    let mut item = DataSet::default();
    for (keyword, value) in code {
        item.text(tag_of(keyword).expect("a keyword"), *value);
    }
    phantom(Kind::Ct).without(tags::BODY_PART_EXAMINED).set(
        tags::ANATOMIC_REGION_SEQUENCE,
        VR::SQ,
        Value::Items(vec![item]),
    )
}
