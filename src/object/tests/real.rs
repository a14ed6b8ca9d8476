//! The real files of MARKGATE_TESTDATA. Each test says how many it used; without the directory there is nothing
//! to use.

use std::fs;
use std::io::Read as _;
use std::path::PathBuf;

use super::edit::{EditFault, EditPlan, Editor, NewElement};
use super::part10::{Head, HeadFault, read_head};
use super::splice::{Inflating, MadeBytes};
use super::*;
use crate::dicom::attribute::AttributePath;
use crate::dicom::tags;

pub(super) struct File {
    pub name: String,
    pub head: Result<Head, HeadFault>,
    pub data_set: Vec<u8>,
}

impl File {
    pub fn syntax(&self) -> TransferSyntax {
        self.head.as_ref().expect("a head").syntax()
    }

    pub fn scan(&self) -> Scan {
        scan_bytes(self.syntax(), &self.data_set)
    }

    /// What the positions of a scan count: inflated bytes where it is deflated.
    pub fn plain(&self) -> Vec<u8> {
        inflate(self.syntax(), &self.data_set)
    }
}

fn inflate(syntax: TransferSyntax, bytes: &[u8]) -> Vec<u8> {
    if !syntax.deflated {
        return bytes.to_vec();
    }
    let mut plain = Vec::new();
    Inflating::new(bytes).and_then(|mut stream| stream.read_to_end(&mut plain)).expect("deflated");
    plain
}

pub(super) fn scan_bytes(syntax: TransferSyntax, bytes: &[u8]) -> Scan {
    scan_reader(bytes, syntax, Limits::default()).expect("a slice cannot fail")
}

pub(super) fn files() -> Vec<File> {
    let Some(root) = std::env::var_os("MARKGATE_TESTDATA").map(PathBuf::from) else {
        return Vec::new();
    };
    let mut files: Vec<File> = fs::read_dir(root.join("files"))
        .expect("MARKGATE_TESTDATA has files")
        .map(|entry| {
            let entry = entry.expect("an entry");
            let bytes = fs::read(entry.path()).expect("readable");
            let name = entry.file_name().to_string_lossy().into_owned();
            let head = read_head(&bytes[..]);
            let begin = head.as_ref().map_or(0, |head| head.data_set as usize);
            File { name, head, data_set: bytes[begin..].to_vec() }
        })
        .collect();
    files.sort_by(|a, b| a.name.cmp(&b.name));
    files
}

/// Files with a data set that can be walked to its end.
pub(super) fn walkable() -> Vec<File> {
    files().into_iter().filter(|file| file.scan().end == End::Complete).collect()
}

/// The files that do not end as they should: part of the name, and how they end.
const UNWALKABLE: [(&str, End); 3] = [
    // Pixel Data of 3 GiB in a file of 100 kB.
    (
        "3gb-bulk-data-truncated",
        End::Cut { at: 1566, tag: Some(tags::PIXEL_DATA), missing: 3_221_127_392 },
    ),
    // (0055,040E) is a sequence of length 0, and an item follows it.
    ("FreezePattern", End::Malformed(Fault::ItemOutside { at: 968 })),
    // All of the file behind the prefix is a zlib stream, file meta included.
    (
        "TC0345_deflate_corrupt",
        End::Malformed(Fault::UnknownVr { at: 0, tag: Tag(0x9C78, 0xD1ED), letters: [0xC1, 0x4A] }),
    ),
];

#[test]
fn every_file_ends_as_it_should() {
    let files = files();
    for file in &files {
        let named = UNWALKABLE.iter().find(|(name, _)| file.name.contains(name));
        let want = named.map_or(End::Complete, |(_, end)| *end);
        let scan = file.scan();
        assert_eq!(scan.end, want, "{}", file.name);
        assert_eq!(scan.length, file.data_set.len() as u64, "{}", file.name);
        if want == End::Complete {
            assert_eq!(scan.header.length(), file.plain().len() as u64, "{}", file.name);
        }
    }
    println!("{} files used", files.len());
}

#[test]
fn elements_cover_every_byte_of_a_walkable_file() {
    let files = walkable();
    for file in &files {
        let view = file.scan().header;
        let mut at = 0;
        for element in view.top() {
            assert_eq!(element.start, at, "{} {element:?}", file.name);
            at = element.end();
        }
        assert_eq!(at, view.length(), "{}", file.name);
        for element in view.elements().iter().filter(|element| element.kind == Kind::Item) {
            let item = view.within(element);
            let end = item.fold(element.value.start, |at, within| {
                assert_eq!(within.start, at, "{} {within:?}", file.name);
                within.end()
            });
            assert_eq!(end, element.value.end, "{} {element:?}", file.name);
        }
    }
    println!("{} files used", files.len());
}

#[test]
fn an_empty_plan_is_the_identity() {
    let files = files();
    for file in files.iter().filter(|file| file.head.is_ok()) {
        let mut out = Vec::new();
        splice::output(&file.data_set[..], file.syntax(), EditPlan::none(), MadeBytes::none())
            .and_then(|mut stream| stream.read_to_end(&mut out))
            .expect("a slice");
        assert!(out == file.data_set, "{}", file.name);
    }
    println!("{} files used", files.len());
}

fn editable(name: &str, result: Result<EditPlan, EditFault>) -> Option<EditPlan> {
    match result {
        Ok(plan) => Some(plan),
        Err(fault) => {
            println!("{name}: {fault}");
            None
        }
    }
}

