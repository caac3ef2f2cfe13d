//! A rollup that comes or goes: its tables, its view, and what is written of it.

use ostler_api::retention::TableName;
use ostler_api::tables::Rollup;
use ostler_cratedb::quote::identifier;
use ostler_vocabulary::{ErrorKind, Failure};
use serde_json::Value;

use super::super::CrateDb;
use super::super::statement::{filled, quoted};
use super::sheet::Sheet;
use super::sketch;
use crate::{Error, rollup};

/// Types that can be summed up.
const NUMBERS: &[&str] = &["smallint", "integer", "bigint", "real", "double precision"];

/// The type of a level's column for one that tells rows apart; `None` for types that do not.
fn type_of_key(of: &str) -> Option<&str> {
    match of {
        "boolean"
        | "smallint"
        | "integer"
        | "bigint"
        | "ip"
        | "timestamp with time zone"
        | "timestamp without time zone" => Some(of),
        of if of.starts_with("text") || of.starts_with("character") || of.starts_with("varchar") => {
            Some("text")
        }
        _ => None,
    }
}

impl Sheet {
    /// The columns of a level with their types.
    fn declared(&self) -> String {
        let by = self.rollup.by.iter();
        let mut columns: Vec<String> = by
            .map(|column| {
                let of = type_of_key(self.type_of(column)).unwrap_or("text");
                format!("{} {of}", identifier(column))
            })
            .collect();
        let outputs = self.outputs();
        columns.extend(
            outputs
                .iter()
                .map(|it| format!("{} {}", identifier(&it.name), it.type_name)),
        );
        for value in self.sketched() {
            let (places, times) = sketch::columns(value);
            columns.extend([
                format!("{places} ARRAY(INTEGER)"),
                format!("{times} ARRAY(BIGINT)"),
            ]);
        }
        columns.join(",\n    ")
    }

    /// What is made for it: kind of object, word for it, name.
    fn objects(&self) -> Vec<(&'static str, &'static str, TableName)> {
        let tables = self.tables().into_iter().skip(1);
        let mut objects: Vec<_> = tables.map(|table| ("TABLE", "table", table)).collect();
        objects.push(("VIEW", "view", self.rollup.view(&self.name)));
        objects
    }
}

impl CrateDb {
    /// A rollup with the types of its columns, if all of it can be; nothing of the names that it needs is there.
    pub(in super::super) async fn resolved_rollup(
        &self,
        name: &str,
        rollup: Rollup,
    ) -> Result<Rollup, Failure> {
        let rollup = rollup::resolved(self, name, rollup, NUMBERS).await?;
        let wrong = |reason: String| Error::Definition {
            what: "rollup",
            name: name.to_owned(),
            reason,
        };
        for column in &rollup.by {
            let of = rollup.types.get(column).map_or("", String::as_str);
            if type_of_key(of).is_none() {
                return Err(wrong(format!(
                    "column {column} is of type {of}: rows are told apart by texts, whole numbers, booleans, times and addresses; a generated column of such a type can be made from it"
                ))
                .into());
            }
        }
        let sheet = self.sheet(name, rollup)?;
        let names: Value = sheet
            .objects()
            .iter()
            .map(|(_, _, table)| table.name.clone())
            .collect();
        let args = [sheet.rollup.table.schema.as_str().into(), names];
        let there = self
            .client
            .execute(include_str!("../queries/rollup_names.sql"), &args)
            .await?;
        match there.rows.first().and_then(|row| row.first()?.as_str()) {
            None => Ok(sheet.rollup),
            Some(taken) => Err(Failure::new(
                ErrorKind::AlreadyExists,
                format!(
                    "rollup {name} needs the name {}.{taken}, and there is a table or view of that name",
                    sheet.rollup.table.schema
                ),
            )
            .with_hint("call the rollup otherwise, or remove what is there")),
        }
    }

    /// Makes what is written of levels.
    pub(in super::super) async fn prepare_rollups(&self) -> Result<(), Failure> {
        self.own(include_str!("../queries/make_rollup_levels.sql"), &[])
            .await?;
        Ok(())
    }

    /// Makes the tables and the view. What was made is removed when something fails.
    pub(in super::super) async fn make_rollup(
        &self,
        name: &str,
        rollup: &Rollup,
    ) -> Result<Vec<String>, Failure> {
        let sheet = self.sheet(name, rollup.clone())?;
        for (level, table) in sheet.tables().iter().enumerate() {
            let args = [
                name.into(),
                level.into(),
                table.schema.as_str().into(),
                table.name.as_str().into(),
            ];
            self.own(include_str!("../queries/rollup_add_level.sql"), &args)
                .await?;
        }
        let mut made = Vec::new();
        for (what, word, table) in sheet.objects() {
            let statement = match what {
                "VIEW" => filled(
                    include_str!("../queries/rollup_view.sql"),
                    &[("view", quoted(&table)), ("select", sheet.view())],
                ),
                _ => filled(
                    include_str!("../queries/rollup_table.sql"),
                    &[("table", quoted(&table)), ("columns", sheet.declared())],
                ),
            };
            if let Err(error) = self.client.execute(&statement, &[]).await {
                let failure = Failure::from(error);
                if !failure.kind().is_transient() {
                    for (what, _, table) in sheet.objects().into_iter().take(made.len()) {
                        self.drop_object(what, &table).await?;
                    }
                    self.forget_levels(name).await?;
                }
                return Err(failure);
            }
            made.push(format!("{word} {table}"));
        }
        Ok(made)
    }

    async fn drop_object(&self, what: &str, table: &TableName) -> Result<(), Failure> {
        let places = [("what", what.to_owned()), ("table", quoted(table))];
        let drop = filled(include_str!("../queries/rollup_drop.sql"), &places);
        self.client.execute(&drop, &[]).await?;
        Ok(())
    }

    async fn forget_levels(&self, name: &str) -> Result<(), Failure> {
        self.own(
            include_str!("../queries/rollup_remove_levels.sql"),
            &[name.into()],
        )
        .await?;
        Ok(())
    }

    /// Removes the view, and the tables if that is wanted.
    pub(in super::super) async fn unmake_rollup(
        &self,
        name: &str,
        rollup: &Rollup,
        with_data: bool,
    ) -> Result<Vec<String>, Failure> {
        let sheet = self.sheet(name, rollup.clone())?;
        let mut gone = Vec::new();
        for (what, word, table) in sheet.objects().into_iter().rev() {
            if what == "VIEW" || with_data {
                self.drop_object(what, &table).await?;
                gone.push(format!("{word} {table}"));
            }
        }
        self.forget_levels(name).await?;
        Ok(gone)
    }
}
