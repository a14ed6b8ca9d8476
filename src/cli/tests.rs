//! Verbs as they are typed: what they print, and how they end.

mod studies;

use std::ffi::OsString;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use jiff::civil::date;
use tokio::runtime::Runtime;

use super::*;
use crate::app::{Appraisal, Sender, StampOrder};
use crate::web::fixture::{Known, entry};
use crate::web::model::{
    Checked, Copied, CopyKind, Disposition, Explanation, FallenBack, FileReport, Finding, Message,
    Outcome as Judged, Principle, Report, Severity, Source, StudyReport,
};
use crate::web::{Listener, serve as serve_pages};

/// A program of known answers that remembers what it was asked.
#[derive(Default)]
struct Fake {
    asked: Mutex<Vec<String>>,
    /// What is found on studies.
    studies: Vec<StudyReport>,
}

impl Fake {
    fn note(&self, what: String) {
        self.asked.lock().expect("a lock that no test poisons").push(what);
    }
}

fn report() -> Report {
    let finding = Finding {
        rule: "IMG-CT-003".to_owned(),
        principle: Principle::Accuracy,
        severity: Severity::Block,
        authority: "dicom".to_owned(),
        attribute: Some("SliceThickness".to_owned()),
        value: Some("7\u{1b}[2J".to_owned()),
        message: Message { zh: "层厚过大".to_owned(), en: "slices too thick".to_owned() },
    };
    Report {
        sop_class_uid: Some("1.2.840.10008.5.1.4.1.1.2".to_owned()),
        sop_instance_uid: Some("1.2.3".to_owned()),
        study_instance_uid: Some("1.2".to_owned()),
        series_instance_uid: None,
        modality: Some("CT".to_owned()),
        findings: vec![finding],
        exam_date: Some(date(2026, 5, 1)),
        institution: Some("bfh".to_owned()),
        items: vec!["CT-CHEST".to_owned()],
        scopes: Vec::new(),
        mark: None,
        reason: Some("QUALITY_BLOCK".to_owned()),
        modes: Vec::new(),
        corner: None,
        fallen_back: Vec::new(),
        disposition: Disposition::Forward,
    }
}

fn judged<R>(path: &Path, report: R) -> FileReport<R> {
    let outcome = if path.ends_with("broken.dcm") {
        Judged::Unreadable { error: "no DICOM".to_owned() }
    } else {
        Judged::Judged(report)
    };
    FileReport { file: path.display().to_string(), outcome }
}

impl Program for Fake {
    fn serve(&self, config: &Path) -> Result<(), Ended> {
        config::load(config)?;
        Err(Ended::Failed("port 11112 is in use".to_owned()))
    }
    fn demo(&self, options: &DemoOptions, out: &mut dyn Write) -> Result<(), Ended> {
        self.note(format!("{options:?}"));
        writeln!(out, "one marked").map_err(|problem| Ended::Failed(problem.to_string()))
    }
    fn check(
        &self,
        paths: &[PathBuf],
        _loaded: &Loaded,
        sender: &Sender,
    ) -> Result<Checked<Report>, Ended> {
        self.note(format!("{sender:?}"));
        let files = paths.iter().map(|path| judged(path, report())).collect();
        Ok(Checked { files, studies: self.studies.clone() })
    }
    fn appraise(
        &self,
        paths: &[PathBuf],
        loaded: &Loaded,
        sender: &Sender,
    ) -> Result<Checked<Appraisal>, Ended> {
        let appraisal = |explanation| Appraisal { study: Some("1.2".to_owned()), explanation };
        let files = self.explain(paths, loaded, sender)?;
        let files = files.into_iter().map(|file| file.map(appraisal)).collect();
        Ok(Checked { files, studies: self.studies.clone() })
    }
    fn explain(
        &self,
        paths: &[PathBuf],
        _loaded: &Loaded,
        _sender: &Sender,
    ) -> Result<Vec<FileReport<Explanation>>, Ended> {
        let explanation = Explanation {
            report: report(),
            shadow: Vec::new(),
            source: Source::default(),
            institution_name: None,
            exam_date_from: Some("StudyDate".to_owned()),
            rules: Vec::new(),
            accreditation: None,
            custody: None,
            study: None,
        };
        Ok(paths.iter().map(|path| judged(path, explanation.clone())).collect())
    }
    fn stamp(
        &self,
        order: &StampOrder,
        _loaded: &Loaded,
        _sender: &Sender,
    ) -> Result<Vec<FileReport<Copied>>, Ended> {
        self.note(format!("{order:?}"));
        let copy = |path: &PathBuf| {
            let name = path.file_name().map(PathBuf::from).unwrap_or_default();
            let marked = Report {
                mark: Some("JJJHR".to_owned()),
                reason: None,
                modes: vec!["overlay".to_owned()],
                fallen_back: vec![FallenBack {
                    mode: "burn-in".to_owned(),
                    reason: "NO_SAFE_CORNER".to_owned(),
                    obstacle: "no corner of the image is free".to_owned(),
                }],
                corner: Some("top-left".to_owned()),
                ..report()
            };
            let notes = vec!["no preview".to_owned()];
            Copied { marked: Some(marked), notes, ..Copied::new(CopyKind::Object, &name) }
        };
        Ok(order.paths.iter().map(|path| judged(path, copy(path))).collect())
    }
    fn conformance(&self, _loaded: &Loaded) -> Result<String, Ended> {
        Ok("# DICOM Conformance Statement\n".to_owned())
    }
}

