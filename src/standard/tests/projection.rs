//! Facts of projection radiography.

use super::*;
use crate::expression::Value;

/// Rows of attributes that an empty object gets, and what the fact is then.
#[track_caller]
fn check<const N: usize>(fact: &str, rows: [(&[(&str, &str)], Value); N]) {
    for (attributes, want) in rows {
        let image = attributes.iter().fold(Image::empty(), |image, (keyword, value)| {
            let tag = tag_of(keyword).expect("a keyword of the dictionary");
            match relaxed_vr_of(tag) {
                VR::US => image.with(keyword, value.parse::<u16>().expect("a number")),
                _ => image.with(keyword, *value),
            }
        });
        let found = image.look(|subject| subject.fact(fact));
        assert_eq!(found, want, "fact.{fact} of {attributes:?}");
    }
}

const UNKNOWN: Value = Value::Unknown;

fn yes() -> Value {
    true.into()
}

fn no() -> Value {
    false.into()
}

fn texts(words: &[&str]) -> Value {
    words.iter().map(|word| Value::from(*word)).collect::<Vec<Value>>().into()
}

#[test]
fn the_exposure_comes_from_the_most_exact_statement() {
    check(
        "mas",
        [
            (&[("ExposureInuAs", "2400"), ("Exposure", "2")], 2.4.into()),
            (&[("ExposureInuAs", "0"), ("Exposure", "2")], 2.0.into()),
            (&[("XRayTubeCurrent", "250"), ("ExposureTime", "8")], 2.0.into()),
            (&[("XRayTubeCurrentInuA", "250500"), ("ExposureTimeInuS", "8000")], 2.004.into()),
            (&[("XRayTubeCurrent", "250")], UNKNOWN),
            (&[("Exposure", "0")], UNKNOWN),
            (&[("Exposure", "-3")], UNKNOWN),
            (&[("Exposure", "much")], UNKNOWN),
            (&[], UNKNOWN),
        ],
    );
}

#[test]
fn statements_of_the_exposure_agree_but_for_rounding() {
    let product: &[(&str, &str)] =
        &[("XRayTubeCurrent", "250"), ("ExposureTime", "80"), ("Exposure", "20")];
    check(
        "mas_disagreement",
        [
            (product, 0.0.into()),
            // 2.6 mAs, cut off to 2 or rounded to 3.
            (&[("ExposureInuAs", "2600"), ("Exposure", "2")], 0.0.into()),
            (&[("ExposureInuAs", "2600"), ("Exposure", "3")], 0.0.into()),
            // An exposure in µAs that was taken for one in mAs.
            (&[("ExposureInuAs", "20"), ("Exposure", "20")], 92757.143.into()),
            (&[("ExposureInuAs", "30000"), ("Exposure", "20")], 42.855.into()),
            (&[("ExposureInuAs", "100"), ("Exposure", "0")], 0.0.into()),
            (&[("Exposure", "20")], UNKNOWN),
            (&[("Exposure", "20"), ("ExposureInuAs", "x")], UNKNOWN),
            (&[], UNKNOWN),
        ],
    );
}

#[test]
fn the_deviation_index_follows_from_the_other_two() {
    let of = |index, target, deviation| {
        [("ExposureIndex", index), ("TargetExposureIndex", target), ("DeviationIndex", deviation)]
    };
    check(
        "deviation_index_error",
        [
            (&of("400", "400", "0"), 0.0.into()),
            (&of("800", "400", "3"), 0.01.into()),
            (&of("400", "400", "-1.5"), 1.5.into()),
            (&of("0", "400", "0"), UNKNOWN),
            (&of("400", "-1", "0"), UNKNOWN),
            (&of("400", "400", "low"), UNKNOWN),
            (&of("400", "400", "")[..2], UNKNOWN),
        ],
    );
    check(
        "exposure_index_missing",
        [
            (&of("400", "400", "0"), texts(&[])),
            (&of("400", "400", "")[..], texts(&["DeviationIndex"])),
            (&[], texts(&["ExposureIndex", "TargetExposureIndex", "DeviationIndex"])),
        ],
    );
}

#[test]
fn a_dose_is_stated_or_can_be_found() {
    let product = "ImageAndFluoroscopyAreaDoseProduct";
    check(
        "dose_indicators",
        [
            (&[(product, "0.8")], texts(&[product])),
            (&[("EntranceDoseInmGy", "0.1")], texts(&["EntranceDoseInmGy"])),
            (&[("IrradiationEventUID", "1.2.3")], texts(&["IrradiationEventUID"])),
            (&[(product, "0")], texts(&[])),
            (&[(product, "x"), ("IrradiationEventUID", "")], texts(&[])),
            (&[], texts(&[])),
        ],
    );
}

