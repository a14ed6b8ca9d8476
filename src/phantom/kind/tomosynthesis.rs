//! Breast tomosynthesis: slices of a breast in one object.

use super::super::data_set::{Code, DataSet, Value};
use super::super::pixels::Pixels;
use super::super::specimen::Specimen;
use super::common::{da, frame_of_reference, series_uid};
use super::groups::{Stack, dimensions, in_stack, item};
use super::xray;
use crate::dicom::{VR, tags};
use dicom_dictionary_std::uids;

const BREAST: Code = Code("76752008", "SCT", "Breast");
/// Millimetres of a pixel and from slice to slice.
const PIXEL: &str = "0.1";
const THICKNESS: &str = "1";

/// Breast Tomosynthesis Image Storage, PS3.3 A.55.
pub(super) fn slices(specimen: &Specimen, set: &mut DataSet) -> Pixels {
    let pixels = xray::breast_pixels(specimen);
    pixels.describe(set);
    frame_of_reference(specimen, set);
    // Of the frames, not of the object.
    for tag in [tags::ACQUISITION_DATE, tags::ACQUISITION_TIME, tags::ACQUISITION_NUMBER] {
        set.remove(tag);
    }
    kind_of_frames(set, tags::IMAGE_TYPE);
    set.text(tags::NUMBER_OF_FRAMES, specimen.frames.to_string())
        .text(tags::CONTENT_QUALIFICATION, "PRODUCT")
        .text(tags::PRESENTATION_LUT_SHAPE, "IDENTITY")
        .items(tags::ACQUISITION_CONTEXT_SEQUENCE, Vec::new())
        .item(tags::VIEW_CODE_SEQUENCE, xray::view(xray::MEDIOLATERAL_OBLIQUE))
        .text(tags::BREAST_IMPLANT_PRESENT, "NO")
        .text(tags::PARTIAL_VIEW, "NO")
        .item(tags::CONTRIBUTING_SOURCES_SEQUENCE, source(specimen))
        .item(tags::X_RAY3_D_ACQUISITION_SEQUENCE, acquisition(specimen))
        .item(tags::X_RAY3_D_RECONSTRUCTION_SEQUENCE, reconstruction());
    dimensions(specimen, "dimension organization of tomosynthesis", set);
    set.item(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, shared()).items(
        tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE,
        (0..specimen.frames).map(frame).collect(),
    );
    pixels
}

fn kind_of_frames(set: &mut DataSet, type_of: crate::dicom::Tag) {
    set.text(type_of, "DERIVED\\PRIMARY\\TOMOSYNTHESIS\\NONE")
        .text(tags::PIXEL_PRESENTATION, "MONOCHROME")
        .text(tags::VOLUMETRIC_PROPERTIES, "VOLUME")
        .text(tags::VOLUME_BASED_CALCULATION_TECHNIQUE, "TOMOSYNTHESIS");
}

/// The projections that the slices were made from: PS3.3 C.8.21.3.
fn source(specimen: &Specimen) -> DataSet {
    let date = da(specimen.study_date);
    let image = item(|image| {
        image
            .text(
                tags::REFERENCED_SOP_CLASS_UID,
                uids::BREAST_PROJECTION_X_RAY_IMAGE_STORAGE_FOR_PROCESSING,
            )
            .text(tags::REFERENCED_SOP_INSTANCE_UID, series_uid(specimen, "projections"))
            .text(tags::INSTANCE_NUMBER, "1");
    });
    let series = item(|series| {
        series
            .text(tags::SERIES_INSTANCE_UID, series_uid(specimen, "series of projections"))
            .text(tags::SERIES_NUMBER, "2")
            .item(tags::REFERENCED_INSTANCE_SEQUENCE, image);
    });
    let study = item(|study| {
        study
            .text(tags::STUDY_INSTANCE_UID, specimen.study_instance().as_str())
            .item(tags::REFERENCED_SERIES_SEQUENCE, series);
    });
    item(|source| {
        source
            .text(tags::ACQUISITION_DATE_TIME, format!("{date}093300.000000+0800"))
            .text(tags::MANUFACTURER, "MARKGATE")
            .text(tags::MANUFACTURER_MODEL_NAME, "Synthetic DBT")
            .text(tags::DEVICE_SERIAL_NUMBER, "MG01-0001")
            .text(tags::SOFTWARE_VERSIONS, "1.0")
            .text(tags::DETECTOR_TYPE, "DIRECT")
            .text(tags::DETECTOR_ID, "D0001")
            .text(tags::DATE_OF_LAST_DETECTOR_CALIBRATION, date)
            .text(tags::TIME_OF_LAST_DETECTOR_CALIBRATION, "070000")
            .text(tags::DETECTOR_ELEMENT_SPACING, format!("{PIXEL}\\{PIXEL}"))
            .number(tags::ROWS, specimen.rows)
            .number(tags::COLUMNS, specimen.columns)
            .number(tags::BITS_STORED, 12)
            .text(tags::LOSSY_IMAGE_COMPRESSION, "00")
            .item(tags::CONTRIBUTING_SOP_INSTANCES_REFERENCE_SEQUENCE, study);
    })
}

