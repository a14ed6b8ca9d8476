//! Reads configuration files, up to a bound.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::mistake::Fault;

/// Bytes that a configuration file may have: a thousand times what a hospital needs.
pub(super) const TOML_LIMIT: u64 = 4 << 20;
/// Bytes that a registry file may have: some hundred thousand rows.
pub(super) const CSV_LIMIT: u64 = 32 << 20;

/// Bytes that a file with certificates, a private key or a passcode may have.
pub(super) const PEM_LIMIT: u64 = 1 << 20;
/// Bytes that a revocation list may have: those of national authorities are some MiB long.
pub(super) const CRL_LIMIT: u64 = 32 << 20;

/// Bytes that a font may have: collections of every Chinese, Japanese and Korean style have some 20 MiB a weight.
pub(super) const FONT_LIMIT: u64 = 64 << 20;

/// Reads a whole text file that is not longer than `limit`.
pub(super) fn read(file: &Path, limit: u64) -> Result<String, Fault> {
    String::from_utf8(read_bytes(file, limit)?).map_err(|_| Fault::NotUtf8)
}

/// The permissions by which others than the owner of a file may read or change it.
pub(super) fn openness(file: &Path) -> Option<u32> {
    const OTHERS: u32 = 0o077;
    let mode = std::fs::metadata(file).ok()?.permissions().mode() & 0o777;
    (mode & OTHERS != 0).then_some(mode)
}

/// Reads a whole file that is not longer than `limit`.
pub(super) fn read_bytes(file: &Path, limit: u64) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    File::open(file)
        .and_then(|opened| opened.take(limit + 1).read_to_end(&mut bytes))
        .map_err(|error| Fault::Unreadable { problem: error.to_string() })?;
    if bytes.len() as u64 > limit {
        return Err(Fault::TooLong { limit });
    }
    Ok(bytes)
}
