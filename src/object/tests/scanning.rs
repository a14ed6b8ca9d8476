//! The scanner on data sets written by hand.

use super::*;
use crate::dicom::attribute::AttributePath;
use crate::dicom::tags;

#[track_caller]
fn check(syntax: &str, bytes: &Bytes, want: &[&str], end: End, oddities: &[Oddity]) {
    let whole = scan(syntax, &bytes.out);
    assert_eq!(outline(&whole.header), want);
    assert_eq!(whole.end, end);
    assert_eq!(whole.header.oddities().iter().collect::<Vec<_>>(), oddities);
    assert_eq!(whole.length, bytes.out.len() as u64);
    let mut single = Scanner::new(TransferSyntax::of(syntax), Limits::default());
    bytes.out.iter().for_each(|byte| single.push(&[*byte]));
    let single = single.finish();
    assert_eq!(single.header.elements(), whole.header.elements(), "byte by byte");
    assert_eq!(single.end, whole.end, "byte by byte");
}

const MODALITY: Tag = tags::MODALITY;
const SEQUENCE: Tag = tags::REFERENCED_IMAGE_SEQUENCE;
const PRIVATE: Tag = Tag(0x0009, 0x1001);

#[test]
fn the_three_encodings_are_walked() {
    let explicit = Bytes::little().short(MODALITY, "CS", "CT").long(PRIVATE, "OB", 2).raw("ab");
    let want = ["00080060 CS 8..10", "00091001 OB 22..24"];
    check(EXPLICIT, &explicit, &want, End::Complete, &[]);
    let big = Bytes::big().short(MODALITY, "CS", "CT").long(PRIVATE, "OB", 2).raw("ab");
    check(BIG, &big, &want, End::Complete, &[]);
    let implicit = Bytes::little().implicit(MODALITY, "CT").implicit(PRIVATE, "ab");
    let want = ["00080060 -- 8..10", "00091001 -- 18..20"];
    check(IMPLICIT, &implicit, &want, End::Complete, &[]);
}

#[test]
fn sequences_of_either_kind_of_length_are_walked() {
    let undefined = Bytes::little()
        .long(SEQUENCE, "SQ", UNDEFINED)
        .item(UNDEFINED)
        .short(MODALITY, "CS", "CT")
        .item_end()
        .sequence_end()
        .short(tags::PATIENT_ID, "LO", "1 ");
    let want =
        ["00081140 SQ 12..38", ".FFFEE000 -- 20..30", ".00080060 CS 28..30", "00100020 LO 54..56"];
    check(EXPLICIT, &undefined, &want, End::Complete, &[]);
    let defined = Bytes::little()
        .open(SEQUENCE, 18)
        .item(10)
        .implicit(MODALITY, "CT")
        .implicit(tags::PATIENT_ID, "1 ");
    let want =
        ["00081140 -- 8..26", ".FFFEE000 -- 16..26", ".00080060 -- 24..26", "00100020 -- 34..36"];
    check(IMPLICIT, &defined, &want, End::Complete, &[]);
}

#[test]
fn an_unknown_element_of_undefined_length_is_implicit_within() {
    let bytes = Bytes::big()
        .long(PRIVATE, "UN", UNDEFINED)
        .raw(&Bytes::little().item(10).implicit(MODALITY, "CT").sequence_end().out)
        .short(tags::PATIENT_ID, "LO", "1 ");
    let want =
        ["00091001 UN 12..30", ".FFFEE000 -- 20..30", ".00080060 -- 28..30", "00100020 LO 46..48"];
    check(BIG, &bytes, &want, End::Complete, &[]);
}

