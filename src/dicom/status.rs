//! DIMSE response statuses (PS3.7 annex C, PS3.4 table B.2-1).

use std::fmt;

/// The Status (0000,0900) of a DIMSE response.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Status(pub u16);

/// What a status means for the one who asked (PS3.7 §C.1 to C.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusClass {
    /// 0000.
    Success,
    /// 0001, 0107, 0116 and Bxxx: done, with a remark.
    Warning,
    /// Axxx, Cxxx, 01xx, 02xx: not done.
    Failure,
    /// FE00.
    Cancel,
    /// FF00, FF01: more responses follow.
    Pending,
}

impl Status {
    /// Done.
    pub const SUCCESS: Self = Self(0x0000);
    /// Processing failure.
    pub const PROCESSING_FAILURE: Self = Self(0x0110);
    /// Duplicate SOP Instance: the peer has it already.
    pub const DUPLICATE_SOP_INSTANCE: Self = Self(0x0111);
    /// No such SOP Instance.
    pub const NO_SUCH_SOP_INSTANCE: Self = Self(0x0112);
    /// An argument with a value that it cannot have.
    pub const INVALID_ARGUMENT_VALUE: Self = Self(0x0115);
    /// The SOP Instance is none of this SOP Class.
    pub const CLASS_INSTANCE_CONFLICT: Self = Self(0x0119);
    /// SOP Class not supported.
    pub const SOP_CLASS_NOT_SUPPORTED: Self = Self(0x0122);
    /// An action that the SOP Class does not have.
    pub const NO_SUCH_ACTION: Self = Self(0x0123);
    /// Not authorized.
    pub const NOT_AUTHORIZED: Self = Self(0x0124);
    /// A Message ID that is still in use.
    pub const DUPLICATE_INVOCATION: Self = Self(0x0210);
    /// An operation that this side does not know.
    pub const UNRECOGNIZED_OPERATION: Self = Self(0x0211);
    /// A mandatory command element is missing or not of its type.
    pub const MISTYPED_ARGUMENT: Self = Self(0x0212);
    /// Resource limitation: the same may be asked again later.
    pub const RESOURCE_LIMITATION: Self = Self(0x0213);
    /// Out of resources: nothing was kept, the object may be sent again.
    pub const OUT_OF_RESOURCES: Self = Self(0xA700);
    /// The data set's SOP Class is not the command's.
    pub const SOP_CLASS_MISMATCH: Self = Self(0xA900);
    /// Stored, with elements that will be coerced.
    pub const COERCION: Self = Self(0xB000);
    /// The data set cannot be understood.
    pub const CANNOT_UNDERSTAND: Self = Self(0xC000);
    /// The data set's SOP Instance UID is not the command's, or is missing (our own code).
    pub const SOP_INSTANCE_MISMATCH: Self = Self(0xC010);

    /// The status's class.
    #[must_use]
    pub fn class(self) -> StatusClass {
        match self.0 {
            0x0000 => StatusClass::Success,
            0x0001 | 0x0107 | 0x0116 | 0xB000..=0xBFFF => StatusClass::Warning,
            0xFE00 => StatusClass::Cancel,
            0xFF00 | 0xFF01 => StatusClass::Pending,
            _ => StatusClass::Failure,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X}", self.0)
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Status({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_follow_the_tables() {
        for (code, want) in [
            (0x0000, StatusClass::Success),
            (0xB007, StatusClass::Warning),
            (0x0107, StatusClass::Warning),
            (0xA700, StatusClass::Failure),
            (0xC123, StatusClass::Failure),
            (0x0111, StatusClass::Failure),
            (0xFE00, StatusClass::Cancel),
            (0xFF00, StatusClass::Pending),
        ] {
            assert_eq!(Status(code).class(), want, "{code:04X}");
        }
    }
}
