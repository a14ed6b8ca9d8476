//! A verdict as the ledger keeps it, and how it stands to those before it.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::telling::codes;
use crate::ledger::{self, JudgedAs, Trial};
use crate::object::edit::EditPlan;
use crate::pipeline::{self, Site};
use crate::policy::disposition::{Disposition, HoldReason};
use crate::standard::Severity;

/// The rule of two versions under one SOP Instance UID.
const CONFLICT: &str = "IMG-STU-021";

/// A verdict as the ledger keeps it.
pub(super) fn written(verdict: &pipeline::Verdict, site: &Site) -> ledger::Verdict {
    ledger::Verdict {
        study: verdict.study.clone(),
        series: verdict.series.clone(),
        disposition: match &verdict.disposition {
            Disposition::Forward => ledger::Disposition::Forward,
            Disposition::Hold(reasons) => ledger::Disposition::Hold(codes(reasons)),
        },
        destinations: site.names(&verdict.destinations),
        mark: verdict.mark().map(str::to_owned),
        reason: verdict.reason().map(|reason| reason.as_code().to_owned()),
        report: verdict.report(),
        plan: if verdict.plan.is_empty() { Vec::new() } else { verdict.plan.to_bytes() },
        versions: ledger::Versions {
            rules: verdict.rules.hash().to_owned(),
            registry: site.versions.registry.clone(),
            config: site.versions.config.clone(),
        },
        trial: trial(verdict),
    }
}

/// Whether the same bytes were decided on alike before: then they get the same plan, times in it included, so that the same bytes go
/// out. Decided otherwise, because the object came from elsewhere or a right has ended since, the new verdict stands: no mark
/// outlives its right. So it does where codecs have come to other bytes.
pub(super) fn is_alike(before: &JudgedAs, now: &ledger::Verdict) -> bool {
    let made = |plan: &[u8]| EditPlan::from_bytes(plan).ok().and_then(|plan| plan.made());
    before.versions == now.versions
        && before.report == now.report
        && made(&before.plan) == made(&now.plan)
}

/// What is counted of the rules that are only tried out: what they would have withheld from an object that bears a mark.
fn trial(verdict: &pipeline::Verdict) -> Option<Trial> {
    if verdict.mark().is_none() || verdict.disposition != Disposition::Forward {
        return None;
    }
    let grave = verdict.shadow.iter().filter(|found| found.severity >= Severity::Block);
    let distinct = |rules: BTreeSet<&String>| rules.into_iter().cloned().collect::<Vec<_>>();
    let applied = distinct(verdict.tried.iter().collect());
    let withheld = distinct(grave.map(|found| &found.rule).collect());
    (!applied.is_empty()).then_some(Trial { study: verdict.with_study, applied, withheld })
}

/// Has the second version under a SOP Instance UID held, unless the site has made the rule milder.
pub(super) fn conflict(verdict: &mut pipeline::Verdict, is_second: bool) {
    let rules = Arc::clone(&verdict.rules);
    let rule = rules.rules().iter().find(|rule| rule.id == CONFLICT);
    let holds = rule.is_none_or(|rule| rule.gravest() == Severity::Quarantine);
    match rule {
        Some(rule) if rule.off => {}
        Some(rule) if rule.shadow => {
            if !verdict.tried.contains(&rule.id) {
                verdict.tried.push(rule.id.clone());
            }
            if is_second && !verdict.shadow.iter().any(|found| found.rule == rule.id) {
                verdict.shadow.extend(rule.checks.first().map(|check| rule.finding_of(check)));
            }
        }
        Some(_) | None => {
            if is_second && holds && !verdict.urgent {
                verdict.hold(HoldReason::Rule(CONFLICT.to_owned()));
            }
        }
    }
}
