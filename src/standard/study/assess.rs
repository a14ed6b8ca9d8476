//! What the rules of series and studies say.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use crate::dicom::attribute::keyword_of;
use crate::dicom::uid::Uid;
use crate::expression::Truth;
use crate::standard::finding::{Assessment, Finding};
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

impl RuleSets {
    /// What the rules of series and studies say of a study: the strictest of those for the ways that its members came, and of
    /// a series those of its own.
    #[must_use]
    pub fn assess_study(&self, look: &Look<'_>) -> StudyAssessment {
        let of_study = self.strictest_of(&look.study.ways);
        let of_series = look.series().iter().map(|series| self.strictest_of(series.ways()));
        let of_series: Vec<_> = of_series.collect();
        let rejected = look.study.rejects.iter().copied().collect();
        let ways = look.study.ways.clone();
        let mut assessment = StudyAssessment { rejected, ways, ..StudyAssessment::default() };
        for (place, rule) in of_study.iter().enumerate() {
            match rule.level {
                Level::Instance | Level::Pixel => {}
                Level::Study => assessment.put(rule, look, None),
                Level::Series => {
                    for (series, rules) in look.series().iter().zip(&of_series) {
                        if let Some(rule) = rules.get(place) {
                            assessment.put(rule, look, Some(series));
                        }
                    }
                }
            }
        }
        for rule in blocked(look) {
            if let Some(rule) = of_study.iter().find(|known| *known.id == *rule) {
                assessment.findings.push(of_an_image(rule));
            }
        }
        assessment
    }

    fn strictest_of(&self, ways: &Ways) -> Cow<'_, [Arc<Rule>]> {
        self.strictest(ways.iter(), !ways.is_cut())
    }
}

impl StudyAssessment {
    fn put(&mut self, rule: &Rule, look: &Look<'_>, series: Option<&SeriesLook<'_>>) {
        let seen = Seen { look, series };
        let judged = judge(rule, &seen);
        let has_applied = !matches!(judged, Judged::NotApplicable);
        if rule.shadow && has_applied && !self.tried.contains(&rule.id) {
            self.tried.push(rule.id.clone());
        }
        match judged {
            Judged::NotApplicable | Judged::Met => {}
            Judged::Undecided => {
                if !self.undecided.contains(&rule.id) {
                    self.undecided.push(rule.id.clone());
                }
            }
            Judged::Failed(check) => {
                let found = StudyFinding {
                    finding: finding(rule, check, &seen),
                    series: series.map(|series| series.uid().clone()),
                    of_rejected: series.is_some_and(SeriesLook::is_rejected),
                };
                let list = if rule.shadow { &mut self.shadow } else { &mut self.findings };
                list.push(found);
            }
        }
    }
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

/// What becomes of a rule on a study or one series of it, from the least to the most that is to be told.
pub(in crate::standard) enum Judged<'r> {
    NotApplicable,
    Met,
    Undecided,
    Failed(&'r Check),
}

pub(in crate::standard) fn judge<'r>(rule: &'r Rule, seen: &Seen<'_, '_>) -> Judged<'r> {
    if rule.off || rule.when.as_ref().is_some_and(|when| !when.holds(seen).is_met()) {
        return Judged::NotApplicable;
    }
    let mut judged = Judged::Met;
    for check in &rule.checks {
        match check.require.holds(seen) {
            Truth::True => {}
            Truth::Unknown => judged = Judged::Undecided,
            Truth::False => return Judged::Failed(check),
        }
    }
    judged
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
