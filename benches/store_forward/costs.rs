//! What looking at one object and judging it takes of a processor, by itself: no disk, no network, nobody else.

use std::hint::black_box;
use std::io::{self, Read};
use std::path::Path;
use std::time::{Duration, Instant};

use markgate::base::limits::Limits;
use markgate::base::time::now;
use markgate::codec::{Frames, InProcess};
use markgate::config::{self, Loaded};
use markgate::dicom::ae_title::AeTitle;
use markgate::dicom::transfer_syntax::TransferSyntax;
use markgate::object::edit::Made;
use markgate::object::{Scan, scan_reader};
use markgate::pipeline::{self, Association, Image, SenderNames, Site, Versions};
use markgate::policy::admission::{Caller, Proof, admit};
use markgate::stamp::Workshop;
use markgate::standard::study::Keys;
use markgate::standard::{Announced, Level};

use super::gate::{SPOOLED, Setup, configuration};
use super::wire::EXPLICIT_LE;
use super::works::{Object, WORKS, Work};

/// How long each is done over and over.
const LONG: Duration = Duration::from_millis(400);

/// An object in memory.
struct Memory<'o>(&'o [u8]);

impl Workshop for Memory<'_> {
    fn original(&self, at: u64) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(&self.0[at as usize..]))
    }

    fn frames(&self) -> &dyn Frames {
        &InProcess
    }

    fn keep(&self, _bytes: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn made(&self) -> Made {
        Made { length: 0, hash: *blake3::hash(&[]).as_bytes() }
    }

    fn discard(&self) {}
}

/// Prints the tables.
pub fn tables() -> io::Result<()> {
    WORKS.iter().for_each(table);
    Ok(())
}

/// Prints what each step takes.
fn table(work: &Work) {
    let object = work.object();
    let site = site();
    let scan = || {
        let syntax = TransferSyntax::of(EXPLICIT_LE);
        scan_reader(object.data_set.as_slice(), syntax, Limits::default()).unwrap()
    };
    let header = each(&|| drop(black_box(scan())));
    let scan = scan();
    let assess =
        |pixels: bool| with_image(&site, &object, &scan, |image| assess(&site, image, pixels));
    let (plain, looked) = (each(&|| assess(false)), each(&|| assess(true)));
    let judge = || {
        with_image(&site, &object, &scan, |image| {
            drop(black_box(pipeline::judge(&site, image, now())));
        });
    };
    let judged = each(&judge);
    println!("\nWhat one object takes of a processor, {}", work.name);
    let rows = [
        ("header", header),
        ("rules that the header answers", plain),
        ("rules that pixels answer, and their hash", looked.saturating_sub(plain)),
        ("recognition, plan and its check", judged.saturating_sub(looked)),
        ("all", header + judged),
    ];
    for (name, time) in rows {
        println!("  {name:<46} {:>9.3} ms", time.as_secs_f64() * 1e3);
    }
}

/// The median time of one.
fn each(one: &dyn Fn()) -> Duration {
    let (begun, mut times) = (Instant::now(), Vec::new());
    while begun.elapsed() < LONG {
        let start = Instant::now();
        one();
        times.push(start.elapsed());
    }
    times.sort_unstable();
    times[times.len() / 2]
}

fn assess(site: &Site, image: &Image<'_>, pixels: bool) {
    let names = SenderNames::of(site, image);
    let subject = pipeline::subject(site, image, "127.0.0.1", names.as_ref(), now());
    let looked_at = image.pixels().filter(|_| pixels);
    let subject = match &looked_at {
        Some(pixels) => subject.with_pixels(pixels, site.rules.looking()).expecting(&["hash"]),
        None => subject,
    };
    let rules = site.rules.site();
    drop(black_box(rules.assess_at(Level::Instance, &subject)));
    if pixels {
        drop(black_box(rules.assess_at(Level::Pixel, &subject)));
        black_box(subject.pixel_hash());
    }
}

fn with_image(site: &Site, object: &Object, scan: &Scan, act: impl FnOnce(&Image<'_>)) {
    let title = |text| AeTitle::parse(text).unwrap();
    let sender = Association {
        calling: title("BENCH00"),
        called: title("MARKGATE"),
        peer: "127.0.0.1".parse().unwrap(),
    };
    let caller = Caller { calling: &sender.calling, peer: sender.peer, proof: Proof::Assumed };
    let source = admit(&site.sources, &caller).unwrap().source;
    let memory = Memory(&object.data_set);
    act(&Image {
        scan,
        sender: Some(&sender),
        source: &source,
        sop_class: &object.class,
        transfer_syntax: EXPLICIT_LE,
        announced: Announced { sop_class: &object.class, sop_instance: &object.instance },
        urgent: false,
        workshop: Some(&memory),
        preferred: &[],
        other_version: false,
        study: None,
        keys: Some(&Keys::new([0; 32])),
        decided: None,
    });
}

/// What the configuration of the gates here says of objects.
fn site() -> Site {
    let setup = Setup::tag("127.0.0.1:104".parse().unwrap(), SPOOLED);
    let text = configuration("127.0.0.1:11112".parse().unwrap(), Path::new("."), setup);
    let loaded = config::parse(&text, Path::new("bench.toml"), Path::new("."));
    let Loaded { configuration, compiled, .. } = loaded.unwrap();
    let mark = &configuration.mark;
    Site {
        ae: AeTitle::parse("MARKGATE").unwrap(),
        sources: configuration.sources.clone(),
        destinations: configuration.destinations.iter().map(|one| one.name.clone()).collect(),
        routes: compiled.routes,
        rules: compiled.rules,
        registry: compiled.registry,
        personnel: compiled.personnel,
        mark: mark.policy.clone(),
        modes: compiled.stamps,
        stamp: mark.stamp_policy(compiled.burn_in.policy),
        unparsable: configuration.gate.unparsable,
        coerced_status: configuration.gate.coerced_status,
        offset: mark.timezone,
        versions: Versions::default(),
    }
}
