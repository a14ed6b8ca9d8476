//! The bytes around a data set that make its file tell its own story. The layout is in [`crate::spool`]'s documentation.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use crate::base::object_id::ObjectId;
use crate::dicom::IMPLEMENTATION_CLASS_UID;
use crate::dicom::transfer_syntax::{Encoding, TransferSyntax};
use crate::dicom::uid::Uid;
use crate::object::part10::{self, FileMeta};

use super::envelope::{self, Envelope};
use super::fault::Damage;

/// Private Information Creator UID (0002,0100): says that (0002,0102) is an [`Envelope`] in JSON.
pub const ENVELOPE_CREATOR_UID: &str = "2.25.268710591172252850767880019768177767410";

/// Implementation Version Name (0002,0013).
const VERSION_NAME: &str = concat!("MARKGATE_", env!("CARGO_PKG_VERSION"));

/// The 16 bytes at the very end of a complete file.
const END_MARK: &[u8; 16] = b"MARKGATE-END-01\n";

/// Bytes of the footer's value: length 8, BLAKE3 32, check of the head 8, end mark 16.
const FOOTER_VALUE: usize = 64;

/// The head of a file: preamble and File Meta Information (PS3.10 §7.1) with the envelope in it.
pub(super) fn head(envelope: &Envelope, id: ObjectId) -> Vec<u8> {
    let mut json = envelope::to_json(envelope, id);
    if json.len() % 2 == 1 {
        json.push(b' ');
    }
    let meta = FileMeta {
        sop_class: bounded(&envelope.sop_class),
        sop_instance: bounded(&envelope.sop_instance),
        transfer_syntax: bounded(&envelope.transfer_syntax),
        implementation_class: Uid::new(IMPLEMENTATION_CLASS_UID),
        implementation_version: Some(VERSION_NAME.to_owned()),
        source_ae: Some(envelope.calling_ae.clone()),
        sending_ae: None,
        receiving_ae: None,
        private_creator: Some(Uid::new(ENVELOPE_CREATOR_UID)),
        private_information: Some(json),
    };
    meta.to_bytes().expect("bounded UIDs, and an envelope of them, fit their length fields")
}

/// What of a UID a reader of files bears: at most 64 ASCII characters. One that breaks its rules stands whole in the
/// envelope alone.
fn bounded(uid: &Uid) -> Uid {
    let borne: String = uid.as_str().chars().filter(char::is_ascii_graphic).take(64).collect();
    Uid::new(&borne)
}

/// The footer: Data Set Trailing Padding (FFFC,FFFC) in the data set's own encoding, or, after a deflate stream,
/// in Explicit VR Little Endian.
pub(super) fn footer(
    syntax: TransferSyntax,
    length: u64,
    hash: &blake3::Hash,
    head: &[u8],
) -> Vec<u8> {
    let value_length = u32::try_from(FOOTER_VALUE).unwrap_or_default();
    let mut out = Vec::with_capacity(FOOTER_VALUE + 12);
    match syntax.encoding {
        Encoding::ImplicitLittle => {
            out.extend_from_slice(&[0xFC, 0xFF, 0xFC, 0xFF]);
            out.extend_from_slice(&value_length.to_le_bytes());
        }
        Encoding::ExplicitLittle => {
            out.extend_from_slice(&[0xFC, 0xFF, 0xFC, 0xFF]);
            out.extend_from_slice(b"OB\0\0");
            out.extend_from_slice(&value_length.to_le_bytes());
        }
        Encoding::ExplicitBig => {
            out.extend_from_slice(&[0xFF, 0xFC, 0xFF, 0xFC]);
            out.extend_from_slice(b"OB\0\0");
            out.extend_from_slice(&value_length.to_be_bytes());
        }
    }
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(hash.as_bytes());
    out.extend_from_slice(&head_check(head));
    out.extend_from_slice(END_MARK);
    out
}

/// Bytes that the footer takes behind a data set of this syntax.
pub(super) fn footer_length(syntax: TransferSyntax) -> u64 {
    let header = if syntax.encoding.is_explicit() { 12 } else { 8 };
    header + FOOTER_VALUE as u64
}

fn head_check(head: &[u8]) -> [u8; 8] {
    let hash = blake3::hash(head);
    hash.as_bytes().first_chunk().copied().unwrap_or_default()
}

