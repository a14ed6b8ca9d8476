//! What kind of object it is, as far as a mark depends on that.

use dicom_dictionary_std::uids;

use crate::dicom::sop_class::{Eligibility, eligibility};
use crate::dicom::tags;
use crate::expression::{Kind, Value};
use crate::standard::applies::{ClassGroup, ClassGroups};
use crate::standard::subject::Subject;

use super::{Fact, about, fact, image, text};

/// Kinds of objects.
pub(super) const FACTS: &[Fact] = &[
    fact(
        "markable_class",
        Kind::Bool,
        about(
            "SOP 类是否为检查影像，包括仅在名录列明时才加标识的类",
            "whether the SOP class is one of examination images, those included that are marked only where the lists name them",
        ),
        |s| is_markable_class(s).into(),
    ),
    fact(
        "class_modality",
        Kind::Text,
        about(
            "SOP 类所属的检查类型；不限类型的 SOP 类未知",
            "the modality that the SOP class is for; unknown for classes of any modality",
        ),
        |s| text(image::class_modality(s).map(str::to_owned)),
    ),
    fact(
        "for_processing_class",
        Kind::Bool,
        about(
            "SOP 类是否为不直接显示的待处理影像",
            "whether the SOP class is that of images that are not to be shown as they are",
        ),
        |s| is_for_processing(s).into(),
    ),
    fact(
        "auxiliary_class",
        Kind::Bool,
        about(
            "SOP 类是否为报告、关键对象、显示状态、分割、配准、放疗或波形",
            "whether the SOP class is that of a report, key objects, a presentation state, a segmentation, a registration, radiotherapy or a waveform",
        ),
        |s| is_auxiliary(s).into(),
    ),
    fact(
        "screen_capture",
        Kind::Bool,
        about(
            "按图像类型或序列描述，是否为屏幕截图、剂量页或协议页",
            "whether Image Type or Series Description tell that it is a captured screen, a dose page or a protocol page",
        ),
        |s| is_screen_capture(s).into(),
    ),
    // Rules for a person to decide ask for these, so that nobody takes them for kept.
    fact(
        "side_marker_agrees",
        Kind::Bool,
        about(
            "图中侧别标记是否与侧别一致；不识读像素中的文字，故始终未知",
            "whether a side marker in the picture agrees with the laterality; always unknown, since text in pixels is not read",
        ),
        |_| Value::Unknown,
    ),
    fact(
        "burned_in_identity_agrees",
        Kind::Bool,
        about(
            "图中患者资料是否与文件头一致；不识读像素中的文字，故始终未知",
            "whether the patient's data in the picture are those of the header; always unknown, since text in pixels is not read",
        ),
        |_| Value::Unknown,
    ),
    fact(
        "order_agrees",
        Kind::Bool,
        about(
            "患者资料是否与申请单一致；本网关不知申请单，故始终未知",
            "whether the patient's data are those of the order; always unknown, since the gate is told of no orders",
        ),
        |_| Value::Unknown,
    ),
    fact(
        "device_accepted",
        Kind::Bool,
        about(
            "设备在检查当日是否有有效的验收或状态检测；此处不存检测记录，故始终未知",
            "whether the device had a valid acceptance or status test on the day of the examination; always unknown, since no records of tests are kept here",
        ),
        |_| Value::Unknown,
    ),
];

/// Whether objects of its SOP class can be images of an examination. `None` without one.
#[must_use]
pub fn is_markable_class(subject: &Subject<'_>) -> Option<bool> {
    let class = subject.text(tags::SOP_CLASS_UID)?;
    Some(match eligibility(&class) {
        Eligibility::Eligible | Eligibility::OnlyIfListed => true,
        Eligibility::Never => false,
    })
}

fn is_for_processing(subject: &Subject<'_>) -> bool {
    let class = subject.text(tags::SOP_CLASS_UID);
    class.is_some_and(|class| {
        matches!(
            class.as_str(),
            uids::DIGITAL_X_RAY_IMAGE_STORAGE_FOR_PROCESSING
                | uids::DIGITAL_MAMMOGRAPHY_X_RAY_IMAGE_STORAGE_FOR_PROCESSING
                | uids::DIGITAL_INTRA_ORAL_X_RAY_IMAGE_STORAGE_FOR_PROCESSING
                | uids::BREAST_PROJECTION_X_RAY_IMAGE_STORAGE_FOR_PROCESSING
        )
    })
}

/// Whether it is an object about images, or beside them: reports, key objects, presentation states, segmentations, registrations,
/// radiotherapy, waveforms. `None` without a SOP class.
#[must_use]
pub fn is_auxiliary(subject: &Subject<'_>) -> Option<bool> {
    const AUXILIARY: &[ClassGroup] = &[
        ClassGroup::Sr,
        ClassGroup::KeyObjects,
        ClassGroup::PresentationState,
        ClassGroup::Segmentation,
        ClassGroup::Registration,
        ClassGroup::Radiotherapy,
        ClassGroup::Waveform,
    ];
    let class = subject.text(tags::SOP_CLASS_UID)?;
    Some(ClassGroups::of_class(&class).meet(ClassGroups::from(AUXILIARY)))
}

/// Whether it is a picture of a screen or of a page rather than of a patient.
#[must_use]
pub fn is_screen_capture(subject: &Subject<'_>) -> bool {
    /// In values of Image Type, the third on: how makers of scanners name such pages.
    const TYPES: [&str; 4] = ["SCREEN", "DOSE", "PROTOCOL", "PRINT"];
    /// In Series Description, in capitals and without blanks.
    const DESCRIPTIONS: [&str; 8] = [
        "DOSEREPORT",
        "DOSEINFO",
        "DOSERECORD",
        "PATIENTPROTOCOL",
        "SCREENSAVE",
        "SCREENCAPTURE",
        "剂量报告",
        "屏幕截图",
    ];
    let view = subject.view();
    let types = view.find(tags::IMAGE_TYPE).map(|element| view.strings(element));
    let types = types.unwrap_or_default();
    let by_type = types
        .iter()
        .skip(2)
        .any(|value| TYPES.iter().any(|word| value.to_uppercase().contains(word)));
    let description = subject.text(tags::SERIES_DESCRIPTION).unwrap_or_default().to_uppercase();
    let compact: String = description.chars().filter(|c| c.is_alphanumeric()).collect();
    by_type || DESCRIPTIONS.iter().any(|words| compact.contains(words))
}
