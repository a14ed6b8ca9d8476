//! Packs of rules: the TOML they are written in, read with every mistake told at once.
//!
//! ```toml
//! format = 1
//! id = "our-hospital"
//! version = "1.0"
//! title.zh = "本院补充规则"
//! title.en = "Our own rules"
//!
//! [parameters]
//! thin = 1.25                          # read as param.thin, changed by a site under [rules.parameters]
//!
//! [[rule]]
//! id = "OUR-001"
//! principle = "completeness"
//! authority = "judgement"
//! source = "radiology department, 2026-03"
//! attribute = "SliceThickness"         # whose value a finding shows
//! when = "dcm.Modality == 'CT'"        # optional; unknown = does not apply
//! severity = "warn"
//! require = "has(dcm.SliceThickness) && dcm.SliceThickness <= param.thin"
//! zh = "层厚大于1.25mm"
//! en = "slices thicker than 1.25 mm"
//! ```
//!
//! A rule with several grades has `[[rule.check]]` tables with `severity`, `require`, `zh` and `en` instead, the gravest first;
//! the first that is not met makes the finding. A requirement that comes to unknown makes none: presence is asked for with
//! `has`.

use std::collections::BTreeMap;

use toml::de::{DeTable, DeValue};

use crate::dicom::Tag;
use crate::dicom::attribute::tag_of;
use crate::expression::{CompileError, Declarations, Expression, Value};

use super::rule::{Authority, Check, Messages, Principle, Rule, Severity};

/// The packs that are built in, by name.
pub const BUILT_IN: &[(&str, &str)] =
    &[("db11t2505-2025", include_str!("../../config/standards/db11t2505-2025.toml"))];

/// Rules that a pack may have.
const MAX_RULES: usize = 2000;
/// The format that this program reads.
const FORMAT: i64 = 1;

/// A pack of rules: well-formed, every condition compiled with the pack's own parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct Pack {
    id: String,
    version: String,
    title: Messages,
    parameters: BTreeMap<String, Value>,
    rules: Vec<RuleText>,
    text: String,
}

/// A rule as written, to be compiled with the parameters that hold at the site.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RuleText {
    pub id: String,
    line: usize,
    principle: Principle,
    authority: Authority,
    source: String,
    attribute: Option<Tag>,
    when: Option<Condition>,
    checks: Vec<CheckText>,
}

#[derive(Debug, Clone, PartialEq)]
struct CheckText {
    severity: Severity,
    require: Condition,
    messages: Messages,
}

/// The text of a condition and the line it begins on.
#[derive(Debug, Clone, PartialEq)]
struct Condition {
    key: &'static str,
    text: String,
    line: usize,
}

/// A mistake in a pack.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("line {line}{}: {problem}", .rule.as_ref().map_or_else(String::new, |rule| format!(", rule {rule}")))]
pub struct PackFault {
    /// The line, counted from 1.
    pub line: usize,
    /// The rule it is in.
    pub rule: Option<String>,
    /// What is wrong.
    pub problem: PackProblem,
}

/// What can be wrong with a pack.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PackProblem {
    /// It is no TOML.
    #[error("{0}")]
    Syntax(String),
    /// A format of a later program.
    #[error("`format = {0}` is not known, this program reads `format = {FORMAT}`")]
    Format(i64),
    /// A key that must be there.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// A key that there is not.
    #[error("unknown key `{key}`; known are {}", .known.join(", "))]
    UnknownKey {
        /// As written.
        key: String,
        /// Those there are.
        known: Vec<&'static str>,
    },
    /// A value of another type.
    #[error("`{key}` must be {wants}")]
    WrongType {
        /// The key.
        key: String,
        /// What would do.
        wants: &'static str,
    },
    /// A word that is not one of a list.
    #[error("`{key} = \"{found}\"`: one of {} is wanted", .known.join(", "))]
    UnknownWord {
        /// The key.
        key: &'static str,
        /// As written.
        found: String,
        /// Those that would do.
        known: Vec<&'static str>,
    },
    /// An identifier that is no word of capitals, digits and hyphens.
    #[error("`{0}` is no identifier: letters, digits, `-`, `_` and `.` make one")]
    BadId(String),
    /// An identifier that was given before.
    #[error("the identifier was given before, on line {0}")]
    Duplicate(usize),
    /// An attribute that the dictionary does not have.
    #[error("`attribute = \"{0}\"` is no keyword of the DICOM dictionary")]
    UnknownAttribute(String),
    /// A rule with both its own requirement and checks.
    #[error(
        "a rule has either `severity`, `require`, `zh` and `en`, or [[rule.check]] tables with these"
    )]
    TwoForms,
    /// Checks that are not written the gravest first.
    #[error("checks are written the gravest first")]
    Order,
    /// A condition that does not compile.
    #[error("`{key}`: {error}")]
    Condition {
        /// `when` or `require`.
        key: &'static str,
        /// Why.
        error: CompileError,
    },
    /// More rules than a pack may have.
    #[error("a pack has at most {MAX_RULES} rules")]
    TooMany,
}

impl Pack {
    /// The built-in pack of this name.
    #[must_use]
    pub fn built_in(name: &str) -> Option<Self> {
        let (_, text) = BUILT_IN.iter().find(|(own, _)| *own == name)?;
        Self::parse(text).ok()
    }

