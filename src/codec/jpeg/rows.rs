//! Rows of a lossless scan (ISO/IEC 10918-1 annex H) written anew with other samples in them.
//!
//! A sample is coded as its difference to what its neighbours to the left and above foretell, so the codes of the painted rows
//! change, and those of the row below where it looks up. All others are copied. With predictor 1, which looks to the left, the
//! rows above need not even be read but for their first column, which foretells the next row's.

use std::ops::Range;

use super::CodecFault;
use super::bits::{Bits, Reader};
use super::huffman::{Decoder, SampleSkipper, difference_bits};
use super::markers::{Scan, Stream};
use super::paint::Paint;
use super::scan::{Coder, Edit, Pass, Splice, Tables};

/// A lossless scan and what is painted on it.
pub(super) struct Rows<'a> {
    paint: &'a Paint<'a>,
    /// Component and table of each part.
    parts: Vec<(usize, usize)>,
    decoders: &'a [Decoder],
    skippers: Vec<SampleSkipper<'a>>,
    predictor: u8,
    /// What foretells the first sample.
    middle: u16,
    columns: usize,
    rows: usize,
    /// Rows between restart markers.
    interval: usize,
}

/// Where the rows that were written anew are among the bits, and what foretells the first of them.
pub(super) struct Seam {
    rows: Range<usize>,
    /// Of the interval.
    all: Range<usize>,
    /// Where they begin, on either side.
    start: usize,
    /// Where they end, before and after.
    ends: (usize, usize),
    lines: Vec<Lines>,
}

/// The samples of one component in the row at hand and the one above, as they were and as they become.
#[derive(Clone)]
struct Lines {
    above: Vec<u16>,
    here: Vec<u16>,
    new_above: Vec<u16>,
    new_here: Vec<u16>,
}

impl<'a> Rows<'a> {
    pub fn new(
        stream: &Stream<'_>,
        scan: &Scan<'_>,
        tables: &Tables<'_>,
        decoders: &'a [Decoder],
        paint: &'a Paint<'a>,
    ) -> Result<Self, CodecFault> {
        let (columns, rows) = scan.mcus;
        let whole = scan.parts.iter().all(|part| {
            stream.components.get(part.component).is_some_and(|c| (c.h, c.v) == (1, 1))
        });
        // A component that is alone has all of its samples, whatever its sampling factors.
        if !whole && stream.components.len() > 1 || scan.point != 0 {
            return Err(CodecFault::Unsupported);
        }
        if !(1..=7).contains(&scan.predictor) {
            return Err(CodecFault::Malformed("a lossless scan without a predictor"));
        }
        if !scan.restart.is_multiple_of(columns) {
            return Err(CodecFault::Malformed("a lossless scan restarts within a row"));
        }
        let parts = scan.parts.iter().zip(&tables.of);
        Ok(Self {
            paint,
            parts: parts.map(|(part, of)| (part.component, of.0)).collect(),
            decoders,
            skippers: decoders.iter().map(SampleSkipper::new).collect(),
            predictor: scan.predictor,
            middle: 1 << (stream.precision - 1),
            columns,
            rows,
            interval: if scan.restart == 0 { rows } else { scan.restart / columns },
        })
    }

    fn rows_of(&self, interval: usize) -> Range<usize> {
        let start = interval * self.interval;
        start..(start + self.interval).min(self.rows)
    }

    /// Those of the rows of an interval whose codes change.
    fn changed(&self, rows: &Range<usize>) -> Range<usize> {
        // The first column of a row is foretold by the one above; to predictor 1 no other column is.
        let looked_at = self.predictor != 1 || self.paint.columns.start == 0;
        let painted = &self.paint.rows;
        let start = painted.start.max(rows.start);
        if start >= painted.end.min(rows.end) {
            return 0..0;
        }
        start..(painted.end + usize::from(looked_at)).min(rows.end)
    }

    fn lines(&self) -> Vec<Lines> {
        let line = vec![0; self.columns];
        let lines = Lines {
            above: line.clone(),
            here: line.clone(),
            new_above: line.clone(),
            new_here: line,
        };
        vec![lines; self.parts.len()]
    }

    /// Reads rows of which nothing changes, as far as others depend on them.
    fn pass(
        &self,
        reader: &mut Reader<'_>,
        lines: &mut [Lines],
        rows: Range<usize>,
        first: usize,
        moved: &mut impl FnMut(usize, u8, Range<usize>),
    ) -> Result<(), CodecFault> {
        for y in rows {
            if self.predictor == 1 {
                self.pass_row(reader, lines, y == first, moved)?;
            } else {
                self.read_row(reader, lines, y == first, moved)?;
                for lines in lines.iter_mut() {
                    std::mem::swap(&mut lines.above, &mut lines.here);
                }
            }
            reader.check()?;
        }
        for lines in lines {
            lines.new_above.copy_from_slice(&lines.above);
        }
        Ok(())
    }

