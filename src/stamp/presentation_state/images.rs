//! The images that a presentation state refers to, gathered one by one.

use std::collections::{BTreeMap, BTreeSet};

use crate::dicom::uid::Uid;
use crate::object::HeaderView;
use crate::object::edit::NewElement;

use super::facts::{Facts, Identity, Shared};
use super::refusal::Refusal;

/// Images that one presentation state refers to at most. A thin-slice CT has some thousands.
pub const MOST_IMAGES: usize = 20_000;

/// The images of one series, gathered in any order.
///
/// What images have in common is kept once, so an image costs little more than its UIDs.
#[derive(Debug, Clone, Default)]
pub struct Images {
    common: Option<Common>,
    images: BTreeMap<Uid, Image>,
    windows: Vec<Vec<NewElement>>,
    areas: Vec<Vec<NewElement>>,
    overlays: BTreeSet<u16>,
}

/// What holds for all of them.
#[derive(Debug, Clone)]
pub(super) struct Common {
    pub shared: Shared,
    /// Of the image with the least UID, so that the order of arrival does not matter.
    pub identity: Identity,
}

/// One image. Windows and areas are kept by their place among those that are known.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Image {
    class: Uid,
    window: Option<usize>,
    area: usize,
}

/// Elements, and the images that they hold for.
pub(super) struct Group<'a> {
    pub elements: &'a [NewElement],
    pub images: Vec<(&'a Uid, &'a Uid)>,
}

impl Images {
    /// Takes one image in.
    ///
    /// # Errors
    /// When no presentation state can show it as it is shown without, or not together with those before it. Nothing has been
    /// taken in then.
    pub fn add(&mut self, view: &HeaderView) -> Result<(), Refusal> {
        let facts = Facts::of(view)?;
        let difference =
            self.common.as_ref().and_then(|common| common.shared.difference(&facts.shared));
        if let Some(aspect) = difference {
            return Err(Refusal::Differ(aspect));
        }
        let window = (!facts.voi.is_empty()).then_some(&facts.voi);
        if let Some(known) = self.images.get(&facts.instance) {
            let is_same = known.class == facts.class
                && self.areas.get(known.area) == Some(&facts.area)
                && known.window.and_then(|place| self.windows.get(place)) == window;
            return if is_same { Ok(()) } else { Err(Refusal::TwoVersions) };
        }
        if self.images.len() == MOST_IMAGES {
            return Err(Refusal::TooManyImages);
        }
        let is_least =
            self.images.first_key_value().is_none_or(|(least, _)| facts.instance < *least);
        match &mut self.common {
            Some(common) if is_least => common.identity = facts.identity,
            Some(_) => {}
            none @ None => {
                *none = Some(Common { shared: facts.shared, identity: facts.identity });
            }
        }
        let window = window.is_some().then(|| place(&mut self.windows, facts.voi));
        let area = place(&mut self.areas, facts.area);
        self.overlays.extend(facts.overlays);
        self.images.insert(facts.instance, Image { class: facts.class, window, area });
        Ok(())
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.images.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.images.is_empty()
    }

    pub(super) fn common(&self) -> Option<&Common> {
        self.common.as_ref()
    }

    /// Class and instance of each, by instance.
    pub(super) fn references(&self) -> impl Iterator<Item = (&Uid, &Uid)> {
        self.images.iter().map(|(instance, image)| (&image.class, instance))
    }

    /// The windows in use. Images without one are in none of the groups.
    pub(super) fn windows(&self) -> Vec<Group<'_>> {
        self.grouped(&self.windows, |image| image.window)
    }

    /// The displayed areas.
    pub(super) fn areas(&self) -> Vec<Group<'_>> {
        self.grouped(&self.areas, |image| Some(image.area))
    }

    /// Groups of overlays that some of the images have.
    pub(super) fn overlays(&self) -> impl Iterator<Item = u16> {
        self.overlays.iter().copied()
    }

    /// In the order of the least image of each group.
    fn grouped<'a>(
        &'a self,
        known: &'a [Vec<NewElement>],
        of: impl Fn(&Image) -> Option<usize>,
    ) -> Vec<Group<'a>> {
        let mut by_place: BTreeMap<usize, Vec<(&Uid, &Uid)>> = BTreeMap::new();
        for (instance, image) in &self.images {
            if let Some(place) = of(image) {
                by_place.entry(place).or_default().push((&image.class, instance));
            }
        }
        let mut groups: Vec<Group<'_>> = by_place
            .into_iter()
            .filter_map(|(place, images)| Some(Group { elements: known.get(place)?, images }))
            .collect();
        groups.sort_by_key(|group| group.images.first().map(|(_, instance)| *instance));
        groups
    }
}

/// The place of `new` among `known`, to which it is added.
fn place(known: &mut Vec<Vec<NewElement>>, new: Vec<NewElement>) -> usize {
    // From behind: an image mostly looks like the one before it.
    known.iter().rposition(|known| *known == new).unwrap_or_else(|| {
        known.push(new);
        known.len() - 1
    })
}
