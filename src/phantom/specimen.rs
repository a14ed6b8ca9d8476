//! One synthetic object, as its builder.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::DeflateEncoder;
use jiff::civil::Date;

use crate::dicom::attribute::relaxed_vr_of;
use crate::dicom::transfer_syntax::{PixelCoding, TransferSyntax};
use crate::dicom::uid::Uid;
use crate::dicom::{Tag, VR, tags};
use crate::object::part10::FileMeta;

use super::characters::Characters;
use super::data_set::{DataSet, Value};
use super::fault::{Fault, Kept};
use super::identity::{INSTITUTION, uid};
use super::kind::Kind;
use super::pixels::Pixels;
use super::retouch::Retouch;
use super::write::{Layout, Lengths};

/// Explicit VR Little Endian, what phantoms are written in unless asked otherwise.
pub const EXPLICIT_VR_LITTLE_ENDIAN: &str = "1.2.840.10008.1.2.1";

/// A synthetic object. Equal builders give equal bytes, on every machine and in every version of one release.
///
/// Objects of one seed share patient and study, objects of one seed, kind and series number also the series.
#[derive(Debug, Clone)]
pub struct Specimen {
    pub(super) kind: Kind,
    pub(super) seed: u64,
    pub(super) study_date: Date,
    pub(super) characters: Characters,
    pub(super) syntax: String,
    pub(super) rows: u16,
    pub(super) columns: u16,
    pub(super) frames: u32,
    pub(super) institution: Option<String>,
    pub(super) series: u32,
    pub(super) instance: u32,
    lengths: Lengths,
    group_lengths: bool,
    changes: Vec<(Tag, Option<(VR, Value)>)>,
    faults: Vec<Fault>,
    retouch: Option<Retouch>,
}

impl Specimen {
    /// An object of a kind with everything at its default: GB18030, Explicit VR Little Endian, the study of 6 May
    /// 2026, first instance of the first series, of the size that the modality would give it.
    #[must_use]
    pub fn new(kind: Kind, seed: u64) -> Self {
        let (rows, columns, frames) = kind.usual_size();
        Self {
            kind,
            seed,
            study_date: Date::constant(2026, 5, 6),
            characters: Characters::default(),
            syntax: EXPLICIT_VR_LITTLE_ENDIAN.to_owned(),
            rows,
            columns,
            frames,
            institution: None,
            series: 1,
            instance: 1,
            lengths: Lengths::default(),
            group_lengths: false,
            changes: Vec::new(),
            faults: Vec::new(),
            retouch: None,
        }
    }

    /// The day of the examination: of study, series, acquisition and content.
    #[must_use]
    pub fn study_date(self, study_date: Date) -> Self {
        Self { study_date, ..self }
    }

    /// The character set of its text.
    #[must_use]
    pub fn characters(self, characters: Characters) -> Self {
        Self { characters, ..self }
    }

    /// The transfer syntax by its UID. Native ones, deflated and RLE Lossless are written as they should be; any
    /// other gets frames of bytes that no decoder understands, which is enough for those who only carry them.
    #[must_use]
    pub fn transfer_syntax_of(self, uid: &str) -> Self {
        Self { syntax: uid.to_owned(), ..self }
    }

    /// Rows and columns, 1 to 65535 each; nothing for a kind without pixels.
    #[must_use]
    pub fn size(self, rows: u16, columns: u16) -> Self {
        Self { rows: rows.max(1), columns: columns.max(1), ..self }
    }

    /// Number of frames, at least 1; only multi-frame kinds take more.
    #[must_use]
    pub fn frames(self, frames: u32) -> Self {
        let frames = if self.kind.is_multi_frame() { frames.max(1) } else { 1 };
        Self { frames, ..self }
    }

    /// Institution Name (0008,0080); an empty one is written empty.
    #[must_use]
    pub fn institution(self, name: &str) -> Self {
        Self { institution: Some(name.to_owned()), ..self }
    }

    /// Series Number within the study, from 1.
    #[must_use]
    pub fn series(self, series: u32) -> Self {
        Self { series, ..self }
    }

    /// Instance Number within the series, from 1; slices follow it.
    #[must_use]
    pub fn instance(self, instance: u32) -> Self {
        Self { instance, ..self }
    }

    /// How sequences and items end.
    #[must_use]
    pub fn lengths(self, lengths: Lengths) -> Self {
        Self { lengths, ..self }
    }

    /// Whether each group begins with its retired length element (gggg,0000).
    #[must_use]
    pub fn group_lengths(self, group_lengths: bool) -> Self {
        Self { group_lengths, ..self }
    }

    /// An element with characters in place of what the kind would write, values separated by backslashes.
    #[must_use]
    pub fn text(self, tag: Tag, text: &str) -> Self {
        self.set(tag, relaxed_vr_of(tag), Value::Text(text.to_owned()))
    }

    /// Any element in place of what the kind would write; pixel data excepted.
    #[must_use]
    pub fn set(mut self, tag: Tag, vr: VR, value: Value) -> Self {
        self.changes.push((tag, Some((vr, value))));
        self
    }

    /// Takes an element of the top level out.
    #[must_use]
    pub fn without(mut self, tag: Tag) -> Self {
        self.changes.push((tag, None));
        self
    }

