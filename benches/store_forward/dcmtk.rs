//! The same 400 slices from DCMTK's `storescu` to its `storescp`: straight, and through the gate.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use markgate::object::part10::FileMeta;

use super::gate::{ACKNOWLEDGED, Place, Setup};
use super::kept::Folder;
use super::wire::EXPLICIT_LE;
use super::works::{WORKS, Work};

/// Prints both rows, or what to install.
pub fn compare() -> io::Result<()> {
    if Command::new("storescu").arg("--version").stdout(Stdio::null()).status().is_err() {
        println!("storescu is not installed: `make setup-test` installs DCMTK");
        return Ok(());
    }
    let work = &WORKS[0];
    let folder = Folder::new("markgate-dcmtk")?;
    let files = write_files(work, folder.path())?;
    println!("\nDCMTK's storescu and storescp, {}, objects/s", work.name);
    let sink = Storescp::start()?;
    let direct = send(&files, sink.address, work.objects, &sink)?;
    println!("  {:<18} {:>8.0}", "direct", work.objects as f64 / direct.as_secs_f64());
    drop(sink);
    for ack in ACKNOWLEDGED {
        let sink = Storescp::start()?;
        let place = Place::new(Setup::tag(sink.address, ack))?;
        let _gate = place.start()?;
        let gated = send(&files, place.address, work.objects, &sink)?;
        println!("  {ack:<18} {:>8.0}", work.objects as f64 / gated.as_secs_f64());
    }
    Ok(())
}

fn write_files(work: &Work, folder: &Path) -> io::Result<PathBuf> {
    let out = folder.join("objects");
    std::fs::create_dir(&out)?;
    let mut object = work.object();
    for index in 0..work.objects {
        object.become_number(index);
        let meta = FileMeta {
            sop_class: object.class.as_str().into(),
            sop_instance: object.instance.as_str().into(),
            transfer_syntax: EXPLICIT_LE.into(),
            ..FileMeta::default()
        };
        let mut file = meta.to_bytes().map_err(io::Error::other)?;
        file.extend_from_slice(&object.data_set);
        std::fs::write(out.join(format!("{index:04}.dcm")), file)?;
    }
    Ok(out)
}

fn send(files: &Path, to: SocketAddr, objects: usize, sink: &Storescp) -> io::Result<Duration> {
    let start = Instant::now();
    let status = Command::new("storescu")
        .args(["-aec", "MARKGATE", "+sd", "127.0.0.1", &to.port().to_string()])
        .arg(files)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    assert!(status.success(), "storescu sends everything");
    while sink.received()? < objects {
        assert!(start.elapsed() < Duration::from_secs(120), "not everything arrived");
        std::thread::yield_now();
    }
    Ok(start.elapsed())
}

struct Storescp {
    child: Child,
    address: SocketAddr,
    folder: Folder,
}

impl Storescp {
    fn start() -> io::Result<Self> {
        let folder = Folder::new("markgate-dcmtk-sink")?;
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let child = Command::new("storescp")
            .args(["-aet", "SINK", "+B", "-od"])
            .arg(folder.path())
            .arg(address.port().to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let deadline = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(address).is_err() {
            assert!(Instant::now() < deadline, "storescp does not listen");
            std::thread::yield_now();
        }
        Ok(Self { child, address, folder })
    }

    fn received(&self) -> io::Result<usize> {
        Ok(std::fs::read_dir(self.folder.path())?.count())
    }
}

impl Drop for Storescp {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
