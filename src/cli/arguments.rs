//! What may be typed: verbs, flags and their help.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::app::MOST_CELLS;
use crate::dicom::ae_title::AeTitle;
use crate::stamp::StampMode;

/// An inline DICOM gate: takes examination images into custody, judges them against DB11/T 2505-2025, marks those that are
/// entitled to mutual recognition and hands them on.
#[derive(Debug, Parser)]
#[command(
    name = "markgate",
    version,
    after_help = "Exit codes: 0 done, 1 failed, 2 findings / invalid configuration / ledger does not balance, 64 wrong usage."
)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub verb: Verb,
}

/// The configuration file.
#[derive(Debug, Args)]
pub(super) struct ConfigFile {
    /// The configuration file; left out: ./markgate.toml, config/markgate.toml or /etc/markgate/markgate.toml, the first
    /// that is there
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Where the running gate is.
#[derive(Debug, Args)]
pub(super) struct Gate {
    #[command(flatten)]
    pub file: ConfigFile,
    /// Where the gate answers, an address such as 127.0.0.1:8080 or the path of its control socket; left out: as the
    /// configuration says
    #[arg(long, value_name = "ADDR")]
    pub console: Option<String>,
}

/// Whether to print for people or for programs.
#[derive(Debug, Args)]
pub(super) struct Form {
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// The language of tables and pages for people.
#[derive(Debug, Clone, Copy, Default, Args)]
pub(super) struct Speech {
    /// The language of what is printed for people; left out: as LC_ALL, LC_MESSAGES or LANG says, else English
    #[arg(long, value_enum, value_name = "LANGUAGE")]
    pub lang: Option<Lang>,
}

/// A language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Lang {
    Zh,
    En,
}

/// Ids that an action is for.
#[derive(Debug, Args)]
pub(super) struct Which {
    /// Ids or UIDs; ALL for every one; - reads them from standard input
    #[arg(required = true, value_name = "ID")]
    pub ids: Vec<String>,
}

/// Why a person does something.
#[derive(Debug, Args)]
pub(super) struct Why {
    /// Why; recorded with your name
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Run the gate in the foreground until SIGTERM or SIGINT; SIGHUP reloads the configuration
    Serve {
        #[command(flatten)]
        file: ConfigFile,
        /// How logs are written to standard error
        #[arg(long, value_enum, default_value_t = LogFormat::Text, value_name = "FORMAT")]
        log_format: LogFormat,
    },
    /// Show the main job with no set-up: send studies through a gate and tell what became of them
    Demo(Demo),
    /// Check or show a configuration
    #[command(subcommand)]
    Config(Config),
    /// Judge files or folders offline: findings, decision, disposition
    Check {
        #[command(flatten)]
        offline: Offline,
        /// Exit with 2 when a finding is at least that grave
        #[arg(long, value_enum, value_name = "SEVERITY")]
        fail_on: Option<FailOn>,
        /// Write a page about each study, for people: HTML, to be read or printed
        #[arg(long, value_name = "FILE.html")]
        report: Option<PathBuf>,
        #[command(flatten)]
        form: Form,
        #[command(flatten)]
        speech: Speech,
        /// Files, or folders with everything in them
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
    },
    /// Tell why files, or an object the gate has seen, were judged as they were
    Explain {
        #[command(flatten)]
        offline: Offline,
        /// An object that the running gate has seen
        #[arg(long, value_name = "SOP_INSTANCE_UID", conflicts_with = "paths")]
        uid: Option<String>,
        /// Where the gate answers, for --uid
        #[arg(long, value_name = "ADDR", requires = "uid")]
        console: Option<String>,
        #[command(flatten)]
        form: Form,
        #[command(flatten)]
        speech: Speech,
        /// Files, or folders with everything in them
        #[arg(required_unless_present = "uid", value_name = "PATH")]
        paths: Vec<PathBuf>,
    },
    /// Write copies of files, folders and media, marked where the registry allows
    Stamp(Stamp),
    /// Deliveries that are not done, for each destination
    #[command(subcommand)]
    Queue(Queue),
    /// Objects that wait for a person
    #[command(subcommand)]
    Quarantine(Quarantine),
    /// Studies of which nothing more came, and what was found on them
    Studies {
        #[command(flatten)]
        gate: Gate,
        #[command(flatten)]
        form: Form,
        /// One study alone
        #[arg(value_name = "STUDY_INSTANCE_UID")]
        uid: Option<String>,
    },
    /// Destinations
    #[command(subcommand)]
    Peer(Peer),
    /// Pure relay for a limited time: nothing is judged, touched or held
    #[command(subcommand)]
    Bypass(Bypass),
    /// The state of the running gate: associations, queue, disk, destinations
    Status {
        #[command(flatten)]
        gate: Gate,
        #[command(flatten)]
        form: Form,
    },
    /// Received = delivered + held + rejected + in flight, by day and source; exit 2 on a mismatch
    Ledger {
        #[command(flatten)]
        gate: Gate,
        #[command(flatten)]
        form: Form,
    },
    /// The rules in force
    #[command(subcommand)]
    Rules(Rules),
    /// The DICOM Conformance Statement of a configuration
    Conformance {
        #[command(flatten)]
        file: ConfigFile,
    },
    /// The audit trail
    #[command(subcommand)]
    Audit(Audit),
    /// What the gate starts to decode frames; not for people
    #[command(hide = true)]
    CodecWorker,
}

/// How logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Where the gate listens
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:11112")]
    pub listen: SocketAddr,
    /// Where the console listens
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub console: SocketAddr,
    /// A folder for spool and received objects; left out: a fresh temporary one
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// Stop when everything has been sent and judged; exit 0 when all went as shown
    #[arg(long)]
    pub once: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum Config {
    /// Tell every mistake at once, with file, line and key
    Check {
        #[command(flatten)]
        file: ConfigFile,
        #[command(flatten)]
        form: Form,
    },
    /// Print the effective configuration, defaults filled in, secrets masked
    Show {
        #[command(flatten)]
        file: ConfigFile,
    },
}

/// From whom files are judged to come.
#[derive(Debug, Args)]
pub(super) struct Offline {
    #[command(flatten)]
    pub file: ConfigFile,
    /// Judge as if this AE title had sent the files
    #[arg(long, value_name = "AET", value_parser = ae_title)]
    pub calling_aet: Option<AeTitle>,
    /// Judge as if the files had come from this address
    #[arg(long, value_name = "ADDRESS")]
    pub peer: Option<IpAddr>,
}

fn ae_title(text: &str) -> Result<AeTitle, String> {
    AeTitle::parse(text).map_err(|bad| bad.to_string())
}

/// The severity from which `check` fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum FailOn {
    Warn,
    Block,
    Quarantine,
}

