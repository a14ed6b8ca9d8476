//! What a mark in the pixels costs: `cargo bench --bench stamp`, or a part of it: `cargo bench --bench stamp -- blocks`. Figures
//! are printed, not asserted.
//!
//! Every row is the median of some rounds on one thread, in this process: what the cage adds to a frame, `--bench cage` tells.

#![allow(
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a bench prints, and stops at the first thing that is not as it should be"
)]

mod timing;

use std::cell::RefCell;
use std::hint::black_box;
use std::io::{self, Read};
use std::time::Duration;

use markgate::base::limits::Limits;
use markgate::codec::{
    Coded, Colour, Decoded, FrameShape, Frames, InProcess, Loss, Subsampling, Syntax, Tile, encode,
    encode_with,
};
use markgate::dicom::ae_title::AeTitle;
use markgate::dicom::photometric::Photometric;
use markgate::dicom::transfer_syntax::TransferSyntax;
use markgate::object::edit::{EditPlan, Made};
use markgate::object::splice::{MadeBytes, output};
use markgate::object::{HeaderView, Scanner};
use markgate::phantom::{Kind, Specimen};
use markgate::recognition::{
    AccreditationStatus, Decision, Names, Outcome, Reason, ScopeCode, UsedAccreditation,
};
use markgate::stamp::display::Display;
use markgate::stamp::glyphs::Typeface;
use markgate::stamp::layout::{LayoutFacts, LayoutPolicy, choose};
use markgate::stamp::{
    Job, Provenance, Stamp, StampMode, StampPolicy, Workshop, self_check, stamp,
};
use timing::median;

const NAME: &str = "首都医科大学附属北京友谊医院";

fn main() {
    let parts: [(&str, fn()); 5] = [
        ("objects", whole_objects),
        ("checks", checks),
        ("blocks", blocks),
        ("lossless", lossless),
        ("corners", corners),
    ];
    // Cargo itself adds `--bench`.
    let asked: Vec<String> = std::env::args().skip(1).filter(|one| !one.starts_with('-')).collect();
    for (name, measure) in parts {
        if asked.is_empty() || asked.iter().any(|one| one == name) {
            measure();
        }
    }
}

fn ratio(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64()
}

/// An object in memory, and what is made of its frames.
struct Memory<'o> {
    object: &'o [u8],
    made: RefCell<Vec<u8>>,
}

impl Workshop for Memory<'_> {
    fn original(&self, at: u64) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(&self.object[at as usize..]))
    }

    fn frames(&self) -> &dyn Frames {
        &InProcess
    }

    fn keep(&self, bytes: &[u8]) -> io::Result<()> {
        self.made.borrow_mut().extend(bytes);
        Ok(())
    }

    fn made(&self) -> Made {
        let made = self.made.borrow();
        Made { length: made.len() as u64, hash: *blake3::hash(&made).as_bytes() }
    }

    fn discard(&self) {
        self.made.borrow_mut().clear();
    }
}

/// What an object's stamp depends on.
struct Gate {
    decision: Decision,
    names: Names,
    policy: StampPolicy,
    provenance: Provenance,
}

impl Gate {
    fn new() -> Self {
        let mut decision = Decision::without_judgement(Reason::Unchecked);
        let mark = ScopeCode::new("JJJHR");
        decision.exam_date = "2026-05-06".parse().ok();
        decision.scopes = vec![mark.clone()];
        decision.accreditation = Some(UsedAccreditation {
            row: 0,
            label: "bfh/JJJHR/2026-04-01".to_owned(),
            valid_from: "2026-04-01".parse().unwrap(),
            valid_to: None,
            status: AccreditationStatus::Active,
        });
        decision.outcome = Outcome::Mark(mark);
        let mut policy = StampPolicy::default();
        policy.pixels.kept.clear();
        let provenance = Provenance {
            ae: AeTitle::parse("MARKGATE").unwrap(),
            source: None,
            version: "0".to_owned(),
            rules: "0".to_owned(),
        };
        let names = Names { full: NAME.to_owned(), short: None, latin: None };
        Self { decision, names, policy, provenance }
    }

    fn stamp(&self, modes: &[StampMode], view: &HeaderView, object: &[u8], syntax: &str) -> Stamp {
        self.with_job(view, object, syntax, |job| stamp(modes, job).unwrap())
    }

