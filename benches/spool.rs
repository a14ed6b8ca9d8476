//! What custody costs: objects of 512 KiB taken durably by the spool, against the bare system calls in the same order, and
//! the ledger's events. Figures are printed, not asserted.
//!
//! The directory is `MARKGATE_BENCH_DIR`, or the system's temporary one: it should lie on the disk that is meant.

#![allow(clippy::print_stdout, clippy::disallowed_methods)]

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use markgate::base::time::now;
use markgate::dicom::ae_title::AeTitle;
use markgate::dicom::status::Status;
use markgate::dicom::uid::Uid;
use markgate::ledger::{self, DurableLog, Event, Ledger, LogFault, ObjectRow, Verdict, What};
use markgate::spool::{Config, Envelope, Journal, Priority, Spool};

const OBJECT: usize = 512 << 10;
const OBJECTS: usize = 800;
/// What one PDU of 128 KiB brings.
const CHUNK: usize = 128 << 10;

fn main() {
    let parent =
        std::env::var_os("MARKGATE_BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    let dir = parent.join(format!("markgate-bench-{}", std::process::id()));
    let data: Vec<u8> = (0..OBJECT).map(|n| n.to_le_bytes()[0]).collect();
    println!("{OBJECTS} objects of 512 KiB          objects/s     p50      p99");
    for round in 1..=2 {
        println!("round {round}");
        for threads in [1, 8, 16] {
            measure(&dir, "write, no sync", threads, |place, n| plain(place, n, &data, Sync::None));
            measure(&dir, "write, fdatasync", threads, |place, n| {
                plain(place, n, &data, Sync::File);
            });
            measure(&dir, "  + rename, directory", threads, |place, n| {
                plain(place, n, &data, Sync::Name);
            });
            let spool = open(&dir.join("spool"));
            measure(&dir, "spool", threads, |_place, _n| store(&spool, &data));
        }
    }
    events(&dir);
    fs::remove_dir_all(&dir).expect("removed");
}

/// Runs `one` for [`OBJECTS`] objects on so many threads.
fn measure(dir: &Path, what: &str, threads: usize, one: impl Fn(&Path, usize) + std::marker::Sync) {
    let place = dir.join("plain");
    fs::create_dir_all(place.join("tmp")).expect("made");
    fs::create_dir_all(place.join("final")).expect("made");
    let start = Instant::now();
    let mut times: Vec<Duration> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|thread| {
                let (one, place) = (&one, &place);
                scope.spawn(move || {
                    (0..OBJECTS / threads)
                        .map(|n| {
                            let start = Instant::now();
                            one(place, thread * OBJECTS + n);
                            start.elapsed()
                        })
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("no panic")).collect()
    });
    let total = start.elapsed();
    times.sort_unstable();
    let at = |part: usize| times.get(times.len() * part / 100).copied().unwrap_or_default();
    let rate = times.len() as f64 / total.as_secs_f64();
    println!(
        "{what:<24} x{threads:<3} {rate:>10.0} {:>7.2} ms {:>7.2} ms",
        at(50).as_secs_f64() * 1e3,
        at(99).as_secs_f64() * 1e3
    );
    fs::remove_dir_all(&place).expect("removed");
}

#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Sync {
    None,
    File,
    Name,
}

fn plain(place: &Path, n: usize, data: &[u8], sync: Sync) {
    let (part, path) =
        (place.join("tmp").join(n.to_string()), place.join("final").join(n.to_string()));
    let mut file = File::create_new(&part).expect("created");
    for chunk in data.chunks(CHUNK) {
        file.write_all(chunk).expect("written");
    }
    if sync >= Sync::File {
        file.sync_data().expect("synced");
    }
    if sync >= Sync::Name {
        fs::rename(&part, &path).expect("renamed");
        File::open(place.join("final")).expect("opened").sync_all().expect("synced");
    }
}

fn open(dir: &Path) -> Spool {
    let config = Config { dir: dir.to_owned(), reserve: 0, ballast: 0, ..Config::default() };
    Spool::open(&config, now()).expect("opens").0
}

