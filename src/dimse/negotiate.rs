//! What an A-ASSOCIATE-RQ is answered with (PS3.8 §7.1, PS3.7 annex D): a pure function of the request, our terms and
//! two questions that the caller answers, who may call and which contexts are wanted.
//!
//! Nothing is negotiated beyond maximum length, implementation identity, an asynchronous operations window of 1/1 where
//! the requestor asks for one, the SCU role and for Storage Commitment the SCP role, and the user identity where the caller of [`negotiate`] has checked it. Other user items are passed over, which PS3.7 §D.3.3 allows.

use dicom_ul::pdu::{
    AssociationAC, AssociationRQ, PresentationContextProposed, PresentationContextResult,
    PresentationContextResultReason, RequestorRoles, UserVariableItem,
};

use crate::dicom::IMPLEMENTATION_CLASS_UID;
use crate::dicom::ae_title::{AeTitle, BadAeTitle};
use crate::dicom::sop_class::STORAGE_COMMITMENT;
use crate::dicom::uid::Uid;
use crate::dimse::fault::Rejection;
use crate::dimse::{
    APPLICATION_CONTEXT, DEFAULT_MAX_PDU, IMPLEMENTATION_VERSION_NAME, MAX_CONTEXTS,
};

/// The least maximum length under which a command set can be sent with any sense, in bytes. Real peers announce 4 KiB
/// and more.
pub const LEAST_MAX_PDU: u32 = 128;

/// What a peer is taken to accept when it announces no maximum length, although PS3.8 §D.1 obliges it to.
pub const ASSUMED_MAX_PDU: u32 = 16 << 10;

/// Our side of every negotiation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// The titles we answer to.
    pub called: Vec<AeTitle>,
    /// The longest P-DATA-TF that we offer to take, in bytes, 4096 to 1 MiB.
    pub max_pdu: u32,
}

impl Terms {
    /// The titles given, and the default maximum length.
    #[must_use]
    pub fn new(called: Vec<AeTitle>) -> Self {
        Self { called, max_pdu: DEFAULT_MAX_PDU }
    }
}

/// Why an association is not accepted. [`Refusal::rejection`] is what the peer is told of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Bit 0 of the protocol version is not set.
    #[error("protocol version {0:#06X} does not include version 1")]
    ProtocolVersion(u16),
    /// Another application context than DICOM's.
    #[error("application context {0:?} is not DICOM's")]
    ApplicationContext(String),
    /// A called AE title that is not ours.
    #[error("called AE title {0:?} is not one of ours")]
    Called(String),
    /// A calling AE title that may not call, or not from where it calls. The peer is not told which.
    #[error("calling AE title {0:?} is not admitted")]
    Calling(AeTitle),
    /// A calling AE title that is none.
    #[error("calling AE title {title:?}: {fault}")]
    BadCalling {
        /// As received, without padding; what is not ASCII stands as U+FFFD.
        title: String,
        /// What is wrong with it.
        fault: BadAeTitle,
    },
    /// A user identity is wanted of this caller, and was not given or is wrong. The peer is not told that it is about that.
    #[error("calling AE title {0:?} without the right user identity")]
    Identity(AeTitle),
    /// No presentation context at all.
    #[error("no presentation context is proposed")]
    NoContext,
    /// More presentation contexts than there are identifiers.
    #[error("{0} presentation contexts are proposed, at most {MAX_CONTEXTS} can be")]
    TooManyContexts(usize),
    /// An even presentation context identifier.
    #[error("presentation context {0} is even")]
    EvenContext(u8),
    /// Two presentation contexts of one identifier: what is sent in it could mean either.
    #[error("presentation context {0} is proposed twice")]
    DuplicateContext(u8),
    /// A maximum length under which nothing can be answered.
    #[error("the peer takes PDUs of {0} bytes only, at least {LEAST_MAX_PDU} are needed")]
    MaxPduTooSmall(u32),
    /// Nothing can be taken just now: shutting down, spool sick, not yet started.
    #[error("temporary congestion")]
    Congestion,
    /// Too many associations, in all or of this peer.
    #[error("too many associations")]
    LocalLimit,
}

impl Refusal {
    /// Result, source and reason for the A-ASSOCIATE-RJ.
    #[must_use]
    pub fn rejection(&self) -> Rejection {
        match self {
            Self::ProtocolVersion(_) => Rejection::PROTOCOL_VERSION,
            Self::ApplicationContext(_) => Rejection::APPLICATION_CONTEXT,
            Self::Called(_) => Rejection::CALLED_AE_TITLE,
            Self::Calling(_) | Self::BadCalling { .. } => Rejection::CALLING_AE_TITLE,
            Self::Identity(_) => Rejection::NO_REASON,
            Self::NoContext
            | Self::TooManyContexts(_)
            | Self::EvenContext(_)
            | Self::DuplicateContext(_)
            | Self::MaxPduTooSmall(_) => Rejection::UNUSABLE,
            Self::Congestion => Rejection::CONGESTION,
            Self::LocalLimit => Rejection::LOCAL_LIMIT,
        }
    }
}

