//! Rules with the packs that they come from.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::listing::rule as rule_of;
use crate::app::report;
use crate::config::Loaded;
use crate::dicom::attribute::keyword_of;
use crate::expression::{Expression, Value};
use crate::standard::pixels::PIXEL_FACTS;
use crate::standard::study::{SERIES_FACTS, STUDY_FACTS};
use crate::standard::{
    BUILT_IN, Changes, Messages, Pack, PackFault, Parameter, Rule, RuleSet, RuleSetFault, RuleSets,
    facts,
};
use crate::web::model::{
    Message, PackMistake, PackName, RuleCheck, RuleFact, RulePage, RuleParameter,
};

/// Far above any pack that a person writes.
const LONGEST_PACK: u64 = 4 << 20;

/// Packs with a site's changes to them, and the rules that come of it.
#[derive(Debug, Clone)]
pub struct Book {
    packs: Vec<Pack>,
    changes: Changes,
    rules: RuleSets,
}

impl Book {
    /// The rules of a configuration.
    #[must_use]
    pub fn in_force(loaded: &Loaded) -> Self {
        Self {
            packs: loaded.compiled.packs.clone(),
            changes: loaded.configuration.rules.changes.clone(),
            rules: RuleSets::without_exceptions(RuleSet::clone(loaded.compiled.rules.site())),
        }
    }

    /// The rules of packs as they are written; a pack is a TOML file, or the name of one that is built in.
    ///
    /// # Errors
    /// Every mistake in the packs.
    pub fn of_packs(named: &[PathBuf]) -> Result<Self, Vec<PackMistake>> {
        let (mut packs, mut mistakes) = (Vec::new(), Vec::new());
        for name in named {
            match pack(name) {
                Ok(pack) => packs.push(pack),
                Err(found) => mistakes.extend(found),
            }
        }
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let changes = Changes::default();
        let rules = RuleSet::build(&packs, &changes).map_err(|faults| {
            faults.into_iter().map(|fault| together(named, &fault)).collect::<Vec<_>>()
        })?;
        Ok(Self { packs, changes, rules: RuleSets::without_exceptions(rules) })
    }

    /// The rules, compiled, for what comes any way.
    #[must_use]
    pub fn rules(&self) -> &RuleSet {
        self.rules.site()
    }

    /// The same, for whole studies.
    #[must_use]
    pub fn of_studies(&self) -> &RuleSets {
        &self.rules
    }

    /// The packs that they are from.
    pub fn packs(&self) -> impl Iterator<Item = PackName> {
        self.packs.iter().map(pack_name)
    }

    /// Every part of every rule, in the order of the packs.
    pub fn pages(&self) -> impl Iterator<Item = RulePage> {
        self.rules().rules().iter().map(|rule| self.page(rule))
    }

    fn page(&self, rule: &Rule) -> RulePage {
        let check = |check: &crate::standard::Check| RuleCheck {
            severity: report::severity(check.severity),
            require: check.require.source().to_owned(),
            message: Message { zh: check.zh.source().to_owned(), en: check.en.source().to_owned() },
        };
        let used = Used::of(rule);
        RulePage {
            rule: rule_of(rule, &self.changes.exceptions),
            attribute: rule.attribute.map(keyword_of),
            checks: rule.checks.iter().map(check).collect(),
            parameters: self.parameters(&rule.pack, &used),
            facts: used.facts.iter().map(|name| fact(name)).collect(),
            attributes: used.attributes.into_iter().collect(),
        }
    }

    fn parameters(&self, pack: &str, used: &Used) -> Vec<RuleParameter> {
        let pack = self.packs.iter().find(|own| own.id() == pack);
        let known = pack.into_iter().flat_map(Pack::parameters);
        known
            .filter(|(name, _)| used.parameters.contains(*name))
            .map(|(name, parameter)| self.parameter(name, parameter))
            .collect()
    }

