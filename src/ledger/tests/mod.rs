//! The ledger on a real database and a log in memory.

mod checked;
mod conservation;
mod copies;
mod custody;
mod entered;
mod recovery;
mod retention;
mod studies;
mod tried;

use std::sync::{Arc, Mutex};

use tempfile::TempDir;

use super::*;
use crate::dicom::status::Status;

/// A sequence and its record.
pub(super) type Entry = (u64, Vec<u8>);

/// A log in memory, which outlives the ledger that writes it and can be made to fail.
#[derive(Clone, Default)]
pub(super) struct MemoryLog {
    entries: Arc<Mutex<Vec<Entry>>>,
    failing: Arc<Mutex<bool>>,
    panicking: Arc<Mutex<bool>>,
    lost: Arc<Mutex<Vec<ObjectId>>>,
}

impl MemoryLog {
    pub(super) fn entries(&self) -> Vec<Entry> {
        self.entries.lock().expect("not poisoned").clone()
    }

    /// The objects that it was told are lost.
    pub(super) fn told_lost(&self) -> Vec<ObjectId> {
        self.lost.lock().expect("not poisoned").clone()
    }

    /// Panics at the next record, once.
    pub(super) fn panic_once(&self) {
        *self.panicking.lock().expect("not poisoned") = true;
    }

    pub(super) fn fail(&self, failing: bool) {
        *self.failing.lock().expect("not poisoned") = failing;
    }
}

impl DurableLog for MemoryLog {
    fn append(&mut self, records: &[Vec<u8>]) -> Result<u64, LogFault> {
        let panics = std::mem::take(&mut *self.panicking.lock().expect("not poisoned"));
        assert!(!panics, "the log was to panic once");
        if *self.failing.lock().expect("not poisoned") {
            return Err(Arc::new(std::io::Error::from_raw_os_error(5)));
        }
        let mut entries = self.entries.lock().expect("not poisoned");
        let first = entries.last().map_or(1, |(last, _)| last + 1);
        for (sequence, record) in (first..).zip(records) {
            entries.push((sequence, record.clone()));
        }
        Ok(first)
    }

    fn lost(&mut self, objects: &[ObjectId]) {
        self.lost.lock().expect("not poisoned").extend(objects);
    }
}

/// A ledger in a fresh directory.
pub(super) struct Fixture {
    pub(super) dir: TempDir,
    pub(super) log: MemoryLog,
    pub(super) ledger: Ledger,
}

impl Fixture {
    pub(super) fn new() -> Self {
        let (dir, log) = (TempDir::new().expect("a directory"), MemoryLog::default());
        let ledger = open(&dir, &log);
        Self { dir, log, ledger }
    }

    /// Ends the ledger and opens it again on the same database.
    pub(super) fn restart(self) -> Self {
        let Self { dir, log, ledger } = self;
        drop(ledger);
        let ledger = open(&dir, &log);
        Self { dir, log, ledger }
    }

    pub(super) async fn receive(&self, object: u128) -> Arrival {
        self.ledger.received(row(object)).await.expect("received")
    }

    pub(super) async fn event(&self, object: u128, what: What) {
        self.ledger.record(event(object, what)).await.expect("recorded");
    }

    pub(super) async fn refusal(&self, object: u128, what: What) -> Refused {
        match self.ledger.record(event(object, what)).await {
            Err(LedgerFault::Refused(refused)) => refused,
            other => panic!("{other:?}"),
        }
    }

    /// Receives an object and sends it on its way to these destinations.
    pub(super) async fn forward(&self, object: u128, destinations: &[&str]) {
        assert_eq!(self.receive(object).await, Arrival::New);
        self.event(object, judged(Disposition::Forward, destinations)).await;
    }

    pub(super) fn state(&self, object: u128) -> ObjectState {
        self.explained(object).state
    }

    pub(super) fn explained(&self, object: u128) -> Explained {
        let filter = Filter { ids: vec![ObjectId::from_u128(object)], ..Filter::default() };
        let mut found = self.ledger.explain(&filter, 10).expect("explained");
        assert_eq!(found.len(), 1, "object {object}");
        found.remove(0)
    }

    pub(super) fn treatment(&self, object: u128, destination: &str) -> Option<Treatment> {
        self.departure(object, destination).map(|departure| departure.treatment)
    }

    pub(super) fn departure(&self, object: u128, destination: &str) -> Option<Departure> {
        self.ledger.departure(ObjectId::from_u128(object), destination).expect("asked")
    }

    pub(super) fn due(&self, destination: &str) -> Vec<u128> {
        let due = self.ledger.due(destination, now(), 100, &[]).expect("due");
        due.iter().map(|due| due.object.as_u128()).collect()
    }
}

pub(super) fn open(dir: &TempDir, log: &MemoryLog) -> Ledger {
    let config = Config { path: dir.path().join("ledger.sqlite"), offset: jiff::tz::offset(8) };
    Ledger::open(&config, Box::new(log.clone()), now()).expect("opens")
}

pub(super) fn now() -> Timestamp {
    "2026-11-24T10:00:00Z".parse().expect("a timestamp")
}

/// An object with a SOP Instance UID and bytes of its own.
pub(super) fn row(object: u128) -> ObjectRow {
    ObjectRow {
        id: ObjectId::from_u128(object),
        received: now(),
        calling_ae: AeTitle::parse("CT01").expect("a title"),
        called_ae: AeTitle::parse("MARKGATE").expect("a title"),
        peer: "127.0.0.1".parse().expect("an address"),
        transfer_syntax: Uid::new("1.2.840.10008.1.2.1"),
        sop_class: Uid::new("1.2.840.10008.5.1.4.1.1.2"),
        sop_instance: Uid::new(&format!("1.2.{object}")),
        study: Uid::new("1.2"),
        series: Uid::new("1.2.3"),
        length: 100,
        hash: blake3::hash(&object.to_le_bytes()),
        urgent: false,
    }
}

pub(super) fn event(object: u128, what: What) -> Event {
    Event { object: ObjectId::from_u128(object), at: now(), what }
}

pub(super) fn judged(disposition: Disposition, destinations: &[&str]) -> What {
    What::Judged(Box::new(Verdict {
        study: Uid::new("1.2"),
        series: Uid::new("1.2.3"),
        disposition,
        destinations: destinations.iter().map(|&name| name.to_owned()).collect(),
        report: "{}".to_owned(),
        plan: vec![1, 2, 3],
        ..Verdict::default()
    }))
}

pub(super) fn hold(reason: &str) -> Disposition {
    Disposition::Hold(vec![reason.to_owned()])
}

pub(super) fn sending(destination: &str) -> What {
    What::Sending { destination: destination.to_owned() }
}

pub(super) fn delivered(destination: &str) -> What {
    What::Delivered {
        destination: destination.to_owned(),
        status: Status::SUCCESS,
        comment: String::new(),
        sent: blake3::hash(b"sent"),
    }
}

pub(super) fn delivery_held(destination: &str) -> What {
    What::DeliveryHeld {
        destination: destination.to_owned(),
        error: "pacs_refused A900".to_owned(),
    }
}

pub(super) fn released() -> What {
    What::Released { by: "li".to_owned(), reason: "checked".to_owned(), to: Vec::new() }
}

pub(super) fn rejected() -> What {
    What::Rejected { by: "li".to_owned(), reason: "a test".to_owned() }
}
