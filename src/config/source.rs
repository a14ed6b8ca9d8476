//! Reads configuration files, up to a bound.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::mistake::Fault;

/// Bytes that a configuration file may have: a thousand times what a hospital needs.
pub(super) const TOML_LIMIT: u64 = 4 << 20;
/// Bytes that a registry file may have: some hundred thousand rows.
pub(super) const CSV_LIMIT: u64 = 32 << 20;

/// Reads a whole text file that is not longer than `limit`.
pub(super) fn read(file: &Path, limit: u64) -> Result<String, Fault> {
    let mut bytes = Vec::new();
    File::open(file)
        .and_then(|opened| opened.take(limit + 1).read_to_end(&mut bytes))
        .map_err(|error| Fault::Unreadable { problem: error.to_string() })?;
    if bytes.len() as u64 > limit {
        return Err(Fault::TooLong { limit });
    }
    String::from_utf8(bytes).map_err(|_| Fault::NotUtf8)
}
