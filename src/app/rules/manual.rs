//! The manual of a pack's rules as Markdown, written from the pack.

use std::collections::BTreeMap;

use super::book::Book;
use crate::app::words::{self, Language, Word};
use crate::web::model::{RuleFact, RulePage, RuleParameter};

/// The areas that rules are of, by what their ids begin with.
const AREAS: &[(&str, Word)] = &[
    ("IMG-ENC", word("编码与对象完整性", "Encoding and integrity of the object")),
    ("IMG-PAT", word("患者身份", "The patient")),
    ("IMG-STU", word("检查、序列、日期与机构", "Study, series, dates and institution")),
    ("IMG-DR", word("普通X线摄影（CR、DX）", "Radiography: CR, DX")),
    ("IMG-CT", word("CT", "CT")),
    ("IMG-MR", word("磁共振（MR）", "Magnetic resonance: MR")),
    ("IMG-MG", word("乳腺摄影（MG、DBT）", "Mammography: MG, DBT")),
    ("IMG-XA", word("血管造影与透视（XA、RF）", "Angiography and fluoroscopy: XA, RF")),
    ("IMG-US", word("超声（US）", "Ultrasound: US")),
    ("IMG-NMPT", word("核医学与PET", "Nuclear medicine and PET")),
    ("IMG-NM", word("核医学（NM）", "Nuclear medicine: NM")),
    ("IMG-PT", word("PET", "PET")),
    ("IMG-SC", word("二次采集（SC）", "Secondary capture: SC")),
    ("IMG-OT", word("其他对象", "Other objects")),
    ("IMG-PIX", word("像素描述", "Description of pixels")),
    ("IMG-CMPR", word("压缩", "Compression")),
    ("IMG-SIG", word("数字签名", "Digital signatures")),
    ("PIX", word("像素内容", "What the pixels show")),
    ("STU", word("整个检查", "The study as a whole")),
    ("PER", word("人员", "Personnel")),
    ("MRK", word("标识自检", "Marks: what the gate itself writes")),
    ("STP", word("标识图形自检", "Stamps: what the gate itself draws")),
    ("RPT", word("报告", "Reports")),
];

const fn word(zh: &'static str, en: &'static str) -> Word {
    Word { zh, en }
}

/// The manual of the rules of a book, with the values in force.
#[must_use]
pub fn manual(book: &Book, language: Language) -> String {
    let pages: Vec<RulePage> = book.pages().collect();
    let mut text = heading(book, &pages, language);
    text.push_str(changes(language));
    let mut areas: Vec<&str> = Vec::new();
    for page in &pages {
        let area = area_of(&page.rule.rule);
        if !areas.contains(&area) {
            areas.push(area);
        }
    }
    for area in areas {
        text.push_str(&format!("\n## {}\n", escaped(title(area, language))));
        for page in pages.iter().filter(|page| area_of(&page.rule.rule) == area) {
            text.push_str(&entry(page, language));
        }
    }
    text.push_str(&facts(&pages, language));
    text
}

/// What the facts that the rules name say.
fn facts(pages: &[RulePage], language: Language) -> String {
    let named = pages.iter().flat_map(|page| &page.facts);
    let named: BTreeMap<&str, &RuleFact> = named.map(|fact| (fact.name.as_str(), fact)).collect();
    if named.is_empty() {
        return String::new();
    }
    let heading = language.of(
        "\n## 事实\n\n规则的条件和提示引用以下事实，均由程序计算；不能判断时为未知。\n\n",
        "\n## Facts\n\nWhat conditions and messages of the rules name. The program computes them; what cannot be told is unknown.\n\n",
    );
    let line = |fact: &&RuleFact| {
        // Written by us: where it has backquotes, they are meant.
        let about = words::fact(language, fact);
        format!("- `{}`{}{about}\n", fact.name, language.of("：", ": "))
    };
    heading.to_owned() + &named.values().map(line).collect::<String>()
}

