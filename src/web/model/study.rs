//! Studies that have settled, and what was found on them.

use jiff::Timestamp;
use serde::ser::SerializeSeq as _;
use serde::{Deserialize, Serialize, Serializer};

use super::{FileReport, Message, Principle, RuleTrace, Severity, text};

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
    /// Rules that are met wherever they apply.
    #[serde(default)]
    pub met: Vec<String>,
    /// Rules that apply to nothing in it.
    #[serde(default)]
    pub not_applicable: Vec<String>,
    /// The hash of the rules that it was judged by; `null` when it was judged by a version of this program that kept none.
    #[serde(default)]
    pub rule_set: Option<String>,
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

/// One entry of `check --json` that is about a study: what came of its files together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StudyReport {
    /// Its UID.
    pub study_instance_uid: String,
    /// Its instances among the files.
    pub instances: u64,
    /// The gravest severity found on the study and its series.
    pub severity: Option<Severity>,
    /// Whether its images get no mark for what was found on the study and its series.
    pub mark_withheld: bool,
    /// What was decided on its objects.
    pub marks: Vec<MarkCount>,
    /// What was found, gravest first.
    pub findings: Vec<StudyFinding>,
    /// The same of rules that are only tried out.
    pub shadow: Vec<StudyFinding>,
    /// Every rule on series and studies, with the values it saw: of rules on series once for each series.
    pub rules: Vec<RuleTrace>,
}

/// Objects of a study that bear the same mark, or none for the same reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkCount {
    /// The mark, such as `JJJHR`.
    pub mark: Option<String>,
    /// Why there is none, such as `NO_ITEM`.
    pub reason: Option<String>,
    /// How many objects.
    pub objects: u64,
}

/// What came of files, and of the studies that they make. As JSON it is one list: the files, then the studies.
#[derive(Debug, Clone, PartialEq)]
pub struct Checked<R> {
    /// Each file.
    pub files: Vec<FileReport<R>>,
    /// Each study that a file is of, in the order in which they are met.
    pub studies: Vec<StudyReport>,
}

impl<R> Checked<R> {
    /// The same with something made of what came of each file.
    pub fn map<T>(self, make: impl Fn(R) -> T) -> Checked<T> {
        let files = self.files.into_iter().map(|file| file.map(&make));
        Checked { files: files.collect(), studies: self.studies }
    }
}

impl<R: Serialize> Serialize for Checked<R> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut list = to.serialize_seq(Some(self.files.len() + self.studies.len()))?;
        for file in &self.files {
            list.serialize_element(file)?;
        }
        for study in &self.studies {
            list.serialize_element(study)?;
        }
        list.end()
    }
}
