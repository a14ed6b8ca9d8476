//! The preamble and file meta information that stand before a data set in a file (PS3.10 §7.1).
//!
//! Written strictly; read so that a file is opened whenever it can be told where its data set begins: without
//! preamble, without group length, with file meta in implicit VR, or with no file meta at all.

use std::fmt;
use std::io::{self, Read};

use crate::dicom::ae_title::AeTitle;
use crate::dicom::transfer_syntax::{EXPLICIT_VR_BIG_ENDIAN, Encoding, TransferSyntax};
use crate::dicom::uid::Uid;
use crate::dicom::{Tag, VR, tags};
use dicom_dictionary_std::uids;

use super::edit::{EditFault, NewElement};
use super::representation::{from_letters, has_long_header};
use super::walk::guess_encoding;

/// File meta information longer than this is not read; private information is the only part that can be long.
pub const LONGEST_META: usize = 1 << 20;

const PREAMBLE: usize = 128;
const PREFIX: &[u8; 4] = b"DICM";
const META: u16 = 0x0002;

/// What the file meta information says. Empty UIDs are absent ones.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct FileMeta {
    /// Media Storage SOP Class UID (0002,0002).
    pub sop_class: Uid,
    /// Media Storage SOP Instance UID (0002,0003).
    pub sop_instance: Uid,
    /// Transfer Syntax UID (0002,0010).
    pub transfer_syntax: Uid,
    /// Implementation Class UID (0002,0012).
    pub implementation_class: Uid,
    /// Implementation Version Name (0002,0013), at most 16 characters.
    pub implementation_version: Option<String>,
    /// Source Application Entity Title (0002,0016).
    pub source_ae: Option<AeTitle>,
    /// Sending Application Entity Title (0002,0017).
    pub sending_ae: Option<AeTitle>,
    /// Receiving Application Entity Title (0002,0018).
    pub receiving_ae: Option<AeTitle>,
    /// Private Information Creator UID (0002,0100), which says what `private_information` means.
    pub private_creator: Option<Uid>,
    /// Private Information (0002,0102). A NUL makes an odd length even on writing and is there on reading.
    pub private_information: Option<Vec<u8>>,
}

impl FileMeta {
    /// Preamble (zeros), prefix and file meta information with its group length, ready to be followed by the data
    /// set.
    ///
    /// # Errors
    /// When a value is too long for its length field.
    pub fn to_bytes(&self) -> Result<Vec<u8>, EditFault> {
        let uid = |tag, uid: &Uid| Some(NewElement::new(tag, VR::UI, uid.as_str()));
        let ae = |tag, title: &Option<AeTitle>| {
            title.as_ref().map(|title| NewElement::new(tag, VR::AE, title.as_str()))
        };
        let version = self.implementation_version.as_deref();
        let private = self.private_information.as_deref();
        let elements = [
            Some(NewElement::new(tags::FILE_META_INFORMATION_VERSION, VR::OB, [0, 1])),
            uid(tags::MEDIA_STORAGE_SOP_CLASS_UID, &self.sop_class),
            uid(tags::MEDIA_STORAGE_SOP_INSTANCE_UID, &self.sop_instance),
            uid(tags::TRANSFER_SYNTAX_UID, &self.transfer_syntax),
            uid(tags::IMPLEMENTATION_CLASS_UID, &self.implementation_class),
            version.map(|name| NewElement::new(tags::IMPLEMENTATION_VERSION_NAME, VR::SH, name)),
            ae(tags::SOURCE_APPLICATION_ENTITY_TITLE, &self.source_ae),
            ae(tags::SENDING_APPLICATION_ENTITY_TITLE, &self.sending_ae),
            ae(tags::RECEIVING_APPLICATION_ENTITY_TITLE, &self.receiving_ae),
            self.private_creator
                .as_ref()
                .and_then(|creator| uid(tags::PRIVATE_INFORMATION_CREATOR_UID, creator)),
            private.map(|bytes| NewElement::new(tags::PRIVATE_INFORMATION, VR::OB, bytes)),
        ];
        let mut group = Vec::new();
        for element in elements.iter().flatten() {
            element.encode(Encoding::ExplicitLittle, &mut group)?;
        }
        let tag = tags::FILE_META_INFORMATION_GROUP_LENGTH;
        let length = u32::try_from(group.len())
            .map_err(|_| EditFault::TooLong { tag, length: group.len() as u64 })?;
        let mut out = vec![0; PREAMBLE];
        out.extend(PREFIX);
        NewElement::new(tag, VR::UL, length.to_le_bytes())
            .encode(Encoding::ExplicitLittle, &mut out)?;
        out.extend(group);
        Ok(out)
    }

