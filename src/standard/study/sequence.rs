//! What an MR image shows bright: the weighting of its sequence, told by description or by its times.

use crate::dicom::tags;
use crate::expression::Environment as _;
use crate::standard::subject::Subject;

use super::keys::plain;

/// The weighting of an MR image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Weighting {
    /// Longitudinal relaxation.
    T1,
    /// Transverse relaxation.
    T2,
    /// Density of protons.
    Density,
    /// T2 with free water suppressed.
    Flair,
    /// Diffusion.
    Diffusion,
}

impl Weighting {
    /// Its name, as conditions compare it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::T1 => "T1",
            Self::T2 => "T2",
            Self::Density => "PD",
            Self::Flair => "FLAIR",
            Self::Diffusion => "DWI",
        }
    }
}

/// Milliseconds: an inversion that is longer suppresses water, a shorter one fat or nothing.
const LONG_INVERSION: f64 = 1500.0;

/// The weighting of an MR image; `None` where neither words nor times tell it.
pub(super) fn weighting(subject: &Subject<'_>) -> Option<Weighting> {
    if subject.text(tags::MODALITY).as_deref() != Some("MR") {
        return None;
    }
    let first = |tag| subject.numbers(tag).first().copied();
    let told = [tags::SERIES_DESCRIPTION, tags::PROTOCOL_NAME, tags::SEQUENCE_NAME];
    let told = told.iter().filter_map(|tag| subject.text(*tag)).map(|text| plain(&text));
    let told = told.collect::<Vec<String>>().join(" ");
    let says = |words: &[&str]| words.iter().any(|word| told.contains(word));
    let kinds = subject.attribute(tags::IMAGE_TYPE).to_string().to_uppercase();
    if b_value(subject).is_some_and(|value| value > 0)
        || says(&["DWI", "DTI", "EP_B", "EP2D_DIFF", "弥散", "扩散", "DIFFUSION"])
        || kinds.contains("DIFFUSION")
    {
        return Some(Weighting::Diffusion);
    }
    let inversion = first(tags::INVERSION_TIME).unwrap_or_default();
    let (repetition, echo) = (first(tags::REPETITION_TIME), first(tags::ECHO_TIME));
    let long_echo = echo.is_none_or(|echo| echo >= 60.0);
    if (says(&["FLAIR", "TIRM", "黑水"]) || inversion >= LONG_INVERSION)
        && long_echo
        && !says(&["T1"])
    {
        return Some(Weighting::Flair);
    }
    if says(&["T1"]) {
        return Some(Weighting::T1);
    }
    if says(&["T2"]) {
        return Some(Weighting::T2);
    }
    if says(&["PD", "质子"]) {
        return Some(Weighting::Density);
    }
    match (repetition?, echo?) {
        (repetition, echo) if repetition < 1000.0 && echo < 30.0 => Some(Weighting::T1),
        (repetition, echo) if repetition >= 1500.0 && echo >= 60.0 => Some(Weighting::T2),
        (repetition, echo) if repetition >= 1500.0 && echo < 50.0 => Some(Weighting::Density),
        _ => None,
    }
}

/// Diffusion b-value (0018,9087) in s/mm², whole; else the number in a sequence name such as `ep_b1000t`.
pub(super) fn b_value(subject: &Subject<'_>) -> Option<i32> {
    if let Some(value) = subject.numbers(tags::DIFFUSION_B_VALUE).first() {
        return Some(value.round() as i32);
    }
    let name = subject.text(tags::SEQUENCE_NAME)?.to_lowercase();
    let (_, rest) = name.split_once("ep_b")?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}
