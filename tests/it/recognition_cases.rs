//! Who may bear which mark: each reason for a mark, or for none, as `explain` tells it and the PACS sees it.

use crate::support::dataset::Object;
use crate::support::gate::{Configuration, Gate};
use crate::support::sender::Sender;
use crate::support::sink::Sink;
use crate::support::wire::{Context, EXPLICIT_LE};

const HOSPITALS: &str = r#"
[[source]]
aet = "EXPIRED"
institution = "expired"

[[source]]
aet = "SUSPENDED"
institution = "suspended"

[[source]]
aet = "LATER"
institution = "later"

[[source]]
aet = "NOSCOPE"
institution = "noscope"

[[source]]
aet = "NOBODY"

[[institution]]
id = "expired"
name = "到期医院"

[[institution]]
id = "suspended"
name = "暂停医院"

[[institution]]
id = "later"
name = "未到期医院"

[[institution]]
id = "noscope"
name = "无资格医院"

[[accreditation]]
institution = "expired"
items = ["*"]
scope = "JJJHR"
valid_from = 2026-04-01
valid_to = 2026-04-30

[[accreditation]]
institution = "suspended"
items = ["*"]
scope = "JJJHR"
valid_from = 2026-04-01
status = "suspended"

[[accreditation]]
institution = "later"
items = ["*"]
scope = "JJJHR"
valid_from = 2999-01-01
"#;

struct Case {
    calling: &'static str,
    name: &'static str,
    change: fn(Object) -> Object,
    /// A mark, or the reason for none.
    want: Result<&'static str, &'static str>,
}

const CASES: &[Case] = &[
    Case { calling: "CT01", name: "示范医院", change: |o| o, want: Ok("JJJHR") },
    Case {
        calling: "CT01",
        name: "示范医院",
        change: |o| o.with((0x0018, 0x0015), "CS", "HEAD").with((0x0018, 0x1030), "LO", "HEAD"),
        want: Ok("BJHR"),
    },
    Case { calling: "CT01", name: "", change: |o| o, want: Ok("JJJHR") },
    Case {
        calling: "CT01",
        name: "示范医院",
        change: |o| o.with((0x0018, 0x0015), "CS", "LEG"),
        want: Err("NO_ITEM"),
    },
    Case {
        calling: "CT01",
        name: "示范医院",
        change: |o| o.without((0x0018, 0x0015)),
        want: Err("NO_ITEM"),
    },
    Case { calling: "CT01", name: "别家医院", change: |o| o, want: Err("FOREIGN") },
    Case { calling: "CT01", name: "别家医院-JJJHR", change: |o| o, want: Err("FOREIGN") },
    Case {
        calling: "CT01",
        name: "示范医院",
        change: |o| o.with((0x0008, 0x0022), "DA", "20260331"),
        want: Err("PRE_STANDARD"),
    },
    Case {
        calling: "CT01",
        name: "示范医院",
        change: |o| {
            [0x0020, 0x0021, 0x0022, 0x0023]
                .into_iter()
                .fold(o, |object, element| object.with((0x0008, element), "DA", ""))
        },
        want: Err("NO_EXAM_DATE"),
    },
    Case {
        calling: "CT01",
        name: "示范医院",
        change: |o| o.with((0x0012, 0x0062), "CS", "YES"),
        want: Err("NOT_CLINICAL"),
    },
    Case { calling: "EXPIRED", name: "到期医院", change: |o| o, want: Err("EXPIRED") },
    Case { calling: "SUSPENDED", name: "暂停医院", change: |o| o, want: Err("SUSPENDED") },
    Case { calling: "LATER", name: "未到期医院", change: |o| o, want: Err("NOT_YET_VALID") },
    Case { calling: "NOSCOPE", name: "无资格医院", change: |o| o, want: Err("NO_SCOPE") },
    Case { calling: "NOBODY", name: "示范医院", change: |o| o, want: Err("NO_INSTITUTION") },
];

#[test]
fn every_reason_is_told_and_unmarked_objects_arrive_as_sent() {
    let sink = Sink::up();
    // The first source that fits counts, so the particular ones stand before the hospital's "*".
    let configuration = Configuration::new().section(HOSPITALS);
    let gate = Gate::start(&configuration.and(&Configuration::hospital()).pacs(&sink));
    for (number, case) in (1..).zip(CASES) {
        let object = Object::chest_ct(20 + number, number).with((0x0008, 0x0080), "LO", case.name);
        let object = (case.change)(object);
        let context = Context::proposed(1, &object.class, &[EXPLICIT_LE]);
        let mut sender =
            Sender::connect(gate.port(), case.calling, "MARKGATE", &[context]).unwrap();
        let answer = sender.store(&object.class, &object.instance, &object.data());
        assert_eq!(answer.map(|answer| answer.status), Some(0));
        let arrived = sink.wait_for(number as usize).pop().expect("one more");
        let told = gate.json(&["explain", "--uid", &object.instance]);
        let told = if told.is_array() { told[0].clone() } else { told };
        let what = format!("{} calling as {}: {told:#}", case.name, case.calling);
        match case.want {
            Ok(mark) => {
                assert_eq!(
                    (told["mark"].as_str(), &told["reason"]),
                    (Some(mark), &().into()),
                    "{what}"
                );
                assert_ne!(arrived.data, object.data(), "{what}");
            }
            Err(reason) => {
                assert_eq!(
                    (&told["mark"], told["reason"].as_str()),
                    (&().into(), Some(reason)),
                    "{what}"
                );
                assert_eq!(arrived.data, object.data(), "{what}");
            }
        }
    }
}

#[test]
fn a_mark_that_is_no_longer_due_and_a_legacy_one_are_taken_off() {
    let sink = Sink::up();
    let gate = Gate::start(&Configuration::hospital().pacs(&sink));
    for (number, mark) in (1..).zip(["-JJJHR", "-GX"]) {
        let name = format!("示范医院{mark}");
        let object = Object::chest_ct(60, number).with((0x0008, 0x0080), "LO", &name).with(
            (0x0018, 0x0015),
            "CS",
            "LEG",
        );
        let mut sender = Sender::for_one(gate.port(), &object.class, EXPLICIT_LE);
        sender.store(&object.class, &object.instance, &object.data()).expect("an answer");
        let arrived = sink.wait_for(number as usize).pop().expect("one more");
        let found = crate::support::dataset::value(&arrived.data, EXPLICIT_LE, (0x0008, 0x0080));
        assert_eq!(found, Some("示范医院".as_bytes()), "{name}");
    }
}
