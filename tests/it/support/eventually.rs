//! Waiting for a fact. The one place where a test passes time.

use std::time::{Duration, Instant};

/// Long enough for a slow machine, short enough for a person: most facts come true in milliseconds.
pub const SOON: Duration = Duration::from_secs(30);

/// How often the world is looked at while a fact has not come true.
const LOOK: Duration = Duration::from_millis(10);

/// Looks until `fact` yields a value, and yields it.
///
/// # Panics
/// When `within` has passed, naming `what` was awaited.
#[track_caller]
pub fn eventually<T>(what: &str, within: Duration, mut fact: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(value) = fact() {
            return value;
        }
        assert!(begun.elapsed() < within, "not so within {within:?}: {what}");
        std::thread::park_timeout(LOOK);
    }
}

/// Looks until `fact` holds.
///
/// # Panics
/// As [`eventually`].
#[track_caller]
pub fn until(what: &str, fact: impl Fn() -> bool) {
    eventually(what, SOON, || fact().then_some(()));
}
