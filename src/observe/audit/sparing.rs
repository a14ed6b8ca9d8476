//! What strangers cause is written down in measure: a scanner that knocks ten thousand times gets sixty lines and a count.

use std::time::{Duration, Instant};

use super::entry::Entry;

/// Lines in a burst.
const BURST: u32 = 60;

/// One more line after each of these.
const REFILL: Duration = Duration::from_secs(10);

/// How often the count of what was left out is written down.
const TELL: Duration = Duration::from_secs(60);

/// How many lines may still be caused.
#[derive(Debug)]
pub(super) struct Sparing {
    left: u32,
    refilled: Option<Instant>,
    out: Vec<(&'static str, u64)>,
    told: Option<Instant>,
}

impl Default for Sparing {
    fn default() -> Self {
        Self { left: BURST, refilled: None, out: Vec::new(), told: None }
    }
}

impl Sparing {
    /// Whether the event is written down; otherwise it is counted.
    pub(super) fn admits(&mut self, entry: &Entry, at: Instant) -> bool {
        let refilled = *self.refilled.get_or_insert(at);
        let steps = at.duration_since(refilled).as_secs() / REFILL.as_secs();
        let steps = u32::try_from(steps).unwrap_or(BURST).min(BURST);
        if steps > 0 {
            self.left = (self.left + steps).min(BURST);
            self.refilled = Some(at);
        }
        if self.left > 0 {
            self.left -= 1;
            return true;
        }
        let event = entry.event();
        match self.out.iter_mut().find(|(known, _)| *known == event) {
            Some((_, count)) => *count += 1,
            None => self.out.push((event, 1)),
        }
        self.told.get_or_insert(at);
        false
    }

    /// The counts of what was left out, when it is time to write them down; at the end it is.
    pub(super) fn tell(&mut self, at: Instant, is_end: bool) -> Vec<Entry> {
        let is_time = self.told.is_some_and(|told| at.duration_since(told) >= TELL);
        if !is_time && !is_end {
            return Vec::new();
        }
        self.told = None;
        let out = std::mem::take(&mut self.out);
        out.into_iter().map(|(event, count)| Entry::LeftOut { event, count }).collect()
    }
}
