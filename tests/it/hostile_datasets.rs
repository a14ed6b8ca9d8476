//! Data sets that are wrong in every way: each C-STORE has its answer, what was acknowledged goes on byte for byte or is held, and
//! nothing else is kept.

use crate::support::dataset::{self, Object};
use crate::support::figure::scale;
use crate::support::gate::Configuration;
use crate::support::sender::Sender;
use crate::support::siege::{Heard, Siege, Want};
use crate::support::wire::{CT_IMAGE, Context, EXPLICIT_LE, IMPLICIT_LE};
use flate2::Compression;
use flate2::write::{DeflateEncoder, ZlibEncoder};
use std::io::Write;

const BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";
const DEFLATED: &str = "1.2.840.10008.1.2.1.99";

struct Case {
    name: String,
    syntax: &'static str,
    object: Object,
    data: Vec<u8>,
    want: Want,
}

/// Makes cases, each with an object of its own.
#[derive(Default)]
struct Table {
    cases: Vec<Case>,
}

const KEPT: u16 = 0x0000;
const BROKEN: u16 = 0xC000;
const OTHER_CLASS: u16 = 0xA900;
const OTHER_INSTANCE: u16 = 0xC010;

impl Table {
    fn next(&self) -> Object {
        Object::chest_ct(180, u32::try_from(self.cases.len()).expect("few") + 1)
    }

    /// What `make` makes of a good object, and the statuses that may come.
    fn add(
        &mut self,
        name: impl Into<String>,
        statuses: &[u16],
        make: impl FnOnce(&Object) -> Vec<u8>,
    ) {
        self.add_in(EXPLICIT_LE, name, statuses, make);
    }

    fn add_in(
        &mut self,
        syntax: &'static str,
        name: impl Into<String>,
        statuses: &[u16],
        make: impl FnOnce(&Object) -> Vec<u8>,
    ) {
        let object = self.next();
        let data = make(&object);
        let want = Want::OneOf(statuses.iter().map(|status| Heard::Status(*status)).collect());
        self.cases.push(Case { name: name.into(), syntax, object, data, want });
    }
}

/// The header of an element in Explicit VR Little Endian with a 32-bit length.
fn long(tag: (u16, u16), vr: &[u8; 2], length: u32) -> Vec<u8> {
    [&tag.0.to_le_bytes()[..], &tag.1.to_le_bytes(), vr, &[0, 0], &length.to_le_bytes()].concat()
}

fn item(length: u32) -> Vec<u8> {
    [&b"\xFE\xFF\x00\xE0"[..], &length.to_le_bytes()].concat()
}

const ITEM_END: &[u8] = b"\xFE\xFF\x0D\xE0\0\0\0\0";
const SEQUENCE_END: &[u8] = b"\xFE\xFF\xDD\xE0\0\0\0\0";
const UNDEFINED: u32 = 0xFFFF_FFFF;
const PIXEL_DATA: (u16, u16) = (0x7FE0, 0x0010);

/// The object's data set with `piece` between its header and its pixels.
fn with(object: &Object, piece: &[u8]) -> Vec<u8> {
    let data = object.data();
    let elements = dataset::elements(&data, EXPLICIT_LE).expect("a good object");
    let pixels = elements.iter().find(|one| one.tag == PIXEL_DATA).expect("an image").whole.start;
    [&data[..pixels], piece, &data[pixels..]].concat()
}

/// The object's header, and then `piece` instead of its pixels.
fn ending(object: &Object, piece: &[u8]) -> Vec<u8> {
    [&object.clone().without(PIXEL_DATA).data()[..], piece].concat()
}

