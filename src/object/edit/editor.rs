//! From wishes to byte ranges.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::dicom::Tag;
use crate::dicom::attribute::{AttributePath, Step};
use crate::dicom::transfer_syntax::Encoding;
use crate::object::header::Elements;
use crate::object::representation::rank;
use crate::object::{Element, Form, HeaderView, Kind, Oddity, Reach};

use super::encode::{NewElement, NewValue, encode_element, encode_item, length_32, number};
use super::{BadPlan, Edit, EditPlan};

/// Why an object cannot be changed as wished.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EditFault {
    /// Looking at the data set ended early, so nothing is known of what was not looked at.
    #[error("the data set was not walked to its end")]
    NotWalked,
    /// The place of the change lies where the data set has not yet come in.
    #[error("({:04X},{:04X}) lies where nothing is known as yet", tag.group(), tag.element())]
    Unscanned {
        /// What was to be changed.
        tag: Tag,
    },
    /// Something of undefined length that has no delimiter: nobody can say what belongs to it.
    #[error("({:04X},{:04X}) has no end", tag.group(), tag.element())]
    Unclosed {
        /// What was to be changed.
        tag: Tag,
    },
    /// An empty element whose VR is unknown. Its length field is known by what follows, which would not be what it was.
    #[error("how ({:04X},{:04X}) is read depends on what follows", tag.group(), tag.element())]
    Unsettled {
        /// Its tag.
        tag: Tag,
    },
    /// The tag stands more than once in its data set or item, and readers differ on which one counts.
    #[error("({:04X},{:04X}) is there more than once", tag.group(), tag.element())]
    Ambiguous {
        /// The tag.
        tag: Tag,
    },
    /// A path leads through something that is no sequence.
    #[error("({:04X},{:04X}) is no sequence", tag.group(), tag.element())]
    NotASequence {
        /// Its tag.
        tag: Tag,
    },
    /// A path leads to an item that is neither there nor the next one.
    #[error("({:04X},{:04X}) has no item {item}", sequence.group(), sequence.element())]
    NoSuchItem {
        /// The sequence.
        sequence: Tag,
        /// The item, counted from 0.
        item: u32,
    },
    /// The path names another tag than the new element has.
    #[error("({:04X},{:04X}) is not the tag the path leads to", tag.group(), tag.element())]
    OtherTag {
        /// The tag of the new element.
        tag: Tag,
    },
    /// A value that is no sequence under VR SQ, or a sequence under another VR.
    #[error("the value of ({:04X},{:04X}) does not fit its VR", tag.group(), tag.element())]
    WrongValue {
        /// The tag of the new element.
        tag: Tag,
    },
    /// Items and delimiters are no elements.
    #[error("({:04X},{:04X}) cannot be an element", tag.group(), tag.element())]
    NoElement {
        /// The tag.
        tag: Tag,
    },
    /// The length field cannot hold the new length.
    #[error("({:04X},{:04X}) would have {length} bytes, too many", tag.group(), tag.element())]
    TooLong {
        /// What has that length.
        tag: Tag,
        /// Bytes.
        length: u64,
    },
    /// New sequences nested deeper than [`MAX_DEPTH`](crate::base::limits::MAX_DEPTH).
    #[error("sequences would be nested too deep")]
    TooDeep,
    /// Two changes claim the same bytes.
    #[error("changes overlap: {0}")]
    Conflict(BadPlan),
}

#[derive(Debug, Clone)]
enum Change {
    Set(NewElement),
    Remove,
}

/// The index of an item; `None` is the data set itself.
type Container = Option<u32>;

/// Collects changes to one data set and makes a plan of them.
///
/// Tags stay in order, every explicit length around a change follows it, and so do group lengths that are there.
/// New elements are encoded as their surroundings are. What cannot be done safely is refused, never guessed; a
/// change that is refused leaves the editor as it was.
#[derive(Debug, Clone)]
pub struct Editor<'v> {
    view: &'v HeaderView,
    changes: BTreeMap<Container, BTreeMap<Tag, Change>>,
    appended: BTreeMap<u32, Vec<Vec<NewElement>>>,
    grown: BTreeMap<u32, i64>,
}

