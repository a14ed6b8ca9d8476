//! The objects of one study counted together, with what was found on the study itself.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::Appraisal;
use crate::web::model::{
    Checked, Disposition, Finding, Message, Outcome, Principle, Rule, RuleOutcome, RuleTrace,
    Severity, StudyReport, WhyNot,
};

/// What was found in the objects of a study.
#[derive(Debug, Default)]
pub(super) struct Study<'a> {
    /// Study Instance UID.
    pub uid: Option<String>,
    /// What was found on the study and its series; `None` where its objects make no study.
    pub whole: Option<&'a StudyReport>,
    pub objects: usize,
    pub modalities: BTreeMap<String, usize>,
    pub exam_dates: BTreeSet<String>,
    pub institutions: BTreeSet<String>,
    pub items: BTreeSet<String>,
    /// By mark, or by the reason for none.
    pub marks: BTreeMap<Marking, usize>,
    pub held: usize,
    /// Findings, and the objects that they are in.
    pub counts: BTreeMap<(Reverse<Severity>, Word), usize>,
    /// Gravest first, then by rule and attribute.
    pub findings: BTreeMap<(Reverse<Severity>, String, Option<String>), Group>,
    /// Objects with a finding.
    pub faulty: usize,
    /// How each rule fared.
    pub rules: BTreeMap<String, Fared>,
}

/// A mark, or the reason for none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Marking {
    Mark(String),
    NoMark(String),
}

/// A principle in the order of the standard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Word(pub Principle);

impl Word {
    fn rank(self) -> usize {
        PRINCIPLES.iter().position(|principle| *principle == self.0).unwrap_or(PRINCIPLES.len())
    }
}

impl PartialOrd for Word {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Word {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.rank().cmp(&other.rank())
    }
}

/// The principles in the order of the standard.
pub(super) const PRINCIPLES: [Principle; 6] = [
    Principle::Accuracy,
    Principle::Completeness,
    Principle::Standardization,
    Principle::Timeliness,
    Principle::Readability,
    Principle::Consistency,
];

/// Findings of one rule about one attribute.
#[derive(Debug)]
pub(super) struct Group {
    pub principle: Principle,
    pub authority: String,
    /// What was seen and said, and in how many objects.
    pub variants: BTreeMap<(Option<String>, String, String), usize>,
}

/// What was seen and said in several objects.
pub(super) struct Variant<'g> {
    pub value: Option<&'g str>,
    pub zh: &'g str,
    pub en: &'g str,
    pub objects: usize,
}

/// Variants that are shown, and how many others there are in how many objects.
pub(super) struct MostSeen<'g> {
    pub shown: Vec<Variant<'g>>,
    pub others: usize,
    pub objects: usize,
}

impl Group {
    /// What was seen most often, at most so many.
    pub(super) fn most_seen(&self, most: usize) -> MostSeen<'_> {
        let mut all: Vec<_> = self.variants.iter().collect();
        // Stable: of what was seen equally often, the order of values.
        all.sort_by_key(|(_, objects)| Reverse(**objects));
        let rest = all.split_off(all.len().min(most));
        MostSeen {
            others: rest.len(),
            objects: rest.iter().map(|(_, objects)| **objects).sum(),
            shown: all
                .into_iter()
                .map(|((value, zh, en), objects)| Variant {
                    value: value.as_deref(),
                    zh,
                    en,
                    objects: *objects,
                })
                .collect(),
        }
    }
}

/// How a rule fared in the objects of a study.
#[derive(Debug, Default)]
pub(super) struct Fared {
    pub passed: usize,
    pub failed: usize,
    pub shadow: usize,
    pub not_applicable: usize,
    /// Why not, as seen first.
    pub why_not: Option<WhyNot>,
}

impl Fared {
    pub(super) fn applied(&self) -> bool {
        self.passed + self.failed + self.shadow > 0
    }
}

/// The studies of files in the order in which they are first met.
pub(super) fn studies(checked: &Checked<Appraisal>) -> Vec<Study<'_>> {
    let mut studies: Vec<Study<'_>> = Vec::new();
    for file in &checked.files {
        let Outcome::Judged(appraisal) = &file.outcome else { continue };
        let known = studies.iter_mut().find(|study| study.uid == appraisal.study);
        match known {
            Some(study) => study.add(appraisal),
            None => {
                let mut study = Study { uid: appraisal.study.clone(), ..Study::default() };
                study.add(appraisal);
                studies.push(study);
            }
        }
    }
    for study in &mut studies {
        let is_it = |whole: &&StudyReport| Some(&whole.study_instance_uid) == study.uid.as_ref();
        if let Some(whole) = checked.studies.iter().find(is_it) {
            study.add_whole(whole);
        }
    }
    studies
}

