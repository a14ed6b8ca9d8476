//! The studies of the demo, with the registry that judges them and what has to come of each.

use jiff::civil::Date;

use super::characters::Characters;
use super::fault::Fault;
use super::identity::{FOREIGN_INSTITUTION, Words};
use super::kind::Kind;
use super::specimen::Specimen;

/// The day from which DB11/T 2505-2025 is in force, and examinations may bear a mark.
const IN_FORCE: Date = Date::constant(2026, 4, 1);

/// A study of the demo.
#[derive(Debug, Clone)]
pub struct DemoStudy {
    /// What it shows, for the person who watches.
    pub title: Words,
    /// The AE title that sends it.
    pub calling_aet: &'static str,
    /// Its objects, in the order in which they are sent.
    pub specimens: Vec<Specimen>,
    /// What has to come of each of them.
    pub expected: Expected,
}

/// What has to come of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// It goes on with this mark.
    Marked(&'static str),
    /// It goes on as it is, for the reason of this code.
    Unmarked(&'static str),
    /// It is held, for the rule or reason of this code.
    Held(&'static str),
}

/// A row of the demo's examination items: the fields of `[[item]]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DemoItem {
    /// `code`.
    pub code: &'static str,
    /// `name`.
    pub name: &'static str,
    /// `when`.
    pub when: &'static str,
    /// `scopes`.
    pub scopes: &'static [&'static str],
}

/// A row of the demo's accreditations, all of them of the one institution: the fields of `[[accreditation]]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DemoAccreditation {
    /// `items`, one of them.
    pub item: &'static str,
    /// `scope`.
    pub scope: &'static str,
    /// `valid_from`.
    pub valid_from: Date,
    /// `valid_to`.
    pub valid_to: Option<Date>,
}

/// The examination items of the demo: ultrasound is not among them.
pub const DEMO_ITEMS: &[DemoItem] = &[
    DemoItem {
        code: "CT-CHEST",
        name: "胸部CT",
        when: "dcm.Modality == 'CT' && dcm.BodyPartExamined == 'CHEST'",
        scopes: &["BJHR", "JJJHR"],
    },
    DemoItem {
        code: "DR-CHEST-PA",
        name: "胸部正位片",
        when: "dcm.Modality in ['DX', 'CR'] && dcm.BodyPartExamined == 'CHEST' && dcm.ViewPosition == 'PA'",
        scopes: &["BJHR"],
    },
    DemoItem {
        code: "MG-BREAST",
        name: "乳腺钼靶",
        when: "dcm.Modality == 'MG'",
        scopes: &["BJHR"],
    },
    DemoItem {
        code: "MR-HEAD",
        name: "头部MR平扫",
        when: "dcm.Modality == 'MR' && dcm.BodyPartExamined == 'HEAD'",
        scopes: &["BJHR", "JJJHR"],
    },
];

/// What the demo's institution is accredited for as seen on `today`: chest CT in both scopes, chest radiographs in
/// Beijing, mammography until the day before the studies; not head MR.
#[must_use]
pub fn demo_accreditations(today: Date) -> Vec<DemoAccreditation> {
    let valid_from = Date::constant(2025, 4, 1);
    let lapsed = study_date(today).yesterday().ok();
    let row = |item, scope, valid_to| DemoAccreditation { item, scope, valid_from, valid_to };
    vec![
        row("CT-CHEST", "BJHR", None),
        row("CT-CHEST", "JJJHR", None),
        row("DR-CHEST-PA", "BJHR", None),
        row("MG-BREAST", "BJHR", lapsed),
    ]
}

/// The day before `today`, so that no examination lies in the future at any hour; yet not before the mark exists.
fn study_date(today: Date) -> Date {
    today.yesterday().unwrap_or(today).max(IN_FORCE)
}

