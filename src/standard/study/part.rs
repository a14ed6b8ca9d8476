//! What study rules need of one instance.

use crate::dicom::uid::Uid;
use crate::dicom::{Tag, sop_class, tags};
use crate::object::{HeaderView, Item};
use crate::standard::dates::{instant, parse_dt};
use crate::standard::facts::lexicon::{Reading, Regions};
use crate::standard::facts::mr_series::{Weighting, classify};
use crate::standard::facts::{contrast, ct, dates, functional_groups, geometry, image, mr, views};
use crate::standard::geometry::{Plane, Traits};
use crate::standard::rule_sets::Way;
use crate::standard::subject::Subject;

use super::keys::{Key, Keys, plain};
use super::words::Words;

/// One instance, reduced to what can be compared within its study and with others: identifying texts are keys.
#[derive(Debug, Clone, Default)]
pub struct Part {
    pub(crate) study_uid: Uid,
    pub(crate) series_uid: Uid,
    pub(crate) study: Key,
    pub(crate) series: Key,
    pub(crate) instance: Key,
    pub(crate) class: Class,
    pub(crate) modality: Box<str>,
    pub(crate) who: Who,
    /// How it came.
    pub(crate) way: Way,
    /// The institution that its sender is configured with.
    pub(crate) institution: Option<Key>,
    pub(crate) institution_name: Option<Key>,
    pub(crate) accession: Option<Key>,
    pub(crate) description: Option<Key>,
    pub(crate) procedure: Option<Key>,
    /// The mark it was given, where that is known.
    pub(crate) mark: Option<Key>,
    /// The rules on it alone that forbid a mark.
    pub(crate) blocked: Vec<Box<str>>,
    pub(crate) region: Option<Box<str>>,
    /// The view of a projection: `PA`, or side and view of the breast: `R CC`.
    pub(crate) view: Option<Box<str>>,
    /// What the descriptions of its study speak of.
    pub(crate) spoken: Words,
    /// The regions that were asked for, by Requested Procedure Description (0032,1060).
    pub(crate) regions_asked: Regions,
    /// What the description of its series speaks of.
    pub(crate) words: Words,
    /// Years.
    pub(crate) age: Option<i64>,
    /// When it was acquired, in seconds since 1970.
    pub(crate) acquired: Option<i64>,
    /// When its study began, in seconds since 1970.
    pub(crate) begun: Option<i64>,
    /// When it was reported, for a report.
    pub(crate) reported: Option<i64>,
    /// Images in Acquisition (0020,1002).
    pub(crate) promised: Option<u32>,
    pub(crate) rendition: Rendition,
    pub(crate) weighting: Option<Weighting>,
    pub(crate) two_dimensional: bool,
    pub(crate) contrast: bool,
    /// It tells the dose of a CT: by CTDIvol, or as a dose report.
    pub(crate) dose: bool,
    pub(crate) frame_of_reference: Option<Key>,
    pub(crate) slice: Slice,
    /// Instances that it rejects.
    pub(crate) rejects: Vec<Key>,
}

/// What an instance is to a study.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Class {
    /// An image of the patient.
    Image,
    /// An image to plan others by.
    Localizer,
    /// A report.
    Report,
    /// A selection of objects.
    KeyObject,
    /// Anything else: presentation states, dose reports.
    #[default]
    Other,
}

/// Whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Who {
    /// Patient ID (0010,0020) with its issuer.
    pub(crate) id: Option<Key>,
    /// The groups of Patient's Name (0010,0010), those that are empty as 0.
    pub(crate) name: [Key; 3],
    pub(crate) birth: Option<Key>,
    pub(crate) sex: Option<Key>,
}

/// How a CT image is to be seen, as flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rendition(pub(crate) u8);

impl Rendition {
    pub(crate) const LUNG: u8 = 1;
    pub(crate) const SOFT: u8 = 1 << 1;
    pub(crate) const BONE: u8 = 1 << 2;
}

/// Where an image lies.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Slice {
    /// One place, or that of each frame.
    pub(crate) places: Vec<(Plane, [f32; 3])>,
    pub(crate) traits: Traits,
    /// Instance Number (0020,0013).
    pub(crate) number: Option<i32>,
    /// The key of its pixels; `None` when they were not looked at or are blank.
    pub(crate) pixels: Option<Key>,
}

