//! An object that bears no mark leaves the gate byte for byte as it came.

use crate::support::eventually::eventually;
use crate::support::gate::{Configuration, Gate};
use crate::support::peers::Storescp;
use crate::support::sender::Sender;
use crate::support::sink::Sink;
use crate::support::testdata::{self, Sample};
use crate::support::wire::Context;
use std::time::Duration;

/// Callers of no institution, which no rule holds.
fn relay() -> Configuration {
    Configuration::new()
        .section("[[source]]\naet = \"*\"\nhosts = [\"127.0.0.0/8\"]\nurgent = true\n")
}

/// storescp goes silent on some objects, where the gate has to answer.
const CONTROL_PATIENCE: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(60);

/// Sends a sample on an association of its own: the status; `None` when it is not taken.
fn send(port: u16, sample: &Sample, patience: Duration) -> Option<u16> {
    let context = Context::proposed(1, &sample.class, &[&sample.transfer_syntax]);
    let mut sender = Sender::connect(port, "CT01", "MARKGATE", &[context])
        .unwrap_or_else(|refusal| panic!("{}: {refusal:?}", sample.name))
        .patient_for(patience);
    let accepted = sender.accepted.contexts[0].result == 0;
    let answer =
        accepted.then(|| sender.store(&sample.class, &sample.instance, &sample.data)).flatten();
    sender.release();
    answer.map(|answer| answer.status)
}

#[test]
fn every_object_reaches_a_pacs_that_takes_all_as_it_was_sent() {
    let sink = Sink::up();
    let gate = Gate::start(&relay().pacs(&sink));
    let samples = testdata::samples();
    let (whole, cut): (Vec<_>, Vec<_>) = samples.iter().partition(|sample| sample.is_whole());
    for sample in &whole {
        assert_eq!(send(gate.port(), sample, PATIENCE), Some(0), "{}", sample.name);
    }
    for sample in &cut {
        assert_eq!(send(gate.port(), sample, PATIENCE), Some(0xC000), "{} is cut off", sample.name);
    }
    let arrived = sink.wait_within(whole.len(), Duration::from_secs(120));
    for sample in &whole {
        let here = arrived.iter().filter(|received| received.hash == blake3::hash(&sample.data));
        let as_sent: Vec<_> = here
            .map(|r| (r.class.as_str(), r.instance.as_str(), r.transfer_syntax.as_str()))
            .collect();
        let want = (&*sample.class, &*sample.instance, &*sample.transfer_syntax);
        assert!(as_sent.contains(&want), "{}: {as_sent:?}", sample.name);
    }
    gate.settle();
    assert_eq!(sink.received().len(), whole.len());
    println!("{} identical, {} cut off and refused", whole.len(), cut.len());
}

#[test]
fn what_storescp_takes_it_gets_bit_by_bit() {
    let (control, storescp) = (Storescp::start(), Storescp::start());
    let gate = Gate::start(&relay().destination("pacs", storescp.port()));
    let samples = testdata::samples();
    let (mut identical, mut not_taken) = (0, Vec::new());
    for sample in samples.iter().filter(|sample| sample.is_whole()) {
        if send(control.port(), sample, CONTROL_PATIENCE) != Some(0) {
            not_taken.push((&sample.name, &sample.transfer_syntax));
            continue;
        }
        assert_eq!(send(gate.port(), sample, PATIENCE), Some(0), "{}", sample.name);
        let what = format!("{} is at storescp as it was sent", sample.name);
        eventually(&what, Duration::from_secs(30), || {
            (storescp.data_set(&sample.instance)? == sample.data).then_some(())
        });
        identical += 1;
    }
    println!("{identical} identical; storescp itself does not take {not_taken:?}");
    assert!(identical > not_taken.len(), "storescp takes hardly anything");
}
