//! The page as HTML.

use std::cmp::Reverse;

use super::Sheet;
use super::study::{LeftOut, Marking, PRINCIPLES, Study, Word, studies};
use crate::app::words::{self, Language};
use crate::base::visible::visible;
use crate::web::model::{Outcome, Rule, Severity, StudyReport, Untold, grouped};

/// Different values of one finding that are shown; a study may have one for each of its images.
const MOST_VALUES: usize = 5;

/// A4 with margins; nothing is loaded, nothing runs.
const STYLE: &str = "\
@page { size: A4; margin: 14mm 12mm; }
* { box-sizing: border-box; }
body { font: 10pt/1.45 'Noto Sans SC', 'PingFang SC', 'Microsoft YaHei', sans-serif; color: #111; max-width: 186mm; margin: 0 auto; padding: 4mm; }
h1 { font-size: 16pt; margin: 0 0 2mm; } h2 { font-size: 13pt; margin: 6mm 0 2mm; border-bottom: 1px solid #888; } h3 { font-size: 11pt; margin: 4mm 0 1mm; }
.en { color: #555; font-size: 90%; }
table { border-collapse: collapse; width: 100%; margin: 1mm 0 3mm; }
th, td { border: 1px solid #999; padding: 1mm 1.5mm; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
th { background: #eee; } thead { display: table-header-group; } tr { break-inside: avoid; }
td.n, th.n { text-align: right; }
.block, .quarantine, .self_check { font-weight: bold; color: #a00; } .warn { color: #850; }
@media print { body { max-width: none; padding: 0; } section + section { break-before: page; } th { background: none; } }
";

/// HTML in the making. What is put in by `text` is shown as it is, whatever it says.
struct Html(String);

impl Html {
    /// Markup, which is a constant of this module.
    fn raw(&mut self, markup: &str) {
        self.0.push_str(markup);
    }

    fn text(&mut self, text: &str) {
        for c in visible(text).chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                // Would be no text in HTML at all.
                '\u{fffe}' | '\u{ffff}' => self.0.push('\u{fffd}'),
                c => self.0.push(c),
            }
        }
    }

    /// Chinese with English beside it; once, where both are the same.
    fn both(&mut self, zh: &str, en: &str) {
        self.text(zh);
        if zh != en {
            self.raw(" <span class=\"en\" lang=\"en\">");
            self.text(en);
            self.raw("</span>");
        }
    }

    fn word(&mut self, of: impl Fn(Language) -> String) {
        self.both(&of(Language::Chinese), &of(Language::English));
    }

    fn heading(&mut self, level: u8, zh: &str, en: &str) {
        self.raw(&format!("<h{level}>"));
        self.both(zh, en);
        self.raw(&format!("</h{level}>\n"));
    }

    /// A row of a table of names and values.
    fn row(&mut self, (zh, en): (&str, &str), value: impl FnOnce(&mut Self)) {
        self.raw("<tr><th>");
        self.both(zh, en);
        self.raw("</th><td>");
        value(self);
        self.raw("</td></tr>\n");
    }

    fn head(&mut self, columns: &[(&str, &str)]) {
        self.raw("<table>\n<thead><tr>");
        for (zh, en) in columns {
            self.raw("<th>");
            self.both(zh, en);
            self.raw("</th>");
        }
        self.raw("</tr></thead>\n<tbody>\n");
    }

    fn cell(&mut self, fill: impl FnOnce(&mut Self)) {
        self.raw("<td>");
        fill(self);
        self.raw("</td>");
    }

    fn number(&mut self, number: usize) {
        self.raw(&format!("<td class=\"n\">{number}</td>"));
    }

    fn end_table(&mut self) {
        self.raw("</tbody>\n</table>\n");
    }
}

pub(super) fn html(sheet: &Sheet<'_>) -> String {
    let studies = studies(sheet.checked);
    let rules: Vec<Rule> = sheet.book.pages().map(|page| page.rule).collect();
    let mut page = Html(String::new());
    page.raw(Sheet::BEGINNING);
    page.raw(
        "<html lang=\"zh-CN\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>影像质量检查报告 Image quality report</title>\n<style>\n",
    );
    page.raw(STYLE);
    page.raw("</style>\n</head>\n<body>\n<header>\n");
    page.heading(1, "影像质量检查报告", "Image quality report");
    head(&mut page, sheet, &studies, rules.len());
    page.raw("</header>\n");
    for (index, study) in studies.iter().enumerate() {
        section(&mut page, study, index + 1, &rules);
    }
    unreadable(&mut page, sheet);
    page.raw("</body>\n</html>\n");
    page.0
}

fn head(page: &mut Html, sheet: &Sheet<'_>, studies: &[Study<'_>], rules: usize) {
    let made = sheet.offset.to_datetime(sheet.made).strftime("%Y-%m-%d %H:%M:%S").to_string();
    let objects: usize = studies.iter().map(|study| study.objects).sum();
    let faulty: usize = studies.iter().map(|study| study.faulty).sum();
    page.raw("<table>\n<tbody>\n");
    page.row(("生成时间", "made"), |page| page.text(&format!("{made} (UTC{})", sheet.offset)));
    page.row(("程序", "program"), |page| {
        page.text(&format!("markgate {}", env!("CARGO_PKG_VERSION")));
    });
    page.row(("规则集", "rule set"), |page| {
        for pack in sheet.book.packs() {
            page.both(&pack.title.zh, &pack.title.en);
            page.text(&format!(" [{} {}]", pack.id, pack.version));
            page.raw("<br>");
        }
        let hash = sheet.book.rules().hash();
        page.both(
            &format!("{rules} 条规则，校验值 {hash}"),
            &format!("{rules} rules, hash {hash}"),
        );
    });
    page.row(("检查范围", "what was checked"), |page| {
        let studies = studies.len();
        page.both(
            &format!("{studies} 个检查，{objects} 个影像，其中 {faulty} 个有发现"),
            &format!("{studies} studies, {objects} objects, {faulty} of them with findings"),
        );
    });
    page.raw("</tbody>\n</table>\n");
}

fn section(page: &mut Html, study: &Study<'_>, number: usize, rules: &[Rule]) {
    page.raw("<section>\n");
    page.heading(2, &format!("检查 {number}"), &format!("Study {number}"));
    summary(page, study, rules);
    page.heading(3, "发现的问题数", "Findings by severity and principle");
    counts(page, study);
    if let Some(whole) = study.whole {
        page.heading(3, "检查与序列的问题", "Findings on the study and its series");
        findings_on_whole(page, whole);
    }
    page.heading(3, "影像的问题", "Findings on images");
    findings(page, study);
    if let Some(whole) = study.whole {
        page.heading(3, "检查与序列级规则", "Rules on the study and its series");
        rules_on_whole(page, whole);
    }
    page.heading(3, "未适用或未执行的规则", "Rules that did not apply or were not run");
    left_out(page, study, rules);
    page.raw("</section>\n");
}

fn summary(page: &mut Html, study: &Study<'_>, rules: &[Rule]) {
    fn joined<'t>(texts: impl Iterator<Item = &'t String>) -> String {
        let texts: Vec<&str> = texts.map(String::as_str).collect();
        if texts.is_empty() { "—".to_owned() } else { texts.join(", ") }
    }
    page.raw("<table>\n<tbody>\n");
    let uid = study.uid.as_deref().unwrap_or("—");
    page.row(("检查实例 UID", "Study Instance UID"), |page| page.text(uid));
    page.row(("影像数", "objects"), |page| {
        let of = |(modality, count): (&String, &usize)| {
            let modality = if modality.is_empty() { "?" } else { modality };
            format!("{modality} × {count}")
        };
        let modalities: Vec<String> = study.modalities.iter().map(of).collect();
        page.text(&format!("{} ({})", study.objects, modalities.join(", ")));
    });
    page.row(("检查日期", "exam date"), |page| page.text(&joined(study.exam_dates.iter())));
    page.row(("机构", "institution"), |page| page.text(&joined(study.institutions.iter())));
    page.row(("检查项目", "items"), |page| page.text(&joined(study.items.iter())));
    page.row(("互认标识", "marks"), |page| {
        for (marking, count) in &study.marks {
            match marking {
                Marking::Mark(mark) => page.text(&format!("{mark} × {count}")),
                Marking::NoMark(code) => {
                    let reason = words::reason(code);
                    let (zh, en) = reason.map_or(("", ""), |word| (word.zh, word.en));
                    page.both(
                        &format!("无标识（{code} {zh}）× {count}"),
                        &format!("no mark ({code}: {en}) × {count}"),
                    );
                }
            }
            page.raw("<br>");
        }
    });
    if study.whole.is_some_and(|whole| whole.mark_withheld) {
        page.row(("检查的判定", "decision on the study"), |page| {
            page.both(
                "因检查或序列的问题不加互认标识",
                "no mark, for what was found on the study and its series",
            );
        });
    }
    page.row(("扣留", "held in quarantine"), |page| page.text(&study.held.to_string()));
    page.row(("规则", "rules"), |page| {
        let (mut met, mut failed) = (0, 0);
        for fared in study.rules.values().filter(|fared| fared.applied()) {
            if fared.failed == 0 { met += 1 } else { failed += 1 }
        }
        let rest = rules.len().saturating_sub(met + failed);
        page.both(
            &format!("{met} 条符合，{failed} 条有不符合，{rest} 条未适用或未执行"),
            &format!("{met} met, {failed} not met somewhere, {rest} not applicable or not run"),
        );
    });
    page.raw("</tbody>\n</table>\n");
}

/// The severities of the table, gravest first.
const SEVERITIES: [Severity; 5] =
    [Severity::Quarantine, Severity::SelfCheck, Severity::Block, Severity::Warn, Severity::Info];

fn counts(page: &mut Html, study: &Study<'_>) {
    page.raw("<table class=\"counts\">\n<thead><tr><th></th>");
    for principle in PRINCIPLES {
        page.raw("<th class=\"n\">");
        page.word(|language| language.word(words::principle(principle)).to_owned());
        page.raw("</th>");
    }
    page.raw("<th class=\"n\">");
    page.both("合计", "all");
    page.raw("</th></tr></thead>\n<tbody>\n");
    for severity in SEVERITIES {
        let count = |principle| {
            let key = (Reverse(severity), Word(principle));
            study.counts.get(&key).copied().unwrap_or_default()
        };
        let all: usize = PRINCIPLES.map(count).iter().sum();
        if all == 0 && severity == Severity::SelfCheck {
            continue;
        }
        page.raw(&format!("<tr data-severity=\"{}\"><th>", words::severity(severity).en));
        page.word(|language| language.word(words::severity(severity)).to_owned());
        page.raw("</th>");
        for principle in PRINCIPLES {
            page.number(count(principle));
        }
        page.number(all);
        page.raw("</tr>\n");
    }
    page.end_table();
}

fn findings(page: &mut Html, study: &Study<'_>) {
    if study.findings.is_empty() {
        page.raw("<p>");
        page.both("无", "none");
        page.raw("</p>\n");
        return;
    }
    page.head(&[
        ("规则", "rule"),
        ("后果", "severity"),
        ("原则", "principle"),
        ("依据", "authority"),
        ("属性", "attribute"),
        ("值", "value"),
        ("说明", "message"),
        ("影像数", "objects"),
    ]);
    for ((Reverse(severity), rule, attribute), group) in &study.findings {
        let most = group.most_seen(MOST_VALUES);
        for variant in most.shown {
            page.raw("<tr class=\"finding\">");
            page.cell(|page| page.text(rule));
            let word = words::severity(*severity);
            page.raw(&format!("<td class=\"{}\">", word.en));
            page.both(word.zh, word.en);
            page.raw("</td>");
            page.cell(|page| {
                page.word(|language| language.word(words::principle(group.principle)).to_owned());
            });
            page.cell(|page| {
                page.word(|language| words::authority_in(language, &group.authority).to_owned());
            });
            page.cell(|page| page.text(attribute.as_deref().unwrap_or("—")));
            page.cell(|page| page.text(variant.value.unwrap_or("—")));
            page.cell(|page| page.both(variant.zh, variant.en));
            page.number(variant.objects);
            page.raw("</tr>\n");
        }
        if most.others > 0 {
            let others = most.others;
            page.raw("<tr>");
            page.cell(|page| page.text(rule));
            page.raw("<td colspan=\"6\">");
            page.both(&format!("另有 {others} 种不同的值"), &format!("{others} further values"));
            page.raw("</td>");
            page.number(most.objects);
            page.raw("</tr>\n");
        }
    }
    page.end_table();
}

/// What was found on the study and its series: each once, whatever the number of its images.
fn findings_on_whole(page: &mut Html, whole: &StudyReport) {
    if whole.findings.is_empty() {
        page.raw("<p>");
        page.both("无", "none");
        page.raw("</p>\n");
        return;
    }
    page.head(&[
        ("规则", "rule"),
        ("后果", "severity"),
        ("原则", "principle"),
        ("依据", "authority"),
        ("序列", "series"),
        ("说明", "message"),
    ]);
    for finding in &whole.findings {
        page.raw("<tr class=\"on-study\">");
        page.cell(|page| page.text(&finding.rule));
        let word = words::severity(finding.severity);
        page.raw(&format!("<td class=\"{}\">", word.en));
        page.both(word.zh, word.en);
        page.raw("</td>");
        page.cell(|page| {
            page.word(|language| language.word(words::principle(finding.principle)).to_owned());
        });
        page.cell(|page| {
            page.word(|language| words::authority_in(language, &finding.authority).to_owned());
        });
        page.cell(|page| page.text(finding.series_instance_uid.as_deref().unwrap_or("—")));
        page.cell(|page| page.both(&finding.message.zh, &finding.message.en));
        page.raw("</tr>\n");
    }
    page.end_table();
}

/// How each rule on the study and its series fared, and the values that it saw.
fn rules_on_whole(page: &mut Html, whole: &StudyReport) {
    page.head(&[
        ("规则", "rule"),
        ("级别", "level"),
        ("结果", "outcome"),
        ("序列", "series"),
        ("所见的值", "values seen"),
    ]);
    for (trace, series) in grouped(&whole.rules) {
        page.raw("<tr class=\"rule-on-study\">");
        page.cell(|page| page.text(&trace.rule));
        page.cell(|page| page.word(|language| words::level(language, &trace.level).to_owned()));
        page.cell(|page| page.word(|language| words::fared(language, trace)));
        page.cell(|page| match (series, &trace.series_instance_uid) {
            (1, Some(uid)) => page.text(uid),
            (1, None) => page.text("—"),
            (_, _) => page.text(&format!("× {series}")),
        });
        page.cell(|page| {
            for seen in &trace.saw {
                page.text(&format!("{} = ", seen.name));
                match &seen.value {
                    Some(value) => page.text(value),
                    None => page.both("未知", "unknown"),
                }
                page.raw("<br>");
            }
        });
        page.raw("</tr>\n");
    }
    page.end_table();
}

fn left_out(page: &mut Html, study: &Study<'_>, rules: &[Rule]) {
    let left_out = study.left_out(rules);
    if left_out.is_empty() {
        page.raw("<p>");
        page.both("无", "none");
        page.raw("</p>\n");
        return;
    }
    page.head(&[("原因", "why"), ("规则", "rules")]);
    for (why, rules) in left_out {
        page.raw("<tr class=\"left-out\">");
        page.cell(|page| match &why {
            LeftOut::Off => page.both("本院已关闭", "switched off by the site"),
            LeftOut::NoStudy => {
                page.word(|language| language.word(words::untold(Untold::NoStudy)).to_owned());
            }
            LeftOut::DoesNotApply(why) => page.word(|language| words::why_not(language, why)),
        });
        page.cell(|page| page.text(&rules.join(", ")));
        page.raw("</tr>\n");
    }
    page.end_table();
}

fn unreadable(page: &mut Html, sheet: &Sheet<'_>) {
    let unread = sheet.checked.files.iter().filter_map(|file| match &file.outcome {
        Outcome::Unreadable { error } => Some((&file.file, error)),
        Outcome::Judged(_) => None,
    });
    let unread: Vec<_> = unread.collect();
    if unread.is_empty() {
        return;
    }
    page.raw("<section>\n");
    page.heading(2, "无法读取的文件", "Files that could not be read");
    page.head(&[("文件", "file"), ("原因", "why")]);
    for (file, error) in unread {
        page.raw("<tr class=\"unread\">");
        page.cell(|page| page.text(file));
        page.cell(|page| page.text(error));
        page.raw("</tr>\n");
    }
    page.end_table();
    page.raw("</section>\n");
}
