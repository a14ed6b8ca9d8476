//! What becomes of files under another pack.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::book::Book;
use crate::app::offline::{Looked, OfflineFault, Sender, each_subject};
use crate::app::report::severity;
use crate::config::Loaded;
use crate::standard::{Assessment, Severity};
use crate::web::model::{
    Comparison, Decision, FileChange, PackName, RuleChange, RuleCount, UnreadFile,
};

/// Compares what two books say of files, and of all files in folders: of their headers, and of each file alone.
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
        not_dicom: 0,
        unreadable: Vec::new(),
        changed: Vec::new(),
        rules: Vec::new(),
    };
    let mut counts = BTreeMap::new();
    each_subject(paths, loaded, sender, None, |path, looked| match looked {
        Looked::NoDicom => comparison.not_dicom += 1,
        Looked::Unreadable(error) => {
            comparison.unreadable.push(UnreadFile { file: path.display().to_string(), error });
        }
        Looked::Subject(subject) => {
            comparison.files += 1;
            let (was, is) = (old.rules().assess(subject), new.rules().assess(subject));
            let rules = differing(&was, &is);
            let (was, is) = (decision(&was), decision(&is));
            for change in &rules {
                count(&mut counts, change, was != is);
            }
            if was != is {
                let file = path.display().to_string();
                comparison.changed.push(FileChange { file, old: was, new: is, rules });
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

fn decision(assessment: &Assessment) -> Decision {
    Decision { severity: assessment.severity().map(severity), mark_withheld: assessment.blocks() }
}

/// Rules of which the two do not say the same, by their ids.
fn differing(old: &Assessment, new: &Assessment) -> Vec<RuleChange> {
    let mut found: BTreeMap<&str, (Option<Severity>, Option<Severity>)> = BTreeMap::new();
    for finding in &old.findings {
        found.entry(&finding.rule).or_default().0 = Some(finding.severity);
    }
    for finding in &new.findings {
        found.entry(&finding.rule).or_default().1 = Some(finding.severity);
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
