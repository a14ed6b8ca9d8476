//! The acceptor's end: an association request to be decided on, then requests to be answered.
//!
//! Two steps, so that the caller can look things up with the request in hand: [`Requested::receive`], then
//! [`Requested::accept`] or [`Requested::reject`]. After that [`Association::next`], [`Association::data`] until it gives
//! `None`, [`Association::respond`], and again.
//!
//! A fault is final and, where the peer has to be told, it has been told before the fault is returned: the call sends
//! A-ABORT and waits for the close of the connection, at most as long as ARTIM runs. Nothing is left to do but to drop
//! the association.

use tokio::sync::oneshot;
use tokio::time::Instant;

use dicom_ul::pdu::AssociationRQ;

use crate::dicom::ae_title::AeTitle;
use crate::dicom::status::Status;
use crate::dimse::fault::{Abort, Breach, Fault, Rejection, Stranger};
use crate::dimse::frames::{command_pdus, message_pdus, payload_of};
use crate::dimse::link::{Heard, Link, Wait};
use crate::dimse::message::{Answer, CommandField, Request, Response, encode_response};
use crate::dimse::negotiate::{Context, Negotiated};
use crate::dimse::normalized::{Reporting, encode_event};
use crate::dimse::pdata::Unit;
use crate::dimse::pdu::{PduType, UserIdentity, encode_ac, encode_rj, parse_rq, user_identity};
use crate::dimse::state::{Event, Role};
use crate::dimse::timers::{Timer, Timers};
use crate::dimse::transport::Transport;

/// Bytes of a data set that are read for nothing, so that the requestor looks for its answer. One that is longer than any
/// object but the rarest is cut off instead.
const MOST_THROWN_AWAY: u64 = 4 << 30;

/// A connection on which an association is asked for (Sta3).
#[derive(Debug)]
#[must_use = "the peer waits for an answer"]
pub struct Requested<S> {
    link: Link<S>,
    rq: AssociationRQ,
    identity: Option<UserIdentity>,
}

impl<S: Transport> Requested<S> {
    /// Waits, under ARTIM, for the A-ASSOCIATE-RQ on a new connection.
    ///
    /// # Errors
    /// [`Fault::NotDicom`] when the peer speaks something else; then, and when ARTIM expires or the request is longer than
    /// [`crate::dimse::MAX_ASSOCIATE`], the connection is closed without a word. Anything else that is no request is
    /// answered with A-ABORT.
    pub async fn receive(stream: S, timers: Timers) -> Result<Self, Fault> {
        Self::receive_by(stream, timers, Instant::now() + timers.artim).await
    }

    /// As [`Requested::receive`], with an ARTIM that has been running: the request has to be there `by` then.
    ///
    /// # Errors
    /// As [`Requested::receive`].
    pub async fn receive_by(stream: S, timers: Timers, by: Instant) -> Result<Self, Fault> {
        let mut link = Link::new(stream, Role::Acceptor, timers)?;
        let until = Wait::Until(by, Timer::Artim);
        let heard = match link.unit(until).await {
            Ok(Unit::Pdu(pdu, body)) => link.control(pdu, body.clone()).and_then(|_| {
                let body = link.bytes(body);
                match parse_rq(body) {
                    Ok(rq) => Ok((rq, user_identity(body))),
                    Err(fault) => Err(Breach::BadItem { pdu, fault }.into()),
                }
            }),
            Ok(Unit::Fragment(_)) => Err(Breach::UnexpectedPdu(PduType::PData).into()),
            Err(Fault::Protocol(Breach::UnknownPdu(first))) => {
                return Err(stranger(first, link.first_bytes(), false).into());
            }
            Err(fault @ Fault::Protocol(Breach::PduTooLong { .. })) => return Err(fault),
            Err(fault @ Fault::Timeout(_)) => return Err(fault),
            Err(fault) => Err(fault),
        };
        let (rq, identity) = link.settle(heard).await?;
        Ok(Self { link, rq, identity })
    }

    /// What is asked for. Titles and UIDs stand without padding; a user identity is left out.
    pub fn rq(&self) -> &AssociationRQ {
        &self.rq
    }

    /// The user identity that comes with it, if there is one and it can be read.
    pub fn identity(&self) -> Option<&UserIdentity> {
        self.identity.as_ref()
    }

