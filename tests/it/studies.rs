//! A study is complete when nothing more comes: then it is looked at as a whole, and where a site wants it, its images wait for that.

use crate::support::dataset::{Object, value};
use crate::support::eventually::{SOON, eventually, until};
use crate::support::gate::{Configuration, Gate};
use crate::support::sender::Sender;
use crate::support::sink::{Received, Sink};
use crate::support::wire::EXPLICIT_LE;

/// A hospital whose studies are complete when nothing has come for two seconds.
fn hospital(sink: &Sink, route: &str) -> Configuration {
    Configuration::hospital()
        .pacs(sink)
        .section("[studies]\nquiet = \"2s\"\nat_most = \"60s\"\n")
        .section(&format!("[[route]]\nto = [\"pacs\"]\n{route}\n"))
}

fn slices(study: u32, numbers: &[u32]) -> Vec<Object> {
    numbers.iter().map(|number| Object::chest_ct(study, *number)).collect()
}

/// Sends objects over one association, as a scanner does.
fn send(gate: &Gate, objects: &[Object]) {
    let mut sender = Sender::for_one(gate.port(), &objects[0].class, EXPLICIT_LE);
    for object in objects {
        let answer = sender.store(&object.class, &object.instance, &object.data());
        assert_eq!(answer.map(|answer| answer.status), Some(0));
    }
    assert!(sender.release());
}

fn is_marked(arrived: &Received) -> bool {
    let name = value(&arrived.data, EXPLICIT_LE, (0x0008, 0x0080)).unwrap_or_default();
    String::from_utf8_lossy(name).contains("JJJHR")
}

fn marked(arrived: &[Received]) -> Vec<bool> {
    arrived.iter().map(is_marked).collect()
}

/// What was found on a study, once it has settled with so many instances.
fn found(gate: &Gate, study: &str, instances: u64) -> Vec<String> {
    let report = eventually("the study has settled", SOON, || {
        let output = gate.run(&["studies", study, "--json"]);
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).ok()?;
        (report["instances"] == instances).then_some(report)
    });
    let findings = report["findings"].as_array().expect("a list").iter();
    findings.map(|finding| finding["rule"].as_str().expect("a rule").to_owned()).collect()
}

fn has(found: &[String], rule: &str) -> bool {
    found.iter().any(|known| known == rule)
}

#[test]
fn a_whole_study_waits_until_it_is_complete_and_is_marked() {
    let sink = Sink::up();
    let gate = Gate::start(&hospital(&sink, "hold = \"study\""));
    send(&gate, &slices(300, &[1, 2, 3, 4, 5]));
    assert_eq!(gate.json(&["ledger"])["in_flight"], 5, "none has gone while more may come");
    assert_eq!(marked(&sink.wait_for(5)), [true; 5]);
    let found = found(&gate, &slices(300, &[1])[0].study, 5);
    assert!(!has(&found, "IMG-CT-011"), "{found:?}");
    gate.settle();
    let ledger = gate.json(&["ledger"]);
    assert_eq!((&ledger["delivered"], &ledger["balanced"]), (&5.into(), &true.into()), "{ledger}");
}

#[test]
fn a_study_with_a_missing_slice_goes_unmarked_whole() {
    let sink = Sink::up();
    let gate = Gate::start(&hospital(&sink, "hold = \"study\""));
    let objects = slices(301, &[1, 2, 3, 5, 6]);
    send(&gate, &objects);
    let arrived = sink.wait_for(5);
    for object in &objects {
        let copy = arrived.iter().find(|copy| copy.instance == object.instance).expect("arrived");
        assert_eq!(copy.data, object.data());
    }
    assert!(has(&found(&gate, &objects[0].study, 5), "IMG-CT-011"));
    let explained = gate.done(&["explain", "--uid", &objects[0].instance, "--json"]);
    assert!(explained.contains("IMG-CT-011") && explained.contains("QUALITY_BLOCK"), "{explained}");
    let explained: serde_json::Value = serde_json::from_str(&explained).expect("one document");
    let traces = explained[0]["rules"].as_array().expect("a list");
    let fared = |rule: &str| {
        let trace = traces.iter().find(|trace| trace["rule"] == rule).expect(rule);
        (trace["outcome"].as_str().expect("a word"), trace["untold"].as_str())
    };
    assert_eq!(fared("IMG-CT-011"), ("failed", Some("values_not_kept")));
    assert_eq!(fared("IMG-PAT-009"), ("passed", Some("values_not_kept")));
    assert_eq!(fared("IMG-MR-018"), ("not_applicable", Some("values_not_kept")));
    assert_eq!(explained[0]["study"]["study_instance_uid"], objects[0].study.as_str());
}