fn heading(book: &Book, pages: &[RulePage], language: Language) -> String {
    let mut text = String::new();
    text.push_str(language.of("# 规则\n\n", "# Rules\n\n"));
    let command = match language {
        Language::Chinese => "zh",
        Language::English => "en",
    };
    text.push_str(&format!("<!-- `markgate rules doc --lang {command}` -->\n\n"));
    for pack in book.packs() {
        let (title, id) = (escaped(language.message(&pack.title)), pack.id);
        let version = escaped(&pack.version);
        text.push_str(&match language {
            Language::Chinese => format!("{title}（规则包 `{id}`，版本 {version}）。\n"),
            Language::English => format!("{title} (pack `{id}`, version {version}).\n"),
        });
    }
    let count = pages.len();
    text.push_str(&match language {
        Language::Chinese => format!(
            "\n共 {count} 条规则。级别：*影像* 只看一个对象的文件头，*像素* 还看解码后的像素，*序列* 与 *检查* 看同属一组的全部对象。\
             后果：*提示* 只计数，*警告* 显示给人看，*不加标识* 的影像照常放行但不带互认标识，*扣留* 的影像等人处理，\
             *自检* 表示本程序自己的输出有误，送出原件并报警。依据为“工程判断”的规则没有公开条文。提示文字中的“…”处显示影像中的值。\n"
        ),
        Language::English => format!(
            "\n{count} rules. Levels: *instance* looks at the header of one object, *pixel* at its decoded pixels too, *series* \
             and *study* at all objects that belong together. What a finding does: *info* is counted, *warn* is shown to people, \
             *block* lets the image go on without a mark, *quarantine* holds it for a person, *self_check* is about what the gate \
             itself writes: the original goes out, with an alarm. A rule on *judgement* rests on no published text. Where a message has \"…\" it shows \
             a value of the image.\n"
        ),
    });
    text
}

/// How a site changes rules.
fn changes(language: Language) -> &'static str {
    language.of(
        "\n## 本院如何更改规则\n\n\
         均写在配置文件中：\n\n\
         - `[rules.override.\"编号\"]` 更改一条规则：`severity` 为其他后果，`off = true` 停用，`shadow = true` 仅计数。\
         限值在 `[rules.parameters]` 中更改，名称即下文的参数名。\n\
         - `[[rules.exception]]` 只对某些来源（`sources`）或路由（`routes`）作同样的更改；`rules` 写编号，或编号开头加 `*`。\
         各条按顺序叠加在 `[rules.override]` 之上，同一键以最后一条为准；序列级与检查级规则只有在全部成员都属例外时才放宽。\n\
         - `shadow = true` 的规则用于试行：不符合的影像照常加标识，只计数。`markgate rules ls`、`GET /api/v1/rules`、\
         `GET /api/v1/statistics` 与指标 `markgate_shadow_applied_total`、`markgate_shadow_withheld_total` 显示网关中\
         “本应不予标识 N / M”（已标识影像或检查，重启后续计）；具体影像见 `markgate explain`。\n",
        "\n## How a site changes a rule\n\n\
         In its configuration:\n\n\
         - `[rules.override.\"ID\"]` changes one rule: `severity`, another one; `off = true`; or `shadow = true`. Limits are changed under \
         `[rules.parameters]`, by the names of parameters below.\n\
         - `[[rules.exception]]` changes the same for what comes from some `sources` or by some `routes` alone; `rules` are ids, or how ids \
         begin with `*` behind it. Rows count in their order, on top of `[rules.override]`, and the last word on each key holds. A rule on \
         series or studies becomes milder only where each member came a way that is excepted.\n\
         - `shadow = true` tries a rule out: what does not meet it keeps its mark, and is counted. `markgate rules ls`, `GET /api/v1/rules`, \
         `GET /api/v1/statistics` and the metrics `markgate_shadow_applied_total` and `markgate_shadow_withheld_total` of a gate tell of how \
         many marked objects, or studies, each would have withheld how many; `markgate explain` tells it of one image.\n",
    )
}

/// The longest beginning of an id that is an area, else what stands before its number.
fn area_of(id: &str) -> &str {
    let begins = |area: &str| id.strip_prefix(area).is_some_and(|rest| rest.starts_with('-'));
    let known = AREAS.iter().map(|(area, _)| *area).filter(|area| begins(area));
    if let Some(area) = known.max_by_key(|area| area.len()) {
        return area;
    }
    let numbered = id.rsplit_once('-');
    let numbered = numbered.filter(|(_, number)| number.starts_with(|c: char| c.is_ascii_digit()));
    numbered.map_or(id, |(area, _)| area)
}

fn title(area: &str, language: Language) -> &str {
    let known = AREAS.iter().find(|(prefix, _)| *prefix == area);
    known.map_or(area, |(_, word)| language.word(*word))
}

fn entry(page: &RulePage, language: Language) -> String {
    let rule = &page.rule;
    let mut text = format!("\n### {}\n\n", escaped(&rule.rule));
    for check in &page.checks {
        let severity = language.word(words::severity(check.severity));
        let message = escaped(&shown(language.message(&check.message), page));
        text.push_str(&format!("- **{severity}**{}{message}\n", language.of("：", ": ")));
    }
    let level = words::level(language, &rule.level);
    let applies = match rule.applies.as_slice() {
        [] => language.of("所有对象", "every object").to_owned(),
        groups => groups.join(language.of("、", ", ")),
    };
    let principle = language.word(words::principle(rule.principle));
    let authority = words::authority_in(language, &rule.authority);
    let source = escaped(rule.clause.as_deref().unwrap_or_default());
    text.push_str(&match language {
        Language::Chinese => format!(
            "- 级别：{level}；适用于：{applies}；原则：{principle}；依据：{authority}（{source}）\n"
        ),
        Language::English => format!(
            "- level: {level}; applies to: {applies}; principle: {principle}; authority: {authority} ({source})\n"
        ),
    });
    for parameter in &page.parameters {
        text.push_str(&parameter_line(parameter, language));
    }
    text
}

