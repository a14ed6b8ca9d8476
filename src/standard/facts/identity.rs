//! Whose image it is, and whether it is anybody's.

use crate::dicom::{Tag, tags};
use crate::expression::Kind;
use crate::standard::subject::Subject;

use super::{Fact, about, fact, identifying, text};

/// The patient and the institution.
pub(super) const FACTS: &[Fact] = &[
    identifying(fact(
        "patient_name",
        Kind::Text,
        about(
            "患者姓名，各部分以单个空格分隔",
            "Patient's Name, its components with single spaces between",
        ),
        |s| text(patient_name(s)),
    )),
    fact(
        "han_in_alphabetic_group",
        Kind::Bool,
        about(
            "患者姓名的第一组（拼音组）中是否有汉字；姓名无汉字时未知",
            "whether Chinese characters stand in the first component group of Patient's Name, which is for letters; unknown where the name has none",
        ),
        |s| has_han_in_alphabetic_group(s).into(),
    ),
    fact(
        "institution_name",
        Kind::Text,
        about("机构名称，已解码", "Institution Name, decoded"),
        |s| text(institution_name(s)),
    ),
    fact(
        "patient_name_sent",
        Kind::Bool,
        about(
            "数据集中是否有患者姓名属性（可为空）",
            "whether Patient's Name is in the data set, be it empty",
        ),
        |s| is_sent(s, tags::PATIENT_NAME).into(),
    ),
    fact(
        "patient_id_sent",
        Kind::Bool,
        about(
            "数据集中是否有患者编号属性（可为空）",
            "whether Patient ID is in the data set, be it empty",
        ),
        |s| is_sent(s, tags::PATIENT_ID).into(),
    ),
    fact(
        "accession_number_sent",
        Kind::Bool,
        about(
            "数据集中是否有检查号属性（可为空）",
            "whether Accession Number is in the data set, be it empty",
        ),
        |s| is_sent(s, tags::ACCESSION_NUMBER).into(),
    ),
    fact(
        "patient_id_length",
        Kind::Number,
        about("患者编号的字符数", "characters of Patient ID"),
        |s| s.text(tags::PATIENT_ID).map(|id| id.chars().count() as f64).into(),
    ),
    fact(
        "placeholder_name",
        Kind::Bool,
        about(
            "患者姓名是否为测试、模体或占位之用",
            "whether Patient's Name is that of a test, a phantom or nobody",
        ),
        |s| is_nobody(&patient_name(s).unwrap_or_default()).into(),
    ),
    fact(
        "placeholder_id",
        Kind::Bool,
        about(
            "患者编号是否为测试、模体或占位之用",
            "whether Patient ID is that of a test, a phantom or nobody",
        ),
        |s| is_nobody(&patient_id(s)).into(),
    ),
    fact(
        "filler_id",
        Kind::Bool,
        about(
            "患者编号是否由同一数字重复四次以上而成",
            "whether Patient ID is one digit over and over, four times or more",
        ),
        |s| is_filler(&patient_id(s)).into(),
    ),
    fact(
        "test_patient",
        Kind::Bool,
        about(
            "姓名或 ID 是否为测试、模体或占位之用",
            "whether name or ID are those of a test, a phantom or nobody",
        ),
        |s| is_test_patient(s).into(),
    ),
    fact(
        "clinical",
        Kind::Bool,
        about(
            "是否为患者的影像：不是质控图像，未去标识，也不是测试患者",
            "whether it is of a patient: no quality control image, not de-identified, no test patient",
        ),
        |s| is_clinical(s).into(),
    ),
    fact(
        "imported",
        Kind::Bool,
        about(
            "是否从外部导入（实例来源状态）",
            "whether it was imported from elsewhere (Instance Origin Status)",
        ),
        |s| is_imported(s).into(),
    ),
];

/// What stands where a name or an ID should, in capitals. With digits, spaces or punctuation after it, it is still no
/// patient: `TEST 01`, `PHANTOM^WATER`.
const NOBODY: [&str; 16] = [
    "TEST",
    "测试",
    "PHANTOM",
    "QC",
    "QA",
    "体模",
    "模体",
    "水模",
    "质控",
    "无名",
    "未知",
    "UNKNOWN",
    "ANONYMOUS",
    "ANONYMIZED",
    "NONE",
    "NULL",
];

/// An ID of at least this many equal digits is a filler; `11` may be a real one.
const FILLER_DIGITS: usize = 4;

/// Patient's Name (0010,0010): the components of all groups that have a letter, with single spaces between; `None` when
/// there are none.
#[must_use]
pub fn patient_name(subject: &Subject<'_>) -> Option<String> {
    let raw = subject.text(tags::PATIENT_NAME)?;
    let parts: Vec<&str> =
        raw.split(['^', '=', ' ', '　']).filter(|part| !part.is_empty()).collect();
    (!parts.is_empty()).then(|| parts.join(" "))
}

/// Whether Chinese characters stand in the alphabetic component group of Patient's Name (PS3.5 §6.2.1.2). `None` where it
/// has none.
fn has_han_in_alphabetic_group(subject: &Subject<'_>) -> Option<bool> {
    let name = subject.text(tags::PATIENT_NAME)?;
    let alphabetic = name.split('=').next().unwrap_or_default();
    name.contains(is_han).then(|| alphabetic.contains(is_han))
}

/// CJK Unified Ideographs with their extensions, and the compatibility ones.
fn is_han(character: char) -> bool {
    matches!(character, '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}')
}

/// Institution Name (0008,0080), decoded, its first value.
#[must_use]
pub fn institution_name(subject: &Subject<'_>) -> Option<String> {
    subject.text(tags::INSTITUTION_NAME)
}

/// Whether Patient's Name or Patient ID are those of a test, a phantom or nobody.
#[must_use]
pub fn is_test_patient(subject: &Subject<'_>) -> bool {
    let name = patient_name(subject).unwrap_or_default();
    let id = patient_id(subject);
    is_nobody(&name) || is_nobody(&id) || is_filler(&id)
}

/// Whether it is an image of a patient: no quality control image (0028,0300), identity not removed (0012,0062), no test
/// patient.
#[must_use]
pub fn is_clinical(subject: &Subject<'_>) -> bool {
    let says_yes = |tag| subject.text(tag).is_some_and(|value| value.eq_ignore_ascii_case("YES"));
    !says_yes(tags::QUALITY_CONTROL_IMAGE)
        && !says_yes(tags::PATIENT_IDENTITY_REMOVED)
        && !is_test_patient(subject)
}

/// Whether Instance Origin Status (0400,0600) says IMPORTED: made elsewhere.
#[must_use]
pub fn is_imported(subject: &Subject<'_>) -> bool {
    subject.text(tags::INSTANCE_ORIGIN_STATUS).as_deref() == Some("IMPORTED")
}

fn patient_id(subject: &Subject<'_>) -> String {
    subject.text(tags::PATIENT_ID).unwrap_or_default()
}

fn is_sent(subject: &Subject<'_>, tag: Tag) -> bool {
    subject.view().find(tag).is_some()
}

fn is_nobody(text: &str) -> bool {
    let text = text.trim().to_uppercase();
    NOBODY.iter().any(|word| {
        // 无名氏 with a number is how an emergency department names a real patient.
        text.strip_prefix(word).is_some_and(|rest| !rest.starts_with(char::is_alphabetic))
    })
}

fn is_filler(id: &str) -> bool {
    let mut bytes = id.bytes();
    let first = bytes.next();
    id.len() >= FILLER_DIGITS
        && first.is_some_and(|first| first.is_ascii_digit())
        && bytes.all(|byte| Some(byte) == first)
}
