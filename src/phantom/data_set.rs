//! A data set as a tree, for building what will be written.

use std::collections::BTreeMap;

use crate::dicom::attribute::relaxed_vr_of;
use crate::dicom::{Tag, VR};

/// Elements in the order of their tags.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DataSet {
    elements: BTreeMap<Tag, Element>,
}

/// What an element holds, and the VR to write it with.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Element {
    pub(super) vr: VR,
    pub(super) value: Value,
}

/// An element's value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Characters, values separated by backslashes; encoded and padded when written.
    Text(String),
    /// Bytes as they are, odd lengths included.
    Bytes(Vec<u8>),
    /// VRs US, OW, and AT in pairs.
    Shorts(Vec<u16>),
    /// VR SS.
    SignedShorts(Vec<i16>),
    /// VR UL.
    Longs(Vec<u32>),
    /// VR FL.
    Floats(Vec<f32>),
    /// VR FD.
    Doubles(Vec<f64>),
    /// VR SQ.
    Items(Vec<DataSet>),
}

impl DataSet {
    /// An element of any VR.
    pub fn set(&mut self, tag: Tag, vr: VR, value: Value) -> &mut Self {
        self.elements.insert(tag, Element { vr, value });
        self
    }

    /// An element of the dictionary's VR with characters, several values separated by backslashes.
    pub fn text(&mut self, tag: Tag, text: impl Into<String>) -> &mut Self {
        self.set(tag, relaxed_vr_of(tag), Value::Text(text.into()))
    }

    /// An element without a value.
    pub fn empty(&mut self, tag: Tag) -> &mut Self {
        self.set(tag, relaxed_vr_of(tag), Value::Bytes(Vec::new()))
    }

    /// An element of VR US.
    pub fn number(&mut self, tag: Tag, number: u16) -> &mut Self {
        self.set(tag, VR::US, Value::Shorts(vec![number]))
    }

    /// An element of VR FD.
    pub fn double(&mut self, tag: Tag, number: f64) -> &mut Self {
        self.set(tag, VR::FD, Value::Doubles(vec![number]))
    }

    /// A sequence of one item.
    pub fn item(&mut self, tag: Tag, item: Self) -> &mut Self {
        self.items(tag, vec![item])
    }

    /// A sequence.
    pub fn items(&mut self, tag: Tag, items: Vec<Self>) -> &mut Self {
        self.set(tag, VR::SQ, Value::Items(items))
    }

    /// A code sequence of one item: Code Value, Coding Scheme Designator, Code Meaning (PS3.3 §8.8).
    pub fn code(&mut self, tag: Tag, code: Code) -> &mut Self {
        self.item(tag, code.item())
    }

    /// Takes an element out.
    pub fn remove(&mut self, tag: Tag) -> &mut Self {
        self.elements.remove(&tag);
        self
    }

    /// Whether there is such an element.
    #[must_use]
    pub fn has(&self, tag: Tag) -> bool {
        self.elements.contains_key(&tag)
    }

    pub(super) fn elements(&self) -> impl Iterator<Item = (Tag, &Element)> {
        self.elements.iter().map(|(tag, element)| (*tag, element))
    }
}

/// A coded concept: value, scheme, meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code(pub &'static str, pub &'static str, pub &'static str);

impl Code {
    pub(super) fn item(self) -> DataSet {
        use crate::dicom::tags;
        let Self(value, scheme, meaning) = self;
        let mut item = DataSet::default();
        item.text(tags::CODE_VALUE, value)
            .text(tags::CODING_SCHEME_DESIGNATOR, scheme)
            .text(tags::CODE_MEANING, meaning);
        item
    }
}
