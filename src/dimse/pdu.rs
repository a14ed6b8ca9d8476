//! The PDUs that open and close an association (PS3.8 §9.3), as bytes.
//!
//! They are held in dicom-ul's types. They are read and written here, because its reader refuses what PS3.8 tells a
//! receiver to skip (unknown items, a protocol version with more bits) or to ignore (the transfer syntax of a refused
//! context, reserved codes), and keeps padding NULs. Its reader and writer referee ours in the tests.

use std::fmt;

use dicom_ul::pdu::{
    AssociationAC, AssociationRQ, PresentationContextProposed, PresentationContextResult,
    PresentationContextResultReason, RequestorRoles, UserVariableItem,
};

use crate::dimse::MAX_CONTEXTS;
use crate::dimse::fault::{Abort, Rejection};

/// Bytes before the body of every PDU: type, reserved, length.
pub(crate) const PDU_HEADER: usize = 6;

/// The seven PDU types (PS3.8 §9.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PduType {
    /// A-ASSOCIATE-RQ.
    AssociateRq,
    /// A-ASSOCIATE-AC.
    AssociateAc,
    /// A-ASSOCIATE-RJ.
    AssociateRj,
    /// P-DATA-TF.
    PData,
    /// A-RELEASE-RQ.
    ReleaseRq,
    /// A-RELEASE-RP.
    ReleaseRp,
    /// A-ABORT.
    Abort,
}

impl PduType {
    /// The type that a PDU's first byte stands for.
    #[must_use]
    pub fn of(byte: u8) -> Option<Self> {
        Some(match byte {
            0x01 => Self::AssociateRq,
            0x02 => Self::AssociateAc,
            0x03 => Self::AssociateRj,
            0x04 => Self::PData,
            0x05 => Self::ReleaseRq,
            0x06 => Self::ReleaseRp,
            0x07 => Self::Abort,
            _ => return None,
        })
    }

    /// Bytes that its body has at least.
    pub(crate) fn least(self) -> u32 {
        match self {
            // Version, reserved, two AE titles, reserved (PS3.8 §9.3.2).
            Self::AssociateRq | Self::AssociateAc => 68,
            // One PDV without a byte in it.
            Self::PData => 6,
            Self::AssociateRj | Self::ReleaseRq | Self::ReleaseRp | Self::Abort => 4,
        }
    }
}

impl fmt::Display for PduType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AssociateRq => "A-ASSOCIATE-RQ",
            Self::AssociateAc => "A-ASSOCIATE-AC",
            Self::AssociateRj => "A-ASSOCIATE-RJ",
            Self::PData => "P-DATA-TF",
            Self::ReleaseRq => "A-RELEASE-RQ",
            Self::ReleaseRp => "A-RELEASE-RP",
            Self::Abort => "A-ABORT",
        })
    }
}

/// Transfer syntaxes that are looked at in one presentation context; the standard has some 60. A request of empty names
/// would otherwise take far more memory than it has bytes.
const MOST_SYNTAXES: usize = 64;

/// User items that are looked at: one for the role in each context, and the few others there are.
const MOST_USER_ITEMS: usize = 2 * MAX_CONTEXTS;

/// What is wrong with an item of an A-ASSOCIATE PDU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadItem {
    /// It claims more bytes than are left where it stands.
    #[error("item {kind:#04X} claims {length} bytes, {left} are left")]
    Cut {
        /// Item type.
        kind: u8,
        /// The length in its header.
        length: u16,
        /// Bytes left after the header.
        left: usize,
    },
    /// Bytes at an end that are too few for an item.
    #[error("{0} stray bytes where an item should stand")]
    Stray(usize),
    /// It is too short for its fixed fields.
    #[error("item {0:#04X} is too short")]
    Short(u8),
}

/// Type and body of the next item, and what follows it.
type Split<'a> = (u8, &'a [u8], &'a [u8]);

fn next_item(bytes: &[u8]) -> Result<Option<Split<'_>>, BadItem> {
    let (kind, length, rest) = match bytes {
        [] => return Ok(None),
        [kind, _, high, low, rest @ ..] => (*kind, u16::from_be_bytes([*high, *low]), rest),
        short => return Err(BadItem::Stray(short.len())),
    };
    match rest.split_at_checked(usize::from(length)) {
        Some((body, rest)) => Ok(Some((kind, body, rest))),
        None => Err(BadItem::Cut { kind, length, left: rest.len() }),
    }
}

/// A UID or a title: bytes outside ASCII become U+FFFD, so that no later check takes them for good ones.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim_matches([' ', '\0']).to_owned()
}

