//! What an image says of itself once text has been put into its pixels (PS3.3 C.7.6.1.1, C.12.4.1).
//!
//! With the SOP Instance UID kept, the text stands where it affects no interpretation, and the image says how it was changed.
//! With a new one it is a derived image in a series of its own, which names its source. Attributes of lossy compression stay:
//! what was lost has not come back.

use dicom_dictionary_std::uids;

use crate::dicom::charset::CharacterSet;
use crate::dicom::uid::Uid;
use crate::dicom::{Tag, VR, tags};
use crate::object::HeaderView;
use crate::object::edit::NewElement;

use super::attributes::PRODUCT;
use super::layout::Placement;
use super::pixels::Drawn;
use super::{BurnedInAnnotation, Job, Obstacle, StampMode, UidPolicy};

/// What is set beside the record of the change.
#[derive(Debug, Default)]
pub(super) struct Honest {
    /// At the top level.
    pub elements: Vec<NewElement>,
    /// Items to append, with their sequence.
    pub items: Vec<(Tag, Vec<NewElement>)>,
    /// The new SOP Instance UID, where it is another image now.
    pub instance: Option<Uid>,
}

/// The most characters of VR ST, and of VR LO.
const ST: usize = 1024;
const LO: usize = 64;

/// What has to be said of what was drawn. Nothing for an overlay: the pixels are what they were.
pub(super) fn elements(
    job: &Job<'_>,
    set: &CharacterSet,
    drawn: &[Drawn],
    when: &str,
) -> Result<Honest, Obstacle> {
    let in_pixels = drawn.iter().find_map(|drawn| {
        let mode = drawn.in_pixels?;
        drawn.place.map(|place| (mode, place, drawn.text.as_str()))
    });
    let Some((mode, place, text)) = in_pixels else { return Ok(Honest::default()) };
    let mut honest = Honest::default();
    honest.elements.push(description(job, set, mode, &place, text)?);
    honest.elements.extend(annotation(job));
    if job.policy.pixels.uid == UidPolicy::Derive {
        derive(job, when, &mut honest)?;
    }
    Ok(honest)
}

/// Derivation Description (0008,2111): behind what it says already.
fn description(
    job: &Job<'_>,
    set: &CharacterSet,
    mode: StampMode,
    place: &Placement,
    text: &str,
) -> Result<NewElement, Obstacle> {
    let Placement { x, y, width, height, .. } = place;
    let version = &job.provenance.version;
    let where_and_who = format!(" ({mode} at {x},{y} {width}x{height}) by {PRODUCT} {version}");
    let mark = job.decision.mark().ok_or(Obstacle::NoPixels)?;
    let encode = |text: &str| set.encode(&format!("{text}{where_and_who}"), VR::ST);
    let new = encode(text).or_else(|_| encode(mark.as_str()));
    let new = new.map_err(|_| Obstacle::NotEncodable)?;
    let tag = tags::DERIVATION_DESCRIPTION;
    let before = job.view.find(tag).and_then(|element| job.view.bytes(element)).unwrap_or_default();
    let before = before.trim_ascii_end();
    let value = match before {
        [] => new,
        before if before.len() + new.len() + 2 <= ST => [before, b"; ", &new].concat(),
        _ => new,
    };
    Ok(NewElement::new(tag, VR::ST, value))
}

/// Burned In Annotation (0028,0301). By definition the text is none; where the attribute is of Type 1 and missing, that is said.
fn annotation(job: &Job<'_>) -> Option<NewElement> {
    let tag = tags::BURNED_IN_ANNOTATION;
    let says = |value: &str| Some(NewElement::new(tag, VR::CS, value));
    match job.policy.pixels.annotation {
        BurnedInAnnotation::Yes => says("YES"),
        BurnedInAnnotation::Definition => {
            let is_said = job.view.string(tag).is_some_and(|value| !value.is_empty());
            if requires_annotation(job.sop_class) && !is_said { says("NO") } else { None }
        }
    }
}

/// Classes in which Burned In Annotation is of Type 1.
fn requires_annotation(sop_class: &str) -> bool {
    matches!(
        sop_class,
        uids::DIGITAL_X_RAY_IMAGE_STORAGE_FOR_PRESENTATION
            | uids::DIGITAL_X_RAY_IMAGE_STORAGE_FOR_PROCESSING
            | uids::DIGITAL_MAMMOGRAPHY_X_RAY_IMAGE_STORAGE_FOR_PRESENTATION
            | uids::DIGITAL_MAMMOGRAPHY_X_RAY_IMAGE_STORAGE_FOR_PROCESSING
            | uids::DIGITAL_INTRA_ORAL_X_RAY_IMAGE_STORAGE_FOR_PRESENTATION
            | uids::DIGITAL_INTRA_ORAL_X_RAY_IMAGE_STORAGE_FOR_PROCESSING
            | uids::MULTI_FRAME_SINGLE_BIT_SECONDARY_CAPTURE_IMAGE_STORAGE
            | uids::MULTI_FRAME_GRAYSCALE_BYTE_SECONDARY_CAPTURE_IMAGE_STORAGE
            | uids::MULTI_FRAME_GRAYSCALE_WORD_SECONDARY_CAPTURE_IMAGE_STORAGE
            | uids::MULTI_FRAME_TRUE_COLOR_SECONDARY_CAPTURE_IMAGE_STORAGE
    )
}

