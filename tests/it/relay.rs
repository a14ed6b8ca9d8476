//! `ack = "delivered"`: the modality hears the PACS itself, and where that fails, what the route says becomes of the object.

use crate::support::dataset::{Object, value};
use crate::support::eventually::{SOON, eventually, until};
use crate::support::gate::{Configuration, Gate};
use crate::support::peers::{self, Storescp};
use crate::support::sender::{Answer, Sender, dial};
use crate::support::sink::{Manner, Received, Sink};
use crate::support::wire::{self, CT_IMAGE, Context, EXPLICIT_LE, IMPLICIT_LE};
use std::collections::BTreeMap;
use std::time::Duration;

/// With these, no rule that may withhold a mark looks at pixels: objects go on while they come.
const HEADERS_ALONE: [&str; 5] = ["IMG-PIX-004", "PIX-001", "PIX-002", "PIX-004", "PIX-006"];

/// Deadlines that a test can wait for.
const SHORT: &str = "[gate.timers]\nconnect = \"2s\"\nassociation = \"700ms\"\nresponse = \"700ms\"\nrelease = \"300ms\"\n";

const INSTITUTION: (u16, u16) = (0x0008, 0x0080);

fn relaying(sink: &Sink, keys: &str) -> Configuration {
    let route = format!("[[route]]\nto = [\"pacs\"]\nack = \"delivered\"\n{keys}");
    Configuration::hospital().pacs(sink).section(&route)
}

fn on_the_fly(sink: &Sink, keys: &str) -> Configuration {
    let milder = |rule: &&str| format!("[rules.override.\"{rule}\"]\nseverity = \"warn\"\n");
    relaying(sink, keys).section(&HEADERS_ALONE.iter().map(milder).collect::<String>())
}

fn sender(gate: &Gate) -> Sender {
    Sender::for_one(gate.port(), CT_IMAGE, EXPLICIT_LE)
}

fn store(sender: &mut Sender, object: &Object) -> Option<Answer> {
    sender.store(CT_IMAGE, &object.instance, &object.data())
}

fn institution(received: &Received) -> String {
    let value = value(&received.data, EXPLICIT_LE, INSTITUTION).expect("an institution");
    String::from_utf8_lossy(value).trim_end().to_owned()
}

#[track_caller]
fn books(gate: &Gate, received: u64, delivered: u64) {
    gate.settle();
    until("the books are closed", || {
        let ledger = gate.json(&["ledger"]);
        ledger["balanced"] == true
            && ledger["received"] == received
            && ledger["delivered"] == delivered
    });
}

/// All copies of an instance are the same bytes.
#[track_caller]
fn alike(received: &[Received]) {
    let mut known = BTreeMap::new();
    for one in received {
        let first = known.entry(one.instance.clone()).or_insert(one.hash);
        assert_eq!(*first, one.hash, "two copies of {} differ", one.instance);
    }
}

#[track_caller]
fn check_answers(configuration: impl Fn(&Sink) -> Configuration) {
    let sink = Sink::up();
    let gate = Gate::start(&configuration(&sink));
    let mut modality = sender(&gate);
    let object = |number| Object::chest_ct(800, number);
    let mut number = 0;
    for (status, comment, is_kept) in [
        (0x0000, "", true),
        (0xB007, "coerced", true),
        (0xA900, "no such class", false),
        (0xC123, "cannot understand", false),
        (0x0110, "", false),
    ] {
        number += 1;
        sink.behave(Manner::Comment(status, comment.to_owned()));
        let answer = store(&mut modality, &object(number)).expect("an answer");
        assert_eq!((answer.status, answer.comment.as_str()), (status, comment));
        assert_eq!(answer.instance, object(number).instance);
        let found = sink.find(&object(number).instance);
        assert_eq!(found.as_ref().map(institution), is_kept.then(|| "示范医院-JJJHR".to_owned()));
    }
    assert!(modality.release());
    books(&gate, 2, 2);
    assert_eq!(gate.json(&["ledger"])["refused"], 3);
    assert_eq!(gate.list(&["queue", "ls"]).len(), 0);
    assert_eq!(gate.list(&["quarantine", "ls"]).len(), 0);
    assert_eq!(sink.received().len(), 2, "nothing is sent behind the modality's back");
}

#[test]
fn the_modality_hears_the_answers_of_the_pacs_while_images_pass() {
    check_answers(|sink| on_the_fly(sink, ""));
}

