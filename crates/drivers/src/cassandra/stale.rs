//! Whether a backup is too old to be put beside what lives on, and when a repair is needed. Pure.
//!
//! A deletion is remembered for `gc_grace_seconds`. A replica that has not heard of it by then keeps its row for ever, and gives
//! it back to the others. That is what a node or a table does that comes back from a backup older than that.

use std::collections::BTreeMap;

use ostler_vocabulary::Timestamp;

use super::schema::{SCHEMA_KEYSPACE, Schema, Table};

/// Keyspaces whose rows are each node's own, or of no lasting worth.
pub(super) const OWN: &[&str] = &["system", "system_traces"];
/// How many tables are named.
const NAMED: usize = 3;

/// What comes back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Back<'a> {
    /// All of the ring: nothing in it is newer.
    Ring,
    /// These nodes, into a ring that lives on.
    Nodes(Vec<&'a str>),
    /// These tables, in place, beside others that live on.
    Tables,
    /// Tables under other names: beside all that lives.
    Copies,
}

/// What follows from a backup's age.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Judgement {
    /// Why it must not come back unless somebody insists.
    pub(super) refused: Option<String>,
    /// What has to be done or known.
    pub(super) advice: Vec<String>,
}

/// Tables whose deletions count where they come back, with how long they are remembered: as it was recorded, or is now where that
/// is less.
pub(super) fn remembered<'a>(
    schema: &'a Schema,
    now: &BTreeMap<(String, String), u64>,
    back: &Back<'_>,
    is_meant: &dyn Fn(&Table) -> bool,
) -> Vec<(&'a Table, u64)> {
    let counts = |table: &&Table| {
        let keyspace = table.keyspace.as_str();
        // Of the schema each node has the whole: tables that were dropped come back with one node only.
        let is_alone = keyspace == SCHEMA_KEYSPACE && !matches!(back, Back::Nodes(_));
        !OWN.contains(&keyspace) && !is_alone && is_meant(table)
    };
    let with_time = |table: &'a Table| {
        let key = (table.keyspace.clone(), table.name.clone());
        let now = now.get(&key).copied().unwrap_or(table.gc_grace_seconds);
        (table, table.gc_grace_seconds.min(now))
    };
    schema.tables.iter().filter(counts).map(with_time).collect()
}

/// What follows for these tables.
pub(super) fn judge(
    back: &Back<'_>,
    tables: &[(&Table, u64)],
    taken: Timestamp,
    now: Timestamp,
) -> Judgement {
    let age = u64::try_from(now.as_second().saturating_sub(taken.as_second())).unwrap_or(0);
    let outlived: Vec<String> = tables
        .iter()
        .filter(|(_, remembered)| *remembered < age)
        .map(|(table, remembered)| format!("{} ({remembered} s)", table.full_name()))
        .collect();
    let what = match back {
        Back::Ring => None,
        Back::Nodes(_) if outlived.is_empty() => None,
        Back::Nodes(nodes) => Some(format!("restored onto {}", nodes.join(", "))),
        Back::Tables => Some("put in place".to_owned()),
        Back::Copies => None,
    };
    let mut judgement = Judgement::default();
    if let (Some(what), false) = (what, outlived.is_empty()) {
        judgement.refused = Some(format!(
            "the backup is {age} s old, older than deletions are remembered (gc_grace_seconds) in {}; {what}, rows that were \
             deleted would return",
            named(&outlived)
        ));
    }
    judgement.advice.extend(match back {
        Back::Ring | Back::Tables if outlived.is_empty() => {
            let first = tables.iter().map(|(_, remembered)| *remembered).min();
            first.map(|first| {
                let until = i64::try_from(first).ok().and_then(|first| {
                    let until = taken.as_second().checked_add(first)?;
                    Timestamp::from_second(until).ok()
                });
                format!(
                    "run `nodetool repair` on every node{}: replicas may differ in what was written while the backup was made",
                    until.map(|until| format!(" before {until}, when the first deletions are forgotten"))
                        .unwrap_or_default()
                )
            })
        }
        Back::Nodes(nodes) => Some(format!(
            "run `nodetool repair` on {} before anything else: what was written since {taken} is not there",
            nodes.join(", ")
        )),
        Back::Ring | Back::Tables => Some(format!(
            "run `nodetool repair` on every node at once: deletions that had not come to all replicas by {taken} are no longer \
             remembered in {}, and may be undone",
            named(&outlived)
        )),
        Back::Copies if outlived.is_empty() => None,
        Back::Copies => Some(format!(
            "rows may be there whose deletion had not come to all replicas by {taken}: it is no longer remembered in {}",
            named(&outlived)
        )),
    });
    judgement
}

