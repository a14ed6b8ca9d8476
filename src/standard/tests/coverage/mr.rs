//! MR and Enhanced MR.

use super::*;
use crate::dicom::{VR, tags};
use crate::phantom::{Retouch, Value};
use Severity::{Block, Info, Quarantine, Warn};

pub(super) fn cases() -> Vec<Case> {
    let mut all = geometry();
    all.extend(sequence());
    all.extend(equipment());
    all
}

fn mr() -> Specimen {
    phantom(Kind::Mr)
}

fn enhanced() -> Specimen {
    phantom(Kind::EnhancedMr)
}

/// Without the values that all frames share.
fn bare() -> Specimen {
    enhanced().without(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE)
}

fn localizer() -> Specimen {
    mr().text(tags::SERIES_DESCRIPTION, "3-plane loc")
}

/// Large enough that there is something to be seen.
fn seen() -> Specimen {
    mr().size(256, 256)
}

fn derived() -> Specimen {
    mr().text(tags::IMAGE_TYPE, "DERIVED\\SECONDARY\\M\\SE")
}

fn geometry() -> Vec<Case> {
    let thick = |thickness: &str| mr().text(tags::SLICE_THICKNESS, thickness);
    vec![
        Case::of("IMG-MR-001")
            .passes(mr())
            .passes(enhanced())
            .passes(thick("8"))
            .fails(Block, mr().without(tags::SLICE_THICKNESS))
            .fails(Block, thick("0"))
            .fails(Block, bare())
            .fails(Warn, thick("8.5"))
            .fails(Warn, mr().text(tags::MR_ACQUISITION_TYPE, "3D"))
            .not_applicable(localizer()),
        Case::of("IMG-MR-002")
            .passes(mr())
            .passes(enhanced())
            .fails(Warn, mr().text(tags::SPACING_BETWEEN_SLICES, "7"))
            .not_applicable(mr().without(tags::SPACING_BETWEEN_SLICES))
            .not_applicable(mr().text(tags::MR_ACQUISITION_TYPE, "3D"))
            .not_applicable(localizer()),
        Case::of("IMG-MR-003")
            .passes(mr())
            .passes(enhanced())
            .fails(Block, mr().without(tags::PIXEL_SPACING))
            .fails(Block, mr().text(tags::IMAGE_ORIENTATION_PATIENT, "1\\0\\0\\1\\0\\0"))
            .fails(Block, mr().without(tags::IMAGE_POSITION_PATIENT))
            .fails(Block, bare())
            .not_applicable(localizer()),
        Case::of("IMG-MR-011")
            .passes(mr())
            .passes(enhanced())
            .fails(Warn, mr().without(tags::ACQUISITION_MATRIX))
            .fails(
                Warn,
                mr().set(tags::ACQUISITION_MATRIX, VR::US, Value::Shorts(vec![0, 128, 128, 0])),
            )
            .fails(Warn, bare())
            .not_applicable(mr().text(tags::SCANNING_SEQUENCE, "SE\\EP"))
            .not_applicable(derived()),
        Case::of("IMG-MR-020")
            .passes(enhanced())
            .fails(Quarantine, enhanced().text(tags::NUMBER_OF_FRAMES, "2"))
            .fails(Block, bare())
            .not_applicable(mr()),
    ]
}

