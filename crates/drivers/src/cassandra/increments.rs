//! What was written since a backup: with `incremental_backups`, Cassandra gives every SSTable that it flushes or is sent a second
//! name, in the directory `backups` of its table, where compaction does not touch it.
//!
//! Such SSTables and those of the backup have every row, as long as nothing ever was written without that, and nothing was taken
//! away in any other way than by a deletion that is in them too.

use std::collections::{BTreeMap, BTreeSet};

use ostler_api::node::{Frozen, Increments};
use ostler_backup::cluster::Member;
use ostler_backup::driver::{Past, Take};
use ostler_vocabulary::BackupId;

use super::Cassandra;
use super::cql::Row;
use super::ring::{Node, Ring, SETTINGS, parameters, settings_of};
use super::schema::Schema;
use super::stale::OWN;
use crate::Error;

/// Has a node write its memtables to SSTables: a command of its agent.
pub(super) const FLUSH: &str = "cassandra-flush";

/// The setting that makes all of it.
const SETTING: &str = "incremental_backups";
/// All columns: 4.1 does not have the one that is wanted, and no such option.
const TABLES: &str = "SELECT * FROM system_schema.tables";
const VIEWS: &str = "SELECT * FROM system_schema.views";

/// Which files they are, beside those of a backup.
pub(super) fn of(base: BackupId) -> Take {
    Take {
        // data/KEYSPACE/TABLE-ID/backups
        frozen: Some(Frozen {
            depth: 2,
            within: "backups".into(),
            immutable: true,
            increments: Some(Increments {
                base,
                // Statistics change with compaction levels and repairs; rows do not.
                known_by: "-Data.db".to_owned(),
            }),
        }),
        hold: None,
        exclude: Vec::new(),
    }
}

/// A ring, as far as it decides whether increments are all that was written.
#[derive(Debug, Clone, Default)]
struct State {
    nodes: BTreeMap<String, Node>,
    schema: Schema,
    /// Nodes that keep increments.
    keep: BTreeSet<String>,
    /// Tables and views that are made without.
    without: Vec<String>,
}

impl Cassandra {
    pub(super) async fn gaps_since(&self, base: &Past, nodes: &[Member]) -> Result<Vec<String>, Error> {
        let ring = self.ring(nodes).await?;
        let mut now = State::default();
        for name in ring.nodes.keys() {
            let rows = self.cql.ask(self.settings.address(name), SETTINGS).await?;
            if parameters(&rows).any(|parameter| parameter == (SETTING, "true")) {
                now.keep.insert(name.clone());
            }
        }
        if let Some(name) = ring.nodes.keys().next() {
            let address = self.settings.address(name);
            now.schema = Schema::read(&*self.cql, address).await?;
            for statement in [TABLES, VIEWS] {
                now.without
                    .extend(without(&self.cql.ask(address, statement).await?));
            }
        }
        now.nodes = ring.nodes;
        Ok(gaps(base.backup, recorded(base).as_ref(), &now))
    }
}

/// The state that was kept with a backup. `None` where it was not.
fn recorded(base: &Past) -> Option<State> {
    let keeps = |node: &&String| {
        let settings = base.documents.get(&settings_of(node));
        settings.is_some_and(|settings| settings.lines().any(|line| line == format!("{SETTING} = true")))
    };
    let nodes = Ring::recorded(&base.documents)?.nodes;
    Some(State {
        keep: nodes.keys().filter(keeps).cloned().collect(),
        schema: Schema::recorded(&base.documents)?,
        nodes,
        without: Vec::new(),
    })
}

/// Tables of users for which increments are switched off.
fn without(rows: &[Row]) -> impl Iterator<Item = String> {
    let is_off = |row: &&Row| row.get(SETTING).is_some_and(|value| value == "false");
    let name = |row: &Row| {
        let name = row.get("table_name").or_else(|| row.get("view_name"))?;
        Some(format!("{}.{name}", row.get("keyspace_name")?))
    };
    rows.iter().filter(is_off).filter_map(name)
}

/// Why increments since a backup may not be all that was written.
fn gaps(base: BackupId, then: Option<&State>, now: &State) -> Vec<String> {
    let id = base.short();
    let Some(then) = then else {
        return vec![format!("backup {id} does not say what state the ring was in")];
    };
    let mut gaps = Vec::new();
    if then.schema != now.schema {
        gaps.push(format!("the schema has changed since backup {id}"));
    }
    let without = now.without.iter();
    gaps.extend(without.map(|table| format!("`{SETTING}` is off for table {table}")));
    for (name, node) in &now.nodes {
        if !now.keep.contains(name) {
            gaps.push(format!("`{SETTING}` is off on node `{name}`"));
            continue;
        }
        let gap = match then.nodes.get(name) {
            None => Some(format!("node `{name}` is not in backup {id}")),
            Some(_) if !then.keep.contains(name) => Some(format!(
                "`{SETTING}` was off on node `{name}` when backup {id} was made"
            )),
            Some(before) => since(before, node, &now.schema)
                .map(|happened| format!("node `{name}` {happened} since backup {id}")),
        };
        gaps.extend(gap);
    }
    gaps
}

