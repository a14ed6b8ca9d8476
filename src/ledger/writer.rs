//! The one thread that writes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::tz::Offset;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout_at};

use crate::base::object_id::ObjectId;
use crate::base::time::{Timestamp, date_at};

use super::applying::{apply, apply_all};
use super::arrival::{adopt, receive, revive};
use super::command::{Answer, Command, Replayed, rows_of, tell};
use super::entered::Entered;
use super::event::{self, Event};
use super::fault::{LedgerFault, LogFault};
use super::record::ObjectState;
use super::store::{self, id, micros};
use super::upkeep::{count, drop_rows, forget, note_clock};
use super::{Config, DurableLog, ObjectRow, Witnessed, checked, schema, studies, tried};

/// Commands of one batch.
const BATCH: usize = 256;

/// How long events that nobody waits for may wait for others.
const GATHERED: Duration = Duration::from_millis(5);

/// How long a transaction stays open in which objects have been entered: long enough for their verdicts to come.
const ENTERED: Duration = Duration::from_millis(40);

/// Commands that wait so, and objects that are entered meanwhile.
const TOGETHER: usize = 64;

/// What the writer tells beside its answers.
#[derive(Default)]
pub(super) struct Told {
    /// Copies that came into custody in the stead of others, until someone asks; see [`super::Ledger::revived`].
    pub(super) revived: Mutex<Vec<ObjectId>>,
    /// See [`Writer::pending`].
    pub(super) is_behind: AtomicBool,
    /// Whether objects have been entered in a transaction that is still open.
    pub(super) entered: Entered,
}

/// What a batch does beyond the tables, once it is certain.
#[derive(Default)]
struct Effects {
    /// Events for the log.
    durable: Vec<Event>,
    revived: Vec<ObjectId>,
}

/// See [`Writer::pending`].
#[derive(Default)]
struct Pending {
    rows: Vec<ObjectRow>,
    events: Vec<(u64, Event)>,
}

pub(super) struct Writer {
    pub(super) db: Connection,
    path: PathBuf,
    log: Box<dyn DurableLog>,
    changed: watch::Sender<u64>,
    told: Arc<Told>,
    offset: Offset,
    /// Objects that have been entered in the transaction that is open; when there are none, none is.
    entered: Vec<ObjectRow>,
    /// Events that nobody waits for.
    pub(super) waiting: Vec<Command>,
    /// When all that is committed at the latest.
    pub(super) commit_by: Option<Instant>,
    /// What a failed transaction left to be done: the rows of objects, then the events that the log has confirmed.
    pending: Pending,
}

impl Writer {
    pub(super) fn open(
        config: &Config,
        mut log: Box<dyn DurableLog>,
        changed: watch::Sender<u64>,
        told: Arc<Told>,
        now: Timestamp,
    ) -> Result<(Self, bool), LedgerFault> {
        let (db, fresh) = match open(config, now) {
            Err(fault) if fault.is_full() && log.make_room() => open(config, now)?,
            opened => opened?,
        };
        let offset = config.offset;
        let path = config.path.clone();
        let (entered, waiting, pending) = (Vec::new(), Vec::new(), Pending::default());
        let commit_by = None;
        let writer =
            Self { db, path, log, changed, told, offset, entered, waiting, commit_by, pending };
        Ok((writer, fresh))
    }

