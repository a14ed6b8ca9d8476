//! The one thread that writes.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::State;
use super::entry::Entry;
use super::line::Stamped;
use super::sparing::Sparing;
use super::trail::{Broken, Found, Medium, Trail};
use crate::base::time::now;
use crate::observe::Metrics;

/// How long a transfer may wait to be made durable with others.
const TOGETHER: Duration = Duration::from_millis(500);

/// How often the writer looks after itself while nothing happens.
const IDLE: Duration = Duration::from_secs(15);

/// After a failure the disk is tried again this often.
const AGAIN: Duration = Duration::from_secs(1);

/// Events that are kept in memory while the disk fails.
const KEPT: usize = 65_536;

/// Messages that are taken at a time.
const AT_A_TIME: usize = 512;

/// What the writer is told.
pub(super) enum Message {
    Events(Vec<Stamped>),
    Settle(SyncSender<bool>),
    Expire(Timestamp, SyncSender<io::Result<usize>>),
}

pub(super) struct Writer {
    dir: PathBuf,
    run: String,
    started: (Timestamp, Instant),
    state: Arc<State>,
    sparing: Arc<Mutex<Sparing>>,
    metrics: Arc<Metrics>,
    medium: Arc<dyn Medium>,
    trail: Option<Trail>,
    /// Where the trail stood at the last fault, until it is durable again.
    broken: Option<Broken>,
    /// Not durable yet.
    waiting: VecDeque<Stamped>,
    /// So many of those are written.
    written: usize,
    /// Not kept, for want of room.
    dropped: u64,
    settling: Vec<SyncSender<bool>>,
    /// Whether what waits is to be durable at once.
    urgent: bool,
    /// Since when something is written and not durable.
    unsynced: Option<Instant>,
    failed: Option<Instant>,
}

impl Writer {
    pub(super) fn new(
        dir: PathBuf,
        started: (Timestamp, Instant),
        state: Arc<State>,
        sparing: Arc<Mutex<Sparing>>,
        metrics: Arc<Metrics>,
        medium: Arc<dyn Medium>,
    ) -> Self {
        Self {
            dir,
            run: uuid::Uuid::new_v4().simple().to_string(),
            started,
            state,
            sparing,
            metrics,
            medium,
            trail: None,
            broken: None,
            waiting: VecDeque::new(),
            written: 0,
            dropped: 0,
            settling: Vec::new(),
            urgent: false,
            unsynced: None,
            failed: None,
        }
    }

