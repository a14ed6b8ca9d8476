//! Mutual recognition: who may bear which mark, for what, when (DB11/T 2505-2025 chapter 6).
//!
//! Never reads a clock, a file or an object: the day, the name and the facts are arguments. What is unknown entitles to
//! nothing: no institution, no day, no item, no mark.

mod code;
mod existing;
mod reason;
mod row;

pub use code::{InstitutionId, ItemCode, ScopeCode};
pub use existing::{MarkKind, ReadName, WrittenMark, read_name};
pub use reason::Reason;
pub use row::{
    AccreditationRow, AccreditationStatus, Alias, EVERY_ITEM, InstitutionRow, ItemRow, Rows,
    ScopeRow,
};
