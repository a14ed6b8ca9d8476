//! What the phantoms promise: valid objects, the same bytes again, faults where asked and nowhere else.

use std::io::{self, Write};
use std::process::Command;

use super::*;
use crate::base::limits::Limits;
use crate::dicom::attribute::{AttributePath, Step};
use crate::dicom::charset::{CharacterSet, Misdeclared};
use crate::dicom::transfer_syntax::TransferSyntax;
use crate::dicom::{Tag, VR, tags};
use crate::object::{End, Scan, scan_reader};

const IMPLICIT: &str = "1.2.840.10008.1.2";
const DEFLATED: &str = "1.2.840.10008.1.2.1.99";
const BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";
const RLE: &str = "1.2.840.10008.1.2.5";
const JPEG: &str = "1.2.840.10008.1.2.4.50";
const SYNTAXES: [&str; 6] = [EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT, DEFLATED, BIG_ENDIAN, RLE, JPEG];

const CHARACTERS: [Characters; 8] = [
    Characters::Gb18030,
    Characters::Gbk,
    Characters::Utf8,
    Characters::Latin1,
    Characters::Gb2312Extension,
    Characters::Undeclared,
    Characters::GbkAsLatin1,
    Characters::GbkUndeclared,
];

/// Those that declare what they are, but for GBK, which dciodvfy has not heard of.
const DECLARED: [Characters; 5] = [
    Characters::Gb18030,
    Characters::Utf8,
    Characters::Latin1,
    Characters::Gb2312Extension,
    Characters::Undeclared,
];

fn small(kind: Kind) -> Specimen {
    Specimen::new(kind, 7).size(24, 31)
}

fn scan(specimen: &Specimen) -> Scan {
    let syntax = TransferSyntax::of(specimen.transfer_syntax().as_str());
    let data_set = specimen.data_set();
    scan_reader(data_set.as_slice(), syntax, Limits::default()).expect("a slice can be read")
}

