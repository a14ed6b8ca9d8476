//! Whether the spool may take another object: room on the disk, and a disk that confirms what it writes.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::ballast::BallastState;
use super::disk::Disk;
use super::fault::{Step, StoreFault};

/// How long an answer about free space is believed. At 1 GB/s the disk loses half the default reserve meanwhile.
const ROOM_AGE: Duration = Duration::from_secs(1);

/// This many failed syncs within [`WINDOW`] make the spool sick.
const SICK_AFTER: usize = 3;

/// See [`SICK_AFTER`].
const WINDOW: Duration = Duration::from_secs(60);

/// A sick spool tries the disk again this often.
const PROBE_EVERY: Duration = Duration::from_secs(5);

/// What the spool says of itself, for metrics and `readyz`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Condition {
    /// Bytes left on the file system when last asked.
    pub free: u64,
    /// Bytes that are kept free.
    pub reserve: u64,
    /// Syncs that have failed since the start.
    pub failed_syncs: u64,
    /// Whether it has stopped accepting because of them.
    pub sick: bool,
    /// Whether there is ballast to be given up when the file system is full.
    pub ballast: BallastState,
}

/// Counts failures and remembers the room.
pub(super) struct Health {
    reserve: u64,
    /// Bytes of ballast that have been given up: they are not for objects.
    owed: AtomicU64,
    room: Mutex<Option<(Instant, u64)>>,
    syncs: Mutex<Syncs>,
}

#[derive(Default)]
struct Syncs {
    failed: u64,
    recent: VecDeque<Instant>,
    sick: bool,
    probed: Option<Instant>,
}

impl Health {
    pub(super) fn new(reserve: u64) -> Self {
        Self { reserve, owed: AtomicU64::new(0), room: Mutex::default(), syncs: Mutex::default() }
    }

    pub(super) fn reserve(&self) -> u64 {
        self.reserve
    }

    /// So many of the free bytes belong to the ballast.
    pub(super) fn owe(&self, bytes: u64) {
        self.owed.store(bytes, Ordering::Relaxed);
    }

