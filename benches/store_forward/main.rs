//! Speed of store and forward: `cargo bench --bench store_forward`.
//!
//! Sender, gate and sink share this machine. Each row is measured until the last object has reached the sink, and beside
//! it the same sender straight into the same sink, and DCMTK's `storescu` into `storescp`, in the same run: only
//! the ratios mean something. Prints; asserts only that nothing was lost.
//!
//! `MARKGATE_BENCH_ROUNDS` (3) sets how often each row is measured; the median is shown.

#![allow(
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a bench prints, and stops at the first thing that is not as it should be"
)]

mod dcmtk;
mod wire;

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use markgate::phantom::{Kind, Specimen};
use wire::{Sender, Sink};

/// The institution whose images they are.
const INSTITUTION: &str = "北京友谊医院";

/// One load: so many objects of so many bytes over so many associations.
struct Load {
    name: &'static str,
    objects: usize,
    bytes: usize,
    associations: usize,
    /// Whether there is room for the mark in the pixels.
    drawable: bool,
}

const LOADS: [Load; 4] = [
    Load {
        name: "400 CT slices of 0.5 MB, 1 association",
        objects: 400,
        bytes: 524_288,
        associations: 1,
        drawable: true,
    },
    Load {
        name: "400 CT slices of 0.5 MB, 8 associations",
        objects: 400,
        bytes: 524_288,
        associations: 8,
        drawable: true,
    },
    Load {
        name: "40 images of 15 MB, 1 association",
        objects: 40,
        bytes: 15_000_000,
        associations: 1,
        drawable: true,
    },
    Load {
        name: "2000 objects of 10 kB, 1 association",
        objects: 2_000,
        bytes: 10_240,
        associations: 1,
        drawable: false,
    },
];

