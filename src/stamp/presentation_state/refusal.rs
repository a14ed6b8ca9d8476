//! Why a presentation state is not made.

use crate::dicom::Tag;
use crate::object::edit::EditFault;

/// Why no presentation state is made: rendering with it would not equal rendering without, outside the text, or nobody
/// can say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is nothing to refer to.
    #[error("there are no images to refer to")]
    NoImages,
    /// More images than [`MOST_IMAGES`](super::MOST_IMAGES).
    #[error("the series has more images than a presentation state refers to here")]
    TooManyImages,
    /// An attribute that it needs is absent or cannot be read.
    #[error("the image lacks {0}, or it cannot be read")]
    Unreadable(Tag),
    /// A value that would have to be copied is too large to have been kept.
    #[error("the value of {0} is too large to be copied")]
    NotKept(Tag),
    /// Photometric Interpretation is not known.
    #[error("the photometric interpretation is not known")]
    Photometric,
    /// Frames have display settings of their own, in functional groups.
    #[error("the frames of the image have display settings of their own")]
    FunctionalGroups,
    /// Masks are subtracted from frames before they are shown.
    #[error("the image is shown with a mask subtracted")]
    Mask,
    /// The image has curves, which a presentation state cannot show in a way that is still standard.
    #[error("the image has curves")]
    Curves,
    /// A grey image with colours for some of its values.
    #[error("the image has supplemental colours")]
    SupplementalPalette,
    /// Two ways of showing the image, between which viewers choose as they like.
    #[error(
        "{0} and another attribute each say how the image is shown, and viewers differ in which they follow"
    )]
    Ambiguous(Tag),
    /// The shutter is one of the image's overlays.
    #[error("the shutter of the image is an overlay")]
    BitmapShutter,
    /// A presentation state has one of these for all its images, and they differ.
    #[error("the images of the series differ in {0}")]
    Differ(Aspect),
    /// The same SOP Instance UID names images that are shown differently.
    #[error("a SOP Instance UID of the series names two images")]
    TwoVersions,
    /// Neither the name nor the Latin name can be written beside the images' own text.
    #[error("the character set of the images cannot hold the institution's name")]
    NotEncodable,
    /// What would be shown is not the text of the images' mark (MRK-003): a fault of the gate.
    #[error("the text that would be shown is not that of the images' mark")]
    OtherText,
    /// It cannot be written.
    #[error(transparent)]
    Edit(#[from] EditFault),
}

/// What images must have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aspect {
    /// The patient, the study or the series that they are of.
    Origin,
    /// Grey or colour, and what the lowest value is shown as.
    Photometric,
    /// The Modality LUT, or the rescaling.
    ModalityLut,
    /// The shutter.
    Shutter,
    /// The colour profile.
    Profile,
}

impl std::fmt::Display for Aspect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Origin => "the patient, study or series they name",
            Self::Photometric => "photometric interpretation",
            Self::ModalityLut => "the modality LUT",
            Self::Shutter => "the shutter",
            Self::Profile => "the colour profile",
        })
    }
}