/// How a verb ended, its standard output and its standard error.
type Ran = (Exit, String, String);

fn typed(fake: &Fake, arguments: &[&str], input: &str) -> Ran {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let words = std::iter::once("markgate").chain(arguments.iter().copied()).map(OsString::from);
    let terminal = &mut Terminal {
        input: &mut input.as_bytes(),
        out: &mut out,
        err: &mut err,
        language: Language::English,
    };
    let exit = run(words, fake, terminal);
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (exit, text(out), text(err))
}

fn run_verb(arguments: &[&str]) -> Ran {
    typed(&Fake::default(), arguments, "")
}

#[track_caller]
fn check_ends(arguments: &[&str], exit: Exit, out: &str, err: &str) {
    let want = (exit, out.to_owned(), err.to_owned());
    assert_eq!(run_verb(arguments), want, "{arguments:?}");
}

/// A configuration file with one destination and `more`.
fn file(folder: &tempfile::TempDir, more: &str) -> String {
    let path = folder.path().join("gate.toml");
    let text = format!("{more}[[destination]]\nname = \"pacs\"\nfolder = \"out\"\n");
    std::fs::write(&path, text).expect("a file written");
    path.display().to_string()
}

#[test]
fn what_cannot_be_understood_ends_with_64() {
    for arguments in [
        &["frobnicate"][..],
        &[],
        &["queue"],
        &["queue", "retry"],
        &["check"],
        &["check", "--fail-on", "terrible", "a.dcm"],
        &["check", "--calling-aet", "MORE THAN SIXTEEN", "a.dcm"],
        &["explain"],
        &["explain", "a.dcm", "--uid", "1.2"],
        &["status", "--console", "nowhere"],
    ] {
        let (exit, out, err) = run_verb(arguments);
        assert_eq!((exit, out.as_str()), (Exit::Usage, ""), "{arguments:?}");
        assert!(!err.is_empty(), "{arguments:?}");
    }
    assert_eq!(Exit::Usage.code(), 64);
}

#[test]
fn help_and_version_are_no_failure() {
    for arguments in [&["--help"][..], &["--version"], &["queue", "--help"], &["check", "-h"]] {
        let (exit, out, err) = run_verb(arguments);
        assert_eq!((exit, err.as_str()), (Exit::Done, ""), "{arguments:?}");
        assert!(!out.is_empty(), "{arguments:?}");
    }
}

