//! Protocol data units and command sets that are wrong in every way and at every place: each gets the answer that PS3.8 and PS3.7
//! have for it, and costs nobody else anything.

use crate::support::gate::Configuration;
use crate::support::siege::{Heard, Siege, Want, contexts, request};
use crate::support::wire::{self, CT_IMAGE, Command, Context, EXPLICIT_LE, IMPLICIT_LE, Pdv};

/// Where the hostile bytes come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// On a new connection.
    Knocking,
    /// On an association.
    Associated,
    /// After a C-STORE-RQ, where its data set is due.
    Commanded,
    /// After a first piece of its data set.
    Sending,
}

struct Case {
    name: String,
    stage: Stage,
    bytes: Vec<u8>,
    want: Want,
}

fn case(name: impl Into<String>, stage: Stage, bytes: Vec<u8>, want: Want) -> Case {
    Case { name: name.into(), stage, bytes, want }
}

const UNRECOGNIZED: Want = Want::Says(Heard::Aborted(2, 1));
const UNEXPECTED: Want = Want::Says(Heard::Aborted(2, 2));
const INVALID: Want = Want::Says(Heard::Aborted(2, 6));
const USER: Want = Want::Says(Heard::Aborted(0, 0));
const CLOSED: Want = Want::Says(Heard::Closed);

fn status(code: u16) -> Want {
    Want::Says(Heard::Status(code))
}

/// Bytes of a PDU whose length claims `length`, of which at most 70 come.
fn claiming(kind: u8, length: u32) -> Vec<u8> {
    [&[kind, 0][..], &length.to_be_bytes(), &vec![0; length.min(70) as usize]].concat()
}

const LENGTHS: [u32; 11] =
    [0, 1, 4, 5, 67, 68, 131_071, 131_085, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF];

/// Every PDU type with every length, first on a connection and on an association.
fn types_and_lengths() -> Vec<Case> {
    let mut cases = Vec::new();
    for stage in [Stage::Knocking, Stage::Associated] {
        for kind in [0, 1, 2, 3, 4, 5, 6, 7, 8, 0x55, 0xFF] {
            for length in LENGTHS {
                let want = due(stage == Stage::Knocking, kind, length);
                let name = format!("type {kind:#04X} of {length:#X} bytes, {stage:?}");
                cases.push(case(name, stage, claiming(kind, length), want));
            }
        }
    }
    cases
}

/// What PS3.8 has for a PDU that is all zeros inside.
fn due(knocking: bool, kind: u8, length: u32) -> Want {
    let longest = match kind {
        1 | 2 => 128 << 10,
        4 if knocking => u32::MAX,
        4 => (128 << 10) + 12,
        _ => 64,
    };
    match kind {
        0 | 8.. if knocking => CLOSED,
        0 | 8.. => UNRECOGNIZED,
        // No request that anyone would answer.
        _ if length > longest && knocking => CLOSED,
        _ if length > longest => INVALID,
        1 | 2 if length < 68 => INVALID,
        3 | 5..=7 if length < 4 => INVALID,
        // A presentation data value of length 0.
        4 => INVALID,
        1 | 2 if length > 70 => Want::Waits,
        // Version 0 is not version 1.
        1 if knocking => Want::Says(Heard::Rejected(1, 2, 2)),
        1..=3 | 6 => UNEXPECTED,
        5 if knocking => UNEXPECTED,
        5 => Want::Says(Heard::Released),
        _ => CLOSED,
    }
}

fn command(command: &Command) -> Vec<u8> {
    let data = command.encode();
    pdv(1, true, true, &data)
}

fn pdv(context: u8, is_command: bool, is_last: bool, data: &[u8]) -> Vec<u8> {
    wire::pdu(wire::P_DATA, &Pdv { context, is_command, is_last, data }.encode())
}

fn store() -> Command {
    Command::store(7, CT_IMAGE, "1.2.3.4.5")
}

