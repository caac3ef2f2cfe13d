//! Partitions of one table that go together, and statements about them.

use ostler_api::document::RetentionItem;
use ostler_api::retention::TableName;
use ostler_cratedb::quote::identifier;
use serde_json::Value;

use super::statement::{Bound, fill, quoted};
use crate::facts::Values;
use crate::strategy::{Target, Task};

/// More of them are several batches: what a step tells has an end.
const MOST: usize = 250;

/// Partitions that go together.
#[derive(Debug, Clone)]
pub(super) struct Batch {
    pub table: TableName,
    /// Their only column.
    column: String,
    pub partitions: Vec<Values>,
}

impl Batch {
    /// The first of these items that go together; `None` if the first goes alone.
    pub fn of(items: &[RetentionItem]) -> Option<Self> {
        let mut batch: Option<Self> = None;
        for item in items.iter().take(MOST) {
            let Some((table, partition)) = plain(item) else {
                break;
            };
            let Some((column, _)) = partition.values.first() else {
                break;
            };
            let batch = batch.get_or_insert_with(|| Self {
                table: table.clone(),
                column: column.clone(),
                partitions: Vec::new(),
            });
            if batch.table != table || batch.column != *column {
                break;
            }
            batch.partitions.push(partition);
        }
        batch.filter(|batch| batch.len() > 1)
    }

    pub fn len(&self) -> usize {
        self.partitions.len()
    }

    /// Those of its partitions that are wanted.
    pub fn some(&self, wanted: &[bool]) -> Self {
        let partitions = self.partitions.iter().zip(wanted);
        Self {
            partitions: partitions
                .filter(|(_, wanted)| **wanted)
                .map(|(partition, _)| partition.clone())
                .collect(),
            ..self.clone()
        }
    }

    /// What the server's catalogue knows its partitions by.
    pub fn idents(&self) -> [Value; 3] {
        let idents: Value = self.partitions.iter().map(|it| it.ident.clone()).collect();
        let table = &self.table;
        [table.schema.clone().into(), table.name.clone().into(), idents]
    }

    /// By what its steps are told from others.
    pub fn key(&self, items: &[RetentionItem]) -> String {
        let first = items.first().map(super::key).unwrap_or_default();
        format!("{} partitions from {first} on", self.len())
    }

    fn values(&self, which: &[bool]) -> Value {
        let pairs = self.partitions.iter().zip(which);
        pairs
            .filter(|(_, wanted)| **wanted)
            .map(|(partition, _)| partition.values[0].1.clone())
            .collect()
    }

    /// A statement about all rows of some of them, in whose file `{condition}` names them.
    pub fn about(&self, template: &str, which: &[bool]) -> Bound {
        let column = identifier(&self.column);
        let (table, condition) = (quoted(&self.table), format!("{column} = ANY(?)"));
        let places = [
            ("table", table.as_str()),
            ("column", &column),
            ("condition", &condition),
        ];
        Bound {
            sql: fill(template, &places),
            args: vec![self.values(which)],
        }
    }
}

/// A partition of one value that is dropped and nothing else.
fn plain(item: &RetentionItem) -> Option<(TableName, Values)> {
    let task: Task = serde_json::from_value(item.detail.clone()).ok()?;
    let Target::Values { table, partition, .. } = task.target else {
        return None;
    };
    let one = partition.values.len() == 1 && partition.values.iter().all(|(_, value)| !value.is_null());
    let alone = task.besides.is_some() || task.shelf.is_some() || task.proven.is_some();
    (one && !alone).then_some((table, partition))
}
