//! Character sets: Specific Character Set (0008,0005), ISO 2022 code extensions, and the Chinese encodings.
//!
//! A [`CharacterSet`] turns the bytes of a text value into characters and back (PS3.3 C.12.1.1.2, PS3.5 §6.1.2).
//! Values are split only after decoding, because 5CH, the delimiter, is also the second byte of characters in
//! GBK, GB18030 and JIS X 0208. Reading is lenient and says so ([`Text::faulty`]); writing is strict.
//!
//! It never guesses: text under a wrong declaration decodes to replacement characters or to the wrong script,
//! and [`misdeclared`] tells a person what the bytes look like. It never changes bytes that it only reads.

mod iso2022;
mod misdeclared;
mod repertoire;
mod stand_alone;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use dicom_core::VR;

use iso2022::Extensions;
use repertoire::Repertoire;
use stand_alone::StandAlone;

pub use misdeclared::{Misdeclared, misdeclared};

/// Terms of one declaration that are looked at; a real one has at most six.
const MAX_TERMS: usize = 32;

/// What (0008,0005) says of the text of a data set or item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CharacterSet {
    declaration: String,
    scheme: Scheme,
    unknown: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Scheme {
    /// One set for everything, in which no escape sequence has a place (PS3.3 C.12.1.1.2, table C.12-5).
    StandAlone(StandAlone),
    /// Single-byte sets, with or without code extensions.
    Extensible(Extensions),
}

/// The characters of one element's value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Text {
    /// The values, without padding; none at all when there is nothing but padding.
    pub values: Vec<String>,
    /// Some bytes are not text of the declared set; replacement characters stand for those that say nothing.
    pub faulty: bool,
}

impl Text {
    /// The first value, if it has any character.
    #[must_use]
    pub fn first(&self) -> Option<&str> {
        self.values.first().map(String::as_str).filter(|value| !value.is_empty())
    }
}

/// A character that a set cannot write, or that the VR does not allow.
///
/// Only the code point is told: the text around it may be a patient's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the character U+{code_point:04X} cannot be written in the declared character set and VR")]
pub struct NotEncodable {
    /// The character's Unicode scalar value.
    pub code_point: u32,
}

impl NotEncodable {
    fn at(character: char) -> Self {
        Self { code_point: u32::from(character) }
    }
}

/// A declaration with one more code extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extended {
    /// The new value of (0008,0005), unpadded.
    pub declaration: String,
    /// What that declares: all that was text under the old declaration reads the same under it.
    pub set: CharacterSet,
}

impl CharacterSet {
    /// The default repertoire, ISO-IR 6: what an absent or empty (0008,0005) means.
    #[must_use]
    pub fn default_repertoire() -> Self {
        Self::declared("")
    }

    /// Reads a value of (0008,0005), backslashes and all.
    ///
    /// Lenient: case, spaces, underscores and hyphens do not matter, nor does it whether a term is spelt with or
    /// without `2022`; `UTF-8` and `GB2312` (taken for GBK) are understood. What is not understood is
    /// remembered in [`Self::unknown_terms`] and has no effect.
    #[must_use]
    pub fn declared(value: &str) -> Self {
        let declaration = value.trim_matches([' ', '\0']).to_owned();
        let mut unknown = Vec::new();
        let mut sets = Vec::new();
        let mut alone = None;
        for (index, raw) in declaration.split('\\').take(MAX_TERMS).enumerate() {
            match Term::read(raw) {
                Some(Term::Registered(number)) => sets.push(number),
                Some(Term::StandAlone(set)) if index == 0 => {
                    return Self { declaration, scheme: Scheme::StandAlone(set), unknown };
                }
                Some(Term::StandAlone(set)) => alone = Some(set),
                None => unknown.push(raw.trim_matches([' ', '\0']).to_owned()),
            }
        }
        let extensions = Extensions::new(sets);
        // `\GB18030` breaks the standard, yet has one plausible reading as long as nothing else claims the bytes
        // from 80H on.
        let scheme = match alone {
            Some(set) if extensions.is_default() => Scheme::StandAlone(set),
            Some(_) | None => Scheme::Extensible(extensions),
        };
        Self { declaration, scheme, unknown }
    }

