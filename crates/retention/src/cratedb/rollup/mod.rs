//! Rollups in CrateDB: their tables and view, how levels are made, and how what they sum up goes.
//!
//! There are no transactions. Each row of a level has the generation by which it was made (`ostler_made`), which is greater for
//! every runner that has the lease later: what a runner that slept writes late changes no row of a later one. Before rows go, all
//! that shows their sums is made of this runner's generation, and then compared.

mod age;
mod define;
mod levels;
mod output;
mod partition;
mod refresh;
mod sheet;
mod sketch;
mod view;

use ostler_api::retention::TableName;
use ostler_api::tables::{DefinitionKind, Rollup, RollupState};
use ostler_cratedb::quote::{identifier, literal};
use ostler_vocabulary::{ErrorKind, Failure, Timestamp};
use serde_json::Value;

use super::CrateDb;
use super::statement::{Bound, fill, filled};
use crate::{Error, definition, rollup};
use sheet::{Sheet, moment};

impl CrateDb {
    /// Where the levels of all rollups are, by rollup and level.
    pub(super) async fn rollup_states(&self) -> Result<Vec<(String, RollupState)>, Failure> {
        self.own(include_str!("../queries/refresh_rollup_levels.sql"), &[])
            .await?;
        let statement = include_str!("../queries/rollup_levels.sql");
        let answer = self.own(statement, &[]).await?;
        let rows = answer.rows.iter().map(|row| {
            let [
                Value::String(rollup),
                level,
                Value::String(schema),
                Value::String(name),
                kept_from,
                watermark,
            ] = row.as_slice()
            else {
                return Err(self.client.unexpected(statement, "no level").into());
            };
            let state = RollupState {
                level: level
                    .as_u64()
                    .and_then(|it| it.try_into().ok())
                    .unwrap_or(u32::MAX),
                table: TableName {
                    schema: schema.clone(),
                    name: name.clone(),
                },
                kept_from: read_moment(kept_from),
                watermark: read_moment(watermark),
            };
            Ok((rollup.clone(), state))
        });
        rows.collect()
    }

    /// The rollup of a name, and where its levels are.
    async fn rollup(&self, name: &str) -> Result<(Sheet, Vec<RollupState>), Failure> {
        let defined = definition::find(self, DefinitionKind::Rollup, name).await?;
        let Some(rollup) = defined.definition.rollup() else {
            return Err(Error::ForeignPlan.into());
        };
        Ok((self.sheet(name, rollup.clone())?, defined.levels))
    }

    /// All that the statements of a rollup are made from.
    fn sheet(&self, name: &str, rollup: Rollup) -> Result<Sheet, Failure> {
        let (widths, time) = rollup::lengths_and_time(name, &rollup)?;
        Ok(Sheet {
            name: name.to_owned(),
            widths,
            time,
            rollup,
            schema: identifier(&self.schema),
        })
    }

    /// Moves the watermark of a level forward, and says how far an operation is with a window.
    async fn advance(&self, (rollup, level): (&str, u32), to: Timestamp, point: &str) -> Result<(), Failure> {
        let sql = fill(
            include_str!("../queries/rollup_advance.sql"),
            &[("schema", &identifier(&self.schema)), ("to", &moment(to))],
        );
        let args = [point.into(), rollup.into(), level.into()];
        self.change_level(&sql, &args).await
    }

    /// Says that rows of a level before a moment go, the next one being proven.
    async fn keep_from(&self, (rollup, level): (&str, u32), to: Timestamp) -> Result<(), Failure> {
        let sql = fill(
            include_str!("../queries/rollup_kept.sql"),
            &[("schema", &identifier(&self.schema)), ("to", &moment(to))],
        );
        self.change_level(&sql, &[rollup.into(), level.into()]).await
    }

    /// Takes that back: they stay.
    async fn keep_again(
        &self,
        (rollup, level): (&str, u32),
        to: Timestamp,
        before: Option<Timestamp>,
    ) -> Result<(), Failure> {
        let before = before.map_or_else(|| "NULL".to_owned(), moment);
        // With more than the key in its condition, a statement sees only what was refreshed.
        self.own(include_str!("../queries/refresh_rollup_levels.sql"), &[])
            .await?;
        let sql = filled(
            include_str!("../queries/rollup_kept_again.sql"),
            &[
                ("schema", identifier(&self.schema)),
                ("to", moment(to)),
                ("before", before),
            ],
        );
        self.client.execute(&sql, &[rollup.into(), level.into()]).await?;
        Ok(())
    }

    /// Changes the row of a level, which has to be there.
    async fn change_level(&self, sql: &str, args: &[Value]) -> Result<(), Failure> {
        self.confirm_lease().await?;
        let answer = self.client.execute(sql, args).await?;
        match answer.rowcount {
            1 => Ok(()),
            _ => Err(Failure::new(
                ErrorKind::Conflict,
                "somebody removed the rollup, or what is written of how far it is",
            )),
        }
    }

    /// The generation of what is made now: greater than that of all rows there are, and of all that runners before this one make.
    async fn generation(&self, tables: &[String]) -> Result<i64, Failure> {
        let mut made = self.next_made()?;
        for table in tables {
            let sql = fill(include_str!("../queries/rollup_newest.sql"), &[("table", table)]);
            let answer = self.client.execute(&sql, &[]).await?;
            let newest = answer.rows.first().and_then(|row| row.first()?.as_i64());
            made = made.max(newest.unwrap_or(0).saturating_add(1));
        }
        Ok(made)
    }

    /// The numbers of the only row of an answer.
    async fn numbers<const N: usize>(&self, sql: String) -> Result<[u64; N], Failure> {
        let statement = Bound {
            sql,
            args: Vec::new(),
        };
        let answer = self.ask(&statement).await?;
        let row = answer.rows.first().map(Vec::as_slice).unwrap_or_default();
        let numbers: Option<Vec<u64>> = row.iter().map(Value::as_u64).collect();
        let numbers = numbers.and_then(|numbers| numbers.try_into().ok());
        Ok(numbers.ok_or_else(|| self.client.unexpected(&statement.sql, "no numbers"))?)
    }

    /// Makes visible what was written to a quoted table.
    async fn refresh_quoted(&self, table: &str) -> Result<(), Failure> {
        let sql = fill(include_str!("../queries/refresh_table.sql"), &[("table", table)]);
        self.client.execute(&sql, &[]).await?;
        Ok(())
    }
}

/// A moment of an answer.
fn read_moment(value: &Value) -> Option<Timestamp> {
    Timestamp::from_millisecond(value.as_i64()?).ok()
}

/// A value of one of our own columns, in a statement that is kept.
fn text(value: &str) -> String {
    literal(value)
}
