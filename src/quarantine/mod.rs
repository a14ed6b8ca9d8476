//! What people do to objects that are held, and to deliveries: each deed is recorded with its doer and reason.
//!
//! It never touches an object's bytes and never sends anything: it tells the ledger, and whoever delivers or judges
//! finds out there or on a channel.

use crate::base::time::Timestamp;
use crate::dicom::uid::Uid;
use crate::ledger::{
    DeliveryState, Event, Filter, Ledger, LedgerFault, QuarantineEntry, QueueEntry, Refused, What,
};
use crate::spool::ObjectId;

/// Objects or deliveries that one deed may concern.
pub const AT_A_TIME: usize = 100_000;

/// Which objects or deliveries are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// All that are in a state for the deed.
    All,
    /// Those with this id, or this SOP Instance, series or study UID; of a delivery also `<id>/<destination>`.
    Named(String),
}

/// A deed that a person does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deed {
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// What came of a deed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Done {
    /// Objects or deliveries that it was done to.
    pub changed: Vec<ObjectId>,
    /// Those that were in no state for it.
    pub refused: Vec<(ObjectId, Refused)>,
}

/// Why a deed was not done.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// Nothing bears the name.
    #[error("nothing is called that")]
    NotFound,
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerFault),
}

/// The filters that a name may stand for, most telling first.
fn filters(name: &str) -> Vec<Filter> {
    let (object, destination) = match name.split_once('/') {
        Some((object, destination)) => (object, Some(destination.to_owned())),
        None => (name, None),
    };
    if let Some(id) = ObjectId::parse(object) {
        return vec![Filter { ids: vec![id], destination, ..Filter::default() }];
    }
    let uid = || Some(Uid::new(object));
    vec![
        Filter { sop_instance: uid(), ..Filter::default() },
        Filter { series: uid(), ..Filter::default() },
        Filter { study: uid(), ..Filter::default() },
    ]
}

/// The held objects that a selection means; with `settled` also those that were released or rejected. Blocks.
///
/// # Errors
/// When nothing bears the name, or the ledger fails.
pub fn objects(
    ledger: &Ledger,
    selection: &Selection,
    settled: bool,
) -> Result<Vec<QuarantineEntry>, Fault> {
    match selection {
        Selection::All => Ok(ledger.quarantine(&Filter::default(), settled, AT_A_TIME)?),
        Selection::Named(name) => {
            for filter in filters(name) {
                let found = ledger.quarantine(&filter, settled, AT_A_TIME)?;
                if !found.is_empty() {
                    return Ok(found);
                }
            }
            Err(Fault::NotFound)
        }
    }
}

/// The deliveries that a selection means. Blocks.
///
/// # Errors
/// When nothing bears the name, or the ledger fails.
pub fn deliveries(ledger: &Ledger, selection: &Selection) -> Result<Vec<QueueEntry>, Fault> {
    match selection {
        Selection::All => Ok(ledger.queue(&Filter::default(), AT_A_TIME)?),
        Selection::Named(name) => {
            for filter in filters(name) {
                let found = ledger.queue(&filter, AT_A_TIME)?;
                if !found.is_empty() {
                    return Ok(found);
                }
            }
            Err(Fault::NotFound)
        }
    }
}

/// Lets held objects go out as they came, never to be judged again.
///
/// # Errors
/// When the ledger fails.
pub async fn release(
    ledger: &Ledger,
    objects: Vec<ObjectId>,
    to: &[String],
    deed: &Deed,
) -> Result<Done, LedgerFault> {
    tell("released", &objects, deed);
    let what =
        |_| What::Released { by: deed.by.clone(), reason: deed.reason.clone(), to: to.to_vec() };
    record(ledger, objects, deed.at, what).await
}

/// Refuses held objects: their custody ends, and they are removed when their retention is over.
///
/// # Errors
/// When the ledger fails.
pub async fn reject(
    ledger: &Ledger,
    objects: Vec<ObjectId>,
    deed: &Deed,
) -> Result<Done, LedgerFault> {
    tell("rejected", &objects, deed);
    let what = |_| What::Rejected { by: deed.by.clone(), reason: deed.reason.clone() };
    record(ledger, objects, deed.at, what).await
}

/// Stops deliveries until they are released.
///
/// # Errors
/// When the ledger fails.
pub async fn hold(
    ledger: &Ledger,
    deliveries: &[QueueEntry],
    deed: &Deed,
) -> Result<Done, LedgerFault> {
    act(ledger, deliveries, deed, "held", |entry| {
        let is_open = match entry.delivery.state {
            DeliveryState::Queued | DeliveryState::Deferred | DeliveryState::Sending => true,
            DeliveryState::Held | DeliveryState::Delivered => false,
        };
        is_open.then(|| What::DeliveryHeld {
            destination: entry.delivery.destination.clone(),
            error: format!("on_hold by {}", deed.by),
        })
    })
    .await
}

/// Makes deferred and held deliveries due at once; with `held_only`, held ones alone.
///
/// # Errors
/// When the ledger fails.
pub async fn requeue(
    ledger: &Ledger,
    deliveries: &[QueueEntry],
    held_only: bool,
    deed: &Deed,
) -> Result<Done, LedgerFault> {
    act(ledger, deliveries, deed, "requeued", |entry| {
        let is_waiting = match entry.delivery.state {
            DeliveryState::Held => true,
            DeliveryState::Deferred => !held_only,
            DeliveryState::Queued | DeliveryState::Sending | DeliveryState::Delivered => false,
        };
        let destination = entry.delivery.destination.clone();
        is_waiting.then_some(What::Requeued { destination })
    })
    .await
}

async fn act(
    ledger: &Ledger,
    deliveries: &[QueueEntry],
    deed: &Deed,
    word: &str,
    what: impl Fn(&QueueEntry) -> Option<What>,
) -> Result<Done, LedgerFault> {
    let events: Vec<Event> = deliveries
        .iter()
        .filter_map(|entry| Some(Event { object: entry.id, at: deed.at, what: what(entry)? }))
        .collect();
    let objects: Vec<ObjectId> = events.iter().map(|event| event.object).collect();
    tell(word, &objects, deed);
    outcome(ledger, objects, events).await
}

async fn record(
    ledger: &Ledger,
    objects: Vec<ObjectId>,
    at: Timestamp,
    what: impl Fn(ObjectId) -> What,
) -> Result<Done, LedgerFault> {
    let events = objects.iter().map(|&object| Event { object, at, what: what(object) }).collect();
    outcome(ledger, objects, events).await
}

async fn outcome(
    ledger: &Ledger,
    objects: Vec<ObjectId>,
    events: Vec<Event>,
) -> Result<Done, LedgerFault> {
    let mut done = Done::default();
    for (object, outcome) in objects.into_iter().zip(ledger.record_all(events).await?) {
        match outcome {
            Ok(()) => done.changed.push(object),
            Err(refused) => done.refused.push((object, refused)),
        }
    }
    Ok(done)
}

/// Custody changed by a person: a line of its own for each object.
fn tell(deed: &str, objects: &[ObjectId], by: &Deed) {
    for object in objects {
        tracing::info!(
            %object,
            by = by.by.escape_default().to_string(),
            reason = by.reason.escape_default().to_string(),
            deed,
            "a person decided"
        );
    }
}
