//! Ballast: given up when the disk is full, back when there is room, never at the cost of the reserve.

use super::super::disk::faulty::Verb;
use super::*;

const ENOSPC: i32 = 28;
const SIZE: u64 = 1 << 20;

fn open(dir: &TempDir, disk: &Arc<FaultyDisk>) -> Spool {
    let config = Config { reserve: 100, ballast: SIZE, ..config(dir) };
    recovery::open(&config, Arc::clone(disk) as Arc<dyn Disk>, now()).expect("opens").0
}

fn scene(free: u64) -> (TempDir, Arc<FaultyDisk>, Spool) {
    let (dir, disk) = (TempDir::new().expect("a directory"), Arc::new(FaultyDisk::default()));
    disk.set_free(free);
    let spool = open(&dir, &disk);
    (dir, disk, spool)
}

fn is_there(dir: &TempDir) -> bool {
    files(dir, "").contains(&"ballast".to_owned())
}

#[test]
fn it_is_really_allocated_and_found_again() {
    use std::os::unix::fs::MetadataExt;
    let (dir, disk, spool) = scene(100 + SIZE);
    assert_eq!(spool.condition().ballast, BallastState::Aboard);
    let found = std::fs::metadata(dir.path().join("spool/ballast")).expect("there");
    assert_eq!(found.len(), SIZE);
    assert!(found.blocks() * 512 >= SIZE, "{} blocks", found.blocks());
    drop(spool);
    disk.set_free(0);
    assert_eq!(open(&dir, &disk).condition().ballast, BallastState::Aboard);
}

#[test]
fn half_made_ballast_is_made_again() {
    let (dir, disk, spool) = scene(100 + SIZE);
    drop(spool);
    let path = dir.path().join("spool/ballast");
    RealDisk.remove(&path).expect("removed");
    // Of its full size, and without a block: what a gate leaves that was killed before it was allocated.
    File::create(&path).and_then(|file| file.set_len(SIZE)).expect("made");
    disk.set_free(100);
    assert_eq!(open(&dir, &disk).condition().ballast, BallastState::Without);
    assert!(!is_there(&dir));
    disk.set_free(100 + SIZE);
    assert_eq!(open(&dir, &disk).condition().ballast, BallastState::Aboard);
}

#[test]
fn it_never_costs_the_reserve() {
    let (dir, _disk, spool) = scene(100 + SIZE - 1);
    assert_eq!(spool.condition().ballast, BallastState::Without);
    assert!(!is_there(&dir));
    assert!(spool.admission().is_ok(), "a small disk does without");
}

#[test]
fn a_full_disk_takes_it_and_objects_get_nothing_of_it() {
    let (dir, disk, spool) = scene(100 + SIZE);
    let mut draft = spool.draft(&envelope(EXPLICIT)).expect("admitted");
    disk.fail(Verb::Write, ENOSPC, 1);
    assert!(matches!(draft.write(&[0; 100_000]), Err(StoreFault::Full { .. })));
    assert!(!is_there(&dir));
    assert_eq!(spool.condition().ballast, BallastState::GivenUp);
    // The room that this made is there now, and it is not for objects.
    let later = Instant::now() + Duration::from_secs(2);
    let health = &spool.shared.health;
    let check = |free: u64| {
        disk.set_free(free);
        health.check_room(&*disk, Path::new("/"), later + Duration::from_secs(free))
    };
    assert!(matches!(check(SIZE), Err(StoreFault::Full { free: 0, .. })));
    assert!(matches!(check(SIZE + 99), Err(StoreFault::Full { free: 99, .. })));
    assert!(check(SIZE + 100).is_ok());
    spool.shared.ballast.put_back(later + Duration::from_secs(SIZE + 200));
    assert!(is_there(&dir));
    assert_eq!(spool.condition().ballast, BallastState::Aboard);
}

#[test]
fn the_journal_is_written_on_a_full_disk() {
    for verb in [Verb::Create, Verb::Write, Verb::SyncFile] {
        let (dir, disk, spool) = scene(100 + SIZE);
        disk.fail(verb, ENOSPC, 1);
        let sequence =
            spool.journal().append(&[b"released".to_vec()]).expect("written all the same");
        assert!(!is_there(&dir), "{verb:?}");
        let found: Vec<(u64, Vec<u8>)> = spool.journal().replay(0).expect("begins").collect();
        assert_eq!(found, [(sequence, b"released".to_vec())], "{verb:?}");
        if verb == Verb::Create {
            // The segment is there now.
            continue;
        }
        // There is no ballast for a second time.
        disk.fail(verb, ENOSPC, 2);
        assert!(spool.journal().append(&[b"more".to_vec()]).is_err(), "{verb:?}");
    }
}

#[test]
fn a_gate_starts_on_a_full_disk_as_long_as_there_is_ballast() {
    let (dir, disk, spool) = scene(100 + SIZE);
    drop(spool);
    disk.set_free(0);
    disk.fail(Verb::Write, ENOSPC, 1);
    let spool = open(&dir, &disk);
    assert_eq!(spool.condition().ballast, BallastState::GivenUp);
    assert!(spool.admission().is_err());
    spool.journal().append(&[b"released".to_vec()]).expect("written");
}
