//! Who answers the C-STORE of a route: the gate once the object is on disk, or the destination itself.

/// When a C-STORE is answered, and by whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ack {
    /// By the gate, once the object is in custody.
    #[default]
    Spooled,
    /// By the first destination of the route, to which the object is relayed while it arrives.
    Delivered(Relay),
}

impl Ack {
    /// How objects are relayed, where they are.
    #[must_use]
    pub fn relay(self) -> Option<Relay> {
        match self {
            Self::Spooled => None,
            Self::Delivered(relay) => Some(relay),
        }
    }
}

/// How the objects of a route are relayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Relay {
    /// What becomes of an object that the destination does not answer for.
    pub fallback: Fallback,
    /// What becomes of an object whose mark depends on what cannot be known before all of it has come.
    pub late_rules: LateRules,
    /// Who answers a C-ECHO.
    pub echo: Echo,
}

/// What becomes of an object when its destination cannot be reached, stalls, breaks off, or answers that it has no resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fallback {
    /// It is taken into custody, answered by the gate, and delivered later.
    #[default]
    Spool,
    /// The modality hears that it was not taken, and keeps it.
    Refuse,
}

impl Fallback {
    /// Every value with its word in the configuration.
    pub const WORDS: &[(&str, Self)] = &[("spool", Self::Spool), ("refuse", Self::Refuse)];
}

/// When rules are applied that need the pixels, where they may withhold the mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LateRules {
    /// Before the object goes on: it is received whole, judged and then sent.
    #[default]
    Before,
    /// After it: it is relayed at once, and unmarked.
    After,
}

impl LateRules {
    /// Every value with its word in the configuration.
    pub const WORDS: &[(&str, Self)] = &[("before", Self::Before), ("after", Self::After)];
}

/// Who answers a C-ECHO.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Echo {
    /// The gate.
    #[default]
    Local,
    /// The destination, through the gate.
    Path,
}

impl Echo {
    /// Every value with its word in the configuration.
    pub const WORDS: &[(&str, Self)] = &[("local", Self::Local), ("path", Self::Path)];
}
