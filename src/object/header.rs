//! What a scan remembers of a data set: every element with its place, and the small values.
//!
//! Elements stand in document order, items among them; an item's parent is its sequence, an element's parent
//! the item it stands in. Nothing is decoded before it is asked for.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use dicom_core::dictionary::VirtualVr;

use crate::base::budget::Share;
use crate::dicom::attribute::{AttributePath, vr_of};
use crate::dicom::charset::{CharacterSet, Text};
use crate::dicom::transfer_syntax::{Encoding, TransferSyntax};
use crate::dicom::{Tag, VR, tags};

use super::representation::unit_size;
use super::walk::Oddities;

/// The place of a value that was not kept.
pub(super) const NOT_KEPT: u32 = u32::MAX;

/// What an [`Element`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A data element with a plain value.
    Value,
    /// A sequence of items.
    Sequence,
    /// An item of a sequence (FFFE,E000).
    Item,
    /// Encapsulated pixel data (PS3.5 §A.4).
    Fragments,
    /// One of its fragments (FFFE,E000); the first is the basic offset table.
    Fragment,
}

/// How the header of an element is written (PS3.5 §7.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Form {
    /// Tag and 32-bit length; items as well.
    Implicit,
    /// Tag, VR and 16-bit length.
    Short,
    /// Tag, VR, two reserved bytes and 32-bit length.
    Long,
}

/// One element, item or fragment of a data set, and where it stands. Positions are bytes of the data set as
/// received; of a deflated one, bytes of what it inflates to.
#[derive(Clone, PartialEq, Eq)]
pub struct Element {
    /// Its tag.
    pub tag: Tag,
    /// Its VR as written; `None` in implicit encodings, for items, and for letters that are no VR.
    pub vr: Option<VR>,
    /// What it is.
    pub kind: Kind,
    /// How its header is written.
    pub form: Form,
    /// Where its header begins.
    pub start: u64,
    /// Where its value stands, delimiter not included. In a data set that was cut this may reach past its end.
    pub value: Range<u64>,
    /// Whether its length is FFFFFFFF.
    pub undefined_length: bool,
    /// The index of what encloses it: the item of an element, the sequence of an item; `None` at the top level.
    pub parent: Option<u32>,
    /// How many sequences are around it.
    pub depth: u16,
    /// Of its header.
    pub(super) encoding: Encoding,
    /// Of the items in it.
    pub(super) inner: Encoding,
    pub(super) delimited: bool,
    pub(super) out_of_order: bool,
    pub(super) index: u32,
    /// The index behind all that is in it.
    pub(super) next: u32,
    pub(super) kept: u32,
}

impl Element {
    /// Where it ends, delimiter included.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.value.end + if self.delimited { 8 } else { 0 }
    }

    /// The length of its value in bytes.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.value.end - self.value.start
    }

    /// How its header and its numbers are encoded. That is not always the data set's way: items within an element
    /// of VR UN are in Implicit VR Little Endian (PS3.5 §6.2.2).
    #[must_use]
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Whether its tag is not above that of the element before it.
    #[must_use]
    pub fn is_out_of_order(&self) -> bool {
        self.out_of_order
    }

    /// Its index in [`HeaderView::elements`].
    #[must_use]
    pub fn index(&self) -> u32 {
        self.index
    }
}

impl fmt::Debug for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (group, element) = (self.tag.group(), self.tag.element());
        let vr = self.vr.map_or("--", VR::to_string);
        write!(f, "({group:04X},{element:04X}) {vr} {:?} ", self.kind)?;
        write!(f, "{}: {}..{}", self.start, self.value.start, self.value.end)?;
        if self.undefined_length { f.write_str(" undefined") } else { Ok(()) }
    }
}

/// How much of a data set a view shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reach {
    /// All of it.
    Whole,
    /// All that has come so far; the rest is on its way.
    SoFar,
    /// Looking ended early: a limit was passed, or the data set is cut or malformed.
    Abandoned,
}

