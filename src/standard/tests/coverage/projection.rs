//! CR, DX and mammography.

use super::*;
use crate::dicom::{VR, tags};
use crate::phantom::{Code, DataSet, Value};
use Outcome::{Met, NotMet};
use Severity::{Block, Info, Warn};

const JPEG_LOSSLESS: &str = "1.2.840.10008.1.2.4.70";
const JPEG_BASELINE: &str = "1.2.840.10008.1.2.4.50";

fn dx() -> Specimen {
    phantom(Kind::Dx)
}

fn cr() -> Specimen {
    phantom(Kind::Cr)
}

fn mg() -> Specimen {
    phantom(Kind::Mg)
}

/// With one code in a sequence, in place of what was there.
fn coded(specimen: Specimen, sequence: Tag, code: Code) -> Specimen {
    let mut set = DataSet::default();
    set.text(tags::CODE_VALUE, code.0)
        .text(tags::CODING_SCHEME_DESIGNATOR, code.1)
        .text(tags::CODE_MEANING, code.2);
    specimen.set(sequence, VR::SQ, Value::Items(vec![set]))
}

/// A mammogram of the class for processing; what it says of its intent stays.
fn raw(mammogram: Specimen) -> Specimen {
    mammogram.text(tags::SOP_CLASS_UID, "1.2.840.10008.5.1.4.1.1.1.2.1")
}

/// Values of Presentation Intent Type in a class for presentation.
const INTENTS: [(Option<&str>, Outcome); 4] = [
    (Some("FOR PRESENTATION"), Met),
    (Some("FOR PROCESSING"), NotMet(Block)),
    (Some("garbage"), NotMet(Block)),
    (None, NotMet(Block)),
];

const LATERAL: Code = Code("399067008", "SCT", "lateral");
const ANTERO_POSTERIOR: Code = Code("399348003", "SCT", "antero-posterior");

pub(super) fn cases() -> Vec<Case> {
    [radiographs(), exposure(), pictures(), mammograms(), breasts()].into_iter().flatten().collect()
}

/// What they show, and of what kind they are.
fn radiographs() -> Vec<Case> {
    let views = [tags::VIEW_POSITION, tags::VIEW_CODE_SEQUENCE];
    let without_view = |specimen: Specimen| views.into_iter().fold(specimen, Specimen::without);
    vec![
        Case::of("IMG-DR-001")
            .passes(dx())
            .passes(dx().without(tags::VIEW_POSITION))
            .passes(cr())
            .passes(cr().text(tags::VIEW_POSITION, "LL"))
            .fails(Block, without_view(dx()))
            .fails(Block, cr().text(tags::VIEW_POSITION, ""))
            .fails(Warn, cr().text(tags::VIEW_POSITION, "SWIMMER")),
        Case::of("IMG-DR-002")
            .passes(dx())
            .fails(Warn, dx().text(tags::VIEW_POSITION, "AP"))
            .fails(Warn, coded(dx(), tags::VIEW_CODE_SEQUENCE, LATERAL))
            .not_applicable(dx().without(tags::VIEW_POSITION))
            .not_applicable(dx().text(tags::VIEW_POSITION, "SWIMMER")),
        Case::of("IMG-DR-003")
            .values(&dx(), tags::PRESENTATION_INTENT_TYPE, &INTENTS)
            .values(&mg(), tags::PRESENTATION_INTENT_TYPE, &INTENTS)
            .values(
                &phantom(Kind::DxForProcessing),
                tags::PRESENTATION_INTENT_TYPE,
                &[
                    (Some("FOR PROCESSING"), NotMet(Info)),
                    (Some("FOR PRESENTATION"), NotMet(Block)),
                    (None, NotMet(Block)),
                ],
            )
            .not_applicable(cr()),
        Case::of("IMG-DR-017").for_a_person(dx()).for_a_person(cr()),
        Case::of("IMG-DR-014")
            .passes(dx())
            .passes(dx().text(tags::PATIENT_ORIENTATION, "R\\F"))
            .fails(Warn, dx().text(tags::PATIENT_ORIENTATION, ""))
            .fails(Warn, dx().text(tags::PATIENT_ORIENTATION, "L\\R"))
            .fails(Warn, dx().text(tags::PATIENT_ORIENTATION, "A\\F")),
    ]
}

