//! What the cage costs: a frame through a worker process against the same call in this process. The frames are native, so that next
//! to nothing but the way there and back is measured. Figures are printed, not asserted.

#![allow(clippy::print_stdout)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use markgate::cage::{Cage, Limits, Settings};
use markgate::codec::{Coded, FrameShape, Frames, InProcess, Syntax, Tile};
use markgate::dicom::photometric::Photometric;
use markgate::observe::Metrics;

const FRAMES: usize = 3000;

fn main() {
    let settings =
        Settings { program: env!("CARGO_BIN_EXE_markgate").into(), limits: Limits::default() };
    let begun = Instant::now();
    let cage = Cage::new(settings, Arc::new(Metrics::new()));
    black_box(cage.decode(&coded(8, &[0; 128])).expect("decoded"));
    println!("first frame, with the start of a worker: {:?}, {:?}", begun.elapsed(), cage.bars());
    println!(
        "{FRAMES} frames                     in process p50     caged p50       p99   difference"
    );
    for (what, side) in [("128 B", 8), ("64 KiB", 181), ("512 KiB", 512)] {
        let bytes = vec![7; 2 * usize::from(side) * usize::from(side)];
        let coded = coded(side, &bytes);
        // As wide as a line of text, as far as there is room.
        let (width, height) = (side.min(200), side.min(24));
        let shades = (0..u32::from(width) * u32::from(height)).map(|n| (n % 3 == 0).then_some(9));
        let tile = Tile { x: 0, y: 0, width, height, shades: shades.collect() };
        row(what, "decode", &cage, |frames| drop(black_box(frames.decode(&coded))));
        row(what, "repaint", &cage, |frames| drop(black_box(frames.repaint(&coded, &tile))));
    }
}

fn coded(side: u16, bytes: &[u8]) -> Coded<'_> {
    let shape = FrameShape {
        rows: side,
        columns: side,
        photometric: Photometric::Monochrome2,
        allocated: 16,
        stored: 16,
        high_bit: 15,
        signed: false,
        planar: false,
    };
    Coded { syntax: Syntax::Native { big_endian: false }, shape, bytes }
}

fn row(what: &str, operation: &str, cage: &Cage, one: impl Fn(&dyn Frames)) {
    let (near, _) = times(|| one(&InProcess));
    let (far, late) = times(|| one(cage));
    let apart = far.saturating_sub(near);
    println!("{what:>8} {operation:<12} {near:>24.1?} {far:>13.1?} {late:>10.1?} {apart:>10.1?}");
}

/// The median and the 99th percentile.
fn times(one: impl Fn()) -> (Duration, Duration) {
    let time = || {
        let begun = Instant::now();
        one();
        begun.elapsed()
    };
    let mut times: Vec<Duration> = (0..FRAMES).map(|_| time()).collect();
    times.sort_unstable();
    let at = |part: usize| times.get(FRAMES * part / 100).copied().unwrap_or_default();
    (at(50), at(99))
}
