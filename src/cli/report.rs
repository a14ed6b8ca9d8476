//! Judgements as text for people.

use super::table::{pairs, plain, table};
use crate::app::words::{self, Language};
use crate::web::model::{
    AccreditationUsed, Copied, CopyKind, Custody, Explanation, FallenBack, FileReport, Finding,
    Message, Outcome, Report, RuleTrace, StudyFinding, StudyReport, grouped,
};

/// One file of `check`.
pub(super) fn checked(file: &FileReport<Report>, language: Language) -> String {
    let name = plain(&file.file);
    match &file.outcome {
        Outcome::Unreadable { error } => unreadable(&name, error, language),
        Outcome::Judged(report) => format!(
            "{name}: {}\n{}{}",
            verdict(report, language),
            basis(report, None, language),
            findings(report, language)
        ),
    }
}

/// One study of `check`: what was decided and found, and how each rule on it and its series fared.
pub(super) fn checked_study(study: &StudyReport, language: Language) -> String {
    let (uid, instances) = (plain(&study.study_instance_uid), study.instances);
    let marks = study.marks.iter().map(|of| {
        let mark = mark(of.mark.as_deref(), of.reason.as_deref(), language);
        format!("{mark} × {}", of.objects)
    });
    let marks = plain(&marks.collect::<Vec<_>>().join(language.of("，", ", ")));
    let withheld = match study.mark_withheld {
        true => {
            language.of("，因检查或序列的问题不加标识", "; no mark for what was found on the study")
        }
        false => "",
    };
    let mut text = match language {
        Language::Chinese => format!("检查 {uid}：{instances} 个影像，{marks}{withheld}\n"),
        Language::English => format!("study {uid}: {instances} instances, {marks}{withheld}\n"),
    };
    for found in &study.findings {
        text.push_str(&study_finding(found, language));
    }
    for (trace, series) in grouped(&study.rules) {
        text.push_str(&trace_line(trace, series, language));
    }
    text
}

fn study_finding(found: &StudyFinding, language: Language) -> String {
    let severity = language.word(words::severity(found.severity));
    let series = found
        .series_instance_uid
        .as_deref()
        .map(|uid| format!(" [{} {}]", language.of("序列", "series"), plain(uid)));
    let (rule, series) = (plain(&found.rule), series.unwrap_or_default());
    format!("  {severity} {rule}{series}: {}\n", plain(language.message(&found.message)))
}

