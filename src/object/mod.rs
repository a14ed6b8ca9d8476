//! The bytes of a DICOM data set: walked, looked into, edited and rewritten in another native syntax, always as
//! a stream.
//!
//! The received bytes are the object of record. Nothing here parses an object in order to write it again:
//! [`scan`] remembers where each element stands, [`edit`] makes a plan of byte ranges to replace, [`splice`]
//! applies the plan on the way out. [`transcode`] is the one exception, for a destination that does not take the
//! syntax an object came in. [`part10`] reads and writes what stands before a data set in a file.
//!
//! Nothing here waits, reads the clock or touches a file; no memory is set aside because of a length that
//! an object claims; no function calls itself on nested input.

pub mod edit;
pub mod frames;
pub mod header;
pub mod part10;
pub mod scan;
pub mod splice;
pub mod transcode;

mod functional;
mod inflate;
mod representation;
mod walk;

pub use header::{Element, Form, HeaderView, Item, Kind, Reach};
pub use scan::{DeflateStream, End, Fault, Limit, Scan, Scanner, scan_reader};
pub use walk::{Oddities, Oddity};

#[cfg(test)]
mod tests;
