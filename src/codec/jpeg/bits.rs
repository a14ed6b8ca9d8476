//! Bits out of and into entropy-coded bytes, in which a byte of ones is followed by a zero byte (F.1.2.3).
//!
//! What is read has its zero bytes taken out first, so that a place in it is a number of bits and eight bytes can be loaded
//! at once; they are put in again on the way out.

use std::io::BufRead;
use std::ops::Range;

use super::CodecFault;

/// Zero bytes behind what is read, so that a load near the end is like any other.
const MARGIN: usize = 16;

/// Where the first byte of ones is.
pub(super) fn find_ff(bytes: &[u8]) -> Option<usize> {
    // Of a slice this cannot fail, and it is as fast as the machine searches memory.
    let mut rest = bytes;
    let last = rest.skip_until(0xFF).unwrap_or(0).checked_sub(1)?;
    (bytes.get(last) == Some(&0xFF)).then_some(last)
}

/// An interval of entropy-coded bytes without the zero bytes that were put in.
pub(super) struct Bits {
    bytes: Vec<u8>,
    /// How many of them count.
    pub length: usize,
}

impl Bits {
    /// `coded` holds no marker.
    pub fn new(mut coded: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(coded.len() + MARGIN);
        while let Some(at) = find_ff(coded) {
            let (plain, rest) = coded.split_at_checked(at + 1).unwrap_or((coded, &[]));
            bytes.extend_from_slice(plain);
            coded = rest.get(1..).unwrap_or_default();
        }
        bytes.extend_from_slice(coded);
        let length = bytes.len() * 8;
        bytes.resize(bytes.len() + MARGIN, 0);
        Self { bytes, length }
    }

    /// The same of bytes that may hold a marker; `None` where they do.
    pub fn without_markers(coded: &[u8]) -> Option<Self> {
        let mut rest = coded;
        while let Some(at) = find_ff(rest) {
            rest = rest.get(at + 1..)?.strip_prefix(&[0])?;
        }
        Some(Self::new(coded))
    }

    /// Reads from its start on.
    pub fn reader(&self) -> Reader<'_> {
        Reader { bits: self, next: 0, buffer: 0, held: 0 }
    }

    /// Reads from a place on.
    pub fn reader_at(&self, place: usize) -> Reader<'_> {
        let mut reader = Reader { bits: self, next: place / 8, buffer: 0, held: 0 };
        reader.refill();
        reader.pass((place % 8) as u32);
        reader
    }

    /// Whether the bits of a range are those of `other` from `at` on.
    pub fn same(&self, range: Range<usize>, other: &Self, mut at: usize) -> bool {
        let mut from = range.start;
        if from.is_multiple_of(8) && at.is_multiple_of(8) {
            let bytes = range.len() / 8;
            let here = self.bytes.get(from / 8..from / 8 + bytes);
            if here.is_none() || here != other.bytes.get(at / 8..at / 8 + bytes) {
                return false;
            }
            from += bytes * 8;
            at += bytes * 8;
        }
        while from < range.end {
            let count = (range.end - from).min(56);
            let bits =
                |bits: &Self, place: usize| bits.load(place / 8) << (place % 8) >> (64 - count);
            if bits(self, from) != bits(other, at) {
                return false;
            }
            from += count;
            at += count;
        }
        true
    }

    /// How many bits at the end are alike, up to seven: no fewer than those that pad the last byte.
    fn run_at_end(&self) -> usize {
        let Some(&last) = self.bytes.get((self.length / 8).wrapping_sub(1)) else { return 0 };
        (last.trailing_ones().max(last.trailing_zeros()) as usize).min(7)
    }

    fn load(&self, at: usize) -> u64 {
        match self.bytes.get(at..at + 8) {
            Some(eight) => eight.try_into().map_or(0, u64::from_be_bytes),
            None => 0,
        }
    }
}

/// Reads bits. Behind the end it finds zeros without end; [`check`](Self::check) tells.
#[derive(Clone)]
pub(super) struct Reader<'a> {
    bits: &'a Bits,
    /// The byte that is loaded next.
    next: usize,
    /// The next bits, the first of them on top.
    buffer: u64,
    /// How many of them were loaded for good.
    held: u32,
}

