//! From stored values to what is seen, and back: the display pipeline of one image (PS3.4 N.2).
//!
//! Modality LUT, VOI LUT and polarity of a monochrome image, the tables of a palette, the luminance of colours. What
//! cannot be told for certain is a [`DisplayFault`] and never a guess: a stamp in the wrong shades would not be read.

mod fault;
mod grey;
mod luminance;
mod palette;
mod read;
mod render;
mod shades;
mod table;
#[cfg(test)]
mod tests;
mod window;

use crate::codec::{Colour, Decoded, FrameShape};
use crate::dicom::photometric::Photometric;
use crate::object::HeaderView;
use crate::standard::pixels::{is_hounsfield, padding};

pub use fault::DisplayFault;
use grey::Grey;
pub use luminance::Luminance;
use palette::Palette;
pub use render::Picture;
pub use shades::{STEPS, Shades};
pub use window::{Curve, Window};

/// How the frames of one image are shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Display {
    shape: FrameShape,
    pipeline: Pipeline,
    /// The stored values that mean "no pixel here" (Pixel Padding Value and Range Limit, PS3.3 C.7.5.1.1.2), lowest and
    /// highest.
    padding: Option<(i64, i64)>,
    /// Whether values are Hounsfield units, for which the usual windows are known.
    hounsfield: bool,
}

#[derive(Debug, Clone, PartialEq)]
enum Pipeline {
    Grey(Grey),
    Palette(Palette),
    Colour,
}

impl Display {
    /// How frame `frame` (from 0) of an image is shown at first: at the first window that the data set has for it, with its
    /// polarity. Where there is neither window nor VOI LUT, at the whole range of stored values until it is
    /// [`fitted`](Self::fitted).
    ///
    /// # Errors
    /// See [`DisplayFault`].
    pub fn of(view: &HeaderView, shape: FrameShape, frame: u32) -> Result<Self, DisplayFault> {
        let (pipeline, padding) = match shape.photometric {
            Photometric::Monochrome1 | Photometric::Monochrome2 => {
                let grey = read::grey(view, &shape, frame)?;
                (Pipeline::Grey(grey), padding(view, &shape))
            }
            Photometric::PaletteColor => (Pipeline::Palette(read::palette(view)?), None),
            Photometric::Rgb
            | Photometric::YbrFull
            | Photometric::YbrFull422
            | Photometric::YbrIct
            | Photometric::YbrRct => (Pipeline::Colour, None),
            Photometric::YbrPartial420 | Photometric::Xyb => {
                return Err(DisplayFault::Photometric);
            }
        };
        let hounsfield = is_hounsfield(view);
        Ok(Self { shape, pipeline, padding, hounsfield })
    }

    /// The same, with the window that a viewer chooses for a frame without one: from its least to its greatest value,
    /// padding left out. Nothing changes where the data set has a window or a VOI LUT.
    #[must_use]
    pub fn fitted(mut self, frame: &Decoded) -> Self {
        if let Pipeline::Grey(grey) = &mut self.pipeline
            && grey.is_without_window()
        {
            let values = luminance::Samples::new(&self.shape, frame, self.padding);
            if let Some((low, high)) = values.range() {
                grey.fit(low, high);
            }
        }
        self
    }

    /// The same at another window, in the values that the Modality LUT gives. Palettes and colours have none.
    #[must_use]
    pub fn with_window(mut self, window: Window) -> Self {
        if let Pipeline::Grey(grey) = &mut self.pipeline {
            grey.set_window(window);
        }
        self
    }

    /// The same for an image of another size.
    #[must_use]
    pub(in crate::stamp) fn with_shape(self, shape: FrameShape) -> Self {
        Self { shape, ..self }
    }

    /// What the frames of this image are.
    #[must_use]
    pub fn shape(&self) -> FrameShape {
        self.shape
    }

    /// The displays that the image's text must be read at: as it is shown at first, and at the narrowest and the widest of
    /// the windows that are usual for it. Of CT those are lung (-600, 1500), bone (400, 1800), soft tissue (40, 400) and
    /// brain (40, 80), of any other image half and double the width that it comes with.
    #[must_use]
    pub fn presets(&self) -> Vec<Self> {
        let mut displays = vec![self.clone()];
        if let Pipeline::Grey(grey) = &self.pipeline {
            let windows = grey.presets(self.hounsfield);
            displays.extend(windows.into_iter().map(|window| self.clone().with_window(window)));
        }
        displays
    }

    /// A frame of it in grey levels.
    ///
    /// # Errors
    /// [`DisplayFault::Frame`] when it is not of this image's shape.
    pub fn luminance<'a>(&self, frame: &'a Decoded) -> Result<Luminance<'a>, DisplayFault> {
        self.check(frame)?;
        Ok(Luminance::new(self, frame))
    }

    /// A frame as one looks for what is in it rather than at what it is shown for: nothing dark is cut off. CT from air to
    /// bone, any other grey image from its least value to where its brightest twentieth begins, the rest as it is shown.
    ///
    /// # Errors
    /// As [`luminance`](Self::luminance).
    pub fn survey<'a>(&self, frame: &'a Decoded) -> Result<Luminance<'a>, DisplayFault> {
        self.check(frame)?;
        let mut display = self.clone();
        if let Pipeline::Grey(grey) = &mut display.pipeline {
            if self.hounsfield {
                grey.set_window(window::AIR_TO_BONE);
            } else {
                let samples = luminance::Samples::new(&self.shape, frame, self.padding);
                if let Some((low, high)) = samples.surveyed_range(grey.is_falling()) {
                    grey.fit(low, high);
                }
            }
        }
        Ok(Luminance::new(&display, frame))
    }

    fn check(&self, frame: &Decoded) -> Result<(), DisplayFault> {
        let bytes = self.shape.decoded_bytes().map_err(|_| DisplayFault::Frame)?;
        let single = frame.colour == Colour::Single;
        let fits = frame.samples.len() == bytes
            && usize::from(frame.sample_bytes) == self.shape.sample_bytes()
            && single == (self.shape.samples() == 1);
        if fits { Ok(()) } else { Err(DisplayFault::Frame) }
    }

    /// The luminance that a stored value is shown with, 0 black to 1 white: of a monochrome image its value, of a palette its
    /// index, of colours that of a neutral pixel.
    #[must_use]
    pub fn shown(&self, stored: i64) -> f32 {
        match &self.pipeline {
            Pipeline::Grey(grey) => grey.shown(stored) as f32,
            Pipeline::Palette(palette) => f32::from(palette.level(stored)) / 255.0,
            Pipeline::Colour => {
                let (low, high) = self.shape.range();
                ((stored - low) as f64 / (high - low).max(1) as f64) as f32
            }
        }
    }

    fn is_padding(&self, stored: i64) -> bool {
        self.padding.is_some_and(|(low, high)| (low..=high).contains(&stored))
    }
}
