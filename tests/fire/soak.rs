//! Half an hour of busy life: modalities that never stop, peers that break off, a PACS that is sick every other moment. Nothing is
//! lost, and afterwards the gate holds no more than before.
//!
//! `MARKGATE_SOAK` says how long, such as `12h`.

use crate::support::dataset::Object;
use crate::support::eventually::{SOON, eventually};
use crate::support::figure::{figure, scale};
use crate::support::gate::{Configuration, Gate};
use crate::support::http;
use crate::support::load::{Load, Reckoning};
use crate::support::sender::Sender;
use crate::support::siege;
use crate::support::sink::{Manner, Sink};
use crate::support::wire::{CT_IMAGE, Context, EXPLICIT_LE};
use markgate::base::units::parse_duration;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// Modalities that keep one association open; one more calls anew for every slice.
const SENDERS: usize = 2;

/// Slices that the modalities may be ahead of the PACS: enough to fill a queue, and little enough to be sent soon.
const AHEAD: u64 = 2_000;

/// What the gate may hold open at rest that it has not held before: the association to the PACS.
const ASSOCIATIONS: usize = 1;

/// Deadlines that a round outlasts.
const SHORT: &str = r#"
    [gate.timers]
    connect = "2s"
    association = "1s"
    response = "1s"
    release = "500ms"
    "#;

/// Below this, half of a run says nothing about what happens in an hour.
const TELLING: Duration = Duration::from_secs(300);

/// However much lies in the queue at the end, it is gone by then.
const EMPTIED: Duration = Duration::from_secs(600);

/// In how many ways the PACS is sick.
const WAYS: u32 = 9;

/// How the PACS treats us in a round: well in every other one.
fn manner(round: u32) -> Manner {
    if round.is_multiple_of(2) {
        return Manner::Take;
    }
    match round / 2 % WAYS {
        0 => Manner::Answer(0xA700),
        1 => Manner::Slow(Duration::from_millis(50)),
        2 => Manner::AbortAfter(4_000),
        3 => Manner::KeepAndHangUp,
        4 => Manner::Reject(2, 3, 2),
        5 => Manner::Reset,
        6 => Manner::HalfAnswer,
        7 => Manner::MaxPdu(4_096),
        _ => Manner::Silent,
    }
}

/// What was seen of the gate at a moment.
#[derive(Debug, Clone, Copy)]
struct Sample {
    at: Duration,
    /// RssAnon.
    bytes: u64,
    descriptors: usize,
}

impl Sample {
    fn take(gate: &Gate, at: Duration) -> Self {
        let folder = format!("/proc/{}/fd", gate.id());
        let descriptors = std::fs::read_dir(folder).expect("the gate runs").count();
        Self { at, bytes: gate.anonymous_memory(), descriptors }
    }

    fn mebibytes(&self) -> u64 {
        self.bytes >> 20
    }
}

/// The slope of the line through all samples that has the least squares, in MB an hour.
fn slope(samples: &[Sample]) -> f64 {
    let point = |sample: &Sample| {
        let kib = u32::try_from(sample.bytes >> 10).expect("less than 4 TiB");
        (sample.at.as_secs_f64() / 3_600.0, f64::from(kib) * 1_024.0 / 1e6)
    };
    let mean = |of: &dyn Fn(&Sample) -> f64| {
        let count = u32::try_from(samples.len()).expect("few samples");
        samples.iter().map(of).sum::<f64>() / f64::from(count)
    };
    let (hours, megabytes) = (mean(&|sample| point(sample).0), mean(&|sample| point(sample).1));
    let covariance = mean(&|sample| (point(sample).0 - hours) * (point(sample).1 - megabytes));
    covariance / mean(&|sample| (point(sample).0 - hours).powi(2))
}

/// Waits while the PACS is too far behind; whether more is to be sent then.
fn may_go_on(load: &Load, sink: &Sink) -> bool {
    eventually("the PACS is not far behind", EMPTIED, || {
        let is_near = u64::from(load.begun()) < sink.begun() + AHEAD;
        (is_near || load.has_stopped()).then_some(())
    });
    !load.has_stopped()
}

/// A modality that sends over one association as long as it lasts, or calls anew for every slice.
fn send(load: &Load, sink: &Sink, port: u16, anew: bool) {
    let context = [Context::proposed(1, CT_IMAGE, &[EXPLICIT_LE])];
    while !load.has_stopped() {
        let mut sender = eventually("the gate lets a modality in", SOON, || {
            Sender::connect(port, "CT01", "MARKGATE", &context).ok()
        });
        while may_go_on(load, sink) && load.store(&mut sender) && !anew {}
        sender.release();
    }
}

/// A peer that breaks off in the midst of an object.
fn break_off(gate: &Gate, round: u32) {
    let object = Object::chest_ct(901, round);
    let mut sender = Sender::for_one(gate.port(), CT_IMAGE, EXPLICIT_LE);
    let begun = sender.begin(CT_IMAGE, &object.instance);
    begun.and_then(|()| sender.fragment(&object.data()[..2_000], false)).expect("the gate listens");
}

/// An object without Patient ID, which waits for a person.
fn nameless(round: u32) -> Object {
    Object::chest_ct(902, round).with((0x0010, 0x0020), "LO", "")
}

