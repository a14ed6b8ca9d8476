//! What the phantoms promise: valid objects, the same bytes again, faults where asked and nowhere else.

use std::process::Command;

use super::*;

/// The complaints of `dciodvfy`, which `make test` installs, that are errors.
fn complaints(specimen: &Specimen) -> Vec<String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("phantom.dcm");
    std::fs::write(&path, specimen.part10()).expect("a file");
    let output = Command::new("dciodvfy").arg(&path).output().expect("dciodvfy is installed");
    String::from_utf8_lossy(&output.stderr)
        .lines()
        .filter(|line| line.starts_with("Error"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_kind_is_valid() {
    let found: Vec<_> = Kind::ALL
        .into_iter()
        .flat_map(|kind| {
            let specimen = Specimen::new(kind, 7).size(64, 80);
            complaints(&specimen).into_iter().map(move |complaint| (kind, complaint))
        })
        .collect();
    assert_eq!(found, []);
}
