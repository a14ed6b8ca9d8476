//! What can be wrong with an expression, where, and what would do.

use dicom_core::dictionary::{DataDictionary as _, DataDictionaryEntry as _};
use dicom_dictionary_std::StandardDataDictionary;

use crate::dicom::Tag;

use super::declarations::Kinds;

/// Why an expression does not compile.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("line {line}, column {column}: {fault}")]
pub struct CompileError {
    /// Where, in bytes from the start of the expression.
    pub offset: usize,
    /// The line, counted from 1.
    pub line: usize,
    /// The character in the line, counted from 1.
    pub column: usize,
    /// What.
    pub fault: Fault,
}

/// What is wrong. The text of each says what was found and, where that can be told, what would do.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Fault {
    /// Nothing in it.
    #[error("the expression is empty; write `true` for a condition that always holds")]
    Empty,
    /// Too long to be one condition.
    #[error("the expression has {0} bytes, at most {max} are allowed", max = super::compile::MAX_BYTES)]
    TooLong(usize),
    /// Too deep to be one condition.
    #[error("the expression is nested deeper than {max} levels", max = super::compile::MAX_DEPTH)]
    TooDeep,
    /// The grammar does not allow it.
    #[error("{0}")]
    Syntax(String),
    /// A name that is not declared.
    #[error("unknown name `{name}`{}", hint(.nearest))]
    UnknownName {
        /// As written.
        name: String,
        /// The nearest that would do.
        nearest: Option<String>,
    },
    /// A keyword that PS3.6 does not have.
    #[error("`{keyword}` is no keyword of the DICOM dictionary{}", hint(.nearest))]
    UnknownKeyword {
        /// As written.
        keyword: String,
        /// The nearest that would do.
        nearest: Option<String>,
    },
    /// A parameter that nobody sets.
    #[error("unknown parameter `{name}`{}", hint(.nearest))]
    UnknownParameter {
        /// As written.
        name: String,
        /// The nearest that would do.
        nearest: Option<String>,
    },
    /// A function that there is not.
    #[error("unknown function `{name}`{}", hint(.nearest))]
    UnknownFunction {
        /// As written.
        name: String,
        /// The nearest that would do.
        nearest: Option<String>,
    },
    /// Attributes where only the association is known.
    #[error(
        "`dcm.{0}` cannot be used here: the object has not been read yet, only the association is known"
    )]
    NoAttributes(String),
    /// A function with too few or too many arguments.
    #[error("`{function}` is written `{usage}`")]
    WrongArity {
        /// Its name.
        function: &'static str,
        /// How it is written.
        usage: &'static str,
    },
    /// An operand of a kind that the operator cannot work on.
    #[error("{what} needs {wants}, this is {found}")]
    WrongKind {
        /// The operator or function, in words.
        what: &'static str,
        /// The kinds that would do.
        wants: Kinds,
        /// The kinds it has.
        found: Kinds,
    },
    /// A comparison of what can never be equal.
    #[error("{left} cannot be compared with {right}")]
    Incomparable {
        /// The kinds on the left.
        left: Kinds,
        /// The kinds on the right.
        right: Kinds,
    },
    /// A condition that is no truth.
    #[error("a condition must be true or false, this is {found}")]
    NotACondition {
        /// The kinds it has.
        found: Kinds,
    },
    /// A part of CEL that is left out.
    #[error("{what} cannot be used here; {instead}")]
    Unsupported {
        /// The part.
        what: &'static str,
        /// What to write instead.
        instead: &'static str,
    },
    /// An item of what is no sequence.
    #[error("`{0}` is no sequence, so nothing can be read from its items")]
    NotASequence(String),
    /// A pattern that is no regular expression.
    #[error("the pattern is no regular expression: {0}")]
    BadPattern(String),
}

impl CompileError {
    /// Places a fault at a byte of the source.
    pub(super) fn at(source: &str, offset: usize, fault: Fault) -> Self {
        let before = source.get(..offset).unwrap_or(source);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Self { offset: before.len(), line, column, fault }
    }

    /// Places a fault at a line and a character, both counted from 1.
    pub(super) fn at_character(source: &str, line: usize, column: usize, fault: Fault) -> Self {
        let before: usize = source.split_inclusive('\n').take(line - 1).map(str::len).sum();
        let within = source.get(before..).unwrap_or_default();
        let offset = within.char_indices().nth(column - 1).map_or(within.len(), |(at, _)| at);
        Self { offset: before + offset, line, column, fault }
    }
}

fn hint(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or_else(String::new, |nearest| format!("; did you mean `{nearest}`?"))
}

/// The candidate that differs least from `word`, if it is near enough to have been meant.
pub(super) fn nearest<'a>(
    word: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    let word: Vec<char> = word.to_lowercase().chars().take(64).collect();
    let allowed = 1 + word.len() / 6;
    candidates
        .filter(|candidate| candidate.len().abs_diff(word.len()) <= allowed)
        .map(|candidate| (distance(&word, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Groups whose keywords are worth suggesting: those a condition on an image is likely to use.
const LIKELY_GROUPS: [u16; 9] =
    [0x0008, 0x0010, 0x0012, 0x0018, 0x0020, 0x0028, 0x0032, 0x0040, 0x0054];

/// The keyword of the dictionary that is nearest to `keyword`.
pub(super) fn nearest_keyword(keyword: &str) -> Option<String> {
    // The dictionary crate gives no list of its keywords. Asking for every tag takes some milliseconds, and only on
    // a mistake.
    let tags =
        LIKELY_GROUPS.iter().flat_map(|group| (1..0xA000).map(move |element| Tag(*group, element)));
    let keywords = tags.filter_map(|tag| Some(StandardDataDictionary.by_tag(tag)?.alias()));
    nearest(keyword, keywords).map(str::to_owned)
}

/// How many letters have to be added, taken away, changed or swapped with their neighbour, capitals apart.
fn distance(word: &[char], candidate: &str) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=word.len()).collect();
    let mut previous = None;
    for (row, letter) in candidate.to_lowercase().chars().enumerate() {
        let mut next = vec![row + 1];
        for (column, own) in word.iter().enumerate() {
            let cell =
                |line: &[usize], index: usize| line.get(index).copied().unwrap_or(usize::MAX / 2);
            let changed = cell(&last, column) + usize::from(*own != letter);
            let mut best = changed.min(cell(&last, column + 1) + 1).min(cell(&next, column) + 1);
            let swapped =
                column > 0 && previous == Some(*own) && word.get(column - 1) == Some(&letter);
            if swapped {
                best = best.min(cell(&before_last, column - 1) + 1);
            }
            next.push(best);
        }
        before_last = std::mem::replace(&mut last, next);
        previous = Some(letter);
    }
    last.last().copied().unwrap_or(word.len())
}