    fn take(&mut self, tag: Tag, value: &[u8]) {
        let text = String::from_utf8_lossy(value);
        let text = text.trim_matches([' ', '\0']);
        match tag {
            tags::MEDIA_STORAGE_SOP_CLASS_UID => self.sop_class = Uid::new(text),
            tags::MEDIA_STORAGE_SOP_INSTANCE_UID => self.sop_instance = Uid::new(text),
            tags::TRANSFER_SYNTAX_UID => self.transfer_syntax = Uid::new(text),
            tags::IMPLEMENTATION_CLASS_UID => self.implementation_class = Uid::new(text),
            tags::IMPLEMENTATION_VERSION_NAME => {
                self.implementation_version = Some(text.to_owned());
            }
            tags::SOURCE_APPLICATION_ENTITY_TITLE => self.source_ae = AeTitle::parse(text).ok(),
            tags::SENDING_APPLICATION_ENTITY_TITLE => self.sending_ae = AeTitle::parse(text).ok(),
            tags::RECEIVING_APPLICATION_ENTITY_TITLE => {
                self.receiving_ae = AeTitle::parse(text).ok();
            }
            tags::PRIVATE_INFORMATION_CREATOR_UID => self.private_creator = Some(Uid::new(text)),
            tags::PRIVATE_INFORMATION => self.private_information = Some(value.to_vec()),
            _ => {}
        }
    }
}

impl fmt::Debug for FileMeta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileMeta")
            .field("sop_class", &self.sop_class)
            .field("sop_instance", &self.sop_instance)
            .field("transfer_syntax", &self.transfer_syntax)
            .field("source_ae", &self.source_ae)
            .finish_non_exhaustive()
    }
}

/// What stands before the data set of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// What the file meta information says; all of it empty when there is none.
    pub meta: FileMeta,
    /// Where the data set begins, in bytes from the start of the file.
    pub data_set: u64,
    /// The transfer syntax of the data set: as the file meta says, else as its first element looks.
    pub transfer_syntax: Uid,
    /// How the head departs from PS3.10.
    pub oddities: HeadOddities,
}

impl Head {
    /// What is known of the transfer syntax.
    #[must_use]
    pub fn syntax(&self) -> TransferSyntax {
        TransferSyntax::of(self.transfer_syntax.as_str())
    }
}

/// How the head of a file departs from PS3.10 §7.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HeadOddities {
    /// No preamble; `DICM` or the first element stands at the start.
    pub no_preamble: bool,
    /// No file meta information.
    pub no_meta: bool,
    /// No group length (0002,0000), or one that is wrong.
    pub group_length: bool,
    /// File meta information in implicit VR.
    pub implicit_meta: bool,
    /// The transfer syntax had to be guessed.
    pub guessed_syntax: bool,
}

