//! The stamp: writes a decision into an object, as an [`EditPlan`].
//!
//! Mode `tag` changes what the last section of `INTERFACE.md` lists and nothing else: Institution Name, an item each of Original
//! Attributes and Contributing Equipment, a private block, and the character set where nothing less will do. `burn-in` and `strip`
//! draw the text on the pixels or below them, `overlay` puts it into a plane of its own, `presentation-state` beside the images
//! of the series. A mode that cannot be had falls to the next weaker one, and the [`Obstacle`] is recorded. Whatever mode it is,
//! the private block and the Contributing Equipment tell of it.
//!
//! A function of its arguments: same object, decision and time, same bytes. An object that bears the mark that is due, in the
//! modes that are asked for, is left alone, so stamping twice is stamping once. What cannot be written truthfully is an
//! [`Obstacle`] and never a guess; outside the text no pixel changes. Whether a plan keeps to all that is looked at once more, by
//! what it would send and not by how it was made: [`self_check`].

mod attributes;
mod character_set;
pub mod display;
pub mod draw;
mod extent;
#[cfg(test)]
mod fixture;
pub mod glyphs;
mod honest;
mod image_pixels;
pub mod layout;
mod mode;
mod name;
mod native;
mod obstacle;
mod overlay;
mod pixels;
pub mod presentation_state;
mod private_block;
mod raster;
mod self_check;
mod wording;

use std::cell::OnceCell;
use std::sync::Arc;

use jiff::tz::Offset;

use crate::base::time::Timestamp;
use crate::codec::{Decoded, FrameShape};
use crate::dicom::ae_title::AeTitle;
use crate::dicom::charset::CharacterSet;
use crate::object::HeaderView;
use crate::object::edit::EditPlan;
use crate::recognition::{Decision, Names, ScopeCode};

pub use character_set::CharsetPolicy;
pub use image_pixels::ImagePixels;
pub use mode::{StampFault, StampMode, StampRow, StampRows};
pub use obstacle::Obstacle;
pub use overlay::may_have_overlays;
pub use pixels::{BurnedInAnnotation, PixelPolicy, UidPolicy, forbids_text};
pub use private_block::{CREATOR, GROUP};
pub use raster::{FirstFrame, Workshop};
pub use self_check::{Broken, self_check};

use layout::{Corner, Placement};
use pixels::Drawn;
use presentation_state::Images;
use raster::Raster;

/// How a site words and writes its marks.
#[derive(Debug, Clone)]
pub struct StampPolicy {
    /// What stands between name and mark.
    pub separator: String,
    /// What to do where the declared character set cannot hold the name.
    pub charset: CharsetPolicy,
    /// The zone in which times are written.
    pub timezone: Offset,
    /// How it is drawn.
    pub pixels: PixelPolicy,
}

impl Default for StampPolicy {
    fn default() -> Self {
        Self {
            separator: "-".to_owned(),
            charset: CharsetPolicy::Extend,
            timezone: Offset::constant(8),
            pixels: PixelPolicy::default(),
        }
    }
}

/// By whom and by what rules an object is changed: what the object itself records of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provenance {
    /// The AE title of the gate.
    pub ae: AeTitle,
    /// The AE title that the object came from; `None` for a file.
    pub source: Option<AeTitle>,
    /// The version of this program.
    pub version: String,
    /// The hash of the rules and the registry in force, at most 64 characters.
    pub rules: String,
}

/// All that a stamp depends on.
#[derive(Clone, Copy)]
pub struct Job<'a> {
    /// The object.
    pub view: &'a HeaderView,
    /// How its text is read: as declared, or as the source's override says.
    pub read_as: &'a CharacterSet,
    /// What was decided.
    pub decision: &'a Decision,
    /// The institution's names on the day of the examination.
    pub names: &'a Names,
    /// How the site writes its marks.
    pub policy: &'a StampPolicy,
    /// What is recorded of the change.
    pub provenance: &'a Provenance,
    /// When it is made.
    pub now: Timestamp,
    /// The object's SOP class UID.
    pub sop_class: &'a str,
    /// Its transfer syntax UID.
    pub transfer_syntax: &'a str,
    /// What its pixels can be stamped with; without it they stay as they are.
    pub workshop: Option<&'a dyn Workshop>,
    /// Corners to be taken before others, where they are free.
    pub preferred: &'a [Corner],
    /// Whether another version of the object went out under its SOP Instance UID, or may.
    pub other_version: bool,
}

/// A mark as text that stands beside an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wording {
    /// The institution's name with the mark.
    pub text: String,
    /// The same in Latin letters, where the institution has a Latin name.
    pub latin: Option<String>,
}

/// The text of a mark: what Institution Name is made to say.
///
/// # Errors
/// When neither the name nor the short name fits with the mark.
pub fn wording(names: &Names, separator: &str, mark: &ScopeCode) -> Result<Wording, Obstacle> {
    let text = name::fitting(names, separator, mark)?.text;
    Ok(Wording { text, latin: name::latin(names, separator, mark).map(|line| line.text) })
}

