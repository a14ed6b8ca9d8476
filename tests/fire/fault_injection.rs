//! System calls that fail under load: the gate lives, loses nothing that it acknowledged, and is back in service soon
//! after the calls work again.
//!
//! Calls of the running gate are made to fail by strace, for all threads, every few times or always. Calls that the
//! kernel never fails in this way are left alone: a `write` that fails everywhere would also fail on the descriptors by
//! which threads wake each other.

use crate::support::eventually::{SOON, eventually, until};
use crate::support::figure::{figure, scale};
use crate::support::gate::{Configuration, Gate};
use crate::support::load::Load;
use crate::support::sender::{Sender, dial};
use crate::support::sink::Sink;
use crate::support::trace::{Order, Trace};
use crate::support::wire::{CT_IMAGE, Context, EXPLICIT_LE};
use std::path::PathBuf;
use std::time::{Duration, Instant};

const SENDERS: usize = 2;

/// R5: so soon after the calls work again the gate must take images.
const BACK_IN_SERVICE: Duration = Duration::from_secs(10);

/// How long a gate may take to hand on what has piled up.
const DELIVERED: Duration = Duration::from_secs(300);

/// Where a call is made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    AnyFile,
    TheJournal,
}

/// A call that is made to fail.
#[derive(Debug, Clone, Copy)]
struct Fault {
    call: &'static str,
    error: &'static str,
    /// Which times, as strace counts them, for each thread.
    when: &'static str,
    at: At,
    /// In the short form too.
    short: bool,
}

const fn fault(call: &'static str, error: &'static str, when: &'static str) -> Fault {
    Fault { call, error, when, at: At::AnyFile, short: false }
}

impl Fault {
    const fn short(self) -> Self {
        Self { short: true, ..self }
    }

    const fn of_the_journal(self) -> Self {
        Self { at: At::TheJournal, ..self }
    }

    /// How often it is to happen. A segment of the journal that could not be written is written no more.
    fn times(&self) -> usize {
        match self.at {
            At::AnyFile => 6,
            At::TheJournal => 1,
        }
    }

    /// Makes it happen in a running gate.
    fn strike(&self, gate: &Gate) -> Trace {
        let tampering = format!("error={}:when={}", self.error, self.when);
        match self.at {
            At::AnyFile => Trace::tamper(gate, self.call, &tampering),
            At::TheJournal => Trace::tamper_at(gate, &journal(gate), self.call, &tampering),
        }
    }
}

/// What is made to fail, now and then (`2+3`: the second time and every third after it) or always (`1+`).
const FAULTS: [Fault; 25] = [
    fault("openat", "EMFILE", "2+3").short(),
    fault("openat", "ENFILE", "2+3"),
    fault("openat", "ENOSPC", "2+3"),
    fault("openat", "EIO", "2+3"),
    fault("openat", "EINTR", "2+3"),
    fault("openat", "ENOMEM", "2+3"),
    fault("fdatasync", "EIO", "1+").short(),
    fault("fdatasync", "EIO", "3+5"),
    fault("fdatasync", "ENOSPC", "2+3"),
    fault("fdatasync", "EDQUOT", "2+3"),
    fault("fsync", "EIO", "1+").short(),
    fault("fsync", "EIO", "3+5"),
    fault("rename", "EIO", "2+3").short(),
    fault("rename", "ENOSPC", "2+3"),
    fault("rename", "EDQUOT", "1+"),
    fault("write", "ENOSPC", "1+").of_the_journal().short(),
    fault("write", "EIO", "1+").of_the_journal(),
    fault("pwrite64", "ENOSPC", "2+3").short(),
    fault("pwrite64", "EIO", "1+"),
    fault("pread64", "EIO", "2+3"),
    fault("accept4", "EMFILE", "1+").short(),
    fault("accept4", "ECONNABORTED", "1+2"),
    fault("sendto", "ECONNRESET", "5+7").short(),
    fault("recvfrom", "ECONNRESET", "5+7"),
    fault("epoll_wait", "EINTR", "1+2"),
];

/// The calls at which the gate is killed, with the time, and whether it is in the short form too.
const DEATHS: [(&str, u32, bool); 8] = [
    ("openat", 5, false),
    ("write", 9, false),
    ("fdatasync", 3, true),
    ("rename", 3, true),
    ("fsync", 3, true),
    ("pwrite64", 7, false),
    ("sendto", 15, false),
    ("recvfrom", 25, false),
];

fn journal(gate: &Gate) -> Vec<PathBuf> {
    let segments = std::fs::read_dir(gate.folder().join("spool/journal")).expect("a spool");
    segments.map(|segment| segment.expect("readable").path()).collect()
}

/// Whether a new association gets success for the next slice.
fn takes(gate: &Gate, load: &Load) -> bool {
    let context = [Context::proposed(1, CT_IMAGE, &[EXPLICIT_LE])];
    let Ok(mut sender) = Sender::connect(gate.port(), "CT01", "MARKGATE", &context) else {
        return false;
    };
    let before = load.acknowledged();
    load.store(&mut sender);
    sender.release();
    load.acknowledged() > before
}

