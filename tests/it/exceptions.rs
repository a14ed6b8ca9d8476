//! Rules that hold otherwise for some sources and routes, and rules that are only tried out: what a site sees of either.

use crate::support::dataset::{Object, value};
use crate::support::eventually::{SOON, eventually, until};
use crate::support::gate::{Configuration, Gate};
use crate::support::http;
use crate::support::sender::Sender;
use crate::support::sink::{Received, Sink};
use crate::support::wire::{Context, EXPLICIT_LE};
use serde_json::Value;
use std::path::PathBuf;
use tempfile::TempDir;

/// Rules that images from the third on do not meet.
const PACK: &str = r#"
format = 1
id = "own"
version = "1"
title.zh = "本院"
title.en = "Own"

[[rule]]
id = "OWN-MARK"
principle = "completeness"
authority = "judgement"
source = "us"
severity = "block"
require = "dcm.InstanceNumber <= 2"
zh = "序号过大"
en = "the number is too large"

[[rule]]
id = "OWN-HOLD"
principle = "completeness"
authority = "judgement"
source = "us"
when = "dcm.InstanceNumber >= 9"
severity = "quarantine"
require = "false"
zh = "不应到达"
en = "not to come"

[[rule]]
id = "OWN-STUDY"
level = "study"
principle = "completeness"
authority = "judgement"
source = "us"
severity = "block"
require = "study.images < 2"
zh = "过多"
en = "too many"
"#;

/// A hospital of three scanners with rules of its own.
struct Site {
    folder: TempDir,
    configuration: Configuration,
}

impl Site {
    fn new(sink: &Sink) -> Self {
        let folder = TempDir::new().unwrap();
        let pack = folder.path().join("own.toml");
        std::fs::write(&pack, PACK).unwrap();
        let source = |aet: &str, name: &str| {
            format!(
                "[[source]]\naet = \"{aet}\"\n{name}\nhosts = [\"127.0.0.0/8\"]\ninstitution = \"sfyy\"\n"
            )
        };
        let configuration = Configuration::new()
            .pacs(sink)
            .section(&source("CT01", ""))
            .section(&source("CT02", "name = \"room-2\""))
            .section(&source("CT03", ""))
            .section(
                r#"
                [[institution]]
                id = "sfyy"
                name = "示范医院"

                [[item]]
                code = "CT-CHEST"
                name = "胸部CT"
                when = "dcm.Modality == 'CT' && dcm.BodyPartExamined == 'CHEST'"
                scopes = ["JJJHR"]

                [[accreditation]]
                institution = "sfyy"
                items = ["CT-CHEST"]
                scope = "JJJHR"
                valid_from = 2026-04-01
                "#,
            )
            .section("[studies]\nquiet = \"2s\"\nat_most = \"60s\"\n")
            .section(&format!(
                "[rules]\npacks = [\"db11t2505-2025\", {:?}]\n",
                pack.display().to_string()
            ));
        Self { folder, configuration }
    }

    fn with(&self, section: &str) -> Configuration {
        self.configuration.clone().section(section)
    }

    fn pack(&self) -> PathBuf {
        self.folder.path().join("own.toml")
    }
}

/// Sends objects from a scanner.
fn send(gate: &Gate, calling: &str, objects: &[Object]) {
    let contexts = [Context::proposed(1, &objects[0].class, &[EXPLICIT_LE])];
    let mut sender = Sender::connect(gate.port(), calling, "MARKGATE", &contexts).unwrap();
    for object in objects {
        let answer = sender.store(&object.class, &object.instance, &object.data());
        assert_eq!(answer.map(|answer| answer.status), Some(0));
    }
    assert!(sender.release());
}

fn slices(study: u32, numbers: &[u32]) -> Vec<Object> {
    numbers.iter().map(|number| Object::chest_ct(study, *number)).collect()
}

fn is_marked(arrived: &Received) -> bool {
    let name = value(&arrived.data, EXPLICIT_LE, (0x0008, 0x0080)).unwrap();
    String::from_utf8_lossy(name).contains("JJJHR")
}

/// Whether what came from a scanner is marked, and by which rules.
fn arrived_from(sink: &Sink, calling: &str) -> (bool, Option<Vec<u8>>) {
    let arrived = eventually("it arrives", SOON, || {
        sink.received().into_iter().find(|arrived| arrived.calling == calling)
    });
    let rules = value(&arrived.data, EXPLICIT_LE, (0x0077, 0x1007)).map(<[u8]>::to_vec);
    (is_marked(&arrived), rules)
}

