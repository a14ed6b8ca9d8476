//! The workers there are: lent out one frame at a time, started when one is wanted, ended when nobody wants it.

use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::host::{Ending, StartFault, Worker, spawn};
use super::protocol::{Bars, Terms};
use super::{Seccomp, Settings};
use crate::observe::Metrics;
use crate::observe::metrics::Outcome;

/// A worker that has had nothing to do for so long is ended: its memory is worth more than the milliseconds that a start takes.
const IDLE: Duration = Duration::from_secs(300);

/// How often it is looked for idle ones.
const LOOK: Duration = Duration::from_secs(30);

/// A worker that has worked on so many frames, or for so long, is replaced: what leaked in a codec goes with it, and the limit on
/// its CPU time, which is above [`BUSY`], is only ever met by one that hangs.
const FRAMES: u32 = 20_000;
const BUSY: Duration = Duration::from_secs(600);

/// After a worker that did not start, the next one waits: a second, twice as long each time, up to a minute. Meanwhile there is
/// none, and nobody waits.
const FAILED: Duration = Duration::from_secs(1);
const FAILED_MOST: Duration = Duration::from_secs(60);

/// After several workers in a row that did not survive their frames, the next one waits for a moment, so that a stream of hostile
/// objects does not keep the machine busy with starting processes.
const LOST: Duration = Duration::from_millis(10);
const LOST_MOST: Duration = Duration::from_secs(1);

/// What the threads share.
pub(super) struct Pool {
    settings: Settings,
    metrics: Arc<Metrics>,
    state: Mutex<State>,
    changed: Condvar,
    /// What holds the workers, once one was started.
    bars: OnceLock<Bars>,
    keeper: Mutex<Option<Keeper>>,
}

#[derive(Default)]
struct State {
    /// The one that worked last is last, so that those nobody needs grow old.
    idle: Vec<Worker>,
    /// Those lent out, being started and idle.
    alive: usize,
    closed: bool,
    /// Workers lost in a row, and until when none is started for it.
    lost: u32,
    /// Starts that failed in a row.
    failed: u32,
    not_before: Option<Instant>,
}

/// The thread that starts processes. The kernel ends them with the thread that started them, and threads that judge come and go.
struct Keeper {
    orders: SyncSender<SyncSender<std::io::Result<Worker>>>,
    thread: JoinHandle<()>,
}

impl Pool {
    pub(super) fn new(settings: Settings, metrics: Arc<Metrics>) -> Arc<Self> {
        Arc::new(Self {
            settings,
            metrics,
            state: Mutex::default(),
            changed: Condvar::new(),
            bars: OnceLock::new(),
            keeper: Mutex::default(),
        })
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(super) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    pub(super) fn bars(&self) -> Option<Bars> {
        self.bars.get().copied()
    }

    /// A worker, for one frame; waits while all are lent out. `None` when there is none to be had.
    pub(super) fn lend(self: &Arc<Self>) -> Option<Lent<'_>> {
        let mut state = self.state();
        loop {
            if state.closed {
                return None;
            }
            if let Some(worker) = state.idle.pop() {
                let Err(ending) = worker.is_ready() else {
                    return Some(Lent { pool: self, worker: Some(worker) });
                };
                // It ended, or spoke unasked, while it had nothing to do: no object pays for that.
                drop(state);
                self.lose(worker, ending);
                state = self.state();
                continue;
            }
            let now = Instant::now();
            let pause = state.not_before.and_then(|until| until.checked_duration_since(now));
            match pause.filter(|pause| !pause.is_zero()) {
                Some(_) if state.failed > 0 && state.alive == 0 => return None,
                Some(pause) => state = self.wait(state, pause),
                None if state.alive < self.settings.limits.workers.max(1) => break,
                // Each that is lent out comes back, or is ended, within its deadline.
                None => state = self.wait(state, LOOK),
            }
        }
        state.alive += 1;
        drop(state);
        match self.start() {
            Ok(worker) => {
                self.state().failed = 0;
                Some(Lent { pool: self, worker: Some(worker) })
            }
            Err(fault) => {
                let mut state = self.state();
                state.failed = state.failed.saturating_add(1);
                let pause = pause(FAILED, state.failed - 1, FAILED_MOST);
                state.not_before = Some(Instant::now() + pause);
                drop(state);
                self.give_up_place();
                tracing::error!(%fault, again_in = ?pause, "no codec worker: images that need one are not stamped");
                None
            }
        }
    }

    fn start(self: &Arc<Self>) -> Result<Worker, StartFault> {
        let (answer, started) = sync_channel(1);
        let gone = |_| std::io::Error::other("the thread that starts workers has ended");
        self.orders()?.send(answer).map_err(|_| gone(()))?;
        let mut worker = started.recv().map_err(|_| gone(()))??;
        let limits = &self.settings.limits;
        // The longest that a frame may take comes on top of the time after which it is replaced.
        let cpu = BUSY + super::time_for(limits, crate::codec::MAX_FRAME) + BUSY / 10;
        let bars = worker.begin(Terms { memory: limits.memory, cpu: cpu.as_secs() })?;
        if !bars.seccomp && limits.seccomp == Seccomp::Required {
            return Err(StartFault::Unfiltered);
        }
        self.metrics.codec_workers_started.inc();
        if self.bars.set(bars).is_ok() {
            let Bars { seccomp, landlock } = bars;
            let (pid, landlock) = (worker.id(), landlock.as_str());
            tracing::info!(pid, seccomp, landlock, "the first codec worker is in its cage");
            if !seccomp {
                tracing::warn!("system calls of codec workers are not filtered on this machine");
            }
        }
        Ok(worker)
    }

