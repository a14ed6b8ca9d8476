//! The verbs that judge files: `check`, its page about studies, and `explain`; and what `stamp` has to know of studies.
//!
//! Files are judged twice where it matters, by the same call that a gate makes: each for itself, then, once all are known, with what was
//! found on its study, as a gate judges images that wait for theirs. A study has settled as of now.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::export::Bench;
use super::offline::{FileFault, Found, Known, Links, OfflineFault, Sender, known, one, walk};
use super::quality::Appraisal;
use super::report::{self, Again};
use super::site;
use super::studies::{Gathering, Place, Settled};
use crate::base::time::{Timestamp, now};
use crate::config::Loaded;
use crate::dicom::tags;
use crate::pipeline::{Image, Site, Verdict, judge, waits};
use crate::standard::study::{Key, StudyAssessment};
use crate::standard::{Assessment, Severity};
use crate::web::model::{
    Checked, Explanation, FileReport, MarkCount, Outcome, Report, RuleTrace, StudyReport,
};

/// Judges files, and folders with everything in them, as of the present instant, and the studies that they make.
///
/// # Errors
/// When the gate would not take objects from the sender that was named.
pub fn check(
    paths: &[PathBuf],
    loaded: &Loaded,
    sender: &Sender,
) -> Result<Checked<Report>, OfflineFault> {
    check_at(paths, &site::build(loaded), sender, now())
}

/// [`check`] as of an instant.
pub(super) fn check_at(
    paths: &[PathBuf],
    site: &Site,
    sender: &Sender,
    now: Timestamp,
) -> Result<Checked<Report>, OfflineFault> {
    let tell = |mut verdict: Verdict, image: &Image<'_>| {
        of_the_object(&mut verdict, image);
        report::report_of(&verdict, image)
    };
    let judging = Judging { site, now, links: Links::Followed, tell, again: decides };
    judging.all(paths, sender).map(|judged| judged.checked(|report| report))
}

/// Judges files as [`check`] does, and keeps what a page about studies tells of each.
///
/// # Errors
/// As [`check`].
pub fn appraise(
    paths: &[PathBuf],
    loaded: &Loaded,
    sender: &Sender,
) -> Result<Checked<Appraisal>, OfflineFault> {
    let (site, now) = (&site::build(loaded), now());
    let tell = |mut verdict: Verdict, image: &Image<'_>| {
        of_the_object(&mut verdict, image);
        Appraisal {
            study: image.scan.header.string(tags::STUDY_INSTANCE_UID),
            explanation: report::explanation(site, &verdict, image, now),
        }
    };
    let judging = Judging { site, now, links: Links::Followed, tell, again: decides };
    let judged = judging.all(paths, sender)?;
    Ok(judged.checked(|appraisal| &appraisal.explanation.report))
}

/// Tells why files are judged as they are: by rules on themselves, on their series and on their study.
///
/// # Errors
/// As [`check`].
pub fn explain(
    paths: &[PathBuf],
    loaded: &Loaded,
    sender: &Sender,
) -> Result<Vec<FileReport<Explanation>>, OfflineFault> {
    let (site, now) = (&site::build(loaded), now());
    let tell = |verdict: Verdict, image: &Image<'_>| report::told(site, verdict, image, now);
    let again = |found: &Assessment| !found.findings.is_empty() || !found.shadow.is_empty();
    let judging = Judging { site, now, links: Links::Followed, tell, again };
    let judged = judging.all(paths, sender)?;
    let studies: HashMap<Key, &Whole> =
        judged.studies.iter().map(|whole| (whole.study.key(), whole)).collect();
    let traced = |file: FileReport<Again>, place: &Option<Place>| {
        let of_study = place.as_ref().and_then(|place| Some((studies.get(&place.study)?, place)));
        file.map(|Again { mut explanation, rules }| {
            let traces: Vec<RuleTrace> = match of_study {
                None => report::without_study(&rules),
                Some((whole, place)) => {
                    let is_own = |trace: &&RuleTrace| {
                        let series = trace.series_instance_uid.as_deref();
                        series.is_none_or(|series| series == place.series.as_str())
                    };
                    whole.traces.iter().filter(is_own).cloned().collect()
                }
            };
            explanation.rules.extend(traces);
            explanation
        })
    };
    Ok(judged.files.into_iter().zip(&judged.places).map(|(file, at)| traced(file, at)).collect())
}

