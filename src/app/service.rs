//! What the pages ask of a running gate.
//!
//! Ledger and spool block, so they are asked on threads that may. Nothing is decided here, and nothing of a patient is logged.

mod again;
mod deeds;
mod peers;
mod preview;
mod shapes;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use again::look_again;
use peers::{TESTED_CLASSES, TESTED_SYNTAXES};
use shapes::{
    HELD, books, counted, objects, problem, quarantine_entry, queue_entry, queued, study, total,
};

use super::certificates::Certificates;
use super::conformance;
use super::state::State;
use super::{report, rules};
use crate::base::time::{Timestamp, now};
use crate::codec::Frames;
use crate::deliver::{self, Target};
use crate::dicom::sop_class::{self, STORAGE_COMMITMENT};
use crate::dicom::status::Status;
use crate::dicom::uid::Uid;
use crate::ledger::{
    Counts, DeliveryState, Explained, Filter, Ledger, LedgerFault, ObjectState, QuarantineEntry,
    QueueEntry, Refused,
};
use crate::observe::audit::{self, Entry};
use crate::observe::metrics::Lane;
use crate::quarantine::{self, Deed, Done, Fault, Selection};
use crate::receive::Work;
use crate::recognition::Reason;
use crate::spool::{BallastState, Condition, ObjectId};
use crate::web::model;
use crate::web::{Listed, QuarantineAction, QueueAction, Refusal, Selector};

/// Versions of one SOP instance that are explained, newest first.
const VERSIONS: usize = 16;

/// A running gate, as its pages see it.
pub(super) struct Service {
    state: Arc<State>,
}

impl Service {
    pub(super) fn new(state: Arc<State>) -> Self {
        Self { state }
    }

    /// Has it written down, durably, what a person did: what was answered is in the audit trail. A disk that fails is an alarm, and
    /// the answer is given all the same.
    async fn attest(&self, entries: Vec<Entry>) {
        let audit = self.state.audit.clone();
        let settled = blocking(move || {
            audit.record_all(entries);
            audit.settle()
        });
        if !matches!(settled.await, Ok(true)) {
            tracing::error!("what a person did is not in the audit trail yet");
        }
    }

    /// Asks the ledger on a thread that may wait.
    async fn ask<T, F>(&self, question: F) -> Result<T, Refusal>
    where
        T: Send + 'static,
        F: FnOnce(&Ledger) -> Result<T, LedgerFault> + Send + 'static,
    {
        let ledger = self.state.ledger.clone();
        blocking(move || question(&ledger)).await?.map_err(|fault| unavailable(&fault))
    }

    /// The counts of the ledger and what the spool says of itself.
    async fn figures(&self) -> Result<(Counts, Condition), Refusal> {
        let (ledger, spool) = (self.state.ledger.clone(), self.state.spool.clone());
        let (counts, condition) = blocking(move || (ledger.counts(), spool.condition())).await?;
        Ok((counts.map_err(|fault| unavailable(&fault))?, condition))
    }

    /// The deliveries that are meant, on a thread that may wait.
    async fn deliveries(&self, which: Selector) -> Result<Vec<QueueEntry>, Refusal> {
        let ledger = self.state.ledger.clone();
        let name = which.to_string();
        let found = blocking(move || quarantine::deliveries(&ledger, &selection(which))).await?;
        found.map_err(|fault| refusal(&fault, "delivery", name))
    }

    /// The held objects that are meant. One that is there and no longer held is told apart from one that is not.
    async fn held(&self, which: Selector) -> Result<Vec<QuarantineEntry>, Refusal> {
        let ledger = self.state.ledger.clone();
        let name = which.to_string();
        let found = blocking(move || {
            let selection = selection(which);
            match quarantine::objects(&ledger, &selection, false) {
                Err(Fault::NotFound) => quarantine::objects(&ledger, &selection, true),
                found => found,
            }
        })
        .await?;
        let found = found.map_err(|fault| refusal(&fault, "held object", name.clone()))?;
        match found.first() {
            Some(first) if first.state != HELD => {
                Err(Refusal::Conflict { name, state: format!("already {}", first.state) })
            }
            _ => Ok(found),
        }
    }