/// What the head and the footer of a complete file say.
pub(super) struct Layout {
    pub(super) id: ObjectId,
    pub(super) envelope: Envelope,
    /// Where the data set starts.
    pub(super) start: u64,
    /// Bytes of the data set.
    pub(super) length: u64,
    /// BLAKE3 of the data set, as it was when it arrived.
    pub(super) hash: blake3::Hash,
}

/// Reads head and footer, and checks all but the data set's hash.
pub(super) fn read(file: &File) -> io::Result<Result<Layout, Damage>> {
    let size = file.metadata()?.len();
    let footer = match read_footer(file, size)? {
        Ok(footer) => footer,
        Err(damage) => return Ok(Err(damage)),
    };
    let Some((head, meta)) = read_head(file, size)? else {
        return Ok(Err(Damage::Head));
    };
    if head_check(&head) != footer.head_check {
        return Ok(Err(Damage::HeadChanged));
    }
    let json = meta.private_information.unwrap_or_default();
    if let Some(version) = envelope::later_version(&json) {
        return Ok(Err(Damage::LaterVersion(version)));
    }
    let Some((envelope, id)) = envelope::from_json(&json) else {
        return Ok(Err(Damage::Head));
    };
    let start = head.len() as u64;
    let behind = size.checked_sub(start);
    let has = behind.and_then(|rest| rest.checked_sub(footer_length(envelope.syntax())));
    let Some(has) = has else {
        return Ok(Err(Damage::Length { says: footer.length, has: 0 }));
    };
    if has != footer.length {
        return Ok(Err(Damage::Length { says: footer.length, has }));
    }
    // The element around the value as well: no bit of the file may change unseen.
    let whole = self::footer(envelope.syntax(), footer.length, &footer.hash, &head);
    let mut there = vec![0; whole.len()];
    file.read_exact_at(&mut there, start + footer.length)?;
    if there != whole {
        return Ok(Err(Damage::FooterChanged));
    }
    Ok(Ok(Layout { id, envelope, start, length: footer.length, hash: footer.hash }))
}

struct Footer {
    length: u64,
    hash: blake3::Hash,
    head_check: [u8; 8],
}

fn read_footer(file: &File, size: u64) -> io::Result<Result<Footer, Damage>> {
    let Some(at) = size.checked_sub(FOOTER_VALUE as u64) else {
        return Ok(Err(Damage::NoEndMark));
    };
    let mut value = [0; FOOTER_VALUE];
    file.read_exact_at(&mut value, at)?;
    let parts = value.split_first_chunk::<8>().and_then(|(length, rest)| {
        let (hash, rest) = rest.split_first_chunk::<32>()?;
        let (head_check, end) = rest.split_first_chunk::<8>()?;
        (end == END_MARK).then_some(Footer {
            length: u64::from_le_bytes(*length),
            hash: blake3::Hash::from_bytes(*hash),
            head_check: *head_check,
        })
    });
    Ok(parts.ok_or_else(|| match later_end_mark(&value) {
        Some(version) => Damage::LaterVersion(version),
        None => Damage::NoEndMark,
    }))
}

/// The version in an end mark that only a later program writes.
fn later_end_mark(value: &[u8]) -> Option<u16> {
    let mark = value.last_chunk::<16>()?;
    let (ours, theirs) = (END_MARK.split_at(13), mark.split_at(13));
    if ours.0 != theirs.0 || !theirs.1.ends_with(b"\n") {
        return None;
    }
    let digits = |number: &[u8]| std::str::from_utf8(number).ok()?.trim_end().parse::<u16>().ok();
    digits(theirs.1).filter(|&found| digits(ours.1).is_some_and(|known| found > known))
}

/// The head's bytes and what they say, or `None` when they are no head.
fn read_head(file: &File, size: u64) -> io::Result<Option<(Vec<u8>, FileMeta)>> {
    // Nearly every head fits the first step.
    for step in [4 << 10, part10::LONGEST_META] {
        let length = usize::try_from(size).unwrap_or(usize::MAX).min(step);
        let mut bytes = vec![0; length];
        file.read_exact_at(&mut bytes, 0)?;
        match part10::parse_head(&bytes, length as u64 == size) {
            Ok(Some(head)) => {
                bytes.truncate(usize::try_from(head.data_set).unwrap_or(usize::MAX));
                return Ok(Some((bytes, head.meta)));
            }
            Ok(None) => {}
            Err(_no_head) => return Ok(None),
        }
    }
    Ok(None)
}
