//! Where a character of a value stands in the TOML it was read from.

/// A text as written in a pack: the value, and where its literal begins.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Written {
    pub key: &'static str,
    pub text: String,
    /// The byte of the pack at which the literal begins.
    pub at: usize,
}

impl Written {
    /// The line and column of a byte of the text, both counted from 1.
    pub(super) fn place(&self, pack: &str, offset: usize) -> (usize, usize) {
        let literal = pack.get(self.at..).unwrap_or_default();
        let within = self.text.get(..offset).unwrap_or(&self.text);
        place(pack, self.at + after(literal, within))
    }
}

/// The line and column of a byte, both counted from 1.
pub(super) fn place(pack: &str, at: usize) -> (usize, usize) {
    let before = pack.get(..at).unwrap_or(pack);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

/// The bytes of a literal up to the end of `within`, with which its value begins once space at its start is dropped.
fn after(literal: &str, within: &str) -> usize {
    let quotes = ["\"\"\"", "'''", "\"", "'"];
    let quote = quotes.into_iter().find(|quote| literal.starts_with(quote)).unwrap_or_default();
    let escapes = quote.starts_with('"');
    let inner = literal.strip_prefix(quote).unwrap_or(literal).trim_start();
    let mut rest = inner;
    for wanted in within.chars() {
        rest = match rest.strip_prefix('\\').filter(|_| escapes) {
            Some(escaped) => behind_escape(escaped, wanted),
            None => rest.strip_prefix(wanted).unwrap_or(rest),
        };
    }
    literal.len() - rest.len()
}

/// What follows an escape sequence that stands for a character, behind its backslash.
fn behind_escape(escaped: &str, wanted: char) -> &str {
    let digits = match escaped.chars().next() {
        Some('u') => 4,
        Some('U') => 8,
        // The line goes on behind the space that begins the next.
        Some('\n' | '\r' | ' ') => {
            let next = escaped.trim_start();
            return next.strip_prefix(wanted).unwrap_or(next);
        }
        Some(_) | None => 0,
    };
    let first = escaped.chars().next().map_or(0, char::len_utf8);
    escaped.get(first + digits..).unwrap_or_default()
}
