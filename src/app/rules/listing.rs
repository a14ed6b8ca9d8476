//! Rules as they are listed: with the exceptions from them, and what they would have withheld while they are tried out.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::app::report::{principle, severity, some, words};
use crate::ledger::{Tried, Unit};
use crate::observe::metrics::Trial;
use crate::pipeline::Site;
use crate::standard::{Exception, Rule, RuleSets};
use crate::web::model;

/// The rules in force, in the order of their packs, each with the exceptions from it and how it fares while it is tried out.
pub(in crate::app) fn listed(site: &Site, counted: &[Tried]) -> Vec<model::Rule> {
    let mut tried = tried(&site.rules, counted);
    let of = |one: &Arc<Rule>| model::Rule {
        tried: tried.remove(&one.id).unwrap_or_default(),
        ..rule(one, site.rules.exceptions())
    };
    site.rules.site().rules().iter().map(of).collect()
}

/// What the rules that are tried out for something would have withheld so far; those that have not applied yet, nothing of nothing.
pub(in crate::app) fn tried(
    rules: &RuleSets,
    counted: &[Tried],
) -> BTreeMap<String, Vec<model::TriedOut>> {
    let of = |rule: &str| {
        let counts = counted.iter().filter(|one| one.rule == rule).map(|one| model::TriedOut {
            unit: one.unit.as_str().to_owned(),
            applied: one.applied,
            withheld: one.withheld,
        });
        let counts: Vec<_> = counts.collect();
        let none = || {
            let unit = Unit::Object.as_str().to_owned();
            vec![model::TriedOut { unit, applied: 0, withheld: 0 }]
        };
        if counts.is_empty() { none() } else { counts }
    };
    rules.tried().map(|rule| (rule.to_owned(), of(rule))).collect()
}

/// The same for metrics.
pub(in crate::app) fn trials(rules: &RuleSets, counted: &[Tried]) -> Vec<Trial> {
    let of = |(rule, counts): (String, Vec<model::TriedOut>)| {
        counts.into_iter().map(move |counts| Trial {
            rule: rule.clone(),
            unit: counts.unit,
            applied: counts.applied,
            withheld: counts.withheld,
        })
    };
    tried(rules, counted).into_iter().flat_map(of).collect()
}

/// A rule and the exceptions from it.
pub(super) fn rule(rule: &Rule, exceptions: &[Exception]) -> model::Rule {
    let exception = |row: &Exception| model::RuleException {
        sources: row.sources.clone(),
        routes: row.routes.clone(),
        severity: row.change.severity.map(severity),
        enabled: row.change.off.map(|off| !off),
        shadow: row.change.shadow,
    };
    let require: Vec<&str> = rule.checks.iter().map(|check| check.require.source()).collect();
    let message = rule.checks.first().map(|check| model::Message {
        zh: check.zh.source().to_owned(),
        en: check.en.source().to_owned(),
    });
    model::Rule {
        rule: rule.id.clone(),
        pack: rule.pack.clone(),
        principle: principle(rule.principle),
        severity: severity(rule.gravest()),
        authority: rule.authority.as_str().to_owned(),
        clause: some(&rule.source),
        enabled: !rule.off,
        shadow: rule.shadow,
        exceptions: exceptions.iter().filter(|row| row.is_for(&rule.id)).map(exception).collect(),
        tried: Vec::new(),
        level: rule.level.as_str().to_owned(),
        applies: rule.applies.map(words).unwrap_or_default(),
        when: rule.when.as_ref().map(|when| when.source().to_owned()),
        require: require.join("\n"),
        message: message.unwrap_or(model::Message { zh: String::new(), en: String::new() }),
    }
}
