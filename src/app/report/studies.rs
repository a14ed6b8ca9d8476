//! What rules on series and studies found, and how each fared: judged just now, or as a gate has kept it.

use std::cmp::Reverse;
use std::sync::Arc;

use super::{message, principle, severity, trace, untold};
use crate::ledger::Explained;
use crate::standard::study::{Look, StudyFinding};
use crate::standard::{Level, Rule, RuleSet, RuleSets};
use crate::web::model::{self, RuleOutcome, RuleTrace, Untold};

/// How each rule on series and studies fared with a study.
pub(in crate::app) fn study_traces(rules: &RuleSets, look: &Look<'_>) -> Vec<RuleTrace> {
    let told = |one: crate::standard::study::StudyTrace| {
        let mut told = trace(&one.rule, &one.trace, one.series.as_ref())?;
        let has_no_series = one.series.is_none() && told.level == Level::Series.as_str();
        told.untold = has_no_series.then_some(Untold::NoSeries);
        Some(told)
    };
    rules.explain_study(look).into_iter().filter_map(told).collect()
}

/// What was found, gravest first; within a severity, in the order of the packs.
pub(in crate::app) fn study_findings(found: &[StudyFinding]) -> Vec<model::StudyFinding> {
    let of = |one: &StudyFinding| model::StudyFinding {
        rule: one.finding.rule.clone(),
        principle: principle(one.finding.principle),
        severity: severity(one.finding.severity),
        authority: one.finding.authority.as_str().to_owned(),
        series_instance_uid: one.series.as_ref().map(ToString::to_string),
        message: message(&one.finding),
    };
    let mut findings: Vec<model::StudyFinding> = found.iter().map(of).collect();
    findings.sort_by_key(|finding| Reverse(finding.severity));
    findings
}

/// Of a file that is of no study: that its rules on series and studies were not run.
pub(in crate::app) fn without_study(rules: &RuleSet) -> Vec<RuleTrace> {
    of_studies(rules, None).map(|rule| untold(rule, Some(Untold::NoStudy))).collect()
}

/// How rules on series and studies fared with the study of an object in custody, and with the series of this UID, as far as that is
/// kept: outcomes, no values. `rules` are those for the way that the object came; of its study it is said whether those it was looked at
/// by are still in force.
pub(super) fn kept(
    rules: &RuleSet,
    entry: &Explained,
    study: Option<(&model::Study, bool)>,
    series: Option<&str>,
) -> Vec<RuleTrace> {
    let told = match study {
        _ if entry.study.is_empty() => Err(Untold::NoStudy),
        None => Err(Untold::NotSettled),
        Some((study, _)) if study.settled < entry.received => Err(Untold::NotSettled),
        Some((_, false)) => Err(Untold::OtherRules),
        Some((study, true)) => Ok(study),
    };
    match told {
        Ok(study) => {
            let rules = of_studies(rules, Some(study));
            rules.flat_map(|rule| of_rule(rule, study, series)).collect()
        }
        Err(why) => of_studies(rules, None).map(|rule| untold(rule, Some(why))).collect(),
    }
}

/// The rules on series and studies that are not off, and those that looked at a study since they are for some other member of it.
fn of_studies<'r>(
    rules: &'r RuleSet,
    study: Option<&'r model::Study>,
) -> impl Iterator<Item = &'r Arc<Rule>> {
    let looks_at_many = |rule: &&Arc<Rule>| matches!(rule.level, Level::Series | Level::Study);
    let looked =
        move |rule: &&Arc<Rule>| !rule.off || study.is_some_and(|study| tells(study, &rule.id));
    rules.rules().iter().filter(looks_at_many).filter(looked)
}

/// Whether it is kept of a study how a rule fared with it.
fn tells(study: &model::Study, rule: &str) -> bool {
    let mut found = study.findings.iter().chain(&study.shadow);
    let mut fared = study.undecided.iter().chain(&study.met).chain(&study.not_applicable);
    found.any(|found| found.rule == rule) || fared.any(|id| id == rule)
}

fn of_rule(rule: &Rule, study: &model::Study, series: Option<&str>) -> Vec<RuleTrace> {
    let is_on = |found: &&model::StudyFinding| {
        let other = found.series_instance_uid.as_deref().zip(series);
        found.rule == rule.id && other.is_none_or(|(own, wanted)| own == wanted)
    };
    let told = |outcome, why| RuleTrace { outcome, ..untold(rule, Some(why)) };
    let failed = |outcome| {
        move |found: &model::StudyFinding| RuleTrace {
            severity: found.severity,
            series_instance_uid: found.series_instance_uid.clone(),
            ..told(outcome, Untold::ValuesNotKept)
        }
    };
    let found = study.findings.iter().filter(is_on).map(failed(RuleOutcome::Failed));
    let tried = study.shadow.iter().filter(is_on).map(failed(RuleOutcome::Shadow));
    let mut traces: Vec<RuleTrace> = found.chain(tried).collect();
    let has = |list: &[String]| list.contains(&rule.id);
    if has(&study.undecided) {
        traces.push(told(RuleOutcome::NotApplicable, Untold::Undecided));
    } else if has(&study.met) {
        traces.push(told(RuleOutcome::Passed, Untold::ValuesNotKept));
    } else if has(&study.not_applicable) {
        traces.push(told(RuleOutcome::NotApplicable, Untold::ValuesNotKept));
    } else if traces.is_empty() {
        // It was found on another series, and of this one nothing is kept.
        traces.push(told(RuleOutcome::NotRun, Untold::ValuesNotKept));
    }
    traces
}
