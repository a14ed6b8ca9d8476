//! The requestor's end: associations with a destination, objects sent on them.
//!
//! One operation at a time, as the asynchronous operations window of 1/1 that is never asked to be wider says.

mod normalized;

use std::io;

use dicom_ul::pdu::{
    AssociationAC, AssociationRQ, PresentationContextProposed, PresentationContextResultReason,
    RequestorRoles, UserVariableItem,
};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::dicom::IMPLEMENTATION_CLASS_UID;
use crate::dicom::ae_title::AeTitle;
use crate::dicom::sop_class::VERIFICATION;
use crate::dicom::uid::Uid;
use crate::dimse::fault::{Abort, Breach, Fault};
use crate::dimse::frames::{Frames, Source, command_pdus, payload_of};
use crate::dimse::link::{Heard, Link, Wait};
use crate::dimse::message::{
    Answer, CommandField, MoveOriginator, Priority, Response, StoreRequest, encode_echo,
    encode_store,
};
use crate::dimse::negotiate::{Context, LEAST_MAX_PDU, peer_max_pdu};
use crate::dimse::pdata::Unit;
use crate::dimse::pdu::{PduType, encode_rq, parse_ac, parse_rj};
use crate::dimse::state::{Action, Role};
use crate::dimse::timers::{Timer, Timers};
use crate::dimse::tls::{Client, Stream};
use crate::dimse::transport::Transport;
use crate::dimse::{
    APPLICATION_CONTEXT, DEFAULT_MAX_PDU, IMPLEMENTATION_VERSION_NAME, MAX_CONTEXTS,
};

pub use normalized::Heralded;

/// A destination, and the name under which it is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Its title.
    pub called: AeTitle,
    /// The title we call ourselves.
    pub calling: AeTitle,
    /// How TLS is agreed on with it; `None` is without.
    pub tls: Option<Client>,
}

/// One presentation context to propose: a SOP class and the one transfer syntax in which it would be sent, so that the answer says
/// exactly what is taken.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Proposed {
    /// The SOP class.
    pub sop_class: Uid,
    /// The transfer syntax.
    pub transfer_syntax: Uid,
}

/// A role that is proposed for a SOP class (PS3.7 §D.3.3.4); without one the requestor is SCU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceRole {
    /// The SOP class.
    pub sop_class: Uid,
    /// Whether we would be SCU.
    pub scu: bool,
    /// Whether we would be SCP.
    pub scp: bool,
}

/// An object to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreOrder {
    /// SOP Class UID, which chooses the presentation context together with the transfer syntax.
    pub sop_class: Uid,
    /// The transfer syntax of the bytes that will be sent.
    pub transfer_syntax: Uid,
    /// SOP Instance UID.
    pub sop_instance: Uid,
    /// Priority, as it came.
    pub priority: Priority,
    /// Move Originator, as it came.
    pub move_originator: Option<MoveOriginator>,
}

/// How far an object had come when its sending failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// Not to its end: the peer cannot have it.
    Incomplete,
    /// To its end, and no answer that counts: the peer may have it or not.
    Whole,
}

/// Why an object was not sent, or whether it arrived is not known.
#[derive(Debug, thiserror::Error)]
pub enum StoreFault {
    /// No context was accepted for its SOP class and transfer syntax. The association is as good as before.
    #[error("the peer takes no {sop_class} in {transfer_syntax}")]
    NoContext {
        /// The class of the order.
        sop_class: Uid,
        /// The syntax of the order.
        transfer_syntax: Uid,
    },
    /// The association ended.
    #[error("{fault} ({})", match sent { Sent::Incomplete => "not sent to its end", Sent::Whole => "sent, not answered" })]
    Association {
        /// What ended it.
        #[source]
        fault: Fault,
        /// How far the object had come.
        sent: Sent,
    },
}

