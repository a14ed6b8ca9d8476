//! What an acknowledgement rests on, and what it costs: the syncs before each, and the syncs for each.

use crate::support::eventually::{SOON, eventually};
use crate::support::figure::{figure, scale};
use crate::support::gate::{Configuration, Gate};
use crate::support::load::{Load, Moment};
use crate::support::sink::Sink;
use crate::support::trace::{Order, Trace};

/// Everything but the object's own file.
const OTHERS: [&str; 4] = ["directory", "journal", "ledger", "other"];

/// How long a sync of this disk takes: as long as it does, or longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Syncs {
    AsTheyAre,
    /// Fifty milliseconds more, as with a turning disk that others use too.
    Slow,
}

fn check(senders: usize, study: u32, pacs_is_up: bool, syncs: Syncs) {
    let images = senders * scale(20, 200);
    let mut sink = Sink::down();
    if pacs_is_up {
        sink.rise();
    }
    let gate = Gate::start(&Configuration::hospital().pacs(&sink));
    let load = Load::small(study);
    let (trace, disk) = match syncs {
        Syncs::AsTheyAre => (Trace::attach(&gate), ""),
        Syncs::Slow => {
            (Trace::tamper(&gate, "fsync,fdatasync", "delay_enter=50000"), ", 50 ms a sync")
        }
    };
    std::thread::scope(|scope| {
        let (done, all_done) = std::sync::mpsc::sync_channel(1);
        load.at(Moment::Acknowledged(images), move || done.send(()).expect("one is waiting"));
        for _ in 0..senders {
            scope.spawn(|| load.send(gate.port()));
        }
        let _stop = load.until_dropped();
        all_done.recv_timeout(SOON * 10).expect("the gate takes images under strace");
    });
    // Verdicts and deliveries cost syncs too.
    eventually("the gate is done with all", SOON * 10, || {
        let ledger = gate.json(&["ledger"]);
        let done = if pacs_is_up { &ledger["delivered"] } else { &ledger["in_flight"] };
        (done.as_u64() == Some(load.acknowledged() as u64)).then_some(())
    });
    let order = Order::of(&trace.end(), gate.port(), &gate.folder().join("spool"));
    assert_eq!((order.answers, &order.early), (load.acknowledged(), &Vec::new()));
    assert!(order.per_answer(&["file"]) <= 1.0, "{order:?}");
    let pacs = if pacs_is_up { "up" } else { "down" };
    let each = OTHERS.map(|kind| format!("{kind} {:.2}", order.per_answer(&[kind]))).join(", ");
    figure(
        "R3",
        "ackorder",
        format_args!(
            "{senders} senders, PACS {pacs}{disk}: {} acknowledged, 0 before both syncs; an image: file {:.2}, others {:.2} ({each})",
            order.answers,
            order.per_answer(&["file"]),
            order.per_answer(&OTHERS),
        ),
    );
}

#[test]
fn one_sender_waits_for_both_syncs_at_every_image() {
    check(1, 500, true, Syncs::AsTheyAre);
    check(1, 501, false, Syncs::AsTheyAre);
}

#[test]
fn four_senders_wait_for_both_syncs_at_every_image() {
    check(4, 502, true, Syncs::AsTheyAre);
}

#[test]
fn sixteen_senders_wait_for_both_syncs_and_share_them() {
    check(16, 503, true, Syncs::AsTheyAre);
    check(16, 504, false, Syncs::AsTheyAre);
    check(16, 505, true, Syncs::Slow);
    check(16, 506, false, Syncs::Slow);
}
