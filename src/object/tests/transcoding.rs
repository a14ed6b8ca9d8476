//! The transcoder: what it writes, by hand and read by a foreign reader.

use std::io::Read as _;

use dicom_core::value::Value;
use dicom_dictionary_std::uids;
use dicom_object::InMemDicomObject;

use super::edit::{EditPlan, Editor, NewElement};
use super::part10::FileMeta;
use super::real::{File, scan_bytes, walkable};
use super::transcode::{Target, Transcoder};
use super::*;
use crate::dicom::attribute::AttributePath;
use crate::dicom::tags;
use crate::dicom::transfer_syntax::Encoding;

#[track_caller]
fn check(from: Encoding, before: &Bytes, to: Target, want: &Bytes) {
    for size in [1, 3, 1000] {
        let mut out = Vec::new();
        let source = Trickle { bytes: &before.out, size };
        Transcoder::new(source, from, to).read_to_end(&mut out).expect("walkable");
        assert_eq!(out, want.out, "{size} bytes at a time");
    }
}

/// A reader that gives a few bytes at a time.
struct Trickle<'b> {
    bytes: &'b [u8],
    size: usize,
}

impl std::io::Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let size = self.size.min(buffer.len());
        self.bytes.read(&mut buffer[..size])
    }
}

const PRIVATE: Tag = Tag(0x0009, 0x1001);

#[test]
fn numbers_are_turned_round_by_their_vr() {
    let before = Bytes::big()
        .short(Tag(8, 0), "UL", [0, 0, 0, 99])
        .short(tags::FRAME_INCREMENT_POINTER, "AT", [0x00, 0x18, 0x10, 0x63])
        .short(tags::ROWS, "US", [1, 2])
        .short(Tag(0x29, 0x1001), "FD", [1, 2, 3, 4, 5, 6, 7, 8])
        .long(Tag(0x29, 0x1002), "OF", 4)
        .raw([1, 2, 3, 4])
        .long(Tag(0x29, 0x1003), "UN", 4)
        .raw([1, 2, 3, 4])
        .long(tags::PIXEL_DATA, "OW", 5)
        .raw([1, 2, 3, 4, 5]);
    let after = Bytes::little()
        .short(tags::FRAME_INCREMENT_POINTER, "AT", [0x18, 0x00, 0x63, 0x10])
        .short(tags::ROWS, "US", [2, 1])
        .short(Tag(0x29, 0x1001), "FD", [8, 7, 6, 5, 4, 3, 2, 1])
        .long(Tag(0x29, 0x1002), "OF", 4)
        .raw([4, 3, 2, 1])
        .long(Tag(0x29, 0x1003), "UN", 4)
        .raw([1, 2, 3, 4])
        .long(tags::PIXEL_DATA, "OW", 6)
        .raw([2, 1, 4, 3, 5, 0]);
    check(Encoding::ExplicitBig, &before, Target::ExplicitLittle, &after);
}

#[test]
fn sequences_get_undefined_lengths() {
    let before = Bytes::little()
        .open(tags::REFERENCED_IMAGE_SEQUENCE, 26)
        .item(10)
        .implicit(tags::MODALITY, "CT")
        .item(0)
        .open(PRIVATE, UNDEFINED)
        .item(UNDEFINED)
        .item_end()
        .sequence_end();
    let after = Bytes::little()
        .long(tags::REFERENCED_IMAGE_SEQUENCE, "SQ", UNDEFINED)
        .item(UNDEFINED)
        .short(tags::MODALITY, "CS", "CT")
        .item_end()
        .item(UNDEFINED)
        .item_end()
        .sequence_end()
        .long(PRIVATE, "SQ", UNDEFINED)
        .item(UNDEFINED)
        .item_end()
        .sequence_end();
    check(Encoding::ImplicitLittle, &before, Target::ExplicitLittle, &after);
}

