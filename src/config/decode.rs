//! A reader of tables that records every mistake and goes on.
//!
//! A [`Table`] is a TOML table or a row of a CSV file; both are asked for their keys in the same way. Each key that is
//! asked for becomes known; when the table is [finished](Table::finish), keys that nobody asked for are mistakes. A
//! mistake never stops the reading: the key counts as absent and its default stands in until the end, when a
//! configuration with mistakes is thrown away.
//!
//! serde is not used here because its errors end the decoding at the first mistake.

use std::collections::BTreeMap;
use std::ops::{Range, RangeInclusive};
use std::path::PathBuf;

use jiff::civil::Date;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::mistake::{Fault, Mistake, nearest, quoted};
use crate::expression;

/// A value that is one of a fixed list of words.
pub trait Word: Copy + PartialEq + 'static {
    /// The words and what they stand for, in the order in which messages list them.
    const WORDS: &'static [(&'static str, Self)];

    /// The word for this value.
    fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, value)| *value == self).map_or("", |(word, _)| word)
    }
}

/// A file and where its lines start.
#[derive(Debug)]
pub(super) struct Origin {
    file: PathBuf,
    starts: Vec<usize>,
}

impl Origin {
    pub(super) fn new(file: PathBuf, text: &str) -> Self {
        let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let starts = std::iter::once(0).chain(newlines.map(|(at, _)| at + 1)).collect();
        Self { file, starts }
    }

    /// The line, from 1, on which the byte at `offset` stands.
    fn line(&self, offset: usize) -> u32 {
        let line = self.starts.partition_point(|start| *start <= offset);
        u32::try_from(line).unwrap_or(u32::MAX)
    }

    pub(super) fn mistake(&self, span: Option<Range<usize>>, key: &str, fault: Fault) -> Mistake {
        let line = span.map(|span| self.line(span.start));
        Mistake { file: self.file.clone(), line, key: key.to_owned(), fault }
    }

    pub(super) fn mistake_on(&self, line: u32, key: &str, fault: Fault) -> Mistake {
        Mistake { file: self.file.clone(), line: Some(line), key: key.to_owned(), fault }
    }
}

#[derive(Clone, Copy)]
enum Value<'v> {
    Toml(&'v DeValue<'v>),
    /// A cell of a CSV file; an empty one is an absent value.
    Cell(&'v str),
}

#[derive(Clone, Copy)]
struct Field<'v> {
    value: Value<'v>,
    key_line: u32,
    value_line: u32,
}

/// Where a table and its keys stood, for mistakes that show only when tables are put together.
pub(super) struct Place<'v> {
    origin: &'v Origin,
    name: String,
    line: u32,
    lines: BTreeMap<&'v str, u32>,
}

impl Place<'_> {
    /// A mistake about `key`, on the line of its value or, when it is absent, of the table.
    pub(super) fn mistake(&self, key: &str, fault: Fault) -> Mistake {
        let line = self.lines.get(key).copied().unwrap_or(self.line);
        let key = if key.is_empty() { self.name.clone() } else { format!("{}.{key}", self.name) };
        self.origin.mistake_on(line, &key, fault)
    }
}

/// A part of a list that holds texts, or tables in place of them.
pub(super) enum Entry<'v> {
    Text(&'v str),
    Table(Table<'v>),
}

/// A table, or a row of a CSV file, that is being read.
pub(super) struct Table<'v> {
    origin: &'v Origin,
    /// Dotted name; empty at the top of the file.
    name: String,
    line: u32,
    fields: BTreeMap<&'v str, Field<'v>>,
    known: Vec<&'static str>,
    refused: Vec<&'static str>,
    /// Keys that a person may choose.
    free: Vec<&'v str>,
    mistakes: Vec<Mistake>,
}

impl<'v> Table<'v> {
    /// The whole of a TOML file.
    pub(super) fn top(origin: &'v Origin, table: &'v Spanned<DeTable<'v>>) -> Self {
        Self::of(origin, String::new(), 1, table.get_ref())
    }

    fn of(origin: &'v Origin, name: String, line: u32, table: &'v DeTable<'v>) -> Self {
        let fields = table.iter().map(|(key, value)| {
            let field = Field {
                value: Value::Toml(value.get_ref()),
                key_line: origin.line(key.span().start),
                value_line: origin.line(value.span().start),
            };
            (key.get_ref().as_ref(), field)
        });
        let fields = fields.collect();
        Self {
            origin,
            name,
            line,
            fields,
            known: Vec::new(),
            refused: Vec::new(),
            free: Vec::new(),
            mistakes: Vec::new(),
        }
    }

