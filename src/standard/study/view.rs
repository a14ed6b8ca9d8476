//! A study as rules look at it: the series in order, rejected images set apart, and what their positions tell.

use std::collections::{BTreeMap, BTreeSet};

use crate::dicom::uid::Uid;
use crate::standard::geometry::{
    Numbering, Plane, Slice, Stack, Traits, View as BodyPlane, gap_share, lost_slices,
};

use super::fold::{Image, Series, StackKey, Study, Ways};
use super::keys::Key;
use super::part::Class;

/// Components of a direction in steps, back.
const STEP: f64 = 1.0 / 2000.0;
/// Stacks whose ends differ by less than a part of the longest cover the same range.
const SAME_RANGE: f64 = 0.9;
/// Below so many positions there is no usual interval to miss anything by.
const FEWEST: usize = 3;

/// What is known of a study beside its instances.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Beside {
    /// Instances of it are in custody, or were, that could not be looked at.
    pub in_part: bool,
    /// It was settled before it was quiet.
    pub early: bool,
    /// Its Patient ID was seen with another name, birth date or sex; `None` when it was not seen in another study.
    pub known_otherwise: Option<bool>,
    /// Series UIDs of it that were seen in another study.
    pub series_elsewhere: BTreeSet<Key>,
    /// Images whose pixels were seen with another Patient ID; `None` where what was seen is not known yet.
    pub pixels_elsewhere: Option<usize>,
    /// Minutes between its begin and that of another study of the same patient, modality and region; of the nearest.
    pub minutes_to_other: Option<f64>,
}

/// A study as rules look at it.
pub struct Look<'a> {
    pub(super) study: &'a Study,
    pub(super) beside: &'a Beside,
    pub(super) series: Vec<SeriesLook<'a>>,
    /// Images that some object of the study rejects.
    pub(super) rejected: usize,
}

/// One series of it.
pub struct SeriesLook<'a> {
    pub(super) key: Key,
    pub(super) series: &'a Series,
    /// These are the images of the series that are rejected; those that are not stand for themselves.
    pub(super) rejected: bool,
    pub(super) images: usize,
    pub(super) localizers: usize,
    pub(super) acquisitions: BTreeMap<i32, usize>,
    pub(super) stacks: Vec<StackLook>,
    pub(super) orientations: usize,
    pub(super) numbering: Option<Numbering>,
    pub(super) lost: usize,
    /// `None` where the pixels of no image are known.
    pub(super) equal_pixels: Option<usize>,
    pub(super) b_values: Vec<f64>,
}

/// One stack of parallel slices of it.
pub(super) struct StackLook {
    pub(super) plane: BodyPlane,
    /// In millimetres; 0 where it is not said.
    pub(super) thickness: f64,
    pub(super) stack: Stack,
}

impl<'a> Look<'a> {
    /// Looks at a study.
    #[must_use]
    pub fn at(study: &'a Study, beside: &'a Beside) -> Self {
        let mut series = Vec::with_capacity(study.series.len());
        let mut rejected = 0;
        for (key, one) in &study.series {
            let is_rejected = |image: &Image| study.rejects.has(&image.instance);
            let kept = SeriesLook::at(*key, one, false, |image| !is_rejected(image));
            let out = SeriesLook::at(*key, one, true, is_rejected);
            rejected += out.images + out.localizers;
            // A series whose images are all rejected has nothing left that could be incomplete.
            series.extend([kept, out].into_iter().filter(|look| look.images + look.localizers > 0));
        }
        // Keys have another order in every process.
        series.sort_by(|one, other| one.uid().cmp(other.uid()));
        Self { study, beside, series, rejected }
    }

    /// The UID of the study.
    #[must_use]
    pub fn uid(&self) -> &Uid {
        &self.study.uid
    }

    /// The series, those of rejected images among them.
    #[must_use]
    pub fn series(&self) -> &[SeriesLook<'a>] {
        &self.series
    }

