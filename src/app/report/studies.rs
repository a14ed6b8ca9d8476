//! What rules on series and studies found, and how each fared: judged just now, or as a gate has kept it.

use std::cmp::Reverse;
use std::sync::Arc;

use super::{message, principle, severity, trace, untold};
use crate::ledger::Explained;
use crate::standard::study::{Look, StudyFinding};
use crate::standard::{Level, Rule, RuleSets};
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
pub(in crate::app) fn without_study(rules: &RuleSets) -> Vec<RuleTrace> {
    of_studies(rules).map(|rule| untold(rule, Some(Untold::NoStudy))).collect()
}

/// How rules on series and studies fared with the study of an object in custody, and with the series of this UID, as far as that is
/// kept: outcomes, no values.
pub(super) fn kept(
    rules: &RuleSets,
    entry: &Explained,
    study: Option<&model::Study>,
    series: Option<&str>,
) -> Vec<RuleTrace> {
    let missing = match study {
        _ if entry.study.is_empty() => Some(Untold::NoStudy),
        None => Some(Untold::NotSettled),
        Some(study) if study.settled < entry.received => Some(Untold::NotSettled),
        Some(study) if study.rule_set != Some(rules.hash()) => Some(Untold::OtherRules),
        Some(_) => None,
    };
    match (study, missing) {
        (Some(study), None) => {
            of_studies(rules).flat_map(|rule| of_rule(rule, study, series)).collect()
        }
        (_, missing) => of_studies(rules).map(|rule| untold(rule, missing)).collect(),
    }
}

fn of_studies(rules: &RuleSets) -> impl Iterator<Item = &Arc<Rule>> {
    let looks_at_many = |rule: &&Arc<Rule>| matches!(rule.level, Level::Series | Level::Study);
    rules.site().rules().iter().filter(|rule| !rule.off).filter(looks_at_many)
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
