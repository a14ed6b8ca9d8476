//! One SOP Instance UID more than once: every version that was acknowledged is kept and can be seen, none is mixed with
//! another, none overwritten.

use crate::support::dataset::Object;
use crate::support::eventually::until;
use crate::support::figure::figure;
use crate::support::gate::{Configuration, Gate};
use crate::support::sender::Sender;
use crate::support::sink::Sink;
use crate::support::wire::{CT_IMAGE, Context, EXPLICIT_LE};

/// The rule of two versions under one SOP Instance UID.
const CONFLICT: &str = "IMG-STU-021";

#[track_caller]
fn send_as(gate: &Gate, calling: &str, object: &Object) {
    let context = Context::proposed(1, CT_IMAGE, &[EXPLICIT_LE]);
    let mut sender = Sender::connect(gate.port(), calling, "MARKGATE", &[context]).unwrap();
    let answer = sender.store(CT_IMAGE, &object.instance, &object.data());
    assert_eq!(answer.map(|answer| answer.status), Some(0), "each version is acknowledged");
    assert!(sender.release());
}

#[track_caller]
fn send(gate: &Gate, object: &Object) {
    send_as(gate, "CT01", object);
}

/// An object that nobody would hold, and other bytes under its UID.
fn two(study: u32) -> (Object, Object) {
    let one = Object::chest_ct(study, 1);
    (one.clone(), one.with((0x0008, 0x103E), "LO", "CHEST 5.0 again"))
}

/// The same without Patient ID, so that they are held.
fn two_held(study: u32) -> (Object, Object) {
    let (one, other) = two(study);
    let nameless = |object: Object| object.with((0x0010, 0x0020), "LO", "");
    (nameless(one), nameless(other))
}

/// What is in quarantine of this instance: its reasons, in order of arrival.
fn held(gate: &Gate, object: &Object) -> Vec<Vec<String>> {
    let mut entries = gate.list(&["quarantine", "ls"]);
    entries.retain(|entry| entry["sop_instance_uid"] == object.instance.as_str());
    let reasons = |entry: &serde_json::Value| {
        let reasons = entry["reasons"].as_array().unwrap().iter();
        reasons.map(|reason| reason.as_str().unwrap().to_owned()).collect()
    };
    entries.iter().map(reasons).collect()
}

/// The bytes of this instance that have come to the PACS.
fn arrived(sink: &Sink, object: &Object) -> Vec<Vec<u8>> {
    let mut received = sink.received();
    received.retain(|one| one.instance == object.instance);
    received.into_iter().map(|one| one.data).collect()
}

#[track_caller]
fn wait_arrived(sink: &Sink, object: &Object, want: &[&Object]) {
    let want: Vec<Vec<u8>> = want.iter().map(|object| object.data()).collect();
    until("all versions that may have come", || arrived(sink, object).len() >= want.len());
    assert!(arrived(sink, object) == want, "other versions than were to come, or in another order");
}

/// Lets what is held of an instance go.
fn release(gate: &Gate, object: &Object) {
    gate.done(&["quarantine", "release", &object.instance, "--reason", "both are good"]);
}

/// Reports the cases that a test has gone through.
fn told(cases: &str) {
    let fate = "every acknowledged version kept, 0 mixed, 0 overwritten";
    figure("R14", "dup_conflict_versions", format_args!("{cases}: {fate}"));
}

fn ledger(gate: &Gate, what: &str) -> u64 {
    let ledger = gate.json(&["ledger"]);
    assert_eq!(ledger["balanced"], true, "{ledger}");
    ledger[what].as_u64().unwrap()
}

#[test]
fn while_a_version_is_queued() {
    let mut sink = Sink::down();
    let gate = Gate::start(&Configuration::new().pacs(&sink));
    // The same bytes on the same way: nothing new.
    let (same, _) = two(401);
    send(&gate, &same);
    send(&gate, &same);
    until("the second is counted", || ledger(&gate, "suppressed") == 1);
    // Other bytes: both kept, the second for a person.
    let (one, other) = two(402);
    send(&gate, &one);
    send(&gate, &other);
    until("the second is held", || held(&gate, &one) == [[CONFLICT]]);
    // The same bytes from another modality: they go their own way.
    let (shared, _) = two(403);
    send_as(&gate, "CT01", &shared);
    send_as(&gate, "CT02", &shared);
    until("all are in the books", || ledger(&gate, "received") == 5);

    sink.rise();
    gate.done(&["queue", "flush"]);
    wait_arrived(&sink, &same, &[&same]);
    wait_arrived(&sink, &one, &[&one]);
    wait_arrived(&sink, &shared, &[&shared, &shared]);
    release(&gate, &one);
    wait_arrived(&sink, &one, &[&one, &other]);
    gate.settle();
    assert_eq!((ledger(&gate, "delivered"), ledger(&gate, "held")), (5, 0));
    told("queued: same bytes, same bytes from another sender, other bytes (3 cases)");
}

