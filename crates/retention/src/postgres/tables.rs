//! What is defined by name, and work on it. A new kind of definition or of work is a file, and a line in the functions here.

use ostler_api::tables::{
    Defined, Definition, DefinitionKind, TableItem, TableProof, TableTask, Tables, TablesWork,
};
use ostler_operations::Operation;
use ostler_postgres::Type;
use ostler_vocabulary::{Failure, Timestamp};
use serde::Deserialize;

use super::Postgres;
use crate::materialized;

/// Since when definitions are there, in versions of our tables.
const DEFINITIONS: i64 = 3;

/// A row of `definitions.sql`.
#[derive(Debug, Deserialize)]
struct Row {
    name: String,
    definition: Definition,
}

impl Postgres {
    pub(super) async fn read_definitions(&self, kind: DefinitionKind) -> Result<Vec<Defined>, Failure> {
        if self.installed().await?.1 < DEFINITIONS {
            return Ok(Vec::new());
        }
        let statement = self.own(include_str!("queries/definitions.sql"));
        let of = kind.as_str();
        let rows: Vec<Row> = self.documents(&statement, &[(&of, Type::TEXT)]).await?;
        let states = match kind {
            DefinitionKind::Rollup => self.rollup_states().await?,
            DefinitionKind::Materialized | DefinitionKind::Query => Vec::new(),
        };
        Ok(rows
            .into_iter()
            .map(|row| Defined {
                levels: states
                    .iter()
                    .filter(|(rollup, _)| *rollup == row.name)
                    .map(|(_, state)| state.clone())
                    .collect(),
                name: row.name,
                definition: row.definition,
            })
            .collect())
    }

    pub(super) async fn make_definition(&self, defined: &Defined) -> Result<Vec<String>, Failure> {
        let definition = match &defined.definition {
            Definition::Rollup(rollup) => {
                Definition::Rollup(self.resolved_rollup(&defined.name, rollup.clone()).await?)
            }
            Definition::Materialized(it) => {
                Self::valid_materialized(&defined.name, it)?;
                Definition::Materialized(it.clone())
            }
            // What its parameters are, is known when it is run.
            Definition::Query(it) => Definition::Query(it.clone()),
        };
        let work = async {
            self.prepare().await?;
            let made = match &definition {
                Definition::Rollup(rollup) => self.make_rollup(&defined.name, rollup).await?,
                Definition::Materialized(it) => self.make_materialized(it).await?,
                Definition::Query(_) => Vec::new(),
            };
            let text = serde_json::to_string(&definition).map_err(unwritable)?;
            let kind = definition.kind().as_str();
            let parameters = [
                (&kind as _, Type::TEXT),
                (&defined.name as _, Type::TEXT),
                (&text as _, Type::TEXT),
            ];
            let add = self.own(include_str!("queries/add_definition.sql"));
            self.session.execute(&add, &parameters).await?;
            self.note(kind, "added", &defined.name, (None, Some(&text)))
                .await?;
            Ok(made)
        };
        self.all_or_none("BEGIN", work).await
    }

    pub(super) async fn unmake_definition(
        &self,
        defined: &Defined,
        with_data: bool,
    ) -> Result<Vec<String>, Failure> {
        let work = async {
            self.prepare().await?;
            let gone = match &defined.definition {
                Definition::Rollup(rollup) => self.unmake_rollup(&defined.name, rollup, with_data).await?,
                Definition::Materialized(it) if with_data => self.unmake_materialized(it).await?,
                Definition::Materialized(_) | Definition::Query(_) => Vec::new(),
            };
            let text = serde_json::to_string(&defined.definition).map_err(unwritable)?;
            let kind = defined.definition.kind().as_str();
            let parameters = [(&kind as _, Type::TEXT), (&defined.name as _, Type::TEXT)];
            let remove = self.own(include_str!("queries/remove_definition.sql"));
            self.session.execute(&remove, &parameters).await?;
            self.note(kind, "removed", &defined.name, (Some(&text), None))
                .await?;
            Ok(gone)
        };
        self.all_or_none("BEGIN", work).await
    }

    /// A change in the audit.
    async fn note(
        &self,
        kind: &str,
        action: &str,
        name: &str,
        (before, after): (Option<&String>, Option<&String>),
    ) -> Result<(), Failure> {
        let action = format!("{kind} {action}");
        let parameters = [
            (&action as _, Type::TEXT),
            (&name as _, Type::TEXT),
            (&before as _, Type::TEXT),
            (&after as _, Type::TEXT),
        ];
        let audit = self.own(include_str!("queries/audit_change.sql"));
        self.session.execute(&audit, &parameters).await?;
        Ok(())
    }

    pub(super) async fn plan_tables(
        &self,
        request: &mut Tables,
        now: Timestamp,
    ) -> Result<TablesWork, Failure> {
        match &mut request.task {
            TableTask::RefreshRollup(refresh) => self.plan_refresh(refresh, now).await,
            TableTask::RefreshMaterialized(refresh) => self.plan_materialized(refresh, now).await,
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
        let proof = match &request.task {
            TableTask::RefreshRollup(_) => self.refresh(op, item, request.pace).await?,
            TableTask::RefreshMaterialized(_) => materialized::refresh(self, op, item, request.pace).await?,
            TableTask::RunQuery(_) => self.run_query(op, item).await?,
            TableTask::Erase(erase) => self.erase(op, erase, item, request.pace).await?,
        };
        let name = request.task.name();
        op.step("record")
            .key(&item.object)
            .retries(3)
            .run(|_| async {
                let problem = proof.problem.as_ref().map(|problem| problem.reason.clone());
                let of = (item.action.as_str(), name, item.object.clone());
                self.record_in_audit(op, of, proof.rows, problem).await
            })
            .await?;
        Ok(proof)
    }
}

fn unwritable(error: serde_json::Error) -> Failure {
    Failure::new(
        ostler_vocabulary::ErrorKind::Internal,
        format!("cannot write a definition: {error}"),
    )
}
