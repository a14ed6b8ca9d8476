//! What is wrong with the rows of a registry.

use std::fmt;

use jiff::civil::Date;

use crate::expression::CompileError;

/// The kind of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// `[[scope]]`.
    Scope,
    /// `[[institution]]`.
    Institution,
    /// `[[item]]`.
    Item,
    /// `[[accreditation]]`.
    Accreditation,
}

impl Table {
    /// The table's name in a configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scope => "scope",
            Self::Institution => "institution",
            Self::Item => "item",
            Self::Accreditation => "accreditation",
        }
    }
}

/// Where in the rows something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// The kind of the row.
    pub table: Table,
    /// Its place among the [`Rows`](super::Rows) of its kind, counted from 0.
    pub row: usize,
    /// The key.
    pub key: &'static str,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.table.as_str(), self.row + 1, self.key)
    }
}

/// Something that keeps rows from being a registry.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{cell}: {problem}")]
pub struct RegistryFault {
    /// Where.
    pub cell: Cell,
    /// What.
    pub problem: Problem,
}

/// What is wrong with a cell.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Problem {
    /// Nothing is there.
    #[error("must not be empty")]
    Empty,
    /// Another row of the same kind has it.
    #[error("{found:?} is taken already")]
    Taken {
        /// The id, code or rank.
        found: String,
    },
    /// Not of the form of a mark.
    #[error("{found:?} is no mark: two to eight capital letters, then HR")]
    NoMark {
        /// The code.
        found: String,
    },
    /// There is no such row.
    #[error("there is no {} {found:?}", table.as_str())]
    Unknown {
        /// Where it was looked for.
        table: Table,
        /// The id or code.
        found: String,
    },
    /// An interval that ends before it begins.
    #[error("ends on {to}, before it begins on {from}")]
    EndsBeforeItBegins {
        /// First day.
        from: Date,
        /// Last day.
        to: Date,
    },
    /// Two institutions go by the same name at the same time, so that an image could be either's.
    #[error("{name:?} is also a name of institution {other:?}")]
    SharedName {
        /// The name.
        name: String,
        /// The id of the other institution.
        other: String,
    },
    /// A name that Institution Name (0008,0080) cannot hold.
    #[error("{characters} characters, at most 64 fit an institution's name")]
    NameTooLong {
        /// Its length.
        characters: usize,
    },
    /// A name with a backslash or a control character.
    #[error("a name has neither backslashes nor control characters")]
    BadCharacter,
    /// A Latin name with letters that not every character set has.
    #[error("a Latin name has only letters, digits and signs of ASCII")]
    NotLatin,
    /// A condition that cannot be compiled.
    #[error("{0}")]
    Condition(CompileError),
}

/// Something that a registry can be used with, but that its author will want to know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistryWarning {
    /// The name with the widest mark does not fit Institution Name (0008,0080), and no short name does: images of this
    /// institution will get no mark (NAME_TOO_LONG).
    #[error("{cell}: with its mark {characters} characters, at most 64 fit; give a short_name")]
    NeedsShortName {
        /// Where.
        cell: Cell,
        /// The length of the shortest name with separator and longest mark.
        characters: usize,
    },
}
