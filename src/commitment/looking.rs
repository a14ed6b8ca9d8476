//! Looks up what can be said of the objects of requests that wait. Blocks, so it is done on a thread of its own.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use crate::base::object_id::ObjectId;
use crate::dicom::uid::Uid;
use crate::ledger::{Ledger, LedgerFault, Treatment};
use crate::object::edit::EditPlan;

use super::reference::{Reason, Reference};
use super::settings::{Destination, Settings};
use super::standing::{Word, standing, word};
use super::transaction::Failed;

/// A request that waits.
pub(super) struct Waiting {
    /// Its name in the spool.
    pub(super) id: ObjectId,
    /// What it is about.
    pub(super) items: Arc<[Reference]>,
    /// How old it is.
    pub(super) age: Duration,
    /// The item that was found wanting last: while it still is, no other need be looked at.
    pub(super) wanting: usize,
}

/// What was found.
pub(super) enum Found {
    /// This item, by its place, is still waited for.
    Wanting(usize),
    /// Something can be said of each.
    Settled(Settled),
}

/// What can be said of each item of a request.
pub(super) struct Settled {
    /// What is not kept.
    pub(super) failed: Failed,
    /// Of the others, by destination that is to be asked: their places, and the SOP Instance UIDs they have there.
    pub(super) to_ask: BTreeMap<String, Vec<(usize, Uid)>>,
}

fn known<'d>(destinations: &'d [Destination], name: &str) -> Option<&'d Destination> {
    destinations.iter().find(|destination| destination.name == name)
}

/// Whether a destination counts. One that is not configured any more does: objects were sent to it.
fn counts(destinations: &[Destination], name: &str) -> bool {
    known(destinations, name).is_none_or(|destination| destination.counts.at_all())
}

/// Looks at each request. One that cannot be looked at is left out and looked at again.
pub(super) fn look(
    ledger: &Ledger,
    destinations: &[Destination],
    settings: &Settings,
    waiting: Vec<Waiting>,
) -> HashMap<ObjectId, Found> {
    let mut all = HashMap::new();
    for one in waiting {
        let (id, looked) = (one.id, look_at(ledger, destinations, settings, &one));
        match looked {
            Ok(found) => {
                all.insert(id, found);
            }
            Err(fault) => {
                tracing::error!(commitment = %id, %fault, "what a request for commitment waits for cannot be looked up");
            }
        }
    }
    all
}

fn look_at(
    ledger: &Ledger,
    destinations: &[Destination],
    settings: &Settings,
    waiting: &Waiting,
) -> Result<Found, LedgerFault> {
    let says = |reference: &Reference, versions: &[crate::ledger::Version]| {
        let stands = standing(reference, versions, &|name| counts(destinations, name));
        word(reference, stands, waiting.age, settings)
    };
    if let Some(wanting) = waiting.items.get(waiting.wanting) {
        let versions = ledger.versions([&wanting.sop_instance])?;
        let versions = versions.first().map(Vec::as_slice).unwrap_or_default();
        if says(wanting, versions) == Word::Wait {
            return Ok(Found::Wanting(waiting.wanting));
        }
    }
    let versions = ledger.versions(waiting.items.iter().map(|item| &item.sop_instance))?;
    let mut settled = Settled { failed: Failed::new(), to_ask: BTreeMap::new() };
    for (place, (reference, versions)) in waiting.items.iter().zip(&versions).enumerate() {
        match says(reference, versions) {
            Word::Wait => return Ok(Found::Wanting(place)),
            Word::Failed(reason) => {
                settled.failed.insert(place, reason);
            }
            Word::There { object, at } => {
                let is_asked =
                    |name: &String| known(destinations, name).is_some_and(Destination::is_asked);
                let asked = at.into_iter().filter(is_asked);
                let asked: Vec<String> = asked.collect();
                if asked.is_empty() {
                    continue;
                }
                let Some(sent_as) = sent_as(ledger, object, reference)? else {
                    settled.failed.insert(place, Reason::PROCESSING_FAILURE);
                    continue;
                };
                for name in asked {
                    settled.to_ask.entry(name).or_default().push((place, sent_as.clone()));
                }
            }
        }
    }
    Ok(Found::Settled(settled))
}

/// The SOP Instance UID under which an object has left; `None` when that cannot be told.
pub(super) fn sent_as(
    ledger: &Ledger,
    object: ObjectId,
    reference: &Reference,
) -> Result<Option<Uid>, LedgerFault> {
    let own = reference.sop_instance.clone();
    Ok(match ledger.leaves_as(object)? {
        Treatment::AsReceived => Some(own),
        Treatment::Planned(bytes) => {
            EditPlan::from_bytes(&bytes).ok().map(|plan| plan.instance().cloned().unwrap_or(own))
        }
    })
}
