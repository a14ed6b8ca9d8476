//! What holds for any data set, right or wrong.

use std::io::Read as _;

use proptest::collection::vec;
use proptest::prelude::*;

use super::edit::{Editor, NewElement};
use super::splice::Spliced;
use super::transcode::{Target, Transcoder};
use super::*;
use crate::dicom::attribute::AttributePath;
use crate::dicom::tags;
use crate::dicom::transfer_syntax::Encoding;

/// A data set of a few elements, of sequences within sequences, in any encoding.
#[derive(Debug, Clone)]
enum Node {
    Value(u16, Vec<u8>),
    Sequence(u16, bool, Vec<(bool, Vec<Node>)>),
}

fn nodes() -> impl Strategy<Value = Vec<Node>> {
    let value = (any::<u16>(), vec(any::<u8>(), 0..40)).prop_map(|(t, v)| Node::Value(t, v));
    let node = value.prop_recursive(4, 40, 5, |inner| {
        let items = vec((any::<bool>(), vec(inner, 0..4)), 0..3);
        (any::<u16>(), any::<bool>(), items).prop_map(|(t, u, items)| Node::Sequence(t, u, items))
    });
    vec(node, 0..8)
}

fn write(nodes: &[Node], encoding: Encoding) -> Vec<u8> {
    let blank = || Bytes { big: encoding.is_big_endian(), out: Vec::new() };
    let mut sorted: Vec<&Node> = nodes.iter().collect();
    let tag_of = |node: &Node| match node {
        Node::Value(tag, _) => Tag(0x0009, tag | 0x1000),
        // In the dictionary as sequences, for implicit encodings.
        Node::Sequence(tag, ..) => [
            tags::REFERENCED_IMAGE_SEQUENCE,
            tags::REFERENCED_STUDY_SEQUENCE,
            tags::ORIGINAL_ATTRIBUTES_SEQUENCE,
        ][usize::from(tag % 3)],
    };
    sorted.sort_by_key(|node| tag_of(node));
    sorted.dedup_by_key(|node| tag_of(node));
    let mut bytes = blank();
    for node in sorted {
        let tag = tag_of(node);
        bytes = match node {
            Node::Value(_, value) if !encoding.is_explicit() => bytes.implicit(tag, value),
            Node::Value(at, value) if at % 2 == 0 => bytes.short(tag, "LO", value),
            Node::Value(_, value) => bytes.long(tag, "OB", value.len() as u32).raw(value),
            Node::Sequence(_, undefined, items) => {
                let mut content = blank();
                for (undefined, nodes) in items {
                    let item = write(nodes, encoding);
                    content = if *undefined {
                        content.item(UNDEFINED).raw(item).item_end()
                    } else {
                        content.item(item.len() as u32).raw(item)
                    };
                }
                let length = if *undefined { UNDEFINED } else { content.out.len() as u32 };
                let content = if *undefined { content.sequence_end() } else { content };
                let bytes = if encoding.is_explicit() {
                    bytes.long(tag, "SQ", length)
                } else {
                    bytes.open(tag, length)
                };
                bytes.raw(&content.out)
            }
        };
    }
    bytes.out
}

fn any_encoding() -> impl Strategy<Value = (&'static str, Encoding)> {
    prop_oneof![
        Just((IMPLICIT, Encoding::ImplicitLittle)),
        Just((EXPLICIT, Encoding::ExplicitLittle)),
        Just((BIG, Encoding::ExplicitBig)),
    ]
}

fn in_pieces(syntax: &str, bytes: &[u8], cuts: &[usize]) -> Scan {
    let mut scanner = Scanner::new(TransferSyntax::of(syntax), Limits::default());
    let mut rest = bytes;
    for cut in cuts {
        let (piece, tail) = rest.split_at((*cut).min(rest.len()));
        scanner.push(piece);
        rest = tail;
    }
    scanner.push(rest);
    scanner.finish()
}