impl<'a> Study<'a> {
    fn add(&mut self, appraisal: &Appraisal) {
        let report = &appraisal.explanation.report;
        self.objects += 1;
        *self.modalities.entry(report.modality.clone().unwrap_or_default()).or_default() += 1;
        self.exam_dates.extend(report.exam_date.map(|day| day.to_string()));
        self.institutions.extend(report.institution.clone());
        self.items.extend(report.items.iter().cloned());
        let marking = match (&report.mark, &report.reason) {
            (Some(mark), _) => Marking::Mark(mark.clone()),
            (None, reason) => Marking::NoMark(reason.clone().unwrap_or_default()),
        };
        *self.marks.entry(marking).or_default() += 1;
        if report.disposition == Disposition::Quarantine {
            self.held += 1;
        }
        if !report.findings.is_empty() {
            self.faulty += 1;
        }
        for finding in &report.findings {
            self.find(finding);
        }
        self.trace(&appraisal.explanation.rules);
    }

    fn add_whole(&mut self, whole: &'a StudyReport) {
        for finding in &whole.findings {
            self.count(finding.severity, finding.principle);
        }
        self.trace(&whole.rules);
        self.whole = Some(whole);
    }

    fn trace(&mut self, traces: &[RuleTrace]) {
        for trace in traces {
            let fared = self.rules.entry(trace.rule.clone()).or_default();
            match trace.outcome {
                RuleOutcome::Passed => fared.passed += 1,
                RuleOutcome::Failed => fared.failed += 1,
                RuleOutcome::Shadow => fared.shadow += 1,
                RuleOutcome::NotApplicable | RuleOutcome::NotRun => fared.not_applicable += 1,
            }
            if fared.why_not.is_none() {
                fared.why_not = trace.why_not();
            }
        }
    }

    fn count(&mut self, severity: Severity, principle: Principle) {
        *self.counts.entry((Reverse(severity), Word(principle))).or_default() += 1;
    }

    fn find(&mut self, finding: &Finding) {
        self.count(finding.severity, finding.principle);
        let key = (Reverse(finding.severity), finding.rule.clone(), finding.attribute.clone());
        let group = self.findings.entry(key).or_insert_with(|| Group {
            principle: finding.principle,
            authority: finding.authority.clone(),
            variants: BTreeMap::new(),
        });
        let Message { zh, en } = finding.message.clone();
        *group.variants.entry((finding.value.clone(), zh, en)).or_default() += 1;
    }

    /// Rules that judged none of its objects, by the reason. How those on the study itself and its series fared is told apart.
    pub(super) fn left_out<'r>(&self, rules: &'r [Rule]) -> BTreeMap<LeftOut, Vec<&'r str>> {
        let mut left_out: BTreeMap<LeftOut, Vec<&str>> = BTreeMap::new();
        for rule in rules {
            let why = match self.rules.get(&rule.rule) {
                _ if !rule.enabled => LeftOut::Off,
                _ if self.whole.is_some() && looks_at_many(rule) => continue,
                None => LeftOut::NoStudy,
                Some(fared) if fared.applied() => continue,
                Some(fared) => match &fared.why_not {
                    Some(why) => LeftOut::DoesNotApply(why.clone()),
                    None => continue,
                },
            };
            left_out.entry(why).or_default().push(&rule.rule);
        }
        left_out
    }
}

fn looks_at_many(rule: &Rule) -> bool {
    ["series", "study"].contains(&rule.level.as_str())
}

