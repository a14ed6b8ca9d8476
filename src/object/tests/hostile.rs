//! Data sets made to hurt.

use std::io::{Read as _, Write as _};
use std::thread;

use flate2::Compression;
use flate2::write::DeflateEncoder;

use super::edit::{Editor, NewElement};
use super::real::files;
use super::transcode::{Target, Transcoder};
use super::*;
use crate::base::figure::figure;
use crate::dicom::attribute::AttributePath;
use crate::dicom::tags;

/// Runs with as little stack as a worker might have.
fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().stack_size(256 << 10).spawn(work).expect("a thread");
    thread.join().expect("no panic");
}

#[test]
fn a_million_nested_sequences_stop_at_the_limit() {
    let level = Bytes::little().long(tags::REFERENCED_IMAGE_SEQUENCE, "SQ", UNDEFINED);
    let level = level.item(UNDEFINED).out;
    let deep = level.repeat(1_000_000);
    let at = 64 * level.len() as u64;
    let want = End::TooDeep { at, tag: tags::REFERENCED_IMAGE_SEQUENCE };
    let allowed = level.repeat(64);
    on_a_small_stack(move || {
        let scan = scan(EXPLICIT, &deep);
        assert_eq!(scan.end, want);
        assert_eq!(scan.header.elements().len(), 128);
        assert_eq!(scan.length, deep.len() as u64);
        let mut out = Vec::new();
        let from = TransferSyntax::of(EXPLICIT).encoding;
        Transcoder::new(&deep[..], from, Target::ImplicitLittle)
            .read_to_end(&mut out)
            .expect_err("too deep");
    });
    assert_eq!(scan(EXPLICIT, &allowed).end, End::Complete);
    figure("R9", "no_recursion", "1,000,000 sequences within each other on a stack of 256 KiB");
}

#[test]
fn a_length_that_lies_costs_nothing() {
    for length in [0xFFFF_FFFE, 0xFFFF_0000, 0x7FFF_FFFF] {
        let bytes = Bytes::little().long(tags::PIXEL_DATA, "OW", length).raw([0; 4]);
        let cut = scan(EXPLICIT, &bytes.out);
        let missing = u64::from(length) - 4;
        assert_eq!(cut.end, End::Cut { at: 0, tag: Some(tags::PIXEL_DATA), missing });
        let bytes =
            Bytes::little().long(tags::REFERENCED_IMAGE_SEQUENCE, "SQ", length).item(length);
        let fault = Fault::BeyondParent { at: 12, tag: representation::ITEM };
        assert_eq!(scan(EXPLICIT, &bytes.out).end, End::Malformed(fault));
    }
    // A value that would be kept is kept as it comes, not as it claims.
    let limits = Limits { value_bytes: usize::MAX, kept_bytes: usize::MAX, ..Limits::default() };
    let mut scanner = Scanner::new(TransferSyntax::of(IMPLICIT), limits);
    scanner.push(&Bytes::little().open(tags::PATIENT_ID, 0xFFFF_FF00).raw([0; 8]).out);
    let view = scanner.finish().header;
    assert_eq!(view.find(tags::PATIENT_ID).and_then(|element| view.bytes(element)), None);
}

#[test]
fn a_bomb_is_given_up_early() {
    let mut bomb = DeflateEncoder::new(Vec::new(), Compression::best());
    let header = Bytes::little().short(tags::MODALITY, "CS", "CT");
    let header = header.long(tags::PIXEL_DATA, "OW", 0xFFFF_FFF0);
    bomb.write_all(&header.out).expect("memory");
    let zeros = vec![0; 1 << 20];
    (0..256).for_each(|_| bomb.write_all(&zeros).expect("memory"));
    let bomb = bomb.finish().expect("memory");
    let scan = scan(DEFLATED, &bomb);
    assert_eq!(scan.end, End::Unlooked(Limit::Inflated));
    let inflated = scan.deflate.expect("deflated").inflated;
    assert!((64 << 20..65 << 20).contains(&inflated), "{inflated}");
    assert_eq!(scan.length, bomb.len() as u64);
    assert_eq!(scan.header.string(tags::MODALITY).as_deref(), Some("CT"));
    assert_eq!(scan.header.reach(), Reach::Abandoned);
}

