//! How rules fare with files, and with the series and studies that they make.

use std::fmt::Display;
use std::path::PathBuf;

use super::book::Book;
use crate::app::offline::{Looked, OfflineFault, Sender, each_subject};
use crate::app::report::severity;
use crate::config::Loaded;
use crate::standard::{Level, Outcome, Rule, RuleTrace};
use crate::web::model::{Trial, TriedRule, UnreadFile};

/// Files of each kind that are named.
const EXAMPLES: usize = 3;

/// Runs the rules of a book on files, and on all files in folders. Where the files come from is as for `check`.
///
/// # Errors
/// When the gate would not take objects from the sender that was named.
pub fn try_on(
    book: &Book,
    paths: &[PathBuf],
    loaded: &Loaded,
    sender: &Sender,
) -> Result<Trial, OfflineFault> {
    let mut trial = Trial {
        packs: book.packs().collect(),
        files: 0,
        studies: 0,
        series: 0,
        not_dicom: 0,
        unreadable: Vec::new(),
        rules: book.rules().rules().iter().map(|rule| untried(rule)).collect(),
    };
    let looking = book.rules().looking();
    each_subject(paths, loaded, sender, looking, |path, looked| match looked {
        Looked::NoDicom => trial.not_dicom += 1,
        Looked::Unreadable(error) => {
            trial.unreadable.push(UnreadFile { file: path.display().to_string(), error });
        }
        Looked::Subject(subject) => {
            trial.files += 1;
            for trace in book.rules().explain(subject) {
                count(&mut trial.rules, &trace, &path.display());
            }
        }
        Looked::Study(look) => {
            trial.studies += 1;
            trial.series += look.series().len() as u64;
            let is_on_series = |rule: &TriedRule| rule.level == Level::Series.as_str();
            for one in book.of_studies().explain_study(look) {
                // Of a study without series a rule on these sees nothing.
                let rule = trial.rules.iter().find(|rule| rule.rule == one.trace.rule);
                if one.series.is_some() || !rule.is_some_and(is_on_series) {
                    let name = one.series.as_ref().unwrap_or(look.uid());
                    count(&mut trial.rules, &one.trace, name);
                }
            }
        }
    })?;
    let (files, series, studies) = (trial.files > 0, trial.series > 0, trial.studies > 0);
    for (tried, rule) in trial.rules.iter_mut().zip(book.rules().rules()) {
        tried.run = match rule.level {
            Level::Instance | Level::Pixel => files,
            Level::Series => series,
            Level::Study => studies,
        };
    }
    Ok(trial)
}

fn untried(rule: &Rule) -> TriedRule {
    TriedRule {
        rule: rule.id.clone(),
        level: rule.level.as_str().to_owned(),
        severity: severity(rule.gravest()),
        run: false,
        applied: 0,
        met: 0,
        not_met: 0,
        undecided: 0,
        not_applicable: 0,
        examples: crate::web::model::Examples::default(),
    }
}

