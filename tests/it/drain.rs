//! SIGTERM: what has begun is finished, what has not is turned away, nothing is lost.

use crate::support::dataset::Object;
use crate::support::eventually::until;
use crate::support::figure::figure;
use crate::support::gate::{Configuration, Gate};
use crate::support::sender::{Refusal, Sender};
use crate::support::sink::{Manner, Sink};
use crate::support::wire::{self, CT_IMAGE, Context, EXPLICIT_LE};
use std::collections::BTreeMap;
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Objects in hand when the gate is told to stop, each on an association of its own.
const IN_HAND: u32 = 6;

/// R20: so long may a gate that is told to stop take.
const DRAINED: Duration = Duration::from_secs(30);

/// Tells the gate to stop and yields how long it took.
fn stop(gate: &mut Gate, told: Instant) -> Duration {
    assert_eq!(gate.end().code(), Some(0), "{}", gate.log());
    let took = told.elapsed();
    assert!(took <= DRAINED, "{took:?}");
    took
}

#[test]
fn objects_that_have_begun_are_finished_and_no_new_association_is_taken() {
    let sink = Sink::up();
    let mut gate = Gate::start(&Configuration::new().pacs(&sink));
    // Large enough not to be held in a buffer.
    let objects: Vec<Object> = (1..=IN_HAND)
        .map(|number| {
            let pixels = vec![u8::try_from(number).unwrap(); 4 << 20];
            Object::chest_ct(90, number).with_pixels(2048, 1024, pixels)
        })
        .collect();
    let mut begun: Vec<(Sender, Vec<u8>)> = Vec::new();
    for object in &objects {
        let data = object.data();
        let (first, rest) = data.split_at(data.len() / 2);
        let mut sender = Sender::for_one(gate.port(), CT_IMAGE, EXPLICIT_LE);
        sender.begin(CT_IMAGE, &object.instance).unwrap();
        for piece in first.chunks(8192) {
            sender.fragment(piece, false).unwrap();
        }
        begun.push((sender, rest.to_vec()));
    }
    let drafts = gate.folder().join("spool/tmp");
    until("the objects have begun", || {
        std::fs::read_dir(&drafts).is_ok_and(|drafts| drafts.count() == objects.len())
    });
    let told = Instant::now();
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
    for (mut sender, rest) in begun {
        for piece in rest.chunks(8192) {
            sender.fragment(piece, false).unwrap();
        }
        sender.fragment(&[], true).unwrap();
        assert_eq!(sender.answer().map(|answer| answer.status), Some(0));
        sender.release();
    }
    let took = stop(&mut gate, told);
    gate.restart();
    sink.wait_for(objects.len());
    let expected: BTreeMap<String, Vec<u8>> =
        objects.iter().map(|object| (object.instance.clone(), object.data())).collect();
    let arrived: BTreeMap<String, Vec<u8>> =
        sink.received().into_iter().map(|received| (received.instance, received.data)).collect();
    assert!(arrived == expected, "what was in hand is not what arrived");
    figure(
        "R20",
        "sigterm_drains",
        format_args!(
            "{IN_HAND} objects in hand at SIGTERM: {IN_HAND} answered and delivered, ended in {took:.1?}"
        ),
    );
}

#[test]
fn a_pacs_that_does_not_answer_does_not_keep_the_gate() {
    let sink = Sink::up();
    sink.behave(Manner::Slow(Duration::from_secs(600)));
    let mut gate = Gate::start(&Configuration::new().pacs(&sink));
    let object = Object::chest_ct(91, 1);
    let mut sender = Sender::for_one(gate.port(), CT_IMAGE, EXPLICIT_LE);
    let answer = sender.store(CT_IMAGE, &object.instance, &object.data());
    assert_eq!(answer.map(|answer| answer.status), Some(0));
    assert!(sender.release());
    until("the object is with the PACS", || sink.begun() == 1);
    let told = Instant::now();
    gate.terminate();
    let took = stop(&mut gate, told);
    sink.behave(Manner::Take);
    gate.restart();
    assert_eq!(sink.wait_for(1).remove(0).data, object.data());
    figure(
        "R20",
        "sigterm_drains",
        format_args!(
            "a PACS that does not answer: ended in {took:.1?}, delivered after the next start"
        ),
    );
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
    let told = Instant::now();
    gate.terminate();
    let took = stop(&mut gate, told);
    drop(deaf);
    figure(
        "R20",
        "sigterm_drains",
        format_args!("a modality that does not answer: ended in {took:.1?}"),
    );
}

#[test]
fn a_gate_heeds_signals_from_the_moment_its_port_is_open() {
    let sink = Sink::up();
    for _ in 0..5 {
        let mut gate = Gate::lay(&Configuration::new().pacs(&sink));
        gate.begin();
        until("the port is open", || TcpStream::connect(("127.0.0.1", gate.port())).is_ok());
        gate.reload();
        gate.terminate();
        assert_eq!(gate.end().code(), Some(0), "{}", gate.log());
    }
}