    /// Writes until every [`super::Audit`] is gone.
    pub(super) fn run(mut self, messages: &Receiver<Message>) {
        self.work();
        loop {
            match messages.recv_timeout(self.patience()) {
                Ok(message) => {
                    self.take(message);
                    for message in messages.try_iter().take(AT_A_TIME) {
                        self.take(message);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.count_left_out(false);
            self.work();
        }
        self.count_left_out(true);
        (self.urgent, self.failed) = (true, None);
        self.work();
    }

    fn patience(&self) -> Duration {
        if self.failed.is_some() {
            return AGAIN;
        }
        match self.unsynced {
            Some(since) => TOGETHER.saturating_sub(since.elapsed()),
            None => IDLE,
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Events(events) => {
                for event in events {
                    self.keep(event);
                }
            }
            Message::Settle(reply) => {
                self.urgent = true;
                self.settling.push(reply);
            }
            Message::Expire(before, reply) => {
                // What waits comes first, so that the trail is in the order of what happened.
                self.work();
                drop(reply.send(self.expire(before)));
            }
        }
    }

    fn keep(&mut self, event: Stamped) {
        if self.waiting.len() < KEPT {
            self.urgent |= event.entry.is_urgent();
            self.waiting.push_back(event);
        } else {
            self.dropped += 1;
        }
    }

    fn stamp(&self, entry: Entry) -> Stamped {
        Stamped { at: now(), since_start: self.started.1.elapsed(), entry }
    }

    fn count_left_out(&mut self, is_end: bool) {
        let told = {
            let mut sparing = self.sparing.lock().unwrap_or_else(PoisonError::into_inner);
            sparing.tell(Instant::now(), is_end)
        };
        for entry in told {
            let stamped = self.stamp(entry);
            self.keep(stamped);
        }
    }

    /// Writes what waits and syncs when it is time to.
    fn work(&mut self) {
        if self.failed.is_some_and(|failed| failed.elapsed() < AGAIN) {
            self.settled(false);
            return;
        }
        match self.write() {
            Ok(()) => {
                if self.failed.take().is_some() {
                    tracing::info!("the audit trail is written again");
                }
                self.set_problem(None);
                self.settled(true);
            }
            Err(fault) => {
                self.metrics.audit_failures.inc();
                if self.failed.is_none() {
                    tracing::error!(%fault, "the audit trail cannot be written: the gate goes on, events wait in memory");
                }
                self.set_problem(Some(fault.to_string()));
                self.failed = Some(Instant::now());
                self.settled(false);
            }
        }
    }

    fn set_problem(&self, problem: Option<String>) {
        *self.state.problem.lock().unwrap_or_else(PoisonError::into_inner) = problem;
    }

    /// Answers those who wait once what they wait for is durable; on a failing disk at once, since nobody waits for that.
    fn settled(&mut self, is_well: bool) {
        let is_durable = self.waiting.is_empty();
        if is_durable || !is_well {
            for reply in self.settling.drain(..) {
                // Who asked may have waited long enough and be gone.
                reply.send(is_well && is_durable).unwrap_or_default();
            }
        }
    }

    fn write(&mut self) -> io::Result<()> {
        let mut trail = match self.trail.take() {
            Some(trail) => trail,
            None => self.open()?,
        };
        self.note_dropped();
        let written = self.write_on(&mut trail);
        match &written {
            Ok(()) => self.trail = Some(trail),
            Err(_) => self.break_off(trail),
        }
        written
    }

    /// Where much waits, it is made durable part by part: what fails then costs the parts before nothing.
    fn write_on(&mut self, trail: &mut Trail) -> io::Result<()> {
        while let Some(next) = self.waiting.get(self.written) {
            if trail.is_full(next.at) {
                self.sync(trail)?;
            }
            let unwritten = self.waiting.make_contiguous().get(self.written..).unwrap_or_default();
            self.written += trail.append(unwritten)?;
            self.unsynced.get_or_insert_with(Instant::now);
            if self.written < self.waiting.len() {
                self.sync(trail)?;
            }
        }
        let is_time = self.unsynced.is_some_and(|since| since.elapsed() >= TOGETHER);
        if self.urgent || is_time || self.waiting.len() > KEPT / 2 {
            self.sync(trail)?;
            self.urgent = false;
        }
        Ok(())
    }

    /// Events are let go once they are durable, and not before.
    fn sync(&mut self, trail: &mut Trail) -> io::Result<()> {
        let synced = trail.sync();
        if !trail.is_unsynced() {
            self.waiting.drain(..self.written);
            (self.written, self.unsynced) = (0, None);
        }
        synced
    }

    /// The disk has failed: what was not confirmed is written again.
    fn break_off(&mut self, trail: Trail) {
        let broken = trail.broken();
        self.broken = Some(match self.broken.take() {
            Some(first) => first.and(&broken),
            None => broken,
        });
        (self.written, self.unsynced) = (0, None);
    }

    fn note_dropped(&mut self) {
        let count = self.dropped + self.state.left_behind.swap(0, Ordering::Relaxed);
        if count > 0 {
            self.dropped = 0;
            self.metrics.audit_lost.inc_by(count);
            tracing::error!(count, "events were not written to the audit trail");
            let stamped = self.stamp(Entry::NotWritten { count });
            self.urgent = true;
            self.waiting.push_back(stamped);
        }
    }

    fn open(&mut self) -> io::Result<Trail> {
        let (dir, run, medium) = (&self.dir, &self.run, &self.medium);
        let (mut trail, Found { torn, missing }) = match &self.broken {
            Some(broken) => Trail::reopen(dir, run, now(), medium, broken)?,
            None => Trail::open(dir, run, now(), medium)?,
        };
        {
            let mut ended = self.state.ended.lock().unwrap_or_else(PoisonError::into_inner);
            *ended = ended.or(trail.ended);
        }
        // Where it cannot be told, the id of the run tells runs apart all the same.
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let mut opening =
            vec![self.stamp(Entry::TrailOpened { boot: boot.trim().to_owned(), torn })];
        if let Some((after, upto)) = missing {
            tracing::error!(after, upto, "lines of the audit trail are missing");
            opening.push(self.stamp(Entry::LinesMissing { after, upto }));
        }
        if let Err(fault) = trail.append(&opening).and_then(|_| trail.sync()) {
            self.break_off(trail);
            return Err(fault);
        }
        self.broken = None;
        let last = trail.last();
        tracing::info!(sequence = last.sequence, hash = %last.hash, "audit trail");
        Ok(trail)
    }

    fn expire(&mut self, before: Timestamp) -> io::Result<usize> {
        let expired = match &self.trail {
            Some(trail) => trail.expired(before)?,
            None => return Err(io::Error::other("the audit trail is not open")),
        };
        let Some((_, last)) = expired.last() else { return Ok(0) };
        let segments = expired.len();
        let entry = Entry::Expired { segments, through: last.sequence, hash: last.hash };
        let stamped = self.stamp(entry);
        self.urgent = true;
        self.waiting.push_back(stamped);
        self.write()?;
        match &self.trail {
            Some(trail) => trail.remove(&expired)?,
            None => return Err(io::Error::other("the audit trail is not open")),
        }
        Ok(segments)
    }
}