    fn with_job<T>(
        &self,
        view: &HeaderView,
        object: &[u8],
        syntax: &str,
        act: impl FnOnce(&Job<'_>) -> T,
    ) -> T {
        let bench = Memory { object, made: RefCell::default() };
        let set = view.charset();
        let class = view.string(markgate::dicom::tags::SOP_CLASS_UID).unwrap();
        let job = Job {
            view,
            read_as: &set,
            decision: &self.decision,
            names: &self.names,
            policy: &self.policy,
            provenance: &self.provenance,
            now: "2026-08-14T04:00:00Z".parse().unwrap(),
            sop_class: &class,
            transfer_syntax: syntax,
            workshop: Some(&bench),
            preferred: &[],
            other_version: false,
        };
        act(&job)
    }
}

/// What the look at one's own output adds to a tag.
fn checks() {
    println!("a tag                            scan   stamp()  self_check()");
    let rows = [
        ("CT", Specimen::new(Kind::Ct, 7).size(64, 64)),
        ("EnhancedCT of 500 frames", Specimen::new(Kind::EnhancedCt, 7).size(8, 8).frames(500)),
    ];
    let gate = Gate::new();
    let scopes = [ScopeCode::new("JJJHR")];
    for (name, specimen) in rows {
        let syntax = TransferSyntax::of(specimen.transfer_syntax().as_str());
        let (object, uid) = (specimen.data_set(), specimen.transfer_syntax().to_string());
        let view = view_of(&object, syntax);
        let scanned = median(500, || drop(black_box(view_of(&object, syntax))));
        gate.with_job(&view, &object, &uid, |job| {
            let stamped = median(500, || drop(black_box(stamp(&[StampMode::Tag], job))));
            let made = stamp(&[StampMode::Tag], job).unwrap();
            let checked = median(500, || self_check(black_box(job), &made, &scopes).unwrap());
            let micros = [scanned, stamped, checked].map(|time| time.as_secs_f64() * 1e6);
            let [scanned, stamped, checked] = micros;
            println!("{name:28} {scanned:6.1} us {stamped:6.1} us {checked:10.1} us");
        });
    }
    println!();
}

fn view_of(object: &[u8], syntax: TransferSyntax) -> HeaderView {
    let mut scanner = Scanner::new(syntax, Limits::default());
    scanner.push(object);
    scanner.finish().header
}

/// Native objects: how long it takes to judge one, and how long to send it, forwarded as it came, with its tag, and drawn on.
fn whole_objects() {
    println!(
        "native objects                  MB    scan  stamp()   |  forward     tag  burn-in  ratio  with stamp()"
    );
    let rows = [
        ("CT 512x512", Specimen::new(Kind::Ct, 7), 200),
        ("DX 3000x2500", Specimen::new(Kind::Dx, 7).size(3000, 2500), 20),
        ("US 100 frames", Specimen::new(Kind::UsMultiFrame, 7).frames(100), 8),
    ];
    let gate = Gate::new();
    for (name, specimen, rounds) in rows {
        let syntax = TransferSyntax::of(specimen.transfer_syntax().as_str());
        let object = specimen.data_set();
        let view = view_of(&object, syntax);
        let uid = specimen.transfer_syntax().to_string();
        let plan = |modes: &[StampMode]| {
            let stamp = gate.stamp(modes, &view, &object, &uid);
            let is_drawn = modes == [StampMode::BurnIn];
            assert_eq!(stamp.plan.changes_pixels(), is_drawn, "{name}: {:?}", stamp.fallen_back);
            stamp.plan
        };
        let send = |plan: &EditPlan| {
            median(rounds, || {
                let mut stream =
                    output(&object[..], syntax, plan.clone(), MadeBytes::none()).unwrap();
                let mut buffer = vec![0; 64 << 10];
                // A receiver that looks at every byte once, as a checksum does.
                let mut sum = crc32fast::Hasher::new();
                loop {
                    match stream.read(&mut buffer).unwrap() {
                        0 => break,
                        length => sum.update(&buffer[..length]),
                    }
                }
                black_box(sum.finalize());
            })
        };
        let (tag, drawn) = (plan(&[StampMode::Tag]), plan(&[StampMode::BurnIn]));
        let scanned = median(rounds, || drop(black_box(view_of(&object, syntax))));
        let stamped = median(rounds, || drop(black_box(plan(&[StampMode::BurnIn]))));
        let (forward, tag, drawn) = (send(&EditPlan::none()), send(&tag), send(&drawn));
        println!(
            "{name:<24} {:>9.1} {scanned:>7.1?} {stamped:>8.1?}   | {forward:>8.1?} {tag:>7.1?} {drawn:>8.1?} {:>6.2} {:>8.2}",
            object.len() as f64 / 1e6,
            ratio(drawn, forward),
            ratio(scanned + stamped + drawn, scanned + forward),
        );
    }
}

fn shape(rows: u16, columns: u16, stored: u8) -> FrameShape {
    FrameShape {
        rows,
        columns,
        photometric: Photometric::Monochrome2,
        allocated: if stored <= 8 { 8 } else { 16 },
        stored,
        high_bit: stored - 1,
        signed: false,
        planar: false,
    }
}

/// Waves with noise on them, as an image has.
fn picture(shape: &FrameShape) -> Decoded {
    let full = f64::from((1_u32 << shape.stored) - 1);
    let mut noise = 0x9E37_79B9_7F4A_7C15_u64;
    let mut samples = Vec::new();
    for y in 0..usize::from(shape.rows) {
        for x in 0..usize::from(shape.columns) {
            for sample in 0..shape.samples() {
                noise ^= noise << 13;
                noise ^= noise >> 7;
                noise ^= noise << 17;
                let grain = (noise >> 40) as f64 / f64::from(1 << 24) - 0.5;
                let wave =
                    0.5 + 0.3 * (x as f64 / 150.0 + sample as f64).sin() * (y as f64 / 110.0).cos();
                let value = ((wave + grain * 0.02) * full).clamp(0.0, full) as u16;
                samples.extend(&value.to_le_bytes()[..shape.sample_bytes()]);
            }
        }
    }
    let colour = if shape.samples() == 1 { Colour::Single } else { Colour::Rgb };
    Decoded { colour, sample_bytes: shape.sample_bytes() as u8, samples }
}

/// Text of 300 by 20 pixels in the lower right corner.
fn tile(shape: &FrameShape) -> Tile {
    let (width, height) = (300, 20);
    let top = (1_i32 << shape.stored) - 1;
    let shades =
        (0..width * height).map(|index| match (index % width / 3 + index / width / 5) % 4 {
            0 => Some(top),
            1 => Some(0),
            _ => None,
        });
    let (x, y) = (shape.columns - 308, shape.rows - 28);
    Tile { x, y, width: 300, height: 20, shades: shades.collect() }
}

/// JPEG: the blocks under the text edited, against the frame decoded and encoded; JPEG Lossless: rows spliced, against the same.
fn blocks() {
    println!("\nJPEG frames, 300x20 of text        edit   decode+encode   times faster");
    let colour = FrameShape { photometric: Photometric::YbrFull422, ..shape(768, 1024, 8) };
    let rows = [
        ("baseline grey 3000x2500", Syntax::JpegBaseline, shape(2500, 3000, 8)),
        ("baseline grey 512x512", Syntax::JpegBaseline, shape(512, 512, 8)),
        ("baseline 4:2:0 1024x768", Syntax::JpegBaseline, colour),
        ("extended 12 3000x2500", Syntax::JpegExtended, shape(2500, 3000, 12)),
        ("lossless 16 3000x2500", Syntax::JpegLosslessSv1, shape(2500, 3000, 16)),
        ("lossless 16 512x512", Syntax::JpegLosslessSv1, shape(512, 512, 16)),
    ];
    let loss = Loss { quality: 90, subsampling: Subsampling::Quarter, ..Loss::default() };
    for (name, syntax, shape) in rows {
        let picture = picture(&shape);
        let bytes = encode_with(syntax, &shape, &picture, loss).unwrap();
        let coded = Coded { syntax, shape, bytes: &bytes };
        let tile = tile(&shape);
        let rounds = if shape.pixels() > 1 << 20 { 7 } else { 31 };
        let edit = median(rounds, || drop(black_box(InProcess.repaint(&coded, &tile).unwrap())));
        let whole = median(rounds, || {
            black_box(InProcess.decode(&coded).unwrap());
            black_box(encode_with(syntax, &shape, &picture, loss).unwrap());
        });
        println!("{name:<28} {edit:>10.2?} {whole:>15.2?} {:>14.1}", ratio(whole, edit));
    }
}

/// Frames decoded, painted, encoded and compared, in MB of samples a second; beside it the codec alone, once each way.
fn lossless() {
    println!("\nlossless frames 1024x1024      repaint MB/s   decode   encode");
    let rows = [
        ("native", Syntax::Native { big_endian: false }),
        ("RLE", Syntax::RleLossless),
        ("JPEG Lossless", Syntax::JpegLosslessSv1),
        ("JPEG-LS", Syntax::JpegLsLossless),
        ("JPEG 2000", Syntax::Jpeg2000Lossless),
        ("HTJ2K", Syntax::Htj2kLossless),
        ("JPEG XL", Syntax::JpegXlLossless),
        ("deflated frames", Syntax::DeflatedImageFrame),
    ];
    let rgb = FrameShape { photometric: Photometric::Rgb, ..shape(1024, 1024, 8) };
    for (name, syntax) in rows {
        for (kind, shape) in [("grey 12", shape(1024, 1024, 12)), ("RGB", rgb)] {
            let picture = picture(&shape);
            let bytes = encode(syntax, &shape, &picture).unwrap();
            let coded = Coded { syntax, shape, bytes: &bytes };
            let tile = tile(&shape);
            let speed = |time: Duration| picture.samples.len() as f64 / 1e6 / time.as_secs_f64();
            let repaint = median(7, || drop(black_box(InProcess.repaint(&coded, &tile).unwrap())));
            let decoding = median(7, || drop(black_box(InProcess.decode(&coded).unwrap())));
            let encoding = median(7, || drop(black_box(encode(syntax, &shape, &picture).unwrap())));
            println!(
                "{:<28} {:>14.0} {:>8.0} {:>8.0}",
                format!("{name} {kind}"),
                speed(repaint),
                speed(decoding),
                speed(encoding)
            );
        }
    }
}

/// Rendering a line that nobody has rendered before, and looking for a corner.
fn corners() {
    println!();
    for height in [14, 30] {
        let mut times = Vec::new();
        for _ in 0..9 {
            let typeface = Typeface::built_in().unwrap();
            times.push(median(1, || {
                black_box(typeface.lettering(&format!("{NAME}-JJJHR"), height));
            }));
        }
        times.sort_unstable();
        println!("lettering, {height} px, first time    {:>10.1?}", times[times.len() / 2]);
    }
    for (name, kind, (rows, columns)) in
        [("CT 512x512", Kind::Ct, (512, 512)), ("DX 3000x2500", Kind::Dx, (3000, 2500))]
    {
        let specimen = Specimen::new(kind, 7).size(rows, columns);
        let syntax = TransferSyntax::of(specimen.transfer_syntax().as_str());
        let object = specimen.data_set();
        let view = view_of(&object, syntax);
        let number = |tag| view.numbers(view.find(tag).unwrap())[0];
        use markgate::dicom::tags;
        let shape = FrameShape {
            signed: number(tags::PIXEL_REPRESENTATION) > 0.5,
            high_bit: number(tags::HIGH_BIT) as u8,
            allocated: number(tags::BITS_ALLOCATED) as u8,
            photometric: Photometric::parse(
                &view.string(tags::PHOTOMETRIC_INTERPRETATION).unwrap(),
            )
            .unwrap(),
            ..shape(rows, columns, number(tags::BITS_STORED) as u8)
        };
        let pixels = view.find(tags::PIXEL_DATA).unwrap().value.clone();
        let bytes = &object[pixels.start as usize..pixels.end as usize];
        let coded = Coded { syntax: Syntax::Native { big_endian: false }, shape, bytes };
        let frame = InProcess.decode(&coded).unwrap();
        let display = Display::of(&view, shape, 0).unwrap().fitted(&frame);
        let (facts, policy) = (LayoutFacts::of(&view), LayoutPolicy::default());
        let time = median(31, || {
            let seen = [display.survey(&frame).unwrap()];
            black_box(choose(&seen, (240, 17), &facts, &policy, &[])).unwrap();
        });
        println!("choose a corner, {name:<14} {time:>10.1?}");
    }
}
