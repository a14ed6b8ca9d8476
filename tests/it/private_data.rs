//! No name, ID, birth date or accession number of a patient is written anywhere but into the objects.

use crate::support::dataset::Object;
use crate::support::eventually::until;
use crate::support::figure::figure;
use crate::support::gate::{Configuration, Gate};
use crate::support::sender::Sender;
use crate::support::sink::{Manner, Sink};
use crate::support::wire::{CT_IMAGE, EXPLICIT_LE};

/// What an archive says in words, and to whom it belongs.
const COMMENT: &str = "Quxbait^San BAIT-ID-93 is not the patient of this study";

#[test]
fn logs_and_metrics_know_no_patient() {
    let sink = Sink::up();
    sink.behave(Manner::Comment(0xA700, COMMENT.to_owned()));
    let configuration = Configuration::hospital().gate("unparsable = \"hold\"");
    let mut gate = Gate::start(&configuration.pacs(&sink));
    let send = |gate: &Gate, instance: &str, data: &[u8]| {
        let mut sender = Sender::for_one(gate.port(), CT_IMAGE, EXPLICIT_LE);
        sender.store(CT_IMAGE, instance, data).map(|answer| answer.status)
    };
    // Marked; held for want of a study; with text that does not decode; cut off; unwalkable; of another class.
    let objects = [
        Object::chest_ct(150, 1),
        Object::chest_ct(150, 2).with((0x0020, 0x000D), "UI", ""),
        Object::chest_ct(150, 3).with_bytes(
            (0x0010, 0x4000),
            "LT",
            b"\xFF\xFEQuxbait \x80".to_vec(),
        ),
        Object::chest_ct(150, 4).with_bytes((0x0018, 0x9999), "\u{1}\u{2}", vec![0; 4]),
        Object::chest_ct(150, 5).with((0x0008, 0x0016), "UI", "1.2.3"),
        Object::chest_ct(150, 6).with((0x0008, 0x0020), "DA", "Quxbait!"),
    ];
    for object in &objects {
        send(&gate, &object.instance, &object.data());
        let data = object.data();
        send(&gate, &object.instance, &data[..data.len() - 9]);
    }
    until("the PACS was asked", || sink.begun() > 0);
    sink.behave(Manner::Take);
    gate.kill();
    gate.restart();
    sink.wait_for(1);
    gate.json(&["queue", "ls"]);
    gate.json(&["quarantine", "ls"]);
    gate.json(&["explain", "--uid", &objects[0].instance]);
    // A person looks at it on purpose; nothing of it stays behind.
    gate.knows_no_patient();
    gate.terminate();
    gate.end();
    assert!(!gate.log().is_empty());
    gate.knows_no_patient();
    figure(
        "R19",
        "logs_have_no_phi",
        "log, metrics, audit trail, index and journal of every behaviour test searched for a bait patient: 0 found",
    );
}

#[test]
fn the_words_of_a_warning_or_a_refusal_are_written_nowhere() {
    for (status, told) in [(0xB000, "delivered with a warning"), (0xC123, "not delivered")] {
        let sink = Sink::up();
        sink.behave(Manner::Comment(status, COMMENT.to_owned()));
        let mut gate = Gate::start(&Configuration::new().pacs(&sink));
        let object = Object::chest_ct(152, 1);
        let mut sender = Sender::for_one(gate.port(), CT_IMAGE, EXPLICIT_LE);
        let answer = sender.store(CT_IMAGE, &object.instance, &object.data());
        assert_eq!(answer.map(|answer| answer.status), Some(0));
        assert!(sender.release());
        until("it is told of", || gate.log().contains(told));
        gate.terminate();
        gate.end();
        gate.knows_no_patient();
    }
}

#[test]
fn what_peers_say_cannot_forge_or_steer_log_lines() {
    let sink = Sink::up();
    let comment = "no\n2026-05-01T00:00:00Z ERROR forged\u{1b}[2J";
    sink.behave(Manner::Comment(0xC123, comment.to_owned()));
    let gate = Gate::start(&Configuration::new().pacs(&sink));
    let object = Object::chest_ct(151, 1);
    let mut sender = Sender::for_one(gate.port(), CT_IMAGE, EXPLICIT_LE);
    assert_eq!(sender.store(CT_IMAGE, &object.instance, &object.data()).map(|a| a.status), Some(0));
    assert!(sender.release());
    let stranger = Sender::connect(gate.port(), "A\n\u{1b}B", "C\r\u{7}D", &[]);
    assert!(stranger.is_err());
    until("both are told of", || {
        gate.log().contains("not delivered") && gate.log().contains("association rejected")
    });
    let steering = |c: char| c.is_control() && c != '\n';
    assert_eq!(gate.log().find(steering), None, "{:?}", gate.log());
    assert!(!gate.log().contains("forged"), "what a destination says in words is not told");
}
