//! Group commit: many objects, one directory sync.
//!
//! Drafts are synced by their own threads, several at a time. Each thread then joins the committer's queue. The first
//! to find nobody at work *leads*: it takes all that wait (at most [`GROUP`]), renames them, syncs each directory they
//! touched once, and tells every member its outcome; those who came meanwhile form the next group, led by one of them.
//! So there is one committer at any time and no thread of its own: an object that comes alone is committed on the thread
//! it came on, without a single hand-over.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::base::object_id::ObjectId;

use super::fault::{Step, StoreFault};
use super::{Shared, ids};

/// Members of one group. More would make the first wait for the last without sparing a noticeable part of a sync.
const GROUP: usize = 64;

/// Shards that are remembered as made and durable; one is in use at a time, a second around its turn.
const KNOWN_SHARDS: usize = 8;

#[derive(Default)]
pub(super) struct Committer {
    queue: Mutex<Queue>,
    /// Shards whose name is durable in `objects/`. Only the leader uses it.
    shards: Mutex<VecDeque<String>>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Member>,
    led: bool,
}

struct Member {
    id: ObjectId,
    word: SyncSender<Word>,
}

/// What a waiting member is told.
enum Word {
    /// Its own outcome.
    Done(Result<(), StoreFault>),
    /// It is the next to lead; its outcome follows from that.
    Lead,
}

impl Committer {
    /// Gives the synced draft of `id` its final name, durably.
    pub(super) fn commit(&self, shared: &Shared, id: ObjectId) -> Result<(), StoreFault> {
        self.commit_all(shared, &[id]).pop().unwrap_or(Err(StoreFault::Interrupted))
    }

    /// As [`Committer::commit`] for several; the outcomes are in their order.
    pub(super) fn commit_all(
        &self,
        shared: &Shared,
        ids: &[ObjectId],
    ) -> Vec<Result<(), StoreFault>> {
        // Two words at most for each: Lead, then Done.
        let (members, words): (Vec<_>, Vec<_>) = ids
            .iter()
            .map(|&id| {
                let (word, words) = sync_channel(2);
                (Member { id, word }, words)
            })
            .unzip();
        let lead = {
            let mut queue = self.queue();
            queue.waiting.extend(members);
            !std::mem::replace(&mut queue.led, true)
        };
        if lead {
            self.lead(shared);
        }
        // In the order of the queue: whichever is told to lead is the first without its outcome.
        words.iter().map(|words| self.wait(shared, words)).collect()
    }

    fn wait(&self, shared: &Shared, words: &Receiver<Word>) -> Result<(), StoreFault> {
        loop {
            match words.recv() {
                Ok(Word::Done(outcome)) => return outcome,
                Ok(Word::Lead) => self.lead(shared),
                // The leader died with the group in its hands: whether this object is durable is not known.
                Err(_gone) => return Err(StoreFault::Interrupted),
            }
        }
    }

    /// Commits one group, which the caller is part of, and passes the lead on.
    fn lead(&self, shared: &Shared) {
        let lead = Lead(self);
        let group: Vec<Member> = {
            let mut queue = self.queue();
            let size = queue.waiting.len().min(GROUP);
            queue.waiting.drain(..size).collect()
        };
        self.run(shared, group);
        drop(lead);
    }

    fn run(&self, shared: &Shared, group: Vec<Member>) {
        let mut renamed: BTreeMap<String, Vec<Member>> = BTreeMap::new();
        for member in group {
            let shard = ids::shard(member.id);
            match self.place(shared, &shard, member.id) {
                Ok(()) => renamed.entry(shard).or_default().push(member),
                Err(fault) => member.tell(Word::Done(Err(fault))),
            }
        }
        for (shard, members) in renamed {
            let outcome = sync(shared, &shard);
            for member in members {
                let outcome = match &outcome {
                    Ok(()) => Ok(()),
                    Err(error) => {
                        give_up(shared, member.id);
                        Err(StoreFault::Sync { step: Step::SyncDirectory, source: copy_of(error) })
                    }
                };
                member.tell(Word::Done(outcome));
            }
        }
    }

