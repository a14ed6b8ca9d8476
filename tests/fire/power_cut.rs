//! The power fails under load, again and again: what was acknowledged arrives, intact.
//!
//! The spool lies on a file system of its own. A cut shuts that file system down without letting it write anything more,
//! neither data nor its own journal; then the gate is killed, and the file system is mounted again, as after a real cut.
//! What this does not show is a disk that forgets what it has confirmed: the image file keeps it.

use crate::disk::Disk;
use crate::support::eventually::{eventually, until};
use crate::support::figure::{figure, scale};
use crate::support::gate::{Configuration, Gate};
use crate::support::load::{Load, Moment, Reckoning};
use crate::support::sender::Sender;
use crate::support::sink::Sink;
use crate::support::trace::Trace;
use crate::support::wire::{CT_IMAGE, EXPLICIT_LE};
use std::time::Duration;

const SENDERS: usize = 3;

/// How long a restarted gate may take to hand on thousands of objects.
const DELIVERED: Duration = Duration::from_secs(600);

/// One run on one file system.
struct Run {
    file_system: &'static str,
    cuts: u32,
    /// Whether the PACS is there from the start, or only when all cuts are over.
    pacs_is_up: bool,
    study: u32,
}

/// How many slices go between a start and the cut: a fixed sequence, so that a run can be repeated.
fn between(cut: u32) -> u32 {
    2 + (cut.wrapping_add(3).wrapping_mul(2_654_435_761) >> 26)
}

/// Cuts the power `cuts` times under load, and restarts the gate after each.
fn cut_under_load(gate: &mut Gate, disk: &mut Disk, load: &Load, cuts: u32) {
    let port = gate.port();
    std::thread::scope(|scope| {
        for _ in 0..SENDERS {
            scope.spawn(|| load.send(port));
        }
        // The senders end whatever happens here, so that a failure is not waited for.
        let stop = load.until_dropped();
        for cut in 0..cuts {
            let mut switch = disk.switch();
            let trigger = switch.trigger();
            let moment = if cut % 2 == 0 {
                let so_far = load.acknowledged();
                Moment::Acknowledged(so_far + between(cut) as usize)
            } else {
                Moment::Begun(load.begun() + between(cut))
            };
            load.at(moment, move || trigger.pull());
            switch.wait();
            gate.kill();
            disk.unmount();
            disk.mount();
            gate.restart();
        }
        drop(stop);
    });
}

fn on(disk: &Disk, configuration: Configuration) -> Configuration {
    configuration.spool(&format!("dir = {:?}", disk.spool()))
}

impl Run {
    fn execute(&self) -> Reckoning {
        let mut disk = Disk::make(self.file_system);
        let mut sink = Sink::down();
        if self.pacs_is_up {
            sink.rise();
        }
        let mut gate = Gate::start(&on(&disk, Configuration::hospital().pacs(&sink)));
        let load = Load::mixed(self.study);
        cut_under_load(&mut gate, &mut disk, &load, self.cuts);
        if !self.pacs_is_up {
            assert!(sink.instances().is_empty());
            sink.rise();
        }
        eventually("every acknowledged slice is at the PACS", DELIVERED, || {
            gate.done(&["queue", "flush"]);
            load.missing(&sink).is_empty().then_some(())
        });
        until("the ledger balances with nothing under way", || {
            let ledger = gate.json(&["ledger"]);
            ledger["balanced"] == true && ledger["in_flight"] == 0
        });
        assert!(!gate.log().contains("LOST"), "{}", gate.log());
        let reckoning = load.reckon(&sink, true);
        gate.terminate();
        gate.end();
        reckoning
    }
}

