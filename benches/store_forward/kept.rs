//! Folders of works that are over. Their files are emptied, and stay until the bench ends: ext4 without a journal looks through what
//! was removed within five minutes whenever a file is made, and each work would weigh on those behind it.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use tempfile::TempDir;

static OVER: Mutex<Vec<TempDir>> = Mutex::new(Vec::new());

/// A folder on the disk that holds the build: a spool in memory would not show what syncs cost.
pub struct Folder {
    /// Taken when it is dropped.
    folder: Option<TempDir>,
}

impl Folder {
    pub fn new(prefix: &str) -> io::Result<Self> {
        let on_the_disk = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let folder = tempfile::Builder::new().prefix(prefix).tempdir_in(on_the_disk)?;
        Ok(Self { folder: Some(folder) })
    }

    pub fn path(&self) -> &Path {
        self.folder.as_ref().expect("there until it is dropped").path()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be emptied takes room until the end, and no more.
        empty(self.path()).ok();
        OVER.lock().unwrap_or_else(PoisonError::into_inner).extend(self.folder.take());
    }
}

fn empty(folder: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            empty(&entry.path())?;
        } else if kind.is_file() {
            File::options().write(true).open(entry.path())?.set_len(0)?;
        }
    }
    Ok(())
}

/// Removes all of them when it is dropped.
pub struct AtTheEnd;

impl Drop for AtTheEnd {
    fn drop(&mut self) {
        OVER.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