/// The elements of a data set at all depths, before and behind the pixel data: small values kept, large ones as
/// ranges.
#[derive(Clone)]
pub struct HeaderView {
    syntax: TransferSyntax,
    encoding: Encoding,
    elements: Vec<Element>,
    kept: Vec<u8>,
    /// What the memory of all this is charged to.
    _share: Option<Arc<Share>>,
    oddities: Oddities,
    reach: Reach,
    length: u64,
}

impl HeaderView {
    pub(super) fn new(
        syntax: TransferSyntax,
        encoding: Encoding,
        elements: Vec<Element>,
        kept: Vec<u8>,
        share: Option<Arc<Share>>,
        oddities: Oddities,
        reach: Reach,
        length: u64,
    ) -> Self {
        Self { syntax, encoding, elements, kept, _share: share, oddities, reach, length }
    }

    /// The transfer syntax that the data set is said to be in.
    #[must_use]
    pub fn syntax(&self) -> TransferSyntax {
        self.syntax
    }

    /// The encoding it is really in, as its first element shows.
    #[must_use]
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// How much of the data set this shows.
    #[must_use]
    pub fn reach(&self) -> Reach {
        self.reach
    }

    /// How many bytes of the data set were walked; of a deflated one, inflated bytes.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Where the data set departs from the standard and could be walked all the same.
    #[must_use]
    pub fn oddities(&self) -> Oddities {
        self.oddities
    }

    /// Elements whose tag is not above the one before in the same item, duplicates among them (PS3.5 §7.1).
    pub fn order_faults(&self) -> impl Iterator<Item = &Element> {
        self.elements.iter().filter(|element| element.out_of_order)
    }

    /// Everything at all depths, in document order.
    #[must_use]
    pub fn elements(&self) -> &[Element] {
        &self.elements
    }

