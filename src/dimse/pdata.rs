//! The receiving side: a stream of PDUs taken apart in one buffer, without I/O. The buffer is short until much comes at once,
//! and never longer than a fixed size.
//!
//! Bytes are put into [`Decoder::space`]; [`Decoder::next`] names what has come as ranges of the buffer, so that a
//! data set goes from socket to file without another copy. Fragments are handed out as they come, in pieces, however long the
//! PDU claims to be; only the few PDUs around an association are waited for whole, and their length is bounded.

use std::ops::Range;

use crate::dimse::MAX_ASSOCIATE;
use crate::dimse::fault::Breach;
use crate::dimse::pdu::{PDU_HEADER, PduType};

/// The read buffer of a busy association, in bytes: a PDU of the size we offer, and room for the longest A-ASSOCIATE.
const BUFFER: usize = super::READ_BUFFER;

/// The read buffer of an association on which nothing comes but a word now and then.
const AT_REST: usize = 4 << 10;

/// How much longer the buffer becomes when it is full.
const GROWTH: usize = 8;

/// How much longer than offered a P-DATA-TF may be. Some senders count the PDU header or the PDV header (6 bytes each)
/// outside the maximum length; since nothing is allocated for a PDU it costs nothing to let them.
const TOLERANCE: u32 = 12;

/// A-ASSOCIATE-RJ, A-RELEASE and A-ABORT have 4 bytes; more than this is not one of them.
const MAX_SHORT: u32 = 64;

/// Bytes before the payload of a presentation data value: length, context, message control header.
const PDV_HEADER: u32 = 6;

/// What has come: ranges of the buffer, good until [`Decoder::space`] is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unit {
    /// A piece of a message.
    Fragment(Fragment),
    /// The body of any PDU but P-DATA-TF.
    Pdu(PduType, Range<usize>),
}

/// A piece of a command set or a data set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fragment {
    /// Presentation context.
    pub(crate) context: u8,
    /// Whether it belongs to a command set.
    pub(crate) command: bool,
    /// Whether the command set or data set ends with it.
    pub(crate) last: bool,
    /// Its bytes, possibly none.
    pub(crate) bytes: Range<usize>,
}

/// The presentation data value that is being handed out.
#[derive(Debug)]
struct Open {
    context: u8,
    command: bool,
    last: bool,
    left: u32,
}

/// Takes a stream of PDUs apart.
#[derive(Debug)]
pub(crate) struct Decoder {
    buffer: Vec<u8>,
    /// The last read filled all the space there was: more is waiting.
    was_filled: bool,
    /// The bytes that have come and are not yet handed out.
    start: usize,
    end: usize,
    /// Bytes of the current P-DATA-TF behind the open PDV.
    pdu_left: u32,
    open: Option<Open>,
    max_pdu: u32,
}

impl Decoder {
    /// A decoder that takes P-DATA-TF of any length: before the association is agreed on they are refused for coming at all.
    pub(crate) fn new() -> Self {
        Self {
            buffer: vec![0; AT_REST],
            was_filled: false,
            start: 0,
            end: 0,
            pdu_left: 0,
            open: None,
            max_pdu: u32::MAX - TOLERANCE,
        }
    }

    /// From here on P-DATA-TF may be as long as we offered.
    pub(crate) fn limit(&mut self, max_pdu: u32) {
        self.max_pdu = max_pdu.min(u32::MAX - TOLERANCE);
    }