/// A wrong length at each kind of element; cuts everywhere.
fn lengths(table: &mut Table) {
    let any = [KEPT, BROKEN, OTHER_CLASS, OTHER_INSTANCE];
    let tags = [
        (0x0008, 0x0005),
        (0x0008, 0x0016),
        (0x0008, 0x0018),
        (0x0008, 0x0060),
        (0x0010, 0x0010),
        (0x0018, 0x0060),
        (0x0020, 0x000D),
        (0x0028, 0x0010),
        (0x0028, 0x1053),
    ];
    for tag in tags {
        for length in [0, 1, 3, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF_u16] {
            let name = format!("({:04X},{:04X}) of {length} bytes", tag.0, tag.1);
            table.add(name, &any, |object| {
                let mut data = object.data();
                let elements = dataset::elements(&data, EXPLICIT_LE).expect("a good object");
                let at = elements.iter().find(|one| one.tag == tag).expect("there").whole.start;
                data[at + 6..at + 8].copy_from_slice(&length.to_le_bytes());
                data
            });
        }
    }
    for length in [0, 1, 3, 8191, 8193, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFE] {
        let statuses: &[u16] = if length < 8192 { &any } else { &[BROKEN] };
        table.add(format!("pixels of {length:#X} bytes"), statuses, |object| {
            let pixels = vec![0; 8192];
            ending(object, &[long(PIXEL_DATA, b"OW", length), pixels].concat())
        });
        for vr in [b"OB", b"UN", b"UT", b"SQ"] {
            let name = format!("{}: private, {length:#X} bytes of nothing", vr.escape_ascii());
            let statuses: &[u16] = if length == 0 { &[KEPT] } else { &[KEPT, BROKEN] };
            table.add(name, statuses, |object| ending(object, &long((0x0029, 0x1010), vr, length)));
        }
    }
    let length = table.next().data().len();
    for cut in (1..length).step_by(length / 40) {
        table.add(format!("cut after {cut} bytes"), &any, |object| object.data()[..cut].to_vec());
    }
    for stray in [1, 2, 3, 7] {
        table.add(format!("{stray} bytes behind the end"), &[BROKEN], |object| {
            [object.data(), vec![1; stray]].concat()
        });
    }
    table.add("nothing", &[BROKEN, OTHER_CLASS, OTHER_INSTANCE], |_| Vec::new());
}

/// Sequences and items that do not fit each other.
fn nesting(table: &mut Table) {
    let sequence = (0x0008, 0x1140);
    let open =
        |depth: usize| [long(sequence, b"SQ", UNDEFINED), item(UNDEFINED)].concat().repeat(depth);
    let close = |depth: usize| [ITEM_END, SEQUENCE_END].concat().repeat(depth);
    for depth in [1, 63, 64, 65, 66, 1_000, 10_000, scale(20_000, 1_000_000)] {
        table.add(format!("{depth} sequences within each other"), &[KEPT], |object| {
            with(object, &[open(depth), close(depth)].concat())
        });
        table.add(format!("{depth} sequences, never closed"), &[KEPT, BROKEN], |object| {
            ending(object, &open(depth))
        });
    }
    let walked: &[u16] = &[KEPT, BROKEN];
    for (name, piece) in [
        ("an item outside a sequence", item(0)),
        ("an item delimiter outside an item", ITEM_END.to_vec()),
        ("a sequence delimiter outside a sequence", SEQUENCE_END.to_vec()),
        (
            "an element where an item should be",
            [long(sequence, b"SQ", 8), long(sequence, b"SQ", 0)].concat(),
        ),
        ("a sequence closed twice", [open(1), close(1), SEQUENCE_END.to_vec()].concat()),
        (
            "delimiters the wrong way round",
            [open(1), SEQUENCE_END.to_vec(), ITEM_END.to_vec()].concat(),
        ),
        (
            "an item longer than its sequence",
            [long(sequence, b"SQ", 8), item(100), vec![0; 100]].concat(),
        ),
        ("a sequence of one byte", [long(sequence, b"SQ", 1), vec![0]].concat()),
        ("an item of one byte", [long(sequence, b"SQ", 9), item(1), vec![0]].concat()),
        ("an item of 4 GB", [long(sequence, b"SQ", UNDEFINED), item(0xFFFF_FFFE)].concat()),
        ("a delimiter with a length", [open(1), b"\xFE\xFF\x0D\xE0\x08\0\0\0".to_vec()].concat()),
        (
            "100,000 empty items",
            [long(sequence, b"SQ", UNDEFINED), item(0).repeat(100_000), SEQUENCE_END.to_vec()]
                .concat(),
        ),
        (
            "a sequence in UN",
            [long(sequence, b"UN", UNDEFINED), item(UNDEFINED), close(1)].concat(),
        ),
    ] {
        table.add(name, walked, |object| with(object, &piece));
    }
    // Encapsulated pixel data.
    let fragments = |body: &[u8]| [long(PIXEL_DATA, b"OB", UNDEFINED), body.to_vec()].concat();
    for (name, body, statuses) in [
        ("fragments that do not end", [item(0), item(4), vec![0; 4]].concat(), walked),
        ("no fragment at all", SEQUENCE_END.to_vec(), walked),
        (
            "a fragment of undefined length",
            [item(UNDEFINED), SEQUENCE_END.to_vec()].concat(),
            walked,
        ),
        ("a fragment of 4 GB", [item(0), item(0xFFFF_FFFE), vec![0; 100]].concat(), &[BROKEN]),
        (
            "a fragment of odd length",
            [item(0), item(3), vec![0; 3], SEQUENCE_END.to_vec()].concat(),
            walked,
        ),
        (
            "an element among fragments",
            [item(0), long((0x0010, 0x0010), b"UN", 0)].concat(),
            walked,
        ),
        ("200,000 fragments", [item(0).repeat(200_000), SEQUENCE_END.to_vec()].concat(), walked),
    ] {
        table.add_in("1.2.840.10008.1.2.5", name, statuses, |object| {
            ending(object, &fragments(&body))
        });
    }
}