/// Why the data set of a file was not found.
#[derive(Debug, thiserror::Error)]
pub enum HeadFault {
    /// The file ends before its data set begins.
    #[error("the file ends within its file meta information, or is empty")]
    Cut,
    /// The first bytes are neither a preamble nor an element that a data set could begin with.
    #[error("not a DICOM file")]
    NotDicom,
    /// More file meta information than [`LONGEST_META`].
    #[error("the file meta information has more than {LONGEST_META} bytes")]
    TooLong,
    /// Reading failed.
    #[error("the file cannot be read: {0}")]
    Io(#[from] io::Error),
}

/// Reads the head of a file. The reader is left somewhere behind it: go to [`Head::data_set`] to read on.
///
/// # Errors
/// When the file cannot be read or is no DICOM file.
pub fn read_head(mut reader: impl Read) -> Result<Head, HeadFault> {
    let mut read = Vec::new();
    let mut step = 4 << 10;
    loop {
        let before = read.len();
        reader.by_ref().take(step).read_to_end(&mut read)?;
        let is_whole = read.len() - before < usize::try_from(step).unwrap_or(usize::MAX);
        match parse_head(&read, is_whole)? {
            Some(head) => return Ok(head),
            None if is_whole => return Err(HeadFault::Cut),
            None if read.len() > LONGEST_META => return Err(HeadFault::TooLong),
            None => step *= 2,
        }
    }
}

/// Reads the head in the first bytes of a file, which may be all of them; `None` when more are needed.
///
/// # Errors
/// When this is no DICOM file.
pub fn parse_head(bytes: &[u8], is_whole: bool) -> Result<Option<Head>, HeadFault> {
    let after = |position: usize| bytes.get(position..).unwrap_or_default();
    if bytes.len() < PREAMBLE + PREFIX.len() + 8 && !is_whole {
        return Ok(None);
    }
    let mut oddities = HeadOddities::default();
    let mut position = if after(PREAMBLE).starts_with(PREFIX) {
        PREAMBLE + PREFIX.len()
    } else {
        oddities.no_preamble = true;
        if bytes.starts_with(PREFIX) { PREFIX.len() } else { 0 }
    };
    let mut meta = FileMeta::default();
    let begin = position;
    let mut promised = None;
    while promised != Some(position) {
        if after(position).is_empty() && is_whole && position > begin {
            break;
        }
        let Some(first) = after(position).first_chunk::<8>() else {
            return if is_whole && position == begin { Err(HeadFault::NotDicom) } else { Ok(None) };
        };
        let [g, h, e, f, a, b, ..] = *first;
        if u16::from_le_bytes([g, h]) != META {
            break;
        }
        if position == begin {
            oddities.implicit_meta = from_letters([a, b]).is_none();
        }
        let Some((header, length)) = meta_header(after(position), oddities.implicit_meta) else {
            return Ok(None);
        };
        let Some(value) = after(position.saturating_add(header)).get(..length) else {
            return Ok(None);
        };
        position += header + length;
        let element = u16::from_le_bytes([e, f]);
        match <[u8; 4]>::try_from(value) {
            Ok(number) if element == 0 => {
                promised = Some(position.saturating_add(u32::from_le_bytes(number) as usize));
            }
            Ok(_) | Err(_) => meta.take(Tag(META, element), value),
        }
    }
    oddities.no_meta = position == begin;
    oddities.group_length = !oddities.no_meta && promised != Some(position);
    let mut transfer_syntax = meta.transfer_syntax.clone();
    if transfer_syntax.is_empty() {
        oddities.guessed_syntax = true;
        let Some(first) = after(position).first_chunk::<8>() else {
            return if is_whole { Err(HeadFault::Cut) } else { Ok(None) };
        };
        transfer_syntax = guess(first, oddities)?;
    }
    Ok(Some(Head { meta, data_set: position as u64, transfer_syntax, oddities }))
}

/// Length of an element's header and value. Letters that are no VR have a 16-bit length.
fn meta_header(bytes: &[u8], is_implicit: bool) -> Option<(usize, usize)> {
    let [_, _, _, _, a, b, c, d] = *bytes.first_chunk::<8>()?;
    if is_implicit {
        return Some((8, u32::from_le_bytes([a, b, c, d]) as usize));
    }
    if !from_letters([a, b]).is_some_and(has_long_header) {
        return Some((8, usize::from(u16::from_le_bytes([c, d]))));
    }
    let length = *bytes.get(8..)?.first_chunk::<4>()?;
    Some((12, u32::from_le_bytes(length) as usize))
}

/// The native transfer syntax that the first element of a data set looks like.
fn guess(first: &[u8; 8], oddities: HeadOddities) -> Result<Uid, HeadFault> {
    let encoding = guess_encoding(first);
    let [g, h, ..] = *first;
    let group = match encoding {
        Encoding::ExplicitBig => u16::from_be_bytes([g, h]),
        Encoding::ImplicitLittle | Encoding::ExplicitLittle => u16::from_le_bytes([g, h]),
    };
    // Without any sign of DICOM before it, the first group must be the one that every data set begins with.
    if oddities.no_preamble && oddities.no_meta && group != 0x0008 {
        return Err(HeadFault::NotDicom);
    }
    Ok(Uid::new(match encoding {
        Encoding::ImplicitLittle => uids::IMPLICIT_VR_LITTLE_ENDIAN,
        Encoding::ExplicitLittle => uids::EXPLICIT_VR_LITTLE_ENDIAN,
        Encoding::ExplicitBig => EXPLICIT_VR_BIG_ENDIAN,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta() -> FileMeta {
        FileMeta {
            sop_class: "1.2.840.10008.5.1.4.1.1.2".into(),
            sop_instance: "1.2.3.4".into(),
            transfer_syntax: uids::EXPLICIT_VR_LITTLE_ENDIAN.into(),
            implementation_class: "1.2.3".into(),
            implementation_version: Some("MARKGATE".to_owned()),
            source_ae: AeTitle::parse("CT_1").ok(),
            sending_ae: AeTitle::parse("CT_1").ok(),
            receiving_ae: AeTitle::parse("MARKGATE").ok(),
            private_creator: Some("1.2.3.5".into()),
            private_information: Some(b"envelope".to_vec()),
        }
    }

    const ELEMENT: &[u8] = b"\x08\0\x60\0CS\x02\0CT";

    #[track_caller]
    fn check(file: &[u8], want: FileMeta, data_set: usize, syntax: &str, odd: HeadOddities) {
        let want = Head {
            meta: want,
            data_set: data_set as u64,
            transfer_syntax: syntax.into(),
            oddities: odd,
        };
        assert_eq!(read_head(file).expect("a head"), want);
    }

    #[test]
    fn what_is_written_is_read_back() {
        let bytes = meta().to_bytes().expect("short values");
        let file = [&bytes[..], ELEMENT].concat();
        check(&file, meta(), bytes.len(), uids::EXPLICIT_VR_LITTLE_ENDIAN, HeadOddities::default());
        let length = u32::from_le_bytes(bytes[140..144].try_into().expect("four"));
        assert_eq!(length as usize, bytes.len() - 144);
        assert_eq!(bytes.len() % 2, 0);
        // Even a data set of no bytes.
        check(
            &bytes,
            meta(),
            bytes.len(),
            uids::EXPLICIT_VR_LITTLE_ENDIAN,
            HeadOddities::default(),
        );
    }

    #[test]
    fn a_head_may_lack_preamble_or_group_length() {
        let bytes = meta().to_bytes().expect("short values");
        let file = [&bytes[128..], ELEMENT].concat();
        let odd = HeadOddities { no_preamble: true, ..HeadOddities::default() };
        check(&file, meta(), bytes.len() - 128, uids::EXPLICIT_VR_LITTLE_ENDIAN, odd);
        let file = [&bytes[..132], &bytes[144..], ELEMENT].concat();
        let odd = HeadOddities { group_length: true, ..HeadOddities::default() };
        check(&file, meta(), bytes.len() - 12, uids::EXPLICIT_VR_LITTLE_ENDIAN, odd);
        let mut file = [&bytes[..], ELEMENT].concat();
        file[140] ^= 1;
        check(&file, meta(), bytes.len(), uids::EXPLICIT_VR_LITTLE_ENDIAN, odd);
    }

    #[test]
    fn a_bare_data_set_is_guessed() {
        let odd = HeadOddities {
            no_preamble: true,
            no_meta: true,
            guessed_syntax: true,
            ..HeadOddities::default()
        };
        check(ELEMENT, FileMeta::default(), 0, uids::EXPLICIT_VR_LITTLE_ENDIAN, odd);
        let implicit = b"\x08\0\x60\0\x02\0\0\0CT";
        check(implicit, FileMeta::default(), 0, uids::IMPLICIT_VR_LITTLE_ENDIAN, odd);
        let big = b"\0\x08\0\x60CS\0\x02CT";
        check(big, FileMeta::default(), 0, EXPLICIT_VR_BIG_ENDIAN, odd);
    }

    #[test]
    fn what_is_no_dicom_file_is_refused() {
        for bytes in [&b""[..], b"%PDF-1.7 and so on", &[0; 500]] {
            assert!(matches!(read_head(bytes), Err(HeadFault::NotDicom)), "{bytes:?}");
        }
        let bytes = meta().to_bytes().expect("short values");
        for length in 145..bytes.len() {
            let read = read_head(&bytes[..length]);
            assert!(matches!(read, Err(HeadFault::Cut) | Ok(_)), "{length} {read:?}");
        }
        let mut long = meta();
        long.private_information = Some(vec![0; 3 << 20]);
        let bytes = long.to_bytes().expect("32 bits are enough");
        assert!(matches!(read_head(&bytes[..]), Err(HeadFault::TooLong)));
    }
}
