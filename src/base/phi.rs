//! Values that may tell who a patient is.

use std::fmt;

/// A value that may tell who a patient is. It prints as `‹phi›` and cannot be serialised, so that it gets into a log, an error or a
/// metric only through [`Phi::expose`], which is easy to look for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Phi<T>(T);

impl<T> Phi<T> {
    /// Covers a value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value, for the eyes of a person who may see it: the output of a verb that was asked for it, never a log.
    pub const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> From<T> for Phi<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T> fmt::Debug for Phi<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("‹phi›")
    }
}

impl<T> fmt::Display for Phi<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_covered_does_not_print_in_whatever_it_stands() {
        let name = Phi::new("Zhang^San".to_owned());
        assert_eq!(
            format!("{name} {name:?} {:#?}", Some(&name)),
            "‹phi› ‹phi› Some(\n    ‹phi›,\n)"
        );
        assert_eq!(name.expose(), "Zhang^San");
        assert_eq!(name, "Zhang^San".to_owned().into());
    }
}
