//! A configuration that is wrong says so, everything at once, and changes nothing.

use crate::support::dataset::Object;
use crate::support::eventually::until;
use crate::support::gate::{Configuration, Gate};
use crate::support::sender::Sender;
use crate::support::sink::Sink;
use crate::support::wire::{CT_IMAGE, EXPLICIT_LE};
use std::net::TcpListener;

const WRONG: &str = r#"
[gate]
aet = "A TITLE THAT IS FAR TOO LONG"
listen = "nowhere"
colour = "blue"

[spool]
reserve = "lots"

[[destination]]
name = "pacs"
aet = "PACS"
host = "127.0.0.1"
port = 11113

[[route]]
to = ["archive"]
when = "dcm.Modalty == 'CT'"

[[accreditation]]
institution = "nobody"
items = ["CT-CHEST"]
scope = "WORLD"
valid_from = 2026-04-01
"#;

#[test]
fn every_mistake_is_told_at_once_with_its_line() {
    let gate = Gate::lay(&Configuration::new());
    std::fs::write(gate.configuration(), WRONG).unwrap();
    let output = gate.run(&["config", "check"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let line_of = |text: &str| WRONG.lines().position(|line| line.contains(text)).unwrap() + 1;
    for mistake in
        ["aet = \"A TITLE", "listen", "colour", "reserve", "archive", "Modalty", "nobody", "WORLD"]
    {
        let place = format!("markgate.toml:{}", line_of(mistake));
        assert!(said.contains(&place), "{mistake} ({place}) is not in:\n{said}");
    }
}

#[test]
fn a_gate_does_not_start_on_a_wrong_configuration() {
    let mut gate = Gate::lay(&Configuration::new());
    std::fs::write(gate.configuration(), WRONG).unwrap();
    gate.begin();
    assert_eq!(gate.end().code(), Some(2), "{}", gate.log());
    assert!(gate.log().contains("colour"), "{}", gate.log());
}

#[test]
fn a_port_in_use_is_named() {
    let sink = Sink::up();
    let mut gate = Gate::lay(&Configuration::new().pacs(&sink));
    let _taken = TcpListener::bind(("127.0.0.1", gate.port())).unwrap();
    gate.begin();
    assert_eq!(gate.end().code(), Some(1), "{}", gate.log());
    assert!(gate.log().contains(&gate.port().to_string()), "{}", gate.log());
}

#[test]
fn a_spool_that_cannot_be_made_is_named() {
    let sink = Sink::up();
    let mut gate = Gate::lay(&Configuration::new().pacs(&sink));
    std::fs::write(gate.folder().join("spool"), "a file, not a folder").unwrap();
    gate.begin();
    assert_eq!(gate.end().code(), Some(1), "{}", gate.log());
    assert!(gate.log().contains("spool"), "{}", gate.log());
}

#[test]
fn two_gates_on_one_spool_are_refused() {
    let sink = Sink::up();
    let first = Gate::start(&Configuration::new().pacs(&sink));
    let spool = first.folder().join("spool");
    let mut second =
        Gate::lay(&Configuration::new().spool(&format!("dir = {spool:?}")).pacs(&sink));
    second.begin();
    assert_eq!(second.end().code(), Some(1), "{}", second.log());
    let object = Object::chest_ct(140, 1);
    let mut sender = Sender::for_one(first.port(), CT_IMAGE, EXPLICIT_LE);
    let answer = sender.store(CT_IMAGE, &object.instance, &object.data());
    assert_eq!(answer.map(|answer| answer.status), Some(0), "the first is unharmed");
}

#[test]
fn a_reload_takes_effect_as_a_whole_or_not_at_all() {
    let sink = Sink::up();
    let configuration = Configuration::new().pacs(&sink);
    let gate = Gate::start(&configuration);
    let lets_in = |calling: &str| {
        let contexts = [crate::support::wire::Context::proposed(1, CT_IMAGE, &[EXPLICIT_LE])];
        Sender::connect(gate.port(), calling, "MARKGATE", &contexts).is_ok_and(Sender::release)
    };
    assert!(lets_in("CT01") && lets_in("MR01"));

    std::fs::write(gate.configuration(), WRONG).unwrap();
    gate.reload();
    until("the refusal is logged", || gate.log().contains("colour"));
    assert!(lets_in("CT01") && lets_in("MR01"));

    gate.configure(&configuration.clone().section("[[source]]\naet = \"CT01\"\n"));
    gate.reload();
    until("the new sources count", || !lets_in("MR01"));
    assert!(lets_in("CT01"));
}

#[test]
fn the_shipped_configuration_has_no_mistake() {
    let mut command = std::process::Command::new(crate::support::gate::PROGRAM);
    let file = crate::support::source::root().join("config/markgate.toml");
    command.args(["config", "check", "--config"]).arg(file);
    crate::support::process::succeed(command);
}
