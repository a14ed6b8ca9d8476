//! Blocks of a sequential scan (ISO/IEC 10918-1 annex F): passed over, read, painted and written.

use std::convert::Infallible;
use std::ops::Range;

use super::CodecFault;
use super::bits::{Bits, Reader};
use super::huffman::{BlockSkipper, Decoder, TOO_MANY, run};
use super::markers::{Scan, Stream};
use super::paint::{Grid, Paint};
use super::scan::{Coder, Edit, Pass, Splice, Tables};

/// Coefficients of a block in the order of the stream, the first not as a difference.
pub(super) type Block = [i32; 64];

const NO_TABLE: CodecFault = CodecFault::Malformed("a scan without a table");

/// The layout of a sequential scan, and what reads it.
pub(super) struct Layout<'a> {
    pub parts: Vec<Part<'a>>,
    /// MCUs in a line, and lines.
    pub mcus: (usize, usize),
    /// MCUs between restart markers.
    interval: usize,
}

/// A component of a scan.
pub(super) struct Part<'a> {
    pub component: usize,
    /// Its blocks in an MCU, in a line and lines.
    pub blocks: (usize, usize),
    dc: (usize, &'a Decoder),
    ac: (usize, &'a Decoder),
    pub quantisation: [u16; 64],
}

impl<'a> Layout<'a> {
    pub fn new(
        stream: &Stream<'_>,
        scan: &Scan<'_>,
        tables: &Tables<'_>,
        decoders: &'a [Decoder],
    ) -> Result<Self, CodecFault> {
        let is_alone = scan.parts.len() == 1;
        let mut parts = Vec::new();
        for (part, &(dc, ac)) in scan.parts.iter().zip(&tables.of) {
            let component = stream.components.get(part.component).ok_or(NO_TABLE)?;
            parts.push(Part {
                component: part.component,
                blocks: if is_alone { (1, 1) } else { (component.h, component.v) },
                dc: (dc, decoders.get(dc).ok_or(NO_TABLE)?),
                ac: (ac, decoders.get(ac).ok_or(NO_TABLE)?),
                quantisation: part.quantisation,
            });
        }
        let all = scan.mcus.0 * scan.mcus.1;
        let interval = if scan.restart == 0 { all } else { scan.restart };
        Ok(Self { parts, mcus: scan.mcus, interval })
    }

    /// The MCUs of an interval.
    pub fn mcus_of(&self, interval: usize) -> Range<usize> {
        let start = interval * self.interval;
        start..(start + self.interval).min(self.mcus.0 * self.mcus.1)
    }

    /// Calls `each` for every block of an MCU: with its part, and its column and row among the component's blocks.
    pub fn blocks_of<E>(
        &self,
        mcu: usize,
        mut each: impl FnMut(usize, &Part<'_>, (usize, usize)) -> Result<(), E>,
    ) -> Result<(), E> {
        let (column, line) = (mcu % self.mcus.0, mcu / self.mcus.0);
        for (place, part) in self.parts.iter().enumerate() {
            let (wide, high) = part.blocks;
            for y in line * high..(line + 1) * high {
                for x in column * wide..(column + 1) * wide {
                    each(place, part, (x, y))?;
                }
            }
        }
        Ok(())
    }
}

impl Part<'_> {
    /// Reads a block; `last` is the first coefficient of the block before.
    pub fn read(&self, reader: &mut Reader<'_>, last: &mut i32) -> Result<Block, CodecFault> {
        let mut block = [0; 64];
        *last = last.wrapping_add(difference(self.dc.1, reader, &mut |_, _| {})?);
        if let Some(first) = block.first_mut() {
            *first = *last;
        }
        let mut at = 1;
        while at < 64 {
            reader.refill();
            let Some((zeros, size)) = run(self.ac.1.symbol(reader)?)? else { break };
            at += zeros as usize;
            *block.get_mut(at).ok_or(TOO_MANY)? = reader.number(size);
            at += 1;
        }
        Ok(block)
    }

    /// Writes a block; `last` is the first coefficient of the block before.
    fn write(&self, block: &Block, last: &mut i32, coder: &mut Coder) -> Result<(), CodecFault> {
        let [first, rest @ ..] = block;
        let (size, bits) = categorise(first.wrapping_sub(*last));
        if size > 15 {
            return Err(CodecFault::Malformed("a step of brightness beyond all samples"));
        }
        *last = *first;
        coder.put(self.dc.0, size as u8, bits, size);
        let mut zeros = 0;
        for &coefficient in rest {
            if coefficient == 0 {
                zeros += 1;
                continue;
            }
            while zeros > 15 {
                coder.put(self.ac.0, 0xF0, 0, 0);
                zeros -= 16;
            }
            let (size, bits) = categorise(coefficient);
            coder.put(self.ac.0, zeros << 4 | size as u8, bits, size);
            zeros = 0;
        }
        if zeros > 0 {
            coder.put(self.ac.0, 0, 0, 0);
        }
        Ok(())
    }
}

#[inline(always)]
fn difference(
    decoder: &Decoder,
    reader: &mut Reader<'_>,
    moved: &mut impl FnMut(u8, Range<usize>),
) -> Result<i32, CodecFault> {
    reader.refill();
    let size = decoder.follow(reader, moved)?;
    Ok(reader.number(size.into()))
}

/// The category of a number, and the bits behind it.
fn categorise(number: i32) -> (u32, u32) {
    let size = 32 - number.unsigned_abs().leading_zeros();
    let bits =
        if number < 0 { number.wrapping_sub(1) as u32 & low_bits(size) } else { number as u32 };
    (size, bits)
}

fn low_bits(count: u32) -> u32 {
    1u32.checked_shl(count).map_or(u32::MAX, |bit| bit - 1)
}

/// A sequential scan and what is painted on it.
pub(super) struct Blocks<'a> {
    layout: &'a Layout<'a>,
    paint: &'a Paint<'a>,
    /// By part.
    grids: Vec<Grid>,
    /// By part.
    skippers: Vec<BlockSkipper<'a>>,
    precision: u8,
    /// Columns and lines of the MCUs that hold painted pixels.
    painted: (Range<usize>, Range<usize>),
}

