//! From the core's verdicts to what the pages and verbs show: the same facts in fixed shapes.
//!
//! Values of attributes appear here, since whoever asks may see the patient's data. Nothing of this is ever logged.

use std::sync::Arc;

use serde::Deserialize;

use crate::base::time::Timestamp;
use crate::dicom::attribute::{AttributePath, Step, keyword_of};
use crate::dicom::tags;
use crate::expression::{Environment as _, Seen};
use crate::ledger::{DeliveryState, Explained, ObjectState};
use crate::pipeline::{Image, SenderNames, Site, Verdict, judge, subject};
use crate::policy::disposition::Disposition;
use crate::recognition::{AccreditationStatus, EVERY_ITEM, UsedAccreditation};
use crate::stamp::{Obstacle, StampMode};
use crate::standard::pixels::PixelFault;
use crate::standard::{self, ClassGroups, Outcome, RuleSet, RuleTrace, Severity, Subject, facts};
use crate::web::model;

/// Judges an object and tells what came of it.
pub(super) fn report(site: &Site, image: &Image<'_>, now: Timestamp) -> model::Report {
    report_of(&judge(site, image, now), image)
}

/// Judges an object and tells why it came out as it did.
pub(super) fn explanation(site: &Site, image: &Image<'_>, now: Timestamp) -> model::Explanation {
    looked_at(site, image, now).explanation
}

/// An object judged once more, and the rules that it was judged by.
pub(super) struct Again {
    pub explanation: model::Explanation,
    pub rules: Arc<RuleSet>,
}

/// Judges an object and tells why it came out as it did, and by which rules.
pub(super) fn looked_at(site: &Site, image: &Image<'_>, now: Timestamp) -> Again {
    let verdict = judge(site, image, now);
    let peer = image.sender.map(|sender| sender.peer.to_string());
    let names = SenderNames::of(site, image);
    let address = peer.as_deref().unwrap_or_default();
    let pixels = image.pixels();
    let subject = subject(site, image, address, names.as_ref(), now);
    let subject = match &pixels {
        Some(pixels) => subject.with_pixels(pixels, site.rules.looking()),
        None => subject,
    };
    let explanation = model::Explanation {
        report: report_of(&verdict, image),
        shadow: verdict.shadow.iter().map(finding).collect(),
        source: model::Source {
            calling_aet: image.sender.map(|sender| sender.calling.to_string()),
            called_aet: image.sender.map(|sender| sender.called.to_string()),
            peer: peer.clone(),
        },
        institution_name: facts::identity::institution_name(&subject),
        exam_date_from: verdict.decision.exam_date.and_then(|_| exam_date_from(&subject)),
        rules: traces(&verdict.rules, &subject),
        accreditation: verdict.decision.accreditation.as_ref().and_then(|used| row(site, used)),
        custody: None,
    };
    Again { explanation, rules: verdict.rules }
}

pub(super) fn report_of(verdict: &Verdict, image: &Image<'_>) -> model::Report {
    let decision = &verdict.decision;
    let mut findings: Vec<model::Finding> = verdict.findings.iter().map(finding).collect();
    // Stable: within a severity, the order of the packs.
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    model::Report {
        sop_class_uid: some(image.sop_class),
        sop_instance_uid: image.scan.header.string(tags::SOP_INSTANCE_UID),
        modality: verdict.modality.clone(),
        findings,
        exam_date: decision.exam_date,
        institution: decision.institution.as_ref().map(ToString::to_string),
        items: decision.items.iter().map(ToString::to_string).collect(),
        scopes: decision.scopes.iter().map(ToString::to_string).collect(),
        mark: verdict.mark().map(str::to_owned),
        reason: verdict.reason().map(|reason| reason.as_code().to_owned()),
        modes: verdict.modes.iter().map(ToString::to_string).collect(),
        corner: verdict.corner.map(|corner| corner.as_str().to_owned()),
        fallen_back: verdict.fallen_back.iter().map(fallen_back).collect(),
        disposition: match verdict.disposition {
            Disposition::Forward => model::Disposition::Forward,
            Disposition::Hold(_) => model::Disposition::Quarantine,
        },
    }
}

