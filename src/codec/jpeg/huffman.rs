//! Huffman tables (ISO/IEC 10918-1 annexes C and F.2.2.3): read, written with, and added to.

use std::ops::Range;

use super::CodecFault;
use super::bits::Reader;
use super::markers::Codes;

/// Codes up to this length are found by one look.
const LOOK: u32 = 12;
const LOOKS: usize = 1 << LOOK;

const NO_CODE: CodecFault = CodecFault::Malformed("bits that are no code");

/// Finds symbols.
pub(super) struct Decoder {
    /// By the next bits: the length of the code above the symbol; 0 where the code is longer, or none.
    looks: Box<[u16; LOOKS]>,
    /// Of each length, the first code above those that have it, all with 16 bits.
    ends: [u32; 17],
    /// Of each length, what to add to a code for its place among `values`.
    offsets: [i32; 17],
    values: Vec<u8>,
    /// Codes longer than this are others where the stream is written anew.
    kept: u32,
}

/// Calls `each` with code, length and symbol of every code, in order (C.2).
fn assign(codes: &Codes<'_>, mut each: impl FnMut(u32, u32, u8)) -> Result<(), CodecFault> {
    let mut code = 0u32;
    let mut values = codes.values.iter();
    for (&count, length) in codes.counts.iter().zip(1..) {
        for &value in values.by_ref().take(count.into()) {
            if code >> length != 0 {
                return Err(CodecFault::Malformed("a Huffman table has too many codes"));
            }
            each(code, length, value);
            code += 1;
        }
        code <<= 1;
    }
    Ok(())
}

impl Decoder {
    /// `largest` is the greatest symbol that has a meaning here, `kept` what [`Encoder::kept`] says.
    pub fn new(codes: &Codes<'_>, largest: u8, kept: u32) -> Result<Self, CodecFault> {
        if codes.values.iter().any(|&value| value > largest) {
            return Err(CodecFault::Malformed("a Huffman table has a symbol without a meaning"));
        }
        let mut looks = Box::new([0; LOOKS]);
        let (mut ends, mut offsets, mut place) = ([0; 17], [0; 17], 0);
        assign(codes, |code, length, value| {
            let at = length as usize;
            if let (Some(end), Some(offset)) = (ends.get_mut(at), offsets.get_mut(at)) {
                *end = (code + 1) << (16 - length);
                *offset = place - code as i32;
            }
            place += 1;
            if length <= LOOK {
                let first = (code << (LOOK - length)) as usize;
                let last = first + (1 << (LOOK - length));
                if let Some(looks) = looks.get_mut(first..last) {
                    looks.fill((length as u16) << 8 | u16::from(value));
                }
            }
        })?;
        Ok(Self { looks, ends, offsets, values: codes.values.to_vec(), kept })
    }

    /// The next symbol, of at least 16 bits that are loaded.
    #[inline(always)]
    pub fn symbol(&self, reader: &mut Reader<'_>) -> Result<u8, CodecFault> {
        let look = self.looks.get(reader.peek(LOOK) as usize).copied().unwrap_or(0);
        if look == 0 {
            return self.long_symbol(reader);
        }
        reader.pass(u32::from(look >> 8));
        Ok(look as u8)
    }

    /// The next symbol, as [`symbol`](Self::symbol); `moved` is told of it, and where its code is, if that is not kept.
    #[inline(always)]
    pub fn follow(
        &self,
        reader: &mut Reader<'_>,
        moved: &mut impl FnMut(u8, Range<usize>),
    ) -> Result<u8, CodecFault> {
        let start = reader.place();
        let symbol = self.symbol(reader)?;
        let end = reader.place();
        if end.wrapping_sub(start) > self.kept as usize {
            moved(symbol, start..end);
        }
        Ok(symbol)
    }

    #[cold]
    fn long_symbol(&self, reader: &mut Reader<'_>) -> Result<u8, CodecFault> {
        let bits = reader.peek(16);
        let lengths = (0u32..).zip(self.ends.iter().zip(&self.offsets)).skip(1);
        for (length, (&end, &offset)) in lengths {
            if bits < end {
                reader.pass(length);
                let place = (bits >> (16 - length)) as i32 + offset;
                return self.values.get(place as usize).copied().ok_or(NO_CODE);
            }
        }
        Err(NO_CODE)
    }

    /// For each look, what `skip` makes of the symbols in it, given one after the other with the bits that their numbers take:
    /// it adds to its count and says whether to go on. Above the count stand the bits that all of it takes.
    fn skips(&self, skip: impl Fn(u8, &mut u16) -> Step) -> Box<[u16; LOOKS]> {
        let mut skips = Box::new([0; LOOKS]);
        for (entry, bits) in skips.iter_mut().zip(0u32..) {
            let (mut passed, mut count) = (0, 0);
            while passed < LOOK {
                let rest = bits << passed & (LOOKS as u32 - 1);
                let look = self.looks.get(rest as usize).copied().unwrap_or(0);
                let length = u32::from(look >> 8);
                if length == 0 || length > self.kept.min(LOOK - passed) {
                    break;
                }
                let step = skip(look as u8, &mut count);
                match step {
                    Step::Stop => break,
                    Step::Last(size) | Step::On(size) => passed += length + size,
                }
                if matches!(step, Step::Last(_)) {
                    break;
                }
            }
            *entry = (passed as u16) << 8 | count;
        }
        skips
    }
}