    /// Renames a draft into its shard, which is made when it is not there.
    fn place(&self, shared: &Shared, shard: &str, id: ObjectId) -> Result<(), StoreFault> {
        let (from, to) = (shared.places.draft(id), shared.places.object(id));
        self.make_shard(shared, shard)?;
        let renamed = match shared.disk.rename(&from, &to) {
            // The shard was emptied and removed a moment ago: the object took more than its 17 minutes to arrive.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.forget_shard(shard);
                self.make_shard(shared, shard)?;
                shared.disk.rename(&from, &to)
            }
            other => other,
        };
        renamed.map_err(|error| shared.fault(Step::Rename, error))
    }

    /// Creates the directory and makes its name durable, once in the life of the process: one that was there already
    /// may be the half-made work of a gate that was killed.
    fn make_shard(&self, shared: &Shared, shard: &str) -> Result<(), StoreFault> {
        let mut known = self.shards.lock().unwrap_or_else(PoisonError::into_inner);
        if known.iter().any(|name| name == shard) {
            return Ok(());
        }
        match shared.disk.create_directory(&shared.places.shard(shard)) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(shared.fault(Step::Shard, error)),
        }
        shared.disk.sync_directory(&shared.places.objects()).map_err(|source| {
            shared.health.sync_failed(Instant::now());
            StoreFault::Sync { step: Step::Shard, source }
        })?;
        known.push_back(shard.to_owned());
        while known.len() > KNOWN_SHARDS {
            known.pop_front();
        }
        Ok(())
    }

    /// Forgets a shard that is about to be removed; see [`Committer::make_shard`].
    pub(super) fn forget_shard(&self, shard: &str) {
        self.shards.lock().unwrap_or_else(PoisonError::into_inner).retain(|name| name != shard);
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The lead. It is passed on when dropped, so that a panic in one group does not leave the next one waiting for ever.
struct Lead<'a>(&'a Committer);

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        let mut queue = self.0.queue();
        match queue.waiting.front() {
            Some(next) => next.tell(Word::Lead),
            None => queue.led = false,
        }
    }
}

impl Member {
    fn tell(&self, word: Word) {
        // The channel has room for both words a member can get, and a member never leaves before its outcome.
        if self.word.try_send(word).is_err() {
            tracing::error!(object = %self.id, "a committing thread is gone");
        }
    }
}

fn sync(shared: &Shared, shard: &str) -> io::Result<()> {
    let outcome = shared.disk.sync_directory(&shared.places.shard(shard));
    if outcome.is_err() {
        shared.health.sync_failed(Instant::now());
    }
    outcome
}

/// Takes a renamed object away again: its sender is told that nothing was kept. Where that fails too, the next start
/// finds and delivers it, which is harmless: it is what its sender sent.
fn give_up(shared: &Shared, id: ObjectId) {
    if let Err(error) = shared.disk.remove(&shared.places.object(id)) {
        tracing::warn!(object = %id, %error, "an object that was not acknowledged stays in the spool");
    }
}

fn copy_of(error: &io::Error) -> io::Error {
    error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error)
}

/// Lets a bounded number of threads do something at a time.
pub(super) struct Permits {
    free: Mutex<usize>,
    returned: Condvar,
}

/// The right to go on; given back when dropped.
pub(super) struct Permit<'a>(&'a Permits);

impl Permits {
    pub(super) fn new(count: usize) -> Self {
        Self { free: Mutex::new(count), returned: Condvar::new() }
    }

    /// Waits for a permit.
    pub(super) fn acquire(&self) -> Permit<'_> {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let mut free = self
            .returned
            .wait_while(free, |free| *free == 0)
            .unwrap_or_else(PoisonError::into_inner);
        *free -= 1;
        Permit(self)
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        *self.0.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.0.returned.notify_one();
    }
}
