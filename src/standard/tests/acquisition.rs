//! Facts of CT and MR, from single-frame and enhanced objects.

use super::*;
use crate::expression::Value;
use crate::standard::facts::geometry::{slices, traits};
use crate::standard::facts::mr::b_values;

/// An unknown text, an unknown number.
const NONE: Option<&str> = None;
const NOT: Option<f64> = None;
const SHARED: &str = "SharedFunctionalGroupsSequence";
const FRAMES: &str = "PerFrameFunctionalGroupsSequence";

#[track_caller]
fn check(fact: &str, image: &Image, want: impl Into<Value>) {
    assert_eq!(image.look(|subject| subject.fact(fact)), want.into(), "fact.{fact}");
}

fn numbers(numbers: &[f64]) -> Value {
    numbers.iter().copied().map(Value::from).collect::<Vec<Value>>().into()
}

/// An enhanced object with one attribute in a group that all frames share.
fn shared(group: &str, keyword: &str, value: impl Written) -> Image {
    let attributes = Image::empty().with(keyword, value);
    Image::empty().with_item(SHARED, &Image::empty().with_item(group, &attributes))
}

fn double(number: f64) -> Vec<u8> {
    number.to_le_bytes().to_vec()
}

#[test]
fn single_frame_and_enhanced_objects_say_the_same() {
    for (fact, keyword, group, written, want) in [
        ("slice_thickness", "SliceThickness", "PixelMeasuresSequence", "1.25", 1.25),
        ("spacing_between_slices", "SpacingBetweenSlices", "PixelMeasuresSequence", "6", 6.0),
        ("kvp", "KVP", "CTXRayDetailsSequence", "120", 120.0),
        ("rescale_slope", "RescaleSlope", "PixelValueTransformationSequence", "1", 1.0),
        ("gantry_tilt", "GantryDetectorTilt", "CTAcquisitionDetailsSequence", "-12", -12.0),
        (
            "reconstruction_diameter",
            "ReconstructionDiameter",
            "CTReconstructionSequence",
            "350",
            350.0,
        ),
        (
            "repetition_time",
            "RepetitionTime",
            "MRTimingAndRelatedParametersSequence",
            "4000",
            4000.0,
        ),
        ("flip_angle", "FlipAngle", "MRTimingAndRelatedParametersSequence", "90", 90.0),
        ("averages", "NumberOfAverages", "MRAveragesSequence", "2", 2.0),
        (
            "echo_train_length",
            "EchoTrainLength",
            "MRTimingAndRelatedParametersSequence",
            "16",
            16.0,
        ),
    ] {
        check(fact, &Image::empty().with(keyword, written), want);
        check(fact, &shared(group, keyword, written), want);
        check(fact, &Image::empty().with(keyword, "many"), NOT);
        check(fact, &Image::empty(), NOT);
    }
    for (fact, keyword, group) in [
        ("kernel", "ConvolutionKernel", "CTReconstructionSequence"),
        ("rescale_type", "RescaleType", "PixelValueTransformationSequence"),
        ("receive_coil", "ReceiveCoilName", "MRReceiveCoilSequence"),
    ] {
        check(fact, &Image::empty().with(keyword, "WORD"), "WORD");
        check(fact, &shared(group, keyword, "WORD"), "WORD");
        check(fact, &Image::empty(), NONE);
    }
}

