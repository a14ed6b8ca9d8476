//! What a rule is for: groups of SOP classes under the short names that packs use.
//!
//! An object is in the groups of its SOP Class UID (0008,0016), and in `images` when it is an image by its class or has
//! pixels. Whether a rule applies is then a comparison of two sets of bits.

use std::ops::BitOr;

use dicom_dictionary_std::uids;

/// A group of SOP classes. The word of each is what `applies` of a rule lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ClassGroup {
    /// `images`: every image, whatever made it; as `fact.is_image`.
    Images,
    /// `CR`: Computed Radiography.
    Cr,
    /// `DX`: Digital X-Ray, for presentation and for processing.
    Dx,
    /// `XR`: CR and DX.
    Radiography,
    /// `MG`: Digital Mammography X-Ray, for presentation and for processing.
    Mg,
    /// `DBT`: Breast Tomosynthesis, and the Breast Projections it is made from.
    Tomosynthesis,
    /// `PROJ`: projections; CR, DX, MG, XA and RF.
    Projection,
    /// `CT`: CT Image, one slice each.
    Ct,
    /// `ECT`: Enhanced CT.
    EnhancedCt,
    /// `MR`: MR Image, one slice each.
    Mr,
    /// `EMR`: Enhanced MR and Enhanced MR Color.
    EnhancedMr,
    /// `XS`: cross-sections; CT, ECT, MR, EMR, PT, and what was converted to the enhanced classes.
    CrossSection,
    /// `XA`: X-Ray Angiographic and Enhanced XA.
    Xa,
    /// `RF`: X-Ray Radiofluoroscopic and Enhanced XRF.
    Rf,
    /// `US`: Ultrasound, of one frame and of several, the retired classes included.
    Us,
    /// `NM`: Nuclear Medicine, the retired class included.
    Nm,
    /// `PT`: Positron Emission Tomography, Enhanced PET, and what was converted to it.
    Pt,
    /// `SC`: Secondary Capture, of one frame and of several.
    Sc,
    /// `SR`: structured reports, those of radiation dose included; no Key Object Selection.
    Sr,
    /// `RDSR`: reports of radiation dose.
    DoseReport,
    /// `KO`: Key Object Selection.
    KeyObjects,
    /// `PR`: presentation states.
    PresentationState,
    /// `SEG`: segmentations.
    Segmentation,
    /// `REG`: spatial registrations and fiducials.
    Registration,
    /// `RT`: radiotherapy, its images included.
    Radiotherapy,
    /// `WF`: waveforms.
    Waveform,
    /// `DOC`: encapsulated documents.
    Document,
}

use ClassGroup as G;

impl ClassGroup {
    /// Every group with its word.
    pub const WORDS: &[(&str, Self)] = &[
        ("images", G::Images),
        ("CR", G::Cr),
        ("DX", G::Dx),
        ("XR", G::Radiography),
        ("MG", G::Mg),
        ("DBT", G::Tomosynthesis),
        ("PROJ", G::Projection),
        ("CT", G::Ct),
        ("ECT", G::EnhancedCt),
        ("MR", G::Mr),
        ("EMR", G::EnhancedMr),
        ("XS", G::CrossSection),
        ("XA", G::Xa),
        ("RF", G::Rf),
        ("US", G::Us),
        ("NM", G::Nm),
        ("PT", G::Pt),
        ("SC", G::Sc),
        ("SR", G::Sr),
        ("RDSR", G::DoseReport),
        ("KO", G::KeyObjects),
        ("PR", G::PresentationState),
        ("SEG", G::Segmentation),
        ("REG", G::Registration),
        ("RT", G::Radiotherapy),
        ("WF", G::Waveform),
        ("DOC", G::Document),
    ];

    /// Its word in packs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::WORDS.iter().find(|(_, group)| *group == self).map_or("", |(word, _)| word)
    }
}

/// A set of groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ClassGroups(u32);

impl ClassGroups {
    /// The groups that a SOP class is in, `images` left out.
    #[must_use]
    pub fn of_class(uid: &str) -> Self {
        Self::from(groups(uid))
    }

