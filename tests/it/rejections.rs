//! Who is turned away, and with which result, source and reason (PS3.8 Table 9-21).

use crate::support::dataset::Object;
use crate::support::gate::{Configuration, Gate};
use crate::support::sender::{Refusal, Sender, dial};
use crate::support::sink::Sink;
use crate::support::wire::{
    self, Associate, CT_IMAGE, Context, EXPLICIT_LE, IMPLICIT_LE, VERIFICATION,
};
use std::io::Write;

fn verification() -> Vec<Context> {
    vec![Context::proposed(1, VERIFICATION, &[IMPLICIT_LE])]
}

fn gate() -> (Gate, Sink) {
    let sink = Sink::up();
    let configuration = Configuration::new()
        .gate("aet = [\"MARKGATE\", \"GATE 2\"]")
        .section("[[source]]\naet = \"CT01\"\n")
        .section("[[source]]\naet = \"FAR\"\nhosts = [\"192.0.2.0/24\"]\n");
    (Gate::start(&configuration.pacs(&sink)), sink)
}

#[test]
fn called_and_calling_titles_are_checked() {
    let (gate, _sink) = gate();
    let ask = |calling: &str, called: &str| {
        Sender::connect(gate.port(), calling, called, &verification()).map(|_| ())
    };
    let rejected = |reason| Err(Refusal::Rejected { result: 1, source: 1, reason });
    assert_eq!(ask("CT01", "MARKGATE"), Ok(()));
    assert_eq!(ask("CT01", "GATE 2"), Ok(()));
    assert_eq!(ask(" CT01", " MARKGATE"), Ok(()), "padding is no part of a title");
    assert_eq!(ask("CT01", "OTHER"), rejected(7));
    assert_eq!(ask("CT01", "markgate"), rejected(7));
    assert_eq!(ask("STRANGER", "MARKGATE"), rejected(3));
    assert_eq!(ask("FAR", "MARKGATE"), rejected(3), "a known title from elsewhere");
}

#[test]
fn a_request_that_is_not_dicoms_is_told_so() {
    let (gate, _sink) = gate();
    let request = Associate {
        called: "MARKGATE".to_owned(),
        calling: "CT01".to_owned(),
        contexts: verification(),
        max_pdu: 16384,
    };
    let ask = |change: fn(&mut Vec<u8>)| {
        let mut body = request.encode(wire::ASSOCIATE_RQ);
        change(&mut body);
        let mut stream = dial(gate.port()).unwrap();
        wire::write_pdu(&mut stream, wire::ASSOCIATE_RQ, &body).unwrap();
        wire::read_pdu(&mut stream).map(|pdu| (pdu.kind, pdu.body)).ok()
    };
    assert_eq!(ask(|_| ()).unwrap().0, wire::ASSOCIATE_AC);
    let rejected = |triple: [u8; 3]| Some((wire::ASSOCIATE_RJ, [&[0], &triple[..]].concat()));
    assert_eq!(ask(|body| body[1] = 2), rejected([1, 2, 2]), "another protocol version");
    // The last character of the application context's name.
    assert_eq!(ask(|body| body[68 + 4 + 20] = b'9'), rejected([1, 1, 2]));
}

#[test]
fn contexts_are_answered_one_by_one() {
    let (gate, _sink) = gate();
    let contexts = [
        Context::proposed(1, VERIFICATION, &[IMPLICIT_LE]),
        Context::proposed(3, CT_IMAGE, &[EXPLICIT_LE]),
        Context::proposed(5, "1.2.840.10008.1.20.1", &[IMPLICIT_LE]), // storage commitment
        Context::proposed(7, "1.2.840.113619.4.2", &[IMPLICIT_LE]),   // a maker's own class
        Context::proposed(9, "1.2.840.10008.5.1.4.31", &[IMPLICIT_LE]), // worklist
    ];
    let sender = Sender::connect(gate.port(), "CT01", "MARKGATE", &contexts).unwrap();
    let results: Vec<_> = sender.accepted.contexts.iter().map(|c| (c.id, c.result)).collect();
    assert_eq!(results, [(1, 0), (3, 0), (5, 0), (7, 0), (9, 3)]);
    assert!(sender.accepted.max_pdu > 0);
    assert!(sender.release());
}

#[test]
fn an_echo_is_answered_before_between_and_after_objects() {
    let (gate, sink) = gate();
    let object = Object::chest_ct(100, 1);
    let mut sender = Sender::connect(gate.port(), "CT01", "MARKGATE", &verification()).unwrap();
    assert_eq!(sender.echo(), Some(0));
    assert_eq!(sender.echo(), Some(0));
    let mut other = Sender::for_one(gate.port(), CT_IMAGE, EXPLICIT_LE);
    let answer = other.store(CT_IMAGE, &object.instance, &object.data());
    assert_eq!(answer.map(|answer| answer.status), Some(0));
    assert_eq!(sender.echo(), Some(0));
    assert!(sender.release() && other.release());
    sink.wait_for(1);
}

#[test]
fn words_out_of_order_end_the_association_and_nothing_else() {
    let (gate, sink) = gate();
    let hello = || Sender::for_one(gate.port(), CT_IMAGE, EXPLICIT_LE);
    let second = Associate {
        called: "MARKGATE".to_owned(),
        calling: "CT01".to_owned(),
        contexts: verification(),
        max_pdu: 16384,
    };
    let second = wire::pdu(wire::ASSOCIATE_RQ, &second.encode(wire::ASSOCIATE_RQ));
    // A second request; an unknown PDU type; a PDV that ends outside its PDU; a context that was never agreed.
    let unknown = wire::pdu(0x55, &[0; 4]);
    let past_end = wire::pdu(wire::P_DATA, &[0, 0, 1, 0, 1, 3, 0, 0]);
    let stray = wire::pdu(wire::P_DATA, &[0, 0, 0, 4, 99, 3, 0, 0]);
    for bytes in [&second, &unknown, &past_end, &stray] {
        let abort = hello().say(bytes).expect("an A-ABORT");
        assert_eq!(abort.kind, wire::ABORT, "{bytes:02X?}");
        assert_eq!(abort.body[2], 2, "by the service provider: {bytes:02X?}");
    }
    // P-DATA before any association, another protocol, and a peer that only knocks.
    for bytes in [&stray[..], b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b""] {
        let mut stream = dial(gate.port()).unwrap();
        stream.write_all(bytes).unwrap();
        drop(stream);
    }
    let object = Object::chest_ct(101, 1);
    let answer = hello().store(CT_IMAGE, &object.instance, &object.data());
    assert_eq!(answer.map(|answer| answer.status), Some(0));
    sink.wait_for(1);
}
