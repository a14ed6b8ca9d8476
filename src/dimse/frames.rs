//! The sending side: P-DATA-TF PDUs laid out in one block of memory, with room for their headers, so that a file is read
//! straight to the place from which it is sent.

use std::future::Future;
use std::io;

use crate::dimse::DEFAULT_MAX_PDU;

/// Bytes before the payload of a PDU with one presentation data value in it: both headers.
const HEADERS: usize = 12;

/// Payload that a block holds at least, whatever the size of the peer's PDUs: it is written at once.
const BLOCK: usize = 256 << 10;

/// Room for the command set at the front of a message's first block, in bytes.
const COMMAND_ROOM: usize = 1024;

/// The payload of one PDU for a peer that takes `max_pdu` bytes (0 is without limit): even, as PS3.8 §9.3.5.1 wants the
/// fragments of a data set.
pub(crate) fn payload_of(max_pdu: u32) -> usize {
    let max_pdu = if max_pdu == 0 { DEFAULT_MAX_PDU } else { max_pdu.min(DEFAULT_MAX_PDU) };
    (max_pdu.saturating_sub(6) & !1).max(2) as usize
}

fn header(context: u8, command: bool, last: bool, payload: usize) -> [u8; HEADERS] {
    // A payload is at most DEFAULT_MAX_PDU.
    let [a, b, c, d] = (payload as u32 + 6).to_be_bytes();
    let [e, f, g, h] = (payload as u32 + 2).to_be_bytes();
    let control = u8::from(command) | u8::from(last) << 1;
    [0x04, 0, a, b, c, d, e, f, g, h, context, control]
}

/// A command set as PDUs.
pub(crate) fn command_pdus(context: u8, set: &[u8], payload: usize) -> Vec<u8> {
    pdus(context, true, set, payload)
}

/// A message with a data set that is in memory, as PDUs.
pub(crate) fn message_pdus(context: u8, set: &[u8], data: &[u8], payload: usize) -> Vec<u8> {
    [pdus(context, true, set, payload), pdus(context, false, data, payload)].concat()
}

fn pdus(context: u8, command: bool, bytes: &[u8], payload: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + HEADERS);
    let mut rest = bytes;
    loop {
        let (now, later) = rest.split_at(rest.len().min(payload));
        out.extend(header(context, command, later.is_empty(), now.len()));
        out.extend(now);
        rest = later;
        if rest.is_empty() {
            return out;
        }
    }
}

/// A block of PDUs that a [`Source`] fills with the bytes of a data set.
///
/// The source sees the payload of one PDU at a time: it puts bytes at the front of [`Frames::space`], says how many with
/// [`Frames::advance`], and [`Frames::end`] after the last byte of all. Every PDU but the last of a data set is filled to
/// the brim; the last one is odd where the data set is. Nothing is padded here, although archives built on DCMTK abort the
/// association at an odd fragment: what to do about such an object is for the one who delivers it.
#[derive(Debug)]
pub struct Frames {
    bytes: Vec<u8>,
    context: u8,
    /// Payload of a full PDU.
    payload: usize,
    /// Header of the PDU being filled.
    open: usize,
    /// End of what is filled; the open PDU's payload begins [`HEADERS`] after `open`.
    position: usize,
    /// Header of the last PDU that is closed.
    closed: Option<usize>,
    ended: bool,
}

impl Frames {
    pub(crate) fn new(payload: usize) -> Self {
        let pdus = BLOCK.div_ceil(payload + HEADERS);
        let bytes = vec![0; COMMAND_ROOM + pdus * (payload + HEADERS)];
        Self { bytes, context: 0, payload, open: 0, position: 0, closed: None, ended: false }
    }

    /// Empties the block for data in `context`, behind `front`: a command set's PDUs that go out with it. `false` when they do not
    /// fit there.
    pub(crate) fn begin(&mut self, context: u8, front: &[u8]) -> bool {
        let fits = front.len() <= COMMAND_ROOM;
        let front = if fits { front } else { &[] };
        if let Some(place) = self.bytes.get_mut(..front.len()) {
            place.copy_from_slice(front);
        }
        self.context = context;
        self.open = front.len();
        self.position = front.len() + HEADERS;
        self.closed = None;
        self.ended = false;
        fits
    }

    /// Where the next bytes of the data set belong; empty when the block is full.
    #[must_use]
    pub fn space(&mut self) -> &mut [u8] {
        let end = self.open + HEADERS + self.payload;
        self.bytes.get_mut(self.position..end).unwrap_or_default()
    }