#[test]
fn the_modality_hears_the_answers_of_the_pacs_where_pixels_are_looked_at_first() {
    check_answers(|sink| relaying(sink, ""));
}

/// Ways in which a PACS does not answer for an object.
fn failures() -> Vec<(&'static str, Option<Manner>)> {
    vec![
        ("down", None),
        ("rejects", Some(Manner::Reject(2, 3, 2))),
        ("says nothing", Some(Manner::Silent)),
        ("says nothing once it has accepted", Some(Manner::SilentOnceAccepted)),
        ("aborts the association", Some(Manner::AbortAssociation)),
        ("aborts at the command", Some(Manner::AbortCommand)),
        ("aborts in the midst", Some(Manner::AbortAfter(4000))),
        ("aborts at the end", Some(Manner::AbortAnswer)),
        ("resets at the end", Some(Manner::Reset)),
        ("keeps it and hangs up", Some(Manner::KeepAndHangUp)),
        ("keeps it and says nothing", Some(Manner::KeepAndSayNothing)),
        ("answers another message", Some(Manner::WrongMessage)),
        ("answers half", Some(Manner::HalfAnswer)),
        ("answers garbage", Some(Manner::Garbage)),
        ("has no resources", Some(Manner::Answer(0xA700))),
    ]
}

fn failing(manner: Option<Manner>) -> Sink {
    match manner {
        None => Sink::down(),
        Some(manner) => {
            let sink = Sink::up();
            sink.behave(manner);
            sink
        }
    }
}

/// Looks at every failure at the same time: most of it is waiting.
fn each_failure(check: impl Fn(&str, Option<Manner>) + Sync) {
    std::thread::scope(|scope| {
        for (name, manner) in failures() {
            let check = &check;
            scope.spawn(move || check(name, manner));
        }
    });
}

fn check_fallen_back(configuration: impl Fn(&Sink) -> Configuration + Sync) {
    each_failure(|name, manner| {
        let mut sink = failing(manner);
        let gate = Gate::start(&configuration(&sink).section(SHORT));
        let mut modality = sender(&gate);
        for number in 1..=3 {
            let answer = store(&mut modality, &Object::chest_ct(801, number));
            assert_eq!(answer.map(|answer| answer.status), Some(0), "{name}");
        }
        assert!(modality.release(), "{name}");
        sink.behave(Manner::Take);
        sink.rise_again();
        eventually(&format!("{name}: all has arrived"), Duration::from_secs(60), || {
            gate.done(&["queue", "flush"]);
            (sink.instances().len() == 3).then_some(())
        });
        books(&gate, 3, 3);
        alike(&sink.received());
        for received in sink.received() {
            assert_eq!(institution(&received), "示范医院-JJJHR", "{name}");
        }
    });
}

#[test]
fn what_a_pacs_does_not_answer_for_is_in_custody_and_arrives_later() {
    check_fallen_back(|sink| on_the_fly(sink, ""));
}

#[test]
fn what_a_pacs_does_not_answer_for_is_in_custody_where_pixels_are_looked_at_first() {
    check_fallen_back(|sink| relaying(sink, ""));
}

#[test]
fn a_route_may_have_the_modality_keep_what_the_pacs_does_not_answer_for() {
    each_failure(|name, manner| {
        let mut sink = failing(manner);
        let gate = Gate::start(&on_the_fly(&sink, "fallback = \"refuse\"\n").section(SHORT));
        let mut modality = sender(&gate);
        let answer = store(&mut modality, &Object::chest_ct(802, 1)).expect("an answer");
        assert_eq!(answer.status, 0xA700, "{name}");
        assert!(modality.release(), "{name}");
        let ledger = gate.json(&["ledger"]);
        assert_eq!((&ledger["received"], &ledger["refused"]), (&0.into(), &1.into()), "{name}");
        // The technologist sends again, once it is well.
        sink.behave(Manner::Take);
        sink.rise_again();
        eventually(&format!("{name}: taken"), SOON, || {
            let answer = store(&mut sender(&gate), &Object::chest_ct(802, 1))?;
            (answer.status == 0).then_some(())
        });
        books(&gate, 1, 1);
        alike(&sink.received());
    });
}

