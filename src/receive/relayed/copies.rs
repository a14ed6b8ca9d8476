//! What becomes of the drafts of objects that their destinations have: they are made durable behind the answer, and kept for the
//! retention time like everything that was delivered.
//!
//! How many may wait for the disk is bounded; beyond, the next object waits before it is taken, or is refused.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use super::judging::Judged;
use super::recorded::{Delivered, Relayed};
use super::turns::Turn;
use crate::receive::case::Case;
use crate::receive::gather::gathered;
use crate::receive::judge::Work;
use crate::spool::Draft;

/// Drafts that may wait: each has an open file, and its bytes in the page cache; or, where it is small, 64 KiB of memory.
const WAITING: usize = 256;

/// Drafts that are made durable together: they share the sync of their directory.
const TOGETHER: usize = 16;

/// So many times that at a time.
const AT_A_TIME: usize = 4;

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
    let room = Arc::new(Semaphore::new(AT_A_TIME));
    let mut committing = JoinSet::new();
    while let Some(first) = inbox.recv().await {
        let copies = gathered(first, &mut inbox, TOGETHER, |_| true).await;
        let Ok(room) = Arc::clone(&room).acquire_owned().await else { break };
        let judging = judging.clone();
        committing.spawn(async move {
            for relayed in committed(copies).await {
                if judging.send(Work::Relayed(Box::new(relayed))).await.is_err() {
                    tracing::warn!("an object that was relayed is judged again at the next start");
                }
            }
            drop(room);
        });
        while committing.try_join_next().is_some() {}
    }
    while committing.join_next().await.is_some() {}
}

/// Makes drafts durable. What cannot be kept is told, and left out.
async fn committed(copies: VecDeque<Copy>) -> Vec<Relayed> {
    let (drafts, others): (Vec<_>, Vec<_>) = copies
        .into_iter()
        .map(|Copy { draft, case, judged, delivered, turn }| {
            (draft, (case, judged, delivered, turn))
        })
        .unzip();
    let receipts = match tokio::task::spawn_blocking(move || Draft::commit_all(drafts)).await {
        Ok(receipts) => receipts,
        Err(fault) => {
            let objects = others.len();
            tracing::error!(%fault, objects, "ALARM: keeping objects that their destination has ended abnormally: they may be in no book");
            return Vec::new();
        }
    };
    let mut kept = Vec::with_capacity(others.len());
    for (receipt, (case, judged, delivered, turn)) in receipts.into_iter().zip(others) {
        match receipt {
            Ok(receipt) => kept.push(Relayed { receipt, case, judged, delivered, turn }),
            Err(fault) => {
                tracing::error!(%fault, "ALARM: an object that its destination has could not be kept, and is in no book");
            }
        }
    }
    kept
}
