//! What is told of objects judged here and of objects in custody.

use super::*;
use crate::app::fixture::{loaded, loaded_with, noon, scan};
use crate::app::site;
use crate::base::object_id::ObjectId;
use crate::dicom::ae_title::AeTitle;
use crate::ledger::{Delivery, JudgedAs, Versions};
use crate::phantom::{Fault, Kind, Specimen};
use crate::pipeline::Association;
use crate::policy::admission::{Caller, Proof, admit};
use crate::standard::Announced;

fn site() -> Site {
    site::build(&loaded(std::path::Path::new("/")))
}

fn sender() -> Association {
    let title = |title| AeTitle::parse(title).expect("a title");
    let peer = "127.0.0.1".parse().expect("an address");
    Association { calling: title("CT01"), called: title("MARKGATE"), peer }
}

fn explained(site: &Site, specimen: &Specimen) -> model::Explanation {
    again(site, specimen).explanation
}

fn again(site: &Site, specimen: &Specimen) -> Again {
    let (sender, scan) = (sender(), scan(specimen));
    let caller =
        Caller { calling: &sender.calling, peer: sender.peer, proof: Proof::Recorded(None) };
    let source = admit(&site.sources, &caller).expect("a source").source;
    let (sop_class, syntax) = (specimen.sop_class(), specimen.transfer_syntax());
    let image = Image {
        scan: &scan,
        sender: Some(&sender),
        source: &source,
        sop_class: sop_class.as_str(),
        transfer_syntax: syntax.as_str(),
        announced: Announced::default(),
        urgent: false,
        workshop: None,
        preferred: &[],
        other_version: false,
        study: None,
        keys: None,
        decided: None,
    };
    looked_at(site, &image, noon())
}

fn entry(specimen: &Specimen, site: &Site, report: &str) -> Explained {
    Explained {
        id: ObjectId::from_u128(7),
        received: noon(),
        source: "CT01".to_owned(),
        sop_instance: specimen.sop_instance(),
        study: specimen.study_instance(),
        hash: String::new(),
        state: ObjectState::Held,
        reasons: vec!["IMG-PAT-003".to_owned()],
        released: false,
        verdict: Some(JudgedAs {
            version: 1,
            at: noon(),
            mark: None,
            reason: Some("QUALITY_BLOCK".to_owned()),
            report: report.to_owned(),
            plan: Vec::new(),
            versions: Versions { rules: site.versions.rules.clone(), ..Versions::default() },
        }),
        deliveries: vec![Delivery {
            destination: "archive".to_owned(),
            state: DeliveryState::Deferred,
            attempts: 3,
            due: noon(),
            last_error: "busy".to_owned(),
            answer: None,
        }],
    }
}

#[test]
fn a_mark_is_told_with_all_that_it_rests_on() {
    let site = site();
    let specimen = Specimen::new(Kind::Ct, 1).size(8, 8);
    let told = explained(&site, &specimen);
    assert_eq!(told.report.mark.as_deref(), Some("JJJHR"));
    assert_eq!(told.report.reason, None);
    assert_eq!((told.report.modes, told.report.corner), (vec!["tag".to_owned()], None));
    assert_eq!(told.report.fallen_back, []);
    assert_eq!(told.report.disposition, model::Disposition::Forward);
    assert_eq!(told.report.exam_date, Some(jiff::civil::date(2026, 5, 6)));
    assert_eq!(told.report.institution.as_deref(), Some("demo"));
    assert_eq!(told.report.items, ["CT-CHEST"]);
    assert_eq!(told.report.scopes, ["JJJHR"]);
    assert_eq!(told.report.modality.as_deref(), Some("CT"));
    assert_eq!(told.exam_date_from.as_deref(), Some("AcquisitionDate"));
    assert_eq!(told.institution_name.as_deref(), Some("北京示范医院"));
    assert_eq!(told.source.calling_aet.as_deref(), Some("CT01"));
    let used = told.accreditation.expect("the row");
    assert_eq!((used.institution.as_str(), used.status.as_str()), ("demo", "active"));
    assert!(!told.rules.iter().any(|trace| trace.rule == "IMG-ENC-003"), "switched off");
    let passed = told.rules.iter().find(|trace| trace.rule == "IMG-PAT-003");
    let passed = passed.expect("a trace");
    assert_eq!(passed.outcome, model::RuleOutcome::Passed);
    assert!(passed.saw.iter().any(|seen| seen.name == "PatientID" && seen.value.is_some()));
}