/// What is said of an instance beside its elements.
#[derive(Debug, Clone, Default)]
pub struct Said<'a> {
    /// How it came.
    pub way: Way,
    /// The institution that its sender is configured with.
    pub institution: Option<&'a str>,
    /// The mark it was given.
    pub mark: Option<&'a str>,
    /// The rules on it alone that forbid a mark, where its study shares one fate.
    pub blocked: Vec<Box<str>>,
    /// A hash of its pixels; `None` when they were not looked at or are blank.
    pub pixels: Option<&'a [u8]>,
}

/// Rejected for Quality Reasons, Rejected for Patient Safety Reasons, Incorrect Modality Worklist Entry (PS3.16 CID 7011).
const REJECTIONS: [&str; 3] = ["113001", "113037", "113038"];

/// Objects that one selection may reject.
const MOST_REJECTED: usize = 4096;

/// Frames of one object whose places are kept.
const MOST_FRAMES: usize = 4096;

const KEY_OBJECT_SELECTION: &str = "1.2.840.10008.5.1.4.1.1.88.59";

impl Part {
    /// What is of use in an object. `None` where it names no study or no instance of its own.
    #[must_use]
    pub fn of(subject: &Subject<'_>, said: Said<'_>, keys: &Keys) -> Option<Self> {
        let uid = |tag| subject.text(tag).map(|uid| Uid::new(&uid)).unwrap_or_default();
        let words = |tag, what| subject.text(tag).and_then(|text| keys.of_words(what, &text));
        let (study_uid, series_uid) =
            (uid(tags::STUDY_INSTANCE_UID), uid(tags::SERIES_INSTANCE_UID));
        let instance = uid(tags::SOP_INSTANCE_UID);
        if study_uid.is_empty() || instance.is_empty() {
            return None;
        }
        let class = class(subject);
        Some(Self {
            study: keys.of("study", study_uid.as_str()),
            series: keys.of("series", series_uid.as_str()),
            instance: keys.of("instance", instance.as_str()),
            class,
            modality: subject.text(tags::MODALITY).unwrap_or_default().into(),
            who: who(subject, keys),
            institution: said.institution.and_then(|id| keys.of_words("institution", id)),
            institution_name: institution_name(subject, keys),
            accession: words(tags::ACCESSION_NUMBER, "accession"),
            description: words(tags::STUDY_DESCRIPTION, "description"),
            procedure: procedure(subject, keys),
            mark: said.mark.and_then(|mark| keys.of_words("mark", mark)),
            region: image::body_region(subject).map(|region| plain(&region).into()),
            view: view(subject).map(Into::into),
            spoken: spoken(subject),
            regions_asked: subject
                .text(tags::REQUESTED_PROCEDURE_DESCRIPTION)
                .map(|text| Reading::of_text(&text).regions)
                .unwrap_or_default(),
            words: subject
                .text(tags::SERIES_DESCRIPTION)
                .map(|text| Words::of_series(&text))
                .unwrap_or_default(),
            age: dates::age(subject),
            acquired: acquired(subject),
            begun: at(subject, tags::STUDY_DATE, tags::STUDY_TIME),
            reported: (class == Class::Report)
                .then(|| at(subject, tags::CONTENT_DATE, tags::CONTENT_TIME))
                .flatten(),
            promised: number(subject, tags::IMAGES_IN_ACQUISITION)
                .and_then(|count| u32::try_from(count).ok()),
            rendition: rendition(subject),
            weighting: weighting(subject),
            two_dimensional: subject.text(tags::MR_ACQUISITION_TYPE).as_deref() == Some("2D"),
            contrast: contrast::has_agent(subject),
            dose: functional_groups::number(subject, ct::CTDI).is_some_and(|dose| dose > 0.0)
                || subject.text(tags::SOP_CLASS_UID).as_deref() == Some(DOSE_REPORT),
            frame_of_reference: words(tags::FRAME_OF_REFERENCE_UID, "frame of reference"),
            slice: slice(subject, &said, keys),
            way: said.way,
            blocked: said.blocked,
            rejects: rejects(subject, keys),
            study_uid,
            series_uid,
        })
    }

    /// The UID of its study.
    #[must_use]
    pub fn study_uid(&self) -> &Uid {
        &self.study_uid
    }

    /// The UID of its series; empty when it names none.
    #[must_use]
    pub fn series_uid(&self) -> &Uid {
        &self.series_uid
    }

