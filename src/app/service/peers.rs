//! The destinations as pages show them, and what a test asks of one.

use super::{Service, queued};
use crate::deliver::{Destination, Fared, Target, Watched};
use crate::ledger::Counts;
use crate::observe::metrics::Lane;
use crate::web::{Refusal, model};

impl Service {
    /// The destination of that name.
    pub(super) fn destination(&self, name: &str) -> Result<Destination, Refusal> {
        let mut all = self.state.lanes.destinations();
        let found = all.find(|(destination, _)| destination.name == name);
        let found = found.map(|(destination, _)| destination.clone());
        found.ok_or_else(|| Refusal::NotFound { what: "destination", name: name.to_owned() })
    }

    /// How the destinations fare.
    pub(super) fn peers_of(&self, counts: &Counts) -> Vec<model::Peer> {
        let watched = self.state.lanes.watched().map(|(_, watched)| watched);
        let peer = |((destination, fared), watched): ((&Destination, Fared), Watched)| {
            let lane = Lane { destination: destination.name.clone() };
            let delivered = self.state.metrics.delivered.get(&lane).map_or(0, |count| count.get());
            model::Peer {
                name: destination.name.clone(),
                kind: match destination.target {
                    Target::Peer(_) => model::PeerKind::Dicom,
                    Target::Folder(_) => model::PeerKind::Folder,
                },
                address: match &destination.target {
                    Target::Peer(peer) => peer.address(),
                    Target::Folder(folder) => folder.display().to_string(),
                },
                state: match (fared.misconfigured, fared.reached) {
                    (true, _) => model::PeerState::Misconfigured,
                    (false, None) => model::PeerState::Unknown,
                    (false, Some(true)) => model::PeerState::Up,
                    (false, Some(false)) => model::PeerState::Down,
                },
                queued: queued(counts, Some(&destination.name)),
                delivered,
                last_error: fared.last_error,
                last_delivery: fared.last_delivery,
                alarm: watched.trouble.map(|trouble| trouble.as_str().to_owned()),
                stalled_since: watched.waiting.map(|(_, at)| at),
                stalled_seconds: watched.waiting.map(|_| watched.stalled().as_secs()),
            }
        };
        self.state.lanes.destinations().zip(watched).map(peer).collect()
    }
}

/// The classes that a test asks about: what modalities send most.
pub(super) const TESTED_CLASSES: [&str; 20] = {
    use dicom_dictionary_std::uids::*;
    [
        COMPUTED_RADIOGRAPHY_IMAGE_STORAGE,
        DIGITAL_X_RAY_IMAGE_STORAGE_FOR_PRESENTATION,
        DIGITAL_X_RAY_IMAGE_STORAGE_FOR_PROCESSING,
        DIGITAL_MAMMOGRAPHY_X_RAY_IMAGE_STORAGE_FOR_PRESENTATION,
        BREAST_TOMOSYNTHESIS_IMAGE_STORAGE,
        CT_IMAGE_STORAGE,
        ENHANCED_CT_IMAGE_STORAGE,
        MR_IMAGE_STORAGE,
        ENHANCED_MR_IMAGE_STORAGE,
        POSITRON_EMISSION_TOMOGRAPHY_IMAGE_STORAGE,
        NUCLEAR_MEDICINE_IMAGE_STORAGE,
        ULTRASOUND_IMAGE_STORAGE,
        ULTRASOUND_MULTI_FRAME_IMAGE_STORAGE,
        X_RAY_ANGIOGRAPHIC_IMAGE_STORAGE,
        X_RAY_RADIOFLUOROSCOPIC_IMAGE_STORAGE,
        SECONDARY_CAPTURE_IMAGE_STORAGE,
        GRAYSCALE_SOFTCOPY_PRESENTATION_STATE_STORAGE,
        KEY_OBJECT_SELECTION_DOCUMENT_STORAGE,
        X_RAY_RADIATION_DOSE_SR_STORAGE,
        ENCAPSULATED_PDF_STORAGE,
    ]
};

/// The transfer syntaxes that a test asks about. With the classes they fill two associations.
pub(super) const TESTED_SYNTAXES: [&str; 9] = [
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.4.51",
    "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.90",
    "1.2.840.10008.1.2.4.91",
    "1.2.840.10008.1.2.5",
];
