//! Every rule of the built-in pack with objects that pass, fail and are none of its business.
//!
//! An [`Example`] is a phantom or a study of phantoms changed in one thing, or a data set by its bytes. A [`Case`] is a rule with its
//! examples, one that fails each of its requirements at least; the cases of an area are in the file of that area. One test evaluates
//! them all, shows the matrix (`--nocapture`) and fails on an example that comes out otherwise than it says and on a cell without
//! examples.

mod ct;
mod encoding;
mod example;
mod mr;
mod other;
mod patient;
mod personnel;
mod pixels;
mod projection;
mod studies;
mod study;

use std::collections::{BTreeMap, BTreeSet};

use super::studies::Examination;
use super::*;
use crate::expression::Value as Setting;
use crate::phantom::{Kind, Specimen};

pub(super) use example::Example;

/// A rule with its examples.
pub(super) struct Case {
    rule: &'static str,
    passes: Vec<Example>,
    fails: Vec<(Severity, Example)>,
    not_applicable: Vec<Example>,
    for_a_person: Vec<Example>,
}

impl Case {
    fn of(rule: &'static str) -> Self {
        let (passes, fails) = (Vec::new(), Vec::new());
        Self { rule, passes, fails, not_applicable: Vec::new(), for_a_person: Vec::new() }
    }

    /// The rule applies and is met.
    fn passes(mut self, example: impl Into<Example>) -> Self {
        self.passes.push(example.into());
        self
    }

    /// The rule applies and is not met: the finding has this severity.
    fn fails(mut self, severity: Severity, example: impl Into<Example>) -> Self {
        self.fails.push((severity, example.into()));
        self
    }

    /// The rule applies, and nothing that is looked at decides it: it neither passes nor fails, ever.
    fn for_a_person(mut self, example: impl Into<Example>) -> Self {
        self.for_a_person.push(example.into());
        self
    }

    /// The rule does not apply. What its `applies` leaves out need not be listed: the phantoms of every kind are tried.
    fn not_applicable(mut self, example: impl Into<Example>) -> Self {
        self.not_applicable.push(example.into());
        self
    }

    /// One attribute of an object changed, row by row: its value, `None` where it is taken away, and what becomes of the rule.
    fn values(self, object: &Specimen, tag: Tag, rows: &[(Option<&str>, Outcome)]) -> Self {
        rows.iter().fold(self, |case, (value, outcome)| {
            let changed = match value {
                Some(value) => object.clone().text(tag, value),
                None => object.clone().without(tag),
            };
            let example = Example::from(changed).named(&format!("{tag} {value:?}"));
            match outcome {
                Outcome::Met => case.passes(example),
                Outcome::NotMet(severity) => case.fails(*severity, example),
                Outcome::NotApplicable => case.not_applicable(example),
                Outcome::Undecided => case.for_a_person(example),
                Outcome::Off => panic!("no rule is off"),
            }
        })
    }
}

/// The conformant phantom of a kind, small: most rules do not look at its size.
fn phantom(kind: Kind) -> Specimen {
    Specimen::new(kind, 1).size(32, 32)
}

/// The same as its modality would make it.
fn life_size(kind: Kind) -> Specimen {
    Specimen::new(kind, 1)
}

fn cases() -> BTreeMap<&'static str, Case> {
    let areas = [
        encoding::cases(),
        patient::cases(),
        study::cases(),
        studies::cases(),
        projection::cases(),
        ct::cases(),
        mr::cases(),
        other::cases(),
        pixels::cases(),
        personnel::cases(),
    ];
    let mut all = BTreeMap::new();
    for case in areas.into_iter().flatten() {
        let known: &mut Case = all.entry(case.rule).or_insert_with(|| Case::of(case.rule));
        known.passes.extend(case.passes);
        known.fails.extend(case.fails);
        known.not_applicable.extend(case.not_applicable);
        known.for_a_person.extend(case.for_a_person);
    }
    all
}

/// What came out otherwise than the case says, and the requirements that its examples do not meet.
fn held(case: &Case) -> (Vec<String>, BTreeSet<usize>) {
    let passes = case.passes.iter().map(|example| (example, Outcome::Met));
    let fails = case.fails.iter().map(|(severity, example)| (example, Outcome::NotMet(*severity)));
    let others = case.not_applicable.iter().map(|example| (example, Outcome::NotApplicable));
    let open = case.for_a_person.iter().map(|example| (example, Outcome::Undecided));
    let numbered = passes.enumerate().chain(fails.enumerate()).chain(others.enumerate());
    let (mut surprises, mut unmet) = (Vec::new(), BTreeSet::new());
    for (index, (example, want)) in numbered.chain(open.enumerate()) {
        let (found, place) = example.judged(case.rule);
        unmet.extend(place);
        if found != want {
            let rule = case.rule;
            surprises.push(format!("{rule}, {example:?} ({}): {found:?}, not {want:?}", index + 1));
        }
    }
    (surprises, unmet)
}

