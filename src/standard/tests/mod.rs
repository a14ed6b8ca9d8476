//! What the tests of this module share: small data sets written by hand.

mod acquisition;
mod anatomy;
mod applies;
mod assessments;
mod catalogue;
mod classification;
mod coverage;
mod exceptions;
mod facts;
mod functional_groups;
mod identities;
mod in_memory;
mod messages;
mod modalities;
mod packs;
mod personnel;
mod pictures;
mod pixel_module;
mod projection;
pub(in crate::standard) mod studies;
mod subjects;
mod timeline;
mod views;

use std::sync::LazyLock;

use crate::base::limits::Limits;
use crate::base::time::parse_offset;
use crate::dicom::attribute::{relaxed_vr_of, tag_of};
use crate::dicom::charset::CharacterSet;
use crate::dicom::transfer_syntax::TransferSyntax;
use crate::dicom::{Tag, VR};
use crate::object::{Scan, scan_reader};

use super::*;

pub(super) const EXPLICIT: &str = "1.2.840.10008.1.2.1";
pub(super) const CT_IMAGE: &str = "1.2.840.10008.5.1.4.1.1.2";

/// A data set in Explicit VR Little Endian, to be changed attribute by attribute.
#[derive(Clone)]
pub(super) struct Image {
    elements: std::collections::BTreeMap<Tag, Vec<u8>>,
    pub charset: Option<CharacterSet>,
    pub cut: usize,
}

/// What a value is written as: a text, bytes, or a number for the binary VRs.
pub(super) trait Written {
    fn bytes(self, vr: VR) -> Vec<u8>;
}

impl Written for &str {
    fn bytes(self, vr: VR) -> Vec<u8> {
        let mut bytes = self.as_bytes().to_vec();
        if bytes.len() % 2 == 1 {
            bytes.push(if vr == VR::UI { 0 } else { b' ' });
        }
        bytes
    }
}

impl Written for Vec<u8> {
    fn bytes(self, _: VR) -> Vec<u8> {
        self
    }
}

impl Written for u16 {
    fn bytes(self, _: VR) -> Vec<u8> {
        self.to_le_bytes().to_vec()
    }
}

impl Image {
    /// A chest CT slice to which no rule has an objection but that it is small.
    pub fn chest_ct() -> Self {
        Self::empty()
            .with("SpecificCharacterSet", "GB18030")
            .with("ImageType", "ORIGINAL\\PRIMARY\\AXIAL")
            .with("SOPClassUID", CT_IMAGE)
            .with("SOPInstanceUID", "1.2.826.0.1.3680043.9.1.1")
            .with("StudyDate", "20260520")
            .with("SeriesDate", "20260520")
            .with("AcquisitionDate", "20260520")
            .with("StudyTime", "091500")
            .with("AccessionNumber", "A2026052001")
            .with("Modality", "CT")
            .with("InstitutionName", gb("北京友谊医院"))
            .with("OperatorsName", "Shili^Jishi")
            .with("PatientName", gb("Zhang^Sanfeng=张^三丰"))
            .with("Manufacturer", "MAKER")
            .with("ManufacturerModelName", "Scanner 64")
            .with("StationName", "CT01")
            .with("DeviceSerialNumber", "4711")
            .with("FrameOfReferenceUID", "1.2.826.0.1.3680043.9.1.4")
            .with("PatientID", "0012345678")
            .with("PatientBirthDate", "19620317")
            .with("PatientSex", "M")
            .with("PatientAge", "064Y")
            .with("BodyPartExamined", "CHEST")
            .with("StudyInstanceUID", "1.2.826.0.1.3680043.9.1.2")
            .with("SeriesInstanceUID", "1.2.826.0.1.3680043.9.1.3")
            .with("SeriesNumber", "2")
            .with("InstanceNumber", "17")
            .with("ImagePositionPatient", "-150\\-150\\40")
            .with("ImageOrientationPatient", "1\\0\\0\\0\\1\\0")
            .with("PatientPosition", "HFS")
            .with("ProtocolName", "Chest")
            .with("SliceThickness", "1.25")
            .with("PixelSpacing", "0.7\\0.7")
            .with("KVP", "120")
            .with("XRayTubeCurrent", "200")
            .with("Exposure", "100")
            .with("ConvolutionKernel", "STANDARD")
            .with("RescaleIntercept", "-1024")
            .with("RescaleSlope", "1")
            .with("RescaleType", "HU")
            .with("WindowCenter", "40\\-600")
            .with("WindowWidth", "400\\1500")
            .with("SamplesPerPixel", 1)
            .with("PhotometricInterpretation", "MONOCHROME2")
            .with("Rows", 2)
            .with("Columns", 2)
            .with("BitsAllocated", 16)
            .with("BitsStored", 12)
            .with("HighBit", 11)
            .with("PixelRepresentation", 0)
            .with("PixelData", vec![0, 1, 0, 2, 0, 3, 0, 4])
    }

    pub fn empty() -> Self {
        Self { elements: Default::default(), charset: None, cut: 0 }
    }

