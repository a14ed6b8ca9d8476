//! Counting.

use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use rusqlite::{OptionalExtension, Row, params};

use super::{Conservation, Counts, row_state};
use crate::base::time::Timestamp;
use crate::ledger::Ledger;
use crate::ledger::fault::LedgerFault;
use crate::ledger::record::{DeliveryState, ObjectState};
use crate::ledger::store::{self, instant};

/// Counts that were made in less are always made anew.
const QUICK: Duration = Duration::from_millis(200);

/// So many times as long as they took to make, counts are believed.
const BELIEVED: u32 = 5;

/// Counts, and what they cost.
#[derive(Debug, Clone)]
pub(in crate::ledger) struct Counted {
    at: Instant,
    took: Duration,
    counts: Counts,
}

impl Ledger {
    /// When the oldest object came that waits for its turn at a destination. Held ones wait for a person, not for it.
    ///
    /// # Errors
    /// When the index fails.
    pub fn oldest_waiting(&self, destination: &str) -> Result<Option<Timestamp>, LedgerFault> {
        self.read(|db| {
            // Along an index from its first row on, for each state and urgency: anything else would sort the whole queue.
            let mut statement = db.prepare_cached(
                "SELECT o.received FROM delivery d CROSS JOIN object o
                  WHERE d.destination = $1 AND d.state = $2 AND d.urgent = $3 AND o.id = d.object
                    AND o.state IN ('forwarding', 'held')
                  ORDER BY d.object LIMIT 1",
            )?;
            let mut oldest: Option<i64> = None;
            for state in [DeliveryState::Queued, DeliveryState::Sending, DeliveryState::Deferred] {
                for urgent in [false, true] {
                    let which = params![destination, state.as_str(), urgent];
                    let first: Option<i64> =
                        statement.query_row(which, |row| row.get(0)).optional()?;
                    oldest = first.into_iter().chain(oldest).min();
                }
            }
            Ok(oldest.map(instant))
        })
    }

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

    /// Figures for `status` and metrics. Counting a million objects takes a moment, so that the answer may be a few times as old
    /// as it took to make, if that was more than a fifth of a second: whoever asks often must not keep a processor busy.
    ///
    /// # Errors
    /// When the index fails.
    pub fn counts(&self) -> Result<Counts, LedgerFault> {
        let last = self.inner.counted.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(Counted { at, took, counts }) = last
            && took > QUICK
            && at.elapsed() < took * BELIEVED
        {
            return Ok(counts);
        }
        let begun = Instant::now();
        let counts = self.count()?;
        let counted = Counted { at: Instant::now(), took: begun.elapsed(), counts: counts.clone() };
        *self.inner.counted.lock().unwrap_or_else(PoisonError::into_inner) = Some(counted);
        Ok(counts)
    }

    fn count(&self) -> Result<Counts, LedgerFault> {
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
