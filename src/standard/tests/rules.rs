//! Every rule of the built-in pack: what passes, what fails, what is absent, what is nonsense.

use super::*;
use Severity::{Block, Quarantine, Warn};

/// What one rule says of an image. Other rules may find something too.
#[track_caller]
fn check(rule: &str, image: &Image, want: Option<Severity>) {
    let rules = built_in();
    assert!(rules.rules().iter().any(|known| known.id == rule), "no rule {rule}");
    let found = image.look(|subject| {
        let assessment = rules.assess(subject);
        assert!(!assessment.undecided.iter().any(|id| id == rule), "{rule} is undecided");
        let finding = assessment.findings.into_iter().find(|finding| finding.rule == rule);
        finding.map(|finding| finding.severity)
    });
    assert_eq!(found, want, "{rule}");
}

/// Rows of an attribute, a value for it (`None` takes it away), and what the rule says.
#[track_caller]
fn check_values(rule: &str, keyword: &str, rows: &[(Option<&str>, Option<Severity>)]) {
    for (value, want) in rows {
        let image = match value {
            Some(value) => Image::chest_ct().with(keyword, *value),
            None => Image::chest_ct().without(keyword),
        };
        check(rule, &image, *want);
    }
}

const DX: &str = "1.2.840.10008.5.1.4.1.1.1.1";
const DX_FOR_PROCESSING: &str = "1.2.840.10008.5.1.4.1.1.1.1.1";
const MG: &str = "1.2.840.10008.5.1.4.1.1.1.2";
const US: &str = "1.2.840.10008.5.1.4.1.1.6.1";
const JPEG_BASELINE: &str = "1.2.840.10008.1.2.4.50";
const JPEG_2000: &str = "1.2.840.10008.1.2.4.91";
const JPEG_LOSSLESS: &str = "1.2.840.10008.1.2.4.70";

#[test]
fn a_good_image_has_no_findings_and_nothing_is_undecided() {
    let whole = vec![0; 512 * 512 * 2];
    let image = Image::chest_ct().with("Rows", 512).with("Columns", 512).with("PixelData", whole);
    image.look(|subject| {
        assert_eq!(built_in().assess(subject), Assessment::default());
    });
}

#[test]
fn an_empty_object_is_assessed_too() {
    Image::empty().look(|subject| {
        let assessment = built_in().assess(subject);
        assert_eq!(assessment.severity(), Some(Quarantine));
        assert_eq!(assessment.undecided, Vec::<String>::new());
        let held: Vec<&str> = assessment.quarantining().map(|f| f.rule.as_str()).collect();
        assert_eq!(held, ["IMG-ENC-003", "IMG-PAT-003", "IMG-STU-001"]);
    });
}

#[test]
fn img_enc_001_a_cut_data_set_is_held_and_disorder_only_told() {
    check("IMG-ENC-001", &Image::chest_ct(), None);
    check("IMG-ENC-001", &Image::chest_ct().cut_by(2), Some(Quarantine));
    check("IMG-ENC-001", &Image::empty(), None);
    let twice = Image::empty().with("PatientID", "1");
    let mut bytes = twice.bytes();
    bytes.extend(twice.bytes());
    let nested = Image::chest_ct().with_item("RequestAttributesSequence", &Image::empty());
    check("IMG-ENC-001", &nested, None);
    let scan = scan_reader(bytes.as_slice(), TransferSyntax::of(EXPLICIT), Limits::default());
    let scan = scan.expect("memory can be read");
    let arrival = Arrival { end: Some(scan.end), ..arrival() };
    let assessment = built_in().assess(&Subject::new(&scan.header, arrival));
    let finding = assessment.findings.iter().find(|finding| finding.rule == "IMG-ENC-001");
    assert_eq!(finding.map(|finding| finding.severity), Some(Warn));
}

#[test]
fn img_enc_003_identifiers_are_there_and_well_formed() {
    check_values(
        "IMG-ENC-003",
        "SOPInstanceUID",
        &[
            (Some("1.2.3"), None),
            (None, Some(Quarantine)),
            (Some(""), Some(Quarantine)),
            (Some("1.02.3"), Some(Warn)),
            (Some("garbage"), Some(Warn)),
        ],
    );
    check_values("IMG-ENC-003", "SOPClassUID", &[(None, Some(Quarantine))]);
    check_values("IMG-ENC-003", "FrameOfReferenceUID", &[(Some("1..2"), Some(Warn)), (None, None)]);
}

