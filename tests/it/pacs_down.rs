//! The PACS is away, sick or picky: the modality never notices, and everything arrives.

use crate::support::dataset::Object;
use crate::support::eventually::{SOON, eventually, until};
use crate::support::gate::{Configuration, Gate};
use crate::support::sender::Sender;
use crate::support::sink::{Manner, Received, Sink};
use crate::support::wire::{CT_IMAGE, EXPLICIT_LE, IMPLICIT_LE};
use std::time::{Duration, Instant};

/// Sends `count` slices of a study on one association; each must be acknowledged.
#[track_caller]
fn send(gate: &Gate, study: u32, count: u32) {
    let mut sender = Sender::for_one(gate.port(), CT_IMAGE, EXPLICIT_LE);
    for number in 1..=count {
        let object = Object::chest_ct(study, number);
        let answer = sender.store(CT_IMAGE, &object.instance, &object.data());
        assert_eq!(answer.map(|answer| answer.status), Some(0));
    }
    assert!(sender.release());
}

fn instances(received: &[Received]) -> Vec<String> {
    received.iter().map(|received| received.instance.clone()).collect()
}

fn slices(study: u32, count: u32) -> Vec<String> {
    (1..=count).map(|number| Object::chest_ct(study, number).instance).collect()
}

/// Waits for `count` objects, asking the gate to try now instead of when it is due.
#[track_caller]
fn arrived(gate: &Gate, sink: &Sink, count: usize) -> Vec<Received> {
    eventually(&format!("{count} objects at the PACS"), SOON, || {
        gate.done(&["queue", "flush"]);
        let received = sink.received();
        (received.len() >= count).then_some(received)
    })
}

#[test]
fn a_pacs_that_is_down_at_first_gets_everything_in_order_once_it_is_up() {
    let mut sink = Sink::down();
    let gate = Gate::start(&Configuration::new().pacs(&sink));
    send(&gate, 40, 5);
    until("five deliveries wait", || gate.list(&["queue", "ls"]).len() == 5);
    eventually("the reason is told", SOON, || {
        let entry = gate.list(&["queue", "ls"]).remove(0);
        assert_eq!(entry["destination"], "pacs");
        entry["last_error"].as_str().map(str::to_owned)
    });
    sink.rise();
    assert_eq!(instances(&arrived(&gate, &sink, 5)), slices(40, 5));
    gate.settle();
}

#[test]
fn the_order_within_a_series_survives_an_outage_that_began_in_its_midst() {
    let mut sink = Sink::down();
    let gate = Gate::start(&Configuration::new().pacs(&sink));
    let object = |number| Object::chest_ct(48, number);
    let mut sender = Sender::for_one(gate.port(), CT_IMAGE, EXPLICIT_LE);
    let mut store = |number| {
        let answer = sender.store(CT_IMAGE, &object(number).instance, &object(number).data());
        assert_eq!(answer.map(|answer| answer.status), Some(0));
    };
    store(1);
    until("the first was tried and is put off", || {
        gate.list(&["queue", "ls"]).iter().any(|entry| entry["state"] == "deferred")
    });
    sink.rise();
    (2..=6).for_each(&mut store);
    assert_eq!(instances(&sink.wait_for(6)), slices(48, 6));
}

#[test]
fn the_order_within_a_series_survives_a_restart_while_its_head_is_put_off() {
    let mut sink = Sink::down();
    let mut gate = Gate::start(&Configuration::new().pacs(&sink));
    send(&gate, 49, 4);
    until("the first was tried and is put off", || {
        gate.list(&["queue", "ls"]).iter().any(|entry| entry["state"] == "deferred")
    });
    gate.kill();
    sink.rise();
    gate.restart();
    assert_eq!(instances(&sink.wait_for(4)), slices(49, 4));
}

