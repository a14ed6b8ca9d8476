//! A PACS that is sick in every way there is: the modality hears 0000 all the time, and everything arrives once it is well, or is
//! held where nothing else helps.

use crate::support::dataset::Object;
use crate::support::eventually::{SOON, eventually, until};
use crate::support::figure::{figure, scale};
use crate::support::gate::{Configuration, Gate};
use crate::support::http;
use crate::support::sender::Sender;
use crate::support::sink::{Manner, Received, Sink};
use crate::support::wire::{CT_IMAGE, EXPLICIT_LE};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Deadlines that a test can wait for.
const SHORT: &str = r#"
    [gate.timers]
    connect = "2s"
    association = "700ms"
    response = "700ms"
    release = "300ms"
    "#;

/// Long enough for some forty lanes on a slow machine.
const LONG: Duration = Duration::from_secs(120);

/// What becomes of objects for a PACS that stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It gets them all, sick as it is.
    Arrive,
    /// It gets them once it is well.
    Recover,
    /// It stays sick, and they are held.
    Held,
}

/// Sends slices of a study on one association; each must be acknowledged. The times from the last byte to the answer.
#[track_caller]
fn send(gate: &Gate, study: u32, count: u32) -> Vec<Duration> {
    let mut sender = Sender::for_one(gate.port(), CT_IMAGE, EXPLICIT_LE);
    let waits = (1..=count).map(|number| {
        let object = Object::chest_ct(study, number);
        let asked = Instant::now();
        let answer = sender.store(CT_IMAGE, &object.instance, &object.data());
        assert_eq!(answer.map(|answer| answer.status), Some(0));
        asked.elapsed()
    });
    let waits = waits.collect();
    assert!(sender.release());
    waits
}

/// The value below which 99 of 100 lie.
fn p99(mut waits: Vec<Duration>) -> Duration {
    waits.sort_unstable();
    waits[(waits.len() * 99).div_ceil(100) - 1]
}

/// The instances in the order in which each came first.
fn firsts(received: &[Received]) -> Vec<String> {
    let mut order: Vec<String> = Vec::new();
    for one in received {
        if !order.contains(&one.instance) {
            order.push(one.instance.clone());
        }
    }
    order
}

/// Copies beyond the first; all copies of an instance must be the same bytes.
#[track_caller]
fn copies(name: &str, received: &[Received]) -> usize {
    let mut known: BTreeMap<&str, blake3::Hash> = BTreeMap::new();
    for one in received {
        let first = known.entry(&one.instance).or_insert(one.hash);
        assert_eq!(*first, one.hash, "{name}: two copies of {} differ", one.instance);
    }
    received.len() - known.len()
}

#[allow(clippy::too_many_lines, reason = "a table")]
fn modes() -> Vec<(&'static str, Option<Manner>, Fate)> {
    use Fate::{Arrive, Held, Recover};
    let mut modes = vec![
        ("down", None, Recover),
        ("silent", Some(Manner::Silent), Recover),
        ("silent-once-accepted", Some(Manner::SilentOnceAccepted), Recover),
        ("rejects-calling-title", Some(Manner::Reject(1, 1, 3)), Recover),
        ("rejects-called-title", Some(Manner::Reject(1, 1, 7)), Recover),
        ("rejects-without-reason", Some(Manner::Reject(1, 1, 1)), Recover),
        ("congested", Some(Manner::Reject(2, 3, 1)), Recover),
        ("at-its-limit", Some(Manner::Reject(2, 3, 2)), Recover),
        ("aborts-association", Some(Manner::AbortAssociation), Recover),
        ("aborts-command", Some(Manner::AbortCommand), Recover),
        ("aborts-data", Some(Manner::AbortAfter(4000)), Recover),
        ("aborts-answer", Some(Manner::AbortAnswer), Recover),
        ("resets", Some(Manner::Reset), Recover),
        ("hangs-up", Some(Manner::HangUp), Recover),
        ("keeps-and-hangs-up", Some(Manner::KeepAndHangUp), Recover),
        ("keeps-and-says-nothing", Some(Manner::KeepAndSayNothing), Recover),
        ("answers-another-message", Some(Manner::WrongMessage), Recover),
        ("answers-another-instance", Some(Manner::WrongInstance), Recover),
        ("answers-another-command", Some(Manner::WrongCommand), Recover),
        ("answers-by-half", Some(Manner::HalfAnswer), Recover),
        ("answers-garbage", Some(Manner::Garbage), Recover),
        ("answers-twice", Some(Manner::AnswerTwice), Recover),
        ("tiny-pdu", Some(Manner::MaxPdu(1024)), Arrive),
        ("impossible-pdu", Some(Manner::MaxPdu(4)), Recover),
        ("reads-slowly", Some(Manner::Sip(512, Duration::from_millis(5))), Arrive),
        ("answers-late", Some(Manner::Slow(Duration::from_millis(150))), Arrive),
        ("other-syntax", Some(Manner::OtherSyntax), Recover),
        ("other-syntax-for-ever", Some(Manner::OtherSyntax), Held),
    ];
    for (name, status, fate) in [
        ("a700", 0xA700, Recover),
        ("a701", 0xA701, Recover),
        ("0110", 0x0110, Recover),
        ("0213", 0x0213, Recover),
        ("a900", 0xA900, Recover),
        ("a900-for-ever", 0xA900, Held),
        ("c000", 0xC000, Recover),
        ("c000-for-ever", 0xC000, Held),
        ("0117", 0x0117, Held),
        ("0122", 0x0122, Held),
        ("0124", 0x0124, Held),
        ("unknown", 0x1234, Held),
        ("pending", 0xFF00, Held),
        ("b000", 0xB000, Arrive),
        ("b006", 0xB006, Arrive),
        ("b007", 0xB007, Arrive),
    ] {
        modes.push((name, Some(Manner::Answer(status)), fate));
    }
    modes
}