    /// Reads a declaration that a person wrote on purpose: Defined Terms of PS3.3 C.12.1.1.2 in their exact
    /// spelling (several with backslashes between, each then an `ISO 2022` term), or the alias `GB2312`.
    #[must_use]
    pub fn named(term: &str) -> Option<Self> {
        let count = term.split('\\').count();
        let defined = term.split('\\').enumerate().all(|(index, term)| match Term::read(term) {
            Some(Term::Registered(_)) if term.is_empty() => index == 0 && count > 1,
            Some(Term::Registered(number)) => {
                let multi_byte = repertoire::of_registration(number)
                    .is_some_and(|sets| sets.iter().all(|set| set.width() == 2));
                if count > 1 {
                    term == format!("ISO 2022 IR {number}") && !(multi_byte && index == 0)
                } else {
                    term == format!("ISO_IR {number}") && !multi_byte
                }
            }
            Some(Term::StandAlone(_)) => {
                count == 1 && matches!(term, "ISO_IR 192" | "GB18030" | "GBK" | "GB2312")
            }
            None => false,
        });
        (defined && count <= MAX_TERMS).then(|| Self::declared(term))
    }

    /// The declaration's terms that mean nothing to us, as written.
    #[must_use]
    pub fn unknown_terms(&self) -> &[String] {
        &self.unknown
    }

    /// The value of (0008,0005) that was read, without padding.
    #[must_use]
    pub fn declaration(&self) -> &str {
        &self.declaration
    }

    /// The characters of a value of VR `vr`.
    ///
    /// VRs that (0008,0005) does not govern (CS, DA, UI, …: PS3.5 §6.1.2.2) are read in the default repertoire.
    /// Values are split where the VR allows several; padding is taken off as PS3.5 table 6.2-1 says, and NULs,
    /// which some devices pad with, wherever spaces are.
    #[must_use]
    pub fn decode(&self, bytes: &[u8], vr: VR) -> Text {
        let mut text = match &*self.scheme_for(vr) {
            Scheme::StandAlone(set) => stand_alone::decode(*set, bytes, vr),
            Scheme::Extensible(extensions) => extensions.decode(bytes, vr),
        };
        for value in &mut text.values {
            trim(value, vr);
        }
        if matches!(text.values.as_slice(), [only] if only.is_empty()) {
            text.values.clear();
        }
        text
    }

    /// The bytes of one value of VR `vr`, unpadded.
    ///
    /// # Errors
    /// The first character that the set cannot write or that does not belong into one value of this VR: a
    /// backslash where it delimits, a control character where none is allowed.
    pub fn encode(&self, text: &str, vr: VR) -> Result<Vec<u8>, NotEncodable> {
        if let Some(character) = text.chars().find(|character| !allowed(*character, vr)) {
            return Err(NotEncodable::at(character));
        }
        match &*self.scheme_for(vr) {
            Scheme::StandAlone(set) => stand_alone::encode(*set, text),
            Scheme::Extensible(extensions) => extensions.encode(text, vr),
        }
    }

    /// The declaration that can hold `text` too, by one more code extension: ISO 2022 IR 58, GB 2312.
    ///
    /// `None` when the set holds the text as it is, when even the extension does not, when the set allows no
    /// extension (ISO_IR 192, GB18030, GBK), or when the present declaration is not fully understood.
    #[must_use]
    pub fn extended_for(&self, text: &str) -> Option<Extended> {
        let Scheme::Extensible(extensions) = &self.scheme else { return None };
        if !self.unknown.is_empty() || self.encode(text, VR::LO).is_ok() {
            return None;
        }
        let declaration = extensions.declaration_with(GB2312_REGISTRATION)?;
        let set = Self::declared(&declaration);
        set.encode(text, VR::LO).ok()?;
        Some(Extended { declaration, set })
    }