#[test]
fn img_enc_004_text_beyond_ascii_needs_a_declaration() {
    let undeclared = Image::chest_ct().without("SpecificCharacterSet");
    check("IMG-ENC-004", &Image::chest_ct(), None);
    check("IMG-ENC-004", &undeclared, Some(Block));
    check("IMG-ENC-004", &undeclared.clone().with("SpecificCharacterSet", ""), Some(Block));
    check("IMG-ENC-004", &undeclared.clone().read_as("GBK"), None);
    let latin = undeclared.with("PatientName", "Zhang^San").with("InstitutionName", "Hospital");
    check("IMG-ENC-004", &latin, None);
    check("IMG-ENC-004", &latin.with("PatientName", "\u{1B}$)C^"), Some(Block));
}

#[test]
fn img_enc_005_text_decodes() {
    let bad = Image::chest_ct().with("StudyDescription", vec![0xD0, 0xFF, 0xFF, 0x20]);
    check("IMG-ENC-005", &Image::chest_ct(), None);
    check("IMG-ENC-005", &bad, Some(Block));
    check("IMG-ENC-005", &bad.clone().without("SpecificCharacterSet"), None);
    check(
        "IMG-ENC-005",
        &Image::chest_ct().with("SpecificCharacterSet", "ISO_IR 192"),
        Some(Block),
    );
    check(
        "IMG-ENC-005",
        &Image::chest_ct().with("SpecificCharacterSet", "ISO_IR 192").read_as("GBK"),
        None,
    );
}

#[test]
fn img_enc_006_and_007_character_sets_are_declared_as_they_should_be() {
    let declared = |value: &str| Image::chest_ct().with("SpecificCharacterSet", value);
    for (value, alone, accepted) in [
        ("GB18030", None, None),
        ("GBK ", None, None),
        ("ISO_IR 192", None, None),
        ("\\ISO 2022 IR 58", None, None),
        ("ISO 2022 IR 100\\ISO 2022 IR 58", None, None),
        ("ISO_IR 100\\GB18030", Some(Warn), Some(Warn)),
        ("ISO_IR 192\\ISO 2022 IR 58", Some(Warn), Some(Warn)),
        ("\\ISO 2022 IR 87", None, Some(Warn)),
        ("ISO_IR 144", None, Some(Warn)),
        ("garbage", None, Some(Warn)),
        ("", None, None),
    ] {
        check("IMG-ENC-006", &declared(value), alone);
        check("IMG-ENC-007", &declared(value), accepted);
    }
    check("IMG-ENC-007", &declared("ISO_IR 144").read_as("GBK"), None);
}

#[test]
fn img_enc_008_chinese_in_disguise_is_found() {
    let latin = Image::chest_ct().with("SpecificCharacterSet", "ISO_IR 100");
    check("IMG-ENC-008", &Image::chest_ct(), None);
    check("IMG-ENC-008", &latin, Some(Block));
    check("IMG-ENC-008", &latin.clone().without("SpecificCharacterSet"), Some(Block));
    check("IMG-ENC-008", &latin.clone().with("PatientName", "张^三丰"), Some(Block));
    check("IMG-ENC-008", &latin.clone().read_as("GB18030"), None);
    let plain = latin.with("PatientName", "Zhang^San").with("InstitutionName", "Friendship");
    check("IMG-ENC-008", &plain, None);
}

#[test]
fn img_enc_009_values_keep_to_their_formats() {
    check("IMG-ENC-009", &Image::chest_ct(), None);
    for (keyword, good, bad) in [
        ("BodyPartExamined", "CHEST", "chest"),
        ("PatientAge", "064Y", "64Y"),
        ("StudyDate", "20260520", "2026-05-20"),
        ("StudyTime", "091500.25", "9:15"),
        ("SliceThickness", "1.25", "1,25"),
        ("InstanceNumber", "-3", "3.5"),
        ("StationName", "CT-ROOM-3", "a station name that is too long"),
    ] {
        check("IMG-ENC-009", &Image::chest_ct().with(keyword, good), None);
        check("IMG-ENC-009", &Image::chest_ct().with(keyword, bad), Some(Warn));
        check("IMG-ENC-009", &Image::chest_ct().with(keyword, ""), None);
    }
    // Characters count, not bytes.
    check("IMG-ENC-009", &Image::chest_ct().with("InstitutionName", gb(&"医".repeat(64))), None);
    check(
        "IMG-ENC-009",
        &Image::chest_ct().with("InstitutionName", gb(&"医".repeat(65))),
        Some(Warn),
    );
}

