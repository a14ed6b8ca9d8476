//! What can be said of a study and of each of its series. Rules of these levels read a fact as `study.NAME` or `series.NAME`.
//!
//! As everywhere, a fact judges nothing, and what cannot be told is unknown: what is missing in a study of which not everything was
//! looked at is not missing.

mod of_series;
mod of_study;

use crate::dicom::Tag;
use crate::expression::{Declarations, Environment, Kind, Value};
use crate::standard::about::About;
use crate::standard::geometry::Stack;

use super::view::{Look, SeriesLook};

pub use of_series::SERIES_FACTS;
pub use of_study::STUDY_FACTS;

/// A fact about a study or a series.
#[derive(Debug, Clone, Copy)]
pub struct StudyFact {
    /// Its name, after `study.` or `series.`.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// What it says, in a line for the manual.
    pub about: About,
    of: Of,
}

#[derive(Debug, Clone, Copy)]
enum Of {
    Study(fn(&Look<'_>) -> Value),
    Series(fn(&Look<'_>, &SeriesLook<'_>) -> Value),
}

const fn study(
    name: &'static str,
    kind: Kind,
    about: About,
    of: fn(&Look<'_>) -> Value,
) -> StudyFact {
    StudyFact { name, kind, about, of: Of::Study(of) }
}

const fn series(
    name: &'static str,
    kind: Kind,
    about: About,
    of: fn(&Look<'_>, &SeriesLook<'_>) -> Value,
) -> StudyFact {
    StudyFact { name, kind, about, of: Of::Series(of) }
}

/// What a condition on a study may name.
#[must_use]
pub fn study_declarations() -> Declarations {
    STUDY_FACTS.iter().fold(Declarations::default(), |all, fact| {
        all.with_variable(&format!("study.{}", fact.name), fact.kind)
    })
}

/// What a condition on a series may name: what is known of it and of its study.
#[must_use]
pub fn series_declarations() -> Declarations {
    SERIES_FACTS.iter().fold(study_declarations(), |all, fact| {
        all.with_variable(&format!("series.{}", fact.name), fact.kind)
    })
}

/// A study, or one series of it, as conditions see it.
pub(in crate::standard) struct Seen<'l, 'a> {
    pub(in crate::standard) look: &'l Look<'a>,
    pub(in crate::standard) series: Option<&'l SeriesLook<'a>>,
}

impl Environment for Seen<'_, '_> {
    fn attribute(&self, _: Tag) -> Value {
        Value::Unknown
    }

    fn variable(&self, name: &str) -> Value {
        let (table, name) = match name.split_once('.') {
            Some(("study", name)) => (STUDY_FACTS, name),
            Some(("series", name)) => (SERIES_FACTS, name),
            Some(_) | None => return Value::Unknown,
        };
        let fact = table.iter().find(|fact| fact.name == name);
        match fact.map(|fact| fact.of) {
            Some(Of::Study(of)) => of(self.look),
            Some(Of::Series(of)) => {
                self.series.map_or(Value::Unknown, |series| of(self.look, series))
            }
            None => Value::Unknown,
        }
    }
}

fn count(number: usize) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

fn texts<T: AsRef<str>>(texts: impl Iterator<Item = T>) -> Value {
    texts.map(|text| Value::from(text.as_ref())).collect::<Vec<Value>>().into()
}

/// What may be said only where nothing is out of sight.
fn if_whole(look: &Look<'_>, value: impl Into<Value>) -> Value {
    if look.is_whole() { value.into() } else { Value::Unknown }
}

/// What may be said only where stacks could be kept apart, and there are some.
fn if_told(series: &SeriesLook<'_>, value: impl FnOnce() -> Value) -> Value {
    let told = !series.series.cut && !series.rejected && !series.stacks.is_empty();
    if told { value() } else { Value::Unknown }
}

fn sum(series: &SeriesLook<'_>, part: impl Fn(&Stack) -> usize) -> Value {
    count(series.volumes().map(|stack| part(&stack.stack)).sum())
}

fn shows_diffusion(series: &SeriesLook<'_>) -> bool {
    series.series.weightings.iter().any(|weighting| weighting.as_str() == "DWI")
}