    /// Works until every [`super::Ledger`] is gone. The runtime is there to tell the time.
    pub(super) fn run(mut self, mut inbox: mpsc::Receiver<Command>, runtime: &Runtime) {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            let heard = match self.commit_by {
                None => Some(inbox.blocking_recv_many(&mut batch, BATCH)),
                Some(by) => {
                    let more = inbox.recv_many(&mut batch, BATCH);
                    runtime.block_on(async { timeout_at(by, more).await.ok() })
                }
            };
            let is_closed = heard == Some(0);
            let heard = std::mem::take(&mut batch);
            // A thread that ended here would leave every object where it is.
            if catch_unwind(AssertUnwindSafe(|| self.turn(heard, is_closed))).is_err() {
                tracing::error!("the ledger has failed in a batch; it goes on");
            }
            if is_closed {
                break;
            }
        }
        // What a failed commit has left is not in order: the log brings it back.
        let left_in_order = self.catch_up().and_then(|()| {
            schema::set_clean(&self.db, true)?;
            self.checkpoint()
        });
        if let Err(error) = left_in_order {
            tracing::warn!(%error, "the index could not be closed in order");
        }
    }

    /// Does what has been heard, and with it what has waited for something like it, or for too long.
    pub(super) fn turn(&mut self, heard: Vec<Command>, is_closed: bool) {
        let is_over = is_closed || self.is_over();
        let (soon, now): (Vec<_>, Vec<_>) = heard.into_iter().partition(Command::may_wait);
        self.waiting.extend(soon);
        if is_over || self.waiting.len() >= TOGETHER || !now.iter().all(Command::only_enters) {
            let mut batch = std::mem::take(&mut self.waiting);
            batch.extend(now);
            self.process(batch);
        } else if !now.is_empty() {
            self.process(now);
        }
        let may_wait = match (self.waiting.is_empty(), self.entered.is_empty()) {
            (false, _) => Some(GATHERED),
            (true, false) => Some(ENTERED),
            (true, true) => None,
        };
        let by = may_wait.map(|wait| Instant::now() + wait);
        self.commit_by = by.map(|by| self.commit_by.map_or(by, |earlier| by.min(earlier)));
    }

    fn is_over(&self) -> bool {
        self.commit_by.is_some_and(|by| by <= Instant::now())
    }

    fn process(&mut self, mut batch: Vec<Command>) {
        if let Err(fault) = self.catch_up() {
            schema::condemn_if_damaged(&self.path, &fault);
            self.told.is_behind.store(true, Ordering::Relaxed);
            tracing::error!(%fault, "the index is behind its journal: nothing is judged or delivered");
            for command in batch {
                command.fail(LedgerFault::Behind);
            }
            return;
        }
        let mut attempted = self.guarded(&mut batch);
        if let Err(Failure::Rows(fault)) = &attempted
            && fault.is_full()
            && self.log.make_room()
        {
            attempted = match self.catch_up() {
                Ok(()) => self.guarded(&mut batch),
                Err(fault) => Err(Failure::Rows(fault)),
            };
        }
        self.enter_again(&attempted);
        if let Err(Failure::Rows(fault)) = &attempted {
            schema::condemn_if_damaged(&self.path, fault);
        }
        match attempted {
            Ok(answers) => {
                for (command, answer) in batch.into_iter().zip(answers) {
                    match command {
                        Command::Checkpoint(reply) => tell(reply, self.checkpoint()),
                        command => command.answer(answer),
                    }
                }
            }
            Err(Failure::Log(fault)) => {
                for command in batch {
                    command.fail(LedgerFault::Log(fault.clone()));
                }
            }
            Err(Failure::Behind) => {
                for command in batch {
                    command.fail(LedgerFault::Behind);
                }
            }
            // One command may be at fault: each is tried for itself.
            Err(Failure::Rows(_)) if batch.len() > 1 => {
                for command in batch {
                    self.process(vec![command]);
                }
            }
            Err(Failure::Rows(fault)) => {
                if let Some(command) = batch.pop() {
                    command.fail(fault);
                }
            }
        }
    }

    /// Objects that had been entered are entered again at once where a batch behind them has failed.
    fn enter_again(&mut self, attempted: &Result<Vec<Answer>, Failure>) {
        match attempted {
            Ok(_) | Err(Failure::Behind) => {}
            Err(Failure::Rows(_) | Failure::Log(_)) => {
                if let Err(fault) = self.catch_up() {
                    self.told.is_behind.store(true, Ordering::Relaxed);
                    tracing::error!(%fault, "objects could not be entered again");
                }
            }
        }
    }

    /// As [`Writer::attempt`]. What fails, or panics, leaves nothing in the tables; what had been entered is to be entered again
    /// before anything else.
    fn guarded(&mut self, batch: &mut [Command]) -> Result<Vec<Answer>, Failure> {
        let attempted =
            caught(|| self.attempt(batch)).unwrap_or_else(|fault| Err(Failure::Rows(fault)));
        if attempted.is_ok() {
            return attempted;
        }
        if !self.db.is_autocommit()
            && let Err(error) = self.db.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "a batch could not be taken back");
        }
        drop(self.pending.rows.splice(..0, self.entered.drain(..)));
        self.commit_by = None;
        attempted
    }

    /// Steps 1 to 4 of the module's documentation. Where objects are entered and nothing else, the transaction stays open for
    /// what comes behind them.
    fn attempt(&mut self, batch: &mut [Command]) -> Result<Vec<Answer>, Failure> {
        if self.entered.is_empty() {
            self.db
                .execute_batch("BEGIN IMMEDIATE")
                .map_err(|error| Failure::Rows(error.into()))?;
        }
        let (db, mut effects) = (&self.db, Effects::default());
        let mut answers = Vec::with_capacity(batch.len());
        for command in batch.iter_mut() {
            answers.push(execute(db, command, self.offset, &mut effects).map_err(Failure::Rows)?);
        }
        let stays_open = !batch.is_empty() && batch.iter().all(Command::only_enters);
        if stays_open && !self.is_over() && self.entered.len() < TOGETHER {
            let rows = rows_of(batch);
            self.told.entered.begin(rows.iter().map(|row| row.sop_instance.clone()));
            self.entered.extend(rows);
            return Ok(answers);
        }
        let Effects { durable, revived } = effects;
        let mut logged = Vec::new();
        if !durable.is_empty() {
            let records: Vec<Vec<u8>> = durable.iter().map(event::to_record).collect();
            let first = self.log.append(&records).map_err(Failure::Log)?;
            logged = (first..).zip(durable).collect();
        }
        let committed = match logged.last() {
            Some((last, _event)) => set_applied(db, *last),
            None => Ok(()),
        }
        .and_then(|()| Ok(db.execute_batch("COMMIT")?));
        if let Err(fault) = committed {
            tracing::error!(%fault, "a batch could not be committed to the index");
            schema::condemn_if_damaged(&self.path, &fault);
            self.told.is_behind.store(true, Ordering::Relaxed);
            self.pending = Pending { rows: rows_of(batch), events: logged };
            return Err(Failure::Behind);
        }
        self.entered.clear();
        self.commit_by = None;
        self.tell_change(revived);
        // What is committed is not undone, whatever becomes of the telling.
        let told = caught(|| {
            self.tell_log(logged);
            for answer in &answers {
                if let Answer::Objects(lost) = answer {
                    self.log.lost(lost);
                }
            }
        });
        if let Err(fault) = told {
            tracing::error!(%fault, "events could not be told of");
        }
        Ok(answers)
    }

    /// Tells the log of events that have taken effect.
    fn tell_log(&mut self, logged: Vec<(u64, Event)>) {
        let events = logged.into_iter().map(|(_sequence, event)| event);
        match self.witnessed(events) {
            Ok(events) if events.is_empty() => {}
            Ok(events) => self.log.witnessed(events),
            Err(fault) => tracing::error!(%fault, "events could not be told of"),
        }
    }

    /// Events with what is known of their objects, looked up at once.
    fn witnessed(
        &self,
        events: impl Iterator<Item = Event>,
    ) -> Result<Vec<Witnessed>, LedgerFault> {
        let _at_once = self.db.unchecked_transaction()?;
        events.map(|event| store::witnessed(&self.db, event)).collect()
    }

    /// Everything has been committed. What is found out beside the tables is told before the change is, so that who wakes by it
    /// finds all of it.
    fn tell_change(&self, revived: Vec<ObjectId>) {
        self.told.revived.lock().unwrap_or_else(PoisonError::into_inner).extend(revived);
        self.told.entered.end();
        self.changed.send_modify(|changes| *changes = changes.wrapping_add(1));
    }

    /// Does what an earlier commit failed to do.
    fn catch_up(&mut self) -> Result<(), LedgerFault> {
        if self.pending.rows.is_empty() && self.pending.events.is_empty() {
            return Ok(());
        }
        caught(|| match self.apply_pending() {
            Err(fault) if fault.is_full() && self.log.make_room() => self.apply_pending(),
            outcome => outcome,
        })
        .unwrap_or_else(Err)
    }

    fn apply_pending(&mut self) -> Result<(), LedgerFault> {
        let tx = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut revived = Vec::new();
        for row in &self.pending.rows {
            receive(&tx, row, self.offset)?;
        }
        for (sequence, event) in &self.pending.events {
            // It fitted when it was logged.
            if let Err(refused) = apply(&tx, event, &mut revived)? {
                tracing::error!(object = %event.object, %refused, "a logged event does not fit");
            }
            set_applied(&tx, *sequence)?;
        }
        tx.commit()?;
        let done = std::mem::take(&mut self.pending);
        self.told.is_behind.store(false, Ordering::Relaxed);
        self.tell_change(revived);
        self.tell_log(done.events);
        Ok(())
    }

    fn checkpoint(&self) -> Result<(), LedgerFault> {
        let busy: i64 = self.db.query_row("PRAGMA wal_checkpoint(FULL)", [], |row| row.get(0))?;
        if busy == 0 { Ok(()) } else { Err(LedgerFault::Behind) }
    }
}