/// Waits until nothing is on its way, and looks then.
#[track_caller]
fn at_rest(gate: &Gate, begun: Instant) -> Sample {
    eventually("nothing is on its way", EMPTIED, || {
        (gate.json(&["ledger"])["in_flight"] == 0).then_some(())
    });
    Sample::take(gate, begun.elapsed())
}

/// How long it goes on.
fn length() -> Duration {
    match std::env::var("MARKGATE_SOAK") {
        Ok(text) => parse_duration(&text).expect("MARKGATE_SOAK is a duration such as 30m"),
        Err(_unset) => scale(Duration::from_secs(10), Duration::from_secs(30 * 60)),
    }
}

#[test]
fn a_gate_that_is_busy_for_long_loses_nothing_and_holds_no_more_than_before() {
    let (length, pause) = (length(), scale(Duration::from_secs(1), Duration::from_secs(5)));
    let sink = Sink::up();
    // Originals go soon: a long run then needs no large disk, and their removal is part of it.
    let configuration = Configuration::hospital().spool("retention = \"2m\"").section(SHORT);
    let mut gate = Gate::start(&configuration.pacs(&sink));
    let begun = Instant::now();
    gate.takes(&Object::chest_ct(903, 1));
    sink.wait_for(1);
    let first = at_rest(&gate, begun);

    let (load, port) = (Load::mixed(900), gate.port());
    let (mut samples, mut rounds) = (Vec::new(), 0);
    std::thread::scope(|scope| {
        let _stop = load.until_dropped();
        for _ in 0..SENDERS {
            scope.spawn(|| send(&load, &sink, port, false));
        }
        scope.spawn(|| send(&load, &sink, port, true));
        while begun.elapsed() < length {
            let manner = manner(rounds);
            sink.behave(manner.clone());
            if manner == Manner::Take {
                gate.done(&["queue", "flush"]);
            }
            break_off(&gate, rounds);
            gate.takes(&nameless(rounds));
            assert_eq!(siege::echo(gate.port()), Some(0));
            assert!(http::get(gate.console(), "/metrics").is_ok_and(|page| page.status == 200));
            samples.push(Sample::take(&gate, begun.elapsed()));
            load.compare(&sink.take_data(), true);
            rounds += 1;
            eventually("the next round", pause * 2, || {
                (begun.elapsed() >= pause * rounds).then_some(())
            });
        }
    });

    sink.behave(Manner::Take);
    eventually("every acknowledged slice is at the PACS", EMPTIED, || {
        gate.done(&["queue", "flush"]);
        load.missing(&sink).is_empty().then_some(())
    });
    let last = at_rest(&gate, begun);
    load.compare(&sink.take_data(), true);
    let Reckoning { acknowledged, lost, duplicates } = load.reckon(&sink, true);
    assert_eq!(lost, Vec::<u32>::new());
    let held: BTreeSet<String> = gate
        .list(&["quarantine", "ls"])
        .iter()
        .map(|entry| entry["sop_instance_uid"].as_str().expect("a UID").to_owned())
        .collect();
    assert_eq!(held, (0..rounds).map(|round| nameless(round).instance).collect());
    let ledger = gate.json(&["ledger"]);
    assert_eq!((&ledger["balanced"], &ledger["held"]), (&true.into(), &rounds.into()), "{ledger}");
    assert!(!gate.has_ended());
    assert!(!gate.log().contains("panicked at") && !gate.log().contains("LOST"));
    let closed = eventually("file descriptors are given back", SOON, || {
        let sample = Sample::take(&gate, begun.elapsed());
        (sample.descriptors <= first.descriptors + ASSOCIATIONS).then_some(sample.descriptors)
    });

    let half = &samples[samples.len() / 2..];
    let slope = match length >= TELLING {
        true => format!("{:+.2} MB/h over the second half", slope(half)),
        false => "too short for a slope".to_owned(),
    };
    let most = samples.iter().map(|sample| sample.descriptors).max().unwrap_or_default();
    figure(
        "R7",
        "soak_30min",
        format_args!(
            "{:.1} min under load, the PACS sick in {} ways half of the time: {acknowledged} acknowledged, 0 lost, {duplicates} sent \
             more than once, all copies alike, {rounds} more held as due; RssAnon at rest {} MiB before and {} MiB after, {slope}; \
             file descriptors at rest {} before and {closed} after, {most} at most",
            length.as_secs_f64() / 60.0,
            WAYS.min(rounds / 2),
            first.mebibytes(),
            last.mebibytes(),
            first.descriptors,
        ),
    );
}

#[test]
fn the_slope_is_that_of_the_line_and_noise_around_it_does_not_count() {
    let sample = |minutes: u64, bytes| {
        let at = Duration::from_secs(minutes * 60);
        Sample { at, bytes, descriptors: 0 }
    };
    // 10.24 MB a minute; a kibibyte more at both ends of three changes the height alone.
    let line = [10_240_000, 20_480_000, 30_720_000];
    let samples = [sample(1, line[0] + 1_024), sample(2, line[1]), sample(3, line[2] + 1_024)];
    assert!((slope(&samples) - 614.4).abs() < 1e-6, "{}", slope(&samples));
}
