//! A gate under attack: hostile peers come one after the other or side by side, and after each the gate is asked whether it still
//! does its work. At the end the books are checked: what was acknowledged is there, what was not is nowhere.

use super::dataset::Object;
use super::eventually::until;
use super::figure::figure;
use super::gate::{Configuration, Gate};
use super::sender::{Sender, dial};
use super::sink::Sink;
use super::wire::{self, Associate, CT_IMAGE, Command, Context, EXPLICIT_LE, IMPLICIT_LE, Pdu};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::io;
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

/// Resident memory that the gate may have had at its height.
const MOST_MEMORY: u64 = 512 << 20;

/// What a peer hears from the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Heard {
    Accepted,
    /// Result, source, reason.
    Rejected(u8, u8, u8),
    /// Source, reason.
    Aborted(u8, u8),
    /// The status of a response.
    Status(u16),
    Released,
    /// The connection ends without a word.
    Closed,
}

/// What a case expects.
#[derive(Debug, Clone)]
pub enum Want {
    Says(Heard),
    OneOf(Vec<Heard>),
    /// Nothing yet: more bytes are due. The peer then closes its side, and the gate has to follow.
    Waits,
}

/// Listens for one PDU.
#[track_caller]
pub fn listen(stream: &mut TcpStream) -> Heard {
    match wire::read_pdu(stream) {
        Ok(Pdu { kind: wire::ASSOCIATE_AC, .. }) => Heard::Accepted,
        Ok(Pdu { kind: wire::ASSOCIATE_RJ, body }) => Heard::Rejected(body[1], body[2], body[3]),
        Ok(Pdu { kind: wire::ABORT, body }) => Heard::Aborted(body[2], body[3]),
        Ok(Pdu { kind: wire::RELEASE_RP, .. }) => Heard::Released,
        Ok(Pdu { kind: wire::P_DATA, body }) => {
            let set: Vec<u8> = wire::pdvs(&body).iter().flat_map(|pdv| pdv.data.to_vec()).collect();
            Heard::Status(Command::decode(&set).get(0x0900).expect("a response has a status"))
        }
        Ok(other) => panic!("the gate says {other:?}"),
        Err(fault) if matches!(fault.kind(), io::ErrorKind::WouldBlock) => panic!("silence"),
        Err(_) => Heard::Closed,
    }
}

/// The contexts that hostile peers ask for: images, and verification.
pub fn contexts() -> Vec<Context> {
    vec![
        Context::proposed(1, CT_IMAGE, &[EXPLICIT_LE]),
        Context::proposed(3, wire::VERIFICATION, &[IMPLICIT_LE]),
    ]
}

/// A request of a lawful modality.
pub fn request() -> Associate {
    Associate {
        called: "MARKGATE".to_owned(),
        calling: "CT01".to_owned(),
        contexts: contexts(),
        max_pdu: 16 << 10,
    }
}

/// A gate, the PACS behind it, and what is known to be in the gate's hands.
pub struct Siege {
    pub gate: Gate,
    pub sink: Sink,
    study: u32,
    lawful: u32,
    /// Objects that were acknowledged, and their bytes.
    acknowledged: BTreeMap<String, Vec<u8>>,
    /// Objects whose sender did not wait for the answer.
    possible: BTreeMap<String, Vec<u8>>,
    heard: BTreeMap<Heard, usize>,
    slowest: Duration,
    cases: usize,
}

impl Siege {
    /// Starts one whose lawful objects belong to `study`.
    pub fn begin(study: u32, configuration: &Configuration) -> Self {
        let sink = Sink::up();
        let gate = Gate::start(&configuration.clone().pacs(&sink));
        Self {
            gate,
            sink,
            study,
            lawful: 0,
            acknowledged: BTreeMap::new(),
            possible: BTreeMap::new(),
            heard: BTreeMap::new(),
            slowest: Duration::ZERO,
            cases: 0,
        }
    }

    /// A connection of a peer that will not wait for ever.
    pub fn dial(&self) -> TcpStream {
        dial(self.gate.port()).expect("the gate listens")
    }

    /// An association with [`contexts`].
    #[track_caller]
    pub fn associate(&self) -> Sender {
        Sender::connect(self.gate.port(), "CT01", "MARKGATE", &contexts())
            .unwrap_or_else(|refusal| panic!("no association: {refusal:?}"))
    }

    /// Holds what was heard in a case against what was due, and then asks the gate for its ordinary work.
    #[track_caller]
    pub fn judge(&mut self, case: &str, heard: Heard, want: &Want) {
        let is_due = match want {
            Want::Says(one) => heard == *one,
            Want::OneOf(some) => some.contains(&heard),
            Want::Waits => heard == Heard::Closed,
        };
        assert!(is_due, "{case}: {heard:?} instead of {want:?}");
        *self.heard.entry(heard).or_default() += 1;
        self.done(case);
    }

    /// Counts a case, and asks the gate for its ordinary work.
    #[track_caller]
    pub fn done(&mut self, case: &str) {
        self.cases += 1;
        self.works(case);
    }

    /// Sends bytes and hears what comes.
    #[track_caller]
    pub fn attack(&mut self, case: &str, mut stream: TcpStream, bytes: &[u8], want: &Want) {
        // The gate may have hung up before the end of what it cannot read.
        drop(io::Write::write_all(&mut stream, bytes));
        if matches!(want, Want::Waits) {
            drop(stream.shutdown(Shutdown::Write));
        }
        let heard = listen(&mut stream);
        drop(stream);
        self.judge(case, heard, want);
    }

