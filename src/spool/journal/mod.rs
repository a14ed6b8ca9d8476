//! The journal: what cannot be told from an object's own file, in the order in which it happened.
//!
//! Its records are opaque here. A record that [`Journal::append`] has returned for is durable; whatever rests on it may
//! happen from then on.
//!
//! # Format
//!
//! ```text
//! journal/<first sequence, 16 hexadecimal digits>.log
//!
//! segment   8 bytes  "MGJRNL01"
//!           8 bytes  the sequence in its name, little endian like all numbers here
//!           records, ascending by sequence
//!
//! record    4 bytes  "MGRC"
//!           4 bytes  length of the payload
//!           8 bytes  sequence
//!           8 bytes  the last sequence that was durable when this record was written
//!           4 bytes  CRC-32 of the 20 bytes before and the payload
//!           payload
//! ```
//!
//! A new segment is begun when the last one has [`SEGMENT`] bytes. All sequences in a segment are below the name of the next
//! one, so that a reader who knows where it was skips whole segments by name.
//!
//! # Torn or damaged
//!
//! Bytes that are no record are *torn* if nothing that was durable can have been there: a write that a crash cut off,
//! and nobody was told that it had succeeded. They are cut off at the next start. They are *damage* if a later record knows
//! of a higher durable sequence than the record before them has: then something that was promised is gone, the rest is
//! still read, and the caller is told.
//!
//! # Reclaiming
//!
//! Records of objects that are gone are of no use. [`Journal::reclaim`] takes the oldest segments that are mostly dead,
//! writes what is alive in them to a file beside, renames that over the last of them, and removes the others, oldest first.
//! The order of sequences stays, and a crash in between leaves records twice, with the same sequence: a reader
//! passes over what does not ascend. The newest segment is never touched, so sequences are never used again.
//!
//! # Start-up
//!
//! 1. Half-written files of a reclaim (`*.tmp`) are removed.
//! 2. The newest segment is read through; what is torn at its end is cut off, and it is synced.
//! 3. Writing goes on behind its last record.

#[cfg(any(test, fuzzing))]
pub(in crate::spool) mod fuzzing;
mod reclaim;
mod replay;
mod segment;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

pub use reclaim::Reclaimed;
pub use replay::{JournalDamage, Replay};

use super::ballast::{Ballast, is_full};
use super::disk::Disk;
use super::fault::SpoolFault;
use super::health::Health;
use super::lock::Lock;
use segment::{HEADER, MAX_PAYLOAD};

/// A segment is full at this size: small enough to be read into memory whole, large enough that a busy day has
/// hundreds of them, not thousands.
const SEGMENT: u64 = 8 << 20;

