//! Materialised tables: made beside the one that is there, and swapped in by renaming both in one transaction.

use ostler_api::retention::{Pace, TableName};
use ostler_api::tables::{Evidence, Materialized, RefreshMaterialized, TableItem, TableProof, TablesWork};
use ostler_operations::{Operation, Step};
use ostler_postgres::Type;
use ostler_postgres::quote::{identifier, literal};
use ostler_vocabulary::{ErrorKind, Failure, Timestamp, Unit};
use serde::{Deserialize, Serialize};

use super::patience::Patience;
use super::statement::{fill, quoted};
use super::{Postgres, detail_of, of_item, one_line, planned};
use crate::column::TimeColumn;
use crate::tables::begun;
use crate::{Database, Error, cutoff};

/// What is behind the name of a table that is being made.
const NEW: &str = "_ostler_new";
/// And of one that was swapped out, until it is dropped in the same transaction.
const OLD: &str = "_ostler_old";
const LONGEST_NAME: usize = 63;

/// What a run needs to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Rebuilding {
    table: TableName,
    query: String,
    /// The condition of the rows that are made anew; all without one.
    window: Option<String>,
}

/// A table that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Made {
    /// What the server knows it by.
    id: u32,
    rows: u64,
    counted: u64,
}

impl Postgres {
    /// Whether a materialised table can be.
    pub(super) fn valid_materialized(name: &str, it: &Materialized) -> Result<(), Error> {
        let wrong = |reason: &str| {
            Err(Error::Definition {
                what: "materialized",
                name: name.to_owned(),
                reason: reason.to_owned(),
            })
        };
        if it.query.trim().is_empty() {
            return wrong("it has no query");
        }
        if it.table.name.len() + NEW.len() > LONGEST_NAME {
            return wrong("its table's name is too long");
        }
        Ok(())
    }

    /// Makes the table, without rows, inside the caller's transaction.
    pub(super) async fn make_materialized(&self, it: &Materialized) -> Result<Vec<String>, Failure> {
        self.as_the_user_would().await?;
        let places = [("table", quoted(&it.table)), ("query", it.query.clone())];
        let create = filled(include_str!("queries/materialize_create.sql"), &places);
        // One statement only: what is prepared cannot hold two.
        self.session.execute(&create, &[]).await?;
        self.session.batch(include_str!("queries/path_own.sql")).await?;
        if let Some(column) = &it.column {
            let facts = self.facts(&it.table).await?;
            let columns = facts.map(|facts| facts.columns).unwrap_or_default();
            let found = columns.iter().find(|known| known.name == *column);
            let told = found.map(|known| TimeColumn::of(&known.type_name, None));
            if !matches!(
                told,
                Some(Ok(TimeColumn::Moment | TimeColumn::Civil | TimeColumn::Date))
            ) {
                return Err(Failure::new(
                    ErrorKind::Invalid,
                    format!("the query has no column {column} that tells a time"),
                ));
            }
        }
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
        it: &Materialized,
        request: &mut RefreshMaterialized,
        now: Timestamp,
    ) -> Result<TablesWork, Failure> {
        let utc = jiff::tz::TimeZone::UTC;
        let moment = |text: &Option<String>| match text {
            Some(text) => cutoff::read(Some(text), &utc, now).map(Some),
            None => Ok(None),
        };
        let (since, until) = (moment(&request.since)?, moment(&request.until)?);
        request.since = since.map(|since| since.to_string());
        request.until = until.map(|until| until.to_string());
        let window = self.window_of(it, since, until).await?;
        let rebuilding = Rebuilding {
            table: it.table.clone(),
            query: it.query.clone(),
            window: window.clone(),
        };
        let item = TableItem {
            object: it.table.to_string(),
            action: "materialize".to_owned(),
            reason: match &window {
                Some(window) => format!("rows of the query where {window}; the others are taken over"),
                None => "all rows of the query".to_owned(),
            },
            rows: None,
            statements: filling(&rebuilding).iter().map(|text| one_line(text)).collect(),
            detail: detail_of(&rebuilding)?,
        };
        Ok(TablesWork {
            database: self.name(),
            items: vec![item],
            notes: Vec::new(),
        })
    }

