//! What a running gate consists of, as its pages and verbs see it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use arc_swap::ArcSwap;
use tokio::sync::mpsc;

use super::certificates::Certificates;
use crate::base::time::Timestamp;
use crate::cage::Cage;
use crate::config::Configuration;
use crate::deliver::Lanes;
use crate::dimse::Timers;
use crate::ledger::Ledger;
use crate::observe::{Audit, Metrics};
use crate::pipeline::Site;
use crate::receive::Work;
use crate::spool::Spool;

/// The parts of a running gate.
pub(super) struct State {
    /// The configuration in force.
    pub(super) configuration: Arc<ArcSwap<Configuration>>,
    /// The rules in force.
    pub(super) site: Arc<ArcSwap<Site>>,
    /// The certificates in force.
    pub(super) certificates: Arc<Certificates>,
    /// The objects.
    pub(super) spool: Spool,
    /// Where they are and what becomes of them.
    pub(super) ledger: Ledger,
    /// Who did what.
    pub(super) audit: Audit,
    /// Codecs, for whoever judges or stamps what peers sent.
    pub(super) cage: Arc<Cage>,
    /// Counters.
    pub(super) metrics: Arc<Metrics>,
    /// The lanes to the destinations.
    pub(super) lanes: Arc<Lanes>,
    /// Where objects are sent to be judged again.
    pub(super) judging: mpsc::Sender<Work>,
    /// Deadlines of associations.
    pub(super) timers: Timers,
    /// When the gate was started.
    pub(super) started: Timestamp,
    /// Where the SCP listens.
    pub(super) listen: SocketAddr,
    /// Objects that the spool has lost, counted at start.
    pub(super) lost: u64,
    /// Set while the gate stops.
    pub(super) stopping: AtomicBool,
}
