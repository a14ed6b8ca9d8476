//! Verbs about rules: for those who write packs and those who read them. None needs a gate.

use super::arguments::{Packs, Rules};
use super::gate::rules_of_gate;
use super::offline::sender;
use super::table::{pairs, plain, table};
use super::{Exit, Failure, Outcome, Terminal, load_or_default, print, print_json};
use crate::app::rules::{self, Book};
use crate::app::words::{self, Language};
use crate::web::model::{
    Comparison, Decision, PackMistake, Rule, RuleChange, RuleException, RulePage, RuleParameter,
    Severity, Trial, TriedOut, TriedRule, UnreadFile,
};

pub(super) fn rules(verb: Rules, terminal: &mut Terminal<'_>) -> Outcome {
    match verb {
        Rules::Ls { packs, form, speech } => {
            let language = terminal.language(speech);
            let mut rules: Vec<Rule> = book(&packs)?.pages().map(|page| page.rule).collect();
            count(&mut rules, &packs);
            if form.json {
                print_json(&rules, terminal)?;
            } else {
                print(&listed(&rules, language), terminal)?;
            }
            Ok(Exit::Done)
        }
        Rules::Show { packs, form, speech, rules: wanted } => {
            let language = terminal.language(speech);
            let mut pages: Vec<RulePage> = book(&packs)?.pages().collect();
            let missing = wanted.iter().find(|id| !pages.iter().any(|page| page.rule.rule == **id));
            if let Some(id) = missing {
                return Err(Failure::Unfit(format!(
                    "there is no rule {id}; `markgate rules ls` lists them"
                )));
            }
            pages.retain(|page| wanted.contains(&page.rule.rule));
            pages.iter_mut().for_each(|page| count(std::slice::from_mut(&mut page.rule), &packs));
            if form.json {
                print_json(&pages, terminal)?;
            } else {
                for page in &pages {
                    print(&shown(page, language), terminal)?;
                }
            }
            Ok(Exit::Done)
        }
        Rules::Test { pack, data, offline, form, speech } => {
            let language = terminal.language(speech);
            let book = match Book::of_packs(&pack) {
                Ok(book) => book,
                Err(mistakes) => return wrong(&mistakes, form.json, terminal),
            };
            let loaded = load_or_default(&offline.file)?;
            let trial = rules::try_on(&book, &data.data, &loaded, &sender(&offline));
            let trial = trial.map_err(|fault| Failure::Unfit(fault.to_string()))?;
            if form.json {
                print_json(&trial, terminal)?;
            } else {
                print(&tried(&trial, language), terminal)?;
            }
            Ok(Exit::Done)
        }
        Rules::Schema { form: _ } => {
            print_json(&rules::schema(), terminal)?;
            Ok(Exit::Done)
        }
        Rules::Diff { old, new, data, offline, form, speech } => {
            let language = terminal.language(speech);
            let (old, new) = match (Book::of_packs(&[old]), Book::of_packs(&[new])) {
                (Ok(old), Ok(new)) => (old, new),
                (old, new) => {
                    let mistakes = [old.err(), new.err()].into_iter().flatten().flatten();
                    return wrong(&mistakes.collect::<Vec<_>>(), form.json, terminal);
                }
            };
            let loaded = load_or_default(&offline.file)?;
            let told = rules::compare(&old, &new, &data.data, &loaded, &sender(&offline));
            let told = told.map_err(|fault| Failure::Unfit(fault.to_string()))?;
            if form.json {
                print_json(&told, terminal)?;
            } else {
                print(&compared(&told, language), terminal)?;
            }
            Ok(Exit::Done)
        }
        Rules::Doc { pack, speech } => {
            let language = terminal.language(speech);
            let book = Book::of_packs(&pack).map_err(Failure::Packs)?;
            print(&rules::manual(&book, language), terminal)?;
            Ok(Exit::Done)
        }
    }
}