/// Presentation data values that are too short, too long, or in a context that nobody agreed on.
fn values() -> Vec<Case> {
    use Stage::{Associated, Commanded, Sending};
    let mut cases = Vec::new();
    for stage in [Associated, Commanded, Sending] {
        let control = u8::from(stage == Associated);
        for length in [0_u32, 1, 11, 12, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF] {
            let body = [&length.to_be_bytes()[..], &[1, control], &[0; 8]].concat();
            let name = format!("PDV of {length:#X} bytes in a PDU of 14, {stage:?}");
            cases.push(case(name, stage, wire::pdu(wire::P_DATA, &body), INVALID));
        }
        // What follows a whole value is too short for another.
        for stray in 1..=5 {
            let whole = Pdv { context: 1, is_command: control == 1, is_last: false, data: &[0; 4] };
            let body = [whole.encode(), vec![0; stray]].concat();
            let name = format!("{stray} bytes behind a PDV, {stage:?}");
            cases.push(case(name, stage, wire::pdu(wire::P_DATA, &body), INVALID));
        }
        for context in [0, 2, 5, 4, 99, 254, 255] {
            let bytes = pdv(context, control == 1, true, &store().encode());
            cases.push(case(format!("context {context}, {stage:?}"), stage, bytes, INVALID));
        }
        let header = [&[4, 0][..], &14_u32.to_be_bytes(), &12_u32.to_be_bytes()].concat();
        for come in 1..=header.len() {
            let name = format!("{come} bytes of a PDU, then the end, {stage:?}");
            cases.push(case(name, stage, header[..come].to_vec(), Want::Waits));
        }
    }
    cases
}

/// PDUs that are right and come at the wrong time.
fn order() -> Vec<Case> {
    use Stage::{Associated, Commanded, Knocking, Sending};
    let second = wire::pdu(wire::ASSOCIATE_RQ, &request().encode(wire::ASSOCIATE_RQ));
    let accept = wire::pdu(wire::ASSOCIATE_AC, &request().encode(wire::ASSOCIATE_AC));
    let reject = wire::pdu(wire::ASSOCIATE_RJ, &[0, 1, 1, 1]);
    let (release, released) =
        (wire::pdu(wire::RELEASE_RQ, &[0; 4]), wire::pdu(wire::RELEASE_RP, &[0; 4]));
    let abort = wire::pdu(wire::ABORT, &[0; 4]);
    let mut cases = Vec::new();
    for stage in [Associated, Commanded, Sending] {
        for (name, bytes, want) in [
            ("a second request", &second, UNEXPECTED),
            ("an acceptance", &accept, UNEXPECTED),
            ("a rejection", &reject, UNEXPECTED),
            ("a release response", &released, UNEXPECTED),
            ("an abort", &abort, CLOSED),
        ] {
            cases.push(case(format!("{name}, {stage:?}"), stage, bytes.clone(), want));
        }
    }
    for stage in [Commanded, Sending] {
        cases.push(case(format!("release, {stage:?}"), stage, release.clone(), UNEXPECTED));
        let other = pdv(3, false, true, &[0; 8]);
        cases.push(case(format!("another context, {stage:?}"), stage, other, INVALID));
        let within = command(&store());
        cases.push(case(format!("a command, {stage:?}"), stage, within, INVALID));
    }
    cases.push(case("data without a command", Associated, pdv(1, false, true, &[0; 8]), INVALID));
    let early = command(&store());
    cases.push(case("a command before any association", Knocking, early, UNEXPECTED));
    let twice = [release.clone(), release].concat();
    cases.push(case("two releases", Associated, twice, Want::Says(Heard::Released)));
    let halves = [pdv(1, true, false, &store().encode()), pdv(3, true, true, &[0; 8])].concat();
    cases.push(case("a command in two contexts", Associated, halves, INVALID));
    let endless = pdv(1, true, false, &[0; 16_000]).repeat(5);
    cases.push(case("a command of 80,000 bytes", Associated, endless, INVALID));
    cases
}

