//! The text in the pixels: on them (`burn-in`) or in rows below them (`strip`).
//!
//! A place is looked for in the picture, the text is drawn in values that are seen as white and black, and before anything is
//! planned it is measured that it can be read. Native pixels are patched where they stand; coded frames are repainted by a
//! codec, one at a time, and kept beside the plan.

mod burn_in;
mod look;
mod policy;
mod strip;

use crate::dicom::{Tag, VR, tags};
use crate::object::edit::{Edit, Filling, Made, NewElement, Patch};
use crate::object::{Element, HeaderView};

use super::layout::{Corner, Placement};
use super::{Job, Obstacle, StampMode};

pub(super) use burn_in::{burn_in, has_embedded_overlay};
pub(super) use look::{Text, free_place, text_of};
pub use policy::{BurnedInAnnotation, PixelPolicy, UidPolicy, forbids_text};
pub(super) use strip::strip;

/// What a mode changes, beside the record of it.
#[derive(Debug, Default)]
pub(super) struct Drawn {
    /// Changes of native pixels.
    pub patches: Vec<Patch>,
    /// Frames that were coded anew, and where they go.
    pub fillings: Option<(Made, Vec<Filling>)>,
    /// Changes of what stands around frames.
    pub edits: Vec<Edit>,
    /// Elements to set at the top level.
    pub elements: Vec<NewElement>,
    /// Elements to take out at the top level.
    pub removed: Vec<Tag>,
    /// What the Extended Offset Table and its lengths (7FE0,0001/0002) become, where they are there.
    pub extended_offsets: Option<(Vec<u8>, Vec<u8>)>,
    /// By how many bytes Pixel Data grows.
    pub growth: i64,
    /// The mode, where pixels are changed.
    pub in_pixels: Option<StampMode>,
    /// What the text says.
    pub text: String,
    /// Where it is.
    pub place: Option<Placement>,
}

impl Drawn {
    /// The corner that the text is in.
    pub fn corner(&self) -> Option<Corner> {
        self.place.map(|place| place.corner)
    }
}

/// Whether text may be put into the pixels of an object at all.
pub(super) fn may_draw(job: &Job<'_>) -> Result<(), Obstacle> {
    if forbids_text(job.sop_class) {
        return Err(Obstacle::ClassForbids);
    }
    let policy = &job.policy.pixels;
    let modality = job.view.string(tags::MODALITY).unwrap_or_default();
    let intent = job.view.string(tags::PRESENTATION_INTENT_TYPE).unwrap_or_default();
    if policy.kept.contains(&modality) || (intent == "FOR PROCESSING" && !policy.for_processing) {
        return Err(Obstacle::KeptAsTheyAre);
    }
    if policy.uid == UidPolicy::Keep && job.other_version {
        return Err(Obstacle::OtherVersion);
    }
    Ok(())
}

/// Smallest and Largest Image Pixel Value (0028,0106/0107), where they are there and what was painted lies beyond them.
fn extremes(view: &HeaderView, shades: impl Iterator<Item = i32> + Clone) -> Vec<NewElement> {
    let bounds = [
        (tags::SMALLEST_IMAGE_PIXEL_VALUE, shades.clone().min()),
        (tags::LARGEST_IMAGE_PIXEL_VALUE, shades.max()),
    ];
    let mut elements = Vec::new();
    for (tag, shade) in bounds {
        let found = view.find(tag).and_then(|element| Some((element, number(view, element)?)));
        let (Some((element, old)), Some(shade)) = (found, shade.map(i64::from)) else { continue };
        let is_smallest = tag == tags::SMALLEST_IMAGE_PIXEL_VALUE;
        let new = if is_smallest { old.min(shade) } else { old.max(shade) };
        if new == old {
            continue;
        }
        let vr = if view.vr(element) == VR::SS { VR::SS } else { VR::US };
        elements.push(NewElement::new(tag, vr, (new as u16).to_le_bytes().to_vec()));
    }
    elements
}

fn number(view: &HeaderView, element: &Element) -> Option<i64> {
    view.numbers(element).first().map(|number| *number as i64)
}
