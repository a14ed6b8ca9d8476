//! What senders of other makers send arrives as they sent it: the same bytes as on a direct line to the PACS.

use crate::support::dataset::Object;
use crate::support::gate::{Configuration, Gate};
use crate::support::peers;
use crate::support::sink::{Received, Sink};
use crate::support::testdata;
use crate::support::wire::CT_IMAGE;
use std::collections::BTreeMap;
use std::time::Duration;

fn relay() -> Configuration {
    Configuration::new()
        .section("[[source]]\naet = \"*\"\nhosts = [\"127.0.0.0/8\"]\nurgent = true\n")
}

/// Instance to transfer syntax and bytes.
fn contents(received: Vec<Received>) -> BTreeMap<String, (String, String, Vec<u8>)> {
    let entry = |r: Received| (r.instance, (r.class, r.transfer_syntax, r.data));
    received.into_iter().map(entry).collect()
}

/// Sends with `send` to a PACS directly and through the gate, and compares what arrives.
#[track_caller]
fn check(files: &[Vec<u8>], send: impl Fn(u16, &[Vec<u8>])) -> usize {
    let (direct, behind) = (Sink::up(), Sink::up());
    send(direct.port(), files);
    let want = contents(direct.received());
    let gate = Gate::start(&relay().pacs(&behind));
    send(gate.port(), files);
    let arrived = behind.wait_within(want.len(), Duration::from_secs(60));
    assert_eq!(arrived.len(), want.len());
    assert!(contents(arrived) == want, "what arrived differs from a direct line");
    want.len()
}

/// Part 10 files of samples that have distinct instances.
fn files() -> Vec<Vec<u8>> {
    let mut seen = std::collections::BTreeSet::new();
    testdata::samples()
        .into_iter()
        .filter(|sample| sample.is_whole() && seen.insert(sample.instance.clone()))
        .map(|sample| sample.file())
        .collect()
}

#[test]
fn storescu() {
    let files = files();
    // One file a call: storescu gives up at the first that it cannot read.
    let sent = check(&files, |port, files| {
        for file in files {
            peers::storescu(port, "CT01", std::slice::from_ref(file), &[]);
        }
    });
    println!("storescu: {sent} of {} files", files.len());
    assert!(sent > 0);
}

#[test]
fn pynetdicom() {
    let files = files();
    let sent = check(&files, |port, files| {
        peers::pynetdicom(port, "CT01", files);
    });
    println!("pynetdicom: {sent} of {} files", files.len());
    assert!(sent > 0);
}

#[test]
fn dcmjs_dimse() {
    let files: Vec<Vec<u8>> = (1..=5).map(|number| Object::chest_ct(130, number).file()).collect();
    let sent = check(&files, |port, files| {
        let said = peers::dcmjs(port, "CT01", files);
        assert!(said.as_object().unwrap().values().all(|status| status == 0), "{said}");
    });
    assert_eq!(sent, 5);
}

#[test]
fn a_study_on_one_association() {
    let sink = Sink::up();
    let gate = Gate::start(&relay().pacs(&sink));
    let files: Vec<Vec<u8>> = (1..=40).map(|number| Object::chest_ct(131, number).file()).collect();
    let output = peers::storescu(gate.port(), "CT01", &files, &[]);
    assert!(output.status.success(), "{output:?}");
    let arrived = sink.wait_for(40);
    assert!(arrived.iter().all(|r| r.class == CT_IMAGE && r.calling == "CT01"));
    let arrived = contents(arrived); // storescu goes through a folder in no order
    for number in 1..=40 {
        let object = Object::chest_ct(131, number);
        assert!(arrived[&object.instance].2 == object.data(), "{number} differs");
    }
}
