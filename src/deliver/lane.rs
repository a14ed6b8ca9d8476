//! One destination's lane.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::attempt::{Attempted, Way, attempt};
use super::body::Watch;
use super::peer::Line;
use super::recording::Recording;
use super::standing::{Against, Fate, Standing, UNSENDABLE};
use super::vigil::Pulse;
use super::{Destination, Fared, Shared, Target};
use crate::base::caught::{Panicked, caught};
use crate::dicom::status::Status;
use crate::dicom::uid::Uid;
use crate::ledger::{Departure, Due, Event, Ledger, LedgerFault, Treatment, What, insist};
use crate::observe::metrics::{Failure as FailureLabel, Lane as LaneLabel};
use crate::policy::outcome::Cause;
use crate::spool::{ObjectId, ReadFault, SPOOL_DAMAGED, SPOOL_UNREADABLE};

/// Deliveries taken from the ledger at a time. An urgent object waits behind as many, so it is small.
const BATCH: usize = 16;

/// How long an association is kept with nothing to send: long enough for the pauses within a study, short enough for a peer that
/// serves one association at a time.
const IDLE: Duration = Duration::from_secs(2);

/// How often the lane looks for itself, should a change have passed it by.
const LOOK: Duration = Duration::from_secs(30);

/// Deliveries looked through for one that need not wait behind an earlier one of its series, before the ledger is asked for such
/// alone. Among these the order of arrival is kept across series.
const LOOKED_THROUGH: usize = 4096;

/// The least that is waited for what is due already.
const SHORTLY: Duration = Duration::from_millis(50);

/// How long the ledger may take before the lane counts as hanging.
const LEDGER: Duration = Duration::from_secs(60);

/// An object that came so lately still lies in memory.
const FRESH: Duration = Duration::from_secs(60);

/// In hand at so many starts in a row, an object is held to be what ended the gate.
const POISON: u32 = 3;

/// How long such an object is put off before: others go first.
const PUT_OFF: Duration = Duration::from_secs(60);

/// After a fault of the lane's own.
const BREATH: Duration = Duration::from_secs(1);

/// The code of an object that leaves as it came because the gate's own change to it cannot be made.
const SELF_CHECK: &str = "SELF_CHECK";

/// Who releases such an object.
const SELF: &str = "markgate";

/// Where a lane stands.
pub(super) struct Place {
    pub(super) index: usize,
    pub(super) destination: Destination,
    pub(super) shared: Shared,
    pub(super) wake: Arc<Notify>,
    pub(super) fares: watch::Sender<Fared>,
    pub(super) pulse: Pulse,
    pub(super) stop: CancellationToken,
}

/// A lane that is running.
pub(super) struct Lane {
    name: String,
    way: Way,
    shared: Shared,
    wake: Arc<Notify>,
    fares: watch::Sender<Fared>,
    pulse: Pulse,
    stop: CancellationToken,
    queue: VecDeque<Due>,
    /// When the next delivery that was put off is due, if that has just been looked up.
    next: Option<Option<jiff::Timestamp>>,
    recording: Recording,
    standing: Standing,
    /// Suspects that have been put off in this run.
    suspects: HashSet<ObjectId>,
    /// When the last attempt ended.
    used: Instant,
}

impl Lane {
    pub(super) fn new(place: Place) -> Self {
        let Place { index, destination, shared, wake, fares, pulse, stop } = place;
        let way = match destination.target {
            Target::Peer(peer) => {
                let line = Line::new(peer, index, Arc::clone(&shared.known), shared.timers);
                Way::Peer(Box::new(line))
            }
            Target::Folder(folder) => Way::Folder(folder),
        };
        let recording = Recording::start(shared.ledger.clone(), stop.clone());
        Self {
            name: destination.name,
            way,
            recording,
            shared,
            wake,
            fares,
            pulse,
            stop,
            suspects: HashSet::new(),
            queue: VecDeque::new(),
            next: None,
            standing: Standing::default(),
            used: Instant::now(),
        }
    }

    /// Delivers until told to stop.
    pub(super) async fn run(mut self) {
        let mut changes = self.shared.ledger.changes();
        while !self.stop.is_cancelled() {
            // A lane that ended here would leave its destination without images and nobody would know.
            if let Err(Panicked) = caught(self.turn(&mut changes)).await {
                tracing::error!(destination = self.name, "a lane has failed; it goes on");
                self.rest(BREATH).await;
            }
        }
        if let Way::Peer(line) = &mut self.way {
            line.close().await;
        }
        self.recording.end().await;
    }

