//! Why it cannot be told how an image is shown.

/// Why it cannot be told how an image is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DisplayFault {
    /// A Photometric Interpretation whose samples are not what is seen.
    #[error("this Photometric Interpretation cannot be drawn on")]
    Photometric,
    /// A LUT whose descriptor and data do not go together (PS3.3 C.11.1.1, C.11.2.1, C.7.6.3.1.5), or that was too large to
    /// be kept while the object was looked at.
    #[error("a lookup table cannot be read")]
    Table,
    /// A palette is missing, or is in segments (PS3.3 C.7.9.2).
    #[error("the color palette is missing or segmented")]
    Palette,
    /// Rescale Slope is zero or no number.
    #[error("Rescale Slope or Intercept is no usable number")]
    Rescale,
    /// The frame is not of the shape that the data set describes.
    #[error("the frame is not of the size and depth that the data set describes")]
    Frame,
}
