//! One association with a DICOM peer, kept as long as it is of use.

use super::body::{Form, Outgoing, Sent};
use super::{Known, Peer, learn};
use crate::dicom::ae_title::AeTitle;
use crate::dicom::status::Status;
use crate::dicom::uid::Uid;
use crate::dimse::fault::Fault;
use crate::dimse::message::{Answer, Priority};
use crate::dimse::requestor::{self, Proposed, StoreFault, StoreOrder};
use crate::dimse::{MAX_CONTEXTS, Stream, Timers};
use crate::ledger::Due;
use crate::object::transcode;
use crate::policy::contexts::proposals;
use crate::policy::outcome::Failure;
use crate::spool::{Envelope, Priority as Arrived};

/// Why a peer did not answer.
#[derive(Debug, thiserror::Error)]
pub enum PeerFault {
    /// The association could not be opened, or ended.
    #[error(transparent)]
    Association(#[from] Fault),
    /// The association was there, and the object did not get through it.
    #[error(transparent)]
    Store(#[from] StoreFault),
    /// The peer takes neither the object's syntax nor one that it can be rewritten in.
    #[error(
        "no presentation context: the peer takes no {sop_class} in {transfer_syntax} or in what it can be rewritten in"
    )]
    NoWay {
        /// The object's class.
        sop_class: Uid,
        /// The object's syntax.
        transfer_syntax: Uid,
    },
}

impl PeerFault {
    /// What failed in our own reading of the object, if it was that.
    pub(super) fn of_the_object(&self) -> Option<&std::io::Error> {
        match self {
            Self::Store(StoreFault::Association { fault: Fault::Source(source), .. }) => {
                Some(source)
            }
            Self::Store(_) | Self::Association(_) | Self::NoWay { .. } => None,
        }
    }

    /// Whether the association ended while it had the object in hand.
    pub(super) fn is_in_the_midst(&self) -> bool {
        matches!(self, Self::Store(StoreFault::Association { .. }))
    }

    /// Why no secure connection was agreed on, in a word, if that was it.
    pub(super) fn distrust(&self) -> Option<&'static str> {
        match self {
            Self::Association(Fault::Tls(fault)) => Some(fault.word()),
            Self::Association(_) | Self::Store(_) | Self::NoWay { .. } => None,
        }
    }

    /// What policy has to know of it.
    pub(super) fn failure(&self) -> Failure {
        match self {
            Self::Association(fault) | Self::Store(StoreFault::Association { fault, .. }) => {
                failure(fault)
            }
            Self::Store(StoreFault::NoContext { .. }) | Self::NoWay { .. } => Failure::NoContext,
        }
    }
}

fn failure(fault: &Fault) -> Failure {
    match fault {
        Fault::Connect(_) => Failure::Unreachable,
        Fault::Refused(rejection) => Failure::Rejected {
            result: rejection.result,
            source: rejection.source,
            reason: rejection.reason,
        },
        Fault::Timeout(_) => Failure::TimedOut,
        Fault::Aborted(_) => Failure::Aborted,
        Fault::Protocol(_) | Fault::NotDicom(_) => Failure::WrongAnswer,
        Fault::Tls(_) => Failure::Tls,
        Fault::TooManyContexts(_)
        | Fault::Released
        | Fault::Closed
        | Fault::Io(_)
        | Fault::Source(_)
        | Fault::Broken => Failure::ConnectionLost,
    }
}

/// The title that a peer is called under when it is to see the modality's and there is none: C-ECHO and probes.
pub(super) fn own_title(peer: &Peer) -> AeTitle {
    peer.calling.otherwise.clone().unwrap_or_else(|| {
        AeTitle::parse("MARKGATE").expect("a constant of eight letters is an AE title")
    })
}

fn address(peer: &Peer, calling: &AeTitle) -> requestor::Peer {
    requestor::Peer {
        host: peer.host.clone(),
        port: peer.port,
        called: peer.called.clone(),
        calling: calling.clone(),
        tls: peer.tls.clone(),
    }
}

