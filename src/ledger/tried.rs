//! What rules that are only tried out would have withheld.
//!
//! An object counts once for each rule, however often it is judged, and so does a study whose images wait for it. What has been
//! counted of one is kept as long as it is; the counts stay.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::Ledger;
use super::event::{Trial, Verdict};
use super::fault::LedgerFault;
use super::store::{list, micros, texts};
use crate::base::object_id::ObjectId;
use crate::base::time::Timestamp;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Unit {
    /// Objects, each with a fate of its own.
    Object,
    /// Studies, where images wait for theirs.
    Study,
}

impl Unit {
    /// Its word in tables and reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Object => "object",
            Self::Study => "study",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Object, Self::Study].into_iter().find(|unit| unit.as_str() == word)
    }
}

/// What one rule would have withheld.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// The rule's id.
    pub rule: String,
    /// What is counted.
    pub unit: Unit,
    /// Those that it applied to and that bear a mark.
    pub applied: u64,
    /// Of these, those that it would have withheld.
    pub withheld: u64,
}

/// The beginning of the keys of studies.
const STUDY: &str = "study/";

/// Counts what came of a verdict's trial.
pub(super) fn count(
    db: &Connection,
    object: ObjectId,
    at: Timestamp,
    verdict: &Verdict,
) -> Result<(), LedgerFault> {
    let Some(Trial { study, applied, withheld }) = &verdict.trial else { return Ok(()) };
    let (unit, one) = if *study && !verdict.study.is_empty() {
        (Unit::Study, format!("{STUDY}{}", verdict.study))
    } else {
        (Unit::Object, object.to_string())
    };
    let mut statement =
        db.prepare_cached("SELECT applied, withheld FROM tried_on WHERE one = $1")?;
    let before: Option<(String, String)> =
        statement.query_row([&one], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let (was_applied, was_withheld) = match before {
        Some((applied, withheld)) => (texts(&applied)?, texts(&withheld)?),
        None => Default::default(),
    };
    let all_applied = together(&was_applied, applied);
    let all_withheld = together(&was_withheld, withheld);
    let mut statement = db.prepare_cached(
        "INSERT INTO tried (rule, unit, applied, withheld) VALUES ($1, $2, $3, $4)
         ON CONFLICT (rule, unit) DO UPDATE SET applied = tried.applied + excluded.applied,
             withheld = tried.withheld + excluded.withheld",
    )?;
    for rule in &all_applied {
        let is_new = |all: &BTreeSet<String>, before: &[String]| {
            all.contains(rule) && !before.contains(rule)
        };
        let (applied, withheld) =
            (is_new(&all_applied, &was_applied), is_new(&all_withheld, &was_withheld));
        if applied || withheld {
            statement.execute(params![rule, unit.as_str(), applied, withheld])?;
        }
    }
    let mut statement = db.prepare_cached(
        "INSERT INTO tried_on (one, at, applied, withheld) VALUES ($1, $2, $3, $4)
         ON CONFLICT (one) DO UPDATE SET at = excluded.at, applied = excluded.applied,
             withheld = excluded.withheld",
    )?;
    let listed = |all: BTreeSet<String>| list(&all.into_iter().collect::<Vec<_>>());
    statement.execute(params![one, micros(at), listed(all_applied), listed(all_withheld)])?;
    Ok(())
}

fn together(before: &[String], now: &[String]) -> BTreeSet<String> {
    before.iter().chain(now).cloned().collect()
}

/// Drops what was counted of studies before an instant; what was of objects goes with them.
pub(super) fn forget(db: &Connection, before: Timestamp) -> Result<(), LedgerFault> {
    let mut statement = db
        .prepare_cached("DELETE FROM tried_on WHERE at < $1 AND substr(one, 1, length($2)) = $2")?;
    statement.execute(params![micros(before), STUDY])?;
    Ok(())
}

impl Ledger {
    /// What rules that are or were tried out would have withheld.
    ///
    /// # Errors
    /// When the index fails.
    pub fn tried(&self) -> Result<Vec<Tried>, LedgerFault> {
        self.read(|db| {
            let mut statement = db.prepare_cached(
                "SELECT rule, unit, applied, withheld FROM tried ORDER BY rule, unit",
            )?;
            let mut rows = statement.query([])?;
            let mut all = Vec::new();
            while let Some(row) = rows.next()? {
                let (unit, applied, withheld): (String, i64, i64) =
                    (row.get(1)?, row.get(2)?, row.get(3)?);
                all.push(Tried {
                    rule: row.get(0)?,
                    unit: Unit::parse(&unit).ok_or(LedgerFault::BadRow("unit of a trial"))?,
                    applied: u64::try_from(applied).unwrap_or_default(),
                    withheld: u64::try_from(withheld).unwrap_or_default(),
                });
            }
            Ok(all)
        })
    }
}
