//! Taking back the room of records that nobody needs any more.

use std::io;
use std::sync::PoisonError;

use super::{Inner, Journal, segment};

/// What a reclaim has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reclaimed {
    /// Segments that are gone.
    pub segments: usize,
    /// Bytes that are free again.
    pub bytes: u64,
}

/// The oldest segments and what is alive in them.
#[derive(Default)]
struct Run {
    segments: Vec<u64>,
    bytes: u64,
    alive: Vec<u8>,
}

impl Journal {
    /// Drops records for which `keep` says no, from the oldest segment on, until it meets one that is mostly alive. Blocks;
    /// appending goes on meanwhile.
    ///
    /// Whoever reads the journal must have made durable what the dropped records said.
    ///
    /// # Errors
    /// When the disk fails or `keep` does. Nothing is lost then: at worst records are there twice.
    pub fn reclaim(
        &self,
        mut keep: impl FnMut(&[u8]) -> io::Result<bool>,
    ) -> io::Result<Reclaimed> {
        let inner = &*self.inner;
        let _one_at_a_time = inner.reclaiming.lock().unwrap_or_else(PoisonError::into_inner);
        let run = inner.run_of_dead(&mut keep)?;
        let Some((&last, others)) = run.segments.split_last() else {
            return Ok(Reclaimed::default());
        };
        let mut reclaimed = Reclaimed {
            segments: others.len(),
            bytes: run.bytes.saturating_sub(run.alive.len() as u64),
        };
        if run.alive.is_empty() {
            reclaimed.segments += 1;
        } else {
            inner.replace(last, &run.alive)?;
        }
        for &old in others {
            inner.disk.remove(&inner.dir.join(segment::name(old)))?;
        }
        if run.alive.is_empty() {
            inner.disk.remove(&inner.dir.join(segment::name(last)))?;
        }
        inner.disk.sync_directory(&inner.dir)?;
        Ok(reclaimed)
    }
}

impl Inner {
    /// Finds the segments that are worth rewriting: the oldest ones, as long as what is alive in them fits one segment.
    fn run_of_dead(&self, keep: &mut impl FnMut(&[u8]) -> io::Result<bool>) -> io::Result<Run> {
        let firsts = segment::firsts(&self.dir)?;
        let mut run = Run::default();
        let closed = firsts.split_last().map_or(&[][..], |(_newest, closed)| closed);
        for &first in closed {
            let bytes = std::fs::read(self.dir.join(segment::name(first)))?;
            let scan = segment::scan(&bytes);
            if !scan.holes.is_empty() {
                // Damage is for a person to look at, not to be tidied away.
                break;
            }
            let mut alive = Vec::new();
            for record in scan.records {
                let payload = bytes.get(record.payload).unwrap_or_default();
                if keep(payload)? {
                    alive.extend_from_slice(bytes.get(record.bytes).unwrap_or_default());
                }
            }
            let length = bytes.len() as u64;
            let fits = (run.alive.len() + alive.len()) as u64 <= self.full;
            // A small segment is the remainder of earlier runs: it is carried on even if all of it is alive.
            let mostly_alive = alive.len() as u64 > length / 2 && length > self.full / 2;
            if !fits || mostly_alive {
                break;
            }
            run.segments.push(first);
            run.bytes += length;
            run.alive.append(&mut alive);
        }
        // One segment without a dead record is nothing to gain.
        if run.segments.len() == 1 && run.alive.len() as u64 + segment::HEADER >= run.bytes {
            return Ok(Run::default());
        }
        Ok(run)
    }

    /// Puts `records` in the place of a whole segment.
    fn replace(&self, first: u64, records: &[u8]) -> io::Result<()> {
        let path = self.dir.join(segment::name(first));
        let beside = path.with_extension("tmp");
        let file = self.disk.create(&beside)?;
        let written = self
            .disk
            .write(&file, &segment::header(first))
            .and_then(|()| self.disk.write(&file, records))
            .and_then(|()| self.disk.sync_file(&file))
            .and_then(|()| self.disk.rename(&beside, &path));
        if let Err(error) = written {
            self.disk.remove(&beside)?;
            return Err(error);
        }
        // Durable before the others go: until then they are the only place of what is alive in them.
        self.disk.sync_directory(&self.dir)
    }
}
