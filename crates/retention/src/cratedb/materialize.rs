//! Materialised tables: made beside the one that is there, by its own definition, and swapped in.

use async_trait::async_trait;
use ostler_api::document::RetentionProblem;
use ostler_api::retention::{Pace, TableName};
use ostler_api::tables::Materialized;
use ostler_cratedb::quote::identifier;
use ostler_operations::Step;
use ostler_vocabulary::{ErrorKind, Failure};
use serde_json::Value;

use super::statement::{Bound, filled, quoted};
use super::{CrateDb, of_item};
use crate::materialized::{self, Made, Rebuilding, Remake};
use crate::{Database, Error};

/// A name is a part of the name of a folder.
const LONGEST_NAME: usize = 255;
/// What `SHOW CREATE TABLE` shows.
const SHOWN: &str = include_str!("queries/materialize_shown.sql");

impl CrateDb {
    /// Whether a materialised table can be.
    pub(super) fn valid_materialized(name: &str, it: &Materialized) -> Result<(), Error> {
        materialized::valid(name, it, LONGEST_NAME)
    }

    /// Makes the table, without rows.
    pub(super) async fn make_materialized(&self, it: &Materialized) -> Result<Vec<String>, Failure> {
        let places = [("table", quoted(&it.table)), ("query", it.query.clone())];
        self.client
            .execute(
                &filled(include_str!("queries/materialize_create.sql"), &places),
                &[],
            )
            .await?;
        if let Err(wrong) = materialized::valid_column(self, it).await {
            self.drop_table(&it.table).await?;
            return Err(wrong);
        }
        Ok(vec![format!("table {}", it.table)])
    }

    pub(super) async fn unmake_materialized(&self, it: &Materialized) -> Result<Vec<String>, Failure> {
        self.drop_table(&it.table).await?;
        Ok(vec![format!("table {}", it.table)])
    }

    async fn drop_table(&self, table: &TableName) -> Result<(), Failure> {
        let places = [("table", quoted(table))];
        self.client
            .execute(
                &filled(include_str!("queries/materialize_drop.sql"), &places),
                &[],
            )
            .await?;
        Ok(())
    }

    /// The statement that makes a table like the one that is there: columns, keys, shards, partitions, settings.
    async fn making_new(&self, it: &Rebuilding) -> Result<String, Failure> {
        let places = [("table", quoted(&it.table))];
        let show = filled(include_str!("queries/materialize_definition.sql"), &places);
        let answer = self.client.execute(&show, &[]).await?;
        let shown = answer.rows.first().and_then(|row| row.first()?.as_str());
        let form = |table: &TableName, rest: &str| {
            filled(SHOWN, &[("table", quoted(table)), ("rest", rest.to_owned())])
        };
        let rest = shown.and_then(|shown| shown.strip_prefix(&form(&it.table, "")));
        let rest = rest.ok_or_else(|| self.client.unexpected(&show, "no statement that makes it"))?;
        Ok(form(&it.new_table(), rest))
    }

    /// Whoever may use the old table may use the new one: privileges go with a table, and not with a name.
    async fn grant_alike(&self, it: &Rebuilding) -> Result<(), Failure> {
        let statement = include_str!("queries/materialize_grants.sql");
        let ident = format!("{}.{}", it.table.schema, it.table.name);
        let answer = self.client.execute(statement, &[ident.into()]).await?;
        for row in &answer.rows {
            let [
                Value::String(state),
                Value::String(privilege),
                Value::String(role),
            ] = row.as_slice()
            else {
                return Err(self.client.unexpected(statement, "no privilege").into());
            };
            let word = |text: &str| text.chars().all(|letter| letter.is_ascii_uppercase());
            if !(word(state) && word(privilege)) {
                return Err(self.client.unexpected(statement, "another privilege").into());
            }
            let places = [
                ("state", state.clone()),
                ("privilege", privilege.clone()),
                ("table", quoted(&it.new_table())),
                ("role", identifier(role)),
            ];
            let grant = filled(include_str!("queries/materialize_grant.sql"), &places);
            self.client.execute(&grant, &[]).await?;
        }
        Ok(())
    }