/// In which form pages are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum PrintAs {
    Pdf,
    Png,
}

fn stamp_mode(text: &str) -> Result<StampMode, String> {
    let words = || StampMode::WORDS.map(|(word, _)| word).join(", ");
    StampMode::from_word(text).ok_or_else(|| format!("is none of {}", words()))
}

fn grid(text: &str) -> Result<(u8, u8), String> {
    let wanted = || format!("is not ROWSxCOLUMNS, such as 2x3, with 1 to {MOST_CELLS} each");
    let number = |part: &str| part.parse().ok().filter(|part| (1..=MOST_CELLS).contains(part));
    let (rows, columns) = text.split_once('x').ok_or_else(wanted)?;
    number(rows).zip(number(columns)).ok_or_else(wanted)
}

#[derive(Debug, Args)]
pub(super) struct Stamp {
    /// Files, or folders with everything in them
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Where copies go; files that are there already are never written over
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// How marks are shown: tag, burn-in, strip, overlay, presentation-state; several with commas. Left out: as the
    /// configuration says
    #[arg(long, value_name = "MODE", value_delimiter = ',', value_parser = stamp_mode)]
    pub mode: Vec<StampMode>,
    /// Write two PNG files beside each image: how it looked, and how its copy looks. They show what the image shows
    #[arg(long)]
    pub preview: bool,
    /// The frame of pictures and pages, from 1
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub frame: u32,
    /// Print the images on A4 pages with the text of a film: one PDF file, or a PNG file a page
    #[arg(long, value_enum, value_name = "FORM")]
    pub print: Option<PrintAs>,
    /// Rows and columns of images on a page
    #[arg(long, value_name = "ROWSxCOLUMNS", default_value = "1x1", value_parser = grid, requires = "print")]
    pub grid: (u8, u8),
    /// Leave out files that are no DICOM; else they are copied as they are
    #[arg(long)]
    pub dicom_only: bool,
    #[command(flatten)]
    pub form: Form,
    #[command(flatten)]
    pub offline: Offline,
}

