//! The text beside values that are copied: one character set must hold both.

use crate::dicom::charset::CharacterSet;
use crate::dicom::{VR, tags};
use crate::object::edit::{NewElement, NewValue};
use crate::stamp::CharsetPolicy;

use super::facts::Identity;
use super::refusal::Refusal;
use super::{StateJob, Words};

/// The copied elements, the declaration of their character set first, and the text in it.
pub(super) struct Written {
    pub elements: Vec<NewElement>,
    pub text: Vec<u8>,
}

/// Writes the text in the images' own character set, else in a wider one by the site's policy, else the Latin text: the order
/// that Institution Name follows.
pub(super) fn written(identity: &Identity, job: &StateJob<'_>) -> Result<Written, Refusal> {
    let Identity { elements, charset: declared } = identity;
    let Words { text, latin } = job.words;
    // Where the source's text is read otherwise than declared, both readings must come to the same.
    let agreed = |text: &str| {
        let bytes = declared.encode(text, VR::ST).ok()?;
        let is_agreed =
            job.read_as == declared || job.read_as.encode(text, VR::ST).as_ref() == Ok(&bytes);
        is_agreed.then_some(bytes)
    };
    if let Some(text) = agreed(text) {
        return Ok(with(declared, elements.clone(), text));
    }
    let may_widen = job.read_as == declared && !is_wrongly_declared(elements, declared);
    if let Some((set, elements)) =
        may_widen.then(|| widened(elements, declared, job.charset, text)).flatten()
        && let Ok(text) = set.encode(text, VR::ST)
    {
        return Ok(with(&set, elements, text));
    }
    let text = latin.and_then(agreed).ok_or(Refusal::NotEncodable)?;
    Ok(with(declared, elements.clone(), text))
}

fn with(set: &CharacterSet, mut elements: Vec<NewElement>, text: Vec<u8>) -> Written {
    if !set.declaration().is_empty() {
        let declaration = set.declaration();
        elements.insert(0, NewElement::new(tags::SPECIFIC_CHARACTER_SET, VR::CS, declaration));
    }
    Written { elements, text }
}

fn widened(
    elements: &[NewElement],
    declared: &CharacterSet,
    policy: CharsetPolicy,
    text: &str,
) -> Option<(CharacterSet, Vec<NewElement>)> {
    let anew = |term| {
        let set = CharacterSet::declared(term);
        let elements: Option<Vec<NewElement>> =
            elements.iter().map(|element| rewritten(element, declared, &set)).collect();
        Some((set, elements?))
    };
    match policy {
        CharsetPolicy::Latin => None,
        CharsetPolicy::Extend => Some((declared.extended_for(text)?.set, elements.to_vec())),
        CharsetPolicy::Gb18030 => anew("GB18030"),
        CharsetPolicy::Utf8 => anew("ISO_IR 192"),
    }
}

/// Whether some copied text is not what its declaration says.
fn is_wrongly_declared(elements: &[NewElement], declared: &CharacterSet) -> bool {
    !declared.unknown_terms().is_empty()
        || texts(elements).any(|(vr, bytes)| {
            declared.misdeclared(bytes).is_some() || declared.decode(bytes, vr).faulty
        })
}

fn texts(elements: &[NewElement]) -> impl Iterator<Item = (VR, &[u8])> {
    elements.iter().filter_map(|element| match &element.value {
        NewValue::Bytes(bytes) if is_text(element.vr) => Some((element.vr, bytes.as_slice())),
        NewValue::Bytes(_) | NewValue::Items(_) => None,
    })
}

/// Those of the copied elements' VRs that (0008,0005) governs (PS3.5 §6.1.2.2).
fn is_text(vr: VR) -> bool {
    matches!(vr, VR::SH | VR::LO | VR::PN)
}

/// A copied element in another set; `None` where that cannot hold it.
fn rewritten(
    element: &NewElement,
    declared: &CharacterSet,
    set: &CharacterSet,
) -> Option<NewElement> {
    let NewValue::Bytes(bytes) = &element.value else { return Some(element.clone()) };
    if !is_text(element.vr) {
        return Some(element.clone());
    }
    let decoded = declared.decode(bytes, element.vr);
    let values: Option<Vec<Vec<u8>>> =
        decoded.values.iter().map(|value| set.encode(value, element.vr).ok()).collect();
    Some(NewElement::new(element.tag, element.vr, values?.join(&b'\\')))
}
