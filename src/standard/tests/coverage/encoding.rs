//! Encoding, pixel description and compression.

use super::*;
use crate::dicom::tags;
use crate::phantom::{Characters, DataSet, Fault, Value};
use Outcome::{Met, NotMet};
use Severity::{Block, Info, Quarantine, Warn};

const RLE: &str = "1.2.840.10008.1.2.5";
const JPEG_BASELINE: &str = "1.2.840.10008.1.2.4.50";

pub(super) fn cases() -> Vec<Case> {
    let ct = || phantom(Kind::Ct);
    let declared = |charset: &str| ct().text(tags::SPECIFIC_CHARACTER_SET, charset);
    let lossy = || Example::from(ct()).in_syntax(JPEG_BASELINE).named("a CT in a lossy syntax");
    let mut signature = DataSet::default();
    signature.number(tags::MACID_NUMBER, 1);
    let signed = ct().set(tags::DIGITAL_SIGNATURES_SEQUENCE, VR::SQ, Value::Items(vec![signature]));
    let whole = ct().data_set().len() as u64;
    let run = || phantom(Kind::Xa).frames(5).transfer_syntax_of(RLE);
    vec![
        Case::of("IMG-ENC-001")
            .passes(ct())
            .fails(Quarantine, ct().fault(Fault::CutAfter(whole - 1)))
            .fails(Quarantine, ct().fault(Fault::NotWalkable))
            .fails(Warn, twice(&ct())),
        Case::of("IMG-ENC-002")
            .passes(Example::from(ct()).arriving(announced(ct().sop_instance().as_str())))
            .fails(Quarantine, Example::from(ct()).arriving(announced("1.2.3")))
            .fails(
                Quarantine,
                Example::from(ct().fault(Fault::WrongSopClass))
                    .arriving(announced(ct().sop_instance().as_str())),
            )
            .not_applicable(ct()),
        Case::of("IMG-ENC-003")
            .values(
                &ct(),
                tags::SOP_INSTANCE_UID,
                &[
                    (Some("1.2.3"), Met),
                    (None, NotMet(Quarantine)),
                    (Some(""), NotMet(Quarantine)),
                    (Some("1.02.3"), NotMet(Warn)),
                    (Some("garbage"), NotMet(Warn)),
                ],
            )
            .fails(Quarantine, ct().without(tags::SOP_CLASS_UID))
            .values(
                &ct(),
                tags::FRAME_OF_REFERENCE_UID,
                &[(None, Met), (Some("1..2"), NotMet(Warn))],
            ),
        Case::of("IMG-ENC-004")
            .passes(ct())
            .passes(latin().without(tags::SPECIFIC_CHARACTER_SET))
            .fails(Block, ct().without(tags::SPECIFIC_CHARACTER_SET))
            .fails(Block, declared(""))
            .fails(
                Block,
                latin().without(tags::SPECIFIC_CHARACTER_SET).set(
                    tags::PATIENT_NAME,
                    VR::PN,
                    Value::Bytes(b"\x1B$)C^ ".to_vec()),
                ),
            )
            .not_applicable(
                Example::from(ct().without(tags::SPECIFIC_CHARACTER_SET)).read_as("GB18030"),
            ),
        Case::of("IMG-ENC-005")
            .passes(ct())
            .fails(
                Block,
                ct().set(
                    tags::STUDY_DESCRIPTION,
                    VR::LO,
                    Value::Bytes(vec![0xD0, 0xFF, 0xFF, 0x20]),
                ),
            )
            .fails(Block, declared("ISO_IR 192"))
            .passes(Example::from(declared("ISO_IR 192")).read_as("GB18030"))
            .not_applicable(ct().without(tags::SPECIFIC_CHARACTER_SET)),
        declarations("IMG-ENC-006", |(_, alone, _)| alone)
            .not_applicable(declared(""))
            .not_applicable(ct().without(tags::SPECIFIC_CHARACTER_SET)),
        declarations("IMG-ENC-007", |(_, _, accepted)| accepted)
            .not_applicable(Example::from(declared("ISO_IR 144")).read_as("GBK")),
        Case::of("IMG-ENC-008")
            .passes(ct())
            .passes(latin().text(tags::SPECIFIC_CHARACTER_SET, "ISO_IR 100"))
            .fails(Block, declared("ISO_IR 100"))
            .fails(Block, ct().without(tags::SPECIFIC_CHARACTER_SET))
            .not_applicable(Example::from(declared("ISO_IR 100")).read_as("GB18030")),
        formats()
            .passes(ct().institution(&"医".repeat(64)))
            .fails(Warn, ct().institution(&"医".repeat(65))),
        Case::of("IMG-ENC-010")
            .passes(ct())
            .passes(ct().text(tags::OTHER_PATIENT_NAMES, "王^小明\\王^大明"))
            .fails(Info, ct().institution("運城醫院")),
        Case::of("IMG-ENC-011")
            .passes(ct())
            .fails(Info, ct().text(tags::PATIENT_NAME, "王^小明"))
            .not_applicable(ct().text(tags::PATIENT_NAME, "Wang^Xiaoming")),
        Case::of("IMG-PIX-001")
            .passes(ct())
            .passes(run())
            .passes(phantom(Kind::SecondaryCapture))
            .fails(Quarantine, without_pixels(&ct()))
            .fails(Quarantine, number(ct(), tags::ROWS, 33))
            .fails(Quarantine, number(ct(), tags::BITS_ALLOCATED, 8))
            .fails(Quarantine, run().text(tags::NUMBER_OF_FRAMES, "6"))
            .not_applicable(phantom(Kind::DoseReport)),
        Case::of("IMG-PIX-002")
            .passes(ct())
            .passes(phantom(Kind::EnhancedCt))
            .passes(ct().text(tags::NUMBER_OF_FRAMES, "12"))
            .passes(ct().text(tags::NUMBER_OF_FRAMES, "many"))
            .fails(Quarantine, ct().without(tags::ROWS))
            .fails(Quarantine, ct().without(tags::COLUMNS))
            .fails(Quarantine, number(ct(), tags::ROWS, 0))
            .fails(Quarantine, ct().text(tags::NUMBER_OF_FRAMES, "0"))
            .fails(Quarantine, phantom(Kind::EnhancedCt).without(tags::NUMBER_OF_FRAMES))
            .fails(Quarantine, phantom(Kind::EnhancedCt).text(tags::NUMBER_OF_FRAMES, "0")),
        Case::of("IMG-PIX-003")
            .passes(ct())
            .fails(Quarantine, number(ct(), tags::BITS_STORED, 17))
            .fails(Warn, number(ct(), tags::HIGH_BIT, 15))
            .fails(Warn, ct().without(tags::HIGH_BIT))
            .not_applicable(ct().without(tags::BITS_STORED)),
        Case::of("IMG-PIX-005")
            .passes(ct())
            .passes(phantom(Kind::SecondaryCapture))
            .passes(
                number(ct(), tags::SAMPLES_PER_PIXEL, 3)
                    .text(tags::PHOTOMETRIC_INTERPRETATION, "YBR_FULL_422"),
            )
            .values(
                &ct(),
                tags::PHOTOMETRIC_INTERPRETATION,
                &[
                    (Some("MONOCHROME1"), Met),
                    (Some("RGB"), NotMet(Warn)),
                    (Some("garbage"), NotMet(Warn)),
                    (None, NotMet(Warn)),
                ],
            )
            .fails(Warn, number(ct(), tags::SAMPLES_PER_PIXEL, 3))
            .fails(Warn, number(ct(), tags::SAMPLES_PER_PIXEL, 2))
            .not_applicable(ct().without(tags::SAMPLES_PER_PIXEL)),
        Case::of("IMG-CMPR-001")
            .passes(
                Example::from(ct().text(tags::LOSSY_IMAGE_COMPRESSION, "01"))
                    .in_syntax(JPEG_BASELINE),
            )
            .fails(Block, lossy())
            .fails(
                Block,
                Example::from(ct().without(tags::LOSSY_IMAGE_COMPRESSION)).in_syntax(JPEG_BASELINE),
            )
            .not_applicable(Example::from(ct()).in_syntax("1.2.840.10008.1.2.4.91"))
            .not_applicable(Example::from(ct()).in_syntax("1.2.3.4"))
            .not_applicable(ct()),
        Case::of("IMG-CMPR-002")
            .passes(
                phantom(Kind::SecondaryCapture)
                    .text(tags::MODALITY, "OT")
                    .text(tags::LOSSY_IMAGE_COMPRESSION, "01"),
            )
            .fails(Block, ct().text(tags::LOSSY_IMAGE_COMPRESSION, "01"))
            .fails(Block, lossy())
            .fails(Warn, phantom(Kind::Us).text(tags::LOSSY_IMAGE_COMPRESSION, "01"))
            .not_applicable(Example::from(ct()).in_syntax("1.2.840.10008.1.2.4.70"))
            .not_applicable(ct().text(tags::LOSSY_IMAGE_COMPRESSION, "?"))
            .not_applicable(ct()),
        Case::of("IMG-CMPR-003")
            .passes(ct().transfer_syntax_of(JPEG_BASELINE))
            .fails(
                Warn,
                ct().transfer_syntax_of(JPEG_BASELINE).without(tags::LOSSY_IMAGE_COMPRESSION_RATIO),
            )
            .fails(
                Warn,
                ct().transfer_syntax_of(JPEG_BASELINE)
                    .text(tags::LOSSY_IMAGE_COMPRESSION_METHOD, "ISO_10918_1\\ISO_15444_1"),
            )
            .fails(
                Warn,
                Example::from(ct().transfer_syntax_of(JPEG_BASELINE))
                    .where_parameter("max_lossy_ratio", 5_i64),
            )
            .not_applicable(ct()),
        Case::of("IMG-CMPR-004")
            .passes(ct())
            .fails(Block, ct().text(tags::LOSSY_IMAGE_COMPRESSION_RATIO, "10"))
            .fails(Block, ct().text(tags::LOSSY_IMAGE_COMPRESSION_METHOD, "ISO_10918_1"))
            .not_applicable(ct().text(tags::LOSSY_IMAGE_COMPRESSION, "01")),
        Case::of("IMG-SIG-001")
            .passes(ct())
            .passes(ct().set(tags::DIGITAL_SIGNATURES_SEQUENCE, VR::SQ, Value::Items(Vec::new())))
            .fails(Block, signed),
    ]
}

