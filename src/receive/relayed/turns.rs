//! One object of a SOP Instance UID at a time: what becomes of the next depends on what is known of the one before, and that is
//! known once it has been entered in the ledger.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

use crate::dicom::uid::Uid;

/// Who has a turn, and whoever waits for its end. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Turns(Arc<Mutex<HashMap<Uid, Arc<Notify>>>>);

/// The turn of one object; it ends when this is dropped.
#[derive(Debug)]
pub(in crate::receive) struct Turn {
    turns: Turns,
    instance: Uid,
}

impl Turns {
    fn held(&self) -> MutexGuard<'_, HashMap<Uid, Arc<Notify>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the turn of an object; `None` when that takes too long.
    pub(super) async fn take(&self, instance: &Uid, patience: Duration) -> Option<Turn> {
        let waiting = async {
            loop {
                let over = {
                    let mut held = self.held();
                    match held.get(instance) {
                        None => {
                            held.insert(instance.clone(), Arc::default());
                            return Turn { turns: self.clone(), instance: instance.clone() };
                        }
                        // Registered before the lock is given up, so that the end is not missed.
                        Some(over) => Arc::clone(over).notified_owned(),
                    }
                };
                over.await;
            }
        };
        timeout(patience, waiting).await.ok()
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let over = self.turns.held().remove(&self.instance);
        if let Some(over) = over {
            over.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn one_waits_for_the_other_of_its_uid_and_for_nobody_else() {
        let turns = Turns::default();
        let (one, two) = (Uid::new("1.2.3"), Uid::new("1.2.4"));
        let first = turns.take(&one, LONG).await.expect("nobody before it");
        let other = turns.take(&two, LONG).await.expect("nobody before it");
        assert!(turns.take(&one, LONG).await.is_none(), "it does not wait for ever");
        let waiting = {
            let (turns, one) = (turns.clone(), one.clone());
            tokio::spawn(async move { turns.take(&one, LONG).await.is_some() })
        };
        tokio::task::yield_now().await;
        drop(other);
        assert!(!waiting.is_finished());
        drop(first);
        assert!(waiting.await.expect("no panic"));
        assert!(turns.take(&one, LONG).await.is_some(), "its turn has ended with it");
    }
}
