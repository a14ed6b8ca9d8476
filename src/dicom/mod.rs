//! DICOM's vocabulary: the names, numbers and character sets that the standard fixes.
//!
//! Pure values and tables. Nothing here reads an object, waits or does I/O.

pub mod ae_title;
pub mod attribute;
pub mod charset;
pub mod sop_class;
pub mod status;
pub mod transfer_syntax;
pub mod uid;

pub use dicom_core::{Tag, VR};
pub use dicom_dictionary_std::tags;
