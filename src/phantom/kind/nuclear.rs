//! Nuclear medicine: bones seen by two detectors, and a slice of a PET.

use super::super::data_set::{Code, DataSet, Value};
use super::super::picture::Scale;
use super::super::pixels::{Depth, Pixels};
use super::super::specimen::Specimen;
use super::common::frame_of_reference;
use super::ct::decimal;
use super::scene;
use crate::dicom::{VR, tags};

/// Counts in 16 bits.
const COUNTS: Scale = Scale { offset: 0.0, slope: 2000.0, max: 65535 };
/// Millimetres of a pixel of the gamma camera.
const CAMERA_PIXEL: &str = "2.4";
/// Width of the PET slice, in millimetres.
const FIELD: f64 = 600.0;
/// Millimetres from slice to slice.
const STEP: f64 = 3.0;

const TECHNETIUM: Code = Code("72454009", "SCT", "^99m^Technetium");
const FLUORINE: Code = Code("77004003", "SCT", "^18^Fluorine");
const RECUMBENT: Code = Code("102538003", "SCT", "recumbent");
const SUPINE: Code = Code("40199007", "SCT", "supine");
const FEET_FIRST: Code = Code("102541007", "SCT", "feet-first");
const HEAD_FIRST: Code = Code("102540008", "SCT", "headfirst");

fn pixels(specimen: &Specimen) -> Pixels {
    Pixels {
        rows: specimen.rows,
        columns: specimen.columns,
        frames: specimen.frames,
        depth: Depth::Grey16(16),
        scene: scene::head_slice(specimen),
        scale: COUNTS,
    }
}

/// Nuclear Medicine Image Storage, PS3.3 A.5: a frame for each of two detectors in turn, one energy window.
pub(super) fn planar(specimen: &Specimen, set: &mut DataSet) -> Pixels {
    let pixels = pixels(specimen);
    pixels.describe(set);
    lying(FEET_FIRST, set);
    let detectors = specimen.frames.min(2);
    let each = |number: fn(u32) -> u16| Value::Shorts((0..specimen.frames).map(number).collect());
    let windows = [tags::ENERGY_WINDOW_VECTOR, tags::DETECTOR_VECTOR];
    let pointers = windows.iter().flat_map(|tag| [tag.group(), tag.element()]).collect();
    set.text(tags::IMAGE_TYPE, "ORIGINAL\\PRIMARY\\STATIC\\EMISSION")
        .text(tags::NUMBER_OF_FRAMES, specimen.frames.to_string())
        .set(tags::FRAME_INCREMENT_POINTER, VR::AT, Value::Shorts(pointers))
        .set(tags::ENERGY_WINDOW_VECTOR, VR::US, each(|_| 1))
        .set(tags::DETECTOR_VECTOR, VR::US, each(|index| if index % 2 == 0 { 1 } else { 2 }))
        .number(tags::NUMBER_OF_ENERGY_WINDOWS, 1)
        .number(tags::NUMBER_OF_DETECTORS, if detectors == 2 { 2 } else { 1 })
        .text(tags::PIXEL_SPACING, format!("{CAMERA_PIXEL}\\{CAMERA_PIXEL}"))
        .text(tags::COUNTS_ACCUMULATED, "500000")
        .text(tags::ACTUAL_FRAME_DURATION, "180000")
        .text(tags::ACQUISITION_TERMINATION_CONDITION, "TIME")
        .item(tags::ENERGY_WINDOW_INFORMATION_SEQUENCE, energy_window())
        .items(tags::DETECTOR_INFORMATION_SEQUENCE, (0..detectors).map(|_| detector()).collect())
        .item(
            tags::RADIOPHARMACEUTICAL_INFORMATION_SEQUENCE,
            injection(TECHNETIUM, "063000", "740", "Tc-99m MDP"),
        );
    pixels
}

fn energy_window() -> DataSet {
    let (mut window, mut range) = (DataSet::default(), DataSet::default());
    range.text(tags::ENERGY_WINDOW_LOWER_LIMIT, "126").text(tags::ENERGY_WINDOW_UPPER_LIMIT, "154");
    window.text(tags::ENERGY_WINDOW_NAME, "Tc99m").item(tags::ENERGY_WINDOW_RANGE_SEQUENCE, range);
    window
}

fn detector() -> DataSet {
    let mut detector = DataSet::default();
    detector
        .text(tags::COLLIMATOR_GRID_NAME, "LEHR")
        .text(tags::COLLIMATOR_TYPE, "PARA")
        .text(tags::FIELD_OF_VIEW_SHAPE, "RECTANGLE")
        .text(tags::FIELD_OF_VIEW_DIMENSIONS, "400\\540")
        .text(tags::IMAGE_POSITION_PATIENT, "0\\0\\0")
        .text(tags::IMAGE_ORIENTATION_PATIENT, "1\\0\\0\\0\\0\\-1");
    detector
}

