//! SIGTERM: what has begun is finished, what has not is turned away, nothing is lost.

use crate::support::dataset::Object;
use crate::support::eventually::until;
use crate::support::gate::{Configuration, Gate};
use crate::support::sender::{Refusal, Sender};
use crate::support::sink::Sink;
use crate::support::wire::{self, CT_IMAGE, Context, EXPLICIT_LE};

#[test]
fn an_object_that_has_begun_is_finished_and_no_new_association_is_taken() {
    let sink = Sink::up();
    let mut gate = Gate::start(&Configuration::new().pacs(&sink));
    // Large enough not to be held in a buffer.
    let object = Object::chest_ct(90, 1).with_bytes((0x7FE0, 0x0010), "OW", vec![1; 4 << 20]);
    let data = object.data();
    let (first, rest) = data.split_at(data.len() / 2);
    let mut sender = Sender::for_one(gate.port(), CT_IMAGE, EXPLICIT_LE);
    sender.begin(CT_IMAGE, &object.instance).unwrap();
    for piece in first.chunks(8192) {
        sender.fragment(piece, false).unwrap();
    }
    let drafts = gate.folder().join("spool/tmp");
    until("the object has begun", || {
        std::fs::read_dir(&drafts).is_ok_and(|mut drafts| drafts.next().is_some())
    });
    gate.terminate();
    let context = [Context::proposed(1, CT_IMAGE, &[EXPLICIT_LE])];
    until("new associations are turned away", || {
        match Sender::connect(gate.port(), "CT01", "MARKGATE", &context) {
            Err(Refusal::Closed | Refusal::Rejected { result: 2, source: 3, reason: 1 }) => true,
            Err(other) => panic!("{other:?}"),
            Ok(early) => {
                early.release();
                false
            }
        }
    });
    assert!(!gate.has_ended());
    for piece in rest.chunks(8192) {
        sender.fragment(piece, false).unwrap();
    }
    sender.fragment(&[], true).unwrap();
    assert_eq!(sender.answer().map(|answer| answer.status), Some(0));
    sender.release();
    assert_eq!(gate.end().code(), Some(0), "{}", gate.log());
    if sink.received().is_empty() {
        gate.restart();
    }
    assert_eq!(sink.wait_for(1).remove(0).data, data);
}

#[test]
fn an_idle_association_is_released_and_the_gate_ends_at_once() {
    let sink = Sink::up();
    let mut gate = Gate::start(&Configuration::new().pacs(&sink));
    let mut idle = Sender::for_one(gate.port(), CT_IMAGE, EXPLICIT_LE);
    gate.terminate();
    let asked = wire::read_pdu(&mut idle.stream).expect("the gate says that it goes");
    assert_eq!(asked.kind, wire::RELEASE_RQ);
    wire::write_pdu(&mut idle.stream, wire::RELEASE_RP, &[0; 4]).unwrap();
    assert_eq!(gate.end().code(), Some(0), "{}", gate.log());
}

#[test]
fn a_peer_that_does_not_answer_does_not_keep_the_gate() {
    let sink = Sink::up();
    let mut gate = Gate::start(&Configuration::new().pacs(&sink));
    let deaf = Sender::for_one(gate.port(), CT_IMAGE, EXPLICIT_LE);
    gate.terminate();
    assert_eq!(gate.end().code(), Some(0), "{}", gate.log());
    drop(deaf);
}