#[derive(Debug, Subcommand)]
pub(super) enum Queue {
    /// List deliveries that are not done
    Ls {
        #[command(flatten)]
        gate: Gate,
        #[command(flatten)]
        form: Form,
    },
    /// Show all that is known of deliveries
    Show {
        #[command(flatten)]
        gate: Gate,
        #[command(flatten)]
        form: Form,
        #[command(flatten)]
        which: Which,
    },
    /// Try now, whatever the schedule says
    Retry {
        #[command(flatten)]
        gate: Gate,
        #[command(flatten)]
        why: Why,
        #[command(flatten)]
        which: Which,
    },
    /// Do not try until released
    Hold {
        #[command(flatten)]
        gate: Gate,
        #[command(flatten)]
        why: Why,
        #[command(flatten)]
        which: Which,
    },
    /// Let held deliveries go on
    Release {
        #[command(flatten)]
        gate: Gate,
        #[command(flatten)]
        why: Why,
        #[command(flatten)]
        which: Which,
    },
    /// Try every deferred delivery now
    Flush {
        #[command(flatten)]
        gate: Gate,
        /// Only those to this destination
        destination: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum Quarantine {
    /// List objects that wait for a person
    Ls {
        #[command(flatten)]
        gate: Gate,
        #[command(flatten)]
        form: Form,
        /// Also those that were released or rejected
        #[arg(long)]
        all: bool,
    },
    /// Show all that is known of objects
    Show {
        #[command(flatten)]
        gate: Gate,
        #[command(flatten)]
        form: Form,
        #[command(flatten)]
        which: Which,
    },
    /// Send objects on unmarked and never judge them again
    Release {
        #[command(flatten)]
        gate: Gate,
        #[command(flatten)]
        why: Why,
        #[command(flatten)]
        which: Which,
    },
    /// Do not send objects on
    Reject {
        #[command(flatten)]
        gate: Gate,
        #[command(flatten)]
        why: Why,
        #[command(flatten)]
        which: Which,
    },
    /// Judge objects again
    Replay {
        #[command(flatten)]
        gate: Gate,
        #[command(flatten)]
        why: Why,
        #[command(flatten)]
        which: Which,
    },
    /// Mend attributes of objects (not in this version)
    Fix(Later),
    /// Remove objects (not in this version)
    Purge(Later),
}

#[derive(Debug, Subcommand)]
pub(super) enum Peer {
    /// List destinations
    Ls {
        #[command(flatten)]
        gate: Gate,
        #[command(flatten)]
        form: Form,
    },
    /// Send a C-ECHO
    Echo {
        #[command(flatten)]
        gate: Gate,
        #[command(flatten)]
        form: Form,
        /// The destination's name
        name: String,
    },
    /// Tell which SOP classes, transfer syntaxes and storage commitment it accepts
    Test {
        #[command(flatten)]
        gate: Gate,
        #[command(flatten)]
        form: Form,
        /// The destination's name
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum Bypass {
    /// Relay everything as it comes, unjudged and unmarked; ends by itself
    On {
        #[command(flatten)]
        gate: Gate,
        #[command(flatten)]
        form: Form,
        /// For how long, such as 30m or 2h; at most 24h
        #[arg(long = "for", value_name = "TIME")]
        time: String,
        /// Why; recorded with your name
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Judge and mark again
    Off {
        #[command(flatten)]
        gate: Gate,
        #[command(flatten)]
        form: Form,
        #[command(flatten)]
        why: Why,
    },
    /// Tell whether the gate only relays
    Status {
        #[command(flatten)]
        gate: Gate,
        #[command(flatten)]
        form: Form,
    },
}

/// Which rules are meant.
#[derive(Debug, Args)]
pub(super) struct Packs {
    #[command(flatten)]
    pub file: ConfigFile,
    /// The rules of this pack as it is written, a TOML file or the name of one that is built in, instead of those of the
    /// configuration; may be given several times
    #[arg(long, value_name = "FILE", conflicts_with = "config")]
    pub pack: Vec<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Rules {
    /// List the rules of a configuration, or of packs
    Ls {
        #[command(flatten)]
        packs: Packs,
        #[command(flatten)]
        form: Form,
        #[command(flatten)]
        speech: Speech,
    },
    /// Show all there is of rules: requirements, parameters, facts
    Show {
        #[command(flatten)]
        packs: Packs,
        #[command(flatten)]
        form: Form,
        #[command(flatten)]
        speech: Speech,
        /// Ids of rules
        #[arg(required = true, value_name = "RULE")]
        rules: Vec<String>,
    },
    /// Tell every mistake in a pack, else how each of its rules fares with files; exit 2 when there are mistakes
    Test {
        /// The pack, a TOML file or the name of one that is built in; may be given several times
        #[arg(long, required = true, value_name = "FILE")]
        pack: Vec<PathBuf>,
        #[command(flatten)]
        data: Data,
        #[command(flatten)]
        offline: Offline,
        #[command(flatten)]
        form: Form,
        #[command(flatten)]
        speech: Speech,
    },
    /// Print the format of packs as a JSON Schema, for editors
    Schema {
        #[command(flatten)]
        form: Form,
    },
    /// Tell of which files another decision would be made with another pack, and which rules would do it
    Diff {
        /// The pack that is in force, a TOML file or the name of one that is built in
        old: PathBuf,
        /// The pack to compare it with
        new: PathBuf,
        #[command(flatten)]
        data: Data,
        #[command(flatten)]
        offline: Offline,
        #[command(flatten)]
        form: Form,
        #[command(flatten)]
        speech: Speech,
    },
    /// Print the manual of the rules as Markdown
    Doc {
        /// The pack, a TOML file or the name of one that is built in; left out: the built-in one
        #[arg(long, value_name = "FILE", default_value = "db11t2505-2025")]
        pack: Vec<PathBuf>,
        #[command(flatten)]
        speech: Speech,
    },
}

/// The files that rules are tried on.
#[derive(Debug, Args)]
pub(super) struct Data {
    /// DICOM files, or folders with everything in them; may be given several times
    #[arg(long, required = true, value_name = "DIR")]
    pub data: Vec<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Audit {
    /// Tell whether the trail is as it was written: exit 0 when it is whole, 2 when a line was changed, removed or moved
    Verify {
        #[command(flatten)]
        file: ConfigFile,
        /// The folder of the trail; left out: that of the configuration's spool
        #[arg(long, value_name = "DIR", conflicts_with = "config")]
        dir: Option<PathBuf>,
        #[command(flatten)]
        form: Form,
    },
}

/// The arguments of a verb that comes later: taken, not looked at.
#[derive(Debug, Args)]
pub(super) struct Later {
    #[arg(hide = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub rest: Vec<std::ffi::OsString>,
}