    /// The series whose images count.
    pub(super) fn kept(&self) -> impl Iterator<Item = &SeriesLook<'a>> {
        self.series.iter().filter(|series| !series.rejected)
    }

    /// Whether everything of the study that came was looked at and kept apart.
    pub(super) fn is_whole(&self) -> bool {
        !self.study.cut && !self.beside.in_part
    }

    /// Millimetres that the longest stack across the body covers, and the thinnest slices that cover nearly as much.
    pub(super) fn across(&self) -> Option<(f64, Option<f64>)> {
        let stacks = self.kept().flat_map(|series| &series.stacks);
        let stacks: Vec<&StackLook> =
            stacks.filter(|stack| stack.plane == BodyPlane::Axial).collect();
        let covered = |stack: &StackLook| stack.stack.extent.covered(stack.thickness);
        let longest = stacks.iter().map(|stack| covered(stack)).max_by(f64::total_cmp)?;
        let thinnest = stacks
            .iter()
            .filter(|stack| stack.thickness > 0.0 && covered(stack) >= SAME_RANGE * longest)
            .map(|stack| stack.thickness)
            .min_by(f64::total_cmp);
        Some((longest, thinnest))
    }

    /// Acquisitions with fewer images than they promise: how many images are missing in all.
    pub(super) fn short_of_promised(&self) -> Option<usize> {
        if self.study.promised.count() == 0 || self.study.promised.is_cut() {
            return None;
        }
        let there = |acquisition: i32| -> usize {
            self.series.iter().filter_map(|series| series.acquisitions.get(&acquisition)).sum()
        };
        let mut most: BTreeMap<i32, u32> = BTreeMap::new();
        for (acquisition, count) in self.study.promised.iter() {
            let entry = most.entry(*acquisition).or_default();
            *entry = (*entry).max(*count);
        }
        let short = |(acquisition, count): (i32, u32)| {
            usize::try_from(count).unwrap_or(usize::MAX).saturating_sub(there(acquisition))
        };
        Some(most.into_iter().map(short).sum())
    }

    /// SOP Instance UIDs that came more than once, with different pixels.
    pub(super) fn changed(&self) -> usize {
        let images = self.study.series.values().flat_map(|series| series.stacks.values()).flatten();
        let mut known: Vec<(Key, Key)> = images
            .filter(|image| image.pixels != 0)
            .map(|image| (image.instance, image.pixels))
            .collect();
        known.sort_unstable();
        known.dedup();
        known.chunk_by(|(one, _), (next, _)| one == next).filter(|same| same.len() > 1).count()
    }

    /// How many persons the names are of: names that share a group of characters are one person's.
    pub(super) fn names(&self) -> usize {
        if self.study.names.is_cut() {
            return self.study.names.count();
        }
        let mut persons: Vec<BTreeSet<Key>> = Vec::new();
        for name in self.study.names.iter() {
            let mut own: BTreeSet<Key> = name.iter().copied().filter(|group| *group != 0).collect();
            // Whoever shares a group with the new name is the same person, and so are all who do.
            let (same, others): (Vec<_>, Vec<_>) =
                persons.into_iter().partition(|known| !known.is_disjoint(&own));
            same.into_iter().for_each(|known| own.extend(known));
            persons = others;
            persons.push(own);
        }
        persons.len()
    }
}

impl<'a> SeriesLook<'a> {
    fn at(key: Key, series: &'a Series, rejected: bool, counts: impl Fn(&Image) -> bool) -> Self {
        let mut look = Self {
            key,
            series,
            rejected,
            images: 0,
            localizers: 0,
            acquisitions: BTreeMap::new(),
            stacks: Vec::new(),
            orientations: 0,
            numbering: None,
            lost: 0,
            equal_pixels: None,
            b_values: Vec::new(),
        };
        let chosen: Vec<(&StackKey, Vec<Image>)> = series
            .stacks
            .iter()
            .map(|(key, images)| (key, images.iter().copied().filter(&counts).collect()))
            .collect();
        look.count(&chosen);
        // A localizer takes a number like any other image.
        let numbers: Vec<i32> = chosen
            .iter()
            .flat_map(|(_, images)| images)
            .map(|image| (image.instance, image.number))
            .filter(|(_, number)| *number != i32::MIN)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .map(|(_, number)| number)
            .collect();
        look.numbering = Numbering::of(&numbers);
        if !series.cut {
            let stacks = merged(&chosen);
            let alike = |traits| stacks.iter().filter(|(_, own, _)| *own == traits).count();
            look.orientations =
                stacks.iter().map(|(_, own, _)| alike(*own)).max().unwrap_or_default();
            for (plane, traits, images) in &stacks {
                look.stack(plane, *traits, images, &numbers);
            }
        }
        look
    }

