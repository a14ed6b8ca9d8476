//! One object as rules, items, routes and stamps see it.

use std::cell::OnceCell;
use std::fmt;

use jiff::civil::Date;
use jiff::tz::Offset;

use crate::base::time::Timestamp;
use crate::dicom::attribute::AttributePath;
use crate::dicom::charset::CharacterSet;
use crate::dicom::{Tag, VR, tags};
use crate::expression::{Environment, Value};
use crate::object::{Element, End, HeaderView, Kind};

use super::applies::{ClassGroup, ClassGroups};
use super::facts::anatomy::Anatomy;
use super::facts::encoding::Survey;
use super::facts::{self, FACTS};
use super::personnel::Personnel;
use super::pixels::{self, Looking, Needs, PixelFault, PixelSource, Pixels};

/// How an object came, as far as it is known.
#[derive(Debug, Clone)]
pub struct Arrival<'a> {
    /// The AE title of the sender; empty when the object did not come over an association.
    pub calling_aet: &'a str,
    /// The AE title under which it called.
    pub called_aet: &'a str,
    /// The IP address of the sender.
    pub peer: &'a str,
    /// The UID of the transfer syntax.
    pub transfer_syntax: &'a str,
    /// How this source's wrongly declared text is to be read, instead of by (0008,0005).
    pub charset: Option<CharacterSet>,
    /// How the data set ends; `None` while it is still arriving.
    pub end: Option<End>,
    /// The SOP class and instance as which it was announced: by the C-STORE request, or by the head of its file. Empty when
    /// nothing did.
    pub announced: Announced<'a>,
    /// The institution that its sender is mapped to, where that is known.
    pub institution: Option<&'a dyn OwnNames>,
    /// The present instant.
    pub now: Timestamp,
    /// The site's offset from UTC, in which dates without one are meant.
    pub offset: Offset,
    /// The site's registry of operators, if it has one.
    pub personnel: Option<&'a Personnel>,
}

/// What an object is said to be before its data set is looked at (PS3.7 §9.3.1, PS3.10 §7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Announced<'a> {
    /// Affected or Media Storage SOP Class UID.
    pub sop_class: &'a str,
    /// Affected or Media Storage SOP Instance UID.
    pub sop_instance: &'a str,
}

/// Who knows the names of an institution.
pub trait OwnNames: fmt::Debug {
    /// Whether a name, a mark behind it left aside, is the institution's on the day of an examination.
    fn is_own(&self, name: &str, day: Option<Date>) -> bool;
}

/// One object and how it came. Values that were looked at once are remembered.
pub struct Subject<'a> {
    view: &'a HeaderView,
    arrival: Arrival<'a>,
    charset: CharacterSet,
    /// The top level by tag, of each tag the first element, and its value once somebody asked for it.
    top: Vec<&'a Element>,
    values: Vec<OnceCell<Value>>,
    facts: Vec<OnceCell<Value>>,
    survey: OnceCell<Survey>,
    groups: OnceCell<ClassGroups>,
    anatomy: OnceCell<Anatomy>,
    pixels: Option<Pixels<'a>>,
}

impl<'a> Subject<'a> {
    /// Puts an object before the rules.
    #[must_use]
    pub fn new(view: &'a HeaderView, arrival: Arrival<'a>) -> Self {
        let charset = arrival.charset.clone().unwrap_or_else(|| declared_charset(view));
        let mut top: Vec<&Element> = view.top().collect();
        // In order as a rule; the sort is stable, so that the first of equals stays.
        if !top.is_sorted_by_key(|element| element.tag) {
            top.sort_by_key(|element| element.tag);
        }
        top.dedup_by_key(|element| element.tag);
        Self {
            view,
            arrival,
            charset,
            values: top.iter().map(|_| OnceCell::new()).collect(),
            top,
            facts: FACTS.iter().map(|_| OnceCell::new()).collect(),
            survey: OnceCell::new(),
            groups: OnceCell::new(),
            anatomy: OnceCell::new(),
            pixels: None,
        }
    }

    /// The same with its pixels, which are looked at when a rule asks for them.
    #[must_use]
    pub fn with_pixels(self, source: &'a dyn PixelSource, looking: Looking) -> Self {
        Self { pixels: Some(Pixels::new(source, looking)), ..self }
    }

    /// The same, knowing that these of its facts that need pixels will be asked for beside what rules ask.
    #[must_use]
    pub fn expecting(self, facts: &[&str]) -> Self {
        let places = facts.iter().filter_map(|name| pixels::index_of(name));
        self.expect_pixels(pixels::needs_at(places));
        self
    }

