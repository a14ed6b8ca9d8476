//! An object that is being judged whenever the gate comes to a sudden end: after the third time it goes on unmarked, and no other
//! pays for it.

use crate::support::dataset::{self, Object};
use crate::support::eventually::{SOON, eventually, until};
use crate::support::figure::{figure, scale};
use crate::support::gate::{Configuration, Gate};
use crate::support::http;
use crate::support::sink::Sink;
use crate::support::trace;
use crate::support::wire::EXPLICIT_LE;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// An object that was being judged at so many sudden ends in a row is not judged again.
const KILLS: u32 = 3;

const PACKS: &str = "[rules]\npacks = [\"db11t2505-2025\", \"slow.toml\"]";

/// Enough that one object is judged for many seconds: a rule may take a bounded number of steps, and each of these reads a long text.
const RULES: usize = 40;

/// A pack that finds nothing, and takes long over an object that asks for it.
fn slow_pack() -> String {
    let mut pack = String::from(
        "format = 1\nid = \"slow\"\nversion = \"1\"\ntitle.zh = \"慢\"\ntitle.en = \"slow\"\n",
    );
    for number in 0..RULES {
        write!(
            pack,
            r#"
            [[rule]]
            id = "SLOW-{number:03}"
            principle = "completeness"
            authority = "judgement"
            source = "none"
            when = "dcm.SeriesDescription == 'SLOW'"
            severity = "info"
            require = """
                values(dcm.ImageType).all(a, values(dcm.ImageType).all(b,
                    !dcm.ImageComments.matches('[^a][^a]')))"""
            zh = "无"
            en = "nothing"
            "#
        )
        .expect("a String takes all");
    }
    pack
}

/// An object that the pack takes long over.
fn poison(study: u32) -> Object {
    Object::chest_ct(study, 1)
        .with((0x0008, 0x0008), "CS", &format!("ORIGINAL\\PRIMARY\\AXIAL{}", "\\A".repeat(400)))
        .with((0x0008, 0x103E), "LO", "SLOW")
        .with((0x0020, 0x4000), "LT", &"a".repeat(10_000))
}

/// Whether the gate has noted that it is judging the object of this id.
fn is_at_work(gate: &Gate, id: &str) -> bool {
    let noted = std::fs::read_to_string(gate.folder().join("spool/judging")).unwrap_or_default();
    noted.lines().any(|line| line.starts_with(id) && line.trim_end().ends_with(" w"))
}

/// Sends an object of another study, which has to arrive with a mark; how long that took.
#[track_caller]
fn marks_another(gate: &Gate, sink: &Sink, study: u32) -> Duration {
    let object = Object::chest_ct(study, 1);
    let sent = Instant::now();
    gate.takes(&object);
    let arrived = eventually("another object arrives", SOON, || sink.find(&object.instance));
    let took = sent.elapsed();
    let changed = dataset::differences(&object.data(), &arrived.data, EXPLICIT_LE);
    assert!(changed.contains(&(0x0008, 0x0080)), "it bears no mark: {changed:?}");
    took
}

fn metrics(gate: &Gate) -> String {
    let page = http::get(gate.console(), "/metrics").expect("the gate answers");
    String::from_utf8(page.body).expect("text")
}

#[test]
fn what_was_being_judged_at_three_sudden_ends_goes_on_unmarked_and_all_others_are_marked() {
    let rounds = scale(1, 10);
    let sink = Sink::up();
    let mut gate = Gate::lay(&Configuration::hospital().section(PACKS).pacs(&sink));
    std::fs::write(gate.folder().join("slow.toml"), slow_pack()).expect("a folder of ours");
    gate.restart();
    let (mut slowest, mut latest) = (Duration::ZERO, Duration::ZERO);
    for round in 0..rounds {
        let study = 1_800 + round * 10;
        let poison = poison(study);
        gate.takes(&poison);
        let id = trace::ids(&gate.folder().join("spool"))[&poison.instance][0].clone();
        let mut started = Instant::now();
        for kill in 1..=KILLS {
            until("it is being judged", || is_at_work(&gate, &id));
            slowest = slowest.max(marks_another(&gate, &sink, study + kill));
            assert!(is_at_work(&gate, &id), "the kill would not be in the midst of it");
            assert_eq!(sink.find(&poison.instance), None);
            gate.kill();
            started = Instant::now();
            gate.restart();
        }
        let arrived = eventually("it goes on", SOON, || sink.find(&poison.instance));
        latest = latest.max(started.elapsed());
        assert_eq!(arrived.data, poison.data(), "as it came");
        assert!(metrics(&gate).contains("markgate_objects_unmarked_total{code=\"UNCHECKED\"} 1"));
        let alarm = |line: &str| line.contains("POISON") && line.contains(&id);
        assert_eq!(gate.log().lines().filter(|line| alarm(line)).count(), 1);
        slowest = slowest.max(marks_another(&gate, &sink, study + KILLS + 1));
        gate.settle();
    }
    let ledger = gate.json(&["ledger"]);
    let all = rounds * (KILLS + 2);
    assert_eq!(
        (&ledger["balanced"], &ledger["delivered"]),
        (&true.into(), &all.into()),
        "{ledger}"
    );
    figure(
        "R18",
        "poison_bypass",
        format_args!(
            "objects: {rounds}, killed 3 times each in the midst of being judged: then as they came, UNCHECKED, {} ms \
             after the start at most; {} others sent meanwhile, all marked, {} ms from sending to the PACS at most",
            latest.as_millis(),
            rounds * (KILLS + 1),
            slowest.as_millis(),
        ),
    );
}
