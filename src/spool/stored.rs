//! An object in custody, for reading.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use crate::base::object_id::ObjectId;

use super::envelope::Envelope;
use super::fault::{Damage, ReadFault};
use super::format::{self, Layout};

/// An object in custody: its envelope, and its data set as it arrived.
///
/// The open file keeps the bytes readable even when the object is removed meanwhile.
#[derive(Debug, Clone)]
pub struct StoredObject {
    id: ObjectId,
    envelope: Envelope,
    data: Range<u64>,
    hash: blake3::Hash,
    file: Arc<File>,
}

impl StoredObject {
    /// Reads head and footer of an open file. The inner error says that it is no stored object.
    pub(super) fn open(file: File) -> io::Result<Result<Self, Damage>> {
        Ok(format::read(&file)?.map(|Layout { id, envelope, start, length, hash }| Self {
            id,
            envelope,
            data: start..start + length,
            hash,
            file: Arc::new(file),
        }))
    }

    /// The object's name.
    #[must_use]
    pub fn id(&self) -> ObjectId {
        self.id
    }

    /// What is known from its association and command.
    #[must_use]
    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// Where in the file the data set lies.
    #[must_use]
    pub fn data(&self) -> Range<u64> {
        self.data.clone()
    }

    /// Bytes of the data set.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.data.end - self.data.start
    }

    /// BLAKE3 of the data set when it arrived.
    #[must_use]
    pub fn hash(&self) -> blake3::Hash {
        self.hash
    }

    /// The open file, a valid Part 10 file as a whole.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }

    /// The data set from its first byte. Several readers of one object do not disturb each other.
    #[must_use]
    pub fn reader(&self) -> DataReader {
        DataReader { file: Arc::clone(&self.file), rest: self.data.clone() }
    }

    /// The data set from this byte on.
    #[must_use]
    pub fn reader_from(&self, at: u64) -> DataReader {
        let start = self.data.start.saturating_add(at).min(self.data.end);
        DataReader { file: Arc::clone(&self.file), rest: start..self.data.end }
    }

    /// Reads the data set through and compares its hash. Blocks.
    ///
    /// # Errors
    /// [`ReadFault::Damaged`] when it is not what arrived; [`ReadFault::Io`] when the disk fails.
    pub fn verify(&self) -> Result<(), ReadFault> {
        let mut hasher = blake3::Hasher::new();
        hasher
            .update_reader(self.reader())
            .map_err(|source| ReadFault::Io { id: self.id, source })?;
        self.compare(&hasher)
    }

    fn compare(&self, hasher: &blake3::Hasher) -> Result<(), ReadFault> {
        if hasher.finalize() == self.hash {
            Ok(())
        } else {
            Err(ReadFault::Damaged { id: self.id, damage: Damage::DataChanged })
        }
    }

    /// Has its bytes kept on the disk alone, since nobody is going to read them soon: whatever comes next finds the room in memory
    /// that they had. May take a while for a large one.
    pub fn put_by(&self) {
        put_by(&self.file);
    }

    /// As [`StoredObject::verify`], a piece at a time and from the disk itself: for whoever must not disturb others.
    #[must_use]
    pub fn verification(self) -> Verification {
        let verification = Verification {
            reader: self.reader(),
            stored: self,
            hasher: blake3::Hasher::new(),
            buffer: vec![0; 256 << 10],
        };
        // What lies in memory says nothing of the disk.
        verification.stored.put_by();
        verification
    }
}

/// See [`StoredObject::put_by`].
pub(super) fn put_by(file: &File) {
    // Only advice: where it is not taken, the bytes stay in memory until others need the room.
    if let Err(error) = rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed) {
        tracing::debug!(%error, "cached pages cannot be dropped");
    }
}

/// Reads an object through a piece at a time.
pub struct Verification {
    stored: StoredObject,
    reader: DataReader,
    hasher: blake3::Hasher,
    buffer: Vec<u8>,
}

impl Verification {
    /// Bytes of the data set.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.stored.length()
    }

    /// Reads on, `most` bytes and a little more. Gives how many were read, and `None` once all are and the object is what
    /// arrived. Blocks.
    ///
    /// # Errors
    /// As [`StoredObject::verify`].
    pub fn read(&mut self, most: u64) -> Result<Option<u64>, ReadFault> {
        let mut bytes = 0;
        while bytes < most {
            let read = match self.reader.read(&mut self.buffer) {
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(source) => return Err(ReadFault::Io { id: self.stored.id, source }),
            };
            let Some(piece) = self.buffer.get(..read).filter(|piece| !piece.is_empty()) else {
                break;
            };
            self.hasher.update(piece);
            bytes += read as u64;
        }
        if bytes > 0 {
            return Ok(Some(bytes));
        }
        // What was read for this alone need not lie in memory.
        self.stored.put_by();
        self.stored.compare(&self.hasher).map(|()| None)
    }
}

/// Reads the data set of a [`StoredObject`].
#[derive(Debug)]
pub struct DataReader {
    file: Arc<File>,
    rest: Range<u64>,
}

impl Read for DataReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.rest.end - self.rest.start).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        let Some(buffer) = buffer.get_mut(..wanted).filter(|buffer| !buffer.is_empty()) else {
            return Ok(0);
        };
        let read = self.file.read_at(buffer, self.rest.start)?;
        if read == 0 {
            // The footer lies behind the data set, so the file must have been shortened since it was opened.
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.rest.start += read as u64;
        Ok(read)
    }
}
