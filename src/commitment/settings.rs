//! What a site chooses about commitments.

use std::time::Duration;

use crate::dimse::requestor;

/// `[commitment]`. All of it can be changed while the gate runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Whether modalities may ask at all. Default: yes.
    pub offer: bool,
    /// How long objects on their way are waited for, from the request on. Default 24 h: a night, for a PACS that is down.
    pub wait: Duration,
    /// How long held ones are. Default 0: reported as failed at once, so that the modality keeps its copy and somebody looks.
    pub held: Duration,
    /// How long objects are that have never come. Default 60 s: some modalities ask before they have sent the last.
    pub unknown: Duration,
    /// How long the report of a destination that was asked is waited for. Default 1 h.
    pub answer: Duration,
    /// How long a report is offered to the modality. Default 24 h.
    pub report: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            offer: true,
            wait: Duration::from_hours(24),
            held: Duration::ZERO,
            unknown: Duration::from_secs(60),
            answer: Duration::from_hours(1),
            report: Duration::from_hours(24),
        }
    }
}

/// What a destination's having an object says about the object's being kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Counts {
    /// What it says when it is asked for commitment, where it offers that; otherwise its answer to C-STORE.
    #[default]
    Offered,
    /// What it says when it is asked, and nothing else.
    Required,
    /// Its answer to C-STORE, or that the file is in its folder.
    Delivered,
    /// Nothing: it is neither waited for nor enough.
    Never,
}

impl Counts {
    /// Whether its having an object is waited for.
    pub(super) fn at_all(self) -> bool {
        match self {
            Self::Offered | Self::Required | Self::Delivered => true,
            Self::Never => false,
        }
    }

    fn asks(self) -> bool {
        match self {
            Self::Offered | Self::Required => true,
            Self::Delivered | Self::Never => false,
        }
    }
}

/// A destination, as far as commitments are concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// Its name.
    pub name: String,
    /// What its having an object says.
    pub counts: Counts,
    /// Whether it is asked, on the gate's own account, to keep all that it gets.
    pub verify: bool,
    /// Where it is asked; `None` for a folder, which has what was placed there.
    pub peer: Option<requestor::Peer>,
}

impl Destination {
    /// Whether it is asked for commitment.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.peer.is_some() && self.counts.asks()
    }
}
