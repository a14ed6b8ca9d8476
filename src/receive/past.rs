//! What is known of objects that came before with the same SOP Instance UID: the same bytes are to go out alike, other bytes are a
//! conflict.

use tokio_util::sync::CancellationToken;

use crate::dicom::uid::Uid;
use crate::ledger::{JudgedAs, Ledger, LedgerFault, insist};
use crate::spool::ObjectId;

/// What is known of earlier objects with the same SOP Instance UID.
#[derive(Debug)]
pub(super) enum Past {
    Nothing,
    /// The same bytes, and what was decided on them.
    Same(Option<JudgedAs>),
    OtherBytes,
    /// A verdict of its own, which is to be replaced.
    Judged,
}

/// The latest verdict on the same bytes.
///
/// # Errors
/// When the ledger cannot be read: without it, the same bytes might go out in two versions.
pub(super) async fn earlier(
    ledger: &Ledger,
    instance: &Uid,
    hash: blake3::Hash,
    stop: &CancellationToken,
) -> Result<Option<JudgedAs>, LedgerFault> {
    let ask = || {
        let (ledger, instance) = (ledger.clone(), instance.clone());
        asked(move || ledger.earlier_verdict(&instance, &hash))
    };
    insist(stop, ask).await
}

/// What an object that is already in the ledger is to those before it: what its arrival said may have been forgotten by a crash.
///
/// # Errors
/// When the ledger cannot be read: without it, a conflict might pass.
pub(super) async fn past(
    ledger: &Ledger,
    object: ObjectId,
    stop: &CancellationToken,
) -> Result<Past, LedgerFault> {
    let ask = || {
        let ledger = ledger.clone();
        asked(move || ledger.precedent(object))
    };
    let precedent = insist(stop, ask).await?.unwrap_or_default();
    Ok(if precedent.conflicts {
        Past::OtherBytes
    } else if precedent.is_judged {
        // A person wants a new verdict.
        Past::Judged
    } else {
        Past::Same(precedent.verdict)
    })
}

pub(super) async fn asked<T: Send + 'static>(
    question: impl FnOnce() -> Result<T, LedgerFault> + Send + 'static,
) -> Result<T, LedgerFault> {
    tokio::task::spawn_blocking(question).await.map_err(|_| LedgerFault::Closed)?
}

/// An object that cannot be compared with earlier ones is not judged, rather than on a guess: the next start does it.
pub(super) fn uncompared(object: ObjectId, fault: &LedgerFault) {
    tracing::error!(%object, %fault, "earlier objects cannot be looked up: it is not judged before the next start");
}
