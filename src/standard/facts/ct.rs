//! CT: how it was exposed and reconstructed, and what a series of it shows.

use super::functional_groups::{Place, every, first, number, text as text_at};
use super::voi::{Window, windows};
use super::words::{has_any, of_series};
use super::{Fact, about, fact, names, text};
use crate::dicom::tags;
use crate::expression::{Environment as _, Kind};
use crate::standard::subject::Subject;

const KVP: Place = Place::new(tags::CTX_RAY_DETAILS_SEQUENCE, tags::KVP);
const KERNEL: Place = Place::new(tags::CT_RECONSTRUCTION_SEQUENCE, tags::CONVOLUTION_KERNEL);
const DIAMETER: Place = Place::new(tags::CT_RECONSTRUCTION_SEQUENCE, tags::RECONSTRUCTION_DIAMETER);
const SLOPE: Place = Place::new(tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE, tags::RESCALE_SLOPE);
const INTERCEPT: Place =
    Place::new(tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE, tags::RESCALE_INTERCEPT);
const RESCALE_TYPE: Place =
    Place::new(tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE, tags::RESCALE_TYPE);
const TILT: Place = Place::new(tags::CT_ACQUISITION_DETAILS_SEQUENCE, tags::GANTRY_DETECTOR_TILT);
const PITCH: Place = Place::new(tags::CT_TABLE_DYNAMICS_SEQUENCE, tags::SPIRAL_PITCH_FACTOR);
const SINGLE_COLLIMATION: Place =
    Place::new(tags::CT_ACQUISITION_DETAILS_SEQUENCE, tags::SINGLE_COLLIMATION_WIDTH);
const TOTAL_COLLIMATION: Place =
    Place::new(tags::CT_ACQUISITION_DETAILS_SEQUENCE, tags::TOTAL_COLLIMATION_WIDTH);
pub(in crate::standard) const CTDI: Place = Place::new(tags::CT_EXPOSURE_SEQUENCE, tags::CTD_IVOL);

pub(super) const FACTS: &[Fact] = &[
    fact(
        "kvp",
        Kind::Number,
        about("管电压峰值，千伏", "the peak tube voltage in kilovolts"),
        |s| number(s, KVP).into(),
    ),
    fact(
        "multi_energy",
        Kind::Bool,
        about(
            "是否以多种能量采集，因而没有单一管电压",
            "whether it was taken at several energies, so that there is no one tube voltage",
        ),
        |s| is_multi_energy(s).into(),
    ),
    fact(
        "tube_current",
        Kind::Number,
        about("管电流，毫安", "the tube current in milliamperes"),
        |s| tube_current(s).into(),
    ),
    fact(
        "exposure",
        Kind::Number,
        about("曝光量，毫安秒", "the exposure in milliampere seconds"),
        |s| exposure(s).into(),
    ),
    fact("ctdi_vol", Kind::Number, about("CTDIvol，毫戈瑞", "CTDIvol in milligray"), |s| {
        number(s, CTDI).into()
    }),
    fact(
        "kernel",
        Kind::Text,
        about("重建卷积核", "the convolution kernel of the reconstruction"),
        |s| text(kernel(s)),
    ),
    fact(
        "reconstruction_diameter",
        Kind::Number,
        about("重建视野直径，毫米", "Reconstruction Diameter in millimetres"),
        |s| number(s, DIAMETER).into(),
    ),
    fact("rescale_slope", Kind::Number, about("重定标斜率", "Rescale Slope"), |s| {
        number(s, SLOPE).into()
    }),
    fact(
        "flat_rescale",
        Kind::Bool,
        about("是否有帧的重定标斜率为 0", "whether Rescale Slope is 0 in some frame"),
        |s| is_flat(s).into(),
    ),
    fact("rescale_intercept", Kind::Number, about("重定标截距", "Rescale Intercept"), |s| {
        number(s, INTERCEPT).into()
    }),
    fact("rescale_type", Kind::Text, about("重定标类型", "Rescale Type"), |s| {
        text(text_at(s, RESCALE_TYPE))
    }),
    fact(
        "gantry_tilt",
        Kind::Number,
        about("机架/探测器倾角，度", "Gantry/Detector Tilt in degrees"),
        |s| number(s, TILT).into(),
    ),
    fact("pitch", Kind::Number, about("螺距", "Spiral Pitch Factor"), |s| {
        number(s, PITCH).into()
    }),
    fact(
        "single_collimation",
        Kind::Number,
        about("单层准直宽度，毫米", "Single Collimation Width in millimetres"),
        |s| number(s, SINGLE_COLLIMATION).into(),
    ),
    fact(
        "total_collimation",
        Kind::Number,
        about("总准直宽度，毫米", "Total Collimation Width in millimetres"),
        |s| number(s, TOTAL_COLLIMATION).into(),
    ),
    fact(
        "ct_renditions",
        Kind::Texts,
        about(
            "CT 的窗、卷积核或描述所针对的组织：肺、软组织、骨",
            "what windows, kernel or description of a CT are for: lung, soft tissue, bone",
        ),
        |s| names(rendition_of(s).names().map(str::to_owned).collect()),
    ),
    fact(
        "ct_phase",
        Kind::Text,
        about(
            "CT 序列描述所写的期相：plain（平扫）、arterial（动脉期）、venous（静脉期）、delayed（延迟期）",
            "the phase of contrast that the description of a CT series names: plain, arterial, venous, delayed",
        ),
        |s| text(phase(&of_series(s)).map(|phase| phase.as_str().to_owned())),
    ),
];

