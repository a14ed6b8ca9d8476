//! What became of each rule on series and studies, with the values that it saw.

use super::super::*;
use crate::dicom::uid::Uid;
use crate::phantom::Kind;
use crate::standard::Outcome;
use crate::standard::tests::studies::{Examination, One, built_in_sets, keys};

#[test]
fn an_explanation_and_an_assessment_come_to_the_same() {
    let all = [1, 2, 3, 5, 6].map(|number| One::small(Kind::Ct, 2, number));
    let study = Examination::of(all.to_vec()).fold();
    let beside = Beside::default();
    let look = Look::at(&study, &beside);
    let found = built_in_sets().assess_study(&look);
    let traces = built_in_sets().explain_study(&look);
    let not_met = traces.iter().filter(|one| matches!(one.trace.outcome, Outcome::NotMet(_)));
    let mut explained: Vec<(&str, Option<&Uid>)> =
        not_met.map(|one| (one.trace.rule.as_str(), one.series.as_ref())).collect();
    let mut assessed: Vec<(&str, Option<&Uid>)> =
        found.findings.iter().map(|one| (one.finding.rule.as_str(), one.series.as_ref())).collect();
    explained.sort();
    assessed.sort();
    assert_eq!(explained, assessed);
    assert!(assessed.iter().any(|(rule, series)| *rule == "IMG-CT-011" && series.is_some()));
    let gap = traces.iter().find(|one| one.trace.rule == "IMG-CT-011").expect("a trace");
    let saw = |name: &str| {
        let seen = gap.trace.seen.iter().find(|seen| seen.operand == name).expect(name);
        seen.value.expose().to_string()
    };
    assert_eq!((saw("series.modality"), saw("series.missing_slices")), ("CT".into(), "1".into()));
    let of = |outcome: Outcome| {
        let mut rules: Vec<&str> = traces
            .iter()
            .filter(|one| one.trace.outcome == outcome)
            .map(|one| one.trace.rule.as_str())
            .collect();
        rules.dedup();
        rules
    };
    assert_eq!(
        (of(Outcome::Met), of(Outcome::NotApplicable)),
        (texts(&found.met), texts(&found.not_applicable))
    );
    assert_eq!(of(Outcome::Undecided), texts(&found.undecided));
}

fn texts(all: &[String]) -> Vec<&str> {
    all.iter().map(String::as_str).collect()
}

#[test]
fn a_rule_on_series_is_explained_of_a_study_that_has_none() {
    let uid = Uid::new("1.2");
    let (study, beside) = (Study::new(uid.clone(), keys().of("study", "1.2")), Beside::default());
    let traces = built_in_sets().explain_study(&Look::at(&study, &beside));
    let of_series = traces.iter().find(|one| one.trace.rule == "IMG-CT-011").expect("a trace");
    assert_eq!((of_series.trace.outcome, &of_series.series), (Outcome::NotApplicable, &None));
    assert_eq!(of_series.trace.seen, []);
}
