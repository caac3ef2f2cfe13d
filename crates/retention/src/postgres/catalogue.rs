//! What PostgreSQL's catalogue says of a table.

use ostler_api::retention::{Policy, Strategy, TableName};
use ostler_postgres::Type;
use ostler_postgres::quote::identifier;
use ostler_vocabulary::Failure;
use serde::Deserialize;

use super::Postgres;
use super::statement::fill;
use crate::facts::{Attached, Column, Known, Partition, Partman, Shape, Stray, Table, Whereabouts};
use crate::obstacle::{Cascade, Hidden, Needed, Obstacles};

/// The release from which partitions are detached while others work.
pub(super) const CONCURRENTLY: i32 = 140_000;

/// A row of `partitions.sql`.
#[derive(Debug, Deserialize)]
struct Found {
    schema: String,
    name: String,
    id: u32,
    parent_schema: String,
    parent_name: String,
    parent_id: u32,
    method: String,
    key: Vec<Option<String>>,
    bounds: Option<String>,
    detaching: bool,
    bytes: u64,
    rows: Option<u64>,
}

/// A row of `row_security.sql`.
#[derive(Debug, Deserialize)]
struct HiddenRow {
    schema: String,
    name: String,
    has_rows: bool,
    role: String,
    policies: Vec<String>,
}

/// A row of `cascades.sql`.
#[derive(Debug, Deserialize)]
struct CascadeRow {
    schema: String,
    name: String,
    key: String,
    action: String,
}

/// A row of `dependents.sql`.
#[derive(Debug, Deserialize)]
struct NeededRow {
    schema: String,
    name: String,
    by: Vec<String>,
}

impl Postgres {
    pub(super) async fn read_facts(&self, table: &TableName) -> Result<Option<Table>, Failure> {
        let Some((id, kind, release, columns)) = self.look_up(table).await? else {
            return Ok(None);
        };
        let statement = include_str!("queries/partitions.sql");
        let rows = self.read(statement, &[(&id, Type::OID)]).await?;
        let partitions: Vec<Found> = self.documents_of(statement, &rows)?;
        let partitions: Vec<Partition> = partitions.into_iter().map(Partition::from).collect();
        let obstacles = self.obstacles(id).await?;
        Ok(Some(Table {
            table: table.clone(),
            shape: match kind.as_str() {
                "r" => Shape::Plain,
                "p" => Shape::Partitioned,
                _ => Shape::Other,
            },
            columns,
            rows_go_proven: true,
            detaches_concurrently: release >= CONCURRENTLY && !partitions.iter().any(Partition::is_default),
            keys: Vec::new(),
            partitions,
            stray: Stray::default(),
            rollup: None,
            whereabouts: Whereabouts::default(),
            partman: None,
            repositories: Vec::new(),
            obstacles,
        }))
    }

    /// What stands in the way of a table and of those below it.
    pub(super) async fn obstacles(&self, id: u32) -> Result<Obstacles, Failure> {
        let parameters = [(&id as _, Type::OID)];
        let children = self
            .session
            .one(include_str!("queries/children.sql"), &parameters)
            .await?;
        let hidden: Vec<HiddenRow> = self
            .documents(include_str!("queries/row_security.sql"), &parameters)
            .await?;
        let needed: Vec<NeededRow> = self
            .documents(include_str!("queries/dependents.sql"), &parameters)
            .await?;
        let cascades: Vec<CascadeRow> = self
            .documents(include_str!("queries/cascades.sql"), &parameters)
            .await?;
        let named = |schema, name| TableName { schema, name };
        Ok(Obstacles {
            cascades: cascades
                .into_iter()
                .map(|row| Cascade {
                    table: named(row.schema, row.name),
                    key: row.key,
                    action: row.action,
                })
                .collect(),
            hidden: hidden
                .into_iter()
                .map(|row| Hidden {
                    table: named(row.schema, row.name),
                    has_rows: row.has_rows,
                    role: row.role,
                    policies: row.policies,
                })
                .collect(),
            needed: needed
                .into_iter()
                .map(|row| Needed {
                    table: named(row.schema, row.name),
                    by: row.by,
                })
                .collect(),
            has_children: children.get(0),
        })
    }

