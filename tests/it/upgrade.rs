//! A spool outlives the program: one of an earlier form is taken over, one of a later form refused and left as it is.

use crate::support::dataset::Object;
use crate::support::figure::figure;
use crate::support::gate::{Configuration, Gate};
use crate::support::sender::Sender;
use crate::support::sink::Sink;
use crate::support::wire::{CT_IMAGE, EXPLICIT_LE};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Every file of a spool with its bytes, but for what a gate that only looks may touch.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let (mut found, mut folders) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if !path.ends_with("lock") {
                found.insert(path.clone(), std::fs::read(path).unwrap());
            }
        }
    }
    found
}

/// Starts a gate that must refuse to, and yields what it said.
fn refused(gate: &mut Gate) -> String {
    let before = gate.log().len();
    gate.begin();
    assert!(!gate.end().success(), "it should not have started");
    gate.log().split_off(before)
}

#[expect(clippy::disallowed_methods, reason = "what an earlier program has not written")]
fn remove(path: &Path) {
    std::fs::remove_file(path).unwrap();
}

#[test]
fn a_later_spool_is_refused_untouched_and_an_earlier_one_taken_over() {
    let mut sink = Sink::down();
    let mut gate = Gate::start(&Configuration::new().spool("ballast = \"1MiB\"").pacs(&sink));
    let object = Object::chest_ct(450, 1);
    let mut sender = Sender::for_one(gate.port(), CT_IMAGE, EXPLICIT_LE);
    let answer = sender.store(CT_IMAGE, &object.instance, &object.data());
    assert_eq!(answer.map(|answer| answer.status), Some(0));
    assert!(sender.release());
    gate.terminate();
    assert!(gate.end().success());

    let spool = gate.folder().join("spool");
    let version = spool.join("version");
    let present = std::fs::read_to_string(&version).unwrap();
    assert_eq!(present, "markgate spool version 1\n");
    std::fs::write(&version, "markgate spool version 2\n").unwrap();
    let before = contents(&spool);
    let said = refused(&mut gate);
    assert!(said.contains("is of version 2") && said.contains("UPGRADING.md"), "{said}");
    assert!(contents(&spool) == before, "a later spool was touched");

    // A spool of the time before there were versions.
    remove(&version);
    sink.rise();
    gate.restart();
    assert_eq!(sink.wait_for(1).remove(0).data, object.data());
    assert_eq!(std::fs::read_to_string(&version).unwrap(), present);
    figure(
        "R20",
        "upgrade",
        "a later spool refused untouched, one without a version taken over, 0 lost",
    );
}
