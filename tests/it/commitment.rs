//! Storage commitment: a modality that deletes only what it was told is kept is told the truth.

use crate::support::dataset::Object;
use crate::support::eventually::{SOON, eventually};
use crate::support::gate::{Configuration, Gate};
use crate::support::http;
use crate::support::peers::{self, Archive, Orthanc};
use crate::support::ports;
use crate::support::sink::Sink;
use markgate::phantom::{Kind, Specimen};
use serde_json::{Value, json};
use std::time::Duration;

/// Objects that have never come are found out soon.
const SETTINGS: &str = "[commitment]\nunknown = \"1s\"\n";

/// A gate that lets CT01 in alone, which takes reports at this port if it is one.
fn gate(report_port: u16) -> Configuration {
    let report = match report_port {
        0 => String::new(),
        port => format!("report_port = {port}\n"),
    };
    Configuration::new()
        .section(SETTINGS)
        .section(&format!("[[source]]\naet = \"CT01\"\nurgent = true\n{report}"))
}

/// A destination whose answer to C-STORE counts.
fn plain(sink: &Sink) -> String {
    let port = sink.port();
    format!(
        "[[destination]]\nname = \"pacs\"\naet = \"PACS\"\nhost = \"127.0.0.1\"\nport = {port}\n\
         commitment = \"delivered\"\n"
    )
}

fn files(study: u32, count: u32) -> (Vec<Vec<u8>>, Vec<String>) {
    let objects: Vec<Object> = (1..=count).map(|number| Object::chest_ct(study, number)).collect();
    let instances = objects.iter().map(|object| object.instance.clone()).collect();
    (objects.iter().map(Object::file).collect(), instances)
}

#[track_caller]
fn check_committed(said: &Value, instances: &[String]) {
    assert_eq!(said["asked"], 0, "{said}");
    assert_eq!(said["report"]["type"], 1, "{said}");
    assert_eq!(said["report"]["transaction"], said["transaction"], "{said}");
    assert_eq!(said["report"]["committed"], json!(instances), "{said}");
    assert_eq!(said["report"]["failed"], json!({}), "{said}");
}

fn nothing_is_open(gate: &Gate) {
    let folder = gate.folder().join("spool/commitments");
    eventually("the request is done with", SOON, || {
        std::fs::read_dir(&folder).expect("a folder").next().is_none().then_some(())
    });
}

#[test]
fn a_modality_is_told_on_the_association_on_which_it_asked() {
    let sink = Sink::up();
    let gate = Gate::start(&gate(0).section(&plain(&sink)));
    let (files, instances) = files(901, 3);
    let said = peers::commit(gate.port(), "CT01", &files, ("same", 0), &[]);
    check_committed(&said, &instances);
    assert_eq!(said["report"]["own_association"], true, "{said}");
    assert_eq!(sink.instances().len(), 3);
    nothing_is_open(&gate);
}

#[test]
fn a_modality_that_has_gone_is_called_by_the_title_that_it_asked() {
    let (sink, listen) = (Sink::up(), ports::free());
    let gate = Gate::start(&gate(listen).section(&plain(&sink)));
    let (files, instances) = files(902, 2);
    let said = peers::commit(gate.port(), "CT01", &files, ("new", listen), &[]);
    check_committed(&said, &instances);
    assert_eq!(said["report"]["own_association"], false, "{said}");
    let titles = (&said["report"]["calling"], &said["report"]["called"]);
    assert_eq!(titles, (&json!("MARKGATE"), &json!("CT01")), "{said}");
    nothing_is_open(&gate);
}

#[test]
fn what_is_held_and_what_never_came_is_reported_as_failed() {
    let sink = Sink::up();
    let gate = Gate::start(&Configuration::hospital().section(SETTINGS).section(&plain(&sink)));
    let good = Object::chest_ct(903, 1);
    let nameless = Object::chest_ct(904, 1).with((0x0010, 0x0020), "LO", "");
    let unknown = "1.2.826.0.1.3680043.8.498.1";
    let files = [good.file(), nameless.file()];
    let said = peers::commit(gate.port(), "CT01", &files, ("same", 0), &[unknown]);
    assert_eq!(said["report"]["type"], 2, "{said}");
    assert_eq!(said["report"]["committed"], json!([good.instance]), "{said}");
    let failed = json!({ nameless.instance.as_str(): "0110", unknown: "0112" });
    assert_eq!(said["report"]["failed"], failed, "{said}");
    nothing_is_open(&gate);
}

