//! Plans of changes to a data set, as byte ranges to replace.
//!
//! An [`Editor`] makes an [`EditPlan`] from what a scan saw; [`splice`](super::splice) applies it. The plan holds
//! nothing of the object but positions, so it can be stored with a verdict and applied again years later: same
//! bytes, same plan, same result. Positions are bytes of the data set as received; of a deflated one, bytes of
//! what it inflates to.
//!
//! Elements are changed by [`Edit`]s. Native pixels are changed by [`Patch`]es, which tell the runs of one frame and repeat
//! them for all. Frames that were coded anew are too large for a plan and come from elsewhere: [`Filling`]s of what was
//! [`Made`] tell where they go.

mod editor;
mod encode;
mod patch;
mod steps;
mod stored;
mod touched;

pub use editor::{EditFault, Editor};
pub use encode::{NewElement, NewValue};
pub use patch::{Patch, Run, RunKind};
pub(in crate::object) use steps::{Insert, Step, Steps};
pub use stored::BadPlan;
pub use touched::Touched;

use std::fmt;
use std::ops::Range;

use crate::dicom::uid::Uid;

/// One change: bytes taken out, bytes put in their place.
#[derive(Clone, PartialEq, Eq)]
pub struct Edit {
    /// Where it applies.
    pub at: u64,
    /// How many bytes of the original go.
    pub remove: u64,
    /// What comes in their place.
    pub insert: Vec<u8>,
}

impl Edit {
    /// Where the original goes on.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.at.saturating_add(self.remove)
    }
}

impl fmt::Debug for Edit {
    // What is put in may be patient data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: -{} +{}", self.at, self.remove, self.insert.len())
    }
}

/// Bytes that were made beside the plan and are kept as a file of their own, by what is in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Made {
    /// How many.
    pub length: u64,
    /// BLAKE3 of them.
    pub hash: [u8; 32],
}

/// One change by bytes that were made beside the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filling {
    /// Where it applies.
    pub at: u64,
    /// How many bytes of the original go.
    pub remove: u64,
    /// Which of the bytes that were [`Made`] come in their place.
    pub made: Range<u64>,
}

impl Filling {
    /// Where the original goes on.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.at.saturating_add(self.remove)
    }
}

/// Changes to one data set: sorted, and none within another. Between two edits stands at least one byte of the original.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EditPlan {
    edits: Vec<Edit>,
    patches: Vec<Patch>,
    fillings: Vec<Filling>,
    made: Option<Made>,
    instance: Option<Uid>,
}

impl EditPlan {
    /// The plan that changes nothing.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// A plan of edits that stand in order.
    ///
    /// Edits that touch are made one; an edit that neither removes nor inserts anything is left out.
    ///
    /// # Errors
    /// When an edit begins before the one in front of it ends.
    pub fn new(edits: Vec<Edit>) -> Result<Self, BadPlan> {
        let mut joined: Vec<Edit> = Vec::with_capacity(edits.len());
        for edit in edits {
            if edit.at.checked_add(edit.remove).is_none() {
                return Err(BadPlan::Overlap { at: edit.at });
            }
            if edit.remove == 0 && edit.insert.is_empty() {
                continue;
            }
            match joined.last_mut() {
                Some(last) if edit.at < last.end() => {
                    return Err(BadPlan::Overlap { at: edit.at });
                }
                Some(last) if edit.at == last.end() => {
                    last.remove += edit.remove;
                    last.insert.extend(edit.insert);
                }
                Some(_) | None => joined.push(edit),
            }
        }
        Ok(Self { edits: joined, ..Self::default() })
    }

    /// The plan with more edits, in any order.
    ///
    /// # Errors
    /// When two of them overlap.
    pub fn edited(self, more: Vec<Edit>) -> Result<Self, BadPlan> {
        let mut edits = self.edits;
        edits.extend(more);
        edits.sort_by_key(|edit| (edit.at, edit.remove));
        Self { edits: Self::new(edits)?.edits, ..self }.checked()
    }