/// A CT whose texts are all in Latin letters.
fn latin() -> Specimen {
    phantom(Kind::Ct).characters(Characters::Latin1)
}

/// A declaration of character sets, whether it keeps to standing alone, and whether it is one that is accepted.
type Declared = (&'static str, Outcome, Outcome);

const DECLARED: [Declared; 9] = [
    ("GB18030", Met, Met),
    ("GBK ", Met, Met),
    ("ISO_IR 192", Met, Met),
    ("\\ISO 2022 IR 58", Met, Met),
    ("ISO 2022 IR 100\\ISO 2022 IR 58", Met, Met),
    ("ISO_IR 100\\GB18030", NotMet(Warn), NotMet(Warn)),
    ("\\ISO 2022 IR 87", Met, NotMet(Warn)),
    ("ISO_IR 144", Met, NotMet(Warn)),
    ("garbage", Met, NotMet(Warn)),
];

/// The case of a rule on what is declared, by its column of that table.
fn declarations(rule: &'static str, becomes: fn(Declared) -> Outcome) -> Case {
    let rows = DECLARED.map(|declared| (Some(declared.0), becomes(declared)));
    Case::of(rule).values(&phantom(Kind::Ct), tags::SPECIFIC_CHARACTER_SET, &rows)
}

/// Values that keep to the format of their VR, and the same that do not.
fn formats() -> Case {
    let ct = phantom(Kind::Ct);
    [
        (tags::BODY_PART_EXAMINED, "CHEST", "chest"),
        (tags::PATIENT_AGE, "064Y", "64Y"),
        (tags::STUDY_DATE, "20260520", "2026-05-20"),
        (tags::STUDY_TIME, "091500.25", "9:15"),
        (tags::SLICE_THICKNESS, "1.25", "1,25"),
        (tags::INSTANCE_NUMBER, "-3", "3.5"),
        (tags::STATION_NAME, "CT-ROOM-3", "a station name that is too long"),
    ]
    .into_iter()
    .fold(Case::of("IMG-ENC-009").passes(ct.clone()), |case, (tag, good, bad)| {
        let rows = [(Some(good), Met), (Some(""), Met), (Some(bad), NotMet(Warn))];
        case.values(&ct, tag, &rows)
    })
}

fn number(specimen: Specimen, tag: Tag, number: u16) -> Specimen {
    specimen.set(tag, VR::US, Value::Shorts(vec![number]))
}

/// Has an object be announced as this instance of CT Image.
fn announced(sop_instance: &str) -> impl FnOnce(&mut Arrival<'static>) {
    let sop_instance: &'static str = sop_instance.to_owned().leak();
    move |arrival| arrival.announced = Announced { sop_class: CT_IMAGE, sop_instance }
}

/// The data set up to its Pixel Data.
fn without_pixels(specimen: &Specimen) -> Example {
    let mut bytes = specimen.data_set();
    let head = [0xE0, 0x7F, 0x10, 0x00, b'O', b'W'];
    let at = bytes.windows(head.len()).position(|window| window == head).expect("Pixel Data");
    bytes.truncate(at);
    Example::bytes("without its pixels", bytes)
}

/// The data set with Specific Character Set once more behind its last element.
fn twice(specimen: &Specimen) -> Example {
    let mut bytes = specimen.data_set();
    bytes.extend([0x08, 0x00, 0x05, 0x00, b'C', b'S', 8, 0]);
    bytes.extend(b"GB18030 ");
    Example::bytes("an element a second time", bytes)
}
