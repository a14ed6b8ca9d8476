//! What an image that may not be marked does to its study.

use super::super::*;
use crate::phantom::Kind;
use crate::standard::tests::studies::{One, built_in_sets, selection};
use crate::standard::{Change, Changes, Pack, RuleSets, Severity};

/// The rule that the images before `others` do not meet.
const RULE: &str = "IMG-PAT-011";

/// What is found for that rule on a study of images that may not be marked, and others.
fn found(blocked: &[One], others: &[One]) -> Vec<(Severity, Option<String>)> {
    found_by(built_in_sets(), blocked, others)
}

fn found_by(rules: &RuleSets, blocked: &[One], others: &[One]) -> Vec<(Severity, Option<String>)> {
    let unmarked = blocked.iter().map(|one| {
        let mut part = one.part();
        part.blocked = vec![RULE.into()];
        part
    });
    let mut parts = unmarked.chain(others.iter().map(One::part));
    let mut study = Study::begun_by(&parts.next().expect("an image"));
    parts.for_each(|part| study.add(&part));
    let assessment = rules.assess_study(&Look::at(&study, &Beside::default()));
    let of_rule = assessment.findings.iter().filter(|one| one.finding.rule == RULE);
    of_rule
        .map(|one| (one.finding.severity, one.series.as_ref().map(ToString::to_string)))
        .collect()
}

#[test]
fn it_takes_the_mark_from_all_of_it_once() {
    let images = [One::small(Kind::Ct, 1, 1), One::small(Kind::Ct, 1, 2)];
    let others = [One::small(Kind::Ct, 1, 3), One::small(Kind::Ct, 2, 1)];
    assert_eq!(found(&images, &others), [(Severity::Block, None)]);
    assert_eq!(found(&[], &others), []);
}

#[test]
fn one_that_is_rejected_takes_it_from_itself_alone() {
    let images = [One::small(Kind::Ct, 1, 1)];
    let others = [One::small(Kind::Ct, 1, 2), selection("113001", &images[0])];
    assert_eq!(found(&images, &others), []);
    let both = [One::small(Kind::Ct, 1, 1), One::small(Kind::Ct, 1, 2)];
    let others = [selection("113001", &both[0])];
    assert_eq!(found(&both, &others), [(Severity::Block, None)]);
}

#[test]
fn a_rule_that_is_milder_by_now_takes_it_from_none() {
    let images = [One::small(Kind::Ct, 1, 1)];
    for change in [
        Change { off: Some(true), ..Change::default() },
        Change { shadow: Some(true), ..Change::default() },
        Change { severity: Some(Severity::Warn), ..Change::default() },
    ] {
        let pack = Pack::built_in("db11t2505-2025").expect("a built-in pack");
        let rules = [(RULE.to_owned(), change)].into();
        let changes = Changes { rules, ..Changes::default() };
        let rules = RuleSets::build(&[pack], &changes).expect("rules that compile");
        assert_eq!(found_by(&rules, &images, &[]), []);
    }
}
