//! A study as far as its instances have come: what is kept of them, in bounded memory and whatever the order.

use std::collections::BTreeMap;

use crate::dicom::uid::Uid;
use crate::standard::facts::lexicon::Regions;
use crate::standard::facts::mr_series::Weighting;
use crate::standard::geometry::{Plane, Traits};
use crate::standard::rule_sets::Way;

use super::few::Few;
use super::keys::Key;
use super::part::{Class, Part, Rendition};
use super::words::Words;

/// Series of one study that are kept apart. Beyond, whatever is said of series is not to be told.
const MOST_SERIES: usize = 1024;
/// Stacks of one series that are kept apart. A diffusion series with a stack a direction has some hundred.
const MOST_STACKS: usize = 512;
/// Objects of a study that are no images and are counted.
const MOST_OTHERS: usize = 1024;
/// Steps of a direction's component from 0 to 1: half of the difference that makes another orientation.
const STEPS: f64 = 2000.0;

/// The ways that members of a whole came.
pub(super) type Ways = Few<Way, 16>;

/// A study as far as it has come. The same parts in any order make the same study.
#[derive(Debug, Clone)]
pub struct Study {
    pub(super) uid: Uid,
    pub(super) key: Key,
    pub(super) series: BTreeMap<Key, Series>,
    /// There are more series than are kept apart.
    pub(super) cut: bool,
    pub(super) ids: Few<Key, 4>,
    pub(super) names: Few<[Key; 3], 8>,
    pub(super) births: Few<Key, 4>,
    pub(super) sexes: Few<Key, 4>,
    pub(super) institutions: Few<Key, 4>,
    pub(super) institution_names: Few<Key, 4>,
    pub(super) accessions: Few<Key, 4>,
    pub(super) descriptions: Few<Key, 4>,
    pub(super) procedures: Few<Key, 4>,
    pub(super) marks: Few<Key, 4>,
    pub(super) ways: Ways,
    /// Rules on single images that forbid a mark, with the images.
    pub(super) blocked: Few<(Box<str>, Key), 1024>,
    pub(super) modalities: Few<Box<str>, 8>,
    pub(super) regions: Few<Box<str>, 16>,
    /// With the instance, which may be rejected.
    pub(super) views: Few<(Key, Box<str>), 64>,
    /// Acquisitions and the images that they promise.
    pub(super) promised: Few<(i32, u32), 256>,
    pub(super) rejects: Few<Key, 4096>,
    pub(super) others: Few<Key, MOST_OTHERS>,
    pub(super) spoken: Words,
    pub(super) regions_asked: Regions,
    pub(super) age: Option<i64>,
    pub(super) acquired: Option<(i64, i64)>,
    pub(super) begun: Option<i64>,
    pub(super) reported: Option<i64>,
    pub(super) dose: bool,
    bytes: usize,
}

/// One series of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Series {
    pub(super) uid: Uid,
    pub(super) ways: Ways,
    pub(super) modalities: Few<Box<str>, 4>,
    pub(super) patients: Few<Key, 4>,
    pub(super) frames_of_reference: Few<Key, 4>,
    pub(super) weightings: Few<Weighting, 4>,
    pub(super) words: Words,
    pub(super) rendition: Rendition,
    pub(super) contrast: bool,
    pub(super) two_dimensional: bool,
    pub(super) stacks: BTreeMap<StackKey, Vec<Image>>,
    /// There are more stacks than are kept apart.
    pub(super) cut: bool,
}

/// What tells the stacks of a series apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct StackKey {
    pub(super) class: Class,
    /// Row and column in steps of 1/2000; `None` without an orientation.
    pub(super) plane: Option<[i16; 6]>,
    pub(super) traits: Traits,
}

/// What is kept of one image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Image {
    pub(super) instance: Key,
    /// 0 where they are not known or blank.
    pub(super) pixels: Key,
    /// NaN where there is none.
    pub(super) position: [f32; 3],
    /// [`i32::MIN`] where there is none.
    pub(super) number: i32,
}