    /// Passes over a row but for its first column, which becomes that of the row above.
    fn pass_row(
        &self,
        reader: &mut Reader<'_>,
        lines: &mut [Lines],
        is_first: bool,
        moved: &mut impl FnMut(usize, u8, Range<usize>),
    ) -> Result<(), CodecFault> {
        for ((_, table), lines) in self.parts.iter().zip(lines) {
            let difference = self.difference(reader, *table, moved)?;
            if let Some(sample) = lines.above.first_mut() {
                *sample = if is_first { self.middle } else { *sample }.wrapping_add(difference);
            }
        }
        self.skip(reader, self.columns - 1, moved)
    }

    /// Passes over the differences of that many pixels.
    fn skip(
        &self,
        reader: &mut Reader<'_>,
        pixels: usize,
        moved: &mut impl FnMut(usize, u8, Range<usize>),
    ) -> Result<(), CodecFault> {
        if let [skipper] = self.skippers.as_slice() {
            return skipper.skip(reader, pixels * self.parts.len(), &mut |symbol, code| {
                moved(0, symbol, code);
            });
        }
        for _ in 0..pixels {
            for (_, table) in &self.parts {
                if let Some(skipper) = self.skippers.get(*table) {
                    skipper.skip_one(reader, &mut |symbol, code| moved(*table, symbol, code))?;
                }
            }
        }
        Ok(())
    }

    #[inline(always)]
    fn difference(
        &self,
        reader: &mut Reader<'_>,
        table: usize,
        moved: &mut impl FnMut(usize, u8, Range<usize>),
    ) -> Result<u16, CodecFault> {
        const NO_TABLE: CodecFault = CodecFault::Malformed("a scan without a table");
        reader.refill();
        let decoder = self.decoders.get(table).ok_or(NO_TABLE)?;
        match decoder.follow(reader, &mut |symbol, code| moved(table, symbol, code))? {
            16 => Ok(0x8000),
            category => Ok(reader.number(category.into()) as u16),
        }
    }

    /// Reads a row into `here`.
    fn read_row(
        &self,
        reader: &mut Reader<'_>,
        lines: &mut [Lines],
        is_first: bool,
        moved: &mut impl FnMut(usize, u8, Range<usize>),
    ) -> Result<(), CodecFault> {
        for x in 0..self.columns {
            for ((_, table), lines) in self.parts.iter().zip(lines.iter_mut()) {
                let difference = self.difference(reader, *table, moved)?;
                let foretold = self.foretell(&lines.here, &lines.above, x, is_first);
                if let Some(sample) = lines.here.get_mut(x) {
                    *sample = foretold.wrapping_add(difference);
                }
            }
        }
        Ok(())
    }

    /// What the neighbours of a sample foretell (H.1.2.1).
    #[inline(always)]
    fn foretell(&self, here: &[u16], above: &[u16], x: usize, is_first: bool) -> u16 {
        let of = |line: &[u16], x: usize| line.get(x).copied().map_or(0, i32::from);
        let foretold = match (x, is_first) {
            (0, true) => self.middle.into(),
            (0, false) => of(above, 0),
            (_, true) => of(here, x - 1),
            (_, false) => {
                let (a, b) = (of(here, x - 1), of(above, x));
                let c = || of(above, x - 1);
                match self.predictor {
                    2 => b,
                    3 => c(),
                    4 => a + b - c(),
                    5 => a + ((b - c()) >> 1),
                    6 => b + ((a - c()) >> 1),
                    7 => (a + b) >> 1,
                    _ => a,
                }
            }
        };
        foretold as u16
    }

    /// Makes `new_here` what `here` becomes.
    fn paint_row(&self, component: usize, y: usize, lines: &mut Lines) {
        lines.new_here.copy_from_slice(&lines.here);
        let (x, shades) = self.paint.row(y);
        for (sample, shade) in lines.new_here.iter_mut().skip(x).zip(shades) {
            if let Some(shade) = shade {
                *sample = self.paint.value(component, *shade) as u16;
            }
        }
    }

    /// Reads rows, paints them and writes what they become.
    fn code(
        &self,
        reader: &mut Reader<'_>,
        lines: &mut [Lines],
        rows: Range<usize>,
        first: usize,
        coder: &mut Coder,
    ) -> Result<(), CodecFault> {
        for y in rows {
            self.read_row(reader, lines, y == first, &mut |_, _, _| {})?;
            reader.check()?;
            for ((component, _), lines) in self.parts.iter().zip(lines.iter_mut()) {
                self.paint_row(*component, y, lines);
            }
            for x in 0..self.columns {
                for ((_, table), lines) in self.parts.iter().zip(lines.iter()) {
                    let foretold = self.foretell(&lines.new_here, &lines.new_above, x, y == first);
                    let sample = lines.new_here.get(x).copied().unwrap_or(0);
                    let (category, bits) = categorise(sample.wrapping_sub(foretold));
                    coder.put(*table, category, bits, difference_bits(category));
                }
            }
            for lines in lines.iter_mut() {
                std::mem::swap(&mut lines.above, &mut lines.here);
                std::mem::swap(&mut lines.new_above, &mut lines.new_here);
            }
        }
        Ok(())
    }
}