fn caught<T>(act: impl FnOnce() -> T) -> Result<T, LedgerFault> {
    catch_unwind(AssertUnwindSafe(act)).map_err(|_told_by_the_hook| LedgerFault::Panicked)
}

/// Opens the database and puts its deliveries in order.
fn open(config: &Config, now: Timestamp) -> Result<(Connection, bool), LedgerFault> {
    let (db, fresh) = schema::open_writer(&config.path)?;
    // Attempts that were under way when the last run ended: their outcome is not known, so they are made again.
    db.execute(
        "UPDATE delivery SET state = 'held' WHERE state = 'sending'
            AND object IN (SELECT id FROM object WHERE on_hold = 1)",
        [],
    )?;
    db.execute(
        "UPDATE delivery SET state = 'queued', due = $1 WHERE state = 'sending'",
        [micros(now)],
    )?;
    Ok((db, fresh))
}

/// Why a batch failed.
enum Failure {
    /// Before anything was logged: nothing has happened.
    Rows(LedgerFault),
    /// While it was being logged: nothing has taken effect.
    Log(LogFault),
    /// After it was logged: see [`Writer::pending`].
    Behind,
}

/// Does one command inside the batch's transaction. Durable events that fitted are added to the effects.
fn execute(
    db: &Connection,
    command: &Command,
    offset: Offset,
    effects: &mut Effects,
) -> Result<Answer, LedgerFault> {
    match command {
        Command::Received(row, _) => Ok(Answer::Arrival(receive(db, row, offset)?)),
        Command::Refused { source, at, .. } => {
            count(db, &day(*at, offset), source, "refused", 1)?;
            Ok(Answer::Done)
        }
        Command::Events { events, .. } => {
            let outcomes = apply_all(db, events, &mut effects.revived)?;
            let applied = events.iter().zip(&outcomes).filter(|(_, outcome)| outcome.is_ok());
            let durable = applied.map(|(event, _)| event).filter(|event| event.what.is_durable());
            effects.durable.extend(durable.cloned());
            Ok(Answer::Outcomes(outcomes))
        }
        Command::Adopt(rows, _) => {
            for row in rows {
                adopt(db, row, offset)?;
            }
            Ok(Answer::Done)
        }
        Command::Replay(entries, _) => {
            Ok(Answer::Replayed(replay(db, entries, offset, &mut effects.revived)?))
        }
        Command::Replayed(_) => Ok(Answer::Objects(settle_ghosts(db)?)),
        Command::Missing(objects, _) => {
            Ok(Answer::Objects(missing(db, objects, &mut effects.revived)?))
        }
        Command::Removed(objects, _) => {
            for object in objects {
                set_present(db, *object, false)?;
                checked::drop_of(db, *object)?;
            }
            Ok(Answer::Done)
        }
        Command::Clock(note, _) => {
            note_clock(db, *note)?;
            Ok(Answer::Done)
        }
        Command::Study(row, _) => {
            studies::write(db, row)?;
            Ok(Answer::Done)
        }
        Command::Checked(said, _) => {
            checked::write(db, said)?;
            Ok(Answer::Done)
        }
        Command::Forget(before, _) => {
            studies::forget(db, *before)?;
            tried::forget(db, *before)?;
            Ok(Answer::Count(forget(db, *before)?))
        }
        Command::Checkpoint(_) => Ok(Answer::Done),
    }
}

