//! Inflating for looking: a deflate stream goes in as it comes, what it holds comes out in pieces, and a bomb is
//! given up before it costs anything.

use flate2::{Decompress, FlushDecompress, Status};

use super::scan::DeflateStream;

/// Any data set may inflate to this many bytes: 128 plain CT slices, a tenth of a second of work.
const ALWAYS: u64 = 64 << 20;
/// Beyond [`ALWAYS`], bytes out for each byte in. Pixels deflate to a half or a tenth; a bomb to a thousandth.
const RATIO: u64 = 64;

/// How far inflating came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Inflated {
    /// The stream goes on.
    Unfinished,
    /// The end of the stream was seen; `trailer` tells of more than one byte behind it.
    Finished {
        trailer: bool,
    },
    Damaged {
        at: u64,
    },
    TooMuch,
    /// The reader of what came out had enough.
    Abandoned,
}

#[derive(Debug)]
pub(super) struct Inflater {
    stream: Option<Decompress>,
    zlib: bool,
    state: Inflated,
    trailing: u64,
    out: Box<[u8]>,
}

impl Inflater {
    pub fn new() -> Self {
        Self {
            stream: None,
            zlib: false,
            state: Inflated::Unfinished,
            trailing: 0,
            out: vec![0; 32 << 10].into_boxed_slice(),
        }
    }

    /// Inflates, and gives away what comes out until `take` wants no more.
    pub fn push(&mut self, mut bytes: &[u8], mut take: impl FnMut(&[u8]) -> bool) {
        let Some(first) = bytes.first() else { return };
        if self.stream.is_none() {
            self.zlib = begins_with_zlib(*first);
        }
        let zlib = self.zlib;
        let stream = self.stream.get_or_insert_with(|| Decompress::new(zlib));
        while self.state == Inflated::Unfinished {
            let (taken, made) = (stream.total_in(), stream.total_out());
            let status = stream.decompress(bytes, &mut self.out, FlushDecompress::None);
            let taken = usize::try_from(stream.total_in() - taken).unwrap_or(usize::MAX);
            let made = usize::try_from(stream.total_out() - made).unwrap_or(usize::MAX);
            bytes = bytes.get(taken..).unwrap_or_default();
            if made > 0 && !take(self.out.get(..made).unwrap_or_default()) {
                self.state = Inflated::Abandoned;
                return;
            }
            match status {
                Ok(Status::StreamEnd) => self.state = Inflated::Finished { trailer: false },
                Ok(Status::Ok | Status::BufError) if taken == 0 && made == 0 => return,
                Ok(Status::Ok | Status::BufError) => {
                    let bound = ALWAYS.max(stream.total_in().saturating_mul(RATIO));
                    if stream.total_out() > bound {
                        self.state = Inflated::TooMuch;
                    }
                }
                Err(_) => self.state = Inflated::Damaged { at: stream.total_in() },
            }
        }
        if let Inflated::Finished { trailer } = &mut self.state {
            self.trailing += bytes.len() as u64;
            // PS3.5 §A.5: a stream of odd length is followed by one NUL.
            *trailer = self.trailing > 1;
        }
    }

    pub fn has_given_up(&self) -> bool {
        matches!(self.state, Inflated::TooMuch | Inflated::Damaged { .. } | Inflated::Abandoned)
    }

    pub fn has_zlib_header(&self) -> bool {
        self.zlib
    }

    pub fn outcome(&self) -> (Inflated, DeflateStream) {
        let (total_in, inflated) =
            self.stream.as_ref().map_or((0, 0), |stream| (stream.total_in(), stream.total_out()));
        let end = matches!(self.state, Inflated::Finished { .. }).then_some(total_in);
        (self.state, DeflateStream { end, inflated })
    }
}

/// Whether the first byte of a deflate stream is a zlib header (RFC 1950: method 8 in the low half), which some
/// writers put where PS3.5 §A.5 wants a bare stream. In a bare stream it would be a stored block with padding
/// bits that no compressor sets.
pub(super) fn begins_with_zlib(first: u8) -> bool {
    first & 0x0F == 8
}
