//! What is entered in the ledger of an object that its destination has.

use std::sync::Arc;

use crate::base::time::{Timestamp, now};
use crate::dicom::status::Status;
use crate::ledger::{Arrival, Event, What, insist};
use crate::observe::metrics;
use crate::pipeline::{Site, Verdict};
use crate::receive::case::{Case, row};
use crate::receive::drawing::Versions;
use crate::receive::judge::{Call, Judged, Judging, received, verdict, written};
use crate::receive::seats::Seat;
use crate::receive::telling::tell;
use crate::spool::Receipt;

/// An object that its destination has, and that has come into custody since.
pub struct Relayed {
    pub(super) receipt: Receipt,
    pub(in crate::receive) case: Arc<Case>,
    pub(super) verdict: Box<Verdict>,
    pub(super) site: Arc<Site>,
    /// When it was judged.
    pub(super) at: Timestamp,
    /// Whether its pixels were looked at.
    pub(super) is_whole: bool,
    /// The destination's name.
    pub(super) destination: String,
    /// What it answered.
    pub(super) status: Status,
    /// BLAKE3 of what went out, where that is not what came.
    pub(super) sent: Option<blake3::Hash>,
}

impl Relayed {
    /// What is to be recorded of it, all at once: that it was judged, and that it was delivered.
    pub(in crate::receive) async fn recorded(
        self,
        with: &Judging,
        seat: Seat,
        call: &Call,
    ) -> Vec<Event> {
        let Self { receipt, case, mut verdict, site, at, is_whole, destination, status, sent } =
            self;
        let (object, sent) = (receipt.id(), sent.unwrap_or_else(|| receipt.hash()));
        let row = row(&receipt, &case, &site);
        let entered = insist(&call.stop, || received(with.ledger.clone(), row.clone()));
        match entered.await {
            Ok(Arrival::Suppressed { by }) => {
                tracing::info!(%object, %by, "the same bytes are still queued");
                with.metrics.suppressed.inc();
                return Vec::new();
            }
            Ok(Arrival::New | Arrival::Again { .. } | Arrival::Conflict { .. }) => {}
            Err(fault) => {
                tracing::error!(%object, %fault, "an object was not entered in the ledger");
                return Vec::new();
            }
        }
        if !is_whole {
            look_again(with, (object, &site, &case), seat, call, &mut verdict).await;
        }
        if let Some(part) = verdict.part.take() {
            with.studies.came(part, case.received());
        }
        tell(&with.metrics, object, &verdict);
        let label = metrics::Lane { destination: destination.clone() };
        with.metrics.delivered.get_or_create(&label).inc();
        tracing::info!(%object, destination, "delivered");
        let delivered = What::Delivered { destination, status, comment: String::new(), sent };
        let judged = What::Judged(Box::new(written(&verdict, &site)));
        vec![Event { object, at, what: judged }, Event { object, at: now(), what: delivered }]
    }
}

/// Finds out what could not be known before all of an object had come: its pixels, and what its study needs of it. What was decided
/// stands.
async fn look_again(
    with: &Judging,
    (object, site, case): (crate::spool::ObjectId, &Arc<Site>, &Arc<Case>),
    seat: Seat,
    call: &Call,
    first: &mut Verdict,
) {
    let bypass = first.is_bypassed();
    let seat = (seat, bypass);
    let again = verdict(with, object, site, case, seat, Versions::default(), (None, call)).await;
    if let Some(Judged::Verdict(again)) = again {
        let again = *again;
        first.findings = again.findings;
        first.shadow = again.shadow;
        first.tried = again.tried;
        first.part = again.part;
    }
}
