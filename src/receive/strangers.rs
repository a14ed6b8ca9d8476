//! Callers that are turned away: what they hear is delayed, so that guessing is slow, and the log tells of each address a
//! few times only, so that nothing else is lost in it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// How long a stranger waits for its rejection.
const PAUSE: Duration = Duration::from_secs(1);

/// How long a rejected stranger may take to close, before the connection is closed on this side.
pub(super) const FAREWELL: Duration = Duration::from_secs(2);

/// Strangers that wait at a time. They hold no association's place, and those beyond are not answered at all: a flood of them
/// costs what this many cost, and learns no more.
const WAITING: usize = 64;

/// Lines about one address in a [`WINDOW`]. Whoever sets up a modality sees what is wrong in the first.
const LINES: u32 = 5;

/// After it an address has its lines again, and what was left out is told as a number.
const WINDOW: Duration = Duration::from_secs(60);

/// Addresses that are told apart. Those beyond share one count.
const ADDRESSES: usize = 1024;

/// See the module.
#[derive(Debug)]
pub struct Strangers {
    waiting: Semaphore,
    /// `None` is everybody for whom there was no room.
    told: Mutex<HashMap<Option<IpAddr>, Told>>,
}

#[derive(Debug)]
struct Told {
    since: Instant,
    lines: u32,
    left_out: u64,
}

impl Default for Strangers {
    fn default() -> Self {
        Self { waiting: Semaphore::new(WAITING), told: Mutex::default() }
    }
}

impl Strangers {
    /// Waits out a stranger's pause, or until told to stop. What comes back is to be held until the stranger is gone; `None` when
    /// too many wait.
    pub(super) async fn pause(&self, stop: &CancellationToken) -> Option<SemaphorePermit<'_>> {
        let place = self.waiting.try_acquire().ok()?;
        tokio::select! {
            () = sleep(PAUSE) => {}
            () = stop.cancelled() => {}
        }
        Some(place)
    }

    /// Whether the log is to have a line about this address now; counts it where not.
    pub(super) fn may_tell(&self, peer: IpAddr) -> bool {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let key = Some(peer.to_canonical());
        let key = if told.len() < ADDRESSES || told.contains_key(&key) { key } else { None };
        let fresh = || Told { since: Instant::now(), lines: 0, left_out: 0 };
        let told = told.entry(key).or_insert_with(fresh);
        if told.lines < LINES {
            told.lines += 1;
            return true;
        }
        told.left_out += 1;
        false
    }

    /// Ends the windows that are over, or all of them; tells what was left out in each.
    pub(super) fn tell_left_out(&self, all: bool) {
        for (peer, left_out) in self.left_out(all) {
            let peer = peer.map_or_else(|| "other addresses".to_owned(), |peer| peer.to_string());
            tracing::warn!(peer, left_out, "more callers were turned away than the log tells of");
        }
    }

    fn left_out(&self, all: bool) -> Vec<(Option<IpAddr>, u64)> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let over = told.extract_if(|_, told| all || told.since.elapsed() >= WINDOW);
        over.map(|(peer, told)| (peer, told.left_out))
            .filter(|(_, left_out)| *left_out > 0)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(last: u32) -> IpAddr {
        std::net::Ipv4Addr::from(0x0A00_0000 + last).into()
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_has_a_few_lines_and_then_a_number() {
        let strangers = Strangers::default();
        let told = (0..100).filter(|_| strangers.may_tell(address(1))).count();
        assert_eq!(told, 5);
        assert!(strangers.may_tell(address(2)), "another address has its own");
        assert_eq!(strangers.left_out(false), []);
        tokio::time::advance(WINDOW).await;
        assert_eq!(strangers.left_out(false), [(Some(address(1)), 95)]);
        assert!(strangers.may_tell(address(1)));
        assert_eq!(strangers.left_out(true), []);
    }

    #[tokio::test(start_paused = true)]
    async fn addresses_beyond_number_share_one_count() {
        let strangers = Strangers::default();
        let told = (0..5000).filter(|last| strangers.may_tell(address(*last))).count();
        assert_eq!(told, ADDRESSES + LINES as usize);
        assert_eq!(strangers.left_out(true), [(None, 5000 - told as u64)]);
        assert_eq!(strangers.told.lock().expect("not poisoned").len(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stranger_waits_a_second_and_too_many_are_not_answered() {
        let (strangers, stop) = (Strangers::default(), CancellationToken::new());
        let begun = Instant::now();
        let mut places = Vec::new();
        for _ in 0..WAITING - 1 {
            places.push(strangers.waiting.try_acquire().expect("room"));
        }
        let place = strangers.pause(&stop).await;
        assert!(place.is_some());
        assert_eq!(begun.elapsed(), PAUSE);
        assert!(strangers.pause(&stop).await.is_none());
        assert_eq!(begun.elapsed(), PAUSE);
        drop(place);
        stop.cancel();
        assert!(strangers.pause(&stop).await.is_some());
        assert_eq!(begun.elapsed(), PAUSE, "a gate that stops keeps nobody waiting");
    }
}
