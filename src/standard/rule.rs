//! A rule, and the words in which it is written.

use crate::dicom::Tag;
use crate::dicom::attribute::keyword_of;
use crate::expression::Expression;

use super::applies::ClassGroups;
use super::finding::Finding;
use super::message::Template;
use super::pixels::Needs;

/// A row of a pack, compiled, with the site's changes in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// Its identifier; never given to another rule.
    pub id: String,
    /// The identifier of its pack.
    pub pack: String,
    /// What it looks at.
    pub level: Level,
    /// The requirement it serves.
    pub principle: Principle,
    /// What it rests on.
    pub authority: Authority,
    /// Where that is written: a clause, a document.
    pub source: String,
    /// The attribute whose value a finding shows.
    pub attribute: Option<Tag>,
    /// The SOP classes that it is for; without any, all.
    pub applies: Option<ClassGroups>,
    /// When it applies to these; without one, always. A condition that is not to be told is not met.
    pub when: Option<Expression>,
    /// What it requires, the gravest first. The first that is not met makes the finding.
    pub checks: Vec<Check>,
    /// What it has to know of pixels.
    pub(super) pixels: Needs,
    /// Switched off by the site.
    pub off: bool,
    /// Counted by the site, without effect.
    pub shadow: bool,
}

impl Rule {
    /// That a requirement of it is not met, told without a value.
    #[must_use]
    pub fn finding_of(&self, check: &Check) -> Finding {
        Finding {
            rule: self.id.clone(),
            principle: self.principle,
            severity: check.severity,
            authority: self.authority,
            attribute: self.attribute.map(keyword_of),
            value: None,
            message_zh: check.zh.without_values(),
            message_en: check.en.without_values(),
        }
    }

    /// What it does at its worst.
    #[must_use]
    pub fn gravest(&self) -> Severity {
        self.checks.iter().map(|check| check.severity).max().unwrap_or(Severity::Info)
    }

    /// The place of one of its own requirements among them.
    pub(super) fn place_of(&self, check: &Check) -> Option<usize> {
        self.checks.iter().position(|own| std::ptr::eq(own, check))
    }
}

/// One requirement of a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// What it does when it is not met.
    pub severity: Severity,
    /// The requirement. One that is not to be told is neither met nor not met.
    pub require: Expression,
    /// What is wrong when it is not met, in Chinese.
    pub zh: Template,
    /// What is wrong when it is not met, in English.
    pub en: Template,
}

/// What a rule looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// The header of one object.
    Instance,
    /// Its decoded pixels too.
    Pixel,
    /// The objects of a series.
    Series,
    /// The objects of a study.
    Study,
}

/// The basic requirement of DB11/T 2505-2025, chapter 5, that a rule serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Principle {
    /// 准确性.
    Accuracy,
    /// 完整性.
    Completeness,
    /// 规范性.
    Standardization,
    /// 及时性.
    Timeliness,
    /// 可读性.
    Readability,
    /// 一致性.
    Consistency,
}

/// What a finding does. The greater wins: what holds an object comes after all that lets it go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Counted.
    Info,
    /// Shown; a mark may still be given.
    Warn,
    /// The object goes on without a mark.
    Block,
    /// Our own output is wrong: the original goes on, with an alarm.
    SelfCheck,
    /// The object is held for a person.
    Quarantine,
}

/// What a rule rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Authority {
    /// DB11/T 2505-2025.
    Standard,
    /// The DICOM standard.
    Dicom,
    /// Guidance or practice that other regions or bodies have published.
    Regional,
    /// Engineering judgement: nobody has published it as a requirement.
    Judgement,
}

macro_rules! words {
    ($type:ident, $what:literal: $($variant:ident = $word:literal),+) => {
        impl $type {
            #[doc = concat!("Every ", $what, " with its word in packs and reports.")]
            pub const WORDS: &[(&str, Self)] = &[$(($word, Self::$variant)),+];

            /// Its word in packs and reports.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }

            #[doc = concat!("The ", $what, " that a word stands for.")]
            #[must_use]
            pub fn of_word(word: &str) -> Option<Self> {
                Self::WORDS.iter().find(|(own, _)| *own == word).map(|(_, value)| *value)
            }
        }
    };
}

words!(Level, "level": Instance = "instance", Pixel = "pixel", Series = "series", Study = "study");
words!(Principle, "principle": Accuracy = "accuracy", Completeness = "completeness",
    Standardization = "standardization", Timeliness = "timeliness", Readability = "readability",
    Consistency = "consistency");
words!(Severity, "severity": Info = "info", Warn = "warn", Block = "block",
    Quarantine = "quarantine", SelfCheck = "self_check");
words!(Authority, "authority": Standard = "standard", Dicom = "dicom", Regional = "regional",
    Judgement = "judgement");

/// A text for people.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Messages {
    /// In Chinese.
    pub zh: String,
    /// In English.
    pub en: String,
}
