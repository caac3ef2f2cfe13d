//! Which node of a cluster gets the files of which node of a backup, to load them. Pure.

use std::collections::{BTreeMap, BTreeSet};

use ostler_api::request::Onto;

use crate::Error;

/// Pairs of a node of the backup and the node that gets its files. Those that nobody mapped go to the node of their name; where there is
/// none, to whichever has the fewest. No node of the backup is left out, and several may go to one.
pub(super) fn pairs(
    backup: &BTreeSet<&str>,
    cluster: &[&str],
    onto: &Onto,
) -> Result<Vec<(String, String)>, Error> {
    let wrong = |what: String, reason: &str| {
        let reason = reason.to_owned();
        Err(Error::Malformed { what, reason })
    };
    let mut given: BTreeMap<&str, &str> = BTreeMap::new();
    for (from, to) in &onto.nodes {
        if !backup.contains(from.as_str()) {
            return wrong(format!("node `{from}`"), "is not in the backup");
        }
        if !cluster.contains(&to.as_str()) {
            return wrong(format!("node `{to}`"), "is not in the cluster");
        }
        if given.insert(from, to).is_some() {
            return wrong(format!("node `{from}`"), "is mapped twice");
        }
    }
    for from in backup {
        if cluster.contains(from) && !given.contains_key(from) {
            given.insert(from, from);
        }
    }
    for from in backup {
        if given.contains_key(from) {
            continue;
        }
        let load = |node: &&&str| given.values().filter(|to| *to == *node).count();
        match cluster.iter().min_by_key(load) {
            Some(least) => given.insert(from, least),
            None => {
                return wrong(
                    format!("node `{from}`"),
                    "has nowhere to go: the cluster has no nodes",
                );
            }
        };
    }
    let owned = |(from, to): (&str, &str)| (from.to_owned(), to.to_owned());
    Ok(given.into_iter().map(owned).collect())
}

#[cfg(test)]
mod tests {
    use ostler_api::request::Onto;

    use super::pairs;

    fn spread(backup: &str, cluster: &str, nodes: &str) -> Result<String, String> {
        let onto = Onto {
            nodes: nodes
                .split_whitespace()
                .filter_map(|pair| pair.split_once('='))
                .map(|(from, to)| (from.to_owned(), to.to_owned()))
                .collect(),
            ..Onto::default()
        };
        let cluster: Vec<&str> = cluster.split_whitespace().collect();
        let found = pairs(&backup.split_whitespace().collect(), &cluster, &onto);
        let shown = |(from, to): (String, String)| format!("{from}={to}");
        found
            .map(|pairs| pairs.into_iter().map(shown).collect::<Vec<_>>().join(" "))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn every_node_of_the_backup_goes_somewhere() {
        assert_eq!(spread("a b c", "a b c", "").as_deref(), Ok("a=a b=b c=c"));
        assert_eq!(spread("a b c", "a b c", "a=b b=a").as_deref(), Ok("a=b b=a c=c"));
        assert_eq!(spread("a b c", "x y", "").as_deref(), Ok("a=x b=y c=x"));
        assert_eq!(spread("a b c", "a", "").as_deref(), Ok("a=a b=a c=a"));
        assert_eq!(spread("a", "a b c", "a=c").as_deref(), Ok("a=c"));
        assert_eq!(spread("a b", "c d", "b=c").as_deref(), Ok("a=d b=c"));
    }

    #[test]
    fn what_is_not_there_is_not_mapped() {
        for (nodes, part) in [
            ("z=a", "`z` is not in the backup"),
            ("a=z", "`z` is not in the cluster"),
            ("a=a a=b", "`a` is mapped twice"),
        ] {
            let error = spread("a", "a b", nodes).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }
}
