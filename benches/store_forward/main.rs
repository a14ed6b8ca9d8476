//! Speed of store and forward: `cargo bench --bench store_forward`, or parts of it, as `… -- path growth`:
//!
//! - `path`: where the time of one object goes;
//! - `costs`: what it takes of a processor to look at it and to judge it;
//! - `growth`: each work at a quarter, once and four times its amount, with the power by which it grows, beside the same sender
//!   straight into the same sink;
//! - `restart`: started again with objects that wait;
//! - `ledger`: beside studies of which the ledger knows;
//! - `idle`: at rest;
//! - `dcmtk`: DCMTK's `storescu` into its `storescp`, straight and through the gate.
//!
//! Sender, gate and sink share this machine. Each row is measured until the last object has reached the sink: only ratios of one run
//! mean something. Prints; asserts only that nothing was lost.
//!
//! `MARKGATE_BENCH_ROUNDS` (3) sets how often each row of `growth` is measured; the median is shown.

#![allow(
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a bench prints, and stops at the first thing that is not as it should be"
)]

mod costs;
mod dcmtk;
mod gate;
mod growth;
mod kept;
mod path;
mod run;
mod standing;
mod wire;
mod works;

use std::io;

/// What the columns of `growth` are.
const ROW: &str = "                      objects   wall s objects/s     MB/s   p50 ms   p99 ms    CPU s ms/object  RSS MB";

/// One of the parts.
type Part = fn() -> io::Result<()>;

fn rounds() -> usize {
    let asked = std::env::var("MARKGATE_BENCH_ROUNDS").ok().and_then(|rounds| rounds.parse().ok());
    asked.unwrap_or(3)
}

fn main() -> io::Result<()> {
    let parts: [(&str, Part); 7] = [
        ("path", path::tables),
        ("costs", costs::tables),
        ("growth", growth::tables),
        ("restart", standing::restart),
        ("ledger", standing::ledger),
        ("idle", standing::idle),
        ("dcmtk", dcmtk::compare),
    ];
    let _removed = kept::AtTheEnd;
    // Cargo itself adds `--bench`.
    let asked: Vec<String> = std::env::args().skip(1).filter(|one| !one.starts_with('-')).collect();
    for (name, measure) in parts {
        if asked.is_empty() || asked.iter().any(|one| one == name) {
            measure()?;
        }
    }
    Ok(())
}
