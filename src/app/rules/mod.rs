//! What the verbs about rules do: list and show them, describe the format of packs, try packs on files and compare them.
//!
//! Files are read as `check` reads them; nothing is decided about any, and nothing but what was asked for is told of them.

mod book;
mod comparison;
mod listing;
mod manual;
mod schema;
mod trial;

pub use book::Book;
pub use comparison::compare;
pub(super) use listing::{listed, trials, tried};
pub use manual::manual;
pub use schema::schema;
pub use trial::try_on;
