//! A full disk: A700, nothing lost, and business as usual once there is room.

use crate::support::dataset::Object;
use crate::support::eventually::{SOON, eventually, until};
use crate::support::gate::{Configuration, Gate};
use crate::support::sender::{Sender, dial};
use crate::support::sink::Sink;
use crate::support::wire::{CT_IMAGE, EXPLICIT_LE};
use crate::support::{http, process};
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

/// A file system of a few mebibytes, for as long as it lives.
struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    /// `None`, with a word, for those who may not mount.
    fn mount(size: &str) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            println!("not root, so no small disk: only the reserve is tested");
            return None;
        }
        let folder = TempDir::with_prefix("markgate-disk-").expect("a folder");
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]);
        command.arg(folder.path());
        process::succeed(command);
        Some(Self { folder })
    }

    fn spool(&self) -> PathBuf {
        self.folder.path().join("spool")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let mut command = Command::new("umount");
        command.arg("--lazy").arg(self.folder.path());
        process::run(command);
    }
}

/// A slice of four mebibytes.
fn slice(number: u32) -> Object {
    let pixels = vec![u8::try_from(number).expect("small"); 4 << 20];
    Object::chest_ct(120, number).with_pixels(2048, 1024, pixels)
}

fn store(gate: &Gate, object: &Object) -> u16 {
    let mut sender = Sender::for_one(gate.port(), CT_IMAGE, EXPLICIT_LE);
    let answer = sender.store(CT_IMAGE, &object.instance, &object.data()).expect("an answer");
    assert!(sender.release());
    answer.status
}

#[test]
fn without_room_for_the_reserve_everything_is_answered_a700_and_the_gate_is_not_ready() {
    let sink = Sink::up();
    let configuration = Configuration::new().spool("reserve = \"1024TiB\"").pacs(&sink);
    let mut gate = Gate::lay(&configuration);
    gate.begin();
    until("the gate listens", || dial(gate.port()).is_ok());
    assert_eq!(store(&gate, &slice(1)), 0xA700);
    let ready = http::get(gate.console(), "/readyz").unwrap();
    assert_eq!(ready.status, 503);
    assert_eq!(gate.json(&["ledger"])["received"], 0);
    assert!(sink.received().is_empty());
}

/// Stores slices from `first` on until one is refused: the numbers of those taken, and of the one refused.
#[track_caller]
fn fill(gate: &Gate, first: u32) -> (Vec<u32>, u32) {
    let mut taken = Vec::new();
    for number in first..first + 200 {
        match store(gate, &slice(number)) {
            0 => taken.push(number),
            0xA700 => return (taken, number),
            status => panic!("status {status:04X}"),
        }
    }
    panic!("the disk does not fill up")
}

fn instances(numbers: &[u32]) -> Vec<String> {
    numbers.iter().map(|number| slice(*number).instance).collect()
}

fn arrived(sink: &Sink) -> Vec<String> {
    sink.received().into_iter().map(|received| received.instance).collect()
}

fn on(disk: &SmallDisk, reserve: &str) -> Configuration {
    Configuration::new()
        .spool(&format!("dir = {:?}", disk.spool()))
        .spool(&format!("reserve = {reserve:?}"))
        .spool("retention = \"0s\"")
}

#[test]
fn a_disk_that_fills_up_refuses_keeps_what_it_has_and_recovers() {
    // Room is looked up once a second, so that the reserve is more than comes in in that time.
    let Some(disk) = SmallDisk::mount("768m") else { return };
    let mut sink = Sink::down();
    let gate = Gate::start(&on(&disk, "640MiB").pacs(&sink));
    let (taken, refused) = fill(&gate, 1);
    assert!(!taken.is_empty());
    sink.rise();
    eventually("all that was acknowledged is at the PACS", SOON, || {
        gate.done(&["queue", "flush"]);
        (sink.received().len() >= taken.len()).then_some(())
    });
    let arrived = arrived(&sink);
    assert!(instances(&taken).iter().all(|slice| arrived.contains(slice)));
    // Delivered originals make room when they are next swept, and the refused slice is sent again, as a modality does.
    eventually("there is room again", Duration::from_secs(150), || {
        let ready = http::get(gate.console(), "/readyz").ok()?;
        (ready.status == 200).then_some(())
    });
    assert_eq!(store(&gate, &slice(refused)), 0);
    sink.wait_for(taken.len() + 1);
}

#[test]
fn a_disk_that_others_fill_to_the_last_byte_costs_nothing_that_was_acknowledged() {
    let Some(disk) = SmallDisk::mount("64m") else { return };
    let mut sink = Sink::down();
    let gate = Gate::start(&on(&disk, "1MiB").pacs(&sink));
    for number in 1..=3 {
        assert_eq!(store(&gate, &slice(number)), 0);
    }
    let others = disk.folder.path().join("others");
    let mut file = std::fs::File::create(&others).unwrap();
    let written = (0..).take_while(|_| file.write_all(&[7; 4096]).is_ok()).count();
    assert!(written > 0);
    assert_eq!(store(&gate, &slice(4)), 0xA700);
    sink.rise();
    // Deliveries may go on or wait while there is no room for their record; nothing may be lost by it.
    drop(file);
    let room = std::fs::OpenOptions::new().write(true).truncate(true).open(&others).unwrap();
    room.sync_all().unwrap();
    until("there is room again", || store(&gate, &slice(4)) == 0);
    eventually("everything acknowledged is at the PACS", SOON, || {
        gate.run(&["queue", "flush"]);
        let arrived = arrived(&sink);
        instances(&[1, 2, 3, 4]).iter().all(|slice| arrived.contains(slice)).then_some(())
    });
    until("the ledger balances with nothing under way", || {
        let ledger = gate.run(&["ledger", "--json"]).stdout;
        let ledger: serde_json::Value = serde_json::from_slice(&ledger).unwrap_or_default();
        ledger["balanced"] == true && ledger["delivered"] == 4
    });
}
