//! Single-byte sets and code extensions: G0 and G1, and the escape sequences between (PS3.5 §6.1.2.5).

use dicom_core::VR;

use super::repertoire::{Repertoire, Slot, designated, of_registration};
use super::{NotEncodable, Text, resets, splits};

/// The sets that a declaration lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Extensions {
    /// Registration numbers in the order of the declaration, 6 for an empty value; never empty.
    numbers: Vec<u16>,
    /// Their sets, each once, in that order.
    sets: Vec<Repertoire>,
}

/// What is designated at one place of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    g0: Repertoire,
    g1: Option<Repertoire>,
}

const ESCAPE: u8 = 0x1B;
const BACKSLASH: u8 = 0x5C;

impl Extensions {
    pub(super) fn new(mut numbers: Vec<u16>) -> Self {
        if numbers.is_empty() {
            numbers.push(6);
        }
        let mut sets = Vec::new();
        for set in numbers.iter().filter_map(|number| of_registration(*number)).flatten() {
            if !sets.contains(set) {
                sets.push(*set);
            }
        }
        Self { numbers, sets }
    }

    /// Whether nothing but the default repertoire is declared.
    pub(super) fn is_default(&self) -> bool {
        self.sets == [Repertoire::Ascii]
    }

    /// Whether nothing but Latin alphabets is declared.
    pub(super) fn is_latin(&self) -> bool {
        self.sets.iter().all(|set| set.is_latin())
    }

    /// The declaration of these sets and one more; `None` when it is there already.
    pub(super) fn declaration_with(&self, number: u16) -> Option<String> {
        if self.numbers.contains(&number) {
            return None;
        }
        let mut terms: Vec<String> =
            self.numbers.iter().map(|number| format!("ISO 2022 IR {number}")).collect();
        // A double-byte set cannot be value 1. One that stands there was meant to follow the default repertoire.
        if self.sets.first().is_some_and(|set| set.width() == 2) {
            terms.insert(0, String::new());
        }
        terms.push(format!("ISO 2022 IR {number}"));
        Some(terms.join("\\"))
    }

    /// What value 1 puts in force at the start of a value and after each delimiter.
    fn initial(&self) -> State {
        let first = self.numbers.first().and_then(|number| of_registration(*number));
        let mut state = State { g0: Repertoire::Ascii, g1: None };
        for set in first.unwrap_or_default().iter().filter(|set| set.width() == 1) {
            match set.slot() {
                Slot::G0 => state.g0 = *set,
                Slot::G1 => state.g1 = Some(*set),
            }
        }
        state
    }

    /// The set to read bytes from A0H on with where no escape sequence designated one, and whether that is what
    /// value 1 says.
    ///
    /// Some devices declare ISO 2022 IR 58 or 149 and then leave the escape sequences out.
    fn undesignated(&self) -> Option<(Repertoire, bool)> {
        let set =
            self.sets.iter().find(|set| set.width() == 2 && set.slot() == Slot::G1).copied()?;
        Some((set, self.sets.first() == Some(&set)))
    }

