//! The rules that hold at a site, and what they say of an object.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use crate::dicom::attribute::keyword_of;
use crate::expression::{Environment as _, Expression, Truth, Value};
use crate::object::Reach;

use super::facts::FACTS;
use super::finding::{Assessment, Finding, Observed, Outcome, RuleTrace, Witnessed};
use super::identifying::is_identifying;
use super::pack::{Pack, PackFault};
use super::pixels::{Looking, Needs, PixelFault};
use super::rule::{Check, Level, Rule, Severity};
use super::rule_sets::Exception;
use super::subject::Subject;

/// A site's change to a rule. What is not set stays as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Change {
    /// The severity of all its checks.
    pub severity: Option<Severity>,
    /// Whether it is switched off.
    pub off: Option<bool>,
    /// Whether it is only tried out: counted, without effect.
    pub shadow: Option<bool>,
}

/// A site's changes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Changes {
    /// By rule.
    pub rules: BTreeMap<String, Change>,
    /// For what comes some ways, on top of those; the last that applies counts.
    pub exceptions: Vec<Exception>,
    /// New values of parameters, by name.
    pub parameters: BTreeMap<String, Value>,
}

/// Packs and changes that do not go together.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum RuleSetFault {
    /// Two packs have a rule of this name.
    #[error(
        "rule {rule} is in `{first}` and in `{second}`; a site changes a rule under [rules.override], not by a second one"
    )]
    Twice {
        /// The rule.
        rule: String,
        /// The pack that was named first.
        first: String,
        /// The other.
        second: String,
    },
    /// A change to a rule that no pack has.
    #[error("no pack has a rule {rule}")]
    UnknownRule {
        /// As written.
        rule: String,
    },
    /// Exceptions for more sources and routes than can be told apart.
    #[error(
        "the exceptions tell {ways} ways of coming apart, one source by one route each; at most {most} can be"
    )]
    TooManyWays {
        /// How many.
        ways: usize,
        /// How many there may be.
        most: usize,
    },
    /// A parameter that no pack has.
    #[error("no pack has a parameter `{name}`; there are {}", .known.join(", "))]
    UnknownParameter {
        /// As written.
        name: String,
        /// Those there are.
        known: Vec<String>,
    },
    /// A parameter of another kind than its default.
    #[error("parameter `{name}` must be {wants}, like its default")]
    WrongKind {
        /// The parameter.
        name: String,
        /// What would do.
        wants: &'static str,
    },
    /// A condition that does not compile with the changed parameters.
    #[error("pack `{pack}` with the changed parameters: {fault}")]
    Condition {
        /// The pack.
        pack: String,
        /// Where and why.
        fault: PackFault,
    },
}

/// The rules of the packs with the site's changes, compiled.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleSet {
    rules: Vec<Arc<Rule>>,
    looking: Looking,
    hash: String,
}

impl RuleSet {
    /// Puts packs and changes together. Exceptions are for [`RuleSets`](super::RuleSets).
    ///
    /// # Errors
    /// Every mistake.
    pub fn build(packs: &[Pack], changes: &Changes) -> Result<Self, Vec<RuleSetFault>> {
        let mut faults = Vec::new();
        check_parameters(packs, changes, &mut faults);
        let mut rules: Vec<Arc<Rule>> = Vec::new();
        for pack in packs {
            let compiled = pack.rules_with(&changes.parameters).unwrap_or_else(|mistakes| {
                let pack = |fault| RuleSetFault::Condition { pack: pack.id().to_owned(), fault };
                faults.extend(mistakes.into_iter().map(pack));
                Vec::new()
            });
            for new in compiled {
                if let Some(earlier) = rules.iter().find(|rule| rule.id == new.id) {
                    let (rule, first) = (new.id.clone(), earlier.pack.clone());
                    faults.push(RuleSetFault::Twice { rule, first, second: new.pack.clone() });
                    continue;
                }
                rules.push(new);
            }
        }
        for (id, change) in &changes.rules {
            match rules.iter_mut().find(|rule| rule.id == *id) {
                Some(rule) => change.apply(Arc::make_mut(rule)),
                // It does not compile, which is told.
                None if packs.iter().flat_map(Pack::rule_ids).any(|known| known == id) => {}
                None => faults.push(RuleSetFault::UnknownRule { rule: id.clone() }),
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Self { rules, looking: looking(packs, changes), hash: hash(packs, changes) })
    }

    /// The same with exceptions from it, one after another. What they leave alone is shared.
    pub(super) fn except<'e>(&self, exceptions: impl Iterator<Item = &'e Exception>) -> Self {
        let mut rules = self.rules.clone();
        for exception in exceptions {
            let meant = rules.iter_mut().filter(|rule| exception.is_for(&rule.id));
            meant.for_each(|rule| exception.change.apply(Arc::make_mut(rule)));
        }
        let changed: Vec<&Rule> = rules
            .iter()
            .zip(&self.rules)
            .filter(|(new, old)| new != old)
            .map(|(new, _)| &**new)
            .collect();
        let hash =
            if changed.is_empty() { self.hash.clone() } else { hash_beside(&self.hash, &changed) };
        Self { rules, looking: self.looking, hash }
    }