/// Opens a TCP connection to a destination, with TLS where it is to have it, and an association on it.
///
/// # Errors
/// As [`associate`], [`Fault::Connect`] or the timer of that name, and [`Fault::Tls`].
pub async fn connect(
    peer: &Peer,
    proposed: &[Proposed],
    timers: &Timers,
) -> Result<Outgoing<Stream>, Fault> {
    associate(dial(peer, timers).await?, &peer.calling, &peer.called, proposed, timers).await
}

/// As [`connect`], in other roles than that of SCU.
///
/// # Errors
/// As [`connect`].
pub async fn connect_in(
    peer: &Peer,
    proposed: &[Proposed],
    roles: &[ServiceRole],
    timers: &Timers,
) -> Result<Outgoing<Stream>, Fault> {
    let stream = dial(peer, timers).await?;
    associate_in(stream, &peer.calling, &peer.called, proposed, roles, timers).await
}

/// Opens a TCP connection to a destination, with TLS where it is to have it.
pub(super) async fn dial(peer: &Peer, timers: &Timers) -> Result<Stream, Fault> {
    let stream = timeout(timers.connect, TcpStream::connect((peer.host.as_str(), peer.port)))
        .await
        .map_err(|_| Fault::Timeout(Timer::Connect))?
        .map_err(Fault::Connect)?;
    match &peer.tls {
        Some(tls) => tls.connect(stream, Instant::now() + timers.association).await,
        None => Ok(Stream::Plain(stream)),
    }
}

/// Opens an association on a connection.
///
/// That no context is accepted is no fault: [`Outgoing::contexts`] is empty then.
///
/// # Errors
/// [`Fault::TooManyContexts`] before anything is sent when more than [`MAX_CONTEXTS`] are proposed; otherwise what the peer
/// or the connection did.
pub async fn associate<S: Transport>(
    stream: S,
    calling: &AeTitle,
    called: &AeTitle,
    proposed: &[Proposed],
    timers: &Timers,
) -> Result<Outgoing<S>, Fault> {
    associate_as(stream, &request(calling, called, proposed)?, timers).await
}

/// As [`associate`], in other roles than that of SCU.
///
/// # Errors
/// As [`associate`].
pub async fn associate_in<S: Transport>(
    stream: S,
    calling: &AeTitle,
    called: &AeTitle,
    proposed: &[Proposed],
    roles: &[ServiceRole],
    timers: &Timers,
) -> Result<Outgoing<S>, Fault> {
    let mut rq = request(calling, called, proposed)?;
    rq.user_variables.extend(roles.iter().map(|ServiceRole { sop_class, scu, scp }| {
        let roles = RequestorRoles { scu: *scu, scp: *scp };
        UserVariableItem::ScuScpRoleSelectionSubItem(sop_class.to_string(), roles)
    }));
    associate_as(stream, &rq, timers).await
}

/// Opens an association on a connection by this request.
pub(super) async fn associate_as<S: Transport>(
    stream: S,
    rq: &AssociationRQ,
    timers: &Timers,
) -> Result<Outgoing<S>, Fault> {
    let mut link = Link::new(stream, Role::Requestor, *timers)?;
    let answered = ask(&mut link, rq).await;
    let ac = link.settle(answered).await?;
    let contexts = accepted(rq, &ac);
    let max_pdu = peer_max_pdu(&ac.user_variables);
    if max_pdu != 0 && max_pdu < LEAST_MAX_PDU {
        return link.settle(Err(Breach::MaxPduTooSmall(max_pdu).into())).await;
    }
    link.establish(&contexts, DEFAULT_MAX_PDU);
    Ok(Outgoing {
        link,
        contexts,
        ac,
        payload: payload_of(max_pdu),
        message_id: 0,
        blocks: Vec::new(),
    })
}

