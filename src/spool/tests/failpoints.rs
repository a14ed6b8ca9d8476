//! A fault at every call: whatever fails, nothing that was acknowledged is lost and the spool goes on.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::super::disk::faulty::{Fault, Verb};
use super::*;
use crate::base::figure::figure;

const ENOSPC: i32 = 28;
const EIO: i32 = 5;

const VERBS: [Verb; 8] = [
    Verb::Create,
    Verb::Write,
    Verb::SyncFile,
    Verb::Rename,
    Verb::SyncDirectory,
    Verb::CreateDirectory,
    Verb::Remove,
    Verb::Allocate,
];

/// What has been promised.
#[derive(Default)]
struct Promises {
    objects: Vec<Receipt>,
    removed: BTreeSet<ObjectId>,
    recorded: Vec<(u64, Vec<u8>)>,
}

/// Does something in which the disk may fail or even panic; what it yields when it did not.
fn tried<T>(act: impl FnOnce() -> Option<T>) -> Option<T> {
    catch_unwind(AssertUnwindSafe(act)).ok().flatten()
}

struct Scene {
    dir: TempDir,
    disk: Arc<FaultyDisk>,
}

impl Scene {
    fn open(&self) -> Option<Spool> {
        let config = Config { ballast: 1 << 20, ..config(&self.dir) };
        let disk = Arc::clone(&self.disk) as Arc<dyn Disk>;
        tried(|| Some(recovery::open(&config, disk, now()).ok()?.0))
    }

    /// Stores an object. A sync that failed meanwhile must not have been followed by a receipt.
    fn store(&self, spool: &Spool, verb: Verb, promises: &mut Promises) {
        let before = self.disk.has_failed();
        let receipt = tried(|| {
            let mut draft = spool.draft(&envelope(EXPLICIT)).ok()?;
            draft.write(&[7; 100_000]).ok()?;
            draft.commit_blocking().ok()
        });
        let is_sync = verb == Verb::SyncFile || verb == Verb::SyncDirectory;
        if is_sync && !before && self.disk.has_failed() {
            assert!(receipt.is_none(), "{verb:?}: acknowledged after a failed sync");
        }
        promises.objects.extend(receipt);
    }

    fn record(spool: &Spool, text: &str, promises: &mut Promises) {
        let payload = text.as_bytes().to_vec();
        let recorded = tried(|| spool.journal().append(std::slice::from_ref(&payload)).ok());
        promises.recorded.extend(recorded.map(|sequence| (sequence, payload)));
    }
}

/// A short life of a spool in which the n-th call of `verb` fails. `None` when there are not that many.
fn check(verb: Verb, nth: usize, fault: Fault) -> Option<()> {
    let scene = Scene { dir: TempDir::new().expect("a directory"), disk: Arc::default() };
    let mut promises = Promises::default();
    scene.disk.fail_at(verb, nth, fault);
    let mut spool = scene.open();
    if let Some(spool) = &spool {
        scene.store(spool, verb, &mut promises);
        Scene::record(spool, "one", &mut promises);
        scene.store(spool, verb, &mut promises);
        tried(|| {
            let mut draft = spool.draft(&envelope(EXPLICIT)).ok()?;
            draft.write(&[1; 100_000]).ok()?;
            draft.set_aside().ok()
        });
        Scene::record(spool, "two", &mut promises);
        if let Some(first) = promises.objects.first().map(Receipt::id) {
            // Whether or not it goes, it is not promised any more.
            promises.removed.insert(first);
            tried(|| spool.remove(&[first]).ok());
        }
        tried(|| {
            spool.put_ballast_back();
            Some(())
        });
        scene.store(spool, verb, &mut promises);
        Scene::record(spool, "three", &mut promises);
    }
    if !scene.disk.has_failed() {
        return None;
    }
    // It was one fault, and it is over.
    let opened = spool.is_some();
    let spool_again = match spool.take() {
        Some(spool) => spool,
        None => scene.open().expect("a start that failed can be made again"),
    };
    let (objects, records) = (promises.objects.len(), promises.recorded.len());
    scene.store(&spool_again, verb, &mut promises);
    Scene::record(&spool_again, "four", &mut promises);
    let what = format!("call {nth} of {verb:?}, {fault:?}, opened: {opened}");
    assert_eq!(promises.objects.len(), objects + 1, "{what}: the spool does not go on");
    assert_eq!(promises.recorded.len(), records + 1, "{what}: the journal does not go on");
    drop(spool_again);

    let spool = scene.open().expect("opens");
    let mut known = BTreeSet::new();
    for receipt in promises.objects.iter().filter(|one| !promises.removed.contains(&one.id())) {
        let stored = spool.object(receipt.id()).unwrap_or_else(|fault| panic!("{what}: {fault}"));
        stored.verify().unwrap_or_else(|fault| panic!("{what}: {fault}"));
        known.insert(receipt.id());
    }
    let compared = spool.reconcile(&known, |leftover| match leftover {
        Leftover::Adopted(stored) => {
            stored.verify().unwrap_or_else(|fault| panic!("{what}: half adopted: {fault}"));
        }
        other => panic!("{what}: {other:?}"),
    });
    compared.expect("reconciled");
    let found: Vec<(u64, Vec<u8>)> = spool.journal().replay(0).expect("begins").collect();
    for recorded in &promises.recorded {
        assert!(found.contains(recorded), "{what}: {recorded:?} is not in the journal");
    }
    Some(())
}

#[test]
fn whatever_call_fails_nothing_acknowledged_is_lost_and_the_spool_goes_on() {
    let faults = [Fault::Error(ENOSPC), Fault::Error(EIO), Fault::Panic];
    let (mut points, mut syncs) = (0, 0);
    for verb in VERBS {
        for fault in faults {
            let here = (0..).take_while(|nth| check(verb, *nth, fault).is_some()).count();
            assert!(here > 0, "{verb:?} is never called");
            points += here;
            if fault == Fault::Error(EIO) && matches!(verb, Verb::SyncFile | Verb::SyncDirectory) {
                syncs += here;
            }
        }
    }
    figure(
        "R5",
        "failpoints_matrix",
        format_args!(
            "{points} points (each call x no room, I/O error, panic), 0 acknowledged lost, 0 spools that do not go on"
        ),
    );
    figure(
        "R5",
        "fsync_eio_never_acks",
        format_args!("{syncs} syncs failed with EIO, 0 receipts after one"),
    );
}
