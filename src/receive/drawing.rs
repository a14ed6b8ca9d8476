//! Judging an image whose pixels may be drawn on: what its text has to agree with, and what it is drawn with.

use tokio_util::sync::CancellationToken;

use super::bench::Bench;
use super::corners::Corners;
use super::judge::{Judge, Judging};
use super::past::{Past, asked, uncompared};
use crate::base::time::Timestamp;
use crate::ledger::{JudgedAs, insist};
use crate::object::edit::EditPlan;
use crate::pipeline::{self, Image, Site};
use crate::spool::ObjectId;
use crate::stamp::StampMode;
use crate::stamp::layout::Corner;

/// What is known of other versions of an image, where its site draws on pixels.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Versions {
    /// Whether one went out under its SOP Instance UID, or may.
    pub(super) other: bool,
    /// The corner that the same bytes had their text in.
    pub(super) corner: Option<Corner>,
}

impl Versions {
    /// What the text has to agree with where this was decided before on the same bytes.
    pub(super) fn after(before: &JudgedAs) -> Self {
        let plan = EditPlan::from_bytes(&before.plan).unwrap_or_default();
        Self { other: !plan.changes_pixels(), corner: corner_of(&before.report) }
    }
}

/// Looks up what the text in the pixels has to agree with. `None` when the gate stops meanwhile.
pub(super) async fn versions(
    with: &Judging,
    object: ObjectId,
    site: &Site,
    past: &Past,
    stop: &CancellationToken,
) -> Option<Versions> {
    let draws = [StampMode::BurnIn, StampMode::Strip].iter().any(|mode| site.modes.include(*mode));
    if !draws {
        return Some(Versions::default());
    }
    let before = match past {
        Past::Nothing | Past::Same(None) => return Some(Versions::default()),
        Past::OtherBytes => return Some(Versions { other: true, corner: None }),
        Past::Same(Some(before)) => before.clone(),
        Past::Judged => {
            let ask = || {
                let ledger = with.ledger.clone();
                asked(move || ledger.went_out_as(object))
            };
            let before = insist(stop, ask).await;
            match before.inspect_err(|fault| uncompared(object, fault)).ok()? {
                Some(before) => before,
                None => return Some(Versions::default()),
            }
        }
    };
    Some(Versions::after(&before))
}

/// The corner that a verdict's report tells.
fn corner_of(report: &str) -> Option<Corner> {
    let report: serde_json::Value = serde_json::from_str(report).ok()?;
    Corner::from_word(report.get("corner")?.as_str()?)
}

/// Judges with a bench for pixels. What was made on it is durable before the verdict can be recorded; where it cannot be, the object
/// is judged once more with a bench that keeps nothing.
pub(super) fn with_pixels(
    object: ObjectId,
    judge: &Judge,
    site: &Site,
    image: &Image<'_>,
    (bench, corners, versions): (&Bench, &Corners, Versions),
    at: Timestamp,
) -> pipeline::Verdict {
    let image = Image { workshop: Some(bench), other_version: versions.other, ..*image };
    let draws = [StampMode::BurnIn, StampMode::Strip, StampMode::Overlay];
    if !draws.iter().any(|mode| site.modes.include(*mode)) {
        return judge(site, &image, at);
    }
    let turn = corners.turn(&image.scan.header);
    let preferred: Vec<Corner> = versions.corner.into_iter().chain(turn.preferred()).collect();
    let drawn_on = Image { preferred: &preferred, ..image };
    let verdict = judge(site, &drawn_on, at);
    turn.decided(verdict.corner);
    if verdict.plan.made().is_none() {
        return verdict;
    }
    match bench.commit() {
        Ok(()) => verdict,
        Err(fault) => {
            tracing::error!(%object, %fault, "frames that were coded anew cannot be kept: coded pixels stay as they are");
            judge(site, &drawn_on, at)
        }
    }
}