#[test]
fn a_sequence_of_the_dictionary_in_vr_un_is_walked_when_it_holds_items() {
    let holds = Bytes::little()
        .long(tags::ORIGINAL_ATTRIBUTES_SEQUENCE, "UN", 18)
        .item(10)
        .implicit(MODALITY, "CT");
    let want = ["04000561 UN 12..30", ".FFFEE000 -- 20..30", ".00080060 -- 28..30"];
    check(EXPLICIT, &holds, &want, End::Complete, &[Oddity::SequenceAsUnknown]);
    let not = Bytes::little().long(tags::ORIGINAL_ATTRIBUTES_SEQUENCE, "UN", 10).raw([7; 10]);
    check(EXPLICIT, &not, &["04000561 UN 12..22"], End::Complete, &[]);
    let lies = Bytes::little().long(SEQUENCE, "SQ", 10).raw([7; 10]);
    check(EXPLICIT, &lies, &["00081140 SQ 12..22"], End::Complete, &[Oddity::SequenceWithoutItems]);
}

#[test]
fn fragments_are_ranges() {
    let bytes = Bytes::little()
        .long(tags::PIXEL_DATA, "OB", UNDEFINED)
        .item(0)
        .item(4)
        .raw("abcd")
        .sequence_end()
        .long(Tag(0xFFFC, 0xFFFC), "OB", 2)
        .raw("\0\0");
    let want =
        ["7FE00010 OB 12..32", ".FFFEE000 -- 20..20", ".FFFEE000 -- 28..32", "FFFCFFFC OB 52..54"];
    check("1.2.840.10008.1.2.4.70", &bytes, &want, End::Complete, &[]);
    let view = scan("1.2.840.10008.1.2.4.70", &bytes.out).header;
    let pixels = view.find(tags::PIXEL_DATA).expect("there");
    let fragments: Vec<_> = view.fragments(pixels).map(|f| f.value.clone()).collect();
    assert_eq!(fragments, [20..20, 28..32]);
}

#[test]
fn delimiters_may_be_missing_or_stray() {
    let bytes = Bytes::little()
        .long(SEQUENCE, "SQ", UNDEFINED)
        .item(UNDEFINED)
        .short(MODALITY, "CS", "CT")
        .item(UNDEFINED)
        .short(MODALITY, "CS", "MR");
    let want = [
        "00081140 SQ 12..48",
        ".FFFEE000 -- 20..30",
        ".00080060 CS 28..30",
        ".FFFEE000 -- 38..48",
        ".00080060 CS 46..48",
    ];
    check(EXPLICIT, &bytes, &want, End::Complete, &[Oddity::MissingDelimiter]);
    let bytes = Bytes::little()
        .long(SEQUENCE, "SQ", 26)
        .item(10)
        .short(MODALITY, "CS", "CT")
        .item_end()
        .open(Tag(0xFFFE, 0xE0DD), 7);
    let want = ["00081140 SQ 12..38", ".FFFEE000 -- 20..30", ".00080060 CS 28..30"];
    check(EXPLICIT, &bytes, &want, End::Complete, &[Oddity::StrayDelimiter]);
    let bytes = Bytes::little().long(SEQUENCE, "SQ", UNDEFINED).open(Tag(0xFFFE, 0xE0DD), 7).short(
        tags::PATIENT_ID,
        "LO",
        "1 ",
    );
    let want = ["00081140 SQ 12..12", "00100020 LO 28..30"];
    check(EXPLICIT, &bytes, &want, End::Complete, &[Oddity::DelimiterLength]);
}

