//! How the object is written: structure, character sets, formats of values.

use std::collections::BTreeMap;

use crate::base::time::parse_da;
use crate::dicom::attribute::keyword_of;
use crate::dicom::charset::CharacterSet;
use crate::dicom::uid::Uid;
use crate::dicom::{VR, tags};
use crate::expression::{self, Value};
use crate::object::{Element, End, HeaderView, Kind};
use crate::standard::dates::parse_tm;
use crate::standard::subject::Subject;

use super::{Fact, about, fact, names, partial, text};

/// How it is written.
pub(super) const FACTS: &[Fact] = &[
    partial(fact(
        "walked",
        expression::Kind::Bool,
        about(
            "数据集是否在所述处结束并能逐个元素读到结尾",
            "whether the data set ends where it says and could be walked to there",
        ),
        |s| is_walked(s).into(),
    )),
    partial(fact(
        "order_faults",
        expression::Kind::Number,
        about(
            "标签未递增或重复出现的元素数",
            "elements whose tag does not rise, or that come twice",
        ),
        |s| order_faults(s).into(),
    )),
    partial(fact(
        "transfer_syntax",
        expression::Kind::Text,
        about("传输语法的 UID", "the UID of the transfer syntax"),
        |s| Value::present(s.arrival().transfer_syntax),
    )),
    fact(
        "charset",
        expression::Kind::Text,
        about(
            "所声明的字符集，大写，各值以反斜杠分隔；缺少时为空文本",
            "Specific Character Set as declared, in capitals, its values separated by backslashes; '' when absent",
        ),
        |s| charset(s).into(),
    ),
    fact(
        "charset_overridden",
        expression::Kind::Bool,
        about(
            "来源的设置是否取代了所声明的字符集",
            "whether the source's setting replaces the declared character set",
        ),
        |s| s.arrival().charset.is_some().into(),
    ),
    fact(
        "undeclared_text",
        expression::Kind::Texts,
        about(
            "未声明字符集而含非 ASCII 字符的文本属性（关键字）",
            "keywords of text beyond ASCII in a data set that declares no character set",
        ),
        |s| names(s.survey().undeclared.clone()),
    ),
    fact(
        "undecodable_text",
        expression::Kind::Texts,
        about(
            "含有字符集中没有的字节的文本属性（关键字）",
            "keywords of text with bytes that the character set does not have",
        ),
        |s| names(s.survey().undecodable.clone()),
    ),
    fact(
        "backslash_within_characters",
        expression::Kind::Texts,
        about(
            "字符的某个字节为 5C（在他处为反斜杠）的文本属性（关键字）",
            "keywords of text with characters one of whose bytes is 5C, a backslash elsewhere",
        ),
        |s| names(s.survey().backslashes.clone()),
    ),
    fact(
        "misdeclared_charset",
        expression::Kind::Text,
        about(
            "声明为拉丁字符集或未声明而看似中文时，文本实际所用的字符集",
            "the character set that the text seems to be in, where a Latin one or none is declared and it looks Chinese",
        ),
        |s| text(s.survey().misdeclared.map(str::to_owned)),
    ),
    fact(
        "malformed_values",
        expression::Kind::Texts,
        about(
            "值违反其 VR 长度或格式的属性（关键字）",
            "keywords of attributes whose value breaks the length or format of its VR",
        ),
        |s| names(s.survey().malformed.clone()),
    ),
    fact(
        "faulty_uids",
        expression::Kind::Texts,
        about(
            "违反 PS3.5 第 9 章的 UID 属性（关键字）",
            "keywords of UIDs that break PS3.5 section 9",
        ),
        |s| names(s.survey().faulty_uids.clone()),
    ),
    partial(fact(
        "announced_sop_class",
        expression::Kind::Text,
        about(
            "C-STORE 请求或文件头所称的 SOP 类",
            "the SOP class that the C-STORE request or the head of the file names",
        ),
        |s| Value::present(s.arrival().announced.sop_class),
    )),
    partial(fact(
        "announced_sop_instance",
        expression::Kind::Text,
        about(
            "C-STORE 请求或文件头所称的 SOP 实例",
            "the SOP instance that the C-STORE request or the head of the file names",
        ),
        |s| Value::present(s.arrival().announced.sop_instance),
    )),
    fact(
        "signed",
        expression::Kind::Bool,
        about("是否有数字签名", "whether it bears a digital signature"),
        |s| is_signed(s).into(),
    ),
];

/// Elements that are looked at for faults of text and format. An enhanced object of 2000 frames has about as many; a
/// fault in the first is a fault of all.
const LOOKED_AT: usize = 50_000;
/// Names that a list of faults has: enough to see what is wrong.
const LISTED: usize = 16;
const ESCAPE: u8 = 0x1B;

