//! Which part of the body it is, by what is coded and by what is written, and whether these agree.

use crate::dicom::attribute::{AttributePath, Step, keyword_of};
use crate::dicom::{Tag, VR, tags};
use crate::expression::{Environment as _, Kind, Value};
use crate::standard::subject::Subject;

use super::lexicon::{Reading, Sex, Side};
use super::{Fact, about, fact, names, text};

pub(super) const FACTS: &[Fact] = &[
    fact(
        "body_regions",
        Kind::Texts,
        about(
            "检查部位 (0018,0015) 和解剖部位序列所指的身体部位，从 HEAD 到 FOOT；词表均不认识时为空",
            "the regions of the body that Body Part Examined and the anatomic region sequences name, from HEAD to FOOT; empty where the lexicon knows none of them",
        ),
        |s| names(s.anatomy().stated.regions.names().map(str::to_owned).collect()),
    ),
    fact(
        "body_region_recognised",
        Kind::Bool,
        about(
            "检查部位 (0018,0015) 或解剖部位序列是否在词表中；两者均无时未知",
            "whether Body Part Examined or the anatomic region sequences are in the lexicon; unknown without them",
        ),
        |s| s.anatomy().is_recognised().into(),
    ),
    fact(
        "region_contradictions",
        Kind::Texts,
        about(
            "所写身体部位与检查部位、解剖部位不同的描述属性（关键字）",
            "keywords of descriptions that name other regions of the body than Body Part Examined and the anatomic region",
        ),
        |s| names(s.anatomy().elsewhere.clone()),
    ),
    fact(
        "region_contradictions_of_order",
        Kind::Texts,
        about(
            "所写身体部位与检查部位、解剖部位不同的申请描述属性（关键字）",
            "keywords of descriptions of the order that name other regions of the body",
        ),
        |s| names(s.anatomy().ordered_elsewhere.clone()),
    ),
    fact(
        "paired_structure",
        Kind::Bool,
        about(
            "受检部位是否为成对器官之一、每次只照一侧；词表中没有时未知",
            "whether the part examined is one of a pair, imaged one at a time; unknown where the lexicon does not have it",
        ),
        |s| {
            s.anatomy()
                .is_recognised()
                .filter(|known| *known)
                .map(|_| s.anatomy().stated.paired)
                .into()
        },
    ),
    fact(
        "side",
        Kind::Text,
        about(
            "影像属性所写的侧别：L、R 或 B；未写或为 U 时未知",
            "the side that the image's attributes state: L, R or B; unknown when none or U",
        ),
        |s| text(s.anatomy().side.map(|(_, side)| letter(side).to_owned())),
    ),
    fact(
        "both_sides_named",
        Kind::Bool,
        about("描述是否写明两侧", "whether a description names both sides"),
        |s| s.anatomy().both_sides_named.into(),
    ),
    fact(
        "side_contradictions",
        Kind::Texts,
        about(
            "所写侧别与影像侧别、帧侧别、侧别、解剖部位修饰符中首个有值者不同的属性；成对器官还包括描述（关键字）",
            "keywords of attributes and, for one of a pair, of descriptions that name another side than the first of Image Laterality, Frame Laterality, Laterality and Anatomic Region Modifier",
        ),
        |s| names(s.anatomy().other_side.clone()),
    ),
    fact(
        "sex_of_anatomy",
        Kind::Text,
        about(
            "检查部位和描述所指器官独有的性别：F 或 M",
            "the sex that alone has what body part and descriptions name: F or M",
        ),
        |s| {
            text(s.anatomy().sex.map(|sex| match sex {
                Sex::Female => "F".to_owned(),
                Sex::Male => "M".to_owned(),
            }))
        },
    ),
];

/// Items of a sequence that are looked at; an order has one or two.
const ITEMS: u32 = 4;

/// What body part, sides and descriptions say together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Anatomy {
    /// What Body Part Examined and the anatomic region sequences say; nothing where the lexicon has none of their words.
    pub stated: Reading,
    /// Whether there is any of them.
    is_stated: bool,
    /// Descriptions of what was done that name other regions.
    pub elsewhere: Vec<String>,
    /// Descriptions of what was ordered that name other regions.
    pub ordered_elsewhere: Vec<String>,
    /// The side of the image, and the attribute that says so.
    side: Option<(Tag, Side)>,
    /// Attributes and descriptions that name another side.
    pub other_side: Vec<String>,
    /// Whether a description names both sides.
    pub both_sides_named: bool,
    /// The sex that alone has what is named.
    pub sex: Option<Sex>,
}

