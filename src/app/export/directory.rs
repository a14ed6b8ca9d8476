//! A DICOMDIR brought up to date with the files it lists (PS3.3 F, PS3.10 §8.6).
//!
//! Its bytes stay but for keys that say what a file said before and says no more, for records of files that have come, and for
//! offsets, which follow. What does not fit the files is a [`DirectoryFault`]: a DICOMDIR that is wrong is worse than none.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Read as _;

use crate::base::limits::Limits;
use crate::dicom::attribute::{AttributePath, Step};
use crate::dicom::transfer_syntax::Encoding;
use crate::dicom::uid::Uid;
use crate::dicom::{Tag, VR, tags};
use crate::object::edit::{EditFault, Editor, NewElement};
use crate::object::part10::{HeadFault, parse_head};
use crate::object::splice::Spliced;
use crate::object::{Element, End, HeaderView, Item, Kind, scan_reader};

/// A file that a DICOMDIR may list.
#[derive(Debug, Clone, Default)]
pub(super) struct Member {
    /// The SOP Instance UID that it had.
    pub instance: Uid,
    /// What its copy says otherwise.
    pub changes: BTreeMap<Tag, Change>,
}

/// An element of a file whose value is another in its copy.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Change {
    /// The value before, without padding.
    pub before: Vec<u8>,
    /// The element now; `None` where it is gone.
    pub after: Option<NewElement>,
}

impl std::fmt::Debug for Change {
    // Values are patient data.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes before, {:?}", self.before.len(), self.after)
    }
}

/// A presentation state to be listed.
#[derive(Debug)]
pub(super) struct NewState<'a> {
    /// Its File ID, one component each.
    pub file_id: Vec<String>,
    /// Its data set.
    pub view: &'a HeaderView,
    /// Its transfer syntax.
    pub syntax: &'a str,
}

