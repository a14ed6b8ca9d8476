//! Judgements as text for people.

use super::table::{pairs, plain, table};
use crate::web::model::{
    Copied, CopyKind, Disposition, Explanation, FallenBack, FileReport, Finding, Outcome,
    Principle, Report, RuleOutcome, Severity,
};

pub(super) fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Warn => "warn",
        Severity::Block => "block",
        Severity::Quarantine => "quarantine",
        Severity::SelfCheck => "self_check",
    }
}

pub(super) fn principle(principle: Principle) -> &'static str {
    match principle {
        Principle::Accuracy => "accuracy",
        Principle::Completeness => "completeness",
        Principle::Standardization => "standardization",
        Principle::Timeliness => "timeliness",
        Principle::Readability => "readability",
        Principle::Consistency => "consistency",
    }
}

/// One file of `check`.
pub(super) fn checked(file: &FileReport<Report>) -> String {
    let name = plain(&file.file);
    match &file.outcome {
        Outcome::Unreadable { error } => format!("{name}: cannot be read: {}\n", plain(error)),
        Outcome::Judged(report) => {
            format!("{name}: {}\n{}{}", verdict(report), basis(report, None), findings(report))
        }
    }
}

/// All files of `stamp`: a table, and below it what else is to be told.
pub(super) fn copied(files: &[FileReport<Copied>]) -> String {
    let (mut rows, mut remarks) = (Vec::new(), String::new());
    for file in files {
        let name = plain(&file.file);
        let copied = match &file.outcome {
            Outcome::Judged(copied) => copied,
            Outcome::Unreadable { error } => {
                remarks.push_str(&format!("{name}: not copied: {}\n", plain(error)));
                continue;
            }
        };
        for note in &copied.notes {
            remarks.push_str(&format!("{name}: {}\n", plain(note)));
        }
        let (mark, modes, fallen_back) = match &copied.marked {
            Some(report) => {
                let mark = report.mark.as_ref().or(report.reason.as_ref());
                let fallen_back = report.fallen_back.iter();
                let fallen_back = fallen_back.map(|one| format!("{} ({})", one.mode, one.obstacle));
                (
                    mark.cloned().unwrap_or_default(),
                    report.modes.join(", "),
                    fallen_back.collect::<Vec<_>>().join("; "),
                )
            }
            None => (kind(copied.kind).to_owned(), String::new(), String::new()),
        };
        rows.push([copied.copy.clone(), mark, modes, fallen_back]);
    }
    format!("{}{remarks}", table(["COPY", "MARK", "SHOWN BY", "COULD NOT BE HAD"], &rows))
}

fn kind(kind: CopyKind) -> &'static str {
    match kind {
        CopyKind::Object => "object",
        CopyKind::File => "not DICOM",
        CopyKind::PresentationState => "presentation state",
        CopyKind::Directory => "DICOMDIR",
        CopyKind::Page => "printed",
    }
}

/// One file of `explain`.
pub(super) fn explained_file(file: &FileReport<Explanation>) -> String {
    let name = plain(&file.file);
    match &file.outcome {
        Outcome::Unreadable { error } => format!("{name}: cannot be read: {}\n", plain(error)),
        Outcome::Judged(explanation) => explained(&name, explanation),
    }
}

