//! A verdict as JSON, for the ledger: what was found and decided, without the values that were seen. Those are looked up in the
//! object again when someone asks.

use serde::Serialize;

use super::Verdict;
use crate::standard;

#[derive(Serialize)]
struct Report<'v> {
    findings: Vec<Finding<'v>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    shadow: Vec<Finding<'v>>,
    exam_date: Option<String>,
    institution: Option<&'v str>,
    items: Vec<&'v str>,
    scopes: Vec<&'v str>,
    accreditation: Option<&'v str>,
    mark: Option<&'v str>,
    reason: Option<&'static str>,
    modes: Vec<&'static str>,
    corner: Option<&'static str>,
    fallbacks: Vec<Fallback>,
    urgent: bool,
    unchecked: bool,
}

/// A mode that was tried and could not be had.
#[derive(Serialize)]
struct Fallback {
    mode: &'static str,
    reason: &'static str,
    obstacle: String,
}

#[derive(Serialize)]
struct Finding<'v> {
    rule: &'v str,
    severity: &'static str,
    attribute: Option<&'v str>,
}

impl<'v> Finding<'v> {
    fn of(finding: &'v standard::Finding) -> Self {
        Self {
            rule: &finding.rule,
            severity: finding.severity.as_str(),
            attribute: finding.attribute.as_deref(),
        }
    }
}

impl Verdict {
    /// The verdict as a JSON object, without any value of a patient's attribute.
    #[must_use]
    pub fn report(&self) -> String {
        let decision = &self.decision;
        let report = Report {
            findings: self.findings.iter().map(Finding::of).collect(),
            shadow: self.shadow.iter().map(Finding::of).collect(),
            exam_date: decision.exam_date.map(|date| date.to_string()),
            institution: decision.institution.as_ref().map(|id| id.as_str()),
            items: decision.items.iter().map(|item| item.as_str()).collect(),
            scopes: decision.scopes.iter().map(|scope| scope.as_str()).collect(),
            accreditation: decision.accreditation.as_ref().map(|used| used.label.as_str()),
            mark: self.mark(),
            reason: self.reason().map(|reason| reason.as_code()),
            modes: self.modes.iter().map(|mode| mode.as_str()).collect(),
            corner: self.corner.map(|corner| corner.as_str()),
            fallbacks: self
                .fallen_back
                .iter()
                .map(|(mode, obstacle)| Fallback {
                    mode: mode.as_str(),
                    reason: obstacle.as_code(),
                    obstacle: obstacle.to_string(),
                })
                .collect(),
            urgent: self.urgent,
            unchecked: self.unchecked,
        };
        // Strings, numbers and lists of them can always be written.
        serde_json::to_string(&report).unwrap_or_default()
    }
}