impl Anatomy {
    /// Of an object.
    #[must_use]
    pub fn of(subject: &Subject<'_>) -> Self {
        let (stated, is_stated, region_conflict) = stated(subject);
        let mut anatomy = Self { stated, is_stated, ..Self::default() };
        anatomy.elsewhere.extend(region_conflict.map(keyword_of));
        anatomy.sides(subject);
        let mut all = stated;
        for tag in [
            tags::STUDY_DESCRIPTION,
            tags::SERIES_DESCRIPTION,
            tags::PROTOCOL_NAME,
            tags::PERFORMED_PROCEDURE_STEP_DESCRIPTION,
        ] {
            let Some(reading) = subject.text(tag).map(|text| Reading::of_text(&text)) else {
                continue;
            };
            anatomy.look_at(tag, reading, Of::Performance);
            all = together(all, reading);
        }
        let procedures = texts_in(subject, tags::PROCEDURE_CODE_SEQUENCE, tags::CODE_MEANING);
        for reading in procedures {
            anatomy.look_at(tags::PROCEDURE_CODE_SEQUENCE, reading, Of::Performance);
            all = together(all, reading);
        }
        let requested = subject.text(tags::REQUESTED_PROCEDURE_DESCRIPTION);
        let requested = requested.map(|text| Reading::of_text(&text)).into_iter();
        let in_items =
            [tags::REQUESTED_PROCEDURE_DESCRIPTION, tags::SCHEDULED_PROCEDURE_STEP_DESCRIPTION]
                .into_iter()
                .flat_map(|tag| {
                    texts_in(subject, tags::REQUEST_ATTRIBUTES_SEQUENCE, tag)
                        .map(move |found| (tag, found))
                });
        let requested = requested.map(|found| (tags::REQUESTED_PROCEDURE_DESCRIPTION, found));
        for (tag, reading) in requested.chain(in_items) {
            anatomy.look_at(tag, reading, Of::Order);
            all = together(all, reading);
        }
        anatomy.sex = all.sex;
        anatomy
    }

    /// Whether the lexicon has what is stated; `None` when nothing is.
    fn is_recognised(&self) -> Option<bool> {
        self.is_stated.then_some(!self.stated.regions.is_empty())
    }

    /// Compares a description with what is stated.
    fn look_at(&mut self, tag: Tag, reading: Reading, of: Of) {
        let known = !reading.regions.is_empty() && !self.stated.regions.is_empty();
        if known && !reading.regions.meets(self.stated.regions) {
            let list = match of {
                Of::Performance => &mut self.elsewhere,
                Of::Order => &mut self.ordered_elsewhere,
            };
            note(list, tag);
            // A description of another part says nothing of this one's side.
            return;
        }
        self.both_sides_named |= reading.side == Some(Side::Both);
        let (Some((_, own)), Some(named)) = (self.side, reading.side) else { return };
        // A study of both sides has images of one each. Where the part is no pair, 左 and 右 are directions.
        if self.stated.paired && named != own && named != Side::Both {
            note(&mut self.other_side, tag);
        }
    }

    /// The sides that attributes state.
    fn sides(&mut self, subject: &Subject<'_>) {
        let text = |tag| subject.text(tag).and_then(|value| side_of_value(&value));
        let shared =
            vec![step(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE), step(tags::FRAME_ANATOMY_SEQUENCE)];
        let frame = at(subject, shared, tags::FRAME_LATERALITY);
        let modifier = [
            vec![
                step(tags::ANATOMIC_REGION_SEQUENCE),
                step(tags::ANATOMIC_REGION_MODIFIER_SEQUENCE),
            ],
            vec![
                step(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE),
                step(tags::FRAME_ANATOMY_SEQUENCE),
                step(tags::ANATOMIC_REGION_SEQUENCE),
                step(tags::ANATOMIC_REGION_MODIFIER_SEQUENCE),
            ],
        ]
        .into_iter()
        .find_map(|steps| side_of_code(&at(subject, steps, tags::CODE_VALUE)?));
        let stated = [
            (tags::IMAGE_LATERALITY, text(tags::IMAGE_LATERALITY)),
            (tags::FRAME_LATERALITY, frame.and_then(|value| side_of_value(&value))),
            (tags::LATERALITY, text(tags::LATERALITY)),
            (tags::ANATOMIC_REGION_MODIFIER_SEQUENCE, modifier),
        ];
        for (tag, side) in stated {
            match (self.side, side) {
                (_, None) => {}
                (None, Some(side)) => self.side = Some((tag, side)),
                (Some((_, first)), Some(side)) if first != side => note(&mut self.other_side, tag),
                (Some(_), Some(_)) => {}
            }
        }
    }
}