/// Convolution Kernel (0018,1210) of the image, or of the first frame that has one.
#[must_use]
pub fn kernel(subject: &Subject<'_>) -> Option<String> {
    text_at(subject, KERNEL)
}

/// X-Ray Tube Current (0018,1151), or that of an enhanced object in mA (0018,9330).
fn tube_current(subject: &Subject<'_>) -> Option<f64> {
    let own = subject.numbers(tags::X_RAY_TUBE_CURRENT).first().copied();
    let enhanced = Place::new(tags::CT_EXPOSURE_SEQUENCE, tags::X_RAY_TUBE_CURRENT_INM_A);
    own.or_else(|| number(subject, enhanced))
}

/// Exposure (0018,1152), or (0018,1153) of less rounding, or that of an enhanced object (0018,9332).
fn exposure(subject: &Subject<'_>) -> Option<f64> {
    /// Microampere seconds in a milliampere second.
    const MICRO: f64 = 1000.0;
    let enhanced = Place::new(tags::CT_EXPOSURE_SEQUENCE, tags::EXPOSURE_INM_AS);
    let fine = subject.numbers(tags::EXPOSURE_INU_AS).first().map(|exposure| exposure / MICRO);
    let own = subject.numbers(tags::EXPOSURE).first().copied();
    // Whole milliampere seconds round a small exposure to 0.
    own.filter(|own| *own > 0.0).or(fine).or_else(|| number(subject, enhanced)).or(own)
}

fn is_multi_energy(subject: &Subject<'_>) -> bool {
    subject.text(tags::MULTIENERGY_CT_ACQUISITION).as_deref() == Some("YES")
        || subject.attribute(tags::MULTIENERGY_CT_ACQUISITION_SEQUENCE).is_known()
        || first(
            subject,
            Place { group: KVP.group, tag: tags::MULTIENERGY_CT_ACQUISITION_SEQUENCE },
        )
        .is_some()
}

/// Whether a slope of 0 gives all pixels of a frame one value; `None` without any slope.
fn is_flat(subject: &Subject<'_>) -> Option<bool> {
    let slopes = every(subject, SLOPE);
    let view = subject.view();
    let flat = |slope: &f64| *slope == 0.0;
    let all: Vec<f64> = slopes.iter().flat_map(|element| view.numbers(element)).collect();
    (!all.is_empty()).then(|| all.iter().any(flat))
}

/// What a CT series is reconstructed or windowed for. One series may serve several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rendition {
    /// For the lungs.
    pub lung: bool,
    /// For the mediastinum, the abdomen, the brain.
    pub soft_tissue: bool,
    /// For bone.
    pub bone: bool,
}

impl Rendition {
    /// Their names, as conditions compare them.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let all = [(self.lung, "lung"), (self.soft_tissue, "soft tissue"), (self.bone, "bone")];
        all.into_iter().filter_map(|(is_one, name)| is_one.then_some(name))
    }

    /// What either is for.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            lung: self.lung || other.lung,
            soft_tissue: self.soft_tissue || other.soft_tissue,
            bone: self.bone || other.bone,
        }
    }
}

/// What the image is for, by its windows, its kernel and the description of its series.
#[must_use]
pub fn rendition_of(subject: &Subject<'_>) -> Rendition {
    rendition(&windows(subject), kernel(subject).as_deref(), &of_series(subject))
}