#[test]
fn spacing_is_that_of_the_detector_where_it_is_given() {
    let pair = |row: f64, column: f64| Value::from(vec![row.into(), column.into()]);
    check(
        "detector_spacing",
        [
            (&[("ImagerPixelSpacing", "0.2\\0.1"), ("PixelSpacing", "1\\1")], pair(0.2, 0.1)),
            (&[("PixelSpacing", "0.15\\0.15")], pair(0.15, 0.15)),
            (&[("ImagerPixelSpacing", "0.2")], UNKNOWN),
            (&[("ImagerPixelSpacing", "x\\y")], UNKNOWN),
            (&[], UNKNOWN),
        ],
    );
}

#[test]
fn calibrated_spacing_is_compared_with_the_magnification() {
    let detector = ("ImagerPixelSpacing", "0.2\\0.2");
    let factor = ("EstimatedRadiographicMagnificationFactor", "1.25");
    let calibrated = ("PixelSpacing", "0.16\\0.16");
    check(
        "spacing_calibrated",
        [
            (&[detector, calibrated], yes()),
            (&[detector, ("PixelSpacing", "0.2\\0.2")], no()),
            (&[detector, ("PixelSpacing", "0\\0")], UNKNOWN),
            (&[detector], UNKNOWN),
            (&[], UNKNOWN),
        ],
    );
    check(
        "magnification_error",
        [
            (&[detector, calibrated, factor], 0.0.into()),
            (&[detector, ("PixelSpacing", "0.1\\0.1"), factor], 60.0.into()),
            (&[detector, ("PixelSpacing", "0.2\\0.2"), factor], UNKNOWN),
            (&[detector, calibrated, factor, ("PixelSpacingCalibrationType", "FIDUCIAL")], UNKNOWN),
            (&[detector, calibrated], UNKNOWN),
            (&[detector, calibrated, ("EstimatedRadiographicMagnificationFactor", "0")], UNKNOWN),
        ],
    );
}

const ROWS: (&str, &str) = ("Rows", "100");
const COLUMNS: (&str, &str) = ("Columns", "200");

fn rectangle(
    left: &'static str,
    right: &'static str,
    upper: &'static str,
    lower: &'static str,
) -> [(&'static str, &'static str); 7] {
    [
        ROWS,
        COLUMNS,
        ("CollimatorShape", "RECTANGULAR"),
        ("CollimatorLeftVerticalEdge", left),
        ("CollimatorRightVerticalEdge", right),
        ("CollimatorUpperHorizontalEdge", upper),
        ("CollimatorLowerHorizontalEdge", lower),
    ]
}

#[test]
fn the_field_lies_inside_the_image() {
    let circle = |centre, radius| {
        let shape = ("ShutterShape", "CIRCULAR");
        let centre = ("CenterOfCircularShutter", centre);
        [ROWS, COLUMNS, shape, centre, ("RadiusOfCircularShutter", radius)]
    };
    let polygon = |vertices| {
        let shape = ("ShutterShape", "POLYGONAL");
        [ROWS, COLUMNS, shape, ("VerticesOfThePolygonalShutter", vertices)]
    };
    check(
        "field_inside",
        [
            (&rectangle("0", "201", "0", "101"), yes()),
            (&rectangle("50", "150", "20", "80"), yes()),
            (&rectangle("50", "230", "20", "80"), no()),
            (&rectangle("150", "50", "20", "80"), no()),
            (&rectangle("x", "150", "20", "80"), no()),
            (&circle("50\\100", "60"), yes()),
            (&circle("150\\100", "60"), no()),
            (&circle("50\\100", "0"), no()),
            (&polygon("1\\1\\1\\200\\100\\200\\100\\1"), yes()),
            (&polygon("1\\1\\1\\200\\300\\200"), no()),
            (&polygon("1\\1"), no()),
            (&[ROWS, COLUMNS, ("ShutterShape", "BITMAP")], UNKNOWN),
            (&[ROWS, COLUMNS], UNKNOWN),
            (&[("CollimatorShape", "RECTANGULAR")], UNKNOWN),
        ],
    );
}

#[test]
fn the_share_of_the_field_is_counted_in_pixels() {
    check(
        "field_share",
        [
            (&rectangle("0", "201", "0", "101"), 100.0.into()),
            (&rectangle("0", "101", "0", "101"), 50.0.into()),
            (&rectangle("150", "50", "20", "80"), 0.0.into()),
            (&rectangle("x", "50", "20", "80"), UNKNOWN),
            (
                &[
                    ROWS,
                    COLUMNS,
                    ("ShutterShape", "POLYGONAL"),
                    ("VerticesOfThePolygonalShutter", "0\\0\\0\\200\\100\\200"),
                ],
                50.0.into(),
            ),
            (&[ROWS, COLUMNS], UNKNOWN),
        ],
    );
    let circle = Image::empty()
        .with("Rows", 100)
        .with("Columns", 200)
        .with("ShutterShape", "CIRCULAR")
        .with("CenterOfCircularShutter", "50\\100")
        .with("RadiusOfCircularShutter", "40");
    let Value::Double(share) = circle.look(|subject| subject.fact("field_share")) else {
        panic!("a circle has an area");
    };
    let area = std::f64::consts::PI * 40.0 * 40.0 / 200.0;
    assert!((share - area).abs() < 0.1, "{share} of {area}");
}

