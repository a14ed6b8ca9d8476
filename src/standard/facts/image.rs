//! What kind of image it is: modality, compression, body region, side, geometry.

use dicom_dictionary_std::uids;

use crate::dicom::attribute::AttributePath;
use crate::dicom::transfer_syntax::{PixelCoding, TransferSyntax};
use crate::dicom::{Tag, sop_class, tags};
use crate::expression::Kind;
use crate::object::Item;
use crate::standard::subject::Subject;

use super::{Fact, about, fact, text};

/// The image.
pub(super) const FACTS: &[Fact] = &[
    fact(
        "is_image",
        Kind::Bool,
        about(
            "是否为图像：按 SOP 类，或含有像素数据",
            "whether it is an image, by its SOP class or because it has pixel data",
        ),
        |s| is_image(s).into(),
    ),
    fact(
        "lossy_syntax",
        Kind::Bool,
        about(
            "传输语法是否为有损；两者皆可时未知",
            "whether the transfer syntax is a lossy one; unknown where it may be either",
        ),
        |s| has_lossy_syntax(s).into(),
    ),
    fact(
        "lossy",
        Kind::Bool,
        about(
            "按属性或传输语法，图像是否经过有损压缩",
            "whether the image has undergone lossy compression, by attribute or transfer syntax",
        ),
        |s| is_lossy(s).into(),
    ),
    fact(
        "modality_expected",
        Kind::Bool,
        about(
            "检查类型是否为该 SOP 类所用；不限类型的 SOP 类未知",
            "whether Modality is one that the SOP class is for; unknown for classes of any modality",
        ),
        |s| is_modality_expected(s).into(),
    ),
    fact(
        "modality_impossible",
        Kind::Bool,
        about("检查类型是否与 SOP 类矛盾", "whether Modality contradicts the SOP class"),
        |s| is_modality_impossible(s).into(),
    ),
    fact(
        "body_region",
        Kind::Text,
        about(
            "检查部位，或解剖部位序列所写的部位",
            "Body Part Examined, or what the anatomic region sequences say",
        ),
        |s| text(body_region(s)),
    ),
    fact(
        "laterality",
        Kind::Text,
        about(
            "影像侧别、单一解剖部位的帧侧别，或侧别",
            "Image Laterality, Frame Laterality of a single-frame anatomy, or Laterality",
        ),
        |s| text(laterality(s)),
    ),
];

/// Elements that hold or name pixels.
const PIXELS: [Tag; 4] = [
    tags::PIXEL_DATA,
    tags::FLOAT_PIXEL_DATA,
    tags::DOUBLE_FLOAT_PIXEL_DATA,
    tags::PIXEL_DATA_PROVIDER_URL,
];

/// Whether it is an image: by its SOP class, or because it has pixel data.
#[must_use]
pub fn is_image(subject: &Subject<'_>) -> bool {
    let class = subject.text(tags::SOP_CLASS_UID).unwrap_or_default();
    sop_class::name(&class).contains("Image Storage")
        || PIXELS.iter().any(|tag| subject.find(*tag).is_some())
}

/// Whether the transfer syntax loses information; `None` for those that can do both, and for unknown ones.
#[must_use]
pub fn has_lossy_syntax(subject: &Subject<'_>) -> Option<bool> {
    match TransferSyntax::of(subject.arrival().transfer_syntax).pixels {
        PixelCoding::Native | PixelCoding::Lossless => Some(false),
        PixelCoding::Lossy => Some(true),
        PixelCoding::MaybeLossy | PixelCoding::Unknown => None,
    }
}

/// Whether the image has undergone lossy compression: Lossy Image Compression (0028,2110) is `01`, or the transfer syntax
/// is a lossy one. `None` when neither tells.
#[must_use]
pub fn is_lossy(subject: &Subject<'_>) -> Option<bool> {
    match subject.text(tags::LOSSY_IMAGE_COMPRESSION).as_deref() {
        Some("01") => Some(true),
        Some("00") => Some(has_lossy_syntax(subject) == Some(true)),
        Some(_) | None => has_lossy_syntax(subject),
    }
}

