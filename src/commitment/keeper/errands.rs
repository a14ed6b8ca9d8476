//! Who is sent out to ask destinations and to tell modalities, and what comes of it.

use std::time::Duration;

use tokio::time::Instant;

use super::super::asking::{Replied, ask};
use super::super::reference::Reason;
use super::super::settings::Counts;
use super::super::telling::{Back, Untold, tell};
use super::super::transaction::{Progress, Stage, Transaction};
use super::{Keeper, Open, Setup};
use crate::base::object_id::ObjectId;
use crate::dicom::ae_title::AeTitle;
use crate::dimse::requestor::Peer;
use crate::observe::metrics::Outcome;
use crate::policy::admission::{Caller, Proof, admit};

/// Destinations that are asked and modalities that are told at a time.
const MOST_ERRANDS: usize = 16;

/// The wait after the first errand that came to nothing; doubled up to the last.
const FIRST_WAIT: Duration = Duration::from_secs(5);
const LAST_WAIT: Duration = Duration::from_secs(600);

/// What is to be done for a request outside.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Errand {
    /// Ask this destination.
    Ask(String),
    /// Tell the one who asked.
    Tell,
}

/// To whom an errand leads: one at a time.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Towards {
    /// This destination.
    Destination(String),
    /// The modality of this title.
    Modality(AeTitle),
}

/// How often something has been tried.
#[derive(Debug, Default)]
pub(super) struct Tries {
    count: u32,
    due: Option<Instant>,
    pub(super) under_way: bool,
}

impl Tries {
    fn is_due(&self, now: Instant) -> bool {
        !self.under_way && self.due.is_none_or(|due| due <= now)
    }

    fn put_off(&mut self) {
        let wait = FIRST_WAIT.saturating_mul(1 << self.count.min(16)).min(LAST_WAIT);
        self.count = self.count.saturating_add(1);
        self.due = Some(Instant::now() + wait);
    }
}

/// What came of an errand.
enum Came {
    Asked(Replied),
    Told(Result<(), Untold>),
}

pub(super) struct Done {
    id: ObjectId,
    errand: Errand,
    towards: Towards,
    came: Came,
    /// The association that was tried first.
    back: Option<Back>,
}

impl Keeper {
    /// Sends out what is due for a request.
    pub(super) fn send_out(&mut self, id: ObjectId) {
        if self.errands.len() >= MOST_ERRANDS {
            return;
        }
        let Some(open) = self.open.get(&id) else { return };
        match &open.transaction.stage {
            Stage::Waiting => {}
            Stage::Asking { asked, .. } => {
                let due = asked.iter().filter(|asked| asked.progress == Progress::Due);
                let due: Vec<String> = due.map(|asked| asked.destination.clone()).collect();
                for destination in due {
                    self.send_to_ask(id, destination);
                }
            }
            Stage::Reporting { .. } => self.send_to_tell(id),
        }
    }

    fn send_to_tell(&mut self, id: ObjectId) {
        let Some(open) = self.open.get(&id) else { return };
        let towards = Towards::Modality(open.transaction.calling.clone());
        if !self.begins(id, &Errand::Tell, towards) {
            return;
        }
        let Some(Open { transaction, back, .. }) = self.open.get(&id) else { return };
        let Stage::Reporting { failed, .. } = &transaction.stage else { return };
        let (reported, back) = (transaction.report(failed), back.clone());
        let (peer, timers) = (self.setup.address(transaction), self.setup.timers);
        let towards = Towards::Modality(transaction.calling.clone());
        self.errands.spawn(async move {
            let came = Came::Told(tell(back.clone(), peer, reported, timers).await);
            Done { id, errand: Errand::Tell, towards, came, back }
        });
    }

    fn send_to_ask(&mut self, id: ObjectId, destination: String) {
        let towards = Towards::Destination(destination.clone());
        if !self.begins(id, &Errand::Ask(destination.clone()), towards.clone()) {
            return;
        }
        let Some(open) = self.open.get(&id) else { return };
        let Stage::Asking { asked, .. } = &open.transaction.stage else { return };
        let asked = asked.iter().find(|asked| asked.destination == destination);
        let Some(requested) = asked.map(|asked| open.transaction.request(asked)) else { return };
        let known = self.setup.destinations.iter().find(|known| known.name == destination);
        let peer = known.and_then(|known| known.peer.clone());
        let (timers, reports) = (self.setup.timers, self.reports.clone());
        let errand = Errand::Ask(destination);
        self.errands.spawn(async move {
            let replied = match peer {
                Some(peer) => ask(peer, requested, timers, reports).await,
                // It was asked before the gate was started anew, and is not configured any more.
                None => Replied::NotOffered,
            };
            Done { id, errand, towards, came: Came::Asked(replied), back: None }
        });
    }

    /// Notes that an errand begins, if it is due and nobody else is on the way to the same peer.
    fn begins(&mut self, id: ObjectId, errand: &Errand, towards: Towards) -> bool {
        let Some(open) = self.open.get_mut(&id) else { return false };
        let tries = open.tries.entry(errand.clone()).or_default();
        if !tries.is_due(Instant::now()) || !self.busy.insert(towards) {
            return false;
        }
        tries.under_way = true;
        true
    }

