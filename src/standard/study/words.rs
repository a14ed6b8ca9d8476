//! What descriptions of studies and series say in passing, in Chinese and English: contrast and its phases, injuries, one side.
//!
//! Nobody types them by a standard, so what is not recognised is not denied.

use super::keys::plain;
use crate::standard::facts::contrast::{Said, said};
use crate::standard::facts::ct::{Phase, phase};
use crate::standard::facts::words::has_any;

/// What the words of a study or series speak of, as a set of flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Words(u16);

impl Words {
    /// Images with a contrast agent.
    pub const CONTRAST: Self = Self(1);
    /// Images without one.
    pub const PLAIN: Self = Self(1 << 1);
    /// The arterial phase.
    pub const ARTERIAL: Self = Self(1 << 2);
    /// The venous or portal phase.
    pub const VENOUS: Self = Self(1 << 3);
    /// A late phase.
    pub const DELAYED: Self = Self(1 << 4);
    /// An injury.
    pub const TRAUMA: Self = Self(1 << 5);
    /// One side of the body, or one that is no more.
    pub const ONE_SIDE: Self = Self(1 << 6);
    /// Vessels.
    pub const VESSELS: Self = Self(1 << 7);
    /// Two phases or more.
    pub const TWO_PHASES: Self = Self(1 << 8);
    /// Three phases or more.
    pub const THREE_PHASES: Self = Self(1 << 9);

    /// Whether all of these are spoken of.
    #[must_use]
    pub fn have(self, those: Self) -> bool {
        self.0 & those.0 == those.0
    }

    /// Adds what others speak of.
    pub fn add(&mut self, others: Self) {
        self.0 |= others.0;
    }

    /// What the description of a study, or of what was asked for, speaks of.
    #[must_use]
    pub fn of_study(text: &str) -> Self {
        let text = plain(text);
        let mut found = Self::of_contrast(&text);
        for (words, flags) in KNOWN {
            if has_any(&text, words) {
                found.add(*flags);
            }
        }
        found
    }

    /// What the description of a series speaks of.
    #[must_use]
    pub fn of_series(text: &str) -> Self {
        let text = plain(text);
        let mut found = Self::of_contrast(&text);
        match phase(&text) {
            Some(Phase::Plain) => found.add(Self::PLAIN),
            Some(Phase::Arterial) => found.add(Self::ARTERIAL),
            Some(Phase::Venous) => found.add(Self::VENOUS),
            Some(Phase::Delayed) => found.add(Self::DELAYED),
            None => {}
        }
        found
    }

    fn of_contrast(text: &str) -> Self {
        match said(text) {
            Some(Said::With) => Self::CONTRAST,
            Some(Said::Without) => Self::PLAIN,
            Some(Said::Both) => Self(Self::CONTRAST.0 | Self::PLAIN.0),
            None => Self::default(),
        }
    }

    /// The phases that are spoken of, by name.
    pub fn phases(self) -> impl Iterator<Item = &'static str> {
        let phases = [
            (Self::PLAIN, "plain"),
            (Self::ARTERIAL, "arterial"),
            (Self::VENOUS, "venous"),
            (Self::DELAYED, "delayed"),
        ];
        phases.into_iter().filter(move |(flag, _)| self.have(*flag)).map(|(_, name)| name)
    }

    /// How many phases a description promises, where it says a number.
    #[must_use]
    pub fn phases_promised(self) -> Option<i64> {
        if self.have(Self::THREE_PHASES) {
            Some(3)
        } else {
            self.have(Self::TWO_PHASES).then_some(2)
        }
    }
}

const KNOWN: &[(&[&str], Words)] = &[
    (&["CTA", "CTV", "CTPA", "血管成像"], Words::VESSELS),
    (&["外伤", "创伤", "骨折", "TRAUMA", "FRACTURE"], Words::TRAUMA),
    (
        &[
            "单侧",
            "左乳",
            "右乳",
            "左侧",
            "右侧",
            "切除",
            "UNILATERAL",
            "MASTECTOMY",
            "LEFT",
            "RIGHT",
        ],
        Words::ONE_SIDE,
    ),
    (&["双期", "两期", "二期", "2期", "BIPHASIC"], Words::TWO_PHASES),
    (
        &["三期", "3期", "多期", "TRIPHASIC", "MULTIPHASE"],
        Words(Words::TWO_PHASES.0 | Words::THREE_PHASES.0),
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(found: Words, want: &[Words]) {
        let mut all = Words::default();
        want.iter().for_each(|flags| all.add(*flags));
        assert_eq!(found, all);
    }

    #[test]
    fn descriptions_are_understood() {
        check(Words::of_study("胸部CT平扫"), &[Words::PLAIN]);
        check(Words::of_study("上腹部CT平扫+增强"), &[Words::PLAIN, Words::CONTRAST]);
        check(Words::of_study("冠脉CTA"), &[Words::CONTRAST, Words::VESSELS]);
        let three = [Words::CONTRAST, Words::TWO_PHASES, Words::THREE_PHASES];
        check(Words::of_study("肝脏三期增强"), &three);
        check(Words::of_study("头颅外伤"), &[Words::TRAUMA]);
        check(Words::of_study("左乳MLO"), &[Words::ONE_SIDE]);
        check(Words::of_study(""), &[]);
        check(Words::of_series("动脉期"), &[Words::CONTRAST, Words::ARTERIAL]);
        check(Words::of_series("ＤＥＬＡＹ 1.0"), &[Words::DELAYED]);
        check(Words::of_series("HEART"), &[]);
    }

    #[test]
    fn phases_have_names_and_are_promised_by_number() {
        let mut all = Words::of_series("动脉期");
        all.add(Words::of_series("门脉期"));
        assert_eq!(all.phases().collect::<Vec<_>>(), ["arterial", "venous"]);
        assert_eq!(all.phases_promised(), None);
        assert_eq!(Words::of_study("双期增强").phases_promised(), Some(2));
        assert_eq!(Words::of_study("三期增强").phases_promised(), Some(3));
    }
}
