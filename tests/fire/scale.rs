//! A million objects in the queue: how long a start takes, and what it costs.

use crate::support::eventually::{eventually, until};
use crate::support::figure::{figure, scale};
use crate::support::gate::{Configuration, Gate};
use crate::support::hoard::{self, Mix};
use crate::support::http;
use crate::support::sender::Sender;
use crate::support::sink::Sink;
use crate::support::wire::{Context, IMPLICIT_LE, VERIFICATION};
use std::time::{Duration, Instant};

/// Longer than any promise: a start that takes so long is a failure in itself.
const PATIENCE: Duration = Duration::from_secs(1_800);

/// A figure of `/proc/<pid>/status` in MiB.
fn memory(gate: &Gate, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", gate.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kib >> 10
}

struct Start {
    echo: Duration,
    delivery: Duration,
    anonymous: u64,
    peak: u64,
}

/// Starts the gate, and tells when it first answered a C-ECHO and when a first object had come to the PACS.
fn start(gate: &mut Gate, sink: &Sink) -> Start {
    let before = sink.received().len();
    let begun = Instant::now();
    gate.begin();
    let echo = eventually("a C-ECHO is answered", PATIENCE, || {
        assert!(!gate.has_ended(), "{}", gate.log());
        let context = Context::proposed(1, VERIFICATION, &[IMPLICIT_LE]);
        let mut sender = Sender::connect(gate.port(), "CT01", "MARKGATE", &[context]).ok()?;
        (sender.echo() == Some(0)).then(|| begun.elapsed())
    });
    let delivery = eventually("an object is delivered", PATIENCE, || {
        (sink.received().len() > before).then(|| begun.elapsed())
    });
    let (anonymous, peak) = (memory(gate, "RssAnon:"), memory(gate, "VmHWM:"));
    Start { echo, delivery, anonymous, peak }
}

fn tell(what: &str, objects: u32, start: &Start) {
    let Start { echo, delivery, anonymous, peak } = start;
    figure(
        "R8",
        "recover_1e6",
        format_args!(
            "{objects} queued, {what}: C-ECHO after {:.2} s, first delivery after {:.2} s, RssAnon {anonymous} MiB, peak RSS {peak} MiB",
            echo.as_secs_f64(),
            delivery.as_secs_f64(),
        ),
    );
}

#[test]
fn a_gate_with_a_million_queued_objects_starts_at_once_and_rebuilds_its_ledger() {
    let objects = scale(20_000, 1_000_000);
    let sink = Sink::up();
    let mut gate = Gate::lay(&Configuration::new().spool("scrub = \"off\"").pacs(&sink));
    let spool = gate.folder().join("spool");
    let filling = Instant::now();
    hoard::fill(&spool, objects, Mix::Queued);
    println!("filled in {:.1} s", filling.elapsed().as_secs_f64());

    tell("clean start", objects, &start(&mut gate, &sink));
    let asked = Instant::now();
    assert_eq!(http::get(gate.console(), "/metrics").unwrap().status, 200);
    let metrics = asked.elapsed();
    let asked = Instant::now();
    gate.json(&["status"]);
    figure(
        "R8",
        "recover_1e6",
        format_args!(
            "{objects} queued: /metrics in {:.3} s, status in {:.3} s",
            metrics.as_secs_f64(),
            asked.elapsed().as_secs_f64()
        ),
    );
    gate.kill();
    tell("after SIGKILL", objects, &start(&mut gate, &sink));
    gate.kill();

    hoard::forget_index(&spool);
    let begun = Instant::now();
    let rebuilt = start(&mut gate, &sink);
    eventually("the whole ledger is there", PATIENCE, || {
        let ledger = gate.json(&["ledger"]);
        (ledger["received"] == objects).then_some(())
    });
    let whole = begun.elapsed();
    tell("ledger deleted", objects, &rebuilt);
    assert!(!gate.log().contains("LOST"));
    until("the books balance", || gate.json(&["ledger"])["balanced"] == true);
    figure(
        "R8",
        "recover_1e6",
        format_args!("{objects} objects: ledger rebuilt in {:.1} s, 0 lost", whole.as_secs_f64()),
    );
}
