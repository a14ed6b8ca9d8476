//! What was found on a study as JSON, for the ledger: without any value of a patient's attribute.

use serde::Serialize;

use crate::standard::study::{StudyAssessment, StudyFinding};

#[derive(Serialize)]
struct Report<'a> {
    findings: Vec<Finding<'a>>,
    shadow: Vec<Finding<'a>>,
    undecided: &'a [String],
    met: &'a [String],
    not_applicable: &'a [String],
    rule_set: &'a str,
}

#[derive(Serialize)]
struct Finding<'a> {
    rule: &'a str,
    principle: &'static str,
    severity: &'static str,
    authority: &'static str,
    series_instance_uid: Option<&'a str>,
    message: Message<'a>,
}

#[derive(Serialize)]
struct Message<'a> {
    zh: &'a str,
    en: &'a str,
}

/// The report of what was found by the rules with this hash.
pub(super) fn report(found: &StudyAssessment, rule_set: &str) -> String {
    let report = Report {
        findings: found.findings.iter().map(of).collect(),
        shadow: found.shadow.iter().map(of).collect(),
        undecided: &found.undecided,
        met: &found.met,
        not_applicable: &found.not_applicable,
        rule_set,
    };
    // Strings and lists of them can always be written.
    serde_json::to_string(&report).unwrap_or_default()
}

fn of(one: &StudyFinding) -> Finding<'_> {
    let finding = &one.finding;
    Finding {
        rule: &finding.rule,
        principle: finding.principle.as_str(),
        severity: finding.severity.as_str(),
        authority: finding.authority.as_str(),
        series_instance_uid: one.series.as_ref().map(|series| series.as_str()),
        message: Message { zh: &finding.message_zh, en: &finding.message_en },
    }
}
