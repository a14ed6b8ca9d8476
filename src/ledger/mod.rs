//! What is where: an index of the objects in custody, their verdicts and their deliveries.
//!
//! The ledger is built from the objects' own files and from a durable log of events; it can be thrown away and built
//! again from them. It holds UIDs, AE titles, addresses, hashes and reasons, and no attribute of a patient. It does not
//! know where files lie, what a verdict says, or how anything is sent.
//!
//! # How an event takes effect
//!
//! One thread writes. It takes what has queued up (at most 256 commands) as one batch:
//!
//! 1. begin a transaction;
//! 2. check each event against its object's state ([`ObjectState`], [`DeliveryState`]) and write the new state; an event
//!    that does not fit is refused and changes nothing;
//! 3. append the batch's durable events to the [`DurableLog`] and wait until they are synced;
//! 4. write the sequence of the last one, commit, answer everyone, and wake whoever waits on [`Ledger::changes`].
//!
//! So nothing takes effect before it is durable, and a group costs one sync. A batch that only enters objects is answered after
//! step 2, and its transaction stays open for the next one, for some milliseconds at most: their files say the same, so nothing
//! is lost with it. If the commit fails after step 3, the batch is applied again before anything else. The database runs with `synchronous = NORMAL`: after a power cut it is consistent,
//! may lack its last transactions, and knows by the sequence of step 4 where the log has to be read from.
//!
//! # At the start
//!
//! 1. [`Ledger::open`]: a damaged database is replaced by an empty one; attempts that were under way are queued again.
//! 2. [`Ledger::known`] gives the objects that should have files; whoever keeps the files compares.
//! 3. [`Ledger::rebuild`]: objects without a row get one, then the log's events behind [`Ledger::applied`] are applied.
//! 4. [`Ledger::missing`]: objects without a file. Custody of most had ended; the others are lost, which is an alarm.
//!
//! # Retention
//!
//! Now and then, for as many objects as [`Ledger::removable`] gives: their files are removed durably, and only then
//! [`Ledger::removed`] says so here. A crash in between leaves a settled row without a file, which the next start
//! understands. The log may drop records for which [`Ledger::keeps`] says no after a [`Ledger::checkpoint`]: what they said
//! is then either of no use or durable in the database. [`Ledger::forget`] keeps the number of rows bounded.
//!
//! # Invariants
//!
//! * received = delivered + held + rejected + in flight, for each day and source, unless an object is lost.
//! * A durable event is in the tables if, and only if, its sequence is at most [`Ledger::applied`].
//! * Readers have connections of their own. They wait for the writer only where objects have just been entered, and never for long.

mod applying;
mod arrival;
mod checked;
mod command;
mod entered;
mod event;
mod fault;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod insist;
mod query;
mod record;
mod schema;
mod store;
mod studies;
#[cfg(test)]
mod tests;
mod tried;
mod upkeep;
mod writer;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use jiff::tz::Offset;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot, watch};

use crate::base::object_id::ObjectId;
use crate::base::time::Timestamp;
use crate::dicom::ae_title::AeTitle;
use crate::dicom::uid::Uid;

pub use checked::{Checked, Unchecked};
pub use command::Replayed;
pub use event::{Disposition, Event, Trial, Verdict, Versions, What};
pub use fault::{LedgerFault, LogFault, Refused};
pub use insist::insist;
pub use query::{
    Conservation, Counts, Departure, Due, Explained, Filter, JudgedAs, Precedent, QuarantineEntry,
    QueueEntry, Treatment, Version,
};
pub use record::{Answer, Delivery, DeliveryState, NO_DESTINATION, ObjectState};
pub use studies::{StudyObject, StudyRow};
pub use tried::{Tried, Unit};

use command::{Command, Reply};

/// Commands that may wait for the writer. A batch takes 256; behind that a caller waits.
const COMMANDS: usize = 1024;

/// Reading connections that are kept open.
const READERS: usize = 4;

/// Rows or events that a rebuild hands over at a time.
const CHUNK: usize = 256;

/// Where the ledger lies, and how it counts days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The database's file.
    pub path: PathBuf,
    /// The offset from UTC in which the counts of [`Ledger::conservation`] have their days.
    pub offset: Offset,
}

/// An append-only log in which an event is before it takes effect.
pub trait DurableLog: Send {
    /// Appends records in this order, makes them durable, and returns the sequence of the first; the others follow
    /// it one by one. Sequences ascend for ever. Blocks.
    ///
    /// # Errors
    /// When it is not certain that all of them are durable.
    fn append(&mut self, records: &[Vec<u8>]) -> Result<u64, LogFault>;

    /// The index cannot be written for want of room. Makes some, if that can be done, and says whether it is worth while to
    /// try again. Blocks.
    fn make_room(&mut self) -> bool {
        false
    }

