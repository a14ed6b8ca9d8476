//! A marked object differs from what was sent in the elements that the conformance statement names, and in nothing else.

use crate::support::dataset::{self, Object, Tag, part10, value};
use crate::support::gate::{Configuration, Gate};
use crate::support::peers;
use crate::support::sender::Sender;
use crate::support::sink::{Received, Sink};
use crate::support::testdata;
use crate::support::wire::{Context, EXPLICIT_LE};
use std::collections::BTreeSet;
use std::time::Duration;

const CHARACTER_SET: Tag = (0x0008, 0x0005);
const INSTITUTION_NAME: Tag = (0x0008, 0x0080);
const CONTRIBUTING_EQUIPMENT: Tag = (0x0018, 0xA001);
const ORIGINAL_ATTRIBUTES: Tag = (0x0400, 0x0561);

/// Sends one object through a gate of the hospital and yields what arrives.
#[track_caller]
fn through(configuration: &Configuration, object: &Object, data: &[u8]) -> Received {
    let sink = Sink::up();
    let gate = Gate::start(&configuration.clone().pacs(&sink));
    let mut sender = Sender::for_one(gate.port(), &object.class, EXPLICIT_LE);
    let answer = sender.store(&object.class, &object.instance, data).expect("an answer");
    assert_eq!(answer.status, 0);
    sink.wait_for(1).remove(0)
}

/// Text as it stands in an element, without padding.
fn text(data: &[u8], tag: Tag) -> &[u8] {
    let bytes = value(data, EXPLICIT_LE, tag).unwrap_or_default();
    bytes.strip_suffix(b" ").unwrap_or(bytes)
}

#[test]
fn the_widest_mark_follows_the_name_and_nothing_else_changes() {
    let object = Object::chest_ct(10, 1);
    let arrived = through(&Configuration::hospital(), &object, &object.data());
    assert_eq!(text(&arrived.data, INSTITUTION_NAME), "示范医院-JJJHR".as_bytes());
    let mut changed = dataset::differences(&object.data(), &arrived.data, EXPLICIT_LE);
    let private = changed.extract_if(.., |tag| tag.0 == 0x0077).collect::<Vec<_>>();
    assert_eq!(changed, [INSTITUTION_NAME, CONTRIBUTING_EQUIPMENT, ORIGINAL_ATTRIBUTES]);
    assert_eq!(text(&arrived.data, private[0]), b"MARKGATE 1.0");
    assert!(private[1..].iter().all(|tag| (0x1001..=0x1009).contains(&tag.1)), "{private:04X?}");
    assert_eq!(text(&arrived.data, (0x0077, 0x1001)), b"JJJHR");
}

#[test]
fn a_foreign_reader_finds_the_old_name_and_who_changed_it() {
    let object = Object::chest_ct(10, 2);
    let arrived = through(&Configuration::hospital(), &object, &object.data());
    let file = part10(&object.class, &object.instance, EXPLICIT_LE, &arrived.data);
    assert!(peers::dcmdump_reads(&file));
    let read = peers::pydicom(&file);
    assert_eq!(read["00080080"][1], "示范医院-JJJHR");
    let original = &read["04000561"][1][0];
    assert_eq!(original["04000550"][1][0]["00080080"][1], "示范医院");
    assert_eq!(original["04000565"][1], "COERCE");
    let equipment = &read["0018A001"][1][0];
    assert!(equipment["00080070"][1].is_string(), "{equipment}");
    let (before, after) = (peers::dciodvfy(&object.file()), peers::dciodvfy(&file));
    let new: Vec<_> = after.iter().filter(|error| !before.contains(error)).collect();
    assert!(new.is_empty(), "dciodvfy finds what the original did not have: {new:#?}");
}

#[test]
fn what_is_marked_passes_a_second_gate_unchanged() {
    let object = Object::chest_ct(10, 3);
    let once = through(&Configuration::hospital(), &object, &object.data());
    assert_ne!(once.data, object.data());
    let twice = through(&Configuration::hospital(), &object, &once.data);
    assert_eq!(twice.data, once.data);
}

#[test]
fn the_name_is_written_in_the_objects_own_character_set() {
    let gbk = |text: &str| encoding_rs::GB18030.encode(text).0.into_owned();
    for declared in ["GB18030", "GBK"] {
        let object = Object::chest_ct(10, 4)
            .with(CHARACTER_SET, "CS", declared)
            .with_bytes(INSTITUTION_NAME, "LO", gbk("示范医院"))
            .with_bytes((0x0008, 0x1030), "LO", gbk("胸部平扫"))
            .with_bytes((0x0010, 0x0010), "PN", gbk("Zhang^San=王乗 ")); // 乗 ends in 5C, a backslash
        let arrived = through(&Configuration::hospital(), &object, &object.data());
        assert_eq!(text(&arrived.data, INSTITUTION_NAME), gbk("示范医院-JJJHR"), "{declared}");
        let changed = dataset::differences(&object.data(), &arrived.data, EXPLICIT_LE);
        assert!(!changed.contains(&CHARACTER_SET), "{declared}: {changed:04X?}");
        assert!(!changed.contains(&(0x0010, 0x0010)), "{declared}: {changed:04X?}");
    }
}