/// The packs that were named, else the rules of the configuration.
fn book(packs: &Packs) -> Result<Book, Failure> {
    if packs.pack.is_empty() {
        Ok(Book::in_force(&load_or_default(&packs.file)?))
    } else {
        Book::of_packs(&packs.pack).map_err(Failure::Packs)
    }
}

/// Mistakes in packs are what was asked for.
fn wrong(mistakes: &[PackMistake], json: bool, terminal: &mut Terminal<'_>) -> Outcome {
    if json {
        print_json(&serde_json::json!({ "mistakes": mistakes }), terminal)?;
    } else {
        for mistake in mistakes {
            print(&format!("{}\n", plain(&mistake.to_string())), terminal)?;
        }
    }
    Ok(Exit::Found)
}

/// Adds what rules that are tried out would have withheld, where a gate runs that can be asked.
fn count(rules: &mut [Rule], packs: &Packs) {
    let is_tried = |rule: &Rule| {
        rule.shadow || rule.exceptions.iter().any(|exception| exception.shadow == Some(true))
    };
    if !packs.pack.is_empty() || !rules.iter().any(is_tried) {
        return;
    }
    // Without a gate there is nothing to tell, and the rules are listed all the same.
    let counted: Vec<Rule> = rules_of_gate(&packs.file).unwrap_or_default();
    for rule in rules {
        let same = counted.iter().find(|other| other.rule == rule.rule);
        rule.tried = same.map(|other| other.tried.clone()).unwrap_or_default();
    }
}

/// Whether a rule is in force, what it would have withheld where it is tried out, and where it holds otherwise.
fn state(rule: &Rule, language: Language) -> String {
    let everywhere = match (rule.enabled, rule.shadow) {
        (false, _) => Some(language.of("关闭", "off").to_owned()),
        (true, true) => Some(language.of("仅计数", "shadow").to_owned()),
        (true, false) => None,
    };
    let counts = rule.tried.iter().map(|counts| tried_out(counts, language));
    let exceptions = rule.exceptions.iter().map(|row| exception(row, language));
    let parts: Vec<String> = everywhere.into_iter().chain(counts).chain(exceptions).collect();
    parts.join(language.of("；", "; "))
}

fn tried_out(counts: &TriedOut, language: Language) -> String {
    let TriedOut { unit, applied, withheld } = counts;
    let of_studies = unit == "study";
    match language {
        Language::Chinese => {
            let unit = if of_studies { "项检查" } else { "幅" };
            format!("本应不予标识 {withheld} / {applied} {unit}")
        }
        Language::English => {
            let unit = if of_studies { "studies" } else { "objects" };
            format!("would have withheld {withheld} of {applied} {unit}")
        }
    }
}

fn exception(row: &RuleException, language: Language) -> String {
    let named = |word: &str, names: &[String]| {
        (!names.is_empty()).then(|| format!("{word} {}", names.join(", ")))
    };
    let ways = [
        named(language.of("来源", "from"), &row.sources),
        named(language.of("路由", "by"), &row.routes),
    ];
    let severity = row.severity.map(|severity| language.word(words::severity(severity)));
    let enabled = row.enabled.map(|on| match on {
        true => language.of("启用", "on"),
        false => language.of("关闭", "off"),
    });
    let shadow = row.shadow.map(|shadow| match shadow {
        true => language.of("仅计数", "shadow"),
        false => language.of("生效", "in force"),
    });
    let ways: Vec<String> = ways.into_iter().flatten().collect();
    let changes: Vec<&str> = [severity, enabled, shadow].into_iter().flatten().collect();
    let (colon, comma) = (language.of("：", ": "), language.of("、", ", "));
    format!("{}{colon}{}", ways.join(" "), changes.join(comma))
}

fn applies(rule: &Rule, language: Language) -> String {
    match rule.applies.as_slice() {
        [] => language.of("全部", "all").to_owned(),
        groups => groups.join(" "),
    }
}

