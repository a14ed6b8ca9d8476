//! How the slices of one object lie in space, and what tells its stacks apart.

use dicom_dictionary_std::uids;

use super::functional_groups::{self as groups, Place, every, first};
use super::mr_series::LOCALIZER;
use super::words::{has_any, of_series};
use super::{Fact, about, fact, names, numbers, text};
use crate::dicom::attribute::keyword_of;
use crate::dicom::{Tag, tags};
use crate::expression::{Environment as _, Kind, Value};
use crate::standard::geometry::{Plane, Traits, Vector};
use crate::standard::subject::Subject;

const SLICE_THICKNESS: Place = Place::new(tags::PIXEL_MEASURES_SEQUENCE, tags::SLICE_THICKNESS);
const PIXEL_SPACING: Place = Place::new(tags::PIXEL_MEASURES_SEQUENCE, tags::PIXEL_SPACING);
const BETWEEN_SLICES: Place =
    Place::new(tags::PIXEL_MEASURES_SEQUENCE, tags::SPACING_BETWEEN_SLICES);
const ORIENTATION: Place =
    Place::new(tags::PLANE_ORIENTATION_SEQUENCE, tags::IMAGE_ORIENTATION_PATIENT);
const POSITION: Place = Place::new(tags::PLANE_POSITION_SEQUENCE, tags::IMAGE_POSITION_PATIENT);

pub(super) const FACTS: &[Fact] = &[
    fact(
        "slice_thickness",
        Kind::Number,
        about(
            "层厚，毫米；多帧时取最厚者",
            "Slice Thickness in millimetres; of several frames, the thickest",
        ),
        |s| slice_thickness(s).into(),
    ),
    fact(
        "spacing_between_slices",
        Kind::Number,
        about("层间距，毫米", "Spacing Between Slices in millimetres"),
        |s| groups::number(s, BETWEEN_SLICES).into(),
    ),
    fact(
        "pixel_spacing",
        Kind::Numbers,
        about(
            "像素间距，毫米：行间、列间",
            "Pixel Spacing in millimetres: between rows, between columns",
        ),
        |s| numbers(groups::numbers(s, PIXEL_SPACING)),
    ),
    fact(
        "field_of_view",
        Kind::Number,
        about(
            "图像宽度，毫米：列数乘列间距",
            "the width of the image in millimetres: columns by their spacing",
        ),
        |s| field_of_view(s).into(),
    ),
    fact(
        "orientation_valid",
        Kind::Bool,
        about(
            "各帧的图像方向（患者）是否均为两个互相垂直的单位向量",
            "whether Image Orientation (Patient) is two unit vectors at a right angle, in all frames",
        ),
        |s| is_orientation_valid(s).into(),
    ),
    fact(
        "position_valid",
        Kind::Bool,
        about(
            "各帧的图像位置（患者）是否均为三个数",
            "whether Image Position (Patient) is three numbers, in all frames",
        ),
        |s| is_position_valid(s).into(),
    ),
    fact(
        "plane",
        Kind::Text,
        about(
            "身体切面：axial（轴位）、coronal（冠状位）、sagittal（矢状位）或 oblique（斜位）",
            "the plane of the body: axial, coronal, sagittal or oblique",
        ),
        |s| text(plane(s).map(|plane| plane.view().as_str().to_owned())),
    ),
    fact(
        "tilt",
        Kind::Number,
        about(
            "图像法线与身体长轴的夹角，0 至 90 度",
            "degrees between the normal of the image and the long axis of the body, 0 to 90",
        ),
        |s| plane(s).map(|plane| plane.tilt()).into(),
    ),
    fact(
        "localizer",
        Kind::Bool,
        about(
            "按图像类型或帧类型是否为定位像；两者均无时未知",
            "whether it is a localizer, by Image Type or Frame Type; unknown without these",
        ),
        |s| is_localizer(s).into(),
    ),
    fact(
        "cross_section",
        Kind::Bool,
        about(
            "是否为人体断层：按类型（MR 亦按描述）不是定位像，也不是屏幕截图",
            "whether it is a slice of the body: no localizer, by type or (of MR) by description, and no captured screen",
        ),
        |s| is_cross_section(s).into(),
    ),
    fact(
        "frame_groups",
        Kind::Number,
        about("逐帧功能组序列的条目数", "how many items Per-frame Functional Groups Sequence has"),
        |s| frame_groups(s).into(),
    ),
    fact(
        "lacking_groups",
        Kind::Texts,
        about(
            "SOP 类要求而既不共享也不在每帧中的功能组",
            "functional groups that the SOP class demands and that are neither shared nor in every frame",
        ),
        |s| names(lacking_groups(s)),
    ),
];