#[test]
fn what_was_acknowledged_while_the_pacs_was_down_survives_a_kill() {
    let mut sink = Sink::down();
    let mut gate = Gate::start(&Configuration::new().pacs(&sink));
    send(&gate, 41, 5);
    gate.kill();
    gate.restart();
    sink.rise();
    assert_eq!(instances(&arrived(&gate, &sink, 5)), slices(41, 5));
}

#[test]
fn a_pacs_without_room_is_asked_again() {
    let sink = Sink::up();
    sink.behave(Manner::Answer(0xA700));
    let gate = Gate::start(&Configuration::new().pacs(&sink));
    send(&gate, 42, 2);
    until("it was refused", || sink.begun() >= 1);
    assert!(sink.received().is_empty());
    sink.behave(Manner::Take);
    assert_eq!(instances(&arrived(&gate, &sink, 2)), slices(42, 2));
}

#[test]
fn an_association_that_dies_in_the_middle_costs_nothing() {
    let sink = Sink::up();
    sink.behave(Manner::AbortAfter(4000));
    let gate = Gate::start(&Configuration::new().pacs(&sink));
    send(&gate, 43, 3);
    until("it was cut off", || sink.begun() >= 1);
    sink.behave(Manner::Take);
    let arrived = arrived(&gate, &sink, 3);
    for (number, received) in (1..).zip(&arrived) {
        assert_eq!(received.data, Object::chest_ct(43, number).data());
    }
}

#[test]
fn an_answer_that_never_comes_means_the_same_bytes_again() {
    let sink = Sink::up();
    sink.behave(Manner::KeepAndHangUp);
    let gate = Gate::start(&Configuration::hospital().pacs(&sink));
    send(&gate, 44, 1);
    sink.wait_for(1);
    sink.behave(Manner::Take);
    let both = arrived(&gate, &sink, 2);
    assert_eq!(both[0].data, both[1].data);
    assert_ne!(both[0].data, Object::chest_ct(44, 1).data(), "it is marked");
    gate.settle();
    assert_eq!(gate.json(&["ledger"])["delivered"], 1);
}

#[test]
fn a_dead_destination_does_not_stop_the_others_or_make_them_receive_twice() {
    let (well, mut dead) = (Sink::up(), Sink::down());
    let configuration = Configuration::new();
    let configuration = configuration.destination("well", well.port());
    let gate = Gate::start(&configuration.destination("dead", dead.port()));
    send(&gate, 45, 4);
    assert_eq!(instances(&well.wait_for(4)), slices(45, 4));
    until("only the dead one waits", || {
        let waiting = gate.list(&["queue", "ls"]);
        waiting.len() == 4 && waiting.iter().all(|entry| entry["destination"] == "dead")
    });
    dead.rise();
    assert_eq!(instances(&arrived(&gate, &dead, 4)), slices(45, 4));
    gate.settle();
    assert_eq!(well.received().len(), 4);
}

#[test]
fn an_uncompressed_object_is_converted_for_a_pacs_that_takes_implicit_only() {
    let sink = Sink::up();
    sink.take_only(&[IMPLICIT_LE]);
    let gate = Gate::start(&Configuration::new().pacs(&sink));
    let object = Object::chest_ct(46, 1);
    send(&gate, 46, 1);
    let arrived = arrived(&gate, &sink, 1).remove(0);
    assert_eq!(arrived.transfer_syntax, IMPLICIT_LE);
    assert_eq!(arrived.data, crate::support::dataset::implicit(&object.data()));
}

#[test]
fn a_slow_pacs_does_not_slow_the_modality() {
    let sink = Sink::up();
    sink.behave(Manner::Slow(Duration::from_secs(1)));
    let gate = Gate::start(&Configuration::new().pacs(&sink));
    let begun = Instant::now();
    send(&gate, 47, 10);
    let acknowledged = begun.elapsed();
    assert!(sink.received().len() < 10, "the PACS was not slow: {acknowledged:?}");
    assert_eq!(instances(&sink.wait_for(10)), slices(47, 10));
}