/// A mode that could not be had.
pub(super) fn fallen_back((mode, obstacle): &(StampMode, Obstacle)) -> model::FallenBack {
    model::FallenBack {
        mode: mode.to_string(),
        reason: obstacle.as_code().to_owned(),
        obstacle: obstacle.to_string(),
    }
}

/// A text that says something.
pub(super) fn some(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn finding(finding: &standard::Finding) -> model::Finding {
    model::Finding {
        rule: finding.rule.clone(),
        principle: principle(finding.principle),
        severity: severity(finding.severity),
        authority: finding.authority.as_str().to_owned(),
        attribute: finding.attribute.clone(),
        value: finding.value.as_ref().map(|value| value.for_eyes().to_owned()),
        message: model::Message { zh: finding.message_zh.clone(), en: finding.message_en.clone() },
    }
}

pub(super) fn principle(principle: standard::Principle) -> model::Principle {
    match principle {
        standard::Principle::Accuracy => model::Principle::Accuracy,
        standard::Principle::Completeness => model::Principle::Completeness,
        standard::Principle::Standardization => model::Principle::Standardization,
        standard::Principle::Timeliness => model::Principle::Timeliness,
        standard::Principle::Readability => model::Principle::Readability,
        standard::Principle::Consistency => model::Principle::Consistency,
    }
}

pub(super) fn severity(severity: Severity) -> model::Severity {
    match severity {
        Severity::Info => model::Severity::Info,
        Severity::Warn => model::Severity::Warn,
        Severity::Block => model::Severity::Block,
        Severity::Quarantine => model::Severity::Quarantine,
        Severity::SelfCheck => model::Severity::SelfCheck,
    }
}

/// The attribute that gives the day of the examination: the first of those that are asked that is there.
fn exam_date_from(subject: &Subject<'_>) -> Option<String> {
    let step = |sequence| Step { sequence, item: 0 };
    let frame = AttributePath {
        steps: vec![
            step(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE),
            step(tags::FRAME_CONTENT_SEQUENCE),
        ],
        tag: tags::FRAME_ACQUISITION_DATE_TIME,
    };
    let paths = [
        AttributePath::top(tags::ACQUISITION_DATE),
        AttributePath::top(tags::ACQUISITION_DATE_TIME),
        frame,
        AttributePath::top(tags::SERIES_DATE),
        AttributePath::top(tags::STUDY_DATE),
    ];
    paths.iter().find(|path| subject.nested(path).is_known()).map(|path| keyword_of(path.tag))
}

fn traces(rules: &RuleSet, subject: &Subject<'_>) -> Vec<model::RuleTrace> {
    let of = |trace: RuleTrace| {
        let rule = rules.rules().iter().find(|rule| rule.id == trace.rule)?;
        let (outcome, severe) = match trace.outcome {
            // Not looked at.
            Outcome::Off => return None,
            Outcome::NotApplicable | Outcome::Undecided => {
                (model::RuleOutcome::NotApplicable, rule.gravest())
            }
            Outcome::Met => (model::RuleOutcome::Passed, rule.gravest()),
            Outcome::NotMet(severe) if trace.shadow => (model::RuleOutcome::Shadow, severe),
            Outcome::NotMet(severe) => (model::RuleOutcome::Failed, severe),
        };
        Some(model::RuleTrace {
            rule: trace.rule,
            outcome,
            severity: severity(severe),
            level: rule.level.as_str().to_owned(),
            applies: rule.applies.map(words).unwrap_or_default(),
            saw: trace.seen.iter().map(seen).chain(trace.unseen.map(unseen_pixels)).collect(),
        })
    };
    rules.explain(subject).into_iter().filter_map(of).collect()
}

fn seen(seen: &Seen) -> model::Seen {
    let name = seen.operand.strip_prefix("dcm.").unwrap_or(&seen.operand);
    let value = seen.value.expose();
    let value = value.is_known().then(|| value.to_string());
    model::Seen { name: name.to_owned(), value }
}

/// Why a rule saw no pixels.
fn unseen_pixels(fault: PixelFault) -> model::Seen {
    model::Seen { name: "pixel".to_owned(), value: Some(fault.to_string()) }
}

/// The row of the registry that a decision rests on.
fn row(site: &Site, used: &UsedAccreditation) -> Option<model::AccreditationUsed> {
    let rows = site.registry.accreditations();
    rows.iter().find(|row| row.row == used.row).map(accreditation)
}

fn accreditation(row: &crate::recognition::Accreditation) -> model::AccreditationUsed {
    let items = match &row.items {
        None => vec![EVERY_ITEM.to_owned()],
        Some(items) => items.iter().map(ToString::to_string).collect(),
    };
    model::AccreditationUsed {
        institution: row.institution.to_string(),
        items,
        scope: row.scope.to_string(),
        valid_from: row.valid_from,
        valid_to: row.valid_to,
        status: status(row.status).to_owned(),
    }
}

fn status(status: AccreditationStatus) -> &'static str {
    match status {
        AccreditationStatus::Active => "active",
        AccreditationStatus::Pending => "pending",
        AccreditationStatus::Suspended => "suspended",
        AccreditationStatus::Revoked => "revoked",
    }
}