#[test]
fn a_deflate_stream_may_be_cut_damaged_or_wrapped() {
    let plain =
        Bytes::little().short(tags::MODALITY, "CS", "CT").short(tags::PATIENT_ID, "LO", "1 ");
    let mut stream = DeflateEncoder::new(Vec::new(), Compression::default());
    stream.write_all(&plain.out).expect("memory");
    let good = stream.finish().expect("memory");
    let end = |bytes: &[u8]| {
        let scan = scan(DEFLATED, bytes);
        (scan.end, scan.deflate.and_then(|stream| stream.end))
    };
    let length = good.len() as u64;
    assert_eq!(end(&good), (End::Complete, Some(length)));
    let padded = [&good[..], &[0]].concat();
    assert_eq!(end(&padded), (End::Complete, Some(length)));
    assert!(!scan(DEFLATED, &padded).header.oddities().contains(Oddity::DeflateTrailer));
    let trailer = [&good[..], &[0; 8]].concat();
    assert!(scan(DEFLATED, &trailer).header.oddities().contains(Oddity::DeflateTrailer));
    for cut in 1..good.len() {
        assert!(matches!(end(&good[..cut]), (End::Cut { .. }, None)), "{cut}");
    }
    let not = scan(DEFLATED, &plain.out);
    assert!(matches!(not.end, End::Malformed(Fault::Deflate { .. })), "{:?}", not.end);
    let mut stream = flate2::write::ZlibEncoder::new(Vec::new(), Compression::default());
    stream.write_all(&plain.out).expect("memory");
    let zlib = scan(DEFLATED, &stream.finish().expect("memory"));
    assert_eq!(zlib.end, End::Complete);
    assert!(zlib.header.oddities().contains(Oddity::ZlibHeader));
}

/// A small generator of numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below.max(1)
    }
}

#[test]
fn damage_anywhere_never_panics() {
    let mut numbers = Numbers(20_260_401);
    let mut seeds: Vec<(TransferSyntax, Vec<u8>)> = files()
        .into_iter()
        .filter(|file| file.head.is_ok() && file.data_set.len() < 20_000)
        .map(|file| (file.syntax(), file.data_set))
        .collect();
    let used = seeds.len();
    let by_hand = Bytes::little()
        .long(tags::REFERENCED_IMAGE_SEQUENCE, "SQ", 18)
        .item(10)
        .short(tags::MODALITY, "CS", "CT")
        .long(Tag(9, 0x1001), "UN", UNDEFINED)
        .item(10)
        .implicit(tags::MODALITY, "CT")
        .sequence_end();
    for syntax in [IMPLICIT, EXPLICIT, BIG, DEFLATED] {
        seeds.push((TransferSyntax::of(syntax), by_hand.out.clone()));
    }
    let telling = [0, 1, 0x0D, 0x10, 0xDD, 0xE0, 0xFE, 0xFF, b'S', b'Q', b'U', b'N'];
    let mut walked = 0;
    for round in 0..2000 {
        let (syntax, seed) = &seeds[round % seeds.len()];
        let mut bytes = seed.clone();
        for _ in 0..=numbers.next(6) {
            let place = numbers.next(bytes.len());
            match numbers.next(4) {
                0 => bytes[place] = telling[numbers.next(telling.len())],
                1 => bytes[place] = numbers.next(256) as u8,
                2 => bytes.truncate(place + 1),
                _ => {
                    let end = (place + numbers.next(64)).min(bytes.len());
                    let piece = bytes[place..end].to_vec();
                    bytes.splice(place..place, piece);
                }
            }
        }
        let mut scanner = Scanner::new(*syntax, Limits { elements: 500, ..Limits::default() });
        bytes.chunks(1 + numbers.next(700)).for_each(|chunk| scanner.push(chunk));
        let scan = scanner.finish();
        for element in scan.header.elements() {
            assert!(
                element.start <= element.value.start && element.value.start <= element.value.end
            );
            assert!(element.end() <= scan.header.length() || scan.end != End::Complete);
            let numbers = scan.header.numbers(element);
            assert!(numbers.iter().all(|number| number.is_finite()));
            assert!(scan.header.strings(element).len() <= element.length() as usize + 1);
        }
        let mut editor = Editor::new(&scan.header);
        let path = AttributePath::top(tags::INSTITUTION_NAME);
        let set = editor.set(&path, NewElement::new(path.tag, VR::LO, "NAME"));
        if let Ok(plan) = set.and_then(|()| editor.finish())
            && !syntax.deflated
        {
            let mut out = Vec::new();
            let mut changed = splice::Spliced::new(&bytes[..], plan);
            changed.read_to_end(&mut out).expect("the plan fits its object");
            walked += 1;
        }
        let mut out = Vec::new();
        let to = if round % 2 == 0 { Target::ImplicitLittle } else { Target::ExplicitLittle };
        let read = Transcoder::new(&bytes[..], syntax.encoding, to).read_to_end(&mut out);
        if let Err(error) = read {
            assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
        }
    }
    println!("{walked} of 2000 could still be changed; {used} files used");
}
