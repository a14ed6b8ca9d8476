//! One connection, from its request to its end.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::asking::NotNow;
use super::relayed::{self, Onward};
use super::waiting::Place;
use super::{Receiver, notified, storage, strangers};
use crate::dicom::ae_title::AeTitle;
use crate::dicom::sop_class;
use crate::dicom::status::Status;
use crate::dimse::acceptor::{Association, Message, Requested};
use crate::dimse::fault::{Abort, Fault};
use crate::dimse::message::{Answer, Request};
use crate::dimse::negotiate::{ContextAnswer, Negotiated, Refusal, negotiate};
use crate::dimse::normalized::{Normalized, Reporting};
use crate::dimse::pdu::UserIdentity;
use crate::dimse::{Stream, tls};
use crate::observe::Metrics;
use crate::observe::audit::Entry;
use crate::observe::metrics::{Code, Outcome};
use crate::pipeline::{self, Site};
use crate::policy::admission::{self, Admitted, Caller, Identity, Proof, admit};
use crate::policy::contexts::{Way, Willingness, accept, way};
use crate::spool::StoreFault;

/// After so long without a request an association gives its buffers back.
const REST: Duration = Duration::from_secs(1);

/// Transfer syntaxes of the services that are no storage. C-ECHO has no data set, so any would do.
const FOR_SERVICES: [&str; 2] = [
    dicom_dictionary_std::uids::IMPLICIT_VR_LITTLE_ENDIAN,
    dicom_dictionary_std::uids::EXPLICIT_VR_LITTLE_ENDIAN,
];

/// Serves one connection to its end.
pub(super) async fn serve(
    receiver: Arc<Receiver>,
    stream: TcpStream,
    tls: Option<tls::Server>,
    peer: SocketAddr,
    place: Place,
    stop: CancellationToken,
) {
    let requested = tokio::select! {
        requested = request(&receiver, stream, tls) => requested,
        () = place.lost() => return make_way(&receiver, peer),
    };
    let (requested, names) = match requested {
        Ok(requested) => requested,
        Err(fault) => {
            note_silence(&receiver, peer, &fault);
            return;
        }
    };
    let calling = &requested.rq().calling_ae_title;
    let reported_to = receiver.reporters.titles(calling, peer.ip()).await;
    // Held until the association has ended.
    let seat = receiver.open.take(peer.ip(), &receiver.config.load());
    let memory = receiver.memory.at_rest();
    let answered = match (&seat, &memory) {
        (Some(_), Some(_)) => match admission(&receiver).await {
            Ok(()) => answer(&receiver, &requested, peer, &names, &reported_to, None),
            Err(turned) => Err(turned),
        },
        (None, _) | (_, None) => Err(Turned::away(Refusal::LocalLimit)),
    };
    let Answered { mut negotiated, admitted, is_source } = match answered {
        Ok(answered) => answered,
        Err(turned) => {
            drop((seat, memory));
            tokio::select! {
                () = turn_away(&receiver, requested, peer, &turned, &stop) => {}
                () = place.lost() => tracing::debug!(%peer, "did not close after its rejection"),
            }
            return;
        }
    };
    drop(place);
    let sender = pipeline::Association {
        calling: negotiated.calling().clone(),
        called: negotiated.called().clone(),
        peer: peer.ip().to_canonical(),
    };
    let mut onward = match is_source {
        true => Onward::open(&receiver, &requested, &negotiated, (&sender, &admitted)).await,
        false => None,
    };
    if let Some(onward) = &mut onward
        && let Ok(mut answered) =
            answer(&receiver, &requested, peer, &names, &reported_to, Some(onward))
    {
        onward.grant(&mut answered.negotiated);
        negotiated = answered.negotiated;
    }
    if admitted.identified && requested.identity().is_some_and(|identity| identity.wants_answer) {
        negotiated.confirm_identity();
    }
    let association = match requested.accept(negotiated).await {
        Ok(association) => association,
        Err(fault) => {
            count(&receiver, "unanswered");
            tracing::info!(%peer, %fault, "the peer left before it had its answer");
            if let Some(onward) = onward {
                onward.broken_off().await;
            }
            return;
        }
    };
    count(&receiver, "accepted");
    let _open = Open::new(&receiver.metrics);
    tracing::debug!(%peer, calling = %sender.calling, called = %sender.called, "association");
    let conversation = Conversation { receiver: &receiver, sender, admitted };
    let ended = conversation.hold(association, stop, &mut onward).await;
    if let Err(fault) = &ended {
        tracing::warn!(%peer, calling = %conversation.sender.calling, %fault, "association ended");
    }
    match (onward, ended) {
        (Some(onward), Ok(())) => onward.released(),
        (Some(onward), Err(_)) => onward.broken_off().await,
        (None, _) => {}
    }
}