fn parameter_line(parameter: &RuleParameter, language: Language) -> String {
    let unit = parameter.unit.as_deref().filter(|unit| *unit != "1");
    let unit = unit.map(|unit| format!(" {}", escaped(unit))).unwrap_or_default();
    let value = code(&parameter.default.to_string());
    let about = parameter.about.as_ref().map(|about| escaped(language.message(about)));
    let about = about.map(|about| format!("{}{about}", language.of("：", ": ")));
    let about = about.unwrap_or_default();
    match language {
        Language::Chinese => format!("- 参数 `{}` = {value}{unit}{about}\n", parameter.name),
        Language::English => format!("- parameter `{}` = {value}{unit}{about}\n", parameter.name),
    }
}

/// A message with the values of parameters in it, and a mark where values of an object will stand.
fn shown(message: &str, page: &RulePage) -> String {
    let (mut text, mut rest) = (String::new(), message);
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        if let Some(after) = after.strip_prefix('{') {
            text.push('{');
            rest = after;
            continue;
        }
        let (name, behind) = after.split_once('}').unwrap_or((after, ""));
        let name = name.trim().strip_prefix("param.");
        let known = name.and_then(|name| page.parameters.iter().find(|one| one.name == name));
        text.push_str(&known.map_or("…".to_owned(), |parameter| plain(&parameter.default)));
        rest = behind;
    }
    text.push_str(rest);
    text.replace("}}", "}")
}

/// A value as messages show it.
fn plain(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Array(values) => values.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// Text that Markdown shows as it is.
fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' | '~') {
            shown.push('\\');
        }
        shown.push(if c == '\n' { ' ' } else { c });
    }
    shown
}

/// A value within backquotes, more of them than it has itself.
fn code(text: &str) -> String {
    let fence = if text.contains('`') { "``" } else { "`" };
    format!("{fence}{text}{fence}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built_in() -> Book {
        Book::of_packs(&["db11t2505-2025".into()]).expect("the built-in pack is good")
    }

    #[track_caller]
    fn check_fresh(file: &str, language: Language) {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(file);
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        let fresh = manual(&built_in(), language);
        let differing = written.lines().zip(fresh.lines()).position(|(old, new)| old != new);
        assert!(
            written == fresh,
            "docs/{file} is not what the pack says (from line {differing:?}): run `make docs`"
        );
    }

    #[test]
    fn the_manual_in_english_is_fresh() {
        check_fresh("rules.md", Language::English);
    }

    #[test]
    fn the_manual_in_chinese_is_fresh() {
        check_fresh("rules.zh-CN.md", Language::Chinese);
    }

    #[test]
    fn an_entry_tells_limits_with_their_units() {
        let book = built_in();
        let page = book.pages().find(|page| page.rule.rule == "IMG-MG-009").expect("the rule");
        let want = "\n### IMG-MG-009\n\n\
            - **warn**: Imager Pixel Spacing (0018,1164) is … mm; above 0 and not above 0.1 mm is expected\n\
            - level: instance; applies to: MG; principle: standardization; authority: judgement (PS3.3 C.8.11.4; limit by judgement)\n\
            - parameter `mg_spacing_max` = `0.1` mm: the largest pixel spacing of a mammogram\n";
        assert_eq!(entry(&page, Language::English), want);
        assert!(entry(&page, Language::Chinese).contains("应大于0且不超过 0.1 mm"));
    }

    #[test]
    fn every_area_has_a_title_in_both_languages() {
        for page in built_in().pages() {
            let area = area_of(&page.rule.rule);
            assert!(AREAS.iter().any(|(known, _)| *known == area), "{area}");
        }
    }

    #[test]
    fn what_markdown_would_take_for_itself_is_escaped() {
        assert_eq!(escaped("a|b <c> *d* [e]\n`f`"), "a\\|b \\<c\\> \\*d\\* \\[e\\] \\`f\\`");
        assert_eq!(code("a`b"), "``a`b``");
    }

    #[test]
    fn ids_without_a_number_are_areas_of_their_own() {
        assert_eq!(area_of("IMG-CT-003"), "IMG-CT");
        assert_eq!(area_of("PER-001"), "PER");
        assert_eq!(area_of("STU-CMP-002"), "STU");
        assert_eq!(area_of("OUR-3"), "OUR");
        assert_eq!(area_of("OUR-RULE"), "OUR-RULE");
        assert_eq!(title("OUR", Language::Chinese), "OUR");
    }
}
