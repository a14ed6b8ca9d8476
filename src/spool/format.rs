//! The bytes around a data set that make its file tell its own story. The layout is in [`crate::spool`]'s documentation.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use crate::base::object_id::ObjectId;
use crate::dicom::transfer_syntax::{Encoding, TransferSyntax};
use crate::dicom::{Tag, tags};

use super::envelope::{self, Envelope};
use super::fault::Damage;

/// Implementation Class UID (0002,0012) of the files that the spool writes.
pub const IMPLEMENTATION_CLASS_UID: &str = "2.25.182390546975465482993873310860873826985";

/// Private Information Creator UID (0002,0100): says that (0002,0102) is an [`Envelope`] in JSON.
pub const ENVELOPE_CREATOR_UID: &str = "2.25.268710591172252850767880019768177767410";

/// Implementation Version Name (0002,0013).
const VERSION_NAME: &str = "MARKGATE";

/// The 16 bytes at the very end of a complete file.
const END_MARK: &[u8; 16] = b"MARKGATE-END-01\n";

/// Bytes of the footer's value: length 8, BLAKE3 32, check of the head 8, end mark 16.
const FOOTER_VALUE: usize = 64;

/// No head is longer: its only parts of free length come from a command set, which is short.
const MAX_HEAD: usize = 1 << 20;

/// The head of a file: preamble and File Meta Information (PS3.10 §7.1) with the envelope in it.
pub(super) fn head(envelope: &Envelope, id: ObjectId) -> Vec<u8> {
    let mut meta = Vec::with_capacity(1024);
    put_long(&mut meta, tags::FILE_META_INFORMATION_VERSION, &[0, 1]);
    put_text(&mut meta, tags::MEDIA_STORAGE_SOP_CLASS_UID, *b"UI", envelope.sop_class.as_str());
    put_text(
        &mut meta,
        tags::MEDIA_STORAGE_SOP_INSTANCE_UID,
        *b"UI",
        envelope.sop_instance.as_str(),
    );
    put_text(&mut meta, tags::TRANSFER_SYNTAX_UID, *b"UI", envelope.transfer_syntax.as_str());
    put_text(&mut meta, tags::IMPLEMENTATION_CLASS_UID, *b"UI", IMPLEMENTATION_CLASS_UID);
    put_text(&mut meta, tags::IMPLEMENTATION_VERSION_NAME, *b"SH", VERSION_NAME);
    put_text(
        &mut meta,
        tags::SOURCE_APPLICATION_ENTITY_TITLE,
        *b"AE",
        envelope.calling_ae.as_str(),
    );
    put_text(&mut meta, tags::PRIVATE_INFORMATION_CREATOR_UID, *b"UI", ENVELOPE_CREATOR_UID);
    let mut json = envelope::to_json(envelope, id);
    if json.len() % 2 == 1 {
        json.push(b' ');
    }
    put_long(&mut meta, tags::PRIVATE_INFORMATION, &json);

    let mut head = vec![0; 128];
    head.extend_from_slice(b"DICM");
    let length = u32::try_from(meta.len()).unwrap_or(u32::MAX);
    put_short(&mut head, tags::FILE_META_INFORMATION_GROUP_LENGTH, *b"UL", &length.to_le_bytes());
    head.append(&mut meta);
    head
}

fn put_tag(out: &mut Vec<u8>, tag: Tag) {
    out.extend_from_slice(&tag.group().to_le_bytes());
    out.extend_from_slice(&tag.element().to_le_bytes());
}

/// An element whose explicit VR has a length of 16 bits (PS3.5 §7.1.2).
fn put_short(out: &mut Vec<u8>, tag: Tag, vr: [u8; 2], value: &[u8]) {
    put_tag(out, tag);
    out.extend_from_slice(&vr);
    out.extend_from_slice(&u16::try_from(value.len()).unwrap_or(u16::MAX).to_le_bytes());
    out.extend_from_slice(value);
}

/// A text of at most 64 bytes. What is longer breaks its VR and stands whole in the envelope alone.
fn put_text(out: &mut Vec<u8>, tag: Tag, vr: [u8; 2], text: &str) {
    let mut value = text.as_bytes().get(..64).unwrap_or(text.as_bytes()).to_vec();
    if value.len() % 2 == 1 {
        value.push(if vr == *b"UI" { 0 } else { b' ' });
    }
    put_short(out, tag, vr, &value);
}

/// An OB element.
fn put_long(out: &mut Vec<u8>, tag: Tag, value: &[u8]) {
    put_tag(out, tag);
    out.extend_from_slice(b"OB\0\0");
    out.extend_from_slice(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_le_bytes());
    out.extend_from_slice(value);
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
    let Some(footer) = read_footer(file, size)? else {
        return Ok(Err(Damage::NoEndMark));
    };
    let Some(head) = read_head(file, size)? else {
        return Ok(Err(Damage::Head));
    };
    if head_check(&head) != footer.head_check {
        return Ok(Err(Damage::HeadChanged));
    }
    let Some((envelope, id)) = private_information(&head).and_then(envelope::from_json) else {
        return Ok(Err(Damage::Head));
    };
    let start = head.len() as u64;
    let has = size.saturating_sub(start).saturating_sub(footer_length(envelope.syntax()));
    if has != footer.length {
        return Ok(Err(Damage::Length { says: footer.length, has }));
    }
    Ok(Ok(Layout { id, envelope, start, length: footer.length, hash: footer.hash }))
}

struct Footer {
    length: u64,
    hash: blake3::Hash,
    head_check: [u8; 8],
}

fn read_footer(file: &File, size: u64) -> io::Result<Option<Footer>> {
    let Some(at) = size.checked_sub(FOOTER_VALUE as u64) else {
        return Ok(None);
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
    Ok(parts)
}

/// Preamble, prefix and group 0002, or `None` when they are not there.
fn read_head(file: &File, size: u64) -> io::Result<Option<Vec<u8>>> {
    // Preamble 128, prefix 4, group length element 12.
    const FIXED: usize = 144;
    let mut fixed = [0; FIXED];
    if size < FIXED as u64 {
        return Ok(None);
    }
    file.read_exact_at(&mut fixed, 0)?;
    let group_length = fixed.get(128..).and_then(|rest| {
        let length = rest.strip_prefix(b"DICM\x02\0\0\0UL\x04\0")?;
        length.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
    });
    let length = group_length.and_then(|length| usize::try_from(length).ok()?.checked_add(FIXED));
    let Some(length) = length.filter(|&length| length <= MAX_HEAD && length as u64 <= size) else {
        return Ok(None);
    };
    let mut head = vec![0; length];
    file.read_exact_at(&mut head, 0)?;
    Ok(Some(head))
}

/// The value of (0002,0102), which [`head`] writes last.
fn private_information(head: &[u8]) -> Option<&[u8]> {
    let mut rest = head.get(144..)?;
    loop {
        let (tag, after) = rest.split_first_chunk::<4>()?;
        let (vr, after) = after.split_first_chunk::<2>()?;
        let (length, after) = if vr == b"OB" {
            let (_reserved, after) = after.split_first_chunk::<2>()?;
            let (length, after) = after.split_first_chunk::<4>()?;
            (usize::try_from(u32::from_le_bytes(*length)).ok()?, after)
        } else {
            let (length, after) = after.split_first_chunk::<2>()?;
            (usize::from(u16::from_le_bytes(*length)), after)
        };
        let (value, after) = after.split_at_checked(length)?;
        if *tag == [0x02, 0x00, 0x02, 0x01] {
            return Some(value);
        }
        rest = after;
    }
}
