//! Hands objects on: one lane a destination, so that a dead one neither stops the others nor makes them receive twice.
//!
//! A lane takes what is due from the ledger, urgent objects first and the others as they arrived, and sends one at a time,
//! which keeps the order within a series. What goes out is derived from the bytes in the spool and the recorded plan, so every
//! attempt sends the same. Deliveries are at least once: an attempt without an answer is made again. Whether deliveries are made
//! is watched.
//!
//! It never judges, never removes an object, and never sends bytes whose hash is not the one they arrived with.

mod attempt;
mod body;
mod lane;
mod peer;
mod probe;
mod recording;
mod standing;
#[cfg(test)]
mod tests;
mod vigil;

use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::sync::{Mutex, Notify, mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::dicom::ae_title::{AeTitle, CallAs};
use crate::dimse::{Timers, tls};
use crate::ledger::Ledger;
use crate::observe::{Audit, Metrics};
use crate::policy::contexts::{Answers, Willingness};
use crate::spool::Spool;

use vigil::{Pulse, Watching};

pub use peer::{PeerFault, echo};
pub use probe::{Accepted, accepts};
pub use vigil::{Trouble, Watched};

/// A destination, as configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// What routes, verbs and metrics call it.
    pub name: String,
    /// What it is.
    pub target: Target,
}

/// What a destination is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A DICOM peer that takes C-STORE.
    Peer(Peer),
    /// A folder that takes `<ObjectId>.dcm` files.
    Folder(PathBuf),
}

/// A DICOM peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Its title.
    pub called: AeTitle,
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// As whom it is called for the modality that sent the object.
    pub calling: CallAs,
    /// How TLS is agreed on with it; `None` is without.
    pub tls: Option<tls::Client>,
}

impl Peer {
    /// `AET@host:port`, for people.
    #[must_use]
    pub fn address(&self) -> String {
        format!("{}@{}:{}", self.called, self.host, self.port)
    }
}

/// What is known of each destination's willingness, in the order of the configuration. Lanes and probes learn, negotiation
/// reads.
pub type Known = Arc<ArcSwap<Vec<Willingness>>>;

/// The state in which nothing is known of any peer yet.
#[must_use]
pub fn nothing_known(destinations: &[Destination]) -> Known {
    let known = destinations.iter().map(|destination| match destination.target {
        Target::Folder(_) => Willingness::Everything,
        Target::Peer(_) => Willingness::default(),
    });
    Arc::new(ArcSwap::from_pointee(known.collect()))
}

/// How a destination fared last.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fared {
    /// `None` before the first attempt.
    pub reached: Option<bool>,
    /// Whether it refuses us by name: its configuration or ours is wrong.
    pub misconfigured: bool,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// When it last took an object.
    pub last_delivery: Option<jiff::Timestamp>,
    /// Objects it has taken.
    pub deliveries: u64,
    /// Since when the object has failed that has failed longest and is still tried.
    pub failing: Option<tokio::time::Instant>,
}

/// The time of day. An argument, so that a test can let a day pass.
pub type Clock = Arc<dyn Fn() -> jiff::Timestamp + Send + Sync>;

/// What all lanes share.
#[derive(Clone)]
struct Shared {
    spool: Spool,
    ledger: Ledger,
    metrics: Arc<Metrics>,
    audit: Audit,
    known: Known,
    timers: Timers,
    clock: Clock,
}

/// The running lanes.
pub struct Lanes {
    lanes: Vec<Handle>,
    tasks: Mutex<JoinSet<()>>,
    stop: CancellationToken,
}

struct Handle {
    destination: Destination,
    wake: Arc<Notify>,
    fared: watch::Receiver<Fared>,
    watched: watch::Receiver<Watched>,
    #[cfg(test)]
    pulse: Pulse,
}

