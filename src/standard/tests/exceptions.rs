//! Exceptions: which rules hold for what comes one way or another.

use super::super::*;
use super::Image;

const PACK: &str = r#"
format = 1
id = "own"
version = "1"
title.zh = "本院"
title.en = "Own"
[[rule]]
id = "A-1"
principle = "completeness"
authority = "judgement"
source = "us"
severity = "block"
require = "false"
zh = "错"
en = "wrong"
[[rule]]
id = "A-2"
principle = "completeness"
authority = "judgement"
source = "us"
severity = "warn"
require = "false"
zh = "错"
en = "wrong"
"#;

fn names(all: &[&str]) -> Vec<String> {
    all.iter().map(|one| (*one).to_owned()).collect()
}

fn except(rules: &[&str], sources: &[&str], routes: &[&str], change: Change) -> Exception {
    let (rules, sources, routes) = (names(rules), names(sources), names(routes));
    Exception { rules, sources, routes, change }
}

fn sets(exceptions: Vec<Exception>) -> RuleSets {
    let pack = Pack::parse(PACK).expect("a pack");
    let rules = [("A-2".to_owned(), Change { shadow: Some(true), ..Change::default() })].into();
    let changes = Changes { rules, exceptions, ..Changes::default() };
    RuleSets::build(&[pack], &changes).expect("rules that compile")
}

fn way(source: &str, route: &str) -> Way {
    let name = |name: &str| (!name.is_empty()).then(|| name.into());
    Way { source: name(source), route: name(route) }
}

const OFF: Change = Change { severity: None, off: Some(true), shadow: None };
const ON: Change = Change { severity: None, off: Some(false), shadow: Some(false) };
const WARN: Change = Change { severity: Some(Severity::Warn), off: None, shadow: None };

/// What the rules for a way find on an image, and what they find without effect.
fn found(sets: &RuleSets, way: &Way) -> (Vec<(String, Severity)>, Vec<String>) {
    let assessment = Image::chest_ct().look(|subject| sets.of(way).assess(subject));
    let findings = assessment.findings.into_iter().map(|one| (one.rule, one.severity));
    (findings.collect(), assessment.shadow.into_iter().map(|one| one.rule).collect())
}

#[track_caller]
fn check(sets: &RuleSets, way: &Way, findings: &[(&str, Severity)], shadow: &[&str]) {
    let findings = findings.iter().map(|(rule, severity)| ((*rule).to_owned(), *severity));
    assert_eq!(found(sets, way), (findings.collect(), names(shadow)), "{way:?}");
}

#[test]
fn an_exception_holds_for_its_sources_and_routes_and_for_nothing_else() {
    let sets = sets(vec![
        except(&["A-1"], &["CT01"], &[], OFF),
        except(&["A-1"], &[], &["night"], WARN),
        except(&["A-*"], &["CT02"], &["night"], ON),
    ]);
    let block = ("A-1", Severity::Block);
    check(&sets, &way("", ""), &[block], &["A-2"]);
    check(&sets, &way("CT09", "day"), &[block], &["A-2"]);
    check(&sets, &way("CT01", ""), &[], &["A-2"]);
    check(&sets, &way("CT09", "night"), &[("A-1", Severity::Warn)], &["A-2"]);
    // What it does not set stays as the rows before have it.
    check(&sets, &way("CT01", "night"), &[], &["A-2"]);
    check(&sets, &way("CT02", "day"), &[block], &["A-2"]);
    let both = [("A-1", Severity::Warn), ("A-2", Severity::Warn)];
    check(&sets, &way("CT02", "night"), &both, &[]);
    assert_eq!(sets.tried().collect::<Vec<_>>(), ["A-2"]);
}

#[test]
fn the_last_word_counts() {
    let sets = sets(vec![
        except(&["*"], &["CT01", "CT02"], &[], OFF),
        except(&["A-1"], &["CT02"], &[], ON),
    ]);
    check(&sets, &way("CT01", ""), &[], &[]);
    check(&sets, &way("CT02", ""), &[("A-1", Severity::Block)], &[]);
}

#[test]
fn each_set_has_a_hash_of_its_own_and_what_comes_to_the_same_is_one_set() {
    let plain = sets(Vec::new());
    let sets = sets(vec![
        except(&["A-1"], &["CT01", "CT02"], &[], OFF),
        except(&["A-1"], &["CT03"], &["night"], OFF),
        except(&["A-1"], &["CT04"], &[], WARN),
        // A rule that no pack has, and what holds already.
        except(&["B-*"], &["CT05"], &[], OFF),
        except(&["A-2"], &["CT06"], &[], Change { shadow: Some(true), ..Change::default() }),
    ]);
    let hash = |source: &str, route: &str| sets.of(&way(source, route)).hash().to_owned();
    assert_eq!(hash("", ""), plain.site().hash());
    assert_eq!((hash("CT05", ""), hash("CT06", "")), (hash("", ""), hash("", "")));
    assert_eq!((hash("CT02", "day"), hash("CT03", "night")), (hash("CT01", ""), hash("CT01", "")));
    let all = [hash("", ""), hash("CT01", ""), hash("CT04", "")];
    assert!(all.iter().enumerate().all(|(at, one)| !all[..at].contains(one)), "{all:?}");
    assert_eq!(sets.sets().len(), 3);
}

#[test]
fn more_ways_than_can_be_told_apart_are_a_mistake() {
    let many = |letter: &str| -> Vec<String> {
        (0..300).map(|number| format!("{letter}{number}")).collect()
    };
    let exception =
        Exception { rules: names(&["A-1"]), sources: many("S"), routes: many("R"), change: OFF };
    let pack = Pack::parse(PACK).expect("a pack");
    let changes = Changes { exceptions: vec![exception], ..Changes::default() };
    let faults = RuleSets::build(&[pack], &changes).map(|_| ()).expect_err("too many");
    assert_eq!(faults, [RuleSetFault::TooManyWays { ways: 301 * 301, most: 1 << 16 }]);
}