/// Whether the data set ends where it says and could be walked to there. `None` while it is still arriving, and where looking
/// ended at a limit of ours.
#[must_use]
pub fn is_walked(subject: &Subject<'_>) -> Option<bool> {
    match subject.arrival().end? {
        End::Complete => Some(true),
        End::Cut { .. } | End::Malformed(_) | End::TooDeep { .. } => Some(false),
        End::Unlooked(_) => None,
    }
}

/// How many elements stand where their tag does not rise, or a second time (PS3.5 §7.1).
#[must_use]
pub fn order_faults(subject: &Subject<'_>) -> i64 {
    i64::try_from(subject.view().order_faults().count()).unwrap_or(i64::MAX)
}

/// Specific Character Set (0008,0005) as declared at the top level: in capitals, without padding, values separated by
/// backslashes; empty when absent.
#[must_use]
pub fn charset(subject: &Subject<'_>) -> String {
    let view = subject.view();
    let values = view.find(tags::SPECIFIC_CHARACTER_SET).map(|element| view.strings(element));
    values.unwrap_or_default().join("\\").to_uppercase()
}

/// Whether it bears a digital signature at the top level: Digital Signatures Sequence (FFFA,FFFA) or MAC Parameters
/// Sequence (4FFE,0001).
#[must_use]
pub fn is_signed(subject: &Subject<'_>) -> bool {
    [tags::DIGITAL_SIGNATURES_SEQUENCE, tags::MAC_PARAMETERS_SEQUENCE]
        .iter()
        .any(|tag| subject.find(*tag).is_some_and(|element| element.length() > 0))
}

/// What one walk over the elements finds wrong with text, UIDs and formats. Lists hold keywords, each once, the first 16.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Survey {
    /// Text beyond ASCII, or with escape sequences, though no character set is declared.
    pub undeclared: Vec<String>,
    /// Text with bytes that the character set does not have.
    pub undecodable: Vec<String>,
    /// Text with a byte 5C that is part of a character and separates nothing.
    pub backslashes: Vec<String>,
    /// The Defined Term of what the text seems to be, where it looks Chinese under a Latin set or none.
    pub misdeclared: Option<&'static str>,
    /// Values that break the length or format of their VR (PS3.5 §6.2).
    pub malformed: Vec<String>,
    /// UIDs that break PS3.5 §9.1.
    pub faulty_uids: Vec<String>,
}

impl Survey {
    /// Walks over the elements of a data set, nested ones included. Private attributes are left out: their formats are
    /// their maker's business.
    #[must_use]
    pub fn of(subject: &Subject<'_>) -> Self {
        let view = subject.view();
        let mut survey = Self::default();
        let mut sets = CharacterSets::new(subject);
        let elements = view.elements().iter().take(LOOKED_AT);
        for element in elements.filter(|element| element.kind == Kind::Value) {
            if element.tag == tags::SPECIFIC_CHARACTER_SET {
                sets.declare(view, element);
            }
            let Some(bytes) = view.bytes(element) else { continue };
            if element.tag.group() % 2 == 1 || bytes.is_empty() {
                continue;
            }
            let vr = view.vr(element);
            if is_text(vr) {
                survey.look_at_text(element, bytes, vr, sets.of(view, element));
            } else if vr == VR::UI {
                let is_faulty = |uid: &[u8]| std::str::from_utf8(uid).map_or(true, is_faulty_uid);
                let faulty = view.values(element).any(is_faulty);
                note(&mut survey.faulty_uids, element, faulty);
            } else if has_format(vr) {
                // Bytes that are no text are in no format either.
                let fits = |value: &[u8]| {
                    std::str::from_utf8(value).is_ok_and(|value| is_well_formed(value, vr))
                };
                let malformed = !view.values(element).all(fits);
                note(&mut survey.malformed, element, malformed);
            }
        }
        survey
    }

    fn look_at_text(&mut self, element: &Element, bytes: &[u8], vr: VR, set: &CharacterSet) {
        let plain = bytes.is_ascii() && !bytes.contains(&ESCAPE);
        note(&mut self.undeclared, element, !plain && set.declaration().is_empty());
        if plain {
            // ASCII reads the same in every set: only its length can be wrong.
            let Ok(text) = std::str::from_utf8(bytes) else { return };
            let values = text.split(|character| character == '\\' && splits(vr));
            let too_long =
                values.map(|value| value.trim_matches([' ', '\0'])).any(|v| is_too_long(v, vr));
            note(&mut self.malformed, element, too_long);
            return;
        }
        let text = set.decode(bytes, vr);
        note(&mut self.undecodable, element, text.faulty);
        let separators = bytes.iter().filter(|byte| **byte == b'\\').count();
        let within = splits(vr) && !text.values.is_empty() && text.values.len() <= separators;
        note(&mut self.backslashes, element, within);
        if self.misdeclared.is_none() {
            self.misdeclared = set.misdeclared(bytes).map(|found| found.term());
        }
        note(&mut self.malformed, element, text.values.iter().any(|value| is_too_long(value, vr)));
    }
}

