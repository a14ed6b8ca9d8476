//! The threads that judge, and those that hang: an object that takes long gives its seat to others and hangs aside, as many at
//! a time as there is room for. Behind that, a seat is lost until its object ends.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::verdicts::PROMPT;

/// Objects that may hang aside. Each burns a core, so there are few; legitimate ones come back within seconds.
const ASIDE: usize = 8;

/// See the module.
pub(super) struct Seats {
    count: usize,
    threads: Arc<Semaphore>,
    aside: Arc<Semaphore>,
    lost: Arc<AtomicUsize>,
}

/// A place to judge one object in. Whichever clone leaves first, leaves for all.
#[derive(Clone)]
pub(super) struct Seat {
    taken: Arc<Mutex<Taken>>,
    aside: Arc<Semaphore>,
    lost: Arc<AtomicUsize>,
}

#[derive(Default)]
struct Taken {
    permit: Option<OwnedSemaphorePermit>,
    /// Whether the permit is one to hang aside.
    aside: bool,
    /// Threads that hang with this object and that nobody gets back before it ends.
    lost: usize,
}

impl Seats {
    pub(super) fn new(count: usize) -> Self {
        Self {
            count,
            threads: Arc::new(Semaphore::new(count)),
            aside: Arc::new(Semaphore::new(ASIDE)),
            lost: Arc::default(),
        }
    }

    /// A seat as soon as there is one; none when every thread hangs.
    pub(super) async fn one(&self) -> Seat {
        self.seat(1).await
    }

    /// All seats at once, so that nothing else is judged meanwhile; one where others hang.
    pub(super) async fn all(&self) -> Seat {
        let all = u32::try_from(self.count).unwrap_or(u32::MAX);
        match timeout(2 * PROMPT, Arc::clone(&self.threads).acquire_many_owned(all)).await {
            Ok(permits) => self.with(permits.ok()),
            Err(_elapsed) => self.one().await,
        }
    }

    async fn seat(&self, seats: u32) -> Seat {
        while self.lost.load(Ordering::Acquire) < self.count {
            let permit = Arc::clone(&self.threads).acquire_many_owned(seats);
            // Looked at again now and then: the last thread may be lost meanwhile.
            if let Ok(permit) = timeout(PROMPT, permit).await {
                return self.with(permit.ok());
            }
        }
        self.with(None)
    }

    fn with(&self, permit: Option<OwnedSemaphorePermit>) -> Seat {
        Seat {
            taken: Arc::new(Mutex::new(Taken { permit, aside: false, lost: 0 })),
            aside: Arc::clone(&self.aside),
            lost: Arc::clone(&self.lost),
        }
    }
}

impl Seat {
    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there is no thread to judge on.
    pub(super) fn is_none(&self) -> bool {
        self.taken().permit.is_none()
    }

    /// Lets others have the thread while the object goes on; not when too many hang already.
    pub(super) fn step_aside(&self) -> bool {
        let mut taken = self.taken();
        match Arc::clone(&self.aside).try_acquire_owned() {
            // Without a permit it has just ended, and needs none.
            Ok(aside) if taken.permit.is_some() => {
                taken.permit = Some(aside);
                taken.aside = true;
                true
            }
            Ok(_) => true,
            Err(_full) => false,
        }
    }

    /// Nobody waits for the object any longer: a thread that it still has is lost until it ends.
    pub(super) fn give_up(&self) {
        let mut taken = self.taken();
        if let Some(held) = taken.permit.as_ref().filter(|_| !taken.aside) {
            let lost = held.num_permits();
            taken.lost = lost;
            self.lost.fetch_add(lost, Ordering::AcqRel);
        }
    }

    /// The object has ended.
    pub(super) fn leave(&self) {
        let mut taken = self.taken();
        self.lost.fetch_sub(std::mem::take(&mut taken.lost), Ordering::AcqRel);
        taken.permit = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_takes_long_steps_aside_until_there_is_no_room_and_then_seats_are_lost() {
        let seats = Seats::new(1);
        let mut hanging = Vec::new();
        for _ in 0..ASIDE {
            let seat = seats.one().await;
            assert!(!seat.is_none() && seat.step_aside());
            hanging.push(seat);
        }
        let last = seats.one().await;
        assert!(!last.is_none() && !last.step_aside());
        last.give_up();
        assert!(seats.one().await.is_none(), "the only thread hangs");
        assert!(seats.all().await.is_none());
        last.leave();
        assert!(!seats.one().await.is_none(), "it has come back");
        hanging.iter().for_each(Seat::leave);
        assert!(seats.one().await.step_aside(), "and so have they");
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_judged_alone_has_every_seat() {
        let seats = Seats::new(2);
        let alone = seats.all().await;
        assert!(timeout(PROMPT / 2, seats.one()).await.is_err());
        alone.leave();
        let one = seats.one().await;
        assert!(!one.is_none() && !seats.one().await.is_none());
    }
}
