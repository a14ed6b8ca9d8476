//! Behaviour tests of the whole gate, named after what a site sees.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test that meets the unforeseen is to stop there and say so"
)]

mod support;

mod peers_meet;
mod tidy;
