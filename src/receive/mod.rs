//! Takes objects in: listens, answers association requests, and carries each data set from the socket to the spool.
//!
//! A C-STORE gets 0000 only through a [`Receipt`](crate::spool::Receipt). What an object is worth is judged after that, on a bounded
//! number of threads and in the order of arrival; when judging falls behind, reading slows down.
//!
//! It never delivers, and never decides anything by itself: who may send, what is accepted and what becomes of an object are
//! asked of the site's rules.

mod asking;
mod association;
mod bench;
mod case;
mod corners;
mod drawing;
mod entering;
mod foresight;
mod gather;
mod judge;
mod memory;
mod notified;
mod own;
mod past;
mod relayed;
mod seats;
mod storage;
mod strangers;
mod studies;
mod telling;
#[cfg(test)]
mod tests;
mod verdicts;
mod waiting;
mod written;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::base::limits::Limits;
use crate::dimse::normalized::Called;
use crate::dimse::{Terms, Timers, tls};
use crate::ledger::Ledger;
use crate::observe::{Audit, Metrics};
use crate::pipeline::Site;
use crate::policy::contexts::Willingness;
use crate::spool::Spool;

pub use asking::Asking;
pub use foresight::Foresight;
pub use judge::{Judge, Judging, PATIENCE, Work, judging, resume, unjudged};
pub use memory::Memory;
pub use notified::{Reporter, Reporters};
pub use own::OWN_PEER;
pub use relayed::{Copies, Relaying, copies};
pub use strangers::Strangers;
pub use studies::{Keeping, Late, Studies, StudySettings, fresh_keys, keep};
use waiting::WaitingRoom;

/// What a person may choose of the way objects are taken in and answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Config {
    /// Whether a complete object that cannot be walked is refused (C000) instead of taken.
    pub refuse_unparsable: bool,
    /// Associations at a time.
    pub associations: usize,
    /// Of those, from one address.
    pub associations_of_a_peer: usize,
    /// How long a peer is kept waiting for room where objects wait to be judged, before it is answered A700.
    pub patience: Duration,
    /// How far an object is looked into.
    pub looking: Limits,
    /// Whether storage commitment may be asked for.
    pub commitment: bool,
    /// Deadlines of associations.
    pub timers: Timers,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            refuse_unparsable: false,
            associations: 500,
            associations_of_a_peer: 200,
            patience: Duration::from_secs(10),
            looking: Limits::default(),
            commitment: true,
            timers: Timers::default(),
        }
    }
}

/// Everything that receiving needs.
pub struct Receiver {
    /// Our titles and sizes.
    pub terms: Terms,
    /// Choices, replaced as a whole on reload.
    pub config: Arc<ArcSwap<Config>>,
    /// What buffers and headers are charged to.
    pub memory: Memory,
    /// Where objects go.
    pub spool: Spool,
    /// How the spool is asked whether it takes objects.
    pub asking: Asking,
    /// Where refusals are counted.
    pub ledger: Ledger,
    /// Where strangers are written down.
    pub audit: Audit,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// The rules of the site, replaced as a whole on reload.
    pub site: Arc<ArcSwap<Site>>,
    /// What objects in custody are answered with.
    pub foresight: Foresight,
    /// What is known of the destinations' willingness, in the order of the configuration.
    pub known: Arc<ArcSwap<Vec<Willingness>>>,
    /// Where to ask about what is not known.
    pub unknown: mpsc::Sender<(String, String)>,
    /// Where objects in custody are handed on to.
    pub judging: mpsc::Sender<Work>,
    /// How objects are relayed whose destinations answer for them.
    pub relaying: Relaying,
    /// Associations that are open.
    pub open: Places,
    /// Callers that are turned away.
    pub strangers: Strangers,
    /// Where requests and reports about commitments are handed on to.
    pub commitments: mpsc::Sender<Called>,
    /// Destinations that may call to report.
    pub reporters: Reporters,
}

/// A port on which modalities call.
pub struct Door {
    /// Where they connect.
    pub listener: TcpListener,
    /// How TLS is agreed on with them; `None` is without.
    pub tls: Option<tls::Server>,
}

/// Counts open associations, in all and by address.
#[derive(Debug, Clone, Default)]
pub struct Places(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One open association's place; given back when dropped.
#[derive(Debug)]
struct Seat {
    places: Places,
    peer: IpAddr,
}

impl Places {
    fn take(&self, peer: IpAddr, config: &Config) -> Option<Seat> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_this = open.get(&peer).copied().unwrap_or_default();
        if of_this >= config.associations_of_a_peer
            || open.values().sum::<usize>() >= config.associations
        {
            return None;
        }
        open.insert(peer, of_this + 1);
        Some(Seat { places: self.clone(), peer })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut open = self.places.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.peer) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.peer);
            }
        }
    }
}

/// How often it is looked whether the log has to be told of lines that were left out.
const LEFT_OUT: Duration = Duration::from_secs(10);

/// After a failed accept: what is short (file descriptors, memory) is short for a while.
const BREATH: Duration = Duration::from_millis(100);

impl Receiver {
    /// Listens until told to stop, then lets every association finish the object it has begun.
    pub async fn listen(self: Arc<Self>, door: Door, stop: CancellationToken) {
        let Door { listener, tls } = door;
        let mut connections = JoinSet::new();
        let waiting = WaitingRoom::default();
        let mut left_out = tokio::time::interval(LEFT_OUT);
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                Some(ended) = connections.join_next() => {
                    if let Err(fault) = ended {
                        tracing::error!(%fault, "an association has ended abnormally");
                    }
                    continue;
                }
                _ = left_out.tick() => {
                    self.strangers.tell_left_out(false);
                    continue;
                }
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let (receiver, place) = (Arc::clone(&self), waiting.enter());
                    connections.spawn(association::serve(
                        receiver,
                        stream,
                        tls.clone(),
                        peer,
                        place,
                        stop.clone(),
                    ));
                }
                Err(fault) => {
                    tracing::warn!(%fault, "a connection could not be accepted");
                    tokio::time::sleep(BREATH).await;
                }
            }
        }
        drop(listener);
        while let Some(ended) = connections.join_next().await {
            if let Err(fault) = ended {
                tracing::error!(%fault, "an association has ended abnormally");
            }
        }
        self.strangers.tell_left_out(true);
    }
}
