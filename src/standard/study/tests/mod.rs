//! What is found on studies, beyond what each rule says by itself: that is in the matrix of [`coverage`](crate::standard::tests).

mod explaining;
mod fate;
mod ways;

use super::*;
use crate::dicom::tags;
use crate::phantom::Kind;
use crate::standard::tests::studies::{Examination, One, built_in_sets, selection};

#[test]
fn good_studies_have_no_finding_and_nothing_is_undecided() {
    let single = [Kind::Dx, Kind::Cr, Kind::Us, Kind::Xa, Kind::DoseReport];
    let single = single.map(Examination::small);
    let several = [Examination::chest_ct(), Examination::head_mr(), Examination::breasts()];
    for study in several.into_iter().chain([Examination::two_radiographs()]).chain(single) {
        let StudyAssessment { findings, undecided, .. } = study.assess();
        let rules: Vec<&str> = findings.iter().map(|found| found.finding.rule.as_str()).collect();
        let what = study.all[0].specimen().kind();
        assert_eq!((rules, undecided), (Vec::new(), Vec::new()), "{what:?}");
    }
}

#[test]
fn a_rejected_image_bears_no_mark_and_the_others_do() {
    let study = Examination::two_radiographs();
    let rejects = selection("113038", &study.all[0]);
    let study = study.and([rejects]);
    let assessment = study.assess();
    let on = |one: &One| {
        let found = assessment.on(one.part().instance());
        found.findings.iter().any(|finding| finding.rule == "IMG-STU-022.series")
    };
    assert_eq!((on(&study.all[0]), on(&study.all[1])), (true, false));
}

#[test]
fn messages_name_what_was_found_and_nobody() {
    let gap = Examination::chest_ct().less(50..51);
    let assessment = gap.assess();
    let missing = assessment.findings.iter().find(|found| found.finding.rule == "IMG-CT-011");
    let missing = missing.expect("a finding");
    assert_eq!(
        missing.finding.message_en,
        "1 slices of a CT series are missing by Image Position (0020,0032); 0 are expected"
    );
    assert!(missing.finding.message_zh.contains("缺少 1 层"));
    assert_eq!(missing.series.as_ref(), Some(&gap.all[5].specimen().series_instance()));
}

#[test]
fn the_order_of_arrival_does_not_change_what_is_found() {
    let other = One::small(Kind::Dx, 1, 1).text(tags::PATIENT_SEX, "O");
    let study = Examination::head_mr().less(2..3).and([other]);
    let mut parts: Vec<Part> = study.all.iter().map(One::part).collect();
    let assess = |parts: &[Part]| {
        let mut study = Study::begun_by(&parts[0]);
        parts.iter().for_each(|part| study.add(part));
        let beside = Beside::default();
        built_in_sets().assess_study(&Look::at(&study, &beside))
    };
    let first = assess(&parts);
    assert!(first.findings.len() > 2);
    for turn in 1..parts.len() {
        parts.rotate_left(turn);
        assert_eq!(assess(&parts), first);
        parts.reverse();
        assert_eq!(assess(&parts), first);
    }
}