    /// The rules, in the order of their packs.
    #[must_use]
    pub fn rules(&self) -> &[Arc<Rule>] {
        &self.rules
    }

    /// How much of an object's pixels is looked at.
    #[must_use]
    pub fn looking(&self) -> Looking {
        self.looking
    }

    /// What tells this set from any other: BLAKE3 of packs and changes in 32 hexadecimal digits. Recorded with each
    /// decision.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// What the rules on one object say of it: those on headers, then those on pixels. The latter do not apply where the subject has
    /// none.
    #[must_use]
    pub fn assess(&self, subject: &Subject<'_>) -> Assessment {
        let mut assessment = self.assess_at(Level::Instance, subject);
        assessment.add(self.assess_at(Level::Pixel, subject));
        assessment
    }

    /// What the rules of a level say of an object.
    #[must_use]
    pub fn assess_at(&self, level: Level, subject: &Subject<'_>) -> Assessment {
        if level == Level::Pixel {
            self.announce(subject);
        }
        let mut assessment = Assessment::default();
        for rule in self.rules.iter().filter(|rule| rule.level == level) {
            let holds = |condition: &Expression| condition.holds(subject);
            let judged = judge(rule, subject, holds);
            let has_applied = match &judged {
                Judged::Outcome(Outcome::Off | Outcome::NotApplicable) | Judged::Unseen(_) => false,
                Judged::Outcome(Outcome::Undecided | Outcome::Met | Outcome::NotMet(_))
                | Judged::Failed(_) => true,
            };
            if rule.shadow && has_applied {
                assessment.tried.push(rule.id.clone());
            }
            match judged {
                Judged::Outcome(Outcome::Undecided) => assessment.undecided.push(rule.id.clone()),
                Judged::Outcome(_) | Judged::Unseen(_) => {}
                Judged::Failed(check) => {
                    let list =
                        if rule.shadow { &mut assessment.shadow } else { &mut assessment.findings };
                    list.push(finding(rule, check, subject));
                }
            }
        }
        assessment
    }

    /// Whether a rule that looks at pixels, of at least this severity, is for this kind of object.
    #[must_use]
    pub fn weighs_pixels(&self, subject: &Subject<'_>, least: Severity) -> bool {
        let mut asks = self.asking_pixels(subject);
        asks.any(|rule| !rule.shadow && rule.gravest() >= least)
    }

    /// Tells an object what the rules that are for its kind will ask of its pixels.
    fn announce(&self, subject: &Subject<'_>) {
        let rules = self.asking_pixels(subject);
        subject.expect_pixels(rules.fold(Needs::default(), |all, rule| all.with(rule.pixels)));
    }

    /// The rules that look at the pixels of an object of this kind.
    fn asking_pixels<'s>(&'s self, subject: &Subject<'_>) -> impl Iterator<Item = &'s Rule> {
        let groups = subject.groups();
        let asks = move |rule: &&Rule| {
            rule.level == Level::Pixel
                && !rule.off
                && rule.applies.is_none_or(|applies| applies.meet(groups))
        };
        self.rules.iter().map(|rule| &**rule).filter(asks)
    }