impl Reader<'_> {
    /// Loads until at least 56 bits are there.
    #[inline(always)]
    pub fn refill(&mut self) {
        self.buffer |= self.bits.load(self.next) >> self.held;
        self.next += ((63 - self.held) >> 3) as usize;
        self.held |= 56;
    }

    /// The next `count` bits, 1 to 32, of those loaded.
    #[inline(always)]
    pub fn peek(&self, count: u32) -> u32 {
        (self.buffer >> (64 - count)) as u32
    }

    /// Passes `count` of the bits loaded, 0 to 56.
    #[inline(always)]
    pub fn pass(&mut self, count: u32) {
        self.buffer <<= count;
        self.held = self.held.wrapping_sub(count);
    }

    /// The number that `size` bits, 0 to 16, mean behind a category of that size (F.2.2.1).
    #[inline(always)]
    pub fn number(&mut self, size: u32) -> i32 {
        // Two shifts, as one by 64 is none.
        let bits = ((self.buffer >> 1) >> (63 - size)) as i32;
        self.pass(size);
        let span = 1i32 << size;
        if bits << 1 >= span { bits } else { bits + 1 - span }
    }

    /// How many bits have been passed.
    #[inline(always)]
    pub fn place(&self) -> usize {
        (self.next * 8).wrapping_sub(self.held as usize)
    }

    /// # Errors
    /// Where more was read than is there.
    #[inline(always)]
    pub fn check(&self) -> Result<(), CodecFault> {
        if self.place() > self.bits.length {
            return Err(CodecFault::Malformed("the entropy-coded bytes end early"));
        }
        Ok(())
    }
}

/// Writes bits with the zero bytes that belong between them.
#[derive(Default)]
pub(super) struct Writer {
    bytes: Vec<u8>,
    /// Bits not yet written, the first of them on top.
    buffer: u64,
    /// How many, below 64.
    held: u32,
    /// Bits written, the zero bytes that are put in not counted.
    length: usize,
}

impl Writer {
    /// For about `bytes` of them.
    pub fn with_capacity(bytes: usize) -> Self {
        Self { bytes: Vec::with_capacity(bytes), ..Self::default() }
    }

    /// Writes the lowest `count` bits of `value`, 0 to 56; those above are zero.
    #[inline(always)]
    pub fn put(&mut self, value: u64, count: u32) {
        self.length += count as usize;
        let filled = self.held + count;
        if filled < 64 {
            self.buffer |= (value << 1) << (63 - filled);
            self.held = filled;
            return;
        }
        let over = filled - 64;
        self.buffer |= value >> over;
        self.write_eight();
        self.buffer = (value << 1) << (63 - over);
        self.held = over;
    }

    #[inline(always)]
    fn write_eight(&mut self) {
        const LOWEST: u64 = 0x0101_0101_0101_0101;
        let zeros = !self.buffer;
        if zeros.wrapping_sub(LOWEST) & !zeros & (LOWEST << 7) == 0 {
            self.bytes.extend_from_slice(&self.buffer.to_be_bytes());
        } else {
            self.write_slowly(8);
        }
    }

    /// How many bits have been written.
    pub fn place(&self) -> usize {
        self.length
    }

    fn write_slowly(&mut self, count: usize) {
        for byte in self.buffer.to_be_bytes().into_iter().take(count) {
            self.bytes.push(byte);
            if byte == 0xFF {
                self.bytes.push(0);
            }
        }
    }

    /// Writes the bits from one place of `bits` to another.
    pub fn copy(&mut self, bits: &Bits, from: usize, to: usize) {
        let mut at = from;
        if self.held.is_multiple_of(8) && at.is_multiple_of(8) {
            // Whole bytes onto whole bytes.
            self.write_slowly(self.held as usize / 8);
            (self.buffer, self.held) = (0, 0);
            let mut plain = bits.bytes.get(at / 8..to / 8).unwrap_or_default();
            self.length += plain.len() * 8;
            at += plain.len() * 8;
            while let Some(end) = find_ff(plain) {
                let (head, rest) = plain.split_at_checked(end + 1).unwrap_or((plain, &[]));
                self.bytes.extend_from_slice(head);
                self.bytes.push(0);
                plain = rest;
            }
            self.bytes.extend_from_slice(plain);
        }
        while at + 56 <= to {
            self.put((bits.load(at / 8) << (at % 8)) >> 8, 56);
            at += 56;
        }
        if at < to {
            let rest = (to - at) as u32;
            self.put((bits.load(at / 8) << (at % 8)) >> (64 - rest), rest);
        }
    }

    /// Writes everything from `from` on, and pads. `end` finds where the last code ends, which is asked only where the
    /// padding at the end of `bits` could otherwise make a byte that nobody needs, and decoders complain of.
    pub fn copy_rest(
        mut self,
        bits: &Bits,
        from: usize,
        end: impl FnOnce() -> Result<usize, CodecFault>,
    ) -> Result<Vec<u8>, CodecFault> {
        let over = (self.length + bits.length.saturating_sub(from)) % 8;
        let to = if over != 0 && over <= bits.run_at_end() { end()? } else { bits.length };
        self.copy(bits, from, to);
        Ok(self.finish())
    }

    /// Pads the last byte with ones.
    pub fn finish(mut self) -> Vec<u8> {
        let missing = (8 - self.held % 8) % 8;
        self.put((1 << missing) - 1, missing);
        self.write_slowly(self.held as usize / 8);
        self.bytes
    }
}
