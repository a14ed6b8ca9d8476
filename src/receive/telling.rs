//! What is counted and logged of a verdict.

use crate::observe::Metrics;
use crate::observe::metrics::{self, Code};
use crate::pipeline;
use crate::policy::disposition::{Disposition, HoldReason};
use crate::recognition::Reason;
use crate::spool::ObjectId;
use crate::standard::Severity;

/// The ids and codes of reasons.
pub(super) fn codes(reasons: &[HoldReason]) -> Vec<String> {
    reasons.iter().map(|reason| reason.as_code().to_owned()).collect()
}

/// Counts a verdict and logs it.
pub(super) fn tell(metrics: &Metrics, object: ObjectId, verdict: &pipeline::Verdict) {
    if verdict.unchecked {
        metrics.unchecked.inc();
        tracing::error!(%object, "judging an object has failed: it goes on unmarked");
    }
    let findings = verdict.findings.len();
    for finding in &verdict.findings {
        if finding.severity == Severity::SelfCheck && verdict.reason() == Some(Reason::SelfCheck) {
            let (rule, what) = (&finding.rule, &finding.message_en);
            tracing::error!(%object, rule, what, "what would have gone out is not what was promised: the object goes on as it came");
        }
        metrics.findings.get_or_create(&Code { code: finding.rule.clone() }).inc();
    }
    count_modes(metrics, verdict);
    match (verdict.mark(), verdict.reason()) {
        (Some(mark), _) => {
            metrics.marked.get_or_create(&Code { code: mark.to_owned() }).inc();
            let modes: Vec<&str> = verdict.modes.iter().map(|mode| mode.as_str()).collect();
            let corner = verdict.corner.map(|corner| corner.as_str());
            tracing::info!(%object, mark, modes = modes.join(","), corner, findings, "judged");
        }
        (None, Some(reason)) => {
            let code = reason.as_code();
            metrics.unmarked.get_or_create(&Code { code: code.to_owned() }).inc();
            tracing::info!(%object, reason = code, findings, "judged");
        }
        (None, None) => {}
    }
    if let Disposition::Hold(reasons) = &verdict.disposition {
        metrics.held.inc();
        tracing::warn!(%object, reasons = codes(reasons).join(","), "held");
    }
}

/// Counts how a mark is shown, and how it could not be.
pub(super) fn count_modes(metrics: &Metrics, verdict: &pipeline::Verdict) {
    for mode in &verdict.modes {
        metrics.stamp_modes.get_or_create(&metrics::Mode { mode: mode.as_str() }).inc();
    }
    for (mode, obstacle) in &verdict.fallen_back {
        let (mode, reason) = (mode.as_str(), obstacle.as_code());
        metrics.stamp_fallbacks.get_or_create(&metrics::Fallback { mode, reason }).inc();
    }
}