/// A-ASSOCIATE-RQs with a wrong length at each length field, and with wrong contents.
fn requests() -> Vec<Case> {
    let body = request().encode(wire::ASSOCIATE_RQ);
    let rq = |body: &[u8]| wire::pdu(wire::ASSOCIATE_RQ, body);
    let answered = || {
        Want::OneOf(vec![
            Heard::Accepted,
            Heard::Rejected(1, 1, 2),
            Heard::Rejected(1, 2, 1),
            Heard::Aborted(2, 6),
        ])
    };
    let mut cases = Vec::new();
    // Length fields stand two bytes behind an item's type.
    let items = [0x10, 0x20, 0x30, 0x40, 0x50, 0x51, 0x52, 0x55];
    let places = (68..body.len() - 4).filter(|at| items.contains(&body[*at]) && body[at + 1] == 0);
    for at in places {
        let was = u16::from_be_bytes([body[at + 2], body[at + 3]]);
        for length in [0, 1, was.wrapping_add(1), was.wrapping_sub(1), 0x7FFF, 0xFFFF] {
            let mut wrong = body.clone();
            wrong[at + 2..at + 4].copy_from_slice(&length.to_be_bytes());
            let name = format!("request, item {:#04X} at {at} of {length} bytes", body[at]);
            cases.push(case(name, Stage::Knocking, rq(&wrong), answered()));
        }
    }
    let with = |contexts: Vec<Context>| {
        rq(&wire::Associate { contexts, ..request() }.encode(wire::ASSOCIATE_RQ))
    };
    let unusable = || Want::Says(Heard::Rejected(1, 2, 1));
    let verification = |id| Context::proposed(id, wire::VERIFICATION, &[IMPLICIT_LE]);
    let odd = |count: u16| (0..count).map(|n| verification((2 * n + 1) as u8)).collect::<Vec<_>>();
    let many: Vec<String> = (0..60).map(|n| format!("1.2.840.113619.5.{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).chain([EXPLICIT_LE]).collect();
    for (name, bytes, want) in [
        ("no context", with(Vec::new()), unusable()),
        ("128 contexts", with(odd(128)), Want::Says(Heard::Accepted)),
        ("300 contexts", with(odd(300)), unusable()),
        ("3,000 contexts", with(odd(2_500)), unusable()),
        ("an even context", with(vec![verification(2)]), unusable()),
        ("context 0", with(vec![verification(0)]), unusable()),
        ("a context twice", with(vec![verification(1), verification(1)]), unusable()),
        (
            "61 syntaxes",
            with(vec![Context::proposed(1, CT_IMAGE, &many)]),
            Want::Says(Heard::Accepted),
        ),
        (
            "an empty class",
            with(vec![Context::proposed(1, "", &[""])]),
            Want::Says(Heard::Accepted),
        ),
        (
            "30,000 empty items",
            rq(&[&body[..], &[0x99, 0, 0, 0].repeat(30_000)].concat()),
            Want::Says(Heard::Accepted),
        ),
        (
            "a request of more than 128 KiB",
            rq(&[&body[..], &[0x99, 0, 0, 0].repeat(33_000)].concat()),
            CLOSED,
        ),
    ] {
        cases.push(case(name, Stage::Knocking, bytes, want));
    }
    for (name, at, value, want) in [
        ("protocol version 0", 1, 0, Heard::Rejected(1, 2, 2)),
        ("protocol version 2", 1, 2, Heard::Rejected(1, 2, 2)),
        ("protocol version 3", 1, 3, Heard::Accepted),
        ("a NUL in the called title", 4 + 2, 0, Heard::Rejected(1, 1, 7)),
        ("a high byte in the called title", 4 + 2, 0xFF, Heard::Rejected(1, 1, 7)),
        ("a backslash in the calling title", 20 + 2, b'\\', Heard::Rejected(1, 1, 3)),
        ("a line feed in the calling title", 20 + 2, b'\n', Heard::Rejected(1, 1, 3)),
        ("another application context", 68 + 4 + 20, b'2', Heard::Rejected(1, 1, 2)),
    ] {
        let mut wrong = body.clone();
        wrong[at] = value;
        cases.push(case(name, Stage::Knocking, rq(&wrong), Want::Says(want)));
    }
    for max_pdu in [1, 7, 127] {
        let small = wire::Associate { max_pdu, ..request() }.encode(wire::ASSOCIATE_RQ);
        cases.push(case(
            format!("maximum length {max_pdu}"),
            Stage::Knocking,
            rq(&small),
            unusable(),
        ));
    }
    cases
}

/// Command sets with a wrong length at each of their elements, without each of them, and for what is not done here.
fn commands() -> Vec<Case> {
    let good = store();
    let mut cases = Vec::new();
    let set = good.encode();
    let mut at = 0;
    while at + 8 <= set.len() {
        let element = u16::from_le_bytes([set[at + 2], set[at + 3]]);
        let was = u32::from_le_bytes([set[at + 4], set[at + 5], set[at + 6], set[at + 7]]);
        for length in [0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, set.len() as u32] {
            let mut wrong = set.clone();
            wrong[at + 4..at + 8].copy_from_slice(&length.to_le_bytes());
            let name = format!("command element {element:04X} of {length:#X} bytes");
            cases.push(case(name, Stage::Associated, pdv(1, true, true, &wrong), USER));
        }
        at += 8 + was as usize;
    }
    for element in [0x0100, 0x0110, 0x0800] {
        let mut wrong = good.clone();
        wrong.0.remove(&element);
        let name = format!("no command element {element:04X}");
        cases.push(case(name, Stage::Associated, command(&wrong), USER));
        for value in [&[][..], &[1]] {
            let mut wrong = good.clone();
            wrong.0.insert(element, value.to_vec());
            let name = format!("command element {element:04X} is {value:?}");
            cases.push(case(name, Stage::Associated, command(&wrong), USER));
        }
    }
    // What can be answered is: 0212, once the data set that was announced is here.
    for element in [0x0002, 0x0700, 0x1000] {
        let mut wrong = good.clone();
        wrong.0.remove(&element);
        let bytes = [command(&wrong), pdv(1, false, true, &[0; 8])].concat();
        let name = format!("no command element {element:04X}");
        cases.push(case(name, Stage::Associated, bytes, status(0x0212)));
    }
    let bare = good.clone().number(0x0800, wire::NO_DATA_SET);
    cases.push(case("a C-STORE without data", Stage::Associated, command(&bare), status(0x0212)));
    for field in [0x0010, 0x0020, 0x0021, 0x0100, 0x0110, 0x0120, 0x0130, 0x0140, 0x0150, 0x7FFF] {
        let other = good.clone().number(0x0100, field).number(0x0800, wire::NO_DATA_SET);
        let name = format!("command {field:04X}");
        cases.push(case(name, Stage::Associated, command(&other), status(0x0211)));
    }
    for field in [0x8001, 0x8030, 0xFFFF] {
        let response = good.clone().number(0x0100, field);
        let name = format!("response {field:04X} to nothing");
        cases.push(case(name, Stage::Associated, command(&response), USER));
    }
    for (name, bytes) in [
        ("no command at all", pdv(1, true, true, &[])),
        ("a command of one byte", pdv(1, true, true, &[0])),
        ("a command of seven bytes", pdv(1, true, true, &[0; 7])),
        ("stray bytes behind a command", pdv(1, true, true, &[&set[..], &[1, 2, 3]].concat())),
        ("a command in Explicit VR", pdv(1, true, true, b"\0\0\0\x01US\x02\0\x01\0")),
    ] {
        cases.push(case(name, Stage::Associated, bytes, USER));
    }
    let mut lying = set.clone();
    lying[8..12].copy_from_slice(&[0xFF; 4]);
    let bytes = [pdv(1, true, true, &lying), pdv(1, false, true, &[])].concat();
    let want = Want::OneOf([0xA900, 0xC000, 0xC010].map(Heard::Status).to_vec());
    cases.push(case("a group length that lies", Stage::Associated, bytes, want));
    cases
}

/// Those who do not speak DICOM at all.
fn strangers() -> Vec<Case> {
    [
        ("HTTP", &b"GET / HTTP/1.1\r\nHost: gate\r\n\r\n"[..]),
        ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03"),
        ("SSH", b"SSH-2.0-OpenSSH_9.6\r\n"),
        ("SMTP", b"EHLO gate\r\n"),
        ("HL7 over MLLP", b"\x0BMSH|^~\\&|A|B|C|D|20260501||ADT^A01|1|P|2.3\r\x1C\r"),
        ("SMB", b"\0\0\0\x85\xFFSMB"),
        ("0xFF", &[0xFF; 4096]),
    ]
    .into_iter()
    .map(|(name, bytes)| case(name, Stage::Knocking, bytes.to_vec(), CLOSED))
    .collect()
}

/// Puts a case's bytes where they belong.
fn attack(siege: &mut Siege, case: &Case) {
    let stream = match case.stage {
        Stage::Knocking => siege.dial(),
        Stage::Associated => siege.associate().stream,
        Stage::Commanded | Stage::Sending => {
            let mut sender = siege.associate();
            sender.command(&store()).expect("the gate reads");
            if case.stage == Stage::Sending {
                sender.fragment(b"\x08\0\x05\0CS\x0A\0ISO", false).expect("the gate reads");
            }
            sender.stream
        }
    };
    siege.attack(&case.name, stream, &case.bytes, &case.want);
}

#[test]
fn every_abuse_of_the_protocol_is_answered_and_harms_nobody() {
    assert_eq!(contexts().len(), 2, "context 5 is not agreed on");
    let mut siege = Siege::begin(170, &Configuration::new());
    let tables = [types_and_lengths(), values(), order(), requests(), commands(), strangers()];
    for case in tables.iter().flatten() {
        attack(&mut siege, case);
    }
    siege.end("R10", "pdu_abuse", 243);
}