/// What was found on the studies of files, by file.
pub(super) struct OnStudies {
    /// Where each file that was judged has its place, by its path without links.
    places: HashMap<PathBuf, Option<Place>>,
    found: HashMap<Key, StudyAssessment>,
}

/// A file that was not judged when the studies were looked at.
#[derive(Debug, thiserror::Error)]
#[error(
    "its study was looked at without it: it has come since, or could not be read then; copy it again, into another folder"
)]
pub(super) struct NotLookedAt;

impl OnStudies {
    /// Judges files, and folders with everything in them, and keeps what was found on the studies that they make.
    pub(super) fn of(
        paths: &[PathBuf],
        site: &Site,
        sender: &Sender,
        now: Timestamp,
    ) -> Result<Self, OfflineFault> {
        let nothing = |_: Verdict, _: &Image<'_>| ();
        let never = |_: &Assessment| false;
        let judging = Judging { site, now, links: Links::Within, tell: nothing, again: never };
        let judged = judging.all(paths, sender)?;
        let files = judged.files.into_iter().zip(judged.paths).zip(judged.places);
        let place = |((file, path), place): ((FileReport<()>, PathBuf), _)| match file.outcome {
            Outcome::Judged(()) => Some((path.canonicalize().ok()?, place)),
            Outcome::Unreadable { .. } => None,
        };
        let studies = judged.studies.into_iter();
        Ok(Self {
            places: files.filter_map(place).collect(),
            found: studies.map(|whole| (whole.study.key(), whole.found)).collect(),
        })
    }

    /// What was found on the study of a file, where it bears on what becomes of that file.
    pub(super) fn bearing_on(&self, path: &Path) -> Result<Option<Assessment>, NotLookedAt> {
        let path = path.canonicalize().map_err(|_| NotLookedAt)?;
        let place = self.places.get(&path).ok_or(NotLookedAt)?.as_ref();
        let found = place.and_then(|place| Some(self.found.get(&place.study)?.on(place.instance)));
        Ok(found.filter(decides))
    }
}

/// Leaves to the object what was found on itself.
fn of_the_object(verdict: &mut Verdict, image: &Image<'_>) {
    let Some(study) = image.study else { return };
    verdict.findings.retain(|finding| !study.findings.contains(finding));
    verdict.shadow.retain(|finding| !study.shadow.contains(finding));
}

/// Whether what was found on a study bears on what becomes of its images.
fn decides(found: &Assessment) -> bool {
    found.blocks()
}

/// How files are judged.
struct Judging<'s, T, A> {
    site: &'s Site,
    now: Timestamp,
    /// Which links lead to files.
    links: Links,
    /// What is told of a verdict.
    tell: T,
    /// Whether what was found on its study has an object judged again.
    again: A,
}

/// What came of files.
struct Judged<R> {
    files: Vec<FileReport<R>>,
    /// The path of each, which may be no text.
    paths: Vec<PathBuf>,
    /// Of each file, where it has its place in a study.
    places: Vec<Option<Place>>,
    studies: Vec<Whole>,
}

/// A study with what was found on it.
struct Whole {
    study: Settled,
    found: StudyAssessment,
    traces: Vec<RuleTrace>,
}

