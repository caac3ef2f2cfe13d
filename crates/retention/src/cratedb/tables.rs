//! Work on tables. A new kind of it is a file, and a line in the functions here.

use ostler_api::tables::{TableItem, TableProof, TableTask, Tables, TablesWork};
use ostler_operations::Operation;
use ostler_vocabulary::{Failure, Timestamp};

use super::{CrateDb, materialize};
use crate::{materialized, rollup};

impl CrateDb {
    pub(super) async fn plan_tables(
        &self,
        request: &mut Tables,
        now: Timestamp,
    ) -> Result<TablesWork, Failure> {
        match &mut request.task {
            TableTask::RefreshRollup(refresh) => self.plan_rollup(refresh, now).await,
            TableTask::RefreshMaterialized(refresh) => {
                let (quote, filling) = (ostler_cratedb::quote::identifier, materialize::filling);
                materialized::plan(self, refresh, now, quote, filling).await
            }
            TableTask::RunQuery(run) => self.plan_query(run).await,
            TableTask::Erase(erase) => self.plan_erasure(erase).await,
        }
    }

    pub(super) async fn do_tables(
        &self,
        op: &Operation,
        request: &Tables,
        item: &TableItem,
    ) -> Result<TableProof, Failure> {
        let name = request.task.name();
        let proof = match &request.task {
            TableTask::RefreshRollup(_) => rollup::refresh(self, op, item, request.pace).await?,
            TableTask::RefreshMaterialized(_) => materialized::refresh(self, op, item, request.pace).await?,
            // It is in the audit before it runs.
            TableTask::RunQuery(_) => return self.run_query(op, item, name).await,
            TableTask::Erase(erase) => self.erase(op, erase, item).await?,
        };
        op.step("record")
            .key(&item.object)
            .retries(3)
            .run(|_| async { self.record_work(op, item, name, &proof).await })
            .await?;
        Ok(proof)
    }
}
