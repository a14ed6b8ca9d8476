//! Sees to the spool every few seconds: puts the ballast back once there is room for it.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::spool::Spool;

/// How often.
const EVERY: Duration = Duration::from_secs(5);

/// Runs until told to stop.
pub(super) async fn run(spool: Spool, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        let spool = spool.clone();
        if let Err(fault) = tokio::task::spawn_blocking(move || spool.put_ballast_back()).await {
            tracing::error!(%fault, "the spool could not be seen to");
        }
    }
}
