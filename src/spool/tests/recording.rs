//! A disk that remembers everything that was asked of it, byte by byte, and a model of what of it a crash would leave.
//!
//! The model is weaker than any real file system: of what was not synced, each write and each change of a name may be there or
//! not, whatever came before or after it, and a write may be there in part.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};

use super::*;

/// One file, whatever its name.
pub(super) type Node = usize;

/// Something that was done, or said on the strength of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Op {
    Create {
        path: PathBuf,
        node: Node,
    },
    Write {
        node: Node,
        bytes: Vec<u8>,
    },
    Truncate {
        node: Node,
        length: u64,
    },
    /// It covers what stands before `begun` in the record.
    SyncedFile {
        node: Node,
        begun: usize,
    },
    Rename {
        from: PathBuf,
        to: PathBuf,
    },
    CreateDirectory {
        path: PathBuf,
    },
    SyncedDirectory {
        path: PathBuf,
        begun: usize,
    },
    Remove {
        path: PathBuf,
    },
    RemoveDirectory {
        path: PathBuf,
    },
    Said(Said),
}

/// What the spool promised, and what was asked of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Said {
    /// There is a receipt.
    Acknowledged(ObjectId, Vec<u8>),
    /// An object is to be removed.
    Removing(ObjectId),
    /// It has been.
    Removed(ObjectId),
    /// A record is to be appended to the journal.
    Recording(Vec<u8>),
    /// It has been, under this sequence.
    Recorded(u64, Vec<u8>),
}

/// Does what it is asked on a real directory, but for the syncs, which take a few turns of the scheduler instead.
#[derive(Default)]
pub(super) struct RecordingDisk {
    record: Mutex<Record>,
    /// How often each call gives way to other threads, in turn.
    pauses: Vec<u8>,
    calls: AtomicUsize,
}

#[derive(Default)]
struct Record {
    ops: Vec<Op>,
    nodes: BTreeMap<u64, Node>,
    count: usize,
}

impl Record {
    fn node(&self, file: &File) -> io::Result<Node> {
        let inode = file.metadata()?.ino();
        self.nodes.get(&inode).copied().ok_or_else(|| io::Error::other("not made by this disk"))
    }
}

impl RecordingDisk {
    pub(super) fn pausing(pauses: Vec<u8>) -> Self {
        Self { pauses, ..Self::default() }
    }

    pub(super) fn say(&self, said: Said) {
        self.record().ops.push(Op::Said(said));
    }

    pub(super) fn take(&self) -> Vec<Op> {
        std::mem::take(&mut self.record().ops)
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().expect("not poisoned")
    }

    fn pause(&self) {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        let pauses = self.pauses.get(call % self.pauses.len().max(1)).copied().unwrap_or(0);
        (0..pauses).for_each(|_| std::thread::yield_now());
    }

    fn changing<T>(&self, change: impl FnOnce(&mut Record) -> io::Result<T>) -> io::Result<T> {
        self.pause();
        change(&mut self.record())
    }
}

impl Disk for RecordingDisk {
    fn create(&self, path: &Path) -> io::Result<File> {
        self.changing(|record| {
            let file = RealDisk.create(path)?;
            let node = record.count;
            record.count += 1;
            record.nodes.insert(file.metadata()?.ino(), node);
            record.ops.push(Op::Create { path: path.to_owned(), node });
            Ok(file)
        })
    }

    fn write(&self, file: &File, bytes: &[u8]) -> io::Result<()> {
        self.changing(|record| {
            RealDisk.write(file, bytes)?;
            let node = record.node(file)?;
            record.ops.push(Op::Write { node, bytes: bytes.to_vec() });
            Ok(())
        })
    }

    fn truncate(&self, file: &File, length: u64) -> io::Result<()> {
        self.changing(|record| {
            RealDisk.truncate(file, length)?;
            let node = record.node(file)?;
            record.ops.push(Op::Truncate { node, length });
            Ok(())
        })
    }

