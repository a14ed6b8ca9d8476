//! The gate itself: the real program on a configuration of the test's own, in a folder of its own.

use super::bait;
use super::dataset::Object;
use super::eventually::{SOON, eventually};
use super::process::{self, Running};
use super::sender::Sender;
use super::sink::Sink;
use super::wire::EXPLICIT_LE;
use super::{http, ports};
use rustix::process::Signal;
use serde_json::Value;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output};
use std::time::Duration;
use tempfile::TempDir;

/// Starts need a moment under load; a gate that is not ready by then is broken.
const START: Duration = Duration::from_secs(30);

/// A gate that drains waits for peers that do not answer, though not for ever.
const END: Duration = Duration::from_secs(60);

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_markgate");

/// A configuration in the making. Sections are TOML as a site writes it.
#[derive(Debug, Clone, Default)]
pub struct Configuration {
    /// Where the SCP listens; empty is loopback.
    host: String,
    gate: String,
    spool: String,
    mark: String,
    sections: String,
}

impl Configuration {
    /// A gate called `MARKGATE` that lets every caller from loopback in and knows no institution.
    pub fn new() -> Self {
        Self::default()
    }

    /// The gate of an accredited hospital: whoever calls is `示范医院`, which may put `JJJHR` on chest CTs and `BJHR`
    /// on chest CTs and all head CTs; no other examination is on the lists.
    pub fn hospital() -> Self {
        Self::new().section(
            r#"
            [[source]]
            aet = "*"
            hosts = ["127.0.0.0/8"]
            institution = "sfyy"

            [[institution]]
            id = "sfyy"
            name = "示范医院"
            latin_name = "Demonstration Hospital"
            aliases = ["Demonstration Hospital"]

            [[item]]
            code = "CT-CHEST"
            name = "胸部CT"
            when = "dcm.Modality == 'CT' && dcm.BodyPartExamined == 'CHEST'"
            scopes = ["BJHR", "JJJHR"]

            [[item]]
            code = "CT-HEAD"
            name = "头部CT"
            when = "dcm.Modality == 'CT' && dcm.BodyPartExamined == 'HEAD'"
            scopes = ["BJHR", "JJJHR"]

            [[accreditation]]
            institution = "sfyy"
            items = ["CT-CHEST"]
            scope = "JJJHR"
            valid_from = 2026-04-01

            [[accreditation]]
            institution = "sfyy"
            items = ["CT-CHEST", "CT-HEAD"]
            scope = "BJHR"
            valid_from = 2026-04-01
            "#,
        )
    }

    /// The gate of a hospital that may put `JJJHR` on whatever it makes; who calls for it is to be said.
    pub fn of_everything() -> Self {
        Self::new().section(
            r#"
            [[institution]]
            id = "sfyy"
            name = "示范医院"
            aliases = ["北京示范医院"]

            [[item]]
            code = "ANY"
            name = "任意"
            when = "true"
            scopes = ["JJJHR"]

            [[accreditation]]
            institution = "sfyy"
            items = ["*"]
            scope = "JJJHR"
            valid_from = 2026-04-01
            "#,
        )
    }

    /// Adds the sections of another configuration behind its own.
    #[must_use]
    pub fn and(self, other: &Self) -> Self {
        self.section(&other.sections)
    }

    /// Listens at this address, in brackets where it is of IPv6.
    #[must_use]
    pub fn listen(mut self, host: &str) -> Self {
        self.host = host.to_owned();
        self
    }

    /// Adds a key to `[gate]`.
    #[must_use]
    pub fn gate(mut self, line: &str) -> Self {
        self.gate = self.gate + line + "\n";
        self
    }

    /// Adds a key to `[spool]`.
    #[must_use]
    pub fn spool(mut self, line: &str) -> Self {
        self.spool = self.spool + line + "\n";
        self
    }

    /// Adds a key to `[mark]`.
    #[must_use]
    pub fn mark(mut self, line: &str) -> Self {
        self.mark = self.mark + line + "\n";
        self
    }

    /// Adds whole sections.
    #[must_use]
    pub fn section(mut self, section: &str) -> Self {
        self.sections = self.sections + section + "\n";
        self
    }

