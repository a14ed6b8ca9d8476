//! Taking a spool over: the start-up procedure of [`crate::spool`], step by step.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use crate::base::object_id::ObjectId;
use crate::base::time::Timestamp;

use super::ballast::{Ballast, BallastState, is_full};
use super::begun::Begun;
use super::bypass::Bypass;
use super::commit::{Committer, Permits};
use super::disk::Disk;
use super::fault::{Damage, ReadFault, SpoolFault};
use super::health::Health;
use super::ids::{self, IdSource};
use super::in_hand::InHand;
use super::journal::{self, Journal};
use super::lock::Lock;
use super::places::Places;
use super::stored::StoredObject;
use super::{Config, SYNCS_AT_A_TIME, Shared, Spool, version};

/// Refused objects that are kept for inspection.
const REFUSED_KEPT: usize = 100;

/// What [`Spool::open`] found and put in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// When the spool was taken over.
    pub at: Timestamp,
    /// Drafts of the last run that were never acknowledged and are gone now.
    pub drafts: usize,
    /// The newest object in custody.
    pub newest: Option<ObjectId>,
    /// Bytes cut off the journal's end: a write that was never confirmed.
    pub torn: u64,
}

/// Something that [`Spool::reconcile`] found.
#[derive(Debug)]
pub enum Leftover {
    /// A complete object that the index does not know: it may have been acknowledged, so it is in custody.
    Adopted(StoredObject),
    /// A file that is not, or no longer, a complete object and that the index does not know. It lies in `corrupt/` now. Alarm.
    Corrupt {
        /// The object's name.
        id: ObjectId,
        /// What is wrong with it.
        damage: Damage,
    },
    /// An object that the index knows and that has no file. Alarm, unless its custody has ended.
    Lost(ObjectId),
    /// A file of the index's object, or an unknown one, that could not be read or moved. It stays where it is. Alarm.
    Unreadable(ReadFault),
    /// A name in `objects/` that is not ours. It stays where it is.
    Stray(String),
}

/// Steps 1 to 7.
pub(super) fn open(
    config: &Config,
    disk: Arc<dyn Disk>,
    now: Timestamp,
) -> Result<(Spool, Recovered), SpoolFault> {
    let places = Places::new(config.dir.clone());
    let lock = Arc::new(Lock::take(&places)?);
    version::check(&places)?;
    journal::check_version(&places.journal())?;
    let health = Arc::new(Health::new(config.reserve));
    let ballast = Ballast::find(&places, config.ballast, Arc::clone(&disk), Arc::clone(&health))
        .map_err(|source| SpoolFault::NotWritable { path: places.ballast(), source })?;
    let ballast = Arc::new(ballast);
    prepare(&places, &*disk, &ballast)?;
    let drafts = sweep_drafts(&places, &*disk)?;
    let newest = newest(&places)?;
    with_room(&ballast, || probe(&places, &*disk))
        .map_err(|source| SpoolFault::NotWritable { path: places.drafts(), source })?;
    let (journal, torn) = Journal::open(
        places.journal(),
        Arc::clone(&disk),
        Arc::clone(&health),
        Arc::clone(&ballast),
        Arc::clone(&lock),
        None,
    )
    .map_err(|source| SpoolFault::Journal { path: places.journal(), source })?;
    ballast.put_back(Instant::now());
    if config.ballast > 0 && ballast.state() == BallastState::Without {
        tracing::warn!(
            bytes = config.ballast,
            reserve = config.reserve,
            "there is no room for the ballast above the reserve: the gate does without until there is"
        );
    }
    let not_writable = |path| move |source| SpoolFault::NotWritable { path, source };
    let in_hand = |path: std::path::PathBuf| {
        with_room(&ballast, || InHand::open(&path)).map_err(not_writable(path))
    };
    let (judging, sending) = (in_hand(places.judging())?, in_hand(places.sending())?);
    let relaying = with_room(&ballast, || Begun::open(&places.relaying()))
        .map_err(not_writable(places.relaying()))?;
    let shared = Shared {
        ids: IdSource::above(newest.unwrap_or(ObjectId::from_u128(0))),
        health,
        ballast,
        journal,
        committer: Committer::default(),
        bypass: Bypass::read(&places, Arc::clone(&disk), now),
        syncing: Permits::new(SYNCS_AT_A_TIME),
        judging,
        relaying,
        sending,
        makings: AtomicU64::default(),
        places,
        disk,
        _lock: lock,
    };
    let spool = Spool { shared: Arc::new(shared) };
    Ok((spool, Recovered { at: now, drafts, newest, torn }))
}

