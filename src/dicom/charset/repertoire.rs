//! The coded character sets that ISO 2022 escape sequences choose between (PS3.3 tables C.12-2 to C.12-4).

use encoding_rs::{
    DecoderResult, EUC_JP, EUC_KR, EncoderResult, Encoding, GBK, ISO_8859_2, ISO_8859_3,
    ISO_8859_4, ISO_8859_5, ISO_8859_6, ISO_8859_7, ISO_8859_8_I, ISO_8859_15, WINDOWS_874,
    WINDOWS_1254,
};

/// One coded character set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repertoire {
    /// ISO-IR 6: ASCII.
    Ascii,
    /// ISO-IR 14: JIS X 0201, its Latin letters.
    JisRoman,
    /// ISO-IR 13: JIS X 0201, its half-width katakana.
    Katakana,
    /// ISO-IR 100: ISO 8859-1.
    Latin1,
    /// ISO-IR 101: ISO 8859-2.
    Latin2,
    /// ISO-IR 109: ISO 8859-3.
    Latin3,
    /// ISO-IR 110: ISO 8859-4.
    Latin4,
    /// ISO-IR 144: ISO 8859-5.
    Cyrillic,
    /// ISO-IR 127: ISO 8859-6.
    Arabic,
    /// ISO-IR 126: ISO 8859-7.
    Greek,
    /// ISO-IR 138: ISO 8859-8, in the order in which it is read.
    Hebrew,
    /// ISO-IR 148: ISO 8859-9.
    Latin5,
    /// ISO-IR 203: ISO 8859-15.
    Latin9,
    /// ISO-IR 166: TIS 620-2533.
    Thai,
    /// ISO-IR 87: JIS X 0208.
    Jis0208,
    /// ISO-IR 159: JIS X 0212.
    Jis0212,
    /// ISO-IR 149: KS X 1001.
    KsX1001,
    /// ISO-IR 58: GB 2312.
    Gb2312,
}

use Repertoire::*;

/// Where a set is designated: G0 is read from bytes 21H to 7EH, G1 from A0H to FFH.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    G0,
    G1,
}

/// The sets that a registration number of (0008,0005) brings, that of G0 first.
pub(super) fn of_registration(number: u16) -> Option<&'static [Repertoire]> {
    Some(match number {
        6 => &[Ascii],
        13 => &[JisRoman, Katakana],
        58 => &[Gb2312],
        87 => &[Jis0208],
        100 => &[Ascii, Latin1],
        101 => &[Ascii, Latin2],
        109 => &[Ascii, Latin3],
        110 => &[Ascii, Latin4],
        126 => &[Ascii, Greek],
        127 => &[Ascii, Arabic],
        138 => &[Ascii, Hebrew],
        144 => &[Ascii, Cyrillic],
        148 => &[Ascii, Latin5],
        149 => &[KsX1001],
        159 => &[Jis0212],
        166 => &[Ascii, Thai],
        203 => &[Ascii, Latin9],
        _ => return None,
    })
}

const ALL: [Repertoire; 18] = [
    Ascii, JisRoman, Katakana, Latin1, Latin2, Latin3, Latin4, Cyrillic, Arabic, Greek, Hebrew,
    Latin5, Latin9, Thai, Jis0208, Jis0212, KsX1001, Gb2312,
];

/// The set that the escape sequence at the start of `bytes` designates, and the sequence's length.
pub(super) fn designated(bytes: &[u8]) -> Option<(Repertoire, usize)> {
    ALL.into_iter().find(|set| bytes.starts_with(set.escape())).map(|set| (set, set.escape().len()))
}

