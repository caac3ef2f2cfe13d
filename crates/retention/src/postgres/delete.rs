//! Rows that go: in batches that take a fraction of a second, with a rest after each, each counted in the transaction that deletes.

use ostler_api::document::{RetentionItem, RetentionProof};
use ostler_api::retention::Pace;
use ostler_operations::{Operation, Step};
use ostler_postgres::Type;
use ostler_vocabulary::{ErrorKind, Failure};

use super::catalogue::CONCURRENTLY;
use super::sweep::Sweep;
use super::{Postgres, key, of_item, too_many};
use crate::Database;
use crate::passes::Pass;
use crate::strategy::{Target, problem};

impl Postgres {
    pub(super) async fn remove_rows(
        &self,
        op: &Operation,
        item: &RetentionItem,
        target: &Target,
        pace: Pace,
        mut proof: RetentionProof,
    ) -> Result<RetentionProof, Failure> {
        proof.after = proof.before;
        let before = proof.before;
        let pass = Pass {
            delete: |_, step: Step| async move {
                step.progress.add_total(before);
                of_item(self.delete(op, item, target, pace, &step).await)
            },
            prove: || async { self.of_table(self.prove(op, item, target).await).await },
            tell: |proof, (removed, after)| (proof.removed, proof.after) = (removed, after),
            leaves: format!("rows of {} that were deleted stay deleted", item.table),
        };
        pass.again_and_again(op, item, (0, before), &mut proof).await?;
        let left = "they came meanwhile, or others hold them";
        self.end(op, item, (ErrorKind::Busy, left), proof).await
    }

    /// Says why rows are left, if any are, and forgets how far the deletion was.
    pub(super) async fn end(
        &self,
        op: &Operation,
        item: &RetentionItem,
        (kind, left): (ErrorKind, &str),
        mut proof: RetentionProof,
    ) -> Result<RetentionProof, Failure> {
        if proof.problem.is_none() && proof.after > 0 {
            let reason = format!("{} such rows are left: {left}", proof.after);
            proof.problem = Some(problem(kind, reason));
        }
        op.step("forget")
            .key(key(item))
            .retries(3)
            .run(|_| async {
                self.progress(op, item, include_str!("queries/forget_progress.sql"))
                    .await
            })
            .await?;
        Ok(proof)
    }

    pub(super) async fn look_at_rows(&self, item: &RetentionItem, target: &Target) -> Result<u64, Failure> {
        for leaf in self.leaves(&item.table, target.column().0).await? {
            if !leaf.is_table {
                return Err(Failure::new(
                    ErrorKind::Unsupported,
                    format!("{} is no table with rows of its own", leaf.table),
                ));
            }
        }
        let rows = self.measure(&item.table, target).await?.rows;
        too_many(item, rows).map_or(Ok(rows), |refused| {
            Err(Failure::new(refused.kind, refused.reason))
        })
    }

    /// Goes once through all tables with rows.
    async fn delete(
        &self,
        op: &Operation,
        item: &RetentionItem,
        target: &Target,
        pace: Pace,
        step: &Step,
    ) -> Result<(), Failure> {
        let blocks_are_ranges = self.release().await? >= CONCURRENTLY;
        for leaf in self.leaves(&item.table, target.column().0).await? {
            let sweep = Sweep {
                database: self,
                op,
                item,
                target,
                pace,
                leaf: &leaf,
            };
            sweep.run(blocks_are_ranges, step).await?;
        }
        Ok(())
    }

    /// How many rows were removed, by what the batches wrote, and how many such rows there are.
    pub(super) async fn prove(
        &self,
        op: &Operation,
        item: &RetentionItem,
        target: &Target,
    ) -> Result<(u64, u64), Failure> {
        let removed = self
            .progress(op, item, include_str!("queries/removed.sql"))
            .await?;
        Ok((removed, self.measure(&item.table, target).await?.rows))
    }

    /// Asks for, or forgets, what was removed so far.
    pub(super) async fn progress(
        &self,
        op: &Operation,
        item: &RetentionItem,
        template: &str,
    ) -> Result<u64, Failure> {
        let (operation, place) = (op.id().to_string(), key(item));
        let parameters = [(&operation as _, Type::TEXT), (&place as _, Type::TEXT)];
        let rows = self.session.query(&self.own(template), &parameters).await?;
        let removed = rows.first().map_or(0, |row| row.get::<_, i64>(0));
        Ok(u64::try_from(removed).unwrap_or(0))
    }
}
