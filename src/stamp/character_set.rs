//! What to do where the declared character set cannot hold the institution's name.
//!
//! (0008,0005) is only ever changed where it can be trusted. Under a wrong declaration every reader guesses, and a new one
//! would make guesses that came right come wrong.

use std::collections::{HashMap, HashSet};

use crate::dicom::attribute::{AttributePath, Step};
use crate::dicom::charset::CharacterSet;
use crate::dicom::{VR, tags};
use crate::object::edit::NewElement;
use crate::object::{Element, HeaderView, Kind, Reach};

/// Values that re-encoding changes at most; a real object has a few dozen.
const MOST_VALUES: usize = 1_000;

/// What to do where the declared character set cannot hold the institution's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum CharsetPolicy {
    /// Add a code extension that can; all other bytes keep their meaning.
    #[default]
    Extend,
    /// Use the institution's Latin name.
    Latin,
    /// Write all text anew in GB18030.
    Gb18030,
    /// Write all text anew in UTF-8 (ISO_IR 192).
    Utf8,
}

/// A character set to declare, and what must be written anew under it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Widened {
    /// The set, whose declaration is to be written.
    pub set: CharacterSet,
    /// Text that reads the same under it once it is written so.
    pub rewritten: Vec<(AttributePath, NewElement)>,
}

/// A set that can hold `text`, by what the policy allows; `None` where the object's own declaration cannot be trusted or
/// the policy gives none.
pub(super) fn widened(
    view: &HeaderView,
    declared: &CharacterSet,
    policy: CharsetPolicy,
    text: &str,
) -> Option<Widened> {
    let anew = |term| rewritten(view, declared, CharacterSet::declared(term));
    let widened = match policy {
        CharsetPolicy::Latin => return None,
        CharsetPolicy::Extend => {
            let set = declared.extended_for(text)?.set;
            Widened { set, rewritten: Vec::new() }
        }
        CharsetPolicy::Gb18030 => anew("GB18030")?,
        CharsetPolicy::Utf8 => anew("ISO_IR 192")?,
    };
    (!is_wrongly_declared(view, declared)).then_some(widened)
}

/// Whether some text of the data set is not what its declaration says.
fn is_wrongly_declared(view: &HeaderView, declared: &CharacterSet) -> bool {
    !declared.unknown_terms().is_empty()
        || view.reach() != Reach::Whole
        || governed(view).any(|element| match view.bytes(element) {
            Some(bytes) => {
                declared.misdeclared(bytes).is_some()
                    || declared.decode(bytes, view.vr(element)).faulty
            }
            // Nobody has looked.
            None => element.length() > 0,
        })
}

/// The text of the data set in another set. `None` when some of it is too large to have been kept, does not
/// decode or cannot be encoded.
fn rewritten(view: &HeaderView, declared: &CharacterSet, set: CharacterSet) -> Option<Widened> {
    let ordinals = ordinals(view);
    let mut rewritten = Vec::new();
    for element in governed(view) {
        let vr = view.vr(element);
        let bytes = match view.bytes(element) {
            Some(bytes) => bytes,
            None if element.length() == 0 => continue,
            None => return None,
        };
        let text = declared.decode(bytes, vr);
        if text.faulty {
            return None;
        }
        let mut value = Vec::with_capacity(bytes.len());
        for (index, part) in text.values.iter().enumerate() {
            if index > 0 {
                value.push(b'\\');
            }
            value.extend(set.encode(part, vr).ok()?);
        }
        if value.trim_ascii() == bytes.trim_ascii() {
            continue;
        }
        if rewritten.len() == MOST_VALUES {
            return None;
        }
        let path = path_to(view, element, &ordinals)?;
        rewritten.push((path, NewElement::new(element.tag, vr, value)));
    }
    Some(Widened { set, rewritten })
}

/// The text elements that the data set's own declaration governs: those at any depth, save in items that declare
/// a set of their own.
fn governed(view: &HeaderView) -> impl Iterator<Item = &Element> {
    let declares = |element: &&Element| element.tag == tags::SPECIFIC_CHARACTER_SET;
    let own: HashSet<u32> =
        view.elements().iter().filter(declares).filter_map(|element| element.parent).collect();
    view.elements().iter().filter(move |element| {
        element.kind == Kind::Value
            && is_text(view.vr(element))
            && !enclosing(view, element).any(|item| own.contains(&item.index()))
    })
}

/// The VRs that (0008,0005) governs (PS3.5 §6.1.2.2).
pub(super) fn is_text(vr: VR) -> bool {
    matches!(vr, VR::SH | VR::LO | VR::ST | VR::LT | VR::PN | VR::UC | VR::UT)
}

/// The items and sequences around an element, innermost first.
fn enclosing<'v>(
    view: &'v HeaderView,
    element: &'v Element,
) -> impl Iterator<Item = &'v Element> + use<'v> {
    let parent = |of: &'v Element| view.elements().get(of.parent? as usize);
    std::iter::successors(parent(element), move |container| parent(container))
}

/// The place of each item in its sequence, by the item's index.
fn ordinals(view: &HeaderView) -> HashMap<u32, u32> {
    let mut counts: HashMap<u32, u32> = HashMap::new();
    let mut ordinals = HashMap::new();
    for item in view.elements().iter().filter(|element| element.kind == Kind::Item) {
        if let Some(sequence) = item.parent {
            let count = counts.entry(sequence).or_default();
            ordinals.insert(item.index(), *count);
            *count += 1;
        }
    }
    ordinals
}

fn path_to(
    view: &HeaderView,
    element: &Element,
    ordinals: &HashMap<u32, u32>,
) -> Option<AttributePath> {
    let containers: Vec<&Element> = enclosing(view, element).collect();
    let mut steps = Vec::with_capacity(containers.len() / 2);
    for pair in containers.chunks(2) {
        let [item, sequence] = pair else { return None };
        steps.push(Step { sequence: sequence.tag, item: *ordinals.get(&item.index())? });
    }
    steps.reverse();
    Some(AttributePath { steps, tag: element.tag })
}
