//! What can be asked. Every query runs on a reading connection, sees one consistent state and blocks for as long as it takes:
//! call it on a thread that may.

mod commitments;
mod figures;
mod lanes;
mod pieces;
mod rows;

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::base::object_id::ObjectId;
use crate::base::time::Timestamp;
use crate::dicom::uid::Uid;

use super::fault::LedgerFault;
use super::record::{Delivery, DeliveryState, ObjectState};
use super::store::{self, id, instant, micros, texts};
use super::{ClockNote, Ledger, event, writer};
use pieces::Query;

pub use commitments::Version;
pub(super) use figures::Counted;
pub use rows::{
    Conservation, Counts, Departure, Due, Explained, Filter, JudgedAs, Precedent, QuarantineEntry,
    QueueEntry, Treatment,
};

/// See [`Ledger::known`].
pub(super) fn known(db: &Connection) -> Result<BTreeSet<ObjectId>, LedgerFault> {
    let mut statement = db.prepare("SELECT id FROM object WHERE present = 1")?;
    let mut rows = statement.query([])?;
    let mut known = Vec::new();
    while let Some(row) = rows.next()? {
        known.push(row_id(row, 0)?);
    }
    // A set that is made at once is smaller and made sooner than one that grows by a million.
    Ok(known.into_iter().collect())
}

fn row_id(row: &Row<'_>, column: usize) -> Result<ObjectId, LedgerFault> {
    let text: String = row.get(column)?;
    id(&text)
}

fn row_uid(row: &Row<'_>, column: usize) -> rusqlite::Result<Uid> {
    let text: String = row.get(column)?;
    Ok(Uid::new(&text))
}

fn row_state(row: &Row<'_>, column: usize) -> Result<ObjectState, LedgerFault> {
    let text: String = row.get(column)?;
    ObjectState::parse(&text).ok_or(LedgerFault::BadRow("object state"))
}

