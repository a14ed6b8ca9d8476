//! Programs of other makers that the gate must get on with. One that is missing is a failure: the tests say nothing
//! about peers they did not meet.

use super::eventually::{SOON, eventually};
use super::process::{self, Running};
use super::{dataset, http, ports, source};
use serde_json::{Value, json};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

fn written(files: &[Vec<u8>]) -> TempDir {
    let folder = TempDir::with_prefix("markgate-files-").expect("a folder");
    for (number, file) in files.iter().enumerate() {
        std::fs::write(folder.path().join(format!("{number:04}.dcm")), file).expect("a file");
    }
    folder
}

/// Sends Part 10 files with DCMTK's `storescu`, each in its own transfer syntax.
pub fn storescu(port: u16, calling: &str, files: &[Vec<u8>], options: &[&str]) -> Output {
    let folder = written(files);
    let mut command = Command::new("storescu");
    command.env("TCP_NODELAY", "1").args(["-aet", calling, "-aec", "MARKGATE", "-R"]).args(options);
    command.args(["127.0.0.1", &port.to_string(), "+sd"]).arg(folder.path());
    process::run(command)
}

/// What became of each file sent by a scripted foreign sender: SOP Instance UID and status, or why not.
fn scripted(mut command: Command, port: u16, calling: &str, files: &[Vec<u8>]) -> Value {
    let folder = written(files);
    command.args([&port.to_string(), calling, "MARKGATE"]).arg(folder.path());
    let said = process::succeed(command);
    let last = said.lines().next_back().unwrap_or_default();
    serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {said}"))
}

fn peer(name: &str) -> PathBuf {
    source::root().join("tests/peers").join(name)
}

/// Python with pydicom and pynetdicom.
fn python(script: &str) -> Command {
    let mut command = Command::new(source::root().join(".venv/bin/python"));
    command.arg(peer(script));
    command
}

/// Sends Part 10 files with pynetdicom.
#[track_caller]
pub fn pynetdicom(port: u16, calling: &str, files: &[Vec<u8>]) -> Value {
    scripted(python("send.py"), port, calling, files)
}

/// Sends Part 10 files with dcmjs-dimse.
#[track_caller]
pub fn dcmjs(port: u16, calling: &str, files: &[Vec<u8>]) -> Value {
    let mut command = Command::new("node");
    command.arg(peer("send.mjs"));
    scripted(command, port, calling, files)
}

/// A modality of pynetdicom that sends files and asks for commitment to them and to `further` instances. `how`: the report is
/// waited for on the `same` association, on a `new` one at the port `listen`, or it only has to `ask`.
#[track_caller]
pub fn commit(
    port: u16,
    calling: &str,
    files: &[Vec<u8>],
    (how, listen): (&str, u16),
    further: &[&str],
) -> Value {
    let folder = written(files);
    let mut command = python("commit_scu.py");
    command.args([&port.to_string(), calling, "MARKGATE"]).arg(folder.path());
    command.args([how, &listen.to_string()]).args(further);
    let said = process::succeed(command);
    let last = said.lines().next_back().unwrap_or_default();
    serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {said}"))
}

/// An archive of pynetdicom that commits itself to what it has stored.
pub struct Archive(Running);

impl Archive {
    /// Called `PACS`; it reports on the `same` association, on a `new` one to a gate at this port, or `never`.
    #[track_caller]
    pub fn start(port: u16, gate: u16, how: &str) -> Self {
        let mut command = python("commit_scp.py");
        command.args([&port.to_string(), "PACS", &gate.to_string(), "MARKGATE", how]);
        let process = Running::start(command);
        wait_for_port(port);
        Self(process)
    }

    /// What has happened at it that has `key`, in order.
    pub fn events(&self, key: &str) -> Vec<Value> {
        let said = self.0.said();
        let lines = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        lines.filter(|event| event.get(key).is_some()).collect()
    }
}

/// What pydicom reads in a file: keyword or tag to value, at the top level.
#[track_caller]
pub fn pydicom(file: &[u8]) -> Value {
    let folder = written(&[file.to_vec()]);
    let mut command = python("read.py");
    command.arg(folder.path().join("0000.dcm"));
    let said = process::succeed(command);
    serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"))
}

/// What pydicom finds in the file-set of a DICOMDIR, whose offsets it follows: File ID, SOP Instance UID in the file and in the record,
/// Institution Name in the file and in the series record.
#[track_caller]
pub fn fileset(directory: &Path) -> Vec<[String; 5]> {
    let mut command = python("fileset.py");
    command.arg(directory);
    let said = process::succeed(command);
    serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"))
}

