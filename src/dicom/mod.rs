//! DICOM's vocabulary: the names, numbers and character sets that the standard fixes.
//!
//! Pure values and tables. Nothing here reads an object, waits or does I/O.

pub mod ae_title;
pub mod attribute;
pub mod charset;
pub mod photometric;
pub mod sop_class;
pub mod status;
pub mod transfer_syntax;
pub mod uid;

pub use dicom_core::{Tag, VR};
pub use dicom_dictionary_std::tags;

/// What markgate calls itself in associations and file meta information: its Implementation Class UID (PS3.7 §D.3.3.2, PS3.10
/// §7.1), `2.25.` and the decimal form of the UUID f059a184-4be8-4920-a1d0-04ffbb6841be. It stays the same from version to version.
pub const IMPLEMENTATION_CLASS_UID: &str = "2.25.319480109358345240819144085393208000958";
