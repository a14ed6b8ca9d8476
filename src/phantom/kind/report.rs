//! A radiation dose report.

use super::super::data_set::{Code, DataSet};
use super::super::specimen::Specimen;
use super::common::{da, series_uid};
use crate::dicom::tags;

/// X-Ray Radiation Dose SR Storage, PS3.3 A.35.8: the root of TID 10011 with what it cannot do without.
pub(super) fn dose(specimen: &Specimen, set: &mut DataSet) {
    let date = da(specimen.study_date);
    let mut performed = DataSet::default();
    performed
        .text(tags::REFERENCED_SOP_CLASS_UID, "1.2.840.10008.3.1.2.3.3")
        .text(tags::REFERENCED_SOP_INSTANCE_UID, series_uid(specimen, "performed step"));
    set.text(tags::INSTANCE_NUMBER, specimen.instance.to_string())
        .text(tags::CONTENT_DATE, date.as_str())
        .text(tags::CONTENT_TIME, "093400")
        .item(tags::REFERENCED_PERFORMED_PROCEDURE_STEP_SEQUENCE, performed)
        .items(tags::PERFORMED_PROCEDURE_CODE_SEQUENCE, Vec::new())
        .text(tags::COMPLETION_FLAG, "COMPLETE")
        .text(tags::VERIFICATION_FLAG, "UNVERIFIED")
        .text(tags::VALUE_TYPE, "CONTAINER")
        .code(
            tags::CONCEPT_NAME_CODE_SEQUENCE,
            Code("113701", "DCM", "X-Ray Radiation Dose Report"),
        )
        .text(tags::CONTINUITY_OF_CONTENT, "SEPARATE");
    let mut template = DataSet::default();
    template.text(tags::MAPPING_RESOURCE, "DCMR").text(tags::TEMPLATE_IDENTIFIER, "10011");
    set.item(tags::CONTENT_TEMPLATE_SEQUENCE, template);
    let mut scope = code_item(
        "HAS OBS CONTEXT",
        Code("113705", "DCM", "Scope of Accumulation"),
        Code("113014", "DCM", "Study"),
    );
    let procedure = code_item(
        "HAS CONCEPT MOD",
        Code("121058", "DCM", "Procedure reported"),
        Code("77477000", "SCT", "Computed Tomography X-Ray"),
    );
    let source = code_item(
        "CONTAINS",
        Code("113854", "DCM", "Source of Dose Information"),
        Code("113856", "DCM", "Automated Data Collection"),
    );
    let mut study = DataSet::default();
    study
        .text(tags::RELATIONSHIP_TYPE, "HAS PROPERTIES")
        .text(tags::VALUE_TYPE, "UIDREF")
        .code(tags::CONCEPT_NAME_CODE_SEQUENCE, Code("110180", "DCM", "Study Instance UID"))
        .text(tags::UID, specimen.study_instance().as_str());
    scope.item(tags::CONTENT_SEQUENCE, study);
    set.items(tags::CONTENT_SEQUENCE, vec![procedure, scope, source]);
}

fn code_item(relationship: &str, name: Code, value: Code) -> DataSet {
    let mut item = DataSet::default();
    item.text(tags::RELATIONSHIP_TYPE, relationship)
        .text(tags::VALUE_TYPE, "CODE")
        .code(tags::CONCEPT_NAME_CODE_SEQUENCE, name)
        .code(tags::CONCEPT_CODE_SEQUENCE, value);
    item
}
