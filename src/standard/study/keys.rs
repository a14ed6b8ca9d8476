//! Keys that stand for identifying texts, so that studies can be compared without anybody's name in memory.

use unicode_normalization::UnicodeNormalization as _;

/// What stands for a text: equal texts have equal keys, and no text can be told from its key without the secret.
pub type Key = u64;

/// Makes keys. Two makers with different secrets make keys that have nothing to do with each other.
#[derive(Clone)]
pub struct Keys([u8; 32]);

impl Keys {
    /// A maker of keys with this secret, which is to be random and never written down.
    #[must_use]
    pub fn new(secret: [u8; 32]) -> Self {
        Self(secret)
    }

    /// The key of a text as it stands; `what` keeps apart the keys of different things.
    #[must_use]
    pub fn of(&self, what: &str, text: &str) -> Key {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(&(what.len() as u64).to_le_bytes());
        hasher.update(what.as_bytes());
        hasher.update(text.as_bytes());
        let mut key = [0; 8];
        hasher.finalize_xof().fill(&mut key);
        Key::from_le_bytes(key)
    }

    /// The key of what a text says: widths, compatibility forms, case and spaces do not count. `None` when it says nothing.
    #[must_use]
    pub fn of_words(&self, what: &str, text: &str) -> Option<Key> {
        let words = plain(text);
        (!words.is_empty()).then(|| self.of(what, &words))
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys")
    }
}

/// A text in the form in which texts are compared: NFKC, in capitals, with single spaces.
pub(super) fn plain(text: &str) -> String {
    let folded: String = text.nfkc().collect::<String>().to_uppercase();
    folded.split([' ', '\0', '\t']).filter(|part| !part.is_empty()).collect::<Vec<&str>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelling_does_not_count_and_what_is_compared_does() {
        let keys = Keys::new([7; 32]);
        let name = |text| keys.of_words("name", text);
        assert_eq!(name("Zhang  San"), name("ＺＨＡＮＧ　ＳＡＮ "));
        assert_ne!(name("ZHANG SAN"), name("ZHANG SHAN"));
        assert_ne!(name("1"), keys.of_words("id", "1"));
        assert_eq!(name(" \0"), None);
        assert_ne!(name("1"), Keys::new([8; 32]).of_words("name", "1"));
        assert_eq!(format!("{keys:?}"), "Keys", "the secret is not shown");
    }
}