fn envelope() -> Envelope {
    Envelope {
        calling_ae: AeTitle::parse("CT01").expect("a title"),
        called_ae: AeTitle::parse("MARKGATE").expect("a title"),
        peer: "127.0.0.1".parse().expect("an address"),
        certificate: None,
        transfer_syntax: Uid::new("1.2.840.10008.1.2.1"),
        sop_class: Uid::new("1.2.840.10008.5.1.4.1.1.2"),
        sop_instance: Uid::new("1.2.3.4"),
        message_id: 1,
        priority: Priority::Medium,
        received: now(),
    }
}

fn store(spool: &Spool, data: &[u8]) {
    let mut draft = spool.draft(&envelope()).expect("admitted");
    for chunk in data.chunks(CHUNK) {
        draft.write(chunk).expect("written");
    }
    let receipt = draft.commit_blocking().expect("committed");
    assert_eq!(receipt.length(), data.len() as u64);
}

struct Log(Journal);

impl DurableLog for Log {
    fn append(&mut self, records: &[Vec<u8>]) -> Result<u64, LogFault> {
        self.0.append(records).map_err(|fault| Arc::new(fault) as LogFault)
    }
}

/// The life of an object in the ledger, without the object: received, judged, sending, delivered.
fn events(dir: &Path) {
    const LIVES: u32 = 4000;
    let spool = open(&dir.join("events"));
    let config =
        ledger::Config { path: dir.join("events/ledger.sqlite"), offset: jiff::tz::offset(8) };
    let log = Box::new(Log(spool.journal().clone()));
    let ledger = Ledger::open(&config, log, now()).expect("opens");
    let runtime = tokio::runtime::Builder::new_multi_thread().build().expect("a runtime");
    for lanes in [1_u32, 8, 32] {
        let start = Instant::now();
        runtime.block_on(async {
            let workers: Vec<_> = (0..lanes)
                .map(|_| tokio::spawn(lives(ledger.clone(), spool.clone(), LIVES / lanes)))
                .collect();
            for worker in workers {
                worker.await.expect("no panic");
            }
        });
        let rate = f64::from(LIVES / lanes * lanes) / start.elapsed().as_secs_f64();
        println!(
            "ledger, {lanes} at a time      {rate:>10.0} lives/s (4 events, 2 of them durable)"
        );
    }
    let start = Instant::now();
    let due = ledger.due("pacs", now(), 100, &[]).expect("due");
    println!("due: {} in {:.2} ms", due.len(), start.elapsed().as_secs_f64() * 1e3);
}

async fn lives(ledger: Ledger, spool: Spool, count: u32) {
    let pacs = || "pacs".to_owned();
    for n in 0..count {
        let envelope = envelope();
        let object = spool.draft(&envelope).expect("admitted").id();
        let row = ObjectRow {
            id: object,
            received: envelope.received,
            calling_ae: envelope.calling_ae,
            called_ae: envelope.called_ae,
            peer: envelope.peer,
            transfer_syntax: envelope.transfer_syntax,
            sop_class: envelope.sop_class,
            sop_instance: Uid::new(&format!("1.2.{}", object.as_u128())),
            study: Uid::new("1.2"),
            series: Uid::new("1.2.3"),
            length: OBJECT as u64,
            hash: blake3::hash(&n.to_le_bytes()),
            urgent: false,
        };
        ledger.received(row).await.expect("received");
        let verdict = Verdict {
            destinations: vec![pacs()],
            report: "x".repeat(2000),
            plan: vec![0; 600],
            ..Verdict::default()
        };
        let delivered = What::Delivered {
            destination: pacs(),
            status: Status::SUCCESS,
            comment: String::new(),
            sent: blake3::hash(b"sent"),
        };
        for what in
            [What::Judged(Box::new(verdict)), What::Sending { destination: pacs() }, delivered]
        {
            ledger.record(Event { object, at: now(), what }).await.expect("recorded");
        }
    }
}
