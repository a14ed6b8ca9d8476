//! Whether elements say the same before and after their text was written in another character set.

use crate::dicom::charset::CharacterSet;
use crate::dicom::tags;
use crate::object::{Element, HeaderView, Item, Kind};

use super::character_set::is_text;

/// An element, and what it is read with.
#[derive(Clone, Copy)]
pub(super) struct Wording<'a> {
    /// Where it stands.
    pub view: &'a HeaderView,
    /// The element.
    pub element: &'a Element,
    /// The character set that holds around it.
    pub set: &'a CharacterSet,
}

impl Wording<'_> {
    /// Whether another element says the same: text reads alike, all else has the same bytes, at any depth. `stays`: whether an element
    /// of this side is left as it was; asked where a value is too large to be at hand.
    pub fn is_that_of(self, other: Wording<'_>, stays: &dyn Fn(&Element) -> bool) -> bool {
        let (one, two) = (self.element, other.element);
        if (one.tag, one.kind, one.vr) != (two.tag, two.kind, two.vr) {
            return false;
        }
        match one.kind {
            Kind::Sequence => pairs(self.view.items(one), other.view.items(two), |one, two| {
                let (was, is) = (declared(self.view, &one), declared(other.view, &two));
                let (was, is) =
                    (was.as_ref().unwrap_or(self.set), is.as_ref().unwrap_or(other.set));
                pairs(one.elements(), two.elements(), |one, two| {
                    let one = Wording { element: one, set: was, ..self };
                    one.is_that_of(Wording { element: two, set: is, ..other }, stays)
                })
            }),
            Kind::Fragments => {
                let (one, two) = (self.view.fragments(one), other.view.fragments(two));
                pairs(one, two, |one, two| {
                    let one = Wording { element: one, ..self };
                    one.is_that_of(Wording { element: two, ..other }, stays)
                })
            }
            Kind::Value | Kind::Item | Kind::Fragment => self.has_the_value_of(other, stays),
        }
    }

    fn has_the_value_of(self, other: Wording<'_>, stays: &dyn Fn(&Element) -> bool) -> bool {
        let (one, two) = (self.view.bytes(self.element), other.view.bytes(other.element));
        let (Some(one), Some(two)) = (one, two) else {
            return self.element.length() == other.element.length() && stays(self.element);
        };
        let vr = self.view.vr(self.element);
        is_text(vr) && self.set.decode(one, vr).values == other.set.decode(two, vr).values
            || !is_text(vr) && one == two
            // A group length (gggg,0000) follows what is in its group.
            || self.element.tag.element() == 0
    }
}

/// The character set that an item declares for itself (PS3.3 C.12.1.1.2).
fn declared(view: &HeaderView, item: &Item<'_>) -> Option<CharacterSet> {
    let declared = view.bytes(item.find(tags::SPECIFIC_CHARACTER_SET)?)?;
    Some(CharacterSet::declared(&String::from_utf8_lossy(declared)))
}

/// Whether there are as many of one as of the other, and each pair is alike.
fn pairs<A, B>(
    mut one: impl Iterator<Item = A>,
    mut two: impl Iterator<Item = B>,
    mut alike: impl FnMut(A, B) -> bool,
) -> bool {
    one.all(|a| two.next().is_some_and(|b| alike(a, b))) && two.next().is_none()
}
