use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use proptest::prelude::*;
use serde_json::Value;

use super::trail::{Found, Trail, segments};
use super::*;
use crate::base::object_id::ObjectId;
use crate::dicom::uid::Uid;

#[expect(clippy::disallowed_methods, reason = "a test harms what it has made")]
fn remove(path: &Path) -> io::Result<()> {
    fs::remove_file(path)
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn delivered(number: u128) -> Entry {
    let object = Object {
        id: ObjectId::from_u128(number),
        sop_instance: Uid::new(&format!("1.2.{number}")),
        study: Uid::new("1.2"),
        calling: "CT01".to_owned(),
        peer: "10.1.2.3".to_owned(),
    };
    let sent = blake3::hash(b"sent");
    Entry::Delivered { object, destination: "pacs".to_owned(), status: 0, sent }
}

fn stamped(at: Timestamp, entry: Entry) -> Stamped {
    Stamped { at, since_start: Duration::from_micros(7), entry }
}

fn reopen(dir: &Path, now: &str) -> io::Result<(Trail, Found)> {
    let medium: Arc<dyn Medium> = Arc::new(RealMedium);
    Trail::open(dir, "run", at(now), &medium)
}

/// Three files of a dozen lines each, a day apart.
fn three_days(dir: &Path) {
    for day in ["2026-05-01T10:00:00Z", "2026-05-02T10:00:00Z", "2026-05-03T10:00:00Z"] {
        let (mut trail, _) = reopen(dir, day).expect("opens");
        let events: Vec<Stamped> = (0..12).map(|n| stamped(at(day), delivered(n))).collect();
        trail.append(&events).expect("written");
        trail.sync().expect("synced");
    }
}

#[track_caller]
fn whole(dir: &Path) -> Verified {
    let verified = verify(dir).expect("readable");
    assert_eq!(verified.faults, [], "{verified:?}");
    verified
}

fn lines(dir: &Path) -> Vec<Value> {
    let segments = segments(dir).expect("readable");
    let texts = segments.iter().map(|(_, path)| fs::read_to_string(path).expect("text"));
    texts
        .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
        .map(|line| serde_json::from_str(&line).expect("JSON"))
        .collect()
}

fn events(dir: &Path) -> Vec<String> {
    lines(dir).iter().map(|line| line["event"].as_str().expect("a text").to_owned()).collect()
}

fn open(dir: &Path) -> (Audit, Arc<Metrics>) {
    let metrics = Arc::new(Metrics::new());
    (Audit::open(dir, &metrics).expect("a thread"), metrics)
}

#[test]
fn the_chain_goes_on_over_files_days_and_restarts() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("audit");
    three_days(&dir);
    let verified = whole(&dir);
    assert_eq!((verified.segments, verified.lines, verified.first), (3, 39, Some(1)));
    let (audit, _) = open(&dir);
    audit.record(Entry::Stopped);
    drop(audit);
    assert_eq!(whole(&dir).lines, 42);
    assert_eq!(events(&dir).split_off(39), ["segment-opened", "trail-opened", "stopped"]);
}

#[test]
fn a_line_tells_both_clocks_who_what_and_how_it_ended() {
    let root = tempfile::tempdir().unwrap();
    let (audit, _) = open(root.path());
    audit.record(delivered(5));
    assert!(audit.settle());
    let line = lines(root.path()).pop().expect("a line");
    assert!(line["at"].as_str().is_some_and(|at| at.parse::<Timestamp>().is_ok()), "{line}");
    assert!(line["since_start_us"].is_u64(), "{line}");
    assert_eq!(line["run"].as_str().map(str::len), Some(32));
    assert_eq!((&line["code"], &line["outcome"]), (&"110104".into(), &0.into()));
    let who = serde_json::json!({"calling": "CT01", "destination": "pacs", "peer": "10.1.2.3"});
    assert_eq!(line["who"], who);
    assert_eq!(line["what"]["sop_instance_uid"], "1.2.5");
    assert_eq!(line["detail"]["status"], "0000");
    let opened = lines(root.path()).swap_remove(1);
    assert!(opened["detail"]["boot"].as_str().is_some_and(|id| id.len() == 36), "{opened}");
}