/// Deflate streams that are cut, damaged, or bombs.
fn deflated(table: &mut Table) {
    let deflate = |data: &[u8]| {
        let mut stream = DeflateEncoder::new(Vec::new(), Compression::best());
        stream.write_all(data).expect("memory");
        stream.finish().expect("memory")
    };
    table.add_in(DEFLATED, "deflated", &[KEPT], |object| deflate(&object.data()));
    table.add_in(DEFLATED, "not deflated at all", &[KEPT, BROKEN], Object::data);
    table.add_in(DEFLATED, "deflated twice", &[KEPT, BROKEN], |object| {
        deflate(&deflate(&object.data()))
    });
    table.add_in(DEFLATED, "wrapped in zlib", &[KEPT], |object| {
        let mut stream = ZlibEncoder::new(Vec::new(), Compression::best());
        stream.write_all(&object.data()).expect("memory");
        stream.finish().expect("memory")
    });
    let length = deflate(&table.next().data()).len();
    for cut in (1..length - 30).step_by(length / 12) {
        table.add_in(DEFLATED, format!("deflated, cut after {cut}"), &[BROKEN], |object| {
            deflate(&object.data())[..cut].to_vec()
        });
        table.add_in(
            DEFLATED,
            format!("deflated, damaged at {cut}"),
            &[KEPT, BROKEN, OTHER_CLASS, OTHER_INSTANCE],
            |object| {
                let mut data = deflate(&object.data());
                data[cut] ^= 0x55;
                data
            },
        );
    }
    // 256 KiB that become 256 MB, in the long form 3 MB that become 3 GB: zeros as pixels, and as elements.
    let times = scale(256, 3_000);
    for (name, head, body) in [
        ("a bomb of pixels", long(PIXEL_DATA, b"OW", 0xFFFF_FFFE), vec![0; 1 << 20]),
        ("a bomb of elements", Vec::new(), b"\xE1\x7F\x01\x10LO\0\0".repeat(1 << 17)),
        ("a bomb of items", long((0x0008, 0x1140), b"SQ", UNDEFINED), item(0).repeat(1 << 17)),
    ] {
        table.add_in(DEFLATED, name, &[KEPT], |object| {
            let mut stream = DeflateEncoder::new(Vec::new(), Compression::fast());
            stream.write_all(&ending(object, &head)).expect("memory");
            for _ in 0..times {
                stream.write_all(&body).expect("memory");
            }
            stream.finish().expect("memory")
        });
    }
}