/// Ends a connection that waits for too long while others come.
fn make_way(receiver: &Receiver, peer: SocketAddr) {
    count(receiver, "unanswered");
    tracing::warn!(%peer, "too many connections without an association: this one is closed");
}

/// Counts an association as open; until it is dropped, and so whatever way the association ends.
pub(super) struct Open<'m>(&'m Metrics);

impl<'m> Open<'m> {
    pub(super) fn new(metrics: &'m Metrics) -> Self {
        metrics.associations_open.inc();
        Self(metrics)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.associations_open.dec();
    }
}

/// Waits for the request on a new connection, TLS included, and for the names of the certificate that came before it.
async fn request(
    receiver: &Receiver,
    stream: TcpStream,
    tls: Option<tls::Server>,
) -> Result<(Requested<Stream>, Vec<String>), Fault> {
    let timers = receiver.config.load().timers;
    let by = Instant::now() + timers.artim;
    let stream = match tls {
        Some(tls) => tls.accept(stream, by).await?,
        None => Stream::Plain(stream),
    };
    let names = stream.certificate().map(|certificate| certificate.names).unwrap_or_default();
    let requested = Requested::receive_by(stream, timers, by).await?;
    Ok((requested, names))
}

/// Counts and tells of a connection on which no association was asked for.
fn note_silence(receiver: &Receiver, peer: SocketAddr, fault: &Fault) {
    count(receiver, "unanswered");
    let tell = receiver.strangers.may_tell(peer.ip());
    if let Fault::Tls(cause) = fault {
        let outcome = cause.word();
        receiver.metrics.tls_failures.get_or_create(&Outcome { outcome }).inc();
        receiver
            .audit
            .record(Entry::TlsFailed { peer: peer.ip().to_canonical(), why: outcome.to_owned() });
        if tell {
            tracing::warn!(%peer, cause = outcome, %fault, "no secure connection");
        }
    } else if tell {
        tracing::info!(%peer, %fault, "no association was asked for");
    }
}

/// Why an association is not accepted: what the peer is told of it, and more for the log.
struct Turned {
    refusal: Refusal,
    because: Option<admission::Refusal>,
}

impl Turned {
    fn away(refusal: Refusal) -> Self {
        Self { refusal, because: None }
    }

    /// Whether the peer is none of those that may call, and its answer one that it might learn from.
    fn is_stranger(&self) -> bool {
        match self.refusal {
            Refusal::Called(_)
            | Refusal::Calling(_)
            | Refusal::BadCalling { .. }
            | Refusal::Identity(_) => true,
            Refusal::ProtocolVersion(_)
            | Refusal::ApplicationContext(_)
            | Refusal::NoContext
            | Refusal::TooManyContexts(_)
            | Refusal::EvenContext(_)
            | Refusal::DuplicateContext(_)
            | Refusal::MaxPduTooSmall(_)
            | Refusal::Congestion
            | Refusal::LocalLimit => false,
        }
    }
}

