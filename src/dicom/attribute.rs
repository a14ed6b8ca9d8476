//! Attributes by keyword and by tag, and paths that name one inside sequences.

use std::fmt;

use dicom_core::dictionary::{DataDictionary as _, DataDictionaryEntry as _, TagRange, VirtualVr};
use dicom_core::{Tag, VR};
use dicom_dictionary_std::StandardDataDictionary;

/// The tag that a keyword of PS3.6 stands for, `PatientID` for instance. Keywords of repeating groups
/// (`OverlayRows`) give the first group.
#[must_use]
pub fn tag_of(keyword: &str) -> Option<Tag> {
    let entry = StandardDataDictionary.by_name(keyword)?;
    match entry.tag {
        TagRange::Single(tag) | TagRange::Group100(tag) | TagRange::Element100(tag) => Some(tag),
        TagRange::GroupLength | TagRange::PrivateCreator => None,
    }
}

/// The keyword of a tag, or its number `(gggg,eeee)` where the dictionary has none.
#[must_use]
pub fn keyword_of(tag: Tag) -> String {
    StandardDataDictionary
        .by_tag(tag)
        .map_or_else(|| number_of(tag), |entry| entry.alias().to_owned())
}

/// A tag as the standard prints it: `(0010,0020)`.
#[must_use]
pub fn number_of(tag: Tag) -> String {
    format!("({:04X},{:04X})", tag.group(), tag.element())
}

/// The VR that the dictionary gives a tag. Where it depends on other elements (`US or SS`, `OB or OW`) the variant says so.
#[must_use]
pub fn vr_of(tag: Tag) -> Option<VirtualVr> {
    StandardDataDictionary.by_tag(tag).map(|entry| entry.vr())
}

/// The VR to write an element of the dictionary with: the exact one, `OW` or `US` where several are possible,
/// `UN` where none is known.
#[must_use]
pub fn relaxed_vr_of(tag: Tag) -> VR {
    vr_of(tag).map_or(VR::UN, VirtualVr::relaxed)
}

/// One step from a data set to an attribute in it: a sequence and the position of one of its items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Step {
    /// The sequence.
    pub sequence: Tag,
    /// The item, counted from 0.
    pub item: u32,
}

/// Where an attribute stands: the sequence items that lead to it, outermost first, and its tag.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AttributePath {
    /// The way in; empty for an attribute at the top level.
    pub steps: Vec<Step>,
    /// The attribute.
    pub tag: Tag,
}

impl AttributePath {
    /// An attribute at the top level of the data set.
    #[must_use]
    pub fn top(tag: Tag) -> Self {
        Self { steps: Vec::new(), tag }
    }

    /// An attribute in item `item` of the top-level sequence `sequence`.
    #[must_use]
    pub fn within(sequence: Tag, item: u32, tag: Tag) -> Self {
        Self { steps: vec![Step { sequence, item }], tag }
    }
}

impl fmt::Display for AttributePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            write!(f, "{}[{}].", keyword_of(step.sequence), step.item)?;
        }
        f.write_str(&keyword_of(self.tag))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dicom_dictionary_std::tags;

    #[test]
    fn keywords_and_tags_lead_to_each_other() {
        assert_eq!(tag_of("InstitutionName"), Some(tags::INSTITUTION_NAME));
        assert_eq!(keyword_of(tags::INSTITUTION_NAME), "InstitutionName");
        assert_eq!(tag_of("NoSuchKeyword"), None);
        assert_eq!(keyword_of(Tag(0x0077, 0x1001)), "(0077,1001)");
    }

    #[test]
    fn the_vr_of_pixel_dependent_elements_is_a_choice() {
        assert_eq!(relaxed_vr_of(tags::PATIENT_NAME), VR::PN);
        assert_eq!(vr_of(tags::SMALLEST_IMAGE_PIXEL_VALUE), Some(VirtualVr::Xs));
        assert_eq!(relaxed_vr_of(Tag(0x0077, 0x1001)), VR::UN);
    }

    #[test]
    fn a_path_prints_its_way_in() {
        let path =
            AttributePath::within(tags::ORIGINAL_ATTRIBUTES_SEQUENCE, 0, tags::MODIFYING_SYSTEM);
        assert_eq!(path.to_string(), "OriginalAttributesSequence[0].ModifyingSystem");
    }
}
