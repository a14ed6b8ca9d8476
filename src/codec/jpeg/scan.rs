//! A scan written anew where it is edited, and copied everywhere else.
//!
//! The scan's own Huffman tables are used, with codes added for symbols that have none. Where there is no room for them, some is
//! made by giving the rarest symbols longer codes, and the scan is passed over once more to change those few in place.

use std::ops::Range;

use super::CodecFault;
use super::bits::{Bits, Reader, Writer};
use super::huffman::{Decoder, Encoder};
use super::markers::{Codes, Scan};

/// What knows how the units of a scan are read, and what they become.
pub(super) trait Edit {
    /// Where in an interval the bits are new, and what it takes to read them again.
    type Seam;

    /// Whether anything of an interval becomes something else.
    fn touches(&self, interval: usize) -> bool;

    /// Gives an interval to `splice`: what changes, and what is passed over. Without a seam, [`is_exact`](Self::is_exact) is not
    /// to be told.
    fn splice(
        &self,
        interval: usize,
        splice: Splice<'_>,
    ) -> Result<(Vec<u8>, Option<Self::Seam>), CodecFault>;

    /// Whether an interval, read again by the tables that go with it, has become what it should and nothing else.
    fn is_exact(
        &self,
        seam: &Self::Seam,
        before: &Bits,
        after: &Bits,
        decoders: &[Decoder],
    ) -> Result<bool, CodecFault>;
}

/// The tables that a scan uses, each once.
pub(super) struct Tables<'a> {
    /// Class and codes.
    tables: Vec<(u8, Codes<'a>)>,
    /// For each part of the scan, the place of its tables.
    pub of: Vec<(usize, usize)>,
}

impl<'a> Tables<'a> {
    pub fn new(scan: &Scan<'a>) -> Self {
        let mut tables: Vec<(u8, Codes<'a>)> = Vec::new();
        let mut place = |class: u8, codes: Codes<'a>| {
            let same = |(other, known): &(u8, Codes<'_>)| {
                *other == class && known.destination == codes.destination
            };
            tables.iter().position(same).unwrap_or_else(|| {
                tables.push((class, codes));
                tables.len() - 1
            })
        };
        let of = scan
            .parts
            .iter()
            .map(|part| (place(0, part.dc), part.ac.map_or(0, |codes| place(1, codes))))
            .collect();
        Self { tables, of }
    }

    /// What finds symbols; `largest` is the greatest of class 0.
    pub fn decoders(&self, largest: u8) -> Result<Vec<Decoder>, CodecFault> {
        self.decoders_for(largest, |_| 16)
    }

    fn decoders_for(
        &self,
        largest: u8,
        kept: impl Fn(usize) -> u32,
    ) -> Result<Vec<Decoder>, CodecFault> {
        let largest = |class| if class == 0 { largest } else { u8::MAX };
        let tables = self.tables.iter().enumerate();
        tables
            .map(|(place, (class, codes))| Decoder::new(codes, largest(*class), kept(place)))
            .collect()
    }

    /// A segment that defines those of `encoders` that `which` picks; nothing where it picks none.
    fn segment(&self, encoders: &[Encoder], which: impl Fn(&Encoder) -> bool) -> Vec<u8> {
        let mut body = Vec::new();
        for ((class, codes), encoder) in self.tables.iter().zip(encoders) {
            if which(encoder) {
                body.extend(encoder.definition(*class, codes.destination));
            }
        }
        if body.is_empty() {
            return body;
        }
        let mut segment = vec![0xFF, 0xC4];
        // At most six tables of at most 273 bytes.
        segment.extend_from_slice(&(body.len() as u16 + 2).to_be_bytes());
        segment.extend(body);
        segment
    }

    /// A segment that defines them all as they are.
    pub fn restored(&self) -> Result<Vec<u8>, CodecFault> {
        Ok(self.segment(&Coder::new(self)?.encoders, |_| true))
    }
}

/// Writes symbols as bits.
pub(super) struct Coder {
    writer: Writer,
    encoders: Vec<Encoder>,
    /// Whether codes of the scan become others.
    moves: bool,
    /// Whether everything written so far was found exact.
    proven: bool,
}

impl Coder {
    fn new(tables: &Tables<'_>) -> Result<Self, CodecFault> {
        let encoders: Result<_, _> =
            tables.tables.iter().map(|(_, codes)| Encoder::new(codes)).collect();
        Ok(Self { writer: Writer::default(), encoders: encoders?, moves: false, proven: true })
    }

    /// Makes room for the symbols that found none.
    fn make_room(&mut self, tables: &Tables<'_>) -> Result<(), CodecFault> {
        for (encoder, (_, codes)) in self.encoders.iter_mut().zip(&tables.tables) {
            *encoder = if encoder.is_short {
                Encoder::with_room(codes, &encoder.added)?
            } else {
                Encoder::new(codes)?
            };
        }
        self.moves = true;
        Ok(())
    }

    fn is_short(&self) -> bool {
        self.encoders.iter().any(|encoder| encoder.is_short)
    }

    /// What finds the symbols of the scan; `largest` is the greatest of class 0.
    pub fn decoders(&self, tables: &Tables<'_>, largest: u8) -> Result<Vec<Decoder>, CodecFault> {
        tables
            .decoders_for(largest, |place| self.encoders.get(place).map_or(16, |table| table.kept))
    }

