//! Policies as rows of the governed cluster, and their changes; those that CrateDB Toolkit made.
//!
//! The table is CrateDB Toolkit's with three columns more. In a row of ours `policy` has all of it, and `strategy` a word that the
//! Toolkit does not know, so that no policy is run by both.

use std::collections::{BTreeMap, BTreeSet};

use ostler_api::document::PolicyChanged;
use ostler_api::retention::{Policy, Strategy, TableName};
use ostler_vocabulary::{ErrorKind, Failure, Period};
use serde_json::{Value, json};

use super::CrateDb;
use super::audit::Change;
use crate::Error;

/// The version of rows.
const FORMAT: i64 = 1;

/// What is there of our tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    Nothing,
    /// As CrateDB Toolkit makes it.
    Toolkit,
    Ours,
}

/// A row of the policies' table.
#[derive(Debug)]
pub(super) struct Row {
    id: String,
    pub policy: Policy,
    /// Whether CrateDB Toolkit made it, and nobody upgraded it yet.
    foreign: bool,
}

impl CrateDb {
    pub(super) async fn layout(&self) -> Result<Layout, Failure> {
        let statement = include_str!("queries/layout.sql");
        let answer = self
            .client
            .execute(statement, &[self.schema.as_str().into()])
            .await?;
        let has = |name: &str| {
            answer
                .rows
                .iter()
                .any(|row| row.first() == Some(&Value::from(name)))
        };
        Ok(
            match (
                answer.rows.is_empty(),
                has("policy") && has("version") && has("format"),
            ) {
                (true, _) => Layout::Nothing,
                (false, false) => Layout::Toolkit,
                (false, true) => Layout::Ours,
            },
        )
    }

    pub(super) async fn read_policies(&self) -> Result<Vec<Row>, Failure> {
        let template = match self.layout().await? {
            Layout::Nothing => return Ok(Vec::new()),
            Layout::Toolkit => include_str!("queries/toolkit_policies.sql"),
            Layout::Ours => include_str!("queries/policies.sql"),
        };
        self.own(include_str!("queries/refresh_policies.sql"), &[])
            .await?;
        let answer = self.own(template, &[]).await?;
        let mut rows = Vec::new();
        for row in &answer.rows {
            let fields: BTreeMap<&str, &Value> =
                answer.cols.iter().map(String::as_str).zip(row.iter()).collect();
            rows.push(self.row(&fields)?);
        }
        // Names that the Toolkit's rows have not: the table's, or what tells them apart.
        let mut taken: BTreeSet<String> = rows
            .iter()
            .filter(|row| !row.foreign)
            .map(|row| row.policy.name.clone())
            .collect();
        for row in rows.iter_mut().filter(|row| row.foreign) {
            let table = row.policy.table.to_string();
            let candidates = [
                table.clone(),
                format!("{table}-{}", row.policy.strategy.as_str()),
                format!("{table}-{}", row.id),
            ];
            let free = candidates.into_iter().find(|name| !taken.contains(name));
            row.policy.name = free.unwrap_or_else(|| row.id.clone());
            taken.insert(row.policy.name.clone());
        }
        rows.sort_by(|one, other| one.policy.name.cmp(&other.policy.name));
        Ok(rows)
    }

