//! The audit trail, read from its files: no running gate is needed.

use std::path::PathBuf;

use serde::Serialize;

use super::arguments::{Audit as Verb, ConfigFile};
use super::table::plain;
use super::{Exit, Failure, Outcome, Terminal, load, print, print_json};
use crate::observe::audit::{self, Fault, Verified};

pub(super) fn audit(verb: Verb, terminal: &mut Terminal<'_>) -> Outcome {
    let Verb::Verify { file, dir, form } = verb;
    let dir = match dir {
        Some(dir) => dir,
        None => configured(&file)?,
    };
    let verified = audit::verify(&dir).map_err(|problem| {
        Failure::Unfit(format!("the audit trail in {} cannot be read: {problem}", dir.display()))
    })?;
    if form.json {
        print_json(&Report::of(&verified), terminal)?;
    } else {
        print(&page(&verified), terminal)?;
    }
    Ok(if verified.is_whole() { Exit::Done } else { Exit::Found })
}

fn configured(file: &ConfigFile) -> Result<PathBuf, Failure> {
    let loaded = load(file)?.ok_or(Failure::NoConfiguration)?;
    Ok(audit::folder(&loaded.configuration.spool.dir))
}

/// `audit verify --json`.
#[derive(Serialize)]
struct Report {
    whole: bool,
    segments: usize,
    lines: u64,
    first: Option<u64>,
    last: Option<u64>,
    hash: Option<String>,
    fault_count: u64,
    faults: Vec<Remark>,
}

#[derive(Serialize)]
struct Remark {
    segment: String,
    line: usize,
    what: String,
}

impl Report {
    fn of(verified: &Verified) -> Self {
        let remark = |fault: &Fault| Remark {
            segment: fault.segment.clone(),
            line: fault.line,
            what: fault.what.to_string(),
        };
        Self {
            whole: verified.is_whole(),
            segments: verified.segments,
            lines: verified.lines,
            first: verified.first,
            last: verified.last.map(|(sequence, _)| sequence),
            hash: verified.last.map(|(_, hash)| hash.to_hex().to_string()),
            fault_count: verified.fault_count,
            faults: verified.faults.iter().map(remark).collect(),
        }
    }
}

fn page(verified: &Verified) -> String {
    let mut text = String::new();
    for fault in &verified.faults {
        text.push_str(&format!("{}:{}: {}\n", plain(&fault.segment), fault.line, fault.what));
    }
    let state = match verified.fault_count {
        0 => "whole".to_owned(),
        count => format!("BROKEN, {count} faults"),
    };
    text.push_str(&format!("{state}: {} files, {} lines", verified.segments, verified.lines));
    if let (Some(first), Some((last, hash))) = (verified.first, verified.last) {
        text.push_str(&format!(", sequence {first} to {last}, last hash {}", hash.to_hex()));
    }
    text.push('\n');
    text
}
