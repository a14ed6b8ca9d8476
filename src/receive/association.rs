//! One connection, from its request to its end.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::waiting::Place;
use super::{Receiver, storage};
use crate::dicom::sop_class;
use crate::dicom::status::Status;
use crate::dimse::acceptor::{Association, Message, Requested};
use crate::dimse::fault::{Abort, Fault};
use crate::dimse::message::{Answer, Request};
use crate::dimse::negotiate::{ContextAnswer, Negotiated, Refusal, negotiate};
use crate::observe::Metrics;
use crate::observe::metrics::{Code, Outcome};
use crate::pipeline::{self, Site};
use crate::policy::admission::{Source, admit};
use crate::policy::contexts::{Way, Willingness, accept, way};
use crate::spool::StoreFault;

/// After so long without a request an association gives its buffers back.
const REST: Duration = Duration::from_secs(1);

/// Transfer syntaxes in which C-ECHO's context is accepted; it has no data set, so any would do.
const FOR_ECHO: [&str; 2] = [
    dicom_dictionary_std::uids::IMPLICIT_VR_LITTLE_ENDIAN,
    dicom_dictionary_std::uids::EXPLICIT_VR_LITTLE_ENDIAN,
];

/// Serves one connection to its end.
pub(super) async fn serve(
    receiver: Arc<Receiver>,
    stream: TcpStream,
    peer: SocketAddr,
    place: Place,
    stop: CancellationToken,
) {
    let timers = receiver.config.load().timers;
    let requested = tokio::select! {
        requested = Requested::receive(stream, timers) => requested,
        () = place.lost() => return make_way(&receiver, peer),
    };
    let requested = match requested {
        Ok(requested) => requested,
        Err(fault) => {
            count(&receiver, "unanswered");
            tracing::info!(%peer, %fault, "no association was asked for");
            return;
        }
    };
    // Held until the association has ended.
    let seat = receiver.open.take(peer.ip(), &receiver.config.load());
    let memory = receiver.memory.at_rest();
    let answer = match (&seat, &memory) {
        (Some(_), Some(_)) => answer(&receiver, &requested, peer),
        (None, _) | (_, None) => Err(Refusal::LocalLimit),
    };
    let (negotiated, source) = match answer {
        Ok(answered) => answered,
        Err(refusal) => {
            drop((seat, memory));
            let rejection = refusal.rejection();
            count(&receiver, "rejected");
            tracing::warn!(
                %peer,
                calling = requested.rq().calling_ae_title.escape_default().to_string(),
                called = requested.rq().called_ae_title.escape_default().to_string(),
                %rejection,
                %refusal,
                "association rejected"
            );
            tokio::select! {
                rejected = requested.reject(rejection) => {
                    if let Err(fault) = rejected {
                        tracing::debug!(%peer, %fault, "the rejection could not be sent");
                    }
                }
                () = place.lost() => tracing::debug!(%peer, "did not close after its rejection"),
            }
            return;
        }
    };
    drop(place);
    let association = match requested.accept(negotiated).await {
        Ok(association) => association,
        Err(fault) => {
            count(&receiver, "unanswered");
            tracing::info!(%peer, %fault, "the peer left before it had its answer");
            return;
        }
    };
    count(&receiver, "accepted");
    let _open = Open::new(&receiver.metrics);
    let sender = pipeline::Association {
        calling: association.calling().clone(),
        called: association.called().clone(),
        peer: peer.ip().to_canonical(),
    };
    tracing::debug!(%peer, calling = %sender.calling, called = %sender.called, "association");
    let conversation = Conversation { receiver: &receiver, sender, source };
    if let Err(fault) = conversation.hold(association, stop).await {
        tracing::warn!(%peer, calling = %conversation.sender.calling, %fault, "association ended");
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

fn count(receiver: &Receiver, outcome: &'static str) {
    receiver.metrics.associations.get_or_create(&Outcome { outcome }).inc();
}

/// Decides on a request, and has what is not known of the destinations asked about.
fn answer(
    receiver: &Receiver,
    requested: &Requested<TcpStream>,
    peer: SocketAddr,
) -> Result<(Negotiated, Source), Refusal> {
    match receiver.spool.admission() {
        // A full spool still answers C-ECHO, and A700 to each object: that is what modalities understand.
        Ok(()) | Err(StoreFault::Full { .. }) => {}
        Err(fault) => {
            tracing::error!(%fault, "the spool cannot take objects: associations are rejected");
            return Err(Refusal::Congestion);
        }
    }
    let site = receiver.site.load();
    let known = receiver.known.load();
    let possible: RefCell<Vec<Willingness>> = RefCell::default();
    let unknown: RefCell<Vec<(String, String)>> = RefCell::default();
    let admitted = negotiate(
        requested.rq(),
        &receiver.terms,
        &|calling, called| {
            let source = admit(&site.sources, calling, peer.ip())
                .map_err(|_| Refusal::Calling(calling.clone()))?;
            let sender = pipeline::Association {
                calling: calling.clone(),
                called: called.clone(),
                peer: peer.ip().to_canonical(),
            };
            possible.replace(reachable(&site, &known, &sender));
            Ok(source)
        },
        &|abstract_syntax, proposed| {
            let answer = context(abstract_syntax, proposed, &possible.borrow());
            if let ContextAnswer::Accept(syntax) = &answer {
                let is_unknown =
                    |one: &Willingness| way(abstract_syntax, syntax, one) == Way::Unknown;
                if abstract_syntax != sop_class::VERIFICATION
                    && possible.borrow().iter().any(is_unknown)
                {
                    unknown.borrow_mut().push((abstract_syntax.to_owned(), syntax.clone()));
                }
            }
            answer
        },
    )?;
    for pair in unknown.into_inner() {
        if receiver.unknown.try_send(pair).is_err() {
            // Asked at the next association: until then everything is accepted.
            break;
        }
    }
    Ok(admitted)
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

fn context(
    abstract_syntax: &str,
    proposed: &[String],
    destinations: &[Willingness],
) -> ContextAnswer {
    let proposed: Vec<&str> = proposed.iter().map(String::as_str).collect();
    if abstract_syntax == sop_class::VERIFICATION {
        return match proposed.iter().find(|syntax| FOR_ECHO.contains(syntax)) {
            Some(syntax) => ContextAnswer::Accept((*syntax).to_owned()),
            None => ContextAnswer::TransferSyntaxesNotSupported,
        };
    }
    if sop_class::is_other_service(abstract_syntax) {
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
    pub(super) source: Source,
}

impl Conversation<'_> {
    async fn hold(
        &self,
        association: Association<TcpStream>,
        stop: CancellationToken,
    ) -> Result<(), Fault> {
        let mut buffers = storage::Buffers::default();
        let ended = self.converse(association, stop, &mut buffers).await;
        if let Some(work) = buffers.unjudged.take()
            && self.receiver.judging.send(work).await.is_err()
        {
            tracing::warn!("an object will be judged at the next start");
        }
        ended
    }

    async fn converse(
        &self,
        mut association: Association<TcpStream>,
        stop: CancellationToken,
        buffers: &mut storage::Buffers,
    ) -> Result<(), Fault> {
        loop {
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
                        () = tokio::time::sleep(REST), if buffers.are_held() => buffers.give_back(),
                    }
                }
            };
            let Some(message) = heard else { return association.release().await };
            let Some(message) = message? else { return Ok(()) };
            let answer = match &message.request {
                Request::Echo(_) => Answer::from(Status::SUCCESS),
                Request::Store(_) if !message.context.requestor_is_scu => {
                    Answer::with_comment(Status::NOT_AUTHORIZED, "SCU role not negotiated")
                }
                Request::Store(request) => {
                    match storage::store(self, &mut association, &message, request, buffers).await?
                    {
                        storage::Done::Answered => continue,
                        storage::Done::Refused(answer) => {
                            self.note_refusal(&message, &answer).await;
                            answer
                        }
                    }
                }
                Request::Other(_) | Request::Mistyped(_) => match message.request.refusal() {
                    Some(answer) => answer,
                    // Not reached: only C-ECHO and C-STORE have none.
                    None => return abort(association).await,
                },
            };
            association.respond(&message, &answer).await?;
        }
    }

    /// Counts and tells of an object that was not taken.
    async fn note_refusal(&self, message: &Message, answer: &Answer) {
        let code = Code { code: answer.status.to_string() };
        self.receiver.metrics.refused.get_or_create(&code).inc();
        tracing::warn!(
            calling = %self.sender.calling,
            status = %answer.status,
            message_id = message.request.message_id(),
            comment = answer.error_comment.as_deref().unwrap_or_default(),
            "object refused"
        );
        let at = crate::base::time::now();
        if let Err(fault) = self.receiver.ledger.refused(&self.sender.calling, at).await {
            tracing::error!(%fault, "a refusal was not counted");
        }
    }
}

async fn abort(association: Association<TcpStream>) -> Result<(), Fault> {
    association.abort(Abort::NOT_SPECIFIED).await;
    Ok(())
}
