//! What is entered in the ledger of an object that was relayed, or was to be.

use std::sync::Arc;

use super::judging::Judged;
use super::turns::Turn;
use crate::base::time::now;
use crate::dicom::status::Status;
use crate::ledger::{Arrival, Event, ObjectRow, What};
use crate::observe::metrics;
use crate::pipeline::{Site, Verdict};
use crate::receive::case::{Case, row};
use crate::receive::drawing::Versions;
use crate::receive::entering::Entering;
use crate::receive::judge::{self, Call, Judging, verdict};
use crate::receive::past::Past;
use crate::receive::seats::Seat;
use crate::receive::telling::tell;
use crate::receive::written::written;
use crate::spool::{ObjectId, Receipt};

/// An object that was relayed, or was to be, and is in custody.
pub struct Relayed {
    pub(super) receipt: Receipt,
    pub(in crate::receive) case: Arc<Case>,
    pub(super) judged: Judged,
    /// What its destination has of it; `None` where that did not answer.
    pub(super) delivered: Option<Delivered>,
    /// Whoever comes with its SOP Instance UID waits until it is entered.
    pub(super) turn: Turn,
}

/// What a destination has.
pub(super) struct Delivered {
    /// The destination's name.
    pub(super) destination: String,
    /// What it answered.
    pub(super) status: Status,
    /// BLAKE3 of what went out, where that is not what came.
    pub(super) sent: Option<blake3::Hash>,
}

impl Relayed {
    /// Its row in the ledger.
    pub(in crate::receive) fn row(&self) -> ObjectRow {
        row(&self.receipt, &self.case, &self.judged.site)
    }

    /// What is to be recorded of it, all at once: that it was judged, and that it was delivered, if it was.
    pub(in crate::receive) async fn recorded(
        self,
        with: &Judging,
        entering: Entering,
        seat: Seat,
        call: &Call,
    ) -> Vec<Event> {
        let Self { receipt, case, judged, delivered, turn } = self;
        let Judged { mut verdict, site, at, is_whole } = judged;
        let object = receipt.id();
        match entering.arrival(&call.stop).await {
            Ok(Arrival::Suppressed { by }) => {
                tracing::info!(%object, %by, "the same bytes are still queued");
                with.metrics.suppressed.inc();
                return Vec::new();
            }
            Ok(Arrival::Conflict { with: other }) => {
                tracing::warn!(%object, %other, "other bytes under a SOP Instance UID that is known");
                if delivered.is_none() {
                    let event =
                        judge::judged(with, object, case, Past::OtherBytes, seat, (None, call));
                    return event.await.into_iter().collect();
                }
            }
            Ok(Arrival::New | Arrival::Again { .. }) => {}
            Err(fault) => {
                tracing::error!(%object, %fault, "an object was not entered in the ledger");
                return Vec::new();
            }
        }
        drop(turn);
        if !is_whole {
            look_again(with, (object, &site, &case), seat, call, &mut verdict).await;
        }
        if let Some(part) = verdict.part.take() {
            with.studies.came(part, case.received());
        }
        tell(&with.metrics, object, &verdict);
        // Further destinations get it from the spool, and the last of them puts it by.
        if delivered.is_some() && verdict.destinations.len() <= 1 {
            let spool = with.spool.clone();
            tokio::task::spawn_blocking(move || spool.put_by(object));
        }
        let judged = What::Judged(Box::new(written(&verdict, &site)));
        let mut events = vec![Event { object, at, what: judged }];
        if let Some(Delivered { destination, status, sent }) = delivered {
            let label = metrics::Lane { destination: destination.clone() };
            with.metrics.delivered.get_or_create(&label).inc();
            tracing::info!(%object, destination, "delivered");
            let (comment, sent) = (String::new(), sent.unwrap_or_else(|| receipt.hash()));
            let what = What::Delivered { destination, status, comment, sent };
            events.push(Event { object, at: now(), what });
        }
        events
    }
}

/// Finds out what could not be known before all of an object had come: its pixels, and what its study needs of it. What was decided
/// stands.
async fn look_again(
    with: &Judging,
    (object, site, case): (ObjectId, &Arc<Site>, &Arc<Case>),
    seat: Seat,
    call: &Call,
    first: &mut Verdict,
) {
    let bypass = first.is_bypassed();
    let seat = (seat, bypass);
    let again = verdict(with, object, site, case, seat, Versions::default(), (None, call)).await;
    if let Some(judge::Judged::Verdict(again)) = again
        && !again.unchecked
    {
        let again = *again;
        first.findings = again.findings;
        first.shadow = again.shadow;
        first.tried = again.tried;
        first.part = again.part;
    }
}
