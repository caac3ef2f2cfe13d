//! Rows of a table or a partition, in ascending order of time, some at a time.

use std::cmp::Ordering;

use ostler_api::retention::TableName;
use ostler_cratedb::quote::identifier;
use ostler_operations::Step;
use ostler_vocabulary::{ErrorKind, Failure};
use serde_json::Value;

use super::layout::{Layout, number};
use crate::archive::write_line;
use crate::cratedb::CrateDb;
use crate::cratedb::statement::{Bound, filled, quoted};

/// Rows of the first page.
const FIRST: usize = 500;
pub(super) const MOST: usize = 10_000;
/// How much a page is to be.
const BYTES: usize = 4 << 20;

/// Which rows are read.
#[derive(Debug)]
pub(super) struct Reading<'a> {
    pub table: &'a TableName,
    /// With the values of its `?`.
    pub condition: (String, Vec<Value>),
    pub layout: &'a Layout,
    /// The column that tells the time.
    pub column: &'a str,
}

/// A row.
#[derive(Debug)]
pub(super) struct Row {
    pub time: Value,
    pub id: String,
    pub seq_no: i64,
    pub term: i64,
    /// The values of its key, where it is not the id.
    pub key: Vec<Value>,
    /// The bytes that its hash is made from.
    pub line: Vec<u8>,
}

impl Row {
    /// For people.
    pub fn named(&self, type_name: &str) -> String {
        let time = number(&self.time).and_then(|time| crate::cratedb::span::text(time, type_name));
        let time = time.unwrap_or_else(|| self.time.to_string());
        format!("{time} (_id {})", self.id)
    }
}

/// Goes through rows.
#[derive(Debug)]
pub(super) struct Pages {
    after: Option<(Value, String)>,
    limit: usize,
    over: bool,
}

impl Pages {
    pub fn new() -> Self {
        Self {
            after: None,
            limit: FIRST,
            over: false,
        }
    }

    /// The next rows; none when all were given.
    pub async fn next(
        &mut self,
        from: &CrateDb,
        reading: &Reading<'_>,
        step: &Step,
    ) -> Result<Vec<Row>, Failure> {
        if self.over {
            return Ok(Vec::new());
        }
        if step.cancelled.is_cancelled() {
            return Err(Failure::new(
                ErrorKind::Cancelled,
                "somebody asked for it to stop",
            ));
        }
        from.keep_lease().await?;
        let answer = from
            .ask(&reading.statement(self.after.as_ref(), self.limit))
            .await?;
        let rows = answer.rows.iter().map(|row| reading.row(row));
        let rows = rows.collect::<Result<Vec<Row>, Failure>>()?;
        self.over = rows.len() < self.limit;
        for row in &rows {
            // By what the next page goes on after; an order that is another one would leave rows out.
            let ascends = self.after.as_ref().is_none_or(|(time, id)| {
                compared(time, &row.time).is_some_and(|it| it.then_with(|| id.cmp(&row.id)).is_lt())
            });
            if !ascends {
                let message = format!(
                    "{} gives rows in an order in which they cannot be read: row {}",
                    reading.table, row.id
                );
                return Err(Failure::new(ErrorKind::Unsupported, message));
            }
            self.after = Some((row.time.clone(), row.id.clone()));
        }
        let bytes: usize = rows.iter().map(|row| row.line.len()).sum();
        self.limit = next_limit(self.limit, rows.len(), bytes);
        Ok(rows)
    }
}

/// As many rows as have the bytes of a page; at most four times as many as before.
fn next_limit(limit: usize, rows: usize, bytes: usize) -> usize {
    let each = bytes / rows.max(1) + 1;
    (BYTES / each).clamp(1, MOST).min(limit.saturating_mul(4))
}

fn compared(one: &Value, other: &Value) -> Option<Ordering> {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => Some(one.as_i64()?.cmp(&other.as_i64()?)),
        (Value::String(one), Value::String(other)) => Some(one.cmp(other)),
        _ => None,
    }
}

impl Reading<'_> {
    fn statement(&self, after: Option<&(Value, String)>, limit: usize) -> Bound {
        let column = identifier(self.column);
        let mut columns: Vec<String> = self.layout.columns.iter().map(|it| it.selected()).collect();
        columns.extend(self.layout.keys.iter().flatten().map(|key| identifier(key)));
        let mut args = self.condition.1.clone();
        let mut and_after = String::new();
        if let Some((time, id)) = after {
            and_after = filled(
                include_str!("../queries/archive_after.sql"),
                &[("column", column.clone())],
            );
            args.extend([time.clone(), time.clone(), id.clone().into()]);
        }
        let places = [
            ("column", column),
            ("columns", columns.join(", ")),
            ("table", quoted(self.table)),
            ("condition", self.condition.0.clone()),
            ("after", and_after),
            ("limit", limit.to_string()),
        ];
        Bound {
            sql: filled(include_str!("../queries/archive_page.sql"), &places),
            args,
        }
    }

    fn row(&self, row: &[Value]) -> Result<Row, Failure> {
        let width = self.layout.columns.len();
        let odd = || Failure::new(ErrorKind::Internal, "a row has another number of columns");
        let (head, rest) = row.split_at_checked(4).ok_or_else(odd)?;
        let (values, key) = rest.split_at_checked(width).ok_or_else(odd)?;
        let [time, Value::String(id), seq_no, term] = head else {
            return Err(odd());
        };
        if time.is_null() {
            return Err(Failure::new(
                ErrorKind::Unsupported,
                "a row has no time that can be told",
            ));
        }
        let mut kept = Vec::with_capacity(width);
        for (column, value) in self.layout.columns.iter().zip(values) {
            let value = column
                .kept(value)
                .map_err(|reason| Failure::new(ErrorKind::Unsupported, reason))?;
            kept.push(value);
        }
        let cells: Vec<_> = kept.iter().map(|it| it.as_ref().map(|it| it.cell())).collect();
        let mut line = Vec::new();
        write_line(&cells, &mut line);
        Ok(Row {
            time: time.clone(),
            id: id.clone(),
            seq_no: number(seq_no).ok_or_else(odd)?,
            term: number(term).ok_or_else(odd)?,
            key: key.to_vec(),
            line,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{BYTES, FIRST, MOST, next_limit};

    #[test]
    fn pages_are_as_large_as_memory_has_room() {
        assert_eq!(next_limit(FIRST, 500, 500 * 100), FIRST * 4);
        assert_eq!(next_limit(MOST, MOST, MOST * 10), MOST);
        assert_eq!(next_limit(500, 500, 500 * (1 << 20)), 3);
        assert_eq!(next_limit(3, 3, 3 * BYTES), 1);
        assert_eq!(next_limit(500, 0, 0), 2000);
    }
}
