//! What is noted of the clock, and what is kept of objects that have no row any more.

use rusqlite::{Connection, params};

use super::ClockNote;
use super::fault::LedgerFault;
use super::record::ObjectState;
use super::store::micros;
use crate::base::time::Timestamp;

/// Rows that one [`forget`] drops.
const FORGOTTEN: i64 = 1000;

/// Notes what the wall clock says; see [`super::Ledger::note_clock`].
pub(super) fn note_clock(db: &Connection, note: ClockNote) -> Result<(), LedgerFault> {
    let ClockNote { at, rests } = note;
    let mut statement = db.prepare_cached(
        "INSERT INTO mark (name, value) VALUES ('clock', $1), ('rests', $2)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    )?;
    statement.execute([micros(at), micros(rests.unwrap_or(Timestamp::MIN))])?;
    let mut statement =
        db.prepare_cached("UPDATE object SET settled = $1 WHERE present = 1 AND settled > $1")?;
    statement.execute([micros(at)])?;
    Ok(())
}

/// Drops rows and keeps their count; see [`super::Ledger::forget`].
pub(super) fn forget(db: &Connection, before: Timestamp) -> Result<usize, LedgerFault> {
    let mut statement = db.prepare_cached(
        "SELECT id, day, source, state FROM object
          WHERE present = 0 AND settled < $1 AND received < $1 AND state <> 'lost' ORDER BY settled LIMIT $2",
    )?;
    let rows: Vec<[String; 4]> = statement
        .query_map(params![micros(before), FORGOTTEN], |row| {
            Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?])
        })?
        .collect::<Result<_, _>>()?;
    let forgotten = rows.len();
    for [key, day, source, state] in rows {
        if state != ObjectState::Suppressed.as_str() {
            count(db, &day, &source, "received", 1)?;
        }
        count(db, &day, &source, &state, 1)?;
        drop_rows(db, &key)?;
    }
    Ok(forgotten)
}

/// Drops all that is known of one object.
pub(super) fn drop_rows(db: &Connection, key: &str) -> Result<(), LedgerFault> {
    for sql in [
        "DELETE FROM delivery WHERE object = $1",
        "DELETE FROM verdict WHERE object = $1",
        "DELETE FROM tried_on WHERE one = $1",
        "DELETE FROM checked WHERE object = $1",
        "DELETE FROM decision WHERE object = $1",
        "DELETE FROM object WHERE id = $1",
    ] {
        db.prepare_cached(sql)?.execute([key])?;
    }
    Ok(())
}

/// Counts what has no row.
pub(super) fn count(
    db: &Connection,
    day: &str,
    source: &str,
    kind: &str,
    more: i64,
) -> Result<(), LedgerFault> {
    let mut statement = db.prepare_cached(
        "INSERT INTO tally (day, source, kind, count) VALUES ($1, $2, $3, $4)
         ON CONFLICT (day, source, kind) DO UPDATE SET count = tally.count + excluded.count",
    )?;
    statement.execute(params![day, source, kind, more])?;
    Ok(())
}