    pub fn with(mut self, keyword: &str, value: impl Written) -> Self {
        let tag = tag_of(keyword).expect("a keyword of the dictionary");
        self.elements.insert(tag, value.bytes(relaxed_vr_of(tag)));
        self
    }

    /// An element by its number, a private one.
    pub fn with_element(mut self, tag: Tag, value: impl Written) -> Self {
        self.elements.insert(tag, value.bytes(relaxed_vr_of(tag)));
        self
    }

    pub fn without(mut self, keyword: &str) -> Self {
        self.elements.remove(&tag_of(keyword).expect("a keyword of the dictionary"));
        self
    }

    /// Puts one item into a sequence, its elements in the order given.
    pub fn with_item(mut self, sequence: &str, item: &Image) -> Self {
        let mut bytes = vec![0xFE, 0xFF, 0x00, 0xE0];
        let inner = item.bytes();
        bytes.extend((inner.len() as u32).to_le_bytes());
        bytes.extend(inner);
        let tag = tag_of(sequence).expect("a keyword of the dictionary");
        self.elements.entry(tag).or_default().extend(bytes);
        self
    }

    pub fn read_as(mut self, charset: &str) -> Self {
        self.charset = CharacterSet::named(charset);
        self
    }

    /// Takes bytes off its end.
    pub fn cut_by(mut self, bytes: usize) -> Self {
        self.cut = bytes;
        self
    }

    fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (tag, value) in &self.elements {
            let vr = relaxed_vr_of(*tag);
            out.extend(tag.group().to_le_bytes());
            out.extend(tag.element().to_le_bytes());
            out.extend(vr.to_string().as_bytes());
            if matches!(
                vr,
                VR::OB | VR::OW | VR::OF | VR::OD | VR::SQ | VR::UT | VR::UN | VR::UC | VR::UR
            ) {
                out.extend([0, 0]);
                out.extend((value.len() as u32).to_le_bytes());
            } else {
                out.extend((value.len() as u16).to_le_bytes());
            }
            out.extend(value);
        }
        out.truncate(out.len() - self.cut);
        out
    }

    /// Looks at it as [`arrival`] says.
    pub fn look<T>(&self, look: impl FnOnce(&Subject<'_>) -> T) -> T {
        self.look_with(None, look)
    }

    /// The same at a site with a registry of operators.
    pub fn look_with<T>(
        &self,
        personnel: Option<&Personnel>,
        look: impl FnOnce(&Subject<'_>) -> T,
    ) -> T {
        self.put(personnel, |subject| look(&subject))
    }

    /// The same with its pixels, whatever those of the data set are.
    pub fn look_at_pixels<T>(
        &self,
        source: &dyn pixels::PixelSource,
        looking: pixels::Looking,
        look: impl FnOnce(&Subject<'_>) -> T,
    ) -> T {
        self.put(None, |subject| look(&subject.with_pixels(source, looking)))
    }

    fn put<T>(&self, personnel: Option<&Personnel>, put: impl FnOnce(Subject<'_>) -> T) -> T {
        let bytes = self.bytes();
        let syntax = TransferSyntax::of(EXPLICIT);
        let scan: Scan =
            scan_reader(bytes.as_slice(), syntax, Limits::default()).expect("memory can be read");
        let charset = self.charset.clone();
        let arrival = Arrival {
            transfer_syntax: EXPLICIT,
            charset,
            end: Some(scan.end),
            personnel,
            ..arrival()
        };
        put(Subject::new(&scan.header, arrival))
    }
}

/// As much looked at, however long it takes: what is found does not depend on how busy the machine is.
pub fn without_hurry(looking: pixels::Looking) -> pixels::Looking {
    pixels::Looking { time: std::time::Duration::MAX, ..looking }
}

/// Over an association, on the afternoon of 2026-06-01 in Beijing.
pub(super) fn arrival() -> Arrival<'static> {
    Arrival {
        calling_aet: "CT01",
        called_aet: "MARKGATE",
        peer: "127.0.0.1",
        transfer_syntax: EXPLICIT,
        charset: None,
        end: None,
        announced: Announced::default(),
        institution: None,
        now: "2026-06-01T06:00:00Z".parse().expect("a timestamp"),
        offset: parse_offset("+08:00").expect("an offset"),
        personnel: None,
    }
}

/// Text in GB18030.
pub(super) fn gb(text: &str) -> Vec<u8> {
    let set = CharacterSet::named("GB18030").expect("a defined term");
    let mut bytes = set.encode(text, VR::LT).expect("text of the set");
    if bytes.len() % 2 == 1 {
        bytes.push(b' ');
    }
    bytes
}

/// The built-in pack without changes, compiled once.
pub(super) fn built_in() -> &'static RuleSet {
    static RULES: LazyLock<RuleSet> = LazyLock::new(|| {
        let pack = Pack::built_in("db11t2505-2025").expect("the built-in pack");
        RuleSet::build(&[pack], &Changes::default()).expect("rules that compile")
    });
    &RULES
}
