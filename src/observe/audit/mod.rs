//! The audit trail: who did what, kept so that a change shows.
//!
//! One JSON object a line, in `<spool>/audit/<sequence of the first line>.jsonl`. Each line bears its sequence, the wall clock, the
//! time since the gate's start by the monotonic clock and the id of that run, the event by its name here and its code in PS3.15 A.5,
//! how it ended (0 success, 4 minor, 8 serious, 12 major failure), who, what, details, and last a hash: BLAKE3 over the hash of the
//! line before and all of the line up to there. So a line that was changed, removed or moved shows, and so does a file that is gone,
//! since the first line of each names the hash of the last one before it. `head` tells how far the trail had been written, and so
//! whether its end is missing. The chain goes on over files, restarts and retention; what retention removed is said in a line.
//!
//! Whoever can write the folder can write the whole trail anew, head included. Sequence and hash of the last line, which
//! `audit verify` prints and the log tells whenever the trail is opened, show that when they are kept elsewhere.
//!
//! # Writing never stops care
//!
//! [`Audit::record`] puts an event on a bounded channel and returns. One thread writes: what persons do and what endangers security
//! is synced at once, transfers within a second. Events are kept until they are synced; while the disk fails they wait in memory, to a
//! bound; what does not fit is counted, and said in a line when the disk is well again. The gate goes on, with an alarm. What a
//! failed sync has left in doubt is cut off and written again.
//!
//! Lines bear UIDs, AE titles, addresses, codes and what persons gave as reasons: nothing of a patient.

mod entry;
mod line;
mod sparing;
#[cfg(test)]
mod tests;
mod trail;
mod verify;
mod writer;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::base::time::now;
use crate::observe::Metrics;

pub use entry::{Deed, Entry, Object, Person};
pub use verify::{Fault, Verified, Wrong, verify};

use line::Stamped;
use sparing::Sparing;
use trail::{Medium, RealMedium};
use writer::{Message, Writer};

/// Messages that may wait for the writer.
const WAITING: usize = 8_192;

/// How long [`Audit::settle`] waits at most: a person may be kept waiting for the disk that long, and not longer.
const SETTLED: Duration = Duration::from_secs(5);

/// How far wall clock and monotonic clock may have come apart when files are removed for their age.
const ASTRAY: Duration = Duration::from_secs(3_600);

/// A gap between the last line of the run before and this start from which on the clock is not trusted for a day.
const LONG_GONE: Duration = Duration::from_secs(30 * 86_400);

/// The folder of the trail in a spool.
#[must_use]
pub fn folder(spool: &Path) -> PathBuf {
    spool.join("audit")
}

/// The trail of one gate. Cheap to clone; the last clone waits until everything is written.
#[derive(Clone)]
pub struct Audit {
    inner: Option<Arc<Inner>>,
}

struct Inner {
    started: (Timestamp, Instant),
    sparing: Arc<Mutex<Sparing>>,
    state: Arc<State>,
    /// `None` once the writer has been told to end.
    inbox: Option<SyncSender<Message>>,
    writer: Option<JoinHandle<()>>,
}

/// What the writer tells of itself.
#[derive(Default)]
struct State {
    /// Events that found no room.
    left_behind: AtomicU64,
    /// Why writing failed last; `None` while it does not.
    problem: Mutex<Option<String>>,
    /// The time of the last line of the run before, once it is known.
    ended: Mutex<Option<Timestamp>>,
}

/// Why files were not looked at for their age.
#[derive(Debug, thiserror::Error)]
pub enum ExpiryFault {
    /// The clock leapt: nobody knows how old anything is.
    #[error("the clock has leapt: nothing is removed for its age before it is steady")]
    Clock,
    /// The disk.
    #[error("the disk failed: {0}")]
    Disk(#[from] io::Error),
    /// The writer did not answer in time.
    #[error("the trail is not written at the moment")]
    Busy,
}

impl Audit {
    /// A trail that writes nothing down, for tests of what has one.
    #[must_use]
    pub fn none() -> Self {
        Self { inner: None }
    }

    /// Opens or begins the trail in a folder. A disk that fails is no reason not to start: see the module's documentation.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub fn open(dir: &Path, metrics: &Arc<Metrics>) -> io::Result<Self> {
        Self::open_on(dir, metrics, Arc::new(RealMedium))
    }