struct Fixed<'a> {
    protocol_version: u16,
    called: String,
    calling: String,
    items: &'a [u8],
}

/// The fields that RQ and AC share. `body` has the length that [`PduType::least`] asks for.
fn fixed(body: &[u8]) -> Fixed<'_> {
    let at = |range: std::ops::Range<usize>| body.get(range).unwrap_or_default();
    Fixed {
        protocol_version: at(0..2).iter().fold(0, |sum, byte| sum << 8 | u16::from(*byte)),
        called: text(at(4..20)),
        calling: text(at(20..36)),
        items: body.get(68..).unwrap_or_default(),
    }
}

/// Reads the body of an A-ASSOCIATE-RQ.
///
/// Unknown items and sub-items are skipped (PS3.8 §9.3.1). A user identity (0x58) is left out too: what holds a request may
/// print it. `user_identity` reads it.
///
/// # Errors
/// When the items do not add up to the body.
pub fn parse_rq(body: &[u8]) -> Result<AssociationRQ, BadItem> {
    let Fixed { protocol_version, called, calling, mut items } = fixed(body);
    let mut rq = AssociationRQ {
        protocol_version,
        calling_ae_title: calling,
        called_ae_title: called,
        application_context_name: String::new(),
        presentation_contexts: Vec::new(),
        user_variables: Vec::new(),
    };
    while let Some((kind, body, rest)) = next_item(items)? {
        items = rest;
        match kind {
            0x10 => rq.application_context_name = text(body),
            0x20 => {
                let [id, _, _, _, syntaxes @ ..] = body else {
                    return Err(BadItem::Short(kind));
                };
                let mut syntaxes = syntaxes;
                let mut context = PresentationContextProposed {
                    id: *id,
                    abstract_syntax: String::new(),
                    transfer_syntaxes: Vec::new(),
                };
                while let Some((kind, body, rest)) = next_item(syntaxes)? {
                    syntaxes = rest;
                    match kind {
                        0x30 => context.abstract_syntax = text(body),
                        0x40 if context.transfer_syntaxes.len() < MOST_SYNTAXES => {
                            context.transfer_syntaxes.push(text(body));
                        }
                        _ => {}
                    }
                }
                // One more than there can be shows that there are too many.
                if rq.presentation_contexts.len() <= MAX_CONTEXTS {
                    rq.presentation_contexts.push(context);
                }
            }
            0x50 => {
                rq.user_variables.append(&mut parse_user(body)?);
                rq.user_variables.truncate(MOST_USER_ITEMS);
            }
            _ => {}
        }
    }
    Ok(rq)
}

/// A user identity as a request gives it (PS3.7 §D.3.3.7).
#[derive(Clone, PartialEq, Eq)]
pub struct UserIdentity {
    /// 1 user name, 2 user name and passcode, 3 Kerberos, 4 SAML, 5 JWT.
    pub kind: u8,
    /// Whether the requestor wants to be told that it was accepted.
    pub wants_answer: bool,
    /// The user name, or a ticket.
    pub primary: Vec<u8>,
    /// The passcode; empty but for type 2.
    pub secondary: Vec<u8>,
}

/// Nothing that may be a secret: some requestors put one where the name should be.
impl fmt::Debug for UserIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserIdentity(type {})", self.kind)
    }
}

/// The user identity in the body of an A-ASSOCIATE-RQ that [`parse_rq`] has read. Two of them, or one that does not add up,
/// are as good as none.
#[must_use]
pub(crate) fn user_identity(body: &[u8]) -> Option<UserIdentity> {
    let mut found = None;
    let mut items = fixed(body).items;
    while let Ok(Some((kind, body, rest))) = next_item(items) {
        items = rest;
        let mut user = if kind == 0x50 { body } else { &[] };
        while let Ok(Some((kind, body, rest))) = next_item(user) {
            user = rest;
            if kind == 0x58 {
                match found {
                    None => found = Some(identity(body)?),
                    Some(_) => return None,
                }
            }
        }
    }
    found
}

fn identity(body: &[u8]) -> Option<UserIdentity> {
    let (&[kind, wants_answer], rest) = body.split_first_chunk()?;
    let (primary, rest) = counted(rest)?;
    let (secondary, _) = counted(rest)?;
    Some(UserIdentity {
        kind,
        wants_answer: wants_answer != 0,
        primary: primary.to_vec(),
        secondary: secondary.to_vec(),
    })
}

