//! An association with a destination that is as alike to a modality's as two associations can be: the same contexts under the
//! same identifiers, the same roles, extended negotiation, asynchronous window and user identity, and the destination's answers
//! to all of them handed back.
//!
//! What the two ends of a connection agree on for themselves is each connection's own: maximum length and implementation
//! identity (PS3.7 §D.3.3.1 and §D.3.3.2).

use std::fmt;

use dicom_ul::pdu::{
    AssociationRQ, PresentationContextProposed, PresentationContextResultReason, UserVariableItem,
};

use crate::dicom::sop_class::STORAGE_COMMITMENT;
use crate::dimse::fault::Fault;
use crate::dimse::negotiate::{ContextAnswer, Negotiated, roles_in};
use crate::dimse::pdu::UserIdentity;
use crate::dimse::requestor::{Outgoing, Peer, associate_as, dial, request_of};
use crate::dimse::timers::Timers;
use crate::dimse::tls::Stream;
use crate::dimse::transport::Transport;

/// User Identity Negotiation, of a request (PS3.7 §D.3.3.7.1).
const USER_IDENTITY: u8 = 0x58;

/// What is asked of a destination for a modality. Two that are equal can use one association after the other.
#[derive(Clone, PartialEq, Eq)]
pub struct Wish {
    contexts: Vec<PresentationContextProposed>,
    items: Vec<UserVariableItem>,
}

/// Nothing of the user identity, which may hold a secret.
impl fmt::Debug for Wish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wish({} contexts)", self.contexts.len())
    }
}

impl Wish {
    /// What a modality asks for, as far as `carried` says that an abstract syntax is the destination's business.
    #[must_use]
    pub fn of(
        rq: &AssociationRQ,
        identity: Option<&UserIdentity>,
        carried: &dyn Fn(&str) -> bool,
    ) -> Self {
        let is_carried = |context: &&PresentationContextProposed| carried(&context.abstract_syntax);
        let is_kept = |item: &&UserVariableItem| match item {
            UserVariableItem::ScuScpRoleSelectionSubItem(class, _) => carried(class),
            UserVariableItem::Unknown(..) => true,
            _ => false,
        };
        let mut items: Vec<_> = rq.user_variables.iter().filter(is_kept).cloned().collect();
        items.extend(identity.map(identity_item));
        let contexts = rq.presentation_contexts.iter().filter(is_carried).cloned().collect();
        Self { contexts, items }
    }

    /// Whether nothing is asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.contexts.is_empty()
    }
}

fn identity_item(identity: &UserIdentity) -> UserVariableItem {
    let mut body = vec![identity.kind, u8::from(identity.wants_answer)];
    for field in [&identity.primary, &identity.secondary] {
        // Both came with lengths of two bytes.
        body.extend(u16::try_from(field.len()).unwrap_or(u16::MAX).to_be_bytes());
        body.extend(field);
    }
    UserVariableItem::Unknown(USER_IDENTITY, body)
}

/// Opens an association with a destination that asks for what the modality does.
///
/// # Errors
/// As [`connect`](crate::dimse::requestor::connect).
pub async fn open(peer: &Peer, wish: &Wish, timers: &Timers) -> Result<Outgoing<Stream>, Fault> {
    ask(dial(peer, timers).await?, peer, wish, timers).await
}

async fn ask<S: Transport>(
    stream: S,
    peer: &Peer,
    wish: &Wish,
    timers: &Timers,
) -> Result<Outgoing<S>, Fault> {
    let mut rq = request_of(&peer.calling, &peer.called, wish.contexts.clone());
    rq.user_variables.extend(wish.items.iter().cloned());
    associate_as(stream, &rq, timers).await
}

impl<S: Transport> Outgoing<S> {
    /// The peer's answer to the context of this identifier; without one it is refused.
    pub fn answer_to(&self, id: u8) -> ContextAnswer {
        let answer = self.ac.presentation_contexts.iter().find(|answer| answer.id == id);
        let Some(answer) = answer else { return ContextAnswer::NoReason };
        match answer.reason {
            PresentationContextResultReason::Acceptance => {
                ContextAnswer::Accept(answer.transfer_syntax.clone())
            }
            PresentationContextResultReason::UserRejection => ContextAnswer::UserRejection,
            PresentationContextResultReason::NoReason => ContextAnswer::NoReason,
            PresentationContextResultReason::AbstractSyntaxNotSupported => {
                ContextAnswer::AbstractSyntaxNotSupported
            }
            PresentationContextResultReason::TransferSyntaxesNotSupported => {
                ContextAnswer::TransferSyntaxesNotSupported
            }
        }
    }
}

impl Negotiated {
    /// Answers the modality's user items as the destination has answered them.
    pub fn grant_as<S>(&mut self, outgoing: &Outgoing<S>) {
        let of_destination = |item: &&UserVariableItem| match item {
            // Commitments are the gate's own business.
            UserVariableItem::ScuScpRoleSelectionSubItem(class, _) => class != STORAGE_COMMITMENT,
            UserVariableItem::Unknown(..) => true,
            _ => false,
        };
        let granted = outgoing.ac.user_variables.iter().filter(of_destination);
        self.ac.user_variables.retain(|item| !of_destination(&item));
        self.ac.user_variables.extend(granted.cloned());
        for context in &mut self.contexts {
            let roles = roles_in(&outgoing.ac.user_variables, context.abstract_syntax.as_str());
            context.requestor_is_scu = roles.is_none_or(|roles| roles.scu);
        }
    }
}

#[cfg(test)]
#[path = "mirror_tests.rs"]
mod tests;
