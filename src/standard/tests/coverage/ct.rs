//! CT and Enhanced CT.

use super::*;
use crate::dicom::{VR, tags};
use crate::phantom::Value;
use Outcome::{Met, NotMet};
use Severity::{Block, Info, Quarantine, Warn};

pub(super) fn cases() -> Vec<Case> {
    let mut all = exposure_and_reconstruction();
    all.extend(geometry());
    all.extend(series_and_frames());
    all
}

fn ct() -> Specimen {
    phantom(Kind::Ct)
}

fn enhanced() -> Specimen {
    phantom(Kind::EnhancedCt)
}

/// Without the values that all frames share.
fn bare() -> Specimen {
    enhanced().without(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE)
}

fn localizer() -> Specimen {
    ct().text(tags::IMAGE_TYPE, "ORIGINAL\\PRIMARY\\LOCALIZER")
}

fn doubled(specimen: Specimen, tag: Tag, number: f64) -> Specimen {
    specimen.set(tag, VR::FD, Value::Doubles(vec![number]))
}

fn exposure_and_reconstruction() -> Vec<Case> {
    let currentless = || ct().without(tags::X_RAY_TUBE_CURRENT);
    vec![
        Case::of("IMG-CT-005")
            .passes(ct())
            .passes(enhanced())
            .fails(Warn, ct().without(tags::KVP))
            .fails(Warn, ct().text(tags::KVP, "12"))
            .fails(Warn, ct().text(tags::KVP, "200"))
            .fails(Warn, bare())
            .not_applicable(ct().text(tags::MULTIENERGY_CT_ACQUISITION, "YES"))
            .not_applicable(localizer()),
        Case::of("IMG-CT-006")
            .passes(ct())
            .passes(enhanced())
            .passes(currentless())
            .fails(Warn, currentless().without(tags::EXPOSURE))
            .fails(Warn, ct().text(tags::EXPOSURE, "0"))
            .fails(Warn, ct().text(tags::X_RAY_TUBE_CURRENT, "0"))
            .fails(Warn, bare())
            .not_applicable(localizer()),
        Case::of("IMG-CT-015")
            .passes(ct())
            .passes(enhanced())
            .passes(ct().without(tags::RESCALE_TYPE))
            .fails(Block, ct().text(tags::RESCALE_SLOPE, "0"))
            .fails(Block, ct().without(tags::RESCALE_INTERCEPT))
            .fails(Block, ct().text(tags::RESCALE_TYPE, "US"))
            .fails(Block, bare())
            .not_applicable(localizer()),
        Case::of("IMG-CT-016")
            .passes(ct())
            .passes(enhanced())
            .fails(Warn, ct().without(tags::WINDOW_WIDTH))
            .fails(Warn, ct().text(tags::WINDOW_WIDTH, "400\\0"))
            .fails(Warn, ct().text(tags::WINDOW_CENTER, "40"))
            .fails(Warn, bare()),
        Case::of("IMG-CT-019")
            .passes(ct())
            .passes(enhanced())
            .fails(Warn, ct().without(tags::CONVOLUTION_KERNEL))
            .fails(Warn, bare())
            .not_applicable(localizer()),
        Case::of("IMG-CT-024")
            .passes(ct())
            .passes(enhanced())
            .fails(Warn, ct().text(tags::RECONSTRUCTION_DIAMETER, "360"))
            .not_applicable(ct().without(tags::RECONSTRUCTION_DIAMETER))
            .not_applicable(ct().text(tags::IMAGE_TYPE, "DERIVED\\SECONDARY\\AXIAL")),
        Case::of("IMG-CT-026")
            .passes(ct())
            .passes(enhanced())
            .passes(localizer())
            .fails(Warn, ct().set(tags::BITS_STORED, VR::US, Value::Shorts(vec![8])))
            .fails(Warn, ct().set(tags::SAMPLES_PER_PIXEL, VR::US, Value::Shorts(vec![3])))
            .fails(Warn, ct().text(tags::PHOTOMETRIC_INTERPRETATION, "PALETTE COLOR"))
            .not_applicable(ct().without(tags::BITS_STORED)),
        Case::of("IMG-CT-029")
            .passes(ct())
            .passes(enhanced())
            .passes(ct().without(tags::SPIRAL_PITCH_FACTOR))
            .fails(Info, doubled(ct(), tags::SPIRAL_PITCH_FACTOR, 0.0))
            .fails(Info, doubled(enhanced(), tags::TOTAL_COLLIMATION_WIDTH, 0.5))
            .not_applicable(localizer()),
    ]
}

