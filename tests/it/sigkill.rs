//! Killed without warning, again and again, under load: what was acknowledged arrives, intact, every copy the same.

use crate::support::dataset::{self, Object};
use crate::support::eventually::{eventually, until};
use crate::support::figure::{figure, scale};
use crate::support::gate::{Configuration, Gate};
use crate::support::sender::Sender;
use crate::support::sink::Sink;
use crate::support::wire::{CT_IMAGE, Context, EXPLICIT_LE};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

/// How many slices the sender sees acknowledged between two kills: a fixed sequence, so that a run can be repeated,
/// with long and short ones, and none at all.
fn between(kill: u32) -> u32 {
    kill.wrapping_mul(2_654_435_761) >> 24 & 31
}

#[test]
fn kills_under_load_lose_nothing_that_was_acknowledged() {
    let kills = scale(50, 1_000);
    let sink = Sink::up();
    let mut gate = Gate::start(&Configuration::hospital().pacs(&sink));
    let port = gate.port();
    let (stop, next) = (AtomicBool::new(false), AtomicU32::new(0));
    let acknowledged = std::sync::Mutex::new(BTreeSet::new());
    let send = || {
        while !stop.load(Ordering::Relaxed) {
            let context = Context::proposed(1, CT_IMAGE, &[EXPLICIT_LE]);
            let Ok(mut sender) = Sender::connect(port, "CT01", "MARKGATE", &[context]) else {
                std::thread::yield_now();
                continue;
            };
            while !stop.load(Ordering::Relaxed) {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let object = Object::chest_ct(70, number);
                match sender.store(CT_IMAGE, &object.instance, &object.data()) {
                    Some(answer) if answer.status == 0 => {
                        acknowledged.lock().expect("no sender panics").insert(number);
                    }
                    Some(_) => {} // refused, so not ours to keep
                    None => break,
                }
            }
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(send);
        scope.spawn(send);
        for kill in 0..kills {
            let so_far = acknowledged.lock().expect("no sender panics").len();
            let wanted = so_far + between(kill) as usize;
            until("the senders get on", || {
                acknowledged.lock().expect("no sender panics").len() >= wanted
            });
            gate.kill();
            if kill % 5 == 4 {
                // Once more while it is starting.
                gate.begin();
                gate.kill();
            }
            gate.restart();
        }
        stop.store(true, Ordering::Relaxed);
    });

    let acknowledged = acknowledged.into_inner().expect("no sender panics");
    let instance_of = |number: u32| Object::chest_ct(70, number).instance;
    eventually("every acknowledged slice is at the PACS", Duration::from_secs(120), || {
        gate.done(&["queue", "flush"]);
        let here: BTreeSet<String> = sink.received().into_iter().map(|r| r.instance).collect();
        acknowledged.iter().all(|number| here.contains(&instance_of(*number))).then_some(())
    });
    gate.settle();

    let mut copies: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    for received in sink.received() {
        copies.entry(received.instance).or_default().push(received.data);
    }
    let mut duplicates = 0;
    for number in 0..next.load(Ordering::Relaxed) {
        let Some(copies) = copies.get(&instance_of(number)) else { continue };
        duplicates += copies.len() - 1;
        let sent = Object::chest_ct(70, number).data();
        let mut changed = dataset::differences(&sent, &copies[0], EXPLICIT_LE);
        changed.retain(|tag| tag.0 != 0x0077);
        assert_eq!(changed, [(0x0008, 0x0080), (0x0018, 0xA001), (0x0400, 0x0561)], "{number}");
        assert!(copies.iter().all(|copy| *copy == copies[0]), "copies of {number} differ");
    }
    let ledger = gate.json(&["ledger"]);
    assert_eq!((&ledger["balanced"], &ledger["in_flight"]), (&true.into(), &0.into()), "{ledger}");
    let taken = acknowledged.len();
    figure(
        "R1",
        "sigkill_1000",
        format_args!(
            "{kills} kills, {taken} acknowledged, 0 lost, {duplicates} sent more than once, all copies alike"
        ),
    );
}
