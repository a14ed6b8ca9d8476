//! Reads a trail and tells where it is not what was written.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use super::line::{self, NOTHING, Sealed};
use super::trail::{self, Link};

/// Faults that are told; behind that they are counted.
const TOLD: usize = 100;

/// How long a line may take that is just being written while it is read.
const WRITING: Duration = Duration::from_millis(200);

/// What is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file's name.
    pub segment: String,
    /// The line in it, from 1; 0 for the file as a whole.
    pub line: usize,
    /// What is wrong with it.
    pub what: Wrong,
}

/// What can be wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// Its hash does not follow from the line before and the line itself.
    #[error("changed, or not in its place: its hash is not that of the line behind the one before")]
    Hash,
    /// Not in the form in which lines are written.
    #[error("no line of an audit trail")]
    Form,
    /// Lines are missing, or come twice.
    #[error("it has sequence {found} where {wanted} should stand")]
    Sequence {
        /// What should stand there.
        wanted: u64,
        /// What does.
        found: u64,
    },
    /// A file does not begin with its opening line.
    #[error("the file does not begin with the line that ties it to the file before")]
    Opening,
    /// The first file that is there is not the first that was written, and no line says that earlier ones were removed.
    #[error("what was before sequence {first} is missing, and no line says that its time was over")]
    Beginning {
        /// The first sequence that is there.
        first: u64,
    },
    /// The last line has no end.
    #[error("the last line is cut off: {bytes} bytes of it are there")]
    Torn {
        /// What there is of it.
        bytes: usize,
    },
    /// The trail ends before the place that had been reached.
    #[error("the trail ends at sequence {last} and had been written up to {written}")]
    End {
        /// The last that is there.
        last: u64,
        /// The last that was made durable.
        written: u64,
    },
    /// The head file is missing or says nothing that can be read.
    #[error("it does not tell how far the trail had been written")]
    Head,
    /// The head file speaks of another line than the one that is there.
    #[error("it tells another hash for sequence {sequence} than the line has")]
    HeadHash {
        /// Which line.
        sequence: u64,
    },
}

/// What came of reading a trail.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verified {
    /// Files.
    pub segments: usize,
    /// Lines.
    pub lines: u64,
    /// The sequence of the first line, if there is one.
    pub first: Option<u64>,
    /// Sequence and hash of the last line. Noted elsewhere, they show later whether everything was written anew.
    pub last: Option<(u64, blake3::Hash)>,
    /// What is wrong, in order, the first hundred.
    pub faults: Vec<Fault>,
    /// How much is wrong.
    pub fault_count: u64,
}

impl Verified {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.fault_count == 0
    }
}

/// Reads the trail in a folder, also while a gate writes it. Blocks.
///
/// # Errors
/// When a file cannot be read.
pub fn verify(dir: &Path) -> io::Result<Verified> {
    let mut reader = Reader::default();
    // Read first: what is written meanwhile is beyond it.
    let head = trail::head(dir)?;
    let segments = trail::segments(dir)?;
    let newest = segments.len().saturating_sub(1);
    for (index, (first, path)) in segments.into_iter().enumerate() {
        let mut text = fs::read(&path)?;
        if index == newest && !text.ends_with(b"\n") && !text.is_empty() {
            std::thread::sleep(WRITING);
            text = fs::read(&path)?;
        }
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        reader.segment(name.unwrap_or_default(), first, &text, head);
    }
    Ok(reader.finish(head))
}

#[derive(Default)]
struct Reader {
    verified: Verified,
    segment: String,
    last: Option<Link>,
    /// What was said to be removed.
    expired: Vec<(u64, blake3::Hash)>,
    /// The hash of the last line of the file before the first that is there.
    beginning: Option<Link>,
    head_seen: bool,
}

impl Reader {
    fn fault(&mut self, line: usize, what: Wrong) {
        self.verified.fault_count += 1;
        if self.verified.faults.len() < TOLD {
            let segment = self.segment.clone();
            self.verified.faults.push(Fault { segment, line, what });
        }
    }

    fn segment(&mut self, name: String, first: u64, text: &[u8], head: Option<Link>) {
        self.segment = name;
        self.verified.segments += 1;
        let (lines, torn) = match text.iter().rposition(|byte| *byte == b'\n') {
            Some(end) => text.split_at(end + 1),
            None => (&[][..], text),
        };
        let lines = lines.strip_suffix(b"\n").unwrap_or(lines);
        if lines.is_empty() {
            self.fault(0, Wrong::Opening);
        } else {
            for (index, line) in lines.split(|byte| *byte == b'\n').enumerate() {
                self.line(index + 1, line, (index == 0).then_some(first), head);
            }
        }
        if !torn.is_empty() {
            let line = lines.split(|byte| *byte == b'\n').count() + 1;
            self.fault(line, Wrong::Torn { bytes: torn.len() });
        }
    }

    /// `opens`: the sequence in the file's name, for its first line.
    fn line(&mut self, number: usize, line: &[u8], opens: Option<u64>, head: Option<Link>) {
        self.verified.lines += 1;
        let Some(sealed) = line::read(line) else {
            self.fault(number, Wrong::Form);
            return;
        };
        let Sealed { sequence, hash, previous, expired, event, at: _ } = sealed;
        self.verified.first.get_or_insert(sequence);
        let wanted = self.last.map(|last| last.sequence + 1).or(opens).unwrap_or(1);
        if sequence != wanted || opens.is_some_and(|named| named != sequence) {
            self.fault(number, Wrong::Sequence { wanted, found: sequence });
        }
        let opening = previous.filter(|_| event == "segment-opened");
        let before = match (self.last, opens.is_some(), opening) {
            (Some(last), false, _) => last.hash,
            (Some(last), true, Some(told)) => {
                // Behind a gap the line is measured by what it says itself: the gap has been told.
                if sequence == wanted { last.hash } else { told }
            }
            (None, _, Some(told)) => {
                self.beginning = Some(Link { sequence: sequence.saturating_sub(1), hash: told });
                told
            }
            (last, _, None) => {
                self.fault(number, Wrong::Opening);
                last.map_or(NOTHING, |last| last.hash)
            }
        };
        if !line::is_whole(line, before) {
            self.fault(number, Wrong::Hash);
        }
        if let Some(removed) = expired.filter(|_| event == "expired") {
            self.expired.push(removed);
        }
        if let Some(head) = head.filter(|head| head.sequence == sequence) {
            self.head_seen = true;
            if head.hash != hash {
                let segment = std::mem::replace(&mut self.segment, "head".to_owned());
                self.fault(1, Wrong::HeadHash { sequence });
                self.segment = segment;
            }
        }
        self.last = Some(Link { sequence, hash });
    }

    fn finish(mut self, head: Option<Link>) -> Verified {
        if let Some(Link { sequence, hash }) = self.beginning
            && (sequence, hash) != (0, NOTHING)
            && !self.expired.contains(&(sequence, hash))
        {
            self.fault(0, Wrong::Beginning { first: sequence + 1 });
        }
        self.segment = "head".to_owned();
        let last = self.last.map_or(0, |last| last.sequence);
        match head {
            Some(head) if head.sequence > last => {
                self.fault(1, Wrong::End { last, written: head.sequence });
            }
            Some(head) if !self.head_seen => {
                self.fault(1, Wrong::HeadHash { sequence: head.sequence });
            }
            Some(_) => {}
            None if self.verified.lines > 0 => self.fault(1, Wrong::Head),
            None => {}
        }
        self.verified.last = self.last.map(|last| (last.sequence, last.hash));
        self.verified
    }
}