    fn parameter(&self, name: &str, parameter: &Parameter) -> RuleParameter {
        let value = self.changes.parameters.get(name).unwrap_or(&parameter.value);
        RuleParameter {
            name: name.to_owned(),
            value: json(value),
            default: json(&parameter.value),
            unit: parameter.unit.clone(),
            about: parameter.about.as_ref().map(message),
        }
    }
}

/// What the conditions and messages of a rule name.
struct Used {
    attributes: BTreeSet<String>,
    facts: BTreeSet<String>,
    parameters: BTreeSet<String>,
}

impl Used {
    fn of(rule: &Rule) -> Self {
        let requirements = rule.checks.iter().map(|check| &check.require);
        let conditions: Vec<&Expression> = rule.when.iter().chain(requirements).collect();
        let messages = rule.checks.iter().flat_map(|check| [&check.zh, &check.en]);
        let messages: Vec<&str> = messages.map(|message| message.source()).collect();
        let braced = |kind| messages.iter().flat_map(move |message| names(message, kind));
        let attributes = conditions.iter().flat_map(|condition| condition.attributes());
        let attributes = attributes.copied().chain(rule.attribute).map(keyword_of);
        // A parameter is put into a condition as a constant when it is compiled, so it is read off the text.
        let sources = conditions.iter().map(|condition| condition.source());
        let parameters = sources.chain(messages.iter().copied());
        let variables = conditions.iter().flat_map(|condition| condition.variables());
        let variables = variables.filter(|name| name.contains('.')).map(str::to_owned);
        let facts = ["fact", "pixel", "series", "study"]
            .into_iter()
            .flat_map(|kind| braced(kind).map(move |name| format!("{kind}.{name}")));
        Self {
            attributes: attributes.chain(braced("dcm").map(str::to_owned)).collect(),
            facts: variables.chain(facts).collect(),
            parameters: parameters
                .flat_map(|text| names(text, "param"))
                .map(str::to_owned)
                .collect(),
        }
    }
}

/// The names that stand behind `kind.` in a text.
fn names<'t>(text: &'t str, kind: &'static str) -> impl Iterator<Item = &'t str> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut parts = text.split(kind);
    let mut before = parts.next().unwrap_or_default();
    parts.filter_map(move |after| {
        let stands_alone = !before.ends_with(|c| is_name(c) || c == '.');
        before = after;
        let name = after.strip_prefix('.').filter(|_| stands_alone)?;
        let end = name.find(|c| !is_name(c)).unwrap_or(name.len());
        name.get(..end).filter(|name| !name.is_empty())
    })
}

fn fact(name: &str) -> RuleFact {
    let about = match name.split_once('.') {
        Some(("fact", short)) => {
            facts::FACTS.iter().find(|fact| fact.name == short).map(|fact| fact.about)
        }
        Some(("pixel", short)) => {
            PIXEL_FACTS.iter().find(|fact| fact.name == short).map(|fact| fact.about)
        }
        Some(("study", short)) => {
            STUDY_FACTS.iter().find(|fact| fact.name == short).map(|fact| fact.about)
        }
        Some(("series", short)) => {
            SERIES_FACTS.iter().find(|fact| fact.name == short).map(|fact| fact.about)
        }
        Some(_) | None => None,
    };
    RuleFact {
        name: name.to_owned(),
        about: about.map(|about| about.en.to_owned()),
        about_zh: about.map(|about| about.zh.to_owned()),
    }
}

fn json(value: &Value) -> serde_json::Value {
    match value {
        Value::Unknown => serde_json::Value::Null,
        Value::Bool(truth) => (*truth).into(),
        Value::Int(number) => (*number).into(),
        Value::Double(number) => (*number).into(),
        Value::Text(text) => text.as_ref().into(),
        Value::List(values) => values.iter().map(json).collect(),
    }
}

fn message(messages: &Messages) -> Message {
    Message { zh: messages.zh.clone(), en: messages.en.clone() }
}