/// The peer's address for dimse, under the title that probes use.
pub(super) fn own_address(peer: &Peer) -> requestor::Peer {
    address(peer, &own_title(peer))
}

/// Sends a C-ECHO over an association of its own.
///
/// # Errors
/// When there is no association, or no answer.
pub async fn echo(peer: &Peer, timers: &Timers) -> Result<Status, PeerFault> {
    let proposed = Proposed {
        sop_class: Uid::new(crate::dicom::sop_class::VERIFICATION),
        transfer_syntax: Uid::new(dicom_dictionary_std::uids::IMPLICIT_VR_LITTLE_ENDIAN),
    };
    let mut outgoing = requestor::connect(&own_address(peer), &[proposed], timers).await?;
    let answer = outgoing.echo().await?;
    // The answer counts, whatever becomes of the release.
    if let Err(fault) = outgoing.release().await {
        tracing::debug!(%fault, "the release after a C-ECHO failed");
    }
    Ok(answer.status)
}

/// A lane's association.
pub(super) struct Line {
    peer: Peer,
    destination: usize,
    known: Known,
    timers: Timers,
    open: Option<Open>,
    /// What has been proposed before, most recent last: proposed again, so that a lane settles on one association.
    wanted: Vec<Proposed>,
    /// What the first bytes of an object are read into.
    buffer: Vec<u8>,
}

struct Open {
    outgoing: requestor::Outgoing<Stream>,
    calling: AeTitle,
    proposed: Vec<Proposed>,
}

impl Line {
    pub(super) fn new(peer: Peer, destination: usize, known: Known, timers: Timers) -> Self {
        Self {
            peer,
            destination,
            known,
            timers,
            open: None,
            wanted: Vec::new(),
            buffer: Vec::new(),
        }
    }

    /// Sees to it that there is an association on which `due` was proposed, and tells in which form it can go.
    pub(super) async fn prepare(
        &mut self,
        due: &Due,
        envelope: &Envelope,
    ) -> Result<Form, PeerFault> {
        let calling = self.peer.calling.title_for(&envelope.calling_ae);
        self.want(due);
        if self.fits(due, &calling) {
            self.check().await;
        } else {
            self.close().await;
        }
        if self.open.is_none() {
            self.open(calling).await?;
        }
        self.form(due)
    }

    /// The form in which `due` can go without further ado; `None` when it takes [`Line::prepare`] to tell.
    pub(super) async fn ready(&mut self, due: &Due) -> Option<Form> {
        let calling = self.peer.calling.title_for(&AeTitle::parse(&due.calling).ok()?);
        if !self.fits(due, &calling) {
            return None;
        }
        self.check().await;
        self.form(due).ok()
    }

    /// Whether there is an association under this title on which all was proposed that `due` could go in.
    fn fits(&self, due: &Due, calling: &AeTitle) -> bool {
        let Some(open) = &self.open else { return false };
        let is_proposed = |syntax: &str| {
            open.proposed.iter().any(|proposed| {
                proposed.sop_class == due.sop_class && proposed.transfer_syntax.as_str() == syntax
            })
        };
        open.calling == *calling
            && proposals(due.transfer_syntax.as_str()).into_iter().all(is_proposed)
    }

    /// What has ended while it was idle is opened again rather than counted as a failure.
    async fn check(&mut self) {
        if let Some(open) = &mut self.open
            && let Err(fault) = open.outgoing.check().await
        {
            tracing::debug!(%fault, "an idle association has ended");
            self.open = None;
        }
    }

    /// The first of an object's proposals that the peer has taken on this association. What others have learned of it meanwhile
    /// does not count: this association is the one that is used.
    fn form(&self, due: &Due) -> Result<Form, PeerFault> {
        let takes = |syntax: &Uid| {
            let open = self.open.as_ref();
            open.is_some_and(|open| open.outgoing.context(&due.sop_class, syntax).is_some())
        };
        if takes(&due.transfer_syntax) {
            return Ok(Form::AsItCame);
        }
        for syntax in proposals(due.transfer_syntax.as_str()) {
            for target in [transcode::Target::ExplicitLittle, transcode::Target::ImplicitLittle] {
                if syntax == target.uid() && takes(&Uid::new(syntax)) {
                    return Ok(Form::Rewritten(target));
                }
            }
        }
        Err(PeerFault::NoWay {
            sop_class: due.sop_class.clone(),
            transfer_syntax: due.transfer_syntax.clone(),
        })
    }

