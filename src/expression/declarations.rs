//! What an expression may name, and the kinds of value it works on.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::BitOr;

use super::value::Value;

/// The kind of a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A truth.
    Bool,
    /// A number.
    Number,
    /// A text.
    Text,
    /// A list of numbers.
    Numbers,
    /// A list of texts.
    Texts,
}

/// The names that an expression may use, and what they are.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Declarations {
    attributes: bool,
    variables: BTreeMap<String, Declared>,
    parameters: BTreeMap<String, Value>,
}

/// What is known of a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Declared {
    kind: Kind,
    number: Option<usize>,
}

impl Declarations {
    /// The association alone: `calling_aet`, `called_aet` and `peer` (the IP address), no attributes.
    #[must_use]
    pub fn association() -> Self {
        let names = ["calling_aet", "called_aet", "peer"];
        names.iter().fold(Self::default(), |all, name| all.with_variable(name, Kind::Text))
    }

    /// The association and the attributes of the object.
    #[must_use]
    pub fn object() -> Self {
        Self { attributes: true, ..Self::association() }
    }

    /// Adds a variable. Its name is an identifier, or two with a dot between: `fact.exam_date`.
    #[must_use]
    pub fn with_variable(mut self, name: &str, kind: Kind) -> Self {
        self.variables.insert(name.to_owned(), Declared { kind, number: None });
        self
    }

    /// Adds a variable that an environment finds sooner by a number of its own, see [`Environment::numbered`].
    ///
    /// [`Environment::numbered`]: super::Environment::numbered
    #[must_use]
    pub fn with_numbered(mut self, name: &str, kind: Kind, number: usize) -> Self {
        self.variables.insert(name.to_owned(), Declared { kind, number: Some(number) });
        self
    }

    /// Adds a parameter, read as `param.NAME`. [`Value::Unknown`] is one that is not set.
    #[must_use]
    pub fn with_parameter(mut self, name: &str, value: Value) -> Self {
        self.parameters.insert(name.to_owned(), value);
        self
    }

    /// The declared variables, by name.
    pub fn variables(&self) -> impl Iterator<Item = (&str, Kind)> {
        self.variables.iter().map(|(name, declared)| (name.as_str(), declared.kind))
    }

    /// The declared parameters, by name.
    pub fn parameters(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.parameters.iter().map(|(name, value)| (name.as_str(), value))
    }

    pub(super) fn has_attributes(&self) -> bool {
        self.attributes
    }

    pub(super) fn variable(&self, name: &str) -> Option<Kinds> {
        self.variables.get(name).map(|declared| Kinds::of(declared.kind))
    }

    pub(super) fn number(&self, name: &str) -> Option<usize> {
        self.variables.get(name)?.number
    }

    pub(super) fn parameter(&self, name: &str) -> Option<&Value> {
        self.parameters.get(name)
    }
}

/// The kinds of value that a part of an expression can have: a set, since an attribute may have one value or several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Kinds(u8);

impl Kinds {
    pub(super) const NONE: Self = Self(0);
    pub(super) const BOOL: Self = Self(1);
    pub(super) const NUMBER: Self = Self(1 << 1);
    pub(super) const TEXT: Self = Self(1 << 2);
    /// Bytes, or an item of a sequence: it is there or not, and that is all that can be said of it.
    pub(super) const OPAQUE: Self = Self(1 << 3);
    pub(super) const SINGLE: Self = Self(0x0F);
    pub(super) const LIST: Self = Self(0xF0);
    pub(super) const ANY: Self = Self(0xFF);

    fn of(kind: Kind) -> Self {
        match kind {
            Kind::Bool => Self::BOOL,
            Kind::Number => Self::NUMBER,
            Kind::Text => Self::TEXT,
            Kind::Numbers => Self::NUMBER.listed(),
            Kind::Texts => Self::TEXT.listed(),
        }
    }

    pub(super) fn of_value(value: &Value) -> Self {
        match value {
            Value::Unknown => Self::ANY,
            Value::Bool(_) => Self::BOOL,
            Value::Int(_) | Value::Double(_) => Self::NUMBER,
            Value::Text(_) => Self::TEXT,
            Value::List(values) => values
                .iter()
                .fold(Self::NONE, |all, value| all | Self::of_value(value))
                .listed_or_any(),
        }
    }

    fn listed_or_any(self) -> Self {
        if self == Self::NONE { Self::LIST } else { self.listed() }
    }

    /// Lists of these kinds. What is a list already stays one: lists of lists are not told apart.
    pub(super) fn listed(self) -> Self {
        Self((self.0 & 0x0F) << 4 | self.0 & 0xF0)
    }

    /// The kinds of the values in it, a single value counting as a list of one.
    pub(super) fn elements(self) -> Self {
        Self(self.0 >> 4 | self.0 & 0x0F)
    }

    pub(super) fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

impl BitOr for Kinds {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Display for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 & Self::LIST.0 == Self::LIST.0 && self.0 & Self::SINGLE.0 == 0 {
            return f.write_str("a list");
        }
        let names = [
            (Self::BOOL, "a truth"),
            (Self::NUMBER, "a number"),
            (Self::TEXT, "a text"),
            (Self::OPAQUE, "a sequence or bytes"),
            (Self::BOOL.listed(), "a list of truths"),
            (Self::NUMBER.listed(), "a list of numbers"),
            (Self::TEXT.listed(), "a list of texts"),
        ];
        let mut separator = "";
        for (kind, name) in names {
            // A list of what may also be single needs no mention of its own.
            let single_too = kind.meets(Self::LIST) && self.meets(Self(kind.0 >> 4));
            if self.meets(kind) && !single_too {
                write!(f, "{separator}{name}")?;
                separator = " or ";
            }
        }
        Ok(())
    }
}