/// Everything a set of lanes needs.
pub struct Setup {
    /// In the order of the configuration.
    pub destinations: Vec<Destination>,
    /// Where the bytes are.
    pub spool: Spool,
    /// What is due, and where the answers go.
    pub ledger: Ledger,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Where alarms are written down.
    pub audit: Audit,
    /// What is known of the destinations.
    pub known: Known,
    /// Deadlines of associations.
    pub timers: Timers,
    /// The time of day.
    pub clock: Clock,
    /// Pairs of SOP class and transfer syntax of which nothing is known; asked about in the background.
    pub unknown: mpsc::Receiver<(String, String)>,
}

impl Lanes {
    /// Starts a lane for each destination, and the task that asks peers what they take.
    #[must_use]
    pub fn start(setup: Setup) -> Self {
        let stop = CancellationToken::new();
        let shared = Shared {
            spool: setup.spool,
            ledger: setup.ledger,
            metrics: setup.metrics,
            audit: setup.audit,
            known: setup.known,
            timers: setup.timers,
            clock: setup.clock,
        };
        let mut tasks = JoinSet::new();
        let mut lanes = Vec::with_capacity(setup.destinations.len());
        let mut watching = Vec::with_capacity(setup.destinations.len());
        for (index, destination) in setup.destinations.iter().enumerate() {
            let wake = Arc::new(Notify::new());
            let (fares, fared) = watch::channel(Fared::default());
            let (says, watched) = watch::channel(Watched::default());
            let pulse = Pulse::new();
            #[cfg(test)]
            let heart = pulse.clone();
            watching.push(Watching {
                name: destination.name.clone(),
                pulse: pulse.clone(),
                fared: fared.clone(),
                says,
            });
            let lane = lane::Lane::new(lane::Place {
                index,
                destination: destination.clone(),
                shared: shared.clone(),
                wake: Arc::clone(&wake),
                fares,
                pulse,
                stop: stop.clone(),
            });
            tasks.spawn(lane.run());
            lanes.push(Handle {
                destination: destination.clone(),
                wake,
                fared,
                watched,
                #[cfg(test)]
                pulse: heart,
            });
        }
        tasks.spawn(vigil::run(watching, shared.clone(), stop.clone()));
        tasks.spawn(probe::run(setup.destinations, shared, setup.unknown, stop.clone()));
        Self { lanes, tasks: Mutex::new(tasks), stop }
    }

    /// The destinations and how they fare.
    pub fn destinations(&self) -> impl Iterator<Item = (&Destination, Fared)> {
        self.lanes.iter().map(|lane| (&lane.destination, lane.fared.borrow().clone()))
    }

    /// The destinations and what the watch says of them.
    pub fn watched(&self) -> impl Iterator<Item = (&Destination, Watched)> {
        self.lanes.iter().map(|lane| (&lane.destination, lane.watched.borrow().clone()))
    }

    /// Makes every lane, or the named one, try now, whatever it waits for.
    pub fn wake(&self, name: Option<&str>) {
        for lane in &self.lanes {
            if name.is_none_or(|name| lane.destination.name == name) {
                lane.wake.notify_one();
            }
        }
    }

    /// Tells each lane to finish the object it is sending, to release its association, and to end.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits until every lane has ended, which they do after [`Lanes::stop`].
    pub async fn stopped(&self) {
        let mut tasks = self.tasks.lock().await;
        while let Some(ended) = tasks.join_next().await {
            if let Err(fault) = ended {
                tracing::error!(%fault, "a lane has ended abnormally");
            }
        }
    }
}

/// Remembers the answers of one peer to proposed contexts.
fn learn(known: &Known, destination: usize, answers: &[(String, String, bool)]) {
    known.rcu(|old| {
        let mut all = Vec::clone(old);
        if let Some(Willingness::Answers(of_this)) = all.get_mut(destination) {
            for (class, syntax, accepted) in answers {
                of_this.learn(class, syntax, *accepted);
            }
        }
        all
    });
}

/// Forgets what was refused, so that a peer that has learned something new is asked again.
fn forget_refusals(known: &Known) {
    known.rcu(|old| {
        let mut all = Vec::clone(old);
        for one in &mut all {
            match one {
                Willingness::Everything => {}
                Willingness::Answers(answers) => Answers::forget_refusals(answers),
            }
        }
        all
    });
}
