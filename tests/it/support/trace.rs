//! What a gate asks of the system, seen from outside: system calls in the order in which they began and ended, and what
//! follows from that order for custody.

#![allow(dead_code, reason = "what the behaviour tests do not use, the tests under fire do")]

use super::eventually::{SOON, until};
use super::gate::Gate;
use super::process::Running;
use rustix::process::Signal;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What custody rests on.
const CUSTODY: &str = "fsync,fdatasync,/^rename,/^send,/^write";

/// strace on a running gate.
pub struct Trace {
    strace: Running,
    file: PathBuf,
}

/// One system call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Its place among all beginnings and ends.
    pub begun: usize,
    pub ended: usize,
    /// Name, arguments and result, as strace writes them.
    pub text: String,
}

impl Trace {
    /// Follows the calls of a gate that custody rests on.
    #[track_caller]
    pub fn attach(gate: &Gate) -> Self {
        Self::with(gate, CUSTODY, &[])
    }

    /// Follows them and tampers with some, as strace's `inject=calls:tampering` does.
    #[track_caller]
    pub fn tamper(gate: &Gate, calls: &str, tampering: &str) -> Self {
        let inject = format!("inject={calls}:{tampering}");
        Self::with(gate, &format!("{CUSTODY},{calls}"), &["-e", &inject])
    }

    /// Tampers with calls on these files, and follows those alone.
    #[track_caller]
    pub fn tamper_at(gate: &Gate, paths: &[PathBuf], calls: &str, tampering: &str) -> Self {
        let inject = format!("inject={calls}:{tampering}");
        let mut more = vec!["-e", inject.as_str()];
        for path in paths {
            more.extend(["-P", path.to_str().expect("a name of ours")]);
        }
        Self::with(gate, calls, &more)
    }

    #[track_caller]
    fn with(gate: &Gate, calls: &str, more: &[&str]) -> Self {
        let file = gate.folder().join("trace");
        let mut command = Command::new("strace");
        // Long enough for a C-STORE-RSP with its UIDs; in hexadecimal, so that nothing needs unescaping.
        command.args(["-f", "-yy", "-x", "-s", "300", "-e", &format!("trace={calls}")]);
        command.args(more).arg("-o").arg(&file).args(["-p", &gate.id().to_string()]);
        let strace = Running::start(command);
        until("strace has attached", || strace.said().contains("attached"));
        Self { strace, file }
    }

    /// Lets go of the gate, and yields what was seen.
    #[track_caller]
    pub fn end(mut self) -> Vec<Call> {
        if self.strace.ended().is_none() {
            self.strace.signal(Signal::INT);
        }
        self.strace.wait(SOON);
        let text = std::fs::read(&self.file).expect("strace has written it");
        calls(&String::from_utf8_lossy(&text))
    }

    /// How many calls so far were made to fail.
    pub fn injected(&self) -> usize {
        let text = std::fs::read(&self.file).unwrap_or_default();
        let mark = b"(INJECTED";
        text.windows(mark.len()).filter(|window| window == mark).count()
    }
}

/// Reads strace's output, in which calls of several threads are interleaved.
fn calls(trace: &str) -> Vec<Call> {
    let mut open: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
    let mut found = Vec::new();
    for (at, line) in trace.lines().enumerate() {
        let Some((thread, call)) = line.split_once(' ') else { continue };
        let call = call.trim_start();
        if let Some(start) = call.strip_suffix("<unfinished ...>") {
            open.insert(thread, (at, start));
        } else if let Some((_, end)) = call.split_once("resumed>") {
            let Some((begun, start)) = open.remove(thread) else { continue };
            found.push(Call { begun, ended: at, text: format!("{start}{end}") });
        } else {
            found.push(Call { begun: at, ended: at, text: call.to_owned() });
        }
    }
    // Calls whose end strace did not live to see have begun all the same.
    found.extend(open.into_values().map(|(begun, start)| Call {
        begun,
        ended: usize::MAX,
        text: start.to_owned(),
    }));
    found.sort_by_key(|call| call.begun);
    found
}

impl Call {
    fn is(&self, name: &str) -> bool {
        self.text.starts_with(name)
    }

    fn succeeded(&self) -> bool {
        // strace says so when it was told to make the call last longer.
        self.text.trim_end().trim_end_matches(" (DELAYED)").ends_with("= 0")
    }

    /// The path behind its first file descriptor.
    fn path(&self) -> Option<&str> {
        let (_, rest) = self.text.split_once('<')?;
        Some(rest.split_once('>')?.0)
    }

