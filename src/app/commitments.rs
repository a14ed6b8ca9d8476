//! What the configuration says of destinations that are asked for commitment.

use super::certificates::Certificates;
use crate::commitment::Destination;
use crate::config::{Configuration, Target};
use crate::dimse::requestor::Peer;
use crate::receive::{Reporter, Reporters};

/// The destinations, as far as commitments are concerned. One that is called under the modality's title is asked under the gate's
/// own: its report has to come to the gate, and not to the modality.
pub(super) fn destinations(
    configuration: &Configuration,
    certificates: &Certificates,
) -> Vec<Destination> {
    let own = configuration.gate.aet.first();
    let peer = |name: &str, target: &Target| match target {
        Target::Folder(_) => None,
        Target::Peer { aet, host, port, call_as, tls: _ } => Some(Peer {
            host: host.clone(),
            port: *port,
            called: aet.clone(),
            calling: call_as.otherwise.as_ref().or(own)?.clone(),
            tls: certificates.client(name),
        }),
    };
    let destinations = configuration.destinations.iter();
    destinations
        .map(|one| Destination {
            name: one.name.clone(),
            counts: one.commitment,
            verify: one.verify,
            peer: peer(&one.name, &one.target),
        })
        .collect()
}

/// Those of them that may call to report.
pub(super) fn reporters(destinations: &[Destination]) -> Reporters {
    let asked = destinations.iter().filter(|destination| destination.is_asked());
    let peers = asked.filter_map(|destination| destination.peer.as_ref());
    Reporters(
        peers
            .map(|peer| Reporter {
                aet: peer.called.clone(),
                host: peer.host.clone(),
                asked_by: peer.calling.clone(),
            })
            .collect(),
    )
}