    /// Whether the two have a group in common.
    #[must_use]
    pub fn meet(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether it is a set of none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The groups in it.
    pub fn iter(self) -> impl Iterator<Item = ClassGroup> {
        let all = ClassGroup::WORDS.iter().map(|(_, group)| *group);
        all.filter(move |group| self.meet((*group).into()))
    }
}

impl From<ClassGroup> for ClassGroups {
    fn from(group: ClassGroup) -> Self {
        Self(1 << group as u32)
    }
}

impl From<&[ClassGroup]> for ClassGroups {
    fn from(groups: &[ClassGroup]) -> Self {
        groups.iter().fold(Self::default(), |all, group| all | (*group).into())
    }
}

impl BitOr for ClassGroups {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Under this root are the storage classes of PS3.4 annex B whose numbers tell what they are.
const ROOT: &str = "1.2.840.10008.5.1.4.1.1.";

/// Retired classes that old modalities still send.
const US_RETIRED: &str = "1.2.840.10008.5.1.4.1.1.6";
const US_MULTI_FRAME_RETIRED: &str = "1.2.840.10008.5.1.4.1.1.3";
const NM_RETIRED: &str = "1.2.840.10008.5.1.4.1.1.5";

fn groups(uid: &str) -> &'static [ClassGroup] {
    match uid {
        uids::COMPUTED_RADIOGRAPHY_IMAGE_STORAGE => &[G::Cr, G::Radiography, G::Projection],
        uids::DIGITAL_X_RAY_IMAGE_STORAGE_FOR_PRESENTATION
        | uids::DIGITAL_X_RAY_IMAGE_STORAGE_FOR_PROCESSING => {
            &[G::Dx, G::Radiography, G::Projection]
        }
        uids::DIGITAL_MAMMOGRAPHY_X_RAY_IMAGE_STORAGE_FOR_PRESENTATION
        | uids::DIGITAL_MAMMOGRAPHY_X_RAY_IMAGE_STORAGE_FOR_PROCESSING => &[G::Mg, G::Projection],
        uids::BREAST_TOMOSYNTHESIS_IMAGE_STORAGE
        | uids::BREAST_PROJECTION_X_RAY_IMAGE_STORAGE_FOR_PRESENTATION
        | uids::BREAST_PROJECTION_X_RAY_IMAGE_STORAGE_FOR_PROCESSING => &[G::Tomosynthesis],
        uids::CT_IMAGE_STORAGE => &[G::Ct, G::CrossSection],
        uids::ENHANCED_CT_IMAGE_STORAGE => &[G::EnhancedCt, G::CrossSection],
        uids::MR_IMAGE_STORAGE => &[G::Mr, G::CrossSection],
        uids::ENHANCED_MR_IMAGE_STORAGE | uids::ENHANCED_MR_COLOR_IMAGE_STORAGE => {
            &[G::EnhancedMr, G::CrossSection]
        }
        uids::LEGACY_CONVERTED_ENHANCED_CT_IMAGE_STORAGE
        | uids::LEGACY_CONVERTED_ENHANCED_MR_IMAGE_STORAGE => &[G::CrossSection],
        uids::POSITRON_EMISSION_TOMOGRAPHY_IMAGE_STORAGE
        | uids::ENHANCED_PET_IMAGE_STORAGE
        | uids::LEGACY_CONVERTED_ENHANCED_PET_IMAGE_STORAGE => &[G::Pt, G::CrossSection],
        uids::X_RAY_ANGIOGRAPHIC_IMAGE_STORAGE | uids::ENHANCED_XA_IMAGE_STORAGE => {
            &[G::Xa, G::Projection]
        }
        uids::X_RAY_RADIOFLUOROSCOPIC_IMAGE_STORAGE | uids::ENHANCED_XRF_IMAGE_STORAGE => {
            &[G::Rf, G::Projection]
        }
        uids::ULTRASOUND_IMAGE_STORAGE
        | uids::ULTRASOUND_MULTI_FRAME_IMAGE_STORAGE
        | US_RETIRED
        | US_MULTI_FRAME_RETIRED => &[G::Us],
        uids::NUCLEAR_MEDICINE_IMAGE_STORAGE | NM_RETIRED => &[G::Nm],
        uids::SECONDARY_CAPTURE_IMAGE_STORAGE
        | uids::MULTI_FRAME_SINGLE_BIT_SECONDARY_CAPTURE_IMAGE_STORAGE
        | uids::MULTI_FRAME_GRAYSCALE_BYTE_SECONDARY_CAPTURE_IMAGE_STORAGE
        | uids::MULTI_FRAME_GRAYSCALE_WORD_SECONDARY_CAPTURE_IMAGE_STORAGE
        | uids::MULTI_FRAME_TRUE_COLOR_SECONDARY_CAPTURE_IMAGE_STORAGE => &[G::Sc],
        uids::KEY_OBJECT_SELECTION_DOCUMENT_STORAGE => &[G::KeyObjects],
        uids::X_RAY_RADIATION_DOSE_SR_STORAGE
        | uids::RADIOPHARMACEUTICAL_RADIATION_DOSE_SR_STORAGE
        | uids::PATIENT_RADIATION_DOSE_SR_STORAGE
        | uids::ENHANCED_X_RAY_RADIATION_DOSE_SR_STORAGE => &[G::Sr, G::DoseReport],
        uids::SEGMENTATION_STORAGE
        | uids::SURFACE_SEGMENTATION_STORAGE
        | uids::LABEL_MAP_SEGMENTATION_STORAGE
        | uids::HEIGHT_MAP_SEGMENTATION_STORAGE => &[G::Segmentation],
        uids::SPATIAL_REGISTRATION_STORAGE
        | uids::SPATIAL_FIDUCIALS_STORAGE
        | uids::DEFORMABLE_SPATIAL_REGISTRATION_STORAGE => &[G::Registration],
        _ => by_number(uid),
    }
}

/// Of services that number their classes under one node, those that are here today and those to come.
fn by_number(uid: &str) -> &'static [ClassGroup] {
    let node = uid.strip_prefix(ROOT).and_then(|rest| rest.split_once('.'));
    match node.map(|(node, _)| node) {
        Some("9") => &[G::Waveform],
        Some("11") => &[G::PresentationState],
        Some("88") => &[G::Sr],
        Some("104") => &[G::Document],
        Some("481") => &[G::Radiotherapy],
        Some(_) | None => &[],
    }
}
