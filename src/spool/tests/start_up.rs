//! One test for each leftover that the start-up procedure names.

use std::collections::BTreeSet;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::*;

/// Ends the spool and opens it again.
fn restart(fixture: Fixture) -> (Fixture, Recovered) {
    let Fixture { dir, disk, spool } = fixture;
    drop(spool);
    let (spool, recovered) =
        recovery::open(&config(&dir), Arc::clone(&disk) as Arc<dyn Disk>, now()).expect("opens");
    (Fixture { dir, disk, spool }, recovered)
}

fn reconcile(spool: &Spool, known: impl IntoIterator<Item = ObjectId>) -> Vec<Leftover> {
    let mut found = Vec::new();
    let known: BTreeSet<ObjectId> = known.into_iter().collect();
    spool.reconcile(&known, |leftover| found.push(leftover)).expect("reconciled");
    found
}

#[test]
fn a_new_spool_is_made_and_empty() {
    let dir = TempDir::new().expect("a directory");
    let (spool, recovered) = Spool::open(&config(&dir), now()).expect("opens");
    assert_eq!(recovered, Recovered { at: now(), drafts: 0, newest: None, torn: 0 });
    assert!(reconcile(&spool, []).is_empty());
    assert_eq!(files(&dir, ""), EMPTY);
}

#[test]
fn what_is_in_a_spool_is_spread_over_the_disk_where_that_can_be_told() {
    use rustix::fs::{IFlags, ioctl_getflags, ioctl_setflags};
    let is_told = |directory: &Path| -> rustix::io::Result<bool> {
        Ok(ioctl_getflags(File::open(directory).expect("opens"))?.contains(IFlags::TOPDIR))
    };
    let beside = TempDir::new().expect("a directory");
    let file = File::open(beside.path()).expect("opens");
    let told =
        ioctl_getflags(&file).and_then(|flags| ioctl_setflags(&file, flags | IFlags::TOPDIR));
    let want = told.and_then(|()| is_told(beside.path()));
    assert_eq!(is_told(&config(&Fixture::new().dir).dir).ok(), want.ok());
}

#[test]
fn two_gates_on_one_spool_are_refused() {
    let fixture = Fixture::new();
    match Spool::open(&config(&fixture.dir), now()) {
        Err(SpoolFault::Locked { path }) => assert_eq!(path, config(&fixture.dir).dir),
        Err(other) => panic!("{other}"),
        Ok(_spool) => panic!("must not open"),
    }
    let draft = fixture.draft(b"data");
    let Fixture { dir, spool, .. } = fixture;
    drop(spool);
    assert!(Spool::open(&config(&dir), now()).is_err(), "a draft still uses it");
    drop(draft);
    assert!(Spool::open(&config(&dir), now()).is_ok());
}

#[test]
fn a_spool_that_cannot_be_written_is_refused() {
    let dir = TempDir::new().expect("a directory");
    std::fs::write(dir.path().join("spool"), "a file in its place").expect("written");
    assert!(matches!(Spool::open(&config(&dir), now()), Err(SpoolFault::NotWritable { .. })));
}

#[test]
fn a_disk_that_confirms_nothing_is_refused() {
    use super::super::disk::faulty::Verb;
    for verb in
        [Verb::CreateDirectory, Verb::SyncDirectory, Verb::Create, Verb::Write, Verb::SyncFile]
    {
        let dir = TempDir::new().expect("a directory");
        let disk = Arc::new(FaultyDisk::default());
        disk.fail(verb, 5, 1);
        let opened = recovery::open(&config(&dir), disk as Arc<dyn Disk>, now());
        assert!(matches!(opened, Err(SpoolFault::NotWritable { .. })), "{verb:?}");
    }
}

#[test]
fn drafts_of_a_killed_gate_are_removed_and_counted() {
    let fixture = Fixture::new();
    let mut drafts = vec![fixture.draft(&[0; 100_000]), fixture.draft(&[0; 100_000])];
    for draft in &mut drafts {
        draft.write(&[0; 100_000]).expect("written");
    }
    assert_eq!(fixture.files("tmp").len(), 2);
    let kept: Vec<Vec<u8>> = fixture
        .files("tmp")
        .iter()
        .map(|name| std::fs::read(fixture.spool.shared.places.drafts().join(name)).expect("read"))
        .collect();
    drop(drafts);
    for (n, bytes) in kept.iter().enumerate() {
        let path = fixture.spool.shared.places.drafts().join(format!("{n}.part"));
        std::fs::write(path, bytes).expect("written");
    }
    let (fixture, recovered) = restart(fixture);
    assert_eq!(recovered.drafts, 2);
    assert_eq!(fixture.files("tmp"), [""; 0]);
}