/// Where a path leads.
enum Place<'e> {
    Existing(Container),
    /// Into an item that is itself new.
    New(&'e mut Vec<NewElement>),
}

/// What to do about sequences and items on a path that are not there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Absent {
    Make,
    Refuse,
}

impl<'v> Editor<'v> {
    /// An editor for the data set that was scanned.
    #[must_use]
    pub fn new(view: &'v HeaderView) -> Self {
        Self { view, changes: BTreeMap::new(), appended: BTreeMap::new(), grown: BTreeMap::new() }
    }

    /// Puts an element where `path` leads, in the place of the one that is there. Sequences on the way that are
    /// absent are made; an item one past the last is added.
    ///
    /// # Errors
    /// When the path cannot be followed, or what it leads to cannot be changed safely.
    pub fn set(&mut self, path: &AttributePath, new: NewElement) -> Result<(), EditFault> {
        if path.tag != new.tag {
            return Err(EditFault::OtherTag { tag: new.tag });
        }
        self.attempt(|editor| match editor.place(&path.steps, Absent::Make)? {
            Place::New(elements) => {
                put(elements, new);
                Ok(())
            }
            Place::Existing(container) => editor.change(container, path.tag, Change::Set(new)),
        })
    }

    /// Appends an item to a sequence, or makes the sequence with this item where it is absent.
    ///
    /// # Errors
    /// When the path cannot be followed, or leads to something that is no sequence.
    pub fn append_item(
        &mut self,
        sequence: &AttributePath,
        item: Vec<NewElement>,
    ) -> Result<(), EditFault> {
        self.attempt(|editor| match editor.place(&sequence.steps, Absent::Make)? {
            Place::New(elements) => {
                sequence_in(elements, sequence.tag, Absent::Make)?.push(item);
                Ok(())
            }
            Place::Existing(container) => editor.append(container, sequence.tag, item),
        })
    }

    /// Takes an element out. What is not there need not be taken out.
    ///
    /// # Errors
    /// When what the path leads to cannot be changed safely.
    pub fn remove(&mut self, path: &AttributePath) -> Result<(), EditFault> {
        let tag = path.tag;
        let removed = self.attempt(|editor| match editor.place(&path.steps, Absent::Refuse)? {
            Place::New(elements) => {
                elements.retain(|element| element.tag != tag);
                Ok(())
            }
            Place::Existing(container) => {
                if unique(editor.view, container, tag)?.is_some() {
                    return editor.change(container, tag, Change::Remove);
                }
                if let Some(changes) = editor.changes.get_mut(&container) {
                    changes.remove(&tag);
                }
                Ok(())
            }
        });
        match removed {
            Err(EditFault::NoSuchItem { .. }) => Ok(()),
            other => other,
        }
    }

    /// Notes that the value of an element grows by so many bytes, by patches or fillings that are added to the plan: the lengths
    /// around them follow.
    ///
    /// # Errors
    /// When the element has no end, or stands where nothing is known as yet.
    pub fn grow(&mut self, element: &Element, by: i64) -> Result<(), EditFault> {
        let view = self.view;
        self.attempt(|editor| {
            Draft::new(view).end_of(element)?;
            *editor.grown.entry(element.index).or_default() += by;
            Ok(())
        })
    }

    /// The plan.
    ///
    /// # Errors
    /// When a length cannot be written, or a change lies where it cannot be made safely.
    pub fn finish(self) -> Result<EditPlan, EditFault> {
        let mut draft = Draft::new(self.view);
        draft.growth = self.grown;
        draft.finish(&self.changes, &self.appended)
    }

