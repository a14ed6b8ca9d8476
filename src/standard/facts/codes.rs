//! Coded entries: PS3.3 §8.8.

use crate::dicom::{Tag, tags};
use crate::object::{Element, Item};
use crate::standard::subject::Subject;

/// Designators of SNOMED: its present one, and those of the numbers it had before.
const SNOMED: [&str; 4] = ["SCT", "SRT", "SNM3", "99SDM"];

/// A coded entry: its value and the scheme that it is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// Code Value (0008,0100).
    pub value: String,
    /// Coding Scheme Designator (0008,0102).
    pub scheme: String,
}

impl Code {
    /// The entry that an item is; `None` without value or scheme.
    #[must_use]
    pub fn of(item: Item<'_>) -> Option<Self> {
        let value = item.string(tags::CODE_VALUE)?;
        Some(Self { value, scheme: item.string(tags::CODING_SCHEME_DESIGNATOR)? })
    }

    /// Its value, if it is one of SNOMED, whichever generation of its numbers (PS3.16 §8.1).
    #[must_use]
    pub fn snomed(&self) -> Option<&str> {
        SNOMED.contains(&self.scheme.as_str()).then_some(self.value.as_str())
    }
}

/// The entries of a code sequence at the top level, in their order.
pub fn codes<'s>(subject: &Subject<'s>, sequence: Tag) -> impl Iterator<Item = Code> + 's {
    items(subject, sequence).filter_map(Code::of)
}

/// The items of a sequence at the top level.
pub fn items<'s>(subject: &Subject<'s>, sequence: Tag) -> impl Iterator<Item = Item<'s>> + 's {
    let view = subject.view();
    let items = move |sequence: &'s Element| view.items(sequence);
    view.find(sequence).into_iter().flat_map(items)
}

/// The entries of a code sequence that stands in an item.
pub fn codes_in<'s>(
    subject: &Subject<'s>,
    item: Item<'s>,
    sequence: Tag,
) -> impl Iterator<Item = Code> + 's {
    let view = subject.view();
    let items = move |sequence: &'s Element| view.items(sequence);
    item.find(sequence).into_iter().flat_map(items).filter_map(Code::of)
}
