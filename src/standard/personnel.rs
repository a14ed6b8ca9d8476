//! The operators of a site: their grades, trainings and devices, as a registry that rules can ask.
//!
//! DB11/T 2505-2025 asks that equipment is operated by those who have the grade and the trainings for it. An image names its
//! operators by staff code (0008,1072) or by name (0008,1070); the registry says who that is. What it does not know stays
//! unknown: nobody is judged by a name that two persons bear.

use std::collections::HashMap;

use jiff::civil::Date;
use unicode_normalization::UnicodeNormalization as _;

/// The grade of a technologist, the lowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Grade {
    /// 技士.
    Technician = 1,
    /// 技师.
    Technologist = 2,
    /// 主管技师.
    SeniorTechnologist = 3,
    /// 副主任技师.
    AssociateChief = 4,
    /// 主任技师.
    Chief = 5,
}

impl Grade {
    /// The words for grades in registries, Chinese and English.
    pub const WORDS: &[(&str, Self)] = &[
        ("技士", Self::Technician),
        ("技师", Self::Technologist),
        ("主管技师", Self::SeniorTechnologist),
        ("副主任技师", Self::AssociateChief),
        ("主任技师", Self::Chief),
        ("technician", Self::Technician),
        ("technologist", Self::Technologist),
        ("senior technologist", Self::SeniorTechnologist),
        ("associate chief technologist", Self::AssociateChief),
        ("chief technologist", Self::Chief),
    ];

    /// Its place among the grades: 1 (技士) to 5 (主任技师), as parameters of rules name it.
    #[must_use]
    pub fn rank(self) -> i64 {
        self as i64
    }
}

/// What operators have to be trained in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Training {
    /// Radiation protection, with an examination.
    RadiationProtection,
    /// Critical values.
    CriticalValue,
    /// First aid.
    FirstAid,
    /// The operation of the device at hand.
    Device,
}

impl Training {
    /// Its word in facts.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RadiationProtection => "radiation_protection",
            Self::CriticalValue => "critical_value",
            Self::FirstAid => "first_aid",
            Self::Device => "device",
        }
    }
}

/// A row of the registry: a person as of some days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatorRow {
    /// Staff code, as in the code of (0008,1072).
    pub code: String,
    /// Name, and others that images bear.
    pub names: Vec<String>,
    /// Grade.
    pub grade: Grade,
    /// The first day on which the row holds; always, when absent.
    pub valid_from: Option<Date>,
    /// The last day on which the row holds.
    pub valid_to: Option<Date>,
    /// The last day of the training in radiation protection; absent: not trained.
    pub radiation_protection: Option<Date>,
    /// The last day of the training for critical values.
    pub critical_value: Option<Date>,
    /// The last day of the training in first aid.
    pub first_aid: Option<Date>,
    /// Manufacturer's Model Names (0008,1090) of the devices that the person was trained on; `*` is any.
    pub devices: Vec<String>,
}

impl OperatorRow {
    fn holds_on(&self, day: Date) -> bool {
        self.valid_from.is_none_or(|from| from <= day) && self.valid_to.is_none_or(|to| day <= to)
    }

    /// What the person lacks on a day at a device. Of a device that does not say its model nothing is asked.
    #[must_use]
    pub fn lacks(&self, day: Date, model: Option<&str>) -> Vec<Training> {
        let is_over = |until: Option<Date>| until.is_none_or(|until| until < day);
        let is_device = |known: &String| known == "*" || Some(plain(known)) == model.map(plain);
        let lacks_device = model.is_some() && !self.devices.iter().any(is_device);
        [
            (Training::RadiationProtection, is_over(self.radiation_protection)),
            (Training::CriticalValue, is_over(self.critical_value)),
            (Training::FirstAid, is_over(self.first_aid)),
            (Training::Device, lacks_device),
        ]
        .into_iter()
        .filter_map(|(training, lacks)| lacks.then_some(training))
        .collect()
    }
}