fn sql_limit(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

impl Ledger {
    /// The sequence of the last durable event that is in the tables: a rebuild needs the log from there on.
    ///
    /// # Errors
    /// When the index fails.
    pub fn applied(&self) -> Result<u64, LedgerFault> {
        self.read(writer::applied)
    }

    /// How an object leaves for a destination; `None` when it may not, or no longer: it is held, settled or unknown, or its
    /// delivery there is. To be asked at the beginning of each attempt, since people decide at any time.
    ///
    /// # Errors
    /// When the index fails.
    pub fn departure(
        &self,
        object: ObjectId,
        destination: &str,
    ) -> Result<Option<Departure>, LedgerFault> {
        self.read_at_once(|db| {
            let Some(record) = store::load(db, object)? else {
                return Ok(None);
            };
            let open = record.deliveries.iter().filter(|delivery| delivery.state.is_open());
            let (here, elsewhere): (Vec<_>, Vec<_>) =
                open.partition(|delivery| delivery.destination == destination);
            if record.state != ObjectState::Forwarding || here.is_empty() {
                return Ok(None);
            }
            let is_last = elsewhere.is_empty();
            let as_received = Departure { treatment: Treatment::AsReceived, is_last };
            if record.released {
                return Ok(Some(as_received));
            }
            let verdict = latest_verdict(db, object)?.ok_or(LedgerFault::BadRow("verdict"))?;
            if verdict.plan.is_empty() {
                return Ok(Some(as_received));
            }
            Ok(Some(Departure { treatment: Treatment::Planned(verdict.plan), is_last }))
        })
    }

    /// Objects that have not been judged, in order of arrival, after `after`.
    ///
    /// # Errors
    /// When the index fails.
    pub fn unjudged(
        &self,
        after: Option<ObjectId>,
        limit: usize,
    ) -> Result<Vec<ObjectId>, LedgerFault> {
        self.ids_after(
            "SELECT id FROM object WHERE state = 'received' AND id > $1 ORDER BY id LIMIT $2",
            after,
            limit,
        )
    }

    /// Whether there is an object of this SOP Instance UID.
    ///
    /// # Errors
    /// When the index fails.
    pub fn knows(&self, sop_instance: &Uid) -> Result<bool, LedgerFault> {
        // Asked while a peer waits.
        if self.inner.told.entered.has(sop_instance) {
            return Ok(true);
        }
        self.read_at_once(|db| {
            let mut statement =
                db.prepare_cached("SELECT EXISTS (SELECT 1 FROM object WHERE sop_instance = $1)")?;
            Ok(statement.query_row([sop_instance.as_str()], |row| row.get(0))?)
        })
    }

    /// The latest verdict on the same bytes under the same SOP Instance UID, to be used again.
    ///
    /// # Errors
    /// When the index fails.
    pub fn earlier_verdict(
        &self,
        sop_instance: &Uid,
        hash: &blake3::Hash,
    ) -> Result<Option<JudgedAs>, LedgerFault> {
        self.read_at_once(|db| {
            let mut statement = db.prepare_cached(
                "SELECT id FROM object
                  WHERE sop_instance = $1 AND hash = $2 AND verdicts > 0 ORDER BY id DESC LIMIT 1",
            )?;
            let found: Option<String> = statement
                .query_row([sop_instance.as_str(), &hash.to_string()], |row| row.get(0))
                .optional()?;
            match found {
                Some(found) => latest_verdict(db, id(&found)?),
                None => Ok(None),
            }
        })
    }

    /// What an object is to those before it, however many came after it. `None` when it is not known.
    ///
    /// # Errors
    /// When the index fails.
    pub fn precedent(&self, object: ObjectId) -> Result<Option<Precedent>, LedgerFault> {
        self.read(|db| {
            let key = object.to_string();
            let mut statement = db.prepare_cached(
                "SELECT sop_instance, hash, verdicts > 0 FROM object WHERE id = $1",
            )?;
            let own = statement
                .query_row([&key], |row| {
                    Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get(2)?))
                })
                .optional()?;
            let Some((instance, hash, is_judged)) = own else { return Ok(None) };
            if instance.is_empty() {
                return Ok(Some(Precedent { is_judged, ..Precedent::default() }));
            }
            let mut statement = db.prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM object
                  WHERE sop_instance = $1 AND id < $2 AND hash <> $3
                    AND state NOT IN ('rejected', 'suppressed'))",
            )?;
            let conflicts = statement.query_row([&instance, &key, &hash], |row| row.get(0))?;
            let mut statement = db.prepare_cached(
                "SELECT id FROM object
                  WHERE sop_instance = $1 AND id < $2 AND hash = $3 AND verdicts > 0
                    AND state NOT IN ('rejected', 'suppressed') ORDER BY id DESC LIMIT 1",
            )?;
            let same: Option<String> =
                statement.query_row([&instance, &key, &hash], |row| row.get(0)).optional()?;
            let verdict = match same {
                Some(same) => latest_verdict(db, id(&same)?)?,
                None => None,
            };
            Ok(Some(Precedent { conflicts, is_judged, verdict }))
        })
    }

    /// The latest verdict on an object that some destination has, or may have of an attempt that failed; `None` when it was never
    /// tried.
    ///
    /// # Errors
    /// When the index fails.
    pub fn went_out_as(&self, object: ObjectId) -> Result<Option<JudgedAs>, LedgerFault> {
        self.read(|db| {
            let mut statement = db.prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM delivery WHERE object = $1
                  AND (state IN ('sending', 'delivered') OR attempts > 0))",
            )?;
            let went_out: bool = statement.query_row([object.to_string()], |row| row.get(0))?;
            if went_out { latest_verdict(db, object) } else { Ok(None) }
        })
    }

    /// The queue: deliveries that are not done, in order of arrival. An object that was held before it had any is in the
    /// quarantine alone.
    ///
    /// # Errors
    /// When the index fails.
    pub fn queue(&self, filter: &Filter, limit: usize) -> Result<Vec<QueueEntry>, LedgerFault> {
        self.read(|db| {
            let mut entries = Vec::new();
            // A query for each state, along an index of it, and a merge: one query for all would sort the whole queue.
            for state in UNDELIVERED {
                if filter.state.is_none_or(|wanted| wanted == state) {
                    entries.extend(queued(db, filter, state, limit)?);
                }
            }
            entries.sort_by(|a, b| {
                (a.id, &a.delivery.destination).cmp(&(b.id, &b.delivery.destination))
            });
            entries.truncate(limit);
            Ok(entries)
        })
    }

    /// The quarantine: objects that wait for a person; with `all` also those that were released or rejected.
    ///
    /// # Errors
    /// When the index fails.
    pub fn quarantine(
        &self,
        filter: &Filter,
        all: bool,
        limit: usize,
    ) -> Result<Vec<QuarantineEntry>, LedgerFault> {
        self.read(|db| {
            let mut query = Query::new(
                "SELECT o.id, o.sop_instance, o.study, o.source, o.received, o.state, o.reasons FROM object o",
            );
            query.plain(if all {
                " WHERE (o.state IN ('held', 'rejected') OR o.released = 1)"
            } else {
                " WHERE o.state = 'held'"
            });
            query.objects(filter);
            query.plain(" ORDER BY o.id");
            query.limit(limit);
            query.run(db, |row| {
                let object = row_id(row, 0)?;
                let reasons: String = row.get(6)?;
                let mut reasons = texts(&reasons)?;
                let state = match row_state(row, 5)? {
                    ObjectState::Held => "held",
                    ObjectState::Rejected => "rejected",
                    ObjectState::Received
                    | ObjectState::Forwarding
                    | ObjectState::Delivered
                    | ObjectState::Suppressed
                    | ObjectState::Lost => "released",
                };
                for delivery in store::deliveries(db, object)? {
                    if delivery.state == DeliveryState::Held
                        && let Some(code) = delivery.last_error.split_whitespace().next()
                        && !reasons.iter().any(|reason| reason == code)
                    {
                        reasons.push(code.to_owned());
                    }
                }
                Ok(QuarantineEntry {
                    id: object,
                    sop_instance: row_uid(row, 1)?,
                    study: row_uid(row, 2)?,
                    source: row.get(3)?,
                    received: instant(row.get(4)?),
                    state,
                    reasons,
                })
            })
        })
    }

    /// All that is known of the objects that `filter` means, newest first.
    ///
    /// # Errors
    /// When the index fails.
    pub fn explain(&self, filter: &Filter, limit: usize) -> Result<Vec<Explained>, LedgerFault> {
        self.read(|db| {
            let mut query = Query::new(
                "SELECT o.id, o.received, o.source, o.sop_instance, o.study, o.hash, o.state, o.reasons, o.released
                   FROM object o WHERE o.state <> 'suppressed'",
            );
            query.objects(filter);
            query.plain(" ORDER BY o.id DESC");
            query.limit(limit);
            query.run(db, |row| {
                let object = row_id(row, 0)?;
                let reasons: String = row.get(7)?;
                Ok(Explained {
                    id: object,
                    received: instant(row.get(1)?),
                    source: row.get(2)?,
                    sop_instance: row_uid(row, 3)?,
                    study: row_uid(row, 4)?,
                    hash: row.get(5)?,
                    state: row_state(row, 6)?,
                    reasons: texts(&reasons)?,
                    released: row.get(8)?,
                    verdict: latest_verdict(db, object)?,
                    deliveries: store::deliveries(db, object)?,
                })
            })
        })
    }

    /// Objects whose custody ended before `before` and whose files are still there, oldest first. A suppressed copy stays for as
    /// long as the object that it may have to stand for; of several copies the first does, and the others may go at once.
    ///
    /// # Errors
    /// When the index fails.
    pub fn removable(&self, before: Timestamp, limit: usize) -> Result<Vec<ObjectId>, LedgerFault> {
        self.read(|db| {
            let mut statement = db.prepare_cached(
                "SELECT id FROM object o
                  WHERE present = 1 AND settled IS NOT NULL
                    AND (state IN ('delivered', 'rejected') AND settled < $1
                      OR state = 'suppressed' AND (
                        settled < $1 AND NOT EXISTS (SELECT 1 FROM object p
                          WHERE p.sop_instance = o.sop_instance AND p.hash = o.hash
                            AND p.state IN ('received', 'forwarding', 'held'))
                        OR EXISTS (SELECT 1 FROM object p
                          WHERE p.sop_instance = o.sop_instance AND p.hash = o.hash AND p.source = o.source
                            AND p.called = o.called AND p.peer = o.peer
                            AND p.state = 'suppressed' AND p.present = 1 AND p.id < o.id)))
                  ORDER BY settled LIMIT $2",
            )?;
            let mut rows = statement.query(params![micros(before), sql_limit(limit)])?;
            let mut objects = Vec::new();
            while let Some(row) = rows.next()? {
                objects.push(row_id(row, 0)?);
            }
            Ok(objects)
        })
    }

    /// What the wall clock said when it was last noted; `None` in an index that is new.
    ///
    /// # Errors
    /// When the index fails.
    pub fn clock(&self) -> Result<Option<ClockNote>, LedgerFault> {
        self.read(|db| {
            let mut statement = db.prepare_cached("SELECT value FROM mark WHERE name = $1")?;
            let mut noted = |name: &str| -> Result<Option<Timestamp>, LedgerFault> {
                let value: Option<i64> =
                    statement.query_row([name], |row| row.get(0)).optional()?;
                Ok(value.map(instant))
            };
            let at = noted("clock")?;
            let rests = noted("rests")?.filter(|rests| at.is_some_and(|at| *rests > at));
            Ok(at.map(|at| ClockNote { at, rests }))
        })
    }

    /// Objects that should have files, in order of arrival, after `after`.
    ///
    /// # Errors
    /// When the index fails.
    pub fn present(
        &self,
        after: Option<ObjectId>,
        limit: usize,
    ) -> Result<Vec<ObjectId>, LedgerFault> {
        self.ids_after(
            // The sum keeps the database from choosing the index of `present`, behind which it would sort all objects.
            "SELECT id FROM object WHERE id > $1 AND present + 0 = 1 ORDER BY id LIMIT $2",
            after,
            limit,
        )
    }

    fn ids_after(
        &self,
        sql: &'static str,
        after: Option<ObjectId>,
        limit: usize,
    ) -> Result<Vec<ObjectId>, LedgerFault> {
        self.read(|db| {
            let mut statement = db.prepare_cached(sql)?;
            let after = after.map(|id| id.to_string()).unwrap_or_default();
            let mut rows = statement.query(params![after, sql_limit(limit)])?;
            let mut objects = Vec::new();
            while let Some(row) = rows.next()? {
                objects.push(row_id(row, 0)?);
            }
            Ok(objects)
        })
    }

    /// Objects that have files, each with its Series Instance UID, in order of arrival, after `after`; those of no series left out.
    ///
    /// # Errors
    /// When the index fails.
    pub fn series_after(
        &self,
        after: Option<ObjectId>,
        limit: usize,
    ) -> Result<Vec<(ObjectId, Uid)>, LedgerFault> {
        self.read(|db| {
            let mut statement = db.prepare_cached(
                "SELECT id, series FROM object
                  WHERE id > $1 AND present = 1 AND series <> '' ORDER BY id LIMIT $2",
            )?;
            let after = after.map(|id| id.to_string()).unwrap_or_default();
            let mut rows = statement.query(params![after, sql_limit(limit)])?;
            let mut objects = Vec::new();
            while let Some(row) = rows.next()? {
                objects.push((row_id(row, 0)?, row_uid(row, 1)?));
            }
            Ok(objects)
        })
    }

    /// The oldest and the newest object of all that are known, if there is one.
    ///
    /// # Errors
    /// When the index fails.
    pub fn span(&self) -> Result<Option<(ObjectId, ObjectId)>, LedgerFault> {
        self.read(|db| {
            let end = |sql| -> Result<Option<ObjectId>, LedgerFault> {
                let found: Option<String> = db.query_row(sql, [], |row| row.get(0))?;
                found.map(|text| id(&text)).transpose()
            };
            let oldest = end("SELECT min(id) FROM object")?;
            Ok(oldest.zip(end("SELECT max(id) FROM object")?))
        })
    }

    /// How many objects should have files, and the bytes of their data sets. Reads all rows.
    ///
    /// # Errors
    /// When the index fails.
    pub fn holdings(&self) -> Result<(u64, u64), LedgerFault> {
        self.read(|db| {
            let mut statement = db.prepare_cached(
                "SELECT count(*), coalesce(sum(length), 0) FROM object WHERE present = 1",
            )?;
            let (count, bytes): (i64, i64) =
                statement.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok((u64::try_from(count).unwrap_or(0), u64::try_from(bytes).unwrap_or(0)))
        })
    }

    /// Whether a record of the log is still needed: its object is in custody, or its file is there, or the record cannot
    /// be read. To be asked after [`Ledger::checkpoint`].
    ///
    /// # Errors
    /// When the index fails.
    pub fn keeps(&self, record: &[u8]) -> Result<bool, LedgerFault> {
        let Some(event) = event::from_record(record) else {
            return Ok(true);
        };
        self.read(|db| {
            let mut statement = db.prepare_cached(
                "SELECT present = 1 OR state NOT IN ('delivered', 'rejected', 'suppressed')
                   FROM object WHERE id = $1",
            )?;
            let kept =
                statement.query_row([event.object.to_string()], |row| row.get(0)).optional()?;
            Ok(kept.unwrap_or(false))
        })
    }
}

