//! Old rows of a table that are archived: removed file by file, and only as they were read back.

use futures::StreamExt;
use ostler_api::document::{RetentionItem, RetentionProblem, RetentionProof};
use ostler_api::retention::Pace;
use ostler_operations::{Operation, Step};
use ostler_postgres::Type;
use ostler_postgres::quote::literal;
use ostler_store::Store;
use ostler_vocabulary::{ErrorKind, Failure, Unit};
use tokio::time::Instant;

use super::archive::{collated, selected};
use super::patience::{Patience, rest};
use super::statement::{Naming, condition, fill, quoted};
use super::wire::Reader;
use super::{Postgres, key, of_item};
use crate::Database;
use crate::archive::keep::{self, Kept, manifest};
use crate::archive::{Manifest, Shelves, Tally, hash};
use crate::strategy::{Task, problem};

impl Postgres {
    /// Rows that are archived, and removed file by file.
    pub(super) async fn archive_rows(
        &self,
        op: &Operation,
        item: &RetentionItem,
        task: &Task,
        pace: Pace,
        shelves: &dyn Shelves,
        mut proof: RetentionProof,
    ) -> Result<RetentionProof, Failure> {
        proof.after = proof.before;
        let (kept, store) = match (keep::keep(self, op, item, task, shelves).await?, &task.shelf) {
            (Ok(Some(kept)), Some(shelf)) => (kept, shelves.shelf(&shelf.to).await?),
            (Err(problem), _) => {
                proof.problem = Some(problem);
                return Ok(proof);
            }
            _ => return Ok(proof),
        };
        proof.archive = keep::proof(task, &kept);
        keep::settle(op, item, task);
        let (kept, store) = (&kept, store.as_ref());
        let remove = |step: Step| async move {
            step.progress.add_total(kept.tally.rows);
            of_item(self.remove_kept(op, item, task, (kept, store), pace, &step).await)
        };
        let removed: Result<(), RetentionProblem> = op
            .step("remove")
            .key(key(item))
            .unit(Unit::Rows)
            .leaves(format!("rows of {} that were removed are archived", item.table))
            .run(remove)
            .await?;
        proof.problem = removed.err();
        let place = key(item);
        let prove = |_| async {
            let removed = self.kept_removed(op, &place).await;
            let left = self.measure(&item.table, &task.target).await;
            self.of_table(removed.and_then(|removed| Ok((removed, left?.rows))))
                .await
        };
        let proven: Result<(u64, u64), RetentionProblem> =
            op.step("prove").key(&place).retries(3).run(prove).await?;
        match proven {
            Ok((removed, after)) => (proof.removed, proof.after) = (removed, after),
            Err(problem) => proof.problem = Some(problem),
        }
        if proof.problem.is_none() && proof.after > 0 {
            let reason = format!(
                "{} such rows are left: they came after the archive was made",
                proof.after
            );
            proof.problem = Some(problem(ErrorKind::Busy, reason));
        }
        let forget = |_| async {
            let operation = op.id().to_string();
            let parameters = [(&operation as _, Type::TEXT), (&place as _, Type::TEXT)];
            let forget = self.own(include_str!("queries/forget_kept_progress.sql"));
            Ok(self.session.execute(&forget, &parameters).await?)
        };
        let _: u64 = op.step("forget").key(&place).retries(3).run(forget).await?;
        Ok(proof)
    }