fn pack_name(pack: &Pack) -> PackName {
    PackName {
        id: pack.id().to_owned(),
        version: pack.version().to_owned(),
        title: message(pack.title()),
    }
}

/// Reads a pack: a file of this path, else the built-in one of this name.
fn pack(name: &Path) -> Result<Pack, Vec<PackMistake>> {
    let of_text = |text: &str| {
        let mistake = |fault| mistake(name, fault);
        Pack::parse(text).map_err(|faults| faults.into_iter().map(mistake).collect::<Vec<_>>())
    };
    let built_in = BUILT_IN.iter().find(|(own, _)| Path::new(own) == name);
    match (read(name), built_in) {
        (Ok(text), _) => of_text(&text),
        (Err(_), Some((_, text))) => of_text(text),
        (Err(fault), None) => Err(vec![PackMistake {
            file: name.display().to_string(),
            line: None,
            column: None,
            rule: None,
            problem: fault.to_string(),
        }]),
    }
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let mut file = File::open(path)?.take(LONGEST_PACK + 1);
    file.read_to_string(&mut text)?;
    if file.limit() == 0 {
        let what = format!("a pack has at most {LONGEST_PACK} bytes");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, what));
    }
    Ok(text)
}

fn mistake(file: &Path, fault: PackFault) -> PackMistake {
    PackMistake {
        file: file.display().to_string(),
        line: Some(fault.line),
        column: fault.column,
        rule: fault.rule,
        problem: fault.problem.to_string(),
    }
}

