//! The gate under fire: power cuts, full disks, failing system calls, strangers and floods, on the real program.
//!
//! Some of these mount file systems and need root, so `cargo test` leaves them out; `make fire` runs them in their short
//! form, `make reliability` in their long one.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test that meets the unforeseen is to stop there and say so"
)]
#![allow(dead_code, reason = "the support is shared with the behaviour tests, which use all of it")]

#[path = "../it/support/mod.rs"]
mod support;

mod clock;
mod disk;
mod disk_full;
mod fault_injection;
mod order;
mod power_cut;
mod scale;
mod soak;
