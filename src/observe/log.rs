//! Log lines, on standard error.

use tracing_subscriber::EnvFilter;

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
/// counts. A second call in one process changes nothing.
pub fn init(format: Format, default_level: &str) {
    let filter =
        EnvFilter::try_from_env("MARKGATE_LOG").unwrap_or_else(|_| EnvFilter::new(default_level));
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false);
    let outcome = match format {
        Format::Text => builder.with_ansi(false).try_init(),
        Format::Json => builder.json().flatten_event(true).try_init(),
    };
    if outcome.is_err() {
        tracing::debug!("log lines already have a place to go");
    }
}
