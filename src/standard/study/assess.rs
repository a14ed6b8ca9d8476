//! What the rules of series and studies say, and how they come to it.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::dicom::attribute::keyword_of;
use crate::dicom::uid::Uid;
use crate::expression::{Expression, Truth};
use crate::standard::finding::{Assessment, Finding, Outcome, RuleTrace, Witnessed};
use crate::standard::rule::{Check, Level, Rule, Severity};
use crate::standard::rule_sets::{RuleSets, Way};

use super::facts::Seen;
use super::fold::Ways;
use super::keys::Key;
use super::view::{Look, SeriesLook};

/// What the rules have to say about a study and its series.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StudyAssessment {
    /// The requirements it does not meet, in the order of the packs.
    pub findings: Vec<StudyFinding>,
    /// The same of rules that are only tried out.
    pub shadow: Vec<StudyFinding>,
    /// Rules that apply and could not be evaluated, each once. They have no effect.
    pub undecided: Vec<String>,
    /// Rules that apply and are only tried out, each once, whatever they found.
    pub tried: Vec<String>,
    /// Rules that are met wherever they apply.
    pub met: Vec<String>,
    /// Rules that apply to nothing in it.
    pub not_applicable: Vec<String>,
    /// Instances that some object of the study rejects, rising.
    pub rejected: Vec<Key>,
    /// The ways that its members came.
    pub(super) ways: Ways,
}

/// A requirement that a study does not meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StudyFinding {
    /// What was found.
    pub finding: Finding,
    /// The series it was found on; `None` where it is about the study.
    pub series: Option<Uid>,
    /// It is about the images of that series that some object rejects, and does nothing to others.
    pub of_rejected: bool,
}

/// How a rule came to its outcome on a study or on one series of it.
#[derive(Debug, Clone, PartialEq)]
pub struct StudyTrace {
    /// The rule, as strict as it is there.
    pub rule: Arc<Rule>,
    /// What became of it, and the values that it saw.
    pub trace: RuleTrace,
    /// The series; `None` where it looks at the study, or the study has no series.
    pub series: Option<Uid>,
}

impl StudyAssessment {
    /// The gravest severity found.
    #[must_use]
    pub fn severity(&self) -> Option<Severity> {
        self.findings.iter().map(|found| found.finding.severity).max()
    }

    /// What concerns an instance: whatever is wrong with its study or any series of it, save with images that are rejected, of which
    /// it is none.
    #[must_use]
    pub fn on(&self, instance: Key) -> Assessment {
        let is_rejected = self.rejected.binary_search(&instance).is_ok();
        let concerns = |found: &&StudyFinding| is_rejected || !found.of_rejected;
        let of = |list: &[StudyFinding]| -> Vec<Finding> {
            list.iter().filter(concerns).map(|found| found.finding.clone()).collect()
        };
        Assessment {
            findings: of(&self.findings),
            shadow: of(&self.shadow),
            undecided: self.undecided.clone(),
            tried: self.tried.clone(),
        }
    }

    /// Whether some of its members came this way, so that what was found is as strict as that way asks.
    #[must_use]
    pub fn covers(&self, way: &Way) -> bool {
        self.ways.has(way)
    }
}

/// A rule, as strict as it is for what it looks at: the study, or one series.
type Placed<'l, 'a> = (Arc<Rule>, Option<&'l SeriesLook<'a>>);

impl RuleSets {
    /// What the rules of series and studies say of a study: the strictest of those for the ways that its members came, and of
    /// a series those of its own.
    #[must_use]
    pub fn assess_study(&self, look: &Look<'_>) -> StudyAssessment {
        let rejected = look.study.rejects.iter().copied().collect();
        let ways = look.study.ways.clone();
        let mut assessment = StudyAssessment { rejected, ways, ..StudyAssessment::default() };
        for (rule, places) in self.of_studies(look) {
            assessment.put(&rule, look, &places);
        }
        let of_study = self.strictest_of(&look.study.ways);
        for rule in blocked(look) {
            // By rules that have become milder since, nothing forbids it any more.
            let forbids = |known: &&Arc<Rule>| {
                !known.off && !known.shadow && known.gravest() >= Severity::Block
            };
            let known = of_study.iter().find(|known| *known.id == *rule);
            if let Some(rule) = known.filter(forbids) {
                assessment.findings.push(of_an_image(rule));
            }
        }
        assessment
    }

    /// What became of each rule of series and studies on a study, with the values it saw: in the order of the packs, and for a rule
    /// of series by the UIDs of these. A rule of series on a study without any saw nothing.
    #[must_use]
    pub fn explain_study(&self, look: &Look<'_>) -> Vec<StudyTrace> {
        let mut traces = Vec::new();
        for (rule, places) in self.of_studies(look) {
            let trace = |(rule, series): &Placed<'_, '_>| StudyTrace {
                trace: trace(rule, &Seen { look, series: *series }),
                series: series.map(|series| series.uid().clone()),
                rule: Arc::clone(rule),
            };
            traces.extend(places.iter().map(trace));
            if places.is_empty() {
                let outcome = if rule.off { Outcome::Off } else { Outcome::NotApplicable };
                let trace = RuleTrace::unseen(&rule, outcome);
                traces.push(StudyTrace { trace, series: None, rule });
            }
        }
        traces
    }

