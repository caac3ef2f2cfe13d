//! Policies as rows of the governed database, their changes and their audit.

use std::collections::BTreeSet;

use ostler_api::document::{PolicyChanged, RetentionEntry};
use ostler_api::retention::{Floors, PartitionRule, Policy, Strategy, TableName, TimeUnit};
use ostler_postgres::Type;
use ostler_postgres::quote::identifier;
use ostler_vocabulary::{Failure, Period};
use serde::{Deserialize, Serialize};

use super::Postgres;
use super::statement::fill;
use crate::Error;

/// Versions of the tables; each is applied once and never changed.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_policies.sql"),
    include_str!("migrations/0002_target_and_step.sql"),
    include_str!("migrations/0003_definitions.sql"),
];

/// A row of `retention_policy`.
#[derive(Debug, Serialize, Deserialize)]
struct Row {
    name: String,
    strategy: Strategy,
    tags: BTreeSet<String>,
    table_schema: String,
    table_name: String,
    time_column: String,
    retention_period: Period,
    time_zone: String,
    time_unit: Option<TimeUnit>,
    partition_rule: PartitionRule,
    keep_last: Option<u32>,
    key_columns: Vec<String>,
    max_rows: Option<u64>,
    max_delete_ratio: Option<f64>,
    min_keep: Option<u64>,
    /// Not there before version 2 of the tables.
    #[serde(default)]
    target: Option<String>,
    #[serde(default)]
    step: Option<Period>,
    version: i64,
}

impl From<Row> for Policy {
    fn from(row: Row) -> Self {
        Self {
            name: row.name,
            table: TableName {
                schema: row.table_schema,
                name: row.table_name,
            },
            column: row.time_column,
            strategy: row.strategy,
            target: row.target,
            step: row.step,
            keep: row.retention_period,
            tags: row.tags,
            time_zone: row.time_zone,
            unit: row.time_unit,
            partition_rule: row.partition_rule,
            last: row.keep_last,
            by: row.key_columns,
            floors: Floors {
                max_rows: row.max_rows,
                max_delete_ratio: row.max_delete_ratio,
                min_keep: row.min_keep,
            },
            version: row.version,
        }
    }
}

impl From<Policy> for Row {
    fn from(policy: Policy) -> Self {
        Self {
            name: policy.name,
            strategy: policy.strategy,
            target: policy.target,
            step: policy.step,
            tags: policy.tags,
            table_schema: policy.table.schema,
            table_name: policy.table.name,
            time_column: policy.column,
            retention_period: policy.keep,
            time_zone: policy.time_zone,
            time_unit: policy.unit,
            partition_rule: policy.partition_rule,
            keep_last: policy.last,
            key_columns: policy.by,
            max_rows: policy.floors.max_rows,
            max_delete_ratio: policy.floors.max_delete_ratio,
            min_keep: policy.floors.min_keep,
            version: policy.version,
        }
    }
}

impl Postgres {
    /// A statement about our own tables.
    pub(super) fn own(&self, template: &str) -> String {
        fill(template, &[("schema", &identifier(&self.schema))])
    }

    /// Whether the schema is there, and the version of the tables in it; 0 for none.
    pub(super) async fn installed(&self) -> Result<(bool, i64), Failure> {
        let schema = identifier(&self.schema);
        let parameters = [(&schema as _, Type::TEXT)];
        let row = self
            .session
            .one(include_str!("queries/installed.sql"), &parameters)
            .await?;
        let (schema, tables): (bool, bool) = (row.get(0), row.get(1));
        if !tables {
            return Ok((schema, 0));
        }
        let row = self
            .session
            .one(&self.own(include_str!("queries/version.sql")), &[])
            .await?;
        let version = i64::from(row.get::<_, i32>(0));
        let known = MIGRATIONS.len() as i64;
        if version > known {
            return Err(Error::Newer {
                database: self.session.name().to_owned(),
                found: version,
                known,
            }
            .into());
        }
        Ok((schema, version))
    }