/// Rejects a request; a stranger hears of it late.
async fn turn_away(
    receiver: &Receiver,
    requested: Requested<Stream>,
    peer: SocketAddr,
    turned: &Turned,
    stop: &CancellationToken,
) {
    let rejection = turned.refusal.rejection();
    count(receiver, "rejected");
    if receiver.strangers.may_tell(peer.ip()) {
        let because = turned.because.map(|because| because.to_string());
        tracing::warn!(
            %peer,
            calling = requested.rq().calling_ae_title.escape_default().to_string(),
            called = requested.rq().called_ae_title.escape_default().to_string(),
            %rejection,
            refusal = %turned.refusal,
            because,
            "association rejected"
        );
    }
    receiver.audit.record(Entry::Rejected {
        peer: peer.ip().to_canonical(),
        calling: requested.rq().calling_ae_title.clone(),
        called: requested.rq().called_ae_title.clone(),
        why: match turned.because {
            Some(because) => format!("{rejection}: {because}"),
            None => rejection.to_string(),
        },
    });
    let rejected = if turned.is_stranger() {
        let Some(_place) = receiver.strangers.pause(stop).await else { return };
        timeout(strangers::FAREWELL, requested.reject(rejection)).await.unwrap_or(Ok(()))
    } else {
        requested.reject(rejection).await
    };
    if let Err(fault) = rejected {
        tracing::debug!(%peer, %fault, "the rejection could not be sent");
    }
}

fn count(receiver: &Receiver, outcome: &'static str) {
    receiver.metrics.associations.get_or_create(&Outcome { outcome }).inc();
}

/// Whether objects are taken at all.
async fn admission(receiver: &Receiver) -> Result<(), Turned> {
    match receiver.asking.admission(&receiver.spool).await {
        // A full spool still answers C-ECHO, and A700 to each object: that is what modalities understand.
        Ok(()) | Err(NotNow::Spool(StoreFault::Full { .. })) => Ok(()),
        Err(fault) => {
            tracing::error!(%fault, "the spool cannot take objects: associations are rejected");
            Err(Turned::away(Refusal::Congestion))
        }
    }
}

/// What an association is accepted with.
struct Answered {
    negotiated: Negotiated,
    admitted: Admitted,
    /// Whether the caller may send objects; otherwise it reports on commitments, and may do nothing else.
    is_source: bool,
}

/// Decides on a request, and has what is not known of the destinations asked about. A destination that reports on commitments is
/// let in for that alone if it is no source, and may call the gate by the titles under which it was asked. What there is a way
/// `onward` for, is answered as the destination has.
fn answer(
    receiver: &Receiver,
    requested: &Requested<Stream>,
    peer: SocketAddr,
    names: &[String],
    reported_to: &[AeTitle],
    onward: Option<&Onward>,
) -> Result<Answered, Turned> {
    let (offer, reports) = (receiver.config.load().commitment, !reported_to.is_empty());
    let mut terms = receiver.terms.clone();
    terms.called.extend_from_slice(reported_to);
    let (site, is_source) = (receiver.site.load(), Cell::new(true));
    let known = receiver.known.load();
    let possible: RefCell<Vec<Willingness>> = RefCell::default();
    let unknown: RefCell<Vec<(String, String)>> = RefCell::default();
    let because = Cell::new(None);
    let admitted = negotiate(
        requested.rq(),
        &terms,
        &|calling, called| {
            let proof =
                Proof::Shown { certificate: names, identity: identity(requested.identity()) };
            let caller = Caller { calling, peer: peer.ip(), proof };
            let admitted = match admit(&site.sources, &caller) {
                Err(_) if reports => {
                    is_source.set(false);
                    return Ok(Admitted::default());
                }
                admitted => admitted,
            };
            let admitted = admitted.map_err(|refusal| {
                because.set(Some(refusal));
                match refusal {
                    admission::Refusal::NoIdentity | admission::Refusal::WrongIdentity => {
                        Refusal::Identity(calling.clone())
                    }
                    admission::Refusal::UnknownTitle
                    | admission::Refusal::OtherAddress
                    | admission::Refusal::OtherCertificate
                    | admission::Refusal::NotLocal => Refusal::Calling(calling.clone()),
                }
            })?;
            let sender = pipeline::Association {
                calling: calling.clone(),
                called: called.clone(),
                peer: peer.ip().to_canonical(),
            };
            possible.replace(reachable(&site, &known, &sender));
            Ok(admitted)
        },
        &|id, abstract_syntax, proposed| {
            if let Some(answer) = onward.and_then(|onward| onward.answer(id, abstract_syntax)) {
                return answer;
            }
            let services = Services { storage: is_source.get(), commitment: offer || reports };
            let answer = context(abstract_syntax, proposed, services, &possible.borrow());
            if let ContextAnswer::Accept(syntax) = &answer {
                let is_unknown =
                    |one: &Willingness| way(abstract_syntax, syntax, one) == Way::Unknown;
                if !sop_class::is_other_service(abstract_syntax)
                    && possible.borrow().iter().any(is_unknown)
                {
                    unknown.borrow_mut().push((abstract_syntax.to_owned(), syntax.clone()));
                }
            }
            answer
        },
    )
    .map_err(|refusal| Turned { refusal, because: because.get() })?;
    for pair in unknown.into_inner() {
        if receiver.unknown.try_send(pair).is_err() {
            // Asked at the next association: until then everything is accepted.
            break;
        }
    }
    let (negotiated, admitted) = admitted;
    Ok(Answered { negotiated, admitted, is_source: is_source.get() })
}