    /// Sends A-ASSOCIATE-AC.
    ///
    /// # Errors
    /// When the peer has given up in the meantime, or sent anything before it had the answer.
    pub async fn accept(mut self, negotiated: Negotiated) -> Result<Association<S>, Fault> {
        let accepted = self.answer(&negotiated).await;
        self.link.settle(accepted).await?;
        let payload = payload_of(negotiated.peer_max_pdu);
        Ok(Association {
            link: self.link,
            negotiated,
            payload,
            open: None,
            reported: None,
            reports: 0,
        })
    }

    async fn answer(&mut self, negotiated: &Negotiated) -> Result<(), Fault> {
        match self.link.poke().await? {
            None => {}
            Some(Unit::Fragment(_)) => {
                self.link.control(PduType::PData, 0..0)?;
            }
            Some(Unit::Pdu(pdu, body)) => {
                self.link.control(pdu, body)?;
            }
        }
        self.link.ours(Event::Accept)?;
        self.link.write(&encode_ac(&negotiated.ac)).await?;
        self.link.establish(&negotiated.contexts, negotiated.our_max_pdu);
        Ok(())
    }

    /// Sends A-ASSOCIATE-RJ and waits, under ARTIM, for the peer to close.
    ///
    /// # Errors
    /// When the answer could not be sent.
    pub async fn reject(mut self, rejection: Rejection) -> Result<(), Fault> {
        self.link.ours(Event::Reject)?;
        self.link.write(&encode_rj(rejection)).await?;
        self.link.await_close().await;
        Ok(())
    }

    /// Sends A-ABORT and waits, under ARTIM, for the peer to close.
    pub async fn abort(mut self, abort: Abort) {
        self.link.abort(abort).await;
    }
}

/// Who it is whose first bytes are none of what a port is for, with TLS on it or without.
pub(crate) fn stranger(first: u8, bytes: &[u8], tls: bool) -> Stranger {
    const METHODS: [&[u8]; 8] =
        [b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"CONNECT", b"PRI"];
    let begins = |word: &[u8]| {
        let length = bytes.len().min(word.len());
        length > 0 && bytes.get(..length) == word.get(..length)
    };
    match first {
        // TLS record type 22, handshake; then the major version of all versions since SSL 3.
        0x16 => Stranger::Tls,
        0x01 if tls => Stranger::NoTls,
        _ if METHODS.into_iter().any(begins) => Stranger::Http,
        _ if begins(b"SSH-") => Stranger::Ssh,
        _ => Stranger::Other(first),
    }
}

/// A request, and the presentation context in which it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The context: what the data set is encoded in.
    pub context: Context,
    /// What is asked for.
    pub request: Request,
}

/// An established association, seen from the acceptor (Sta6).
#[derive(Debug)]
pub struct Association<S> {
    link: Link<S>,
    negotiated: Negotiated,
    payload: usize,
    /// The context of the data set that is coming in.
    open: Option<u8>,
    /// The report that was sent and is not answered yet: its Message ID, and who waits for the answer.
    reported: Option<(u16, oneshot::Sender<Status>)>,
    /// Reports sent.
    reports: u16,
}

impl<S: Transport> Association<S> {
    /// What was agreed on.
    pub fn negotiated(&self) -> &Negotiated {
        &self.negotiated
    }

    /// The requestor's title.
    pub fn calling(&self) -> &AeTitle {
        self.negotiated.calling()
    }

    /// The acceptor's title.
    pub fn called(&self) -> &AeTitle {
        self.negotiated.called()
    }

    /// The next request; `None` when the peer has released the association, which is then answered and over. What is left of
    /// an earlier request's data set is passed over first.
    ///
    /// Cancelling it loses nothing, so it may stand in a `select!` beside a signal to stop.
    ///
    /// # Errors
    /// Every way in which an association can end but a release.
    pub async fn next(&mut self) -> Result<Option<Message>, Fault> {
        self.link.usable()?;
        let heard = self.hear().await;
        self.link.settle(heard).await
    }

    async fn hear(&mut self) -> Result<Option<Message>, Fault> {
        let (context, set) = loop {
            self.drain().await?;
            match self.link.command(Wait::Message).await? {
                Heard::Command { context, set } if self.is_answer(context, &set) => {}
                Heard::Command { context, set } => break (context, set),
                Heard::Release => {
                    // Nobody answers a report any more, however long the peer takes to close.
                    self.reported = None;
                    self.link.confirm_release().await?;
                    return Ok(None);
                }
            }
        };
        let parsed = Request::parse(&set)?;
        if parsed.has_data_set {
            self.open = Some(context);
        }
        let known = self.negotiated.contexts.iter().find(|known| known.id == context);
        let context = known.ok_or(Breach::UnknownContext(context))?.clone();
        Ok(Some(Message { context, request: parsed.message }))
    }