/// Why a DICOMDIR cannot be brought up to date.
#[derive(Debug, thiserror::Error)]
pub(super) enum DirectoryFault {
    /// It is no DICOM file.
    #[error(transparent)]
    Head(#[from] HeadFault),
    /// It cannot be walked to its end, or is not in Explicit VR Little Endian (PS3.10 §8.6).
    #[error("it cannot be walked to its end")]
    Unwalkable,
    /// An offset leads nowhere, or in a circle.
    #[error("an offset of record {record} leads to no record, or back")]
    Offset {
        /// From 1; 0 is what stands before the records.
        record: usize,
    },
    /// A file is listed that is not there.
    #[error("record {record} names a file that is not there")]
    NoSuchFile {
        /// From 1.
        record: usize,
    },
    /// A file is listed as another one.
    #[error("record {record} names a file that is another object")]
    OtherObject {
        /// From 1.
        record: usize,
    },
    /// Files of one record are of several now.
    #[error("the files below record {record} no longer share ({:04X},{:04X})", tag.group(), tag.element())]
    Split {
        /// From 1.
        record: usize,
        /// What they shared.
        tag: Tag,
    },
    /// A key cannot be changed.
    #[error(transparent)]
    Edit(#[from] EditFault),
    /// More than a DICOMDIR can be: offsets have 32 bits.
    #[error("it would be too large")]
    TooLarge,
}

/// What a record says of the file it names, beside keys of the same tag.
const OF_THE_FILE: [(Tag, Tag); 2] = [
    (tags::SOP_INSTANCE_UID, tags::REFERENCED_SOP_INSTANCE_UID_IN_FILE),
    (tags::SOP_CLASS_UID, tags::REFERENCED_SOP_CLASS_UID_IN_FILE),
];

/// Keys by which records are told apart: files of one record share them.
const IDENTITY: [Tag; 3] = [tags::PATIENT_ID, tags::STUDY_INSTANCE_UID, tags::SERIES_INSTANCE_UID];

/// The form in which paths are compared: media are mounted with names in lower case, and with version numbers.
pub(super) fn file_id<'a>(components: impl Iterator<Item = &'a str>) -> String {
    let plain = components.map(|part| {
        let part = part.split(';').next().unwrap_or_default();
        part.trim_end_matches('.').to_ascii_uppercase()
    });
    plain.collect::<Vec<_>>().join("\\")
}

/// The DICOMDIR in `bytes` as it should be beside copies of `members`, which go by their [`file_id`], and the states that it lists
/// now, by their place in `states`. Bytes that need no change are as they were.
///
/// # Errors
/// See [`DirectoryFault`].
pub(super) fn updated(
    bytes: &[u8],
    members: &HashMap<String, Member>,
    states: &[NewState<'_>],
) -> Result<(Vec<u8>, BTreeSet<usize>), DirectoryFault> {
    let head = parse_head(bytes, true)?.ok_or(HeadFault::Cut)?;
    let start = usize::try_from(head.data_set).map_err(|_| DirectoryFault::TooLarge)?;
    let (before, data_set) = bytes.split_at_checked(start).ok_or(HeadFault::Cut)?;
    let scan = scan_reader(data_set, head.syntax(), LIMITS).map_err(HeadFault::Io)?;
    if scan.end != End::Complete || scan.header.encoding() != Encoding::ExplicitLittle {
        return Err(DirectoryFault::Unwalkable);
    }
    let view = &scan.header;
    let tree = Tree::of(view, head.data_set)?;
    tree.check(members)?;
    let mut editor = Editor::new(view);
    for record in 0..tree.records.len() {
        for (tag, after) in tree.changes(record, members)? {
            let path = key(record, tag);
            match after {
                Some(after) => editor.set(&path, after)?,
                None => editor.remove(&path)?,
            }
        }
    }
    let mut links = tree.links.clone();
    let mut listed = BTreeSet::new();
    let mut count = tree.records.len();
    for (place, state) in states.iter().enumerate() {
        let Some(study) = tree.study_of(state.view) else { continue };
        for record in state_records(state) {
            editor.append_item(&AttributePath::top(tags::DIRECTORY_RECORD_SEQUENCE), record)?;
        }
        links.adopt(study, count);
        count += 2;
        listed.insert(place);
    }
    let plan = editor.finish()?;
    if plan.is_empty() {
        return Ok((bytes.to_vec(), listed));
    }
    let mut out = before.to_vec();
    Spliced::new(data_set, plan).read_to_end(&mut out).map_err(HeadFault::Io)?;
    links.write(&mut out, start, head.syntax())?;
    Ok((out, listed))
}

/// A DICOMDIR of a full DVD has half a million elements.
const LIMITS: Limits = Limits { elements: 8_000_000, kept_bytes: 256 << 20, value_bytes: 64 << 10 };

fn key(record: usize, tag: Tag) -> AttributePath {
    let item = u32::try_from(record).unwrap_or(u32::MAX);
    AttributePath { steps: vec![Step { sequence: tags::DIRECTORY_RECORD_SEQUENCE, item }], tag }
}

/// Levels of records: patient, study, series, image, and some to spare for private ones.
const DEEPEST: usize = 16;

/// Where records lead, by their places.
#[derive(Debug, Clone, Default)]
struct Links {
    /// The first and the last record of the root.
    root: [Option<usize>; 2],
    /// Of each record the next one, and the first of those below it.
    next: Vec<Option<usize>>,
    lower: Vec<Option<usize>>,
}

impl Links {
    /// Puts a series record, `new`, with one record below it, behind the last below a study.
    fn adopt(&mut self, study: usize, new: usize) {
        self.next.extend([None, None]);
        self.lower.extend([Some(new + 1), None]);
        let mut at = &mut self.lower;
        let mut place = study;
        // Chains were walked: they end.
        while let Some(Some(next)) = at.get(place).copied() {
            place = next;
            at = &mut self.next;
        }
        if let Some(last) = at.get_mut(place) {
            *last = Some(new);
        }
    }

    /// Writes the offsets into a file whose data set begins at `start`.
    fn write(
        &self,
        file: &mut [u8],
        start: usize,
        syntax: crate::dicom::transfer_syntax::TransferSyntax,
    ) -> Result<(), DirectoryFault> {
        let data_set = file.get(start..).unwrap_or_default();
        let scan = scan_reader(data_set, syntax, LIMITS).map_err(HeadFault::Io)?;
        let view = &scan.header;
        let sequence = view.find(tags::DIRECTORY_RECORD_SEQUENCE);
        let items: Vec<Item<'_>> =
            sequence.map(|sequence| view.items(sequence).collect()).unwrap_or_default();
        if scan.end != End::Complete || items.len() != self.next.len() {
            return Err(DirectoryFault::Unwalkable);
        }
        let offset = |to: Option<usize>| match to.and_then(|to| items.get(to)) {
            Some(item) => u32::try_from(start as u64 + item.element().start)
                .map_err(|_| DirectoryFault::TooLarge),
            None => Ok(0),
        };
        let mut fields: Vec<(&Element, u32)> = Vec::new();
        for (tag, to) in ROOT.into_iter().zip(self.root) {
            let field = view.find(tag).ok_or(DirectoryFault::Offset { record: 0 })?;
            fields.push((field, offset(to)?));
        }
        for (record, item) in items.iter().enumerate() {
            let fault = DirectoryFault::Offset { record: record + 1 };
            let [next, lower] = FIELDS.map(|tag| item.find(tag));
            let (next, lower) = next.zip(lower).ok_or(fault)?;
            fields.push((next, offset(self.next.get(record).copied().flatten())?));
            fields.push((lower, offset(self.lower.get(record).copied().flatten())?));
        }
        let places: Vec<(usize, u32)> = fields
            .into_iter()
            .map(|(field, offset)| (start + field.value.start as usize, offset))
            .collect();
        for (place, offset) in places {
            let field = file.get_mut(place..place + 4).ok_or(DirectoryFault::Unwalkable)?;
            field.copy_from_slice(&offset.to_le_bytes());
        }
        Ok(())
    }
}

const ROOT: [Tag; 2] = [
    tags::OFFSET_OF_THE_FIRST_DIRECTORY_RECORD_OF_THE_ROOT_DIRECTORY_ENTITY,
    tags::OFFSET_OF_THE_LAST_DIRECTORY_RECORD_OF_THE_ROOT_DIRECTORY_ENTITY,
];
const FIELDS: [Tag; 2] = [
    tags::OFFSET_OF_THE_NEXT_DIRECTORY_RECORD,
    tags::OFFSET_OF_REFERENCED_LOWER_LEVEL_DIRECTORY_ENTITY,
];

/// The records, and how they lead to each other.
struct Tree<'v> {
    view: &'v HeaderView,
    records: Vec<Item<'v>>,
    links: Links,
    /// The records below each that name a file, itself among them.
    leaves: Vec<Vec<usize>>,
}

impl<'v> Tree<'v> {
    fn of(view: &'v HeaderView, data_set: u64) -> Result<Self, DirectoryFault> {
        let sequence = view.find(tags::DIRECTORY_RECORD_SEQUENCE);
        let sequence = sequence.ok_or(DirectoryFault::Unwalkable)?;
        let records: Vec<Item<'_>> = view.items(sequence).collect();
        let places: HashMap<u64, usize> = records
            .iter()
            .enumerate()
            .map(|(place, record)| (data_set + record.element().start, place))
            .collect();
        let lead = |field: Option<&Element>, record: usize| {
            let fault = DirectoryFault::Offset { record };
            let raw = field.and_then(|field| view.bytes(field)).and_then(|raw| raw.try_into().ok());
            let Some(raw) = raw else { return Err(fault) };
            match u32::from_le_bytes(raw) {
                0 => Ok(None),
                offset => places.get(&u64::from(offset)).map(|to| Some(*to)).ok_or(fault),
            }
        };
        let mut links = Links::default();
        for (tag, to) in ROOT.into_iter().zip(&mut links.root) {
            *to = lead(view.find(tag), 0)?;
        }
        for (place, record) in records.iter().enumerate() {
            let [next, lower] = FIELDS.map(|tag| lead(record.find(tag), place + 1));
            links.next.push(next?);
            links.lower.push(lower?);
        }
        let leaves = vec![Vec::new(); records.len()];
        let mut tree = Self { view, records, links, leaves };
        tree.walk()?;
        Ok(tree)
    }

