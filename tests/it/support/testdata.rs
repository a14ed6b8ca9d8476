//! Real objects of many makers, where the tester has them: `MARKGATE_TESTDATA` names a folder with an `index.csv`
//! whose columns `file`, `storable`, `transfer_syntax_uid`, `sop_class_uid` and `sop_instance_uid` are read here.
//! Without it the same tests run on objects made on the spot.

use super::dataset::{self, Object};
use super::wire::{EXPLICIT_LE, IMPLICIT_LE};
use std::path::PathBuf;

/// An object to send: its data set as it lies in the file.
#[derive(Debug, Clone)]
pub struct Sample {
    pub name: String,
    pub class: String,
    pub instance: String,
    pub transfer_syntax: String,
    pub charset: String,
    pub data: Vec<u8>,
}

impl Sample {
    pub fn of(name: &str, object: &Object) -> Self {
        Self {
            name: name.to_owned(),
            class: object.class.clone(),
            instance: object.instance.clone(),
            transfer_syntax: EXPLICIT_LE.to_owned(),
            charset: String::new(),
            data: object.data(),
        }
    }

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
            charset: of("charset"),
            data: file[dataset::data_set_start(&file)..].to_vec(),
        });
    }
    found
}

/// One object each of what the real ones show: private elements, odd values, sequences of both lengths, encapsulated
/// pixels, implicit encoding, nothing but the bare minimum.
fn made() -> Vec<Sample> {
    let plain = Object::chest_ct(900, 1);
    let odd = Object::chest_ct(900, 2)
        .with_bytes((0x0009, 0x0010), "LO", b"ACME 1.1".to_vec())
        .with_bytes((0x0009, 0x1001), "UN", vec![1, 2, 3])
        .with_bytes((0x0010, 0x4000), "LT", b"odd".to_vec());
    let defined =
        [&[0xFE, 0xFF, 0, 0xE0, 10, 0, 0, 0][..], b"\x08\0\x50\x11UI\x02\x001\0"].concat();
    let sequence = Object::chest_ct(900, 3).with_bytes((0x0008, 0x1140), "SQ", defined);
    let bare = Object::chest_ct(900, 4).without((0x0008, 0x0005)).without((0x7FE0, 0x0010));
    let mut found: Vec<Sample> =
        [("plain", &plain), ("odd", &odd), ("sequence", &sequence), ("bare", &bare)]
            .iter()
            .map(|(name, object)| Sample::of(name, object))
            .collect();
    let jpeg = Object::chest_ct(900, 5).without((0x7FE0, 0x0010));
    let mut data = jpeg.data();
    data.extend_from_slice(b"\xE0\x7F\x10\x00OB\0\0\xFF\xFF\xFF\xFF");
    data.extend_from_slice(b"\xFE\xFF\x00\xE0\0\0\0\0");
    data.extend_from_slice(b"\xFE\xFF\x00\xE0\x04\0\0\0\xFF\xD8\xFF\xD9");
    data.extend_from_slice(b"\xFE\xFF\xDD\xE0\0\0\0\0");
    let encapsulated = "1.2.840.10008.1.2.4.50".to_owned();
    found.push(Sample { transfer_syntax: encapsulated, data, ..Sample::of("encapsulated", &jpeg) });
    let implicit = Object::chest_ct(900, 6);
    found.push(Sample {
        transfer_syntax: IMPLICIT_LE.to_owned(),
        data: dataset::implicit(&implicit.data()),
        ..Sample::of("implicit", &implicit)
    });
    found
}