    /// Told of durable events once they have taken effect, in their order; not of those that a rebuild applies again.
    fn witnessed(&mut self, _events: Vec<Witnessed>) {}

    /// Told of objects that have no file though their custody had not ended, once that is entered.
    fn lost(&mut self, _objects: &[ObjectId]) {}
}

/// A durable event that has taken effect, and what is known of its object.
#[derive(Debug, Clone, PartialEq)]
pub struct Witnessed {
    /// The event.
    pub event: Event,
    /// The calling AE title of the object; empty when not known.
    pub source: String,
    /// The address that it came from; empty when not known.
    pub peer: String,
    /// Its SOP Instance UID.
    pub sop_instance: Uid,
    /// Its Study Instance UID; empty when not known.
    pub study: Uid,
}

/// An object that has come into custody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectRow {
    /// Its name.
    pub id: ObjectId,
    /// When its command arrived.
    pub received: Timestamp,
    /// Who sent it: the source in all counts.
    pub calling_ae: AeTitle,
    /// As whom the gate was addressed.
    pub called_ae: AeTitle,
    /// Whence it came.
    pub peer: IpAddr,
    /// Its transfer syntax.
    pub transfer_syntax: Uid,
    /// SOP Class UID of its command.
    pub sop_class: Uid,
    /// SOP Instance UID of its command.
    pub sop_instance: Uid,
    /// Study Instance UID; empty when not known yet.
    pub study: Uid,
    /// Series Instance UID; empty when not known yet.
    pub series: Uid,
    /// Bytes of its data set.
    pub length: u64,
    /// BLAKE3 of its data set.
    pub hash: blake3::Hash,
    /// Goes before others, and is never held by rules.
    pub urgent: bool,
}

/// What an object is to those that came before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// Nothing of this SOP Instance UID is known, or of this object itself already.
    New,
    /// The same bytes from the same sender to the same title are in custody and not yet delivered, or held: this copy is not
    /// delivered, unless those bytes are found to be gone.
    Suppressed {
        /// The object that has these bytes.
        by: ObjectId,
    },
    /// The same bytes have been delivered or rejected, are gone, or came another way: this copy goes its own way, since whoever
    /// sends again lacks it and other senders have other destinations.
    Again {
        /// The newest object that had these bytes.
        after: ObjectId,
    },
    /// Other bytes under the same SOP Instance UID: both are kept (rule IMG-STU-021).
    Conflict {
        /// The newest object with other bytes.
        with: ObjectId,
    },
}

/// What is remembered of the wall clock over restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockNote {
    /// What it said.
    pub at: Timestamp,
    /// Ages are not to be told by it before it says this.
    pub rests: Option<Timestamp>,
}

/// The ledger. Cheap to clone; all clones are one ledger. The last one waits for the writer to finish.
#[derive(Clone)]
pub struct Ledger {
    inner: Arc<Inner>,
}

/// An answer of the ledger that comes later.
pub struct Later<T>(Option<oneshot::Receiver<Result<T, LedgerFault>>>);

impl<T> Later<T> {
    /// Waits for it.
    ///
    /// # Errors
    /// What became of the question instead.
    pub async fn get(self) -> Result<T, LedgerFault> {
        self.0.ok_or(LedgerFault::Closed)?.await.unwrap_or(Err(LedgerFault::Panicked))
    }
}

struct Inner {
    path: PathBuf,
    fresh: bool,
    commands: Option<mpsc::Sender<Command>>,
    writer: Option<JoinHandle<()>>,
    changes: watch::Receiver<u64>,
    told: Arc<writer::Told>,
    readers: Mutex<Vec<Connection>>,
    counted: Mutex<Option<query::Counted>>,
}

impl Ledger {
    /// Opens the index, or creates it. Blocks.
    ///
    /// # Errors
    /// When the database cannot be opened or created, or a later markgate has written it.
    pub fn open(
        config: &Config,
        log: Box<dyn DurableLog>,
        now: Timestamp,
    ) -> Result<Self, LedgerFault> {
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let (changed, changes) = watch::channel(0);
        let told = Arc::new(writer::Told::default());
        let (writer, fresh) = writer::Writer::open(config, log, changed, Arc::clone(&told), now)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let runtime = runtime.map_err(LedgerFault::Thread)?;
        let thread = std::thread::Builder::new()
            .name("ledger".to_owned())
            .spawn(move || {
                if catch_unwind(AssertUnwindSafe(|| writer.run(inbox, &runtime))).is_err() {
                    tracing::error!(
                        "the ledger's thread has ended: nothing is judged or delivered; restart the gate"
                    );
                }
            })
            .map_err(LedgerFault::Thread)?;
        Ok(Self {
            inner: Arc::new(Inner {
                path: config.path.clone(),
                fresh,
                commands: Some(commands),
                writer: Some(thread),
                changes,
                told,
                readers: Mutex::default(),
                counted: Mutex::default(),
            }),
        })
    }

