//! One work, sent over some associations and awaited at the sink.

use std::io;
use std::net::SocketAddr;
use std::ops::Range;
use std::time::{Duration, Instant};

use super::wire::{Sender, Sent, Sink};
use super::works::Object;

/// How long everything may take to arrive.
const LIMIT: Duration = Duration::from_secs(300);

/// What one run came to.
#[derive(Clone)]
pub struct Run {
    /// From the first byte sent to the last object at the sink.
    pub wall: Duration,
    /// Of each association what it sent, in that order, by number.
    pub lanes: Vec<Vec<(usize, Sent)>>,
    pub bytes: u64,
}

impl Run {
    pub fn objects(&self) -> usize {
        self.lanes.iter().map(Vec::len).sum()
    }

    /// Times from the last byte to the response, least first.
    pub fn waits(&self) -> Vec<Duration> {
        let sent = self.lanes.iter().flatten().map(|(_, sent)| *sent);
        let mut waits: Vec<Duration> =
            sent.map(|sent| between(sent.last_byte, sent.answered)).collect();
        waits.sort_unstable();
        waits
    }
}

/// From one instant to a later one; nothing where the clock went back.
pub fn between(
    one: markgate::base::time::Timestamp,
    other: markgate::base::time::Timestamp,
) -> Duration {
    other.duration_since(one).try_into().unwrap_or_default()
}

/// The value that a share of them does not exceed; of sorted ones.
pub fn quantile(times: &[Duration], share: f64) -> Duration {
    let last = times.len().saturating_sub(1);
    times.get((last as f64 * share).round() as usize).copied().unwrap_or_default()
}

/// The AE title of an association.
pub fn calling(lane: usize) -> String {
    format!("BENCH{lane:02}")
}

/// Sends the objects with these numbers over so many associations, and waits until the sink has them all.
pub fn send(
    object: &Object,
    numbers: Range<usize>,
    associations: usize,
    (to, called): (SocketAddr, &'static str),
    sink: &Sink,
) -> io::Result<Run> {
    let (before, bytes, count) = (sink.objects(), sink.bytes(), numbers.len());
    let start = Instant::now();
    let lanes = sent(object, numbers, associations, to, called)?;
    while sink.objects() - before < count as u64 {
        let arrived = sink.objects() - before;
        assert!(start.elapsed() < LIMIT, "only {arrived} of {count} objects arrived");
        std::thread::sleep(Duration::from_micros(200));
    }
    Ok(Run { wall: start.elapsed(), lanes, bytes: sink.bytes() - bytes })
}

/// Sends the objects with these numbers, and waits for the answers.
pub fn sent(
    object: &Object,
    numbers: Range<usize>,
    associations: usize,
    to: SocketAddr,
    called: &'static str,
) -> io::Result<Vec<Vec<(usize, Sent)>>> {
    let threads: Vec<_> = (0..associations)
        .map(|lane| {
            let (mut object, numbers) = (object.clone(), numbers.clone());
            std::thread::spawn(move || -> io::Result<Vec<(usize, Sent)>> {
                let mut sender = Sender::connect(to, called, &calling(lane), &object.class)?;
                let mut all = Vec::new();
                for number in numbers.skip(lane).step_by(associations) {
                    object.become_number(number);
                    let sent = sender.store(&object.instance, &object.data_set)?;
                    assert_eq!(sent.status, 0, "every object is taken");
                    all.push((number, sent));
                }
                sender.release()?;
                Ok(all)
            })
        })
        .collect();
    threads.into_iter().map(|thread| thread.join().expect("a sender does not panic")).collect()
}
