//! Materialised tables: made beside the one that is there, and swapped in by renaming both in one transaction.

use async_trait::async_trait;
use ostler_api::document::RetentionProblem;
use ostler_api::retention::{Pace, TableName};
use ostler_api::tables::{Materialized, RefreshMaterialized, TablesWork};
use ostler_operations::Step;
use ostler_postgres::Type;
use ostler_postgres::quote::identifier;
use ostler_vocabulary::{ErrorKind, Failure, Timestamp};
use serde_json::Value;

use super::patience::Patience;
use super::statement::{filled, quoted};
use super::{Postgres, of_item};
use crate::materialized::{self, Made, Rebuilding, Remake};
use crate::{Database, Error};

/// What is behind the name of a table that was swapped out, until it is dropped in the same transaction.
const OLD: &str = "_ostler_old";
const LONGEST_NAME: usize = 63;

impl Postgres {
    /// Whether a materialised table can be.
    pub(super) fn valid_materialized(name: &str, it: &Materialized) -> Result<(), Error> {
        materialized::valid(name, it, LONGEST_NAME)
    }

    /// Makes the table, without rows, inside the caller's transaction.
    pub(super) async fn make_materialized(&self, it: &Materialized) -> Result<Vec<String>, Failure> {
        self.as_the_user_would().await?;
        let places = [("table", quoted(&it.table)), ("query", it.query.clone())];
        let create = filled(include_str!("queries/materialize_create.sql"), &places);
        // One statement only: what is prepared cannot hold two.
        self.session.execute(&create, &[]).await?;
        self.session.batch(include_str!("queries/path_own.sql")).await?;
        materialized::valid_column(self, it).await?;
        Ok(vec![format!("table {}", it.table)])
    }

    pub(super) async fn unmake_materialized(&self, it: &Materialized) -> Result<Vec<String>, Failure> {
        let places = [("partition", quoted(&it.table))];
        self.session
            .batch(&filled(include_str!("queries/drop.sql"), &places))
            .await?;
        Ok(vec![format!("table {}", it.table)])
    }

    /// Names in statements of users are found as in their own sessions, until the transaction ends.
    pub(super) async fn as_the_user_would(&self) -> Result<(), ostler_postgres::Error> {
        self.session.batch(include_str!("queries/path_default.sql")).await
    }

    pub(super) async fn plan_materialized(
        &self,
        request: &mut RefreshMaterialized,
        now: Timestamp,
    ) -> Result<TablesWork, Failure> {
        materialized::plan(self, request, now, identifier, filling).await
    }

    /// Whoever may use the old table may use the new one.
    async fn grant_alike(&self, it: &Rebuilding) -> Result<(), Failure> {
        let parameters = [
            (&it.table.schema as _, Type::TEXT),
            (&it.table.name as _, Type::TEXT),
        ];
        let rows = self
            .session
            .query(include_str!("queries/materialize_grants.sql"), &parameters)
            .await?;
        for row in rows {
            let role: Option<String> = row.get(1);
            let places = [
                ("privilege", row.get::<_, String>(0)),
                ("table", quoted(&it.new_table())),
                ("role", role.map_or("PUBLIC".to_owned(), |role| identifier(&role))),
            ];
            self.session
                .batch(&filled(include_str!("queries/materialize_grant.sql"), &places))
                .await?;
        }
        Ok(())
    }

    async fn forget_table(&self, table: &TableName) -> Result<(), Failure> {
        let places = [("table", quoted(table))];
        self.session
            .batch(&filled(include_str!("queries/materialize_forget.sql"), &places))
            .await?;
        Ok(())
    }

    /// What the server knows a table by.
    async fn number_of(&self, table: &TableName) -> Result<Option<u32>, Failure> {
        let name = quoted(table);
        let row = self
            .session
            .one(include_str!("queries/table_id.sql"), &[(&name, Type::TEXT)])
            .await?;
        Ok(row.get(0))
    }
}

#[async_trait]
impl Remake for Postgres {
    /// In one transaction.
    async fn make_new(&self, it: &Rebuilding) -> Result<Made, Failure> {
        let work = async {
            self.forget_table(&it.new_table()).await?;
            let places = [("new", quoted(&it.new_table())), ("table", quoted(&it.table))];
            self.session
                .batch(&filled(include_str!("queries/materialize_like.sql"), &places))
                .await?;
            self.as_the_user_would().await?;
            let mut rows = 0;
            for statement in filling(it) {
                rows += self.session.execute(&statement, &[]).await?;
            }
            self.session.batch(include_str!("queries/path_own.sql")).await?;
            self.grant_alike(it).await?;
            Ok(Made {
                id: self.id_of(&it.new_table()).await?,
                rows,
                counted: self.count(&it.new_table()).await?,
                asked: None,
            })
        };
        self.all_or_none(include_str!("queries/begin_user_statement.sql"), work)
            .await
    }

    async fn forget_new(&self, it: &Rebuilding) -> Result<(), Failure> {
        self.forget_table(&it.new_table()).await
    }

    async fn id_of(&self, table: &TableName) -> Result<Value, Failure> {
        Ok(self.number_of(table).await?.into())
    }

    fn of_item<T>(result: Result<T, Failure>) -> Result<Result<T, RetentionProblem>, Failure> {
        of_item(result)
    }

    /// The old one goes in the same transaction.
    async fn swap(&self, it: &Rebuilding, id: &Value, pace: Pace, step: &Step) -> Result<(), Failure> {
        let mut patience = Patience::new(pace.lock_wait_ms);
        let old = TableName {
            schema: it.table.schema.clone(),
            name: format!("{}{OLD}", it.table.name),
        };
        let swap = filled(
            include_str!("queries/materialize_swap.sql"),
            &[
                ("table", quoted(&it.table)),
                ("new", quoted(&it.new_table())),
                ("old", quoted(&old)),
                ("name", identifier(&it.table.name)),
                ("old_name", identifier(&old.name)),
            ],
        );
        loop {
            if self.id_of(&it.table).await? == *id {
                return Ok(());
            }
            if self.id_of(&it.new_table()).await? != *id {
                return Err(Failure::new(
                    ErrorKind::Conflict,
                    "somebody removed or replaced the new table",
                ));
            }
            // Sent together, they are one transaction.
            if let Err(error) = self.session.batch(&swap).await {
                patience.after(error, &step.cancelled).await?;
            }
        }
    }
}

/// The statements that fill the new table.
fn filling(it: &Rebuilding) -> Vec<String> {
    let places = [
        ("new", quoted(&it.new_table())),
        ("table", quoted(&it.table)),
        ("query", it.query.clone()),
        ("window", it.window.clone().unwrap_or_default()),
    ];
    match it.window {
        None => vec![filled(include_str!("queries/materialize_all.sql"), &places)],
        Some(_) => vec![
            filled(include_str!("queries/materialize_keep.sql"), &places),
            filled(include_str!("queries/materialize_window.sql"), &places),
        ],
    }
}