    /// Adds what a policy asks for besides: where files are, and what pg_partman does.
    pub(super) async fn look_for(&self, mut facts: Table, policy: &Policy) -> Result<Table, Failure> {
        if policy.strategy == Strategy::Reallocate {
            facts.whereabouts.files = Some(self.files(&facts.partitions).await?);
        }
        facts.partman = self.partman(&facts.table).await?;
        Ok(facts)
    }

    /// What pg_partman is told of a table, if it is there and we may know.
    async fn partman(&self, table: &TableName) -> Result<Option<Partman>, Failure> {
        let found = self
            .session
            .query(include_str!("queries/partman.sql"), &[])
            .await?;
        let Some(schema) = found.first().map(|row| row.get::<_, String>(0)) else {
            return Ok(None);
        };
        let statement = fill(
            include_str!("queries/partman_table.sql"),
            &[("schema", &identifier(&schema))],
        );
        // As it writes names: without quotes, whatever they are.
        let name = format!("{}.{}", table.schema, table.name);
        let rows = self
            .session
            .query(&statement, &[(&name as _, Type::TEXT)])
            .await?;
        Ok(rows.first().map(|row| Partman {
            premake: row.get(0),
            retention: row.get(1),
        }))
    }

    /// A table's id, kind, the server's release, and the columns.
    pub(super) async fn look_up(
        &self,
        table: &TableName,
    ) -> Result<Option<(u32, String, i32, Vec<Column>)>, Failure> {
        let statement = include_str!("queries/table.sql");
        let parameters = [(&table.schema as _, Type::TEXT), (&table.name as _, Type::TEXT)];
        let rows = self.session.query(statement, &parameters).await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let columns: String = row.get(3);
        let columns = serde_json::from_str(&columns).map_err(|error| {
            self.session
                .unexpected(statement, format!("columns that are none: {error}"))
        })?;
        Ok(Some((row.get(0), row.get(1), row.get(2), columns)))
    }

    /// The tables with rows of their own, at or below this one.
    pub(super) async fn leaves(&self, table: &TableName, column: &str) -> Result<Vec<Leaf>, Failure> {
        let Some((id, ..)) = self.look_up(table).await? else {
            return Ok(Vec::new());
        };
        let parameters = [(&id as _, Type::OID), (&column as _, Type::TEXT)];
        let rows = self.read(include_str!("queries/leaves.sql"), &parameters).await?;
        Ok(rows
            .iter()
            .map(|row| Leaf {
                table: TableName {
                    schema: row.get(0),
                    name: row.get(1),
                },
                is_table: row.get::<_, String>(2) == "r",
                blocks: row.get(3),
                has_order: row.get(4),
            })
            .collect())
    }

    pub(super) async fn release(&self) -> Result<i32, Failure> {
        let row = self.session.one(include_str!("queries/release.sql"), &[]).await?;
        Ok(row.get(0))
    }
}

/// A table with rows of its own.
#[derive(Debug, Clone)]
pub(super) struct Leaf {
    pub table: TableName,
    /// Rather than, for instance, a foreign table.
    pub is_table: bool,
    /// Blocks of its rows.
    pub blocks: i64,
    /// Whether an index gives the column's order.
    pub has_order: bool,
}

impl From<Found> for Partition {
    fn from(found: Found) -> Self {
        let bounds = found.bounds.unwrap_or_default();
        let leading = found.key.first().cloned().flatten();
        Self {
            table: TableName {
                schema: found.schema,
                name: found.name,
            },
            parent: TableName {
                schema: found.parent_schema,
                name: found.parent_name,
            },
            ranges: leading
                .map(|column| (column, crate::bounds::leading(&bounds).unwrap_or_default()))
                .into_iter()
                .collect(),
            known: Known::Attached(Attached {
                id: found.id,
                parent_id: found.parent_id,
                method: found.method,
                key: found.key,
                bounds,
                detaching: found.detaching,
            }),
            bytes: found.bytes,
            rows: found.rows,
        }
    }
}