    /// Whether `bytes`, some text under this declaration, look like Chinese in another encoding (rule
    /// IMG-ENC-008).
    ///
    /// Only asked of declarations in which such bytes would be a rarity: none, and the Latin alphabets. Words in
    /// Cyrillic or Thai consist of the same bytes as Chinese ones.
    #[must_use]
    pub fn misdeclared(&self, bytes: &[u8]) -> Option<Misdeclared> {
        match &self.scheme {
            Scheme::Extensible(extensions) if extensions.is_latin() => misdeclared(bytes),
            Scheme::Extensible(_) | Scheme::StandAlone(_) => None,
        }
    }

    fn scheme_for(&self, vr: VR) -> Cow<'_, Scheme> {
        if governed(vr) {
            Cow::Borrowed(&self.scheme)
        } else {
            Cow::Owned(Scheme::Extensible(Extensions::new(Vec::new())))
        }
    }
}

impl Default for CharacterSet {
    fn default() -> Self {
        Self::default_repertoire()
    }
}

/// The ISO registration number of GB 2312-80.
const GB2312_REGISTRATION: u16 = 58;

enum Term {
    /// A number of the ISO International Register that DICOM knows.
    Registered(u16),
    StandAlone(StandAlone),
}

impl Term {
    fn read(raw: &str) -> Option<Self> {
        let plain: String = raw
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|character| character.to_ascii_uppercase())
            .collect();
        match plain.as_str() {
            "" if raw.trim_matches([' ', '\0']).is_empty() => return Some(Self::Registered(6)),
            "ISOIR192" | "UTF8" => return Some(Self::StandAlone(StandAlone::Utf8)),
            "GB18030" => return Some(Self::StandAlone(StandAlone::Gb18030)),
            "GBK" | "GB2312" => return Some(Self::StandAlone(StandAlone::Gbk)),
            _ => {}
        }
        let number = plain.strip_prefix("ISO2022IR").or_else(|| plain.strip_prefix("ISOIR"))?;
        let number = number.parse().ok()?;
        repertoire::of_registration(number).map(|_: &[Repertoire]| Self::Registered(number))
    }
}

/// Whether Specific Character Set governs this VR (PS3.5 §6.1.2.2). UN is text as often as not.
fn governed(vr: VR) -> bool {
    matches!(vr, VR::LO | VR::LT | VR::PN | VR::SH | VR::ST | VR::UC | VR::UT | VR::UN)
}

/// Whether a backslash delimits values of this VR.
fn splits(vr: VR) -> bool {
    matches!(
        vr,
        VR::AE
            | VR::AS
            | VR::CS
            | VR::DA
            | VR::DS
            | VR::DT
            | VR::IS
            | VR::LO
            | VR::PN
            | VR::SH
            | VR::TM
            | VR::UC
            | VR::UI
    )
}

/// Whether a character may stand in one value of this VR (PS3.5 §6.1.3 and table 6.2-1).
fn allowed(character: char, vr: VR) -> bool {
    match character {
        '\t' | '\n' | '\u{c}' | '\r' => matches!(vr, VR::ST | VR::LT | VR::UT),
        '\\' => !splits(vr),
        _ => !character.is_control(),
    }
}

/// Characters before which the state of value 1 has to be in force again (PS3.5 §6.1.2.5.3), other than the
/// backslash.
fn resets(character: u8, vr: VR) -> bool {
    match character {
        b'\t' | b'\n' | 0x0C | b'\r' => true,
        b'^' | b'=' => vr == VR::PN,
        _ => false,
    }
}

fn trim(value: &mut String, vr: VR) {
    const PADDING: [char; 2] = [' ', '\0'];
    value.truncate(value.trim_end_matches(PADDING).len());
    let leading_too =
        matches!(vr, VR::AE | VR::CS | VR::DS | VR::IS | VR::LO | VR::PN | VR::SH | VR::UI);
    if leading_too {
        let blank = value.len() - value.trim_start_matches(PADDING).len();
        value.drain(..blank);
    }
}