    pub(super) fn decode(&self, bytes: &[u8], vr: VR) -> Text {
        let initial = self.initial();
        let mut state = initial;
        let mut values = Vec::new();
        let mut value = String::with_capacity(bytes.len());
        let mut faulty = false;
        let mut rest = bytes;
        while let Some((first, after)) = rest.split_first() {
            match first {
                &ESCAPE => {
                    if let Some((set, length)) = designated(rest) {
                        match set.slot() {
                            Slot::G0 => state.g0 = set,
                            Slot::G1 => state.g1 = Some(set),
                        }
                        // ESC ( B, back to the default repertoire, is so common after Japanese text that only
                        // a pedant would have it declared.
                        faulty |= set != Repertoire::Ascii && !self.sets.contains(&set);
                        rest = rest.get(length..).unwrap_or_default();
                        continue;
                    }
                    faulty = true;
                    value.push(char::REPLACEMENT_CHARACTER);
                    rest = after;
                }
                0x00..=0x20 | 0x7F => {
                    if resets(*first, vr) {
                        state = initial;
                    }
                    value.push(char::from(*first));
                    rest = after;
                }
                &BACKSLASH if splits(vr) && state.g0.width() == 1 => {
                    state = initial;
                    values.push(std::mem::take(&mut value));
                    rest = after;
                }
                0x21..=0x7E => {
                    let (character, length) = read(state.g0, rest);
                    if state.g0.width() == 1 && resets(*first, vr) {
                        state = initial;
                    }
                    faulty |= character.is_none();
                    value.push(character.unwrap_or(char::REPLACEMENT_CHARACTER));
                    rest = rest.get(length..).unwrap_or_default();
                }
                0x80..=0xFF => {
                    let (set, declared) = match (state.g1, self.undesignated()) {
                        (Some(set), _) => (Some(set), true),
                        (None, Some((set, first))) => (Some(set), first),
                        (None, None) => (None, false),
                    };
                    let (character, length) = set.map_or((None, 1), |set| read(set, rest));
                    faulty |= character.is_none() || !declared;
                    value.push(character.unwrap_or(char::REPLACEMENT_CHARACTER));
                    rest = rest.get(length..).unwrap_or_default();
                }
            }
        }
        values.push(value);
        Text { values, faulty }
    }

    pub(super) fn encode(&self, text: &str, vr: VR) -> Result<Vec<u8>, NotEncodable> {
        let initial = self.initial();
        let mut state = initial;
        let mut bytes = Vec::with_capacity(text.len());
        for character in text.chars() {
            if let Some(delimiter) = u8::try_from(character).ok().filter(|byte| resets(*byte, vr)) {
                state = restore(&mut bytes, state, initial);
                bytes.push(delimiter);
                continue;
            }
            let in_force = [Some(state.g0), state.g1].into_iter().flatten();
            let (set, code) = in_force
                .chain(self.sets.iter().copied())
                .find_map(|set| set.encode(character).map(|code| (set, code)))
                .ok_or(NotEncodable::at(character))?;
            match set.slot() {
                Slot::G0 if state.g0 != set => {
                    bytes.extend_from_slice(set.escape());
                    state.g0 = set;
                }
                Slot::G1 if state.g1 != Some(set) => {
                    bytes.extend_from_slice(set.escape());
                    state.g1 = Some(set);
                }
                Slot::G0 | Slot::G1 => {}
            }
            bytes.extend(code);
        }
        restore(&mut bytes, state, initial);
        Ok(bytes)
    }
}

/// The character at the start of `bytes`, and how many bytes it takes. A double-byte code that is cut short
/// or has a stray second byte costs its first byte only, so that a delimiter after it is still one.
fn read(set: Repertoire, bytes: &[u8]) -> (Option<char>, usize) {
    let code = bytes.get(..set.width()).unwrap_or_default();
    match set.decode(code) {
        Some(character) => (Some(character), set.width()),
        None => {
            let whole = match set.slot() {
                Slot::G0 => code.iter().all(|byte| (0x21..=0x7E).contains(byte)),
                Slot::G1 => code.iter().all(|byte| *byte >= 0xA1),
            };
            (None, if whole { code.len().max(1) } else { 1 })
        }
    }
}

/// Puts the sets of value 1 in force again (PS3.5 §6.1.2.5.3). Where value 1 has no G1 set there is nothing to
/// write: the delimiter itself ends the designation.
fn restore(bytes: &mut Vec<u8>, state: State, initial: State) -> State {
    if state.g0 != initial.g0 {
        bytes.extend_from_slice(initial.g0.escape());
    }
    if let Some(set) = initial.g1.filter(|set| state.g1 != Some(*set)) {
        bytes.extend_from_slice(set.escape());
    }
    initial
}
