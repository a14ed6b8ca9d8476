//! Requests for storage commitment: durable before they are answered, whole or not at all, and found again.

use super::super::disk::faulty::{Act, Verb};
use super::*;

fn id(number: u128) -> ObjectId {
    ObjectId::from_u128(number)
}

#[test]
fn what_is_kept_is_durable_and_found_by_the_next_run() {
    let fixture = Fixture::new();
    fixture.spool.keep_commitment(id(7), b"asked").expect("kept");
    let acts: Vec<Verb> = fixture.disk.take_acts().iter().map(|Act(verb, _)| *verb).collect();
    let want =
        [Verb::Create, Verb::Write, Verb::Write, Verb::SyncFile, Verb::Rename, Verb::SyncDirectory];
    assert_eq!(acts, want);
    let Fixture { dir, disk, spool } = fixture;
    drop(spool);
    let (spool, _) = recovery::open(&config(&dir), disk as Arc<dyn Disk>, now()).expect("opens");
    assert_eq!(spool.commitments().expect("listed"), [(id(7), Some(b"asked".to_vec()))]);
    spool.keep_commitment(id(7), b"answered").expect("kept");
    assert_eq!(spool.commitments().expect("listed"), [(id(7), Some(b"answered".to_vec()))]);
    for _ in 0..2 {
        spool.forget_commitment(id(7)).expect("forgotten");
        assert_eq!(spool.commitments().expect("listed"), []);
    }
}

#[test]
fn whatever_fails_leaves_what_was_there_before_and_no_draft() {
    for verb in [Verb::Create, Verb::Write, Verb::SyncFile, Verb::Rename] {
        let fixture = Fixture::new();
        fixture.spool.keep_commitment(id(7), b"asked").expect("kept");
        fixture.disk.fail(verb, 5, 1);
        assert!(fixture.spool.keep_commitment(id(7), b"answered").is_err(), "{verb:?}");
        let kept = fixture.spool.commitments().expect("listed");
        assert_eq!(kept, [(id(7), Some(b"asked".to_vec()))], "{verb:?}");
        assert_eq!(fixture.files("tmp"), [""; 0], "{verb:?}");
    }
    let fixture = Fixture::new();
    fixture.disk.fail(Verb::SyncDirectory, 5, 1);
    assert!(fixture.spool.keep_commitment(id(7), b"asked").is_err());
    assert_eq!(fixture.spool.commitments().expect("listed"), []);
}

#[test]
fn without_room_nothing_new_is_kept_and_what_is_there_goes_on() {
    let dir = TempDir::new().expect("a directory");
    let disk = Arc::new(FaultyDisk::default());
    let config = Config { reserve: 1 << 20, ..config(&dir) };
    let opened = recovery::open(&config, Arc::clone(&disk) as Arc<dyn Disk>, now());
    let (spool, _) = opened.expect("opens");
    spool.keep_commitment(id(7), b"asked").expect("kept");
    drop(spool.shared.health.found_full(Instant::now()));
    disk.set_free(0);
    let kept = spool.keep_commitment(id(8), b"asked");
    assert!(matches!(kept, Err(StoreFault::Full { .. })), "{kept:?}");
    spool.keep_commitment(id(7), b"answered").expect("kept");
    assert_eq!(spool.commitments().expect("listed"), [(id(7), Some(b"answered".to_vec()))]);
}

#[test]
fn a_file_that_is_not_what_was_written_is_told_from_one_that_is() {
    let fixture = Fixture::new();
    fixture.spool.keep_commitment(id(7), b"asked").expect("kept");
    let path = fixture.dir.path().join("spool/commitments").join(id(7).to_string());
    let mut bytes = std::fs::read(&path).expect("a file");
    *bytes.last_mut().expect("content") ^= 1;
    std::fs::write(&path, bytes).expect("written");
    assert_eq!(fixture.spool.commitments().expect("listed"), [(id(7), None)]);
    std::fs::write(&path, b"short").expect("written");
    assert_eq!(fixture.spool.commitments().expect("listed"), [(id(7), None)]);
}
