//! Encoding, pixel description and compression.

use super::*;
use crate::dicom::tags;
use crate::phantom::{DataSet, Fault, Value};
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
            .passes(ct())
            .fails(Quarantine, ct().without(tags::SOP_INSTANCE_UID))
            .fails(Warn, ct().text(tags::FRAME_OF_REFERENCE_UID, "1.02.3")),
        Case::of("IMG-ENC-004")
            .passes(ct())
            .fails(Block, ct().without(tags::SPECIFIC_CHARACTER_SET))
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
            .not_applicable(ct().without(tags::SPECIFIC_CHARACTER_SET)),
        Case::of("IMG-ENC-006")
            .passes(ct())
            .fails(Warn, declared("ISO_IR 100\\GB18030"))
            .not_applicable(ct().without(tags::SPECIFIC_CHARACTER_SET)),
        Case::of("IMG-ENC-007")
            .passes(ct())
            .fails(Warn, declared("ISO_IR 144"))
            .not_applicable(Example::from(declared("ISO_IR 144")).read_as("GBK")),
        Case::of("IMG-ENC-008")
            .passes(ct())
            .fails(Block, declared("ISO_IR 100"))
            .not_applicable(Example::from(declared("ISO_IR 100")).read_as("GB18030")),
        Case::of("IMG-ENC-009").passes(ct()).fails(Warn, ct().text(tags::STUDY_TIME, "9:15")),
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
            .fails(Quarantine, ct().without(tags::ROWS))
            .fails(Quarantine, phantom(Kind::EnhancedCt).without(tags::NUMBER_OF_FRAMES))
            .fails(Quarantine, phantom(Kind::EnhancedCt).text(tags::NUMBER_OF_FRAMES, "0")),
        Case::of("IMG-PIX-003")
            .passes(ct())
            .fails(Quarantine, number(ct(), tags::BITS_STORED, 17))
            .fails(Warn, number(ct(), tags::HIGH_BIT, 15)),
        Case::of("IMG-PIX-005")
            .passes(ct())
            .passes(phantom(Kind::SecondaryCapture))
            .fails(Warn, ct().text(tags::PHOTOMETRIC_INTERPRETATION, "RGB"))
            .fails(Warn, ct().without(tags::PHOTOMETRIC_INTERPRETATION))
            .not_applicable(ct().without(tags::SAMPLES_PER_PIXEL)),
        Case::of("IMG-CMPR-001")
            .passes(
                Example::from(ct().text(tags::LOSSY_IMAGE_COMPRESSION, "01"))
                    .in_syntax(JPEG_BASELINE),
            )
            .fails(Block, lossy())
            .not_applicable(ct()),
        Case::of("IMG-CMPR-002")
            .passes(
                phantom(Kind::SecondaryCapture)
                    .text(tags::MODALITY, "OT")
                    .text(tags::LOSSY_IMAGE_COMPRESSION, "01"),
            )
            .fails(Block, ct().text(tags::LOSSY_IMAGE_COMPRESSION, "01"))
            .fails(Warn, phantom(Kind::Us).text(tags::LOSSY_IMAGE_COMPRESSION, "01"))
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
        Case::of("IMG-SIG-001").passes(ct()).fails(Block, signed),
    ]
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
