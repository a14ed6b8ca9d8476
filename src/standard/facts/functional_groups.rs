//! Where the values of an image stand, single-frame or enhanced, so that one rule serves both.
//!
//! A single-frame object has its values at the top level. An enhanced one has them in functional groups (PS3.3 C.7.6.16): in the
//! item of Shared Functional Groups Sequence (5200,9229) what holds for all frames, in the items of Per-frame Functional
//! Groups Sequence (5200,9230) what holds for one. A legacy converted object keeps what no group has a place for in
//! groups of unassigned attributes. Here an attribute is looked for in this order, and the first that has a value counts.

use crate::dicom::{Tag, tags};
use crate::object::{Element, Item};
use crate::standard::subject::Subject;

/// An attribute, and the functional group that an enhanced object has it in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The sequence of the functional group.
    pub group: Tag,
    /// The attribute.
    pub tag: Tag,
}

impl Place {
    /// An attribute of a group.
    #[must_use]
    pub const fn new(group: Tag, tag: Tag) -> Self {
        Self { group, tag }
    }
}

/// Whether it has functional groups, whatever its SOP class.
#[must_use]
pub fn has_functional_groups(subject: &Subject<'_>) -> bool {
    let groups =
        [tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE];
    groups.iter().any(|tag| subject.find(*tag).is_some())
}

/// How many items Per-frame Functional Groups Sequence (5200,9230) has; `None` without the sequence.
#[must_use]
pub fn frame_groups(subject: &Subject<'_>) -> Option<usize> {
    let frames = subject.find(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE)?;
    Some(subject.view().items(frames).count())
}

/// The item that holds for all frames.
fn shared<'a>(subject: &Subject<'a>) -> Option<Item<'a>> {
    let view = subject.view();
    view.items(subject.find(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE)?).next()
}

/// The items of the frames, in order.
pub fn frames<'a>(subject: &Subject<'a>) -> impl Iterator<Item = Item<'a>> {
    let view = subject.view();
    let sequence = subject.find(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE);
    sequence.into_iter().flat_map(move |sequence| view.items(sequence))
}

/// A value of a group within the item of a frame or of all frames.
fn in_group<'a>(subject: &Subject<'a>, groups: Item<'a>, place: Place) -> Option<&'a Element> {
    let view = subject.view();
    let within = |group: Tag| {
        let item = view.items(groups.find(group)?).next()?;
        item.find(place.tag).filter(|element| has_value(element))
    };
    within(place.group)
        .or_else(|| within(tags::UNASSIGNED_SHARED_CONVERTED_ATTRIBUTES_SEQUENCE))
        .or_else(|| within(tags::UNASSIGNED_PER_FRAME_CONVERTED_ATTRIBUTES_SEQUENCE))
}

fn has_value(element: &Element) -> bool {
    element.length() > 0
}

/// The element with a value: at the top level, else of all frames, else of the first frame that has one.
#[must_use]
pub fn first<'a>(subject: &Subject<'a>, place: Place) -> Option<&'a Element> {
    let at_top = subject.find(place.tag).filter(|element| has_value(element));
    at_top
        .or_else(|| in_group(subject, shared(subject)?, place))
        .or_else(|| frames(subject).find_map(|frame| in_group(subject, frame, place)))
}

/// The elements with a value that hold for some frame: the one at the top level, else that of all frames, else those of the
/// frames, in order.
#[must_use]
pub fn every<'a>(subject: &Subject<'a>, place: Place) -> Vec<&'a Element> {
    let at_top = subject.find(place.tag).filter(|element| has_value(element));
    let of_all = at_top.or_else(|| in_group(subject, shared(subject)?, place));
    match of_all {
        Some(element) => vec![element],
        None => frames(subject).filter_map(|frame| in_group(subject, frame, place)).collect(),
    }
}

/// The numbers of [`first`]; none when it is absent, or has a value that is no number.
#[must_use]
pub fn numbers(subject: &Subject<'_>, place: Place) -> Vec<f64> {
    first(subject, place).map(|element| subject.view().numbers(element)).unwrap_or_default()
}

/// The first number of [`first`].
#[must_use]
pub fn number(subject: &Subject<'_>, place: Place) -> Option<f64> {
    numbers(subject, place).first().copied()
}

/// The first text of [`first`], decoded; `None` when it is absent or all padding.
#[must_use]
pub fn text(subject: &Subject<'_>, place: Place) -> Option<String> {
    let view = subject.view();
    let element = first(subject, place)?;
    let text = subject.charset().decode(view.bytes(element)?, view.vr(element));
    text.first().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// Those of the groups that are neither shared nor in every frame. All of them where there are no functional groups.
#[must_use]
pub fn lacking(subject: &Subject<'_>, groups: &[Tag]) -> Vec<Tag> {
    let view = subject.view();
    let has = |item: Item<'_>, group: Tag| {
        item.find(group).is_some_and(|sequence| view.items(sequence).next().is_some())
    };
    let of_all = shared(subject);
    let mut lacking: Vec<Tag> = groups
        .iter()
        .copied()
        .filter(|group| !of_all.is_some_and(|shared| has(shared, *group)))
        .collect();
    if lacking.is_empty() {
        return lacking;
    }
    // One walk over the frames, for objects with thousands of them.
    let mut in_every_frame = lacking.clone();
    let mut any = false;
    for frame in frames(subject) {
        any = true;
        in_every_frame.retain(|group| has(frame, *group));
        if in_every_frame.is_empty() {
            break;
        }
    }
    lacking.retain(|group| !any || !in_every_frame.contains(group));
    lacking
}

/// The items of a sequence that is at the top level or in a group.
pub fn items<'a>(subject: &Subject<'a>, place: Place) -> impl Iterator<Item = Item<'a>> {
    let view = subject.view();
    first(subject, place).into_iter().flat_map(move |sequence| view.items(sequence))
}
