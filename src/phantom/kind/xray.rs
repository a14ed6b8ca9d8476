//! Projection radiography, mammography, angiography.

use super::super::data_set::{Code, DataSet, Value};
use super::super::picture::Scale;
use super::super::pixels::{Depth, Pixels};
use super::super::specimen::Specimen;
use super::common::{da, series_uid};
use super::scene;
use crate::dicom::{VR, tags};

/// 12 bits from level 0 to 1.
const TWELVE_BITS: Scale = Scale { offset: 0.0, slope: 4000.0, max: 4095 };

const CHEST: Code = Code("51185008", "SCT", "Chest");
const BREAST: Code = Code("76752008", "SCT", "Breast");
const POSTERO_ANTERIOR: Code = Code("272479007", "SCT", "postero-anterior");
pub(super) const MEDIOLATERAL_OBLIQUE: Code = Code("399368009", "SCT", "medio-lateral oblique");

fn pixels(specimen: &Specimen, scene: super::super::picture::Scene) -> Pixels {
    Pixels {
        rows: specimen.rows,
        columns: specimen.columns,
        frames: specimen.frames,
        depth: Depth::Grey16(12),
        scene,
        scale: TWELVE_BITS,
    }
}

/// Digital X-Ray Image Storage, PS3.3 A.26.
pub(super) fn dx(specimen: &Specimen, for_presentation: bool, set: &mut DataSet) -> Pixels {
    let pixels = pixels(specimen, scene::chest_projection(specimen));
    pixels.describe(set);
    digital(specimen, for_presentation, "0.208", set);
    set.text(tags::BODY_PART_EXAMINED, "CHEST")
        .code(tags::ANATOMIC_REGION_SEQUENCE, CHEST)
        .text(tags::IMAGE_LATERALITY, "U")
        .text(tags::PATIENT_ORIENTATION, "L\\F")
        .text(tags::VIEW_POSITION, "PA")
        .item(tags::VIEW_CODE_SEQUENCE, view(POSTERO_ANTERIOR))
        .text(tags::POSITIONER_TYPE, "COLUMN")
        .text(tags::KVP, "120")
        .text(tags::EXPOSURE_TIME, "8")
        .text(tags::X_RAY_TUBE_CURRENT, "250")
        .text(tags::EXPOSURE, "2")
        .text(tags::EXPOSURE_INU_AS, "2000")
        .text(tags::DISTANCE_SOURCE_TO_DETECTOR, "1800")
        .text(tags::DISTANCE_SOURCE_TO_PATIENT, "1600")
        .text(tags::ESTIMATED_RADIOGRAPHIC_MAGNIFICATION_FACTOR, "1.125")
        .text(tags::EXPOSURE_INDEX, "400")
        .text(tags::TARGET_EXPOSURE_INDEX, "400")
        .text(tags::DEVIATION_INDEX, "0")
        .text(tags::IMAGE_AND_FLUOROSCOPY_AREA_DOSE_PRODUCT, "0.8")
        .text(tags::GRID, "FIXED")
        .text(tags::FILTER_TYPE, "FLAT")
        .text(tags::FILTER_MATERIAL, "ALUMINUM");
    pixels
}

/// What pictures of a breast consist of.
pub(super) fn breast_pixels(specimen: &Specimen) -> Pixels {
    pixels(specimen, scene::breast(specimen))
}