/// How each decoder at hand reads images before and after they were drawn on: its name, and the samples that differ outside the
/// rectangle and inside it.
#[track_caller]
pub fn read_outside(pairs: &[(Vec<u8>, Vec<u8>)]) -> Vec<Value> {
    let folder = TempDir::with_prefix("markgate-files-").expect("a folder");
    for (number, (before, after)) in pairs.iter().enumerate() {
        for (which, file) in [("before", before), ("after", after)] {
            let path = folder.path().join(format!("{number:04}.{which}.dcm"));
            std::fs::write(path, file).expect("a file");
        }
    }
    let mut command = python("outside.py");
    command.arg(folder.path());
    let said = process::succeed(command);
    said.lines().map(|line| serde_json::from_str(line).expect("a list")).collect()
}

/// What `dciodvfy` has to say against a Part 10 file, sorted; what it says of the file's own name is left out.
#[track_caller]
pub fn dciodvfy(file: &[u8]) -> Vec<String> {
    let folder = written(&[file.to_vec()]);
    let mut command = Command::new("dciodvfy");
    command.arg("-new").arg(folder.path().join("0000.dcm"));
    let output = process::run(command); // its exit code tells of errors in the object, which are listed
    let said = [output.stdout, output.stderr].concat();
    let mut errors: Vec<String> = String::from_utf8_lossy(&said)
        .lines()
        .filter(|line| line.starts_with("Error"))
        .map(str::to_owned)
        .collect();
    errors.sort();
    errors
}

/// The first frame of an image as DCMTK's `dcmp2pgm` renders it, with a presentation state or by what the image says itself: a PGM
/// file.
#[track_caller]
pub fn dcmp2pgm(image: &[u8], state: Option<&[u8]>) -> Vec<u8> {
    let files: Vec<Vec<u8>> =
        [Some(image), state].into_iter().flatten().map(<[u8]>::to_vec).collect();
    let folder = written(&files);
    let mut command = Command::new("dcmp2pgm");
    if state.is_some() {
        command.arg("--pstate").arg(folder.path().join("0001.dcm"));
    }
    let rendered = folder.path().join("rendered.pgm");
    command.arg(folder.path().join("0000.dcm")).arg(&rendered);
    process::succeed(command);
    std::fs::read(rendered).expect("a rendered image")
}

/// Whether DCMTK's `dcmdump` reads a Part 10 file to its end.
pub fn dcmdump_reads(file: &[u8]) -> bool {
    let folder = written(&[file.to_vec()]);
    let mut command = Command::new("dcmdump");
    command.arg("-q").arg(folder.path().join("0000.dcm"));
    process::run(command).status.success()
}

/// What `dcmdump` shows of an element's text, in UTF-8.
#[track_caller]
pub fn dcmdump_value(file: &[u8], tag: dataset::Tag) -> String {
    let folder = written(&[file.to_vec()]);
    let mut command = Command::new("dcmdump");
    command.args(["-q", "+U8", "+P", &format!("{:04x},{:04x}", tag.0, tag.1)]);
    command.arg(folder.path().join("0000.dcm"));
    let said = process::succeed(command);
    // Items of sequences that hold the element too come after it.
    let first = said.lines().next().unwrap_or_default();
    let inside = first.split_once('[').and_then(|(_, rest)| rest.rsplit_once(']'));
    inside.map(|(value, _)| value.to_owned()).unwrap_or_default()
}

/// DCMTK's `storescp`, keeping data sets bit by bit (`+B`).
pub struct Storescp {
    port: u16,
    folder: TempDir,
    _process: Running,
}

impl Storescp {
    #[track_caller]
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    #[track_caller]
    pub fn start_with(options: &[&str]) -> Self {
        let port = ports::free();
        let folder = TempDir::with_prefix("markgate-storescp-").expect("a folder");
        let mut command = Command::new("storescp");
        // A profile of what is taken, and taking everything, exclude each other.
        let everything: &[&str] = if options.contains(&"-xf") { &[] } else { &["+xa", "-pm"] };
        command.env("TCP_NODELAY", "1").args(options).args(everything);
        command.args(["+B", "--fork", "-od"]);
        command.arg(folder.path()).arg(port.to_string());
        let process = Running::start(command);
        let storescp = Self { port, folder, _process: process };
        wait_for_port(port);
        storescp
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The data set of an instance, when it has arrived whole.
    pub fn data_set(&self, instance: &str) -> Option<Vec<u8>> {
        let entries = std::fs::read_dir(self.folder.path()).expect("a folder of ours");
        let mut paths = entries.map(|entry| entry.expect("a readable folder").path());
        let ours = |path: &PathBuf| path.to_string_lossy().ends_with(&format!(".{instance}"));
        let file = std::fs::read(paths.find(ours)?).expect("a file that was just listed");
        Some(file[dataset::data_set_start(&file)..].to_vec())
    }

    /// Waits for the data set of an instance to be there, and to be `length` bytes long.
    #[track_caller]
    pub fn wait_for(&self, instance: &str, length: usize) -> Vec<u8> {
        eventually(&format!("{instance} at storescp"), SOON, || {
            self.data_set(instance).filter(|data| data.len() == length)
        })
    }
}

#[track_caller]
fn wait_for_port(port: u16) {
    eventually(&format!("somebody listens on {port}"), SOON, || {
        TcpStream::connect(("127.0.0.1", port)).ok()
    });
}

/// Orthanc, with an empty store of its own.
pub struct Orthanc {
    dicom: u16,
    rest: u16,
    _folder: TempDir,
    _process: Running,
}

impl Orthanc {
    #[track_caller]
    pub fn start() -> Self {
        Self::with_modalities(&json!({}))
    }

