//! Mode `overlay`: the text as an overlay plane of its own (PS3.3 C.9.2), which a viewer can switch off. It is no larger than the
//! text, so Overlay Origin (60xx,0050) says where it stands.

use dicom_dictionary_std::uids;

use crate::dicom::{Tag, VR, tags};
use crate::object::HeaderView;
use crate::object::edit::NewElement;
use crate::recognition::ScopeCode;

use super::layout::{Corner, Placement};
use super::pixels::{Drawn, Text, text_of};
use super::{Job, Obstacle};

/// Pixels between the text and the edge of the image, where no corner was looked for.
const MARGIN: u32 = 4;

/// Covered by letters from this on, a bit is set.
const INK: u8 = 128;

/// The text as a plane; `place` is where the pixels are free, if that is known.
///
/// # Errors
/// When the SOP class has no overlays, all groups are taken, or the image is too small.
pub(super) fn overlay(
    job: &Job<'_>,
    mark: &ScopeCode,
    free: impl FnOnce(Vec<Text>) -> Option<(Text, Placement)>,
) -> Result<Drawn, Obstacle> {
    if !may_have_overlays(job.sop_class) {
        return Err(Obstacle::ClassForbids);
    }
    let view = job.view;
    let size = |tag| {
        let number = view.find(tag).and_then(|element| view.numbers(element).first().copied());
        number.filter(|number| (1.0..=65535.0).contains(number)).map(|number| number as u16)
    };
    let (Some(rows), Some(columns)) = (size(tags::ROWS), size(tags::COLUMNS)) else {
        return Err(Obstacle::Contradiction(tags::ROWS));
    };
    let group = free_group(view).ok_or(Obstacle::NoOverlayGroup)?;
    let fits = |texts: Vec<Text>| texts.into_iter().find_map(|text| corner(text, rows, columns));
    let (text, place) = free(text_of(job, mark, rows)?)
        .or_else(|| text_of(job, mark, rows).ok().and_then(fits))
        .ok_or(Obstacle::TooSmall)?;
    let elements = plane(group, &text, &place);
    Ok(Drawn { elements, text: text.line.text, place: Some(place), ..Drawn::default() })
}

/// The lower right corner: an overlay hides nothing for good.
fn corner(text: Text, rows: u16, columns: u16) -> Option<(Text, Placement)> {
    let (width, height) = (text.lettering.width, text.lettering.height);
    let x = u32::from(columns).checked_sub(width + MARGIN)?;
    let y = u32::from(rows).checked_sub(height + MARGIN)?;
    let place = Placement {
        corner: Corner::BottomRight,
        x: x as u16,
        y: y as u16,
        width: width as u16,
        height: height as u16,
    };
    Some((text, place))
}

/// Whether the Overlay Plane Module is usual in a SOP class: the multi-frame classes with functional groups have none.
#[must_use]
pub fn may_have_overlays(sop_class: &str) -> bool {
    matches!(
        sop_class,
        uids::COMPUTED_RADIOGRAPHY_IMAGE_STORAGE
            | uids::DIGITAL_X_RAY_IMAGE_STORAGE_FOR_PRESENTATION
            | uids::DIGITAL_X_RAY_IMAGE_STORAGE_FOR_PROCESSING
            | uids::DIGITAL_MAMMOGRAPHY_X_RAY_IMAGE_STORAGE_FOR_PRESENTATION
            | uids::DIGITAL_MAMMOGRAPHY_X_RAY_IMAGE_STORAGE_FOR_PROCESSING
            | uids::CT_IMAGE_STORAGE
            | uids::MR_IMAGE_STORAGE
            | uids::X_RAY_ANGIOGRAPHIC_IMAGE_STORAGE
            | uids::X_RAY_RADIOFLUOROSCOPIC_IMAGE_STORAGE
            | uids::ULTRASOUND_IMAGE_STORAGE
            | uids::ULTRASOUND_MULTI_FRAME_IMAGE_STORAGE
            | uids::NUCLEAR_MEDICINE_IMAGE_STORAGE
            | uids::POSITRON_EMISSION_TOMOGRAPHY_IMAGE_STORAGE
            | uids::SECONDARY_CAPTURE_IMAGE_STORAGE
    )
}

/// The first group of 6000 to 601E that nothing uses.
fn free_group(view: &HeaderView) -> Option<u16> {
    let is_free = |group: &u16| !view.top().any(|element| element.tag.group() == *group);
    (0x6000..=0x601E).step_by(2).find(is_free)
}

fn plane(group: u16, text: &Text, place: &Placement) -> Vec<NewElement> {
    let us = |element: u16, number: u16| {
        NewElement::new(Tag(group, element), VR::US, number.to_le_bytes().to_vec())
    };
    let text_of = |element: u16, vr, text: &str| NewElement::new(Tag(group, element), vr, text);
    let origin = [place.y + 1, place.x + 1].map(u16::to_le_bytes).concat();
    vec![
        us(0x0010, place.height),
        us(0x0011, place.width),
        text_of(0x0022, VR::LO, "Mutual recognition mark"),
        text_of(0x0040, VR::CS, "G"),
        text_of(0x0045, VR::CS, "AUTOMATED"),
        NewElement::new(Tag(group, 0x0050), VR::SS, origin),
        us(0x0100, 1),
        us(0x0102, 0),
        text_of(0x1500, VR::LO, "MRMARK"),
        NewElement::new(Tag(group, 0x3000), VR::OW, bits(&text.lettering.ink)),
    ]
}

/// One bit a pixel, the first in the least significant bit of a word (PS3.5 §8.1.2).
fn bits(ink: &[u8]) -> Vec<u8> {
    let word = |pixels: &[u8]| {
        let set = pixels.iter().enumerate().filter(|(_, cover)| **cover >= INK);
        set.fold(0_u16, |word, (bit, _)| word | 1 << bit).to_le_bytes()
    };
    ink.chunks(16).flat_map(word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_are_packed_from_the_least_significant_bit() {
        let mut ink = vec![0; 17];
        (ink[0], ink[9], ink[10], ink[16]) = (255, 128, 127, 200);
        assert_eq!(bits(&ink), [0x01, 0x02, 0x01, 0x00]);
    }
}