    fn sync_file(&self, file: &File) -> io::Result<()> {
        let begun = self.record().ops.len();
        self.changing(|record| {
            let node = record.node(file)?;
            record.ops.push(Op::SyncedFile { node, begun });
            Ok(())
        })
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        let begun = self.record().ops.len();
        self.changing(|record| {
            std::fs::metadata(path)?;
            record.ops.push(Op::SyncedDirectory { path: path.to_owned(), begun });
            Ok(())
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.changing(|record| {
            RealDisk.rename(from, to)?;
            record.ops.push(Op::Rename { from: from.to_owned(), to: to.to_owned() });
            Ok(())
        })
    }

    fn create_directory(&self, path: &Path) -> io::Result<()> {
        self.changing(|record| {
            RealDisk.create_directory(path)?;
            record.ops.push(Op::CreateDirectory { path: path.to_owned() });
            Ok(())
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.changing(|record| {
            RealDisk.remove(path)?;
            record.ops.push(Op::Remove { path: path.to_owned() });
            Ok(())
        })
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        self.changing(|record| {
            RealDisk.remove_directory(path)?;
            record.ops.push(Op::RemoveDirectory { path: path.to_owned() });
            Ok(())
        })
    }
}

/// What a crash makes of what was not synced.
#[derive(Debug, Clone, Copy)]
pub(super) enum Fate {
    Dropped,
    Kept,
    /// Each for itself, by chance from this seed.
    Chance(u64),
}

impl Fate {
    /// The first, the second, and then ever other chances.
    pub(super) fn nth(n: u64) -> Self {
        match n {
            0 => Self::Dropped,
            1 => Self::Chance(1),
            2 => Self::Kept,
            seed => Self::Chance(seed),
        }
    }

    /// A number below `below`: 0 for what is dropped, the last one for what is kept.
    fn draw(&mut self, below: u64) -> u64 {
        match self {
            Self::Dropped => 0,
            Self::Kept => below - 1,
            Self::Chance(seed) => {
                // SplitMix64: small, and good enough for coins.
                *seed = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
                let mut mixed = *seed;
                mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
                mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
                (mixed ^ (mixed >> 31)) % below
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entry {
    File(Node),
    Directory,
}

#[derive(Debug, Default)]
struct Names {
    durable: BTreeMap<String, Entry>,
    live: BTreeMap<String, Entry>,
    pending: Vec<(usize, String, Option<Entry>)>,
}

impl Names {
    fn change(&mut self, at: usize, name: String, entry: Option<Entry>) {
        set(&mut self.live, &name, entry);
        self.pending.push((at, name, entry));
    }
}

fn set(names: &mut BTreeMap<String, Entry>, name: &str, entry: Option<Entry>) {
    match entry {
        Some(entry) => drop(names.insert(name.to_owned(), entry)),
        None => drop(names.remove(name)),
    }
}

#[derive(Debug)]
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Truncate(usize),
}

#[derive(Debug, Default)]
struct Bytes {
    durable: Vec<u8>,
    length: usize,
    pending: Vec<(usize, Change)>,
}

fn change(content: &mut Vec<u8>, change: &Change, kept: usize) {
    match change {
        Change::Truncate(length) => content.truncate(*length),
        Change::Write { at, bytes } => {
            let end = at + kept;
            if content.len() < end {
                content.resize(end, 0);
            }
            let part = bytes.get(..kept).expect("a part of it");
            content.get_mut(*at..end).expect("made long enough").copy_from_slice(part);
        }
    }
}

/// What is durable, and what is not yet.
pub(super) struct Model {
    root: PathBuf,
    at: usize,
    directories: BTreeMap<PathBuf, Names>,
    files: BTreeMap<Node, Bytes>,
}

impl Model {
    pub(super) fn new(root: &Path) -> Self {
        let directories = BTreeMap::from([(root.to_owned(), Names::default())]);
        Self { root: root.to_owned(), at: 0, directories, files: BTreeMap::new() }
    }

    fn names(&mut self, path: &Path) -> (&mut Names, String) {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let parent = path.parent().expect("a parent");
        (self.directories.get_mut(parent).expect("a directory"), name)
    }

    fn name(&mut self, path: &Path, entry: Option<Entry>) {
        let at = self.at;
        let (names, name) = self.names(path);
        names.change(at, name, entry);
    }

    /// Does the next thing of the record.
    pub(super) fn step(&mut self, op: &Op) {
        match op {
            Op::Create { path, node } => {
                self.files.insert(*node, Bytes::default());
                self.name(path, Some(Entry::File(*node)));
            }
            Op::Write { node, bytes } => {
                let file = self.files.get_mut(node).expect("created");
                let write = Change::Write { at: file.length, bytes: bytes.clone() };
                file.length += bytes.len();
                file.pending.push((self.at, write));
            }
            Op::Truncate { node, length } => {
                let file = self.files.get_mut(node).expect("created");
                file.length = usize::try_from(*length).expect("small");
                file.pending.push((self.at, Change::Truncate(file.length)));
            }
            Op::SyncedFile { node, begun } => {
                let file = self.files.get_mut(node).expect("created");
                for (_, done) in file.pending.extract_if(.., |(at, _)| *at < *begun) {
                    let whole = match &done {
                        Change::Write { bytes, .. } => bytes.len(),
                        Change::Truncate(_) => 0,
                    };
                    change(&mut file.durable, &done, whole);
                }
            }
            Op::Rename { from, to } => {
                let (names, name) = self.names(from);
                let entry = names.live.get(&name).copied();
                self.name(from, None);
                self.name(to, entry);
            }
            Op::CreateDirectory { path } => {
                self.directories.insert(path.clone(), Names::default());
                self.name(path, Some(Entry::Directory));
            }
            Op::SyncedDirectory { path, begun } => {
                let names = self.directories.get_mut(path).expect("a directory");
                for (_, name, entry) in names.pending.extract_if(.., |(at, ..)| *at < *begun) {
                    set(&mut names.durable, &name, entry);
                }
            }
            Op::Remove { path } | Op::RemoveDirectory { path } => self.name(path, None),
            Op::Said(_) => {}
        }
        self.at += 1;
    }

    /// Writes what a crash at this moment leaves below `to`.
    pub(super) fn crash(&self, mut fate: Fate, to: &Path) {
        self.leave(&self.root, to, &mut fate);
    }

    fn leave(&self, directory: &Path, to: &Path, fate: &mut Fate) {
        std::fs::create_dir(to).expect("made");
        let names = self.directories.get(directory).expect("a directory");
        let mut left = names.durable.clone();
        for (_, name, entry) in &names.pending {
            if fate.draw(2) == 1 {
                set(&mut left, name, *entry);
            }
        }
        for (name, entry) in left {
            match entry {
                Entry::Directory => self.leave(&directory.join(&name), &to.join(&name), fate),
                Entry::File(node) => {
                    let file = self.files.get(&node).expect("created");
                    let mut content = file.durable.clone();
                    for (_, pending) in &file.pending {
                        let length = match pending {
                            Change::Write { bytes, .. } => bytes.len(),
                            Change::Truncate(_) => 0,
                        };
                        // Not at all, in part, or whole.
                        let kept = match fate.draw(3) {
                            0 => continue,
                            1 => usize::try_from(fate.draw(length as u64 + 1)).expect("small"),
                            _ => length,
                        };
                        change(&mut content, pending, kept);
                    }
                    std::fs::write(to.join(&name), content).expect("written");
                }
            }
        }
    }
}
