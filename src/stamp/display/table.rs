//! Lookup tables: Modality LUT, VOI LUT, color palettes (PS3.3 C.11.1.1, C.11.2.1.1, C.7.6.3.1.5).

use crate::object::{Element, HeaderView};

use super::DisplayFault;

/// A lookup table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    /// The input of the first entry; lower ones are given it too.
    first: i64,
    entries: Vec<u16>,
    /// The greatest value that an entry can have.
    pub(super) max: u16,
}

impl Table {
    /// Reads a table of a descriptor (entries, first input, bits) and its data.
    pub(super) fn read(
        view: &HeaderView,
        descriptor: &Element,
        data: &Element,
        signed: bool,
    ) -> Result<Self, DisplayFault> {
        let numbers = view.numbers(descriptor);
        let [count, first, bits] = numbers.as_slice() else { return Err(DisplayFault::Table) };
        let count = if *count == 0.0 { 65_536 } else { *count as usize };
        // A descriptor is US or SS by one rule for all three values; writers take the wrong one.
        let first = *first as i64;
        let first = if signed && first > 0x7FFF { first - 0x1_0000 } else { first };
        let first = if !signed && first < 0 { first + 0x1_0000 } else { first };
        let bytes = view.bytes(data).ok_or(DisplayFault::Table)?;
        let big = data.encoding().is_big_endian();
        let bits = *bits as u32;
        let word = |pair: &[u8]| match pair {
            [a, b] if big => u16::from_be_bytes([*a, *b]),
            [a, b] => u16::from_le_bytes([*a, *b]),
            _ => 0,
        };
        let words = || bytes.chunks_exact(2).map(word);
        let entries: Vec<u16> = match bits {
            // Entries of 8 bits are packed, or padded to 16.
            8 if bytes.len() < count * 2 && big => {
                words().flat_map(u16::to_le_bytes).map(u16::from).take(count).collect()
            }
            8 if bytes.len() < count * 2 => {
                bytes.iter().copied().map(u16::from).take(count).collect()
            }
            8..=16 => words().take(count).collect(),
            _ => return Err(DisplayFault::Table),
        };
        if entries.len() != count {
            return Err(DisplayFault::Table);
        }
        let max = u16::MAX >> (16 - bits);
        Ok(Self { first, entries: entries.into_iter().map(|entry| entry.min(max)).collect(), max })
    }

    /// The entry of an input; beyond either end the last one there.
    pub(super) fn at(&self, input: i64) -> u16 {
        let last = self.entries.len().saturating_sub(1) as i64;
        let place = (input - self.first).clamp(0, last) as usize;
        self.entries.get(place).copied().unwrap_or_default()
    }

    /// The inputs that have entries of their own, lowest and highest.
    pub(super) fn inputs(&self) -> (i64, i64) {
        (self.first, self.first + self.entries.len().saturating_sub(1) as i64)
    }
}