/// A field behind its length of two bytes, and what follows it.
fn counted(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))
}

/// Reads the body of an A-ASSOCIATE-AC. A context without a transfer syntax, or with a result that the standard does
/// not list, is one that was not accepted.
///
/// # Errors
/// When the items do not add up to the body.
pub fn parse_ac(body: &[u8]) -> Result<AssociationAC, BadItem> {
    let Fixed { protocol_version, called, calling, mut items } = fixed(body);
    let mut ac = AssociationAC {
        protocol_version,
        calling_ae_title: calling,
        called_ae_title: called,
        application_context_name: String::new(),
        presentation_contexts: Vec::new(),
        user_variables: Vec::new(),
    };
    while let Some((kind, body, rest)) = next_item(items)? {
        items = rest;
        match kind {
            0x10 => ac.application_context_name = text(body),
            0x21 => {
                let [id, _, result, _, syntaxes @ ..] = body else {
                    return Err(BadItem::Short(kind));
                };
                let mut syntaxes = syntaxes;
                let mut transfer_syntax = String::new();
                while let Some((kind, body, rest)) = next_item(syntaxes)? {
                    syntaxes = rest;
                    if kind == 0x40 {
                        transfer_syntax = text(body);
                    }
                }
                let reason = match result {
                    0 => PresentationContextResultReason::Acceptance,
                    1 => PresentationContextResultReason::UserRejection,
                    3 => PresentationContextResultReason::AbstractSyntaxNotSupported,
                    4 => PresentationContextResultReason::TransferSyntaxesNotSupported,
                    _ => PresentationContextResultReason::NoReason,
                };
                ac.presentation_contexts.push(PresentationContextResult {
                    id: *id,
                    reason,
                    transfer_syntax,
                });
            }
            0x50 => ac.user_variables.append(&mut parse_user(body)?),
            _ => {}
        }
    }
    Ok(ac)
}

fn parse_user(mut items: &[u8]) -> Result<Vec<UserVariableItem>, BadItem> {
    let mut user = Vec::new();
    while let Some((kind, body, rest)) = next_item(items)? {
        items = rest;
        if user.len() >= MOST_USER_ITEMS {
            continue;
        }
        user.push(match kind {
            0x51 => {
                let length = body.first_chunk().ok_or(BadItem::Short(kind))?;
                UserVariableItem::MaxLength(u32::from_be_bytes(*length))
            }
            0x52 => UserVariableItem::ImplementationClassUID(text(body)),
            0x54 => {
                let (length, rest) = body.split_first_chunk().ok_or(BadItem::Short(kind))?;
                let length = usize::from(u16::from_be_bytes(*length));
                let (class, roles) = rest.split_at_checked(length).ok_or(BadItem::Short(kind))?;
                let [scu, scp, ..] = roles else { return Err(BadItem::Short(kind)) };
                let roles = RequestorRoles { scu: *scu != 0, scp: *scp != 0 };
                UserVariableItem::ScuScpRoleSelectionSubItem(text(class), roles)
            }
            0x55 => UserVariableItem::ImplementationVersionName(text(body)),
            0x58 => continue,
            _ => UserVariableItem::Unknown(kind, body.to_vec()),
        });
    }
    Ok(user)
}

/// Reads the body of an A-ASSOCIATE-RJ.
pub(crate) fn parse_rj(body: &[u8]) -> Rejection {
    match body {
        [_, result, source, reason, ..] => {
            Rejection { result: *result, source: *source, reason: *reason }
        }
        _ => Rejection::NO_REASON,
    }
}

/// Reads the body of an A-ABORT.
pub(crate) fn parse_abort(body: &[u8]) -> Abort {
    match body {
        [_, _, source, reason, ..] => Abort { source: *source, reason: *reason },
        _ => Abort::NOT_SPECIFIED,
    }
}

fn put_item(out: &mut Vec<u8>, kind: u8, fill: impl FnOnce(&mut Vec<u8>)) {
    out.extend([kind, 0, 0, 0]);
    let start = out.len();
    fill(out);
    // An item is built of what came in items, or of UIDs and titles of ours: it fits 16 bits.
    let length = u16::try_from(out.len() - start).unwrap_or(u16::MAX);
    if let Some(field) = out.get_mut(start - 2..start) {
        field.copy_from_slice(&length.to_be_bytes());
    }
}

fn put_text(out: &mut Vec<u8>, kind: u8, text: &str) {
    put_item(out, kind, |out| out.extend(text.as_bytes()));
}

