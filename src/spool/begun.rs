//! When objects were first judged for being relayed, by their SOP Instance UIDs.
//!
//! What goes out depends on the time of the judgement, which a mark records. An object that was relayed and not answered, because
//! its modality, its destination or the gate ended, may be at the destination, and comes again: it is judged as of the same time,
//! so that the same bytes go out. And one that ended the gate while it was judged is known by it.
//!
//! One line an object in a file of fixed size that is written round and round, so that the oldest is forgotten first. A line
//! outlives a kill. It is not synced: a power cut may lose the last ones, and costs no more than that an object that was under way
//! bears a later time.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::in_hand::open_lines;
use crate::base::time::Timestamp;

/// Objects that are remembered.
const MOST: usize = 1 << 14;

/// Bytes of a line.
const WIDTH: usize = 64;

/// More starts than these need not be told apart.
const OFTEN: u32 = 99;

/// A SOP Instance UID, shortened: 128 bits of its BLAKE3.
type Key = u128;

/// See the module.
#[derive(Debug)]
pub struct Begun {
    file: File,
    lines: Mutex<Lines>,
}

#[derive(Debug)]
struct Lines {
    /// In the order of the file.
    keys: Vec<Option<Key>>,
    known: HashMap<Key, Line>,
    /// The line that is written next.
    next: usize,
}

#[derive(Debug, Clone, Copy)]
struct Line {
    place: usize,
    at: Timestamp,
    /// Starts that found it in judgement.
    found: u32,
}

/// The relaying of one object.
#[derive(Debug)]
pub struct Beginning {
    begun: Arc<Begun>,
    key: Key,
    line: Line,
    repeated: bool,
}

fn key_of(instance: &str) -> Key {
    let hash = blake3::hash(instance.as_bytes());
    let (first, _) = hash.as_bytes().split_first_chunk().unwrap_or((&[0; 16], &[]));
    u128::from_le_bytes(*first)
}

impl Begun {
    /// Takes the file over. What was in judgement when the last process ended has been found once more.
    pub(super) fn open(path: &Path) -> io::Result<Arc<Self>> {
        let (file, text) = open_lines(path, MOST * WIDTH)?;
        let mut lines = Lines { keys: vec![None; MOST], known: HashMap::new(), next: 0 };
        let mut newest = None;
        for (place, line) in text.chunks(WIDTH).enumerate() {
            let Some((key, at, found, in_judgement)) = parsed(line) else { continue };
            let found = (found + u32::from(in_judgement)).min(OFTEN);
            if let Some(known) = lines.keys.get_mut(place) {
                *known = Some(key);
            }
            lines.known.insert(key, Line { place, at, found });
            if newest.is_none_or(|(newest, _)| newest <= at) {
                newest = Some((at, place));
            }
        }
        lines.next = newest.map_or(0, |(_, place)| (place + 1) % MOST);
        Ok(Arc::new(Self { file, lines: Mutex::new(lines) }))
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the object of this SOP Instance UID was first judged for being relayed, as far as it is remembered.
    #[must_use]
    pub fn at(&self, instance: &str) -> Option<Timestamp> {
        self.lines().known.get(&key_of(instance)).map(|line| line.at)
    }

    /// The relaying of an object begins.
    #[must_use]
    pub fn begin(self: &Arc<Self>, instance: &str, now: Timestamp) -> Beginning {
        let key = key_of(instance);
        let (line, repeated) = {
            let mut lines = self.lines();
            match lines.known.get(&key) {
                Some(line) => (*line, true),
                None => (lines.add(key, now), false),
            }
        };
        Beginning { begun: Arc::clone(self), key, line, repeated }
    }
}

impl Lines {
    fn add(&mut self, key: Key, at: Timestamp) -> Line {
        let place = self.next;
        self.next = (place + 1) % MOST;
        let oldest = self.keys.get_mut(place).and_then(|oldest| oldest.replace(key));
        if let Some(oldest) = oldest {
            self.known.remove(&oldest);
        }
        let line = Line { place, at, found: 0 };
        self.known.insert(key, line);
        line
    }
}

impl Beginning {
    /// As of when it is judged.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.line.at
    }

    /// Whether it was begun before.
    #[must_use]
    pub fn is_repeated(&self) -> bool {
        self.repeated
    }

