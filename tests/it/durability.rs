//! Success is said only after the object, and then its name, were synced: seen from outside, in the order of system
//! calls.

use crate::support::dataset::Object;
use crate::support::eventually::until;
use crate::support::gate::{Configuration, Gate};
use crate::support::process::Running;
use crate::support::sender::Sender;
use crate::support::sink::Sink;
use crate::support::wire::{CT_IMAGE, EXPLICIT_LE};
use std::collections::BTreeMap;
use std::process::Command;

/// What matters of a system call, in the order in which they ended; answers in the order in which they began.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Event {
    /// A file whose bytes were synced.
    Synced(String),
    Renamed,
    /// P-DATA to the modality.
    Answered,
}

fn event(call: &str, modality: &str) -> Option<Event> {
    let good = call.trim_end().ends_with("= 0");
    if call.starts_with("fdatasync(") || call.starts_with("fsync(") {
        let path = call.split(['<', '>']).nth(1)?;
        return good.then(|| Event::Synced(path.to_owned()));
    }
    if call.starts_with("rename") {
        return good.then_some(Event::Renamed);
    }
    // P-DATA-TF begins with 04 00; the peer's port tells the modality from the PACS.
    (call.contains(modality) && call.contains(r#""\4\0"#)).then_some(Event::Answered)
}

/// Reads strace's output, in which calls of several threads are interleaved.
fn events(trace: &str, modality: &str) -> Vec<Event> {
    let mut begun: BTreeMap<&str, String> = BTreeMap::new();
    let mut found = Vec::new();
    for line in trace.lines() {
        let Some((thread, call)) = line.split_once(' ') else { continue };
        let call = call.trim_start();
        if let Some(start) = call.strip_suffix("<unfinished ...>") {
            match event(start, modality) {
                Some(Event::Answered) => found.push(Event::Answered),
                _ => drop(begun.insert(thread, start.to_owned())),
            }
        } else if let Some((_, end)) = call.split_once("resumed>") {
            let whole = begun.remove(thread).map(|start| start + end);
            found.extend(whole.and_then(|call| event(&call, modality)));
        } else {
            found.extend(event(call, modality));
        }
    }
    found
}

#[test]
fn every_success_follows_the_sync_of_the_file_and_of_its_name() {
    let sink = Sink::up();
    let gate = Gate::start(&Configuration::new().pacs(&sink));
    let trace = gate.folder().join("trace");
    let mut command = Command::new("strace");
    command.args(["-f", "-yy", "-s", "8", "-e", "trace=fsync,fdatasync,/^rename,/^send,/^write"]);
    command.arg("-o").arg(&trace).args(["-p", &gate.id().to_string()]);
    let mut strace = Running::start(command);
    until("strace has attached", || strace.said().contains("attached"));

    const COUNT: u32 = 20;
    let mut sender = Sender::for_one(gate.port(), CT_IMAGE, EXPLICIT_LE);
    let port = sender.stream.local_addr().unwrap().port();
    for number in 1..=COUNT {
        let object = Object::chest_ct(160, number);
        let answer = sender.store(CT_IMAGE, &object.instance, &object.data());
        assert_eq!(answer.map(|answer| answer.status), Some(0));
    }
    assert!(sender.release());
    strace.signal(rustix::process::Signal::INT);
    strace.wait(crate::support::eventually::SOON);

    let trace = std::fs::read_to_string(trace).unwrap();
    let events = events(&trace, &format!("->127.0.0.1:{port}]"));
    let mut answers = 0;
    for before in events.split_inclusive(|event| *event == Event::Answered) {
        let Some((Event::Answered, before)) = before.split_last() else { continue };
        answers += 1;
        let mut rest = before.iter();
        let file = rest.any(|event| matches!(event, Event::Synced(path) if path.contains("/tmp/")));
        let name = rest.any(|event| *event == Event::Renamed);
        let folder =
            rest.any(|event| matches!(event, Event::Synced(path) if path.contains("/objects")));
        assert!(file && name && folder, "answer {answers} came after {before:#?}");
    }
    assert_eq!(answers, COUNT, "{trace}");
}
