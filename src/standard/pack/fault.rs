//! What can be wrong with a pack, and where.

use crate::expression::Fault;
use crate::standard::message::MessageFault;

use super::{FORMAT, MAX_RULES};

/// A mistake in a pack.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("line {line}{}{}: {problem}", column_of(.column), rule_of(.rule))]
pub struct PackFault {
    /// The line, counted from 1.
    pub line: usize,
    /// The character in the line, counted from 1, for mistakes within a condition or a message.
    pub column: Option<usize>,
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
    #[error("`{key}`: {fault}")]
    Condition {
        /// `when` or `require`.
        key: &'static str,
        /// Why.
        fault: Fault,
    },
    /// A message that does not compile.
    #[error("`{key}`: {fault}")]
    Message {
        /// `zh` or `en`.
        key: &'static str,
        /// Why.
        fault: MessageFault,
    },
    /// A list of words without a word.
    #[error("`{0}` lists nothing; left out, it means everything")]
    Nothing(&'static str),
    /// More rules than a pack may have.
    #[error("a pack has at most {MAX_RULES} rules")]
    TooMany,
}

fn column_of(column: &Option<usize>) -> String {
    column.map_or_else(String::new, |column| format!(", column {column}"))
}

fn rule_of(rule: &Option<String>) -> String {
    rule.as_ref().map_or_else(String::new, |rule| format!(", rule {rule}"))
}
