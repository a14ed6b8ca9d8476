//! SIGHUP under load: another configuration is in force as a whole or not at all, and no association notices.

use crate::support::dataset::{self, Object};
use crate::support::eventually::{SOON, eventually, until};
use crate::support::figure::{figure, scale};
use crate::support::gate::{Configuration, Gate};
use crate::support::load::Load;
use crate::support::sender::Sender;
use crate::support::sink::{Received, Sink};
use crate::support::wire::{CT_IMAGE, Context, EXPLICIT_LE};
use std::collections::BTreeMap;
use std::net::TcpStream;
use std::time::Duration;

const SENDERS: usize = 2;

/// Two configurations that differ in the name and in the scope, both of which a mark shows.
const SITES: [(&str, &str); 2] = [("示范医院东院", "JJJHR"), ("示范医院西院", "BJHR")];

fn site(which: usize, sink: &Sink) -> Configuration {
    let (name, scope) = SITES[which];
    Configuration::new().pacs(sink).section(&format!(
        r#"
        [[source]]
        aet = "PROBE"
        hosts = ["127.0.0.0/8"]
        institution = "sfyy"
        urgent = true

        [[source]]
        aet = "*"
        hosts = ["127.0.0.0/8"]
        institution = "sfyy"

        [[institution]]
        id = "sfyy"
        name = "{name}"
        aliases = ["示范医院"]

        [[item]]
        code = "CT-CHEST"
        name = "胸部CT"
        when = "dcm.Modality == 'CT' && dcm.BodyPartExamined == 'CHEST'"
        scopes = ["{scope}"]

        [[accreditation]]
        institution = "sfyy"
        items = ["CT-CHEST"]
        scope = "{scope}"
        valid_from = 2026-04-01
        "#
    ))
}

/// The Institution Name that the configuration gives.
fn mark(which: usize) -> String {
    let (name, scope) = SITES[which];
    format!("{name}-{scope}")
}

fn institution(received: &Received) -> String {
    let value =
        dataset::value(&received.data, EXPLICIT_LE, (0x0008, 0x0080)).expect("type 3, sent");
    String::from_utf8_lossy(value).trim_end().to_owned()
}

/// What can be wrong with a configuration file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Wrong {
    Missing,
    Unreadable,
    HalfWritten,
    NotText,
    Empty,
    Contradictory,
    NeedsRestart,
}

const WRONGS: [Wrong; 7] = [
    Wrong::Missing,
    Wrong::Unreadable,
    Wrong::HalfWritten,
    Wrong::NotText,
    Wrong::Empty,
    Wrong::Contradictory,
    Wrong::NeedsRestart,
];

/// Puts a configuration in place that may not be taken, made of one that is not in force.
fn spoil(gate: &Gate, wrong: Wrong, other: &Configuration) {
    let file = gate.configuration();
    match wrong {
        Wrong::Missing => rustix::fs::unlink(&file).expect("a file of ours"),
        Wrong::Unreadable => {
            // Whoever tests as root could read any file, but not a folder.
            rustix::fs::unlink(&file).expect("a file of ours");
            std::fs::create_dir(&file).expect("a folder of ours");
        }
        Wrong::HalfWritten => {
            gate.configure(other);
            let text = std::fs::read(&file).expect("written above");
            let cut = text.windows(8).position(|bytes| bytes == b"BodyPart").expect("in both");
            std::fs::write(&file, &text[..cut]).expect("a file of ours");
        }
        Wrong::NotText => std::fs::write(&file, [0xFF, 0xFE, 0x00, 0x91]).expect("a file of ours"),
        Wrong::Empty => std::fs::write(&file, "").expect("a file of ours"),
        Wrong::Contradictory => gate.configure(&other.clone().section(
            "[[accreditation]]\ninstitution = \"nobody\"\nitems = [\"*\"]\nscope = \"BJHR\"\nvalid_from = 2026-04-01\n",
        )),
        Wrong::NeedsRestart => gate.configure(&other.clone().spool("retention = \"1h\"")),
    }
}

