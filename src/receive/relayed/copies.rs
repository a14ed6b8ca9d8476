//! What becomes of the drafts of objects that their destinations have: they are made durable behind the answer, and kept for the
//! retention time like everything that was delivered.
//!
//! How many may wait for the disk is bounded; beyond, the next object waits before it is taken, or is refused.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use super::judging::Judged;
use super::recorded::{Delivered, Relayed};
use super::turns::Turn;
use crate::receive::case::Case;
use crate::receive::judge::Work;
use crate::spool::{Draft, StoreFault};

/// Drafts that may wait: each has an open file, and its bytes in the page cache.
const WAITING: usize = 512;

/// Drafts that are made durable at a time.
const AT_A_TIME: usize = 8;

/// The draft of an object that its destination has.
pub(super) struct Copy {
    pub(super) draft: Draft,
    pub(super) case: Arc<Case>,
    pub(super) judged: Judged,
    pub(super) delivered: Option<Delivered>,
    pub(super) turn: Turn,
}

/// Where drafts are handed over. Once the last clone is gone, and all drafts are durable, [`copies`] ends.
#[derive(Clone)]
pub struct Copies {
    drafts: mpsc::Sender<Copy>,
}

/// Starts making copies durable, and handing them to those who record what became of them.
#[must_use]
pub fn copies(judging: mpsc::Sender<Work>) -> (Copies, JoinHandle<()>) {
    let (drafts, inbox) = mpsc::channel(WAITING);
    let task = tokio::spawn(run(inbox, judging));
    (Copies { drafts }, task)
}

/// A place among the drafts that wait.
pub(super) struct Place(mpsc::OwnedPermit<Copy>);

impl Copies {
    /// A place for an object that is about to come; `None` when too many wait for too long.
    pub(super) async fn place(&self, patience: Duration) -> Option<Place> {
        let reserved = timeout(patience, self.drafts.clone().reserve_owned()).await;
        reserved.ok()?.ok().map(Place)
    }
}

impl Place {
    /// Hands over the draft of an object that was answered.
    pub(super) fn keep(self, copy: Copy) {
        self.0.send(copy);
    }
}

async fn run(mut inbox: mpsc::Receiver<Copy>, judging: mpsc::Sender<Work>) {
    let mut committing: JoinSet<Result<Relayed, StoreFault>> = JoinSet::new();
    let mut is_open = true;
    while is_open || !committing.is_empty() {
        tokio::select! {
            copy = inbox.recv(), if is_open && committing.len() < AT_A_TIME => match copy {
                Some(copy) => {
                    committing.spawn(committed(copy));
                }
                None => is_open = false,
            },
            Some(done) = committing.join_next() => match done {
                Ok(Ok(relayed)) => {
                    if judging.send(Work::Relayed(Box::new(relayed))).await.is_err() {
                        tracing::warn!("an object that was relayed is judged again at the next start");
                    }
                }
                Ok(Err(fault)) => {
                    tracing::error!(%fault, "ALARM: an object that its destination has could not be kept, and is in no book");
                }
                Err(fault) => tracing::error!(%fault, "keeping an object has ended abnormally"),
            }
        }
    }
}

async fn committed(copy: Copy) -> Result<Relayed, StoreFault> {
    let Copy { draft, case, judged, delivered, turn } = copy;
    let receipt = draft.commit().await?;
    Ok(Relayed { receipt, case, judged, delivered, turn })
}
