//! MR: how it was acquired.

use super::functional_groups::{
    Place, every, first, number, numbers as numbers_at, text as text_at,
};
use super::mr_series::{Acquisition, classify};
use super::words::of_series;
use super::{Fact, about, fact, names, text};
use crate::dicom::{Tag, VR, tags};
use crate::expression::Kind;
use crate::object::Element;
use crate::standard::subject::Subject;

const TIMING: Tag = tags::MR_TIMING_AND_RELATED_PARAMETERS_SEQUENCE;
const REPETITION_TIME: Place = Place::new(TIMING, tags::REPETITION_TIME);
const FLIP_ANGLE: Place = Place::new(TIMING, tags::FLIP_ANGLE);
const ECHO_TRAIN: Place = Place::new(TIMING, tags::ECHO_TRAIN_LENGTH);
const AVERAGES: Place = Place::new(tags::MR_AVERAGES_SEQUENCE, tags::NUMBER_OF_AVERAGES);
const DIFFUSION_B_VALUE: Place = Place::new(tags::MR_DIFFUSION_SEQUENCE, tags::DIFFUSION_B_VALUE);
const COIL: Place = Place::new(tags::MR_RECEIVE_COIL_SEQUENCE, tags::RECEIVE_COIL_NAME);

pub(super) const FACTS: &[Fact] = &[
    fact(
        "repetition_time",
        Kind::Number,
        about("重复时间，毫秒", "Repetition Time in milliseconds"),
        |s| number(s, REPETITION_TIME).into(),
    ),
    fact(
        "echo_time",
        Kind::Number,
        about("回波时间或有效回波时间，毫秒", "Echo Time, or Effective Echo Time, in milliseconds"),
        |s| echo_time(s).into(),
    ),
    fact(
        "inversion_time",
        Kind::Number,
        about("反转时间，毫秒", "Inversion Time in milliseconds"),
        |s| inversion_time(s).into(),
    ),
    fact("flip_angle", Kind::Number, about("翻转角，度", "Flip Angle in degrees"), |s| {
        number(s, FLIP_ANGLE).into()
    }),
    fact("averages", Kind::Number, about("平均次数", "Number of Averages"), |s| {
        number(s, AVERAGES).into()
    }),
    fact("echo_train_length", Kind::Number, about("回波链长度", "Echo Train Length"), |s| {
        number(s, ECHO_TRAIN).into()
    }),
    fact(
        "scanning_sequences",
        Kind::Texts,
        about(
            "扫描序列各项：SE、IR、GR、EP、RM；增强型对象取其脉冲序列对应的各项",
            "the terms of Scanning Sequence: SE, IR, GR, EP, RM; of an enhanced object, those that its pulse sequence comes to",
        ),
        |s| names(scanning_sequences(s)),
    ),
    fact(
        "acquisition_matrix",
        Kind::Number,
        about(
            "频率编码与相位编码步数中较大者",
            "the greater of the frequency and phase encoding steps",
        ),
        |s| acquisition_matrix(s).into(),
    ),
    fact(
        "receive_coil",
        Kind::Text,
        about("接收线圈名称", "the name of the receive coil"),
        |s| text(text_at(s, COIL)),
    ),
    fact(
        "sar",
        Kind::Number,
        about("比吸收率，瓦每千克", "the specific absorption rate in watts a kilogram"),
        |s| sar(s).into(),
    ),
    fact(
        "b_value",
        Kind::Number,
        about(
            "弥散 b 值，秒每平方毫米，包括仅以厂商私有元素写出的",
            "the diffusion b-value in seconds a square millimetre, also where only the vendor writes it",
        ),
        |s| b_value(s).into(),
    ),
    fact(
        "mr_weighting",
        Kind::Text,
        about(
            "MR 序列的类别：T1、T2、PD、FLAIR、DWI、ADC、T2*、MRA、perfusion（灌注）或 localizer（定位像）",
            "what kind of MR series it is: T1, T2, PD, FLAIR, DWI, ADC, T2*, MRA, perfusion or localizer",
        ),
        |s| text(classify(&acquisition(s)).weighting.map(|kind| kind.as_str().to_owned())),
    ),
    fact(
        "fat_suppressed",
        Kind::Bool,
        about("是否抑制脂肪信号", "whether the signal of fat is suppressed"),
        |s| classify(&acquisition(s)).fat_suppressed.into(),
    ),
];