    /// The rules of series and studies, each with what it looks at: the study, or every series.
    fn of_studies<'l, 'a>(&self, look: &'l Look<'a>) -> Vec<(Arc<Rule>, Vec<Placed<'l, 'a>>)> {
        let of_study = self.strictest_of(&look.study.ways);
        let of_series = look.series().iter().map(|series| self.strictest_of(series.ways()));
        let of_series: Vec<_> = of_series.collect();
        let placed = |(place, rule): (usize, &Arc<Rule>)| match rule.level {
            Level::Instance | Level::Pixel => None,
            Level::Study => Some((Arc::clone(rule), vec![(Arc::clone(rule), None)])),
            Level::Series => {
                let series = look.series().iter().zip(&of_series);
                let own = series.filter_map(|(series, rules)| {
                    Some((Arc::clone(rules.get(place)?), Some(series)))
                });
                Some((Arc::clone(rule), own.collect()))
            }
        };
        of_study.iter().enumerate().filter_map(placed).collect()
    }

    fn strictest_of(&self, ways: &Ways) -> Cow<'_, [Arc<Rule>]> {
        self.strictest(ways.iter(), !ways.is_cut())
    }
}

impl StudyAssessment {
    fn put(&mut self, rule: &Rule, look: &Look<'_>, places: &[Placed<'_, '_>]) {
        let (mut is_met, mut is_undecided, mut has_failed) = (false, false, false);
        let mut is_tried = false;
        for (own, series) in places {
            let seen = Seen { look, series: *series };
            match judge(own, |condition| condition.holds(&seen)) {
                Judged::Outcome(Outcome::Met) => is_met = true,
                Judged::Outcome(Outcome::Undecided) => is_undecided = true,
                Judged::Outcome(Outcome::Off | Outcome::NotApplicable | Outcome::NotMet(_)) => {
                    continue;
                }
                Judged::Failed(check) => {
                    has_failed = true;
                    let found = StudyFinding {
                        finding: finding(own, check, &seen),
                        series: series.map(|series| series.uid().clone()),
                        of_rejected: series.is_some_and(SeriesLook::is_rejected),
                    };
                    let list = if own.shadow { &mut self.shadow } else { &mut self.findings };
                    list.push(found);
                }
            }
            is_tried |= own.shadow;
        }
        if is_tried {
            self.tried.push(rule.id.clone());
        }
        if is_undecided {
            self.undecided.push(rule.id.clone());
        }
        let is_off = rule.off && places.iter().all(|(own, _)| own.off);
        match (has_failed || is_undecided || is_off, is_met) {
            (true, _) => {}
            (false, true) => self.met.push(rule.id.clone()),
            (false, false) => self.not_applicable.push(rule.id.clone()),
        }
    }
}

fn trace(rule: &Rule, seen: &Seen<'_, '_>) -> RuleTrace {
    let mut witnessed = Witnessed::default();
    let (outcome, unmet) = match judge(rule, |condition| witnessed.holds(condition, seen)) {
        Judged::Outcome(outcome) => (outcome, None),
        Judged::Failed(check) => (Outcome::NotMet(check.severity), rule.place_of(check)),
    };
    RuleTrace { unmet, seen: witnessed.seen, ..RuleTrace::unseen(rule, outcome) }
}

enum Judged<'r> {
    Outcome(Outcome),
    Failed(&'r Check),
}

fn judge(rule: &Rule, mut holds: impl FnMut(&Expression) -> Truth) -> Judged<'_> {
    if rule.off {
        return Judged::Outcome(Outcome::Off);
    }
    if rule.when.as_ref().is_some_and(|when| !holds(when).is_met()) {
        return Judged::Outcome(Outcome::NotApplicable);
    }
    let mut outcome = Outcome::Met;
    for check in &rule.checks {
        match holds(&check.require) {
            Truth::True => {}
            Truth::Unknown => outcome = Outcome::Undecided,
            Truth::False => return Judged::Failed(check),
        }
    }
    Judged::Outcome(outcome)
}

/// The rules on single images that an image of the study does not meet and that forbid its mark, each once. Images that are rejected
/// do nothing to others.
fn blocked<'l>(look: &'l Look<'_>) -> BTreeSet<&'l str> {
    let rejects = &look.study.rejects;
    let all = look.study.blocked.iter().filter(|(_, image)| !rejects.has(image));
    all.map(|(rule, _)| &**rule).collect()
}

/// That an image of a study forbids the mark of the whole. It holds nothing but that image.
fn of_an_image(rule: &Rule) -> StudyFinding {
    let finding = Finding {
        rule: rule.id.clone(),
        principle: rule.principle,
        severity: Severity::Block,
        authority: rule.authority,
        attribute: None,
        value: None,
        message_zh: "同一检查中有影像不符合该规则".to_owned(),
        message_en: "an image of the study does not meet this rule".to_owned(),
    };
    StudyFinding { finding, series: None, of_rejected: false }
}

fn finding(rule: &Rule, check: &Check, seen: &Seen<'_, '_>) -> Finding {
    Finding {
        rule: rule.id.clone(),
        principle: rule.principle,
        severity: check.severity,
        authority: rule.authority,
        attribute: rule.attribute.map(keyword_of),
        value: None,
        message_zh: check.zh.fill_from(seen),
        message_en: check.en.fill_from(seen),
    }
}
