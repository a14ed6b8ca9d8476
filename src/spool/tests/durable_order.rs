//! The order of steps before a receipt, and what becomes of an object when one of them fails.

use std::sync::Barrier;

use super::super::disk::faulty::{Act, Fault, Verb};
use super::*;
use crate::base::figure::figure;

fn verbs(acts: &[Act]) -> Vec<Verb> {
    acts.iter().map(|Act(verb, _)| *verb).collect()
}

#[test]
fn a_receipt_follows_file_sync_then_rename_then_directory_sync() {
    let fixture = Fixture::new();
    let receipt = fixture.store(b"data");
    let shard = ids::shard(receipt.id());
    let want = [
        Act(Verb::Create, format!("{}.part", receipt.id())),
        Act(Verb::Write, String::new()),
        Act(Verb::SyncFile, String::new()),
        Act(Verb::CreateDirectory, shard.clone()),
        Act(Verb::SyncDirectory, "objects".to_owned()),
        Act(Verb::Rename, format!("{}.dcm", receipt.id())),
        Act(Verb::SyncDirectory, shard),
    ];
    assert_eq!(fixture.disk.take_acts(), want);
}

#[test]
fn a_small_object_touches_the_disk_in_its_commit_alone() {
    let fixture = Fixture::new();
    let draft = fixture.draft(&[0; 60_000]);
    assert_eq!(fixture.disk.take_acts(), []);
    drop(draft);
    assert_eq!(fixture.files("tmp"), [""; 0]);
}

#[test]
fn a_known_shard_costs_two_syncs_an_object() {
    let fixture = Fixture::new();
    fixture.store(b"first");
    fixture.disk.take_acts();
    fixture.store(b"second");
    let want = [Verb::Create, Verb::Write, Verb::SyncFile, Verb::Rename, Verb::SyncDirectory];
    assert_eq!(verbs(&fixture.disk.take_acts()), want);
}

#[test]
fn drafts_that_are_committed_together_share_the_sync_of_their_directory() {
    let fixture = Fixture::new();
    fixture.store(b"first");
    fixture.disk.take_acts();
    let drafts: Vec<Draft> = [b"one", b"two", b"six"].map(|bytes| fixture.draft(bytes)).into();
    let ids: Vec<ObjectId> = drafts.iter().map(Draft::id).collect();
    let receipts = Draft::commit_all(drafts).into_iter().map(|outcome| outcome.expect("committed"));
    assert_eq!(receipts.map(|receipt| receipt.id()).collect::<Vec<_>>(), ids);
    let made_durable = [Verb::Create, Verb::Write, Verb::SyncFile];
    let mut want = made_durable.repeat(3);
    want.extend([Verb::Rename, Verb::Rename, Verb::Rename, Verb::SyncDirectory]);
    assert_eq!(verbs(&fixture.disk.take_acts()), want);
    assert!(Draft::commit_all(Vec::new()).is_empty());
}

#[test]
fn a_draft_that_cannot_be_made_durable_keeps_no_other_from_being_committed() {
    for (verb, skip) in [(Verb::SyncFile, 1), (Verb::Rename, 1)] {
        let fixture = Fixture::new();
        fixture.store(b"first");
        let drafts: Vec<Draft> = [b"one", b"two", b"six"].map(|bytes| fixture.draft(bytes)).into();
        let ids: Vec<ObjectId> = drafts.iter().map(Draft::id).collect();
        fixture.disk.fail_at(verb, skip, Fault::Error(EIO));
        let outcomes = Draft::commit_all(drafts);
        let are_kept: Vec<bool> = outcomes.iter().map(Result::is_ok).collect();
        assert_eq!(are_kept, [true, false, true], "{verb:?}");
        let is_there = |id: &ObjectId| fixture.spool.object(*id).is_ok();
        assert_eq!(ids.iter().map(is_there).collect::<Vec<_>>(), are_kept, "{verb:?}");
        assert_eq!(fixture.files("tmp"), [""; 0]);
    }
}