    /// What became of each rule on one object, with the values it saw.
    #[must_use]
    pub fn explain(&self, subject: &Subject<'_>) -> Vec<RuleTrace> {
        self.announce(subject);
        let of_one_object = [Level::Instance, Level::Pixel];
        let rules = self.rules.iter().filter(|rule| of_one_object.contains(&rule.level));
        rules.map(|rule| trace(rule, subject)).collect()
    }

    /// What became of one rule, whatever its level.
    #[must_use]
    pub fn trace(&self, rule: &str, subject: &Subject<'_>) -> Option<RuleTrace> {
        let rule = self.rules.iter().find(|known| known.id == rule)?;
        Some(trace(rule, subject))
    }
}

fn trace(rule: &Rule, subject: &Subject<'_>) -> RuleTrace {
    let mut witnessed = Witnessed::default();
    let (outcome, unmet, unseen) =
        match judge(rule, subject, |condition| witnessed.holds(condition, subject)) {
            Judged::Outcome(outcome) => (outcome, None, None),
            Judged::Unseen(fault) => (Outcome::NotApplicable, None, Some(fault)),
            Judged::Failed(check) => (Outcome::NotMet(check.severity), rule.place_of(check), None),
        };
    RuleTrace { unmet, seen: witnessed.seen, unseen, ..RuleTrace::unseen(rule, outcome) }
}

enum Judged<'r> {
    Outcome(Outcome),
    /// It needs pixels that could not be looked at, and so does not apply.
    Unseen(PixelFault),
    Failed(&'r Check),
}

fn judge<'r>(
    rule: &'r Rule,
    subject: &Subject<'_>,
    mut holds: impl FnMut(&Expression) -> Truth,
) -> Judged<'r> {
    if rule.off {
        return Judged::Outcome(Outcome::Off);
    }
    // What was not looked at is not absent.
    let whole = subject.view().reach() != Reach::Abandoned;
    let can_be_told = |condition: &Expression| whole || is_partial(condition);
    if let Some(applies) = rule.applies {
        if !whole {
            return Judged::Outcome(Outcome::Undecided);
        }
        if !applies.meet(subject.groups()) {
            return Judged::Outcome(Outcome::NotApplicable);
        }
    }
    let unseen = || subject.pixel_fault().filter(|_| rule.level == Level::Pixel);
    if let (Some(fault @ PixelFault::NotLookedAt), true) = (unseen(), whole) {
        return Judged::Unseen(fault);
    }
    if let Some(when) = &rule.when {
        if !can_be_told(when) {
            return Judged::Outcome(Outcome::Undecided);
        }
        match holds(when) {
            Truth::True => {}
            Truth::False => return Judged::Outcome(Outcome::NotApplicable),
            Truth::Unknown => {
                return unseen().map_or(Judged::Outcome(Outcome::NotApplicable), Judged::Unseen);
            }
        }
    }
    let mut outcome = Outcome::Met;
    for check in &rule.checks {
        let truth =
            if can_be_told(&check.require) { holds(&check.require) } else { Truth::Unknown };
        match truth {
            Truth::True => {}
            Truth::False => return Judged::Failed(check),
            Truth::Unknown => outcome = Outcome::Undecided,
        }
    }
    match (outcome, unseen()) {
        (Outcome::Undecided, Some(fault)) => Judged::Unseen(fault),
        (outcome, _) => Judged::Outcome(outcome),
    }
}

/// Whether a condition can be evaluated on a data set that was looked at in part.
fn is_partial(condition: &Expression) -> bool {
    condition.attributes().is_empty()
        && condition.variables().all(|name| match name.split_once('.') {
            Some(("fact", fact)) => FACTS.iter().any(|known| known.name == fact && known.partial),
            // Where they stand is not known for certain.
            Some(("pixel", _)) => false,
            Some(_) | None => true,
        })
}

fn finding(rule: &Rule, check: &Check, subject: &Subject<'_>) -> Finding {
    let value = rule.attribute.map(|tag| (subject.attribute(tag), is_identifying(tag)));
    let value = value.filter(|(value, _)| value.is_known());
    Finding {
        rule: rule.id.clone(),
        principle: rule.principle,
        severity: check.severity,
        authority: rule.authority,
        attribute: rule.attribute.map(keyword_of),
        value: value.map(|(value, identifying)| Observed::new(&value.to_string(), identifying)),
        message_zh: check.zh.fill(subject),
        message_en: check.en.fill(subject),
    }
}

