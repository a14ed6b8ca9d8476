//! What was decided on one object.

use std::sync::Arc;

use crate::dicom::uid::Uid;
use crate::object::edit::EditPlan;
use crate::policy::disposition::{Disposition, HoldReason};
use crate::policy::route::DestinationIndex;
use crate::recognition::{Decision, Reason};
use crate::stamp::layout::Corner;
use crate::stamp::{Obstacle, StampMode};
use crate::standard::study::Part;
use crate::standard::{Finding, RuleSet};

/// Everything that was decided on one object, and what it rests on.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// Study Instance UID; empty when the object has none.
    pub study: Uid,
    /// Series Instance UID; empty when the object has none.
    pub series: Uid,
    /// Modality (0008,0060).
    pub modality: Option<String>,
    /// What the rules found, gravest first.
    pub findings: Vec<Finding>,
    /// The same of rules that are only tried out: it has no effect.
    pub shadow: Vec<Finding>,
    /// The rules that apply and are only tried out.
    pub tried: Vec<String>,
    /// Whether it was judged with its study, which shares its fate.
    pub with_study: bool,
    /// The mark, or the reason for none, and how it was come by.
    pub decision: Decision,
    /// How the mark is shown; empty where there is none.
    pub modes: Vec<StampMode>,
    /// Modes of stamping that were asked for and could not be had.
    pub fallen_back: Vec<(StampMode, Obstacle)>,
    /// The corner that the text is in, where it is in the pixels or in an overlay.
    pub corner: Option<Corner>,
    /// What is changed in the object; empty when it goes out as it came.
    pub plan: EditPlan,
    /// Where it goes, now or once it is released.
    pub destinations: Vec<DestinationIndex>,
    /// Whether it may not be held by rules.
    pub urgent: bool,
    /// Whether it goes or waits.
    pub disposition: Disposition,
    /// Whether judging it failed: a fault of the gate.
    pub unchecked: bool,
    /// The rules that it was judged by: those for the way it came. Of what was not judged, those of the site.
    pub rules: Arc<RuleSet>,
    /// What its study needs of it, where that was asked for.
    pub part: Option<Box<Part>>,
}

impl Verdict {
    /// The mark that the object bears.
    #[must_use]
    pub fn mark(&self) -> Option<&str> {
        self.decision.mark().map(|scope| scope.as_str())
    }

    /// Why it bears none.
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        self.decision.reason()
    }

    /// Whether it was made while nobody was judged.
    #[must_use]
    pub fn is_bypassed(&self) -> bool {
        self.reason() == Some(Reason::Bypass)
    }

    /// The same, and the object goes out as it came: something that could forbid its mark was not checked.
    #[must_use]
    pub fn without_mark(self) -> Self {
        Self {
            decision: Decision::without_judgement(Reason::Unchecked),
            modes: Vec::new(),
            fallen_back: Vec::new(),
            corner: None,
            plan: EditPlan::default(),
            ..self
        }
    }

    /// Has the object held for one more reason.
    pub fn hold(&mut self, reason: HoldReason) {
        match &mut self.disposition {
            Disposition::Hold(reasons) => reasons.push(reason),
            Disposition::Forward => self.disposition = Disposition::Hold(vec![reason]),
        }
    }
}