fn unreadable(name: &str, error: &str, language: Language) -> String {
    format!("{name}: {}: {}\n", language.of("无法读取", "cannot be read"), plain(error))
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
pub(super) fn explained_file(file: &FileReport<Explanation>, language: Language) -> String {
    let name = plain(&file.file);
    match &file.outcome {
        Outcome::Unreadable { error } => unreadable(&name, error, language),
        Outcome::Judged(explanation) => explained(&name, explanation, language),
    }
}

/// Why an object was judged as it was.
pub(super) fn explained(name: &str, explanation: &Explanation, language: Language) -> String {
    let report = &explanation.report;
    let source = &explanation.source;
    let mut text = format!("{name}: {}\n", verdict(report, language));
    if let Some(held) = &explanation.custody {
        text.push_str(&custody(held, language));
    }
    let rows = [
        (language.of("SOP 类", "SOP class"), report.sop_class_uid.clone()),
        (language.of("SOP 实例", "SOP instance"), report.sop_instance_uid.clone()),
        (language.of("主叫 AE", "calling AE title"), source.calling_aet.clone()),
        (language.of("被叫 AE", "called AE title"), source.called_aet.clone()),
        (language.of("来源地址", "peer"), source.peer.clone()),
        (language.of("机构名称", "Institution Name"), explanation.institution_name.clone()),
    ];
    text.push_str(&pairs("  ", &rows));
    text.push_str(&basis(report, explanation.exam_date_from.as_deref(), language));
    if let Some(row) = &explanation.accreditation {
        text.push_str(&accreditation(row, language));
    }
    text.push_str(&findings(report, language));
    for rule in &explanation.rules {
        text.push_str(&trace(rule, explanation, language));
    }
    text
}

fn custody(custody: &Custody, language: Language) -> String {
    let rows = [
        ("id", Some(custody.id.clone())),
        (language.of("接收", "received"), Some(custody.received.to_string())),
        (language.of("判定", "judged"), custody.judged.map(|at| at.to_string())),
        (language.of("状态", "state"), Some(custody.state.clone())),
    ];
    let mut text = pairs("  ", &rows);
    for delivery in &custody.deliveries {
        let error = delivery.last_error.as_deref().map(plain).unwrap_or_default();
        let (to, state) = (plain(&delivery.destination), super::gate::queue_state(delivery.state));
        let attempts = delivery.attempts;
        text.push_str(&match language {
            Language::Chinese => format!("  发往 {to}：{state}，已试 {attempts} 次 {error}\n"),
            Language::English => format!("  to {to}: {state}, {attempts} attempts {error}\n"),
        });
    }
    text
}

fn accreditation(row: &AccreditationUsed, language: Language) -> String {
    let until = row.valid_to.map(|day| day.to_string());
    let until = until.unwrap_or_else(|| language.of("无期限", "no end").to_owned());
    let (institution, items) = (plain(&row.institution), plain(&row.items.join(", ")));
    let (scope, from, status) = (plain(&row.scope), row.valid_from, plain(&row.status));
    match language {
        Language::Chinese => {
            format!(
                "  所用资格：{institution}，项目 {items}，{scope}，{from} 至 {until}，{status}\n"
            )
        }
        Language::English => format!(
            "  accreditation: {institution} for {items}, {scope} from {from} to {until}, {status}\n"
        ),
    }
}

/// One rule: how it fared, why it does not apply, what it saw, and what it says.
fn trace(trace: &RuleTrace, explanation: &Explanation, language: Language) -> String {
    let mut text = trace_line(trace, 1, language);
    let own = explanation.report.findings.iter();
    let own = own.filter(|found| found.rule == trace.rule).map(|found| &found.message);
    let of_study = explanation.study.iter().flat_map(|study| &study.findings);
    let of_study = of_study.filter(|found| {
        found.rule == trace.rule && found.series_instance_uid == trace.series_instance_uid
    });
    let mut said: Vec<&Message> = own.chain(of_study.map(|found| &found.message)).collect();
    // An image that waited for its study has among its findings what was found on that.
    said.dedup();
    for message in said {
        text.push_str(&format!("    {}\n", plain(language.message(message))));
    }
    text
}

/// How a rule fared, why it does not apply, and what it saw, of one series or of so many that fared alike.
fn trace_line(trace: &RuleTrace, series: usize, language: Language) -> String {
    let saw: Vec<String> = trace
        .saw
        .iter()
        .map(|seen| {
            let value = seen.value.as_deref().unwrap_or(language.of("未知", "unknown"));
            format!("{} = {}", plain(&seen.name), plain(value))
        })
        .collect();
    let (rule, fared) = (plain(&trace.rule), plain(&words::fared(language, trace)));
    let mut text = format!("  {} {rule} {fared}", language.of("规则", "rule"));
    if trace.level != "instance" && !trace.level.is_empty() {
        let level = plain(&trace.level);
        let level = words::level(language, &level);
        text.push_str(&match (series, trace.series_instance_uid.as_deref()) {
            (1, Some(uid)) => format!(" [{level} {}]", plain(uid)),
            (1, None) => format!(" [{level}]"),
            (_, _) => format!(" [{level} × {series}]"),
        });
    }
    if !saw.is_empty() {
        text.push_str(&format!(": {}", saw.join("; ")));
    }
    text.push('\n');
    text
}

/// Modality, fate and mark in a few words.
fn verdict(report: &Report, language: Language) -> String {
    let modality = report.modality.as_deref();
    let modality = modality.unwrap_or(language.of("无检查类型", "no modality"));
    let fate = language.word(words::disposition(report.disposition));
    let mark = mark(report.mark.as_deref(), report.reason.as_deref(), language);
    let comma = language.of("，", ", ");
    plain(&format!("{modality}{comma}{fate}{comma}{mark}"))
}

/// The mark, or the reason for none.
fn mark(mark: Option<&str>, reason: Option<&str>, language: Language) -> String {
    match (mark, reason, language) {
        (Some(mark), _, Language::Chinese) => format!("标识 {mark}"),
        (Some(mark), _, Language::English) => format!("marked {mark}"),
        (None, Some(code), Language::Chinese) => {
            let reason = words::reason(code).map_or("", |word| word.zh);
            format!("无标识（{code} {reason}）")
        }
        (None, Some(code), Language::English) => format!("no mark ({code})"),
        (None, None, _) => language.of("无标识", "no mark").to_owned(),
    }
}

/// What the decision rests on.
fn basis(report: &Report, exam_date_from: Option<&str>, language: Language) -> String {
    let list = |codes: &[String]| (!codes.is_empty()).then(|| codes.join(", "));
    let day = report.exam_date.map(|day| match exam_date_from {
        Some(keyword) => format!("{day} ({keyword})"),
        None => day.to_string(),
    });
    let rows = [
        (language.of("检查日期", "exam date"), day),
        (language.of("机构", "institution"), report.institution.clone()),
        (language.of("检查项目", "items"), list(&report.items)),
        (language.of("互认范围", "scopes"), list(&report.scopes)),
        (language.of("标识方式", "shown as"), list(&report.modes)),
        (language.of("位置", "corner"), report.corner.clone()),
    ];
    let fallen_back = report.fallen_back.iter().map(|FallenBack { mode, reason, obstacle }| {
        let name = language.of("未能采用", "not shown as");
        (name, Some(format!("{mode} ({reason}): {obstacle}")))
    });
    let rows: Vec<_> = rows.into_iter().chain(fallen_back).collect();
    pairs("  ", &rows)
}

fn findings(report: &Report, language: Language) -> String {
    report.findings.iter().map(|found| finding(found, language)).collect()
}

fn finding(finding: &Finding, language: Language) -> String {
    let severity = language.word(words::severity(finding.severity));
    let mut line = format!("  {severity} {}", plain(&finding.rule));
    if let Some(attribute) = &finding.attribute {
        line.push_str(&format!(" {}", plain(attribute)));
        if let Some(value) = &finding.value {
            line.push_str(&format!(" = {}", plain(value)));
        }
    }
    line.push_str(&format!(": {}\n", plain(language.message(&finding.message))));
    line
}
