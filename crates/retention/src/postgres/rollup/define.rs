//! A rollup that comes or goes: its tables, its view, and what is written of it.

use ostler_api::tables::Rollup;
use ostler_postgres::Type;
use ostler_vocabulary::{ErrorKind, Failure};

use super::super::Postgres;
use super::super::statement::{fill, quoted};
use crate::rollup;
use ostler_postgres::quote::literal;

/// Types that can be summed up.
const NUMBERS: &[&str] = &[
    "smallint",
    "integer",
    "bigint",
    "numeric",
    "real",
    "double precision",
];

impl Postgres {
    /// A rollup with the types of its columns, if all of it can be.
    pub(in super::super) async fn resolved_rollup(
        &self,
        name: &str,
        rollup: Rollup,
    ) -> Result<Rollup, Failure> {
        rollup::resolved(self, name, rollup, NUMBERS).await
    }

    /// Makes the tables and the view, inside the caller's transaction.
    pub(in super::super) async fn make_rollup(
        &self,
        name: &str,
        rollup: &Rollup,
    ) -> Result<Vec<String>, Failure> {
        let sheet = self.sheet(name, rollup.clone()).await?;
        let comment = |what: &str, table: &str, text: String| {
            let places = [("what", what), ("table", table), ("comment", &literal(&text))];
            fill(include_str!("../queries/rollup_comment.sql"), &places)
        };
        let mut made = Vec::new();
        for (level, table) in sheet.tables().iter().enumerate() {
            let number = i32::try_from(level).unwrap_or(i32::MAX);
            let parameters = [
                (&name as _, Type::TEXT),
                (&number as _, Type::INT4),
                (&table.schema as _, Type::TEXT),
                (&table.name as _, Type::TEXT),
            ];
            let add = self.own(include_str!("../queries/rollup_add_level.sql"));
            self.session.execute(&add, &parameters).await?;
            if level == 0 {
                continue;
            }
            let of = quoted(table);
            let places = [("table", of.as_str()), ("columns", &sheet.declared())];
            let create = fill(include_str!("../queries/rollup_table.sql"), &places);
            let index = fill(include_str!("../queries/rollup_index.sql"), &places);
            let said = comment(
                "TABLE",
                &of,
                format!("level {level} of rollup {name}, made by Ostler"),
            );
            self.session.batch(&format!("{create}; {index}; {said}")).await?;
            made.push(format!("table {table}"));
        }
        let view = rollup.view(name);
        let of = quoted(&view);
        let places = [("view", of.as_str()), ("select", &sheet.view())];
        let create = fill(include_str!("../queries/rollup_view.sql"), &places);
        let said = comment("VIEW", &of, format!("rollup {name}, made by Ostler"));
        self.session.batch(&format!("{create}; {said}")).await?;
        made.push(format!("view {view}"));
        Ok(made)
    }

    /// Removes the view, and the tables if that is wanted, inside the caller's transaction.
    pub(in super::super) async fn unmake_rollup(
        &self,
        name: &str,
        rollup: &Rollup,
        with_data: bool,
    ) -> Result<Vec<String>, Failure> {
        let mut gone = Vec::new();
        let mut objects = vec![("VIEW", "view", rollup.view(name))];
        if with_data {
            let levels = 1..=rollup.levels.len();
            objects.extend(levels.map(|level| ("TABLE", "table", rollup.level_table(name, level))));
        }
        for (what, word, table) in objects {
            let places = [("what", what), ("table", &quoted(&table))];
            let drop = fill(include_str!("../queries/rollup_drop.sql"), &places);
            match self.session.batch(&drop).await {
                Ok(()) => gone.push(format!("{word} {table}")),
                Err(error) => {
                    let failure = Failure::from(error);
                    return Err(match failure.kind() {
                        ErrorKind::NotFound => failure.with_hint("somebody removed or renamed it"),
                        _ => failure,
                    });
                }
            }
        }
        let forget = self.own(include_str!("../queries/rollup_remove_levels.sql"));
        self.session.execute(&forget, &[(&name, Type::TEXT)]).await?;
        Ok(gone)
    }
}