    /// Where the next bytes are to be put; never empty. Ranges handed out before lose their meaning.
    pub(crate) fn space(&mut self) -> &mut [u8] {
        // A short remainder (a header cut in two) moves to the front, so that the next read gets the whole buffer.
        if self.start > 0 && (self.end - self.start < 64 || self.end == self.buffer.len()) {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if (self.was_filled || self.end == self.buffer.len()) && self.has_room_to_grow() {
            self.was_filled = false;
            self.buffer.resize((self.buffer.len() * GROWTH).min(BUFFER), 0);
        }
        self.buffer.get_mut(self.end..).unwrap_or_default()
    }

    fn has_room_to_grow(&self) -> bool {
        self.buffer.len() < BUFFER
    }

    /// Whether the buffer is longer than a quiet association needs, and nothing is in it.
    pub(crate) fn can_rest(&self) -> bool {
        self.buffer.len() > AT_REST && self.start == self.end
    }

    /// Gives memory back until more than a word comes again.
    pub(crate) fn rest(&mut self) {
        if self.can_rest() {
            self.buffer = vec![0; AT_REST];
            (self.start, self.end) = (0, 0);
        }
    }

    /// That many bytes have been put into [`Decoder::space`].
    pub(crate) fn filled(&mut self, count: usize) {
        self.end = (self.end + count).min(self.buffer.len());
        self.was_filled = self.end == self.buffer.len();
    }

    /// Whether the stream stands between two PDUs with nothing of the next one here.
    pub(crate) fn is_between_pdus(&self) -> bool {
        self.start == self.end && self.pdu_left == 0 && self.open.is_none()
    }

    /// Throws away what has come.
    pub(crate) fn discard(&mut self) {
        (self.start, self.end) = (0, 0);
    }

    /// The bytes of a range.
    pub(crate) fn bytes(&self, range: Range<usize>) -> &[u8] {
        self.buffer.get(range).unwrap_or_default()
    }

    /// The first bytes that have come and are not handed out, for the fault that says who spoke.
    pub(crate) fn peek(&self) -> &[u8] {
        self.bytes(self.start..self.end)
    }

    /// What has come next, `None` when more bytes are needed to tell.
    ///
    /// # Errors
    /// When what has come is no PDU or one with impossible lengths. The stream cannot be followed after that.
    pub(crate) fn next(&mut self) -> Result<Option<Unit>, Breach> {
        if self.open.is_none() && self.pdu_left == 0 {
            match self.next_pdu()? {
                Header::Incomplete => return Ok(None),
                Header::PData => {}
                Header::Whole(pdu, body) => return Ok(Some(Unit::Pdu(pdu, body))),
            }
        }
        if self.open.is_none() && !self.next_pdv()? {
            return Ok(None);
        }
        Ok(self.next_fragment().map(Unit::Fragment))
    }

    fn next_pdu(&mut self) -> Result<Header, Breach> {
        let here = self.peek();
        let Some(&first) = here.first() else { return Ok(Header::Incomplete) };
        let pdu = PduType::of(first).ok_or(Breach::UnknownPdu(first))?;
        let Some(&[_, _, length @ ..]) = here.first_chunk::<PDU_HEADER>() else {
            return Ok(Header::Incomplete);
        };
        let length = u32::from_be_bytes(length);
        let limit = match pdu {
            PduType::PData => self.max_pdu + TOLERANCE,
            PduType::AssociateRq | PduType::AssociateAc => MAX_ASSOCIATE as u32,
            PduType::AssociateRj | PduType::ReleaseRq | PduType::ReleaseRp | PduType::Abort => {
                MAX_SHORT
            }
        };
        if length > limit {
            return Err(Breach::PduTooLong { pdu, length, limit });
        }
        if length < pdu.least() {
            return Err(Breach::PduTooShort { pdu, length });
        }
        if pdu == PduType::PData {
            self.start += PDU_HEADER;
            self.pdu_left = length;
            return Ok(Header::PData);
        }
        let body = self.start + PDU_HEADER..self.start + PDU_HEADER + length as usize;
        if body.end > self.end {
            return Ok(Header::Incomplete);
        }
        self.start = body.end;
        Ok(Header::Whole(pdu, body))
    }

    /// Opens the next PDV of the current PDU; `false` when its header is not here yet.
    fn next_pdv(&mut self) -> Result<bool, Breach> {
        if self.pdu_left < PDV_HEADER {
            return Err(Breach::PdvLength { length: 0, left: self.pdu_left.saturating_sub(4) });
        }
        let Some(&[a, b, c, d, context, control]) = self.peek().first_chunk() else {
            return Ok(false);
        };
        let length = u32::from_be_bytes([a, b, c, d]);
        let left = self.pdu_left - 4;
        if length < 2 || length > left {
            return Err(Breach::PdvLength { length, left });
        }
        self.start += PDV_HEADER as usize;
        self.pdu_left = left - length;
        // PS3.8 §E.2: bits 2 to 7 are not checked by the receiver.
        let (command, last) = (control & 1 != 0, control & 2 != 0);
        self.open = Some(Open { context, command, last, left: length - 2 });
        Ok(true)
    }

    /// As much of the open PDV as is here.
    fn next_fragment(&mut self) -> Option<Fragment> {
        let here = self.end - self.start;
        let open = self.open.as_mut()?;
        if here == 0 && open.left > 0 {
            return None;
        }
        let take = here.min(open.left as usize);
        // `take` is at most `left`, which is a u32.
        open.left -= take as u32;
        let whole = open.left == 0;
        let fragment = Fragment {
            context: open.context,
            command: open.command,
            last: open.last && whole,
            bytes: self.start..self.start + take,
        };
        self.start += take;
        if whole {
            self.open = None;
        }
        Some(fragment)
    }
}

/// What stands at the head of the stream.
enum Header {
    Incomplete,
    PData,
    Whole(PduType, Range<usize>),
}

#[cfg(test)]
#[path = "pdata_tests.rs"]
mod tests;