#[test]
fn an_archive_that_commits_itself_on_the_association_is_believed() {
    let archive_port = ports::free();
    let mut gate = Gate::lay(&gate(0).destination("pacs", archive_port));
    let archive = Archive::start(archive_port, gate.port(), "same");
    gate.restart();
    let (files, instances) = files(911, 2);
    let said = peers::commit(gate.port(), "CT01", &files, ("same", 0), &[]);
    check_committed(&said, &instances);
    let [asked] = archive.events("asked").try_into().expect("asked once");
    assert_eq!(asked["asked"], json!(instances));
    assert_eq!(asked["calling"], "MARKGATE");
    assert_eq!(asked["roles"], json!([true, false]));
    assert_ne!(asked["transaction"], said["transaction"]);
    let [reported] = archive.events("reported").try_into().expect("reported once");
    assert_eq!(reported["reported"], 0);
}

#[test]
fn an_archive_that_calls_back_is_let_in_for_its_report_though_it_is_no_source() {
    let (listen, archive_port) = (ports::free(), ports::free());
    let mut gate = Gate::lay(&gate(listen).destination("pacs", archive_port));
    let archive = Archive::start(archive_port, gate.port(), "new");
    gate.restart();
    let (files, instances) = files(905, 2);
    let said = peers::commit(gate.port(), "CT01", &files, ("new", listen), &[]);
    check_committed(&said, &instances);
    let [reported] = archive.events("reported").try_into().expect("reported once");
    assert_eq!((&reported["reported"], &reported["how"]), (&json!(0), &json!("new")));
}

#[test]
fn an_archive_that_never_reports_has_not_committed_itself() {
    let archive_port = ports::free();
    let patience = "[commitment]\nunknown = \"1s\"\nanswer = \"3s\"\n";
    let configuration = Configuration::new()
        .section(patience)
        .section("[[source]]\naet = \"CT01\"\n")
        .destination("pacs", archive_port);
    let mut gate = Gate::lay(&configuration);
    let archive = Archive::start(archive_port, gate.port(), "never");
    gate.restart();
    let (files, instances) = files(906, 1);
    let said = peers::commit(gate.port(), "CT01", &files, ("same", 0), &[]);
    assert_eq!(said["report"]["committed"], json!([]), "{said}");
    let [instance] = instances.as_slice() else { panic!("one instance") };
    let failed = json!({ instance.as_str(): "0110" });
    assert_eq!(said["report"]["failed"], failed, "{said}");
    assert_eq!(archive.events("stored").len(), 1);
}

#[test]
fn a_gate_that_is_killed_after_it_was_asked_reports_all_the_same() {
    let (mut sink, listen) = (Sink::down(), ports::free());
    let mut gate = Gate::start(&gate(listen).section(&plain(&sink)));
    let (files, instances) = files(907, 2);
    let said = peers::commit(gate.port(), "CT01", &files, ("ask", 0), &[]);
    assert_eq!(said["asked"], 0, "{said}");
    gate.kill();
    gate.restart();
    sink.rise();
    // The modality listens now: it asks for something else, and hears of what it asked before too.
    let again = peers::commit(gate.port(), "CT01", &[], ("new:2", listen), &["1.2.3"]);
    let reports = again["reports"].as_array().expect("a list");
    let report = reports.iter().find(|report| report["transaction"] == said["transaction"]);
    let report = report.unwrap_or_else(|| panic!("{again}"));
    assert_eq!(report["committed"], json!(instances), "{again}");
    nothing_is_open(&gate);
    assert_eq!(sink.instances(), instances.into_iter().collect());
}