/// Values, VRs and identifiers that make no sense.
fn values(table: &mut Table) {
    for vr in ["??", "\0\0", "  ", "zz", "ZZ", "\u{7F}\u{7F}", "Q1", "SQ", "UN", "OB", "AT", "FD"] {
        table.add(format!("VR {vr:?}"), &[KEPT, BROKEN], |object| {
            object.clone().with_bytes((0x0018, 0x9999), vr, vec![0; 4]).data()
        });
    }
    for (tag, vr) in [
        ((0x0018, 0x0060), "DS"),
        ((0x0020, 0x0013), "IS"),
        ((0x0028, 0x1053), "DS"),
        ((0x0008, 0x0020), "DA"),
        ((0x0010, 0x1010), "AS"),
    ] {
        for value in [
            "NaN",
            "inf",
            "-1e999",
            "1e308\\1e308",
            "\\\\\\\\",
            "0x10",
            "99999999999999999999",
            "\u{0}",
            "'; DROP TABLE objects; --",
            "%s%n",
        ] {
            table.add(format!("{tag:04X?} is {value:?}"), &[KEPT], |object| {
                object.clone().with(tag, vr, value).data()
            });
        }
    }
    for (rows, columns) in [(0, 0), (0xFFFF, 0xFFFF), (1, 0xFFFF), (0x8000, 2)] {
        table.add(format!("{rows} rows of {columns} columns"), &[KEPT], |object| {
            let object = object.clone().with_numbers((0x0028, 0x0010), &[rows]);
            object.with_numbers((0x0028, 0x0011), &[columns]).data()
        });
    }
    for bits in [0, 1, 7, 17, 64, 0xFFFF] {
        table.add(format!("{bits} bits allocated"), &[KEPT], |object| {
            object.clone().with_numbers((0x0028, 0x0100), &[bits]).data()
        });
    }
    for frames in ["0", "-1", "2147483648", "99999999999"] {
        table.add(format!("{frames} frames"), &[KEPT], |object| {
            object.clone().with((0x0028, 0x0008), "IS", frames).data()
        });
    }
    for charset in [
        "ISO 2022 IR 58",
        "\\ISO 2022 IR 87",
        "NONE",
        "GB18030\\GB18030",
        "ISO_IR 192\\ISO 2022 IR 149",
    ] {
        table.add(format!("character set {charset}"), &[KEPT], |object| {
            let object = object.clone().with((0x0008, 0x0005), "CS", charset);
            object
                .with_bytes(
                    (0x0010, 0x0010),
                    "PN",
                    b"\x1B$)A\xFF\xFE\x1B\x1B$B=^==\x81\xFF\\".to_vec(),
                )
                .data()
        });
    }
    let others = &[OTHER_INSTANCE];
    table.add("no SOP Instance UID", others, |o| o.clone().without((0x0008, 0x0018)).data());
    for uid in [
        "",
        "1.2.3",
        "../../../etc/passwd",
        "1.2.840.10008.5.1.4.1.1.2",
        &"1".repeat(65),
        &"9".repeat(60_000),
    ] {
        table.add(format!("SOP Instance UID {uid:.20}"), others, |object| {
            object.clone().with((0x0008, 0x0018), "UI", uid).data()
        });
    }
    table.add("no SOP Class UID", &[OTHER_CLASS], |o| o.clone().without((0x0008, 0x0016)).data());
    for uid in ["", "1.2.840.10008.5.1.4.1.1.4", "x", &"1.2".repeat(400)] {
        table.add(format!("SOP Class UID {uid:.20}"), &[OTHER_CLASS], |object| {
            object.clone().with((0x0008, 0x0016), "UI", uid).data()
        });
    }
    for tag in [(0x0008, 0x0000), (0x0010, 0x0000), (0x0028, 0x0000), (0x7FE0, 0x0000)] {
        for length in [0_u32, 1, 0x7FFF_FFFF, 0xFFFF_FFFF] {
            table.add(format!("group length {tag:04X?} of {length:#X}"), &[KEPT], |object| {
                object.clone().with_bytes(tag, "UL", length.to_le_bytes().to_vec()).data()
            });
        }
    }
    table.add("elements twice", &[KEPT], |object| {
        with(object, &object.clone().without(PIXEL_DATA).data())
    });
    table.add("elements backwards", &[KEPT], |object| {
        let data = object.data();
        let elements = dataset::elements(&data, EXPLICIT_LE).expect("a good object");
        elements.iter().rev().flat_map(|one| data[one.whole.clone()].to_vec()).collect()
    });
    table.add("a command set within", &[KEPT], |object| {
        [long((0x0000, 0x0100), b"UN", 2), vec![1, 0], object.data()].concat()
    });
    table.add(
        "a file instead of a data set",
        &[KEPT, BROKEN, OTHER_CLASS, OTHER_INSTANCE],
        Object::file,
    );
    table.add("a million tiny elements", &[KEPT], |object| {
        with(object, &b"\x29\0\x10\x10LO\0\0".repeat(scale(200_000, 1_000_000)))
    });
    table.add("more elements than are looked at", &[KEPT], |object| {
        with(object, &b"\x29\0\x10\x10LO\0\0".repeat(scale(250_000, 1_500_000)))
    });
    table.add("9 MiB of small values", &[KEPT], |object| {
        with(object, &[&b"\x29\0\x10\x10LT\0\x80"[..], &[b' '; 0x8000]].concat().repeat(290))
    });
}