fn request(
    calling: &AeTitle,
    called: &AeTitle,
    proposed: &[Proposed],
) -> Result<AssociationRQ, Fault> {
    if proposed.len() > MAX_CONTEXTS {
        return Err(Fault::TooManyContexts(proposed.len()));
    }
    let contexts =
        (1u8..=255).step_by(2).zip(proposed).map(|(id, proposed)| PresentationContextProposed {
            id,
            abstract_syntax: proposed.sop_class.as_str().to_owned(),
            transfer_syntaxes: vec![proposed.transfer_syntax.as_str().to_owned()],
        });
    Ok(request_of(calling, called, contexts.collect()))
}

/// A request for these contexts.
pub(super) fn request_of(
    calling: &AeTitle,
    called: &AeTitle,
    presentation_contexts: Vec<PresentationContextProposed>,
) -> AssociationRQ {
    AssociationRQ {
        protocol_version: 1,
        calling_ae_title: calling.as_str().to_owned(),
        called_ae_title: called.as_str().to_owned(),
        application_context_name: APPLICATION_CONTEXT.to_owned(),
        presentation_contexts,
        user_variables: vec![
            UserVariableItem::MaxLength(DEFAULT_MAX_PDU),
            UserVariableItem::ImplementationClassUID(IMPLEMENTATION_CLASS_UID.to_owned()),
            UserVariableItem::ImplementationVersionName(IMPLEMENTATION_VERSION_NAME.to_owned()),
        ],
    }
}

async fn ask<S: Transport>(link: &mut Link<S>, rq: &AssociationRQ) -> Result<AssociationAC, Fault> {
    let until = Wait::Until(Instant::now() + link.timers().association, Timer::Association);
    link.open(&encode_rq(rq)).await?;
    let (pdu, body) = match link.unit(until).await? {
        Unit::Pdu(pdu, body) => (pdu, body),
        Unit::Fragment(_) => (PduType::PData, 0..0),
    };
    let action = link.control(pdu, body.clone())?;
    if action == Action::Ae4 {
        return Err(Fault::Refused(parse_rj(link.bytes(body))));
    }
    parse_ac(link.bytes(body)).map_err(|fault| Breach::BadItem { pdu, fault }.into())
}

/// The contexts that were proposed and accepted as proposed. What else an answer says is passed over: it cannot be used.
fn accepted(rq: &AssociationRQ, ac: &AssociationAC) -> Vec<Context> {
    let accepted = |proposed: &PresentationContextProposed| {
        let results = ac.presentation_contexts.iter();
        let result = results.filter(|result| result.id == proposed.id).find(|result| {
            result.reason == PresentationContextResultReason::Acceptance
                && proposed.transfer_syntaxes.contains(&result.transfer_syntax)
        })?;
        Some(Context {
            id: proposed.id,
            abstract_syntax: Uid::new(&proposed.abstract_syntax),
            transfer_syntax: Uid::new(&result.transfer_syntax),
            requestor_is_scu: true,
        })
    };
    rq.presentation_contexts.iter().filter_map(accepted).collect()
}

/// An established association, seen from the requestor (Sta6).
#[derive(Debug)]
pub struct Outgoing<S> {
    link: Link<S>,
    contexts: Vec<Context>,
    pub(super) ac: AssociationAC,
    payload: usize,
    message_id: u16,
    /// Blocks not in use: two at most.
    blocks: Vec<Frames>,
}

impl<S: Transport> Outgoing<S> {
    /// The contexts that the peer accepted.
    pub fn contexts(&self) -> &[Context] {
        &self.contexts
    }

    /// The accepted context for a SOP class in a transfer syntax.
    pub fn context(&self, sop_class: &Uid, transfer_syntax: &Uid) -> Option<&Context> {
        self.contexts.iter().find(|context| {
            context.abstract_syntax == *sop_class && context.transfer_syntax == *transfer_syntax
        })
    }

    /// What the peer says it is: Implementation Class UID and Version Name, where given.
    pub fn implementation(&self) -> (Option<&str>, Option<&str>) {
        let mut class = None;
        let mut version = None;
        for item in &self.ac.user_variables {
            match item {
                UserVariableItem::ImplementationClassUID(uid) => class = Some(uid.as_str()),
                UserVariableItem::ImplementationVersionName(name) => version = Some(name.as_str()),
                _ => {}
            }
        }
        (class, version)
    }

