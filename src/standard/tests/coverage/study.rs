//! Study, series, dates and institution.

use super::*;
use crate::dicom::tags;
use crate::phantom::{FOREIGN_INSTITUTION, Fault, INSTITUTION};
use crate::standard::subject::OwnNames;
use Severity::{Block, Quarantine, Warn};

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
        Case::of("IMG-STU-006")
            .passes(ct())
            .fails(Block, Example::from(ct()).at("2026-05-01T00:00:00Z")),
        Case::of("IMG-STU-007")
            .passes(ct())
            .fails(Block, ct().text(tags::ACQUISITION_DATE, "19700101")),
        Case::of("IMG-STU-009")
            .passes(ct())
            .fails(Quarantine, ct().text(tags::MODALITY, "MR"))
            .fails(Warn, ct().text(tags::MODALITY, "OT")),
        Case::of("IMG-STU-010").passes(ct()).fails(Block, ct().without(tags::BODY_PART_EXAMINED)),
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
        Case::of("IMG-STU-018")
            .passes(ct())
            .fails(Warn, ct().text(tags::INSTANCE_NUMBER, ""))
            .fails(Warn, ct().without(tags::SERIES_NUMBER)),
        Case::of("IMG-STU-024")
            .passes(ct())
            .fails(Block, ct().text(tags::INSTANCE_ORIGIN_STATUS, "IMPORTED")),
        Case::of("IMG-STU-025")
            .passes(ct())
            .fails(Warn, ct().text(tags::IMAGE_TYPE, "ORIGINAL\\TERTIARY")),
    ]
}
