//! Whether an object can be judged before all of it has come.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::judge::{SenderNames, subject};
use super::{Image, Site, Verdict, study};
use crate::base::time::Timestamp;
use crate::standard::Severity;

/// Whether a verdict on an object's header may be overturned by its pixels: a rule that looks at those may forbid the mark that it
/// bears, or have it held. Where that cannot be told, it may.
#[must_use]
pub fn awaits_pixels(site: &Site, image: &Image<'_>, verdict: &Verdict, now: Timestamp) -> bool {
    let least = match verdict.mark() {
        Some(_) => Severity::Block,
        None if verdict.urgent => return false,
        None => Severity::Quarantine,
    };
    let weighed = catch_unwind(AssertUnwindSafe(|| {
        let peer = image.sender.map(|sender| sender.peer.to_string()).unwrap_or_default();
        let names = SenderNames::of(site, image);
        let subject = subject(site, image, &peer, names.as_ref(), now);
        let chosen = site.routes.choose(&subject);
        site.rules.of(&study::way(image, &chosen)).weighs_pixels(&subject, least)
    }));
    weighed.unwrap_or(true)
}
