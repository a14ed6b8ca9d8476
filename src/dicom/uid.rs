//! Unique identifiers.

use std::fmt;

/// A unique identifier without its padding.
///
/// Real objects carry UIDs that break the rules of PS3.5 §9, and an archive may know them all the same, so
/// this type only promises a trimmed text; [`Uid::fault`] tells what is wrong with it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Uid(Box<str>);

/// How a UID breaks PS3.5 §9.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UidFault {
    /// Nothing in it.
    #[error("the UID is empty")]
    Empty,
    /// More than 64 characters.
    #[error("the UID has {0} characters, at most 64 are allowed")]
    TooLong(usize),
    /// A character other than a digit or a dot.
    #[error("the UID has characters other than digits and dots")]
    BadCharacter,
    /// Two dots in a row, or a dot at an end.
    #[error("the UID has an empty component")]
    EmptyComponent,
    /// A component such as `01`.
    #[error("the UID has a component with a leading zero")]
    LeadingZero,
}

impl Uid {
    /// Takes a UI value as it stands in an object or a PDU: trailing NULs and spaces around it are padding.
    #[must_use]
    pub fn new(raw: &str) -> Self {
        Self(raw.trim_matches([' ', '\0']).into())
    }

    /// A UID under 2.25 (PS3.5 §B.2) that follows from parts: a UUID of version 8, of the writer's own making (RFC 9562 §5.8).
    /// `what` keeps apart UIDs for different things.
    #[must_use]
    pub fn derived(what: &str, parts: &[&str]) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("markgate UIDs");
        for part in [what].iter().chain(parts) {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        let mut uuid = [0; 16];
        hasher.finalize_xof().fill(&mut uuid);
        let number = u128::from_be_bytes(uuid);
        let version = (number & !(0xF << 76)) | (8 << 76);
        let variant = (version & !(0x3 << 62)) | (0x2 << 62);
        Self(format!("2.25.{variant}").into())
    }

    /// The text without padding.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What PS3.5 §9.1 has against this UID.
    #[must_use]
    pub fn fault(&self) -> Option<UidFault> {
        Self::fault_of(&self.0)
    }

    /// What PS3.5 §9.1 has against a text as a UID, its padding left out.
    #[must_use]
    pub fn fault_of(uid: &str) -> Option<UidFault> {
        if uid.is_empty() {
            return Some(UidFault::Empty);
        }
        if uid.len() > 64 {
            return Some(UidFault::TooLong(uid.len()));
        }
        if !uid.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
            return Some(UidFault::BadCharacter);
        }
        for component in uid.split('.') {
            if component.is_empty() {
                return Some(UidFault::EmptyComponent);
            }
            if component.len() > 1 && component.starts_with('0') {
                return Some(UidFault::LeadingZero);
            }
        }
        None
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for Uid {
    fn from(raw: &str) -> Self {
        Self::new(raw)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(raw: &str, want: Option<UidFault>) {
        assert_eq!(Uid::new(raw).fault(), want, "{raw:?}");
    }

    #[test]
    fn padding_is_not_part_of_the_uid() {
        assert_eq!(Uid::new("1.2.840.10008.1.1\0").as_str(), "1.2.840.10008.1.1");
        check("1.2.840.10008.1.1\0", None);
    }

    #[test]
    fn each_breach_of_the_rules_has_a_name() {
        check("", Some(UidFault::Empty));
        check("1.2.x", Some(UidFault::BadCharacter));
        check("1..2", Some(UidFault::EmptyComponent));
        check("1.02", Some(UidFault::LeadingZero));
        check("1.0.2", None);
        check(&"1".repeat(65), Some(UidFault::TooLong(65)));
    }
}
