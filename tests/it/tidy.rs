//! The rules of the house that no compiler checks, held as tables and read off the source itself.
//!
//! A module belongs to a row. It may use the rows below it in this table and itself, never a neighbour in its own
//! row nor anything above. The core (rows 0 to 7) cannot wait, touch a file or a socket, ask the time or roll dice.
//! Test code is free to use what it likes; everything else is not.

use crate::support::source::{self, Path};
use std::fmt;

/// One row of the house: modules that know the rows before it, and not each other.
struct Row {
    modules: &'static [&'static str],
    never: &'static [&'static [Ban]],
}

/// A path that a row may not name, with the reason.
struct Ban {
    path: &'static [&'static str],
    why: &'static str,
}

macro_rules! ban {
    ($($segment:ident)::+, $why:literal) => {
        Ban { path: &[$(stringify!($segment)),+], why: $why }
    };
}

const WAITING: &[Ban] = &[ban!(tokio, "nothing waits here")];
const SERIALISING: &[Ban] = &[
    ban!(serde, "twins for the wire live where the wire is"),
    ban!(serde_json, "JSON is the web's and the CLI's"),
];
const FILES: &[Ban] = &[
    ban!(std::fs, "the core opens no file"),
    ban!(std::os, "the core opens no file"),
    ban!(rustix, "the core calls no system"),
];
const NETWORK: &[Ban] = &[
    ban!(std::net::TcpStream, "no sockets here"), // addresses are values and welcome
    ban!(std::net::TcpListener, "no sockets here"),
    ban!(std::net::UdpSocket, "no sockets here"),
    ban!(std::net::ToSocketAddrs, "no names are looked up here"),
    ban!(socket2, "no sockets here"),
    ban!(hyper, "no HTTP"),
];
const CLOCK: &[Ban] = &[
    ban!(std::time::SystemTime, "`now` is an argument"),
    ban!(std::time::Instant, "`now` is an argument"),
    ban!(jiff::Timestamp::now, "`now` is an argument"),
    ban!(Timestamp::now, "`now` is an argument"),
    ban!(time::now, "`now` is an argument"),
];
const DICE: &[Ban] = &[
    ban!(rand, "the core is a function of its arguments"),
    ban!(uuid::Uuid::new_v4, "the core is a function of its arguments"),
    ban!(Uuid::new_v4, "the core is a function of its arguments"),
    ban!(Uuid::now_v7, "the core is a function of its arguments"),
];
const RULES: &[Ban] = &[
    ban!(crate::standard, "custody and transport know no rules of the site"),
    ban!(crate::recognition, "custody and transport know no rules of the site"),
    ban!(crate::expression, "custody and transport know no rules of the site"),
];

const CORE: &[&[Ban]] = &[WAITING, FILES, NETWORK, CLOCK, DICE];

/// The house, lowest row first.
const HOUSE: &[Row] = &[
    Row { modules: &["base"], never: &[WAITING, SERIALISING, FILES, NETWORK, DICE] },
    Row { modules: &["dicom"], never: &[WAITING, SERIALISING, FILES, NETWORK, CLOCK, DICE] },
    Row { modules: &["object"], never: &[WAITING, SERIALISING, FILES, NETWORK, CLOCK, DICE] },
    Row { modules: &["expression", "codec"], never: &[WAITING, NETWORK, CLOCK] },
    Row { modules: &["standard", "recognition", "phantom"], never: CORE },
    Row { modules: &["stamp"], never: CORE },
    Row { modules: &["policy"], never: CORE },
    Row { modules: &["pipeline"], never: CORE },
    Row { modules: &["observe"], never: &[WAITING, RULES] },
    Row { modules: &["spool", "ledger", "dimse", "cage"], never: &[RULES] },
    Row { modules: &["relay"], never: &[RULES] },
    Row { modules: &["receive", "deliver", "quarantine", "commitment"], never: &[] },
    Row { modules: &["web"], never: &[] },
    Row { modules: &["config"], never: &[] },
    Row { modules: &["app"], never: &[] },
    Row { modules: &["cli"], never: &[] },
    // Compiled for tests and fuzzers alone; it feeds bytes to whatever takes some.
    Row { modules: &["fuzzing"], never: &[] },
];

/// A thing that some modules alone know.
struct Secret {
    paths: &'static [&'static [&'static str]],
    keepers: &'static [&'static str],
    what: &'static str,
    /// Files outside the keepers that may, with the reason.
    excused: &'static [(&'static str, &'static str)],
}