#[test]
fn what_strangers_say_cannot_make_lines_or_turn_them() {
    let root = tempfile::tempdir().unwrap();
    let (audit, _) = open(root.path());
    audit.record(Entry::Rejected {
        peer: "127.0.0.1".parse().expect("an address"),
        calling: "A\n{\"event\":\"stopped\"}\u{1b}[2J\u{202e}".to_owned(),
        called: "X".repeat(100_000),
        why: "calling".to_owned(),
    });
    assert!(audit.settle());
    let text = segments(root.path()).unwrap().remove(0).1;
    let text = fs::read_to_string(text).unwrap();
    assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
    let line = lines(root.path()).pop().expect("a line");
    assert_eq!(line["who"]["calling"], "A\\u{a}{\"event\":\"stopped\"}\\u{1b}[2J\\u{202e}");
    assert_eq!(line["who"]["called"].as_str().map(str::len), Some(1024));
}

#[test]
fn a_line_that_was_never_finished_is_cut_off_and_that_is_said() {
    let root = tempfile::tempdir().unwrap();
    three_days(root.path());
    let newest = segments(root.path()).unwrap().pop().expect("a segment").1;
    let mut text = fs::read(&newest).unwrap();
    text.extend_from_slice(b"{\"sequence\":40,\"at\":");
    fs::write(&newest, text).unwrap();
    let torn = verify(root.path()).unwrap();
    assert_eq!(torn.faults.last().map(|fault| &fault.what), Some(&Wrong::Torn { bytes: 20 }));
    let (_, found) = reopen(root.path(), "2026-05-03T11:00:00Z").unwrap();
    assert_eq!(found, Found { torn: 20, missing: None });
    whole(root.path());
}

#[test]
fn a_file_that_was_begun_and_not_written_is_no_gap() {
    let root = tempfile::tempdir().unwrap();
    three_days(root.path());
    fs::write(root.path().join(format!("{:020}.jsonl", 40)), b"{\"seq").unwrap();
    let (mut trail, found) = reopen(root.path(), "2026-05-04T11:00:00Z").unwrap();
    assert_eq!(found, Found { torn: 5, missing: None });
    trail.append(&[stamped(at("2026-05-04T11:00:00Z"), Entry::Stopped)]).unwrap();
    trail.sync().unwrap();
    assert_eq!(whole(root.path()).segments, 4);
}

#[test]
fn a_missing_end_is_found_at_once_and_stays_to_be_seen() {
    let root = tempfile::tempdir().unwrap();
    three_days(root.path());
    let newest = segments(root.path()).unwrap().pop().expect("a segment").1;
    let text = fs::read_to_string(&newest).unwrap();
    let kept: String = text.split_inclusive('\n').take(10).collect();
    fs::write(&newest, kept).unwrap();
    let end = Fault { segment: "head".into(), line: 1, what: Wrong::End { last: 36, written: 39 } };
    assert_eq!(verify(root.path()).unwrap().faults, [end]);
    let (audit, _) = open(root.path());
    audit.record(Entry::Stopped);
    drop(audit);
    let verified = verify(root.path()).unwrap();
    let gap = Wrong::Sequence { wanted: 37, found: 40 };
    assert_eq!(verified.faults.iter().map(|f| &f.what).collect::<Vec<_>>(), [&gap]);
    let said = lines(root.path()).into_iter().find(|line| line["event"] == "lines-missing");
    assert_eq!(said.expect("said")["detail"], serde_json::json!({"after": 36, "upto": 39}));
}

#[test]
fn only_whole_files_whose_time_is_over_are_removed_and_the_trail_says_so() {
    let root = tempfile::tempdir().unwrap();
    let (audit, _) = open(root.path());
    drop(audit);
    let old = root.path().join("old");
    three_days(&old);
    let (audit, _) = open(&old);
    assert!(audit.settle());
    let inner = audit.inner.as_ref().expect("a trail that writes");
    let expire = |before: &str| {
        let (reply, answer) = sync_channel(1);
        assert!(inner.send(Message::Expire(at(before), reply)));
        answer.recv_timeout(SETTLED).expect("an answer").expect("a good disk")
    };
    assert_eq!(expire("2026-05-01T10:00:00Z"), 0);
    assert_eq!(expire("2026-05-03T00:00:00Z"), 2);
    assert_eq!(whole(&old).first, Some(27));
    let (code, line) = ("110101", lines(&old).pop().expect("a line"));
    assert_eq!((&line["event"], &line["code"]), (&"expired".into(), &code.into()));
    assert_eq!(expire("2100-01-01T00:00:00Z"), 1, "the one that is written stays");
    drop(audit);
    whole(&old);
    // What nobody said was removed is missing.
    let first = segments(&old).unwrap().remove(0).1;
    let copy = fs::read_to_string(&first).unwrap();
    fs::write(&first, copy.split_inclusive('\n').skip(1).collect::<String>()).unwrap();
    assert!(!verify(&old).unwrap().is_whole());
}

