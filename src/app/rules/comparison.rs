//! What becomes of files, and of the studies that they make, under another pack.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::book::Book;
use crate::app::offline::{Looked, OfflineFault, Sender, each_subject};
use crate::app::report::severity;
use crate::config::Loaded;
use crate::standard::{Finding, Severity};
use crate::web::model::{
    Comparison, Decision, FileChange, PackName, RuleChange, RuleCount, StudyChange, UnreadFile,
};

/// Compares what two books say of files, and of all files in folders: of each file by itself, and of the studies that they make. Of pixels
/// as much is looked at as the new book says.
///
/// # Errors
/// When the gate would not take objects from the sender that was named.
pub fn compare(
    old: &Book,
    new: &Book,
    paths: &[PathBuf],
    loaded: &Loaded,
    sender: &Sender,
) -> Result<Comparison, OfflineFault> {
    let mut comparison = Comparison {
        old: name(old),
        new: name(new),
        files: 0,
        studies: 0,
        not_dicom: 0,
        unreadable: Vec::new(),
        changed: Vec::new(),
        changed_studies: Vec::new(),
        rules: Vec::new(),
    };
    let mut counts = BTreeMap::new();
    let looking = new.rules().looking();
    each_subject(paths, loaded, sender, looking, |path, looked| match looked {
        Looked::NoDicom => comparison.not_dicom += 1,
        Looked::Unreadable(error) => {
            comparison.unreadable.push(UnreadFile { file: path.display().to_string(), error });
        }
        Looked::Subject(subject) => {
            comparison.files += 1;
            let (was, is) = (old.rules().assess(subject), new.rules().assess(subject));
            let rules = differing(&was.findings, &is.findings);
            if let Some((old, new)) = changed(&was.findings, &is.findings, &rules, &mut counts) {
                let file = path.display().to_string();
                comparison.changed.push(FileChange { file, old, new, rules });
            }
        }
        Looked::Study(look) => {
            comparison.studies += 1;
            let found = |book: &Book| -> Vec<Finding> {
                let found = book.of_studies().assess_study(look).findings;
                found.into_iter().map(|found| found.finding).collect()
            };
            let (was, is) = (found(old), found(new));
            let rules = differing(&was, &is);
            if let Some((old, new)) = changed(&was, &is, &rules, &mut counts) {
                let study_instance_uid = look.uid().to_string();
                let change = StudyChange { study_instance_uid, old, new, rules };
                comparison.changed_studies.push(change);
            }
        }
    })?;
    comparison.rules = counts.into_values().collect();
    Ok(comparison)
}

fn name(book: &Book) -> PackName {
    let message = crate::web::model::Message { zh: String::new(), en: String::new() };
    let nameless = PackName { id: String::new(), version: String::new(), title: message };
    book.packs().next().unwrap_or(nameless)
}

fn decision(findings: &[Finding]) -> Decision {
    let gravest = findings.iter().map(|finding| finding.severity).max();
    Decision { severity: gravest.map(severity), mark_withheld: gravest >= Some(Severity::Block) }
}

/// Counts rules that find otherwise. Returns both decisions where they differ.
fn changed(
    old: &[Finding],
    new: &[Finding],
    rules: &[RuleChange],
    counts: &mut BTreeMap<String, RuleCount>,
) -> Option<(Decision, Decision)> {
    let (was, is) = (decision(old), decision(new));
    for change in rules {
        count(counts, change, was != is);
    }
    (was != is).then_some((was, is))
}

/// Rules of which the two do not say the same, by their ids. One that finds several things finds its gravest.
fn differing(old: &[Finding], new: &[Finding]) -> Vec<RuleChange> {
    let mut found: BTreeMap<&str, (Option<Severity>, Option<Severity>)> = BTreeMap::new();
    for finding in old {
        let (was, _) = found.entry(&finding.rule).or_default();
        *was = (*was).max(Some(finding.severity));
    }
    for finding in new {
        let (_, is) = found.entry(&finding.rule).or_default();
        *is = (*is).max(Some(finding.severity));
    }
    let differing = found.into_iter().filter(|(_, (old, new))| old != new);
    let change = |(rule, (old, new)): (&str, (Option<Severity>, Option<Severity>))| RuleChange {
        rule: rule.to_owned(),
        old: old.map(severity),
        new: new.map(severity),
    };
    differing.map(change).collect()
}