    /// Goes over the records as a reader does, each once.
    fn walk(&mut self) -> Result<(), DirectoryFault> {
        let mut seen = vec![false; self.records.len()];
        let mut left: Vec<(usize, Vec<usize>)> = self
            .links
            .root
            .first()
            .copied()
            .flatten()
            .map(|first| (first, Vec::new()))
            .into_iter()
            .collect();
        while let Some((record, above)) = left.pop() {
            match seen.get_mut(record) {
                Some(seen) if !*seen => *seen = true,
                Some(_) | None => return Err(DirectoryFault::Offset { record: record + 1 }),
            }
            if above.len() > DEEPEST {
                return Err(DirectoryFault::Offset { record: record + 1 });
            }
            let names_a_file = self.file_id(record).is_some();
            for above in above.iter().copied().chain([record]).filter(|_| names_a_file) {
                self.leaves.get_mut(above).into_iter().for_each(|leaves| leaves.push(record));
            }
            let link = |links: &[Option<usize>]| links.get(record).copied().flatten();
            if let Some(next) = link(&self.links.next) {
                left.push((next, above.clone()));
            }
            if let Some(lower) = link(&self.links.lower) {
                let mut above = above;
                above.push(record);
                left.push((lower, above));
            }
        }
        Ok(())
    }

