//! The gate under test: the release binary on a fresh spool, and what the system says of it.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::kept::Folder;
use super::works::INSTITUTION;

/// Who answers a C-STORE, in the words of `ack` of a route: the gate once the object is on disk, or the destination through it. A
/// word more here is a row more everywhere.
pub const ACKNOWLEDGED: [&str; 2] = [SPOOLED, "delivered"];

/// The gate answers once the object is on disk.
pub const SPOOLED: &str = "spooled";

/// How a gate is configured.
#[derive(Clone, Copy)]
pub struct Setup {
    pub sink: SocketAddr,
    /// How the mark is shown.
    pub mode: &'static str,
    /// One of [`ACKNOWLEDGED`].
    pub ack: &'static str,
    /// What is logged.
    pub log: &'static str,
}

impl Setup {
    pub fn tag(sink: SocketAddr, ack: &'static str) -> Self {
        Self { sink, mode: "tag", ack, log: "warn" }
    }
}

/// A folder for a gate.
pub struct Place {
    folder: Folder,
    pub address: SocketAddr,
    log: &'static str,
}

impl Place {
    pub fn new(setup: Setup) -> io::Result<Self> {
        let folder = Folder::new("markgate-bench")?;
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let place = Self { folder, address, log: setup.log };
        std::fs::write(place.configured(), configuration(address, place.folder.path(), setup))?;
        Ok(place)
    }

    fn configured(&self) -> PathBuf {
        self.folder.path().join("markgate.toml")
    }

    /// Starts a gate here, and waits until it listens.
    pub fn start(&self) -> io::Result<Gate> {
        let log = File::options().append(true).create(true).open(self.logged())?;
        let child = Command::new(env!("CARGO_BIN_EXE_markgate"))
            .args(["serve", "--config"])
            .arg(self.configured())
            .env("MARKGATE_LOG", self.log)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()?;
        let mut gate = Gate { watch: Some(Watch::of(child.id())), child };
        let deadline = Instant::now() + Duration::from_secs(600);
        while TcpStream::connect(self.address).is_err() {
            assert!(gate.child.try_wait()?.is_none(), "the gate has ended: {}", self.log()?);
            assert!(Instant::now() < deadline, "the gate does not listen");
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(gate)
    }

    fn logged(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// What gates here have logged.
    pub fn log(&self) -> io::Result<String> {
        std::fs::read_to_string(self.logged())
    }

    /// What a gate here has to say of an object.
    pub fn fate_of(&self, instance: &str) -> io::Result<String> {
        let told = Command::new(env!("CARGO_BIN_EXE_markgate"))
            .args(["explain", "--json", "--uid", instance, "--config"])
            .arg(self.configured())
            .output()?;
        Ok(String::from_utf8_lossy(&told.stdout).into_owned())
    }
}

/// A running gate, killed when it is dropped.
pub struct Gate {
    child: Child,
    watch: Option<Watch>,
}

/// What a process has used.
#[derive(Clone, Copy, Default)]
pub struct Usage {
    /// The most memory of its own (RssAnon) that it had in use, in bytes.
    pub peak: u64,
    /// User and system time, in seconds.
    pub cpu: f64,
}

impl Gate {
    /// Ends it as a power cut would, and says what it has used.
    pub fn end(mut self) -> io::Result<Usage> {
        let cpu = self.cpu_seconds()?;
        let peak = self.watch.take().map_or(0, Watch::end);
        Ok(Usage { peak, cpu })
    }

    /// Waits until it has nothing to do any more.
    pub fn settle(&self) -> io::Result<()> {
        let deadline = Instant::now() + Duration::from_secs(600);
        let mut before = self.cpu_seconds()?;
        loop {
            std::thread::sleep(Duration::from_millis(300));
            let used = self.cpu_seconds()?;
            if used - before < 0.015 || Instant::now() > deadline {
                return Ok(());
            }
            before = used;
        }
    }

    /// Its own memory (RssAnon) at present, in bytes.
    pub fn memory(&self) -> u64 {
        anonymous(self.child.id())
    }

    /// How often each of its threads has gone to sleep by itself: each time, something wakes it again.
    pub fn rests(&self) -> io::Result<HashMap<OsString, u64>> {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id()))?;
        let mut rests = HashMap::new();
        for task in tasks {
            let task = task?;
            // One that has ended meanwhile rests no more.
            let status = std::fs::read_to_string(task.path().join("status")).unwrap_or_default();
            let count = field(&status, "voluntary_ctxt_switches:").unwrap_or(0);
            rests.insert(task.file_name(), count);
        }
        Ok(rests)
    }

    /// User and system time of the process so far.
    pub fn cpu_seconds(&self) -> io::Result<f64> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        let fields: Vec<&str> =
            stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks: u64 =
            [fields[11], fields[12]].iter().filter_map(|n| n.parse::<u64>().ok()).sum();
        Ok(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Looks at the memory of a process every few milliseconds.
struct Watch {
    over: Arc<AtomicBool>,
    peak: Arc<AtomicU64>,
    looking: JoinHandle<()>,
}

impl Watch {
    fn of(process: u32) -> Self {
        let (over, peak) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (ended, most) = (Arc::clone(&over), Arc::clone(&peak));
        let looking = std::thread::spawn(move || {
            while !ended.load(Ordering::SeqCst) {
                most.fetch_max(anonymous(process), Ordering::SeqCst);
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        Self { over, peak, looking }
    }

    fn end(self) -> u64 {
        self.over.store(true, Ordering::SeqCst);
        self.looking.join().expect("looking does not panic");
        self.peak.load(Ordering::SeqCst)
    }
}

fn anonymous(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    field(&status, "RssAnon:").map_or(0, |kilobytes| kilobytes * 1024)
}

fn field(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

pub fn configuration(listen: SocketAddr, folder: &Path, setup: Setup) -> String {
    [
        ("{port}", listen.port().to_string()),
        ("{dir}", folder.display().to_string()),
        ("{sink}", setup.sink.port().to_string()),
        ("{ack}", setup.ack.to_owned()),
        ("{institution}", INSTITUTION.to_owned()),
        ("{mode}", setup.mode.to_owned()),
    ]
    .iter()
    .fold(include_str!("gate.toml.in").to_owned(), |text, (name, value)| text.replace(name, value))
}