#[test]
fn an_object_that_got_another_uid_is_reported_by_its_own() {
    let archive_port = ports::free();
    let drawing = r#"
        [[source]]
        aet = "CT01"
        institution = "sfyy"
        urgent = true
        [burn_in]
        uid = "derive"
        "#;
    let configuration = Configuration::of_everything()
        .mark("modes = [\"burn-in\"]")
        .section(SETTINGS)
        .section(drawing)
        .destination("pacs", archive_port);
    let mut gate = Gate::lay(&configuration);
    let archive = Archive::start(archive_port, gate.port(), "same");
    gate.restart();
    let image = Specimen::new(Kind::Dx, 7);
    let said = peers::commit(gate.port(), "CT01", &[image.part10()], ("same", 0), &[]);
    let own = image.sop_instance().to_string();
    check_committed(&said, std::slice::from_ref(&own));
    let [asked] = archive.events("asked").try_into().expect("asked once");
    let [stored] = archive.events("stored").try_into().expect("stored once");
    assert_eq!(asked["asked"], json!([stored["stored"]]));
    assert_ne!(stored["stored"], json!(own), "it has another UID at the archive");
}

#[test]
fn orthanc_is_asked_and_reports() {
    let listen = ports::free();
    let mut gate = Gate::lay(&gate(listen));
    let orthanc = Orthanc::start_beside(gate.port());
    gate.configure(&self::gate(listen).destination("orthanc", orthanc.port()));
    gate.restart();
    let (files, instances) = files(909, 3);
    let said = peers::commit(gate.port(), "CT01", &files, ("new", listen), &[]);
    check_committed(&said, &instances);
    assert_eq!(orthanc.count(), 3);
    let log = gate.log();
    assert!(log.contains("a destination has reported"), "{log}");
}

#[test]
fn orthanc_asks_and_is_told() {
    let sink = Sink::up();
    let mut gate = Gate::lay(&Configuration::new());
    let orthanc = Orthanc::start_beside(gate.port());
    let source =
        format!("[[source]]\naet = \"ORTHANC\"\nurgent = true\nreport_port = {}\n", orthanc.port());
    gate.configure(&Configuration::new().section(SETTINGS).section(&source).section(&plain(&sink)));
    gate.restart();
    let (files, _) = files(910, 2);
    let ids: Vec<String> = files.iter().map(|file| orthanc.takes(file)).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    orthanc.sends(&ids);
    sink.wait_within(2, Duration::from_secs(60));
    let heard = orthanc.asks_for_commitment(&ids, &[]);
    assert_eq!(heard["Status"], "Success", "{heard}");
    let missing = ["1.2.840.10008.5.1.4.1.1.2", "1.2.826.0.1.3680043.8.498.2"];
    let heard = orthanc.asks_for_commitment(&ids, &[missing]);
    assert_eq!(heard["Status"], "Failure", "{heard}");
    let failures = heard["Failures"].as_array().expect("a list");
    assert_eq!(failures.len(), 1, "{heard}");
    assert_eq!(failures[0]["SOPInstanceUID"], missing[1], "{heard}");
}

#[test]
fn an_archive_is_asked_whether_it_keeps_what_it_acknowledged() {
    let archive_port = ports::free();
    let verified = format!(
        "[[destination]]\nname = \"pacs\"\naet = \"PACS\"\nhost = \"127.0.0.1\"\nport = {archive_port}\n\
         verify = \"commitment\"\n"
    );
    let source = "[[source]]\naet = \"CT01\"\nurgent = true\n";
    let mut gate = Gate::lay(&Configuration::new().section(source).section(&verified));
    let archive = Archive::start(archive_port, gate.port(), "new");
    gate.restart();
    let (files, instances) = files(912, 2);
    peers::pynetdicom(gate.port(), "CT01", &files);
    let asked = eventually("the archive is asked", SOON, || archive.events("asked").pop());
    assert_eq!(asked["calling"], "MARKGATE", "{asked}");
    let named = |asked: &Value| -> std::collections::BTreeSet<String> {
        let list = asked["asked"].as_array().expect("a list");
        list.iter().map(|one| one.as_str().expect("a UID").to_owned()).collect()
    };
    assert_eq!(named(&asked), instances.into_iter().collect());
    eventually("what it keeps is noted", SOON, || {
        let page = http::get(gate.console(), "/metrics").expect("the gate answers").body;
        let kept = "markgate_commitment_checks_total{destination=\"pacs\",outcome=\"kept\"} 2";
        String::from_utf8_lossy(&page).contains(kept).then_some(())
    });
}
