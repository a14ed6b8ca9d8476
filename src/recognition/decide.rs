//! The decision: which mark an object is entitled to, or why none.
//!
//! The steps, in their order; the first that fails ends the procedure, so the reason given is always the
//! earliest:
//!
//! | step | fails with |
//! |---|---|
//! | 0. the SOP class is an examination image | `UNSUPPORTED_SOP` |
//! | 1. it was taken of a patient | `NOT_CLINICAL` |
//! | 2. the source is mapped to an institution | `NO_INSTITUTION` |
//! | 3. the image is that institution's own | `FOREIGN` |
//! | 4. its day is known, and not before the standard came into force | `NO_EXAM_DATE`, `PRE_STANDARD` |
//! | 5. it is one of the listed items | `NO_ITEM` |
//! | 6. some scope is open to all of its items | `SUSPENDED`, `EXPIRED`, `NOT_YET_VALID`, `NO_SCOPE` |
//! | 7. no finding speaks against it | `QUALITY_BLOCK` |
//!
//! Where no scope is left, the reason is that of the accreditation that came nearest to one, as [`Grade`] orders them:
//! one that covers the day but is suspended, one that has ended, one that is still to come, none.
//! Of what is left the widest scope wins (DB11/T 2505-2025 chapter 6).
//!
//! An image of a class that may be marked only where the lists name it (ultrasound, nuclear medicine) is an item only
//! by a condition that asks for its Modality or SOP Class: one that merely asks for the body part does not name it.

use jiff::ToSpan as _;
use jiff::civil::{Date, date};

use crate::dicom::sop_class::{Eligibility, eligibility};
use crate::dicom::tags;
use crate::expression::{Environment, Truth};

use super::code::{InstitutionId, ScopeCode};
use super::decision::{Decision, ExistingMark, Grade, Outcome, Standing, UsedAccreditation};
use super::existing::ReadName;
use super::institution::Institution;
use super::reason::Reason;
use super::registry::{Accreditation, Item, Registry, Scope};
use super::row::AccreditationStatus;

/// The day on which DB11/T 2505-2025 came into force.
pub const IN_FORCE_FROM: Date = date(2026, 4, 1);

/// How a site decides and words its marks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarkPolicy {
    /// What stands between name and mark.
    pub separator: String,
    /// Whether examinations from before [`IN_FORCE_FROM`] bear a mark.
    pub mark_before_effective: bool,
    /// Whether an own mark that is not due, or a legacy one, is taken off.
    pub strip_stale: bool,
    /// Whether an accreditation must be valid today as well as on the day of the examination.
    pub require_active_at_stamp: bool,
    /// Which scope an examination of several items bears.
    pub multi_item: MultiItem,
    /// Days for which an accreditation counts after its end.
    pub grace_days: u16,
}

impl Default for MarkPolicy {
    fn default() -> Self {
        Self {
            separator: "-".to_owned(),
            mark_before_effective: false,
            strip_stale: true,
            require_active_at_stamp: true,
            multi_item: MultiItem::All,
            grace_days: 0,
        }
    }
}

/// Which scope an examination of several items bears.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum MultiItem {
    /// Only one that all of its items have.
    #[default]
    All,
}

/// What the decision depends on.
#[derive(Clone, Copy)]
pub struct Exam<'a> {
    /// The SOP class UID.
    pub sop_class: &'a str,
    /// The day of the examination; never the day of arrival.
    pub exam_date: Option<Date>,
    /// The institution that the source is mapped to.
    pub institution: Option<&'a InstitutionId>,
    /// Institution Name (0008,0080), decoded; absent and empty are the same.
    pub institution_name: Option<&'a str>,
    /// Whether the object says that it was imported from elsewhere (Instance Origin Status (0400,0600)).
    pub imported: bool,
    /// Whether it was taken of a patient: no phantom, no quality control image, not de-identified.
    pub clinical: bool,
    /// Whether a finding of severity block or above was made.
    pub quality_blocked: bool,
    /// What conditions of items see.
    pub environment: &'a dyn Environment,
}

