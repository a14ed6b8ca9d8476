//! The journal on a real directory and a disk that can be made to fail.

use proptest::prelude::*;
use tempfile::TempDir;

use super::super::disk::faulty::{Act, FaultyDisk, Verb};
use super::super::places::Places;
use super::*;

struct Fixture {
    dir: TempDir,
    disk: Arc<FaultyDisk>,
}

impl Fixture {
    fn new() -> Self {
        Self { dir: TempDir::new().expect("a directory"), disk: Arc::default() }
    }

    /// A journal with segments of 200 bytes: three records of [`text`].
    fn open(&self) -> (Journal, u64) {
        let elsewhere = TempDir::new().expect("a directory");
        let lock = Lock::take(&Places::new(elsewhere.path().to_owned())).expect("nobody has it");
        let disk = Arc::clone(&self.disk) as Arc<dyn Disk>;
        let health = Arc::new(Health::new(0));
        let places = Places::new(self.dir.path().to_owned());
        let ballast = Ballast::find(&places, 0, Arc::clone(&disk), Arc::clone(&health));
        let ballast = Arc::new(ballast.expect("looked"));
        Journal::open(self.dir.path().to_owned(), disk, health, ballast, Arc::new(lock), Some(200))
            .expect("opens")
    }

    fn segments(&self) -> Vec<PathBuf> {
        let firsts = segment::firsts(self.dir.path()).expect("listed");
        firsts.into_iter().map(|first| self.dir.path().join(segment::name(first))).collect()
    }

    fn newest(&self) -> PathBuf {
        self.segments().pop().expect("a segment")
    }
}

/// The payload of a record, 20 bytes.
fn text(n: u64) -> Vec<u8> {
    format!("record number {n:06}").into_bytes()
}

/// Appends records with the numbers of their sequences, one by one.
fn append(journal: &Journal, numbers: std::ops::RangeInclusive<u64>) {
    for n in numbers {
        assert_eq!(journal.append(&[text(n)]).expect("appended"), n);
    }
}

#[track_caller]
fn check_replay(journal: &Journal, after: u64, want: impl IntoIterator<Item = u64>) {
    let mut replay = journal.replay(after).expect("begins");
    let records: Vec<(u64, Vec<u8>)> = replay.by_ref().collect();
    let want: Vec<(u64, Vec<u8>)> = want.into_iter().map(|n| (n, text(n))).collect();
    assert_eq!(records, want);
    assert_eq!(replay.finish().expect("read"), []);
}

#[test]
fn records_are_read_back_from_any_place_on() {
    let fixture = Fixture::new();
    let (journal, _) = fixture.open();
    check_replay(&journal, 0, []);
    append(&journal, 1..=3);
    assert_eq!(journal.append(&[text(4), text(5), text(6)]).expect("appended"), 4);
    append(&journal, 7..=20);
    assert!(fixture.segments().len() > 3);
    for after in 0..=20 {
        check_replay(&journal, after, after + 1..=20);
    }
    let (journal, torn) = fixture.open();
    assert_eq!(torn, 0);
    append(&journal, 21..=21);
    check_replay(&journal, 0, 1..=21);
}

#[test]
fn an_append_is_synced_before_it_returns_and_a_new_segment_s_name_too() {
    let fixture = Fixture::new();
    let (journal, _) = fixture.open();
    fixture.disk.take_acts();
    let verbs = |fixture: &Fixture| {
        fixture.disk.take_acts().into_iter().map(|Act(verb, _)| verb).collect::<Vec<_>>()
    };
    append(&journal, 1..=1);
    let want = [Verb::Create, Verb::Write, Verb::Write, Verb::SyncFile, Verb::SyncDirectory];
    assert_eq!(verbs(&fixture), want);
    append(&journal, 2..=2);
    assert_eq!(verbs(&fixture), [Verb::Write, Verb::SyncFile]);
}