/// A row that cannot be in a registry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PersonnelProblem {
    /// A staff code that is empty.
    #[error("a staff code is wanted")]
    NoCode,
    /// Two rows of one person hold on the same day.
    #[error("row {other} is of the same person and holds on the same days")]
    Overlaps {
        /// The earlier row, counted from 0.
        other: usize,
    },
    /// A row that ends before it begins.
    #[error("it ends before it begins")]
    EndsBeforeItBegins,
}

/// A row that is wrong, counted from 0, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("row {row}: {problem}")]
pub struct PersonnelFault {
    /// Which.
    pub row: usize,
    /// Why.
    pub problem: PersonnelProblem,
}

/// The operators of a site.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Personnel {
    rows: Vec<OperatorRow>,
    by_code: HashMap<String, Vec<usize>>,
    by_name: HashMap<String, Vec<usize>>,
}

impl Personnel {
    /// Puts a registry together.
    ///
    /// # Errors
    /// Every row that cannot be in it.
    pub fn build(rows: Vec<OperatorRow>) -> Result<Self, Vec<PersonnelFault>> {
        let mut faults = Vec::new();
        let mut this = Self::default();
        for (index, row) in rows.iter().enumerate() {
            let mut fault = |problem| faults.push(PersonnelFault { row: index, problem });
            let code = plain(&row.code);
            if code.is_empty() {
                fault(PersonnelProblem::NoCode);
            }
            if row.valid_from.zip(row.valid_to).is_some_and(|(from, to)| to < from) {
                fault(PersonnelProblem::EndsBeforeItBegins);
            }
            let same = this.by_code.entry(code).or_default();
            let overlaps = |other: &&usize| rows.get(**other).is_some_and(|it| overlap(it, row));
            if let Some(other) = same.iter().find(overlaps) {
                fault(PersonnelProblem::Overlaps { other: *other });
            }
            same.push(index);
            for name in &row.names {
                let known = this.by_name.entry(plain(name)).or_default();
                if !known.contains(&index) {
                    known.push(index);
                }
            }
        }
        this.rows = rows;
        if faults.is_empty() { Ok(this) } else { Err(faults) }
    }

    /// Whether nobody is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The row that holds on a day for a staff code.
    #[must_use]
    pub fn of_code(&self, code: &str, day: Date) -> Option<&OperatorRow> {
        let rows = self.by_code.get(&plain(code))?.iter().filter_map(|row| self.rows.get(*row));
        rows.into_iter().find(|row| row.holds_on(day))
    }

    /// The row that holds on a day for a Person Name (PS3.5 section 6.2.1), any of its component groups; none where two persons bear
    /// it.
    #[must_use]
    pub fn of_name(&self, name: &str, day: Date) -> Option<&OperatorRow> {
        let groups = name.split('=').map(plain).filter(|group| !group.is_empty());
        let rows = groups.filter_map(|group| self.by_name.get(&group)).flatten();
        let mut rows = rows.filter_map(|row| self.rows.get(*row)).filter(|row| row.holds_on(day));
        let first = rows.next()?;
        rows.all(|other| plain(&other.code) == plain(&first.code)).then_some(first)
    }
}

fn overlap(one: &OperatorRow, other: &OperatorRow) -> bool {
    let begins = |row: &OperatorRow| row.valid_from.unwrap_or(Date::MIN);
    let ends = |row: &OperatorRow| row.valid_to.unwrap_or(Date::MAX);
    begins(one) <= ends(other) && begins(other) <= ends(one)
}

