//! How much the detector and the patient got: tube current and time, exposure index, dose.

use crate::dicom::attribute::keyword_of;
use crate::dicom::{Tag, tags};
use crate::expression::Kind;
use crate::standard::subject::Subject;

use super::{Fact, about, fact, names, rounded};

/// Exposure and dose.
pub(super) const FACTS: &[Fact] = &[
    fact(
        "mas",
        Kind::Number,
        about(
            "曝光量，毫安秒，取大于 0 的最精确属性：以 µAs 计的曝光量、以 mAs 计的曝光量、管电流乘曝光时间",
            "the exposure in mAs, from the most exact attribute that is above 0: Exposure in µAs, in mAs, tube current times exposure time",
        ),
        |s| rounded(mas(s)),
    ),
    fact(
        "mas_disagreement",
        Kind::Number,
        about(
            "各种曝光量写法在整数舍入之外相差的百分比；一致时为 0，不足两种时未知",
            "percent by which the ways of stating the exposure differ beyond the rounding of whole numbers; 0 where they agree, unknown with fewer than two",
        ),
        |s| rounded(mas_disagreement(s)),
    ),
    fact(
        "deviation_index_error",
        Kind::Number,
        about(
            "偏差指数与 10·log10(曝光指数/目标曝光指数) 之差",
            "how far Deviation Index is from 10 log10(Exposure Index / Target Exposure Index)",
        ),
        |s| rounded(deviation_index_error(s)),
    ),
    fact(
        "exposure_index_missing",
        Kind::Texts,
        about(
            "曝光指数、目标曝光指数、偏差指数中缺少的属性（关键字）",
            "which of Exposure Index, Target Exposure Index and Deviation Index are absent, by keyword",
        ),
        |s| names(exposure_index_missing(s)),
    ),
    fact(
        "dose_indicators",
        Kind::Texts,
        about(
            "给出大于 0 的剂量或指向剂量报告的属性（关键字）",
            "keywords of the attributes that state a dose above 0 or lead to a dose report",
        ),
        |s| names(dose_indicators(s)),
    ),
];

/// The first number of an attribute, if all of its values are numbers.
pub(super) fn number(subject: &Subject<'_>, tag: Tag) -> Option<f64> {
    subject.numbers(tag).first().copied()
}

/// What a statement of an amount may mean: whole numbers are rounded by some makers and cut off by others.
#[derive(Debug, Clone, Copy)]
struct Range {
    low: f64,
    stated: f64,
    high: f64,
}

impl Range {
    fn exact(value: f64) -> Self {
        Self { low: value, stated: value, high: value }
    }

    fn whole(value: f64) -> Self {
        Self { low: value - 0.5, stated: value, high: value + 1.0 }
    }

    fn times(self, other: Self) -> Self {
        let low = self.low.max(0.0) * other.low.max(0.0);
        Self { low, stated: self.stated * other.stated, high: self.high * other.high }
    }

    fn scaled(self, factor: f64) -> Self {
        Self { low: self.low * factor, stated: self.stated * factor, high: self.high * factor }
    }
}

/// Every way in which the exposure is stated, in mAs, the most exact first (PS3.3 C.8.7.2, C.8.15.3.8).
fn statements(subject: &Subject<'_>) -> Vec<Range> {
    let exact = |tag| number(subject, tag).map(Range::exact);
    let whole = |tag| number(subject, tag).map(Range::whole);
    let thousandth = |range: Range| range.scaled(0.001);
    let current = exact(tags::X_RAY_TUBE_CURRENT_INM_A)
        .or_else(|| exact(tags::X_RAY_TUBE_CURRENT_INU_A).map(thousandth))
        .or_else(|| whole(tags::X_RAY_TUBE_CURRENT));
    let time = exact(tags::EXPOSURE_TIME_INMS)
        .or_else(|| exact(tags::EXPOSURE_TIME_INU_S).map(thousandth))
        .or_else(|| whole(tags::EXPOSURE_TIME));
    let product = current.zip(time).map(|(current, time)| thousandth(current.times(time)));
    let all = [
        exact(tags::EXPOSURE_INM_AS),
        whole(tags::EXPOSURE_INU_AS).map(thousandth),
        whole(tags::EXPOSURE),
        product,
    ];
    all.into_iter().flatten().filter(|range| range.stated >= 0.0).collect()
}

/// The exposure in mAs; `None` where no attribute states one above 0.
#[must_use]
pub fn mas(subject: &Subject<'_>) -> Option<f64> {
    statements(subject).into_iter().map(|range| range.stated).find(|stated| *stated > 0.0)
}

/// How far the statements of the exposure are apart, in percent, beyond what rounding explains. `None` with fewer than two
/// statements, or one that can only be 0.
#[must_use]
pub fn mas_disagreement(subject: &Subject<'_>) -> Option<f64> {
    let all = statements(subject);
    if all.len() < 2 {
        return None;
    }
    let low = all.iter().map(|range| range.low).fold(f64::MIN, f64::max);
    let high = all.iter().map(|range| range.high).fold(f64::MAX, f64::min);
    (high > 0.0).then(|| ((low / high - 1.0) * 100.0).max(0.0))
}

/// How far Deviation Index (0018,1413) is from what IEC 62494-1 makes of Exposure Index (0018,1411) and Target Exposure Index
/// (0018,1412). `None` where one of them is absent, or one of the latter not above 0.
#[must_use]
pub fn deviation_index_error(subject: &Subject<'_>) -> Option<f64> {
    let index = number(subject, tags::EXPOSURE_INDEX).filter(|index| *index > 0.0)?;
    let target = number(subject, tags::TARGET_EXPOSURE_INDEX).filter(|target| *target > 0.0)?;
    let stated = number(subject, tags::DEVIATION_INDEX)?;
    Some((stated - 10.0 * (index / target).log10()).abs())
}

/// The keywords of those of the three indices (PS3.3 table 10-23) that are absent.
#[must_use]
pub fn exposure_index_missing(subject: &Subject<'_>) -> Vec<String> {
    let all = [tags::EXPOSURE_INDEX, tags::TARGET_EXPOSURE_INDEX, tags::DEVIATION_INDEX];
    let absent = all.iter().filter(|tag| number(subject, **tag).is_none());
    absent.map(|tag| keyword_of(*tag)).collect()
}

/// The keywords of the attributes that state the dose of the image, above 0, or by which it is found in a dose report:
/// Irradiation Event UID (0008,3010).
#[must_use]
pub fn dose_indicators(subject: &Subject<'_>) -> Vec<String> {
    let stated = [
        tags::ENTRANCE_DOSE_INM_GY,
        tags::ENTRANCE_DOSE,
        tags::IMAGE_AND_FLUOROSCOPY_AREA_DOSE_PRODUCT,
        tags::ORGAN_DOSE,
    ];
    let stated =
        stated.into_iter().filter(|tag| number(subject, *tag).is_some_and(|dose| dose > 0.0));
    let event = subject.text(tags::IRRADIATION_EVENT_UID).map(|_| tags::IRRADIATION_EVENT_UID);
    stated.chain(event).map(keyword_of).collect()
}
