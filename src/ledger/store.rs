//! Rows in and out: the only SQL that writes objects and deliveries.

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::base::object_id::ObjectId;
use crate::base::time::Timestamp;
use crate::dicom::uid::Uid;

use super::event::{Event, Verdict, What};
use super::fault::LedgerFault;
use super::record::{Answer, Delivery, DeliveryState, ObjectState, Record};
use super::{ObjectRow, Witnessed};

/// An instant as it stands in a row.
pub(super) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// The instant that a row holds.
pub(super) fn instant(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or_default()
}

/// A list of short texts as it stands in a row.
pub(super) fn list(texts: &[String]) -> String {
    serde_json::to_string(texts).expect("texts always serialise")
}

/// The list that a row holds.
pub(super) fn texts(json: &str) -> Result<Vec<String>, LedgerFault> {
    serde_json::from_str(json).map_err(|_bad| LedgerFault::BadRow("list"))
}

/// The id that a row holds.
pub(super) fn id(text: &str) -> Result<ObjectId, LedgerFault> {
    ObjectId::parse(text).ok_or(LedgerFault::BadRow("object id"))
}

/// Loads what events change, or `None` when there is no such object.
pub(super) fn load(db: &Connection, object: ObjectId) -> Result<Option<Record>, LedgerFault> {
    let key = object.to_string();
    let mut statement = db.prepare_cached(
        "SELECT state, reasons, on_hold, verdicts, released, destinations, settled
           FROM object WHERE id = $1",
    )?;
    let row = statement
        .query_row([&key], |row| {
            Ok((
                row.get::<_, String>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, bool>(2)?,
                row.get::<_, u32>(3)?,
                row.get::<_, bool>(4)?,
                row.get::<_, String>(5)?,
                row.get::<_, Option<i64>>(6)?,
            ))
        })
        .optional()?;
    let Some((state, reasons, on_hold, verdicts, released, destinations, settled)) = row else {
        return Ok(None);
    };
    Ok(Some(Record {
        state: ObjectState::parse(&state).ok_or(LedgerFault::BadRow("object state"))?,
        reasons: texts(&reasons)?,
        on_hold,
        verdicts,
        released,
        destinations: texts(&destinations)?,
        deliveries: deliveries(db, object)?,
        settled: settled.map(instant),
    }))
}

/// The deliveries of one object.
pub(super) fn deliveries(db: &Connection, object: ObjectId) -> Result<Vec<Delivery>, LedgerFault> {
    let mut statement = db.prepare_cached(
        "SELECT destination, state, attempts, due, last_error, status, comment, sent, answered
           FROM delivery WHERE object = $1 ORDER BY destination",
    )?;
    let mut rows = statement.query([object.to_string()])?;
    let mut deliveries = Vec::new();
    while let Some(row) = rows.next()? {
        deliveries.push(Delivery {
            destination: row.get(0)?,
            state: delivery_state(row, 1)?,
            attempts: row.get(2)?,
            due: instant(row.get(3)?),
            last_error: row.get(4)?,
            answer: answer(row)?,
        });
    }
    Ok(deliveries)
}

/// The delivery state in a column.
pub(super) fn delivery_state(row: &Row<'_>, column: usize) -> Result<DeliveryState, LedgerFault> {
    let text: String = row.get(column)?;
    DeliveryState::parse(&text).ok_or(LedgerFault::BadRow("delivery state"))
}

fn answer(row: &Row<'_>) -> Result<Option<Answer>, LedgerFault> {
    let Some(status) = row.get::<_, Option<u16>>(5)? else {
        return Ok(None);
    };
    let sent: String = row.get(7)?;
    Ok(Some(Answer {
        status,
        comment: row.get(6)?,
        sent: sent.parse().map_err(|_bad| LedgerFault::BadRow("hash"))?,
        at: instant(row.get(8)?),
    }))
}

/// An event with what is known of its object.
pub(super) fn witnessed(db: &Connection, event: Event) -> Result<Witnessed, LedgerFault> {
    let mut statement =
        db.prepare_cached("SELECT source, peer, sop_instance, study FROM object WHERE id = $1")?;
    let row = statement.query_row([event.object.to_string()], |row| {
        Ok([row.get::<_, String>(0)?, row.get(1)?, row.get(2)?, row.get(3)?])
    });
    let [source, peer, sop_instance, study] = row.optional()?.unwrap_or_default();
    let (sop_instance, study) = (Uid::new(&sop_instance), Uid::new(&study));
    Ok(Witnessed { event, source, peer, sop_instance, study })
}

/// Inserts an object that has come. It must not be there.
pub(super) fn insert(
    db: &Connection,
    object: &ObjectRow,
    day: &str,
    record: &Record,
) -> Result<(), LedgerFault> {
    let mut statement = db.prepare_cached(
        "INSERT INTO object (id, received, day, source, called, peer, syntax, sop_class, sop_instance,
             study, series, length, hash, urgent, present, state, reasons, on_hold, verdicts, released,
             destinations, settled)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 1, $15, '[]', 0, 0, 0, '[]', $16)",
    )?;
    statement.execute(params![
        object.id.to_string(),
        micros(object.received),
        day,
        object.calling_ae.as_str(),
        object.called_ae.as_str(),
        object.peer.to_string(),
        object.transfer_syntax.as_str(),
        object.sop_class.as_str(),
        object.sop_instance.as_str(),
        object.study.as_str(),
        object.series.as_str(),
        i64::try_from(object.length).unwrap_or(i64::MAX),
        object.hash.to_string(),
        object.urgent,
        record.state.as_str(),
        record.settled.map(micros),
    ])?;
    Ok(())
}

