//! What commitments speak of.

use std::fmt;

use crate::dicom::uid::Uid;

/// A reference to an object, as it stands in an item of a Referenced SOP Sequence (0008,1199).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    /// Referenced SOP Class UID (0008,1150).
    pub sop_class: Uid,
    /// Referenced SOP Instance UID (0008,1155).
    pub sop_instance: Uid,
}

/// Failure Reason (0008,1197), PS3.3 §C.14.1.1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reason(pub u16);

impl Reason {
    /// Processing failure: whatever stands in the way, the object is not where it should be.
    pub const PROCESSING_FAILURE: Self = Self(0x0110);
    /// No such object instance.
    pub const NO_SUCH_OBJECT: Self = Self(0x0112);
    /// The instance is there under another class.
    pub const CLASS_INSTANCE_CONFLICT: Self = Self(0x0119);
    /// Objects of this class are not stored here.
    pub const CLASS_NOT_SUPPORTED: Self = Self(0x0122);
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X}", self.0)
    }
}

impl fmt::Debug for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
