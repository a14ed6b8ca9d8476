//! Regions of the body, and what a word of the lexicon says of them.

use std::ops::BitOr;

/// Regions of the body: a set. A part that belongs to two regions is in both, so that a spine and the trunk around it, or a
/// bone and the joints at its ends, do not contradict each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Regions(u32);

/// Every single region with its name.
const NAMES: [(Regions, &str); 18] = [
    (Regions::HEAD, "HEAD"),
    (Regions::NECK, "NECK"),
    (Regions::CHEST, "CHEST"),
    (Regions::BREAST, "BREAST"),
    (Regions::ABDOMEN, "ABDOMEN"),
    (Regions::PELVIS, "PELVIS"),
    (Regions::SHOULDER, "SHOULDER"),
    (Regions::UPPER_ARM, "UPPER ARM"),
    (Regions::ELBOW, "ELBOW"),
    (Regions::FOREARM, "FOREARM"),
    (Regions::WRIST, "WRIST"),
    (Regions::HAND, "HAND"),
    (Regions::HIP, "HIP"),
    (Regions::THIGH, "THIGH"),
    (Regions::KNEE, "KNEE"),
    (Regions::LOWER_LEG, "LOWER LEG"),
    (Regions::ANKLE, "ANKLE"),
    (Regions::FOOT, "FOOT"),
];

impl Regions {
    pub(super) const NONE: Self = Self(0);
    pub(super) const HEAD: Self = Self(1);
    pub(super) const NECK: Self = Self(1 << 1);
    pub(super) const CHEST: Self = Self(1 << 2);
    pub(super) const BREAST: Self = Self(1 << 3);
    pub(super) const ABDOMEN: Self = Self(1 << 4);
    pub(super) const PELVIS: Self = Self(1 << 5);
    pub(super) const SHOULDER: Self = Self(1 << 6);
    pub(super) const UPPER_ARM: Self = Self(1 << 7);
    pub(super) const ELBOW: Self = Self(1 << 8);
    pub(super) const FOREARM: Self = Self(1 << 9);
    pub(super) const WRIST: Self = Self(1 << 10);
    pub(super) const HAND: Self = Self(1 << 11);
    pub(super) const HIP: Self = Self(1 << 12);
    pub(super) const THIGH: Self = Self(1 << 13);
    pub(super) const KNEE: Self = Self(1 << 14);
    pub(super) const LOWER_LEG: Self = Self(1 << 15);
    pub(super) const ANKLE: Self = Self(1 << 16);
    pub(super) const FOOT: Self = Self(1 << 17);
    pub(super) const UPPER_LIMB: Self = Self(0x0FC0);
    pub(super) const LOWER_LIMB: Self = Self(0x3_F000);
    pub(super) const ALL: Self = Self(0x3_FFFF);

    pub(super) const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether two sets have a region in common.
    #[must_use]
    pub fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Their names, from head to foot.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        NAMES.iter().filter(move |(region, _)| self.meets(*region)).map(|(_, name)| *name)
    }
}

impl BitOr for Regions {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.and(other)
    }
}

/// A sex that has what the other has not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sex {
    /// Patient's Sex `F`.
    Female,
    /// Patient's Sex `M`.
    Male,
}

/// What a word or a code of the lexicon names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Term {
    pub(super) regions: Regions,
    /// Whether there is one on either side of the body, imaged one at a time.
    pub(super) paired: bool,
    /// Whose alone it is.
    pub(super) sex: Option<Sex>,
}

impl Term {
    const fn of(regions: Regions) -> Self {
        Self { regions, paired: false, sex: None }
    }

    const fn paired(regions: Regions) -> Self {
        Self { regions, paired: true, sex: None }
    }

    const fn only(self, sex: Sex) -> Self {
        Self { regions: self.regions, paired: self.paired, sex: Some(sex) }
    }
}

