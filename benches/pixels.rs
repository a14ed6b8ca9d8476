//! What looking at pixels costs, in nanoseconds on a processor for each pixel: one fact; what the built-in rules ask of such an
//! image; the same with the hash that studies compare, as in a running gate; all facts there are. `cargo bench --bench pixels`.
//!
//! The figures are printed, never asserted: machines differ. Decoding is not in them; `--bench cage` and `--bench stamp` tell of
//! that.

#![allow(
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints, and stops at the first thing that is not as it should be"
)]

use std::hint::black_box;
use std::time::Duration;

use jiff::tz::Offset;
use markgate::base::limits::Limits;
use markgate::codec::{Colour, Decoded, FrameShape};
use markgate::dicom::photometric::Photometric;
use markgate::dicom::transfer_syntax::TransferSyntax;
use markgate::object::{Scan, scan_reader};
use markgate::phantom::{Kind, Specimen};
use markgate::standard::pixels::{Looking, PIXEL_FACTS, PixelFault, PixelSource, See, Strip};
use markgate::standard::{Announced, Arrival, Changes, Level, Pack, RuleSet, Subject};

const ROUNDS: usize = 15;

/// Pixels that are looked at between two looks at the clock, which takes its time, too.
const AT_ONCE: usize = 4 << 20;

/// Explicit VR Little Endian, which phantoms are written in.
const EXPLICIT: &str = "1.2.840.10008.1.2.1";

/// One frame that is decoded already.
struct AtHand {
    shape: FrameShape,
    decoded: Decoded,
}

impl PixelSource for AtHand {
    fn shape(&self) -> Result<FrameShape, PixelFault> {
        Ok(self.shape)
    }

    fn frames(&self) -> Result<u32, PixelFault> {
        Ok(1)
    }

    fn look(&self, _index: u32, see: See<'_>) -> Result<(), PixelFault> {
        let Decoded { colour, sample_bytes, samples } = &self.decoded;
        let (colour, sample_bytes) = (*colour, *sample_bytes);
        see(&Strip { colour, sample_bytes, samples, stray_bits: Some(false) })
    }

    fn spent(&self) -> Duration {
        Duration::ZERO
    }
}

fn main() {
    let pack = Pack::built_in("db11t2505-2025").unwrap();
    let rules = RuleSet::build(&[pack], &Changes::default()).unwrap();
    println!(
        "{:<22} {:>10} {:>10} {:>10} {:>12} {:>10}   ns/pixel",
        "", "pixels", "one fact", "rules", "rules, hash", "all facts"
    );
    for (name, kind) in
        [("CT slice", Kind::Ct), ("chest radiograph", Kind::Dx), ("mammogram", Kind::Mg)]
    {
        let specimen = Specimen::new(kind, 1);
        let data_set = specimen.data_set();
        // The phantom's pixel data is the last element but padding.
        let (rows, columns) = size(kind);
        let samples = data_set[data_set.len() - 2 * rows * columns..].to_vec();
        let shape = shape(rows, columns, 12, Photometric::Monochrome2, 16);
        report(&rules, name, &specimen, &AtHand { shape, decoded: grey(samples) });
    }
    let specimen = Specimen::new(Kind::Mr, 1).size(64, 64);
    let noise: Vec<u8> = (0..2048_u32 * 2048)
        .flat_map(|place| ((place.wrapping_mul(0x9E37_79B9) >> 16) as u16).to_le_bytes())
        .collect();
    let shape_of_noise = shape(2048, 2048, 16, Photometric::Monochrome2, 16);
    report(
        &rules,
        "noise of 16 bits",
        &specimen,
        &AtHand { shape: shape_of_noise, decoded: grey(noise) },
    );
    let flat = shape(2048, 2048, 16, Photometric::Monochrome2, 16);
    let blank = grey(vec![0; 2 * 2048 * 2048]);
    report(&rules, "one value throughout", &specimen, &AtHand { shape: flat, decoded: blank });
    let screen = shape(1024, 1280, 8, Photometric::Rgb, 8);
    let samples = (0..3 * 1024 * 1280_u32).map(|place| (place / 97) as u8).collect();
    let colours = Decoded { colour: Colour::Rgb, sample_bytes: 1, samples };
    report(&rules, "colours", &specimen, &AtHand { shape: screen, decoded: colours });
}

fn grey(samples: Vec<u8>) -> Decoded {
    Decoded { colour: Colour::Single, sample_bytes: 2, samples }
}

fn size(kind: Kind) -> (usize, usize) {
    match kind {
        Kind::Ct => (512, 512),
        Kind::Mg => (2294, 1914),
        _ => (2048, 2048),
    }
}

fn shape(
    rows: usize,
    columns: usize,
    stored: u8,
    photometric: Photometric,
    allocated: u8,
) -> FrameShape {
    FrameShape {
        rows: rows as u16,
        columns: columns as u16,
        photometric,
        allocated,
        stored,
        high_bit: stored - 1,
        signed: false,
        planar: false,
    }
}

/// How long this thread has had a processor: others may want it too.
fn on_cpu() -> Duration {
    // It is counted when the thread has given way.
    std::thread::yield_now();
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(told.split(' ').next().unwrap().parse().unwrap())
}

fn arrival(scan: &Scan) -> Arrival<'_> {
    Arrival {
        calling_aet: "",
        called_aet: "",
        peer: "",
        transfer_syntax: EXPLICIT,
        charset: None,
        end: Some(scan.end),
        announced: Announced::default(),
        institution: None,
        personnel: None,
        now: "2026-06-01T06:00:00Z".parse().unwrap(),
        offset: Offset::constant(8),
    }
}

fn report(rules: &RuleSet, name: &str, specimen: &Specimen, source: &AtHand) {
    let syntax = TransferSyntax::of(specimen.transfer_syntax().as_str());
    let scan = scan_reader(specimen.data_set().as_slice(), syntax, Limits::default()).unwrap();
    let pixels = source.shape.pixels();
    let each = |ask: &dyn Fn(Subject<'_>)| {
        let repeats = (AT_ONCE / pixels).max(1);
        let mut times: Vec<Duration> = (0..ROUNDS)
            .map(|_| {
                let begun = on_cpu();
                for _ in 0..repeats {
                    let subject = Subject::new(&scan.header, arrival(&scan));
                    ask(subject.with_pixels(source, Looking::default()));
                }
                (on_cpu() - begun) / repeats as u32
            })
            .collect();
        times.sort_unstable();
        let median = times.get(ROUNDS / 2).copied().unwrap_or_default();
        median.as_nanos() as f64 / pixels as f64
    };
    let facts: Vec<&str> = PIXEL_FACTS.iter().map(|fact| fact.name).collect();
    let one = each(&|subject| drop(black_box(subject.pixel("min"))));
    let asked = each(&|subject| drop(black_box(rules.assess_at(Level::Pixel, &subject))));
    let compared = each(&|subject| {
        let subject = subject.expecting(&["hash"]);
        black_box(rules.assess_at(Level::Pixel, &subject));
        black_box(subject.pixel_hash());
    });
    let all = each(&|subject| {
        let subject = subject.expecting(&facts);
        facts.iter().for_each(|fact| drop(black_box(subject.pixel(fact))));
    });
    println!("{name:<22} {pixels:>10} {one:>10.2} {asked:>10.2} {compared:>12.2} {all:>10.2}");
}