fn main() -> io::Result<()> {
    let rounds =
        std::env::var("MARKGATE_BENCH_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(3);
    println!(
        "{:<42} {:>9} {:>9} {:>8} {:>8} {:>8} {:>8}",
        "", "objects/s", "MB/s", "p50 ms", "p99 ms", "RSS MB", "CPU s/GB"
    );
    for load in &LOADS {
        let objects = data_sets(load);
        let mut direct: Vec<Figures> = Vec::new();
        let modes: &[&str] = if load.drawable { &["tag", "burn-in"] } else { &["tag"] };
        let mut gated: Vec<Vec<Figures>> = vec![Vec::new(); modes.len()];
        for _ in 0..rounds {
            let sink = Sink::start()?;
            direct.push(run(load, &objects, sink.address, "SINK", &sink)?);
            for (mode, gated) in modes.iter().zip(&mut gated) {
                let sink = Sink::start()?;
                let gate = Gate::start(sink.address, mode)?;
                let mut figures = run(load, &objects, gate.address, "MARKGATE", &sink)?;
                figures.rss = gate.peak_rss()?;
                figures.cpu = Some(gate.cpu_seconds()?);
                let fate = gate.fate_of(&objects[0].0)?;
                assert!(fate.contains(&format!("\"{mode}\"")), "not marked by {mode}: {fate}");
                gated.push(figures);
            }
        }
        println!("{}", load.name);
        median(&mut direct).print("  direct", load);
        for (mode, gated) in modes.iter().zip(&mut gated) {
            median(gated).print(&format!("  through the gate, {mode}, synced"), load);
        }
    }
    dcmtk::compare()
}

#[derive(Clone)]
struct Figures {
    wall: Duration,
    waits: Vec<Duration>,
    bytes: u64,
    rss: Option<u64>,
    cpu: Option<f64>,
}

impl Figures {
    fn print(&self, name: &str, load: &Load) {
        let seconds = self.wall.as_secs_f64();
        let quantile = |q: f64| {
            let index = ((self.waits.len() - 1) as f64 * q).round() as usize;
            self.waits[index].as_secs_f64() * 1e3
        };
        let gigabytes = self.bytes as f64 / 1e9;
        println!(
            "{name:<42} {:>9.0} {:>9.1} {:>8.2} {:>8.2} {:>8} {:>8}",
            load.objects as f64 / seconds,
            self.bytes as f64 / 1e6 / seconds,
            quantile(0.5),
            quantile(0.99),
            self.rss.map_or("-".into(), |bytes| format!("{:.1}", bytes as f64 / 1e6)),
            self.cpu.map_or("-".into(), |cpu| format!("{:.2}", cpu / gigabytes)),
        );
    }
}

fn median(rounds: &mut [Figures]) -> Figures {
    rounds.sort_by_key(|figures| figures.wall);
    rounds[rounds.len() / 2].clone()
}

fn run(
    load: &Load,
    objects: &Arc<Vec<(String, Vec<u8>)>>,
    to: SocketAddr,
    called: &'static str,
    sink: &Sink,
) -> io::Result<Figures> {
    let start = Instant::now();
    let threads: Vec<_> = (0..load.associations)
        .map(|lane| {
            let (objects, step) = (Arc::clone(objects), load.associations);
            std::thread::spawn(move || -> io::Result<Vec<Duration>> {
                let mut sender = Sender::connect(to, called)?;
                let mut waits = Vec::new();
                for (instance, data_set) in objects.iter().skip(lane).step_by(step) {
                    let (waited, status) = sender.store(instance, data_set)?;
                    assert_eq!(status, 0, "every object is taken");
                    waits.push(waited);
                }
                sender.release()?;
                Ok(waits)
            })
        })
        .collect();
    let mut waits = Vec::new();
    for thread in threads {
        waits.extend(thread.join().expect("a sender does not panic")?);
    }
    while sink.objects() < load.objects as u64 {
        assert!(
            start.elapsed() < Duration::from_secs(120),
            "only {} objects arrived",
            sink.objects()
        );
        std::thread::yield_now();
    }
    let wall = start.elapsed();
    waits.sort();
    Ok(Figures { wall, waits, bytes: sink.bytes(), rss: None, cpu: None })
}

/// CT slices that the bench's configuration entitles to a mark, of about so many bytes.
fn data_sets(load: &Load) -> Arc<Vec<(String, Vec<u8>)>> {
    const COLUMNS: u16 = 512;
    let rows = load.bytes / 2 / usize::from(COLUMNS);
    let rows = u16::try_from(rows).expect("rows fit");
    let slice = |number: u32| {
        let specimen = Specimen::new(Kind::Ct, 7).instance(number).size(rows, COLUMNS);
        let specimen = specimen.institution(INSTITUTION);
        (specimen.sop_instance().to_string(), specimen.data_set())
    };
    Arc::new((1..).take(load.objects).map(slice).collect())
}

/// The gate under test: the release binary on a fresh spool.
struct Gate {
    child: Child,
    address: SocketAddr,
    folder: tempfile::TempDir,
}

impl Gate {
    fn start(sink: SocketAddr, mode: &str) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("markgate-bench").tempdir_in(bench_folder())?;
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let file = folder.path().join("markgate.toml");
        std::fs::write(&file, configuration(address, sink, folder.path(), mode))?;
        let child = Command::new(env!("CARGO_BIN_EXE_markgate"))
            .args(["serve", "--config"])
            .arg(&file)
            .env("MARKGATE_LOG", "warn")
            .stdout(Stdio::null())
            .spawn()?;
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(address).is_err() {
            assert!(Instant::now() < deadline, "the gate does not listen");
            std::thread::yield_now();
        }
        Ok(Self { child, address, folder })
    }

    /// What the gate has to say of an object.
    fn fate_of(&self, instance: &str) -> io::Result<String> {
        let told = Command::new(env!("CARGO_BIN_EXE_markgate"))
            .args(["explain", "--json", "--uid", instance, "--config"])
            .arg(self.folder.path().join("markgate.toml"))
            .output()?;
        Ok(String::from_utf8_lossy(&told.stdout).into_owned())
    }

    /// The most memory that the process has had in use, in bytes.
    fn peak_rss(&self) -> io::Result<Option<u64>> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes =
            line.and_then(|text| text.trim().trim_end_matches(" kB").parse::<u64>().ok());
        Ok(kilobytes.map(|kb| kb * 1024))
    }

    /// User and system time of the process so far.
    fn cpu_seconds(&self) -> io::Result<f64> {
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

/// A folder on the disk that holds the build: a spool in memory would not show what syncs cost.
fn bench_folder() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

fn configuration(listen: SocketAddr, sink: SocketAddr, folder: &Path, mode: &str) -> String {
    format!(
        r#"[gate]
aet = "MARKGATE"
listen = "{listen}"

[spool]
dir = "{}"

[[destination]]
name = "sink"
aet = "SINK"
host = "127.0.0.1"
port = {}

[[source]]
aet = "*"
hosts = ["127.0.0.0/8"]
institution = "bench"

[[institution]]
id = "bench"
name = "{INSTITUTION}"

[[item]]
code = "ANY"
name = "任意"
when = "true"
scopes = ["BJHR", "JJJHR"]

[[accreditation]]
institution = "bench"
items = ["*"]
scope = "JJJHR"
valid_from = 2026-04-01

[mark]
modes = ["{mode}"]

[burn_in]
except = []
"#,
        folder.join("spool").display(),
        sink.port(),
    )
}