#[test]
fn vrs_come_from_the_dictionary_and_the_samples() {
    let before = |bits: u8, sign: u8| {
        Bytes::little()
            .implicit(Tag(9, 0x0010), "CREATOR ")
            .implicit(PRIVATE, "ab")
            .implicit(tags::BITS_ALLOCATED, [bits, 0])
            .implicit(tags::PIXEL_REPRESENTATION, [sign, 0])
            .implicit(tags::SMALLEST_IMAGE_PIXEL_VALUE, [1, 0])
            .open(tags::ICON_IMAGE_SEQUENCE, 28)
            .item(20)
            .implicit(tags::PIXEL_REPRESENTATION, [0, 0])
            .implicit(tags::SMALLEST_IMAGE_PIXEL_VALUE, [1, 0])
            .implicit(tags::LUT_DATA, [1, 2])
            .implicit(Tag(0x6002, 0x3000), [1, 2])
            .implicit(tags::PIXEL_DATA, [1, 2])
    };
    let after = |bits: u8, sign: u8, signed: &str, pixels: &str| {
        Bytes::little()
            .short(Tag(9, 0x0010), "LO", "CREATOR ")
            .long(PRIVATE, "UN", 2)
            .raw("ab")
            .short(tags::BITS_ALLOCATED, "US", [bits, 0])
            .short(tags::PIXEL_REPRESENTATION, "US", [sign, 0])
            .short(tags::SMALLEST_IMAGE_PIXEL_VALUE, signed, [1, 0])
            .long(tags::ICON_IMAGE_SEQUENCE, "SQ", UNDEFINED)
            .item(UNDEFINED)
            .short(tags::PIXEL_REPRESENTATION, "US", [0, 0])
            .short(tags::SMALLEST_IMAGE_PIXEL_VALUE, "US", [1, 0])
            .item_end()
            .sequence_end()
            .long(tags::LUT_DATA, "OW", 2)
            .raw([1, 2])
            .long(Tag(0x6002, 0x3000), "OW", 2)
            .raw([1, 2])
            .long(tags::PIXEL_DATA, pixels, 2)
            .raw([1, 2])
    };
    let implicit = Encoding::ImplicitLittle;
    let explicit = Target::ExplicitLittle;
    check(implicit, &before(16, 1), explicit, &after(16, 1, "SS", "OW"));
    check(implicit, &before(8, 0), explicit, &after(8, 0, "US", "OB"));
}

#[test]
fn what_is_too_long_for_its_vr_becomes_unknown() {
    let long = vec![b'1'; 65_537];
    let before = Bytes::little().implicit(tags::PIXEL_SPACING, &long);
    let after = Bytes::little().long(tags::PIXEL_SPACING, "UN", 65_538).raw(&long).raw(" ");
    check(Encoding::ImplicitLittle, &before, Target::ExplicitLittle, &after);
}

#[test]
fn what_cannot_be_rewritten_is_an_error() {
    let fails = |bytes: &Bytes| {
        let from = Encoding::ExplicitLittle;
        let mut out = Vec::new();
        let read = Transcoder::new(&bytes.out[..], from, Target::ImplicitLittle);
        let error = { read }.read_to_end(&mut out).expect_err("no way");
        error.into_inner().expect("a cause").to_string()
    };
    let frames = Bytes::little().long(tags::PIXEL_DATA, "OB", UNDEFINED).item(0).sequence_end();
    assert_eq!(fails(&frames), "encapsulated pixel data in a native transfer syntax");
    let cut = Bytes::little().short(tags::MODALITY, "CS", "CT").raw([0]);
    assert_eq!(fails(&cut), "the data set cannot be walked");
    let item = Bytes::little().item(0);
    let want = "the data set cannot be walked: byte 0: an item outside a sequence";
    assert_eq!(fails(&item), want);
    let jpeg = TransferSyntax::of(uids::JPEG_BASELINE8_BIT);
    let refused = transcode::output(&[][..], jpeg, EditPlan::none(), Target::ExplicitLittle);
    assert_eq!(refused.expect_err("not native").kind(), std::io::ErrorKind::InvalidData);
}

fn native() -> Vec<File> {
    walkable().into_iter().filter(|file| file.syntax().is_native()).collect()
}

fn rewritten(file: &File, plan: EditPlan, to: Target) -> Vec<u8> {
    let mut out = Vec::new();
    transcode::output(&file.data_set[..], file.syntax(), plan, to)
        .and_then(|mut stream| stream.read_to_end(&mut out))
        .expect("walkable");
    out
}

fn uid(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::ImplicitLittle => IMPLICIT,
        Encoding::ExplicitLittle => EXPLICIT,
        Encoding::ExplicitBig => BIG,
    }
}

