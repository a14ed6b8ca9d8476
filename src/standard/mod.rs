//! What DB11/T 2505-2025 and the standards it leans on ask of an image, and whether an image gives it.
//!
//! The program computes facts ([`facts`]: typed, tested functions over a header); data judges them. A rule is a row of
//! a [`Pack`], a TOML file of conditions over `dcm.KEYWORD` and `fact.NAME` that an inspector can read and a site can extend;
//! the built-in one is `config/standards/db11t2505-2025.toml`. A [`RuleSet`] is the packs with a site's changes, compiled; it
//! [assesses](RuleSet::assess) a [`Subject`], which is one object and how it came. [`RuleSets`] are those for what comes one way or
//! another.
//!
//! Nothing here decides what becomes of an image, knows which institution may mark it, reads a file, or asks the time.
//! Facts that need [`pixels`] have them from whoever judges.
//! Invariants: an assessment never fails and never panics; what cannot be evaluated is [undecided](Assessment::undecided)
//! and has no effect; the same object, rule set and time give the same findings.

mod about;
mod applies;
mod dates;
pub mod facts;
mod finding;
pub mod geometry;
mod identifying;
mod message;
mod pack;
mod personnel;
pub mod pixels;
mod rule;
mod rule_set;
mod rule_sets;
pub mod study;
mod subject;

#[cfg(test)]
mod tests;

pub use about::About;
pub use applies::{ClassGroup, ClassGroups};
pub use finding::{Assessment, Finding, Observed, Outcome, RuleTrace};
pub use message::{MessageFault, Template};
pub use pack::{BUILT_IN, KEYS, Keys, Pack, PackFault, PackProblem, Parameter};
pub use personnel::{Grade, OperatorRow, Personnel, PersonnelFault, PersonnelProblem, Training};
pub use rule::{Authority, Check, Level, Messages, Principle, Rule, Severity};
pub use rule_set::{Change, Changes, RuleSet, RuleSetFault};
pub use rule_sets::{Exception, RuleSets, Way, names};
pub use subject::{Announced, Arrival, OwnNames, Subject};

use crate::expression::Declarations;

/// What a condition on an object may name: its attributes, the association and the [facts](facts::FACTS).
#[must_use]
pub fn declarations() -> Declarations {
    let facts = facts::FACTS.iter().enumerate();
    facts.fold(Declarations::object(), |all, (number, fact)| {
        all.with_numbered(&format!("fact.{}", fact.name), fact.kind, number)
    })
}