/// How they were taken.
fn exposure() -> Vec<Case> {
    let mas = [tags::EXPOSURE, tags::EXPOSURE_INU_AS, tags::X_RAY_TUBE_CURRENT];
    vec![
        Case::of("IMG-DR-004")
            .passes(dx())
            .passes(cr().text(tags::KVP, "40"))
            .fails(Warn, dx().without(tags::KVP))
            .fails(Warn, dx().text(tags::KVP, "151"))
            .fails(Warn, cr().text(tags::KVP, "39.9"))
            .fails(Warn, cr().text(tags::KVP, "high")),
        Case::of("IMG-DR-005")
            .passes(dx())
            .passes(cr().without(tags::EXPOSURE))
            .fails(Warn, mas.into_iter().fold(dx(), Specimen::without))
            .fails(Warn, dx().text(tags::EXPOSURE, "20"))
            .fails(Warn, dx().text(tags::EXPOSURE_TIME, "80")),
        Case::of("IMG-DR-006")
            .passes(dx())
            .passes(dx().text(tags::DISTANCE_SOURCE_TO_DETECTOR, "1500"))
            .passes(coded(
                dx().text(tags::VIEW_POSITION, "AP")
                    .text(tags::DISTANCE_SOURCE_TO_DETECTOR, "1000"),
                tags::VIEW_CODE_SEQUENCE,
                ANTERO_POSTERIOR,
            ))
            .fails(Warn, dx().text(tags::DISTANCE_SOURCE_TO_DETECTOR, "1499"))
            .fails(Warn, dx().text(tags::DISTANCE_SOURCE_TO_DETECTOR, "18"))
            .fails(Warn, cr().without(tags::DISTANCE_SOURCE_TO_DETECTOR)),
        Case::of("IMG-DR-009")
            .passes(dx())
            .passes(cr())
            .fails(Warn, dx().without(tags::TARGET_EXPOSURE_INDEX))
            .fails(Warn, cr().text(tags::EXPOSURE_INDEX, "")),
        Case::of("IMG-DR-010")
            .passes(dx())
            .passes(dx().text(tags::EXPOSURE_INDEX, "500").text(tags::DEVIATION_INDEX, "1.0"))
            .fails(Warn, dx().text(tags::EXPOSURE_INDEX, "800"))
            .fails(Warn, dx().text(tags::DEVIATION_INDEX, "-0.3"))
            .not_applicable(dx().text(tags::EXPOSURE_INDEX, "0"))
            .not_applicable(dx().without(tags::DEVIATION_INDEX)),
        Case::of("IMG-DR-011")
            .passes(dx())
            .passes(cr().text(tags::DEVIATION_INDEX, "-1"))
            .fails(Warn, dx().text(tags::DEVIATION_INDEX, "-1.1"))
            .fails(Warn, dx().text(tags::DEVIATION_INDEX, "2"))
            .fails(Warn, dx().text(tags::DEVIATION_INDEX, "3.5"))
            .fails(Block, dx().text(tags::DEVIATION_INDEX, "-3.1"))
            .not_applicable(dx().without(tags::DEVIATION_INDEX)),
        Case::of("IMG-DR-018")
            .passes(dx())
            .passes(dx().text(tags::DATE_OF_LAST_DETECTOR_CALIBRATION, "20250601"))
            .fails(Info, dx().text(tags::DATE_OF_LAST_DETECTOR_CALIBRATION, "20250101"))
            .fails(Info, dx().text(tags::DATE_OF_LAST_DETECTOR_CALIBRATION, "20260507"))
            .not_applicable(dx().without(tags::DATE_OF_LAST_DETECTOR_CALIBRATION)),
        Case::of("IMG-DR-019")
            .passes(dx())
            .passes(dx().without(tags::FILTER_TYPE))
            .fails(Info, dx().without(tags::GRID))
            .fails(Info, cr()),
        Case::of("IMG-DR-021")
            .passes(dx())
            .passes(cr())
            .fails(Warn, dx().without(tags::IMAGE_AND_FLUOROSCOPY_AREA_DOSE_PRODUCT))
            .fails(Warn, dx().text(tags::IMAGE_AND_FLUOROSCOPY_AREA_DOSE_PRODUCT, "0"))
            .fails(Warn, cr().without(tags::IRRADIATION_EVENT_UID)),
    ]
}

