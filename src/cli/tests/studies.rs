//! What `check` tells of studies.

use super::*;
use crate::web::model::{MarkCount, RuleOutcome, RuleTrace, Seen, StudyFinding};

/// A study with a finding on one of its two series, and nothing on the other.
fn study(severity: Severity) -> StudyReport {
    let message = Message { zh: "缺1层".to_owned(), en: "1 slice is missing".to_owned() };
    let finding = StudyFinding {
        rule: "IMG-CT-011".to_owned(),
        principle: Principle::Completeness,
        severity,
        authority: "judgement".to_owned(),
        series_instance_uid: Some("1.2.7".to_owned()),
        message,
    };
    let trace = |rule: &str, outcome, series: Option<&str>, value: Option<&str>| RuleTrace {
        rule: rule.to_owned(),
        outcome,
        severity,
        level: if series.is_some() { "series" } else { "study" }.to_owned(),
        applies: Vec::new(),
        series_instance_uid: series.map(str::to_owned),
        saw: vec![Seen {
            name: "series.missing_slices".to_owned(),
            value: value.map(str::to_owned),
        }],
        untold: None,
    };
    StudyReport {
        study_instance_uid: "1.2".to_owned(),
        instances: 3,
        severity: Some(severity),
        mark_withheld: severity >= Severity::Block,
        marks: vec![MarkCount { mark: Some("BJHR".to_owned()), reason: None, objects: 3 }],
        findings: vec![finding],
        shadow: Vec::new(),
        rules: vec![
            trace("IMG-CT-011", RuleOutcome::Failed, Some("1.2.7"), Some("1")),
            trace("IMG-CT-011", RuleOutcome::Passed, Some("1.2.8"), Some("0")),
            trace("IMG-MR-018", RuleOutcome::NotApplicable, Some("1.2.7"), None),
            trace("IMG-MR-018", RuleOutcome::NotApplicable, Some("1.2.8"), None),
            trace("STU-1", RuleOutcome::NotApplicable, None, Some("2")),
        ],
    }
}

#[test]
fn check_tells_of_studies_after_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = file(&folder, "");
    let fake = Fake { studies: vec![study(Severity::Block)], ..Fake::default() };
    let (_, out, _) = typed(&fake, &["check", "--config", &path, "a.dcm"], "");
    let want = "study 1.2: 3 instances, marked BJHR × 3; no mark for what was found on the study\n\
        \x20 block IMG-CT-011 [series 1.2.7]: 1 slice is missing\n\
        \x20 rule IMG-CT-011 failed [series 1.2.7]: series.missing_slices = 1\n\
        \x20 rule IMG-CT-011 passed [series 1.2.8]: series.missing_slices = 0\n\
        \x20 rule IMG-MR-018 does not apply (series.missing_slices unknown) [series × 2]: \
        series.missing_slices = unknown\n\
        \x20 rule STU-1 does not apply (its condition is not met) [study]: series.missing_slices = 2\n";
    assert!(out.starts_with("a.dcm: ") && out.ends_with(want), "{out}");
    let zh = typed(&fake, &["check", "--lang", "zh", "--config", &path, "a.dcm"], "").1;
    let want = "检查 1.2：3 个影像，标识 BJHR × 3，因检查或序列的问题不加标识\n\
        \x20 不加标识 IMG-CT-011 [序列 1.2.7]: 缺1层\n\
        \x20 规则 IMG-CT-011 不符合 [序列 1.2.7]: series.missing_slices = 1\n";
    assert!(zh.contains(want), "{zh}");
    let (_, out, _) = typed(&fake, &["check", "--config", &path, "--json", "a.dcm"], "");
    let told: serde_json::Value = serde_json::from_str(&out).expect("one JSON document");
    let told = told.as_array().expect("a list");
    assert_eq!((told.len(), &told[0]["file"]), (2, &"a.dcm".into()));
    let study: StudyReport = serde_json::from_value(told[1].clone()).expect("the promised shape");
    assert_eq!(study, fake.studies[0]);
}

#[test]
fn check_fails_for_what_was_found_on_studies_too() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = file(&folder, "");
    for (found, fail_on, exit) in [
        (Severity::Quarantine, "quarantine", Exit::Found),
        (Severity::Block, "quarantine", Exit::Done),
    ] {
        let fake = Fake { studies: vec![study(found)], ..Fake::default() };
        let words = ["check", "--config", &path, "--fail-on", fail_on, "a.dcm"];
        assert_eq!(typed(&fake, &words, "").0, exit, "{found:?}");
    }
}