    fn row(&self, fields: &BTreeMap<&str, &Value>) -> Result<Row, Failure> {
        let get = |name: &str| fields.get(name).copied().unwrap_or(&Value::Null);
        let text = |name: &str| get(name).as_str().unwrap_or_default().to_owned();
        let format = get("format").as_i64().unwrap_or(0);
        if format > FORMAT {
            return Err(Error::Newer {
                database: self.client.name(),
                found: format,
                known: FORMAT,
            }
            .into());
        }
        let id = text("id");
        if !get("policy").is_null() {
            let mut policy: Policy = serde_json::from_value(get("policy").clone()).map_err(|error| {
                self.client.unexpected(
                    include_str!("queries/policies.sql"),
                    format!("policy {id}, which is none: {error}"),
                )
            })?;
            policy.version = get("version").as_i64().unwrap_or(0);
            return Ok(Row {
                id,
                policy,
                foreign: false,
            });
        }
        let word = text("strategy");
        let strategy = strategy(&word);
        let days = get("retention_period")
            .as_i64()
            .and_then(|days| i32::try_from(days).ok());
        let table = TableName {
            schema: text("table_schema"),
            name: text("table_name"),
        };
        let keep = Period::days(days.unwrap_or(i32::MAX));
        let mut policy = Policy::new("", table, text("partition_column"), strategy, keep);
        if let Some(tags) = get("tags").as_object() {
            let set = tags.iter().filter(|(_, value)| value.as_str() == Some("true"));
            policy.tags = set.map(|(tag, _)| tag.clone()).collect();
        }
        policy.target = target(strategy, fields);
        Ok(Row {
            id,
            policy,
            foreign: true,
        })
    }

    /// Makes our tables what they have to be.
    pub(super) async fn make_tables(&self) -> Result<(), Failure> {
        let layout = self.layout().await?;
        if layout == Layout::Ours {
            return Ok(());
        }
        self.own(include_str!("queries/make_audit.sql"), &[]).await?;
        self.own(include_str!("queries/make_lease.sql"), &[]).await?;
        // Last, so that all are there when this one is.
        let policies = match layout {
            Layout::Toolkit => include_str!("queries/upgrade_policies.sql"),
            Layout::Nothing | Layout::Ours => include_str!("queries/make_policies.sql"),
        };
        self.own(policies, &[]).await?;
        Ok(())
    }

    pub(super) async fn write(&self, changes: &[PolicyChanged]) -> Result<(), Failure> {
        self.make_tables().await?;
        let rows = self.read_policies().await?;
        let named = |row: &&Row| changes.iter().any(|change| change.policy == row.policy.name);
        let known = |row: &&Row| row.policy.strategy != Strategy::Unknown;
        for row in rows.iter().filter(|row| row.foreign && !named(row)).filter(known) {
            let mut after = row.policy.clone();
            after.version = 1;
            self.replace(&row.id, &row.policy, &after).await?;
        }
        for (done, change) in changes.iter().enumerate() {
            let made = self.write_one(change, &rows).await;
            made.map_err(|failure| match done {
                0 => failure,
                done => failure.context(format!("{done} of {} changes were made", changes.len())),
            })?;
        }
        self.own(include_str!("queries/refresh_policies.sql"), &[])
            .await?;
        Ok(())
    }

    async fn write_one(&self, change: &PolicyChanged, rows: &[Row]) -> Result<(), Failure> {
        let row = rows.iter().find(|row| row.policy.name == change.policy);
        let id = row.map_or_else(|| change.policy.clone(), |row| row.id.clone());
        let version = [&change.after, &change.before]
            .into_iter()
            .flatten()
            .map(|policy| policy.version)
            .max()
            .unwrap_or(0);
        let entry = format!("{} {} {version}", change.action, change.policy);
        let before = change.before.as_ref().map(|policy| json!(policy));
        let after = change.after.as_ref().map(|policy| json!(policy));
        let change_of = Change {
            entry,
            action: change.action.clone(),
            name: change.policy.clone(),
            before: before.unwrap_or_default(),
            after: after.unwrap_or_default(),
        };
        let making = async {
            match (&change.before, &change.after) {
                (None, None) => Ok(()),
                (None, Some(after)) => self.insert(&id, after).await,
                (Some(before), Some(after)) => self.replace(&id, before, after).await,
                (Some(before), None) => self.delete_row(&id, before).await,
            }
        };
        self.noted(&change_of, making).await
    }