#[test]
fn img_pix_002_an_image_has_a_size() {
    check("IMG-PIX-002", &Image::chest_ct(), None);
    check("IMG-PIX-002", &Image::chest_ct().with("Rows", 0), Some(Quarantine));
    check("IMG-PIX-002", &Image::chest_ct().without("Columns"), Some(Quarantine));
    check("IMG-PIX-002", &Image::chest_ct().with("NumberOfFrames", "0"), Some(Quarantine));
    check("IMG-PIX-002", &Image::chest_ct().with("NumberOfFrames", "12"), None);
    check("IMG-PIX-002", &Image::chest_ct().with("NumberOfFrames", "many"), None);
    let report = Image::empty().with("SOPClassUID", "1.2.840.10008.5.1.4.1.1.88.33");
    check("IMG-PIX-002", &report, None);
}

#[test]
fn img_pix_003_bits_fit_into_each_other() {
    check("IMG-PIX-003", &Image::chest_ct(), None);
    check("IMG-PIX-003", &Image::chest_ct().with("BitsStored", 17), Some(Quarantine));
    check("IMG-PIX-003", &Image::chest_ct().with("HighBit", 15), Some(Warn));
    check("IMG-PIX-003", &Image::chest_ct().without("HighBit"), Some(Warn));
    check("IMG-PIX-003", &Image::chest_ct().without("BitsStored"), None);
}

#[test]
fn img_pix_005_samples_and_photometric_interpretation_go_together() {
    check_values(
        "IMG-PIX-005",
        "PhotometricInterpretation",
        &[
            (Some("MONOCHROME1"), None),
            (Some("RGB"), Some(Warn)),
            (Some("garbage"), Some(Warn)),
            (None, Some(Warn)),
        ],
    );
    let colour = Image::chest_ct().with("SamplesPerPixel", 3);
    check("IMG-PIX-005", &colour.clone().with("PhotometricInterpretation", "YBR_FULL_422"), None);
    check("IMG-PIX-005", &colour, Some(Warn));
    check("IMG-PIX-005", &Image::chest_ct().with("SamplesPerPixel", 2), Some(Warn));
    check("IMG-PIX-005", &Image::chest_ct().without("SamplesPerPixel"), None);
}

#[test]
fn img_cmpr_001_a_lossy_syntax_is_admitted() {
    let lossy = Image::chest_ct().in_syntax(JPEG_BASELINE);
    check("IMG-CMPR-001", &Image::chest_ct(), None);
    check("IMG-CMPR-001", &lossy, Some(Block));
    check("IMG-CMPR-001", &lossy.clone().with("LossyImageCompression", "00"), Some(Block));
    check("IMG-CMPR-001", &lossy.with("LossyImageCompression", "01"), None);
    check("IMG-CMPR-001", &Image::chest_ct().in_syntax(JPEG_2000), None);
    check("IMG-CMPR-001", &Image::chest_ct().in_syntax("1.2.3.4"), None);
}

#[test]
fn img_cmpr_002_lossy_images_are_not_recognised() {
    let lossy = Image::chest_ct().with("LossyImageCompression", "01");
    check("IMG-CMPR-002", &Image::chest_ct().in_syntax(JPEG_LOSSLESS), None);
    check("IMG-CMPR-002", &lossy, Some(Block));
    check("IMG-CMPR-002", &Image::chest_ct().in_syntax(JPEG_BASELINE), Some(Block));
    check(
        "IMG-CMPR-002",
        &lossy.clone().with("SOPClassUID", US).with("Modality", "US"),
        Some(Warn),
    );
    check("IMG-CMPR-002", &lossy.clone().with("Modality", "OT"), None);
    check("IMG-CMPR-002", &lossy.without("Modality"), None);
    check("IMG-CMPR-002", &Image::chest_ct().with("LossyImageCompression", "?"), None);
}