impl<'a> Blocks<'a> {
    pub fn new(stream: &Stream<'_>, layout: &'a Layout<'a>, paint: &'a Paint<'a>) -> Self {
        let grids: Vec<Grid> =
            layout.parts.iter().map(|part| Grid::new(stream, part.component)).collect();
        // Interleaved, an MCU has as many samples a side as eight times the greatest factor has pixels.
        let ((wide, high), (h, v)) = match grids.as_slice() {
            [grid] => grid.ratio(),
            _ => (stream.sampling(), (1, 1)),
        };
        let span = |pixels: &Range<usize>, whole: usize, part: usize| {
            pixels.start * part / whole / 8..(pixels.end * part).saturating_sub(1) / whole / 8 + 1
        };
        Self {
            painted: (span(&paint.columns, wide, h), span(&paint.rows, high, v)),
            skippers: layout.parts.iter().map(|part| BlockSkipper::new(part.ac.1)).collect(),
            grids,
            layout,
            paint,
            precision: stream.precision,
        }
    }

    /// The MCUs of an interval that are written anew, in order: those with painted pixels, and behind them one whose first
    /// coefficients are differences to those.
    fn runs(&self, interval: usize) -> Vec<Range<usize>> {
        let mcus = self.layout.mcus_of(interval);
        let (columns, lines) = &self.painted;
        let wide = self.layout.mcus.0;
        let mut runs: Vec<Range<usize>> = Vec::new();
        let first = lines.start.max(mcus.start / wide);
        for line in first..lines.end.min(mcus.end.div_ceil(wide)) {
            let start = (line * wide + columns.start).max(mcus.start);
            let end = (line * wide + columns.end).min(mcus.end);
            if start >= end {
                continue;
            }
            let end = (end + 1).min(mcus.end);
            match runs.last_mut() {
                Some(run) if run.end >= start => run.end = end,
                _ => runs.push(start..end),
            }
        }
        runs
    }