#[test]
fn verbs_of_a_later_version_say_what_to_use_instead() {
    for arguments in [
        &["quarantine", "fix", "1", "--replace", "PatientID=1"][..],
        &["quarantine", "purge", "ALL"],
    ] {
        let (exit, out, err) = run_verb(arguments);
        assert_eq!((exit, out.as_str()), (Exit::Failed, ""), "{arguments:?}");
        assert!(err.contains("is not in this version: "), "{err}");
    }
}

#[test]
fn a_good_configuration_is_said_to_be_good() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = file(&folder, "");
    check_ends(&["config", "check", "--config", &path], Exit::Done, &format!("{path}: good\n"), "");
    let (exit, out, err) = run_verb(&["config", "show", "--config", &path]);
    assert_eq!((exit, err.as_str()), (Exit::Done, ""));
    assert!(out.starts_with("[gate]\naet = [\"MARKGATE\"]\n"), "{out}");
}

#[test]
fn a_bad_configuration_ends_with_2_and_every_mistake() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = file(&folder, "[gate]\naets = \"A\"\nlisten = 5\n");
    let mistakes = format!(
        "{path}:2: gate.aets: unknown key; did you mean \"aet\"? keys: aet, listen, tls, unparsable, coerced_status, timers\n\
         {path}:3: gate.listen: 5; give an IP address and port such as \"127.0.0.1:11112\"\n"
    );
    check_ends(&["config", "check", "--config", &path], Exit::Found, &mistakes, "");
    check_ends(&["config", "show", "--config", &path], Exit::Found, "", &mistakes);
    check_ends(&["serve", "--config", &path], Exit::Found, "", &mistakes);
    let (exit, out, _) = run_verb(&["config", "check", "--json", "--config", &path]);
    let report: serde_json::Value = serde_json::from_str(&out).expect("one JSON document");
    assert_eq!(exit, Exit::Found);
    assert_eq!(report["valid"], false);
    assert_eq!(report["mistakes"][1]["line"], 3);
    assert_eq!(report["mistakes"][1]["key"], "gate.listen");
}

#[test]
fn a_gate_that_cannot_start_ends_with_1() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = file(&folder, "");
    check_ends(&["serve", "--config", &path], Exit::Failed, "", "markgate: port 11112 is in use\n");
}

#[test]
fn check_prints_what_was_found_and_why() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = file(&folder, "");
    let want = "a.dcm: CT, forwarded, no mark (QUALITY_BLOCK)\n\
                \x20 exam date:   2026-05-01\n\
                \x20 institution: bfh\n\
                \x20 items:       CT-CHEST\n\
                \x20 block IMG-CT-003 SliceThickness = 7\u{fffd}[2J: slices too thick\n";
    check_ends(&["check", "--config", &path, "a.dcm"], Exit::Done, want, "");
    let want = "a.dcm: CT，放行，无标识（QUALITY_BLOCK 质量问题）\n\
                \x20 检查日期: 2026-05-01\n\
                \x20 机构:     bfh\n\
                \x20 检查项目: CT-CHEST\n\
                \x20 不加标识 IMG-CT-003 SliceThickness = 7\u{fffd}[2J: 层厚过大\n";
    check_ends(&["check", "--lang", "zh", "--config", &path, "a.dcm"], Exit::Done, want, "");
    let (_, out, _) = run_verb(&["explain", "--config", &path, "a.dcm"]);
    assert!(out.contains("exam date:   2026-05-01 (StudyDate)"), "{out}");
}

#[test]
fn check_fails_from_the_severity_that_was_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = file(&folder, "");
    for (extra, exit) in [
        (&["a.dcm"][..], Exit::Done),
        (&["--fail-on", "warn", "a.dcm"], Exit::Found),
        (&["--fail-on", "block", "a.dcm"], Exit::Found),
        (&["--fail-on", "quarantine", "a.dcm"], Exit::Done),
        (&["a.dcm", "broken.dcm"], Exit::Failed),
        (&["--fail-on", "block", "broken.dcm", "a.dcm"], Exit::Found),
    ] {
        let arguments = [&["check", "--config", &path], extra].concat();
        assert_eq!(run_verb(&arguments).0, exit, "{arguments:?}");
    }
}

