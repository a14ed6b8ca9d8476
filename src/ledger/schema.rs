//! The tables, and how the database is opened.
//!
//! The SQL here and in the rest of `ledger` is common to SQLite and PostgreSQL, but for the pragmas and the names of the
//! types of this file: ids and hashes are hexadecimal text (so ids sort by arrival), instants are microseconds since 1970,
//! flags are 0 or 1, lists of short texts are JSON.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::fault::LedgerFault;

/// The version of [`TABLES`].
const VERSION: i64 = 1;

/// A reader or the writer waits so long for a lock. Both hold theirs for milliseconds.
const BUSY: Duration = Duration::from_secs(5);

const TABLES: &str = "
CREATE TABLE schema_version (version BIGINT NOT NULL);

-- 'applied': the sequence of the last event of the durable log that is in these tables.
-- 'clean': 1 when the last run ended in order.
-- 'clock': what the wall clock said last, once it has been noted.
-- 'rests': ages are not to be told by it before it says this.
CREATE TABLE mark (name TEXT PRIMARY KEY, value BIGINT NOT NULL);

CREATE TABLE object (
  id TEXT PRIMARY KEY,
  received BIGINT NOT NULL,
  day TEXT NOT NULL,
  source TEXT NOT NULL,
  called TEXT NOT NULL,
  peer TEXT NOT NULL,
  syntax TEXT NOT NULL,
  sop_class TEXT NOT NULL,
  sop_instance TEXT NOT NULL,
  study TEXT NOT NULL,
  series TEXT NOT NULL,
  length BIGINT NOT NULL,
  hash TEXT NOT NULL,
  urgent INTEGER NOT NULL,
  present INTEGER NOT NULL,
  state TEXT NOT NULL,
  reasons TEXT NOT NULL,
  on_hold INTEGER NOT NULL,
  verdicts BIGINT NOT NULL,
  released INTEGER NOT NULL,
  destinations TEXT NOT NULL,
  settled BIGINT
);
CREATE INDEX object_state ON object (state, id);
CREATE INDEX object_instance ON object (sop_instance, id);
CREATE INDEX object_study ON object (study, id);
CREATE INDEX object_series ON object (series, id);
CREATE INDEX object_day ON object (day, source, state);
CREATE INDEX object_present ON object (present, settled);

CREATE TABLE delivery (
  object TEXT NOT NULL,
  destination TEXT NOT NULL,
  state TEXT NOT NULL,
  urgent INTEGER NOT NULL,
  attempts BIGINT NOT NULL,
  due BIGINT NOT NULL,
  last_error TEXT NOT NULL,
  status BIGINT,
  comment TEXT,
  sent TEXT,
  answered BIGINT,
  PRIMARY KEY (object, destination)
);
CREATE INDEX delivery_next ON delivery (destination, state, urgent DESC, object);
CREATE INDEX delivery_state ON delivery (state, object);

CREATE TABLE verdict (
  object TEXT NOT NULL,
  version BIGINT NOT NULL,
  decided BIGINT NOT NULL,
  mark TEXT,
  reason TEXT,
  report TEXT NOT NULL,
  plan BLOB NOT NULL,
  rules TEXT NOT NULL,
  registry TEXT NOT NULL,
  config TEXT NOT NULL,
  PRIMARY KEY (object, version)
);

-- What persons did: held, released, rejected.
CREATE TABLE decision (
  object TEXT NOT NULL,
  at BIGINT NOT NULL,
  what TEXT NOT NULL,
  who TEXT NOT NULL,
  why TEXT NOT NULL
);
CREATE INDEX decision_object ON decision (object, at);

-- Objects that have no row any more, and those that never had one.
CREATE TABLE tally (
  day TEXT NOT NULL,
  source TEXT NOT NULL,
  kind TEXT NOT NULL,
  count BIGINT NOT NULL,
  PRIMARY KEY (day, source, kind)
);
";

/// Tables and indexes that came later. What they hold can be told from the spool again, so a program that does not know them may
/// leave them out.
const LATER_TABLES: &str = "
-- Deliveries are written all the time, and few of them are put off.
CREATE INDEX IF NOT EXISTS delivery_deferred ON delivery (destination, due) WHERE state = 'deferred';
DROP INDEX IF EXISTS delivery_due;