/// `[[rules.exception]]` rows for one source and one route.
const EXCEPTIONS: &str = r#"
[[route]]
name = "night"
to = ["pacs"]
when = "calling_aet == 'CT02'"

[[rules.exception]]
rules = ["OWN-MARK"]
sources = ["CT01"]
off = true

[[rules.exception]]
rules = ["OWN-MA*"]
routes = ["night"]
severity = "warn"
"#;

#[test]
fn the_same_image_is_judged_by_the_rules_for_the_way_it_came() {
    let sink = Sink::up();
    let site = Site::new(&sink);
    let gate = Gate::start(&site.with(EXCEPTIONS));
    let object = slices(460, &[3]);
    for calling in ["CT01", "CT02", "CT03"] {
        send(&gate, calling, &object);
        gate.settle();
    }
    let (by_source, its_rules) = arrived_from(&sink, "CT01");
    let (by_route, other_rules) = arrived_from(&sink, "CT02");
    assert_eq!((by_source, by_route), (true, true));
    assert_eq!(arrived_from(&sink, "CT03"), (false, None));
    assert!(its_rules.is_some() && other_rules.is_some());
    assert_ne!(its_rules, other_rules, "each decision names the rules that it rests on");

    let told = gate.json(&["explain", "--uid", &object[0].instance]);
    let found: Vec<(&str, Vec<&str>)> = told
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            let own = one["findings"].as_array().unwrap().iter();
            let own = own.filter(|finding| finding["rule"] == "OWN-MARK");
            let severities = own.map(|finding| finding["severity"].as_str().unwrap());
            (one["source"]["calling_aet"].as_str().unwrap(), severities.collect())
        })
        .collect();
    assert_eq!(
        found,
        [("CT03", vec!["block"]), ("CT02", vec!["warn"]), ("CT01", vec![])],
        "{told}"
    );

    // Offline, files are judged as what they are said to come from.
    let file = gate.folder().join("file.dcm");
    std::fs::write(&file, object[0].file()).unwrap();
    let mark = |calling: &str| {
        let told = gate.json(&["check", "--calling-aet", calling, file.to_str().unwrap()]);
        told[0]["mark"].as_str().map(str::to_owned)
    };
    assert_eq!((mark("CT01"), mark("CT03")), (Some("JJJHR".to_owned()), None));

    let rules = gate.json(&["rules", "ls"]);
    let rule = rules.as_array().unwrap().iter().find(|rule| rule["rule"] == "OWN-MARK").unwrap();
    let want = serde_json::json!([
        { "sources": ["CT01"], "routes": [], "severity": null, "enabled": false, "shadow": null },
        { "sources": [], "routes": ["night"], "severity": "warn", "enabled": null, "shadow": null },
    ]);
    assert_eq!(rule["exceptions"], want);
    let listed = gate.done(&["rules", "ls", "--lang", "en"]);
    let line = listed.lines().find(|line| line.starts_with("OWN-MARK")).unwrap();
    assert!(line.contains("from CT01: off; by night: warn"), "{line}");
    let shown = gate.done(&["config", "show"]);
    assert!(shown.contains("[[rules.exception]]") && shown.contains("name = \"night\""), "{shown}");
}

#[test]
fn a_study_that_came_two_ways_is_judged_by_the_stricter() {
    let sink = Sink::up();
    let site = Site::new(&sink);
    let gate = Gate::start(&site.with(
        "[[route]]\nto = [\"pacs\"]\nhold = \"study\"\n\
         [[rules.exception]]\nrules = \"OWN-STUDY\"\nsources = [\"CT01\", \"room-2\"]\noff = true\n",
    ));
    // From one scanner, from two that are both excepted, and from one that is and one that is not.
    send(&gate, "CT01", &slices(470, &[1, 2]));
    send(&gate, "CT01", &slices(471, &[1]));
    send(&gate, "CT02", &slices(471, &[2]));
    send(&gate, "CT01", &slices(472, &[1]));
    send(&gate, "CT03", &slices(472, &[2]));
    sink.wait_for(6);
    let marked = |study: u32| -> Vec<bool> {
        let all = sink.received_of(&slices(study, &[1])[0].study);
        all.iter().map(is_marked).collect()
    };
    assert_eq!([marked(470), marked(471), marked(472)], [[true; 2], [true; 2], [false; 2]]);
    // What comes late from elsewhere is not marked by what was found without it.
    send(&gate, "CT03", &slices(470, &[3]));
    let late = sink.wait_for(7).pop().unwrap();
    assert!(!is_marked(&late));
}