fn put_title(out: &mut Vec<u8>, title: &str) {
    let mut field = [b' '; 16];
    for (place, byte) in field.iter_mut().zip(title.bytes()) {
        *place = byte;
    }
    out.extend(field);
}

fn put_user(out: &mut Vec<u8>, items: &[UserVariableItem]) {
    put_item(out, 0x50, |out| {
        for item in items {
            match item {
                UserVariableItem::MaxLength(length) => {
                    put_item(out, 0x51, |out| out.extend(length.to_be_bytes()));
                }
                UserVariableItem::ImplementationClassUID(uid) => put_text(out, 0x52, uid),
                UserVariableItem::ScuScpRoleSelectionSubItem(class, roles) => {
                    put_item(out, 0x54, |out| {
                        out.extend(u16::try_from(class.len()).unwrap_or(u16::MAX).to_be_bytes());
                        out.extend(class.as_bytes());
                        out.extend([u8::from(roles.scu), u8::from(roles.scp)]);
                    });
                }
                UserVariableItem::ImplementationVersionName(name) => put_text(out, 0x55, name),
                UserVariableItem::Unknown(kind, body) => {
                    put_item(out, *kind, |out| out.extend(body));
                }
                // Neither is negotiated by us.
                UserVariableItem::SopClassExtendedNegotiationSubItem(..)
                | UserVariableItem::UserIdentityItem(_) => {}
            }
        }
    });
}

fn finish(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(PDU_HEADER + body.len());
    out.extend([kind, 0]);
    out.extend(u32::try_from(body.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend(body);
    out
}

/// Writes an A-ASSOCIATE-RQ.
#[must_use]
pub fn encode_rq(rq: &AssociationRQ) -> Vec<u8> {
    let mut body = Vec::with_capacity(1024);
    body.extend(rq.protocol_version.to_be_bytes());
    body.extend([0; 2]);
    put_title(&mut body, &rq.called_ae_title);
    put_title(&mut body, &rq.calling_ae_title);
    body.extend([0; 32]);
    put_text(&mut body, 0x10, &rq.application_context_name);
    for context in &rq.presentation_contexts {
        put_item(&mut body, 0x20, |out| {
            out.extend([context.id, 0, 0, 0]);
            put_text(out, 0x30, &context.abstract_syntax);
            for syntax in &context.transfer_syntaxes {
                put_text(out, 0x40, syntax);
            }
        });
    }
    put_user(&mut body, &rq.user_variables);
    finish(0x01, &body)
}

/// Writes an A-ASSOCIATE-AC.
#[must_use]
pub fn encode_ac(ac: &AssociationAC) -> Vec<u8> {
    let mut body = Vec::with_capacity(1024);
    body.extend(ac.protocol_version.to_be_bytes());
    body.extend([0; 2]);
    put_title(&mut body, &ac.called_ae_title);
    put_title(&mut body, &ac.calling_ae_title);
    body.extend([0; 32]);
    put_text(&mut body, 0x10, &ac.application_context_name);
    for context in &ac.presentation_contexts {
        put_item(&mut body, 0x21, |out| {
            let result = match context.reason {
                PresentationContextResultReason::Acceptance => 0,
                PresentationContextResultReason::UserRejection => 1,
                PresentationContextResultReason::NoReason => 2,
                PresentationContextResultReason::AbstractSyntaxNotSupported => 3,
                PresentationContextResultReason::TransferSyntaxesNotSupported => 4,
            };
            out.extend([context.id, 0, result, 0]);
            put_text(out, 0x40, &context.transfer_syntax);
        });
    }
    put_user(&mut body, &ac.user_variables);
    finish(0x02, &body)
}

/// Writes an A-ASSOCIATE-RJ.
pub(crate) fn encode_rj(rejection: Rejection) -> [u8; 10] {
    [0x03, 0, 0, 0, 0, 4, 0, rejection.result, rejection.source, rejection.reason]
}

/// A-RELEASE-RQ.
pub(crate) const RELEASE_RQ: [u8; 10] = [0x05, 0, 0, 0, 0, 4, 0, 0, 0, 0];

/// A-RELEASE-RP.
pub(crate) const RELEASE_RP: [u8; 10] = [0x06, 0, 0, 0, 0, 4, 0, 0, 0, 0];

/// Writes an A-ABORT.
pub(crate) fn encode_abort(abort: Abort) -> [u8; 10] {
    [0x07, 0, 0, 0, 0, 4, 0, 0, abort.source, abort.reason]
}

#[cfg(test)]
#[path = "pdu_tests.rs"]
mod tests;
