//! What commitments ask.

use rusqlite::Connection;

use super::{latest_verdict, row_id, row_state, row_uid, sql_limit};
use crate::base::object_id::ObjectId;
use crate::dicom::uid::Uid;
use crate::ledger::fault::LedgerFault;
use crate::ledger::record::{DeliveryState, ObjectState};
use crate::ledger::{Ledger, Treatment, store};

/// Versions of one SOP Instance UID that are looked at.
const MOST_VERSIONS: usize = 64;

/// One object of a SOP Instance UID, and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// The object.
    pub object: ObjectId,
    /// Its SOP Class UID.
    pub sop_class: Uid,
    /// Where it stands.
    pub state: ObjectState,
    /// The destinations that it goes to, and how far it has come there.
    pub deliveries: Vec<(String, DeliveryState)>,
}

impl Ledger {
    /// The objects of each of these SOP Instance UIDs, newest first, suppressed copies left out; at most the newest 64 of each.
    ///
    /// # Errors
    /// When the index fails.
    pub fn versions<'u>(
        &self,
        instances: impl IntoIterator<Item = &'u Uid>,
    ) -> Result<Vec<Vec<Version>>, LedgerFault> {
        self.read(|db| instances.into_iter().map(|instance| versions(db, instance)).collect())
    }

    /// How an object has left, or would leave now.
    ///
    /// # Errors
    /// When the index fails.
    pub fn leaves_as(&self, object: ObjectId) -> Result<Treatment, LedgerFault> {
        self.read(|db| {
            let released = store::load(db, object)?.is_none_or(|record| record.released);
            let verdict = if released { None } else { latest_verdict(db, object)? };
            Ok(match verdict {
                Some(verdict) if !verdict.plan.is_empty() => Treatment::Planned(verdict.plan),
                Some(_) | None => Treatment::AsReceived,
            })
        })
    }
}

fn versions(db: &Connection, instance: &Uid) -> Result<Vec<Version>, LedgerFault> {
    let mut statement = db.prepare_cached(
        "SELECT id, sop_class, state FROM object
          WHERE sop_instance = $1 AND state <> 'suppressed' ORDER BY id DESC LIMIT $2",
    )?;
    let mut rows =
        statement.query(rusqlite::params![instance.as_str(), sql_limit(MOST_VERSIONS)])?;
    let mut versions = Vec::new();
    while let Some(row) = rows.next()? {
        let object = row_id(row, 0)?;
        let deliveries = store::deliveries(db, object)?;
        versions.push(Version {
            object,
            sop_class: row_uid(row, 1)?,
            state: row_state(row, 2)?,
            deliveries: deliveries.into_iter().map(|it| (it.destination, it.state)).collect(),
        });
    }
    Ok(versions)
}
