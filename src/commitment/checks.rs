//! The gate's own question to a destination: whether it keeps what it has acknowledged. What it keeps need not be kept here any longer;
//! what it has not is sent again, and after some times that is an alarm.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;

use super::asking::{Replied, ask};
use super::data_set::{Reported, Requested};
use super::keeper::{Setup, fresh_uid};
use super::looking::sent_as;
use super::reference::{Reason, Reference};
use super::settings::Destination;
use crate::base::object_id::ObjectId;
use crate::base::time::{Timestamp, now};
use crate::dicom::uid::Uid;
use crate::dimse::normalized::Called;
use crate::ledger::{Checked, Event, Ledger, LedgerFault, Unchecked, What};
use crate::observe::metrics::Check as Label;

/// Objects that a destination is asked about at a time.
const BATCH: usize = 1_000;

/// How long the first of them waits for others.
const GATHERED: jiff::SignedDuration = jiff::SignedDuration::from_secs(10);

/// How often it is looked for objects to ask about.
const EVERY: Duration = Duration::from_secs(1);

/// The wait after a question that came to nothing; doubled up to the last.
const FIRST_WAIT: Duration = Duration::from_secs(30);
const LAST_WAIT: Duration = Duration::from_secs(3_600);

/// An object is entered as delivered so much later than its delivery says, at most.
const LATEST: jiff::SignedDuration = jiff::SignedDuration::from_secs(120);

/// Objects are not asked about any more so long before their retention ends.
const BEFORE_THE_END: Duration = Duration::from_secs(600);

/// So often an object is sent again that a destination does not have.
const SENT_AGAIN: u32 = 3;

/// Objects that were sent again and that are remembered.
const MOST_SENT_AGAIN: usize = 10_000;

/// What is being asked of one destination.
struct Check {
    /// Objects whose custody ended before have been asked about.
    cursor: Timestamp,
    batch: Option<Batch>,
    due: Instant,
    tries: u32,
    /// How often objects have been sent again.
    again: HashMap<ObjectId, u32>,
}

/// Objects that it is asked about together.
struct Batch {
    uid: Uid,
    asked: Instant,
    /// By the UID that it has them under: several where one came more than once.
    objects: HashMap<Uid, Vec<ObjectId>>,
    /// When the custody of the last of them ended.
    latest: Timestamp,
}

/// The questions to all destinations that are to be asked.
pub(super) struct Checks {
    of: BTreeMap<String, Check>,
    pub(super) errands: JoinSet<(String, Uid, Replied)>,
}

/// A destination whose word is taken.
fn is_checked(destination: &Destination) -> bool {
    destination.verify && destination.peer.is_some()
}

impl Checks {
    pub(super) fn new(destinations: &[Destination]) -> Self {
        let check = |destination: &Destination| {
            let check = Check {
                cursor: Timestamp::MIN,
                batch: None,
                due: Instant::now(),
                tries: 0,
                again: HashMap::new(),
            };
            (destination.name.clone(), check)
        };
        let checked = destinations.iter().filter(|destination| is_checked(destination));
        Self { of: checked.map(check).collect(), errands: JoinSet::new() }
    }

    /// Gives up what has had no answer, and asks what is due.
    pub(super) async fn turn(&mut self, setup: &Setup, reports: &mpsc::Sender<Called>) {
        let patience = setup.settings.load().answer;
        for (name, check) in &mut self.of {
            if check.batch.as_ref().is_some_and(|batch| batch.asked.elapsed() >= patience) {
                tracing::error!(
                    destination = name,
                    "a destination was asked whether it keeps what it has, and has not reported"
                );
                count(setup, name, "unanswered", 1);
                check.put_off();
            }
            if check.batch.is_some() || check.due > Instant::now() {
                continue;
            }
            check.due = Instant::now() + EVERY;
            if let Some((batch, requested)) = gather(setup, name, check.cursor).await {
                let known = setup.destinations.iter().find(|known| known.name == *name);
                let Some(peer) = known.and_then(|known| known.peer.clone()) else { continue };
                let (name, uid) = (name.clone(), batch.uid.clone());
                let (timers, reports) = (setup.timers, reports.clone());
                check.batch = Some(batch);
                self.errands
                    .spawn(async move { (name, uid, ask(peer, requested, timers, reports).await) });
            }
        }
    }