#[test]
fn a_page_is_written_over_an_older_one_and_over_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, page) = (file(&folder, ""), folder.path().join("page.html"));
    let typed =
        ["check", "--config", &path, "--json", "--report", page.to_str().expect("text"), "a.dcm"];
    std::fs::write(&page, "").expect("a file");
    for _ in 0..2 {
        let (exit, out, err) = run_verb(&typed);
        assert_eq!((exit, err.as_str()), (Exit::Done, ""));
        let reports: Vec<FileReport<Report>> = serde_json::from_str(&out).expect("one document");
        assert_eq!(reports.len(), 1);
        let written = std::fs::read_to_string(&page).expect("a page");
        assert!(written.starts_with("<!DOCTYPE html>") && written.ends_with("</html>\n"));
        assert_eq!(
            written.matches("<tr class=\"finding\"><td>IMG-CT-003<").count(),
            1,
            "{written}"
        );
    }
    std::fs::write(&page, "an image").expect("a file");
    let (exit, out, err) = run_verb(&typed);
    assert_eq!((exit, out.as_str()), (Exit::Failed, ""));
    assert!(err.contains("no page of this program"), "{err}");
    assert_eq!(std::fs::read_to_string(&page).expect("a file"), "an image");
}

#[test]
fn check_gives_json_in_the_promised_shape() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = file(&folder, "");
    let fake = Fake::default();
    let arguments = [
        "check",
        "--config",
        &path,
        "--json",
        "--calling-aet",
        "CT01",
        "--peer",
        "10.0.0.7",
        "a.dcm",
        "broken.dcm",
    ];
    let (exit, out, err) = typed(&fake, &arguments, "");
    assert_eq!((exit, err.as_str()), (Exit::Failed, ""));
    let got: serde_json::Value = serde_json::from_str(&out).expect("one JSON document");
    let want = serde_json::json!([
        {
            "file": "a.dcm",
            "sop_class_uid": "1.2.840.10008.5.1.4.1.1.2",
            "sop_instance_uid": "1.2.3",
            "study_instance_uid": "1.2",
            "series_instance_uid": null,
            "modality": "CT",
            "findings": [{
                "rule": "IMG-CT-003",
                "principle": "accuracy",
                "severity": "block",
                "authority": "dicom",
                "attribute": "SliceThickness",
                "value": "7\u{1b}[2J",
                "message": { "zh": "层厚过大", "en": "slices too thick" },
            }],
            "exam_date": "2026-05-01",
            "institution": "bfh",
            "items": ["CT-CHEST"],
            "scopes": [],
            "mark": null,
            "reason": "QUALITY_BLOCK",
            "modes": [],
            "corner": null,
            "fallen_back": [],
            "disposition": "forward",
        },
        { "file": "broken.dcm", "error": "no DICOM" },
    ]);
    assert_eq!(got, want);
    let asked = fake.asked.lock().expect("a lock").clone();
    assert_eq!(asked, [r#"Sender { calling_aet: Some("CT01"), peer: Some(10.0.0.7) }"#]);
}

#[test]
fn stamp_tells_in_a_table_what_became_of_each_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = file(&folder, "");
    let want = "COPY   MARK   SHOWN BY  COULD NOT BE HAD\n\
                a.dcm  JJJHR  overlay   burn-in (no corner of the image is free)\n\
                a.dcm: no preview\n\
                broken.dcm: not copied: no DICOM\n";
    let arguments = ["stamp", "--config", &path, "--out", "b", "a.dcm", "broken.dcm"];
    check_ends(&arguments, Exit::Failed, want, "");
    let arguments = ["stamp", "--config", &path, "--json", "--out", "b", "a.dcm"];
    let (exit, out, err) = run_verb(&arguments);
    assert_eq!((exit, err.as_str()), (Exit::Done, ""));
    let got: serde_json::Value = serde_json::from_str(&out).expect("one JSON document");
    let entry = &got[0];
    assert_eq!(
        (&entry["file"], &entry["copy"], &entry["kind"]),
        (&"a.dcm".into(), &"a.dcm".into(), &"object".into())
    );
    assert_eq!((&entry["mark"], &entry["modes"][0]), (&"JJJHR".into(), &"overlay".into()));
    assert_eq!(entry["fallen_back"][0]["mode"], "burn-in");
}

