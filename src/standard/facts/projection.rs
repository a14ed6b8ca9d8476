//! Projection radiography: view, spacing and magnification, the detector's calibration.

use jiff::Unit;

use crate::base::time::parse_da;
use crate::dicom::{Tag, tags};
use crate::expression::Kind;
use crate::standard::subject::Subject;

use super::exposure::number;
use super::{Fact, about, dates, fact, rounded, text, views};

/// Projection radiography.
pub(super) const FACTS: &[Fact] = &[
    fact(
        "view",
        Kind::Text,
        about(
            "体位：AP、PA、LAT、OBL、AXIAL、TAN、FRONTAL、DECUB，或乳腺的 CC、MLO、ML、LM、XCCL 等；取自体位代码序列，否则取自体位",
            "the view: AP, PA, LAT, OBL, AXIAL, TAN, FRONTAL, DECUB, or of the breast CC, MLO, ML, LM, XCCL and so on; from View Code Sequence, else View Position",
        ),
        |s| text(views::view(s).map(|view| view.word.to_owned())),
    ),
    fact(
        "coded_view",
        Kind::Text,
        about(
            "仅由体位代码序列给出的体位，用词同上",
            "the view that View Code Sequence alone names, in the same words",
        ),
        |s| text(views::by_code(s).map(|view| view.word.to_owned())),
    ),
    fact(
        "views_agree",
        Kind::Bool,
        about(
            "体位与体位代码序列是否同义；其一缺少或不能理解时未知",
            "whether View Position and View Code Sequence mean the same; unknown where one is absent or not understood",
        ),
        |s| views::positions_agree(s).into(),
    ),
    fact(
        "chest",
        Kind::Bool,
        about("按文字或代码，是否检查胸部", "whether the chest was examined, by word or code"),
        |s| views::is_chest(s).into(),
    ),
    fact(
        "upright",
        Kind::Bool,
        about(
            "患者是否站立或坐位：按患者体位代码序列，或按后前位胸片的拍摄方式；均不能判断时未知",
            "whether the patient stood or sat: by Patient Orientation Code Sequence, or as a chest from back to front is taken; unknown where neither tells",
        ),
        |s| views::is_upright(s).into(),
    ),
    fact(
        "detector_spacing",
        Kind::Numbers,
        about(
            "成像器像素间距，毫米，否则为像素间距；须为两个数",
            "Imager Pixel Spacing in mm, else Pixel Spacing, if it is two numbers",
        ),
        |s| detector_spacing(s).map(|[row, column]| vec![row.into(), column.into()]).into(),
    ),
    fact(
        "spacing_calibrated",
        Kind::Bool,
        about(
            "像素间距与成像器像素间距之差是否超过千分之一",
            "whether Pixel Spacing differs from Imager Pixel Spacing by more than one part in a thousand",
        ),
        |s| is_calibrated(s).into(),
    ),
    fact(
        "magnification_error",
        Kind::Number,
        about(
            "成像器像素间距与像素间距之比偏离估计放大系数的百分比；间距未以图中物体校准时",
            "percent by which Imager Pixel Spacing / Pixel Spacing differs from Estimated Radiographic Magnification Factor, where the spacing was not calibrated by an object in the picture",
        ),
        |s| rounded(magnification_error(s)),
    ),
    fact(
        "calibration_age",
        Kind::Number,
        about(
            "探测器最近一次校准至检查的天数",
            "days from the last calibration of the detector to the examination",
        ),
        |s| calibration_age(s).into(),
    ),
];

/// The spacing of the pixels on the detector, rows and columns in mm: Imager Pixel Spacing (0018,1164), else Pixel Spacing
/// (0028,0030). `None` for what is not two numbers.
#[must_use]
pub fn detector_spacing(subject: &Subject<'_>) -> Option<[f64; 2]> {
    pair(subject, tags::IMAGER_PIXEL_SPACING).or_else(|| pair(subject, tags::PIXEL_SPACING))
}

/// Two numbers of an attribute.
pub(super) fn pair(subject: &Subject<'_>, tag: Tag) -> Option<[f64; 2]> {
    match subject.numbers(tag).as_slice() {
        [row, column] => Some([*row, *column]),
        _ => None,
    }
}

/// Imager Pixel Spacing divided by Pixel Spacing, along the columns.
fn spacing_ratio(subject: &Subject<'_>) -> Option<f64> {
    let [imager, _] = pair(subject, tags::IMAGER_PIXEL_SPACING)?;
    let [pixel, _] = pair(subject, tags::PIXEL_SPACING)?;
    (imager > 0.0 && pixel > 0.0).then(|| imager / pixel)
}

/// Whether Pixel Spacing says something else than Imager Pixel Spacing, so that it was calibrated (PS3.3 §10.7.1). `None` where
/// one of them is not given.
#[must_use]
pub fn is_calibrated(subject: &Subject<'_>) -> Option<bool> {
    // Decimal strings of four digits differ by less.
    Some((spacing_ratio(subject)? - 1.0).abs() > 0.001)
}

/// How far the ratio of the spacings is from the magnification that geometry gives (0018,1114), in percent. `None` where one
/// of them is not given, the spacing was not calibrated, or was calibrated by a fiducial (0028,0A02), which may lie elsewhere
/// than the organ that the factor is estimated for.
#[must_use]
pub fn magnification_error(subject: &Subject<'_>) -> Option<f64> {
    let by_object =
        subject.text(tags::PIXEL_SPACING_CALIBRATION_TYPE).as_deref() == Some("FIDUCIAL");
    if by_object || !is_calibrated(subject)? {
        return None;
    }
    let factor = number(subject, tags::ESTIMATED_RADIOGRAPHIC_MAGNIFICATION_FACTOR);
    let factor = factor.filter(|factor| *factor > 0.0)?;
    Some((spacing_ratio(subject)? / factor - 1.0).abs() * 100.0)
}

/// Days from the last calibration, Date of Last Detector Calibration (0018,700C) or the latest Date of Last Calibration
/// (0018,1200), to the examination; negative where it is dated after it. `None` where there is no date of either.
#[must_use]
pub fn calibration_age(subject: &Subject<'_>) -> Option<i64> {
    let exam = dates::exam_date(subject)?;
    let latest = |tag| {
        let element = subject.view().find(tag)?;
        let days = subject.view().strings(element).into_iter();
        days.filter(|day| day.len() == 8).filter_map(|day| parse_da(&day)).max()
    };
    let last = latest(tags::DATE_OF_LAST_DETECTOR_CALIBRATION)
        .or_else(|| latest(tags::DATE_OF_LAST_CALIBRATION))?;
    Some(i64::from(last.until((Unit::Day, exam)).ok()?.get_days()))
}