    async fn turn(&mut self, changes: &mut watch::Receiver<u64>) {
        self.pulse.within(self.shared.timers.release + LEDGER);
        self.recording.look();
        if self.queue.is_empty() {
            changes.borrow_and_update();
            self.refill().await;
        }
        match self.queue.pop_front() {
            Some(due) => self.deliver(due).await,
            None => self.wait(changes).await,
        }
    }

    async fn refill(&mut self) {
        let (ledger, name) = (self.shared.ledger.clone(), self.name.clone());
        let now = (self.shared.clock)();
        let is_waiting = self.standing.is_some_series_waiting(Instant::now());
        let resting = self.standing.resting_titles(Instant::now());
        let (waiting, busy) = (self.standing.waiting_series(), self.recording.busy().clone());
        let limit = if is_waiting { LOOKED_THROUGH } else { BATCH } + busy.len();
        let due = tokio::task::spawn_blocking(move || {
            let due = look_through(&ledger, &name, now, limit, &resting, &busy, &waiting)?;
            // Asked in the same turn, since the lane is about to wait for it.
            let is_idle = due.iter().all(|one| busy.contains(&one.object));
            let next = is_idle.then(|| ledger.next_due(&name, &resting)).transpose()?;
            Ok::<_, LedgerFault>((due, next))
        })
        .await;
        match due {
            Ok(Ok((due, next))) => {
                self.next = next;
                let is_free = |due: &Due| !self.recording.busy().contains(&due.object);
                for due in due.into_iter().filter(is_free) {
                    // Behind the one that it waits for it may go too, if that goes: so the order of arrival is kept.
                    let is_next = match self.standing.waits_for(&due) {
                        None => true,
                        Some(first) => self.queue.iter().any(|one| one.object == first),
                    };
                    if is_next && self.queue.len() < BATCH {
                        self.queue.push_back(due);
                    }
                }
            }
            Ok(Err(fault)) => {
                tracing::error!(destination = self.name, %fault, "the queue cannot be read");
            }
            Err(fault) => {
                tracing::error!(destination = self.name, %fault, "reading the queue failed");
            }
        }
    }

    /// Waits until there may be something to do.
    async fn wait(&mut self, changes: &mut watch::Receiver<u64>) {
        let until_due = self.until_due().await;
        let closing = self.shared.timers.release;
        let until = Instant::now() + until_due;
        let is_recorded = self.recording.busy().is_empty();
        let gathers_until = self.recording.gathers_until();
        if is_recorded {
            self.pulse.rests(until);
        } else if gathers_until > Instant::now() {
            self.pulse.rests(until.min(gathers_until));
        } else {
            self.pulse.within(until_due + closing);
        }
        let is_open = matches!(&self.way, Way::Peer(line) if line.is_open());
        tokio::select! {
            () = self.stop.cancelled() => {}
            // Of a ledger that has gone nothing is heard; `readyz` tells of it.
            Ok(()) = changes.changed() => {}
            () = self.wake.notified() => self.standing.try_titles(Instant::now()),
            _ = self.recording.entered(), if !is_recorded => {}
            () = tokio::time::sleep_until(until) => {}
            () = tokio::time::sleep_until(self.used + IDLE), if is_open => {
                if let Way::Peer(line) = &mut self.way {
                    line.close().await;
                }
            }
        }
    }

    async fn until_due(&mut self) -> Duration {
        let next = match self.next.take() {
            Some(next) => next,
            None => {
                let (ledger, name) = (self.shared.ledger.clone(), self.name.clone());
                let resting = self.standing.resting_titles(Instant::now());
                let due = tokio::task::spawn_blocking(move || ledger.next_due(&name, &resting));
                due.await.ok().and_then(Result::ok).flatten()
            }
        };
        let until_due = next.map_or(LOOK, |due| {
            let now = (self.shared.clock)();
            Duration::try_from(due.duration_since(now)).unwrap_or_default()
        });
        let until_let_in = self.standing.until_title(Instant::now()).unwrap_or(LOOK);
        // What is due and not in the queue is on its way into the ledger, or waits for its title.
        until_due.clamp(SHORTLY, LOOK).min(until_let_in.max(SHORTLY))
    }

