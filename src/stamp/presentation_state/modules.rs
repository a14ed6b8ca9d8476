//! The modules of a presentation state (PS3.3 A.33.1, A.33.2), as elements.

use crate::base::time::dicom_datetime;
use crate::dicom::uid::Uid;
use crate::dicom::{Tag, VR, tags};
use crate::object::edit::NewElement;
use crate::stamp::attributes::{PRODUCT, cut};

use super::facts::Look;
use super::images::{Common, Group, Images};
use super::profile::srgb;
use super::{Corner, NewObject, StateJob};

const GRAYSCALE: &str = "1.2.840.10008.5.1.4.1.1.11.1";
const COLOUR: &str = "1.2.840.10008.5.1.4.1.1.11.2";

/// The layer of the text, and the label of the presentation state.
const LABEL: &str = "MRMARK";

/// The layer of the images' own overlays.
const OVERLAYS: &str = "OVERLAYS";

const DESCRIPTION: &str = "Mutual recognition mark";

/// White, as a P-Value.
const WHITE: u16 = 0xFFFF;

/// White, as L*, a*, b* (PS3.3 C.10.7.1.1).
const WHITE_LAB: [u16; 3] = [0xFFFF, 0x8080, 0x8080];

/// Between the text and the edge, as a part of the display.
const MARGIN: f32 = 0.01;

/// The height of the box of the text, as a part of the display.
const HEIGHT: f32 = 0.04;

/// The width that a Latin letter gets, half of what a Han character gets, as a part of the display.
const LETTER: f32 = 0.012;

pub(super) fn sop_class(look: Look) -> &'static str {
    match look {
        Look::Grey { .. } => GRAYSCALE,
        Look::Colour => COLOUR,
    }
}

/// SOP Common, General Series, Presentation Series, General Equipment and Presentation State Identification.
pub(super) fn identification(object: &NewObject, job: &StateJob<'_>) -> Vec<NewElement> {
    let when = dicom_datetime(job.now, job.timezone);
    // YYYYMMDD, then HHMMSS.FFFFFF, then the offset, which DA and TM have no room for.
    let date = when.get(..8).unwrap_or_default();
    let time = when.get(8..21).unwrap_or_default();
    let text = |tag: Tag, vr: VR, value: &str| NewElement::new(tag, vr, value);
    vec![
        text(tags::INSTANCE_CREATION_DATE, VR::DA, date),
        text(tags::INSTANCE_CREATION_TIME, VR::TM, time),
        text(tags::SOP_CLASS_UID, VR::UI, object.sop_class),
        text(tags::SOP_INSTANCE_UID, VR::UI, object.sop_instance.as_str()),
        text(tags::STUDY_INSTANCE_UID, VR::UI, object.study.as_str()),
        text(tags::SERIES_DATE, VR::DA, date),
        text(tags::SERIES_TIME, VR::TM, time),
        text(tags::MODALITY, VR::CS, "PR"),
        text(tags::SERIES_DESCRIPTION, VR::LO, DESCRIPTION),
        text(tags::SERIES_INSTANCE_UID, VR::UI, object.series.as_str()),
        text(tags::SERIES_NUMBER, VR::IS, ""),
        // Type 2C: validators want it, and the images may be of a paired part.
        text(tags::LATERALITY, VR::CS, ""),
        text(tags::INSTANCE_NUMBER, VR::IS, "1"),
        text(tags::MANUFACTURER, VR::LO, PRODUCT),
        text(tags::STATION_NAME, VR::SH, job.provenance.ae.as_str()),
        text(tags::MANUFACTURER_MODEL_NAME, VR::LO, PRODUCT),
        text(tags::SOFTWARE_VERSIONS, VR::LO, &cut(&job.provenance.version)),
        text(tags::CONTENT_LABEL, VR::CS, LABEL),
        text(tags::CONTENT_DESCRIPTION, VR::LO, DESCRIPTION),
        text(tags::PRESENTATION_CREATION_DATE, VR::DA, date),
        text(tags::PRESENTATION_CREATION_TIME, VR::TM, time),
        text(tags::CONTENT_CREATOR_NAME, VR::PN, ""),
    ]
}

/// Presentation State Relationship, Displayed Area, and how the images are shown.
pub(super) fn look(images: &Images, common: &Common) -> Vec<NewElement> {
    let shared = &common.shared;
    let series = vec![
        references(images.references()),
        NewElement::new(tags::SERIES_INSTANCE_UID, VR::UI, shared.series.as_str()),
    ];
    let mut elements = vec![
        NewElement::sequence(tags::REFERENCED_SERIES_SEQUENCE, vec![series]),
        NewElement::sequence(
            tags::DISPLAYED_AREA_SELECTION_SEQUENCE,
            items(images.areas(), images.len()),
        ),
    ];
    elements.extend(shared.modality_lut.iter().cloned());
    elements.extend(shared.shutter.iter().cloned());
    let windows = images.windows();
    if !windows.is_empty() {
        let items = items(windows, images.len());
        elements.push(NewElement::sequence(tags::SOFTCOPY_VOILUT_SEQUENCE, items));
    }
    match (shared.look, &shared.profile) {
        (Look::Grey { lowest_is_white }, _) => {
            // PS3.4 N.2.1.4: it takes the place of Photometric Interpretation.
            let shape = if lowest_is_white { "INVERSE" } else { "IDENTITY" };
            elements.push(NewElement::new(tags::PRESENTATION_LUT_SHAPE, VR::CS, shape));
        }
        (Look::Colour, Some(profile)) => elements.push(profile.clone()),
        (Look::Colour, None) => {
            elements.push(NewElement::new(tags::ICC_PROFILE, VR::OB, srgb()));
            elements.push(NewElement::new(tags::COLOR_SPACE, VR::CS, "SRGB"));
        }
    }
    elements
}