#[test]
fn img_sig_001_a_signed_object_is_left_alone() {
    let signed = Image::chest_ct()
        .with_item("DigitalSignaturesSequence", &Image::empty().with("MACIDNumber", 1));
    check("IMG-SIG-001", &Image::chest_ct(), None);
    check("IMG-SIG-001", &signed, Some(Block));
    check("IMG-SIG-001", &Image::chest_ct().with("DigitalSignaturesSequence", ""), None);
}

#[test]
fn img_pat_001_and_002_a_patient_has_a_name_of_his_own() {
    check_values(
        "IMG-PAT-001",
        "PatientName",
        &[
            (Some("Zhang^San"), None),
            (None, Some(Block)),
            (Some(""), Some(Block)),
            (Some("^^^^"), Some(Block)),
            (Some(" = "), Some(Block)),
        ],
    );
    check_values(
        "IMG-PAT-002",
        "PatientName",
        &[
            (Some("Zhang^San"), None),
            (Some("Testa^Maria"), None),
            (Some("TEST"), Some(Block)),
            (Some("Test^Patient"), Some(Block)),
            (Some("PHANTOM^WATER"), Some(Block)),
            (Some("test01"), Some(Block)),
            (Some("Anonymous"), Some(Block)),
            (None, None),
        ],
    );
    check_values(
        "IMG-PAT-002",
        "PatientID",
        &[
            (Some("11"), None),
            (Some("000000"), Some(Block)),
            (Some("TEST-1"), Some(Block)),
            (None, None),
        ],
    );
    for (name, want) in [
        ("体模", Some(Block)),
        ("测试^一", Some(Block)),
        ("无名", Some(Block)),
        ("无名氏12", Some(Warn)),
        ("吴明", None),
    ] {
        check("IMG-PAT-002", &Image::chest_ct().with("PatientName", gb(name)), want);
    }
}

#[test]
fn img_pat_003_without_patient_id_the_object_is_held() {
    check_values(
        "IMG-PAT-003",
        "PatientID",
        &[
            (Some("0012345678"), None),
            (None, Some(Quarantine)),
            (Some(""), Some(Quarantine)),
            (Some("  "), Some(Quarantine)),
            (Some("??"), None),
        ],
    );
}

#[test]
fn img_pat_004_to_006_age_and_birth_date_are_given_and_agree() {
    check("IMG-PAT-004", &Image::chest_ct(), None);
    check("IMG-PAT-004", &Image::chest_ct().without("PatientAge"), None);
    check("IMG-PAT-004", &Image::chest_ct().without("PatientBirthDate"), None);
    let neither = Image::chest_ct().without("PatientAge").with("PatientBirthDate", "");
    check("IMG-PAT-004", &neither, Some(Block));
    check_values(
        "IMG-PAT-005",
        "PatientBirthDate",
        &[
            (Some("19620317"), None),
            (Some("1962.03.17"), None),
            (Some("20260520"), None),
            (Some("20260521"), Some(Block)),
            (Some("18900101"), Some(Block)),
            (Some("19000101"), Some(Block)),
            (Some("19620231"), Some(Block)),
            (Some("garbage"), Some(Block)),
            (None, None),
        ],
    );
    check(
        "IMG-PAT-005",
        &Image::chest_ct().with("PatientBirthDate", "20270101").without("StudyDate"),
        Some(Block),
    );
    check_values(
        "IMG-PAT-006",
        "PatientAge",
        &[
            (Some("064Y"), None),
            (Some("065Y"), None),
            (Some("066Y"), Some(Warn)),
            (Some("060Y"), Some(Warn)),
            (Some("070Y"), Some(Block)),
            (Some("064M"), Some(Block)),
            (Some("64"), None),
            (None, None),
        ],
    );
    let infant = Image::chest_ct().with("PatientBirthDate", "20260510");
    check("IMG-PAT-006", &infant.clone().with("PatientAge", "010D"), None);
    check("IMG-PAT-006", &infant.clone().with("PatientAge", "012D"), None);
    check("IMG-PAT-006", &infant.clone().with("PatientAge", "013D"), Some(Warn));
    check("IMG-PAT-006", &infant.clone().with("PatientAge", "002W"), None);
    check("IMG-PAT-006", &infant.with("PatientAge", "003M"), Some(Warn));
}