impl Repertoire {
    /// The escape sequence that designates the set.
    pub(super) fn escape(self) -> &'static [u8] {
        match self {
            Ascii => b"\x1B(B",
            JisRoman => b"\x1B(J",
            Katakana => b"\x1B)I",
            Latin1 => b"\x1B-A",
            Latin2 => b"\x1B-B",
            Latin3 => b"\x1B-C",
            Latin4 => b"\x1B-D",
            Cyrillic => b"\x1B-L",
            Arabic => b"\x1B-G",
            Greek => b"\x1B-F",
            Hebrew => b"\x1B-H",
            Latin5 => b"\x1B-M",
            Latin9 => b"\x1B-b",
            Thai => b"\x1B-T",
            Jis0208 => b"\x1B$B",
            Jis0212 => b"\x1B$(D",
            KsX1001 => b"\x1B$)C",
            Gb2312 => b"\x1B$)A",
        }
    }

    pub(super) fn slot(self) -> Slot {
        match self {
            Ascii | JisRoman | Jis0208 | Jis0212 => Slot::G0,
            Katakana | Latin1 | Latin2 | Latin3 | Latin4 | Cyrillic | Arabic | Greek | Hebrew
            | Latin5 | Latin9 | Thai | KsX1001 | Gb2312 => Slot::G1,
        }
    }

    /// Bytes of one character.
    pub(super) fn width(self) -> usize {
        match self {
            Jis0208 | Jis0212 | KsX1001 | Gb2312 => 2,
            Ascii | JisRoman | Katakana | Latin1 | Latin2 | Latin3 | Latin4 | Cyrillic | Arabic
            | Greek | Hebrew | Latin5 | Latin9 | Thai => 1,
        }
    }

    /// Whether it is a Latin alphabet, in which most bytes of a text are below 80H.
    pub(super) fn is_latin(self) -> bool {
        matches!(self, Ascii | Latin1 | Latin2 | Latin3 | Latin4 | Latin5 | Latin9)
    }

    /// The character of one byte of a single-byte set, or of a pair of a double-byte one, as they stand in
    /// the stream.
    pub(super) fn decode(self, bytes: &[u8]) -> Option<char> {
        match (self, bytes) {
            (Ascii, [byte @ 0x20..=0x7E]) => Some(char::from(*byte)),
            (JisRoman, [0x5C]) => Some('\u{A5}'),
            (JisRoman, [0x7E]) => Some('\u{203E}'),
            (JisRoman, [byte @ 0x20..=0x7E]) => Some(char::from(*byte)),
            (Katakana, [byte @ 0xA1..=0xDF]) => char::from_u32(0xFF61 + u32::from(byte - 0xA1)),
            (Latin1, [byte @ 0xA0..=0xFF]) => Some(char::from(*byte)),
            // TIS 620 has no character there; ISO 8859-11 added a no-break space.
            (Thai, [0xA0]) => None,
            (Jis0208, [row @ 0x21..=0x7E, cell @ 0x21..=0x7E]) => {
                one(EUC_JP, &[row | 0x80, cell | 0x80])
            }
            (Jis0212, [row @ 0x21..=0x7E, cell @ 0x21..=0x7E]) => {
                one(EUC_JP, &[0x8F, row | 0x80, cell | 0x80])
            }
            (KsX1001, [row @ 0xA1..=0xFE, cell @ 0xA1..=0xFE]) => one(EUC_KR, &[*row, *cell]),
            (Gb2312, [row @ 0xA1..=0xFE, cell @ 0xA1..=0xFE]) => one(GBK, &[*row, *cell]),
            (_, [byte @ 0xA0..=0xFF]) => one(self.upper_half()?, &[*byte]),
            _ => None,
        }
    }

    /// The bytes of one character, as they stand in the stream. Only characters of the standard that the set
    /// is named after, not those that vendors put into its gaps.
    pub(super) fn encode(self, character: char) -> Option<Vec<u8>> {
        match self {
            Ascii => ascii(character),
            JisRoman => match character {
                '\u{A5}' => Some(vec![0x5C]),
                '\u{203E}' => Some(vec![0x7E]),
                '\\' | '~' => None,
                _ => ascii(character),
            },
            Katakana => {
                let offset = u32::from(character).checked_sub(0xFF61)?;
                let byte = u8::try_from(offset).ok().filter(|offset| *offset <= 0xDF - 0xA1)?;
                Some(vec![0xA1 + byte])
            }
            Latin1 => u8::try_from(u32::from(character))
                .ok()
                .filter(|byte| *byte >= 0xA0)
                .map(|byte| vec![byte]),
            Latin2 | Latin3 | Latin4 | Cyrillic | Arabic | Greek | Hebrew | Latin5 | Latin9
            | Thai => {
                // encoding_rs knows C1 controls or windows' additions below A0H; the ISO sets have neither.
                let bytes = bytes_of(self.upper_half()?, character)?;
                matches!(bytes.as_slice(), [0xA0..=0xFF])
                    .then_some(bytes)
                    .filter(|bytes| self.decode(bytes) == Some(character))
            }
            Jis0208 => match bytes_of(EUC_JP, character)?.as_slice() {
                // Row 13 is NEC's; JIS ends with row 84.
                [row @ 0xA1..=0xF4, cell @ 0xA1..=0xFE] if *row != 0xAD => {
                    // encoding_rs writes U+2212 as the full-width hyphen.
                    let code = vec![row & 0x7F, cell & 0x7F];
                    (self.decode(&code) == Some(character)).then_some(code)
                }
                _ => None,
            },
            // encoding_rs has this table for reading only, as the web has. A text of ours with such a
            // character is a rarity, so it is looked for.
            Jis0212 => (0x21..=0x7E)
                .flat_map(|row| (0x21..=0x7E).map(move |cell| [row, cell]))
                .find(|pair| Jis0212.decode(pair) == Some(character))
                .map(|pair| pair.to_vec()),
            KsX1001 => {
                let bytes = bytes_of(EUC_KR, character)?;
                matches!(bytes.as_slice(), [0xA1..=0xFE, 0xA1..=0xFE]).then_some(bytes)
            }
            Gb2312 => {
                let bytes = bytes_of(GBK, character)?;
                matches!(bytes.as_slice(), [row, cell] if in_gb2312(*row, *cell)).then_some(bytes)
            }
        }
    }

    /// The table of bytes A0H to FFH, for the sets that encoding_rs has one of.
    fn upper_half(self) -> Option<&'static Encoding> {
        match self {
            Latin2 => Some(ISO_8859_2),
            Latin3 => Some(ISO_8859_3),
            Latin4 => Some(ISO_8859_4),
            Cyrillic => Some(ISO_8859_5),
            Arabic => Some(ISO_8859_6),
            Greek => Some(ISO_8859_7),
            Hebrew => Some(ISO_8859_8_I),
            // Alike from A0H on; below it windows has letters where ISO has controls.
            Latin5 => Some(WINDOWS_1254),
            Latin9 => Some(ISO_8859_15),
            Thai => Some(WINDOWS_874),
            Ascii | JisRoman | Katakana | Latin1 | Jis0208 | Jis0212 | KsX1001 | Gb2312 => None,
        }
    }
}