    /// Adds a destination at this port that is called `name`, and `NAME` as an AE.
    #[must_use]
    pub fn destination(self, name: &str, port: u16) -> Self {
        let aet = name.to_uppercase();
        self.section(&format!(
            "[[destination]]\nname = \"{name}\"\naet = \"{aet}\"\nhost = \"127.0.0.1\"\n\
             port = {port}\ncalling_aet = \"keep\"\n"
        ))
    }

    /// Adds the destination `pacs`.
    #[must_use]
    pub fn pacs(self, sink: &Sink) -> Self {
        self.destination("pacs", sink.port())
    }

    fn write(&self, dicom: u16, console: u16) -> String {
        let mut text = String::new();
        let aet = if self.gate.contains("aet =") { "" } else { "aet = \"MARKGATE\"\n" };
        let dir = if self.spool.contains("dir =") { "" } else { "dir = \"spool\"\n" };
        let reserve = if self.spool.contains("reserve =") { "" } else { "reserve = \"64MiB\"\n" };
        let host = if self.host.is_empty() { "127.0.0.1" } else { &self.host };
        writeln!(text, "[gate]\n{aet}listen = \"{host}:{dicom}\"\n{}", self.gate)
            .and_then(|()| writeln!(text, "[spool]\n{dir}{reserve}{}", self.spool))
            .and_then(|()| writeln!(text, "[console]\nlisten = \"127.0.0.1:{console}\"\n"))
            .and_then(|()| writeln!(text, "[mark]\n{}", self.mark))
            .expect("a String takes all");
        text + &self.sections
    }
}

/// A gate in its folder, running or not.
pub struct Gate {
    folder: TempDir,
    dicom: u16,
    console: u16,
    /// The words before the program's name; empty as a rule.
    under: Vec<String>,
    process: Option<Running>,
    /// What earlier runs on the same spool wrote.
    earlier: String,
}

impl Gate {
    /// Lays a gate out without starting it.
    pub fn lay(configuration: &Configuration) -> Self {
        let folder = TempDir::with_prefix("markgate-").expect("a folder for the gate");
        let (dicom, console) = (ports::free(), ports::free());
        let gate = Self {
            folder,
            dicom,
            console,
            under: Vec::new(),
            process: None,
            earlier: String::new(),
        };
        gate.configure(configuration);
        gate
    }

    /// Starts a gate and waits until it is ready.
    #[track_caller]
    pub fn start(configuration: &Configuration) -> Self {
        let mut gate = Self::lay(configuration);
        gate.restart();
        gate
    }

    /// From the next start on, the gate is started by another program, which must become it: `env`, or `strace -D`.
    #[allow(dead_code, reason = "tests under fire alone need it")]
    pub fn start_under(&mut self, words: &[&str]) {
        self.under = words.iter().map(|word| (*word).to_owned()).collect();
    }

    /// Writes the configuration anew; a running gate sees it when it is told to.
    pub fn configure(&self, configuration: &Configuration) {
        let text = configuration.write(self.dicom, self.console);
        std::fs::write(self.configuration(), text).expect("a folder of ours");
    }

    /// The configuration file.
    pub fn configuration(&self) -> PathBuf {
        self.folder.path().join("markgate.toml")
    }

    /// The gate's own folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The DICOM port.
    pub fn port(&self) -> u16 {
        self.dicom
    }

    /// The port of the console and of REST.
    pub fn console(&self) -> u16 {
        self.console
    }

    /// Starts the program on what is there, and waits until it is ready.
    #[track_caller]
    pub fn restart(&mut self) {
        self.begin();
        self.await_ready();
    }

    /// Waits until it is ready.
    #[track_caller]
    pub fn await_ready(&mut self) {
        self.await_ready_within(START);
    }

    /// As [`Gate::restart`], where it may take longer.
    #[track_caller]
    pub fn restart_within(&mut self, time: Duration) {
        self.begin();
        self.await_ready_within(time);
    }

    #[track_caller]
    fn await_ready_within(&mut self, time: Duration) {
        eventually("the gate is ready", time, || {
            let running = self.process.as_mut().expect("begun above");
            if let Some(status) = running.ended() {
                panic!("the gate ended at its start, {status}:\n{}", running.said());
            }
            let ready = http::get(self.console, "/readyz").is_ok_and(|answer| answer.status == 200);
            ready.then_some(())
        });
    }

