//! What was found in an object, what was decided, and why.

use std::path::Path;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{QueueEntry, RuleTrace, Study, maybe_text, text};

/// One entry of `check --json` and `explain --json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FileReport<R> {
    /// The path as it was named or found.
    pub file: String,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome<R>,
}

impl<R> FileReport<R> {
    /// The same file with something made of its judgement.
    pub fn map<T>(self, make: impl FnOnce(R) -> T) -> FileReport<T> {
        let outcome = match self.outcome {
            Outcome::Unreadable { error } => Outcome::Unreadable { error },
            Outcome::Judged(report) => Outcome::Judged(make(report)),
        };
        FileReport { file: self.file, outcome }
    }
}

/// What came of looking at a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Outcome<R> {
    /// It could not be read.
    Unreadable {
        /// Why.
        error: String,
    },
    /// It was judged.
    Judged(R),
}

/// The judgement of one object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// SOP Class UID; `null` when it has none.
    pub sop_class_uid: Option<String>,
    /// SOP Instance UID; `null` when it has none.
    pub sop_instance_uid: Option<String>,
    /// Study Instance UID; `null` when it has none.
    #[serde(default)]
    pub study_instance_uid: Option<String>,
    /// Series Instance UID; `null` when it has none.
    #[serde(default)]
    pub series_instance_uid: Option<String>,
    /// Modality (0008,0060).
    pub modality: Option<String>,
    /// What the rules found, gravest first.
    pub findings: Vec<Finding>,
    /// The day of the examination.
    #[serde(with = "maybe_text")]
    pub exam_date: Option<Date>,
    /// Id of the institution the source is mapped to.
    pub institution: Option<String>,
    /// Codes of the examination items.
    pub items: Vec<String>,
    /// Codes of the candidate scopes that are left, widest first.
    pub scopes: Vec<String>,
    /// The mark, such as `JJJHR`.
    pub mark: Option<String>,
    /// Why there is no mark, such as `NO_ITEM`.
    pub reason: Option<String>,
    /// How the mark is shown: `burn-in`, `strip`, `overlay`, `presentation-state`, `tag`.
    pub modes: Vec<String>,
    /// The corner that the text is in: `top-left`, `top-right`, `bottom-left`, `bottom-right`.
    pub corner: Option<String>,
    /// Modes that were tried and could not be had, in the order in which they were tried.
    pub fallen_back: Vec<FallenBack>,
    /// What becomes of the object.
    pub disposition: Disposition,
}

/// What becomes of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Disposition {
    /// Handed on.
    Forward,
    /// Held for a person.
    Quarantine,
}

/// What one rule found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The rule's id.
    pub rule: String,
    /// The principle of image quality that it serves.
    pub principle: Principle,
    /// What it does.
    pub severity: Severity,
    /// On whose word: `standard`, `dicom`, `regional` or `judgement`.
    pub authority: String,
    /// The attribute in question, by keyword.
    pub attribute: Option<String>,
    /// Its value.
    pub value: Option<String>,
    /// What to tell people.
    pub message: Message,
}

/// The same message in two languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

/// The principles of DB11/T 2505-2025.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Principle {
    /// 准确性
    Accuracy,
    /// 完整性
    Completeness,
    /// 规范性
    Standardization,
    /// 及时性
    Timeliness,
    /// 可读性
    Readability,
    /// 一致性
    Consistency,
}

/// What a finding does, mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Noted.
    Info,
    /// Noted, and shown to people.
    Warn,
    /// No mark.
    Block,
    /// Held for a person.
    Quarantine,
    /// Our own output is wrong: the original goes out, with an alarm.
    SelfCheck,
}

/// One entry of `stamp --json`, where there is a copy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Copied {
    /// What was written.
    pub kind: CopyKind,
    /// Its path below the folder of the copies.
    pub copy: String,
    /// Pictures that were written with it.
    pub beside: Vec<String>,
    /// What else is to be told.
    pub notes: Vec<String>,
    /// What came of judging it; left out where it is no object that was judged.
    #[serde(flatten)]
    pub marked: Option<Report>,
}

impl Copied {
    /// A copy of which nothing else is to be told.
    #[must_use]
    pub fn new(kind: CopyKind, copy: &Path) -> Self {
        Self {
            kind,
            copy: copy.display().to_string(),
            beside: Vec::new(),
            notes: Vec::new(),
            marked: None,
        }
    }
}

/// What a written file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CopyKind {
    /// An object, marked or as it was.
    Object,
    /// A file that is no DICOM.
    File,
    /// A presentation state that shows the mark of a series.
    PresentationState,
    /// A DICOMDIR.
    Directory,
    /// A printed page, or all of them.
    Page,
}

