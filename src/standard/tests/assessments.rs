//! Everything that is at hand is assessed, whatever it is like: what `phantom` makes in every transfer syntax and with every fault, and
//! the real files, where they are. What becomes of it is as it was before: a difference is wanted, or is a bug.
//!
//! `MARKGATE_GOLDEN=1` renews what was before, beside this file in `snapshots/`. A line has the name of an object and the rules that it
//! fails or that cannot be decided on it, and no value of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::in_memory::InMemory;
use super::*;
use crate::object::part10::{Head, parse_head};
use crate::phantom::{Fault, Kind, Specimen};
use crate::stamp::ImagePixels;

/// What the rules say of an object in one line.
fn line(data_set: &[u8], syntax: &str) -> String {
    let read_as = TransferSyntax::of(syntax);
    let scan = scan_reader(data_set, read_as, Limits::default()).expect("memory can be read");
    let arrival = Arrival { transfer_syntax: syntax, end: Some(scan.end), ..arrival() };
    let memory = InMemory(data_set);
    let pixels = ImagePixels::new(&scan.header, syntax, &memory);
    let subject = Subject::new(&scan.header, arrival);
    // What stands in memory is not inflated.
    let subject = match read_as.deflated {
        true => subject,
        false => subject.with_pixels(&pixels, without_hurry(built_in().looking())),
    };
    assert!(!built_in().explain(&subject).is_empty());
    let Assessment { findings, undecided, .. } = built_in().assess(&subject);
    let fails: Vec<&str> = findings.iter().map(|finding| finding.rule.as_str()).collect();
    format!("fails {}; undecided {}", listed(&fails), listed(&undecided))
}

fn listed(rules: &[impl AsRef<str>]) -> String {
    let rules: Vec<&str> = rules.iter().map(AsRef::as_ref).collect();
    if rules.is_empty() { "none".to_owned() } else { rules.join(" ") }
}

/// Compares lines with those of before, by name. What was not there before is no difference: it may be of others.
fn compare(snapshot: &str, now: &BTreeMap<String, String>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/standard/tests/snapshots");
    let path = path.join(snapshot);
    if std::env::var_os("MARKGATE_GOLDEN").is_some() {
        let text: String = now.iter().map(|(name, line)| format!("{name}: {line}\n")).collect();
        std::fs::write(&path, text).expect("the snapshot can be written");
    }
    let text = std::fs::read_to_string(&path).expect("a snapshot");
    let before = text.lines().map(|line| line.split_once(": ").expect("a name and what was said"));
    let (mut known, mut differ) = (0, Vec::new());
    for (name, before) in before {
        let Some(now) = now.get(name) else { continue };
        known += 1;
        if now != before {
            differ.push(format!("{name}\n  was {before}\n  is  {now}"));
        }
    }
    println!("{snapshot}: {} assessed, {known} of them as before", now.len());
    assert!(
        differ.is_empty(),
        "assessments have changed; where that is wanted, run with MARKGATE_GOLDEN=1 to renew {}:\n{}",
        path.display(),
        differ.join("\n")
    );
    assert!(known > 0, "none of the objects in {} is there", path.display());
}

#[test]
fn phantoms_are_assessed_as_before() {
    const SYNTAXES: [&str; 6] = [
        "1.2.840.10008.1.2",
        "1.2.840.10008.1.2.2",
        "1.2.840.10008.1.2.1.99",
        "1.2.840.10008.1.2.5",
        "1.2.840.10008.1.2.4.50",
        "1.2.840.10008.1.2.4.102",
    ];
    const FAULTS: [Fault; 13] = [
        Fault::NoPatientId,
        Fault::NoStudyDate,
        Fault::NoDates,
        Fault::PrivateElements,
        Fault::OddLengths,
        Fault::Overlay,
        Fault::TrailingPadding,
        Fault::Nested(20),
        Fault::WrongSopClass,
        Fault::WrongSopInstance,
        Fault::NotWalkable,
        Fault::CutAfter(300),
        Fault::CutAfter(0),
    ];
    let of = |kind| Specimen::new(kind, 1).size(64, 64);
    let mut lines = BTreeMap::new();
    let mut put = |name: String, specimen: &Specimen| {
        let syntax = specimen.transfer_syntax();
        lines.insert(name, line(&specimen.data_set(), syntax.as_str()));
    };
    for kind in Kind::ALL {
        put(format!("{kind:?}"), &of(kind));
        for syntax in SYNTAXES {
            put(format!("{kind:?} in {syntax}"), &of(kind).transfer_syntax_of(syntax));
        }
    }
    for fault in FAULTS {
        put(format!("Ct, {fault:?}"), &of(Kind::Ct).fault(fault));
    }
    compare("phantoms.txt", &lines);
}

/// The files of the index, by their names there.
fn files() -> BTreeMap<String, PathBuf> {
    let Some(folder) = std::env::var_os("MARKGATE_TESTDATA").map(PathBuf::from) else {
        return BTreeMap::new();
    };
    let index = csv::Reader::from_path(folder.join("index.csv")).expect("an index");
    let row = |row: Result<BTreeMap<String, String>, csv::Error>| {
        let name = row.expect("a row of the index").remove("file").expect("a column");
        let file = folder.join(&name);
        (name, file)
    };
    index.into_deserialize().map(row).collect()
}

#[test]
fn real_files_are_assessed_as_before() {
    let mut lines = BTreeMap::new();
    for (name, file) in files() {
        let bytes = std::fs::read(file).expect("a file of the index");
        // A head that is none is a data set from its first byte on.
        let head = parse_head(&bytes, true).ok().flatten();
        let (from, syntax) =
            head.map_or((0, EXPLICIT.to_owned()), |Head { data_set, transfer_syntax, .. }| {
                (data_set as usize, transfer_syntax.to_string())
            });
        lines.insert(name, line(bytes.get(from..).unwrap_or_default(), &syntax));
    }
    if !lines.is_empty() {
        compare("real.txt", &lines);
    }
}