/// What a series is for, by any window, by its kernel, or by words in capitals that describe it.
#[must_use]
pub fn rendition(windows: &[Window], kernel: Option<&str>, words: &str) -> Rendition {
    let by_window = windows.iter().fold(Rendition::default(), |all, window| all.or(shown(*window)));
    let by_kernel = kernel.map(reconstructed).unwrap_or_default();
    let by_words = Rendition {
        lung: has_any(words, &["肺窗", "LUNG"]),
        soft_tissue: has_any(
            words,
            &["纵隔", "软组织", "脑窗", "SOFT", "MEDIASTINUM", "MEDIASTINAL", "BRAIN", "BODY"],
        ),
        bone: has_any(words, &["骨窗", "骨算法", "BONE"]),
    };
    by_window.or(by_kernel).or(by_words)
}

/// What a window, in Hounsfield units, shows.
fn shown(window: Window) -> Rendition {
    let Window { center, width } = window;
    Rendition {
        lung: (1000.0..=2000.0).contains(&width) && (-700.0..=-450.0).contains(&center),
        soft_tissue: (60.0..=500.0).contains(&width) && (20.0..=60.0).contains(&center),
        bone: (1000.0..=4500.0).contains(&width) && (200.0..=1000.0).contains(&center),
    }
}

/// What a kernel is for: by its name, or by the number that tells how sharp it is.
fn reconstructed(kernel: &str) -> Rendition {
    let kernel = kernel.trim().to_uppercase();
    let named = Rendition {
        lung: kernel.contains("LUNG"),
        soft_tissue: ["STANDARD", "SOFT", "BODY", "BRAIN"].iter().any(|name| kernel.contains(name)),
        bone: ["BONE", "DETAIL", "EDGE"].iter().any(|name| kernel.contains(name)),
    };
    let letters = kernel.trim_end_matches(|last: char| !last.is_ascii_digit());
    let digits = letters.trim_start_matches(|first: char| !first.is_ascii_digit());
    let family = letters.strip_suffix(digits).unwrap_or_default();
    let Ok(sharpness) = digits.parse::<u16>() else { return named };
    named.or(match family {
        // Of Canon, body kernels, those for lungs, those for bone.
        "FC" => Rendition {
            lung: (50..=59).contains(&sharpness),
            soft_tissue: sharpness < 30 || (40..50).contains(&sharpness),
            bone: (30..40).contains(&sharpness) || (80..90).contains(&sharpness),
        },
        // Of Siemens: body, head, and those that a letter more tells apart.
        _ if family.starts_with(['B', 'H', 'I', 'J', 'Q', 'U']) && family.len() <= 2 => Rendition {
            lung: (50..90).contains(&sharpness) && !family.starts_with('H'),
            soft_tissue: (10..50).contains(&sharpness),
            bone: (55..90).contains(&sharpness),
        },
        _ => Rendition::default(),
    })
}

/// When, after the injection of contrast, a CT series was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// Without or before contrast.
    Plain,
    /// While contrast is in the arteries.
    Arterial,
    /// While it is in the veins, the portal vein or the parenchyma.
    Venous,
    /// Minutes later.
    Delayed,
}

impl Phase {
    /// Its name, as conditions compare it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Arterial => "arterial",
            Self::Venous => "venous",
            Self::Delayed => "delayed",
        }
    }
}

/// The phase that words in capitals name; `None` when they name none or several.
#[must_use]
pub fn phase(words: &str) -> Option<Phase> {
    let plain = ["平扫", "PLAIN", "NATIVE", "NON-CONTRAST", "C-", "W/O", "UNENHANCED", "PRE"];
    let named = [
        (Phase::Plain, has_any(words, &plain)),
        (Phase::Arterial, has_any(words, &["动脉", "ARTERIAL", "ART", "A期", "CTA", "CTPA"])),
        (
            Phase::Venous,
            has_any(
                words,
                &["静脉", "门脉", "实质期", "VENOUS", "VEN", "PORTAL", "PV", "V期", "CTV"],
            ),
        ),
        (
            Phase::Delayed,
            has_any(words, &["延迟", "平衡期", "排泄期", "DELAY", "DELAYED", "EXCRETORY", "D期"]),
        ),
    ];
    let mut named = named.into_iter().filter_map(|(phase, is_named)| is_named.then_some(phase));
    match (named.next(), named.next()) {
        (only, None) => only,
        (_, Some(_)) => None,
    }
}