    fn open_on(dir: &Path, metrics: &Arc<Metrics>, medium: Arc<dyn Medium>) -> io::Result<Self> {
        let (inbox, messages) = sync_channel(WAITING);
        let (state, sparing) = (Arc::<State>::default(), Arc::<Mutex<Sparing>>::default());
        let started = (now(), Instant::now());
        let writer = Writer::new(
            dir.to_owned(),
            started,
            Arc::clone(&state),
            Arc::clone(&sparing),
            Arc::clone(metrics),
            medium,
        );
        let thread = std::thread::Builder::new().name("audit".to_owned());
        let writer = Some(thread.spawn(move || writer.run(&messages))?);
        let inbox = Some(inbox);
        Ok(Self { inner: Some(Arc::new(Inner { started, sparing, state, inbox, writer })) })
    }

    /// Writes an event down, soon. Never waits for the disk.
    pub fn record(&self, entry: Entry) {
        let Some(inner) = &self.inner else { return };
        if entry.is_provoked() {
            let mut sparing = inner.sparing.lock().unwrap_or_else(PoisonError::into_inner);
            if !sparing.admits(&entry, Instant::now()) {
                return;
            }
        }
        self.record_all(vec![entry]);
    }

    /// As [`Audit::record`] for several events.
    pub fn record_all(&self, entries: Vec<Entry>) {
        let Some(inner) = &self.inner else { return };
        let (at, since_start) = (now(), inner.started.1.elapsed());
        let stamped: Vec<Stamped> =
            entries.into_iter().map(|entry| Stamped { at, since_start, entry }).collect();
        let count = stamped.len() as u64;
        if !stamped.is_empty() && !inner.send(Message::Events(stamped)) {
            inner.state.left_behind.fetch_add(count, Ordering::Relaxed);
        }
    }

    /// Waits until everything recorded so far is durable, a few seconds at most; `false` when it is not. Blocks.
    #[must_use]
    pub fn settle(&self) -> bool {
        let Some(inner) = &self.inner else { return true };
        let (reply, answer) = sync_channel(1);
        inner.send(Message::Settle(reply)) && answer.recv_timeout(SETTLED).unwrap_or(false)
    }

    /// Why the trail cannot be written at the moment.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        let inner = self.inner.as_ref()?;
        inner.state.problem.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Removes the files whose last line is older than `retention`, and says so in the trail. The one that is written stays. Blocks.
    ///
    /// # Errors
    /// When the disk fails, or the clock is not to be trusted: deletion by a wrong clock cannot be taken back.
    pub fn expire(&self, retention: Duration) -> Result<usize, ExpiryFault> {
        let Some(inner) = &self.inner else { return Ok(0) };
        let (wall, run) = (now(), inner.started.1.elapsed());
        if !is_trusted(inner.started.0, wall, run, inner.state.ended()) {
            return Err(ExpiryFault::Clock);
        }
        let before = wall.checked_sub(retention).unwrap_or(Timestamp::MIN);
        let (reply, answer) = sync_channel(1);
        if !inner.send(Message::Expire(before, reply)) {
            return Err(ExpiryFault::Busy);
        }
        answer.recv_timeout(SETTLED * 12).map_err(|_| ExpiryFault::Busy)?.map_err(Into::into)
    }
}

/// Whether the wall clock went along with the monotonic one, and did not leap while the gate was away: after a long absence it is
/// given a day to be put right.
fn is_trusted(
    started: Timestamp,
    wall: Timestamp,
    run: Duration,
    ended: Option<Timestamp>,
) -> bool {
    let since = wall.duration_since(started);
    let apart = (since.as_secs_f64() - run.as_secs_f64()).abs();
    let gone = ended.map_or(0.0, |ended| started.duration_since(ended).as_secs_f64());
    let is_long_gone = gone > LONG_GONE.as_secs_f64();
    apart < ASTRAY.as_secs_f64() && (!is_long_gone || run > Duration::from_secs(86_400))
}

impl Inner {
    fn send(&self, message: Message) -> bool {
        match self.inbox.as_ref().map(|inbox| inbox.try_send(message)) {
            Some(Ok(())) => true,
            Some(Err(TrySendError::Full(_) | TrySendError::Disconnected(_))) | None => false,
        }
    }
}

impl State {
    fn ended(&self) -> Option<Timestamp> {
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Closing the channel ends the writer once it has done what is waiting.
        self.inbox = None;
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!("the audit trail's writer has panicked");
        }
    }
}
