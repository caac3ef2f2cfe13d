//! Archived rows brought back: into their table, or into a partition that is made anew, filled, and attached then.

use std::collections::HashMap;

use bytes::BytesMut;
use futures::{SinkExt, StreamExt};
use ostler_api::document::RetentionProblem;
use ostler_api::retention::{Pace, TableName, UndoItem, UndoProof, UndoWork};
use ostler_operations::{Operation, Step};
use ostler_postgres::Type;
use ostler_postgres::quote::{identifier, literal};
use ostler_store::Store;
use ostler_vocabulary::{ErrorKind, Failure};

use super::archive::selected;
use super::patience::Patience;
use super::statement::{fill, quoted};
use super::wire::{self, Reader};
use super::{Postgres, of_item};
use crate::archive::{Kind, Manifest, PartitionEntry, Rows, rows_of};
use crate::strategy::problem;
use crate::undo::{self, Wanted};

/// Bytes of rows that are sent together.
const PIECE: usize = 256 << 10;

impl Postgres {
    pub(super) async fn bring_archive_back(
        &self,
        op: &Operation,
        work: &UndoWork,
        files: &[&UndoItem],
        (key, store): (&str, &dyn Store),
        pace: Pace,
    ) -> Result<Vec<UndoProof>, Failure> {
        let place = |_| async { of_item(self.place(op, work, files, (key, store)).await) };
        let placed: Result<Option<TableName>, RetentionProblem> =
            op.step("place").key(key).retries(3).run(place).await?;
        let made = match placed {
            Ok(made) => made,
            Err(problem) => {
                return Ok(files
                    .iter()
                    .map(|item| undo::refused(item, problem.clone()))
                    .collect());
            }
        };
        let table = made.as_ref().unwrap_or(&work.table);
        let bring = |item, step: Step| async move {
            of_item(self.bring_file(work, item, (key, store), table, &step).await)
        };
        let mut proofs = undo::each_file(op, files, bring).await?;
        if let Some(partition) = &made {
            let attach = |step: Step| async move {
                of_item(
                    self.attach_made(files, (key, store), partition, pace, &step)
                        .await,
                )
            };
            let attached: Result<(), RetentionProblem> = op.step("attach").key(key).run(attach).await?;
            for proof in &mut proofs {
                match &attached {
                    Ok(()) => proof.note = Some(format!("partition {partition} was made anew")),
                    Err(problem) => {
                        proof.problem = Some(problem.clone());
                        proof.note = Some(format!("its rows are in {partition}, which is not attached"));
                    }
                }
            }
        }
        Ok(proofs)
    }

    /// Makes the partition that the rows were in, where nothing has its name. `None` when rows go into their table.
    async fn place(
        &self,
        op: &Operation,
        work: &UndoWork,
        files: &[&UndoItem],
        (key, store): (&str, &dyn Store),
    ) -> Result<Option<TableName>, Failure> {
        let manifest = undo::manifest(store, key, files).await?;
        let Some(PartitionEntry { name, parent, .. }) = &manifest.partition else {
            return Ok(None);
        };
        let comment = format!("rows that ostler operation {} brings back", op.id());
        let parameters = [(&name.schema as _, Type::TEXT), (&name.name as _, Type::TEXT)];
        let found = self
            .session
            .query(include_str!("queries/undo_place.sql"), &parameters)
            .await?;
        if let Some(row) = found.first() {
            // Ours, when we were killed just after making it.
            let (attached, said): (bool, String) = (row.get(0), row.get(1));
            return match (attached, said == comment) {
                (true, _) => Ok(None),
                (false, true) => Ok(Some(name.clone())),
                (false, false) => Err(Failure::new(
                    ErrorKind::Conflict,
                    format!(
                        "there is something else called {name}, which is no partition of {}",
                        work.table
                    ),
                )),
            };
        }
        let make = super::ahead::making(name, parent);
        let (name_sql, comment) = (quoted(name), literal(&comment));
        // Sent together, they are one transaction.
        self.session
            .batch(&format!("{make}; COMMENT ON TABLE {name_sql} IS {comment}"))
            .await?;
        Ok(Some(name.clone()))
    }