/// How many a rule would have withheld of how many, by what is counted.
fn tried(gate: &Gate, rule: &str, unit: &str) -> Option<(u64, u64)> {
    let rules = http::get(gate.console(), "/api/v1/rules").unwrap().json();
    let rule = rules.as_array().unwrap().iter().find(|one| one["rule"] == rule)?.clone();
    let counts = rule["tried"].as_array()?.iter().find(|counts| counts["unit"] == unit)?.clone();
    Some((counts["withheld"].as_u64()?, counts["applied"].as_u64()?))
}

#[test]
fn a_rule_that_is_tried_out_tells_what_it_would_have_withheld_restarts_included() {
    let sink = Sink::up();
    let site = Site::new(&sink);
    let shadow = "[rules.override.\"OWN-MARK\"]\nshadow = true\n\
                  [[rules.exception]]\nrules = \"OWN-HOLD\"\nsources = \"room-2\"\nshadow = true\n";
    let mut gate = Gate::start(&site.with(shadow));
    send(&gate, "CT01", &slices(480, &[1, 2, 3, 4, 5]));
    assert!(sink.wait_for(5).iter().all(is_marked), "what is tried out has no effect");
    gate.settle();
    assert_eq!(tried(&gate, "OWN-MARK", "object"), Some((3, 5)));
    // An image that bears no mark anyhow is none that it would have withheld.
    let nowhere = Object::chest_ct(481, 7).with((0x0018, 0x0015), "CS", "HEAD");
    send(&gate, "CT01", &[nowhere]);
    sink.wait_for(6);
    gate.settle();
    assert_eq!(tried(&gate, "OWN-MARK", "object"), Some((3, 5)));
    let explained = gate.json(&["explain", "--uid", &slices(480, &[4])[0].instance]);
    assert_eq!(explained[0]["shadow"][0]["rule"], "OWN-MARK", "{explained}");

    gate.terminate();
    assert!(gate.end().success());
    gate.restart();
    assert_eq!(tried(&gate, "OWN-MARK", "object"), Some((3, 5)));
    send(&gate, "CT02", &slices(482, &[1, 9]));
    assert!(sink.wait_for(8).iter().filter(|one| one.calling == "CT02").all(is_marked));
    gate.settle();
    assert_eq!(tried(&gate, "OWN-MARK", "object"), Some((4, 7)));
    assert_eq!(tried(&gate, "OWN-HOLD", "object"), Some((1, 1)));
    // From elsewhere that rule holds.
    send(&gate, "CT01", &slices(483, &[9]));
    until("it is held", || gate.json(&["ledger"])["held"] == 1);
    assert_eq!(tried(&gate, "OWN-HOLD", "object"), Some((1, 1)));

    let metrics = http::get(gate.console(), "/metrics").unwrap().body;
    let metrics = String::from_utf8(metrics).unwrap();
    let told: Vec<&str> = metrics.lines().filter(|line| line.contains("_shadow_")).collect();
    for line in [
        "markgate_shadow_applied_total{rule=\"OWN-MARK\",unit=\"object\"} 7",
        "markgate_shadow_withheld_total{rule=\"OWN-MARK\",unit=\"object\"} 4",
        "markgate_shadow_withheld_total{rule=\"OWN-HOLD\",unit=\"object\"} 1",
    ] {
        assert!(told.contains(&line), "{told:?}");
    }
    let statistics = http::get(gate.console(), "/api/v1/statistics").unwrap().json();
    let counts = &statistics["shadow"]["OWN-MARK"][0];
    assert_eq!((&counts["applied"], &counts["withheld"]), (&7.into(), &4.into()), "{statistics}");
    let listed = |lang: &str| gate.done(&["rules", "ls", "--lang", lang]);
    assert!(listed("en").contains("would have withheld 4 of 7 objects"), "{}", listed("en"));
    assert!(listed("zh").contains("本应不予标识 4 / 7 幅"), "{}", listed("zh"));
}

#[test]
fn where_images_wait_for_their_study_studies_are_counted() {
    let sink = Sink::up();
    let site = Site::new(&sink);
    let gate = Gate::start(&site.with(
        "[[route]]\nto = [\"pacs\"]\nhold = \"study\"\n\
         [rules.override.\"OWN-MARK\"]\nshadow = true\n[rules.override.\"OWN-STUDY\"]\nshadow = true\n",
    ));
    send(&gate, "CT01", &slices(490, &[1, 2, 3, 4]));
    send(&gate, "CT01", &slices(491, &[1]));
    assert!(sink.wait_for(5).iter().all(is_marked));
    gate.settle();
    assert_eq!(tried(&gate, "OWN-MARK", "study"), Some((1, 2)));
    assert_eq!(tried(&gate, "OWN-STUDY", "study"), Some((1, 2)));
    assert_eq!(tried(&gate, "OWN-MARK", "object"), None);
}