    fn attempt(
        &mut self,
        change: impl FnOnce(&mut Self) -> Result<(), EditFault>,
    ) -> Result<(), EditFault> {
        match self.view.reach() {
            Reach::Whole | Reach::SoFar => {}
            Reach::Abandoned => return Err(EditFault::NotWalked),
        }
        let mut changed = self.clone();
        change(&mut changed)?;
        *self = changed;
        Ok(())
    }

    fn append(
        &mut self,
        container: Container,
        tag: Tag,
        item: Vec<NewElement>,
    ) -> Result<(), EditFault> {
        let changes = self.changes.get_mut(&container);
        match changes.and_then(|changes| changes.get_mut(&tag)) {
            Some(Change::Set(NewElement { value: NewValue::Items(items), .. })) => {
                items.push(item);
                return Ok(());
            }
            Some(Change::Set(_)) => return Err(EditFault::NotASequence { tag }),
            Some(Change::Remove) => {}
            None => {
                if let Some(existing) = unique(self.view, container, tag)? {
                    check_sequence(existing)?;
                    self.appended.entry(existing.index()).or_default().push(item);
                    return Ok(());
                }
            }
        }
        self.change(container, tag, Change::Set(NewElement::sequence(tag, vec![item])))
    }

    fn change(&mut self, container: Container, tag: Tag, change: Change) -> Result<(), EditFault> {
        if let Some(existing) = unique(self.view, container, tag)? {
            // Whatever was to happen within it is gone with it.
            let gone = existing.index..existing.next;
            self.changes.retain(|item, _| item.is_none_or(|item| !gone.contains(&item)));
            self.appended.retain(|sequence, _| !gone.contains(sequence));
        }
        self.changes.entry(container).or_default().insert(tag, change);
        Ok(())
    }

    /// Follows a path from the data set down.
    fn place(&mut self, steps: &[Step], absent: Absent) -> Result<Place<'_>, EditFault> {
        let view = self.view;
        let mut container = None;
        let mut steps = steps.iter();
        while let Some(step) = steps.next() {
            let tag = step.sequence;
            let changes = self.changes.get(&container);
            let pending = changes.is_some_and(|changes| changes.contains_key(&tag));
            let existing = if pending { None } else { unique(view, container, tag)? };
            let Some(sequence) = existing else {
                let items = self.new_sequence(container, *step, absent)?;
                let item = item_of(items, *step, 0, absent)?;
                return follow(item, steps.as_slice(), absent).map(Place::New);
            };
            check_sequence(sequence)?;
            if let Some(item) = view.items(sequence).nth(step.item as usize) {
                container = Some(item.element().index);
                continue;
            }
            let count = u32::try_from(view.items(sequence).count()).unwrap_or(u32::MAX);
            let appended = self.appended.entry(sequence.index).or_default();
            let item = item_of(appended, *step, count, absent)?;
            return follow(item, steps.as_slice(), absent).map(Place::New);
        }
        Ok(Place::Existing(container))
    }

    /// The items of a sequence that is to be set, made when absent.
    fn new_sequence(
        &mut self,
        container: Container,
        step: Step,
        absent: Absent,
    ) -> Result<&mut Vec<Vec<NewElement>>, EditFault> {
        let tag = step.sequence;
        let change =
            self.changes.entry(container).or_default().entry(tag).or_insert(Change::Remove);
        if matches!(change, Change::Remove) {
            if absent == Absent::Refuse {
                return Err(EditFault::NoSuchItem { sequence: tag, item: step.item });
            }
            *change = Change::Set(NewElement::sequence(tag, Vec::new()));
        }
        match change {
            Change::Set(NewElement { value: NewValue::Items(items), .. }) => Ok(items),
            Change::Set(_) | Change::Remove => Err(EditFault::NotASequence { tag }),
        }
    }
}

