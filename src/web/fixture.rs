//! A service of known answers, for tests.

use std::collections::BTreeMap;
use std::sync::Mutex;

use jiff::Timestamp;
use jiff::civil::date;

use super::model::*;
use super::*;

/// Answers with what a test can compare, and remembers what it was asked to do.
#[derive(Default)]
pub(crate) struct Known {
    /// What it was asked to do, in order.
    pub asked: Mutex<Vec<String>>,
}

impl Known {
    fn note(&self, what: String) {
        self.asked.lock().expect("a lock that no test poisons").push(what);
    }
}

/// The one delivery of its queue.
pub(crate) fn entry() -> QueueEntry {
    QueueEntry {
        id: "1@pacs".to_owned(),
        object: "1".to_owned(),
        sop_instance_uid: "1.2.3".to_owned(),
        study_instance_uid: None,
        destination: "pacs".to_owned(),
        state: QueueState::Deferred,
        attempts: 2,
        last_error: Some("connection refused".to_owned()),
        received: Timestamp::UNIX_EPOCH,
        next_attempt: None,
    }
}

/// The one object of its quarantine.
pub(crate) fn held() -> QuarantineEntry {
    QuarantineEntry {
        id: "2".to_owned(),
        sop_instance_uid: "1.2.4".to_owned(),
        sop_class_uid: None,
        series_instance_uid: None,
        study_instance_uid: Some("1.2".to_owned()),
        state: QuarantineState::Held,
        reasons: vec!["PAT-001".to_owned()],
        calling_aet: "CT01".to_owned(),
        received: Timestamp::UNIX_EPOCH,
        settled: None,
        settled_by: None,
        settled_reason: None,
    }
}

fn pacs() -> Peer {
    Peer {
        name: "pacs".to_owned(),
        kind: PeerKind::Dicom,
        address: "PACS@127.0.0.1:11113".to_owned(),
        state: PeerState::Down,
        queued: 1,
        delivered: 0,
        last_error: Some("connection refused".to_owned()),
        last_delivery: None,
        alarm: Some("stalled".to_owned()),
        stalled_since: Some(Timestamp::UNIX_EPOCH),
        stalled_seconds: Some(301),
    }
}

impl Service for Known {
    async fn ready(&self) -> Health {
        Health { ok: false, problems: vec!["the spool is full".to_owned()] }
    }
    async fn metrics(&self) -> String {
        "# EOF\n".to_owned()
    }
    async fn system(&self) -> Result<System, Refusal> {
        Err(Refusal::Unavailable { problem: "stopping".to_owned() })
    }
    async fn queue(&self, limit: usize) -> Result<Listed<QueueEntry>, Refusal> {
        self.note(format!("queue {limit}"));
        Ok(Listed { entries: vec![entry()], total: 7 })
    }
    async fn act_on_queue(
        &self,
        which: Selector,
        action: QueueAction,
        deed: Deed,
    ) -> Result<Changed, Refusal> {
        self.note(format!("{which} {action:?} {deed:?}"));
        Ok(Changed { changed: 1 })
    }
    async fn flush(&self, deed: Deed) -> Result<Changed, Refusal> {
        self.note(format!("flush {:?}", deed.destination));
        Ok(Changed { changed: 3 })
    }
    async fn quarantine(
        &self,
        settled: bool,
        limit: usize,
    ) -> Result<Listed<QuarantineEntry>, Refusal> {
        self.note(format!("quarantine {settled} {limit}"));
        Ok(Listed { entries: vec![held()], total: 1 })
    }
    async fn act_on_quarantine(
        &self,
        which: Selector,
        action: QuarantineAction,
        deed: Deed,
    ) -> Result<Changed, Refusal> {
        if which == Selector::All {
            self.note(format!("ALL {action:?} {:?}", deed.reason));
            return Ok(Changed { changed: 2 });
        }
        Err(Refusal::Conflict { name: which.to_string(), state: "already released".to_owned() })
    }
    async fn studies(&self, limit: usize) -> Result<Vec<Study>, Refusal> {
        self.note(format!("studies {limit}"));
        Ok(Vec::new())
    }
    async fn study(&self, study_instance_uid: String) -> Result<Study, Refusal> {
        Err(Refusal::NotFound { what: "study", name: study_instance_uid })
    }
    async fn bypass(&self) -> Result<Bypass, Refusal> {
        Ok(Bypass::default())
    }
    async fn order_bypass(&self, order: BypassOrder) -> Result<Bypass, Refusal> {
        let BypassOrder { on, time, by: _, reason } = order;
        self.note(format!("bypass {on} {time:?} {reason:?}"));
        let until = on.then_some(Timestamp::UNIX_EPOCH);
        Ok(Bypass { on, until, left_seconds: on.then_some(7_200), by: None, reason })
    }
    async fn peers(&self) -> Result<Vec<Peer>, Refusal> {
        Ok(vec![pacs()])
    }
    async fn echo(&self, name: String) -> Result<Echo, Refusal> {
        if name == "pacs" {
            return Ok(Echo { name, ok: true, milliseconds: 7, error: None });
        }
        Err(Refusal::NotFound { what: "destination", name })
    }
    async fn test(&self, name: String) -> Result<PeerTest, Refusal> {
        Err(Refusal::NotFound { what: "destination", name })
    }
    async fn ledger(&self) -> Result<Ledger, Refusal> {
        let counts = Counts { received: 3, delivered: 1, held: 1, ..Counts::default() };
        let day = Day { day: date(2026, 5, 1), source: "CT01".to_owned(), counts };
        Ok(Ledger { counts, balanced: counts.balance(), days: vec![day] })
    }
    async fn statistics(&self) -> Result<Statistics, Refusal> {
        let marked = BTreeMap::from([("JJJHR".to_owned(), 3)]);
        let tried = TriedOut { unit: "object".to_owned(), applied: 7, withheld: 2 };
        let shadow = BTreeMap::from([("A-1".to_owned(), vec![tried])]);
        Ok(Statistics { marked, shadow, ..Statistics::default() })
    }
    async fn rules(&self) -> Result<Vec<Rule>, Refusal> {
        Ok(Vec::new())
    }
    async fn explain(&self, sop_instance_uid: String) -> Result<Vec<Explanation>, Refusal> {
        Err(Refusal::NotFound { what: "object", name: sop_instance_uid })
    }
    async fn preview(&self, sop_instance_uid: String, changed: bool) -> Result<Vec<u8>, Refusal> {
        match (sop_instance_uid.as_str(), changed) {
            ("1.2", true) => Ok(b"after".to_vec()),
            ("1.2", false) => Ok(b"before".to_vec()),
            _ => Err(Refusal::NotFound { what: "instance", name: sop_instance_uid }),
        }
    }
    async fn conformance(&self) -> Result<String, Refusal> {
        Ok("# DICOM Conformance Statement\n".to_owned())
    }
}