    /// A row of a CSV file: pairs of column and cell. `header` and `line` are line numbers.
    pub(super) fn row(
        origin: &'v Origin,
        name: &str,
        header: u32,
        line: u32,
        cells: impl Iterator<Item = (&'v str, &'v str)>,
    ) -> Self {
        let fields = cells.map(|(column, cell)| {
            let value = Value::Cell(cell.trim());
            (column, Field { value, key_line: header, value_line: line })
        });
        let (name, fields) = (name.to_owned(), fields.collect());
        Self {
            origin,
            name,
            line,
            fields,
            known: Vec::new(),
            refused: Vec::new(),
            free: Vec::new(),
            mistakes: Vec::new(),
        }
    }

    /// Hands over the mistakes, the unknown keys among them. What is left knows where the keys stood.
    pub(super) fn finish(mut self, into: &mut Vec<Mistake>) -> Place<'v> {
        for (key, field) in &self.fields {
            let expected = self.known.contains(key) || self.refused.contains(key);
            if !expected && !self.free.contains(key) {
                let nearest = nearest(key, self.known.iter().copied());
                let fault = Fault::UnknownKey { nearest, known: self.known.clone() };
                self.mistakes.push(self.origin.mistake_on(field.key_line, &self.full(key), fault));
            }
        }
        into.append(&mut self.mistakes);
        let lines = self.fields.iter().map(|(key, field)| (*key, field.value_line)).collect();
        Place { origin: self.origin, name: self.name, line: self.line, lines }
    }

    /// Records a mistake about `key`, on the line of its value or, when it is absent, of the table.
    pub(super) fn fault(&mut self, key: &str, fault: Fault) {
        let line = self.fields.get(key).map_or(self.line, |field| field.value_line);
        self.mistakes.push(self.origin.mistake_on(line, &self.full(key), fault));
    }

    fn fault_on(&mut self, line: u32, key: &str, fault: Fault) {
        self.mistakes.push(self.origin.mistake_on(line, &self.full(key), fault));
    }

    /// The place of a key as a mistake would tell it, for warnings.
    pub(super) fn note(&self, key: &str, fault: Fault) -> Mistake {
        let line = self.fields.get(key).map_or(self.line, |field| field.value_line);
        self.origin.mistake_on(line, &self.full(key), fault)
    }

    fn full(&self, key: &str) -> String {
        match (self.name.is_empty(), key.is_empty()) {
            (true, _) => key.to_owned(),
            (false, true) => self.name.clone(),
            (false, false) => format!("{}.{key}", self.name),
        }
    }

    /// Whether the key is there, mistaken or not.
    pub(super) fn has(&self, key: &str) -> bool {
        self.fields.get(key).is_some_and(|field| !matches!(field.value, Value::Cell("")))
    }

    /// Whether a key is there that is known only to be refused.
    pub(super) fn refuses(&mut self, key: &'static str) -> bool {
        self.refused.push(key);
        self.has(key)
    }

    fn field(&mut self, key: &'static str) -> Option<Field<'v>> {
        if !self.known.contains(&key) {
            self.known.push(key);
        }
        if self.has(key) { self.fields.get(key).copied() } else { None }
    }

    fn unusable<T>(&mut self, key: &str, field: Field<'_>, wanted: &str) -> Option<T> {
        let found = describe(field.value);
        self.fault(key, Fault::Unusable { found, wanted: wanted.to_owned() });
        None
    }

    /// Records that `key` is missing unless its reader found something, or a mistake.
    pub(super) fn required<T>(
        &mut self,
        key: &'static str,
        value: Option<T>,
        wanted: &'static str,
    ) -> Option<T> {
        if value.is_none() && !self.has(key) {
            self.fault(key, Fault::Missing { wanted });
        }
        value
    }

    /// A text with something in it.
    pub(super) fn text(&mut self, key: &'static str) -> Option<String> {
        self.parsed(key, "a text that is not empty", |text| {
            (!text.trim().is_empty()).then(|| text.trim().to_owned())
        })
    }

    /// A text that `parse` can read; `wanted` says what that would be.
    pub(super) fn parsed<T>(
        &mut self,
        key: &'static str,
        wanted: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let field = self.field(key)?;
        match text_of(field.value).and_then(parse) {
            Some(value) => Some(value),
            None => self.unusable(key, field, wanted),
        }
    }

    /// One of a fixed list of words.
    pub(super) fn word<W: Word>(&mut self, key: &'static str) -> Option<W> {
        let field = self.field(key)?;
        match text_of(field.value) {
            Some(text) => self.word_of(field.value_line, key, text),
            None => {
                let words: Vec<_> = W::WORDS.iter().map(|(word, _)| *word).collect();
                self.unusable(key, field, &format!("one of {}", words.join(", ")))
            }
        }
    }

    /// A list of words out of a fixed list.
    pub(super) fn words<W: Word>(&mut self, key: &'static str) -> Option<Vec<W>> {
        let parts = self.parts(key, false)?;
        let words = parts.into_iter().map(|(text, line)| self.word_of(line, key, text));
        // Every part is looked at, so that every mistake is recorded.
        words.collect::<Vec<_>>().into_iter().collect()
    }

    fn word_of<W: Word>(&mut self, line: u32, key: &str, text: &str) -> Option<W> {
        let found = W::WORDS.iter().find(|(word, _)| *word == text);
        if let Some((_, value)) = found {
            return Some(*value);
        }
        let known: Vec<_> = W::WORDS.iter().map(|(word, _)| *word).collect();
        let nearest = nearest(text, known.iter().copied());
        self.fault_on(line, key, Fault::UnknownWord { found: text.to_owned(), nearest, known });
        None
    }

    /// A list whose parts `parse` can read; with `single`, one text without brackets will do too.
    ///
    /// In a CSV cell the parts stand apart by `|` or `;`.
    pub(super) fn list<T>(
        &mut self,
        key: &'static str,
        single: bool,
        wanted: &str,
        mut parse: impl FnMut(&str) -> Option<T>,
    ) -> Option<Vec<T>> {
        let parts = self.parts(key, single)?;
        let mut values = Some(Vec::with_capacity(parts.len()));
        for (text, line) in parts {
            match parse(text) {
                Some(value) => {
                    if let Some(values) = &mut values {
                        values.push(value);
                    }
                }
                None => {
                    let fault = Fault::Unusable { found: quoted(text), wanted: wanted.to_owned() };
                    self.fault_on(line, key, fault);
                    values = None;
                }
            }
        }
        values
    }

    /// A list of texts; one alone will do without brackets.
    pub(super) fn texts(&mut self, key: &'static str) -> Option<Vec<String>> {
        self.list(key, true, "a text that is not empty", |text| {
            (!text.trim().is_empty()).then(|| text.trim().to_owned())
        })
    }

    /// A list of texts, each of which may be a table with further keys; tables are called `key`.
    pub(super) fn entries(&mut self, key: &'static str) -> Option<Vec<Entry<'v>>> {
        let value = self.fields.get(key).map(|field| field.value);
        let Some(Value::Toml(DeValue::Array(array))) = value else {
            let parts = self.parts(key, true)?;
            return Some(parts.into_iter().map(|(text, _)| Entry::Text(text)).collect());
        };
        let field = self.field(key)?;
        let entries = array.iter().map(|part| match part.get_ref() {
            DeValue::String(text) => Some(Entry::Text(text)),
            DeValue::Table(table) => {
                let line = self.origin.line(part.span().start);
                Some(Entry::Table(Self::of(self.origin, self.full(key), line, table)))
            }
            DeValue::Integer(_)
            | DeValue::Float(_)
            | DeValue::Boolean(_)
            | DeValue::Datetime(_)
            | DeValue::Array(_) => None,
        });
        match entries.collect::<Option<Vec<_>>>() {
            Some(entries) => Some(entries),
            None => self.unusable(key, field, "a list of texts, or of tables with a name"),
        }
    }

    /// A name that must be among `known`.
    pub(super) fn name(
        &mut self,
        key: &'static str,
        what: &'static str,
        known: &[String],
    ) -> Option<String> {
        let name = self.text(key)?;
        if !known.contains(&name) {
            let fault = unknown_name(what, &name, known);
            self.fault(key, fault);
        }
        Some(name)
    }

    fn parts(&mut self, key: &'static str, single: bool) -> Option<Vec<(&'v str, u32)>> {
        let field = self.field(key)?;
        let one = |text: &'v str| Some(vec![(text, field.value_line)]);
        let parts = match field.value {
            Value::Cell(cell) => {
                let parts = cell.split(['|', ';', '；']).map(str::trim);
                Some(parts.filter(|part| !part.is_empty()).map(|p| (p, field.value_line)).collect())
            }
            Value::Toml(DeValue::Array(array)) => array
                .iter()
                .map(|part| Some((part.get_ref().as_str()?, self.origin.line(part.span().start))))
                .collect::<Option<Vec<_>>>(),
            Value::Toml(value) if single => value.as_str().and_then(one),
            Value::Toml(_) => None,
        };
        match parts {
            Some(parts) => Some(parts),
            None if single => self.unusable(key, field, "a text, or a list of texts in brackets"),
            None => self.unusable(key, field, "a list of texts in brackets"),
        }
    }

    /// `true` or `false`.
    pub(super) fn flag(&mut self, key: &'static str) -> Option<bool> {
        let field = self.field(key)?;
        let flag = match field.value {
            Value::Toml(value) => value.as_bool(),
            Value::Cell("true") => Some(true),
            Value::Cell("false") => Some(false),
            Value::Cell(_) => None,
        };
        match flag {
            Some(flag) => Some(flag),
            None => self.unusable(key, field, "true or false"),
        }
    }

    /// A whole number within `range`.
    pub(super) fn whole<N: TryFrom<i64>>(
        &mut self,
        key: &'static str,
        range: RangeInclusive<i64>,
    ) -> Option<N> {
        let field = self.field(key)?;
        let number = match field.value {
            Value::Toml(DeValue::Integer(number)) => {
                i64::from_str_radix(number.as_str(), number.radix()).ok()
            }
            Value::Toml(_) => None,
            Value::Cell(cell) => cell.parse().ok(),
        };
        match number.filter(|number| range.contains(number)).and_then(|n| N::try_from(n).ok()) {
            Some(number) => Some(number),
            None => {
                let wanted = format!("a whole number from {} to {}", range.start(), range.end());
                self.unusable(key, field, &wanted)
            }
        }
    }

    /// A calendar date: a TOML date, `"2026-04-01"` in quotes, or, in CSV, `2026/4/1` as spreadsheet programs write.
    pub(super) fn date(&mut self, key: &'static str) -> Option<Date> {
        let field = self.field(key)?;
        let date = match field.value {
            Value::Toml(DeValue::Datetime(at)) if at.time.is_none() => at.date.and_then(|date| {
                let month = i8::try_from(date.month).ok()?;
                Date::new(i16::try_from(date.year).ok()?, month, i8::try_from(date.day).ok()?).ok()
            }),
            Value::Toml(value) => value.as_str().and_then(|text| text.parse().ok()),
            Value::Cell(cell) => read_date(cell),
        };
        match date {
            Some(date) => Some(date),
            None => self.unusable(key, field, "a date such as 2026-04-01"),
        }
    }

    /// A table, or an empty one when it is absent.
    pub(super) fn section(&mut self, key: &'static str) -> Table<'v> {
        let name = self.full(key);
        self.optional_section(key).unwrap_or_else(|| Table {
            origin: self.origin,
            name,
            line: 1,
            fields: BTreeMap::new(),
            known: Vec::new(),
            refused: Vec::new(),
            free: Vec::new(),
            mistakes: Vec::new(),
        })
    }

    /// A table that may be left out.
    pub(super) fn optional_section(&mut self, key: &'static str) -> Option<Table<'v>> {
        let field = self.field(key)?;
        match field.value {
            Value::Toml(DeValue::Table(table)) => {
                Some(Self::of(self.origin, self.full(key), field.value_line, table))
            }
            Value::Toml(_) | Value::Cell(_) => {
                self.unusable(key, field, &format!("a table: [{}]", self.full(key)))
            }
        }
    }

    /// The rows of an array of tables.
    pub(super) fn rows(&mut self, key: &'static str) -> Vec<Table<'v>> {
        let Some(field) = self.field(key) else { return Vec::new() };
        let name = self.full(key);
        let rows = match field.value {
            Value::Toml(DeValue::Array(array)) => array
                .iter()
                .map(|row| {
                    let line = self.origin.line(row.span().start);
                    let table = row.get_ref().as_table()?;
                    Some(Self::of(self.origin, name.clone(), line, table))
                })
                .collect::<Option<Vec<_>>>(),
            Value::Toml(_) | Value::Cell(_) => None,
        };
        match rows {
            Some(rows) => rows,
            None => {
                let wanted = format!("rows, each headed [[{name}]]");
                self.unusable::<()>(key, field, &wanted);
                Vec::new()
            }
        }
    }

    /// The tables in this one, whatever their keys are.
    pub(super) fn sections(&mut self) -> Vec<(&'v str, Table<'v>)> {
        let fields = std::mem::take(&mut self.fields);
        let mut sections = Vec::with_capacity(fields.len());
        for (key, field) in fields {
            match field.value {
                Value::Toml(DeValue::Table(table)) => {
                    let name = format!("{}.{key:?}", self.name);
                    sections.push((key, Self::of(self.origin, name, field.value_line, table)));
                }
                Value::Toml(_) | Value::Cell(_) => {
                    let wanted = format!("a table: [{}.{key:?}]", self.name);
                    let fault = Fault::Unusable { found: describe(field.value), wanted };
                    self.fault_on(field.value_line, key, fault);
                }
            }
        }
        sections
    }

    /// The values in this table, whatever their keys are: numbers, truths, texts and lists of them.
    pub(super) fn values(&mut self) -> BTreeMap<String, expression::Value> {
        let mut values = BTreeMap::new();
        let mut faults = Vec::new();
        for (key, field) in &self.fields {
            self.free.push(key);
            match plain_value(field.value) {
                Some(value) => {
                    values.insert((*key).to_owned(), value);
                }
                None => faults.push((*key, describe(field.value))),
            }
        }
        for (key, found) in faults {
            let wanted = "a number, true or false, a text, or a list of these".to_owned();
            self.fault(key, Fault::Unusable { found, wanted });
        }
        values
    }
}

pub(super) fn unknown_name(what: &'static str, found: &str, known: &[String]) -> Fault {
    let nearest = nearest(found, known).cloned();
    Fault::UnknownName { what, found: found.to_owned(), nearest, known: known.to_vec() }
}

fn text_of<'v>(value: Value<'v>) -> Option<&'v str> {
    match value {
        Value::Toml(value) => value.as_str(),
        Value::Cell(cell) => Some(cell),
    }
}

/// A value that expressions can compute with; lists are not nested.
fn plain_value(value: Value<'_>) -> Option<expression::Value> {
    match value {
        Value::Toml(DeValue::Array(array)) => {
            let parts = array.iter().map(|part| single_value(part.get_ref()));
            parts.collect::<Option<Vec<_>>>().map(|parts| expression::Value::List(parts.into()))
        }
        Value::Toml(value) => single_value(value),
        Value::Cell(_) => None,
    }
}

fn single_value(value: &DeValue<'_>) -> Option<expression::Value> {
    match value {
        DeValue::String(text) => Some(expression::Value::Text(text.as_ref().into())),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).ok().map(expression::Value::Int)
        }
        DeValue::Float(number) => {
            let number = number.as_str().parse().ok().map(expression::Value::finite);
            number.filter(expression::Value::is_known)
        }
        DeValue::Boolean(flag) => Some(expression::Value::Bool(*flag)),
        DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => None,
    }
}

/// `2026-04-01`, or `2026/4/1`.
fn read_date(text: &str) -> Option<Date> {
    let mut parts = text.splitn(3, ['-', '/']);
    let year = parts.next().filter(|year| year.len() == 4)?.parse().ok()?;
    let month = parts.next()?.parse().ok()?;
    Date::new(year, month, parts.next()?.parse().ok()?).ok()
}

fn describe(value: Value<'_>) -> String {
    match value {
        Value::Cell(text) => quoted(text),
        Value::Toml(value) => match value {
            DeValue::String(text) => quoted(text),
            DeValue::Integer(number) => number.to_string(),
            DeValue::Float(number) => number.to_string(),
            DeValue::Boolean(flag) => flag.to_string(),
            DeValue::Datetime(at) => at.to_string(),
            DeValue::Array(_) => "a list".to_owned(),
            DeValue::Table(_) => "a table".to_owned(),
        },
    }
}