/// The answer to one proposed presentation context (PS3.8 table 9-18).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContextAnswer {
    /// Accepted with this transfer syntax, which is one of those proposed.
    Accept(String),
    /// Refused by the application.
    UserRejection,
    /// Refused without a reason.
    NoReason,
    /// The abstract syntax is not supported.
    AbstractSyntaxNotSupported,
    /// None of the transfer syntaxes is supported.
    TransferSyntaxesNotSupported,
}

/// An accepted presentation context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// Its identifier, odd.
    pub id: u8,
    /// The SOP class.
    pub abstract_syntax: Uid,
    /// The transfer syntax that both sides use in it.
    pub transfer_syntax: Uid,
    /// Whether the requestor may be SCU here. It always may unless it asked for the SCP role alone, which is not granted:
    /// then its requests are answered with 0124.
    pub requestor_is_scu: bool,
}

/// An association as agreed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Negotiated {
    pub(crate) ac: AssociationAC,
    pub(crate) calling: AeTitle,
    pub(crate) called: AeTitle,
    pub(crate) contexts: Vec<Context>,
    pub(crate) peer_max_pdu: u32,
    pub(crate) our_max_pdu: u32,
}

impl Negotiated {
    /// The requestor's title.
    #[must_use]
    pub fn calling(&self) -> &AeTitle {
        &self.calling
    }

    /// The acceptor's title.
    #[must_use]
    pub fn called(&self) -> &AeTitle {
        &self.called
    }

    /// The accepted contexts, in the order proposed. There may be none: such an association is open all the same.
    #[must_use]
    pub fn contexts(&self) -> &[Context] {
        &self.contexts
    }

    /// The longest P-DATA-TF that the peer takes, in bytes; 0 is without limit.
    #[must_use]
    pub fn peer_max_pdu(&self) -> u32 {
        self.peer_max_pdu
    }

    /// Tells the peer that its user identity was accepted (PS3.7 §D.3.3.7.2). The server response of types 1 and 2 is empty.
    pub fn confirm_identity(&mut self) {
        self.ac.user_variables.push(UserVariableItem::Unknown(IDENTITY_RESPONSE, vec![0, 0]));
    }
}

const IDENTITY_RESPONSE: u8 = 0x59;

/// The two titles of a request, calling first, once both are titles and the called one is ours.
///
/// # Errors
/// [`Refusal::Called`] or [`Refusal::BadCalling`].
pub fn titles(rq: &AssociationRQ, terms: &Terms) -> Result<(AeTitle, AeTitle), Refusal> {
    let called = AeTitle::parse(&rq.called_ae_title)
        .ok()
        .filter(|called| terms.called.contains(called))
        .ok_or_else(|| Refusal::Called(rq.called_ae_title.clone()))?;
    let calling = AeTitle::parse(&rq.calling_ae_title)
        .map_err(|fault| Refusal::BadCalling { title: rq.calling_ae_title.clone(), fault })?;
    Ok((calling, called))
}

/// Answers a request.
///
/// `admit` is asked once with calling and called title, after those are known to be titles and the called one to be ours;
/// what it returns is handed on. `contexts` is asked for each proposed context with its identifier, its abstract syntax and its
/// transfer syntaxes in the requestor's order.
///
/// # Errors
/// The first thing, in the order of [`Refusal`]'s variants, for which the whole association has to be rejected. A context
/// that nobody wants is no such thing: it is refused alone.
pub fn negotiate<A>(
    rq: &AssociationRQ,
    terms: &Terms,
    admit: &dyn Fn(&AeTitle, &AeTitle) -> Result<A, Refusal>,
    contexts: &dyn Fn(u8, &str, &[String]) -> ContextAnswer,
) -> Result<(Negotiated, A), Refusal> {
    // PS3.8 §9.3.2: only bit 0 is tested.
    if rq.protocol_version & 1 == 0 {
        return Err(Refusal::ProtocolVersion(rq.protocol_version));
    }
    if rq.application_context_name != APPLICATION_CONTEXT {
        return Err(Refusal::ApplicationContext(rq.application_context_name.clone()));
    }
    let (calling, called) = titles(rq, terms)?;
    let admitted = admit(&calling, &called)?;
    check_identifiers(&rq.presentation_contexts)?;
    let peer_max_pdu = peer_max_pdu(&rq.user_variables);
    if peer_max_pdu != 0 && peer_max_pdu < LEAST_MAX_PDU {
        return Err(Refusal::MaxPduTooSmall(peer_max_pdu));
    }

    let mut accepted = Vec::new();
    let mut results = Vec::with_capacity(rq.presentation_contexts.len());
    for proposed in &rq.presentation_contexts {
        let (reason, syntax) = answer(proposed, contexts);
        if reason == PresentationContextResultReason::Acceptance {
            accepted.push(Context {
                id: proposed.id,
                abstract_syntax: Uid::new(&proposed.abstract_syntax),
                transfer_syntax: Uid::new(&syntax),
                requestor_is_scu: requestor_is_scu(&rq.user_variables, &proposed.abstract_syntax),
            });
        }
        results.push(PresentationContextResult {
            id: proposed.id,
            reason,
            transfer_syntax: syntax,
        });
    }
    let ac = AssociationAC {
        protocol_version: 1,
        calling_ae_title: calling.as_str().to_owned(),
        called_ae_title: called.as_str().to_owned(),
        application_context_name: APPLICATION_CONTEXT.to_owned(),
        presentation_contexts: results,
        user_variables: our_user_items(&rq.user_variables, terms),
    };
    let negotiated = Negotiated {
        ac,
        calling,
        called,
        contexts: accepted,
        peer_max_pdu,
        our_max_pdu: terms.max_pdu,
    };
    Ok((negotiated, admitted))
}