    /// Whether the index was created by [`Ledger::open`], so that everything must be told to it anew.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.inner.fresh
    }

    /// Whether it can do what it is asked. What it was told is safe in the log in any case.
    ///
    /// # Errors
    /// When its thread has ended, or an earlier batch is confirmed by the log and still waits for the database.
    pub fn ready(&self) -> Result<(), LedgerFault> {
        if self.inner.commands.as_ref().is_none_or(mpsc::Sender::is_closed) {
            return Err(LedgerFault::Closed);
        }
        if self.inner.told.is_behind.load(Ordering::Relaxed) {
            return Err(LedgerFault::Behind);
        }
        Ok(())
    }

    /// Enters an object that has come into custody and compares it with earlier ones of its SOP Instance UID. Not logged:
    /// its own file says the same. Entering an object twice changes nothing.
    ///
    /// # Errors
    /// When the index fails; the object is in custody all the same, and is entered at the next start at the latest.
    pub async fn received(&self, object: ObjectRow) -> Result<Arrival, LedgerFault> {
        self.ask(|reply| Command::Received(Box::new(object), reply)).await
    }

    /// As [`Ledger::received`] in two steps: once this is done the object has its place behind all that were entered before it; what
    /// that means is told later.
    pub async fn enter(&self, object: ObjectRow) -> Later<Arrival> {
        self.begin(|reply| Command::Received(Box::new(object), reply)).await
    }

    /// Counts an object that was not taken into custody. Not logged.
    ///
    /// # Errors
    /// When the index fails.
    pub async fn refused(&self, calling_ae: &AeTitle, at: Timestamp) -> Result<(), LedgerFault> {
        let source = calling_ae.to_string();
        self.ask(|reply| Command::Refused { source, at, reply }).await
    }

    /// Makes an event durable, if it is of that kind, and applies it.
    ///
    /// # Errors
    /// [`LedgerFault::Refused`] when it does not fit the object's state; otherwise when log or index fail. A
    /// [`LedgerFault::Behind`] may still take effect.
    pub async fn record(&self, event: Event) -> Result<(), LedgerFault> {
        let outcomes = self.record_all(vec![event]).await?;
        match outcomes.into_iter().next() {
            Some(Err(refused)) => Err(refused.into()),
            Some(Ok(())) | None => Ok(()),
        }
    }

    /// As [`Ledger::record`] for several events with one sync. Each is applied or refused for itself; the outcomes are in
    /// the order of the events.
    ///
    /// # Errors
    /// When log or index fail.
    pub async fn record_all(
        &self,
        events: Vec<Event>,
    ) -> Result<Vec<Result<(), Refused>>, LedgerFault> {
        self.ask(|reply| Command::Events { events, soon: false, reply }).await
    }

    /// As [`Ledger::record_all`] for what nobody waits for: it may take some milliseconds longer, so that it costs no sync of
    /// its own while others record too.
    ///
    /// # Errors
    /// As [`Ledger::record_all`].
    pub async fn record_soon(
        &self,
        events: Vec<Event>,
    ) -> Result<Vec<Result<(), Refused>>, LedgerFault> {
        self.ask(|reply| Command::Events { events, soon: true, reply }).await
    }

    /// Objects whose files have been removed, durably. Not logged.
    ///
    /// # Errors
    /// When the index fails.
    pub async fn removed(&self, objects: Vec<ObjectId>) -> Result<(), LedgerFault> {
        self.ask(|reply| Command::Removed(objects, reply)).await
    }

    /// Notes what the wall clock says, for [`Ledger::clock`]. What was settled later than that was settled under another clock:
    /// its age counts from now. Not logged.
    ///
    /// # Errors
    /// When the index fails.
    pub async fn note_clock(&self, note: ClockNote) -> Result<(), LedgerFault> {
        self.ask(|reply| Command::Clock(note, reply)).await
    }

    /// Keeps what was found on a study, in place of what was found on it before. Not logged: it can be found again from the objects.
    ///
    /// # Errors
    /// When the index fails.
    pub async fn study_settled(&self, study: StudyRow) -> Result<(), LedgerFault> {
        self.ask(|reply| Command::Study(Box::new(study), reply)).await
    }

    /// Drops the rows of removed objects that came, and whose custody ended, before `before`, at most a thousand, and keeps
    /// their count. Returns how many.
    ///
    /// # Errors
    /// When the index fails.
    pub async fn forget(&self, before: Timestamp) -> Result<usize, LedgerFault> {
        self.ask(|reply| Command::Forget(before, reply)).await
    }

    /// Makes everything that has been applied durable in the database itself. To be awaited before the log is asked to
    /// drop records by [`Ledger::keeps`].
    ///
    /// # Errors
    /// When the index fails.
    pub async fn checkpoint(&self) -> Result<(), LedgerFault> {
        self.ask(Command::Checkpoint).await
    }

    /// A number that changes whenever something may have become due, held or settled.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.inner.changes.clone()
    }

    /// Takes the copies that are in custody since the last call because the bytes of the objects they had been suppressed for
    /// are gone. They are to be judged; [`Ledger::changes`] tells of more.
    #[must_use]
    pub fn revived(&self) -> Vec<ObjectId> {
        std::mem::take(&mut self.inner.told.revived.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Enters objects without comparing them, and applies the log's events behind [`Ledger::applied`], in ascending order
    /// of their sequence. Blocks; not to be called on an async thread.
    ///
    /// # Errors
    /// When the index fails.
    pub fn rebuild(
        &self,
        rows: impl IntoIterator<Item = ObjectRow>,
        entries: impl IntoIterator<Item = (u64, Vec<u8>)>,
    ) -> Result<Replayed, LedgerFault> {
        for_chunks(rows, |chunk| self.ask_blocking(|reply| Command::Adopt(chunk, reply)))?;
        let mut total = Replayed::default();
        for_chunks(entries, |chunk| {
            total.add(self.ask_blocking(|reply| Command::Replay(chunk, reply))?);
            Ok(())
        })?;
        total.lost = self.ask_blocking(Command::Replayed)?;
        Ok(total)
    }

    /// Tells that these objects have no file. Returns those whose custody had not ended: they are lost. Blocks; not to
    /// be called on an async thread.
    ///
    /// # Errors
    /// When the index fails.
    pub fn missing(&self, objects: Vec<ObjectId>) -> Result<Vec<ObjectId>, LedgerFault> {
        self.ask_blocking(|reply| Command::Missing(objects, reply))
    }

    /// As [`Ledger::missing`], while the gate runs.
    ///
    /// # Errors
    /// When the index fails.
    pub async fn gone(&self, objects: Vec<ObjectId>) -> Result<Vec<ObjectId>, LedgerFault> {
        self.ask(|reply| Command::Missing(objects, reply)).await
    }

    /// The objects that should have files. Blocks.
    ///
    /// # Errors
    /// When the index fails.
    pub fn known(&self) -> Result<BTreeSet<ObjectId>, LedgerFault> {
        self.read(query::known)
    }

    async fn ask<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T, LedgerFault> {
        self.begin(command).await.get().await
    }

    async fn begin<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Later<T> {
        let (reply, answer) = oneshot::channel();
        let is_asked = match self.inner.commands.as_ref() {
            Some(commands) => commands.send(command(reply)).await.is_ok(),
            None => false,
        };
        Later(is_asked.then_some(answer))
    }

    fn ask_blocking<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T, LedgerFault> {
        let (reply, answer) = oneshot::channel();
        let commands = self.inner.commands.as_ref().ok_or(LedgerFault::Closed)?;
        commands.blocking_send(command(reply)).map_err(|_closed| LedgerFault::Closed)?;
        answer.blocking_recv().unwrap_or(Err(LedgerFault::Panicked))
    }

    /// Runs a query on a connection of its own, once what has been entered by now can be seen there.
    fn read<T>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, LedgerFault>,
    ) -> Result<T, LedgerFault> {
        self.inner.told.entered.wait();
        self.read_at_once(query)
    }

    /// As [`Ledger::read`] for what follows from events alone: they are committed before they are answered.
    fn read_at_once<T>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, LedgerFault>,
    ) -> Result<T, LedgerFault> {
        let idle = self.readers().pop();
        let connection = match idle {
            Some(connection) => connection,
            None => schema::open_reader(&self.inner.path)?,
        };
        let answer = {
            // One transaction, so that a query of several statements sees one state.
            let snapshot = connection.unchecked_transaction()?;
            query(&snapshot)
        };
        if let Err(fault) = &answer {
            schema::condemn_if_damaged(&self.inner.path, fault);
        }
        let mut readers = self.readers();
        if readers.len() < READERS {
            readers.push(connection);
        }
        answer
    }

    fn readers(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.inner.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Closing the channel ends the writer once it has done what is queued.
        self.commands = None;
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!("the ledger's writer has panicked");
        }
    }
}

/// Hands an iterator's items over in chunks.
fn for_chunks<T>(
    items: impl IntoIterator<Item = T>,
    mut take: impl FnMut(Vec<T>) -> Result<(), LedgerFault>,
) -> Result<(), LedgerFault> {
    let mut items = items.into_iter();
    loop {
        let chunk: Vec<T> = items.by_ref().take(CHUNK).collect();
        if chunk.is_empty() {
            return Ok(());
        }
        take(chunk)?;
    }
}