    /// The condition of the rows that are made anew.
    async fn window_of(
        &self,
        it: &Materialized,
        since: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> Result<Option<String>, Failure> {
        if since.is_none() && until.is_none() {
            return Ok(None);
        }
        let Some(column) = &it.column else {
            return Err(Failure::new(
                ErrorKind::Invalid,
                format!(
                    "{} has no column by which a part of it could be made anew",
                    it.table
                ),
            )
            .with_hint("`ostler materialize create --column COLUMN` names one"));
        };
        let facts = self.facts(&it.table).await?.ok_or_else(|| Error::NoTable {
            table: it.table.clone(),
            database: self.name(),
        })?;
        let known = facts.columns.iter().find(|known| known.name == *column);
        let type_name = known.map(|known| known.type_name.clone()).unwrap_or_default();
        let time = TimeColumn::of(&type_name, None)
            .map_err(|reason| Failure::new(ErrorKind::Invalid, format!("column {column}: {reason}")))?;
        let column = identifier(column);
        let part = |operator: &str, moment: Timestamp| {
            let text = time.boundary(moment, &jiff::tz::TimeZone::UTC);
            format!("{column} {operator} {}::{type_name}", literal(&text).trim_start())
        };
        let parts: Vec<String> = since
            .map(|since| part(">=", since))
            .into_iter()
            .chain(until.map(|until| part("<", until)))
            .collect();
        Ok(Some(parts.join(" AND ")))
    }

    pub(super) async fn refresh_materialized(
        &self,
        op: &Operation,
        item: &TableItem,
        pace: Pace,
    ) -> Result<TableProof, Failure> {
        let it: Rebuilding = planned(&item.detail)?;
        let it = &it;
        let mut proof = begun(item);
        let make = |_| async move { of_item(self.make_new(it).await) };
        let back = (self.clone(), new_of(&it.table));
        let undo = move |_| {
            let (database, table) = back.clone();
            async move { database.forget_new(&table).await }
        };
        let made = op
            .step("make")
            .key(&item.object)
            .unit(Unit::Rows)
            .run_with_undo(make, undo)
            .await?;
        let made: Made = match made {
            Ok(made) => made,
            Err(problem) => {
                proof.problem = Some(problem);
                return Ok(proof);
            }
        };
        let id = made.id;
        let swap = |step: Step| async move { of_item(self.swap(it, id, pace, &step).await) };
        let swapped: Result<(), _> = op.step("swap").key(&item.object).run(swap).await?;
        if let Err(problem) = swapped {
            proof.problem = Some(problem);
            self.forget_new(&new_of(&it.table)).await?;
            return Ok(proof);
        }
        let look = |_| async { of_item(self.id_of(&it.table).await) };
        let found = op.step("look").key(&item.object).retries(3).run(look).await?;
        match found {
            Err(problem) => proof.problem = Some(problem),
            Ok(found) => {
                let found: Option<u32> = found;
                proof.rows = made.rows;
                proof.evidence = vec![
                    Evidence::equal("rows", made.rows, made.counted),
                    Evidence::equal(
                        "the server's number of the table that bears the name",
                        u64::from(id),
                        u64::from(found.unwrap_or(0)),
                    ),
                ];
            }
        }
        Ok(proof)
    }

    /// Makes the new table beside the old one, with all its rows, in one transaction; one that is there from before goes.
    async fn make_new(&self, it: &Rebuilding) -> Result<Made, Failure> {
        let work = async {
            self.forget_new(&new_of(&it.table)).await?;
            let places = [("new", quoted(&new_of(&it.table))), ("table", quoted(&it.table))];
            self.session
                .batch(&filled(include_str!("queries/materialize_like.sql"), &places))
                .await?;
            self.as_the_user_would().await?;
            let mut rows = 0;
            for statement in filling(it) {
                rows += self.session.execute(&statement, &[]).await?;
            }
            self.session.batch(include_str!("queries/path_own.sql")).await?;
            self.grant_alike(&it.table).await?;
            let counted = self.count(&new_of(&it.table)).await?;
            let id = self.id_of(&new_of(&it.table)).await?.unwrap_or(0);
            Ok(Made { id, rows, counted })
        };
        self.all_or_none("BEGIN", work).await
    }

    /// Whoever may use the old table may use the new one.
    async fn grant_alike(&self, table: &TableName) -> Result<(), Failure> {
        let parameters = [(&table.schema as _, Type::TEXT), (&table.name as _, Type::TEXT)];
        let rows = self
            .session
            .query(include_str!("queries/materialize_grants.sql"), &parameters)
            .await?;
        for row in rows {
            let role: Option<String> = row.get(1);
            let places = [
                ("privilege", row.get::<_, String>(0)),
                ("table", quoted(&new_of(table))),
                ("role", role.map_or("PUBLIC".to_owned(), |role| identifier(&role))),
            ];
            self.session
                .batch(&filled(include_str!("queries/materialize_grant.sql"), &places))
                .await?;
        }
        Ok(())
    }

    async fn forget_new(&self, new: &TableName) -> Result<(), Failure> {
        let places = [("table", quoted(new))];
        self.session
            .batch(&filled(include_str!("queries/materialize_forget.sql"), &places))
            .await?;
        Ok(())
    }

    /// What the server knows a table by.
    async fn id_of(&self, table: &TableName) -> Result<Option<u32>, Failure> {
        let name = quoted(table);
        let row = self
            .session
            .one(include_str!("queries/table_id.sql"), &[(&name, Type::TEXT)])
            .await?;
        Ok(row.get(0))
    }

    /// Gives the new table the name; the old one goes in the same transaction.
    async fn swap(&self, it: &Rebuilding, id: u32, pace: Pace, step: &Step) -> Result<(), Failure> {
        let mut patience = Patience::new(pace.lock_wait_ms);
        let old = TableName {
            schema: it.table.schema.clone(),
            name: format!("{}{OLD}", it.table.name),
        };
        let swap = filled(
            include_str!("queries/materialize_swap.sql"),
            &[
                ("table", quoted(&it.table)),
                ("new", quoted(&new_of(&it.table))),
                ("old", quoted(&old)),
                ("name", identifier(&it.table.name)),
                ("old_name", identifier(&old.name)),
            ],
        );
        loop {
            if self.id_of(&it.table).await? == Some(id) {
                return Ok(());
            }
            if self.id_of(&new_of(&it.table)).await? != Some(id) {
                return Err(Failure::new(
                    ErrorKind::Conflict,
                    "somebody removed or replaced the new table",
                ));
            }
            if let Err(error) = self.session.batch(&swap).await {
                let _ = self.session.batch("ROLLBACK").await;
                patience.after(error, &step.cancelled).await?;
            }
        }
    }
}

/// The statements that fill the new table.
fn filling(it: &Rebuilding) -> Vec<String> {
    let places = [
        ("new", quoted(&new_of(&it.table))),
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

fn new_of(table: &TableName) -> TableName {
    TableName {
        schema: table.schema.clone(),
        name: format!("{}{NEW}", table.name),
    }
}

fn filled(template: &str, places: &[(&str, String)]) -> String {
    let places: Vec<(&str, &str)> = places
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    fill(template, &places)
}
