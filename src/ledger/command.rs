//! What the writer can be asked, and how it answers.

use tokio::sync::oneshot;

use super::checked::Checked;
use super::event::Event;
use super::fault::{LedgerFault, Refused};
use super::studies::StudyRow;
use super::{Arrival, ClockNote, ObjectRow};
use crate::base::object_id::ObjectId;
use crate::base::time::Timestamp;

/// Where an answer goes.
pub(super) type Reply<T> = oneshot::Sender<Result<T, LedgerFault>>;

/// What the writer can be asked.
pub(super) enum Command {
    Received(Box<ObjectRow>, Reply<Arrival>),
    Refused {
        source: String,
        at: Timestamp,
        reply: Reply<()>,
    },
    /// With `soon`, nobody waits for them.
    Events {
        events: Vec<Event>,
        soon: bool,
        reply: Reply<Vec<Result<(), Refused>>>,
    },
    Adopt(Vec<ObjectRow>, Reply<()>),
    Replay(Vec<(u64, Vec<u8>)>, Reply<Replayed>),
    Replayed(Reply<Vec<ObjectId>>),
    Missing(Vec<ObjectId>, Reply<Vec<ObjectId>>),
    Removed(Vec<ObjectId>, Reply<()>),
    Clock(ClockNote, Reply<()>),
    Study(Box<StudyRow>, Reply<()>),
    Checked(Checked, Reply<()>),
    Forget(Timestamp, Reply<usize>),
    Checkpoint(Reply<()>),
}

/// What became of the log's events in a rebuild.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Replayed {
    /// Events that were applied.
    pub applied: usize,
    /// Events that were in the tables already.
    pub known: usize,
    /// Events that did not fit: they repeat what others have said, or rest on events that are not logged.
    pub refused: usize,
    /// Records that are no events this program reads. Alarm.
    pub unreadable: usize,
    /// Objects of which only the log speaks and whose custody it did not end. Alarm.
    pub lost: Vec<ObjectId>,
}

impl Replayed {
    pub(super) fn add(&mut self, other: Self) {
        self.applied += other.applied;
        self.known += other.known;
        self.refused += other.refused;
        self.unreadable += other.unreadable;
        self.lost.extend(other.lost);
    }
}

/// An answer whose transaction has not been committed yet.
pub(super) enum Answer {
    Arrival(Arrival),
    Outcomes(Vec<Result<(), Refused>>),
    Replayed(Replayed),
    Objects(Vec<ObjectId>),
    Count(usize),
    Done,
}

impl Command {
    /// Whether it may wait a moment for others.
    pub(super) fn may_wait(&self) -> bool {
        matches!(self, Self::Events { soon: true, .. })
    }

    /// Whether it does nothing that its object's own file could not tell again.
    pub(super) fn only_enters(&self) -> bool {
        matches!(self, Self::Received(..))
    }

    /// Answers whoever gave it.
    pub(super) fn answer(self, answer: Answer) {
        match (self, answer) {
            (Self::Received(_, reply), Answer::Arrival(arrival)) => tell(reply, Ok(arrival)),
            (Self::Events { reply, .. }, Answer::Outcomes(outcomes)) => tell(reply, Ok(outcomes)),
            (Self::Replay(_, reply), Answer::Replayed(replayed)) => tell(reply, Ok(replayed)),
            (Self::Replayed(reply) | Self::Missing(_, reply), Answer::Objects(objects)) => {
                tell(reply, Ok(objects));
            }
            (Self::Forget(_, reply), Answer::Count(count)) => tell(reply, Ok(count)),
            (
                Self::Refused { reply, .. }
                | Self::Adopt(_, reply)
                | Self::Removed(_, reply)
                | Self::Clock(_, reply)
                | Self::Study(_, reply)
                | Self::Checked(_, reply)
                | Self::Checkpoint(reply),
                Answer::Done,
            ) => tell(reply, Ok(())),
            // `execute` pairs commands with answers; whoever is not answered sees its reply dropped.
            (_command, _answer) => tracing::error!("the ledger has mixed up its answers"),
        }
    }

    /// Tells whoever gave it that it failed.
    pub(super) fn fail(self, fault: LedgerFault) {
        match self {
            Self::Received(_, reply) => tell(reply, Err(fault)),
            Self::Events { reply, .. } => tell(reply, Err(fault)),
            Self::Replay(_, reply) => tell(reply, Err(fault)),
            Self::Replayed(reply) | Self::Missing(_, reply) => tell(reply, Err(fault)),
            Self::Forget(_, reply) => tell(reply, Err(fault)),
            Self::Refused { reply, .. }
            | Self::Adopt(_, reply)
            | Self::Removed(_, reply)
            | Self::Clock(_, reply)
            | Self::Study(_, reply)
            | Self::Checked(_, reply)
            | Self::Checkpoint(reply) => tell(reply, Err(fault)),
        }
    }
}

/// Sends an answer.
pub(super) fn tell<T>(reply: Reply<T>, answer: Result<T, LedgerFault>) {
    // Whoever asked may have been dropped meanwhile; what was done stands.
    drop(reply.send(answer));
}

/// The rows of objects that a batch enters.
pub(super) fn rows_of(batch: &[Command]) -> Vec<ObjectRow> {
    let row = |command: &Command| match command {
        Command::Received(row, _) => Some(ObjectRow::clone(row)),
        Command::Refused { .. }
        | Command::Events { .. }
        | Command::Adopt(..)
        | Command::Replay(..)
        | Command::Replayed(_)
        | Command::Missing(..)
        | Command::Removed(..)
        | Command::Clock(..)
        | Command::Study(..)
        | Command::Checked(..)
        | Command::Forget(..)
        | Command::Checkpoint(_) => None,
    };
    batch.iter().filter_map(row).collect()
}
