//! MR: an axial slice, and the same slices in one Enhanced MR object.

use super::super::data_set::{Code, DataSet, Value};
use super::super::picture::Scale;
use super::super::pixels::{Depth, Pixels};
use super::super::specimen::Specimen;
use super::common::{da, frame_of_reference};
use super::ct::{DIMENSIONS, decimal};
use super::groups::{Stack, dimensions, in_stack, item};
use super::scene;
use crate::dicom::{VR, tags};

/// Width of the picture, in millimetres.
const FIELD: f64 = 230.0;
/// Millimetres from slice to slice.
const STEP: f64 = 6.0;

fn pixels(specimen: &Specimen) -> Pixels {
    Pixels {
        rows: specimen.rows,
        columns: specimen.columns,
        frames: specimen.frames,
        depth: Depth::Grey16(12),
        scene: scene::head_slice(specimen),
        scale: Scale { offset: 0.0, slope: 1500.0, max: 4095 },
    }
}

/// Millimetres between columns.
fn spacing(specimen: &Specimen) -> f64 {
    FIELD / f64::from(specimen.columns)
}

/// The upper left pixel of a slice, counted from 0.
fn position(specimen: &Specimen, slice: u32) -> [f64; 3] {
    let half = |count: u16| -spacing(specimen) * (f64::from(count) - 1.0) / 2.0;
    [half(specimen.columns), half(specimen.rows), 60.0 - STEP * f64::from(slice)]
}