#[test]
fn unknown_vrs_have_the_length_that_makes_sense() {
    let long = Bytes::little().long(PRIVATE, "ZZ", 2).raw("ab").short(tags::PATIENT_ID, "LO", "");
    let want = ["00091001 -- 12..14", "00100020 LO 22..22"];
    check(EXPLICIT, &long, &want, End::Complete, &[Oddity::UnknownVr]);
    let short = Bytes::little().short(PRIVATE, "ZZ", "ab").short(tags::PATIENT_ID, "LO", "");
    let want = ["00091001 -- 8..10", "00100020 LO 18..18"];
    check(EXPLICIT, &short, &want, End::Complete, &[Oddity::UnknownVr]);
    let empty = Bytes::little().short(PRIVATE, "ZZ", "").short(Tag(9, 0x1002), "LO", "a ");
    let want = ["00091001 -- 8..8", "00091002 LO 16..18"];
    check(EXPLICIT, &empty, &want, End::Complete, &[Oddity::UnknownVr]);
    let last = Bytes::little().short(MODALITY, "CS", "").short(PRIVATE, "ZZ", "");
    let want = ["00080060 CS 8..8", "00091001 -- 16..16"];
    check(EXPLICIT, &last, &want, End::Complete, &[Oddity::UnknownVr]);
    let marks = Bytes::little().short(MODALITY, "CS", "").short(PRIVATE, "??", "ab");
    let want = ["00080060 CS 8..8", "00091001 -- 16..18"];
    check(EXPLICIT, &marks, &want, End::Complete, &[Oddity::UnknownVr]);
    let implicit = Bytes::little().short(MODALITY, "CS", "").implicit(PRIVATE, "ab");
    check(EXPLICIT, &implicit, &want, End::Complete, &[Oddity::UnknownVr]);
    let nonsense = Bytes::little().short(MODALITY, "CS", "").tag(PRIVATE).raw([0x80, 1, 2, 3]);
    check(
        EXPLICIT,
        &nonsense,
        &["00080060 CS 8..8"],
        End::Malformed(Fault::UnknownVr { at: 8, tag: PRIVATE, letters: [0x80, 1] }),
        &[],
    );
}

#[test]
fn a_wrong_label_is_noticed_at_the_first_element() {
    let implicit = Bytes::little().implicit(MODALITY, "CT").implicit(tags::PATIENT_ID, "1 ");
    let want = ["00080060 -- 8..10", "00100020 -- 18..20"];
    check(EXPLICIT, &implicit, &want, End::Complete, &[Oddity::Mislabelled]);
    check(BIG, &implicit, &want, End::Complete, &[Oddity::Mislabelled]);
    let explicit = Bytes::little().short(MODALITY, "CS", "CT").short(tags::PATIENT_ID, "LO", "1 ");
    let want = ["00080060 CS 8..10", "00100020 LO 18..20"];
    check(IMPLICIT, &explicit, &want, End::Complete, &[Oddity::Mislabelled]);
    check(BIG, &explicit, &want, End::Complete, &[Oddity::Mislabelled]);
    let big = Bytes::big().short(MODALITY, "CS", "CT").short(tags::PATIENT_ID, "LO", "1 ");
    check(EXPLICIT, &big, &want, End::Complete, &[Oddity::Mislabelled]);
    check(IMPLICIT, &big, &want, End::Complete, &[Oddity::Mislabelled]);
    let long = Bytes::big().long(SEQUENCE, "SQ", 0).short(tags::PATIENT_ID, "LO", "1 ");
    let want = ["00081140 SQ 12..12", "00100020 LO 20..22"];
    check(IMPLICIT, &long, &want, End::Complete, &[Oddity::Mislabelled]);
    let within = Bytes::little().long(PRIVATE, "SQ", 18).item(10).implicit(MODALITY, "CT");
    let want = ["00091001 SQ 12..30", ".FFFEE000 -- 20..30", ".00080060 -- 28..30"];
    check(EXPLICIT, &within, &want, End::Complete, &[Oddity::ForeignItem]);
    let within = Bytes::little().open(SEQUENCE, 18).item(10).short(MODALITY, "CS", "CT");
    let want = ["00081140 -- 8..26", ".FFFEE000 -- 16..26", ".00080060 CS 24..26"];
    check(IMPLICIT, &within, &want, End::Complete, &[Oddity::ForeignItem]);
}

#[test]
fn odd_lengths_and_disorder_are_kept_and_noted() {
    let bytes = Bytes::little()
        .short(tags::PATIENT_ID, "LO", "123")
        .short(MODALITY, "CS", "CT")
        .short(MODALITY, "CS", "CT");
    let want = ["00100020 LO 8..11", "00080060 CS 19..21", "00080060 CS 29..31"];
    check(EXPLICIT, &bytes, &want, End::Complete, &[Oddity::OddLength, Oddity::Order]);
    let view = scan(EXPLICIT, &bytes.out).header;
    let faults: Vec<_> = view.order_faults().map(|element| element.start).collect();
    assert_eq!(faults, [11, 21]);
    let padded = Bytes::little().short(tags::PATIENT_ID, "LO", "123").raw([0]);
    let oddities = [Oddity::OddLength, Oddity::PadByte];
    check(EXPLICIT, &padded, &["00100020 LO 8..11"], End::Complete, &oddities);
}

