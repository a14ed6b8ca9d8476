//! Ultrasound, and captured screens.

use super::super::data_set::{DataSet, Value};
use super::super::picture::Scale;
use super::super::pixels::{Depth, Pixels};
use super::super::specimen::Specimen;
use super::scene;
use crate::dicom::{VR, tags};

/// Grey levels in a byte.
const BYTE: Scale = Scale { offset: 0.0, slope: 255.0, max: 255 };

/// Ultrasound Image and Ultrasound Multi-frame Image Storage, PS3.3 A.6 and A.7.
pub(super) fn ultrasound(specimen: &Specimen, multi_frame: bool, set: &mut DataSet) -> Pixels {
    let pixels = Pixels {
        rows: specimen.rows,
        columns: specimen.columns,
        frames: specimen.frames,
        depth: Depth::Grey8,
        scene: scene::liver(specimen),
        scale: BYTE,
    };
    pixels.describe(set);
    set.text(tags::IMAGE_TYPE, "ORIGINAL\\PRIMARY\\ABDOMINAL\\0001")
        .empty(tags::PATIENT_ORIENTATION)
        .item(tags::SEQUENCE_OF_ULTRASOUND_REGIONS, region(specimen));
    if multi_frame {
        set.text(tags::NUMBER_OF_FRAMES, specimen.frames.to_string())
            .text(tags::FRAME_TIME, "40")
            .set(
                tags::FRAME_INCREMENT_POINTER,
                VR::AT,
                Value::Shorts(vec![tags::FRAME_TIME.group(), tags::FRAME_TIME.element()]),
            );
    }
    pixels
}

/// The whole picture as one tissue region in centimetres, PS3.3 C.8.5.5.
fn region(specimen: &Specimen) -> DataSet {
    let mut region = DataSet::default();
    let long = |number: u16| Value::Longs(vec![u32::from(number)]);
    // 16 cm deep, whatever the number of rows.
    let step = 16.0 / f64::from(specimen.rows);
    region
        .number(tags::REGION_SPATIAL_FORMAT, 1)
        .number(tags::REGION_DATA_TYPE, 1)
        .set(tags::REGION_FLAGS, VR::UL, long(0))
        .set(tags::REGION_LOCATION_MIN_X0, VR::UL, long(0))
        .set(tags::REGION_LOCATION_MIN_Y0, VR::UL, long(0))
        .set(tags::REGION_LOCATION_MAX_X1, VR::UL, long(specimen.columns - 1))
        .set(tags::REGION_LOCATION_MAX_Y1, VR::UL, long(specimen.rows - 1))
        .number(tags::PHYSICAL_UNITS_X_DIRECTION, 3)
        .number(tags::PHYSICAL_UNITS_Y_DIRECTION, 3)
        .double(tags::PHYSICAL_DELTA_X, step)
        .double(tags::PHYSICAL_DELTA_Y, step);
    region
}

/// Secondary Capture Image Storage, PS3.3 A.8.1.
pub(super) fn capture(specimen: &Specimen, set: &mut DataSet) -> Pixels {
    let pixels = Pixels {
        rows: specimen.rows,
        columns: specimen.columns,
        frames: 1,
        depth: Depth::Colour,
        scene: scene::screen(specimen),
        scale: BYTE,
    };
    pixels.describe(set);
    set.text(tags::CONVERSION_TYPE, "WSD")
        .text(tags::IMAGE_TYPE, "DERIVED\\SECONDARY")
        .empty(tags::PATIENT_ORIENTATION);
    pixels
}
