//! Log lines, on standard error.

use std::any::Any;
use std::borrow::Cow;
use std::io::{self, Write};

use tracing_subscriber::EnvFilter;

use crate::base::visible::{is_steering, visible};

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// One line for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Sends log lines of this process to standard error.
///
/// `MARKGATE_LOG` filters them in the usual syntax (`info`, `markgate::deliver=debug`); without it, `default_level`
/// counts. What a peer sent cannot end a line, begin another, or steer the terminal of who reads it: such characters are shown
/// escaped, wherever in a line they stand. A second call in one process changes nothing.
pub fn init(format: Format, default_level: &str) {
    let filter =
        EnvFilter::try_from_env("MARKGATE_LOG").unwrap_or_else(|_| EnvFilter::new(default_level));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(move || Lines { format, to: io::stderr() })
        .with_target(false);
    let outcome = match format {
        Format::Text => builder.with_ansi(false).try_init(),
        Format::Json => builder.json().flatten_event(true).try_init(),
    };
    if outcome.is_err() {
        tracing::debug!("log lines already have a place to go");
    }
}

/// Has panics told in the log: where, and what only when the program's own text says it, since a text that was put together may
/// hold a piece of an object.
pub fn tell_panics() {
    std::panic::set_hook(Box::new(|info| {
        let thread = std::thread::current();
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        let said = own_words(info.payload());
        tracing::error!(
            place,
            thread = thread.name().unwrap_or("?"),
            said,
            "a thread has panicked"
        );
    }));
}

/// A literal arrives as it stands in the program; a text that was put together as a `String`.
fn own_words(payload: &(dyn Any + Send)) -> &'static str {
    let literal = payload.downcast_ref::<&'static str>();
    literal.copied().unwrap_or("(not told: it may hold a piece of an object)")
}

/// Writes lines, each in one call, as the subscriber does.
struct Lines<W> {
    format: Format,
    to: W,
}

impl<W: Write> Write for Lines<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        let (text, end) = match text.strip_suffix('\n') {
            Some(text) => (text, "\n"),
            None => (&*text, ""),
        };
        let shown = match self.format {
            Format::Text => visible(text),
            Format::Json => visible_json(text),
        };
        self.to.write_all(format!("{shown}{end}").as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// As [`visible`], in JSON's own escapes: all that steers stands inside of texts there.
fn visible_json(text: &str) -> Cow<'_, str> {
    if !text.contains(is_steering) {
        return Cow::Borrowed(text);
    }
    let escaped = |c: char| {
        let mut units = [0; 2];
        let units = c.encode_utf16(&mut units).iter();
        units.map(|unit| format!("\\u{unit:04x}")).collect::<String>()
    };
    let shown = text.chars().map(|c| if is_steering(c) { escaped(c) } else { c.to_string() });
    Cow::Owned(shown.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(format: Format, line: &str) -> String {
        let mut lines = Lines { format, to: Vec::new() };
        lines.write_all(line.as_bytes()).expect("a Vec takes all");
        String::from_utf8(lines.to).expect("text")
    }

    #[test]
    fn one_event_stays_one_line_whatever_is_in_it() {
        let line = "INFO rejected calling=A\nINFO forged \u{1b}[2J \u{202e}\n";
        let shown = "INFO rejected calling=A\\u{a}INFO forged \\u{1b}[2J \\u{202e}\n";
        assert_eq!(written(Format::Text, line), shown);
    }

    #[test]
    fn json_lines_stay_json() {
        let line = written(Format::Json, "{\"calling\":\"A\u{202e}\u{85}B\"}\n");
        assert_eq!(line, "{\"calling\":\"A\\u202e\\u0085B\"}\n");
        let read: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(read["calling"], "A\u{202e}\u{85}B");
    }

    #[test]
    fn of_a_panic_only_the_programs_own_text_is_told() {
        assert_eq!(own_words(&"a literal"), "a literal");
        let withheld = "(not told: it may hold a piece of an object)";
        assert_eq!(own_words(&"Zhang^San".to_owned()), withheld);
    }
}
