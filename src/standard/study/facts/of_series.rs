//! Facts about a series.

use super::{StudyFact, count, if_told, if_whole, series, shows_diffusion, sum};
use crate::expression::{Kind, Value};
use crate::standard::about::about;
use crate::standard::geometry::distinct;

/// Facts about a series.
pub const SERIES_FACTS: &[StudyFact] = &[
    series(
        "modality",
        Kind::Text,
        about("检查类型（全部影像相同时）", "Modality, where all its images have the same"),
        |_, s| {
            let modalities = &s.series.modalities;
            let one = modalities.first().filter(|_| modalities.count() == 1);
            one.map_or(Value::Unknown, |modality| Value::present(modality))
        },
    ),
    series(
        "modalities",
        Kind::Number,
        about("不同检查类型的个数", "different values of Modality"),
        |_, s| count(s.series.modalities.count()),
    ),
    series(
        "patients",
        Kind::Number,
        about("不同患者 ID 的个数", "different Patient IDs"),
        |_, s| count(s.series.patients.count()),
    ),
    series(
        "elsewhere",
        Kind::Bool,
        about("其 UID 是否曾在另一检查中出现", "whether its UID came in another study"),
        |all, s| all.beside.series_elsewhere.contains(&s.key).into(),
    ),
    series(
        "frames_of_reference",
        Kind::Number,
        about("不同参考坐标系的个数", "different frames of reference"),
        |_, s| count(s.series.frames_of_reference.count()),
    ),
    series(
        "rejected",
        Kind::Bool,
        about(
            "是否为该序列中被关键对象选择拒绝的影像；其余影像另行判定",
            "whether these are the images of a series that a Key Object Selection rejects; the others are looked at apart",
        ),
        |_, s| s.rejected.into(),
    ),
    series(
        "images",
        Kind::Number,
        about("影像数，不计定位像", "images, localizers left out"),
        |_, s| count(s.images),
    ),
    series("localizers", Kind::Number, about("定位像数", "localizers"), |_, s| {
        count(s.localizers)
    }),
    series(
        "plane",
        Kind::Text,
        about("影像最多的层组的切面", "the plane of the stack with most images"),
        |_, s| s.main().map(|stack| stack.plane.as_str()).into(),
    ),
    series(
        "orientations",
        Kind::Number,
        about(
            "其余条件同属一组的影像中的方向数",
            "orientations among images that are otherwise of one stack",
        ),
        |_, s| if_told(s, || count(s.orientations)),
    ),
    series(
        "missing_slices",
        Kind::Number,
        about(
            "中间缺失的层数：相邻层相距一个半层间距以上",
            "slices missing between others: neighbours are one and a half intervals apart or more",
        ),
        |all, s| if_whole(all, if_told(s, || sum(s, |stack| stack.missing))),
    ),
    series(
        "irregular_intervals",
        Kind::Number,
        about(
            "与通常层间距不同的间隔数",
            "intervals between slices that differ from the usual one",
        ),
        |_, s| if_told(s, || sum(s, |stack| stack.irregular)),
    ),
    series(
        "duplicate_positions",
        Kind::Number,
        about(
            "同一层组中超出该位置通常张数的影像数",
            "images beyond the usual number at their position in their stack",
        ),
        |_, s| if_told(s, || count(s.stacks.iter().map(|stack| stack.stack.surplus).sum())),
    ),
    series(
        "lost_slices",
        Kind::Number,
        about(
            "按位置和实例号均缺失的层数",
            "slices missing by their position and by their Instance Number",
        ),
        |all, s| if_whole(all, if_told(s, || count(s.lost))),
    ),
    series(
        "interval",
        Kind::Number,
        about(
            "影像最多的层组的层间距，毫米",
            "millimetres between slices of the stack with most images",
        ),
        |_, s| s.main().and_then(|stack| stack.stack.interval).into(),
    ),
    series(
        "thickness",
        Kind::Number,
        about("该层组的层厚，毫米", "thickness of these slices in millimetres"),
        |_, s| s.main().map(|stack| stack.thickness).filter(|thickness| *thickness > 0.0).into(),
    ),
    series(
        "open",
        Kind::Bool,
        about("层间距是否大于层厚", "whether slices lie further apart than they are thick"),
        |_, s| s.is_open().into(),
    ),
    series(
        "gap_share",
        Kind::Number,
        about("层间空隙与层厚之比", "the gap between slices as a part of their thickness"),
        |_, s| s.gap_share().into(),
    ),
    series(
        "missing_numbers",
        Kind::Number,
        about("中间缺失的实例号个数", "Instance Numbers missing between others"),
        |all, s| {
            let missing = s.numbering.map(|numbering| i64::from(numbering.missing));
            // Of images that are set apart, the numbers of the others are missing.
            let told = all.is_whole() && all.rejected == 0;
            missing.filter(|_| told).into()
        },
    ),
    series(
        "repeated_numbers",
        Kind::Number,
        about("实例号与他者重复的影像数", "images whose Instance Number another has"),
        |_, s| s.numbering.map(|numbering| i64::from(numbering.repeated)).into(),
    ),
    series(
        "equal_pixels",
        Kind::Number,
        about(
            "像素与另一位置影像相同的影像数",
            "images whose pixels are those of an image at another position",
        ),
        |_, s| s.equal_pixels.map_or(Value::Unknown, count),
    ),
    series(
        "two_dimensional",
        Kind::Bool,
        about("MR 采集类型是否为 2D", "whether MR Acquisition Type says 2D"),
        |_, s| s.series.two_dimensional.into(),
    ),
    series(
        "diffusion",
        Kind::Bool,
        about("是否为弥散序列", "whether it shows diffusion"),
        |_, s| shows_diffusion(s).into(),
    ),
    series(
        "b_values",
        Kind::Number,
        about("不同弥散 b 值的个数", "different diffusion b-values"),
        |_, s| count(distinct(&s.b_values)),
    ),
    series(
        "contrast",
        Kind::Bool,
        about("是否写明对比剂", "whether a contrast agent is named"),
        |_, s| s.series.contrast.into(),
    ),
];