impl<R, T, A> Judging<'_, T, A>
where
    T: Fn(Verdict, &Image<'_>) -> R,
    A: Fn(&Assessment) -> bool,
{
    fn all(&self, paths: &[PathBuf], sender: &Sender) -> Result<Judged<R>, OfflineFault> {
        let known = known(self.site, sender)?;
        let mut gathering = Gathering::new(self.now);
        let mut judged = Judged {
            files: Vec::new(),
            paths: Vec::new(),
            places: Vec::new(),
            studies: Vec::new(),
        };
        walk(paths, self.links, |found| {
            let (path, outcome) = match found {
                Found::Unreadable { path, error } => {
                    gathering.unread(&path);
                    (path, Err(error))
                }
                Found::File { path, named } => {
                    match self.first(&path, named, known.as_ref(), &mut gathering) {
                        Ok(judged) => (path, Ok(judged)),
                        Err(fault) if !named && fault.is_no_image() => return,
                        Err(fault) => {
                            // No image is missing for it.
                            if !fault.is_no_image() {
                                gathering.unread(&path);
                            }
                            (path, Err(fault.to_string()))
                        }
                    }
                }
            };
            let (outcome, place) = match outcome {
                Ok((told, place)) => (Outcome::Judged(told), place),
                Err(error) => (Outcome::Unreadable { error }, None),
            };
            judged.files.push(FileReport { file: path.display().to_string(), outcome });
            judged.paths.push(path);
            judged.places.push(place);
        });
        let rules = &self.site.rules;
        let whole = |study: Settled| {
            let look = study.look();
            let (found, traces) = (rules.assess_study(&look), report::study_traces(rules, &look));
            drop(look);
            Whole { study, found, traces }
        };
        judged.studies = gathering.settle().into_iter().map(whole).collect();
        self.once_more(&mut judged, known.as_ref());
        Ok(judged)
    }

    /// Judges a file for itself.
    fn first(
        &self,
        path: &Path,
        named: bool,
        known: Option<&Known>,
        gathering: &mut Gathering,
    ) -> Result<(R, Option<Place>), FileFault> {
        let mut place = None;
        let told = self.judge(path, known, None, |image| {
            let mut verdict =
                judge(self.site, &Image { keys: Some(gathering.keys()), ..*image }, self.now);
            // Where images wait for their study, what forbids the mark of one forbids it for all.
            let part = waits(self.site, image, gathering.keys(), self.now);
            let part = part.or(verdict.part.take().map(|part| *part));
            place = match part {
                Some(part) => Some(gathering.take(path, named, &part)),
                None => {
                    gathering.unlooked(verdict.study.as_str());
                    None
                }
            };
            verdict
        })?;
        Ok((told, place))
    }

    /// Judges those files again to whose judgement their study makes a difference.
    fn once_more(&self, judged: &mut Judged<R>, known: Option<&Known>) {
        let studies: HashMap<Key, &StudyAssessment> =
            judged.studies.iter().map(|whole| (whole.study.key(), &whole.found)).collect();
        let places = judged.paths.iter().zip(&judged.places);
        for (file, (path, place)) in judged.files.iter_mut().zip(places) {
            let Some(place) = place else { continue };
            let found = studies.get(&place.study).map(|found| found.on(place.instance));
            let Some(found) = found.filter(|found| (self.again)(found)) else { continue };
            let told =
                self.judge(path, known, Some(&found), |image| judge(self.site, image, self.now));
            file.outcome = match told {
                Ok(told) => Outcome::Judged(told),
                Err(fault) => Outcome::Unreadable { error: fault.to_string() },
            };
        }
    }

    fn judge(
        &self,
        path: &Path,
        known: Option<&Known>,
        study: Option<&Assessment>,
        judge: impl FnOnce(&Image<'_>) -> Verdict,
    ) -> Result<R, FileFault> {
        one(path, self.site, known, self.now, |image, head| {
            let bench = Bench::new(path, head, &std::env::temp_dir());
            let image = Image { workshop: Some(&bench), study, ..*image };
            (self.tell)(judge(&image), &image)
        })
    }
}

impl<R> Judged<R> {
    fn checked(self, report: impl Fn(&R) -> &Report) -> Checked<R> {
        let mut marks: HashMap<Key, Vec<MarkCount>> = HashMap::new();
        for (file, place) in self.files.iter().zip(&self.places) {
            let (Outcome::Judged(told), Some(place)) = (&file.outcome, place) else { continue };
            count(marks.entry(place.study).or_default(), report(told));
        }
        let studies = self.studies.into_iter().map(|whole| {
            let findings = report::study_findings(&whole.found.findings);
            StudyReport {
                study_instance_uid: whole.study.uid().to_string(),
                instances: whole.study.instances() as u64,
                severity: findings.first().map(|finding| finding.severity),
                mark_withheld: whole.found.severity() >= Some(Severity::Block),
                marks: marks.remove(&whole.study.key()).unwrap_or_default(),
                findings,
                shadow: report::study_findings(&whole.found.shadow),
                rules: whole.traces,
            }
        });
        Checked { studies: studies.collect(), files: self.files }
    }
}

fn count(marks: &mut Vec<MarkCount>, report: &Report) {
    let same = |known: &&mut MarkCount| known.mark == report.mark && known.reason == report.reason;
    match marks.iter_mut().find(same) {
        Some(known) => known.objects += 1,
        None => {
            let (mark, reason) = (report.mark.clone(), report.reason.clone());
            marks.push(MarkCount { mark, reason, objects: 1 });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixture::{loaded, loaded_with, noon};
    use crate::dicom::ae_title::AeTitle;
    use crate::expression::Declarations;
    use crate::phantom::{Kind, Specimen};
    use crate::policy::relay::Ack;
    use crate::policy::route::{Hold, RouteRow, Routes};
    use crate::web::model::{RuleOutcome, Untold};
    use std::fs;

    fn slice(number: u32) -> Specimen {
        Specimen::new(Kind::Ct, 1).size(8, 8).instance(number)
    }

    /// A folder with these slices of one series.
    fn folder(numbers: &[u32]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a folder");
        for number in numbers {
            put(dir.path(), *number);
        }
        dir
    }

    fn put(dir: &Path, number: u32) -> PathBuf {
        let path = dir.join(format!("{number}.dcm"));
        fs::write(&path, slice(number).part10()).expect("a file");
        path
    }

    fn checked(paths: &[PathBuf]) -> Checked<Report> {
        let dir = tempfile::tempdir().expect("a folder");
        let site = site::build(&loaded(dir.path()));
        check_at(paths, &site, &Sender::default(), noon()).expect("judged")
    }

    fn reasons(checked: &Checked<Report>) -> Vec<Option<&str>> {
        let reason = |file: &FileReport<Report>| match &file.outcome {
            Outcome::Judged(report) => report.reason.clone(),
            Outcome::Unreadable { error } => panic!("{error}"),
        };
        let all: Vec<Option<String>> = checked.files.iter().map(reason).collect();
        let known = ["QUALITY_BLOCK", "NO_ITEM"];
        all.iter()
            .map(|reason| {
                reason.as_ref().map(|own| *known.iter().find(|one| *one == own).expect(own))
            })
            .collect()
    }

    fn rule<'c>(checked: &'c Checked<Report>, rule: &str) -> &'c RuleTrace {
        let [study] = checked.studies.as_slice() else { panic!("{:?}", checked.studies) };
        study.rules.iter().find(|trace| trace.rule == rule).expect("a trace")
    }

    #[test]
    fn a_gap_withholds_the_mark_from_every_image_and_is_told_once() {
        let dir = folder(&[1, 2, 4, 5]);
        let told = checked(&[dir.path().to_owned()]);
        assert_eq!(reasons(&told), [Some("QUALITY_BLOCK"); 4]);
        let [study] = told.studies.as_slice() else { panic!("{:?}", told.studies) };
        assert_eq!(study.study_instance_uid, slice(1).study_instance().as_str());
        assert_eq!((study.instances, study.mark_withheld), (4, true));
        let gaps: Vec<_> =
            study.findings.iter().filter(|found| found.rule == "IMG-CT-011").collect();
        let [gap] = gaps.as_slice() else { panic!("{:?}", study.findings) };
        let series = slice(1).series_instance().to_string();
        assert_eq!(gap.series_instance_uid.as_deref(), Some(series.as_str()));
        let want = MarkCount { mark: None, reason: Some("QUALITY_BLOCK".to_owned()), objects: 4 };
        assert_eq!(study.marks, [want]);
        for file in &told.files {
            let Outcome::Judged(report) = &file.outcome else { panic!("{file:?}") };
            assert!(!report.findings.iter().any(|found| found.rule == "IMG-CT-011"));
        }
        let gap = rule(&told, "IMG-CT-011");
        let missing = gap.saw.iter().find(|seen| seen.name == "series.missing_slices");
        assert_eq!(missing.and_then(|seen| seen.value.as_deref()), Some("1"));
    }

    #[test]
    fn one_image_forbids_the_mark_of_all_where_images_wait_for_their_study() {
        let dir = folder(&[1, 2, 3]);
        let path = dir.path().join("2.dcm");
        fs::write(&path, slice(2).without(tags::SLICE_THICKNESS).part10()).expect("a file");
        let home = tempfile::tempdir().expect("a folder");
        let reasons_of = |hold| {
            let mut loaded = loaded(home.path());
            let rows = [RouteRow {
                name: None,
                to: vec!["archive".to_owned()],
                when: None,
                urgent: false,
                hold,
                ack: Ack::Spooled,
            }];
            let names = ["archive".to_owned()];
            loaded.compiled.routes =
                Routes::build(&rows, &names, &Declarations::object()).expect("a route");
            let site = site::build(&loaded);
            let paths = [dir.path().to_owned()];
            let told = check_at(&paths, &site, &Sender::default(), noon()).expect("judged");
            reasons(&told).into_iter().map(|reason| reason.is_some()).collect::<Vec<bool>>()
        };
        assert_eq!(reasons_of(Hold::Instance), [false, true, false]);
        assert_eq!(reasons_of(Hold::Study), [true; 3]);
    }

    #[test]
    fn whole_studies_keep_their_marks() {
        let dir = folder(&[1, 2, 3, 4]);
        let told = checked(&[dir.path().to_owned()]);
        assert_eq!(reasons(&told), [None; 4]);
        let [study] = told.studies.as_slice() else { panic!("{:?}", told.studies) };
        assert!(!study.mark_withheld);
        let want = MarkCount { mark: Some("JJJHR".to_owned()), reason: None, objects: 4 };
        assert_eq!(study.marks, [want]);
    }

    #[test]
    fn what_is_named_by_file_may_be_a_part_of_its_study() {
        let dir = folder(&[1]);
        // A CT without a localizer: missing in a folder, perhaps elsewhere for a file.
        let whole = |path: &Path| {
            let told = checked(&[path.to_owned()]);
            let trace = rule(&told, "IMG-CT-022").clone();
            (trace.outcome, trace.why_not().is_some())
        };
        assert_eq!(whole(dir.path()), (RuleOutcome::Failed, false));
        assert_eq!(whole(&dir.path().join("1.dcm")), (RuleOutcome::NotApplicable, true));
    }

    #[test]
    fn nothing_is_missing_where_something_could_not_be_read() {
        let first = folder(&[1, 2, 4, 5]);
        let broken = first.path().join("3.dcm");
        fs::write(&broken, &slice(3).part10()[..150]).expect("a file");
        let told = checked(&[first.path().to_owned()]);
        let gap = rule(&told, "IMG-CT-011");
        let missing = gap.saw.iter().find(|seen| seen.name == "series.missing_slices");
        assert!(missing.is_some_and(|seen| seen.value.is_none()), "{gap:?}");
        // What is no image takes the place of none, though it was named.
        let dir = folder(&[1, 2, 4, 5]);
        let text = dir.path().join("README.TXT");
        fs::write(&text, "no image").expect("a file");
        let told = checked(&[dir.path().to_owned(), text]);
        assert_eq!(rule(&told, "IMG-CT-011").outcome, RuleOutcome::Failed);
        // Elsewhere it says nothing of this study.
        let (dir, other) = (folder(&[1, 2, 4, 5]), tempfile::tempdir().expect("a folder"));
        fs::copy(broken, other.path().join("3.dcm")).expect("a copy");
        let told = checked(&[dir.path().to_owned(), other.path().to_owned()]);
        assert_eq!(rule(&told, "IMG-CT-011").outcome, RuleOutcome::Failed);
    }

    #[test]
    fn an_explanation_has_the_rules_on_study_and_series_with_what_they_found() {
        let dir = folder(&[1, 2, 4, 5]);
        let alone = dir.path().join("alone");
        let nameless = slice(9).without(tags::STUDY_INSTANCE_UID);
        fs::write(&alone, nameless.part10()).expect("a file");
        let home = tempfile::tempdir().expect("a folder");
        let paths = [dir.path().to_owned()];
        let told = explain(&paths, &loaded(home.path()), &Sender::default()).expect("explained");
        let of = |name: &str| {
            let file = told.iter().find(|file| file.file.ends_with(name)).expect(name);
            let Outcome::Judged(explanation) = &file.outcome else { panic!("{file:?}") };
            let gap = explanation.rules.iter().filter(|trace| trace.rule == "IMG-CT-011");
            let [gap] = gap.collect::<Vec<_>>()[..] else { panic!("{explanation:?}") };
            let found = explanation.report.findings.iter();
            (gap.outcome, gap.untold, found.filter(|found| found.rule == "IMG-CT-011").count())
        };
        assert_eq!(of("4.dcm"), (RuleOutcome::Failed, None, 1));
        assert_eq!(of("alone"), (RuleOutcome::NotRun, Some(Untold::NoStudy), 0));

        // Off here, and on again for whatever comes from CT01.
        let tables = r#"
            [rules.override."IMG-CT-011"]
            off = true
            [[rules.exception]]
            rules = ["IMG-CT-011"]
            sources = ["CT01"]
            off = false
        "#;
        let calling_aet = Some(AeTitle::parse("CT01").expect("a title"));
        let sender = Sender { calling_aet, peer: None };
        let told = explain(&[alone], &loaded_with(home.path(), tables), &sender);
        let told = told.expect("explained");
        let [FileReport { outcome: Outcome::Judged(explanation), .. }] = told.as_slice() else {
            panic!("{told:?}")
        };
        let gap = explanation.rules.iter().find(|trace| trace.rule == "IMG-CT-011");
        assert_eq!(gap.and_then(|trace| trace.untold), Some(Untold::NoStudy));
    }
}
