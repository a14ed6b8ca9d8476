//! The choice of the name that stands before the mark.

use crate::recognition::{NAME_LIMIT, Names, ScopeCode};

use super::Obstacle;

/// Institution Name with a mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MarkLine {
    /// The name alone.
    pub name: String,
    /// The whole of it.
    pub text: String,
}

impl MarkLine {
    fn new(name: &str, separator: &str, mark: &ScopeCode) -> Self {
        Self { name: name.to_owned(), text: format!("{name}{separator}{mark}") }
    }

    fn characters(&self) -> usize {
        self.text.chars().count()
    }

    fn fits(&self) -> bool {
        self.characters() <= NAME_LIMIT
    }
}

/// The name with the mark, or the short name where that would be too long. VR LO counts characters, not bytes
/// (PS3.5 §6.2).
pub(super) fn fitting(
    names: &Names,
    separator: &str,
    mark: &ScopeCode,
) -> Result<MarkLine, Obstacle> {
    let named = [Some(&names.full), names.short.as_ref()].into_iter().flatten();
    let lines: Vec<MarkLine> = named.map(|name| MarkLine::new(name, separator, mark)).collect();
    let shortest = lines.iter().map(MarkLine::characters).min().unwrap_or_default();
    let fitting = lines.into_iter().find(MarkLine::fits);
    fitting.ok_or(Obstacle::NameTooLong { characters: shortest })
}

/// The wordings of a mark that is drawn: the name, the short name, the Latin name.
pub(super) fn lines(names: &Names, separator: &str, mark: &ScopeCode) -> Vec<MarkLine> {
    let named = [Some(&names.full), names.short.as_ref(), names.latin.as_ref()];
    named.into_iter().flatten().map(|name| MarkLine::new(name, separator, mark)).collect()
}

/// The Latin name with the mark, where there is one and it fits.
pub(super) fn latin(names: &Names, separator: &str, mark: &ScopeCode) -> Option<MarkLine> {
    let latin = names.latin.as_ref().map(|latin| MarkLine::new(latin, separator, mark));
    latin.filter(MarkLine::fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(full: usize, short: Option<usize>, want: Result<usize, usize>) {
        let names = Names {
            full: "院".repeat(full),
            short: short.map(|length| "医".repeat(length)),
            latin: None,
        };
        let line = fitting(&names, "-", &ScopeCode::new("JJJHR"));
        let want = want.map_err(|characters| Obstacle::NameTooLong { characters });
        assert_eq!(line.map(|line| line.characters()), want);
    }

    #[test]
    fn the_name_is_taken_while_it_fits_in_characters() {
        check(58, None, Ok(64));
        check(58, Some(4), Ok(64));
    }

    #[test]
    fn the_short_name_is_taken_where_the_name_is_too_long() {
        check(59, Some(4), Ok(10));
        check(59, Some(58), Ok(64));
    }

    #[test]
    fn without_a_name_that_fits_there_is_an_obstacle() {
        check(59, None, Err(65));
        check(64, Some(60), Err(66));
        check(60, Some(64), Err(66));
    }

    #[test]
    fn a_latin_name_must_fit_too() {
        let names = |latin: Option<&str>| Names {
            full: "院".to_owned(),
            short: None,
            latin: latin.map(str::to_owned),
        };
        let mark = ScopeCode::new("BJHR");
        let line = latin(&names(Some("Hospital")), "-", &mark).expect("a line");
        assert_eq!((line.name.as_str(), line.text.as_str()), ("Hospital", "Hospital-BJHR"));
        assert_eq!(latin(&names(Some(&"H".repeat(60))), "-", &mark), None);
        assert_eq!(latin(&names(None), "-", &mark), None);
    }
}
