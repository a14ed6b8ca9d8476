//! Keeps requests for commitment until they are done with: takes them, looks what has become of their objects, and sends out those
//! who ask destinations and tell modalities.

mod errands;
mod taking;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::checks::Checks;
use super::looking::{Found, Settled, Waiting, look};
use super::reference::Reason;
use super::settings::{Destination, Settings};
use super::telling::Back;
use super::transaction::{Asked, Failed, Progress, Stage, Transaction, from_bytes, to_bytes};
use errands::{Done, Errand, Towards, Tries};

use crate::base::caught::{Panicked, caught};
use crate::base::object_id::ObjectId;
use crate::base::time::{Timestamp, now};
use crate::dicom::uid::Uid;
use crate::dimse::Timers;
use crate::dimse::normalized::Called;
use crate::ledger::Ledger;
use crate::observe::Metrics;
use crate::observe::metrics::Outcome;
use crate::pipeline::Site;
use crate::spool::{Spool, StoreFault};

/// How often it is looked without a reason, for what becomes due as time goes by.
const EVERY: Duration = Duration::from_secs(1);

/// The least between two looks, so that what comes thick and fast is looked at together.
const APART: Duration = Duration::from_millis(50);

/// Of the time, looking may take this part.
const SHARE: u32 = 10;

/// Reports on our own associations that may wait to be taken.
const REPORTS: usize = 16;

/// Everything that keeping commitments needs.
pub struct Setup {
    /// Where requests are kept.
    pub spool: Spool,
    /// Where their objects stand.
    pub ledger: Ledger,
    /// Where modalities listen for reports.
    pub site: Arc<ArcSwap<Site>>,
    /// Choices, replaced as a whole on reload.
    pub settings: Arc<ArcSwap<Settings>>,
    /// In the order of the configuration.
    pub destinations: Vec<Destination>,
    /// How long originals are kept.
    pub retention: Duration,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Deadlines of associations.
    pub timers: Timers,
}

/// Takes what comes on associations, and sees to it, until told to stop.
pub async fn run(setup: Setup, mut inbound: mpsc::Receiver<Called>, stop: CancellationToken) {
    let (reports, mut own) = mpsc::channel(REPORTS);
    let mut changes = setup.ledger.changes();
    let mut keeper = Keeper::new(setup, reports);
    keeper.recall().await;
    while !stop.is_cancelled() {
        let next = keeper.next;
        let turned = caught(async {
            tokio::select! {
                () = stop.cancelled() => {}
                Some(called) = inbound.recv() => keeper.called(called).await,
                Some(called) = own.recv() => keeper.called(called).await,
                Some(done) = keeper.errands.join_next(), if !keeper.errands.is_empty() => {
                    keeper.done(done).await;
                }
                Some(done) = keeper.checks.errands.join_next(), if !keeper.checks.errands.is_empty() => {
                    keeper.checks.done(done);
                }
                Ok(()) = changes.changed() => keeper.look_soon(),
                () = tokio::time::sleep_until(next) => keeper.turn().await,
            }
        });
        if let Err(Panicked) = turned.await {
            tracing::error!("keeping commitments has failed; it goes on");
            keeper.next = Instant::now() + EVERY;
        }
    }
}

/// A request that is kept.
struct Open {
    transaction: Transaction,
    back: Option<Back>,
    /// The item that was found wanting last.
    wanting: usize,
    tries: BTreeMap<Errand, Tries>,
}

impl Open {
    fn new(transaction: Transaction, back: Option<Back>) -> Self {
        Self { transaction, back, wanting: 0, tries: BTreeMap::new() }
    }
}

struct Keeper {
    setup: Setup,
    reports: mpsc::Sender<Called>,
    open: BTreeMap<ObjectId, Open>,
    references: usize,
    errands: JoinSet<Done>,
    /// To whom somebody is on the way.
    busy: HashSet<Towards>,
    checks: Checks,
    /// When it is looked next, and was last, and how long that took.
    next: Instant,
    looked: Instant,
    took: Duration,
}

impl Keeper {
    fn new(setup: Setup, reports: mpsc::Sender<Called>) -> Self {
        let start = Instant::now();
        Self {
            checks: Checks::new(&setup.destinations),
            setup,
            reports,
            open: BTreeMap::new(),
            references: 0,
            errands: JoinSet::new(),
            busy: HashSet::new(),
            next: start,
            looked: start,
            took: Duration::ZERO,
        }
    }