    /// At how many starts in a row it was found in judgement.
    #[must_use]
    pub fn found(&self) -> u32 {
        self.line.found
    }

    /// It is about to be judged: if the process ends now, that has ended it.
    pub fn judging(&self) {
        self.write_line(self.line, true);
    }

    /// The judgement has come to an end: what ends the process from here on is something else.
    pub fn judged(&self) {
        let is_known = match self.begun.lines().known.get_mut(&self.key) {
            Some(known) => {
                known.found = 0;
                true
            }
            // So many came meanwhile that its line is another's.
            None => false,
        };
        if is_known {
            self.write_line(Line { found: 0, ..self.line }, false);
        }
    }

    fn write_line(&self, line: Line, in_judgement: bool) {
        let text = text_of(self.key, line, in_judgement);
        if let Err(error) = self.begun.file.write_all_at(&text, (line.place * WIDTH) as u64) {
            tracing::debug!(%error, "what is being relayed cannot be noted");
        }
    }
}

fn text_of(key: Key, line: Line, in_judgement: bool) -> [u8; WIDTH] {
    let word = if in_judgement { 'w' } else { '-' };
    let text = format!("{key:032x} {} {:02} {word}", line.at.as_microsecond(), line.found);
    let mut bytes = [b' '; WIDTH];
    for (place, byte) in bytes.iter_mut().zip(text.bytes()) {
        *place = byte;
    }
    if let Some(last) = bytes.last_mut() {
        *last = b'\n';
    }
    bytes
}

/// `None` of a line that was never written, and of one that is not ours.
fn parsed(line: &[u8]) -> Option<(Key, Timestamp, u32, bool)> {
    let text = std::str::from_utf8(line).ok()?;
    let mut words = text.split_ascii_whitespace();
    let key = Key::from_str_radix(words.next()?, 16).ok()?;
    let at = Timestamp::from_microsecond(words.next()?.parse().ok()?).ok()?;
    let found = words.next()?.parse().ok().filter(|found| *found <= OFTEN)?;
    let in_judgement = match words.next()? {
        "w" => true,
        "-" => false,
        _ => return None,
    };
    Some((key, at, found, in_judgement))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    #[test]
    fn an_object_that_comes_again_keeps_its_time_over_restarts() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("relaying");
        let first = Begun::open(&path).expect("a file");
        let one = first.begin("1.2.3", at(1));
        one.judging();
        assert_eq!((one.at(), one.is_repeated(), one.found()), (at(1), false, 0));
        one.judged();
        first.begin("1.2.4", at(2)).judged();
        assert_eq!(first.begin("1.2.3", at(3)).at(), at(1));
        drop(first);
        let second = Begun::open(&path).expect("a file");
        assert_eq!(second.at("1.2.4"), Some(at(2)));
        assert_eq!(second.at("1.2.5"), None);
        let again = second.begin("1.2.4", at(9));
        assert_eq!((again.at(), again.is_repeated()), (at(2), true));
    }

    #[test]
    fn what_ended_the_gate_in_judgement_is_counted_until_it_is_judged() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("relaying");
        for start in 0..3 {
            let begun = Begun::open(&path).expect("a file");
            let one = begun.begin("1.2.3", at(1));
            assert_eq!(one.found(), start);
            one.judging();
            // One that is not even judged is no suspect.
            drop(begun.begin("1.2.4", at(1)));
        }
        let begun = Begun::open(&path).expect("a file");
        assert_eq!(begun.begin("1.2.4", at(1)).found(), 0);
        begun.begin("1.2.3", at(1)).judged();
        assert_eq!(begun.begin("1.2.3", at(1)).found(), 0);
        assert_eq!(Begun::open(&path).expect("a file").begin("1.2.3", at(1)).found(), 0);
    }

    #[test]
    fn the_oldest_are_forgotten_and_garbage_is_nobody() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("relaying");
        std::fs::write(&path, "something else altogether".repeat(9)).expect("written");
        let begun = Begun::open(&path).expect("a file");
        for number in 0..=MOST {
            begun.begin(&format!("1.{number}"), at(1)).judged();
        }
        assert_eq!((begun.at("1.0"), begun.at("1.1")), (None, Some(at(1))));
        let length = std::fs::metadata(&path).expect("a file").len();
        assert_eq!(length, (MOST * WIDTH) as u64);
    }
}
