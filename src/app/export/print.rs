//! Printable pages: images on A4, with the text in their corners that a film carries.
//!
//! The pages name the patient, as films do. Their files are numbered and bear no name.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Seek as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::caption::Caption;
use super::pdf::{Page, Pdf};
use crate::app::picture::Shown;
use crate::spool::folder::place_new;
use crate::stamp::display::Picture;
use crate::stamp::glyphs::Typeface;

/// In which form pages are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrintForm {
    /// A PNG file a page.
    Png,
    /// One PDF file.
    Pdf,
}

/// What is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Print {
    /// In which form.
    pub form: PrintForm,
    /// Rows and columns of images on a page, 1 to [`MOST_CELLS`] each.
    pub grid: (u8, u8),
}

/// Rows or columns of images on a page at most: beyond, the text cannot be read.
pub const MOST_CELLS: u8 = 8;

/// A4 at 200 pixels an inch.
const WIDTH: u32 = 1654;
const HEIGHT: u32 = 2339;
const POINTS: (f32, f32) = (595.28, 841.89);

/// Around the page and between images, in pixels: 8 mm, 4 mm.
const MARGIN: u32 = 63;
const GAP: u32 = 31;

const WHITE: [u8; 3] = [255; 3];
const BLACK: [u8; 3] = [0; 3];

/// An image with what stands around it.
pub(super) struct Cell {
    /// The image.
    pub shown: Shown,
    /// The text.
    pub caption: Caption,
}

/// Lays images out on pages and writes those that are full.
pub(super) struct Printer {
    out: PathBuf,
    print: Print,
    typeface: Arc<Typeface>,
    waiting: Vec<Cell>,
    pages: usize,
    pdf: Option<Pdf<BufWriter<File>>>,
    written: Vec<PathBuf>,
}

impl Printer {
    /// Prints into the folder `out`.
    ///
    /// # Errors
    /// When it cannot be written to.
    pub(super) fn new(out: &Path, print: Print, typeface: Arc<Typeface>) -> io::Result<Self> {
        let pdf = match print.form {
            PrintForm::Png => None,
            PrintForm::Pdf => Some(Pdf::new(BufWriter::new(tempfile::tempfile_in(out)?))?),
        };
        Ok(Self {
            out: out.to_owned(),
            print,
            typeface,
            waiting: Vec::new(),
            pages: 0,
            pdf,
            written: Vec::new(),
        })
    }

    /// Takes the next image.
    ///
    /// # Errors
    /// When a page cannot be written.
    pub(super) fn add(&mut self, cell: Cell) -> io::Result<()> {
        self.waiting.push(cell);
        let (rows, columns) = self.print.grid;
        let is_full = self.waiting.len() >= usize::from(rows) * usize::from(columns);
        if is_full { self.turn() } else { Ok(()) }
    }

    /// Writes what is left, and tells the names of all files.
    ///
    /// # Errors
    /// When they cannot be written.
    pub(super) fn finish(mut self) -> io::Result<Vec<PathBuf>> {
        if !self.waiting.is_empty() {
            self.turn()?;
        }
        if let Some(pdf) = self.pdf.filter(|_| self.pages > 0) {
            let mut file = pdf.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.rewind()?;
            let name = PathBuf::from("print.pdf");
            place_new(&self.out.join(&name), BufReader::new(file))?;
            self.written.push(name);
        }
        Ok(self.written)
    }

    fn turn(&mut self) -> io::Result<()> {
        let mut sheet = Sheet::blank();
        let (rows, columns) = (u32::from(self.print.grid.0), u32::from(self.print.grid.1));
        let width = (WIDTH - 2 * MARGIN + GAP) / columns.max(1);
        let height = (HEIGHT - 2 * MARGIN + GAP) / rows.max(1);
        for (place, cell) in (0_u32..).zip(&self.waiting) {
            let area = Area {
                x: MARGIN + place % columns.max(1) * width,
                y: MARGIN + place / columns.max(1) * height,
                width: width.saturating_sub(GAP),
                height: height.saturating_sub(GAP),
            };
            sheet.print(cell, &area, &self.typeface);
        }
        self.waiting.clear();
        self.pages += 1;
        let shown = sheet.shown();
        match &mut self.pdf {
            Some(pdf) => {
                let (samples, pixels) = match &shown.picture {
                    Picture::Grey(levels) => (1, levels),
                    Picture::Rgb(parts) => (3, parts),
                };
                pdf.add(&Page { points: POINTS, size: (WIDTH, HEIGHT), samples, pixels })
            }
            None => {
                let name = PathBuf::from(format!("print-{:04}.png", self.pages));
                let png = shown.png().map_err(io::Error::other)?;
                place_new(&self.out.join(&name), png.as_slice())?;
                self.written.push(name);
                Ok(())
            }
        }
    }
}

/// A part of a page, in pixels.
struct Area {
    x: u32,
    y: u32,
    width: u32,
    height: u32,
}

/// A page.
struct Sheet {
    pixels: Vec<[u8; 3]>,
}

impl Sheet {
    fn blank() -> Self {
        Self { pixels: vec![WHITE; WIDTH as usize * HEIGHT as usize] }
    }

    fn put(&mut self, x: u32, y: u32, colour: [u8; 3]) {
        if x < WIDTH
            && let Some(pixel) = self.pixels.get_mut(y as usize * WIDTH as usize + x as usize)
        {
            *pixel = colour;
        }
    }

