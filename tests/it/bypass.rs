//! In bypass the gate is a pipe: everything is kept safe and handed on as it came, and nothing is judged, touched or held.

use crate::support::dataset::{self, Object};
use crate::support::eventually::until;
use crate::support::gate::{Configuration, Gate};
use crate::support::http;
use crate::support::sender::Sender;
use crate::support::sink::Sink;
use crate::support::wire::EXPLICIT_LE;

fn send(gate: &Gate, object: &Object) -> Option<u16> {
    let mut sender = Sender::for_one(gate.port(), &object.class, EXPLICIT_LE);
    let answer = sender.store(&object.class, &object.instance, &object.data());
    assert!(sender.release());
    answer.map(|answer| answer.status)
}

/// Without Patient ID: held when it is judged.
fn nameless(number: u32) -> Object {
    Object::chest_ct(170, number).with((0x0010, 0x0020), "LO", "")
}

/// Complete, and not to be walked.
fn unwalkable(number: u32) -> Object {
    Object::chest_ct(171, number).with_bytes((0x0018, 0x9999), "\u{1}\u{2}", vec![0; 4])
}

fn on(gate: &Gate, time: &str) {
    gate.done(&["bypass", "on", "--for", time, "--reason", "the rules are being mended"]);
}

fn is_on(gate: &Gate) -> bool {
    gate.json(&["bypass", "status"])["on"] == true
}

fn metrics(gate: &Gate) -> String {
    let page = http::get(gate.console(), "/metrics").expect("the gate answers");
    String::from_utf8(page.body).expect("text")
}

fn audit(gate: &Gate) -> String {
    let files = std::fs::read_dir(gate.folder().join("spool/audit")).expect("a trail");
    files.flatten().map(|file| std::fs::read_to_string(file.path()).expect("text")).collect()
}

#[test]
fn in_bypass_nothing_is_judged_touched_or_held_and_a_restart_does_not_end_it() {
    let sink = Sink::up();
    let configuration =
        Configuration::hospital().gate("unparsable = \"refuse\"").gate("coerced_status = \"B000\"");
    let mut gate = Gate::start(&configuration.pacs(&sink));
    assert_eq!(send(&gate, &nameless(1)), Some(0));
    until("one is held", || gate.list(&["quarantine", "ls"]).len() == 1);
    assert_eq!(send(&gate, &unwalkable(1)), Some(0xC000));

    on(&gate, "2h");
    let objects = [Object::chest_ct(172, 1), nameless(2), unwalkable(2)];
    for object in &objects {
        assert_eq!(send(&gate, object), Some(0));
    }
    // In any order: they are of three series.
    let received = sink.wait_for(3);
    for object in &objects {
        assert!(received.iter().any(|one| one.data == object.data()), "byte for byte");
    }
    assert!(metrics(&gate).contains("markgate_objects_bypassed_total 3"));
    gate.kill();
    gate.restart();
    assert!(is_on(&gate));
    assert_eq!(gate.json(&["status"])["bypass"], true);
    assert!(metrics(&gate).contains("markgate_bypass 1"));
    let after = Object::chest_ct(172, 2);
    assert_eq!(send(&gate, &after), Some(0));
    // What had been sent and was not entered yet when the gate was killed may come again.
    until("it is sent on", || sink.find(&after.instance).is_some());
    assert!(sink.find(&after.instance).is_some_and(|one| one.data == after.data()));
    let explained = gate.json(&["explain", "--uid", &after.instance]);
    assert_eq!(explained[0]["reason"], "BYPASS", "{explained}");
    // What was held before stays so, and nobody judges it meanwhile.
    assert_eq!(gate.list(&["quarantine", "ls"]).len(), 1);
    assert!(!gate.run(&["quarantine", "replay", "ALL"]).status.success());

    gate.done(&["bypass", "off", "--reason", "mended"]);
    assert!(!is_on(&gate));
    let marked = Object::chest_ct(172, 3);
    assert_eq!(send(&gate, &marked), Some(0xB000));
    until("it is sent on", || sink.find(&marked.instance).is_some());
    let arrived = sink.find(&marked.instance).expect("it has come");
    assert!(!dataset::differences(&marked.data(), &arrived.data, EXPLICIT_LE).is_empty());
    assert!(metrics(&gate).contains("markgate_bypass 0"));
    let trail = audit(&gate);
    for told in ["110127", "the rules are being mended", "110138", "\"reason\":\"mended\""] {
        assert!(trail.contains(told), "{told}");
    }
    gate.settle();
    assert_eq!(gate.json(&["ledger"])["balanced"], true);
}

#[test]
fn routes_count_in_bypass_where_the_header_can_be_looked_at() {
    let (ct, other) = (Sink::up(), Sink::up());
    let configuration = Configuration::new()
        .destination("ct", ct.port())
        .destination("other", other.port())
        .section("[[route]]\nto = [\"ct\"]\nwhen = \"dcm.Modality == 'CT'\"\n")
        .section("[[route]]\nto = [\"other\"]\n");
    let gate = Gate::start(&configuration);
    on(&gate, "1h");
    let mr = Object::chest_ct(173, 2).with((0x0008, 0x0060), "CS", "MR");
    for object in [&Object::chest_ct(173, 1), &mr, &unwalkable(3)] {
        assert_eq!(send(&gate, object), Some(0));
    }
    let instances = |sink: &Sink| {
        let received = sink.wait_for(2);
        received.into_iter().map(|one| one.instance).collect::<Vec<_>>()
    };
    assert_eq!(instances(&ct), [Object::chest_ct(173, 1).instance, unwalkable(3).instance]);
    assert_eq!(instances(&other), [mr.instance, unwalkable(3).instance]);
}

#[test]
fn bypass_ends_by_itself() {
    let sink = Sink::up();
    let gate = Gate::start(&Configuration::hospital().pacs(&sink));
    for refused in ["25h", "0s", "soon"] {
        let order = ["bypass", "on", "--for", refused, "--reason", "x"];
        assert!(!gate.run(&order).status.success(), "{refused}");
    }
    on(&gate, "2s");
    assert!(is_on(&gate));
    until("its time is over", || !is_on(&gate));
    until("its end is told", || {
        gate.log().contains("bypass is over") && audit(&gate).contains("its time was over")
    });
    let marked = Object::chest_ct(174, 1);
    assert_eq!(send(&gate, &marked), Some(0));
    assert_ne!(sink.wait_for(1).remove(0).data, marked.data());
}