/// R6: as many PACS as there are ways of being sick, behind one gate.
#[test]
fn whatever_ails_a_pacs_the_modality_hears_success_and_everything_arrives_or_is_held() {
    let count = scale(6, 40);
    let mut sinks: Vec<(&str, Sink, Fate)> = Vec::new();
    let mut configuration = Configuration::hospital().section(SHORT);
    for (name, manner, fate) in modes() {
        let sink = match manner {
            Some(manner) => {
                let sink = Sink::up();
                sink.behave(manner);
                sink
            }
            None => Sink::down(),
        };
        // Names are longer than titles may be.
        configuration = configuration.section(&format!(
            "[[destination]]\nname = \"{name}\"\naet = \"PACS{}\"\nhost = \"127.0.0.1\"\nport = {}\n\
             calling_aet = \"keep\"\n",
            sinks.len(),
            sink.port()
        ));
        sinks.push((name, sink, fate));
    }
    let gate = Gate::start(&configuration);
    let waits = send(&gate, 60, count);
    eventually("every PACS was met as it is", LONG, || {
        let peers = gate.list(&["peer", "ls"]);
        let met = |peer: &Value| !peer["last_error"].is_null() || peer["delivered"] == count;
        peers.iter().all(met).then_some(())
    });
    for (_, sink, fate) in &mut sinks {
        if *fate == Fate::Recover {
            sink.behave(Manner::Take);
            sink.rise_again();
        }
    }
    let held =
        u64::from(count) * sinks.iter().filter(|(_, _, fate)| *fate == Fate::Held).count() as u64;
    eventually("all is delivered or held", LONG, || {
        gate.done(&["queue", "flush"]);
        let waiting = gate.list(&["queue", "ls"]);
        let is_held = |entry: &Value| entry["state"] == "held";
        (waiting.len() as u64 == held && waiting.iter().all(is_held)).then_some(())
    });
    let slices: Vec<String> =
        (1..=count).map(|number| Object::chest_ct(60, number).instance).collect();
    let mut duplicates = 0;
    for (name, sink, fate) in &sinks {
        let received = sink.received();
        duplicates += copies(name, &received);
        match fate {
            Fate::Arrive | Fate::Recover => assert_eq!(firsts(&received), slices, "{name}"),
            Fate::Held => assert_eq!(received, [], "{name}"),
        }
    }
    for entry in gate.list(&["queue", "ls"]) {
        let error = entry["last_error"].as_str().unwrap_or_default();
        assert!(error.starts_with("pacs_refused "), "{entry}");
    }
    let slowest = waits.iter().max().copied().unwrap_or_default();
    figure(
        "R6",
        "pacs_modes_25",
        format_args!(
            "{} ways, {} acknowledgements: 0 refusals, p99 {} ms, slowest {} ms; {} delivered in order, {held} held, \
             {duplicates} duplicates, 0 that differ",
            sinks.len(),
            waits.len(),
            p99(waits).as_millis(),
            slowest.as_millis(),
            (sinks.len() as u64) * u64::from(count) - held,
        ),
    );
}

