//! What reading costs: memory follows the bytes that came, never the bytes that were claimed.
//!
//! A program of its own with one test, since its allocator counts for the whole process.

#![allow(
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test that meets the unforeseen is to stop there and say so"
)]

#[path = "../it/support/figure.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod figure;

use figure::figure;
use markgate::base::limits::Limits;
use markgate::dicom::transfer_syntax::TransferSyntax;
use markgate::dimse::pdu::{parse_ac, parse_rq};
use markgate::object::{Scanner, part10};
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// What anything may cost, whatever the input.
const BASE: usize = 64 << 10;

/// What each byte of elements without a value may cost: an entry takes 64 bytes and a header 8; the list grows by half, and this
/// allocator has the old one and the new one in use while it does.
const EMPTY: usize = 20;

/// The same of elements with a value of 32 bytes, which is kept.
const SMALL: usize = 8;

/// The most bytes that were in use at a time while `read` read.
fn cost(read: impl FnOnce()) -> usize {
    MEMORY.reset_peak_usage();
    let before = MEMORY.current_usage();
    read();
    MEMORY.peak_usage() - before
}

fn scan(syntax: &str, data: &[u8]) {
    let mut scanner = Scanner::new(TransferSyntax::of(syntax), Limits::default());
    data.chunks(16 << 10).for_each(|piece| scanner.push(piece));
    drop(scanner.finish());
}

/// A case: its name, its input's length, what it cost, and how many bytes each byte of it may cost.
struct Seen {
    name: String,
    input: usize,
    cost: usize,
    factor: usize,
}

fn data_sets(seen: &mut Vec<Seen>) {
    const EXPLICIT: &str = "1.2.840.10008.1.2.1";
    let long = |vr: &[u8; 2], length: u32| {
        [&b"\x09\0\x01\x10"[..], vr, &[0, 0], &length.to_le_bytes()].concat()
    };
    let item = |length: u32| [&b"\xFE\xFF\0\xE0"[..], &length.to_le_bytes()].concat();
    let mut add = |name: String, syntax: &str, data: &[u8], factor| {
        let cost = cost(|| scan(syntax, data));
        seen.push(Seen { name, input: data.len(), cost, factor });
    };
    // Claims.
    for length in [0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFE, 0xFFFF_FFFF] {
        for vr in [b"OB", b"UN", b"UT", b"SQ", b"OW"] {
            let name = format!("{} claims {length:#X}", vr.escape_ascii());
            add(name, EXPLICIT, &[long(vr, length), vec![0; 100]].concat(), 4);
        }
        let data = [long(b"SQ", 0xFFFF_FFFF), item(length), vec![0; 100]].concat();
        add(format!("an item claims {length:#X}"), EXPLICIT, &data, 4);
        let data = [&b"\x10\0\x20\0"[..], &length.to_le_bytes(), &[b' '; 100]].concat();
        add(format!("implicit claims {length:#X}"), "1.2.840.10008.1.2", &data, 4);
    }
    // Values, pixels, nesting.
    let values = [&b"\x09\0\x01\x10LO\x20\0"[..], &[b'x'; 32]].concat().repeat(20_000);
    add("20,000 values of 32 bytes".to_owned(), EXPLICIT, &values, SMALL);
    let pixels = [&b"\xE0\x7F\x10\0OW\0\0\0\0\0\x02"[..], &vec![0; 32 << 20]].concat();
    add("32 MiB of pixels".to_owned(), EXPLICIT, &pixels, 0);
    let deep = [long(b"SQ", 0xFFFF_FFFF), item(0xFFFF_FFFF)].concat().repeat(1_000_000);
    add("1,000,000 sequences within each other".to_owned(), EXPLICIT, &deep, 0);
    // The worst there is.
    let tiny = b"\x09\0\x01\x10LO\0\0".repeat(100_000);
    add("100,000 empty elements".to_owned(), EXPLICIT, &tiny, EMPTY);
    let items = [long(b"SQ", 0xFFFF_FFFF), item(0).repeat(100_000)].concat();
    add("100,000 empty items".to_owned(), EXPLICIT, &items, EMPTY);
    // Past the limit of elements nothing more is remembered.
    let more = b"\x09\0\x01\x10LO\0\0".repeat(3_000_000);
    let cost_of_more = cost(|| scan(EXPLICIT, &more));
    assert!(cost_of_more < 160 << 20, "3,000,000 empty elements cost {cost_of_more}");
    // Bombs: 64 MiB and more come out.
    let mut bomb = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut bomb, &[long(b"OW", 0xFFFF_FFFE), vec![0; 80 << 20]].concat())
        .unwrap();
    add("a bomb".to_owned(), "1.2.840.10008.1.2.1.99", &bomb.finish().unwrap(), 4);
}

