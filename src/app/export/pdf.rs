//! Pages that are one picture each, as PDF 1.4 (ISO 32000-1).
//!
//! Written as a stream, so that a thousand pages need the memory of one. Without times, names or other traces of who made it:
//! same pages, same bytes.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::ZlibEncoder;

/// The object numbers of the catalogue and of the list of pages.
const CATALOGUE: usize = 1;
const PAGES: usize = 2;

/// A file in the making.
pub(super) struct Pdf<W> {
    out: W,
    at: u64,
    /// Where objects stand, by number from 1; 0 until they are written.
    objects: Vec<u64>,
    pages: Vec<usize>,
}

/// One page: a picture that fills it.
pub(super) struct Page<'a> {
    /// Of the paper, in points of 1/72 inch.
    pub points: (f32, f32),
    /// Of the picture, in pixels.
    pub size: (u32, u32),
    /// Samples a pixel: 1 grey, 3 red, green and blue.
    pub samples: u8,
    /// Its pixels.
    pub pixels: &'a [u8],
}

impl<W: Write> Pdf<W> {
    /// Begins a file.
    ///
    /// # Errors
    /// When it cannot be written; so with all that follow.
    pub(super) fn new(out: W) -> io::Result<Self> {
        let mut pdf = Self { out, at: 0, objects: vec![0; PAGES], pages: Vec::new() };
        pdf.put(b"%PDF-1.4\n%\xE2\xE3\xCF\xD3\n")?;
        pdf.object(CATALOGUE, format!("<</Type/Catalog/Pages {PAGES} 0 R>>").as_bytes())?;
        Ok(pdf)
    }

    /// Adds a page.
    pub(super) fn add(&mut self, page: &Page<'_>) -> io::Result<()> {
        let [image, content, leaf] = [0; 3].map(|_| {
            self.objects.push(0);
            self.objects.len()
        });
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(page.pixels)?;
        let packed = encoder.finish()?;
        let (columns, rows) = page.size;
        let space = if page.samples == 1 { "DeviceGray" } else { "DeviceRGB" };
        let entries = format!(
            "/Type/XObject/Subtype/Image/Width {columns}/Height {rows}/ColorSpace/{space}\
             /BitsPerComponent 8/Filter/FlateDecode"
        );
        self.stream(image, &entries, &packed)?;
        let (width, height) = page.points;
        let drawing = format!("{width:.2} 0 0 {height:.2} 0 0 cm /P Do");
        self.stream(content, "", drawing.as_bytes())?;
        let entries = format!(
            "<</Type/Page/Parent {PAGES} 0 R/MediaBox[0 0 {width:.2} {height:.2}]\
             /Resources<</XObject<</P {image} 0 R>>>>/Contents {content} 0 R>>"
        );
        self.object(leaf, entries.as_bytes())?;
        self.pages.push(leaf);
        Ok(())
    }

    /// Ends the file, and gives what it was written to.
    pub(super) fn finish(mut self) -> io::Result<W> {
        let kids: Vec<String> = self.pages.iter().map(|page| format!("{page} 0 R")).collect();
        let count = kids.len();
        let pages = format!("<</Type/Pages/Count {count}/Kids[{}]>>", kids.join(" "));
        self.object(PAGES, pages.as_bytes())?;
        let table = self.at;
        let size = self.objects.len() + 1;
        let mut end = format!("xref\n0 {size}\n0000000000 65535 f \n");
        for at in &self.objects {
            end.push_str(&format!("{at:010} 00000 n \n"));
        }
        end.push_str(&format!(
            "trailer\n<</Size {size}/Root {CATALOGUE} 0 R>>\nstartxref\n{table}\n%%EOF\n"
        ));
        self.put(end.as_bytes())?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn stream(&mut self, number: usize, entries: &str, bytes: &[u8]) -> io::Result<()> {
        let mut object = format!("<<{entries}/Length {}>>\nstream\n", bytes.len()).into_bytes();
        object.extend_from_slice(bytes);
        object.extend_from_slice(b"\nendstream");
        self.object(number, &object)
    }

    fn object(&mut self, number: usize, bytes: &[u8]) -> io::Result<()> {
        if let Some(place) = self.objects.get_mut(number - 1) {
            *place = self.at;
        }
        self.put(format!("{number} 0 obj\n").as_bytes())?;
        self.put(bytes)?;
        self.put(b"\nendobj\n")
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.out.write_all(bytes)?;
        self.at += bytes.len() as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    #[test]
    fn the_table_at_the_end_leads_to_every_object() {
        let mut pdf = Pdf::new(Vec::new()).expect("memory");
        let pixels = [0, 128, 255, 7, 8, 9];
        for samples in [1, 3] {
            let size = (6 / u32::from(samples), 1);
            let page = Page { points: (595.28, 841.89), size, samples, pixels: &pixels };
            pdf.add(&page).expect("memory");
        }
        let bytes = pdf.finish().expect("memory");
        let text = String::from_utf8_lossy(&bytes);
        let find = |what: &[u8], from: usize| {
            let mut windows = bytes[from..].windows(what.len());
            from + windows.position(|window| window == what).expect("found")
        };
        let table = find(b"xref\n", 0);
        assert!(text.ends_with(&format!("startxref\n{table}\n%%EOF\n")), "{text}");
        let entries = String::from_utf8_lossy(&bytes[table..]).into_owned();
        let places = entries.lines().filter_map(|line| line.strip_suffix(" 00000 n "));
        let places: Vec<usize> = places.map(|at| at.parse().expect("a number")).collect();
        assert_eq!(places.len(), 2 + 2 * 3);
        for (number, place) in (1..).zip(places) {
            assert!(bytes[place..].starts_with(format!("{number} 0 obj\n").as_bytes()));
        }
        assert!(text.contains("/Count 2/Kids[5 0 R 8 0 R]"), "{text}");
        let start = find(b"stream\n", 0) + 7;
        let mut unpacked = Vec::new();
        let packed = flate2::read::ZlibDecoder::new(&bytes[start..]);
        packed.take(64).read_to_end(&mut unpacked).expect("pixels");
        assert_eq!(unpacked, pixels);
    }
}
