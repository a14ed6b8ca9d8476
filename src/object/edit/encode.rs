//! New elements, and their bytes in each encoding.

use std::fmt;

use crate::base::limits::MAX_DEPTH;
use crate::dicom::transfer_syntax::Encoding;
use crate::dicom::{Tag, VR};
use crate::object::header::{Element, HeaderView, Kind};
use crate::object::representation::{
    DELIMITERS, ITEM, UNDEFINED, has_long_header, padding, rank, swap_units, unit_size,
};

use super::EditFault;

/// An element to put into a data set.
#[derive(Clone, PartialEq, Eq)]
pub struct NewElement {
    /// Its tag.
    pub tag: Tag,
    /// Its VR; written in explicit encodings only, and always deciding byte order and padding.
    pub vr: VR,
    /// Its value.
    pub value: NewValue,
}

/// The value of a [`NewElement`].
#[derive(Clone, PartialEq, Eq)]
pub enum NewValue {
    /// A value as it stands in a little endian data set; of odd length it is padded, and numbers are turned round
    /// where the object is big endian.
    Bytes(Vec<u8>),
    /// The items of a sequence, the elements of each in any order.
    Items(Vec<Vec<NewElement>>),
}

impl NewElement {
    /// An element with a plain value, encoded as in little endian.
    #[must_use]
    pub fn new(tag: Tag, vr: VR, value: impl Into<Vec<u8>>) -> Self {
        Self { tag, vr, value: NewValue::Bytes(value.into()) }
    }

    /// A sequence.
    #[must_use]
    pub fn sequence(tag: Tag, items: Vec<Vec<NewElement>>) -> Self {
        Self { tag, vr: VR::SQ, value: NewValue::Items(items) }
    }

    /// A plain element as it stands in another data set; `None` where its value was not kept, or it is a sequence.
    #[must_use]
    pub fn copied(view: &HeaderView, element: &Element) -> Option<Self> {
        if element.kind != Kind::Value {
            return None;
        }
        let vr = view.vr(element);
        let mut value = view.bytes(element)?.to_vec();
        // PS3.5 §6.2.2: a value carried as UN came from an implicit little endian encoding.
        if element.encoding().is_big_endian() && element.vr != Some(VR::UN) {
            swap_units(&mut value, unit_size(vr));
        }
        Some(Self::new(element.tag, vr, value))
    }

    /// Appends the element as it stands in a data set of this encoding.
    ///
    /// # Errors
    /// When the value is too long for its length field or does not fit the VR, or items have a tag twice.
    pub fn encode(&self, encoding: Encoding, out: &mut Vec<u8>) -> Result<(), EditFault> {
        encode_element(self, encoding, 0, out)
    }
}

impl fmt::Debug for NewElement {
    // Values are patient data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (group, element) = (self.tag.group(), self.tag.element());
        write!(f, "({group:04X},{element:04X}) {} ", self.vr.to_string())?;
        match &self.value {
            NewValue::Bytes(bytes) => write!(f, "{} bytes", bytes.len()),
            NewValue::Items(items) => f.debug_list().entries(items).finish(),
        }
    }
}

/// Appends an element. `depth` is how many sequences are around it.
pub(super) fn encode_element(
    new: &NewElement,
    encoding: Encoding,
    depth: usize,
    out: &mut Vec<u8>,
) -> Result<(), EditFault> {
    let tag = new.tag;
    if tag.group() == DELIMITERS {
        return Err(EditFault::NoElement { tag });
    }
    let value = match &new.value {
        NewValue::Bytes(_) if new.vr == VR::SQ => return Err(EditFault::WrongValue { tag }),
        NewValue::Items(_) if new.vr != VR::SQ => return Err(EditFault::WrongValue { tag }),
        NewValue::Items(_) if depth >= MAX_DEPTH => return Err(EditFault::TooDeep),
        NewValue::Bytes(bytes) => {
            let mut value = bytes.clone();
            if value.len() % 2 == 1 {
                value.push(padding(new.vr));
            }
            if encoding.is_big_endian() {
                swap_units(&mut value, unit_size(new.vr));
            }
            value
        }
        NewValue::Items(items) => {
            let mut value = Vec::new();
            for item in items {
                encode_item(item, encoding, depth + 1, &mut value)?;
            }
            value
        }
    };
    put_header(new, value.len(), encoding, out)?;
    out.extend(value);
    Ok(())
}

/// Appends an item of explicit length, its elements sorted. `depth` is how many sequences are around it.
pub(super) fn encode_item(
    elements: &[NewElement],
    encoding: Encoding,
    depth: usize,
    out: &mut Vec<u8>,
) -> Result<(), EditFault> {
    let mut sorted: Vec<&NewElement> = elements.iter().collect();
    sorted.sort_by_key(|element| rank(element.tag));
    let twice = sorted.iter().zip(sorted.iter().skip(1)).find(|(a, b)| a.tag == b.tag);
    if let Some((element, _)) = twice {
        return Err(EditFault::Ambiguous { tag: element.tag });
    }
    let mut value = Vec::new();
    for element in sorted {
        encode_element(element, encoding, depth, &mut value)?;
    }
    put_tag(ITEM, encoding, out);
    out.extend(number(length_32(ITEM, value.len() as u64)?, encoding));
    out.extend(value);
    Ok(())
}

fn put_header(
    new: &NewElement,
    length: usize,
    encoding: Encoding,
    out: &mut Vec<u8>,
) -> Result<(), EditFault> {
    put_tag(new.tag, encoding, out);
    let length_32 = length_32(new.tag, length as u64)?;
    if !encoding.is_explicit() {
        out.extend(number(length_32, encoding));
        return Ok(());
    }
    out.extend(new.vr.to_bytes());
    if has_long_header(new.vr) {
        out.extend([0, 0]);
        out.extend(number(length_32, encoding));
        return Ok(());
    }
    let length_16 = u16::try_from(length)
        .map_err(|_| EditFault::TooLong { tag: new.tag, length: length as u64 })?;
    out.extend(if encoding.is_big_endian() {
        length_16.to_be_bytes()
    } else {
        length_16.to_le_bytes()
    });
    Ok(())
}

fn put_tag(tag: Tag, encoding: Encoding, out: &mut Vec<u8>) {
    let (group, element) = (tag.group(), tag.element());
    if encoding.is_big_endian() {
        out.extend(group.to_be_bytes());
        out.extend(element.to_be_bytes());
    } else {
        out.extend(group.to_le_bytes());
        out.extend(element.to_le_bytes());
    }
}

/// A 32-bit number in the byte order of an encoding.
pub(super) fn number(number: u32, encoding: Encoding) -> [u8; 4] {
    if encoding.is_big_endian() { number.to_be_bytes() } else { number.to_le_bytes() }
}

/// A length that fits 32 bits and is not FFFFFFFF, which means undefined.
pub(super) fn length_32(tag: Tag, length: u64) -> Result<u32, EditFault> {
    match u32::try_from(length) {
        Ok(fits) if fits != UNDEFINED => Ok(fits),
        Ok(_) | Err(_) => Err(EditFault::TooLong { tag, length }),
    }
}