/// Applies a plan, and checks that without what it put in and took out the object is as it was.
fn apply(file: &File, plan: &EditPlan) -> Vec<u8> {
    let before = file.plain();
    let mut out = Vec::new();
    splice::output(&file.data_set[..], file.syntax(), plan.clone(), MadeBytes::none())
        .and_then(|mut stream| stream.read_to_end(&mut out))
        .expect("a slice");
    assert!(!file.syntax().deflated || out.len() % 2 == 0, "{}", file.name);
    let after = inflate(file.syntax(), &out);
    let (mut left, mut right, mut at) = (&before[..], &after[..], 0);
    for edit in plan.edits() {
        let kept = (edit.at - at) as usize;
        assert!(left[..kept] == right[..kept], "{} before {}", file.name, edit.at);
        left = &left[kept + edit.remove as usize..];
        right = &right[kept..];
        assert_eq!(right[..edit.insert.len()], edit.insert, "{} at {}", file.name, edit.at);
        right = &right[edit.insert.len()..];
        at = edit.end();
    }
    assert!(left == right, "{} at its end", file.name);
    out
}

/// An element without its position: depth, tag, VR, length and value.
type Content = (u16, Tag, Option<VR>, u64, Option<Vec<u8>>);

fn contents(view: &HeaderView) -> Vec<Content> {
    let content = |element: &Element| {
        let length = if element.kind == Kind::Value { element.length() } else { 0 };
        let value = view.bytes(element).map(<[u8]>::to_vec);
        (element.depth, element.tag, element.vr, length, value)
    };
    view.elements().iter().map(content).collect()
}

#[test]
fn setting_one_element_leaves_every_other_byte() {
    let files = walkable();
    let mut used = 0;
    let path = AttributePath::top(tags::INSTITUTION_NAME);
    for file in &files {
        let view = file.scan().header;
        let mut editor = Editor::new(&view);
        let new = NewElement::new(path.tag, VR::LO, "A new name-BJHR");
        let plan = editor.set(&path, new).and_then(|()| editor.finish());
        let Some(plan) = editable(&file.name, plan) else { continue };
        let after = scan_bytes(file.syntax(), &apply(file, &plan));
        assert_eq!(after.end, End::Complete, "{}", file.name);
        assert_eq!(after.header.string(path.tag).as_deref(), Some("A new name-BJHR"));
        let others = |view| {
            let mut contents = contents(view);
            contents.retain(|(depth, tag, ..)| *depth > 0 || (*tag != path.tag && tag.1 != 0));
            contents
        };
        assert_eq!(others(&after.header), others(&view), "{}", file.name);
        used += 1;
    }
    println!("{used} of {} files used", files.len());
    assert!(files.is_empty() || used > 80, "{used}");
}

#[test]
fn appending_an_item_leaves_every_other_byte() {
    let files = walkable();
    let (mut used, mut sequences) = (0, 0);
    for file in &files {
        let view = file.scan().header;
        let present = view.elements().iter().filter(|element| element.kind == Kind::Sequence);
        let present: Vec<Tag> = present.filter(|s| s.depth == 0).map(|s| s.tag).collect();
        for tag in present.into_iter().chain([tags::ORIGINAL_ATTRIBUTES_SEQUENCE]) {
            let mut editor = Editor::new(&view);
            let item = vec![NewElement::new(tags::MODIFYING_SYSTEM, VR::LO, "MARKGATE")];
            let path = AttributePath::top(tag);
            let plan = editor.append_item(&path, item).and_then(|()| editor.finish());
            let Some(plan) = editable(&file.name, plan) else { continue };
            let after = scan_bytes(file.syntax(), &apply(file, &plan));
            assert_eq!(after.end, End::Complete, "{} {tag:?}", file.name);
            let count = |view: &HeaderView| view.find(tag).map_or(0, |s| view.items(s).count());
            assert_eq!(count(&after.header), count(&view) + 1, "{} {tag:?}", file.name);
            let last = after.header.items(after.header.find(tag).expect("there")).last();
            let system = last.and_then(|item| item.string(tags::MODIFYING_SYSTEM));
            assert_eq!(system.as_deref(), Some("MARKGATE"), "{} {tag:?}", file.name);
            sequences += 1;
        }
        used += 1;
    }
    println!("{used} files used, {sequences} sequences");
}

#[test]
fn removing_every_group_of_elements_leaves_the_rest() {
    let files = walkable();
    for file in &files {
        let view = file.scan().header;
        let mut editor = Editor::new(&view);
        let dates: Vec<Tag> = view.top().filter(|e| e.vr == Some(VR::DA)).map(|e| e.tag).collect();
        let removed = dates.iter().try_for_each(|tag| editor.remove(&AttributePath::top(*tag)));
        let Some(plan) = editable(&file.name, removed.and_then(|()| editor.finish())) else {
            continue;
        };
        let after = scan_bytes(file.syntax(), &apply(file, &plan));
        assert_eq!(after.end, End::Complete, "{}", file.name);
        assert_eq!(after.header.top().count(), view.top().count() - dates.len());
    }
    println!("{} files used", files.len());
}

#[test]
fn pieces_of_any_size_give_the_same_scan() {
    let files = files();
    for file in files.iter().filter(|file| file.head.is_ok()) {
        let whole = file.scan();
        for size in [1, 7, 4096] {
            // Byte by byte takes a while on megabytes of pixels, which are skipped alike.
            if size == 1 && file.data_set.len() > 100_000 {
                continue;
            }
            let mut scanner = Scanner::new(file.syntax(), Limits::default());
            file.data_set.chunks(size).for_each(|chunk| scanner.push(chunk));
            let pieces = scanner.finish();
            assert_eq!(pieces.end, whole.end, "{} {size}", file.name);
            assert_eq!(pieces.deflate, whole.deflate, "{} {size}", file.name);
            assert!(contents(&pieces.header) == contents(&whole.header), "{} {size}", file.name);
            assert!(pieces.header.elements() == whole.header.elements(), "{} {size}", file.name);
        }
    }
    println!("{} files used", files.len());
}
