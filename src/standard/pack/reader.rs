//! Reads the TOML of a pack, with every mistake at once.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::dicom::attribute::tag_of;
use crate::expression::Value;
use crate::standard::applies::{ClassGroup, ClassGroups};
use crate::standard::rule::{Authority, Level, Messages, Principle, Severity};

use super::literal::{Written, place};
use super::{
    CheckText, FORMAT, MAX_RULES, Names, Pack, PackFault, PackProblem, Parameter, RuleText, compile,
};

/// Reads a pack.
pub(super) fn read(text: &str) -> Result<Pack, Vec<PackFault>> {
    let mut reader = Reader { text, faults: Vec::new(), rule: None };
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let at = error.span().map_or(0, |span| span.start);
        reader.fault(at, PackProblem::Syntax(error.message().replace('\n', ", ")));
    }
    let pack = reader.pack(document.get_ref());
    if reader.faults.is_empty() {
        pack.ok_or_else(Vec::new)
    } else {
        reader.faults.sort_by_key(|fault| fault.line);
        Err(reader.faults)
    }
}

struct Reader<'t> {
    text: &'t str,
    faults: Vec<PackFault>,
    rule: Option<String>,
}

pub(super) const TOP_KEYS: &[&str] = &["format", "id", "version", "title", "parameters", "rule"];
pub(super) const RULE_KEYS: &[&str] = &[
    "id",
    "level",
    "principle",
    "authority",
    "source",
    "attribute",
    "applies",
    "when",
    "severity",
    "require",
    "zh",
    "en",
    "check",
];
pub(super) const CHECK_KEYS: &[&str] = &["severity", "require", "zh", "en"];
pub(super) const PARAMETER_KEYS: &[&str] = &["value", "unit", "zh", "en"];

