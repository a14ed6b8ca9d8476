//! What was found on studies, and which objects are of one.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::Ledger;
use super::fault::LedgerFault;
use super::record::ObjectState;
use super::store::{id, instant, micros};
use crate::base::object_id::ObjectId;
use crate::base::time::Timestamp;
use crate::dicom::uid::Uid;

/// What was found on a study when it had settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StudyRow {
    /// Study Instance UID.
    pub study: Uid,
    /// When it was judged.
    pub settled: Timestamp,
    /// Why then: a word.
    pub cause: String,
    /// Its instances by then.
    pub instances: u64,
    /// The gravest severity found: a word; `None` when nothing was found.
    pub severity: Option<String>,
    /// What was found, as JSON without any value of a patient's attribute. Opaque to the ledger.
    pub report: String,
}

/// One object of a study.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StudyObject {
    /// Its name.
    pub id: ObjectId,
    /// Its SOP Instance UID.
    pub sop_instance: Uid,
    /// Its Series Instance UID; empty without one.
    pub series: Uid,
    /// Where it stands.
    pub state: ObjectState,
    /// Whether its file is there.
    pub present: bool,
    /// The mark that its latest verdict gave it.
    pub mark: Option<String>,
}

pub(super) fn write(db: &Connection, row: &StudyRow) -> Result<(), LedgerFault> {
    let mut statement = db.prepare_cached(
        "INSERT INTO study (study, settled, cause, instances, severity, report)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (study) DO UPDATE SET settled = excluded.settled, cause = excluded.cause,
           instances = excluded.instances, severity = excluded.severity, report = excluded.report",
    )?;
    statement.execute(params![
        row.study.as_str(),
        micros(row.settled),
        row.cause,
        i64::try_from(row.instances).unwrap_or(i64::MAX),
        row.severity,
        row.report
    ])?;
    Ok(())
}

/// Drops what was found before an instant.
pub(super) fn forget(db: &Connection, before: Timestamp) -> Result<(), LedgerFault> {
    db.prepare_cached("DELETE FROM study WHERE settled < $1")?.execute([micros(before)])?;
    Ok(())
}

fn row(row: &Row<'_>) -> rusqlite::Result<StudyRow> {
    let (study, instances): (String, i64) = (row.get(0)?, row.get(3)?);
    Ok(StudyRow {
        study: Uid::new(&study),
        settled: instant(row.get(1)?),
        cause: row.get(2)?,
        instances: u64::try_from(instances).unwrap_or_default(),
        severity: row.get(4)?,
        report: row.get(5)?,
    })
}

const COLUMNS: &str = "SELECT study, settled, cause, instances, severity, report FROM study";

impl Ledger {
    /// What was found on a study; `None` when it has not settled.
    ///
    /// # Errors
    /// When the index fails.
    pub fn study(&self, study: &Uid) -> Result<Option<StudyRow>, LedgerFault> {
        self.read(|db| {
            let mut statement = db.prepare_cached(&format!("{COLUMNS} WHERE study = $1"))?;
            Ok(statement.query_row([study.as_str()], row).optional()?)
        })
    }

    /// What was found on studies, the newest first.
    ///
    /// # Errors
    /// When the index fails.
    pub fn studies(&self, limit: usize) -> Result<Vec<StudyRow>, LedgerFault> {
        self.read(|db| {
            let newest = format!("{COLUMNS} ORDER BY settled DESC, study LIMIT $1");
            let mut statement = db.prepare_cached(&newest)?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let rows = statement.query_map([limit], row)?;
            Ok(rows.collect::<Result<Vec<StudyRow>, _>>()?)
        })
    }

    /// The objects of a study in order of arrival, copies that were suppressed left out.
    ///
    /// # Errors
    /// When the index fails.
    pub fn of_study(&self, study: &Uid, limit: usize) -> Result<Vec<StudyObject>, LedgerFault> {
        self.read(|db| {
            let mut statement = db.prepare_cached(
                "SELECT o.id, o.sop_instance, o.state, o.present,
                    (SELECT mark FROM verdict v WHERE v.object = o.id ORDER BY version DESC LIMIT 1),
                    o.series
                  FROM object o
                  WHERE o.study = $1 AND o.state <> 'suppressed' ORDER BY o.id LIMIT $2",
            )?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let mut rows = statement.query(params![study.as_str(), limit])?;
            let mut objects = Vec::new();
            while let Some(row) = rows.next()? {
                let (object, instance, state): (String, String, String) =
                    (row.get(0)?, row.get(1)?, row.get(2)?);
                let series: String = row.get(5)?;
                objects.push(StudyObject {
                    id: id(&object)?,
                    sop_instance: Uid::new(&instance),
                    series: Uid::new(&series),
                    state: ObjectState::parse(&state).ok_or(LedgerFault::BadRow("object state"))?,
                    present: row.get(3)?,
                    mark: row.get(4)?,
                });
            }
            Ok(objects)
        })
    }

    /// Studies of which something came after `since` and that have not been judged after it came, and when its last object came.
    ///
    /// # Errors
    /// When the index fails.
    pub fn unsettled_studies(
        &self,
        since: Timestamp,
    ) -> Result<Vec<(Uid, Timestamp)>, LedgerFault> {
        self.read(|db| {
            let mut statement = db.prepare_cached(
                "SELECT o.study, max(o.received) FROM object o
                  LEFT JOIN study s ON s.study = o.study
                  WHERE o.received > $1 AND o.study <> '' AND o.state <> 'suppressed'
                  GROUP BY o.study, s.settled
                  HAVING max(o.received) > coalesce(s.settled, 0)",
            )?;
            let mut rows = statement.query([micros(since)])?;
            let mut studies = Vec::new();
            while let Some(row) = rows.next()? {
                let study: String = row.get(0)?;
                studies.push((Uid::new(&study), instant(row.get(1)?)));
            }
            Ok(studies)
        })
    }
}