    /// The longest P-DATA-TF that the peer takes, in bytes; 0 is without limit.
    pub fn peer_max_pdu(&self) -> u32 {
        peer_max_pdu(&self.ac.user_variables)
    }

    /// Whether the association can still be used, as far as can be told without waiting: an idle one that the peer has ended in
    /// the meantime is better found out here than in the middle of an object.
    ///
    /// # Errors
    /// How it ended.
    pub async fn check(&mut self) -> Result<(), Fault> {
        self.link.usable()?;
        let checked = self.look().await;
        self.link.settle(checked).await
    }

    async fn look(&mut self) -> Result<(), Fault> {
        match self.link.poke().await? {
            None => Ok(()),
            // Nothing was asked: whatever it is, it is no answer.
            Some(Unit::Fragment(_)) => Err(Breach::UnexpectedPdu(PduType::PData).into()),
            Some(Unit::Pdu(pdu, body)) => {
                if self.link.control(pdu, body)? != Action::Ar2 {
                    return Err(Breach::UnexpectedPdu(pdu).into());
                }
                self.link.confirm_release().await?;
                Err(Fault::Released)
            }
        }
    }

    fn next_id(&mut self) -> u16 {
        self.message_id = self.message_id.wrapping_add(1);
        self.message_id
    }

    /// C-ECHO.
    ///
    /// # Errors
    /// [`StoreFault::NoContext`] when no context was accepted for Verification; otherwise how the association ended.
    pub async fn echo(&mut self) -> Result<Answer, StoreFault> {
        let context = self.contexts.iter().find(|c| c.abstract_syntax.as_str() == VERIFICATION);
        let Some(context) = context.map(|context| context.id) else {
            let transfer_syntax = Uid::default();
            return Err(StoreFault::NoContext { sop_class: VERIFICATION.into(), transfer_syntax });
        };
        let id = self.next_id();
        let mut sent = Sent::Incomplete;
        let answered = match self.check().await {
            Ok(()) => self.exchange_echo(context, id, &mut sent).await,
            Err(fault) => Err(fault),
        };
        let settled = self.link.settle(answered).await;
        settled.map_err(|fault| StoreFault::Association { fault, sent })
    }

    async fn exchange_echo(
        &mut self,
        context: u8,
        id: u16,
        sent: &mut Sent,
    ) -> Result<Answer, Fault> {
        let pdus = command_pdus(context, &encode_echo(id), self.payload);
        self.link.write_data(&pdus).await?;
        *sent = Sent::Whole;
        self.response(CommandField::ECHO, id, None).await
    }

    /// C-STORE: sends the object and waits for the answer. The answer is the peer's, whatever its status; it counts only when command
    /// field, message ID and SOP Instance UID are those of the request.
    ///
    /// Cancelling it breaks the association: the peer sees an object without an end.
    ///
    /// # Errors
    /// [`StoreFault`] says whether the peer can have the object.
    pub async fn store(
        &mut self,
        order: &StoreOrder,
        source: &mut impl Source,
    ) -> Result<Answer, StoreFault> {
        let Some(context) = self.context(&order.sop_class, &order.transfer_syntax) else {
            return Err(StoreFault::NoContext {
                sop_class: order.sop_class.clone(),
                transfer_syntax: order.transfer_syntax.clone(),
            });
        };
        let context = context.id;
        let id = self.next_id();
        let mut sent = Sent::Incomplete;
        let answered = match self.check().await {
            Ok(()) => self.exchange_store(context, id, order, source, &mut sent).await,
            Err(fault) => Err(fault),
        };
        let settled = self.link.settle(answered).await;
        settled.map_err(|fault| StoreFault::Association { fault, sent })
    }

