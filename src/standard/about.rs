//! What something is, for people who read manuals.

/// A line in both languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About {
    /// In Chinese.
    pub zh: &'static str,
    /// In English.
    pub en: &'static str,
}

/// The two lines together.
pub(super) const fn about(zh: &'static str, en: &'static str) -> About {
    About { zh, en }
}
