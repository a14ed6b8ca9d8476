//! What may tell who a patient is.

use crate::dicom::attribute::relaxed_vr_of;
use crate::dicom::{Tag, VR, tags};

/// Groups about the patient and about the visit.
const GROUPS: [u16; 2] = [0x0010, 0x0038];
/// Numbers of orders, by which a patient is found in other systems.
const NUMBERS: [Tag; 5] = [
    tags::ACCESSION_NUMBER,
    tags::STUDY_ID,
    tags::REQUESTED_PROCEDURE_ID,
    tags::PLACER_ORDER_NUMBER_IMAGING_SERVICE_REQUEST,
    tags::FILLER_ORDER_NUMBER_IMAGING_SERVICE_REQUEST,
];

/// Whether a value of this attribute may tell who the patient is: what is about the patient or the visit, names of
/// persons, numbers of the order, and free text, into which anything is typed.
pub(super) fn is_identifying(tag: Tag) -> bool {
    GROUPS.contains(&tag.group())
        || matches!(relaxed_vr_of(tag), VR::PN | VR::LT | VR::ST | VR::UT | VR::UC)
        || NUMBERS.contains(&tag)
}
