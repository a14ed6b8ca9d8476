//! Each work at a quarter, once and four times its amount: what it takes, and with what power of the amount that grows.
//!
//! A power of 1 is what it should be: twice the work in twice the time. Less is a cost that comes once, more is something that
//! gets slower with what is there already.

use std::io;
use std::time::Duration;

use super::gate::{ACKNOWLEDGED, Place, SPOOLED, Setup, Usage};
use super::run::{Run, quantile, send};
use super::wire::Sink;
use super::works::{Object, WORKS, Work, instance};
use super::{ROW, rounds};

const ASSOCIATIONS: [usize; 3] = [1, 8, 16];

/// Quarters of a work's amount.
const QUARTERS: [usize; 3] = [1, 4, 16];

/// Prints the tables.
pub fn tables() -> io::Result<()> {
    for work in &WORKS {
        let object = work.object();
        for associations in ASSOCIATIONS {
            table(work, &object, associations)?;
        }
    }
    Ok(())
}

/// What the rounds of one row came to.
#[derive(Clone)]
struct Round {
    run: Run,
    usage: Usage,
}

fn table(work: &Work, object: &Object, associations: usize) -> io::Result<()> {
    println!("\n{}, {associations} at a time", work.name);
    println!("{ROW}");
    row_set("direct", work, associations, |objects| {
        let sink = Sink::start()?;
        let run = send(object, 0..objects, associations, (sink.address, "SINK"), &sink)?;
        Ok(Round { run, usage: Usage::default() })
    })?;
    for ack in ACKNOWLEDGED {
        let draws = work.drawable && associations == 1 && ack == SPOOLED;
        for mode in ["tag", "burn-in"].into_iter().take(if draws { 2 } else { 1 }) {
            row_set(&format!("{mode}, {ack}"), work, associations, |objects| {
                let sink = Sink::start()?;
                let place = Place::new(Setup { mode, ..Setup::tag(sink.address, ack) })?;
                let gate = place.start()?;
                let to = (place.address, "MARKGATE");
                let run = send(object, 0..objects, associations, to, &sink)?;
                let fate = place.fate_of(&instance(0))?;
                assert!(fate.contains(&format!("\"{mode}\"")), "not marked by {mode}: {fate}");
                gate.settle()?;
                Ok(Round { run, usage: gate.end()? })
            })?;
        }
    }
    Ok(())
}

/// One row for each amount, each the median of some rounds, and the powers.
fn row_set(
    name: &str,
    work: &Work,
    associations: usize,
    one: impl Fn(usize) -> io::Result<Round>,
) -> io::Result<()> {
    let mut medians = Vec::new();
    for quarters in QUARTERS {
        let objects = (work.objects * quarters / 4).max(associations);
        let mut all: Vec<Round> = (0..rounds()).map(|_| one(objects)).collect::<io::Result<_>>()?;
        all.sort_by_key(|round| round.run.wall);
        let median = all[all.len() / 2].clone();
        print(name, &median);
        medians.push(median);
    }
    let power = |of: &dyn Fn(&Round) -> f64| {
        let points: Vec<(f64, f64)> =
            medians.iter().map(|round| (round.run.objects() as f64, of(round))).collect();
        slope(&points).map_or("-".to_owned(), |slope| format!("{slope:.2}"))
    };
    println!(
        "  {name:<18} grows with the amount to the power of {} (time), {} (CPU), {} (memory)",
        power(&|round| round.run.wall.as_secs_f64()),
        power(&|round| round.usage.cpu),
        power(&|round| round.usage.peak as f64),
    );
    Ok(())
}

fn print(name: &str, Round { run, usage }: &Round) {
    let (seconds, waits) = (run.wall.as_secs_f64(), run.waits());
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    let used = |value: f64, digits: usize| match usage.peak {
        0 => "-".to_owned(),
        _ => format!("{value:.digits$}"),
    };
    println!(
        "  {name:<18} {:>8} {seconds:>8.3} {:>9.0} {:>8.1} {:>8.2} {:>8.2} {:>8} {:>9} {:>8}",
        run.objects(),
        run.objects() as f64 / seconds,
        run.bytes as f64 / 1e6 / seconds,
        millis(quantile(&waits, 0.5)),
        millis(quantile(&waits, 0.99)),
        used(usage.cpu, 2),
        used(usage.cpu * 1e3 / run.objects() as f64, 2),
        used(usage.peak as f64 / 1e6, 1),
    );
}

/// The slope of the straight line nearest to the points when both sides are logarithms; `None` where there is no such line.
pub fn slope(points: &[(f64, f64)]) -> Option<f64> {
    if points.len() < 2 || points.iter().any(|(x, y)| *x <= 0.0 || *y <= 0.0) {
        return None;
    }
    let logs: Vec<(f64, f64)> = points.iter().map(|(x, y)| (x.ln(), y.ln())).collect();
    let count = logs.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| logs.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|log| log.0), mean(|log| log.1));
    let both: f64 = logs.iter().map(|log| (log.0 - x) * (log.1 - y)).sum();
    let spread: f64 = logs.iter().map(|log| (log.0 - x) * (log.0 - x)).sum();
    (spread > 0.0).then(|| both / spread)
}
