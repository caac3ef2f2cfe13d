//! Rollups in PostgreSQL: their tables and view, how levels are made, and how what they sum up goes.

mod age;
mod define;
mod output;
mod plan;
mod refresh;
mod sheet;

use ostler_api::retention::TableName;
use ostler_api::tables::{DefinitionKind, Rollup, RollupState};
use ostler_postgres::quote::identifier;
use ostler_vocabulary::{Failure, Timestamp};
use serde::Deserialize;

use super::Postgres;
use crate::{Error, definition, rollup};
use sheet::Sheet;

/// A row of `rollup_levels.sql`.
#[derive(Debug, Deserialize)]
struct LevelRow {
    rollup: String,
    level: u32,
    table_schema: String,
    table_name: String,
    kept_from: Option<Timestamp>,
    watermark: Option<Timestamp>,
}

impl Postgres {
    /// Where the levels of all rollups are, by rollup and level.
    pub(super) async fn rollup_states(&self) -> Result<Vec<(String, RollupState)>, Failure> {
        let statement = self.own(include_str!("../queries/rollup_levels.sql"));
        let rows: Vec<LevelRow> = self.documents(&statement, &[]).await?;
        Ok(rows
            .into_iter()
            .map(|row| {
                let state = RollupState {
                    level: row.level,
                    table: TableName {
                        schema: row.table_schema,
                        name: row.table_name,
                    },
                    kept_from: row.kept_from,
                    watermark: row.watermark,
                };
                (row.rollup, state)
            })
            .collect())
    }

    /// The rollup of a name, and where its levels are.
    async fn rollup(&self, name: &str) -> Result<(Rollup, Vec<RollupState>), Failure> {
        let defined = definition::find(self, DefinitionKind::Rollup, name).await?;
        match defined.definition.rollup() {
            Some(rollup) => Ok((rollup.clone(), defined.levels)),
            None => Err(Error::ForeignPlan.into()),
        }
    }

    /// All that the statements of a rollup are made from.
    async fn sheet(&self, name: &str, rollup: Rollup) -> Result<Sheet, Failure> {
        let (widths, time) = rollup::lengths_and_time(name, &rollup)?;
        Ok(Sheet {
            name: name.to_owned(),
            widths,
            time,
            rollup,
            release: self.release().await?,
            schema: identifier(&self.schema),
        })
    }

    /// Runs statements as one transaction; whatever fails takes all of it back.
    pub(super) async fn all_or_none<T>(
        &self,
        begin: &str,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let transaction = self.session.begin(begin).await?;
        let value = work.await?;
        transaction.commit().await?;
        Ok(value)
    }
}
