//! Chinese text under a declaration that has no Chinese: what its bytes look like (rule IMG-ENC-008).

use super::stand_alone::decode_gb;

/// What bytes that are declared as Latin letters really seem to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misdeclared {
    /// Chinese in GB18030, which contains GBK and GB 2312.
    Gb18030,
    /// Chinese in UTF-8.
    Utf8,
}

impl Misdeclared {
    /// The Defined Term that the text should have been declared with.
    #[must_use]
    pub fn term(self) -> &'static str {
        match self {
            Self::Gb18030 => "GB18030",
            Self::Utf8 => "ISO_IR 192",
        }
    }
}

/// Whether the bytes of a text value look like Chinese in GB18030 or UTF-8.
///
/// The whole value must be valid there and at least 80 % of its characters beyond ASCII be Han, punctuation
/// not counted. That alone would take `Müller` in ISO 8859-1 for GB18030 (FCH 6CH is a Han character there), so
/// for GB18030 at least half of the Han must consist of two bytes from 80H on and not touch a Latin letter, unless
/// they touch each other.
///
/// To be asked of text that is declared as Latin or not at all: in Cyrillic, Greek, Hebrew, Arabic and Thai
/// sets every word looks like this ([`super::CharacterSet::misdeclared`] knows).
#[must_use]
pub fn misdeclared(bytes: &[u8]) -> Option<Misdeclared> {
    if bytes.is_ascii() || bytes.contains(&0x1B) {
        return None;
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        return mostly_han(text).then_some(Misdeclared::Utf8);
    }
    let (text, faulty) = decode_gb(bytes, true);
    (!faulty && mostly_han(&text) && is_credible(bytes)).then_some(Misdeclared::Gb18030)
}

fn mostly_han(text: &str) -> bool {
    let (mut han, mut others) = (0_usize, 0_usize);
    for character in text.chars().filter(|character| !character.is_ascii()) {
        match character {
            '\u{3400}'..='\u{4DBF}'
            | '\u{4E00}'..='\u{9FFF}'
            | '\u{F900}'..='\u{FAFF}'
            | '\u{20000}'..='\u{3FFFF}' => han += 1,
            // Punctuation and full-width forms go with any script of East Asia; the middle dot and quotation marks
            // with any script at all.
            '\u{3000}'..='\u{303F}' | '\u{FF00}'..='\u{FFEF}' | '\u{2000}'..='\u{206F}' | '·' => {}
            _ => others += 1,
        }
    }
    han > 0 && han * 5 >= (han + others) * 4
}

/// Whether valid GB18030 is likely to be meant as such.
fn is_credible(bytes: &[u8]) -> bool {
    let (mut likely, mut unlikely) = (0_usize, 0_usize);
    let mut before = None;
    let mut rest = bytes;
    while let Some((first, after)) = rest.split_first() {
        match rest {
            [0x81..=0xFE, 0x30..=0x39, 0x81..=0xFE, 0x30..=0x39, tail @ ..] => {
                likely += 1;
                before = None;
                rest = tail;
            }
            [0x81..=0xFE, second, tail @ ..] => {
                let next = tail.first();
                let touches_letter = [before, next.copied()]
                    .into_iter()
                    .flatten()
                    .any(|byte: u8| byte.is_ascii_alphabetic());
                let touches_han =
                    [before, next.copied()].into_iter().flatten().any(|byte| !byte.is_ascii());
                if *second >= 0x80 && (touches_han || !touches_letter) {
                    likely += 1;
                } else {
                    unlikely += 1;
                }
                before = Some(0x80);
                rest = tail;
            }
            _ => {
                before = Some(*first);
                rest = after;
            }
        }
    }
    likely > 0 && likely >= unlikely
}
