//! What a finding says, with the values it is about.
//!
//! A message is written with names in braces: `{value}` for the value of the rule's attribute, `{dcm.KEYWORD}`,
//! `{fact.NAME}`, `{param.NAME}`, in rules that look at pixels `{pixel.NAME}`, and in rules on series and studies
//! `{study.NAME}` and `{series.NAME}`; a brace itself is written twice. What may tell who the patient is cannot stand
//! in a message, because messages go to logs.

use crate::base::visible::visible;
use crate::dicom::attribute::{relaxed_vr_of, tag_of};
use crate::dicom::{Tag, VR};
use crate::expression::{Declarations, Environment, Value};

use super::facts::{self, FACTS};
use super::identifying::is_identifying;
use super::pixels::{self, Needs};
use super::subject::Subject;

/// Characters of one value that a message shows.
const SHOWN: usize = 64;
/// Values of a list that a message shows.
const LISTED: usize = 8;

/// A language that messages are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    Chinese,
    English,
}

/// A message with places for values.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    source: String,
    parts: Vec<Part>,
    language: Language,
}

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Text(String),
    Attribute(Tag),
    Fact(usize),
    Pixel(usize),
    /// A fact of a series or a study. None of them tells who the patient is.
    Variable(String),
}

/// What is wrong with a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MessageFault {
    /// A brace that is not closed.
    #[error("`{{` is not closed; a brace itself is written `{{{{`")]
    Unclosed,
    /// A brace that closes nothing.
    #[error("`}}` closes nothing; a brace itself is written `}}}}`")]
    Unopened,
    /// A name that there is not.
    #[error("unknown name `{{{0}}}`; there are value, dcm.KEYWORD, fact.NAME and param.NAME")]
    UnknownName(String),
    /// `{value}` in a rule without an attribute.
    #[error("`{{value}}` stands for the value of the rule's `attribute`, and it has none")]
    NoAttribute,
    /// A value that may tell who the patient is.
    #[error("`{{{0}}}` may tell who the patient is, and messages go to logs")]
    Identifying(String),
    /// A sequence or bytes.
    #[error("`{{{0}}}` is a sequence or bytes, which have no value that can be shown")]
    Opaque(String),
}

impl Template {
    /// Compiles a message. Parameters are put in with the values that `declarations` have.
    ///
    /// # Errors
    /// The first mistake, with the byte it is at.
    pub(super) fn compile(
        source: &str,
        language: Language,
        attribute: Option<Tag>,
        declarations: &Declarations,
    ) -> Result<Self, (usize, MessageFault)> {
        let mut parts = Vec::new();
        let mut text = String::new();
        let mut rest = source;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, brace) = rest.split_at(at);
            let here = source.len() - brace.len();
            text.push_str(before);
            if let Some(after) = brace.strip_prefix("{{") {
                text.push('{');
                rest = after;
            } else if let Some(after) = brace.strip_prefix("}}") {
                text.push('}');
                rest = after;
            } else if let Some(inner) = brace.strip_prefix('{') {
                let (name, after) = inner.split_once('}').ok_or((here, MessageFault::Unclosed))?;
                let name = name.trim();
                match part(name, attribute, declarations).map_err(|fault| (here, fault))? {
                    Named::Part(part) => {
                        parts.push(Part::Text(std::mem::take(&mut text)));
                        parts.push(part);
                    }
                    Named::Constant(value) => show(&value, language, &mut text),
                }
                rest = after;
            } else {
                return Err((here, MessageFault::Unopened));
            }
        }
        text.push_str(rest);
        parts.push(Part::Text(text));
        Ok(Self { source: source.to_owned(), parts, language })
    }

    /// What it has to know of pixels.
    pub(super) fn pixels(&self) -> Needs {
        pixels::needs_at(self.parts.iter().filter_map(|part| match part {
            Part::Pixel(place) => Some(*place),
            Part::Text(_) | Part::Attribute(_) | Part::Fact(_) | Part::Variable(_) => None,
        }))
    }

    /// As it was written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// With the values of an object.
    #[must_use]
    pub fn fill(&self, subject: &Subject<'_>) -> String {
        self.with(|part| match part {
            Part::Text(_) | Part::Variable(_) => None,
            Part::Attribute(tag) => Some(subject.attribute(*tag)),
            Part::Fact(index) => Some(subject.fact_at(*index)),
            Part::Pixel(index) => Some(subject.pixel_at(*index)),
        })
    }

    /// With what is known of a series or a study.
    #[must_use]
    pub(super) fn fill_from(&self, study: &dyn Environment) -> String {
        self.with(|part| match part {
            Part::Text(_) | Part::Attribute(_) | Part::Fact(_) | Part::Pixel(_) => None,
            Part::Variable(name) => Some(study.variable(name)),
        })
    }

    /// Where the object is no longer there to look at.
    #[must_use]
    pub fn without_values(&self) -> String {
        self.with(|_| None)
    }

    fn with(&self, value: impl Fn(&Part) -> Option<Value>) -> String {
        let mut message = String::with_capacity(self.source.len());
        for part in &self.parts {
            match (part, value(part)) {
                (Part::Text(text), _) => message.push_str(text),
                (_, Some(value)) => show(&value, self.language, &mut message),
                (Part::Attribute(_) | Part::Fact(_) | Part::Pixel(_) | Part::Variable(_), None) => {
                    message.push('…');
                }
            }
        }
        message
    }
}

