//! One line: how it is sealed, and how a sealed one is read.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::entry::{Entry, Facts};

/// An event with the clocks of its moment.
#[derive(Debug, Clone)]
pub(super) struct Stamped {
    pub(super) at: Timestamp,
    pub(super) since_start: Duration,
    pub(super) entry: Entry,
}

/// The line before the first.
pub(super) const NOTHING: blake3::Hash = blake3::Hash::from_bytes([0; 32]);

/// What stands between a line and its hash.
const SEAL: &str = ",\"hash\":\"";

/// Characters of a hash.
const HEX: usize = 64;

#[derive(Serialize)]
struct Line<'l> {
    sequence: u64,
    at: String,
    since_start_us: u64,
    run: &'l str,
    #[serde(flatten)]
    facts: Facts,
}

/// Writes an event as a line that ends with its hash: BLAKE3 over the hash of the line before and all of this line up to there.
pub(super) fn seal(
    stamped: &Stamped,
    sequence: u64,
    run: &str,
    previous: blake3::Hash,
) -> (String, blake3::Hash) {
    let since_start_us = u64::try_from(stamped.since_start.as_micros()).unwrap_or(u64::MAX);
    let at = stamped.at.to_string();
    let line = Line { sequence, at, since_start_us, run, facts: stamped.entry.facts() };
    let mut text = serde_json::to_string(&line).expect("texts and numbers always serialise");
    text.pop(); // the closing brace comes back behind the hash
    let hash = hash(previous, text.as_bytes());
    text.push_str(SEAL);
    text.push_str(hash.to_hex().as_str());
    text.push_str("\"}\n");
    (text, hash)
}

fn hash(previous: blake3::Hash, sealed: &[u8]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(previous.as_bytes());
    hasher.update(sealed);
    hasher.finalize()
}

/// What the next line and the reader of a chain need of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sealed {
    pub(super) sequence: u64,
    pub(super) at: Timestamp,
    pub(super) event: String,
    pub(super) hash: blake3::Hash,
    /// The hash of the last line of the file before, in the first line of a file.
    pub(super) previous: Option<blake3::Hash>,
    /// What an earlier removal has removed.
    pub(super) expired: Option<(u64, blake3::Hash)>,
}

#[derive(Deserialize)]
struct Read {
    sequence: u64,
    at: String,
    event: String,
    #[serde(default)]
    detail: Detail,
}

#[derive(Default, Deserialize)]
struct Detail {
    previous: Option<String>,
    through: Option<u64>,
    hash: Option<String>,
}

/// Reads a line, which has no line feed any more. `None` when it is none.
pub(super) fn read(line: &[u8]) -> Option<Sealed> {
    let (_, seal) = split(line)?;
    let read: Read = serde_json::from_slice(line).ok()?;
    let Detail { previous, through, hash } = read.detail;
    Some(Sealed {
        sequence: read.sequence,
        at: read.at.parse().ok()?,
        event: read.event,
        hash: seal,
        previous: previous.and_then(|hex| parse_hash(hex.as_bytes())),
        expired: through.zip(hash.and_then(|hex| parse_hash(hex.as_bytes()))),
    })
}

/// Whether the hash at the end of a line is that of the line behind `previous`.
pub(super) fn is_whole(line: &[u8], previous: blake3::Hash) -> bool {
    split(line).is_some_and(|(sealed, found)| hash(previous, sealed) == found)
}

/// What is sealed, and the seal.
fn split(line: &[u8]) -> Option<(&[u8], blake3::Hash)> {
    let rest = line.strip_suffix(b"\"}")?;
    let (rest, hex) = rest.split_at_checked(rest.len().checked_sub(HEX)?)?;
    Some((rest.strip_suffix(SEAL.as_bytes())?, parse_hash(hex)?))
}

/// A hash in lower-case digits, the only form that is written.
pub(super) fn parse_hash(hex: &[u8]) -> Option<blake3::Hash> {
    let lower = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
    hex.iter().all(lower).then(|| blake3::Hash::from_hex(hex).ok())?
}