impl Image {
    /// The image at one of its places; what has several has no number for any of them.
    fn at(part: &Part, position: [f32; 3]) -> Self {
        let number = part.slice.number.filter(|_| part.slice.places.len() <= 1);
        Self {
            instance: part.instance,
            pixels: part.slice.pixels.unwrap_or_default(),
            position,
            number: number.unwrap_or(i32::MIN),
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        let bits = |image: &Self| image.position.map(f32::to_bits);
        self.instance == other.instance
            && self.number == other.number
            && bits(self) == bits(other)
            && self.pixels == other.pixels
    }
}

impl Study {
    /// A study of which nothing has come but this.
    #[must_use]
    pub fn begun_by(part: &Part) -> Self {
        let mut study = Self::new(part.study_uid.clone(), part.study);
        study.add(part);
        study
    }

    /// A study of which nothing has come.
    #[must_use]
    pub fn new(uid: Uid, key: Key) -> Self {
        Self {
            uid,
            key,
            series: BTreeMap::new(),
            cut: false,
            ids: Few::default(),
            names: Few::default(),
            births: Few::default(),
            sexes: Few::default(),
            institutions: Few::default(),
            institution_names: Few::default(),
            accessions: Few::default(),
            descriptions: Few::default(),
            procedures: Few::default(),
            marks: Few::default(),
            ways: Ways::default(),
            blocked: Few::default(),
            modalities: Few::default(),
            regions: Few::default(),
            views: Few::default(),
            promised: Few::default(),
            rejects: Few::default(),
            others: Few::default(),
            spoken: Words::default(),
            regions_asked: Regions::default(),
            age: None,
            acquired: None,
            begun: None,
            reported: None,
            dose: false,
            // With what a study costs whoever keeps it.
            bytes: size_of::<Self>() + 4 * NODE,
        }
    }

    /// Takes one instance in. One that is in it already changes nothing.
    pub fn add(&mut self, part: &Part) {
        let before = self.sets();
        self.ids.extend(part.who.id);
        if part.who.name != [0; 3] {
            self.names.add(part.who.name);
        }
        self.births.extend(part.who.birth);
        self.sexes.extend(part.who.sex);
        self.institutions.extend(part.institution);
        self.institution_names.extend(part.institution_name);
        self.accessions.extend(part.accession);
        self.descriptions.extend(part.description);
        self.procedures.extend(part.procedure);
        self.marks.extend(part.mark);
        self.ways.add(part.way.clone());
        self.blocked.extend(part.blocked.iter().map(|rule| (rule.clone(), part.instance)));
        self.rejects.extend(part.rejects.iter().copied());
        self.spoken.add(part.spoken);
        self.regions_asked = self.regions_asked | part.regions_asked;
        self.age = least(self.age, part.age);
        self.begun = least(self.begun, part.begun);
        self.reported = least(self.reported, part.reported);
        self.dose |= part.dose;
        match part.class {
            Class::Image | Class::Localizer => self.image(part),
            Class::Report | Class::KeyObject | Class::Other => self.others.add(part.instance),
        }
        self.bytes += self.sets().saturating_sub(before);
    }

    fn image(&mut self, part: &Part) {
        if !part.modality.is_empty() {
            self.modalities.add(part.modality.clone());
        }
        self.regions.extend(part.region.clone());
        self.views.extend(part.view.clone().map(|view| (part.instance, view)));
        let acquisition = part.slice.traits.acquisition;
        self.promised.extend(part.promised.map(|count| (acquisition, count)));
        if let Some(at) = part.acquired {
            let (first, last) = self.acquired.unwrap_or((at, at));
            self.acquired = Some((first.min(at), last.max(at)));
        }
        if self.series.len() >= MOST_SERIES && !self.series.contains_key(&part.series) {
            self.cut = true;
            return;
        }
        let mut grown = 0;
        let series = self.series.entry(part.series).or_insert_with(|| {
            grown = NODE + size_of::<Series>() + part.series_uid.as_str().len();
            Series { uid: part.series_uid.clone(), ..Series::default() }
        });
        self.bytes += grown + series.add(part);
    }

    /// Bytes that it takes, nearly.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Its UID.
    #[must_use]
    pub fn uid(&self) -> &Uid {
        &self.uid
    }