    fn orders(
        self: &Arc<Self>,
    ) -> std::io::Result<SyncSender<SyncSender<std::io::Result<Worker>>>> {
        let mut keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(keeper) = &*keeper {
            return Ok(keeper.orders.clone());
        }
        let (orders, taken) = sync_channel(self.settings.limits.workers.max(1));
        let (pool, program) = (Arc::downgrade(self), self.settings.program.clone());
        let expire = move || {
            if let Some(pool) = pool.upgrade() {
                pool.expire();
            }
        };
        let thread = std::thread::Builder::new()
            .name("codec-keeper".to_owned())
            .spawn(move || keep(&taken, &program, expire))?;
        *keeper = Some(Keeper { orders: orders.clone(), thread });
        Ok(orders)
    }

    /// Ends those that have had nothing to do for long.
    fn expire(&self) {
        let mut state = self.state();
        let old = |worker: &Worker| worker.idle_since.elapsed() >= IDLE;
        let count = state.idle.iter().take_while(|worker| old(worker)).count();
        let expired: Vec<Worker> = state.idle.drain(..count).collect();
        drop(state);
        for worker in expired {
            drop(worker);
            self.ended("idle");
        }
    }

    /// Ends a worker that is of no use any more, and tells of it.
    fn lose(&self, mut worker: Worker, seen: Ending) -> Ending {
        let ending = worker.end(seen);
        match ending {
            Ending::Violated => tracing::error!(
                pid = worker.id(),
                "a codec worker did what no codec does and was ended: an image may have tried to take it over"
            ),
            Ending::Crashed | Ending::Late | Ending::Garbled => {
                tracing::warn!(
                    pid = worker.id(),
                    ending = ending.as_str(),
                    "a codec worker was lost"
                );
            }
        }
        drop(worker);
        let mut state = self.state();
        state.lost = state.lost.saturating_add(1);
        // One is an accident.
        if let Some(more) = state.lost.checked_sub(2) {
            state.not_before = Some(Instant::now() + pause(LOST, more, LOST_MOST));
        }
        drop(state);
        self.ended(ending.as_str());
        ending
    }

    fn ended(&self, how: &'static str) {
        self.metrics.codec_workers_ended.get_or_create(&Outcome { outcome: how }).inc();
        self.give_up_place();
    }

    fn give_up_place(&self) {
        let mut state = self.state();
        state.alive = state.alive.saturating_sub(1);
        drop(state);
        self.changed.notify_one();
    }

    /// Ends all that are idle, and those lent out when they come back; there are none any more.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.closed = true;
        let idle = std::mem::take(&mut state.idle);
        drop(state);
        self.changed.notify_all();
        for worker in idle {
            drop(worker);
            self.ended("stopped");
        }
        let keeper = self.keeper.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Keeper { orders, thread }) = keeper {
            drop(orders);
            if thread.join().is_err() {
                tracing::error!("the thread that starts codec workers had panicked");
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'s>(&self, state: MutexGuard<'s, State>, most: Duration) -> MutexGuard<'s, State> {
        let waited = self.changed.wait_timeout(state, most);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

/// `first`, twice as long for each of `more`, and no longer than `most`.
fn pause(first: Duration, more: u32, most: Duration) -> Duration {
    first.saturating_mul(1u32.checked_shl(more).unwrap_or(u32::MAX)).min(most)
}

/// The keeper's life.
fn keep(orders: &Receiver<SyncSender<std::io::Result<Worker>>>, program: &Path, expire: impl Fn()) {
    loop {
        match orders.recv_timeout(LOOK) {
            // Whoever wanted it may have gone; then it ends here.
            Ok(answer) => drop(answer.send(spawn(program))),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        expire();
    }
}

/// A worker that is lent out. Unless it is [given back](Lent::back) it ends when this is dropped: nobody knows what it is
/// doing then.
pub(super) struct Lent<'p> {
    pool: &'p Pool,
    worker: Option<Worker>,
}

impl<'p> Lent<'p> {
    pub(super) fn worker(&mut self) -> Option<&mut Worker> {
        self.worker.as_mut()
    }

    /// Ends a worker that is of no use any more; says what had become of it.
    pub(super) fn lose(mut self, seen: Ending) -> Ending {
        self.worker.take().map_or(seen, |worker| self.pool.lose(worker, seen))
    }

    /// Gives a worker back that has answered, after it was `busy` for so long.
    pub(super) fn back(mut self, busy: Duration) {
        let Some(mut worker) = self.worker.take() else { return };
        worker.frames = worker.frames.saturating_add(1);
        worker.busy = worker.busy.saturating_add(busy);
        worker.idle_since = Instant::now();
        let mut state = self.pool.state();
        state.lost = 0;
        if state.failed == 0 {
            state.not_before = None;
        }
        if state.closed || worker.frames >= FRAMES || worker.busy >= BUSY {
            drop(state);
            drop(worker);
            self.pool.ended("retired");
            return;
        }
        state.idle.push(worker);
        drop(state);
        self.pool.changed.notify_one();
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        if let Some(worker) = self.worker.take() {
            self.pool.lose(worker, Ending::Garbled);
        }
    }
}