/// Follows what is left of a path among new elements.
fn follow<'e>(
    mut elements: &'e mut Vec<NewElement>,
    steps: &[Step],
    absent: Absent,
) -> Result<&'e mut Vec<NewElement>, EditFault> {
    for step in steps {
        elements = item_of(sequence_in(elements, step.sequence, absent)?, *step, 0, absent)?;
    }
    Ok(elements)
}

/// The item that a step leads to, where `before` others stand in front of these.
fn item_of(
    items: &mut Vec<Vec<NewElement>>,
    step: Step,
    before: u32,
    absent: Absent,
) -> Result<&mut Vec<NewElement>, EditFault> {
    let none = EditFault::NoSuchItem { sequence: step.sequence, item: step.item };
    let position = step.item.checked_sub(before).ok_or(none)? as usize;
    if position == items.len() && absent == Absent::Make {
        items.push(Vec::new());
    }
    items.get_mut(position).ok_or(none)
}

/// The items of a sequence among new elements.
fn sequence_in(
    elements: &mut Vec<NewElement>,
    tag: Tag,
    absent: Absent,
) -> Result<&mut Vec<Vec<NewElement>>, EditFault> {
    let found = elements.iter().position(|element| element.tag == tag);
    let position = match (found, absent) {
        (Some(position), _) => position,
        (None, Absent::Refuse) => {
            return Err(EditFault::NoSuchItem { sequence: tag, item: 0 });
        }
        (None, Absent::Make) => {
            elements.push(NewElement::sequence(tag, Vec::new()));
            elements.len() - 1
        }
    };
    match elements.get_mut(position).map(|element| &mut element.value) {
        Some(NewValue::Items(items)) => Ok(items),
        Some(NewValue::Bytes(_)) | None => Err(EditFault::NotASequence { tag }),
    }
}

fn put(elements: &mut Vec<NewElement>, new: NewElement) {
    match elements.iter_mut().find(|element| element.tag == new.tag) {
        Some(old) => *old = new,
        None => elements.push(new),
    }
}

fn check_sequence(element: &Element) -> Result<(), EditFault> {
    match element.kind {
        Kind::Sequence => Ok(()),
        Kind::Value | Kind::Item | Kind::Fragments | Kind::Fragment => {
            Err(EditFault::NotASequence { tag: element.tag })
        }
    }
}

fn children(view: &HeaderView, container: Container) -> Elements<'_> {
    let item = container.and_then(|index| view.elements().get(index as usize));
    item.map_or_else(|| view.top(), |item| view.within(item))
}

fn unique(
    view: &HeaderView,
    container: Container,
    tag: Tag,
) -> Result<Option<&Element>, EditFault> {
    let mut found = children(view, container).filter(|element| element.tag == tag);
    let first = found.next();
    if found.next().is_some() { Err(EditFault::Ambiguous { tag }) } else { Ok(first) }
}

/// A plan in the making.
struct Draft<'v> {
    view: &'v HeaderView,
    /// With the level each stands at. Of edits at one position the deeper comes first: what is inside ends before
    /// what is around it.
    edits: Vec<(usize, Edit)>,
    /// By how much items and sequences grow, by index.
    growth: BTreeMap<u32, i64>,
    /// By how much the groups of a data set or item grow.
    groups: BTreeMap<(Container, u16), i64>,
}

impl<'v> Draft<'v> {
    fn new(view: &'v HeaderView) -> Self {
        Self { view, edits: Vec::new(), growth: BTreeMap::new(), groups: BTreeMap::new() }
    }

    fn finish(
        mut self,
        changes: &BTreeMap<Container, BTreeMap<Tag, Change>>,
        appended: &BTreeMap<u32, Vec<Vec<NewElement>>>,
    ) -> Result<EditPlan, EditFault> {
        for (container, changes) in changes {
            for (tag, change) in changes {
                self.apply(*container, *tag, change)?;
            }
        }
        for (sequence, items) in appended {
            self.append(*sequence, items)?;
        }
        self.follow_lengths()?;
        self.follow_group_lengths(changes);
        self.edits.sort_by_key(|(level, edit)| (edit.at, Reverse(*level)));
        let edits = self.edits.into_iter().map(|(_, edit)| edit).collect();
        EditPlan::new(edits).map_err(EditFault::Conflict)
    }

