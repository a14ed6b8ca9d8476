//! Removes what custody has ended for, once it is old enough, and nothing else.

use std::io;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::base::time::{Timestamp, now};
use crate::ledger::{Ledger, LedgerFault};
use crate::spool::Spool;

/// How often objects are removed.
const SWEEP: Duration = Duration::from_secs(60);

/// Sweeps between two clean-ups of the journal.
const SWEEPS_A_RECLAIM: u32 = 60;

/// Objects removed at a time.
const AT_A_TIME: usize = 1_000;

/// How long a removed object is remembered: longer than the half year for which logs are to be kept.
const REMEMBERED: Duration = Duration::from_secs(200 * 24 * 3_600);

/// Sweeps until told to stop.
pub(super) async fn run(
    spool: Spool,
    ledger: Ledger,
    retention: Duration,
    stop: CancellationToken,
) {
    let mut sweeps = 0_u32;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(SWEEP) => {}
        }
        if let Err(fault) = sweep(&spool, &ledger, retention).await {
            tracing::error!(%fault, "old objects could not be removed; it is tried again");
        }
        sweeps = sweeps.wrapping_add(1);
        if sweeps.is_multiple_of(SWEEPS_A_RECLAIM)
            && let Err(fault) = reclaim(&spool, &ledger).await
        {
            tracing::error!(%fault, "the journal could not be cleaned up; it is tried again");
        }
    }
}

/// Why a sweep did not come to its end.
#[derive(Debug, thiserror::Error)]
enum SweepFault {
    #[error(transparent)]
    Ledger(#[from] LedgerFault),
    #[error("the disk failed: {0}")]
    Disk(#[from] io::Error),
    #[error("the sweep was cut off")]
    CutOff,
}

fn before(at: Timestamp, age: Duration) -> Timestamp {
    at.checked_sub(age).unwrap_or(Timestamp::MIN)
}

async fn sweep(spool: &Spool, ledger: &Ledger, retention: Duration) -> Result<(), SweepFault> {
    let at = now();
    loop {
        let (spool, of) = (spool.clone(), ledger.clone());
        let removed = tokio::task::spawn_blocking(move || {
            let objects = of.removable(before(at, retention), AT_A_TIME)?;
            spool.remove(&objects)?;
            Ok::<_, SweepFault>(objects)
        });
        let removed = removed.await.map_err(|_| SweepFault::CutOff)??;
        if removed.is_empty() {
            break;
        }
        tracing::info!(objects = removed.len(), "removed after retention");
        let all = removed.len() < AT_A_TIME;
        ledger.removed(removed).await?;
        if all {
            break;
        }
    }
    ledger.forget(before(at, REMEMBERED)).await?;
    Ok(())
}

async fn reclaim(spool: &Spool, ledger: &Ledger) -> Result<(), SweepFault> {
    ledger.checkpoint().await?;
    let (journal, ledger) = (spool.journal().clone(), ledger.clone());
    let reclaimed = tokio::task::spawn_blocking(move || {
        journal.reclaim(|record| ledger.keeps(record).map_err(io::Error::other))
    });
    let reclaimed = reclaimed.await.map_err(|_| SweepFault::CutOff)??;
    if reclaimed.segments > 0 {
        tracing::info!(
            segments = reclaimed.segments,
            bytes = reclaimed.bytes,
            "journal cleaned up"
        );
    }
    Ok(())
}