    /// Reads what the last run left.
    async fn recall(&mut self) {
        let spool = self.setup.spool.clone();
        let kept = match tokio::task::spawn_blocking(move || spool.commitments()).await {
            Ok(Ok(kept)) => kept,
            Ok(Err(fault)) => {
                tracing::error!(%fault, "requests for commitment cannot be read: their modalities are not told");
                return;
            }
            Err(fault) => {
                tracing::error!(%fault, "reading requests for commitment failed");
                return;
            }
        };
        for (id, content) in kept {
            match content.as_deref().and_then(from_bytes) {
                Some(transaction) => self.add(id, Open::new(transaction, None)),
                None => tracing::error!(
                    commitment = %id,
                    "a request for commitment is damaged or of a later version: its modality is not told"
                ),
            }
        }
        if !self.open.is_empty() {
            tracing::info!(requests = self.open.len(), "commitments go on where they were left");
        }
    }

    fn add(&mut self, id: ObjectId, open: Open) {
        self.references += open.transaction.items.len();
        self.open.insert(id, open);
        self.count_open();
    }

    fn count_open(&self) {
        let open = i64::try_from(self.open.len()).unwrap_or(i64::MAX);
        self.setup.metrics.commitments.open.set(open);
    }

    /// Has it looked before long, though not more often than looking is worth.
    fn look_soon(&mut self) {
        let pause = APART.max(self.took.saturating_mul(SHARE));
        self.next = self.next.min(self.looked + pause);
    }

    /// Looks at everything, and sends out what is due.
    async fn turn(&mut self) {
        let begun = Instant::now();
        self.look().await;
        self.looked = Instant::now();
        self.took = self.looked - begun;
        self.next = self.looked + EVERY.max(self.took.saturating_mul(SHARE));
        let ids: Vec<ObjectId> = self.open.keys().copied().collect();
        for id in ids {
            self.expire(id).await;
            self.send_out(id);
        }
        self.checks.turn(&self.setup, &self.reports).await;
    }

    async fn look(&mut self) {
        let at = now();
        let waiting = self.open.iter().filter(|(_, open)| open.transaction.stage == Stage::Waiting);
        let waiting: Vec<Waiting> = waiting
            .map(|(id, open)| Waiting {
                id: *id,
                items: Arc::clone(&open.transaction.items),
                age: age(open.transaction.received, at),
                wanting: open.wanting,
            })
            .collect();
        if waiting.is_empty() {
            return;
        }
        let (ledger, settings) = (self.setup.ledger.clone(), self.setup.settings.load_full());
        let destinations = self.setup.destinations.clone();
        let looked =
            tokio::task::spawn_blocking(move || look(&ledger, &destinations, &settings, waiting));
        let looked: HashMap<ObjectId, Found> = match looked.await {
            Ok(looked) => looked,
            Err(fault) => {
                tracing::error!(%fault, "looking for what commitments wait for failed");
                return;
            }
        };
        for (id, found) in looked {
            match found {
                Found::Wanting(place) => {
                    if let Some(open) = self.open.get_mut(&id) {
                        open.wanting = place;
                    }
                }
                Found::Settled(settled) => self.settle(id, settled).await,
            }
        }
    }

    /// All objects of a request have arrived that will.
    async fn settle(&mut self, id: ObjectId, settled: Settled) {
        let Some(open) = self.open.get_mut(&id) else { return };
        let since = now();
        let ask = |(destination, items)| Asked {
            destination,
            uid: fresh_uid(),
            since,
            items,
            progress: Progress::Due,
        };
        open.transaction.stage = Stage::Asking {
            failed: settled.failed,
            asked: settled.to_ask.into_iter().map(ask).collect(),
        };
        // What could not be written down is found anew at the next start.
        drop(self.advance(id).await);
    }