/// What a name in braces stands for.
enum Named {
    Part(Part),
    Constant(Value),
}

fn part(
    name: &str,
    attribute: Option<Tag>,
    declarations: &Declarations,
) -> Result<Named, MessageFault> {
    let unknown = || MessageFault::UnknownName(name.to_owned());
    let attribute_of = |tag: Tag| {
        if is_identifying(tag) {
            Err(MessageFault::Identifying(name.to_owned()))
        } else if is_opaque(relaxed_vr_of(tag)) {
            Err(MessageFault::Opaque(name.to_owned()))
        } else {
            Ok(Named::Part(Part::Attribute(tag)))
        }
    };
    match name.split_once('.') {
        None if name == "value" => attribute_of(attribute.ok_or(MessageFault::NoAttribute)?),
        Some(("dcm", keyword)) => attribute_of(tag_of(keyword).ok_or_else(unknown)?),
        Some(("study" | "series", _)) => {
            let known = declarations.variables().any(|(known, _)| known == name);
            known.then(|| Named::Part(Part::Variable(name.to_owned()))).ok_or_else(unknown)
        }
        Some(("fact", fact)) => {
            let index = facts::index_of(fact).ok_or_else(unknown)?;
            if FACTS.get(index).is_none_or(|fact| fact.identifying) {
                return Err(MessageFault::Identifying(name.to_owned()));
            }
            Ok(Named::Part(Part::Fact(index)))
        }
        Some(("pixel", fact)) => {
            // Of other levels they are not declared, as they could not be told.
            let declared = declarations.variables().any(|(known, _)| known == name);
            let index = pixels::index_of(fact).filter(|_| declared).ok_or_else(unknown)?;
            Ok(Named::Part(Part::Pixel(index)))
        }
        Some(("param", parameter)) => {
            let mut parameters = declarations.parameters();
            let found = parameters.find(|(known, _)| *known == parameter);
            found.map(|(_, value)| Named::Constant(value.clone())).ok_or_else(unknown)
        }
        Some(_) | None => Err(unknown()),
    }
}

fn is_opaque(vr: VR) -> bool {
    matches!(vr, VR::OB | VR::OD | VR::OF | VR::OL | VR::OV | VR::OW | VR::UN | VR::SQ | VR::AT)
}

/// Writes a value as a person reads it.
fn show(value: &Value, language: Language, out: &mut String) {
    let word = |chinese, english| match language {
        Language::Chinese => chinese,
        Language::English => english,
    };
    match value {
        Value::Unknown => out.push_str(word("(无)", "(none)")),
        Value::Bool(true) => out.push_str(word("是", "yes")),
        Value::Bool(false) => out.push_str(word("否", "no")),
        Value::Int(number) => out.push_str(&number.to_string()),
        Value::Double(number) => out.push_str(&rounded(*number).to_string()),
        Value::Text(text) => {
            let shown: String = text.chars().take(SHOWN).collect();
            out.push_str(&visible(&shown));
            if shown.len() < text.len() {
                out.push('…');
            }
        }
        Value::List(values) if values.is_empty() => out.push_str(word("(无)", "(none)")),
        Value::List(values) => {
            for (index, value) in values.iter().take(LISTED).enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                show(value, language, out);
            }
            if values.len() > LISTED {
                out.push_str(", …");
            }
        }
    }
}

/// To four places, which is finer than any limit: what was computed may have a tail of digits that says nothing.
fn rounded(number: f64) -> f64 {
    const PLACES: f64 = 10_000.0;
    /// From here on rounding would change digits that count.
    const SMALL: f64 = 0.001;
    let near = (number * PLACES).round() / PLACES;
    if number.abs() < SMALL || !near.is_finite() { number } else { near }
}
