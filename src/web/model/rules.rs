//! What can be told of rules: every part of one, how rules fare with files, and how two packs differ.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Message, Rule, Severity};

/// One rule of `rules show --json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RulePage {
    /// What `rules ls --json` tells of it.
    #[serde(flatten)]
    pub rule: Rule,
    /// The attribute whose value its findings show, by keyword.
    pub attribute: Option<String>,
    /// What it requires, gravest first; the first that is not met makes the finding.
    pub checks: Vec<RuleCheck>,
    /// The parameters that it uses.
    pub parameters: Vec<RuleParameter>,
    /// The facts that it uses.
    pub facts: Vec<RuleFact>,
    /// The attributes that it uses, by keyword; of one within sequences, the outermost sequence.
    pub attributes: Vec<String>,
}

/// One requirement of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleCheck {
    /// What it does when it is not met.
    pub severity: Severity,
    /// The requirement.
    pub require: String,
    /// What it tells people, with names in braces where values stand.
    pub message: Message,
}

/// A parameter of a pack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleParameter {
    /// Its name, after `param.`.
    pub name: String,
    /// Its value in force.
    pub value: serde_json::Value,
    /// Its value in the pack.
    pub default: serde_json::Value,
    /// What it is counted in.
    pub unit: Option<String>,
    /// What it is.
    pub about: Option<Message>,
}

/// A fact that a rule uses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleFact {
    /// Its name, as conditions write it.
    pub name: String,
    /// What it says, in English.
    pub about: Option<String>,
    /// The same in Chinese.
    #[serde(default)]
    pub about_zh: Option<String>,
}

/// A pack, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackName {
    /// Its id.
    pub id: String,
    /// Its version, as its maker counts.
    pub version: String,
    /// What it is.
    pub title: Message,
}

/// A mistake in a pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackMistake {
    /// The pack, as it was named.
    pub file: String,
    /// The line, counted from 1; `null` where it is none in particular.
    pub line: Option<usize>,
    /// The character in the line, counted from 1.
    pub column: Option<usize>,
    /// The rule that it is in.
    pub rule: Option<String>,
    /// What is wrong.
    pub problem: String,
}

impl fmt::Display for PackMistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        for place in [self.line, self.column].into_iter().flatten() {
            write!(f, ":{place}")?;
        }
        if let Some(rule) = &self.rule {
            write!(f, ": {rule}")?;
        }
        write!(f, ": {}", self.problem)
    }
}

/// A file that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnreadFile {
    /// Its path.
    pub file: String,
    /// Why.
    pub error: String,
}

/// `rules test --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// The packs that were tried.
    pub packs: Vec<PackName>,
    /// DICOM files that they were tried on.
    pub files: u64,
    /// Studies that these make.
    #[serde(default)]
    pub studies: u64,
    /// Series of images that these make; those of them that are rejected count apart.
    #[serde(default)]
    pub series: u64,
    /// Files that are no DICOM.
    pub not_dicom: u64,
    /// Files that could not be read.
    pub unreadable: Vec<UnreadFile>,
    /// How each rule fared.
    pub rules: Vec<TriedRule>,
}

/// How a rule fared with files, or with the series or studies that they make, as its level says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriedRule {
    /// The rule's id.
    pub rule: String,
    /// What it looks at: `instance`, `pixel`, `series` or `study`.
    pub level: String,
    /// What it does at its worst.
    pub severity: Severity,
    /// Whether it was run; false where the files make nothing of its level.
    pub run: bool,
    /// Files, series or studies that it applies to.
    pub applied: u64,
    /// Of these, those that meet it.
    pub met: u64,
    /// Of these, those that do not.
    pub not_met: u64,
    /// Of these, those of which it cannot be told.
    pub undecided: u64,
    /// Those that it does not apply to.
    pub not_applicable: u64,
    /// Some of each kind.
    pub examples: Examples,
}

/// Some files by path, or series or studies by UID, at most three of each kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Examples {
    /// Those that meet the rule.
    pub met: Vec<String>,
    /// Those that do not.
    pub not_met: Vec<String>,
    /// Those of which it cannot be told.
    pub undecided: Vec<String>,
}

/// `rules diff --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// The pack that was.
    pub old: PackName,
    /// The pack that is to be.
    pub new: PackName,
    /// DICOM files that they were compared on.
    pub files: u64,
    /// Studies that these make.
    #[serde(default)]
    pub studies: u64,
    /// Files that are no DICOM.
    pub not_dicom: u64,
    /// Files that could not be read.
    pub unreadable: Vec<UnreadFile>,
    /// Files of which another decision is made, by rules on themselves.
    pub changed: Vec<FileChange>,
    /// Studies of which another decision is made, by rules on them and their series.
    #[serde(default)]
    pub changed_studies: Vec<StudyChange>,
    /// Rules that find otherwise in any file or study, whether or not that changes its decision.
    pub rules: Vec<RuleCount>,
}

/// A file of which another decision is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileChange {
    /// Its path.
    pub file: String,
    /// By the old pack.
    pub old: Decision,
    /// By the new pack.
    pub new: Decision,
    /// The rules that find otherwise.
    pub rules: Vec<RuleChange>,
}

/// A study of which another decision is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StudyChange {
    /// Its UID.
    pub study_instance_uid: String,
    /// By the old pack.
    pub old: Decision,
    /// By the new pack.
    pub new: Decision,
    /// The rules that find otherwise.
    pub rules: Vec<RuleChange>,
}

/// What follows from the findings in a file, or on a study.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// The gravest finding; `null` without any.
    pub severity: Option<Severity>,
    /// Whether a mark would be withheld for it.
    pub mark_withheld: bool,
}

/// A rule that finds otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleChange {
    /// The rule's id.
    pub rule: String,
    /// What it found by the old pack; `null` is nothing.
    pub old: Option<Severity>,
    /// What it finds by the new pack; `null` is nothing.
    pub new: Option<Severity>,
}

/// In how many files a rule finds otherwise; for a rule on series or studies, in how many studies.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleCount {
    /// The rule's id.
    pub rule: String,
    /// Those in which it finds what it did not find.
    pub new: u64,
    /// Those in which it no longer finds what it found.
    pub gone: u64,
    /// Those in which it finds the same with another severity.
    pub regraded: u64,
    /// Of all these, those of which another decision is made.
    pub decisions: u64,
}
