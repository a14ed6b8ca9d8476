//! What destinations were asked about on the gate's own account, and what they said: whether they keep what they acknowledged.
//! Nothing of it is logged durably: it can be asked again.

use rusqlite::{Connection, params};

use super::command::Command;
use super::fault::LedgerFault;
use super::store::{self, id, instant, micros};
use super::{Ledger, ObjectState};
use crate::base::object_id::ObjectId;
use crate::base::time::Timestamp;
use crate::dicom::uid::Uid;

/// A delivered object that a destination has not been asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unchecked {
    /// The object.
    pub object: ObjectId,
    /// Its SOP Class UID.
    pub sop_class: Uid,
    /// Its SOP Instance UID.
    pub sop_instance: Uid,
    /// When its custody ended.
    pub settled: Timestamp,
}

/// What a destination said of objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Which objects.
    pub objects: Vec<ObjectId>,
    /// The destination's name.
    pub destination: String,
    /// Whether it keeps them.
    pub kept: bool,
    /// When it said so.
    pub at: Timestamp,
}

impl Ledger {
    /// Notes what a destination said. Not logged.
    ///
    /// # Errors
    /// When the index fails.
    pub async fn checked(&self, checked: Checked) -> Result<(), LedgerFault> {
        self.ask(|reply| Command::Checked(checked, reply)).await
    }

    /// Objects that were delivered to a destination, whose custody ended after `since`, whose files are there, and of which it has
    /// said nothing; those first whose custody ended first. Blocks.
    ///
    /// # Errors
    /// When the index fails.
    pub fn unchecked(
        &self,
        destination: &str,
        since: Timestamp,
        limit: usize,
    ) -> Result<Vec<Unchecked>, LedgerFault> {
        self.read(|db| {
            let mut statement = db.prepare_cached(
                "SELECT o.id, o.sop_class, o.sop_instance, o.settled FROM object o
                  WHERE o.present = 1 AND o.settled > $1 AND o.state = 'delivered'
                    AND EXISTS (SELECT 1 FROM delivery d
                      WHERE d.object = o.id AND d.destination = $2 AND d.state = 'delivered')
                    AND NOT EXISTS (SELECT 1 FROM checked c
                      WHERE c.object = o.id AND c.destination = $2)
                  ORDER BY o.settled LIMIT $3",
            )?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let mut rows = statement.query(params![micros(since), destination, limit])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let texts: [String; 3] = [row.get(0)?, row.get(1)?, row.get(2)?];
                let [object, sop_class, sop_instance] = &texts;
                found.push(Unchecked {
                    object: id(object)?,
                    sop_class: Uid::new(sop_class),
                    sop_instance: Uid::new(sop_instance),
                    settled: instant(row.get(3)?),
                });
            }
            Ok(found)
        })
    }

    /// Delivered objects that are kept by every destination that they went to, those left out that say nothing, and whose custody
    /// ended before `before`: their originals need not be kept any longer. Blocks.
    ///
    /// # Errors
    /// When the index fails.
    pub fn kept_elsewhere(
        &self,
        before: Timestamp,
        saying_nothing: &[String],
        limit: usize,
    ) -> Result<Vec<ObjectId>, LedgerFault> {
        self.read(|db| {
            let mut statement = db.prepare_cached(
                "SELECT DISTINCT c.object FROM checked c JOIN object o ON o.id = c.object
                  WHERE c.kept = 1 AND o.present = 1 AND o.state = 'delivered' AND o.settled < $1",
            )?;
            let mut rows = statement.query([micros(before)])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()?
                && found.len() < limit
            {
                let object: String = row.get(0)?;
                if is_kept(db, id(&object)?, saying_nothing)? {
                    found.push(id(&object)?);
                }
            }
            Ok(found)
        })
    }
}

fn is_kept(
    db: &Connection,
    object: ObjectId,
    saying_nothing: &[String],
) -> Result<bool, LedgerFault> {
    let mut statement = db.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM checked WHERE object = $1 AND destination = $2 AND kept = 1)",
    )?;
    for delivery in store::deliveries(db, object)? {
        let says: bool =
            statement.query_row([&object.to_string(), &delivery.destination], |row| row.get(0))?;
        if !says && !saying_nothing.contains(&delivery.destination) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Notes what a destination said. Of an object that is on its way again, or has no file any more, it is of no use.
pub(super) fn write(db: &Connection, checked: &Checked) -> Result<(), LedgerFault> {
    let mut statement = db.prepare_cached(
        "INSERT INTO checked (object, destination, kept, at)
         SELECT $1, $2, $3, $4
          WHERE EXISTS (SELECT 1 FROM object WHERE id = $1 AND present = 1 AND state = $5)
         ON CONFLICT (object, destination) DO UPDATE SET kept = excluded.kept, at = excluded.at",
    )?;
    for object in &checked.objects {
        statement.execute(params![
            object.to_string(),
            checked.destination,
            checked.kept,
            micros(checked.at),
            ObjectState::Delivered.as_str(),
        ])?;
    }
    Ok(())
}

/// Forgets what was said of an object: it has been removed, or goes out again.
pub(super) fn drop_of(db: &Connection, object: ObjectId) -> Result<(), LedgerFault> {
    let mut statement = db.prepare_cached("DELETE FROM checked WHERE object = $1")?;
    statement.execute([object.to_string()])?;
    Ok(())
}

/// Whether an object has its file.
pub(super) fn is_present(db: &Connection, object: ObjectId) -> Result<bool, LedgerFault> {
    let mut statement =
        db.prepare_cached("SELECT EXISTS (SELECT 1 FROM object WHERE id = $1 AND present = 1)")?;
    Ok(statement.query_row([object.to_string()], |row| row.get(0))?)
}
