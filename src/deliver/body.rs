//! The bytes that go out: the original from the spool, changed by the recorded plan, rewritten where the destination needs it.

use std::io::{self, Read};
use std::sync::{Arc, OnceLock};

use crate::object::edit::EditPlan;
use crate::object::{splice, transcode};
use crate::spool::{DataReader, ReadFault, StoredObject};

/// In which transfer syntax an object goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As it came.
    AsItCame,
    /// Rewritten.
    Rewritten(transcode::Target),
}

/// A reader of the bytes that go out, which tells their hash once all of them have been read.
pub(super) struct Body {
    source: Source,
    hasher: blake3::Hasher,
    sent: Arc<OnceLock<blake3::Hash>>,
}

enum Source {
    /// Not changed: what is read is compared with the hash on arrival, before the end is told.
    Original {
        reader: DataReader,
        arrived: blake3::Hash,
    },
    Changed(Box<splice::Output<DataReader>>),
    Rewritten(Box<transcode::Output<DataReader>>),
}

/// The hash of a body, once it has been read to its end.
#[derive(Debug, Clone)]
pub(super) struct Sent(Arc<OnceLock<blake3::Hash>>);

impl Sent {
    /// `None` when the body was not read to its end.
    pub(super) fn hash(&self) -> Option<blake3::Hash> {
        self.0.get().copied()
    }
}

impl Body {
    /// Lays out what goes out of `stored`. Blocks: what will be changed is read through and compared with its hash first, since a
    /// damaged original must not go out with a fresh hash.
    ///
    /// # Errors
    /// When the original is not what arrived, or cannot be read.
    pub(super) fn new(
        stored: &StoredObject,
        plan: EditPlan,
        form: Form,
    ) -> Result<(Self, Sent), ReadFault> {
        let id = stored.id();
        let failed = |source| ReadFault::Io { id, source };
        let syntax = stored.envelope().syntax();
        let source = match form {
            Form::AsItCame if plan.is_empty() => {
                Source::Original { reader: stored.reader(), arrived: stored.hash() }
            }
            Form::AsItCame => {
                stored.verify()?;
                let output = splice::output(stored.reader(), syntax, plan).map_err(failed)?;
                Source::Changed(Box::new(output))
            }
            Form::Rewritten(target) => {
                stored.verify()?;
                let output =
                    transcode::output(stored.reader(), syntax, plan, target).map_err(failed)?;
                Source::Rewritten(Box::new(output))
            }
        };
        let sent = Arc::new(OnceLock::new());
        let body = Self { source, hasher: blake3::Hasher::new(), sent: Arc::clone(&sent) };
        Ok((body, Sent(sent)))
    }
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match &mut self.source {
            Source::Original { reader, .. } => reader.read(buffer)?,
            Source::Changed(reader) => reader.read(buffer)?,
            Source::Rewritten(reader) => reader.read(buffer)?,
        };
        if let Some(read) = buffer.get(..count).filter(|read| !read.is_empty()) {
            self.hasher.update(read);
            return Ok(count);
        }
        if buffer.is_empty() {
            return Ok(0);
        }
        let hash = self.hasher.finalize();
        match &self.source {
            Source::Original { arrived, .. } if *arrived != hash => {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "the object in the spool is not what arrived",
                ));
            }
            Source::Original { .. } | Source::Changed(_) | Source::Rewritten(_) => {}
        }
        // A second read at the end finds it set already, to the same value.
        if self.sent.set(hash).is_err() {
            tracing::trace!("the end was read twice");
        }
        Ok(0)
    }
}
