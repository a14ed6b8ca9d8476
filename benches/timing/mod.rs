//! How rounds are timed.

use std::time::{Duration, Instant};

/// The median of some rounds.
pub fn median(rounds: usize, mut one: impl FnMut()) -> Duration {
    let mut times: Vec<Duration> = (0..rounds)
        .map(|_| {
            let begun = Instant::now();
            one();
            begun.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[times.len() / 2]
}
