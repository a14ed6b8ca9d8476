//! Whose name the image bears, and which device made it.

use crate::dicom::attribute::keyword_of;
use crate::dicom::tags;
use crate::expression::Kind;
use crate::standard::subject::Subject;

use super::{Fact, about, dates, fact, identity, names};

pub(super) const FACTS: &[Fact] = &[
    fact(
        "institution_mapped",
        Kind::Bool,
        about(
            "来源是否已对应本院登记的机构",
            "whether the sender is mapped to an institution of the site",
        ),
        |s| s.arrival().institution.is_some().into(),
    ),
    fact(
        "institution_own",
        Kind::Bool,
        about(
            "机构名称（不计其后的标识）在检查当日是否为来源所属机构的名称；缺其一时未知",
            "whether Institution Name, a mark behind it left aside, is a name of the sender's institution on the day of the examination; unknown without either",
        ),
        |s| is_own(s).into(),
    ),
    fact(
        "device_attributes_lacking",
        Kind::Texts,
        about(
            "厂商、型号、机房名、序列号中为空的属性（关键字）",
            "keywords of what is empty of manufacturer, model, station name and serial number",
        ),
        |s| names(device_attributes_lacking(s)),
    ),
];

/// Whether Institution Name is one of the mapped institution's.
fn is_own(subject: &Subject<'_>) -> Option<bool> {
    let institution = subject.arrival().institution?;
    let name = identity::institution_name(subject)?;
    Some(institution.is_own(&name, dates::exam_date(subject)))
}

/// What is empty of the attributes that tell one device from another (PS3.3 C.7.5.1).
fn device_attributes_lacking(subject: &Subject<'_>) -> Vec<String> {
    [
        tags::MANUFACTURER,
        tags::MANUFACTURER_MODEL_NAME,
        tags::STATION_NAME,
        tags::DEVICE_SERIAL_NUMBER,
    ]
    .into_iter()
    .filter(|tag| subject.text(*tag).is_none())
    .map(keyword_of)
    .collect()
}