    /// The key of its UID.
    #[must_use]
    pub fn key(&self) -> Key {
        self.key
    }

    /// The keys of the instances that have come, rising; of those that are no images, the first thousand.
    #[must_use]
    pub fn instances(&self) -> Vec<Key> {
        let stacks = self.series.values().flat_map(|series| series.stacks.values());
        let images = stacks.flatten().map(|image| image.instance);
        let mut all: Vec<Key> = images.chain(self.others.iter().copied()).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    fn sets(&self) -> usize {
        self.ids.bytes()
            + self.names.bytes()
            + self.births.bytes()
            + self.sexes.bytes()
            + self.institutions.bytes()
            + self.institution_names.bytes()
            + self.accessions.bytes()
            + self.descriptions.bytes()
            + self.procedures.bytes()
            + self.marks.bytes()
            + self.ways.bytes()
            + self.blocked.bytes()
            + self.modalities.bytes()
            + self.regions.bytes()
            + self.views.bytes()
            + self.promised.bytes()
            + self.rejects.bytes()
            + self.others.bytes()
            // The texts themselves are short words.
            + 16 * (self.modalities.count() + self.regions.count() + self.views.count())
            + 16 * self.blocked.count()
    }
}

/// What an entry of a map takes beside its value, nearly.
const NODE: usize = 48;

impl Series {
    /// Takes an image in. Returns the bytes that it has grown by.
    fn add(&mut self, part: &Part) -> usize {
        let before = self.sets();
        if !part.modality.is_empty() {
            self.modalities.add(part.modality.clone());
        }
        self.ways.add(part.way.clone());
        self.patients.extend(part.who.id);
        self.words.add(part.words);
        self.rendition.0 |= part.rendition.0;
        self.contrast |= part.contrast;
        if part.class == Class::Image {
            self.frames_of_reference.extend(part.frame_of_reference);
            self.weightings.extend(part.weighting);
            self.two_dimensional |= part.two_dimensional;
        }
        let mut grown = self.sets().saturating_sub(before);
        if part.slice.places.is_empty() {
            let key = self.key_for(part, None);
            grown += self.put(key, Image::at(part, [f32::NAN; 3]));
        }
        for (plane, position) in &part.slice.places {
            let key = self.key_for(part, Some(plane));
            grown += self.put(key, Image::at(part, *position));
        }
        grown
    }

    /// Returns the bytes that it has grown by.
    fn put(&mut self, key: StackKey, image: Image) -> usize {
        let mut grown = 0;
        let stack = self.stacks.entry(key).or_insert_with(|| {
            grown = NODE + size_of::<(StackKey, Vec<Image>)>();
            Vec::new()
        });
        if stack.iter().any(|known| known.is_same(&image)) {
            return grown;
        }
        let capacity = stack.capacity();
        if stack.len() == capacity {
            // Doubling would leave a third of all memory unused.
            stack.reserve_exact((capacity / 4).max(8));
        }
        stack.push(image);
        grown + (stack.capacity() - capacity) * size_of::<Image>()
    }

    /// The stack that an image belongs to; a common one where there are too many.
    fn key_for(&mut self, part: &Part, plane: Option<&Plane>) -> StackKey {
        let plane = plane.map(|plane| {
            let [a, b, c] = plane.row;
            let [d, e, f] = plane.column;
            // Components of unit vectors: at most 2020 steps.
            [a, b, c, d, e, f].map(|component| (component * STEPS).round() as i16)
        });
        let key = StackKey { class: part.class, plane, traits: part.slice.traits };
        if self.stacks.len() < MOST_STACKS || self.stacks.contains_key(&key) {
            return key;
        }
        self.cut = true;
        StackKey { class: part.class, plane: None, traits: Traits::default() }
    }

    fn sets(&self) -> usize {
        self.modalities.bytes()
            + self.ways.bytes()
            + self.patients.bytes()
            + self.frames_of_reference.bytes()
            + self.weightings.bytes()
            + 16 * self.modalities.count()
    }
}

fn least(one: Option<i64>, other: Option<i64>) -> Option<i64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
