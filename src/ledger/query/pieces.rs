//! Queries that are put together of pieces.

use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};

use super::{Filter, sql_limit};
use crate::ledger::fault::LedgerFault;

/// A query of fixed pieces of text, with every value bound.
pub(super) struct Query {
    sql: String,
    values: Vec<Value>,
}

impl Query {
    pub(super) fn new(sql: &'static str) -> Self {
        Self { sql: sql.to_owned(), values: Vec::new() }
    }

    pub(super) fn plain(&mut self, sql: &'static str) {
        self.sql.push_str(sql);
    }

    pub(super) fn and(&mut self, sql: &'static str, value: String) {
        self.sql.push_str(sql);
        self.bind(Value::Text(value));
    }

    fn bind(&mut self, value: Value) {
        self.values.push(value);
        self.sql.push('$');
        self.sql.push_str(&self.values.len().to_string());
    }

    /// The part of a filter that speaks of objects.
    pub(super) fn objects(&mut self, filter: &Filter) {
        for (sql, uid) in [
            (" AND o.study = ", &filter.study),
            (" AND o.series = ", &filter.series),
            (" AND o.sop_instance = ", &filter.sop_instance),
        ] {
            if let Some(uid) = uid {
                self.and(sql, uid.to_string());
            }
        }
        if let Some(after) = filter.after {
            self.and(" AND o.id > ", after.to_string());
        }
        if !filter.ids.is_empty() {
            self.plain(" AND o.id IN (");
            for (n, id) in filter.ids.iter().enumerate() {
                self.and(if n == 0 { "" } else { ", " }, id.to_string());
            }
            self.plain(")");
        }
    }

    pub(super) fn limit(&mut self, limit: usize) {
        self.plain(" LIMIT ");
        self.bind(Value::Integer(sql_limit(limit)));
    }

    pub(super) fn run<T>(
        &self,
        db: &Connection,
        read: impl Fn(&Row<'_>) -> Result<T, LedgerFault>,
    ) -> Result<Vec<T>, LedgerFault> {
        let mut statement = db.prepare_cached(&self.sql)?;
        let mut rows = statement.query(params_from_iter(&self.values))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(read(row)?);
        }
        Ok(found)
    }
}
