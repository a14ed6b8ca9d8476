//! The answers, as values.

use std::collections::BTreeMap;

use crate::base::object_id::ObjectId;
use crate::base::time::Timestamp;
use crate::dicom::uid::Uid;
use crate::ledger::event::Versions;
use crate::ledger::record::{Delivery, DeliveryState, ObjectState};

/// A delivery that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// What.
    pub object: ObjectId,
    /// Its SOP Class UID.
    pub sop_class: Uid,
    /// Its SOP Instance UID.
    pub sop_instance: Uid,
    /// Its series, whose order is to be kept.
    pub series: Uid,
    /// Its transfer syntax.
    pub transfer_syntax: Uid,
    /// The calling AE title under which it came.
    pub calling: String,
    /// Goes before others.
    pub urgent: bool,
    /// Attempts so far.
    pub attempts: u32,
}

/// How an object leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Treatment {
    /// Byte for byte as it came.
    AsReceived,
    /// With the edit plan of its latest verdict (never empty).
    Planned(Vec<u8>),
}

/// An object on its way to one of its destinations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Departure {
    /// How it leaves.
    pub treatment: Treatment,
    /// Whether no other destination waits for it.
    pub is_last: bool,
}

/// Which objects or deliveries are meant. All that is set must hold; nothing set means all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter {
    /// One of these objects; empty means any.
    pub ids: Vec<ObjectId>,
    /// Of this study.
    pub study: Option<Uid>,
    /// Of this series.
    pub series: Option<Uid>,
    /// Of this SOP Instance UID.
    pub sop_instance: Option<Uid>,
    /// To this destination (deliveries only).
    pub destination: Option<String>,
    /// In this state (deliveries only).
    pub state: Option<DeliveryState>,
    /// After this object, for the next page.
    pub after: Option<ObjectId>,
}

impl Filter {
    /// Whether it means certain objects, of which there are few.
    pub(super) fn names_objects(&self) -> bool {
        let by_uid = [&self.study, &self.series, &self.sop_instance];
        !self.ids.is_empty() || by_uid.iter().any(|uid| uid.is_some())
    }
}

/// What an object is to those that came before it under its SOP Instance UID; rejected and suppressed ones do not count.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Precedent {
    /// One of them has other bytes.
    pub conflicts: bool,
    /// The object has a verdict of its own.
    pub is_judged: bool,
    /// The latest verdict on the same bytes before it.
    pub verdict: Option<JudgedAs>,
}

/// One line of the queue: a delivery that is not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueEntry {
    /// The object.
    pub id: ObjectId,
    /// Its SOP Instance UID.
    pub sop_instance: Uid,
    /// Its Study Instance UID.
    pub study: Uid,
    /// Who sent it.
    pub source: String,
    /// When it came.
    pub received: Timestamp,
    /// Goes before others.
    pub urgent: bool,
    /// Its way to one destination.
    pub delivery: Delivery,
}

/// One line of the quarantine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarantineEntry {
    /// The object.
    pub id: ObjectId,
    /// Its SOP Instance UID.
    pub sop_instance: Uid,
    /// Its Study Instance UID.
    pub study: Uid,
    /// Who sent it.
    pub source: String,
    /// When it came.
    pub received: Timestamp,
    /// `held`, `released` or `rejected`.
    pub state: &'static str,
    /// Rule ids or codes, those of held deliveries included.
    pub reasons: Vec<String>,
}

/// What became of the objects of one source on one day.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Conservation {
    /// `YYYY-MM-DD`.
    pub day: String,
    /// Calling AE title.
    pub source: String,
    /// Taken into custody, but for suppressed ones.
    pub received: u64,
    /// Every destination has answered.
    pub delivered: u64,
    /// Waiting for a person.
    pub held: u64,
    /// Refused by a person.
    pub rejected: u64,
    /// Received and not yet any of the others.
    pub in_flight: u64,
    /// Never acknowledged.
    pub refused: u64,
    /// The same bytes were in custody already.
    pub suppressed: u64,
}

impl Conservation {
    /// Whether every object is accounted for.
    #[must_use]
    pub fn balances(&self) -> bool {
        self.received == self.delivered + self.held + self.rejected + self.in_flight
    }
}

/// Figures for `status` and metrics.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// Objects by state.
    pub objects: BTreeMap<ObjectState, u64>,
    /// Undelivered work by destination and state.
    pub deliveries: BTreeMap<(String, DeliveryState), u64>,
    /// When the oldest object came that is neither held nor settled.
    pub oldest: Option<Timestamp>,
}

/// All that is known of one object, for `explain` and `show`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// The object.
    pub id: ObjectId,
    /// When it came.
    pub received: Timestamp,
    /// Who sent it.
    pub source: String,
    /// Its SOP Instance UID.
    pub sop_instance: Uid,
    /// Its Study Instance UID.
    pub study: Uid,
    /// BLAKE3 of what came, in hexadecimal.
    pub hash: String,
    /// Where it stands.
    pub state: ObjectState,
    /// Why it is or was held.
    pub reasons: Vec<String>,
    /// A person let it go, as received.
    pub released: bool,
    /// Its latest verdict.
    pub verdict: Option<JudgedAs>,
    /// Its deliveries.
    pub deliveries: Vec<Delivery>,
}

/// A verdict as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgedAs {
    /// 1 for the first.
    pub version: u32,
    /// When.
    pub at: Timestamp,
    /// The mark.
    pub mark: Option<String>,
    /// The code of the reason why there is none.
    pub reason: Option<String>,
    /// The report that was given with the verdict.
    pub report: String,
    /// The edit plan; empty when nothing is changed.
    pub plan: Vec<u8>,
    /// What it was judged by.
    pub versions: Versions,
}