#[test]
fn a_pacs_that_does_not_read_does_not_keep_the_modality() {
    let sink = Sink::up();
    sink.behave(Manner::Sip(1, Duration::from_millis(100)));
    let short = "[limits]\nstall = \"1s\"\n";
    let gate = Gate::start(&on_the_fly(&sink, "").section(SHORT).section(short));
    let large = Object::chest_ct(803, 1).with_pixels(2048, 2048, vec![7; 2048 * 2048 * 2]);
    let answer = store(&mut sender(&gate), &large);
    assert_eq!(answer.map(|answer| answer.status), Some(0));
    sink.behave(Manner::Take);
    eventually("it has arrived", Duration::from_secs(60), || {
        gate.done(&["queue", "flush"]);
        sink.find(&large.instance)
    });
}

#[test]
fn contexts_are_accepted_as_the_pacs_does() {
    let sink = Sink::up();
    sink.take_only(&[IMPLICIT_LE]);
    let gate = Gate::start(&on_the_fly(&sink, ""));
    let contexts = [
        Context::proposed(1, CT_IMAGE, &[EXPLICIT_LE, IMPLICIT_LE]),
        Context::proposed(3, CT_IMAGE, &[EXPLICIT_LE]),
        Context::proposed(5, wire::VERIFICATION, &[EXPLICIT_LE]),
    ];
    let modality =
        Sender::connect(gate.port(), "CT01", "MARKGATE", &contexts).expect("an association");
    let accepted: Vec<(u8, u8)> =
        modality.accepted.contexts.iter().map(|context| (context.id, context.result)).collect();
    assert_eq!(accepted, [(1, 0), (3, 4), (5, 0)], "C-ECHO is the gate's own");
    let first = modality.accepted.contexts.first().expect("a context");
    assert_eq!(first.transfer_syntaxes, [IMPLICIT_LE]);
    let mut modality = modality;
    let object = Object::chest_ct(804, 1);
    let data = crate::support::dataset::implicit(&object.data());
    let answer = modality.store(CT_IMAGE, &object.instance, &data).expect("an answer");
    assert_eq!(answer.status, 0);
    let received = sink.find(&object.instance).expect("relayed");
    assert_eq!(
        (received.transfer_syntax.as_str(), received.calling.as_str()),
        (IMPLICIT_LE, "CT01")
    );
}

#[test]
fn what_must_not_go_on_is_answered_and_never_reaches_the_pacs() {
    for configuration in [on_the_fly, relaying] {
        let sink = Sink::up();
        let gate = Gate::start(&configuration(&sink, ""));
        let nameless = Object::chest_ct(805, 1).with((0x0010, 0x0020), "LO", "");
        let mut modality = sender(&gate);
        assert_eq!(store(&mut modality, &nameless).map(|answer| answer.status), Some(0));
        let next = Object::chest_ct(806, 1);
        assert_eq!(store(&mut modality, &next).map(|answer| answer.status), Some(0));
        until("it is held", || gate.list(&["quarantine", "ls"]).len() == 1);
        assert_eq!(sink.instances(), [next.instance].into());
    }
}

#[test]
fn rules_on_pixels_may_come_after_at_the_price_of_the_mark() {
    let sink = Sink::up();
    let gate = Gate::start(&relaying(&sink, "late_rules = \"after\"\n"));
    let object = Object::chest_ct(807, 1);
    let answer = store(&mut sender(&gate), &object);
    assert_eq!(answer.map(|answer| answer.status), Some(0));
    assert_eq!(sink.find(&object.instance).expect("relayed").data, object.data());
    books(&gate, 1, 1);
}

#[test]
fn an_echo_is_local_or_goes_all_the_way() {
    let context = [Context::proposed(1, wire::VERIFICATION, &[IMPLICIT_LE])];
    for (keys, up, want) in
        [("", false, 0), ("echo = \"path\"\n", true, 0), ("echo = \"path\"\n", false, 0x0110)]
    {
        let sink = if up { Sink::up() } else { Sink::down() };
        let gate = Gate::start(&relaying(&sink, keys).section(SHORT));
        let mut modality =
            Sender::connect(gate.port(), "CT01", "MARKGATE", &context).expect("an association");
        assert_eq!(modality.echo(), Some(want), "{keys}{up}");
    }
}