    /// The elements at the top level, in document order.
    #[must_use]
    pub fn top(&self) -> Elements<'_> {
        Elements { view: self, at: 0, end: self.elements.len() as u32 }
    }

    /// The first element of this tag at the top level.
    #[must_use]
    pub fn find(&self, tag: Tag) -> Option<&Element> {
        self.top().find(|element| element.tag == tag)
    }

    /// The element that a path leads to; where a tag stands twice, its first.
    #[must_use]
    pub fn at(&self, path: &AttributePath) -> Option<&Element> {
        let mut within = self.top();
        for step in &path.steps {
            let sequence = within.find(|element| element.tag == step.sequence)?;
            within = self.items(sequence).nth(step.item as usize)?.elements();
        }
        within.find(|element| element.tag == path.tag)
    }

    /// The items of a sequence; none for what is no sequence.
    pub fn items<'a>(&'a self, sequence: &'a Element) -> impl Iterator<Item = Item<'a>> {
        let items = self.within(sequence).filter(|element| element.kind == Kind::Item);
        items.map(|item| Item { view: self, item })
    }

    /// The fragments of encapsulated pixel data, basic offset table first; none for anything else.
    pub fn fragments<'a>(&'a self, pixels: &'a Element) -> impl Iterator<Item = &'a Element> {
        self.within(pixels).filter(|element| element.kind == Kind::Fragment)
    }

    pub(super) fn within(&self, container: &Element) -> Elements<'_> {
        Elements { view: self, at: container.index + 1, end: container.next }
    }

    /// The value of an element; `None` when it was too large to be kept, or is no plain value.
    #[must_use]
    pub fn bytes(&self, element: &Element) -> Option<&[u8]> {
        let place = (element.kept != NOT_KEPT).then_some(element.kept as usize)?;
        self.kept.get(place..place + usize::try_from(element.length()).ok()?)
    }

    /// The VR of an element: as written, or the dictionary's where none (or UN) is written, with US or SS by the
    /// nearest Pixel Representation (0028,0103). UN where the dictionary has none.
    #[must_use]
    pub fn vr(&self, element: &Element) -> VR {
        match element.vr {
            Some(VR::UN) | None => {}
            Some(vr) => return vr,
        }
        match vr_of(element.tag) {
            Some(VirtualVr::Exact(vr)) => vr,
            Some(VirtualVr::Xs) if self.is_signed(element) => VR::SS,
            Some(VirtualVr::Xs) => VR::US,
            Some(_) => VR::OW,
            None => VR::UN,
        }
    }

    /// Whether the Pixel Representation nearest to an element says that samples are signed.
    fn is_signed(&self, element: &Element) -> bool {
        let nearest = self
            .around(element)
            .find_map(|mut within| within.find(|e| e.tag == tags::PIXEL_REPRESENTATION));
        let bytes = nearest.and_then(|found| self.bytes(found)).unwrap_or_default();
        bytes.iter().any(|byte| *byte != 0)
    }

    /// The items around an element, innermost first, and the data set itself.
    fn around(&self, element: &Element) -> impl Iterator<Item = Elements<'_>> {
        let enclosing = |element: &Element| self.elements.get(element.parent? as usize);
        let items = std::iter::successors(enclosing(element), move |outer| enclosing(outer));
        let items = items.filter(|outer| outer.kind == Kind::Item);
        items.map(|item| self.within(item)).chain([self.top()])
    }

    /// The character set that the data set declares in (0008,0005).
    #[must_use]
    pub fn charset(&self) -> CharacterSet {
        self.charset_of(self.top()).unwrap_or_else(CharacterSet::default_repertoire)
    }

    fn charset_of(&self, mut within: Elements<'_>) -> Option<CharacterSet> {
        let declared = within.find(|element| element.tag == tags::SPECIFIC_CHARACTER_SET)?;
        let value = self.bytes(declared)?;
        Some(CharacterSet::declared(&String::from_utf8_lossy(value)))
    }

    /// The character set that an element is written in as declared: an item may declare its own (0008,0005), which
    /// then holds for all in it (PS3.3 C.12.1.1.2).
    #[must_use]
    pub fn charset_at(&self, element: &Element) -> CharacterSet {
        let nearest = self.around(element).find_map(|within| self.charset_of(within));
        nearest.unwrap_or_else(CharacterSet::default_repertoire)
    }

    /// The text of an element in `charset`; `None` when its value was not kept. Values are split after decoding.
    #[must_use]
    pub fn text(&self, element: &Element, charset: &CharacterSet) -> Option<Text> {
        Some(charset.decode(self.bytes(element)?, self.vr(element)))
    }

    /// The values of an element whose VR is in the default repertoire (AE, AS, CS, DA, DS, DT, IS, TM, UI, UR),
    /// split at backslashes, spaces and NULs around each taken away. Empty when absent, empty or not kept.
    #[must_use]
    pub fn strings(&self, element: &Element) -> Vec<String> {
        self.values(element).map(|value| String::from_utf8_lossy(value).into_owned()).collect()
    }

    /// The bytes of the values that [`HeaderView::strings`] gives.
    pub fn values<'a>(&'a self, element: &Element) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let bytes = self.bytes(element).filter(|bytes| !trim(bytes).is_empty());
        bytes.into_iter().flat_map(|bytes| bytes.split(|byte| *byte == b'\\').map(trim))
    }

    /// The first value of a top-level element of the default repertoire, trimmed; `None` when it is absent, empty
    /// or not kept.
    #[must_use]
    pub fn string(&self, tag: Tag) -> Option<String> {
        self.first_string(self.find(tag)?)
    }

    fn first_string(&self, element: &Element) -> Option<String> {
        let bytes = self.bytes(element)?;
        let first = trim(bytes.split(|byte| *byte == b'\\').next()?);
        (!first.is_empty()).then(|| String::from_utf8_lossy(first).into_owned())
    }

    /// The numbers in an element of VR DS, IS, US, SS, UL, SL, UV, SV, FL, FD, OB, OW, OL, OV, OF or OD.
    /// Empty when it is absent, not kept, of another VR, or when one of its values is no finite number.
    #[must_use]
    pub fn numbers(&self, element: &Element) -> Vec<f64> {
        let Some(bytes) = self.bytes(element) else { return Vec::new() };
        let vr = self.vr(element);
        if matches!(vr, VR::DS | VR::IS) {
            let texts = self.values(element).map(std::str::from_utf8);
            let numbers: Option<Vec<f64>> = texts.map(|text| number(text.ok()?)).collect();
            return numbers.unwrap_or_default();
        }
        // PS3.5 §6.2.2: a value carried as UN came from an implicit little endian encoding.
        let big = element.encoding.is_big_endian() && element.vr != Some(VR::UN);
        let unit = unit_size(vr);
        let numbers: Option<Vec<f64>> = match vr {
            VR::OB => Some(bytes.iter().map(|byte| f64::from(*byte)).collect()),
            _ if unit > 1 => bytes.chunks_exact(unit).map(|raw| binary(vr, raw, big)).collect(),
            _ => None,
        };
        numbers.unwrap_or_default()
    }
}