/// What a series is classified by.
#[must_use]
pub fn acquisition(subject: &Subject<'_>) -> Acquisition {
    let view = subject.view();
    let strings = |tag: Tag| view.find(tag).map(|e| view.strings(e)).unwrap_or_default();
    let suppression = Place::new(tags::MR_MODIFIER_SEQUENCE, tags::SPECTRALLY_SELECTED_SUPPRESSION);
    let suppression = text_at(subject, suppression);
    let options = strings(tags::SCAN_OPTIONS).into_iter().chain(suppression);
    let name = [tags::SEQUENCE_NAME, tags::PULSE_SEQUENCE_NAME];
    let name = name.iter().find_map(|tag| subject.text(*tag)).unwrap_or_default();
    Acquisition {
        words: of_series(subject),
        sequence_name: name.to_uppercase(),
        image_type: strings(tags::IMAGE_TYPE),
        scanning_sequences: scanning_sequences(subject),
        options: options.collect(),
        repetition_time: number(subject, REPETITION_TIME),
        echo_time: echo_time(subject),
        inversion_time: inversion_time(subject),
        b_value: b_value(subject),
    }
}

/// Echo Time (0018,0081), or Effective Echo Time (0018,9082) of an enhanced object, in milliseconds.
#[must_use]
pub fn echo_time(subject: &Subject<'_>) -> Option<f64> {
    let enhanced = Place::new(tags::MR_ECHO_SEQUENCE, tags::EFFECTIVE_ECHO_TIME);
    let own = subject.numbers(tags::ECHO_TIME).first().copied();
    own.or_else(|| number(subject, enhanced))
}

/// Inversion Time (0018,0082), or the first of Inversion Times (0018,9079), in milliseconds.
fn inversion_time(subject: &Subject<'_>) -> Option<f64> {
    let enhanced = Place::new(tags::MR_MODIFIER_SEQUENCE, tags::INVERSION_TIMES);
    let own = subject.numbers(tags::INVERSION_TIME).first().copied();
    own.or_else(|| number(subject, enhanced))
}

/// Scanning Sequence (0018,0020); of an enhanced object, the terms that its Echo Pulse Sequence (0018,9008), Inversion
/// Recovery (0018,9009) and Echo Planar Pulse Sequence (0018,9018) come to.
fn scanning_sequences(subject: &Subject<'_>) -> Vec<String> {
    let view = subject.view();
    if let Some(own) = view.find(tags::SCANNING_SEQUENCE).filter(|own| own.length() > 0) {
        return view.strings(own);
    }
    let modifier = |tag: Tag| text_at(subject, Place::new(tags::MR_MODIFIER_SEQUENCE, tag));
    let echo = subject.text(tags::ECHO_PULSE_SEQUENCE);
    let mut terms: Vec<&str> = match echo.as_deref() {
        Some("SPIN") => vec!["SE"],
        Some("GRADIENT") => vec!["GR"],
        Some("BOTH") => vec!["SE", "GR"],
        Some(_) | None => Vec::new(),
    };
    if modifier(tags::INVERSION_RECOVERY).as_deref() == Some("YES") {
        terms.push("IR");
    }
    if subject.text(tags::ECHO_PLANAR_PULSE_SEQUENCE).as_deref() == Some("YES") {
        terms.push("EP");
    }
    terms.into_iter().map(str::to_owned).collect()
}

/// The greatest number of Acquisition Matrix (0018,1310), or of the encoding steps of an enhanced object.
fn acquisition_matrix(subject: &Subject<'_>) -> Option<f64> {
    let steps = [
        tags::MR_ACQUISITION_FREQUENCY_ENCODING_STEPS,
        tags::MR_ACQUISITION_PHASE_ENCODING_STEPS_IN_PLANE,
    ];
    let enhanced = steps
        .iter()
        .flat_map(|tag| numbers_at(subject, Place::new(tags::MRFOV_GEOMETRY_SEQUENCE, *tag)));
    let own = subject.numbers(tags::ACQUISITION_MATRIX).into_iter();
    own.chain(enhanced).filter(|steps| *steps > 0.0).max_by(f64::total_cmp)
}

