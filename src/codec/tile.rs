//! A small picture that is painted on a frame.

/// Shades for some of the pixels of a rectangle.
///
/// A shade is a stored value: of a monochrome image the value itself, of a palette the index, of RGB all three samples, of
/// YBR the luminance between neutral chrominances (half of the range).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tile {
    /// First column, counted from 0.
    pub x: u16,
    /// First row, counted from 0.
    pub y: u16,
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
    /// The shade of each pixel, row by row; `None` where the frame stays as it is. `width` × `height` of them.
    pub shades: Vec<Option<i32>>,
}