fn delivered(gate: &Gate, load: &Load, sink: &Sink) {
    eventually("every acknowledged slice is at the PACS", DELIVERED, || {
        gate.run(&["queue", "flush"]);
        load.missing(sink).is_empty().then_some(())
    });
}

/// What one fault has cost.
struct Cost {
    acknowledged_meanwhile: usize,
    refused: u32,
    back: Duration,
}

/// Makes calls fail under load until several have, and looks at what that has done.
fn endure(gate: &mut Gate, sink: &Sink, fault: &Fault, study: u32) -> Cost {
    let load = Load::small(study);
    let port = gate.port();
    let (calls, back) = std::thread::scope(|scope| {
        let _stop = load.until_dropped();
        let trace = fault.strike(gate);
        for _ in 0..SENDERS {
            scope.spawn(|| load.send(port));
        }
        eventually(&format!("{fault:?} has happened"), SOON, || {
            // Somebody new at the door makes it open things.
            drop(dial(port));
            let is_under_load = load.begun() >= 6 || fault.call == "accept4";
            (trace.injected() >= fault.times() && is_under_load).then_some(())
        });
        // Those who would hear nothing but refusals from now on need not ask.
        load.stop();
        let calls = trace.end();
        let healed = Instant::now();
        eventually(&format!("back in service after {fault:?}"), SOON, || {
            takes(gate, &load).then_some(())
        });
        (calls, healed.elapsed())
    });
    assert!(!gate.has_ended(), "dead of {fault:?}: {}", gate.log());
    assert!(!gate.log().contains("panicked"), "{fault:?}: {}", gate.log());
    assert!(back <= BACK_IN_SERVICE, "{back:?} after {fault:?}");
    // With a path filter strace sees the journal alone.
    let order = match fault.at {
        At::AnyFile => Order::of(&calls, port, &gate.folder().join("spool")),
        At::TheJournal => Order::default(),
    };
    assert_eq!(order.early, Vec::<String>::new(), "acknowledged too early under {fault:?}");
    delivered(gate, &load, sink);
    assert!(load.reckon(sink, true).lost.is_empty());
    Cost { acknowledged_meanwhile: order.answers, refused: load.refused(), back }
}

#[test]
fn failing_calls_cost_neither_the_gate_nor_what_it_acknowledged() {
    let sink = Sink::up();
    let mut gate = Gate::start(&Configuration::hospital().pacs(&sink));
    let mut slowest = Duration::ZERO;
    let (mut count, mut refused) = (0, 0);
    let mut dead_disk = Vec::new();
    let faults = FAULTS.iter().zip(600..).filter(|(fault, _)| scale(fault.short, true));
    for (fault, study) in faults {
        let cost = endure(&mut gate, &sink, fault, study);
        println!(
            "{} {} {}: {} acknowledged meanwhile, {} refused, back after {:.1?}",
            fault.call,
            fault.error,
            fault.when,
            cost.acknowledged_meanwhile,
            cost.refused,
            cost.back
        );
        if fault.call.ends_with("sync") && fault.when == "1+" {
            assert_eq!(cost.acknowledged_meanwhile, 0, "no sync succeeded under {fault:?}");
            dead_disk.push(cost.refused);
        }
        (count, refused) = (count + 1, refused + cost.refused);
        slowest = slowest.max(cost.back);
    }
    figure(
        "R5",
        "fault_injection",
        format_args!(
            "{count} kinds of failing calls in one gate: 0 acknowledged lost, 0 deaths, {refused} refused, back in service \
             after {slowest:.1?} at most"
        ),
    );
    figure(
        "R5",
        "fsync_eio_never_acks",
        format_args!(
            "no sync succeeds, {} kinds: 0 acknowledged, {} refused",
            dead_disk.len(),
            dead_disk.iter().sum::<u32>()
        ),
    );
}

#[test]
fn a_gate_killed_in_the_midst_of_a_call_loses_nothing_that_it_acknowledged() {
    let sink = Sink::up();
    let mut gate = Gate::start(&Configuration::hospital().pacs(&sink));
    let port = gate.port();
    let mut count = 0;
    let deaths = DEATHS.iter().zip(650..).filter(|((_, _, short), _)| scale(*short, true));
    for ((call, nth, _), study) in deaths {
        let load = Load::small(study);
        std::thread::scope(|scope| {
            let _stop = load.until_dropped();
            let trace = Trace::tamper(&gate, call, &format!("signal=SIGKILL:when={nth}"));
            for _ in 0..SENDERS {
                scope.spawn(|| load.send(port));
            }
            eventually("the gate is dead", SOON, || gate.has_ended().then_some(()));
            trace.end();
            gate.end();
            gate.restart();
            until("the gate takes images again", || takes(&gate, &load));
        });
        delivered(&gate, &load, &sink);
        assert!(load.reckon(&sink, true).lost.is_empty());
        count += 1;
    }
    figure(
        "R5",
        "fault_injection",
        format_args!(
            "killed in the midst of {count} kinds of calls: 0 acknowledged lost, {count} restarts"
        ),
    );
}
