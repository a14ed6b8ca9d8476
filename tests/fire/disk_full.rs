//! Others fill the disk to the last byte or the last inode: modalities are told at once, everything that is in custody goes on
//! its way, and there is business as usual as soon as there is room.

use crate::support::dataset::Object;
use crate::support::eventually::{SOON, eventually, until};
use crate::support::figure::figure;
use crate::support::gate::{Configuration, Gate};
use crate::support::sender::Sender;
use crate::support::sink::Sink;
use crate::support::wire::{CT_IMAGE, EXPLICIT_LE};
use crate::support::{http, process};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tempfile::TempDir;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Tmpfs,
    Ext4,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lack {
    Bytes,
    Inodes,
}

/// Inodes of the small file systems: enough for a spool.
const INODES: u32 = 400;

/// A small file system, for as long as it lives.
struct SmallDisk {
    folder: TempDir,
    _image: Option<TempDir>,
}

impl SmallDisk {
    fn mount(kind: Kind) -> Self {
        let folder = TempDir::with_prefix("markgate-disk-").expect("a folder");
        let mut command = Command::new("mount");
        let image = match kind {
            Kind::Tmpfs => {
                let options = format!("size=192m,nr_inodes={INODES}");
                command.args(["-t", "tmpfs", "-o", &options, "tmpfs"]);
                None
            }
            Kind::Ext4 => {
                let below = TempDir::with_prefix("markgate-image-").expect("a folder");
                let path = below.path().join("image");
                File::create(&path).and_then(|file| file.set_len(192 << 20)).expect("a file");
                let mut format = Command::new("mkfs.ext4");
                // Nothing is set aside for root, whom these tests run as.
                format.args(["-q", "-m", "0", "-N", &INODES.to_string()]).arg(&path);
                process::succeed(format);
                command.args(["-o", "loop"]).arg(&path);
                Some(below)
            }
        };
        command.arg(folder.path());
        process::succeed(command);
        Self { folder, _image: image }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let mut command = Command::new("umount");
        command.arg("--lazy").arg(self.folder.path());
        process::run(command);
    }
}

/// Takes all that is left. Gives what is to be removed to make room again.
fn fill(disk: &SmallDisk, lack: Lack) -> PathBuf {
    let others = disk.path().join("others");
    match lack {
        Lack::Bytes => {
            let mut file = File::create(&others).unwrap();
            for size in [1 << 20, 4096, 1] {
                while file.write_all(&vec![7; size]).is_ok() {}
            }
        }
        Lack::Inodes => {
            std::fs::create_dir(&others).unwrap();
            let made = (0..).take_while(|n| File::create(others.join(format!("{n}"))).is_ok());
            assert!(made.count() > 0);
        }
    }
    others
}

#[expect(clippy::disallowed_methods, reason = "what the test itself has made")]
fn make_room(others: &Path) {
    if others.is_dir() {
        std::fs::remove_dir_all(others).unwrap();
    } else {
        std::fs::remove_file(others).unwrap();
    }
}

fn slice(number: u32) -> Object {
    Object::chest_ct(140, number)
}

fn store(gate: &Gate, object: &Object) -> u16 {
    let mut sender = Sender::for_one(gate.port(), CT_IMAGE, EXPLICIT_LE);
    let answer = sender.store(CT_IMAGE, &object.instance, &object.data()).expect("an answer");
    assert!(sender.release());
    answer.status
}

fn ballast(gate: &Gate) -> String {
    gate.json(&["status"])["spool"]["ballast"].as_str().unwrap().to_owned()
}