/// The words of groups of SOP classes.
pub(super) fn words(groups: ClassGroups) -> Vec<String> {
    groups.iter().map(|group| group.as_str().to_owned()).collect()
}

/// A verdict as the ledger keeps it, without values.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Recorded {
    findings: Vec<RecordedFinding>,
    shadow: Vec<RecordedFinding>,
    exam_date: Option<String>,
    institution: Option<String>,
    items: Vec<String>,
    scopes: Vec<String>,
    accreditation: Option<String>,
    modes: Vec<String>,
    corner: Option<String>,
    fallbacks: Vec<model::FallenBack>,
}

#[derive(Debug, Deserialize)]
struct RecordedFinding {
    rule: String,
    severity: String,
    attribute: Option<String>,
}

/// Why an object in custody was judged as it was. What was decided is taken from the ledger, since the rules may have changed
/// since; `seen` is the object judged again, for the values in it, where its file is still there.
pub(super) fn recorded(site: &Site, entry: &Explained, seen: Option<Again>) -> model::Explanation {
    let verdict = entry.verdict.as_ref();
    // By other rules than those in force now, other things may have been seen.
    let by_these = seen.as_ref().zip(verdict);
    let by_these = by_these.is_some_and(|(seen, told)| told.versions.rules == seen.rules.hash());
    // Written by this program; if it cannot be read, mark and reason beside it can.
    let told: Recorded =
        verdict.and_then(|verdict| serde_json::from_str(&verdict.report).ok()).unwrap_or_default();
    let mut explanation = seen.map_or_else(|| unseen(entry), |seen| seen.explanation);
    let values = std::mem::take(&mut explanation.report.findings);
    let findings = told.findings.into_iter().map(|finding| found(site, finding, &values));
    let tried = std::mem::take(&mut explanation.shadow);
    let shadow = told.shadow.into_iter().map(|finding| found(site, finding, &tried));
    explanation.shadow = shadow.collect();
    let held = !entry.reasons.is_empty();
    let accreditations = site.registry.accreditations();
    explanation.accreditation = told
        .accreditation
        .and_then(|label| accreditations.iter().find(|row| row.label() == label))
        .map(accreditation);
    explanation.report = model::Report {
        findings: findings.collect(),
        exam_date: told.exam_date.and_then(|date| date.parse().ok()),
        institution: told.institution,
        items: told.items,
        scopes: told.scopes,
        mark: verdict.and_then(|verdict| verdict.mark.clone()),
        reason: verdict.and_then(|verdict| verdict.reason.clone()),
        modes: told.modes,
        corner: told.corner,
        fallen_back: told.fallbacks,
        disposition: if held {
            model::Disposition::Quarantine
        } else {
            model::Disposition::Forward
        },
        ..explanation.report
    };
    if !by_these {
        explanation.rules.clear();
    }
    if explanation.report.exam_date.is_none() {
        explanation.exam_date_from = None;
    }
    explanation.custody = Some(custody(entry));
    explanation
}

/// What can be told of an object whose file is gone.
fn unseen(entry: &Explained) -> model::Explanation {
    model::Explanation {
        report: model::Report {
            sop_class_uid: None,
            sop_instance_uid: some(entry.sop_instance.as_str()),
            modality: None,
            findings: Vec::new(),
            exam_date: None,
            institution: None,
            items: Vec::new(),
            scopes: Vec::new(),
            mark: None,
            reason: None,
            modes: Vec::new(),
            corner: None,
            fallen_back: Vec::new(),
            disposition: model::Disposition::Forward,
        },
        shadow: Vec::new(),
        source: model::Source { calling_aet: some(&entry.source), called_aet: None, peer: None },
        institution_name: None,
        exam_date_from: None,
        rules: Vec::new(),
        accreditation: None,
        custody: None,
    }
}

