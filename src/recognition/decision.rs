//! What was decided about an object, with all that is needed to explain it.

use jiff::civil::Date;

use super::code::{InstitutionId, ItemCode, ScopeCode};
use super::decide::MarkPolicy;
use super::existing::{MarkKind, WrittenMark};
use super::reason::Reason;
use super::row::AccreditationStatus;

/// Whether an object bears a mark, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The day of the examination.
    pub exam_date: Option<Date>,
    /// The institution that the source is mapped to.
    pub institution: Option<InstitutionId>,
    /// The items that the examination is.
    pub items: Vec<ItemCode>,
    /// The scopes that it is entitled to, widest first. Empty where an earlier step ended the procedure.
    pub scopes: Vec<ScopeCode>,
    /// How each item stands in each scope, widest scope first. Empty where an earlier step ended the procedure.
    pub standings: Vec<Standing>,
    /// The accreditation that the mark rests on; of several items' the one that ends first.
    pub accreditation: Option<UsedAccreditation>,
    /// The mark, or the reason for none.
    pub outcome: Outcome,
    /// The mark that the object came with.
    pub existing_mark: Option<ExistingMark>,
}

/// The mark, or the reason for none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// This mark.
    Mark(ScopeCode),
    /// None.
    NoMark(Reason),
}

/// How an item stands in a scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The item.
    pub item: ItemCode,
    /// The scope.
    pub scope: ScopeCode,
    /// Whether it is entitled.
    pub grade: Grade,
    /// The accreditation that says so; `None` when there is none, or when it is the scope that does not apply.
    pub accreditation: Option<UsedAccreditation>,
}

/// Whether an item is entitled to a scope. The order is that of telling: what comes nearest to a mark comes first,
/// and of several the first is the reason given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grade {
    /// It is.
    Entitled,
    /// The accreditation covers the day and is suspended or revoked.
    Suspended,
    /// The accreditation ended before the day, or before today.
    Expired,
    /// The accreditation or the scope begins later, or is not granted as yet.
    NotYetValid,
    /// There is no accreditation.
    NotAccredited,
    /// The scope's list does not have the item.
    NotListed,
}

impl Grade {
    /// The reason that this is for no mark.
    #[must_use]
    pub fn reason(self) -> Option<Reason> {
        match self {
            Self::Entitled => None,
            Self::Suspended => Some(Reason::Suspended),
            Self::Expired => Some(Reason::Expired),
            Self::NotYetValid => Some(Reason::NotYetValid),
            Self::NotAccredited | Self::NotListed => Some(Reason::NoScope),
        }
    }
}

/// A row of accreditation that a decision rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedAccreditation {
    /// Its place among the rows, counted from 0.
    pub row: usize,
    /// What it is called where it is recorded.
    pub label: String,
    /// First day.
    pub valid_from: Date,
    /// Last day; without one it does not end.
    pub valid_to: Option<Date>,
    /// Its status.
    pub status: AccreditationStatus,
}

/// A mark that an object came with, and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExistingMark {
    /// The mark as it stands behind the name.
    pub found: WrittenMark,
    /// Whether it stands behind a name of the mapped institution.
    pub own: bool,
    /// How it compares with the mark that is due.
    pub relation: Relation,
    /// What becomes of it.
    pub treatment: Treatment,
}

/// How the mark that an object came with compares with the one that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Relation {
    /// It is the one, written as it is due.
    Same,
    /// The same scope, written otherwise.
    OtherForm,
    /// Of a narrower scope.
    Narrower,
    /// Of a wider scope.
    Wider,
    /// Of a form that is no longer used.
    Legacy,
    /// Of a scope that is not known, or one of several.
    Unknown,
    /// None is due.
    NotDue,
}

/// What becomes of the mark that an object came with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Treatment {
    /// It stays, and so does the name.
    Keep,
    /// The mark that is due takes its place.
    Replace,
    /// It is taken off the name.
    Strip,
}

