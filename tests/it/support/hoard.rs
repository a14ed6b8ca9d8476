//! A spool with many objects, as the gate itself would have written it: objects, journal and ledger through the library.

use super::dataset::Object;
use jiff::tz::Offset;
use markgate::base::time::now;
use markgate::dicom::ae_title::AeTitle;
use markgate::dicom::status::Status;
use markgate::dicom::uid::Uid;
use markgate::ledger::{
    self, Disposition, DurableLog, Event, Filter, Ledger, LogFault, ObjectRow, ObjectState,
    Verdict, Versions, What,
};
use markgate::spool::{self, Envelope, ObjectId, Priority, Spool};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Threads that store at a time, so that they share syncs.
const THREADS: usize = 16;

/// Objects that are entered in the ledger at a time.
const GROUP: usize = 256;

struct Log(Spool);

impl DurableLog for Log {
    fn append(&mut self, records: &[Vec<u8>]) -> Result<u64, LogFault> {
        self.0.journal().append(records).map_err(|fault| Arc::new(fault) as LogFault)
    }
}

fn config(dir: &Path) -> spool::Config {
    spool::Config { dir: dir.to_owned(), reserve: 0, ballast: 0, ..spool::Config::default() }
}

fn open_ledger(spool: &Spool) -> Ledger {
    let path = spool.directory().join("ledger.sqlite");
    let index = ledger::Config { path, offset: Offset::constant(8) };
    Ledger::open(&index, Box::new(Log(spool.clone())), now()).expect("a ledger")
}

fn envelope(object: &Object) -> Envelope {
    let title = |text| AeTitle::parse(text).expect("a title");
    Envelope {
        calling_ae: title("CT01"),
        called_ae: title("MARKGATE"),
        peer: "127.0.0.1".parse().expect("an address"),
        certificate: None,
        transfer_syntax: Uid::new(super::wire::EXPLICIT_LE),
        sop_class: Uid::new(&object.class),
        sop_instance: Uid::new(&object.instance),
        message_id: 1,
        priority: Priority::Medium,
        received: now(),
    }
}

/// A slice of a few pixels, a kilobyte: what matters is their number. Each series has a hundred.
fn slice(number: u32) -> Object {
    Object::chest_ct(number / 100, number % 100).with_pixels(8, 8, vec![1; 128])
}

/// What becomes of an object after it has been judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mix {
    /// All wait for the destination `pacs`.
    #[allow(dead_code, reason = "what a million are for is tested under fire")]
    Queued,
    /// One in ten each is held, released, rejected, put off, or stays unjudged; four are delivered; the others wait.
    Everything,
}

/// Makes a spool below `dir` with so many objects.
pub fn fill(dir: &Path, objects: u32, mix: Mix) {
    let (spool, _) = Spool::open(&config(dir), now()).expect("a spool");
    let ledger = open_ledger(&spool);
    let next = AtomicU32::new(0);
    let (stored, rows) = std::sync::mpsc::sync_channel::<(u32, ObjectRow)>(4 * GROUP);
    std::thread::scope(|threads| {
        for _ in 0..THREADS {
            let (spool, next, stored) = (&spool, &next, stored.clone());
            threads.spawn(move || {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= objects {
                        return;
                    }
                    stored.send((number, store(spool, &slice(number)))).expect("entered below");
                }
            });
        }
        drop(stored);
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        loop {
            let group: Vec<(u32, ObjectRow)> = rows.iter().take(GROUP).collect();
            if group.is_empty() {
                return;
            }
            runtime.block_on(enter(&ledger, group, mix));
        }
    });
}

fn store(spool: &Spool, object: &Object) -> ObjectRow {
    let envelope = envelope(object);
    let mut draft = spool.draft(&envelope).expect("admitted");
    draft.write(&object.data()).expect("written");
    let receipt = draft.commit_blocking().expect("committed");
    ObjectRow {
        id: receipt.id(),
        received: envelope.received,
        calling_ae: envelope.calling_ae,
        called_ae: envelope.called_ae,
        peer: envelope.peer,
        transfer_syntax: envelope.transfer_syntax,
        sop_class: envelope.sop_class,
        sop_instance: envelope.sop_instance,
        study: Uid::new(&object.study),
        series: Uid::new(&format!("{}.1", object.study)),
        length: receipt.length(),
        hash: receipt.hash(),
        urgent: false,
    }
}

