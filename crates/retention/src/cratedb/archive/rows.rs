//! Old rows of a table that are archived: only those go that are in a file just as they are, and only as they were read.

use std::collections::HashMap;

use ostler_api::document::{RetentionItem, RetentionProblem, RetentionProof};
use ostler_api::retention::{Pace, TableName};
use ostler_cratedb::quote::identifier;
use ostler_operations::{Operation, Step};
use ostler_store::Store;
use ostler_vocabulary::{ErrorKind, Failure, Unit};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::Instant;

use super::layout::Layout;
use super::pages::{Pages, Reading, Row};
use crate::archive::keep::{self, Kept, manifest};
use crate::archive::{FileEntry, Shelves, rows_of};
use crate::cratedb::rows::{Found, rest};
use crate::cratedb::statement::{filled, of_rows, quoted};
use crate::cratedb::{CrateDb, key, of_item, span, too_many};
use crate::item::begun;
use crate::strategy::{Target, Task, problem};

/// So many rows are named.
const NAMED: usize = 5;

/// What became of rows that were archived.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Removed {
    /// Rows that stay: they are not as they were archived, or came since.
    stay: u64,
    /// The first of them.
    named: Vec<String>,
}

impl Removed {
    fn stays(&mut self, named: String) {
        self.stay += 1;
        if self.named.len() < NAMED {
            self.named.push(named);
        }
    }
}

/// A table whose rows cannot be removed one by one.
pub(super) fn no_key(table: &TableName) -> Failure {
    let message = format!(
        "{table} has no primary key and is partitioned or clustered by a column: no row of it can be removed only if it is as it was archived"
    );
    Failure::new(ErrorKind::Unsupported, message).with_hint("archive whole partitions, by their column")
}

/// The statement that removes a row by its key, or by its id.
pub(in crate::cratedb) fn removing(table: &TableName, keys: &[String]) -> String {
    let mut named: Vec<String> = keys
        .iter()
        .map(|key| format!("{} = ?", identifier(key)))
        .collect();
    if named.is_empty() {
        named.push("_id = ?".to_owned());
    }
    let places = [("table", quoted(table)), ("key", named.join(" AND "))];
    filled(include_str!("../queries/archive_remove.sql"), &places)
}

impl CrateDb {
    pub(in crate::cratedb) async fn archive_rows(
        &self,
        op: &Operation,
        item: &RetentionItem,
        task: &Task,
        pace: Pace,
        shelves: &dyn Shelves,
    ) -> Result<RetentionProof, Failure> {
        let place = key(item);
        let mut proof = begun(item);
        let look = |_| async {
            self.of_table(self.find_rows(&item.table, &task.target).await)
                .await
        };
        let looked: Result<Found, RetentionProblem> =
            op.step("look").key(&place).retries(3).run(look).await?;
        let looked = looked.and_then(|found| too_many(item, found.rows).map_or(Ok(found.rows), Err));
        match looked {
            Ok(rows) => (proof.before, proof.after) = (rows, rows),
            Err(problem) => proof.problem = Some(problem),
        }
        if proof.before == 0 {
            return Ok(proof);
        }
        let (kept, store) = match (keep::keep(self, op, item, task, shelves).await?, &task.shelf) {
            (Ok(Some(kept)), Some(shelf)) => (kept, shelves.shelf(&shelf.to).await?),
            (Err(problem), _) => {
                proof.problem = Some(problem);
                return Ok(proof);
            }
            _ => return Ok(proof),
        };
        proof.before = kept.tally.rows;
        proof.archive = keep::proof(task, &kept);
        keep::settle(op, item, task);
        let (kept, store) = (&kept, store.as_ref());
        let remove = |step: Step| async move {
            step.progress.add_total(kept.tally.rows);
            of_item(self.remove_kept(item, task, (kept, store), pace, &step).await)
        };
        let removed: Result<Removed, RetentionProblem> = op
            .step("remove")
            .key(&place)
            .unit(Unit::Rows)
            .retries(3)
            .leaves(format!("rows of {} that were removed are archived", item.table))
            .run(remove)
            .await?;
        let prove = |_| async {
            self.of_table(self.find_rows(&item.table, &task.target).await)
                .await
        };
        let proven: Result<Found, RetentionProblem> =
            op.step("prove").key(&place).retries(3).run(prove).await?;
        match proven {
            Ok(left) => {
                proof.after = left.rows;
                proof.removed = proof.before.saturating_sub(left.rows);
            }
            Err(problem) => proof.problem = Some(problem),
        }
        match removed {
            Err(problem) => proof.problem = Some(problem),
            Ok(removed) if removed.stay > 0 => {
                let reason = format!(
                    "{} rows changed after they were archived, or came since, and stay: {}",
                    removed.stay,
                    removed.named.join(", ")
                );
                proof.problem = Some(problem(ErrorKind::Conflict, reason));
            }
            Ok(_) if proof.problem.is_none() && proof.after > 0 => {
                let reason = format!("{} such rows are left: they came meanwhile", proof.after);
                proof.problem = Some(problem(ErrorKind::Conflict, reason));
            }
            Ok(_) => {}
        }
        Ok(proof)
    }

