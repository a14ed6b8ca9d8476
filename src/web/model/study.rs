//! Studies that have settled, and what was found on them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Message, Principle, Severity, text};

/// What was found on a study when nothing more came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Study {
    /// Its UID.
    pub study_instance_uid: String,
    /// When it was judged.
    #[serde(with = "text")]
    pub settled: Timestamp,
    /// Why then: `quiet`, `at_most` or `no_room`.
    pub cause: String,
    /// Its instances by then.
    pub instances: u64,
    /// The gravest severity found.
    pub severity: Option<Severity>,
    /// What was found.
    pub findings: Vec<StudyFinding>,
    /// The same of rules that are only tried out.
    pub shadow: Vec<StudyFinding>,
    /// Rules that apply and could not be evaluated.
    pub undecided: Vec<String>,
}

/// A requirement that a study or a series does not meet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StudyFinding {
    /// The rule.
    pub rule: String,
    /// The principle it serves.
    pub principle: Principle,
    /// What it does where images wait for their study.
    pub severity: Severity,
    /// What the rule rests on.
    pub authority: String,
    /// The series; `null` where it is about the study.
    pub series_instance_uid: Option<String>,
    /// What is wrong.
    pub message: Message,
}