/// What happened to a node that its increments do not tell.
fn since(then: &Node, now: &Node, schema: &Schema) -> Option<String> {
    let who = |node: &Node| (node.host_id.clone(), node.address.clone(), node.tokens.clone());
    if who(then) != who(now) {
        return Some("was replaced or moved".to_owned());
    }
    // What a process that was killed had just flushed may have got no second name.
    if now.generation.is_none() || then.generation != now.generation {
        return Some("was started again".to_owned());
    }
    let (Some(before), Some(after)) = (&then.emptied, &now.emptied) else {
        return Some("may have had tables emptied".to_owned());
    };
    let emptied = schema.tables.iter().find(|table| {
        !OWN.contains(&table.keyspace.as_str()) && before.get(&table.id) != after.get(&table.id)
    });
    emptied.map(|table| format!("had table {} emptied", table.full_name()))
}

#[cfg(test)]
mod tests {
    use super::super::schema::Table;
    use super::*;

    const ID: &str = "3c4b1600-e697-11f1-80d4-698ebae596e6";

    fn whole() -> State {
        let node = Node {
            host_id: "h".into(),
            tokens: vec!["1".into(), "5".into()],
            generation: Some("7".into()),
            emptied: Some(BTreeMap::new()),
            ..Node::default()
        };
        let table = |keyspace: &str, id: &str| Table {
            keyspace: keyspace.into(),
            name: "t".into(),
            id: id.into(),
            gc_grace_seconds: 1,
            base: None,
        };
        State {
            nodes: ["a", "b"].map(|name| (name.to_owned(), node.clone())).into(),
            schema: Schema {
                tables: vec![table("shop", ID), table("system", "own")],
                ..Schema::default()
            },
            keep: ["a", "b"].map(str::to_owned).into(),
            without: Vec::new(),
        }
    }

    fn changed(change: impl FnOnce(&mut State)) -> State {
        let mut state = whole();
        change(&mut state);
        state
    }

    fn of_b(change: impl FnOnce(&mut Node)) -> State {
        changed(|state| change(state.nodes.entry("b".to_owned()).or_default()))
    }

    #[test]
    fn a_table_without_increments_is_named() {
        let row = |columns: &[(&str, &str)]| -> Row {
            let columns = columns.iter();
            columns
                .map(|(name, value)| ((*name).into(), (*value).into()))
                .collect()
        };
        let rows = [
            row(&[("keyspace_name", "shop"), ("table_name", "t"), (SETTING, "false")]),
            row(&[("keyspace_name", "shop"), ("view_name", "v"), (SETTING, "false")]),
            row(&[("keyspace_name", "shop"), ("table_name", "u"), (SETTING, "true")]),
            row(&[("keyspace_name", "shop"), ("table_name", "of 4.1")]),
        ];
        assert_eq!(without(&rows).collect::<Vec<_>>(), ["shop.t", "shop.v"]);
    }

    #[test]
    fn every_way_in_which_something_may_be_missing_is_told() {
        let emptied = |id: &str| Some(BTreeMap::from([(id.to_owned(), "0x1".to_owned())]));
        let base = BackupId::from_bytes([7; 16]);
        for (then, now, told) in [
            (whole(), whole(), None),
            (whole(), of_b(|b| b.emptied = emptied("own")), None),
            (
                of_b(|b| b.emptied = emptied(ID)),
                of_b(|b| b.emptied = emptied(ID)),
                None,
            ),
            (
                whole(),
                of_b(|b| b.emptied = emptied(ID)),
                Some("table shop.t emptied"),
            ),
            (
                of_b(|b| b.emptied = None),
                whole(),
                Some("may have had tables emptied"),
            ),
            (
                whole(),
                of_b(|b| b.generation = Some("8".into())),
                Some("started again"),
            ),
            (
                of_b(|b| b.generation = None),
                of_b(|b| b.generation = None),
                Some("started again"),
            ),
            (
                whole(),
                of_b(|b| b.tokens.push("9".into())),
                Some("replaced or moved"),
            ),
            (whole(), changed(|s| s.schema.tables.truncate(1)), Some("schema")),
            (whole(), changed(|s| s.keep.clear()), Some("is off on node `a`")),
            (changed(|s| s.keep.clear()), whole(), Some("was off on node `a`")),
            (
                changed(|s| s.nodes.clear()),
                whole(),
                Some("node `a` is not in backup"),
            ),
            (
                whole(),
                changed(|s| s.without.push("shop.t".into())),
                Some("is off for table shop.t"),
            ),
        ] {
            let found = gaps(base, Some(&then), &now);
            match told {
                None => assert!(found.is_empty(), "{found:?}"),
                Some(told) => assert!(found.iter().any(|gap| gap.contains(told)), "{told}: {found:?}"),
            }
        }
        assert_eq!(gaps(base, None, &whole()).len(), 1);
    }
}