/// Slice Thickness (0018,0050) in millimetres; of several frames, the thickest. `None` when absent or no number.
#[must_use]
pub fn slice_thickness(subject: &Subject<'_>) -> Option<f64> {
    let all = every(subject, SLICE_THICKNESS).into_iter();
    all.flat_map(|element| subject.view().numbers(element)).max_by(f64::total_cmp)
}

/// The width of the image in millimetres.
fn field_of_view(subject: &Subject<'_>) -> Option<f64> {
    let &[_, between_columns] = groups::numbers(subject, PIXEL_SPACING).as_slice() else {
        return None;
    };
    Some(between_columns * subject.numbers(tags::COLUMNS).first()?)
}

/// The orientation of the image, or of the first frame that has one.
#[must_use]
pub fn plane(subject: &Subject<'_>) -> Option<Plane> {
    Plane::of(&groups::numbers(subject, ORIENTATION))
}

/// Image Position (Patient) (0020,0032) of the image, or of the first frame that has one.
#[must_use]
pub fn position(subject: &Subject<'_>) -> Option<Vector> {
    <[f64; 3]>::try_from(groups::numbers(subject, POSITION)).ok()
}

/// Where each slice lies: of a single-frame object one, of an enhanced one those of its frames that say so.
#[must_use]
pub fn slices(subject: &Subject<'_>) -> Vec<(Plane, Vector)> {
    let view = subject.view();
    let planes = every(subject, ORIENTATION);
    let positions = every(subject, POSITION);
    let plane_at = |index: usize| {
        let element = planes.get(index).or_else(|| planes.first().filter(|_| planes.len() == 1))?;
        Plane::of(&view.numbers(element))
    };
    let placed = positions.iter().enumerate().map(|(index, element)| {
        Some((plane_at(index)?, <[f64; 3]>::try_from(view.numbers(element)).ok()?))
    });
    placed.flatten().collect()
}

/// Whether Image Orientation (Patient) (0020,0037) is two unit vectors at a right angle (PS3.3 C.7.6.2.1.1) wherever it is
/// given. `None` when it is absent.
#[must_use]
pub fn is_orientation_valid(subject: &Subject<'_>) -> Option<bool> {
    let view = subject.view();
    let all = every(subject, ORIENTATION);
    let valid = |numbers: Vec<f64>| Plane::of(&numbers).is_some_and(|p| p.is_orthonormal());
    (!all.is_empty()).then(|| all.iter().all(|element| valid(view.numbers(element))))
}

/// Whether Image Position (Patient) (0020,0032) is three numbers wherever it is given. `None` when it is absent.
#[must_use]
pub fn is_position_valid(subject: &Subject<'_>) -> Option<bool> {
    let view = subject.view();
    let all = every(subject, POSITION);
    (!all.is_empty()).then(|| all.iter().all(|element| view.numbers(element).len() == 3))
}

/// Whether it is a localizer: Image Type (0008,0008), or Frame Type (0008,9007) of the first frame, says so.
#[must_use]
pub fn is_localizer(subject: &Subject<'_>) -> Option<bool> {
    let view = subject.view();
    let of_image = view.find(tags::IMAGE_TYPE).into_iter();
    let groups = [tags::CT_IMAGE_FRAME_TYPE_SEQUENCE, tags::MR_IMAGE_FRAME_TYPE_SEQUENCE];
    let of_frames =
        groups.iter().filter_map(|group| first(subject, Place::new(*group, tags::FRAME_TYPE)));
    let values: Vec<String> =
        of_image.chain(of_frames).flat_map(|element| view.strings(element)).collect();
    (!values.is_empty()).then(|| values.iter().any(|value| value == "LOCALIZER"))
}

