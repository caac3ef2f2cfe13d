//! Archived rows brought back into their table. The server makes a partition when its first row comes.

use std::collections::HashMap;

use ostler_api::document::RetentionProblem;
use ostler_api::retention::{TableName, UndoItem, UndoProof, UndoWork};
use ostler_cratedb::Outcome;
use ostler_cratedb::quote::identifier;
use ostler_operations::{Operation, Step};
use ostler_store::Store;
use ostler_vocabulary::{Classified, ErrorKind, Failure};
use serde_json::Value;

use super::layout::Layout;
use super::pages::{Pages, Reading};
use super::rows::between;
use crate::archive::{Manifest, Rows, rows_of};
use crate::cratedb::statement::{filled, quoted};
use crate::cratedb::{CrateDb, of_item};
use crate::strategy::problem;
use crate::undo::{self, Wanted};

/// Rows that are added by one request.
const TOGETHER: usize = 500;
/// So many refusals are told.
const TOLD: usize = 5;

/// What the server refused.
#[derive(Debug, Default)]
struct Refused {
    rows: u64,
    told: Vec<String>,
}

impl Refused {
    fn add(&mut self, list: &[Value], reason: &str) {
        self.rows += 1;
        if self.told.len() < TOLD {
            let row = Value::from(list.to_vec()).to_string();
            let row: String = row.chars().take(200).collect();
            self.told.push(format!("{row}: {reason}"));
        }
    }
}

impl CrateDb {
    pub(in crate::cratedb) async fn bring_archive_back(
        &self,
        op: &Operation,
        work: &UndoWork,
        files: &[&UndoItem],
        (key, store): (&str, &dyn Store),
    ) -> Result<Vec<UndoProof>, Failure> {
        let bring =
            |item, step: Step| async move { of_item(self.bring_file(work, item, (key, store), &step).await) };
        undo::each_file(op, files, bring).await
    }

    /// Adds those rows of a file that the table has not, and reads all of them back. Whatever an earlier try added is there.
    async fn bring_file(
        &self,
        work: &UndoWork,
        item: &UndoItem,
        (key, store): (&str, &dyn Store),
        step: &Step,
    ) -> Result<UndoProof, Failure> {
        let manifest = undo::manifest(store, key, &[item]).await?;
        let entry = manifest.files.iter().find(|file| file.key == item.file);
        let Some(entry) = entry else {
            let message = format!("{key} has no such file");
            return Err(Failure::new(ErrorKind::Conflict, message));
        };
        let rows = rows_of(store, entry, &manifest.columns).await?;
        let wanted = Wanted::of(&rows, &manifest, work)?;
        let layout = self.layout_of(&work.table, &manifest).await?;
        let (at, _) = manifest.how()?;
        let (column, type_name) = (&manifest.columns[at].name, &manifest.columns[at].type_name);
        let reading = Reading {
            table: &work.table,
            condition: between(column, type_name, (&item.min, &item.max))?,
            layout: &layout,
            column,
        };
        let mut missing = wanted.hashes.clone();
        self.strike(&mut missing, &reading, step).await?;
        let absent: u64 = missing.values().sum();
        let mut proof = UndoProof {
            archive: item.archive.clone(),
            file: item.file.clone(),
            wanted: wanted.rows,
            there: wanted.rows - absent,
            added: 0,
            problem: None,
            note: None,
        };
        if absent > 0 {
            let refused = self.add_rows(&rows, missing, &reading, step).await?;
            let mut lost = wanted.hashes;
            self.strike(&mut lost, &reading, step).await?;
            let lost: u64 = lost.values().sum();
            proof.added = absent.saturating_sub(lost);
            proof.problem = wrong(&work.table, lost, &refused);
        }
        step.progress.add_done(item.rows);
        Ok(proof)
    }

    /// The columns of an archive as the table has them now.
    async fn layout_of(&self, table: &TableName, manifest: &Manifest) -> Result<Layout, Failure> {
        let mut layout = self.table_layout(table).await?;
        let mut columns = Vec::with_capacity(manifest.columns.len());
        for kept in &manifest.columns {
            let found = layout.columns.iter().find(|it| it.entry.name == kept.name);
            let conflict = |message: String| Failure::new(ErrorKind::Conflict, message);
            match found {
                Some(now) if now.entry.type_name == kept.type_name && now.entry.kind == kept.kind => {
                    columns.push(now.clone());
                }
                Some(now) => {
                    return Err(conflict(format!(
                        "column {} is of type {} by now, and was {}",
                        kept.name, now.entry.type_name, kept.type_name
                    )));
                }
                None => return Err(conflict(format!("{table} has no column {} any more", kept.name))),
            }
        }
        layout.columns = columns;
        // Rows are only compared.
        layout.keys = None;
        Ok(layout)
    }

