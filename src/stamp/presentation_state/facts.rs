//! What a presentation state must know of an image in order to show it as it is shown without.

use crate::dicom::charset::CharacterSet;
use crate::dicom::photometric::Photometric;
use crate::dicom::uid::Uid;
use crate::dicom::{Tag, VR, tags};
use crate::object::edit::NewElement;
use crate::object::{Element, HeaderView, Item, Kind};

use super::refusal::{Aspect, Refusal};

/// XA and XRF images have a Modality LUT for subtraction, which some viewers apply when they show them and some do not
/// (PS3.3 C.8.7.1.1.2).
pub(super) const FOR_SUBTRACTION: [&str; 3] = [
    "1.2.840.10008.5.1.4.1.1.12.1",
    "1.2.840.10008.5.1.4.1.1.12.2",
    "1.2.840.10008.5.1.4.1.1.12.3",
];

/// Attributes of the Patient, Patient Study and General Study Modules that are copied, empty ones too.
const NAMED: [(Tag, VR); 9] = [
    (tags::STUDY_DATE, VR::DA),
    (tags::STUDY_TIME, VR::TM),
    (tags::ACCESSION_NUMBER, VR::SH),
    (tags::REFERRING_PHYSICIAN_NAME, VR::PN),
    (tags::PATIENT_NAME, VR::PN),
    (tags::PATIENT_ID, VR::LO),
    (tags::PATIENT_BIRTH_DATE, VR::DA),
    (tags::PATIENT_SEX, VR::CS),
    (tags::STUDY_ID, VR::SH),
];

/// Attributes of the same modules that are copied where there are any.
const NAMED_IF_ANY: [(Tag, VR); 6] = [
    (tags::STUDY_DESCRIPTION, VR::LO),
    (tags::ISSUER_OF_PATIENT_ID, VR::LO),
    (tags::PATIENT_BIRTH_TIME, VR::TM),
    (tags::PATIENT_AGE, VR::AS),
    (tags::PATIENT_SIZE, VR::DS),
    (tags::PATIENT_WEIGHT, VR::DS),
];

/// All that is taken from one image.
pub(super) struct Facts {
    pub class: Uid,
    pub instance: Uid,
    pub shared: Shared,
    pub identity: Identity,
    /// The window or VOI LUT; none where the image has none.
    pub voi: Vec<NewElement>,
    /// The whole image as a displayed area.
    pub area: Vec<NewElement>,
    /// Groups of its overlays.
    pub overlays: Vec<u16>,
}

/// What all images of a presentation state must have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shared {
    pub patient: Vec<u8>,
    pub study: Uid,
    pub series: Uid,
    pub look: Look,
    pub modality_lut: Vec<NewElement>,
    pub shutter: Vec<NewElement>,
    pub profile: Option<NewElement>,
}

/// Grey, with either end white, or colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    Grey { lowest_is_white: bool },
    Colour,
}

/// The patient and the study, as they stand in an image.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Identity {
    pub elements: Vec<NewElement>,
    pub charset: CharacterSet,
}

impl Shared {
    /// The first aspect in which two images differ.
    pub(super) fn difference(&self, other: &Self) -> Option<Aspect> {
        let differs = |aspect, differs: bool| differs.then_some(aspect);
        let origin = (&self.patient, &self.study, &self.series);
        differs(Aspect::Origin, origin != (&other.patient, &other.study, &other.series))
            .or(differs(Aspect::Photometric, self.look != other.look))
            .or(differs(Aspect::ModalityLut, self.modality_lut != other.modality_lut))
            .or(differs(Aspect::Shutter, self.shutter != other.shutter))
            .or(differs(Aspect::Profile, self.profile != other.profile))
    }
}