/// The studies of the demo as of `today`, a day not before 1 April 2026.
#[must_use]
pub fn demo_studies(today: Date) -> Vec<DemoStudy> {
    let date = study_date(today);
    // Other days, other patients and UIDs: a PACS that sees two demos gets no second version of anything.
    let day = u64::from(date.since(IN_FORCE).map_or(0, |span| span.get_days().unsigned_abs()));
    let one = |kind: Kind, seed: u64| Specimen::new(kind, seed + 1000 * day).study_date(date);
    let study = |han, latin, calling_aet, specimens, expected| DemoStudy {
        title: Words { han, latin },
        calling_aet,
        specimens,
        expected,
    };
    vec![
        study(
            "胸部CT，两个范围均获资格：取较大范围",
            "chest CT, accredited in both scopes: the wider one",
            "CT01",
            (1..=4).map(|slice| one(Kind::Ct, 101).instance(slice)).collect(),
            Expected::Marked("JJJHR"),
        ),
        study(
            "胸部增强型多帧CT对象，GBK编码",
            "chest CT as one multi-frame object, text in GBK",
            "CT02",
            vec![one(Kind::EnhancedCt, 102).characters(Characters::Gbk)],
            Expected::Marked("JJJHR"),
        ),
        study(
            "胸部正位DR，仅北京范围",
            "chest radiograph, accredited in Beijing only",
            "DX01",
            vec![one(Kind::Dx, 103).characters(Characters::Utf8)],
            Expected::Marked("BJHR"),
        ),
        study(
            "头部MR，该项目未获资格",
            "head MR, an item without accreditation",
            "MR01",
            (1..=2).map(|slice| one(Kind::Mr, 104).instance(slice)).collect(),
            Expected::Unmarked("NO_SCOPE"),
        ),
        study(
            "乳腺钼靶，资格已于检查前一日到期",
            "mammogram, the accreditation ended the day before",
            "MG01",
            vec![one(Kind::Mg, 105)],
            Expected::Unmarked("EXPIRED"),
        ),
        study(
            "胸部CR，检查早于标准实施日",
            "chest CR from before the standard was in force",
            "CR01",
            vec![one(Kind::Cr, 106).study_date(Date::constant(2026, 3, 31))],
            Expected::Unmarked("PRE_STANDARD"),
        ),
        study(
            "肝胆超声，不在互认项目之列",
            "ultrasound, not on the list of items",
            "US01",
            vec![one(Kind::Us, 107), one(Kind::UsMultiFrame, 107)],
            Expected::Unmarked("NO_ITEM"),
        ),
        study(
            "外院胸部CT，原样通过",
            "another hospital's chest CT, passed as it is",
            "CT01",
            vec![one(Kind::Ct, 108).institution(FOREIGN_INSTITUTION.han)],
            Expected::Unmarked("FOREIGN"),
        ),
        study(
            "胸部CT，缺少患者ID：扣留待核",
            "chest CT without a Patient ID: held for a person",
            "CT01",
            vec![one(Kind::Ct, 109).fault(Fault::NoPatientId)],
            Expected::Held("IMG-PAT-003"),
        ),
        study(
            "屏幕截图，不属检查影像",
            "a captured screen, no examination image",
            "WS01",
            vec![one(Kind::SecondaryCapture, 101)],
            Expected::Unmarked("UNSUPPORTED_SOP"),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use std::collections::BTreeSet;

    #[test]
    fn every_outcome_is_shown() {
        let studies = demo_studies(date(2026, 8, 15));
        let outcomes: Vec<_> = studies.iter().map(|study| study.expected).collect();
        for expected in [
            Expected::Marked("JJJHR"),
            Expected::Marked("BJHR"),
            Expected::Unmarked("NO_SCOPE"),
            Expected::Unmarked("FOREIGN"),
            Expected::Unmarked("PRE_STANDARD"),
            Expected::Held("IMG-PAT-003"),
        ] {
            assert!(outcomes.contains(&expected), "{expected:?}");
        }
    }

    #[test]
    fn instances_are_distinct_and_differ_from_day_to_day() {
        let uids = |today| -> Vec<_> {
            let studies = demo_studies(today);
            studies.iter().flat_map(|s| &s.specimens).map(Specimen::sop_instance).collect()
        };
        let all: Vec<_> =
            [date(2026, 8, 15), date(2026, 8, 16)].into_iter().flat_map(uids).collect();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    }

    #[test]
    fn no_examination_lies_in_the_future_or_before_the_mark() {
        for (today, want) in [
            (date(2026, 8, 15), date(2026, 8, 14)),
            (date(2026, 4, 1), date(2026, 4, 1)),
            (date(2027, 1, 1), date(2026, 12, 31)),
        ] {
            assert_eq!(study_date(today), want);
        }
    }
}
