//! Runs of frames, and the regions of ultrasound images. PS3.3 C.7.6.5, C.7.6.6, C.8.5.5.

use crate::dicom::tags;
use crate::expression::Kind;
use crate::object::Item;
use crate::standard::subject::Subject;

use super::codes::items;
use super::exposure::number;
use super::{Fact, about, fact};

/// Frames and regions.
pub(super) const FACTS: &[Fact] = &[
    fact(
        "frames",
        Kind::Number,
        about(
            "帧数；缺省而有图像时为 1",
            "Number of Frames; 1 where it is absent and there is an image",
        ),
        |s| frames(s).into(),
    ),
    fact(
        "frame_times",
        Kind::Number,
        about(
            "给出时间的帧数：有帧时间或帧率时为全部帧，有帧时间向量时为其值的个数；均不大于 0 时未知",
            "how many frames the image gives a time for: every one with Frame Time or a rate of frames, as many as Frame Time Vector has values; unknown where none of them is above 0",
        ),
        |s| frame_times(s).into(),
    ),
    fact(
        "native_frames",
        Kind::Number,
        about(
            "未压缩像素数据可容纳的完整帧数",
            "how many whole frames the pixel data has room for, where it is not compressed",
        ),
        |s| native_frames(s).into(),
    ),
    fact(
        "us_regions",
        Kind::Number,
        about("超声区域序列的条目数", "the items of Sequence of Ultrasound Regions"),
        |s| us_regions(s).into(),
    ),
    fact(
        "us_regions_scaled",
        Kind::Bool,
        about(
            "以厘米、秒或厘米每秒计量的超声区域，其物理增量是否均不为 0；无区域时未知",
            "whether every ultrasound region measured in centimetres, seconds or centimetres per second has deltas other than 0; unknown without regions",
        ),
        |s| are_regions_scaled(s).into(),
    ),
];

/// Number of Frames (0028,0008), 1 where it is absent and there are Rows. `None` for what is no whole number above 0.
#[must_use]
pub fn frames(subject: &Subject<'_>) -> Option<i64> {
    let view = subject.view();
    if view.find(tags::NUMBER_OF_FRAMES).is_none_or(|element| element.length() == 0) {
        return view.find(tags::ROWS).map(|_| 1);
    }
    // VR IS holds no more than 2147483647.
    number(subject, tags::NUMBER_OF_FRAMES)
        .filter(|count| count.fract() == 0.0 && *count >= 1.0 && *count <= f64::from(i32::MAX))
        .map(|count| count as i64)
}

/// How many frames have a time: all, by Frame Time (0018,1063), Cine Rate (0018,0040) or Recommended Display Frame Rate
/// (0008,2144); as many as Frame Time Vector (0018,1065) has increments. `None` where nothing of it is given.
#[must_use]
pub fn frame_times(subject: &Subject<'_>) -> Option<i64> {
    let increments = subject.numbers(tags::FRAME_TIME_VECTOR);
    if !increments.is_empty() {
        return i64::try_from(increments.len()).ok();
    }
    let rates = [tags::FRAME_TIME, tags::CINE_RATE, tags::RECOMMENDED_DISPLAY_FRAME_RATE];
    let is_given = rates.iter().any(|tag| number(subject, *tag).is_some_and(|rate| rate > 0.0));
    frames(subject).filter(|_| is_given)
}

/// How many frames of Rows times Columns samples native pixel data holds, without the padding at its end. `None` for encapsulated
/// pixel data, and where one of the numbers is missing.
#[must_use]
pub fn native_frames(subject: &Subject<'_>) -> Option<i64> {
    let pixels = subject.view().find(tags::PIXEL_DATA)?;
    if pixels.kind != crate::object::Kind::Value {
        return None;
    }
    let of = |tag| number(subject, tag).filter(|count| *count > 0.0);
    let samples = number(subject, tags::SAMPLES_PER_PIXEL).unwrap_or(1.0);
    let bits = of(tags::BITS_ALLOCATED)?;
    let frame = of(tags::ROWS)? * of(tags::COLUMNS)? * samples * bits / 8.0;
    (frame > 0.0).then(|| (pixels.length() as f64 / frame).floor() as i64)
}

/// How many items Sequence of Ultrasound Regions (0018,6011) has. `None` without the sequence.
#[must_use]
pub fn us_regions(subject: &Subject<'_>) -> Option<i64> {
    subject.view().find(tags::SEQUENCE_OF_ULTRASOUND_REGIONS)?;
    i64::try_from(items(subject, tags::SEQUENCE_OF_ULTRASOUND_REGIONS).count()).ok()
}

/// Whether regions with units of length, time or speed say how much a pixel is: Physical Delta X and Y (0018,602C), (0018,602E).
/// `None` without a region.
#[must_use]
pub fn are_regions_scaled(subject: &Subject<'_>) -> Option<bool> {
    /// Centimetres, seconds, centimetres per second: PS3.3 C.8.5.5.1.15.
    const MEASURED: [f64; 3] = [3.0, 4.0, 7.0];
    let value = |region: Item<'_>, tag| {
        let element = region.find(tag)?;
        subject.view().numbers(element).first().copied()
    };
    let is_scaled = |region: Item<'_>| {
        let axis = |units, delta| {
            let is_measured = value(region, units).is_some_and(|units| MEASURED.contains(&units));
            !is_measured || value(region, delta).is_some_and(|delta| delta != 0.0)
        };
        axis(tags::PHYSICAL_UNITS_X_DIRECTION, tags::PHYSICAL_DELTA_X)
            && axis(tags::PHYSICAL_UNITS_Y_DIRECTION, tags::PHYSICAL_DELTA_Y)
    };
    us_regions(subject).filter(|count| *count > 0)?;
    Some(items(subject, tags::SEQUENCE_OF_ULTRASOUND_REGIONS).all(is_scaled))
}
