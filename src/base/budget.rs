//! Memory that many share: bytes are charged before they are allocated and given back when the charge is dropped.
//!
//! Nothing waits here. Who cannot have what it asks for is told so at once, and tells its peer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A number of bytes that may be in use at a time. Clones are the same budget.
#[derive(Debug, Clone)]
pub struct Budget(Arc<Account>);

#[derive(Debug)]
struct Account {
    limit: AtomicU64,
    used: AtomicU64,
    /// What is charged here is charged there as well.
    whole: Option<Budget>,
}

impl Budget {
    /// A budget of that many bytes.
    #[must_use]
    pub fn new(limit: u64) -> Self {
        Self::of(limit, None)
    }

    /// A part of this budget that may use at most `limit` bytes of it.
    #[must_use]
    pub fn part(&self, limit: u64) -> Self {
        Self::of(limit, Some(self.clone()))
    }

    fn of(limit: u64, whole: Option<Self>) -> Self {
        let (limit, used) = (AtomicU64::new(limit), AtomicU64::new(0));
        Self(Arc::new(Account { limit, used, whole }))
    }

    /// Changes the limit. What is in use stays so; below the new limit, nothing more is given until enough has come back.
    pub fn set_limit(&self, limit: u64) {
        self.0.limit.store(limit, Ordering::Relaxed);
    }

    /// Bytes that may be in use.
    #[must_use]
    pub fn limit(&self) -> u64 {
        self.0.limit.load(Ordering::Relaxed)
    }

    /// Bytes in use.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.0.used.load(Ordering::Relaxed)
    }

    /// Charges so many bytes; `None` when they are not to be had.
    #[must_use]
    pub fn take(&self, bytes: u64) -> Option<Share> {
        self.charge(bytes).then(|| Share { budget: self.clone(), bytes: AtomicU64::new(bytes) })
    }

    fn charge(&self, bytes: u64) -> bool {
        let limit = self.limit();
        let more = |used: u64| used.checked_add(bytes).filter(|sum| *sum <= limit);
        let used = &self.0.used;
        if used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_err() {
            return false;
        }
        let fits = self.0.whole.as_ref().is_none_or(|whole| whole.charge(bytes));
        if !fits {
            used.fetch_sub(bytes, Ordering::Relaxed);
        }
        fits
    }

    fn refund(&self, bytes: u64) {
        self.0.used.fetch_sub(bytes, Ordering::Relaxed);
        if let Some(whole) = &self.0.whole {
            whole.refund(bytes);
        }
    }
}

/// Bytes of a [`Budget`] that someone has; given back when dropped.
#[derive(Debug)]
pub struct Share {
    budget: Budget,
    bytes: AtomicU64,
}

impl Share {
    /// Charges so many bytes more; `false`, and nothing is changed, when they are not to be had.
    #[must_use]
    pub fn grow(&self, more: u64) -> bool {
        let fits = self.budget.charge(more);
        if fits {
            self.bytes.fetch_add(more, Ordering::Relaxed);
        }
        fits
    }

    /// Bytes that it stands for.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.refund(self.bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_comes_back_when_it_is_dropped() {
        let budget = Budget::new(100);
        let first = budget.take(60).expect("room");
        assert!(budget.take(41).is_none());
        let second = budget.take(30).expect("room");
        assert!(second.grow(10) && !second.grow(1));
        assert_eq!((first.bytes(), second.bytes(), budget.used()), (60, 40, 100));
        drop(second);
        assert_eq!(budget.used(), 60);
        drop(first);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn a_part_has_its_own_limit_and_counts_in_the_whole() {
        let whole = Budget::new(100);
        let part = whole.part(50);
        assert!(part.take(51).is_none());
        let of_part = part.take(50).expect("room");
        assert_eq!((whole.used(), part.used()), (50, 50));
        let of_whole = whole.take(50).expect("room");
        drop(of_part);
        assert_eq!((whole.used(), part.used()), (50, 0));
        let other = whole.take(40).expect("room");
        assert!(part.take(11).is_none(), "the whole has only 10 left");
        assert_eq!((whole.used(), part.used()), (90, 0), "a refusal leaves no trace");
        drop((of_whole, other));
    }

    #[test]
    fn a_lower_limit_holds_from_then_on() {
        let budget = Budget::new(100);
        let held = budget.take(80).expect("room");
        budget.set_limit(50);
        assert!(budget.take(1).is_none());
        drop(held);
        assert!(budget.take(51).is_none() && budget.take(50).is_some());
        assert!(Budget::new(u64::MAX).take(u64::MAX).is_some_and(|all| !all.grow(1)));
    }
}
