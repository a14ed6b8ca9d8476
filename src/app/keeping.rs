//! What has its time: the bypass ends by itself and is told of while it is on, and the audit trail loses what is too old.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::state::State;
use crate::observe::audit::Entry;

/// How often the bypass is told of while it is on.
const TELL: Duration = Duration::from_secs(15 * 60);

/// How often what is left of the bypass is written down, so that a restart with a wrong clock cannot make it longer by more.
const KEEP: Duration = Duration::from_secs(60);

/// How often the audit trail is looked at for files whose time is over.
const SWEEP: Duration = Duration::from_secs(3_600);

/// Keeps until told to stop.
pub(super) async fn run(state: Arc<State>, stop: CancellationToken) {
    let bypass = state.spool.bypass();
    let mut changes = bypass.changes();
    let mut told = Instant::now();
    let mut swept = Instant::now();
    if let Some(order) = bypass.take_ended() {
        ended(&state, &order.reason);
    }
    if let Some(order) = bypass.order() {
        tracing::warn!(until = %order.until, "bypass is on: objects pass without being judged");
    }
    loop {
        keep(&state, &mut told).await;
        if swept.elapsed() >= SWEEP {
            swept = Instant::now();
            sweep(&state).await;
        }
        let wait = bypass.left().unwrap_or(KEEP).min(KEEP);
        tokio::select! {
            () = stop.cancelled() => return,
            changed = changes.changed() => {
                if changed.is_err() {
                    return;
                }
                told = Instant::now();
            }
            () = tokio::time::sleep(wait) => {}
        }
    }
}

async fn keep(state: &Arc<State>, told: &mut Instant) {
    let spool = state.spool.clone();
    let kept = tokio::task::spawn_blocking(move || spool.bypass().keep()).await;
    match kept {
        Ok(Ok(Some(over))) => ended(state, &over.reason),
        Ok(Ok(None)) => {}
        Ok(Err(fault)) => {
            tracing::error!(%fault, "what is left of the bypass cannot be written down");
        }
        Err(fault) => tracing::error!(%fault, "keeping the bypass failed"),
    }
    let order = state.spool.bypass().order();
    state.metrics.bypass.set(i64::from(order.is_some()));
    if let Some(order) = order.filter(|_| told.elapsed() >= TELL) {
        *told = Instant::now();
        tracing::warn!(until = %order.until, "bypass is on: objects pass without being judged");
    }
}

fn ended(state: &State, reason: &str) {
    tracing::warn!(reason, "bypass is over: objects are judged again");
    state.audit.record(Entry::BypassOff { person: None });
}

async fn sweep(state: &State) {
    let (audit, retention) = (state.audit.clone(), state.configuration.load().audit.retention);
    let expired = tokio::task::spawn_blocking(move || audit.expire(retention)).await;
    match expired {
        Ok(Ok(0)) => {}
        Ok(Ok(segments)) => tracing::info!(segments, "audit files removed after retention"),
        Ok(Err(fault)) => {
            tracing::error!(%fault, "old audit files are not removed; it is tried again");
        }
        Err(fault) => tracing::error!(%fault, "looking for old audit files failed"),
    }
}
