//! CT: a slice, and the same slices in one Enhanced CT object.

use super::super::data_set::{Code, DataSet, Value};
use super::super::picture::Scale;
use super::super::pixels::{Depth, Pixels};
use super::super::specimen::Specimen;
use super::common::{da, frame_of_reference, series_uid};
use super::groups::{Stack, dimensions, in_stack, item};
use super::scene;
use crate::dicom::{VR, tags};

/// Slices are as thick as they are far apart, in millimetres.
const THICKNESS: &str = "1.25";
/// Width of the reconstructed picture, in millimetres.
const FIELD: f64 = 350.0;

/// Hounsfield units from -1024 up in 12 bits.
const HOUNSFIELD: Scale = Scale { offset: 1024.0, slope: 1.0, max: 4095 };

fn pixels(specimen: &Specimen) -> Pixels {
    Pixels {
        rows: specimen.rows,
        columns: specimen.columns,
        frames: specimen.frames,
        depth: Depth::Grey16(12),
        scene: scene::chest_slice(specimen),
        scale: HOUNSFIELD,
    }
}

/// Millimetres between columns.
fn spacing(specimen: &Specimen) -> f64 {
    FIELD / f64::from(specimen.columns)
}

/// A decimal string of at most 16 characters.
pub(super) fn decimal(number: f64) -> String {
    let text = format!("{number:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The upper left pixel of a slice, counted from 0.
fn position(specimen: &Specimen, slice: u32) -> [f64; 3] {
    let half = |count: u16| -spacing(specimen) * (f64::from(count) - 1.0) / 2.0;
    [half(specimen.columns), half(specimen.rows), -100.0 - 1.25 * f64::from(slice)]
}

/// CT Image Storage, PS3.3 A.3.
pub(super) fn slice(specimen: &Specimen, set: &mut DataSet) -> Pixels {
    let slice = specimen.instance.saturating_sub(1);
    let spacing = decimal(spacing(specimen));
    let [x, y, z] = position(specimen, slice).map(decimal);
    let pixels = pixels(specimen);
    pixels.describe(set);
    frame_of_reference(specimen, set);
    set.text(tags::IMAGE_TYPE, "ORIGINAL\\PRIMARY\\AXIAL")
        .text(tags::PATIENT_POSITION, "HFS")
        .text(tags::PIXEL_SPACING, format!("{spacing}\\{spacing}"))
        .text(tags::IMAGE_ORIENTATION_PATIENT, "1\\0\\0\\0\\1\\0")
        .text(tags::IMAGE_POSITION_PATIENT, format!("{x}\\{y}\\{z}"))
        .text(tags::SLICE_THICKNESS, THICKNESS)
        .text(tags::SLICE_LOCATION, z)
        .text(tags::RESCALE_INTERCEPT, "-1024")
        .text(tags::RESCALE_SLOPE, "1")
        .text(tags::RESCALE_TYPE, "HU")
        .text(tags::WINDOW_CENTER, "40\\-600")
        .text(tags::WINDOW_WIDTH, "400\\1500")
        .text(tags::WINDOW_CENTER_WIDTH_EXPLANATION, "MEDIASTINUM\\LUNG")
        .text(tags::KVP, "120")
        .text(tags::X_RAY_TUBE_CURRENT, "200")
        .text(tags::EXPOSURE_TIME, "500")
        .text(tags::EXPOSURE, "100")
        .text(tags::DATA_COLLECTION_DIAMETER, "500")
        .text(tags::RECONSTRUCTION_DIAMETER, "350")
        .text(tags::SCAN_OPTIONS, "HELICAL MODE")
        .text(tags::ROTATION_DIRECTION, "CW")
        .text(tags::GANTRY_DETECTOR_TILT, "0")
        .text(tags::TABLE_HEIGHT, "150")
        .text(tags::FILTER_TYPE, "BODY FILTER")
        .text(tags::CONVOLUTION_KERNEL, "STANDARD")
        .text(tags::FOCAL_SPOTS, "0.7")
        .double(tags::CTD_IVOL, 8.2)
        .double(tags::SPIRAL_PITCH_FACTOR, 0.984);
    pixels
}

/// What tells how the frames of enhanced phantoms are ordered.
pub(super) const DIMENSIONS: &str = "dimension organization";

const CHEST: Code = Code("51185008", "SCT", "Chest");

/// Enhanced CT Image Storage, PS3.3 A.38.1.
pub(super) fn enhanced(specimen: &Specimen, set: &mut DataSet) -> Pixels {
    let pixels = pixels(specimen);
    pixels.describe(set);
    frame_of_reference(specimen, set);
    let date = da(specimen.study_date);
    set.text(tags::IMAGE_TYPE, "ORIGINAL\\PRIMARY\\VOLUME\\NONE")
        .text(tags::PATIENT_POSITION, "HFS")
        .text(tags::NUMBER_OF_FRAMES, specimen.frames.to_string())
        .text(tags::ACQUISITION_DATE_TIME, format!("{date}093300.000000+0800"))
        .double(tags::ACQUISITION_DURATION, 4.0)
        .text(tags::CONTENT_QUALIFICATION, "PRODUCT")
        .text(tags::PRESENTATION_LUT_SHAPE, "IDENTITY")
        .text(tags::PIXEL_PRESENTATION, "MONOCHROME")
        .text(tags::VOLUMETRIC_PROPERTIES, "VOLUME")
        .text(tags::VOLUME_BASED_CALCULATION_TECHNIQUE, "NONE")
        .text(tags::MULTIENERGY_CT_ACQUISITION, "NO")
        .items(tags::ACQUISITION_CONTEXT_SEQUENCE, Vec::new());
    set.remove(tags::ACQUISITION_DATE).remove(tags::ACQUISITION_TIME);
    dimensions(specimen, DIMENSIONS, set);
    set.item(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, shared(specimen));
    let frames = (0..specimen.frames).map(|index| frame(specimen, &date, index)).collect();
    set.items(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, frames);
    pixels
}

fn shared(specimen: &Specimen) -> DataSet {
    let spacing = decimal(spacing(specimen));
    let stack = Stack {
        spacing: &spacing,
        thickness: THICKNESS,
        apart: None,
        orientation: "1\\0\\0\\0\\1\\0",
        anatomy: ("U", CHEST),
        rescale: ("-1024", "HU"),
        window: ("40", "400"),
        shows: Some("MEDIASTINUM"),
    };
    item(|groups| {
        stack.share(groups);
        groups
            .item(
                tags::IRRADIATION_EVENT_IDENTIFICATION_SEQUENCE,
                item(|group| {
                    group.text(tags::IRRADIATION_EVENT_UID, series_uid(specimen, "irradiation"));
                }),
            )
            .item(
                tags::CT_IMAGE_FRAME_TYPE_SEQUENCE,
                item(|group| {
                    group
                        .text(tags::FRAME_TYPE, "ORIGINAL\\PRIMARY\\VOLUME\\NONE")
                        .text(tags::PIXEL_PRESENTATION, "MONOCHROME")
                        .text(tags::VOLUMETRIC_PROPERTIES, "VOLUME")
                        .text(tags::VOLUME_BASED_CALCULATION_TECHNIQUE, "NONE");
                }),
            );
        acquisition(groups);
    })
}

/// What PS3.3 C.8.15.3 asks of an original image.
fn acquisition(groups: &mut DataSet) {
    groups
        .item(
            tags::CT_ACQUISITION_TYPE_SEQUENCE,
            item(|group| {
                group
                    .text(tags::ACQUISITION_TYPE, "SPIRAL")
                    .text(tags::CONSTANT_VOLUME_FLAG, "NO")
                    .text(tags::FLUOROSCOPY_FLAG, "NO");
            }),
        )
        .item(
            tags::CT_ACQUISITION_DETAILS_SEQUENCE,
            item(|group| {
                group
                    .text(tags::ROTATION_DIRECTION, "CW")
                    .double(tags::REVOLUTION_TIME, 0.5)
                    .double(tags::SINGLE_COLLIMATION_WIDTH, 0.625)
                    .double(tags::TOTAL_COLLIMATION_WIDTH, 40.0)
                    .text(tags::TABLE_HEIGHT, "150")
                    .text(tags::GANTRY_DETECTOR_TILT, "0")
                    .text(tags::DATA_COLLECTION_DIAMETER, "500");
            }),
        )
        .item(
            tags::CT_TABLE_DYNAMICS_SEQUENCE,
            item(|group| {
                group
                    .double(tags::TABLE_SPEED, 78.7)
                    .double(tags::TABLE_FEED_PER_ROTATION, 39.37)
                    .double(tags::SPIRAL_PITCH_FACTOR, 0.984);
            }),
        )
        .item(
            tags::CT_GEOMETRY_SEQUENCE,
            item(|group| {
                group
                    .double(tags::DISTANCE_SOURCE_TO_DETECTOR, 950.0)
                    .double(tags::DISTANCE_SOURCE_TO_DATA_COLLECTION_CENTER, 540.0);
            }),
        )
        .item(
            tags::CT_RECONSTRUCTION_SEQUENCE,
            item(|group| {
                group
                    .text(tags::RECONSTRUCTION_ALGORITHM, "FILTER_BACK_PROJ")
                    .text(tags::CONVOLUTION_KERNEL, "STANDARD")
                    .text(tags::CONVOLUTION_KERNEL_GROUP, "SOFT_TISSUE")
                    .text(tags::RECONSTRUCTION_DIAMETER, "350")
                    .set(
                        tags::RECONSTRUCTION_PIXEL_SPACING,
                        VR::FD,
                        Value::Doubles(vec![FIELD / 512.0; 2]),
                    )
                    .double(tags::RECONSTRUCTION_ANGLE, 360.0)
                    .text(tags::IMAGE_FILTER, "BODY FILTER");
            }),
        )
        .item(
            tags::CT_EXPOSURE_SEQUENCE,
            item(|group| {
                group
                    .double(tags::EXPOSURE_TIME_INMS, 500.0)
                    .double(tags::X_RAY_TUBE_CURRENT_INM_A, 200.0)
                    .double(tags::EXPOSURE_INM_AS, 100.0)
                    .text(tags::EXPOSURE_MODULATION_TYPE, "NONE")
                    .double(tags::CTD_IVOL, 8.2)
                    .code(
                        tags::CTDI_PHANTOM_TYPE_CODE_SEQUENCE,
                        Code("113691", "DCM", "IEC Body Dosimetry Phantom"),
                    );
            }),
        )
        .item(
            tags::CTX_RAY_DETAILS_SEQUENCE,
            item(|group| {
                group
                    .text(tags::KVP, "120")
                    .text(tags::FOCAL_SPOTS, "0.7")
                    .text(tags::FILTER_TYPE, "FLAT")
                    .text(tags::FILTER_MATERIAL, "ALUMINUM");
            }),
        );
}

fn frame(specimen: &Specimen, date: &str, index: u32) -> DataSet {
    let position = position(specimen, index);
    let [x, y, z] = position.map(decimal);
    let mut groups = in_stack(index, &format!("{x}\\{y}\\{z}"), Some((date, 500.0)));
    groups.item(
        tags::CT_POSITION_SEQUENCE,
        item(|group| {
            let [_, _, z] = position;
            let center = Value::Doubles(vec![0.0, 0.0, z]);
            group
                .double(tags::TABLE_POSITION, z)
                .set(tags::DATA_COLLECTION_CENTER_PATIENT, VR::FD, center.clone())
                .set(tags::RECONSTRUCTION_TARGET_CENTER_PATIENT, VR::FD, center);
        }),
    );
    groups
}
