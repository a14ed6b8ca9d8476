//! The tools of these tests against each other, without the gate: a test that fails here says nothing about it.

use crate::support::bait;
use crate::support::dataset::{self, Object};
use crate::support::eventually::until;
use crate::support::peers::{self, Orthanc, Storescp};
use crate::support::sender::{Refusal, Sender};
use crate::support::sink::{Manner, Sink};
use crate::support::wire::{CT_IMAGE, Context, EXPLICIT_LE, IMPLICIT_LE, VERIFICATION};

#[test]
fn our_sender_and_our_sink_agree_on_every_byte() {
    let sink = Sink::up();
    let mut sender = Sender::for_one(sink.port(), CT_IMAGE, EXPLICIT_LE);
    let object = Object::chest_ct(1, 1);
    let answer = sender.store(CT_IMAGE, &object.instance, &object.data()).unwrap();
    assert_eq!((answer.status, answer.instance), (0, object.instance.clone()));
    assert!(sender.release());
    let received = sink.wait_for(1).remove(0);
    assert_eq!(received.data, object.data());
    assert_eq!(received.length, object.data().len() as u64);
    assert_eq!((received.calling.as_str(), received.called.as_str()), ("CT01", "MARKGATE"));
    assert_eq!(received.transfer_syntax, EXPLICIT_LE);
}

#[test]
fn our_sink_misbehaves_as_told() {
    let mut sink = Sink::up();
    let contexts = [Context::proposed(1, CT_IMAGE, &[IMPLICIT_LE, EXPLICIT_LE])];
    let object = Object::chest_ct(1, 2);
    let store = |sink: &Sink| {
        let mut sender = Sender::connect(sink.port(), "CT01", "PACS", &contexts).unwrap();
        sender.store(CT_IMAGE, &object.instance, &object.data()).map(|answer| answer.status)
    };
    sink.behave(Manner::Answer(0xA700));
    assert_eq!(store(&sink), Some(0xA700));
    sink.behave(Manner::AbortAfter(100));
    assert_eq!(store(&sink), None);
    sink.behave(Manner::KeepAndHangUp);
    assert_eq!(store(&sink), None);
    assert_eq!(sink.received().len(), 1);
    sink.behave(Manner::Reject(2, 3, 2));
    let refused = Sender::connect(sink.port(), "CT01", "PACS", &contexts).err();
    assert_eq!(refused, Some(Refusal::Rejected { result: 2, source: 3, reason: 2 }));
    sink.behave(Manner::Take);
    sink.take_only(&[EXPLICIT_LE]);
    let sender = Sender::connect(sink.port(), "CT01", "PACS", &contexts).unwrap();
    assert_eq!(sender.accepted.contexts[0].transfer_syntaxes, [EXPLICIT_LE]);
    sink.fall();
    let refused = Sender::connect(sink.port(), "CT01", "PACS", &contexts).err();
    assert_eq!(refused, Some(Refusal::Closed));
    sink.rise();
    assert_eq!(store(&sink), Some(0));
}

#[test]
fn foreign_senders_reach_our_sink() {
    let sink = Sink::up();
    let object = |number| Object::chest_ct(2, number);
    let output = peers::storescu(sink.port(), "CT01", &[object(1).file()], &[]);
    assert!(output.status.success(), "{output:?}");
    let said = peers::pynetdicom(sink.port(), "CT01", &[object(2).file()]);
    assert_eq!(said, serde_json::json!({ object(2).instance: 0 }));
    let said = peers::dcmjs(sink.port(), "CT01", &[object(3).file()]);
    assert_eq!(said, serde_json::json!({ object(3).instance: 0 }));
    let arrived: Vec<String> = sink.wait_for(3).into_iter().map(|r| r.instance).collect();
    assert_eq!(arrived, [object(1).instance, object(2).instance, object(3).instance]);
}

#[test]
fn our_sender_reaches_storescp_and_orthanc() {
    let object = Object::chest_ct(3, 1);
    let storescp = Storescp::start();
    let mut sender = Sender::for_one(storescp.port(), CT_IMAGE, EXPLICIT_LE);
    let answer = sender.store(CT_IMAGE, &object.instance, &object.data()).unwrap();
    assert_eq!(answer.status, 0);
    assert_eq!(storescp.wait_for(&object.instance, object.data().len()), object.data());

    let orthanc = Orthanc::start();
    let contexts = [
        Context::proposed(1, CT_IMAGE, &[EXPLICIT_LE]),
        Context::proposed(3, VERIFICATION, &[IMPLICIT_LE]),
    ];
    let mut sender = Sender::connect(orthanc.port(), "CT01", "ORTHANC", &contexts).unwrap();
    let answer = sender.store(CT_IMAGE, &object.instance, &object.data()).unwrap();
    assert_eq!(answer.status, 0);
    until("Orthanc keeps one instance", || orthanc.count() == 1);
    let tags = orthanc.wait_for(&object.instance);
    assert_eq!(tags["0010,0020"]["Value"], bait::ID);
}

#[test]
fn the_referees_read_what_we_make() {
    let file = Object::chest_ct(4, 1).file();
    assert!(peers::dcmdump_reads(&file));
    assert!(!peers::dcmdump_reads(&file[..file.len() - 100]));
    assert_eq!(peers::dciodvfy(&file), [""; 0]);
    let read = peers::pydicom(&file);
    assert_eq!(read["00080080"], serde_json::json!(["LO", "示范医院"]));
    assert_eq!(file[dataset::data_set_start(&file)..], Object::chest_ct(4, 1).data());
}