#[test]
fn nothing_is_removed_by_a_clock_that_leaps() {
    let (start, day) = (at("2026-05-01T00:00:00Z"), Duration::from_secs(86_400));
    let hour = Duration::from_secs(3_600);
    let trusted = |wall, run, ended| is_trusted(start, at(wall), run, ended);
    assert!(trusted("2026-05-01T10:00:00Z", hour * 10, None));
    assert!(trusted("2026-05-01T10:00:00Z", hour * 10, Some(at("2026-04-30T00:00:00Z"))));
    assert!(!trusted("2046-05-01T10:00:00Z", hour * 10, None));
    assert!(!trusted("1970-01-01T00:00:00Z", hour * 10, None));
    // Started in 2026 behind a line of 2006: perhaps the clock is wrong now.
    assert!(!trusted("2026-05-01T10:00:00Z", hour * 10, Some(at("2006-04-30T00:00:00Z"))));
    assert!(trusted("2026-05-02T10:00:00Z", day + hour * 10, Some(at("2006-04-30T00:00:00Z"))));
}

#[test]
fn a_disk_that_fails_stops_nothing_and_what_happened_meanwhile_is_written_later() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("audit");
    fs::write(&dir, b"a file stands in the way").unwrap();
    let (audit, metrics) = open(&dir);
    for number in 0..100 {
        audit.record(delivered(number));
    }
    assert!(!audit.settle());
    assert!(audit.problem().is_some());
    assert!(metrics.audit_failures.get() > 0);
    remove(&dir).unwrap();
    drop(audit);
    assert_eq!(events(&dir).iter().filter(|event| *event == "delivered").count(), 100);
    whole(&dir);
}

/// What may be asked of a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Append,
    Sync,
    Cut,
}

/// What is on the disk of a file, and what is only in memory.
#[derive(Debug, Default)]
struct Layers {
    disk: Vec<u8>,
    memory: Vec<u8>,
}

/// A disk that forgets what it could not sync, and goes on showing it; by inode.
#[derive(Default)]
struct Forgetful {
    files: Mutex<HashMap<u64, Layers>>,
    /// What fails next, each once, after so many that do not.
    failing: Mutex<Vec<(Act, usize)>>,
    appended: AtomicU64,
}

impl Forgetful {
    fn fail(&self, failing: &[(Act, usize)]) {
        *self.failing.lock().unwrap() = failing.to_vec();
    }

    fn fails(&self, act: Act) -> bool {
        let mut failing = self.failing.lock().unwrap();
        let Some(index) = failing.iter().position(|(failing, _)| *failing == act) else {
            return false;
        };
        match &mut failing[index].1 {
            0 => {
                failing.remove(index);
                true
            }
            skip => {
                *skip -= 1;
                false
            }
        }
    }

    fn on<T>(&self, file: &File, act: impl FnOnce(&mut Layers) -> T) -> T {
        let mut files = self.files.lock().unwrap();
        let layers = files.entry(file.metadata().unwrap().ino()).or_default();
        act(layers)
    }

    /// Does what a power cut does: nothing is left but what is on the disk.
    fn cut_power(&self, dir: &Path) {
        for (_, path) in segments(dir).unwrap() {
            let file = File::options().append(true).open(&path).unwrap();
            let disk = self.on(&file, |layers| std::mem::take(&mut layers.disk));
            fs::write(&path, disk).unwrap();
        }
    }
}