    fn apply(&mut self, container: Container, tag: Tag, change: &Change) -> Result<(), EditFault> {
        let item = self.item(container);
        let depth = item.map_or(0, |item| usize::from(item.depth));
        let existing = unique(self.view, container, tag)?;
        let mut insert = Vec::new();
        if let Change::Set(new) = change {
            encode_element(new, self.encoding_within(container), depth, &mut insert)?;
            if existing.is_some_and(|existing| self.is_same(existing, new, &insert)) {
                return Ok(());
            }
        }
        let (at, remove) = match (existing, change) {
            (Some(existing), _) => {
                let end = self.end_of(existing)?;
                (existing.start, end - existing.start)
            }
            (None, Change::Set(_)) => (self.place_for(container, tag)?, 0),
            (None, Change::Remove) => return Ok(()),
        };
        self.check_before(at, (!insert.is_empty()).then_some(tag))?;
        let growth = growth(insert.len() as u64, remove);
        self.grow(container, tag, growth);
        self.edits.push((2 * depth, Edit { at, remove, insert }));
        Ok(())
    }

    fn append(&mut self, sequence: u32, items: &[Vec<NewElement>]) -> Result<(), EditFault> {
        let Some(sequence) = self.view.elements().get(sequence as usize) else { return Ok(()) };
        let depth = usize::from(sequence.depth);
        self.end_of(sequence)?;
        let mut insert = Vec::new();
        for item in items {
            encode_item(item, sequence.inner, depth + 1, &mut insert)?;
        }
        *self.growth.entry(sequence.index).or_default() += growth(insert.len() as u64, 0);
        let at = sequence.value.end;
        self.check_before(at, None)?;
        self.edits.push((2 * depth + 1, Edit { at, remove: 0, insert }));
        Ok(())
    }

