//! The modules that every phantom has: patient, study, series, equipment, image, SOP common.

use jiff::civil::Date;

use super::super::data_set::DataSet;
use super::super::identity::{Person, Words, choose, uid};
use super::super::specimen::Specimen;
use super::{Facts, Kind};
use crate::dicom::tags;

/// A DA value.
pub(super) fn da(date: Date) -> String {
    format!("{:04}{:02}{:02}", date.year(), date.month(), date.day())
}

/// The UID of something that belongs to the specimen's series.
pub(super) fn series_uid(specimen: &Specimen, what: &str) -> String {
    let word = specimen.kind.word();
    uid(specimen.seed, &format!("{what}/{word}/{}", specimen.series))
}

/// The text in the script that the specimen's character set has.
pub(super) fn in_script(specimen: &Specimen, words: Words) -> &'static str {
    if specimen.characters.has_chinese() { words.han } else { words.latin }
}

/// The technologist of the phantoms, as VR PN. Nobody is called so.
const OPERATOR: Words = Words { han: "Shili^Jishi=示例^技师", latin: "Shili^Jishi" };

pub(super) fn fill(specimen: &Specimen, facts: &Facts, set: &mut DataSet) {
    let date = da(specimen.study_date);
    if let Some(declaration) = specimen.characters.declaration() {
        set.text(tags::SPECIFIC_CHARACTER_SET, declaration);
    }
    sop_common(specimen, facts, &date, set);
    patient(specimen, set);
    study(specimen, facts, &date, set);
    series(specimen, facts, &date, set);
    equipment(specimen, facts, set);
    match specimen.kind {
        Kind::DoseReport => {}
        Kind::Ct
        | Kind::EnhancedCt
        | Kind::Dx
        | Kind::DxForProcessing
        | Kind::Cr
        | Kind::Mg
        | Kind::Dbt
        | Kind::Mr
        | Kind::EnhancedMr
        | Kind::Us
        | Kind::UsMultiFrame
        | Kind::Xa
        | Kind::Rf
        | Kind::Nm
        | Kind::Pt
        | Kind::SecondaryCapture => image(specimen, &date, set),
    }
}

/// PS3.3 C.12.1.
fn sop_common(specimen: &Specimen, facts: &Facts, date: &str, set: &mut DataSet) {
    set.text(tags::SOP_CLASS_UID, facts.sop_class)
        .text(tags::SOP_INSTANCE_UID, specimen.sop_instance().as_str())
        .text(tags::INSTANCE_CREATION_DATE, date)
        .text(tags::INSTANCE_CREATION_TIME, "093500")
        .text(tags::TIMEZONE_OFFSET_FROM_UTC, "+0800");
}

/// PS3.3 C.7.1.1 and C.7.2.2.
fn patient(specimen: &Specimen, set: &mut DataSet) {
    let person = Person::new(specimen.seed, matches!(specimen.kind, Kind::Mg | Kind::Dbt));
    set.text(tags::PATIENT_NAME, person.name(specimen.characters.has_chinese()))
        .text(tags::PATIENT_ID, person.id.as_str())
        .text(tags::PATIENT_BIRTH_DATE, da(person.birth_date(specimen.study_date)))
        .text(tags::PATIENT_SEX, if person.is_female { "F" } else { "M" })
        .text(tags::PATIENT_AGE, format!("{:03}Y", person.age))
        .text(tags::PATIENT_WEIGHT, format!("{}", 50 + choose(specimen.seed, "weight", 40)));
}

/// PS3.3 C.7.2.1.
fn study(specimen: &Specimen, facts: &Facts, date: &str, set: &mut DataSet) {
    let number = choose(specimen.seed, "accession", 1_000_000);
    set.text(tags::STUDY_INSTANCE_UID, specimen.study_instance().as_str())
        .text(tags::STUDY_DATE, date)
        .text(tags::STUDY_TIME, "093000")
        .text(tags::STUDY_ID, format!("S{number:06}"))
        .text(tags::ACCESSION_NUMBER, format!("A{number:08}"))
        .empty(tags::REFERRING_PHYSICIAN_NAME)
        .text(tags::STUDY_DESCRIPTION, in_script(specimen, facts.study));
}

/// PS3.3 C.7.3.1.
fn series(specimen: &Specimen, facts: &Facts, date: &str, set: &mut DataSet) {
    set.text(tags::MODALITY, facts.modality)
        .text(tags::SERIES_INSTANCE_UID, specimen.series_instance().as_str())
        .text(tags::SERIES_NUMBER, specimen.series.to_string())
        .text(tags::SERIES_DATE, date)
        .text(tags::SERIES_TIME, "093200")
        .text(tags::SERIES_DESCRIPTION, in_script(specimen, facts.series))
        .text(tags::OPERATORS_NAME, in_script(specimen, OPERATOR));
    if let Some(body_part) = facts.body_part {
        set.text(tags::BODY_PART_EXAMINED, body_part)
            .text(tags::PROTOCOL_NAME, in_script(specimen, facts.study));
    }
}

/// PS3.3 C.7.5.1.
fn equipment(specimen: &Specimen, facts: &Facts, set: &mut DataSet) {
    set.text(tags::MANUFACTURER, facts.manufacturer)
        .text(tags::MANUFACTURER_MODEL_NAME, facts.model)
        .text(tags::INSTITUTION_NAME, specimen.institution_name())
        .text(tags::STATION_NAME, facts.station)
        .text(tags::DEVICE_SERIAL_NUMBER, format!("{}-0001", facts.station))
        .text(tags::SOFTWARE_VERSIONS, "1.0");
}

/// PS3.3 C.7.6.1.
fn image(specimen: &Specimen, date: &str, set: &mut DataSet) {
    set.text(tags::INSTANCE_NUMBER, specimen.instance.to_string())
        .text(tags::CONTENT_DATE, date)
        .text(tags::CONTENT_TIME, "093310")
        .text(tags::ACQUISITION_DATE, date)
        .text(tags::ACQUISITION_TIME, "093300")
        .text(tags::ACQUISITION_NUMBER, "1")
        .text(tags::BURNED_IN_ANNOTATION, "NO");
    if specimen.is_lossy() {
        set.text(tags::LOSSY_IMAGE_COMPRESSION, "01")
            .text(tags::LOSSY_IMAGE_COMPRESSION_RATIO, "10")
            .text(tags::LOSSY_IMAGE_COMPRESSION_METHOD, "ISO_10918_1");
    } else {
        set.text(tags::LOSSY_IMAGE_COMPRESSION, "00");
    }
}

/// PS3.3 C.7.4.1.
pub(super) fn frame_of_reference(specimen: &Specimen, set: &mut DataSet) {
    set.text(
        tags::FRAME_OF_REFERENCE_UID,
        uid(specimen.seed, &format!("frame of reference/{}", specimen.kind.word())),
    )
    .empty(tags::POSITION_REFERENCE_INDICATOR);
}
