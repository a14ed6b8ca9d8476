//! Letters as coverage: a line of text, rendered once per size, with the outline that keeps it legible on any ground.
//!
//! There is no hinting to lean on, so the lines that the eye holds on to are put on whole pixels: the lower edge of
//! capitals and of Han characters, the height of both, and the origin of each glyph. Rendering is a function of
//! typeface, text and height: plain IEEE arithmetic in a fixed order, no fused operations, no system fonts.

mod cache;
mod lettering;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use ab_glyph::{Font as _, FontArc, FontRef, FontVec};

use cache::Cache;
pub use lettering::Lettering;

/// The typeface that the program brings along: a subset of Noto Sans SC.
const BUILT_IN: &[u8] = include_bytes!("../typeface/markgate-sans-sc.ttf");

/// The tallest text that is rendered, in pixels: 1 % of 65535 rows and some to spare.
pub const TALLEST: u32 = 1024;

/// Why a typeface cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadTypeface {
    /// The bytes are no TrueType or OpenType font or collection, or the collection has no such member.
    #[error("not a TrueType or OpenType font, or the collection has no font {index}")]
    NotAFont {
        /// Which font of the collection was asked for, from 0.
        index: u32,
    },
}

/// A typeface, with the lines that have been rendered in it. Cloning shares both.
#[derive(Clone)]
pub struct Typeface {
    font: FontArc,
    rendered: Arc<Mutex<Cache>>,
}

impl Typeface {
    /// The typeface that the program brings along: ASCII, Latin-1, GB 2312, and the characters beyond it that names of
    /// hospitals and people in Beijing, Tianjin and Hebei need.
    ///
    /// # Errors
    /// [`BadTypeface`] when the program was built with a damaged one; a test sees to it.
    pub fn built_in() -> Result<Self, BadTypeface> {
        let font = FontRef::try_from_slice(BUILT_IN);
        Ok(Self::of(FontArc::new(font.map_err(|_| BadTypeface::NotAFont { index: 0 })?)))
    }

    /// A typeface from the bytes of a file: TrueType or OpenType, of a collection the font `index`, from 0.
    ///
    /// # Errors
    /// See [`BadTypeface`].
    pub fn from_bytes(bytes: Vec<u8>, index: u32) -> Result<Self, BadTypeface> {
        let font = FontVec::try_from_vec_and_index(bytes, index);
        Ok(Self::of(FontArc::new(font.map_err(|_| BadTypeface::NotAFont { index })?)))
    }

    fn of(font: FontArc) -> Self {
        Self { font, rendered: Arc::default() }
    }

    /// The characters of a text that the typeface has no glyph for, each once, in the order of the text. A text that has
    /// any must not be drawn: a configuration that needs one is refused.
    #[must_use]
    pub fn missing(&self, text: &str) -> Vec<char> {
        let mut missing = Vec::new();
        for character in text.chars() {
            let has_none = character.is_control() || self.font.glyph_id(character).0 == 0;
            if has_none && !missing.contains(&character) {
                missing.push(character);
            }
        }
        missing
    }

    /// A line of text whose Han characters are `height` pixels tall, from 1 to [`TALLEST`]; rendered when it is first
    /// asked for and kept while it is among those asked for last.
    #[must_use]
    pub fn lettering(&self, text: &str, height: u32) -> Arc<Lettering> {
        let height = height.clamp(1, TALLEST);
        // Whoever panicked under this lock left a list of whole entries behind.
        let lock = || self.rendered.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = lock().find(text, height) {
            return found;
        }
        let rendered = Arc::new(Lettering::render(&self.font, text, height));
        lock().keep(text, height, Arc::clone(&rendered));
        rendered
    }
}

impl fmt::Debug for Typeface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Typeface").field("glyphs", &self.font.glyph_count()).finish_non_exhaustive()
    }
}
