//! Who and where: invented patients, an invented hospital, and UIDs, all from a seed.

use jiff::civil::Date;
use uuid::Uuid;

/// The namespace of the phantoms' UUIDs, itself a UUID of version 5 of this crate's name.
const NAMESPACE: Uuid = Uuid::from_u128(0x7b0f_5d5c_98a3_5a5e_8f0e_2b0f_6d61_726b);

/// The hospital of the phantoms. It does not exist.
pub const INSTITUTION: Words =
    Words { han: "北京示范医院", latin: "Beijing Demonstration Hospital" };

/// Another hospital that does not exist.
pub const FOREIGN_INSTITUTION: Words =
    Words { han: "天津样例医院", latin: "Tianjin Sample Hospital" };

/// A text in both scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Words {
    /// In Chinese characters.
    pub han: &'static str,
    /// In Latin letters.
    pub latin: &'static str,
}

/// An invented person.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) family: Words,
    pub(super) given: Words,
    pub(super) id: String,
    pub(super) is_female: bool,
    /// Completed years on the study date.
    pub(super) age: i16,
}

/// Family names, several of which the census counts in millions; none belongs to anyone here.
const FAMILIES: [Words; 8] = [
    Words { han: "王", latin: "Wang" },
    Words { han: "李", latin: "Li" },
    Words { han: "张", latin: "Zhang" },
    Words { han: "刘", latin: "Liu" },
    Words { han: "陈", latin: "Chen" },
    Words { han: "杨", latin: "Yang" },
    Words { han: "赵", latin: "Zhao" },
    Words { han: "周", latin: "Zhou" },
];

const GIVEN: [(Words, bool); 8] = [
    (Words { han: "小明", latin: "Xiaoming" }, false),
    (Words { han: "建国", latin: "Jianguo" }, false),
    (Words { han: "丽华", latin: "Lihua" }, true),
    (Words { han: "秀英", latin: "Xiuying" }, true),
    (Words { han: "海涛", latin: "Haitao" }, false),
    (Words { han: "雪梅", latin: "Xuemei" }, true),
    (Words { han: "志强", latin: "Zhiqiang" }, false),
    (Words { han: "晓燕", latin: "Xiaoyan" }, true),
];

impl Person {
    /// The person of a seed; `female` where the examination says so.
    pub(super) fn new(seed: u64, female: bool) -> Self {
        let draw = |label: &str, count: usize| choose(seed, label, count);
        let family = FAMILIES.get(draw("family", FAMILIES.len())).copied();
        let given: Vec<_> = GIVEN.iter().filter(|(_, is_female)| !female || *is_female).collect();
        let (given, is_female) = given
            .get(draw("given", given.len()))
            .map_or((Words { han: "晓燕", latin: "Xiaoyan" }, true), |found| **found);
        Self {
            family: family.unwrap_or(Words { han: "王", latin: "Wang" }),
            given,
            id: format!("P{:07}", draw("patient", 10_000_000)),
            is_female,
            age: 40 + i16::try_from(draw("age", 35)).unwrap_or_default(),
        }
    }

    /// The name as VR PN: the alphabetic group, and in the ideographic one the characters, where the set has them.
    pub(super) fn name(&self, chinese: bool) -> String {
        let latin = format!("{}^{}", self.family.latin, self.given.latin);
        if chinese { format!("{latin}={}{}", self.family.han, self.given.han) } else { latin }
    }

    /// A birth date that gives [`Self::age`] on `study_date`.
    pub(super) fn birth_date(&self, study_date: Date) -> Date {
        let months = 1 + i8::try_from(choose(u64::from(self.is_female), &self.id, 11)).unwrap_or(0);
        // The first of a month exists in every year, and lies at most a year before the birthday.
        let year = study_date.year() - self.age;
        let birthday = Date::new(year, months, 1).unwrap_or(study_date);
        if (birthday.month(), 1) <= (study_date.month(), study_date.day()) {
            birthday
        } else {
            Date::new(year - 1, months, 1).unwrap_or(study_date)
        }
    }
}

/// A UID under 2.25, derived from a UUID (PS3.5 §B.2), that depends on the seed and what it is for alone.
pub(super) fn uid(seed: u64, what: &str) -> String {
    format!("2.25.{}", Uuid::new_v5(&NAMESPACE, format!("{seed}/{what}").as_bytes()).as_u128())
}

/// A number below `count` that depends on the seed and what it is for alone.
pub(super) fn choose(seed: u64, what: &str, count: usize) -> usize {
    let bits = Uuid::new_v5(&NAMESPACE, format!("{seed}#{what}").as_bytes()).as_u128();
    let count = u128::try_from(count.max(1)).unwrap_or(1);
    usize::try_from(bits % count).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dicom::uid::Uid;
    use jiff::civil::date;

    #[test]
    fn uids_are_good_and_differ() {
        let uids: Vec<_> = (0..100).map(|seed| uid(seed, "study")).collect();
        for one in &uids {
            assert_eq!(Uid::new(one).fault(), None, "{one}");
        }
        let distinct: std::collections::BTreeSet<_> = uids.iter().collect();
        assert_eq!(distinct.len(), 100);
        assert_eq!(uid(1, "study"), uid(1, "study"));
        assert_ne!(uid(1, "study"), uid(1, "series"));
    }

    #[test]
    fn a_birth_date_gives_the_age() {
        for seed in 0..200 {
            let person = Person::new(seed, false);
            let study = date(2026, 7, 15);
            let birth = person.birth_date(study);
            let had_birthday = (birth.month(), birth.day()) <= (study.month(), study.day());
            let age = study.year() - birth.year() - i16::from(!had_birthday);
            assert_eq!(age, person.age, "{birth}");
        }
    }
}