    /// Notes that the gate has taken responsibility for an object.
    pub fn acknowledge(&mut self, instance: &str, data: &[u8]) {
        self.acknowledged.insert(instance.to_owned(), data.to_vec());
    }

    /// Notes that the gate may have taken responsibility for an object, although nobody heard it say so.
    pub fn expect(&mut self, instance: &str, data: &[u8]) {
        self.possible.insert(instance.to_owned(), data.to_vec());
    }

    /// A lawful modality comes by: it is heard and served, for all that was done to the gate.
    #[track_caller]
    pub fn works(&mut self, after: &str) {
        self.lawful += 1;
        let object = Object::chest_ct(self.study, self.lawful);
        let begun = Instant::now();
        let mut sender = self.associate();
        let answer = sender.store(CT_IMAGE, &object.instance, &object.data());
        assert_eq!(answer.map(|answer| answer.status), Some(0), "C-STORE after {after}");
        assert!(sender.release(), "release after {after}");
        let echoed = Instant::now();
        assert_eq!(echo(self.gate.port()), Some(0), "C-ECHO after {after}");
        let took = (echoed - begun).max(echoed.elapsed());
        self.slowest = self.slowest.max(took);
        self.acknowledge(&object.instance, &object.data());
    }

    /// Checks the books, and reports what the test has seen.
    #[track_caller]
    pub fn end(mut self, promise: &str, test: &str, least: usize) {
        assert!(self.cases >= least, "only {} cases", self.cases);
        assert!(!self.gate.has_ended(), "the gate has ended");
        self.check_books();
        let peak = peak_memory(&self.gate);
        assert!(peak < MOST_MEMORY, "{} MiB at its height", peak >> 20);
        let log = self.gate.log();
        let panics = log.matches("panicked at").count();
        assert_eq!(panics, 0, "panics in the log:\n{log}");
        let Self { cases, slowest, .. } = self;
        let acknowledged = self.acknowledged.len();
        figure(
            promise,
            test,
            format_args!(
                "{cases}/{cases} cases answered as they should, the gate at work after each (slowest {slowest:.0?}); \
                 {acknowledged} acknowledged, 0 lost, 0 beside; 0 panics; peak RSS {} MiB{}{}",
                peak >> 20,
                if self.heard.is_empty() { "" } else { "; heard: " },
                Tally(&self.heard)
            ),
        );
    }

    /// What was acknowledged has arrived as it was sent or is held, nothing else has arrived, and nothing half is kept.
    #[track_caller]
    pub fn check_books(&self) {
        let gate = &self.gate;
        gate.settle();
        until("every object has its place", || gate.json(&["ledger"])["in_flight"] == 0);
        let held: BTreeSet<String> = gate
            .list(&["quarantine", "ls"])
            .iter()
            .map(|entry| entry["sop_instance_uid"].as_str().expect("a UID").to_owned())
            .collect();
        let mut found = held;
        for arrived in self.sink.received() {
            let sent = self.acknowledged.get(&arrived.instance);
            let sent = sent.or_else(|| self.possible.get(&arrived.instance));
            let sent = sent.unwrap_or_else(|| panic!("{} was not acknowledged", arrived.instance));
            assert_eq!(arrived.hash, blake3::hash(sent), "{} has changed", arrived.instance);
            found.insert(arrived.instance);
        }
        let acknowledged: BTreeSet<String> = self.acknowledged.keys().cloned().collect();
        found.retain(|instance| !self.possible.contains_key(instance));
        assert_eq!(found, acknowledged);
        let drafts = gate.folder().join("spool/tmp");
        until("no draft is left", || {
            std::fs::read_dir(&drafts).is_ok_and(|mut entries| entries.next().is_none())
        });
    }
}

/// C-ECHO on an association of its own: its status.
pub fn echo(port: u16) -> Option<u16> {
    let verification = [Context::proposed(1, wire::VERIFICATION, &[IMPLICIT_LE])];
    let mut sender = Sender::connect(port, "CT01", "MARKGATE", &verification).ok()?;
    let status = sender.echo();
    sender.release().then_some(status)?
}

/// The most memory that the gate's process has had resident, in bytes.
pub fn peak_memory(gate: &Gate) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", gate.id())).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("Linux says");
    let kib = line.split_whitespace().nth(1).and_then(|number| number.parse::<u64>().ok());
    kib.expect("a number of KiB") << 10
}

struct Tally<'a>(&'a BTreeMap<Heard, usize>);

impl Display for Tally<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, (heard, count)) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            match heard {
                Heard::Status(status) => write!(f, "{comma}{status:04X} {count}")?,
                Heard::Aborted(source, reason) => {
                    write!(f, "{comma}A-ABORT {source}/{reason} {count}")?;
                }
                Heard::Rejected(result, source, reason) => {
                    write!(f, "{comma}RJ {result}/{source}/{reason} {count}")?;
                }
                Heard::Accepted => write!(f, "{comma}accepted {count}")?,
                Heard::Released => write!(f, "{comma}released {count}")?,
                Heard::Closed => write!(f, "{comma}closed {count}")?,
            }
        }
        Ok(())
    }
}
