//! What an object's pixels are looked at and stamped with in the gate: its bytes in the spool, the codecs, and a file for frames that are coded
//! anew.

use std::cell::{Cell, OnceCell, RefCell};
use std::io::{self, Read};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::codec::{CodecFault, Coded, Decoded, Frames, Tile};
use crate::object::edit::Made;
use crate::object::splice::Inflating;
use crate::spool::{Making, ObjectId, Spool, StoreFault, StoredObject};
use crate::stamp::{FirstFrame, Workshop};

/// How long the pixels of one object may be worked on. Beyond it the object gets the next weaker mode, rather than no
/// verdict in the time that it has for one.
const WORKING_HOURS: Duration = Duration::from_secs(12);

/// The bench for one object. Nothing is opened before it is needed.
pub(super) struct Bench {
    spool: Spool,
    object: ObjectId,
    stored: OnceCell<StoredObject>,
    frames: Limited,
    making: RefCell<Option<Making>>,
    is_closed: Cell<bool>,
    first: FirstFrame,
    asked: OnceCell<Instant>,
}

impl Bench {
    pub(super) fn new(spool: Spool, object: ObjectId, codecs: Arc<dyn Frames>) -> Self {
        let frames = Limited { codecs, until: Instant::now() + WORKING_HOURS };
        Self {
            spool,
            object,
            stored: OnceCell::new(),
            frames,
            making: RefCell::new(None),
            is_closed: Cell::new(false),
            first: FirstFrame::default(),
            asked: OnceCell::new(),
        }
    }

    /// The bench for an object that is at hand.
    pub(super) fn of(spool: Spool, stored: StoredObject, codecs: Arc<dyn Frames>) -> Self {
        let bench = Self::new(spool, stored.id(), codecs);
        bench.stored.get_or_init(|| stored);
        bench
    }

    /// Makes what was kept durable, so that a verdict may speak of it. After a failure nothing is kept any more.
    pub(super) fn commit(&self) -> Result<(), StoreFault> {
        let committed = self.making.take().map_or(Ok(()), Making::commit);
        self.is_closed.set(committed.is_err());
        committed
    }

    fn stored(&self) -> io::Result<&StoredObject> {
        if self.stored.get().is_none() {
            let stored = self.spool.object(self.object).map_err(io::Error::other)?;
            return Ok(self.stored.get_or_init(|| stored));
        }
        self.stored.get().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }
}

impl Workshop for Bench {
    fn original(&self, at: u64) -> io::Result<Box<dyn Read + '_>> {
        self.asked.get_or_init(Instant::now);
        let stored = self.stored()?;
        if !stored.envelope().syntax().deflated {
            return Ok(Box::new(stored.reader_from(at)));
        }
        let mut inflating = Inflating::new(stored.reader())?;
        io::copy(&mut inflating.by_ref().take(at), &mut io::sink())?;
        Ok(Box::new(inflating))
    }

    fn frames(&self) -> &dyn Frames {
        &self.frames
    }

    fn keep(&self, bytes: &[u8]) -> io::Result<()> {
        if self.is_closed.get() {
            return Err(io::Error::other("frames that are coded anew cannot be kept"));
        }
        let mut making = self.making.borrow_mut();
        let making = making.get_or_insert_with(|| self.spool.making(self.object));
        making.write(bytes).map_err(io::Error::other)
    }

    fn made(&self) -> Made {
        let mut making = self.making.borrow_mut();
        making.get_or_insert_with(|| self.spool.making(self.object)).made()
    }

    fn discard(&self) {
        *self.making.borrow_mut() = None;
    }

    fn first(&self) -> Option<&FirstFrame> {
        Some(&self.first)
    }

    fn spent(&self) -> Duration {
        self.asked.get().map_or(Duration::ZERO, Instant::elapsed)
    }
}

/// Codecs that close when the time is over.
struct Limited {
    codecs: Arc<dyn Frames>,
    until: Instant,
}

impl Limited {
    fn open(&self) -> Result<&dyn Frames, CodecFault> {
        if Instant::now() < self.until { Ok(&*self.codecs) } else { Err(CodecFault::TimedOut) }
    }
}

impl Frames for Limited {
    fn decode(&self, coded: &Coded<'_>) -> Result<Decoded, CodecFault> {
        self.open()?.decode(coded)
    }

    fn repaint(&self, coded: &Coded<'_>, tile: &Tile) -> Result<Vec<u8>, CodecFault> {
        self.open()?.repaint(coded, tile)
    }

    fn extend(&self, coded: &Coded<'_>, tile: &Tile) -> Result<Vec<u8>, CodecFault> {
        self.open()?.extend(coded, tile)
    }
}