    async fn exchange_store(
        &mut self,
        context: u8,
        id: u16,
        order: &StoreOrder,
        source: &mut impl Source,
        sent: &mut Sent,
    ) -> Result<Answer, Fault> {
        let set = encode_store(&StoreRequest {
            message_id: id,
            sop_class: order.sop_class.clone(),
            sop_instance: order.sop_instance.clone(),
            priority: order.priority,
            move_originator: order.move_originator.clone(),
        });
        self.transmit(context, &set, source, sent).await?;
        self.response(CommandField::STORE, id, Some(&order.sop_instance)).await
    }

    /// Sends a command set and its data set. A block goes out only when it is known whether more follows it, so that
    /// the end is marked on the last byte of the source and nowhere else.
    async fn transmit(
        &mut self,
        context: u8,
        set: &[u8],
        source: &mut impl Source,
        sent: &mut Sent,
    ) -> Result<(), Fault> {
        let command = command_pdus(context, set, self.payload);
        let mut block = self.block();
        if !block.begin(context, &command) {
            self.link.put_data(&command).await?;
        }
        let mut held: Option<Frames> = None;
        loop {
            block = fill(source, block).await.map_err(Fault::Source)?;
            let ended = block.is_ended();
            if let Some(mut held) = held.take() {
                let last = ended && block.is_empty();
                self.link.put_data(held.seal(last)).await?;
                self.blocks.push(held);
                if last {
                    break;
                }
            }
            if ended {
                self.link.put_data(block.seal(true)).await?;
                break;
            }
            let mut next = self.block();
            next.begin(context, &[]);
            held = Some(std::mem::replace(&mut block, next));
        }
        self.blocks.push(block);
        // From here on the transport has it all, whether or not it says so once more.
        *sent = Sent::Whole;
        self.link.flush().await
    }

    fn block(&mut self) -> Frames {
        self.blocks.pop().unwrap_or_else(|| Frames::new(self.payload))
    }

    async fn response(
        &mut self,
        asked: CommandField,
        id: u16,
        instance: Option<&Uid>,
    ) -> Result<Answer, Fault> {
        let until = Wait::Until(Instant::now() + self.link.timers().response, Timer::Response);
        let (context, set) = match self.link.command(until).await? {
            Heard::Command { context, set } => (context, set),
            Heard::Release => {
                self.link.confirm_release().await?;
                return Err(Fault::Released);
            }
        };
        let parsed = Response::parse(&set)?;
        let response = parsed.message;
        if response.command_field != asked.response() {
            return Err(Breach::UnexpectedCommand(response.command_field.0).into());
        }
        if response.responded_to != id {
            let got = response.responded_to;
            return Err(Breach::WrongMessageId { asked: id, got }.into());
        }
        if let (Some(asked), Some(got)) = (instance, response.sop_instance)
            && *asked != got
        {
            return Err(Breach::WrongInstance { asked: asked.clone(), got }.into());
        }
        if parsed.has_data_set {
            // Against the standard for both services, and harmless.
            while !self.link.data(context, until).await?.last {}
        }
        Ok(response.answer)
    }

    /// Releases the association.
    ///
    /// # Errors
    /// When the peer does not agree in time; it has been sent A-ABORT then. Nothing that was answered is in doubt.
    pub async fn release(mut self) -> Result<(), Fault> {
        self.link.usable()?;
        let released = self.link.release().await;
        self.link.settle(released).await
    }

    /// Sends A-ABORT and waits, under ARTIM, for the peer to close.
    pub async fn abort(mut self) {
        self.link.abort(Abort::USER).await;
    }
}

/// Has a block filled until it is full or the source has ended.
async fn fill(source: &mut impl Source, mut block: Frames) -> io::Result<Frames> {
    while !block.is_full() && !block.is_ended() {
        let before = block.filled();
        block = source.fill(block).await?;
        if block.filled() == before && !block.is_ended() {
            return Err(io::Error::other("the source gives nothing and does not end"));
        }
    }
    Ok(block)
}

#[cfg(test)]
#[path = "requestor_tests.rs"]
mod tests;
