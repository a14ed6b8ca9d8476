//! Text from elsewhere, made so that it shows as what it is.

use std::borrow::Cow;
use std::fmt::{self, Write};

/// Whether a character steers a terminal or the direction of text instead of being seen: controls, and the marks by which one text
/// can be made to look like another.
#[must_use]
pub fn is_steering(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// The text with every steering character as `\u{…}`, so that a line stays one line and reads as it is.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_steering) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let written = Visible(&mut shown).write_str(text);
    debug_assert!(written.is_ok(), "a String takes all");
    Cow::Owned(shown)
}

/// Writes on what it is given with every steering character as `\u{…}`.
pub struct Visible<W>(pub W);

impl<W: Write> Write for Visible<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some((before, c, after)) = split(rest) {
            self.0.write_str(before)?;
            write!(self.0, "{}", c.escape_unicode())?;
            rest = after;
        }
        self.0.write_str(rest)
    }
}

/// The text around its first steering character.
fn split(text: &str) -> Option<(&str, char, &str)> {
    let (at, c) = text.char_indices().find(|(_, c)| is_steering(*c))?;
    let (before, rest) = text.split_at_checked(at)?;
    let after = rest.get(c.len_utf8()..)?;
    Some((before, c, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_harmless_stays_as_it_is() {
        for text in ["", "CT01", "张三 Müller", "a\\nb \"quoted\""] {
            assert!(matches!(visible(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    #[test]
    fn what_steers_a_terminal_is_shown() {
        assert_eq!(visible("a\nb"), "a\\u{a}b");
        assert_eq!(visible("\u{1b}[31mred"), "\\u{1b}[31mred");
        assert_eq!(visible("abc\u{202e}fed"), "abc\\u{202e}fed");
        assert_eq!(visible("\u{85}\u{7f}\u{2028}"), "\\u{85}\\u{7f}\\u{2028}");
    }
}