    /// The plan with native pixels patched. Patches stand in order.
    ///
    /// # Errors
    /// When a patch overlaps another, or any change of this plan.
    pub fn patched(mut self, patches: Vec<Patch>) -> Result<Self, BadPlan> {
        self.patches = patches;
        self.checked()
    }

    /// The plan with places filled by what was made. Fillings stand in order, and so do the parts of `made` that they take.
    ///
    /// # Errors
    /// When a filling overlaps another, or any change of this plan, or takes what was not made.
    pub fn filled(mut self, made: Made, fillings: Vec<Filling>) -> Result<Self, BadPlan> {
        self.fillings = fillings;
        self.made = Some(made);
        self.checked()
    }

    /// The plan of an object that is another one once changed, with this SOP Instance UID. That its elements say so too
    /// is the editor's part.
    #[must_use]
    pub fn renamed(mut self, instance: Uid) -> Self {
        self.instance = Some(instance);
        self
    }

    fn checked(self) -> Result<Self, BadPlan> {
        let mut parts: Vec<Range<u64>> = Vec::new();
        for patch in &self.patches {
            parts.push(patch.at..patch.end().ok_or(BadPlan::Overlap { at: patch.at })?);
        }
        let mut taken = 0;
        for filling in &self.fillings {
            let end = filling.at.checked_add(filling.remove);
            parts.push(filling.at..end.ok_or(BadPlan::Overlap { at: filling.at })?);
            let is_made = self.made.is_some_and(|made| filling.made.end <= made.length);
            if filling.made.start < taken || filling.made.is_empty() || !is_made {
                return Err(BadPlan::NotMade { at: filling.at });
            }
            taken = filling.made.end;
        }
        let ordered = parts.iter().zip(parts.iter().skip(1)).find(|(a, b)| b.start < a.end);
        if let Some((_, later)) = ordered {
            return Err(BadPlan::Overlap { at: later.start });
        }
        parts.extend(self.edits.iter().map(|edit| edit.at..edit.end()));
        parts.sort_by_key(|part| (part.start, part.end));
        match parts.iter().zip(parts.iter().skip(1)).find(|(a, b)| b.start < a.end) {
            Some((_, later)) => Err(BadPlan::Overlap { at: later.start }),
            None => Ok(self),
        }
    }

    /// Whether nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.edits.is_empty() && self.patches.is_empty() && self.fillings.is_empty()
    }

    /// Whether pixels are other ones once changed.
    #[must_use]
    pub fn changes_pixels(&self) -> bool {
        !self.patches.is_empty() || !self.fillings.is_empty()
    }

    /// The changes of elements, in order.
    #[must_use]
    pub fn edits(&self) -> &[Edit] {
        &self.edits
    }

    /// The changes of native pixels, in order.
    #[must_use]
    pub fn patches(&self) -> &[Patch] {
        &self.patches
    }

    /// What the fillings are taken from.
    #[must_use]
    pub fn made(&self) -> Option<Made> {
        self.made
    }

    /// The SOP Instance UID that the object has once changed, where that is another one.
    #[must_use]
    pub fn instance(&self) -> Option<&Uid> {
        self.instance.as_ref()
    }

    /// The length of a data set of `before` bytes once changed.
    #[must_use]
    pub fn length_after(&self, before: u64) -> u64 {
        let removed = self.edits.iter().map(|edit| edit.remove);
        let removed: u64 = removed.chain(self.fillings.iter().map(|filling| filling.remove)).sum();
        let inserted = self.edits.iter().map(|edit| edit.insert.len() as u64);
        let filled = self.fillings.iter().map(|filling| filling.made.end - filling.made.start);
        let grown = self.patches.iter().map(Patch::growth);
        let inserted: u64 = inserted.chain(filled).chain(grown).sum();
        (before + inserted).saturating_sub(removed)
    }
}
