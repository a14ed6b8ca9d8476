//! The ledger's rows and counts in the shapes that the pages show. Pure.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use serde::Deserialize;

use crate::app::report;
use crate::ledger::{Conservation, Counts, ObjectState, QuarantineEntry, QueueEntry, StudyRow};
use crate::observe::metrics::Code;
use crate::spool::{BallastState, Condition, StoreFault};
use crate::web::model;

/// The state of an object in quarantine that waits for a person.
pub(super) const HELD: &str = "held";

/// A word and how often it was counted, if it ever was.
pub(super) fn counted(family: &Family<Code, Counter>, word: &str) -> Option<(String, u64)> {
    let count = family.get(&Code { code: word.to_owned() })?.get();
    Some((word.to_owned(), count))
}

/// Objects in a state.
pub(super) fn objects(counts: &Counts, state: ObjectState) -> u64 {
    counts.objects.get(&state).copied().unwrap_or_default()
}

/// Deliveries that are not done, in all or to one destination.
pub(super) fn queued(counts: &Counts, destination: Option<&str>) -> u64 {
    let of = counts.deliveries.iter();
    let of = of.filter(|((name, _), _)| destination.is_none_or(|wanted| wanted == name));
    of.map(|(_, count)| count).sum()
}

/// How many entries a list has in all, when `known` is counted otherwise and `found` are shown.
pub(super) fn total(found: usize, limit: usize, known: u64) -> u64 {
    let found_so_far = found as u64;
    if found < limit { found_so_far } else { known.max(found_so_far) }
}

/// What is wrong with the spool.
pub(super) fn problem(condition: &Condition) -> Option<String> {
    let Condition { free, reserve, failed_syncs, sick, ballast } = *condition;
    if sick {
        Some(StoreFault::Sick { failures: failed_syncs }.to_string())
    } else if free < reserve {
        Some(StoreFault::Full { free, reserve }.to_string())
    } else if ballast == BallastState::GivenUp {
        Some("the file system was full: the ballast has been given up and there is no room for it yet".to_owned())
    } else {
        None
    }
}

fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// A line of the queue; `None` when the delivery is done.
pub(super) fn queue_entry(entry: &QueueEntry) -> Option<model::QueueEntry> {
    let delivery = &entry.delivery;
    Some(model::QueueEntry {
        id: format!("{}/{}", entry.id, delivery.destination),
        object: entry.id.to_string(),
        sop_instance_uid: entry.sop_instance.to_string(),
        study_instance_uid: some(entry.study.as_str()),
        destination: delivery.destination.clone(),
        state: report::queue_state(delivery.state)?,
        attempts: delivery.attempts,
        last_error: some(&delivery.last_error),
        received: entry.received,
        next_attempt: report::next_attempt(delivery.state, delivery.due),
    })
}

/// A line of the quarantine.
pub(super) fn quarantine_entry(entry: &QuarantineEntry) -> model::QuarantineEntry {
    model::QuarantineEntry {
        id: entry.id.to_string(),
        sop_instance_uid: entry.sop_instance.to_string(),
        sop_class_uid: None,
        series_instance_uid: None,
        study_instance_uid: some(entry.study.as_str()),
        state: match entry.state {
            HELD => model::QuarantineState::Held,
            "rejected" => model::QuarantineState::Rejected,
            _ => model::QuarantineState::Released,
        },
        reasons: entry.reasons.clone(),
        calling_aet: entry.source.clone(),
        received: entry.received,
        settled: None,
        settled_by: None,
        settled_reason: None,
    }
}

/// The ledger's lines, newest day first, and their sum.
pub(super) fn books(lines: &[Conservation]) -> model::Ledger {
    let mut sum = model::Counts::default();
    let mut balanced = true;
    let mut days = Vec::with_capacity(lines.len());
    for line in lines {
        let counts = model::Counts {
            received: line.received,
            delivered: line.delivered,
            held: line.held,
            rejected: line.rejected,
            in_flight: line.in_flight,
            refused: line.refused,
            suppressed: line.suppressed,
        };
        balanced &= line.balances();
        sum.received += counts.received;
        sum.delivered += counts.delivered;
        sum.held += counts.held;
        sum.rejected += counts.rejected;
        sum.in_flight += counts.in_flight;
        sum.refused += counts.refused;
        sum.suppressed += counts.suppressed;
        match line.day.parse() {
            Ok(day) => days.push(model::Day { day, source: line.source.clone(), counts }),
            // The ledger writes these itself; a day that is none is no balance.
            Err(_) => balanced = false,
        }
    }
    days.sort_by(|one, other| other.day.cmp(&one.day).then_with(|| one.source.cmp(&other.source)));
    model::Ledger { counts: sum, balanced: balanced && sum.balance(), days }
}

/// What was found on a study. A report of another version of this program may lack something: it is left out.
pub(super) fn study(row: StudyRow) -> model::Study {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Report {
        findings: Vec<model::StudyFinding>,
        shadow: Vec<model::StudyFinding>,
        undecided: Vec<String>,
        met: Vec<String>,
        not_applicable: Vec<String>,
        rule_set: Option<String>,
    }
    let report: Report = serde_json::from_str(&row.report).unwrap_or_default();
    let severity = row.severity.map(serde_json::Value::String);
    model::Study {
        study_instance_uid: row.study.to_string(),
        settled: row.settled,
        cause: row.cause,
        instances: row.instances,
        severity: severity.and_then(|word| serde_json::from_value(word).ok()),
        findings: report.findings,
        shadow: report.shadow,
        undecided: report.undecided,
        met: report.met,
        not_applicable: report.not_applicable,
        rule_set: report.rule_set,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn books_balance_only_when_every_line_does() {
        let line = |day: &str, delivered| Conservation {
            day: day.to_owned(),
            source: "CT01".to_owned(),
            received: 2,
            delivered,
            ..Conservation::default()
        };
        let good = books(&[line("2026-05-01", 2), line("2026-05-02", 2)]);
        assert!(good.balanced);
        let days: Vec<String> = good.days.iter().map(|day| day.day.to_string()).collect();
        assert_eq!(days, ["2026-05-02", "2026-05-01"]);
        // Two faults that cancel out are still two faults.
        assert!(!books(&[line("2026-05-01", 1), line("2026-05-02", 3)]).balanced);
        assert!(!books(&[line("a day", 2)]).balanced);
    }

    #[test]
    fn a_list_that_is_not_full_is_the_whole() {
        assert_eq!(total(3, 10, 99), 3);
        assert_eq!(total(10, 10, 99), 99);
        assert_eq!(total(10, 10, 4), 10);
    }
}