    /// An image as large as its text leaves room for: text stands above and below it and at its sides, never on it.
    fn print(&mut self, cell: &Cell, area: &Area, typeface: &Typeface) {
        let text = (area.width / 48).clamp(11, 30);
        let line = text + text / 2;
        let caption = &cell.caption;
        let head = line * caption.left.len().max(caption.right.len()) as u32;
        let side = 2 * text;
        let foot = 2 * line;
        let room = Area {
            x: area.x + side,
            y: area.y + head,
            width: area.width.saturating_sub(2 * side),
            height: area.height.saturating_sub(head + foot),
        };
        for (row, words) in (0_u32..).zip(&caption.left) {
            self.write(words, (area.x, area.y + row * line), area.width / 2, text, typeface);
        }
        for (row, words) in (0_u32..).zip(&caption.right) {
            let width = self.width(words, text, typeface).min(area.width / 2);
            let x = area.x + area.width - width;
            self.write(words, (x, area.y + row * line), width, text, typeface);
        }
        let Some((place, scale)) = self.image(&cell.shown, caption.aspect, &room) else { return };
        let middle = place.y + place.height / 2;
        let (left, right) = &caption.sides;
        self.write(left, (area.x, middle), side, text, typeface);
        let width = self.width(right, text, typeface);
        self.write(right, (area.x + area.width - width, middle), side, text, typeface);
        if let Some(bar) =
            caption.scale.as_ref().and_then(|scale_of| scale_of.bar(place.width, scale))
        {
            let y = place.y + place.height + line / 2;
            for x in place.x..place.x + bar.pixels {
                (y..y + 3).for_each(|y| self.put(x, y, BLACK));
            }
            for x in [place.x, place.x + bar.pixels.saturating_sub(3)] {
                (x..x + 3).for_each(|x| (y - text / 3..=y + 2).for_each(|y| self.put(x, y, BLACK)));
            }
            let start = place.x + bar.pixels + text / 2;
            let room = (area.x + area.width).saturating_sub(start);
            self.write(&bar.words, (start, y - text / 3), room, text, typeface);
        }
    }

    /// Draws an image into an area, and tells where it is and how many pixels of the page a column of it takes.
    fn image(&mut self, shown: &Shown, aspect: f64, room: &Area) -> Option<(Area, f64)> {
        let (columns, rows) = (f64::from(shown.width), f64::from(shown.height) * aspect);
        let scale = (f64::from(room.width) / columns).min(f64::from(room.height) / rows);
        let width = (columns * scale).floor() as u32;
        let height = (rows * scale).floor() as u32;
        if width == 0 || height == 0 {
            return None;
        }
        let place = Area { x: room.x + (room.width - width) / 2, y: room.y, width, height };
        for y in 0..height {
            let down = part(y, height, shown.height);
            for x in 0..width {
                let across = part(x, width, shown.width);
                let colour = mean(shown, across, down.clone());
                self.put(place.x + x, place.y + y, colour);
            }
        }
        Some((place, scale))
    }

    fn width(&self, words: &str, height: u32, typeface: &Typeface) -> u32 {
        typeface.lettering(&drawable(words, typeface), height).width
    }

    /// Writes a line, cut where there is no more room.
    fn write(
        &mut self,
        words: &str,
        (x, y): (u32, u32),
        room: u32,
        height: u32,
        typeface: &Typeface,
    ) {
        let letters = typeface.lettering(&drawable(words, typeface), height);
        for (place, ink) in (0_u32..).zip(&letters.ink) {
            let (column, row) = (place % letters.width.max(1), place / letters.width.max(1));
            if *ink > 0 && column < room {
                self.put(x + column, y + row, [255 - ink; 3]);
            }
        }
    }

    fn shown(&self) -> Shown {
        let is_grey = self.pixels.iter().all(|[red, green, blue]| red == green && green == blue);
        let picture = if is_grey {
            Picture::Grey(self.pixels.iter().map(|[grey, ..]| *grey).collect())
        } else {
            Picture::Rgb(self.pixels.as_flattened().to_vec())
        };
        Shown { width: WIDTH, height: HEIGHT, picture }
    }
}

/// The pixels of an image that fall on one of `of` pixels of the page.
fn part(place: u32, of: u32, pixels: u32) -> std::ops::Range<u32> {
    let start = u64::from(place) * u64::from(pixels) / u64::from(of);
    let end = u64::from(place + 1) * u64::from(pixels) / u64::from(of);
    start as u32..end.max(start + 1) as u32
}

fn mean(shown: &Shown, columns: std::ops::Range<u32>, rows: std::ops::Range<u32>) -> [u8; 3] {
    let mut sums = [0_u64; 3];
    let mut count = 0;
    for y in rows {
        for x in columns.clone() {
            for (sum, part) in sums.iter_mut().zip(shown.at(x, y)) {
                *sum += u64::from(part);
            }
            count += 1;
        }
    }
    sums.map(|sum| ((sum + count / 2) / count.max(1)) as u8)
}

/// The text with a question mark for what the typeface has no glyph for.
fn drawable(words: &str, typeface: &Typeface) -> String {
    let missing = typeface.missing(words);
    words.chars().map(|c| if missing.contains(&c) { '?' } else { c }).collect()
}