    /// Goes on to the report once every destination that was asked is done with, and writes down how far the request has come.
    async fn advance(&mut self, id: ObjectId) -> Result<(), StoreFault> {
        let Some(open) = self.open.get_mut(&id) else { return Ok(()) };
        if let Stage::Asking { failed, asked } = &mut open.transaction.stage
            && asked.iter().all(|asked| asked.progress == Progress::Done)
        {
            let failed = std::mem::take(failed);
            self.setup.count_items(open.transaction.items.len(), &failed);
            tracing::info!(
                calling = %open.transaction.calling,
                transaction = %open.transaction.uid,
                committed = open.transaction.items.len().saturating_sub(failed.len()),
                failed = failed.len(),
                reasons = reasons(&failed),
                "what has become of a commitment is known"
            );
            open.transaction.stage = Stage::Reporting { failed, since: now() };
        }
        let transaction = open.transaction.clone();
        let kept = self.keep(id, &transaction).await;
        if let Err(fault) = &kept {
            tracing::error!(transaction = %transaction.uid, %fault, "how far a commitment has come could not be written down");
        }
        kept
    }

    async fn keep(&self, id: ObjectId, transaction: &Transaction) -> Result<(), StoreFault> {
        let spool = self.setup.spool.clone();
        let bytes = to_bytes(transaction).map_err(|_| StoreFault::GivenUp)?;
        let kept = tokio::task::spawn_blocking(move || spool.keep_commitment(id, &bytes));
        kept.await.unwrap_or(Err(StoreFault::Interrupted))
    }

    /// Gives up what has been waited for long enough.
    async fn expire(&mut self, id: ObjectId) {
        let (at, settings) = (now(), self.setup.settings.load_full());
        let Some(open) = self.open.get_mut(&id) else { return };
        match &mut open.transaction.stage {
            Stage::Waiting => {}
            Stage::Asking { failed, asked } => {
                let late = asked.iter_mut().filter(|asked| {
                    asked.progress != Progress::Done && age(asked.since, at) >= settings.answer
                });
                let mut is_late = false;
                for asked in late {
                    is_late = true;
                    tracing::error!(
                        destination = asked.destination,
                        transaction = %asked.uid,
                        "a destination was asked for commitment and has not reported: its objects count as not kept"
                    );
                    failed.extend(asked.all_failed(Reason::PROCESSING_FAILURE));
                    asked.progress = Progress::Done;
                }
                if is_late {
                    drop(self.advance(id).await);
                }
            }
            Stage::Reporting { since, .. } if age(*since, at) >= settings.report => {
                tracing::error!(
                    calling = %open.transaction.calling,
                    transaction = %open.transaction.uid,
                    "a modality could not be told of its commitment: it keeps its objects until it asks again"
                );
                self.finish(id, "given_up").await;
            }
            Stage::Reporting { .. } => {}
        }
    }

    /// Forgets a request.
    async fn finish(&mut self, id: ObjectId, outcome: &'static str) {
        self.setup.metrics.commitments.reports.get_or_create(&Outcome { outcome }).inc();
        let spool = self.setup.spool.clone();
        let forgotten = tokio::task::spawn_blocking(move || spool.forget_commitment(id)).await;
        match forgotten {
            Ok(Ok(())) => {}
            // At the next start the modality is told once more.
            Ok(Err(fault)) => {
                tracing::error!(%fault, "a commitment that is done with could not be forgotten");
            }
            Err(fault) => {
                tracing::error!(%fault, "forgetting a commitment has failed");
            }
        }
        if let Some(open) = self.open.remove(&id) {
            self.references = self.references.saturating_sub(open.transaction.items.len());
        }
        self.count_open();
    }
}

impl Setup {
    fn count_items(&self, items: usize, failed: &Failed) {
        let count = |outcome, number: usize| {
            let counter = self.metrics.commitments.objects.get_or_create(&Outcome { outcome });
            counter.inc_by(number as u64);
        };
        count("committed", items.saturating_sub(failed.len()));
        count("failed", failed.len());
    }
}

/// A Transaction UID that nobody can guess: whoever knows it may report.
pub(super) fn fresh_uid() -> Uid {
    Uid::new(&format!("2.25.{}", uuid::Uuid::new_v4().as_u128()))
}

fn age(since: Timestamp, at: Timestamp) -> Duration {
    Duration::try_from(at.duration_since(since)).unwrap_or_default()
}

/// The reasons among what failed, each once.
fn reasons(failed: &Failed) -> String {
    let reasons: std::collections::BTreeSet<&Reason> = failed.values().collect();
    let reasons: Vec<String> = reasons.into_iter().map(ToString::to_string).collect();
    reasons.join(" ")
}