    /// A destination has answered, or not, when it was asked.
    pub(super) fn done(&mut self, done: Result<(String, Uid, Replied), JoinError>) {
        let (name, uid, replied) = match done {
            Ok(done) => done,
            // The question is given up when its time is over.
            Err(fault) => {
                tracing::error!(%fault, "asking a destination what it keeps has ended abnormally");
                return;
            }
        };
        let Some(check) = self.of.get_mut(&name) else { return };
        if check.batch.as_ref().is_none_or(|batch| batch.uid != uid) {
            // It has reported on the very association on which it was asked.
            return;
        }
        match replied {
            Replied::Taken => return,
            Replied::NotOffered => {
                tracing::error!(
                    destination = name,
                    "verify = \"commitment\", and the destination does not offer storage commitment"
                );
            }
            Replied::Refused(status) => {
                tracing::warn!(destination = name, %status, "a destination does not say what it keeps; it is asked again");
            }
            Replied::Failed(fault) => {
                tracing::warn!(destination = name, %fault, "a destination could not be asked what it keeps; it is asked again");
            }
            Replied::Unwritable => {
                tracing::error!(
                    destination = name,
                    "what a destination is to be asked cannot be written"
                );
            }
        }
        check.put_off();
    }

    /// Takes a report, if it is one on a question of the gate's own. Says whether it is.
    pub(super) async fn reported(
        &mut self,
        setup: &Setup,
        names: &std::collections::HashSet<String>,
        reported: &Reported,
    ) -> bool {
        let meant = self.of.iter_mut().find(|(name, check)| {
            let batch = check.batch.as_ref();
            names.contains(*name) && batch.is_some_and(|it| it.uid == reported.transaction)
        });
        let Some((name, check)) = meant else { return false };
        let Some(batch) = check.batch.take() else { return false };
        let said = Said::of(&batch, reported);
        tracing::info!(
            destination = name,
            kept = said.kept.len(),
            lacking = said.lacking.len(),
            "a destination has said what it keeps"
        );
        let is_entered = check.enter(setup, name, &said).await;
        if !is_entered || said.has_more {
            check.put_off();
        } else {
            check.tries = 0;
            check.due = Instant::now();
            check.cursor = batch.latest.checked_sub(LATEST).unwrap_or(check.cursor);
        }
        true
    }
}

/// What a destination said of the objects of one batch.
struct Said {
    kept: Vec<ObjectId>,
    lacking: Vec<(ObjectId, Reason)>,
    /// Of some it has said nothing.
    has_more: bool,
}

impl Said {
    fn of(batch: &Batch, reported: &Reported) -> Self {
        let mut said = Self { kept: Vec::new(), lacking: Vec::new(), has_more: false };
        let mut left: HashMap<&Uid, &Vec<ObjectId>> = batch.objects.iter().collect();
        for (reference, reason) in &reported.failed {
            let objects = left.remove(&reference.sop_instance).into_iter().flatten();
            said.lacking.extend(objects.map(|object| (*object, *reason)));
        }
        for reference in &reported.committed {
            said.kept.extend(left.remove(&reference.sop_instance).into_iter().flatten());
        }
        said.has_more = !left.is_empty();
        said
    }
}

impl Check {
    /// Asks again later, from where it was.
    fn put_off(&mut self) {
        let wait = FIRST_WAIT.saturating_mul(1 << self.tries.min(16)).min(LAST_WAIT);
        self.tries = self.tries.saturating_add(1);
        self.batch = None;
        self.due = Instant::now() + wait;
    }

