//! What a site wants of text in pixels, and what the standard forbids.

use std::sync::Arc;

use dicom_dictionary_std::uids;

use crate::stamp::glyphs::Typeface;
use crate::stamp::layout::LayoutPolicy;

/// `[burn_in]` of the configuration.
#[derive(Debug, Clone)]
pub struct PixelPolicy {
    /// What the text is written in; nothing is drawn without.
    pub typeface: Option<Arc<Typeface>>,
    /// How large it is, and how much of an image it may take.
    pub layout: LayoutPolicy,
    /// Whether it is on every frame, or on the first alone.
    pub every_frame: bool,
    /// Whether an image without a free corner gets the text in rows below it; else it gets the mode after that.
    pub strip: bool,
    /// Modalities whose pixels stay as they are.
    pub kept: Vec<String>,
    /// Whether images FOR PROCESSING may be drawn on.
    pub for_processing: bool,
    /// What becomes of the SOP Instance UID.
    pub uid: UidPolicy,
    /// What Burned In Annotation (0028,0301) says of the text.
    pub annotation: BurnedInAnnotation,
}

impl Default for PixelPolicy {
    fn default() -> Self {
        Self {
            typeface: Typeface::built_in().ok().map(Arc::new),
            layout: LayoutPolicy::default(),
            every_frame: true,
            strip: true,
            kept: ["CT", "MR", "PT", "NM"].map(str::to_owned).to_vec(),
            for_processing: false,
            uid: UidPolicy::Keep,
            annotation: BurnedInAnnotation::Definition,
        }
    }
}

/// What becomes of the SOP Instance UID of an image that is drawn on (PS3.3 C.7.6.1.1.2, C.12.4.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UidPolicy {
    /// It stays: text in a free corner does not affect interpretation. Holds only while no other version of the image goes
    /// under it.
    Keep,
    /// The image becomes a derived one of a new series, which names its source.
    Derive,
}

/// What Burned In Annotation (0028,0301) says (PS3.3 C.7.6.1.1.5: text sufficient to identify the patient and the date).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BurnedInAnnotation {
    /// What it said: the institution and its mark identify no patient.
    Definition,
    /// YES: there is text.
    Yes,
}

/// Whether a SOP class has NO as the only value of Burned In Annotation, so that its pixels bear no text at all.
#[must_use]
pub fn forbids_text(sop_class: &str) -> bool {
    matches!(
        sop_class,
        uids::ENHANCED_CT_IMAGE_STORAGE
            | uids::LEGACY_CONVERTED_ENHANCED_CT_IMAGE_STORAGE
            | uids::ENHANCED_MR_IMAGE_STORAGE
            | uids::ENHANCED_MR_COLOR_IMAGE_STORAGE
            | uids::LEGACY_CONVERTED_ENHANCED_MR_IMAGE_STORAGE
            | uids::ENHANCED_XA_IMAGE_STORAGE
            | uids::ENHANCED_XRF_IMAGE_STORAGE
            | uids::X_RAY3_D_ANGIOGRAPHIC_IMAGE_STORAGE
            | uids::X_RAY3_D_CRANIOFACIAL_IMAGE_STORAGE
            | uids::BREAST_TOMOSYNTHESIS_IMAGE_STORAGE
            | uids::BREAST_PROJECTION_X_RAY_IMAGE_STORAGE_FOR_PRESENTATION
            | uids::ENHANCED_PET_IMAGE_STORAGE
            | uids::LEGACY_CONVERTED_ENHANCED_PET_IMAGE_STORAGE
    )
}
