//! Asking the spool whether it takes objects. A sick spool tries its disk before it answers, and a disk may hang: so it is asked on
//! a thread that may block, for a limited time, and by few at once.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::spool::{Spool, StoreFault};

/// How long an answer is waited for. Modalities wait for theirs for 30 s and more.
const PATIENCE: Duration = Duration::from_secs(5);

/// Questions at a time, those included for which nobody waits any more: so many threads a hung disk can take.
const AT_A_TIME: usize = 16;

/// See the module.
#[derive(Debug)]
pub struct Asking(Arc<Semaphore>);

impl Default for Asking {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_A_TIME)))
    }
}

/// Why no associations are accepted.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotNow {
    /// The spool says so.
    #[error(transparent)]
    Spool(StoreFault),
    /// The disk does not answer.
    #[error("the disk has not answered for {} s", .0.as_secs())]
    Hung(Duration),
}

impl Asking {
    /// Whether the spool takes objects.
    pub(super) async fn admission(&self, spool: &Spool) -> Result<(), NotNow> {
        let spool = spool.clone();
        match self.ask(PATIENCE, move || spool.admission()).await {
            Some(admission) => admission.map_err(NotNow::Spool),
            None => Err(NotNow::Hung(PATIENCE)),
        }
    }

    /// `None` when there was no answer in time.
    async fn ask<T: Send + 'static>(
        &self,
        patience: Duration,
        question: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let answer = async {
            let place = Arc::clone(&self.0).acquire_owned().await.ok()?;
            let asked = tokio::task::spawn_blocking(move || {
                let answer = question();
                drop(place);
                answer
            });
            asked.await.ok()
        };
        timeout(patience, answer).await.ok().flatten()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;

    #[tokio::test]
    async fn a_disk_that_hangs_is_waited_for_for_a_while_and_by_few() {
        const SOON: Duration = Duration::from_millis(20);
        const LATE: Duration = Duration::from_secs(60);
        let asking = Asking::default();
        let (begun, begins) = sync_channel(AT_A_TIME);
        let mut hanging = Vec::new();
        for _ in 0..AT_A_TIME + 4 {
            let (wake, woken) = sync_channel::<()>(1);
            hanging.push(wake);
            let begun = begun.clone();
            let question = move || {
                begun.send(()).expect("the test is there");
                woken.recv()
            };
            assert_eq!(asking.ask(SOON, question).await, None);
        }
        drop(begun);
        assert_eq!(asking.ask(SOON, || ()).await, None, "all threads that it may take hang");
        drop(hanging);
        assert_eq!(asking.ask(LATE, || 7).await, Some(7), "it is well again");
        assert_eq!(begins.iter().count(), AT_A_TIME);
    }
}