#[test]
fn an_image_that_may_not_be_marked_takes_the_mark_from_its_whole_study() {
    let sink = Sink::up();
    let gate = Gate::start(&hospital(&sink, "hold = \"study\""));
    let mut objects = slices(310, &[1, 2, 3]);
    objects[1] = Object::chest_ct(310, 2).without((0x0018, 0x5100));
    send(&gate, &objects);
    assert_eq!(marked(&sink.wait_for(3)), [false; 3]);
    for object in &objects {
        let explained = gate.json(&["explain", "--uid", &object.instance]);
        let found: Vec<_> = explained[0]["findings"].as_array().expect("a list").iter().collect();
        let own = found.iter().filter(|finding| finding["rule"] == "IMG-CT-023").count();
        assert_eq!((own, &explained[0]["reason"]), (1, &"QUALITY_BLOCK".into()), "{explained}");
    }
    // One that is held is held alone; the others go on without a mark.
    let mut objects = slices(311, &[1, 2, 3]);
    objects[1] = Object::chest_ct(311, 2).without((0x0010, 0x0020));
    send(&gate, &objects);
    assert_eq!(marked(&sink.wait_for(5)), [false; 5]);
    until("one is held", || gate.json(&["ledger"])["held"] == 1);
}

#[test]
fn where_images_do_not_wait_each_bears_its_own_mark() {
    let sink = Sink::up();
    let gate = Gate::start(&hospital(&sink, "hold = \"instance\""));
    let mut objects = slices(312, &[1, 2, 3]);
    objects[1] = Object::chest_ct(312, 2).without((0x0018, 0x5100));
    send(&gate, &objects);
    let mut marks = marked(&sink.wait_for(3));
    marks.sort_unstable();
    assert_eq!(marks, [false, true, true]);
}

#[test]
fn where_images_do_not_wait_they_go_at_once_and_the_study_is_reported_later() {
    let sink = Sink::up();
    let gate = Gate::start(&hospital(&sink, "hold = \"instance\""));
    let objects = slices(302, &[1, 2, 3, 5, 6]);
    send(&gate, &objects);
    assert_eq!(marked(&sink.wait_for(5)), [true; 5]);
    assert!(has(&found(&gate, &objects[0].study, 5), "IMG-CT-011"));
    let listed = gate.list(&["studies"]);
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["severity"], "block");
    assert!(gate.log().contains("found on a study"));
}

#[test]
fn what_waits_is_not_lost_by_a_kill_and_its_study_is_put_together_again() {
    let sink = Sink::up();
    let mut gate = Gate::start(&hospital(&sink, "hold = \"study\""));
    let objects = slices(303, &[1, 2, 3, 5, 6]);
    send(&gate, &objects[..3]);
    gate.kill();
    assert!(sink.received().is_empty());
    gate.restart();
    send(&gate, &objects[3..]);
    assert_eq!(marked(&sink.wait_for(5)), [false; 5]);
    assert!(has(&found(&gate, &objects[0].study, 5), "IMG-CT-011"));
    gate.settle();
    let ledger = gate.json(&["ledger"]);
    assert_eq!((&ledger["delivered"], &ledger["in_flight"]), (&5.into(), &0.into()), "{ledger}");
}

#[test]
fn a_study_that_a_kill_cuts_in_two_is_reported_as_one() {
    let sink = Sink::up();
    let mut gate = Gate::start(&hospital(&sink, ""));
    let objects = slices(304, &[1, 2, 3, 4, 5]);
    send(&gate, &objects[..3]);
    sink.wait_for(3);
    gate.kill();
    gate.restart();
    send(&gate, &objects[3..]);
    let found = found(&gate, &objects[0].study, 5);
    assert!(!has(&found, "IMG-CT-011") && !has(&found, "IMG-CT-014"), "{found:?}");
}

#[test]
fn a_study_that_nothing_comes_of_after_a_kill_is_reported_all_the_same() {
    let sink = Sink::up();
    let mut gate = Gate::start(&hospital(&sink, ""));
    let objects = slices(305, &[1, 2, 3, 5, 6]);
    send(&gate, &objects);
    sink.wait_for(5);
    gate.kill();
    gate.restart();
    assert!(has(&found(&gate, &objects[0].study, 5), "IMG-CT-011"));
}

