//! What a configuration is to the parts of a gate.

use super::certificates::Certificates;
use crate::base::limits::Limits;
use crate::cage;
use crate::config::{Configuration, Target};
use crate::deliver::{self, Destination, Peer};
use crate::policy::disposition::Unparsable;
use crate::receive;
use crate::relay::Remote;
use crate::spool;

/// What associations may take, and how long.
pub(super) fn receiving(configuration: &Configuration) -> receive::Config {
    let limits = &configuration.limits;
    receive::Config {
        refuse_unparsable: configuration.gate.unparsable == Unparsable::Refuse,
        associations: limits.associations,
        associations_of_a_peer: limits.associations_per_peer,
        commitment: configuration.commitment.offer,
        looking: Limits {
            elements: limits.elements,
            kept_bytes: usize::try_from(limits.header).unwrap_or(usize::MAX),
            ..Limits::default()
        },
        timers: limits.timers(),
        ..receive::Config::default()
    }
}

/// The program of the workers is the one that runs, even after an upgrade has put another in its place.
pub(super) fn cage_settings(configuration: &Configuration) -> cage::Settings {
    cage::Settings { program: "/proc/self/exe".into(), limits: configuration.codec.clone() }
}

/// Where the spool lies, and what it keeps.
pub(super) fn spool_config(configuration: &Configuration) -> spool::Config {
    spool::Config {
        dir: configuration.spool.dir.clone(),
        reserve: configuration.spool.reserve,
        retention: configuration.spool.retention,
        ballast: configuration.spool.ballast,
    }
}

/// A destination as objects are relayed to it; `None` of a folder.
pub(super) fn remote(destination: &Destination) -> Option<Remote> {
    match &destination.target {
        deliver::Target::Folder(_) => None,
        deliver::Target::Peer(Peer { called, host, port, calling, tls }) => Some(Remote {
            called: called.clone(),
            host: host.clone(),
            port: *port,
            calling: calling.clone(),
            tls: tls.clone(),
        }),
    }
}

/// The destinations, with what TLS towards each takes.
pub(super) fn destinations(
    configuration: &Configuration,
    certificates: &Certificates,
) -> Vec<Destination> {
    let target = |name: &str, target: &Target| match target {
        Target::Folder(folder) => deliver::Target::Folder(folder.clone()),
        Target::Peer { aet, host, port, call_as, tls: _ } => deliver::Target::Peer(Peer {
            called: aet.clone(),
            host: host.clone(),
            port: *port,
            calling: call_as.clone(),
            tls: certificates.client(name),
        }),
    };
    let destinations = configuration.destinations.iter();
    destinations
        .map(|one| Destination { name: one.name.clone(), target: target(&one.name, &one.target) })
        .collect()
}