fn requests(seen: &mut Vec<Seen>) {
    let fixed = [&[0, 1, 0, 0][..], &[b' '; 32], &[0; 32]].concat();
    let of = |kind: u8, body: &[u8], times: usize| {
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        [&[kind, 0][..], &length, body].concat().repeat(times)
    };
    let full = 128 << 10;
    for (name, items) in [
        ("empty contexts", of(0x20, &[1, 0, 0, 0], full / 9)),
        (
            "empty transfer syntaxes",
            of(0x20, &[&[1, 0, 0, 0][..], &of(0x40, &[], 16_000)].concat(), 2),
        ),
        (
            "short transfer syntaxes",
            of(0x20, &[&[1, 0, 0, 0][..], &of(0x40, b"1", 12_000)].concat(), 2),
        ),
        ("empty user items", of(0x50, &of(0x99, &[], 16_000), 2)),
        ("roles", of(0x50, &of(0x54, &[0, 0, 1, 1], 8_000), 2)),
        ("unknown items", of(0x77, &[], full / 5)),
    ] {
        let body = [fixed.clone(), items].concat();
        let cost = cost(|| drop((parse_rq(&body), parse_ac(&fixed))));
        seen.push(Seen { name: name.to_owned(), input: body.len(), cost, factor: 4 });
    }
}

fn files(seen: &mut Vec<Seen>) {
    for length in [0_u32, 0x7FFF_FFFF, 0xFFFF_FFFF] {
        let meta = [
            &b"\x02\0\0\0UL\x04\0"[..],
            &length.to_le_bytes(),
            b"\x02\0\x02\x01OB\0\0",
            &length.to_le_bytes(),
        ];
        let file = [&[0; 128][..], b"DICM", &meta.concat(), &[0; 200]].concat();
        let cost = cost(|| drop(part10::parse_head(&file, true)));
        seen.push(Seen {
            name: format!("file meta claims {length:#X}"),
            input: file.len(),
            cost,
            factor: 4,
        });
    }
}

#[test]
fn memory_follows_what_came_and_not_what_was_claimed() {
    // The tables of the standard are made once, at the first question.
    scan(
        "1.2.840.10008.1.2",
        &[&b"\x08\0\x60\0\x02\0\0\0CT"[..], b"\x09\0\x01\x10\0\0\0\0"].concat(),
    );
    let mut seen = Vec::new();
    data_sets(&mut seen);
    requests(&mut seen);
    files(&mut seen);
    let mut over = Vec::new();
    for Seen { name, input, cost, factor } in &seen {
        println!("{name}: {cost} bytes for {input}");
        if *cost > BASE + factor * input {
            over.push(name);
        }
    }
    assert!(over.is_empty(), "over the bound: {over:?}");
    let of = |factor: usize| seen.iter().filter(move |one| one.factor == factor);
    let worst = of(EMPTY).map(|one| one.cost as f64 / one.input as f64).fold(0.0, f64::max);
    figure(
        "R9",
        "peak_alloc",
        format_args!(
            "{} inputs within 64 KiB + 4 x input, {} within 64 KiB whatever the input; elements without a value cost {worst:.1} x \
             their 8 bytes, up to the limit of elements",
            of(4).count(),
            of(0).count()
        ),
    );
}