    /// Says what rules will ask of its pixels.
    pub(super) fn expect_pixels(&self, needs: Needs) {
        if let Some(pixels) = &self.pixels {
            pixels.expect(needs);
        }
    }

    /// Its elements.
    #[must_use]
    pub fn view(&self) -> &'a HeaderView {
        self.view
    }

    /// Its first element of this tag at the top level.
    #[must_use]
    pub fn find(&self, tag: Tag) -> Option<&'a Element> {
        self.top.get(self.place(tag)?).copied()
    }

    fn place(&self, tag: Tag) -> Option<usize> {
        self.top.binary_search_by_key(&tag, |element| element.tag).ok()
    }

    /// How it came.
    #[must_use]
    pub fn arrival(&self) -> &Arrival<'a> {
        &self.arrival
    }

    /// How its text is read: as the source's setting says, else as (0008,0005) declares.
    #[must_use]
    pub fn charset(&self) -> &CharacterSet {
        &self.charset
    }

    /// What a walk over all its elements finds wrong with text, UIDs and formats.
    pub(super) fn survey(&self) -> &Survey {
        self.survey.get_or_init(|| Survey::of(self))
    }

    /// The groups of SOP classes that it is in.
    #[must_use]
    pub fn groups(&self) -> ClassGroups {
        *self.groups.get_or_init(|| {
            let class = self.text(tags::SOP_CLASS_UID).unwrap_or_default();
            let of_class = ClassGroups::of_class(&class);
            let image = facts::image::is_image(self).then(|| ClassGroup::Images.into());
            image.map_or(of_class, |image| of_class | image)
        })
    }

    /// Which part of the body it is of.
    pub(super) fn anatomy(&self) -> &Anatomy {
        self.anatomy.get_or_init(|| Anatomy::of(self))
    }

    /// The first value of an attribute as text, decoded; `None` when it is absent, empty or no text.
    #[must_use]
    pub fn text(&self, tag: Tag) -> Option<String> {
        match self.attribute(tag) {
            Value::Text(text) => Some(text.as_ref().to_owned()),
            Value::List(values) => values.first().and_then(Value::as_text).map(str::to_owned),
            Value::Unknown | Value::Bool(_) | Value::Int(_) | Value::Double(_) => None,
        }
    }

    /// The numbers of an attribute; none when it is absent, empty, or has a value that is no number.
    #[must_use]
    pub fn numbers(&self, tag: Tag) -> Vec<f64> {
        self.find(tag).map(|element| self.view.numbers(element)).unwrap_or_default()
    }

    /// The fact of this name.
    #[must_use]
    pub fn fact(&self, name: &str) -> Value {
        facts::index_of(name).map_or(Value::Unknown, |index| self.fact_at(index))
    }

    /// The fact at this place in [`FACTS`].
    pub(super) fn fact_at(&self, index: usize) -> Value {
        match (FACTS.get(index), self.facts.get(index)) {
            (Some(fact), Some(cell)) => cell.get_or_init(|| (fact.compute)(self)).clone(),
            _ => Value::Unknown,
        }
    }

    /// The fact that needs pixels, of this name.
    #[must_use]
    pub fn pixel(&self, name: &str) -> Value {
        pixels::index_of(name).map_or(Value::Unknown, |index| self.pixel_at(index))
    }

    /// The fact at this place in [`PIXEL_FACTS`](pixels::PIXEL_FACTS).
    pub(super) fn pixel_at(&self, index: usize) -> Value {
        self.pixels.as_ref().map_or(Value::Unknown, |pixels| pixels.fact(index, self.view))
    }

    /// Why its pixels could not be told of, or not of all that were to be looked at. `None` as long as nobody has asked for
    /// them.
    #[must_use]
    pub fn pixel_fault(&self) -> Option<PixelFault> {
        match &self.pixels {
            Some(pixels) => pixels.fault(),
            None => Some(PixelFault::NotLookedAt),
        }
    }

    /// A hash of size and samples of its first frame, which tells whether two objects show the same picture. `None` of a blank
    /// one, which tells nothing, and where there is no picture.
    #[must_use]
    pub fn pixel_hash(&self) -> Option<[u8; 32]> {
        self.pixels.as_ref()?.hash(self.view)
    }

    fn value(&self, element: &Element) -> Value {
        let view = self.view;
        match element.kind {
            Kind::Sequence => {
                let items: Vec<Value> = view.items(element).map(|_| Value::Unknown).collect();
                if items.is_empty() { Value::Unknown } else { Value::List(items.into()) }
            }
            Kind::Fragments => length_of(element),
            Kind::Item | Kind::Fragment => Value::Unknown,
            Kind::Value => self.plain_value(element),
        }
    }

    fn plain_value(&self, element: &Element) -> Value {
        let view = self.view;
        let vr = view.vr(element);
        match vr {
            VR::IS | VR::US | VR::SS | VR::UL | VR::SL | VR::UV | VR::SV => {
                numeric(&view.numbers(element), whole)
            }
            VR::DS | VR::FL | VR::FD => numeric(&view.numbers(element), Value::finite),
            VR::SH | VR::LO | VR::ST | VR::PN | VR::LT | VR::UC | VR::UT => {
                let bytes = view.bytes(element).unwrap_or_default();
                let text = self.charset.decode(bytes, vr);
                Value::of_values(present(&text.values))
            }
            VR::DA => {
                let dates = view.strings(element).into_iter();
                // The first edition of the standard wrote 2026.04.01.
                let dates: Vec<String> = dates.map(|date| date.replace('.', "")).collect();
                Value::of_values(present(&dates))
            }
            VR::AE | VR::AS | VR::CS | VR::DT | VR::TM | VR::UI | VR::UR => {
                let mut values = view.values(element);
                match (values.next(), values.next()) {
                    (None, _) => Value::Unknown,
                    (Some(only), None) => Value::present(&String::from_utf8_lossy(only)),
                    (Some(_), Some(_)) => Value::of_values(present(&view.strings(element))),
                }
            }
            VR::AT => Value::Unknown,
            VR::OB | VR::OD | VR::OF | VR::OL | VR::OV | VR::OW | VR::UN | VR::SQ => {
                length_of(element)
            }
        }
    }
}