impl Decision {
    /// The decision on an object that was not judged: under bypass, or by a fault of the gate. All stays as it came.
    #[must_use]
    pub fn without_judgement(reason: Reason) -> Self {
        Self {
            exam_date: None,
            institution: None,
            items: Vec::new(),
            scopes: Vec::new(),
            standings: Vec::new(),
            accreditation: None,
            outcome: Outcome::NoMark(reason),
            existing_mark: None,
        }
    }

    /// The mark.
    #[must_use]
    pub fn mark(&self) -> Option<&ScopeCode> {
        match &self.outcome {
            Outcome::Mark(scope) => Some(scope),
            Outcome::NoMark(_) => None,
        }
    }

    /// The reason for no mark.
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        match &self.outcome {
            Outcome::Mark(_) => None,
            Outcome::NoMark(reason) => Some(*reason),
        }
    }

    /// The decision once it has turned out that the object cannot be marked. An own mark that it came with is then
    /// not due either, unless it is the very one.
    #[must_use]
    pub fn withheld(self, reason: Reason, policy: &MarkPolicy) -> Self {
        let existing_mark = self.existing_mark.map(|mark| match mark.relation {
            Relation::Same => mark,
            Relation::OtherForm
            | Relation::Narrower
            | Relation::Wider
            | Relation::Legacy
            | Relation::Unknown
            | Relation::NotDue => {
                let treatment = unmarked_treatment(mark.own, reason, policy);
                ExistingMark { relation: Relation::NotDue, treatment, ..mark }
            }
        });
        Self { accreditation: None, outcome: Outcome::NoMark(reason), existing_mark, ..self }
    }
}

impl ExistingMark {
    /// Compares the mark that was found with the outcome. `rank_of` gives the rank of a scope.
    pub(super) fn judged(
        found: WrittenMark,
        own: bool,
        outcome: &Outcome,
        policy: &MarkPolicy,
        rank_of: impl Fn(&ScopeCode) -> Option<u32>,
    ) -> Self {
        let (relation, treatment) = match outcome {
            Outcome::NoMark(reason) => (Relation::NotDue, unmarked_treatment(own, *reason, policy)),
            Outcome::Mark(due) => {
                let relation = match &found.kind {
                    MarkKind::Scope(scope) if scope == due => {
                        let is_exact = found.written.strip_prefix(&policy.separator);
                        let is_exact = is_exact == Some(due.as_str());
                        if is_exact { Relation::Same } else { Relation::OtherForm }
                    }
                    MarkKind::Scope(scope) if rank_of(scope) < rank_of(due) => Relation::Narrower,
                    MarkKind::Scope(_) => Relation::Wider,
                    MarkKind::Legacy => Relation::Legacy,
                    MarkKind::Unknown | MarkKind::Several => Relation::Unknown,
                };
                let is_same = relation == Relation::Same;
                (relation, if is_same { Treatment::Keep } else { Treatment::Replace })
            }
        };
        Self { found, own, relation, treatment }
    }
}

/// What becomes of a mark where none is due. The issuer answers for a foreign mark, so only an own one is ever taken
/// off; nothing is touched in an object that was not judged, or whose signature a change would break.
fn unmarked_treatment(own: bool, reason: Reason, policy: &MarkPolicy) -> Treatment {
    let is_left_alone = match reason {
        Reason::NoInstitution
        | Reason::Foreign
        | Reason::Signed
        | Reason::SelfCheck
        | Reason::Bypass
        | Reason::Unchecked => true,
        Reason::UnsupportedSop
        | Reason::NotClinical
        | Reason::NoExamDate
        | Reason::PreStandard
        | Reason::NoItem
        | Reason::NoScope
        | Reason::NotYetValid
        | Reason::Expired
        | Reason::Suspended
        | Reason::QualityBlock
        | Reason::NameTooLong
        | Reason::NotEncodable => false,
    };
    if own && policy.strip_stale && !is_left_alone { Treatment::Strip } else { Treatment::Keep }
}
