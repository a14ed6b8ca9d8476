//! What comes out of an assessment.

use crate::base::phi::Phi;
use crate::expression::{Environment, Expression, Seen, Truth};

use super::pixels::PixelFault;
use super::rule::{Authority, Principle, Rule, Severity};

/// A value that was seen in an object. It may identify a patient and prints only where it is asked for by name: in
/// `check --json`, in `explain` and on the console, never in a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    text: Phi<String>,
    identifying: bool,
}

impl Observed {
    /// Characters of a value that are kept: a long text says no more than its beginning.
    const KEPT: usize = 128;

    pub(super) fn new(text: &str, identifying: bool) -> Self {
        let text: String = text.chars().take(Self::KEPT).collect();
        Self { text: text.into(), identifying }
    }

    /// The value, for a person who may see the patient's data.
    #[must_use]
    pub fn for_eyes(&self) -> &str {
        self.text.expose()
    }

    /// The value where it cannot identify a patient, for what is kept longer than the object.
    #[must_use]
    pub fn unless_identifying(&self) -> Option<&str> {
        (!self.identifying).then_some(self.text.expose())
    }
}

/// A requirement that an object does not meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: String,
    /// The requirement it serves.
    pub principle: Principle,
    /// What it does.
    pub severity: Severity,
    /// What it rests on.
    pub authority: Authority,
    /// The keyword of the attribute concerned.
    pub attribute: Option<String>,
    /// The value of that attribute, where it has one.
    pub value: Option<Observed>,
    /// What is wrong, in Chinese.
    pub message_zh: String,
    /// What is wrong, in English.
    pub message_en: String,
}

/// What the rules have to say about an object.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Assessment {
    /// The requirements it does not meet, in the order of the packs.
    pub findings: Vec<Finding>,
    /// The same of rules that are only tried out: to be counted, without effect.
    pub shadow: Vec<Finding>,
    /// Rules that apply and could not be evaluated. They have no effect.
    pub undecided: Vec<String>,
    /// Rules that apply and are only tried out, whatever they found.
    pub tried: Vec<String>,
}

impl Assessment {
    /// Adds what other rules have to say.
    pub fn add(&mut self, other: Self) {
        let Self { findings, shadow, undecided, tried } = other;
        self.findings.extend(findings);
        self.shadow.extend(shadow);
        self.undecided.extend(undecided);
        self.tried.extend(tried);
    }

    /// The gravest severity found.
    #[must_use]
    pub fn severity(&self) -> Option<Severity> {
        self.findings.iter().map(|finding| finding.severity).max()
    }

    /// Whether anything found forbids a mark.
    #[must_use]
    pub fn blocks(&self) -> bool {
        self.severity() >= Some(Severity::Block)
    }

    /// The rules for which the object is held.
    pub fn quarantining(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.severity == Severity::Quarantine)
    }
}

/// What became of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Switched off by the site.
    Off,
    /// It is not for such objects.
    NotApplicable,
    /// It applies and cannot be evaluated: an operand is absent, or the object could not be looked at whole.
    Undecided,
    /// It is met.
    Met,
    /// It is not met.
    NotMet(Severity),
}

/// How a rule came to its outcome.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleTrace {
    /// The rule.
    pub rule: String,
    /// What became of it.
    pub outcome: Outcome,
    /// Whether it is only tried out.
    pub shadow: bool,
    /// The requirement that is not met, by its place among those of the rule.
    pub unmet: Option<usize>,
    /// The values it saw, each once.
    pub seen: Vec<Seen>,
    /// Why the pixels that it needs could not be looked at, where it does not apply for that.
    pub unseen: Option<PixelFault>,
}

impl RuleTrace {
    /// Of a rule that saw nothing.
    pub(super) fn unseen(rule: &Rule, outcome: Outcome) -> Self {
        let (rule, shadow) = (rule.id.clone(), rule.shadow);
        Self { rule, outcome, shadow, unmet: None, seen: Vec::new(), unseen: None }
    }
}

/// The values that the conditions of a rule see, each once.
#[derive(Default)]
pub(super) struct Witnessed {
    pub(super) seen: Vec<Seen>,
}

impl Witnessed {
    /// Whether a condition holds; what it looks at is noted.
    pub(super) fn holds(&mut self, condition: &Expression, environment: &dyn Environment) -> Truth {
        let explanation = condition.explain(environment);
        for new in explanation.seen {
            if !self.seen.iter().any(|old| old.operand == new.operand) {
                self.seen.push(new);
            }
        }
        explanation.truth
    }
}