/// The user identity that a request gives, as admission looks at it.
fn identity(given: Option<&UserIdentity>) -> Identity<'_> {
    match given {
        None => Identity::Absent,
        Some(UserIdentity { kind: 1, primary, .. }) => {
            Identity::User { name: primary, passcode: None }
        }
        Some(UserIdentity { kind: 2, primary, secondary, .. }) => {
            Identity::User { name: primary, passcode: Some(secondary) }
        }
        Some(_) => Identity::Other,
    }
}

/// The willingness of the destinations that an object of this association may go to.
fn reachable(
    site: &Site,
    known: &[Willingness],
    sender: &pipeline::Association,
) -> Vec<Willingness> {
    let possible = site.routes.possible(sender);
    possible.into_iter().filter_map(|index| known.get(index).cloned()).collect()
}

/// What a caller may have beside C-ECHO.
#[derive(Debug, Clone, Copy)]
struct Services {
    storage: bool,
    commitment: bool,
}

fn context(
    abstract_syntax: &str,
    proposed: &[String],
    services: Services,
    destinations: &[Willingness],
) -> ContextAnswer {
    let proposed: Vec<&str> = proposed.iter().map(String::as_str).collect();
    let is_commitment = abstract_syntax == sop_class::STORAGE_COMMITMENT && services.commitment;
    if abstract_syntax == sop_class::VERIFICATION || is_commitment {
        return match proposed.iter().find(|syntax| FOR_SERVICES.contains(syntax)) {
            Some(syntax) => ContextAnswer::Accept((*syntax).to_owned()),
            None => ContextAnswer::TransferSyntaxesNotSupported,
        };
    }
    if sop_class::is_other_service(abstract_syntax) || !services.storage {
        return ContextAnswer::AbstractSyntaxNotSupported;
    }
    match accept(abstract_syntax, &proposed, destinations) {
        Some(syntax) => ContextAnswer::Accept(syntax.to_owned()),
        None => ContextAnswer::TransferSyntaxesNotSupported,
    }
}

/// An association and what is known of its other end.
pub(super) struct Conversation<'r> {
    pub(super) receiver: &'r Arc<Receiver>,
    pub(super) sender: pipeline::Association,
    pub(super) admitted: Admitted,
}