fn count(counts: &mut BTreeMap<String, RuleCount>, change: &RuleChange, decides: bool) {
    let count = counts
        .entry(change.rule.clone())
        .or_insert_with(|| RuleCount { rule: change.rule.clone(), ..RuleCount::default() });
    match (change.old, change.new) {
        (None, _) => count.new += 1,
        (_, None) => count.gone += 1,
        (Some(_), Some(_)) => count.regraded += 1,
    }
    if decides {
        count.decisions += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::fixture::loaded;
    use crate::phantom::{Kind, Specimen};
    use crate::web::model::Severity as Grave;
    use std::fs;
    use std::path::Path;

    fn pack(path: &Path, rules: &[(&str, &str, &str)]) -> Book {
        let head = "format = 1\nid = \"p\"\nversion = \"1\"\ntitle = { zh = \"一\", en = \"a\" }\n";
        let rule = |(id, severity, require): &(&str, &str, &str)| {
            format!(
                "[[rule]]\nid = \"{id}\"\nprinciple = \"accuracy\"\nauthority = \"judgement\"\n\
                 source = \"s\"\nseverity = \"{severity}\"\nrequire = \"{require}\"\nzh = \"一\"\nen = \"a\"\n"
            )
        };
        let rules: String = rules.iter().map(rule).collect();
        fs::write(path, format!("{head}{rules}")).expect("a file");
        Book::of_packs(&[path.to_owned()]).unwrap_or_else(|mistakes| panic!("{mistakes:?}"))
    }

    #[test]
    fn files_that_would_fare_otherwise_are_told_with_the_rules_that_did_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let no_mr = "dcm.Modality != 'MR'";
        let old = pack(
            &dir.path().join("old.toml"),
            &[("A", "warn", "false"), ("B", "info", no_mr), ("C", "block", "dcm.Modality != 'DX'")],
        );
        let new = pack(
            &dir.path().join("new.toml"),
            &[("A", "warn", "false"), ("B", "block", no_mr), ("D", "info", "dcm.Modality != 'CT'")],
        );
        let data = dir.path().join("data");
        fs::create_dir(&data).expect("a folder");
        for (name, kind) in [("ct.dcm", Kind::Ct), ("dx.dcm", Kind::Dx), ("mr.dcm", Kind::Mr)] {
            fs::write(data.join(name), Specimen::new(kind, 1).size(8, 8).part10()).expect("a file");
        }
        let told = compare(&old, &new, &[data], &loaded(dir.path()), &Sender::default());
        let told = told.expect("compared");
        assert_eq!((told.files, told.not_dicom), (3, 0));
        let change = |rule: &str, old, new| RuleChange { rule: rule.to_owned(), old, new };
        let warned = Decision { severity: Some(Grave::Warn), mark_withheld: false };
        let blocked = Decision { severity: Some(Grave::Block), mark_withheld: true };
        let [dx, mr] = told.changed.as_slice() else { panic!("{:?}", told.changed) };
        assert!(dx.file.ends_with("dx.dcm") && mr.file.ends_with("mr.dcm"));
        assert_eq!((dx.old, dx.new), (blocked, warned));
        assert_eq!(dx.rules, [change("C", Some(Grave::Block), None)]);
        assert_eq!((mr.old, mr.new), (warned, blocked));
        assert_eq!(mr.rules, [change("B", Some(Grave::Info), Some(Grave::Block))]);
        let counted = |rule: &str, new, gone, regraded, decisions| RuleCount {
            rule: rule.to_owned(),
            new,
            gone,
            regraded,
            decisions,
        };
        let want = [counted("B", 0, 0, 1, 1), counted("C", 0, 1, 0, 1), counted("D", 1, 0, 0, 0)];
        assert_eq!(told.rules, want);
    }

    #[test]
    fn studies_that_would_fare_otherwise_are_told_apart_from_files() {
        let dir = tempfile::tempdir().expect("a folder");
        let level = |path: &str, severity, images: usize| {
            let require = format!("series.images >= {images}\"\nlevel = \"series");
            pack(&dir.path().join(path), &[("S", severity, &require), ("A", "info", "true")])
        };
        let (old, new) = (level("old.toml", "warn", 2), level("new.toml", "block", 3));
        let data = dir.path().join("data");
        fs::create_dir(&data).expect("a folder");
        let ct = |study| Specimen::new(Kind::Ct, study).size(8, 8);
        // One image, two, and three of a study.
        for (study, instances) in [(1, 1), (2, 2), (3, 3)] {
            for instance in 1..=instances {
                let name = format!("{study}-{instance}.dcm");
                fs::write(data.join(name), ct(study).instance(instance).part10()).expect("a file");
            }
        }
        let told = compare(&old, &new, &[data], &loaded(dir.path()), &Sender::default());
        let told = told.expect("compared");
        assert_eq!((told.files, told.studies, told.changed.len()), (6, 3, 0));
        let blocked = Decision { severity: Some(Grave::Block), mark_withheld: true };
        let warned = Decision { severity: Some(Grave::Warn), mark_withheld: false };
        let none = Decision { severity: None, mark_withheld: false };
        let change = |study, old: Decision, new: Decision| StudyChange {
            study_instance_uid: ct(study).study_instance().to_string(),
            old,
            new,
            rules: vec![RuleChange { rule: "S".to_owned(), old: old.severity, new: new.severity }],
        };
        let want = [change(1, warned, blocked), change(2, none, blocked)];
        assert_eq!(told.changed_studies, want);
        let counted =
            RuleCount { rule: "S".to_owned(), new: 1, regraded: 1, decisions: 2, gone: 0 };
        assert_eq!(told.rules, [counted]);
    }

    #[test]
    fn a_pack_differs_in_nothing_from_itself() {
        let dir = tempfile::tempdir().expect("a folder");
        let book = Book::of_packs(&["db11t2505-2025".into()]).expect("the built-in pack");
        let file = dir.path().join("a.dcm");
        fs::write(&file, Specimen::new(Kind::Ct, 1).size(8, 8).part10()).expect("a file");
        let told = compare(&book, &book, &[file], &loaded(dir.path()), &Sender::default());
        let told = told.expect("compared");
        assert_eq!((told.files, told.changed.len(), told.rules.len()), (1, 0, 0));
        assert_eq!(told.new.id, "db11t2505-2025");
    }
}
