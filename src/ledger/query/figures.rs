//! Counting.

use std::collections::BTreeMap;

use rusqlite::Row;

use super::{Conservation, Counts, row_state};
use crate::ledger::Ledger;
use crate::ledger::fault::LedgerFault;
use crate::ledger::record::ObjectState;
use crate::ledger::store::{self, instant};

impl Ledger {
    /// Whether received = delivered + held + rejected + in flight: one line for each day and source.
    ///
    /// # Errors
    /// When the index fails.
    pub fn conservation(&self) -> Result<Vec<Conservation>, LedgerFault> {
        self.read(|db| {
            let mut lines: BTreeMap<(String, String), Conservation> = BTreeMap::new();
            let mut statement = db.prepare_cached(
                "SELECT day, source, state, count(*) FROM object GROUP BY day, source, state",
            )?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let line = line(&mut lines, row)?;
                let count = row_count(row, 3)?;
                let state = row_state(row, 2)?;
                if state != ObjectState::Suppressed {
                    line.received += count;
                }
                match state {
                    ObjectState::Received | ObjectState::Forwarding => line.in_flight += count,
                    ObjectState::Held => line.held += count,
                    ObjectState::Delivered => line.delivered += count,
                    ObjectState::Rejected => line.rejected += count,
                    ObjectState::Suppressed => line.suppressed += count,
                    // Counted as received and nowhere else: that is what an imbalance is for.
                    ObjectState::Lost => {}
                }
            }
            let mut statement = db.prepare_cached("SELECT day, source, kind, count FROM tally")?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let line = line(&mut lines, row)?;
                let (kind, count): (String, u64) = (row.get(2)?, row_count(row, 3)?);
                match kind.as_str() {
                    "received" => line.received += count,
                    "delivered" => line.delivered += count,
                    "rejected" => line.rejected += count,
                    "refused" => line.refused += count,
                    "suppressed" => line.suppressed += count,
                    _ => return Err(LedgerFault::BadRow("kind of count")),
                }
            }
            Ok(lines.into_values().collect())
        })
    }

    /// Figures for `status` and metrics.
    ///
    /// # Errors
    /// When the index fails.
    pub fn counts(&self) -> Result<Counts, LedgerFault> {
        self.read(|db| {
            let mut counts = Counts::default();
            let mut statement =
                db.prepare_cached("SELECT state, count(*) FROM object GROUP BY state")?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                counts.objects.insert(row_state(row, 0)?, row_count(row, 1)?);
            }
            let mut statement = db.prepare_cached(
                "SELECT destination, state, count(*) FROM delivery
                  WHERE state IN ('queued', 'sending', 'deferred', 'held') GROUP BY destination, state",
            )?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                let key = (row.get(0)?, store::delivery_state(row, 1)?);
                counts.deliveries.insert(key, row_count(row, 2)?);
            }
            let mut statement = db.prepare_cached(
                "SELECT min(received) FROM object WHERE id IN (
                    (SELECT min(id) FROM object WHERE state = 'received'),
                    (SELECT min(id) FROM object WHERE state = 'forwarding'))",
            )?;
            let oldest: Option<i64> = statement.query_row([], |row| row.get(0))?;
            counts.oldest = oldest.map(instant);
            Ok(counts)
        })
    }
}

fn line<'a>(
    lines: &'a mut BTreeMap<(String, String), Conservation>,
    row: &Row<'_>,
) -> Result<&'a mut Conservation, LedgerFault> {
    let key: (String, String) = (row.get(0)?, row.get(1)?);
    let (day, source) = key.clone();
    Ok(lines.entry(key).or_insert_with(|| Conservation { day, source, ..Conservation::default() }))
}

fn row_count(row: &Row<'_>, column: usize) -> Result<u64, LedgerFault> {
    let count: i64 = row.get(column)?;
    u64::try_from(count).map_err(|_negative| LedgerFault::BadRow("count"))
}
