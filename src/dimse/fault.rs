//! What can go wrong on an association: one variant for each handling, codes as in PS3.8 §9.3.

use std::fmt;
use std::io;

use crate::dicom::uid::Uid;
use crate::dimse::pdu::{BadItem, PduType};
use crate::dimse::timers::Timer;
use crate::dimse::tls::TlsFault;

/// Result, source and reason of an A-ASSOCIATE-RJ (PS3.8 table 9-21), ours or a peer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rejection {
    /// 1 permanent, 2 transient.
    pub result: u8,
    /// 1 service-user, 2 service-provider (ACSE), 3 service-provider (presentation).
    pub source: u8,
    /// What is wrong, in the terms of the source.
    pub reason: u8,
}

impl Rejection {
    /// No reason given, by the service-user.
    pub const NO_REASON: Self = Self { result: 1, source: 1, reason: 1 };
    /// Application context name not supported.
    pub const APPLICATION_CONTEXT: Self = Self { result: 1, source: 1, reason: 2 };
    /// Calling AE title not recognized.
    pub const CALLING_AE_TITLE: Self = Self { result: 1, source: 1, reason: 3 };
    /// Called AE title not recognized.
    pub const CALLED_AE_TITLE: Self = Self { result: 1, source: 1, reason: 7 };
    /// No reason given, by the service-provider: the request cannot be answered as it stands.
    pub const UNUSABLE: Self = Self { result: 1, source: 2, reason: 1 };
    /// Protocol version not supported.
    pub const PROTOCOL_VERSION: Self = Self { result: 1, source: 2, reason: 2 };
    /// Temporary congestion: try again later.
    pub const CONGESTION: Self = Self { result: 2, source: 3, reason: 1 };
    /// Local limit exceeded: try again later.
    pub const LOCAL_LIMIT: Self = Self { result: 2, source: 3, reason: 2 };

    /// Whether the same request may succeed later.
    #[must_use]
    pub fn is_transient(self) -> bool {
        self.result == 2
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { result, source, reason } = *self;
        let text = match (source, reason) {
            (1 | 2, 1) => "no reason given",
            (1, 2) => "application context name not supported",
            (1, 3) => "calling AE title not recognized",
            (1, 7) => "called AE title not recognized",
            (2, 2) => "protocol version not supported",
            (3, 1) => "temporary congestion",
            (3, 2) => "local limit exceeded",
            _ => "a reason that the standard does not list",
        };
        write!(f, "{result}/{source}/{reason} {text}")
    }
}

/// Source and reason of an A-ABORT (PS3.8 table 9-26), ours or a peer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Abort {
    /// 0 service-user, 2 service-provider.
    pub source: u8,
    /// What is wrong; without meaning when the source is the service-user.
    pub reason: u8,
}

impl Abort {
    /// By the application.
    pub const USER: Self = Self { source: 0, reason: 0 };
    /// Reason not specified: a timer fired or a budget is spent.
    pub const NOT_SPECIFIED: Self = Self { source: 2, reason: 0 };
    /// A PDU type that PS3.8 does not list.
    pub const UNRECOGNIZED_PDU: Self = Self { source: 2, reason: 1 };
    /// A PDU that has no place in this state.
    pub const UNEXPECTED_PDU: Self = Self { source: 2, reason: 2 };
    /// A field with a value that cannot be.
    pub const INVALID_PARAMETER: Self = Self { source: 2, reason: 6 };
}

impl fmt::Display for Abort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { source, reason } = *self;
        let text = match (source, reason) {
            (0, _) => "by the application",
            (2, 0) => "reason not specified",
            (2, 1) => "unrecognized PDU",
            (2, 2) => "unexpected PDU",
            (2, 4) => "unrecognized PDU parameter",
            (2, 5) => "unexpected PDU parameter",
            (2, 6) => "invalid PDU parameter value",
            _ => "a reason that the standard does not list",
        };
        write!(f, "{source}/{reason} {text}")
    }
}

/// What spoke to us on a DICOM port without speaking DICOM, by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Stranger {
    /// A TLS handshake record: the peer is set to TLS, the port is not.
    #[error("the peer speaks TLS, this port does not")]
    Tls,
    /// An A-ASSOCIATE-RQ where TLS was due: the port is set to TLS, the peer is not.
    #[error("the peer speaks DICOM without TLS, this port wants TLS")]
    NoTls,
    /// The beginning of an HTTP request.
    #[error("the peer speaks HTTP")]
    Http,
    /// The greeting of SSH.
    #[error("the peer speaks SSH")]
    Ssh,
    /// Something else.
    #[error("the peer's first byte is {0:#04X}, not that of a PDU")]
    Other(u8),
}