/// Step 2.
fn prepare(places: &Places, disk: &dyn Disk, ballast: &Ballast) -> Result<(), SpoolFault> {
    let all = [
        places.drafts(),
        places.objects(),
        places.all_made(),
        places.all_corrupt(),
        places.all_refused(),
        places.commitments(),
        places.journal(),
    ];
    // New directories alone heed it.
    disk.spread(places.root());
    for path in all {
        match with_room(ballast, || disk.create_directory(&path)) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(source) => return Err(SpoolFault::NotWritable { path, source }),
        }
    }
    version::mark(places, disk)?;
    let root = places.root();
    disk.sync_directory(root)
        .map_err(|source| SpoolFault::NotWritable { path: root.to_owned(), source })
}

/// Does something, and once more without the ballast when there is no room for it.
fn with_room<T>(ballast: &Ballast, act: impl Fn() -> io::Result<T>) -> io::Result<T> {
    match act() {
        Err(error) if is_full(&error) && ballast.give_up() => act(),
        outcome => outcome,
    }
}

/// Step 3.
fn sweep_drafts(places: &Places, disk: &dyn Disk) -> Result<usize, SpoolFault> {
    let drafts = names(&places.drafts())?;
    for name in &drafts {
        let path = places.drafts().join(name);
        disk.remove(&path).map_err(|source| SpoolFault::NotWritable { path, source })?;
    }
    Ok(drafts.len())
}

/// Step 4: the newest object, from names alone.
fn newest(places: &Places) -> Result<Option<ObjectId>, SpoolFault> {
    let shards: BTreeSet<String> = names(&places.objects())?.into_iter().collect();
    for shard in shards.iter().rev().filter(|name| ids::is_shard(name)) {
        if let Some(&newest) = Shard::read(places, shard)?.objects.last() {
            return Ok(Some(newest));
        }
    }
    Ok(None)
}

/// The names in a shard. There may be a million, so only those are kept as text that are not ours.
struct Shard {
    /// In ascending order.
    objects: Vec<ObjectId>,
    strays: Vec<String>,
}

impl Shard {
    fn read(places: &Places, shard: &str) -> Result<Self, SpoolFault> {
        let (mut objects, mut strays) = (Vec::new(), Vec::new());
        each_name(&places.shard(shard), |name| {
            match Places::id_of(&name).filter(|&id| ids::shard(id) == shard) {
                Some(id) => objects.push(id),
                None => strays.push(name.into_owned()),
            }
        })?;
        objects.sort_unstable();
        strays.sort_unstable();
        Ok(Self { objects, strays })
    }
}

