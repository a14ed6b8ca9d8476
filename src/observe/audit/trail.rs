//! The files: appended to, synced, begun anew by size and day, and removed when their time is over.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::entry::Entry;
use super::line::{self, NOTHING, Sealed, Stamped};

/// A file is begun anew behind this many bytes, so that retention, which removes whole files, is not coarse.
const SEGMENT: u64 = 16 << 20;

/// The end of a file in which its last line is looked for: longer than any line.
const TAIL: u64 = 256 << 10;

/// The file beside the segments that tells how far the trail had been written: lines missing at its end leave no other trace.
const HEAD: &str = "head";

/// How the names of segments end.
const EXTENSION: &str = "jsonl";

/// A place in the chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) sequence: u64,
    pub(super) hash: blake3::Hash,
}

const START: Link = Link { sequence: 0, hash: NOTHING };

/// The segments of a folder with the sequence of their first line, in order.
pub(super) fn segments(dir: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut segments = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        if path.extension().is_some_and(|extension| extension == EXTENSION)
            && stem.len() == 20
            && let Ok(first) = stem.parse()
        {
            segments.push((first, path));
        }
    }
    segments.sort();
    Ok(segments)
}

fn segment_path(dir: &Path, first: u64) -> PathBuf {
    dir.join(format!("{first:020}.{EXTENSION}"))
}

/// What the head file says; `None` when it is not there or says nothing that can be read.
pub(super) fn head(dir: &Path) -> io::Result<Option<Link>> {
    let text = match fs::read(dir.join(HEAD)) {
        Ok(text) => text,
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(fault) => return Err(fault),
    };
    Ok(parse_head(&text))
}

fn parse_head(text: &[u8]) -> Option<Link> {
    let text = text.strip_suffix(b"\n")?;
    let (sequence, rest) = text.split_at_checked(20)?;
    let sequence = std::str::from_utf8(sequence).ok()?;
    let hash = line::parse_hash(rest.strip_prefix(b" ")?)?;
    let digits = sequence.bytes().all(|byte| byte.is_ascii_digit());
    Some(Link { sequence: digits.then(|| sequence.parse().ok())??, hash })
}

/// The last whole line of what is there, and the bytes behind it.
fn last_line(text: &[u8]) -> (Option<&[u8]>, u64) {
    let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let torn = (text.len() - whole) as u64;
    let lines = text.get(..whole).unwrap_or_default();
    (lines.split(|byte| *byte == b'\n').rev().nth(1), torn)
}

/// Reads the end of a file, from the line feed before it.
fn tail(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let from = length.saturating_sub(TAIL);
    let mut text = vec![0; usize::try_from(length - from).unwrap_or_default()];
    file.read_exact_at(&mut text, from)?;
    Ok(text)
}

/// The trail, open at its end.
pub(super) struct Trail {
    dir: PathBuf,
    run: String,
    file: File,
    head: File,
    /// Bytes and day of the file that is written.
    length: u64,
    day: i64,
    last: Link,
    /// What was written and is not synced.
    unsynced: bool,
    /// The time of the last line that was there when it was opened.
    pub(super) ended: Option<Timestamp>,
}

/// What opening has found wrong.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) torn: u64,
    /// The last sequence that is there, and the one that should be.
    pub(super) missing: Option<(u64, u64)>,
}

fn day(at: Timestamp) -> i64 {
    at.as_second().div_euclid(86_400)
}

impl Trail {
    /// Opens the trail, cuts off a line that was never finished, and finds out what is missing at its end. A trail that is damaged
    /// is gone on with behind the damage.
    pub(super) fn open(dir: &Path, run: &str, now: Timestamp) -> io::Result<(Self, Found)> {
        match DirBuilder::new().mode(0o700).create(dir) {
            Ok(()) => sync_parent(dir)?,
            Err(fault) if fault.kind() == io::ErrorKind::AlreadyExists => {}
            Err(fault) => return Err(fault),
        }
        let mut found = Found::default();
        let mut newest: Option<(PathBuf, Sealed)> = None;
        let mut named = 0;
        for (first, path) in segments(dir)?.into_iter().rev() {
            let text = tail(&path)?;
            let (line, torn) = last_line(&text);
            if torn > 0 {
                found.torn += torn;
                let file = OpenOptions::new().write(true).open(&path)?;
                file.set_len(file.metadata()?.len() - torn)?;
                file.sync_all()?;
            }
            match line.and_then(line::read) {
                Some(sealed) => {
                    newest = Some((path, sealed));
                    break;
                }
                // Begun, and killed before its first line was there.
                None if line.is_none() => remove(&path)?,
                None => {
                    named = first;
                    break;
                }
            }
        }
        let head = head(dir)?;
        let there = newest
            .as_ref()
            .map_or(START, |(_, sealed)| Link { sequence: sealed.sequence, hash: sealed.hash });
        let mut last = there;
        match head {
            Some(head) if head.sequence > there.sequence => {
                found.missing = Some((there.sequence, head.sequence));
                last = head;
            }
            Some(_) | None => {}
        }
        if named > last.sequence {
            // A name was given to lines that nobody can read any more.
            found.missing = Some((there.sequence, named));
            last = Link { sequence: named, hash: last.hash };
        }
        let ended = newest.as_ref().map(|(_, sealed)| sealed.at);
        let options = || {
            let mut options = OpenOptions::new();
            options.mode(0o600).write(true);
            options
        };
        let head = options().create(true).truncate(false).open(dir.join(HEAD))?;
        let unbroken = newest.filter(|_| found.missing.is_none());
        let (file, length, begun) = match unbroken {
            Some((path, sealed)) => {
                let file = options().append(true).open(&path)?;
                let length = file.metadata()?.len();
                (file, length, day(sealed.at))
            }
            None => (create(dir, last.sequence + 1)?, 0, day(now)),
        };
        let run = run.to_owned();
        let dir = dir.to_owned();
        let trail = Self { dir, run, file, head, length, day: begun, last, unsynced: false, ended };
        Ok((trail, found))
    }

