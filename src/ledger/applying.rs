//! Events into the tables.

use rusqlite::Connection;

use super::arrival::revive;
use super::event::{Event, What};
use super::fault::{LedgerFault, Refused};
use super::record::Record;
use super::{checked, store, tried};
use crate::base::object_id::{ObjectId, is_without_bytes};

/// Applies events. Each is applied or refused for itself; the outcomes are in the order of the events. What several in a row change
/// of one object, as an attempt and its outcome do, is read and written once.
pub(super) fn apply_all<'e>(
    db: &Connection,
    events: impl IntoIterator<Item = &'e Event>,
    revived: &mut Vec<ObjectId>,
) -> Result<Vec<Result<(), Refused>>, LedgerFault> {
    let (mut outcomes, mut open) = (Vec::new(), None::<Open>);
    for event in events {
        if open.as_ref().is_none_or(|open| open.object != event.object) {
            open.take().map_or(Ok(()), |other| other.write(db))?;
            open = Open::read(db, event.object)?;
        }
        outcomes.push(match &mut open {
            Some(open) => open.apply(db, event, revived)?,
            None => Err(Refused::UnknownObject),
        });
    }
    open.map_or(Ok(()), |open| open.write(db))?;
    Ok(outcomes)
}

/// Applies one event.
pub(super) fn apply(
    db: &Connection,
    event: &Event,
    revived: &mut Vec<ObjectId>,
) -> Result<Result<(), Refused>, LedgerFault> {
    Ok(apply_all(db, [event], revived)?.pop().unwrap_or(Ok(())))
}

/// An object to which events are being applied.
struct Open {
    object: ObjectId,
    /// As it stands in the tables.
    written: Record,
    record: Record,
}

impl Open {
    /// `None` where there is no such object.
    fn read(db: &Connection, object: ObjectId) -> Result<Option<Self>, LedgerFault> {
        let written = store::load(db, object)?;
        Ok(written.map(|written| Self { object, record: written.clone(), written }))
    }

    fn apply(
        &mut self,
        db: &Connection,
        event: &Event,
        revived: &mut Vec<ObjectId>,
    ) -> Result<Result<(), Refused>, LedgerFault> {
        let mut after = self.record.clone();
        if let Err(refused) = after.apply(event) {
            return Ok(Err(refused));
        }
        if let What::Missed { .. } = &event.what {
            // Without its file it cannot be sent again, and would be lost where it was only removed.
            if !checked::is_present(db, event.object)? {
                return Ok(Err(Refused::Decided(self.record.state)));
            }
            checked::drop_of(db, event.object)?;
        }
        store::save_particulars(db, event, after.verdicts)?;
        self.record = after;
        if let What::Judged(verdict) = &event.what {
            tried::count(db, event.object, event.at, verdict)?;
        }
        if let What::Held { reasons, by: _ } = &event.what
            && reasons.iter().any(|reason| is_without_bytes(reason))
        {
            // It looks at others alone, and those stand in the tables as they are.
            revive(db, event.object, revived)?;
        }
        Ok(Ok(()))
    }

    fn write(self, db: &Connection) -> Result<(), LedgerFault> {
        store::save(db, self.object, &self.written, &self.record)
    }
}
