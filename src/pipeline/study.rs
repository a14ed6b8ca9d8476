//! One object as its study sees it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::judge::{SenderNames, subject};
use super::{Image, Site};
use crate::base::time::Timestamp;
use crate::object::End;
use crate::policy::route::{Chosen, Hold};
use crate::standard::study::{Keys, Part, Said};
use crate::standard::{Severity, Subject, Way};

/// What study rules need of an object. `None` when it was not looked at to its end, names no study, or a fault of the gate comes
/// in between.
#[must_use]
pub fn part(
    site: &Site,
    image: &Image<'_>,
    mark: Option<&str>,
    keys: &Keys,
    now: Timestamp,
) -> Option<Part> {
    looked_at(site, image, now, |subject| {
        let chosen = site.routes.choose(subject);
        let blocked = blocked(site, image, subject, &chosen);
        part_of(image, subject, &chosen, (mark, blocked), keys)
    })
}

/// The rules on an object alone that forbid its mark, where it shares the fate of its study.
fn blocked(
    site: &Site,
    image: &Image<'_>,
    subject: &Subject<'_>,
    chosen: &Chosen,
) -> Vec<Box<str>> {
    if !waits_by(image, chosen) {
        return Vec::new();
    }
    let assessment = site.rules.of(&way(image, chosen)).assess(subject);
    let grave = assessment.findings.iter().filter(|found| found.severity >= Severity::Block);
    grave.map(|found| found.rule.as_str().into()).collect()
}

fn waits_by(image: &Image<'_>, chosen: &Chosen) -> bool {
    let is_urgent = image.urgent || image.source.urgent || chosen.urgent;
    chosen.hold == Hold::Study && !is_urgent
}

/// What study rules need of an object that is to wait until its study has settled; `None` for one that is not.
#[must_use]
pub fn waits(site: &Site, image: &Image<'_>, keys: &Keys, now: Timestamp) -> Option<Part> {
    if !site.routes.hold_studies() {
        return None;
    }
    looked_at(site, image, now, |subject| {
        let chosen = site.routes.choose(subject);
        if !waits_by(image, &chosen) {
            return None;
        }
        let blocked = blocked(site, image, subject, &chosen);
        part_of(image, subject, &chosen, (None, blocked), keys)
    })
}

/// What study rules need of an object that is before them anyway.
#[must_use]
pub fn part_of(
    image: &Image<'_>,
    subject: &Subject<'_>,
    chosen: &Chosen,
    (mark, blocked): (Option<&str>, Vec<Box<str>>),
    keys: &Keys,
) -> Option<Part> {
    if image.scan.end != End::Complete {
        return None;
    }
    let institution = image.source.institution.as_ref().map(|id| id.as_str());
    let pixels = subject.pixel_hash();
    let pixels = pixels.as_ref().map(<[u8; 32]>::as_slice);
    Part::of(subject, Said { way: way(image, chosen), institution, mark, blocked, pixels }, keys)
}

/// How an object came, by the route that it takes.
pub(super) fn way(image: &Image<'_>, chosen: &Chosen) -> Way {
    Way { source: image.source.name.clone(), route: chosen.name.clone() }
}

fn looked_at(
    site: &Site,
    image: &Image<'_>,
    now: Timestamp,
    look: impl FnOnce(&Subject<'_>) -> Option<Part>,
) -> Option<Part> {
    let looked = catch_unwind(AssertUnwindSafe(|| {
        let peer = image.sender.map(|sender| sender.peer.to_string()).unwrap_or_default();
        let names = SenderNames::of(site, image);
        let pixels = image.pixels();
        let subject = subject(site, image, &peer, names.as_ref(), now);
        look(&match &pixels {
            // Its hash is found out in the look that its own rules take.
            Some(pixels) => subject.with_pixels(pixels, site.rules.looking()).expecting(&["hash"]),
            None => subject,
        })
    }));
    looked.unwrap_or_default()
}
