//! Whose name the image bears.

use crate::expression::Kind;
use crate::standard::subject::Subject;

use super::{Fact, dates, fact, identity};

pub(super) const FACTS: &[Fact] = &[
    fact(
        "institution_mapped",
        Kind::Bool,
        "whether the sender is mapped to an institution of the site",
        |s| s.arrival().institution.is_some().into(),
    ),
    fact(
        "institution_own",
        Kind::Bool,
        "whether Institution Name, a mark behind it left aside, is a name of the sender's institution on the day of the examination; unknown without either",
        |s| is_own(s).into(),
    ),
];

/// Whether Institution Name is one of the mapped institution's.
fn is_own(subject: &Subject<'_>) -> Option<bool> {
    let institution = subject.arrival().institution?;
    let name = identity::institution_name(subject)?;
    Some(institution.is_own(&name, dates::exam_date(subject)))
}
