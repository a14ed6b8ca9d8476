//! One line of text, rendered.

use ab_glyph::{Font as _, FontArc, Glyph, GlyphId, PxScale, point};

/// The Han character that heights are measured on: a frame, so its outermost strokes are its edges.
const HAN: char = '国';

/// The Latin letter that capitals are measured on.
const CAPITAL: char = 'H';

/// Coverage from which on a pixel casts an outline. Fainter ones are the blur of an edge, and would make the outline
/// twice as wide on one side as on the other.
const CASTS: u8 = 96;

/// A line of text, rendered. Its rectangle holds glyphs and outline and nothing around them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lettering {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// How much of each pixel the glyphs cover, 0 to 255; row by row.
    pub ink: Vec<u8>,
    /// Whether a pixel is within the outline or the glyphs; row by row.
    pub halo: Vec<bool>,
}

/// How wide the outline is around text of a height, both in pixels.
fn outline(height: u32) -> u32 {
    (height / 14).clamp(1, 24)
}

impl Lettering {
    pub(super) fn render(font: &FontArc, text: &str, height: u32) -> Self {
        let measure = Measure::new(font, height);
        let mut canvas = Canvas::default();
        let mut pen = 0.0_f32;
        for character in text.chars() {
            let id = font.glyph_id(character);
            let (scale, lift) =
                if is_latin(character) { (measure.latin, 0.0) } else { (measure.em, measure.lift) };
            // Origins on whole pixels: the same character looks the same wherever it stands.
            let glyph = Glyph { id, scale, position: point(pen, -lift) };
            pen += measure.advance(font, id);
            if let Some(outlined) = font.outline_glyph(glyph) {
                let bounds = outlined.px_bounds();
                canvas.patches.push(Patch::of(bounds, |draw| outlined.draw(draw)));
            }
        }
        canvas.flatten(measure.firmness, outline(height))
    }
}

/// Whether a character belongs to the capitals' line; any other is placed as Han.
fn is_latin(character: char) -> bool {
    u32::from(character) < 0x2000
}

/// Scales and shifts for one height.
struct Measure {
    em: PxScale,
    /// How far Han characters are lifted so that their lower edge lies between two rows.
    lift: f32,
    /// Of Latin letters, stretched so that capitals are whole pixels tall.
    latin: PxScale,
    /// How coverage is strengthened: thin strokes at small sizes cover no pixel whole.
    firmness: f32,
}

impl Measure {
    fn new(font: &FontArc, height: u32) -> Self {
        let tall = height as f32;
        // A scale of ab_glyph is ascent and descent together, not the em.
        let unit = font.height_unscaled();
        let (low, high) = extent(font, HAN).unwrap_or((-0.08 * unit / 1.4, 0.84 * unit / 1.4));
        let scale = tall / (high - low);
        let em = PxScale::from(scale * unit);
        let drop = low * scale;
        let capital = extent(font, CAPITAL).map_or(0.0, |(low, high)| (high - low) * scale);
        let stretch = if capital >= 1.0 { capital.round() / capital } else { 1.0 };
        let latin = PxScale { x: em.x, y: em.y * stretch };
        let firmness = if height < 32 { 1.0 + (32.0 - tall) / 40.0 } else { 1.0 };
        Self { em, lift: drop.round() - drop, latin, firmness }
    }

    fn advance(&self, font: &FontArc, id: GlyphId) -> f32 {
        (font.h_advance_unscaled(id) * self.em.x / font.height_unscaled()).round()
    }
}

/// Lower and upper edge of a character above the baseline, in units of the font.
fn extent(font: &FontArc, character: char) -> Option<(f32, f32)> {
    let bounds = font.outline(font.glyph_id(character))?.bounds;
    let (low, high) = (bounds.min.y.min(bounds.max.y), bounds.min.y.max(bounds.max.y));
    (high > low).then_some((low, high))
}

/// The coverage of one glyph, and where it goes.
struct Patch {
    x: i32,
    y: i32,
    width: usize,
    ink: Vec<f32>,
}

