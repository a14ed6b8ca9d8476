//! CT and Enhanced CT.

use super::*;
use crate::dicom::tags;
use Severity::Block;

pub(super) fn cases() -> Vec<Case> {
    let ct = || phantom(Kind::Ct);
    vec![
        Case::of("IMG-CT-009")
            .passes(ct())
            .fails(Block, ct().text(tags::IMAGE_ORIENTATION_PATIENT, "1\\0\\0\\1\\0\\0"))
            .fails(Block, ct().without(tags::IMAGE_POSITION_PATIENT))
            .not_applicable(ct().text(tags::IMAGE_TYPE, "ORIGINAL\\PRIMARY\\LOCALIZER")),
    ]
}
