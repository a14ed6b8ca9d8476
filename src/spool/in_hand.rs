//! What the gate is working on, in a file that survives the process: whatever is found in it at a start may be what ended the
//! one before.
//!
//! Nothing is synced, since the page cache outlives a process and a power cut is no fault of an object's. A line is a slot of
//! fixed width: the object, at how many starts in a row it was found in hand, and whether work on it is going on (`w`) or about
//! to (`-`). A slot that cannot be written costs the suspicion, never the object.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::base::object_id::ObjectId;

/// A line: 32 digits of the id, two of the count, the word, two spaces and the end.
const WIDTH: usize = 38;

/// Slots that are read at a start. The gate never works on as many objects at a time.
const MOST: usize = 4096;

/// More starts than this are not told apart.
const OFTEN: u32 = 99;

/// See the module.
#[derive(Debug)]
pub struct InHand {
    file: File,
    slots: Mutex<Slots>,
}

#[derive(Debug, Default)]
struct Slots {
    free: BTreeSet<usize>,
    /// The first slot that was never used.
    end: usize,
    /// Found at the start and not worked on since.
    suspects: BTreeMap<ObjectId, Suspect>,
}

#[derive(Debug, Clone, Copy)]
struct Suspect {
    slot: usize,
    found: u32,
}

/// Opens a file of lines that are written over in place, and reads it, so many bytes at most.
pub(super) fn open_lines(path: &Path, most: usize) -> io::Result<(File, Vec<u8>)> {
    let mut file = File::options()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)?;
    let mut text = Vec::new();
    file.by_ref().take(most as u64).read_to_end(&mut text)?;
    Ok((file, text))
}

/// An object in hand. Dropped when the work on it has come to an end, whichever.
#[derive(Debug)]
pub struct Noted {
    in_hand: Arc<InHand>,
    object: ObjectId,
    slot: usize,
    found: u32,
}

impl InHand {
    /// Takes the file over: whatever was worked on when the last process ended has been found once more.
    pub(super) fn open(path: &Path) -> io::Result<Arc<Self>> {
        let (file, text) = open_lines(path, MOST * WIDTH)?;
        let in_hand = Self { file, slots: Mutex::default() };
        let mut slots = Slots::default();
        for line in text.chunks(WIDTH) {
            let slot = slots.end;
            slots.end += 1;
            let suspect = parsed(line)
                .map(|(object, found, at_work)| (object, (found + u32::from(at_work)).min(OFTEN)))
                .filter(|(object, found)| *found > 0 && !slots.suspects.contains_key(object));
            match suspect {
                Some((object, found)) => {
                    in_hand.write(slot, &line_of(object, found, false))?;
                    slots.suspects.insert(object, Suspect { slot, found });
                }
                None => {
                    in_hand.write(slot, &EMPTY)?;
                    slots.free.insert(slot);
                }
            }
        }
        *in_hand.slots() = slots;
        Ok(Arc::new(in_hand))
    }

    /// At how many starts in a row the object was found in hand, and at none of them finished since.
    #[must_use]
    pub fn found(&self, object: ObjectId) -> u32 {
        self.slots().suspects.get(&object).map_or(0, |suspect| suspect.found)
    }

    /// The objects that were in hand when an earlier process ended.
    #[must_use]
    pub fn suspects(&self) -> Vec<ObjectId> {
        self.slots().suspects.keys().copied().collect()
    }

    /// Forgets the suspects of which `is_left` says that nothing is to be done with them any more.
    pub fn keep(&self, mut is_left: impl FnMut(ObjectId) -> bool) {
        let gone: Vec<usize> = {
            let mut slots = self.slots();
            let gone = slots.suspects.extract_if(.., |object, _| !is_left(*object));
            gone.map(|(_, suspect)| suspect.slot).collect()
        };
        for slot in gone {
            self.clear(slot);
        }
    }

    /// Makes room for an object. It is in hand between [`Noted::begin`] and [`Noted::pause`] or the drop.
    #[must_use]
    pub fn note(self: &Arc<Self>, object: ObjectId) -> Noted {
        let mut slots = self.slots();
        let (slot, found) = match slots.suspects.remove(&object) {
            Some(suspect) => (suspect.slot, suspect.found),
            None => {
                let free = slots.free.pop_first();
                let slot = free.unwrap_or(slots.end);
                slots.end = slots.end.max(slot + 1);
                (slot, 0)
            }
        };
        Noted { in_hand: Arc::clone(self), object, slot, found }
    }

    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, slot: usize, line: &[u8; WIDTH]) -> io::Result<()> {
        self.file.write_all_at(line, (slot * WIDTH) as u64)
    }

    fn try_write(&self, slot: usize, line: &[u8; WIDTH]) {
        if let Err(error) = self.write(slot, line) {
            tracing::debug!(%error, "what is in hand cannot be noted");
        }
    }

    /// The slot is free once it is empty: nobody else writes it before, and so the lock, for which workers wait that must not be
    /// kept, is not held over the disk.
    fn clear(&self, slot: usize) {
        self.try_write(slot, &EMPTY);
        self.slots().free.insert(slot);
    }
}