/// Every encoding under the name of every other, and names that nobody knows.
fn syntaxes(table: &mut Table) {
    let implicit = |object: &Object| dataset::implicit(&object.data());
    let any = [KEPT, BROKEN, OTHER_CLASS, OTHER_INSTANCE];
    table.add_in(IMPLICIT_LE, "implicit", &[KEPT], implicit);
    table.add_in(IMPLICIT_LE, "explicit as implicit", &[KEPT], Object::data);
    table.add_in(EXPLICIT_LE, "implicit as explicit", &[KEPT], implicit);
    table.add_in(BIG_ENDIAN, "little endian as big endian", &any, Object::data);
    table.add_in(BIG_ENDIAN, "implicit as big endian", &any, implicit);
    table.add_in(DEFLATED, "implicit as deflated", &any, implicit);
    for syntax in [
        "1.2.840.10008.1.2.4.50",
        "1.2.840.10008.1.2.4.57",
        "1.2.840.10008.1.2.4.70",
        "1.2.840.10008.1.2.4.80",
        "1.2.840.10008.1.2.4.90",
        "1.2.840.10008.1.2.4.91",
        "1.2.840.10008.1.2.4.100",
        "1.2.840.10008.1.2.4.102",
        "1.2.840.10008.1.2.4.201",
        "1.2.840.10008.1.2.5",
        "1.2.840.10008.1.2.8.1",
        "1.2.840.113619.5.2",
        "1.2.3.4.5.6.7.8.9",
        "0",
    ] {
        table.add_in(syntax, format!("explicit as {syntax}"), &any, Object::data);
    }
}

fn send(siege: &Siege, case: &Case) -> Heard {
    let contexts = [Context::proposed(1, CT_IMAGE, &[case.syntax])];
    let sender = Sender::connect(siege.gate.port(), "CT01", "MARKGATE", &contexts);
    let mut sender = sender.unwrap_or_else(|refusal| panic!("{}: {refusal:?}", case.name));
    // A context that is not accepted takes no object.
    if sender.accepted.contexts[0].result != 0 {
        assert!(sender.release());
        return Heard::Released;
    }
    match sender.store(CT_IMAGE, &case.object.instance, &case.data) {
        Some(answer) => {
            assert!(sender.release(), "{}: the association lives on", case.name);
            Heard::Status(answer.status)
        }
        None => Heard::Closed,
    }
}

#[test]
fn every_data_set_is_answered_and_what_is_acknowledged_goes_on_as_it_came() {
    let mut siege = Siege::begin(181, &Configuration::new());
    let mut table = Table::default();
    for fill in [lengths, nesting, deflated, values, syntaxes] {
        fill(&mut table);
    }
    for case in &table.cases {
        let heard = send(&siege, case);
        if heard == Heard::Status(KEPT) {
            siege.acknowledge(&case.object.instance, &case.data);
        }
        siege.judge(&case.name, heard, &case.want);
    }
    siege.end("R10", "dataset_abuse", 255);
}
