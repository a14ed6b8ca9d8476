//! The editor on data sets written by hand.

use std::io::Read as _;

use super::edit::{EditFault, EditPlan, Editor, NewElement, NewValue};
use super::splice::Spliced;
use super::*;
use crate::dicom::attribute::{AttributePath, Step};
use crate::dicom::tags;

const NAME: Tag = tags::INSTITUTION_NAME;
const MODALITY: Tag = tags::MODALITY;
const SEQUENCE: Tag = tags::REFERENCED_IMAGE_SEQUENCE;
const GROUP_8: Tag = Tag(8, 0);

type Edits = fn(&mut Editor<'_>) -> Result<(), EditFault>;

fn plan(syntax: &str, before: &Bytes, edits: Edits) -> Result<EditPlan, EditFault> {
    let view = scan(syntax, &before.out).header;
    let mut editor = Editor::new(&view);
    edits(&mut editor)?;
    editor.finish()
}

#[track_caller]
fn check(syntax: &str, before: &Bytes, edits: Edits, want: Result<&Bytes, EditFault>) {
    let got = plan(syntax, before, edits).map(|plan| {
        let mut out = Vec::new();
        Spliced::new(&before.out[..], plan.clone()).read_to_end(&mut out).expect("a slice");
        assert_eq!(plan.length_after(before.out.len() as u64), out.len() as u64);
        assert_eq!(EditPlan::from_bytes(&plan.to_bytes()), Ok(plan));
        out
    });
    if let Ok(got) = &got {
        assert_eq!(scan(syntax, got).end, End::Complete);
    }
    assert_eq!(got, want.map(|want| want.out.clone()));
}

fn set(editor: &mut Editor<'_>, tag: Tag, vr: VR, value: &str) -> Result<(), EditFault> {
    editor.set(&AttributePath::top(tag), NewElement::new(tag, vr, value))
}

fn name(editor: &mut Editor<'_>) -> Result<(), EditFault> {
    set(editor, NAME, VR::LO, "HUAXIN-BJHR")
}

#[test]
fn elements_are_put_in_order_and_in_the_encoding_of_the_object() {
    let before = Bytes::little().short(MODALITY, "CS", "CT").short(tags::PATIENT_ID, "LO", "1 ");
    let after = Bytes::little()
        .short(MODALITY, "CS", "CT")
        .short(NAME, "LO", "HUAXIN-BJHR ")
        .short(tags::PATIENT_ID, "LO", "1 ");
    check(EXPLICIT, &before, name, Ok(&after));
    let before = Bytes::big().short(MODALITY, "CS", "CT").short(tags::PATIENT_ID, "LO", "1 ");
    let after = Bytes::big()
        .short(MODALITY, "CS", "CT")
        .short(NAME, "LO", "HUAXIN-BJHR ")
        .short(tags::PATIENT_ID, "LO", "1 ")
        .short(tags::ROWS, "US", [2, 1]);
    let both: Edits = |editor| {
        name(editor)?;
        editor.set(&AttributePath::top(tags::ROWS), NewElement::new(tags::ROWS, VR::US, [1, 2]))
    };
    check(BIG, &before, both, Ok(&after));
    let before = Bytes::little().implicit(tags::PATIENT_ID, "1 ");
    let after = Bytes::little().implicit(NAME, "HUAXIN-BJHR ").implicit(tags::PATIENT_ID, "1 ");
    check(IMPLICIT, &before, name, Ok(&after));
    let none = Bytes::little();
    check(EXPLICIT, &none, name, Ok(&Bytes::little().short(NAME, "LO", "HUAXIN-BJHR ")));
}

#[test]
fn elements_are_replaced_and_removed() {
    let before = Bytes::little().short(NAME, "LO", "HUAXIN").short(tags::PATIENT_ID, "LO", "1 ");
    let after =
        Bytes::little().short(NAME, "LO", "HUAXIN-BJHR ").short(tags::PATIENT_ID, "LO", "1 ");
    check(EXPLICIT, &before, name, Ok(&after));
    let remove: Edits = |editor| editor.remove(&AttributePath::top(NAME));
    let after_removal = Bytes::little().short(tags::PATIENT_ID, "LO", "1 ");
    check(EXPLICIT, &before, remove, Ok(&after_removal));
    check(EXPLICIT, &after_removal, remove, Ok(&after_removal));
    let back: Edits = |editor| {
        editor.remove(&AttributePath::top(NAME))?;
        name(editor)?;
        set(editor, MODALITY, VR::CS, "CT")?;
        editor.remove(&AttributePath::top(MODALITY))
    };
    check(EXPLICIT, &before, back, Ok(&after));
}

#[test]
fn setting_what_is_already_so_changes_nothing() {
    let before = Bytes::little().short(NAME, "LO", "HUAXIN-BJHR ");
    assert_eq!(plan(EXPLICIT, &before, name), Ok(EditPlan::none()));
    let before = Bytes::little().short(NAME, "SH", "HUAXIN-BJHR ");
    let after = Bytes::little().short(NAME, "LO", "HUAXIN-BJHR ");
    check(EXPLICIT, &before, name, Ok(&after));
}

#[test]
fn group_lengths_follow_where_they_are() {
    let sequence = Bytes::little().long(SEQUENCE, "SQ", 18).item(10).short(MODALITY, "CS", "CT");
    let before = Bytes::little()
        .short(GROUP_8, "UL", 40_u32.to_le_bytes())
        .short(NAME, "LO", "AB")
        .raw(&sequence.out)
        .short(Tag(16, 0), "UL", 10_u32.to_le_bytes())
        .short(tags::PATIENT_ID, "LO", "1 ");
    let sequence = Bytes::little()
        .long(SEQUENCE, "SQ", 28)
        .item(20)
        .short(MODALITY, "CS", "CT")
        .short(NAME, "LO", "CD");
    let after = Bytes::little()
        .short(GROUP_8, "UL", 60_u32.to_le_bytes())
        .short(NAME, "LO", "HUAXIN-BJHR ")
        .raw(&sequence.out)
        .short(Tag(16, 0), "UL", 10_u32.to_le_bytes())
        .short(tags::PATIENT_ID, "LO", "1 ");
    let edits: Edits = |editor| {
        name(editor)?;
        let path = AttributePath::within(SEQUENCE, 0, NAME);
        editor.set(&path, NewElement::new(NAME, VR::LO, "CD"))
    };
    check(EXPLICIT, &before, edits, Ok(&after));
}

fn nested(length: u32, inner: u32, content: &Bytes) -> Bytes {
    let close = |bytes: Bytes, undefined: bool, end: fn(Bytes) -> Bytes| {
        if undefined { end(bytes) } else { bytes }
    };
    let bytes = Bytes::little().long(SEQUENCE, "SQ", length).item(inner).raw(&content.out);
    let bytes = close(bytes, inner == UNDEFINED, Bytes::item_end);
    close(bytes, length == UNDEFINED, Bytes::sequence_end).short(tags::PATIENT_ID, "LO", "1 ")
}

#[test]
fn explicit_lengths_around_a_change_follow_it() {
    let old = Bytes::little().short(NAME, "LO", "AB");
    let new = Bytes::little().short(MODALITY, "CS", "CT").short(NAME, "LO", "ABCD");
    let edits: Edits = |editor| {
        let path = |tag| AttributePath::within(SEQUENCE, 0, tag);
        editor.set(&path(NAME), NewElement::new(NAME, VR::LO, "ABCD"))?;
        editor.set(&path(MODALITY), NewElement::new(MODALITY, VR::CS, "CT"))
    };
    check(EXPLICIT, &nested(18, 10, &old), edits, Ok(&nested(30, 22, &new)));
    check(EXPLICIT, &nested(26, UNDEFINED, &old), edits, Ok(&nested(38, UNDEFINED, &new)));
    check(EXPLICIT, &nested(UNDEFINED, 10, &old), edits, Ok(&nested(UNDEFINED, 22, &new)));
    let before = nested(UNDEFINED, UNDEFINED, &old);
    check(EXPLICIT, &before, edits, Ok(&nested(UNDEFINED, UNDEFINED, &new)));
}

#[test]
fn items_are_appended_whatever_the_length_of_the_sequence() {
    let append: Edits = |editor| {
        let item =
            vec![NewElement::new(NAME, VR::LO, "AB"), NewElement::new(MODALITY, VR::CS, "CT")];
        editor.append_item(&AttributePath::top(SEQUENCE), item)
    };
    let item = Bytes::little().item(20).short(MODALITY, "CS", "CT").short(NAME, "LO", "AB");
    let id = |bytes: Bytes| bytes.short(tags::PATIENT_ID, "LO", "1 ");
    let sequence = |length| Bytes::little().long(SEQUENCE, "SQ", length);
    let before = id(sequence(8).item(0));
    check(EXPLICIT, &before, append, Ok(&id(sequence(36).item(0).raw(&item.out))));
    check(EXPLICIT, &id(sequence(0)), append, Ok(&id(sequence(28).raw(&item.out))));
    let before = id(sequence(UNDEFINED).item(UNDEFINED).item_end().sequence_end());
    let after = id(sequence(UNDEFINED).item(UNDEFINED).item_end().raw(&item.out).sequence_end());
    check(EXPLICIT, &before, append, Ok(&after));
    let after = id(sequence(28).raw(&item.out));
    check(EXPLICIT, &id(Bytes::little()), append, Ok(&after));
    let empty = Bytes::little().open(SEQUENCE, 0);
    let item = Bytes::little().item(20).implicit(MODALITY, "CT").implicit(NAME, "AB");
    let after = Bytes::little().open(SEQUENCE, 28).raw(&item.out);
    check(IMPLICIT, &empty, append, Ok(&after));
    let unknown = Bytes::little().long(SEQUENCE, "UN", 8).item(0);
    let after = Bytes::little().long(SEQUENCE, "UN", 36).item(0).raw(&item.out);
    check(EXPLICIT, &unknown, append, Ok(&after));
}

#[test]
fn changes_within_what_is_itself_new_are_one_change() {
    let edits: Edits = |editor| {
        let step = |item| Step { sequence: SEQUENCE, item };
        let deep = AttributePath { steps: vec![step(0), step(0)], tag: MODALITY };
        editor.set(&deep, NewElement::new(MODALITY, VR::CS, "CT"))?;
        editor.append_item(&AttributePath::top(SEQUENCE), Vec::new())?;
        let second = AttributePath::within(SEQUENCE, 2, NAME);
        editor.set(&second, NewElement::new(NAME, VR::LO, "AB"))?;
        editor.remove(&second)
    };
    let before = Bytes::little().short(MODALITY, "CS", "MR");
    let inner = Bytes::little().long(SEQUENCE, "SQ", 18).item(10).short(MODALITY, "CS", "CT");
    let after = Bytes::little()
        .short(MODALITY, "CS", "MR")
        .long(SEQUENCE, "SQ", 54)
        .item(30)
        .raw(&inner.out)
        .item(0)
        .item(0);
    check(EXPLICIT, &before, edits, Ok(&after));
}

#[test]
fn a_change_within_what_is_replaced_is_gone() {
    let old = Bytes::little().short(NAME, "LO", "AB");
    let edits: Edits = |editor| {
        let within = AttributePath::within(SEQUENCE, 0, NAME);
        editor.set(&within, NewElement::new(NAME, VR::LO, "ABCD"))?;
        editor.append_item(&AttributePath::top(SEQUENCE), Vec::new())?;
        let path = AttributePath::top(SEQUENCE);
        editor.set(&path, NewElement::sequence(SEQUENCE, Vec::new()))
    };
    let after = Bytes::little().long(SEQUENCE, "SQ", 0).short(tags::PATIENT_ID, "LO", "1 ");
    check(EXPLICIT, &nested(18, 10, &old), edits, Ok(&after));
}

#[test]
fn edits_at_one_position_stay_inside_what_they_belong_to() {
    let old = Bytes::little().short(MODALITY, "CS", "CT");
    let edits: Edits = |editor| {
        let path = AttributePath::within(SEQUENCE, 0, NAME);
        editor.set(&path, NewElement::new(NAME, VR::LO, "AB"))?;
        editor.append_item(&AttributePath::top(SEQUENCE), Vec::new())?;
        set(editor, tags::PATIENT_NAME, VR::PN, "A^B")?;
        set(editor, tags::PATIENT_ID, VR::LO, "22")
    };
    let content = Bytes::little().short(MODALITY, "CS", "CT").short(NAME, "LO", "AB");
    let after = Bytes::little()
        .long(SEQUENCE, "SQ", 36)
        .item(20)
        .raw(&content.out)
        .item(0)
        .short(tags::PATIENT_NAME, "PN", "A^B ")
        .short(tags::PATIENT_ID, "LO", "22");
    check(EXPLICIT, &nested(18, 10, &old), edits, Ok(&after));
}

#[test]
fn what_cannot_be_done_safely_is_refused() {
    let plain = Bytes::little().short(MODALITY, "CS", "CT");
    let twice = plain.clone().short(NAME, "LO", "AB").short(NAME, "LO", "AB");
    check(EXPLICIT, &twice, name, Err(EditFault::Ambiguous { tag: NAME }));
    let open = plain.clone().long(SEQUENCE, "SQ", UNDEFINED).item(0);
    let id: Edits = |editor| set(editor, tags::PATIENT_ID, VR::LO, "1");
    check(EXPLICIT, &open, id, Err(EditFault::Unclosed { tag: SEQUENCE }));
    let cut = Bytes { out: plain.out[..9].to_vec(), big: false };
    check(EXPLICIT, &cut, id, Err(EditFault::NotWalked));
    let long: Edits = |editor| {
        let value = vec![b'x'; 65_536];
        editor.set(&AttributePath::top(NAME), NewElement::new(NAME, VR::LO, value))
    };
    check(EXPLICIT, &plain, long, Err(EditFault::TooLong { tag: NAME, length: 65_536 }));
    let through: Edits = |editor| {
        let path = AttributePath::within(MODALITY, 0, NAME);
        editor.set(&path, NewElement::new(NAME, VR::LO, "AB"))
    };
    check(EXPLICIT, &plain, through, Err(EditFault::NotASequence { tag: MODALITY }));
    let far: Edits = |editor| {
        let path = AttributePath::within(SEQUENCE, 1, NAME);
        editor.set(&path, NewElement::new(NAME, VR::LO, "AB"))
    };
    check(EXPLICIT, &plain, far, Err(EditFault::NoSuchItem { sequence: SEQUENCE, item: 1 }));
    let other: Edits =
        |editor| editor.set(&AttributePath::top(NAME), NewElement::new(MODALITY, VR::CS, "CT"));
    check(EXPLICIT, &plain, other, Err(EditFault::OtherTag { tag: MODALITY }));
    let flat: Edits =
        |editor| editor.set(&AttributePath::top(SEQUENCE), NewElement::new(SEQUENCE, VR::SQ, ""));
    check(EXPLICIT, &plain, flat, Err(EditFault::WrongValue { tag: SEQUENCE }));
    let item: Edits = |editor| {
        let tag = representation::ITEM;
        editor.set(&AttributePath::top(tag), NewElement::new(tag, VR::UN, ""))
    };
    check(EXPLICIT, &plain, item, Err(EditFault::NoElement { tag: representation::ITEM }));
    let deep: Edits = |editor| {
        let mut new = NewElement::sequence(SEQUENCE, Vec::new());
        for _ in 0..64 {
            new = NewElement::sequence(SEQUENCE, vec![vec![new]]);
        }
        assert!(matches!(new.value, NewValue::Items(_)));
        editor.set(&AttributePath::top(SEQUENCE), new)
    };
    check(EXPLICIT, &plain, deep, Err(EditFault::TooDeep));
    // An item whose length field is full: nothing is read, so the claim alone is enough.
    let full = Bytes::little().long(SEQUENCE, "SQ", 0xFFFF_FFF0).item(8).short(MODALITY, "CS", "");
    let mut scanner = Scanner::new(TransferSyntax::of(EXPLICIT), Limits::default());
    scanner.push(&full.out);
    let view = scanner.header_so_far();
    let mut editor = Editor::new(&view);
    let within = AttributePath::within(SEQUENCE, 0, NAME);
    assert_eq!(editor.set(&within, NewElement::new(NAME, VR::LO, "12345678")), Ok(()));
    let fault = EditFault::TooLong { tag: SEQUENCE, length: 0x1_0000_0000 };
    assert_eq!(editor.finish(), Err(fault));
}

#[test]
fn what_an_element_is_read_by_stays_behind_it() {
    let strange = Tag(0x0008, 0x0070);
    let empty = Bytes::little().short(MODALITY, "CS", "CT").short(strange, "ZZ", "");
    let id: Edits = |editor| set(editor, tags::PATIENT_ID, VR::LO, "1");
    check(EXPLICIT, &empty, id, Err(EditFault::Unsettled { tag: strange }));
    let named = empty.clone().short(NAME, "LO", "AB").short(tags::PATIENT_ID, "LO", "1 ");
    let removed: Edits = |editor| editor.remove(&AttributePath::top(NAME));
    check(EXPLICIT, &named, removed, Err(EditFault::Unsettled { tag: strange }));
    // What follows is still a later element of the same group.
    let after = empty.clone().short(NAME, "LO", "NAME").short(tags::PATIENT_ID, "LO", "1 ");
    check(EXPLICIT, &named, |editor| set(editor, NAME, VR::LO, "NAME"), Ok(&after));
    check(
        EXPLICIT,
        &empty,
        |editor| set(editor, NAME, VR::LO, "NAME"),
        Ok(&empty.clone().short(NAME, "LO", "NAME")),
    );
}

#[test]
fn while_an_object_is_arriving_only_what_has_come_can_be_changed() {
    let mut bytes = Bytes::little().short(MODALITY, "CS", "CT");
    bytes = bytes.long(tags::PIXEL_DATA, "OW", 1000).raw([0; 10]);
    let mut scanner = Scanner::new(TransferSyntax::of(EXPLICIT), Limits::default());
    scanner.push(&bytes.out[..10]);
    assert!(!scanner.past_header());
    let early = scanner.header_so_far();
    scanner.push(&bytes.out[10..]);
    assert!(scanner.past_header());
    let view = scanner.header_so_far();
    let plan = |view: &HeaderView, tag| {
        let mut editor = Editor::new(view);
        set(&mut editor, tag, VR::LO, "AB")?;
        editor.finish().map(|plan| plan.edits()[0].at)
    };
    assert_eq!(plan(&view, NAME), Ok(10));
    let padding = tags::DATA_SET_TRAILING_PADDING;
    assert_eq!(plan(&view, padding), Err(EditFault::Unscanned { tag: padding }));
    let pixels = tags::PIXEL_DATA;
    assert_eq!(plan(&view, pixels), Err(EditFault::Unscanned { tag: pixels }));
    assert_eq!(plan(&early, NAME), Err(EditFault::Unscanned { tag: NAME }));
}