/// What dicom-object reads of a data set in a file of ours: tag and value of each element, items in line, padding
/// and group lengths left out.
fn as_read_elsewhere(data_set: &[u8], encoding: Encoding) -> Option<Vec<(Tag, Vec<u8>)>> {
    let meta = FileMeta {
        sop_class: "1.2.3".into(),
        sop_instance: "1.2.3".into(),
        transfer_syntax: uid(encoding).into(),
        implementation_class: "1.2.3".into(),
        ..FileMeta::default()
    };
    let head = meta.to_bytes().expect("short values");
    let object = match dicom_object::from_reader(head.chain(data_set)) {
        Ok(object) => object.into_inner(),
        Err(error) => {
            println!("dicom-object: {error}");
            return None;
        }
    };
    let mut flat = Vec::new();
    flatten(&object, &mut flat);
    Some(flat)
}

fn flatten(object: &InMemDicomObject, flat: &mut Vec<(Tag, Vec<u8>)>) {
    for element in object {
        let tag = element.header().tag;
        match element.value() {
            Value::Sequence(sequence) => {
                flat.push((tag, vec![sequence.items().len() as u8]));
                sequence.items().iter().for_each(|item| flatten(item, flat));
            }
            Value::Primitive(value) if tag.element() != 0 => {
                let mut bytes = value.to_bytes().into_owned();
                while let Some(b' ' | 0) = bytes.last() {
                    bytes.pop();
                }
                flat.push((tag, bytes));
            }
            Value::Primitive(_) | Value::PixelSequence(_) => {}
        }
    }
}

#[test]
fn a_foreign_reader_finds_the_same_values() {
    let files = native();
    let (mut used, mut compared) = (0, 0);
    for file in &files {
        let encoding = file.scan().header.encoding();
        let Some(before) = as_read_elsewhere(&file.plain(), encoding) else {
            println!("{} cannot be read by it", file.name);
            continue;
        };
        for to in [Target::ExplicitLittle, Target::ImplicitLittle] {
            let out = rewritten(file, EditPlan::none(), to);
            let syntax = TransferSyntax::of(uid(to.encoding()));
            assert_eq!(scan_bytes(syntax, &out).end, End::Complete, "{}", file.name);
            let after = as_read_elsewhere(&out, to.encoding()).expect(&file.name);
            let tags = |flat: &[(Tag, Vec<u8>)]| flat.iter().map(|(t, _)| *t).collect::<Vec<_>>();
            assert_eq!(tags(&after), tags(&before), "{} {to:?}", file.name);
            for ((tag, after), (_, before)) in after.iter().zip(&before) {
                assert!(after == before, "{} {to:?} {tag:?}", file.name);
            }
            compared += after.len();
        }
        used += 1;
    }
    println!("{used} of {} files used, {compared} values", files.len());
}

#[test]
fn there_and_back_gives_the_same_bytes() {
    let files = native();
    for file in &files {
        let explicit = rewritten(file, EditPlan::none(), Target::ExplicitLittle);
        let turn = |bytes: &[u8], from, to| {
            let mut out = Vec::new();
            Transcoder::new(bytes, from, to).read_to_end(&mut out).expect("walkable");
            out
        };
        let from = Encoding::ExplicitLittle;
        let implicit = turn(&explicit, from, Target::ImplicitLittle);
        let back = turn(&implicit, Encoding::ImplicitLittle, Target::ExplicitLittle);
        let again = turn(&back, from, Target::ImplicitLittle);
        assert!(again == implicit, "{}", file.name);
    }
    println!("{} files used", files.len());
}

#[test]
fn a_plan_is_applied_before_rewriting() {
    let files = native();
    for file in &files {
        let view = file.scan().header;
        let mut editor = Editor::new(&view);
        let path = AttributePath::top(tags::INSTITUTION_NAME);
        editor.set(&path, NewElement::new(path.tag, VR::LO, "NAME-BJHR")).expect("settable");
        let plan = editor.finish().expect("a plan");
        let out = rewritten(file, plan, Target::ImplicitLittle);
        let after = scan_bytes(TransferSyntax::of(IMPLICIT), &out).header;
        assert_eq!(after.string(path.tag).as_deref(), Some("NAME-BJHR"), "{}", file.name);
    }
    println!("{} files used", files.len());
}
