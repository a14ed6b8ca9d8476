//! What is wrong with a configuration, said so that the person who wrote it can mend it at once.

use std::fmt;
use std::path::PathBuf;

/// One mistake: where it is, what was found there and what would do instead.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// The file, as it was named.
    pub file: PathBuf,
    /// Line of the file, from 1; `None` when the mistake is about the file as a whole.
    pub line: Option<u32>,
    /// The key, dotted (`gate.listen`); empty when the mistake is about no key.
    pub key: String,
    /// What is wrong.
    pub fault: Fault,
}

/// The ways in which a configuration can be wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The file could not be read.
    Unreadable {
        /// The operating system's words.
        problem: String,
    },
    /// The file is longer than is read.
    TooLong {
        /// Bytes that a file of this kind may have.
        limit: u64,
    },
    /// The file is not UTF-8.
    NotUtf8,
    /// Not TOML, or not CSV.
    Syntax {
        /// The parser's words.
        problem: String,
    },
    /// A key that this table does not have.
    UnknownKey {
        /// The key that was probably meant.
        nearest: Option<&'static str>,
        /// All keys of the table.
        known: Vec<&'static str>,
    },
    /// A key, or a whole table, that must be there and is not.
    Missing {
        /// What it would hold.
        wanted: &'static str,
    },
    /// A value of the wrong type, out of range, or that cannot be read as what it should be.
    Unusable {
        /// The value.
        found: String,
        /// What would do.
        wanted: String,
    },
    /// A word that is not one of a fixed list.
    UnknownWord {
        /// The word.
        found: String,
        /// The word that was probably meant.
        nearest: Option<&'static str>,
        /// All words that would do.
        known: Vec<&'static str>,
    },
    /// A name that nothing in this configuration bears.
    UnknownName {
        /// What it should name, such as `destination`.
        what: &'static str,
        /// The name.
        found: String,
        /// The name that was probably meant.
        nearest: Option<String>,
        /// The names there are.
        known: Vec<String>,
    },
    /// A name that another row bears already.
    Repeated {
        /// The name.
        found: String,
    },
    /// Two keys that exclude each other.
    Excluded {
        /// The other key.
        other: &'static str,
    },
    /// A condition that does not compile.
    Condition {
        /// The condition.
        found: String,
        /// Line of the fault in it, from 1.
        line: usize,
        /// Character of the fault in that line, from 1.
        column: usize,
        /// What is wrong with it, and what would do.
        problem: String,
    },
    /// A rule pack that cannot be used.
    Pack {
        /// What is wrong with it, and where that is to be told, what would do.
        problem: String,
    },
    /// Something that a later version will have.
    NotInThisVersion {
        /// What was asked for.
        found: String,
        /// What this version has in its place.
        instead: &'static str,
    },
}

/// Longest list of known names that a message prints.
const NAMES_PRINTED: usize = 16;

impl Fault {
    /// What was found.
    #[must_use]
    pub fn found(&self) -> String {
        match self {
            Self::Unreadable { problem } => format!("the file cannot be read: {problem}"),
            Self::TooLong { limit } => format!("the file is longer than {limit} bytes"),
            Self::NotUtf8 => "the file is not UTF-8 text".to_owned(),
            Self::Syntax { problem } | Self::Pack { problem } => problem.clone(),
            Self::UnknownKey { .. } => "unknown key".to_owned(),
            Self::Missing { .. } => "missing".to_owned(),
            Self::Unusable { found, .. } => found.clone(),
            Self::UnknownWord { found, .. } => quoted(found),
            Self::UnknownName { what, found, .. } => {
                format!("{}, which is no {what}", quoted(found))
            }
            Self::Repeated { found } => format!("{} a second time", quoted(found)),
            Self::Excluded { other } => format!("stands beside `{other}`"),
            Self::Condition { found, line: 1, column, problem } => {
                format!("{}, at its character {column}: {problem}", quoted(found))
            }
            Self::Condition { found, line, column, problem } => {
                format!("{}, on its line {line} at character {column}: {problem}", quoted(found))
            }
            Self::NotInThisVersion { found, .. } => format!("{found}, not in this version"),
        }
    }