    /// Lets objects go: where their verdict said, or everywhere when it said nothing.
    async fn release(&self, objects: Vec<ObjectId>, deed: &Deed) -> Result<Done, Refusal> {
        let ledger = &self.state.ledger;
        let released = quarantine::release(ledger, objects, &[], deed).await;
        let mut done = released.map_err(|fault| unavailable(&fault))?;
        let astray: Vec<ObjectId> = done
            .refused
            .extract_if(.., |(_, refused)| *refused == Refused::NoDestination)
            .map(|(object, _)| object)
            .collect();
        if !astray.is_empty() {
            let everywhere = &self.state.site.load().destinations.clone();
            let released = quarantine::release(ledger, astray, everywhere, deed).await;
            let more = released.map_err(|fault| unavailable(&fault))?;
            done.changed.extend(more.changed);
            done.refused.extend(more.refused);
        }
        Ok(done)
    }

    /// Has objects judged again; how they come out is not waited for.
    async fn recheck(&self, objects: Vec<ObjectId>) -> Result<u64, Refusal> {
        let mut changed = 0;
        for object in objects {
            if self.state.judging.send(Work::Again(object)).await.is_err() {
                return Err(Refusal::Unavailable { problem: "the gate is stopping".to_owned() });
            }
            changed += 1;
        }
        Ok(changed)
    }

    async fn health(&self) -> model::Health {
        let spool = self.state.spool.clone();
        let mut problems = Vec::new();
        if self.state.stopping.load(Ordering::Relaxed) {
            problems.push("the gate is stopping".to_owned());
        }
        // What is received is safe without the ledger, but nothing is judged or delivered.
        if let Err(fault) = self.state.ledger.ready() {
            problems.push(fault.to_string());
        }
        match blocking(move || spool.admission()).await {
            Ok(Ok(())) => {}
            Ok(Err(fault)) => problems.push(fault.to_string()),
            Err(refusal) => problems.push(refusal.to_string()),
        }
        model::Health { ok: problems.is_empty(), problems }
    }

    /// Brings those gauges up to date that nobody counts as things happen.
    async fn refresh(&self) -> Result<(), Refusal> {
        let names: Vec<String> =
            self.state.lanes.destinations().map(|(one, _)| one.name.clone()).collect();
        let asked = names.clone();
        let oldest = self.ask(move |ledger| {
            asked.iter().map(|name| ledger.oldest_waiting(name)).collect::<Result<Vec<_>, _>>()
        });
        let oldest = oldest.await?;
        let (counts, condition) = self.figures().await?;
        let tried = self.ask(Ledger::tried).await?;
        let metrics = &self.state.metrics;
        metrics.trials.set(rules::trials(&self.state.site.load().rules, &tried));
        for (name, oldest) in names.into_iter().zip(oldest) {
            let depth = queued(&counts, Some(&name));
            let lane = Lane { destination: name };
            metrics.queued.get_or_create(&lane).set(depth.cast_signed());
            metrics.oldest_queued.get_or_create(&lane).set(oldest.map_or(0.0, seconds_since));
        }
        self.state.certificates.measure(metrics, now());
        for (destination, watched) in self.state.lanes.watched() {
            let lane = Lane { destination: destination.name.clone() };
            let stalled = watched.stalled().as_secs_f64();
            metrics.delivery_stalled.get_or_create(&lane).set(stalled);
        }
        metrics.spool_free_bytes.set(condition.free.cast_signed());
        metrics.ballast.set(i64::from(condition.ballast == BallastState::Aboard));
        metrics.lost.set(self.lost(&counts).cast_signed());
        Ok(())
    }

    fn lost(&self, counts: &Counts) -> u64 {
        objects(counts, ObjectState::Lost).max(self.state.lost)
    }
}

impl crate::web::Service for Service {
    async fn ready(&self) -> model::Health {
        self.health().await
    }