    /// Starts the program without waiting for anything.
    pub fn begin(&mut self) {
        assert!(self.process.is_none(), "the gate runs");
        let mut words = self.under.iter().map(String::as_str).chain([PROGRAM]);
        let mut command = Command::new(words.next().expect("the program at least"));
        command.args(words).arg("serve").arg("--config").arg(self.configuration());
        self.process = Some(Running::start(command));
    }

    fn running(&self) -> &Running {
        self.process.as_ref().expect("the gate runs")
    }

    /// The id of its process.
    pub fn id(&self) -> u32 {
        self.running().id()
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        let mut process = self.process.take().expect("the gate runs");
        process.kill();
        self.earlier += &process.said();
    }

    /// SIGTERM.
    pub fn terminate(&self) {
        self.running().signal(Signal::TERM);
    }

    /// SIGHUP.
    pub fn reload(&self) {
        self.running().signal(Signal::HUP);
    }

    /// Waits for its end.
    #[track_caller]
    pub fn end(&mut self) -> ExitStatus {
        let mut process = self.process.take().expect("the gate runs");
        let status = process.wait(END);
        self.earlier += &process.said();
        status
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.process.as_mut().is_none_or(|process| process.ended().is_some())
    }

    /// Everything it has logged, earlier runs included.
    pub fn log(&self) -> String {
        let now = self.process.as_ref().map(Running::said).unwrap_or_default();
        format!("{}{now}", self.earlier)
    }

    /// Anonymous resident memory of the process, in bytes: what it holds itself, the page cache apart.
    pub fn anonymous_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.running().id()))
            .expect("the gate runs");
        let line = status.lines().find(|line| line.starts_with("RssAnon:")).expect("Linux says");
        let kib: u64 = line
            .split_whitespace()
            .nth(1)
            .and_then(|number| number.parse().ok())
            .expect("a number of KiB");
        kib << 10
    }

    /// Runs a verb of the program against this gate.
    pub fn run(&self, verb: &[&str]) -> Output {
        let mut command = Command::new(PROGRAM);
        command.args(verb).arg("--config").arg(self.configuration());
        process::run(command)
    }

    /// Runs a verb that must end well; its standard output.
    #[track_caller]
    pub fn done(&self, verb: &[&str]) -> String {
        let output = self.run(verb);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(
            output.status.success(),
            "{verb:?}: {}\n{}{}",
            output.status,
            text(&output.stdout),
            text(&output.stderr)
        );
        text(&output.stdout)
    }

    /// Runs a verb with `--json`; its document.
    #[track_caller]
    pub fn json(&self, verb: &[&str]) -> Value {
        let text = self.done(&[verb, &["--json"]].concat());
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{verb:?}: {error}: {text}"))
    }

    /// The entries of a listing verb.
    #[track_caller]
    pub fn list(&self, verb: &[&str]) -> Vec<Value> {
        match self.json(verb) {
            Value::Array(entries) => entries,
            other => panic!("{verb:?} gives no list: {other}"),
        }
    }

    /// Sends it an object, which it must take.
    #[track_caller]
    pub fn takes(&self, object: &Object) {
        let mut sender = Sender::for_one(self.dicom, &object.class, EXPLICIT_LE);
        let answer = sender.store(&object.class, &object.instance, &object.data());
        assert_eq!(answer.map(|answer| answer.status), Some(0));
        assert!(sender.release());
    }

    /// Waits until nothing is on its way any more.
    #[track_caller]
    pub fn settle(&self) {
        eventually("the queue is empty", SOON, || {
            self.list(&["queue", "ls"]).is_empty().then_some(())
        });
    }
}

impl Gate {
    /// Fails when something of a patient stands anywhere but in the objects.
    #[track_caller]
    pub fn knows_no_patient(&mut self) {
        let is_running = self.process.as_mut().is_some_and(|process| process.ended().is_none());
        let page = is_running.then(|| http::get(self.console, "/metrics").ok()).flatten();
        let page = page.map(|answer| answer.body).unwrap_or_default();
        assert_eq!(bait::found(&page), None, "of a patient, on the page of metrics");
        let log = self.log();
        let line = log.lines().find(|line| bait::found(line.as_bytes()).is_some());
        assert_eq!(line, None, "of a patient, in the log");
        assert_eq!(bait::found_below(&self.folder().join("spool")), None, "of a patient");
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("--- what the gate said ---\n{}", self.log());
        } else {
            self.knows_no_patient();
        }
    }
}