    async fn deliver(&mut self, due: Due) {
        if self.standing.waits_for(&due).is_some()
            || self.standing.rests(&due.calling, Instant::now())
        {
            // One of its series, or of its title, has failed since it was taken from the ledger, where it will be found again.
            return;
        }
        if let Some(what) = self.suspected(&due).await {
            self.record(due.object, what).await;
            return;
        }
        let silence = self.longest_silence();
        self.pulse.within(silence);
        let watch = Watch {
            pulse: self.pulse.clone(),
            silence,
            noted: Arc::new(self.shared.spool.sending().note(due.object)),
            is_fresh: due.attempts == 0 && self.is_fresh(due.object),
        };
        let sending = Event {
            object: due.object,
            at: (self.shared.clock)(),
            what: What::Sending { destination: self.name.clone() },
        };
        self.recording.begins(due.object, sending).await;
        let attempted =
            attempt(&mut self.way, &self.name, &self.shared, &due, watch, &self.stop).await;
        self.used = Instant::now();
        let (what, rest) = match attempted {
            Attempted::Stored { status, warning, sent } => {
                (vec![self.stored(&due, status, warning, sent)], None)
            }
            Attempted::Failed { cause, against, error } => {
                self.failed(&due, cause, against, &error)
            }
            Attempted::Unmade { planned, error } => self.unmade(&due, planned, error),
            Attempted::Damaged(ReadFault::Missing(object)) => {
                self.standing.done_with(object, &due.series);
                self.gone(object).await;
                (Vec::new(), None)
            }
            Attempted::Damaged(fault) => {
                self.shared.metrics.damaged.inc();
                tracing::error!(object = %due.object, %fault, "an object in the spool is damaged: it is held");
                self.standing.done_with(due.object, &due.series);
                let reasons = vec![SPOOL_DAMAGED.to_owned()];
                let held = self.held(SPOOL_DAMAGED, &fault.to_string());
                (vec![held, What::Held { reasons, by: None }], None)
            }
            Attempted::Unreadable(error) => (self.unread(&due, error), None),
            Attempted::Unclear(error) => {
                tracing::error!(object = %due.object, error, "how an object leaves cannot be established");
                let told = error.clone();
                self.fares.send_modify(|fared| fared.last_error = Some(told));
                // Nothing speaks against the destination: others may go.
                let fate = self.fate(&due, Against::Nobody);
                (self.after(fate, &error), None)
            }
            Attempted::Withdrawn => {
                tracing::info!(object = %due.object, destination = self.name, "not sent: it may not leave any more");
                self.standing.done_with(due.object, &due.series);
                // Should it have been entered as begun all the same, it is put back. Nothing went wrong.
                (vec![self.deferred(Duration::ZERO, "")], None)
            }
            // The next start finds it begun, and begins again.
            Attempted::Stopped => (Vec::new(), None),
        };
        let failing = self.standing.failing(Instant::now());
        self.fares
            .send_if_modified(|fared| std::mem::replace(&mut fared.failing, failing) != failing);
        self.record(due.object, what).await;
        if let Some(rest) = rest {
            self.rest(rest).await;
        }
    }

    /// An object has no file any more: if its custody has not ended, it is lost, and that is for a person.
    async fn gone(&self, object: ObjectId) {
        match insist(&self.stop, || gone(self.shared.ledger.clone(), object)).await {
            Ok(lost) if lost.is_empty() => {
                tracing::info!(%object, destination = self.name, "not sent: its custody has ended");
            }
            Ok(_lost) => tracing::error!(
                %object,
                destination = self.name,
                "LOST: an object in custody has no file in the spool any more"
            ),
            Err(fault) => {
                tracing::error!(%object, %fault, "LOST: an object has no file, and the ledger cannot be told");
            }
        }
    }

    /// What becomes of an object that was being made into what is sent when the gate ended: it is put off, so that others go before it
    /// can end the gate again, and is given up after a third time. Where only the mark stands in the way, it goes as it came.
    async fn suspected(&mut self, due: &Due) -> Option<Vec<What>> {
        let found = self.shared.spool.sending().found(due.object);
        if found == 0 || !self.suspects.insert(due.object) {
            return None;
        }
        let error = format!("the gate has ended {found} times while it made what is sent");
        if found < POISON {
            tracing::warn!(object = %due.object, destination = self.name, error, "put off: others go first");
            return Some(vec![self.deferred(PUT_OFF, &error)]);
        }
        tracing::error!(object = %due.object, destination = self.name, error, "POISON: it is not made any more");
        drop(self.shared.spool.sending().note(due.object));
        let (ledger, name, object) = (self.shared.ledger.clone(), self.name.clone(), due.object);
        let asked = tokio::task::spawn_blocking(move || ledger.departure(object, &name)).await;
        let is_planned = |one: &Departure| matches!(one.treatment, Treatment::Planned(_));
        let planned = matches!(asked, Ok(Ok(Some(one))) if is_planned(&one));
        Some(if planned { self.unmarked(error) } else { vec![self.held(UNSENDABLE, &error)] })
    }

