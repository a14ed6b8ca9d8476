//! One segment's bytes. The layout is in the module's documentation.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::ops::Range;
use std::path::Path;

const SEGMENT_MARK: &[u8; 8] = b"MGJRNL01";
/// The version in [`SEGMENT_MARK`].
pub(super) const VERSION: u32 = 1;

const RECORD_MARK: &[u8; 4] = b"MGRC";

/// Bytes before the first record.
pub(super) const HEADER: u64 = 16;

/// Bytes of a record before its payload.
const RECORD_HEADER: usize = 28;

/// No record is larger. An edit plan that replaces pixels in each of a thousand frames has about as much.
pub(super) const MAX_PAYLOAD: usize = 64 << 20;

/// The name of the segment that begins with this sequence.
pub(super) fn name(first: u64) -> String {
    format!("{first:016x}.log")
}

/// The sequences that a directory's segments begin with, ascending.
pub(super) fn firsts(dir: &Path) -> io::Result<Vec<u64>> {
    let mut firsts = Vec::new();
    for entry in fs::read_dir(dir)? {
        let name = entry?.file_name();
        let digits = name.to_str().and_then(|name| name.strip_suffix(".log"));
        if let Some(digits) = digits.filter(|digits| digits.len() == 16)
            && let Ok(first) = u64::from_str_radix(digits, 16)
        {
            firsts.push(first);
        }
    }
    firsts.sort_unstable();
    Ok(firsts)
}

/// What a reclaim that was cut off has left.
pub(super) fn leftovers(dir: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir)? {
        if let Ok(name) = entry?.file_name().into_string()
            && name.ends_with(".tmp")
        {
            names.push(name);
        }
    }
    Ok(names)
}

/// The version of a segment that only a later program reads.
pub(super) fn later_version(path: &Path) -> io::Result<Option<String>> {
    let mut mark = Vec::new();
    File::open(path)?.take(SEGMENT_MARK.len() as u64).read_to_end(&mut mark)?;
    let text = std::str::from_utf8(&mark).ok().and_then(|mark| mark.strip_prefix("MGJRNL"));
    let number = text.filter(|text| text.len() == 2).and_then(|text| text.parse::<u32>().ok());
    Ok(number.filter(|&number| number > VERSION).map(|number| number.to_string()))
}

/// What stands before the first record.
pub(super) fn header(first: u64) -> Vec<u8> {
    [&SEGMENT_MARK[..], &first.to_le_bytes()].concat()
}

/// Bytes that a record takes.
pub(super) fn length_of(payload: &[u8]) -> u64 {
    (RECORD_HEADER + payload.len()) as u64
}

/// Appends a record's bytes.
pub(super) fn encode(out: &mut Vec<u8>, sequence: u64, durable: u64, payload: &[u8]) {
    let mut checked = [0; 20];
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    let numbers =
        length.to_le_bytes().into_iter().chain(sequence.to_le_bytes()).chain(durable.to_le_bytes());
    for (place, byte) in checked.iter_mut().zip(numbers) {
        *place = byte;
    }
    out.extend_from_slice(RECORD_MARK);
    out.extend_from_slice(&checked);
    out.extend_from_slice(&crc(&checked, payload).to_le_bytes());
    out.extend_from_slice(payload);
}

fn crc(checked: &[u8], payload: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(checked);
    hasher.update(payload);
    hasher.finalize()
}

/// A valid record's place in its segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) sequence: u64,
    /// See the format: the last durable sequence when it was written.
    pub(super) durable: u64,
    /// All of it.
    pub(super) bytes: Range<usize>,
    pub(super) payload: Range<usize>,
}

/// Reads the record that begins at `at`, if a valid one does.
fn record_at(bytes: &[u8], at: usize) -> Option<Record> {
    let rest = bytes.get(at..)?.strip_prefix(RECORD_MARK)?;
    let (checked, rest) = rest.split_first_chunk::<20>()?;
    let (sum, rest) = rest.split_first_chunk::<4>()?;
    let (length, numbers) = checked.split_first_chunk::<4>()?;
    let (sequence, durable) = numbers.split_first_chunk::<8>()?;
    let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    let payload = rest.get(..length)?;
    if crc(checked, payload) != u32::from_le_bytes(*sum) {
        return None;
    }
    let start = at + RECORD_HEADER;
    Some(Record {
        sequence: u64::from_le_bytes(*sequence),
        durable: u64::from_le_bytes(*durable.first_chunk()?),
        bytes: at..start + length,
        payload: start..start + length,
    })
}

/// What a segment holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Scan {
    /// Its records, in the order of the file.
    pub(super) records: Vec<Record>,
    /// Bytes that are no record; each with how many records come before it.
    pub(super) holes: Vec<(usize, Range<u64>)>,
    /// The sequence of the last record.
    pub(super) last: Option<u64>,
    /// Where the last record that counts ends.
    pub(super) good: u64,
    /// Torn bytes behind that.
    pub(super) torn: u64,
    length: u64,
}

impl Scan {
    /// Takes away what is torn, in the newest segment: everything from the first hole behind which no record knows of more
    /// durable ones.
    ///
    /// `first` is the sequence in the segment's name.
    pub(super) fn cut_torn(&mut self, first: u64) {
        let torn = |(before, _): &(usize, Range<u64>)| !self.is_damage(*before, first);
        let Some(hole) = self.holes.iter().position(torn) else {
            return;
        };
        let Some((before, range)) = self.holes.get(hole).cloned() else {
            return;
        };
        self.holes.truncate(hole);
        self.records.truncate(before);
        self.last = self.records.last().map(|record| record.sequence);
        self.good = range.start;
        self.torn = self.length - range.start;
    }

    /// Whether a hole behind so many records held something durable.
    fn is_damage(&self, before: usize, first: u64) -> bool {
        let last = before.checked_sub(1).and_then(|n| self.records.get(n));
        let last = last.map_or(first.saturating_sub(1), |record| record.sequence);
        self.records.iter().skip(before).any(|later| later.durable > last)
    }
}

/// Finds the records of a segment, passing over what is none.
pub(super) fn scan(bytes: &[u8]) -> Scan {
    let mut scan = Scan { length: bytes.len() as u64, ..Scan::default() };
    let header = usize::try_from(HEADER).unwrap_or_default();
    let mut at = if bytes.starts_with(SEGMENT_MARK) && bytes.len() >= header { header } else { 0 };
    while at < bytes.len() {
        match record_at(bytes, at) {
            Some(record) => {
                at = record.bytes.end;
                scan.last = Some(record.sequence);
                scan.records.push(record);
            }
            None => {
                let next = next_record(bytes, at).unwrap_or(bytes.len());
                scan.holes.push((scan.records.len(), at as u64..next as u64));
                at = next;
            }
        }
    }
    scan.good = at as u64;
    scan
}

/// The durable sequence that a segment's first record knows of, from the segment's first [`FIRST_NUMBERS`] bytes.
pub(super) fn first_durable(head: &[u8]) -> Option<u64> {
    let numbers = head.strip_prefix(SEGMENT_MARK)?.get(8..)?.strip_prefix(RECORD_MARK)?;
    numbers.get(12..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
}

/// See [`first_durable`].
pub(super) const FIRST_NUMBERS: u64 = HEADER + 24;

/// Where the next valid record begins, behind `at`.
fn next_record(bytes: &[u8], at: usize) -> Option<usize> {
    let mut from = at + 1;
    loop {
        let found = bytes.get(from..)?.windows(4).position(|four| four == RECORD_MARK)? + from;
        if record_at(bytes, found).is_some() {
            return Some(found);
        }
        from = found + 1;
    }
}
