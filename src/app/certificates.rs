//! The certificates in force: put in place at the start, replaced as a whole on reload, and watched for their end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio_util::sync::CancellationToken;

use crate::base::time::{Timestamp, now};
use crate::config::{Paper, Tls};
use crate::dimse::tls::{Client, Server};
use crate::observe::{Metrics, metrics};

/// How often the log is told of what is about to end.
const DAILY: Duration = Duration::from_hours(24);

/// See the module.
pub(super) struct Certificates {
    server: Option<Server>,
    clients: BTreeMap<String, Client>,
    papers: ArcSwap<Vec<Paper>>,
}

impl Certificates {
    pub(super) fn new(tls: &Tls) -> Self {
        let clients = tls.destinations.iter();
        Self {
            server: tls.gate.clone().map(Server::new),
            clients: clients
                .map(|(name, side)| (name.clone(), Client::new(side.clone())))
                .collect(),
            papers: ArcSwap::from_pointee(tls.papers.clone()),
        }
    }

    /// What the port with TLS uses.
    pub(super) fn server(&self) -> Option<Server> {
        self.server.clone()
    }

    /// What the lane to a destination with TLS uses.
    pub(super) fn client(&self, destination: &str) -> Option<Client> {
        self.clients.get(destination).cloned()
    }

    /// Puts what was read anew in force, for connections from now on.
    pub(super) fn replace(&self, tls: &Tls) {
        if let (Some(server), Some(side)) = (&self.server, &tls.gate) {
            server.replace(side.clone());
        }
        for (name, side) in &tls.destinations {
            if let Some(client) = self.clients.get(name) {
                client.replace(side.clone());
            }
        }
        self.papers.store(Arc::new(tls.papers.clone()));
    }

    /// When each ends, by what it is for; of several the first.
    pub(super) fn ends(&self) -> BTreeMap<String, Timestamp> {
        let mut ends = BTreeMap::new();
        for paper in self.papers.load().iter() {
            let end = ends.entry(paper.role.clone()).or_insert(paper.ends);
            *end = paper.ends.min(*end);
        }
        ends
    }

    /// Brings the gauges up to date.
    pub(super) fn measure(&self, metrics: &Metrics, now: Timestamp) {
        for (certificate, ends) in self.ends() {
            let left = ends.duration_since(now).as_secs();
            metrics.certificate_expiry.get_or_create(&metrics::Paper { certificate }).set(left);
        }
    }

    /// Warns of what has ended or soon will.
    pub(super) fn tell(&self, now: Timestamp) {
        for paper in self.papers.load().iter() {
            if let Some(warning) = paper.warning(now) {
                tracing::warn!(certificate = paper.role, %warning, "certificate");
            }
        }
    }
}

/// Tells once a day, until told to stop.
pub(super) async fn watch(certificates: Arc<Certificates>, stop: CancellationToken) {
    let mut day = tokio::time::interval(DAILY);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = day.tick() => certificates.tell(now()),
        }
    }
}
