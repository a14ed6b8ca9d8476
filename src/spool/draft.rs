//! An object on its way into custody, and the proof that it has arrived.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use crate::base::object_id::ObjectId;
use crate::dicom::transfer_syntax::TransferSyntax;

use super::ballast::is_full;
use super::envelope::Envelope;
use super::fault::{Step, StoreFault};
use super::stored::StoredObject;
use super::{Shared, format};

/// Small writes are gathered up to this size; larger ones go straight to the file.
const BUFFER: usize = 64 << 10;

/// The room on the disk is asked for again after so many bytes of one object, so that a large one cannot eat up the
/// reserve that the journal lives on.
const ROOM_EVERY: u64 = 16 << 20;

/// The disk begins with what was written after so many bytes of one object, where somebody waits for all of it.
const BEGIN_EVERY: u64 = 4 << 20;

/// Bytes of a refused object that are kept for inspection.
const ASIDE_BYTES: u64 = 16 << 20;

/// Proof that an object is durable under its final name: what a C-STORE-RSP of 0000 is earned with.
///
/// Only [`Draft::commit`] makes one, and it can be neither copied nor built elsewhere.
#[derive(Debug, PartialEq, Eq)]
pub struct Receipt {
    id: ObjectId,
    length: u64,
    hash: blake3::Hash,
}

impl Receipt {
    /// The object's name.
    #[must_use]
    pub fn id(&self) -> ObjectId {
        self.id
    }

    /// Bytes of the data set.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// BLAKE3 of the data set as received.
    #[must_use]
    pub fn hash(&self) -> blake3::Hash {
        self.hash
    }
}

/// An object whose bytes are still coming. Dropped without [`Draft::commit`], it is discarded and its file removed.
///
/// The file is created at the first byte that does not fit the buffer, so that an object of up to [`Draft::room`]
/// bytes touches the disk in its commit alone.
pub struct Draft {
    shared: Arc<Shared>,
    id: ObjectId,
    syntax: TransferSyntax,
    head: Vec<u8>,
    path: PathBuf,
    file: Option<File>,
    buffer: Vec<u8>,
    hasher: blake3::Hasher,
    length: u64,
    failed: bool,
    /// Whether somebody waits for it to be durable.
    awaited: bool,
    /// Its hash, once its footer is written.
    sealed: Option<blake3::Hash>,
    /// The file no longer bears the draft's name.
    moved: bool,
}

impl Draft {
    pub(super) fn new(shared: Arc<Shared>, id: ObjectId, envelope: &Envelope) -> Self {
        let head = format::head(envelope, id);
        let path = shared.places.draft(id);
        let mut buffer = Vec::with_capacity(head.len());
        buffer.extend_from_slice(&head);
        Self {
            shared,
            id,
            syntax: envelope.syntax(),
            head,
            path,
            file: None,
            buffer,
            hasher: blake3::Hasher::new(),
            length: 0,
            failed: false,
            awaited: true,
            sealed: None,
            moved: false,
        }
    }

    /// The name that the object will have.
    #[must_use]
    pub fn id(&self) -> ObjectId {
        self.id
    }

    /// Nobody waits for it to be durable: its disk need not begin before it is told to end.
    pub fn takes_its_time(&mut self) {
        self.awaited = false;
    }

    /// Bytes of the data set so far.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Bytes that the next [`Draft::write`] may bring without touching the disk: up to so many it may be called on an
    /// async thread.
    #[must_use]
    pub fn room(&self) -> usize {
        BUFFER.saturating_sub(self.buffer.len())
    }

    /// Whether all of it lies in memory, up to 64 KiB.
    #[must_use]
    pub fn is_in_memory(&self) -> bool {
        self.file.is_none()
    }