    fn syncs(&self) -> MutexGuard<'_, Syncs> {
        self.syncs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes left, at most [`ROOM_AGE`] old.
    pub(super) fn free(
        &self,
        disk: &dyn Disk,
        root: &Path,
        now: Instant,
    ) -> Result<u64, StoreFault> {
        let known = *self.room.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((asked, free)) = known
            && now.saturating_duration_since(asked) < ROOM_AGE
        {
            return Ok(free);
        }
        let free =
            disk.free_bytes(root).map_err(|source| StoreFault::Io { step: Step::Room, source })?;
        *self.room.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, free));
        Ok(free)
    }

    /// Whether there is more room than the reserve.
    pub(super) fn check_room(
        &self,
        disk: &dyn Disk,
        root: &Path,
        now: Instant,
    ) -> Result<(), StoreFault> {
        let free = self.free(disk, root, now)?;
        let free = free.saturating_sub(self.owed.load(Ordering::Relaxed));
        if free < self.reserve {
            return Err(StoreFault::Full { free, reserve: self.reserve });
        }
        Ok(())
    }

    /// Whether all is known to be well without asking the disk.
    pub(super) fn is_known_well(&self, now: Instant) -> bool {
        let room = *self.room.lock().unwrap_or_else(PoisonError::into_inner);
        let has_room = room.is_some_and(|(asked, free)| {
            let free = free.saturating_sub(self.owed.load(Ordering::Relaxed));
            now.saturating_duration_since(asked) < ROOM_AGE && free >= self.reserve
        });
        has_room && !self.syncs().sick
    }

    /// The file system has just said that it is full, whatever was known before.
    pub(super) fn found_full(&self, now: Instant) -> StoreFault {
        *self.room.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, 0));
        StoreFault::Full { free: 0, reserve: self.reserve }
    }

    /// A sync has failed.
    pub(super) fn sync_failed(&self, now: Instant) {
        let mut syncs = self.syncs();
        syncs.failed += 1;
        syncs.recent.push_back(now);
        while syncs.recent.len() > SICK_AFTER {
            syncs.recent.pop_front();
        }
        let oldest = syncs.recent.front().copied().unwrap_or(now);
        if syncs.recent.len() == SICK_AFTER
            && now.saturating_duration_since(oldest) <= WINDOW
            && !syncs.sick
        {
            syncs.sick = true;
            // The disk is given PROBE_EVERY to come to its senses before it is tried again.
            syncs.probed = Some(now);
            tracing::error!(
                failures = syncs.failed,
                "the disk does not confirm writes: the spool accepts nothing"
            );
        }
    }

    /// Whether the disk may be trusted; `probe` is run, at most every [`PROBE_EVERY`], when it may not.
    pub(super) fn check_syncs(
        &self,
        now: Instant,
        probe: impl FnOnce() -> std::io::Result<()>,
    ) -> Result<(), StoreFault> {
        let failures = {
            let mut syncs = self.syncs();
            if !syncs.sick {
                return Ok(());
            }
            let due =
                syncs.probed.is_none_or(|last| now.saturating_duration_since(last) >= PROBE_EVERY);
            if !due {
                return Err(StoreFault::Sick { failures: syncs.failed });
            }
            syncs.probed = Some(now);
            syncs.failed
        };
        match probe() {
            Ok(()) => {
                let mut syncs = self.syncs();
                syncs.sick = false;
                syncs.recent.clear();
                tracing::warn!(
                    failures,
                    "the disk confirms writes again: the spool accepts objects"
                );
                Ok(())
            }
            Err(error) => {
                tracing::error!(%error, "the disk still does not confirm writes");
                Err(StoreFault::Sick { failures })
            }
        }
    }

    /// What is known now.
    pub(super) fn condition(
        &self,
        disk: &dyn Disk,
        root: &Path,
        ballast: BallastState,
        now: Instant,
    ) -> Condition {
        let free = self.free(disk, root, now).unwrap_or(0);
        let syncs = self.syncs();
        Condition {
            free,
            reserve: self.reserve,
            failed_syncs: syncs.failed,
            sick: syncs.sick,
            ballast,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::disk::faulty::FaultyDisk;
    use super::*;

    fn refuse() -> std::io::Result<()> {
        Err(std::io::Error::from_raw_os_error(5))
    }

    #[test]
    fn three_failed_syncs_in_a_minute_make_the_spool_sick_until_a_probe_succeeds() {
        let health = Health::new(0);
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        for second in [0, 10] {
            health.sync_failed(at(second));
            assert!(health.check_syncs(at(second), refuse).is_ok());
        }
        health.sync_failed(at(20));
        let sick =
            |second, probe: fn() -> std::io::Result<()>| health.check_syncs(at(second), probe);
        assert!(
            matches!(sick(21, || Ok(())), Err(StoreFault::Sick { failures: 3 })),
            "too early to probe"
        );
        assert!(sick(26, refuse).is_err());
        assert!(sick(27, || Ok(())).is_err(), "probed a second ago");
        assert!(sick(31, || Ok(())).is_ok());
        assert!(sick(31, refuse).is_ok(), "well again");
    }

    #[test]
    fn failures_far_apart_are_only_counted() {
        let health = Health::new(0);
        let start = Instant::now();
        for minute in 0..10 {
            health.sync_failed(start + Duration::from_secs(61 * minute / 2));
        }
        assert!(health.check_syncs(start, refuse).is_ok());
        assert_eq!(
            health
                .condition(&FaultyDisk::default(), Path::new("/"), BallastState::Without, start)
                .failed_syncs,
            10
        );
    }

    #[test]
    fn room_is_asked_for_once_a_second() {
        let (disk, health, start) = (FaultyDisk::default(), Health::new(100), Instant::now());
        let check =
            |after| health.check_room(&disk, Path::new("/"), start + Duration::from_millis(after));
        disk.set_free(100);
        assert!(check(0).is_ok());
        disk.set_free(99);
        assert!(check(999).is_ok(), "still believed");
        assert!(matches!(check(1000), Err(StoreFault::Full { free: 99, reserve: 100 })));
        disk.set_free(100);
        assert!(check(2000).is_ok());
        assert!(matches!(
            health.found_full(start + Duration::from_secs(2)),
            StoreFault::Full { .. }
        ));
        assert!(check(2500).is_err(), "the file system knows better");
    }
}
