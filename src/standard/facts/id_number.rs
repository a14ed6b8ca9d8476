//! Resident identity numbers of mainland China in Patient ID, and what they say of their holder.
//!
//! GB 11643-1999: six digits of an administrative division, eight of the date of birth, three that count people born there that
//! day (odd for men, even for women), and a check character by ISO 7064 MOD 11-2. A number never leaves this module: facts
//! tell whether it agrees, not what it is.

use jiff::civil::Date;

use crate::base::time::parse_da;
use crate::dicom::attribute::{AttributePath, Step};
use crate::dicom::{Tag, tags};
use crate::expression::{Environment as _, Kind, Value};
use crate::standard::subject::Subject;

use super::{Fact, about, dates, fact};

pub(super) const FACTS: &[Fact] = &[
    fact(
        "id_number_valid",
        Kind::Bool,
        about(
            "患者 ID 或其他患者 ID 中居民身份证号（GB 11643）的校验码是否正确；没有身份证号时未知",
            "whether the check character of a resident identity number (GB 11643) in Patient ID or Other Patient IDs is right; unknown without such a number",
        ),
        |s| number(s).map(|number| number.is_valid()).into(),
    ),
    fact(
        "id_number_matches_birth_date",
        Kind::Bool,
        about(
            "居民身份证号中的出生日期是否与患者出生日期相同",
            "whether the birth date in a resident identity number is Patient's Birth Date",
        ),
        |s| matches_birth_date(s).into(),
    ),
    fact(
        "id_number_matches_sex",
        Kind::Bool,
        about(
            "居民身份证号中的性别是否与患者性别相同（性别为 M 或 F 时）",
            "whether the sex in a resident identity number is Patient's Sex, where that is M or F",
        ),
        |s| matches_sex(s).into(),
    ),
];

/// Other Patient IDs, retired and still met.
const OTHER_PATIENT_IDS: Tag = Tag(0x0010, 0x1000);
/// Other IDs that are looked at.
const ITEMS: u32 = 8;
/// Provinces and their like, by the first two digits of a division (GB/T 2260).
const PROVINCES: [u8; 35] = [
    11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 41, 42, 43, 44, 45, 46, 50, 51, 52,
    53, 54, 61, 62, 63, 64, 65, 71, 81, 82, 83,
];
/// Weights of ISO 7064 MOD 11-2: powers of 2 modulo 11, the check character's own last.
const WEIGHTS: [u32; 18] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2, 1];

/// A resident identity number. It has no `Debug`, so that it cannot be printed by mistake.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct IdNumber {
    digits: [u8; 18],
    birth_date: Date,
}

impl IdNumber {
    /// Reads 17 digits and a digit or `X` that begin with a province and go on with a date. What does not is another number of
    /// that length, of which nothing is known.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let bytes: [u8; 18] = text.as_bytes().try_into().ok()?;
        let mut digits = [0; 18];
        for (place, (byte, digit)) in bytes.iter().zip(digits.iter_mut()).enumerate() {
            *digit = match byte {
                b'0'..=b'9' => byte - b'0',
                b'X' | b'x' if place == 17 => 10,
                _ => return None,
            };
        }
        let [first, second, ..] = digits;
        let birth_date = parse_da(text.get(6..14)?)?;
        let lived = (1850..2150).contains(&birth_date.year());
        (PROVINCES.contains(&(first * 10 + second)) && lived).then_some(Self { digits, birth_date })
    }

    /// Whether the check character is right.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        let products =
            self.digits.iter().zip(WEIGHTS).map(|(digit, weight)| u32::from(*digit) * weight);
        products.sum::<u32>() % 11 == 1
    }

    /// The date of birth in it.
    #[must_use]
    pub fn birth_date(&self) -> Date {
        self.birth_date
    }

    /// Whether it is a woman's.
    #[must_use]
    pub fn is_female(&self) -> bool {
        let [.., sequence, _] = self.digits;
        sequence % 2 == 0
    }
}

/// The first number in Patient ID (0010,0020), Other Patient IDs (0010,1000, retired) and Other Patient IDs Sequence
/// (0010,1002).
fn number(subject: &Subject<'_>) -> Option<IdNumber> {
    let parse = |value: &Value| value.as_text().and_then(IdNumber::parse);
    let in_retired = || match subject.attribute(OTHER_PATIENT_IDS) {
        Value::List(values) => values.iter().find_map(parse),
        single => parse(&single),
    };
    let in_sequence = || {
        (0..ITEMS).find_map(|item| {
            let steps = vec![Step { sequence: tags::OTHER_PATIENT_I_DS_SEQUENCE, item }];
            parse(&subject.nested(&AttributePath { steps, tag: tags::PATIENT_ID }))
        })
    };
    parse(&subject.attribute(tags::PATIENT_ID)).or_else(in_retired).or_else(in_sequence)
}

fn matches_birth_date(subject: &Subject<'_>) -> Option<bool> {
    Some(number(subject)?.birth_date() == dates::birth_date(subject)?)
}

fn matches_sex(subject: &Subject<'_>) -> Option<bool> {
    let number = number(subject)?;
    match subject.text(tags::PATIENT_SEX)?.as_str() {
        "F" => Some(number.is_female()),
        "M" => Some(!number.is_female()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    /// A number that nobody bears: division 110000 is a whole city. With its check character.
    fn number(birth: &str, sequence: &str) -> String {
        let stem = format!("110000{birth}{sequence}");
        let sum: u32 = stem.bytes().zip(WEIGHTS).map(|(b, w)| u32::from(b - b'0') * w).sum();
        let check = (12 - sum % 11) % 11;
        let check = if check == 10 { 'X' } else { char::from(b'0' + check as u8) };
        format!("{stem}{check}")
    }

    #[test]
    fn the_check_character_of_the_example_in_the_standard_holds() {
        // The example of GB 11643-1999 itself.
        for valid in ["11010519491231002X", "440524188001010014"] {
            assert!(IdNumber::parse(valid).is_some_and(|number| number.is_valid()));
        }
    }

    #[test]
    fn every_wrong_character_is_found() {
        let good = number("19620317", "123");
        assert!(IdNumber::parse(&good).is_some_and(|number| number.is_valid()));
        for place in 14..17 {
            let mut bad = good.clone().into_bytes();
            bad[place] = if bad[place] == b'9' { b'0' } else { bad[place] + 1 };
            let bad = String::from_utf8(bad).expect("digits");
            assert!(IdNumber::parse(&bad).is_some_and(|number| !number.is_valid()));
        }
    }

    #[test]
    fn birth_date_and_sex_are_read() {
        let man = IdNumber::parse(&number("19620317", "123")).expect("a number");
        assert_eq!((man.birth_date(), man.is_female()), (date(1962, 3, 17), false));
        let woman = IdNumber::parse(&number("19620317", "124").to_lowercase()).expect("a number");
        assert!(woman.is_female());
    }

    #[test]
    fn what_is_no_such_number_is_left_alone() {
        for other in [
            "",
            "0012345678",
            "110000196203171234567",
            "99000019620317123X",
            "11000019621317123X",
            "11000000620317123X",
            "1100001962031712X3",
            "ABCDEF19620317123X",
            "２２０００0",
        ] {
            assert!(IdNumber::parse(other).is_none());
        }
    }
}
