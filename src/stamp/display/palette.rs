//! PALETTE COLOR images (PS3.3 C.7.6.3.1.5).

use super::table::Table;

/// The tables of a palette.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Palette {
    pub(super) red: Table,
    pub(super) green: Table,
    pub(super) blue: Table,
}

/// The luminance of a colour (ITU-R BT.601), as YBR has it (PS3.3 C.7.6.3.1.2).
pub(super) fn luminance(rgb: [u8; 3]) -> u8 {
    let [red, green, blue] = rgb.map(u32::from);
    ((299 * red + 587 * green + 114 * blue + 500) / 1000) as u8
}

impl Palette {
    /// The colour of an index.
    pub(super) fn colour(&self, index: i64) -> [u8; 3] {
        [&self.red, &self.green, &self.blue].map(|table| {
            let (entry, max) = (u32::from(table.at(index)), u32::from(table.max.max(1)));
            ((entry * 255 + max / 2) / max) as u8
        })
    }

    pub(super) fn level(&self, index: i64) -> u8 {
        luminance(self.colour(index))
    }

    /// The indices that have entries of their own, lowest and highest.
    pub(super) fn inputs(&self) -> (i64, i64) {
        self.red.inputs()
    }
}