    /// Adds those rows of a file that the table has not, and reads all of them back, in one transaction.
    async fn bring_file(
        &self,
        work: &UndoWork,
        item: &UndoItem,
        (key, store): (&str, &dyn Store),
        table: &TableName,
        step: &Step,
    ) -> Result<UndoProof, Failure> {
        let manifest = undo::manifest(store, key, &[item]).await?;
        let entry = manifest.files.iter().find(|file| file.key == item.file);
        let Some(entry) = entry else {
            return Err(Failure::new(
                ErrorKind::Conflict,
                format!("{key} has no such file"),
            ));
        };
        let rows = rows_of(store, entry, &manifest.columns).await?;
        let wanted = Wanted::of(&rows, &manifest, work)?;
        let transaction = self.session.begin("BEGIN").await?;
        let proof = self.bring_rows(&rows, &manifest, wanted, item, table).await?;
        transaction.commit().await?;
        step.progress.add_done(item.rows);
        Ok(proof)
    }

    async fn bring_rows(
        &self,
        rows: &Rows,
        manifest: &Manifest,
        wanted: Wanted,
        item: &UndoItem,
        table: &TableName,
    ) -> Result<UndoProof, Failure> {
        let values = self.values_now(table, manifest).await?;
        let mut missing = wanted.hashes.clone();
        self.strike(&mut missing, manifest, item, table).await?;
        let added: u64 = missing.values().sum();
        if added > 0 {
            self.add_rows(rows, &mut missing, manifest, &values, table)
                .await?;
            let mut lost = wanted.hashes;
            self.strike(&mut lost, manifest, item, table).await?;
            let lost: u64 = lost.values().sum();
            if lost > 0 {
                let message =
                    format!("{lost} rows are not in {table} as they were archived; none were added");
                return Err(Failure::new(ErrorKind::Conflict, message));
            }
        }
        Ok(UndoProof {
            archive: item.archive.clone(),
            file: item.file.clone(),
            wanted: wanted.rows,
            there: wanted.rows - added,
            added,
            problem: None,
            note: None,
        })
    }

    /// Takes away what the table has.
    async fn strike(
        &self,
        hashes: &mut HashMap<[u8; 32], u64>,
        manifest: &Manifest,
        item: &UndoItem,
        table: &TableName,
    ) -> Result<(), Failure> {
        let (at, how) = manifest.how()?;
        let mut column = identifier(&manifest.columns[at].name);
        if how == crate::column::TimeColumn::Ulid {
            column.push_str(" COLLATE \"C\"");
        }
        let statement = fill(
            include_str!("queries/undo_rows.sql"),
            &[
                ("columns", &selected(&manifest.columns)),
                ("table", &quoted(table)),
                ("column", &column),
                ("min", literal(&item.min).trim_start()),
                ("max", literal(&item.max).trim_start()),
            ],
        );
        let mut reader = Reader::new(kinds(manifest));
        let mut scratch = Vec::new();
        let mut found = std::pin::pin!(self.rows(&statement).await?);
        while let Some(piece) = found.next().await {
            reader.rows(piece?, |cells, _| {
                if let Some(left) = hashes.get_mut(&crate::archive::hash(cells, &mut scratch)) {
                    *left = left.saturating_sub(1);
                }
                Ok(())
            })?;
        }
        reader.ended()
    }

    /// The values of columns, in the manifest's order, as the types that they have now.
    async fn values_now(&self, table: &TableName, manifest: &Manifest) -> Result<Vec<String>, Failure> {
        let now = self.found_columns(table).await?;
        let of = |(at, column): (usize, &crate::archive::ColumnEntry)| {
            let found = now.iter().find(|entry| entry.name == column.name);
            match found {
                // Its cast from a text takes names only, and not the `-` that is written for 0.
                Some(entry) if entry.base == "regclass" && column.kind == Kind::Text => Ok(format!(
                    "pg_catalog.regclassin(pg_catalog.textout(c{at}))::{}",
                    entry.type_name
                )),
                Some(entry) if Kind::of(&entry.base) == column.kind => {
                    Ok(format!("c{at}::{}", entry.type_name))
                }
                Some(entry) => Err(Failure::new(
                    ErrorKind::Conflict,
                    format!(
                        "column {} is of type {} by now, and was {}",
                        column.name, entry.type_name, column.type_name
                    ),
                )),
                None => Err(Failure::new(
                    ErrorKind::Conflict,
                    format!("{table} has no column {} any more", column.name),
                )),
            }
        };
        manifest.columns.iter().enumerate().map(of).collect()
    }

