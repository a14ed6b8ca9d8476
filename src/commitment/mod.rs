//! Storage commitment (PS3.4 annex J): a modality asks whether its objects are kept, and deletes its own only when it is told so.
//!
//! # A request
//!
//! 1. An N-ACTION is answered 0000 once the request is on disk ([`Spool::keep_commitment`]), and not before.
//! 2. It waits until every object it names is with every destination that counts, or it is clear that one will not get there. What
//!    is held, unknown, or of another class is reported as failed, with the reason: the modality keeps its copy.
//! 3. Destinations that offer the service are asked the same of what they have got, by the UIDs that they have it under, and what
//!    they say counts. They report on the association of the request, or on one of their own to the gate.
//! 4. The modality is told in an N-EVENT-REPORT: on the association on which it asked while that is open, otherwise on a new one,
//!    opened by the AE that it asked, until it has taken the report or has been offered it for long enough.
//!
//! # The gate's own question
//!
//! A destination with `verify = "commitment"` is asked about every object that it has acknowledged, many at a time and once their
//! custody has ended. What it keeps need not be kept here for the time of retention ([`Ledger::checked`]); what it has not is sent
//! again, and after the third time that is an alarm. Nothing of it is written down but the answers: it can be asked again.
//!
//! # What always holds
//!
//! * An object is reported as committed only when every destination that counts has answered for it, and those that are asked have
//!   committed themselves.
//! * A request that was answered with 0000 outlives the process. A report is made at least once: one whose answer was lost is made
//!   again.
//! * Whoever does not know is told that it failed. A modality that keeps a copy too many does no harm.
//! * Requests, references and waits are bounded.
//!
//! It never looks into objects, and never removes one.
//!
//! [`Ledger::checked`]: crate::ledger::Ledger::checked
//! [`Spool::keep_commitment`]: crate::spool::Spool::keep_commitment

mod asking;
mod checks;
mod data_set;
mod keeper;
mod looking;
mod reference;
mod settings;
mod standing;
mod telling;
#[cfg(test)]
mod tests;
mod transaction;

pub use keeper::{Setup, run};
pub use reference::{Reason, Reference};
pub use settings::{Counts, Destination, Settings};