/// Decides about one object. `today` is the date in the site's zone.
#[must_use]
pub fn decide(registry: &Registry, policy: &MarkPolicy, exam: &Exam<'_>, today: Date) -> Decision {
    let institution = exam.institution.and_then(|id| registry.institution(id));
    let name = read_name(registry, institution, exam);
    let own = institution.is_some() && !exam.imported && name.own;
    let eligibility = eligibility(exam.sop_class);
    let items = items_of(registry, eligibility, exam.environment);
    let mut decision = Decision {
        exam_date: exam.exam_date,
        institution: institution.map(|institution| institution.id.clone()),
        items: items.iter().map(|item| item.code.clone()).collect(),
        scopes: Vec::new(),
        standings: Vec::new(),
        accreditation: None,
        outcome: Outcome::NoMark(Reason::Unchecked),
        existing_mark: None,
    };
    let entry = enter(policy, exam, eligibility, institution, own, &items);
    decision.outcome = match entry {
        Err(reason) => Outcome::NoMark(reason),
        Ok((institution, day)) => {
            let days = Days { exam: day, today, policy };
            decision.standings = standings(registry, &institution.id, &items, &days);
            decision.scopes = open_scopes(registry, &decision.standings, policy.multi_item);
            match decision.scopes.first() {
                None => Outcome::NoMark(nearest_reason(&decision.standings)),
                Some(_) if exam.quality_blocked => Outcome::NoMark(Reason::QualityBlock),
                Some(widest) => Outcome::Mark(widest.clone()),
            }
        }
    };
    if let Outcome::Mark(scope) = &decision.outcome {
        decision.accreditation = binding(&decision.standings, scope);
    }
    let rank_of = |code: &ScopeCode| {
        registry.scopes().iter().find(|scope| scope.code == *code).map(|scope| scope.rank)
    };
    decision.existing_mark =
        name.mark.map(|found| ExistingMark::judged(found, own, &decision.outcome, policy, rank_of));
    decision
}

fn read_name(registry: &Registry, institution: Option<&Institution>, exam: &Exam<'_>) -> ReadName {
    let text = exam.institution_name.unwrap_or_default();
    match institution {
        Some(institution) => institution.read(text, registry.scope_codes(), exam.exam_date),
        None => super::existing::read_name(text, registry.scope_codes(), |_| false),
    }
}

/// Steps 0 to 5: the institution and the day to look up.
fn enter<'r>(
    policy: &MarkPolicy,
    exam: &Exam<'_>,
    eligibility: Eligibility,
    institution: Option<&'r Institution>,
    own: bool,
    items: &[&Item],
) -> Result<(&'r Institution, Date), Reason> {
    match eligibility {
        Eligibility::Never => return Err(Reason::UnsupportedSop),
        Eligibility::Eligible | Eligibility::OnlyIfListed => {}
    }
    if !exam.clinical {
        return Err(Reason::NotClinical);
    }
    let institution = institution.ok_or(Reason::NoInstitution)?;
    if !own {
        return Err(Reason::Foreign);
    }
    let day = exam.exam_date.ok_or(Reason::NoExamDate)?;
    if day < IN_FORCE_FROM && !policy.mark_before_effective {
        return Err(Reason::PreStandard);
    }
    if items.is_empty() {
        return Err(Reason::NoItem);
    }
    Ok((institution, day))
}

fn items_of<'r>(
    registry: &'r Registry,
    eligibility: Eligibility,
    environment: &dyn Environment,
) -> Vec<&'r Item> {
    let names_class = |item: &&Item| match eligibility {
        Eligibility::Never => false,
        Eligibility::Eligible => true,
        Eligibility::OnlyIfListed => {
            let asked = item.when.attributes();
            asked.contains(&tags::MODALITY) || asked.contains(&tags::SOP_CLASS_UID)
        }
    };
    let items = registry.items().iter().filter(names_class);
    items.filter(|item| item.when.holds(environment) == Truth::True).collect()
}

/// The days that validity is asked for.
struct Days<'p> {
    exam: Date,
    today: Date,
    policy: &'p MarkPolicy,
}

