//! Asks peers in the background what they take, so that negotiation with modalities can follow them.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Destination, Peer, Shared, Target, forget_refusals, learn, peer};
use crate::dicom::status::Status;
use crate::dicom::uid::Uid;
use crate::dimse::fault::Fault;
use crate::dimse::probe::probe;
use crate::dimse::requestor::Proposed;
use crate::dimse::{MAX_CONTEXTS, Timers};
use crate::policy::contexts::proposals;

/// How long a refusal is believed. A peer that is taught a new class is found out within it.
const REFUSALS_LAST: Duration = Duration::from_secs(300);

/// How long a peer that could not be asked is left alone: its lane knows sooner when it is back.
const QUIET: Duration = Duration::from_secs(30);

/// Waits for questions and puts them to every peer, until told to stop.
pub(super) async fn run(
    destinations: Vec<Destination>,
    shared: Shared,
    mut questions: mpsc::Receiver<(String, String)>,
    stop: CancellationToken,
) {
    let mut refresh = tokio::time::interval(REFUSALS_LAST);
    let mut quiet: HashMap<usize, Instant> = HashMap::new();
    loop {
        let mut asked = Vec::new();
        tokio::select! {
            () = stop.cancelled() => return,
            _ = refresh.tick() => {
                forget_refusals(&shared.known);
                continue;
            }
            count = questions.recv_many(&mut asked, MAX_CONTEXTS) => {
                if count == 0 {
                    return;
                }
            }
        }
        let proposed: Vec<Proposed> = asked
            .iter()
            .flat_map(|(class, syntax)| {
                proposals(syntax).into_iter().map(move |syntax| Proposed {
                    sop_class: Uid::new(class),
                    transfer_syntax: Uid::new(syntax),
                })
            })
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        for (index, destination) in destinations.iter().enumerate() {
            let Target::Peer(of) = &destination.target else { continue };
            if quiet.get(&index).is_some_and(|until| *until > Instant::now()) {
                continue;
            }
            let address = peer::own_address(of);
            let found = tokio::select! {
                () = stop.cancelled() => return,
                found = probe(&address, &proposed, &shared.timers) => found,
            };
            match found {
                Ok(found) => {
                    let answers: Vec<_> = proposed
                        .iter()
                        .map(|one| {
                            let taken = found.taken.contains(one);
                            (one.sop_class.to_string(), one.transfer_syntax.to_string(), taken)
                        })
                        .collect();
                    learn(&shared.known, index, &answers);
                }
                // The lane tells of a peer that is away; here it only means that nothing was learned.
                Err(fault) => {
                    tracing::debug!(destination = destination.name, %fault, "a probe failed");
                    quiet.insert(index, Instant::now() + QUIET);
                }
            }
        }
    }
}

/// What a peer takes, for a person who tests it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// Its answer to C-ECHO; `None` when it does not offer Verification.
    pub echo: Option<Status>,
    /// The pairs of SOP class and transfer syntax that it takes, of those asked about.
    pub pairs: BTreeSet<(String, String)>,
}

/// Asks a peer about every pair of these.
///
/// # Errors
/// When an association fails.
pub async fn accepts(
    peer: &Peer,
    classes: &[&str],
    syntaxes: &[&str],
    timers: &Timers,
) -> Result<Accepted, Fault> {
    let proposed: Vec<Proposed> = classes
        .iter()
        .flat_map(|class| {
            syntaxes.iter().map(|syntax| Proposed {
                sop_class: Uid::new(class),
                transfer_syntax: Uid::new(syntax),
            })
        })
        .collect();
    let found = probe(&peer::own_address(peer), &proposed, timers).await?;
    let pairs = found
        .taken
        .iter()
        .map(|taken| (taken.sop_class.to_string(), taken.transfer_syntax.to_string()))
        .collect();
    Ok(Accepted { echo: found.echo, pairs })
}
