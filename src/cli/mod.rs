//! The command line: verbs, their output for people and programs, and exit codes.
//!
//! Standard output bears what was asked for and nothing else, with `--json` one JSON document; everything else goes to
//! standard error. Verbs about a running gate ask it over HTTP and know only what it says; offline verbs ask the
//! [`Program`], those about rules the app. `stamp` writes files, and none that is there; `check --report` writes its page, over an
//! older one at most.

mod arguments;
mod audit;
mod bypass;
mod gate;
mod installed;
mod offline;
mod program;
mod report;
mod studies;

mod rules;
mod table;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use serde::Serialize;

use crate::app::words::Language;
use crate::cage::worker::{self, WorkerFault};
use crate::codec::InProcess;
use crate::config::{self, Loaded, Mistakes};
use crate::observe::log;
use crate::web::client::ClientFault;
use crate::web::model::PackMistake;

use arguments::{Arguments, ConfigFile, Demo, Lang, LogFormat, Speech, Verb};

use installed::Installed;
pub use program::{DemoOptions, Ended, Program};
use table::plain;

/// How a verb ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// As it should.
    Done,
    /// It could not do what was asked.
    Failed,
    /// It did, and found what the caller wants to know of: findings, an invalid configuration, a ledger that does not balance.
    Found,
    /// It did not understand what was typed.
    Usage,
}

impl Exit {
    /// The exit code of the process.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Found => 2,
            // EX_USAGE of sysexits.h.
            Self::Usage => 64,
        }
    }
}

/// Standard input, output and error of a verb, and the language of who reads them.
pub struct Terminal<'t> {
    /// Where ids come from when `-` is given.
    pub input: &'t mut dyn Read,
    /// What was asked for.
    pub out: &'t mut dyn Write,
    /// Everything else.
    pub err: &'t mut dyn Write,
    /// The language of tables for people, unless told otherwise.
    pub language: Language,
}

impl Terminal<'_> {
    fn language(&self, speech: Speech) -> Language {
        match speech.lang {
            Some(Lang::Zh) => Language::Chinese,
            Some(Lang::En) => Language::English,
            None => self.language,
        }
    }
}

/// Why a verb failed.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    Configuration(#[from] Mistakes),
    #[error(
        "no configuration: give --config FILE (looked for markgate.toml, config/markgate.toml and \
         /etc/markgate/markgate.toml)"
    )]
    NoConfiguration,
    #[error("{0}")]
    Gate(#[from] ClientFault),
    #[error("{0}")]
    Ended(#[from] Ended),
    #[error("`markgate {verb}` is not in this version: {instead}")]
    Later { verb: &'static str, instead: &'static str },
    #[error("{0}")]
    Unfit(String),
    #[error("{}", lines(.0))]
    Packs(Vec<PackMistake>),
    #[error("{0}")]
    Worker(#[from] WorkerFault),
    #[error("{problem}")]
    Io {
        #[from]
        problem: io::Error,
    },
    #[error("the answer cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// Mistakes, one a line.
fn lines(mistakes: &[PackMistake]) -> String {
    let lines: Vec<String> = mistakes.iter().map(|mistake| plain(&mistake.to_string())).collect();
    lines.join("\n")
}

impl Failure {
    fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) => Exit::Usage,
            Self::Packs(_) => Exit::Found,
            Self::Configuration(_)
            | Self::NoConfiguration
            | Self::Gate(_)
            | Self::Ended(_)
            | Self::Later { .. }
            | Self::Unfit(_)
            | Self::Worker(_)
            | Self::Io { .. }
            | Self::Json(_) => Exit::Failed,
        }
    }
}

type Outcome = Result<Exit, Failure>;

/// Runs the verb that was typed on the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    // None of them is locked: log lines of other threads must get through while a verb runs.
    let terminal = &mut Terminal {
        input: &mut io::stdin(),
        out: &mut io::stdout(),
        err: &mut io::stderr(),
        language: language(),
    };
    ExitCode::from(run(std::env::args_os(), &Installed, terminal).code())
}

/// The language that the environment asks for.
fn language() -> Language {
    // In the order of setlocale(3): the first that is set decides.
    let locales = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().filter_map(std::env::var_os);
    let mut set = locales.filter(|locale| !locale.is_empty());
    set.next().map_or(Language::default(), |locale| Language::of_locale(&locale.to_string_lossy()))
}

/// Runs the verb that was typed; `typed` begins with the program's name.
pub fn run(
    typed: impl IntoIterator<Item = OsString>,
    program: &dyn Program,
    terminal: &mut Terminal<'_>,
) -> Exit {
    let verb = match Arguments::try_parse_from(typed) {
        Ok(arguments) => arguments.verb,
        Err(problem) => {
            let (text, exit): (_, Exit) = (
                problem.render(),
                match problem.use_stderr() {
                    true => Exit::Usage,
                    false => Exit::Done,
                },
            );
            let to = if exit == Exit::Done { &mut terminal.out } else { &mut terminal.err };
            return said(write!(to, "{text}"), exit);
        }
    };
    match dispatch(verb, program, terminal) {
        Ok(exit) => said(terminal.out.flush(), exit),
        Err(Failure::Io { problem }) if problem.kind() == io::ErrorKind::BrokenPipe => Exit::Done,
        Err(failure) => said(writeln!(terminal.err, "markgate: {failure}"), failure.exit()),
    }
}