    async fn metrics(&self) -> String {
        if let Err(fault) = self.refresh().await {
            tracing::warn!(%fault, "the gauges of queue and spool are those of an earlier time");
        }
        self.state.metrics.render()
    }

    async fn system(&self) -> Result<model::System, Refusal> {
        let state = &self.state;
        let ready = self.health().await;
        let (counts, condition) = self.figures().await?;
        let configuration = state.configuration.load();
        let oldest = counts.oldest.map(|at| now().duration_since(at).as_secs().max(0));
        Ok(model::System {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started: state.started,
            ready,
            aet: configuration.gate.aet.iter().map(ToString::to_string).collect(),
            listen: state.listen.to_string(),
            associations: state.metrics.associations_open.get().max(0).cast_unsigned(),
            bypass: state.spool.bypass().is_on(),
            audit_problem: state.audit.problem(),
            spool: model::SpoolState {
                dir: state.spool.directory().display().to_string(),
                free_bytes: condition.free,
                reserve_bytes: condition.reserve,
                ballast: condition.ballast.as_str().to_owned(),
                problem: problem(&condition),
            },
            queue: model::QueueDepth {
                deliveries: queued(&counts, None),
                oldest_seconds: oldest.map(i64::cast_unsigned),
            },
            held: objects(&counts, ObjectState::Held),
            lost: self.lost(&counts),
            damaged: state.metrics.damaged.get(),
            destinations: self.peers_of(&counts),
            certificates: certificates(&state.certificates, now()),
            codecs: state.cage.bars().map(|bars| model::Codecs {
                seccomp: bars.seccomp,
                landlock: bars.landlock.as_str().to_owned(),
                lost: state.cage.lost(),
            }),
        })
    }

    async fn queue(&self, limit: usize) -> Result<Listed<model::QueueEntry>, Refusal> {
        let (found, counts) = self
            .ask(move |ledger| Ok((ledger.queue(&Filter::default(), limit)?, ledger.counts()?)))
            .await?;
        let total = total(found.len(), limit, queued(&counts, None));
        Ok(Listed { entries: found.iter().filter_map(queue_entry).collect(), total })
    }

    async fn act_on_queue(
        &self,
        which: Selector,
        action: QueueAction,
        deed: model::Deed,
    ) -> Result<model::Changed, Refusal> {
        let name = match &which {
            Selector::All => None,
            Selector::Named(name) => Some(name.clone()),
        };
        let found = self.deliveries(which).await?;
        let (ledger, deed) = (&self.state.ledger, signed(deed));
        let kind = match action {
            QueueAction::Retry | QueueAction::Release => audit::Deed::Requeue,
            QueueAction::Hold => audit::Deed::HoldDelivery,
        };
        let done = match action {
            QueueAction::Retry => quarantine::requeue(ledger, &found, false, &deed).await,
            QueueAction::Hold => quarantine::hold(ledger, &found, &deed).await,
            QueueAction::Release => quarantine::requeue(ledger, &found, true, &deed).await,
        };
        let done = done.map_err(|fault| unavailable(&fault))?;
        self.attest(deeds::on_deliveries(kind, &found, &done, &deed)).await;
        match action {
            // What waits for its turn is tried now as well.
            QueueAction::Retry | QueueAction::Release => self.state.lanes.wake(None),
            QueueAction::Hold => {}
        }
        let is_under_way = |entry: &QueueEntry| match entry.delivery.state {
            DeliveryState::Queued | DeliveryState::Sending => true,
            DeliveryState::Deferred | DeliveryState::Held | DeliveryState::Delivered => false,
        };
        if let (Some(name), true, Some(first)) = (name, done.changed.is_empty(), found.first())
            && !(action == QueueAction::Retry && found.iter().any(is_under_way))
        {
            let state = match done.refused.first() {
                Some((_, refused)) => format!("not changed: {refused}"),
                None => first.delivery.state.as_str().to_owned(),
            };
            return Err(Refusal::Conflict { name, state });
        }
        Ok(model::Changed { changed: done.changed.len() as u64 })
    }