    /// Enters what a destination said in the ledger. Says whether that was done.
    async fn enter(&mut self, setup: &Setup, name: &str, said: &Said) -> bool {
        count(setup, name, "kept", said.kept.len());
        count(setup, name, "lacking", said.lacking.len());
        for object in &said.kept {
            self.again.remove(object);
        }
        let mut given_up = Vec::new();
        let mut events = Vec::new();
        for (object, reason) in &said.lacking {
            if self.again.len() >= MOST_SENT_AGAIN {
                self.again.clear();
            }
            let times = self.again.entry(*object).or_default();
            *times += 1;
            if *times > SENT_AGAIN {
                tracing::error!(%object, destination = name, %reason, "a destination acknowledges an object and says that it has it not");
                self.again.remove(object);
                given_up.push(*object);
                continue;
            }
            tracing::warn!(%object, destination = name, %reason, "a destination has not what it acknowledged: it is sent again");
            let what = What::Missed { destination: name.to_owned() };
            events.push(Event { object: *object, at: now(), what });
        }
        let entered = enter(&setup.ledger, name, (said.kept.clone(), given_up), events).await;
        if let Err(fault) = &entered {
            tracing::error!(destination = name, %fault, "what a destination keeps was not entered; it is asked again");
        }
        entered.is_ok()
    }
}

async fn enter(
    ledger: &Ledger,
    destination: &str,
    (kept, given_up): (Vec<ObjectId>, Vec<ObjectId>),
    events: Vec<Event>,
) -> Result<(), LedgerFault> {
    for (objects, kept) in [(kept, true), (given_up, false)] {
        if !objects.is_empty() {
            let destination = destination.to_owned();
            ledger.checked(Checked { objects, destination, kept, at: now() }).await?;
        }
    }
    if !events.is_empty() {
        // What was refused has been removed meanwhile, or is on its way already.
        ledger.record_all(events).await?;
    }
    Ok(())
}

/// The next objects to ask a destination about, once there are enough or the first has waited for long enough.
async fn gather(setup: &Setup, name: &str, cursor: Timestamp) -> Option<(Batch, Requested)> {
    let at = now();
    let earliest = at.checked_sub(setup.retention.saturating_sub(BEFORE_THE_END)).ok()?;
    let (ledger, name) = (setup.ledger.clone(), name.to_owned());
    let looked = tokio::task::spawn_blocking(move || {
        let found = ledger.unchecked(&name, cursor.max(earliest), BATCH)?;
        let is_due = found.first().is_some_and(|first| first.settled <= at - GATHERED);
        if found.len() < BATCH && !is_due {
            return Ok(None);
        }
        batch(&ledger, found).map(Some)
    });
    match looked.await {
        Ok(Ok(found)) => found,
        Ok(Err(fault)) => {
            tracing::error!(%fault, "what a destination is to be asked about cannot be looked up");
            None
        }
        Err(fault) => {
            tracing::error!(%fault, "looking up what a destination is to be asked about failed");
            None
        }
    }
}

fn batch(ledger: &Ledger, found: Vec<Unchecked>) -> Result<(Batch, Requested), LedgerFault> {
    let mut batch = Batch {
        uid: fresh_uid(),
        asked: Instant::now(),
        objects: HashMap::new(),
        latest: found.last().map(|last| last.settled).unwrap_or_default(),
    };
    let mut items = Vec::with_capacity(found.len());
    for Unchecked { object, sop_class, sop_instance, settled: _ } in found {
        let reference = Reference { sop_class, sop_instance };
        let Some(sent_as) = sent_as(ledger, object, &reference)? else { continue };
        let objects = batch.objects.entry(sent_as.clone()).or_default();
        if objects.is_empty() {
            items.push(Reference { sop_instance: sent_as, ..reference });
        }
        objects.push(object);
    }
    let requested = Requested { transaction: batch.uid.clone(), items };
    Ok((batch, requested))
}

fn count(setup: &Setup, destination: &str, outcome: &'static str, number: usize) {
    let label = Label { destination: destination.to_owned(), outcome };
    setup.metrics.commitments.checks.get_or_create(&label).inc_by(number as u64);
}