/// Step 5. Writes, syncs and removes a file: whether the disk does what it is asked.
fn probe(places: &Places, disk: &dyn Disk) -> io::Result<()> {
    let path = places.probe();
    match disk.remove(&path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let file = disk.create(&path)?;
    disk.write(&file, b"markgate")?;
    disk.sync_file(&file)?;
    disk.remove(&path)
}

/// The names in a directory.
fn names(path: &Path) -> Result<Vec<String>, SpoolFault> {
    let mut names = Vec::new();
    each_name(path, |name| names.push(name.into_owned()))?;
    Ok(names)
}

/// Tells each name in a directory, as text; ours all are.
fn each_name(path: &Path, mut tell: impl FnMut(Cow<'_, str>)) -> Result<(), SpoolFault> {
    let not_readable = |source| SpoolFault::NotReadable { path: path.to_owned(), source };
    for entry in fs::read_dir(path).map_err(not_readable)? {
        tell(entry.map_err(not_readable)?.file_name().to_string_lossy());
    }
    Ok(())
}

impl Spool {
    /// Compares the spool with what the index knows to be in custody, and tells `found` each difference: steps 8 and 9
    /// of the start-up procedure. Known objects are looked up by name only, unknown ones are opened. Blocks.
    ///
    /// # Errors
    /// When a directory cannot be read, or an object is of a later version. What cannot be read of one object is told as
    /// [`Leftover::Unreadable`].
    pub fn reconcile(
        &self,
        known: &BTreeSet<ObjectId>,
        mut found: impl FnMut(Leftover),
    ) -> Result<(), SpoolFault> {
        let places = &self.shared.places;
        // Both in ascending order: shards are, and the objects in each.
        let mut expected = known.iter().copied().peekable();
        let mut shards = names(&places.objects())?;
        shards.sort_unstable();
        for shard in shards {
            if !ids::is_shard(&shard) {
                found(Leftover::Stray(shard));
                continue;
            }
            let Shard { objects, strays } = Shard::read(places, &shard)?;
            strays.into_iter().for_each(|name| found(Leftover::Stray(format!("{shard}/{name}"))));
            for id in objects {
                while let Some(missing) = expected.next_if(|expected| *expected < id) {
                    found(Leftover::Lost(missing));
                }
                if expected.next_if_eq(&id).is_none() {
                    found(self.shared.adopt(id)?);
                }
            }
        }
        expected.for_each(|missing| found(Leftover::Lost(missing)));
        Ok(())
    }
}

impl Shared {
    /// Step 8 for one object.
    fn adopt(&self, id: ObjectId) -> Result<Leftover, SpoolFault> {
        Ok(match self.object(id) {
            Ok(stored) => Leftover::Adopted(stored),
            Err(ReadFault::Damaged { id, damage: Damage::LaterVersion(found) }) => {
                let (path, found) = (self.places.object(id), found.to_string());
                return Err(SpoolFault::TooNew { path, found, known: version::VERSION });
            }
            Err(ReadFault::Damaged { id, damage }) => match self.move_to_corrupt(id) {
                Ok(()) => Leftover::Corrupt { id, damage },
                Err(source) => Leftover::Unreadable(ReadFault::Io { id, source }),
            },
            Err(fault @ (ReadFault::Missing(_) | ReadFault::Io { .. })) => {
                Leftover::Unreadable(fault)
            }
        })
    }

    /// Damage goes to `corrupt/` for a person to look at, never away.
    fn move_to_corrupt(&self, id: ObjectId) -> io::Result<()> {
        self.disk.rename(&self.places.object(id), &self.places.corrupt(&format!("{id}.dcm")))?;
        self.disk.sync_directory(&self.places.all_corrupt())?;
        self.disk.sync_directory(&self.places.shard(&ids::shard(id)))
    }

    /// See [`probe`].
    pub(super) fn probe(&self) -> io::Result<()> {
        probe(&self.places, &*self.disk)
    }

    /// Removes all but the newest refused objects.
    pub(super) fn thin_out_refused(&self) {
        let mut kept = match names(&self.places.all_refused()) {
            Ok(kept) => kept,
            Err(error) => {
                tracing::warn!(%error, "refused objects cannot be listed");
                return;
            }
        };
        kept.sort_unstable_by(|a, b| b.cmp(a));
        for old in kept.iter().skip(REFUSED_KEPT) {
            if let Err(error) = self.disk.remove(&self.places.all_refused().join(old)) {
                tracing::warn!(%error, "an old refused object cannot be removed");
            }
        }
    }

    /// See [`Spool::remove`].
    pub(super) fn remove(&self, objects: &[ObjectId]) -> io::Result<()> {
        let mut shards = BTreeSet::new();
        // First what was made for them: without its object nobody would know what it is.
        self.remove_made(objects)?;
        for &id in objects {
            match self.disk.remove(&self.places.object(id)) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
            shards.insert(ids::shard(id));
        }
        for shard in shards {
            let path = self.places.shard(&shard);
            match self.disk.sync_directory(&path) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            }
            // Forgotten before it goes, so that whoever commits into it afterwards makes it anew.
            self.committer.forget_shard(&shard);
            match self.disk.remove_directory(&path) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn remove_made(&self, objects: &[ObjectId]) -> io::Result<()> {
        let shards: BTreeSet<String> = objects.iter().map(|&id| ids::shard(id)).collect();
        let objects: BTreeSet<&ObjectId> = objects.iter().collect();
        for shard in shards {
            let folder = self.places.made_shard(&shard);
            let entries = match fs::read_dir(&folder) {
                Ok(entries) => entries,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            for entry in entries {
                let name = entry?.file_name();
                let made_for = name.to_str().and_then(Places::made_for);
                if made_for.is_some_and(|id| objects.contains(&id)) {
                    self.disk.remove(&folder.join(name))?;
                }
            }
            match self.disk.remove_directory(&folder) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