    fn file_id(&self, record: usize) -> Option<String> {
        let element = self.records.get(record)?.find(tags::REFERENCED_FILE_ID)?;
        let parts = self.view.strings(element);
        (!parts.is_empty()).then(|| file_id(parts.iter().map(String::as_str)))
    }

    /// Whether the files that are named are there, and are what the records say.
    fn check(&self, members: &HashMap<String, Member>) -> Result<(), DirectoryFault> {
        for (place, record) in self.records.iter().enumerate() {
            let Some(id) = self.file_id(place) else { continue };
            let place = place + 1;
            let member = members.get(&id).ok_or(DirectoryFault::NoSuchFile { record: place })?;
            let said = record.string(tags::REFERENCED_SOP_INSTANCE_UID_IN_FILE);
            if said.is_some_and(|said| said != member.instance.as_str()) {
                return Err(DirectoryFault::OtherObject { record: place });
            }
        }
        Ok(())
    }

    /// The keys of a record that its files no longer have, as all of them have them now.
    fn changes(
        &self,
        record: usize,
        members: &HashMap<String, Member>,
    ) -> Result<Vec<(Tag, Option<NewElement>)>, DirectoryFault> {
        let leaves = self.leaves.get(record).map(Vec::as_slice).unwrap_or_default();
        let files: Option<Vec<&Member>> =
            leaves.iter().map(|leaf| members.get(&self.file_id(*leaf)?)).collect();
        let files = files.unwrap_or_default();
        let (Some(first), Some(item)) = (files.first(), self.records.get(record)) else {
            return Ok(Vec::new());
        };
        let mut changes = Vec::new();
        for tag in files.iter().flat_map(|file| file.changes.keys()).collect::<BTreeSet<_>>() {
            let says = |change: Option<&Change>, element: &Element| {
                let value = self.view.bytes(element).map(trimmed);
                change.is_some_and(|change| value == Some(change.before.as_slice()))
            };
            let change = first.changes.get(tag);
            let agreed = files.iter().all(|file| file.changes.get(tag) == change);
            let Some(element) = item.find(*tag) else { continue };
            if !files.iter().any(|file| says(file.changes.get(tag), element)) {
                continue;
            }
            match change.filter(|_| agreed) {
                Some(change) => changes.push((*tag, change.after.clone())),
                None if IDENTITY.contains(tag) => {
                    return Err(DirectoryFault::Split { record: record + 1, tag: *tag });
                }
                // Some of its files say one thing, some another.
                None => {}
            }
        }
        if leaves == [record] {
            for (of_file, of_record) in OF_THE_FILE {
                let change = first.changes.get(&of_file).and_then(|change| change.after.as_ref());
                if let (Some(new), Some(_)) = (change, item.find(of_record)) {
                    changes.push((of_record, Some(NewElement { tag: of_record, ..new.clone() })));
                }
            }
        }
        self.declare(item, first, &mut changes);
        Ok(changes)
    }