    async fn flush(&self, deed: model::Deed) -> Result<model::Changed, Refusal> {
        let destination = deed.destination.clone();
        if let Some(name) = &destination {
            self.destination(name)?;
        }
        let filter = Filter {
            destination: destination.clone(),
            state: Some(DeliveryState::Deferred),
            ..Filter::default()
        };
        let found = self.ask(move |ledger| ledger.queue(&filter, quarantine::AT_A_TIME)).await?;
        let deed = signed(deed);
        let requeued = quarantine::requeue(&self.state.ledger, &found, false, &deed).await;
        let done = requeued.map_err(|fault| unavailable(&fault))?;
        self.attest(deeds::on_deliveries(audit::Deed::Requeue, &found, &done, &deed)).await;
        self.state.lanes.wake(destination.as_deref());
        Ok(model::Changed { changed: done.changed.len() as u64 })
    }

    async fn quarantine(
        &self,
        settled: bool,
        limit: usize,
    ) -> Result<Listed<model::QuarantineEntry>, Refusal> {
        let (found, counts) = self
            .ask(move |ledger| {
                Ok((ledger.quarantine(&Filter::default(), settled, limit)?, ledger.counts()?))
            })
            .await?;
        let total = total(found.len(), limit, objects(&counts, ObjectState::Held));
        Ok(Listed { entries: found.iter().map(quarantine_entry).collect(), total })
    }

    async fn act_on_quarantine(
        &self,
        which: Selector,
        action: QuarantineAction,
        deed: model::Deed,
    ) -> Result<model::Changed, Refusal> {
        let name = which.to_string();
        let found = self.held(which).await?;
        let objects: Vec<ObjectId> = found.iter().map(|entry| entry.id).collect();
        let deed = signed(deed);
        let done = match action {
            QuarantineAction::Recheck => {
                if self.state.spool.bypass().is_on() {
                    let state = "held, and nothing is judged while bypass is on".to_owned();
                    return Err(Refusal::Conflict { name, state });
                }
                let changed = self.recheck(objects).await?;
                self.attest(deeds::on_objects(audit::Deed::Recheck, &found, &deed)).await;
                return Ok(model::Changed { changed });
            }
            QuarantineAction::Release => {
                let done = self.release(objects, &deed).await?;
                self.state.lanes.wake(None);
                done
            }
            QuarantineAction::Reject => {
                let rejected = quarantine::reject(&self.state.ledger, objects, &deed).await;
                rejected.map_err(|fault| unavailable(&fault))?
            }
        };
        if let (true, Some((_, refused))) = (done.changed.is_empty(), done.refused.first()) {
            return Err(Refusal::Conflict { name, state: format!("not changed: {refused}") });
        }
        // The ledger has told of each object.
        self.attest(Vec::new()).await;
        Ok(model::Changed { changed: done.changed.len() as u64 })
    }

    async fn studies(&self, limit: usize) -> Result<Vec<model::Study>, Refusal> {
        let rows = self.ask(move |ledger| ledger.studies(limit)).await?;
        Ok(rows.into_iter().map(study).collect())
    }

    async fn study(&self, study_instance_uid: String) -> Result<model::Study, Refusal> {
        let uid = Uid::new(&study_instance_uid);
        let row = self.ask(move |ledger| ledger.study(&uid)).await?;
        row.map(study).ok_or(Refusal::NotFound { what: "settled study", name: study_instance_uid })
    }

    async fn bypass(&self) -> Result<model::Bypass, Refusal> {
        Ok(deeds::shown(self.state.spool.bypass()))
    }

    async fn order_bypass(&self, order: model::BypassOrder) -> Result<model::Bypass, Refusal> {
        let spool = self.state.spool.clone();
        let ordered = deeds::ordered(order)?;
        let entry = blocking(move || deeds::carry_out(spool.bypass(), ordered)).await?;
        let entry = entry.map_err(|fault| unavailable(&fault))?;
        self.attest(entry.into_iter().collect()).await;
        let bypass = self.state.spool.bypass();
        self.state.metrics.bypass.set(i64::from(bypass.is_on()));
        Ok(deeds::shown(bypass))
    }

