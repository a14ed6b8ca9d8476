//! Where pixels come from, and why they may not be had.

use std::time::Duration;

use crate::codec::{CodecFault, Colour, FrameShape};

/// Whoever reads and decodes the frames of one object. It has its own clock; rules have none.
pub trait PixelSource {
    /// What its frames are.
    ///
    /// # Errors
    /// See [`PixelFault`].
    fn shape(&self) -> Result<FrameShape, PixelFault>;

    /// Number of frames, at least 1.
    ///
    /// # Errors
    /// See [`PixelFault`].
    fn frames(&self) -> Result<u32, PixelFault>;

    /// Shows the frame `index`, from 0, strip by strip, from its first row to its last: as many rows at a time as are at hand
    /// without copying more than that. The same frame may be asked for again at once.
    ///
    /// # Errors
    /// See [`PixelFault`]; the first that `see` meets ends it.
    fn look(&self, index: u32, see: See<'_>) -> Result<(), PixelFault>;

    /// How long reading and decoding, and what was done between, have taken so far.
    fn spent(&self) -> Duration;
}

/// Who sees the strips of a frame.
pub type See<'a> = &'a mut dyn FnMut(&Strip<'_>) -> Result<(), PixelFault>;

/// Whole rows of a frame.
#[derive(Clone, Copy)]
pub struct Strip<'a> {
    /// What the samples of a pixel are.
    pub colour: Colour,
    /// Bytes a sample: 1, 2 or 4.
    pub sample_bytes: u8,
    /// As those of [`Decoded`](crate::codec::Decoded).
    pub samples: &'a [u8],
    /// Whether native samples have bits set beside the stored ones that neither repeat the sign nor belong to an overlay.
    /// `None` of coded frames, and where an overlay lives there.
    pub stray_bits: Option<bool>,
}

impl std::fmt::Debug for Strip<'_> {
    // Pixels are patient data.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}, {} bytes", self.colour, self.samples.len())
    }
}

/// Why pixels were not looked at, or not at all of those that were to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PixelFault {
    /// Nobody is at hand who could read them.
    #[error("pixels are not looked at here")]
    NotLookedAt,
    /// The object has none, or none of whole numbers.
    #[error("there are no pixels that could be looked at")]
    NoPixels,
    /// The transfer syntax, or this kind of pixels in it, cannot be decoded here.
    #[error("pixels of this kind cannot be decoded")]
    Unsupported,
    /// The elements that describe the pixels contradict each other or Pixel Data.
    #[error("the elements that describe the pixels contradict each other")]
    Contradiction,
    /// The object's bytes cannot be read.
    #[error("the pixels cannot be read")]
    Unreadable,
    /// A codec could not do it.
    #[error(transparent)]
    Codec(CodecFault),
    /// It took longer, or would take more memory, than a site allows.
    #[error("looking at the pixels would take more time or memory than is allowed")]
    OverBudget,
}

impl PixelFault {
    /// Whether the fault is the codestream's own: it is damaged, or is another image than the data set says.
    #[must_use]
    pub fn is_damage(self) -> bool {
        match self {
            Self::Codec(CodecFault::Malformed(_) | CodecFault::Mismatch) => true,
            Self::Codec(
                CodecFault::Unsupported
                | CodecFault::TooLarge
                | CodecFault::BadTile
                | CodecFault::NotExact
                | CodecFault::Crashed
                | CodecFault::TimedOut
                | CodecFault::Unavailable,
            )
            | Self::NotLookedAt
            | Self::NoPixels
            | Self::Unsupported
            | Self::Contradiction
            | Self::Unreadable
            | Self::OverBudget => false,
        }
    }
}

impl From<CodecFault> for PixelFault {
    fn from(fault: CodecFault) -> Self {
        match fault {
            CodecFault::TooLarge => Self::OverBudget,
            CodecFault::Unsupported => Self::Unsupported,
            CodecFault::Malformed(_)
            | CodecFault::Mismatch
            | CodecFault::BadTile
            | CodecFault::NotExact
            | CodecFault::Crashed
            | CodecFault::TimedOut
            | CodecFault::Unavailable => Self::Codec(fault),
        }
    }
}

/// How much is looked at: parameters `pixel_time_budget`, `pixel_memory_budget` and `pixel_frame_step` of a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Looking {
    /// How long it may take. Checked every few rows: what was begun and not finished by then is not told of.
    pub time: Duration,
    /// Bytes that a decoded frame may have.
    pub memory: u64,
    /// Of a multi-frame image the first, the middle and the last frame are looked at, and every so many; at least 1.
    pub step: u32,
}

impl Default for Looking {
    fn default() -> Self {
        Self { time: Duration::from_millis(200), memory: 160 << 20, step: 10 }
    }
}

impl Looking {
    /// Frames of one object that are ever looked at, however long its loop and however much time there is.
    const MOST: usize = 256;

    /// The frames to look at, of so many, each once; those that tell most come first, should the time not last.
    pub(super) fn frames(&self, count: u32) -> Vec<u32> {
        let last = count.saturating_sub(1);
        let mut frames = vec![0];
        let regular = (0..count).step_by(self.step.max(1) as usize).take(Self::MOST);
        for frame in [last / 2, last].into_iter().chain(regular) {
            if !frames.contains(&frame) {
                frames.push(frame);
            }
        }
        frames
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_the_middle_the_last_and_every_tenth_are_looked_at() {
        let check = |step, count, want: &[u32]| {
            let looking = Looking { step, ..Looking::default() };
            assert_eq!(looking.frames(count), want, "{count} by {step}");
        };
        check(10, 1, &[0]);
        check(10, 2, &[0, 1]);
        check(10, 3, &[0, 1, 2]);
        check(10, 16, &[0, 7, 15, 10]);
        check(10, 31, &[0, 15, 30, 10, 20]);
        check(0, 4, &[0, 1, 3, 2]);
        let many = Looking { step: 1, ..Looking::default() }.frames(u32::MAX);
        assert!(many.len() <= Looking::MOST + 2 && many.contains(&(u32::MAX - 1)));
    }

    #[test]
    fn only_what_the_codestream_itself_has_is_damage() {
        let damage = [CodecFault::Malformed("cut short"), CodecFault::Mismatch];
        assert!(damage.into_iter().map(PixelFault::from).all(PixelFault::is_damage));
        let others = [
            CodecFault::Unsupported,
            CodecFault::TooLarge,
            CodecFault::Crashed,
            CodecFault::TimedOut,
            CodecFault::Unavailable,
        ];
        assert!(!others.into_iter().map(PixelFault::from).any(PixelFault::is_damage));
        assert_eq!(PixelFault::from(CodecFault::TooLarge), PixelFault::OverBudget);
    }
}
