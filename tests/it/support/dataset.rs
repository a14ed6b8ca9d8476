//! A reader and a writer of data sets that share no code with the gate's, for making objects and for comparing
//! what arrived with what was sent, byte by byte.

use super::bait;
use super::wire::{EXPLICIT_LE, IMPLICIT_LE};
use std::ops::Range;

/// Group and element.
pub type Tag = (u16, u16);

/// A top-level element: where it lies, header included, and where its value does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    pub tag: Tag,
    pub whole: Range<usize>,
    pub value: Range<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Coding {
    explicit: bool,
    big: bool,
}

const UNDEFINED: usize = 0xFFFF_FFFF;
const ITEM_END: Tag = (0xFFFE, 0xE00D);
const SEQUENCE_END: Tag = (0xFFFE, 0xE0DD);
const PIXEL_DATA: Tag = (0x7FE0, 0x0010);

/// VRs with two reserved bytes and a length of four (PS3.5 Table 7.1-1).
const LONG: [&[u8; 2]; 13] =
    [b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"];

fn coding_of(transfer_syntax: &str) -> Coding {
    Coding {
        explicit: transfer_syntax != IMPLICIT_LE,
        big: transfer_syntax == "1.2.840.10008.1.2.2",
    }
}

/// The top-level elements of a data set that is not deflated; `None` when they do not fill it exactly.
pub fn elements(data: &[u8], transfer_syntax: &str) -> Option<Vec<Element>> {
    let coding = coding_of(transfer_syntax);
    let mut found = Vec::new();
    let mut at = 0;
    while at < data.len() {
        let element = element_at(data, at, coding)?;
        at = element.whole.end;
        found.push(element);
    }
    Some(found)
}

fn number(data: &[u8], range: Range<usize>, big: bool) -> Option<usize> {
    let bytes = data.get(range)?.iter();
    let shift = |sum: usize, byte: &u8| sum << 8 | usize::from(*byte);
    Some(if big { bytes.fold(0, shift) } else { bytes.rev().fold(0, shift) })
}

fn tag_at(data: &[u8], at: usize, big: bool) -> Option<Tag> {
    let half = |at| u16::try_from(number(data, at..at + 2, big)?).ok();
    Some((half(at)?, half(at + 2)?))
}

fn element_at(data: &[u8], at: usize, coding: Coding) -> Option<Element> {
    let tag = tag_at(data, at, coding.big)?;
    let delimiter = tag.0 == 0xFFFE;
    let vr = data.get(at + 4..at + 6)?;
    let (start, length) = if !coding.explicit || delimiter {
        (at + 8, number(data, at + 4..at + 8, coding.big)?)
    } else if LONG.iter().any(|long| long.as_slice() == vr) {
        (at + 12, number(data, at + 8..at + 12, coding.big)?)
    } else {
        (at + 8, number(data, at + 6..at + 8, coding.big)?)
    };
    let (value_end, end) = if length == UNDEFINED {
        // A value of VR UN and undefined length is implicit inside (PS3.5 §6.2.2 note 2).
        let inside = Coding { explicit: coding.explicit && vr != b"UN", ..coding };
        let is_pixels = tag == PIXEL_DATA;
        let closing = if tag == (0xFFFE, 0xE000) { ITEM_END } else { SEQUENCE_END };
        nested_end(data, start, inside, closing, is_pixels)?
    } else {
        (start + length, start + length)
    };
    (end <= data.len()).then_some(Element { tag, whole: at..end, value: start..value_end })
}

/// Where the delimiter of a value of undefined length begins and ends.
fn nested_end(
    data: &[u8],
    mut at: usize,
    coding: Coding,
    closing: Tag,
    fragments: bool,
) -> Option<(usize, usize)> {
    loop {
        if tag_at(data, at, coding.big)? == closing {
            return Some((at, at + 8));
        }
        if fragments {
            at += 8 + number(data, at + 4..at + 8, coding.big)?;
        } else {
            at = element_at(data, at, coding)?.whole.end;
        }
    }
}

/// The top-level tags in which two data sets of one transfer syntax differ: changed, added or missing.
#[track_caller]
pub fn differences(before: &[u8], after: &[u8], transfer_syntax: &str) -> Vec<Tag> {
    let list = |data: &[u8]| -> Vec<(Tag, Vec<u8>)> {
        let elements = elements(data, transfer_syntax).expect("a data set that can be walked");
        elements.into_iter().map(|e| (e.tag, data[e.whole].to_vec())).collect()
    };
    let (before, after) = (list(before), list(after));
    let mut tags: Vec<Tag> = before
        .iter()
        .filter(|element| !after.contains(element))
        .chain(after.iter().filter(|element| !before.contains(element)))
        .map(|(tag, _)| *tag)
        .collect();
    tags.sort_unstable();
    tags.dedup();
    tags
}

/// The value of a top-level element, padding and all.
#[track_caller]
pub fn value<'a>(data: &'a [u8], transfer_syntax: &str, tag: Tag) -> Option<&'a [u8]> {
    let elements = elements(data, transfer_syntax).expect("a data set that can be walked");
    elements.into_iter().find(|element| element.tag == tag).map(|element| &data[element.value])
}

