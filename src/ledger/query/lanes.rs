//! What lanes ask.

use std::collections::HashMap;

use rusqlite::{Connection, params};

use super::{Due, row_id, row_uid};
use crate::base::object_id::ObjectId;
use crate::base::time::Timestamp;
use crate::dicom::uid::Uid;
use crate::ledger::Ledger;
use crate::ledger::fault::LedgerFault;
use crate::ledger::record::DeliveryState;
use crate::ledger::store::{instant, micros};

impl Ledger {
    /// Deliveries to a destination that may be tried now: urgent ones first, then in order of arrival. What is due in more than
    /// a quarter of an hour was put off under another clock, and may be tried too. What came under one of the titles `but` is left
    /// out.
    ///
    /// # Errors
    /// When the index fails.
    pub fn due(
        &self,
        destination: &str,
        now: Timestamp,
        limit: usize,
        but: &[String],
    ) -> Result<Vec<Due>, LedgerFault> {
        self.due_but(destination, now, limit, but, &HashMap::new())
    }

    /// As [`Ledger::due`], however many have to wait for an earlier one of their series: of each series in `waiting` only the object
    /// named with it is given.
    ///
    /// # Errors
    /// When the index fails.
    pub fn due_but(
        &self,
        destination: &str,
        now: Timestamp,
        limit: usize,
        but: &[String],
        waiting: &HashMap<Uid, ObjectId>,
    ) -> Result<Vec<Due>, LedgerFault> {
        let but = titles(but);
        let may_go =
            |due: &Due| waiting.get(&due.series).is_none_or(|object| *object == due.object);
        self.read_at_once(|db| {
            // Two queries, each along an index, and a merge: one query for both states would sort the whole queue.
            let mut due = due_in(db, destination, DeliveryState::Queued, now, limit, &but, may_go)?;
            due.extend(due_in(db, destination, DeliveryState::Deferred, now, limit, &but, may_go)?);
            due.sort_by_key(|due| (!due.urgent, due.object));
            due.truncate(limit);
            Ok(due)
        })
    }

    /// When the next deferred delivery to a destination is due, if there is one. What came under one of the titles `but` is left
    /// out.
    ///
    /// # Errors
    /// When the index fails.
    pub fn next_due(
        &self,
        destination: &str,
        but: &[String],
    ) -> Result<Option<Timestamp>, LedgerFault> {
        let but = titles(but);
        self.read_at_once(|db| {
            let mut statement = db.prepare_cached(NEXT_DUE)?;
            let due: Option<i64> =
                statement.query_row([destination, but.as_str()], |row| row.get(0))?;
            Ok(due.map(instant))
        })
    }

    /// Whether anything is to be delivered to a destination, now or later, that is not held.
    ///
    /// # Errors
    /// When the index fails.
    pub fn has_work(&self, destination: &str) -> Result<bool, LedgerFault> {
        self.read_at_once(|db| {
            let mut statement = db.prepare_cached(HAS_WORK)?;
            Ok(statement.query_row([destination], |row| row.get(0))?)
        })
    }
}

/// No attempt is put off for longer than this. What is due later was put off under a clock that has been set back since;
/// with a longer wait here, a clock set back by an hour would stop what was put off for that hour.
const LONGEST_WAIT: jiff::SignedDuration = jiff::SignedDuration::from_mins(15);

// What lanes ask all the time. CROSS JOIN keeps the database to the order in which the tables are written: with an index of
// deliveries first, a few rows are read; with the objects that are being forwarded first, the whole queue, for every batch.

const DUE: &str = "SELECT d.object, o.sop_class, o.sop_instance, o.series, o.syntax, d.urgent, d.attempts, o.source
       FROM delivery d CROSS JOIN object o ON o.id = d.object
      WHERE d.destination = $1 AND d.state = $2 AND (d.due <= $3 OR d.due > $4) AND o.state = 'forwarding'
        AND replace($5, '\\' || o.source || '\\', '') = $5
      ORDER BY d.urgent DESC, d.object";