#[test]
fn findings_come_gravest_first_and_hold_the_object() {
    let told = explained(&site(), &Specimen::new(Kind::Ct, 1).fault(Fault::NoPatientId));
    let grave: Vec<_> = told.report.findings.iter().map(|finding| finding.severity).collect();
    assert!(grave.is_sorted_by(|one, next| one >= next), "{grave:?}");
    let first = told.report.findings.first().expect("a finding");
    assert_eq!(first.rule, "IMG-PAT-003");
    assert_eq!(first.principle, model::Principle::Completeness);
    assert_eq!((first.attribute.as_deref(), &first.value), (Some("PatientID"), &None));
    assert_eq!(told.report.disposition, model::Disposition::Quarantine);
    assert_eq!(told.report.reason.as_deref(), Some("QUALITY_BLOCK"));
}

#[test]
fn of_an_object_in_custody_that_is_told_which_was_decided() {
    let site = site();
    let specimen = Specimen::new(Kind::Ct, 1).size(8, 8);
    let report = r#"{"findings":[
        {"rule":"IMG-PAT-003","severity":"quarantine","attribute":"PatientID"},
        {"rule":"X-1","severity":"warn","attribute":null}],
        "exam_date":"2026-05-05","institution":"demo","items":["CT-CHEST"],"scopes":[],
        "accreditation":"demo/JJJHR/2026-04-01",
        "modes":["strip","tag"],"corner":"top-left","fallbacks":[
        {"mode":"burn-in","reason":"NO_SAFE_CORNER","obstacle":"no corner is free"}]}"#;
    let entry = entry(&specimen, &site, report);
    for seen in [None, Some(again(&site, &specimen))] {
        let with_file = seen.is_some();
        let told = recorded(&site, &entry, seen, None);
        assert_eq!(told.report.mark, None);
        assert_eq!(told.report.reason.as_deref(), Some("QUALITY_BLOCK"));
        assert_eq!(told.report.exam_date, Some(jiff::civil::date(2026, 5, 5)));
        assert_eq!(told.report.disposition, model::Disposition::Quarantine);
        let rules: Vec<&str> =
            told.report.findings.iter().map(|finding| finding.rule.as_str()).collect();
        assert_eq!(rules, ["IMG-PAT-003", "X-1"]);
        assert_eq!(told.accreditation.as_ref().map(|row| row.scope.as_str()), Some("JJJHR"));
        assert_eq!(told.report.modes, ["strip", "tag"]);
        assert_eq!(told.report.corner.as_deref(), Some("top-left"));
        let reasons = told.report.fallen_back.iter().map(|one| one.reason.as_str());
        assert_eq!(reasons.collect::<Vec<_>>(), ["NO_SAFE_CORNER"]);
        assert_eq!(told.report.modality.is_some(), with_file);
        assert_eq!(told.rules.iter().any(|one| one.level == "instance"), with_file);
        let custody = told.custody.expect("it is in custody");
        assert_eq!((custody.state.as_str(), custody.deliveries.len()), ("held", 1));
        assert_eq!(custody.deliveries[0].id, format!("{}/archive", entry.id));
    }
}

#[test]
fn rules_that_have_changed_since_are_not_shown_as_those_it_was_judged_by() {
    let site = site();
    let specimen = Specimen::new(Kind::Ct, 1).size(8, 8);
    let mut entry = entry(&specimen, &site, "no JSON at all");
    entry.verdict.as_mut().expect("a verdict").versions.rules = "older".to_owned();
    let told = recorded(&site, &entry, Some(again(&site, &specimen)), None);
    assert!(!told.rules.iter().any(|trace| trace.level == "instance"));
    assert_eq!(told.report.findings, []);
    assert_eq!(told.report.reason.as_deref(), Some("QUALITY_BLOCK"));
}

/// What a gate has kept of a study that was judged at noon.
fn settled(site: &Site, specimen: &Specimen) -> model::Study {
    let rules = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
    let found = |series: &str| model::StudyFinding {
        rule: "IMG-CT-011".to_owned(),
        principle: model::Principle::Completeness,
        severity: model::Severity::Block,
        authority: "judgement".to_owned(),
        series_instance_uid: Some(series.to_owned()),
        message: model::Message { zh: "缺1层".to_owned(), en: "1 slice is missing".to_owned() },
    };
    model::Study {
        study_instance_uid: specimen.study_instance().to_string(),
        settled: noon(),
        cause: "quiet".to_owned(),
        instances: 3,
        severity: Some(model::Severity::Block),
        findings: vec![found(specimen.series_instance().as_str()), found("1.2.3")],
        shadow: Vec::new(),
        undecided: rules(&["IMG-CT-014"]),
        met: rules(&["IMG-PAT-009"]),
        not_applicable: rules(&["IMG-MG-003"]),
        rule_set: Some(site.rules.hash()),
    }
}