/// An object being made, in Explicit VR Little Endian.
#[derive(Debug, Clone)]
pub struct Object {
    pub class: String,
    pub instance: String,
    pub study: String,
    elements: std::collections::BTreeMap<Tag, (String, Vec<u8>)>,
}

impl Object {
    /// A chest CT slice as a good scanner makes it, of an institution in UTF-8; `number` tells instances apart,
    /// `study` studies.
    pub fn chest_ct(study: u32, number: u32) -> Self {
        let root = format!("1.2.826.0.1.3680043.8.498.77.{study}");
        let instance = format!("{root}.1.{number}");
        let class = super::wire::CT_IMAGE;
        let object = Self {
            class: class.to_owned(),
            instance: instance.clone(),
            study: root.clone(),
            elements: std::collections::BTreeMap::new(),
        };
        let pixels: Vec<u8> = (0..64 * 64_u32)
            .flat_map(|at| {
                u16::try_from((at * 7 + number * 13) % 2000).expect("small").to_le_bytes()
            })
            .collect();
        object
            .with((0x0008, 0x0005), "CS", "ISO_IR 192")
            .with((0x0008, 0x0008), "CS", "ORIGINAL\\PRIMARY\\AXIAL")
            .with((0x0008, 0x0016), "UI", class)
            .with((0x0008, 0x0018), "UI", &instance)
            .with((0x0008, 0x0020), "DA", "20260501")
            .with((0x0008, 0x0021), "DA", "20260501")
            .with((0x0008, 0x0022), "DA", "20260501")
            .with((0x0008, 0x0023), "DA", "20260501")
            .with((0x0008, 0x0030), "TM", "093000")
            .with((0x0008, 0x0031), "TM", "093001")
            .with((0x0008, 0x0032), "TM", "093002")
            .with((0x0008, 0x0033), "TM", "093003")
            .with((0x0008, 0x0050), "SH", bait::ACCESSION)
            .with((0x0008, 0x0060), "CS", "CT")
            .with((0x0008, 0x0070), "LO", "ACME")
            .with((0x0008, 0x0080), "LO", "示范医院")
            .with((0x0008, 0x0090), "PN", "")
            .with((0x0008, 0x1010), "SH", "CT01")
            .with((0x0008, 0x1030), "LO", "胸部平扫")
            .with((0x0008, 0x103E), "LO", "CHEST 5.0")
            .with((0x0008, 0x1090), "LO", "SCAN-64")
            .with((0x0010, 0x0010), "PN", bait::NAME)
            .with((0x0010, 0x0020), "LO", bait::ID)
            .with((0x0010, 0x0030), "DA", bait::BORN)
            .with((0x0010, 0x0040), "CS", "M")
            .with((0x0010, 0x1010), "AS", "056Y")
            .with((0x0018, 0x0015), "CS", "CHEST")
            .with((0x0018, 0x0050), "DS", "5")
            .with((0x0018, 0x0060), "DS", "120")
            .with((0x0018, 0x1030), "LO", "CHEST")
            .with((0x0018, 0x5100), "CS", "HFS")
            .with((0x0020, 0x000D), "UI", &root)
            .with((0x0020, 0x000E), "UI", &format!("{root}.1"))
            .with((0x0020, 0x0010), "SH", "1")
            .with((0x0020, 0x0011), "IS", "1")
            .with((0x0020, 0x0012), "IS", "1")
            .with((0x0020, 0x0013), "IS", &number.to_string())
            .with((0x0020, 0x0032), "DS", &format!("-160\\-160\\{}", number * 5))
            .with((0x0020, 0x0037), "DS", "1\\0\\0\\0\\1\\0")
            .with((0x0020, 0x0052), "UI", &format!("{root}.9"))
            .with((0x0020, 0x1040), "LO", "")
            .with_numbers((0x0028, 0x0002), &[1])
            .with((0x0028, 0x0004), "CS", "MONOCHROME2")
            .with_numbers((0x0028, 0x0010), &[64])
            .with_numbers((0x0028, 0x0011), &[64])
            .with((0x0028, 0x0030), "DS", "5\\5")
            .with_numbers((0x0028, 0x0100), &[16])
            .with_numbers((0x0028, 0x0101), &[12])
            .with_numbers((0x0028, 0x0102), &[11])
            .with_numbers((0x0028, 0x0103), &[0])
            .with((0x0028, 0x1050), "DS", "40")
            .with((0x0028, 0x1051), "DS", "400")
            .with((0x0028, 0x1052), "DS", "-1024")
            .with((0x0028, 0x1053), "DS", "1")
            .with((0x0028, 0x1054), "LO", "HU")
            .with_bytes(PIXEL_DATA, "OW", pixels)
    }

