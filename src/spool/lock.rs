//! One gate at a time uses a spool.

use std::fs::{self, File, TryLockError};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use super::fault::SpoolFault;
use super::places::Places;

/// The lock on a spool. It belongs to the open file, so that it cannot outlive the gate that holds it.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Lock {
    /// Makes the spool's directory where there is none, and locks it. Blocks for the disk, not for another gate.
    ///
    /// # Errors
    /// When another gate has it, or it cannot be written.
    pub(super) fn take(places: &Places) -> Result<Self, SpoolFault> {
        let not_writable = |path: &Path| {
            let path = path.to_owned();
            move |source| SpoolFault::NotWritable { path, source }
        };
        // Whole images and identities lie below it: its owner's alone, whatever the umask.
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(places.root())
            .map_err(not_writable(places.root()))?;
        let path = places.lock();
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(not_writable(&path))?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => {
                Err(SpoolFault::Locked { path: places.root().to_owned() })
            }
            Err(TryLockError::Error(source)) => Err(SpoolFault::NotWritable { path, source }),
        }
    }
}

impl Drop for Lock {
    /// Closing the file would not do: a process that is being started at this moment has it open too, until it becomes another
    /// program.
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
            tracing::warn!(%error, "the lock on the spool is given back when its file is closed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_given_back_though_another_process_has_its_file_open() {
        let dir = tempfile::TempDir::new().expect("a directory");
        let places = Places::new(dir.path().join("spool"));
        let lock = Lock::take(&places).expect("nobody has it");
        // As a process has it that was forked a moment ago.
        let forked = lock.0.try_clone().expect("a handle");
        assert!(matches!(Lock::take(&places), Err(SpoolFault::Locked { .. })));
        drop(lock);
        assert!(Lock::take(&places).is_ok());
        drop(forked);
    }
}
