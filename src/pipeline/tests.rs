use jiff::civil::date;
use jiff::tz::Offset;

use super::*;
use crate::base::limits::Limits;
use crate::base::time::Timestamp;
use crate::dicom::transfer_syntax::TransferSyntax;
use crate::dicom::{VR, tags};
use crate::object::splice::MadeBytes;
use crate::object::{Scan, scan_reader, splice};
use crate::phantom::{DataSet, Fault, INSTITUTION, Kind, Specimen, Value};
use crate::policy::admission::Source;
use crate::policy::disposition::{Disposition, HoldReason};
use crate::recognition::{
    AccreditationRow, AccreditationStatus, Decision, EVERY_ITEM, InstitutionId, InstitutionRow,
    ItemRow, Reason, Rows,
};
use crate::stamp::StampMode;
use crate::standard::{
    Announced, Assessment, Authority, Change, Changes, Finding, Pack, Principle, Severity,
    declarations,
};

/// A site that marks CT of the phantoms' institution, `here`, and has one destination, `pacs`.
pub(crate) fn site() -> Site {
    let declarations = declarations();
    let accreditation = |scope: &str| AccreditationRow {
        institution: "here".into(),
        items: vec![EVERY_ITEM.into()],
        scope: scope.into(),
        valid_from: date(2026, 4, 1),
        valid_to: None,
        status: AccreditationStatus::Active,
    };
    let rows = Rows {
        scopes: Vec::new(),
        institutions: vec![InstitutionRow {
            id: "here".into(),
            name: INSTITUTION.han.into(),
            short_name: None,
            latin_name: None,
            aliases: Vec::new(),
        }],
        items: vec![ItemRow {
            code: "CT-CHEST".into(),
            name: "胸部CT".into(),
            when: "dcm.Modality == 'CT'".into(),
            scopes: vec!["BJHR".into(), "JJJHR".into()],
        }],
        accreditations: vec![accreditation("BJHR"), accreditation("JJJHR")],
    };
    let (registry, _) = Registry::build(rows, &declarations, "-").expect("good rows");
    let pack = Pack::built_in("db11t2505-2025").expect("a built-in pack");
    let destinations = vec!["pacs".to_owned()];
    Site {
        personnel: None,
        ae: AeTitle::parse("GATE").expect("a title"),
        sources: Vec::new(),
        routes: Routes::build(&[], &destinations, &declarations).expect("no routes"),
        destinations,
        rules: RuleSets::build(&[pack], &Changes::default()).expect("a good pack"),
        registry,
        mark: MarkPolicy::default(),
        modes: StampRows::build(Vec::new(), vec![StampMode::Tag], &declarations).expect("no rows"),
        stamp: StampPolicy::default(),
        unparsable: Unparsable::Hold,
        coerced_status: Status::SUCCESS,
        offset: Offset::constant(8),
        versions: Versions::default(),
    }
}

fn at() -> Timestamp {
    "2026-08-15T04:00:00Z".parse().expect("an instant")
}

fn specimen() -> Specimen {
    Specimen::new(Kind::Ct, 7).study_date(date(2026, 8, 14))
}

/// With an item of the Contributing Equipment Sequence, beside which a mark puts another.
pub(crate) fn with_equipment(specimen: Specimen) -> Specimen {
    let mut item = DataSet::default();
    item.text(tags::MANUFACTURER, "GATEWAY");
    specimen.set(tags::CONTRIBUTING_EQUIPMENT_SEQUENCE, VR::SQ, Value::Items(vec![item]))
}

struct Case {
    specimen: Specimen,
    data_set: Vec<u8>,
    source: Source,
    urgent: bool,
}

impl Case {
    fn of(specimen: Specimen) -> Self {
        let source = Source { institution: Some(InstitutionId::new("here")), ..Source::default() };
        Self { data_set: specimen.data_set(), specimen, source, urgent: false }
    }

    fn scan(&self) -> Scan {
        let syntax = TransferSyntax::of(self.specimen.transfer_syntax().as_str());
        scan_reader(self.data_set.as_slice(), syntax, Limits::default())
            .expect("memory can be read")
    }

    fn judged(&self, site: &Site) -> Verdict {
        self.judged_after(site, None, None)
    }

    /// Judged with what was found on its study.
    fn judged_with(&self, site: &Site, study: Option<&Assessment>) -> Verdict {
        self.judged_after(site, study, None)
    }