    /// The key of its study.
    #[must_use]
    pub fn study(&self) -> Key {
        self.study
    }

    /// The key of its SOP Instance UID.
    #[must_use]
    pub fn instance(&self) -> Key {
        self.instance
    }

    /// How it came.
    #[must_use]
    pub fn way(&self) -> &Way {
        &self.way
    }

    /// Modality (0008,0060).
    #[must_use]
    pub fn modality(&self) -> &str {
        &self.modality
    }
}

/// X-Ray Radiation Dose SR Storage.
const DOSE_REPORT: &str = "1.2.840.10008.5.1.4.1.1.88.67";

fn class(subject: &Subject<'_>) -> Class {
    let sop_class = subject.text(tags::SOP_CLASS_UID).unwrap_or_default();
    let modality = subject.text(tags::MODALITY);
    if sop_class == KEY_OBJECT_SELECTION {
        return Class::KeyObject;
    }
    if !image::is_image(subject) {
        // A dose report is structured and no report of findings.
        let name = sop_class::name(&sop_class);
        let is_report = ["SR Storage", "Encapsulated PDF", "Encapsulated CDA"]
            .iter()
            .any(|part| name.contains(part));
        let is_dose = name.contains("Dose");
        return match (is_report && !is_dose, modality.as_deref()) {
            (true, Some("SR" | "DOC")) => Class::Report,
            (true | false, _) => Class::Other,
        };
    }
    if geometry::is_localizer(subject) == Some(true) { Class::Localizer } else { Class::Image }
}

fn who(subject: &Subject<'_>, keys: &Keys) -> Who {
    let words = |tag, what| subject.text(tag).and_then(|text| keys.of_words(what, &text));
    let issuer = subject.text(tags::ISSUER_OF_PATIENT_ID).unwrap_or_default();
    let id = subject.text(tags::PATIENT_ID).filter(|id| !plain(id).is_empty());
    let mut name = [0; 3];
    let raw = subject.text(tags::PATIENT_NAME).unwrap_or_default();
    for (place, group) in name.iter_mut().zip(raw.split('=')) {
        // Components that are empty may be written or left out.
        let parts: Vec<String> = group.split('^').map(plain).collect();
        let group = parts.join("^");
        *place = keys.of_words("name", group.trim_end_matches('^')).unwrap_or_default();
    }
    Who {
        id: id.and_then(|id| keys.of_words("patient", &format!("{issuer}\\{id}"))),
        name,
        birth: words(tags::PATIENT_BIRTH_DATE, "birth"),
        sex: words(tags::PATIENT_SEX, "sex"),
    }
}

/// The name without a mark that may have been put to it.
fn institution_name(subject: &Subject<'_>, keys: &Keys) -> Option<Key> {
    let name = plain(&subject.text(tags::INSTITUTION_NAME)?);
    let bare = ["-BJHR", "-JJJHR", "-HR", "-GX"].iter().find_map(|mark| name.strip_suffix(mark));
    keys.of_words("institution name", bare.unwrap_or(&name))
}

fn procedure(subject: &Subject<'_>, keys: &Keys) -> Option<Key> {
    let view = subject.view();
    let items = view.find(tags::PROCEDURE_CODE_SEQUENCE).map(|codes| view.items(codes));
    let code = |item: Item<'_>| {
        let scheme = item.string(tags::CODING_SCHEME_DESIGNATOR).unwrap_or_default();
        item.string(tags::CODE_VALUE).map(|value| format!("{scheme}\\{value}"))
    };
    keys.of_words("procedure", &items?.find_map(code)?)
}

/// The view in a word; that of the breast with the side before it.
fn view(subject: &Subject<'_>) -> Option<String> {
    let view = views::view(subject)?;
    if !views::OF_THE_BREAST.contains(&view.word) {
        return Some(view.word.to_owned());
    }
    let side = image::laterality(subject).or_else(|| view.side.map(String::from))?;
    Some(format!("{side} {}", view.word))
}

/// What the descriptions of its study speak of: that is what was asked for.
fn spoken(subject: &Subject<'_>) -> Words {
    let mut words = Words::default();
    for tag in [tags::STUDY_DESCRIPTION, tags::REQUESTED_PROCEDURE_DESCRIPTION] {
        words.add(subject.text(tag).map(|text| Words::of_study(&text)).unwrap_or_default());
    }
    words
}