/// Counts how a rule fared with what is called so.
fn count(rules: &mut [TriedRule], trace: &RuleTrace, name: &dyn Display) {
    let Some(rule) = rules.iter_mut().find(|rule| rule.rule == trace.rule) else { return };
    let (counted, examples) = match trace.outcome {
        Outcome::Off => return,
        Outcome::NotApplicable => {
            rule.not_applicable += 1;
            return;
        }
        Outcome::Met => (&mut rule.met, &mut rule.examples.met),
        Outcome::NotMet(_) => (&mut rule.not_met, &mut rule.examples.not_met),
        Outcome::Undecided => (&mut rule.undecided, &mut rule.examples.undecided),
    };
    rule.applied += 1;
    *counted += 1;
    if examples.len() < EXAMPLES {
        examples.push(name.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixture::loaded;
    use crate::dicom::tags;
    use crate::phantom::{Kind, Specimen};
    use std::fs;

    #[test]
    fn each_rule_is_counted_with_examples() {
        let dir = tempfile::tempdir().expect("a folder");
        let pack = dir.path().join("pack.toml");
        let rule = |id: &str, more: &str| {
            format!(
                "[[rule]]\nid = \"{id}\"\nprinciple = \"accuracy\"\nauthority = \"judgement\"\n\
                 source = \"s\"\nseverity = \"warn\"\nzh = \"一\"\nen = \"a\"\n{more}\n"
            )
        };
        let text = [
            "format = 1\nid = \"p\"\nversion = \"1\"\ntitle = { zh = \"一\", en = \"a\" }\n"
                .to_owned(),
            rule("R-MET", "require = \"has(dcm.Modality)\""),
            rule("R-CT", "applies = [\"CT\"]\nrequire = \"dcm.Modality == 'MR'\""),
            rule("R-UNKNOWN", "require = \"dcm.PregnancyStatus > 2\""),
            rule("R-STUDY", "level = \"study\"\nrequire = \"study.images > 3\""),
            rule(
                "R-SERIES",
                "level = \"series\"\nwhen = \"series.modality == 'CT'\"\nrequire = \"series.images < 4\"",
            ),
        ]
        .concat();
        fs::write(&pack, text).expect("a file");
        let data = dir.path().join("data");
        fs::create_dir(&data).expect("a folder");
        for instance in 1..=4 {
            let specimen = Specimen::new(Kind::Ct, 1).size(8, 8).instance(instance);
            fs::write(data.join(format!("{instance}.dcm")), specimen.part10()).expect("a file");
        }
        fs::write(data.join("dx.dcm"), Specimen::new(Kind::Dx, 2).size(8, 8).part10())
            .expect("a file");
        fs::write(data.join("no.txt"), "no image").expect("a file");
        fs::write(data.join("cut.dcm"), &Specimen::new(Kind::Ct, 1).part10()[..150])
            .expect("a file");
        let book = Book::of_packs(&[pack]).unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
        let trial =
            try_on(&book, std::slice::from_ref(&data), &loaded(dir.path()), &Sender::default());
        let trial = trial.expect("tried");
        assert_eq!((trial.files, trial.not_dicom, trial.unreadable.len()), (5, 1, 1));
        let counts = |rule: &TriedRule| {
            (rule.applied, rule.met, rule.not_met, rule.undecided, rule.not_applicable)
        };
        let [met, ct, unknown, study, series] = trial.rules.as_slice() else {
            panic!("{:?}", trial.rules)
        };
        assert_eq!(counts(met), (5, 5, 0, 0, 0));
        assert_eq!(met.examples.met.len(), 3);
        assert_eq!(counts(ct), (4, 0, 4, 0, 1));
        let want = ["1.dcm", "2.dcm", "3.dcm"].map(|name| data.join(name).display().to_string());
        assert_eq!(ct.examples.not_met, want);
        assert_eq!(counts(unknown), (5, 0, 0, 5, 0));
        assert_eq!((trial.studies, trial.series), (2, 2));
        assert_eq!((study.run, counts(study)), (true, (2, 1, 1, 0, 0)));
        let (ct_images, dx_image) = (Specimen::new(Kind::Ct, 1), Specimen::new(Kind::Dx, 2));
        assert_eq!(study.examples.met, [ct_images.study_instance().to_string()]);
        assert_eq!(study.examples.not_met, [dx_image.study_instance().to_string()]);
        assert_eq!(counts(series), (1, 0, 1, 0, 1));
        assert_eq!(series.examples.not_met, [ct_images.series_instance().to_string()]);
    }

    #[test]
    fn rules_of_a_level_that_the_files_have_nothing_of_are_not_run() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("a.dcm");
        let nameless = Specimen::new(Kind::Ct, 1).size(8, 8).without(tags::STUDY_INSTANCE_UID);
        fs::write(&file, nameless.part10()).expect("a file");
        let book = Book::of_packs(&["db11t2505-2025".into()]).expect("the built-in pack");
        let trial = try_on(&book, &[file], &loaded(dir.path()), &Sender::default());
        for rule in trial.expect("tried").rules {
            let is_of_one = ["instance", "pixel"].contains(&rule.level.as_str());
            assert_eq!(rule.run, is_of_one, "{}", rule.rule);
        }
    }
}
