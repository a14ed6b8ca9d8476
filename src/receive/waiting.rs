//! Connections that have no association: those that have not asked for one yet, and those whose request was rejected and that
//! have not left. When there are too many of them the oldest has to go, so that a peer that asks at once is always heard, however
//! many only knock.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

/// Connections that may wait at a time. Each costs a file descriptor and a few KiB, 132 KiB while a long request comes in.
const PLACES: usize = 500;

/// The connections that wait, oldest first. Clones are the same room.
#[derive(Debug, Clone, Default)]
pub(super) struct WaitingRoom(Arc<Mutex<Queue>>);

#[derive(Debug, Default)]
struct Queue {
    next: u64,
    waiting: VecDeque<(u64, CancellationToken)>,
}

/// One connection's place, given up when dropped.
#[derive(Debug)]
pub(super) struct Place {
    room: WaitingRoom,
    number: u64,
    gone: CancellationToken,
}

impl WaitingRoom {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a connection in. Where there is no place left, the oldest is told to go.
    pub(super) fn enter(&self) -> Place {
        let mut queue = self.lock();
        if queue.waiting.len() >= PLACES
            && let Some((_, oldest)) = queue.waiting.pop_front()
        {
            oldest.cancel();
        }
        let (number, gone) = (queue.next, CancellationToken::new());
        queue.next += 1;
        queue.waiting.push_back((number, gone.clone()));
        drop(queue);
        Place { room: self.clone(), number, gone }
    }

    /// How many there are.
    #[cfg(test)]
    fn len(&self) -> usize {
        self.lock().waiting.len()
    }
}

impl Place {
    /// Comes true when the connection has to go.
    pub(super) async fn lost(&self) {
        self.gone.cancelled().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut queue = self.room.lock();
        if let Ok(at) = queue.waiting.binary_search_by_key(&self.number, |(number, _)| *number) {
            queue.waiting.remove(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_goes_when_there_is_no_place_left() {
        let room = WaitingRoom::default();
        let first = room.enter();
        let second = room.enter();
        let others: Vec<Place> = (2..PLACES).map(|_| room.enter()).collect();
        assert!(!first.gone.is_cancelled());
        let last = room.enter();
        assert_eq!(
            [&first, &second, &last].map(|place| place.gone.is_cancelled()),
            [true, false, false]
        );
        assert_eq!(room.len(), PLACES);
        drop((first, second, others));
        assert_eq!(room.len(), 1);
        drop(last);
        assert_eq!(room.len(), 0);
    }
}