#[test]
fn what_is_cut_off_or_too_long_is_cut() {
    let value = Bytes::little().short(tags::PATIENT_ID, "LO", "1234");
    let cut = |at, tag, missing| End::Cut { at, tag, missing };
    for (length, end) in [
        (0, End::Complete),
        (3, cut(0, None, 0)),
        (8, cut(0, Some(tags::PATIENT_ID), 4)),
        (11, cut(0, Some(tags::PATIENT_ID), 1)),
        (12, End::Complete),
    ] {
        assert_eq!(scan(EXPLICIT, &value.out[..length]).end, end, "{length}");
    }
    let sequence = Bytes::little().long(SEQUENCE, "SQ", 30).item(10).short(MODALITY, "CS", "CT");
    assert_eq!(scan(EXPLICIT, &sequence.out).end, cut(0, Some(SEQUENCE), 12));
    let stray = value.clone().raw("\0\0");
    assert_eq!(scan(EXPLICIT, &stray.out).end, cut(12, None, 0));
    let zeros = value.raw([0; 500]);
    assert_eq!(scan(EXPLICIT, &zeros.out).end, cut(12, None, 0));
}

#[test]
fn what_makes_no_sense_is_malformed() {
    let end = |bytes: &Bytes| scan(EXPLICIT, &bytes.out).end;
    let bytes = Bytes::little().long(SEQUENCE, "SQ", UNDEFINED).short(MODALITY, "CS", "CT");
    let want = End::Malformed(Fault::NotAnItem { at: 12, tag: MODALITY });
    assert_eq!(end(&bytes), want);
    let bytes = Bytes::little().short(MODALITY, "CS", "CT").item(0);
    assert_eq!(end(&bytes), End::Malformed(Fault::ItemOutside { at: 10 }));
    let bytes = Bytes::little().long(SEQUENCE, "SQ", 18).item(10).short(MODALITY, "CS", "CT12");
    let want = End::Malformed(Fault::BeyondParent { at: 20, tag: MODALITY });
    assert_eq!(end(&bytes), want);
    let bytes = Bytes::little().long(tags::PIXEL_DATA, "OB", UNDEFINED).item(UNDEFINED);
    assert_eq!(end(&bytes), End::Malformed(Fault::UndefinedFragment { at: 12 }));
}

#[test]
fn limits_end_the_looking_and_nothing_else() {
    let bytes = Bytes::little()
        .short(MODALITY, "CS", "CT")
        .short(tags::PATIENT_NAME, "PN", "A^B ")
        .short(tags::PATIENT_ID, "LO", "12");
    let end = |limits| {
        let mut scanner = Scanner::new(TransferSyntax::of(EXPLICIT), limits);
        scanner.push(&bytes.out);
        let scan = scanner.finish();
        (scan.header.elements().len(), scan.header.reach(), scan.end)
    };
    let all = Limits::default();
    assert_eq!(end(all), (3, Reach::Whole, End::Complete));
    assert_eq!(end(Limits { value_bytes: 3, ..all }), (3, Reach::Whole, End::Complete));
    assert_eq!(
        end(Limits { elements: 2, ..all }),
        (2, Reach::Abandoned, End::Unlooked(Limit::Elements))
    );
    assert_eq!(
        end(Limits { kept_bytes: 4, ..all }),
        (2, Reach::Abandoned, End::Unlooked(Limit::KeptBytes))
    );
}

