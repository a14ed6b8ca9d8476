//! What may be wrong with a phantom.

use std::io::{self, Write};

use crate::dicom::{Tag, VR, tags};

use super::data_set::{DataSet, Value};
use super::identity::uid;
use super::specimen::Specimen;
use super::write::{ITEM, ITEM_END, Layout, SEQUENCE_END, UNDEFINED};

/// Something that real objects have and good ones have not, or that puts a carrier to the test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Patient ID is empty.
    NoPatientId,
    /// Study Date is empty; other dates stand.
    NoStudyDate,
    /// No date at all.
    NoDates,
    /// Private elements of two creators in odd groups, one of VR UN, one a sequence. Not a fault of the object.
    PrivateElements,
    /// Values of odd length, one of them before a sequence.
    OddLengths,
    /// An overlay plane in group 6000. Not a fault of the object.
    Overlay,
    /// Data Set Trailing Padding (FFFC,FFFC) behind the pixel data. Not a fault of the object.
    TrailingPadding,
    /// A private sequence in a private sequence, this many of them.
    Nested(u16),
    /// The data set is cut after this many bytes.
    CutAfter(u64),
    /// SOP Class UID in the data set is another one than [`Specimen::sop_class`].
    WrongSopClass,
    /// SOP Instance UID in the data set is another one than [`Specimen::sop_instance`].
    WrongSopInstance,
    /// All bytes are there, but an item claims more than its sequence has.
    NotWalkable,
}

/// A bit of the tree that only faults use: groups of no standard.
const CREATOR: Tag = Tag(0x0009, 0x0010);
const OTHER_CREATOR: Tag = Tag(0x0019, 0x0010);
const NEST: Tag = Tag(0x0019, 0x1099);
/// Just before the pixel data, so that what is appended there stays in order.
const LATE_CREATOR: Tag = Tag(0x7FDF, 0x0010);
const LATE: Tag = Tag(0x7FDF, 0x1001);

impl Fault {
    /// Changes the elements.
    pub(super) fn apply(self, specimen: &Specimen, set: &mut DataSet) {
        match self {
            Self::NoPatientId => {
                set.empty(tags::PATIENT_ID);
            }
            Self::NoStudyDate => {
                set.empty(tags::STUDY_DATE);
            }
            Self::NoDates => {
                set.empty(tags::STUDY_DATE);
                for tag in [
                    tags::SERIES_DATE,
                    tags::ACQUISITION_DATE,
                    tags::ACQUISITION_DATE_TIME,
                    tags::CONTENT_DATE,
                    tags::INSTANCE_CREATION_DATE,
                ] {
                    set.remove(tag);
                }
            }
            Self::PrivateElements => private(set),
            Self::OddLengths => odd(set),
            Self::Overlay => overlay(specimen, set),
            Self::TrailingPadding => {
                set.set(Tag(0xFFFC, 0xFFFC), VR::OB, Value::Bytes(vec![0; 126]));
            }
            Self::WrongSopClass => {
                set.text(tags::SOP_CLASS_UID, "1.2.840.10008.5.1.4.1.1.7");
            }
            Self::WrongSopInstance => {
                set.text(tags::SOP_INSTANCE_UID, uid(specimen.seed, "another instance"));
            }
            Self::Nested(_) | Self::NotWalkable => {
                set.set(LATE_CREATOR, VR::LO, Value::Text("MARKGATE PHANTOM".to_owned()));
            }
            Self::CutAfter(_) => {}
        }
    }