impl Medium for Forgetful {
    fn append(&self, mut file: &File, bytes: &[u8]) -> io::Result<()> {
        if file.metadata()?.len() == 0 {
            self.on(file, |layers| *layers = Layers::default());
        }
        let fails = self.fails(Act::Append);
        let bytes = if fails { &bytes[..bytes.len() / 2] } else { bytes };
        file.write_all(bytes)?;
        self.on(file, |layers| layers.memory.extend_from_slice(bytes));
        if fails {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.appended.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        let fails = self.fails(Act::Sync);
        self.on(file, |Layers { disk, memory }| {
            let synced = std::mem::take(memory);
            if fails {
                return Err(io::Error::from_raw_os_error(5));
            }
            disk.extend(synced);
            Ok(())
        })
    }

    fn cut(&self, file: &File, length: u64) -> io::Result<()> {
        if self.fails(Act::Cut) {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        file.set_len(length)?;
        self.on(file, |layers| {
            layers.disk.truncate(usize::try_from(length).unwrap());
            layers.memory.clear();
        });
        Ok(())
    }
}

fn open_on(dir: &Path, disk: &Arc<Forgetful>) -> Audit {
    let disk: Arc<dyn Medium> = Arc::<Forgetful>::clone(disk);
    Audit::open_on(dir, &Arc::new(Metrics::new()), disk).expect("a thread")
}

#[track_caller]
fn settles(audit: &Audit) {
    let by = Instant::now() + Duration::from_secs(60);
    while !audit.settle() {
        assert!(Instant::now() < by, "{:?}", audit.problem());
        std::thread::yield_now();
    }
}

#[test]
fn a_failed_sync_is_final_and_what_it_should_have_kept_is_written_again() {
    let root = tempfile::tempdir().unwrap();
    let disk = Arc::<Forgetful>::default();
    let audit = open_on(root.path(), &disk);
    audit.record(delivered(1));
    settles(&audit);
    disk.fail(&[(Act::Sync, 0)]);
    audit.record(delivered(2));
    settles(&audit);
    drop(audit);
    disk.cut_power(root.path());
    let opened = ["segment-opened", "trail-opened", "delivered"];
    assert_eq!(events(root.path()), [&opened[..], &["trail-opened", "delivered"]].concat());
    assert_eq!(whole(root.path()).lines, 5);
}

#[test]
fn a_write_that_fails_half_way_leaves_nothing_behind_also_at_the_first_line() {
    let root = tempfile::tempdir().unwrap();
    let disk = Arc::<Forgetful>::default();
    disk.fail(&[(Act::Append, 0), (Act::Sync, 0), (Act::Append, 1)]);
    let audit = open_on(root.path(), &disk);
    audit.record(delivered(1));
    settles(&audit);
    drop(audit);
    disk.cut_power(root.path());
    assert_eq!(whole(root.path()).first, Some(1));
    let delivered = events(root.path()).iter().filter(|event| *event == "delivered").count();
    assert_eq!(delivered, 1);
    assert_eq!(*disk.failing.lock().unwrap(), []);
}

#[test]
fn what_cannot_be_cut_off_is_a_gap_that_is_told_and_nothing_is_lost_behind_it() {
    let root = tempfile::tempdir().unwrap();
    let disk = Arc::<Forgetful>::default();
    let audit = open_on(root.path(), &disk);
    settles(&audit);
    disk.fail(&[(Act::Sync, 0), (Act::Cut, 0)]);
    audit.record(delivered(1));
    settles(&audit);
    drop(audit);
    disk.cut_power(root.path());
    let second = ["segment-opened", "trail-opened", "lines-missing", "delivered"];
    assert_eq!(events(root.path()), [&["segment-opened", "trail-opened"][..], &second].concat());
    let said = lines(root.path()).into_iter().find(|line| line["event"] == "lines-missing");
    assert_eq!(said.expect("said")["detail"], serde_json::json!({"after": 2, "upto": 3}));
    let verified = verify(root.path()).unwrap();
    let gap = Wrong::Sequence { wanted: 3, found: 4 };
    assert_eq!(verified.faults.iter().map(|f| &f.what).collect::<Vec<_>>(), [&gap]);
}

#[test]
fn of_a_long_backlog_only_the_part_that_failed_is_written_again() {
    let root = tempfile::tempdir().unwrap();
    let disk = Arc::<Forgetful>::default();
    let audit = open_on(root.path(), &disk);
    settles(&audit);
    disk.fail(&[(Act::Append, 1)]);
    audit.record_all((0..12_000).map(delivered).collect());
    settles(&audit);
    drop(audit);
    assert_eq!(*disk.failing.lock().unwrap(), [], "there was a second part");
    disk.cut_power(root.path());
    whole(root.path());
    let lengths = segments(root.path()).unwrap().into_iter().map(|(_, path)| path.metadata());
    let there: u64 = lengths.map(|found| found.unwrap().len()).sum();
    assert_eq!(disk.appended.load(Ordering::Relaxed), there, "nothing was written twice");
    assert_eq!(events(root.path()).iter().filter(|event| *event == "delivered").count(), 12_000);
}

#[test]
fn a_scanner_fills_no_disk_and_is_counted() {
    let root = tempfile::tempdir().unwrap();
    let (audit, _) = open(root.path());
    for _ in 0..1_000 {
        let why = "no certificate".to_owned();
        audit.record(Entry::TlsFailed { peer: "127.0.0.1".parse().unwrap(), why });
    }
    drop(audit);
    let lines = lines(root.path());
    let of = |event: &str| lines.iter().filter(|line| line["event"] == event).count() as u64;
    let left = lines.iter().find(|line| line["event"] == "left-out").expect("a count");
    assert_eq!(of("tls-failed") + left["detail"]["count"].as_u64().expect("a number"), 1_000);
    assert!(of("tls-failed") <= 61, "{}", of("tls-failed"));
}

/// One thing that can be done to a trail.
#[derive(Debug, Clone)]
enum Harm {
    Flip { file: usize, at: prop::sample::Index, bit: u8 },
    RemoveLine { file: usize, line: prop::sample::Index },
    SwapLines { file: usize, one: prop::sample::Index, other: prop::sample::Index },
    RemoveFile { file: usize },
    CutEnd { bytes: prop::sample::Index },
    CutLines { lines: usize },
    RemoveHead,
}

fn harm() -> impl Strategy<Value = Harm> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        8 => (0..4_usize, index(), 0..8_u8).prop_map(|(file, at, bit)| Harm::Flip { file, at, bit }),
        2 => (0..3_usize, index()).prop_map(|(file, line)| Harm::RemoveLine { file, line }),
        2 => (0..3_usize, index(), index())
            .prop_map(|(file, one, other)| Harm::SwapLines { file, one, other }),
        1 => (0..3_usize).prop_map(|file| Harm::RemoveFile { file }),
        2 => index().prop_map(|bytes| Harm::CutEnd { bytes }),
        1 => (1..13_usize).prop_map(|lines| Harm::CutLines { lines }),
        1 => Just(Harm::RemoveHead),
    ]
}

