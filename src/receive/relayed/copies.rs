//! What becomes of the drafts of objects that their destinations have: they are made durable behind the answer, and kept for the
//! retention time like everything that was delivered.
//!
//! How much may wait for the disk is bounded; beyond, the next object waits before it is taken.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::{JoinHandle, JoinSet};

use super::judging::Judged;
use super::recorded::Relayed;
use crate::dicom::status::Status;
use crate::receive::case::Case;
use crate::receive::judge::Work;
use crate::spool::{Draft, Receipt, StoreFault};

/// Drafts that may wait.
const WAITING: usize = 512;

/// What they may hold, in MiB of the page cache.
const MEBIBYTES: u32 = 1024;

/// Drafts that are made durable at a time.
const AT_A_TIME: usize = 8;

/// What is known of an object that its destination has.
pub(super) struct Copy {
    pub(super) case: Arc<Case>,
    pub(super) judged: Judged,
    pub(super) destination: String,
    pub(super) status: Status,
    pub(super) sent: Option<blake3::Hash>,
}

impl Copy {
    fn relayed(self, receipt: Receipt) -> Work {
        let Self { case, judged, destination, status, sent } = self;
        let Judged { verdict, site, at, is_whole } = judged;
        Work::Relayed(Box::new(Relayed {
            receipt,
            case,
            verdict,
            site,
            at,
            is_whole,
            destination,
            status,
            sent,
        }))
    }
}

/// A draft on its way to the disk.
struct Waiting {
    copy: Copy,
    draft: Draft,
    _room: Option<OwnedSemaphorePermit>,
}

/// Where drafts are handed over. Once the last clone is gone, and all drafts are durable, [`copies`] ends.
#[derive(Clone)]
pub struct Copies {
    drafts: mpsc::Sender<Waiting>,
    judging: mpsc::Sender<Work>,
    room: Arc<Semaphore>,
}

/// Starts making copies durable, and handing them to those who record what became of them.
#[must_use]
pub fn copies(judging: mpsc::Sender<Work>) -> (Copies, JoinHandle<()>) {
    let (drafts, inbox) = mpsc::channel(WAITING);
    let room = Arc::new(Semaphore::new(MEBIBYTES as usize));
    let task = tokio::spawn(run(inbox, judging.clone()));
    (Copies { drafts, judging, room }, task)
}

impl Copies {
    /// Hands over the draft of an object that was answered. Waits while too much waits for the disk.
    pub(super) async fn keep(&self, copy: Copy, draft: Draft) {
        let size = u32::try_from(draft.length() >> 20).unwrap_or(u32::MAX).saturating_add(1);
        let room = Arc::clone(&self.room).acquire_many_owned(size.min(MEBIBYTES)).await.ok();
        if self.drafts.send(Waiting { copy, draft, _room: room }).await.is_err() {
            tracing::warn!("an object that was relayed is not kept: the gate is stopping");
        }
    }

    /// Hands over an object that is in custody.
    pub(super) async fn committed(&self, copy: Copy, receipt: Receipt) {
        let object = receipt.id();
        if self.judging.send(copy.relayed(receipt)).await.is_err() {
            // It is sent again, with the same bytes.
            tracing::warn!(%object, "an object that was relayed is judged again at the next start");
        }
    }
}

async fn run(mut inbox: mpsc::Receiver<Waiting>, judging: mpsc::Sender<Work>) {
    let mut committing: JoinSet<(Copy, Result<Receipt, StoreFault>)> = JoinSet::new();
    let mut is_open = true;
    while is_open || !committing.is_empty() {
        tokio::select! {
            waiting = inbox.recv(), if is_open && committing.len() < AT_A_TIME => match waiting {
                Some(Waiting { copy, draft, _room: room }) => {
                    committing.spawn(async move {
                        let committed = draft.commit().await;
                        drop(room);
                        (copy, committed)
                    });
                }
                None => is_open = false,
            },
            Some(done) = committing.join_next() => match done {
                Ok((copy, Ok(receipt))) => {
                    if judging.send(copy.relayed(receipt)).await.is_err() {
                        tracing::warn!("an object that was relayed is judged again at the next start");
                    }
                }
                Ok((copy, Err(fault))) => {
                    tracing::error!(destination = copy.destination, %fault, "an object that its destination has could not be kept");
                }
                Err(fault) => tracing::error!(%fault, "keeping an object has ended abnormally"),
            }
        }
    }
}
