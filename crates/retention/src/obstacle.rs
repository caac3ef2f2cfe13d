//! What stands in the way of an item, whatever a policy says: rows that row security hides, and what depends on a partition. Pure.

use ostler_api::document::RetentionProblem;
use ostler_api::retention::TableName;
use ostler_vocabulary::ErrorKind;
use serde::{Deserialize, Serialize};

use crate::facts::Table;
use crate::strategy::{Besides, Item, Target, problem};

/// What the catalogue says of a table and of those below it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Obstacles {
    /// Tables whose rows row security hides from us.
    pub hidden: Vec<Hidden>,
    /// Tables that something else depends on.
    pub needed: Vec<Needed>,
    /// Foreign keys by which other rows go or change with rows of the table.
    #[serde(default)]
    pub cascades: Vec<Cascade>,
    /// Whether tables inherit from it without being its partitions.
    pub has_children: bool,
}

/// A table whose rows row security hides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hidden {
    /// The table.
    pub table: TableName,
    /// Whether it has rows of its own.
    pub has_rows: bool,
    /// The role that rows are hidden from.
    pub role: String,
    /// The policies of row security.
    pub policies: Vec<String>,
}

/// A table that cannot be dropped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Needed {
    /// The table.
    pub table: TableName,
    /// What depends on it.
    pub by: Vec<String>,
}

/// A foreign key with ON DELETE CASCADE, SET NULL or SET DEFAULT.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cascade {
    /// The table whose rows go or change.
    pub table: TableName,
    /// The name of the foreign key.
    pub key: String,
    /// What ON DELETE says.
    pub action: String,
}

impl Cascade {
    /// That rows which no plan counts would go or change.
    #[must_use]
    pub fn problem(&self) -> RetentionProblem {
        let reason = format!(
            "rows of {0} would go or change too, uncounted, by foreign key {1} (ON DELETE {2}): \
             give {0} a policy of its own that runs before, and `ALTER TABLE {0} DROP CONSTRAINT {1}`, or define it with NO ACTION",
            self.table, self.key, self.action
        );
        problem(ErrorKind::Conflict, reason)
    }
}

impl Hidden {
    /// That its rows cannot be counted.
    #[must_use]
    pub fn problem(&self) -> RetentionProblem {
        let policies = match self.policies.as_slice() {
            [] => "no policy lets it see any".to_owned(),
            [one] => format!("policy {one}"),
            several => format!("policies {}", several.join(", ")),
        };
        let reason = format!(
            "row security hides rows of {} from role {} ({policies}): run as a role with BYPASSRLS, \
             or as the owner after `ALTER TABLE {0} NO FORCE ROW LEVEL SECURITY`",
            self.table, self.role
        );
        problem(ErrorKind::Denied, reason)
    }
}

impl Needed {
    /// That it cannot be dropped.
    #[must_use]
    pub fn problem(&self, parent: &TableName) -> RetentionProblem {
        let reason = format!(
            "{} cannot be dropped, as it is needed by {}: drop that, or define it on {parent}",
            self.table,
            self.by.join(", ")
        );
        problem(ErrorKind::Conflict, reason)
    }
}

impl Obstacles {
    /// What stands in the way of a target. `is_below` says whether a table is the target's own, or a partition of it.
    #[must_use]
    pub fn of(
        &self,
        table: &TableName,
        target: &Target,
        besides: Option<&Besides>,
        is_below: impl Fn(&TableName) -> bool,
    ) -> Option<RetentionProblem> {
        let hidden = self.hidden.iter().find(|it| match target {
            Target::Partition { .. } => it.table == *table,
            Target::Room { default, .. } => default.as_ref() == Some(&it.table),
            Target::Rows { .. } => it.has_rows || it.table == *table,
            Target::Values { .. } => false,
        });
        if let Some(hidden) = hidden {
            return Some(hidden.problem());
        }
        if let (Target::Rows { .. }, Some(cascade)) = (target, self.cascades.first()) {
            return Some(cascade.problem());
        }
        match (target, besides) {
            (_, Some(Besides::Reallocate { .. } | Besides::Tablespace { .. })) => None,
            (Target::Partition { parent, .. }, _) => {
                let needed = self.needed.iter().find(|it| is_below(&it.table))?;
                Some(needed.problem(parent))
            }
            _ => None,
        }
    }
}

/// The items with nothing in their way, and what stands in the way of the others.
#[must_use]
pub fn sift(facts: &Table, items: Vec<Item>) -> (Vec<Item>, Vec<RetentionProblem>) {
    let obstacles = &facts.obstacles;
    let mut problems = Vec::new();
    let mut free = Vec::with_capacity(items.len());
    for item in items {
        let is_below = |table: &TableName| {
            let mut at = table;
            while *at != item.table {
                match facts.partitions.iter().find(|it| it.table == *at) {
                    Some(partition) => at = &partition.parent,
                    None => return false,
                }
            }
            true
        };
        // Levels of a rollup are tables of their own.
        let elsewhere = matches!(item.target, Target::Rows { .. }) && item.table != facts.table;
        let found = match elsewhere {
            true => None,
            false => obstacles.of(&item.table, &item.target, item.besides.as_ref(), is_below),
        };
        match found {
            Some(problem) => problems.push(problem),
            None => free.push(item),
        }
    }
    (free, problems)
}

/// What several items have in their way, as one problem; `None` for nothing.
#[must_use]
pub fn together(problems: &[RetentionProblem]) -> Option<RetentionProblem> {
    let first = problems.first()?;
    let more = match problems.len() - 1 {
        0 => String::new(),
        1 => "; 1 more item likewise".to_owned(),
        more => format!("; {more} more items likewise"),
    };
    Some(problem(first.kind, format!("{}{more}", first.reason)))
}
