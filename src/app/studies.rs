//! The studies of files: gathered by the fold of a gate, and settled as of now, since nothing more comes of what lies there.
//!
//! A folder is taken to hold its studies whole. Of files that were named one by one, others of their study may be elsewhere: then
//! what only the whole can lack is not missing. Nor is it where a file in the same folder could not be read.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::base::time::Timestamp;
use crate::dicom::uid::Uid;
use crate::policy::study::{Known, Patience, Settings, Studies};
use crate::receive::fresh_keys;
use crate::standard::study::{Beside, Key, Keys, Look, Part, Study};

/// Studies in the making.
pub(super) struct Gathering {
    keys: Keys,
    open: Studies<()>,
    met: HashMap<Key, Met>,
    /// Folders with something that could not be read.
    unread: HashSet<PathBuf>,
    now: Timestamp,
}

/// A study that was met.
#[derive(Default)]
struct Met {
    /// Its place in the order in which studies are met.
    place: usize,
    folders: HashSet<PathBuf>,
    /// Some of it was found in a folder.
    in_folder: bool,
    /// Some of it could not be looked at.
    in_part: bool,
}

/// Which instance of which study a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub study: Key,
    pub series: Uid,
    pub instance: Key,
}

/// A study of which nothing more comes.
pub(super) struct Settled {
    study: Study,
    beside: Beside,
}

impl Settled {
    /// The study as rules look at it.
    pub(super) fn look(&self) -> Look<'_> {
        Look::at(&self.study, &self.beside)
    }

    /// Its key.
    pub(super) fn key(&self) -> Key {
        self.study.key()
    }

    /// Its UID.
    pub(super) fn uid(&self) -> &Uid {
        self.study.uid()
    }

    /// How many instances it has.
    pub(super) fn instances(&self) -> usize {
        self.study.instances().len()
    }
}

impl Gathering {
    /// None as yet; `now` is when they will have settled.
    pub(super) fn new(now: Timestamp) -> Self {
        let at_once = Patience { quiet: Duration::ZERO, at_most: Duration::ZERO };
        let settings = Settings { usual: at_once, ..Settings::default() };
        Self {
            keys: fresh_keys(),
            open: Studies::new(settings),
            met: HashMap::new(),
            unread: HashSet::new(),
            now,
        }
    }

    /// What identities are hidden by.
    pub(super) fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Takes in what a study needs of the object in a file, which was named itself or found in a folder.
    pub(super) fn take(&mut self, path: &Path, named: bool, part: &Part) -> Place {
        self.open.take(part, self.now, self.now);
        let met = self.meet(part.study());
        met.folders.insert(folder(path));
        met.in_folder |= !named;
        Place { study: part.study(), series: part.series_uid().clone(), instance: part.instance() }
    }

    /// Notes an object of a study that was not looked at to its end.
    pub(super) fn unlooked(&mut self, study_uid: &str) {
        let key = self.keys.of("study", Uid::new(study_uid).as_str());
        self.meet(key).in_part = true;
    }

    /// Notes a file or folder that could not be read.
    pub(super) fn unread(&mut self, path: &Path) {
        self.unread.insert(folder(path));
    }

    fn meet(&mut self, study: Key) -> &mut Met {
        let place = self.met.len();
        self.met.entry(study).or_insert_with(|| Met { place, ..Met::default() })
    }

    /// The studies in the order in which they were met.
    pub(super) fn settle(mut self) -> Vec<Settled> {
        let mut complete = self.open.settle(self.now);
        complete.sort_by_key(|one| self.met.get(&one.study.key()).map(|met| met.place));
        let mut known = Known::default();
        // Files are all that there is: no run was before this one.
        known.set_recalled();
        let settled = complete.into_iter().map(|one| {
            let met = self.met.get(&one.study.key());
            let in_part =
                met.is_none_or(|met| met.in_part || !met.folders.is_disjoint(&self.unread));
            let early = met.is_none_or(|met| !met.in_folder);
            let beside = known.beside(&one.study, in_part, early);
            Settled { study: one.study, beside }
        });
        settled.collect()
    }
}

/// The folder that something lies in.
fn folder(path: &Path) -> PathBuf {
    path.parent().unwrap_or(Path::new("")).to_owned()
}
