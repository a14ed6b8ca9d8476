//! What a peer takes: asked by proposing it, one presentation context for each SOP class and transfer syntax.

use std::collections::BTreeSet;

use crate::dicom::sop_class::VERIFICATION;
use crate::dicom::status::Status;
use crate::dicom::uid::Uid;
use crate::dimse::MAX_CONTEXTS;
use crate::dimse::fault::Fault;
use crate::dimse::requestor::{Peer, Proposed, StoreFault, connect};
use crate::dimse::timers::Timers;

/// What a peer answered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Findings {
    /// What it takes, of what was asked.
    pub taken: BTreeSet<Proposed>,
    /// Its answer to C-ECHO, `None` when it does not offer Verification.
    pub echo: Option<Status>,
    /// Its Implementation Class UID.
    pub implementation_class: Option<String>,
    /// Its Implementation Version Name.
    pub implementation_version: Option<String>,
    /// The longest P-DATA-TF that it takes, in bytes; 0 is without limit.
    pub max_pdu: u32,
}

/// Asks a peer which of these it takes, over as many associations as the number of contexts needs, one after the other.
///
/// Verification goes with each of them: some peers reject an association of which they would accept no context at all.
///
/// # Errors
/// The first fault. What was found before it says little and is not returned.
pub async fn probe(peer: &Peer, proposed: &[Proposed], timers: &Timers) -> Result<Findings, Fault> {
    let echo = Proposed {
        sop_class: Uid::new(VERIFICATION),
        transfer_syntax: Uid::new("1.2.840.10008.1.2"),
    };
    let mut findings = Findings::default();
    let mut batches = proposed.chunks(MAX_CONTEXTS - 1).peekable();
    let mut first = true;
    while first || batches.peek().is_some() {
        let batch = batches.next().unwrap_or_default();
        let contexts: Vec<_> = std::iter::once(&echo).chain(batch).cloned().collect();
        let mut outgoing = connect(peer, &contexts, timers).await?;
        if first {
            findings.max_pdu = outgoing.peer_max_pdu();
            let (class, version) = outgoing.implementation();
            findings.implementation_class = class.map(str::to_owned);
            findings.implementation_version = version.map(str::to_owned);
            findings.echo = match outgoing.echo().await {
                Ok(answer) => Some(answer.status),
                Err(StoreFault::NoContext { .. }) => None,
                Err(StoreFault::Association { fault, .. }) => return Err(fault),
            };
            first = false;
        }
        let is_taken = |asked: &&Proposed| {
            outgoing.context(&asked.sop_class, &asked.transfer_syntax).is_some()
        };
        findings.taken.extend(batch.iter().filter(is_taken).cloned());
        outgoing.release().await?;
    }
    Ok(findings)
}

#[cfg(test)]
#[path = "probe_tests.rs"]
mod tests;