#[test]
fn enhanced_objects_have_some_values_under_other_names() {
    for (fact, group, keyword) in [
        ("tube_current", "CTExposureSequence", "XRayTubeCurrentInmA"),
        ("exposure", "CTExposureSequence", "ExposureInmAs"),
        ("ctdi_vol", "CTExposureSequence", "CTDIvol"),
        ("echo_time", "MREchoSequence", "EffectiveEchoTime"),
        ("inversion_time", "MRModifierSequence", "InversionTimes"),
        ("b_value", "MRDiffusionSequence", "DiffusionBValue"),
        ("pitch", "CTTableDynamicsSequence", "SpiralPitchFactor"),
        ("single_collimation", "CTAcquisitionDetailsSequence", "SingleCollimationWidth"),
        ("total_collimation", "CTAcquisitionDetailsSequence", "TotalCollimationWidth"),
    ] {
        check(fact, &shared(group, keyword, double(12.5)), 12.5);
    }
    for (fact, keyword) in [
        ("tube_current", "XRayTubeCurrent"),
        ("exposure", "Exposure"),
        ("echo_time", "EchoTime"),
        ("inversion_time", "InversionTime"),
        ("sar", "SAR"),
    ] {
        check(fact, &Image::empty().with(keyword, "12"), 12.0);
    }
    // Whole milliampere seconds may round to 0 what microampere seconds tell.
    let small = Image::empty().with("Exposure", "0").with("ExposureInuAs", "400");
    check("exposure", &small, 0.4);
    check("exposure", &Image::empty().with("Exposure", "0"), 0.0);
    let value = Image::empty().with("SpecificAbsorptionRateValue", double(1.5));
    let timing = Image::empty().with_item("SpecificAbsorptionRateSequence", &value);
    let groups = Image::empty().with_item("MRTimingAndRelatedParametersSequence", &timing);
    check("sar", &Image::empty().with_item(SHARED, &groups), 1.5);
}

#[test]
fn places_in_space_are_valid_or_not() {
    let at = |orientation: &str, position: &str| {
        Image::empty()
            .with("ImageOrientationPatient", orientation)
            .with("ImagePositionPatient", position)
    };
    let good = at("1\\0\\0\\0\\1\\0", "0\\0\\0");
    check("orientation_valid", &good, true);
    check("position_valid", &good, true);
    check("plane", &good, "axial");
    check("tilt", &good, 0.0);
    for bad in ["1\\0\\0\\0\\1", "1\\0\\0\\1\\0\\0", "2\\0\\0\\0\\1\\0", "a\\b", "0\\0\\0\\0\\0\\0"]
    {
        check("orientation_valid", &at(bad, "0\\0"), false);
        check("position_valid", &at(bad, "0\\0"), false);
    }
    check("plane", &at("0\\1\\0\\0\\0\\-1", ""), "sagittal");
    check("position_valid", &at("", ""), None::<bool>);
    check("orientation_valid", &at("", ""), None::<bool>);
    check("plane", &Image::empty(), NONE);
    // One bad frame is enough.
    let frame = |z: &str| {
        let position = Image::empty().with("ImagePositionPatient", z);
        Image::empty().with_item("PlanePositionSequence", &position)
    };
    let plane = Image::empty().with("ImageOrientationPatient", "1\\0\\0\\0\\1\\0");
    let object = Image::empty()
        .with_item(SHARED, &Image::empty().with_item("PlaneOrientationSequence", &plane))
        .with_item(FRAMES, &frame("0\\0\\1"))
        .with_item(FRAMES, &frame("0\\0\\2"));
    check("position_valid", &object, true);
    let places = |image: &Image| {
        image.look(|s| slices(s).iter().map(|(plane, at)| plane.along(*at)).collect::<Vec<f64>>())
    };
    assert_eq!(places(&object), [1.0, 2.0]);
    assert_eq!(places(&good), [0.0]);
    assert_eq!(places(&Image::empty()), Vec::<f64>::new());
    check("position_valid", &object.with_item(FRAMES, &frame("0\\0")), false);
}

#[test]
fn the_thickest_frame_counts() {
    let frame = |millimetres: &str| {
        let measures = Image::empty().with("SliceThickness", millimetres);
        Image::empty().with_item("PixelMeasuresSequence", &measures)
    };
    let object = Image::empty().with_item(FRAMES, &frame("3")).with_item(FRAMES, &frame("8"));
    check("slice_thickness", &object, 8.0);
    check("frame_groups", &object, 2_i64);
    check("frame_groups", &Image::empty(), None::<i64>);
}