const SECRETS: &[Secret] = &[
    Secret { paths: &[&["rusqlite"]], keepers: &["ledger"], what: "SQL", excused: &[] },
    Secret { paths: &[&["dicom_ul"]], keepers: &["dimse"], what: "PDUs", excused: &[] },
    Secret {
        paths: &[&["rustls"], &["tokio_rustls"], &["x509_cert"], &["ring"]],
        keepers: &["dimse"],
        what: "TLS",
        excused: &[],
    },
    Secret {
        paths: &[&["axum"], &["hyper"], &["hyper_util"]],
        keepers: &["web"],
        what: "HTTP",
        excused: &[],
    },
    Secret { paths: &[&["toml"]], keepers: &["config", "standard"], what: "TOML", excused: &[] },
    Secret {
        paths: &[&["cel"]],
        keepers: &["expression"],
        what: "the expression language",
        excused: &[],
    },
    Secret {
        paths: &[&["encoding_rs"]],
        keepers: &["dicom"],
        what: "character tables",
        excused: &[],
    },
    Secret {
        paths: &[
            &["fs", "rename"],
            &["fs", "renameat"],
            &["fs", "remove_file"],
            &["fs", "remove_dir"],
            &["fs", "remove_dir_all"],
            &["fs", "unlink"],
            &["fs", "unlinkat"],
        ],
        keepers: &["spool"],
        what: "the removal and renaming of objects",
        excused: MAY_REMOVE,
    },
];

/// Files outside the keepers that may remove or rename what is not an object, each with its reason.
const MAY_REMOVE: &[(&str, &str)] = &[
    ("src/ledger/schema.rs", "an index that is damaged is made anew from the spool"),
    (
        "src/observe/audit/trail.rs",
        "a segment of the audit trail whose retention is over is no object",
    ),
    ("src/web/server.rs", "the control socket of a gate that died stands in the way of the next"),
];

/// Files that may hold `unsafe`, each with its reason.
const MAY_BE_UNSAFE: &[(&str, &str)] = &[
    ("src/app/heap.rs", "the allocator of glibc is told by a function of C"),
    ("src/cage/shared.rs", "memory that two processes map, and descriptors that nobody owns"),
    ("src/codec/htj2k.rs", "OpenJPH is C++"),
    ("src/codec/j2k.rs", "OpenJPEG is C"),
    ("src/codec/jpegls.rs", "CharLS is C++"),
    ("src/codec/turbo.rs", "libjpeg-turbo is C"),
];

/// Past this a file is split by what changes together.
const LONGEST_FILE: usize = 1000;

/// What was found, and where.
#[derive(Debug, PartialEq, Eq)]
struct Fault {
    file: String,
    line: usize,
    what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.what)
    }
}

/// The row a top-level module stands in.
fn row_of(module: &str) -> Option<usize> {
    HOUSE.iter().position(|row| row.modules.contains(&module))
}

/// Whether `path` names `banned` or something inside it: from its start, or (for a path of several
/// segments, which an import may have shortened) at any place.
fn names(path: &Path, banned: &[&str]) -> bool {
    let same = |window: &[String]| window.iter().map(String::as_str).eq(banned.iter().copied());
    match banned.len() {
        1 => path.segments.first().is_some_and(|first| Some(&first.as_str()) == banned.first()),
        length => path.segments.windows(length).any(same),
    }
}

/// Everything that is wrong with the imports and calls of one file.
fn faults_of_paths(file: &str, text: &str) -> Vec<Fault> {
    let module = source::module_of(file);
    let Some(own) = module.first().cloned() else {
        return Vec::new(); // the roots `lib.rs` and `main.rs` name every module
    };
    let fault = |path: &Path, what: String| Fault { file: file.to_owned(), line: path.line, what };
    let mut faults = Vec::new();
    let Some(row) = row_of(&own) else {
        let what = format!("`{own}` has no row in the house: give it one, with the reason");
        return vec![Fault { file: file.to_owned(), line: 1, what }];
    };
    for path in source::paths(&source::without_tests(file, text)) {
        let path = source::absolute(&path, &module);
        let top = match path.segments.as_slice() {
            [first, top, ..] if first == "crate" => top.as_str(),
            _ => "",
        };
        if let Some(other) = row_of(top).filter(|_| top != own) {
            if other > row {
                faults.push(fault(&path, format!("`{own}` uses `{top}`, which stands above it")));
            } else if other == row {
                faults.push(fault(&path, format!("`{own}` uses its neighbour `{top}`")));
            }
        }
        let bans = HOUSE[row].never.iter().flat_map(|bans| bans.iter());
        for ban in bans.filter(|ban| names(&path, ban.path)) {
            let what = format!("`{own}` names `{}`: {}", ban.path.join("::"), ban.why);
            faults.push(fault(&path, what));
        }
        for secret in SECRETS.iter().filter(|secret| !secret.keepers.contains(&own.as_str())) {
            let excused = secret.excused.iter().any(|(excused, _)| *excused == file);
            if !excused && secret.paths.iter().any(|banned| names(&path, banned)) {
                let keepers = secret.keepers.join(" and ");
                let what =
                    format!("`{own}` knows of {}, which is for {keepers} alone", secret.what);
                faults.push(fault(&path, what));
            }
        }
    }
    faults
}