#[test]
fn an_answer_that_is_not_certain_means_the_same_bytes_again_across_restarts_too() {
    let count = scale(3, 20);
    let manners = [
        ("hangs-up", Manner::KeepAndHangUp),
        ("says-nothing", Manner::KeepAndSayNothing),
        ("answers-twice", Manner::AnswerTwice),
    ];
    let sinks = manners.map(|(name, manner)| {
        let sink = Sink::up();
        sink.behave(manner);
        (name, sink)
    });
    let mut configuration = Configuration::hospital().section(SHORT);
    for (name, sink) in &sinks {
        configuration = configuration.destination(name, sink.port());
    }
    let mut gate = Gate::start(&configuration);
    send(&gate, 61, count);
    let all = |least: usize| {
        until("copies at every PACS", || {
            sinks.iter().all(|(_, sink)| sink.received().len() >= least)
        });
    };
    all(1);
    gate.kill();
    gate.restart();
    all(2);
    for (_, sink) in &sinks {
        sink.behave(Manner::Take);
    }
    eventually("all is delivered", LONG, || {
        gate.done(&["queue", "flush"]);
        gate.list(&["queue", "ls"]).is_empty().then_some(())
    });
    let mut duplicates = 0;
    for (name, sink) in &sinks {
        let received = sink.received();
        assert_eq!(firsts(&received).len(), count as usize, "{name}");
        assert_ne!(received[0].data, Object::chest_ct(61, 1).data(), "it is marked");
        duplicates += copies(name, &received);
    }
    assert!(duplicates > 0, "no answer was uncertain");
    figure(
        "R6",
        "ambiguous_ack_same_bytes",
        format_args!(
            "{duplicates} objects sent again without a certain answer, over a SIGKILL: 0 that differ"
        ),
    );
}

#[test]
fn an_image_that_is_refused_keeps_no_other_waiting() {
    let others = scale(200, 1_000);
    let sink = Sink::up();
    let refused = Object::chest_ct(62, 1).instance;
    sink.behave(Manner::Refuse(refused.clone(), 0xC000));
    let gate = Gate::start(&Configuration::new().pacs(&sink));
    let begun = Instant::now();
    send(&gate, 62, others + 1);
    let sent = begun.elapsed();
    let received = sink.wait_within(others as usize, LONG);
    let behind = begun.elapsed().saturating_sub(sent);
    let want: Vec<String> =
        (2..=others + 1).map(|number| Object::chest_ct(62, number).instance).collect();
    assert_eq!(firsts(&received), want);
    eventually("the refused one is held", SOON, || {
        gate.done(&["queue", "flush"]);
        let waiting = gate.list(&["queue", "ls"]);
        (waiting.len() == 1 && waiting[0]["state"] == "held").then_some(())
    });
    assert_eq!(sink.received().len(), others as usize);
    figure(
        "R6",
        "hol_blocking",
        format_args!(
            "1 refused, {others} others of its series delivered in order, the last {} ms after it was sent; the refused one \
             held after 3 attempts",
            behind.as_millis()
        ),
    );
}

fn metric(gate: &Gate, name: &str) -> Option<f64> {
    let page = http::get(gate.console(), "/metrics").ok()?;
    let text = String::from_utf8_lossy(&page.body).into_owned();
    let line = text.lines().find(|line| line.starts_with(&format!("{name}{{")))?;
    line.rsplit(' ').next()?.parse().ok()
}

#[test]
fn a_pacs_that_does_not_know_us_is_an_alarm_at_once_and_the_gate_stays_ready() {
    let sink = Sink::up();
    sink.behave(Manner::Reject(1, 1, 7));
    let gate = Gate::start(&Configuration::new().pacs(&sink));
    send(&gate, 63, 2);
    eventually("the alarm", SOON, || {
        (metric(&gate, "markgate_delivery_alarm") == Some(1.0)).then_some(())
    });
    let peer = gate.json(&["status"])["destinations"][0].clone();
    assert_eq!((&peer["alarm"], &peer["state"]), (&"stalled".into(), &"misconfigured".into()));
    assert!(peer["stalled_since"].is_string(), "{peer}");
    assert!(
        metric(&gate, "markgate_delivery_stalled_seconds").is_some_and(|seconds| seconds > 0.0)
    );
    assert!(gate.done(&["status"]).contains("ALARM pacs: stalled"));
    assert!(gate.log().contains("ALARM: the destination refuses us"));
    assert!(http::get(gate.console(), "/readyz").is_ok_and(|answer| answer.status == 200));
    sink.behave(Manner::Take);
    eventually("the alarm is over", SOON, || {
        gate.done(&["queue", "flush"]);
        (metric(&gate, "markgate_delivery_alarm") == Some(0.0)).then_some(())
    });
    assert_eq!(gate.json(&["status"])["destinations"][0]["alarm"], Value::Null);
    until("the end of the alarm is told", || gate.log().contains("the alarm is over"));
}
