//! Key Object Selection Documents that take images back.

use dicom_dictionary_std::uids;

use crate::dicom::tags;
use crate::expression::Kind;
use crate::standard::subject::Subject;

use super::codes::{codes, items};
use super::{Fact, about, fact, text};

pub(super) const FACTS: &[Fact] = &[
    fact(
        "rejection_note",
        Kind::Text,
        about(
            "关键对象选择文档拒绝所引用实例的理由：QUALITY（质量）、PATIENT SAFETY（患者安全）或 WRONG WORKLIST ENTRY（工作列表选错）；其他对象未知",
            "why a Key Object Selection Document rejects the instances it refers to: QUALITY, PATIENT SAFETY or WRONG WORKLIST ENTRY; unknown for any other object",
        ),
        |s| text(rejection(s).map(str::to_owned)),
    ),
    fact(
        "rejected_instances",
        Kind::Number,
        about("此类文档引用的实例数", "how many instances such a document refers to"),
        |s| rejection(s).map(|_| rejected(s)).into(),
    ),
];

/// The reason that the title of a Key Object Selection Document gives (PS3.16 CID 7010, 7011).
#[must_use]
pub fn rejection(subject: &Subject<'_>) -> Option<&'static str> {
    if subject.text(tags::SOP_CLASS_UID)? != uids::KEY_OBJECT_SELECTION_DOCUMENT_STORAGE {
        return None;
    }
    let title = codes(subject, tags::CONCEPT_NAME_CODE_SEQUENCE).next()?;
    match (title.scheme.as_str(), title.value.as_str()) {
        ("DCM", "113001") => Some("QUALITY"),
        ("DCM", "113037") => Some("PATIENT SAFETY"),
        ("DCM", "113038") => Some("WRONG WORKLIST ENTRY"),
        _ => None,
    }
}

/// Instances in Current Requested Procedure Evidence Sequence (0040,A375).
fn rejected(subject: &Subject<'_>) -> i64 {
    let view = subject.view();
    let studies = items(subject, tags::CURRENT_REQUESTED_PROCEDURE_EVIDENCE_SEQUENCE);
    let series = studies
        .filter_map(|study| study.find(tags::REFERENCED_SERIES_SEQUENCE))
        .flat_map(|sequence| view.items(sequence));
    let instances = series
        .filter_map(|series| series.find(tags::REFERENCED_SOP_SEQUENCE))
        .map(|sequence| view.items(sequence).count());
    i64::try_from(instances.sum::<usize>()).unwrap_or(i64::MAX)
}
