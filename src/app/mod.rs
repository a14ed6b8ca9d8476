//! The gate as a whole: puts the parts together, starts them in order, and stops them in order.
//!
//! Alone in knowing all parts. It decides nothing about images; that is what the parts are for.

mod audit;
mod certificates;
mod check;
mod commitments;
mod conformance;
mod custody;
mod demo;
mod export;
#[cfg(test)]
mod fixture;
mod heap;
mod keeping;
mod offline;
mod parts;
mod picture;
mod presentation_states;
mod quality;
mod report;
mod retention;
pub mod rules;
mod scrub;
mod serve;
mod service;
pub(crate) mod site;
mod state;
mod studies;
mod upkeep;
pub mod words;

pub use check::{appraise, check, explain};
pub use demo::{DemoFault, DemoOptions, demo};
pub use export::{MOST_CELLS, Print, PrintForm, StampOrder, stamp};
pub use offline::{OfflineFault, Sender, conformance};
pub use quality::{Appraisal, Sheet};
pub use serve::{Gate, StartFault, run};
