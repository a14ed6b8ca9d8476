//! Values of a patient that stand in every object of the tests, and nowhere else: whatever a gate has written but the objects
//! themselves is searched for them when a test is over.

use std::fs;
use std::path::{Path, PathBuf};

pub const NAME: &str = "Quxbait^San=诱饵患者^三";
pub const ID: &str = "BAIT-ID-93";
pub const BORN: &str = "19700317";
pub const ACCESSION: &str = "BAIT-ACC-93";

/// What is searched for: pieces that stay whole however a value is cut up or quoted.
const PIECES: [&str; 5] = ["Quxbait", "诱饵患者", ID, BORN, ACCESSION];

/// The first piece in a text. Looked for by its first byte: a ledger of a long test has many megabytes.
pub fn found(text: &[u8]) -> Option<&'static str> {
    let mut begins = [false; 256];
    for piece in PIECES {
        begins[usize::from(piece.as_bytes()[0])] = true;
    }
    let places = text.iter().enumerate().filter(|(_, byte)| begins[usize::from(**byte)]);
    places.into_iter().find_map(|(at, _)| {
        PIECES.into_iter().find(|piece| text[at..].starts_with(piece.as_bytes()))
    })
}

/// The files of a spool that may speak of objects and are none: index, journal, audit trail, notes.
fn files(spool: &Path) -> Vec<PathBuf> {
    let listed = |folder: PathBuf| fs::read_dir(folder).into_iter().flatten().flatten();
    let speaks = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        name.is_some_and(|name| name.starts_with("ledger.sqlite") || name.ends_with(".json"))
    };
    let top = listed(spool.to_owned()).map(|entry| entry.path()).filter(speaks);
    let below = ["audit", "journal"].into_iter().flat_map(|name| listed(spool.join(name)));
    top.chain(below.map(|entry| entry.path())).filter(|path| path.is_file()).collect()
}

/// Where a piece stands in what the gate of this spool keeps beside the objects.
pub fn found_below(spool: &Path) -> Option<(PathBuf, &'static str)> {
    files(spool).into_iter().find_map(|file| {
        let piece = found(&fs::read(&file).ok()?)?;
        Some((file, piece))
    })
}
