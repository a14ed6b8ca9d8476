//! A crash at every moment: what was promised is there afterwards, and nothing half-done is taken for whole.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::recording::{Fate, Model, Op, RecordingDisk, Said};
use super::*;
use crate::base::figure::{figure, scale};

/// A data set of its own for each number, some larger than the buffer.
fn data(number: u32) -> Vec<u8> {
    let length = if number % 7 == 3 { 150_000 } else { 40 + number as usize };
    (0..length).map(|at| u8::try_from((at + number as usize * 31) % 251).expect("small")).collect()
}

fn open(root: &Path, disk: Arc<dyn Disk>) -> Spool {
    let config = Config { dir: root.to_owned(), reserve: 0, ballast: 0, ..Config::default() };
    recovery::open(&config, disk, now()).expect("opens").0
}

/// The disk as it is, but for the syncs: what comes after a crash is read, not crashed again.
struct Unsynced;

impl Disk for Unsynced {
    fn sync_file(&self, _file: &File) -> io::Result<()> {
        Ok(())
    }
    fn sync_directory(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }
}

fn store(spool: &Spool, disk: &RecordingDisk, data: &[u8]) -> ObjectId {
    let mut draft = spool.draft(&envelope(EXPLICIT)).expect("admitted");
    for piece in data.chunks(60_000) {
        draft.write(piece).expect("written");
    }
    let receipt = draft.commit_blocking().expect("committed");
    disk.say(Said::Acknowledged(receipt.id(), data.to_vec()));
    receipt.id()
}

fn record(spool: &Spool, disk: &RecordingDisk, text: &str) {
    let payload = text.as_bytes().to_vec();
    disk.say(Said::Recording(payload.clone()));
    let sequence = spool.journal().append(std::slice::from_ref(&payload)).expect("appended");
    disk.say(Said::Recorded(sequence, payload));
}

/// Two runs on one spool: the first one after the other, the second, after a start, on several threads. Objects are stored,
/// spoken of in the journal, given up half-way, and removed.
fn run(root: &Path, disk: &Arc<RecordingDisk>, objects: u32) {
    let spool = open(root, Arc::clone(disk) as Arc<dyn Disk>);
    let mut stored = Vec::new();
    for number in 0..objects / 2 {
        stored.push(store(&spool, disk, &data(number)));
        record(&spool, disk, &format!("of object {number}"));
        if number % 5 == 1 {
            let mut draft = spool.draft(&envelope(EXPLICIT)).expect("admitted");
            draft.write(&data(3)).expect("written");
        }
    }
    if let Some(&first) = stored.first() {
        disk.say(Said::Removing(first));
        spool.remove(&[first]).expect("removed");
        disk.say(Said::Removed(first));
    }
    drop(spool);
    let spool = open(root, Arc::clone(disk) as Arc<dyn Disk>);
    std::thread::scope(|threads| {
        for thread in 0..4 {
            let (spool, disk) = (&spool, &**disk);
            threads.spawn(move || {
                for number in (objects / 2..objects).filter(|number| number % 4 == thread) {
                    store(spool, disk, &data(number));
                    record(spool, disk, &format!("of object {number}"));
                }
            });
        }
    });
}

/// What has been promised.
#[derive(Default)]
struct Promises {
    objects: BTreeMap<ObjectId, Vec<u8>>,
    gone: BTreeSet<ObjectId>,
    recorded: Vec<(u64, Vec<u8>)>,
    attempted: BTreeSet<Vec<u8>>,
}

impl Promises {
    fn note(&mut self, op: &Op) {
        let Op::Said(said) = op else { return };
        match said.clone() {
            Said::Acknowledged(id, data) => drop(self.objects.insert(id, data)),
            Said::Removing(id) => drop(self.objects.remove(&id)),
            Said::Removed(id) => drop(self.gone.insert(id)),
            Said::Recording(payload) => drop(self.attempted.insert(payload)),
            Said::Recorded(sequence, payload) => {
                self.recorded.push((sequence, payload));
                // Threads tell of theirs in any order.
                self.recorded.sort();
            }
        }
    }

    /// Opens what a crash has left, and compares.
    #[track_caller]
    fn check(&self, root: &Path, when: &str) {
        let spool = open(root, Arc::new(Unsynced));
        for (id, data) in &self.objects {
            let stored = spool.object(*id).unwrap_or_else(|fault| panic!("{when}: LOST: {fault}"));
            stored.verify().unwrap_or_else(|fault| panic!("{when}: {fault}"));
            assert_eq!(stored.hash(), blake3::hash(data), "{when}: {id}");
        }
        let known: BTreeSet<ObjectId> = self.objects.keys().copied().collect();
        let compared = spool.reconcile(&known, |leftover| match leftover {
            // Its sender was not told yet: it is whole, or it is not there.
            Leftover::Adopted(stored) => {
                stored.verify().unwrap_or_else(|fault| panic!("{when}: half adopted: {fault}"));
                assert!(!self.gone.contains(&stored.id()), "{when}: removed and there again");
            }
            other => panic!("{when}: {other:?}"),
        });
        compared.expect("reconciled");
        let mut replay = spool.journal().replay(0).expect("begins");
        let found: Vec<(u64, Vec<u8>)> = replay.by_ref().collect();
        assert_eq!(replay.finish().expect("read"), [], "{when}");
        for recorded in &self.recorded {
            assert!(found.contains(recorded), "{when}: {recorded:?} is not in the journal");
        }
        for (_, payload) in &found {
            assert!(self.attempted.contains(payload), "{when}: nobody wrote {payload:?}");
        }
        let next = spool.journal().append(&[b"next".to_vec()]).expect("appended");
        assert!(self.recorded.iter().all(|(sequence, _)| *sequence < next), "{when}");
        let mut draft = spool.draft(&envelope(EXPLICIT)).expect("admitted");
        draft.write(b"more").expect("written");
        let receipt = draft.commit_blocking().expect("the spool goes on");
        assert!(self.objects.keys().all(|id| *id < receipt.id()), "{when}");
    }
}