/// PS3.3 C.8.21.3.2.
fn acquisition(specimen: &Specimen) -> DataSet {
    let event = series_uid(specimen, "irradiation");
    let projection = |angle: &str| {
        item(|projection| {
            projection
                .text(tags::POSITIONER_PRIMARY_ANGLE, angle)
                .text(tags::POSITIONER_SECONDARY_ANGLE, "0")
                .text(tags::KVP, "30")
                .double(tags::EXPOSURE_TIME_INMS, 50.0)
                .double(tags::X_RAY_TUBE_CURRENT_INM_A, 100.0)
                .double(tags::EXPOSURE_INM_AS, 5.0)
                .text(tags::RELATIVE_X_RAY_EXPOSURE, "100")
                .text(tags::ORGAN_DOSE, "0.001")
                .text(tags::ENTRANCE_DOSE_INM_GY, "0.5")
                .text(tags::IRRADIATION_EVENT_UID, event.as_str());
        })
    };
    item(|acquisition| {
        acquisition
            .text(tags::X_RAY_RECEPTOR_TYPE, "DIGITAL_DETECTOR")
            .text(tags::FIELD_OF_VIEW_SHAPE, "RECTANGLE")
            .text(tags::FIELD_OF_VIEW_ORIGIN, "0\\0")
            .set(tags::FIELD_OF_VIEW_DIMENSIONS_IN_FLOAT, VR::FL, Value::Floats(vec![240.0, 300.0]))
            .text(tags::DISTANCE_SOURCE_TO_DETECTOR, "660")
            .text(tags::DISTANCE_SOURCE_TO_PATIENT, "600")
            .text(tags::ESTIMATED_RADIOGRAPHIC_MAGNIFICATION_FACTOR, "1.1")
            .text(tags::KVP, "30")
            .double(tags::EXPOSURE_TIME_INMS, 500.0)
            .double(tags::X_RAY_TUBE_CURRENT_INM_A, 100.0)
            .double(tags::EXPOSURE_INM_AS, 50.0)
            .text(tags::EXPOSURE_CONTROL_MODE, "AUTOMATIC")
            .text(tags::EXPOSURE_CONTROL_MODE_DESCRIPTION, "AEC")
            .text(tags::HALF_VALUE_LAYER, "0.5")
            .text(tags::FOCAL_SPOTS, "0.3")
            .text(tags::DETECTOR_TEMPERATURE, "30")
            .text(tags::ANODE_TARGET_MATERIAL, "TUNGSTEN")
            .text(tags::FILTER_TYPE, "FLAT")
            .text(tags::FILTER_MATERIAL, "ALUMINUM")
            .text(tags::BODY_PART_THICKNESS, "55")
            .text(tags::COMPRESSION_FORCE, "110")
            .text(tags::PADDLE_DESCRIPTION, "18x24")
            .double(tags::PRIMARY_POSITIONER_SCAN_ARC, 15.0)
            .double(tags::PRIMARY_POSITIONER_SCAN_START_ANGLE, -7.5)
            .double(tags::PRIMARY_POSITIONER_INCREMENT, 1.0)
            .items(
                tags::PER_PROJECTION_ACQUISITION_SEQUENCE,
                ["-7.5", "0", "7.5"].map(projection).to_vec(),
            );
    })
}

fn reconstruction() -> DataSet {
    item(|reconstruction| {
        reconstruction
            .text(tags::RECONSTRUCTION_DESCRIPTION, "FBP")
            .text(tags::APPLICATION_NAME, "Synthetic reconstruction")
            .text(tags::APPLICATION_VERSION, "1.0")
            .text(tags::APPLICATION_MANUFACTURER, "MARKGATE")
            .text(tags::ALGORITHM_TYPE, "FILTER_BACK_PROJ")
            .number(tags::ACQUISITION_INDEX, 1);
    })
}

/// The right breast, seen from the side.
fn shared() -> DataSet {
    let stack = Stack {
        spacing: PIXEL,
        thickness: THICKNESS,
        apart: None,
        orientation: "0\\1\\0\\0\\0\\-1",
        anatomy: ("R", BREAST),
        rescale: ("0", "US"),
        window: ("2000", "4000"),
        shows: None,
    };
    item(|groups| stack.share(groups))
}

fn frame(index: u32) -> DataSet {
    let mut groups = in_stack(index, &format!("{index}\\0\\0"), None);
    groups.item(
        tags::X_RAY3_D_FRAME_TYPE_SEQUENCE,
        item(|group| {
            kind_of_frames(group, tags::FRAME_TYPE);
            group.number(tags::RECONSTRUCTION_INDEX, 1);
        }),
    );
    groups
}