/// Of packs that are right each, and do not go together.
fn together(named: &[PathBuf], fault: &RuleSetFault) -> PackMistake {
    let rule = match fault {
        RuleSetFault::Twice { rule, .. } | RuleSetFault::UnknownRule { rule } => Some(rule.clone()),
        RuleSetFault::TooManyWays { .. }
        | RuleSetFault::UnknownParameter { .. }
        | RuleSetFault::WrongKind { .. }
        | RuleSetFault::Condition { .. } => None,
    };
    let files: Vec<String> = named.iter().map(|path| path.display().to_string()).collect();
    let (file, problem) = (files.join(" + "), fault.to_string());
    PackMistake { file, line: None, column: None, rule, problem }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixture::loaded;

    fn built_in() -> Book {
        Book::of_packs(&["db11t2505-2025".into()]).expect("the built-in pack is good")
    }

    #[test]
    fn names_are_read_off_conditions_and_messages() {
        let found = |text, kind| names(text, kind).collect::<Vec<_>>();
        assert_eq!(found("a <= param.thin && param.b_2.x", "param"), ["thin", "b_2"]);
        assert_eq!(found("xparam.no, dcm.param.no, param, param.", "param"), [""; 0]);
        assert_eq!(found("{fact.age} and {param.x}", "fact"), ["age"]);
    }

    #[test]
    fn a_page_tells_every_part_of_a_rule() {
        let book = built_in();
        let page = book.pages().find(|page| page.rule.rule == "IMG-MG-007").expect("the rule");
        assert_eq!(page.rule.level, "instance");
        assert_eq!(page.rule.applies, ["MG"]);
        assert_eq!(page.attribute.as_deref(), Some("OrganDose"));
        assert_eq!(page.checks.len(), 2);
        assert_eq!(page.attributes, ["OrganDose", "OrganExposed"]);
        let [parameter] = page.parameters.as_slice() else { panic!("{:?}", page.parameters) };
        assert_eq!(parameter.name, "organ_dose_max");
        assert_eq!((&parameter.value, parameter.unit.as_deref()), (&0.05.into(), Some("dGy")));
        assert!(parameter.about.as_ref().is_some_and(|about| about.en.contains("organ dose")));
    }

    #[test]
    fn every_fact_that_a_rule_names_is_explained() {
        for page in built_in().pages() {
            for fact in page.facts {
                for about in [&fact.about, &fact.about_zh] {
                    assert!(about.as_ref().is_some_and(|about| !about.is_empty()), "{}", fact.name);
                }
            }
        }
    }

    #[test]
    fn every_fact_is_explained_in_both_languages() {
        let of_objects = facts::FACTS.iter().map(|fact| (fact.name, fact.about));
        let of_pixels = PIXEL_FACTS.iter().map(|fact| (fact.name, fact.about));
        let of_many = [STUDY_FACTS, SERIES_FACTS].into_iter().flatten();
        let of_many = of_many.map(|fact| (fact.name, fact.about));
        for (name, about) in of_objects.chain(of_pixels).chain(of_many) {
            let is_han = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
            assert!(about.zh.contains(is_han), "{name}: {about:?}");
            assert!(about.en.contains(|c: char| c.is_ascii_lowercase()), "{name}: {about:?}");
        }
    }

    #[test]
    fn every_parameter_of_the_built_in_pack_is_used() {
        let book = built_in();
        let pages: Vec<RulePage> = book.pages().collect();
        let used: BTreeSet<&str> = pages
            .iter()
            .flat_map(|page| page.parameters.iter().map(|parameter| parameter.name.as_str()))
            .collect();
        // What says how to look at an object is read by the program, not by rules.
        let unused = book.packs.iter().flat_map(|pack| pack.parameters().keys());
        let unused: Vec<&String> = unused.filter(|name| !used.contains(name.as_str())).collect();
        assert!(unused.iter().all(|name| name.starts_with("pixel_")), "{unused:?}");
    }

    #[test]
    fn changes_of_the_site_are_shown() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut loaded = loaded(dir.path());
        loaded.configuration.rules.changes.parameters.insert("organ_dose_max".into(), 0.03.into());
        let book = Book::in_force(&loaded);
        let page = book.pages().find(|page| page.rule.rule == "IMG-MG-007").expect("the rule");
        let parameter = page.parameters.first().expect("a parameter");
        assert_eq!((&parameter.value, &parameter.default), (&0.03.into(), &0.05.into()));
        let off: Vec<String> =
            book.pages().filter(|page| !page.rule.enabled).map(|page| page.rule.rule).collect();
        assert_eq!(off, ["IMG-ENC-003"]);
    }

    #[test]
    fn every_mistake_of_every_pack_is_told_with_its_place() {
        let dir = tempfile::tempdir().expect("a folder");
        let (one, other) = (dir.path().join("one.toml"), dir.path().join("other.toml"));
        let rule = "[[rule]]\nid = \"A-1\"\nprinciple = \"accuracy\"\nauthority = \"judgement\"\n\
                    source = \"s\"\nseverity = \"warn\"\nrequire = \"dcm.Nonsense == 1\"\n\
                    zh = \"一\"\nen = \"{fact.none}\"\n";
        let head = "format = 1\nid = \"p\"\nversion = \"1\"\ntitle = { zh = \"一\", en = \"a\" }\n";
        std::fs::write(&one, format!("{head}{rule}")).expect("a file");
        std::fs::write(&other, "format = 2\n").expect("a file");
        let absent = dir.path().join("absent.toml");
        let mistakes = Book::of_packs(&[one.clone(), other, absent]).expect_err("mistakes");
        let in_one: Vec<_> =
            mistakes.iter().filter(|mistake| mistake.file == one.display().to_string()).collect();
        let places: Vec<_> = in_one.iter().map(|mistake| (mistake.line, mistake.column)).collect();
        assert_eq!(places, [(Some(11), Some(12)), (Some(13), Some(7))]);
        assert!(in_one.iter().all(|mistake| mistake.rule.as_deref() == Some("A-1")));
        let named =
            |name: &str| mistakes.iter().filter(|mistake| mistake.file.ends_with(name)).count();
        assert!(named("other.toml") > 1);
        assert_eq!(named("absent.toml"), 1);
        let twice = Book::of_packs(&["db11t2505-2025".into(), "db11t2505-2025".into()]);
        assert!(twice.expect_err("mistakes").iter().all(|mistake| mistake.rule.is_some()));
    }
}