#[test]
fn the_field_of_view_is_the_width() {
    let image = Image::empty().with("PixelSpacing", "0.8\\0.5").with("Columns", 400);
    check("field_of_view", &image, 200.0);
    check("pixel_spacing", &image, numbers(&[0.8, 0.5]));
    check("field_of_view", &image.clone().with("PixelSpacing", "0.8"), NOT);
    check("field_of_view", &image.without("Columns"), NOT);
}

#[test]
fn localizers_say_so() {
    let typed = |value: &str| Image::empty().with("ImageType", value);
    check("localizer", &typed("ORIGINAL\\PRIMARY\\LOCALIZER"), true);
    check("localizer", &typed("ORIGINAL\\PRIMARY\\AXIAL"), false);
    check("localizer", &Image::empty(), None::<bool>);
    let frame =
        shared("CTImageFrameTypeSequence", "FrameType", "ORIGINAL\\PRIMARY\\LOCALIZER\\NONE");
    check("localizer", &frame, true);
    check("localizer", &frame.with("ImageType", "ORIGINAL\\PRIMARY\\VOLUME\\NONE"), true);
}

#[test]
fn slices_of_the_body_are_no_localizers_and_no_screens() {
    let slice = Image::empty().with("ImageType", "ORIGINAL\\PRIMARY\\AXIAL");
    check("cross_section", &Image::empty(), true);
    check("cross_section", &slice, true);
    let typed = |value: &str| slice.clone().with("ImageType", value);
    check("cross_section", &typed("ORIGINAL\\PRIMARY\\LOCALIZER"), false);
    check("cross_section", &typed("DERIVED\\SECONDARY\\SCREEN SAVE"), false);
    let called = slice.with("SeriesDescription", "3-plane_Loc");
    check("cross_section", &called.clone().with("Modality", "MR"), false);
    check("cross_section", &called.with("Modality", "CT"), true);
}

#[test]
fn windows_may_stand_in_frames() {
    let frame = |center: &str, width: &str| {
        let window = Image::empty().with("WindowCenter", center).with("WindowWidth", width);
        Image::empty().with_item("FrameVOILUTSequence", &window)
    };
    let object = Image::empty()
        .with_item(FRAMES, &frame("40\\-600", "400\\1500"))
        .with_item(FRAMES, &frame("50", "350"));
    check("voi_given", &object, true);
    check("windows_valid", &object, true);
    check("window_centers", &object, numbers(&[40.0, -600.0]));
    check("window_widths", &object, numbers(&[400.0, 1500.0]));
    for bad in [frame("40", "0"), frame("40\\50", "400"), frame("40", ""), frame("40", "wide")] {
        check("windows_valid", &object.clone().with_item(FRAMES, &bad), false);
    }
    check("voi_given", &Image::empty().with_item(FRAMES, &frame("40", "")), false);
    let table = Image::empty().with("LUTData", 1);
    let groups = Image::empty().with_item("VOILUTSequence", &table);
    let groups = Image::empty().with_item("FrameVOILUTSequence", &groups);
    check("voi_given", &Image::empty().with_item(SHARED, &groups), true);
    check("window_widths", &Image::empty(), Value::Unknown);
}

#[test]
fn slopes_of_zero_are_flat() {
    check("flat_rescale", &Image::empty().with("RescaleSlope", "0"), true);
    check("flat_rescale", &Image::empty().with("RescaleSlope", "1"), false);
    check("flat_rescale", &Image::empty().with("RescaleSlope", "none"), None::<bool>);
}

#[test]
fn contrast_is_recorded_when_it_was_given_into_a_vessel() {
    let empty = Image::empty().with("ContrastBolusAgent", "");
    check("contrast_agent", &empty, false);
    for (keyword, value, want) in [
        ("ContrastBolusAgent", "Iopromide 370", true),
        ("ContrastBolusAgent", "NONE", false),
        ("ContrastBolusAgent", "Oral contrast", false),
        ("ContrastBolusIngredient", "IODINE", true),
        ("ContrastBolusRoute", "IV", true),
        ("ContrastBolusVolume", "80", true),
        ("ContrastBolusVolume", "0", false),
    ] {
        check("contrast_agent", &empty.clone().with(keyword, value), want);
    }
    let oral = empty.with("ContrastBolusAgent", "Iohexol").with("ContrastBolusRoute", "ORAL");
    check("contrast_agent", &oral, false);
    let code = Image::empty().with("CodeValue", "1");
    let sequence = Image::empty().with_item("ContrastBolusAgentSequence", &code);
    check("contrast_agent", &sequence, true);
}