    /// The file it has synced.
    fn synced(&self) -> Option<&str> {
        let syncs = self.is("fsync(") || self.is("fdatasync(");
        if syncs && self.succeeded() { self.path() } else { None }
    }

    /// The bytes that it wrote, when strace has written them in hexadecimal.
    fn bytes(&self) -> Option<Vec<u8>> {
        let hex = self.text.split('"').nth(1)?;
        hex.split("\\x").skip(1).map(|digits| u8::from_str_radix(digits, 16).ok()).collect()
    }
}

/// The instance that bytes speak of, among those that the tests make.
fn instance(bytes: &[u8]) -> Option<String> {
    const ROOT: &[u8] = b"1.2.826.0.1.3680043.8.498.77.";
    let start = bytes.windows(ROOT.len()).position(|window| window == ROOT)?;
    let uid = bytes[start..].iter().take_while(|byte| byte.is_ascii_digit() || **byte == b'.');
    Some(uid.map(|byte| char::from(*byte)).collect())
}

/// What a trace says of custody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Order {
    /// Answers with success.
    pub answers: usize,
    /// The instances whose success was said before both syncs had ended well.
    pub early: Vec<String>,
    /// Syncs that ended well, by what was synced.
    pub syncs: BTreeMap<&'static str, usize>,
}

impl Order {
    /// Reads a trace of the gate at this port, with the objects in its spool.
    #[track_caller]
    pub fn of(calls: &[Call], port: u16, spool: &Path) -> Self {
        let ids = ids(spool);
        let modality = format!("[127.0.0.1:{port}->");
        let mut order = Self::default();
        for call in calls {
            if let Some(path) = call.synced() {
                *order.syncs.entry(kind(path)).or_default() += 1;
            }
            if !call.text.contains(&modality) {
                continue;
            }
            let Some(bytes) = call.bytes() else { continue };
            // P-DATA-TF that holds Status (0000,0900) = 0000.
            let success = [0, 0, 0, 9, 2, 0, 0, 0, 0, 0];
            if bytes.first() != Some(&4) || !bytes.windows(10).any(|window| window == success) {
                continue;
            }
            order.answers += 1;
            let instance = instance(&bytes).expect("an answer names its instance");
            let durable = ids
                .get(&instance)
                .is_some_and(|ids| ids.iter().any(|id| is_durable(calls, id, call.begun)));
            if !durable {
                order.early.push(instance);
            }
        }
        order
    }

    /// Syncs of these kinds for each answer.
    pub fn per_answer(&self, kinds: &[&str]) -> f64 {
        let syncs: usize = kinds.iter().filter_map(|kind| self.syncs.get(kind)).sum();
        let [syncs, answers] = [syncs, self.answers]
            .map(|count| f64::from(u32::try_from(count).expect("a test's worth")));
        syncs / answers
    }
}

/// What a synced path is.
fn kind(path: &str) -> &'static str {
    if path.contains("/tmp/") && path.ends_with(".part") {
        "file"
    } else if path.contains("/objects") {
        "directory"
    } else if path.contains("/journal") {
        "journal"
    } else if path.contains("/ledger") {
        "ledger"
    } else {
        "other"
    }
}

/// The ids under which the spool has each instance.
pub fn ids(spool: &Path) -> BTreeMap<String, Vec<String>> {
    let mut ids: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for shard in std::fs::read_dir(spool.join("objects")).expect("a spool") {
        for file in std::fs::read_dir(shard.expect("readable").path()).expect("a shard") {
            let path = file.expect("readable").path();
            let bytes = std::fs::read(&path).expect("readable");
            let id = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            ids.entry(instance(&bytes).expect("an object of a test")).or_default().push(id);
        }
    }
    ids
}

/// Whether the file of `id` was synced, then renamed, then its directory synced, each after the one before had ended, and
/// all before `answer`.
fn is_durable(calls: &[Call], id: &str, answer: usize) -> bool {
    let shard: String = id.chars().take(7).collect();
    let after = |from: usize, which: &dyn Fn(&Call) -> bool| {
        let fits = |call: &&Call| call.begun >= from && call.ended < answer && which(call);
        calls.iter().filter(fits).map(|call| call.ended).min()
    };
    let file = |call: &Call| call.synced().is_some_and(|path| path.contains(id));
    let name = |call: &Call| call.is("rename") && call.succeeded() && call.text.contains(id);
    let folder = |call: &Call| {
        call.synced().is_some_and(|path| path.ends_with(&format!("/objects/{shard}")))
    };
    after(0, &file)
        .and_then(|synced| after(synced + 1, &name))
        .and_then(|named| after(named + 1, &folder))
        .is_some()
}