    /// Appends what cannot be an element of the tree, between the elements and the pixel data.
    pub(super) fn append(self, layout: Layout, out: &mut Vec<u8>) {
        match self {
            Self::Nested(depth) => {
                // Sequences of undefined length, so that the nest is as deep as asked without a tree of that depth.
                for _ in 0..depth {
                    layout.header(LATE, VR::SQ, UNDEFINED, out);
                    layout.mark(ITEM, UNDEFINED, out);
                }
                for _ in 0..depth {
                    layout.mark(ITEM_END, 0, out);
                    layout.mark(SEQUENCE_END, 0, out);
                }
            }
            Self::NotWalkable => {
                layout.header(LATE, VR::SQ, 16, out);
                layout.mark(ITEM, 4000, out);
                layout.mark(Tag(0x0008, 0x0000), 0, out);
            }
            Self::NoPatientId
            | Self::NoStudyDate
            | Self::NoDates
            | Self::PrivateElements
            | Self::OddLengths
            | Self::Overlay
            | Self::TrailingPadding
            | Self::CutAfter(_)
            | Self::WrongSopClass
            | Self::WrongSopInstance => {}
        }
    }
}

fn private(set: &mut DataSet) {
    let mut item = DataSet::default();
    item.set(CREATOR, VR::LO, Value::Text("MARKGATE PHANTOM".to_owned())).set(
        Tag(0x0009, 0x1003),
        VR::DS,
        Value::Text("1.5\\2.5".to_owned()),
    );
    set.set(CREATOR, VR::LO, Value::Text("MARKGATE PHANTOM".to_owned()))
        .set(Tag(0x0009, 0x1001), VR::UN, Value::Bytes((0..=63).collect()))
        .set(Tag(0x0009, 0x1002), VR::LT, Value::Text("private remarks".to_owned()))
        .items(Tag(0x0009, 0x1010), vec![item.clone(), item])
        .set(OTHER_CREATOR, VR::LO, Value::Text("MARKGATE DEMO".to_owned()))
        .set(NEST, VR::SS, Value::SignedShorts(vec![-1, 1]));
}

fn odd(set: &mut DataSet) {
    set.set(tags::STUDY_DESCRIPTION, VR::LO, Value::Bytes(b"odd".to_vec()))
        .set(tags::SOFTWARE_VERSIONS, VR::LO, Value::Bytes(b"1.2.3".to_vec()))
        .set(CREATOR, VR::LO, Value::Bytes(b"MARKGATE ODD ONE".to_vec()))
        .set(Tag(0x0009, 0x1001), VR::OB, Value::Bytes(vec![1, 2, 3]));
}

/// PS3.3 C.9.2: a frame of 16 by 16 in the upper left corner.
fn overlay(specimen: &Specimen, set: &mut DataSet) {
    let (rows, columns) = (specimen.rows.min(16), specimen.columns.min(16));
    let bits = usize::from(rows) * usize::from(columns);
    let mut words = vec![0_u16; bits.div_ceil(16)];
    for (index, word) in words.iter_mut().enumerate() {
        *word = if index % 2 == 0 { 0xAAAA } else { 0x5555 };
    }
    set.number(Tag(0x6000, 0x0010), rows)
        .number(Tag(0x6000, 0x0011), columns)
        .set(Tag(0x6000, 0x0040), VR::CS, Value::Text("G".to_owned()))
        .set(Tag(0x6000, 0x0050), VR::SS, Value::SignedShorts(vec![1, 1]))
        .number(Tag(0x6000, 0x0100), 1)
        .number(Tag(0x6000, 0x0102), 0)
        .set(Tag(0x6000, 0x3000), VR::OW, Value::Shorts(words));
}

/// Passes the first bytes on and drops the rest without a word, as a broken connection would.
pub(super) struct Kept<W> {
    out: W,
    left: Option<u64>,
    written: u64,
}

impl<W: Write> Kept<W> {
    pub(super) fn new(out: W, keep: Option<u64>) -> Self {
        Self { out, left: keep, written: 0 }
    }

    /// Bytes that were written to this, kept or not.
    pub(super) fn written(&self) -> u64 {
        self.written
    }
}

impl<W: Write> Write for Kept<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let keep = self
            .left
            .map_or(bytes.len(), |left| usize::try_from(left.min(length)).unwrap_or(bytes.len()));
        self.out.write_all(bytes.get(..keep).unwrap_or_default())?;
        self.left = self.left.map(|left| left.saturating_sub(length));
        self.written += length;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