/// A reader that has seen enough (`| head`) is no failure.
fn said(written: io::Result<()>, exit: Exit) -> Exit {
    match written {
        Ok(()) => exit,
        Err(problem) if problem.kind() == io::ErrorKind::BrokenPipe => exit,
        Err(_) => Exit::Failed,
    }
}

fn dispatch(verb: Verb, program: &dyn Program, terminal: &mut Terminal<'_>) -> Outcome {
    match verb {
        Verb::Serve { file, log_format } => serve(&file, log_format, program, terminal),
        Verb::Demo(options) => demo(options, program, terminal),
        Verb::Config(verb) => offline::config(verb, terminal),
        Verb::Check { offline, fail_on, report, form, speech, paths } => {
            terminal.language = terminal.language(speech);
            let order = offline::Check { offline, fail_on, report, form, paths };
            offline::check(&order, program, terminal)
        }
        Verb::Explain { offline, uid, console, form, speech, paths } => {
            terminal.language = terminal.language(speech);
            match uid {
                Some(uid) => {
                    gate::explain(&offline.file, console.as_deref(), &uid, &form, terminal)
                }
                None => offline::explain(&offline, &form, &paths, program, terminal),
            }
        }
        Verb::Stamp(stamp) => offline::stamp(stamp, program, terminal),
        Verb::Queue(verb) => gate::queue(verb, terminal),
        Verb::Quarantine(verb) => gate::quarantine(verb, terminal),
        Verb::Studies { gate, form, uid } => {
            studies::studies(&gate, &form, uid.as_deref(), terminal)
        }
        Verb::Peer(verb) => gate::peer(verb, terminal),
        Verb::Bypass(verb) => bypass::bypass(verb, terminal),
        Verb::Status { gate, form } => gate::status(&gate, &form, terminal),
        Verb::Ledger { gate, form } => gate::ledger(&gate, &form, terminal),
        Verb::Rules(verb) => rules::rules(verb, terminal),
        Verb::Conformance { file } => offline::conformance(&file, program, terminal),
        Verb::Audit(verb) => audit::audit(verb, terminal),
        Verb::CodecWorker => Ok(codec_worker()?),
    }
}

/// Works on frames for the gate that started this process, and prints nothing: nobody would read it.
fn codec_worker() -> Result<Exit, WorkerFault> {
    worker::run(&InProcess).map(|()| Exit::Done)
}

fn later(verb: &'static str, instead: &'static str) -> Outcome {
    Err(Failure::Later { verb, instead })
}

fn serve(
    file: &ConfigFile,
    format: LogFormat,
    program: &dyn Program,
    terminal: &mut Terminal<'_>,
) -> Outcome {
    let path = config_path(file).ok_or(Failure::NoConfiguration)?;
    log::init(
        match format {
            LogFormat::Text => log::Format::Text,
            LogFormat::Json => log::Format::Json,
        },
        "info",
    );
    match program.serve(&path) {
        Ok(()) => Ok(Exit::Done),
        Err(Ended::Configuration(mistakes)) => {
            writeln!(terminal.err, "{mistakes}")?;
            Ok(Exit::Found)
        }
        Err(failed @ Ended::Failed(_)) => Err(failed.into()),
    }
}

fn demo(options: Demo, program: &dyn Program, terminal: &mut Terminal<'_>) -> Outcome {
    log::init(log::Format::Text, "warn");
    let Demo { listen, console, dir, once } = options;
    program.demo(&DemoOptions { listen, console, dir, once }, terminal.out)?;
    Ok(Exit::Done)
}

/// The places where a configuration is looked for when none is named.
const CONFIG_PLACES: [&str; 3] =
    ["markgate.toml", "config/markgate.toml", "/etc/markgate/markgate.toml"];

fn config_path(file: &ConfigFile) -> Option<PathBuf> {
    file.config.clone().or_else(|| {
        CONFIG_PLACES.iter().map(Path::new).find(|path| path.is_file()).map(Path::to_owned)
    })
}

/// The configuration that was named or found; `None` when there is none.
fn load(file: &ConfigFile) -> Result<Option<Loaded>, Mistakes> {
    config_path(file).map(|path| config::load_without_secrets(&path)).transpose()
}

/// The configuration that was named or found, or that of a gate without one.
fn load_or_default(file: &ConfigFile) -> Result<Loaded, Failure> {
    match load(file)? {
        Some(loaded) => Ok(loaded),
        None => Ok(config::unconfigured()?),
    }
}

fn print_json<T: Serialize>(value: &T, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
    let mut text = serde_json::to_string_pretty(value)?;
    text.push('\n');
    Ok(terminal.out.write_all(text.as_bytes())?)
}

fn print(text: &str, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
    Ok(terminal.out.write_all(text.as_bytes())?)
}