fn listed(rules: &[Rule], language: Language) -> String {
    let row = |rule: &Rule| {
        [
            rule.rule.clone(),
            words::level(language, &rule.level).to_owned(),
            language.word(words::severity(rule.severity)).to_owned(),
            language.word(words::principle(rule.principle)).to_owned(),
            words::authority_in(language, &rule.authority).to_owned(),
            applies(rule, language),
            state(rule, language),
            language.message(&rule.message).to_owned(),
        ]
    };
    let rows: Vec<_> = rules.iter().map(row).collect();
    let heading = match language {
        Language::Chinese => ["规则", "级别", "后果", "原则", "依据", "适用", "", "提示"],
        Language::English => {
            ["RULE", "LEVEL", "SEVERITY", "PRINCIPLE", "AUTHORITY", "APPLIES", "", "MESSAGE"]
        }
    };
    table(heading, &rows)
}

fn shown(page: &RulePage, language: Language) -> String {
    let rule = &page.rule;
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let mut rows = vec![
        (language.of("规则包", "pack"), some(&rule.pack)),
        (language.of("级别", "level"), some(words::level(language, &rule.level))),
        (language.of("适用", "applies"), Some(applies(rule, language))),
        (
            language.of("原则", "principle"),
            Some(language.word(words::principle(rule.principle)).to_owned()),
        ),
        (language.of("依据", "authority"), some(words::authority_in(language, &rule.authority))),
        (language.of("出处", "source"), rule.clause.clone()),
        (language.of("状态", "state"), some(&state(rule, language))),
        (language.of("属性", "attribute"), page.attribute.clone()),
        (language.of("条件", "when"), rule.when.as_deref().map(one_line)),
    ];
    for check in &page.checks {
        let severity = language.word(words::severity(check.severity)).to_owned();
        rows.push((language.of("后果", "severity"), Some(severity)));
        rows.push((language.of("要求", "require"), Some(one_line(&check.require))));
        let message = language.message(&check.message).to_owned();
        rows.push((language.of("提示", "message"), Some(message)));
    }
    for used in &page.parameters {
        rows.push((language.of("参数", "parameter"), Some(parameter(used, language))));
    }
    for fact in &page.facts {
        let about = words::fact(language, fact);
        rows.push((language.of("事实", "fact"), Some(format!("{}: {about}", fact.name))));
    }
    if !page.attributes.is_empty() {
        let attributes = page.attributes.join(", ");
        rows.push((language.of("所用属性", "attributes"), Some(attributes)));
    }
    format!("{}\n{}", rule.rule, pairs("  ", &rows))
}

/// A condition that was written over several lines.
fn one_line(condition: &str) -> String {
    condition.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn parameter(parameter: &RuleParameter, language: Language) -> String {
    let mut text = format!("{} = {}", parameter.name, parameter.value);
    if let Some(unit) = parameter.unit.as_ref().filter(|unit| *unit != "1") {
        text.push_str(&format!(" {unit}"));
    }
    if parameter.value != parameter.default {
        let word = language.of("默认", "default");
        text.push_str(&format!(" ({word} {})", parameter.default));
    }
    if let Some(about) = &parameter.about {
        text.push_str(&format!(": {}", language.message(about)));
    }
    text
}

/// How many files and studies there were, and files that could not be read.
fn files(
    (files, studies): (u64, u64),
    not_dicom: u64,
    unreadable: &[UnreadFile],
    language: Language,
) -> String {
    let unread = unreadable.len();
    let mut text = match language {
        Language::Chinese => {
            format!(
                "DICOM 文件 {files} 个，非 DICOM 文件 {not_dicom} 个，无法读取 {unread} 个；检查 {studies} 个\n"
            )
        }
        Language::English => {
            format!(
                "{files} DICOM files, {not_dicom} other files, {unread} that cannot be read; {studies} studies\n"
            )
        }
    };
    for UnreadFile { file, error } in unreadable {
        text.push_str(&format!("  {}: {}\n", plain(file), plain(error)));
    }
    text
}

fn tried(trial: &Trial, language: Language) -> String {
    let row = |rule: &TriedRule| {
        let number = |number: u64| if rule.run { number.to_string() } else { "-".to_owned() };
        let examples = match (rule.run, rule.not_met, rule.undecided) {
            (false, ..) => {
                let level = words::level(language, &rule.level);
                match language {
                    Language::Chinese => format!("{level}级规则，文件中没有可判的{level}"),
                    Language::English => format!("no {level} to judge among the files"),
                }
            }
            (true, 0, 0) => String::new(),
            (true, 0, _) => rule.examples.undecided.join(", "),
            (true, ..) => rule.examples.not_met.join(", "),
        };
        [
            rule.rule.clone(),
            words::level(language, &rule.level).to_owned(),
            language.word(words::severity(rule.severity)).to_owned(),
            number(rule.applied),
            number(rule.met),
            number(rule.not_met),
            number(rule.undecided),
            number(rule.not_applicable),
            examples,
        ]
    };
    let heading = match language {
        Language::Chinese => {
            ["规则", "级别", "后果", "适用", "符合", "不符合", "无法判断", "不适用", "示例"]
        }
        Language::English => [
            "RULE",
            "LEVEL",
            "SEVERITY",
            "APPLIED",
            "MET",
            "NOT MET",
            "UNDECIDED",
            "NOT APPLICABLE",
            "EXAMPLES",
        ],
    };
    let rows: Vec<_> = trial.rules.iter().map(row).collect();
    let counts = (trial.files, trial.studies);
    let files = files(counts, trial.not_dicom, &trial.unreadable, language);
    format!("{files}{}", table(heading, &rows))
}

fn grave(severity: Option<Severity>, language: Language) -> &'static str {
    severity
        .map_or(language.of("无", "nothing"), |severity| language.word(words::severity(severity)))
}

