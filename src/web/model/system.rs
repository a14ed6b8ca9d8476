//! The gate itself and its destinations.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{maybe_text, text};

/// `GET /healthz` and `GET /readyz`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// Whether all is well.
    pub ok: bool,
    /// What is not, in a few words each.
    pub problems: Vec<String>,
}

/// `GET /api/v1/system`, and what `status` prints.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct System {
    /// `markgate`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// When it was started.
    #[serde(with = "text")]
    pub started: Timestamp,
    /// Whether it can take objects, and what hinders it.
    pub ready: Health,
    /// The AE titles under which it answers.
    pub aet: Vec<String>,
    /// Address and port of the SCP.
    pub listen: String,
    /// Open associations.
    pub associations: u64,
    /// Whether objects pass without being judged.
    pub bypass: bool,
    /// Why the audit trail cannot be written at the moment.
    pub audit_problem: Option<String>,
    /// The spool.
    pub spool: SpoolState,
    /// Deliveries that are not done.
    pub queue: QueueDepth,
    /// Objects that wait for a person.
    pub held: u64,
    /// Objects that the ledger knows and the spool has lost: a person must act.
    pub lost: u64,
    /// Objects found to be not what arrived, since the start.
    pub damaged: u64,
    /// The destinations.
    pub destinations: Vec<Peer>,
    /// Certificates, trust anchors and revocation lists in force.
    #[serde(default)]
    pub certificates: Vec<Expiry>,
    /// The processes that decode images; none before the first was started.
    #[serde(default)]
    pub codecs: Option<Codecs>,
}

/// What holds the processes that decode images, and how they fare.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Codecs {
    /// Whether their system calls are filtered.
    pub seccomp: bool,
    /// How far Landlock is in force: `full`, `partial` or `absent`.
    pub landlock: String,
    /// Those that crashed, hung, spoke nonsense or tried to get out, since the start. Each has cost one image its stamp at most.
    pub lost: u64,
}

/// Something in force that comes to an end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expiry {
    /// What it is for: `gate`, `gate/trust`, `gate/crl`, and the same with `destination/NAME`.
    pub name: String,
    /// When it ends; for a revocation list, when the next is due.
    #[serde(with = "text")]
    pub ends: Timestamp,
    /// Whole days until then; below zero when it has ended.
    pub days_left: i64,
}

/// `GET` and the answer to `POST /api/v1/bypass`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bypass {
    /// Whether objects pass without being judged.
    pub on: bool,
    /// When it ends.
    #[serde(with = "maybe_text")]
    pub until: Option<Timestamp>,
    /// How long it is still on.
    pub left_seconds: Option<u64>,
    /// Who has switched it on.
    pub by: Option<String>,
    /// Why.
    pub reason: Option<String>,
}

/// The body of `POST /api/v1/bypass`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BypassOrder {
    /// Whether objects are to pass without being judged.
    pub on: bool,
    /// For how long, such as `2h`; needed to switch it on.
    #[serde(default, rename = "for")]
    pub time: Option<String>,
    /// Who.
    #[serde(default)]
    pub by: Option<String>,
    /// Why; needed to switch it on.
    #[serde(default)]
    pub reason: Option<String>,
}

/// The spool's file system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpoolState {
    /// The folder.
    pub dir: String,
    /// Bytes that are free.
    pub free_bytes: u64,
    /// Bytes below which nothing is taken in.
    pub reserve_bytes: u64,
    /// Whether there is ballast to be given up when the file system is full: `aboard`, `given_up`, `without`.
    pub ballast: String,
    /// What is wrong with it.
    pub problem: Option<String>,
}

/// How much waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueDepth {
    /// Deliveries that are not done.
    pub deliveries: u64,
    /// Age of the oldest of them.
    pub oldest_seconds: Option<u64>,
}

/// A destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peer {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: PeerKind,
    /// `AET@host:port`, or the folder.
    pub address: String,
    /// How it fared last.
    pub state: PeerState,
    /// Deliveries that are not done.
    pub queued: u64,
    /// Deliveries that are done.
    pub delivered: u64,
    /// Why it failed last.
    pub last_error: Option<String>,
    /// When it last took an object.
    #[serde(with = "maybe_text")]
    pub last_delivery: Option<Timestamp>,
    /// Why a person must act: `stalled` (work and no delivery for 5 minutes, or a wrong configuration), `stalled-1h`,
    /// `stalled-24h`, `dead` (a fault of the gate's).
    #[serde(default)]
    pub alarm: Option<String>,
    /// Since when there has been work and no delivery.
    #[serde(default, with = "maybe_text")]
    pub stalled_since: Option<Timestamp>,
    /// How long that is, by the monotonic clock.
    #[serde(default)]
    pub stalled_seconds: Option<u64>,
}

/// What a destination is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PeerKind {
    /// A DICOM peer.
    Dicom,
    /// A folder.
    Folder,
}

/// How a destination fared last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PeerState {
    /// Nothing was sent to it yet.
    Unknown,
    /// It took what it was sent.
    Up,
    /// It cannot be reached, or is busy.
    Down,
    /// It refuses us by name: its configuration or ours is wrong.
    Misconfigured,
}

/// What came of a C-ECHO.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Echo {
    /// The destination's name.
    pub name: String,
    /// Whether it answered with success.
    pub ok: bool,
    /// How long it took, from connecting to its answer.
    pub milliseconds: u64,
    /// Why not.
    pub error: Option<String>,
}

/// What a destination accepts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerTest {
    /// The C-ECHO.
    pub echo: Echo,
    /// The SOP classes that were proposed.
    pub contexts: Vec<Context>,
    /// Whether it accepts storage commitment; `null` when it was not reached.
    pub storage_commitment: Option<bool>,
}

/// One SOP class and what a destination accepts for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Context {
    /// The SOP class.
    pub sop_class_uid: String,
    /// Its name.
    pub sop_class: String,
    /// UIDs of the transfer syntaxes that it accepts; none when it refuses the class.
    pub transfer_syntaxes: Vec<String>,
}
