//! The kinds of phantoms: which modules of PS3.3 each consists of, and what they say.

mod common;
mod ct;
mod groups;
mod mr;
mod nuclear;
mod report;
mod scene;
mod screen;
mod tomosynthesis;
mod xray;

use dicom_dictionary_std::uids;

use super::data_set::DataSet;
use super::identity::Words;
use super::pixels::Pixels;
use super::specimen::Specimen;

/// What a phantom is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A slice of a chest CT.
    Ct,
    /// Three or more slices of a chest CT in one Enhanced CT object.
    EnhancedCt,
    /// A chest radiograph, posterior-anterior, for presentation.
    Dx,
    /// The same for processing, which may never bear a mark.
    DxForProcessing,
    /// A chest radiograph on a storage phosphor plate.
    Cr,
    /// A mammogram, right, mediolateral oblique.
    Mg,
    /// Slices of the same breast from a tomosynthesis.
    Dbt,
    /// An axial slice of a head MR, T2 weighted.
    Mr,
    /// Three or more slices of a head MR in one Enhanced MR object.
    EnhancedMr,
    /// A picture of a liver.
    Us,
    /// A run of them.
    UsMultiFrame,
    /// A run of an angiography, for as many frames as are wanted.
    Xa,
    /// A run of a fluoroscopy of the stomach.
    Rf,
    /// Bones seen by two detectors of a gamma camera.
    Nm,
    /// A slice of a PET.
    Pt,
    /// A captured screen, in colour.
    SecondaryCapture,
    /// A radiation dose report of a CT, the smallest that is one.
    DoseReport,
}

