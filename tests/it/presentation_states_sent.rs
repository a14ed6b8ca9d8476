//! A presentation state follows the images of its series: after them, once, and to where they went.

use crate::support::dataset::{self, Object, part10};
use crate::support::eventually::{SOON, eventually};
use crate::support::gate::{Configuration, Gate};
use crate::support::peers::{self, Storescp};
use crate::support::sink::{Received, Sink};
use crate::support::wire::EXPLICIT_LE;
use serde_json::Value;
use std::collections::BTreeSet;
use tempfile::TempDir;

const GSPS: &str = "1.2.840.10008.5.1.4.1.1.11.1";

/// The gate of the hospital, which shows the mark in presentation states once a series is quiet for so long.
fn showing(after: &str) -> Configuration {
    let hospital = Configuration::hospital().mark(r#"modes = ["presentation-state"]"#);
    hospital.mark(&format!("presentation_state_after = {after:?}"))
}

fn slices(study: u32, numbers: std::ops::RangeInclusive<u32>) -> Vec<Object> {
    numbers.map(|number| Object::chest_ct(study, number)).collect()
}

fn send(gate: &Gate, objects: &[Object]) {
    let files: Vec<Vec<u8>> = objects.iter().map(Object::file).collect();
    let sent = peers::storescu(gate.port(), "CT01", &files, &[]);
    assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
}

/// The presentation states of a study among what has come.
fn states(received: &[Received], study: &str) -> Vec<Received> {
    let of = |received: &&Received| {
        let named = dataset::value(&received.data, EXPLICIT_LE, (0x0020, 0x000D));
        let named = named.map(|uid| String::from_utf8_lossy(uid).trim_end_matches('\0').to_owned());
        received.class == GSPS && named.as_deref() == Some(study)
    };
    received.iter().filter(of).cloned().collect()
}

fn read(state: &Received) -> Value {
    peers::pydicom(&part10(&state.class, &state.instance, EXPLICIT_LE, &state.data))
}

fn shown(state: &Received) -> BTreeSet<String> {
    let read = read(state);
    let images = read["00081115"][1][0]["00081140"][1].as_array().expect("images").clone();
    images.iter().map(|image| image["00081155"][1].as_str().expect("a UID").to_owned()).collect()
}

fn instances(objects: &[Object]) -> BTreeSet<String> {
    objects.iter().map(|object| object.instance.clone()).collect()
}

#[track_caller]
fn wait_for_states(sink: &Sink, study: &str, count: usize) -> Vec<Received> {
    eventually(&format!("{count} presentation states of a study"), SOON, || {
        let states = states(&sink.received(), study);
        (states.len() >= count).then_some(states)
    })
}

#[test]
fn a_state_comes_after_the_images_and_names_them_all() {
    let sink = Sink::up();
    let gate = Gate::start(&showing("2s").pacs(&sink));
    let images = slices(210, 1..=3);
    send(&gate, &images);
    let state = wait_for_states(&sink, &images[0].study, 1).remove(0);
    let received = sink.received();
    let order: Vec<&str> = received.iter().map(|received| received.instance.as_str()).collect();
    assert_eq!(order.len(), 4);
    assert_eq!(order.last(), Some(&state.instance.as_str()));
    assert_eq!(shown(&state), instances(&images));
    let text = &read(&state)["00700001"][1][0]["00700008"][1][0]["00700006"][1];
    assert_eq!(text, "示范医院-JJJHR");
    let file = part10(&state.class, &state.instance, EXPLICIT_LE, &state.data);
    assert_eq!(peers::dciodvfy(&file), Vec::<String>::new());
    gate.settle();
    let ledger = gate.json(&["ledger"]);
    assert_eq!(ledger["balanced"], true, "{ledger}");
    assert_eq!(
        ["received", "delivered", "held"].map(|n| &ledger[n]),
        [4, 4, 0].map(Value::from).each_ref()
    );
}

#[test]
fn what_is_due_survives_the_gate_and_is_made_once() {
    let sink = Sink::up();
    let configure = |after| showing(after).pacs(&sink);
    let mut gate = Gate::start(&configure("1h"));
    let images = slices(211, 1..=2);
    send(&gate, &images);
    sink.wait_for(2);
    gate.settle();
    gate.kill();
    gate.configure(&configure("1s"));
    gate.restart();
    let first = wait_for_states(&sink, &images[0].study, 1);
    assert_eq!(shown(&first[0]), instances(&images));
    gate.settle();
    gate.kill();
    gate.restart();
    // The series is looked at again after a start, before one that comes later.
    let later = slices(212, 1..=1);
    send(&gate, &later);
    wait_for_states(&sink, &later[0].study, 1);
    assert_eq!(states(&sink.received(), &images[0].study).len(), 1);
    assert_eq!(gate.json(&["ledger"])["balanced"], true);
}

#[test]
fn images_that_come_late_are_shown_with_those_before_them() {
    let sink = Sink::up();
    let gate = Gate::start(&showing("1s").pacs(&sink));
    let images = slices(213, 1..=3);
    send(&gate, &images[..2]);
    let before = wait_for_states(&sink, &images[0].study, 1);
    send(&gate, &images[2..]);
    let all = eventually("a presentation state of all images", SOON, || {
        let states = states(&sink.received(), &images[0].study);
        states.into_iter().find(|state| shown(state) == instances(&images))
    });
    let series = |state: &Received| read(state)["0020000E"][1].clone();
    assert_eq!(series(&all), series(&before[0]));
    assert_ne!(all.instance, before[0].instance);
}

#[test]
fn images_without_a_mark_get_none() {
    let sink = Sink::up();
    let gate = Gate::start(&showing("1s").pacs(&sink));
    let unmarked: Vec<Object> = slices(214, 1..=1)
        .into_iter()
        .map(|image| image.with((0x0018, 0x0015), "CS", "FOOT"))
        .collect();
    send(&gate, &unmarked);
    sink.wait_for(1);
    let later = slices(215, 1..=1);
    send(&gate, &later);
    wait_for_states(&sink, &later[0].study, 1);
    assert_eq!(states(&sink.received(), &unmarked[0].study), Vec::new());
}

#[test]
fn a_pacs_that_takes_no_presentation_states_has_the_images_all_the_same() {
    let folder = TempDir::with_prefix("markgate-profile-").expect("a folder");
    let profile = folder.path().join("profile.cfg");
    let text = "[[TransferSyntaxes]]\n[Plain]\nTransferSyntax1 = LittleEndianExplicit\n\
                [[PresentationContexts]]\n[CT]\nPresentationContext1 = CTImageStorage\\Plain\n\
                [[Profiles]]\n[CTONLY]\nPresentationContexts = CT\n";
    std::fs::write(&profile, text).expect("a folder of ours");
    let path = profile.to_str().expect("a plain name");
    let pacs = Storescp::start_with(&["-xf", path, "CTONLY"]);
    let gate = Gate::start(&showing("1s").destination("pacs", pacs.port()));
    let images = slices(216, 1..=1);
    send(&gate, &images);
    let waiting = eventually("the presentation state waits for a PACS that takes it", SOON, || {
        let queue = gate.list(&["queue", "ls"]);
        queue.into_iter().find(|delivery| delivery["state"] == "deferred")
    });
    let why = waiting["last_error"].as_str().unwrap_or_default();
    assert!(why.contains(GSPS), "{waiting}");
    assert!(pacs.data_set(&images[0].instance).is_some());
    let ledger = gate.json(&["ledger"]);
    assert_eq!(ledger["balanced"], true, "{ledger}");
    let counts = ["received", "delivered", "in_flight"].map(|name| &ledger[name]);
    assert_eq!(counts, [2, 1, 1].map(Value::from).each_ref());
}