#[test]
fn stamp_understands_modes_frames_and_grids() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = file(&folder, "");
    let fake = Fake::default();
    let arguments =
        ["stamp", "--config", &path, "--out", "b", "--mode", "tag,burn-in", "--frame", "3"];
    let print = ["--preview", "--print", "png", "--grid", "2x3", "--dicom-only", "a.dcm"];
    assert_eq!(typed(&fake, &[&arguments[..], &print].concat(), "").0, Exit::Done);
    let asked = fake.asked.lock().expect("a lock").clone();
    let want = r#"StampOrder { paths: ["a.dcm"], out: "b", modes: [Tag, BurnIn], preview: true, frame: 2, print: Some(Print { form: Png, grid: (2, 3) }), dicom_only: true }"#;
    assert_eq!(asked, [want]);
    for wrong in
        [&["--mode", "burnin"][..], &["--frame", "0"], &["--print", "pdf", "--grid", "9x1"]]
    {
        let arguments = [&["stamp", "--out", "b", "a.dcm"], wrong].concat();
        assert_eq!(run_verb(&arguments).0, Exit::Usage, "{wrong:?}");
    }
}

#[test]
fn the_demonstration_is_told_on_standard_output() {
    let fake = Fake::default();
    let ran = typed(&fake, &["demo", "--once", "--listen", "127.0.0.1:0"], "");
    assert_eq!(ran, (Exit::Done, "one marked\n".to_owned(), String::new()));
    let asked = fake.asked.lock().expect("a lock").clone();
    assert_eq!(
        asked,
        ["DemoOptions { listen: 127.0.0.1:0, console: 127.0.0.1:8080, dir: None, once: true }"]
    );
}

/// A running gate of known answers.
struct Running {
    address: SocketAddr,
    service: Arc<Known>,
    _runtime: Runtime,
}

fn gate() -> Running {
    let runtime = Runtime::new().expect("a runtime");
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    let listener = runtime.block_on(Listener::tcp(any)).expect("a free port");
    let address = listener.address().expect("a TCP address");
    let service = Arc::new(Known::default());
    runtime.spawn(serve_pages(listener, Arc::clone(&service), std::future::pending()));
    Running { address, service, _runtime: runtime }
}

fn ask(running: &Running, arguments: &[&str], input: &str) -> Ran {
    let address = running.address.to_string();
    let arguments = [arguments, &["--console", &address]].concat();
    typed(&Fake::default(), &arguments, input)
}

#[test]
fn lists_are_tables_or_json() {
    let running = gate();
    let (exit, out, err) = ask(&running, &["queue", "ls"], "");
    assert_eq!(exit, Exit::Done);
    assert_eq!(
        out,
        "ID      STATE     DESTINATION  TRIES  RECEIVED              SOP INSTANCE  LAST ERROR\n\
         1@pacs  deferred  pacs         2      1970-01-01T00:00:00Z  1.2.3         connection refused\n"
    );
    assert_eq!(err, "markgate: the first 1 of 7 entries\n");
    let (_, out, _) = ask(&running, &["queue", "ls", "--json"], "");
    let got: Vec<crate::web::model::QueueEntry> = serde_json::from_str(&out).expect("a list");
    assert_eq!(got, [entry()]);
    let (_, out, _) = ask(&running, &["quarantine", "ls", "--all"], "");
    assert!(
        out.contains("2   held   1970-01-01T00:00:00Z  CT01  1.2.4         PAT-001\n"),
        "{out}"
    );
    let (_, out, _) = ask(&running, &["peer", "ls"], "");
    assert!(out.contains("pacs  PACS@127.0.0.1:11113  down"), "{out}");
    let asked = running.service.asked.lock().expect("a lock").clone();
    assert_eq!(asked, ["queue 100000", "queue 100000", "quarantine true 100000"]);
}