    /// Adds rows that are missing, through a table of this session that takes their bytes as they are.
    async fn add_rows(
        &self,
        rows: &Rows,
        missing: &mut HashMap<[u8; 32], u64>,
        manifest: &Manifest,
        values: &[String],
        table: &TableName,
    ) -> Result<(), Failure> {
        let columns = manifest.columns.iter().enumerate();
        let fields: Vec<String> = columns
            .clone()
            .map(|(at, column)| format!("c{at} {}", column.kind.sql()))
            .collect();
        let make = format!(
            "CREATE TEMPORARY TABLE ostler_back ({}) ON COMMIT DROP",
            fields.join(", ")
        );
        self.session.batch(&make).await?;
        let copy = "COPY pg_temp.ostler_back FROM STDIN (FORMAT binary)";
        let failed = |source| Failure::from(self.session.failed(copy, source));
        let sink = self.session.client().copy_in(copy).await.map_err(failed)?;
        let mut sink = std::pin::pin!(sink);
        let mut pieces = Vec::new();
        let mut out = BytesMut::new();
        let kinds = kinds(manifest);
        wire::head(&mut out);
        rows.each(|cells, hash| {
            if let Some(left) = missing.get_mut(&hash).filter(|left| **left > 0) {
                *left -= 1;
                wire::put(&mut out, cells, &kinds);
                if out.len() >= PIECE {
                    pieces.push(out.split().freeze());
                }
            }
        });
        wire::tail(&mut out);
        pieces.push(out.freeze());
        for piece in pieces {
            sink.send(piece).await.map_err(failed)?;
        }
        sink.as_mut().finish().await.map_err(failed)?;
        let given = columns.filter(|(_, column)| !column.generated);
        let names: Vec<String> = given
            .clone()
            .map(|(_, column)| identifier(&column.name))
            .collect();
        let values: Vec<&str> = given.map(|(at, _)| values[at].as_str()).collect();
        let insert = fill(
            include_str!("queries/undo_insert.sql"),
            &[
                ("table", &quoted(table)),
                ("columns", &names.join(", ")),
                ("values", &values.join(", ")),
            ],
        );
        // Triggers of users run with the role's own search_path, deferred ones too.
        let statements = [
            include_str!("queries/path_default.sql"),
            &insert,
            include_str!("queries/constraints_now.sql"),
            include_str!("queries/path_own.sql"),
        ];
        Ok(self.session.batch(&statements.join(";\n")).await?)
    }

    async fn attach_made(
        &self,
        files: &[&UndoItem],
        (key, store): (&str, &dyn Store),
        name: &TableName,
        pace: Pace,
        step: &Step,
    ) -> Result<(), Failure> {
        let manifest = undo::manifest(store, key, files).await?;
        let Some(PartitionEntry { parent, bounds, .. }) = &manifest.partition else {
            return Ok(());
        };
        let places = [
            ("parent", quoted(parent)),
            ("partition", quoted(name)),
            ("bounds", checked(bounds)?.to_owned()),
        ];
        let places = places.each_ref().map(|(place, value)| (*place, value.as_str()));
        let sql = fill(include_str!("queries/attach.sql"), &places);
        let mut patience = Patience::new(pace.lock_wait_ms);
        let parameters = [(&name.schema as _, Type::TEXT), (&name.name as _, Type::TEXT)];
        loop {
            let found = self
                .session
                .query(include_str!("queries/undo_place.sql"), &parameters)
                .await?;
            if found.first().is_none_or(|row| row.get::<_, bool>(0)) {
                return Ok(());
            }
            if let Err(error) = self.session.batch(&sql).await {
                patience.after(error, &step.cancelled).await?;
            }
        }
    }
}

fn kinds(manifest: &Manifest) -> Vec<Kind> {
    manifest.columns.iter().map(|column| column.kind).collect()
}

/// Bounds of a manifest, which are words of SQL: only such as the server writes, with nothing behind them.
fn checked(bounds: &str) -> Result<&str, Failure> {
    match crate::bounds::are_bounds(bounds) {
        true => Ok(bounds),
        false => {
            let reason = problem(
                ErrorKind::Corrupt,
                format!("`{bounds}` are no bounds of a partition"),
            );
            Err(Failure::new(reason.kind, reason.reason))
        }
    }
}