/// `unsafe` outside the listed files.
fn faults_of_unsafe(file: &str, text: &str) -> Vec<Fault> {
    if MAY_BE_UNSAFE.iter().any(|(excused, _)| *excused == file) {
        return Vec::new();
    }
    source::words(text)
        .filter(|(_, word)| *word == "unsafe")
        .map(|(line, _)| Fault { file: file.to_owned(), line, what: "`unsafe`".to_owned() })
        .collect()
}

/// Sleeps in tests, which wait for a fact with a deadline instead.
fn faults_of_sleep(file: &str, text: &str) -> Vec<Fault> {
    let sleeps = |path: &Path| names(path, &["thread", "sleep"]) || names(path, &["time", "sleep"]);
    let production = source::paths(&source::without_tests(file, text));
    let is_production = |path: &Path| file.starts_with("src/") && production.contains(path);
    source::paths(&source::bare(text))
        .into_iter()
        .filter(|path| sleeps(path) && !is_production(path))
        .map(|path| Fault {
            file: file.to_owned(),
            line: path.line,
            what: "a test sleeps: wait for a fact with `eventually`".to_owned(),
        })
        .collect()
}

/// Words about where and by whom the program was written, which tell its reader nothing.
fn faults_of_words(file: &str, text: &str) -> Vec<Fault> {
    // In pieces, so that this file does not find itself.
    let words = [
        concat!("/wo", "rk/"),
        concat!("/fa", "rm/"),
        concat!("../sha", "red"),
        concat!("DEVELOP", "ERS.md"),
        concat!("work", "tree"),
    ];
    let numbered = |line: &str| {
        let line = line.to_lowercase();
        line.split(concat!("iss", "ue ")).skip(1).any(|rest| {
            rest.trim_start_matches('#').starts_with(|first: char| first.is_ascii_digit())
        })
    };
    let mut faults = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let found = words.iter().find(|word| line.contains(**word)).copied();
        if let Some(word) = found.or(numbered(line).then_some("a numbered ticket")) {
            let what = format!("speaks of the workshop: {word}");
            faults.push(Fault { file: file.to_owned(), line: index + 1, what });
        }
    }
    faults
}

/// A file that has grown past what one subject needs.
fn faults_of_length(file: &str, text: &str) -> Vec<Fault> {
    let lines = text.lines().count();
    if lines <= LONGEST_FILE {
        return Vec::new();
    }
    let what = format!("{lines} lines: split it by what changes together");
    vec![Fault { file: file.to_owned(), line: lines, what }]
}

