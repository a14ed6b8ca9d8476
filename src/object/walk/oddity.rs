//! Departures from the standard that do not keep a data set from being walked.

use std::fmt;

/// A way in which a data set departs from the standard and can be walked all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum Oddity {
    /// The data set is not in the encoding that its transfer syntax stands for.
    Mislabelled = 1,
    /// A sequence or item of undefined length has no delimiter.
    MissingDelimiter = 1 << 1,
    /// A delimiter where nothing was open, or within something of explicit length.
    StrayDelimiter = 1 << 2,
    /// A delimiter whose length is not 0 (PS3.5 §7.5).
    DelimiterLength = 1 << 3,
    /// Two letters, or other bytes, that are no VR of PS3.5 table 6.2-1.
    UnknownVr = 1 << 4,
    /// Something that should be a sequence and does not begin with an item; carried as bytes.
    SequenceWithoutItems = 1 << 5,
    /// A value of odd length (PS3.5 §7.1).
    OddLength = 1 << 6,
    /// One padding byte after a last value of odd length, not counted in it.
    PadByte = 1 << 7,
    /// Tags that do not rise, or one that comes twice (PS3.5 §7.1).
    Order = 1 << 8,
    /// An item in another encoding than what surrounds it.
    ForeignItem = 1 << 9,
    /// An element VR UN that holds a sequence of the dictionary (PS3.5 §6.2.2).
    SequenceAsUnknown = 1 << 10,
    /// The data set is deflated with a zlib header, where PS3.5 §A.5 wants none.
    ZlibHeader = 1 << 11,
    /// More than one padding byte after the end of the deflate stream.
    DeflateTrailer = 1 << 12,
}

impl Oddity {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Mislabelled,
        Self::MissingDelimiter,
        Self::StrayDelimiter,
        Self::DelimiterLength,
        Self::UnknownVr,
        Self::SequenceWithoutItems,
        Self::OddLength,
        Self::PadByte,
        Self::Order,
        Self::ForeignItem,
        Self::SequenceAsUnknown,
        Self::ZlibHeader,
        Self::DeflateTrailer,
    ];
}

/// The oddities met, each once.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Oddities(u16);

impl fmt::Debug for Oddities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl Oddities {
    /// Whether this one was met.
    #[must_use]
    pub fn contains(self, oddity: Oddity) -> bool {
        self.0 & oddity as u16 != 0
    }

    /// Whether none was met.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those that were met.
    pub fn iter(self) -> impl Iterator<Item = Oddity> {
        Oddity::ALL.into_iter().filter(move |oddity| self.contains(*oddity))
    }

    pub(in crate::object) fn note(&mut self, oddity: Oddity) {
        self.0 |= oddity as u16;
    }
}