/// Whom a description is of.
#[derive(Clone, Copy)]
enum Of {
    /// What was done.
    Performance,
    /// What was asked for.
    Order,
}

fn note(list: &mut Vec<String>, tag: Tag) {
    let keyword = keyword_of(tag);
    if !list.contains(&keyword) {
        list.push(keyword);
    }
}

/// What texts say of the sex, words of both cancelling each other.
fn together(one: Reading, other: Reading) -> Reading {
    let sex = match (one.sex, other.sex) {
        (Some(one), Some(other)) if one != other => None,
        (one, other) => one.or(other),
    };
    Reading { sex, ..one }
}

/// Body Part Examined (0018,0015). It is a code string of capitals, and is met in Chinese all the same: then it is in the
/// character set of the text.
fn body_part(subject: &Subject<'_>) -> Option<String> {
    let view = subject.view();
    let bytes = view.bytes(view.find(tags::BODY_PART_EXAMINED)?)?;
    let text = subject.charset().decode(bytes, VR::LO);
    text.first().map(str::to_owned).filter(|text| !text.is_empty())
}

/// What Body Part Examined and the anatomic regions say, whether there are any, and the sequence that contradicts Body
/// Part Examined.
fn stated(subject: &Subject<'_>) -> (Reading, bool, Option<Tag>) {
    let body_part = body_part(subject);
    let region = [
        vec![step(tags::ANATOMIC_REGION_SEQUENCE)],
        vec![
            step(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE),
            step(tags::FRAME_ANATOMY_SEQUENCE),
            step(tags::ANATOMIC_REGION_SEQUENCE),
        ],
    ]
    .into_iter()
    .find_map(|steps| {
        let value = at(subject, steps.clone(), tags::CODE_VALUE);
        let meaning = at(subject, steps, tags::CODE_MEANING);
        let by_code = value.as_deref().and_then(Reading::of_code);
        let by_words = || meaning.as_deref().map(Reading::of_text).unwrap_or_default();
        (value.is_some() || meaning.is_some()).then(|| by_code.unwrap_or_else(by_words))
    });
    let is_stated = body_part.is_some() || region.is_some();
    let body_part = body_part.map(|value| Reading::of_body_part(&value)).unwrap_or_default();
    let region = region.unwrap_or_default();
    let differs = !body_part.regions.is_empty()
        && !region.regions.is_empty()
        && !body_part.regions.meets(region.regions);
    (body_part.with(region), is_stated, differs.then_some(tags::ANATOMIC_REGION_SEQUENCE))
}

fn step(sequence: Tag) -> Step {
    Step { sequence, item: 0 }
}

fn at(subject: &Subject<'_>, steps: Vec<Step>, tag: Tag) -> Option<String> {
    subject.nested(&AttributePath { steps, tag }).as_text().map(str::to_owned)
}

/// What the texts of one attribute in the items of a sequence say.
fn texts_in<'a>(
    subject: &'a Subject<'_>,
    sequence: Tag,
    tag: Tag,
) -> impl Iterator<Item = Reading> + 'a {
    (0..ITEMS).map_while(move |item| {
        let path = AttributePath { steps: vec![Step { sequence, item }], tag };
        match subject.nested(&path) {
            Value::Text(text) => Some(Reading::of_text(&text)),
            Value::Unknown | Value::Bool(_) | Value::Int(_) | Value::Double(_) | Value::List(_) => {
                None
            }
        }
    })
}

/// Enumerated Values of PS3.3 C.7.3.1 and C.8.11.2; `U` is no side.
fn side_of_value(value: &str) -> Option<Side> {
    match value {
        "L" => Some(Side::Left),
        "R" => Some(Side::Right),
        "B" => Some(Side::Both),
        _ => None,
    }
}

/// Context Group 244 of PS3.16, with the codes of its former edition.
fn side_of_code(value: &str) -> Option<Side> {
    match value {
        "7771000" | "G-A101" => Some(Side::Left),
        "24028007" | "G-A100" => Some(Side::Right),
        "51440002" | "G-A102" => Some(Side::Both),
        _ => None,
    }
}

fn letter(side: Side) -> &'static str {
    match side {
        Side::Left => "L",
        Side::Right => "R",
        Side::Both => "B",
    }
}