/// A recorded finding with the words of its rule, and the value where the object still shows it.
fn found(site: &Site, recorded: RecordedFinding, values: &[model::Finding]) -> model::Finding {
    let grave = Severity::of_word(&recorded.severity).unwrap_or(Severity::Info);
    let seen = values
        .iter()
        .find(|seen| seen.rule == recorded.rule && seen.attribute == recorded.attribute);
    if let Some(seen) = seen {
        return model::Finding { severity: severity(grave), ..seen.clone() };
    }
    let rule = site.rules.site().rules().iter().find(|rule| rule.id == recorded.rule);
    let check = rule.and_then(|rule| {
        rule.checks.iter().find(|check| check.severity == grave).or(rule.checks.first())
    });
    let message = match check {
        Some(check) => {
            model::Message { zh: check.zh.without_values(), en: check.en.without_values() }
        }
        None => model::Message {
            zh: "该规则已不在规则包中".to_owned(),
            en: "the rule is no longer in the packs".to_owned(),
        },
    };
    let of_rule = rule.map(|rule| (rule.principle, rule.authority));
    let (served, authority) =
        of_rule.unwrap_or((standard::Principle::Standardization, standard::Authority::Judgement));
    model::Finding {
        rule: recorded.rule,
        principle: principle(served),
        severity: severity(grave),
        authority: authority.as_str().to_owned(),
        attribute: recorded.attribute,
        value: None,
        message,
    }
}

fn custody(entry: &Explained) -> model::Custody {
    let state = match entry.state {
        ObjectState::Received | ObjectState::Forwarding => "in_flight",
        ObjectState::Held => "held",
        ObjectState::Delivered => "delivered",
        ObjectState::Rejected => "rejected",
        ObjectState::Suppressed => "suppressed",
        ObjectState::Lost => "lost",
    };
    let deliveries = entry.deliveries.iter().filter_map(|delivery| {
        Some(model::QueueEntry {
            id: format!("{}/{}", entry.id, delivery.destination),
            object: entry.id.to_string(),
            sop_instance_uid: entry.sop_instance.to_string(),
            study_instance_uid: some(entry.study.as_str()),
            destination: delivery.destination.clone(),
            state: queue_state(delivery.state)?,
            attempts: delivery.attempts,
            last_error: some(&delivery.last_error),
            received: entry.received,
            next_attempt: next_attempt(delivery.state, delivery.due),
        })
    });
    model::Custody {
        id: entry.id.to_string(),
        received: entry.received,
        state: state.to_owned(),
        judged: entry.verdict.as_ref().map(|verdict| verdict.at),
        deliveries: deliveries.collect(),
    }
}

/// How a delivery stands; `None` when it is done.
pub(super) fn queue_state(state: DeliveryState) -> Option<model::QueueState> {
    match state {
        DeliveryState::Queued => Some(model::QueueState::Queued),
        DeliveryState::Sending => Some(model::QueueState::Sending),
        DeliveryState::Deferred => Some(model::QueueState::Deferred),
        DeliveryState::Held => Some(model::QueueState::Held),
        DeliveryState::Delivered => None,
    }
}

/// When a delivery is tried next, where that is a matter of time.
pub(super) fn next_attempt(state: DeliveryState, due: Timestamp) -> Option<Timestamp> {
    match state {
        DeliveryState::Queued | DeliveryState::Deferred => Some(due),
        DeliveryState::Sending | DeliveryState::Held | DeliveryState::Delivered => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixture::{loaded, noon, scan};
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
        };
        let again = looked_at(site, &image, noon());
        assert_eq!(report(site, &image, noon()), again.explanation.report);
        again
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
            let told = recorded(&site, &entry, seen);
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
            assert_eq!(told.rules.is_empty(), !with_file);
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
        let told = recorded(&site, &entry, Some(again(&site, &specimen)));
        assert_eq!((told.rules, told.report.findings), (vec![], vec![]));
        assert_eq!(told.report.reason.as_deref(), Some("QUALITY_BLOCK"));
    }
}
