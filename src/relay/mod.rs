//! Associations with destinations that are opened in the name of modalities, so that what a modality hears is what the destination
//! says: which contexts are accepted, and what becomes of an object.
//!
//! An association that its modality has released is kept for a moment: the next that asks for the same takes it over, and most
//! modalities ask for the same again and again. A destination that could not be reached is left alone for a moment, so that not
//! every modality waits for its silence.
//!
//! It never judges, never reads or writes an object, and never answers in a destination's stead.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::dicom::ae_title::{AeTitle, CallAs};
use crate::dimse::fault::{Fault, Rejection};
use crate::dimse::mirror::{self, Wish};
use crate::dimse::requestor::{Outgoing, Peer};
use crate::dimse::tls::Client;
use crate::dimse::{Stream, Timers};

/// How long an association waits for the next modality that can use it.
const KEPT: Duration = Duration::from_secs(5);

/// How long a destination that could not be reached is left alone.
const LEFT_ALONE: Duration = Duration::from_secs(5);

/// Associations that wait at a time; beyond, the one that has waited longest is released.
const MOST_KEPT: usize = 64;

/// A modality waits for its destination's answer through the gate. What the gate allows the destination is in all less than
/// modalities allow their peer, 30 s and more, so that it can still answer in time by itself.
const LONGEST: Timers = Timers {
    artim: Duration::from_secs(1),
    idle: Duration::from_secs(60),
    stall: Duration::from_secs(8),
    grace: Duration::from_secs(8),
    minimum_rate: 8 << 10,
    connect: Duration::from_secs(2),
    association: Duration::from_secs(4),
    response: Duration::from_secs(12),
    release: Duration::from_secs(3),
};

/// The timers of a relayed association: those of the site where they are shorter.
fn patience(site: &Timers) -> Timers {
    Timers {
        artim: site.artim.min(LONGEST.artim),
        idle: site.idle.min(LONGEST.idle),
        stall: site.stall.min(LONGEST.stall),
        grace: site.grace.min(LONGEST.grace),
        minimum_rate: site.minimum_rate.max(LONGEST.minimum_rate),
        connect: site.connect.min(LONGEST.connect),
        association: site.association.min(LONGEST.association),
        response: site.response.min(LONGEST.response),
        release: site.release.min(LONGEST.release),
    }
}

/// A destination that objects can be relayed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remote {
    /// Its title.
    pub called: AeTitle,
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// As whom it is called for a modality.
    pub calling: CallAs,
    /// How TLS is agreed on with it; `None` is without.
    pub tls: Option<Client>,
}

/// Why there is no association with a destination.
#[derive(Debug, thiserror::Error)]
pub enum OpenFault {
    /// It rejects the association.
    #[error("rejected: {0}")]
    Rejected(Rejection),
    /// It could not be asked.
    #[error(transparent)]
    Failed(Fault),
    /// It could not be reached a moment ago.
    #[error("not reached a moment ago, and left alone until it may be back")]
    LeftAlone,
    /// It is a folder, or there is none of this number.
    #[error("no DICOM peer")]
    NoPeer,
}

/// The associations of a gate with its destinations that are opened for modalities. Clones are the same.
#[derive(Clone)]
pub struct Relays(Arc<Inner>);

struct Inner {
    /// In the order of the configuration; `None` of a folder.
    remotes: Vec<Option<Remote>>,
    timers: Timers,
    kept: Mutex<Kept>,
    /// Until when destinations are left alone under a title.
    absent: Mutex<HashMap<(usize, AeTitle), Instant>>,
}

#[derive(Default)]
struct Kept {
    waiting: Vec<(u64, Open)>,
    /// The number of the one that was kept last.
    number: u64,
}

/// An association, and what it is good for.
struct Open {
    way: Way,
    outgoing: Outgoing<Stream>,
}

/// From whom an association leads where, and with what.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Way {
    destination: usize,
    calling: AeTitle,
    wish: Wish,
}

impl Way {
    /// Whom it leads to, and as whom.
    fn place(&self) -> (usize, AeTitle) {
        (self.destination, self.calling.clone())
    }
}

impl Relays {
    /// For these destinations, in the order of the configuration, where a folder is `None`.
    #[must_use]
    pub fn new(remotes: Vec<Option<Remote>>, site: &Timers) -> Self {
        Self(Arc::new(Inner {
            remotes,
            timers: patience(site),
            kept: Mutex::default(),
            absent: Mutex::default(),
        }))
    }

    /// The way to a destination in the name of `modality`: over an association that waits, or over one that
    /// [`Upstream::ready`] opens. `None` where the destination is no DICOM peer.
    #[must_use]
    pub fn upstream(&self, destination: usize, modality: &AeTitle, wish: Wish) -> Option<Upstream> {
        let remote = self.remote(destination)?;
        let calling = remote.calling.title_for(modality);
        let way = Way { destination, calling, wish };
        let outgoing = self.take(&way);
        Some(Upstream { relays: self.clone(), way, outgoing })
    }