#[test]
fn the_disk_begins_with_a_long_object_that_somebody_waits_for() {
    for (is_awaited, want) in [(true, 8), (false, 0)] {
        let fixture = Fixture::new();
        let mut draft = fixture.draft(b"data");
        if !is_awaited {
            draft.takes_its_time();
        }
        for _ in 0..33 {
            draft.write(&vec![0; 1 << 20]).expect("room");
        }
        let begun =
            verbs(&fixture.disk.take_acts()).into_iter().filter(|verb| *verb == Verb::Begin);
        assert_eq!(begun.count(), want);
        draft.commit_blocking().expect("committed");
    }
}

#[test]
fn a_half_made_shard_is_synced_again_before_it_is_used() {
    let fixture = Fixture::new();
    let draft = fixture.draft(b"data");
    let shard = ids::shard(draft.id());
    std::fs::create_dir(fixture.spool.shared.places.shard(&shard)).expect("made");
    draft.commit_blocking().expect("committed");
    let acts = fixture.disk.take_acts();
    let synced = acts.iter().position(|act| *act == Act(Verb::SyncDirectory, "objects".to_owned()));
    let renamed = acts.iter().position(|Act(verb, _)| *verb == Verb::Rename);
    assert!(synced.expect("synced") < renamed.expect("renamed"), "{acts:?}");
}

#[test]
fn a_dropped_draft_leaves_nothing() {
    let fixture = Fixture::new();
    drop(fixture.draft(&[7; 200_000]));
    assert_eq!(fixture.files(""), EMPTY);
}

/// Commits one object while `verb` fails once with `errno`; nothing may be kept or acknowledged, and the next object
/// must be taken.
#[track_caller]
fn check_failure(verb: Verb, errno: i32, want: fn(&StoreFault) -> bool) {
    let fixture = Fixture::new();
    let draft = fixture.draft(b"data");
    fixture.disk.fail(verb, errno, 1);
    let fault = draft.commit_blocking().expect_err("must not be acknowledged");
    assert!(want(&fault), "{verb:?}: {fault:?}");
    assert_eq!(fixture.files(""), EMPTY, "{verb:?}");
    fixture.disk.set_free(1 << 40);
    fixture.store(b"next");
}

const ENOSPC: i32 = 28;
const EIO: i32 = 5;

#[test]
fn a_full_disk_is_told_apart_at_every_step() {
    for verb in [Verb::Create, Verb::Write, Verb::CreateDirectory, Verb::Rename] {
        let fixture = Fixture::new();
        let draft = fixture.draft(b"data");
        fixture.disk.fail(verb, ENOSPC, 1);
        let fault = draft.commit_blocking().expect_err("must not be acknowledged");
        assert!(matches!(fault, StoreFault::Full { .. }), "{verb:?}: {fault:?}");
        assert_eq!(fixture.files(""), EMPTY, "{verb:?}");
        assert!(fixture.spool.admission().is_err() || fixture.spool.condition().free == 0);
    }
}

#[test]
fn a_failing_disk_acknowledges_nothing() {
    for verb in [Verb::Create, Verb::Write, Verb::CreateDirectory, Verb::Rename] {
        check_failure(verb, EIO, |fault| matches!(fault, StoreFault::Io { .. }));
    }
    for verb in [Verb::SyncFile, Verb::SyncDirectory] {
        check_failure(verb, EIO, |fault| matches!(fault, StoreFault::Sync { .. }));
        // A sync that reports a full disk is no less final.
        check_failure(verb, ENOSPC, |fault| matches!(fault, StoreFault::Sync { .. }));
    }
}

#[test]
fn a_failed_sync_of_a_used_shard_takes_the_object_back() {
    let fixture = Fixture::new();
    let first = fixture.store(b"first");
    let draft = fixture.draft(b"second");
    fixture.disk.fail(Verb::SyncDirectory, EIO, 1);
    let fault = draft.commit_blocking().expect_err("must not be acknowledged");
    assert!(matches!(fault, StoreFault::Sync { step: Step::SyncDirectory, .. }), "{fault:?}");
    assert_eq!(fixture.files("objects"), [format!("{}.dcm", first.id())]);
}

