//! The rows of the registry as a person writes them: plain values, nothing checked.

use jiff::civil::Date;

/// All rows of a registry, in the order in which they were written. A fault names its row by its place here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rows {
    /// Scopes beside the built-in `BJHR` and `JJJHR`.
    pub scopes: Vec<ScopeRow>,
    /// Institutions.
    pub institutions: Vec<InstitutionRow>,
    /// Examination items.
    pub items: Vec<ItemRow>,
    /// Who may bear which mark, for what, when.
    pub accreditations: Vec<AccreditationRow>,
}

/// A region within which results are recognised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeRow {
    /// Its code and mark, `[A-Z]{2,8}HR`. Unique.
    pub code: String,
    /// The wider scope has the greater rank; `BJHR` has 20, `JJJHR` 30. Unique.
    pub rank: u32,
    /// First examination day on which it may be borne.
    pub valid_from: Option<Date>,
}

/// An institution of the site.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct InstitutionRow {
    /// What other rows call it. Unique.
    pub id: String,
    /// The name that the mark follows.
    pub name: String,
    /// A shorter name, for where the name with the mark would pass 64 characters.
    pub short_name: Option<String>,
    /// A name in Latin letters, for where the character set cannot hold the name.
    pub latin_name: Option<String>,
    /// Other names under which Institution Name (0008,0080) may have it.
    pub aliases: Vec<Alias>,
}

/// Another name of an institution.
///
/// A name with dates is one that the institution bore officially in that time, before it was renamed or merged: it is
/// known only on examination days within, and it is the name that the mark of those days follows. A name without dates is
/// merely known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Alias {
    /// The name.
    pub name: String,
    /// First day.
    pub valid_from: Option<Date>,
    /// Last day.
    pub valid_to: Option<Date>,
}

impl Alias {
    /// A name that is known on every day.
    #[must_use]
    pub fn always(name: &str) -> Self {
        Self { name: name.to_owned(), valid_from: None, valid_to: None }
    }

    /// Whether the name was borne officially for some time, not merely in use.
    #[must_use]
    pub fn is_dated(&self) -> bool {
        self.valid_from.is_some() || self.valid_to.is_some()
    }

    /// Whether the name counts on a day; an undated one does on any, even on one that is not known.
    #[must_use]
    pub fn covers(&self, day: Option<Date>) -> bool {
        match day {
            None => !self.is_dated(),
            Some(day) => {
                self.valid_from.is_none_or(|first| first <= day)
                    && self.valid_to.is_none_or(|last| day <= last)
            }
        }
    }
}

/// An examination item of the recognition lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemRow {
    /// Its code. Unique.
    pub code: String,
    /// Its name.
    pub name: String,
    /// The condition under which an object belongs to it.
    pub when: String,
    /// Codes of the scopes whose lists have it, at least one.
    pub scopes: Vec<String>,
}

/// What a quality assessment entitled an institution to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccreditationRow {
    /// The institution's id.
    pub institution: String,
    /// Codes of the items, at least one; [`EVERY_ITEM`] is every item.
    pub items: Vec<String>,
    /// The scope's code.
    pub scope: String,
    /// First day.
    pub valid_from: Date,
    /// Last day; without one it does not end.
    pub valid_to: Option<Date>,
    /// Whether it counts.
    pub status: AccreditationStatus,
}

/// What stands for every item in [`AccreditationRow::items`].
pub const EVERY_ITEM: &str = "*";

/// Whether an accreditation counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum AccreditationStatus {
    /// It does.
    #[default]
    Active,
    /// Not yet.
    Pending,
    /// For now it does not.
    Suspended,
    /// Never again.
    Revoked,
}

impl AccreditationStatus {
    /// Every status, with the word that stands for it in a registry.
    pub const WORDS: [(&'static str, Self); 4] = [
        ("active", Self::Active),
        ("pending", Self::Pending),
        ("suspended", Self::Suspended),
        ("revoked", Self::Revoked),
    ];
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn a_dated_name_counts_within_its_days() {
        let former = Alias {
            name: "北京第一医院".to_owned(),
            valid_from: Some(date(2020, 1, 1)),
            valid_to: Some(date(2026, 5, 31)),
        };
        for (day, want) in [
            (None, false),
            (Some(date(2019, 12, 31)), false),
            (Some(date(2020, 1, 1)), true),
            (Some(date(2026, 5, 31)), true),
            (Some(date(2026, 6, 1)), false),
        ] {
            assert_eq!(former.covers(day), want, "{day:?}");
        }
        assert!(Alias::always("x").covers(None));
    }
}
