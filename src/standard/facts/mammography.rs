//! The breast: what its views say beside the view itself, and the frames of tomosynthesis. PS3.3 C.8.11.7, C.8.21.

use crate::dicom::attribute::keyword_of;
use crate::dicom::tags;
use crate::expression::{Environment as _, Kind};
use crate::standard::subject::Subject;

use super::{Fact, about, fact, functional_groups, names, views};

/// Mammography.
pub(super) const FACTS: &[Fact] = &[
    fact(
        "breast_view",
        Kind::Bool,
        about(
            "体位代码序列是否只有一项且为乳腺体位（PS3.16 CID 4014）",
            "whether View Code Sequence has one item, with a view of the breast (PS3.16 CID 4014)",
        ),
        |s| has_breast_view(s).into(),
    ),
    fact(
        "implant_displaced",
        Kind::Bool,
        about(
            "按修饰符，体位是否为推开假体的体位",
            "whether the view is one with the implant pushed out of it, by its modifier",
        ),
        |s| views::is_implant_displaced(s).into(),
    ),
    fact(
        "partial_view_told",
        Kind::Bool,
        about(
            "局部视图是否以文字或代码写明是哪一部分；局部视图不为 YES 时未知",
            "whether Partial View says of what part it is, in words or codes; unknown where it is not YES",
        ),
        |s| is_partial_view_told(s).into(),
    ),
    fact(
        "frame_geometry_lacking",
        Kind::Texts,
        about(
            "像素测量、平面位置（患者）、平面方向（患者）功能组中既不共享也不在每帧中的（关键字）",
            "which of the functional groups Pixel Measures, Plane Position (Patient) and Plane Orientation (Patient) are neither shared nor in every frame, by keyword",
        ),
        |s| names(frame_geometry_lacking(s)),
    ),
];

/// Whether the view is coded as PS3.3 C.8.11.7 wants it: one item, and a view of CID 4014.
#[must_use]
pub fn has_breast_view(subject: &Subject<'_>) -> bool {
    super::codes::items(subject, tags::VIEW_CODE_SEQUENCE).count() == 1
        && views::by_code(subject).is_some_and(|view| views::OF_THE_BREAST.contains(&view.word))
}

/// Whether it is told which part a partial view shows: Partial View Description (0028,1351) or Partial View Code Sequence
/// (0028,1352). `None` where Partial View (0028,1350) is not `YES`.
#[must_use]
pub fn is_partial_view_told(subject: &Subject<'_>) -> Option<bool> {
    let is_partial = subject.text(tags::PARTIAL_VIEW).as_deref() == Some("YES");
    let parts = [tags::PARTIAL_VIEW_DESCRIPTION, tags::PARTIAL_VIEW_CODE_SEQUENCE];
    is_partial.then(|| parts.iter().any(|tag| subject.attribute(*tag).is_known()))
}

/// The keywords of the functional groups that place a frame in space and are neither shared nor in every frame.
#[must_use]
pub fn frame_geometry_lacking(subject: &Subject<'_>) -> Vec<String> {
    const GEOMETRY: [crate::dicom::Tag; 3] = [
        tags::PIXEL_MEASURES_SEQUENCE,
        tags::PLANE_POSITION_SEQUENCE,
        tags::PLANE_ORIENTATION_SEQUENCE,
    ];
    functional_groups::lacking(subject, &GEOMETRY).into_iter().map(keyword_of).collect()
}