impl Reader<'_> {
    fn line(&self, at: usize) -> usize {
        place(self.text, at).0
    }

    fn fault(&mut self, at: usize, problem: PackProblem) {
        let fault =
            PackFault { line: self.line(at), column: None, rule: self.rule.clone(), problem };
        self.faults.push(fault);
    }

    /// Tells keys that there are not.
    fn known(&mut self, table: &DeTable<'_>, known: &'static [&'static str]) {
        for (key, _) in table {
            if !known.contains(&key.get_ref().as_ref()) {
                let key_text = key.get_ref().as_ref().to_owned();
                let problem = PackProblem::UnknownKey { key: key_text, known: known.to_vec() };
                self.fault(key.span().start, problem);
            }
        }
    }

    /// A text that is not empty, with its place.
    fn optional(&mut self, table: &DeTable<'_>, key: &'static str) -> Option<(String, usize)> {
        let value = table.get(key)?;
        let at = value.span().start;
        let text = value.get_ref().as_str().map(str::trim).filter(|text| !text.is_empty());
        if text.is_none() {
            self.wrong_type(at, key, "a text");
        }
        text.map(|text| (text.to_owned(), at))
    }

    fn required(
        &mut self,
        table: &DeTable<'_>,
        at: usize,
        key: &'static str,
    ) -> Option<(String, usize)> {
        if !table.contains_key(key) {
            self.fault(at, PackProblem::Missing(key));
        }
        self.optional(table, key)
    }

    fn wrong_type(&mut self, at: usize, key: &str, wants: &'static str) {
        self.fault(at, PackProblem::WrongType { key: key.to_owned(), wants });
    }

    fn word<T: Copy>(
        &mut self,
        table: &DeTable<'_>,
        at: usize,
        key: &'static str,
        words: &[(&'static str, T)],
    ) -> Option<T> {
        let (found, at) = self.required(table, at, key)?;
        self.known_word(at, key, &found, words)
    }

    fn known_word<T: Copy>(
        &mut self,
        at: usize,
        key: &'static str,
        found: &str,
        words: &[(&'static str, T)],
    ) -> Option<T> {
        let value = words.iter().find(|(word, _)| *word == found).map(|(_, value)| *value);
        if value.is_none() {
            let known = words.iter().map(|(word, _)| *word).collect();
            self.fault(at, PackProblem::UnknownWord { key, found: found.to_owned(), known });
        }
        value
    }

    fn identifier(&mut self, table: &DeTable<'_>, at: usize) -> Option<(String, usize)> {
        let (id, at) = self.required(table, at, "id")?;
        let good = id.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        if !good {
            self.fault(at, PackProblem::BadId(id));
            return None;
        }
        Some((id, at))
    }

    fn messages(&mut self, table: &DeTable<'_>, at: usize) -> Option<Messages> {
        let zh = self.required(table, at, "zh");
        let en = self.required(table, at, "en");
        Some(Messages { zh: zh?.0, en: en?.0 })
    }

    fn pack(&mut self, table: &DeTable<'_>) -> Option<Pack> {
        self.known(table, TOP_KEYS);
        match table.get("format").map(|format| (format.span().start, whole(format.get_ref()))) {
            Some((_, Some(FORMAT))) => {}
            Some((at, Some(other))) => self.fault(at, PackProblem::Format(other)),
            Some((at, None)) => self.wrong_type(at, "format", "a whole number"),
            None => self.fault(0, PackProblem::Missing("format")),
        }
        let id = self.identifier(table, 0);
        let version = self.required(table, 0, "version");
        let title = match table.get("title").map(|title| (title.span().start, title.get_ref())) {
            Some((at, DeValue::Table(title))) => self.messages(title, at),
            Some((at, _)) => {
                self.wrong_type(at, "title", "a table with `zh` and `en`");
                None
            }
            None => {
                self.fault(0, PackProblem::Missing("title"));
                None
            }
        };
        let parameters = self.parameters(table);
        let rules = self.rules(table);
        let names =
            Names::with(parameters.iter().map(|(name, parameter)| (name, parameter.value.clone())));
        let pack = id.as_ref().map(|(id, _at)| id.as_str()).unwrap_or_default();
        let compiled = compile(&rules, pack, self.text, &names);
        let compiled = compiled.unwrap_or_else(|faults| {
            self.faults.extend(faults);
            Vec::new()
        });
        let (id, version, title) = (id?.0, version?.0, title?);
        Some(Pack { id, version, title, parameters, rules, compiled, text: self.text.to_owned() })
    }

    fn parameters(&mut self, table: &DeTable<'_>) -> BTreeMap<String, Parameter> {
        let mut parameters = BTreeMap::new();
        let Some(section) = table.get("parameters") else { return parameters };
        let DeValue::Table(section) = section.get_ref() else {
            self.wrong_type(section.span().start, "parameters", "a table");
            return parameters;
        };
        for (key, value) in section {
            let name = key.get_ref().as_ref();
            if let Some(parameter) = self.parameter(name, value) {
                parameters.insert(name.to_owned(), parameter);
            }
        }
        parameters
    }

    /// A value alone, or a table of it with its unit and what it is.
    fn parameter(&mut self, name: &str, written: &Spanned<DeValue<'_>>) -> Option<Parameter> {
        let at = written.span().start;
        let DeValue::Table(table) = written.get_ref() else {
            let value = self.parameter_value(name, written)?;
            return Some(Parameter { value, unit: None, about: None });
        };
        self.known(table, PARAMETER_KEYS);
        let unit = self.optional(table, "unit").map(|(unit, _)| unit);
        let about = self.messages(table, at);
        let Some(value) = table.get("value") else {
            self.fault(at, PackProblem::Missing("value"));
            return None;
        };
        Some(Parameter { value: self.parameter_value(name, value)?, unit, about: Some(about?) })
    }

    fn parameter_value(&mut self, name: &str, written: &Spanned<DeValue<'_>>) -> Option<Value> {
        let value = parameter(written.get_ref());
        if value.is_none() {
            let wants = "a number, a text, true or false, or a list of numbers or texts";
            self.wrong_type(written.span().start, name, wants);
        }
        value
    }

    fn rules(&mut self, table: &DeTable<'_>) -> Vec<RuleText> {
        let Some(rows) = table.get("rule") else {
            self.fault(0, PackProblem::Missing("rule"));
            return Vec::new();
        };
        let at = rows.span().start;
        let DeValue::Array(rows) = rows.get_ref() else {
            self.wrong_type(at, "rule", "a list of tables, each begun with [[rule]]");
            return Vec::new();
        };
        if rows.len() > MAX_RULES {
            self.fault(at, PackProblem::TooMany);
        }
        let mut rules: Vec<RuleText> = Vec::new();
        for row in rows.iter().take(MAX_RULES) {
            let at = row.span().start;
            let DeValue::Table(row) = row.get_ref() else {
                self.wrong_type(at, "rule", "a table, begun with [[rule]]");
                continue;
            };
            self.rule = row.get("id").and_then(|id| id.get_ref().as_str()).map(str::to_owned);
            if let Some(rule) = self.rule(row, at) {
                match rules.iter().find(|earlier| earlier.id == rule.id) {
                    Some(earlier) => self.fault(at, PackProblem::Duplicate(earlier.line)),
                    None => rules.push(rule),
                }
            }
            self.rule = None;
        }
        rules
    }

    fn rule(&mut self, row: &DeTable<'_>, at: usize) -> Option<RuleText> {
        self.known(row, RULE_KEYS);
        let id = self.identifier(row, at);
        let level = match row.contains_key("level") {
            true => self.word(row, at, "level", Level::WORDS),
            false => Some(Level::Instance),
        };
        let principle = self.word(row, at, "principle", Principle::WORDS);
        let authority = self.word(row, at, "authority", Authority::WORDS);
        let source = self.required(row, at, "source");
        let attribute = self.optional(row, "attribute").and_then(|(keyword, at)| {
            let tag = tag_of(&keyword);
            if tag.is_none() {
                self.fault(at, PackProblem::UnknownAttribute(keyword));
            }
            tag
        });
        let applies = self.applies(row);
        let when = self.written(row, "when");
        let checks = self.checks(row, at);
        Some(RuleText {
            id: id?.0,
            line: self.line(at),
            level: level?,
            principle: principle?,
            authority: authority?,
            source: source?.0,
            attribute,
            applies,
            when,
            checks: checks?,
        })
    }

    fn applies(&mut self, row: &DeTable<'_>) -> Option<ClassGroups> {
        let words = row.get("applies")?;
        let at = words.span().start;
        let DeValue::Array(words) = words.get_ref() else {
            self.wrong_type(at, "applies", "a list of words for SOP classes");
            return None;
        };
        let mut groups = ClassGroups::default();
        for word in words.iter() {
            let at = word.span().start;
            let Some(found) = word.get_ref().as_str() else {
                self.wrong_type(at, "applies", "a list of words for SOP classes");
                continue;
            };
            if let Some(group) = self.known_word(at, "applies", found, ClassGroup::WORDS) {
                groups = groups | group.into();
            }
        }
        if words.is_empty() {
            self.fault(at, PackProblem::Nothing("applies"));
        }
        Some(groups)
    }

    fn checks(&mut self, row: &DeTable<'_>, at: usize) -> Option<Vec<CheckText>> {
        let Some(tables) = row.get("check") else {
            return Some(vec![self.check(row, at)?]);
        };
        if CHECK_KEYS.iter().any(|key| row.contains_key(*key)) {
            self.fault(at, PackProblem::TwoForms);
            return None;
        }
        let at = tables.span().start;
        let DeValue::Array(tables) = tables.get_ref() else {
            self.wrong_type(at, "check", "a list of tables, each begun with [[rule.check]]");
            return None;
        };
        let mut checks: Vec<CheckText> = Vec::new();
        for table in tables.iter() {
            let at = table.span().start;
            let DeValue::Table(table) = table.get_ref() else {
                self.wrong_type(at, "check", "a table, begun with [[rule.check]]");
                continue;
            };
            self.known(table, CHECK_KEYS);
            if let Some(check) = self.check(table, at) {
                if checks.last().is_some_and(|last| last.severity < check.severity) {
                    self.fault(at, PackProblem::Order);
                }
                checks.push(check);
            }
        }
        if checks.is_empty() {
            self.fault(at, PackProblem::Missing("require"));
        }
        Some(checks)
    }

    fn check(&mut self, table: &DeTable<'_>, at: usize) -> Option<CheckText> {
        let severity = self.word(table, at, "severity", Severity::WORDS);
        let require = self.required_written(table, at, "require");
        let zh = self.required_written(table, at, "zh");
        let en = self.required_written(table, at, "en");
        Some(CheckText { severity: severity?, require: require?, zh: zh?, en: en? })
    }

    fn required_written(
        &mut self,
        table: &DeTable<'_>,
        at: usize,
        key: &'static str,
    ) -> Option<Written> {
        let (text, at) = self.required(table, at, key)?;
        Some(Written { key, text, at })
    }

    fn written(&mut self, table: &DeTable<'_>, key: &'static str) -> Option<Written> {
        let (text, at) = self.optional(table, key)?;
        Some(Written { key, text, at })
    }
}

fn whole(value: &DeValue<'_>) -> Option<i64> {
    match value {
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok(),
        _ => None,
    }
}

/// The value of a parameter: anything but dates, tables and mixed lists.
fn parameter(value: &DeValue<'_>) -> Option<Value> {
    match value {
        DeValue::Array(values) => {
            let values: Option<Vec<Value>> =
                values.iter().map(|value| single(value.get_ref())).collect();
            let values = values?;
            let texts = values.iter().filter(|value| value.as_text().is_some()).count();
            (texts == 0 || texts == values.len()).then(|| values.into())
        }
        value => single(value),
    }
}

fn single(value: &DeValue<'_>) -> Option<Value> {
    match value {
        DeValue::String(text) => Some(Value::from(text.as_ref())),
        DeValue::Boolean(truth) => Some(Value::Bool(*truth)),
        DeValue::Integer(_) => whole(value).map(Value::Int),
        DeValue::Float(number) => {
            number.as_str().replace('_', "").parse().ok().map(Value::finite).filter(Value::is_known)
        }
        DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => None,
    }
}