/// Of deliveries that are not done.
const UNDELIVERED: [DeliveryState; 4] =
    [DeliveryState::Queued, DeliveryState::Sending, DeliveryState::Deferred, DeliveryState::Held];

/// The first deliveries in one state, by object.
fn queued(
    db: &Connection,
    filter: &Filter,
    state: DeliveryState,
    limit: usize,
) -> Result<Vec<QueueEntry>, LedgerFault> {
    // Where objects are named in some way, it is they that are few.
    let mut query = Query::new(
        "SELECT o.id, o.sop_instance, o.study, o.source, o.received, o.urgent, d.destination, d.state,
                d.attempts, d.due, d.last_error",
    );
    query.plain(if filter.names_objects() {
        " FROM object o CROSS JOIN delivery d"
    } else {
        " FROM delivery d CROSS JOIN object o"
    });
    query.plain(" WHERE o.id = d.object AND o.state IN ('forwarding', 'held')");
    query.and(" AND d.state = ", state.as_str().to_owned());
    if let Some(destination) = &filter.destination {
        query.and(" AND d.destination = ", destination.clone());
    }
    query.objects(filter);
    query.plain(" ORDER BY d.object");
    query.limit(limit);
    query.run(db, |row| {
        Ok(QueueEntry {
            id: row_id(row, 0)?,
            sop_instance: row_uid(row, 1)?,
            study: row_uid(row, 2)?,
            source: row.get(3)?,
            received: instant(row.get(4)?),
            urgent: row.get(5)?,
            delivery: Delivery {
                destination: row.get(6)?,
                state: store::delivery_state(row, 7)?,
                attempts: row.get(8)?,
                due: instant(row.get(9)?),
                last_error: row.get(10)?,
                answer: None,
            },
        })
    })
}

fn latest_verdict(db: &Connection, object: ObjectId) -> Result<Option<JudgedAs>, LedgerFault> {
    let mut statement = db.prepare_cached(
        "SELECT version, decided, mark, reason, report, plan, rules, registry, config
           FROM verdict WHERE object = $1 ORDER BY version DESC LIMIT 1",
    )?;
    let verdict = statement.query_row([object.to_string()], |row| {
        Ok(JudgedAs {
            version: row.get(0)?,
            at: instant(row.get(1)?),
            mark: row.get(2)?,
            reason: row.get(3)?,
            report: row.get(4)?,
            plan: row.get(5)?,
            versions: event::Versions {
                rules: row.get(6)?,
                registry: row.get(7)?,
                config: row.get(8)?,
            },
        })
    });
    Ok(verdict.optional()?)
}