#[test]
fn img_pat_007_sex_is_one_of_three_codes() {
    check_values(
        "IMG-PAT-007",
        "PatientSex",
        &[
            (Some("F"), None),
            (Some("O"), None),
            (None, Some(Block)),
            (Some(""), Some(Block)),
            (Some("U"), Some(Warn)),
            (Some("male"), Some(Warn)),
        ],
    );
}

#[test]
fn img_pat_011_and_012_what_is_of_no_patient_is_not_marked() {
    for (rule, keyword) in
        [("IMG-PAT-011", "PatientIdentityRemoved"), ("IMG-PAT-012", "QualityControlImage")]
    {
        check_values(
            rule,
            keyword,
            &[
                (Some("NO"), None),
                (Some("YES"), Some(Block)),
                (None, None),
                (Some("perhaps"), None),
            ],
        );
    }
}

#[test]
fn img_stu_001_to_004_a_study_can_be_filed_and_dated() {
    for keyword in ["StudyInstanceUID", "SeriesInstanceUID"] {
        check_values(
            "IMG-STU-001",
            keyword,
            &[
                (Some("1.2.3"), None),
                (Some("1.02.3"), None),
                (None, Some(Quarantine)),
                (Some(""), Some(Quarantine)),
                (Some("study-1"), Some(Quarantine)),
            ],
        );
    }
    check_values(
        "IMG-STU-002",
        "AccessionNumber",
        &[(Some("A1"), None), (None, Some(Block)), (Some(" "), Some(Block))],
    );
    check_values(
        "IMG-STU-003",
        "StudyDate",
        &[
            (Some("20260401"), None),
            (Some("2026.04.01"), None),
            (None, Some(Block)),
            (Some("20260431"), Some(Block)),
            (Some("yesterday"), Some(Block)),
        ],
    );
    check_values(
        "IMG-STU-004",
        "StudyTime",
        &[
            (Some("0915"), None),
            (Some("09:15:00"), None),
            (None, Some(Warn)),
            (Some("2515"), Some(Warn)),
            (Some("noon"), Some(Warn)),
        ],
    );
}

#[test]
fn img_stu_006_and_007_dates_are_of_this_time() {
    // It is 14:00 on 2026-06-01.
    for keyword in ["StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate"] {
        check_values(
            "IMG-STU-006",
            keyword,
            &[
                (Some("20260601"), None),
                (Some("20260602"), Some(Block)),
                (None, None),
                (Some("garbage"), None),
            ],
        );
        check_values(
            "IMG-STU-007",
            keyword,
            &[
                (Some("20260601"), None),
                (Some("19700101"), Some(Block)),
                (None, None),
                (Some("garbage"), None),
            ],
        );
    }
    let today = Image::chest_ct().with("StudyDate", "20260601");
    check("IMG-STU-006", &today.clone().with("StudyTime", "140900"), None);
    check("IMG-STU-006", &today.with("StudyTime", "141100"), Some(Block));
    check_values(
        "IMG-STU-006",
        "AcquisitionDateTime",
        &[
            (Some("20260601140900"), None),
            (Some("20260601141100"), Some(Block)),
            (Some("20260601141100+0900"), None),
        ],
    );
}

#[test]
fn img_stu_009_modality_goes_with_the_sop_class() {
    check_values(
        "IMG-STU-009",
        "Modality",
        &[
            (Some("CT"), None),
            (Some("MR"), Some(Quarantine)),
            (Some("OT"), Some(Warn)),
            (Some("garbage"), Some(Warn)),
            (None, Some(Warn)),
        ],
    );
    let dx = Image::chest_ct().with("SOPClassUID", DX);
    check("IMG-STU-009", &dx.clone().with("Modality", "DX"), None);
    check("IMG-STU-009", &dx.clone().with("Modality", "CR"), Some(Warn));
    check("IMG-STU-009", &dx.with("Modality", "US"), Some(Quarantine));
    let capture = Image::chest_ct().with("SOPClassUID", "1.2.840.10008.5.1.4.1.1.7");
    check("IMG-STU-009", &capture, None);
}