    /// Writes a symbol, and the `size` bits behind it.
    #[inline(always)]
    pub fn put(&mut self, table: usize, symbol: u8, bits: u32, size: u32) {
        let code = self.encoders.get_mut(table).map(|encoder| encoder.code(symbol));
        let (code, length) = code.unwrap_or((0, 0));
        self.writer.put(u64::from(code) << size | u64::from(bits), length + size);
    }

    /// The entropy-coded bytes of a scan as `edit` makes them; `None` where they stay.
    pub fn write(
        &mut self,
        bytes: &[u8],
        scan: &Scan<'_>,
        edit: &impl Edit,
    ) -> Result<Option<Vec<u8>>, CodecFault> {
        let touched: Vec<bool> =
            (0..scan.intervals.len()).map(|at| self.moves || edit.touches(at)).collect();
        if !touched.contains(&true) {
            return Ok(None);
        }
        self.proven = true;
        let all = scan.data();
        let mut data = Vec::with_capacity(all.len() + all.len() / 16);
        let mut end = all.start;
        for (interval, (range, is_touched)) in scan.intervals.iter().zip(touched).enumerate() {
            let coded = bytes.get(range.clone()).unwrap_or_default();
            data.extend_from_slice(bytes.get(end..range.start).unwrap_or_default());
            if is_touched {
                let bits = Bits::new(coded);
                self.writer = Writer::with_capacity(coded.len() + coded.len() / 8);
                let splice = Splice { bits: &bits, copied: 0, coder: self };
                let (spliced, seam) = edit.splice(interval, splice)?;
                let seam = seam.filter(|_| !self.is_short());
                self.proven &= match seam.zip(Bits::without_markers(&spliced)) {
                    Some((seam, after)) => {
                        let decoders: Result<Vec<_>, _> =
                            self.encoders.iter().map(Encoder::decoder).collect();
                        edit.is_exact(&seam, &bits, &after, &decoders?)?
                    }
                    None => false,
                };
                data.extend(spliced);
            } else {
                data.extend_from_slice(coded);
            }
            end = range.end;
        }
        Ok(Some(data))
    }
}

/// An interval on its way from one stream to the other.
pub(super) struct Splice<'a> {
    pub bits: &'a Bits,
    /// Up to where its bits have been copied, or others written in their place.
    copied: usize,
    pub coder: &'a mut Coder,
}

impl Splice<'_> {
    /// Passes over what stays: `pass` reads, and tells of the symbols whose codes are not kept, with their tables. The bits
    /// are copied, these codes replaced.
    pub fn pass(&mut self, reader: &mut Reader<'_>, pass: impl Pass) -> Result<(), CodecFault> {
        if self.coder.moves {
            pass.over(reader, &mut |table, symbol, code: Range<usize>| {
                self.coder.writer.copy(self.bits, self.copied, code.start);
                self.coder.put(table, symbol, 0, 0);
                self.copied = code.end;
            })?;
        } else {
            pass.over(reader, &mut |_, _, _| {})?;
        }
        self.coder.writer.copy(self.bits, self.copied, reader.place());
        self.copied = reader.place();
        Ok(())
    }

    /// Goes on from `place`; what comes before has been written as something else.
    pub fn resume(&mut self, reader: &Reader<'_>) {
        self.copied = reader.place();
    }

    /// How many bits have been written; `None` where their places say nothing, as codes of the scan become others.
    pub fn place(&self) -> Option<usize> {
        (!self.coder.moves).then(|| self.coder.writer.place())
    }

    /// Ends with what `pass` passes over.
    pub fn rest(mut self, reader: &mut Reader<'_>, pass: impl Pass) -> Result<Vec<u8>, CodecFault> {
        if self.coder.moves {
            self.pass(reader, pass)?;
            return Ok(self.finish());
        }
        if self.coder.is_short() {
            return Ok(Vec::new()); // all of it comes again
        }
        let writer = std::mem::take(&mut self.coder.writer);
        writer.copy_rest(self.bits, self.copied, || {
            pass.over(reader, &mut |_, _, _| {})?;
            Ok(reader.place())
        })
    }

    /// Ends with what has been written.
    pub fn finish(self) -> Vec<u8> {
        std::mem::take(&mut self.coder.writer).finish()
    }
}

/// What passes over units of a scan.
pub(super) trait Pass {
    /// Reads; `moved` is told table, symbol and place of codes that are not kept.
    fn over(
        self,
        reader: &mut Reader<'_>,
        moved: &mut impl FnMut(usize, u8, Range<usize>),
    ) -> Result<(), CodecFault>;
}

/// What a scan becomes.
pub(super) struct Edited {
    /// Huffman tables to be defined before its header; may be empty.
    pub tables: Vec<u8>,
    /// Its entropy-coded bytes, restart markers among them.
    pub data: Vec<u8>,
    /// Whether all that was written was read again and found exact.
    pub proven: bool,
}

/// What `write` makes of a scan; `None` where it stays. It is asked again where a symbol found no room.
pub(super) fn edit(
    tables: &Tables<'_>,
    write: impl Fn(&mut Coder) -> Result<Option<Vec<u8>>, CodecFault>,
) -> Result<Option<Edited>, CodecFault> {
    let mut coder = Coder::new(tables)?;
    let mut data = write(&mut coder)?;
    if coder.is_short() {
        coder.make_room(tables)?;
        data = write(&mut coder)?;
        if coder.is_short() {
            return Err(CodecFault::Malformed("a Huffman table is full"));
        }
    }
    let tables = tables.segment(&coder.encoders, |encoder| !encoder.added.is_empty());
    Ok(data.map(|data| Edited { tables, data, proven: coder.proven }))
}
