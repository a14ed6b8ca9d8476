//! A clock that jumps, while the gate runs or between two runs of it: nothing is lost, deliveries and retries go on, ids
//! ascend, nothing unsent is removed, and what an image deserves is decided by the day that the clock shows.

use crate::support::dataset::{self, Object};
use crate::support::eventually::{SOON, eventually, until};
use crate::support::figure::{figure, is_long};
use crate::support::gate::{Configuration, Gate};
use crate::support::sender::Sender;
use crate::support::sink::Sink;
use crate::support::trace;
use crate::support::wire::{CT_IMAGE, EXPLICIT_LE};
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// 2 January of the year.
const IN_1970: i64 = DAY;
const IN_2046: i64 = 2_398_464_000;

/// Since when the hospital may put marks on images: 2026-04-01.
const ACCREDITED: i64 = 1_774_972_800;

/// A sweep of retention comes every minute.
const SWEPT: Duration = Duration::from_secs(90);

/// Where the clock goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Jump {
    By(i64),
    To(i64),
}

/// When it goes there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Running,
    Stopped,
}

const JUMPS: [Jump; 6] = [
    Jump::By(HOUR),
    Jump::By(-HOUR),
    Jump::By(DAY),
    Jump::By(-DAY),
    Jump::To(IN_1970),
    Jump::To(IN_2046),
];

#[expect(clippy::disallowed_methods, reason = "the jump is from the real time to another")]
fn real_now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    i64::try_from(since.as_secs()).expect("before the end of time")
}

impl Jump {
    /// Seconds to the real time.
    fn offset(self) -> i64 {
        match self {
            Self::By(seconds) => seconds,
            Self::To(instant) => instant - real_now(),
        }
    }

    fn goes_forward(self) -> bool {
        self.offset() > 0
    }
}

/// libfaketime, wherever Debian puts it on this machine.
fn library() -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib").expect("a Linux");
    folders
        .map(|folder| folder.expect("readable").path().join("faketime/libfaketimeMT.so.1"))
        .find(|library| library.exists())
        .expect("libfaketime is installed: scripts/setup.sh test does it")
}

/// A gate whose clock is that of a file. The monotonic clock stays what it is, as with real jumps.
fn lay(configuration: &Configuration) -> (Gate, PathBuf) {
    let mut gate = Gate::lay(configuration);
    let clock = gate.folder().join("clock");
    std::fs::write(&clock, "+0").expect("a folder of ours");
    gate.start_under(&[
        "env",
        &format!("LD_PRELOAD={}", library().display()),
        &format!("FAKETIME_TIMESTAMP_FILE={}", clock.display()),
        "FAKETIME_NO_CACHE=1",
        "FAKETIME_DONT_FAKE_MONOTONIC=1",
        "NO_FAKE_STAT=1",
    ]);
    gate.restart();
    (gate, clock)
}

#[track_caller]
fn send(gate: &Gate, study: u32, numbers: std::ops::RangeInclusive<u32>) {
    let mut sender = Sender::for_one(gate.port(), CT_IMAGE, EXPLICIT_LE);
    for number in numbers {
        let object = Object::chest_ct(study, number);
        let answer = sender.store(CT_IMAGE, &object.instance, &object.data());
        assert_eq!(answer.map(|answer| answer.status), Some(0));
    }
    assert!(sender.release());
}

/// Whether every number was marked, or left as it was.
fn marked(sink: &Sink, study: u32, numbers: std::ops::RangeInclusive<u32>) -> Vec<bool> {
    let of = |number| {
        let sent = Object::chest_ct(study, number);
        let arrived = sink.find(&sent.instance).expect("arrived");
        let changed = dataset::differences(&sent.data(), &arrived.data, EXPLICIT_LE);
        assert!(changed.is_empty() || changed.contains(&(0x0008, 0x0080)), "{changed:?}");
        !changed.is_empty()
    };
    numbers.map(of).collect()
}

fn check(jump: Jump, when: When, study: u32) {
    let mut sink = Sink::up();
    let configuration = Configuration::hospital().spool("retention = \"30m\"").pacs(&sink);
    let (mut gate, clock) = lay(&configuration);
    // One that has been delivered and may be removed once it is old enough, three that wait for the PACS.
    send(&gate, study, 1..=1);
    sink.wait_for(1);
    gate.settle();
    sink.fall();
    send(&gate, study, 2..=4);
    until("a delivery was put off", || {
        gate.list(&["queue", "ls"]).iter().any(|entry| entry["state"] == "deferred")
    });

    if when == When::Stopped {
        gate.kill();
    }
    std::fs::write(&clock, format!("{:+}", jump.offset())).expect("a folder of ours");
    if when == When::Stopped {
        gate.restart();
    }
    send(&gate, study, 5..=7);
    if is_long() && jump.goes_forward() && when == When::Running {
        eventually("the sweep has looked at the clock", SWEPT, || {
            gate.log().contains("no original is removed").then_some(())
        });
    }
    let ids = trace::ids(&gate.folder().join("spool"));
    let in_order: Vec<&String> = (2..=7)
        .filter_map(|number| ids.get(&Object::chest_ct(study, number).instance)?.first())
        .collect();
    assert_eq!(in_order.len(), 6, "unsent objects are gone after {jump:?} {when:?}");
    let delivered = ids.get(&Object::chest_ct(study, 1).instance);
    assert!(delivered.is_some(), "an original was removed before its time after {jump:?} {when:?}");
    assert!(in_order.is_sorted(), "ids do not ascend after {jump:?} {when:?}: {in_order:?}");

    // Nobody asks for it: the retries go on by themselves.
    sink.rise();
    let arrived =
        eventually(&format!("all is delivered after {jump:?} {when:?}"), SOON * 2, || {
            let arrived = sink.received();
            (arrived.len() >= 7).then_some(arrived)
        });
    let order: Vec<String> = arrived.into_iter().map(|received| received.instance).collect();
    let sent: Vec<String> =
        (1..=7).map(|number| Object::chest_ct(study, number).instance).collect();
    assert_eq!(order, sent, "after {jump:?} {when:?}");
    // By policy a mark takes an accreditation that is in force when it is put on.
    let due = real_now() + jump.offset() >= ACCREDITED;
    assert_eq!(marked(&sink, study, 2..=4), [true; 3], "judged before {jump:?}");
    assert_eq!(marked(&sink, study, 5..=7), [due; 3], "judged after {jump:?} {when:?}");
    until("the ledger balances", || {
        let ledger = gate.json(&["ledger"]);
        ledger["balanced"] == true && ledger["delivered"] == 7
    });
    assert!(!gate.has_ended());
    assert!(!gate.log().contains("panicked") && !gate.log().contains("LOST"), "{}", gate.log());
}

#[test]
fn a_clock_that_jumps_neither_loses_nor_stops_nor_disorders_anything() {
    for (jump, study) in JUMPS.iter().zip((700..).step_by(2)) {
        std::thread::scope(|scope| {
            scope.spawn(|| check(*jump, When::Running, study));
            scope.spawn(|| check(*jump, When::Stopped, study + 1));
        });
    }
    let count = 2 * JUMPS.len();
    let unsent = if is_long() { ", none removed before its time" } else { "" };
    figure(
        "R15",
        "clock_jumps",
        format_args!(
            "{count} of {count} jumps (±1 h, ±1 d, to 1970 and 2046; running, and between two runs): 0 lost, retries and \
             deliveries went on in order, ids ascended, unsent objects stayed{unsent}, marks by the date shown"
        ),
    );
}