    fn count(&mut self, stacks: &[(&StackKey, Vec<Image>)]) {
        let (mut images, mut localizers) = (BTreeSet::new(), BTreeSet::new());
        let mut acquisitions: BTreeMap<i32, BTreeSet<Key>> = BTreeMap::new();
        let mut b_values = Vec::new();
        let mut places: BTreeMap<Key, BTreeSet<[u32; 3]>> = BTreeMap::new();
        for (key, stack) in stacks.iter().filter(|(_, stack)| !stack.is_empty()) {
            let counted = if key.class == Class::Localizer { &mut localizers } else { &mut images };
            counted.extend(stack.iter().map(|image| image.instance));
            let acquired = acquisitions.entry(key.traits.acquisition).or_default();
            acquired.extend(stack.iter().map(|image| image.instance));
            b_values.push(f64::from(key.traits.b_value));
            if key.class == Class::Image {
                let known = |image: &&Image| image.pixels != 0 && !image.position[0].is_nan();
                for image in stack.iter().filter(known) {
                    let place = image.position.map(f32::to_bits);
                    places.entry(image.pixels).or_default().insert(place);
                }
            }
        }
        (self.images, self.localizers) = (images.len(), localizers.len());
        let acquisitions = acquisitions.into_iter().map(|(number, own)| (number, own.len()));
        self.acquisitions = acquisitions.collect();
        self.b_values = b_values;
        self.equal_pixels = (!places.is_empty())
            .then(|| places.values().map(|places| places.len().saturating_sub(1)).sum());
    }

    fn stack(&mut self, plane: &Plane, traits: Traits, images: &[Image], numbers: &[i32]) {
        let along = |image: &Image| plane.along(image.position.map(f64::from));
        let positions: Vec<f64> = images.iter().map(along).collect();
        let Some(stack) = Stack::of(&positions) else { return };
        let slices: Vec<Slice> = images
            .iter()
            .filter(|image| image.number != i32::MIN)
            .map(|image| Slice { at: along(image), number: image.number })
            .collect();
        self.lost += lost_slices(&slices, numbers);
        let thickness = f64::from(traits.thickness) / 1000.0;
        self.stacks.push(StackLook { plane: plane.view(), thickness, stack });
    }

    /// Its UID.
    #[must_use]
    pub fn uid(&self) -> &Uid {
        &self.series.uid
    }

    /// The ways that its images came.
    pub(super) fn ways(&self) -> &Ways {
        &self.series.ways
    }

    /// Whether these are images that some object of the study rejects.
    #[must_use]
    pub fn is_rejected(&self) -> bool {
        self.rejected
    }

    /// The stack with most images, by which a series is known.
    pub(super) fn main(&self) -> Option<&StackLook> {
        // Of equals `max_by_key` takes the last, whatever the order of arrival.
        self.stacks.iter().max_by_key(|stack| stack.stack.images)
    }

    /// The stacks that have a usual interval.
    pub(super) fn volumes(&self) -> impl Iterator<Item = &StackLook> {
        self.stacks.iter().filter(|stack| stack.stack.positions >= FEWEST)
    }

    /// The widest gap between neighbours of a volume, as part of the thickness.
    pub(super) fn gap_share(&self) -> Option<f64> {
        let gap = |stack: &StackLook| gap_share(stack.stack.interval?, stack.thickness);
        self.volumes().filter_map(gap).max_by(f64::total_cmp)
    }

    /// Whether neighbours leave tissue between them that is in no slice.
    pub(super) fn is_open(&self) -> Option<bool> {
        let open = self.volumes().filter_map(|stack| stack.stack.is_open(stack.thickness));
        open.reduce(|one, other| one || other)
    }
}

/// The stacks of images with a position, those joined whose orientations differ by no more than one and the same may.
fn merged(stacks: &[(&StackKey, Vec<Image>)]) -> Vec<(Plane, Traits, Vec<Image>)> {
    let mut merged: Vec<(Plane, Traits, Vec<Image>)> = Vec::new();
    for (key, images) in stacks {
        let (Class::Image, Some(steps)) = (key.class, key.plane) else { continue };
        let Some(plane) = Plane::of(&steps.map(|step| f64::from(step) * STEP)) else { continue };
        let placed = images.iter().copied().filter(|image| !image.position[0].is_nan());
        let placed: Vec<Image> = placed.collect();
        if placed.is_empty() {
            continue;
        }
        let same = merged
            .iter_mut()
            .find(|(known, traits, _)| *traits == key.traits && known.is_same(&plane));
        match same {
            Some((_, _, images)) => images.extend(placed),
            None => merged.push((plane, key.traits, placed)),
        }
    }
    for (_, _, images) in &mut merged {
        // One instance counts once, also where two versions of it came.
        images
            .sort_by_key(|image| (image.instance, image.number, image.position.map(f32::to_bits)));
        let places = |image: &Image| image.position.map(f32::to_bits);
        images.dedup_by(|next, kept| {
            let is_frame = next.number == i32::MIN && places(next) != places(kept);
            next.instance == kept.instance && !is_frame
        });
    }
    merged
}