fn check(kind: Kind, lack: Lack) {
    let disk = SmallDisk::mount(kind);
    let mut sink = Sink::down();
    let configuration = Configuration::hospital()
        .spool(&format!("dir = {:?}", disk.path().join("spool")))
        .spool("reserve = \"32MiB\"")
        .spool("ballast = \"16MiB\"");
    let mut gate = Gate::start(&configuration.pacs(&sink));
    let process = gate.id();
    assert_eq!(ballast(&gate), "aboard");
    for number in 1..=3 {
        assert_eq!(store(&gate, &slice(number)), 0);
    }
    let nameless = slice(4).with((0x0010, 0x0020), "LO", "");
    assert_eq!(store(&gate, &nameless), 0);
    until("one object is held", || gate.list(&["quarantine", "ls"]).len() == 1);

    let others = fill(&disk, lack);
    let asked = Instant::now();
    assert_eq!(store(&gate, &slice(5)), 0xA700, "{kind:?} {lack:?}");
    let refused = asked.elapsed();
    // Everything that has to be written is written: what persons decide, what the PACS answers, what is logged.
    let verbs = ["hold", "release"].repeat(5);
    for verb in &verbs {
        gate.done(&["queue", verb, "ALL"]);
    }
    gate.done(&["quarantine", "release", &nameless.instance, "--reason", "known to the ward"]);
    let changes = verbs.len() + 1;
    // Where inodes are short and bytes are not, nothing may need what the ballast has.
    if lack == Lack::Bytes {
        until("the ballast is given up", || ballast(&gate) == "given_up");
        let metrics = http::get(gate.console(), "/metrics").unwrap();
        assert!(String::from_utf8_lossy(&metrics.body).contains("markgate_spool_ballast 0"));
        let told = gate.log().matches("the ballast has been given up").count();
        assert_eq!(told, 1, "told once: {}", gate.log());
    }
    sink.rise();
    eventually("all that was acknowledged is at the PACS", SOON, || {
        gate.done(&["queue", "flush"]);
        (sink.received().len() >= 4).then_some(())
    });
    gate.settle();
    assert_eq!(gate.json(&["ledger"])["delivered"], 4);
    assert_eq!(store(&gate, &slice(5)), 0xA700, "and still no object gets the ballast's room");

    make_room(&others);
    let room = Instant::now();
    eventually("objects are taken again", Duration::from_secs(10), || {
        (store(&gate, &slice(5)) == 0).then_some(())
    });
    let accepted = room.elapsed();
    until("the ballast is back", || ballast(&gate) == "aboard");
    sink.wait_for(5);
    gate.settle();
    let ledger = gate.json(&["ledger"]);
    assert_eq!((&ledger["delivered"], &ledger["balanced"]), (&5.into(), &true.into()), "{ledger}");
    assert!(!gate.has_ended());
    assert_eq!(gate.id(), process);
    figure(
        "R4",
        "enospc_bytes_inodes",
        format_args!(
            "{kind:?}, out of {lack:?}: A700 in {:.0} ms, 4 of 4 acknowledged delivered while full, {changes} state changes by persons, accepts {:.1} s after there is room",
            refused.as_secs_f64() * 1e3,
            accepted.as_secs_f64()
        ),
    );
}

#[test]
fn a_tmpfs_without_bytes() {
    check(Kind::Tmpfs, Lack::Bytes);
}

#[test]
fn a_tmpfs_without_inodes() {
    check(Kind::Tmpfs, Lack::Inodes);
}

#[test]
fn an_ext4_without_bytes() {
    check(Kind::Ext4, Lack::Bytes);
}

#[test]
fn an_ext4_without_inodes() {
    check(Kind::Ext4, Lack::Inodes);
}

#[test]
fn a_gate_that_is_started_on_a_full_disk_delivers_what_it_has() {
    let disk = SmallDisk::mount(Kind::Ext4);
    let mut sink = Sink::down();
    let configuration = Configuration::new()
        .spool(&format!("dir = {:?}", disk.path().join("spool")))
        .spool("reserve = \"32MiB\"")
        .spool("ballast = \"16MiB\"");
    let mut gate = Gate::start(&configuration.pacs(&sink));
    assert_eq!(store(&gate, &slice(1)), 0);
    gate.kill();
    let _others = fill(&disk, Lack::Bytes);
    gate.begin();
    sink.rise();
    sink.wait_for(1);
    gate.settle();
    assert_eq!(store(&gate, &slice(2)), 0xA700);
}
