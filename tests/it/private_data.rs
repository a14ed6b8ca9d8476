//! No name, ID, birth date or accession number of a patient is written anywhere but into the objects.

use crate::support::dataset::Object;
use crate::support::eventually::until;
use crate::support::gate::{Configuration, Gate};
use crate::support::sender::Sender;
use crate::support::sink::{Manner, Sink};
use crate::support::wire::{CT_IMAGE, EXPLICIT_LE};

/// Values that occur nowhere else.
const BAIT: [&str; 5] = ["Quxbait", "诱饵患者", "BAIT-ID-93", "19570913", "BAIT-ACC-93"];

fn bait(number: u32) -> Object {
    Object::chest_ct(150, number)
        .with((0x0010, 0x0010), "PN", "Quxbait^A=诱饵患者")
        .with((0x0010, 0x0020), "LO", "BAIT-ID-93")
        .with((0x0010, 0x0030), "DA", "19570913")
        .with((0x0008, 0x0050), "SH", "BAIT-ACC-93")
}

#[test]
fn logs_and_metrics_know_no_patient() {
    let sink = Sink::up();
    sink.behave(Manner::Answer(0xA700));
    let configuration = Configuration::hospital().gate("unparsable = \"hold\"");
    let mut gate = Gate::start(&configuration.pacs(&sink));
    let send = |gate: &Gate, instance: &str, data: &[u8]| {
        let mut sender = Sender::for_one(gate.port(), CT_IMAGE, EXPLICIT_LE);
        sender.store(CT_IMAGE, instance, data).map(|answer| answer.status)
    };
    // Marked; held for want of a study; with text that does not decode; cut off; unwalkable; of another class.
    let objects = [
        bait(1),
        bait(2).with((0x0020, 0x000D), "UI", ""),
        bait(3).with_bytes((0x0010, 0x4000), "LT", b"\xFF\xFEQuxbait \x80".to_vec()),
        bait(4).with_bytes((0x0018, 0x9999), "\u{1}\u{2}", vec![0; 4]),
        bait(5).with((0x0008, 0x0016), "UI", "1.2.3"),
        bait(6).with((0x0008, 0x0020), "DA", "Quxbait!"),
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
    let metrics = crate::support::http::get(gate.console(), "/metrics").unwrap();
    gate.terminate();
    gate.end();
    let said = gate.log() + &String::from_utf8_lossy(&metrics.body);
    assert!(!said.is_empty());
    for value in BAIT {
        let line = said.lines().find(|line| line.contains(value));
        assert_eq!(line, None, "{value} was written");
    }
}
