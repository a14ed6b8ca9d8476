//! The files: appended to, synced, begun anew by size and day, and removed when their time is over.
//!
//! A failed sync is final: the system may take what it could not write for written, and shows it to whoever reads. So after a fault
//! nothing is believed but what was confirmed before; the rest is cut off and written again ([`Trail::reopen`]).

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;

use super::entry::Entry;
use super::line::{self, NOTHING, Sealed, Stamped};

/// A file is begun anew behind this many bytes, so that retention, which removes whole files, is not coarse.
const SEGMENT: u64 = 16 << 20;

/// Bytes that are written at a time, about.
const AT_A_TIME: usize = 4 << 20;

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

/// What is done to the bytes of a segment. The default bodies are the real disk; a test has them fail.
pub(super) trait Medium: Send + Sync {
    /// Appends all of `bytes`.
    fn append(&self, mut file: &File, bytes: &[u8]) -> io::Result<()> {
        file.write_all(bytes)
    }

    /// Makes durable what was appended.
    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_data()
    }

    /// Shortens a file, durably.
    fn cut(&self, file: &File, length: u64) -> io::Result<()> {
        file.set_len(length)?;
        file.sync_all()
    }
}

/// The disk as it is.
pub(super) struct RealMedium;

impl Medium for RealMedium {}

/// The trail, open at its end.
pub(super) struct Trail {
    dir: PathBuf,
    medium: Arc<dyn Medium>,
    run: String,
    file: File,
    path: PathBuf,
    head: File,
    /// Bytes and day of the file that is written.
    length: u64,
    day: i64,
    last: Link,
    /// The last line that a write has begun or done.
    reached: Link,
    /// Bytes of the file and the last line that are known to be on the disk.
    durable: (u64, Link),
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

/// Where the trail stood when the disk failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Broken {
    /// The file that was written, and bytes of it that are known to be on the disk.
    path: PathBuf,
    length: u64,
    /// The last line that is known to be on the disk.
    durable: Link,
    /// The last that may be.
    reached: Link,
}

impl Broken {
    /// Broken again before anything was confirmed.
    #[must_use]
    pub(super) fn and(self, later: &Self) -> Self {
        let reached = if later.reached.sequence > self.reached.sequence {
            later.reached
        } else {
            self.reached
        };
        Self { reached, ..self }
    }

    /// Takes off what was never confirmed.
    fn cut(&self, dir: &Path, medium: &dyn Medium) -> io::Result<()> {
        for (first, path) in segments(dir)? {
            if first > self.durable.sequence {
                remove(&path)?;
            }
        }
        File::open(dir)?.sync_all()?;
        let file = match OpenOptions::new().write(true).open(&self.path) {
            Ok(file) => file,
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(fault) => return Err(fault),
        };
        medium.cut(&file, file.metadata()?.len().min(self.length))
    }
}

fn day(at: Timestamp) -> i64 {
    at.as_second().div_euclid(86_400)
}

impl Trail {
    /// Opens the trail, cuts off a line that was never finished, and finds out what is missing at its end. A trail that is damaged
    /// is gone on with behind the damage.
    pub(super) fn open(
        dir: &Path,
        run: &str,
        now: Timestamp,
        medium: &Arc<dyn Medium>,
    ) -> io::Result<(Self, Found)> {
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
        let unbroken = newest.filter(|_| found.missing.is_none());
        let (path, file, length, begun) = match unbroken {
            Some((path, sealed)) => {
                let file = OpenOptions::new().append(true).open(&path)?;
                let length = file.metadata()?.len();
                (path, file, length, day(sealed.at))
            }
            None => {
                let path = segment_path(dir, last.sequence + 1);
                let file = create(dir, &path)?;
                (path, file, 0, day(now))
            }
        };
        let trail = Self {
            dir: dir.to_owned(),
            medium: Arc::clone(medium),
            run: run.to_owned(),
            file,
            path,
            head: open_head(dir)?,
            length,
            day: begun,
            last,
            reached: last,
            durable: (length, last),
            unsynced: false,
            ended,
        };
        Ok((trail, found))
    }

