//! What kind of series an MR is: its weighting, and whether fat is suppressed.
//!
//! Words of the description tell it where there are any, for who runs the scanner knows what was meant; otherwise the times of
//! the sequence do. It is a pure function, so that a series can be classified from what is remembered of one image.

use super::words::has_any;

/// What a series is classified by. Texts are in capitals, times in milliseconds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Acquisition {
    /// Series Description (0008,103E) and Protocol Name (0018,1030).
    pub words: String,
    /// Sequence Name (0018,0024) or Pulse Sequence Name (0018,9005).
    pub sequence_name: String,
    /// Image Type (0008,0008).
    pub image_type: Vec<String>,
    /// Scanning Sequence (0018,0020).
    pub scanning_sequences: Vec<String>,
    /// Scan Options (0018,0022), and Spectrally Selected Suppression (0018,9025).
    pub options: Vec<String>,
    /// Repetition Time (0018,0080).
    pub repetition_time: Option<f64>,
    /// Echo Time (0018,0081).
    pub echo_time: Option<f64>,
    /// Inversion Time (0018,0082).
    pub inversion_time: Option<f64>,
    /// Diffusion b-value (0018,9087) in s/mm².
    pub b_value: Option<f64>,
}

/// Kinds of MR series that examinations are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Weighting {
    /// T1 weighted.
    T1,
    /// T2 weighted.
    T2,
    /// Proton density weighted.
    Pd,
    /// T2 weighted, the signal of free water suppressed.
    Flair,
    /// Diffusion weighted.
    Diffusion,
    /// A map of the apparent diffusion coefficient.
    Adc,
    /// T2* or susceptibility weighted.
    T2Star,
    /// An angiography.
    Angiography,
    /// A perfusion series or a map of one.
    Perfusion,
    /// A localizer.
    Localizer,
}

impl Weighting {
    /// Its name, as conditions compare it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::T1 => "T1",
            Self::T2 => "T2",
            Self::Pd => "PD",
            Self::Flair => "FLAIR",
            Self::Diffusion => "DWI",
            Self::Adc => "ADC",
            Self::T2Star => "T2*",
            Self::Angiography => "MRA",
            Self::Perfusion => "perfusion",
            Self::Localizer => "localizer",
        }
    }
}

/// What kind of series it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MrSeries {
    /// Its weighting, where it can be told.
    pub weighting: Option<Weighting>,
    /// Whether the signal of fat is suppressed.
    pub fat_suppressed: bool,
}

/// Classifies a series.
#[must_use]
pub fn classify(acquisition: &Acquisition) -> MrSeries {
    let special = by_special_words(acquisition);
    let weighting =
        special.or_else(|| by_weighting_words(acquisition)).or_else(|| by_times(acquisition));
    MrSeries { weighting, fat_suppressed: is_fat_suppressed(acquisition) }
}

/// What localizers are called.
pub(super) const LOCALIZER: &[&str] =
    &["LOC", "LOCALIZER", "SCOUT", "AAHSCOUT", "SURVEY", "3-PLANE", "3PL", "定位", "定位像"];
const ADC: &[&str] = &["ADC", "EADC", "表观"];
const DIFFUSION: &[&str] =
    &["DWI", "DIFFUSION", "DIFF", "DTI", "TRACE", "TRACEW", "RESOLVE", "弥散", "扩散"];
const ANGIOGRAPHY: &[&str] = &["TOF", "MRA", "MRV", "PCA", "血管"];
const PERFUSION: &[&str] = &["ASL", "PCASL", "PWI", "PERF", "PERFUSION", "DSC", "CBF", "灌注"];
const T2_STAR: &[&str] =
    &["SWI", "SWAN", "SWIP", "QSM", "T2*", "T2STAR", "T2_STAR", "MERGE", "HEMO", "磁敏感"];
const DARK_FLUID: &[&str] = &["FLAIR", "DARK-FLUID", "DARK FLUID", "DARKFLUID", "水抑制", "黑水"];
const PROTON_DENSITY: &[&str] = &["PD", "PDW", "PDWI", "PROTON", "质子"];
/// Sequences that are made for one weighting.
const T1_SEQUENCES: &[&str] =
    &["MPRAGE", "MP2RAGE", "BRAVO", "SPGR", "FSPGR", "LAVA", "VIBE", "THRIVE", "FLASH", "QUICK3D"];
const T2_SEQUENCES: &[&str] = &[
    "CISS",
    "FIESTA",
    "MRCP",
    "MRU",
    "HASTE",
    "SSFSE",
    "STIR",
    "TIRM",
    "DRIVE",
    "MYELO",
    "水成像",
];
const FAT_SUPPRESSED: &[&str] = &[
    "FS",
    "FATSAT",
    "FAT SAT",
    "FAT_SAT",
    "FATSUP",
    "STIR",
    "SPAIR",
    "SPIR",
    "SPECIAL",
    "TIRM",
    "WATER",
    "压脂",
    "抑脂",
    "脂肪抑制",
];
/// Terms of Scan Options, and of Spectrally Selected Suppression.
const FAT_OPTIONS: &[&str] = &["FS", "FATSAT", "FAT", "FAT_SAT", "SFS", "WE"];