    /// Removes the rows of an archive, file by file: all rows of a file as they were read back, or none.
    pub(super) async fn remove_kept(
        &self,
        op: &Operation,
        item: &RetentionItem,
        task: &Task,
        (kept, store): (&Kept, &dyn Store),
        pace: Pace,
        step: &Step,
    ) -> Result<(), Failure> {
        let manifest = manifest(store, kept).await?;
        let mut changed = Vec::new();
        let mut patience = Patience::new(pace.lock_wait_ms);
        // What such a column refers to is written by the search_path, and was written by ours.
        let by_path = manifest
            .columns
            .iter()
            .any(|column| column.type_name.starts_with("reg"));
        let begin = match by_path {
            true => "BEGIN",
            false => include_str!("queries/begin_removal.sql"),
        };
        let mut files = manifest.files.iter();
        let mut next = files.next();
        while let Some(file) = next {
            let place = format!("{} {}", key(item), file.key);
            if self.kept_removed(op, &place).await? > 0 {
                next = files.next();
                continue;
            }
            let start = Instant::now();
            let statement = fill(
                include_str!("queries/copy_deleted.sql"),
                &[
                    ("table", &quoted(&item.table)),
                    ("condition", &condition(&task.target, Naming::Qualified)),
                    ("column", &collated(&task.target)),
                    ("min", literal(&file.min).trim_start()),
                    ("max", literal(&file.max).trim_start()),
                    ("columns", &selected(&manifest.columns)),
                ],
            );
            let transaction = self.session.begin(begin).await?;
            let removed = self
                .remove_file(op, &place, &statement, &manifest, &file.tally)
                .await?;
            match removed {
                Err(error) => {
                    drop(transaction);
                    patience.after(error, &step.cancelled).await?;
                    continue;
                }
                Ok(true) => transaction.commit().await?,
                Ok(false) => {
                    transaction.rollback().await?;
                    changed.push(format!("{} to {}", file.min, file.max));
                }
            }
            step.progress.add_done(file.tally.rows);
            patience = Patience::new(pace.lock_wait_ms);
            next = files.next();
            rest(
                start.elapsed().mul_f64(pace.rest.clamp(0.0, 100.0)),
                &step.cancelled,
            )
            .await?;
        }
        if changed.is_empty() {
            return Ok(());
        }
        let reason = format!(
            "rows changed after they were archived and stay: those of {}",
            changed.join(", ")
        );
        Err(Failure::new(ErrorKind::Conflict, reason))
    }

    /// Deletes the rows of a file inside the caller's transaction. Whether they were exactly those.
    async fn remove_file(
        &self,
        op: &Operation,
        place: &str,
        statement: &str,
        manifest: &Manifest,
        expected: &Tally,
    ) -> Result<Result<bool, ostler_postgres::Error>, Failure> {
        let kinds = manifest.columns.iter().map(|column| column.kind).collect();
        let mut reader = Reader::new(kinds);
        let mut tally = Tally::default();
        let mut scratch = Vec::new();
        {
            let mut rows = match self.session.copy_out(statement).await {
                Ok(rows) => std::pin::pin!(rows),
                Err(error) => return Ok(Err(error)),
            };
            while let Some(piece) = rows.next().await {
                let piece = match piece {
                    Ok(piece) => piece,
                    Err(error) => return Ok(Err(error)),
                };
                reader.rows(piece, |cells, _| {
                    tally.add(&hash(cells, &mut scratch));
                    Ok(())
                })?;
            }
        }
        reader.ended()?;
        if tally != *expected {
            return Ok(Ok(false));
        }
        let operation = op.id().to_string();
        let rows = i64::try_from(tally.rows).unwrap_or(i64::MAX);
        let parameters = [
            (&operation as _, Type::TEXT),
            (&place as _, Type::TEXT),
            (&rows as _, Type::INT8),
        ];
        let add = self.own(include_str!("queries/add_progress.sql"));
        self.session.execute(&add, &parameters).await?;
        Ok(Ok(true))
    }

    /// How many rows of files were removed whose places begin so.
    pub(super) async fn kept_removed(&self, op: &Operation, place: &str) -> Result<u64, Failure> {
        let operation = op.id().to_string();
        let parameters = [(&operation as _, Type::TEXT), (&place as _, Type::TEXT)];
        let statement = self.own(include_str!("queries/kept_progress.sql"));
        let row = self.session.one(&statement, &parameters).await?;
        Ok(u64::try_from(row.get::<_, i64>(0)).unwrap_or(0))
    }
}