    /// Adds a fault.
    #[must_use]
    pub fn fault(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    /// Changes the picture.
    #[must_use]
    pub fn retouch(self, retouch: Retouch) -> Self {
        Self { retouch: Some(retouch), ..self }
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The SOP class that the object is of, and that a C-STORE of it names.
    #[must_use]
    pub fn sop_class(&self) -> Uid {
        Uid::new(self.kind.sop_class())
    }

    /// SOP Instance UID.
    #[must_use]
    pub fn sop_instance(&self) -> Uid {
        let what = format!("instance/{}/{}/{}", self.kind.word(), self.series, self.instance);
        Uid::from(uid(self.seed, &what).as_str())
    }

    /// Series Instance UID.
    #[must_use]
    pub fn series_instance(&self) -> Uid {
        let what = format!("series/{}/{}", self.kind.word(), self.series);
        Uid::from(uid(self.seed, &what).as_str())
    }

    /// Study Instance UID.
    #[must_use]
    pub fn study_instance(&self) -> Uid {
        Uid::from(uid(self.seed, "study").as_str())
    }

    /// The transfer syntax's UID.
    #[must_use]
    pub fn transfer_syntax(&self) -> Uid {
        Uid::new(&self.syntax)
    }

    /// Institution Name as it will be written.
    #[must_use]
    pub fn institution_name(&self) -> &str {
        let own = if self.characters.has_chinese() { INSTITUTION.han } else { INSTITUTION.latin };
        self.institution.as_deref().unwrap_or(own)
    }

    /// The elements, pixel data excepted, after changes and those faults that are a matter of elements.
    #[must_use]
    pub fn elements(&self) -> DataSet {
        self.build().0
    }

    /// Writes the data set in its transfer syntax, frame by frame: however many there are, one is in memory.
    ///
    /// # Errors
    /// What `out` has against it.
    pub fn write_to(&self, out: &mut impl Write) -> io::Result<()> {
        let kept = self.faults.iter().filter_map(|fault| match fault {
            Fault::CutAfter(bytes) => Some(*bytes),
            Fault::NoPatientId
            | Fault::NoStudyDate
            | Fault::NoDates
            | Fault::PrivateElements
            | Fault::OddLengths
            | Fault::Overlay
            | Fault::TrailingPadding
            | Fault::Nested(_)
            | Fault::WrongSopClass
            | Fault::WrongSopInstance
            | Fault::NotWalkable => None,
        });
        let mut out = Kept::new(out, kept.min());
        if TransferSyntax::of(&self.syntax).deflated {
            let mut deflate = DeflateEncoder::new(&mut out, Compression::default());
            self.write_plain(&mut deflate)?;
            deflate.finish()?;
            // PS3.5 §A.5: a NUL makes the stream even. What was written is counted in `Kept`.
            if out.written() % 2 == 1 {
                out.write_all(&[0])?;
            }
            return Ok(());
        }
        self.write_plain(&mut out)
    }

    /// The data set in its transfer syntax.
    #[must_use]
    pub fn data_set(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // A vector takes everything.
        self.write_to(&mut bytes).map(|()| bytes).unwrap_or_default()
    }

    /// What stands before the data set in a file.
    #[must_use]
    pub fn file_meta(&self) -> FileMeta {
        FileMeta {
            sop_class: self.sop_class(),
            sop_instance: self.sop_instance(),
            transfer_syntax: self.transfer_syntax(),
            implementation_class: Uid::from(uid(0, "implementation").as_str()),
            implementation_version: Some("MARKGATE_PHANTOM".to_owned()),
            ..FileMeta::default()
        }
    }

    /// The object as a file.
    #[must_use]
    pub fn part10(&self) -> Vec<u8> {
        // The few short values above fit their length fields.
        let mut bytes = self.file_meta().to_bytes().unwrap_or_default();
        bytes.extend(self.data_set());
        bytes
    }

    pub(super) fn layout(&self) -> Layout {
        Layout {
            encoding: TransferSyntax::of(&self.syntax).encoding,
            lengths: self.lengths,
            group_lengths: self.group_lengths,
            characters: self.characters,
        }
    }

    /// Whether the pixel data is compressed with loss, as the transfer syntax says.
    pub(super) fn is_lossy(&self) -> bool {
        matches!(TransferSyntax::of(&self.syntax).pixels, PixelCoding::Lossy)
    }

    fn build(&self) -> (DataSet, Option<Pixels>) {
        let mut set = DataSet::default();
        let pixels = self.kind.fill(self, &mut set);
        for (tag, change) in &self.changes {
            match change {
                Some((vr, value)) => set.set(*tag, *vr, value.clone()),
                None => set.remove(*tag),
            };
        }
        for fault in &self.faults {
            fault.apply(self, &mut set);
        }
        (set, pixels)
    }

    fn write_plain(&self, out: &mut impl Write) -> io::Result<()> {
        let (set, pixels) = self.build();
        let layout = self.layout();
        let mut bytes = Vec::new();
        layout.elements(&set, |tag| tag < tags::PIXEL_DATA, &mut bytes);
        for fault in &self.faults {
            fault.append(layout, &mut bytes);
        }
        out.write_all(&bytes)?;
        if let Some(pixels) = pixels {
            pixels.write(layout, &self.syntax, self.retouch, out)?;
        }
        bytes.clear();
        layout.elements(&set, |tag| tag > tags::PIXEL_DATA, &mut bytes);
        out.write_all(&bytes)
    }
}
