//! Objects that are broken get a clear answer, and cost nobody else anything.

use crate::support::dataset::Object;
use crate::support::eventually::until;
use crate::support::gate::{Configuration, Gate};
use crate::support::sender::Sender;
use crate::support::sink::Sink;
use crate::support::wire::{CT_IMAGE, EXPLICIT_LE};

/// What the gate answers to these bytes sent as a CT image.
#[track_caller]
fn answer(gate: &Gate, instance: &str, data: &[u8]) -> u16 {
    let mut sender = Sender::for_one(gate.port(), CT_IMAGE, EXPLICIT_LE);
    let answer = sender.store(CT_IMAGE, instance, data).expect("an answer");
    assert!(sender.release());
    answer.status
}

/// A data set that is complete and cannot be walked: an element of VR `??` in its middle.
fn unwalkable(number: u32) -> Object {
    Object::chest_ct(110, number).with_bytes((0x0018, 0x9999), "\u{1}\u{2}", vec![0; 4])
}

#[test]
fn a_truncated_object_is_refused_and_leaves_nothing_behind() {
    let sink = Sink::up();
    let gate = Gate::start(&Configuration::new().pacs(&sink));
    let object = Object::chest_ct(111, 1);
    let data = object.data();
    for cut in [1, 2, 7, 100, data.len() / 2, data.len() - 1] {
        let status = answer(&gate, &object.instance, &data[..data.len() - cut]);
        assert_eq!(status, 0xC000, "{cut} bytes are missing");
    }
    // Stray bytes behind the last element are no data set either.
    assert_eq!(answer(&gate, &object.instance, &[&data[..], &[1, 2, 3]].concat()), 0xC000);
    assert_eq!(answer(&gate, &object.instance, &data), 0);
    sink.wait_for(1);
    gate.settle();
    let ledger = gate.json(&["ledger"]);
    let counts = ["received", "delivered", "held", "in_flight", "refused"].map(|n| &ledger[n]);
    assert_eq!(counts, [1, 1, 0, 0, 7].map(serde_json::Value::from).each_ref(), "{ledger}");
}

#[test]
fn a_modality_that_vanishes_leaves_nothing_behind() {
    let sink = Sink::up();
    let gate = Gate::start(&Configuration::new().pacs(&sink));
    let object = Object::chest_ct(112, 1);
    for length in [0, 1, 200, 5000] {
        let mut sender = Sender::for_one(gate.port(), CT_IMAGE, EXPLICIT_LE);
        sender.begin(CT_IMAGE, &object.instance).unwrap();
        sender.fragment(&object.data()[..length], false).unwrap();
        drop(sender);
    }
    let drafts = gate.folder().join("spool/tmp");
    until("no draft is left", || {
        std::fs::read_dir(&drafts).is_ok_and(|mut entries| entries.next().is_none())
    });
    assert_eq!(answer(&gate, &object.instance, &object.data()), 0);
    assert_eq!(sink.wait_for(1).remove(0).data, object.data());
    assert_eq!(gate.json(&["ledger"])["received"], 1);
}

#[test]
fn what_cannot_be_walked_is_held_handed_on_or_refused_as_the_site_wants() {
    for (wish, status) in [("hold", 0), ("forward", 0), ("refuse", 0xC000)] {
        let sink = Sink::up();
        let configuration = Configuration::new().gate(&format!("unparsable = \"{wish}\""));
        let gate = Gate::start(&configuration.pacs(&sink));
        let object = unwalkable(1);
        assert_eq!(answer(&gate, &object.instance, &object.data()), status, "{wish}");
        match wish {
            "hold" => {
                until("it is held", || gate.list(&["quarantine", "ls"]).len() == 1);
                gate.done(&["quarantine", "release", "ALL", "--reason", "looked at"]);
                assert_eq!(sink.wait_for(1).remove(0).data, object.data());
            }
            "forward" => assert_eq!(sink.wait_for(1).remove(0).data, object.data()),
            _ => {
                assert!(gate.list(&["quarantine", "ls"]).is_empty());
                assert_eq!(gate.json(&["ledger"])["received"], 0);
            }
        }
    }
}

#[test]
fn class_and_instance_must_be_those_of_the_command() {
    let sink = Sink::up();
    let gate = Gate::start(&Configuration::new().pacs(&sink));
    let object = Object::chest_ct(113, 1);
    let other_class = object.clone().with((0x0008, 0x0016), "UI", "1.2.840.10008.5.1.4.1.1.4");
    assert_eq!(answer(&gate, &object.instance, &other_class.data()), 0xA900);
    assert_eq!(answer(&gate, "1.2.3.4", &object.data()), 0xC010);
    let nameless = object.clone().without((0x0008, 0x0018));
    assert_eq!(answer(&gate, &object.instance, &nameless.data()), 0xC010);
    assert_eq!(gate.json(&["ledger"])["received"], 0);
    assert_eq!(answer(&gate, &object.instance, &object.data()), 0);
    sink.wait_for(1);
}

#[test]
fn sequences_deeper_than_anyone_needs_are_held_and_do_no_harm() {
    let sink = Sink::up();
    let gate = Gate::start(&Configuration::new().pacs(&sink));
    let mut nested = Vec::new();
    for _ in 0..100_000 {
        nested.extend_from_slice(b"\x08\x00\x40\x11SQ\0\0\xFF\xFF\xFF\xFF");
        nested.extend_from_slice(b"\xFE\xFF\x00\xE0\xFF\xFF\xFF\xFF");
    }
    for _ in 0..100_000 {
        nested.extend_from_slice(b"\xFE\xFF\x0D\xE0\0\0\0\0\xFE\xFF\xDD\xE0\0\0\0\0");
    }
    let object = Object::chest_ct(114, 1);
    let data = object.data();
    let at = data.windows(4).position(|tag| tag == b"\x08\x00\x90\x10").unwrap();
    // (0008,1090) is followed by (0010,0010): the sequence goes between them.
    let after = at + 8 + usize::from(data[at + 6]);
    let deep = [&data[..after], &nested, &data[after..]].concat();
    assert_eq!(answer(&gate, &object.instance, &deep), 0);
    until("it is held", || gate.list(&["quarantine", "ls"]).len() == 1);
    gate.done(&["quarantine", "release", "ALL", "--reason", "looked at"]);
    assert_eq!(sink.wait_for(1).remove(0).data, deep);
}
