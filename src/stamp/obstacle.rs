//! Why an object cannot be stamped.

use crate::codec::CodecFault;
use crate::dicom::Tag;
use crate::object::edit::EditFault;
use crate::object::frames::FrameFault;
use crate::recognition::{NAME_LIMIT, Reason};

use super::display::DisplayFault;

/// Why an object cannot be stamped, or not in the mode that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Obstacle {
    /// There are no pixels, or nobody is at hand who could read them.
    #[error("there are no pixels to be marked")]
    NoPixels,
    /// The transfer syntax, or this kind of pixels in it, cannot be decoded here.
    #[error("pixels of this kind cannot be decoded")]
    NotDecodable,
    /// The pixels were compressed with loss, and coding them again would lose more.
    #[error("the pixels are compressed with loss, and are not compressed again")]
    Lossy,
    /// An element that describes the pixels is missing or contradicts others.
    #[error("({:04X},{:04X}) is missing, or contradicts the other elements", .0.group(), .0.element())]
    Contradiction(Tag),
    /// The fragments of the pixels cannot be told apart.
    #[error(transparent)]
    Frames(#[from] FrameFault),
    /// A codec could not do it.
    #[error(transparent)]
    Codec(#[from] CodecFault),
    /// More frames than are touched one by one.
    #[error("the object has too many frames to be marked one by one")]
    TooManyFrames,
    /// The object's bytes cannot be read, or there is no room for what is made of them.
    #[error("the pixels cannot be read, or there is no room to change them")]
    NotReadable,
    /// The image cannot hold the text legibly.
    #[error("the image is too small for the text")]
    TooSmall,
    /// Text in any corner would cover something.
    #[error("no corner of the image is free")]
    NoSafeCorner,
    /// The SOP class forbids text in the pixels (PS3.3, Burned In Annotation with NO as the only value).
    #[error("the SOP class forbids text in the pixels")]
    ClassForbids,
    /// The site keeps the pixels of this modality, or of images for processing, as they are.
    #[error("the pixels of such images are kept as they are")]
    KeptAsTheyAre,
    /// Another version of the object went out under its SOP Instance UID, or may go out.
    #[error("another version of the object goes under its SOP Instance UID")]
    OtherVersion,
    /// With a presentation state the image might be shown otherwise than without.
    #[error("a presentation state might show the image otherwise than it is shown without")]
    NotShownAlike,
    /// How the image is shown cannot be told.
    #[error(transparent)]
    Display(#[from] DisplayFault),
    /// Letters in the image's values do not stand out at one of the usual windows.
    #[error("text in the image's values cannot be read at each of its windows")]
    Illegible,
    /// All overlay groups are taken.
    #[error("no overlay group is free")]
    NoOverlayGroup,
    /// The typeface lacks a character of the text.
    #[error("the typeface lacks a character of the text")]
    NoGlyph,
    /// Neither the name nor the short name fits with the mark.
    #[error(
        "the institution's name with the mark has {characters} characters, at most {NAME_LIMIT} fit"
    )]
    NameTooLong {
        /// The length of the shorter of the two with the mark.
        characters: usize,
    },
    /// The declared character set cannot hold the name, may not be changed, and there is no Latin name.
    #[error("the object's character set cannot hold the institution's name")]
    NotEncodable,
    /// The object is digitally signed.
    #[error("the object is digitally signed")]
    Signed,
    /// All 240 blocks of the private group are taken.
    #[error("no private block is free")]
    NoPrivateBlock,
    /// A value that must be kept is too large.
    #[error("Institution Name is too large to be recorded")]
    NameNotKept,
    /// The object cannot be changed safely.
    #[error(transparent)]
    Edit(#[from] EditFault),
}

impl Obstacle {
    /// The word for it in records and counters.
    #[must_use]
    pub fn as_code(&self) -> &'static str {
        match self {
            Self::NoPixels => "NO_PIXELS",
            Self::NotDecodable => "NOT_DECODABLE",
            Self::Lossy => "LOSSY",
            Self::Contradiction(_) => "CONTRADICTION",
            Self::Frames(_) => "FRAMES",
            Self::Codec(fault) => match fault {
                CodecFault::Crashed => "CODEC_CRASHED",
                CodecFault::TimedOut => "CODEC_TIMED_OUT",
                CodecFault::Unavailable => "CODEC_UNAVAILABLE",
                CodecFault::Unsupported
                | CodecFault::TooLarge
                | CodecFault::Malformed(_)
                | CodecFault::Mismatch
                | CodecFault::BadTile
                | CodecFault::NotExact => "CODEC",
            },
            Self::TooManyFrames => "TOO_MANY_FRAMES",
            Self::NotReadable => "NOT_READABLE",
            Self::TooSmall => "TOO_SMALL",
            Self::NoSafeCorner => "NO_SAFE_CORNER",
            Self::ClassForbids => "CLASS_FORBIDS",
            Self::KeptAsTheyAre => "KEPT_AS_THEY_ARE",
            Self::OtherVersion => "OTHER_VERSION",
            Self::NotShownAlike => "NOT_SHOWN_ALIKE",
            Self::Display(_) => "DISPLAY",
            Self::Illegible => "ILLEGIBLE",
            Self::NoOverlayGroup => "NO_OVERLAY_GROUP",
            Self::NoGlyph => "NO_GLYPH",
            Self::NameTooLong { .. } => "NAME_TOO_LONG",
            Self::NotEncodable => "NOT_ENCODABLE",
            Self::Signed => "SIGNED",
            Self::NoPrivateBlock => "NO_PRIVATE_BLOCK",
            Self::NameNotKept => "NAME_NOT_KEPT",
            Self::Edit(_) => "EDIT",
        }
    }

    /// The reason for no mark that this is.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::NameTooLong { .. } => Reason::NameTooLong,
            Self::NotEncodable => Reason::NotEncodable,
            Self::Signed => Reason::Signed,
            Self::NoPrivateBlock
            | Self::NameNotKept
            | Self::Edit(_)
            | Self::NoPixels
            | Self::NotDecodable
            | Self::Lossy
            | Self::Contradiction(_)
            | Self::Frames(_)
            | Self::Codec(_)
            | Self::TooManyFrames
            | Self::NotReadable
            | Self::TooSmall
            | Self::NoSafeCorner
            | Self::ClassForbids
            | Self::KeptAsTheyAre
            | Self::OtherVersion
            | Self::NotShownAlike
            | Self::Display(_)
            | Self::Illegible
            | Self::NoOverlayGroup
            | Self::NoGlyph => Reason::Unchecked,
        }
    }
}
