//! Where the time of one object goes, from its first byte to the answer of the destination.
//!
//! The sender's clock, the gate's log and the sink's clock are one, so that the parts of an object's way lie behind each other and
//! add up to the whole.

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use markgate::base::time::Timestamp;

use super::gate::{ACKNOWLEDGED, Place, SPOOLED, Setup};
use super::run::{Run, between, calling, quantile, send};
use super::wire::Sink;
use super::works::{WORKS, Work, instance};

/// The parts of the way of an object that is on disk before its answer.
const SPOOLED_PARTS: [&str; 6] = [
    "request to last byte",
    "to the answer: custody",
    "to the judgement: entered, looked at, judged",
    "to its sending: verdict recorded, its turn",
    "to the last byte at the destination",
    "to the destination's answer noted",
];

/// The parts of the way of an object that its destination answers for.
const RELAYED_PARTS: [&str; 4] = [
    "request to last byte",
    "to its command at the destination",
    "to the last byte at the destination",
    "to the answer",
];

/// Prints the tables.
pub fn tables() -> io::Result<()> {
    for work in &WORKS {
        for ack in ACKNOWLEDGED {
            for associations in [1, 8] {
                table(work, associations, ack)?;
            }
        }
    }
    Ok(())
}

fn table(work: &Work, associations: usize, ack: &'static str) -> io::Result<()> {
    let sink = Sink::start()?;
    let place = Place::new(Setup { log: "info", ..Setup::tag(sink.address, ack) })?;
    let gate = place.start()?;
    let object = work.object();
    let to = (place.address, "MARKGATE");
    let run = send(&object, 0..work.objects, associations, to, &sink)?;
    gate.settle()?;
    drop(gate);
    println!("\nThe way of one object, {}, {associations} at a time, {ack}", work.name);
    println!("  {:<46} {:>9} {:>9} {:>9}", "", "mean ms", "p50 ms", "p99 ms");
    match ack {
        SPOOLED => print(&SPOOLED_PARTS, &spooled(&run, &place.log()?, &sink)),
        _ => print(&RELAYED_PARTS, &relayed(&run, &sink)),
    }
    Ok(())
}

/// Prints the times of each part, and of all together. Each way has an instant more than parts.
fn print(names: &[&str], ways: &[Vec<Timestamp>]) {
    let row = |name: &str, from: usize, to: usize| {
        let mut times: Vec<Duration> = ways.iter().map(|way| between(way[from], way[to])).collect();
        times.sort_unstable();
        let mean = times.iter().sum::<Duration>() / times.len().max(1) as u32;
        let millis = |time: Duration| time.as_secs_f64() * 1e3;
        println!(
            "  {name:<46} {:>9.3} {:>9.3} {:>9.3}",
            millis(mean),
            millis(quantile(&times, 0.5)),
            millis(quantile(&times, 0.99)),
        );
    };
    for (at, name) in names.iter().enumerate() {
        row(name, at, at + 1);
    }
    row("all", 0, names.len());
}

/// When the command and the last byte of each object came.
fn arrived(sink: &Sink) -> HashMap<String, (Timestamp, Timestamp)> {
    sink.times().into_iter().map(|(uid, first, last)| (uid, (first, last))).collect()
}

fn spooled(run: &Run, log: &str, sink: &Sink) -> Vec<Vec<Timestamp>> {
    let (log, arrived) = (Log::read(log), arrived(sink));
    let mut ways = Vec::new();
    for (lane, sent) in run.lanes.iter().enumerate() {
        // An association's objects are received in the order in which they were sent.
        let received = &log.received[&calling(lane)];
        assert_eq!(received.len(), sent.len(), "a line for each object");
        for ((number, sent), object) in sent.iter().zip(received) {
            let (command, last) = arrived[&instance(*number)];
            let (judged, delivered) = (log.judged[object], log.delivered[object]);
            let (begun, last_byte, answered) = (sent.begun, sent.last_byte, sent.answered);
            ways.push(vec![begun, last_byte, answered, judged, command, last, delivered]);
        }
    }
    ways
}

fn relayed(run: &Run, sink: &Sink) -> Vec<Vec<Timestamp>> {
    let arrived = arrived(sink);
    let sent = run.lanes.iter().flatten();
    sent.map(|(number, sent)| {
        let (command, last) = arrived[&instance(*number)];
        // The destination may hear of it before all of it is here.
        let command = command.max(sent.last_byte);
        vec![sent.begun, sent.last_byte, command, last.max(command), sent.answered]
    })
    .collect()
}

/// What the gate has logged of its objects.
#[derive(Default)]
struct Log<'l> {
    /// By calling AE title, in their order.
    received: HashMap<String, Vec<&'l str>>,
    judged: HashMap<&'l str, Timestamp>,
    delivered: HashMap<&'l str, Timestamp>,
}

impl<'l> Log<'l> {
    fn read(text: &'l str) -> Self {
        let mut log = Self::default();
        for line in text.lines() {
            let mut words = line.split_whitespace();
            let at = words.next().and_then(|at| at.parse::<Timestamp>().ok());
            let event = words.nth(1).unwrap_or_default();
            let value = |name: &str| {
                line.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
            };
            let (Some(at), Some(object)) = (at, value("object")) else { continue };
            match event {
                "received" => {
                    let calling = value("calling").unwrap_or_default().to_owned();
                    log.received.entry(calling).or_default().push(object);
                }
                "judged" => drop(log.judged.insert(object, at)),
                "delivered" => drop(log.delivered.insert(object, at)),
                _ => {}
            }
        }
        log
    }
}