    pub(super) async fn done(&mut self, done: Result<Done, tokio::task::JoinError>) {
        self.look_soon();
        let Done { id, errand, towards, came, back: tried } = match done {
            Ok(done) => done,
            Err(fault) => {
                tracing::error!(%fault, "asking or telling of a commitment has ended abnormally");
                // Whose it was is not known: what is under way still comes to its end or is begun again.
                let all = self.open.values_mut().flat_map(|open| open.tries.values_mut());
                all.for_each(|tries| tries.under_way = false);
                self.busy.clear();
                return;
            }
        };
        self.busy.remove(&towards);
        let Some(open) = self.open.get_mut(&id) else { return };
        let tries = open.tries.entry(errand.clone()).or_default();
        tries.under_way = false;
        match (came, errand) {
            (Came::Told(Ok(())), _) => {
                tracing::info!(calling = %open.transaction.calling, transaction = %open.transaction.uid, "a modality has been told of its commitment");
                self.finish(id, "told").await;
            }
            (Came::Told(Err(untold)), _) => {
                tries.put_off();
                let is_first = tries.count == 1;
                // It is of no more use; it may have asked again on another meanwhile.
                if let (Some(back), Some(tried)) = (&open.back, &tried)
                    && back.reports.same_channel(&tried.reports)
                {
                    open.back = None;
                }
                self.setup.note_untold(&open.transaction, &untold, is_first);
            }
            (Came::Asked(replied), Errand::Ask(destination)) => {
                self.replied(id, &destination, replied).await;
            }
            (Came::Asked(_), Errand::Tell) => {}
        }
    }

    /// A destination has answered, or not, when it was asked.
    async fn replied(&mut self, id: ObjectId, destination: &str, replied: Replied) {
        let is_required = self.setup.requires(destination);
        let Some(open) = self.open.get_mut(&id) else { return };
        let Stage::Asking { failed, asked } = &mut open.transaction.stage else { return };
        let Some(asked) = asked.iter_mut().find(|asked| asked.destination == destination) else {
            return;
        };
        if asked.progress == Progress::Done {
            // It has reported on the very association on which it was asked.
            return;
        }
        match replied {
            Replied::Taken => asked.progress = Progress::Taken,
            Replied::NotOffered => {
                if is_required {
                    tracing::error!(
                        destination,
                        "a destination has to commit itself and does not offer that"
                    );
                    failed.extend(asked.all_failed(Reason::PROCESSING_FAILURE));
                }
                asked.progress = Progress::Done;
            }
            Replied::Unwritable => {
                tracing::error!(destination, "a request for commitment cannot be written");
                failed.extend(asked.all_failed(Reason::PROCESSING_FAILURE));
                asked.progress = Progress::Done;
            }
            Replied::Refused(status) => {
                tracing::warn!(destination, %status, "a destination has not taken a request for commitment; it is asked again");
                return self.put_off(id, destination);
            }
            Replied::Failed(fault) => {
                tracing::warn!(destination, %fault, "a destination could not be asked for commitment; it is asked again");
                return self.put_off(id, destination);
            }
        }
        drop(self.advance(id).await);
    }

    fn put_off(&mut self, id: ObjectId, destination: &str) {
        if let Some(open) = self.open.get_mut(&id) {
            let errand = Errand::Ask(destination.to_owned());
            open.tries.entry(errand).or_default().put_off();
        }
    }
}

impl Setup {
    /// Whether a destination has to commit itself.
    fn requires(&self, destination: &str) -> bool {
        let known = self.destinations.iter().find(|known| known.name == destination);
        known.is_some_and(|known| known.counts == Counts::Required)
    }

    /// Where a modality takes reports, and as whom it is called; `None` where that is not configured.
    fn address(&self, transaction: &Transaction) -> Option<Peer> {
        let site = self.site.load();
        let caller =
            Caller { calling: &transaction.calling, peer: transaction.peer, proof: Proof::Assumed };
        let report = admit(&site.sources, &caller).ok()?.source.report?;
        Some(Peer {
            host: report.host.unwrap_or_else(|| transaction.peer.to_string()),
            port: report.port,
            called: transaction.calling.clone(),
            calling: transaction.called.clone(),
            tls: None,
        })
    }

    /// Tells of a report that did not get through: the first time so that it is seen.
    fn note_untold(&self, transaction: &Transaction, untold: &Untold, is_first: bool) {
        let outcome = Outcome { outcome: "not_told" };
        self.metrics.commitments.reports.get_or_create(&outcome).inc();
        let (calling, uid) = (&transaction.calling, &transaction.uid);
        if is_first {
            tracing::warn!(%calling, transaction = %uid, %untold, "a modality could not be told of its commitment; it is tried again");
        } else {
            tracing::info!(%calling, transaction = %uid, %untold, "a modality could not be told of its commitment");
        }
    }
}