/// Why records could not be appended. None of them counts as written.
#[derive(Debug, thiserror::Error)]
pub enum JournalFault {
    /// A record is larger than a journal can hold.
    #[error("a record of {bytes} bytes is too large for the journal")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// Writing failed.
    #[error("the journal could not be written")]
    Write(#[source] io::Error),
    /// A sync failed. Final, as for objects.
    #[error("the disk did not confirm the journal")]
    Sync(#[source] io::Error),
}

/// The journal of a spool. Cheap to clone; all clones are one journal.
#[derive(Clone)]
pub struct Journal {
    inner: Arc<Inner>,
}

struct Inner {
    dir: PathBuf,
    disk: Arc<dyn Disk>,
    health: Arc<Health>,
    ballast: Arc<Ballast>,
    /// Bytes at which a segment is full: [`SEGMENT`], less in tests.
    full: u64,
    active: Mutex<Active>,
    reclaiming: Mutex<()>,
    /// Held as long as anyone may write here.
    _lock: Arc<Lock>,
}

struct Active {
    segment: Option<Segment>,
    /// The next sequence.
    next: u64,
    /// The last sequence that is durable.
    durable: u64,
}

struct Segment {
    path: PathBuf,
    file: File,
    length: u64,
    /// Its name is not durable yet.
    new: bool,
}

impl Journal {
    /// Steps 1 to 3 of the start-up. Returns how many torn bytes were cut off.
    pub(super) fn open(
        dir: PathBuf,
        disk: Arc<dyn Disk>,
        health: Arc<Health>,
        ballast: Arc<Ballast>,
        lock: Arc<Lock>,
        full: Option<u64>,
    ) -> io::Result<(Self, u64)> {
        for name in segment::leftovers(&dir)? {
            disk.remove(&dir.join(name))?;
        }
        let mut active = Active { segment: None, next: 1, durable: 0 };
        let mut torn = 0;
        if let Some(&first) = segment::firsts(&dir)?.last() {
            let (segment, scan) = reopen(&dir, &*disk, first)?;
            torn = scan.torn;
            active.next = scan.last.map_or(first, |last| last.saturating_add(1)).max(first);
            active.durable = active.next.saturating_sub(1);
            active.segment = Some(segment);
        }
        let inner = Inner {
            dir,
            disk,
            health,
            ballast,
            full: full.unwrap_or(SEGMENT),
            active: Mutex::new(active),
            reclaiming: Mutex::default(),
            _lock: lock,
        };
        Ok((Self { inner: Arc::new(inner) }, torn))
    }

    /// Appends records in this order, syncs them, and returns the sequence of the first; the others follow it one by
    /// one. One writer at a time; it blocks for as long as the disk takes, so records that wait should come together.
    ///
    /// # Errors
    /// See [`JournalFault`]. The sequences that the records would have had are not used again.
    pub fn append(&self, records: &[Vec<u8>]) -> Result<u64, JournalFault> {
        if let Some(large) = records.iter().find(|record| record.len() > MAX_PAYLOAD) {
            return Err(JournalFault::TooLarge { bytes: large.len() });
        }
        let inner = &*self.inner;
        let mut active = inner.active.lock().unwrap_or_else(PoisonError::into_inner);
        match inner.append(&mut active, records) {
            // What rests on the journal must go on when nothing else does.
            Err(fault) if fault.is_full() && inner.ballast.give_up() => {
                inner.append(&mut active, records)
            }
            outcome => outcome,
        }
    }
}

impl JournalFault {
    /// Whether there was no room.
    fn is_full(&self) -> bool {
        match self {
            Self::TooLarge { .. } => false,
            Self::Write(error) | Self::Sync(error) => is_full(error),
        }
    }
}

impl Inner {
    fn append(&self, active: &mut Active, records: &[Vec<u8>]) -> Result<u64, JournalFault> {
        let count = records.len() as u64;
        // Out of the journal's hands until it is confirmed: whatever happens meanwhile, nothing is ever written behind an end
        // of which nobody knows whether it counts.
        let mut segment = self.writable(active, records)?;
        let before = segment.length;
        let first = active.next;
        active.next = first.saturating_add(count);
        match self.write(&mut segment, active.durable, first, records) {
            Ok(()) => {
                active.durable = active.next.saturating_sub(1);
                active.segment = Some(segment);
                Ok(first)
            }
            Err(fault) => {
                self.abandon(&segment, before);
                Err(fault)
            }
        }
    }

    /// The segment with room for these records: the last one, or a new one.
    fn writable(&self, active: &mut Active, records: &[Vec<u8>]) -> Result<Segment, JournalFault> {
        let more: u64 = records.iter().map(|record| segment::length_of(record)).sum();
        if let Some(segment) = active.segment.take()
            && (segment.length <= HEADER || segment.length.saturating_add(more) <= self.full)
        {
            return Ok(segment);
        }
        let (path, file) = loop {
            let path = self.dir.join(segment::name(active.next));
            match self.disk.create(&path) {
                Ok(file) => break (path, file),
                // One that was given up and could not be removed: its first sequence is not used again.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    active.next = active.next.saturating_add(1);
                }
                Err(error) => return Err(JournalFault::Write(error)),
            }
        };
        let mut segment = Segment { path, file, length: 0, new: true };
        if let Err(error) = self.disk.write(&segment.file, &segment::header(active.next)) {
            self.abandon(&segment, 0);
            return Err(JournalFault::Write(error));
        }
        segment.length = HEADER;
        Ok(segment)
    }

    fn write(
        &self,
        segment: &mut Segment,
        durable: u64,
        first: u64,
        records: &[Vec<u8>],
    ) -> Result<(), JournalFault> {
        /// Records are gathered up to this size before they are written.
        const GATHERED: usize = 1 << 20;
        let mut gathered = Vec::new();
        for (sequence, record) in (first..).zip(records) {
            segment::encode(&mut gathered, sequence, durable, record);
            segment.length += segment::length_of(record);
            if gathered.len() >= GATHERED {
                self.disk.write(&segment.file, &gathered).map_err(JournalFault::Write)?;
                gathered.clear();
            }
        }
        self.disk.write(&segment.file, &gathered).map_err(JournalFault::Write)?;
        self.disk.sync_file(&segment.file).map_err(|error| self.sync_failed(error))?;
        if segment.new {
            self.disk.sync_directory(&self.dir).map_err(|error| self.sync_failed(error))?;
            segment.new = false;
        }
        Ok(())
    }

    fn sync_failed(&self, error: io::Error) -> JournalFault {
        self.health.sync_failed(Instant::now());
        JournalFault::Sync(error)
    }

    /// Gives up a segment that could not be written. What was to be appended must not turn up at the next start, since
    /// its caller is told that it failed; so it is cut off as well as can be.
    fn abandon(&self, segment: &Segment, before: u64) {
        let cut = if before <= HEADER && segment.new {
            self.disk.remove(&segment.path)
        } else {
            self.disk.truncate(&segment.file, before)
        };
        if let Err(error) = cut {
            tracing::error!(%error, "the end of a journal segment could not be cut off");
        }
    }
}

/// Refuses the journal of a later program, before anything is cut off or removed.
pub(super) fn check_version(dir: &Path) -> Result<(), SpoolFault> {
    let not_readable = |source| SpoolFault::NotReadable { path: dir.to_owned(), source };
    let firsts = match segment::firsts(dir) {
        Ok(firsts) => firsts,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(not_readable(source)),
    };
    for first in firsts {
        let path = dir.join(segment::name(first));
        if let Some(found) = segment::later_version(&path).map_err(not_readable)? {
            return Err(SpoolFault::TooNew { path, found, known: segment::VERSION });
        }
    }
    Ok(())
}

/// Reads the newest segment, cuts off what is torn, and opens it for more.
fn reopen(dir: &Path, disk: &dyn Disk, first: u64) -> io::Result<(Segment, segment::Scan)> {
    let path = dir.join(segment::name(first));
    let bytes = std::fs::read(&path)?;
    let mut scan = segment::scan(&bytes);
    scan.cut_torn(first);
    let file = File::options().append(true).open(&path)?;
    disk.truncate(&file, scan.good)?;
    let mut length = scan.good;
    if length < HEADER {
        disk.truncate(&file, 0)?;
        disk.write(&file, &segment::header(first))?;
        length = HEADER;
    }
    disk.sync_file(&file)?;
    disk.sync_directory(dir)?;
    Ok((Segment { path, file, length, new: false }, scan))
}
