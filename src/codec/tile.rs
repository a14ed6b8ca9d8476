//! A small picture that is painted on a frame.

use super::{CodecFault, FrameShape};

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

impl Tile {
    /// Its rows, from the top.
    pub fn rows(&self) -> impl Iterator<Item = &[Option<i32>]> {
        self.shades.chunks_exact(usize::from(self.width).max(1))
    }

    /// Whether it lies within a frame and the frame's samples can hold its shades.
    ///
    /// # Errors
    /// [`CodecFault::BadTile`] if not.
    pub fn fits(&self, shape: &FrameShape) -> Result<(), CodecFault> {
        let (least, greatest) = shape.range();
        let within = u32::from(self.x) + u32::from(self.width) <= u32::from(shape.columns)
            && u32::from(self.y) + u32::from(self.height) <= u32::from(shape.rows)
            && self.shades.len() == usize::from(self.width) * usize::from(self.height);
        let held = |shade: &i32| (least..=greatest).contains(&i64::from(*shade));
        if within && self.shades.iter().flatten().all(held) {
            Ok(())
        } else {
            Err(CodecFault::BadTile)
        }
    }

    /// The shape of a frame below which it is put.
    ///
    /// # Errors
    /// [`CodecFault::BadTile`] if it is not as wide as the frame, not painted throughout, or makes the frame longer than Rows
    /// can tell; [`CodecFault::TooLarge`] as [`FrameShape::checked`].
    pub fn extends(&self, shape: &FrameShape) -> Result<FrameShape, CodecFault> {
        let rows = shape.rows.checked_add(self.height).ok_or(CodecFault::BadTile)?;
        let longer = FrameShape { rows, ..*shape };
        let whole =
            self.x == 0 && self.width == shape.columns && self.shades.iter().all(Option::is_some);
        if !whole {
            return Err(CodecFault::BadTile);
        }
        Self { y: shape.rows, ..self.clone() }.fits(&longer)?;
        longer.checked()?;
        Ok(longer)
    }
}