/// What distinguishes kinds in the modules that all have.
#[derive(Debug, Clone, Copy)]
struct Facts {
    sop_class: &'static str,
    word: &'static str,
    modality: &'static str,
    /// Rows, columns, frames.
    size: (u16, u16, u32),
    body_part: Option<&'static str>,
    study: Words,
    series: Words,
    manufacturer: &'static str,
    model: &'static str,
    station: &'static str,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 17] = [
        Self::Ct,
        Self::EnhancedCt,
        Self::Dx,
        Self::DxForProcessing,
        Self::Cr,
        Self::Mg,
        Self::Dbt,
        Self::Mr,
        Self::EnhancedMr,
        Self::Us,
        Self::UsMultiFrame,
        Self::Xa,
        Self::Rf,
        Self::Nm,
        Self::Pt,
        Self::SecondaryCapture,
        Self::DoseReport,
    ];

    /// The SOP class's UID.
    #[must_use]
    pub fn sop_class(self) -> &'static str {
        self.facts().sop_class
    }

    /// The value of Modality (0008,0060).
    #[must_use]
    pub fn modality(self) -> &'static str {
        self.facts().modality
    }

    /// Whether it may have several frames.
    #[must_use]
    pub fn is_multi_frame(self) -> bool {
        match self {
            Self::EnhancedCt
            | Self::EnhancedMr
            | Self::UsMultiFrame
            | Self::Dbt
            | Self::Xa
            | Self::Rf
            | Self::Nm => true,
            Self::Ct
            | Self::Dx
            | Self::DxForProcessing
            | Self::Cr
            | Self::Mg
            | Self::Mr
            | Self::Us
            | Self::Pt
            | Self::SecondaryCapture
            | Self::DoseReport => false,
        }
    }

    pub(super) fn usual_size(self) -> (u16, u16, u32) {
        self.facts().size
    }

    /// A word that tells the kinds apart, part of what UIDs derive from.
    pub(super) fn word(self) -> &'static str {
        self.facts().word
    }

    /// Writes the kind's elements, and says what its pixels are.
    pub(super) fn fill(self, specimen: &Specimen, set: &mut DataSet) -> Option<Pixels> {
        common::fill(specimen, &self.facts(), set);
        match self {
            Self::Ct => Some(ct::slice(specimen, set)),
            Self::EnhancedCt => Some(ct::enhanced(specimen, set)),
            Self::Dx => Some(xray::dx(specimen, true, set)),
            Self::DxForProcessing => Some(xray::dx(specimen, false, set)),
            Self::Cr => Some(xray::cr(specimen, set)),
            Self::Mg => Some(xray::mg(specimen, set)),
            Self::Dbt => Some(tomosynthesis::slices(specimen, set)),
            Self::Mr => Some(mr::slice(specimen, set)),
            Self::EnhancedMr => Some(mr::enhanced(specimen, set)),
            Self::Us => Some(screen::ultrasound(specimen, false, set)),
            Self::UsMultiFrame => Some(screen::ultrasound(specimen, true, set)),
            Self::Xa => Some(xray::xa(specimen, set)),
            Self::Rf => Some(xray::rf(specimen, set)),
            Self::Nm => Some(nuclear::planar(specimen, set)),
            Self::Pt => Some(nuclear::pet(specimen, set)),
            Self::SecondaryCapture => Some(screen::capture(specimen, set)),
            Self::DoseReport => {
                report::dose(specimen, set);
                None
            }
        }
    }

    fn facts(self) -> Facts {
        const CT: Facts = Facts {
            sop_class: uids::CT_IMAGE_STORAGE,
            word: "ct",
            modality: "CT",
            size: (512, 512, 1),
            body_part: Some("CHEST"),
            study: Words { han: "胸部CT平扫", latin: "Chest CT plain" },
            series: Words { han: "胸部 1.25mm", latin: "Chest 1.25mm" },
            manufacturer: "MARKGATE",
            model: "Synthetic CT",
            station: "CT01",
        };
        const DX: Facts = Facts {
            sop_class: uids::DIGITAL_X_RAY_IMAGE_STORAGE_FOR_PRESENTATION,
            word: "dx",
            modality: "DX",
            size: (2048, 2048, 1),
            body_part: Some("CHEST"),
            study: Words { han: "胸部正位", latin: "Chest PA" },
            series: Words { han: "胸部后前位", latin: "Chest PA" },
            manufacturer: "MARKGATE",
            model: "Synthetic DX",
            station: "DX01",
        };
        const MR: Facts = Facts {
            sop_class: uids::MR_IMAGE_STORAGE,
            word: "mr",
            modality: "MR",
            size: (256, 256, 1),
            body_part: Some("HEAD"),
            study: Words { han: "头部MR平扫", latin: "Head MR plain" },
            series: Words { han: "横断位T2", latin: "Axial T2" },
            manufacturer: "MARKGATE",
            model: "Synthetic MR",
            station: "MR01",
        };
        const US: Facts = Facts {
            sop_class: uids::ULTRASOUND_IMAGE_STORAGE,
            word: "us",
            modality: "US",
            size: (600, 800, 1),
            body_part: Some("LIVER"),
            study: Words { han: "肝胆超声", latin: "Liver ultrasound" },
            series: Words { han: "肝脏", latin: "Liver" },
            manufacturer: "MARKGATE",
            model: "Synthetic US",
            station: "US01",
        };
        const MG: Facts = Facts {
            sop_class: uids::DIGITAL_MAMMOGRAPHY_X_RAY_IMAGE_STORAGE_FOR_PRESENTATION,
            word: "mg",
            modality: "MG",
            size: (2294, 1914, 1),
            body_part: Some("BREAST"),
            study: Words { han: "乳腺钼靶", latin: "Mammography" },
            series: Words { han: "右乳内外斜位", latin: "R MLO" },
            model: "Synthetic MG",
            station: "MG01",
            ..DX
        };
        match self {
            Self::Ct => CT,
            Self::EnhancedCt => Facts {
                sop_class: uids::ENHANCED_CT_IMAGE_STORAGE,
                word: "enhanced-ct",
                size: (512, 512, 3),
                ..CT
            },
            Self::Dx => DX,
            Self::DxForProcessing => Facts {
                sop_class: uids::DIGITAL_X_RAY_IMAGE_STORAGE_FOR_PROCESSING,
                word: "dx-for-processing",
                series: Words { han: "胸部后前位 原始", latin: "Chest PA raw" },
                ..DX
            },
            Self::Cr => Facts {
                sop_class: uids::COMPUTED_RADIOGRAPHY_IMAGE_STORAGE,
                word: "cr",
                modality: "CR",
                size: (2500, 2048, 1),
                model: "Synthetic CR",
                station: "CR01",
                ..DX
            },
            Self::Mg => MG,
            Self::Dbt => Facts {
                sop_class: uids::BREAST_TOMOSYNTHESIS_IMAGE_STORAGE,
                word: "dbt",
                size: (1147, 957, 3),
                study: Words { han: "乳腺断层摄影", latin: "Breast tomosynthesis" },
                model: "Synthetic DBT",
                ..MG
            },
            Self::Mr => MR,
            Self::EnhancedMr => Facts {
                sop_class: uids::ENHANCED_MR_IMAGE_STORAGE,
                word: "enhanced-mr",
                size: (256, 256, 3),
                ..MR
            },
            Self::Us => US,
            Self::UsMultiFrame => Facts {
                sop_class: uids::ULTRASOUND_MULTI_FRAME_IMAGE_STORAGE,
                word: "us-multi-frame",
                size: (600, 800, 12),
                ..US
            },
            Self::Xa => Facts {
                sop_class: uids::X_RAY_ANGIOGRAPHIC_IMAGE_STORAGE,
                word: "xa",
                modality: "XA",
                size: (512, 512, 16),
                body_part: Some("HEART"),
                study: Words { han: "冠状动脉造影", latin: "Coronary angiography" },
                series: Words { han: "左冠状动脉", latin: "Left coronary artery" },
                manufacturer: "MARKGATE",
                model: "Synthetic XA",
                station: "XA01",
            },
            Self::Rf => Facts {
                sop_class: uids::X_RAY_RADIOFLUOROSCOPIC_IMAGE_STORAGE,
                word: "rf",
                modality: "RF",
                size: (512, 512, 4),
                body_part: Some("STOMACH"),
                study: Words { han: "上消化道造影", latin: "Upper GI series" },
                series: Words { han: "胃", latin: "Stomach" },
                manufacturer: "MARKGATE",
                model: "Synthetic RF",
                station: "RF01",
            },
            Self::Nm => Facts {
                sop_class: uids::NUCLEAR_MEDICINE_IMAGE_STORAGE,
                word: "nm",
                modality: "NM",
                size: (256, 256, 2),
                body_part: Some("WHOLEBODY"),
                study: Words { han: "全身骨显像", latin: "Bone scan" },
                series: Words { han: "静态", latin: "Static" },
                manufacturer: "MARKGATE",
                model: "Synthetic NM",
                station: "NM01",
            },
            Self::Pt => Facts {
                sop_class: uids::POSITRON_EMISSION_TOMOGRAPHY_IMAGE_STORAGE,
                word: "pt",
                modality: "PT",
                size: (200, 200, 1),
                body_part: Some("WHOLEBODY"),
                study: Words { han: "全身PET显像", latin: "Whole body PET" },
                series: Words {
                    han: "横断位 衰减校正", latin: "Axial attenuation corrected"
                },
                manufacturer: "MARKGATE",
                model: "Synthetic PT",
                station: "PT01",
            },
            Self::SecondaryCapture => Facts {
                sop_class: uids::SECONDARY_CAPTURE_IMAGE_STORAGE,
                word: "secondary-capture",
                modality: "OT",
                size: (480, 640, 1),
                body_part: Some("CHEST"),
                study: Words { han: "胸部CT平扫", latin: "Chest CT plain" },
                series: Words { han: "屏幕截图", latin: "Screen capture" },
                manufacturer: "MARKGATE",
                model: "Synthetic SC",
                station: "WS01",
            },
            Self::DoseReport => Facts {
                sop_class: uids::X_RAY_RADIATION_DOSE_SR_STORAGE,
                word: "dose-report",
                modality: "SR",
                size: (1, 1, 1),
                body_part: None,
                series: Words { han: "剂量报告", latin: "Dose report" },
                ..CT
            },
        }
    }
}
