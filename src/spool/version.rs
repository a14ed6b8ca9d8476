//! The version of the whole spool: what lies in it and in which form.
//!
//! It goes up with every change that an older program would misread, be it of the layout, of an object's file, of the
//! journal or of the events in it. So an older program that finds a later number knows that it must not touch anything.

use std::io;
use std::path::Path;

use super::disk::Disk;
use super::fault::SpoolFault;
use super::places::Places;

/// The version that this program writes, and the newest that it reads.
pub(super) const VERSION: u32 = 1;

/// What stands before the number in the file, so that a person who opens it understands.
const WORDS: &str = "markgate spool version ";

/// Refuses the spool of a later program. A spool without the file is of version 1 or new.
pub(super) fn check(places: &Places) -> Result<(), SpoolFault> {
    let path = places.version();
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(SpoolFault::NotReadable { path, source }),
    };
    match parse(&text) {
        Some(found) if found > VERSION => {
            Err(SpoolFault::TooNew { path, found: found.to_string(), known: VERSION })
        }
        Some(_known) => Ok(()),
        None => {
            let source = io::Error::new(io::ErrorKind::InvalidData, "it names no version");
            Err(SpoolFault::NotReadable { path, source })
        }
    }
}

/// Writes the file if it is missing: whole or not at all. Its name is durable once the root is synced, which the caller does.
pub(super) fn mark(places: &Places, disk: &dyn Disk) -> Result<(), SpoolFault> {
    let path = places.version();
    if path.exists() {
        return Ok(());
    }
    write(&path, &places.drafts().join("version"), disk)
        .map_err(|source| SpoolFault::NotWritable { path, source })
}

fn write(path: &Path, beside: &Path, disk: &dyn Disk) -> io::Result<()> {
    match disk.remove(beside) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let file = disk.create(beside)?;
    disk.write(&file, format!("{WORDS}{VERSION}\n").as_bytes())?;
    disk.sync_file(&file)?;
    disk.rename(beside, path)
}

fn parse(text: &str) -> Option<u32> {
    text.strip_prefix(WORDS)?.trim_end().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_and_nothing_else() {
        assert_eq!(parse("markgate spool version 1\n"), Some(1));
        assert_eq!(parse("markgate spool version 27"), Some(27));
        for text in ["", "1", "markgate spool version ", "markgate spool version one\n"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