/// Why an object was judged as it was.
pub(super) fn explained(name: &str, explanation: &Explanation) -> String {
    let report = &explanation.report;
    let source = &explanation.source;
    let mut text = format!("{name}: {}\n", verdict(report));
    if let Some(custody) = &explanation.custody {
        let rows = [
            ("id", Some(custody.id.clone())),
            ("received", Some(custody.received.to_string())),
            ("judged", custody.judged.map(|at| at.to_string())),
            ("state", Some(custody.state.clone())),
        ];
        text.push_str(&pairs("  ", &rows));
        for delivery in &custody.deliveries {
            let error = delivery.last_error.as_deref().map(plain).unwrap_or_default();
            text.push_str(&format!(
                "  to {}: {}, {} attempts {error}\n",
                plain(&delivery.destination),
                super::gate::queue_state(delivery.state),
                delivery.attempts,
            ));
        }
    }
    let rows = [
        ("SOP class", report.sop_class_uid.clone()),
        ("SOP instance", report.sop_instance_uid.clone()),
        ("calling AE title", source.calling_aet.clone()),
        ("called AE title", source.called_aet.clone()),
        ("peer", source.peer.clone()),
        ("Institution Name", explanation.institution_name.clone()),
    ];
    text.push_str(&pairs("  ", &rows));
    text.push_str(&basis(report, explanation.exam_date_from.as_deref()));
    if let Some(row) = &explanation.accreditation {
        let until = row.valid_to.map_or_else(|| "no end".to_owned(), |day| day.to_string());
        text.push_str(&format!(
            "  accreditation: {} for {}, {} from {} to {until}, {}\n",
            plain(&row.institution),
            plain(&row.items.join(", ")),
            plain(&row.scope),
            row.valid_from,
            plain(&row.status),
        ));
    }
    text.push_str(&findings(report));
    for rule in &explanation.rules {
        let outcome = match rule.outcome {
            RuleOutcome::Passed => "passed",
            RuleOutcome::Failed => "failed",
            RuleOutcome::NotApplicable => "does not apply",
            RuleOutcome::Shadow => "failed, counted only",
        };
        let saw: Vec<String> = rule
            .saw
            .iter()
            .map(|seen| {
                let value = seen.value.as_deref().unwrap_or("unknown");
                format!("{} = {}", plain(&seen.name), plain(value))
            })
            .collect();
        text.push_str(&format!("  rule {} {outcome}", plain(&rule.rule)));
        if !saw.is_empty() {
            text.push_str(&format!(": {}", saw.join("; ")));
        }
        text.push('\n');
    }
    text
}

/// Modality, fate and mark in a few words.
fn verdict(report: &Report) -> String {
    let modality = report.modality.as_deref().unwrap_or("no modality");
    let fate = match report.disposition {
        Disposition::Forward => "forwarded",
        Disposition::Quarantine => "held in quarantine",
    };
    let mark = match (&report.mark, &report.reason) {
        (Some(mark), _) => format!("marked {mark}"),
        (None, Some(reason)) => format!("no mark ({reason})"),
        (None, None) => "no mark".to_owned(),
    };
    plain(&format!("{modality}, {fate}, {mark}"))
}

/// What the decision rests on.
fn basis(report: &Report, exam_date_from: Option<&str>) -> String {
    let list = |codes: &[String]| (!codes.is_empty()).then(|| codes.join(", "));
    let day = report.exam_date.map(|day| match exam_date_from {
        Some(keyword) => format!("{day} ({keyword})"),
        None => day.to_string(),
    });
    let rows = [
        ("exam date", day),
        ("institution", report.institution.clone()),
        ("items", list(&report.items)),
        ("scopes", list(&report.scopes)),
        ("shown as", list(&report.modes)),
        ("corner", report.corner.clone()),
    ];
    let fallen_back = report.fallen_back.iter().map(|FallenBack { mode, reason, obstacle }| {
        ("not shown as", Some(format!("{mode} ({reason}): {obstacle}")))
    });
    let rows: Vec<_> = rows.into_iter().chain(fallen_back).collect();
    pairs("  ", &rows)
}

fn findings(report: &Report) -> String {
    report.findings.iter().map(finding).collect()
}

fn finding(finding: &Finding) -> String {
    let mut line = format!("  {} {}", severity(finding.severity), plain(&finding.rule));
    if let Some(attribute) = &finding.attribute {
        line.push_str(&format!(" {}", plain(attribute)));
        if let Some(value) = &finding.value {
            line.push_str(&format!(" = {}", plain(value)));
        }
    }
    line.push_str(&format!(": {} {}\n", plain(&finding.message.en), plain(&finding.message.zh)));
    line
}
