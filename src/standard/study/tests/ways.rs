//! Studies whose members came several ways.

use super::super::*;
use crate::phantom::Kind;
use crate::standard::tests::studies::{Examination, One};
use crate::standard::{Change, Changes, Exception, Pack, RuleSets, Severity, Way};

/// A study rule and a series rule, neither of which two images meet.
const PACK: &str = r#"
format = 1
id = "own"
version = "1"
title.zh = "本院"
title.en = "Own"
[[rule]]
id = "OF-STUDY"
level = "study"
principle = "completeness"
authority = "judgement"
source = "us"
severity = "block"
require = "study.images < 2"
zh = "多"
en = "many"
[[rule]]
id = "OF-SERIES"
level = "series"
principle = "completeness"
authority = "judgement"
source = "us"
severity = "block"
require = "series.images < 2"
zh = "多"
en = "many"
"#;

fn rules(exceptions: Vec<Exception>) -> RuleSets {
    let pack = Pack::parse(PACK).expect("a pack");
    let changes = Changes { exceptions, ..Changes::default() };
    RuleSets::build(&[pack], &changes).expect("rules that compile")
}

fn except(source: &str, change: Change) -> Exception {
    Exception {
        rules: vec!["OF-*".to_owned()],
        sources: vec![source.to_owned()],
        routes: Vec::new(),
        change,
    }
}

fn way(source: &str) -> Way {
    Way { source: Some(source.into()), route: None }
}

fn from(source: &str, series: u32, instance: u32) -> One {
    One::small(Kind::Ct, series, instance).by(way(source))
}

/// What was found, what was found without effect, and what was tried.
#[track_caller]
fn check(
    rules: &RuleSets,
    all: &[One],
    found: &[(&str, Severity)],
    shadow: &[&str],
    tried: &[&str],
) {
    let study = Examination::of(all.to_vec());
    let assessment = study.look(|look| rules.assess_study(look));
    let of = |list: &[StudyFinding]| -> Vec<(String, Severity)> {
        list.iter().map(|one| (one.finding.rule.clone(), one.finding.severity)).collect()
    };
    let words = |list: Vec<(String, Severity)>| -> Vec<String> {
        list.into_iter().map(|(rule, _)| rule).collect()
    };
    let found: Vec<(String, Severity)> =
        found.iter().map(|(rule, severity)| ((*rule).to_owned(), *severity)).collect();
    assert_eq!(of(&assessment.findings), found);
    assert_eq!(words(of(&assessment.shadow)), shadow);
    assert_eq!(assessment.tried, tried);
}

#[test]
fn a_milder_rule_counts_for_a_study_only_where_it_does_for_every_member() {
    let off = Change { off: Some(true), ..Change::default() };
    let rules = rules(vec![except("A", off), except("B", off)]);
    let both = [("OF-STUDY", Severity::Block), ("OF-SERIES", Severity::Block)];
    check(&rules, &[from("C", 1, 1), from("C", 1, 2)], &both, &[], &[]);
    check(&rules, &[from("A", 1, 1), from("A", 1, 2)], &[], &[], &[]);
    check(&rules, &[from("A", 1, 1), from("B", 1, 2)], &[], &[], &[]);
    check(&rules, &[from("A", 1, 1), from("C", 1, 2)], &both, &[], &[]);
}

#[test]
fn a_series_is_judged_as_strictly_as_its_own_members_ask() {
    let off = Change { off: Some(true), ..Change::default() };
    let rules = rules(vec![except("A", off)]);
    let study = [("OF-STUDY", Severity::Block)];
    check(&rules, &[from("A", 1, 1), from("A", 1, 2), from("C", 2, 1)], &study, &[], &[]);
}

#[test]
fn of_a_rule_in_force_one_tried_out_and_one_off_the_strictest_holds() {
    let shadow = Change { shadow: Some(true), ..Change::default() };
    let off = Change { off: Some(true), ..Change::default() };
    let warn = Change { severity: Some(Severity::Warn), ..Change::default() };
    let hold = Change { severity: Some(Severity::Quarantine), ..Change::default() };
    let rules = rules(vec![
        except("TRIED", shadow),
        except("OFF", off),
        except("WARNED", warn),
        except("HELD", hold),
    ]);
    let both = |severity| [("OF-STUDY", severity), ("OF-SERIES", severity)];
    let names = ["OF-STUDY", "OF-SERIES"];
    check(&rules, &[from("TRIED", 1, 1), from("OFF", 1, 2)], &[], &names, &names);
    check(&rules, &[from("TRIED", 1, 1), from("WARNED", 1, 2)], &both(Severity::Warn), &[], &[]);
    check(
        &rules,
        &[from("HELD", 1, 1), from("WARNED", 1, 2)],
        &both(Severity::Quarantine),
        &[],
        &[],
    );
}

#[test]
fn nothing_that_lets_an_object_go_on_is_stricter_than_what_holds_it() {
    let of = |severity| Change { severity: Some(severity), ..Change::default() };
    let milder = Severity::WORDS.iter().map(|(_, severity)| *severity);
    for severity in milder.filter(|severity| *severity != Severity::Quarantine) {
        let rules =
            rules(vec![except("HELD", of(Severity::Quarantine)), except("OTHER", of(severity))]);
        let held = ["OF-STUDY", "OF-SERIES"].map(|rule| (rule, Severity::Quarantine));
        check(&rules, &[from("HELD", 1, 1), from("OTHER", 1, 2)], &held, &[], &[]);
    }
}

#[test]
fn of_more_ways_than_are_kept_every_set_of_rules_counts() {
    let off = Change { off: Some(true), ..Change::default() };
    let exceptions = (0..40).map(|number| except(&format!("S{number:02}"), off)).collect();
    let rules = rules(exceptions);
    assert_eq!(rules.sets().len(), 2, "what comes to the same is one set");
    let all: Vec<One> =
        (0..40).map(|number| from(&format!("S{number:02}"), 1, number + 1)).collect();
    let both = [("OF-STUDY", Severity::Block), ("OF-SERIES", Severity::Block)];
    check(&rules, &all[..16], &[], &[], &[]);
    check(&rules, &all, &both, &[], &[]);
}

#[test]
fn what_comes_late_another_way_is_not_covered() {
    let rules = rules(Vec::new());
    let study = Examination::of(vec![from("A", 1, 1)]);
    let assessment = study.look(|look| rules.assess_study(look));
    assert!(assessment.covers(&way("A")));
    assert!(!assessment.covers(&way("B")));
}
