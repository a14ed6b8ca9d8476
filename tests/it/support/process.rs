//! Programs that run beside a test: started with their output kept, ended when the test is done with them.

use super::eventually::{SOON, eventually};
use rustix::process::{Pid, Signal, kill_process};
use std::io::Read;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// A program that is running, with what it has said so far.
pub struct Running {
    name: String,
    child: Child,
    said: Arc<Mutex<Vec<u8>>>,
    listeners: Vec<JoinHandle<()>>,
}

impl Running {
    /// Starts `command`; what it writes to standard output and standard error is kept.
    pub fn start(mut command: Command) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start: {error}. {ADVICE}"));
        let said = Arc::new(Mutex::new(Vec::new()));
        let listeners = vec![
            listen(child.stdout.take().expect("piped above"), &said),
            listen(child.stderr.take().expect("piped above"), &said),
        ];
        Self { name, child, said, listeners }
    }

    /// Everything it has written so far.
    pub fn said(&self) -> String {
        String::from_utf8_lossy(&self.said.lock().expect("no listener panics")).into_owned()
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        let pid =
            i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(pid, signal).expect("the process is ours and not yet waited for");
    }

    /// How it ended, when it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child of ours")
    }

    /// Waits for its end and yields how it ended; everything it wrote has been kept by then.
    #[track_caller]
    pub fn wait(&mut self, within: Duration) -> ExitStatus {
        let what = format!("{} has ended", self.name);
        let status = eventually(&what, within, || self.ended());
        for listener in self.listeners.drain(..) {
            listener.join().expect("no listener panics");
        }
        status
    }

    /// Ends it at once, without a chance to tidy up.
    pub fn kill(&mut self) {
        if self.ended().is_none() {
            self.child.kill().expect("a child of ours");
        }
        self.wait(SOON);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.child.kill().expect("a child of ours");
            self.child.wait().expect("a child of ours");
        }
    }
}

fn listen(mut stream: impl Read + Send + 'static, said: &Arc<Mutex<Vec<u8>>>) -> JoinHandle<()> {
    let said = Arc::clone(said);
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(length @ 1..) = stream.read(&mut buffer) {
            said.lock().expect("no listener panics").extend_from_slice(&buffer[..length]);
        }
    })
}

/// What to do when a program is not there.
const ADVICE: &str = "Run `make test`, or `scripts/setup.sh test` once: it installs the peers";

/// Runs a program to its end.
#[track_caller]
pub fn run(mut command: Command) -> Output {
    let name = command.get_program().to_string_lossy().into_owned();
    command
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("{name} does not start: {error}. {ADVICE}"))
}

/// Runs a program to its end, which must be a good one, and yields its standard output.
#[track_caller]
pub fn succeed(command: Command) -> String {
    let shown = format!("{command:?}");
    let output = run(command);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{shown}: {}\n{}{}",
        output.status,
        text(&output.stdout),
        text(&output.stderr)
    );
    text(&output.stdout)
}