#[test]
fn studies_are_compared_with_those_before_a_restart() {
    let sink = Sink::up();
    let mut gate = Gate::start(&hospital(&sink, ""));
    let recalls = |gate: &Gate| gate.log().matches("studies of earlier runs are recalled").count();
    let before = slices(310, &[1, 2]);
    send(&gate, &before);
    found(&gate, &before[0].study, 2);
    until("nothing was to be recalled", || recalls(&gate) == 1);
    gate.kill();
    gate.restart();
    until("the study before is recalled", || recalls(&gate) == 2);
    // The Patient ID of the study before, with another name, on the same day.
    let of_another: Vec<Object> = slices(311, &[3, 4])
        .into_iter()
        .map(|slice| slice.with((0x0010, 0x0010), "PN", "Else^Somebody"))
        .collect();
    // The pixels of the study before, with another Patient ID.
    let copied: Vec<Object> = slices(312, &[1, 2])
        .into_iter()
        .map(|slice| slice.with((0x0010, 0x0020), "LO", "SOMEBODY-ELSE"))
        .collect();
    send(&gate, &of_another);
    send(&gate, &copied);
    let of_another = found(&gate, &of_another[0].study, 2);
    assert!(has(&of_another, "IMG-PAT-010") && has(&of_another, "STU-CON-004"), "{of_another:?}");
    let copied = found(&gate, &copied[0].study, 2);
    assert!(has(&copied, "PIX-009") && !has(&copied, "IMG-PAT-010"), "{copied:?}");
}

#[test]
fn what_comes_late_shares_the_fate_of_its_study_and_the_report_is_made_whole() {
    let sink = Sink::up();
    let gate = Gate::start(&hospital(&sink, "hold = \"study\""));
    let objects = slices(306, &[1, 2, 3, 5, 6, 4]);
    send(&gate, &objects[..5]);
    sink.wait_for(5);
    gate.takes(&objects[5]);
    assert_eq!(marked(&sink.wait_for(6)), [false; 6]);
    let found = found(&gate, &objects[0].study, 6);
    assert!(!has(&found, "IMG-CT-011"), "{found:?}");
}

#[test]
fn a_study_of_two_patients_is_held_whole() {
    let sink = Sink::up();
    let gate = Gate::start(&hospital(&sink, "hold = \"study\""));
    let mut objects = slices(307, &[1, 2, 3]);
    objects[2] = objects[2].clone().with((0x0010, 0x0020), "LO", "SOMEBODY-ELSE");
    send(&gate, &objects);
    until("three objects are held", || gate.list(&["quarantine", "ls"]).len() == 3);
    for entry in gate.list(&["quarantine", "ls"]) {
        let reasons = entry["reasons"].as_array().expect("a list");
        assert!(reasons.iter().any(|reason| reason == "IMG-PAT-009"), "{entry}");
    }
    assert!(sink.received().is_empty());
}

#[test]
fn urgent_sources_do_not_wait_for_their_study() {
    let sink = Sink::up();
    let patient = "[[source]]\naet = \"CT01\"\nurgent = true\n";
    let route = "[[route]]\nto = [\"pacs\"]\nhold = \"study\"\n";
    let long = "[studies]\nquiet = \"1h\"\nat_most = \"2h\"\n";
    let configuration = Configuration::new().section(patient).section(route).section(long);
    let gate = Gate::start(&configuration.pacs(&sink));
    let objects = slices(308, &[1]);
    send(&gate, &objects);
    sink.wait_for(1);
    let explained = gate.json(&["explain", "--uid", &objects[0].instance]);
    let traces = explained[0]["rules"].as_array().expect("a list");
    let of_study = traces.iter().find(|trace| trace["rule"] == "IMG-PAT-009").expect("a trace");
    assert_eq!(
        (&of_study["outcome"], &of_study["untold"]),
        (&"not_run".into(), &"not_settled".into())
    );
}

#[test]
fn nobody_waits_longer_than_at_most() {
    let sink = Sink::up();
    let configuration = Configuration::hospital()
        .pacs(&sink)
        .section("[studies]\nquiet = \"1h\"\nat_most = \"1s\"\n")
        .section("[[route]]\nto = [\"pacs\"]\nhold = \"study\"\n");
    let gate = Gate::start(&configuration);
    send(&gate, &slices(309, &[1, 2]));
    sink.wait_for(2);
}
