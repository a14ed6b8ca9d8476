//! How objects come into the tables: what a new one is to earlier ones, and who goes in the stead of one whose bytes are gone.

use jiff::tz::Offset;
use rusqlite::{Connection, params};

use super::fault::LedgerFault;
use super::record::{ObjectState, Record};
use super::store::{self, id};
use super::writer::{day, set_present};
use super::{Arrival, ObjectRow};
use crate::base::object_id::{ObjectId, is_without_bytes};

/// Earlier objects of one SOP Instance UID that a new one is compared with, newest first.
const COMPARED: i64 = 32;

/// Enters an object and says what it is to earlier ones.
pub(super) fn receive(
    db: &Connection,
    row: &ObjectRow,
    offset: Offset,
) -> Result<Arrival, LedgerFault> {
    if store::load(db, row.id)?.is_some() {
        return Ok(Arrival::New);
    }
    let arrival = compare(db, row)?;
    let mut record = Record::received();
    if let Arrival::Suppressed { .. } = arrival {
        record.state = ObjectState::Suppressed;
        record.settled = Some(row.received);
    }
    store::insert(db, row, &day(row.received, offset), &record)?;
    Ok(arrival)
}

/// See [`Arrival`].
fn compare(db: &Connection, row: &ObjectRow) -> Result<Arrival, LedgerFault> {
    if row.sop_instance.is_empty() {
        return Ok(Arrival::New);
    }
    let mut statement = db.prepare_cached(
        "SELECT id, hash, state, source = $1 AND called = $2 AND peer = $3, reasons FROM object
          WHERE sop_instance = $4 AND state <> 'suppressed' ORDER BY id DESC LIMIT $5",
    )?;
    let mut rows = statement.query(params![
        row.calling_ae.as_str(),
        row.called_ae.as_str(),
        row.peer.to_string(),
        row.sop_instance.as_str(),
        COMPARED
    ])?;
    let hash = row.hash.to_string();
    let (mut again, mut conflict) = (None, None);
    while let Some(earlier) = rows.next()? {
        let (object, other): (String, String) = (earlier.get(0)?, earlier.get(1)?);
        let object = id(&object)?;
        if other != hash {
            conflict = conflict.or(Some(Arrival::Conflict { with: object }));
            continue;
        }
        let state: String = earlier.get(2)?;
        match ObjectState::parse(&state).ok_or(LedgerFault::BadRow("object state"))? {
            // What came another way may be bound for other destinations, so only the same way suppresses; and it must still
            // have the bytes.
            ObjectState::Received | ObjectState::Forwarding | ObjectState::Held
                if earlier.get(3)? && !has_lost_bytes(&earlier.get::<_, String>(4)?)? =>
            {
                return Ok(Arrival::Suppressed { by: object });
            }
            ObjectState::Received
            | ObjectState::Forwarding
            | ObjectState::Held
            | ObjectState::Delivered
            | ObjectState::Rejected
            | ObjectState::Suppressed
            | ObjectState::Lost => again = again.or(Some(Arrival::Again { after: object })),
        }
    }
    Ok(conflict.or(again).unwrap_or(Arrival::New))
}

/// Whether an object with these reasons is held because its bytes are gone.
fn has_lost_bytes(reasons: &str) -> Result<bool, LedgerFault> {
    Ok(store::texts(reasons)?.iter().any(|reason| is_without_bytes(reason)))
}

/// The bytes of an object are gone. If no other object stands for them, a copy that was suppressed comes into custody in its
/// stead.
pub(super) fn revive(
    db: &Connection,
    object: ObjectId,
    revived: &mut Vec<ObjectId>,
) -> Result<(), LedgerFault> {
    let mut statement = db.prepare_cached(
        "SELECT o.id, o.state, o.present, o.reasons FROM object gone JOIN object o
             ON o.sop_instance = gone.sop_instance AND o.hash = gone.hash AND o.source = gone.source
                AND o.called = gone.called AND o.peer = gone.peer
          WHERE gone.id = $1 AND gone.sop_instance <> '' AND o.id <> gone.id ORDER BY o.id",
    )?;
    let mut rows = statement.query([object.to_string()])?;
    let mut copy = None;
    while let Some(row) = rows.next()? {
        let (key, state): (String, String) = (row.get(0)?, row.get(1)?);
        let other = id(&key)?;
        let stands = match ObjectState::parse(&state).ok_or(LedgerFault::BadRow("object state"))? {
            ObjectState::Suppressed => {
                if row.get(2)? {
                    copy = copy.or(Some(other));
                }
                false
            }
            ObjectState::Received | ObjectState::Forwarding => true,
            ObjectState::Held => !has_lost_bytes(&row.get::<_, String>(3)?)?,
            // What was sent again after an end came because that end was not enough.
            ObjectState::Delivered | ObjectState::Rejected => other > object,
            ObjectState::Lost => false,
        };
        if stands {
            return Ok(());
        }
    }
    if let Some(copy) = copy {
        let mut statement = db
            .prepare_cached("UPDATE object SET state = 'received', settled = NULL WHERE id = $1")?;
        statement.execute([copy.to_string()])?;
        tracing::warn!(%object, %copy, "a copy that was sent again goes in the stead of an object whose bytes are gone");
        revived.push(copy);
    }
    Ok(())
}

/// Enters an object that was found in the spool. One that was thought lost or gone is in custody again.
pub(super) fn adopt(db: &Connection, row: &ObjectRow, offset: Offset) -> Result<(), LedgerFault> {
    let Some(before) = store::load(db, row.id)? else {
        return store::insert(db, row, &day(row.received, offset), &Record::received());
    };
    set_present(db, row.id, true)?;
    if before.state == ObjectState::Lost {
        let mut after = before.clone();
        after.state = ObjectState::Received;
        after.settle(row.received);
        store::save(db, row.id, &before, &after)?;
    }
    Ok(())
}