    /// Reads a pack.
    ///
    /// # Errors
    /// Every mistake in it, by line.
    pub fn parse(text: &str) -> Result<Self, Vec<PackFault>> {
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

    /// Its identifier.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Its version, as its maker counts.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What it is.
    #[must_use]
    pub fn title(&self) -> &Messages {
        &self.title
    }

    /// Its parameters with their defaults.
    #[must_use]
    pub fn parameters(&self) -> &BTreeMap<String, Value> {
        &self.parameters
    }

    /// Its text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn rules(&self) -> &[RuleText] {
        &self.rules
    }
}

impl RuleText {
    /// Compiles the rule's conditions.
    pub(super) fn compile(
        &self,
        pack: &str,
        declarations: &Declarations,
    ) -> Result<Rule, Vec<PackFault>> {
        let mut faults = Vec::new();
        let mut condition = |condition: &Condition| {
            Expression::compile(&condition.text, declarations)
                .map_err(|error| {
                    // A condition over several lines begins on the first.
                    let line = condition.line + error.line - 1;
                    let problem = PackProblem::Condition { key: condition.key, error };
                    faults.push(PackFault { line, rule: Some(self.id.clone()), problem });
                })
                .ok()
        };
        let when = self.when.as_ref().map(&mut condition);
        let checks: Vec<Option<Check>> = self
            .checks
            .iter()
            .map(|check| {
                let require = condition(&check.require)?;
                let messages = check.messages.clone();
                Some(Check { severity: check.severity, require, messages })
            })
            .collect();
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Rule {
            id: self.id.clone(),
            pack: pack.to_owned(),
            principle: self.principle,
            authority: self.authority,
            source: self.source.clone(),
            attribute: self.attribute,
            when: when.flatten(),
            checks: checks.into_iter().flatten().collect(),
            off: false,
            shadow: false,
        })
    }
}

/// What conditions of a pack may name.
pub(super) fn declarations_with<'a>(
    parameters: impl Iterator<Item = (&'a String, &'a Value)>,
) -> Declarations {
    parameters
        .fold(super::declarations(), |all, (name, value)| all.with_parameter(name, value.clone()))
}

struct Reader<'t> {
    text: &'t str,
    faults: Vec<PackFault>,
    rule: Option<String>,
}

const TOP_KEYS: &[&str] = &["format", "id", "version", "title", "parameters", "rule"];
const RULE_KEYS: &[&str] = &[
    "id",
    "principle",
    "authority",
    "source",
    "attribute",
    "when",
    "severity",
    "require",
    "zh",
    "en",
    "check",
];
const CHECK_KEYS: &[&str] = &["severity", "require", "zh", "en"];

impl Reader<'_> {
    fn line(&self, at: usize) -> usize {
        self.text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
    }

    fn fault(&mut self, at: usize, problem: PackProblem) {
        let fault = PackFault { line: self.line(at), rule: self.rule.clone(), problem };
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
        let value = words.iter().find(|(word, _)| *word == found).map(|(_, value)| *value);
        if value.is_none() {
            let known = words.iter().map(|(word, _)| *word).collect();
            self.fault(at, PackProblem::UnknownWord { key, found, known });
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
        let declarations = declarations_with(parameters.iter());
        for rule in &rules {
            if let Err(faults) = rule.compile("", &declarations) {
                self.faults.extend(faults);
            }
        }
        let (id, version, title) = (id?.0, version?.0, title?);
        Some(Pack { id, version, title, parameters, rules, text: self.text.to_owned() })
    }

    fn parameters(&mut self, table: &DeTable<'_>) -> BTreeMap<String, Value> {
        let mut parameters = BTreeMap::new();
        let Some(section) = table.get("parameters") else { return parameters };
        let DeValue::Table(section) = section.get_ref() else {
            self.wrong_type(section.span().start, "parameters", "a table");
            return parameters;
        };
        for (key, value) in section {
            let name = key.get_ref().as_ref();
            match parameter(value.get_ref()) {
                Some(value) => {
                    parameters.insert(name.to_owned(), value);
                }
                None => {
                    let wants = "a number, a text, true or false, or a list of numbers or texts";
                    self.wrong_type(value.span().start, name, wants);
                }
            }
        }
        parameters
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
        let when = self.condition(row, "when");
        let checks = self.checks(row, at);
        Some(RuleText {
            id: id?.0,
            line: self.line(at),
            principle: principle?,
            authority: authority?,
            source: source?.0,
            attribute,
            when,
            checks: checks?,
        })
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
        if !table.contains_key("require") {
            self.fault(at, PackProblem::Missing("require"));
        }
        let require = self.condition(table, "require");
        let messages = self.messages(table, at);
        Some(CheckText { severity: severity?, require: require?, messages: messages? })
    }

    fn condition(&mut self, table: &DeTable<'_>, key: &'static str) -> Option<Condition> {
        let (text, at) = self.optional(table, key)?;
        // Behind a triple quote the text begins on the next line.
        let literal = self.text.get(at..).unwrap_or_default();
        let after = literal.trim_start_matches(['\'', '"']);
        let skipped = after.len() - after.trim_start().len();
        let begin = at + (literal.len() - after.len()) + skipped;
        Some(Condition { key, text, line: self.line(begin) })
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