/// What a symbol is to those who pass over it.
enum Step {
    /// Not to be passed over without a look.
    Stop,
    /// Passed with the bits behind it, and the last.
    Last(u32),
    /// Passed with the bits behind it.
    On(u32),
}

/// Marks, in a count of coefficients, that the block ends.
const END: u16 = 0x80;

/// Passes over the coefficients of blocks, several at a look.
pub(super) struct BlockSkipper<'a> {
    decoder: &'a Decoder,
    skips: Box<[u16; LOOKS]>,
}

impl<'a> BlockSkipper<'a> {
    pub fn new(decoder: &'a Decoder) -> Self {
        let skips = decoder.skips(|symbol, count| {
            let (run, size) = (u16::from(symbol >> 4), u32::from(symbol & 15));
            match (run, size) {
                (0, 0) => *count |= END,
                (1..15, 0) => return Step::Stop,
                _ if *count + run + 1 > 63 => return Step::Stop,
                _ => *count += run + 1,
            }
            if size == 0 && run == 0 { Step::Last(0) } else { Step::On(size) }
        });
        Self { decoder, skips }
    }

    /// Passes over all coefficients of a block but the first.
    #[inline(always)]
    pub fn skip(
        &self,
        reader: &mut Reader<'_>,
        moved: &mut impl FnMut(u8, Range<usize>),
    ) -> Result<(), CodecFault> {
        let mut at = 1;
        loop {
            reader.refill();
            // Two looks of at most 12 + 15 bits to a load.
            for _ in 0..2 {
                let skip = self.skips.get(reader.peek(LOOK) as usize).copied().unwrap_or(0);
                let reached = at + u32::from(skip & 0x7F);
                let ends = skip & END != 0;
                if skip == 0 || reached > 63 {
                    if reached == 64 && !ends && skip != 0 {
                        reader.pass(u32::from(skip >> 8));
                        return Ok(());
                    }
                    reader.refill();
                    match run(self.decoder.follow(reader, moved)?)? {
                        None => return Ok(()),
                        Some((zeros, size)) => {
                            reader.pass(size);
                            at += zeros + 1;
                        }
                    }
                    match at {
                        0..64 => break,
                        64 => return Ok(()),
                        _ => return Err(TOO_MANY),
                    }
                }
                reader.pass(u32::from(skip >> 8));
                if ends {
                    return Ok(());
                }
                at = reached;
            }
        }
    }
}

pub(super) const TOO_MANY: CodecFault = CodecFault::Malformed("a block has too many coefficients");

/// What a symbol says of a coefficient: zeros before it and its size; `None` at the end of the block (F.1.2.2.1).
#[inline(always)]
pub(super) fn run(symbol: u8) -> Result<Option<(u32, u32)>, CodecFault> {
    let (zeros, size) = (u32::from(symbol >> 4), u32::from(symbol & 15));
    match (zeros, size) {
        (0, 0) => Ok(None),
        (1..15, 0) => Err(CodecFault::Malformed("a symbol of a progressive frame")),
        _ => Ok(Some((zeros, size))),
    }
}

/// Passes over the differences of a lossless scan, several at a look.
pub(super) struct SampleSkipper<'a> {
    decoder: &'a Decoder,
    skips: Box<[u16; LOOKS]>,
}

impl<'a> SampleSkipper<'a> {
    pub fn new(decoder: &'a Decoder) -> Self {
        let skips = decoder.skips(|symbol, count| {
            *count += 1;
            Step::On(difference_bits(symbol))
        });
        Self { decoder, skips }
    }

    /// Passes over `count` of them.
    #[inline(always)]
    pub fn skip(
        &self,
        reader: &mut Reader<'_>,
        count: usize,
        moved: &mut impl FnMut(u8, Range<usize>),
    ) -> Result<(), CodecFault> {
        let mut left = count;
        while left >= 2 * LOOK as usize {
            reader.refill();
            for _ in 0..2 {
                let skip = self.skips.get(reader.peek(LOOK) as usize).copied().unwrap_or(0);
                if skip == 0 {
                    self.skip_one(reader, moved)?;
                    left -= 1;
                    break;
                }
                reader.pass(u32::from(skip >> 8));
                left -= usize::from(skip & 0xFF);
            }
        }
        for _ in 0..left {
            self.skip_one(reader, moved)?;
        }
        Ok(())
    }

    #[inline(always)]
    pub fn skip_one(
        &self,
        reader: &mut Reader<'_>,
        moved: &mut impl FnMut(u8, Range<usize>),
    ) -> Result<(), CodecFault> {
        reader.refill();
        let symbol = self.decoder.follow(reader, moved)?;
        reader.pass(difference_bits(symbol));
        Ok(())
    }
}

