//! What was injected, how much and when, and what the values of a PET image are. PS3.3 C.8.4.10, C.8.9.1, C.8.9.2.

use crate::dicom::attribute::keyword_of;
use crate::dicom::{Tag, tags};
use crate::expression::Kind;
use crate::object::Item;
use crate::standard::subject::Subject;

use super::codes::items;
use super::exposure::number;
use super::{Fact, about, fact, names};

/// Nuclear medicine.
pub(super) const FACTS: &[Fact] = &[
    fact(
        "radiopharmaceutical_lacking",
        Kind::Texts,
        about(
            "放射性药物信息序列各项缺少的核素、总剂量、注射开始时间（关键字）；没有条目时为序列本身",
            "what the items of Radiopharmaceutical Information Sequence lack of nuclide, total dose and start of the injection, by keyword; the sequence itself where it has no item",
        ),
        |s| names(radiopharmaceutical_lacking(s)),
    ),
    fact(
        "weight_given",
        Kind::Bool,
        about("患者体重是否为大于 0 的数", "whether Patient's Weight is a number above 0"),
        |s| number(s, tags::PATIENT_WEIGHT).is_some_and(|weight| weight > 0.0).into(),
    ),
];

/// The keywords of what is lacking to reckon with the injected activity. One of several attributes with the same meaning will do,
/// and the first of them is named.
#[must_use]
pub fn radiopharmaceutical_lacking(subject: &Subject<'_>) -> Vec<String> {
    const NUCLIDE: Tag = tags::RADIONUCLIDE_CODE_SEQUENCE;
    const START: &[Tag] =
        &[tags::RADIOPHARMACEUTICAL_START_DATE_TIME, tags::RADIOPHARMACEUTICAL_START_TIME];
    const DOSE: Tag = tags::RADIONUCLIDE_TOTAL_DOSE;
    let has = |item: Item<'_>, any: &[Tag]| {
        any.iter().any(|tag| item.find(*tag).is_some_and(|element| element.length() > 0))
    };
    let dose = |item: Item<'_>| {
        let numbers = item.find(DOSE).map(|element| subject.view().numbers(element));
        numbers.and_then(|numbers| numbers.first().copied()).is_some_and(|dose| dose > 0.0)
    };
    let (mut any, mut lacking) = (false, Vec::new());
    for item in items(subject, tags::RADIOPHARMACEUTICAL_INFORMATION_SEQUENCE) {
        any = true;
        let found = [(NUCLIDE, has(item, &[NUCLIDE])), (DOSE, dose(item))];
        let start = (tags::RADIOPHARMACEUTICAL_START_DATE_TIME, has(item, START));
        for (tag, is_there) in found.into_iter().chain([start]) {
            let keyword = keyword_of(tag);
            if !is_there && !lacking.contains(&keyword) {
                lacking.push(keyword);
            }
        }
    }
    if !any {
        lacking.push(keyword_of(tags::RADIOPHARMACEUTICAL_INFORMATION_SEQUENCE));
    }
    lacking
}