fn sequence() -> Vec<Case> {
    let inverted = || mr().text(tags::SCANNING_SEQUENCE, "SE\\IR");
    let agent = || mr().text(tags::CONTRAST_BOLUS_AGENT, "Gadobutrol");
    let diffusion = || mr().text(tags::SERIES_DESCRIPTION, "横断位DWI");
    let b = |number: f64| {
        diffusion().set(tags::DIFFUSION_B_VALUE, VR::FD, Value::Doubles(vec![number]))
    };
    vec![
        Case::of("IMG-MR-004")
            .passes(mr())
            .passes(enhanced())
            .fails(Warn, mr().without(tags::REPETITION_TIME))
            .fails(Warn, mr().text(tags::ECHO_TIME, "0"))
            .fails(Warn, mr().text(tags::REPETITION_TIME, "90"))
            .fails(Warn, bare())
            .not_applicable(derived()),
        Case::of("IMG-MR-005")
            .passes(mr())
            .passes(enhanced())
            .fails(Warn, mr().without(tags::SCANNING_SEQUENCE))
            .fails(Warn, mr().text(tags::SCANNING_SEQUENCE, "SE\\TSE"))
            .fails(Warn, mr().without(tags::SEQUENCE_VARIANT))
            .fails(Warn, enhanced().without(tags::ECHO_PULSE_SEQUENCE))
            .not_applicable(localizer()),
        Case::of("IMG-MR-006")
            .passes(mr())
            .passes(enhanced())
            .fails(Warn, mr().without(tags::MR_ACQUISITION_TYPE))
            .fails(Warn, mr().text(tags::MR_ACQUISITION_TYPE, "4D"))
            .not_applicable(derived()),
        Case::of("IMG-MR-007")
            .passes(inverted().text(tags::INVERSION_TIME, "2500"))
            .fails(Warn, inverted())
            .fails(Warn, inverted().text(tags::INVERSION_TIME, "0"))
            .not_applicable(mr())
            .not_applicable(enhanced()),
        Case::of("IMG-MR-010")
            .passes(mr())
            .passes(enhanced())
            .fails(Info, mr().without(tags::FLIP_ANGLE))
            .fails(Info, mr().without(tags::NUMBER_OF_AVERAGES))
            .fails(Info, mr().text(tags::ECHO_TRAIN_LENGTH, ""))
            .not_applicable(derived()),
        Case::of("IMG-MR-013")
            .passes(b(1000.0))
            .passes(b(0.0))
            .fails(Warn, diffusion())
            .not_applicable(mr())
            .not_applicable(diffusion().text(tags::IMAGE_TYPE, "DERIVED\\PRIMARY\\ADC")),
        Case::of("IMG-MR-014")
            .passes(mr())
            .passes(enhanced())
            .fails(Warn, mr().text(tags::SERIES_DESCRIPTION, "T1+C").without(tags::PROTOCOL_NAME))
            .fails(Warn, agent().text(tags::SERIES_DESCRIPTION, "T1平扫"))
            .fails(Warn, agent().without(tags::PROTOCOL_NAME))
            .not_applicable(localizer()),
    ]
}

fn equipment() -> Vec<Case> {
    let field = |tesla: &str| mr().text(tags::MAGNETIC_FIELD_STRENGTH, tesla);
    vec![
        Case::of("IMG-MR-008")
            .passes(mr())
            .passes(enhanced())
            .passes(field("0.35"))
            .fails(Warn, field("15000"))
            .fails(Warn, field("9.4"))
            .fails(Warn, field("0"))
            .not_applicable(mr().without(tags::MAGNETIC_FIELD_STRENGTH)),
        Case::of("IMG-MR-009")
            .passes(mr())
            .fails(Info, Example::from(field("0.35")).where_parameter("mr_min_field", 1.5))
            .not_applicable(mr().without(tags::MAGNETIC_FIELD_STRENGTH)),
        Case::of("IMG-MR-015")
            .passes(mr())
            .passes(enhanced())
            .fails(Block, mr().without(tags::PATIENT_POSITION))
            .fails(Block, mr().text(tags::PATIENT_POSITION, "HEAD")),
        Case::of("IMG-MR-016")
            .passes(mr())
            .passes(enhanced())
            .fails(Info, mr().without(tags::RECEIVE_COIL_NAME))
            .fails(Info, bare())
            .not_applicable(localizer()),
        Case::of("IMG-MR-017")
            .passes(mr())
            .passes(enhanced())
            .fails(Info, mr().text(tags::SAR, "4.5"))
            .not_applicable(mr().without(tags::SAR)),
        Case::of("IMG-MR-019")
            .passes(mr())
            .passes(enhanced())
            .fails(Warn, mr().without(tags::WINDOW_CENTER))
            .fails(Warn, mr().text(tags::WINDOW_WIDTH, "0"))
            .fails(Warn, bare()),
        // Padding and noise aside, stored values of the phantom reach from nothing to about 1500.
        Case::of("IMG-MR-019.pixels")
            .passes(seen())
            .fails(Warn, seen().text(tags::WINDOW_WIDTH, "20000"))
            .fails(Warn, seen().text(tags::RESCALE_SLOPE, "0.1").text(tags::RESCALE_INTERCEPT, "0"))
            .not_applicable(seen().without(tags::WINDOW_WIDTH))
            .not_applicable(seen().retouch(Retouch::Blank(7))),
    ]
}