#[test]
fn the_same_again_is_relayed_again_with_the_same_bytes_and_other_bytes_are_held() {
    for configuration in [on_the_fly, relaying] {
        let sink = Sink::up();
        let gate = Gate::start(&configuration(&sink, ""));
        let object = Object::chest_ct(808, 1);
        for times in 1..=3 {
            let answer = store(&mut sender(&gate), &object);
            assert_eq!(answer.map(|answer| answer.status), Some(0));
            assert_eq!(sink.received().len(), times);
            // What is known of it from here on is what the ledger knows.
            until("it is recorded", || gate.json(&["ledger"])["delivered"] == times as u64);
        }
        alike(&sink.received());
        let other = Object::chest_ct(808, 1).with((0x0018, 0x0060), "DS", "140");
        assert_eq!(store(&mut sender(&gate), &other).map(|answer| answer.status), Some(0));
        until("it is held", || gate.list(&["quarantine", "ls"]).len() == 1);
        assert_eq!(sink.received().len(), 3);
    }
}

/// The modality ends everywhere in its part of the exchange: nothing that is not whole is kept, and sent again it is the same.
#[test]
fn a_modality_that_breaks_off_anywhere_leaves_nothing_half() {
    for configuration in [on_the_fly, relaying] {
        let sink = Sink::up();
        let gate = Gate::start(&configuration(&sink, ""));
        let object = Object::chest_ct(809, 1);
        let data = object.data();
        let last = data.len() - 1;
        for at in [0, 1, 100, 1000, last - 8192, last - 1, last, data.len()] {
            let mut modality = sender(&gate);
            modality.begin(CT_IMAGE, &object.instance).expect("written");
            modality.fragment(&data[..at], at == data.len()).expect("written");
            drop(modality);
            until("the association has ended", || gate.json(&["status"])["associations"] == 0);
        }
        let answer = store(&mut sender(&gate), &object);
        assert_eq!(answer.map(|answer| answer.status), Some(0));
        alike(&sink.received());
        for received in sink.received() {
            assert_eq!(institution(&received), "示范医院-JJJHR");
        }
        until("all is recorded", || gate.json(&["ledger"])["in_flight"] == 0);
        assert_eq!(gate.json(&["ledger"])["balanced"], true);
    }
}

/// The gate is killed everywhere in the exchange; the modality sends again what was not acknowledged.
#[test]
fn a_gate_that_is_killed_anywhere_loses_nothing_and_sends_no_two_versions() {
    for configuration in [on_the_fly, relaying] {
        let sink = Sink::up();
        let mut gate = Gate::start(&configuration(&sink, ""));
        let data = |number| Object::chest_ct(810, number).data();
        let length = data(1).len();
        let mut number = 0;
        let mut acknowledged = Vec::new();
        for (at, manner) in [
            (1, Manner::Take),
            (length / 2, Manner::Take),
            (length, Manner::Take),
            (length, Manner::KeepAndSayNothing),
            (length, Manner::AbortAnswer),
        ] {
            number += 1;
            let object = Object::chest_ct(810, number);
            sink.behave(manner.clone());
            let mut modality = sender(&gate);
            modality.begin(CT_IMAGE, &object.instance).expect("written");
            modality.fragment(&data(number)[..at], at == length).expect("written");
            if manner == Manner::KeepAndSayNothing {
                until("the PACS has it", || sink.find(&object.instance).is_some());
            } else if at == length {
                let answer = modality.answer().expect("an answer");
                assert_eq!(answer.status, 0);
                acknowledged.push(object.instance.clone());
            }
            gate.kill();
            drop(modality);
            sink.behave(Manner::Take);
            gate.restart();
            let answer = store(&mut sender(&gate), &object);
            assert_eq!(answer.map(|answer| answer.status), Some(0));
            acknowledged.push(object.instance);
        }
        eventually("everything acknowledged is at the PACS", SOON, || {
            gate.done(&["queue", "flush"]);
            let there = sink.instances();
            acknowledged.iter().all(|instance| there.contains(instance)).then_some(())
        });
        alike(&sink.received());
        gate.settle();
        assert_eq!(gate.json(&["ledger"])["balanced"], true);
    }
}

#[test]
fn a_gate_that_stops_finishes_what_it_relays() {
    let sink = Sink::up();
    let mut gate = Gate::start(&on_the_fly(&sink, ""));
    let mut modality = sender(&gate);
    let object = Object::chest_ct(811, 1);
    let data = object.data();
    modality.begin(CT_IMAGE, &object.instance).expect("written");
    modality.fragment(&data[..1000], false).expect("written");
    until("the object is under way", || gate.json(&["status"])["associations"] == 1);
    gate.terminate();
    until("nobody else is let in", || dial(gate.port()).is_err());
    modality.fragment(&data[1000..], true).expect("written");
    assert_eq!(modality.answer().map(|answer| answer.status), Some(0));
    drop(modality);
    assert!(gate.end().success());
    assert_eq!(sink.received().len(), 1);
    gate.restart();
    books(&gate, 1, 1);
}