/// The bits that follow the category of a difference: as many as it says, but none behind 16, which is 32768 (H.1.2.2).
#[inline(always)]
pub(super) fn difference_bits(category: u8) -> u32 {
    if category == 16 { 0 } else { category.into() }
}

/// Finds codes. A symbol that has none is given one of 16 bits as long as there are some that no code begins: those of the
/// others stay what they are, so that bits which are only copied keep their meaning under the longer table.
pub(super) struct Encoder {
    /// By symbol: the length of the code above the code; 0 without one.
    codes: Vec<u32>,
    /// The first code of 16 bits that is free.
    free: u32,
    counts: [u8; 16],
    values: Vec<u8>,
    /// Codes longer than this are not those of the stream.
    pub kept: u32,
    /// The symbols that had no code.
    pub added: Vec<u8>,
    /// Whether one of them found no room.
    pub is_short: bool,
}

/// The most codes of a length, and the most symbols.
const MOST_CODES: usize = 255;

impl Encoder {
    pub fn new(codes: &Codes<'_>) -> Result<Self, CodecFault> {
        let mut table = Self {
            codes: vec![0; 256],
            free: 0,
            counts: [0; 16],
            values: codes.values.to_vec(),
            kept: 16,
            added: Vec::new(),
            is_short: false,
        };
        for (count, &given) in table.counts.iter_mut().zip(codes.counts) {
            *count = given;
        }
        assign(codes, |code, length, value| {
            if let Some(slot) = table.codes.get_mut(usize::from(value)).filter(|slot| **slot == 0) {
                *slot = length << 16 | code;
            }
            table.free = (code + 1) << (16 - length);
        })?;
        Ok(table)
    }

    /// A table in which there is room for the symbols of `added`: the longest codes become a bit longer, as few of them as will
    /// do. Those are the rarest of a stream, whose places can be found while it is passed over; all others stay.
    pub fn with_room(codes: &Codes<'_>, added: &[u8]) -> Result<Self, CodecFault> {
        let mut all = Vec::new();
        assign(codes, |code, length, value| all.push((code, length, value)))?;
        for kept in (0..16).rev() {
            let (stay, go) = all.split_at(all.partition_point(|&(_, length, _)| length <= kept));
            let free = stay.last().map_or(0, |(code, length, _)| (code + 1) << (16 - length));
            let mut counts = [0u8; 16];
            let mut values: Vec<u8> = stay.iter().map(|&(_, _, value)| value).collect();
            let mut lengths: Vec<u32> = stay.iter().map(|&(_, length, _)| length).collect();
            let mut end = free;
            let longer = go.iter().map(|&(_, length, value)| ((length + 1).min(16), value));
            for (length, value) in longer.chain(added.iter().map(|&value| (16, value))) {
                if !values.contains(&value) {
                    values.push(value);
                    lengths.push(length);
                    end += 1 << (16 - length);
                }
            }
            // No code consists of ones alone (C.2).
            if end > 0xFFFF || values.len() > MOST_CODES {
                continue;
            }
            for length in lengths {
                if let Some(count) = counts.get_mut(length as usize - 1) {
                    *count += 1;
                }
            }
            let destination = codes.destination;
            let table = Self::new(&Codes { destination, counts: &counts, values: &values })?;
            return Ok(Self { kept, added: added.to_vec(), ..table });
        }
        Err(CodecFault::Malformed("a Huffman table is full"))
    }

    /// Code and length, which is 0 where there is no room for a code.
    #[inline(always)]
    pub fn code(&mut self, symbol: u8) -> (u32, u32) {
        let code = self.codes.get(usize::from(symbol)).copied().unwrap_or(0);
        let code = if code == 0 { self.add(symbol) } else { code };
        (code & 0xFFFF, code >> 16)
    }

    #[cold]
    fn add(&mut self, symbol: u8) -> u32 {
        if !self.added.contains(&symbol) {
            self.added.push(symbol);
        }
        let [.., longest] = &mut self.counts;
        // No code consists of ones alone (C.2).
        if self.free >= 0xFFFF || self.values.len() >= MOST_CODES {
            self.is_short = true;
            return 0;
        }
        let code = 16 << 16 | self.free;
        if let Some(slot) = self.codes.get_mut(usize::from(symbol)) {
            *slot = code;
        }
        *longest += 1;
        self.values.push(symbol);
        self.free += 1;
        code
    }

    /// What reads what this writes, by the table that is written with it.
    pub fn decoder(&self) -> Result<Decoder, CodecFault> {
        let codes = Codes { destination: 0, counts: &self.counts, values: &self.values };
        Decoder::new(&codes, u8::MAX, 16)
    }

    /// What defines it in a segment (B.2.4.2): `class` 0 for first coefficients and differences, 1 for all others.
    pub fn definition(&self, class: u8, destination: u8) -> Vec<u8> {
        let mut definition = vec![class << 4 | destination];
        definition.extend_from_slice(&self.counts);
        definition.extend_from_slice(&self.values);
        definition
    }
}
