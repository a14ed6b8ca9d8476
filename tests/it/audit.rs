//! Who did what is written down, stays as it was written, and is found out when it does not.

use crate::support::dataset::Object;
use crate::support::eventually::until;
use crate::support::figure::{figure, scale};
use crate::support::gate::{Configuration, Gate};
use crate::support::http;
use crate::support::sender::{Refusal, Sender};
use crate::support::sink::Sink;
use crate::support::wire::{CT_IMAGE, EXPLICIT_LE};
use markgate::phantom::{Kind, Specimen};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

fn segments(gate: &Gate) -> Vec<PathBuf> {
    let entries = fs::read_dir(gate.folder().join("spool/audit")).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .collect();
    files.sort();
    files
}

/// The whole lines of the trail.
fn lines(gate: &Gate) -> Vec<Value> {
    let text: String =
        segments(gate).iter().map(|path| fs::read_to_string(path).expect("text")).collect();
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole.lines().map(|line| serde_json::from_str(line).expect("a JSON line")).collect()
}

fn of(lines: &[Value], event: &str) -> Vec<Value> {
    lines.iter().filter(|line| line["event"] == event).cloned().collect()
}

fn verify(gate: &Gate) -> (Option<i32>, Value) {
    let output = gate.run(&["audit", "verify", "--json"]);
    (output.status.code(), serde_json::from_slice(&output.stdout).expect("JSON"))
}

#[test]
fn deeds_transfers_and_strangers_are_written_down_and_a_change_is_found() {
    let sink = Sink::up();
    let source = "[[source]]\naet = \"CT01\"\n";
    let configuration = Configuration::new().section(source).pacs(&sink);
    let mut gate = Gate::start(&configuration);
    gate.takes(&Object::chest_ct(160, 1));
    let nameless = Object::chest_ct(160, 2).with((0x0010, 0x0020), "LO", "");
    gate.takes(&nameless);
    until("one is held", || gate.list(&["quarantine", "ls"]).len() == 1);
    gate.done(&["quarantine", "release", "ALL", "--reason", "ID confirmed by the ward"]);
    let image = Specimen::new(Kind::Ct, 160).size(64, 64);
    let image_uid = image.sop_instance().to_string();
    let mut modality = Sender::for_one(gate.port(), CT_IMAGE, EXPLICIT_LE);
    let answer = modality.store(CT_IMAGE, &image_uid, &image.data_set());
    assert_eq!(answer.map(|answer| answer.status), Some(0));
    assert!(modality.release());
    sink.wait_for(3);
    let preview = format!("/api/v1/instances/{image_uid}/preview?state=before");
    let picture = http::get(gate.console(), &preview).expect("an answer");
    assert_eq!((picture.status, picture.body.starts_with(b"\x89PNG")), (200, true));
    let stranger = Sender::connect(gate.port(), "STRANGER", "MARKGATE", &[]).map(|_| ());
    assert_eq!(stranger, Err(Refusal::Rejected { result: 1, source: 1, reason: 3 }));
    gate.json(&["explain", "--uid", &nameless.instance]);
    fs::write(gate.configuration(), "[gate").expect("a folder of ours");
    gate.reload();
    until("the configuration was refused", || {
        !of(&lines(&gate), "configuration-refused").is_empty()
    });
    gate.configure(&configuration);
    until("all deliveries are told", || of(&lines(&gate), "delivered").len() == 3);
    gate.terminate();
    assert!(gate.end().success());

    let lines = lines(&gate);
    let one = |event: &str| {
        let found = of(&lines, event);
        assert_eq!(found.len(), 1, "{event}: {lines:?}");
        found[0].clone()
    };
    let (started, stopped) = (one("started"), one("stopped"));
    assert_eq!((&started["code"], &started["type"]), (&"110100".into(), &"110120".into()));
    assert_eq!(started["detail"]["configuration"].as_str().map(str::len), Some(64));
    assert_eq!(stopped["type"], "110121");
    let held = one("held");
    assert_eq!(held["what"]["sop_instance_uid"], nameless.instance.as_str());
    assert!(held["detail"]["reasons"].as_array().is_some_and(|reasons| !reasons.is_empty()));
    let released = one("released");
    assert_eq!(released["detail"]["reason"], "ID confirmed by the ward");
    assert!(released["who"]["by"].as_str().is_some_and(|by| !by.is_empty()), "{released}");
    let rejected = one("association-rejected");
    assert_eq!((&rejected["code"], &rejected["outcome"]), (&"110113".into(), &4.into()));
    assert_eq!(rejected["who"]["calling"], "STRANGER");
    assert_eq!(one("explained")["what"]["sop_instance_uid"], nameless.instance.as_str());
    let previewed = one("previewed");
    assert_eq!(previewed["what"]["sop_instance_uid"], image_uid.as_str());
    assert_eq!(previewed["detail"]["marked"], false);
    for delivered in of(&lines, "delivered") {
        assert_eq!(delivered["code"], "110104");
        assert_eq!(delivered["who"]["calling"], "CT01");
        assert_eq!(delivered["who"]["destination"], "pacs");
        assert_eq!(delivered["detail"]["status"], "0000");
        assert_eq!(delivered["detail"]["sent"].as_str().map(str::len), Some(64));
    }
    let has_both = |line: &&Value| line["at"].is_string() && line["since_start_us"].is_u64();
    assert_eq!(lines.iter().filter(has_both).count(), lines.len());
    figure(
        "R15",
        "audit_both_clocks",
        format_args!(
            "{} audit lines of every kind, each with wall and monotonic clock",
            lines.len()
        ),
    );

    let (code, report) = verify(&gate);
    assert_eq!((code, &report["whole"]), (Some(0), &true.into()), "{report}");
    assert_eq!(report["lines"], lines.len());
    let file = segments(&gate).remove(0);
    let text = fs::read_to_string(&file).expect("text");
    fs::write(&file, text.replace("ID confirmed by the ward", "ID confirmed by the wart")).unwrap();
    let (code, report) = verify(&gate);
    assert_eq!((code, &report["fault_count"]), (Some(2), &1.into()), "{report}");
    let at = lines.iter().position(|line| line["event"] == "released").expect("seen above");
    assert_eq!(report["faults"][0]["line"], at + 1);
}