impl Days<'_> {
    /// Whether an accreditation covers a day, its grace included.
    fn covers(&self, accreditation: &Accreditation, day: Date) -> Grade {
        let grace = i64::from(self.policy.grace_days).days();
        if day < accreditation.valid_from {
            return Grade::NotYetValid;
        }
        match accreditation.valid_to {
            Some(last) if day > last.saturating_add(grace) => Grade::Expired,
            Some(_) | None => Grade::Entitled,
        }
    }

    fn grade(&self, accreditation: &Accreditation) -> Grade {
        match self.covers(accreditation, self.exam) {
            Grade::Entitled => {}
            grade => return grade,
        }
        match accreditation.status {
            AccreditationStatus::Suspended | AccreditationStatus::Revoked => Grade::Suspended,
            AccreditationStatus::Pending => Grade::NotYetValid,
            AccreditationStatus::Active if self.policy.require_active_at_stamp => {
                self.covers(accreditation, self.today)
            }
            AccreditationStatus::Active => Grade::Entitled,
        }
    }
}

/// How each item stands in each scope that some item's list has, widest scope first.
fn standings(
    registry: &Registry,
    institution: &InstitutionId,
    items: &[&Item],
    days: &Days<'_>,
) -> Vec<Standing> {
    let listed = |scope: &&Scope| items.iter().any(|item| item.scopes.contains(&scope.code));
    let scopes = registry.scopes().iter().filter(listed);
    scopes
        .flat_map(|scope| items.iter().map(move |item| (scope, *item)))
        .map(|(scope, item)| {
            let (grade, accreditation) = if !item.scopes.contains(&scope.code) {
                (Grade::NotListed, None)
            } else if scope.valid_from.is_some_and(|first| days.exam < first) {
                (Grade::NotYetValid, None)
            } else {
                accredited(registry, institution, scope, item, days)
            };
            let (item, scope) = (item.code.clone(), scope.code.clone());
            Standing { item, scope, grade, accreditation }
        })
        .collect()
}

/// The accreditation that counts for an item in a scope. A row that names the item and covers the day stands above one
/// for every item, so that a single item can be suspended; among equals the one nearest to a mark counts.
fn accredited(
    registry: &Registry,
    institution: &InstitutionId,
    scope: &Scope,
    item: &Item,
    days: &Days<'_>,
) -> (Grade, Option<UsedAccreditation>) {
    let rows = registry.accreditations().iter().filter(|row| {
        row.institution == *institution
            && row.scope == scope.code
            && row.items.as_ref().is_none_or(|items| items.contains(&item.code))
    });
    let rank = |row: &&Accreditation| {
        let covers_day = days.covers(row, days.exam) == Grade::Entitled;
        let is_general = !(covers_day && row.items.is_some());
        let end = row.valid_to.unwrap_or(Date::MAX);
        (is_general, days.grade(row), std::cmp::Reverse(end))
    };
    match rows.min_by_key(rank) {
        None => (Grade::NotAccredited, None),
        Some(row) => {
            let used = UsedAccreditation {
                row: row.row,
                label: row.label(),
                valid_from: row.valid_from,
                valid_to: row.valid_to,
                status: row.status,
            };
            (days.grade(row), Some(used))
        }
    }
}

/// The scopes that are left for the examination, widest first.
fn open_scopes(
    registry: &Registry,
    standings: &[Standing],
    multi_item: MultiItem,
) -> Vec<ScopeCode> {
    let is_open = |code: &&ScopeCode| {
        let mut grades = standings.iter().filter(|s| s.scope == **code).map(|s| s.grade).peekable();
        grades.peek().is_some()
            && match multi_item {
                MultiItem::All => grades.all(|grade| grade == Grade::Entitled),
            }
    };
    registry.scope_codes().iter().filter(is_open).cloned().collect()
}

/// Why no scope is left: what came nearest to one.
fn nearest_reason(standings: &[Standing]) -> Reason {
    let failed = standings.iter().map(|standing| standing.grade);
    failed
        .filter(|grade| *grade != Grade::Entitled)
        .min()
        .and_then(Grade::reason)
        .unwrap_or(Reason::NoScope)
}

/// Of the accreditations that a scope rests on, the one that ends first.
fn binding(standings: &[Standing], scope: &ScopeCode) -> Option<UsedAccreditation> {
    let used = standings.iter().filter(|standing| standing.scope == *scope);
    let used = used.filter_map(|standing| standing.accreditation.as_ref());
    used.min_by_key(|row| row.valid_to.unwrap_or(Date::MAX)).cloned()
}