fn spliced(bytes: &[u8], plan: edit::EditPlan) -> Vec<u8> {
    let mut out = Vec::new();
    Spliced::new(bytes, plan).read_to_end(&mut out).expect("a slice");
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn pieces_and_whole_are_scanned_alike(
        (syntax, encoding) in any_encoding(),
        nodes in nodes(),
        cuts in vec(1_usize..30, 0..60),
        noise in vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
    ) {
        let mut bytes = write(&nodes, encoding);
        for (place, byte) in noise {
            if !bytes.is_empty() {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
        }
        let whole = scan(syntax, &bytes);
        let pieces = in_pieces(syntax, &bytes, &cuts);
        prop_assert_eq!(pieces.header.elements(), whole.header.elements());
        prop_assert_eq!(pieces.header.oddities(), whole.header.oddities());
        prop_assert_eq!(pieces.end, whole.end);
        for element in whole.header.elements() {
            prop_assert_eq!(pieces.header.bytes(element), whole.header.bytes(element));
        }
    }

    #[test]
    fn what_is_set_is_there_and_can_be_taken_out_again(
        (syntax, encoding) in any_encoding(),
        nodes in nodes(),
        value in "[A-Z]{0,20}",
    ) {
        let bytes = write(&nodes, encoding);
        let before = scan(syntax, &bytes);
        prop_assert_eq!(before.end, End::Complete);
        // The deepest item there is, or the data set.
        let path = deepest(&before.header, tags::INSTITUTION_NAME);
        let mut editor = Editor::new(&before.header);
        editor.set(&path, NewElement::new(path.tag, VR::LO, value.as_str())).expect("settable");
        let plan = editor.finish().expect("a plan");
        let changed = spliced(&bytes, plan.clone());
        prop_assert_eq!(plan.length_after(bytes.len() as u64), changed.len() as u64);
        let after = scan(syntax, &changed);
        prop_assert_eq!(after.end, End::Complete);
        prop_assert_eq!(after.header.elements().len(), before.header.elements().len() + 1);
        let found = after.header.at(&path).expect("what was set");
        prop_assert_eq!(after.header.strings(found).concat(), value);
        let mut editor = Editor::new(&after.header);
        editor.remove(&path).expect("removable");
        let back = spliced(&changed, editor.finish().expect("a plan"));
        prop_assert_eq!(back, bytes);
    }

    #[test]
    fn there_and_back_is_the_same_data_set(
        (syntax, encoding) in any_encoding(),
        nodes in nodes(),
    ) {
        let bytes = write(&nodes, encoding);
        prop_assert_eq!(scan(syntax, &bytes).end, End::Complete);
        let convert = |bytes: &[u8], from, to| {
            let mut out = Vec::new();
            Transcoder::new(bytes, from, to).read_to_end(&mut out).expect("walkable");
            out
        };
        let implicit = convert(&bytes, encoding, Target::ImplicitLittle);
        let explicit = convert(&implicit, Encoding::ImplicitLittle, Target::ExplicitLittle);
        let again = convert(&explicit, Encoding::ExplicitLittle, Target::ImplicitLittle);
        prop_assert_eq!(&again, &implicit);
        let tags = |syntax, bytes: &[u8]| {
            let view = scan(syntax, bytes).header;
            view.elements().iter().map(|e| (e.depth, e.tag)).collect::<Vec<_>>()
        };
        prop_assert_eq!(tags(IMPLICIT, &implicit), tags(syntax, &bytes));
        prop_assert_eq!(tags(EXPLICIT, &explicit), tags(syntax, &bytes));
    }
}

/// A path to `tag` in an item that is nested as deep as any.
fn deepest(view: &HeaderView, tag: Tag) -> AttributePath {
    let items = view.elements().iter().filter(|element| element.kind == Kind::Item);
    let mut at = items.max_by_key(|item| item.depth);
    let mut path = AttributePath::top(tag);
    while let Some(item) = at {
        let sequence = &view.elements()[item.parent.expect("an item has a sequence") as usize];
        let number = view.items(sequence).position(|i| i.element().index() == item.index());
        let step = crate::dicom::attribute::Step {
            sequence: sequence.tag,
            item: number.expect("an item of it") as u32,
        };
        path.steps.insert(0, step);
        at = sequence.parent.map(|parent| &view.elements()[parent as usize]);
    }
    path
}