#[test]
fn a_draft_whose_write_failed_cannot_be_committed() {
    let fixture = Fixture::new();
    let mut draft = fixture.spool.draft(&envelope(EXPLICIT)).expect("admitted");
    fixture.disk.fail(Verb::Write, EIO, 1);
    assert!(matches!(draft.write(&[0; 100_000]), Err(StoreFault::Io { step: Step::Write, .. })));
    assert!(matches!(draft.write(b"more"), Err(StoreFault::GivenUp)));
    assert!(matches!(draft.commit_blocking(), Err(StoreFault::GivenUp)));
    assert_eq!(fixture.files(""), EMPTY);
}

#[test]
fn three_failed_syncs_stop_the_intake() {
    let fixture = Fixture::new();
    fixture.disk.fail(Verb::SyncFile, EIO, 3);
    for _ in 0..3 {
        assert!(fixture.draft(b"data").commit_blocking().is_err());
    }
    assert!(matches!(
        fixture.spool.draft(&envelope(EXPLICIT)),
        Err(StoreFault::Sick { failures: 3 })
    ));
    let Condition { failed_syncs, sick, .. } = fixture.spool.condition();
    assert_eq!((failed_syncs, sick), (3, true));
}

#[test]
fn objects_are_refused_below_the_reserve() {
    let dir = TempDir::new().expect("a directory");
    let disk = Arc::new(FaultyDisk::default());
    disk.set_free(99);
    let config = Config { reserve: 100, ..config(&dir) };
    let (spool, _recovered) =
        recovery::open(&config, Arc::clone(&disk) as Arc<dyn Disk>, now()).expect("opens");
    assert!(matches!(
        spool.draft(&envelope(EXPLICIT)),
        Err(StoreFault::Full { free: 99, reserve: 100 })
    ));
}

#[test]
fn a_large_object_stops_where_the_reserve_begins() {
    let fixture = Fixture::new();
    let dir = TempDir::new().expect("a directory");
    let config = Config { reserve: 100, ..config(&dir) };
    fixture.disk.set_free(100);
    let (spool, _recovered) =
        recovery::open(&config, Arc::clone(&fixture.disk) as Arc<dyn Disk>, now()).expect("opens");
    let mut draft = spool.draft(&envelope(EXPLICIT)).expect("admitted");
    draft.write(&[0; 1 << 20]).expect("written");
    drop(spool.shared.health.found_full(Instant::now()));
    let outcome = (0..16).try_for_each(|_| draft.write(&[0; 1 << 20]));
    assert!(matches!(outcome, Err(StoreFault::Full { .. })), "{outcome:?}");
    assert!(draft.commit_blocking().is_err());
    assert_eq!(files(&dir, ""), EMPTY);
}

#[test]
fn objects_that_come_together_share_directory_syncs_and_all_get_receipts() {
    const THREADS: usize = 16;
    const EACH: usize = 32;
    let fixture = Fixture::new();
    let barrier = Barrier::new(THREADS);
    let begun = Instant::now();
    let receipts: Vec<Receipt> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS)
            .map(|thread| {
                let (fixture, barrier) = (&fixture, &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    (0..EACH)
                        .map(|n| fixture.store(format!("object {thread} {n}").as_bytes()))
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("no panic")).collect()
    });
    let took = begun.elapsed();
    assert_eq!(receipts.len(), THREADS * EACH);
    assert_eq!(fixture.files("objects").len(), THREADS * EACH);
    assert_eq!(fixture.files("tmp"), [""; 0]);
    for receipt in &receipts {
        fixture.spool.object(receipt.id()).expect("stored").verify().expect("intact");
    }
    let syncs = verbs(&fixture.disk.take_acts())
        .into_iter()
        .filter(|verb| *verb == Verb::SyncDirectory)
        .count();
    assert!(syncs <= THREADS * EACH + 1, "{syncs}");
    figure(
        "R3",
        "group_commit",
        format_args!(
            "{THREADS} threads, {} objects: {:.2} directory syncs an object, {:.0} objects/s",
            THREADS * EACH,
            syncs as f64 / (THREADS * EACH) as f64,
            (THREADS * EACH) as f64 / took.as_secs_f64()
        ),
    );
}

#[tokio::test]
async fn a_commit_can_be_awaited() {
    let fixture = Fixture::new();
    let receipt = fixture.draft(b"data").commit().await.expect("committed");
    assert_eq!(fixture.files("objects"), [format!("{}.dcm", receipt.id())]);
}