fn decision(decision: Decision, language: Language) -> String {
    let mark = match decision.mark_withheld {
        true => language.of("，不予标识", ", mark withheld"),
        false => "",
    };
    format!("{}{mark}", grave(decision.severity, language))
}

/// Another decision, and the rules that make it.
fn change(
    name: &str,
    (old, new): (Decision, Decision),
    rules: &[RuleChange],
    language: Language,
) -> String {
    let (old, new) = (decision(old, language), decision(new, language));
    let mut text = format!("  {}: {old} -> {new}\n", plain(name));
    for RuleChange { rule, old, new } in rules {
        let (old, new) = (grave(*old, language), grave(*new, language));
        text.push_str(&format!("    {rule}: {old} -> {new}\n"));
    }
    text
}

fn compared(told: &Comparison, language: Language) -> String {
    let counts = (told.files, told.studies);
    let mut text = files(counts, told.not_dicom, &told.unreadable, language);
    let (old, new) = (&told.old, &told.new);
    text.push_str(&format!("{} {} -> {} {}\n", old.id, old.version, new.id, new.version));
    let changed = told.changed.len();
    text.push_str(&match language {
        Language::Chinese => format!("判定有变化的文件 {changed} 个\n"),
        Language::English => format!("{changed} files of which another decision is made\n"),
    });
    for file in &told.changed {
        text.push_str(&change(&file.file, (file.old, file.new), &file.rules, language));
    }
    let changed = told.changed_studies.len();
    text.push_str(&match language {
        Language::Chinese => format!("判定有变化的检查 {changed} 个\n"),
        Language::English => format!("{changed} studies of which another decision is made\n"),
    });
    for study in &told.changed_studies {
        let (name, decisions) = (&study.study_instance_uid, (study.old, study.new));
        text.push_str(&change(name, decisions, &study.rules, language));
    }
    if told.rules.is_empty() {
        return text;
    }
    let heading = match language {
        Language::Chinese => ["规则", "新出现", "不再出现", "后果改变", "影响判定"],
        Language::English => ["RULE", "NEW", "GONE", "REGRADED", "DECISIONS"],
    };
    let rows = told.rules.iter().map(|rule| {
        let [new, gone, regraded, decisions] =
            [rule.new, rule.gone, rule.regraded, rule.decisions].map(|count| count.to_string());
        [rule.rule.clone(), new, gone, regraded, decisions]
    });
    text.push_str(&table(heading, &rows.collect::<Vec<_>>()));
    text
}