    fn remote(&self, destination: usize) -> Option<&Remote> {
        self.0.remotes.get(destination)?.as_ref()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn absent(&self) -> MutexGuard<'_, HashMap<(usize, AeTitle), Instant>> {
        self.0.absent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, way: &Way) -> Option<Outgoing<Stream>> {
        let mut kept = self.kept();
        let place = kept.waiting.iter().rposition(|(_, open)| open.way == *way)?;
        Some(kept.waiting.remove(place).1.outgoing)
    }

    /// Keeps an association for the next that can use it, for as long as that is likely.
    fn keep(&self, open: Open) {
        let (number, beyond) = {
            let mut kept = self.kept();
            kept.number += 1;
            let number = kept.number;
            kept.waiting.push((number, open));
            let is_full = kept.waiting.len() > MOST_KEPT;
            (number, is_full.then(|| kept.waiting.remove(0).1))
        };
        let relays = self.clone();
        tokio::spawn(async move {
            if let Some(beyond) = beyond {
                release(beyond).await;
            }
            sleep(KEPT).await;
            let over = {
                let mut kept = relays.kept();
                let place = kept.waiting.iter().position(|(kept, _)| *kept == number);
                place.map(|place| kept.waiting.remove(place).1)
            };
            if let Some(over) = over {
                release(over).await;
            }
        });
    }

    /// Releases what waits, all at once. For the end of a gate.
    pub async fn close(&self) {
        let waiting = std::mem::take(&mut self.kept().waiting);
        let releases: JoinSet<()> = waiting.into_iter().map(|(_, open)| release(open)).collect();
        releases.join_all().await;
    }

    async fn connect(&self, way: &Way) -> Result<Outgoing<Stream>, OpenFault> {
        let remote = self.remote(way.destination).ok_or(OpenFault::NoPeer)?;
        let is_absent = |until: &Instant| Instant::now() < *until;
        if self.absent().get(&way.place()).is_some_and(is_absent) {
            return Err(OpenFault::LeftAlone);
        }
        let peer = Peer {
            host: remote.host.clone(),
            port: remote.port,
            called: remote.called.clone(),
            calling: way.calling.clone(),
            tls: remote.tls.clone(),
        };
        match mirror::open(&peer, &way.wish, &self.0.timers).await {
            Ok(outgoing) => {
                self.absent().remove(&way.place());
                Ok(outgoing)
            }
            // It is there, and rejects whom it likes.
            Err(Fault::Refused(rejection)) => Err(OpenFault::Rejected(rejection)),
            Err(fault) => {
                self.absent().insert(way.place(), Instant::now() + LEFT_ALONE);
                Err(OpenFault::Failed(fault))
            }
        }
    }
}

async fn release(open: Open) {
    if let Err(fault) = open.outgoing.release().await {
        tracing::debug!(%fault, "a relayed association was not released; nothing that was answered is in doubt");
    }
}

/// A modality's association with its destination. Dropped, it is broken off.
pub struct Upstream {
    relays: Relays,
    way: Way,
    outgoing: Option<Outgoing<Stream>>,
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream")
            .field("way", &self.way)
            .field("is_open", &self.outgoing.is_some())
            .finish()
    }
}

impl Upstream {
    /// The association, ready for the next message: opened again where it has ended meanwhile.
    ///
    /// # Errors
    /// See [`OpenFault`].
    pub async fn ready(&mut self) -> Result<&mut Outgoing<Stream>, OpenFault> {
        if let Some(open) = &mut self.outgoing
            && let Err(fault) = open.check().await
        {
            tracing::debug!(%fault, "an idle association has ended");
            self.outgoing = None;
        }
        let open = match self.outgoing.take() {
            Some(open) => open,
            None => self.relays.connect(&self.way).await?,
        };
        Ok(self.outgoing.insert(open))
    }

    /// The association as it stands.
    #[must_use]
    pub fn outgoing(&self) -> Option<&Outgoing<Stream>> {
        self.outgoing.as_ref()
    }

    /// The same, to be used.
    pub fn outgoing_mut(&mut self) -> Option<&mut Outgoing<Stream>> {
        self.outgoing.as_mut()
    }

    /// The association has ended, or cannot be followed any more: the next message opens another.
    pub fn abandon(&mut self) {
        self.outgoing = None;
    }

    /// The destination does not answer: it is left alone for a moment.
    pub fn leave_alone(&mut self) {
        self.abandon();
        self.relays.absent().insert(self.way.place(), Instant::now() + LEFT_ALONE);
    }

    /// The modality has released its association: this one waits for the next that can use it.
    pub fn give_back(mut self) {
        if let Some(outgoing) = self.outgoing.take() {
            self.relays.keep(Open { way: self.way.clone(), outgoing });
        }
    }

    /// The modality has broken off: so is this.
    pub async fn abort(mut self) {
        if let Some(outgoing) = self.outgoing.take() {
            outgoing.abort().await;
        }
    }
}