impl Noted {
    /// Work on the object begins, or goes on.
    pub fn begin(&self) {
        self.in_hand.try_write(self.slot, &line_of(self.object, self.found, true));
    }

    /// Others work now: a process that ends here ends through no fault of this object.
    pub fn pause(&self) {
        self.in_hand.try_write(self.slot, &line_of(self.object, self.found, false));
    }
}

#[cfg(test)]
impl Noted {
    /// Does what a kill does to a note.
    #[expect(clippy::mem_forget, reason = "a process that is killed clears nothing")]
    pub(crate) fn die(self) {
        std::mem::forget(self);
    }
}

impl Drop for Noted {
    fn drop(&mut self) {
        self.in_hand.clear(self.slot);
    }
}

const EMPTY: [u8; WIDTH] = {
    let mut line = [b' '; WIDTH];
    line[WIDTH - 1] = b'\n';
    line
};

fn line_of(object: ObjectId, found: u32, at_work: bool) -> [u8; WIDTH] {
    let word = if at_work { 'w' } else { '-' };
    let text = format!("{object} {:02} {word}\n", found.min(OFTEN));
    let mut line = EMPTY;
    for (place, byte) in line.iter_mut().zip(text.bytes()) {
        *place = byte;
    }
    line
}

/// `None` of an empty slot, and of one that is not ours.
fn parsed(line: &[u8]) -> Option<(ObjectId, u32, bool)> {
    let text = std::str::from_utf8(line).ok()?;
    let mut words = text.split_ascii_whitespace();
    let object = ObjectId::parse(words.next()?)?;
    let found = words.next()?.parse().ok().filter(|found| *found <= OFTEN)?;
    let at_work = match words.next()? {
        "w" => true,
        "-" => false,
        _ => return None,
    };
    Some((object, found, at_work))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: ObjectId = ObjectId::from_u128(1);
    const TWO: ObjectId = ObjectId::from_u128(2);

    fn found(in_hand: &InHand) -> [u32; 2] {
        [ONE, TWO].map(|object| in_hand.found(object))
    }

    #[test]
    fn what_was_in_hand_at_the_end_is_a_suspect_and_what_was_finished_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("judging");
        let first = InHand::open(&path).expect("a file");
        let (one, two) = (first.note(ONE), first.note(TWO));
        one.begin();
        two.begin();
        drop(two);
        assert_eq!(found(&first), [0, 0]);
        one.die();
        assert_eq!(found(&InHand::open(&path).expect("a file")), [1, 0]);
    }

    #[test]
    fn starts_in_a_row_are_counted_and_only_of_what_was_worked_on() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("judging");
        for start in 0..3 {
            let in_hand = InHand::open(&path).expect("a file");
            assert_eq!(found(&in_hand), [start, u32::from(start > 0)]);
            let one = in_hand.note(ONE);
            one.begin();
            if start == 0 {
                let two = in_hand.note(TWO);
                two.begin();
                two.die();
            }
            one.die();
        }
        let in_hand = InHand::open(&path).expect("a file");
        assert_eq!(found(&in_hand), [3, 1]);
        let two = in_hand.note(TWO);
        two.begin();
        two.pause();
        two.die();
        let in_hand = InHand::open(&path).expect("a file");
        assert_eq!(found(&in_hand), [3, 1], "it ended while others worked");
        drop(in_hand.note(ONE));
        in_hand.keep(|_| false);
        assert_eq!(found(&in_hand), [0, 0]);
        assert_eq!(found(&InHand::open(&path).expect("a file")), [0, 0]);
    }

    #[test]
    fn slots_are_used_again_and_garbage_is_nobody() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("judging");
        std::fs::write(&path, "something else altogether, longer than any line is")
            .expect("written");
        let in_hand = InHand::open(&path).expect("a file");
        for _ in 0..100 {
            let noted = in_hand.note(ONE);
            noted.begin();
        }
        let length = std::fs::metadata(&path).expect("a file").len();
        assert_eq!(length, 2 * WIDTH as u64);
    }
}
