//! Objects of the gate's own making: presentation states, which follow the images that they show.
//!
//! They are in custody like any other, and are neither judged nor marked. Where they go follows from where their images went, so
//! that it can be told again after a crash at any moment.

use std::net::{IpAddr, Ipv4Addr};

use tokio_util::sync::CancellationToken;

use super::judge::Judging;
use super::past::asked;
use crate::base::time::now;
use crate::dicom::attribute::{AttributePath, Step};
use crate::dicom::tags;
use crate::dicom::uid::Uid;
use crate::ledger::{
    DeliveryState, Disposition, Event, Explained, Filter, Verdict, Versions, What, insist,
};
use crate::object::Scan;
use crate::spool::{Envelope, ObjectId};

/// Where objects of the gate's own making come from: an address that no peer can have.
pub const OWN_PEER: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// Objects of one series that are looked at for where they went.
const LOOKED_AT: usize = 40_000;

/// Whether an object is of the gate's own making.
pub(super) fn is_own(envelope: &Envelope) -> bool {
    envelope.peer.is_unspecified()
}

/// The verdict on an object of the gate's own making: it goes as it is to wherever some of its images have gone.
pub(super) async fn judged(
    with: &Judging,
    object: ObjectId,
    scan: &Scan,
    stop: &CancellationToken,
) -> Option<Event> {
    let step = Step { sequence: tags::REFERENCED_SERIES_SEQUENCE, item: 0 };
    let shown = AttributePath { steps: vec![step], tag: tags::SERIES_INSTANCE_UID };
    let shown = scan.header.at(&shown).and_then(|uid| scan.header.strings(uid).into_iter().next());
    let filter = Filter { series: shown.map(|uid| Uid::new(&uid)), ..Filter::default() };
    let ask = || {
        let (ledger, filter) = (with.ledger.clone(), filter.clone());
        // Without a series there is nothing to look for: a filter that says nothing means everything.
        asked(move || match filter.series {
            Some(_) => ledger.explain(&filter, LOOKED_AT),
            None => Ok(Vec::new()),
        })
    };
    let images = match insist(stop, ask).await {
        Ok(images) => images,
        Err(fault) => {
            tracing::error!(%object, %fault, "where images went cannot be looked up: their presentation state waits for the next start");
            return None;
        }
    };
    let site = with.site.load_full();
    let uid = |tag| scan.header.string(tag).map(|uid| Uid::new(&uid)).unwrap_or_default();
    let destinations = reached(&images);
    tracing::info!(%object, destinations = destinations.len(), "a presentation state follows its images");
    let verdict = Verdict {
        study: uid(tags::STUDY_INSTANCE_UID),
        series: uid(tags::SERIES_INSTANCE_UID),
        disposition: Disposition::Forward,
        destinations,
        mark: None,
        reason: None,
        report: "{}".to_owned(),
        plan: Vec::new(),
        versions: Versions {
            rules: site.versions.rules.clone(),
            registry: site.versions.registry.clone(),
            config: site.versions.config.clone(),
        },
        trial: None,
    };
    Some(Event { object, at: now(), what: What::Judged(Box::new(verdict)) })
}

/// The destinations that have some of these objects.
fn reached(images: &[Explained]) -> Vec<String> {
    let deliveries = images.iter().flat_map(|image| &image.deliveries);
    let reached = deliveries.filter(|delivery| delivery.state == DeliveryState::Delivered);
    let mut destinations: Vec<String> =
        reached.map(|delivery| delivery.destination.clone()).collect();
    destinations.sort();
    destinations.dedup();
    destinations
}
