//! Contrast media: what the header records, and what the texts about series and study say.

use super::words::{has_any, of_series, of_study};
use super::{Fact, about, fact, text};
use crate::dicom::{Tag, tags};
use crate::expression::{Environment as _, Kind};
use crate::standard::subject::Subject;

pub(super) const FACTS: &[Fact] = &[
    fact(
        "contrast_agent",
        Kind::Bool,
        about(
            "文件头是否记录了经血管给予的对比剂：药名、途径或用量",
            "whether the header records a contrast medium given into a vessel: agent, route or volume",
        ),
        |s| has_agent(s).into(),
    ),
    fact(
        "series_contrast",
        Kind::Text,
        about(
            "序列描述和协议名称所说的对比剂使用：with（增强）、without（平扫）或 both（两者）",
            "what Series Description and Protocol Name say of contrast: with, without or both",
        ),
        |s| text(said(&of_series(s)).map(|said| said.as_str().to_owned())),
    ),
    fact(
        "study_contrast",
        Kind::Text,
        about(
            "检查及申请描述所说的对比剂使用：with（增强）、without（平扫）或 both（两者）",
            "what the descriptions of the study and its order say of contrast: with, without or both",
        ),
        |s| text(said(&of_study(s)).map(|said| said.as_str().to_owned())),
    ),
];

/// Words for an examination with contrast. Arteries are also seen by inflow, so that no word for an MR angiography is here.
const WITH: &[&str] = &[
    "增强",
    "强化",
    "造影",
    "动脉期",
    "静脉期",
    "门脉期",
    "门静脉期",
    "实质期",
    "平衡期",
    "延迟期",
    "CTA",
    "CTV",
    "CTU",
    "CTPA",
    "CE",
    "DCE",
    "C+",
    "+C",
    "GD",
    "POST",
    "CONTRAST",
    "ENHANCED",
    "ENHANCEMENT",
    "ARTERIAL",
    "VENOUS",
    "PORTAL",
];
/// Words for one without.
const WITHOUT: &[&str] = &[
    "平扫",
    "C-",
    "-C",
    "PLAIN",
    "W/O",
    "WITHOUT",
    "NON-CONTRAST",
    "NON CONTRAST",
    "NONCONTRAST",
    "NON-ENHANCED",
    "UNENHANCED",
    "NATIVE",
    "PRE-CONTRAST",
    "PRECONTRAST",
];
/// Words that deny the one after them; what they stand for is in [`WITHOUT`].
const DENIED: &[(&str, &str)] = &[
    ("非增强", "平扫"),
    ("无增强", "平扫"),
    ("未增强", "平扫"),
    ("不增强", "平扫"),
    ("NON-CONTRAST", "PLAIN"),
    ("NON CONTRAST", "PLAIN"),
    ("WITHOUT CONTRAST", "PLAIN"),
    ("W/O CONTRAST", "PLAIN"),
    ("PRE-CONTRAST", "PLAIN"),
    ("PRE CONTRAST", "PLAIN"),
    ("NON-ENHANCED", "PLAIN"),
];
/// What agents and routes are called that stay in the bowel, and what is written for none.
const NOT_VASCULAR: &[&str] = &["ORAL", "PO", "RECTAL", "口服", "灌肠", "NONE", "NO", "无", "N/A"];

/// What a text says of contrast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// That a contrast medium was given.
    With,
    /// That none was.
    Without,
    /// Both: a study of plain and enhanced series.
    Both,
}

impl Said {
    /// The word that conditions compare.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::With => "with",
            Self::Without => "without",
            Self::Both => "both",
        }
    }
}

/// What a text in capitals says of contrast; `None` when it says nothing.
#[must_use]
pub fn said(text: &str) -> Option<Said> {
    let mut text = text.to_owned();
    for (denied, plain) in DENIED {
        if text.contains(denied) {
            text = text.replace(denied, plain);
        }
    }
    match (has_any(&text, WITH), has_any(&text, WITHOUT)) {
        (true, true) => Some(Said::Both),
        (true, false) => Some(Said::With),
        (false, true) => Some(Said::Without),
        (false, false) => None,
    }
}

/// Whether a contrast medium in the vessels is recorded: Contrast/Bolus Agent (0018,0010), its sequence (0018,0012), Volume
/// (0018,1041), Route (0018,1040) or Ingredient (0018,1048). An empty agent is none: many devices write it always.
#[must_use]
pub fn has_agent(subject: &Subject<'_>) -> bool {
    let words = |tag: Tag| subject.text(tag).map(|text| text.to_uppercase());
    let route = words(tags::CONTRAST_BOLUS_ROUTE);
    if route.as_deref().is_some_and(|route| has_any(route, NOT_VASCULAR)) {
        return false;
    }
    let named = [words(tags::CONTRAST_BOLUS_AGENT), words(tags::CONTRAST_BOLUS_INGREDIENT)];
    named.iter().flatten().any(|name| !has_any(name, NOT_VASCULAR))
        || route.is_some()
        || subject.attribute(tags::CONTRAST_BOLUS_AGENT_SEQUENCE).is_known()
        || subject.numbers(tags::CONTRAST_BOLUS_VOLUME).first().is_some_and(|volume| *volume > 0.0)
}