    /// Appends events. They are in the file then, and not yet durable.
    pub(super) fn append(&mut self, events: &[Stamped]) -> io::Result<()> {
        let mut rest = events;
        while let Some(first) = rest.first() {
            if self.is_full(first.at) {
                self.sync()?;
                self.begin(day(first.at))?;
            }
            let mut text = String::new();
            let mut last = self.last;
            if self.length == 0 {
                let entry = Entry::SegmentOpened { previous: last.hash };
                let opening = Stamped { entry, ..Stamped::clone(first) };
                self.add(&opening, &mut text, &mut last);
            }
            while let Some((event, behind)) = rest.split_first()
                && (text.len() as u64) < SEGMENT / 4
            {
                self.add(event, &mut text, &mut last);
                rest = behind;
            }
            if let Err(fault) = self.file.write_all(text.as_bytes()) {
                // What is half there is cut off now or at the next opening.
                self.file.set_len(self.length)?;
                return Err(fault);
            }
            self.length += text.len() as u64;
            self.last = last;
            self.unsynced = true;
        }
        Ok(())
    }

    fn add(&self, event: &Stamped, text: &mut String, last: &mut Link) {
        let sequence = last.sequence + 1;
        let (line, hash) = line::seal(event, sequence, &self.run, last.hash);
        text.push_str(&line);
        *last = Link { sequence, hash };
    }

    /// A clock that is put back and forth makes a new file each time it leaps by a day, and not with every line around midnight.
    fn is_full(&self, at: Timestamp) -> bool {
        let day = day(at);
        self.length > 0 && (self.length >= SEGMENT || day > self.day || day + 1 < self.day)
    }

    fn begin(&mut self, day: i64) -> io::Result<()> {
        self.file = create(&self.dir, self.last.sequence + 1)?;
        (self.length, self.day) = (0, day);
        Ok(())
    }

    /// Makes durable what was appended, and then says so in the head file. That is overwritten in place and reaches the disk in its
    /// own time: it may say less than is there, never more.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        if !self.unsynced {
            return Ok(());
        }
        self.file.sync_data()?;
        let Link { sequence, hash } = self.last;
        let text = format!("{sequence:020} {}\n", hash.to_hex());
        self.head.write_all_at(text.as_bytes(), 0)?;
        self.unsynced = false;
        Ok(())
    }

    /// Whether something waits to be synced.
    pub(super) fn is_unsynced(&self) -> bool {
        self.unsynced
    }

    /// The last line.
    pub(super) fn last(&self) -> Link {
        self.last
    }

    /// The files, oldest first, whose last line is older than `before`, with that line; the one that is written is never among them.
    pub(super) fn expired(&self, before: Timestamp) -> io::Result<Vec<(PathBuf, Link)>> {
        let mut segments = segments(&self.dir)?;
        segments.pop();
        let mut expired = Vec::new();
        for (_, path) in segments {
            let text = tail(&path)?;
            match last_line(&text).0.and_then(line::read) {
                Some(last) if last.at < before => {
                    expired.push((path, Link { sequence: last.sequence, hash: last.hash }));
                }
                // Age is taken by the line; of what cannot be read nobody knows the age.
                Some(_) | None => break,
            }
        }
        Ok(expired)
    }

    /// Removes files. That they go has been written down, durably.
    pub(super) fn remove(&self, paths: &[(PathBuf, Link)]) -> io::Result<()> {
        for (path, _) in paths {
            remove(path)?;
        }
        File::open(&self.dir)?.sync_all()
    }
}

fn create(dir: &Path, first: u64) -> io::Result<File> {
    let path = segment_path(dir, first);
    let file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(path)?;
    File::open(dir)?.sync_all()?;
    Ok(file)
}

fn sync_parent(dir: &Path) -> io::Result<()> {
    match dir.parent() {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

#[expect(clippy::disallowed_methods, reason = "a segment is no object, and its time is over")]
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(fault) if fault.kind() != io::ErrorKind::NotFound => Err(fault),
        Ok(()) | Err(_) => Ok(()),
    }
}