    /// Whether a command is the answer to the report that was sent last, which is passed on then.
    fn is_answer(&mut self, context: u8, set: &[u8]) -> bool {
        let Some((id, done)) = self.reported.take() else { return false };
        match Response::parse(set) {
            Ok(parsed)
                if parsed.message.command_field == CommandField::EVENT_REPORT.response()
                    && parsed.message.responded_to == id =>
            {
                if parsed.has_data_set {
                    self.open = Some(context);
                }
                match done.send(parsed.message.answer.status) {
                    // Who asked may have given up waiting.
                    Ok(()) | Err(_) => true,
                }
            }
            _ => {
                self.reported = Some((id, done));
                false
            }
        }
    }

    /// More of the data set of the last request, as it stands in the read buffer; `None` after its last byte, and at once
    /// when it has none. A piece is never empty.
    ///
    /// Cancelling it loses nothing.
    ///
    /// # Errors
    /// As [`Association::next`]. The data set is not complete then, whatever has come of it.
    pub async fn data(&mut self) -> Result<Option<&[u8]>, Fault> {
        self.link.usable()?;
        let Some(open) = self.open else { return Ok(None) };
        let heard = self.link.data(open, Wait::Message).await;
        let fragment = self.link.settle(heard).await?;
        if fragment.last {
            self.open = None;
        }
        if fragment.bytes.is_empty() {
            return Ok(None);
        }
        Ok(Some(self.link.bytes(fragment.bytes)))
    }

    async fn drain(&mut self) -> Result<(), Fault> {
        let mut thrown_away = 0_u64;
        while let Some(open) = self.open {
            let fragment = self.link.data(open, Wait::Message).await?;
            if fragment.last {
                self.open = None;
            }
            thrown_away += fragment.bytes.len() as u64;
            if thrown_away > MOST_THROWN_AWAY {
                return Err(Breach::Endless { limit: MOST_THROWN_AWAY }.into());
            }
        }
        Ok(())
    }

    /// Answers a request, in one write. What is left of its data set is read and thrown away first: a requestor does not look
    /// for the answer before it has sent everything.
    ///
    /// # Errors
    /// As [`Association::next`], and when the peer does not take the answer.
    pub async fn respond(&mut self, message: &Message, answer: &Answer) -> Result<(), Fault> {
        self.link.usable()?;
        let responded = self.say(message, answer).await;
        self.link.settle(responded).await
    }

    async fn say(&mut self, message: &Message, answer: &Answer) -> Result<(), Fault> {
        self.drain().await?;
        let set = encode_response(&message.request, answer);
        self.link.write_data(&command_pdus(message.context.id, &set, self.payload)).await
    }

    /// Whether a report has been sent that is not answered yet.
    pub fn is_reporting(&self) -> bool {
        self.reported.is_some()
    }

    /// Sends an N-EVENT-REPORT between two messages. Its answer comes while [`Association::next`] waits, and is passed on; the
    /// peer may put requests of its own before it.
    ///
    /// # Errors
    /// As [`Association::next`], and when the peer does not take it.
    pub async fn report(&mut self, reporting: Reporting) -> Result<(), Fault> {
        self.link.usable()?;
        let Reporting { context, notice, done } = reporting;
        self.reports = self.reports.wrapping_add(1);
        let set = encode_event(self.reports, &notice);
        self.reported = Some((self.reports, done));
        let pdus = message_pdus(context, &set, &notice.data, self.payload);
        let sent = match self.drain().await {
            Ok(()) => self.link.write_data(&pdus).await,
            Err(fault) => Err(fault),
        };
        self.link.settle(sent).await
    }

    /// Asks the peer to release the association, which is unusual for an acceptor and allowed: a gate that shuts down does so
    /// between two messages.
    ///
    /// # Errors
    /// When the peer does not agree in time; it has been sent A-ABORT then.
    pub async fn release(mut self) -> Result<(), Fault> {
        self.link.usable()?;
        let released = self.link.release().await;
        self.link.settle(released).await
    }

    /// Sends A-ABORT and waits, under ARTIM, for the peer to close.
    pub async fn abort(mut self, abort: Abort) {
        self.link.abort(abort).await;
    }
}

#[cfg(test)]
#[path = "acceptor_tests.rs"]
mod tests;
