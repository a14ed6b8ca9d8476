//! The bounds that keep a hostile or broken object from costing more than itself.

/// How far an object is looked into. Beyond these bounds it is carried on untouched; only nesting deeper than
/// [`MAX_DEPTH`] is a reason to hold it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Elements, at all depths, that a header may have and still be judged.
    pub elements: usize,
    /// Bytes of element values that are kept in memory for one object.
    pub kept_bytes: usize,
    /// A single value longer than this is remembered as a byte range only.
    pub value_bytes: usize,
}

/// Sequences within sequences that a data set may have (an enhanced object has about 6).
pub const MAX_DEPTH: usize = 64;

impl Default for Limits {
    fn default() -> Self {
        Self { elements: 1_000_000, kept_bytes: 8 << 20, value_bytes: 64 << 10 }
    }
}
