//! Reading the journal from a known place on.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::vec;

use super::segment;
use super::{Journal, segment::Scan};

/// Bytes of the journal in which something that was durable is gone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JournalDamage {
    /// The segment's file name.
    pub segment: String,
    /// Where in it.
    pub bytes: Range<u64>,
}

/// The records behind a sequence, in order: an iterator of sequences and payloads. One segment is in memory at a time.
pub struct Replay {
    dir: PathBuf,
    segments: vec::IntoIter<u64>,
    current: vec::IntoIter<segment::Record>,
    bytes: Vec<u8>,
    last: u64,
    damage: Vec<JournalDamage>,
    fault: Option<io::Error>,
}

impl Journal {
    /// The records whose sequence is above `after`. To be read before anything is appended.
    ///
    /// # Errors
    /// When the journal's directory cannot be read.
    pub fn replay(&self, after: u64) -> io::Result<Replay> {
        let dir = self.inner.dir.clone();
        let firsts = segment::firsts(&dir)?;
        // All of a segment lies below the name of the next.
        let done =
            firsts.iter().skip(1).take_while(|&&next| next <= after.saturating_add(1)).count();
        Ok(Replay {
            dir,
            segments: firsts.get(done..).unwrap_or_default().to_vec().into_iter(),
            current: Vec::new().into_iter(),
            bytes: Vec::new(),
            last: after,
            damage: Vec::new(),
            fault: None,
        })
    }
}

impl Replay {
    /// What was wrong, once the iterator has ended.
    ///
    /// # Errors
    /// When a segment could not be read; the iterator has ended there.
    pub fn finish(self) -> io::Result<Vec<JournalDamage>> {
        match self.fault {
            Some(fault) => Err(fault),
            None => Ok(self.damage),
        }
    }

    /// Reads the next segment. `false` when there is none.
    fn advance(&mut self) -> io::Result<bool> {
        let Some(first) = self.segments.next() else {
            return Ok(false);
        };
        let name = segment::name(first);
        self.bytes = std::fs::read(self.dir.join(&name))?;
        let scan = segment::scan(&self.bytes);
        self.note_damage(&name, &scan)?;
        self.current = scan.records.into_iter();
        Ok(true)
    }

    /// Remembers the holes of a segment, but for a torn end: one behind which the next segment goes on without
    /// missing anything.
    fn note_damage(&mut self, name: &str, scan: &Scan) -> io::Result<()> {
        for (before, bytes) in &scan.holes {
            let at_end = *before == scan.records.len();
            if at_end && let Some(&next) = self.segments.as_slice().first() {
                let durable = first_durable(&self.dir, next)?;
                if durable.is_some_and(|durable| durable <= scan.last.unwrap_or(self.last)) {
                    continue;
                }
            }
            self.damage.push(JournalDamage { segment: name.to_owned(), bytes: bytes.clone() });
        }
        Ok(())
    }
}

/// The durable sequence that a segment's first record knows of.
fn first_durable(dir: &Path, first: u64) -> io::Result<Option<u64>> {
    let mut head = Vec::new();
    let segment = File::open(dir.join(segment::name(first)))?;
    segment.take(segment::FIRST_NUMBERS).read_to_end(&mut head)?;
    Ok(segment::first_durable(&head))
}

impl Iterator for Replay {
    type Item = (u64, Vec<u8>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            for record in self.current.by_ref() {
                // What does not ascend is the double of a reclaim that was cut off.
                if record.sequence > self.last {
                    self.last = record.sequence;
                    let payload = self.bytes.get(record.payload).unwrap_or_default();
                    return Some((record.sequence, payload.to_vec()));
                }
            }
            match self.advance() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(fault) => {
                    self.fault = Some(fault);
                    return None;
                }
            }
        }
    }
}