#[test]
fn patient_orientation_is_two_directions() {
    for (value, want) in [
        ("L\\F", yes()),
        ("P\\FL", yes()),
        ("AR\\FPL", yes()),
        ("L\\R", no()),
        ("L", no()),
        ("X\\F", no()),
        ("LR\\F", no()),
        ("L\\F\\A", no()),
        ("", UNKNOWN),
    ] {
        check("patient_orientation_valid", [(&[("PatientOrientation", value)], want)]);
    }
    check("patient_orientation_valid", [(&[], UNKNOWN)]);
}

#[test]
fn directions_do_not_run_along_the_beam() {
    for (view, orientation, want) in [
        ("PA", "L\\F", yes()),
        ("AP", "R\\F", yes()),
        ("PA", "A\\F", no()),
        ("LL", "A\\F", yes()),
        ("LL", "L\\F", no()),
        ("CC", "A\\R", yes()),
        ("CC", "A\\F", no()),
        ("OBL", "L\\F", UNKNOWN),
        ("PA", "L\\R", UNKNOWN),
        ("PA", "", UNKNOWN),
        ("", "L\\F", UNKNOWN),
    ] {
        let attributes = [("ViewPosition", view), ("PatientOrientation", orientation)];
        check("patient_orientation_fits", [(&attributes, want)]);
    }
    let foot =
        [("ViewPosition", "AP"), ("PatientOrientation", "L\\P"), ("BodyPartExamined", "FOOT")];
    check("patient_orientation_fits", [(&foot, UNKNOWN)]);
}

#[test]
fn the_orientation_of_a_breast_goes_with_view_and_side() {
    for (view, side, orientation, want) in [
        ("CC", "R", "P\\L", yes()),
        ("CC", "L", "A\\R", yes()),
        ("CC", "L", "A\\F", no()),
        ("CC", "L", "H\\R", no()),
        ("MLO", "R", "P\\FL", yes()),
        ("MLO", "L", "A\\FR", yes()),
        ("MLO", "R", "P\\FR", no()),
        ("MLO", "R", "P\\HR", yes()),
        ("MLO", "B", "P\\FR", yes()),
        ("MLO", "L", "A\\F", yes()),
        ("MLO", "L", "R\\F", no()),
        ("ML", "L", "A\\F", yes()),
        ("RCC", "L", "A\\R", no()),
        ("RCC", "R", "P\\L", yes()),
        ("", "R", "P\\L", UNKNOWN),
        ("CC", "R", "", UNKNOWN),
        ("CC", "R", "P\\P", UNKNOWN),
        ("AP", "R", "L\\F", UNKNOWN),
    ] {
        let attributes = [
            ("ViewPosition", view),
            ("ImageLaterality", side),
            ("PatientOrientation", orientation),
        ];
        check("breast_orientation_fits", [(&attributes, want)]);
    }
}

#[test]
fn windows_come_in_pairs_and_have_a_width() {
    let windows = |centre, width| [("WindowCenter", centre), ("WindowWidth", width)];
    check(
        "windows_valid",
        [
            (&windows("40\\-600", "400\\1500"), yes()),
            (&windows("40", "400\\1500"), no()),
            (&windows("40", "0.5"), no()),
            (&windows("40", "wide"), no()),
            (&windows("", "400"), no()),
            (&windows("", ""), UNKNOWN),
            (&[], UNKNOWN),
            (&[("WindowCenter", "40")], no()),
            (
                &[("WindowCenter", "1"), ("WindowWidth", "0.5"), ("VOILUTFunction", "SIGMOID")],
                yes(),
            ),
        ],
    );
    check("voi_given", [(&windows("40", "400"), yes()), (&windows("40", ""), no()), (&[], no())]);
    let table = Image::empty().with("LUTData", 1);
    let image = Image::empty().with_item("VOILUTSequence", &table);
    assert_eq!(image.look(|subject| subject.fact("voi_given")), yes());
}

#[test]
fn the_age_of_a_calibration_is_counted_in_days() {
    let exam = ("StudyDate", "20260520");
    let detector = "DateOfLastDetectorCalibration";
    check(
        "calibration_age",
        [
            (&[exam, (detector, "20260510")], 10_i64.into()),
            (&[exam, (detector, "20260530")], (-10_i64).into()),
            (&[exam, ("DateOfLastCalibration", "20250520\\20260519")], 1_i64.into()),
            (&[exam, (detector, "last week")], UNKNOWN),
            (&[(detector, "20260510")], UNKNOWN),
            (&[exam], UNKNOWN),
        ],
    );
}

#[test]
fn views_are_facts_too() {
    check("view", [(&[("ViewPosition", "LL")], "LAT".into()), (&[], UNKNOWN)]);
    check("coded_view", [(&[("ViewPosition", "LL")], UNKNOWN)]);
    check("views_agree", [(&[("ViewPosition", "LL")], UNKNOWN)]);
    check("chest", [(&[("BodyPartExamined", "CHEST")], yes()), (&[], no())]);
    check("upright", [(&[], UNKNOWN)]);
}