/// Whether it is a slice of the body, as far as it says anything else: no localizer, no captured screen. Many an MR scanner
/// tells a localizer by the description alone; in those of CT the word also stands for planning a therapy.
#[must_use]
pub fn is_cross_section(subject: &Subject<'_>) -> bool {
    let is_called_localizer = || {
        subject.text(tags::MODALITY).as_deref() == Some("MR")
            && has_any(&of_series(subject).replace('_', " "), LOCALIZER)
    };
    is_localizer(subject) != Some(true)
        && !super::scope::is_screen_capture(subject)
        && !is_called_localizer()
}

fn frame_groups(subject: &Subject<'_>) -> Option<i64> {
    i64::try_from(groups::frame_groups(subject)?).ok()
}

/// Keywords of the groups that the SOP class demands (PS3.3 A.36.2, A.38.1, A.70, A.71) and that are not there. None
/// for other classes. A derived object need not have a place in space.
fn lacking_groups(subject: &Subject<'_>) -> Vec<String> {
    let class = subject.text(tags::SOP_CLASS_UID).unwrap_or_default();
    let is_derived = subject.text(tags::IMAGE_TYPE).as_deref() == Some("DERIVED");
    let always: &[Tag] = match class.as_str() {
        uids::ENHANCED_CT_IMAGE_STORAGE => &[
            tags::PIXEL_MEASURES_SEQUENCE,
            tags::FRAME_CONTENT_SEQUENCE,
            tags::FRAME_ANATOMY_SEQUENCE,
        ],
        uids::ENHANCED_MR_IMAGE_STORAGE if !is_derived => &[
            tags::PIXEL_MEASURES_SEQUENCE,
            tags::FRAME_CONTENT_SEQUENCE,
            tags::FRAME_ANATOMY_SEQUENCE,
        ],
        uids::ENHANCED_MR_IMAGE_STORAGE
        | uids::LEGACY_CONVERTED_ENHANCED_CT_IMAGE_STORAGE
        | uids::LEGACY_CONVERTED_ENHANCED_MR_IMAGE_STORAGE => {
            &[tags::PIXEL_MEASURES_SEQUENCE, tags::FRAME_CONTENT_SEQUENCE]
        }
        _ => return Vec::new(),
    };
    let in_space = [tags::PLANE_POSITION_SEQUENCE, tags::PLANE_ORIENTATION_SEQUENCE];
    let wanted: Vec<Tag> =
        always.iter().copied().chain(in_space.into_iter().filter(|_| !is_derived)).collect();
    groups::lacking(subject, &wanted).into_iter().map(keyword_of).collect()
}

/// What tells the stacks of a series apart, of one image; see [`Traits`].
#[must_use]
pub fn traits(subject: &Subject<'_>) -> Traits {
    let whole = |tag: Tag| match subject.attribute(tag) {
        Value::Int(number) => i32::try_from(number).unwrap_or_default(),
        Value::Double(number) => number as i32,
        Value::Unknown | Value::Bool(_) | Value::Text(_) | Value::List(_) => 0,
    };
    let word = |text: Option<String>| text.map_or(0, |text| Traits::word(&text));
    let temporal = match whole(tags::TEMPORAL_POSITION_IDENTIFIER) {
        0 => whole(tags::TRIGGER_TIME),
        identifier => identifier,
    };
    let kind = subject.view().find(tags::IMAGE_TYPE).map(|e| subject.view().strings(e).join("\\"));
    let direction = super::mr::gradient_direction(subject);
    Traits {
        thickness: slice_thickness(subject).map_or(0, Traits::thousandths),
        kernel: word(super::ct::kernel(subject)),
        image_type: word(kind),
        contrast: u32::from(super::contrast::has_agent(subject)),
        acquisition: whole(tags::ACQUISITION_NUMBER),
        echo: super::mr::echo_time(subject).map_or(0, Traits::thousandths),
        b_value: super::mr::b_value(subject).map_or(0, |value| value.round() as i32),
        direction: direction.map_or(0, |direction| Traits::word(&format!("{direction:?}"))),
        temporal,
    }
}