/// A way in which a peer breaks the protocol.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Breach {
    /// A PDU type that PS3.8 does not list.
    #[error("PDU type {0:#04X} is unknown")]
    UnknownPdu(u8),
    /// A PDU that has no place in the state of the association.
    #[error("{0} is not expected now")]
    UnexpectedPdu(PduType),
    /// A PDU that claims more bytes than such a PDU may have here.
    #[error("{pdu} of {length} bytes, at most {limit} are taken")]
    PduTooLong {
        /// Its type.
        pdu: PduType,
        /// The length in its header.
        length: u32,
        /// What is allowed.
        limit: u32,
    },
    /// A PDU whose body is too short for its fixed fields.
    #[error("{pdu} of only {length} bytes")]
    PduTooShort {
        /// Its type.
        pdu: PduType,
        /// The length in its header.
        length: u32,
    },
    /// An A-ASSOCIATE PDU whose items do not add up.
    #[error("{pdu}: {fault}")]
    BadItem {
        /// Its type.
        pdu: PduType,
        /// What is wrong with which item.
        fault: BadItem,
    },
    /// A presentation data value shorter than its own header or longer than what is left of its PDU.
    #[error("a PDV of {length} bytes with {left} bytes left in its PDU")]
    PdvLength {
        /// The length in its header.
        length: u32,
        /// Bytes of the PDU after the length field.
        left: u32,
    },
    /// A presentation context that was not accepted.
    #[error("presentation context {0} was not accepted")]
    UnknownContext(u8),
    /// A fragment in another presentation context than the message it stands in.
    #[error("a fragment in presentation context {got} inside a message in {open}")]
    ContextChanged {
        /// That of the message.
        open: u8,
        /// That of the fragment.
        got: u8,
    },
    /// A command fragment before the last fragment of the data set.
    #[error("a command inside a data set")]
    CommandInsideDataSet,
    /// A data set fragment without a command that announces one.
    #[error("a data set without a command")]
    DataWithoutCommand,
    /// The peer asks for release in the middle of a message.
    #[error("a release request inside a message")]
    ReleaseInsideMessage,
    /// A data set that nobody wants and that does not end.
    #[error("more than {limit} bytes of a data set that is not taken")]
    Endless {
        /// How much is read for nothing.
        limit: u64,
    },
    /// A command set longer than any that makes sense.
    #[error("a command set of more than {limit} bytes")]
    CommandTooLong {
        /// What is allowed.
        limit: usize,
    },
    /// A command set whose elements do not add up, or without the elements needed to answer it.
    #[error("a command set that cannot be answered: {0}")]
    BadCommand(#[from] BadCommand),
    /// A response with nothing asked, or a request where a response is due.
    #[error("command field {0:#06X} is not expected now")]
    UnexpectedCommand(u16),
    /// A response to another message than ours.
    #[error("the response is to message {got}, not to {asked}")]
    WrongMessageId {
        /// What we sent.
        asked: u16,
        /// What the response says.
        got: u16,
    },
    /// A response about another object than ours.
    #[error("the response is about {got}, not about {asked}")]
    WrongInstance {
        /// What we sent.
        asked: Uid,
        /// What the response says.
        got: Uid,
    },
    /// A maximum length under which no message can be sent.
    #[error("the peer takes PDUs of {0} bytes only")]
    MaxPduTooSmall(u32),
}

/// Why a command set cannot even be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadCommand {
    /// An element reaches past the end of the command set.
    #[error("element (0000,{element:04X}) claims {length} bytes, {left} are left")]
    Cut {
        /// The element number.
        element: u16,
        /// What it claims.
        length: u32,
        /// What there is.
        left: usize,
    },
    /// Bytes at the end that are too few for an element.
    #[error("{0} stray bytes at its end")]
    Stray(usize),
    /// Command Field, Message ID, Message ID Being Responded To or Status is missing.
    #[error("(0000,{0:04X}) is missing or no number")]
    Missing(u16),
}

