//! Whether an object can be judged before all of it has come.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::judge::{SenderNames, subject};
use super::{Image, Site, Verdict, study};
use crate::base::time::Timestamp;
use crate::dicom::tags;
use crate::policy::disposition::Disposition;
use crate::policy::relay::{Ack, LateRules};
use crate::policy::route::Chosen;
use crate::recognition::Reason;
use crate::stamp::StampMode;
use crate::standard::{RuleSet, Severity, Subject};

/// Declarations of character sets that hold every name: whatever is written needs no other, and no other is guessed.
const HOLD_EVERY_NAME: [&str; 3] = ["ISO_IR 192", "GB18030", "GBK"];

/// Whether the verdict on what has come of an object is the one on all of it. Where that cannot be told, it is not.
///
/// It is not where pixels have a say: a rule that looks at them may forbid the mark or have the object held, unless its route wants
/// that told afterwards, or the mark is to be drawn. Nor where the plan rests on what has not come, or an object is to be held, which
/// is decided once it is known whole.
#[must_use]
pub fn is_final(site: &Site, image: &Image<'_>, verdict: &Verdict, now: Timestamp) -> bool {
    if verdict.unchecked || verdict.disposition != Disposition::Forward {
        return false;
    }
    let is_plain = match (verdict.mark(), verdict.reason()) {
        (Some(_), _) => verdict.modes == [StampMode::Tag] && verdict.fallen_back.is_empty(),
        (None, Some(Reason::SelfCheck | Reason::NotEncodable)) => false,
        (None, _) => true,
    };
    let is_final = catch_unwind(AssertUnwindSafe(|| {
        let peer = image.sender.map(|sender| sender.peer.to_string()).unwrap_or_default();
        let names = SenderNames::of(site, image);
        let subject = subject(site, image, &peer, names.as_ref(), now);
        let chosen = site.routes.choose(&subject);
        let rules = site.rules.of(&study::way(image, &chosen));
        let declares = |set: &&str| {
            image.scan.header.string(tags::SPECIFIC_CHARACTER_SET).as_deref() == Some(*set)
        };
        let is_written_as_declared =
            verdict.plan.is_empty() || HOLD_EVERY_NAME.iter().any(declares);
        let least = match verdict.mark() {
            Some(_) => Severity::Block,
            None => Severity::Quarantine,
        };
        let awaits = !verdict.urgent || verdict.mark().is_some();
        is_written_as_declared
            && (comes_after(&chosen) || !awaits || !rules.weighs_pixels(&subject, least))
    }));
    is_plain && is_final.unwrap_or(false)
}

/// Whether the route of an object gives up its mark rather than have it wait for its pixels, where those might forbid it.
pub(super) fn gives_up_mark(chosen: &Chosen, rules: &RuleSet, subject: &Subject<'_>) -> bool {
    comes_after(chosen) && rules.weighs_pixels(subject, Severity::Block)
}

fn comes_after(chosen: &Chosen) -> bool {
    matches!(chosen.ack, Ack::Delivered(relay) if relay.late_rules == LateRules::After)
}