#[track_caller]
fn check_tree(folders: &[&str], extension: &str, faults_of: fn(&str, &str) -> Vec<Fault>) {
    let files = source::files(folders, extension);
    assert!(!files.is_empty(), "no {extension} files below {folders:?}");
    let faults: Vec<String> = files
        .iter()
        .flat_map(|(file, text)| faults_of(file, text))
        .map(|fault| fault.to_string())
        .collect();
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn modules_use_only_what_stands_below_them() {
    check_tree(&["src"], "rs", faults_of_paths);
}

#[test]
fn unsafe_code_is_in_the_listed_files_alone() {
    check_tree(&["src", "tests", "benches"], "rs", faults_of_unsafe);
}

#[test]
fn no_file_is_longer_than_a_thousand_lines() {
    check_tree(&["src", "tests", "benches"], "rs", faults_of_length);
}

#[test]
fn tests_wait_for_facts_and_never_sleep() {
    check_tree(&["src", "tests"], "rs", faults_of_sleep);
}

#[test]
fn no_file_speaks_of_the_workshop() {
    check_tree(&["."], "", faults_of_words);
}

// The rules above are only worth what they find.

#[track_caller]
fn check_paths(file: &str, text: &str, want: &[&str]) {
    let found: Vec<String> = faults_of_paths(file, text).into_iter().map(|f| f.what).collect();
    assert_eq!(found, want, "{file}: {text}");
}

#[test]
fn an_upward_import_is_found_however_it_is_written() {
    let want = &["`object` uses `dimse`, which stands above it"];
    check_paths("src/object/scan.rs", "use crate::dimse::Association;", want);
    check_paths("src/object/scan.rs", "fn f() { crate::dimse::run() }", want);
    check_paths("src/object/scan.rs", "use super::super::dimse;", want);
    check_paths("src/object/mod.rs", "pub use super::dimse::X;", want);
    check_paths(
        "src/object/a/b.rs",
        "use crate::{base::time, dimse::{self, pdata}};",
        &[
            "`object` uses `dimse`, which stands above it",
            "`object` uses `dimse`, which stands above it",
        ],
    );
}

#[test]
fn a_sideways_import_is_found() {
    check_paths(
        "src/spool/mod.rs",
        "use crate::ledger::Ledger;",
        &["`spool` uses its neighbour `ledger`"],
    );
}

#[test]
fn downward_imports_and_ones_own_are_fine() {
    check_paths("src/spool/mod.rs", "use crate::object::part10; use crate::spool::x;", &[]);
    check_paths("src/cli/mod.rs", "use crate::app; use super::app::run;", &[]);
    check_paths("src/object/scan.rs", "use super::edit; use super::super::base;", &[]);
}

#[test]
fn comments_strings_and_tests_are_no_imports() {
    let text = "// crate::dimse::x\n/* crate::dimse /* nested */ */\nconst A: &str = r#\"crate::dimse\"#;\n\
                #[cfg(test)]\nmod tests { use crate::dimse; fn f() { let c = '}'; } }";
    check_paths("src/object/scan.rs", text, &[]);
    check_paths("src/object/tests.rs", "use crate::dimse;", &[]);
    check_paths("src/object/tests/real.rs", "use crate::dimse;", &[]);
    check_paths(
        "src/object/scan.rs",
        "fn f<'a>(x: &'a str) { crate::dimse::y(x) }",
        &["`object` uses `dimse`, which stands above it"],
    );
}

#[test]
fn the_core_cannot_wait_open_files_ask_the_time_or_roll_dice() {
    check_paths(
        "src/object/scan.rs",
        "use tokio::io;",
        &["`object` names `tokio`: nothing waits here"],
    );
    check_paths(
        "src/policy/retry.rs",
        "use std::{fs, io};",
        &["`policy` names `std::fs`: the core opens no file"],
    );
    check_paths(
        "src/stamp/plan.rs",
        "let now = time::now();",
        &["`stamp` names `time::now`: `now` is an argument"],
    );
    check_paths(
        "src/stamp/plan.rs",
        "use crate::base::time::now;",
        &["`stamp` names `time::now`: `now` is an argument"],
    );
    check_paths(
        "src/stamp/plan.rs",
        "let id = Uuid::new_v4();",
        &["`stamp` names `Uuid::new_v4`: the core is a function of its arguments"],
    );
    check_paths(
        "src/dicom/uid.rs",
        "#[derive(serde::Serialize)]",
        &["`dicom` names `serde`: twins for the wire live where the wire is"],
    );
}

#[test]
fn what_one_module_knows_alone_is_kept() {
    check_paths(
        "src/web/mod.rs",
        "use rusqlite::Connection;",
        &["`web` knows of SQL, which is for ledger alone"],
    );
    check_paths(
        "src/deliver/mod.rs",
        "std::fs::rename(a, b)",
        &["`deliver` knows of the removal and renaming of objects, which is for spool alone"],
    );
    check_paths("src/spool/mod.rs", "std::fs::rename(a, b)", &[]);
}

#[test]
fn a_module_without_a_row_is_found() {
    check_paths(
        "src/sidecar/mod.rs",
        "",
        &["`sidecar` has no row in the house: give it one, with the reason"],
    );
}

#[test]
fn unsafe_sleeps_length_and_words_are_found() {
    let count = |faults: Vec<Fault>| faults.len();
    assert_eq!(count(faults_of_unsafe("src/a.rs", "// unsafe\nunsafe { x() }")), 1);
    assert_eq!(count(faults_of_sleep("tests/it/a.rs", "std::thread::sleep(x)")), 1);
    assert_eq!(count(faults_of_sleep("src/a.rs", "tokio::time::sleep(x)")), 0);
    let in_test = "#[cfg(test)] mod tests { fn f() { tokio::time::sleep(x) } }";
    assert_eq!(count(faults_of_sleep("src/a.rs", in_test)), 1);
    assert_eq!(count(faults_of_length("src/a.rs", &"\n".repeat(LONGEST_FILE))), 0);
    assert_eq!(count(faults_of_length("src/a.rs", &"\n".repeat(LONGEST_FILE + 1))), 1);
    assert_eq!(count(faults_of_words("a.md", concat!("see iss", "ue 7, or /wo", "rk/x"))), 1);
    assert_eq!(count(faults_of_words("a.md", "no issue at all; a worked example")), 0);
}