    /// Notes what an object needs; the least recent goes when there are more than one association can propose.
    fn want(&mut self, due: &Due) {
        for syntax in proposals(due.transfer_syntax.as_str()) {
            let proposed =
                Proposed { sop_class: due.sop_class.clone(), transfer_syntax: Uid::new(syntax) };
            if self.wanted.contains(&proposed) {
                continue;
            }
            if self.wanted.len() == MAX_CONTEXTS {
                self.wanted.remove(0);
            }
            self.wanted.push(proposed);
        }
    }

    async fn open(&mut self, calling: AeTitle) -> Result<(), PeerFault> {
        let proposed = self.wanted.clone();
        let peer = address(&self.peer, &calling);
        let outgoing = requestor::connect(&peer, &proposed, &self.timers).await?;
        let answers: Vec<(String, String, bool)> = proposed
            .iter()
            .map(|one| {
                let taken = outgoing.context(&one.sop_class, &one.transfer_syntax).is_some();
                (one.sop_class.to_string(), one.transfer_syntax.to_string(), taken)
            })
            .collect();
        learn(&self.known, self.destination, &answers);
        self.open = Some(Open { outgoing, calling, proposed });
        Ok(())
    }

    /// Sends one object on the association that [`Line::prepare`] left, under the SOP Instance UID that it has once changed.
    pub(super) async fn store(
        &mut self,
        due: &Due,
        sop_instance: Uid,
        envelope: &Envelope,
        form: Form,
        mut body: Outgoing,
        sent: &Sent,
    ) -> Result<(Answer, blake3::Hash), PeerFault> {
        let Some(open) = &mut self.open else {
            return Err(Fault::Broken.into());
        };
        let transfer_syntax = match form {
            Form::AsItCame => due.transfer_syntax.clone(),
            Form::Rewritten(target) => Uid::new(target.uid()),
        };
        let order = StoreOrder {
            sop_class: due.sop_class.clone(),
            transfer_syntax,
            sop_instance,
            priority: match envelope.priority {
                Arrived::Low => Priority::Low,
                Arrived::Medium => Priority::Medium,
                Arrived::High => Priority::High,
            },
            move_originator: None,
        };
        let answered = open.outgoing.store(&order, &mut body).await;
        self.buffer = body.into_buffer();
        match (answered, sent.hash()) {
            (Ok(answer), Some(hash)) => Ok((answer, hash)),
            // An answer to an object that was not read to its end is an answer to something else.
            (Ok(_), None) => {
                self.open = None;
                let sent = requestor::Sent::Incomplete;
                Err(StoreFault::Association { fault: Fault::Broken, sent }.into())
            }
            (Err(fault), _) => {
                if matches!(fault, StoreFault::Association { .. }) {
                    self.open = None;
                }
                Err(fault.into())
            }
        }
    }

    /// The buffer of the object before, if there was one.
    pub(super) fn buffer(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.buffer)
    }

    /// Whether each object goes under the title of its modality.
    pub(super) fn keeps_titles(&self) -> bool {
        self.peer.calling.varies()
    }

    /// Drops the association as it is: what was under way on it is not known.
    pub(super) fn abandon(&mut self) {
        self.open = None;
    }

    /// Whether there is an association to be released.
    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Releases the association, if there is one.
    pub(super) async fn close(&mut self) {
        self.buffer = Vec::new();
        if let Some(open) = self.open.take()
            && let Err(fault) = open.outgoing.release().await
        {
            tracing::debug!(%fault, "a release failed; nothing that was answered is in doubt");
        }
    }
}