    /// What would do.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::Unreadable { .. } => "name a file that this user may read".to_owned(),
            Self::TooLong { .. } => "move rows to CSV files, or split the file".to_owned(),
            Self::NotUtf8 => {
                "save it as UTF-8 (in a spreadsheet program: CSV UTF-8, 另存为 CSV UTF-8)"
                    .to_owned()
            }
            Self::Syntax { .. } => "mend the syntax".to_owned(),
            Self::Pack { .. } => "mend the pack, or leave it out of [rules] packs".to_owned(),
            Self::UnknownKey { nearest, known } => one_of(nearest.as_deref(), known, "keys"),
            Self::Missing { wanted } => format!("give {wanted}"),
            Self::Unusable { wanted, .. } => format!("give {wanted}"),
            Self::UnknownWord { nearest, known, .. } => {
                one_of(nearest.as_deref(), known, "allowed")
            }
            Self::UnknownName { nearest, known, .. } => {
                one_of(nearest.as_deref(), known, "there are")
            }
            Self::Repeated { .. } => "give each row its own".to_owned(),
            Self::Excluded { other } => format!("keep one of them: this, or `{other}`"),
            Self::Condition { .. } => {
                "a condition such as \"calling_aet == 'CT01' && dcm.Modality == 'CT'\"".to_owned()
            }
            Self::NotInThisVersion { instead, .. } => (*instead).to_owned(),
        }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}; {}", self.fault.found(), self.fault.remedy())
    }
}

/// Every mistake of a configuration, by file and line. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistakes(Vec<Mistake>);

impl Mistakes {
    /// Puts the mistakes in order; the same one said twice counts once. `None` when there is none.
    pub(super) fn of(mut mistakes: Vec<Mistake>) -> Option<Self> {
        mistakes.sort();
        mistakes.dedup();
        (!mistakes.is_empty()).then_some(Self(mistakes))
    }

    pub(super) fn one(mistake: Mistake) -> Self {
        Self(vec![mistake])
    }

    /// The mistakes, in order.
    #[must_use]
    pub fn as_slice(&self) -> &[Mistake] {
        &self.0
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            mistake.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}

/// The candidate that is nearest to `found`, when one is near enough to have been meant.
pub(super) fn nearest<C: AsRef<str>>(
    found: &str,
    candidates: impl IntoIterator<Item = C>,
) -> Option<C> {
    let length = found.chars().count();
    if length > 64 {
        return None;
    }
    candidates
        .into_iter()
        .map(|candidate| (distance(found, candidate.as_ref()), candidate))
        .filter(|(distance, candidate)| {
            *distance <= 1 + length.min(candidate.as_ref().chars().count()) / 3
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Insertions, removals and replacements of characters that turn one text into the other, letter case aside.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().flat_map(char::to_lowercase).collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, from) in left.chars().flat_map(char::to_lowercase).enumerate() {
        let mut diagonal = index;
        let mut before = index + 1;
        let mut next = vec![before];
        for (to, above) in right.iter().zip(row.iter().skip(1)) {
            let replaced = diagonal + usize::from(from != *to);
            before = replaced.min(above + 1).min(before + 1);
            diagonal = *above;
            next.push(before);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

fn one_of<S: AsRef<str>>(nearest: Option<&str>, known: &[S], what: &str) -> String {
    let mut text = match nearest {
        Some(nearest) => format!("did you mean {}? {what}: ", quoted(nearest)),
        None => format!("{what}: "),
    };
    if known.is_empty() {
        text.push_str("none");
    }
    for (index, name) in known.iter().enumerate() {
        if index == NAMES_PRINTED {
            text.push_str(", …");
            break;
        }
        if index > 0 {
            text.push_str(", ");
        }
        text.push_str(name.as_ref());
    }
    text
}

/// A text in quotes, cut when it is too long for a line.
pub(super) fn quoted(text: &str) -> String {
    const SHOWN: usize = 80;
    if text.chars().count() > SHOWN {
        let start: String = text.chars().take(SHOWN).collect();
        format!("{start:?}…")
    } else {
        format!("{text:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(found: &str, want: Option<&str>) {
        let keys = ["aet", "listen", "unparsable", "coerced_status"];
        assert_eq!(nearest(found, keys), want, "{found}");
    }

    #[test]
    fn a_slip_of_the_pen_finds_its_key() {
        check("lisen", Some("listen"));
        check("Listen", Some("listen"));
        check("unparseable", Some("unparsable"));
        check("aets", Some("aet"));
    }

    #[test]
    fn something_else_altogether_finds_none() {
        check("port", None);
        check("database", None);
        check(&"listen".repeat(20), None);
    }

    #[test]
    fn a_message_tells_place_key_finding_and_remedy() {
        let mistake = Mistake {
            file: "gate.toml".into(),
            line: Some(3),
            key: "gate.unparsable".to_owned(),
            fault: Fault::UnknownWord {
                found: "holt".to_owned(),
                nearest: Some("hold"),
                known: vec!["hold", "forward", "refuse"],
            },
        };
        assert_eq!(
            mistake.to_string(),
            "gate.toml:3: gate.unparsable: \"holt\"; did you mean \"hold\"? allowed: hold, forward, refuse"
        );
    }
}