    /// Opens it again after a fault. What was never confirmed is cut off; where it cannot be, nobody knows whether it is there, and
    /// the trail goes on behind it in a file of its own.
    pub(super) fn reopen(
        dir: &Path,
        run: &str,
        now: Timestamp,
        medium: &Arc<dyn Medium>,
        broken: &Broken,
    ) -> io::Result<(Self, Found)> {
        let Err(fault) = broken.cut(dir, medium.as_ref()) else {
            return Self::open(dir, run, now, medium);
        };
        tracing::warn!(%fault, "lines of the audit trail that were not confirmed cannot be cut off");
        let Broken { durable, reached, .. } = *broken;
        let missing = Some((durable.sequence, reached.sequence));
        let path = segment_path(dir, reached.sequence + 1);
        let trail = Self {
            dir: dir.to_owned(),
            medium: Arc::clone(medium),
            run: run.to_owned(),
            file: create(dir, &path)?,
            path,
            head: open_head(dir)?,
            length: 0,
            day: day(now),
            last: reached,
            reached,
            durable: (0, reached),
            unsynced: false,
            ended: None,
        };
        Ok((trail, Found { torn: 0, missing }))
    }

    /// Gives it up, since the disk has failed.
    pub(super) fn broken(self) -> Broken {
        let (length, durable) = self.durable;
        Broken { path: self.path, length, durable, reached: self.reached }
    }

    /// Appends as many events as are written at a time, and tells how many. They are in the file then, and not yet durable. When
    /// the file is full, all that was appended before must have been synced.
    pub(super) fn append(&mut self, events: &[Stamped]) -> io::Result<usize> {
        let Some(first) = events.first() else { return Ok(0) };
        if self.is_full(first.at) {
            self.begin(day(first.at))?;
        }
        let mut text = String::new();
        let mut last = self.last;
        if self.length == 0 {
            let entry = Entry::SegmentOpened { previous: last.hash };
            let opening = Stamped { entry, ..Stamped::clone(first) };
            self.add(&opening, &mut text, &mut last);
        }
        let mut rest = events;
        while let Some((event, behind)) = rest.split_first()
            && text.len() < AT_A_TIME
        {
            self.add(event, &mut text, &mut last);
            rest = behind;
        }
        (self.reached, self.unsynced) = (last, true);
        self.medium.append(&self.file, text.as_bytes())?;
        self.length += text.len() as u64;
        self.last = last;
        Ok(events.len() - rest.len())
    }

    fn add(&self, event: &Stamped, text: &mut String, last: &mut Link) {
        let sequence = last.sequence + 1;
        let (line, hash) = line::seal(event, sequence, &self.run, last.hash);
        text.push_str(&line);
        *last = Link { sequence, hash };
    }

    /// A clock that is put back and forth makes a new file each time it leaps by a day, and not with every line around midnight.
    pub(super) fn is_full(&self, at: Timestamp) -> bool {
        let day = day(at);
        self.length > 0 && (self.length >= SEGMENT || day > self.day || day + 1 < self.day)
    }

    fn begin(&mut self, day: i64) -> io::Result<()> {
        let path = segment_path(&self.dir, self.last.sequence + 1);
        self.file = create(&self.dir, &path)?;
        (self.path, self.length, self.day) = (path, 0, day);
        self.durable = (0, self.last);
        Ok(())
    }

    /// Makes durable what was appended, and then says so in the head file. That is overwritten in place and reaches the disk in its
    /// own time: it may say less than is there, never more.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        if !self.unsynced {
            return Ok(());
        }
        self.medium.sync(&self.file)?;
        (self.durable, self.unsynced) = ((self.length, self.last), false);
        let Link { sequence, hash } = self.last;
        let text = format!("{sequence:020} {}\n", hash.to_hex());
        self.head.write_all_at(text.as_bytes(), 0)
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

/// Begins a file. One may be there that was begun and not confirmed, and then there is nothing in it.
fn create(dir: &Path, path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
    if file.metadata()?.len() > 0 {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    File::open(dir)?.sync_all()?;
    Ok(file)
}

fn open_head(dir: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(dir.join(HEAD))
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