/// A stamp that can be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// The changes; empty when the object is as it should be.
    pub plan: EditPlan,
    /// The modes in which the mark is shown; none when nothing was to be marked.
    pub modes: Vec<StampMode>,
    /// Modes that were tried and could not be had, each with the obstacle.
    pub fallen_back: Vec<(StampMode, Obstacle)>,
    /// The corner that the text is in, where it is in the pixels or in an overlay.
    pub corner: Option<Corner>,
    /// Where it is, where it is in the pixels.
    pub place: Option<Placement>,
    /// What that text says.
    pub text: Option<String>,
}

impl Stamp {
    /// No change and no mark.
    #[must_use]
    pub fn none() -> Self {
        let (plan, modes, fallen_back) = (EditPlan::none(), Vec::new(), Vec::new());
        Self { plan, modes, fallen_back, corner: None, place: None, text: None }
    }
}

/// The stamp of an object in the modes asked for. A mode that cannot be had falls to the next weaker one.
///
/// # Errors
/// When even the weakest mode cannot be had. The object then bears no mark, for the obstacle's
/// [`reason`](Obstacle::reason).
pub fn stamp(modes: &[StampMode], job: &Job<'_>) -> Result<Stamp, Obstacle> {
    let Some(mark) = job.decision.mark() else {
        let plan = attributes::plan(job, &[], &mut [])?;
        return Ok(Stamp { plan, ..Stamp::none() });
    };
    // What an earlier pass has drawn is not drawn again.
    let mut shown = attributes::drawn_before(job, mark);
    let (mut fallen_back, mut drawn) = (Vec::new(), Vec::new());
    let canvas = Canvas::new(job);
    for wanted in modes {
        for mode in wanted.and_weaker() {
            if mode == StampMode::Strip && *wanted == StampMode::BurnIn && !job.policy.pixels.strip
            {
                continue;
            }
            if shown.iter().any(|shown| shown.stands_for(mode)) {
                break;
            }
            if fallen_back.iter().any(|(tried, _)| *tried == mode) {
                continue;
            }
            match canvas.draw(mode, mark) {
                Ok(change) => {
                    shown.push(mode);
                    drawn.extend(change);
                    break;
                }
                Err(obstacle) => {
                    canvas.discard();
                    fallen_back.push((mode, obstacle));
                }
            }
        }
    }
    let corner = drawn.iter().find_map(Drawn::corner);
    let place =
        drawn.iter().filter(|drawn| drawn.in_pixels.is_some()).find_map(|drawn| drawn.place);
    let text = drawn.iter().map(|drawn| drawn.text.clone()).find(|text| !text.is_empty());
    let plan = attributes::plan(job, &shown, &mut drawn)?;
    Ok(Stamp { plan, modes: shown, fallen_back, corner, place, text })
}

/// One frame of an object that was walked to its end, `index` from 0: what it is, and its samples.
///
/// # Errors
/// When there is no such frame, or it cannot be read or decoded.
pub fn frame(
    view: &HeaderView,
    transfer_syntax: &str,
    workshop: &dyn Workshop,
    index: u32,
) -> Result<(FrameShape, Arc<Decoded>), Obstacle> {
    let raster = Raster::of(view, transfer_syntax, workshop)?;
    if index >= raster.frames {
        return Err(Obstacle::NoPixels);
    }
    let decoded = raster.decoded(index, workshop)?;
    Ok((raster.shape, decoded))
}

/// What modes draw on: the pixels, looked into when the first of them needs that.
struct Canvas<'a> {
    job: &'a Job<'a>,
    raster: OnceCell<Result<Raster, Obstacle>>,
}

impl<'a> Canvas<'a> {
    fn new(job: &'a Job<'a>) -> Self {
        Self { job, raster: OnceCell::new() }
    }

    /// What a mode changes; nothing where it leaves the object as it is.
    fn draw(&self, mode: StampMode, mark: &ScopeCode) -> Result<Option<Drawn>, Obstacle> {
        let job = self.job;
        Ok(match mode {
            StampMode::BurnIn => {
                let (raster, workshop) = self.pixels()?;
                Some(pixels::burn_in(job, raster, workshop, mark)?)
            }
            StampMode::Strip => {
                let (raster, workshop) = self.pixels()?;
                Some(pixels::strip(job, raster, workshop, mark)?)
            }
            StampMode::Overlay => Some(overlay::overlay(job, mark, |texts| {
                let (raster, workshop) = self.pixels().ok()?;
                pixels::free_place(job, raster, workshop, texts)
            })?),
            // Made for the series once its images have come; of an image it only must be known that it can be shown.
            StampMode::PresentationState => {
                Images::default().add(job.view).map_err(|_| Obstacle::NotShownAlike)?;
                None
            }
            StampMode::Tag => None,
        })
    }

    fn pixels(&self) -> Result<(&Raster, &'a dyn Workshop), Obstacle> {
        let workshop = self.job.workshop.ok_or(Obstacle::NoPixels)?;
        let of = || Raster::of(self.job.view, self.job.transfer_syntax, workshop);
        let raster = self.raster.get_or_init(of).as_ref().map_err(|obstacle| *obstacle)?;
        Ok((raster, workshop))
    }

    fn discard(&self) {
        if let Some(workshop) = self.job.workshop {
            workshop.discard();
        }
    }
}

#[cfg(test)]
mod tests;