/// Why a rule judged nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum LeftOut {
    /// Switched off by the site.
    Off,
    /// It is about studies or series, and the objects make none.
    NoStudy,
    /// It does not apply.
    DoesNotApply(WhyNot),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::model::{Explanation, FileReport, MarkCount, Report, Source, StudyFinding};

    fn finding(rule: &str, severity: Severity, value: &str) -> Finding {
        Finding {
            rule: rule.to_owned(),
            principle: Principle::Accuracy,
            severity,
            authority: "dicom".to_owned(),
            attribute: Some("KVP".to_owned()),
            value: Some(value.to_owned()),
            message: Message { zh: "一".to_owned(), en: "a".to_owned() },
        }
    }

    fn trace(rule: &str, level: &str, outcome: RuleOutcome) -> RuleTrace {
        RuleTrace {
            rule: rule.to_owned(),
            outcome,
            severity: Severity::Warn,
            level: level.to_owned(),
            applies: if level == "instance" { vec!["CT".to_owned()] } else { Vec::new() },
            series_instance_uid: None,
            saw: Vec::new(),
            untold: None,
        }
    }

    /// Files that make a study 1 with a finding, where they make one.
    fn checked(files: Vec<FileReport<Appraisal>>, whole: bool) -> Checked<Appraisal> {
        let found = StudyFinding {
            rule: "R-2".to_owned(),
            principle: Principle::Accuracy,
            severity: Severity::Warn,
            authority: "judgement".to_owned(),
            series_instance_uid: None,
            message: Message { zh: "二".to_owned(), en: "b".to_owned() },
        };
        let study = StudyReport {
            study_instance_uid: "1".to_owned(),
            instances: 1,
            severity: Some(Severity::Warn),
            mark_withheld: false,
            marks: vec![MarkCount { mark: None, reason: Some("NO_ITEM".to_owned()), objects: 1 }],
            findings: vec![found],
            shadow: Vec::new(),
            rules: vec![trace("R-2", "study", RuleOutcome::Failed)],
        };
        Checked { files, studies: if whole { vec![study] } else { Vec::new() } }
    }

    fn file(study: &str, findings: Vec<Finding>, outcome: RuleOutcome) -> FileReport<Appraisal> {
        let report = Report {
            sop_class_uid: None,
            sop_instance_uid: None,
            study_instance_uid: Some(study.to_owned()),
            series_instance_uid: None,
            modality: Some("CT".to_owned()),
            findings,
            exam_date: None,
            institution: None,
            items: Vec::new(),
            scopes: Vec::new(),
            mark: None,
            reason: Some("NO_ITEM".to_owned()),
            modes: Vec::new(),
            corner: None,
            fallen_back: Vec::new(),
            disposition: Disposition::Forward,
        };
        let trace = trace("R-1", "instance", outcome);
        let explanation = Explanation {
            report,
            shadow: Vec::new(),
            source: Source::default(),
            institution_name: None,
            exam_date_from: None,
            rules: vec![trace],
            accreditation: None,
            custody: None,
            study: None,
        };
        let appraisal = Appraisal { study: Some(study.to_owned()), explanation };
        FileReport { file: "a".to_owned(), outcome: Outcome::Judged(appraisal) }
    }

    #[test]
    fn objects_are_counted_by_study_gravest_findings_first() {
        let warn = |value| finding("R-1", Severity::Warn, value);
        let files = [
            file("1", vec![warn("80"), finding("R-2", Severity::Block, "x")], RuleOutcome::Failed),
            file("2", vec![], RuleOutcome::NotApplicable),
            file("1", vec![warn("80")], RuleOutcome::Failed),
            file("1", vec![warn("90")], RuleOutcome::NotApplicable),
        ];
        let checked = checked(files.into(), true);
        let studies = studies(&checked);
        let [one, two] = studies.as_slice() else { panic!("{studies:?}") };
        assert_eq!((one.objects, one.faulty, two.objects, two.faulty), (3, 3, 1, 0));
        let rules: Vec<&str> = one.findings.keys().map(|(_, rule, _)| rule.as_str()).collect();
        assert_eq!(rules, ["R-2", "R-1"]);
        let group = one.findings.values().last().expect("two groups");
        let most = group.most_seen(1);
        let shown: Vec<_> = most.shown.iter().map(|one| (one.value, one.objects)).collect();
        assert_eq!((shown, most.others, most.objects), (vec![(Some("80"), 2)], 1, 1));
        assert_eq!(one.counts[&(Reverse(Severity::Warn), Word(Principle::Accuracy))], 4);
        assert_eq!(
            (one.rules["R-2"].failed, one.whole.is_some(), two.whole.is_some()),
            (1, true, false)
        );
    }

    #[test]
    fn rules_that_judged_nothing_are_told_by_reason() {
        let rule = |id: &str, level: &str, enabled| Rule {
            rule: id.to_owned(),
            pack: "p".to_owned(),
            level: level.to_owned(),
            applies: Vec::new(),
            principle: Principle::Accuracy,
            severity: Severity::Warn,
            authority: "dicom".to_owned(),
            clause: None,
            enabled,
            shadow: false,
            exceptions: Vec::new(),
            tried: Vec::new(),
            when: None,
            require: String::new(),
            message: Message { zh: String::new(), en: String::new() },
        };
        let rules = [
            rule("R-1", "instance", true),
            rule("R-2", "study", true),
            rule("R-3", "pixel", false),
        ];
        let left_out = |outcome, whole| {
            let checked = checked(vec![file("1", vec![], outcome)], whole);
            let told = studies(&checked)[0].left_out(&rules);
            told.into_iter()
                .map(|(why, rules)| (why, rules.join(" ")))
                .collect::<BTreeMap<LeftOut, String>>()
        };
        let not_for_ct = LeftOut::DoesNotApply(WhyNot::Classes(vec!["CT".to_owned()]));
        let (off, not_for_ct) = ((LeftOut::Off, "R-3".to_owned()), (not_for_ct, "R-1".to_owned()));
        let no_study = (LeftOut::NoStudy, "R-2".to_owned());
        let want = BTreeMap::from([off.clone(), no_study, not_for_ct.clone()]);
        assert_eq!(left_out(RuleOutcome::NotApplicable, false), want);
        let want = BTreeMap::from([off.clone(), not_for_ct]);
        assert_eq!(left_out(RuleOutcome::NotApplicable, true), want);
        assert_eq!(left_out(RuleOutcome::Passed, true), BTreeMap::from([off]));
    }
}
