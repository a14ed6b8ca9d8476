//! What a study leaves behind for later ones to be compared with.

use super::fold::Study;
use super::keys::Key;

/// Pixels that are remembered of a series: the smallest keys, so that two copies of a series leave the same.
const SAMPLE: usize = 16;

/// What a study leaves behind.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// The study.
    pub study: Key,
    /// Its Patient ID; `None` when it has none, or several.
    pub patient: Option<Key>,
    /// Whose it is.
    pub person: Person,
    /// Its modalities and body regions; `None` without.
    pub kind: Option<Key>,
    /// When it began, in seconds since 1970.
    pub begun: Option<i64>,
    /// Its series.
    pub series: Vec<Key>,
    /// The pixels of its images.
    pub pixels: Vec<Key>,
    /// A few of them of each series.
    pub sample: Vec<Key>,
}

/// Whose a study is, without the number.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Person {
    /// Every group of characters of the name.
    pub(crate) names: Vec<Key>,
    pub(crate) birth: Option<Key>,
    pub(crate) sex: Option<Key>,
}

impl Person {
    /// Whether both may be the same: no two values that both have differ.
    #[must_use]
    pub fn may_be(&self, other: &Self) -> bool {
        let agree = |one: Option<Key>, other: Option<Key>| {
            one.zip(other).is_none_or(|(one, other)| one == other)
        };
        let names = self.names.is_empty()
            || other.names.is_empty()
            || self.names.iter().any(|name| other.names.contains(name));
        names && agree(self.birth, other.birth) && agree(self.sex, other.sex)
    }
}

impl Study {
    /// What it leaves behind.
    #[must_use]
    pub fn trace(&self) -> Trace {
        let mut names: Vec<Key> =
            self.names.iter().flatten().copied().filter(|group| *group != 0).collect();
        names.sort_unstable();
        names.dedup();
        let (mut pixels, mut sample) = (Vec::new(), Vec::new());
        for series in self.series.values() {
            let images = series.stacks.values().flatten();
            let mut own: Vec<Key> =
                images.map(|image| image.pixels).filter(|key| *key != 0).collect();
            own.sort_unstable();
            own.dedup();
            sample.extend(own.iter().take(SAMPLE));
            pixels.append(&mut own);
        }
        let first = self.acquired.map(|(first, _)| first);
        Trace {
            study: self.key,
            patient: self.ids.first().copied().filter(|_| self.ids.count() == 1),
            person: Person {
                names,
                birth: self.births.first().copied(),
                sex: self.sexes.first().copied(),
            },
            kind: self.kind(),
            begun: self.begun.or(first),
            series: self.series.keys().copied().collect(),
            pixels,
            sample,
        }
    }

    /// Modalities and regions as one key; only compared within one process.
    fn kind(&self) -> Option<Key> {
        if self.modalities.count() == 0 || self.regions.count() == 0 {
            return None;
        }
        let mut hasher = blake3::Hasher::new();
        for text in self.modalities.iter().chain(self.regions.iter()) {
            hasher.update(text.as_bytes());
            hasher.update(&[0]);
        }
        let mut key = [0; 8];
        hasher.finalize_xof().fill(&mut key);
        Some(Key::from_le_bytes(key))
    }
}