/// The category of a difference, and the bits behind it.
fn categorise(difference: u16) -> (u8, u32) {
    let signed = i32::from(difference as i16);
    if signed == -0x8000 {
        return (16, 0);
    }
    let size = 32 - signed.unsigned_abs().leading_zeros();
    let bits = if signed < 0 { signed + (1 << size) - 1 } else { signed };
    (size as u8, bits as u32)
}

/// Passes over rows, keeping what the next ones depend on.
struct Above<'a> {
    rows: &'a Rows<'a>,
    lines: &'a mut [Lines],
    which: Range<usize>,
}

impl Pass for Above<'_> {
    fn over(
        self,
        reader: &mut Reader<'_>,
        moved: &mut impl FnMut(usize, u8, Range<usize>),
    ) -> Result<(), CodecFault> {
        let first = self.which.start;
        self.rows.pass(reader, self.lines, self.which, first, moved)
    }
}

/// Passes over rows on which nothing depends.
struct Below<'a> {
    rows: &'a Rows<'a>,
    count: usize,
}

impl Pass for Below<'_> {
    fn over(
        self,
        reader: &mut Reader<'_>,
        moved: &mut impl FnMut(usize, u8, Range<usize>),
    ) -> Result<(), CodecFault> {
        for _ in 0..self.count {
            self.rows.skip(reader, self.rows.columns, moved)?;
            reader.check()?;
        }
        Ok(())
    }
}

impl Edit for Rows<'_> {
    type Seam = Seam;

    fn touches(&self, interval: usize) -> bool {
        !self.changed(&self.rows_of(interval)).is_empty()
    }

    fn splice(
        &self,
        interval: usize,
        mut splice: Splice<'_>,
    ) -> Result<(Vec<u8>, Option<Seam>), CodecFault> {
        let rows = self.rows_of(interval);
        let mut reader = splice.bits.reader();
        let mut next = rows.start;
        let mut seam = None;
        let changed = self.changed(&rows);
        if !changed.is_empty() {
            let mut lines = self.lines();
            let above = rows.start..changed.start;
            splice.pass(&mut reader, Above { rows: self, lines: &mut lines, which: above })?;
            next = changed.end;
            let (start, above) = (reader.place(), lines.clone());
            self.code(&mut reader, &mut lines, changed.clone(), rows.start, splice.coder)?;
            splice.resume(&reader);
            seam = splice.place().map(|after| Seam {
                rows: changed,
                all: rows.clone(),
                start,
                ends: (reader.place(), after),
                lines: above,
            });
        }
        if next == rows.end {
            return Ok((splice.finish(), seam));
        }
        let below = Below { rows: self, count: rows.end - next };
        Ok((splice.rest(&mut reader, below)?, seam))
    }

    fn is_exact(
        &self,
        seam: &Seam,
        before: &Bits,
        after: &Bits,
        decoders: &[Decoder],
    ) -> Result<bool, CodecFault> {
        let again = Rows { parts: self.parts.clone(), skippers: Vec::new(), decoders, ..*self };
        let (mut old, mut new) = (before.reader_at(seam.start), after.reader_at(seam.start));
        let (mut was, mut is) = (seam.lines.clone(), seam.lines.clone());
        for y in seam.rows.clone() {
            let is_first = y == seam.all.start;
            self.read_row(&mut old, &mut was, is_first, &mut |_, _, _| {})?;
            again.read_row(&mut new, &mut is, is_first, &mut |_, _, _| {})?;
            new.check()?;
            for ((component, _), (was, is)) in self.parts.iter().zip(was.iter_mut().zip(&mut is)) {
                self.paint_row(*component, y, was);
                if was.new_here != is.here {
                    return Ok(false);
                }
                std::mem::swap(&mut was.above, &mut was.here);
                std::mem::swap(&mut is.above, &mut is.here);
            }
        }
        // What foretells the rows below is what it was.
        let looked_at = if self.predictor == 1 { 1 } else { self.columns };
        let foretells =
            |(was, is): (&Lines, &Lines)| was.above.get(..looked_at) == is.above.get(..looked_at);
        let goes_on = seam.rows.end == seam.all.end || was.iter().zip(&is).all(foretells);
        // Beside the padding both have the same bits left.
        let left = (before.length.checked_sub(seam.ends.0), after.length.checked_sub(seam.ends.1));
        let (Some(left_before), Some(left_after)) = left else { return Ok(false) };
        let rest = seam.ends.0..seam.ends.0 + left_before.min(left_after);
        Ok(goes_on
            && (old.place(), new.place()) == seam.ends
            && left_before.abs_diff(left_after) < 8
            && before.same(0..seam.start, after, 0)
            && before.same(rest, after, seam.ends.1))
    }
}
