//! The stamp: writes a decision into an object, as an [`EditPlan`].
//!
//! Mode `tag`, the only one of this version, changes what the last section of `INTERFACE.md` lists and nothing else:
//! Institution Name, an item each of Original Attributes and Contributing Equipment, a private block, and the character
//! set where nothing less will do. Pixels and UIDs are never touched. The other modes answer with an
//! [`Obstacle`], so that the next weaker one is taken and the reason recorded.
//!
//! A function of its arguments: same object, decision and time, same bytes. An object that bears the mark that is due is
//! left alone, so stamping twice is stamping once. What cannot be written truthfully is an [`Obstacle`]
//! and never a guess.

mod attributes;
mod character_set;
pub mod display;
pub mod draw;
#[cfg(test)]
mod fixture;
pub mod glyphs;
pub mod layout;
mod mode;
mod name;
mod obstacle;
pub mod presentation_state;
mod private_block;

use jiff::tz::Offset;

use crate::base::time::Timestamp;
use crate::dicom::ae_title::AeTitle;
use crate::dicom::charset::CharacterSet;
use crate::object::HeaderView;
use crate::object::edit::EditPlan;
use crate::recognition::{Decision, Names, ScopeCode};

pub use character_set::CharsetPolicy;
pub use mode::{StampFault, StampMode, StampRow, StampRows};
pub use obstacle::Obstacle;
pub use private_block::{CREATOR, GROUP};

use presentation_state::Images;

/// How a site words and writes its marks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StampPolicy {
    /// What stands between name and mark.
    pub separator: String,
    /// What to do where the declared character set cannot hold the name.
    pub charset: CharsetPolicy,
    /// The zone in which times are written.
    pub timezone: Offset,
}

impl Default for StampPolicy {
    fn default() -> Self {
        Self {
            separator: "-".to_owned(),
            charset: CharsetPolicy::Extend,
            timezone: Offset::constant(8),
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
#[derive(Debug, Clone, Copy)]
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
    /// The modes in it; none when nothing was to be marked.
    pub modes: Vec<StampMode>,
    /// Modes that were asked for and could not be had, each with the obstacle.
    pub fallen_back: Vec<(StampMode, Obstacle)>,
}

impl Stamp {
    /// No change and no mark.
    #[must_use]
    pub fn none() -> Self {
        Self { plan: EditPlan::none(), modes: Vec::new(), fallen_back: Vec::new() }
    }
}

/// The stamp of an object in the modes asked for. A mode that cannot be had falls to the next weaker one.
///
/// # Errors
/// When even the weakest mode cannot be had. The object then bears no mark, for the obstacle's
/// [`reason`](Obstacle::reason).
pub fn stamp(modes: &[StampMode], job: &Job<'_>) -> Result<Stamp, Obstacle> {
    if job.decision.mark().is_none() {
        let plan = attributes::plan(job)?;
        return Ok(Stamp { plan, modes: Vec::new(), fallen_back: Vec::new() });
    }
    let (mut shown, mut fallen_back) = (Vec::new(), Vec::new());
    for mode in modes {
        match plan(*mode, job) {
            Ok(_) if *mode == StampMode::Tag => {}
            Ok(_) => shown.push(*mode),
            Err(obstacle @ Obstacle::ModeNotAvailable { .. }) => {
                fallen_back.push((*mode, obstacle));
            }
            Err(obstacle) => return Err(obstacle),
        }
    }
    // In this version every chain of weaker modes ends in the one that there is.
    let plan = plan(StampMode::Tag, job)?;
    shown.push(StampMode::Tag);
    Ok(Stamp { plan, modes: shown, fallen_back })
}

/// The changes that one mode makes.
///
/// # Errors
/// When the mode cannot be had for this object, or is not in this version.
pub fn plan(mode: StampMode, job: &Job<'_>) -> Result<EditPlan, Obstacle> {
    match mode {
        StampMode::Tag => attributes::plan(job),
        StampMode::BurnIn | StampMode::Strip | StampMode::Overlay => {
            Err(Obstacle::ModeNotAvailable { mode })
        }
        // Made for the series once its images have come; of an image it only must be known that it can be shown.
        StampMode::PresentationState => match Images::default().add(job.view) {
            Ok(()) => Ok(EditPlan::none()),
            Err(_) => Err(Obstacle::ModeNotAvailable { mode }),
        },
    }
}

#[cfg(test)]
mod tests;
