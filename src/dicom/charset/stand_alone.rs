//! The sets that are declared alone and know no escape sequences: ISO_IR 192, GB18030, GBK.

use dicom_core::VR;
use encoding_rs::GB18030;

use super::repertoire::{bytes_of, one};
use super::{NotEncodable, Text, splits};

/// A character set without code extensions (PS3.3 table C.12-5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StandAlone {
    /// ISO_IR 192.
    Utf8,
    /// GB18030, one, two or four bytes a character.
    Gb18030,
    /// GBK: GB18030 without the characters of four bytes.
    Gbk,
}

const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;
const ESCAPE: char = '\u{1B}';

pub(super) fn decode(set: StandAlone, bytes: &[u8], vr: VR) -> Text {
    let (text, mut faulty) = match set {
        StandAlone::Utf8 => match std::str::from_utf8(bytes) {
            Ok(text) => (text.to_owned(), false),
            Err(_) => (String::from_utf8_lossy(bytes).into_owned(), true),
        },
        StandAlone::Gb18030 => decode_gb(bytes, true),
        StandAlone::Gbk => decode_gb(bytes, false),
    };
    faulty |= text.contains(ESCAPE);
    let values = match splits(vr) {
        true => text.split('\\').map(str::to_owned).collect(),
        false => vec![text],
    };
    Text { values, faulty }
}

/// Reads GB18030; without `four_bytes` characters of that length are read all the same, and counted as a fault.
pub(super) fn decode_gb(bytes: &[u8], four_bytes: bool) -> (String, bool) {
    let mut text = String::with_capacity(bytes.len());
    let mut faulty = false;
    let mut rest = bytes;
    while let Some((first, after)) = rest.split_first() {
        let length = match rest {
            [0x81..=0xFE, 0x40..=0x7E | 0x80..=0xFE, ..] => 2,
            [0x81..=0xFE, 0x30..=0x39, 0x81..=0xFE, 0x30..=0x39, ..] => 4,
            _ => 1,
        };
        if length == 1 {
            // encoding_rs reads 80H as a euro sign, as windows does; GB18030 has nothing there.
            let fine = first.is_ascii();
            text.push(if fine { char::from(*first) } else { REPLACEMENT });
            faulty |= !fine;
            rest = after;
            continue;
        }
        let (code, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        let character = one(GB18030, code);
        text.push(character.unwrap_or(REPLACEMENT));
        faulty |= character.is_none() || (length == 4 && !four_bytes);
        rest = after;
    }
    (text, faulty)
}

pub(super) fn encode(set: StandAlone, text: &str) -> Result<Vec<u8>, NotEncodable> {
    let longest = match set {
        StandAlone::Utf8 => return Ok(text.as_bytes().to_vec()),
        StandAlone::Gb18030 => 4,
        StandAlone::Gbk => 2,
    };
    let mut bytes = Vec::with_capacity(text.len());
    for character in text.chars() {
        // encoding_rs writes some private-use code points as what they have become in GB18030-2022.
        let code = bytes_of(GB18030, character)
            .filter(|code| code.len() <= longest && one(GB18030, code) == Some(character));
        bytes.extend(code.ok_or(NotEncodable::at(character))?);
    }
    Ok(bytes)
}
