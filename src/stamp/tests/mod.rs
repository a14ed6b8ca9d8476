//! What the tests of this module share: objects written by hand, a registry of one hospital, and what comes of stamping.

mod character_sets;
mod drawing;
mod matrix;
mod promises;
mod properties;
mod real;
mod tagging;

use std::io::Read as _;

use jiff::civil::date;

use super::*;
use crate::base::limits::Limits;
use crate::dicom::attribute::number_of;
use crate::dicom::transfer_syntax::TransferSyntax;
use crate::dicom::{Tag, VR, tags};
use crate::expression::{Declarations, Environment, Value};
use crate::object::edit::NewElement;
use crate::object::splice::{Inflating, MadeBytes, output};
use crate::object::{Element, End, Scanner};
use crate::recognition::{
    AccreditationRow, AccreditationStatus, Alias, Exam, InstitutionId, InstitutionRow, ItemRow,
    MarkPolicy, Registry, Rows, decide,
};

pub(super) const IMPLICIT: &str = "1.2.840.10008.1.2";
pub(super) const EXPLICIT: &str = "1.2.840.10008.1.2.1";
pub(super) const BIG: &str = "1.2.840.10008.1.2.2";
pub(super) const DEFLATED: &str = "1.2.840.10008.1.2.1.99";
const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
pub(super) const NAME: &str = "北京友谊医院";

/// A data set in a transfer syntax.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Object {
    pub syntax: TransferSyntax,
    pub bytes: Vec<u8>,
}

impl Object {
    /// A data set of these elements, in the order of their tags.
    pub fn new(syntax: &str, elements: Vec<NewElement>) -> Self {
        let syntax = TransferSyntax::of(syntax);
        Self { syntax, bytes: Self::of(syntax, elements) }.deflated()
    }

    /// The elements as they stand in a data set of the encoding.
    pub fn of(syntax: TransferSyntax, mut elements: Vec<NewElement>) -> Vec<u8> {
        elements.sort_by_key(|element| element.tag);
        let mut bytes = Vec::new();
        for element in &elements {
            element.encode(syntax.encoding, &mut bytes).expect("encodable");
        }
        bytes
    }

    /// The same, deflated where its transfer syntax is.
    pub fn deflated(self) -> Self {
        if !self.syntax.deflated {
            return self;
        }
        let mut deflater =
            flate2::read::DeflateEncoder::new(&self.bytes[..], flate2::Compression::fast());
        let mut bytes = Vec::new();
        deflater.read_to_end(&mut bytes).expect("a slice cannot fail");
        Self { bytes, ..self }
    }

    pub fn view(&self) -> HeaderView {
        let mut scanner = Scanner::new(self.syntax, Limits::default());
        scanner.push(&self.bytes);
        let scan = scanner.finish();
        assert_eq!(scan.end, End::Complete);
        scan.header
    }

    /// The bytes that positions of a scan count.
    pub fn plain(&self) -> Vec<u8> {
        let mut plain = Vec::new();
        if !self.syntax.deflated {
            return self.bytes.clone();
        }
        let mut inflating = Inflating::new(&self.bytes[..]).expect("deflated");
        inflating.read_to_end(&mut plain).expect("deflated");
        plain
    }

    pub fn changed(&self, plan: EditPlan) -> Self {
        let mut bytes = Vec::new();
        let mut stream =
            output(&self.bytes[..], self.syntax, plan, MadeBytes::none()).expect("readable");
        stream.read_to_end(&mut bytes).expect("the plan fits");
        Self { syntax: self.syntax, bytes }
    }
}

/// The elements of a small CT image, with this (0008,0005) and these bytes for a name where there are any.
pub(super) fn image(charset: &str, name: Option<&[u8]>) -> Vec<NewElement> {
    let mut elements = vec![
        NewElement::new(tags::SOP_CLASS_UID, VR::UI, CT),
        NewElement::new(tags::SOP_INSTANCE_UID, VR::UI, "1.2.3"),
        NewElement::new(tags::MODALITY, VR::CS, "CT"),
        NewElement::new(tags::MANUFACTURER, VR::LO, "ACME"),
        NewElement::new(tags::PATIENT_NAME, VR::PN, "Doe^Jane"),
        NewElement::new(Tag(0x0019, 0x0010), VR::LO, "ACME 1.0"),
        NewElement::new(Tag(0x0019, 0x1001), VR::UN, vec![1, 2, 0xFF]),
        NewElement::new(tags::PIXEL_DATA, VR::OW, vec![0; 64]),
    ];
    if !charset.is_empty() {
        elements.push(NewElement::new(tags::SPECIFIC_CHARACTER_SET, VR::CS, charset));
    }
    if let Some(name) = name {
        elements.push(NewElement::new(tags::INSTITUTION_NAME, VR::LO, name));
    }
    elements
}

/// How a stamping is set up; at first JJJHR is due.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    pub due: Option<&'static str>,
    pub names: InstitutionRow,
    pub policy: StampPolicy,
    /// A source's override of (0008,0005).
    pub read_as: Option<&'static str>,
    pub now: &'static str,
}

pub(super) fn setting() -> Setting {
    Setting {
        due: Some("JJJHR"),
        names: InstitutionRow {
            id: "bfh".to_owned(),
            name: NAME.to_owned(),
            short_name: None,
            latin_name: None,
            aliases: vec![Alias::always("Friendship")],
        },
        policy: StampPolicy::default(),
        read_as: None,
        now: "2026-05-01T02:03:04.5Z",
    }
}

struct AnyObject;

impl Environment for AnyObject {
    fn attribute(&self, _tag: Tag) -> Value {
        Value::from("CT")
    }

