//! The only door through which the spool changes the disk: a handful of verbs, each of which can be made to fail or be
//! recorded in a test.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::IFlags;

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

    /// Has the disk begin with what was written of a file since `from`, so that less is left to be done when it is synced. What has
    /// been written stays in memory.
    fn begin(&self, file: &File, from: u64) {
        // What is not on the disk yet cannot be dropped: this advice has it written.
        if let Err(error) = rustix::fs::fadvise(file, from, None, rustix::fs::Advice::DontNeed) {
            tracing::debug!(%error, "the disk is not told to begin");
        }
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
    ///
    /// It is opened once more afterwards: an xfs that has shut itself down, as it does when its log cannot be written, goes
    /// on confirming syncs of directories whose names it has just given up, but opens nothing any more.
    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()?;
        File::open(path).map(drop)
    }

    /// Creates one directory, open to its owner only.
    fn create_directory(&self, path: &Path) -> io::Result<()> {
        DirBuilder::new().mode(0o700).create(path)
    }

    /// Has what is below a directory spread over the disk, where the file system puts it beside its directory otherwise: ext4 looks for
    /// room for a new file among all that were removed beside it a moment ago, one by one, where it has no journal.
    fn spread(&self, path: &Path) {
        let spread = || -> io::Result<()> {
            let directory = File::open(path)?;
            let flags = rustix::fs::ioctl_getflags(&directory)?;
            Ok(rustix::fs::ioctl_setflags(&directory, flags | IFlags::TOPDIR)?)
        };
        if let Err(error) = spread() {
            tracing::debug!(path = %path.display(), %error, "it is not told where things are put");
        }
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

    /// Gives a new file this length, with every block of it really taken.
    fn allocate(&self, file: &File, length: u64) -> io::Result<()> {
        use rustix::io::Errno;
        match rustix::fs::fallocate(file, rustix::fs::FallocateFlags::empty(), 0, length) {
            Ok(()) => Ok(()),
            // Not every file system can. What is written must not be compressed away.
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => {
                let mut noise = blake3::Hasher::new().finalize_xof();
                let mut block = vec![0; 1 << 20];
                let mut left = length;
                while left > 0 {
                    noise.fill(&mut block);
                    let size = usize::try_from(left).unwrap_or(usize::MAX).min(block.len());
                    self.write(file, block.get(..size).unwrap_or_default())?;
                    left -= size as u64;
                }
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Bytes that an unprivileged writer may still use on the file system that holds `path`; 0 when it is as good as out of
    /// inodes.
    fn free_bytes(&self, path: &Path) -> io::Result<u64> {
        /// Inodes that are left to journal and index: an object takes one, and as many as receive at a time may be under way.
        const INODES: u64 = 16;
        let room = rustix::fs::statvfs(path)?;
        // File systems without a fixed number of inodes (btrfs) report none at all.
        let out_of_inodes = room.f_files != 0 && room.f_favail < INODES;
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
        /// It cannot fail.
        Begin,
        SyncFile,
        Rename,
        SyncDirectory,
        CreateDirectory,
        Remove,
        Allocate,
    }

    /// How a call fails.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(in crate::spool) enum Fault {
        /// With this error number.
        Error(i32),
        /// The thread ends there.
        Panic,
    }

    /// See [`FaultyDisk::fail_at`].
    struct Failing {
        verb: Verb,
        fault: Fault,
        skip: usize,
        times: usize,
    }

    /// Records every act; fails those of `failing` with its error number, `times` times.
    #[derive(Default)]
    pub(in crate::spool) struct FaultyDisk {
        acts: Mutex<Vec<Act>>,
        failing: Mutex<Option<Failing>>,
        free: Mutex<Option<u64>>,
    }

    impl FaultyDisk {
        pub(in crate::spool) fn fail(&self, verb: Verb, errno: i32, times: usize) {
            let failing = Failing { verb, fault: Fault::Error(errno), skip: 0, times };
            *self.failing.lock().expect("not poisoned") = Some(failing);
        }

        /// Fails the call of `verb` that comes after `skip` others.
        pub(in crate::spool) fn fail_at(&self, verb: Verb, skip: usize, fault: Fault) {
            let failing = Failing { verb, fault, skip, times: 1 };
            *self.failing.lock().expect("not poisoned") = Some(failing);
        }

        /// Whether all calls have failed that were to.
        pub(in crate::spool) fn has_failed(&self) -> bool {
            let failing = self.failing.lock().expect("not poisoned");
            failing.as_ref().is_some_and(|failing| failing.times == 0)
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
            let fault = {
                let mut failing = self.failing.lock().expect("not poisoned");
                match failing.as_mut() {
                    Some(failing) if failing.verb == verb && failing.skip > 0 => {
                        failing.skip -= 1;
                        None
                    }
                    Some(failing) if failing.verb == verb && failing.times > 0 => {
                        failing.times -= 1;
                        Some(failing.fault)
                    }
                    Some(_) | None => None,
                }
            };
            match fault {
                None => Ok(()),
                Some(Fault::Error(errno)) => Err(io::Error::from_raw_os_error(errno)),
                Some(Fault::Panic) => panic!("a fault of the test's"),
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
        fn begin(&self, file: &File, from: u64) {
            // Remembered, and never told to fail.
            drop(self.act(Verb::Begin, None));
            RealDisk.begin(file, from);
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
        fn allocate(&self, file: &File, length: u64) -> io::Result<()> {
            self.act(Verb::Allocate, None)?;
            RealDisk.allocate(file, length)
        }
        fn free_bytes(&self, path: &Path) -> io::Result<u64> {
            match *self.free.lock().expect("not poisoned") {
                Some(bytes) => Ok(bytes),
                None => RealDisk.free_bytes(path),
            }
        }
    }
}
