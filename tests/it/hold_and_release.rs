//! What must not go on waits for a person, is listed with its reason, and goes where the person sends it.

use crate::support::dataset::Object;
use crate::support::eventually::until;
use crate::support::gate::{Configuration, Gate};
use crate::support::sink::Sink;

/// A slice without Patient ID.
fn nameless(study: u32, number: u32) -> Object {
    Object::chest_ct(study, number).with((0x0010, 0x0020), "LO", "")
}

fn held(gate: &Gate) -> Vec<serde_json::Value> {
    gate.list(&["quarantine", "ls"])
}

#[test]
fn an_object_without_patient_id_is_held_listed_released_and_arrives_unmarked() {
    let sink = Sink::up();
    let gate = Gate::start(&Configuration::hospital().pacs(&sink));
    let object = nameless(30, 1);
    gate.takes(&object);
    until("one object is held", || held(&gate).len() == 1);
    let entry = held(&gate).remove(0);
    assert_eq!(entry["sop_instance_uid"], object.instance.as_str());
    assert_eq!(entry["study_instance_uid"], object.study.as_str());
    assert_eq!(entry["state"], "held");
    assert!(!entry["reasons"].as_array().unwrap().is_empty(), "{entry}");
    assert_eq!(gate.json(&["ledger"])["held"], 1);
    // What comes after it is not held up.
    gate.takes(&Object::chest_ct(31, 1));
    assert_eq!(sink.wait_for(1).remove(0).instance, Object::chest_ct(31, 1).instance);

    let id = entry["id"].as_str().unwrap();
    gate.done(&["quarantine", "release", id, "--reason", "ID confirmed by the ward"]);
    let arrived = sink.wait_for(2).remove(1);
    assert_eq!(arrived.data, object.data());
    until("nothing is held", || held(&gate).is_empty());
    let all = gate.list(&["quarantine", "ls", "--all"]);
    assert_eq!(all[0]["state"], "released");
    gate.settle();
    let ledger = gate.json(&["ledger"]);
    assert_eq!((&ledger["received"], &ledger["delivered"]), (&2.into(), &2.into()), "{ledger}");
}

#[test]
fn what_is_rejected_never_arrives_and_is_accounted_for() {
    let sink = Sink::up();
    let gate = Gate::start(&Configuration::hospital().pacs(&sink));
    gate.takes(&nameless(32, 1));
    gate.takes(&nameless(32, 2));
    until("two objects are held", || held(&gate).len() == 2);
    // By study, as a person would name it.
    gate.done(&["quarantine", "reject", &nameless(32, 1).study, "--reason", "sent by mistake"]);
    until("nothing is held", || held(&gate).is_empty());
    gate.takes(&Object::chest_ct(33, 1));
    sink.wait_for(1);
    gate.settle();
    assert_eq!(sink.received().len(), 1);
    let ledger = gate.json(&["ledger"]);
    assert_eq!((&ledger["rejected"], &ledger["balanced"]), (&2.into(), &true.into()), "{ledger}");
}

#[test]
fn held_objects_stay_held_over_a_kill() {
    let sink = Sink::up();
    let mut gate = Gate::start(&Configuration::hospital().pacs(&sink));
    gate.takes(&nameless(34, 1));
    until("one object is held", || held(&gate).len() == 1);
    gate.kill();
    gate.restart();
    assert_eq!(held(&gate).len(), 1);
    gate.done(&["quarantine", "release", "ALL", "--reason", "checked"]);
    assert_eq!(sink.wait_for(1).remove(0).data, nameless(34, 1).data());
}

#[test]
fn what_is_held_is_judged_again_after_a_rule_was_mended() {
    let sink = Sink::up();
    let configuration = Configuration::hospital().pacs(&sink);
    let gate = Gate::start(&configuration);
    gate.takes(&nameless(35, 1));
    until("one object is held", || held(&gate).len() == 1);
    let reasons = held(&gate)[0]["reasons"].clone();
    let mut mended = configuration;
    for reason in reasons.as_array().unwrap() {
        let rule = reason.as_str().unwrap();
        mended = mended.section(&format!("[rules.override.\"{rule}\"]\nseverity = \"warn\"\n"));
    }
    gate.configure(&mended);
    gate.reload();
    // The reload has no answer of its own: the replay is asked until it finds the new rules.
    until("the object went on", || {
        gate.done(&["quarantine", "replay", "ALL"]);
        held(&gate).is_empty()
    });
    sink.wait_for(1);
}

#[test]
fn urgent_sources_are_never_held() {
    let sink = Sink::up();
    let urgent = "[[source]]\naet = \"CT01\"\nurgent = true\n";
    let gate = Gate::start(&Configuration::new().section(urgent).pacs(&sink));
    gate.takes(&nameless(36, 1));
    assert_eq!(sink.wait_for(1).remove(0).data, nameless(36, 1).data());
    assert!(held(&gate).is_empty());
}
