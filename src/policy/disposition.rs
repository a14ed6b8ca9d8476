//! Whether an object goes on or is held for a person.
//!
//! An image is never withheld because it does not deserve a mark. It is held where a finding says that filing it is unsafe
//! (a hazard to identity or integrity), or where it could bring down those who read it.

use std::fmt;

use crate::object::End;

use super::retry::PACS_REFUSED;

/// What a site does with an object that came complete but cannot be walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Unparsable {
    /// Held for a person.
    #[default]
    Hold,
    /// Handed on as it is, unmarked.
    Forward,
    /// Refused with C000 on arrival. One that is in custody all the same is held: what was acknowledged is not
    /// thrown away.
    Refuse,
}

/// Whether an object goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Disposition {
    /// To its destinations.
    Forward,
    /// Held for a person, for these reasons; never none.
    Hold(Vec<HoldReason>),
}

/// Why an object is held.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HoldReason {
    /// A rule of severity quarantine, by its id.
    Rule(String),
    /// Sequences nested so deep that readers crash on them.
    TooDeep,
    /// It cannot be walked.
    Unparsable,
    /// A destination will not have it.
    PacsRefused,
}

impl HoldReason {
    /// The rule's id, or the reason's code.
    #[must_use]
    pub fn as_code(&self) -> &str {
        match self {
            Self::Rule(id) => id,
            Self::TooDeep => "TOO_DEEP",
            Self::Unparsable => "UNPARSABLE",
            Self::PacsRefused => PACS_REFUSED,
        }
    }

    /// The reason that a code stands for: what is no code is the id of a rule.
    #[must_use]
    pub fn from_code(code: &str) -> Self {
        let known = [Self::TooDeep, Self::Unparsable, Self::PacsRefused];
        let known = known.into_iter().find(|reason| reason.as_code() == code);
        known.unwrap_or_else(|| Self::Rule(code.to_owned()))
    }
}

impl fmt::Display for HoldReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_code())
    }
}

/// What becomes of an object that is in custody. `quarantined_by` are the ids of the rules of severity quarantine that
/// found something.
///
/// No rule holds what is `urgent`. Nesting that is too deep holds even that: it would cost the destination, and
/// with it every other urgent image.
#[must_use]
pub fn disposition<'r>(
    quarantined_by: impl IntoIterator<Item = &'r str>,
    end: &End,
    unparsable: Unparsable,
    urgent: bool,
) -> Disposition {
    let mut reasons = Vec::new();
    if !urgent {
        reasons.extend(quarantined_by.into_iter().map(|rule| HoldReason::Rule(rule.to_owned())));
    }
    match (end, unparsable) {
        (End::TooDeep { .. }, _) => reasons.push(HoldReason::TooDeep),
        (End::Cut { .. } | End::Malformed(_), Unparsable::Hold | Unparsable::Refuse) => {
            reasons.push(HoldReason::Unparsable);
        }
        (End::Cut { .. } | End::Malformed(_), Unparsable::Forward)
        | (End::Complete | End::Unlooked(_), _) => {}
    }
    reasons.sort();
    reasons.dedup();
    if reasons.is_empty() { Disposition::Forward } else { Disposition::Hold(reasons) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dicom::tags;
    use crate::object::{Fault, Limit};

    const MALFORMED: End =
        End::Malformed(Fault::NotAnItem { at: 0, tag: tags::PROCEDURE_CODE_SEQUENCE });
    const CUT: End = End::Cut { at: 0, tag: None, missing: 0 };
    const DEEP: End = End::TooDeep { at: 0, tag: tags::PROCEDURE_CODE_SEQUENCE };

    #[track_caller]
    fn check(rules: &[&str], end: End, unparsable: Unparsable, urgent: bool, want: &[&str]) {
        let disposition = disposition(rules.iter().copied(), &end, unparsable, urgent);
        let reasons = want.iter().copied().map(HoldReason::from_code).collect();
        let held = if want.is_empty() { Disposition::Forward } else { Disposition::Hold(reasons) };
        assert_eq!(disposition, held, "{rules:?} {end:?} {unparsable:?} urgent: {urgent}");
    }

    #[test]
    fn only_rules_of_severity_quarantine_hold() {
        check(&[], End::Complete, Unparsable::Hold, false, &[]);
        let twice = ["IMG-PAT-003", "IMG-ENC-001", "IMG-PAT-003"];
        let once = ["IMG-ENC-001", "IMG-PAT-003"];
        check(&twice, End::Complete, Unparsable::Hold, false, &once);
    }

    #[test]
    fn no_rule_holds_what_is_urgent() {
        check(&["IMG-PAT-003"], End::Complete, Unparsable::Hold, true, &[]);
        check(&["IMG-PAT-003"], DEEP, Unparsable::Forward, true, &["TOO_DEEP"]);
    }

    #[test]
    fn what_cannot_be_walked_is_held_unless_the_site_forwards_it() {
        for end in [MALFORMED, CUT] {
            for urgent in [false, true] {
                check(&[], end, Unparsable::Hold, urgent, &["UNPARSABLE"]);
                check(&[], end, Unparsable::Refuse, urgent, &["UNPARSABLE"]);
                check(&[], end, Unparsable::Forward, urgent, &[]);
            }
        }
    }

    #[test]
    fn what_is_beyond_the_limits_of_looking_goes_on() {
        check(&[], End::Unlooked(Limit::Elements), Unparsable::Hold, false, &[]);
    }

    #[test]
    fn nesting_that_is_too_deep_is_always_held() {
        for unparsable in [Unparsable::Hold, Unparsable::Forward, Unparsable::Refuse] {
            check(&[], DEEP, unparsable, false, &["TOO_DEEP"]);
        }
    }

    #[test]
    fn codes_and_reasons_lead_to_each_other() {
        for code in ["TOO_DEEP", "UNPARSABLE", "pacs_refused", "IMG-PAT-003"] {
            assert_eq!(HoldReason::from_code(code).to_string(), code);
        }
        assert_eq!(HoldReason::from_code("pacs_refused"), HoldReason::PacsRefused);
    }
}
