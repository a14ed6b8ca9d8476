//! Study, series, dates and institution.

use super::*;
use crate::dicom::tags;
use crate::phantom::{DataSet, FOREIGN_INSTITUTION, Fault, INSTITUTION, Value};
use crate::standard::subject::OwnNames;
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
        Case::of("IMG-STU-001")
            .passes(ct())
            .fails(Quarantine, ct().without(tags::STUDY_INSTANCE_UID))
            .fails(Quarantine, ct().text(tags::SERIES_INSTANCE_UID, "series 1")),
        Case::of("IMG-STU-002")
            .passes(ct())
            .fails(Block, ct().text(tags::ACCESSION_NUMBER, ""))
            .not_applicable(Example::from(ct()).where_parameter("accession_required", false)),
        Case::of("IMG-STU-003").passes(ct()).fails(Block, ct().fault(Fault::NoStudyDate)),
        Case::of("IMG-STU-004").passes(ct()).fails(Warn, ct().text(tags::STUDY_TIME, "2530")),
        Case::of("IMG-STU-005")
            .passes(ct())
            .fails(Block, ct().text(tags::ACQUISITION_DATE, "20260501"))
            .fails(Warn, ct().text(tags::ACQUISITION_TIME, "091000"))
            .fails(Info, ct().text(tags::SERIES_TIME, "094500").text(tags::CONTENT_TIME, "094600"))
            .not_applicable(ct().fault(Fault::NoDates)),
        Case::of("IMG-STU-006")
            .passes(ct())
            .fails(Block, Example::from(ct()).at("2026-05-01T00:00:00Z")),
        Case::of("IMG-STU-007")
            .passes(ct())
            .fails(Block, ct().text(tags::ACQUISITION_DATE, "19700101")),
        Case::of("IMG-STU-008")
            .passes(Example::from(ct()).at("2026-05-06T03:00:00Z"))
            .fails(Warn, Example::from(ct()).at("2026-05-08T03:00:00Z"))
            .fails(Info, ct())
            .not_applicable(ct().without(tags::ACQUISITION_TIME).without(tags::CONTENT_TIME)),
        Case::of("IMG-STU-009")
            .passes(ct())
            .fails(Quarantine, ct().text(tags::MODALITY, "MR"))
            .fails(Warn, ct().text(tags::MODALITY, "OT")),
        Case::of("IMG-STU-010")
            .passes(ct())
            .passes(
                Example::from(ct().text(tags::BODY_PART_EXAMINED, "XYZZY"))
                    .where_parameter("local_body_parts", vec!["XYZZY".into()]),
            )
            .fails(Block, ct().without(tags::BODY_PART_EXAMINED))
            .fails(Block, ct().text(tags::BODY_PART_EXAMINED, "XYZZY")),
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
            .fails(Warn, ct().institution(&"医".repeat(65)))
            .not_applicable(ct().institution("")),
        Case::of("IMG-STU-016").passes(ct()).fails(Warn, ct().without(tags::DEVICE_SERIAL_NUMBER)),
        Case::of("IMG-STU-017")
            .for_a_person(Example::from(ct()).where_parameter("device_gate", true))
            .not_applicable(ct()),
        Case::of("IMG-STU-018")
            .passes(ct())
            .fails(Warn, ct().text(tags::INSTANCE_NUMBER, ""))
            .fails(Warn, ct().without(tags::SERIES_NUMBER)),
        Case::of("IMG-STU-019")
            .passes(ct())
            .passes(ct().without(tags::STUDY_DESCRIPTION))
            .fails(Warn, ct().without(tags::STUDY_DESCRIPTION).without(tags::PROTOCOL_NAME)),
        Case::of("IMG-STU-022")
            .passes(key_objects("113000"))
            .fails(Block, key_objects("113001"))
            .fails(Block, key_objects("113038"))
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
        Case::of("IMG-STU-024")
            .passes(ct())
            .fails(Block, ct().text(tags::INSTANCE_ORIGIN_STATUS, "IMPORTED")),
        Case::of("IMG-STU-025")
            .passes(ct())
            .fails(Warn, ct().text(tags::IMAGE_TYPE, "ORIGINAL\\TERTIARY")),
    ]
}

/// A Key Object Selection Document under a title of CID 7010.
fn key_objects(title: &str) -> Specimen {
    let mut code = DataSet::default();
    code.text(tags::CODE_VALUE, title).text(tags::CODING_SCHEME_DESIGNATOR, "DCM");
    phantom(Kind::DoseReport)
        .text(tags::SOP_CLASS_UID, "1.2.840.10008.5.1.4.1.1.88.59")
        .text(tags::MODALITY, "KO")
        .set(tags::CONCEPT_NAME_CODE_SEQUENCE, VR::SQ, Value::Items(vec![code]))
}