    fn variable(&self, _name: &str) -> Value {
        Value::Unknown
    }
}

impl Setting {
    fn registry(&self) -> Registry {
        let day = date(2026, 4, 1);
        let accreditation = |scope: &&str| AccreditationRow {
            institution: "bfh".to_owned(),
            items: vec!["CT-胸部".to_owned()],
            scope: (*scope).to_owned(),
            valid_from: day,
            valid_to: Some(date(2027, 3, 31)),
            status: AccreditationStatus::Active,
        };
        let rows = Rows {
            scopes: Vec::new(),
            institutions: vec![self.names.clone()],
            items: vec![ItemRow {
                code: "CT-胸部".to_owned(),
                name: "胸部CT".to_owned(),
                when: "dcm.Modality == 'CT'".to_owned(),
                scopes: vec!["BJHR".to_owned(), "JJJHR".to_owned()],
            }],
            accreditations: self.due.iter().map(accreditation).collect(),
        };
        Registry::build(rows, &Declarations::object(), "-").expect("rows without fault").0
    }

    /// What stamping the object comes to. It keeps what is promised.
    pub fn stamp(&self, object: &Object) -> Result<Stamp, Obstacle> {
        self.with_job(object, |job| {
            let stamped = stamp(&[StampMode::Tag], job)?;
            let scopes = [ScopeCode::new("BJHR"), ScopeCode::new("JJJHR")];
            assert_eq!(self_check(job, &stamped, &scopes), Ok(()));
            Ok(stamped)
        })
    }

    /// Has something done with all that the stamp of an object depends on.
    pub fn with_job<T>(&self, object: &Object, act: impl FnOnce(&Job<'_>) -> T) -> T {
        let plain = object.plain();
        let bench = drawing::Memory::of(&plain);
        let view = object.view();
        let declared = view.charset();
        let read_as = self.read_as.map_or(declared, CharacterSet::declared);
        let element = view.find(tags::INSTITUTION_NAME);
        let bytes = element.and_then(|element| view.bytes(element)).unwrap_or_default();
        let name = read_as.decode(bytes, VR::LO);
        let registry = self.registry();
        let id = InstitutionId::new("bfh");
        let exam = Exam {
            sop_class: CT,
            exam_date: Some(date(2026, 5, 1)),
            institution: Some(&id),
            institution_name: name.first(),
            imported: false,
            clinical: true,
            quality_blocked: false,
            environment: &AnyObject,
        };
        let decision = decide(&registry, &MarkPolicy::default(), &exam, date(2026, 5, 1));
        let names = registry.institution(&id).expect("the institution").names().clone();
        let provenance = Provenance {
            ae: AeTitle::parse("MARKGATE").expect("a title"),
            source: Some(AeTitle::parse("CT01").expect("a title")),
            version: "0.1.0".to_owned(),
            rules: "b3:0123456789abcdef".to_owned(),
        };
        let job = Job {
            view: &view,
            read_as: &read_as,
            decision: &decision,
            names: &names,
            policy: &self.policy,
            provenance: &provenance,
            now: self.now.parse().expect("a timestamp"),
            sop_class: CT,
            transfer_syntax: EXPLICIT,
            workshop: Some(&bench),
            preferred: &[],
            other_version: false,
        };
        act(&job)
    }

    /// The object once stamped.
    #[track_caller]
    pub fn stamped(&self, object: &Object) -> Object {
        object.changed(self.stamp(object).expect("no obstacle").plan)
    }
}

/// The text of the Institution Name, as declared.
pub(super) fn name_of(object: &Object) -> String {
    let view = object.view();
    let bytes = view.find(tags::INSTITUTION_NAME).and_then(|element| view.bytes(element));
    let text = view.charset().decode(bytes.unwrap_or_default(), VR::LO);
    assert!(!text.faulty);
    text.values.join("\\")
}

/// An element with all that is in it, a line each: dots for depth, number, VR, text as declared.
pub(super) fn outline(object: &Object, tag: Tag) -> Vec<String> {
    let view = object.view();
    let set = view.charset();
    let Some(top) = view.find(tag) else { return Vec::new() };
    let within = view.elements().iter().skip(top.index() as usize);
    let within = within.take_while(|e| e.index() == top.index() || e.depth > top.depth);
    within
        .map(|element| {
            let dots = ".".repeat(usize::from(element.depth));
            let value = view.bytes(element).map(|bytes| {
                let text = set.decode(bytes, view.vr(element)).values.join("\\");
                format!(" {text:?}")
            });
            let value = value.unwrap_or_default();
            format!("{dots}{} {}{value}", number_of(element.tag), view.vr(element).to_string())
        })
        .filter(|line| !line.contains("(FFFE,E000)"))
        .collect()
}

/// The tags whose elements differ between two data sets, group lengths left out. An element that only one has differs.
pub(super) fn differences(before: &Object, after: &Object) -> Vec<String> {
    let elements = |object: &Object| -> Vec<(Tag, Vec<u8>)> {
        let plain = object.plain();
        let raw = |element: &Element| {
            let range = element.start as usize..(element.end() as usize).min(plain.len());
            (element.tag, plain[range].to_vec())
        };
        let view = object.view();
        view.top().filter(|element| element.tag.element() != 0).map(raw).collect()
    };
    let (before, after) = (elements(before), elements(after));
    let only = |one: &[(Tag, Vec<u8>)], other: &[(Tag, Vec<u8>)]| -> Vec<Tag> {
        one.iter().filter(|element| !other.contains(element)).map(|(tag, _)| *tag).collect()
    };
    let mut tags = only(&before, &after);
    tags.extend(only(&after, &before));
    tags.sort();
    tags.dedup();
    tags.into_iter().map(number_of).collect()
}
