//! What every other module may use: time, limits, budgets, units, the names of objects, what must not be
//! printed, and how far a panic goes.
//!
//! Nothing here knows DICOM, waits or touches a file. The clock is read in [`time::now`] alone, so that
//! everything above it can be given a time in a test.

pub mod budget;
pub mod caught;
#[cfg(test)]
#[path = "../../tests/it/support/figure.rs"]
pub mod figure;
pub mod limits;
pub mod object_id;
pub mod phi;
pub mod time;
pub mod units;
pub mod visible;
