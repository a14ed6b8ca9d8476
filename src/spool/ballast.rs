//! Ballast: room that is taken up in good times so that it can be given up in bad ones.
//!
//! When the file system says that it is full, the ballast is removed, so that the journal, the index and whatever a person
//! decides can still be written. Objects get nothing of it: until it is back, its room counts as used. It is put back as soon
//! as there is room for it above the reserve, and never at the reserve's cost; where there has never been so much room, the
//! gate does without.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::disk::Disk;
use super::health::Health;
use super::places::Places;

/// Whether there is ballast to be given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BallastState {
    /// It is there.
    Aboard,
    /// The file system was full: it has been given up and is put back once there is room.
    GivenUp,
    /// There has been no room for it yet, or none is wanted.
    Without,
}

impl BallastState {
    /// Its name on the outside.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aboard => "aboard",
            Self::GivenUp => "given_up",
            Self::Without => "without",
        }
    }
}

/// The ballast of one spool.
pub(super) struct Ballast {
    path: PathBuf,
    root: PathBuf,
    size: u64,
    disk: Arc<dyn Disk>,
    health: Arc<Health>,
    /// Held over the removal, so that whoever finds the ballast gone finds its room free.
    state: Mutex<BallastState>,
}

impl Ballast {
    /// Looks whether there is ballast. One that is not of its full size is the half-made work of a gate that was killed.
    pub(super) fn find(
        places: &Places,
        size: u64,
        disk: Arc<dyn Disk>,
        health: Arc<Health>,
    ) -> io::Result<Self> {
        use std::os::unix::fs::MetadataExt as _;
        let path = places.ballast();
        /// The unit of `st_blocks`, whatever the file system's own is.
        const BLOCK: u64 = 512;
        let state = match std::fs::symlink_metadata(&path) {
            Ok(found) if size > 0 && found.len() == size && found.blocks() * BLOCK >= size => {
                BallastState::Aboard
            }
            Ok(_half_made) => {
                disk.remove(&path)?;
                BallastState::Without
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => BallastState::Without,
            Err(error) => return Err(error),
        };
        let root = places.root().to_owned();
        Ok(Self { path, root, size, disk, health, state: Mutex::new(state) })
    }

    pub(super) fn state(&self) -> BallastState {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the ballast up, if it is there. Says whether it is gone now, so that it is worth while to try again what failed
    /// for want of room.
    pub(super) fn give_up(&self) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match *state {
            BallastState::GivenUp => return true,
            BallastState::Without => return false,
            BallastState::Aboard => {}
        }
        match self.disk.remove(&self.path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                tracing::error!(%error, "the file system is full and the ballast cannot be removed");
                return false;
            }
        }
        *state = BallastState::GivenUp;
        self.health.owe(self.size);
        tracing::error!(
            bytes = self.size,
            "the file system is full: the ballast has been given up so that what is in custody can be seen to; make room"
        );
        // Some file systems free blocks only once the removal is durable.
        if let Err(error) = self.disk.sync_directory(&self.root) {
            tracing::warn!(%error, "the removal of the ballast is not confirmed");
        }
        true
    }

    /// Puts the ballast back, if it is missing and there is room for it above the reserve. Blocks.
    pub(super) fn put_back(&self, now: Instant) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if self.size == 0 || *state == BallastState::Aboard {
            return;
        }
        let free = self.health.free(&*self.disk, &self.root, now).unwrap_or(0);
        if free < self.health.reserve().saturating_add(self.size) {
            return;
        }
        match self.make() {
            Ok(()) => {
                if *state == BallastState::GivenUp {
                    tracing::info!(bytes = self.size, "there is room again: the ballast is back");
                }
                *state = BallastState::Aboard;
                self.health.owe(0);
            }
            Err(error) => tracing::warn!(%error, "the ballast cannot be put back yet"),
        }
    }

    fn make(&self) -> io::Result<()> {
        match self.disk.remove(&self.path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let file = self.disk.create(&self.path)?;
        let made = self.fill(&file);
        if made.is_err() {
            self.disk.remove(&self.path)?;
        }
        made
    }

    fn fill(&self, file: &File) -> io::Result<()> {
        self.disk.allocate(file, self.size)?;
        self.disk.sync_file(file)?;
        self.disk.sync_directory(&self.root)
    }
}

/// Whether an error says that there is no room, in bytes, inodes or quota.
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