    /// Makes what is missing, inside the caller's transaction.
    async fn migrate(&self) -> Result<(), Failure> {
        let (schema, version) = self.installed().await?;
        if !schema {
            self.session
                .batch(&self.own(include_str!("queries/create_schema.sql")))
                .await?;
        }
        let numbered = (1_i32..).zip(MIGRATIONS);
        for (number, migration) in numbered.filter(|(number, _)| i64::from(*number) > version) {
            self.session.batch(&self.own(migration)).await?;
            let applied = self.own(include_str!("queries/applied.sql"));
            self.session.execute(&applied, &[(&number, Type::INT4)]).await?;
        }
        Ok(())
    }

    pub(super) async fn read_policies(&self) -> Result<Vec<Policy>, Failure> {
        if self.installed().await?.1 == 0 {
            return Ok(Vec::new());
        }
        let rows: Vec<Row> = self
            .documents(&self.own(include_str!("queries/policies.sql")), &[])
            .await?;
        Ok(rows.into_iter().map(Policy::from).collect())
    }

    pub(super) async fn read_history(&self, limit: i64) -> Result<Vec<RetentionEntry>, Failure> {
        if self.installed().await?.1 == 0 {
            return Ok(Vec::new());
        }
        let statement = self.own(include_str!("queries/history.sql"));
        self.documents(&statement, &[(&limit, Type::INT8)]).await
    }

    pub(super) async fn write(&self, changes: &[PolicyChanged]) -> Result<(), Failure> {
        self.all_or_none("BEGIN", self.write_all(changes)).await
    }

    /// Makes the tables what they have to be, inside the caller's transaction.
    pub(super) async fn prepare(&self) -> Result<(), Failure> {
        // Two who make the tables at the same time, or the same policy, come one after the other.
        self.session
            .query(include_str!("queries/lock_policies.sql"), &[])
            .await?;
        self.migrate().await
    }

    async fn write_all(&self, changes: &[PolicyChanged]) -> Result<(), Failure> {
        self.prepare().await?;
        for change in changes {
            self.write_one(change).await?;
        }
        Ok(())
    }

    async fn write_one(&self, change: &PolicyChanged) -> Result<(), Failure> {
        let name = &change.policy;
        if let Some(before) = &change.before {
            let remove = self.own(include_str!("queries/remove_policy.sql"));
            let parameters = [(name as _, Type::TEXT), (&before.version as _, Type::INT8)];
            if self.session.execute(&remove, &parameters).await? == 0 {
                return Err(Error::Changed {
                    name: name.clone(),
                    found: self.version_of(name).await?.unwrap_or(0),
                    expected: before.version,
                }
                .into());
            }
        } else if self.version_of(name).await?.is_some() {
            return Err(Error::Exists {
                name: name.clone(),
                database: self.session.name().to_owned(),
            }
            .into());
        }
        if let Some(after) = &change.after {
            let row = json(&Row::from(after.clone()))?;
            let add = self.own(include_str!("queries/add_policy.sql"));
            self.session.execute(&add, &[(&row, Type::TEXT)]).await?;
        }
        let before = change.before.as_ref().map(json).transpose()?;
        let after = change.after.as_ref().map(json).transpose()?;
        let audit = self.own(include_str!("queries/audit_change.sql"));
        let parameters = [
            (&change.action as _, Type::TEXT),
            (name as _, Type::TEXT),
            (&before as _, Type::TEXT),
            (&after as _, Type::TEXT),
        ];
        self.session.execute(&audit, &parameters).await?;
        Ok(())
    }

    async fn version_of(&self, name: &str) -> Result<Option<i64>, Failure> {
        let statement = self.own(include_str!("queries/policy_version.sql"));
        let rows = self.session.query(&statement, &[(&name, Type::TEXT)]).await?;
        Ok(rows.first().map(|row| row.get(0)))
    }
}

fn json<T: Serialize>(value: &T) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(|error| {
        Failure::new(
            ostler_vocabulary::ErrorKind::Internal,
            format!("cannot write a policy: {error}"),
        )
    })
}
