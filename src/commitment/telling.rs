//! One attempt at telling a modality what has become of its objects: on the association on which it asked while that is open,
//! otherwise on a new one, opened as the AE that was asked.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::dicom::sop_class::{STORAGE_COMMITMENT, STORAGE_COMMITMENT_INSTANCE};
use crate::dicom::status::{Status, StatusClass};
use crate::dicom::uid::Uid;
use crate::dimse::Timers;
use crate::dimse::fault::Fault;
use crate::dimse::normalized::{Notice, Reporting};
use crate::dimse::requestor::{Peer, ServiceRole, connect_in};

use super::asking::proposed;
use super::data_set::{Reported, encode_report};

/// How long an open association may take to send a report and get its answer: a data set may be coming in on it.
const ON_THE_WAY_BACK: Duration = Duration::from_secs(30);

/// The events (PS3.4 §J.3.3): all is committed to, or something is not.
const ALL_COMMITTED: u16 = 1;
const SOME_FAILED: u16 = 2;

/// The way back on the association on which was asked.
#[derive(Debug, Clone)]
pub(super) struct Back {
    pub(super) reports: mpsc::Sender<Reporting>,
    pub(super) context: u8,
    pub(super) transfer_syntax: Uid,
}

/// Why a modality was not told.
#[derive(Debug, thiserror::Error)]
pub(super) enum Untold {
    /// The association is over, and where the modality listens is not configured.
    #[error("its association has ended and it has no report_port")]
    NoAddress,
    /// It does not take reports.
    #[error("it takes no reports on an association of ours")]
    NotTaken,
    /// It has answered with a failure.
    #[error("answered {0}")]
    Refused(Status),
    /// It was not reached, or gave no answer.
    #[error(transparent)]
    Failed(#[from] Fault),
    /// The report cannot be written.
    #[error("the report cannot be written")]
    Unwritable,
}

fn notice(reported: &Reported, transfer_syntax: &Uid) -> Result<Notice, Untold> {
    Ok(Notice {
        sop_class: STORAGE_COMMITMENT.into(),
        sop_instance: STORAGE_COMMITMENT_INSTANCE.into(),
        kind: if reported.failed.is_empty() { ALL_COMMITTED } else { SOME_FAILED },
        data: encode_report(reported, transfer_syntax).map_err(|_| Untold::Unwritable)?,
    })
}

/// Tells the modality.
pub(super) async fn tell(
    back: Option<Back>,
    peer: Option<Peer>,
    reported: Reported,
    timers: Timers,
) -> Result<(), Untold> {
    if let Some(back) = back
        && let Some(told) = on_the_way_back(&back, &reported).await?
    {
        return of_status(told);
    }
    let peer = peer.ok_or(Untold::NoAddress)?;
    on_its_own(&peer, &reported, &timers).await
}

/// What the modality answered on its own association; `None` when that is over or gave no answer.
async fn on_the_way_back(back: &Back, reported: &Reported) -> Result<Option<Status>, Untold> {
    let (done, answer) = oneshot::channel();
    let notice = notice(reported, &back.transfer_syntax)?;
    let reporting = Reporting { context: back.context, notice, done };
    let answered = async {
        back.reports.send(reporting).await.ok()?;
        answer.await.ok()
    };
    Ok(timeout(ON_THE_WAY_BACK, answered).await.unwrap_or(None))
}

async fn on_its_own(peer: &Peer, reported: &Reported, timers: &Timers) -> Result<(), Untold> {
    let class = Uid::new(STORAGE_COMMITMENT);
    let role = ServiceRole { sop_class: class.clone(), scu: false, scp: true };
    let mut outgoing = connect_in(peer, &proposed(), &[role], timers).await?;
    let told = match outgoing.takes(&class).cloned() {
        Some(syntax) if !outgoing.denies_scp(&class) => {
            let notice = notice(reported, &syntax)?;
            outgoing.report(&notice).await
        }
        Some(_) | None => {
            drop(outgoing.release().await);
            return Err(Untold::NotTaken);
        }
    };
    let status = told?.status;
    // The answer counts, whatever becomes of the release.
    if let Err(fault) = outgoing.release().await {
        tracing::debug!(called = %peer.called, %fault, "the release after a report failed");
    }
    of_status(status)
}

fn of_status(status: Status) -> Result<(), Untold> {
    match status.class() {
        StatusClass::Success | StatusClass::Warning => Ok(()),
        StatusClass::Failure | StatusClass::Cancel | StatusClass::Pending => {
            Err(Untold::Refused(status))
        }
    }
}