fn at(subject: &Subject<'_>, date: Tag, time: Tag) -> Option<i64> {
    let time = subject.text(time);
    let at = instant(&subject.text(date)?, time.as_deref(), subject.arrival().offset)?;
    Some(at.as_second())
}

fn acquired(subject: &Subject<'_>) -> Option<i64> {
    let offset = subject.arrival().offset;
    at(subject, tags::ACQUISITION_DATE, tags::ACQUISITION_TIME)
        .or_else(|| {
            let raw = subject.text(tags::ACQUISITION_DATE_TIME)?;
            Some(parse_dt(&raw, offset)?.as_second())
        })
        .or_else(|| at(subject, tags::CONTENT_DATE, tags::CONTENT_TIME))
}

fn number(subject: &Subject<'_>, tag: Tag) -> Option<i32> {
    let numbers = subject.numbers(tag);
    let whole = numbers.first().filter(|number| number.fract() == 0.0)?;
    // A cast of what lies beyond goes to the nearest there is.
    Some(*whole as i32)
}

/// What a CT image is windowed or reconstructed for.
fn rendition(subject: &Subject<'_>) -> Rendition {
    let seen = ct::rendition_of(subject);
    let flags = [
        (seen.lung, Rendition::LUNG),
        (seen.soft_tissue, Rendition::SOFT),
        (seen.bone, Rendition::BONE),
    ];
    Rendition(flags.iter().filter(|(is_it, _)| *is_it).fold(0, |all, (_, flag)| all | flag))
}

/// What kind of MR series it is of; `None` for others.
fn weighting(subject: &Subject<'_>) -> Option<Weighting> {
    let is_mr = subject.text(tags::MODALITY).as_deref() == Some("MR");
    is_mr.then(|| classify(&mr::acquisition(subject)).weighting).flatten()
}

fn slice(subject: &Subject<'_>, said: &Said<'_>, keys: &Keys) -> Slice {
    let mut places: Vec<(Plane, [f32; 3])> = geometry::slices(subject)
        .into_iter()
        .filter(|(plane, position)| {
            plane.is_orthonormal() && position.iter().all(|number| number.is_finite())
        })
        // A micrometre is lost at a metre, and slices are further apart.
        .map(|(plane, position)| (plane, position.map(|number| number as f32)))
        .collect();
    places.truncate(MOST_FRAMES);
    Slice {
        places,
        traits: geometry::traits(subject),
        number: number(subject, tags::INSTANCE_NUMBER),
        pixels: said.pixels.map(|hash| pixel_key(hash, keys)),
    }
}

fn pixel_key(hash: &[u8], keys: &Keys) -> Key {
    let text: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    keys.of("pixels", &text)
}

/// The instances that a Key Object Selection rejects, by its title (0040,A043).
fn rejects(subject: &Subject<'_>, keys: &Keys) -> Vec<Key> {
    if class(subject) != Class::KeyObject {
        return Vec::new();
    }
    let view = subject.view();
    let first = |tag| view.find(tag).and_then(|sequence| view.items(sequence).next());
    let title = first(tags::CONCEPT_NAME_CODE_SEQUENCE)
        .and_then(|code| code.string(tags::CODE_VALUE))
        .unwrap_or_default();
    if !REJECTIONS.contains(&title.as_str()) {
        return Vec::new();
    }
    let evidence = view.find(tags::CURRENT_REQUESTED_PROCEDURE_EVIDENCE_SEQUENCE);
    let studies = evidence.map(|evidence| view.items(evidence)).into_iter().flatten();
    studies
        .flat_map(|study| within(view, study, tags::REFERENCED_SERIES_SEQUENCE))
        .flat_map(|series| within(view, series, tags::REFERENCED_SOP_SEQUENCE))
        .filter_map(|object| object.string(tags::REFERENCED_SOP_INSTANCE_UID))
        .take(MOST_REJECTED)
        .map(|uid| keys.of("instance", Uid::new(&uid).as_str()))
        .collect()
}

/// The items of a sequence in an item.
fn within<'a>(view: &'a HeaderView, item: Item<'a>, tag: Tag) -> Vec<Item<'a>> {
    item.find(tag).map(|sequence| view.items(sequence).collect()).unwrap_or_default()
}