    /// Rows that the new table is to have. The server leaves out rows that the table cannot take, and does not say so.
    async fn rows_of_query(&self, it: &Rebuilding) -> Result<u64, Failure> {
        let mut rows = 0;
        for sql in counting(it) {
            let args = Vec::new();
            rows += self.number(&Bound { sql, args }).await?;
        }
        Ok(rows)
    }
}

#[async_trait]
impl Remake for CrateDb {
    async fn make_new(&self, it: &Rebuilding) -> Result<Made, Failure> {
        self.forget_new(it).await?;
        let making = self.making_new(it).await?;
        self.client.execute(&making, &[]).await?;
        self.grant_alike(it).await?;
        self.refresh(&it.table).await?;
        let before = self.rows_of_query(it).await?;
        let mut rows = 0;
        for statement in filling(it) {
            let answer = self.client.execute(&statement, &[]).await?;
            rows += u64::try_from(answer.rowcount).unwrap_or(0);
        }
        let after = self.rows_of_query(it).await?;
        let made = Made {
            counted: self.count(&it.new_table()).await?,
            id: self.id_of(&it.new_table()).await?,
            rows,
            asked: Some((before, after)),
        };
        match made.is_whole() {
            true => Ok(made),
            false => {
                self.forget_new(it).await?;
                let reason = format!(
                    "the server took {rows} rows of {}: some do not fit the table",
                    before.max(after)
                );
                Err(Failure::new(ErrorKind::Conflict, reason))
            }
        }
    }

    async fn forget_new(&self, it: &Rebuilding) -> Result<(), Failure> {
        self.drop_table(&it.new_table()).await
    }

    /// The server's names of all its partitions, or of the table where it has none.
    async fn id_of(&self, table: &TableName) -> Result<Value, Failure> {
        let args = [table.schema.as_str().into(), table.name.as_str().into()];
        let answer = self
            .client
            .execute(include_str!("queries/materialize_which.sql"), &args)
            .await?;
        let names = answer.rows.iter().filter_map(|row| row.first()?.as_str());
        let names: Vec<&str> = names.collect();
        Ok(match names.as_slice() {
            [] => Value::Null,
            [one] => (*one).into(),
            many => format!(
                "{} partitions {}",
                many.len(),
                &blake3::hash(many.join(" ").as_bytes()).to_hex()[..16]
            )
            .into(),
        })
    }

    /// In one change of the cluster's state, which also drops the old one.
    async fn swap(&self, it: &Rebuilding, id: &Value, _: Pace, _: &Step) -> Result<(), Failure> {
        if self.id_of(&it.table).await? == *id {
            return self.forget_new(it).await;
        }
        if self.id_of(&it.new_table()).await? != *id {
            let reason = "somebody removed or replaced the new table";
            return Err(Failure::new(ErrorKind::Conflict, reason));
        }
        self.confirm_lease().await?;
        let places = [("new", quoted(&it.new_table())), ("table", quoted(&it.table))];
        self.client
            .execute(
                &filled(include_str!("queries/materialize_swap.sql"), &places),
                &[],
            )
            .await?;
        Ok(())
    }

    fn of_item<T>(result: Result<T, Failure>) -> Result<Result<T, RetentionProblem>, Failure> {
        of_item(result)
    }
}

/// The statements that fill the new table.
pub(super) fn filling(it: &Rebuilding) -> Vec<String> {
    let places = places(it);
    match it.window {
        None => vec![filled(include_str!("queries/materialize_all.sql"), &places)],
        Some(_) => vec![
            filled(include_str!("queries/materialize_keep.sql"), &places),
            filled(include_str!("queries/materialize_window.sql"), &places),
        ],
    }
}

/// Those that count what these put in.
fn counting(it: &Rebuilding) -> Vec<String> {
    let places = places(it);
    match it.window {
        None => vec![filled(include_str!("queries/materialize_count.sql"), &places)],
        Some(_) => vec![
            filled(include_str!("queries/materialize_count_kept.sql"), &places),
            filled(include_str!("queries/materialize_count_window.sql"), &places),
        ],
    }
}

fn places(it: &Rebuilding) -> [(&'static str, String); 4] {
    [
        ("new", quoted(&it.new_table())),
        ("table", quoted(&it.table)),
        ("query", it.query.clone()),
        ("window", it.window.clone().unwrap_or_default()),
    ]
}