    /// One that knows the gate at this port, and may ask it for commitment and be asked.
    #[track_caller]
    pub fn start_beside(gate: u16) -> Self {
        Self::with_modalities(&json!({
            "markgate": {
                "AET": "MARKGATE",
                "Host": "127.0.0.1",
                "Port": gate,
                "AllowStorageCommitment": true,
            },
        }))
    }

    #[track_caller]
    fn with_modalities(modalities: &Value) -> Self {
        let (dicom, rest) = (ports::free(), ports::free());
        let folder = TempDir::with_prefix("markgate-orthanc-").expect("a folder");
        let store = folder.path().join("db");
        let configuration = json!({
            "Name": "test",
            "StorageDirectory": store,
            "IndexDirectory": store,
            "Plugins": [],
            "DicomAet": "ORTHANC",
            "DicomPort": dicom,
            "HttpPort": rest,
            "RemoteAccessAllowed": false,
            "AuthenticationEnabled": false,
            "UnknownSopClassAccepted": true,
            "OverwriteInstances": true,
            "DicomModalities": modalities,
        });
        let file = folder.path().join("orthanc.json");
        std::fs::write(&file, configuration.to_string()).expect("a folder of ours");
        let program = Path::new("/usr/sbin/Orthanc");
        let mut command =
            Command::new(if program.exists() { program } else { Path::new("Orthanc") });
        command.env("TCP_NODELAY", "1").arg(&file);
        let process = Running::start(command);
        let orthanc = Self { dicom, rest, _folder: folder, _process: process };
        eventually("Orthanc answers", SOON, || http::get(rest, "/system").ok());
        wait_for_port(dicom);
        orthanc
    }

    pub fn port(&self) -> u16 {
        self.dicom
    }

    /// Takes a Part 10 file over its own REST; the name it gives the instance.
    #[track_caller]
    pub fn takes(&self, file: &[u8]) -> String {
        let answer = http::post(self.rest, "/instances", "application/dicom", file);
        answer.expect("Orthanc answers").json()["ID"].as_str().expect("an id").to_owned()
    }

    /// Sends instances to the gate.
    #[track_caller]
    pub fn sends(&self, ids: &[&str]) {
        let body = json!({ "Resources": ids, "Synchronous": true }).to_string();
        let path = "/modalities/markgate/store";
        let answer = http::post(self.rest, path, "application/json", body.as_bytes());
        let answer = answer.expect("Orthanc answers").json();
        assert_eq!(answer["FailedInstancesCount"], 0, "{answer}");
    }

    /// Asks the gate for commitment to these and to one instance that it has not; what it has heard in the end.
    #[track_caller]
    pub fn asks_for_commitment(&self, ids: &[&str], instances: &[[&str; 2]]) -> Value {
        let body = json!({ "Resources": ids, "DicomInstances": instances }).to_string();
        let path = "/modalities/markgate/storage-commitment";
        let answer = http::post(self.rest, path, "application/json", body.as_bytes());
        let answer = answer.expect("Orthanc answers").json();
        let path = answer["Path"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
        eventually("Orthanc has heard of its commitment", SOON, || {
            let report = http::get(self.rest, &path).expect("Orthanc answers").json();
            (report["Status"] != "Pending").then_some(report)
        })
    }

    /// How many instances it keeps.
    pub fn count(&self) -> usize {
        let answer = http::get(self.rest, "/instances").expect("Orthanc answers");
        answer.json().as_array().map_or(0, Vec::len)
    }

    /// The tags it keeps of an instance, pixels left out, when it has it.
    pub fn tags(&self, instance: &str) -> Option<Value> {
        let body = instance.as_bytes();
        let found = http::post(self.rest, "/tools/lookup", "text/plain", body);
        let found = found.expect("Orthanc answers").json();
        let id = found.as_array()?.iter().find(|row| row["Type"] == "Instance")?["ID"]
            .as_str()?
            .to_owned();
        let answer = http::get(self.rest, &format!("/instances/{id}/tags"));
        Some(answer.expect("Orthanc answers").json())
    }

    /// Waits for an instance; its tags.
    #[track_caller]
    pub fn wait_for(&self, instance: &str) -> Value {
        eventually(&format!("{instance} in Orthanc"), SOON, || self.tags(instance))
    }
}
