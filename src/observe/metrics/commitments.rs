//! What is counted of storage commitment.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::Outcome;

/// The labels of what destinations say of what they were asked about on the gate's own account.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Check {
    /// The destination's configured name.
    pub destination: String,
    /// `kept`, `lacking`, or `unanswered` for a whole question.
    pub outcome: &'static str,
}

/// Requests for storage commitment, and what modalities are told.
#[derive(Debug)]
pub struct Commitments {
    /// Requests by what became of them: `taken`, `repeated`, `refused`.
    pub requests: Family<Outcome, Counter>,
    /// Requests that are not done with.
    pub open: Gauge,
    /// Objects that modalities asked about, by what they are told: `committed`, `failed`.
    pub objects: Family<Outcome, Counter>,
    /// Reports to modalities: `told`, `not_told` for each attempt, `given_up`.
    pub reports: Family<Outcome, Counter>,
    /// Objects that destinations were asked about with `verify = "commitment"`.
    pub checks: Family<Check, Counter>,
}

impl Commitments {
    /// All at zero, and shown by the registry.
    pub(super) fn new(registry: &mut Registry) -> Self {
        let requests = Family::default();
        let help = "Requests for storage commitment by outcome";
        registry.register("commitment_requests", help, requests.clone());
        let open = Gauge::default();
        let help = "Requests for storage commitment that are not done with";
        registry.register("commitments_open", help, open.clone());
        let objects = Family::default();
        let help = "Objects that modalities asked commitment for, by what they are told";
        registry.register("commitment_objects", help, objects.clone());
        let reports = Family::default();
        let help = "Reports on storage commitment to modalities by outcome";
        registry.register("commitment_reports", help, reports.clone());
        let checks = Family::default();
        let help = "Objects that destinations were asked whether they keep them, by what they say";
        registry.register("commitment_checks", help, checks.clone());
        Self { requests, open, objects, reports, checks }
    }
}