impl Facts {
    pub(super) fn of(view: &HeaderView) -> Result<Self, Refusal> {
        let groups =
            [tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE];
        if groups.iter().any(|tag| view.find(*tag).is_some()) {
            return Err(Refusal::FunctionalGroups);
        }
        if view.find(tags::MASK_SUBTRACTION_SEQUENCE).is_some() {
            return Err(Refusal::Mask);
        }
        let repeating =
            |first: u16| move |tag: &Tag| tag.group() & 0xFF01 == first && tag.element() > 0;
        if view.top().any(|element| repeating(0x5000)(&element.tag)) {
            return Err(Refusal::Curves);
        }
        let mut overlays: Vec<u16> = view
            .top()
            .filter(|element| repeating(0x6000)(&element.tag))
            .map(|element| element.tag.group())
            .collect();
        overlays.dedup();
        let class = uid(view, tags::SOP_CLASS_UID)?;
        let look = look(view)?;
        let grey = match look {
            Look::Grey { .. } => true,
            Look::Colour => false,
        };
        let patient = view.find(tags::PATIENT_ID).and_then(|element| view.bytes(element));
        Ok(Self {
            instance: uid(view, tags::SOP_INSTANCE_UID)?,
            shared: Shared {
                patient: patient.unwrap_or_default().trim_ascii().to_vec(),
                study: uid(view, tags::STUDY_INSTANCE_UID)?,
                series: uid(view, tags::SERIES_INSTANCE_UID)?,
                look,
                modality_lut: if grey { modality_lut(view, &class)? } else { Vec::new() },
                shutter: shutter(view, look)?,
                profile: if grey { None } else { profile(view)? },
            },
            class,
            identity: identity(view)?,
            voi: if grey { voi(view)? } else { Vec::new() },
            area: area(view)?,
            overlays,
        })
    }
}

fn uid(view: &HeaderView, tag: Tag) -> Result<Uid, Refusal> {
    let uid = view.string(tag).map(|uid| Uid::new(&uid));
    uid.filter(|uid| !uid.is_empty()).ok_or(Refusal::Unreadable(tag))
}

/// An element that is there and says something.
fn present(view: &HeaderView, tag: Tag) -> Option<&Element> {
    view.find(tag).filter(|element| element.length() > 0)
}

fn copied(view: &HeaderView, element: &Element) -> Result<NewElement, Refusal> {
    NewElement::copied(view, element).ok_or(Refusal::NotKept(element.tag))
}

fn look(view: &HeaderView) -> Result<Look, Refusal> {
    let term = view.string(tags::PHOTOMETRIC_INTERPRETATION);
    let photometric = term.and_then(|term| Photometric::parse(&term));
    let lowest_is_white = match photometric.ok_or(Refusal::Photometric)? {
        Photometric::Monochrome1 => true,
        Photometric::Monochrome2 => false,
        Photometric::PaletteColor
        | Photometric::Rgb
        | Photometric::YbrFull
        | Photometric::YbrFull422
        | Photometric::YbrPartial420
        | Photometric::YbrIct
        | Photometric::YbrRct
        | Photometric::Xyb => return Ok(Look::Colour),
    };
    if present(view, tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR).is_some() {
        return Err(Refusal::SupplementalPalette);
    }
    // PS3.4 N.2.1.4: the state's own shape takes the place of Photometric Interpretation. Where the image has a shape
    // that contradicts it, viewers follow the one or the other.
    let agreeing = if lowest_is_white { "INVERSE" } else { "IDENTITY" };
    let shape = view.string(tags::PRESENTATION_LUT_SHAPE);
    if shape.is_some_and(|shape| shape != agreeing) {
        return Err(Refusal::Ambiguous(tags::PRESENTATION_LUT_SHAPE));
    }
    if view.find(tags::PRESENTATION_LUT_SEQUENCE).is_some() {
        return Err(Refusal::Ambiguous(tags::PRESENTATION_LUT_SEQUENCE));
    }
    Ok(Look::Grey { lowest_is_white })
}

/// The Modality LUT Module (PS3.3 C.11.1): the whole of it counts as part of how an image is shown.
fn modality_lut(view: &HeaderView, class: &Uid) -> Result<Vec<NewElement>, Refusal> {
    let table = first_item(view, tags::MODALITY_LUT_SEQUENCE);
    let intercept = present(view, tags::RESCALE_INTERCEPT);
    let slope = present(view, tags::RESCALE_SLOPE);
    let elements = match (table, intercept, slope) {
        (None, None, None) => return Ok(Vec::new()),
        (Some(_), Some(_), _) | (Some(_), _, Some(_)) => {
            return Err(Refusal::Ambiguous(tags::MODALITY_LUT_SEQUENCE));
        }
        (None, Some(_), None) => return Err(Refusal::Unreadable(tags::RESCALE_SLOPE)),
        (None, None, Some(_)) => return Err(Refusal::Unreadable(tags::RESCALE_INTERCEPT)),
        (Some(table), None, None) => {
            let mut item = lut(view, &table)?;
            let kind = table.string(tags::MODALITY_LUT_TYPE).filter(|kind| kind.is_ascii());
            let kind = kind.unwrap_or_else(|| UNSPECIFIED.to_owned());
            item.push(NewElement::new(tags::MODALITY_LUT_TYPE, VR::LO, kind));
            vec![NewElement::sequence(tags::MODALITY_LUT_SEQUENCE, vec![item])]
        }
        (None, Some(intercept), Some(slope)) => {
            let kind = view.string(tags::RESCALE_TYPE).filter(|kind| kind.is_ascii());
            // PS3.3 C.8.2.1: without a type, CT is in Hounsfield units.
            let is_ct = class.as_str() == CT_IMAGE;
            let kind = kind.unwrap_or_else(|| if is_ct { "HU" } else { UNSPECIFIED }.to_owned());
            vec![
                decimal(view, intercept)?,
                decimal(view, slope)?,
                NewElement::new(tags::RESCALE_TYPE, VR::LO, kind),
            ]
        }
    };
    if FOR_SUBTRACTION.contains(&class.as_str()) {
        return Err(Refusal::Ambiguous(tags::MODALITY_LUT_SEQUENCE));
    }
    Ok(elements)
}