    /// Takes the next bytes of the data set. May block on the disk (see [`Draft::room`]).
    ///
    /// # Errors
    /// [`StoreFault::Full`] or [`StoreFault::Io`]; the draft cannot be committed after that.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), StoreFault> {
        if self.failed || self.sealed.is_some() {
            return Err(StoreFault::GivenUp);
        }
        self.hasher.update(bytes);
        let before = self.length;
        self.length += bytes.len() as u64;
        let has_passed = |every| self.length / every != before / every;
        let (asks_for_room, begins) = (has_passed(ROOM_EVERY), has_passed(BEGIN_EVERY));
        if asks_for_room {
            self.checked(|draft| draft.shared.check_room())?;
        }
        self.put(bytes)?;
        if begins
            && self.awaited
            && let Some(file) = &self.file
        {
            self.shared.disk.begin(file, before / BEGIN_EVERY * BEGIN_EVERY);
        }
        Ok(())
    }

    /// Makes the object durable and gives it its final name; see "Durable order" in [`crate::spool`].
    ///
    /// Runs [`Draft::commit_blocking`] on a blocking thread: one hop, whatever the size. When the future is dropped
    /// before it is done the object may or may not have been taken; it is then found at the next start.
    ///
    /// # Errors
    /// As [`Draft::commit_blocking`], and [`StoreFault::Interrupted`] when the thread ended without an answer.
    pub async fn commit(self) -> Result<Receipt, StoreFault> {
        match tokio::task::spawn_blocking(move || self.commit_blocking()).await {
            Ok(outcome) => outcome,
            Err(_panicked_or_shut_down) => Err(StoreFault::Interrupted),
        }
    }

    /// As [`Draft::commit`], on this thread, which it blocks for as long as the disk takes.
    ///
    /// # Errors
    /// Every [`StoreFault`] but `Interrupted`. Nothing is kept then.
    pub fn commit_blocking(mut self) -> Result<Receipt, StoreFault> {
        let hash = self.synced()?;
        self.shared.committer.commit(&self.shared, self.id)?;
        Ok(self.committed(hash))
    }

    /// As [`Draft::commit_blocking`] for several drafts of one spool, which share the sync of their directory. Each is committed or
    /// not for itself; the outcomes are in the order of the drafts.
    #[must_use]
    pub fn commit_all(drafts: Vec<Self>) -> Vec<Result<Receipt, StoreFault>> {
        let Some(shared) = drafts.first().map(|draft| Arc::clone(&draft.shared)) else {
            return Vec::new();
        };
        let sync = |mut draft: Self| draft.synced().map(|hash| (draft, hash));
        let synced: Vec<_> = drafts.into_iter().map(sync).collect();
        let ids: Vec<ObjectId> = synced.iter().flatten().map(|(draft, _hash)| draft.id).collect();
        let mut named = shared.committer.commit_all(&shared, &ids).into_iter();
        let mut receipt = |(draft, hash): (Self, blake3::Hash)| {
            named.next().unwrap_or(Err(StoreFault::Interrupted))?;
            Ok(draft.committed(hash))
        };
        synced.into_iter().map(|synced| synced.and_then(&mut receipt)).collect()
    }

    /// Ends the object's file and makes its bytes durable.
    fn synced(&mut self) -> Result<blake3::Hash, StoreFault> {
        let hash = self.end()?;
        if let Some(file) = self.file.take() {
            self.shared.sync_file(&file)?;
        }
        Ok(hash)
    }

    /// Its name is durable too.
    fn committed(mut self, hash: blake3::Hash) -> Receipt {
        self.moved = true;
        Receipt { id: self.id, length: self.length, hash }
    }

    /// Ends the object's file, which is not durable yet, and opens it for reading. Nothing more can be written. Blocks.
    ///
    /// # Errors
    /// [`StoreFault::Full`] or [`StoreFault::Io`]; the draft cannot be committed after that.
    pub fn seal(&mut self) -> Result<StoredObject, StoreFault> {
        self.end()?;
        let fault = |source| StoreFault::Io { step: Step::Read, source };
        let Some(file) = &self.file else { return Err(StoreFault::GivenUp) };
        let file = file.try_clone().map_err(fault)?;
        let stored = StoredObject::open(file).map_err(fault)?;
        stored.map_err(|damage| fault(io::Error::other(damage.to_string())))
    }

    /// Ends the object's file, which is not durable yet, and gives its memory back. Nothing more can be written. Blocks.
    ///
    /// # Errors
    /// As [`Draft::seal`].
    pub fn close(&mut self) -> Result<(), StoreFault> {
        self.end().map(drop)
    }

    fn end(&mut self) -> Result<blake3::Hash, StoreFault> {
        if self.failed {
            return Err(StoreFault::GivenUp);
        }
        if let Some(hash) = self.sealed {
            return Ok(hash);
        }
        let hash = self.hasher.finalize();
        let footer = format::footer(self.syntax, self.length, &hash, &self.head);
        self.put(&footer)?;
        self.flush()?;
        // Nothing more is gathered, and it may be a while before the file is synced.
        self.buffer = Vec::new();
        self.sealed = Some(hash);
        Ok(hash)
    }

    /// Discards the object but keeps a copy of its first 16 MiB in `refused/`, for a person who asks why it was
    /// refused. The copy is no object of custody: it is not synced, and only the newest hundred are kept.
    ///
    /// # Errors
    /// When the copy cannot be written. The object is discarded all the same.
    pub fn set_aside(mut self) -> Result<(), StoreFault> {
        if self.failed {
            return Err(StoreFault::GivenUp);
        }
        self.flush()?;
        if let Some(file) = self.file.take() {
            let (disk, places) = (&*self.shared.disk, &self.shared.places);
            let fault = |step| move |source| StoreFault::Io { step, source };
            if self.length > ASIDE_BYTES {
                disk.truncate(&file, ASIDE_BYTES).map_err(fault(Step::Write))?;
            }
            disk.rename(&self.path, &places.refused(self.id)).map_err(fault(Step::Rename))?;
            self.moved = true;
            self.shared.thin_out_refused();
        }
        Ok(())
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), StoreFault> {
        if bytes.len() <= self.room() {
            self.buffer.extend_from_slice(bytes);
            return Ok(());
        }
        self.flush()?;
        if bytes.len() >= BUFFER {
            return self.checked(|draft| draft.write_through(bytes));
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> Result<(), StoreFault> {
        let buffered = std::mem::take(&mut self.buffer);
        self.checked(|draft| draft.write_through(&buffered))?;
        self.buffer = buffered;
        self.buffer.clear();
        Ok(())
    }

    fn write_through(&mut self, bytes: &[u8]) -> Result<(), StoreFault> {
        if bytes.is_empty() {
            return Ok(());
        }
        let disk = &*self.shared.disk;
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                let created =
                    disk.create(&self.path).map_err(|e| self.shared.fault(Step::Create, e))?;
                none.insert(created)
            }
        };
        disk.write(file, bytes).map_err(|e| self.shared.fault(Step::Write, e))
    }

    fn checked(
        &mut self,
        act: impl FnOnce(&mut Self) -> Result<(), StoreFault>,
    ) -> Result<(), StoreFault> {
        let outcome = act(self);
        self.failed |= outcome.is_err();
        outcome
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if self.moved {
            return;
        }
        match self.shared.disk.remove(&self.path) {
            Ok(()) => {}
            // Never created, or already taken away by a commit that failed after its rename.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                tracing::warn!(object = %self.id, %error, "a discarded draft stays until the next start");
            }
        }
    }
}

impl Shared {
    /// Sorts an error of the disk.
    pub(super) fn fault(&self, step: Step, source: io::Error) -> StoreFault {
        if is_full(&source) {
            self.ballast.give_up();
            return self.health.found_full(Instant::now());
        }
        StoreFault::Io { step, source }
    }

    /// `fdatasync`, a bounded number of them at a time.
    pub(super) fn sync_file(&self, file: &File) -> Result<(), StoreFault> {
        let _permit = self.syncing.acquire();
        self.disk.sync_file(file).map_err(|source| {
            self.health.sync_failed(Instant::now());
            // Where blocks are allocated late, the sync is the first to find that there are none.
            if is_full(&source) {
                self.ballast.give_up();
                drop(self.health.found_full(Instant::now()));
            }
            StoreFault::Sync { step: Step::SyncFile, source }
        })
    }
}