/// How they can be looked at and measured in.
fn pictures() -> Vec<Case> {
    let calibrated = |spacing: &str| {
        dx().text(tags::IMAGER_PIXEL_SPACING, "0.15\\0.15")
            .text(tags::PIXEL_SPACING, spacing)
            .text(tags::PIXEL_SPACING_CALIBRATION_TYPE, "GEOMETRY")
    };
    let collimated = |right: &str, lower: &str| {
        dx().text(tags::COLLIMATOR_SHAPE, "RECTANGULAR")
            .text(tags::COLLIMATOR_LEFT_VERTICAL_EDGE, "0")
            .text(tags::COLLIMATOR_RIGHT_VERTICAL_EDGE, right)
            .text(tags::COLLIMATOR_UPPER_HORIZONTAL_EDGE, "0")
            .text(tags::COLLIMATOR_LOWER_HORIZONTAL_EDGE, lower)
    };
    let shown = [tags::WINDOW_CENTER, tags::WINDOW_WIDTH];
    vec![
        Case::of("IMG-DR-007")
            .passes(dx())
            .passes(dx().without(tags::IMAGER_PIXEL_SPACING).text(tags::PIXEL_SPACING, "0.2\\0.2"))
            .passes(cr())
            .fails(Block, dx().without(tags::IMAGER_PIXEL_SPACING))
            .fails(Block, dx().text(tags::IMAGER_PIXEL_SPACING, "0.15\\0"))
            .fails(Block, dx().text(tags::IMAGER_PIXEL_SPACING, "0.6\\0.6"))
            .fails(Warn, cr().without(tags::IMAGER_PIXEL_SPACING))
            .fails(Warn, cr().text(tags::IMAGER_PIXEL_SPACING, "0.15")),
        Case::of("IMG-DR-008")
            .passes(calibrated("0.133333\\0.133333"))
            .fails(
                Warn,
                calibrated("0.133333\\0.133333").without(tags::PIXEL_SPACING_CALIBRATION_TYPE),
            )
            .fails(Warn, calibrated("0.1\\0.1"))
            .not_applicable(dx())
            .not_applicable(dx().text(tags::PIXEL_SPACING, "0.208\\0.208")),
        Case::of("IMG-DR-012")
            .passes(dx())
            .passes(
                dx().text(tags::PHOTOMETRIC_INTERPRETATION, "MONOCHROME1")
                    .text(tags::PRESENTATION_LUT_SHAPE, "INVERSE"),
            )
            .fails(Warn, dx().text(tags::PRESENTATION_LUT_SHAPE, "INVERSE"))
            .fails(Warn, dx().text(tags::PHOTOMETRIC_INTERPRETATION, "MONOCHROME1"))
            .fails(Warn, dx().without(tags::PRESENTATION_LUT_SHAPE)),
        Case::of("IMG-DR-013")
            .passes(dx())
            .passes(cr().text(tags::WINDOW_CENTER, "1\\2").text(tags::WINDOW_WIDTH, "3\\4"))
            .fails(Warn, shown.into_iter().fold(dx(), Specimen::without))
            .fails(Warn, dx().text(tags::WINDOW_WIDTH, "0.5"))
            .fails(Warn, cr().text(tags::WINDOW_CENTER, "1\\2"))
            .not_applicable(phantom(Kind::DxForProcessing)),
        Case::of("IMG-DR-015")
            .passes(life_size(Kind::Dx))
            .passes(
                Specimen::new(Kind::Cr, 1).size(1024, 1100).text(tags::BODY_PART_EXAMINED, "HAND"),
            )
            .fails(Warn, Specimen::new(Kind::Cr, 1).size(1024, 1100))
            .fails(Warn, dx())
            .fails(
                Warn,
                life_size(Kind::Dx).set(tags::BITS_STORED, VR::US, Value::Shorts(vec![8])),
            ),
        Case::of("IMG-DR-020")
            .passes(collimated("33", "33"))
            .passes(collimated("20", "20"))
            .fails(Warn, collimated("50", "33"))
            .fails(Warn, collimated("many", "33"))
            .fails(Warn, collimated("8", "8"))
            .not_applicable(dx()),
    ]
}