    async fn peers(&self) -> Result<Vec<model::Peer>, Refusal> {
        let counts = self.ask(Ledger::counts).await?;
        Ok(self.peers_of(&counts))
    }

    async fn echo(&self, name: String) -> Result<model::Echo, Refusal> {
        let destination = self.destination(&name)?;
        let started = Instant::now();
        let error = match &destination.target {
            Target::Peer(peer) => match deliver::echo(peer, &self.state.timers).await {
                Ok(Status::SUCCESS) => None,
                Ok(status) => Some(format!("the answer is {status}")),
                Err(fault) => Some(fault.to_string()),
            },
            Target::Folder(folder) => {
                let folder = folder.clone();
                let is_there = blocking(move || folder.is_dir()).await?;
                // The first delivery makes it.
                (!is_there).then(|| "the folder is not there yet".to_owned())
            }
        };
        let milliseconds = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(model::Echo { name, ok: error.is_none(), milliseconds, error })
    }

    async fn test(&self, name: String) -> Result<model::PeerTest, Refusal> {
        let destination = self.destination(&name)?;
        let echo = crate::web::Service::echo(self, name).await?;
        let unasked = |echo| model::PeerTest { echo, contexts: vec![], storage_commitment: None };
        let peer = match (&destination.target, echo.ok) {
            (Target::Peer(peer), true) => peer,
            (Target::Peer(_), false) | (Target::Folder(_), _) => return Ok(unasked(echo)),
        };
        let mut classes = TESTED_CLASSES.to_vec();
        classes.push(STORAGE_COMMITMENT);
        let answer = deliver::accepts(peer, &classes, &TESTED_SYNTAXES, &self.state.timers).await;
        let accepted = match answer {
            Ok(accepted) => accepted,
            Err(fault) => {
                let error = Some(fault.to_string());
                return Ok(unasked(model::Echo { ok: false, error, ..echo }));
            }
        };
        let taken = |class: &str| -> Vec<String> {
            let pairs = accepted.pairs.iter().filter(|(taken, _)| taken == class);
            pairs.map(|(_, syntax)| syntax.clone()).collect()
        };
        let context = |class: &&str| model::Context {
            sop_class_uid: (*class).to_owned(),
            sop_class: sop_class::name(class).to_owned(),
            transfer_syntaxes: taken(class),
        };
        Ok(model::PeerTest {
            echo,
            contexts: TESTED_CLASSES.iter().map(context).collect(),
            storage_commitment: Some(!taken(STORAGE_COMMITMENT).is_empty()),
        })
    }

    async fn ledger(&self) -> Result<model::Ledger, Refusal> {
        let lines = self.ask(Ledger::conservation).await?;
        Ok(books(&lines))
    }

    async fn statistics(&self) -> Result<model::Statistics, Refusal> {
        let tried = self.ask(Ledger::tried).await?;
        let (metrics, site) = (&self.state.metrics, self.state.site.load());
        let marks = site.registry.scope_codes().iter().map(|scope| scope.as_str());
        let reasons = Reason::ALL.into_iter().map(|reason| reason.as_code());
        let rules = site.rules.site().rules().iter();
        Ok(model::Statistics {
            marked: marks.filter_map(|mark| counted(&metrics.marked, mark)).collect(),
            unmarked: reasons.filter_map(|reason| counted(&metrics.unmarked, reason)).collect(),
            findings: rules.filter_map(|rule| counted(&metrics.findings, &rule.id)).collect(),
            shadow: rules::tried(&site.rules, &tried),
        })
    }

    async fn rules(&self) -> Result<Vec<model::Rule>, Refusal> {
        let counted = self.ask(Ledger::tried).await?;
        Ok(rules::listed(&self.state.site.load(), &counted))
    }

