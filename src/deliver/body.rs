//! The bytes that go out: the original from the spool, changed by the recorded plan, rewritten where the destination needs it.

use std::io::{self, Read};
use std::ops::Range;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::base::limits::Limits;
use crate::dimse::frames::{self, Frames};
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

/// Bytes that are read when a body is laid out: a CT slice of 512 × 512 pixels with its header.
const AHEAD: usize = 640 << 10;

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
    /// Whether it has come a moment ago and is sent for the first time.
    pub(super) is_fresh: bool,
}

enum Source {
    /// Not changed: what is read is compared with the hash on arrival, before the end is told.
    Original {
        reader: DataReader,
        arrived: blake3::Hash,
    },
    Changed(Box<splice::Output<Original>>),
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
    /// damaged original must not go out with a fresh hash. What is fresh is compared while it goes out, before its end does: a
    /// peer does not keep an object without an end, and that one is damaged is not to be expected.
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
        let laid_out = Self::lay_out(stored, change, form, watch.is_fresh);
        watch.noted.pause();
        let source = laid_out?;
        let sent = Sent::default();
        let body = Self { source, hasher: blake3::Hasher::new(), sent: sent.clone(), watch };
        Ok((body, sent))
    }

    fn lay_out(
        stored: &StoredObject,
        change: Change,
        form: Form,
        is_fresh: bool,
    ) -> Result<Source, BodyFault> {
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
                // A stream that is inflated may end before the file does, and its rest would not be looked at.
                let is_read_whole = !syntax.deflated;
                let arrived = (is_fresh && is_read_whole).then(|| stored.hash());
                if arrived.is_none() {
                    stored.verify()?;
                }
                let original = Original::new(stored.reader(), arrived);
                let output = splice::output(original, syntax, plan, made).map_err(failed)?;
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

/// The bytes of an original that is changed on its way out.
#[derive(Debug)]
struct Original {
    reader: DataReader,
    /// What has been read, and the hash that all of it has to have before the end is told.
    check: Option<Box<(blake3::Hasher, blake3::Hash)>>,
}

impl Original {
    fn new(reader: DataReader, arrived: Option<blake3::Hash>) -> Self {
        Self { reader, check: arrived.map(|arrived| Box::new((blake3::Hasher::new(), arrived))) }
    }
}

impl Read for Original {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        let Some((hasher, arrived)) = self.check.as_deref_mut() else { return Ok(count) };
        match buffer.get(..count) {
            Some(read) if count > 0 => {
                hasher.update(read);
            }
            Some(_) | None if buffer.is_empty() => {}
            Some(_) | None if hasher.finalize() != *arrived => return Err(damaged()),
            Some(_) | None => {}
        }
        Ok(count)
    }
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the object in the spool is not what arrived")
}

impl Body {
    /// Works on the body for a while. Whether that ends the gate is of interest where more is done than to copy.
    fn at_work<T>(&mut self, work: impl FnOnce(&mut Self) -> T) -> T {
        self.watch.pulse.within(self.watch.silence);
        let is_noted = match &self.source {
            Source::Original { .. } => false,
            Source::Changed(_) | Source::Rewritten(_) => true,
        };
        if is_noted {
            self.watch.noted.begin();
        }
        let done = work(self);
        if is_noted {
            self.watch.noted.pause();
        }
        done
    }

    /// Reads until the buffer is full or all is read. Returns how many bytes.
    fn read_into(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while let Some(space) = buffer.get_mut(filled..).filter(|space| !space.is_empty()) {
            match self.read_on(space) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(fault) if fault.kind() == io::ErrorKind::Interrupted => {}
                Err(fault) => return Err(fault),
            }
        }
        Ok(filled)
    }

    fn read_on(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match &mut self.source {
            Source::Original { reader, .. } => reader.read(buffer),
            Source::Changed(reader) => reader.read(buffer),
            Source::Rewritten(reader) => reader.read(buffer),
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
                return Err(damaged());
            }
            Source::Original { .. } | Source::Changed(_) | Source::Rewritten(_) => {}
        }
        self.sent.ended(Some(hash));
        Ok(0)
    }
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.at_work(|body| body.read_on(buffer))
    }
}

/// A body on its way to a peer. Its first bytes have been read when it was laid out, so that a small object takes no further turn
/// on another thread.
pub(super) struct Outgoing {
    buffer: Vec<u8>,
    /// What of the buffer has been read and not handed on.
    ahead: Range<usize>,
    /// What follows; `None` behind the end, and while it is being read.
    rest: Option<Body>,
    is_whole: bool,
}

impl Outgoing {
    /// Reads the first bytes, into the buffer of an earlier one if there was one. Blocks.
    ///
    /// # Errors
    /// When they cannot be read or made.
    pub(super) fn begin(mut body: Body, mut buffer: Vec<u8>) -> io::Result<Self> {
        buffer.resize(AHEAD, 0);
        let read = body.at_work(|body| body.read_into(&mut buffer))?;
        let is_whole = read < AHEAD;
        let rest = (!is_whole).then_some(body);
        Ok(Self { buffer, ahead: 0..read, rest, is_whole })
    }

    /// The buffer, for the next one.
    pub(super) fn into_buffer(self) -> Vec<u8> {
        self.buffer
    }
}

impl frames::Source for Outgoing {
    async fn fill(&mut self, mut frames: Frames) -> io::Result<Frames> {
        let mut ahead = self.buffer.get(self.ahead.clone()).unwrap_or_default();
        while !ahead.is_empty() && !frames.is_full() {
            let count = ahead.read(frames.space())?;
            frames.advance(count);
        }
        self.ahead.start = self.ahead.end - ahead.len();
        if !self.ahead.is_empty() {
            return Ok(frames);
        }
        if self.is_whole {
            frames.end();
            return Ok(frames);
        }
        if frames.is_full() {
            return Ok(frames);
        }
        let Some(mut body) = self.rest.take() else {
            return Err(io::Error::other("an earlier read was cancelled"));
        };
        let filling = tokio::task::spawn_blocking(move || {
            let filled = body.at_work(|body| frames.fill(|space| body.read_on(space)));
            (body, frames, filled)
        });
        let (body, frames, filled) = filling.await.map_err(io::Error::other)?;
        self.rest = Some(body);
        filled.map(|()| frames)
    }
}
