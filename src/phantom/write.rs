//! From the tree to bytes: the element writer of the phantoms.
//!
//! It can write what no good sender would (odd lengths, retired group lengths, mixed length forms), because the
//! gate has to carry that too.

use crate::dicom::transfer_syntax::Encoding;
use crate::dicom::{Tag, VR};

use super::characters::Characters;
use super::data_set::{DataSet, Element, Value};

/// How sequences and items tell where they end (PS3.5 §7.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lengths {
    /// By their length.
    #[default]
    Explicit,
    /// By delimiters.
    Undefined,
    /// Sequences by delimiters, items by their length, as some vendors do.
    Mixed,
}

/// How a data set is laid out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    pub(super) encoding: Encoding,
    pub(super) lengths: Lengths,
    pub(super) group_lengths: bool,
    pub(super) characters: Characters,
}

pub(super) const ITEM: Tag = Tag(0xFFFE, 0xE000);
pub(super) const ITEM_END: Tag = Tag(0xFFFE, 0xE00D);
pub(super) const SEQUENCE_END: Tag = Tag(0xFFFE, 0xE0DD);
pub(super) const UNDEFINED: u32 = 0xFFFF_FFFF;

impl Layout {
    /// The elements of `set` whose tags are in `range`.
    pub(super) fn elements(
        self,
        set: &DataSet,
        mut range: impl FnMut(Tag) -> bool,
        out: &mut Vec<u8>,
    ) {
        let mut chosen = set.elements().filter(|(tag, _)| range(*tag)).peekable();
        while let Some((tag, _)) = chosen.peek() {
            let group = tag.group();
            let mut bytes = Vec::new();
            while let Some((tag, element)) = chosen.next_if(|(tag, _)| tag.group() == group) {
                self.element(tag, element, &mut bytes);
            }
            if self.group_lengths {
                self.header(Tag(group, 0), VR::UL, 4, out);
                self.long(saturated(bytes.len()), out);
            }
            out.append(&mut bytes);
        }
    }

    fn element(self, tag: Tag, element: &Element, out: &mut Vec<u8>) {
        match &element.value {
            Value::Items(items) => self.sequence(tag, items, out),
            value => {
                let bytes = self.value(element.vr, value);
                self.header(tag, element.vr, saturated(bytes.len()), out);
                out.extend(bytes);
            }
        }
    }

    fn sequence(self, tag: Tag, items: &[DataSet], out: &mut Vec<u8>) {
        let mut bytes = Vec::new();
        for item in items {
            let mut inner = Vec::new();
            self.elements(item, |_| true, &mut inner);
            match self.lengths {
                Lengths::Explicit | Lengths::Mixed => {
                    self.mark(ITEM, saturated(inner.len()), &mut bytes);
                    bytes.append(&mut inner);
                }
                Lengths::Undefined => {
                    self.mark(ITEM, UNDEFINED, &mut bytes);
                    bytes.append(&mut inner);
                    self.mark(ITEM_END, 0, &mut bytes);
                }
            }
        }
        match self.lengths {
            Lengths::Explicit => self.header(tag, VR::SQ, saturated(bytes.len()), out),
            Lengths::Undefined | Lengths::Mixed => {
                self.header(tag, VR::SQ, UNDEFINED, out);
                self.mark(SEQUENCE_END, 0, &mut bytes);
            }
        }
        out.append(&mut bytes);
    }

    fn value(self, vr: VR, value: &Value) -> Vec<u8> {
        let mut bytes = Vec::new();
        match value {
            Value::Text(text) => {
                bytes = self.characters.encode(text, vr);
                if bytes.len() % 2 == 1 {
                    bytes.push(if vr == VR::UI { 0 } else { b' ' });
                }
            }
            Value::Bytes(plain) => bytes.extend_from_slice(plain),
            Value::Shorts(numbers) => {
                for number in numbers {
                    self.short(*number, &mut bytes);
                }
            }
            Value::SignedShorts(numbers) => {
                for number in numbers {
                    self.short(number.cast_unsigned(), &mut bytes);
                }
            }
            Value::Longs(numbers) => {
                for number in numbers {
                    self.long(*number, &mut bytes);
                }
            }
            Value::Floats(numbers) => {
                for number in numbers {
                    self.long(number.to_bits(), &mut bytes);
                }
            }
            Value::Doubles(numbers) => {
                for number in numbers {
                    bytes.extend(match self.encoding.is_big_endian() {
                        true => number.to_be_bytes(),
                        false => number.to_le_bytes(),
                    });
                }
            }
            Value::Items(_) => {}
        }
        bytes
    }

    /// The header of an element (PS3.5 §7.1.2 and §7.1.3).
    pub(super) fn header(self, tag: Tag, vr: VR, length: u32, out: &mut Vec<u8>) {
        self.short(tag.group(), out);
        self.short(tag.element(), out);
        if !self.encoding.is_explicit() {
            self.long(length, out);
            return;
        }
        out.extend_from_slice(vr.to_string().as_bytes());
        if has_long_header(vr) {
            self.short(0, out);
            self.long(length, out);
        } else {
            // No text of a phantom comes near 64 KiB.
            self.short(u16::try_from(length).unwrap_or(u16::MAX), out);
        }
    }

    /// An item, or a delimiter: they have no VR in any encoding.
    pub(super) fn mark(self, tag: Tag, length: u32, out: &mut Vec<u8>) {
        self.short(tag.group(), out);
        self.short(tag.element(), out);
        self.long(length, out);
    }

    pub(super) fn short(self, number: u16, out: &mut Vec<u8>) {
        out.extend(match self.encoding.is_big_endian() {
            true => number.to_be_bytes(),
            false => number.to_le_bytes(),
        });
    }

    fn long(self, number: u32, out: &mut Vec<u8>) {
        out.extend(match self.encoding.is_big_endian() {
            true => number.to_be_bytes(),
            false => number.to_le_bytes(),
        });
    }
}

fn has_long_header(vr: VR) -> bool {
    matches!(
        vr,
        VR::OB
            | VR::OD
            | VR::OF
            | VR::OL
            | VR::OV
            | VR::OW
            | VR::SQ
            | VR::SV
            | VR::UC
            | VR::UN
            | VR::UR
            | VR::UT
            | VR::UV
    )
}

/// A length as its 32-bit field. Values of 4 GiB are not made here.
fn saturated(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(UNDEFINED - 1)
}