const CT_IMAGE: &str = "1.2.840.10008.5.1.4.1.1.2";

/// Rescale Type (0028,1054) of values that have no unit.
const UNSPECIFIED: &str = "US";

/// The window or the VOI LUT that is shown first (PS3.3 C.11.2): a presentation state has room for one (C.11.8).
fn voi(view: &HeaderView) -> Result<Vec<NewElement>, Refusal> {
    let table = first_item(view, tags::VOILUT_SEQUENCE);
    let center = present(view, tags::WINDOW_CENTER);
    let width = present(view, tags::WINDOW_WIDTH);
    match (table, center, width) {
        (None, None, None) => Ok(Vec::new()),
        (Some(_), Some(_), _) | (Some(_), _, Some(_)) => {
            Err(Refusal::Ambiguous(tags::VOILUT_SEQUENCE))
        }
        (None, Some(_), None) => Err(Refusal::Unreadable(tags::WINDOW_WIDTH)),
        (None, None, Some(_)) => Err(Refusal::Unreadable(tags::WINDOW_CENTER)),
        (Some(table), None, None) => {
            Ok(vec![NewElement::sequence(tags::VOILUT_SEQUENCE, vec![lut(view, &table)?])])
        }
        (None, Some(center), Some(width)) => {
            let mut window = vec![decimal(view, center)?, decimal(view, width)?];
            if let Some(function) = view.string(tags::VOILUT_FUNCTION) {
                window.push(NewElement::new(tags::VOILUT_FUNCTION, VR::CS, function));
            }
            Ok(window)
        }
    }
}

fn first_item(view: &HeaderView, sequence: Tag) -> Option<Item<'_>> {
    view.items(view.find(sequence)?).next()
}

/// Descriptor and data of a lookup table.
fn lut(view: &HeaderView, item: &Item<'_>) -> Result<Vec<NewElement>, Refusal> {
    let parts = [tags::LUT_DESCRIPTOR, tags::LUT_DATA].into_iter();
    let part = |tag| copied(view, item.find(tag).ok_or(Refusal::Unreadable(tag))?);
    parts.map(part).collect()
}

/// The first value of a decimal string, as it is written.
fn decimal(view: &HeaderView, element: &Element) -> Result<NewElement, Refusal> {
    let unreadable = Refusal::Unreadable(element.tag);
    if view.numbers(element).is_empty() {
        return Err(unreadable);
    }
    let first = view.strings(element).into_iter().next().ok_or(unreadable)?;
    Ok(NewElement::new(element.tag, VR::DS, first))
}

/// The Display Shutter Module (PS3.3 C.7.6.11), with a value to fill it with (C.11.12): black where the image has none.
fn shutter(view: &HeaderView, look: Look) -> Result<Vec<NewElement>, Refusal> {
    let Some(shape) = present(view, tags::SHUTTER_SHAPE) else { return Ok(Vec::new()) };
    if view.strings(shape).iter().any(|shape| shape == "BITMAP") {
        return Err(Refusal::BitmapShutter);
    }
    let geometry = [
        tags::SHUTTER_SHAPE,
        tags::SHUTTER_LEFT_VERTICAL_EDGE,
        tags::SHUTTER_RIGHT_VERTICAL_EDGE,
        tags::SHUTTER_UPPER_HORIZONTAL_EDGE,
        tags::SHUTTER_LOWER_HORIZONTAL_EDGE,
        tags::CENTER_OF_CIRCULAR_SHUTTER,
        tags::RADIUS_OF_CIRCULAR_SHUTTER,
        tags::VERTICES_OF_THE_POLYGONAL_SHUTTER,
    ];
    let given = |tag| present(view, tag).map(|element| copied(view, element)).transpose();
    let or = |tag, black: &[u16]| {
        let black: Vec<u8> = black.iter().flat_map(|value| value.to_le_bytes()).collect();
        Ok::<_, Refusal>(given(tag)?.unwrap_or_else(|| NewElement::new(tag, VR::US, black)))
    };
    let mut elements = Vec::new();
    for tag in geometry {
        elements.extend(given(tag)?);
    }
    elements.push(or(tags::SHUTTER_PRESENTATION_VALUE, &[0])?);
    match look {
        Look::Grey { .. } => {}
        // PS3.3 C.10.7.1.1: L* from 0, a* and b* around 8080H.
        Look::Colour => {
            elements
                .push(or(tags::SHUTTER_PRESENTATION_COLOR_CIE_LAB_VALUE, &[0, 0x8080, 0x8080])?);
        }
    }
    Ok(elements)
}