#[test]
fn audit_queue_survives_kill() {
    let kills = scale(6, 200);
    let sink = Sink::up();
    let mut gate = Gate::start(&Configuration::hospital().pacs(&sink));
    let (port, console) = (gate.port(), gate.console());
    let (stop, next) = (AtomicBool::new(false), AtomicU32::new(0));
    let answered = Mutex::new(BTreeSet::new());
    let count = || answered.lock().expect("nobody panics").len();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                let contexts =
                    [crate::support::wire::Context::proposed(1, CT_IMAGE, &[EXPLICIT_LE])];
                let Ok(mut sender) = Sender::connect(port, "CT01", "MARKGATE", &contexts) else {
                    std::thread::yield_now();
                    continue;
                };
                while !stop.load(Ordering::Relaxed) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let object = Object::chest_ct(161, number);
                    if sender.store(CT_IMAGE, &object.instance, &object.data()).is_none() {
                        break;
                    }
                }
            }
        });
        scope.spawn(|| {
            for number in 0_u32.. {
                if stop.load(Ordering::Relaxed) {
                    return;
                }
                let reason = format!("deed {number}");
                let order = format!(r#"{{"on":true,"for":"1h","by":"lin","reason":"{reason}"}}"#);
                let page = "/api/v1/bypass";
                match http::post(console, page, "application/json", order.as_bytes()) {
                    Ok(answer) if answer.status == 200 => {
                        answered.lock().expect("nobody panics").insert(reason);
                    }
                    Ok(_) | Err(_) => std::thread::yield_now(),
                }
            }
        });
        for kill in 0..kills {
            let wanted = count() + 3 + kill % 5;
            until("persons get on", || count() >= wanted);
            gate.kill();
            gate.restart();
        }
        stop.store(true, Ordering::Relaxed);
    });
    gate.kill();
    gate.restart();
    let (code, report) = verify(&gate);
    assert_eq!((code, &report["faults"]), (Some(0), &Value::Array(Vec::new())), "{report}");
    let lines = lines(&gate);
    let told: BTreeSet<String> = of(&lines, "bypass-on")
        .iter()
        .map(|line| line["detail"]["reason"].as_str().expect("a reason").to_owned())
        .collect();
    let answered = answered.into_inner().expect("nobody panics");
    let missing: Vec<&String> = answered.difference(&told).collect();
    assert!(missing.is_empty(), "{missing:?}");
    figure(
        "R15",
        "audit_queue_survives_kill",
        format_args!(
            "{kills} kills under load, {} lines whole, {} answered deeds of persons, 0 missing",
            lines.len(),
            answered.len()
        ),
    );
}

#[test]
fn an_audit_trail_is_kept_for_half_a_year_at_least() {
    let sink = Sink::up();
    let gate = |retention: &str| {
        let audit = format!("[audit]\nretention = \"{retention}\"\n");
        Gate::lay(&Configuration::new().pacs(&sink).section(&audit))
    };
    for (retention, code) in [("1095d", 0), ("180d", 0), ("179d", 2), ("1h", 2)] {
        let output = gate(retention).run(&["config", "check"]);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), Some(code), "{retention}: {said}");
        assert_eq!(said.contains("at least 180 days"), code == 2, "{said}");
    }
    let shown = Gate::lay(&Configuration::new().pacs(&sink)).done(&["config", "show"]);
    assert!(shown.contains("[audit]\nretention = \"26280h\""), "{shown}");
    figure(
        "R19",
        "audit_retention",
        "3 years by default; below 180 days the configuration is refused; whole files, by age alone",
    );
}