-- What was found on studies that have settled, the newest of each.
CREATE TABLE IF NOT EXISTS study (
  study TEXT PRIMARY KEY,
  settled BIGINT NOT NULL,
  cause TEXT NOT NULL,
  instances BIGINT NOT NULL,
  severity TEXT,
  report TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS study_settled ON study (settled);

-- What destinations said of objects that they were asked about on the gate's own account: whether they keep them.
CREATE TABLE IF NOT EXISTS checked (
  object TEXT NOT NULL,
  destination TEXT NOT NULL,
  kept INTEGER NOT NULL,
  at BIGINT NOT NULL,
  PRIMARY KEY (object, destination)
);

-- Objects or studies that rules under trial applied to and that bear a mark, and those that they would have withheld it from.
CREATE TABLE IF NOT EXISTS tried (
  rule TEXT NOT NULL,
  unit TEXT NOT NULL,
  applied BIGINT NOT NULL,
  withheld BIGINT NOT NULL,
  PRIMARY KEY (rule, unit)
);
-- What has been counted there of one object or study, so that it is counted once however often it is judged.
CREATE TABLE IF NOT EXISTS tried_on (
  one TEXT PRIMARY KEY,
  at BIGINT NOT NULL,
  applied TEXT NOT NULL,
  withheld TEXT NOT NULL
);
";

/// Opens the database for writing, creating it when there is none. A file that is no database any more is removed: all
/// that is in it can be told from the spool. The flag says that it is new, so that it must be rebuilt.
pub(super) fn open_writer(path: &Path) -> Result<(Connection, bool), LedgerFault> {
    if companion(path, CONDEMNED).exists() {
        tracing::error!(
            "the index was found damaged in the last run: it is built anew from the spool"
        );
        remove(path);
    }
    match try_open(path) {
        Err(LedgerFault::Index(error) | LedgerFault::Open { source: error, .. })
            if is_damage(&error) =>
        {
            tracing::error!(%error, "the index is damaged: it is built anew from the spool");
            remove(path);
            try_open(path)
        }
        other => other,
    }
}

fn try_open(path: &Path) -> Result<(Connection, bool), LedgerFault> {
    let opened = Connection::open(path);
    let connection =
        opened.map_err(|source| LedgerFault::Open { path: path.to_owned(), source })?;
    settings(&connection)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // The index may lose its last transactions in a power cut: files and durable log bring them back.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 4000)?;
    let empty: bool = connection.query_row(
        "SELECT count(*) = 0 FROM sqlite_schema WHERE name = 'schema_version'",
        [],
        |row| row.get(0),
    )?;
    if empty {
        let setup = connection.unchecked_transaction()?;
        setup.execute_batch(TABLES)?;
        setup.execute_batch(LATER_TABLES)?;
        setup.execute("INSERT INTO schema_version (version) VALUES ($1)", [VERSION])?;
        setup.execute("INSERT INTO mark (name, value) VALUES ('applied', 0), ('clean', 0)", [])?;
        setup.commit()?;
        return Ok((connection, true));
    }
    let found: i64 =
        connection.query_row("SELECT max(version) FROM schema_version", [], |row| row.get(0))?;
    if found > VERSION {
        return Err(LedgerFault::TooNew { path: path.to_owned(), found, known: VERSION });
    }
    connection.execute_batch(LATER_TABLES)?;
    if !set_clean(&connection, false)? && std::fs::metadata(path).is_ok_and(|it| it.len() < SMALL) {
        check(&connection)?;
    }
    Ok((connection, false))
}

/// Notes whether the database is being left in order. Returns whether it was before.
pub(super) fn set_clean(db: &Connection, clean: bool) -> rusqlite::Result<bool> {
    let before =
        db.query_row("SELECT value = 1 FROM mark WHERE name = 'clean'", [], |row| row.get(0))?;
    db.execute("UPDATE mark SET value = $1 WHERE name = 'clean'", [clean])?;
    Ok(before)
}

/// An index of up to this size is read through after a crash before it is used: in a moment. A larger one would keep modalities
/// waiting for what SQLite finds by itself as soon as it meets it.
const SMALL: u64 = 64 << 20;

/// Reads all pages.
fn check(db: &Connection) -> rusqlite::Result<()> {
    let found: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found == "ok" {
        return Ok(());
    }
    let damaged = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
    Err(rusqlite::Error::SqliteFailure(damaged, Some(found)))
}

/// Opens the database for reading.
pub(super) fn open_reader(path: &Path) -> Result<Connection, LedgerFault> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)
        .map_err(|source| LedgerFault::Open { path: path.to_owned(), source })?;
    settings(&connection)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

fn settings(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    // A plan that may depend on what is asked for would be made anew for every question: each is asked for every object.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

/// The file beside a database that was found damaged while it was in use.
const CONDEMNED: &str = "-damaged";

fn companion(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// If the fault is that the database is damaged, sees to it that the next start builds it anew.
pub(super) fn condemn_if_damaged(path: &Path, fault: &LedgerFault) {
    let LedgerFault::Index(error) = fault else { return };
    let marker = companion(path, CONDEMNED);
    if !is_damage(error) || marker.exists() {
        return;
    }
    tracing::error!(%error, "the index is damaged: the next start builds it anew from the spool");
    if let Err(error) = std::fs::write(&marker, "") {
        tracing::error!(%error, "remove the index by hand before the next start");
    }
}

fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// Removes the database with its companions.
#[expect(clippy::disallowed_methods, reason = "the index is the ledger's own file, no object")]
fn remove(path: &Path) {
    // The mark last: a removal that was cut off is done again.
    for suffix in ["", "-wal", "-shm", CONDEMNED] {
        match std::fs::remove_file(companion(path, suffix)) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => tracing::error!(%error, "a damaged index cannot be removed"),
        }
    }
}