fn geometry() -> Vec<Case> {
    let whole = || life_size(Kind::Ct);
    let wide = |rows: u16| whole().set(tags::ROWS, VR::US, Value::Shorts(vec![rows]));
    let thick = |thickness: &str| ct().text(tags::SLICE_THICKNESS, thickness);
    vec![
        Case::of("IMG-CT-001")
            .passes(ct())
            .passes(localizer())
            .fails(Warn, ct().text(tags::IMAGE_TYPE, "ORIGINAL\\PRIMARY"))
            .fails(Warn, ct().text(tags::IMAGE_TYPE, "DERIVED\\SECONDARY\\REFORMATTED"))
            .not_applicable(enhanced()),
        Case::of("IMG-CT-002")
            .passes(ct())
            .passes(enhanced())
            .fails(Block, ct().without(tags::SLICE_THICKNESS))
            .fails(Block, thick(""))
            .fails(Block, thick("0"))
            .fails(Block, bare())
            .not_applicable(localizer()),
        Case::of("IMG-CT-003")
            .passes(ct())
            .passes(enhanced())
            .passes(thick("5.1"))
            .fails(Warn, thick("5.2"))
            .fails(Warn, thick("10"))
            .fails(Block, thick("10.2"))
            .not_applicable(ct().without(tags::SLICE_THICKNESS))
            .not_applicable(localizer()),
        Case::of("IMG-CT-008")
            .passes(whole())
            .passes(life_size(Kind::EnhancedCt))
            .fails(Block, ct().without(tags::PIXEL_SPACING))
            .fails(Block, ct().text(tags::PIXEL_SPACING, "0.7"))
            .fails(Block, ct().text(tags::PIXEL_SPACING, "0\\0"))
            .fails(Block, bare())
            .fails(Warn, ct().text(tags::PIXEL_SPACING, "2.1\\2.1"))
            .fails(Warn, ct().text(tags::PIXEL_SPACING, "0.7\\0.8"))
            .fails(Warn, wide(256))
            .not_applicable(localizer()),
        Case::of("IMG-CT-009")
            .passes(ct())
            .passes(enhanced())
            .values(
                &ct(),
                tags::IMAGE_ORIENTATION_PATIENT,
                &[
                    (Some("0.999\\0.04\\0\\-0.04\\0.999\\0"), Met),
                    (Some("1\\0\\0\\1\\0\\0"), NotMet(Block)),
                    (Some("2\\0\\0\\0\\1\\0"), NotMet(Block)),
                    (Some("1\\0\\0"), NotMet(Block)),
                    (Some("a\\b\\c\\d\\e\\f"), NotMet(Block)),
                    (None, NotMet(Block)),
                ],
            )
            .values(
                &ct(),
                tags::IMAGE_POSITION_PATIENT,
                &[(None, NotMet(Block)), (Some("1\\2"), NotMet(Block))],
            )
            .fails(Block, bare())
            .fails(Block, enhanced().without(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE))
            .not_applicable(localizer()),
        Case::of("IMG-CT-025")
            .passes(ct())
            .passes(enhanced())
            .fails(Info, ct().text(tags::GANTRY_DETECTOR_TILT, "-15"))
            .fails(
                Info,
                ct().text(tags::IMAGE_ORIENTATION_PATIENT, "1\\0\\0\\0\\0.965926\\-0.258819"),
            )
            .not_applicable(ct().without(tags::GANTRY_DETECTOR_TILT))
            .not_applicable(ct().text(tags::IMAGE_ORIENTATION_PATIENT, "1\\0\\0\\0\\0\\-1")),
    ]
}

fn series_and_frames() -> Vec<Case> {
    let agent = || ct().text(tags::CONTRAST_BOLUS_AGENT, "Iopromide");
    let told = |specimen: Specimen, study: &str, series: &str| {
        specimen.text(tags::STUDY_DESCRIPTION, study).text(tags::SERIES_DESCRIPTION, series)
    };
    vec![
        Case::of("IMG-CT-020")
            .passes(ct())
            .passes(enhanced())
            .passes(told(agent(), "胸部CT增强", "动脉期").without(tags::PROTOCOL_NAME))
            .fails(Warn, ct().text(tags::SERIES_DESCRIPTION, "动脉期").without(tags::PROTOCOL_NAME))
            .fails(Warn, agent().text(tags::SERIES_DESCRIPTION, "平扫"))
            .fails(Warn, agent().without(tags::PROTOCOL_NAME))
            .not_applicable(localizer()),
        Case::of("IMG-CT-023")
            .passes(ct())
            .passes(enhanced())
            .passes(ct().text(tags::PATIENT_POSITION, "FFDR"))
            .fails(Block, ct().without(tags::PATIENT_POSITION))
            .fails(Block, ct().text(tags::PATIENT_POSITION, "SUPINE")),
        Case::of("IMG-CT-027")
            .passes(ct())
            .passes(enhanced())
            .fails(Info, ct().text(tags::PROTOCOL_NAME, "")),
        Case::of("IMG-CT-030")
            .passes(enhanced())
            .fails(Quarantine, enhanced().text(tags::NUMBER_OF_FRAMES, "4"))
            .fails(Block, enhanced().without(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE))
            .fails(Block, bare())
            .not_applicable(ct()),
    ]
}
