//! The real files, where they are: whatever they are like, they are assessed.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};

use super::in_memory::InMemory;
use super::*;
use crate::stamp::ImagePixels;

/// Part 10 files of the index that name a transfer syntax, with it. Looking at more than this of a file adds nothing.
const LARGEST: u64 = 8 << 20;

fn files() -> Vec<(PathBuf, String)> {
    let Some(folder) = std::env::var_os("MARKGATE_TESTDATA").map(PathBuf::from) else {
        return Vec::new();
    };
    let index = csv::Reader::from_path(folder.join("index.csv")).expect("an index");
    let row = |row: Result<BTreeMap<String, String>, csv::Error>| {
        let row = row.expect("a row of the index");
        let file = folder.join(row.get("file").expect("a column"));
        (file, row.get("transfer_syntax_uid").cloned().unwrap_or_default())
    };
    let small = |file: &Path| file.metadata().is_ok_and(|about| about.len() <= LARGEST);
    index.into_deserialize().map(row).filter(|(file, _)| small(file)).collect()
}

/// The data set of a Part 10 file: behind the group 0002 whose length (0002,0000) tells.
fn data_set(bytes: &[u8]) -> Option<&[u8]> {
    let meta = bytes.get(128..)?.strip_prefix(b"DICM")?;
    let length = meta.strip_prefix(&[2, 0, 0, 0, b'U', b'L', 4, 0])?.first_chunk::<4>()?;
    meta.get(12 + u32::from_le_bytes(*length) as usize..)
}

#[test]
fn real_files_are_assessed_whatever_they_are_like() {
    let (mut used, mut looked_at) = (0, 0);
    let (mut found, mut undecided) = (BTreeMap::new(), BTreeMap::new());
    for (file, syntax) in files() {
        let mut bytes = Vec::new();
        let mut opened = File::open(&file).expect("a file of the index");
        std::io::Read::read_to_end(&mut opened, &mut bytes).expect("a readable file");
        let Some(data_set) = data_set(&bytes) else { continue };
        let scan = scan_reader(data_set, TransferSyntax::of(&syntax), Limits::default());
        let scan = scan.expect("memory can be read");
        let arrival = Arrival { transfer_syntax: &syntax, end: Some(scan.end), ..arrival() };
        let memory = InMemory(data_set);
        let pixels = ImagePixels::new(&scan.header, &syntax, &memory);
        let subject = Subject::new(&scan.header, arrival);
        let subject = if TransferSyntax::of(&syntax).deflated {
            subject
        } else {
            subject.with_pixels(&pixels, built_in().looking())
        };
        let assessment = built_in().assess(&subject);
        assert!(!built_in().explain(&subject).is_empty());
        used += 1;
        looked_at += u32::from(subject.pixel("blank").is_known());
        for finding in assessment.findings {
            *found.entry((finding.rule, finding.severity.as_str())).or_insert(0) += 1;
        }
        for rule in assessment.undecided {
            *undecided.entry(rule).or_insert(0) += 1;
        }
    }
    println!(
        "{used} real files assessed, the pixels of {looked_at}; found {found:#?}, undecided {undecided:#?}"
    );
}