pub(super) const NOTHING: Term = Term::of(Regions::NONE);
pub(super) const HEAD: Term = Term::of(Regions::HEAD);
pub(super) const NECK: Term = Term::of(Regions::NECK);
pub(super) const HEAD_NECK: Term = Term::of(Regions::HEAD.and(Regions::NECK));
pub(super) const CHEST: Term = Term::of(Regions::CHEST);
pub(super) const NECK_CHEST: Term = Term::of(Regions::NECK.and(Regions::CHEST));
pub(super) const GULLET: Term = Term::of(Regions::NECK.and(Regions::CHEST).and(Regions::ABDOMEN));
pub(super) const BREAST: Term = Term::paired(Regions::BREAST.and(Regions::CHEST));
pub(super) const ABDOMEN: Term = Term::of(Regions::ABDOMEN);
pub(super) const PELVIS: Term = Term::of(Regions::PELVIS);
pub(super) const PELVIC_BONE: Term = Term::of(Regions::PELVIS.and(Regions::HIP));
pub(super) const BELLY: Term = Term::of(Regions::ABDOMEN.and(Regions::PELVIS));
pub(super) const CHEST_ABDOMEN: Term = Term::of(Regions::CHEST.and(Regions::ABDOMEN));
pub(super) const TRUNK: Term = Term::of(Regions::CHEST.and(Regions::ABDOMEN).and(Regions::PELVIS));
pub(super) const NECK_TRUNK: Term =
    Term::of(Regions::NECK.and(Regions::CHEST).and(Regions::ABDOMEN).and(Regions::PELVIS));
pub(super) const WHOLE: Term = Term::of(Regions::ALL);
pub(super) const SHOULDER: Term = Term::paired(Regions::SHOULDER);
pub(super) const GIRDLE: Term = Term::paired(Regions::SHOULDER.and(Regions::CHEST));
pub(super) const UPPER_ARM: Term =
    Term::paired(Regions::SHOULDER.and(Regions::UPPER_ARM).and(Regions::ELBOW));
pub(super) const ELBOW: Term = Term::paired(Regions::ELBOW);
pub(super) const FOREARM: Term =
    Term::paired(Regions::ELBOW.and(Regions::FOREARM).and(Regions::WRIST));
pub(super) const WRIST: Term = Term::paired(Regions::WRIST);
pub(super) const CARPUS: Term = Term::paired(Regions::WRIST.and(Regions::HAND));
pub(super) const HAND: Term = Term::paired(Regions::HAND);
pub(super) const UPPER_LIMB: Term = Term::paired(Regions::UPPER_LIMB);
pub(super) const HIP: Term = Term::paired(Regions::HIP.and(Regions::PELVIS));
pub(super) const THIGH: Term = Term::paired(Regions::HIP.and(Regions::THIGH).and(Regions::KNEE));
pub(super) const KNEE: Term = Term::paired(Regions::KNEE);
pub(super) const LOWER_LEG: Term =
    Term::paired(Regions::KNEE.and(Regions::LOWER_LEG).and(Regions::ANKLE));
pub(super) const ANKLE: Term = Term::paired(Regions::ANKLE);
pub(super) const HEEL: Term = Term::paired(Regions::ANKLE.and(Regions::FOOT));
pub(super) const FOOT: Term = Term::paired(Regions::FOOT);
pub(super) const LOWER_LIMB: Term = Term::paired(Regions::LOWER_LIMB);
pub(super) const LIMBS: Term = Term::paired(Regions::UPPER_LIMB.and(Regions::LOWER_LIMB));
pub(super) const PELVIS_LEGS: Term = Term::of(Regions::PELVIS.and(Regions::LOWER_LIMB));
pub(super) const FEMALE: Term = Term::of(Regions::PELVIS).only(Sex::Female);
pub(super) const PREGNANCY: Term =
    Term::of(Regions::ABDOMEN.and(Regions::PELVIS)).only(Sex::Female);
pub(super) const MALE: Term = Term::of(Regions::PELVIS).only(Sex::Male);