    /// Judged with what was found on its study, and behind what was decided on its mark.
    fn judged_after(
        &self,
        site: &Site,
        study: Option<&Assessment>,
        decided: Option<&Decision>,
    ) -> Verdict {
        let scan = self.scan();
        let (class, syntax) = (self.specimen.sop_class(), self.specimen.transfer_syntax());
        let image = Image {
            scan: &scan,
            sender: None,
            source: &self.source,
            sop_class: class.as_str(),
            transfer_syntax: syntax.as_str(),
            announced: Announced::default(),
            urgent: self.urgent,
            workshop: None,
            preferred: &[],
            other_version: false,
            study,
            keys: None,
            decided,
        };
        judge(site, &image, at())
    }

    fn output(&self, verdict: &Verdict) -> Vec<u8> {
        let syntax = TransferSyntax::of(self.specimen.transfer_syntax().as_str());
        let mut out = Vec::new();
        let mut changed = splice::output(
            self.data_set.as_slice(),
            syntax,
            verdict.plan.clone(),
            MadeBytes::none(),
        )
        .unwrap();
        std::io::Read::read_to_end(&mut changed, &mut out).unwrap();
        out
    }
}

#[test]
fn an_entitled_image_bears_the_widest_mark_behind_the_name() {
    let case = Case::of(specimen());
    let verdict = case.judged(&site());
    assert_eq!(verdict.mark(), Some("JJJHR"), "{:?}", verdict.reason());
    assert_eq!(verdict.disposition, Disposition::Forward);
    assert_eq!(verdict.destinations, [0]);
    let out = case.output(&verdict);
    let scan =
        scan_reader(out.as_slice(), TransferSyntax::of("1.2.840.10008.1.2.1"), Limits::default());
    let header = scan.expect("memory can be read").header;
    let name = header.find(tags::INSTITUTION_NAME).expect("a name");
    let text = header.text(name, &header.charset()).expect("kept");
    assert_eq!(text.values, [format!("{}-JJJHR", INSTITUTION.han)]);
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let case = Case::of(specimen());
    let (one, other) = (case.judged(&site()), case.judged(&site()));
    assert_eq!(case.output(&one), case.output(&other));
}

#[test]
fn what_was_decided_is_not_decided_again_and_its_rules_are_asked_all_the_same() {
    let case = Case::of(specimen());
    let first = case.judged(&site());
    let without_right = Case { source: Source::default(), ..Case::of(specimen()) };
    let again = without_right.judged_after(&site(), None, Some(&first.decision));
    assert_eq!(again.decision, first.decision);
    assert!(!first.plan.is_empty() && again.plan.is_empty());
    assert_eq!((&again.findings, &again.tried), (&first.findings, &first.tried));
    assert!(!again.findings.is_empty());
}

#[test]
fn without_an_institution_nothing_is_changed() {
    let case = Case { source: Source::default(), ..Case::of(specimen()) };
    let verdict = case.judged(&site());
    assert_eq!(verdict.reason(), Some(Reason::NoInstitution));
    assert!(verdict.plan.is_empty());
    assert_eq!(case.output(&verdict), case.data_set);
}

#[test]
fn a_hazard_to_identity_is_held_and_an_urgent_one_goes_on() {
    let case = Case::of(specimen().fault(Fault::NoPatientId));
    let verdict = case.judged(&site());
    assert_eq!(
        verdict.disposition,
        Disposition::Hold(vec![HoldReason::Rule("IMG-PAT-003".into())])
    );
    assert_eq!(verdict.mark(), None);
    let urgent = Case { urgent: true, ..case };
    let verdict = urgent.judged(&site());
    assert_eq!(verdict.disposition, Disposition::Forward);
    assert_eq!(verdict.mark(), None, "urgency is no entitlement");
}

#[test]
fn what_forbids_the_mark_of_a_study_is_not_hidden_by_a_milder_finding_of_the_same_rule() {
    let milder = Change { severity: Some(Severity::Warn), ..Change::default() };
    let rules = [("IMG-PAT-003".to_owned(), milder)].into();
    let changes = Changes { rules, ..Changes::default() };
    let pack = Pack::built_in("db11t2505-2025").expect("a built-in pack");
    let site = Site { rules: RuleSets::build(&[pack], &changes).expect("a good pack"), ..site() };
    let case = Case::of(specimen().fault(Fault::NoPatientId));
    assert_eq!(case.judged(&site).mark(), Some("JJJHR"));
    // Another image of the study came a way by which the rule is as grave as it was.
    let found = Finding {
        rule: "IMG-PAT-003".to_owned(),
        principle: Principle::Completeness,
        severity: Severity::Block,
        authority: Authority::Standard,
        attribute: None,
        value: None,
        message_zh: String::new(),
        message_en: String::new(),
    };
    let study = Assessment { findings: vec![found], ..Assessment::default() };
    let verdict = case.judged_with(&site, Some(&study));
    assert_eq!((verdict.mark(), verdict.reason()), (None, Some(Reason::QualityBlock)));
}