/// Every kind of mistake that an exception can have.
const BROKEN: &str = r#"
[[rules.exception]]
rules = ["OWN-MARK"]
off = true

[[rules.exception]]
rules = ["OWN-MARK"]
sources = ["CT99"]
severity = "warn"

[[rules.exception]]
rules = ["OWN-MARK"]
routes = ["nowhere"]
shadow = true

[[rules.exception]]
rules = []
sources = []
severity = "stop"

[[rules.exception]]
rules = ["OWN-*-1"]
sources = ["CT01"]
"#;

/// A gate that keeps refusing an image's mark whatever a reload says.
fn check_unchanged(gate: &Gate, sink: &Sink, study: u32) {
    let before = sink.received().len();
    send(gate, "CT01", &slices(study, &[3]));
    assert!(!is_marked(&sink.wait_for(before + 1)[before]));
}

#[test]
fn broken_exceptions_are_refused_with_every_mistake_and_a_reload_changes_nothing() {
    let sink = Sink::up();
    let site = Site::new(&sink);
    let mut gate = Gate::lay(&site.with(BROKEN));
    let output = gate.run(&["config", "check"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    let text = std::fs::read_to_string(gate.configuration()).unwrap();
    let first = text.lines().position(|line| line == "[[rules.exception]]").unwrap() + 1;
    for (line, mistake) in [
        (0, "rules.exception.sources: missing"),
        (6, "rules.exception.sources: \"CT99\", which is no name of a source"),
        (11, "rules.exception.routes: \"nowhere\", which is no name of a route"),
        (15, "rules.exception.rules: missing"),
        (16, "rules.exception.sources: missing"),
        (17, "rules.exception.severity: \"stop\""),
        (20, "rules.exception.rules: \"OWN-*-1\""),
        (19, "rules.exception.severity: missing"),
    ] {
        let line = format!("markgate.toml:{}: {mistake}", first + line);
        assert!(said.contains(&line), "{line} is not in:\n{said}");
    }
    gate.begin();
    assert_eq!(gate.end().code(), Some(2), "{}", gate.log());

    gate.configure(&site.configuration);
    gate.restart();
    check_unchanged(&gate, &sink, 500);
    gate.configure(&site.with(BROKEN));
    gate.reload();
    until("the refusal is logged", || gate.log().matches("CT99").count() >= 2);
    check_unchanged(&gate, &sink, 501);
    gate.configure(&site.with(EXCEPTIONS));
    gate.reload();
    let is_taken = || {
        let rules = http::get(gate.console(), "/api/v1/rules").unwrap().json();
        rules.as_array().unwrap().iter().any(|rule: &Value| rule["exceptions"].is_array())
    };
    until("the exceptions are in force", is_taken);
    let before = sink.received().len();
    send(&gate, "CT01", &slices(502, &[3]));
    assert!(is_marked(&sink.wait_for(before + 1)[before]));
}

#[test]
fn a_pack_with_several_broken_rules_is_refused_with_every_mistake_and_the_old_rules_stay() {
    let sink = Sink::up();
    let site = Site::new(&sink);
    let broken = PACK
        .replace("dcm.InstanceNumber <= 2", "dcm.InstanceNumbr <= 2")
        .replace("\"quarantine\"", "\"stop\"")
        .replace("study.images < 2", "study.images <");
    let mistakes = ["OWN-MARK", "OWN-HOLD", "OWN-STUDY"];
    let mut gate = Gate::start(&site.configuration);
    check_unchanged(&gate, &sink, 510);
    std::fs::write(site.pack(), &broken).unwrap();
    gate.reload();
    until("each rule's refusal is logged", || {
        let log = gate.log();
        mistakes.iter().all(|rule| log.contains(&format!(": {rule}: ")))
    });
    check_unchanged(&gate, &sink, 511);

    gate.terminate();
    assert!(gate.end().success());
    let before = gate.log().len();
    gate.begin();
    assert_eq!(gate.end().code(), Some(2));
    let said = gate.log().split_off(before);
    for rule in mistakes {
        assert!(said.contains(&format!(": {rule}: ")), "{rule} is not in:\n{said}");
    }
    std::fs::write(site.pack(), PACK).unwrap();
    gate.restart();
    check_unchanged(&gate, &sink, 512);
}
