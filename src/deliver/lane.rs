//! One destination's lane.

use std::collections::{HashSet, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::body::{Body, Form};
use super::peer::{Line, PeerFault};
use super::{Destination, Fared, Shared, Target};
use crate::base::time::now;
use crate::dicom::status::Status;
use crate::dimse::message::Answer;
use crate::ledger::{Due, Event, LedgerFault, Treatment, What};
use crate::object::edit::EditPlan;
use crate::object::part10::FileMeta;
use crate::observe::metrics::{Failure as FailureLabel, Lane as LaneLabel};
use crate::policy::outcome::{Attempt, Cause, Failure, Outcome, outcome};
use crate::policy::retry::{Next, next};
use crate::spool::{ObjectId, ReadFault, StoredObject, folder};

/// Deliveries taken from the ledger at a time. What a person does to one of them meanwhile comes too late, so it is small.
const BATCH: usize = 16;

/// Outcomes that may be on their way into the ledger.
const UNRECORDED: usize = 64;

/// How long an association is kept with nothing to send: long enough for the pauses within a study, short enough for a peer that
/// serves one association at a time.
const IDLE: Duration = Duration::from_secs(2);

/// How often the lane looks for itself, should a change have passed it by.
const LOOK: Duration = Duration::from_secs(30);

/// Attempts at one object that may end with an abort before it counts as refused.
const ABORTS: u32 = 2;

/// The code of an object whose file is not what arrived.
const DAMAGED: &str = "SPOOL_DAMAGED";

/// Where a lane stands.
pub(super) struct Place {
    pub(super) index: usize,
    pub(super) destination: Destination,
    pub(super) shared: Shared,
    pub(super) wake: Arc<Notify>,
    pub(super) fares: watch::Sender<Fared>,
    pub(super) stop: CancellationToken,
}

/// The way to the destination.
enum Way {
    Peer(Box<Line>),
    Folder(PathBuf),
}

/// A lane that is running.
pub(super) struct Lane {
    name: String,
    way: Way,
    shared: Shared,
    wake: Arc<Notify>,
    fares: watch::Sender<Fared>,
    stop: CancellationToken,
    queue: VecDeque<Due>,
    /// Sent or failed, and not yet so in the ledger: not to be taken again.
    unrecorded: JoinSet<ObjectId>,
    busy: HashSet<ObjectId>,
    /// Attempts in a row that failed for the destination's sake.
    failures: u32,
    /// When the last attempt ended.
    used: Instant,
}

/// What came of one attempt.
enum Attempted {
    Answered {
        answer: Answer,
        sent: blake3::Hash,
    },
    Failed {
        failure: Failure,
        error: String,
    },
    /// The object's own file is at fault.
    Damaged(ReadFault),
    /// The ledger does not say how it leaves, or cannot be asked.
    Unclear(LedgerFault),
}

impl Lane {
    pub(super) fn new(place: Place) -> Self {
        let Place { index, destination, shared, wake, fares, stop } = place;
        let way = match destination.target {
            Target::Peer(peer) => {
                let line = Line::new(peer, index, Arc::clone(&shared.known), shared.timers);
                Way::Peer(Box::new(line))
            }
            Target::Folder(folder) => Way::Folder(folder),
        };
        Self {
            name: destination.name,
            way,
            shared,
            wake,
            fares,
            stop,
            queue: VecDeque::new(),
            unrecorded: JoinSet::new(),
            busy: HashSet::new(),
            failures: 0,
            used: Instant::now(),
        }
    }

    /// Delivers until told to stop.
    pub(super) async fn run(mut self) {
        let mut changes = self.shared.ledger.changes();
        while !self.stop.is_cancelled() {
            self.note_recorded();
            if self.queue.is_empty() {
                changes.borrow_and_update();
                self.refill().await;
            }
            match self.queue.pop_front() {
                Some(due) => self.deliver(due).await,
                None => self.wait(&mut changes).await,
            }
        }
        if let Way::Peer(line) = &mut self.way {
            line.close().await;
        }
        while self.unrecorded.join_next().await.is_some() {}
    }

    fn note_recorded(&mut self) {
        while let Some(recorded) = self.unrecorded.try_join_next() {
            done_with(&mut self.busy, recorded);
        }
    }

    async fn refill(&mut self) {
        let (ledger, name) = (self.shared.ledger.clone(), self.name.clone());
        let limit = BATCH + self.busy.len();
        let due = tokio::task::spawn_blocking(move || ledger.due(&name, now(), limit)).await;
        match due {
            Ok(Ok(due)) => {
                self.queue.extend(due.into_iter().filter(|due| !self.busy.contains(&due.object)));
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
        let is_open = matches!(&self.way, Way::Peer(line) if line.is_open());
        tokio::select! {
            () = self.stop.cancelled() => {}
            changed = changes.changed() => {
                if changed.is_err() {
                    // The ledger has gone: nothing will ever be due again.
                    self.stop.cancel();
                }
            }
            () = self.wake.notified() => {}
            Some(done) = self.unrecorded.join_next() => done_with(&mut self.busy, done),
            () = tokio::time::sleep(until_due) => {}
            () = tokio::time::sleep_until(self.used + IDLE), if is_open => {
                if let Way::Peer(line) = &mut self.way {
                    line.close().await;
                }
            }
        }
    }

    async fn until_due(&self) -> Duration {
        let (ledger, name) = (self.shared.ledger.clone(), self.name.clone());
        let due = tokio::task::spawn_blocking(move || ledger.next_due(&name)).await;
        match due {
            Ok(Ok(Some(due))) => {
                let wait = Duration::try_from(due.duration_since(now())).unwrap_or_default();
                // What is due and not in the queue is on its way into the ledger.
                wait.clamp(Duration::from_millis(50), LOOK)
            }
            Ok(Ok(None) | Err(_)) | Err(_) => LOOK,
        }
    }

    async fn deliver(&mut self, due: Due) {
        let at = now();
        let destination = self.name.clone();
        let sending = Event { object: due.object, at, what: What::Sending { destination } };
        let ledger = self.shared.ledger.clone();
        let (begun, attempted) = tokio::join!(ledger.record(sending), self.attempt(&due));
        if let Err(fault) = begun {
            tracing::debug!(object = %due.object, destination = self.name, %fault, "an attempt was not entered");
        }
        self.used = Instant::now();
        let attempts = due.attempts.saturating_add(1);
        let what = match attempted {
            Attempted::Answered { answer, sent } => self.answered(&due, attempts, &answer, sent),
            // A peer that aborts at the same object again and again has something against the object.
            Attempted::Failed { failure: Failure::Aborted, error } if attempts > ABORTS => {
                self.failed(&due, attempts - ABORTS, Attempt::Failed(Failure::NoContext), error)
            }
            Attempted::Failed { failure, error } => {
                self.failed(&due, attempts, Attempt::Failed(failure), error)
            }
            Attempted::Damaged(fault) => {
                tracing::error!(object = %due.object, %fault, "an object in the spool is damaged: it is held");
                What::Held { reasons: vec![DAMAGED.to_owned()], by: None }
            }
            Attempted::Unclear(fault) => {
                tracing::error!(object = %due.object, %fault, "how an object leaves cannot be established");
                self.deferral(Cause::Transient, attempts, fault.to_string())
            }
        };
        let pause = match &what {
            What::Deferred { .. } if self.failures > 0 => Some(self.pause()),
            _ => None,
        };
        self.record(Event { object: due.object, at: now(), what }).await;
        if let Some(pause) = pause {
            self.rest(pause).await;
        }
    }

    /// Enters an outcome without keeping the lane waiting for it.
    async fn record(&mut self, event: Event) {
        if self.unrecorded.len() >= UNRECORDED
            && let Some(recorded) = self.unrecorded.join_next().await
        {
            done_with(&mut self.busy, recorded);
        }
        self.busy.insert(event.object);
        let ledger = self.shared.ledger.clone();
        self.unrecorded.spawn(async move {
            let object = event.object;
            if let Err(fault) = ledger.record(event).await {
                // Nothing is lost: at the next look, or the next start, the delivery is made again.
                tracing::error!(%object, %fault, "the outcome of a delivery was not recorded");
            }
            object
        });
    }

    fn answered(&mut self, due: &Due, attempts: u32, answer: &Answer, sent: blake3::Hash) -> What {
        let comment = answer.error_comment.clone().unwrap_or_default();
        match outcome(Attempt::Answered(answer.status)) {
            Outcome::Stored { warning } => {
                self.took();
                let label = LaneLabel { destination: self.name.clone() };
                self.shared.metrics.delivered.get_or_create(&label).inc();
                match warning {
                    None => {
                        tracing::info!(object = %due.object, destination = self.name, "delivered");
                    }
                    Some(status) => {
                        tracing::warn!(object = %due.object, destination = self.name, %status, "delivered with a warning");
                    }
                }
                What::Delivered {
                    destination: self.name.clone(),
                    status: answer.status,
                    comment,
                    sent,
                }
            }
            Outcome::NotStored(_) => {
                let error = told(answer.status, &comment);
                self.failed(due, attempts, Attempt::Answered(answer.status), error)
            }
        }
    }

    fn failed(&mut self, due: &Due, attempts: u32, attempt: Attempt, error: String) -> What {
        let cause = match outcome(attempt) {
            Outcome::NotStored(cause) => cause,
            // Not reached: an answer that counts as stored is not handed here.
            Outcome::Stored { .. } => Cause::Transient,
        };
        let label = FailureLabel { destination: self.name.clone(), cause: cause.as_str() };
        self.shared.metrics.delivery_failures.get_or_create(&label).inc();
        match cause {
            Cause::Transient | Cause::Configuration => {
                self.failures = self.failures.saturating_add(1);
                tracing::warn!(object = %due.object, destination = self.name, attempts, error, cause = cause.as_str(), "not delivered");
            }
            Cause::Content => {
                self.failures = 0;
                tracing::warn!(object = %due.object, destination = self.name, attempts, error, "refused");
            }
        }
        let told = error.clone();
        self.fares.send_modify(|fared| {
            fared.reached = Some(cause == Cause::Content);
            fared.misconfigured = cause == Cause::Configuration;
            fared.last_error = Some(told);
        });
        self.deferral(cause, attempts, error)
    }

    fn deferral(&self, cause: Cause, attempts: u32, error: String) -> What {
        let destination = self.name.clone();
        let attempts = match cause {
            // The destination's failures in a row count, not how often this object happened to be the one in hand.
            Cause::Transient | Cause::Configuration => self.failures.max(1),
            Cause::Content => attempts,
        };
        match next(cause, attempts, chance()) {
            Next::After(wait) => {
                let due = now().checked_add(wait).unwrap_or(jiff::Timestamp::MAX);
                What::Deferred { destination, due, error }
            }
            Next::Hold(code) => {
                let error = format!("{code}: {error}");
                What::DeliveryHeld { destination, error }
            }
        }
    }

    fn took(&mut self) {
        self.failures = 0;
        self.fares.send_modify(|fared| {
            fared.reached = Some(true);
            fared.misconfigured = false;
            fared.last_error = None;
            fared.last_delivery = Some(now());
        });
    }

    fn pause(&self) -> Duration {
        match next(Cause::Transient, self.failures, chance()) {
            Next::After(wait) => wait,
            Next::Hold(_) => LOOK,
        }
    }

    /// Leaves a destination that failed alone for a while: what waits in the lane would fail alike.
    async fn rest(&mut self, pause: Duration) {
        self.queue.clear();
        let until = Instant::now() + pause;
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = self.wake.notified() => {}
            () = tokio::time::sleep_until(until) => {}
        }
    }

    async fn attempt(&mut self, due: &Due) -> Attempted {
        let (stored, plan) = match self.open(due.object).await {
            Ok(opened) => opened,
            Err(attempted) => return attempted,
        };
        match &mut self.way {
            Way::Folder(folder) => into_folder(folder.clone(), stored, plan).await,
            Way::Peer(line) => to_peer(line, due, stored, plan).await,
        }
    }

    async fn open(&self, id: ObjectId) -> Result<(StoredObject, EditPlan), Attempted> {
        let (spool, ledger) = (self.shared.spool.clone(), self.shared.ledger.clone());
        let opened = tokio::task::spawn_blocking(move || {
            let stored = spool.object(id).map_err(Attempted::Damaged)?;
            let plan = match ledger.treatment(id).map_err(Attempted::Unclear)? {
                Some(Treatment::AsReceived) => EditPlan::default(),
                Some(Treatment::Planned(bytes)) => EditPlan::from_bytes(&bytes)
                    .map_err(|_| Attempted::Unclear(LedgerFault::BadRow("edit plan")))?,
                None => return Err(Attempted::Unclear(LedgerFault::BadRow("verdict"))),
            };
            Ok((stored, plan))
        });
        opened.await.unwrap_or_else(|fault| Err(failed(Failure::ConnectionLost, &fault)))
    }
}

/// What has been recorded may be taken from the ledger again.
fn done_with(busy: &mut HashSet<ObjectId>, recorded: Result<ObjectId, tokio::task::JoinError>) {
    match recorded {
        Ok(id) => {
            busy.remove(&id);
        }
        Err(fault) => tracing::error!(%fault, "an outcome was not recorded"),
    }
}

async fn into_folder(folder: PathBuf, stored: StoredObject, plan: EditPlan) -> Attempted {
    let placed = tokio::task::spawn_blocking(move || {
        let (body, _sent) = Body::new(&stored, plan, Form::AsItCame).map_err(Attempted::Damaged)?;
        let envelope = stored.envelope();
        let meta = FileMeta {
            sop_class: envelope.sop_class.clone(),
            sop_instance: envelope.sop_instance.clone(),
            transfer_syntax: envelope.transfer_syntax.clone(),
            source_ae: Some(envelope.calling_ae.clone()),
            ..FileMeta::default()
        };
        let head = meta.to_bytes().map_err(|fault| failed(Failure::FolderUnwritable, &fault))?;
        folder::place(&folder, stored.id(), &head, body)
            .map_err(|fault| failed(Failure::FolderUnwritable, &fault))
    });
    match placed.await {
        Ok(Ok(sent)) => Attempted::Answered { answer: Answer::new(Status::SUCCESS), sent },
        Ok(Err(attempted)) => attempted,
        Err(fault) => failed(Failure::FolderUnwritable, &fault),
    }
}

async fn to_peer(line: &mut Line, due: &Due, stored: StoredObject, plan: EditPlan) -> Attempted {
    let form = match line.prepare(due, stored.envelope()).await {
        Ok(form) => form,
        Err(fault) => return unsent(&fault),
    };
    let laid_out = tokio::task::spawn_blocking(move || {
        let body = Body::new(&stored, plan, form);
        (stored, body)
    });
    let (stored, body) = match laid_out.await {
        Ok((stored, Ok(body))) => (stored, body),
        Ok((_, Err(fault))) => return Attempted::Damaged(fault),
        Err(fault) => return failed(Failure::ConnectionLost, &fault),
    };
    let (body, sent) = body;
    match line.store(due, stored.envelope(), form, body, &sent).await {
        Ok((answer, sent)) => Attempted::Answered { answer, sent },
        Err(fault) if fault.is_of_the_object() => {
            // The disk, or the object? Only the second is final.
            match tokio::task::spawn_blocking(move || stored.verify()).await {
                Ok(Err(damage)) => Attempted::Damaged(damage),
                Ok(Ok(())) | Err(_) => unsent(&fault),
            }
        }
        Err(fault) => unsent(&fault),
    }
}

fn unsent(fault: &PeerFault) -> Attempted {
    Attempted::Failed { failure: fault.failure(), error: fault.to_string() }
}

fn failed(failure: Failure, fault: &dyn std::fmt::Display) -> Attempted {
    Attempted::Failed { failure, error: fault.to_string() }
}

/// A status with its comment, as an operator reads it.
fn told(status: Status, comment: &str) -> String {
    if comment.is_empty() {
        format!("answered {status}")
    } else {
        format!("answered {status}: {}", comment.escape_default())
    }
}

/// A number in [0, 1) that differs from one retry to the next. Nothing depends on how well it is spread.
fn chance() -> f64 {
    let (_, random) = uuid::Uuid::new_v4().as_u64_pair();
    // 53 bits are what a double holds.
    (random >> 11) as f64 / (1_u64 << 53) as f64
}