    /// Removes the rows of an archive, file by file. What is gone already is passed over, so it may be run twice.
    async fn remove_kept(
        &self,
        item: &RetentionItem,
        task: &Task,
        (kept, store): (&Kept, &dyn Store),
        pace: Pace,
        step: &Step,
    ) -> Result<Removed, Failure> {
        let manifest = manifest(store, kept).await?;
        let layout = self.table_layout(&item.table).await?;
        if layout.entries() != manifest.columns {
            let message = format!(
                "the columns of {} are others than those of the archive",
                item.table
            );
            return Err(Failure::new(ErrorKind::Conflict, message));
        }
        self.refresh(&item.table).await?;
        let mut removed = Removed::default();
        for file in &manifest.files {
            let mut left: HashMap<[u8; 32], u64> = HashMap::new();
            rows_of(store, file, &manifest.columns)
                .await?
                .each(|_, hash| *left.entry(hash).or_default() += 1);
            let reading = Reading {
                table: &item.table,
                condition: within(file, &task.target)?,
                layout: &layout,
                column: task.target.column().0,
            };
            let mut pages = Pages::new();
            loop {
                let rows = pages.next(self, &reading, step).await?;
                if rows.is_empty() {
                    break;
                }
                let start = Instant::now();
                let (mut same, type_name) = (Vec::new(), task.target.column().1);
                for row in rows {
                    match left
                        .get_mut(blake3::hash(&row.line).as_bytes())
                        .filter(|it| **it > 0)
                    {
                        Some(times) => {
                            *times -= 1;
                            same.push(row);
                        }
                        None => removed.stays(row.named(type_name)),
                    }
                }
                self.remove_same(item, task, &layout, &same, &mut removed).await?;
                step.progress.add_done(same.len() as u64);
                rest(start.elapsed().mul_f64(pace.rest.clamp(0.0, 100.0)), step).await?;
            }
        }
        Ok(removed)
    }

    /// Removes rows if they are as they were read.
    async fn remove_same(
        &self,
        item: &RetentionItem,
        task: &Task,
        layout: &Layout,
        rows: &[Row],
        removed: &mut Removed,
    ) -> Result<(), Failure> {
        let keys = layout.keys.as_ref().ok_or_else(|| no_key(&item.table))?;
        let sql = removing(&item.table, keys);
        let lists = rows.iter().map(|row| {
            let mut args = match keys.is_empty() {
                true => vec![row.id.clone().into()],
                false => row.key.clone(),
            };
            args.extend([row.seq_no.into(), row.term.into()]);
            args
        });
        let lists: Vec<Vec<Value>> = lists.collect();
        if lists.is_empty() {
            return Ok(());
        }
        self.confirm_lease().await?;
        let outcomes = self.client.bulk(&sql, &lists).await?;
        for (row, outcome) in rows.iter().zip(outcomes) {
            if outcome.rowcount != 1 {
                let named = row.named(task.target.column().1);
                removed.stays(match outcome.error {
                    Some(trouble) => format!("{named}: {}", trouble.message),
                    None => named,
                });
            }
        }
        Ok(())
    }
}

/// The rows of the times of a file that are old enough.
fn within(file: &FileEntry, target: &Target) -> Result<(String, Vec<Value>), Failure> {
    let (column, type_name) = target.column();
    let (own, mut args) = of_rows(target).ok_or(crate::Error::ForeignPlan)?;
    let (times, more) = between(column, type_name, (&file.min, &file.max))?;
    args.extend(more);
    Ok((format!("{own} AND {times}"), args))
}

/// The rows from one time to another, both with them.
pub(super) fn between(
    column: &str,
    type_name: &str,
    (min, max): (&str, &str),
) -> Result<(String, Vec<Value>), Failure> {
    let (min, max) = span::parameter(min, type_name)
        .zip(span::parameter(max, type_name))
        .ok_or_else(|| {
            let message = format!("`{min}` or `{max}` is no time of type {type_name}");
            Failure::new(ErrorKind::Corrupt, message)
        })?;
    let column = identifier(column);
    Ok((format!("{column} >= ? AND {column} <= ?"), vec![min, max]))
}