impl Breach {
    /// What the peer is told.
    #[must_use]
    pub fn abort(&self) -> Abort {
        match self {
            Self::UnknownPdu(_) => Abort::UNRECOGNIZED_PDU,
            Self::UnexpectedPdu(_) | Self::ReleaseInsideMessage => Abort::UNEXPECTED_PDU,
            Self::PduTooLong { .. }
            | Self::PduTooShort { .. }
            | Self::BadItem { .. }
            | Self::PdvLength { .. }
            | Self::UnknownContext(_)
            | Self::ContextChanged { .. }
            | Self::CommandInsideDataSet
            | Self::DataWithoutCommand
            | Self::CommandTooLong { .. }
            | Self::MaxPduTooSmall(_) => Abort::INVALID_PARAMETER,
            Self::Endless { .. } => Abort::NOT_SPECIFIED,
            // DIMSE is the service-user of PS3.8: what its messages say is not the provider's business.
            Self::BadCommand(_)
            | Self::UnexpectedCommand(_)
            | Self::WrongMessageId { .. }
            | Self::WrongInstance { .. } => Abort::USER,
        }
    }
}

/// Why an association ended, or never began. After any of them it can only be dropped: where the peer had to be told, it
/// has been.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The peer did not speak DICOM. The connection was closed without a word.
    #[error(transparent)]
    NotDicom(#[from] Stranger),
    /// No connection.
    #[error("no connection: {0}")]
    Connect(#[source] io::Error),
    /// The peer answered the association request with A-ASSOCIATE-RJ.
    #[error("association rejected: {0}")]
    Refused(Rejection),
    /// More presentation contexts asked for than one association can have.
    #[error("{0} presentation contexts asked for, one association has at most {max}", max = super::MAX_CONTEXTS)]
    TooManyContexts(usize),
    /// A timer fired.
    #[error("{0} timer fired")]
    Timeout(Timer),
    /// The peer sent A-ABORT.
    #[error("aborted by the peer: {0}")]
    Aborted(Abort),
    /// The peer released the association while we still wanted something of it.
    #[error("released by the peer")]
    Released,
    /// The peer closed the connection without a word.
    #[error("closed by the peer")]
    Closed,
    /// The connection broke.
    #[error("connection lost: {0}")]
    Io(#[source] io::Error),
    /// TLS was not agreed on, or ended in disagreement. The peer has been told by an alert, if it could be.
    #[error("TLS: {0}")]
    Tls(#[from] TlsFault),
    /// The peer broke the protocol and was sent A-ABORT.
    #[error("protocol: {0}")]
    Protocol(#[from] Breach),
    /// The source of a data set failed while it was being sent; the peer was sent A-ABORT.
    #[error("the object could not be read: {0}")]
    Source(#[source] io::Error),
    /// An earlier call failed or was cancelled half-way: nothing more can be said on this association.
    #[error("the association is broken")]
    Broken,
}

impl Fault {
    /// What a transport's error means: where it is TLS that failed, that is told.
    pub(crate) fn of_io(error: io::Error) -> Self {
        match TlsFault::within(&error) {
            Some(fault) => Self::Tls(fault),
            None => Self::Io(error),
        }
    }

    /// Whether a new association may do better without anyone changing anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Refused(rejection) => rejection.is_transient(),
            Self::TooManyContexts(_) | Self::NotDicom(_) | Self::Tls(_) => false,
            Self::Connect(_)
            | Self::Timeout(_)
            | Self::Aborted(_)
            | Self::Released
            | Self::Closed
            | Self::Io(_)
            | Self::Protocol(_)
            | Self::Source(_)
            | Self::Broken => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejections_and_aborts_read_as_the_standard_prints_them() {
        assert_eq!(Rejection::CALLED_AE_TITLE.to_string(), "1/1/7 called AE title not recognized");
        assert_eq!(Rejection::LOCAL_LIMIT.to_string(), "2/3/2 local limit exceeded");
        assert_eq!(Abort::UNEXPECTED_PDU.to_string(), "2/2 unexpected PDU");
        assert_eq!(Abort { source: 0, reason: 9 }.to_string(), "0/9 by the application");
        assert_eq!(Fault::Timeout(Timer::Artim).to_string(), "ARTIM timer fired");
    }

    #[test]
    fn only_a_changed_configuration_mends_a_permanent_rejection() {
        assert!(!Fault::Refused(Rejection::CALLED_AE_TITLE).is_transient());
        assert!(Fault::Refused(Rejection::CONGESTION).is_transient());
        assert!(Fault::Aborted(Abort::NOT_SPECIFIED).is_transient());
    }
}