/// Does it; `false` when it changes nothing.
fn done(harm: &Harm, dir: &Path) -> bool {
    let mut files: Vec<_> = segments(dir).unwrap().into_iter().map(|(_, path)| path).collect();
    files.push(dir.join("head"));
    let of_lines = |file: usize, change: &dyn Fn(&mut Vec<String>)| {
        let text = fs::read_to_string(&files[file]).unwrap();
        let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
        change(&mut lines);
        let changed = lines.concat();
        fs::write(&files[file], &changed).unwrap();
        changed != text
    };
    match harm {
        Harm::Flip { file, at, bit } => {
            let mut bytes = fs::read(&files[*file]).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            fs::write(&files[*file], bytes).unwrap();
            true
        }
        Harm::RemoveLine { file, line } => of_lines(*file, &|lines| {
            lines.remove(line.index(lines.len()));
        }),
        Harm::SwapLines { file, one, other } => of_lines(*file, &|lines| {
            let count = lines.len();
            lines.swap(one.index(count), other.index(count));
        }),
        Harm::RemoveFile { file } => remove(&files[*file]).is_ok(),
        Harm::CutEnd { bytes } => {
            let text = fs::read(&files[2]).unwrap();
            fs::write(&files[2], &text[..bytes.index(text.len())]).unwrap();
            true
        }
        Harm::CutLines { lines: count } => {
            of_lines(2, &|lines| lines.truncate(lines.len() - count))
        }
        Harm::RemoveHead => remove(&files[3]).is_ok(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_done_to_a_trail_is_found(harm in harm()) {
        let root = tempfile::tempdir().unwrap();
        three_days(root.path());
        let changed = done(&harm, root.path());
        prop_assert_eq!(!verify(root.path()).unwrap().is_whole(), changed);
    }
}