/// The character sets of a data set and of the items that declare their own.
struct CharacterSets<'a> {
    top: &'a CharacterSet,
    overridden: bool,
    of_items: BTreeMap<u32, CharacterSet>,
}

impl<'a> CharacterSets<'a> {
    fn new(subject: &'a Subject<'_>) -> Self {
        let overridden = subject.arrival().charset.is_some();
        Self { top: subject.charset(), overridden, of_items: BTreeMap::new() }
    }

    fn declare(&mut self, view: &HeaderView, element: &Element) {
        if let (Some(item), false) = (element.parent, self.overridden) {
            let bytes = view.bytes(element).unwrap_or_default();
            let declared = CharacterSet::declared(&String::from_utf8_lossy(bytes));
            self.of_items.insert(item, declared);
        }
    }

    /// The set of the innermost item around an element that declares one (PS3.3 C.12.1.1.2).
    fn of(&self, view: &HeaderView, element: &Element) -> &CharacterSet {
        let mut container = element.parent.filter(|_| !self.of_items.is_empty());
        while let Some(index) = container {
            if let Some(set) = self.of_items.get(&index) {
                return set;
            }
            container = view.elements().get(index as usize).and_then(|element| element.parent);
        }
        self.top
    }
}

fn is_faulty_uid(uid: &str) -> bool {
    Uid::fault_of(uid).is_some()
}

fn note(list: &mut Vec<String>, element: &Element, is_fault: bool) {
    if is_fault && list.len() < LISTED {
        let keyword = keyword_of(element.tag);
        if !list.contains(&keyword) {
            list.push(keyword);
        }
    }
}

/// VRs whose text is in the declared character set (PS3.5 §6.1.2.2).
fn is_text(vr: VR) -> bool {
    matches!(vr, VR::SH | VR::LO | VR::ST | VR::PN | VR::LT | VR::UC | VR::UT)
}

/// VRs of text in which a backslash separates values.
fn splits(vr: VR) -> bool {
    matches!(vr, VR::SH | VR::LO | VR::PN | VR::UC)
}

/// Lengths of PS3.5 table 6.2-1, in characters.
fn is_too_long(value: &str, vr: VR) -> bool {
    let longer_than = |text: &str, limit: usize| text.len() > limit && text.chars().count() > limit;
    match vr {
        VR::SH => longer_than(value, 16),
        VR::LO => longer_than(value, 64),
        // Each of the three component groups has 64.
        VR::PN => value.split('=').any(|group| longer_than(group, 64)),
        VR::ST => longer_than(value, 1024),
        VR::LT => longer_than(value, 10_240),
        _ => false,
    }
}

/// VRs outside the character sets that have a format of their own.
fn has_format(vr: VR) -> bool {
    matches!(vr, VR::AE | VR::AS | VR::CS | VR::DA | VR::DS | VR::IS | VR::TM)
}

/// Whether one value, without padding, is as PS3.5 table 6.2-1 wants it. An empty value is.
fn is_well_formed(value: &str, vr: VR) -> bool {
    let all = |test: fn(u8) -> bool| value.bytes().all(test);
    value.is_empty()
        || match vr {
            VR::AE => value.len() <= 16 && all(|byte| (0x20..0x7F).contains(&byte)),
            VR::AS => matches!(value.as_bytes(), [a, b, c, b'D' | b'W' | b'M' | b'Y']
                if [a, b, c].iter().all(|byte| byte.is_ascii_digit())),
            VR::CS => {
                value.len() <= 16
                    && all(|byte| {
                        byte.is_ascii_uppercase()
                            || byte.is_ascii_digit()
                            || matches!(byte, b' ' | b'_')
                    })
            }
            VR::DA => value.len() == 8 && parse_da(value).is_some(),
            VR::TM => !value.contains(':') && parse_tm(value).is_some(),
            VR::DS => {
                value.len() <= 16
                    && all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte))
                    && value.parse::<f64>().is_ok()
            }
            VR::IS => value.len() <= 12 && value.parse::<i32>().is_ok(),
            _ => true,
        }
}