#[test]
fn show_takes_ids_and_uids_and_misses_none_in_silence() {
    let running = gate();
    let (exit, out, err) = ask(&running, &["quarantine", "show", "1.2", "9"], "");
    assert_eq!(exit, Exit::Failed);
    assert!(out.starts_with("2\n  SOP instance: 1.2.4\n"), "{out}");
    assert_eq!(err, "markgate: there is no object in quarantine 9\n");
}

#[test]
fn actions_take_ids_from_standard_input() {
    let running = gate();
    let ran =
        ask(&running, &["queue", "hold", "-", "--reason", "scanner test"], "1@pacs\n2@pacs\n");
    assert_eq!(ran, (Exit::Done, "2 held\n".to_owned(), String::new()));
    let asked = running.service.asked.lock().expect("a lock").clone();
    assert!(asked.iter().all(|line| line.contains(r#"reason: Some("scanner test")"#)), "{asked:?}");
    assert!(
        matches!(asked.as_slice(), [one, two] if one.starts_with("1@pacs Hold") && two.starts_with("2@pacs Hold"))
    );
}

#[test]
fn an_action_that_is_refused_for_one_id_is_done_for_the_others() {
    let running = gate();
    let ran = ask(&running, &["quarantine", "release", "1.2.4"], "");
    let refused = "markgate: 1.2.4: 1.2.4 is already released\n".to_owned();
    assert_eq!(ran, (Exit::Failed, "0 released\n".to_owned(), refused));
    let ran = ask(&running, &["quarantine", "reject", "ALL", "--reason", "test"], "");
    assert_eq!(ran, (Exit::Done, "2 rejected\n".to_owned(), String::new()));
    assert_eq!(ask(&running, &["queue", "retry", "ALL", "1"], "").0, Exit::Usage);
}

#[test]
fn a_ledger_that_does_not_balance_ends_with_2() {
    let running = gate();
    let (exit, out, err) = ask(&running, &["ledger"], "");
    assert_eq!(exit, Exit::Found);
    assert!(out.contains("2026-05-01  CT01    3         1"), "{out}");
    assert!(err.contains("does not balance"), "{err}");
    let (exit, out, _) = ask(&running, &["ledger", "--json"], "");
    let ledger: serde_json::Value = serde_json::from_str(&out).expect("one JSON document");
    assert_eq!((exit, &ledger["received"]), (Exit::Found, &serde_json::json!(3)));
}

#[test]
fn a_peer_is_echoed_by_name() {
    let running = gate();
    let ran = ask(&running, &["peer", "echo", "pacs"], "");
    assert_eq!(ran, (Exit::Done, "pacs: answered in 7 ms\n".to_owned(), String::new()));
    let ran = ask(&running, &["peer", "echo", "nobody"], "");
    let refused = "markgate: there is no destination nobody\n".to_owned();
    assert_eq!(ran, (Exit::Failed, String::new(), refused));
}

#[test]
fn what_the_gate_refuses_ends_with_1() {
    let running = gate();
    let (exit, out, err) = ask(&running, &["status"], "");
    assert_eq!((exit, out.as_str()), (Exit::Failed, ""));
    assert_eq!(err, "markgate: the gate cannot answer now: stopping\n");
    let (exit, _, err) = ask(&running, &["explain", "--uid", "1.2"], "");
    assert_eq!(exit, Exit::Failed);
    assert_eq!(err, "markgate: there is no object 1.2\n");
}

#[test]
fn without_a_console_the_gate_is_asked_on_its_control_socket() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = file(&folder, "");
    let (exit, _, err) = run_verb(&["status", "--config", &path]);
    assert_eq!(exit, Exit::Failed);
    let socket = folder.path().join("spool/control.sock");
    assert!(
        err.starts_with(&format!("markgate: no gate answers at {}: ", socket.display())),
        "{err}"
    );
}