    /// The columns of a row, in the order of the statements.
    fn columns(policy: &Policy, id: &str) -> Result<Vec<Value>, Failure> {
        let mut all = serde_json::to_value(policy)
            .map_err(|error| Failure::new(ErrorKind::Internal, format!("cannot write a policy: {error}")))?;
        if let Some(fields) = all.as_object_mut() {
            fields.remove("version");
        }
        let days = match policy.keep {
            Period::Limited {
                months,
                days,
                nanoseconds,
            } => {
                // For people who look into the table: rounded up.
                i64::from(months) * 31 + i64::from(days) + i64::from(nanoseconds > 0)
            }
            Period::Infinite => i64::from(i32::MAX),
        };
        Ok(vec![
            format!("ostler:{}", policy.strategy.as_str()).into(),
            policy.table.schema.as_str().into(),
            policy.table.name.as_str().into(),
            policy.column.as_str().into(),
            days.min(i64::from(i32::MAX)).into(),
            all,
            policy.version.into(),
            FORMAT.into(),
            id.into(),
        ])
    }

    async fn insert(&self, id: &str, policy: &Policy) -> Result<(), Failure> {
        let args = Self::columns(policy, id)?;
        match self.own(include_str!("queries/add_policy.sql"), &args).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_duplicate_key() => Err(Error::Exists {
                name: policy.name.clone(),
                database: self.client.name(),
            }
            .into()),
            Err(error) => Err(error.into()),
        }
    }

    /// The row's place in its history, if it is of the version that was read. Rows of CrateDB Toolkit are of none, which is 0.
    async fn place(&self, id: &str, before: &Policy) -> Result<[Value; 3], Failure> {
        let answer = self
            .own(include_str!("queries/policy_row.sql"), &[id.into()])
            .await?;
        match answer.rows.into_iter().next().map(<[Value; 3]>::try_from) {
            Some(Ok([version, seq_no, term])) if version.as_i64().unwrap_or(0) == before.version => {
                Ok([id.into(), seq_no, term])
            }
            Some(Ok([version, ..])) => Err(changed(before, version.as_i64().unwrap_or(0)).into()),
            _ => Err(changed(before, 0).into()),
        }
    }

    async fn replace(&self, id: &str, before: &Policy, after: &Policy) -> Result<(), Failure> {
        let place = self.place(id, before).await?;
        let mut args = Self::columns(after, id)?;
        args.pop();
        args.extend(place);
        let answer = self.own(include_str!("queries/change_policy.sql"), &args).await?;
        match answer.rowcount {
            1 => Ok(()),
            _ => Err(changed(before, before.version + 1).into()),
        }
    }

    async fn delete_row(&self, id: &str, before: &Policy) -> Result<(), Failure> {
        let place = self.place(id, before).await?;
        let answer = self
            .own(include_str!("queries/remove_policy.sql"), &place)
            .await?;
        match answer.rowcount {
            1 => Ok(()),
            _ => Err(changed(before, before.version + 1).into()),
        }
    }
}

fn changed(before: &Policy, found: i64) -> Error {
    Error::Changed {
        name: before.name.clone(),
        found,
        expected: before.version,
    }
}

/// What CrateDB Toolkit's word means. Its `delete` removes partitions.
fn strategy(word: &str) -> Strategy {
    match word.to_ascii_lowercase().as_str() {
        "delete" => Strategy::Drop,
        "reallocate" => Strategy::Reallocate,
        "snapshot" => Strategy::Snapshot,
        _ => Strategy::Unknown,
    }
}

/// Where a policy of CrateDB Toolkit's moves or copies what is old.
fn target(strategy: Strategy, fields: &BTreeMap<&str, &Value>) -> Option<String> {
    let get = |name: &str| {
        fields
            .get(name)
            .and_then(|value| value.as_str())
            .map(str::to_owned)
    };
    match strategy {
        Strategy::Reallocate => {
            let name = get("reallocation_attribute_name")?;
            let value = get("reallocation_attribute_value")?;
            Some(format!("{name}={value}"))
        }
        Strategy::Snapshot => get("target_repository_name"),
        Strategy::Unknown => get("strategy"),
        _ => None,
    }
}