/// The complaints of `dciodvfy`, which `make test` installs, that are errors.
fn complaints(specimen: &Specimen) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("phantom.dcm");
    std::fs::write(&path, specimen.part10()).expect("a file");
    let output = Command::new("dciodvfy").arg(&path).output().expect("dciodvfy is installed");
    String::from_utf8_lossy(&output.stderr)
        .lines()
        .filter(|line| line.starts_with("Error"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_kind_is_valid() {
    let found: Vec<_> = Kind::ALL
        .into_iter()
        .flat_map(|kind| complaints(&small(kind)).into_iter().map(move |said| (kind, said)))
        .collect();
    assert_eq!(found, []);
}

#[test]
fn every_syntax_character_set_and_form_is_valid() {
    let ct = || small(Kind::Ct);
    // dciodvfy does not inflate; what is deflated is the same as what it sees in Explicit VR Little Endian.
    let specimens = SYNTAXES
        .into_iter()
        .filter(|syntax| *syntax != DEFLATED)
        .map(|syntax| ct().transfer_syntax_of(syntax))
        .chain(DECLARED.map(|characters| ct().characters(characters)))
        .chain([Lengths::Undefined, Lengths::Mixed].map(|form| small(Kind::Dx).lengths(form)))
        .chain(
            [Fault::PrivateElements, Fault::Overlay, Fault::TrailingPadding].map(|f| ct().fault(f)),
        )
        .chain([small(Kind::UsMultiFrame).transfer_syntax_of(RLE), small(Kind::Xa).frames(40)]);
    for specimen in specimens {
        assert_eq!(complaints(&specimen), [""; 0], "{specimen:?}");
    }
}

#[test]
fn equal_builders_give_equal_bytes() {
    for kind in Kind::ALL {
        for syntax in SYNTAXES {
            let make = |seed| Specimen::new(kind, seed).size(24, 31).transfer_syntax_of(syntax);
            assert_eq!(make(7).part10(), make(7).part10(), "{kind:?} {syntax}");
            assert_ne!(make(7).part10(), make(8).part10(), "{kind:?} {syntax}");
        }
    }
}

#[test]
fn a_study_is_one_patient_s_and_its_series_and_instances_differ() {
    let first = small(Kind::Ct);
    let second = small(Kind::Ct).instance(2);
    let other = small(Kind::Ct).series(2);
    let radiograph = small(Kind::Dx);
    assert_eq!(first.study_instance(), radiograph.study_instance());
    assert_eq!(first.series_instance(), second.series_instance());
    assert_ne!(first.series_instance(), other.series_instance());
    assert_ne!(first.series_instance(), radiograph.series_instance());
    assert_ne!(first.sop_instance(), second.sop_instance());
    assert_ne!(first.sop_instance(), other.sop_instance());
    for tag in [tags::PATIENT_NAME, tags::PATIENT_ID, tags::PATIENT_BIRTH_DATE] {
        assert_eq!(scan(&first).header.string(tag), scan(&radiograph).header.string(tag));
    }
}

#[test]
fn the_scanner_walks_every_kind_in_every_syntax_and_form() {
    for kind in Kind::ALL {
        for syntax in SYNTAXES {
            for lengths in [Lengths::Explicit, Lengths::Undefined, Lengths::Mixed] {
                let specimen =
                    small(kind).transfer_syntax_of(syntax).lengths(lengths).group_lengths(true);
                let scan = scan(&specimen);
                assert_eq!(scan.end, End::Complete, "{kind:?} {syntax} {lengths:?}");
                let string = |tag| scan.header.string(tag).unwrap_or_default();
                assert_eq!(string(tags::SOP_CLASS_UID), specimen.sop_class().as_str());
                assert_eq!(string(tags::SOP_INSTANCE_UID), specimen.sop_instance().as_str());
                assert_eq!(string(tags::STUDY_INSTANCE_UID), specimen.study_instance().as_str());
                assert_eq!(string(tags::SERIES_INSTANCE_UID), specimen.series_instance().as_str());
                assert_eq!(string(tags::MODALITY), kind.modality());
                assert_eq!(string(tags::STUDY_DATE), "20260506");
                let odd = scan.header.order_faults().count();
                assert_eq!(odd, 0, "{kind:?} {syntax} {lengths:?}");
            }
        }
    }
}

#[test]
fn another_reader_finds_the_same() {
    for kind in Kind::ALL {
        for syntax in [EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT, BIG_ENDIAN, RLE] {
            let specimen = small(kind).transfer_syntax_of(syntax).lengths(Lengths::Undefined);
            let file = specimen.part10();
            let object = dicom_object::from_reader(file.as_slice()).expect("dicom-object reads it");
            let text = |tag| {
                let element = object.element(tag).expect("the element");
                element.to_str().expect("text").trim_end_matches('\0').to_owned()
            };
            assert_eq!(text(tags::INSTITUTION_NAME), INSTITUTION.han, "{kind:?} {syntax}");
            assert_eq!(text(tags::SOP_INSTANCE_UID), specimen.sop_instance().as_str());
            if kind != Kind::DoseReport {
                let rows: u16 =
                    object.element(tags::ROWS).expect("rows").to_int().expect("a number");
                assert_eq!(rows, 24);
            }
        }
    }
}

#[test]
fn names_stand_in_the_character_set() {
    for characters in CHARACTERS {
        let specimen = small(Kind::Ct).characters(characters);
        let scan = scan(&specimen);
        let element = scan.header.find(tags::PATIENT_NAME).expect("a name");
        let bytes = scan.header.bytes(element).expect("a short value");
        let name = characters.real().decode(bytes, VR::PN);
        assert!(!name.faulty, "{characters:?}");
        let name = name.first().expect("a name").to_owned();
        let (latin, han) = name.split_once('=').unwrap_or((&name, ""));
        assert!(latin.is_ascii() && latin.contains('^'), "{characters:?} {name}");
        assert_eq!(!han.is_empty(), characters.has_chinese(), "{characters:?} {name}");
        assert!(han.chars().all(|character| !character.is_ascii()), "{characters:?} {name}");
        let declared = scan.header.find(tags::SPECIFIC_CHARACTER_SET);
        assert_eq!(declared.is_some(), characters.declaration().is_some(), "{characters:?}");
        let declared = CharacterSet::declared(characters.declaration().unwrap_or_default());
        let wrong = matches!(characters, Characters::GbkAsLatin1 | Characters::GbkUndeclared);
        assert_eq!(declared.misdeclared(bytes), wrong.then_some(Misdeclared::Gb18030));
    }
}

#[test]
fn what_a_set_lacks_becomes_a_question_mark() {
    let specimen = small(Kind::Ct).characters(Characters::Latin1).institution("Hôpital 医院");
    let institution = scan(&specimen).header;
    let element = institution.find(tags::INSTITUTION_NAME).expect("a name");
    assert_eq!(institution.bytes(element), Some(b"H\xF4pital ??".as_slice()));
}

#[test]
fn settings_replace_what_the_kind_would_write() {
    let specimen = small(Kind::Ct)
        .text(tags::BODY_PART_EXAMINED, "HEAD")
        .set(tags::ROWS, VR::US, Value::Shorts(vec![1]))
        .without(tags::PROTOCOL_NAME)
        .institution("");
    assert!(specimen.elements().has(tags::BODY_PART_EXAMINED));
    assert!(!specimen.elements().has(tags::PROTOCOL_NAME));
    let header = scan(&specimen).header;
    assert_eq!(header.string(tags::BODY_PART_EXAMINED).as_deref(), Some("HEAD"));
    assert_eq!(header.find(tags::ROWS).map(|rows| header.numbers(rows)), Some(vec![1.0]));
    assert!(header.find(tags::PROTOCOL_NAME).is_none());
    assert_eq!(header.find(tags::INSTITUTION_NAME).map(|name| name.length()), Some(0));
}

#[track_caller]
fn check_fault(fault: Fault, seen: impl FnOnce(&Scan) -> bool) {
    for syntax in SYNTAXES {
        assert!(!matches!(scan(&small(Kind::Ct).transfer_syntax_of(syntax)).end, End::Cut { .. }));
    }
    let scan = scan(&small(Kind::Ct).fault(fault));
    assert!(seen(&scan), "{fault:?}: {:?}", scan.end);
}

#[test]
fn faults_are_where_they_were_asked_for() {
    let text = |scan: &Scan, tag| scan.header.string(tag).unwrap_or_default();
    let complete = |scan: &Scan| scan.end == End::Complete;
    check_fault(Fault::NoPatientId, |scan| {
        complete(scan) && text(scan, tags::PATIENT_ID).is_empty()
    });
    check_fault(Fault::NoStudyDate, |scan| {
        text(scan, tags::STUDY_DATE).is_empty() && !text(scan, tags::SERIES_DATE).is_empty()
    });
    check_fault(Fault::NoDates, |scan| {
        [tags::STUDY_DATE, tags::SERIES_DATE, tags::ACQUISITION_DATE, tags::CONTENT_DATE]
            .into_iter()
            .all(|tag| text(scan, tag).is_empty())
    });
    check_fault(Fault::PrivateElements, |scan| {
        let steps = vec![Step { sequence: Tag(0x0009, 0x1010), item: 1 }];
        let path = AttributePath { steps, tag: Tag(0x0009, 0x1003) };
        complete(scan) && scan.header.at(&path).is_some()
    });
    check_fault(Fault::OddLengths, |scan| {
        let odd = scan.header.elements().iter().filter(|element| element.length() % 2 == 1);
        complete(scan) && odd.count() == 3
    });
    check_fault(Fault::Overlay, |scan| scan.header.find(Tag(0x6000, 0x3000)).is_some());
    check_fault(Fault::TrailingPadding, |scan| {
        complete(scan) && scan.header.find(Tag(0xFFFC, 0xFFFC)).is_some()
    });
    check_fault(Fault::Nested(20), |scan| complete(scan));
    check_fault(Fault::Nested(100), |scan| matches!(scan.end, End::TooDeep { .. }));
    check_fault(Fault::CutAfter(1000), |scan| matches!(scan.end, End::Cut { .. }));
    check_fault(Fault::WrongSopClass, |scan| {
        text(scan, tags::SOP_CLASS_UID) == "1.2.840.10008.5.1.4.1.1.7"
    });
    check_fault(Fault::WrongSopInstance, |scan| {
        text(scan, tags::SOP_INSTANCE_UID) != small(Kind::Ct).sop_instance().as_str()
    });
    check_fault(Fault::NotWalkable, |scan| matches!(scan.end, End::Malformed(_)));
}

#[test]
fn a_cut_object_is_the_start_of_the_whole_one() {
    for syntax in SYNTAXES {
        let whole = small(Kind::Xa).transfer_syntax_of(syntax);
        let cut = whole.clone().fault(Fault::CutAfter(777)).data_set();
        assert_eq!(cut, whole.data_set()[..777], "{syntax}");
    }
}

/// Counts what is written to it.
struct Count(u64);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += u64::try_from(bytes.len()).expect("a slice fits");
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn long_runs_are_written_frame_by_frame() {
    let length = |frames| {
        let mut count = Count(0);
        let specimen = Specimen::new(Kind::Xa, 7).size(64, 64).frames(frames);
        specimen.write_to(&mut count).expect("a count takes everything");
        count.0
    };
    // The number of frames itself has as many digits.
    assert_eq!(length(90) - length(50), 40 * 64 * 64 * 2);
}

#[test]
fn more_than_4_gib_of_native_pixels_are_refused() {
    let specimen = Specimen::new(Kind::Xa, 7).size(4096, 4096).frames(128);
    let fault = specimen.write_to(&mut Count(0)).expect_err("the length field has 32 bits");
    assert_eq!(fault.kind(), io::ErrorKind::InvalidInput);
}

#[test]
fn frames_differ_and_use_the_range() {
    let specimen = Specimen::new(Kind::UsMultiFrame, 7).size(60, 80).frames(3);
    let bytes = specimen.data_set();
    let pixels = &bytes[bytes.len() - 3 * 60 * 80..];
    let frames: Vec<_> = pixels.chunks(60 * 80).collect();
    assert!(frames[0] != frames[1] && frames[1] != frames[2]);
    for frame in frames {
        let levels: std::collections::BTreeSet<_> = frame.iter().collect();
        assert!(levels.len() > 100, "{} levels", levels.len());
    }
}