#[test]
fn texts_of_series_and_study_are_read_apart() {
    let image = Image::empty()
        .with("SpecificCharacterSet", "GB18030")
        .with("StudyDescription", gb("腹部CT平扫+增强"))
        .with("SeriesDescription", gb("动脉期"))
        .with("ConvolutionKernel", "B30f");
    check("study_contrast", &image, "both");
    check("series_contrast", &image, "with");
    check("ct_phase", &image, "arterial");
    check("ct_renditions", &image, vec!["soft tissue".into()]);
    check("series_contrast", &Image::empty(), NONE);
    check("ct_phase", &Image::empty(), NONE);
}

#[test]
fn several_energies_have_no_one_voltage() {
    check("multi_energy", &Image::empty(), false);
    check("multi_energy", &Image::empty().with("MultienergyCTAcquisition", "NO"), false);
    check("multi_energy", &Image::empty().with("MultienergyCTAcquisition", "YES"), true);
    let item = Image::empty().with("KVP", "80");
    let sequence = Image::empty().with_item("MultienergyCTAcquisitionSequence", &item);
    check("multi_energy", &sequence, true);
}

#[test]
fn pulse_sequences_come_to_the_terms_of_single_frame_objects() {
    let terms = |image: &Image, want: &[&str]| {
        check(
            "scanning_sequences",
            image,
            want.iter().map(|&term| term.into()).collect::<Vec<Value>>(),
        );
    };
    terms(&Image::empty(), &[]);
    terms(&Image::empty().with("ScanningSequence", "SE\\IR"), &["SE", "IR"]);
    let echo = Image::empty().with("EchoPulseSequence", "GRADIENT");
    terms(&echo, &["GR"]);
    terms(&echo.with("EchoPlanarPulseSequence", "YES"), &["GR", "EP"]);
    let inverted = shared("MRModifierSequence", "InversionRecovery", "YES");
    terms(&inverted.with("EchoPulseSequence", "BOTH"), &["SE", "GR", "IR"]);
}

#[test]
fn the_matrix_is_the_greater_number_of_steps() {
    let own =
        [256_u16, 0, 0, 192].iter().flat_map(|steps| steps.to_le_bytes()).collect::<Vec<u8>>();
    check("acquisition_matrix", &Image::empty().with("AcquisitionMatrix", own), 256.0);
    let enhanced = shared("MRFOVGeometrySequence", "MRAcquisitionFrequencyEncodingSteps", 320);
    check("acquisition_matrix", &enhanced, 320.0);
    check("acquisition_matrix", &Image::empty(), NOT);
}