#[test]
fn what_cannot_be_walked_is_held_unmarked() {
    let mut case = Case::of(specimen());
    case.data_set.truncate(case.data_set.len() - 100);
    let verdict = case.judged(&site());
    assert_eq!(verdict.disposition, Disposition::Hold(vec![HoldReason::Unparsable]));
    assert_eq!(verdict.reason(), Some(Reason::Unchecked));
    assert!(verdict.plan.is_empty());
}

#[test]
fn a_warning_is_answered_only_for_what_will_be_changed() {
    let warning = Site { coerced_status: Status::COERCION, ..site() };
    let check = |case: &Case, site: &Site, want| {
        assert_eq!(acknowledgement(site, &case.judged(site)), want);
    };
    let marked = Case::of(specimen());
    check(&marked, &warning, Status::COERCION);
    check(&marked, &site(), Status::SUCCESS);
    let unmarked = Case { source: Source::default(), ..Case::of(specimen()) };
    check(&unmarked, &warning, Status::SUCCESS);
}

#[test]
fn what_the_ledger_keeps_has_no_value_of_a_patient() {
    let case = Case::of(specimen().fault(Fault::NoPatientId));
    let report = case.judged(&site()).report();
    assert!(report.contains("IMG-PAT-003"), "{report}");
    let header = case.scan().header;
    for tag in [tags::PATIENT_NAME, tags::PATIENT_BIRTH_DATE, tags::ACCESSION_NUMBER] {
        let element = header.find(tag).expect("a phantom has it");
        let text = header.text(element, &header.charset()).expect("kept");
        let value = text.values.concat();
        assert!(!value.is_empty() && !report.contains(&value), "{tag}");
    }
}

#[test]
fn what_the_ledger_keeps_tells_what_a_mark_rests_on() {
    let verdict = Case::of(specimen()).judged(&site());
    let report: serde_json::Value = serde_json::from_str(&verdict.report()).expect("JSON");
    let told =
        ["mark", "accreditation", "exam_date", "institution"].map(|key| report[key].as_str());
    let label = verdict.decision.accreditation.as_ref().map(|used| used.label.as_str());
    assert_eq!(told, [Some("JJJHR"), label, Some("2026-08-14"), Some("here")]);
    assert!(label.is_some());
}

#[test]
fn a_mark_that_fails_the_look_at_its_own_output_costs_the_mark_alone() {
    // What stands beside the new item cannot be read, so nobody can say what would go out.
    let case = Case::of(with_equipment(specimen()));
    let verdict = case.judged(&site());
    assert_eq!((verdict.mark(), verdict.reason()), (None, Some(Reason::SelfCheck)));
    assert_eq!(verdict.disposition, Disposition::Forward);
    assert_eq!(case.output(&verdict), case.data_set);
    let found = verdict.findings.iter().find(|finding| finding.severity == Severity::SelfCheck);
    assert_eq!(found.map(|finding| finding.rule.as_str()), Some("STP-003"));
    assert!(verdict.report().contains("SELF_CHECK"));
}

#[test]
fn what_the_ledger_keeps_tells_why_a_mode_could_not_be_had() {
    let modes = vec![StampMode::BurnIn, StampMode::Tag];
    let modes = StampRows::build(Vec::new(), modes, &declarations()).expect("no rows");
    let verdict = Case::of(specimen()).judged(&Site { modes, ..site() });
    let report: serde_json::Value = serde_json::from_str(&verdict.report()).expect("JSON");
    let shown: Vec<&str> = verdict.modes.iter().map(|mode| mode.as_str()).collect();
    assert!(shown.contains(&"tag") && !shown.contains(&"burn-in"), "{shown:?}");
    assert_eq!(report["modes"], serde_json::json!(shown));
    let because = "there are no pixels to be marked";
    let fallback =
        |mode| serde_json::json!({ "mode": mode, "reason": "NO_PIXELS", "obstacle": because });
    assert_eq!(report["fallbacks"][0], fallback("burn-in"));
    assert_eq!(report["fallbacks"][1], fallback("strip"));
}