fn profile(view: &HeaderView) -> Result<Option<NewElement>, Refusal> {
    let profile = present(view, tags::ICC_PROFILE);
    profile.map(|profile| copied(view, profile)).transpose()
}

/// An item of the Displayed Area Selection Sequence (PS3.3 C.10.4) that shows all of the image, its pixels as wide and high as
/// they are said to be.
fn area(view: &HeaderView) -> Result<Vec<NewElement>, Refusal> {
    let number = |tag| {
        let numbers = view.find(tag).map(|element| view.numbers(element)).unwrap_or_default();
        let number = numbers.first().filter(|number| (1.0..=65_535.0).contains(*number));
        number.map(|number| *number as i32).ok_or(Refusal::Unreadable(tag))
    };
    let corner = |tag, column: i32, row: i32| {
        let value = [column.to_le_bytes(), row.to_le_bytes()].concat();
        NewElement::new(tag, VR::SL, value)
    };
    let (rows, columns) = (number(tags::ROWS)?, number(tags::COLUMNS)?);
    Ok(vec![
        corner(tags::DISPLAYED_AREA_TOP_LEFT_HAND_CORNER, 1, 1),
        corner(tags::DISPLAYED_AREA_BOTTOM_RIGHT_HAND_CORNER, columns, rows),
        NewElement::new(tags::PRESENTATION_SIZE_MODE, VR::CS, "SCALE TO FIT"),
        pixel_shape(view)?,
    ])
}

/// By which sides of a pixel may differ because of how they are written.
const ROUNDING: f64 = 1e-9;

fn pixel_shape(view: &HeaderView) -> Result<NewElement, Refusal> {
    let spacings =
        [tags::PIXEL_SPACING, tags::IMAGER_PIXEL_SPACING, tags::NOMINAL_SCANNED_PIXEL_SPACING];
    let square = NewElement::new(tags::PRESENTATION_PIXEL_ASPECT_RATIO, VR::IS, r"1\1");
    let pairs = [
        (spacings.into_iter().find_map(|tag| present(view, tag)), true),
        (present(view, tags::PIXEL_ASPECT_RATIO), false),
    ];
    for (element, is_spacing) in pairs {
        let Some(element) = element else { continue };
        let numbers = view.numbers(element);
        let [height, width] = numbers[..] else { return Err(Refusal::Unreadable(element.tag)) };
        if height <= 0.0 || width <= 0.0 {
            return Err(Refusal::Unreadable(element.tag));
        }
        let bytes = view.strings(element).join(r"\");
        return Ok(if (height / width - 1.0).abs() < ROUNDING {
            square
        } else if is_spacing {
            NewElement::new(tags::PRESENTATION_PIXEL_SPACING, VR::DS, bytes)
        } else {
            NewElement::new(tags::PRESENTATION_PIXEL_ASPECT_RATIO, VR::IS, bytes)
        });
    }
    Ok(square)
}

fn identity(view: &HeaderView) -> Result<Identity, Refusal> {
    let value = |tag, vr| {
        let Some(element) = present(view, tag).filter(|element| element.kind == Kind::Value) else {
            return Ok(None);
        };
        let bytes = view.bytes(element).ok_or(Refusal::NotKept(tag))?;
        Ok::<_, Refusal>(Some(NewElement::new(tag, vr, bytes)))
    };
    let mut elements = Vec::with_capacity(NAMED.len() + NAMED_IF_ANY.len());
    for (tag, vr) in NAMED {
        elements.push(value(tag, vr)?.unwrap_or_else(|| NewElement::new(tag, vr, "")));
    }
    for (tag, vr) in NAMED_IF_ANY {
        elements.extend(value(tag, vr)?);
    }
    Ok(Identity { elements, charset: view.charset() })
}
