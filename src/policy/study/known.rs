//! What is remembered of studies that were settled, to compare later ones with: whose number is whose, where a series belongs, whose
//! pixels are whose. All as keys, and each list with a bound: the oldest goes first.

use std::collections::{HashMap, VecDeque};

use crate::standard::study::{Beside, Key, Person, Study, Trace};

/// Patients that are remembered.
const PATIENTS: usize = 50_000;
/// Series that are remembered.
const SERIES: usize = 100_000;
/// Pixels that are remembered, a few of each series.
const PIXELS: usize = 200_000;
/// Persons of one Patient ID, and studies of one patient, that are remembered.
const FEW: usize = 4;

/// See the module.
#[derive(Debug)]
pub struct Known {
    patients: Bounded<Patient>,
    /// The study that a series came in.
    series: Bounded<Key>,
    /// The patient that pixels came with.
    pixels: Bounded<Key>,
    /// Whether the studies of earlier runs are among them.
    is_recalled: bool,
}

#[derive(Debug, Default)]
struct Patient {
    persons: Vec<Person>,
    studies: VecDeque<Begun>,
}

/// A study of a patient.
#[derive(Debug, Clone, Copy)]
struct Begun {
    study: Key,
    /// Modality and region.
    kind: Key,
    /// Seconds since 1970.
    at: i64,
}

impl Default for Known {
    fn default() -> Self {
        Self {
            patients: Bounded::new(PATIENTS),
            series: Bounded::new(SERIES),
            pixels: Bounded::new(PIXELS),
            is_recalled: false,
        }
    }
}

impl Known {
    /// Sets a study that has settled beside those before it, and remembers it for those after it.
    pub fn beside(&mut self, study: &Study, in_part: bool, early: bool) -> Beside {
        let trace = study.trace();
        let beside = Beside { in_part, early, ..self.compare(&trace) };
        self.learn(&trace);
        beside
    }

    /// Compares a study with those before it.
    fn compare(&self, study: &Trace) -> Beside {
        let mut beside = Beside::default();
        let elsewhere =
            |series: &&Key| self.series.get(**series).is_some_and(|owner| *owner != study.study);
        beside.series_elsewhere = study.series.iter().filter(elsewhere).copied().collect();
        let Some(id) = study.patient else { return beside };
        let foreign = |pixels: &&Key| self.pixels.get(**pixels).is_some_and(|owner| *owner != id);
        let foreign = study.pixels.iter().filter(foreign).count();
        beside.pixels_elsewhere = (foreign > 0 || self.is_recalled).then_some(foreign);
        if let Some(patient) = self.patients.get(id) {
            let is_known = patient.persons.iter().any(|person| person.may_be(&study.person));
            beside.known_otherwise = Some(!is_known && !patient.persons.is_empty());
            let others = patient
                .studies
                .iter()
                .filter(|other| other.study != study.study && Some(other.kind) == study.kind);
            let minutes =
                |other: &Begun| study.begun.map(|begun| begun.abs_diff(other.at) as f64 / 60.0);
            beside.minutes_to_other = others.filter_map(minutes).min_by(f64::total_cmp);
        }
        beside
    }

    /// Whether the studies of earlier runs are remembered too. Until then, what is not remembered may have been all the same.
    #[must_use]
    pub fn is_recalled(&self) -> bool {
        self.is_recalled
    }

    /// Notes that the studies of earlier runs are remembered.
    pub fn set_recalled(&mut self) {
        self.is_recalled = true;
    }

    /// Remembers a study for those after it.
    pub fn learn(&mut self, study: &Trace) {
        for series in &study.series {
            self.series.put_first(*series, study.study);
        }
        let Some(id) = study.patient else { return };
        for pixels in &study.sample {
            self.pixels.put_first(*pixels, id);
        }
        let patient = self.patients.entry(id);
        if !patient.persons.contains(&study.person) {
            patient.persons.push(study.person.clone());
            if patient.persons.len() > FEW {
                patient.persons.remove(0);
            }
        }
        if let (Some(kind), Some(at)) = (study.kind, study.begun) {
            patient.studies.retain(|other| other.study != study.study);
            patient.studies.push_back(Begun { study: study.study, kind, at });
            while patient.studies.len() > FEW {
                patient.studies.pop_front();
            }
        }
    }
}

/// A map that forgets what came first.
#[derive(Debug)]
struct Bounded<V> {
    entries: HashMap<Key, V>,
    order: VecDeque<Key>,
    most: usize,
}

impl<V> Bounded<V> {
    fn new(most: usize) -> Self {
        Self { entries: HashMap::new(), order: VecDeque::new(), most }
    }

    fn get(&self, key: Key) -> Option<&V> {
        self.entries.get(&key)
    }

    /// Keeps what is there already.
    fn put_first(&mut self, key: Key, value: V) {
        if !self.entries.contains_key(&key) {
            self.make_room(key);
            self.entries.insert(key, value);
        }
    }

    fn make_room(&mut self, key: Key) {
        if self.order.len() >= self.most
            && let Some(oldest) = self.order.pop_front()
        {
            self.entries.remove(&oldest);
        }
        self.order.push_back(key);
    }
}

impl<V: Default> Bounded<V> {
    fn entry(&mut self, key: Key) -> &mut V {
        if !self.entries.contains_key(&key) {
            self.make_room(key);
        }
        self.entries.entry(key).or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dicom::uid::Uid;
    use crate::standard::study::{Keys, Study};
    use std::collections::BTreeSet;

    /// A study of a patient, with the pixels of this key.
    fn trace(study: Key, patient: Key, pixels: Key) -> Trace {
        let none = Study::new(Uid::new("1.2"), Keys::new([0; 32]).of("study", "1.2")).trace();
        let (pixels, sample) = (vec![pixels], vec![pixels]);
        Trace { study, patient: Some(patient), pixels, sample, ..none }
    }

    #[test]
    fn that_pixels_were_nowhere_else_is_known_once_earlier_runs_are_recalled() {
        let mut known = Known::default();
        let elsewhere = |known: &Known| known.compare(&trace(2, 20, 7)).pixels_elsewhere;
        assert_eq!(elsewhere(&known), None);
        known.set_recalled();
        assert_eq!(elsewhere(&known), Some(0));
        let mut known = Known::default();
        known.learn(&trace(1, 10, 7));
        assert_eq!(elsewhere(&known), Some(1), "what is found is known at once");
    }

    #[test]
    fn the_oldest_is_forgotten_first() {
        let mut map = Bounded::new(2);
        for key in 0..3 {
            map.put_first(key, key * 10);
        }
        map.put_first(2, 99);
        let values: BTreeSet<Key> = (0..3).filter_map(|key| map.get(key).copied()).collect();
        assert_eq!(values, BTreeSet::from([10, 20]));
        assert_eq!(map.order.len(), 2);
    }
}
