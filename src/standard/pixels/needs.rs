//! What facts need: a frame is looked at for what is asked for, and for nothing else.

/// What is to be found out about a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Needs(u8);

impl Needs {
    /// That it can be had, and whether it has one value throughout.
    pub(super) const FRAME: Self = Self(1);
    /// How often each value occurs.
    pub(super) const VALUES: Self = Self(Self::FRAME.0 | 1 << 1);
    /// Constant rows and columns.
    pub(super) const STRUCTURE: Self = Self(Self::FRAME.0 | 1 << 2);
    /// What lies in its border; the values tell what a border is.
    pub(super) const BORDER: Self = Self(Self::VALUES.0 | 1 << 3);
    /// How alike neighbours are.
    pub(super) const LIKENESS: Self = Self(Self::FRAME.0 | 1 << 4);
    /// Whether frames are the same.
    pub(super) const SAMENESS: Self = Self(Self::FRAME.0 | 1 << 5);
    /// The hash of the first.
    pub(super) const HASH: Self = Self(Self::FRAME.0 | 1 << 6);

    /// These and those.
    #[must_use]
    pub(crate) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of the others are among these.
    pub(super) const fn cover(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}