/// A row for an object that only the log speaks of. It has no file and no source; see `rebuild`.
pub(super) fn insert_ghost(
    db: &Connection,
    object: ObjectId,
    day: &str,
) -> Result<(), LedgerFault> {
    let mut statement = db.prepare_cached(
        "INSERT INTO object (id, received, day, source, called, peer, syntax, sop_class, sop_instance,
             study, series, length, hash, urgent, present, state, reasons, on_hold, verdicts, released,
             destinations, settled)
         VALUES ($1, $2, $3, '', '', '', '', '', '', '', '', 0, '', 0, 0, 'received', '[]', 0, 0, 0, '[]', NULL)",
    )?;
    statement.execute(params![object.to_string(), micros(object.time()), day])?;
    Ok(())
}

/// Writes back what [`load`] loaded.
pub(super) fn save(
    db: &Connection,
    object: ObjectId,
    before: &Record,
    after: &Record,
) -> Result<(), LedgerFault> {
    let key = object.to_string();
    // Each index of a column that is named is written to, whether or not its value is another.
    if own(before) != own(after) {
        let mut statement = db.prepare_cached(
            "UPDATE object SET state = $1, reasons = $2, on_hold = $3, verdicts = $4, released = $5,
                 destinations = $6, settled = $7
             WHERE id = $8",
        )?;
        statement.execute(params![
            after.state.as_str(),
            list(&after.reasons),
            after.on_hold,
            after.verdicts,
            after.released,
            list(&after.destinations),
            after.settled.map(micros),
            key,
        ])?;
    }
    let gone = |old: &&Delivery| {
        !after.deliveries.iter().any(|delivery| delivery.destination == old.destination)
    };
    for old in before.deliveries.iter().filter(gone) {
        let mut statement =
            db.prepare_cached("DELETE FROM delivery WHERE object = $1 AND destination = $2")?;
        statement.execute(params![key, old.destination])?;
    }
    for delivery in &after.deliveries {
        if !before.deliveries.contains(delivery) {
            save_delivery(db, &key, delivery)?;
        }
    }
    Ok(())
}

/// What of a record stands in the object's own row.
fn own(record: &Record) -> impl PartialEq + '_ {
    let Record { state, reasons, on_hold, verdicts, released, destinations, settled, .. } = record;
    (state, reasons, on_hold, verdicts, released, destinations, settled)
}

fn save_delivery(db: &Connection, key: &str, delivery: &Delivery) -> Result<(), LedgerFault> {
    let mut statement = db.prepare_cached(
        "INSERT INTO delivery (object, destination, state, urgent, attempts, due, last_error, status,
             comment, sent, answered)
         VALUES ($1, $2, $3, (SELECT urgent FROM object WHERE id = $1), $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (object, destination) DO UPDATE SET state = excluded.state,
             attempts = excluded.attempts, due = excluded.due, last_error = excluded.last_error,
             status = excluded.status, comment = excluded.comment, sent = excluded.sent,
             answered = excluded.answered",
    )?;
    let answer = delivery.answer.as_ref();
    statement.execute(params![
        key,
        delivery.destination,
        delivery.state.as_str(),
        delivery.attempts,
        micros(delivery.due),
        delivery.last_error,
        answer.map(|answer| answer.status),
        answer.map(|answer| answer.comment.as_str()),
        answer.map(|answer| answer.sent.to_string()),
        answer.map(|answer| micros(answer.at)),
    ])?;
    Ok(())
}

/// Writes what an event adds beside the object's own row: a verdict, or what a person did.
pub(super) fn save_particulars(
    db: &Connection,
    event: &Event,
    version: u32,
) -> Result<(), LedgerFault> {
    match &event.what {
        What::Judged(verdict) => save_verdict(db, event, verdict, version),
        What::Held { reasons, by: Some(by) } => {
            save_decision(db, event, "held", by, &reasons.join(" "))
        }
        What::Released { by, reason, to: _ } => save_decision(db, event, "released", by, reason),
        What::Rejected { by, reason } => save_decision(db, event, "rejected", by, reason),
        What::Held { reasons: _, by: None }
        | What::Sending { .. }
        | What::Deferred { .. }
        | What::Delivered { .. }
        | What::DeliveryHeld { .. }
        | What::Missed { .. }
        | What::Requeued { .. } => Ok(()),
    }
}

fn save_verdict(
    db: &Connection,
    event: &Event,
    verdict: &Verdict,
    version: u32,
) -> Result<(), LedgerFault> {
    let key = event.object.to_string();
    let mut statement = db.prepare_cached(
        "INSERT INTO verdict (object, version, decided, mark, reason, report, plan, rules, registry, config)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
    )?;
    statement.execute(params![
        key,
        version,
        micros(event.at),
        verdict.mark,
        verdict.reason,
        verdict.report,
        verdict.plan,
        verdict.versions.rules,
        verdict.versions.registry,
        verdict.versions.config,
    ])?;
    if !verdict.study.is_empty() || !verdict.series.is_empty() {
        let mut statement = db.prepare_cached(
            "UPDATE object SET study = $1, series = $2
                 WHERE id = $3 AND (study <> $1 OR series <> $2)",
        )?;
        statement.execute(params![verdict.study.as_str(), verdict.series.as_str(), key])?;
    }
    Ok(())
}

fn save_decision(
    db: &Connection,
    event: &Event,
    what: &str,
    who: &str,
    why: &str,
) -> Result<(), LedgerFault> {
    let mut statement = db.prepare_cached(
        "INSERT INTO decision (object, at, what, who, why) VALUES ($1, $2, $3, $4, $5)",
    )?;
    statement.execute(params![event.object.to_string(), micros(event.at), what, who, why])?;
    Ok(())
}