const NEXT_DUE: &str = "SELECT min(d.due) FROM delivery d CROSS JOIN object o ON o.id = d.object
      WHERE d.destination = $1 AND d.state = 'deferred' AND o.state = 'forwarding'
        AND replace($2, '\\' || o.source || '\\', '') = $2";

const HAS_WORK: &str =
    "SELECT EXISTS (SELECT 1 FROM delivery d CROSS JOIN object o ON o.id = d.object
      WHERE d.destination = $1 AND d.state IN ('queued', 'sending', 'deferred')
        AND o.state = 'forwarding')";

/// Titles as one text, each between backslashes, which are in no title.
fn titles(titles: &[String]) -> String {
    titles.iter().map(|title| format!("\\{title}\\")).collect()
}

fn due_in(
    db: &Connection,
    destination: &str,
    state: DeliveryState,
    now: Timestamp,
    limit: usize,
    but: &str,
    may_go: impl Fn(&Due) -> bool,
) -> Result<Vec<Due>, LedgerFault> {
    let mut statement = db.prepare_cached(DUE)?;
    let too_late = now.checked_add(LONGEST_WAIT).unwrap_or(Timestamp::MAX);
    let mut rows = statement.query(params![
        destination,
        state.as_str(),
        micros(now),
        micros(too_late),
        but
    ])?;
    let mut due = Vec::new();
    // Rows come along the index, one by one: no more are read than it takes.
    while due.len() < limit
        && let Some(row) = rows.next()?
    {
        let one = Due {
            object: row_id(row, 0)?,
            sop_class: row_uid(row, 1)?,
            sop_instance: row_uid(row, 2)?,
            series: row_uid(row, 3)?,
            transfer_syntax: row_uid(row, 4)?,
            urgent: row.get(5)?,
            attempts: row.get(6)?,
            calling: row.get(7)?,
        };
        if may_go(&one) {
            due.push(one);
        }
    }
    Ok(due)
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::*;
    use crate::ledger::schema::{open_reader, open_writer};

    /// How the database goes about a query, one step a line.
    fn plan(query: &str) -> Vec<String> {
        let folder = tempfile::tempdir().expect("a folder");
        let (db, _) = open_writer(&folder.path().join("ledger.sqlite")).expect("a database");
        let mut statement = db.prepare(&format!("EXPLAIN QUERY PLAN {query}")).expect("SQL");
        for parameter in 1..=statement.parameter_count() {
            statement.raw_bind_parameter(parameter, 1).expect("a parameter");
        }
        let mut rows = statement.raw_query();
        let mut steps = Vec::new();
        while let Some(row) = rows.next().expect("a plan") {
            steps.push(row.get("detail").expect("text"));
        }
        steps
    }

    #[test]
    fn what_lanes_ask_all_the_time_is_planned_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ledger.sqlite");
        let (writer, _) = open_writer(&path).expect("a database");
        let reader = open_reader(&path).expect("a database");
        for db in [&writer, &reader] {
            let mut statement = db.prepare(DUE).expect("SQL");
            for state in [DeliveryState::Queued, DeliveryState::Deferred, DeliveryState::Queued] {
                let asked = params!["pacs", state.as_str(), 1, 2, ""];
                assert!(!statement.exists(asked).expect("asked"));
            }
            assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
        }
    }

    #[test]
    fn what_lanes_ask_all_the_time_never_reads_the_whole_queue() {
        for query in [DUE, NEXT_DUE, HAS_WORK] {
            let plan = plan(query);
            let tables: Vec<&String> =
                plan.iter().filter(|step| step.contains(" INDEX ")).collect();
            assert!(
                matches!(tables.as_slice(), [first, second]
                    if first.starts_with("SEARCH d USING") && second.starts_with("SEARCH o USING")),
                "{plan:?}"
            );
            assert!(!plan.iter().any(|step| step.contains("TEMP B-TREE")), "{plan:?}");
        }
    }
}