#[test]
fn foreign_modalities_are_relayed_to_a_foreign_pacs() {
    let pacs = Storescp::start();
    let route = "[[route]]\nto = [\"pacs\"]\nack = \"delivered\"\n";
    let configuration = Configuration::hospital().destination("pacs", pacs.port()).section(route);
    let gate = Gate::start(&configuration);
    let objects: Vec<Object> = (1..=3).map(|number| Object::chest_ct(812, number)).collect();
    let files: Vec<Vec<u8>> = objects.iter().map(Object::file).collect();
    let output = peers::storescu(gate.port(), "CT01", &files, &[]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let others = [Object::chest_ct(813, 1)];
    let outcome = peers::pynetdicom(gate.port(), "CT02", &[others[0].file()]);
    assert_eq!(outcome[&others[0].instance], 0, "{outcome}");
    for object in objects.iter().chain(&others) {
        // It had them before they were acknowledged.
        let kept = pacs.data_set(&object.instance).expect("relayed");
        let name = value(&kept, EXPLICIT_LE, INSTITUTION).expect("an institution");
        assert_eq!(String::from_utf8_lossy(name).trim_end(), "示范医院-JJJHR");
    }
    books(&gate, 4, 4);
}

/// Objects of which the header alone does not tell what is to be done, or is tempting to take for all.
fn awkward() -> Vec<(&'static str, Object, &'static str)> {
    let ct = |number| Object::chest_ct(820, number);
    let item = b"\x08\x00\x70\x00LO\x04\x00ACME".to_vec();
    let mut equipment = b"\xFE\xFF\x00\xE0".to_vec();
    equipment.extend(u32::try_from(item.len()).expect("short").to_le_bytes());
    equipment.extend(item);
    vec![
        ("as usual", ct(1), "示范医院-JJJHR"),
        (
            "has a Contributing Equipment Sequence",
            ct(2).with_bytes((0x0018, 0xA001), "SQ", equipment),
            "示范医院-JJJHR",
        ),
        (
            "cannot hold the name in its character set",
            ct(3)
                .with((0x0008, 0x0005), "CS", "ISO_IR 100")
                .with((0x0008, 0x0080), "LO", "Demonstration Hospital")
                .with((0x0008, 0x1030), "LO", "CHEST")
                .with((0x0010, 0x0010), "PN", "WANG^LI"),
            "",
        ),
        (
            "has a signature behind its pixels",
            ct(4).with_bytes((0xFFFA, 0xFFFA), "SQ", Vec::new()),
            "",
        ),
        (
            "is padded behind its pixels",
            ct(5).with_bytes((0xFFFC, 0xFFFC), "OB", vec![0; 64]),
            "示范医院-JJJHR",
        ),
    ]
}

#[test]
fn what_is_awkward_goes_out_as_from_the_spool_and_again_as_before() {
    type Lay = fn(&Sink, &str) -> Configuration;
    for (configuration, keys) in [
        (on_the_fly as Lay, ""),
        (relaying as Lay, ""),
        (relaying as Lay, "late_rules = \"after\"\n"),
    ] {
        let sink = Sink::up();
        let gate = Gate::start(&configuration(&sink, keys));
        let custody = Sink::up();
        let spooled = Gate::start(&Configuration::hospital().pacs(&custody));
        let mut times = 0;
        for (name, object, want) in awkward() {
            for again in [false, true] {
                let answer = store(&mut sender(&gate), &object);
                assert_eq!(answer.map(|answer| answer.status), Some(0), "{name}");
                times += 1;
                until("it is recorded", || gate.json(&["ledger"])["delivered"] == times);
                assert_eq!(sink.received_of(&object.instance).len(), 1 + usize::from(again));
            }
            alike(&sink.received());
            let relayed = institution(&sink.find(&object.instance).expect("relayed"));
            if keys.is_empty() {
                spooled.takes(&object);
                until("it has arrived", || custody.find(&object.instance).is_some());
                let usual = institution(&custody.find(&object.instance).expect("arrived"));
                assert_eq!(relayed, usual, "{name}");
                assert!(want.is_empty() || relayed == want, "{name}: {relayed}");
            } else if !want.is_empty() {
                assert!(!relayed.contains("HR"), "{name}: {relayed}");
            }
        }
        books(&gate, times, times);
    }
}

#[test]
fn other_bytes_right_behind_are_held_however_they_come() {
    for configuration in [on_the_fly, relaying] {
        let sink = Sink::up();
        let gate = Gate::start(&configuration(&sink, ""));
        let versions: Vec<Object> = ["100", "120", "140", "80"]
            .iter()
            .map(|kvp| Object::chest_ct(821, 1).with((0x0018, 0x0060), "DS", kvp))
            .collect();
        std::thread::scope(|scope| {
            for pair in versions.chunks(2) {
                let gate = &gate;
                scope.spawn(move || {
                    let mut modality = sender(gate);
                    for version in pair {
                        let answer = store(&mut modality, version);
                        assert_eq!(answer.map(|answer| answer.status), Some(0));
                    }
                });
            }
        });
        until("all but one are held", || gate.list(&["quarantine", "ls"]).len() == 3);
        assert_eq!(sink.received().len(), 1);
    }
}

#[test]
fn what_a_pacs_says_of_an_object_is_for_its_modality_alone() {
    let sink = Sink::up();
    let mut gate = Gate::start(&on_the_fly(&sink, ""));
    sink.behave(Manner::Comment(0xC000, "WANG^XIAOMING is unknown".to_owned()));
    let answer = store(&mut sender(&gate), &Object::chest_ct(822, 1)).expect("an answer");
    assert_eq!(answer.comment, "WANG^XIAOMING is unknown");
    assert!(!gate.log().contains("XIAOMING"));
    gate.knows_no_patient();
}

#[test]
fn what_is_small_and_refused_by_the_pacs_never_touches_the_disk() {
    let sink = Sink::up();
    let gate = Gate::start(&on_the_fly(&sink, ""));
    sink.behave(Manner::Answer(0xA900));
    let drafts = gate.folder().join("spool/tmp");
    let last_change = || std::fs::metadata(&drafts).and_then(|found| found.modified());
    let before = last_change().expect("a folder");
    let mut modality = sender(&gate);
    let refused = |answer: Option<Answer>| answer.map(|answer| answer.status) == Some(0xA900);
    assert!(refused(store(&mut modality, &Object::chest_ct(825, 1))));
    assert_eq!(last_change().expect("a folder"), before);
    let large = Object::chest_ct(825, 2).with_pixels(256, 256, vec![0; 2 * 256 * 256]);
    assert!(refused(store(&mut modality, &large)));
    assert_ne!(last_change().expect("a folder"), before, "a file was made and removed");
}

#[test]
fn further_destinations_get_what_was_relayed_from_the_spool() {
    let (sink, mut archive) = (Sink::up(), Sink::down());
    let route = "[[route]]\nto = [\"pacs\", \"archive\"]\nack = \"delivered\"\n";
    let configuration =
        Configuration::hospital().pacs(&sink).destination("archive", archive.port()).section(route);
    let mut gate = Gate::start(&configuration);
    let object = Object::chest_ct(823, 1);
    assert_eq!(store(&mut sender(&gate), &object).map(|answer| answer.status), Some(0));
    gate.kill();
    archive.rise();
    gate.restart();
    let second = archive.wait_for(1).remove(0);
    assert_eq!(institution(&second), "示范医院-JJJHR");
    until("the books are closed", || gate.json(&["ledger"])["in_flight"] == 0);
    alike(&[sink.received(), vec![second]].concat());
}

#[test]
fn a_destination_that_may_report_may_not_send_through_itself() {
    let sink = Sink::up();
    let source = "[[source]]\naet = \"CT01\"\nhosts = [\"127.0.0.0/8\"]\n";
    let route = "[[route]]\nto = [\"pacs\"]\nack = \"delivered\"\n";
    let gate = Gate::start(&Configuration::new().pacs(&sink).section(source).section(route));
    let contexts = [
        Context::proposed(1, CT_IMAGE, &[EXPLICIT_LE]),
        Context::proposed(3, "1.2.840.10008.1.20.1", &[IMPLICIT_LE]),
    ];
    let results = |calling| {
        let asked = Sender::connect(gate.port(), calling, "MARKGATE", &contexts);
        let accepted = asked.expect("an association").accepted.contexts;
        accepted.iter().map(|context| (context.id, context.result)).collect::<Vec<_>>()
    };
    assert_eq!(results("PACS"), [(1, 3), (3, 0)]);
    assert_eq!(results("CT01"), [(1, 0), (3, 0)]);
}
