//! How rules fared, and why one did not apply.

use serde::{Deserialize, Serialize};

use super::{Seen, Severity};

/// How one rule fared with one object, or with its study or a series of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleTrace {
    /// The rule's id.
    pub rule: String,
    /// How it fared.
    pub outcome: RuleOutcome,
    /// What it would do, or did.
    pub severity: Severity,
    /// What it looks at: `instance`, `pixel`, `series` or `study`.
    #[serde(default)]
    pub level: String,
    /// Words for the SOP classes that it is for; none is every object.
    #[serde(default)]
    pub applies: Vec<String>,
    /// The series that it looked at; `null` where it is no rule on series, or there is no series.
    #[serde(default)]
    pub series_instance_uid: Option<String>,
    /// What it looked at.
    pub saw: Vec<Seen>,
    /// Why it was not run, or what it looked at is not told; `null` where all is told.
    #[serde(default)]
    pub untold: Option<Untold>,
}

/// How a rule fared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleOutcome {
    /// What it looks at satisfies it.
    Passed,
    /// It does not.
    Failed,
    /// The rule does not apply to such an object, series or study, or what it needs is absent.
    NotApplicable,
    /// What it looks at does not satisfy it, and the site wants that counted only.
    Shadow,
    /// It was not run, or what became of it is not kept.
    NotRun,
}

/// Why a trace of a rule on series or studies does not tell all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Untold {
    /// The object names no study, or was not looked at to its end.
    NoStudy,
    /// The study has no series of images.
    NoSeries,
    /// The study has not settled since the object came, or what was found on it is kept no longer.
    NotSettled,
    /// The study was judged by other rules than those in force, or by another version of this program.
    OtherRules,
    /// Outcomes are kept, values are not.
    ValuesNotKept,
    /// It applies and could not be evaluated; values are not kept.
    Undecided,
}

/// Why a rule did not apply, as far as a trace tells.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum WhyNot {
    /// It is for these groups of SOP classes.
    Classes(Vec<String>),
    /// The pixels that it needs could not be looked at, with the reason.
    Pixels(String),
    /// These values are not known.
    Unknown(Vec<String>),
    /// Its condition is not met.
    Condition,
    /// The object was not looked at whole.
    Unlooked,
    /// It is not told.
    Untold(Untold),
}

impl RuleTrace {
    /// Why the rule did not apply or was not run; `None` where it did and was.
    #[must_use]
    pub fn why_not(&self) -> Option<WhyNot> {
        match self.outcome {
            RuleOutcome::NotApplicable | RuleOutcome::NotRun => {}
            RuleOutcome::Passed | RuleOutcome::Failed | RuleOutcome::Shadow => return None,
        }
        if let Some(untold) = self.untold {
            return Some(WhyNot::Untold(untold));
        }
        // What a rule on pixels sees in their stead is the reason.
        let pixels = self.saw.iter().find(|seen| seen.name == "pixel");
        if let Some(why) = pixels.and_then(|seen| seen.value.clone()) {
            return Some(WhyNot::Pixels(why));
        }
        let unknown = self.saw.iter().filter(|seen| seen.value.is_none());
        let unknown: Vec<String> = unknown.map(|seen| seen.name.clone()).collect();
        // Groups of SOP classes are compared before anything is looked at.
        Some(match (self.saw.is_empty(), unknown.is_empty()) {
            (true, _) if self.applies.is_empty() => WhyNot::Unlooked,
            (true, _) => WhyNot::Classes(self.applies.clone()),
            (false, true) => WhyNot::Condition,
            (false, false) => WhyNot::Unknown(unknown),
        })
    }

    /// Whether another trace says the same of another series.
    #[must_use]
    pub fn is_alike(&self, other: &Self) -> bool {
        let told = |trace: &Self| (trace.outcome, trace.severity, trace.untold);
        self.rule == other.rule && told(self) == told(other) && self.saw == other.saw
    }
}

/// Traces that say the same of several series, once each with the number of these.
#[must_use]
pub fn grouped(traces: &[RuleTrace]) -> Vec<(&RuleTrace, usize)> {
    let mut groups: Vec<(&RuleTrace, usize)> = Vec::new();
    for trace in traces {
        // Those of one rule stand together.
        let known = groups.iter_mut().rev().take_while(|(first, _)| first.rule == trace.rule);
        match known.into_iter().find(|(first, _)| first.is_alike(trace)) {
            Some((_, series)) => *series += 1,
            None => groups.push((trace, 1)),
        }
    }
    groups
}