/// SAR (0018,1316), or Specific Absorption Rate Value (0018,9181) of an enhanced object, in W/kg.
fn sar(subject: &Subject<'_>) -> Option<f64> {
    let of_all = Place::new(TIMING, tags::SPECIFIC_ABSORPTION_RATE_SEQUENCE);
    let enhanced = || {
        let item = super::functional_groups::items(subject, of_all).next()?;
        let value = item.find(tags::SPECIFIC_ABSORPTION_RATE_VALUE)?;
        subject.view().numbers(value).first().copied()
    };
    subject.numbers(tags::SAR).first().copied().or_else(enhanced)
}

/// The diffusion b-value (0018,9087) in s/mm² of the image or of the first frame that has one; where it is absent, that in
/// the private elements of GE, Siemens, Philips and United Imaging.
#[must_use]
pub fn b_value(subject: &Subject<'_>) -> Option<f64> {
    number(subject, DIFFUSION_B_VALUE).or_else(|| private_b_value(subject))
}

/// The b-values of all frames of an enhanced object, or the one of an image.
#[must_use]
pub fn b_values(subject: &Subject<'_>) -> Vec<f64> {
    let view = subject.view();
    let standard: Vec<f64> =
        every(subject, DIFFUSION_B_VALUE).iter().flat_map(|e| view.numbers(e)).collect();
    if standard.is_empty() { private_b_value(subject).into_iter().collect() } else { standard }
}

/// Diffusion Gradient Orientation (0018,9089) of the image, or that which Siemens writes.
#[must_use]
pub fn gradient_direction(subject: &Subject<'_>) -> Option<Vec<f64>> {
    let group = tags::DIFFUSION_GRADIENT_DIRECTION_SEQUENCE;
    let standard = first(subject, Place::new(group, tags::DIFFUSION_GRADIENT_ORIENTATION));
    let element = standard.or_else(|| private(subject, &SIEMENS_DIRECTION))?;
    Some(subject.view().numbers(element)).filter(|numbers| !numbers.is_empty())
}

/// A private attribute: its block is the one that its creator has reserved (PS3.5 §7.8.1).
struct Private {
    creator: &'static str,
    group: u16,
    element: u8,
}

const SIEMENS_DIRECTION: Private =
    Private { creator: "SIEMENS MR HEADER", group: 0x0019, element: 0x0E };
const B_VALUES: [Private; 4] = [
    Private { creator: "SIEMENS MR HEADER", group: 0x0019, element: 0x0C },
    GE_B_VALUE,
    Private { creator: "Philips Imaging DD 001", group: 0x2001, element: 0x03 },
    Private { creator: "Image Private Header", group: 0x0065, element: 0x09 },
];
const GE_B_VALUE: Private = Private { creator: "GEMS_PARM_01", group: 0x0043, element: 0x39 };
/// GE marks some b-values by adding this.
const GE_MARK: f64 = 1e9;
/// What is greater is no b-value: in vivo nobody uses a tenth of it.
const GREATEST_B: f64 = 100_000.0;

fn private_b_value(subject: &Subject<'_>) -> Option<f64> {
    let element = B_VALUES.iter().find_map(|place| private(subject, place))?;
    let number = private_number(subject, element)?;
    let number = if number >= GE_MARK { number % GE_MARK } else { number };
    (0.0..=GREATEST_B).contains(&number).then_some(number)
}

fn private<'a>(subject: &Subject<'a>, place: &Private) -> Option<&'a Element> {
    let view = subject.view();
    let mut group = view.top().filter(|element| element.tag.group() == place.group);
    let creator = group.find(|element| {
        let block = element.tag.element();
        (0x10..=0xFF).contains(&block)
            && view.strings(element).first().is_some_and(|name| name == place.creator)
    })?;
    let element = creator.tag.element() << 8 | u16::from(place.element);
    view.find(Tag(place.group, element)).filter(|element| element.length() > 0)
}

/// The first number of a private element, which may have lost its VR on the way.
fn private_number(subject: &Subject<'_>, element: &Element) -> Option<f64> {
    let view = subject.view();
    let vr = view.vr(element);
    if vr != VR::UN {
        return view.numbers(element).first().copied();
    }
    let bytes = view.bytes(element)?;
    let written = view.strings(element).first().and_then(|text| text.parse::<f64>().ok());
    written.filter(|number| number.is_finite()).or_else(|| {
        // PS3.5 §6.2.2: what has become UN is little endian.
        let float = <[u8; 4]>::try_from(bytes).ok().map(|raw| f64::from(f32::from_le_bytes(raw)));
        float.or_else(|| <[u8; 8]>::try_from(bytes).ok().map(f64::from_le_bytes))
    })
}