/// Added to Series Number, so that the series with the text stands behind those of the device.
const SERIES_OFFSET: i64 = 9000;

/// A new image in a new series, derived from the one that came. Its UIDs follow from the source and the mark alone.
fn derive(job: &Job<'_>, when: &str, honest: &mut Honest) -> Result<(), Obstacle> {
    let view = job.view;
    let mark = job.decision.mark().ok_or(Obstacle::NoPixels)?.as_str();
    let uid = |tag: Tag| view.string(tag).ok_or(Obstacle::Contradiction(tag));
    let (instance, series) = (uid(tags::SOP_INSTANCE_UID)?, uid(tags::SERIES_INSTANCE_UID)?);
    let new_instance = Uid::derived("stamped image", &[&instance, mark]);
    let new_series = Uid::derived("stamped series", &[&series, mark]);
    let set = |tag: Tag, vr: VR, value: &str| NewElement::new(tag, vr, value);
    // `when` is a DT with zone: a date of 8 digits, a time behind it.
    let (date, time) = when.split_at_checked(8).unwrap_or((when, ""));
    let time = time.split(['+', '-']).next().unwrap_or_default();
    honest.elements.extend([
        set(tags::SOP_INSTANCE_UID, VR::UI, new_instance.as_str()),
        set(tags::SERIES_INSTANCE_UID, VR::UI, new_series.as_str()),
        set(tags::IMAGE_TYPE, VR::CS, &derived_type(view)),
        set(tags::INSTANCE_CREATION_DATE, VR::DA, date),
        set(tags::INSTANCE_CREATION_TIME, VR::TM, time),
    ]);
    if let Some(number) = view.string(tags::SERIES_NUMBER).and_then(|text| text.parse::<i64>().ok())
        && let Some(number) =
            number.checked_add(SERIES_OFFSET).filter(|n| *n <= i64::from(i32::MAX))
    {
        honest.elements.push(set(tags::SERIES_NUMBER, VR::IS, &number.to_string()));
    }
    honest.elements.extend(series_description(view, mark));
    let code = |value: &str, meaning: &str| {
        vec![
            set(tags::CODE_VALUE, VR::SH, value),
            set(tags::CODING_SCHEME_DESIGNATOR, VR::SH, "DCM"),
            set(tags::CODE_MEANING, VR::LO, meaning),
        ]
    };
    let purpose = code("121322", "Source image for image processing operation");
    let source = vec![
        set(tags::REFERENCED_SOP_CLASS_UID, VR::UI, job.sop_class),
        set(tags::REFERENCED_SOP_INSTANCE_UID, VR::UI, &instance),
        set(tags::SPATIAL_LOCATIONS_PRESERVED, VR::CS, "YES"),
        NewElement::sequence(tags::PURPOSE_OF_REFERENCE_CODE_SEQUENCE, vec![purpose]),
    ];
    honest.items.push((tags::SOURCE_IMAGE_SEQUENCE, source));
    honest.instance = Some(new_instance);
    Ok(())
}

/// Image Type with DERIVED for its first value.
fn derived_type(view: &HeaderView) -> String {
    let values = view.find(tags::IMAGE_TYPE).map(|element| view.strings(element));
    let mut values = values.unwrap_or_default();
    match values.first_mut() {
        Some(first) => "DERIVED".clone_into(first),
        None => values.push("DERIVED".to_owned()),
    }
    if values.len() == 1 {
        values.push("SECONDARY".to_owned());
    }
    values.join("\\")
}

/// Series Description with the mark behind it, in the bytes that it came in.
fn series_description(view: &HeaderView, mark: &str) -> Option<NewElement> {
    let tag = tags::SERIES_DESCRIPTION;
    let before = view.find(tag).and_then(|element| view.bytes(element)).unwrap_or_default();
    let before = before.trim_ascii_end();
    let suffix = format!("{}{mark}", if before.is_empty() { "" } else { " " });
    // Bytes are at least as many as characters.
    let fits = before.len() + suffix.len() <= LO;
    fits.then(|| NewElement::new(tag, VR::LO, [before, suffix.as_bytes()].concat()))
}