#[test]
fn what_was_not_confirmed_does_not_turn_up_and_its_sequence_is_not_used_again() {
    for verb in [Verb::Write, Verb::SyncFile] {
        let fixture = Fixture::new();
        let (journal, _) = fixture.open();
        append(&journal, 1..=2);
        fixture.disk.fail(verb, 5, 1);
        assert!(journal.append(&[b"refused".to_vec()]).is_err(), "{verb:?}");
        append(&journal, 4..=5);
        check_replay(&journal, 0, [1, 2, 4, 5]);
        let (journal, _) = fixture.open();
        append(&journal, 6..=6);
        check_replay(&journal, 0, [1, 2, 4, 5, 6]);
    }
}

#[test]
fn a_segment_that_cannot_be_begun_leaves_nothing() {
    for verb in [Verb::Create, Verb::Write, Verb::SyncFile, Verb::SyncDirectory] {
        let fixture = Fixture::new();
        let (journal, _) = fixture.open();
        fixture.disk.fail(verb, 28, 1);
        assert!(journal.append(&[text(1)]).is_err(), "{verb:?}");
        assert_eq!(fixture.segments(), Vec::<PathBuf>::new(), "{verb:?}");
        let next = journal.append(&[text(2)]).expect("appended");
        assert!(next <= 2, "{next}");
    }
}

#[test]
fn a_record_that_is_too_large_is_refused() {
    let fixture = Fixture::new();
    let (journal, _) = fixture.open();
    let large = vec![0; MAX_PAYLOAD + 1];
    assert!(matches!(journal.append(&[large]), Err(JournalFault::TooLarge { .. })));
    append(&journal, 1..=1);
}

#[test]
fn a_record_may_be_larger_than_a_segment() {
    let fixture = Fixture::new();
    let (journal, _) = fixture.open();
    let large = vec![7; 3 << 20];
    append(&journal, 1..=1);
    journal.append(&[large.clone(), large.clone()]).expect("appended");
    append(&journal, 4..=4);
    let lengths: Vec<usize> =
        journal.replay(0).expect("begins").map(|(_, payload)| payload.len()).collect();
    assert_eq!(lengths, [20, 3 << 20, 3 << 20, 20]);
}

#[test]
fn a_torn_tail_is_cut_off_wherever_the_write_ended() {
    let fixture = Fixture::new();
    let (journal, _) = fixture.open();
    append(&journal, 1..=3);
    let whole = std::fs::read(fixture.newest()).expect("read");
    for length in 0..whole.len() {
        std::fs::write(fixture.newest(), whole.get(..length).expect("shorter")).expect("written");
        let (journal, torn) = fixture.open();
        let kept = (length.saturating_sub(16) / 48) as u64;
        check_replay(&journal, 0, 1..=kept);
        let header = if length < 16 { length } else { (length - 16) % 48 };
        assert_eq!(torn, header as u64, "cut at {length}");
        append(&journal, kept + 1..=kept + 1);
        check_replay(&journal, 0, 1..=kept + 1);
    }
}

#[test]
fn later_parts_of_an_unconfirmed_group_are_torn_with_it() {
    let fixture = Fixture::new();
    let (journal, _) = fixture.open();
    append(&journal, 1..=1);
    journal.append(&[text(2), text(3)]).expect("appended");
    // The disk had written the second record of the group and not yet the first when the power went.
    damage(&fixture.newest(), 16 + 48 + 30);
    let (journal, torn) = fixture.open();
    assert_eq!(torn, 96);
    check_replay(&journal, 0, 1..=1);
}

#[test]
fn a_damaged_record_is_told_from_a_torn_one_and_the_rest_is_read() {
    let fixture = Fixture::new();
    let (journal, _) = fixture.open();
    append(&journal, 1..=5);
    for path in fixture.segments() {
        // The second record of each segment.
        damage(&path, 16 + 48 + 30);
    }
    let (journal, torn) = fixture.open();
    assert_eq!(torn, 48, "the newest record of all is torn for all that can be known");
    let mut replay = journal.replay(0).expect("begins");
    let read: Vec<u64> = replay.by_ref().map(|(sequence, _)| sequence).collect();
    assert_eq!(read, [1, 3, 4]);
    let segment = segment::name(1);
    assert_eq!(replay.finish().expect("read"), [JournalDamage { segment, bytes: 64..112 }]);
}

