//! What the pages ask of the gate. `web` knows neither ledger nor spool; whoever runs it implements [`Service`].

use std::fmt;
use std::future::Future;

use super::model::{
    Bypass, BypassOrder, Changed, Deed, Echo, Explanation, Health, Ledger, Peer, PeerTest,
    QuarantineEntry, QueueEntry, Rule, Statistics, Study, System,
};

/// Entries of a list, and how many there are in all.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed<T> {
    /// The first of them, at most as many as were asked for.
    pub entries: Vec<T>,
    /// How many there are.
    pub total: u64,
}

/// Which entries an action is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// Every one: the word `ALL`.
    All,
    /// Those with this id, or this SOP Instance, series or study UID.
    Named(String),
}

impl Selector {
    /// Reads one; `None` when it cannot name anything.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text == "ALL" {
            return Some(Self::All);
        }
        let good = !text.is_empty() && text.len() <= 256 && !text.contains(char::is_control);
        good.then(|| Self::Named(text.to_owned()))
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("ALL"),
            Self::Named(name) => f.write_str(name),
        }
    }
}

/// What may be done to deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueueAction {
    /// Try now, whatever the schedule says; a held one as well.
    Retry,
    /// Do not try until released.
    Hold,
    /// Let a held one go on.
    Release,
}

/// What may be done to objects in quarantine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QuarantineAction {
    /// Send it on unmarked and never judge it again.
    Release,
    /// Do not send it on.
    Reject,
    /// Judge it again.
    Recheck,
}

/// Why a request was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nothing bears that name.
    #[error("there is no {what} {name}")]
    NotFound {
        /// What was looked for, such as `delivery`.
        what: &'static str,
        /// What it was called.
        name: String,
    },
    /// It is there, and not in a state in which this can be done.
    #[error("{name} is {state}")]
    Conflict {
        /// What it is called.
        name: String,
        /// Its state, such as `already released`.
        state: String,
    },
    /// The request does not say what it must.
    #[error("{0}")]
    Unusable(&'static str),
    /// A later version will have it.
    #[error("not in this version; {instead}")]
    NotInThisVersion {
        /// What to use until then.
        instead: &'static str,
    },
    /// The gate cannot answer now: its ledger is busy or broken, or it is stopping.
    #[error("the gate cannot answer now: {problem}")]
    Unavailable {
        /// What is wrong, without patient data.
        problem: String,
    },
}

/// The gate, as its pages see it.
///
/// Every method is called on behalf of a person or program on the same machine. None may wait longer than its callers do
/// ([`super::DEADLINE`]); an answer that comes later is thrown away.
pub trait Service: Send + Sync + 'static {
    /// Whether the spool is writable and the listeners are bound.
    fn ready(&self) -> impl Future<Output = Health> + Send;
    /// The counters in the text format of Prometheus (OpenMetrics).
    fn metrics(&self) -> impl Future<Output = String> + Send;
    /// The state of the gate.
    fn system(&self) -> impl Future<Output = Result<System, Refusal>> + Send;
    /// Deliveries that are not done, oldest first, at most `limit`.
    fn queue(
        &self,
        limit: usize,
    ) -> impl Future<Output = Result<Listed<QueueEntry>, Refusal>> + Send;
    /// Does something to deliveries: by their id, their object's id or UIDs, or to all.
    fn act_on_queue(
        &self,
        which: Selector,
        action: QueueAction,
        deed: Deed,
    ) -> impl Future<Output = Result<Changed, Refusal>> + Send;
    /// Makes every deferred delivery due, or those to one destination.
    fn flush(&self, deed: Deed) -> impl Future<Output = Result<Changed, Refusal>> + Send;
    /// Held objects, oldest first, at most `limit`; with `settled` also those that were released or rejected.
    fn quarantine(
        &self,
        settled: bool,
        limit: usize,
    ) -> impl Future<Output = Result<Listed<QuarantineEntry>, Refusal>> + Send;
    /// Does something to held objects: by their id, SOP Instance, series or study UID, or to all.
    fn act_on_quarantine(
        &self,
        which: Selector,
        action: QuarantineAction,
        deed: Deed,
    ) -> impl Future<Output = Result<Changed, Refusal>> + Send;
    /// What was found on studies, those that settled last first, at most `limit`.
    fn studies(&self, limit: usize) -> impl Future<Output = Result<Vec<Study>, Refusal>> + Send;
    /// What was found on the study with a Study Instance UID.
    fn study(
        &self,
        study_instance_uid: String,
    ) -> impl Future<Output = Result<Study, Refusal>> + Send;
    /// Whether objects pass without being judged.
    fn bypass(&self) -> impl Future<Output = Result<Bypass, Refusal>> + Send;
    /// Has objects pass without being judged for a time, or be judged again.
    fn order_bypass(
        &self,
        order: BypassOrder,
    ) -> impl Future<Output = Result<Bypass, Refusal>> + Send;
    /// The destinations.
    fn peers(&self) -> impl Future<Output = Result<Vec<Peer>, Refusal>> + Send;
    /// Sends a C-ECHO to a destination.
    fn echo(&self, name: String) -> impl Future<Output = Result<Echo, Refusal>> + Send;
    /// Asks a destination what it accepts.
    fn test(&self, name: String) -> impl Future<Output = Result<PeerTest, Refusal>> + Send;
    /// Where the objects are.
    fn ledger(&self) -> impl Future<Output = Result<Ledger, Refusal>> + Send;
    /// What was marked and what was not.
    fn statistics(&self) -> impl Future<Output = Result<Statistics, Refusal>> + Send;
    /// The rules in force.
    fn rules(&self) -> impl Future<Output = Result<Vec<Rule>, Refusal>> + Send;
    /// Why the object with a SOP Instance UID was judged as it was, its newest version first.
    fn explain(
        &self,
        sop_instance_uid: String,
    ) -> impl Future<Output = Result<Vec<Explanation>, Refusal>> + Send;
    /// The first frame of the newest object with a SOP Instance UID, at its default window, as PNG: as it came, or `changed`, as
    /// it goes out.
    fn preview(
        &self,
        sop_instance_uid: String,
        changed: bool,
    ) -> impl Future<Output = Result<Vec<u8>, Refusal>> + Send;
    /// The DICOM Conformance Statement, as Markdown.
    fn conformance(&self) -> impl Future<Output = Result<String, Refusal>> + Send;
}