/// Digital Mammography X-Ray Image Storage, PS3.3 A.27.
pub(super) fn mg(specimen: &Specimen, set: &mut DataSet) -> Pixels {
    let pixels = breast_pixels(specimen);
    pixels.describe(set);
    digital(specimen, true, "0.1", set);
    set.code(tags::ANATOMIC_REGION_SEQUENCE, BREAST)
        .text(tags::IMAGE_LATERALITY, "R")
        .text(tags::PATIENT_ORIENTATION, "P\\FL")
        .text(tags::VIEW_POSITION, "MLO")
        .item(tags::VIEW_CODE_SEQUENCE, view(MEDIOLATERAL_OBLIQUE))
        .text(tags::POSITIONER_TYPE, "MAMMOGRAPHIC")
        .text(tags::POSITIONER_PRIMARY_ANGLE, "-45")
        .text(tags::ORGAN_EXPOSED, "BREAST")
        .text(tags::ORGAN_DOSE, "0.012")
        .text(tags::PARTIAL_VIEW, "NO")
        .text(tags::BREAST_IMPLANT_PRESENT, "NO")
        .text(tags::KVP, "28")
        .text(tags::EXPOSURE_TIME, "900")
        .text(tags::X_RAY_TUBE_CURRENT, "100")
        .text(tags::EXPOSURE, "90")
        .text(tags::EXPOSURE_INU_AS, "90000")
        .text(tags::ANODE_TARGET_MATERIAL, "TUNGSTEN")
        .text(tags::FILTER_TYPE, "FLAT")
        .text(tags::FILTER_MATERIAL, "RHODIUM")
        .text(tags::BODY_PART_THICKNESS, "55")
        .text(tags::COMPRESSION_FORCE, "110")
        .text(tags::DISTANCE_SOURCE_TO_DETECTOR, "660")
        .text(tags::DISTANCE_SOURCE_TO_PATIENT, "600")
        .text(tags::ESTIMATED_RADIOGRAPHIC_MAGNIFICATION_FACTOR, "1.1");
    pixels
}

/// A view without modifiers.
pub(super) fn view(code: Code) -> DataSet {
    let mut item = code.item();
    item.items(tags::VIEW_MODIFIER_CODE_SEQUENCE, Vec::new());
    item
}

/// What all digital X-ray images share: PS3.3 C.8.11.1, C.8.11.3, C.8.11.4. `spacing` is that of the detector's elements in
/// millimetres: a smaller picture shows a smaller field.
fn digital(specimen: &Specimen, for_presentation: bool, spacing: &str, set: &mut DataSet) {
    let intent = if for_presentation { "FOR PRESENTATION" } else { "FOR PROCESSING" };
    set.text(tags::PRESENTATION_INTENT_TYPE, intent)
        .text(tags::IMAGE_TYPE, "ORIGINAL\\PRIMARY\\")
        .text(tags::PIXEL_INTENSITY_RELATIONSHIP, "LOG")
        .set(tags::PIXEL_INTENSITY_RELATIONSHIP_SIGN, VR::SS, Value::SignedShorts(vec![-1]))
        .text(tags::RESCALE_INTERCEPT, "0")
        .text(tags::RESCALE_SLOPE, "1")
        .text(tags::RESCALE_TYPE, "US")
        .text(tags::PRESENTATION_LUT_SHAPE, "IDENTITY")
        .text(tags::DETECTOR_TYPE, "SCINTILLATOR")
        .text(tags::DETECTOR_CONFIGURATION, "AREA")
        .text(tags::DETECTOR_ID, "D0001")
        .text(tags::DATE_OF_LAST_DETECTOR_CALIBRATION, da(specimen.study_date))
        .text(tags::DETECTOR_TEMPERATURE, "30")
        .text(tags::IMAGER_PIXEL_SPACING, format!("{spacing}\\{spacing}"))
        .text(tags::DETECTOR_ELEMENT_PHYSICAL_SIZE, format!("{spacing}\\{spacing}"))
        .text(tags::DETECTOR_ELEMENT_SPACING, format!("{spacing}\\{spacing}"))
        .items(tags::ACQUISITION_CONTEXT_SEQUENCE, Vec::new());
    if for_presentation {
        set.text(tags::WINDOW_CENTER, "2000").text(tags::WINDOW_WIDTH, "4000");
    }
}

