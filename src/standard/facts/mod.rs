//! What can be computed from one header. Rules, items, routes and stamps read a fact as `fact.NAME`.
//!
//! A fact judges nothing: it says what is there. Where that cannot be told, it is unknown. Lists of faults are empty, not
//! unknown, when there is none.

pub mod anatomy;
pub mod cine;
pub mod codes;
pub mod contrast;
pub mod ct;
pub mod dates;
pub mod encoding;
pub mod exposure;
pub mod field;
pub mod functional_groups;
pub mod geometry;
pub mod id_number;
pub mod identity;
pub mod image;
pub mod institution;
pub mod lexicon;
pub mod mammography;
pub mod mr;
pub mod mr_series;
pub mod nuclear;
pub mod orientation;
pub mod personnel;
pub mod pixel_module;
pub mod projection;
pub mod rejection;
pub mod scope;
pub mod timeline;
pub mod views;
pub mod voi;
pub mod words;

use crate::expression::{Kind, Value};

use super::about::{About, about};
use super::subject::Subject;

/// A fact that conditions may use.
#[derive(Debug, Clone, Copy)]
pub struct Fact {
    /// Its name, after `fact.`.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// What it says, in a line for the manual.
    pub about: About,
    /// Whether it can be told from a data set that could only be looked at in part.
    pub partial: bool,
    /// Whether it may tell who the patient is. Such a fact cannot stand in a message: messages go to logs.
    pub identifying: bool,
    /// Computes it. Never fails: what cannot be told is [`Value::Unknown`].
    pub compute: fn(&Subject<'_>) -> Value,
}

const fn fact(
    name: &'static str,
    kind: Kind,
    about: About,
    compute: fn(&Subject<'_>) -> Value,
) -> Fact {
    Fact { name, kind, about, partial: false, identifying: false, compute }
}

const fn partial(fact: Fact) -> Fact {
    Fact { partial: true, ..fact }
}

const fn identifying(fact: Fact) -> Fact {
    Fact { identifying: true, ..fact }
}

/// The facts of each group, in the order of the manual. A new group is a line here, a new fact a row in its module.
const GROUPS: &[&[Fact]] = &[
    dates::FACTS,
    identity::FACTS,
    personnel::FACTS,
    encoding::FACTS,
    image::FACTS,
    voi::FACTS,
    projection::FACTS,
    exposure::FACTS,
    field::FACTS,
    orientation::FACTS,
    mammography::FACTS,
    cine::FACTS,
    nuclear::FACTS,
    scope::FACTS,
    geometry::FACTS,
    contrast::FACTS,
    ct::FACTS,
    mr::FACTS,
    timeline::FACTS,
    id_number::FACTS,
    institution::FACTS,
    pixel_module::FACTS,
    anatomy::FACTS,
    rejection::FACTS,
];

/// Every fact.
pub const FACTS: &[Fact] = &joined::<{ count(GROUPS) }>(GROUPS);

/// The place in [`FACTS`] of the fact of this name. A condition asks for it once, when it is compiled.
#[must_use]
pub fn index_of(name: &str) -> Option<usize> {
    FACTS.iter().position(|fact| fact.name == name)
}

const fn count(groups: &[&[Fact]]) -> usize {
    let (mut count, mut rest) = (0, groups);
    while let Some((group, others)) = rest.split_first() {
        count += group.len();
        rest = others;
    }
    count
}

/// The facts of all groups, one after the other.
const fn joined<const COUNT: usize>(groups: &[&[Fact]]) -> [Fact; COUNT] {
    let mut all = [fact("", Kind::Bool, about("", ""), |_| Value::Unknown); COUNT];
    let mut free = all.as_mut_slice();
    let (mut rest, mut facts): (_, &[Fact]) = (groups, &[]);
    while let Some((place, places)) = free.split_first_mut() {
        while let (true, Some((group, others))) = (facts.is_empty(), rest.split_first()) {
            (facts, rest) = (*group, others);
        }
        if let Some((fact, later)) = facts.split_first() {
            *place = *fact;
            facts = later;
        }
        free = places;
    }
    all
}

fn text(text: Option<String>) -> Value {
    text.map_or(Value::Unknown, |text| Value::present(&text))
}

fn names(names: Vec<String>) -> Value {
    names.into_iter().map(Value::from).collect::<Vec<Value>>().into()
}

/// A number with three decimals: what is computed is not known better, and a message is to be read.
fn rounded(number: Option<f64>) -> Value {
    number.map_or(Value::Unknown, |number| Value::finite((number * 1000.0).round() / 1000.0))
}

/// Several numbers; unknown without any.
fn numbers(numbers: Vec<f64>) -> Value {
    if numbers.is_empty() {
        return Value::Unknown;
    }
    numbers.into_iter().map(Value::finite).collect::<Vec<Value>>().into()
}