impl Change {
    fn apply(self, rule: &mut Rule) {
        if let Some(severity) = self.severity {
            for check in &mut rule.checks {
                check.severity = severity;
            }
        }
        rule.off = self.off.unwrap_or(rule.off);
        rule.shadow = self.shadow.unwrap_or(rule.shadow);
    }
}

fn check_parameters(packs: &[Pack], changes: &Changes, faults: &mut Vec<RuleSetFault>) {
    for (name, value) in &changes.parameters {
        let parameters = packs.iter().filter_map(|pack| pack.parameters().get(name));
        let mut defaults = parameters.map(|parameter| &parameter.value).peekable();
        if defaults.peek().is_none() {
            let known: BTreeSet<&String> =
                packs.iter().flat_map(|pack| pack.parameters().keys()).collect();
            let known = known.into_iter().cloned().collect();
            faults.push(RuleSetFault::UnknownParameter { name: name.clone(), known });
        }
        for default in defaults.filter(|default| kind(default) != kind(value)) {
            let wants = kind(default);
            faults.push(RuleSetFault::WrongKind { name: name.clone(), wants });
        }
    }
}

/// What the parameters say of looking at pixels.
fn looking(packs: &[Pack], changes: &Changes) -> Looking {
    let number = |name: &str| {
        let default = packs.iter().find_map(|pack| pack.parameters().get(name));
        let default = default.map(|parameter| &parameter.value);
        match changes.parameters.get(name).or(default)? {
            Value::Int(number) => u64::try_from(*number).ok(),
            Value::Double(number) => (*number >= 0.0).then_some(*number as u64),
            Value::Unknown | Value::Bool(_) | Value::Text(_) | Value::List(_) => None,
        }
    };
    let usual = Looking::default();
    Looking {
        time: number("pixel_time_budget").map_or(usual.time, Duration::from_millis),
        memory: number("pixel_memory_budget")
            .map_or(usual.memory, |mib| mib.saturating_mul(1 << 20)),
        step: number("pixel_frame_step")
            .map_or(usual.step, |step| u32::try_from(step).unwrap_or(u32::MAX).max(1)),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Unknown => "something",
        Value::Bool(_) => "true or false",
        Value::Int(_) | Value::Double(_) => "a number",
        Value::Text(_) => "a text",
        Value::List(values) => match values.first() {
            Some(Value::Int(_) | Value::Double(_)) => "a list of numbers",
            Some(Value::Unknown | Value::Bool(_) | Value::Text(_) | Value::List(_)) | None => {
                "a list of texts"
            }
        },
    }
}

/// Of everything that a decision of the rules depends on, each part with its length before it.
fn hash(packs: &[Pack], changes: &Changes) -> String {
    let mut parts = Vec::new();
    let mut part = |text: &str| parts.push(text.to_owned());
    for pack in packs {
        part(pack.text());
    }
    for (rule, change) in &changes.rules {
        part(rule);
        part(change.severity.map_or("", Severity::as_str));
        part(if change.off == Some(true) { "off" } else { "on" });
        part(if change.shadow == Some(true) { "shadow" } else { "" });
    }
    for (name, value) in &changes.parameters {
        part(name);
        part(kind(value));
        part(&value.to_string());
    }
    digest(&parts)
}

/// Of a set that differs from another by these rules alone.
fn hash_beside(other: &str, changed: &[&Rule]) -> String {
    let mut parts = vec![other.to_owned()];
    for rule in changed {
        parts.push(rule.id.clone());
        parts.push(format!("{} {}", rule.off, rule.shadow));
        parts.extend(rule.checks.iter().map(|check| check.severity.as_str().to_owned()));
    }
    digest(&parts)
}

/// BLAKE3 of texts, each with its length before it, in 32 hexadecimal digits.
fn digest(parts: &[String]) -> String {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.finalize().to_hex().chars().take(32).collect()
}