impl fmt::Debug for HeaderView {
    // Kept values are patient data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeaderView")
            .field("syntax", &self.syntax)
            .field("encoding", &self.encoding)
            .field("elements", &self.elements.len())
            .field("oddities", &self.oddities)
            .field("reach", &self.reach)
            .finish_non_exhaustive()
    }
}

/// The elements of one data set or item, those within them left out.
#[derive(Clone)]
pub struct Elements<'a> {
    view: &'a HeaderView,
    at: u32,
    end: u32,
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a Element;

    fn next(&mut self) -> Option<&'a Element> {
        if self.at >= self.end {
            return None;
        }
        let element = self.view.elements.get(self.at as usize)?;
        self.at = element.next;
        Some(element)
    }
}

impl fmt::Debug for Elements<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

/// An item of a sequence.
#[derive(Debug, Clone, Copy)]
pub struct Item<'a> {
    view: &'a HeaderView,
    item: &'a Element,
}

impl<'a> Item<'a> {
    /// The item itself.
    #[must_use]
    pub fn element(&self) -> &'a Element {
        self.item
    }

    /// Its elements, in document order.
    #[must_use]
    pub fn elements(&self) -> Elements<'a> {
        self.view.within(self.item)
    }

    /// Its first element of this tag.
    #[must_use]
    pub fn find(&self, tag: Tag) -> Option<&'a Element> {
        self.elements().find(|element| element.tag == tag)
    }

    /// The first value of its element of this tag, as [`HeaderView::string`].
    #[must_use]
    pub fn string(&self, tag: Tag) -> Option<String> {
        self.view.first_string(self.find(tag)?)
    }
}

fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | 0, rest @ ..] | [rest @ .., b' ' | 0] = bytes {
        bytes = rest;
    }
    bytes
}

fn number(text: &str) -> Option<f64> {
    // `f64::from_str` also takes "inf" and "nan", which are no decimal strings.
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

fn binary(vr: VR, raw: &[u8], big_endian: bool) -> Option<f64> {
    let mut unit = [0; 8];
    for (slot, byte) in unit.iter_mut().zip(raw) {
        *slot = *byte;
    }
    if vr == VR::AT {
        return None;
    }
    if big_endian {
        unit.get_mut(..raw.len())?.reverse();
    }
    let whole = u64::from_le_bytes(unit);
    let short = (whole & 0xFFFF) as u16;
    let long = (whole & 0xFFFF_FFFF) as u32;
    let number = match vr {
        VR::SS => f64::from(short.cast_signed()),
        VR::SL => f64::from(long.cast_signed()),
        VR::SV => whole.cast_signed() as f64,
        VR::FL | VR::OF => f64::from(f32::from_bits(long)),
        VR::FD | VR::OD => f64::from_bits(whole),
        _ => whole as f64,
    };
    number.is_finite().then_some(number)
}
