//! What the tests of this module share: data sets written by hand, and the real files.

mod editing;
mod hostile;
mod properties;
mod real;
mod scanning;
mod transcoding;

use super::*;
use crate::base::limits::Limits;
use crate::dicom::transfer_syntax::TransferSyntax;
use crate::dicom::{Tag, VR};

pub(super) const IMPLICIT: &str = "1.2.840.10008.1.2";
pub(super) const EXPLICIT: &str = "1.2.840.10008.1.2.1";
pub(super) const BIG: &str = "1.2.840.10008.1.2.2";
pub(super) const DEFLATED: &str = "1.2.840.10008.1.2.1.99";

/// A data set written piece by piece, right or wrong.
#[derive(Clone, Default)]
pub(super) struct Bytes {
    pub big: bool,
    pub out: Vec<u8>,
}

impl Bytes {
    pub fn little() -> Self {
        Self::default()
    }

    pub fn big() -> Self {
        Self { big: true, out: Vec::new() }
    }

    pub fn u16(mut self, number: u16) -> Self {
        let bytes = if self.big { number.to_be_bytes() } else { number.to_le_bytes() };
        self.out.extend(bytes);
        self
    }

    pub fn u32(mut self, number: u32) -> Self {
        let bytes = if self.big { number.to_be_bytes() } else { number.to_le_bytes() };
        self.out.extend(bytes);
        self
    }

    pub fn raw(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.out.extend(bytes.as_ref());
        self
    }

    pub fn tag(self, tag: Tag) -> Self {
        self.u16(tag.group()).u16(tag.element())
    }

    /// An element with the 16-bit length of its value.
    pub fn short(self, tag: Tag, vr: &str, value: impl AsRef<[u8]>) -> Self {
        let length = value.as_ref().len() as u16;
        self.tag(tag).raw(vr).u16(length).raw(value)
    }

    /// The header of an element with a 32-bit length.
    pub fn long(self, tag: Tag, vr: &str, length: u32) -> Self {
        self.tag(tag).raw(vr).raw([0, 0]).u32(length)
    }

    /// An element without VR.
    pub fn implicit(self, tag: Tag, value: impl AsRef<[u8]>) -> Self {
        let length = value.as_ref().len() as u32;
        self.tag(tag).u32(length).raw(value)
    }

    /// The header of an element without VR.
    pub fn open(self, tag: Tag, length: u32) -> Self {
        self.tag(tag).u32(length)
    }

    pub fn item(self, length: u32) -> Self {
        self.open(Tag(0xFFFE, 0xE000), length)
    }

    pub fn item_end(self) -> Self {
        self.open(Tag(0xFFFE, 0xE00D), 0)
    }

    pub fn sequence_end(self) -> Self {
        self.open(Tag(0xFFFE, 0xE0DD), 0)
    }
}

pub(super) use representation::UNDEFINED;

pub(super) fn scan(syntax: &str, bytes: &[u8]) -> Scan {
    let mut scanner = Scanner::new(TransferSyntax::of(syntax), Limits::default());
    scanner.push(bytes);
    scanner.finish()
}

/// The tags, in document order, as deep as they stand: `...(0008,0060)`.
pub(super) fn outline(view: &HeaderView) -> Vec<String> {
    let line = |element: &Element| {
        let dots = ".".repeat(usize::from(element.depth));
        let (group, number) = (element.tag.group(), element.tag.element());
        let vr = element.vr.map_or("--", VR::to_string);
        format!("{dots}{group:04X}{number:04X} {vr} {:?}", element.value)
    };
    view.elements().iter().map(line).collect()
}