#[test]
fn after_a_version_was_delivered() {
    let sink = Sink::up();
    let gate = Gate::start(&Configuration::new().pacs(&sink));
    // Whoever sends again does so because the PACS lacks it.
    let (same, _) = two(411);
    send(&gate, &same);
    wait_arrived(&sink, &same, &[&same]);
    gate.settle();
    send(&gate, &same);
    wait_arrived(&sink, &same, &[&same, &same]);
    figure(
        "R14",
        "resend_after_delivered_is_forwarded",
        "same bytes again: delivered again, alike",
    );

    let (one, other) = two(412);
    send(&gate, &one);
    wait_arrived(&sink, &one, &[&one]);
    gate.settle();
    send(&gate, &other);
    until("other bytes are held", || held(&gate, &one) == [[CONFLICT]]);
    // Sent again after the conflict: a version more for the person, and nothing is taken back.
    send(&gate, &one);
    until("a third copy is kept", || ledger(&gate, "received") == 5);
    until("and judged", || gate.json(&["status"])["queue"]["deliveries"] == 0);
    let copies = held(&gate, &one).len() + arrived(&sink, &one).len();
    assert_eq!(copies, 3, "every acknowledged version is kept");
    release(&gate, &one);
    until("all have arrived", || arrived(&sink, &one).len() == 3);
    let all = arrived(&sink, &one);
    let count = |object: &Object| all.iter().filter(|data| **data == object.data()).count();
    assert_eq!((count(&one), count(&other)), (2, 1), "none is mixed");
    told("delivered: same bytes, other bytes, the first again after the conflict (3 cases)");
}

#[test]
fn while_a_version_is_held_and_after_it_was_rejected() {
    let sink = Sink::up();
    let gate = Gate::start(&Configuration::hospital().pacs(&sink));
    let (same, _) = two_held(421);
    send(&gate, &same);
    until("it is held", || held(&gate, &same).len() == 1);
    send(&gate, &same);
    until("the second is counted", || ledger(&gate, "suppressed") == 1);
    assert_eq!(held(&gate, &same).len(), 1);
    gate.done(&["quarantine", "reject", &same.instance, "--reason", "a test"]);
    until("nothing is held", || held(&gate, &same).is_empty());
    send(&gate, &same);
    until("it is before a person again", || held(&gate, &same).len() == 1);
    release(&gate, &same);
    wait_arrived(&sink, &same, &[&same]);

    let (one, other) = two_held(422);
    send(&gate, &one);
    until("the first is held", || held(&gate, &one).len() == 1);
    send(&gate, &other);
    until("both are held", || held(&gate, &one).len() == 2);
    assert!(held(&gate, &one)[1].iter().any(|reason| reason == CONFLICT));
    release(&gate, &one);
    wait_arrived(&sink, &one, &[&one, &other]);
    told(
        "held and rejected: same bytes while held, same bytes after rejection, other bytes while held (3 cases)",
    );
}

/// Turns a bit in the middle of every object that is in custody.
fn rot(gate: &Gate) {
    let objects = gate.folder().join("spool/objects");
    let mut turned = 0;
    for shard in std::fs::read_dir(objects).unwrap() {
        for file in std::fs::read_dir(shard.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            let mut bytes = std::fs::read(&path).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            std::fs::write(&path, bytes).unwrap();
            turned += 1;
        }
    }
    assert!(turned > 0, "there is nothing that could rot");
}

#[test]
fn while_the_bytes_of_a_version_rot() {
    let damaged = [["SPOOL_DAMAGED".to_owned()]];
    // Sent again before the damage is found: suppressed, and then the only good bytes.
    let mut sink = Sink::down();
    let gate = Gate::start(&Configuration::new().pacs(&sink));
    let (before, _) = two(441);
    send(&gate, &before);
    rot(&gate);
    send(&gate, &before);
    until("the second is counted", || ledger(&gate, "suppressed") == 1);
    sink.rise();
    gate.done(&["queue", "flush"]);
    wait_arrived(&sink, &before, &[&before]);
    until("the first is held", || held(&gate, &before) == damaged);
    assert_eq!((ledger(&gate, "received"), ledger(&gate, "suppressed")), (2, 0));

    // Sent again after it was found: it goes its own way.
    let mut sink = Sink::down();
    let gate = Gate::start(&Configuration::new().pacs(&sink));
    let (after, _) = two(442);
    send(&gate, &after);
    rot(&gate);
    sink.rise();
    gate.done(&["queue", "flush"]);
    until("the first is held", || held(&gate, &after) == damaged);
    send(&gate, &after);
    wait_arrived(&sink, &after, &[&after]);
    told("rotten: same bytes before and after the damage is found (2 cases)");
}

#[test]
fn on_two_associations_at_the_same_time() {
    const PAIRS: u32 = 8;
    let sink = Sink::up();
    let gate = Gate::start(&Configuration::new().pacs(&sink));
    for pair in 0..PAIRS {
        let (one, other) = two(430 + pair);
        std::thread::scope(|threads| {
            threads.spawn(|| send(&gate, &one));
            threads.spawn(|| send(&gate, &other));
        });
    }
    until("one of each two is held", || ledger(&gate, "held") == u64::from(PAIRS));
    until("and the other delivered", || ledger(&gate, "delivered") == u64::from(PAIRS));
    for pair in 0..PAIRS {
        let (one, other) = two(430 + pair);
        release(&gate, &one);
        until("both have arrived", || arrived(&sink, &one).len() == 2);
        let all = arrived(&sink, &one);
        assert!(all.contains(&one.data()) && all.contains(&other.data()), "none is mixed");
    }
    told("other bytes at the same time on two associations (8 pairs)");
}
