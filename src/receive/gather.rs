//! Takes together what comes within a moment: what is done for several at a time wakes threads, asks the ledger and syncs directories
//! once.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

/// How long the first waits for others. Nobody but a destination waits for it.
const GATHERED: Duration = Duration::from_millis(10);

/// What has come, and what else comes within a moment, up to so many in all. Behind what may not wait nothing is waited for.
pub(super) async fn gathered<T>(
    first: T,
    inbox: &mut mpsc::Receiver<T>,
    most: usize,
    may_wait: impl Fn(&T) -> bool,
) -> VecDeque<T> {
    let mut gathered = VecDeque::from([first]);
    let by = Instant::now() + GATHERED;
    while gathered.len() < most
        && gathered.back().is_some_and(&may_wait)
        && let Ok(Some(next)) = timeout_at(by, inbox.recv()).await
    {
        gathered.push_back(next);
    }
    gathered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_comes_within_a_moment_is_taken_together_up_to_a_number() {
        let begun = Instant::now();
        let (send, mut inbox) = mpsc::channel(8);
        for number in 1..6 {
            send.send(number).await.expect("room");
        }
        assert_eq!(gathered(0, &mut inbox, 4, |_| true).await, [0, 1, 2, 3]);
        assert_eq!(begun.elapsed(), Duration::ZERO);
        assert_eq!(gathered(3, &mut inbox, 8, |_| true).await, [3, 4, 5]);
        assert!(begun.elapsed() >= GATHERED, "more may have come");
        let begun = Instant::now();
        drop(send);
        assert_eq!(gathered(6, &mut inbox, 8, |_| true).await, [6]);
        assert_eq!(begun.elapsed(), Duration::ZERO, "nothing comes behind the end");
    }

    #[tokio::test(start_paused = true)]
    async fn behind_what_may_not_wait_nothing_is_waited_for() {
        let begun = Instant::now();
        let (send, mut inbox) = mpsc::channel(2);
        assert_eq!(gathered(0, &mut inbox, 4, |_| false).await, [0]);
        send.send(1).await.expect("room");
        assert_eq!(gathered(0, &mut inbox, 4, |number| *number == 0).await, [0, 1]);
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }
}
