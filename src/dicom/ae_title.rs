//! Application Entity titles.

use std::collections::BTreeMap;
use std::fmt;

/// An Application Entity title: 1 to 16 characters of the default repertoire without backslash or control
/// characters, not all spaces (PS3.5 §6.2, VR AE). Leading and trailing spaces are not part of it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AeTitle(Box<str>);

/// Why a text is not an [`AeTitle`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadAeTitle {
    /// Nothing but spaces.
    #[error("an AE title must not be empty")]
    Empty,
    /// More than 16 characters after trimming.
    #[error("an AE title has at most 16 characters, this one has {0}")]
    TooLong(usize),
    /// A character outside the default repertoire, a control character or a backslash.
    #[error(
        "an AE title has only ASCII characters, none of them a control character or a backslash"
    )]
    BadCharacter,
}

impl AeTitle {
    /// Trims spaces and NULs, then checks.
    ///
    /// # Errors
    /// When what is left is empty, too long or has a character that VR AE does not allow.
    pub fn parse(raw: &str) -> Result<Self, BadAeTitle> {
        let title = raw.trim_matches([' ', '\0']);
        if title.is_empty() {
            return Err(BadAeTitle::Empty);
        }
        if !title.bytes().all(|byte| (0x20..0x7F).contains(&byte) && byte != b'\\') {
            return Err(BadAeTitle::BadCharacter);
        }
        if title.len() > 16 {
            return Err(BadAeTitle::TooLong(title.len()));
        }
        Ok(Self(title.into()))
    }

    /// The title without padding.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// As whom a destination is called on behalf of modalities.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CallAs {
    /// For these modalities, so.
    pub mapped: BTreeMap<AeTitle, AeTitle>,
    /// For all others; `None` is as the modality itself.
    pub otherwise: Option<AeTitle>,
}

impl CallAs {
    /// Always as this one.
    #[must_use]
    pub fn fixed(title: AeTitle) -> Self {
        Self { otherwise: Some(title), ..Self::default() }
    }

    /// The title for a modality.
    #[must_use]
    pub fn title_for(&self, modality: &AeTitle) -> AeTitle {
        let mapped = self.mapped.get(modality);
        mapped.or(self.otherwise.as_ref()).unwrap_or(modality).clone()
    }

    /// Whether the title depends on the modality.
    #[must_use]
    pub fn varies(&self) -> bool {
        !self.mapped.is_empty() || self.otherwise.is_none()
    }
}

impl fmt::Display for AeTitle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for AeTitle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(raw: &str, want: Result<&str, BadAeTitle>) {
        assert_eq!(AeTitle::parse(raw).as_ref().map(AeTitle::as_str), want.as_ref().copied());
    }

    #[test]
    fn a_modality_is_called_as_mapped_or_as_all_or_as_itself() {
        let title = |text| AeTitle::parse(text).expect("a title");
        let mapped = BTreeMap::from([(title("CT01"), title("GW01"))]);
        let kept = CallAs { mapped: mapped.clone(), otherwise: None };
        assert_eq!(
            [kept.title_for(&title("CT01")), kept.title_for(&title("CT02"))],
            [title("GW01"), title("CT02")]
        );
        let fixed = CallAs { mapped, otherwise: Some(title("GATE")) };
        assert_eq!(
            [fixed.title_for(&title("CT01")), fixed.title_for(&title("CT02"))],
            [title("GW01"), title("GATE")]
        );
        let varies = [&kept, &fixed, &CallAs::default(), &CallAs::fixed(title("GATE"))];
        assert_eq!(varies.map(CallAs::varies), [true, true, true, false]);
    }

    #[test]
    fn padding_is_not_part_of_the_title() {
        check("CT_ROOM_3       ", Ok("CT_ROOM_3"));
        check("  CT ROOM\0\0", Ok("CT ROOM"));
        check("                ", Err(BadAeTitle::Empty));
    }

    #[test]
    fn seventeen_characters_are_refused() {
        check("ABCDEFGHIJKLMNOP", Ok("ABCDEFGHIJKLMNOP"));
        check("ABCDEFGHIJKLMNOPQ", Err(BadAeTitle::TooLong(17)));
    }

    #[test]
    fn control_characters_and_backslashes_are_refused() {
        check("CT\\1", Err(BadAeTitle::BadCharacter));
        check("CT\n1", Err(BadAeTitle::BadCharacter));
        check("放射科", Err(BadAeTitle::BadCharacter));
    }
}