/// Whether a code is one of GB 2312-80's 7445; GBK filled the gaps between them.
fn in_gb2312(row: u8, cell: u8) -> bool {
    match row {
        0xA1 | 0xA3 | 0xB0..=0xD6 | 0xD8..=0xF7 => (0xA1..=0xFE).contains(&cell),
        0xA2 => matches!(cell, 0xB1..=0xE2 | 0xE5..=0xEE | 0xF1..=0xFC),
        0xA4 => (0xA1..=0xF3).contains(&cell),
        0xA5 => (0xA1..=0xF6).contains(&cell),
        0xA6 => matches!(cell, 0xA1..=0xB8 | 0xC1..=0xD8),
        0xA7 => matches!(cell, 0xA1..=0xC1 | 0xD1..=0xF1),
        0xA8 => matches!(cell, 0xA1..=0xBA | 0xC5..=0xE9),
        0xA9 => (0xA4..=0xEF).contains(&cell),
        0xD7 => (0xA1..=0xF9).contains(&cell),
        _ => false,
    }
}

fn ascii(character: char) -> Option<Vec<u8>> {
    matches!(character, ' '..='~')
        .then(|| u8::try_from(character).ok().map(|byte| vec![byte]))
        .flatten()
}

/// The one character that `bytes` are in `encoding`.
pub(super) fn one(encoding: &'static Encoding, bytes: &[u8]) -> Option<char> {
    // Room for one character and for what encoding_rs wants to have spare.
    let mut room = [0; 16];
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let (result, read, written) =
        decoder.decode_to_utf8_without_replacement(bytes, &mut room, true);
    if result != DecoderResult::InputEmpty || read != bytes.len() {
        return None;
    }
    let mut characters = std::str::from_utf8(room.get(..written)?).ok()?.chars();
    characters.next().filter(|_| characters.next().is_none())
}

/// The bytes of one character in `encoding`.
pub(super) fn bytes_of(encoding: &'static Encoding, character: char) -> Option<Vec<u8>> {
    let mut text = [0; 4];
    let mut room = [0; 16];
    let (result, _, written) = encoding.new_encoder().encode_from_utf8_without_replacement(
        character.encode_utf8(&mut text),
        &mut room,
        true,
    );
    (result == EncoderResult::InputEmpty).then(|| room.get(..written).map(<[u8]>::to_vec)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gb_2312_has_682_signs_and_6763_han() {
        let codes = (0xA1..=0xFE).flat_map(|row| (0xA1..=0xFE).map(move |cell| (row, cell)));
        let (han, signs): (Vec<_>, Vec<_>) =
            codes.filter(|(row, cell)| in_gb2312(*row, *cell)).partition(|(row, _)| *row >= 0xB0);
        assert_eq!((signs.len(), han.len()), (682, 6763));
        for (row, cell) in signs.into_iter().chain(han) {
            let character = Gb2312.decode(&[row, cell]).expect("every code has a character");
            assert_eq!(Gb2312.encode(character), Some(vec![row, cell]), "{row:02X} {cell:02X}");
        }
    }

    #[test]
    fn every_character_that_a_set_writes_it_reads_again() {
        for set in ALL {
            for code in 0..=0xFFFF {
                let Some(character) = char::from_u32(code) else { continue };
                if set == Jis0212 && code % 257 != 0 {
                    continue;
                }
                if let Some(bytes) = set.encode(character) {
                    assert_eq!(bytes.len(), set.width());
                    assert_eq!(set.decode(&bytes), Some(character), "{set:?} {code:04X}");
                }
            }
        }
    }

    #[test]
    fn c1_belongs_to_no_set() {
        for set in ALL {
            for byte in 0x80..=0x9F {
                assert_eq!(set.decode(&[byte]), None, "{set:?} {byte:02X}");
            }
            for character in ['€', '\u{85}', '‘'] {
                if let Some(bytes) = set.encode(character) {
                    assert!(bytes.iter().all(|byte| !(0x80..0xA0).contains(byte)), "{set:?}");
                }
            }
        }
    }
}
