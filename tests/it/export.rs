//! Files, folders and media are copied with their marks, and media stay media.

use crate::support::gate::{Configuration, Gate};
use crate::support::peers;
use crate::support::process;
use markgate::phantom::{Fault, Kind, Specimen};
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

const HOSPITAL: &str = r#"
[[institution]]
id = "demo"
name = "北京示范医院"

[[item]]
code = "CT-CHEST"
name = "胸部CT"
when = "dcm.Modality == 'CT'"
scopes = ["JJJHR"]

[[accreditation]]
institution = "demo"
items = ["CT-CHEST"]
scope = "JJJHR"
valid_from = 2026-04-01
"#;

/// A configuration is not whole without a destination; nobody sends to it.
fn laid(sections: &str) -> Configuration {
    Configuration::new().section(sections).section(
        r#"
        [[destination]]
        name = "nobody"
        folder = "received"
        "#,
    )
}

fn gate() -> Gate {
    Gate::lay(&laid(HOSPITAL))
}

/// A medium as DCMTK makes it: two series of CT, one X-ray image, a viewer.
fn medium() -> TempDir {
    let folder = TempDir::with_prefix("markgate-medium-").unwrap();
    let root = folder.path();
    std::fs::create_dir_all(root.join("DICOM")).unwrap();
    for (name, specimen) in [
        ("IM1", Specimen::new(Kind::Ct, 1).size(64, 64)),
        ("IM2", Specimen::new(Kind::Ct, 1).size(64, 64).instance(2)),
        ("IM3", Specimen::new(Kind::Ct, 1).size(64, 64).series(2)),
        ("IM4", Specimen::new(Kind::Dx, 2).size(64, 64)),
    ] {
        std::fs::write(root.join("DICOM").join(name), specimen.part10()).unwrap();
    }
    std::fs::write(root.join("VIEWER.EXE"), "no viewer").unwrap();
    let mut command = Command::new("dcmmkdir");
    command.current_dir(root).args(["+r", "-W", "+D", "DICOMDIR", "+id", ".", "DICOM"]);
    process::succeed(command);
    folder
}

/// Exit code and entries of `stamp --json`.
fn stamp(gate: &Gate, from: &Path, out: &Path, extra: &[&str]) -> (Option<i32>, Vec<Value>) {
    let (from, out) = (from.to_str().unwrap(), out.to_str().unwrap());
    let output = gate.run(&[&["stamp", from, "--out", out, "--json"][..], extra].concat());
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let entries = serde_json::from_str(&said).unwrap_or_else(|fault| panic!("{fault}: {output:?}"));
    (output.status.code(), entries)
}

#[test]
fn a_medium_stays_one_that_others_read() {
    let (gate, medium, out) = (gate(), medium(), TempDir::new().unwrap());
    let (exit, entries) =
        stamp(&gate, medium.path(), out.path(), &["--mode", "tag,presentation-state"]);
    assert_eq!(exit, Some(0), "{entries:?}");
    let kinds: Vec<&str> = entries.iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
    let want = [
        "object",
        "object",
        "object",
        "object",
        "file",
        "presentation_state",
        "presentation_state",
        "directory",
    ];
    assert_eq!(kinds, want);
    let mut files = peers::fileset(&out.path().join("DICOMDIR"));
    files.sort();
    let names: Vec<&str> = files.iter().map(|file| file[0].as_str()).collect();
    let want =
        ["DICOM/IM1", "DICOM/IM2", "DICOM/IM3", "DICOM/IM4", "DICOM/PS000001", "DICOM/PS000002"];
    assert_eq!(names, want);
    for [name, in_file, in_record, institution, in_series] in &files {
        assert_eq!(in_file, in_record, "{name}");
        let is_marked = ["DICOM/IM1", "DICOM/IM2", "DICOM/IM3"].contains(&name.as_str());
        assert_eq!(institution.ends_with("-JJJHR"), is_marked, "{name}: {institution}");
        assert!(in_series.is_empty() || in_series == institution, "{name}: {in_series}");
    }
    assert_eq!(std::fs::read(out.path().join("VIEWER.EXE")).unwrap(), b"no viewer");
    let (before, after) = (medium.path().join("DICOM/IM4"), out.path().join("DICOM/IM4"));
    assert!(std::fs::read(before).unwrap() == std::fs::read(after).unwrap());
}

#[test]
fn a_dicomdir_without_changes_is_copied_byte_for_byte() {
    let (medium, out) = (medium(), TempDir::new().unwrap());
    let gate = Gate::lay(&laid(""));
    let (exit, entries) = stamp(&gate, medium.path(), out.path(), &[]);
    assert_eq!(exit, Some(0), "{entries:?}");
    let read = |root: &Path| std::fs::read(root.join("DICOMDIR")).unwrap();
    assert!(read(medium.path()) == read(out.path()));
}

#[test]
fn a_dicomdir_that_names_other_files_is_left_out_and_the_files_are_copied() {
    let (gate, medium, out) = (gate(), medium(), TempDir::new().unwrap());
    std::fs::write(medium.path().join("DICOM/IM3"), Specimen::new(Kind::Ct, 9).size(8, 8).part10())
        .unwrap();
    let (exit, entries) = stamp(&gate, medium.path(), out.path(), &[]);
    assert_eq!(exit, Some(1), "{entries:?}");
    let error = entries.iter().find_map(|entry| entry["error"].as_str()).unwrap();
    assert!(error.contains("left out") && error.contains("another object"), "{error}");
    assert!(out.path().join("DICOM/IM3").is_file() && !out.path().join("DICOMDIR").exists());
}

#[test]
fn what_the_gate_would_hold_is_copied_as_it_is() {
    let (gate, from, out) = (gate(), TempDir::new().unwrap(), TempDir::new().unwrap());
    let broken = Specimen::new(Kind::Ct, 1).size(8, 8).fault(Fault::NotWalkable).part10();
    std::fs::write(from.path().join("IM1"), &broken).unwrap();
    let (exit, entries) = stamp(&gate, from.path(), out.path(), &["--preview"]);
    assert_eq!(
        (exit, entries[0]["disposition"].as_str()),
        (Some(0), Some("quarantine")),
        "{entries:?}"
    );
    assert!(std::fs::read(out.path().join("IM1")).unwrap() == broken);
}