/// The day that an instant is counted to.
pub(super) fn day(at: Timestamp, offset: Offset) -> String {
    date_at(at, offset).to_string()
}

fn replay(
    db: &Connection,
    entries: &[(u64, Vec<u8>)],
    offset: Offset,
    revived: &mut Vec<ObjectId>,
) -> Result<Replayed, LedgerFault> {
    let mut applied = applied(db)?;
    let mut replayed = Replayed::default();
    for (sequence, record) in entries {
        if *sequence <= applied {
            replayed.known += 1;
            continue;
        }
        applied = *sequence;
        if let Some(found) = event::later_version(record) {
            let (sequence, known) = (*sequence, event::VERSION);
            return Err(LedgerFault::LogTooNew { sequence, found, known });
        }
        let Some(event) = event::from_record(record) else {
            replayed.unreadable += 1;
            continue;
        };
        if store::load(db, event.object)?.is_none() {
            store::insert_ghost(db, event.object, &day(event.object.time(), offset))?;
        }
        match apply(db, &event, revived)? {
            Ok(()) => replayed.applied += 1,
            Err(_refused) => replayed.refused += 1,
        }
    }
    set_applied(db, applied)?;
    Ok(replayed)
}

/// Objects of which only the log spoke: those whose custody it ended are forgotten, the others are lost.
fn settle_ghosts(db: &Connection) -> Result<Vec<ObjectId>, LedgerFault> {
    let mut statement =
        db.prepare("SELECT id, state FROM object WHERE present = 0 AND hash = ''")?;
    let ghosts: Vec<(String, String)> =
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<_, _>>()?;
    let mut lost = Vec::new();
    for (key, state) in ghosts {
        let state = ObjectState::parse(&state).ok_or(LedgerFault::BadRow("object state"))?;
        if state.is_settled() {
            drop_rows(db, &key)?;
        } else {
            let object = id(&key)?;
            lose(db, object)?;
            lost.push(object);
        }
    }
    Ok(lost)
}