/// A name or code as it is compared: compatible characters made one, in capitals, without spaces and the delimiters of components.
fn plain(text: &str) -> String {
    let kept = |c: &char| !c.is_whitespace() && !matches!(c, '^' | '·' | '.' | '-' | '_' | '\0');
    text.nfkc().filter(kept).flat_map(char::to_uppercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn row(code: &str, names: &[&str]) -> OperatorRow {
        OperatorRow {
            code: code.to_owned(),
            names: names.iter().map(|name| (*name).to_owned()).collect(),
            grade: Grade::Technologist,
            valid_from: None,
            valid_to: None,
            radiation_protection: Some(date(2027, 1, 1)),
            critical_value: Some(date(2027, 1, 1)),
            first_aid: Some(date(2027, 1, 1)),
            devices: vec!["*".to_owned()],
        }
    }

    const DAY: Date = date(2026, 6, 1);

    #[test]
    fn a_person_is_found_by_code_and_by_any_way_of_writing_the_name() {
        let registry = Personnel::build(vec![row("T 01", &["张三", "Zhang San"])]).unwrap();
        assert!(!registry.is_empty());
        for code in ["T01", "t01", "Ｔ０１ "] {
            assert!(registry.of_code(code, DAY).is_some(), "{code}");
        }
        assert_eq!(registry.of_code("T02", DAY), None);
        for name in ["张三", "张^三", "Zhang^San=张^三", "ZHANG SAN", "zhang^san^^^"] {
            assert!(registry.of_name(name, DAY).is_some(), "{name}");
        }
        for name in ["张", "", "=", "Zhang^Si=张^四"] {
            assert_eq!(registry.of_name(name, DAY), None, "{name}");
        }
    }

    #[test]
    fn a_name_that_two_persons_bear_is_nobodys() {
        let two = vec![row("1", &["李四"]), row("2", &["李四"])];
        let registry = Personnel::build(two).unwrap();
        assert_eq!(registry.of_name("李四", DAY), None);
        assert!(registry.of_code("2", DAY).is_some());
    }

    #[test]
    fn rows_hold_on_their_days() {
        let promoted = date(2026, 7, 1);
        let before = OperatorRow {
            grade: Grade::Technician,
            valid_to: Some(date(2026, 6, 30)),
            ..row("1", &["王五"])
        };
        let after = OperatorRow { valid_from: Some(promoted), ..row("1", &["王五"]) };
        let registry = Personnel::build(vec![before, after]).unwrap();
        let grade = |day| registry.of_name("王五", day).map(|row| row.grade);
        assert_eq!(grade(DAY), Some(Grade::Technician));
        assert_eq!(grade(promoted), Some(Grade::Technologist));
        assert!(Grade::Technician < Grade::Technologist);
        assert_eq!((Grade::Technician.rank(), Grade::Chief.rank()), (1, 5));
    }

    #[test]
    fn trainings_end_and_devices_are_learnt_one_by_one() {
        let person = OperatorRow {
            first_aid: Some(date(2026, 5, 31)),
            critical_value: None,
            devices: vec!["Revolution CT".to_owned()],
            ..row("1", &[])
        };
        assert_eq!(person.lacks(DAY, None), [Training::CriticalValue, Training::FirstAid]);
        assert_eq!(
            person.lacks(date(2026, 5, 31), Some("REVOLUTION CT")),
            [Training::CriticalValue]
        );
        assert!(person.lacks(DAY, Some("Ingenia")).contains(&Training::Device));
        assert_eq!(row("1", &[]).lacks(DAY, Some("Ingenia")), []);
        assert_eq!(row("1", &[]).lacks(date(2027, 1, 2), None).len(), 3);
    }

    #[test]
    fn rows_that_contradict_each_other_are_refused() {
        let backwards = OperatorRow {
            valid_from: Some(date(2026, 2, 1)),
            valid_to: Some(date(2026, 1, 1)),
            ..row("2", &[])
        };
        let faults = Personnel::build(vec![row("1", &[]), row("1", &[]), backwards, row(" ", &[])]);
        let fault = |row, problem| PersonnelFault { row, problem };
        assert_eq!(
            faults,
            Err(vec![
                fault(1, PersonnelProblem::Overlaps { other: 0 }),
                fault(2, PersonnelProblem::EndsBeforeItBegins),
                fault(3, PersonnelProblem::NoCode),
            ])
        );
    }
}
