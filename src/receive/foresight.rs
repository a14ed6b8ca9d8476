//! The answer to an object in custody where the site wants it to say whether the object will be changed. That takes a judgement
//! first, and a modality is not kept waiting for one that takes long.
//!
//! 0000 is true of everything that is in custody, so it is the answer whenever nothing better is known in time. What is recorded
//! and carried out is always the verdict that is made afterwards.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::case::Case;
use super::judge::Judge;
use crate::dicom::status::Status;
use crate::pipeline::{Site, acknowledgement};

/// How long an answer waits for the judgement. One takes milliseconds, and a modality waits as long for each of its images.
const WAIT: Duration = Duration::from_millis(500);

/// Judgements at a time, with those that nobody waits for any more: each has a thread. Answers beyond them do without.
const ROOM: usize = 16;

/// See the module.
#[derive(Clone)]
pub struct Foresight {
    judge: Judge,
    room: Arc<Semaphore>,
}

impl Foresight {
    /// Foresees by this judgement.
    #[must_use]
    pub fn new(judge: Judge) -> Self {
        Self { judge, room: Arc::new(Semaphore::new(ROOM)) }
    }

    /// What the C-STORE of an object in custody is answered with. Judges only where the answer depends on it.
    pub(super) async fn status(&self, site: &Arc<Site>, case: &Arc<Case>) -> Status {
        if site.coerced_status == Status::SUCCESS {
            return Status::SUCCESS;
        }
        let Ok(room) = Arc::clone(&self.room).try_acquire_owned() else {
            return Status::SUCCESS;
        };
        let judging = {
            let (judge, site, case) = (Arc::clone(&self.judge), Arc::clone(site), Arc::clone(case));
            tokio::task::spawn_blocking(move || {
                let verdict = judge(&site, &case.image(), case.received());
                drop(room);
                acknowledgement(&site, &verdict)
            })
        };
        match timeout(WAIT, judging).await {
            Ok(Ok(status)) => status,
            Ok(Err(fault)) => {
                tracing::error!(%fault, "judging an object for its answer has failed");
                Status::SUCCESS
            }
            Err(_elapsed) => Status::SUCCESS,
        }
    }
}