/// What is none of a rule's business: `always` where nothing is.
fn others(rule: &Rule, case: &Case, phantoms: &[Example]) -> String {
    let id = rule.id.as_str();
    let of_kinds = phantoms.iter().filter(|one| one.outcome(id) == Outcome::NotApplicable).count();
    let can_differ = rule.applies.is_some() || rule.when.is_some() || rule.level == Level::Series;
    match case.not_applicable.len() + of_kinds {
        0 if !can_differ => "always applies".to_owned(),
        count => count.to_string(),
    }
}

/// What is missing in the examples of a rule.
fn gaps(rule: &Rule, case: &Case, others: &str, unmet: &BTreeSet<usize>) -> Vec<String> {
    let id = rule.id.as_str();
    let mut gaps = Vec::new();
    if others == "0" {
        gaps.push(format!("{id}: no object to which it does not apply"));
    }
    if !case.for_a_person.is_empty() {
        if !case.passes.is_empty() || !case.fails.is_empty() {
            gaps.push(format!("{id}: is for a person, and decided all the same"));
        }
        return gaps;
    }
    if case.passes.is_empty() || case.fails.is_empty() {
        gaps.push(format!("{id}: no object that passes, or none that fails"));
    }
    let missed = rule.checks.iter().enumerate().filter(|(place, _)| !unmet.contains(place));
    gaps.extend(
        missed.map(|(_, check)| format!("{id}: nothing fails with: {}", check.en.source())),
    );
    gaps
}

#[test]
fn every_rule_has_objects_that_pass_fail_and_are_none_of_its_business() {
    let cases = cases();
    let objects: Vec<Example> = Kind::ALL.into_iter().map(|kind| phantom(kind).into()).collect();
    let studies = Kind::ALL.into_iter().map(|kind| Examination::small(kind).into());
    let studies: Vec<Example> = studies.collect();
    let known = |id: &str| built_in().rules().iter().any(|rule| rule.id == id);
    let mut wrong: Vec<String> =
        cases.keys().filter(|id| !known(id)).map(|id| format!("{id}: no such rule")).collect();
    println!(
        "{:20} {:8}  {:>6}  {:>6}  {:>14}",
        "rule", "level", "passes", "fails", "not applicable"
    );
    for rule in built_in().rules() {
        let Some(case) = cases.get(rule.id.as_str()) else {
            wrong.push(format!("{}: no row", rule.id));
            continue;
        };
        let phantoms = match rule.level {
            Level::Instance | Level::Pixel => &objects,
            Level::Series | Level::Study => &studies,
        };
        let others = others(rule, case, phantoms);
        let (surprises, unmet) = held(case);
        wrong.extend(surprises);
        wrong.extend(gaps(rule, case, &others, &unmet));
        let (passes, fails) = match case.for_a_person.len() {
            0 => (case.passes.len().to_string(), case.fails.len().to_string()),
            _ => ("person".to_owned(), "person".to_owned()),
        };
        let level = rule.level.as_str();
        println!("{:20} {level:8}  {passes:>6}  {fails:>6}  {others:>14}", rule.id);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_conformant_phantom_of_any_kind_yields_nothing_above_info() {
    // At a site whose lists have items of every modality: which of them it may mark is no quality of an image.
    let modalities: Vec<Setting> =
        Kind::ALL.into_iter().map(|kind| kind.modality().into()).collect();
    let (cases, mut found) = (cases(), Vec::new());
    for kind in Kind::ALL {
        let example = Example::from(life_size(kind))
            .where_parameter("eligible_modalities", modalities.clone())
            .where_parameter("mark_sc", true);
        let assessment = example.assess();
        for finding in assessment.findings {
            if finding.severity > Severity::Info {
                found.push(format!("{kind:?}: {} {}", finding.rule, finding.message_en));
            }
        }
        let for_nobody = |rule: &&String| {
            cases.get(rule.as_str()).is_none_or(|case| case.for_a_person.is_empty())
        };
        let undecided = assessment.undecided.iter().filter(for_nobody);
        found.extend(undecided.map(|rule| format!("{kind:?}: {rule} undecided")));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