#[test]
fn img_stu_010_a_body_region_is_given() {
    check_values(
        "IMG-STU-010",
        "BodyPartExamined",
        &[(Some("CHEST"), None), (None, Some(Block)), (Some(""), Some(Block))],
    );
    let code = Image::empty().with("CodeValue", "51185008").with("CodeMeaning", "Chest");
    let region =
        Image::chest_ct().without("BodyPartExamined").with_item("AnatomicRegionSequence", &code);
    check("IMG-STU-010", &region, None);
    let empty = Image::chest_ct()
        .without("BodyPartExamined")
        .with_item("AnatomicRegionSequence", &Image::empty());
    check("IMG-STU-010", &empty, Some(Block));
}

#[test]
fn img_stu_014_and_015_the_institution_has_a_name_that_fits() {
    check_values(
        "IMG-STU-014",
        "InstitutionName",
        &[(Some("Hospital"), None), (None, Some(Block)), (Some(" "), Some(Block))],
    );
    check("IMG-STU-015", &Image::chest_ct(), None);
    check("IMG-STU-015", &Image::chest_ct().with("InstitutionName", gb(&"医".repeat(64))), None);
    check(
        "IMG-STU-015",
        &Image::chest_ct().with("InstitutionName", gb(&"医".repeat(65))),
        Some(Warn),
    );
    check_values(
        "IMG-STU-015",
        "InstitutionName",
        &[(None, None), (Some("One\\Two"), Some(Warn)), (Some("One\tTwo"), Some(Warn))],
    );
}

#[test]
fn img_stu_018_series_and_image_are_numbered() {
    for keyword in ["SeriesNumber", "InstanceNumber"] {
        check_values(
            "IMG-STU-018",
            keyword,
            &[
                (Some("1"), None),
                (None, Some(Warn)),
                (Some(""), Some(Warn)),
                (Some("first"), Some(Warn)),
            ],
        );
    }
}

#[test]
fn img_stu_024_and_025_an_image_is_ours_and_says_what_it_is() {
    check_values(
        "IMG-STU-024",
        "InstanceOriginStatus",
        &[
            (Some("LOCAL"), None),
            (Some("IMPORTED"), Some(Block)),
            (None, None),
            (Some("garbage"), None),
        ],
    );
    check_values(
        "IMG-STU-025",
        "ImageType",
        &[
            (Some("DERIVED\\SECONDARY"), None),
            (Some("ORIGINAL"), Some(Warn)),
            (Some("ORIGINAL\\TERTIARY"), Some(Warn)),
            (Some("\\PRIMARY"), Some(Warn)),
            (Some("garbage\\PRIMARY"), Some(Warn)),
            (None, Some(Warn)),
        ],
    );
}

#[test]
fn img_dr_003_and_mg_010_only_images_for_presentation_are_marked() {
    for (rule, class) in [("IMG-DR-003", DX), ("IMG-DR-003", DX_FOR_PROCESSING), ("IMG-MG-010", MG)]
    {
        let image = Image::chest_ct().with("SOPClassUID", class);
        check(rule, &image.clone().with("PresentationIntentType", "FOR PRESENTATION"), None);
        check(rule, &image.clone().with("PresentationIntentType", "FOR PROCESSING"), Some(Block));
        check(rule, &image.clone().with("PresentationIntentType", "garbage"), Some(Block));
        check(rule, &image, Some(Block));
    }
    check("IMG-DR-003", &Image::chest_ct(), None);
}

#[test]
fn img_ct_009_a_slice_has_its_place_in_space() {
    check_values(
        "IMG-CT-009",
        "ImageOrientationPatient",
        &[
            (Some("0.999\\0.04\\0\\-0.04\\0.999\\0"), None),
            (Some("1\\0\\0\\1\\0\\0"), Some(Block)),
            (Some("2\\0\\0\\0\\1\\0"), Some(Block)),
            (Some("1\\0\\0"), Some(Block)),
            (Some("a\\b\\c\\d\\e\\f"), Some(Block)),
            (None, Some(Block)),
        ],
    );
    check_values(
        "IMG-CT-009",
        "ImagePositionPatient",
        &[(None, Some(Block)), (Some("1\\2"), Some(Block))],
    );
    let localizer = Image::chest_ct().with("ImageType", "ORIGINAL\\PRIMARY\\LOCALIZER");
    check("IMG-CT-009", &localizer.without("ImageOrientationPatient"), None);
}
