//! Files for others: written whole into a folder that is not the spool's.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::base::object_id::ObjectId;

use super::disk::{Disk, RealDisk};

/// A file on its way into a folder. It appears there as `<id>.dcm`, whole and durable, by [`Export::finish`]; dropped
/// before that, it leaves nothing. All of it blocks.
pub struct Export {
    folder: PathBuf,
    part: PathBuf,
    path: PathBuf,
    file: File,
    finished: bool,
}

impl Export {
    /// Begins a file, in place of an unfinished one of an earlier attempt. The folder must exist.
    ///
    /// # Errors
    /// When the file cannot be created.
    pub fn create(folder: &Path, id: ObjectId) -> io::Result<Self> {
        // A leading dot and another suffix, so that nobody who watches the folder takes it for a finished file.
        let part = folder.join(format!(".{id}.part"));
        let file = match RealDisk.create(&part) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                RealDisk.remove(&part)?;
                RealDisk.create(&part)?
            }
            other => other?,
        };
        let path = folder.join(format!("{id}.dcm"));
        Ok(Self { folder: folder.to_owned(), part, path, file, finished: false })
    }

    /// Makes the file durable under its name, replacing that of an earlier delivery.
    ///
    /// # Errors
    /// When it is not certain that the file is there to stay.
    pub fn finish(mut self) -> io::Result<()> {
        RealDisk.sync_file(&self.file)?;
        RealDisk.rename(&self.part, &self.path)?;
        self.finished = true;
        RealDisk.sync_directory(&self.folder)
    }
}

impl Write for Export {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Export {
    fn drop(&mut self) {
        if !self.finished
            && let Err(error) = RealDisk.remove(&self.part)
        {
            tracing::warn!(%error, "an unfinished export stays in its folder");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).expect("listed");
        entries
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect()
    }

    #[test]
    fn a_finished_file_replaces_that_of_an_earlier_delivery() {
        let folder = tempfile::TempDir::new().expect("a directory");
        let id = ObjectId::from_u128(1);
        for text in ["first", "second"] {
            let mut export = Export::create(folder.path(), id).expect("created");
            export.write_all(text.as_bytes()).expect("written");
            export.finish().expect("finished");
        }
        assert_eq!(names(folder.path()), [format!("{id}.dcm")]);
        let path = folder.path().join(format!("{id}.dcm"));
        assert_eq!(std::fs::read(path).expect("read"), b"second");
    }

    #[test]
    fn an_unfinished_file_leaves_nothing() {
        let folder = tempfile::TempDir::new().expect("a directory");
        let id = ObjectId::from_u128(1);
        let part = folder.path().join(format!(".{id}.part"));
        std::fs::write(part, "of a killed gate").expect("written");
        let mut export = Export::create(folder.path(), id).expect("created");
        export.write_all(b"half").expect("written");
        drop(export);
        assert_eq!(names(folder.path()), [""; 0]);
    }
}