/// A mode that could not be had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FallenBack {
    /// The mode.
    pub mode: String,
    /// Why, in a word such as `NO_SAFE_CORNER`.
    pub reason: String,
    /// The same for people.
    pub obstacle: String,
}

/// Why an object was judged as it was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// The judgement.
    #[serde(flatten)]
    pub report: Report,
    /// What rules found that are counted only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shadow: Vec<Finding>,
    /// Who sent it, as far as that is known.
    pub source: Source,
    /// Institution Name (0008,0080) as it came.
    pub institution_name: Option<String>,
    /// Keyword of the attribute that gave the day of the examination.
    pub exam_date_from: Option<String>,
    /// Every rule that was looked at, with the values it saw.
    pub rules: Vec<RuleTrace>,
    /// The row of the registry that the mark rests on.
    pub accreditation: Option<AccreditationUsed>,
    /// What the gate did with the object; `null` when it is judged offline.
    pub custody: Option<Custody>,
    /// What a gate found on its study, as far as that is kept; `null` when it is judged offline: what was found on the study stands
    /// among the findings then.
    #[serde(default)]
    pub study: Option<Study>,
}

/// Who sent an object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Calling AE title.
    pub calling_aet: Option<String>,
    /// Called AE title.
    pub called_aet: Option<String>,
    /// Address it called from.
    pub peer: Option<String>,
}

/// One thing that a rule looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Keyword of an attribute, or name of a fact.
    pub name: String,
    /// Its value; `null` when it is unknown.
    pub value: Option<String>,
}

/// The row of the registry that a mark rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccreditationUsed {
    /// The institution's id.
    pub institution: String,
    /// The items' codes; `*` is every item.
    pub items: Vec<String>,
    /// The scope's code.
    pub scope: String,
    /// First day.
    #[serde(with = "text")]
    pub valid_from: Date,
    /// Last day.
    #[serde(with = "maybe_text")]
    pub valid_to: Option<Date>,
    /// `active`, `pending`, `suspended` or `revoked`.
    pub status: String,
}

/// What the gate did with an object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Custody {
    /// The gate's own id for it.
    pub id: String,
    /// When it was taken into custody.
    #[serde(with = "text")]
    pub received: Timestamp,
    /// `in_flight`, `delivered`, `held` or `rejected`.
    pub state: String,
    /// When it was judged.
    #[serde(with = "maybe_text")]
    pub judged: Option<Timestamp>,
    /// Deliveries that are not done.
    pub deliveries: Vec<QueueEntry>,
}

/// One rule of `rules ls --json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Its id.
    pub rule: String,
    /// The pack it comes from.
    pub pack: String,
    /// The principle of image quality that it serves.
    pub principle: Principle,
    /// What its findings do, a site's change included.
    pub severity: Severity,
    /// On whose word: `standard`, `dicom`, `regional` or `judgement`.
    pub authority: String,
    /// Clause or source.
    pub clause: Option<String>,
    /// False when the site switched it off.
    pub enabled: bool,
    /// True when it is counted only.
    pub shadow: bool,
    /// What holds otherwise for what comes from some sources or by some routes; the last that applies counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exceptions: Vec<RuleException>,
    /// What it would have withheld while it is counted only, as a running gate tells.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tried: Vec<TriedOut>,
    /// What it looks at: `instance`, `pixel`, `series` or `study`.
    pub level: String,
    /// The groups of SOP classes that it applies to, any of which will do; none is every object.
    pub applies: Vec<String>,
    /// The condition under which it applies to these; `null` is always.
    pub when: Option<String>,
    /// What it requires.
    pub require: String,
    /// What its findings tell people.
    pub message: Message,
}

/// A site's changes to a rule for what comes some ways.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleException {
    /// From these sources; none is from any.
    pub sources: Vec<String>,
    /// By these routes; none is by any.
    pub routes: Vec<String>,
    /// What its findings do there; `null` is as elsewhere.
    pub severity: Option<Severity>,
    /// Whether it is switched on there; `null` is as elsewhere.
    pub enabled: Option<bool>,
    /// Whether it is counted only there; `null` is as elsewhere.
    pub shadow: Option<bool>,
}

/// What a rule that is counted only would have withheld.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TriedOut {
    /// What is counted: `object`, or `study` where images wait for their study.
    pub unit: String,
    /// Those that it applied to and that bear a mark.
    pub applied: u64,
    /// Of these, those that it would have withheld the mark from, or held.
    pub withheld: u64,
}