    fn unmarked(&self, error: String) -> Vec<What> {
        vec![
            self.deferred(Duration::ZERO, &error),
            What::Held { reasons: vec![SELF_CHECK.to_owned()], by: None },
            What::Released { by: SELF.to_owned(), reason: error, to: Vec::new() },
        ]
    }

    /// How long an attempt may be silent, whatever the peer does. While bytes go out, they are heard of.
    fn longest_silence(&self) -> Duration {
        let timers = &self.shared.timers;
        let opening = timers.release + timers.connect + timers.association;
        LEDGER + opening + timers.stall + timers.grace + timers.response
    }

    fn is_fresh(&self, object: ObjectId) -> bool {
        let age = (self.shared.clock)().duration_since(object.time());
        age.unsigned_abs() < FRESH
    }

    /// Enters an outcome without keeping the lane waiting for it.
    async fn record(&mut self, object: ObjectId, what: Vec<What>) {
        if what.is_empty() {
            return;
        }
        let at = (self.shared.clock)();
        let events = what.into_iter().map(|what| Event { object, at, what }).collect();
        self.recording.ends(object, events).await;
    }

    fn stored(
        &mut self,
        due: &Due,
        status: Status,
        warning: Option<Status>,
        sent: blake3::Hash,
    ) -> What {
        self.standing.took(due);
        let (at, is_shut) = ((self.shared.clock)(), self.standing.is_some_title_shut());
        self.fares.send_modify(|fared| {
            fared.reached = Some(true);
            // Others may have to wait whose titles are not let in.
            fared.misconfigured = is_shut;
            fared.last_error = None;
            fared.last_delivery = Some(at);
            fared.deliveries += 1;
        });
        let label = LaneLabel { destination: self.name.clone() };
        self.shared.metrics.delivered.get_or_create(&label).inc();
        match warning {
            None => tracing::info!(object = %due.object, destination = self.name, "delivered"),
            Some(status) => {
                tracing::warn!(object = %due.object, destination = self.name, %status, "delivered with a warning");
            }
        }
        What::Delivered {
            destination: self.name.clone(),
            status,
            // What the destination says in words may tell who the patient is.
            comment: String::new(),
            sent,
        }
    }

    fn failed(
        &mut self,
        due: &Due,
        cause: Cause,
        against: Against,
        error: &str,
    ) -> (Vec<What>, Option<Duration>) {
        let label = FailureLabel { destination: self.name.clone(), cause: cause.as_str() };
        self.shared.metrics.delivery_failures.get_or_create(&label).inc();
        tracing::warn!(object = %due.object, destination = self.name, error, cause = cause.as_str(), "not delivered");
        let told = error.to_owned();
        self.fares.send_modify(|fared| {
            fared.reached = Some(cause == Cause::Content);
            fared.misconfigured = cause == Cause::Configuration;
            fared.last_error = Some(told);
        });
        let fate = self.fate(due, against);
        let rest = match fate {
            Fate::Later { rest, .. } => rest,
            Fate::Hold(_) => None,
        };
        (self.after(fate, error), rest)
    }

    /// A fault of the gate at this object. Where only the mark stands in the way, the object goes as it came.
    fn unmade(&mut self, due: &Due, planned: bool, error: String) -> (Vec<What>, Option<Duration>) {
        tracing::error!(object = %due.object, destination = self.name, error, "what is to be sent cannot be made");
        let fate = self.fate(due, Against::Gate);
        let what = match fate {
            Fate::Hold(_) if planned => self.unmarked(error),
            Fate::Hold(_) | Fate::Later { .. } => self.after(fate, &error),
        };
        (what, None)
    }

    /// The disk does not give the object's file back. Others may go.
    fn unread(&mut self, due: &Due, error: String) -> Vec<What> {
        tracing::error!(object = %due.object, destination = self.name, error, "an object in the spool cannot be read");
        let fate = self.fate(due, Against::File);
        let mut what = self.after(fate, &error);
        self.fares.send_modify(|fared| fared.last_error = Some(error));
        match fate {
            Fate::Later { .. } => {}
            Fate::Hold(_) => {
                self.shared.metrics.damaged.inc();
                tracing::error!(object = %due.object, "others can be read and this object cannot: it is held");
                what.push(What::Held { reasons: vec![SPOOL_UNREADABLE.to_owned()], by: None });
            }
        }
        what
    }

