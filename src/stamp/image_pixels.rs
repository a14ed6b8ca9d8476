//! The pixels of an object as rules look at them: read and decoded as a stamp does, and the first frame of both is one.

use std::cell::{OnceCell, RefCell};
use std::time::Duration;

use crate::codec::{Decoded, FrameShape};
use crate::object::HeaderView;
use crate::standard::pixels::{PixelFault, PixelSource, See, Strip};

use super::Obstacle;
use super::pixels::has_embedded_overlay;
use super::raster::{Raster, Seen, Workshop};

/// The pixels of an object that was walked to its end.
pub struct ImagePixels<'a> {
    view: &'a HeaderView,
    transfer_syntax: &'a str,
    workshop: &'a dyn Workshop,
    raster: OnceCell<Result<Raster, Obstacle>>,
    /// Which frame was decoded last, and what came of it: it may be asked for again.
    decoded: RefCell<Option<(u32, Seen)>>,
    /// Where rows are read to.
    buffer: RefCell<Vec<u8>>,
}

impl<'a> ImagePixels<'a> {
    /// Of an object in this transfer syntax. Nothing is read before it is asked for.
    #[must_use]
    pub fn new(view: &'a HeaderView, transfer_syntax: &'a str, workshop: &'a dyn Workshop) -> Self {
        Self {
            view,
            transfer_syntax,
            workshop,
            raster: OnceCell::new(),
            decoded: RefCell::default(),
            buffer: RefCell::default(),
        }
    }

    fn raster(&self) -> Result<&Raster, PixelFault> {
        let of = || Raster::of(self.view, self.transfer_syntax, self.workshop);
        self.raster.get_or_init(of).as_ref().map_err(|obstacle| fault(*obstacle))
    }

    /// Bits that an overlay has are no strays.
    fn strays(&self, found: bool) -> Option<bool> {
        Some(found).filter(|found| !found || !has_embedded_overlay(self.view))
    }

    fn decoded(&self, index: u32) -> Result<Seen, PixelFault> {
        let mut decoded = self.decoded.borrow_mut();
        match &*decoded {
            Some((last, seen)) if *last == index => Ok(seen.clone()),
            Some(_) | None => {
                // The last one makes room before the next is made.
                *decoded = None;
                let seen = self.raster()?.kept(index, self.workshop).map_err(fault)?;
                *decoded = Some((index, seen.clone()));
                Ok(seen)
            }
        }
    }
}

impl PixelSource for ImagePixels<'_> {
    fn shape(&self) -> Result<FrameShape, PixelFault> {
        Ok(self.raster()?.shape)
    }

    fn frames(&self) -> Result<u32, PixelFault> {
        Ok(self.raster()?.frames)
    }

    fn look(&self, index: u32, see: See<'_>) -> Result<(), PixelFault> {
        let mut strip = |decoded: &Decoded, stray_bits| {
            let Decoded { colour, sample_bytes, ref samples } = *decoded;
            see(&Strip { colour, sample_bytes, samples, stray_bits })
        };
        let Some(rows) = self.raster()?.rows(index, self.workshop) else {
            let seen = self.decoded(index)?;
            let stray_bits = seen.stray_bits.and_then(|found| self.strays(found));
            return strip(&seen.decoded, stray_bits);
        };
        rows.each(&mut self.buffer.borrow_mut(), |rows| {
            // Of all rows it is known with the last.
            let stray_bits = rows.is_last.then_some(rows.stray_bits);
            strip(rows.decoded, stray_bits.and_then(|found| self.strays(found)))
        })
    }

    fn spent(&self) -> Duration {
        self.workshop.spent()
    }
}

impl From<Obstacle> for PixelFault {
    fn from(obstacle: Obstacle) -> Self {
        fault(obstacle)
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
