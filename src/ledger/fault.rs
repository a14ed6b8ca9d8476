//! Why the ledger could not do what it was asked.

use std::path::PathBuf;
use std::sync::Arc;

use super::record::{DeliveryState, ObjectState};

/// Why an event does not fit the object's state. Nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The ledger does not know the object.
    #[error("there is no such object")]
    UnknownObject,
    /// The object is not bound for that destination.
    #[error("the object is not bound for that destination")]
    NoSuchDelivery,
    /// Only a held object can be released or rejected.
    #[error("the object is not held, it is {}", .0.as_str())]
    NotHeld(ObjectState),
    /// The object as a whole is held; release it instead.
    #[error("the object is held")]
    OnHold,
    /// A person has decided, or custody has ended.
    #[error("the object has been decided on: it is {}", .0.as_str())]
    Decided(ObjectState),
    /// The delivery is in a state in which this cannot happen to it.
    #[error("the delivery is {}", .0.as_str())]
    NotQueued(DeliveryState),
    /// It cannot be released, since nobody has said where to.
    #[error("the object has no destination")]
    NoDestination,
}

/// Why the ledger failed.
#[derive(Debug, thiserror::Error)]
pub enum LedgerFault {
    /// The event does not fit.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The durable log did not confirm the event; it has not taken effect.
    #[error("the journal did not confirm an event")]
    Log(#[source] LogFault),
    /// The database failed. An event that the log has confirmed is applied before any later one.
    #[error("the index failed")]
    Index(#[from] rusqlite::Error),
    /// The database cannot be read or created.
    #[error("the index {} cannot be opened", path.display())]
    Open {
        /// Its file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// A later markgate has written the database.
    #[error(
        "the index {} is of version {found}, this program knows {known}: start the program that wrote it, or remove the index \
         with its -wal and -shm, and it is built again from the spool (see UPGRADING.md)",
        path.display()
    )]
    TooNew {
        /// Its file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest that is known.
        known: i64,
    },
    /// The durable log holds an event of a later markgate. It has not been applied, nor anything behind it.
    #[error(
        "event {sequence} of the journal is of version {found}, this program knows {known}: start the program that wrote it \
         (see UPGRADING.md)"
    )]
    LogTooNew {
        /// Its sequence.
        sequence: u64,
        /// Its version.
        found: u16,
        /// The newest that is known.
        known: u16,
    },
    /// A row holds what the ledger never writes.
    #[error("the index holds something that is no {0}")]
    BadRow(&'static str),
    /// An earlier batch is confirmed by the log and still waits for the database.
    #[error("the index is behind its journal")]
    Behind,
    /// The ledger has panicked while it did what it was asked. It goes on.
    #[error("the ledger has failed in what it was asked")]
    Panicked,
    /// The writer could not be started.
    #[error("the ledger's thread cannot be started")]
    Thread(#[source] std::io::Error),
    /// The ledger has been closed.
    #[error("the ledger is closed")]
    Closed,
}

impl LedgerFault {
    /// Whether the database could not be written for want of room.
    pub(super) fn is_full(&self) -> bool {
        use rusqlite::ffi;
        let (Self::Index(error) | Self::Open { source: error, .. }) = self else {
            return false;
        };
        let full = [ffi::SQLITE_FULL, ffi::SQLITE_IOERR_SHMSIZE];
        error.sqlite_error().is_some_and(|error| full.contains(&error.extended_code))
    }
}

/// Why the durable log failed: whatever its keeper says.
pub type LogFault = Arc<dyn std::error::Error + Send + Sync>;