    async fn explain(&self, sop_instance_uid: String) -> Result<Vec<model::Explanation>, Refusal> {
        let (ledger, spool) = (self.state.ledger.clone(), self.state.spool.clone());
        let frames: Arc<dyn Frames> = self.state.cage.clone();
        let site = self.state.site.load_full();
        let filter =
            Filter { sop_instance: Some(Uid::new(&sop_instance_uid)), ..Filter::default() };
        let explained = blocking(move || {
            let entries = ledger.explain(&filter, VERSIONS)?;
            let explain = |entry: &Explained| {
                let seen =
                    look_again(&site, &spool, entry, Arc::clone(&frames)).unwrap_or_else(|fault| {
                        tracing::info!(object = %entry.id, %fault, "explained without its file");
                        None
                    });
                let of_study = ledger.study(&entry.study)?.map(study);
                Ok(report::recorded(&site, entry, seen, of_study))
            };
            entries.iter().map(explain).collect::<Result<Vec<_>, LedgerFault>>()
        });
        let explained = explained.await?.map_err(|fault| unavailable(&fault))?;
        if explained.is_empty() {
            return Err(Refusal::NotFound { what: "instance", name: sop_instance_uid });
        }
        let (sop_instance, versions) = (sop_instance_uid, explained.len());
        self.attest(vec![Entry::Explained { sop_instance, versions }]).await;
        Ok(explained)
    }

    async fn preview(&self, sop_instance_uid: String, changed: bool) -> Result<Vec<u8>, Refusal> {
        let (ledger, spool) = (self.state.ledger.clone(), self.state.spool.clone());
        let frames = Arc::clone(&self.state.cage);
        let filter =
            Filter { sop_instance: Some(Uid::new(&sop_instance_uid)), ..Filter::default() };
        let shown = blocking(move || {
            let entry = ledger.explain(&filter, 1)?.into_iter().next();
            let shown = entry.map(|entry| preview::preview(&spool, &entry, changed, frames));
            Ok::<_, LedgerFault>(shown)
        });
        let shown = shown.await?.map_err(|fault| unavailable(&fault))?;
        let Some(shown) = shown else {
            return Err(Refusal::NotFound { what: "instance", name: sop_instance_uid });
        };
        let picture = shown.map_err(|fault| Refusal::Conflict {
            name: sop_instance_uid.clone(),
            state: format!("not to be shown: {fault}"),
        })?;
        let sop_instance = sop_instance_uid;
        self.attest(vec![Entry::Previewed { sop_instance, marked: changed }]).await;
        Ok(picture)
    }

    async fn conformance(&self) -> Result<String, Refusal> {
        let configuration = self.state.configuration.load();
        Ok(conformance::statement(&configuration, &self.state.timers))
    }
}

/// Runs what blocks on a thread that may.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Refusal> {
    tokio::task::spawn_blocking(work).await.map_err(|fault| unavailable(&fault))
}

fn unavailable(fault: &impl ToString) -> Refusal {
    Refusal::Unavailable { problem: fault.to_string() }
}

fn refusal(fault: &Fault, what: &'static str, name: String) -> Refusal {
    match fault {
        Fault::NotFound => Refusal::NotFound { what, name },
        Fault::Ledger(fault) => unavailable(fault),
    }
}

fn selection(which: Selector) -> Selection {
    match which {
        Selector::All => Selection::All,
        Selector::Named(name) => Selection::Named(name),
    }
}

fn signed(deed: model::Deed) -> Deed {
    Deed {
        by: deed.by.unwrap_or_else(|| "unknown".to_owned()),
        reason: deed.reason.unwrap_or_default(),
        at: now(),
    }
}

/// The certificates in force, and how long each will do.
fn certificates(certificates: &Certificates, now: Timestamp) -> Vec<model::Expiry> {
    const DAY: i64 = 24 * 60 * 60;
    let ends = certificates.ends().into_iter();
    ends.map(|(name, ends)| model::Expiry {
        name,
        ends,
        days_left: ends.duration_since(now).as_secs().div_euclid(DAY),
    })
    .collect()
}

fn seconds_since(at: Timestamp) -> f64 {
    now().duration_since(at).as_secs_f64().max(0.0)
}