/// What mammograms have in common with other images.
fn mammograms() -> Vec<Case> {
    vec![
        Case::of("IMG-MG-005")
            .passes(mg())
            .passes(mg().text(tags::ANODE_TARGET_MATERIAL, "RHODIUM").text(tags::KVP, "49"))
            .fails(Warn, mg().text(tags::KVP, "60"))
            .fails(Warn, mg().without(tags::KVP))
            .fails(Warn, mg().text(tags::ANODE_TARGET_MATERIAL, "COPPER"))
            .fails(Warn, mg().without(tags::FILTER_MATERIAL)),
        Case::of("IMG-MG-006")
            .passes(mg())
            .fails(Warn, mg().without(tags::BODY_PART_THICKNESS))
            .fails(Warn, mg().text(tags::BODY_PART_THICKNESS, "5.5"))
            .fails(Warn, mg().text(tags::COMPRESSION_FORCE, "11"))
            .fails(Warn, mg().text(tags::COMPRESSION_FORCE, "strong")),
        Case::of("IMG-MG-007")
            .passes(mg())
            .passes(mg().text(tags::ORGAN_DOSE, "0.05"))
            .fails(Warn, mg().without(tags::ORGAN_DOSE))
            .fails(Warn, mg().text(tags::ORGAN_DOSE, "0"))
            .fails(Warn, mg().text(tags::ORGAN_DOSE, "1.2"))
            .fails(Warn, mg().text(tags::ORGAN_EXPOSED, "HEART")),
        Case::of("IMG-MG-008")
            .passes(mg())
            .passes(phantom(Kind::Dbt))
            .fails(Block, mg().text(tags::LOSSY_IMAGE_COMPRESSION, "01"))
            .fails(Block, phantom(Kind::Dbt).text(tags::LOSSY_IMAGE_COMPRESSION, "01"))
            .fails(Block, Example::from(mg()).in_syntax(JPEG_BASELINE))
            .passes(Example::from(mg()).in_syntax(JPEG_LOSSLESS)),
        Case::of("IMG-MG-009")
            .passes(mg())
            .passes(mg().text(tags::IMAGER_PIXEL_SPACING, "0.05\\0.05"))
            .fails(Warn, mg().text(tags::IMAGER_PIXEL_SPACING, "0.12\\0.12"))
            .fails(Warn, mg().text(tags::IMAGER_PIXEL_SPACING, "0\\0"))
            .fails(Warn, mg().without(tags::IMAGER_PIXEL_SPACING)),
        Case::of("IMG-MG-010")
            .values(&mg(), tags::PRESENTATION_INTENT_TYPE, &INTENTS)
            .fails(Info, raw(mg()).text(tags::PRESENTATION_INTENT_TYPE, "FOR PROCESSING"))
            .fails(Block, raw(mg())),
    ]
}

/// Which breast, and from where.
fn breasts() -> Vec<Case> {
    let modified = |modifier: Code| {
        let mut view = DataSet::default();
        view.text(tags::CODE_VALUE, "399368009")
            .text(tags::CODING_SCHEME_DESIGNATOR, "SCT")
            .text(tags::CODE_MEANING, "medio-lateral oblique")
            .code(tags::VIEW_MODIFIER_CODE_SEQUENCE, modifier);
        mg().set(tags::VIEW_CODE_SEQUENCE, VR::SQ, Value::Items(vec![view]))
    };
    let displaced = modified(Code("399209000", "SCT", "Implant Displaced"));
    let old = Code("R-10226", "SRT", "medio-lateral oblique");
    let dbt = || phantom(Kind::Dbt);
    vec![
        Case::of("IMG-MG-001")
            .passes(mg())
            .passes(mg().text(tags::IMAGE_LATERALITY, "B"))
            .fails(Block, mg().without(tags::IMAGE_LATERALITY))
            .fails(Block, mg().text(tags::IMAGE_LATERALITY, "U")),
        Case::of("IMG-MG-002")
            .passes(mg())
            .passes(coded(mg(), tags::VIEW_CODE_SEQUENCE, old))
            .fails(Block, mg().without(tags::VIEW_CODE_SEQUENCE))
            .fails(Block, coded(mg(), tags::VIEW_CODE_SEQUENCE, ANTERO_POSTERIOR)),
        Case::of("IMG-MG-004")
            .passes(mg())
            .passes(mg().text(tags::PATIENT_ORIENTATION, "A\\FL"))
            .fails(Warn, mg().text(tags::VIEW_POSITION, "CC"))
            .fails(Warn, mg().text(tags::PATIENT_ORIENTATION, "L\\F"))
            .fails(Warn, mg().text(tags::PATIENT_ORIENTATION, "garbage"))
            .fails(Warn, mg().text(tags::IMAGE_LATERALITY, "L"))
            .not_applicable(mg().without(tags::PATIENT_ORIENTATION).without(tags::VIEW_POSITION)),
        Case::of("IMG-MG-011")
            .passes(mg())
            .passes(displaced.clone().text(tags::BREAST_IMPLANT_PRESENT, "YES"))
            .passes(
                mg().text(tags::PARTIAL_VIEW, "YES")
                    .text(tags::PARTIAL_VIEW_DESCRIPTION, "axillary tail"),
            )
            .fails(Info, displaced)
            .fails(Info, mg().text(tags::PARTIAL_VIEW, "YES")),
        Case::of("IMG-MG-012")
            .passes(dbt())
            .fails(Block, dbt().without(tags::VIEW_CODE_SEQUENCE))
            .fails(Block, dbt().without(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE))
            .fails(Block, dbt().text(tags::BURNED_IN_ANNOTATION, "YES")),
    ]
}