    /// Passes over MCUs, with the first coefficients in `last`.
    fn pass(
        &self,
        reader: &mut Reader<'_>,
        last: &mut [i32; 3],
        mcus: Range<usize>,
        moved: &mut impl FnMut(usize, u8, Range<usize>),
    ) -> Result<(), CodecFault> {
        for _ in mcus {
            for ((part, skipper), last) in
                self.layout.parts.iter().zip(&self.skippers).zip(last.iter_mut())
            {
                let ((dc, decoder), (ac, _)) = (part.dc, part.ac);
                for _ in 0..part.blocks.0 * part.blocks.1 {
                    let step =
                        difference(decoder, reader, &mut |symbol, code| moved(dc, symbol, code))?;
                    *last = last.wrapping_add(step);
                    skipper.skip(reader, &mut |symbol, code| moved(ac, symbol, code))?;
                }
            }
            reader.check()?;
        }
        Ok(())
    }

    /// Reads MCUs, paints them and writes what they become.
    fn code(
        &self,
        reader: &mut Reader<'_>,
        last: &mut [i32; 3],
        mcus: Range<usize>,
        coder: &mut Coder,
    ) -> Result<(), CodecFault> {
        let mut new_last = *last;
        for mcu in mcus {
            let (column, line) = (mcu % self.layout.mcus.0, mcu / self.layout.mcus.0);
            let is_painted = self.painted.0.contains(&column) && self.painted.1.contains(&line);
            self.layout.blocks_of(mcu, |place, part, at| {
                let (Some(last), Some(new_last)) = (last.get_mut(place), new_last.get_mut(place))
                else {
                    return Err(NO_TABLE);
                };
                let mut block = part.read(reader, last)?;
                if let Some(grid) = self.grids.get(place).filter(|_| is_painted) {
                    grid.paint(self.paint, at, &mut block, &part.quantisation, self.precision);
                }
                part.write(&block, new_last, coder)
            })?;
            reader.check()?;
        }
        Ok(())
    }
}

/// Passes over MCUs.
struct Mcus<'a> {
    blocks: &'a Blocks<'a>,
    last: &'a mut [i32; 3],
    which: Range<usize>,
}

impl Pass for Mcus<'_> {
    fn over(
        self,
        reader: &mut Reader<'_>,
        moved: &mut impl FnMut(usize, u8, Range<usize>),
    ) -> Result<(), CodecFault> {
        self.blocks.pass(reader, self.last, self.which, moved)
    }
}

impl Edit for Blocks<'_> {
    // What blocks become is as near as the quantisation lets it: nothing exact is promised of them.
    type Seam = Infallible;

    fn touches(&self, interval: usize) -> bool {
        !self.runs(interval).is_empty()
    }

    fn splice(
        &self,
        interval: usize,
        mut splice: Splice<'_>,
    ) -> Result<(Vec<u8>, Option<Infallible>), CodecFault> {
        let mcus = self.layout.mcus_of(interval);
        let (mut reader, mut last, mut next) = (splice.bits.reader(), [0; 3], mcus.start);
        for run in self.runs(interval) {
            let which = next..run.start;
            splice.pass(&mut reader, Mcus { blocks: self, last: &mut last, which })?;
            next = run.end;
            self.code(&mut reader, &mut last, run, splice.coder)?;
            splice.resume(&reader);
        }
        if next == mcus.end {
            return Ok((splice.finish(), None));
        }
        let which = next..mcus.end;
        let rest = splice.rest(&mut reader, Mcus { blocks: self, last: &mut last, which })?;
        Ok((rest, None))
    }

    fn is_exact(
        &self,
        seam: &Infallible,
        _: &Bits,
        _: &Bits,
        _: &[Decoder],
    ) -> Result<bool, CodecFault> {
        match *seam {}
    }
}
