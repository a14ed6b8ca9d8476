//! What may be wrong with the picture of a phantom: one thing, everything else stays.

/// A change of the picture itself. Attributes are not changed along with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retouch {
    /// Every sample has this value.
    Blank(u16),
    /// All levels are squeezed into sixteen.
    Flat,
    /// What is above the middle of the range is at its end, as if over-exposed.
    Clipped,
    /// Some samples have a bit set above High Bit; in pictures of 12 bits.
    StrayBits,
    /// A tenth of the rows, in the middle, is 0.
    LostRows,
    /// A tenth of the columns, in the middle, is 0.
    LostColumns,
    /// Everything from the middle on is 0, as after an interrupted transfer.
    Interrupted,
    /// Noise alone.
    Noise,
    /// Two levels: nearly nothing, and nothing.
    Bare,
    /// Black or white, and nothing between.
    Hard,
    /// Black is white.
    Inverted,
    /// All frames are like the first.
    Still,
    /// Frames are fragments of no codec; in encapsulated syntaxes.
    Undecodable,
}

/// The picture that is changed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Canvas {
    pub(super) rows: u16,
    pub(super) columns: u16,
    /// The greatest stored value.
    pub(super) max: u16,
}

impl Retouch {
    /// The sample at a place, row by row from 0, as it is after the change.
    pub(super) fn touched(self, canvas: Canvas, place: usize, sample: u16) -> u16 {
        let Canvas { rows, columns, max } = canvas;
        let columns = usize::from(columns).max(1);
        let (row, column, rows) = (place / columns, place % columns, usize::from(rows));
        let in_middle = |at: usize, count: usize| (count * 9 / 20..count * 11 / 20).contains(&at);
        match self {
            Self::Blank(value) => value,
            Self::Flat => max / 2 + sample / (max / 16 + 1),
            Self::Clipped if sample > max / 3 => max,
            Self::StrayBits if place.is_multiple_of(101) => sample | 0x8000,
            Self::LostRows if in_middle(row, rows) => 0,
            Self::LostColumns if in_middle(column, columns) => 0,
            Self::Interrupted if row >= rows / 2 => 0,
            Self::Noise => noise(place) % max.saturating_add(1).max(1),
            Self::Bare if place.is_multiple_of(499) => max,
            Self::Bare => max / 2,
            Self::Hard if sample > max / 3 => max,
            Self::Hard => 0,
            Self::Inverted => max.saturating_sub(sample),
            Self::Clipped
            | Self::StrayBits
            | Self::LostRows
            | Self::LostColumns
            | Self::Interrupted
            | Self::Still
            | Self::Undecodable => sample,
        }
    }
}

/// Bits that look like chance and depend on the place alone.
fn noise(place: usize) -> u16 {
    let mut bits = u32::try_from(place & 0xFFFF_FFFF).unwrap_or_default();
    bits = (bits ^ (bits >> 16)).wrapping_mul(0x7FEB_352D);
    bits = (bits ^ (bits >> 15)).wrapping_mul(0x846C_A68B);
    u16::try_from((bits ^ (bits >> 16)) & 0xFFFF).unwrap_or_default()
}
