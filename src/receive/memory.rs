//! The memory that peers can make the gate hold: buffers of associations, and headers of objects that come in or wait to be
//! judged. All of it is charged to one budget before it is there, so that no number of hostile peers costs more than the site
//! allows. What is not to be had is answered: an object with A700, an association with a transient rejection.

use crate::base::budget::{Budget, Share};
use crate::dimse::READ_BUFFER;
use crate::dimse::normalized::MOST_DATA;
use crate::object::scan::USUAL_MEMORY;

/// What an open association costs on which nothing is going on.
const AT_REST: u64 = 32 << 10;

/// Bytes that go to a blocking thread at a time, as long as there is memory enough: a CT slice of 512 × 512 pixels takes two turns.
const BLOCK: usize = 288 << 10;

/// The same, once a quarter of the memory is in use: so many associations at a time are no ordinary day, and each can make
/// do with less.
const SMALL_BLOCK: usize = 128 << 10;

/// The part of the memory that headers may use beyond what an ordinary one needs, in quarters. The rest cannot be had by
/// objects with huge headers, so that ordinary ones still come in.
const HEADERS: u64 = 3;

/// The memory of a gate's receiving side. Clones are the same.
#[derive(Debug, Clone)]
pub struct Memory {
    all: Budget,
    headers: Budget,
}

/// The right to have the buffers with which an object is received.
#[derive(Debug)]
pub(super) struct Room {
    _share: Share,
    /// How long a block may be.
    pub(super) block: usize,
}

impl Memory {
    /// So many bytes.
    #[must_use]
    pub fn new(limit: u64) -> Self {
        let all = Budget::new(limit);
        let headers = all.part(limit / 4 * HEADERS);
        Self { all, headers }
    }

    /// Changes the limit. What is in use stays so.
    pub fn set_limit(&self, limit: u64) {
        self.all.set_limit(limit);
        self.headers.set_limit(limit / 4 * HEADERS);
    }

    /// Bytes in use.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.all.used()
    }

    /// What an association is charged while it is open.
    pub(super) fn at_rest(&self) -> Option<Share> {
        self.all.take(AT_REST)
    }

    /// What an association is charged in addition while objects come in on it: two blocks, the read buffer, and the header
    /// of an ordinary object.
    pub(super) fn room(&self) -> Option<Room> {
        let is_ample = self.all.used() < self.all.limit() / 4;
        let block = if is_ample { BLOCK } else { SMALL_BLOCK };
        // A block may be longer by the piece that came last.
        let longest = block.max(READ_BUFFER);
        let bytes = 2 * longest + READ_BUFFER + USUAL_MEMORY;
        Some(Room { _share: self.all.take(bytes as u64)?, block })
    }

    /// What a request with a data set of its own is charged while it is read and seen to: the data set, and what is made of it.
    pub(super) fn for_a_request(&self) -> Option<Share> {
        self.all.take(2 * MOST_DATA as u64)
    }

    /// What the header of one object is charged to beyond that.
    pub(super) fn for_a_header(&self) -> Option<Share> {
        self.headers.take(0)
    }
}

impl Default for Memory {
    /// For as many associations as are allowed unless a site says otherwise.
    fn default() -> Self {
        Self::new(256 << 20)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_hundred_associations_can_be_busy_at_a_time() {
        let memory = Memory::default();
        let held: Vec<_> = (0..500).map(|_| (memory.at_rest(), memory.room())).collect();
        assert!(held.iter().all(|(rest, room)| rest.is_some() && room.is_some()));
        let is_large = |room: &Option<Room>| room.as_ref().is_some_and(|room| room.block == BLOCK);
        let large = held.iter().filter(|(_, room)| is_large(room)).count();
        assert!((80..120).contains(&large), "{large} of them have large blocks");
        drop(held);
        assert_eq!(memory.used(), 0);
    }

    #[test]
    fn headers_leave_a_quarter_to_ordinary_objects() {
        let memory = Memory::new(16 << 20);
        let header = memory.for_a_header().expect("nothing yet");
        assert!(header.grow(12 << 20) && !header.grow(1));
        let held: Vec<_> = std::iter::from_fn(|| memory.room()).collect();
        assert_eq!(held.len(), 9);
    }
}