/// Graphic Annotation, Graphic Layer, and Overlay Activation: an overlay of an image that is not activated is not shown
/// (PS3.3 C.11.7).
pub(super) fn annotation(
    images: &Images,
    common: &Common,
    job: &StateJob<'_>,
    text: &[u8],
) -> Vec<NewElement> {
    let mut elements: Vec<NewElement> = images
        .overlays()
        .map(|group| NewElement::new(Tag(group, 0x1001), VR::CS, OVERLAYS))
        .collect();
    let mut layers = Vec::new();
    if !elements.is_empty() {
        layers.push(layer(OVERLAYS, 1));
    }
    let order = layers.len() + 1;
    let mut own = layer(LABEL, order);
    own.push(NewElement::new(tags::GRAPHIC_LAYER_DESCRIPTION, VR::LO, DESCRIPTION));
    own.push(match common.shared.look {
        Look::Grey { .. } => {
            let tag = tags::GRAPHIC_LAYER_RECOMMENDED_DISPLAY_GRAYSCALE_VALUE;
            NewElement::new(tag, VR::US, WHITE.to_le_bytes())
        }
        Look::Colour => {
            let tag = tags::GRAPHIC_LAYER_RECOMMENDED_DISPLAY_CIE_LAB_VALUE;
            NewElement::new(tag, VR::US, WHITE_LAB.map(u16::to_le_bytes).concat())
        }
    });
    layers.push(own);
    elements.push(NewElement::sequence(tags::GRAPHIC_LAYER_SEQUENCE, layers));
    let annotation = vec![
        NewElement::new(tags::GRAPHIC_LAYER, VR::CS, LABEL),
        NewElement::sequence(tags::TEXT_OBJECT_SEQUENCE, vec![text_object(job, text)]),
    ];
    elements.push(NewElement::sequence(tags::GRAPHIC_ANNOTATION_SEQUENCE, vec![annotation]));
    elements
}

fn layer(name: &str, order: usize) -> Vec<NewElement> {
    vec![
        NewElement::new(tags::GRAPHIC_LAYER, VR::CS, name),
        NewElement::new(tags::GRAPHIC_LAYER_ORDER, VR::IS, order.to_string()),
    ]
}

/// The text in its corner. In units of the display it stays there when the image is enlarged or moved.
fn text_object(job: &StateJob<'_>, text: &[u8]) -> Vec<NewElement> {
    let letters: u16 = job.words.text.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum();
    let width = (f32::from(letters) * LETTER).min(1.0 - 2.0 * MARGIN);
    let (is_right, is_bottom) = match job.corner {
        Corner::TopLeft => (false, false),
        Corner::TopRight => (true, false),
        Corner::BottomLeft => (false, true),
        Corner::BottomRight => (true, true),
    };
    let left = if is_right { 1.0 - MARGIN - width } else { MARGIN };
    let top = if is_bottom { 1.0 - MARGIN - HEIGHT } else { MARGIN };
    let point = |tag, column: f32, row: f32| {
        NewElement::new(tag, VR::FL, [column.to_le_bytes(), row.to_le_bytes()].concat())
    };
    let justified = if is_right { "RIGHT" } else { "LEFT" };
    vec![
        NewElement::new(tags::BOUNDING_BOX_ANNOTATION_UNITS, VR::CS, "DISPLAY"),
        NewElement::new(tags::UNFORMATTED_TEXT_VALUE, VR::ST, text),
        point(tags::BOUNDING_BOX_TOP_LEFT_HAND_CORNER, left, top),
        point(tags::BOUNDING_BOX_BOTTOM_RIGHT_HAND_CORNER, left + width, top + HEIGHT),
        NewElement::new(tags::BOUNDING_BOX_TEXT_HORIZONTAL_JUSTIFICATION, VR::CS, justified),
    ]
}

/// An item for each group. What holds for all images names none (PS3.3 C.10.4, C.11.8).
fn items(groups: Vec<Group<'_>>, images: usize) -> Vec<Vec<NewElement>> {
    let item = |group: Group<'_>| {
        let mut item = group.elements.to_vec();
        if group.images.len() < images {
            item.push(references(group.images.into_iter()));
        }
        item
    };
    groups.into_iter().map(item).collect()
}

/// A Referenced Image Sequence (PS3.3 table 10-3); all frames of each image.
fn references<'a>(images: impl Iterator<Item = (&'a Uid, &'a Uid)>) -> NewElement {
    let item = |(class, instance): (&Uid, &Uid)| {
        vec![
            NewElement::new(tags::REFERENCED_SOP_CLASS_UID, VR::UI, class.as_str()),
            NewElement::new(tags::REFERENCED_SOP_INSTANCE_UID, VR::UI, instance.as_str()),
        ]
    };
    NewElement::sequence(tags::REFERENCED_IMAGE_SEQUENCE, images.map(item).collect())
}
