//! How rules fare with files.

use std::path::{Path, PathBuf};

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
        not_dicom: 0,
        unreadable: Vec::new(),
        rules: book.rules().rules().iter().map(|rule| untried(rule)).collect(),
    };
    let looking = Some(book.rules().looking());
    each_subject(paths, loaded, sender, looking, |path, looked| match looked {
        Looked::NoDicom => trial.not_dicom += 1,
        Looked::Unreadable(error) => {
            trial.unreadable.push(UnreadFile { file: path.display().to_string(), error });
        }
        Looked::Subject(subject) => {
            trial.files += 1;
            for trace in book.rules().explain(subject) {
                let rule = trial.rules.iter_mut().find(|rule| rule.rule == trace.rule);
                if let Some(rule) = rule {
                    count(rule, &trace, path);
                }
            }
        }
    })?;
    Ok(trial)
}

fn untried(rule: &Rule) -> TriedRule {
    TriedRule {
        rule: rule.id.clone(),
        level: rule.level.as_str().to_owned(),
        severity: severity(rule.gravest()),
        run: matches!(rule.level, Level::Instance | Level::Pixel),
        applied: 0,
        met: 0,
        not_met: 0,
        undecided: 0,
        not_applicable: 0,
        examples: crate::web::model::Examples::default(),
    }
}

fn count(rule: &mut TriedRule, trace: &RuleTrace, path: &Path) {
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
        examples.push(path.display().to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixture::loaded;
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
            rule("R-STUDY", "level = \"study\"\nrequire = \"study.images > 0\""),
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
        let [met, ct, unknown, study] = trial.rules.as_slice() else { panic!("{:?}", trial.rules) };
        assert_eq!(counts(met), (5, 5, 0, 0, 0));
        assert_eq!(met.examples.met.len(), 3);
        assert_eq!(counts(ct), (4, 0, 4, 0, 1));
        let want = ["1.dcm", "2.dcm", "3.dcm"].map(|name| data.join(name).display().to_string());
        assert_eq!(ct.examples.not_met, want);
        assert_eq!(counts(unknown), (5, 0, 0, 5, 0));
        assert_eq!((study.run, counts(study)), (false, (0, 0, 0, 0, 0)));
    }
}
