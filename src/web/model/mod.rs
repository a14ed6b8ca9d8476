//! What goes over HTTP, and what the verbs print as JSON: twins of the core's types with fixed shapes.
//!
//! The names of fields and words here are promises to scripts. They may gain fields; none is renamed or taken away. An
//! absent value is `null`, never left out. Instants are RFC 3339 in UTC, dates `YYYY-MM-DD`.

mod custody;
mod report;
mod study;

mod rules;
mod system;
mod trace;

pub use custody::{
    Changed, Counts, Day, Deed, Ledger, QuarantineEntry, QuarantineState, QueueEntry, QueueState,
    Statistics,
};
pub use report::{
    AccreditationUsed, Copied, CopyKind, Custody, Disposition, Explanation, FallenBack, FileReport,
    Finding, Message, Outcome, Principle, Report, Rule, RuleException, Seen, Severity, Source,
    TriedOut,
};
pub use rules::{
    Comparison, Decision, Examples, FileChange, PackMistake, PackName, RuleChange, RuleCheck,
    RuleCount, RuleFact, RulePage, RuleParameter, StudyChange, Trial, TriedRule, UnreadFile,
};
pub use study::{Checked, MarkCount, Study, StudyFinding, StudyReport};
pub use system::{
    Bypass, BypassOrder, Codecs, Context, Echo, Expiry, Health, Peer, PeerKind, PeerState,
    PeerTest, QueueDepth, SpoolState, System,
};
pub use trace::{RuleOutcome, RuleTrace, Untold, WhyNot, grouped};

/// Writes what has a text form as that text.
mod text {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;

    pub(super) fn serialize<T: Display, S: Serializer>(
        value: &T,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    pub(super) fn deserialize<'de, T, D>(from: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

/// [`text`], or `null`.
mod maybe_text {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;

    pub(super) fn serialize<T: Display, S: Serializer>(
        value: &Option<T>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => to.collect_str(value),
            None => to.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, T, D>(from: D) -> Result<Option<T>, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        let text = Option::<String>::deserialize(from)?;
        text.map(|text| text.parse().map_err(D::Error::custom)).transpose()
    }
}
