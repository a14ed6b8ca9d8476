//! The only door through which the spool changes the disk: a handful of verbs, each of which can be made to fail or be
//! recorded in a test.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// The verbs. Their default bodies are the real disk; a test overrides those it wants to see or break.
pub(super) trait Disk: Send + Sync {
    /// Creates a file that must not exist yet, readable by its owner only.
    fn create(&self, path: &Path) -> io::Result<File> {
        OpenOptions::new().write(true).read(true).create_new(true).mode(0o600).open(path)
    }

    /// Appends all of `bytes`.
    fn write(&self, mut file: &File, bytes: &[u8]) -> io::Result<()> {
        file.write_all(bytes)
    }

    /// Makes a file's bytes and length durable (`fdatasync`).
    fn sync_file(&self, file: &File) -> io::Result<()> {
        file.sync_data()
    }

    /// Gives a file its final name, replacing what bore it.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that renames")]
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    /// Makes the names in a directory durable.
    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    /// Creates one directory, open to its owner only.
    fn create_directory(&self, path: &Path) -> io::Result<()> {
        DirBuilder::new().mode(0o700).create(path)
    }

    /// Removes one file.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that removes files")]
    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    /// Removes one empty directory.
    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    /// Shortens a file.
    fn truncate(&self, file: &File, length: u64) -> io::Result<()> {
        file.set_len(length)
    }

    /// Bytes that an unprivileged writer may still use on the file system that holds `path`; 0 when it has no inodes left.
    fn free_bytes(&self, path: &Path) -> io::Result<u64> {
        let room = rustix::fs::statvfs(path)?;
        // File systems without a fixed number of inodes (btrfs) report none at all.
        let out_of_inodes = room.f_files != 0 && room.f_favail == 0;
        Ok(if out_of_inodes { 0 } else { room.f_bavail.saturating_mul(room.f_frsize) })
    }
}

/// The disk as it is.
pub(super) struct RealDisk;

impl Disk for RealDisk {}

#[cfg(test)]
pub(super) mod faulty {
    //! A disk that remembers what was asked of it and fails where it is told to.

    use super::*;
    use std::sync::Mutex;

    /// One verb of [`Disk`] with the last part of the path it was used on (empty for open files).
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub(in crate::spool) struct Act(pub(in crate::spool) Verb, pub(in crate::spool) String);

    /// The verbs that can fail.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(in crate::spool) enum Verb {
        Create,
        Write,
        SyncFile,
        Rename,
        SyncDirectory,
        CreateDirectory,
        Remove,
    }

    /// Records every act; fails those of `failing` with its error number, `times` times.
    #[derive(Default)]
    pub(in crate::spool) struct FaultyDisk {
        acts: Mutex<Vec<Act>>,
        failing: Mutex<Option<(Verb, i32, usize)>>,
        free: Mutex<Option<u64>>,
    }

    impl FaultyDisk {
        pub(in crate::spool) fn fail(&self, verb: Verb, errno: i32, times: usize) {
            *self.failing.lock().expect("not poisoned") = Some((verb, errno, times));
        }

        pub(in crate::spool) fn set_free(&self, bytes: u64) {
            *self.free.lock().expect("not poisoned") = Some(bytes);
        }

        pub(in crate::spool) fn take_acts(&self) -> Vec<Act> {
            std::mem::take(&mut self.acts.lock().expect("not poisoned"))
        }

        fn act(&self, verb: Verb, path: Option<&Path>) -> io::Result<()> {
            let name = path
                .and_then(Path::file_name)
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default();
            self.acts.lock().expect("not poisoned").push(Act(verb, name));
            let mut failing = self.failing.lock().expect("not poisoned");
            match failing.as_mut() {
                Some((which, errno, times)) if *which == verb && *times > 0 => {
                    *times -= 1;
                    Err(io::Error::from_raw_os_error(*errno))
                }
                Some(_) | None => Ok(()),
            }
        }
    }

    impl Disk for FaultyDisk {
        fn create(&self, path: &Path) -> io::Result<File> {
            self.act(Verb::Create, Some(path))?;
            RealDisk.create(path)
        }
        fn write(&self, file: &File, bytes: &[u8]) -> io::Result<()> {
            self.act(Verb::Write, None)?;
            RealDisk.write(file, bytes)
        }
        fn sync_file(&self, file: &File) -> io::Result<()> {
            self.act(Verb::SyncFile, None)?;
            RealDisk.sync_file(file)
        }
        fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
            self.act(Verb::Rename, Some(to))?;
            RealDisk.rename(from, to)
        }
        fn sync_directory(&self, path: &Path) -> io::Result<()> {
            self.act(Verb::SyncDirectory, Some(path))?;
            RealDisk.sync_directory(path)
        }
        fn create_directory(&self, path: &Path) -> io::Result<()> {
            self.act(Verb::CreateDirectory, Some(path))?;
            RealDisk.create_directory(path)
        }
        fn remove(&self, path: &Path) -> io::Result<()> {
            self.act(Verb::Remove, Some(path))?;
            RealDisk.remove(path)
        }
        fn free_bytes(&self, path: &Path) -> io::Result<u64> {
            match *self.free.lock().expect("not poisoned") {
                Some(bytes) => Ok(bytes),
                None => RealDisk.free_bytes(path),
            }
        }
    }
}
