//! Conditions over an object: the expressions of routes, examination items, stamps and quality rules.
//!
//! The language is the Common Expression Language (CEL) with two departures. Values are three-valued: an attribute
//! that is absent or empty is [`Value::Unknown`], and what cannot be told from it is unknown too, so that a
//! condition on it is not met. And evaluation is total: no type mismatch, overflow, division by zero, missing index or
//! exhausted budget is ever an error, each yields unknown.
//!
//! | Written | Means |
//! |---|---|
//! | `dcm.Modality` | an attribute at the top level by its PS3.6 keyword: a text, a number for DS, IS, US and their like, a list when it has several values |
//! | `dcm.ViewCodeSequence[0].CodeValue` | an attribute in an item of a sequence, counted from 0 |
//! | `calling_aet`, `called_aet`, `peer` | the association |
//! | `fact.NAME` | a fact that the program computes, where the condition may use facts |
//! | `param.NAME`, `param('NAME')` | a parameter; its value is put in when the expression is compiled |
//! | `has(dcm.K)` | whether there is a value: never unknown itself |
//! | `&&` `\|\|` `!` `?:` | Kleene's three-valued logic: `unknown && false` is false, `unknown \|\| true` is true |
//! | `== != < <= > >=` | numbers of any kind with each other, texts by their characters (so that `YYYYMMDD` dates compare) |
//! | `x in list` | a single value counts as a list of one |
//! | `+ - * / %` | numbers, `+` also joins texts; whole numbers divide as in CEL, without a remainder |
//! | `list.all(v, …)` `exists` `exists_one` `filter` `map` | over the values of a list; a single value counts as a list of one |
//! | `text.startsWith(…)` `endsWith` `contains` `matches` `upperAscii` `lowerAscii` | texts; `matches` finds a pattern anywhere in linear time |
//! | `size(x)` | characters of a text, values of a list |
//! | `values(x)` | always a list: of one for a single value |
//! | `abs(x)` `log10(x)` | numbers |
//!
//! [`Expression::compile`] parses with the `cel` crate, checks every name, arity and kind, and makes a small tree of its
//! own that [`Expression::holds`] walks. Nothing here knows a tag's meaning, reads an object or waits. Invariants:
//! an expression that compiles can be evaluated on anything, in bounded time, without a panic.

mod check;
mod compile;
mod declarations;
mod fault;
mod program;
mod value;

#[cfg(test)]
mod tests;

pub use declarations::{Declarations, Kind};
pub use fault::{CompileError, Fault};
pub use program::{Explanation, Expression, Seen};
pub use value::{Environment, Truth, Value};
