//! What expressions compute with, and where they get it from.

use std::fmt;
use std::sync::Arc;

use crate::dicom::Tag;
use crate::dicom::attribute::AttributePath;

/// A value in an expression. Cheap to clone.
///
/// Values of attributes may identify a patient: they are for `check`, `explain` and the console, never for a log.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Absent, empty, or not to be told.
    Unknown,
    /// A truth.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any other number; never NaN or infinite.
    Double(f64),
    /// A text.
    Text(Arc<str>),
    /// Several values.
    List(Arc<[Value]>),
}

impl Value {
    /// A text; the empty text is [`Value::Unknown`], as an empty attribute is.
    #[must_use]
    pub fn present(text: &str) -> Self {
        if text.is_empty() { Self::Unknown } else { Self::Text(text.into()) }
    }

    /// What an attribute with these values is: unknown without any, the value itself when it is one, else a list.
    #[must_use]
    pub fn of_values(mut values: Vec<Value>) -> Self {
        match values.len() {
            0 => Self::Unknown,
            1 => values.pop().unwrap_or(Self::Unknown),
            _ => Self::List(values.into()),
        }
    }

    /// Whether there is something.
    #[must_use]
    pub fn is_known(&self) -> bool {
        !matches!(self, Self::Unknown)
    }

    /// The truth of a boolean; anything else is unknown.
    #[must_use]
    pub fn truth(&self) -> Truth {
        match self {
            Self::Bool(true) => Truth::True,
            Self::Bool(false) => Truth::False,
            Self::Unknown | Self::Int(_) | Self::Double(_) | Self::Text(_) | Self::List(_) => {
                Truth::Unknown
            }
        }
    }

    /// The text, where it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Unknown | Self::Bool(_) | Self::Int(_) | Self::Double(_) | Self::List(_) => None,
        }
    }

    /// A number that is finite; unknown otherwise.
    #[must_use]
    pub fn finite(number: f64) -> Self {
        if number.is_finite() { Self::Double(number) } else { Self::Unknown }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("unknown"),
            Self::Bool(truth) => write!(f, "{truth}"),
            Self::Int(number) => write!(f, "{number}"),
            Self::Double(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
            Self::List(values) => {
                for (index, value) in values.iter().enumerate() {
                    // As the values of an attribute are separated in a data set.
                    let separator = if index == 0 { "" } else { "\\" };
                    write!(f, "{separator}{value}")?;
                }
                Ok(())
            }
        }
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::finite(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<Vec<Value>> for Value {
    fn from(values: Vec<Value>) -> Self {
        Self::List(values.into())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Unknown, Into::into)
    }
}

impl From<Truth> for Value {
    fn from(truth: Truth) -> Self {
        match truth {
            Truth::True => Self::Bool(true),
            Truth::False => Self::Bool(false),
            Truth::Unknown => Self::Unknown,
        }
    }
}

/// What a condition comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Truth {
    /// Met.
    True,
    /// Not met.
    False,
    /// Not to be told, and so not met.
    Unknown,
}

impl Truth {
    /// Whether the condition is met.
    #[must_use]
    pub fn is_met(self) -> bool {
        matches!(self, Self::True)
    }
}

impl From<bool> for Truth {
    fn from(truth: bool) -> Self {
        if truth { Self::True } else { Self::False }
    }
}

impl std::ops::Not for Truth {
    type Output = Self;

    fn not(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            Self::Unknown => Self::Unknown,
        }
    }
}

/// Where an expression finds its operands. Asked again for the same operand, an environment gives the same answer;
/// one that has to compute it remembers it.
pub trait Environment {
    /// The value of an attribute at the top level of the data set.
    fn attribute(&self, tag: Tag) -> Value;

    /// The value of a variable by its declared name: `calling_aet`, `fact.exam_date`.
    fn variable(&self, name: &str) -> Value;

    /// The value of a variable that was declared with a number. An environment that has no use for numbers need not
    /// implement it.
    fn numbered(&self, _number: usize, name: &str) -> Value {
        self.variable(name)
    }

    /// The value of an attribute within sequences. An environment that knows of none need not implement it.
    fn nested(&self, path: &AttributePath) -> Value {
        if path.steps.is_empty() { self.attribute(path.tag) } else { Value::Unknown }
    }
}
