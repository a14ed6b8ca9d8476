//! Why an object cannot be stamped.

use crate::object::edit::EditFault;
use crate::recognition::{NAME_LIMIT, Reason};

use super::StampMode;

/// Why an object cannot be stamped, or not in the mode that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Obstacle {
    /// The mode is not in this version.
    #[error("the mode {mode} is not available in this version")]
    ModeNotAvailable {
        /// The mode.
        mode: StampMode,
    },
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
    /// The reason for no mark that this is.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::NameTooLong { .. } => Reason::NameTooLong,
            Self::NotEncodable => Reason::NotEncodable,
            Self::Signed => Reason::Signed,
            Self::ModeNotAvailable { .. }
            | Self::NoPrivateBlock
            | Self::NameNotKept
            | Self::Edit(_) => Reason::Unchecked,
        }
    }
}
