//! Killed without warning, again and again, under load: what was acknowledged arrives, intact, every copy the same.

use crate::support::eventually::{SOON, eventually, until};
use crate::support::figure::{figure, scale};
use crate::support::gate::{Configuration, Gate};
use crate::support::load::{Load, Reckoning};
use crate::support::sender::{Sender, dial};
use crate::support::sink::{Manner, Sink};
use crate::support::wire::{self, Context};
use std::time::{Duration, Instant};

const SENDERS: usize = 2;

/// Every so many kills one more follows while the gate is starting.
const STARTING_EVERY: u32 = 5;

/// How many slices the senders see acknowledged between two kills: a fixed sequence, so that a run can be repeated,
/// with long and short ones, and none at all.
fn between(kill: u32) -> u32 {
    kill.wrapping_mul(2_654_435_761) >> 24 & 31
}

/// How the PACS behaves after this kill: well for the most part.
fn manner(kill: u32) -> Manner {
    match kill % 16 {
        3 => Manner::Answer(0xA700),
        6 => Manner::Slow(Duration::from_millis(50)),
        9 => Manner::AbortAfter(4_000),
        12 => Manner::KeepAndHangUp,
        15 => Manner::Reject(2, 3, 2),
        _ => Manner::Take,
    }
}

/// Kills a gate while it is starting: at once, when it has said something, or when its port is there.
fn kill_while_starting(gate: &mut Gate, stage: u32) {
    let said = gate.log().len();
    gate.begin();
    match stage % 3 {
        0 => {}
        1 => until("the gate says something", || gate.log().len() > said),
        _ => until("the gate has its port", || dial(gate.port()).is_ok()),
    }
    gate.kill();
}

/// Starts a gate and waits for its first C-ECHO, told in milliseconds.
fn restart(gate: &mut Gate) -> u128 {
    let begun = Instant::now();
    gate.begin();
    let context = [Context::proposed(1, wire::VERIFICATION, &[wire::IMPLICIT_LE])];
    eventually("the gate answers C-ECHO", SOON, || {
        let mut sender = Sender::connect(gate.port(), "CT01", "MARKGATE", &context).ok()?;
        (sender.echo() == Some(0)).then_some(())
    });
    let waited = begun.elapsed().as_millis();
    gate.await_ready();
    waited
}

#[test]
fn kills_under_load_lose_nothing_that_was_acknowledged() {
    let kills = scale(50, 1_000);
    let sink = Sink::up();
    let mut gate = Gate::start(&Configuration::hospital().pacs(&sink));
    let port = gate.port();
    let load = Load::small(70);
    let mut restarts = Vec::new();
    let mut starting = 0;
    std::thread::scope(|scope| {
        for _ in 0..SENDERS {
            scope.spawn(|| load.send(port));
        }
        let _stop = load.until_dropped();
        for kill in 0..kills - kills / STARTING_EVERY {
            let wanted = load.acknowledged() + between(kill) as usize;
            until("the senders get on", || load.acknowledged() >= wanted);
            gate.kill();
            if kill % (STARTING_EVERY - 1) == 0 {
                kill_while_starting(&mut gate, starting);
                starting += 1;
            }
            sink.behave(manner(kill));
            restarts.push(restart(&mut gate));
        }
    });
    sink.behave(Manner::Take);

    eventually("every acknowledged slice is at the PACS", Duration::from_secs(600), || {
        gate.done(&["queue", "flush"]);
        load.missing(&sink).is_empty().then_some(())
    });
    gate.settle();
    let ledger = gate.json(&["ledger"]);
    assert_eq!((&ledger["balanced"], &ledger["in_flight"]), (&true.into(), &0.into()), "{ledger}");
    let Reckoning { acknowledged, lost, duplicates } = load.reckon(&sink, true);
    assert_eq!(lost, Vec::<u32>::new());
    restarts.sort_unstable();
    let (median, p99) = (restarts[restarts.len() / 2], restarts[restarts.len() * 99 / 100]);
    figure(
        "R1",
        "sigkill_1000",
        format_args!(
            "{} kills, {starting} of them while starting, with a PACS that was sick now and then: {acknowledged} \
             acknowledged, 0 lost, {duplicates} sent more than once ({} in 10^4), all copies alike; start to first C-ECHO \
             {median} ms (median), {p99} ms (p99)",
            restarts.len() + starting as usize,
            duplicates * 10_000 / acknowledged
        ),
    );
}