    /// Takes away what the table has.
    async fn strike(
        &self,
        hashes: &mut HashMap<[u8; 32], u64>,
        reading: &Reading<'_>,
        step: &Step,
    ) -> Result<(), Failure> {
        self.refresh(reading.table).await?;
        let mut pages = Pages::new();
        loop {
            let rows = pages.next(self, reading, step).await?;
            if rows.is_empty() {
                return Ok(());
            }
            for row in rows {
                if let Some(left) = hashes.get_mut(blake3::hash(&row.line).as_bytes()) {
                    *left = left.saturating_sub(1);
                }
            }
        }
    }

    /// Adds rows that are missing, each as often as it is.
    async fn add_rows(
        &self,
        rows: &Rows,
        mut missing: HashMap<[u8; 32], u64>,
        reading: &Reading<'_>,
        step: &Step,
    ) -> Result<Refused, Failure> {
        let columns = || reading.layout.columns.iter().filter(|it| !it.entry.generated);
        let mut lists: Vec<Option<Vec<Value>>> = Vec::new();
        rows.each(|cells, hash| {
            let Some(left) = missing.get_mut(&hash).filter(|left| **left > 0) else {
                return;
            };
            *left -= 1;
            let given = reading.layout.columns.iter().zip(cells);
            let given = given.filter(|(column, _)| !column.entry.generated);
            lists.push(
                given
                    .map(|(column, cell)| cell.map_or(Some(Value::Null), |cell| column.given(cell)))
                    .collect(),
            );
        });
        let lists: Option<Vec<Vec<Value>>> = lists.into_iter().collect();
        let lists = lists.ok_or_else(|| {
            Failure::new(
                ErrorKind::Corrupt,
                "the archive has a value that is none of its column",
            )
        })?;
        let names: Vec<String> = columns().map(|column| identifier(&column.entry.name)).collect();
        let places = [
            ("table", quoted(reading.table)),
            ("columns", names.join(", ")),
            ("values", vec!["?"; names.len()].join(", ")),
        ];
        let sql = filled(include_str!("../queries/undo_insert.sql"), &places);
        let mut refused = Refused::default();
        for lists in lists.chunks(TOGETHER) {
            if step.cancelled.is_cancelled() {
                return Err(Failure::new(
                    ErrorKind::Cancelled,
                    "somebody asked for it to stop",
                ));
            }
            self.confirm_lease().await?;
            match self.client.bulk(&sql, lists).await {
                Ok(outcomes) => note(lists, outcomes, &mut refused),
                Err(error) if error.kind().is_transient() || error.code().is_none() => {
                    return Err(error.into());
                }
                // One row that the server cannot read refuses all of them.
                Err(_) => self.add_one_by_one(&sql, lists, &mut refused).await?,
            }
        }
        Ok(refused)
    }

    async fn add_one_by_one(
        &self,
        sql: &str,
        lists: &[Vec<Value>],
        refused: &mut Refused,
    ) -> Result<(), Failure> {
        for list in lists {
            self.keep_lease().await?;
            match self.client.execute(sql, list).await {
                Ok(_) => {}
                Err(error) if error.kind().is_transient() || error.code().is_none() => {
                    return Err(error.into());
                }
                Err(error) => {
                    let failure = Failure::from(error);
                    refused.add(list, failure.messages().last().map_or("", String::as_str));
                }
            }
        }
        Ok(())
    }
}

fn note(lists: &[Vec<Value>], outcomes: Vec<Outcome>, refused: &mut Refused) {
    for (list, outcome) in lists.iter().zip(outcomes) {
        if outcome.failed() {
            let reason = outcome.error.map(|trouble| trouble.message);
            refused.add(list, reason.as_deref().unwrap_or("the server does not say why"));
        }
    }
}

/// What is wrong when rows are not there after they were added.
fn wrong(table: &TableName, lost: u64, refused: &Refused) -> Option<RetentionProblem> {
    let reason = match (lost, refused.rows) {
        (0, _) => return None,
        (_, 0) => format!("{lost} rows are not in {table} as they were archived, although they were added"),
        (_, rows) => format!(
            "{lost} rows are not in {table}; {rows} were refused: {}",
            refused.told.join("; ")
        ),
    };
    Some(problem(ErrorKind::Conflict, reason))
}