/// Enters a group, as judging does: the rows, then what happened to each.
async fn enter(ledger: &Ledger, group: Vec<(u32, ObjectRow)>, mix: Mix) {
    let mut entering = tokio::task::JoinSet::new();
    let mut events = Vec::new();
    for (number, row) in group {
        events.extend(story(number, &row, mix));
        let ledger = ledger.clone();
        entering.spawn(async move { ledger.received(row).await });
    }
    while let Some(entered) = entering.join_next().await {
        entered.expect("no panic").expect("entered");
    }
    for outcome in ledger.record_all(events).await.expect("recorded") {
        outcome.expect("it fits");
    }
}

fn story(number: u32, row: &ObjectRow, mix: Mix) -> Vec<Event> {
    let pacs = || "pacs".to_owned();
    let judged = |disposition| {
        What::Judged(Box::new(Verdict {
            study: row.study.clone(),
            series: row.series.clone(),
            disposition,
            destinations: vec![pacs()],
            mark: None,
            reason: Some("NO_INSTITUTION".to_owned()),
            report: REPORT.to_owned(),
            plan: Vec::new(),
            versions: Versions {
                rules: "0123456789abcdef".to_owned(),
                registry: "0123456789abcdef".to_owned(),
                config: "0123456789abcdef".to_owned(),
            },
            trial: None,
        }))
    };
    let (by, reason) = ("li".to_owned(), "checked".to_owned());
    let held = || judged(Disposition::Hold(vec!["PAT-001".to_owned()]));
    let forward = || judged(Disposition::Forward);
    let what = match (mix, number % 10) {
        (Mix::Queued, _) => vec![forward()],
        (Mix::Everything, 0) => vec![held()],
        (Mix::Everything, 1) => vec![held(), What::Released { by, reason, to: Vec::new() }],
        (Mix::Everything, 2) => vec![held(), What::Rejected { by, reason }],
        (Mix::Everything, 3) => {
            let sending = What::Sending { destination: pacs() };
            let error = "connection refused".to_owned();
            vec![forward(), sending, What::Deferred { destination: pacs(), due: now(), error }]
        }
        (Mix::Everything, 4) => Vec::new(),
        (Mix::Everything, 5..=8) => vec![
            forward(),
            What::Delivered {
                destination: pacs(),
                status: Status::SUCCESS,
                comment: String::new(),
                sent: row.hash,
            },
        ],
        (Mix::Everything, _) => vec![forward()],
    };
    what.into_iter().map(|what| Event { object: row.id, at: now(), what }).collect()
}

/// A report as a plain slice gets it.
const REPORT: &str = r#"{"findings":[{"rule":"IMG-ENC-003","principle":"standardization","severity":"info","authority":"site","attribute":"(0008,0005)","message":{"zh":"字符集","en":"character set"}}],"exam_date":"2026-05-01","institution":null,"items":[],"scopes":[],"mark":null,"reason":"NO_INSTITUTION"}"#;

/// What the ledger says of an object: its state, whether a person released it, and what it was held for.
pub type Told = (ObjectState, bool, Vec<String>);

/// What a ledger at rest says of every object in a spool.
pub fn told(dir: &Path) -> BTreeMap<ObjectId, Told> {
    let (spool, _) = Spool::open(&config(dir), now()).expect("a spool");
    let ledger = open_ledger(&spool);
    let mut told = BTreeMap::new();
    let known = ledger.known().expect("asked");
    let known: Vec<ObjectId> = known.into_iter().collect();
    for ids in known.chunks(GROUP) {
        let filter = Filter { ids: ids.to_vec(), ..Filter::default() };
        for one in ledger.explain(&filter, GROUP).expect("asked") {
            told.insert(one.id, (one.state, one.released, one.reasons));
        }
    }
    told
}

/// Removes the index with its companions.
#[expect(clippy::disallowed_methods, reason = "the index is no object")]
pub fn forget_index(dir: &Path) {
    for name in ["ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm"] {
        match std::fs::remove_file(dir.join(name)) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => panic!("{name}: {error}"),
        }
    }
}
