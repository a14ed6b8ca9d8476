//! The path of one image from its bytes to its verdict, written as calls: header, assessment, recognition, plan, disposition.
//!
//! One pure function, [`judge`]: the gate, the offline verbs, replay and the benches all call it. It cannot wait, fail on I/O or
//! ask the time, and a fault in it costs one object its mark, never its delivery.

mod association;
mod judge;
mod late;
mod report;
mod study;
#[cfg(test)]
pub(crate) mod tests;
mod verdict;

use jiff::tz::Offset;

use crate::dicom::ae_title::AeTitle;
use crate::dicom::status::Status;
use crate::policy::admission::SourceRow;
use crate::policy::disposition::Unparsable;
use crate::policy::route::{DestinationIndex, Routes};
use crate::recognition::{MarkPolicy, Registry};
use crate::stamp::{StampPolicy, StampRows};
use crate::standard::{Personnel, RuleSets};

pub use association::Association;
pub use judge::{Image, SenderNames, acknowledgement, bypassed, judge, subject, unchecked};
pub use late::is_final;
pub use study::{part, part_of, waits};
pub use verdict::Verdict;

/// Everything an object is judged by. Replaced as a whole, never changed.
#[derive(Debug)]
pub struct Site {
    /// The gate's own title, which marked objects record.
    pub ae: AeTitle,
    /// Who may send.
    pub sources: Vec<SourceRow>,
    /// Names of the destinations, in the order of the configuration.
    pub destinations: Vec<String>,
    /// Which objects go where.
    pub routes: Routes,
    /// The rules of quality, by the way in which objects come.
    pub rules: RuleSets,
    /// Institutions, items, accreditations.
    pub registry: Registry,
    /// Operators, if the site has a registry of them.
    pub personnel: Option<Personnel>,
    /// How a mark is decided.
    pub mark: MarkPolicy,
    /// How a mark is shown, by object.
    pub modes: StampRows,
    /// How a mark is written.
    pub stamp: StampPolicy,
    /// What becomes of an object that cannot be walked.
    pub unparsable: Unparsable,
    /// The status of objects that will be changed: 0000 or B000.
    pub coerced_status: Status,
    /// The zone in which days are counted.
    pub offset: Offset,
    /// What all this is, in a few letters each.
    pub versions: Versions,
}

/// The versions that a verdict rests on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Versions {
    /// The rule packs and the site's changes to them, exceptions left out.
    pub rules: String,
    /// Institutions, items, accreditations.
    pub registry: String,
    /// The rest of the configuration.
    pub config: String,
}

impl Site {
    /// The names of destinations.
    #[must_use]
    pub fn names(&self, destinations: &[DestinationIndex]) -> Vec<String> {
        destinations.iter().filter_map(|&index| self.destinations.get(index).cloned()).collect()
    }

    /// Whether the route that an association's objects take, whatever they are, is urgent.
    #[must_use]
    pub fn is_urgent_route(&self, sender: &Association) -> bool {
        self.routes.choose(sender).urgent
    }
}