fn damage(path: &Path, at: usize) {
    let mut bytes = std::fs::read(path).expect("read");
    *bytes.get_mut(at).expect("long enough") ^= 1;
    std::fs::write(path, bytes).expect("written");
}

/// Reclaims, keeping these.
fn reclaim(journal: &Journal, kept: &[u64]) -> io::Result<Reclaimed> {
    journal.reclaim(|payload| Ok(kept.iter().any(|&n| text(n) == payload)))
}

#[test]
fn dead_records_go_and_the_living_stay_in_order() {
    let fixture = Fixture::new();
    let (journal, _) = fixture.open();
    append(&journal, 1..=20);
    let before = fixture.segments().len();
    let reclaimed = reclaim(&journal, &[2, 9]).expect("reclaimed");
    let newest_first = 19;
    check_replay(&journal, 0, [2, 9].into_iter().chain(newest_first..=20));
    assert_eq!(fixture.segments().len(), before - reclaimed.segments);
    assert_eq!(fixture.segments().len(), 2);
    append(&journal, 21..=30);
    let (journal, _) = fixture.open();
    check_replay(&journal, 5, [9].into_iter().chain(newest_first..=30));
}

#[test]
fn the_newest_segment_is_never_reclaimed_so_that_no_sequence_is_used_again() {
    let fixture = Fixture::new();
    let (journal, _) = fixture.open();
    append(&journal, 1..=20);
    reclaim(&journal, &[]).expect("reclaimed");
    assert_eq!(fixture.segments().len(), 1);
    let (journal, _) = fixture.open();
    append(&journal, 21..=21);
}

#[test]
fn nothing_is_rewritten_as_long_as_the_oldest_segments_are_alive() {
    let fixture = Fixture::new();
    let (journal, _) = fixture.open();
    append(&journal, 1..=20);
    fixture.disk.take_acts();
    let all: Vec<u64> = (1..=20).collect();
    assert_eq!(reclaim(&journal, &all).expect("reclaimed"), Reclaimed::default());
    assert_eq!(fixture.disk.take_acts(), []);
}

#[test]
fn a_reclaim_that_fails_anywhere_loses_nothing() {
    for verb in
        [Verb::Create, Verb::Write, Verb::SyncFile, Verb::Rename, Verb::SyncDirectory, Verb::Remove]
    {
        let fixture = Fixture::new();
        let (journal, _) = fixture.open();
        append(&journal, 1..=20);
        fixture.disk.fail(verb, 5, 1);
        assert!(reclaim(&journal, &[2, 9]).is_err(), "{verb:?}");
        let (journal, _) = fixture.open();
        let mut replay = journal.replay(0).expect("begins");
        let read: Vec<u64> = replay.by_ref().map(|(sequence, _)| sequence).collect();
        assert!(read.is_sorted(), "{verb:?}: {read:?}");
        for kept in [2, 9, 19, 20] {
            assert!(read.contains(&kept), "{verb:?}: {read:?}");
        }
        assert_eq!(replay.finish().expect("read"), [], "{verb:?}");
        reclaim(&journal, &[2, 9]).expect("reclaimed");
        check_replay(&journal, 0, [2, 9, 19, 20]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_stands_behind_the_last_confirmed_record_it_is_read_and_the_journal_goes_on(
        count in 0_u64..6,
        tail in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let fixture = Fixture::new();
        let (journal, _) = fixture.open();
        append(&journal, 1..=count);
        if count > 0 {
            let mut bytes = std::fs::read(fixture.newest()).expect("read");
            bytes.extend_from_slice(&tail);
            std::fs::write(fixture.newest(), bytes).expect("written");
        }
        let (journal, _) = fixture.open();
        append(&journal, count + 1..=count + 3);
        check_replay(&journal, 0, 1..=count + 3);
    }
}