    fn item(&self, container: Container) -> Option<&'v Element> {
        self.view.elements().get(container? as usize)
    }

    /// The encoding in which the elements of a data set or item stand.
    fn encoding_within(&self, container: Container) -> Encoding {
        let first = children(self.view, container).next().map(Element::encoding);
        let declared = || self.item(container).map(|item| item.inner);
        first.or_else(declared).unwrap_or_else(|| self.view.encoding())
    }

    /// Whether what ends at `at` is still read as it was with a change there; `next` is the element put in its place.
    /// An empty element with an unknown VR has a short header because a later element of its group follows, or nothing.
    fn check_before(&self, at: u64, next: Option<Tag>) -> Result<(), EditFault> {
        if !self.view.oddities().contains(Oddity::UnknownVr) {
            return Ok(());
        }
        let unsettled = self.view.elements().iter().find(|element| {
            let is_unknown = element.vr.is_none() && element.form == Form::Short;
            let is_later = |next: Tag| {
                next.group() == element.tag.group() && next.element() > element.tag.element()
            };
            is_unknown
                && element.value.is_empty()
                && element.end() == at
                && !next.is_some_and(is_later)
        });
        unsettled.map_or(Ok(()), |element| Err(EditFault::Unsettled { tag: element.tag }))
    }

    /// Where an element ends, once that is sure.
    fn end_of(&self, element: &Element) -> Result<u64, EditFault> {
        let tag = element.tag;
        if element.end() > self.view.length() {
            return Err(EditFault::Unscanned { tag });
        }
        if element.undefined_length && !element.delimited {
            return Err(EditFault::Unclosed { tag });
        }
        Ok(element.end())
    }

    /// Where a new element goes: before the first with a higher tag, else at the end.
    fn place_for(&self, container: Container, tag: Tag) -> Result<u64, EditFault> {
        let mut siblings = children(self.view, container);
        if let Some(behind) = siblings.find(|sibling| rank(sibling.tag) > rank(tag)) {
            return Ok(behind.start);
        }
        if let Some(item) = self.item(container) {
            self.end_of(item)?;
            return Ok(item.value.end);
        }
        if self.view.reach() != Reach::Whole {
            return Err(EditFault::Unscanned { tag });
        }
        match self.view.top().last() {
            // The padding byte behind a last odd value would end up in the middle.
            Some(last) if self.view.oddities().contains(Oddity::PadByte) => {
                Err(EditFault::Unclosed { tag: last.tag })
            }
            Some(last) => self.end_of(last),
            None => Ok(0),
        }
    }

    /// Whether an element is already what it is to become.
    fn is_same(&self, existing: &Element, new: &NewElement, encoded: &[u8]) -> bool {
        let header = (existing.value.start - existing.start) as usize;
        let vr_is_same = existing.form == Form::Implicit || existing.vr == Some(new.vr);
        let value = encoded.get(header..);
        existing.kind == Kind::Value && vr_is_same && value == self.view.bytes(existing)
    }

    fn grow(&mut self, container: Container, tag: Tag, by: i64) {
        *self.groups.entry((container, tag.group())).or_default() += by;
        if let Some(item) = container {
            *self.growth.entry(item).or_default() += by;
        }
    }

    /// Rewrites the explicit lengths around the changes, inside out: what encloses has the smaller index.
    fn follow_lengths(&mut self) -> Result<(), EditFault> {
        while let Some((index, by)) = self.growth.pop_last() {
            let Some(element) = self.view.elements().get(index as usize) else { continue };
            if by == 0 {
                continue;
            }
            if !element.undefined_length {
                let length = element.length().saturating_add_signed(by);
                let length = length_32(element.tag, length)?;
                let at = element.start + if element.form == Form::Long { 8 } else { 4 };
                let insert = number(length, element.encoding).to_vec();
                self.edits.push((0, Edit { at, remove: 4, insert }));
            }
            match (element.kind, element.parent) {
                (Kind::Item | Kind::Fragment, Some(sequence)) => {
                    *self.growth.entry(sequence).or_default() += by;
                }
                (Kind::Item | Kind::Fragment, None) => {}
                (Kind::Value | Kind::Sequence | Kind::Fragments, container) => {
                    self.grow(container, element.tag, by);
                }
            }
        }
        Ok(())
    }

    /// Rewrites the group lengths that are there (PS3.5 §7.2, retired since 2008). One that was wrong stays wrong by
    /// as much as before.
    fn follow_group_lengths(&mut self, changes: &BTreeMap<Container, BTreeMap<Tag, Change>>) {
        for ((container, group), by) in std::mem::take(&mut self.groups) {
            let tag = Tag(group, 0);
            let is_changed = changes.get(&container).is_some_and(|set| set.contains_key(&tag));
            let mut siblings = children(self.view, container);
            let Some(element) = siblings.find(|sibling| sibling.tag == tag) else { continue };
            let Some(Ok(old)) = self.view.bytes(element).map(<[u8; 4]>::try_from) else { continue };
            let big = element.encoding.is_big_endian();
            let old = if big { u32::from_be_bytes(old) } else { u32::from_le_bytes(old) };
            let new = i64::from(old).checked_add(by).and_then(|new| u32::try_from(new).ok());
            let Some(new) = new.filter(|new| *new != old && !is_changed) else { continue };
            let insert = number(new, element.encoding).to_vec();
            self.edits.push((0, Edit { at: element.value.start, remove: 4, insert }));
        }
    }
}

fn growth(inserted: u64, removed: u64) -> i64 {
    inserted.cast_signed() - removed.cast_signed()
}
