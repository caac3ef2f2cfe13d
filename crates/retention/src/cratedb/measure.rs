//! Counting what would go: partitions of one table by one statement, rows by their condition.

use ostler_api::retention::TableName;
use ostler_cratedb::quote::identifier;
use ostler_vocabulary::{ErrorKind, Failure};
use serde_json::Value;

use super::statement::{Bound, fill, filled, of_rows, quoted, ranked};
use super::{CrateDb, span};
use crate::Measured;
use crate::strategy::Target;

impl CrateDb {
    pub(super) async fn measure_partitions(
        &self,
        items: &[(&TableName, &Target)],
        measured: &mut [Measured],
    ) -> Result<(), Failure> {
        let mut done: Vec<(&TableName, &str)> = Vec::new();
        for (_, target) in items {
            let Target::Values { table, column, .. } = target else {
                continue;
            };
            if done.contains(&(table, column)) {
                continue;
            }
            done.push((table, column));
            let mine: Vec<(usize, &Target)> = items
                .iter()
                .enumerate()
                .filter(|(_, (_, other))| {
                    matches!(other, Target::Values { table: of, column: by, .. } if of == table && by == column)
                })
                .map(|(index, (_, other))| (index, *other))
                .collect();
            self.measure_partitions_of(table, &mine, measured).await?;
        }
        Ok(())
    }

    /// Counts partitions of one table by one statement.
    async fn measure_partitions_of(
        &self,
        table: &TableName,
        items: &[(usize, &Target)],
        measured: &mut [Measured],
    ) -> Result<(), Failure> {
        let partitions = || {
            items.iter().filter_map(|(index, target)| match target {
                Target::Values { partition, .. } => Some((*index, partition)),
                _ => None,
            })
        };
        let (Some((_, first)), Some((_, target))) = (partitions().next(), items.first()) else {
            return Ok(());
        };
        let keys: Vec<String> = first.values.iter().map(|(key, _)| identifier(key)).collect();
        let leading = (0..keys.len()).find(|at| partitions().all(|(_, it)| !it.values[*at].1.is_null()));
        let Some(leading) = leading else {
            return Err(Failure::new(
                ErrorKind::Unsupported,
                format!("a partition of {table} has no values"),
            ));
        };
        self.refresh(table).await?;
        let mut wanted: Vec<Value> = Vec::new();
        for (_, partition) in partitions() {
            let value = &partition.values[leading].1;
            if !wanted.contains(value) {
                wanted.push(value.clone());
            }
        }
        let (column, type_name) = target.column();
        let statement = Bound {
            sql: fill(
                include_str!("queries/measure_partitions.sql"),
                &[
                    ("keys", &keys.join(", ")),
                    ("column", &identifier(column)),
                    ("table", &quoted(table)),
                    ("first", &keys[leading]),
                ],
            ),
            args: vec![Value::Array(wanted)],
        };
        for row in self.ask(&statement).await?.rows {
            let (values, found) = row.split_at(keys.len().min(row.len()));
            let same = |it: &crate::facts::Values| it.values.iter().map(|(_, value)| value).eq(values.iter());
            if let Some((index, _)) = partitions().find(|(_, it)| same(it)) {
                measured[index] = self.measured(found, type_name, &statement)?;
            }
        }
        Ok(())
    }

    /// Count, least and greatest, as the last three columns of a row.
    pub(super) fn measured(&self, found: &[Value], type_name: &str, by: &Bound) -> Result<Measured, Failure> {
        let [rows, oldest, newest] = found else {
            return Err(self
                .client
                .unexpected(&by.sql, "another number of columns")
                .into());
        };
        let rows = rows
            .as_u64()
            .ok_or_else(|| self.client.unexpected(&by.sql, "a count that is no number"))?;
        let shown = |value: &Value| match value {
            Value::Null => None,
            Value::String(text) => Some(text.clone()),
            other => other
                .as_i64()
                .and_then(|number| span::text(number, type_name))
                .or_else(|| Some(other.to_string())),
        };
        Ok(Measured {
            rows,
            oldest: shown(oldest),
            newest: shown(newest),
        })
    }

    /// The statement that counts rows, and their oldest and newest.
    pub(super) fn measuring(&self, table: &TableName, target: &Target) -> Result<Bound, Failure> {
        let (column, type_name) = target.column();
        let Some((condition, args)) = of_rows(target) else {
            return Err(Failure::new(
                ErrorKind::Unsupported,
                format!("column {column} of type {type_name} cannot be compared with a time in CrateDB"),
            ));
        };
        if let Some(ranked) = ranked(table, target) {
            let sql = fill(
                include_str!("queries/measure_ranked.sql"),
                &[("ranked", &ranked.sql)],
            );
            return Ok(Bound { sql, ..ranked });
        }
        let places = [
            ("table", quoted(table)),
            ("column", identifier(column)),
            ("condition", condition),
        ];
        Ok(Bound {
            sql: filled(include_str!("queries/measure_rows.sql"), &places),
            args,
        })
    }
}
