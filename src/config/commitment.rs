//! Reads `[commitment]`, and what sources and destinations say of commitments.

use std::time::Duration;

use super::decode::{Table, Word};
use super::mistake::{Fault, Mistake};
use super::sections::{DURATION, HOST, host};
use crate::base::units::parse_duration;
use crate::commitment::{Counts, Settings};
use crate::policy::admission::ReportTo;

impl Word for Counts {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("offered", Self::Offered),
        ("required", Self::Required),
        ("delivered", Self::Delivered),
        ("never", Self::Never),
    ];
}

pub(super) fn section(mut table: Table<'_>, mistakes: &mut Vec<Mistake>) -> Settings {
    let default = Settings::default();
    let offer = table.flag("offer").unwrap_or(default.offer);
    let mut time =
        |key, default: Duration| table.parsed(key, DURATION, parse_duration).unwrap_or(default);
    let settings = Settings {
        offer,
        wait: time("wait", default.wait),
        held: time("held", default.held),
        unknown: time("unknown", default.unknown),
        answer: time("answer", default.answer),
        report: time("report", default.report),
    };
    table.finish(mistakes);
    settings
}

/// What a destination's having an object says. A folder has what was placed there, and cannot be asked.
pub(super) fn counts(table: &mut Table<'_>, is_folder: bool) -> Counts {
    let said: Option<Counts> = table.word("commitment");
    match said {
        None if is_folder => Counts::Delivered,
        None => Counts::default(),
        Some(counts @ (Counts::Offered | Counts::Required)) if is_folder => {
            let found = format!("{:?}, and a folder cannot be asked", counts.word());
            let wanted = "\"delivered\" or \"never\"".to_owned();
            table.fault("commitment", Fault::Unusable { found, wanted });
            Counts::Delivered
        }
        Some(counts) => counts,
    }
}

/// How it is made sure that a destination keeps what it gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verify {
    No,
    Commitment,
}

impl Word for Verify {
    const WORDS: &'static [(&'static str, Self)] =
        &[("no", Self::No), ("commitment", Self::Commitment)];
}

/// Whether a destination is asked to commit itself to what it gets. A folder cannot be asked.
pub(super) fn verify(table: &mut Table<'_>, is_folder: bool) -> bool {
    if is_folder {
        if table.refuses("verify") {
            table.fault("verify", Fault::Excluded { other: "folder" });
        }
        return false;
    }
    table.word("verify").unwrap_or(Verify::No) == Verify::Commitment
}

/// Where a source takes reports.
pub(super) fn report_to(table: &mut Table<'_>) -> Option<ReportTo> {
    let at = table.parsed("report_host", HOST, host);
    let port = table.whole("report_port", 1..=65_535);
    if table.has("report_host") {
        let wanted = "the TCP port on which it listens, beside report_host";
        table.required("report_port", port, wanted);
    }
    port.map(|port| ReportTo { host: at, port })
}