/// What was injected: the dose in MBq for NM, in Bq for PET (PS3.3 C.8.4.10, C.8.9.2).
fn injection(nuclide: Code, start: &str, dose: &str, name: &str) -> DataSet {
    let mut injection = DataSet::default();
    injection
        .code(tags::RADIONUCLIDE_CODE_SEQUENCE, nuclide)
        .text(tags::RADIOPHARMACEUTICAL_ROUTE, "INTRAVENOUS")
        .text(tags::RADIOPHARMACEUTICAL_START_TIME, start)
        .text(tags::RADIONUCLIDE_TOTAL_DOSE, dose)
        .text(tags::RADIOPHARMACEUTICAL, name);
    injection
}

/// PS3.3 C.8.4.6.
fn lying(gantry: Code, set: &mut DataSet) {
    let mut recumbent = RECUMBENT.item();
    recumbent.code(tags::PATIENT_ORIENTATION_MODIFIER_CODE_SEQUENCE, SUPINE);
    set.item(tags::PATIENT_ORIENTATION_CODE_SEQUENCE, recumbent)
        .code(tags::PATIENT_GANTRY_RELATIONSHIP_CODE_SEQUENCE, gantry)
        .empty(tags::PATIENT_ORIENTATION);
}

/// Positron Emission Tomography Image Storage, PS3.3 A.21.
pub(super) fn pet(specimen: &Specimen, set: &mut DataSet) -> Pixels {
    let pixels = pixels(specimen);
    pixels.describe(set);
    frame_of_reference(specimen, set);
    lying(HEAD_FIRST, set);
    let spacing = FIELD / f64::from(specimen.columns);
    let half = |count: u16| decimal(-spacing * (f64::from(count) - 1.0) / 2.0);
    let (x, y) = (half(specimen.columns), half(specimen.rows));
    let z = decimal(-STEP * f64::from(specimen.instance.saturating_sub(1)));
    let spacing = decimal(spacing);
    let mut injection = injection(FLUORINE, "083000", "370000000", "FDG");
    injection
        .text(tags::RADIONUCLIDE_HALF_LIFE, "6586.2")
        .text(tags::RADIONUCLIDE_POSITRON_FRACTION, "0.97");
    set.text(tags::IMAGE_TYPE, "ORIGINAL\\PRIMARY")
        .text(tags::UNITS, "BQML")
        .text(tags::COUNTS_SOURCE, "EMISSION")
        .text(tags::SERIES_TYPE, "WHOLE BODY\\IMAGE")
        .number(tags::NUMBER_OF_SLICES, 200)
        .text(tags::CORRECTED_IMAGE, "DECY\\ATTN\\SCAT\\DTIM\\RAN")
        .text(tags::DECAY_CORRECTION, "START")
        .text(tags::RANDOMS_CORRECTION_METHOD, "DLYD")
        .text(tags::ATTENUATION_CORRECTION_METHOD, "CT")
        .text(tags::SCATTER_CORRECTION_METHOD, "MODEL")
        .text(tags::RECONSTRUCTION_METHOD, "OSEM")
        .text(tags::COLLIMATOR_TYPE, "NONE")
        .item(tags::RADIOPHARMACEUTICAL_INFORMATION_SEQUENCE, injection)
        .text(tags::PIXEL_SPACING, format!("{spacing}\\{spacing}"))
        .text(tags::SLICE_THICKNESS, decimal(STEP))
        .text(tags::IMAGE_ORIENTATION_PATIENT, "1\\0\\0\\0\\1\\0")
        .text(tags::IMAGE_POSITION_PATIENT, format!("{x}\\{y}\\{z}"))
        .text(tags::RESCALE_INTERCEPT, "0")
        .text(tags::RESCALE_SLOPE, "0.5")
        .text(tags::FRAME_REFERENCE_TIME, "60000")
        .number(tags::IMAGE_INDEX, 1)
        .text(tags::ACTUAL_FRAME_DURATION, "120000")
        .text(tags::DECAY_FACTOR, "1.02")
        .text(tags::DOSE_CALIBRATION_FACTOR, "1")
        .text(tags::SCATTER_FRACTION_FACTOR, "0.3")
        .text(tags::WINDOW_CENTER, "500")
        .text(tags::WINDOW_WIDTH, "1000");
    pixels
}