#[test]
fn a_crash_at_any_moment_loses_nothing_that_was_promised() {
    let objects = scale(8, 50);
    let seeds = scale(2, 3);
    let dir = TempDir::new().expect("a directory");
    let root = dir.path().join("spool");
    let disk = Arc::new(RecordingDisk::pausing(vec![0, 1, 0, 2]));
    run(&root, &disk, objects);
    let ops = disk.take();
    let (mut model, mut promises) = (Model::new(&root), Promises::default());
    for point in 0..=ops.len() {
        for seed in 0..seeds {
            let left = dir.path().join("left");
            // Another seed at each point, but for the two extremes.
            let fate = match Fate::nth(seed) {
                Fate::Chance(seed) => Fate::Chance(seed + 1_000 * point as u64),
                extreme => extreme,
            };
            model.crash(fate, &left);
            promises.check(&left, &format!("crash {point} of {}, {fate:?}", ops.len()));
            std::fs::remove_dir_all(&left).expect("removed");
        }
        if let Some(op) = ops.get(point) {
            promises.note(op);
            model.step(op);
        }
    }
    figure(
        "R2",
        "simfs_crash_all_points",
        format_args!(
            "{} points x {seeds} fates of what was not synced, {objects} objects, 0 lost, 0 half adopted",
            ops.len() + 1
        ),
    );
}

/// Whether each receipt came after file sync, rename and directory sync, in this order. Gives the number of receipts.
#[track_caller]
fn check_order(root: &Path, ops: &[Op]) -> usize {
    let places = Places::new(root.to_owned());
    let find = |wanted: &dyn Fn(&Op) -> bool| ops.iter().position(wanted);
    let mut receipts = 0;
    for (told, op) in ops.iter().enumerate() {
        let Op::Said(Said::Acknowledged(id, _)) = op else { continue };
        receipts += 1;
        let (draft, object) = (places.draft(*id), places.object(*id));
        let shard = places.shard(&ids::shard(*id));
        let node = ops.iter().find_map(|op| match op {
            Op::Create { path, node } if *path == draft => Some(*node),
            _ => None,
        });
        let node = node.expect("created");
        let written = ops
            .iter()
            .rposition(|op| matches!(op, Op::Write { node: of, .. } if *of == node))
            .expect("written");
        let synced = find(
            &|op| matches!(op, Op::SyncedFile { node: of, begun } if *of == node && *begun > written),
        );
        let synced = synced.expect("the file is synced after its last byte");
        let renamed = find(&|op| matches!(op, Op::Rename { to, .. } if *to == object));
        let renamed = renamed.expect("renamed");
        assert!(synced < renamed, "{id}: renamed before it was synced");
        let named = find(
            &|op| matches!(op, Op::SyncedDirectory { path, begun } if *path == shard && *begun > renamed),
        );
        assert!(named.expect("the name is synced") < told, "{id}: told before its name was synced");
        let made = find(&|op| matches!(op, Op::CreateDirectory { path } if *path == shard));
        let made = made.expect("the shard is made");
        let kept = find(
            &|op| matches!(op, Op::SyncedDirectory { path, begun } if *path == places.objects() && *begun > made),
        );
        assert!(
            kept.expect("the shard is synced") < told,
            "{id}: told before its shard was synced"
        );
    }
    receipts
}

/// One run of sixteen threads that store a few objects each; whether a receipt came last, always.
fn interleave(pauses: Vec<u8>, each: u32) -> usize {
    const THREADS: u32 = 16;
    let dir = TempDir::new().expect("a directory");
    let root = dir.path().join("spool");
    let disk = Arc::new(RecordingDisk::pausing(pauses));
    let spool = open(&root, Arc::clone(&disk) as Arc<dyn Disk>);
    std::thread::scope(|threads| {
        for thread in 0..THREADS {
            let (spool, disk) = (&spool, &*disk);
            threads.spawn(move || {
                for number in 0..each {
                    store(spool, disk, &data(thread * 7 + number));
                }
            });
        }
    });
    let receipts = check_order(&root, &disk.take());
    assert_eq!(receipts, (THREADS * each) as usize);
    receipts
}

#[test]
fn however_sixteen_threads_interleave_a_receipt_comes_last() {
    let mut runner = TestRunner::new(ProptestConfig::with_cases(scale(24, 4_000)));
    let (runs, receipts) = (Cell::new(0), Cell::new(0));
    let strategy = (proptest::collection::vec(0_u8..6, 1..40), 1_u32..4);
    let outcome = runner.run(&strategy, |(pauses, each)| {
        receipts.set(receipts.get() + interleave(pauses, each));
        runs.set(runs.get() + 1);
        Ok(())
    });
    outcome.unwrap_or_else(|fault| panic!("{fault}"));
    figure(
        "R3",
        "ack_order_unit",
        format_args!(
            "{} interleavings of 16 receivers, {} receipts, 0 before file sync, rename and directory sync",
            runs.get(),
            receipts.get()
        ),
    );
}
