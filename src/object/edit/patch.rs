//! Changes of native pixels: runs of bytes in one frame, and how often the frame recurs.

use std::fmt;

use super::BadPlan;

/// What a run does.
#[derive(Clone, PartialEq, Eq)]
pub enum RunKind {
    /// Its bytes take the place of as many.
    Over,
    /// As [`Over`](Self::Over), in the bits that are set here; as many bytes as the run has.
    Masked(Vec<u8>),
    /// Its bytes are put in.
    In,
}

/// Bytes that are changed in each frame.
#[derive(Clone, PartialEq, Eq)]
pub struct Run {
    /// Where, counted from the beginning of the frame.
    pub at: u64,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// What they do.
    pub kind: RunKind,
}

impl Run {
    /// How many bytes of the original it covers.
    #[must_use]
    pub fn covers(&self) -> u64 {
        match self.kind {
            RunKind::Over | RunKind::Masked(_) => self.bytes.len() as u64,
            RunKind::In => 0,
        }
    }

    fn end(&self) -> Option<u64> {
        self.at.checked_add(self.covers())
    }
}

impl fmt::Debug for Run {
    // Pixels are patient data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            RunKind::Over => "over",
            RunKind::Masked(_) => "masked",
            RunKind::In => "in",
        };
        write!(f, "{}: {} {kind}", self.at, self.bytes.len())
    }
}

/// The same runs in one frame after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    /// Where the first frame begins.
    pub at: u64,
    /// From the beginning of a frame to that of the next.
    pub stride: u64,
    /// Frames, at least 1.
    pub frames: u32,
    /// In order; none reaches into the next, nor beyond the frame.
    runs: Vec<Run>,
}

impl Patch {
    /// A patch of runs that stand in order.
    ///
    /// # Errors
    /// When a run is empty or begins before the one in front of it ends, when its mask is of another length, or when it reaches
    /// beyond a frame that has another behind it.
    pub fn new(at: u64, stride: u64, frames: u32, runs: Vec<Run>) -> Result<Self, BadPlan> {
        let mut end = 0;
        for run in &runs {
            let fits = match &run.kind {
                RunKind::Masked(mask) => mask.len() == run.bytes.len(),
                RunKind::Over | RunKind::In => true,
            };
            if run.at < end || run.bytes.is_empty() || !fits {
                return Err(BadPlan::Overlap { at: at.saturating_add(run.at) });
            }
            end = run.end().ok_or(BadPlan::Overlap { at })?;
        }
        let patch = Self { at, stride, frames, runs };
        let is_apart = frames == 1 || (frames > 1 && end <= stride);
        if patch.runs.is_empty() || !is_apart || patch.end().is_none() {
            return Err(BadPlan::Overlap { at });
        }
        Ok(patch)
    }

    /// What is changed in each frame.
    #[must_use]
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// Where the last change in the last frame ends; `None` past the last possible position.
    pub(super) fn end(&self) -> Option<u64> {
        let before = self.stride.checked_mul(u64::from(self.frames.checked_sub(1)?))?;
        self.at.checked_add(before)?.checked_add(self.runs.last()?.end()?)
    }

    /// How many bytes the data set grows by.
    pub(super) fn growth(&self) -> u64 {
        let grown = self.runs.iter().filter(|run| run.kind == RunKind::In);
        grown.map(|run| run.bytes.len() as u64).sum::<u64>() * u64::from(self.frames)
    }
}