#[test]
fn values_are_found_by_path() {
    let bytes = Bytes::little()
        .short(tags::IMAGE_TYPE, "CS", "ORIGINAL\\PRIMARY ")
        .long(SEQUENCE, "SQ", UNDEFINED)
        .item(10)
        .short(MODALITY, "CS", "CT")
        .item(10)
        .short(MODALITY, "CS", "MR")
        .sequence_end()
        .short(tags::SLICE_THICKNESS, "DS", " 1.5\\-2e1 ")
        .short(tags::ROWS, "US", [1, 2]);
    let view = scan(EXPLICIT, &bytes.out).header;
    assert_eq!(view.string(tags::IMAGE_TYPE).as_deref(), Some("ORIGINAL"));
    let types = view.find(tags::IMAGE_TYPE).map(|element| view.strings(element));
    assert_eq!(types, Some(vec!["ORIGINAL".to_owned(), "PRIMARY".to_owned()]));
    let found = view.at(&AttributePath::within(SEQUENCE, 1, MODALITY)).expect("there");
    assert_eq!(view.bytes(found), Some(&b"MR"[..]));
    assert_eq!(view.at(&AttributePath::within(SEQUENCE, 2, MODALITY)), None);
    let items: Vec<_> =
        view.items(view.find(SEQUENCE).expect("there")).map(|item| item.string(MODALITY)).collect();
    assert_eq!(items, [Some("CT".to_owned()), Some("MR".to_owned())]);
    let numbers = |tag| view.find(tag).map(|element| view.numbers(element));
    assert_eq!(numbers(tags::SLICE_THICKNESS), Some(vec![1.5, -20.0]));
    assert_eq!(numbers(tags::ROWS), Some(vec![513.0]));
}

#[test]
fn text_is_read_in_the_set_declared_nearest_to_it() {
    // 0x5C is the second byte of the one character in each name.
    let name = |bytes: Bytes, tag| bytes.short(tag, "LO", [0x81, 0x5C]);
    let item = name(Bytes::little(), tags::MANUFACTURER);
    let greek = Bytes::little().short(tags::SPECIFIC_CHARACTER_SET, "CS", "ISO_IR 126");
    let greek = greek.short(tags::MANUFACTURER, "LO", [0xE1, b'\\', 0xE2, b' ']);
    let bytes = Bytes::little()
        .short(tags::SPECIFIC_CHARACTER_SET, "CS", "GBK ")
        .long(SEQUENCE, "SQ", UNDEFINED)
        .item(item.out.len() as u32)
        .raw(&item.out)
        .item(greek.out.len() as u32)
        .raw(&greek.out)
        .sequence_end();
    let view = scan(EXPLICIT, &name(bytes, tags::PATIENT_ID).out).header;
    let read = |path: &AttributePath| {
        let element = view.at(path).expect("there");
        let text = view.text(element, &view.charset_at(element)).expect("kept");
        assert!(!text.faulty);
        text.values
    };
    assert_eq!(read(&AttributePath::top(tags::PATIENT_ID)), ["\u{4E57}"]);
    assert_eq!(read(&AttributePath::within(SEQUENCE, 0, tags::MANUFACTURER)), ["\u{4E57}"]);
    assert_eq!(read(&AttributePath::within(SEQUENCE, 1, tags::MANUFACTURER)), ["α", "β"]);
    assert_eq!(view.charset().declaration(), "GBK");
}

#[test]
fn a_vr_that_depends_on_the_samples_asks_the_nearest_of_them() {
    let value = |sign: u8| {
        Bytes::little()
            .implicit(tags::PIXEL_REPRESENTATION, [sign, 0])
            .implicit(tags::SMALLEST_IMAGE_PIXEL_VALUE, [0xFF, 0xFF])
    };
    let icon = value(0);
    let bytes = value(1).open(tags::ICON_IMAGE_SEQUENCE, icon.out.len() as u32 + 8);
    let bytes = bytes.item(icon.out.len() as u32).raw(&icon.out);
    let view = scan(IMPLICIT, &bytes.out).header;
    let read = |path: &AttributePath| {
        let element = view.at(path).expect("there");
        (view.vr(element), view.numbers(element))
    };
    let tag = tags::SMALLEST_IMAGE_PIXEL_VALUE;
    assert_eq!(read(&AttributePath::top(tag)), (VR::SS, vec![-1.0]));
    let within = AttributePath::within(tags::ICON_IMAGE_SEQUENCE, 0, tag);
    assert_eq!(read(&within), (VR::US, vec![65_535.0]));
}
