//! Reading one header: VR, length, and what kind of content they announce.
//!
//! Lenient where real objects depart from the standard, and each departure is noted.

use crate::dicom::transfer_syntax::Encoding;
use crate::dicom::{Tag, VR, tags};
use crate::object::header::{Form, Kind};
use crate::object::representation::{
    ITEM, SEQUENCE_END, UNDEFINED, from_letters, has_long_header, is_sequence,
};

use super::{Oddities, Oddity};

/// What stands between a tag and a value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    pub vr: Option<VR>,
    pub form: Form,
    /// In bytes, tag included.
    pub size: usize,
    pub length: u32,
    /// Whether something that is no VR stands where one should.
    pub is_strange: bool,
}

/// Why a header cannot be read.
#[derive(Debug, Clone, Copy)]
pub(super) enum Unread {
    /// Not before this many bytes are there.
    More(usize),
    /// These bytes are no VR, and nothing tells what the length is.
    NoVr([u8; 2]),
}

/// Reads the header that begins with `first`; `last` says that nothing follows `head`.
pub(super) fn read_header(
    tag: Tag,
    first: &[u8; 8],
    head: &[u8],
    last: bool,
    encoding: Encoding,
) -> Result<Header, Unread> {
    let [_, _, _, _, a, b, c, d] = *first;
    if !encoding.is_explicit() {
        return Ok(implicit(number_in(first, encoding)));
    }
    match from_letters([a, b]) {
        Some(vr) if has_long_header(vr) => long(Some(vr), head, encoding),
        Some(vr) => Ok(short(Some(vr), [c, d], encoding)),
        None => {
            let header = strange_header(tag, first, head, last, encoding)?;
            Ok(Header { is_strange: true, ..header })
        }
    }
}

/// Reads a header without a VR of PS3.5 table 6.2-1.
fn strange_header(
    tag: Tag,
    first: &[u8; 8],
    head: &[u8],
    last: bool,
    encoding: Encoding,
) -> Result<Header, Unread> {
    let [_, _, _, _, a, b, c, d] = *first;
    if a.is_ascii_uppercase() && b.is_ascii_uppercase() {
        // PS3.5 §7.1.2: VRs still to come have the long header, whose two reserved bytes are 0. An empty value
        // with a short header has those zeros too; then what follows is the tag of a later element.
        if [c, d] != [0, 0] {
            return Ok(short(None, [c, d], encoding));
        }
        let Some([g, h, e, f]) = head.get(8..).and_then(<[u8]>::first_chunk::<4>) else {
            return if last { Ok(short(None, [c, d], encoding)) } else { Err(Unread::More(12)) };
        };
        let next = tag_in(&[*g, *h, *e, *f, 0, 0, 0, 0], encoding);
        if next.group() == tag.group() && next.element() > tag.element() {
            return Ok(short(None, [c, d], encoding));
        }
        return long(None, head, encoding);
    }
    if [a, b] != [0, 0] && [c, d] == [0, 0] && !encoding.is_big_endian() {
        // An element that was left in implicit VR among explicit ones.
        return Ok(implicit(u32::from_le_bytes([a, b, c, d])));
    }
    if [a, b].iter().all(|byte| *byte == 0 || byte.is_ascii_graphic() || *byte == b' ') {
        return Ok(short(None, [c, d], encoding));
    }
    Err(Unread::NoVr([a, b]))
}

fn implicit(length: u32) -> Header {
    Header { vr: None, form: Form::Implicit, size: 8, length, is_strange: false }
}

fn short(vr: Option<VR>, length: [u8; 2], encoding: Encoding) -> Header {
    let length = if encoding.is_big_endian() {
        u16::from_be_bytes(length)
    } else {
        u16::from_le_bytes(length)
    };
    Header { vr, form: Form::Short, size: 8, length: u32::from(length), is_strange: false }
}

fn long(vr: Option<VR>, head: &[u8], encoding: Encoding) -> Result<Header, Unread> {
    let length = head.get(8..).and_then(<[u8]>::first_chunk::<4>).ok_or(Unread::More(12))?;
    let length = if encoding.is_big_endian() {
        u32::from_be_bytes(*length)
    } else {
        u32::from_le_bytes(*length)
    };
    Ok(Header { vr, form: Form::Long, size: 12, length, is_strange: false })
}

/// What an element holds, and in which encoding the items are that may be in it.
pub(super) fn contents(
    tag: Tag,
    header: Header,
    head: &[u8],
    last: bool,
    encoding: Encoding,
    oddities: &mut Oddities,
) -> Result<(Kind, Encoding), Unread> {
    if header.length == UNDEFINED && header.form != Form::Short {
        return Ok(undefined_contents(tag, header, encoding));
    }
    let Some(within) = items_within(header, encoding) else {
        return Ok((Kind::Value, encoding));
    };
    let declared = header.vr == Some(VR::SQ);
    match item_follows(header, head, within) {
        // The dictionary is asked last: a look into it costs more than all the rest.
        Some(true) if declared || is_sequence(tag) => {
            if header.vr == Some(VR::UN) {
                oddities.note(Oddity::SequenceAsUnknown);
            }
            return Ok((Kind::Sequence, within));
        }
        None if !last => return Err(Unread::More(header.size + 8)),
        Some(false) if declared => oddities.note(Oddity::SequenceWithoutItems),
        Some(_) | None => {}
    }
    Ok((Kind::Value, encoding))
}