    fn fate(&mut self, due: &Due, against: Against) -> Fate {
        self.standing.failed(due, against, Instant::now(), chance())
    }

    fn after(&self, fate: Fate, error: &str) -> Vec<What> {
        vec![match fate {
            // For as long as the lane rests nothing is sent anyway. Due by then rather than after it, so that a gate that is
            // started again meanwhile, and remembers no rest, does not send what came later first.
            Fate::Later { wait, rest } => {
                self.deferred(wait.saturating_sub(rest.unwrap_or_default()), error)
            }
            Fate::Hold(code) => self.held(code, error),
        }]
    }

    fn deferred(&self, wait: Duration, error: &str) -> What {
        let due = (self.shared.clock)().checked_add(wait).unwrap_or(jiff::Timestamp::MAX);
        What::Deferred { destination: self.name.clone(), due, error: error.to_owned() }
    }

    /// The code stands first and alone, since lists show it as the reason.
    fn held(&self, code: &str, error: &str) -> What {
        What::DeliveryHeld { destination: self.name.clone(), error: format!("{code} {error}") }
    }

    /// Leaves a destination that failed alone for a while: what waits in the lane would fail alike.
    async fn rest(&mut self, pause: Duration) {
        self.queue.clear();
        let until = Instant::now() + pause;
        loop {
            // What has failed is to be found in its place again by then.
            let is_recorded = self.recording.busy().is_empty();
            if is_recorded {
                self.pulse.rests(until);
            } else {
                self.pulse.within(pause);
            }
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = self.wake.notified() => self.standing.try_titles(Instant::now()),
                _ = self.recording.entered(), if !is_recorded => continue,
                () = tokio::time::sleep_until(until) => {}
            }
            return;
        }
    }
}

/// The first `limit` deliveries that are due; if none of them may go, since whole series wait before all others, the first of those
/// that may. Blocks.
fn look_through(
    ledger: &Ledger,
    name: &str,
    now: jiff::Timestamp,
    limit: usize,
    resting: &[String],
    busy: &HashSet<ObjectId>,
    waiting: &HashMap<Uid, ObjectId>,
) -> Result<Vec<Due>, LedgerFault> {
    let due = ledger.due(name, now, limit, resting)?;
    let may_go = |one: &Due| {
        let first = waiting.get(&one.series);
        !busy.contains(&one.object) && first.is_none_or(|first| *first == one.object)
    };
    if due.len() < limit || due.iter().any(may_go) {
        return Ok(due);
    }
    ledger.due_but(name, now, BATCH + busy.len(), resting, waiting)
}

async fn gone(ledger: Ledger, object: ObjectId) -> Result<Vec<ObjectId>, LedgerFault> {
    ledger.gone(vec![object]).await
}

/// A number in [0, 1) that differs from one retry to the next. Nothing depends on how well it is spread.
fn chance() -> f64 {
    let (_, random) = uuid::Uuid::new_v4().as_u64_pair();
    // 53 bits are what a double holds.
    (random >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Custody, ct};
    use super::*;
    use crate::base::time::now;
    use crate::phantom::{Kind, Specimen};

    #[tokio::test]
    async fn a_series_that_waits_hides_nothing_behind_it_however_long_it_is() {
        let custody = Custody::new();
        let first = custody.take(&ct(1), Vec::new()).await;
        let second = custody.take(&ct(2), Vec::new()).await;
        let third = custody.take(&ct(3), Vec::new()).await;
        let other = Specimen::new(Kind::Ct, 8).size(16, 16);
        let fourth = custody.take(&other, Vec::new()).await;
        let waiting = HashMap::from([(ct(1).series_instance(), first)]);
        let check = |limit, busy: &[ObjectId], want: &[ObjectId]| {
            let busy = busy.iter().copied().collect();
            let due = look_through(&custody.ledger, "pacs", now(), limit, &[], &busy, &waiting);
            let due: Vec<_> = due.expect("asked").iter().map(|due| due.object).collect();
            assert_eq!(due, want);
        };
        check(3, &[], &[first, second, third]);
        check(3, &[first], &[first, fourth]);
        check(9, &[first], &[first, second, third, fourth]);
    }
}
