//! Keeps `config/markgate.toml` true: its defaults are the program's, and it names every key there is.

use std::path::Path;

use super::*;
use crate::dicom::ae_title::CallAs;
use crate::dimse::tls::Clients;
use crate::recognition::AccreditationStatus;

const SAMPLE: &str = include_str!("../../config/markgate.toml");

/// The sample with its commented-out keys and tables in force.
fn in_force() -> String {
    let mut text = String::new();
    for line in SAMPLE.lines() {
        let bare = line.strip_prefix('#').filter(|rest| {
            rest.starts_with('[')
                || rest.split_once(" = ").is_some_and(|(key, _)| {
                    key.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
                })
        });
        text.push_str(bare.unwrap_or(line));
        text.push('\n');
    }
    text
}

fn read(text: &str) -> Configuration {
    let file = Path::new("config/markgate.toml");
    let loaded = super::read(text, file, Path::new(""), true, Secrets::Leave);
    loaded.unwrap_or_else(|mistakes| panic!("{mistakes}")).configuration
}

/// Without the CSV files and the font, which the sample only names.
fn without_files(text: &str) -> String {
    let is_value = |line: &&str| {
        let names = |end: &str| line.ends_with(end);
        !names(".csv\"") && !names(".otf\"") && !line.starts_with("font_index")
    };
    text.lines().filter(is_value).collect::<Vec<_>>().join("\n")
}

#[test]
fn as_it_stands_it_is_the_default_with_one_destination() {
    let read = read(SAMPLE);
    let want =
        Configuration { destinations: read.destinations.clone(), ..Configuration::default() };
    assert_eq!(read, want);
    assert_eq!(read.destinations.len(), 1);
}

#[test]
fn its_commented_out_values_are_the_defaults() {
    let read = read(&without_files(&in_force()));
    let default = Configuration::default();
    let tls = read.gate.tls.clone().expect("[gate.tls]");
    assert_eq!(
        (tls.listen.to_string().as_str(), tls.client),
        ("127.0.0.1:2762", Clients::Required)
    );
    assert_eq!((Gate { tls: None, ..read.gate }, tls.crl), (default.gate, Vec::new()));
    assert_eq!(read.limits, default.limits);
    assert_eq!(read.codec, default.codec);
    assert_eq!(read.spool, default.spool);
    assert_eq!(read.audit, default.audit);
    assert_eq!(read.console, Some(Console::default()));
    assert_eq!(read.mark, default.mark);
    assert_eq!(read.burn_in, default.burn_in);
    let times = &read.studies.times;
    assert_eq!(
        (times.usual, times.budget),
        (default.studies.times.usual, default.studies.times.budget)
    );
    assert_eq!(times.by_modality.get("MR"), Some(&default.studies.times.usual));
    assert_eq!(read.commitment, default.commitment);
    assert_eq!(read.studies.late, default.studies.late);
    assert_eq!(read.rules.packs, default.rules.packs);
    let [Destination { target: Target::Peer { call_as, .. }, .. }, folder] =
        read.destinations.as_slice()
    else {
        panic!("a peer and a folder: {:?}", read.destinations)
    };
    assert_eq!(*call_as, CallAs::fixed(model::own_title()));
    assert!(!read.destinations.iter().any(|destination| destination.verify));
    assert_eq!(folder.target, Target::Folder("received".into()));
    let [source] = read.sources.as_slice() else { panic!("one source") };
    assert_eq!((source.hosts.clone(), source.source.urgent), (model::loopback(), false));
    let [accreditation] = read.registry.accreditations.as_slice() else {
        panic!("one accreditation")
    };
    assert_eq!(accreditation.status, AccreditationStatus::Active);
}

#[test]
fn it_names_every_key_there_is() {
    // A key that no table has makes each table tell which keys it has.
    let probe = |line: &str| match line.starts_with('[') {
        true => format!("{line}\nzz = 0\n"),
        false => format!("{line}\n"),
    };
    let probed: String = std::iter::once("zz = 0\n".to_owned())
        .chain(without_files(&in_force()).lines().map(probe))
        .collect();
    let probed = super::read(&probed, Path::new(""), Path::new(""), true, Secrets::Leave);
    let mistakes = probed.expect_err("unknown keys");
    for mistake in mistakes.as_slice() {
        let Fault::UnknownKey { known, .. } = &mistake.fault else { panic!("{mistake}") };
        let table = mistake.key.trim_end_matches("zz").trim_end_matches('.');
        for key in known {
            assert!(names(table, key), "{table}.{key} is not named in config/markgate.toml");
        }
    }
    // The top, 26 kinds of table, a folder's row beside a peer's, and an override.
    assert_eq!(mistakes.as_slice().len(), 29, "{mistakes}");
}

/// Whether the sample has `key` in `table` (the top when empty), as a value or as a table.
fn names(table: &str, key: &str) -> bool {
    let text = in_force();
    let mut inside = table.is_empty();
    text.lines().any(|line| {
        if let Some(head) = line.strip_prefix('[') {
            let head = head.trim_start_matches('[').trim_end_matches(']');
            inside = head == table;
            let below = if table.is_empty() { Some(head) } else { head.strip_prefix(table) };
            let below = below.map(|below| below.trim_start_matches('.'));
            return below.is_some_and(|name| name == key || name.starts_with(&format!("{key}.")));
        }
        inside && line.split_once(" = ").is_some_and(|(name, _)| name == key)
    })
}

#[test]
fn what_show_writes_reads_as_the_same_configuration() {
    for text in [SAMPLE.to_owned(), without_files(&in_force())] {
        let configuration = read(&text);
        let shown = show(&configuration);
        assert_eq!(read(&shown), configuration, "{shown}");
        assert_eq!(show(&read(&shown)), shown);
    }
}

#[test]
fn strings_are_shown_so_that_toml_reads_them_back() {
    let mut configuration = read(SAMPLE);
    configuration.spool.dir = "a \"quoted\"\\path\u{7f}\n\t".into();
    assert_eq!(read(&show(&configuration)), configuration);
}
