//! MR: an axial slice.

use super::super::data_set::{DataSet, Value};
use super::super::picture::Scale;
use super::super::pixels::{Depth, Pixels};
use super::super::specimen::Specimen;
use super::common::frame_of_reference;
use super::ct::decimal;
use super::scene;
use crate::dicom::{VR, tags};

/// Width of the picture, in millimetres.
const FIELD: f64 = 230.0;
/// Millimetres from slice to slice.
const STEP: f64 = 6.0;

/// MR Image Storage, PS3.3 A.4.
pub(super) fn slice(specimen: &Specimen, set: &mut DataSet) -> Pixels {
    let pixels = Pixels {
        rows: specimen.rows,
        columns: specimen.columns,
        frames: 1,
        depth: Depth::Grey16(12),
        scene: scene::head_slice(specimen),
        scale: Scale { offset: 0.0, slope: 1500.0, max: 4095 },
    };
    pixels.describe(set);
    frame_of_reference(specimen, set);
    let spacing = FIELD / f64::from(specimen.columns);
    let half = |count: u16| decimal(-spacing * (f64::from(count) - 1.0) / 2.0);
    let z = decimal(60.0 - STEP * f64::from(specimen.instance.saturating_sub(1)));
    let (x, y) = (half(specimen.columns), half(specimen.rows));
    let spacing = decimal(spacing);
    set.text(tags::IMAGE_TYPE, "ORIGINAL\\PRIMARY\\M\\SE")
        .text(tags::PATIENT_POSITION, "HFS")
        .text(tags::PIXEL_SPACING, format!("{spacing}\\{spacing}"))
        .text(tags::IMAGE_ORIENTATION_PATIENT, "1\\0\\0\\0\\1\\0")
        .text(tags::IMAGE_POSITION_PATIENT, format!("{x}\\{y}\\{z}"))
        .text(tags::SLICE_THICKNESS, "5")
        .text(tags::SPACING_BETWEEN_SLICES, decimal(STEP))
        .text(tags::SLICE_LOCATION, z)
        .text(tags::SCANNING_SEQUENCE, "SE")
        .text(tags::SEQUENCE_VARIANT, "SK")
        .text(tags::SCAN_OPTIONS, "FC")
        .text(tags::MR_ACQUISITION_TYPE, "2D")
        .text(tags::SEQUENCE_NAME, "tse2d")
        .text(tags::REPETITION_TIME, "4000")
        .text(tags::ECHO_TIME, "100")
        .text(tags::ECHO_TRAIN_LENGTH, "16")
        .text(tags::ECHO_NUMBERS, "1")
        .text(tags::NUMBER_OF_AVERAGES, "2")
        .text(tags::IMAGING_FREQUENCY, "127.74")
        .text(tags::IMAGED_NUCLEUS, "1H")
        .text(tags::MAGNETIC_FIELD_STRENGTH, "3")
        .text(tags::PERCENT_SAMPLING, "100")
        .text(tags::PERCENT_PHASE_FIELD_OF_VIEW, "100")
        .text(tags::PIXEL_BANDWIDTH, "200")
        .text(tags::RECEIVE_COIL_NAME, "HEAD_32")
        .set(tags::ACQUISITION_MATRIX, VR::US, Value::Shorts(vec![256, 0, 0, 256]))
        .text(tags::IN_PLANE_PHASE_ENCODING_DIRECTION, "ROW")
        .text(tags::FLIP_ANGLE, "120")
        .text(tags::SAR, "1.1")
        .text(tags::WINDOW_CENTER, "750")
        .text(tags::WINDOW_WIDTH, "1500");
    pixels
}
