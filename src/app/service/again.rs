//! An object in custody looked at once more, for the values in it.

use std::sync::Arc;

use super::preview::Viewed;
use crate::app::report::{self, Again};
use crate::base::limits::Limits;
use crate::codec::Frames;
use crate::ledger::Explained;
use crate::object::scan_reader;
use crate::pipeline::{Association, Image, Site};
use crate::policy::admission::{Caller, Proof, admit};
use crate::spool::{Priority, ReadFault, Spool};
use crate::standard::Announced;

/// Judges an object in the spool once more, as of the time of its verdict, for the values in it; `None` when its file has
/// been removed.
pub(super) fn look_again(
    site: &Site,
    spool: &Spool,
    entry: &Explained,
    frames: Arc<dyn Frames>,
) -> Result<Option<Again>, ReadFault> {
    let stored = match spool.object(entry.id) {
        Ok(stored) => stored,
        Err(ReadFault::Missing(_)) => return Ok(None),
        Err(fault) => return Err(fault),
    };
    let scan = scan_reader(stored.reader(), stored.envelope().syntax(), Limits::default())
        .map_err(|source| ReadFault::Io { id: entry.id, source })?;
    let viewed = Viewed::new(spool, stored, frames);
    let envelope = viewed.envelope();
    let sender = Association {
        calling: envelope.calling_ae.clone(),
        called: envelope.called_ae.clone(),
        peer: envelope.peer,
    };
    let caller = Caller {
        calling: &sender.calling,
        peer: sender.peer,
        proof: Proof::Recorded(envelope.certificate.as_deref()),
    };
    let source = admit(&site.sources, &caller).unwrap_or_default().source;
    let image = Image {
        scan: &scan,
        sender: Some(&sender),
        source: &source,
        sop_class: envelope.sop_class.as_str(),
        transfer_syntax: envelope.transfer_syntax.as_str(),
        announced: Announced {
            sop_class: envelope.sop_class.as_str(),
            sop_instance: envelope.sop_instance.as_str(),
        },
        urgent: envelope.priority == Priority::High,
        workshop: Some(&viewed),
        preferred: &[],
        other_version: false,
        study: None,
        keys: None,
        decided: None,
    };
    let at = entry.verdict.as_ref().map_or(entry.received, |verdict| verdict.at);
    Ok(Some(report::looked_at(site, &image, at)))
}