#[test]
fn a_complete_object_that_the_index_does_not_know_is_adopted() {
    let fixture = Fixture::new();
    let (known, unknown) = (fixture.store(b"known"), fixture.store(b"unknown"));
    let (fixture, recovered) = restart(fixture);
    assert_eq!(recovered.newest, Some(unknown.id()));
    let found = reconcile(&fixture.spool, [known.id()]);
    match found.as_slice() {
        [Leftover::Adopted(object)] => {
            assert_eq!((object.id(), object.hash()), (unknown.id(), unknown.hash()));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_object_without_end_mark_goes_to_corrupt() {
    let fixture = Fixture::new();
    let receipt = fixture.store(b"data");
    let path = fixture.spool.shared.places.object(receipt.id());
    let file = File::options().write(true).open(path).expect("opens");
    file.set_len(file.metadata().expect("metadata").len() - 1).expect("cut");
    let (fixture, _recovered) = restart(fixture);
    match reconcile(&fixture.spool, []).as_slice() {
        [Leftover::Corrupt { id, damage: Damage::NoEndMark }] => assert_eq!(*id, receipt.id()),
        other => panic!("{other:?}"),
    }
    assert_eq!(fixture.files("objects"), [""; 0]);
    assert_eq!(fixture.files("corrupt"), [format!("{}.dcm", receipt.id())]);
}

#[test]
fn an_object_with_a_damaged_head_goes_to_corrupt() {
    let fixture = Fixture::new();
    let receipt = fixture.store(b"data");
    let path = fixture.spool.shared.places.object(receipt.id());
    File::options()
        .write(true)
        .open(path)
        .expect("opens")
        .write_all_at(b"X", 200)
        .expect("written");
    let (fixture, _recovered) = restart(fixture);
    assert!(matches!(
        reconcile(&fixture.spool, []).as_slice(),
        [Leftover::Corrupt { damage: Damage::HeadChanged, .. }]
    ));
}

#[test]
fn an_object_that_the_index_knows_and_that_has_no_file_is_lost() {
    let fixture = Fixture::new();
    let receipt = fixture.store(b"data");
    RealDisk.remove(&fixture.spool.shared.places.object(receipt.id())).expect("removed");
    let (fixture, _recovered) = restart(fixture);
    assert!(matches!(
        reconcile(&fixture.spool, [receipt.id()]).as_slice(),
        [Leftover::Lost(id)] if *id == receipt.id()
    ));
}

#[test]
fn names_that_are_not_ours_are_told_and_left_alone() {
    let fixture = Fixture::new();
    let receipt = fixture.store(b"data");
    let objects = fixture.spool.shared.places.objects();
    let shard = ids::shard(receipt.id());
    std::fs::create_dir(objects.join("lost+found")).expect("made");
    std::fs::write(objects.join(&shard).join("notes.txt"), "hello").expect("written");
    std::fs::create_dir(objects.join("0000000")).expect("made");
    let misplaced = format!("{}.dcm", receipt.id());
    std::fs::copy(objects.join(&shard).join(&misplaced), objects.join("0000000").join(&misplaced))
        .expect("copied");
    let mut stray = Vec::new();
    for leftover in reconcile(&fixture.spool, [receipt.id()]) {
        match leftover {
            Leftover::Stray(name) => stray.push(name),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(
        stray,
        [format!("0000000/{misplaced}"), format!("{shard}/notes.txt"), "lost+found".to_owned()]
    );
    assert_eq!(fixture.files("objects").len(), 3);
}

#[test]
fn an_empty_shard_is_no_leftover_and_is_used_again() {
    let fixture = Fixture::new();
    let draft = fixture.draft(b"data");
    std::fs::create_dir(fixture.spool.shared.places.shard(&ids::shard(draft.id()))).expect("made");
    drop(draft);
    let (fixture, recovered) = restart(fixture);
    assert_eq!(recovered.newest, None);
    assert!(reconcile(&fixture.spool, []).is_empty());
    fixture.store(b"data");
}

#[test]
fn a_torn_journal_is_cut_off_and_goes_on() {
    let fixture = Fixture::new();
    fixture.spool.journal().append(&[b"one".to_vec()]).expect("appended");
    let journal = fixture.spool.shared.places.journal();
    let segment = journal.join(fixture.files("journal").first().expect("a segment"));
    let file = File::options().append(true).open(segment).expect("opens");
    RealDisk.write(&file, b"MGRC torn").expect("written");
    let (fixture, recovered) = restart(fixture);
    assert_eq!(recovered.torn, 9);
    assert_eq!(fixture.spool.journal().append(&[b"two".to_vec()]).expect("appended"), 2);
    let records: Vec<(u64, Vec<u8>)> = fixture.spool.journal().replay(0).expect("begins").collect();
    assert_eq!(records, [(1, b"one".to_vec()), (2, b"two".to_vec())]);
}

#[test]
fn ids_go_on_above_the_newest_object_even_if_the_clock_was_set_back() {
    let fixture = Fixture::new();
    let receipt = fixture.store(b"data");
    let (fixture, _recovered) = restart(fixture);
    let mut early = envelope(EXPLICIT);
    early.received = "1999-01-01T00:00:00Z".parse().expect("a timestamp");
    assert!(fixture.spool.draft(&early).expect("admitted").id() > receipt.id());
}

#[test]
fn objects_are_removed_durably_and_empty_shards_with_them() {
    use super::super::disk::faulty::{Act, Verb};
    let fixture = Fixture::new();
    let (first, second) = (fixture.store(b"first"), fixture.store(b"second"));
    let shard = ids::shard(first.id());
    fixture.disk.take_acts();
    fixture.spool.remove(&[first.id()]).expect("removed");
    let want =
        [Act(Verb::Remove, format!("{}.dcm", first.id())), Act(Verb::SyncDirectory, shard.clone())];
    assert_eq!(fixture.disk.take_acts(), want);
    fixture.spool.remove(&[first.id(), second.id()]).expect("removed, one of them before");
    assert!(!fixture.spool.shared.places.shard(&shard).exists());
    let third = fixture.store(b"third");
    fixture.spool.object(third.id()).expect("the shard was made again");
}

#[test]
fn an_object_whose_shard_went_while_it_was_coming_is_stored_all_the_same() {
    let fixture = Fixture::new();
    let first = fixture.store(b"first");
    let draft = fixture.draft(b"second");
    std::fs::remove_dir_all(fixture.spool.shared.places.shard(&ids::shard(first.id())))
        .expect("removed");
    let receipt = draft.commit_blocking().expect("committed");
    fixture.spool.object(receipt.id()).expect("stored");
}