/// Computed Radiography Image Storage, PS3.3 A.2.
pub(super) fn cr(specimen: &Specimen, set: &mut DataSet) -> Pixels {
    let pixels = pixels(specimen, scene::chest_projection(specimen));
    pixels.describe(set);
    set.text(tags::IMAGE_TYPE, "ORIGINAL\\PRIMARY")
        .text(tags::VIEW_POSITION, "PA")
        .text(tags::PATIENT_ORIENTATION, "L\\F")
        .text(tags::IMAGER_PIXEL_SPACING, "0.171\\0.171")
        .text(tags::KVP, "110")
        .text(tags::EXPOSURE_TIME, "10")
        .text(tags::X_RAY_TUBE_CURRENT, "200")
        .text(tags::EXPOSURE, "2")
        .text(tags::DISTANCE_SOURCE_TO_DETECTOR, "1800")
        .text(tags::EXPOSURE_INDEX, "300")
        .text(tags::TARGET_EXPOSURE_INDEX, "300")
        .text(tags::DEVIATION_INDEX, "0")
        .text(tags::IRRADIATION_EVENT_UID, series_uid(specimen, "irradiation"))
        .text(tags::PLATE_TYPE, "STORAGE PHOSPHOR")
        .text(tags::CASSETTE_SIZE, "35CMX43CM")
        .text(tags::PLATE_ID, "P0001")
        .text(tags::WINDOW_CENTER, "2000")
        .text(tags::WINDOW_WIDTH, "4000");
    pixels
}

/// X-Ray Angiographic Image Storage, PS3.3 A.14.
pub(super) fn xa(specimen: &Specimen, set: &mut DataSet) -> Pixels {
    let pixels = run(specimen, set);
    set.text(tags::KVP, "75")
        .text(tags::X_RAY_TUBE_CURRENT, "600")
        .text(tags::EXPOSURE, "5")
        .text(tags::POSITIONER_MOTION, "STATIC")
        .text(tags::POSITIONER_PRIMARY_ANGLE, "30")
        .text(tags::POSITIONER_SECONDARY_ANGLE, "-20");
    pixels
}

/// X-Ray Radiofluoroscopic Image Storage, PS3.3 A.16.
pub(super) fn rf(specimen: &Specimen, set: &mut DataSet) -> Pixels {
    let pixels = run(specimen, set);
    set.text(tags::KVP, "90")
        .text(tags::X_RAY_TUBE_CURRENT, "300")
        .text(tags::EXPOSURE, "2")
        .text(tags::COLUMN_ANGULATION, "0");
    pixels
}

/// What runs of X-ray images share: PS3.3 C.7.6.5, C.8.7.1, C.8.7.2.
fn run(specimen: &Specimen, set: &mut DataSet) -> Pixels {
    let pixels = pixels(specimen, scene::vessels(specimen));
    pixels.describe(set);
    set.text(tags::IMAGE_TYPE, "ORIGINAL\\PRIMARY\\SINGLE PLANE")
        .text(tags::NUMBER_OF_FRAMES, specimen.frames.to_string())
        .text(tags::FRAME_TIME, "66.7")
        .set(
            tags::FRAME_INCREMENT_POINTER,
            VR::AT,
            Value::Shorts(vec![tags::FRAME_TIME.group(), tags::FRAME_TIME.element()]),
        )
        .empty(tags::PATIENT_ORIENTATION)
        .text(tags::PIXEL_INTENSITY_RELATIONSHIP, "LIN")
        .text(tags::EXPOSURE_TIME, "8")
        .text(tags::AVERAGE_PULSE_WIDTH, "8")
        .text(tags::RADIATION_SETTING, "GR")
        .text(tags::RADIATION_MODE, "PULSED")
        .text(tags::DISTANCE_SOURCE_TO_DETECTOR, "1100")
        .text(tags::DISTANCE_SOURCE_TO_PATIENT, "780")
        .text(tags::ESTIMATED_RADIOGRAPHIC_MAGNIFICATION_FACTOR, "1.41")
        .text(tags::WINDOW_CENTER, "1800")
        .text(tags::WINDOW_WIDTH, "3600");
    pixels
}