#[test]
fn a_latin_object_gets_a_code_extension_and_keeps_every_other_byte() {
    let object = Object::chest_ct(10, 5)
        .with(CHARACTER_SET, "CS", "ISO_IR 100")
        .with(INSTITUTION_NAME, "LO", "Demonstration Hospital")
        .with((0x0008, 0x1030), "LO", "Thorax nativ")
        .with_bytes((0x0010, 0x0010), "PN", b"M\xFCller^J\xF6rg ".to_vec());
    let arrived = through(&Configuration::hospital(), &object, &object.data());
    assert_eq!(text(&arrived.data, CHARACTER_SET), br"ISO 2022 IR 100\ISO 2022 IR 58");
    let mut changed = dataset::differences(&object.data(), &arrived.data, EXPLICIT_LE);
    changed.retain(|tag| tag.0 != 0x0077);
    let named = [CHARACTER_SET, INSTITUTION_NAME, CONTRIBUTING_EQUIPMENT, ORIGINAL_ATTRIBUTES];
    assert_eq!(changed, named);
    let file = part10(&object.class, &object.instance, EXPLICIT_LE, &arrived.data);
    // pydicom does not take the escape sequence off, so DCMTK is the referee here.
    assert_eq!(peers::dcmdump_value(&file, INSTITUTION_NAME), "示范医院-JJJHR");
    assert_eq!(peers::dcmdump_value(&file, (0x0010, 0x0010)), "Müller^Jörg");
}

#[test]
fn real_objects_are_marked_without_touching_anything_else() {
    let samples: Vec<_> = testdata::samples()
        .into_iter()
        .filter(|sample| sample.is_whole() && !sample.is_deflated())
        .collect();
    // All of them are made examinations of ours, whatever institution they name.
    let names: BTreeSet<String> = samples
        .iter()
        .filter_map(|sample| value(&sample.data, &sample.transfer_syntax, INSTITUTION_NAME))
        .filter_map(|name| std::str::from_utf8(name).ok())
        .map(|name| name.trim_matches([' ', '\0']).to_owned())
        .filter(|name| !name.is_empty())
        .collect();
    let names = Vec::from_iter(names); // printed as TOML writes a list
    let configuration =
        Configuration::new().mark("mark_before_effective = true").section(&format!(
            r#"
            [[source]]
            aet = "*"
            hosts = ["127.0.0.0/8"]
            institution = "sfyy"
            urgent = true

            [[institution]]
            id = "sfyy"
            name = "示范医院"
            aliases = {names:?}

            [[item]]
            code = "ANY"
            name = "任意"
            when = "true"
            scopes = ["JJJHR"]

            [[accreditation]]
            institution = "sfyy"
            items = ["*"]
            scope = "JJJHR"
            valid_from = 1900-01-01
            "#
        ));
    let sink = Sink::up();
    let gate = Gate::start(&configuration.pacs(&sink));
    for sample in &samples {
        let context = Context::proposed(1, &sample.class, &[&sample.transfer_syntax]);
        let mut sender = Sender::connect(gate.port(), "CT01", "MARKGATE", &[context]).unwrap();
        let answer = sender.store(&sample.class, &sample.instance, &sample.data);
        assert_eq!(answer.expect("an answer").status, 0, "{}", sample.name);
        assert!(sender.release());
    }
    let arrived = sink.wait_within(samples.len(), Duration::from_secs(120));
    let mut marked = 0;
    for sample in &samples {
        let ours = |received: &&Received| {
            received.instance == sample.instance
                && received.transfer_syntax == sample.transfer_syntax
                && received.length >= sample.data.len() as u64
        };
        let candidates: Vec<_> = arrived.iter().filter(ours).collect();
        if candidates.iter().any(|received| received.data == sample.data) {
            continue;
        }
        marked += 1;
        let unexpected = candidates
            .iter()
            .map(|received| {
                dataset::differences(&sample.data, &received.data, &sample.transfer_syntax)
            })
            .map(|mut changed| {
                let named =
                    [CHARACTER_SET, INSTITUTION_NAME, CONTRIBUTING_EQUIPMENT, ORIGINAL_ATTRIBUTES];
                changed.retain(|tag| {
                    !named.contains(tag) && tag.0 != 0x0077 && tag.1 != 0 // group lengths follow
                });
                changed
            })
            .min_by_key(Vec::len);
        assert_eq!(unexpected, Some(Vec::new()), "{}: {}", sample.name, candidates.len());
        let file =
            |data: &[u8]| part10(&sample.class, &sample.instance, &sample.transfer_syntax, data);
        let before = peers::dciodvfy(&file(&sample.data));
        let after = peers::dciodvfy(&file(&candidates[0].data));
        // A character set that dciodvfy does not know makes every text an error, ours as the original's.
        let of_characters = |error: &&String| error.contains("Character invalid for");
        let unknown_set = before.iter().any(|error| of_characters(&error));
        let new: Vec<_> = after
            .iter()
            .filter(|error| !(before.contains(error) || unknown_set && of_characters(error)))
            .collect();
        assert!(new.is_empty(), "{}: dciodvfy: {new:#?}", sample.name);
    }
    println!("{marked} of {} marked, the others identical", samples.len());
    assert!(marked > 0, "not one was marked");
}
