//! `markgate studies`: what was found on studies of which nothing more came.

use super::arguments::{Form, Gate};
use super::gate::{get, print_list};
use super::table::{pairs, plain};
use super::{Exit, Outcome, Terminal, print, print_json};
use crate::app::words;
use crate::web::client::segment;
use crate::web::model::{Study, StudyFinding};

/// Studies that are listed.
const ENTRIES: usize = 1000;

pub(super) fn studies(
    gate: &Gate,
    form: &Form,
    uid: Option<&str>,
    terminal: &mut Terminal<'_>,
) -> Outcome {
    let Some(uid) = uid else {
        let all: Vec<Study> = get(gate, &format!("/api/v1/studies?limit={ENTRIES}"))?;
        let heading = ["STUDY", "SETTLED", "INSTANCES", "SEVERITY", "FOUND"];
        return print_list(&all, form, heading, row, terminal);
    };
    let study: Study = get(gate, &format!("/api/v1/studies/{}", segment(uid)))?;
    if form.json {
        print_json(&study, terminal)?;
    } else {
        print(&page(&study), terminal)?;
    }
    Ok(Exit::Done)
}

fn row(study: &Study) -> [String; 5] {
    let rules: Vec<&str> = study.findings.iter().map(|found| found.rule.as_str()).collect();
    [
        study.study_instance_uid.clone(),
        study.settled.to_string(),
        study.instances.to_string(),
        study.severity.map_or("", |severity| words::severity(severity).en).to_owned(),
        rules.join(", "),
    ]
}

fn page(study: &Study) -> String {
    let rows = [
        ("study", Some(study.study_instance_uid.clone())),
        ("settled", Some(study.settled.to_string())),
        ("why then", Some(study.cause.clone())),
        ("instances", Some(study.instances.to_string())),
    ];
    let found: Vec<String> = study.findings.iter().map(line).collect();
    pairs("", &rows) + &found.concat()
}

fn line(found: &StudyFinding) -> String {
    let severity = words::severity(found.severity).en;
    let series = found.series_instance_uid.as_deref().map(plain).unwrap_or_default();
    format!(
        "{severity:<11} {} {series}\n            {}\n            {}\n",
        plain(&found.rule),
        plain(&found.message.zh),
        plain(&found.message.en)
    )
}
