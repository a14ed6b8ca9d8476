//! An object as it is judged, and as it is entered in the ledger.

use crate::base::time::Timestamp;
use crate::dicom::tags;
use crate::dicom::uid::Uid;
use crate::ledger::ObjectRow;
use crate::object::Scan;
use crate::pipeline::{self, Image, Site};
use crate::policy::admission::Source;
use crate::recognition::Decision;
use crate::spool::{Envelope, Priority, Receipt};
use crate::standard::Announced;

/// An object as it is judged.
pub struct Case {
    sender: pipeline::Association,
    pub(super) envelope: Envelope,
    source: Source,
    pub(super) scan: Scan,
    /// What was decided on its mark, where it has gone out by that.
    decided: Option<Decision>,
}

impl Case {
    /// Of its circumstances, what is known of its sender, and its elements.
    #[must_use]
    pub fn new(envelope: Envelope, source: Source, scan: Scan) -> Self {
        Self { sender: association(&envelope), envelope, source, scan, decided: None }
    }

    /// The same for an object that has gone out by a decision.
    pub(super) fn decided(self, decision: Decision) -> Self {
        Self { decided: Some(decision), ..self }
    }

    /// When it came.
    #[must_use]
    pub fn received(&self) -> Timestamp {
        self.envelope.received
    }

    /// The same for the judgement.
    #[must_use]
    pub fn image(&self) -> Image<'_> {
        Image {
            scan: &self.scan,
            sender: Some(&self.sender),
            source: &self.source,
            sop_class: self.envelope.sop_class.as_str(),
            transfer_syntax: self.envelope.transfer_syntax.as_str(),
            announced: Announced {
                sop_class: self.envelope.sop_class.as_str(),
                sop_instance: self.envelope.sop_instance.as_str(),
            },
            urgent: self.envelope.priority == Priority::High,
            workshop: None,
            preferred: &[],
            other_version: false,
            study: None,
            keys: None,
            decided: self.decided.as_ref(),
        }
    }

    /// Its SOP Instance UID as announced.
    pub(super) fn instance(&self) -> &str {
        self.envelope.sop_instance.as_str()
    }
}

fn association(envelope: &Envelope) -> pipeline::Association {
    pipeline::Association {
        calling: envelope.calling_ae.clone(),
        called: envelope.called_ae.clone(),
        peer: envelope.peer,
    }
}

/// Its row in the ledger.
pub(super) fn row(receipt: &Receipt, case: &Case, site: &Site) -> ObjectRow {
    let Case { sender, envelope, source, scan, decided: _ } = case;
    let uid = |tag| scan.header.string(tag).map(|uid| Uid::new(&uid)).unwrap_or_default();
    let urgent =
        source.urgent || envelope.priority == Priority::High || site.is_urgent_route(sender);
    ObjectRow {
        id: receipt.id(),
        received: envelope.received,
        calling_ae: envelope.calling_ae.clone(),
        called_ae: envelope.called_ae.clone(),
        peer: envelope.peer,
        transfer_syntax: envelope.transfer_syntax.clone(),
        sop_class: envelope.sop_class.clone(),
        sop_instance: envelope.sop_instance.clone(),
        study: uid(tags::STUDY_INSTANCE_UID),
        series: uid(tags::SERIES_INSTANCE_UID),
        length: receipt.length(),
        hash: receipt.hash(),
        urgent,
    }
}