fn by_special_words(acquisition: &Acquisition) -> Option<Weighting> {
    let words = acquisition.words.replace('_', " ");
    let of_type = |value: &str| acquisition.image_type.iter().any(|own| own == value);
    let says = |list: &[&str]| has_any(&words, list);
    if of_type("LOCALIZER") || says(LOCALIZER) {
        Some(Weighting::Localizer)
    } else if of_type("ADC") || says(ADC) {
        Some(Weighting::Adc)
    } else if of_type("DIFFUSION") || says(DIFFUSION) || is_weighted_by_b(acquisition) {
        Some(Weighting::Diffusion)
    } else if says(PERFUSION) {
        Some(Weighting::Perfusion)
    } else if says(ANGIOGRAPHY) {
        Some(Weighting::Angiography)
    } else if says(T2_STAR) {
        Some(Weighting::T2Star)
    } else if says(DARK_FLUID) {
        Some(if names_time(&words, "T1") { Weighting::T1 } else { Weighting::Flair })
    } else {
        None
    }
}

/// Whether diffusion was really encoded. A b-value of 0 alone is written into series of all kinds.
fn is_weighted_by_b(acquisition: &Acquisition) -> bool {
    acquisition.b_value.is_some_and(|value| value > 0.0)
        && acquisition.scanning_sequences.iter().any(|term| term == "EP")
}

fn by_weighting_words(acquisition: &Acquisition) -> Option<Weighting> {
    let words = acquisition.words.replace('_', " ");
    let says = |list: &[&str]| has_any(&words, list) || has_any(&acquisition.sequence_name, list);
    let found = [
        (Weighting::Pd, says(PROTON_DENSITY)),
        (Weighting::T2, names_time(&words, "T2")),
        (Weighting::T1, names_time(&words, "T1")),
    ];
    let mut named = found.into_iter().filter_map(|(kind, is_named)| is_named.then_some(kind));
    match (named.next(), named.next()) {
        (Some(only), None) => return Some(only),
        // Two weightings in one description: the times tell which.
        (Some(_), Some(_)) => return None,
        (None, _) => {}
    }
    if says(T1_SEQUENCES) {
        Some(Weighting::T1)
    } else if says(T2_SEQUENCES) {
        Some(Weighting::T2)
    } else {
        None
    }
}

/// Whether a text names `T1` or `T2`, also within a word (`T2W`, `OAXT2`), but not the vertebra `T12`.
fn names_time(text: &str, time: &str) -> bool {
    text.match_indices(time).any(|(at, found)| {
        let after = text.get(at + found.len()..).and_then(|after| after.chars().next());
        !after.is_some_and(|next| next.is_ascii_digit())
    })
}

/// By the times of the sequence, in milliseconds. The limits are those of common protocols at 1.5 and 3 tesla; between them
/// nothing is said.
fn by_times(acquisition: &Acquisition) -> Option<Weighting> {
    let is = |term: &str| acquisition.scanning_sequences.iter().any(|own| own == term);
    let (repetition, echo) = (acquisition.repetition_time?, acquisition.echo_time?);
    if let (true, Some(inversion)) = (is("IR"), acquisition.inversion_time) {
        return match inversion {
            // The zero of cerebrospinal fluid, of fat, and between grey and white matter.
            1500.0.. if echo >= 60.0 => Some(Weighting::Flair),
            80.0..=300.0 if repetition >= 1500.0 => Some(Weighting::T2),
            300.0..=1300.0 if echo <= 40.0 => Some(Weighting::T1),
            _ => None,
        };
    }
    if is("GR") && !is("SE") {
        return match echo {
            ..=8.0 => Some(Weighting::T1),
            12.0.. => Some(Weighting::T2Star),
            _ => None,
        };
    }
    match (repetition, echo) {
        (1800.0.., 60.0..) => Some(Weighting::T2),
        (1800.0.., ..=50.0) => Some(Weighting::Pd),
        (..=1200.0, ..=30.0) => Some(Weighting::T1),
        _ => None,
    }
}

fn is_fat_suppressed(acquisition: &Acquisition) -> bool {
    let words = acquisition.words.replace('_', " ");
    let by_time = acquisition.scanning_sequences.iter().any(|term| term == "IR")
        && acquisition.inversion_time.is_some_and(|time| (80.0..=300.0).contains(&time));
    by_time
        || has_any(&words, FAT_SUPPRESSED)
        || names_fat_suppression(&words)
        || acquisition.options.iter().any(|own| FAT_OPTIONS.contains(&own.as_str()))
}

/// `FS` at the end of a word that names the weighting: `T2FS`, `PDFS`.
fn names_fat_suppression(words: &str) -> bool {
    words
        .split(|character: char| !character.is_ascii_alphanumeric())
        .any(|word| word.ends_with("FS") && ["T1", "T2", "PD"].iter().any(|own| word.contains(own)))
}
