//! The DICOM Upper Layer (PS3.8) and the DIMSE messages above it (PS3.7), for both ends of an association.
//!
//! | File | Holds | Does I/O |
//! |---|---|---|
//! | [`negotiate`] | what an A-ASSOCIATE-RQ is answered with | no |
//! | [`pdu`] | A-ASSOCIATE, A-RELEASE and A-ABORT as bytes; dicom-ul's types hold them | no |
//! | `command`, [`message`], [`normalized`] | command sets and the requests and responses they stand for | no |
//! | `pdata` | the receiving side of P-DATA-TF: one buffer, fragments lent from it | no |
//! | [`frames`] | the sending side: PDUs laid out so that a file is read straight into them | no |
//! | `state` | the state table of PS3.8 §9.2 | no |
//! | [`timers`] | how long each wait may last | no |
//! | [`transport`] | what an association runs over | yes |
//! | [`tls`] | TLS below it | yes |
//! | `link` | all of the above on one transport | yes |
//! | [`acceptor`], [`requestor`], [`probe`] | the two ends, and the question what a peer takes | yes |
//! | [`mirror`] | a requestor's end like an acceptor's | yes |
//!
//! # Invariants
//! - Nothing is allocated by a length that a peer claims. An association reads through one buffer of bounded size.
//! - Every wait has a deadline, and the fault names the timer that fired.
//! - A fragment is marked as the last one only when its source has said that it ended: a send that is cancelled or
//!   fails part-way ends the association, and the peer sees an incomplete message.
//! - A success status is never made here: it is an argument.
//! - No rule of a site, no file, no clock on the wall; nothing is logged, faults say what happened.

pub mod acceptor;
pub mod fault;
pub mod frames;
pub mod message;
pub mod mirror;
pub mod negotiate;
pub mod normalized;
pub mod pdu;
pub mod probe;
pub mod requestor;
pub mod timers;
pub mod tls;
pub mod transport;

#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;

mod command;
mod link;
mod pdata;
mod state;
#[cfg(test)]
pub(crate) mod testing;

pub use acceptor::{Association, Message, Requested};
pub use fault::{Abort, Breach, Fault, Rejection, Stranger};
pub use frames::{Blocking, Frames, Source};
pub use message::{Answer, Priority, Request, StoreRequest};
pub use negotiate::{Context, ContextAnswer, Negotiated, Refusal, Terms};
pub use requestor::{
    Heralded, Outgoing, Peer, Proposed, Sent, ServiceRole, StoreFault, StoreOrder,
};
pub use timers::{Timer, Timers};
pub use tls::{Stream, TlsFault};
pub use transport::Transport;

/// The Application Context Name of DICOM (PS3.7 §A.2.1), the only one there is.
pub const APPLICATION_CONTEXT: &str = "1.2.840.10008.3.1.1.1";

/// Our Implementation Version Name (PS3.7 §D.3.3.2), at most 16 characters.
pub const IMPLEMENTATION_VERSION_NAME: &str = concat!("MARKGATE_", env!("CARGO_PKG_VERSION"));

const _: () = assert!(IMPLEMENTATION_VERSION_NAME.len() <= 16);

/// The longest A-ASSOCIATE PDU that is read: 128 contexts with 30 transfer syntaxes each fit.
pub const MAX_ASSOCIATE: usize = 128 << 10;

/// The read buffer of a busy association, in bytes: a PDU of the size we offer or the longest A-ASSOCIATE, and a header.
pub const READ_BUFFER: usize = MAX_ASSOCIATE + (4 << 10);

/// Presentation contexts that one association can have: the odd numbers of one byte (PS3.8 §9.3.2.2).
pub const MAX_CONTEXTS: usize = 128;

/// What a P-DATA-TF PDU may be long unless the configuration says otherwise, in both directions, in bytes.
pub const DEFAULT_MAX_PDU: u32 = 128 << 10;
