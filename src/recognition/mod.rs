//! Mutual recognition: who may bear which mark, for what, when (DB11/T 2505-2025 chapter 6).
//!
//! A [`Registry`] is built from plain rows and is whole or not at all; [`decide`] goes through the procedure for one
//! object and yields a [`Decision`] that explains itself.
//!
//! Never reads a clock, a file or an object: the day, the name and the facts are arguments. What is unknown entitles to
//! nothing: no institution, no day, no item, no mark.

mod code;
mod decide;
mod decision;
mod existing;
mod fault;
mod institution;
mod reason;
mod registry;
mod row;

pub use code::{InstitutionId, ItemCode, ScopeCode};
pub use decide::{Exam, IN_FORCE_FROM, MarkPolicy, MultiItem, decide};
pub use decision::{
    Decision, ExistingMark, Grade, Outcome, Relation, Standing, Treatment, UsedAccreditation,
};
pub use existing::{MarkKind, ReadName, WrittenMark};
pub use fault::{Cell, Problem, RegistryFault, RegistryWarning, Table};
pub use institution::{Institution, Names};
pub use reason::Reason;
pub use registry::{Accreditation, Item, NAME_LIMIT, Registry, Scope};
pub use row::{
    AccreditationRow, AccreditationStatus, Alias, EVERY_ITEM, InstitutionRow, ItemRow, Rows,
    ScopeRow,
};

#[cfg(test)]
mod tests;