impl Patch {
    fn of(bounds: ab_glyph::Rect, draw: impl FnOnce(&mut dyn FnMut(u32, u32, f32))) -> Self {
        let (width, height) = (bounds.width().ceil() as usize, bounds.height().ceil() as usize);
        let mut ink = vec![0.0; width * height];
        draw(&mut |x, y, cover| {
            if let Some(there) = ink.get_mut(y as usize * width + x as usize) {
                *there = cover;
            }
        });
        Self { x: bounds.min.x as i32, y: bounds.min.y as i32, width: width.max(1), ink }
    }

    fn rows(&self) -> i32 {
        (self.ink.len() / self.width) as i32
    }
}

#[derive(Default)]
struct Canvas {
    patches: Vec<Patch>,
}

impl Canvas {
    /// All glyphs in one rectangle, with an outline of `radius` around them.
    fn flatten(&self, firmness: f32, radius: u32) -> Lettering {
        let patches = || self.patches.iter().filter(|patch| !patch.ink.is_empty());
        let edges = (
            patches().map(|patch| patch.x).min(),
            patches().map(|patch| patch.y).min(),
            patches().map(|patch| patch.x + patch.width as i32).max(),
            patches().map(|patch| patch.y + patch.rows()).max(),
        );
        let (Some(left), Some(top), Some(right), Some(bottom)) = edges else {
            return Lettering::default();
        };
        let (left, top) = (left - radius as i32, top - radius as i32);
        let width = (right - left) as usize + radius as usize;
        let height = (bottom - top) as usize + radius as usize;
        let mut ink = vec![0_u8; width * height];
        for patch in patches() {
            let column = (patch.x - left) as usize;
            for (line, covers) in patch.ink.chunks(patch.width).enumerate() {
                let start = ((patch.y - top) as usize + line) * width + column;
                let row = ink.iter_mut().skip(start);
                for (there, cover) in row.zip(covers) {
                    let cover = (cover * firmness * 255.0 + 0.5).clamp(0.0, 255.0) as u8;
                    *there = (*there).max(cover);
                }
            }
        }
        let halo = halo(&ink, width, radius as usize);
        Lettering { width: width as u32, height: height as u32, ink, halo }.trimmed()
    }
}

/// Every pixel that is covered or within `radius` of one that is.
fn halo(ink: &[u8], width: usize, radius: usize) -> Vec<bool> {
    let mut halo: Vec<bool> = ink.iter().map(|cover| *cover > 0).collect();
    let reach = (radius as f32 + 0.5) * (radius as f32 + 0.5);
    let rows = ink.len() / width.max(1);
    for dy in 0..=radius {
        let dx = (reach - (dy * dy) as f32).sqrt() as usize;
        for row in 0..rows {
            let line = ink.get(row * width..(row + 1) * width).unwrap_or_default();
            for column in line.iter().enumerate().filter(|(_, c)| **c >= CASTS).map(|(at, _)| at) {
                let span = column.saturating_sub(dx)..(column + dx + 1).min(width);
                for target in [row.checked_sub(dy), Some(row + dy).filter(|to| *to < rows)] {
                    let Some(target) = target else { continue };
                    let start = target * width;
                    let there = halo.get_mut(start + span.start..start + span.end);
                    there.into_iter().flatten().for_each(|pixel| *pixel = true);
                }
            }
        }
    }
    halo
}

impl Lettering {
    /// Without the empty rows and columns at its edges.
    fn trimmed(self) -> Self {
        let width = self.width as usize;
        let rows = || self.halo.chunks(width.max(1));
        let used = |row: &[bool]| row.iter().any(|pixel| *pixel);
        let top = rows().position(used).unwrap_or(0);
        let bottom = rows().rposition(used).map_or(0, |last| last + 1);
        let first = |row: &[bool]| row.iter().position(|pixel| *pixel);
        let last = |row: &[bool]| row.iter().rposition(|pixel| *pixel);
        let left = rows().filter_map(first).min().unwrap_or(0);
        let right = rows().filter_map(last).max().map_or(0, |last| last + 1);
        let cut = |row: usize| row * width + left..row * width + right;
        let ink = (top..bottom).filter_map(|row| self.ink.get(cut(row))).flatten().copied();
        let halo = (top..bottom).filter_map(|row| self.halo.get(cut(row))).flatten().copied();
        Self {
            width: right.saturating_sub(left) as u32,
            height: bottom.saturating_sub(top) as u32,
            ink: ink.collect(),
            halo: halo.collect(),
        }
    }
}
