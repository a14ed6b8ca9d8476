//! Whether the Pixel Data is as long as the Image Pixel Module says. Nothing is decoded.

use dicom_dictionary_std::uids;

use crate::dicom::transfer_syntax::{PixelCoding, TransferSyntax};
use crate::dicom::{Tag, sop_class, tags};
use crate::expression::{Environment as _, Kind as ValueKind, Value};
use crate::object::{Element, Kind};
use crate::standard::subject::Subject;

use super::{Fact, about, fact};

pub(super) const FACTS: &[Fact] = &[
    fact(
        "pixels_present",
        ValueKind::Bool,
        about(
            "是否有非空的像素数据、浮点或双精度像素数据，或像素数据提供者 URL",
            "whether there is Pixel Data, Float or Double Float Pixel Data that is not empty, or a Pixel Data Provider URL",
        ),
        |s| has_pixels(s).into(),
    ),
    fact(
        "multi_frame_class",
        ValueKind::Bool,
        about(
            "SOP 类的图像是否应写明帧数",
            "whether the SOP class is one whose images say how many frames they have",
        ),
        |s| is_multi_frame_class(s).into(),
    ),
    fact(
        "pixel_length",
        ValueKind::Number,
        about(
            "未压缩像素数据的字节数，含填充；压缩时未知",
            "bytes of native Pixel Data, padding included; unknown when it is compressed",
        ),
        |s| native(s).map(Element::length).and_then(whole).into(),
    ),
    fact(
        "pixel_length_expected",
        ValueKind::Number,
        about(
            "按行、列、样本、帧和位数，未压缩像素数据应有的字节数，不含填充；缺其一时未知",
            "bytes that native Pixel Data has by rows, columns, samples, frames and bits, without padding; unknown where one of them is missing",
        ),
        |s| expected_length(s).and_then(whole).into(),
    ),
    fact(
        "pixel_fragments",
        ValueKind::Number,
        about(
            "压缩像素数据中有内容的片段数，不计偏移表",
            "fragments of compressed Pixel Data that hold something, the offset table left out",
        ),
        |s| fragments(s).map(|count| i64::try_from(count).unwrap_or(i64::MAX)).into(),
    ),
    fact(
        "pixel_fragments_expected",
        ValueKind::Number,
        about(
            "压缩像素数据至少应有的片段数：每帧一个，视频一个；不能判断帧数时未知",
            "fragments that compressed Pixel Data has at least: one a frame, of video one; unknown where frames are not to be told",
        ),
        |s| expected_fragments(s).into(),
    ),
];

/// Elements that hold pixels.
const PIXELS: [Tag; 3] = [tags::PIXEL_DATA, tags::FLOAT_PIXEL_DATA, tags::DOUBLE_FLOAT_PIXEL_DATA];

/// Whether there are pixels, or the place where they are to be had (PS3.3 C.7.6.3, C.7.6.24, C.7.6.25).
#[must_use]
pub fn has_pixels(subject: &Subject<'_>) -> bool {
    pixels(subject).is_some_and(|element| element.length() > 0)
        || subject.text(tags::PIXEL_DATA_PROVIDER_URL).is_some()
}

fn pixels<'a>(subject: &Subject<'a>) -> Option<&'a Element> {
    let view = subject.view();
    // They stand last at the top level.
    view.top().filter(|element| PIXELS.contains(&element.tag)).last()
}

/// Pixel Data that is not compressed.
fn native<'a>(subject: &Subject<'a>) -> Option<&'a Element> {
    pixels(subject).filter(|element| element.kind == Kind::Value)
}

fn number(subject: &Subject<'_>, tag: Tag) -> Option<u64> {
    match subject.attribute(tag) {
        Value::Int(number) => u64::try_from(number).ok(),
        Value::Unknown | Value::Bool(_) | Value::Double(_) | Value::Text(_) | Value::List(_) => {
            None
        }
    }
}

/// Number of Frames (0028,0008): 1 when it is absent, `None` when it is no number above 0.
fn frames(subject: &Subject<'_>) -> Option<u64> {
    match subject.view().find(tags::NUMBER_OF_FRAMES).filter(|element| element.length() > 0) {
        None => Some(1),
        Some(_) => number(subject, tags::NUMBER_OF_FRAMES).filter(|frames| *frames > 0),
    }
}

/// How long native Pixel Data is, without padding (PS3.5 §8.1.1 and annex D). Samples of YBR_FULL_422 and YBR_PARTIAL_422 are
/// 2 a pixel, of YBR_PARTIAL_420 one and a half (PS3.3 C.7.6.3.1.2).
#[must_use]
pub fn expected_length(subject: &Subject<'_>) -> Option<u64> {
    native(subject)?;
    let number = |tag| number(subject, tag);
    let pixels =
        number(tags::ROWS)?.checked_mul(number(tags::COLUMNS)?)?.checked_mul(frames(subject)?)?;
    let samples = number(tags::SAMPLES_PER_PIXEL)?;
    let photometric = subject.text(tags::PHOTOMETRIC_INTERPRETATION);
    let halves = match (photometric.as_deref(), samples) {
        (Some("YBR_FULL_422" | "YBR_PARTIAL_422"), 3) => 4,
        (Some("YBR_PARTIAL_420"), 3) => 3,
        _ => samples.checked_mul(2)?,
    };
    let bits = pixels.checked_mul(halves)?.checked_mul(number(tags::BITS_ALLOCATED)?)?;
    Some(bits.div_ceil(16))
}

/// Fragments of compressed Pixel Data that are not empty, the Basic Offset Table left out.
fn fragments(subject: &Subject<'_>) -> Option<usize> {
    let pixels = pixels(subject).filter(|element| element.kind == Kind::Fragments)?;
    let values = subject.view().fragments(pixels).skip(1);
    Some(values.filter(|fragment| fragment.length() > 0).count())
}

/// How many fragments there must be at least (PS3.5 annex A.4): no fragment holds parts of two frames, but for video, whose
/// frames are no units.
fn expected_fragments(subject: &Subject<'_>) -> Option<i64> {
    fragments(subject)?;
    let syntax = subject.arrival().transfer_syntax;
    match TransferSyntax::of(syntax).pixels {
        PixelCoding::Unknown => None,
        PixelCoding::Native
        | PixelCoding::Lossless
        | PixelCoding::MaybeLossy
        | PixelCoding::Lossy => {
            if is_video(syntax) {
                Some(1)
            } else {
                frames(subject).and_then(whole)
            }
        }
    }
}

/// MPEG-2, MPEG-4 and HEVC (PS3.5 A.4.5 to A.4.10).
fn is_video(syntax: &str) -> bool {
    let number = syntax.strip_prefix("1.2.840.10008.1.2.4.").unwrap_or_default();
    let number: u32 = number.split('.').next().and_then(|n| n.parse().ok()).unwrap_or_default();
    (100..=108).contains(&number)
}

/// Whether Number of Frames is Type 1 in images of the SOP class.
fn is_multi_frame_class(subject: &Subject<'_>) -> Option<bool> {
    let class = subject.text(tags::SOP_CLASS_UID)?;
    let name = sop_class::name(&class);
    Some(
        ["Enhanced", "Multi-frame", "Tomosynthesis", "Volume"]
            .iter()
            .any(|word| name.contains(word))
            && name.contains("Image Storage")
            || class == uids::NUCLEAR_MEDICINE_IMAGE_STORAGE,
    )
}

fn whole(number: u64) -> Option<i64> {
    i64::try_from(number).ok()
}