    /// A key that came in another character set than the record declares brings its declaration along.
    fn declare(
        &self,
        item: &Item<'_>,
        file: &Member,
        changes: &mut Vec<(Tag, Option<NewElement>)>,
    ) {
        let charset = tags::SPECIFIC_CHARACTER_SET;
        let declares =
            changes.iter().any(|(tag, _)| *tag == charset) || item.find(charset).is_some();
        let new = file.changes.get(&charset).and_then(|change| change.after.clone());
        if let Some(new) = new.filter(|_| !changes.is_empty() && !declares) {
            changes.push((charset, Some(new)));
        }
    }

    /// The study record that a presentation state belongs below.
    fn study_of(&self, state: &HeaderView) -> Option<usize> {
        let study = state.string(tags::STUDY_INSTANCE_UID)?;
        self.records.iter().position(|record| {
            record.string(tags::DIRECTORY_RECORD_TYPE).as_deref() == Some("STUDY")
                && record.string(tags::STUDY_INSTANCE_UID).as_ref() == Some(&study)
        })
    }
}

/// A value without its padding.
pub(super) fn trimmed(mut value: &[u8]) -> &[u8] {
    while let [rest @ .., b' ' | 0] = value {
        value = rest;
    }
    value
}

/// A series record, and below it that of a presentation state (PS3.3 F.5.3, F.5.23).
fn state_records(state: &NewState<'_>) -> [Vec<NewElement>; 2] {
    let view = state.view;
    let copies = |wanted: &[Tag]| {
        let found = wanted.iter().filter_map(|tag| view.find(*tag));
        found.filter_map(|element| copied(view, element)).collect::<Vec<_>>()
    };
    let record = |kind: &str| {
        vec![
            NewElement::new(tags::OFFSET_OF_THE_NEXT_DIRECTORY_RECORD, VR::UL, [0; 4]),
            NewElement::new(tags::RECORD_IN_USE_FLAG, VR::US, [0xFF, 0xFF]),
            NewElement::new(
                tags::OFFSET_OF_REFERENCED_LOWER_LEVEL_DIRECTORY_ENTITY,
                VR::UL,
                [0; 4],
            ),
            NewElement::new(tags::DIRECTORY_RECORD_TYPE, VR::CS, kind),
        ]
    };
    let mut series = record("SERIES");
    series.extend(copies(&[
        tags::SPECIFIC_CHARACTER_SET,
        tags::MODALITY,
        tags::SERIES_INSTANCE_UID,
        tags::SERIES_NUMBER,
    ]));
    let mut presentation = record("PRESENTATION");
    presentation.extend([
        NewElement::new(tags::REFERENCED_FILE_ID, VR::CS, state.file_id.join("\\")),
        NewElement::new(tags::REFERENCED_TRANSFER_SYNTAX_UID_IN_FILE, VR::UI, state.syntax),
    ]);
    for (of_file, of_record) in OF_THE_FILE {
        let uid = view.string(of_file).unwrap_or_default();
        presentation.push(NewElement::new(of_record, VR::UI, uid));
    }
    presentation.extend(copies(&[
        tags::SPECIFIC_CHARACTER_SET,
        tags::INSTANCE_NUMBER,
        tags::REFERENCED_SERIES_SEQUENCE,
        tags::CONTENT_LABEL,
        tags::CONTENT_DESCRIPTION,
        tags::PRESENTATION_CREATION_DATE,
        tags::PRESENTATION_CREATION_TIME,
        tags::CONTENT_CREATOR_NAME,
    ]));
    [series, presentation]
}

/// An element of another data set, sequences included.
fn copied(view: &HeaderView, element: &Element) -> Option<NewElement> {
    if element.kind != Kind::Sequence {
        return NewElement::copied(view, element);
    }
    let items = view.items(element);
    let items = items.map(|item| item.elements().filter_map(|e| copied(view, e)).collect());
    Some(NewElement::sequence(element.tag, items.collect()))
}

#[cfg(test)]
#[path = "directory_tests.rs"]
mod tests;