fn missing(
    db: &Connection,
    objects: &[ObjectId],
    revived: &mut Vec<ObjectId>,
) -> Result<Vec<ObjectId>, LedgerFault> {
    let mut lost = Vec::new();
    for &object in objects {
        let Some(record) = store::load(db, object)? else {
            continue;
        };
        if record.state.is_settled() {
            set_present(db, object, false)?;
        } else {
            lose(db, object)?;
            revive(db, object, revived)?;
            lost.push(object);
        }
    }
    Ok(lost)
}

fn lose(db: &Connection, object: ObjectId) -> Result<(), LedgerFault> {
    let mut statement =
        db.prepare_cached("UPDATE object SET state = 'lost', present = 0 WHERE id = $1")?;
    statement.execute([object.to_string()])?;
    Ok(())
}

/// Notes whether an object's file is there.
pub(super) fn set_present(
    db: &Connection,
    object: ObjectId,
    present: bool,
) -> Result<(), LedgerFault> {
    let mut statement = db.prepare_cached("UPDATE object SET present = $1 WHERE id = $2")?;
    statement.execute(params![present, object.to_string()])?;
    Ok(())
}

/// The sequence of the last event of the log that is in the tables.
pub(super) fn applied(db: &Connection) -> Result<u64, LedgerFault> {
    let mut statement = db.prepare_cached("SELECT value FROM mark WHERE name = 'applied'")?;
    let value: Option<i64> = statement.query_row([], |row| row.get(0)).optional()?;
    Ok(u64::try_from(value.unwrap_or(0)).unwrap_or(0))
}

fn set_applied(db: &Connection, sequence: u64) -> Result<(), LedgerFault> {
    let mut statement = db.prepare_cached("UPDATE mark SET value = $1 WHERE name = 'applied'")?;
    statement.execute([i64::try_from(sequence).unwrap_or(i64::MAX)])?;
    Ok(())
}
