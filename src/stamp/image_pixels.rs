//! The pixels of an object as rules look at them: read and decoded as a stamp does, and the first frame of both is one.

use std::cell::OnceCell;
use std::time::Duration;

use crate::codec::FrameShape;
use crate::object::HeaderView;
use crate::standard::pixels::{LookedAt, PixelFault, PixelSource};

use super::Obstacle;
use super::pixels::has_embedded_overlay;
use super::raster::{Raster, Workshop};

/// The pixels of an object that was walked to its end.
pub struct ImagePixels<'a> {
    view: &'a HeaderView,
    transfer_syntax: &'a str,
    workshop: &'a dyn Workshop,
    raster: OnceCell<Result<Raster, Obstacle>>,
}

impl<'a> ImagePixels<'a> {
    /// Of an object in this transfer syntax. Nothing is read before it is asked for.
    #[must_use]
    pub fn new(view: &'a HeaderView, transfer_syntax: &'a str, workshop: &'a dyn Workshop) -> Self {
        Self { view, transfer_syntax, workshop, raster: OnceCell::new() }
    }

    fn raster(&self) -> Result<&Raster, PixelFault> {
        let of = || Raster::of(self.view, self.transfer_syntax, self.workshop);
        self.raster.get_or_init(of).as_ref().map_err(|obstacle| fault(*obstacle))
    }
}

impl PixelSource for ImagePixels<'_> {
    fn shape(&self) -> Result<FrameShape, PixelFault> {
        Ok(self.raster()?.shape)
    }

    fn frames(&self) -> Result<u32, PixelFault> {
        Ok(self.raster()?.frames)
    }

    fn frame(&self, index: u32) -> Result<LookedAt, PixelFault> {
        let seen = self.raster()?.kept(index, self.workshop).map_err(fault)?;
        let is_overlay = || has_embedded_overlay(self.view);
        let stray_bits = seen.stray_bits.filter(|stray| !stray || !is_overlay());
        Ok(LookedAt { decoded: seen.decoded, stray_bits })
    }

    fn spent(&self) -> Duration {
        self.workshop.spent()
    }
}

/// Why rules cannot look, where a stamp could not be drawn.
fn fault(obstacle: Obstacle) -> PixelFault {
    match obstacle {
        Obstacle::NoPixels => PixelFault::NoPixels,
        Obstacle::Contradiction(_) | Obstacle::Frames(_) => PixelFault::Contradiction,
        Obstacle::Codec(fault) => fault.into(),
        Obstacle::TooManyFrames => PixelFault::OverBudget,
        Obstacle::NotReadable => PixelFault::Unreadable,
        // What pixels are cannot be met by the rest of these, which are about drawing.
        Obstacle::NotDecodable
        | Obstacle::Lossy
        | Obstacle::TooSmall
        | Obstacle::NoSafeCorner
        | Obstacle::ClassForbids
        | Obstacle::KeptAsTheyAre
        | Obstacle::OtherVersion
        | Obstacle::NotShownAlike
        | Obstacle::Display(_)
        | Obstacle::Illegible
        | Obstacle::NoOverlayGroup
        | Obstacle::NoGlyph
        | Obstacle::NameTooLong { .. }
        | Obstacle::NotEncodable
        | Obstacle::Signed
        | Obstacle::NoPrivateBlock
        | Obstacle::NameNotKept
        | Obstacle::Edit(_) => PixelFault::Unsupported,
    }
}