/// The modalities that a SOP class is for (PS3.3 C.7.3.1.1.1 and the IODs): the proper ones, and those that are met
/// and do no harm. `None` for classes that any modality may use.
fn modalities(class: &str) -> Option<(&'static [&'static str], &'static [&'static str])> {
    Some(match class {
        uids::COMPUTED_RADIOGRAPHY_IMAGE_STORAGE => {
            (&["CR"], &["DX", "DR", "MG", "IO", "PX", "RG"])
        }
        uids::DIGITAL_X_RAY_IMAGE_STORAGE_FOR_PRESENTATION
        | uids::DIGITAL_X_RAY_IMAGE_STORAGE_FOR_PROCESSING => {
            (&["DX"], &["CR", "DR", "MG", "IO", "PX", "RG"])
        }
        uids::DIGITAL_MAMMOGRAPHY_X_RAY_IMAGE_STORAGE_FOR_PRESENTATION
        | uids::DIGITAL_MAMMOGRAPHY_X_RAY_IMAGE_STORAGE_FOR_PROCESSING
        | uids::BREAST_TOMOSYNTHESIS_IMAGE_STORAGE
        | uids::BREAST_PROJECTION_X_RAY_IMAGE_STORAGE_FOR_PRESENTATION
        | uids::BREAST_PROJECTION_X_RAY_IMAGE_STORAGE_FOR_PROCESSING => (&["MG"], &["DX"]),
        uids::CT_IMAGE_STORAGE
        | uids::ENHANCED_CT_IMAGE_STORAGE
        | uids::LEGACY_CONVERTED_ENHANCED_CT_IMAGE_STORAGE => (&["CT"], &[]),
        uids::MR_IMAGE_STORAGE
        | uids::ENHANCED_MR_IMAGE_STORAGE
        | uids::ENHANCED_MR_COLOR_IMAGE_STORAGE
        | uids::LEGACY_CONVERTED_ENHANCED_MR_IMAGE_STORAGE => (&["MR"], &[]),
        uids::X_RAY_ANGIOGRAPHIC_IMAGE_STORAGE | uids::ENHANCED_XA_IMAGE_STORAGE => {
            (&["XA"], &["RF", "DX", "CT"])
        }
        uids::X_RAY_RADIOFLUOROSCOPIC_IMAGE_STORAGE | uids::ENHANCED_XRF_IMAGE_STORAGE => {
            (&["RF"], &["XA", "DX"])
        }
        uids::ULTRASOUND_IMAGE_STORAGE | uids::ULTRASOUND_MULTI_FRAME_IMAGE_STORAGE => {
            (&["US"], &["IVUS"])
        }
        uids::NUCLEAR_MEDICINE_IMAGE_STORAGE => (&["NM"], &["PT"]),
        uids::POSITRON_EMISSION_TOMOGRAPHY_IMAGE_STORAGE
        | uids::ENHANCED_PET_IMAGE_STORAGE
        | uids::LEGACY_CONVERTED_ENHANCED_PET_IMAGE_STORAGE => (&["PT"], &["NM"]),
        _ => return None,
    })
}

/// The modality that the SOP class is for. `None` without one, and for classes of any modality.
#[must_use]
pub fn class_modality(subject: &Subject<'_>) -> Option<&'static str> {
    let (proper, _) = modalities(&subject.text(tags::SOP_CLASS_UID)?)?;
    proper.first().copied()
}

/// Whether Modality (0008,0060) is the one that the SOP class is for. `None` without either, and for classes of any
/// modality.
#[must_use]
pub fn is_modality_expected(subject: &Subject<'_>) -> Option<bool> {
    let (proper, _) = modalities(&subject.text(tags::SOP_CLASS_UID)?)?;
    Some(proper.contains(&subject.text(tags::MODALITY)?.as_str()))
}

/// Whether Modality contradicts the SOP class: a CT image that says MR. A modality that no class claims (`OT`) does not.
#[must_use]
pub fn is_modality_impossible(subject: &Subject<'_>) -> Option<bool> {
    const CLAIMED: [&str; 10] = ["CR", "DX", "MG", "CT", "MR", "XA", "RF", "US", "NM", "PT"];
    let (proper, tolerated) = modalities(&subject.text(tags::SOP_CLASS_UID)?)?;
    let modality = subject.text(tags::MODALITY)?;
    let modality = modality.as_str();
    Some(
        CLAIMED.contains(&modality)
            && !proper.contains(&modality)
            && !tolerated.contains(&modality),
    )
}

/// The body region in words: Body Part Examined (0018,0015), else the code of Anatomic Region Sequence (0008,2218), at the
/// top level or in the shared Frame Anatomy Sequence (0020,9071): its meaning, or its value where it has none.
#[must_use]
pub fn body_region(subject: &Subject<'_>) -> Option<String> {
    let view = subject.view();
    let meaning = |item: Item<'_>| {
        let words = item.find(tags::CODE_MEANING).map(|element| {
            let bytes = view.bytes(element).unwrap_or_default();
            subject.charset().decode(bytes, view.vr(element))
        });
        let words = words.and_then(|text| text.first().map(str::to_owned));
        words.or_else(|| item.string(tags::CODE_VALUE)).filter(|words| !words.is_empty())
    };
    subject.text(tags::BODY_PART_EXAMINED).or_else(|| {
        let at_top = view.find(tags::ANATOMIC_REGION_SEQUENCE);
        let region = at_top.or_else(|| frame_anatomy(subject, tags::ANATOMIC_REGION_SEQUENCE))?;
        view.items(region).find_map(meaning)
    })
}

/// The side: Image Laterality (0020,0062), Frame Laterality (0020,9072) where all frames share it, or Laterality (0020,0060).
#[must_use]
pub fn laterality(subject: &Subject<'_>) -> Option<String> {
    let of_frames = || {
        let element = frame_anatomy(subject, tags::FRAME_LATERALITY)?;
        subject.view().strings(element).into_iter().next()
    };
    subject
        .text(tags::IMAGE_LATERALITY)
        .or_else(of_frames)
        .or_else(|| subject.text(tags::LATERALITY))
}

/// An element of the Frame Anatomy Sequence that all frames share.
fn frame_anatomy<'a>(subject: &Subject<'a>, tag: Tag) -> Option<&'a crate::object::Element> {
    let path = AttributePath {
        steps: vec![
            crate::dicom::attribute::Step {
                sequence: tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE,
                item: 0,
            },
            crate::dicom::attribute::Step { sequence: tags::FRAME_ANATOMY_SEQUENCE, item: 0 },
        ],
        tag,
    };
    subject.view().at(&path)
}