fn undefined_contents(tag: Tag, header: Header, encoding: Encoding) -> (Kind, Encoding) {
    if tag == tags::PIXEL_DATA || header.vr.is_some_and(holds_fragments) {
        return (Kind::Fragments, encoding);
    }
    // PS3.5 §6.2.2: the content of an unknown element of undefined length is in Implicit VR Little Endian.
    if header.vr == Some(VR::UN) || header.form == Form::Implicit {
        return (Kind::Sequence, Encoding::ImplicitLittle);
    }
    (Kind::Sequence, encoding)
}

fn holds_fragments(vr: VR) -> bool {
    matches!(vr, VR::OB | VR::OD | VR::OF | VR::OL | VR::OV | VR::OW)
}

/// The encoding in which items would stand in an element of defined length; `None` for what can hold none.
fn items_within(header: Header, encoding: Encoding) -> Option<Encoding> {
    match (header.vr, header.form) {
        (Some(VR::SQ), _) => Some(encoding),
        (Some(VR::UN), _) if header.length >= 8 => Some(Encoding::ImplicitLittle),
        (None, Form::Implicit) => Some(Encoding::ImplicitLittle),
        _ => None,
    }
}

/// Whether an item header follows; `None` when that cannot be seen yet. An empty value is an empty sequence.
fn item_follows(header: Header, head: &[u8], within: Encoding) -> Option<bool> {
    if header.length == 0 {
        return Some(true);
    }
    if header.length < 8 {
        return Some(false);
    }
    let next = head.get(header.size..)?.first_chunk::<8>()?;
    Some(matches!(tag_in(next, within), ITEM | SEQUENCE_END))
}

/// The encoding that the first element of a data set seems to be in.
pub(in crate::object) fn guess_encoding(first: &[u8; 8]) -> Encoding {
    actual_encoding(Encoding::ExplicitLittle, first, u64::MAX, 0)
}

/// The encoding of a data set or item that is said to be in `claimed`, as its first element shows. `limit` is where
/// it ends at the latest. What is found is found again when it is claimed: a header may be looked at more than once.
pub(super) fn actual_encoding(claimed: Encoding, first: &[u8; 8], limit: u64, at: u64) -> Encoding {
    let [_, h, _, _, a, b, c, d] = *first;
    let known = from_letters([a, b]);
    let explicit = known.is_some_and(|vr| !has_long_header(vr) || [c, d] == [0, 0]);
    let top = limit == u64::MAX;
    match claimed {
        Encoding::ExplicitBig | Encoding::ExplicitLittle if a.is_ascii_uppercase() => {
            // Data sets begin with group 0008; read as 0800 it was written the other way round.
            let other = match claimed {
                Encoding::ExplicitBig => Encoding::ExplicitLittle,
                Encoding::ExplicitLittle | Encoding::ImplicitLittle => Encoding::ExplicitBig,
            };
            let swapped = tag_in(first, other).group() == 0x0008;
            if explicit && top && swapped { other } else { claimed }
        }
        Encoding::ExplicitBig | Encoding::ExplicitLittle => {
            let length = u32::from_le_bytes([a, b, c, d]);
            let fits = length == UNDEFINED
                || ([c, d] == [0, 0] && at.saturating_add(8 + u64::from(length)) <= limit);
            let little = h == 0 || claimed == Encoding::ExplicitLittle;
            if known.is_none() && fits && little { Encoding::ImplicitLittle } else { claimed }
        }
        Encoding::ImplicitLittle => {
            let length = u64::from(u32::from_le_bytes([a, b, c, d]));
            let fits = at.saturating_add(8 + length) <= limit;
            if explicit && (top || !fits) {
                // Which of the two orders it is in shows as if it had been said to be explicit.
                return actual_encoding(Encoding::ExplicitLittle, first, limit, at);
            }
            claimed
        }
    }
}

pub(super) fn tag_in(first: &[u8; 8], encoding: Encoding) -> Tag {
    let [g, h, e, f, ..] = *first;
    if encoding.is_big_endian() {
        Tag(u16::from_be_bytes([g, h]), u16::from_be_bytes([e, f]))
    } else {
        Tag(u16::from_le_bytes([g, h]), u16::from_le_bytes([e, f]))
    }
}

pub(super) fn number_in(first: &[u8; 8], encoding: Encoding) -> u32 {
    let [_, _, _, _, a, b, c, d] = *first;
    if encoding.is_big_endian() {
        u32::from_be_bytes([a, b, c, d])
    } else {
        u32::from_le_bytes([a, b, c, d])
    }
}
