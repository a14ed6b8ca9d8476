//! CR, DX and mammography.

use super::*;
use crate::dicom::tags;
use Severity::Block;

pub(super) fn cases() -> Vec<Case> {
    let mg = || phantom(Kind::Mg);
    vec![
        Case::of("IMG-DR-003")
            .passes(phantom(Kind::Dx))
            .fails(Block, phantom(Kind::DxForProcessing)),
        Case::of("IMG-MG-010")
            .passes(mg())
            .fails(Block, mg().text(tags::PRESENTATION_INTENT_TYPE, "FOR PROCESSING")),
    ]
}