fn check(file_system: &'static str, study: u32) {
    let cuts = scale(1, 50);
    for pacs_is_up in [true, false] {
        let run = Run { file_system, cuts, pacs_is_up, study: study + u32::from(pacs_is_up) };
        let Reckoning { acknowledged, lost, duplicates } = run.execute();
        assert!(lost.is_empty(), "lost: {lost:?}");
        assert!(acknowledged > 0);
        let pacs = if pacs_is_up { "up" } else { "down throughout" };
        figure(
            "R2",
            "powercut_200_ext4_xfs",
            format_args!(
                "{file_system}, PACS {pacs}: {cuts} cuts, {acknowledged} acknowledged, {} lost, 0 failed restarts, \
                 {duplicates} sent more than once, all copies alike",
                lost.len()
            ),
        );
    }
}

#[test]
fn power_cuts_on_ext4_lose_nothing_that_was_acknowledged() {
    check("ext4", 300);
}

#[test]
fn power_cuts_on_xfs_lose_nothing_that_was_acknowledged() {
    check("xfs", 310);
}

/// The sync of the directory is made to last until the power has been cut: whatever the file system says of it then, it is
/// no success. (xfs says that it was one.)
#[test]
fn a_sync_that_the_power_cut_overtakes_is_no_success() {
    for (file_system, study) in [("ext4", 330), ("xfs", 331)] {
        let disk = Disk::make(file_system);
        let sink = Sink::down();
        let mut gate = Gate::start(&on(&disk, Configuration::new().pacs(&sink)));
        let load = Load::small(study);
        let mut sender = Sender::for_one(gate.port(), CT_IMAGE, EXPLICIT_LE);
        assert!(load.store(&mut sender));
        until("the first slice is in the spool", || objects(&disk) == 1);
        let trace = Trace::tamper(&gate, "fsync", "delay_enter=500000");
        let mut switch = disk.switch();
        let trigger = switch.trigger();
        std::thread::scope(|scope| {
            scope.spawn(|| load.store(&mut sender));
            until("the second slice has its name", || objects(&disk) == 2);
            trigger.pull();
            switch.wait();
        });
        trace.end();
        assert_eq!(load.acknowledged(), 1, "{file_system}: success for what is not durable");
        gate.kill();
    }
}

/// What the tests above are worth: a gate whose syncs do nothing passes every other test, and must fail here.
#[test]
fn a_gate_that_does_not_sync_is_found_out_by_a_power_cut() {
    for (file_system, study) in [("ext4", 320), ("xfs", 321)] {
        let mut disk = Disk::make(file_system);
        let sink = Sink::down();
        let mut gate = Gate::lay(&on(&disk, Configuration::new().pacs(&sink)));
        gate.start_under(&["env", "LD_PRELOAD=libeatmydata.so"]);
        gate.restart();
        let load = Load::mixed(study);
        let port = gate.port();
        let (acknowledged, kept) = std::thread::scope(|scope| {
            scope.spawn(|| load.send(port));
            let stop = load.until_dropped();
            let mut switch = disk.switch();
            let trigger = switch.trigger();
            load.at(Moment::Acknowledged(40), move || trigger.pull());
            switch.wait();
            drop(stop);
            gate.kill();
            disk.unmount();
            disk.mount();
            (load.acknowledged(), objects(&disk))
        });
        assert!(acknowledged >= 40);
        assert!(kept < acknowledged, "{file_system}: all {kept} objects are there without a sync");
        figure(
            "R2",
            "powercut_control",
            format_args!(
                "{file_system}, control, a gate whose syncs do nothing: 1 cut, {acknowledged} acknowledged, at least {} lost",
                acknowledged - kept
            ),
        );
    }
}

/// How many whole objects a spool holds: files that end in the mark that is written last.
fn objects(disk: &Disk) -> usize {
    let Ok(shards) = std::fs::read_dir(disk.spool().join("objects")) else { return 0 };
    let files = shards.flat_map(|shard| {
        std::fs::read_dir(shard.expect("a readable folder").path()).expect("a shard")
    });
    files
        .filter(|file| {
            let path = file.as_ref().expect("a readable folder").path();
            let bytes = std::fs::read(path).expect("a readable file");
            bytes.iter().rev().take(16).any(|byte| *byte != 0)
        })
        .count()
}
