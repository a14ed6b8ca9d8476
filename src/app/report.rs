//! From the core's verdicts to what the pages and verbs show: the same facts in fixed shapes.
//!
//! Values of attributes appear here, since whoever asks may see the patient's data. Nothing of this is ever logged.

mod studies;

pub(super) use studies::{study_findings, study_traces, without_study};

use std::sync::Arc;

use serde::Deserialize;

use crate::base::time::Timestamp;
use crate::dicom::attribute::{AttributePath, Step, keyword_of};
use crate::dicom::tags;
use crate::dicom::uid::Uid;
use crate::expression::{Environment as _, Seen};
use crate::ledger::{DeliveryState, Explained, ObjectState};
use crate::pipeline::{Image, SenderNames, Site, Verdict, judge, subject};
use crate::policy::disposition::Disposition;
use crate::recognition::{AccreditationStatus, EVERY_ITEM, UsedAccreditation};
use crate::stamp::{Obstacle, StampMode};
use crate::standard::pixels::PixelFault;
use crate::standard::{
    self, ClassGroups, Outcome, Rule, RuleSet, RuleTrace, Severity, Subject, facts,
};
use crate::web::model;

/// Why an object came out as it did, and the rules for the way it came, by which it was judged.
pub(super) struct Again {
    pub explanation: model::Explanation,
    pub rules: Arc<RuleSet>,
}

/// Judges an object and tells why it came out as it did, and by which rules.
pub(super) fn looked_at(site: &Site, image: &Image<'_>, now: Timestamp) -> Again {
    told(site, judge(site, image, now), image, now)
}

/// Tells why an object came out as it did, and by which rules.
pub(super) fn told(site: &Site, verdict: Verdict, image: &Image<'_>, now: Timestamp) -> Again {
    Again { explanation: explanation(site, &verdict, image, now), rules: verdict.rules }
}

/// Why an object came out as it did.
pub(super) fn explanation(
    site: &Site,
    verdict: &Verdict,
    image: &Image<'_>,
    now: Timestamp,
) -> model::Explanation {
    let peer = image.sender.map(|sender| sender.peer.to_string());
    let names = SenderNames::of(site, image);
    let address = peer.as_deref().unwrap_or_default();
    let pixels = image.pixels();
    let subject = subject(site, image, address, names.as_ref(), now);
    let subject = match &pixels {
        Some(pixels) => subject.with_pixels(pixels, site.rules.looking()),
        None => subject,
    };
    model::Explanation {
        report: report_of(verdict, image),
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
        study: None,
    }
}

/// What came of an object.
pub(super) fn report_of(verdict: &Verdict, image: &Image<'_>) -> model::Report {
    let decision = &verdict.decision;
    let mut findings: Vec<model::Finding> = verdict.findings.iter().map(finding).collect();
    // Stable: within a severity, the order of the packs.
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    model::Report {
        sop_class_uid: some(image.sop_class),
        sop_instance_uid: image.scan.header.string(tags::SOP_INSTANCE_UID),
        study_instance_uid: some(verdict.study.as_str()),
        series_instance_uid: some(verdict.series.as_str()),
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
        message: message(finding),
    }
}

fn message(finding: &standard::Finding) -> model::Message {
    model::Message { zh: finding.message_zh.clone(), en: finding.message_en.clone() }
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
    let of = |one: RuleTrace| {
        let rule = rules.rules().iter().find(|rule| rule.id == one.rule)?;
        trace(rule, &one, None)
    };
    rules.explain(subject).into_iter().filter_map(of).collect()
}

/// How a rule fared; `None` when it was switched off.
fn trace(rule: &Rule, trace: &RuleTrace, series: Option<&Uid>) -> Option<model::RuleTrace> {
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
    let saw = trace.seen.iter().map(seen).chain(trace.unseen.map(unseen_pixels)).collect();
    Some(model::RuleTrace {
        outcome,
        severity: severity(severe),
        series_instance_uid: series.map(ToString::to_string),
        saw,
        ..untold(rule, None)
    })
}

/// The trace of a rule that was not run, or of which no more is known.
fn untold(rule: &Rule, why: Option<model::Untold>) -> model::RuleTrace {
    model::RuleTrace {
        rule: rule.id.clone(),
        outcome: model::RuleOutcome::NotRun,
        severity: severity(rule.gravest()),
        level: rule.level.as_str().to_owned(),
        applies: rule.applies.map(words).unwrap_or_default(),
        series_instance_uid: None,
        saw: Vec::new(),
        untold: why,
    }
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
/// since; `seen` is the object judged again, for the values in it, where its file is still there; `study` is what was found on its
/// study.
pub(super) fn recorded(
    site: &Site,
    entry: &Explained,
    seen: Option<Again>,
    study: Option<model::Study>,
) -> model::Explanation {
    let verdict = entry.verdict.as_ref();
    // By other rules than those in force now, other things may have been seen.
    let by_these = seen.as_ref().zip(verdict);
    let by_these = by_these.is_some_and(|(seen, told)| told.versions.rules == seen.rules.hash());
    // Which way an object came is not known without its file.
    let rules = seen.as_ref().map_or(site.rules.site(), |seen| &seen.rules).clone();
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
    let series = explanation.report.series_instance_uid.as_deref();
    let is_in_force = |study: &model::Study| study.rule_set == Some(site.rules.hash());
    let kept = study.as_ref().map(|study| (study, is_in_force(study)));
    let of_study = studies::kept(&rules, entry, kept, series);
    explanation.rules.extend(of_study);
    explanation.study = study;
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
            study_instance_uid: some(entry.study.as_str()),
            series_instance_uid: None,
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
        study: None,
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
mod tests;