fn check_identifiers(contexts: &[PresentationContextProposed]) -> Result<(), Refusal> {
    if contexts.is_empty() {
        return Err(Refusal::NoContext);
    }
    if contexts.len() > MAX_CONTEXTS {
        return Err(Refusal::TooManyContexts(contexts.len()));
    }
    let mut seen = std::collections::BTreeSet::new();
    for context in contexts {
        if context.id % 2 == 0 {
            return Err(Refusal::EvenContext(context.id));
        }
        if !seen.insert(context.id) {
            return Err(Refusal::DuplicateContext(context.id));
        }
    }
    Ok(())
}

/// Result and transfer syntax for one context. The syntax of a refused one means nothing (PS3.8 §9.3.3.2), yet an item has
/// to stand there.
fn answer(
    proposed: &PresentationContextProposed,
    contexts: &dyn Fn(u8, &str, &[String]) -> ContextAnswer,
) -> (PresentationContextResultReason, String) {
    let any = || proposed.transfer_syntaxes.first().cloned().unwrap_or_default();
    match contexts(proposed.id, &proposed.abstract_syntax, &proposed.transfer_syntaxes) {
        ContextAnswer::Accept(syntax) if proposed.transfer_syntaxes.contains(&syntax) => {
            (PresentationContextResultReason::Acceptance, syntax)
        }
        ContextAnswer::Accept(_) | ContextAnswer::TransferSyntaxesNotSupported => {
            (PresentationContextResultReason::TransferSyntaxesNotSupported, any())
        }
        ContextAnswer::UserRejection => (PresentationContextResultReason::UserRejection, any()),
        ContextAnswer::NoReason => (PresentationContextResultReason::NoReason, any()),
        ContextAnswer::AbstractSyntaxNotSupported => {
            (PresentationContextResultReason::AbstractSyntaxNotSupported, any())
        }
    }
}

/// The maximum length among a peer's user items; 0 is without limit.
pub(crate) fn peer_max_pdu(items: &[UserVariableItem]) -> u32 {
    let announced = items.iter().find_map(|item| match item {
        UserVariableItem::MaxLength(length) => Some(*length),
        _ => None,
    });
    announced.unwrap_or(ASSUMED_MAX_PDU)
}

fn requestor_is_scu(items: &[UserVariableItem], class: &str) -> bool {
    // PS3.7 §D.3.3.4: without the item the requestor is SCU.
    roles_in(items, class).is_none_or(|roles| roles.scu)
}

/// The roles that user items give the requestor in a SOP class, where they speak of it.
pub(super) fn roles_in(items: &[UserVariableItem], class: &str) -> Option<RequestorRoles> {
    items.iter().find_map(|item| match item {
        UserVariableItem::ScuScpRoleSelectionSubItem(uid, roles) if uid == class => Some(*roles),
        _ => None,
    })
}

fn our_user_items(theirs: &[UserVariableItem], terms: &Terms) -> Vec<UserVariableItem> {
    let mut ours = vec![
        UserVariableItem::MaxLength(terms.max_pdu),
        UserVariableItem::ImplementationClassUID(IMPLEMENTATION_CLASS_UID.to_owned()),
    ];
    if theirs.iter().any(|item| matches!(item, UserVariableItem::Unknown(ASYNC_WINDOW, _))) {
        // PS3.7 §D.3.3.3: operations invoked and performed. Answered even though 1/1 is what silence means,
        // because some requestors take silence for no limit.
        ours.push(UserVariableItem::Unknown(ASYNC_WINDOW, vec![0, 1, 0, 1]));
    }
    for item in theirs {
        if let UserVariableItem::ScuScpRoleSelectionSubItem(class, roles) = item {
            // An archive that reports on a commitment opens the association as the SCP that it is (PS3.4 §J.3.3).
            let scp = roles.scp && class == STORAGE_COMMITMENT;
            let granted = RequestorRoles { scu: roles.scu, scp };
            ours.push(UserVariableItem::ScuScpRoleSelectionSubItem(class.clone(), granted));
        }
    }
    ours.push(UserVariableItem::ImplementationVersionName(IMPLEMENTATION_VERSION_NAME.to_owned()));
    ours
}

const ASYNC_WINDOW: u8 = 0x53;

#[cfg(test)]
#[path = "negotiate_tests.rs"]
mod tests;