impl Environment for Subject<'_> {
    fn attribute(&self, tag: Tag) -> Value {
        let Some(cell) = self.place(tag).and_then(|place| self.values.get(place)) else {
            return Value::Unknown;
        };
        let value = || self.find(tag).map_or(Value::Unknown, |element| self.value(element));
        cell.get_or_init(value).clone()
    }

    fn variable(&self, name: &str) -> Value {
        match name {
            "calling_aet" => Value::present(self.arrival.calling_aet),
            "called_aet" => Value::present(self.arrival.called_aet),
            "peer" => Value::present(self.arrival.peer),
            _ => match name.split_once('.') {
                Some(("fact", name)) => self.fact(name),
                Some(("pixel", name)) => self.pixel(name),
                _ => Value::Unknown,
            },
        }
    }

    fn numbered(&self, number: usize, _name: &str) -> Value {
        self.fact_at(number)
    }

    fn nested(&self, path: &AttributePath) -> Value {
        self.view.at(path).map_or(Value::Unknown, |element| self.value(element))
    }
}

impl fmt::Debug for Subject<'_> {
    // Its values are patient data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").field("view", &self.view).finish_non_exhaustive()
    }
}

/// What (0008,0005) at the top level declares.
fn declared_charset(view: &HeaderView) -> CharacterSet {
    let element = view.find(tags::SPECIFIC_CHARACTER_SET);
    let bytes = element.and_then(|element| view.bytes(element)).unwrap_or_default();
    CharacterSet::declared(&String::from_utf8_lossy(bytes))
}

fn numeric(numbers: &[f64], value: fn(f64) -> Value) -> Value {
    match numbers {
        [] => Value::Unknown,
        [only] => value(*only),
        several => Value::List(several.iter().copied().map(value).collect()),
    }
}

/// The values of an attribute; nothing at all where each of them is empty.
fn present(values: &[String]) -> Vec<Value> {
    if values.iter().all(String::is_empty) {
        return Vec::new();
    }
    values.iter().map(|value| Value::present(value)).collect()
}

/// A number of a VR that has no fractions.
fn whole(number: f64) -> Value {
    /// From here on not every whole number can be told from its neighbours.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.abs() < EXACT && number.fract() == 0.0 {
        Value::Int(number as i64)
    } else {
        Value::finite(number)
    }
}

/// Bytes are there or not: their length stands for them.
fn length_of(element: &Element) -> Value {
    match i64::try_from(element.length()) {
        Ok(length @ 1..) => Value::Int(length),
        Ok(_) | Err(_) => Value::Unknown,
    }
}
