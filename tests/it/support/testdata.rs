//! Real objects of many makers, where the tester has them: `MARKGATE_TESTDATA` names a folder with an `index.csv`
//! whose columns `file`, `storable`, `transfer_syntax_uid`, `sop_class_uid` and `sop_instance_uid` are read here.
//! Without it the same tests run on objects made on the spot.

use super::dataset;
use super::wire::IMPLICIT_LE;
use markgate::phantom::{Characters, Fault, Kind, Lengths, Specimen};
use std::path::PathBuf;

/// An object to send: its data set as it lies in the file.
#[derive(Debug, Clone)]
pub struct Sample {
    pub name: String,
    pub class: String,
    pub instance: String,
    pub transfer_syntax: String,
    pub data: Vec<u8>,
}

impl Sample {
    /// A Part 10 file of it.
    pub fn file(&self) -> Vec<u8> {
        dataset::part10(&self.class, &self.instance, &self.transfer_syntax, &self.data)
    }

    /// Whether its elements fill it exactly, as far as that can be seen without inflating.
    pub fn is_whole(&self) -> bool {
        self.is_deflated() || dataset::elements(&self.data, &self.transfer_syntax).is_some()
    }

    pub fn is_deflated(&self) -> bool {
        matches!(self.transfer_syntax.as_str(), "1.2.840.10008.1.2.1.99" | "1.2.840.10008.1.2.8.1")
    }
}

/// Every object that may be stored: the real ones, or our own when there are none. Says how many of which.
pub fn samples() -> Vec<Sample> {
    let real = real();
    let found = if real.is_empty() { made() } else { real };
    let origin = match std::env::var_os("MARKGATE_TESTDATA") {
        Some(_) => "real, from MARKGATE_TESTDATA",
        None => "made here; MARKGATE_TESTDATA names no folder of real ones",
    };
    println!("{} objects ({origin})", found.len());
    found
}

fn real() -> Vec<Sample> {
    let Some(folder) = std::env::var_os("MARKGATE_TESTDATA").map(PathBuf::from) else {
        return Vec::new();
    };
    let index = folder.join("index.csv");
    let mut rows = csv::Reader::from_path(&index)
        .unwrap_or_else(|error| panic!("MARKGATE_TESTDATA: {}: {error}", index.display()));
    let columns = rows.headers().expect("a heading").clone();
    let mut found = Vec::new();
    for row in rows.records() {
        let row = row.expect("a row of the index");
        let of = |name: &str| {
            let at = columns.iter().position(|column| column == name).expect("a column");
            row.get(at).unwrap_or_default().to_owned()
        };
        if of("storable") != "yes" {
            continue;
        }
        let name = of("file");
        let file = std::fs::read(folder.join(&name)).expect("a file of the index");
        found.push(Sample {
            name,
            class: of("sop_class_uid"),
            instance: of("sop_instance_uid"),
            transfer_syntax: of("transfer_syntax_uid"),
            data: file[dataset::data_set_start(&file)..].to_vec(),
        });
    }
    found
}

/// Objects of every kind, and one each of what the real ones show: other encodings, character sets and lengths, private
/// and odd elements.
fn made() -> Vec<Sample> {
    let kinds = Kind::ALL.into_iter().map(|kind| Specimen::new(kind, 900).size(64, 64));
    let ct = |instance| Specimen::new(Kind::Ct, 901).size(64, 64).instance(instance);
    let syntaxes = [
        IMPLICIT_LE,
        "1.2.840.10008.1.2.2",    // Explicit VR Big Endian
        "1.2.840.10008.1.2.1.99", // deflated
        "1.2.840.10008.1.2.5",    // RLE Lossless
        "1.2.840.10008.1.2.4.50", // JPEG Baseline
        "1.2.840.10008.1.2.4.90", // JPEG 2000
    ];
    let syntaxes = (1..).zip(syntaxes).map(|(at, uid)| ct(at).transfer_syntax_of(uid));
    let characters = [Characters::Utf8, Characters::Gbk, Characters::Latin1];
    let characters = (11..).zip(characters).map(|(at, set)| ct(at).characters(set));
    let oddities = [
        Fault::PrivateElements,
        Fault::OddLengths,
        Fault::Overlay,
        Fault::TrailingPadding,
        Fault::Nested(10),
    ];
    let oddities = (21..).zip(oddities).map(|(at, fault)| ct(at).fault(fault));
    let lengths = [
        ct(31).lengths(Lengths::Undefined),
        ct(32).lengths(Lengths::Mixed),
        ct(33).group_lengths(true),
    ];
    let all = kinds.chain(syntaxes).chain(characters).chain(oddities).chain(lengths);
    all.map(|specimen| Sample {
        name: format!("{:?}, {}", specimen.kind(), specimen.sop_instance()),
        class: specimen.sop_class().to_string(),
        instance: specimen.sop_instance().to_string(),
        transfer_syntax: specimen.transfer_syntax().to_string(),
        data: specimen.data_set(),
    })
    .collect()
}