/// Undoes what would stand in the way of the next file.
fn mend(gate: &Gate) {
    let file = gate.configuration();
    if file.is_dir() {
        rustix::fs::rmdir(&file).expect("an empty folder of ours");
    }
}

/// How often the gate has said that it took a configuration, and that it did not.
fn told(gate: &Gate) -> (usize, usize) {
    let log = gate.log();
    (log.matches("configuration reloaded").count(), log.matches("was not reloaded").count())
}

#[test]
fn a_configuration_is_taken_whole_or_not_at_all_while_images_come_in() {
    let reloads = scale(50, 1_000);
    let sink = Sink::up();
    let mut gate = Gate::lay(&site(0, &sink));
    // What it says of each object would be all there is to read.
    gate.start_under(&["env", "MARKGATE_LOG=warn,markgate::app=info"]);
    gate.restart();
    let port = gate.port();
    let load = Load::small(400);
    let mut refused: BTreeMap<Wrong, u32> = BTreeMap::new();
    let mut taken = 0;
    std::thread::scope(|scope| {
        for _ in 0..SENDERS {
            scope.spawn(|| load.send(port));
        }
        let _stop = load.until_dropped();
        // Urgent, so that it does not wait behind the load at the PACS.
        let context = [Context::proposed(1, CT_IMAGE, &[EXPLICIT_LE])];
        let mut probe = Sender::connect(port, "PROBE", "MARKGATE", &context).expect("let in");
        let mut in_force = 0;
        for (reload, wrong) in (0..reloads).zip(WRONGS.iter().cycle()) {
            let (good, bad) = told(&gate);
            let other = site(1 - in_force, &sink);
            if reload % 2 == 0 {
                gate.configure(&other);
                gate.reload();
                until("it is taken", || told(&gate) == (good + 1, bad));
                in_force = 1 - in_force;
                taken += 1;
            } else {
                spoil(&gate, *wrong, &other);
                gate.reload();
                until("it is refused", || told(&gate) == (good, bad + 1));
                mend(&gate);
                *refused.entry(*wrong).or_default() += 1;
            }
            let object = Object::chest_ct(401, reload);
            let answer = probe.store(CT_IMAGE, &object.instance, &object.data());
            assert_eq!(answer.map(|answer| answer.status), Some(0));
            let arrived =
                eventually("the image is at the PACS", SOON, || sink.find(&object.instance));
            assert_eq!(institution(&arrived), mark(in_force), "after {wrong:?}, reload {reload}");
        }
        assert!(probe.release());
    });
    assert_eq!((load.refused(), load.unanswered()), (0, 0));
    assert_eq!(refused.len(), WRONGS.len());
    eventually("every acknowledged slice is at the PACS", Duration::from_secs(600), || {
        load.missing(&sink).is_empty().then_some(())
    });
    let marks = [mark(0), mark(1)];
    for received in sink.received() {
        assert!(marks.contains(&institution(&received)), "{}", institution(&received));
    }
    figure(
        "R16",
        "reload_1000_under_load",
        format_args!(
            "{reloads} reloads ({taken} taken, {} refused in {} ways) while {} images came in: 0 associations cut, 0 invalid \
             ones taken, 0 images judged by half of each",
            refused.values().sum::<u32>(),
            refused.len(),
            load.acknowledged()
        ),
    );
}

#[test]
fn a_gate_that_is_told_while_it_starts_reloads_once_it_has_started() {
    let sink = Sink::up();
    let mut gate = Gate::lay(&Configuration::new().pacs(&sink));
    gate.begin();
    until("the port is open", || TcpStream::connect(("127.0.0.1", gate.port())).is_ok());
    gate.reload();
    gate.await_ready();
    until("it was heeded", || gate.log().contains("configuration reloaded"));
}