#[test]
fn b_values_are_found_where_only_the_vendor_writes_them() {
    let private = |group: u16, creator: &str, element: u16, value: Vec<u8>| {
        Image::empty()
            .with_element(Tag(group, 0x0011), creator)
            .with_element(Tag(group, 0x1100 | element), value)
    };
    let text = |text: &str| text.as_bytes().to_vec();
    check("b_value", &private(0x0019, "SIEMENS MR HEADER ", 0x0C, text("1000")), 1000.0);
    check("b_value", &private(0x0043, "GEMS_PARM_01", 0x39, text("1000000800\\8\\0\\0 ")), 800.0);
    let philips = 500.0_f32.to_le_bytes().to_vec();
    check("b_value", &private(0x2001, "Philips Imaging DD 001", 0x03, philips), 500.0);
    check("b_value", &private(0x0065, "Image Private Header", 0x09, double(50.0)), 50.0);
    // The block of somebody else, nonsense, a number that is none.
    check("b_value", &private(0x0019, "GEMS_ACQU_01", 0x0C, text("1000")), NOT);
    check("b_value", &private(0x0019, "SIEMENS MR HEADER ", 0x0C, text("many")), NOT);
    check("b_value", &private(0x0043, "GEMS_PARM_01", 0x39, text("-5")), NOT);
    let both = private(0x0019, "SIEMENS MR HEADER ", 0x0C, text("1000"));
    check("b_value", &both.with("DiffusionBValue", double(700.0)), 700.0);
    let frame = |b: f64| {
        let diffusion = Image::empty().with("DiffusionBValue", double(b));
        Image::empty().with_item("MRDiffusionSequence", &diffusion)
    };
    let object = Image::empty().with_item(FRAMES, &frame(0.0)).with_item(FRAMES, &frame(1000.0));
    assert_eq!(object.look(b_values), [0.0, 1000.0]);
}

#[test]
fn series_are_classified_from_their_headers() {
    let t2 = Image::empty()
        .with("ScanningSequence", "SE")
        .with("RepetitionTime", "4000")
        .with("EchoTime", "100")
        .with("ScanOptions", "FC\\FS");
    check("mr_weighting", &t2, "T2");
    check("fat_suppressed", &t2, true);
    check("mr_weighting", &t2.with("SeriesDescription", "Ax DWI b1000"), "DWI");
    check("mr_weighting", &Image::empty(), NONE);
    check("fat_suppressed", &Image::empty(), false);
}

#[test]
fn stacks_are_told_apart_by_what_the_header_says() {
    let image = Image::empty()
        .with("SliceThickness", "1.25")
        .with("ConvolutionKernel", "LUNG")
        .with("AcquisitionNumber", "2")
        .with("EchoTime", "12.5")
        .with("TemporalPositionIdentifier", "3")
        .with("DiffusionBValue", double(1000.0));
    let traits_of = |image: &Image| image.look(traits);
    let found = traits_of(&image);
    assert_eq!((found.thickness, found.acquisition, found.echo), (1250, 2, 12_500));
    assert_eq!((found.b_value, found.temporal, found.contrast), (1000, 3, 0));
    for other in [
        image.clone().with("ConvolutionKernel", "BONE"),
        image.clone().with("ImageType", "DERIVED\\SECONDARY\\REFORMATTED"),
        image.clone().with("ContrastBolusAgent", "Iohexol"),
        image.clone().with("DiffusionGradientOrientation", [0.0, 0.0, 1.0].map(double).concat()),
        image.clone().without("TemporalPositionIdentifier").with("TriggerTime", "120.5"),
    ] {
        assert_ne!(traits_of(&other), found);
    }
    assert_eq!(traits_of(&Image::empty()), Default::default());
}

#[test]
fn the_groups_of_the_class_are_there() {
    let lacking = |image: &Image, want: &[&str]| {
        check(
            "lacking_groups",
            image,
            want.iter().map(|&name| name.into()).collect::<Vec<Value>>(),
        );
    };
    let enhanced = Image::empty().with("SOPClassUID", "1.2.840.10008.5.1.4.1.1.2.1");
    let all = [
        "PixelMeasuresSequence",
        "FrameContentSequence",
        "FrameAnatomySequence",
        "PlanePositionSequence",
        "PlaneOrientationSequence",
    ];
    lacking(&enhanced, &all);
    lacking(&Image::chest_ct(), &[]);
    let item = Image::empty().with("StackID", "1");
    let groups = all.iter().fold(Image::empty(), |groups, name| groups.with_item(name, &item));
    lacking(&enhanced.clone().with_item(SHARED, &groups), &[]);
    lacking(&enhanced.with("ImageType", "DERIVED\\PRIMARY"), &all[..3]);
    let legacy = Image::empty().with("SOPClassUID", "1.2.840.10008.5.1.4.1.1.4.4");
    lacking(&legacy, &[all[0], all[1], all[3], all[4]]);
}
