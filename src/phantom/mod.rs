//! Synthetic objects for tests and the demo: plausible examinations of patients who do not exist.
//!
//! A [`Specimen`] is a builder; what it writes is a function of its settings, byte for byte, on every machine. It
//! writes with an element writer of its own, so that a mistake in the gate's reading code cannot hide behind the
//! same mistake here, and it can write what good senders do not ([`Fault`]).
//!
//! Nothing here looks at a clock, rolls dice or opens a file. Frames are painted one at a time, so that an object
//! of 2 GiB costs no more memory than one of its frames.

mod characters;
mod data_set;
mod demo;
mod fault;
mod identity;
mod kind;
mod picture;
mod pixels;
mod retouch;
mod rle;
mod specimen;
#[cfg(test)]
mod tests;
mod write;

pub use characters::Characters;
pub use data_set::{Code, DataSet, Value};
pub use demo::{
    DEMO_ITEMS, DemoAccreditation, DemoItem, DemoStudy, Expected, demo_accreditations, demo_studies,
};
pub use fault::Fault;
pub use identity::{FOREIGN_INSTITUTION, INSTITUTION, Words};
pub use kind::Kind;
pub use retouch::Retouch;
pub use specimen::{EXPLICIT_VR_LITTLE_ENDIAN, Specimen};
pub use write::Lengths;
