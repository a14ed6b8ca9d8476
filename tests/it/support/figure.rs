//! Figures: what a test has counted or timed besides passing, in a form that the table of `RELIABILITY.md` is made from.

use std::fmt::Display;

/// Whether the long form is asked for: `MARKGATE_FIRE=long`.
#[must_use]
pub fn is_long() -> bool {
    std::env::var_os("MARKGATE_FIRE").is_some_and(|form| form == "long")
}

/// How much of something a test does, in its short and in its long form.
#[must_use]
pub fn scale<T>(short: T, long: T) -> T {
    if is_long() { long } else { short }
}

/// Reports a figure for a promise, `R1` to `R20`, under the name of the test that saw it.
pub fn figure(promise: &str, test: &str, text: impl Display) {
    println!("figure | {promise} | {test} | {text}");
}
