//! What was made for an object beside its plan: frames that were coded anew. Derived from the object, so it is no object itself;
//! written once, so that every attempt at sending finds the same bytes.

use std::fs::File;
use std::io::{self, Seek as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::base::object_id::ObjectId;
use crate::object::edit::Made;
use crate::object::splice::MadeBytes;

use super::fault::{Step, StoreFault};
use super::{Shared, Spool, ids};

/// Read at a time.
const BUFFER: usize = 256 << 10;

/// The room on the disk is asked for again after so many bytes.
const ROOM_EVERY: u64 = 16 << 20;

/// Something that is being made for an object. Dropped without [`Making::commit`], it is discarded.
pub struct Making {
    shared: Arc<Shared>,
    object: ObjectId,
    path: PathBuf,
    file: Option<File>,
    hasher: blake3::Hasher,
    length: u64,
    /// The file no longer bears the draft's name.
    moved: bool,
}

impl Making {
    pub(super) fn new(shared: Arc<Shared>, object: ObjectId) -> Self {
        // One object may be judged twice at a time: when the first judgement hangs and a person asks for another.
        let path = shared.places.making(object, shared.makings.fetch_add(1, Ordering::Relaxed));
        let hasher = blake3::Hasher::new();
        Self { shared, object, path, file: None, hasher, length: 0, moved: false }
    }

    /// Bytes so far.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Takes the next bytes. Blocks.
    ///
    /// # Errors
    /// [`StoreFault::Full`] or [`StoreFault::Io`]; what is being made is of no use after that.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), StoreFault> {
        let before = self.length / ROOM_EVERY;
        self.length += bytes.len() as u64;
        if self.file.is_none() || self.length / ROOM_EVERY != before {
            self.shared.check_room()?;
        }
        let disk = &*self.shared.disk;
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                let created = disk.create(&self.path);
                none.insert(created.map_err(|error| self.shared.fault(Step::Create, error))?)
            }
        };
        self.hasher.update(bytes);
        disk.write(file, bytes).map_err(|error| self.shared.fault(Step::Write, error))
    }

    /// What has been made so far.
    #[must_use]
    pub fn made(&self) -> Made {
        Made { length: self.length, hash: *self.hasher.finalize().as_bytes() }
    }

    /// Makes it durable. Blocks.
    ///
    /// # Errors
    /// Every [`StoreFault`] but `Interrupted`. Nothing is kept then.
    pub fn commit(mut self) -> Result<(), StoreFault> {
        let Some(file) = self.file.take() else { return Ok(()) };
        self.shared.sync_file(&file)?;
        let (places, disk) = (&self.shared.places, &*self.shared.disk);
        let folder = places.made_shard(&ids::shard(self.object));
        let io = |step| move |source| StoreFault::Io { step, source };
        match disk.create_directory(&folder) {
            Ok(()) => disk.sync_directory(&places.all_made()).map_err(io(Step::Shard))?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(self.shared.fault(Step::Shard, error)),
        }
        let place = places.made(self.object, &self.made());
        disk.rename(&self.path, &place).map_err(io(Step::Rename))?;
        self.moved = true;
        disk.sync_directory(&folder)
            .map_err(|source| StoreFault::Sync { step: Step::SyncDirectory, source })
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        if self.length == 0 || self.moved {
            return;
        }
        match self.shared.disk.remove(&self.path) {
            Ok(()) => {}
            // Never created, or in its place.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                tracing::warn!(object = %self.object, %error, "a discarded draft stays until the next start");
            }
        }
    }
}

impl Spool {
    /// Begins to make something for an object.
    #[must_use]
    pub fn making(&self, object: ObjectId) -> Making {
        Making::new(Arc::clone(&self.shared), object)
    }

    /// Opens what was made for an object, once it has been read through and is what was made. Blocks.
    ///
    /// # Errors
    /// See [`MadeFault`]. Nothing of the object is lost with it.
    pub fn made(&self, id: ObjectId, made: &Made) -> Result<MadeBytes, MadeFault> {
        let mut file = File::open(self.shared.places.made(id, made)).map_err(|source| {
            let is_gone = source.kind() == io::ErrorKind::NotFound;
            if is_gone { MadeFault::Gone(id) } else { MadeFault::Io { id, source } }
        })?;
        let failed = |source| MadeFault::Io { id, source };
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(&mut file).map_err(failed)?;
        if *hasher.finalize().as_bytes() != made.hash {
            return Err(MadeFault::Changed(id));
        }
        file.rewind().map_err(failed)?;
        Ok(MadeBytes::new(io::BufReader::with_capacity(BUFFER, file)))
    }
}

/// Why what was made for an object cannot be read. It can be made anew, out of the object.
#[derive(Debug, thiserror::Error)]
pub enum MadeFault {
    /// There is no such file.
    #[error("what was made for the object {0} is not in the spool")]
    Gone(ObjectId),
    /// It is not what was made. It must not be sent.
    #[error("what was made for the object {0} has changed")]
    Changed(ObjectId),
    /// The disk failed.
    #[error("what was made for the object {id} cannot be read")]
    Io {
        /// The object.
        id: ObjectId,
        /// What the system said.
        source: io::Error,
    },
}
