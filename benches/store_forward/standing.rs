//! What a gate costs by what it has already: objects that wait, studies in its ledger, nothing at all.

use std::ffi::OsString;
use std::io;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use super::gate::{ACKNOWLEDGED, Place, SPOOLED, Setup};
use super::growth::slope;
use super::rounds;
use super::run::{send, sent};
use super::wire::{Sender, Sink};
use super::works::WORKS;

/// Objects that wait when a gate is started again.
const WAITING: [usize; 3] = [10_000, 40_000, 160_000];

/// Studies in the ledger, of one object each.
const STUDIES: [usize; 2] = [25_000, 100_000];

/// Objects that are sent to see how fast they are taken.
const SENT: usize = 2_000;

/// How long a gate is watched at rest.
const REST: Duration = Duration::from_secs(60);

/// Prints how long it takes to start with so many objects that the destination has not taken.
pub fn restart() -> io::Result<()> {
    let nobody = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let place = Place::new(Setup::tag(nobody, SPOOLED))?;
    let object = WORKS[2].object().of_own_studies();
    println!("\nStarted again after a kill, objects of 10 kB that wait");
    println!("  {:>9} {:>10} {:>14} {:>9}", "objects", "listens s", "association s", "RSS MB");
    let (mut filled, mut points) = (0, Vec::new());
    let mut gate = place.start()?;
    for waiting in WAITING {
        sent(&object, filled..waiting, 8, place.address, "MARKGATE")?;
        filled = waiting;
        gate.settle()?;
        gate.end()?;
        let start = Instant::now();
        gate = place.start()?;
        let listens = start.elapsed().as_secs_f64();
        Sender::connect(place.address, "MARKGATE", "BENCH00", &object.class)?.release()?;
        let answered = start.elapsed().as_secs_f64();
        let memory = gate.memory() as f64 / 1e6;
        println!("  {waiting:>9} {listens:>10.3} {answered:>14.3} {memory:>9.1}");
        points.push((waiting as f64, answered));
    }
    if let Some(power) = slope(&points) {
        println!("  grows with the objects to the power of {power:.2}");
    }
    Ok(())
}

/// Prints how fast objects are taken and handed on with so many studies in the ledger, and how fast a gate beside it that has begun
/// empty takes as many: the two take turns, since a machine that has just taken 100,000 objects is not what it was.
pub fn ledger() -> io::Result<()> {
    for ack in ACKNOWLEDGED {
        let sink = Sink::start()?;
        let place = || Place::new(Setup::tag(sink.address, ack));
        let places = [place()?, place()?];
        let gates = [places[0].start()?, places[1].start()?];
        let object = WORKS[2].object().of_own_studies();
        println!(
            "\nObjects of 10 kB beside studies in the ledger, {ack}: objects/s, to an empty one's"
        );
        println!("  {:>9} {:>18} {:>18}", "studies", "1 at a time", "8 at a time");
        let (mut filled, mut next) = (0, 0);
        for studies in STUDIES {
            let more = next..next + studies.saturating_sub(filled);
            next = more.end;
            filled += more.len();
            send(&object, more, 8, (places[0].address, "MARKGATE"), &sink)?;
            let mut rates: [[Vec<f64>; 2]; 2] = Default::default();
            for _ in 0..rounds() {
                for (associations, rates) in [1, 8].into_iter().zip(&mut rates) {
                    for ((place, gate), rates) in places.iter().zip(&gates).zip(rates) {
                        gate.settle()?;
                        let some = next..next + SENT;
                        next = some.end;
                        let to = (place.address, "MARKGATE");
                        let run = send(&object, some, associations, to, &sink)?;
                        rates.push(SENT as f64 / run.wall.as_secs_f64());
                    }
                    filled += SENT;
                }
            }
            let [one, eight] = rates.map(|rates| {
                let [full, empty] = rates.map(median);
                format!("{full:.0} {:.2}", full / empty)
            });
            println!("  {studies:>9} {one:>18} {eight:>18}");
        }
    }
    Ok(())
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

/// Prints what a gate takes while nobody sends: as it was started, and after a work.
pub fn idle() -> io::Result<()> {
    println!("\nAt rest for {} s", REST.as_secs());
    println!("  {:<24} {:>9} {:>13} {:>12}", "", "RSS MB", "wake-ups/min", "CPU ms/min");
    let sink = Sink::start()?;
    let place = Place::new(Setup::tag(sink.address, SPOOLED))?;
    let gate = place.start()?;
    let rest = |name: &str| -> io::Result<()> {
        gate.settle()?;
        let (rests, cpu) = (gate.rests()?, gate.cpu_seconds()?);
        std::thread::sleep(REST);
        let minutes = REST.as_secs_f64() / 60.0;
        let since =
            |(thread, count): (OsString, u64)| count - rests.get(&thread).copied().unwrap_or(0);
        let woken: u64 = gate.rests()?.into_iter().map(since).sum();
        println!(
            "  {name:<24} {:>9.1} {:>13.0} {:>12.0}",
            gate.memory() as f64 / 1e6,
            woken as f64 / minutes,
            (gate.cpu_seconds()? - cpu) * 1e3 / minutes,
        );
        Ok(())
    };
    rest("as started")?;
    let work = &WORKS[0];
    send(&work.object(), 0..work.objects, 8, (place.address, "MARKGATE"), &sink)?;
    rest("after 400 CT slices")
}
