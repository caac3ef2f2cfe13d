//! The schema as a backup records it, so that parts of it can come back without the rest.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::cql::{Cql, Row};
use super::ring::column;
use super::statement::bare;
use crate::Error;

/// The document's name.
pub(super) const DOCUMENT: &str = "schema.json";
/// Where the schema itself is kept.
pub(super) const SCHEMA_KEYSPACE: &str = "system_schema";

const DESCRIBE: &str = "DESCRIBE SCHEMA WITH INTERNALS";
const KEYSPACES: &str = "SELECT keyspace_name, replication FROM system_schema.keyspaces";
const TABLES: &str = "SELECT keyspace_name, table_name, id, gc_grace_seconds FROM system_schema.tables";
const VIEWS: &str =
    "SELECT keyspace_name, view_name, base_table_name, id, gc_grace_seconds FROM system_schema.views";
const INDEXES: &str = "SELECT keyspace_name, index_name, table_name FROM system_schema.indexes";
const TRIGGERS: &str =
    "SELECT keyspace_name, trigger_name, table_name, options['class'] AS class FROM system_schema.triggers";

/// A table or a view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Table {
    pub(super) keyspace: String,
    pub(super) name: String,
    pub(super) id: String,
    pub(super) gc_grace_seconds: u64,
    /// The table that it is a view of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) base: Option<String>,
}

impl Table {
    pub(super) fn full_name(&self) -> String {
        format!("{}.{}", self.keyspace, self.name)
    }

    /// Where its SSTables are below a data directory.
    pub(super) fn directory(&self) -> String {
        format!("{}/{}-{}", self.keyspace, self.name, self.id.replace('-', ""))
    }
}

/// What a statement makes, in the order in which statements have to be run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Keyspace,
    Type,
    Function,
    Aggregate,
    Table,
    Index,
    MaterializedView,
    Trigger,
}

impl Kind {
    fn of(word: &str) -> Option<Self> {
        serde_json::from_value(serde_json::Value::String(word.to_owned())).ok()
    }
}

/// What makes one thing of the schema, as the server describes it; several statements where a table has dropped columns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Definition {
    pub(super) keyspace: String,
    pub(super) kind: Kind,
    pub(super) name: String,
    /// The table that an index, a view or a trigger is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) of: Option<String>,
    pub(super) text: String,
}

/// All of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Schema {
    /// How keyspaces are replicated.
    pub(super) keyspaces: BTreeMap<String, String>,
    /// Tables and views, those of the system too.
    pub(super) tables: Vec<Table>,
    /// What makes all that is the users', each after what it needs.
    pub(super) definitions: Vec<Definition>,
}

impl Schema {
    /// Asks one node.
    pub(super) async fn read(cql: &dyn Cql, address: &str) -> Result<Self, Error> {
        let mut schema = Self::tables_only(cql, address).await?;
        let mut of = BTreeMap::new();
        for row in cql.ask(address, INDEXES).await? {
            let get = |name| column(&row, name, address, INDEXES);
            of.insert(
                (Kind::Index, get("keyspace_name")?, get("index_name")?),
                get("table_name")?,
            );
        }
        for view in &schema.tables {
            if let Some(base) = &view.base {
                let key = (Kind::MaterializedView, view.keyspace.clone(), view.name.clone());
                of.insert(key, base.clone());
            }
        }
        for row in cql.ask(address, DESCRIBE).await? {
            let get = |name| column(&row, name, address, DESCRIBE);
            let (keyspace, word) = (bare(&get("keyspace_name")?), get("type")?);
            let kind = Kind::of(&word).ok_or_else(|| Error::Answer {
                address: address.to_owned(),
                statement: DESCRIBE.to_owned(),
                lacks: format!("a meaning of `{word}`"),
            })?;
            let name = bare(&get("name")?);
            schema.definitions.push(Definition {
                of: of.remove(&(kind, keyspace.clone(), name.clone())),
                text: get("create_statement")?,
                keyspace,
                kind,
                name,
            });
        }
        for row in cql.ask(address, TRIGGERS).await? {
            schema.definitions.push(trigger(&row, address)?);
        }
        // The server gives types after those that they need. The order of kinds does the rest.
        schema
            .definitions
            .sort_by(|a, b| (&a.keyspace, a.kind).cmp(&(&b.keyspace, b.kind)));
        Ok(schema)
    }

    /// Asks one node for keyspaces and tables, and not for how they are made.
    pub(super) async fn tables_only(cql: &dyn Cql, address: &str) -> Result<Self, Error> {
        let mut schema = Self::default();
        for row in cql.ask(address, KEYSPACES).await? {
            let get = |name| column(&row, name, address, KEYSPACES);
            schema
                .keyspaces
                .insert(get("keyspace_name")?, get("replication")?);
        }
        for (statement, name) in [(TABLES, "table_name"), (VIEWS, "view_name")] {
            for row in cql.ask(address, statement).await? {
                let get = |name| column(&row, name, address, statement);
                let seconds = get("gc_grace_seconds")?;
                schema.tables.push(Table {
                    keyspace: get("keyspace_name")?,
                    name: get(name)?,
                    id: get("id")?,
                    gc_grace_seconds: seconds.parse().map_err(|_| Error::Answer {
                        address: address.to_owned(),
                        statement: statement.to_owned(),
                        lacks: format!("a number of seconds in `{seconds}`"),
                    })?,
                    base: row.get("base_table_name").cloned(),
                });
            }
        }
        Ok(schema)
    }

    /// What the backup recorded. `None` in backups that were made before there was this document.
    pub(super) fn recorded(documents: &BTreeMap<String, String>) -> Option<Self> {
        serde_json::from_str(documents.get(DOCUMENT)?).ok()
    }

    /// As a document.
    pub(super) fn document(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// As a script for people.
    pub(super) fn script(&self) -> String {
        let texts = self.definitions.iter().map(|one| format!("{}\n\n", one.text));
        texts.collect()
    }

    /// The table of this name.
    pub(super) fn table(&self, keyspace: &str, name: &str) -> Option<&Table> {
        let is_it = |table: &&Table| table.keyspace == keyspace && table.name == name;
        self.tables.iter().find(is_it)
    }

    /// How long deletions are remembered, by table.
    pub(super) fn gc_grace(&self) -> BTreeMap<(String, String), u64> {
        let each = |table: &Table| {
            (
                (table.keyspace.clone(), table.name.clone()),
                table.gc_grace_seconds,
            )
        };
        self.tables.iter().map(each).collect()
    }
}

/// What makes a trigger. Names cannot be bound: they are written where `?` stands.
const TRIGGER: &str = include_str!("create_trigger.cql");

/// The server describes no triggers.
fn trigger(row: &Row, address: &str) -> Result<Definition, Error> {
    let get = |name| column(row, name, address, TRIGGERS);
    let (keyspace, name, of) = (get("keyspace_name")?, get("trigger_name")?, get("table_name")?);
    let (quoted, table) = (
        super::statement::quote(&name),
        super::statement::table(&keyspace, &of),
    );
    let class = format!("'{}'", get("class")?.replace('\'', "''"));
    let pieces = TRIGGER.trim_end().split('?');
    let values = [quoted, table, class].into_iter().chain([String::new()]);
    Ok(Definition {
        text: pieces
            .zip(values)
            .map(|(piece, value)| format!("{piece}{value}"))
            .collect(),
        kind: Kind::Trigger,
        of: Some(of),
        keyspace,
        name,
    })
}