    /// That many bytes, at most the length of [`Frames::space`], have been put there.
    pub fn advance(&mut self, count: usize) {
        let end = self.open + HEADERS + self.payload;
        if end > self.bytes.len() {
            return;
        }
        self.position = end.min(self.position.saturating_add(count));
        if self.position == end {
            self.close();
        }
    }

    /// The data set is complete. What is sent after this is marked as its last fragment.
    pub fn end(&mut self) {
        self.ended = true;
    }

    /// Whether the source has said that the data set is complete.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.ended
    }

    /// Whether there is no room left.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.open + HEADERS + self.payload > self.bytes.len()
    }

    /// Fills what room there is with what `read` puts there, or until that says, by 0, that the data set has ended.
    ///
    /// # Errors
    /// Those of `read`, but that it was interrupted.
    pub fn fill(&mut self, mut read: impl FnMut(&mut [u8]) -> io::Result<usize>) -> io::Result<()> {
        while !self.is_full() {
            match read(self.space()) {
                Ok(0) => {
                    self.end();
                    return Ok(());
                }
                Ok(count) => self.advance(count),
                Err(fault) if fault.kind() == io::ErrorKind::Interrupted => {}
                Err(fault) => return Err(fault),
            }
        }
        Ok(())
    }

    /// Bytes of the data set that have been put here and stand in no closed PDU.
    fn pending(&self) -> usize {
        self.position.saturating_sub(self.open + HEADERS)
    }

    /// How many bytes of everything have been filled, for a caller that asks whether a source did anything.
    pub(crate) fn filled(&self) -> usize {
        self.position
    }

    /// Whether nothing of a data set is in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.closed.is_none() && self.pending() == 0
    }

    fn close(&mut self) {
        let header = header(self.context, false, false, self.pending());
        if let Some(place) = self.bytes.get_mut(self.open..self.open + HEADERS) {
            place.copy_from_slice(&header);
        }
        self.closed = Some(self.open);
        self.open = self.position;
        self.position += HEADERS;
    }

    /// Closes what is open and gives the bytes to be sent. With `last`, the last PDU is marked as the end of the
    /// data set; when there is none, an empty one is made.
    pub(crate) fn seal(&mut self, last: bool) -> &[u8] {
        if self.pending() > 0 || (last && self.closed.is_none()) {
            self.close();
        }
        if last
            && let Some(header) = self.closed
            && let Some(control) = self.bytes.get_mut(header + HEADERS - 1)
        {
            *control |= 2;
        }
        self.bytes.get(..self.open).unwrap_or_default()
    }
}

/// Where the bytes of a data set come from.
pub trait Source: Send {
    /// Puts more of the data set into the block: best until it is full, at least a byte, or says that it has ended. The
    /// block is handed over so that it can go to another thread; the same one has to come back.
    ///
    /// # Errors
    /// When the data set cannot be read: it is not sent then, and the peer sees an aborted association.
    fn fill(&mut self, frames: Frames) -> impl Future<Output = io::Result<Frames>> + Send;
}

/// A data set in memory.
impl Source for &[u8] {
    async fn fill(&mut self, mut frames: Frames) -> io::Result<Frames> {
        frames.fill(|space| io::Read::read(self, space))?;
        Ok(frames)
    }
}

/// A data set from a blocking reader, a file for instance, read on the threads that tokio keeps for that.
#[derive(Debug)]
pub struct Blocking<R>(Option<R>);

impl<R> Blocking<R> {
    /// Reads from `reader` until it says that it has ended.
    pub fn new(reader: R) -> Self {
        Self(Some(reader))
    }
}

impl<R: io::Read + Send + 'static> Source for Blocking<R> {
    async fn fill(&mut self, mut frames: Frames) -> io::Result<Frames> {
        // It is only away when an earlier call was cancelled: what that one has read is lost.
        let Some(mut reader) = self.0.take() else {
            return Err(io::Error::other("an earlier read was cancelled"));
        };
        let job = tokio::task::spawn_blocking(move || {
            let result = frames.fill(|space| reader.read(space));
            (reader, frames, result)
        });
        let (reader, frames, result) = job.await.map_err(io::Error::other)?;
        self.0 = Some(reader);
        result.map(|()| frames)
    }
}

#[cfg(test)]
#[path = "frames_tests.rs"]
mod tests;
