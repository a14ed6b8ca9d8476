//! The private block in which an object carries what was decided about it.
//!
//! Group 0077, creator `MARKGATE 1.0` in the first free element of (0077,0010) to (0077,00FF), data in the block that
//! this reserves (PS3.5 §7.8.1). Nothing but this program need understand it: what others need stands in standard attributes.

use std::collections::HashSet;

use crate::dicom::{Tag, VR};
use crate::object::edit::NewElement;
use crate::object::{Element, HeaderView};

use super::Obstacle;

/// The private group.
pub const GROUP: u16 = 0x0077;
/// The private creator.
pub const CREATOR: &str = "MARKGATE 1.0";

/// Creators stand at (gggg,0010) to (gggg,00FF).
const FIRST_BLOCK: u16 = 0x10;
const LAST_BLOCK: u16 = 0xFF;

/// An element of the block, with its VR.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    /// The mark; empty when one was taken off.
    Mark,
    /// The scope's code.
    Scope,
    /// The codes of the items.
    Items,
    /// The accreditation that the mark rests on.
    Accreditation,
    /// The last day of that accreditation.
    ValidTo,
    /// `MARK` or `NONE`.
    Decision,
    /// The hash of the rules in force.
    Rules,
    /// When it was decided.
    Decided,
    /// The mode of the stamp.
    Mode,
}

impl Field {
    const ALL: [Self; 9] = [
        Self::Mark,
        Self::Scope,
        Self::Items,
        Self::Accreditation,
        Self::ValidTo,
        Self::Decision,
        Self::Rules,
        Self::Decided,
        Self::Mode,
    ];

    fn number(self) -> u16 {
        match self {
            Self::Mark => 0x01,
            Self::Scope => 0x02,
            Self::Items => 0x03,
            Self::Accreditation => 0x04,
            Self::ValidTo => 0x05,
            Self::Decision => 0x06,
            Self::Rules => 0x07,
            Self::Decided => 0x08,
            Self::Mode => 0x09,
        }
    }

    fn vr(self) -> VR {
        match self {
            Self::Mark | Self::Decision | Self::Mode => VR::CS,
            Self::Scope | Self::Items | Self::Accreditation | Self::Rules => VR::LO,
            Self::ValidTo => VR::DA,
            Self::Decided => VR::DT,
        }
    }
}

/// The block of an object: the one that it has, or the first free one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Block {
    number: u16,
}

impl Block {
    /// The block that the object has from us.
    pub fn existing(view: &HeaderView) -> Option<Self> {
        let ours = |element: &&Element| {
            creator_of(element.tag).is_some()
                && view.strings(element).first().is_some_and(|creator| creator == CREATOR)
        };
        view.top().find(ours).map(|element| Self { number: element.tag.element() })
    }

    /// The first block that nothing claims, neither by a creator nor by elements without one.
    pub fn first_free(view: &HeaderView) -> Result<Self, Obstacle> {
        let of_group = view.top().filter(|element| element.tag.group() == GROUP);
        let taken: HashSet<u16> = of_group
            .map(|element| {
                let number = element.tag.element();
                creator_of(element.tag).unwrap_or(number >> 8)
            })
            .collect();
        let free = (FIRST_BLOCK..=LAST_BLOCK).find(|number| !taken.contains(number));
        free.map(|number| Self { number }).ok_or(Obstacle::NoPrivateBlock)
    }

    /// The creator's tag.
    pub fn creator_tag(self) -> Tag {
        Tag(GROUP, self.number)
    }

    /// The tag of one of its elements.
    pub fn tag(self, field: Field) -> Tag {
        Tag(GROUP, self.number << 8 | field.number())
    }

    /// Whether it has this element.
    pub fn has(self, tag: Tag) -> bool {
        tag == self.creator_tag() || Field::ALL.into_iter().any(|field| tag == self.tag(field))
    }

    /// The creator.
    pub fn creator(self) -> NewElement {
        NewElement::new(self.creator_tag(), VR::LO, CREATOR)
    }

    /// One of its elements.
    pub fn element(self, field: Field, value: impl Into<Vec<u8>>) -> NewElement {
        NewElement::new(self.tag(field), field.vr(), value)
    }

    /// What the object has in it, creator first, as it stands.
    pub fn recorded(self, view: &HeaderView) -> Vec<NewElement> {
        let kept = |field: Field| {
            let element = view.find(self.tag(field))?;
            Some(self.element(field, view.bytes(element)?))
        };
        [self.creator()].into_iter().chain(Field::ALL.into_iter().filter_map(kept)).collect()
    }
}

/// The number of the block that a private creator element reserves.
fn creator_of(tag: Tag) -> Option<u16> {
    let number = tag.element();
    (tag.group() == GROUP && (FIRST_BLOCK..=LAST_BLOCK).contains(&number)).then_some(number)
}
