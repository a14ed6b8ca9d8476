//! The promises of custody, on a real directory and a disk that can be made to fail.

mod ballast;
mod commitments;
mod crash;
mod durable_order;
mod failpoints;
mod file;
mod making;
mod recording;
mod start_up;
mod versions;

use std::sync::Arc;

use tempfile::TempDir;

use super::disk::faulty::FaultyDisk;
use super::envelope::tests::envelope;
use super::*;

pub(super) const EXPLICIT: &str = "1.2.840.10008.1.2.1";

/// A spool in a fresh directory, on a disk that the test can break.
pub(super) struct Fixture {
    pub(super) dir: TempDir,
    pub(super) disk: Arc<FaultyDisk>,
    pub(super) spool: Spool,
}

impl Fixture {
    pub(super) fn new() -> Self {
        let dir = TempDir::new().expect("a directory");
        let disk = Arc::new(FaultyDisk::default());
        let (spool, _recovered) =
            recovery::open(&config(&dir), Arc::clone(&disk) as Arc<dyn Disk>, now())
                .expect("opens");
        disk.take_acts();
        Self { dir, disk, spool }
    }

    pub(super) fn draft(&self, data: &[u8]) -> Draft {
        let mut draft = self.spool.draft(&envelope(EXPLICIT)).expect("admitted");
        draft.write(data).expect("written");
        draft
    }

    pub(super) fn store(&self, data: &[u8]) -> Receipt {
        self.draft(data).commit_blocking().expect("committed")
    }

    /// Files below a directory of the spool.
    pub(super) fn files(&self, below: &str) -> Vec<String> {
        files(&self.dir, below)
    }
}

/// What a spool without objects consists of.
pub(super) const EMPTY: [&str; 5] = ["judging", "lock", "relaying", "sending", "version"];

pub(super) fn config(dir: &TempDir) -> Config {
    Config { dir: dir.path().join("spool"), reserve: 0, ballast: 0, ..Config::default() }
}

pub(super) fn now() -> Timestamp {
    "2026-11-24T10:00:00Z".parse().expect("a timestamp")
}

pub(super) fn files(dir: &TempDir, below: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut folders = vec![dir.path().join("spool").join(below)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a directory") {
            let entry = entry.expect("an entry");
            if entry.file_type().expect("a type").is_dir() {
                folders.push(entry.path());
            } else {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
    }
    names.sort();
    names
}
