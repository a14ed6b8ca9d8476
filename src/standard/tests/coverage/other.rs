//! XA, RF, US, NM, PT and secondary captures.

use super::*;
use crate::dicom::{VR, tags};
use crate::phantom::{DataSet, Value};
use Severity::{Block, Info, Warn};

const JPEG_BASELINE: &str = "1.2.840.10008.1.2.4.50";
const ENHANCED_XA: &str = "1.2.840.10008.5.1.4.1.1.12.1.1";

fn xa() -> Specimen {
    phantom(Kind::Xa).frames(3)
}

fn rf() -> Specimen {
    phantom(Kind::Rf).frames(3)
}

fn us() -> Specimen {
    phantom(Kind::Us)
}

fn nm() -> Specimen {
    phantom(Kind::Nm)
}

fn pt() -> Specimen {
    phantom(Kind::Pt)
}

fn sc() -> Specimen {
    phantom(Kind::SecondaryCapture)
}

pub(super) fn cases() -> Vec<Case> {
    [runs(), ultrasound(), nuclear(), beside()].into_iter().flatten().collect()
}

/// The case of a rule by which classes outside the standard's subject bear no mark until a site lists their modality.
fn unlisted(rule: &'static str, kinds: &[Kind]) -> Case {
    kinds.iter().fold(Case::of(rule), |case, kind| {
        let listed: Vec<Setting> = vec!["CT".into(), kind.modality().into()];
        let passing = Example::from(phantom(*kind)).named("a listed modality");
        case.passes(passing.where_parameter("eligible_modalities", listed))
            .fails(Block, phantom(*kind))
    })
}

fn runs() -> Vec<Case> {
    let exposure = [tags::EXPOSURE, tags::EXPOSURE_TIME];
    vec![
        Case::of("IMG-XA-001")
            .passes(xa())
            .passes(rf())
            .passes(rf().without(tags::EXPOSURE))
            .fails(Warn, xa().without(tags::KVP))
            .fails(Warn, rf().text(tags::KVP, "0"))
            .fails(Warn, exposure.into_iter().fold(rf(), Specimen::without))
            .fails(Warn, xa().without(tags::POSITIONER_SECONDARY_ANGLE))
            .not_applicable(xa().text(tags::SOP_CLASS_UID, ENHANCED_XA)),
        Case::of("IMG-XA-002")
            .passes(xa())
            .passes(rf().without(tags::FRAME_TIME).text(tags::FRAME_TIME_VECTOR, "0\\40\\40"))
            .fails(Warn, xa().without(tags::FRAME_TIME))
            .fails(Warn, rf().text(tags::FRAME_TIME_VECTOR, "0\\40"))
            .fails(Warn, xa().text(tags::NUMBER_OF_FRAMES, "4"))
            .not_applicable(xa().frames(1))
            .not_applicable(xa().text(tags::NUMBER_OF_FRAMES, "many")),
        unlisted("IMG-XA-003", &[Kind::Xa, Kind::Rf]),
    ]
}

fn ultrasound() -> Vec<Case> {
    let unscaled = || {
        let mut region = DataSet::default();
        region
            .number(tags::PHYSICAL_UNITS_X_DIRECTION, 3)
            .number(tags::PHYSICAL_UNITS_Y_DIRECTION, 3)
            .double(tags::PHYSICAL_DELTA_X, 0.02)
            .double(tags::PHYSICAL_DELTA_Y, 0.0);
        us().set(tags::SEQUENCE_OF_ULTRASOUND_REGIONS, VR::SQ, Value::Items(vec![region]))
    };
    let lossy = || Example::from(us().text(tags::LOSSY_IMAGE_COMPRESSION, "01"));
    vec![
        unlisted("IMG-US-001", &[Kind::Us, Kind::UsMultiFrame]),
        Case::of("IMG-US-002")
            .passes(us())
            .passes(phantom(Kind::UsMultiFrame))
            .fails(Info, us().without(tags::SEQUENCE_OF_ULTRASOUND_REGIONS))
            .fails(Info, unscaled())
            .not_applicable(Example::from(unscaled()).where_parameter("us_measured", false)),
        Case::of("IMG-US-003").for_a_person(us()),
        Case::of("IMG-US-004")
            .passes(lossy().in_syntax(JPEG_BASELINE))
            .fails(Warn, Example::from(us()).in_syntax(JPEG_BASELINE))
            .fails(
                Warn,
                Example::from(us().without(tags::LOSSY_IMAGE_COMPRESSION)).in_syntax(JPEG_BASELINE),
            )
            .not_applicable(us()),
    ]
}

fn nuclear() -> Vec<Case> {
    let sequence = tags::RADIOPHARMACEUTICAL_INFORMATION_SEQUENCE;
    let empty = || Value::Items(vec![DataSet::default()]);
    vec![
        Case::of("IMG-NM-001")
            .passes(nm())
            .passes(pt())
            .fails(Warn, nm().without(sequence))
            .fails(Warn, pt().set(sequence, VR::SQ, empty())),
        Case::of("IMG-PT-001")
            .passes(pt())
            .passes(pt().text(tags::UNITS, "CNTS").without(tags::PATIENT_WEIGHT))
            .fails(Warn, pt().without(tags::UNITS))
            .fails(Warn, pt().without(tags::DECAY_CORRECTION))
            .fails(Warn, pt().text(tags::CORRECTED_IMAGE, ""))
            .fails(Warn, pt().without(tags::PATIENT_WEIGHT))
            .fails(Warn, pt().text(tags::PATIENT_WEIGHT, "0")),
        unlisted("IMG-NMPT-002", &[Kind::Nm, Kind::Pt]),
    ]
}

/// What is no image of the examination.
fn beside() -> Vec<Case> {
    vec![
        Case::of("IMG-SC-001")
            .passes(Example::from(sc()).where_parameter("mark_sc", true))
            .fails(Block, sc()),
        Case::of("IMG-SC-002")
            .passes(us())
            .passes(sc().text(tags::SERIES_DESCRIPTION, "Chest"))
            .fails(Info, sc())
            .fails(Info, us().text(tags::IMAGE_TYPE, "DERIVED\\SECONDARY\\SCREEN SAVE")),
        Case::of("IMG-OT-001")
            .passes(phantom(Kind::Ct))
            .passes(sc())
            .fails(Info, phantom(Kind::DoseReport))
            .fails(Info, sc().text(tags::SOP_CLASS_UID, "1.2.840.10008.5.1.4.1.1.66.4"))
            .not_applicable(phantom(Kind::Ct).without(tags::SOP_CLASS_UID)),
    ]
}