/// MR Image Storage, PS3.3 A.4.
pub(super) fn slice(specimen: &Specimen, set: &mut DataSet) -> Pixels {
    let pixels = pixels(specimen);
    pixels.describe(set);
    frame_of_reference(specimen, set);
    let [x, y, z] = position(specimen, specimen.instance.saturating_sub(1)).map(decimal);
    let spacing = decimal(spacing(specimen));
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

const HEAD: Code = Code("69536005", "SCT", "Head");
/// What Image Type and Frame Type say.
const TYPE: &str = "ORIGINAL\\PRIMARY\\VOLUME\\NONE";

/// Enhanced MR Image Storage, PS3.3 A.36.2.
pub(super) fn enhanced(specimen: &Specimen, set: &mut DataSet) -> Pixels {
    let pixels = pixels(specimen);
    pixels.describe(set);
    frame_of_reference(specimen, set);
    let date = da(specimen.study_date);
    description(set.text(tags::IMAGE_TYPE, TYPE));
    set.text(tags::PATIENT_POSITION, "HFS")
        .text(tags::NUMBER_OF_FRAMES, specimen.frames.to_string())
        .text(tags::ACQUISITION_DATE_TIME, format!("{date}093300.000000+0800"))
        .double(tags::ACQUISITION_DURATION, 96.0)
        .text(tags::CONTENT_QUALIFICATION, "PRODUCT")
        .text(tags::PRESENTATION_LUT_SHAPE, "IDENTITY")
        .text(tags::RESONANT_NUCLEUS, "1H")
        .text(tags::K_SPACE_FILTERING, "NONE")
        .text(tags::MAGNETIC_FIELD_STRENGTH, "3")
        .text(tags::APPLICABLE_SAFETY_STANDARD_AGENCY, "IEC")
        .items(tags::ACQUISITION_CONTEXT_SEQUENCE, Vec::new());
    set.remove(tags::ACQUISITION_DATE).remove(tags::ACQUISITION_TIME);
    pulse_sequence(set);
    dimensions(specimen, DIMENSIONS, set);
    set.item(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, shared(specimen));
    let frames = (0..specimen.frames).map(|index| frame(specimen, &date, index)).collect();
    set.items(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, frames);
    pixels
}

/// What object and frames say of what the picture is, PS3.3 C.8.13.3.
fn description(set: &mut DataSet) {
    set.text(tags::PIXEL_PRESENTATION, "MONOCHROME")
        .text(tags::VOLUMETRIC_PROPERTIES, "VOLUME")
        .text(tags::VOLUME_BASED_CALCULATION_TECHNIQUE, "NONE")
        .text(tags::COMPLEX_IMAGE_COMPONENT, "MAGNITUDE")
        .text(tags::ACQUISITION_CONTRAST, "T2");
}

/// PS3.3 C.8.13.4.
fn pulse_sequence(set: &mut DataSet) {
    set.text(tags::PULSE_SEQUENCE_NAME, "tse2d")
        .text(tags::MR_ACQUISITION_TYPE, "2D")
        .text(tags::ECHO_PULSE_SEQUENCE, "SPIN")
        .text(tags::MULTIPLE_SPIN_ECHO, "YES")
        .text(tags::MULTI_PLANAR_EXCITATION, "YES")
        .text(tags::PHASE_CONTRAST, "NO")
        .text(tags::TIME_OF_FLIGHT_CONTRAST, "NO")
        .text(tags::STEADY_STATE_PULSE_SEQUENCE, "NONE")
        .text(tags::ECHO_PLANAR_PULSE_SEQUENCE, "NO")
        .text(tags::SATURATION_RECOVERY, "NO")
        .text(tags::SPECTRALLY_SELECTED_SUPPRESSION, "NONE")
        .text(tags::OVERSAMPLING_PHASE, "NONE")
        .text(tags::GEOMETRY_OF_K_SPACE_TRAVERSAL, "RECTILINEAR")
        .text(tags::SEGMENTED_K_SPACE_TRAVERSAL, "PARTIAL")
        .text(tags::RECTILINEAR_PHASE_ENCODE_REORDERING, "LINEAR")
        .set(tags::NUMBER_OF_K_SPACE_TRAJECTORIES, VR::US, Value::Shorts(vec![1]));
}

fn shared(specimen: &Specimen) -> DataSet {
    let (spacing, apart) = (decimal(spacing(specimen)), decimal(STEP));
    let stack = Stack {
        spacing: &spacing,
        thickness: "5",
        apart: Some(&apart),
        orientation: "1\\0\\0\\0\\1\\0",
        anatomy: ("U", HEAD),
        rescale: ("0", "US"),
        window: ("750", "1500"),
        shows: None,
    };
    item(|groups| {
        stack.share(groups);
        groups.item(
            tags::MR_IMAGE_FRAME_TYPE_SEQUENCE,
            item(|group| description(group.text(tags::FRAME_TYPE, TYPE))),
        );
        acquisition(groups);
        coils(groups);
    })
}

/// What PS3.3 C.8.13.5 asks of an original image.
fn acquisition(groups: &mut DataSet) {
    groups
        .item(
            tags::MR_TIMING_AND_RELATED_PARAMETERS_SEQUENCE,
            item(|group| {
                let mut rate = DataSet::default();
                rate.text(tags::SPECIFIC_ABSORPTION_RATE_DEFINITION, "IEC_HEAD")
                    .double(tags::SPECIFIC_ABSORPTION_RATE_VALUE, 1.1);
                let mut mode = DataSet::default();
                mode.text(tags::OPERATING_MODE_TYPE, "RF").text(tags::OPERATING_MODE, "IEC_NORMAL");
                group
                    .text(tags::REPETITION_TIME, "4000")
                    .text(tags::FLIP_ANGLE, "120")
                    .text(tags::ECHO_TRAIN_LENGTH, "16")
                    .number(tags::RF_ECHO_TRAIN_LENGTH, 16)
                    .number(tags::GRADIENT_ECHO_TRAIN_LENGTH, 0)
                    .item(tags::SPECIFIC_ABSORPTION_RATE_SEQUENCE, rate)
                    .text(tags::GRADIENT_OUTPUT_TYPE, "DB_DT")
                    .double(tags::GRADIENT_OUTPUT, 20.0)
                    .item(tags::OPERATING_MODE_SEQUENCE, mode);
            }),
        )
        .item(
            tags::MRFOV_GEOMETRY_SEQUENCE,
            item(|group| {
                group
                    .text(tags::IN_PLANE_PHASE_ENCODING_DIRECTION, "ROW")
                    .number(tags::MR_ACQUISITION_FREQUENCY_ENCODING_STEPS, 256)
                    .number(tags::MR_ACQUISITION_PHASE_ENCODING_STEPS_IN_PLANE, 256)
                    .text(tags::PERCENT_SAMPLING, "100")
                    .text(tags::PERCENT_PHASE_FIELD_OF_VIEW, "100");
            }),
        )
        .item(
            tags::MR_ECHO_SEQUENCE,
            item(|group| {
                group.double(tags::EFFECTIVE_ECHO_TIME, 100.0);
            }),
        )
        .item(
            tags::MR_MODIFIER_SEQUENCE,
            item(|group| {
                group
                    .text(tags::INVERSION_RECOVERY, "NO")
                    .text(tags::FLOW_COMPENSATION, "NONE")
                    .text(tags::SPOILING, "NONE")
                    .text(tags::T2_PREPARATION, "NO")
                    .text(tags::SPECTRALLY_SELECTED_EXCITATION, "NONE")
                    .text(tags::SPATIAL_PRESATURATION, "NONE")
                    .text(tags::PARTIAL_FOURIER, "NO")
                    .text(tags::PARALLEL_ACQUISITION, "NO");
            }),
        )
        .item(
            tags::MR_IMAGING_MODIFIER_SEQUENCE,
            item(|group| {
                group
                    .text(tags::MAGNETIZATION_TRANSFER, "NONE")
                    .text(tags::BLOOD_SIGNAL_NULLING, "NO")
                    .text(tags::TAGGING, "NONE")
                    .double(tags::TRANSMITTER_FREQUENCY, 127.74)
                    .text(tags::PIXEL_BANDWIDTH, "200");
            }),
        )
        .item(
            tags::MR_AVERAGES_SEQUENCE,
            item(|group| {
                group.text(tags::NUMBER_OF_AVERAGES, "2");
            }),
        );
}

fn coils(groups: &mut DataSet) {
    groups
        .item(
            tags::MR_RECEIVE_COIL_SEQUENCE,
            item(|group| {
                group
                    .text(tags::RECEIVE_COIL_NAME, "HEAD")
                    .text(tags::RECEIVE_COIL_MANUFACTURER_NAME, "MARKGATE")
                    .text(tags::RECEIVE_COIL_TYPE, "VOLUME")
                    .text(tags::QUADRATURE_RECEIVE_COIL, "YES");
            }),
        )
        .item(
            tags::MR_TRANSMIT_COIL_SEQUENCE,
            item(|group| {
                group
                    .text(tags::TRANSMIT_COIL_NAME, "BODY")
                    .text(tags::TRANSMIT_COIL_MANUFACTURER_NAME, "MARKGATE")
                    .text(tags::TRANSMIT_COIL_TYPE, "BODY");
            }),
        );
}

fn frame(specimen: &Specimen, date: &str, index: u32) -> DataSet {
    let [x, y, z] = position(specimen, index).map(decimal);
    in_stack(index, &format!("{x}\\{y}\\{z}"), Some((date, 96_000.0)))
}