    /// Sets an element to text, encoded in UTF-8.
    #[must_use]
    pub fn with(self, tag: Tag, vr: &str, value: &str) -> Self {
        let mut bytes = value.as_bytes().to_vec();
        if bytes.len() % 2 == 1 {
            bytes.push(if vr == "UI" { 0 } else { b' ' });
        }
        self.with_bytes(tag, vr, bytes)
    }

    /// Sets an element of VR US.
    #[must_use]
    pub fn with_numbers(self, tag: Tag, values: &[u16]) -> Self {
        self.with_bytes(tag, "US", values.iter().flat_map(|value| value.to_le_bytes()).collect())
    }

    /// Sets an element to these very bytes.
    #[must_use]
    pub fn with_bytes(mut self, tag: Tag, vr: &str, value: Vec<u8>) -> Self {
        self.elements.insert(tag, (vr.to_owned(), value));
        self
    }

    /// With samples of two bytes each, so many rows and columns of them.
    #[must_use]
    pub fn with_pixels(self, rows: u16, columns: u16, pixels: Vec<u8>) -> Self {
        assert_eq!(pixels.len(), 2 * usize::from(rows) * usize::from(columns));
        self.with_numbers((0x0028, 0x0010), &[rows])
            .with_numbers((0x0028, 0x0011), &[columns])
            .with_bytes(PIXEL_DATA, "OW", pixels)
    }

    #[must_use]
    pub fn without(mut self, tag: Tag) -> Self {
        self.elements.remove(&tag);
        self
    }

    /// The data set, in Explicit VR Little Endian.
    pub fn data(&self) -> Vec<u8> {
        let mut data = Vec::new();
        for (tag, (vr, value)) in &self.elements {
            data.extend(explicit_element(*tag, vr, value));
        }
        data
    }

    /// A Part 10 file of it.
    pub fn file(&self) -> Vec<u8> {
        part10(&self.class, &self.instance, EXPLICIT_LE, &self.data())
    }
}

fn explicit_element(tag: Tag, vr: &str, value: &[u8]) -> Vec<u8> {
    let mut out = [tag.0.to_le_bytes(), tag.1.to_le_bytes()].concat();
    out.extend_from_slice(vr.as_bytes());
    if LONG.iter().any(|long| long.as_slice() == vr.as_bytes()) {
        out.extend_from_slice(&[0, 0]);
        out.extend(u32::try_from(value.len()).expect("a value fits 32 bits").to_le_bytes());
    } else {
        out.extend(u16::try_from(value.len()).expect("a value fits 16 bits").to_le_bytes());
    }
    out.extend_from_slice(value);
    out
}

/// A Part 10 file around a data set (PS3.10 §7.1).
pub fn part10(class: &str, instance: &str, transfer_syntax: &str, data: &[u8]) -> Vec<u8> {
    let uid = |element: u16, value: &str| {
        let mut value = value.as_bytes().to_vec();
        value.resize(value.len().next_multiple_of(2), 0);
        explicit_element((0x0002, element), "UI", &value)
    };
    let meta = [
        explicit_element((0x0002, 0x0001), "OB", &[0, 1]),
        uid(0x0002, class),
        uid(0x0003, instance),
        uid(0x0010, transfer_syntax),
        uid(0x0012, "1.2.826.0.1.3680043.8.498.77"),
    ]
    .concat();
    let length = u32::try_from(meta.len()).expect("a header fits 32 bits").to_le_bytes();
    let length = explicit_element((0x0002, 0x0000), "UL", &length);
    [&[0; 128], &b"DICM"[..], &length, &meta, data].concat()
}

/// Where the data set of a Part 10 file begins, with or without preamble, its header explicit or implicit.
pub fn data_set_start(file: &[u8]) -> usize {
    let mut at = match (file.get(128..132), file.get(..4)) {
        (Some(b"DICM"), _) => 132,
        (_, Some(b"DICM")) => 4,
        _ => 0,
    };
    while file.get(at..at + 2) == Some(&[2, 0]) {
        let explicit =
            file.get(at + 4..at + 6).is_some_and(|vr| vr.iter().all(u8::is_ascii_uppercase));
        match element_at(file, at, Coding { explicit, big: false }) {
            Some(element) => at = element.whole.end,
            None => break,
        }
    }
    at
}

/// A flat data set in Explicit VR Little Endian, written again in Implicit VR Little Endian.
#[track_caller]
pub fn implicit(explicit: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for element in elements(explicit, EXPLICIT_LE).expect("a data set that can be walked") {
        let value = &explicit[element.value];
        out.extend_from_slice(&explicit[element.whole.start..element.whole.start + 4]);
        out.extend(u32::try_from(value.len()).expect("a value fits 32 bits").to_le_bytes());
        out.extend_from_slice(value);
    }
    out
}
