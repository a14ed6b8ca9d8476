//! Queue, quarantine and ledger.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{TriedOut, maybe_text, text};

/// One delivery that is not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueEntry {
    /// Its id, one for each object and destination.
    pub id: String,
    /// The object's id.
    pub object: String,
    /// The object's SOP Instance UID.
    pub sop_instance_uid: String,
    /// Its study.
    pub study_instance_uid: Option<String>,
    /// The destination's name.
    pub destination: String,
    /// How it stands.
    pub state: QueueState,
    /// Attempts so far.
    pub attempts: u32,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// When the object was taken into custody.
    #[serde(with = "text")]
    pub received: Timestamp,
    /// When the next attempt is due.
    #[serde(with = "maybe_text")]
    pub next_attempt: Option<Timestamp>,
}

/// How a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QueueState {
    /// Waits for its turn.
    Queued,
    /// On its way now.
    Sending,
    /// Failed for now, to be tried again.
    Deferred,
    /// Waits for a person.
    Held,
}

/// One object in quarantine, or one that was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantineEntry {
    /// The object's id.
    pub id: String,
    /// Its SOP Instance UID.
    pub sop_instance_uid: String,
    /// Its SOP Class UID.
    pub sop_class_uid: Option<String>,
    /// Its series.
    pub series_instance_uid: Option<String>,
    /// Its study.
    pub study_instance_uid: Option<String>,
    /// How it stands.
    pub state: QuarantineState,
    /// Ids of rules, or codes.
    pub reasons: Vec<String>,
    /// Calling AE title of its sender.
    pub calling_aet: String,
    /// When it was taken into custody.
    #[serde(with = "text")]
    pub received: Timestamp,
    /// When a person settled it.
    #[serde(with = "maybe_text")]
    pub settled: Option<Timestamp>,
    /// Who settled it.
    pub settled_by: Option<String>,
    /// Why, in that person's words.
    pub settled_reason: Option<String>,
}

/// How an object in quarantine stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuarantineState {
    /// Waits for a person.
    Held,
    /// Sent on, unmarked.
    Released,
    /// Not sent on.
    Rejected,
}

/// Who does something, and why; the body of a POST.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Deed {
    /// The person, by the name of the account that runs the verb.
    pub by: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// For `queue/flush`: only this destination.
    pub destination: Option<String>,
}

/// How many entries a POST changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// Entries.
    pub changed: u64,
}

/// Where the objects are: received = delivered + held + rejected + in flight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// Since the spool was made.
    #[serde(flatten)]
    pub counts: Counts,
    /// Whether the sum holds, overall and in every row.
    pub balanced: bool,
    /// The same by day and source, newest day first.
    pub days: Vec<Day>,
}

/// One day of one source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Day {
    /// The day of receipt, in the zone of `[mark] timezone`.
    #[serde(with = "text")]
    pub day: Date,
    /// Calling AE title.
    pub source: String,
    /// Its objects.
    #[serde(flatten)]
    pub counts: Counts,
}

/// Numbers of objects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Taken into custody.
    pub received: u64,
    /// Every destination answered for them.
    pub delivered: u64,
    /// Wait for a person.
    pub held: u64,
    /// A person decided not to send them on.
    pub rejected: u64,
    /// On their way.
    pub in_flight: u64,
    /// Never acknowledged; no part of the sum.
    pub refused: u64,
    /// Acknowledged, same bytes still queued; no part of the sum.
    pub suppressed: u64,
}

impl Counts {
    /// Whether received = delivered + held + rejected + in flight.
    #[must_use]
    pub fn balance(&self) -> bool {
        let parts = [self.delivered, self.held, self.rejected, self.in_flight];
        let sum = parts.into_iter().try_fold(0_u64, u64::checked_add);
        sum == Some(self.received)
    }
}

/// What was marked and what was not, since the gate was started.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statistics {
    /// Objects by mark.
    pub marked: BTreeMap<String, u64>,
    /// Objects without a mark, by reason.
    pub unmarked: BTreeMap<String, u64>,
    /// Findings by rule.
    pub findings: BTreeMap<String, u64>,
    /// What rules that are counted only would have withheld, by rule, restarts included.
    #[serde(default)]
    pub shadow: BTreeMap<String, Vec<TriedOut>>,
}