fn named(tables: &[String]) -> String {
    let mut named: Vec<&str> = tables.iter().take(NAMED).map(String::as_str).collect();
    let rest = format!("{} more", tables.len().saturating_sub(NAMED));
    if tables.len() > NAMED {
        named.push(&rest);
    }
    named.join(", ")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test's way to fail")]
mod tests {
    use std::collections::BTreeMap;

    use ostler_vocabulary::Timestamp;

    use super::{Back, judge, remembered};
    use crate::cassandra::schema::{Schema, Table};

    fn schema() -> Schema {
        let table = |keyspace: &str, name: &str, gc_grace_seconds| Table {
            keyspace: keyspace.to_owned(),
            name: name.to_owned(),
            id: String::new(),
            gc_grace_seconds,
            base: None,
        };
        Schema {
            tables: vec![
                table("shop", "plain", 864_000),
                table("shop", "quick", 60),
                table("system", "local", 0),
                table("system_traces", "events", 0),
                table("system_schema", "tables", 604_800),
                table("system_auth", "roles", 7_776_000),
            ],
            ..Schema::default()
        }
    }

    /// What is said after so many seconds.
    fn said(
        back: &Back<'_>,
        keyspace: Option<&str>,
        age: i64,
        now: &[(&str, u64)],
    ) -> (Option<String>, String) {
        let schema = schema();
        let now: BTreeMap<_, _> = now
            .iter()
            .map(|(name, seconds)| (("shop".to_owned(), (*name).to_owned()), *seconds))
            .collect();
        let is_meant = |table: &Table| keyspace.is_none_or(|keyspace| table.keyspace == keyspace);
        let tables = remembered(&schema, &now, back, &is_meant);
        let taken = Timestamp::UNIX_EPOCH;
        let judgement = judge(back, &tables, taken, Timestamp::from_second(age).unwrap());
        (judgement.refused, judgement.advice.join("; "))
    }

    #[test]
    fn a_node_older_than_a_deletion_is_remembered_is_refused() {
        let nodes = Back::Nodes(vec!["b"]);
        for (age, tables) in [
            (60, None),
            (61, Some("in shop.quick (60 s); ")),
            (
                604_801,
                Some("in shop.quick (60 s), system_schema.tables (604800 s); "),
            ),
            (
                7_776_001,
                Some(
                    "in shop.plain (864000 s), shop.quick (60 s), system_schema.tables (604800 s), 1 more; ",
                ),
            ),
        ] {
            let (refused, advice) = said(&nodes, None, age, &[]);
            assert_eq!(refused.is_some(), tables.is_some(), "{age}");
            if let (Some(refused), Some(tables)) = (refused, tables) {
                assert!(refused.contains(tables), "{refused}");
            }
            assert!(advice.contains("repair` on b before anything else"), "{advice}");
        }
    }

    #[test]
    fn what_is_remembered_now_counts_where_it_is_shorter() {
        let nodes = Back::Nodes(vec!["b"]);
        assert_eq!(said(&nodes, Some("shop"), 59, &[("quick", 600)]).0, None);
        assert!(
            said(&nodes, Some("shop"), 59, &[("plain", 10)])
                .0
                .unwrap()
                .contains("shop.plain (10 s)")
        );
    }

    #[test]
    fn tables_in_place_are_refused_copies_and_whole_rings_are_not() {
        assert!(
            said(&Back::Tables, Some("shop"), 61, &[])
                .0
                .unwrap()
                .contains("put in place")
        );
        assert_eq!(said(&Back::Tables, Some("system_schema"), 700_000, &[]).0, None);
        for back in [Back::Ring, Back::Copies] {
            let (refused, advice) = said(&back, None, 864_001, &[]);
            assert_eq!(refused, None);
            assert!(
                advice.contains("shop.plain (864000 s), shop.quick (60 s)"),
                "{advice}"
            );
        }
    }

    #[test]
    fn it_says_until_when_a_ring_has_to_be_repaired() {
        let (_, advice) = said(&Back::Ring, None, 30, &[]);
        assert!(
            advice.contains("on every node before 1970-01-01T00:01:00Z"),
            "{advice}"
        );
        assert_eq!(said(&Back::Copies, None, 30, &[]).1, "");
        // A clock that went back makes nothing old.
        assert_eq!(said(&Back::Nodes(vec!["b"]), None, -100, &[]).0, None);
    }
}
