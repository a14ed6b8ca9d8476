//! The bytes that go out: the original from the spool, changed by the recorded plan, rewritten where the destination needs it.

use std::io::{self, Read};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::base::limits::Limits;
use crate::object::edit::EditPlan;
use crate::object::splice::MadeBytes;
use crate::object::{End, scan_reader, splice, transcode};
use crate::spool::{DataReader, Noted, ReadFault, StoredObject};

use super::vigil::Pulse;

/// In which transfer syntax an object goes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As it came.
    AsItCame,
    /// Rewritten.
    Rewritten(transcode::Target),
}

/// How an object is changed on its way out.
pub(super) struct Change {
    /// What is changed.
    pub(super) plan: EditPlan,
    /// What was made beside the plan.
    pub(super) made: MadeBytes,
}

/// Why what goes out cannot be laid out.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyFault {
    /// The original is not what arrived, or cannot be read.
    #[error(transparent)]
    Read(#[from] ReadFault),
    /// The plan, or the rewriting, does not fit the object.
    #[error("cannot be made: {0}")]
    Unmade(#[source] io::Error),
    /// It cannot be walked to its end, so it cannot be rewritten.
    #[error("the peer does not take its transfer syntax, and it cannot be rewritten in another")]
    Unfit,
}

/// A reader of the bytes that go out, which tells their hash once all of them have been read.
pub(super) struct Body {
    source: Source,
    hasher: blake3::Hasher,
    sent: Sent,
    watch: Watch,
}

/// Who is told that a body is being read.
#[derive(Clone)]
pub(super) struct Watch {
    /// That bytes come.
    pub(super) pulse: Pulse,
    /// How long it may be until the next.
    pub(super) silence: Duration,
    /// That what is sent is being made out of the object.
    pub(super) noted: Arc<Noted>,
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

/// What has become of a body: its hash once it has been read to its end, or that it could not be.
#[derive(Debug, Clone, Default)]
pub(super) struct Sent(Arc<OnceLock<Option<blake3::Hash>>>);

impl Sent {
    /// `None` when the body was not read to its end.
    pub(super) fn hash(&self) -> Option<blake3::Hash> {
        self.0.get().copied().flatten()
    }

    /// Whether reading it has failed.
    pub(super) fn has_failed(&self) -> bool {
        self.0.get() == Some(&None)
    }

    /// Only the first end counts; a reader may be asked again behind it.
    fn ended(&self, hash: Option<blake3::Hash>) {
        self.0.get_or_init(|| hash);
    }
}

impl Body {
    /// Lays out what goes out of `stored`. Blocks: what will be changed is read through and compared with its hash first, since a
    /// damaged original must not go out with a fresh hash.
    ///
    /// # Errors
    /// See [`BodyFault`].
    pub(super) fn new(
        stored: &StoredObject,
        change: Change,
        form: Form,
        watch: Watch,
    ) -> Result<(Self, Sent), BodyFault> {
        watch.noted.begin();
        let laid_out = Self::lay_out(stored, change, form);
        watch.noted.pause();
        let source = laid_out?;
        let sent = Sent::default();
        let body = Self { source, hasher: blake3::Hasher::new(), sent: sent.clone(), watch };
        Ok((body, sent))
    }

    fn lay_out(stored: &StoredObject, change: Change, form: Form) -> Result<Source, BodyFault> {
        let Change { plan, made } = change;
        let id = stored.id();
        let failed = |source: io::Error| match source.raw_os_error() {
            Some(_) => BodyFault::Read(ReadFault::Io { id, source }),
            None => BodyFault::Unmade(source),
        };
        let syntax = stored.envelope().syntax();
        Ok(match form {
            Form::AsItCame if plan.is_empty() => {
                Source::Original { reader: stored.reader(), arrived: stored.hash() }
            }
            Form::AsItCame => {
                stored.verify()?;
                let output = splice::output(stored.reader(), syntax, plan, made).map_err(failed)?;
                Source::Changed(Box::new(output))
            }
            Form::Rewritten(target) => {
                stored.verify()?;
                // What has been begun has to come to its end: a peer that sees half an object may keep it.
                let scan = scan_reader(stored.reader(), syntax, Limits::default());
                match scan.map_err(failed)?.end {
                    End::Complete => {}
                    // Only looking was stopped; but a deflated one may inflate without end.
                    End::Unlooked(_) if !syntax.deflated => {}
                    End::Unlooked(_)
                    | End::Cut { .. }
                    | End::Malformed(_)
                    | End::TooDeep { .. } => {
                        return Err(BodyFault::Unfit);
                    }
                }
                let output =
                    transcode::output(stored.reader(), syntax, plan, target).map_err(failed)?;
                Source::Rewritten(Box::new(output))
            }
        })
    }
}

fn while_noted<T>(noted: &Noted, work: impl FnOnce() -> T) -> T {
    noted.begin();
    let done = work();
    noted.pause();
    done
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.watch.pulse.within(self.watch.silence);
        let noted = &self.watch.noted;
        let read = match &mut self.source {
            // Copying has ended no gate yet.
            Source::Original { reader, .. } => reader.read(buffer),
            Source::Changed(reader) => while_noted(noted, || reader.read(buffer)),
            Source::Rewritten(reader) => while_noted(noted, || reader.read(buffer)),
        };
        let count = match read {
            Ok(count) => count,
            Err(fault) => {
                if fault.kind() != io::ErrorKind::Interrupted {
                    self.sent.ended(None);
                }
                return Err(fault);
            }
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
                self.sent.ended(None);
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    "the object in the spool is not what arrived",
                ));
            }
            Source::Original { .. } | Source::Changed(_) | Source::Rewritten(_) => {}
        }
        self.sent.ended(Some(hash));
        Ok(0)
    }
}
