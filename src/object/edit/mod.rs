//! Plans of changes to a data set, as byte ranges to replace.
//!
//! An [`Editor`] makes an [`EditPlan`] from what a scan saw; [`splice`](super::splice) applies it. The plan holds
//! nothing of the object but positions, so it can be stored with a verdict and applied again years later: same
//! bytes, same plan, same result. Positions are bytes of the data set as received; of a deflated one, bytes of
//! what it inflates to.

mod editor;
mod encode;
mod stored;

pub use editor::{EditFault, Editor};
pub use encode::{NewElement, NewValue};
pub use stored::BadPlan;

use std::fmt;

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

/// Changes to one data set: sorted, and with at least one byte of the original between any two.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EditPlan {
    edits: Vec<Edit>,
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
        Ok(Self { edits: joined })
    }

    /// Whether nothing changes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }

    /// The changes, in order.
    #[must_use]
    pub fn edits(&self) -> &[Edit] {
        &self.edits
    }

    /// The changes, given away.
    #[must_use]
    pub fn into_edits(self) -> Vec<Edit> {
        self.edits
    }

    /// The length of a data set of `before` bytes once changed.
    #[must_use]
    pub fn length_after(&self, before: u64) -> u64 {
        let removed: u64 = self.edits.iter().map(|edit| edit.remove).sum();
        let inserted: u64 = self.edits.iter().map(|edit| edit.insert.len() as u64).sum();
        (before + inserted).saturating_sub(removed)
    }
}
