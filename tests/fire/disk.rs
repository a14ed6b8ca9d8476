//! A file system of a test's own on a loop device, whose power can be cut.

use crate::support::eventually::{SOON, eventually};
use crate::support::process;
use rustix::process::geteuid;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use tempfile::TempDir;

/// Sparse, so it takes what is written to it; xfs is not made smaller than 300 MiB.
const SIZE: u64 = 2 << 30;

/// Waits for a line, then shuts the file system down without writing its log out (`FS_IOC_SHUTDOWN`, flag
/// `FS_SHUTDOWN_FLAGS_NOLOGFLUSH`): what was not asked to be durable is gone, as in a power cut.
const CUT: &str = "import fcntl, os, struct, sys
folder = os.open(sys.argv[1], os.O_RDONLY)
print('armed', flush=True)
if sys.stdin.readline():
    fcntl.ioctl(folder, 0x8004587D, struct.pack('I', 2))
";

/// A file system, mounted or not. It is unmounted when it is dropped.
pub struct Disk {
    folder: TempDir,
    mounted: bool,
}

/// What cuts the power once it is told to.
pub struct Switch {
    child: Child,
}

impl Disk {
    /// Makes a file system and mounts it.
    ///
    /// # Panics
    /// For those who may not mount.
    #[track_caller]
    pub fn make(kind: &str) -> Self {
        assert!(geteuid().is_root(), "a file system of its own needs root: sudo make fire");
        let folder = TempDir::with_prefix("markgate-power-").expect("a folder");
        let mut disk = Self { folder, mounted: false };
        let image = File::create(disk.image()).expect("a folder of ours");
        image.set_len(SIZE).expect("a sparse file");
        std::fs::create_dir(disk.mount_point()).expect("a folder of ours");
        let mut make = Command::new(format!("mkfs.{kind}"));
        make.arg("-q").arg(disk.image());
        process::succeed(make);
        disk.mount();
        disk
    }

    fn image(&self) -> PathBuf {
        self.folder.path().join("image")
    }

    fn mount_point(&self) -> PathBuf {
        self.folder.path().join("mounted")
    }

    /// Where the spool goes.
    pub fn spool(&self) -> PathBuf {
        self.mount_point().join("spool")
    }

    /// Mounts it, which replays its journal.
    #[track_caller]
    pub fn mount(&mut self) {
        let mut mount = Command::new("mount");
        mount.args(["-o", "loop"]).arg(self.image()).arg(self.mount_point());
        process::succeed(mount);
        self.mounted = true;
    }

    /// Unmounts it, once those that were using it have let go.
    #[track_caller]
    pub fn unmount(&mut self) {
        eventually("the file system is unmounted", SOON, || {
            let mut unmount = Command::new("umount");
            unmount.arg(self.mount_point());
            process::run(unmount).status.success().then_some(())
        });
        self.mounted = false;
    }

    /// A switch that is ready to cut the power.
    pub fn switch(&self) -> Switch {
        let mut command = Command::new("python3");
        command.args(["-c", CUT]).arg(self.mount_point());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("python3 is installed");
        let mut word = [0; 6];
        let said = child.stdout.as_mut().expect("piped above");
        std::io::Read::read_exact(said, &mut word).expect("the file system can be opened");
        Switch { child }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.mounted {
            // Whoever still uses it, as a gate in a test that failed, does not keep it mounted.
            let mut unmount = Command::new("umount");
            unmount.arg("--lazy").arg(self.mount_point());
            process::run(unmount);
        }
    }
}

/// Cuts the power.
pub struct Trigger(ChildStdin);

impl Trigger {
    pub fn pull(mut self) {
        self.0.write_all(b"\n").expect("the switch waits for it");
    }
}

impl Switch {
    /// What pulls the switch; it can be handed to another thread.
    pub fn trigger(&mut self) -> Trigger {
        Trigger(self.child.stdin.take().expect("piped, and taken once"))
    }

    /// Waits until the power is cut.
    #[track_caller]
    pub fn wait(mut self) {
        let status = eventually("the power is cut", SOON, || {
            self.child.try_wait().expect("a child of ours")
        });
        assert!(status.success(), "the file system cannot be shut down: {status}");
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.child.kill().expect("a child of ours");
            self.child.wait().expect("a child of ours");
        }
    }
}