impl Conversation<'_> {
    async fn hold(
        &self,
        association: Association<Stream>,
        stop: CancellationToken,
        onward: &mut Option<Onward>,
    ) -> Result<(), Fault> {
        let mut buffers = storage::Buffers::default();
        let ended = self.converse(association, stop, &mut buffers, onward).await;
        if let Some(work) = buffers.unjudged.take()
            && self.receiver.judging.send(work).await.is_err()
        {
            tracing::warn!("an object will be judged at the next start");
        }
        ended
    }

    async fn converse(
        &self,
        mut association: Association<Stream>,
        stop: CancellationToken,
        buffers: &mut storage::Buffers,
        onward: &mut Option<Onward>,
    ) -> Result<(), Fault> {
        // A report is sent between two messages, one at a time.
        let (back, mut reports) = mpsc::channel::<Reporting>(1);
        loop {
            let may_report = !association.is_reporting();
            let mut due = None;
            let heard = {
                // Never given up half-way for a place among the judged: it may be answering a release.
                let mut next = std::pin::pin!(association.next());
                loop {
                    tokio::select! {
                        biased;
                        () = stop.cancelled() => break None,
                        room = self.receiver.judging.reserve(), if buffers.unjudged.is_some() => {
                            if let (Ok(room), Some(work)) = (room, buffers.unjudged.take()) {
                                room.send(work);
                            }
                        }
                        message = &mut next => break Some(message),
                        Some(report) = reports.recv(), if may_report => {
                            due = Some(report);
                            break None;
                        }
                        () = tokio::time::sleep(REST), if buffers.are_held() => buffers.give_back(),
                    }
                }
            };
            if let Some(report) = due {
                if !report.done.is_closed() {
                    association.report(report).await?;
                }
                continue;
            }
            let Some(message) = heard else { return association.release().await };
            let Some(message) = message? else { return Ok(()) };
            let answer = match &message.request {
                Request::Echo(_) => match onward {
                    Some(onward) => onward.echo().await,
                    None => Answer::from(Status::SUCCESS),
                },
                Request::Store(_) | Request::Action(_) if !message.context.requestor_is_scu => {
                    Answer::with_comment(Status::NOT_AUTHORIZED, "SCU role not negotiated")
                }
                Request::Store(request) => {
                    let asked = (&message, request);
                    let stored = match onward {
                        Some(onward) => {
                            relayed::store(self, &mut association, asked, buffers, onward).await
                        }
                        None => storage::store(self, &mut association, asked, buffers, None).await,
                    };
                    match stored? {
                        storage::Done::Answered => continue,
                        storage::Done::Refused(answer) => {
                            let comment = answer.error_comment.as_deref().unwrap_or_default();
                            self.note_refusal(&message, answer.status, comment).await;
                            answer
                        }
                        storage::Done::Passed(answer) => {
                            // What the destination has to say of it may name the patient.
                            let status = answer.status;
                            self.note_refusal(&message, status, "by the destination").await;
                            answer
                        }
                    }
                }
                Request::Action(action) => {
                    let what = Normalized::Action(action.clone());
                    notified::called(self, &mut association, &message, what, &back).await?
                }
                Request::Event(event) => {
                    let what = Normalized::Event(event.clone());
                    notified::called(self, &mut association, &message, what, &back).await?
                }
                Request::Other(_) | Request::Mistyped(_) => match message.request.refusal() {
                    Some(answer) => answer,
                    // Not reached: only what is done above has none.
                    None => return abort(association).await,
                },
            };
            association.respond(&message, &answer).await?;
        }
    }

    /// Counts and tells of an object that was not taken.
    async fn note_refusal(&self, message: &Message, status: Status, comment: &str) {
        let code = Code { code: status.to_string() };
        self.receiver.metrics.refused.get_or_create(&code).inc();
        tracing::warn!(
            calling = %self.sender.calling,
            %status,
            message_id = message.request.message_id(),
            comment,
            "object refused"
        );
        let at = crate::base::time::now();
        if let Err(fault) = self.receiver.ledger.refused(&self.sender.calling, at).await {
            tracing::error!(%fault, "a refusal was not counted");
        }
    }
}

async fn abort(association: Association<Stream>) -> Result<(), Fault> {
    association.abort(Abort::NOT_SPECIFIED).await;
    Ok(())
}