#[test]
fn what_became_of_rules_on_the_study_is_told_as_far_as_it_is_kept() {
    use model::{RuleOutcome as Fared, Untold};
    let site = site();
    let specimen = Specimen::new(Kind::Ct, 1).size(8, 8);
    let entry = entry(&specimen, &site, "{}");
    let kept = settled(&site, &specimen);
    let told = recorded(&site, &entry, Some(again(&site, &specimen)), Some(kept.clone()));
    assert_eq!(told.study.as_ref(), Some(&kept));
    let of = |told: &model::Explanation, rule: &str| {
        let traces = told.rules.iter().filter(|trace| trace.rule == rule);
        traces.map(|trace| (trace.outcome, trace.untold)).collect::<Vec<_>>()
    };
    let not_kept = Some(Untold::ValuesNotKept);
    // Once: the other series is none of this image's.
    assert_eq!(of(&told, "IMG-CT-011"), [(Fared::Failed, not_kept)]);
    assert_eq!(of(&told, "IMG-CT-014"), [(Fared::NotApplicable, Some(Untold::Undecided))]);
    assert_eq!(of(&told, "IMG-PAT-009"), [(Fared::Passed, not_kept)]);
    assert_eq!(of(&told, "IMG-MG-003"), [(Fared::NotApplicable, not_kept)]);
    let missing = |study: Option<model::Study>, why| {
        let told = recorded(&site, &entry, Some(again(&site, &specimen)), study);
        assert_eq!(of(&told, "IMG-PAT-009"), [(Fared::NotRun, Some(why))]);
        assert_eq!(of(&told, "IMG-CT-011"), [(Fared::NotRun, Some(why))]);
    };
    missing(None, Untold::NotSettled);
    let before = noon().checked_sub(jiff::SignedDuration::from_secs(1)).expect("an instant");
    missing(Some(model::Study { settled: before, ..kept.clone() }), Untold::NotSettled);
    missing(Some(model::Study { rule_set: None, ..kept.clone() }), Untold::OtherRules);
    let nameless = Explained { study: Uid::default(), ..entry.clone() };
    let told = recorded(&site, &nameless, None, None);
    assert_eq!(of(&told, "IMG-PAT-009"), [(Fared::NotRun, Some(Untold::NoStudy))]);
}

/// Two rules on studies that are off here; what comes from CT01 is an exception from the first.
const ONE_IS_ON_AGAIN: &str = r#"
    [rules.override."IMG-PAT-009"]
    off = true
    [rules.override."IMG-CT-014"]
    off = true
    [[rules.exception]]
    rules = ["IMG-PAT-009"]
    sources = ["CT01"]
    off = false
"#;

#[test]
fn a_rule_on_the_study_that_an_exception_switches_on_is_told_of() {
    use model::{RuleOutcome as Fared, Untold};
    let site = site::build(&loaded_with(std::path::Path::new("/"), ONE_IS_ON_AGAIN));
    let specimen = Specimen::new(Kind::Ct, 1).size(8, 8);
    let entry = entry(&specimen, &site, "{}");
    let check = |seen: bool, kept: Option<&[&str]>, want: &[(&str, Fared, Untold)]| {
        let study = kept.map(|met| model::Study {
            findings: Vec::new(),
            undecided: Vec::new(),
            met: met.iter().map(|rule| (*rule).to_owned()).collect(),
            ..settled(&site, &specimen)
        });
        let seen = seen.then(|| again(&site, &specimen));
        let told = recorded(&site, &entry, seen, study);
        let these = |trace: &&model::RuleTrace| {
            ["IMG-PAT-009", "IMG-CT-014"].contains(&trace.rule.as_str())
        };
        let traces = told.rules.iter().filter(these);
        let told: Vec<_> = traces
            .map(|trace| (trace.rule.as_str(), trace.outcome, trace.untold.expect("why")))
            .collect();
        assert_eq!(told, want);
    };
    let not_settled = ("IMG-PAT-009", Fared::NotRun, Untold::NotSettled);
    check(true, None, &[not_settled]);
    let passed = |rule| (rule, Fared::Passed, Untold::ValuesNotKept);
    check(true, Some(&["IMG-PAT-009"]), &[passed("IMG-PAT-009")]);
    // Another member of the study came a way for which it is on.
    check(
        true,
        Some(&["IMG-CT-014"]),
        &[("IMG-PAT-009", Fared::NotRun, Untold::ValuesNotKept), passed("IMG-CT-014")],
    );
    // Without its file the way of an object is not known, and what is kept of its study is.
    check(false, None, &[]);
    check(false, Some(&["IMG-PAT-009"]), &[passed("IMG-PAT-009")]);
}
